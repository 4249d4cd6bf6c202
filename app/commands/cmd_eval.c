/* saint eval: a data set through the engine, scored as published, beside the unpruned model. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "defaults.h"
#include "eval/fits.h"
#include "eval/folder.h"
#include "eval/report.h"
#include "eval/runner.h"
#include "eval/summary.h"
#include "load.h"
#include "sweep/journal.h"
#include "sweep/machine.h"
#include "sweep/plan.h"
#include "sweep/stop.h"

typedef struct {
    load_options load;
    cli_list samples;
    const char *data, *images, *split, *prompts, *limit, *max_new_tokens, *out, *parser;
    bool errors_as_wrong, json;
} options;

typedef struct {
    const options *o;
    saint_engine *engine;
    saint_session_options so;
    saint_session *session;
    device_use use;
    saint_model *model;
    saint_dataset *data;
    saint_parser parser;
    saint_notes notes;
    eval_trial trial, baseline;
    eval_folder *folder;
    char model_path[8192], data_name[8192]; /* as they were opened */
    size_t n;             /* samples of the data set */
    bool *wanted;         /* [n] */
    eval_result **result; /* [n] of the trial */
    eval_result **base;   /* [n] of the unpruned model; the same list when that is the trial */
    size_t n_wanted, n_kept, torn;
    uint64_t attempt;     /* this launch */
    int argc;
    char **argv;
    const int *stop;
} job;

/* ---- what is evaluated ------------------------------------------------------------------------------------------- */

typedef struct {
    bool shown;
    double begin, last;
    size_t done, total;
    int width;
    const int *stop;
} progress_line;

static void show(progress_line *p, const char *what)
{
    double now = saint_now();
    if (!p->shown || (p->done < p->total && now - p->last < 0.1)) return;
    double seconds = now - p->begin, left = p->done ? seconds / (double)p->done * (double)(p->total - p->done) : 0;
    int n = fprintf(stderr, "\r%zu of %zu %s", p->done, p->total, what);
    if (p->done && left >= 90) n += fprintf(stderr, ", %.1f per second, %.0f min left", (double)p->done / seconds, left / 60);
    else if (p->done) n += fprintf(stderr, ", %.1f per second, %.0f s left", (double)p->done / seconds, left);
    fprintf(stderr, "%*s", p->width > n ? p->width - n : 0, "");
    p->width = n;
    p->last = now;
    fflush(stderr);
}

static void wipe(progress_line *p)
{
    if (p->shown && p->width) fprintf(stderr, "\r%*s\r", p->width, "");
    p->width = 0;
}

static bool making_data(void *ctx, size_t done, size_t total)
{
    progress_line *p = ctx;
    p->done = done;
    p->total = total;
    show(p, "pictures of the embedded data set made");
    return __atomic_load_n(p->stop, __ATOMIC_RELAXED) == 0;
}

static int open_data(job *j)
{
    saint_error e = {0};
    const char *name = j->o->data;
    saint_status s = SAINT_OK;
    if (default_data_meant(name)) {
        progress_line p = {.shown = isatty(STDERR_FILENO) == 1, .begin = saint_now(), .stop = j->stop};
        s = default_data(j->data_name, sizeof j->data_name, making_data, &p, &e);
        wipe(&p);
        if (s == SAINT_IO) return cli_usage("eval", "%s; or give --data KIND:PATH", e.text);
    } else snprintf(j->data_name, sizeof j->data_name, "%s", name);
    const saint_dataset_options d = {.images = j->o->images,
                                     .split = j->o->split,
                                     .style =
                                         j->o->prompts && strcmp(j->o->prompts, "llava") == 0 ? SAINT_PROMPT_LLAVA : SAINT_PROMPT_LMMS};
    if (s == SAINT_OK) s = saint_dataset_open(j->data_name, &d, &j->data, &e);
    if (s != SAINT_OK) return cli_fail("eval", s, &e);
    const saint_dataset_info *i = saint_dataset_get_info(j->data);
    j->n = i->n;
    return -1;
}

