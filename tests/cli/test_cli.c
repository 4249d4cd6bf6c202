/* The program as a user meets it: exit statuses, one-line errors, and the JSON that others rely on. */
#define _GNU_SOURCE
#include "support/program.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/checkpoint.h"
#include "formats/json.h"

#define LLAVA SAINT_FIXTURE_DIR "/llava-tiny-new"
#define TIMM SAINT_FIXTURE_DIR "/timm-vit-tiny"
#define PICTURE SAINT_FIXTURE_DIR "/pictures/e-36.png"
#define PICTURE32 SAINT_FIXTURE_DIR "/pictures/a-32.png"

typedef program_run result;

static char folder[] = "/tmp/saint-cli-XXXXXX";

static void slurp(const char *path, char *buf, size_t size) { program_read(path, buf, size, false); }

/* Run `saint ARGS` through the shell. */
static result *saint(const char *fmt, ...)
{
    static result r;
    char args[4096], command[8192], out[64], errors[64];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(args, sizeof args, fmt, ap);
    va_end(ap);
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(errors, sizeof errors, "%s/err", folder);
    snprintf(command, sizeof command, "%s %s >%s 2>%s </dev/null", SAINT_BINARY, args, out, errors);
    int st = system(command);
    r.status = program_status(st);
    slurp(out, r.out, sizeof r.out);
    slurp(errors, r.err, sizeof r.err);
    return &r;
}

/* Run a line of shell; $SAINT is the program. Only stderr is kept. */
static const result *shell(const char *line)
{
    static result r;
    char path[64], command[4096];
    setenv("SAINT", SAINT_BINARY, 1);
    snprintf(path, sizeof path, "%s/err", folder);
    snprintf(command, sizeof command, "exec 2>%s </dev/null; %s", path, line);
    int st = system(command);
    r.status = program_status(st);
    slurp(path, r.err, sizeof r.err);
    return &r;
}

static cJSON *json_of(const result *r) { return program_json(r); }

static void refused(const result *r, const char *words) { program_refused(r->status, r->out, r->err, words); }

static void wrong_usage_is_one_line_and_exit_2(void **state)
{
    (void)state;
    refused(saint("frobnicate"), "no such command");
    refused(saint("swep"), "nearest is sweep");
    refused(saint("help frobnicate"), "no such command");
    refused(saint("run --model scenes-vml --image " PICTURE), "nearest embedded model is scenes-vlm");
    refused(saint("run --model " LLAVA " --shape vit-b16-224"), "either --model DIR or --shape NAME");
    refused(saint("run --imgae x"), "nearest is --image");
    refused(saint("eval --data mme"), "expected mme:PATH");
    refused(saint("eval --data " SAINT_FIXTURE_DIR "/pictures"), "this looks like images:" SAINT_FIXTURE_DIR "/pictures");
    refused(saint("eval --preset hybird"), "nearest is hybrid");
    refused(saint("sweep --grid preset=vit-onyl"), "nearest is vit-only");
    refused(saint("sweep"), "nothing to compare");
    refused(saint("sweep --out %s/nothing", folder), "no sweep lies there");
    refused(saint("run --modle X"), "nearest is --model");
    refused(saint("run --model"), "needs a value");
    refused(saint("run --model /nonexistent --image x.png"), "/nonexistent");
    refused(saint("run --model " LLAVA " --image " PICTURE), "--prompt");
    refused(saint("run --model " LLAVA " --prompt hi"), "--image");
    refused(saint("run --model " LLAVA " --prompt hi --image /nonexistent.png"), "/nonexistent.png");
    refused(saint("run --model " LLAVA " --prompt hi --image " LLAVA "/config.json"), "config.json");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --set keep_nun=3"), "nearest is keep_num");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --set K=-1"), "from 0 to");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --set 'prune_mode[77]=random'"), "prune_mode[77]");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --set mode=llm --set saint_end=16"), "saint_end");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --preset nope"), "no such preset");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --compat maybe"), "reference or corrected");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --dtype f16"), "f16");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --backend cuda"), "CUDA");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --max-new-tokens many"), "max-new-tokens");
    refused(saint("run --model " LLAVA " --prompt hi --image " PICTURE " --tier mmx"), "mmx");
    refused(saint("select --method nope --stage vit --keys x.npy"), "no such method");
    refused(saint("select --method saint_drop --stage both --keys x.npy"), "vit or llm");
    refused(saint("select --method saint_drop --stage vit --keys " PICTURE), "e-36.png");
    refused(saint("models --model " SAINT_FIXTURE_DIR "/pictures"), "pictures");
    refused(saint("bench --suite nope"), "gemm, select, engine or sweep");
    refused(saint("bench --suite select --model " LLAVA), "--suite engine");
    refused(saint("run --model " PICTURE " --image " PICTURE), "expected a model folder, found a file");
    refused(saint("run --model '' --image " PICTURE), "needs a value");
    refused(saint("run --model " TIMM " --image " PICTURE32 " --tier ''"), "needs a value");
    refused(saint("run --model " TIMM " --vision-tower /nonexistent --image " PICTURE32), "--vision-tower");
    refused(saint("run --shape vit-b16-224 --template plain --image " PICTURE), "--shape reads no files");
    refused(saint("doctor --shape vit-b16-224"), "no such option");
}

