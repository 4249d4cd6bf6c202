/* runner.c - units in, records out. What belongs to the sample at hand (prompt, picture, unpruned run, survivors of partners) is kept
 * until another sample comes. */
#define _GNU_SOURCE
#include "eval/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/score.h"
#include "eval/ahead.h"
#include "eval/classes.h"
#include "eval/costs.h"
#include "eval/internal.h"
#include "eval/memory.h"

/* Survivors that a random twin needs of its partner. */
typedef struct {
    uint64_t trial;
    uint32_t repeat;
    eval_result record; /* without its strings */
} partner_record;

/* A subject of which something was not timed alone. */
typedef struct {
    uint64_t subject;
    device_company company;
} timed_beside;

struct eval_runner {
    eval_options o;
    const saint_model_info *m;
    const saint_dataset_info *d;
    eval_ahead *ahead;  /* NULL: the model sees no pictures */
    eval_classes classes;
    bool warm;
    eval_costs *costs;
    uint32_t *expect;
    size_t n_expect;
    /* the sample at hand */
    bool has_sample;
    uint32_t sample;
    char *prompt;
    size_t n_images;
    saint_status broken; /* the sample cannot be run at all */
    saint_error why;
    char *picture_key;   /* which picture that is; samples may share it */
    eval_picture *picture;
    saint_trace *base;   /* of the trial base_id */
    uint64_t base_id;
    bool base_tried;
    partner_record *partner;
    size_t n_partners, cap_partners;
    /* who was there */
    uint64_t subject;    /* the picture at hand, or the sample where it has none */
    device_company company; /* while parts of it were timed */
    timed_beside *shared;   /* they may come again */
    size_t n_shared, cap_shared;
};

/* ---- opening ----------------------------------------------------------------------------------------------------- */

size_t eval_checkpoint_bytes(const saint_model_info *m, int max_new_tokens, int chains)
{
    double rows = (double)m->grid_w * m->grid_h + m->vit_prefix, prompt = rows + 192 + max_new_tokens, all = 0;
    all += m->vit_layers_run * rows * (m->vit_dim + 64) * 4;
    all += m->llm_layers * prompt * (m->llm_dim + m->llm_head_dim + 2.0 * m->llm_kv_heads * m->llm_head_dim) * 4;
    all *= 1 + (chains > 0 ? chains : 3);
    double half = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 2;
    if (!(half > 0)) half = 1 << 30;
    return (size_t)fmin(fmax(all, 64 << 20), half);
}

saint_status eval_runner_open(eval_runner **out, const eval_options *o, saint_error *err)
{
    eval_runner *r = *out = calloc(1, sizeof *r);
    if (!r) return saint_fail(err, SAINT_MEMORY, "no memory for an evaluation");
    r->o = *o;
    r->m = saint_model_get_info(o->model);
    r->d = saint_dataset_get_info(o->data);
    r->warm = !o->timing_valid;
    r->costs = eval_costs_new();
    saint_status s = r->costs ? eval_classes_open(&r->classes, o->model, r->d, err) : saint_fail(err, SAINT_MEMORY, "no memory for an evaluation");
    eval_ahead_options a = {.data = o->data,
                            .preproc = saint_model_preproc(o->model),
                            .threads = o->decoders,
                            .bytes = o->ahead_bytes ? o->ahead_bytes : (size_t)256 << 20,
                            .in_turns = o->timing_valid && strcmp(saint_session_backend(o->session), "cpu") == 0};
    if (s == SAINT_OK && r->m->vit_layers) s = eval_ahead_open(&r->ahead, &a, err);
    if (s != SAINT_OK) {
        eval_runner_close(r);
        *out = NULL;
    } else if (o->use) (void)device_use_alone(o->use); /* nothing has been timed yet: who was there before is no matter */
    return s;
}

static void forget_sample(eval_runner *r)
{
    free(r->prompt);
    r->prompt = NULL;
    saint_trace_unref(r->base);
    r->base = NULL;
    r->base_tried = false;
    r->n_partners = 0;
    r->has_sample = false;
}

static void forget_picture(eval_runner *r)
{
    free(r->picture_key);
    r->picture_key = NULL;
    eval_picture_free(r->picture);
    r->picture = NULL;
}