static int check_kind(const job *j)
{
    saint_error e = {0};
    saint_status s = eval_fits(saint_model_get_info(j->model), saint_dataset_get_info(j->data), &e);
    return s == SAINT_OK ? -1 : cli_fail("eval", s, &e);
}

/* "a,b" as one name where there is one, else as several. */
static bool want(job *j, char *list)
{
    size_t i;
    for (char *p = list; p;) {
        if (saint_dataset_find(j->data, p, &i)) {
            j->wanted[i] = true;
            return true;
        }
        char *comma = strchr(p, ',');
        if (comma) *comma = 0;
        if (!saint_dataset_find(j->data, p, &i)) {
            cli_usage("eval", "--samples %s: no such sample; the first of them is called %s", p, saint_dataset_uid(j->data, 0));
            return false;
        }
        j->wanted[i] = true;
        p = comma ? comma + 1 : NULL;
    }
    return true;
}

static int choose_samples(job *j)
{
    long limit = 0;
    if (!cli_int("eval", "limit", j->o->limit, 1, 1000000000, &limit)) return EXIT_USAGE;
    j->wanted = calloc(j->n + 1, sizeof *j->wanted);
    j->result = calloc(j->n + 1, sizeof(eval_result *));
    j->base = calloc(j->n + 1, sizeof(eval_result *));
    if (!j->wanted || !j->result || !j->base) return cli_fail("eval", SAINT_MEMORY, &(saint_error){.text = "no memory for the samples"});
    for (int i = 0; i < j->o->samples.n; i++) {
        char *list = strdup(j->o->samples.v[i]);
        bool ok = list && want(j, list);
        free(list);
        if (!ok) return EXIT_USAGE;
    }
    for (size_t i = 0; i < j->n; i++) {
        if (!j->o->samples.n) j->wanted[i] = true;
        if (limit && j->n_wanted == (size_t)limit) j->wanted[i] = false;
        j->n_wanted += j->wanted[i];
    }
    return -1;
}

static int make_trials(job *j)
{
    saint_error e = {0};
    const saint_model_info *m = saint_model_get_info(j->model);
    long max_new = m->llm_layers ? saint_dataset_get_info(j->data)->max_new_tokens : 0;
    if (!cli_int("eval", "max-new-tokens", j->o->max_new_tokens, 1, 1 << 20, &max_new)) return EXIT_USAGE;
    int leave = load_settings("eval", &j->o->load, m, &j->trial.settings, &j->notes);
    if (leave >= 0) return leave;
    saint_settings_default(&j->baseline.settings);
    j->trial.max_new_tokens = j->baseline.max_new_tokens = (int)max_new;
    j->trial.twin_of = j->baseline.twin_of = -1;
    saint_plan *p = malloc(sizeof *p);
    saint_status s = p ? saint_plan_build(p, &j->trial.settings, m, &j->notes, &e) : saint_fail(&e, SAINT_MEMORY, "no memory for a plan");
    free(p);
    if (s == SAINT_OK) s = eval_trial_identify(&j->trial, m, &e);
    if (s == SAINT_OK) s = eval_trial_identify(&j->baseline, m, &e);
    return s == SAINT_OK ? -1 : cli_fail("eval", s, &e);
}

/* ---- folder ------------------------------------------------------------------------------------------------------ */

static const char *dtype_name(const job *j) { return j->so.dtype == SAINT_BF16 ? "bf16" : j->so.dtype == SAINT_F16 ? "f16" : "f32"; }

static void add_config(cJSON *o, const char *key, const char *config)
{
    cJSON *c = cJSON_Parse(config);
    cJSON_AddItemToObject(o, key, c ? c : cJSON_CreateString(config));
}

