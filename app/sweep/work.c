#define _GNU_SOURCE
#include "sweep/work.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "eval/runner.h"
#include "sweep/claim.h"
#include "sweep/done.h"
#include "sweep/early.h"

typedef struct {
    const sweep_worker *w;
    sweep_plan plan;
    sweep_order order;
    sweep_done done;
    sweep_early early;
    sweep_claims *claims;
    sweep_journal *journal;
    eval_runner *runner;
    eval_unit *unit;       /* [most of a block] */
    double begin, last;    /* when this process began, when its last record was finished */
    double told;           /* when progress was told last */
    size_t mine, at_begin; /* records of this process; units finished before it began */
    double *cost;          /* [n_trials] seconds this process spent on the trial */
    size_t *runs;          /* [n_trials] and on how many units */
    saint_status failed;   /* why done() ended a run */
    saint_error why;
} work;

static bool stopped(const work *k) { return k->w->stop && __atomic_load_n(k->w->stop, __ATOMIC_RELAXED) != 0; }

/* ---- progress ---------------------------------------------------------------------------------------------------- */

/* What is left, by what each trial has cost here so far, times this process's share of the work done meanwhile. */
static double seconds_left(const work *k, size_t all)
{
    double seconds = 0, mean = 0;
    size_t runs = 0;
    for (int t = 0; t < k->plan.n_trials; t++) {
        mean += k->cost[t];
        runs += k->runs[t];
    }
    if (!runs || !all) return -1;
    mean /= (double)runs;
    for (int t = 0; t < k->plan.n_trials; t++) {
        size_t left = sweep_done_left_of(&k->done, t);
        seconds += (double)left * (k->runs[t] ? k->cost[t] / (double)k->runs[t] : mean);
    }
    return seconds * (double)k->mine / (double)all;
}

static void tell(work *k, bool waiting)
{
    double now = saint_now();
    if (!k->w->progress || now - k->told < 0.1) return; /* counting what is left reads every unit */
    k->told = now;
    size_t finished = k->done.ok + k->done.failed, all = finished > k->at_begin ? finished - k->at_begin : 0;
    sweep_progress p = {.units = sweep_plan_units(&k->plan),
                        .ok = k->done.ok,
                        .failed = k->done.failed,
                        .mine = k->mine,
                        .trials = k->plan.n_trials,
                        .elapsed = now - k->begin,
                        .waiting = waiting};
    if (all < k->mine) all = k->mine;
    p.left = sweep_done_left(&k->done);
    for (int t = 0; t < k->plan.n_trials; t++) p.stopped += sweep_done_stopped(&k->done, t);
    p.rate = p.elapsed > 0 ? (double)all / p.elapsed : 0;
    p.eta = seconds_left(k, all);
    k->w->progress(k->w->ud, &p);
}

/* ---- one block --------------------------------------------------------------------------------------------------- */

static bool keep(void *ud, eval_result *r)
{
    work *k = ud;
    int trial = sweep_done_trial(&k->done, r->trial);
    double now = saint_now();
    if (trial >= 0) {
        k->cost[trial] += now - k->last;
        k->runs[trial]++;
    }
    k->last = now;
    /* on disk first: only what is there counts */
    k->failed = sweep_journal_record(k->journal, r, sweep_done_tries(&k->done, trial, r->sample, r->repeat) % SWEEP_OK + 1, &k->why);
    if (k->failed == SAINT_OK) {
        sweep_done_add(&k->done, trial, r->sample, r->repeat, r->state == EVAL_OK);
        if (r->repeat == 0) sweep_early_record(&k->early, trial, r->sample, r->state == EVAL_OK ? r->output : NULL);
        k->mine++;
    }
    eval_result_free(r);
    tell(k, false);
    return k->failed == SAINT_OK;
}

/* Units of a block that are left, in the order in which they run. */
static size_t units_of(work *k, size_t block)
{
    const sweep_order *o = &k->order;
    size_t group = block / (size_t)o->n_chunks, n = 0;
    int chunk = (int)(block % (size_t)o->n_chunks);
    for (size_t i = o->group[group]; i < o->group[group + 1]; i++)
        for (uint32_t repeat = 0; repeat < k->plan.repeats; repeat++)
            for (int c = o->chunk[chunk]; c < o->chunk[chunk + 1]; c++) {
                const eval_trial *t = &k->plan.trial[o->trial[c]];
                if (sweep_done_unit(&k->done, t->ordinal, o->sample[i], repeat)) continue;
                k->unit[n++] = (eval_unit){
                    .trial = t, .sample = o->sample[i], .repeat = repeat, .partner = t->twin_of >= 0 ? &k->plan.trial[t->twin_of] : NULL};
            }
    return n;
}