void eval_runner_close(eval_runner *r)
{
    if (!r) return;
    forget_sample(r);
    forget_picture(r);
    eval_ahead_close(r->ahead);
    eval_costs_free(r->costs);
    free(r->partner);
    eval_classes_close(&r->classes);
    free(r->expect);
    free(r->shared);
    free(r);
}

void eval_runner_expect(eval_runner *r, const uint32_t *sample, size_t n)
{
    free(r->expect);
    r->expect = malloc((n + 1) * sizeof *r->expect);
    r->n_expect = r->expect ? n : 0; /* a hint may be lost */
    if (r->n_expect) memcpy(r->expect, sample, n * sizeof *sample);
}

/* ---- samples and pictures ---------------------------------------------------------------------------------------- */

/* What tells pictures apart: their names; the sample itself where they lie inside the question file. NULL: none, or no memory. */
static char *key_of(const saint_sample *s, uint32_t sample)
{
    char *key = NULL;
    if (s->n_images == 0) return NULL;
    if (s->embedded) return asprintf(&key, "#%u", sample) < 0 ? NULL : key;
    return strdup(s->images[0]);
}

static saint_status picture_key(const eval_runner *r, uint32_t sample, char **out, saint_error *err)
{
    saint_sample s;
    *out = NULL;
    saint_status st = saint_dataset_item(r->o.data, sample, &s, err);
    if (st != SAINT_OK) return st;
    *out = key_of(&s, sample);
    if (!*out && s.n_images) st = saint_fail(err, SAINT_MEMORY, "no memory for a sample");
    saint_sample_free(&s);
    return st;
}

/* Tell the readers of pictures what comes: the first sample of each picture. */
static saint_status plan_pictures(eval_runner *r, const eval_unit *unit, size_t n, saint_error *err)
{
    if (!r->ahead) return SAINT_OK;
    uint32_t *list = malloc((n + r->n_expect + 1) * sizeof *list);
    char *last = r->picture_key ? strdup(r->picture_key) : NULL;
    saint_status s = list ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for the names of %zu pictures", n);
    size_t k = 0, total = saint_dataset_count(r->o.data);
    for (size_t i = 0; i < n + r->n_expect && s == SAINT_OK; i++) {
        uint32_t sample = i < n ? unit[i].sample : r->expect[i - n];
        char *key;
        if (sample >= total || (i > 0 && i < n && unit[i - 1].sample == sample)) continue;
        s = picture_key(r, sample, &key, err);
        if (s != SAINT_OK || !key || (last && strcmp(last, key) == 0)) {
            free(key);
            continue;
        }
        free(last);
        last = key;
        list[k++] = sample;
    }
    if (s == SAINT_OK) s = eval_ahead_want(r->ahead, list, k, err);
    free(list);
    free(last);
    return s;
}

static saint_status get_picture(eval_runner *r, const saint_sample *s, uint32_t sample, saint_error *err)
{
    char *key = key_of(s, sample);
    if (!key) return saint_fail(err, SAINT_MEMORY, "no memory for a sample");
    if (r->picture && r->picture_key && strcmp(key, r->picture_key) == 0) {
        free(key);
    } else {
        forget_picture(r);
        r->picture_key = key;
        eval_costs_new_picture(r->costs);
        saint_status st = eval_ahead_take(r->ahead, sample, &r->picture, err);
        if (st != SAINT_OK) return st;
    }
    if (r->picture->status != SAINT_OK) r->broken = saint_fail(&r->why, r->picture->status, "%s", r->picture->error.text);
    return SAINT_OK;
}

/* ---- company ------------------------------------------------------------------------------------------------------ */

/* FNV-1a */
static uint64_t subject_of(const char *key)
{
    uint64_t h = 14695981039346656037u;
    for (; *key; key++) h = (h ^ (unsigned char)*key) * 1099511628211u;
    return h;
}

static void turn_to_subject(eval_runner *r, const char *picture, uint32_t sample)
{
    char name[16];
    snprintf(name, sizeof name, "#%u", sample);
    r->subject = subject_of(picture ? picture : name);
    r->company = DEVICE_ALONE;
    for (size_t i = 0; i < r->n_shared; i++)
        if (r->shared[i].subject == r->subject) r->company = device_company_both(r->company, r->shared[i].company);
}

