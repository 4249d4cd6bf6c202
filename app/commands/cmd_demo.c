/* saint demo: the embedded model asked about pictures it never saw, unpruned and in the three modes, measured. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "cli.h"
#include "commands.h"
#include "datasets/score.h"
#include "defaults.h"
#include "device_use.h"
#include "load.h"
#include "report.h"

enum { MODES = 4, REPEATS_MOST = 99 };
static const char *const modes[MODES] = {"none", "vit-only", "llm-only", "hybrid"};

typedef struct {
    load_options load;
    const char *samples, *repeat;
} options;

typedef struct {
    saint_settings settings;
    double *ms; /* [repeats] cold: nothing is taken from a cache */
    saint_trace *last;
} mode;

/* Modes take turns, so that a slow second of the machine hits all of them. */
static saint_status measure(saint_session *s, saint_request *q, mode *m, int repeats, saint_error *e)
{
    saint_status st = SAINT_OK;
    for (int r = -1; r < repeats && st == SAINT_OK; r++) /* the first round warms up */
        for (int k = 0; k < MODES && st == SAINT_OK; k++) {
            saint_trace_unref(m[k].last);
            m[k].last = NULL;
            q->settings = m[k].settings;
            double begin = saint_now();
            st = saint_session_run(s, q, NULL, &m[k].last, e);
            if (r >= 0) m[k].ms[r] = 1e3 * (saint_now() - begin);
        }
    return st;
}

static void print_modes(const saint_dataset *d, size_t i, mode *m, int repeats)
{
    double base = 0;
    printf("  %-9s %-12s %-6s %8s %8s %8s %9s\n", "mode", "answer", "", "tokens", "GFLOP", "ms", "speed-up");
    for (int k = 0; k < MODES; k++) {
        const saint_trace_image *im = &m[k].last->image[0];
        saint_verdict v = {0};
        const char *mark = saint_score_answer(d, i, im->answer ? im->answer : "", SAINT_PARSER_LMMS, &v, NULL, NULL) != SAINT_OK ? ""
                           : v.score > 0                                                                                         ? "right"
                                                                                                                                 : "wrong";
        double ms = bench_median(m[k].ms, repeats), flops = im->flops_vit + im->flops_projector + im->flops_prefill + im->flops_decode;
        if (k == 0) base = ms;
        int wide = im->answer ? (int)strlen(im->answer) : 0;
        printf("  %-9s ", modes[k]);
        cli_put_clean(stdout, im->answer ? im->answer : "", 40);
        printf("%*s %-6s %8.1f %8.2f %8.1f", wide < 12 ? 12 - wide : 0, "", mark, im->equivalent, flops / 1e9, ms);
        if (k) printf(" %8.2fx", base / ms);
        putchar('\n');
    }
}

static saint_status ask(saint_session *s, const saint_dataset *d, size_t i, mode *mode_, int repeats, saint_error *e)
{
    saint_sample sample = {0};
    saint_image image = {0};
    char *prompt = NULL, *path = NULL;
    saint_status st = saint_dataset_item(d, i, &sample, e);
    if (st == SAINT_OK) st = saint_dataset_prompt(d, i, &prompt, e);
    if (st == SAINT_OK) st = saint_dataset_picture(d, i, 0, &image, e);
    if (st == SAINT_OK) st = saint_dataset_picture_path(d, i, 0, &path, e);
    if (st == SAINT_OK) {
        saint_request q = {
            .images = &image, .n_images = 1, .prompt = prompt, .max_new_tokens = saint_dataset_get_info(d)->max_new_tokens, .cold = true};
        st = measure(s, &q, mode_, repeats, e);
    }
    if (st == SAINT_OK) {
        printf("\n%s\n  %s  (%s)\n", path, sample.question, sample.n_answers ? sample.answers[0] : "?");
        print_modes(d, i, mode_, repeats);
    }
    free(path);
    free(prompt);
    saint_image_free(&image);
    saint_sample_free(&sample);
    return st;
}

