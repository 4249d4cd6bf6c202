#define _GNU_SOURCE
#include "ui/runs/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/table.h"

/* What charts offer of the columns of trials.csv, the first of a kind and direction first. Settings that vary come before them. */
static const struct {
    const char *name, *low, *high;
    chart_kind kind;
    int better;
} offered[] = {
    {"metric", "metric_ci_low", "metric_ci_high", CHART_QUALITY, 1},
    {"agreement", "agreement_ci_low", "agreement_ci_high", CHART_QUALITY, 1},
    {"base_diff", "base_diff_ci_low", "base_diff_ci_high", CHART_QUALITY, 1},
    {"kl", "kl_ci_low", "kl_ci_high", CHART_QUALITY, -1},
    {"speedup", "speedup_ci_low", "speedup_ci_high", CHART_COST, 1},
    {"throughput_sps", NULL, NULL, CHART_COST, 1},
    {"lat_mean_ms", "lat_ci_low_ms", "lat_ci_high_ms", CHART_COST, -1},
    {"lat_p50_ms", NULL, NULL, CHART_COST, -1},
    {"t_vit_ms", NULL, NULL, CHART_COST, -1},
    {"t_prune_ms", NULL, NULL, CHART_COST, -1},
    {"t_prefill_ms", NULL, NULL, CHART_COST, -1},
    {"t_decode_ms", NULL, NULL, CHART_COST, -1},
    {"gflops_total_mean", NULL, NULL, CHART_COST, -1},
    {"gflops_vit_mean", NULL, NULL, CHART_COST, -1},
    {"gflops_prefill_mean", NULL, NULL, CHART_COST, -1},
    {"flops_ratio", NULL, NULL, CHART_COST, -1},
    {"equiv_tok_mean", NULL, NULL, CHART_COST, -1},
    {"img_tok_vit_out_mean", NULL, NULL, CHART_COST, -1},
    {"img_tok_llm_in_mean", NULL, NULL, CHART_COST, -1},
    {"img_tok_llm_out_mean", NULL, NULL, CHART_COST, -1},
    {"keep_ratio_mean", NULL, NULL, CHART_COST, -1},
    {"kv_mib_mean", NULL, NULL, CHART_COST, -1},
};
enum { OFFERED = sizeof offered / sizeof *offered, MOST = 96 };

typedef struct {
    int column, low, high; /* of the table; -1: no interval */
    chart_kind kind;
    int better;
} source;

static double number_of(table *t, size_t row, int column)
{
    if (column < 0) return NAN;
    table_cell c = table_get(t, row, column);
    return c.kind == CELL_EMPTY || c.kind == CELL_TEXT ? NAN : c.number;
}

/* A parameter of the sweep whose values are numbers. */
static bool varies(table *t, int column)
{
    double first = NAN;
    for (size_t i = 0; i < table_rows(t); i++) {
        double v = number_of(t, i, column);
        if (isnan(first)) first = v;
        else if (isfinite(v) && v != first) return true;
    }
    return false;
}

static int choose(table *t, source *out)
{
    int n = 0;
    for (int c = 0; c < table_columns(t) && n < MOST; c++)
        if (table_column_at(t, c)->flags & COLUMN_SETTING && varies(t, c)) out[n++] = (source){c, -1, -1, CHART_PARAMETER, 0};
    for (size_t i = 0; i < OFFERED && n < MOST; i++) {
        int c = table_find(t, offered[i].name);
        if (c < 0) continue;
        out[n++] = (source){c, offered[i].low ? table_find(t, offered[i].low) : -1, offered[i].high ? table_find(t, offered[i].high) : -1,
                            offered[i].kind, offered[i].better};
    }
    return n;
}

/* Words that tell pruned runs apart. */
static const char *const words[] = {"method", "prune_mode", "llm_prune_mode", "mode", "compat"};

static bool words_vary(table *t, int column)
{
    const sweep_data *s = table_sweep(t);
    char first[256] = "", text[256];
    bool seen = false;
    for (size_t i = 0; i < table_rows(t); i++) {
        const eval_trial *trial = &s->trial[table_trial_of(t, i)].trial;
        if (trial->baseline || trial->twin_of >= 0) continue;
        if (table_get(t, i, column).kind != CELL_TEXT) return false;
        table_show(t, i, column, text, sizeof text);
        if (seen && strcmp(first, text) != 0) return true;
        snprintf(first, sizeof first, "%s", text);
        seen = true;
    }
    return false;
}

static int choose_words(table *t, source *out, int n)
{
    for (size_t i = 0; i < sizeof words / sizeof *words && n < MOST; i++) {
        int c = table_find(t, words[i]);
        if (c >= 0 && words_vary(t, c)) out[n++] = (source){c, -1, -1, CHART_PARAMETER, 0};
    }
    return n;
}

/* Index of a text among a column's labels, added when it is new. -1: no memory. */
static int label_of(chart_column *c, const char *text)
{
    for (int k = 0; k < c->n_labels; k++)
        if (strcmp(c->label[k], text) == 0) return k;
    char **longer = realloc(c->label, ((size_t)c->n_labels + 1) * sizeof *longer);
    if (!longer) return -1;
    c->label = longer;
    if (!(longer[c->n_labels] = strdup(text))) return -1;
    return c->n_labels++;
}

/* "cfg_keep_num" is keep_num to people. */
static const char *plain_name(const table_column *c) { return c->flags & COLUMN_SETTING && !strncmp(c->name, "cfg_", 4) ? c->name + 4 : c->name; }