/* Pictures are read ahead while this block's last sample computes. */
static void expect(work *k, size_t block)
{
    const sweep_order *o = &k->order;
    size_t next = block / (size_t)o->n_chunks + 1;
    if (next < o->n_groups) eval_runner_expect(k->runner, o->sample + o->group[next], o->group[next + 1] - o->group[next]);
    else eval_runner_expect(k->runner, NULL, 0);
}

/* An answer out of a journal, this process's own ones again included. */
static void take_line(void *ud, int trial, uint32_t sample, const sweep_head *h)
{
    sweep_early *e = ud;
    cJSON *o = NULL;
    if (h->repeat != 0) return;
    if (h->ok && saint_json_parse(h->record, h->n, SWEEP_LINE_MAX, "record", &o, NULL) != SAINT_OK) return;
    const cJSON *output = cJSON_GetObjectItemCaseSensitive(o, "output");
    if (!h->ok || cJSON_IsString(output)) sweep_early_record(e, trial, sample, h->ok ? output->valuestring : NULL);
    cJSON_Delete(o);
}

/* Who sees first that a trial is given up says so; all see it by themselves. */
static saint_status judge(work *k, saint_error *err)
{
    saint_status s = sweep_early_judge(&k->early, k->done.until, err);
    for (int t = 0; t < k->plan.n_trials && s == SAINT_OK && k->journal; t++) {
        const sweep_early_trial *e = k->early.trial ? &k->early.trial[t] : NULL;
        if (k->done.told[t] || !sweep_done_stopped(&k->done, t)) continue;
        s = sweep_journal_stopped(k->journal, k->plan.trial[t].id, k->done.until[t], e->diff, e->high, err);
        k->done.told[t] = true;
    }
    return s;
}

static saint_status read_journals(work *k, saint_error *err)
{
    saint_status s = sweep_done_read(&k->done, k->w->folder, k->early.score ? take_line : NULL, &k->early, err);
    return s == SAINT_OK ? judge(k, err) : s;
}

static saint_status run_block(work *k, size_t block, saint_error *err)
{
    saint_status s = read_journals(k, err); /* whoever had it before may have come far */
    size_t n = s == SAINT_OK ? units_of(k, block) : 0;
    if (!n) return s;
    expect(k, block);
    k->last = saint_now();
    k->failed = SAINT_OK;
    s = eval_runner_run(k->runner, k->unit, n, k->plan.baseline >= 0 ? &k->plan.trial[k->plan.baseline] : NULL, keep, k, err);
    if (k->failed != SAINT_OK) return saint_fail(err, k->failed, "%s", k->why.text);
    return s == SAINT_OK ? judge(k, err) : s;
}

/* ---- all blocks -------------------------------------------------------------------------------------------------- */

/* Every block that has something left and can be had; help: also those that belong to what others have begun. *ran: any was. */
static saint_status pass(work *k, bool help, bool *ran, saint_error *err)
{
    saint_status s = SAINT_OK;
    size_t own = SIZE_MAX;
    *ran = false;
    for (size_t b = 0; b < k->order.n_blocks && s == SAINT_OK; b++) {
        bool mine = false;
        if (stopped(k)) return saint_fail(err, SAINT_CANCELLED, "interrupted");
        if ((!help && !sweep_order_follows(&k->order, own, b)) || !units_of(k, b)) continue;
        s = sweep_claim(k->claims, b, &mine, err);
        if (s != SAINT_OK || !mine) continue;
        *ran = true;
        own = b / (size_t)k->order.n_chunks;
        s = run_block(k, b, err);
    }
    return s;
}

static void wait_a_little(void) { nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* a signal ends it */ }

