/* saint sweep: many configurations on a data set, in as many processes as there are, through any interruption. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "defaults.h"
#include "eval/fits.h"
#include "eval/runner.h"
#include "export/export.h"
#include "load.h"
#include "sweep/claim.h"
#include "sweep/folder.h"
#include "sweep/jobs.h"
#include "sweep/machine.h"
#include "sweep/metrics.h"
#include "sweep/resume.h"
#include "sweep/show.h"
#include "sweep/stop.h"

typedef struct {
    load_options load;
    cli_list words, grid, samples;
    const char *data, *images, *split, *prompts, *parser;
    const char *name, *method, *count, *seed, *limit, *repeat, *max_new_tokens, *early_stop_loss;
    const char *out, *csv, *jobs, *rank, *world;
    bool no_random, early_stop, retry_errors, errors_as_wrong, same_env, status, json;
} options;

typedef struct {
    const options *o;
    int argc;
    char **argv;
    load_options load; /* those of the command line, or what the folder's plan says */
    const char *images, *prompts;
    sweep_resume again; /* of a folder that is given alone */
    sweep_spec spec;
    sweep_rank rank;
    long jobs;
    saint_model *model;
    saint_dataset *data;
    char folder[4096];
    char dtype[8], backend[8];
    int devices; /* accelerators that processes of this machine share out */
    const int *stop;
    bool quiet; /* another rank speaks */
} job;

static int fail(saint_status s, const saint_error *e) { return cli_fail("sweep", s, e); }

/* ---- what is asked ------------------------------------------------------------------------------------------------ */

static saint_status texts_of(sweep_spec *s, const options *o, saint_error *err)
{
    const struct {
        char **field;
        const char *value;
    } text[] = {{&s->name, o->name},   {&s->model, o->load.model},   {&s->data, o->data},
                {&s->split, o->split}, {&s->preset, o->load.preset}, {&s->compat, o->load.compat}};
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < sizeof text / sizeof *text && st == SAINT_OK; i++)
        if (text[i].value) st = sweep_spec_text(text[i].field, text[i].value, err);
    for (int i = 0; i < o->load.set.n && st == SAINT_OK; i++) st = sweep_texts_add(&s->set, o->load.set.v[i], err);
    for (int i = 0; i < o->grid.n && st == SAINT_OK; i++) st = sweep_spec_grid(s, o->grid.v[i], err);
    for (int i = 0; i < o->samples.n && st == SAINT_OK; i++) st = sweep_texts_add(&s->samples, o->samples.v[i], err);
    if (st == SAINT_OK && o->method) st = sweep_spec_method(s, o->method, "--method", err);
    return st;
}

static int read_spec(job *j)
{
    const options *o = j->o;
    sweep_spec *s = &j->spec;
    saint_error e = {0};
    long count = (long)s->count, seed = 0, limit = 0, repeat = 0, tokens = 0;
    sweep_spec_init(s);
    saint_status st = o->words.n ? sweep_spec_load(s, o->words.v[0], &e) : SAINT_OK;
    if (st == SAINT_OK) st = texts_of(s, o, &e);
    if (st != SAINT_OK) return fail(st, &e);
    if (!cli_int("sweep", "count", o->count, 1, SWEEP_TRIALS_MAX, &count) || !cli_int("sweep", "seed", o->seed, 0, 1L << 53, &seed) ||
        !cli_int("sweep", "limit", o->limit, 1, 1000000000, &limit) || !cli_int("sweep", "repeat", o->repeat, 1, 1000, &repeat) ||
        !cli_int("sweep", "max-new-tokens", o->max_new_tokens, 1, 1 << 20, &tokens))
        return EXIT_USAGE;
    if (o->count) s->count = (size_t)count;
    if (o->seed) s->seed = (uint64_t)seed;
    if (limit) s->limit = (size_t)limit;
    if (repeat) s->repeat = (unsigned)repeat;
    if (tokens) s->max_new_tokens = (int)tokens;
    if (o->no_random) s->no_random = true;
    if (o->early_stop && !(s->early_stop > 0)) s->early_stop = 0.1;
    if (o->early_stop_loss) {
        char *end;
        s->early_stop = strtod(o->early_stop_loss, &end);
        if (*end || !(s->early_stop > 0) || s->early_stop > 1)
            return cli_usage("sweep", "--early-stop-loss %s: expected a number above 0, at most 1", o->early_stop_loss);
    }
    st = sweep_spec_finish(s, &e);
    return st == SAINT_OK ? -1 : fail(st, &e);
}