static void decoding_is_compared_with_reading_the_same_weights(void **state)
{
    (void)state;
    result *r = saint("bench --model " LLAVA " --repeat 2 --json");
    assert_int_equal(r->status, 0);
    cJSON *c = json_of(r);
    double gb = json_get(c, "decode_reads.gb")->valuedouble, gbs = json_get(c, "decode_reads.gbs")->valuedouble;
    assert_true(gb > 0 && gbs > 0);
    const cJSON *row;
    cJSON_ArrayForEach(row, json_get(c, "rows"))
    {
        double token = json_get(row, "decode.of_read")->valuedouble, reading = json_get(row, "decode.gbs")->valuedouble;
        assert_true(token > 0 && reading > 0);
        assert_true(json_get(row, "decode.of_read_min")->valuedouble <= token && token <= json_get(row, "decode.of_read_max")->valuedouble);
    }
    cJSON_Delete(c);
    assert_non_null(strstr(saint("bench --model " LLAVA " --repeat 1")->out, "GB of weights"));
    assert_null(strstr(saint("bench --model " TIMM " --repeat 1")->out, "GB of weights"));
}

static void help_is_found_both_ways(void **state)
{
    (void)state;
    const result *r = saint("help run");
    assert_int_equal(r->status, 0);
    char *first = strdup(r->out);
    assert_string_equal(saint("run --help")->out, first);
    free(first);
    assert_non_null(strstr(saint("help")->out, "usage: saint COMMAND"));
}

/* Settings that change nothing are no error, but they are not passed over in silence. */
static void what_changes_nothing_is_told(void **state)
{
    (void)state;
    const result *r = saint("run --model " TIMM " --image " PICTURE32 " --set K=4");
    assert_int_equal(r->status, 0);
    assert_non_null(strstr(r->err, "K changes nothing: no layer prunes"));
    r = saint("run --model " TIMM " --image " PICTURE32 " --set 'prune_mode[0]=saint_drop' --set K=4 --set 'gamma[40]=2'");
    assert_int_equal(r->status, 0);
    assert_null(strstr(r->err, "K changes"));
    assert_non_null(strstr(r->err, "gamma[40] changes nothing"));
    r = saint("run --model " LLAVA " --prompt hi --image " PICTURE " --max-new-tokens 0 --set mode=llm --set saint_start=2 --set saint_end=1");
    assert_int_equal(r->status, 0);
    assert_non_null(strstr(r->err, "saint_start=2 lies behind saint_end: the range is 1 to 1"));
    r = saint("run --model " LLAVA " --prompt hi --image " PICTURE " --max-new-tokens 0 --set mode=llm --set saint_start=2 --set saint_end=2");
    assert_null(strstr(r->err, "saint_start"));
}

/* What bash offers behind these words; the last is what is being typed. */
static void completes(const char *words, const char *want)
{
    char line[1024];
    snprintf(line, sizeof line,
             "bash -c '. \"$BASH_FILE\"; COMP_WORDS=(\"$SAINT\" %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _saint; echo \"${COMPREPLY[*]}\" >&2'", words);
    const result *r = shell(line);
    char text[sizeof r->err + 2];
    snprintf(text, sizeof text, " %s", r->err);
    for (char *p = text; *p; p++)
        if (*p == '\n') *p = ' ';
    char word[128];
    snprintf(word, sizeof word, " %s ", want);
    if (!strstr(text, word)) fail_msg("%s: \"%s\" instead of %s", words, r->err, want);
}

