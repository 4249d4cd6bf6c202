/* saint eval as a user meets it: scores, folders that go on where they stopped, pictures that are none, interruptions. */
#define _GNU_SOURCE
#include "support/data_files.h"
#include "support/program.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>

#include "device_use.h"

#define LLAVA "--model " SAINT_FIXTURE_DIR "/llava-tiny-new --template llava_hf"
#define TIMM "--model " SAINT_FIXTURE_DIR "/timm-vit-tiny"
#define PRUNED " --set 'prune_mode[0]=saint_drop' --set sim_threshold=0.85 --set K=2"

static program_run r;

static void slurp(const char *path, char *buf, size_t size) { program_read(path, buf, size, false); }

static void command_line(char *out, size_t size, const char *before, const char *args)
{
    char with[3072];
    snprintf(with, sizeof with, "eval %s", args);
    program_line(out, size, data_folder, before, with);
}

static void finish(int how) { program_finish(&r, data_folder, how); }

/* Run `saint eval ARGS` in the folder of the data. */
static void eval(const char *args)
{
    char command[4096];
    command_line(command, sizeof command, "", args);
    finish(system(command));
}

static cJSON *json_of(const char *args)
{
    eval(args);
    return program_json(&r);
}

static void refused(const char *args, const char *words)
{
    eval(args);
    program_refused(r.status, r.out, r.err, words);
}

static double number(const cJSON *c, const char *path)
{
    const cJSON *v = json_get(c, path);
    if (!cJSON_IsNumber(v)) fail_msg("%s is no number", path);
    return v->valuedouble;
}

static void copy_picture(const char *fixture, const char *name)
{
    char path[512], *bytes;
    size_t n;
    snprintf(path, sizeof path, "%s/pictures/%s", SAINT_FIXTURE_DIR, fixture);
    assert_ok(saint_file_read(path, 1 << 20, &bytes, &n, err));
    data_write_bytes(name, bytes, n);
    free(bytes);
}

static const char broken_picture[] = "\x89PNG\r\n\x1a\nno picture at all";

/* Twelve pictures of scenes with two questions each, of which one picture is broken and one is missing. */
static void make(void)
{
    static bool made;
    char name[64], *text;
    size_t n;
    FILE *f;
    if (made) return;
    made = true;
    for (int i = 0; i < 12; i++) {
        const char *task = i < 6 ? "color" : "count";
        snprintf(name, sizeof name, "s/%s/%02d.txt", task, i);
        data_write(name, "Is there a red square in the picture?\tYes\nHow many?\tNo\n");
        snprintf(name, sizeof name, "s/%s/%02d.png", task, i);
        if (i == 4) data_write(name, broken_picture);
        else if (i != 9) copy_picture(i % 2 ? "a-32.png" : "e-36.png", name);
    }
    for (int i = 0; i < 11; i++) {
        snprintf(name, sizeof name, "classes/n%02d/p.png", i);
        copy_picture("b-32.png", name);
    }
    f = open_memstream(&text, &n);
    for (int i = 0; i < 400; i++)
        fprintf(f, "{\"uid\": \"q%d\", \"question\": \"How many %d?\", \"answers\": [\"two\"], \"image\": \"../s/color/0%d.png\"}\n", i, i,
                i % 3);
    fclose(f);
    data_write("many/manifest.jsonl", text);
    free(text);
}

