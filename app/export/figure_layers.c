/* figure_layers.c - how many picture tokens are left behind every layer. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/figure_internal.h"
#include "export/filter.h"

enum { TRIALS = 6 };

/* Mean over the records of a trial: survivors of site i, and what enters both stages. */
typedef struct {
    int n_sites;
    struct {
        saint_stage stage;
        int layer;
        double left;
    } site[EVAL_SITES];
    double vit_in, llm_in, equivalent;
    int layers[2]; /* of the ViT and the LLM; 0 = not recorded */
    size_t n;
} profile;

static bool same_sites(const profile *p, const eval_result *e)
{
    bool same = p->n_sites == e->n_sites;
    for (int i = 0; same && i < e->n_sites; i++)
        same = p->site[i].stage == (saint_stage)e->site[i].stage && p->site[i].layer == e->site[i].layer;
    return same;
}

/* Every record of a trial has the same sites; one that has not is no part of the mean. */
static void profile_of(const sweep_data *s, const sweep_trial *t, profile *p)
{
    *p = (profile){0};
    for (size_t i = 0; i < s->n_samples; i++) {
        const eval_result *e = t->result[i];
        if (!e || e->state != EVAL_OK) continue;
        if (!p->n) {
            p->n_sites = e->n_sites < EVAL_SITES ? e->n_sites : EVAL_SITES;
            for (int k = 0; k < p->n_sites; k++) {
                p->site[k].stage = (saint_stage)e->site[k].stage;
                p->site[k].layer = e->site[k].layer;
            }
        } else if (!same_sites(p, e)) continue;
        for (int k = 0; k < p->n_sites; k++) p->site[k].left += e->site[k].n_out;
        p->layers[0] = e->vit_layers;
        p->layers[1] = e->llm_layers;
        p->vit_in += e->vit_in;
        p->llm_in += e->llm_in;
        p->equivalent += e->equivalent;
        p->n++;
    }
    for (int k = 0; k < p->n_sites; k++) p->site[k].left /= (double)p->n;
    if (p->n) p->vit_in /= (double)p->n;
    if (p->n) p->llm_in /= (double)p->n;
    if (p->n) p->equivalent /= (double)p->n;
}

/* Records of before do not tell how many layers there are. Those that the configurations name: "10-11" in prune_mode says that there are 12. */
static double depth_named(const sweep_data *s, const char *key)
{
    double end = 0;
    for (int i = 0; i < s->n_trials; i++) {
        cJSON *c = s->trial[i].trial.config ? cJSON_Parse(s->trial[i].trial.config) : NULL, *range;
        cJSON_ArrayForEach(range, cJSON_GetObjectItemCaseSensitive(c, key))
        {
            const char *dash = range->string ? strchr(range->string, '-') : NULL;
            if (range->string) end = fmax(end, strtod(dash ? dash + 1 : range->string, NULL) + 1);
        }
        cJSON_Delete(c);
    }
    return end;
}

/* Layers of the LLM, from the tokens that a layer sees on average: L equivalent = sum over the layers up to the last site + the rest, which
 * all see what that site left. 0 where nothing is dropped or the number does not come out whole. */
static double depth_seen(const profile *p)
{
    double sum = 0, tokens = p->llm_in;
    int passed = 0;
    for (int i = 0; i < p->n_sites; i++) {
        if (p->site[i].stage != SAINT_STAGE_LLM) continue;
        sum += tokens * (p->site[i].layer + 1 - passed);
        passed = p->site[i].layer + 1;
        tokens = p->site[i].left;
    }
    if (!passed || p->equivalent - tokens < 1) return 0;
    double depth = (sum - passed * tokens) / (p->equivalent - tokens);
    return fabs(depth - round(depth)) < 0.05 && depth > passed && depth < SAINT_MAX_LAYERS ? round(depth) : 0;
}

static saint_status add_line(figure_series *line, const profile *p, saint_stage stage, double end, saint_error *err)
{
    figure_point at = {.x = 0, .y = stage == SAINT_STAGE_VIT ? p->vit_in : p->llm_in, .low = NAN, .high = NAN};
    saint_status st = at.y > 0 ? figure_add_point(line, &at, err) : SAINT_OK;
    for (int i = 0; i < p->n_sites && st == SAINT_OK; i++) {
        if (p->site[i].stage != stage) continue;
        at.x = p->site[i].layer + 1; /* behind the layer */
        at.y = p->site[i].left;
        st = figure_add_point(line, &at, err);
    }
    at.x = end;
    return st == SAINT_OK && line->n ? figure_add_point(line, &at, err) : st;
}