/* Behind every run. Parts of a record are those of earlier runs on its picture, so what was timed in company spoils all that follow on it. */
static void look_around(eval_runner *r)
{
    device_company now = r->o.use ? device_use_company(r->o.use) : DEVICE_ALONE;
    if (now <= r->company) return;
    r->company = now;
    if (r->n_shared == r->cap_shared) {
        size_t cap = r->cap_shared ? 2 * r->cap_shared : 64;
        timed_beside *grown = realloc(r->shared, cap * sizeof *grown);
        if (!grown) return; /* until another picture comes it is known all the same */
        r->shared = grown;
        r->cap_shared = cap;
    }
    r->shared[r->n_shared++] = (timed_beside){r->subject, now};
}

/* ---- questions ---------------------------------------------------------------------------------------------------- */

/* What a model is asked about a picture where the data set asks nothing: fidelity needs an answer too. */
static const char *const no_question = "Describe the image.";

static saint_status get_prompt(eval_runner *r, uint32_t sample, saint_error *err)
{
    saint_status s = saint_dataset_prompt(r->o.data, sample, &r->prompt, err);
    if (s != SAINT_OK || r->prompt[0]) return s;
    free(r->prompt);
    r->prompt = strdup(no_question);
    return r->prompt ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a question");
}

static saint_status turn_to(eval_runner *r, uint32_t sample, saint_error *err)
{
    saint_sample s;
    if (r->has_sample && r->sample == sample) return SAINT_OK;
    forget_sample(r);
    r->broken = SAINT_OK;
    r->why = (saint_error){0};
    saint_status st = saint_dataset_item(r->o.data, sample, &s, err);
    if (st != SAINT_OK) return st;
    r->n_images = s.n_images;
    if (s.n_images > 1)
        r->broken = saint_fail(&r->why, SAINT_UNSUPPORTED, "%s: expected one picture, found %zu: a prompt takes one", s.uid, s.n_images);
    else if (s.n_images && !r->ahead)
        r->broken = saint_fail(&r->why, SAINT_INVALID, "%s has a picture and %s reads text only", s.uid, r->m->name);
    else if (!s.n_images && !r->m->llm_layers)
        r->broken = saint_fail(&r->why, SAINT_INVALID, "%s has no picture and %s reads nothing else", s.uid, r->m->name);
    else if (s.n_images) st = get_picture(r, &s, sample, err);
    turn_to_subject(r, s.n_images == 1 ? r->picture_key : NULL, sample);
    saint_sample_free(&s);
    if (st == SAINT_OK && r->m->llm_layers) st = get_prompt(r, sample, err);
    r->has_sample = st == SAINT_OK;
    r->sample = sample;
    return st;
}

/* ---- one run ------------------------------------------------------------------------------------------------------ */

static bool stopped(const eval_runner *r) { return r->o.stop && __atomic_load_n(r->o.stop, __ATOMIC_RELAXED) != 0; }

/* What makes going on pointless; everything else is a record. */
static bool fatal(saint_status s) { return s == SAINT_DEVICE || s == SAINT_STATE || s == SAINT_CANCELLED; }

static saint_status run(eval_runner *r, const saint_settings *settings, int max_new_tokens, saint_trace **out, saint_error *err)
{
    saint_request *q = calloc(1, sizeof *q); /* settings are large */
    *out = NULL;
    if (!q) return saint_fail(err, SAINT_MEMORY, "no memory for a request");
    q->pixels = r->picture && r->n_images ? r->picture->pixels : NULL;
    q->n_images = q->pixels ? 1 : 0;
    q->prompt = r->prompt;
    q->settings = *settings;
    if (r->m->llm_layers) q->max_new_tokens = max_new_tokens > 0 ? max_new_tokens : r->d->max_new_tokens;
    saint_status s = saint_session_run(r->o.session, q, NULL, out, err);
    look_around(r);
    if (s == SAINT_OK) eval_costs_learn(r->costs, *out);
    free(q);
    return s;
}