/* Pictures from all over the data set: as many as asked for, a fixed stride apart. */
static saint_status show(saint_session *s, const saint_dataset *d, mode *mode_, int samples, int repeats, saint_error *e)
{
    size_t n = saint_dataset_count(d), step = n / (size_t)samples ? n / (size_t)samples : 1;
    saint_status st = SAINT_OK;
    for (int k = 0; k < samples && st == SAINT_OK; k++) st = ask(s, d, ((size_t)k * (step | 1)) % n, mode_, repeats, e);
    return st;
}

static bool tell(void *ctx, size_t done, size_t total)
{
    (void)ctx;
    if (done == 0) fprintf(stderr, "making %zu test pictures in your cache, once\n", total);
    return true;
}

static int with_model(const options *o, saint_model *m, saint_engine *engine, const saint_session_options *so, device_use *use, int samples,
                      int repeats)
{
    char name[8300];
    saint_error e = {0};
    saint_dataset *d = NULL;
    saint_session *s = NULL;
    mode list[MODES] = {0};
    int leave = -1;
    for (int k = 0; k < MODES && leave < 0; k++) {
        saint_notes notes = {0};
        load_options one = o->load;
        one.preset = modes[k];
        leave = load_settings("demo", &one, saint_model_get_info(m), &list[k].settings, &notes);
        list[k].ms = calloc(REPEATS_MOST, sizeof *list[k].ms);
        if (leave < 0 && !list[k].ms) leave = EXIT_FAILED;
    }
    if (leave < 0) {
        saint_status st = default_data(name, sizeof name, tell, NULL, &e);
        if (st == SAINT_OK) st = saint_dataset_open(name, NULL, &d, &e);
        if (st == SAINT_OK) st = saint_session_open(&s, engine, m, so, &e);
        if (st == SAINT_OK) {
            printf("%s on %s: the test split, which it never saw; medians of %d runs from nothing\n", saint_model_get_info(m)->name,
                   saint_session_backend(s), repeats);
            (void)device_use_alone(use);
            st = show(s, d, list, samples, repeats, &e);
            device_company company = device_use_company(use);
            if (company != DEVICE_ALONE) cli_note("demo", device_company_note(company));
        }
        leave = st == SAINT_OK ? EXIT_DONE : cli_fail("demo", st, &e);
    }
    for (int k = 0; k < MODES; k++) {
        saint_trace_unref(list[k].last);
        free(list[k].ms);
    }
    saint_session_close(s);
    saint_dataset_close(d);
    return leave;
}

int cmd_demo(int argc, char **argv)
{
    options o = {0};
    const cli_option table[] = {LOAD_FOLDER_OPTIONS(o.load),
                                LOAD_ENGINE_OPTIONS(o.load),
                                {"samples", "N", "how many questions (default 3)", NULL, &o.samples, NULL},
                                {"repeat", "N", "runs of each mode (default 5)", NULL, &o.repeat, NULL},
                                {0}};
    const cli_command c = {"demo", "the embedded model on unseen pictures, unpruned and in the three modes, measured",
                           "[--model DIR] [--samples N] [--repeat N]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    long samples = 3, repeats = 5;
    char folder[8192];
    saint_error e = {0};
    saint_model *m = NULL;
    saint_engine *engine = NULL;
    saint_session_options so = {0};
    device_use use = {.fd = -1};
    if (!cli_int("demo", "samples", o.samples, 1, 1000, &samples) || !cli_int("demo", "repeat", o.repeat, 1, REPEATS_MOST, &repeats))
        return EXIT_USAGE;
    if (!o.load.model && default_model(folder, sizeof folder, &e) != SAINT_OK) return cli_fail("demo", SAINT_IO, &e);
    if (!o.load.model) o.load.model = folder;
    leave = load_engine("demo", &o.load, &engine, &so);
    if (leave < 0) load_use("demo", &so, &use);
    if (leave < 0) leave = load_model("demo", &o.load, &m);
    if (leave < 0 && (!saint_model_get_info(m)->vit_layers || !saint_model_get_info(m)->llm_layers))
        leave = cli_usage("demo", "%s: expected a model that answers questions about pictures, found another kind", o.load.model);
    if (leave < 0) leave = with_model(&o, m, engine, &so, &use, (int)samples, (int)repeats);
    saint_model_unref(m);
    saint_engine_close(engine);
    device_use_close(&use);
    return leave;
}