static saint_status until_nothing_is_left(work *k, saint_error *err)
{
    saint_status s = SAINT_OK;
    while (s == SAINT_OK && sweep_done_left(&k->done)) {
        bool ran = false;
        s = pass(k, false, &ran, err);
        if (s == SAINT_OK && !ran) s = pass(k, true, &ran, err);
        if (s == SAINT_OK && !ran) { /* the rest is claimed by others who are alive */
            tell(k, true);
            wait_a_little();
        }
        if (s == SAINT_OK) s = read_journals(k, err);
    }
    return s;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void forget_plan(work *k)
{
    sweep_claims_close(k->claims);
    sweep_early_free(&k->early);
    sweep_done_free(&k->done);
    sweep_order_free(&k->order);
    sweep_plan_free(&k->plan);
    free(k->unit);
    free(k->cost);
    free(k->runs);
    k->claims = NULL;
    k->unit = NULL;
    k->cost = NULL;
    k->runs = NULL;
}

/* Trials as this program reads them are those that were asked for: another version may see other settings in the same text. */
static saint_status check_trials(const work *k, saint_error *err)
{
    saint_status s = SAINT_OK;
    eval_trial *t = malloc(sizeof *t);
    if (!t) return saint_fail(err, SAINT_MEMORY, "no memory for a trial");
    for (int i = 0; i < k->plan.n_trials && s == SAINT_OK; i++) {
        saint_error inner = {0};
        s = eval_trial_restore(k->plan.trial[i].config, saint_model_get_info(k->w->model), t, &inner);
        if (s == SAINT_OK) eval_trial_free(t);
        else saint_fail(err, s, "%s/spec.json: %.100s: %s", k->w->folder, k->plan.trial[i].name, inner.text);
    }
    free(t);
    return s;
}

static saint_status open_plan(work *k, bool first, saint_error *err)
{
    const sweep_worker *w = k->w;
    saint_status s = sweep_plan_read(w->folder, &k->plan, err);
    if (s == SAINT_OK) s = check_trials(k, err);
    if (s == SAINT_OK && k->plan.n_samples != saint_dataset_count(w->data))
        s = saint_fail(err, SAINT_INVALID, "%s: the plan has %zu samples and the data set %zu", w->folder, k->plan.n_samples,
                       saint_dataset_count(w->data));
    if (s == SAINT_OK) s = sweep_order_make(&k->plan, w->data, saint_model_get_info(w->model), &k->order, err);
    if (s == SAINT_OK) s = sweep_done_make(&k->plan, k->order.sample, &k->done, err);
    if (s == SAINT_OK) s = sweep_early_make(&k->plan, w->data, &k->early, err);
    if (s == SAINT_OK) s = read_journals(k, err);
    if (s != SAINT_OK) return s;
    if (first) {
        sweep_done_plan_retries(&k->done, w->retry_errors);
        k->at_begin = k->done.ok + k->done.failed;
    }
    size_t most = 0;
    for (size_t g = 0; g < k->order.n_groups; g++)
        if (k->order.group[g + 1] - k->order.group[g] > most) most = k->order.group[g + 1] - k->order.group[g];
    k->unit = calloc(most * (size_t)k->plan.n_trials * k->plan.repeats + 1, sizeof *k->unit);
    k->cost = calloc((size_t)k->plan.n_trials + 1, sizeof *k->cost);
    k->runs = calloc((size_t)k->plan.n_trials + 1, sizeof *k->runs);
    return k->unit && k->cost && k->runs ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
}

static saint_status open_runner(work *k, saint_error *err)
{
    const sweep_worker *w = k->w;
    const eval_options o = {.session = w->session,
                            .model = w->model,
                            .data = w->data,
                            .decoders = w->threads < 4 ? w->threads : 4,
                            .timing_valid = w->exclusive,
                            .use = w->use,
                            .attempt = sweep_journal_attempt(k->journal),
                            .stop = w->stop};
    return k->runner ? SAINT_OK : eval_runner_open(&k->runner, &o, err);
}

/* Anything to do? Only then a journal appears. */
static saint_status work_on_plan(work *k, saint_error *err)
{
    if (!sweep_done_left(&k->done)) return SAINT_OK;
    sweep_launch l = k->w->launch;
    l.plan = k->plan.id;
    saint_status s = k->journal ? SAINT_OK : sweep_journal_open(&k->journal, k->w->folder, &l, err);
    if (s == SAINT_OK) s = sweep_claims_open(&k->claims, k->w->folder, &k->plan, sweep_journal_name(k->journal), err);
    if (s == SAINT_OK) s = open_runner(k, err);
    if (s == SAINT_OK) s = until_nothing_is_left(k, err);
    return s;
}

saint_status sweep_work(const sweep_worker *w, int (*exit_status)(saint_status s), saint_error *err)
{
    work *k = calloc(1, sizeof *k);
    if (!k) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep");
    k->w = w;
    k->begin = saint_now();
    saint_status s = SAINT_OK;
    for (int asks = -1, first = 1; s == SAINT_OK; first = 0) { /* until nobody has asked for more meanwhile */
        s = open_plan(k, first, err);
        if (s == SAINT_OK && k->plan.asks == asks) break;
        if (s == SAINT_OK) s = work_on_plan(k, err);
        asks = k->plan.asks;
        forget_plan(k);
    }
    forget_plan(k);
    eval_runner_close(k->runner);
    saint_status closed = sweep_journal_close(k->journal, exit_status(s), s == SAINT_OK ? err : NULL);
    if (s == SAINT_OK) s = closed;
    free(k);
    return s;
}