static const char *environment(void *ud, const char *name)
{
    (void)ud;
    return getenv(name);
}

static int find_rank(job *j)
{
    saint_error e = {0};
    long rank = -1, world = -1;
    j->jobs = 1;
    if (!cli_int("sweep", "rank", j->o->rank, 0, 1 << 20, &rank) || !cli_int("sweep", "world", j->o->world, 1, 1 << 20, &world) ||
        !cli_int("sweep", "jobs", j->o->jobs, 1, SWEEP_JOBS_MAX, &j->jobs))
        return EXIT_USAGE;
    saint_status s = sweep_rank_find(environment, NULL, rank, world, &j->rank, &e);
    if (s != SAINT_OK) return fail(s, &e);
    if (j->jobs > 1 && j->rank.world > 1)
        return cli_usage("sweep", "--jobs %ld: this is rank %d of %d of %s already; leave --jobs out", j->jobs, j->rank.rank, j->rank.world,
                         j->rank.launcher);
    j->quiet = j->rank.rank > 0;
    return -1;
}

/* ---- model, data, plan -------------------------------------------------------------------------------------------- */

static bool making_data(void *ctx, size_t done, size_t total)
{
    const job *j = ctx;
    if (!j->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%zu of %zu pictures of the embedded data set made%s", done, total, done == total ? "\n" : "");
    return __atomic_load_n(j->stop, __ATOMIC_RELAXED) == 0;
}

static int open_model(job *j)
{
    saint_error e = {0};
    char path[8192];
    load_options l = j->load;
    if (!j->spec.model && default_model(path, sizeof path, &e) != SAINT_OK) return fail(SAINT_IO, &e);
    l.model = j->spec.model ? model_path(j->spec.model, path, sizeof path) : path; /* the plan keeps a folder, not the name of an embedded one */
    if (l.model == path && sweep_spec_text(&j->spec.model, path, &e) != SAINT_OK) return fail(SAINT_MEMORY, &e);
    l.model = j->spec.model;
    return load_model("sweep", &l, &j->model);
}

static int open_data(job *j)
{
    saint_error e = {0};
    char made[8192];
    saint_status s = SAINT_OK;
    if (default_data_meant(j->spec.data)) {
        s = default_data(made, sizeof made, making_data, j, &e);
        if (s == SAINT_OK) s = sweep_spec_text(&j->spec.data, made, &e);
    }
    const saint_dataset_options d = {.images = j->images,
                                     .split = j->spec.split,
                                     .style = j->prompts && strcmp(j->prompts, "llava") == 0 ? SAINT_PROMPT_LLAVA : SAINT_PROMPT_LMMS};
    if (s == SAINT_OK) s = saint_dataset_open(j->spec.data, &d, &j->data, &e);
    if (s == SAINT_OK) s = eval_fits(saint_model_get_info(j->model), saint_dataset_get_info(j->data), &e);
    return s == SAINT_OK ? -1 : fail(s, &e);
}

enum { ENGINE_FOUND = 100 }; /* above every exit status of ours; plus the number of devices */

/* What load_engine makes of the options. A child tries it where others will be forked: a CUDA runtime does not survive that. */
static int try_engine(job *j)
{
    load_options l = j->load;
    saint_engine *engine = NULL;
    saint_session_options so = {0};
    char why[160];
    int leave = load_engine("sweep", &l, &engine, &so);
    if (leave >= 0) return leave;
    bool cuda = strcmp(so.backend, "cuda") == 0;
    int n = cuda && !l.device ? saint_engine_devices(NULL, 0, why, sizeof why) : cuda ? 1 : 0;
    saint_engine_close(engine);
    return ENGINE_FOUND + (n < 100 ? n : 100);
}

static int find_engine(job *j)
{
    int status = 0;
    const char *backend = j->load.backend;
    if (j->jobs > 1 && backend && strcmp(backend, "cpu") != 0) {
        int how = 0;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            status = try_engine(j);
            fflush(NULL);
            _exit(status);
        }
        if (child < 0) return cli_usage("sweep", "no process to be had: %s", strerror(errno));
        while (waitpid(child, &how, 0) < 0 && errno == EINTR) continue;
        status = WIFEXITED(how) ? WEXITSTATUS(how) : EXIT_FAILED;
    } else {
        status = try_engine(j);
    }
    if (status < ENGINE_FOUND) return status;
    j->devices = status - ENGINE_FOUND;
    snprintf(j->backend, sizeof j->backend, "%s", j->devices ? "cuda" : "cpu");
    snprintf(j->dtype, sizeof j->dtype, "%s", j->load.dtype ? j->load.dtype : "f32");
    return -1;
}