static chart_role role_of(const sweep_trial *t) { return t->trial.baseline ? CHART_UNPRUNED : t->trial.twin_of >= 0 ? CHART_RANDOM : CHART_RUN; }

/* Row of each row's settings: a random twin stands at the place of the run whose token counts it took, so that the two are above each
 * other. [rows], NULL: no memory. */
static size_t *settings_rows(const table *t, const sweep_data *s)
{
    size_t n = table_rows(t);
    size_t *from = calloc(n + 1, sizeof *from);
    for (size_t i = 0; i < n && from; i++) {
        int64_t partner = s->trial[table_trial_of(t, i)].trial.twin_of;
        from[i] = i;
        if (partner < 0) continue;
        size_t low = 0, high = n; /* rows are sorted by ordinal */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (s->trial[table_trial_of(t, middle)].trial.ordinal < partner) low = middle + 1;
            else high = middle;
        }
        if (low < n && s->trial[table_trial_of(t, low)].trial.ordinal == partner) from[i] = low;
    }
    return from;
}

/* What the unpruned model is by definition: tables leave it out. */
static void complete_unpruned(chart_data *d, int row)
{
    static const struct {
        const char *id;
        double value;
    } known[] = {{"agreement", 1}, {"base_diff", 0}, {"kl", 0}, {"speedup", 1}, {"flops_ratio", 1}};
    for (int c = 0; c < d->n_columns; c++)
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (strcmp(d->column[c].id, known[k].id) == 0) d->value[chart_at(d, row, c)] = known[k].value;
}

static saint_status title_of(const sweep_data *s, chart_data *d, saint_error *err)
{
    if (asprintf(&d->title, "%s%s%s", s->name[0] ? s->name : s->id, s->data ? " on " : "", s->data ? s->data : "") >= 0) return SAINT_OK;
    d->title = NULL;
    return saint_fail(err, SAINT_MEMORY, "no memory for a chart");
}

static saint_status fill(const sweep_data *s, table *t, const source *from, const size_t *settings, chart_data *d, saint_error *err)
{
    saint_status st = title_of(s, d, err);
    for (int c = 0; c < d->n_columns; c++) {
        const table_column *column = table_column_at(t, from[c].column);
        chart_column *out = &d->column[c];
        snprintf(out->name, sizeof out->name, "%s", from[c].column == table_find(t, "metric") && s->n_trials && *s->trial[0].summary.main_name
                                                        ? s->trial[0].summary.main_name
                                                        : plain_name(column));
        snprintf(out->id, sizeof out->id, "%s", column->name);
        snprintf(out->unit, sizeof out->unit, "%s", column->unit);
        out->kind = from[c].kind;
        out->better = from[c].better;
    }
    for (int i = 0; i < d->n_rows && st == SAINT_OK; i++) {
        const sweep_trial *trial = &s->trial[table_trial_of(t, (size_t)i)];
        const eval_summary *y = &trial->summary;
        chart_row *row = &d->row[i];
        *row = (chart_row){.role = role_of(trial),
                           .hollow = y->n_done < y->n_total || strcmp(trial->state, "complete") != 0,
                           .failed = y->n_error > 0,
                           .n = (int)(y->n_done - y->n_error),
                           .key = trial->trial.ordinal};
        if (!(row->name = strdup(trial->trial.name ? trial->trial.name : ""))) st = saint_fail(err, SAINT_MEMORY, "no memory for a chart");
        for (int c = 0; c < d->n_columns; c++) {
            size_t at = chart_at(d, i, c), r = from[c].kind == CHART_PARAMETER ? settings[i] : (size_t)i;
            if (from[c].kind != CHART_PARAMETER && !y->n_done) continue; /* planned: nothing is known */
            d->value[at] = number_of(t, r, from[c].column);
            d->low[at] = number_of(t, r, from[c].low);
            d->high[at] = number_of(t, r, from[c].high);
        }
        if (trial->trial.baseline && y->n_done) complete_unpruned(d, i);
    }
    return st;
}

static saint_status fill_words(table *t, const source *from, const size_t *settings, chart_data *d, saint_error *err)
{
    for (int c = d->n_numbers; c < d->n_columns; c++)
        for (int i = 0; i < d->n_rows; i++) {
            char text[256];
            if (d->row[i].role == CHART_UNPRUNED) continue;
            table_show(t, settings[i], from[c].column, text, sizeof text);
            int k = text[0] ? label_of(&d->column[c], text) : 0;
            if (k < 0) return saint_fail(err, SAINT_MEMORY, "no memory for a chart");
            d->value[chart_at(d, i, c)] = text[0] ? (double)k : (double)NAN;
        }
    return SAINT_OK;
}

saint_status chart_of_sweep(const sweep_data *s, chart_data *out, saint_error *err)
{
    table *t = NULL;
    source from[MOST];
    *out = (chart_data){0};
    saint_status st = table_trials(s, &t, err);
    if (st != SAINT_OK) return st;
    int numbers = choose(t, from), all = choose_words(t, from, numbers);
    st = chart_data_make(out, (int)table_rows(t), all, err);
    size_t *settings = settings_rows(t, s);
    if (st == SAINT_OK && !settings) st = saint_fail(err, SAINT_MEMORY, "no memory for a chart");
    if (st == SAINT_OK) st = fill(s, t, from, settings, out, err);
    out->n_numbers = st == SAINT_OK ? numbers : 0;
    if (st == SAINT_OK) st = fill_words(t, from, settings, out, err);
    free(settings);
    if (st != SAINT_OK) chart_data_free(out);
    table_free(t);
    return st;
}
