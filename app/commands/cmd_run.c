/* saint run: pictures and a prompt through a model. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "device_use.h"
#include "load.h"
#include "report.h"

typedef struct {
    load_options load;
    cli_list images;
    const char *prompt, *max_new_tokens, *overlay, *trace;
    bool stats, json;
} options;

static int interrupted; /* the only thing a signal touches */

/* The first asks the run to stop, the second is not caught: whoever presses twice means it, even while a model is being read. */
static void on_interrupt(int sig)
{
    __atomic_store_n(&interrupted, 1, __ATOMIC_RELAXED);
    signal(sig, SIG_DFL);
}

/* Known before an hour of computing rather than after it. */
static bool writable(const char *option, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    struct stat st;
    bool folder_ok = folder && access(folder, W_OK) == 0;
    int why = errno;
    bool exists = stat(path, &st) == 0;
    free(folder);
    if (exists && S_ISDIR(st.st_mode)) {
        cli_usage("run", "--%s %s: expected a file, found a directory", option, path);
        return false;
    }
    if (!folder_ok) {
        cli_usage("run", "--%s %s: its folder cannot be written: %s", option, path, strerror(why));
        return false;
    }
    return true;
}

typedef struct {
    bool show;
    int width;
} progress;

static bool show_progress(void *ud, const saint_event *e)
{
    progress *p = ud;
    if (!p->show || e->kind == SAINT_EVENT_SITE) return true;
    const char *what = e->kind == SAINT_EVENT_TOKEN ? "token" : e->stage == SAINT_STAGE_VIT ? "ViT layer" : "LLM layer";
    double left = e->done > 0 ? e->seconds / e->done * (e->total - e->done) : 0;
    p->width = fprintf(stderr, "\r%s %d/%d, %.1f s, about %.0f s left   ", what, e->done, e->total, e->seconds, left);
    fflush(stderr);
    return true;
}

/* A random model has no tokenizer: a prompt as long as LLaVA's for a short question, made of arbitrary ids. */
enum { RANDOM_PREFIX = 35, RANDOM_SUFFIX = 25 };
static void random_prompt(int vocab, int32_t ids[RANDOM_PREFIX + RANDOM_SUFFIX])
{
    uint32_t state = 12345;
    for (int i = 0; i < RANDOM_PREFIX + RANDOM_SUFFIX; i++) {
        state = state * 1664525u + 1013904223u;
        ids[i] = (int32_t)(state % (uint32_t)vocab);
    }
}

static saint_status draw_overlay(const char *path, const saint_model_info *info, const saint_image *photo, const saint_trace_image *im,
                                 saint_error *e)
{
    int cells = info->grid_w * info->grid_h, n = im->history.n_sites;
    saint_overlay_panel *panels = calloc((size_t)n + 1, sizeof *panels);
    uint8_t *kept = calloc((size_t)(n + 1) * (size_t)cells, 1);
    char (*title)[96] = calloc((size_t)n + 1, sizeof *title);
    saint_status s = panels && kept && title ? SAINT_OK : saint_fail(e, SAINT_MEMORY, "no memory for an overlay");
    if (s == SAINT_OK) {
        memset(kept, 1, (size_t)cells);
        snprintf(title[0], sizeof title[0], "all %d patches", cells);
        panels[0] = (saint_overlay_panel){.title = title[0], .kept = kept};
        for (int i = 0; i < n; i++) {
            const saint_trace_site *site = im->history.site[i];
            uint8_t *mask = kept + (size_t)(i + 1) * (size_t)cells;
            int patches = 0;
            for (int k = 0; k < site->n_keep; k++)
                if (site->kept[k] >= 0 && site->kept[k] < cells) {
                    mask[site->kept[k]] = 1;
                    patches++;
                }
            snprintf(title[i + 1], sizeof title[0], "%s %d %s: %d kept", site->stage == SAINT_STAGE_VIT ? "ViT" : "LLM", site->layer,
                     site->method->name, patches);
            panels[i + 1] = (saint_overlay_panel){.title = title[i + 1], .kept = mask};
        }
        saint_image out = {0};
        s = saint_overlay_draw(photo, im->rect, info->grid_w, info->grid_h, panels, n + 1, &out, e);
        if (s == SAINT_OK) s = saint_image_write_png(&out, path, e);
        saint_image_free(&out);
    }
    free(panels);
    free(kept);
    free(title);
    return s;
}

static int write_outputs(const options *o, const saint_model *m, const saint_image *images, const report_input *in)
{
    saint_error e = {0};
    saint_status s = SAINT_OK;
    if (o->overlay) s = draw_overlay(o->overlay, saint_model_get_info(m), &images[0], &in->trace->image[0], &e);
    if (s == SAINT_OK && o->trace) s = saint_trace_save(in->trace, o->trace, &e);
    if (s != SAINT_OK) {
        (void)cli_fail("run", s, &e);
        return EXIT_FAILED;
    }
    if (o->json) return cli_print_json(report_json(in));
    report_text(in);
    return EXIT_DONE;
}

/* What stands in the way of a run: the network, what it runs on, and whether others use that too. */
typedef struct {
    saint_model *m;
    saint_engine *engine;
    saint_session_options so;
    device_use use;
} scene;