/* A disk without room is no wrong command: the same one does it once there is some. */
static int disk(int status) { return status == EXIT_FAILED ? EXIT_INTERRUPTED : status; }

static int make_plan(job *j)
{
    saint_error e = {0};
    saint_notes notes = {0};
    sweep_plan p;
    const options *o = j->o;
    const sweep_scene scene = {.model = j->spec.model,
                               .vision_tower = j->load.vision_tower,
                               .info = saint_model_get_info(j->model),
                               .data = j->spec.data,
                               .split = j->spec.split,
                               .images = j->images,
                               .dataset = j->data,
                               .dtype = j->dtype,
                               .backend = j->backend,
                               .template_name = j->load.template_name,
                               .image_mode = j->load.image_mode,
                               .parser = o->parser && strcmp(o->parser, "official") == 0 ? SAINT_PARSER_OFFICIAL : SAINT_PARSER_LMMS};
    saint_status s = sweep_plan_make(&j->spec, &scene, &p, &notes, &e);
    if (s != SAINT_OK) return fail(s, &e);
    for (int i = 0; i < notes.n && !j->quiet; i++) cli_note("sweep", notes.text[i]);
    if (o->out) snprintf(j->folder, sizeof j->folder, "%s", o->out);
    else sweep_plan_folder(&p, j->folder, sizeof j->folder);
    if (!o->status) s = sweep_plan_commit(&p, j->folder, &e);
    sweep_plan_free(&p);
    return s == SAINT_OK ? -1 : s == SAINT_IO ? disk(fail(s, &e)) : fail(s, &e);
}

/* ---- a folder alone ------------------------------------------------------------------------------------------------ */

/* What changes the question. A folder alone goes on with what was asked of it. */
static const char *asks(const options *o)
{
    const struct {
        const char *name;
        bool given;
    } option[] = {{"method", o->method},     {"count", o->count},
                  {"seed", o->seed},         {"name", o->name},
                  {"limit", o->limit},       {"samples", o->samples.n},
                  {"repeat", o->repeat},     {"no-random", o->no_random},
                  {"early-stop", o->early_stop}, {"early-stop-loss", o->early_stop_loss},
                  {"split", o->split},       {"prompts", o->prompts},
                  {"parser", o->parser},     {"max-new-tokens", o->max_new_tokens},
                  {"template", o->load.template_name}, {"image-mode", o->load.image_mode},
                  {"compat", o->load.compat}, {"dtype", o->load.dtype},
                  {"backend", o->load.backend}};
    for (size_t i = 0; i < sizeof option / sizeof *option; i++)
        if (option[i].given) return option[i].name;
    return NULL;
}