static void json_follows_the_contract(void **state)
{
    (void)state;
    make();
    cJSON *c = json_of(LLAVA " --data scenes:s --json --max-new-tokens 3" PRUNED);
    assert_string_equal(r.err, "");
    assert_int_equal(number(c, "n"), 20);
    assert_int_equal(number(c, "n_total"), 24);
    assert_int_equal(number(c, "n_error"), 4);
    double accuracy = number(c, "metrics.accuracy.value");
    assert_true(accuracy >= 0 && accuracy <= 1);
    assert_true(number(c, "metrics.accuracy.low") <= accuracy && number(c, "metrics.accuracy.high") >= accuracy);
    assert_int_equal(number(c, "metrics.accuracy.n"), 20);
    (void)json_get(c, "metrics.total.value");
    (void)json_get(c, "categories.color.score.value");
    assert_int_equal(number(c, "categories.count.acc.n"), 10);
    double same = number(c, "fidelity.agreement.value");
    assert_true(same >= 0 && same <= 1);
    assert_true(number(c, "fidelity.kl.value") > 0);
    assert_int_equal(number(c, "difference.n"), 20);
    (void)number(c, "difference.p_mcnemar");
    assert_true(fabs(number(c, "difference.value") - (accuracy - number(c, "baseline.metrics.accuracy.value"))) < 1e-12);
    assert_true(number(c, "throughput") > 0 && number(c, "timings_ms.total") > 0 && number(c, "timings_ms.vit") > 0);
    assert_true(cJSON_IsNull(json_get(c, "timings_ms.p90")));
    assert_true(number(c, "speedup.value") > 0);
    assert_int_equal(number(c, "tokens.vit_in"), 81);
    assert_true(number(c, "tokens.vit_out") < 81 && number(c, "tokens.keep_ratio") < 1);
    assert_true(number(c, "flops.ratio") < 1 && number(c, "flops.total") > 0 && number(c, "kv_bytes") > 0);
    assert_int_equal(number(c, "baseline.tokens.vit_out"), 81);
    assert_int_equal(cJSON_GetArraySize(json_get(c, "errors")), 4);
    const cJSON *first = json_get(c, "errors")->child;
    assert_non_null(strstr(json_get(first, "uid")->valuestring, "count/09"));
    assert_non_null(strstr(json_get(first, "error")->valuestring, "count/09"));
    assert_int_equal(strlen(json_get(c, "model.sha256")->valuestring), 64);
    assert_int_equal(strlen(json_get(c, "data.sha256")->valuestring), 64);
    assert_string_equal(json_get(c, "config.mode")->valuestring, "vit");
    assert_int_equal(strlen(json_get(c, "trial")->valuestring), 16);
    cJSON_Delete(c);
    eval(LLAVA " --data scenes:s --max-new-tokens 3" PRUNED);
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "20 of 24 samples"));
    assert_non_null(strstr(r.out, "McNemar"));
    assert_non_null(strstr(r.err, "color/04.png#0 failed"));
    assert_non_null(strstr(r.err, "picture of count/09"));
}

static void a_part_of_the_samples(void **state)
{
    (void)state;
    make();
    cJSON *c = json_of(LLAVA " --data scenes:s --json --limit 4 --max-new-tokens 2");
    assert_int_equal(number(c, "n_total"), 4);
    assert_string_equal(json_get(c, "config.mode")->valuestring, "none");
    assert_true(number(c, "fidelity.agreement.value") == 1 && number(c, "flops.ratio") == 1);
    cJSON_Delete(c);
    c = json_of(LLAVA " --data scenes:s --json --samples color/01.png#1,count/08.png#0 --samples count/07.png#0 --max-new-tokens 2");
    assert_int_equal(number(c, "n_total"), 3);
    assert_int_equal(number(c, "n"), 3);
    cJSON_Delete(c);
    refused(LLAVA " --data scenes:s --samples color/01.png#1,nobody", "nobody");
    refused(LLAVA " --data scenes:s --limit 0", "--limit");
    /* all that was asked for failed: there is no result */
    eval(LLAVA " --data scenes:s --samples color/04.png#0 --json");
    assert_int_equal(r.status, 1);
}

static void classifiers_and_folders_of_pictures(void **state)
{
    (void)state;
    make();
    cJSON *c = json_of(TIMM " --data imagefolder:classes --json --set 'prune_mode[0]=random' --set keep_num=30 --parser official");
    assert_int_equal(number(c, "n"), 11);
    assert_true(fabs(number(c, "metrics.top1.value") - 1.0 / 11) < 1e-12); /* one picture for all eleven classes */
    assert_true(fabs(number(c, "metrics.top5.value") - 5.0 / 11) < 1e-12);
    assert_int_equal(number(c, "tokens.vit_out"), 29);
    cJSON_Delete(c);
    data_write("pictures/none.txt", "");
    copy_picture("a-32.png", "pictures/a.png");
    copy_picture("b-32.png", "pictures/b.png");
    c = json_of(LLAVA " --data images:pictures --json --max-new-tokens 2" PRUNED);
    assert_int_equal(number(c, "n"), 2);
    assert_true(cJSON_IsNull(json_get(c, "main")));
    (void)number(c, "fidelity.agreement.value");
    cJSON_Delete(c);
}