static cJSON *identity(const job *j)
{
    const saint_model_info *m = saint_model_get_info(j->model);
    const saint_dataset_info *d = saint_dataset_get_info(j->data);
    char model[65], data[65];
    saint_digest_hex(&m->digest, model);
    saint_digest_hex(&d->digest, data);
    cJSON *o = cJSON_CreateObject();
    if (!o) return NULL;
    cJSON_AddNumberToObject(o, "version", 1);
    cJSON_AddStringToObject(o, "model", m->name);
    cJSON_AddStringToObject(o, "model_sha256", model);
    cJSON_AddStringToObject(o, "data", saint_data_kind_name(d->kind));
    cJSON_AddStringToObject(o, "data_sha256", data);
    cJSON_AddStringToObject(o, "prompts", d->prompt_name);
    cJSON_AddStringToObject(o, "template", j->o->load.template_name ? j->o->load.template_name : "the model's own");
    cJSON_AddStringToObject(o, "image_mode", j->o->load.image_mode ? j->o->load.image_mode : "the model's own");
    cJSON_AddStringToObject(o, "dtype", dtype_name(j));
    cJSON_AddStringToObject(o, "backend", j->so.backend);
    add_config(o, "config", j->trial.config);
    add_config(o, "baseline", j->baseline.config);
    return o;
}