/* Model, data and numbers are those of the plan; where they lie may be said anew. */
static int take_folder(job *j)
{
    saint_error e = {0};
    const options *o = j->o;
    const sweep_plan *p = &j->again.plan;
    char path[4096 + 32], made[8192];
    const char *word = asks(o);
    snprintf(path, sizeof path, "%s/plan.json", o->out);
    if (!saint_file_exists(path))
        return cli_usage("sweep",
                         "%s: no sweep lies there to go on with, and there is nothing to compare: expected SPEC.json, --grid KEY=VALUES, "
                         "--preset or --set",
                         o->out);
    if (word)
        return cli_usage("sweep",
                         "--%s: %s alone goes on with what was asked of it; leave --%s out, or give the whole command that is to extend it",
                         word, o->out, word);
    saint_status s = sweep_resume_open(o->out, &j->again, &e);
    sweep_spec_init(&j->spec);
    if (s == SAINT_OK) s = sweep_spec_text(&j->spec.model, o->load.model ? o->load.model : p->model, &e);
    if (s == SAINT_OK) s = sweep_spec_text(&j->spec.data, o->data ? o->data : p->data, &e);
    if (s == SAINT_OK) s = sweep_spec_text(&j->spec.split, p->split, &e);
    if (s == SAINT_OK && !o->data && default_data_name(made, sizeof made) && strcmp(made, p->data) == 0) /* made again where it is gone */
        s = sweep_spec_text(&j->spec.data, "scenes", &e);
    if (s != SAINT_OK) return fail(s, &e);
    j->spec.max_new_tokens = j->again.max_new_tokens;
    if (!o->load.vision_tower && !o->load.model) j->load.vision_tower = p->vision_tower;
    if (!o->images && !o->data) j->images = p->images;
    j->load.template_name = j->again.template_name;
    j->load.image_mode = j->again.image_mode;
    j->load.dtype = p->dtype;
    j->load.backend = p->backend;
    j->prompts = j->again.llava ? "llava" : NULL;
    snprintf(j->folder, sizeof j->folder, "%s", o->out);
    return -1;
}

static int check_folder(job *j)
{
    saint_error e = {0};
    char note[256];
    const sweep_plan *p = &j->again.plan;
    saint_status s = sweep_resume_check(&j->again, j->folder, saint_model_get_info(j->model), saint_dataset_get_info(j->data), &e);
    if (s == SAINT_OK) s = sweep_folder_make(j->folder, &e); /* a copy of the plan alone will do */
    if (s != SAINT_OK) return s == SAINT_IO ? disk(fail(s, &e)) : fail(s, &e);
    snprintf(note, sizeof note, "going on with %.60s: %d trials on %zu samples, as asked when it was made or extended", p->name,
             p->n_trials, p->n_wanted);
    if (!j->quiet) cli_note("sweep", note);
    return -1;
}

/* ---- one process -------------------------------------------------------------------------------------------------- */