static void wrong_usage_is_one_line(void **state)
{
    (void)state;
    make();
    refused(LLAVA " --data nope:s", "one of scenes");
    refused(LLAVA " --data scenes:nowhere", "nowhere");
    refused(LLAVA " --data imagefolder:classes", "no classifier");
    refused(TIMM " --data scenes:s", "is a classifier");
    refused("--model " SAINT_FIXTURE_DIR "/llama-tiny --template plain --data scenes:s", "text only");
    refused(LLAVA " --data scenes:s --parser gpt", "lmms or official");
    refused(LLAVA " --data scenes:s --prompts mine", "lmms or llava");
    refused(LLAVA " --data scenes:s --set mode=llm --set saint_end=16", "saint_end");
    refused(LLAVA " --data scenes:s --max-new-tokens 0", "--max-new-tokens");
    refused(LLAVA " --data scenes:s --out s/color/00.txt", "00.txt");
    refused("--model nowhere --data scenes:s", "nowhere");
    eval("--help");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "--out DIR"));
}

/* ---- folders ------------------------------------------------------------------------------------------------------ */

static size_t lines_of(const char *name)
{
    char *text;
    size_t n, lines = 0;
    if (!saint_file_exists(data_path(name))) return 0;
    assert_ok(saint_file_read(data_path(name), 64 << 20, &text, &n, err));
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    free(text);
    return lines;
}

/* The lines without what differs from run to run, in order of uid. */
static void outcomes(const char *name, char *out, size_t size)
{
    char command[1024], path[256];
    snprintf(path, sizeof path, "%s.sorted", data_folder);
    snprintf(command, sizeof command,
             "sed -E 's/\"t_[a-z]+_s\":[^,]*,//g; s/\"(finished|reused|peak_rss)\":[^,]*,//g; s/\"attempt\".*//' %s | sort > %s", data_path(name),
             path);
    assert_int_equal(system(command), 0);
    slurp(path, out, size);
    unlink(path);
}

static void the_same_command_goes_on(void **state)
{
    (void)state;
    static char before[1 << 20], after[1 << 20];
    make();
    cJSON *c = json_of(LLAVA " --data scenes:s --json --out o/deep/er --max-new-tokens 3" PRUNED);
    double accuracy = number(c, "metrics.accuracy.value");
    assert_int_equal(number(c, "resumed"), 0);
    cJSON_Delete(c);
    assert_int_equal(lines_of("o/deep/er/answers.jsonl"), 20);
    assert_int_equal(lines_of("o/deep/er/baseline.jsonl"), 20);
    assert_int_equal(lines_of("o/deep/er/errors.jsonl"), 8);
    slurp(data_path("o/deep/er/answers.jsonl"), before, sizeof before);
    c = json_of(LLAVA " --data scenes:s --json --out o/deep/er --max-new-tokens 3" PRUNED);
    assert_int_equal(number(c, "resumed"), 20);
    assert_true(number(c, "metrics.accuracy.value") == accuracy);
    assert_int_equal(number(c, "n_error"), 4); /* tried again */
    cJSON_Delete(c);
    slurp(data_path("o/deep/er/answers.jsonl"), after, sizeof after);
    assert_string_equal(before, after);
    /* scored again without a model */
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s score --data scenes:s --answers o/deep/er/answers.jsonl --json > %s.out 2> %s.err",
             data_folder, SAINT_BINARY, data_folder, data_folder);
    finish(system(command));
    assert_int_equal(r.status, 0);
    assert_ok(saint_json_parse(r.out, strlen(r.out), sizeof r.out, "stdout", &c, err));
    assert_true(number(c, "metrics.accuracy.value") == accuracy);
    assert_int_equal(number(c, "answers.unknown.n"), 0);
    cJSON_Delete(c);
    /* what is mended is tried again */
    copy_picture("a-32.png", "s/color/04.png");
    c = json_of(LLAVA " --data scenes:s --json --out o/deep/er --max-new-tokens 3" PRUNED);
    assert_int_equal(number(c, "n_error"), 2);
    assert_int_equal(number(c, "resumed"), 20);
    cJSON_Delete(c);
    data_write("s/color/04.png", broken_picture);
    refused(LLAVA " --data scenes:s --json --out o/deep/er --max-new-tokens 4" PRUNED, "another evaluation");
    refused(LLAVA " --data scenes:s --json --out o/deep/er --max-new-tokens 3", "another evaluation");
    int fd = open(data_path("o/deep/er"), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    refused(LLAVA " --data scenes:s --json --out o/deep/er --max-new-tokens 3" PRUNED, "another process");
    close(fd);
}