static void bash_completes_what_the_program_knows(void **state)
{
    (void)state;
    setenv("BASH_FILE", SAINT_SOURCE_DIR "/app/saint.bash", 1);
    completes("swe", "sweep");
    completes("help exp", "export");
    completes("run --pres", "--preset");
    completes("run --preset hy", "hybrid");
    completes("run --model cif", "cifar10-vit");
    completes("eval --data imagef", "imagefolder:");
    completes("run --set saint_thr", "saint_threshold=");
    completes("sweep --grid keep_n", "keep_num=");
    completes("sweep --method l", "lhs");
    completes("select --method to", "tome");
    completes("run --dtype f1", "f16");
    completes("bench --suite sw", "sweep");
    completes("export x --format t", "text");
}

static void messages_are_one_line_whatever_was_typed(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\"$SAINT\" \"$(printf 'a\\nb\\033[31m')\"", "\"$SAINT\" run \"--$(printf 'x\\n\\302\\233y')\"",
        "\"$SAINT\" select --stage vit --keys x --method \"$(head -c 100000 /dev/zero | tr '\\0' a)\"",
        "\"$SAINT\" run --model \"$(head -c 100000 /dev/zero | tr '\\0' a)\" --image " PICTURE32,
        "\"$SAINT\" run --model " TIMM " --image " PICTURE32 " --max-new-tokens \"$(head -c 100000 /dev/zero | tr '\\0' 9)\""};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const result *r = shell(lines[i]);
        assert_int_equal(r->status, 2);
        size_t n = strlen(r->err);
        assert_true(n > 10 && n < 4096);
        assert_ptr_equal(strchr(r->err, '\n'), r->err + n - 1);
        for (size_t k = 0; k + 1 < n; k++)
            if ((unsigned char)r->err[k] < 0x20 || strncmp(r->err + k, "\302\233", 2) == 0) fail_msg("a control character in: %s", r->err);
    }
}

/* /dev/full takes nothing; a closed stream must not become the next file that is opened. */
static void stdout_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    static const char *const commands[] = {"--help", "--version", "--man", "methods", "methods --json", "presets", "info", "models --json",
                                           "run --help", "run --model " TIMM " --image " PICTURE32, "data scenes --stream --count 1"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        for (int closed = 0; closed < 2; closed++) {
            char line[1024];
            snprintf(line, sizeof line, "\"$SAINT\" %s >%s", commands[i], closed ? "&-" : "/dev/full");
            const result *r = shell(line);
            if (r->status != 1) fail_msg("%s: exit %d", line, r->status);
            const char *newline = strchr(r->err, '\n');
            if (!newline || newline[1] || !strstr(r->err, "stdout")) fail_msg("%s: %s", line, r->err);
        }
    /* a reader that leaves early is not a fault to talk about */
    assert_string_equal(shell("\"$SAINT\" --man | :")->err, "");
    char line[1024], path[64];
    struct stat st;
    snprintf(path, sizeof path, "%s/kept.safetensors", folder);
    snprintf(line, sizeof line, "\"$SAINT\" run --model " TIMM " --image " PICTURE32 " --trace %s", path);
    assert_int_equal(shell(line)->status, 0);
    assert_int_equal(stat(path, &st), 0);
    off_t whole = st.st_size;
    snprintf(line, sizeof line, "\"$SAINT\" run --model " TIMM " --image " PICTURE32 " --trace %s <&- >&-", path);
    assert_int_equal(shell(line)->status, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, whole);
}

static void json_is_utf8_for_any_file_name(void **state)
{
    (void)state;
    char line[2048];
    snprintf(line, sizeof line,
             "cp " PICTURE32 " \"%s/$(printf 'b\\303\\257ld \\377.png')\" && LC_ALL=de_DE.UTF-8 \"$SAINT\" run --model " TIMM
             " --image " PICTURE32 " --image %s/b*ld*.png --json --set sim_threshold=0.5 >%s/out", folder, folder, folder);
    assert_int_equal(shell(line)->status, 0);
    char path[64];
    snprintf(path, sizeof path, "%s/out", folder);
    cJSON *c;
    assert_ok(saint_json_load(path, 1 << 20, &c, err));
    const cJSON *name = json_get(cJSON_GetArrayItem(json_get(c, "results"), 1), "image");
    assert_non_null(strstr(name->valuestring, "b\303\257ld \357\277\275.png"));
    cJSON_Delete(c);
}

