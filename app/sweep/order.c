#define _GNU_SOURCE
#include "sweep/order.h"

#include <stdlib.h>
#include <string.h>

#include "sweep/sample_points.h"

enum {
    BLOCK_UNITS =
        64, /* of a block, about: some seconds of work, so that a claim costs nothing and little is repeated when a process dies */
    CHUNK_TRIALS = 64
};

static saint_status no_memory(saint_error *err) { return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size"); }

void sweep_order_free(sweep_order *o)
{
    if (!o) return;
    free(o->sample);
    free(o->group);
    free(o->trial);
    free(o->chunk);
    *o = (sweep_order){0};
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

typedef struct {
    double at; /* where in its category, 0..1 */
    double draw;
    uint32_t cluster, category;
    size_t n, first; /* its wanted samples: first in `member` */
} picture;

static int by_category_and_draw(const void *a, const void *b)
{
    const picture *x = a, *y = b;
    if (x->category != y->category) return x->category < y->category ? -1 : 1;
    if (x->draw < y->draw || x->draw > y->draw) return x->draw < y->draw ? -1 : 1;
    return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

static int by_place(const void *a, const void *b)
{
    const picture *x = a, *y = b;
    if (x->at < y->at || x->at > y->at) return x->at < y->at ? -1 : 1;
    if (x->draw < y->draw || x->draw > y->draw) return x->draw < y->draw ? -1 : 1;
    return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

/* Every category gets its pictures spread evenly over the whole: a beginning of any length has about its share of each. */
static void spread(picture *p, size_t n)
{
    qsort(p, n, sizeof *p, by_category_and_draw);
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i; next < n && p[next].category == p[i].category;) next++;
        for (size_t k = i; k < next; k++) p[k].at = ((double)(k - i) + p[k].draw) / (double)(next - i);
    }
    qsort(p, n, sizeof *p, by_place);
}

static saint_status order_samples(const sweep_plan *p, const saint_dataset *d, size_t per_group, sweep_order *o, saint_error *err)
{
    size_t n = saint_dataset_cluster_count(d), k = 0, g = 0;
    picture *pictures = calloc(n + 1, sizeof *pictures);
    uint32_t *member = malloc((p->n_wanted + 1) * sizeof *member);
    o->sample = malloc((p->n_wanted + 1) * sizeof *o->sample);
    o->group = malloc((p->n_wanted + 2) * sizeof *o->group);
    if (!pictures || !member || !o->sample || !o->group) {
        free(pictures);
        free(member);
        return no_memory(err);
    }
    for (size_t i = p->n_samples; i-- > 0;) /* from behind: the category of a picture is that of its first sample */
        if (p->wanted[i]) {
            picture *x = &pictures[saint_dataset_cluster(d, i)];
            x->n++;
            x->category = saint_dataset_category(d, i);
        }
    for (size_t c = 0, at = 0; c < n; c++) {
        pictures[c].cluster = (uint32_t)c;
        pictures[c].draw = sweep_uniform(1, c, 0);
        pictures[c].first = at;
        at += pictures[c].n;
        pictures[c].n = 0;
    }
    for (size_t i = 0; i < p->n_samples; i++)
        if (p->wanted[i]) {
            picture *x = &pictures[saint_dataset_cluster(d, i)];
            member[x->first + x->n++] = (uint32_t)i;
        }
    spread(pictures, n);
    for (size_t c = 0; c < n; c++) {
        if (!pictures[c].n) continue;
        if (g == 0 || k - o->group[g - 1] >= per_group) o->group[g++] = k;
        for (size_t i = 0; i < pictures[c].n; i++) o->sample[k++] = member[pictures[c].first + i];
    }
    o->n_groups = g;
    o->group[g] = o->n_samples = k;
    free(pictures);
    free(member);
    return SAINT_OK;
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

typedef struct {
    int ordinal, twin; /* twin: ordinal of its random twin, -1 = none */
    saint_plan plan;
} member;

/* Plans that begin with the same sites share what lies before the first one in which they differ. */
static int by_plan(const void *a, const void *b)
{
    const member *x = *(member *const *)a, *y = *(member *const *)b;
    int n = x->plan.n_sites < y->plan.n_sites ? x->plan.n_sites : y->plan.n_sites;
    int d = memcmp(x->plan.site, y->plan.site, (size_t)n * sizeof *x->plan.site);
    if (!d) d = x->plan.n_sites - y->plan.n_sites;
    return d ? d : x->ordinal - y->ordinal;
}

bool sweep_order_follows(const sweep_order *o, size_t own, size_t block)
{
    size_t chunks = (size_t)o->n_chunks;
    return block % chunks == 0 || block / chunks == own;
}

static saint_status order_trials(const sweep_plan *p, const saint_model_info *m, sweep_order *o, saint_error *err)
{
    int n = 0;
    saint_status s = SAINT_OK;
    member *all = malloc((size_t)p->n_trials * sizeof *all + 1), **at = malloc((size_t)p->n_trials * sizeof *at + 1);
    o->trial = malloc((size_t)p->n_trials * sizeof *o->trial + 1);
    o->chunk = malloc(((size_t)p->n_trials + 2) * sizeof *o->chunk);
    if (!all || !at || !o->trial || !o->chunk) s = no_memory(err);
    for (int i = 0; i < p->n_trials && s == SAINT_OK; i++) {
        const eval_trial *t = &p->trial[i];
        if (t->twin_of >= 0) continue;
        all[n] = (member){.ordinal = i, .twin = -1};
        saint_error inner = {0};
        s = saint_plan_build(&all[n].plan, &t->settings, m, NULL, &inner);
        if (s != SAINT_OK) saint_fail(err, s, "%.100s: %s", t->name, inner.text);
        at[n] = &all[n];
        n++;
    }
    for (int i = 0; i < p->n_trials && s == SAINT_OK; i++)
        for (int k = 0; p->trial[i].twin_of >= 0 && k < n; k++)
            if (all[k].ordinal == p->trial[i].twin_of) all[k].twin = i;
    if (s == SAINT_OK) {
        qsort(at, (size_t)n, sizeof *at, by_plan);
        o->n_trials = o->n_chunks = 0;
        for (int k = 0; k < n; k++) {
            if (k == 0 || o->n_trials - o->chunk[o->n_chunks - 1] >= CHUNK_TRIALS) o->chunk[o->n_chunks++] = o->n_trials;
            o->trial[o->n_trials++] = at[k]->ordinal;
            if (at[k]->twin >= 0) o->trial[o->n_trials++] = at[k]->twin;
        }
        o->chunk[o->n_chunks] = o->n_trials;
    }
    free(all);
    free(at);
    return s;
}

saint_status sweep_order_pictures(const sweep_plan *p, const saint_dataset *d, sweep_order *out, saint_error *err)
{
    *out = (sweep_order){0};
    saint_status s = order_samples(p, d, 1, out, err);
    if (s != SAINT_OK) sweep_order_free(out);
    return s;
}

saint_status sweep_order_make(const sweep_plan *p, const saint_dataset *d, const saint_model_info *m, sweep_order *out, saint_error *err)
{
    *out = (sweep_order){0};
    saint_status s = order_trials(p, m, out, err);
    size_t width = out->n_chunks ? (size_t)((out->n_trials + out->n_chunks - 1) / out->n_chunks) * p->repeats : 1;
    if (s == SAINT_OK) s = order_samples(p, d, width < BLOCK_UNITS ? BLOCK_UNITS / width : 1, out, err);
    out->n_blocks = out->n_groups * (size_t)out->n_chunks;
    if (s != SAINT_OK) sweep_order_free(out);
    return s;
}