static int open_folder(job *j)
{
    saint_error e = {0};
    size_t torn = 0;
    if (!j->o->out) return -1;
    cJSON *id = identity(j);
    saint_status s = id ? eval_folder_open(&j->folder, j->o->out, id, &e) : saint_fail(&e, SAINT_MEMORY, "no memory");
    cJSON_Delete(id);
    if (s == SAINT_OK) s = eval_folder_read(j->folder, EVAL_ANSWERS, j->trial.id, j->data, j->result, &j->torn, &e);
    if (s == SAINT_OK && !j->trial.baseline) s = eval_folder_read(j->folder, EVAL_BASELINE, j->baseline.id, j->data, j->base, &torn, &e);
    if (s != SAINT_OK) {
        int status = cli_fail("eval", s, &e);
        return s == SAINT_IO && status == EXIT_FAILED ? EXIT_INTERRUPTED : status; /* once there is room the same command does it */
    }
    if (j->torn + torn)
        saint_note(&j->notes, "%s: %zu lines cannot be read and count as not there", j->o->out, j->torn + torn);
    return -1;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

typedef struct {
    job *j;
    progress_line line;
    size_t shared;       /* records that were made while somebody else used the device */
    saint_status status; /* of the folder */
    saint_error error;
} running;

static bool keep(void *ud, eval_result *r)
{
    running *x = ud;
    job *j = x->j;
    bool base = !j->trial.baseline && r->trial == j->baseline.id;
    eval_result **to = base ? &j->base[r->sample] : &j->result[r->sample];
    *to = malloc(sizeof **to);
    if (!*to) {
        eval_result_free(r);
        x->status = saint_fail(&x->error, SAINT_MEMORY, "no memory for a record");
        return false;
    }
    x->shared += r->state == EVAL_OK && !r->timing_valid;
    **to = *r;
    if (j->folder)
        x->status = eval_folder_add(j->folder, base ? EVAL_BASELINE : EVAL_ANSWERS, saint_dataset_uid(j->data, r->sample), *to, &x->error);
    x->line.done += !base && x->status == SAINT_OK;
    show(&x->line, "samples");
    return x->status == SAINT_OK;
}

static bool lacks(const eval_result *r) { return !r || r->state != EVAL_OK; }

/* What is not there yet: of each sample the unpruned model first. */
static eval_unit *units_of(job *j, size_t *n, size_t *samples)
{
    eval_unit *unit = calloc(2 * j->n_wanted + 1, sizeof *unit);
    *n = *samples = 0;
    for (size_t i = 0; unit && i < j->n; i++) {
        if (!j->wanted[i]) continue;
        if (!j->trial.baseline && lacks(j->base[i])) unit[(*n)++] = (eval_unit){.trial = &j->baseline, .sample = (uint32_t)i};
        if (!lacks(j->result[i])) continue;
        unit[(*n)++] = (eval_unit){.trial = &j->trial, .sample = (uint32_t)i};
        ++*samples;
    }
    return unit;
}

static saint_status open_session(job *j, saint_error *err)
{
    const saint_model_info *m = saint_model_get_info(j->model);
    j->so.checkpoint_bytes = eval_checkpoint_bytes(m, j->trial.max_new_tokens, 2);
    return saint_session_open(&j->session, j->engine, j->model, &j->so, err);
}

/* ---- runs.jsonl -------------------------------------------------------------------------------------------------- */

static saint_status given_of(const job *j, sweep_texts *out, saint_error *err)
{
    const load_options *l = &j->o->load;
    const char *const base[][2] = {{"preset", l->preset}, {"compat", l->compat}};
    saint_status s = SAINT_OK;
    for (int i = 0; i < 2 && s == SAINT_OK; i++) {
        char *text = NULL;
        if (!base[i][1]) continue;
        if (asprintf(&text, "%s=%s", base[i][0], base[i][1]) < 0) return saint_fail(err, SAINT_MEMORY, "no memory");
        s = sweep_texts_add(out, text, err);
        free(text);
    }
    for (int i = 0; i < l->set.n && s == SAINT_OK; i++) s = sweep_texts_add(out, l->set.v[i], err);
    return s;
}

static saint_status plan_of(const job *j, sweep_plan *out, saint_error *err)
{
    sweep_texts given = {0};
    const sweep_scene scene = {.model = j->model_path,
                               .info = saint_model_get_info(j->model),
                               .data = j->data_name,
                               .split = j->o->split,
                               .images = j->o->images,
                               .dataset = j->data,
                               .dtype = dtype_name(j),
                               .backend = j->so.backend,
                               .template_name = j->o->load.template_name,
                               .image_mode = j->o->load.image_mode,
                               .parser = j->parser};
    saint_status s = given_of(j, &given, err);
    if (s == SAINT_OK) s = sweep_plan_one(&j->trial, &j->baseline, &given, j->wanted, &scene, out, err);
    sweep_texts_free(&given);
    return s;
}

/* Who computes what, so that the folder tells all that a row of `saint export` has to. */
static saint_status note_launch(const job *j, saint_error *err)
{
    static const sweep_rank alone = {.world = 1, .local_rank = -1, .launcher = "none"};
    sweep_plan p, nothing = {0};
    saint_device devices[16];
    char why[160], driver[64] = "", *asked = NULL;
    if (!j->folder) return SAINT_OK;
    saint_status s = plan_of(j, &p, err);
    if (s != SAINT_OK) return s;
    sweep_launch l = {.plan = p.id,
                      .rank = &alone,
                      .dtype = p.dtype,
                      .backend = p.backend,
                      .device = "cpu",
                      .driver = driver,
                      .kernels = saint_session_tier(j->session),
                      .threads = saint_engine_threads(j->engine),
                      .argc = j->argc,
                      .argv = j->argv};
    int n = strcmp(p.backend, "cuda") == 0 ? saint_engine_devices(devices, 16, why, sizeof why) : 0;
    if (n) sweep_machine_driver(driver, sizeof driver);
    for (int i = 0; i < n && i < 16; i++)
        if (devices[i].index == j->so.device) l.device = devices[i].name;
    nothing.wanted = calloc(j->n + 1, sizeof *nothing.wanted);
    s = nothing.wanted ? sweep_plan_line(&p, &nothing, &asked, err) : saint_fail(err, SAINT_MEMORY, "no memory for the samples");
    cJSON *o = s == SAINT_OK ? sweep_launch_json(&l, j->attempt) : NULL;
    if (o) {
        cJSON_AddItemToObject(o, "asked_of", sweep_plan_json(&p));
        cJSON_AddStringToObject(o, "asked", asked);
        s = eval_folder_launch(j->folder, o, err);
    } else if (s == SAINT_OK) s = saint_fail(err, SAINT_MEMORY, "no memory for a line");
    cJSON_Delete(o);
    free(asked);
    free(nothing.wanted);
    sweep_plan_free(&p);
    return s;
}

static int run(job *j)
{
    saint_error e = {0};
    size_t n, samples;
    eval_unit *unit = units_of(j, &n, &samples);
    eval_runner *r = NULL;
    j->n_kept = j->n_wanted - samples;
    running x = {.j = j, .line = {.shown = isatty(STDERR_FILENO) == 1, .begin = saint_now(), .total = samples}};
    saint_status s = unit ? open_session(j, &e) : saint_fail(&e, SAINT_MEMORY, "no memory for the samples");
    if (s == SAINT_OK) s = x.status = note_launch(j, &x.error);
    int threads = saint_engine_threads(j->engine);
    const eval_options o = {.session = j->session,
                            .model = j->model,
                            .data = j->data,
                            .decoders = threads < 4 ? threads : 4,
                            .timing_valid = true,
                            .use = &j->use,
                            .attempt = j->attempt,
                            .stop = j->stop};
    if (s == SAINT_OK) s = eval_runner_open(&r, &o, &e);
    if (s == SAINT_OK) s = eval_runner_run(r, unit, n, &j->baseline, keep, &x, &e);
    eval_runner_close(r);
    device_use_end(&j->use); /* what follows only counts */
    if (x.shared) saint_note(&j->notes, "the device was not alone with this evaluation: the times of %zu runs do not count (timing_note says why)", x.shared);
    wipe(&x.line);
    free(unit);
    if (x.status != SAINT_OK) (void)cli_fail("eval", x.status, &x.error);
    if (x.status != SAINT_OK && x.status != SAINT_IO) return EXIT_FAILED;
    if (x.status == SAINT_IO || s == SAINT_CANCELLED) { /* the disk, not the command */
        size_t done = j->n_kept + x.line.done;
        fprintf(stderr, "saint eval: %s: %zu of %zu samples are finished%s\n", x.status == SAINT_IO ? j->o->out : "interrupted", done, j->n_wanted,
                j->folder ? "; the same command goes on" : ", and lost without --out");
        return EXIT_INTERRUPTED;
    }
    return s == SAINT_OK ? -1 : cli_fail("eval", s, &e);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static int conclude(job *j)
{
    saint_error e = {0};
    eval_summary mine = {0}, base = {0};
    const eval_result *const *ours = (const eval_result *const *)j->result, *const *theirs = (const eval_result *const *)j->base;
    if (j->trial.baseline) theirs = ours;
    saint_status (*summarise)(const saint_dataset *, const eval_result *const *, const eval_result *const *, const bool *, saint_parser, eval_summary *,
                              saint_error *) = j->o->errors_as_wrong ? eval_summarise_errors_as_wrong : eval_summarise;
    saint_status s = summarise(j->data, ours, theirs, j->wanted, j->parser, &mine, &e);
    if (s == SAINT_OK) s = summarise(j->data, theirs, theirs, j->wanted, j->parser, &base, &e);
    if (s != SAINT_OK) {
        eval_summary_free(&mine);
        return cli_fail("eval", s, &e);
    }
    const eval_report in = {.model = j->model,
                            .data = j->data,
                            .session = j->session,
                            .threads = saint_engine_threads(j->engine),
                            .dtype = j->so.dtype,
                            .trial = &j->trial,
                            .baseline = &j->baseline,
                            .mine = &mine,
                            .base = &base,
                            .result = ours,
                            .n_kept = j->n_kept,
                            .notes = &j->notes};
    int status = EXIT_DONE;
    if (j->o->json) status = cli_print_json(eval_report_json(&in));
    else eval_report_text(&in);
    for (int i = 0; i < j->notes.n; i++) cli_note("eval", j->notes.text[i]);
    if (!j->o->json) eval_report_warnings(&in);
    /* Every sample failed: there is no result, whatever was printed. */
    if (status == EXIT_DONE && mine.n_total && mine.n_error == mine.n_total) status = EXIT_FAILED;
    eval_summary_free(&mine);
    eval_summary_free(&base);
    return status;
}

static void free_records(eval_result **list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        eval_result_free(list[i]);
        free(list[i]);
    }
    free(list);
}

static int evaluate(job *j)
{
    saint_error e = {0};
    load_options load = j->o->load;
    char embedded[8192];
    if (load.model) snprintf(j->model_path, sizeof j->model_path, "%s", model_path(load.model, embedded, sizeof embedded));
    else if (default_model(j->model_path, sizeof j->model_path, &e) != SAINT_OK) return cli_fail("eval", SAINT_IO, &e);
    load.model = j->model_path;
    j->attempt = ((uint64_t)getpid() << 32) ^ (uint64_t)(saint_now() * 1e6);
    int leave = load_engine("eval", &load, &j->engine, &j->so);
    if (leave < 0) load_use("eval", &j->so, &j->use);
    if (leave < 0) leave = load_model("eval", &load, &j->model);
    if (leave < 0) leave = open_data(j);
    if (leave < 0) leave = check_kind(j);
    if (leave < 0) leave = choose_samples(j);
    if (leave < 0) leave = make_trials(j);
    if (leave < 0) leave = open_folder(j);
    if (leave < 0) leave = run(j);
    return leave < 0 ? conclude(j) : leave;
}

int cmd_eval(int argc, char **argv)
{
    options o = {0};
    const cli_option table[] = {
        LOAD_FOLDER_OPTIONS(o.load),
        {"data", "KIND:PATH",
         "data set: scenes, mme, pope, scienceqa, textvqa, vqav2, gqa, mmbench, seed, vizwiz, imagefolder, manifest, images; default: "
         "scenes, the embedded test split",
         NULL, &o.data, NULL},
        {"images", "DIR", "folder of the pictures, when it is not where the distribution puts it", NULL, &o.images, NULL},
        {"split", "NAME", "another split than the usual one", NULL, &o.split, NULL},
        {"prompts", "STYLE", "lmms (default: as SAINT was measured) or llava (LLaVA's own wording)", NULL, &o.prompts, NULL},
        {"limit", "N", "only the first N samples", NULL, &o.limit, NULL},
        {"samples", "UID,...", "only these samples; may repeat", NULL, NULL, &o.samples},
        LOAD_SETTINGS_OPTIONS(o.load),
        LOAD_ENGINE_OPTIONS(o.load),
        {"max-new-tokens", "N", "longest answer; default: as published for the data set", NULL, &o.max_new_tokens, NULL},
        {"parser", "NAME", "lmms (default: lmms-eval 0.3, as SAINT was measured) or official (the authors' scripts)", NULL, &o.parser,
         NULL},
        {"out", "DIR", "append every record to DIR/answers.jsonl; the same command again goes on there, and `saint export DIR` reads it", NULL, &o.out, NULL},
        {"errors-as-wrong", NULL, "count failed samples as wrong answers; otherwise they are left out of the scores", &o.errors_as_wrong, NULL, NULL},
        {"json", NULL, "print JSON", &o.json, NULL, NULL},
        {0}};
    const cli_command c = {"eval", "a data set through the engine, scored as published, beside the unpruned model",
                           "[--model DIR] [--data KIND:PATH] [--preset NAME] [--set k=v]... [--limit N] [--out DIR] [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    bool official = o.parser && strcmp(o.parser, "official") == 0;
    if (o.parser && !official && strcmp(o.parser, "lmms") != 0)
        return cli_usage("eval", "--parser %s: expected lmms or official", o.parser);
    if (o.prompts && strcmp(o.prompts, "lmms") != 0 && strcmp(o.prompts, "llava") != 0)
        return cli_usage("eval", "--prompts %s: expected lmms or llava", o.prompts);
    job *j = calloc(1, sizeof *j); /* settings are large */
    if (!j) return cli_fail("eval", SAINT_MEMORY, &(saint_error){0});
    j->o = &o;
    j->use.fd = -1;
    j->argc = argc;
    j->argv = argv;
    j->stop = sweep_stop_catch();
    j->parser = official ? SAINT_PARSER_OFFICIAL : SAINT_PARSER_LMMS;
    leave = evaluate(j);
    free_records(j->result, j->n);
    free_records(j->base, j->n);
    free(j->wanted);
    eval_folder_close(j->folder);
    eval_trial_free(&j->trial);
    eval_trial_free(&j->baseline);
    saint_session_close(j->session);
    saint_dataset_close(j->data);
    saint_model_unref(j->model);
    saint_engine_close(j->engine);
    device_use_close(&j->use);
    free(j);
    return leave;
}