static bool catches_interrupts(pid_t pid)
{
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) (void)sscanf(line, "SigCgt: %llx", &caught);
    if (f) fclose(f);
    return caught >> (SIGINT - 1) & 1;
}

static void an_interrupt_ends_with_75(void **state)
{
    (void)state;
    char path[64];
    static result r;
    snprintf(path, sizeof path, "%s/err", folder);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0) _exit(99);
        execl(SAINT_BINARY, "saint", "run", "--model", LLAVA, "--image", PICTURE, "--prompt", "hi", "--max-new-tokens", "1000000",
              (char *)NULL);
        _exit(99);
    }
    int st = 0;
    while (!catches_interrupts(pid)) {
        if (waitpid(pid, &st, WNOHANG) != 0) fail_msg("it ended before it could be interrupted: status %d", st);
        sched_yield();
    }
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(waitpid(pid, &st, 0), pid);
    slurp(path, r.err, sizeof r.err);
    if (!WIFEXITED(st) || WEXITSTATUS(st) != 75) fail_msg("expected exit 75, found status %d: %s", st, r.err);
    assert_non_null(strstr(r.err, "cancelled"));
}

static void every_command_has_help(void **state)
{
    (void)state;
    static const char *const commands[] = {"run", "select", "bench", "data", "models", "methods", "presets", "info", "doctor"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const result *r = saint("%s --help", commands[i]);
        assert_int_equal(r->status, 0);
        assert_string_equal(r->err, "");
        assert_non_null(strstr(r->out, "usage: saint "));
    }
    assert_int_equal(saint("--help")->status, 0);
    assert_non_null(strstr(saint("--version")->out, "saint "));
}

static void run_prints_the_contract(void **state)
{
    (void)state;
    static const char *const numbers[] = {"tokens.vit_in",
                                          "tokens.projector",
                                          "tokens.llm_in",
                                          "tokens.equivalent",
                                          "timings_ms.decode_image",
                                          "timings_ms.preprocess",
                                          "timings_ms.vit",
                                          "timings_ms.selection",
                                          "timings_ms.projector",
                                          "timings_ms.prefill",
                                          "timings_ms.decode",
                                          "timings_ms.total",
                                          "flops.vit",
                                          "flops.prefill",
                                          "flops.total",
                                          "kv_bytes",
                                          "threads"};
    static const char *const strings[] = {"answer", "mode", "compat", "model.name", "model.sha256", "device", "dtype", "version"};
    cJSON *c = json_of(
        saint("run --model " LLAVA " --image " PICTURE " --prompt 'Is there a red square in the picture?' --max-new-tokens 4 --json "
              "--set 'prune_mode[1]=iterative_drop_full_graph' --set 'keep_num[1]=59' --set use_saint=true --set saint_start=0 "
              "--set saint_end=2 --set saint_threshold=0.89 --set saint_K=3"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) assert_true(cJSON_IsNumber(json_get(c, numbers[i])));
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) assert_true(cJSON_IsString(json_get(c, strings[i])));
    assert_string_equal(json_get(c, "mode")->valuestring, "hybrid");
    assert_string_equal(json_get(c, "compat")->valuestring, "corrected");
    assert_int_equal(strlen(json_get(c, "model.sha256")->valuestring), 64);
    assert_int_equal(json_get(c, "tokens.vit_in")->valueint, 81);
    assert_int_equal(json_get(c, "tokens.projector")->valueint, 58);
    const cJSON *sites = json_get(c, "tokens.per_site");
    assert_int_equal(cJSON_GetArraySize(sites), 4);
    int present = 81;
    for (const cJSON *s = sites->child; s; s = s->next) {
        assert_int_equal(json_get(s, "n_in")->valueint, present);
        present = json_get(s, "n_out")->valueint;
        assert_int_equal(cJSON_GetArraySize(json_get(s, "kept")), present);
        assert_true(cJSON_IsString(json_get(s, "stage")) && cJSON_IsString(json_get(s, "method")) && cJSON_IsNumber(json_get(s, "layer")));
    }
    cJSON_Delete(c);
}