/* A random twin keeps as many tokens as its partner, so it would lie on its line. */
static bool is_drawn(table *t, size_t row, const figure_options *o, const filter *where)
{
    const sweep_trial *r = &table_sweep(t)->trial[table_trial_of(t, row)];
    return r->summary.n_done > 0 && !r->trial.baseline && r->trial.twin_of < 0 && figure_wants(t, row, o, where);
}

static int by_cost(const void *a, const void *b, void *ctx)
{
    table *t = ctx;
    return table_compare(t, *(const size_t *)a, *(const size_t *)b, table_find(t, "gflops_total_mean"), false);
}

/* Which rows: all when they are few, else some that are spread over the cost. *of: how many there are. */
static int choose(table *t, const figure_options *o, const filter *where, size_t row[TRIALS], int *of)
{
    size_t m = 0, *all = malloc((table_rows(t) + 1) * sizeof *all);
    int count = 0;
    for (size_t i = 0; all && i < table_rows(t); i++)
        if (is_drawn(t, i, o, where)) all[m++] = i;
    if (m > TRIALS) qsort_r(all, m, sizeof *all, by_cost, t);
    for (size_t k = 0; k < TRIALS && k < m; k++) row[count++] = m <= TRIALS ? all[k] : all[k * (m - 1) / (TRIALS - 1)];
    *of = (int)m;
    free(all);
    return count;
}

saint_status figure_layers(table *t, const figure_options *o, figure_data *out, saint_error *err)
{
    const sweep_data *s = table_sweep(t);
    filter *where = NULL;
    size_t row[TRIALS];
    int of, n;
    *out = (figure_data){.base.y = NAN};
    saint_status st = o->where ? filter_parse(o->where, t, &where, err) : SAINT_OK;
    if (st != SAINT_OK) return st;
    n = choose(t, o, where, row, &of);
    filter_free(where);
    profile *p = calloc(TRIALS, sizeof *p);
    if (!p) return saint_fail(err, SAINT_MEMORY, "figure: no memory");
    for (int i = 0; i < n; i++) {
        profile_of(s, &s->trial[table_trial_of(t, row[i])], &p[i]);
        for (int k = 0; k < p[i].n_sites; k++) {
            double *end = p[i].site[k].stage == SAINT_STAGE_VIT ? &out->vit_end : &out->llm_end;
            const int layers = p[i].layers[p[i].site[k].stage == SAINT_STAGE_LLM];
            *end = fmax(*end, layers ? layers : p[i].site[k].layer + 1);
        }
        if (!p[i].layers[1]) out->llm_end = fmax(out->llm_end, depth_seen(&p[i]));
    }
    if (out->vit_end > 0 && n && !p[0].layers[0]) out->vit_end = fmax(out->vit_end, depth_named(s, "prune_mode"));
    if (out->llm_end > 0 && n && !p[0].layers[1]) out->llm_end = fmax(out->llm_end, depth_named(s, "llm_prune_mode"));
    double *ends[] = {&out->vit_end, &out->llm_end};
    for (int k = 0; k < 2; k++) *ends[k] += *ends[k] > 0 ? 0.5 : 0; /* so that what the last layer leaves can be seen */
    for (int i = 0; i < n && st == SAINT_OK; i++) {
        const sweep_trial *r = &s->trial[table_trial_of(t, row[i])];
        for (int stage = 0; stage < 2 && st == SAINT_OK; stage++) {
            figure_series *line = &out->series[out->n++]; /* two trials may have one name */
            (void)snprintf(line->name, sizeof line->name, "%s", r->trial.name ? r->trial.name : "");
            line->kind = r->trial.twin_of >= 0 ? SERIES_TWIN : SERIES_METHOD;
            st = add_line(line, &p[i], (saint_stage)stage, stage ? out->llm_end : out->vit_end, err);
        }
    }
    free(p);
    if (st == SAINT_OK && out->vit_end <= 0 && out->llm_end <= 0)
        st = saint_fail(err, SAINT_INVALID, "figure: no trial that was run drops tokens; expected one with a prune site");
    char ending[96] = "";
    if (n < of) (void)snprintf(ending, sizeof ending, "; %d of %d configurations, spread over their cost", n, of);
    figure_title(t, ending, out->title, sizeof out->title);
    if (st != SAINT_OK) figure_free(out);
    return st;
}
