/* saint score as a user meets it. */
#define _GNU_SOURCE
#include "support/data_files.h"
#include "support/program.h"

static program_run r;

/* Run `saint score ARGS` in the folder of the data. */
static void score(const char *args)
{
    char all[4096];
    snprintf(all, sizeof all, "score %s", args);
    program_in(&r, data_folder, all);
}

static void refused(const char *args, const char *words)
{
    score(args);
    program_refused(r.status, r.out, r.err, words);
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
    assert_int_equal(json_get(c, "n")->valueint, 2);
    assert_true(json_get(c, "metrics.accuracy.value")->valuedouble == 1);
    assert_true(json_get(c, "metrics.perception.value")->valuedouble == 200);
    assert_true(cJSON_IsNull(json_get(c, "metrics.perception.low")));
    assert_true(json_get(c, "metrics.accuracy.high")->valuedouble == 1 && json_get(c, "metrics.accuracy.low")->valuedouble < 1);
    assert_int_equal(json_get(c, "metrics.accuracy.n")->valueint, 2);
    assert_true(json_get(c, "categories.color.score.value")->valuedouble == 200);
    assert_int_equal(json_get(c, "parsed_other")->valueint, 0);
    assert_string_equal(json_get(c, "parser")->valuestring, "lmms");
    assert_string_equal(json_get(c, "data.kind")->valuestring, "mme");
    assert_int_equal(strlen(json_get(c, "data.sha256")->valuestring), 64);
    assert_int_equal(json_get(c, "answers.unknown.n")->valueint, 1);
    assert_string_equal(json_get(c, "answers.unknown.first")->child->valuestring, "color/7.jpg#1");
    assert_true(cJSON_GetArraySize(json_get(c, "warnings")) >= 2); /* the unknown one, the missing tasks */
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
    /* alone it is the embedded test split, made where it is missing */
    data_write("yes.jsonl", "{\"uid\": \"OCR/0001.png#0\", \"answer\": \"yes\"}\n");
    setenv("XDG_CACHE_HOME", data_folder, 1);
    score("--data scenes --answers yes.jsonl --json");
    unsetenv("XDG_CACHE_HOME");
    cJSON *c = program_json(&r);
    assert_int_equal(json_get(c, "n")->valueint, 1);
    assert_int_equal(json_get(c, "n_total")->valueint, 2002);
    cJSON_Delete(c);
    /* what `saint eval --out` leaves: more than answers */
    data_write("run/eval.json", "{}");
    data_write("run/answers.jsonl", "{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"}\n");
    data_write("run/errors.jsonl", "");
    score("--data mme:mme --answers run --json");
    c = program_json(&r);
    assert_int_equal(json_get(c, "n")->valueint, 1);
    cJSON_Delete(c);
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