static void a_classifier_prints_its_top_5(void **state)
{
    (void)state;
    cJSON *c = json_of(saint("run --model " TIMM " --image " PICTURE32 " --json --preset vit-classifier --set sim_threshold=0.8"));
    const cJSON *top = json_get(c, "top5");
    double last = 2;
    assert_int_equal(cJSON_GetArraySize(top), 5);
    for (const cJSON *x = top->child; x; x = x->next) {
        assert_true(json_get(x, "probability")->valuedouble <= last);
        last = json_get(x, "probability")->valuedouble;
        assert_true(cJSON_IsString(json_get(x, "label")));
    }
    cJSON_Delete(c);
    c = json_of(saint("run --model " TIMM " --image " PICTURE32 " --image " SAINT_FIXTURE_DIR "/pictures/b-32.png --json"));
    assert_int_equal(cJSON_GetArraySize(json_get(c, "results")), 2);
    cJSON_Delete(c);
}

static void overlay_and_trace_agree_with_the_json(void **state)
{
    (void)state;
    cJSON *c = json_of(saint("run --model " LLAVA " --image " PICTURE " --prompt hi --max-new-tokens 0 --json --stats --preset vit-only "
                             "--overlay %s/o.png --trace %s/t.safetensors", folder, folder));
    char path[128];
    snprintf(path, sizeof path, "%s/o.png", folder);
    assert_true(saint_file_exists(path));
    snprintf(path, sizeof path, "%s/t.safetensors", folder);
    saint_checkpoint *t;
    assert_ok(saint_checkpoint_open_file(&t, path, err));
    const cJSON *site = json_get(c, "tokens.per_site")->child, *kept = json_get(site, "kept");
    char name[64];
    snprintf(name, sizeof name, "image.0.vit.%d.kept", json_get(site, "layer")->valueint);
    const saint_tensor *list = saint_checkpoint_find(t, name);
    assert_non_null(list);
    assert_int_equal(list->shape[0], cJSON_GetArraySize(kept));
    int i = 0;
    for (const cJSON *k = kept->child; k; k = k->next, i++) assert_int_equal(((const int32_t *)list->data)[i], k->valueint);
    assert_non_null(saint_checkpoint_find(t, "image.0.llm.0.stats"));
    assert_non_null(saint_checkpoint_find(t, "image.0.logits"));
    saint_checkpoint_close(t);
    cJSON_Delete(c);
    assert_int_equal(saint("run --model " LLAVA " --image " PICTURE " --prompt hi --overlay /nonexistent/o.png")->status, 1);
}

/* What is no matrix of keys, and what is no model: the reason is named, not a consequence of it. */
static void bad_shapes_and_model_folders_say_why(void **state)
{
    (void)state;
    char path[192], command[1024];
    static const char *const shape[] = {"(4, 0)", "(0, 4, 4)", "(3,)", "(1, 1, 2, 2)"};
    static const char *const found[] = {"found [4, 0]", "found [0, 4, 4]", "found [3]", "found [1, 1, 2, 2]"};
    static const int values[] = {0, 0, 3, 4};
    snprintf(path, sizeof path, "%s/shape.npy", folder);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        char head[119];
        int n = snprintf(head, sizeof head, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape[i]);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, f);
        fprintf(f, "%s%*s\n", head, 117 - n, "");
        for (int k = 0; k < values[i]; k++) fwrite("\0\0\0\0", 1, 4, f);
        assert_int_equal(fclose(f), 0);
        refused(saint("select --method saint_drop --stage vit --keys %s", path), found[i]);
    }
    snprintf(command, sizeof command, "mkdir %s/quantised %s/bare && cp " LLAVA "/* %s/quantised && cp " LLAVA "/model.safetensors %s/bare && "
             "sed -i '1s/{/{\"quantization_config\": {\"bits\": 4},/' %s/quantised/config.json", folder, folder, folder, folder, folder);
    assert_int_equal(system(command), 0);
    refused(saint("models --model %s/quantised", folder), "quantised weights are not implemented");
    refused(saint("models --model %s/bare", folder), "no config.json in it");
}