static int cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Processes of one machine share its CPUs, unless their launcher has bound each to some of them or the user has counted himself. */
static void divide_threads(const job *j, int local_world, load_options *l, char text[24])
{
    long given = l->threads ? strtol(l->threads, NULL, 10) : 0;
    bool bound = cpus() < (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (j->jobs > 1) given = (given ? given : cpus()) / j->jobs;
    else if (!given && local_world > 1 && !bound) given = cpus() / local_world;
    else return;
    snprintf(text, 24, "%ld", given > 0 ? given : 1);
    l->threads = text;
}

/* Checkpoints lie in the memory of the machine, or of the device, that several processes may share. */
static size_t share_of_memory(const job *j, size_t bytes)
{
    int here = j->jobs > 1 ? (int)j->jobs : j->rank.local_world > 0 ? j->rank.local_world : j->rank.world;
    double half = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 2;
    return here > 1 && (double)bytes > half / here ? (size_t)(half / here) : bytes;
}

/* Disk trouble is nobody's mistake: what is finished is safe, and the same command goes on. */
static int exit_status(saint_status s)
{
    switch (s) {
    case SAINT_OK: return EXIT_DONE;
    case SAINT_CANCELLED:
    case SAINT_IO: return EXIT_INTERRUPTED;
    case SAINT_INVALID:
    case SAINT_FORMAT:
    case SAINT_UNSUPPORTED: return EXIT_USAGE;
    default: return EXIT_FAILED;
    }
}

/* Numbers of other kernels or another device are not quite the same. They are told apart in the tables; who wants none of them says so. */
static bool environment_fits(const job *j, const sweep_launch *l)
{
    saint_error e = {0};
    sweep_data *d = NULL;
    char words[256];
    bool mixed = false;
    const sweep_attempt mine = {.device = (char *)(uintptr_t)l->device,
                                .driver = (char *)(uintptr_t)l->driver,
                                .kernels = (char *)(uintptr_t)l->kernels};
    if (j->o->same_env && sweep_load(j->folder, false, &d, &e) == SAINT_OK)
        mixed = sweep_show_mixed(d, &mine, words, sizeof words);
    if (mixed)
        (void)cli_usage("sweep",
                        "%s: --require-same-env: expected one device with one kind of kernels, found %s; give --tier, or work where the "
                        "others did",
                        j->folder, words);
    sweep_free(d);
    return !mixed;
}

static int work(job *j, saint_session *session, int threads, const saint_device *device, device_use *use)
{
    saint_error e = {0};
    char driver[64] = "";
    sweep_line_shown line = {.shown = !j->quiet && isatty(STDERR_FILENO) == 1, .stop = j->stop};
    int local = j->rank.local_rank;
    if (device) sweep_machine_driver(driver, sizeof driver);
    const sweep_worker w = {.folder = j->folder,
                            .model = j->model,
                            .data = j->data,
                            .session = session,
                            .threads = threads,
                            .launch = {.rank = &j->rank,
                                       .dtype = j->dtype,
                                       .backend = j->backend,
                                       .device = device ? device->name : "cpu",
                                       .driver = driver,
                                       .kernels = saint_session_tier(session),
                                       .threads = threads,
                                       .argc = j->argc,
                                       .argv = j->argv},
                            .exclusive = (j->jobs == 1 && j->rank.world == 1) ||
                                         (device && local >= 0 && local < j->devices && (j->jobs <= j->devices)),
                            .use = use,
                            .retry_errors = j->o->retry_errors,
                            .stop = j->stop,
                            .progress = sweep_show_progress,
                            .ud = &line};
    if (!environment_fits(j, &w.launch)) return EXIT_USAGE;
    saint_status s = sweep_work(&w, exit_status, &e);
    sweep_show_wipe(&line);
    if (s != SAINT_OK && s != SAINT_CANCELLED) (void)fail(s, &e);
    return exit_status(s);
}

/* A session, then work on it. */
static int run_rank(job *j)
{
    saint_error e = {0};
    load_options l = j->load;
    char threads[24], device[24];
    saint_engine *engine = NULL;
    saint_session_options so = {0};
    saint_session *session = NULL;
    saint_device devices[16];
    char why[160];
    int n = 0;
    divide_threads(j, j->rank.local_world, &l, threads);
    if (j->devices && !l.device) {
        snprintf(device, sizeof device, "%d", sweep_rank_device(&j->rank, j->devices));
        l.device = device;
    }
    l.backend = j->backend;
    int leave = load_engine("sweep", &l, &engine, &so);
    if (leave >= 0) return leave;
    device_use use;
    load_use("sweep", &so, &use);
    so.checkpoint_bytes =
        eval_checkpoint_bytes(saint_model_get_info(j->model),
                              j->spec.max_new_tokens ? j->spec.max_new_tokens : saint_dataset_get_info(j->data)->max_new_tokens, 0);
    so.checkpoint_bytes = share_of_memory(j, so.checkpoint_bytes);
    saint_status s = saint_session_open(&session, engine, j->model, &so, &e);
    if (s == SAINT_OK && j->devices) n = saint_engine_devices(devices, 16, why, sizeof why);
    const saint_device *mine = NULL;
    for (int i = 0; i < n && i < 16; i++)
        if (devices[i].index == so.device) mine = &devices[i];
    int status = s == SAINT_OK ? work(j, session, saint_engine_threads(engine), mine, &use) : fail(s, &e);
    saint_session_close(session);
    saint_engine_close(engine);
    device_use_close(&use);
    return status;
}

static int run_job(void *ud, int index)
{
    job *j = ud;
    j->stop = sweep_stop_catch_in_job();
    j->rank = (sweep_rank){.rank = index, .world = (int)j->jobs, .local_rank = index, .local_world = (int)j->jobs, .launcher = "jobs"};
    j->quiet = index > 0;
    return run_rank(j);
}

static int run_jobs(job *j)
{
    saint_error e = {0};
    sweep_jobs r;
    saint_status s = sweep_jobs_run((int)j->jobs, run_job, j, &r, &e);
    if (s != SAINT_OK) return fail(s, &e);
    if (r.killed) fprintf(stderr, "saint sweep: %d of %ld processes were killed\n", r.killed, j->jobs);
    return r.failed ? r.status : r.interrupted || r.killed ? EXIT_INTERRUPTED : EXIT_DONE;
}

/* ---- afterwards --------------------------------------------------------------------------------------------------- */

static int put_csv(const char *path, table *t)
{
    saint_error e = {0};
    text_buf out = {0};
    export_csv(t, &(export_options){.timing = true}, &out);
    saint_status s = text_status(&out, "the table", &e);
    if (s == SAINT_OK && strcmp(path, "-") == 0) fwrite(out.p, 1, out.n, stdout);
    else if (s == SAINT_OK) s = saint_file_write(path, out.p, out.n, &e);
    text_free(&out);
    if (s == SAINT_OK) return -1;
    (void)fail(s, &e);
    return EXIT_FAILED;
}

static int put_text(table *t)
{
    saint_error e = {0};
    text_buf out = {0};
    struct winsize size = {0};
    const bool screen = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    export_plain(t, &(export_options){.timing = true}, screen ? size.ws_col : 0, &out);
    saint_status s = text_status(&out, "the table", &e);
    if (s == SAINT_OK) fwrite(out.p, 1, out.n, stdout);
    text_free(&out);
    return s == SAINT_OK ? -1 : fail(s, &e);
}

/* Tables, and the verdict: nothing but a sweep in which every unit has a record is called complete. */
static int conclude(const job *j, int status)
{
    saint_error e = {0};
    sweep_data *d = NULL;
    table *t = NULL;
    char sentence[512], words[256];
    saint_status s = sweep_load(j->folder, true, &d, &e);
    if (s != SAINT_OK) return fail(s, &e);
    int leave = -1;
    if (d->complete && !j->o->status) {
        sweep_metrics_store(d); /* a cache: it may fail */
        sweep_claims_clear(j->folder);
    }
    if (j->o->errors_as_wrong) s = sweep_errors_as_wrong(d, &e); /* behind what goes into the database */
    if (s == SAINT_OK) s = table_trials(d, &t, &e);
    if (s != SAINT_OK) leave = fail(s, &e);
    bool whole = d->complete || j->o->status;
    if (leave < 0 && j->o->csv && whole) leave = put_csv(j->o->csv, t);
    if (leave < 0 && j->o->json) leave = cli_print_json(sweep_show_json(d));
    else if (leave < 0 && whole && !(j->o->csv && strcmp(j->o->csv, "-") == 0)) leave = put_text(t);
    if (sweep_show_mixed(d, NULL, words, sizeof words)) {
        snprintf(sentence, sizeof sentence,
                 "records come from different kernels or devices (%s): their last bits differ; --tier makes them one, --require-same-env "
                 "refuses",
                 words);
        cli_note("sweep", sentence);
        if (j->o->same_env && leave <= EXIT_DONE) leave = EXIT_FAILED; /* begun at the same moment */
    }
    sweep_show_sentence(d, sentence, sizeof sentence);
    fprintf(stderr, "saint sweep: %s: %s%s\n", j->folder, sentence,
            d->complete ? "" : "; the same command goes on, and so does `saint sweep --out` with the folder alone");
    if (leave <= EXIT_DONE) leave = !d->complete ? (status > EXIT_DONE ? status : EXIT_INTERRUPTED) : d->errors ? EXIT_FAILED : EXIT_DONE;
    table_free(t);
    sweep_free(d);
    return leave;
}

static int sweep(job *j)
{
    const options *o = j->o;
    int leave = -1;
    if (o->status && o->out) { /* nothing but the folder is needed */
        snprintf(j->folder, sizeof j->folder, "%s", o->out);
        return conclude(j, EXIT_DONE);
    }
    const bool asked = o->words.n || o->grid.n || o->load.preset || o->load.set.n;
    if (!asked && !o->out) /* a typing mistake would cost a pass over the whole data set */
        return cli_usage("sweep",
                         "nothing to compare: expected SPEC.json, --grid KEY=VALUES, --preset or --set; --out DIR alone goes on with the "
                         "sweep there");
    leave = asked ? read_spec(j) : take_folder(j);
    if (leave < 0) leave = find_rank(j);
    if (leave < 0) leave = find_engine(j);
    if (leave < 0) leave = open_model(j);
    if (leave < 0) leave = open_data(j);
    if (leave < 0) leave = asked ? make_plan(j) : check_folder(j);
    if (leave >= 0) return leave;
    if (o->status) return conclude(j, EXIT_DONE);
    int status = j->jobs > 1 ? run_jobs(j) : run_rank(j);
    return j->quiet || status == EXIT_USAGE ? status : conclude(j, status);
}

int cmd_sweep(int argc, char **argv)
{
    options o = {0};
    const cli_option rows[] = {
        {"grid", "KEY=VALUES",
         "a parameter that varies: a,b,c or first:last:step or first:last*mult; may repeat. Layers as key[3-7]; preset and "
         "compat vary too",
         NULL, NULL, &o.grid},
        {"data", "KIND:PATH", "data set, as for `saint eval`; default: scenes, the embedded test split", NULL, &o.data, NULL},
        LOAD_FOLDER_OPTIONS(o.load),
        LOAD_SETTINGS_OPTIONS(o.load),
        {"method", "NAME", "grid (default), random, lhs (Latin hypercube) or sobol: ranges as first:last or first:last:log", NULL,
         &o.method, NULL},
        {"count", "N", "points to draw (random, lhs, sobol)", NULL, &o.count, NULL},
        {"seed", "N", "of the points to draw (default 1)", NULL, &o.seed, NULL},
        {"name", "NAME", "name of the sweep", NULL, &o.name, NULL},
        {"limit", "N", "only the first N samples", NULL, &o.limit, NULL},
        {"samples", "UID,...", "only these samples; may repeat", NULL, NULL, &o.samples},
        {"repeat", "N", "run every sample N times, for timing", NULL, &o.repeat, NULL},
        {"no-random", NULL, "leave out the random dropping with the same token counts that every configuration is compared with",
         &o.no_random, NULL, NULL},
        {"early-stop", NULL,
         "give up configurations that are sure to lose more than 0.1 against the unpruned model (paired test, 99.8 %, at fixed numbers of "
         "samples: the same ones for any number of processes)",
         &o.early_stop, NULL,
         NULL},
        {"early-stop-loss", "LOSS", "the same with another loss, 0 to 1", NULL, &o.early_stop_loss, NULL},
        {"images", "DIR", "folder of the pictures, when it is not where the distribution puts it", NULL, &o.images, NULL},
        {"split", "NAME", "another split than the usual one", NULL, &o.split, NULL},
        {"prompts", "STYLE", "lmms (default: as SAINT was measured) or llava (LLaVA's own wording)", NULL, &o.prompts, NULL},
        {"max-new-tokens", "N", "longest answer; default: as published for the data set", NULL, &o.max_new_tokens, NULL},
        {"parser", "NAME", "lmms (default: lmms-eval 0.3, as SAINT was measured) or official (the authors' scripts)", NULL, &o.parser,
         NULL},
        LOAD_ENGINE_OPTIONS(o.load),
        {"out", "DIR", "folder of the sweep; default: sweeps/NAME-HASH. The same command goes on there, or --out DIR alone; more values extend it", NULL,
         &o.out, NULL},
        {"csv", "FILE", "write the table of trials when the sweep is complete; - is stdout", NULL, &o.csv, NULL},
        {"jobs", "N", "processes on this machine; they share its threads", NULL, &o.jobs, NULL},
        {"rank", "R", "number of this process, from 0; mpirun and srun tell it themselves", NULL, &o.rank, NULL},
        {"world", "W", "number of processes", NULL, &o.world, NULL},
        {"retry-errors", NULL, "try failed units again, however often they have failed", &o.retry_errors, NULL, NULL},
        {"errors-as-wrong", NULL, "in the table: count failed samples as wrong answers; otherwise they are left out of the scores", &o.errors_as_wrong,
         NULL, NULL},
        {"require-same-env", NULL, "refuse to work where kernels or device are not those of the records there are: their last bits differ", &o.same_env,
         NULL, NULL},
        {"status", NULL, "say how far the sweep is, and run nothing", &o.status, NULL, NULL},
        {"json", NULL, "print JSON", &o.json, NULL, NULL},
        {0}};
    const cli_command c = {
        "sweep", "many configurations on a data set: durable, resumable, in many processes",
        "[SPEC.json] [--model DIR] [--data KIND:PATH] [--grid key=a,b,c | key=first:last:step]... [--out DIR] [--csv FILE] [--jobs N]",
        rows};
    int leave = cli_parse_words(&c, argc, argv, &o.words);
    if (leave >= 0) return leave;
    if (o.words.n > 1) return cli_usage("sweep", "%s: expected one SPEC.json, found %d", o.words.v[1], o.words.n);
    if (o.parser && strcmp(o.parser, "official") != 0 && strcmp(o.parser, "lmms") != 0)
        return cli_usage("sweep", "--parser %s: expected lmms or official", o.parser);
    if (o.prompts && strcmp(o.prompts, "lmms") != 0 && strcmp(o.prompts, "llava") != 0)
        return cli_usage("sweep", "--prompts %s: expected lmms or llava", o.prompts);
    if (o.out && strlen(o.out) >= sizeof((job *)0)->folder)
        return cli_usage("sweep", "--out: expected a path of at most %zu bytes", sizeof((job *)0)->folder - 1);
    job *j = calloc(1, sizeof *j); /* a spec is large */
    if (!j) return fail(SAINT_MEMORY, &(saint_error){0});
    j->o = &o;
    j->argc = argc;
    j->argv = argv;
    j->load = o.load;
    j->images = o.images;
    j->prompts = o.prompts;
    j->stop = sweep_stop_catch();
    leave = sweep(j);
    sweep_spec_free(&j->spec);
    sweep_resume_free(&j->again);
    saint_dataset_close(j->data);
    saint_model_unref(j->model);
    free(j);
    return leave;
}