/* The first run of a process reads the weights from the disk and starts threads: not what a configuration costs. */
static saint_status warm_up(eval_runner *r, const saint_settings *settings, saint_error *err)
{
    size_t side = (size_t)saint_model_preproc(r->o.model)->side;
    saint_error e = {0};
    saint_trace *t = NULL;
    saint_request *q = calloc(1, sizeof *q);
    float *grey = r->m->vit_layers ? calloc(3 * side * side, sizeof *grey) : NULL;
    saint_status s = q && (grey || !r->m->vit_layers) ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a first run");
    if (s == SAINT_OK) {
        *q = (saint_request){.pixels = grey, .n_images = grey ? 1 : 0, .prompt = r->m->llm_layers ? "?" : NULL, .settings = *settings};
        q->max_new_tokens = r->m->llm_layers ? 2 : 0;
        q->ignore_eos = true;
        s = saint_session_run(r->o.session, q, NULL, &t, &e);
        if (fatal(s)) saint_fail(err, s, "%s", e.text);
        else s = SAINT_OK; /* the samples will tell */
        saint_trace_unref(t);
    }
    free(grey);
    free(q);
    r->warm = true;
    return s;
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static void sign(const eval_runner *r, const eval_unit *u, eval_result *out)
{
    out->trial = u->trial->id;
    out->sample = u->sample;
    out->repeat = u->repeat;
    out->attempt = r->o.attempt;
    out->timing_valid = r->o.timing_valid && out->state == EVAL_OK;
    out->company = r->o.timing_valid ? EVAL_ALONE : EVAL_WITH_RANKS;
    eval_result_shared(out, r->company);
    if (r->picture && r->n_images) {
        out->s_load = eval_seconds(r->picture->s_load);
        out->s_preprocess = eval_seconds(r->picture->s_preprocess);
    }
    eval_result_total(out);
}

/* A run, or why there is none, as the record of a unit. The trace stays the caller's. */
static saint_status record(eval_runner *r, const eval_unit *u, saint_status status, const saint_error *why, const saint_trace *t,
                           const saint_trace *base, eval_result *out, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (status != SAINT_OK) {
        s = eval_result_fail(out, status, why->text, err);
    } else {
        s = eval_result_of(out, r->o.model, t, base, err);
        if (s == SAINT_OK) s = eval_classes_apply(&r->classes, r->o.data, u->sample, t, out, err);
        if (s == SAINT_OK) eval_costs_complete(r->costs, t, out);
        else eval_result_free(out);
    }
    if (s == SAINT_OK) sign(r, u, out);
    return s;
}

static saint_status remember_partner(eval_runner *r, const eval_result *x, saint_error *err)
{
    if (r->n_partners == r->cap_partners) {
        size_t cap = r->cap_partners ? 2 * r->cap_partners : 16;
        partner_record *grown = realloc(r->partner, cap * sizeof *grown);
        if (!grown) return saint_fail(err, SAINT_MEMORY, "no memory for the records of a sample");
        r->partner = grown;
        r->cap_partners = cap;
    }
    partner_record *p = &r->partner[r->n_partners++];
    *p = (partner_record){.trial = x->trial, .repeat = x->repeat, .record = *x};
    p->record.error = p->record.output = NULL;
    p->record.ids = NULL;
    return SAINT_OK;
}

static const eval_result *partner_of(const eval_runner *r, uint64_t trial, uint32_t repeat)
{
    for (size_t i = 0; i < r->n_partners; i++)
        if (r->partner[i].trial == trial && r->partner[i].repeat == repeat) return &r->partner[i].record;
    return NULL;
}

/* ---- twins -------------------------------------------------------------------------------------------------------- */

/* Random dropping with the survivors that the partner had at each of its places. */
static void twin_settings(const eval_runner *r, const eval_unit *u, const eval_result *partner, saint_settings *out)
{
    int method = saint_method_index(saint_method_find("random"));
    uint64_t seed = eval_twin_seed(u->trial, saint_dataset_uid(r->o.data, u->sample), u->repeat);
    *out = u->trial->settings;
    for (int i = 0; i < partner->n_sites; i++) {
        bool llm = partner->site[i].stage == SAINT_STAGE_LLM;
        saint_layer_settings *l = llm ? &out->llm[partner->site[i].layer] : &out->vit[partner->site[i].layer];
        l->method = method;
        l->p.keep_num = partner->site[i].n_out + (llm ? 0 : r->m->vit_prefix);
        l->p.seed = seed;
    }
}

/* ---- units -------------------------------------------------------------------------------------------------------- */

static saint_status run_unit(eval_runner *r, const eval_unit *u, const eval_unit *unit, size_t n, eval_result *out, saint_error *err);

/* The partner's record, made silently where it is missing. NULL record: it failed, out tells why. */
static saint_status find_partner(eval_runner *r, const eval_unit *u, const eval_unit *unit, size_t n, const eval_result **found,
                                 saint_error *err)
{
    uint64_t id = u->trial->twin_id;
    *found = partner_of(r, id, u->repeat);
    if (*found) return SAINT_OK;
    const eval_trial *partner = u->partner;
    for (size_t i = 0; i < n && !partner; i++)
        if (unit[i].trial->id == id) partner = unit[i].trial;
    if (!partner || partner->id != id || partner->twin_id)
        return saint_fail(err, SAINT_INVALID, "%s: a random twin needs its partner among the units",
                          u->trial->name ? u->trial->name : "trial");
    eval_result silent;
    eval_unit p = {.trial = partner, .sample = u->sample, .repeat = u->repeat};
    saint_status s = run_unit(r, &p, unit, n, &silent, err);
    if (s != SAINT_OK) return s;
    eval_result_free(&silent);
    *found = partner_of(r, id, u->repeat);
    return SAINT_OK;
}

/* Run a unit: SAINT_OK with a trace, or the status that its record gets in *status. Fatal ones are returned. */
static saint_status attempt(eval_runner *r, const eval_unit *u, const eval_unit *unit, size_t n, saint_trace **t, saint_status *status,
                            saint_error *why, saint_error *err)
{
    *t = NULL;
    *status = r->broken;
    *why = r->why;
    if (r->broken != SAINT_OK) return SAINT_OK;
    saint_settings *settings = malloc(sizeof *settings);
    if (!settings) return saint_fail(err, SAINT_MEMORY, "no memory for settings");
    *settings = u->trial->settings;
    saint_status s = SAINT_OK;
    if (u->trial->twin_id) {
        const eval_result *partner = NULL;
        s = find_partner(r, u, unit, n, &partner, err);
        if (s == SAINT_OK && partner->state != EVAL_OK)
            *status = saint_fail(why, partner->state == EVAL_MEMORY ? SAINT_MEMORY : SAINT_INVALID,
                                 "the trial whose token counts this one takes failed on this sample");
        else if (s == SAINT_OK) twin_settings(r, u, partner, settings);
    }
    if (s == SAINT_OK && *status == SAINT_OK) {
        *status = run(r, settings, u->trial->max_new_tokens, t, why);
        if (fatal(*status)) s = saint_fail(err, *status, "%s", why->text);
    }
    free(settings);
    return s;
}

static saint_status run_unit(eval_runner *r, const eval_unit *u, const eval_unit *unit, size_t n, eval_result *out, saint_error *err)
{
    saint_trace *t = NULL;
    saint_status status;
    saint_error why = {0};
    saint_status s = attempt(r, u, unit, n, &t, &status, &why, err);
    if (s == SAINT_OK) s = record(r, u, status, &why, t, r->base, out, err);
    saint_trace_unref(t);
    if (s != SAINT_OK) return s;
    s = u->trial->twin_id ? SAINT_OK : remember_partner(r, out, err);
    if (s != SAINT_OK) eval_result_free(out);
    return s;
}

/* The unpruned run of the sample at hand, once; its record is what a unit of the baseline gets. */
static saint_status run_baseline(eval_runner *r, const eval_trial *baseline, saint_error *err)
{
    if (!baseline || r->broken != SAINT_OK || (r->base_tried && r->base_id == baseline->id)) return SAINT_OK;
    saint_error why = {0};
    saint_trace_unref(r->base);
    r->base = NULL;
    r->base_id = baseline->id;
    r->base_tried = true;
    saint_status s = run(r, &baseline->settings, baseline->max_new_tokens, &r->base, &why);
    return fatal(s) ? saint_fail(err, s, "%s", why.text) : SAINT_OK; /* without it there is no fidelity; its own unit will say why */
}

static saint_status one(eval_runner *r, const eval_unit *u, const eval_unit *unit, size_t n, const eval_trial *baseline, eval_result *out,
                        saint_error *err)
{
    saint_status s = turn_to(r, u->sample, err);
    if (s == SAINT_OK && !r->warm && r->broken == SAINT_OK) s = warm_up(r, baseline ? &baseline->settings : &u->trial->settings, err);
    if (s == SAINT_OK) s = run_baseline(r, baseline, err);
    if (s != SAINT_OK) return s;
    if (baseline && u->trial->id == baseline->id && r->base && u->repeat == 0)
        return record(r, u, SAINT_OK, NULL, r->base, r->base, out, err);
    return run_unit(r, u, unit, n, out, err);
}

/* The same, and what it took this process. */
static saint_status measured(eval_runner *r, const eval_unit *u, const eval_unit *unit, size_t n, const eval_trial *baseline,
                             eval_result *out, saint_error *err)
{
    double begin = saint_now();
    eval_memory_begin();
    (void)saint_session_peak_bytes(r->o.session);
    saint_status s = one(r, u, unit, n, baseline, out, err);
    if (s != SAINT_OK) return s;
    out->s_wall = eval_seconds(saint_now() - begin);
    out->peak_rss = eval_memory_peak();
    out->peak_device = saint_session_peak_bytes(r->o.session);
    return s;
}

/* Trials that were checked. Units repeat them in turn, so the search goes on where it ended. */
typedef struct {
    const eval_trial **trial;
    size_t n, cap, at;
} known_trials;

static bool known(known_trials *k, const eval_trial *t)
{
    for (size_t i = 0; i < k->n; i++) {
        size_t at = (k->at + i) % k->n;
        if (k->trial[at] != t) continue;
        k->at = at + 1;
        return true;
    }
    return false;
}

static saint_status check_trial(const eval_runner *r, known_trials *k, const eval_trial *t, saint_plan *room, saint_error *err)
{
    if (known(k, t)) return SAINT_OK;
    if (k->n == k->cap) {
        size_t cap = k->cap ? 2 * k->cap : 64;
        const eval_trial **grown = realloc(k->trial, cap * sizeof *grown);
        if (!grown) return saint_fail(err, SAINT_MEMORY, "no memory for the names of %zu trials", cap);
        k->trial = grown;
        k->cap = cap;
    }
    k->trial[k->n++] = t;
    return saint_plan_build(room, &t->settings, r->m, NULL, err);
}

static saint_status check(const eval_runner *r, const eval_unit *unit, size_t n, const eval_trial *baseline, saint_error *err)
{
    known_trials k = {0};
    saint_plan *room = malloc(sizeof *room);
    if (!room) return saint_fail(err, SAINT_MEMORY, "no memory for a plan");
    size_t total = saint_dataset_count(r->o.data);
    saint_status s = baseline ? check_trial(r, &k, baseline, room, err) : SAINT_OK;
    for (size_t i = 0; i < n && s == SAINT_OK; i++)
        s = unit[i].sample < total ? check_trial(r, &k, unit[i].trial, room, err)
                                   : saint_fail(err, SAINT_INVALID, "sample %u: the data set has %zu", unit[i].sample, total);
    free(k.trial);
    free(room);
    return s;
}

saint_status eval_runner_run(eval_runner *r, const eval_unit *unit, size_t n, const eval_trial *baseline,
                             bool (*done)(void *ud, eval_result *record), void *ud, saint_error *err)
{
    saint_status s = check(r, unit, n, baseline, err);
    if (s == SAINT_OK) s = plan_pictures(r, unit, n, err);
    for (size_t i = 0; i < n && s == SAINT_OK; i++) {
        eval_result out;
        if (stopped(r)) return saint_fail(err, SAINT_CANCELLED, "interrupted after %zu of %zu", i, n);
        s = measured(r, &unit[i], unit, n, baseline, &out, err);
        if (s == SAINT_OK && !done(ud, &out)) return saint_fail(err, SAINT_CANCELLED, "stopped after %zu of %zu", i + 1, n);
    }
    return s;
}
