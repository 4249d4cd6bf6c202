/* saint score as a user meets it. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include <sys/wait.h>

#include "formats/json.h"

static struct {
    int status;
    char out[1 << 20], err[8192];
} r;

static void slurp(const char *path, char *buf, size_t size)
{
    char *text;
    size_t n;
    assert_ok(saint_file_read(path, size - 1, &text, &n, err));
    memcpy(buf, text, n + 1);
    free(text);
}

/* Run `saint score ARGS` in the folder of the data. */
static void score(const char *args)
{
    char command[4096];
    snprintf(command, sizeof command, "cd %s && %s score %s >%s.out 2>%s.err </dev/null", data_folder, SAINT_BINARY, args, data_folder,
             data_folder);
    int st = system(command);
    r.status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
    char path[64];
    snprintf(path, sizeof path, "%s.out", data_folder);
    slurp(path, r.out, sizeof r.out);
    unlink(path);
    snprintf(path, sizeof path, "%s.err", data_folder);
    slurp(path, r.err, sizeof r.err);
    unlink(path);
}

static void refused(const char *args, const char *words)
{
    score(args);
    if (r.status != 2) fail_msg("%s: expected exit 2, found %d: %s", args, r.status, r.err);
    assert_string_equal(r.out, "");
    const char *newline = strchr(r.err, '\n');
    if (!newline || newline[1]) fail_msg("expected one line, found: %s", r.err);
    if (!strstr(r.err, words)) fail_msg("expected \"%s\" in: %s", words, r.err);
}

static const cJSON *get(const cJSON *c, const char *path)
{
    char key[64];
    for (const char *p = path; c && *p;) {
        size_t n = strcspn(p, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        c = cJSON_GetObjectItemCaseSensitive(c, key);
        p += n + (p[n] == '.');
    }
    if (!c) fail_msg("the JSON has no %s", path);
    return c;
}

static void make(void)
{
    data_write("mme/color/1.txt", "Is it red?\tYes\nIs it blue?\tNo\n");
    data_write("a.jsonl", "{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"}\n{\"uid\": \"color/1.jpg#1\", \"answer\": \"no\"}\n{\"uid\": "
                          "\"color/7.jpg#1\", \"answer\": \"no\"}\n");
}

static void json_follows_the_contract(void **state)
{
    (void)state;
    make();
    score("--data mme:mme --answers a.jsonl --json");
    assert_int_equal(r.status, 0);
    assert_string_equal(r.err, "");
    cJSON *c;
    assert_ok(saint_json_parse(r.out, strlen(r.out), sizeof r.out, "stdout", &c, err));
    assert_int_equal(get(c, "n")->valueint, 2);
    assert_true(get(c, "metrics.accuracy.value")->valuedouble == 1);
    assert_true(get(c, "metrics.perception.value")->valuedouble == 200);
    assert_true(cJSON_IsNull(get(c, "metrics.perception.low")));
    assert_true(get(c, "metrics.accuracy.high")->valuedouble == 1 && get(c, "metrics.accuracy.low")->valuedouble < 1);
    assert_int_equal(get(c, "metrics.accuracy.n")->valueint, 2);
    assert_true(get(c, "categories.color.score.value")->valuedouble == 200);
    assert_int_equal(get(c, "parsed_other")->valueint, 0);
    assert_string_equal(get(c, "parser")->valuestring, "lmms");
    assert_string_equal(get(c, "data.kind")->valuestring, "mme");
    assert_int_equal(strlen(get(c, "data.sha256")->valuestring), 64);
    assert_int_equal(get(c, "answers.unknown.n")->valueint, 1);
    assert_string_equal(get(c, "answers.unknown.first")->child->valuestring, "color/7.jpg#1");
    assert_true(cJSON_GetArraySize(get(c, "warnings")) >= 2); /* the unknown one, the missing tasks */
    cJSON_Delete(c);
    static char first[1 << 20];
    strcpy(first, r.out);
    score("--data mme:mme --answers a.jsonl --json");
    assert_string_equal(first, r.out); /* the same bits every time */
}

static void text_is_for_people(void **state)
{
    (void)state;
    make();
    score("--data mme:mme --answers a.jsonl --parser official");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "parser official"));
    assert_non_null(strstr(r.out, "perception"));
    assert_non_null(strstr(r.out, "200.0000"));
    assert_non_null(strstr(r.err, "1 answers belong to no sample and are not scored: color/7.jpg#1"));
}

static void wrong_usage_and_broken_files(void **state)
{
    (void)state;
    make();
    data_write("pics/a.jpg", "");
    data_write("broken.jsonl", "{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"");
    refused("", "--data");
    refused("--data mme:mme", "--answers");
    refused("--data mme:mme --answers a.jsonl --parser gpt", "lmms or official");
    refused("--data nope:mme --answers a.jsonl", "one of scenes");
    refused("--data mme:missing --answers a.jsonl", "missing");
    refused("--data mme:mme --answers missing.jsonl", "missing.jsonl");
    refused("--data mme:mme --answers broken.jsonl", "broken.jsonl");
    refused("--data images:pics --answers a.jsonl", "right answers");
    refused("--data mme:mme --answers a.jsonl --questions nowhere", "nowhere");
    score("--help");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "--answers FILE|DIR"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_follows_the_contract),
        cmocka_unit_test(text_is_for_people),
        cmocka_unit_test(wrong_usage_and_broken_files),
    };
    return cmocka_run_group_tests(tests, data_make, data_remove);
}