/* A line that was cut and one whose bytes changed are as good as not there, and the others stay. */
static void damaged_lines_are_made_again(void **state)
{
    (void)state;
    static char whole[1 << 20], broken[1 << 20], after[1 << 20];
    make();
    cJSON_Delete(json_of(LLAVA " --data scenes:s --json --out damaged --max-new-tokens 3 --limit 6" PRUNED));
    outcomes("damaged/answers.jsonl", whole, sizeof whole);
    slurp(data_path("damaged/answers.jsonl"), broken, sizeof broken);
    char *second = strchr(broken, '\n') + 1, *digit = strstr(second, "\"out_ids\":[") + 11;
    *digit = *digit == '1' ? '2' : '1';
    data_write_bytes("damaged/answers.jsonl", broken, strlen(broken) - 40);
    cJSON *c = json_of(LLAVA " --data scenes:s --json --out damaged --max-new-tokens 3 --limit 6" PRUNED);
    assert_int_equal(number(c, "resumed"), 4);
    assert_non_null(strstr(r.err, "1 lines cannot be read")); /* the cut one went without a word */
    cJSON_Delete(c);
    /* leave the damaged line out: the rest is what it was */
    slurp(data_path("damaged/answers.jsonl"), broken, sizeof broken);
    second = strchr(broken, '\n') + 1;
    char *third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    data_write("damaged/answers.jsonl", broken);
    outcomes("damaged/answers.jsonl", after, sizeof after);
    assert_string_equal(whole, after);
}

static pid_t start(const char *args)
{
    char command[4096];
    command_line(command, sizeof command, "", args);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    return child;
}

/* Wait until the file has so many lines. false: the process ended before. */
static bool grown(pid_t child, const char *name, size_t lines, int *st)
{
    while (lines_of(name) < lines) {
        if (waitpid(child, st, WNOHANG) == child) return false;
        sched_yield();
    }
    return true;
}

static void interrupted_and_killed_runs_lose_nothing(void **state)
{
    (void)state;
    static char whole[1 << 20], pieces[1 << 20];
    static const char *const args = LLAVA " --data manifest:many --json --max-new-tokens 2 --out cut" PRUNED;
    int st = 0, interrupted = 0;
    make();
    cJSON_Delete(json_of(LLAVA " --data manifest:many --json --max-new-tokens 2 --out uncut" PRUNED));
    outcomes("uncut/answers.jsonl", whole, sizeof whole);
    const int signals[] = {SIGINT, SIGKILL, SIGTERM, SIGKILL};
    for (int i = 0; i < 4; i++) {
        pid_t child = start(args);
        size_t had = lines_of("cut/answers.jsonl");
        if (grown(child, "cut/answers.jsonl", had + 5, &st)) {
            kill(child, signals[i]);
            assert_int_equal(waitpid(child, &st, 0), child);
            interrupted++;
        }
        finish(st);
        if (signals[i] == SIGKILL) {
            if (r.status != 0) assert_int_equal(r.status, 128 + SIGKILL);
            continue;
        }
        if (r.status == 0) continue; /* it was faster */
        assert_int_equal(r.status, 75);
        assert_string_equal(r.out, "");
        assert_non_null(strstr(r.err, "the same command goes on"));
        assert_true(lines_of("cut/answers.jsonl") >= had + 5);
    }
    assert_true(interrupted > 0);
    cJSON *c = json_of(args);
    assert_int_equal(number(c, "n"), 400);
    cJSON_Delete(c);
    outcomes("cut/answers.jsonl", pieces, sizeof pieces);
    assert_string_equal(whole, pieces); /* every sample once, and as if nothing had happened */
}