static int run(const options *o, scene *sc, saint_image *images, double decode_seconds, device_company company, long max_new)
{
    saint_model *m = sc->m;
    const saint_model_info *info = saint_model_get_info(m);
    saint_error e = {0};
    saint_session *session = NULL;
    saint_trace *t = NULL;
    saint_notes notes = {0};
    int32_t ids[RANDOM_PREFIX + RANDOM_SUFFIX];
    saint_request q = {
        .images = images, .n_images = o->images.n, .prompt = o->prompt, .max_new_tokens = (int)max_new, .want_stats = o->stats};
    int leave = load_settings("run", &o->load, info, &q.settings, &notes);
    if (leave >= 0) return leave;
    if (o->prompt && info->random_weights) saint_note(&notes, "random weights have no vocabulary: the prompt is not read");
    else if (o->prompt && !info->llm_layers) saint_note(&notes, "%s has no language model: the prompt is not read", info->name);
    if (info->random_weights && info->llm_layers) {
        random_prompt(info->vocab, ids);
        q.ids = ids;
        q.n_prefix = RANDOM_PREFIX;
        q.n_suffix = RANDOM_SUFFIX;
        q.ignore_eos = true;
    }
    saint_status s = saint_session_open(&session, sc->engine, m, &sc->so, &e);
    progress p = {.show = isatty(STDERR_FILENO) != 0};
    saint_observer ob = {.event = show_progress, .ud = &p, .cancel = &interrupted};
    (void)device_use_alone(&sc->use);
    if (s == SAINT_OK) s = saint_session_run(session, &q, &ob, &t, &e);
    company = device_company_both(company, device_use_company(&sc->use));
    if (p.width) fprintf(stderr, "\r%*s\r", p.width, "");
    int status;
    if (s == SAINT_OK) {
        for (int i = 0; i < notes.n; i++) saint_note(&t->notes, "%s", notes.text[i]);
        for (int i = 0; i < t->notes.n; i++) cli_note("run", t->notes.text[i]);
        report_input in = {m, t, &q.settings, o->images.n ? o->images.v : NULL, decode_seconds, company};
        status = write_outputs(o, m, images, &in);
    } else {
        status = cli_fail("run", s, &e);
    }
    saint_trace_unref(t);
    saint_session_close(session);
    return status;
}

static int with_pictures(const options *o, scene *sc, long max_new)
{
    saint_error e = {0};
    saint_status s = SAINT_OK;
    saint_image *images = calloc((size_t)o->images.n + 1, sizeof *images);
    if (!images) s = saint_fail(&e, SAINT_MEMORY, "no memory for %d pictures", o->images.n);
    (void)device_use_alone(&sc->use);
    double begin = saint_now();
    for (int i = 0; i < o->images.n && s == SAINT_OK; i++) s = saint_image_load(o->images.v[i], &images[i], &e);
    double seconds = saint_now() - begin;
    device_company company = device_use_company(&sc->use);
    int status = s == SAINT_OK ? run(o, sc, images, seconds, company, max_new) : cli_fail("run", s, &e);
    for (int i = 0; images && i < o->images.n; i++) saint_image_free(&images[i]);
    free(images);
    return status;
}

int cmd_run(int argc, char **argv)
{
    options o = {0};
    const cli_option table[] = {
        LOAD_MODEL_OPTIONS(o.load),
        {"image", "FILE", "picture; more than one make a batch", NULL, NULL, &o.images},
        {"prompt", "TEXT", "question (a classifier needs none)", NULL, &o.prompt, NULL},
        LOAD_SETTINGS_OPTIONS(o.load),
        LOAD_ENGINE_OPTIONS(o.load),
        {"max-new-tokens", "N", "longest answer (default 64)", NULL, &o.max_new_tokens, NULL},
        {"overlay", "OUT.png", "the picture with dropped patches dimmed, one panel per prune site", NULL, &o.overlay, NULL},
        {"trace", "OUT.safetensors", "kept lists, scores, neighbours, statistics, logits", NULL, &o.trace, NULL},
        {"stats", NULL, "similarity statistics of every layer", &o.stats, NULL, NULL},
        {"json", NULL, "print JSON", &o.json, NULL, NULL},
        {0}};
    const cli_command c = {"run", "one picture, one prompt: answer, kept tokens, timings, FLOPs",
                           "[--model DIR] --image FILE [--prompt TEXT] [--preset NAME] [--set k=v]... [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    long max_new = 64;
    if (!cli_int("run", "max-new-tokens", o.max_new_tokens, 0, 1 << 20, &max_new)) return EXIT_USAGE;
    if (o.overlay && o.images.n != 1) return cli_usage("run", "--overlay needs exactly one --image");
    if ((o.overlay && !writable("overlay", o.overlay)) || (o.trace && !writable("trace", o.trace))) return EXIT_FAILED;
    scene sc = {.use.fd = -1};
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    int status = load_engine("run", &o.load, &sc.engine, &sc.so);
    if (status < 0) load_use("run", &sc.so, &sc.use);
    if (status < 0) status = load_model("run", &o.load, &sc.m);
    if (status < 0) {
        const saint_model_info *info = saint_model_get_info(sc.m);
        if (info->llm_layers && !o.prompt && !info->random_weights) status = cli_usage("run", "this model needs --prompt TEXT");
        else if (info->vit_layers && !o.images.n) status = cli_usage("run", "this model needs --image FILE");
        else status = with_pictures(&o, &sc, max_new);
    }
    saint_model_unref(sc.m);
    saint_engine_close(sc.engine);
    device_use_close(&sc.use);
    return status;
}