/* The recorded outputs of the published functions, through the command line. */
static void select_equals_the_recorded_lists(void **state)
{
    (void)state;
    cJSON *all;
    int cases = 0;
    assert_ok(saint_json_load(SAINT_FIXTURE_DIR "/prune/cases.json", 1 << 24, &all, err));
    for (const cJSON *k = json_get(all, "cases")->child; k; k = k->next) {
        const char *method = json_get(k, "method")->valuestring, *keys = json_get(k, "keys")->valuestring;
        const cJSON *stage = cJSON_GetObjectItem(k, "stage"), *batch = cJSON_GetObjectItem(k, "batch");
        bool cls = cJSON_IsTrue(cJSON_GetObjectItem(k, "cls")), iterative = strcmp(method, "iterative_drop_full_graph") == 0;
        if (cases >= 24 && cases % 4) {
            cases++;
            continue;
        }
        char set[256];
        if (iterative)
            snprintf(set, sizeof set, "--set keep_num=%d --set r=%d --compat reference", json_get(k, "keep_num")->valueint,
                     json_get(k, "r")->valueint);
        else
            snprintf(set, sizeof set, "--set sim_threshold=%.9g --set K=%d --set gamma=%.9g --compat reference",
                     json_get(k, "sim_threshold")->valuedouble, json_get(k, "K")->valueint, json_get(k, "gamma")->valuedouble);
        cJSON *c = json_of(saint("select --method %s --stage %s --keys " SAINT_FIXTURE_DIR "/prune/%s %s %s --json", method,
                                 stage && cJSON_IsString(stage) ? stage->valuestring : "vit", keys, cls ? "--cls" : "", set));
        const cJSON *mine = json_get(c, "kept"), *want = json_get(k, "kept");
        /* a [B, N, C] file gives lists of lists, also for B = 1 */
        if (cJSON_IsArray(want->child) != cJSON_IsArray(mine->child)) {
            if (cJSON_IsArray(want->child)) want = want->child;
            else mine = mine->child;
        }
        if (!cJSON_Compare(mine, want, true)) fail_msg("%s %s (batch %d): another list", method, keys, batch ? batch->valueint : 1);
        cJSON_Delete(c);
        cases++;
    }
    assert_true(cases > 24);
    cJSON_Delete(all);
}

static void lists_are_complete(void **state)
{
    (void)state;
    cJSON *c = json_of(saint("methods --json"));
    assert_true(cJSON_GetArraySize(json_get(c, "methods")) >= 4);
    assert_true(cJSON_GetArraySize(json_get(c, "parameters")) >= 20);
    assert_int_equal(cJSON_GetArraySize(json_get(c, "compat")), 6);
    cJSON_Delete(c);
    c = json_of(saint("presets --json"));
    assert_true(cJSON_GetArraySize(json_get(c, "presets")) >= 5);
    cJSON_Delete(c);
    c = json_of(saint("models --model " LLAVA " --json"));
    assert_int_equal(json_get(c, "grid_w")->valueint, 9);
    assert_string_equal(json_get(c, "weight_dtype")->valuestring, "f16");
    cJSON_Delete(c);
    c = json_of(saint("info --json"));
    assert_non_null(strstr(json_get(c, "folders.state")->valuestring, "/saint-workbench"));
    assert_true(cJSON_GetArraySize(json_get(c, "cpu_kernels")) >= 1);
    cJSON_Delete(c);
    c = json_of(saint("doctor --json --model " LLAVA));
    assert_true(cJSON_IsTrue(json_get(c, "ok")));
    cJSON_Delete(c);
}