static void a_full_disk_is_a_clear_error(void **state)
{
    (void)state;
    char command[4096];
    make();
    command_line(command, sizeof command, "ulimit -f 20 &&", LLAVA " --data manifest:many --json --max-new-tokens 2 --out full" PRUNED);
    finish(system(command));
    assert_int_equal(r.status, 75); /* as of a sweep: nobody's mistake, nothing lost */
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, ".jsonl: cannot be written"));
    assert_non_null(strstr(r.err, " of 400 samples are finished; the same command goes on"));
    size_t had = lines_of("full/answers.jsonl");
    assert_true(had > 3 && had < 400);
    cJSON *c = json_of(LLAVA " --data manifest:many --json --max-new-tokens 2 --out full" PRUNED);
    assert_int_equal(number(c, "resumed"), had);
    assert_int_equal(number(c, "n"), 400);
    cJSON_Delete(c);
}

/* One line of a table as `saint export` writes it, by its number. */
static void exported(const char *args, int line, char *out, size_t size)
{
    char all[4096];
    snprintf(all, sizeof all, "export %s", args);
    program_in(&r, data_folder, all);
    if (r.status != 0) fail_msg("%s: exit %d: %s", args, r.status, r.err);
    const char *p = r.out;
    for (int i = 0; i < line && p; i++) p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL;
    assert_non_null(p);
    snprintf(out, size, "%.*s", (int)strcspn(p, "\n"), p);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

/* What an evaluation leaves behind goes wherever that of a sweep goes. */
static void folders_are_exported(void **state)
{
    (void)state;
    char row[16384], command[4096], name[64];
    make();
    cJSON *c = json_of(LLAVA " --data scenes:s --json --out x --max-new-tokens 3 --limit 20 --parser official" PRUNED);
    double accuracy = number(c, "metrics.accuracy.value");
    cJSON_Delete(c);
    c = json_of(LLAVA " --data scenes:s --json --out x --max-new-tokens 3 --parser official" PRUNED);
    accuracy = number(c, "metrics.accuracy.value");
    cJSON_Delete(c);
    exported("x --no-timing", 2, row, sizeof row);
    assert_int_equal(count_lines(r.out), 3); /* the heading, unpruned, pruned */
    assert_non_null(strstr(row, ",prune_mode[0]=saint_drop sim_threshold=0.85 K=2,"));
    assert_non_null(strstr(row, ",complete,scenes,"));
    assert_non_null(strstr(row, ",24,24,4,"));
    assert_non_null(strstr(row, ",official,eval,,"));
    exported("x --format samples-csv --no-timing", 1, row, sizeof row);
    assert_int_equal(count_lines(r.out), 1 + 2 * 24);
    exported("x --format jsonl --where '!baseline'", 0, row, sizeof row);
    assert_int_equal(count_lines(r.out), 1 + 24);
    assert_ok(saint_json_parse(row, strlen(row), sizeof row, "row", &c, err));
    assert_true(fabs(number(c, "accuracy") - accuracy) < 1e-12);
    assert_true(number(c, "wall_s") > 0 && number(c, "peak_rss_mib") > 0);
    assert_int_equal(strlen(json_get(c, "env_fingerprint")->valuestring), 64);
    cJSON_Delete(c);
    exported("x --format lmms-eval -o x.lmms", 0, row, sizeof row);
    assert_true(saint_file_exists(data_path("x.lmms/000-unpruned/results.json")));
    exported("x --format mme -o x.mme", 0, row, sizeof row);
    assert_true(saint_file_exists(data_path("x.mme/000-unpruned/color.txt")));
    /* part of it, and one that was written before there was runs.jsonl */
    command_line(command, sizeof command, "ulimit -f 8 &&", LLAVA " --data manifest:many --max-new-tokens 2 --out part" PRUNED);
    finish(system(command));
    assert_int_equal(r.status, 75);
    exported("part", 1, row, sizeof row);
    assert_non_null(strstr(row, ",running,manifest,"));
    snprintf(name, sizeof name, ",400,%zu,0,", lines_of("part/baseline.jsonl"));
    if (!strstr(row, name)) fail_msg("expected %s in %s", name, row);
    assert_non_null(strstr(r.err, "not complete"));
    unlink(data_path("x/runs.jsonl"));
    program_in(&r, data_folder, "export x");
    program_refused(r.status, r.out, r.err, "the same `saint eval --out` command again adds that");
    cJSON_Delete(json_of(LLAVA " --data scenes:s --json --out x --max-new-tokens 3 --parser official" PRUNED));
    exported("x", 2, row, sizeof row);
    assert_non_null(strstr(row, ",complete,scenes,"));
    assert_non_null(strstr(row, ",24,24,4,"));
    assert_non_null(strstr(row, ",official,eval,,"));
}

/* Times that were taken while another one used the device are no times. */
static void shared_devices_are_noticed(void **state)
{
    (void)state;
    device_use other;
    make();
    device_use_open(&other, data_folder, "cpu");
    device_use_begin(&other);
    cJSON *c = json_of(LLAVA " --data scenes:s --json --limit 2 --max-new-tokens 2" PRUNED);
    assert_int_equal(number(c, "n"), 2);
    assert_int_equal(number(c, "timings_ms.n"), 0);
    assert_true(cJSON_IsNull(json_get(c, "timings_ms.total")) && cJSON_IsNull(json_get(c, "throughput")) && cJSON_IsNull(json_get(c, "speedup.value")));
    assert_non_null(strstr(r.err, "the times of 4 runs do not count"));
    cJSON_Delete(c);
    device_use_close(&other);
    c = json_of(LLAVA " --data scenes:s --json --limit 2 --max-new-tokens 2" PRUNED);
    assert_int_equal(number(c, "timings_ms.n"), 2);
    cJSON_Delete(c);
}

/* Without --data, and with its plain name: the test split of Scenes, made once. */
static void the_embedded_data_set_is_made_on_first_use(void **state)
{
    (void)state;
    char command[4096], cache[128];
    struct stat before, after;
    make();
    snprintf(cache, sizeof cache, "XDG_CACHE_HOME=%s/cache", data_folder);
    for (int i = 0; i < 2; i++) {
        cJSON *c;
        command_line(command, sizeof command, cache, i ? LLAVA " --data scenes --json --limit 2 --max-new-tokens 2" : LLAVA " --json --limit 2 --max-new-tokens 2");
        finish(system(command));
        assert_int_equal(r.status, 0);
        assert_ok(saint_json_parse(r.out, strlen(r.out), sizeof r.out, "stdout", &c, err));
        assert_int_equal(number(c, "n"), 2);
        assert_non_null(strstr(json_get(c, "data.path")->valuestring, "/cache/saint-workbench/scenes-test-"));
        char path[4200];
        snprintf(path, sizeof path, "%s/OCR/0001.png", json_get(c, "data.path")->valuestring);
        assert_int_equal(stat(path, i ? &after : &before), 0);
        cJSON_Delete(c);
    }
    assert_true(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    command_line(command, sizeof command, "env -u XDG_CACHE_HOME -u HOME", LLAVA " --json --limit 2");
    /* exec of a variable assignment is none: env runs the program itself */
    char *exec = strstr(command, "exec ");
    memset(exec, ' ', 5);
    finish(system(command));
    assert_int_equal(r.status, 2);
    assert_non_null(strstr(r.err, "--data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_follows_the_contract),
        cmocka_unit_test(a_part_of_the_samples),
        cmocka_unit_test(classifiers_and_folders_of_pictures),
        cmocka_unit_test(wrong_usage_is_one_line),
        cmocka_unit_test(the_same_command_goes_on),
        cmocka_unit_test(damaged_lines_are_made_again),
        cmocka_unit_test(interrupted_and_killed_runs_lose_nothing),
        cmocka_unit_test(a_full_disk_is_a_clear_error),
        cmocka_unit_test(folders_are_exported),
        cmocka_unit_test(shared_devices_are_noticed),
        cmocka_unit_test(the_embedded_data_set_is_made_on_first_use),
    };
    if (data_make(NULL) != 0 || setenv("TMPDIR", data_folder, 1) != 0) return 1; /* the lock of the device: other tests run too */
    return cmocka_run_group_tests(tests, NULL, data_remove);
}
