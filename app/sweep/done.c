#define _GNU_SOURCE
#include "sweep/done.h"

#include <stdlib.h>
#include <string.h>

saint_status sweep_done_make(const sweep_plan *p, const uint32_t *sample, sweep_done *out, saint_error *err)
{
    size_t units = sweep_plan_units(p), at = 0;
    *out = (sweep_done){.plan = p};
    out->place = malloc((p->n_samples + 1) * sizeof *out->place);
    out->by_id = malloc(((size_t)p->n_trials + 1) * sizeof *out->by_id);
    out->tries = calloc(units + 1, 1);
    out->limit = malloc(units + 1);
    out->until = malloc(((size_t)p->n_trials + 1) * sizeof *out->until);
    out->told = calloc((size_t)p->n_trials + 1, sizeof *out->told);
    if (!out->place || !out->by_id || !out->tries || !out->limit || !out->until || !out->told) {
        sweep_done_free(out);
        return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of %zu units", units);
    }
    memset(out->limit, 1, units + 1);
    for (size_t i = 0; i < p->n_samples; i++) out->place[i] = p->wanted[i] ? (uint32_t)at++ : UINT32_MAX;
    for (uint32_t i = 0; sample && i < p->n_wanted; i++) out->place[sample[i]] = i;
    for (int t = 0; t < p->n_trials; t++) out->until[t] = (uint32_t)p->n_wanted;
    for (int i = 0; i < p->n_trials; i++) { /* insertion: trials come nearly in any order, once */
        int k = i;
        for (; k > 0 && p->trial[out->by_id[k - 1]].id > p->trial[i].id; k--) out->by_id[k] = out->by_id[k - 1];
        out->by_id[k] = i;
    }
    return SAINT_OK;
}

void sweep_done_free(sweep_done *d)
{
    if (!d) return;
    free(d->place);
    free(d->by_id);
    free(d->tries);
    free(d->limit);
    free(d->until);
    free(d->told);
    sweep_cursors_free(&d->cursors);
    *d = (sweep_done){0};
}

int sweep_done_trial(const sweep_done *d, uint64_t id)
{
    int low = 0, high = d->plan->n_trials;
    while (low < high) {
        int mid = (low + high) / 2;
        uint64_t x = d->plan->trial[d->by_id[mid]].id;
        if (x == id) return d->by_id[mid];
        if (x < id) low = mid + 1;
        else high = mid;
    }
    return -1;
}

/* SIZE_MAX: no unit of the plan. */
static size_t unit_of(const sweep_done *d, int trial, uint32_t sample, uint32_t repeat)
{
    const sweep_plan *p = d->plan;
    if (trial < 0 || sample >= p->n_samples || d->place[sample] == UINT32_MAX || repeat >= p->repeats) return SIZE_MAX;
    return ((size_t)trial * p->n_wanted + d->place[sample]) * p->repeats + repeat;
}

static void count(sweep_done *d, size_t unit, bool ok)
{
    uint8_t *t = &d->tries[unit];
    if (*t == SWEEP_OK) return;
    if (ok) {
        d->failed -= *t > 0;
        d->ok++;
        *t = SWEEP_OK;
    } else {
        d->failed += *t == 0;
        if (*t < SWEEP_OK - 1) ++*t;
    }
}

int sweep_done_add(sweep_done *d, int trial, uint32_t sample, uint32_t repeat, bool ok)
{
    size_t u = unit_of(d, trial, sample, repeat);
    if (u == SIZE_MAX) return 1;
    int try = d->tries[u] == SWEEP_OK ? 1 : d->tries[u] + 1;
    count(d, u, ok);
    return try;
}

typedef struct {
    sweep_done *d;
    void (*each)(void *ud, int trial, uint32_t sample, const sweep_head *h);
    void *ud;
} taking;

static saint_status take(void *ud, const char *name, const sweep_head *h, saint_error *err)
{
    taking *t = ud;
    sweep_done *d = t->d;
    (void)name;
    (void)err;
    if (h->kind != SWEEP_LINE_RECORD && h->kind != SWEEP_LINE_STOPPED) return SAINT_OK;
    int trial = sweep_done_trial(d, h->trial);
    if (h->kind == SWEEP_LINE_STOPPED) {
        if (trial >= 0) d->told[trial] = true;
        return SAINT_OK;
    }
    size_t u = unit_of(d, trial, h->sample, h->repeat);
    if (u == SIZE_MAX) return SAINT_OK;
    /* a failure is counted by the number its process gave it: that process may be this one, which has counted it already */
    if (h->ok || d->tries[u] < h->try) count(d, u, h->ok);
    if (t->each) t->each(t->ud, trial, h->sample, h);
    return SAINT_OK;
}

saint_status sweep_done_read(sweep_done *d, const char *folder, void (*each)(void *ud, int trial, uint32_t sample, const sweep_head *h),
                             void *ud, saint_error *err)
{
    taking t = {d, each, ud};
    return sweep_journals_read(folder, d->plan->id, &d->cursors, take, &t, err);
}

void sweep_done_plan_retries(sweep_done *d, bool all)
{
    size_t units = sweep_plan_units(d->plan);
    for (size_t u = 0; u < units; u++)
        if (d->tries[u] != SWEEP_OK) d->limit[u] = (uint8_t)(d->tries[u] < SWEEP_TRIES || all ? d->tries[u] + 1 : d->tries[u]);
}

/* Done, tried often enough, or behind the end of its trial. */
static bool settled(const sweep_done *d, size_t u)
{
    const sweep_plan *p = d->plan;
    if (d->tries[u] == SWEEP_OK || d->tries[u] >= d->limit[u]) return true;
    return u / p->repeats % p->n_wanted >= d->until[u / p->repeats / p->n_wanted];
}

bool sweep_done_unit(const sweep_done *d, int trial, uint32_t sample, uint32_t repeat)
{
    size_t u = unit_of(d, trial, sample, repeat);
    return u == SIZE_MAX || settled(d, u);
}

int sweep_done_tries(const sweep_done *d, int trial, uint32_t sample, uint32_t repeat)
{
    size_t u = unit_of(d, trial, sample, repeat);
    return u == SIZE_MAX ? 0 : d->tries[u];
}

bool sweep_done_stopped(const sweep_done *d, int trial) { return d->until[trial] < d->plan->n_wanted; }

size_t sweep_done_left_of(const sweep_done *d, int trial)
{
    size_t left = 0, per = d->plan->n_wanted * d->plan->repeats;
    for (size_t u = (size_t)trial * per; u < ((size_t)trial + 1) * per; u++) left += !settled(d, u);
    return left;
}

size_t sweep_done_left(const sweep_done *d)
{
    size_t left = 0;
    for (int t = 0; t < d->plan->n_trials; t++) left += sweep_done_left_of(d, t);
    return left;
}