/* What the table says of itself is what --set takes: each default, nothing behind the ends, and no word that is not among the choices. */
static void the_table_of_parameters_is_true(void **state)
{
    (void)state;
    static const char run[] = "run --model " LLAVA " --prompt hi --image " PICTURE " --max-new-tokens 0";
    char defaults[4096] = "", value[64];
    size_t n = 0;
    cJSON *c = json_of(saint("methods --json"));
    for (const cJSON *p = json_get(c, "parameters")->child; p; p = p->next) {
        const char *name = json_get(p, "name")->valuestring;
        const cJSON *d = json_get(p, "default"), *choices = cJSON_GetObjectItem(p, "choices"), *x;
        if (cJSON_IsString(d)) snprintf(value, sizeof value, "%s", d->valuestring);
        else if (cJSON_IsBool(d)) snprintf(value, sizeof value, "%s", cJSON_IsTrue(d) ? "true" : "false");
        else snprintf(value, sizeof value, "%.17g", d->valuedouble);
        n += (size_t)snprintf(defaults + n, sizeof defaults - n, " --set '%s=%s'", name, value);
        assert_true(n < sizeof defaults);
        bool found = false;
        cJSON_ArrayForEach(x, choices) found |= cJSON_Compare(x, d, true);
        if (choices) {
            assert_true(found);
            refused(saint("%s --set %s=nothing", run, name), name);
        } else if (strcmp(json_get(p, "type")->valuestring, "SEED") == 0) {
            refused(saint("%s --set %s=-1", run, name), name);
            refused(saint("%s --set %s=18446744073709551616", run, name), name);
        } else {
            double min = json_get(p, "min")->valuedouble, max = json_get(p, "max")->valuedouble;
            assert_true(min <= d->valuedouble && d->valuedouble <= max);
            refused(saint("%s --set %s=%.17g", run, name, min - 1), "expected a value from");
            refused(saint("%s --set %s=%.17g", run, name, max + 1), "expected a value from");
        }
    }
    cJSON_Delete(c);
    const result *r = saint("%s --json --set saint_end=2 %s --set saint_end=2", run, defaults);
    if (r->status != 0) fail_msg("%s", r->err);
    assert_int_equal(saint("methods")->status, 0);
    assert_non_null(strstr(saint("methods")->out, "rows that survive, class token included; -1 = use keep_ratio (376; -1 to 65536)"));
}

/* What the program brings along: listed, and found by name from any folder. */
static void embedded_models_have_names(void **state)
{
    (void)state;
    cJSON *c = json_of(saint("models --json"));
    int defaults = 0, classifiers = 0;
    assert_true(cJSON_GetArraySize(json_get(c, "shapes")) >= 5);
    for (const cJSON *m = json_get(c, "embedded")->child; m; m = m->next) {
        defaults += cJSON_IsTrue(json_get(m, "default"));
        classifiers += json_get(m, "classes")->valueint > 0;
        cJSON *one = json_of(saint("models --json --model %s", json_get(m, "name")->valuestring));
        assert_string_equal(json_get(one, "sha256")->valuestring, json_get(m, "sha256")->valuestring);
        cJSON_Delete(one);
        assert_non_null(strstr(saint("models")->out, json_get(m, "name")->valuestring));
    }
    assert_int_equal(defaults, 1);
    assert_int_equal(classifiers, 1);
    cJSON_Delete(c);
    c = json_of(saint("run --model cifar10-vit --image " PICTURE32 " --json"));
    assert_int_equal(cJSON_GetArraySize(json_get(c, "top5")), 5);
    cJSON_Delete(c);
    refused(saint("run --model cifar11-vit --image " PICTURE32), "cifar11-vit");
    refused(saint("run --model ../models/cifar10-vit/x --image " PICTURE32), "cifar10-vit");
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedded_models_have_names),          cmocka_unit_test(wrong_usage_is_one_line_and_exit_2),
        cmocka_unit_test(help_is_found_both_ways),
        cmocka_unit_test(bash_completes_what_the_program_knows),
        cmocka_unit_test(what_changes_nothing_is_told),  cmocka_unit_test(every_command_has_help),
        cmocka_unit_test(run_prints_the_contract),             cmocka_unit_test(a_classifier_prints_its_top_5),
        cmocka_unit_test(overlay_and_trace_agree_with_the_json), cmocka_unit_test(select_equals_the_recorded_lists),
        cmocka_unit_test(lists_are_complete), cmocka_unit_test(bad_shapes_and_model_folders_say_why), cmocka_unit_test(the_table_of_parameters_is_true),                  cmocka_unit_test(messages_are_one_line_whatever_was_typed),
        cmocka_unit_test(stdout_that_cannot_be_written_is_a_failure), cmocka_unit_test(json_is_utf8_for_any_file_name),
        cmocka_unit_test(an_interrupt_ends_with_75),
        cmocka_unit_test(decoding_is_compared_with_reading_the_same_weights),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
