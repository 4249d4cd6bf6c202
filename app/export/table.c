/* table.c - tables as such: columns by name, cells, comparing, showing. */
#define _GNU_SOURCE
#include "export/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/table_internal.h"

/* ---- making ------------------------------------------------------------------------------------------------------------ */

bool table_add(table *t, const column *c)
{
    enum { STEP = 32 };
    if (t->n % STEP == 0) {
        column *more = realloc(t->col, (size_t)(t->n + STEP) * sizeof *more);
        if (!more) return false;
        t->col = more;
    }
    t->col[t->n++] = *c;
    return true;
}

bool table_add_all(table *t, const column *c)
{
    for (; c->show.name; c++)
        if (!table_add(t, c)) return false;
    return true;
}

bool table_add_made(table *t, const column *c, char *name, char *doc)
{
    column own = *c;
    own.owned[0] = name;
    own.owned[1] = doc;
    own.show.name = name;
    own.show.doc = doc;
    if (name && doc && table_add(t, &own)) return true;
    free(name);
    free(doc);
    return false;
}

static bool stands_for(const char *name, const column *c, bool (*is_score)(const column *c))
{
    if (strcmp(name, "cfg_") == 0) return (c->show.flags & COLUMN_SETTING) != 0;
    if (strcmp(name, "@") == 0) return is_score && is_score(c);
    return strcmp(name, c->show.name) == 0;
}

bool table_order(table *t, const char *const *order, bool (*is_score)(const column *c))
{
    column *sorted = malloc((size_t)t->n * sizeof *sorted);
    bool *taken = calloc((size_t)t->n, sizeof *taken);
    int n = 0;
    bool ok = sorted && taken;
    for (; ok && *order; order++)
        for (int i = 0; i < t->n; i++)
            if (!taken[i] && stands_for(*order, &t->col[i], is_score)) {
                sorted[n++] = t->col[i];
                taken[i] = true;
            }
    for (int i = 0; ok && i < t->n; i++)
        if (!taken[i]) sorted[n++] = t->col[i];
    if (ok) memcpy(t->col, sorted, (size_t)t->n * sizeof *sorted);
    free(sorted);
    free(taken);
    return ok;
}

static bool read_trial(table_trial *out, const eval_trial *t)
{
    out->hash = malloc(65);
    if (!out->hash) return false;
    saint_digest_hex(&t->digest, out->hash);
    out->config = t->config ? cJSON_Parse(t->config) : NULL;
    return true;
}

saint_status table_new(const sweep_data *s, table **out, saint_error *err)
{
    table *t = *out = calloc(1, sizeof *t);
    if (!t) return saint_fail(err, SAINT_MEMORY, "no memory for a table of %d trials", s->n_trials);
    t->s = s;
    t->judged = SIZE_MAX;
    bool ok = (t->trial = calloc((size_t)s->n_trials + 1, sizeof *t->trial)) != NULL;
    for (int i = 0; i < s->n_trials && ok; i++) ok = read_trial(&t->trial[i], &s->trial[i].trial);
    if (s->dataset) saint_digest_hex(&saint_dataset_get_info(s->dataset)->digest, t->data_hash);
    if (ok) return SAINT_OK;
    table_free(t);
    *out = NULL;
    return saint_fail(err, SAINT_MEMORY, "no memory for a table of %d trials", s->n_trials);
}

void table_free(table *t)
{
    if (!t) return;
    for (int i = 0; i < t->n; i++) {
        free(t->col[i].owned[0]);
        free(t->col[i].owned[1]);
    }
    for (int i = 0; t->trial && i < t->s->n_trials; i++) {
        cJSON_Delete(t->trial[i].config);
        free(t->trial[i].hash);
    }
    free(t->trial);
    free(t->col);
    free(t->row_trial);
    free(t->row_sample);
    free(t->parsed);
    free(t->dominated[0]);
    free(t->dominated[1]);
    text_free(&t->text);
    free(t);
}

const sweep_data *table_sweep(const table *t) { return t->s; }
size_t table_rows(const table *t) { return t->rows; }
int table_columns(const table *t) { return t->n; }
const table_column *table_column_at(const table *t, int c) { return c >= 0 && c < t->n ? &t->col[c].show : NULL; }
int table_trial_of(const table *t, size_t row) { return (int)t->row_trial[row]; }
const sweep_trial *table_row_trial(const table *t, size_t row) { return &t->s->trial[t->row_trial[row]]; }

const eval_result *table_result_of(const table *t, size_t row)
{
    return t->row_sample ? table_row_trial(t, row)->result[t->row_sample[row]] : NULL;
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *column;
} aliases[] = {{"acc", "metric"},          {"acc_low", "metric_ci_low"}, {"acc_high", "metric_ci_high"}, {"flops", "gflops_total_mean"},
               {"latency", "lat_mean_ms"}, {"tokens", "equiv_tok_mean"}, {"keep", "keep_ratio_mean"},    {"baseline", "is_baseline"}};

enum { ALIASES = sizeof aliases / sizeof *aliases };

const char *table_alias(int i, const char **name)
{
    if (i < 0 || i >= ALIASES) return NULL;
    *name = aliases[i].column;
    return aliases[i].word;
}

static int exact(const table *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->col[i].show.name, name) == 0) return i;
    return -1;
}

int table_find(const table *t, const char *name)
{
    int i = exact(t, name);
    for (int k = 0; k < t->n && i < 0; k++)
        if (t->col[k].show.flags & COLUMN_SETTING && strcmp(t->col[k].show.name + strlen("cfg_"), name) == 0) i = k;
    for (int k = 0; k < ALIASES && i < 0; k++)
        if (strcmp(aliases[k].word, name) == 0) i = exact(t, aliases[k].column);
    return i;
}

enum { NAME_MOST = 64 };

/* Edit distance, in halves: a letter too much at the end costs half, because names get cut short more often than mistyped. */
static int unlike(const char *typed, const char *name)
{
    int row[NAME_MOST + 1] = {0}, n = (int)strnlen(name, NAME_MOST), m = (int)strnlen(typed, NAME_MOST);
    for (int k = 0; k <= n; k++) row[k] = 2 * k;
    for (int i = 0; i < m; i++) {
        int corner = row[0];
        row[0] += 2;
        for (int k = 1; k <= n; k++) {
            int change = corner + (typed[i] == name[k - 1] ? 0 : 2), most = row[k] < row[k - 1] ? row[k] : row[k - 1];
            corner = row[k];
            row[k] = change < most + 2 ? change : most + 2;
        }
    }
    int best = row[n];
    for (int k = 0; k <= n; k++) /* what is typed is the beginning of the name */
        if (row[k] + (n - k) < best) best = row[k] + (n - k);
    return best;
}

const char *table_nearest(const table *t, const char *name)
{
    const char *best = t->col[0].show.name;
    int least = unlike(name, best);
    for (int i = 0; i < t->n + ALIASES; i++) {
        const char *candidate = i < t->n ? t->col[i].show.name : aliases[i - t->n].word;
        if (i < t->n && t->col[i].show.flags & COLUMN_SETTING) candidate += strlen("cfg_");
        if (i >= t->n && exact(t, aliases[i - t->n].column) < 0) continue;
        int far = unlike(name, candidate);
        if (far < least) {
            least = far;
            best = candidate;
        }
    }
    return best;
}

/* ---- cells ------------------------------------------------------------------------------------------------------------- */

double column_number(const column *c, const void *from)
{
    double x = *(const double *)(const void *)((const char *)from + c->offset);
    return x * (c->scale != 0 ? c->scale : 1) / (c->per != 0 ? c->per : 1);
}

void cell_number(table_cell *out, double x)
{
    if (isfinite(x)) *out = (table_cell){.kind = CELL_NUMBER, .number = x};
}

void cell_single(table_cell *out, float x)
{
    if (isfinite(x)) *out = (table_cell){.kind = CELL_SINGLE, .number = (double)x};
}

void cell_integer(table_cell *out, double x) { *out = (table_cell){.kind = CELL_INTEGER, .number = x}; }

void cell_bool(table_cell *out, bool yes) { *out = (table_cell){.kind = CELL_BOOL, .number = yes}; }

void cell_written(table *t, table_cell *out)
{
    if (t->text.n && !t->text.failed) *out = (table_cell){.kind = CELL_TEXT, .text = t->text.p};
}

void cell_text(table *t, table_cell *out, const char *text)
{
    text_clear(&t->text);
    if (text) text_utf8(&t->text, text);
    cell_written(t, out);
}

void cell_time(table *t, table_cell *out, double unix_time)
{
    if (!(unix_time > 0 && unix_time < 1e11)) return; /* a trial that has not begun: infinity */
    time_t seconds = (time_t)unix_time;
    struct tm utc;
    char s[40];
    if (!gmtime_r(&seconds, &utc) || !strftime(s, sizeof s, "%Y-%m-%dT%H:%M:%SZ", &utc)) return;
    cell_text(t, out, s);
}

table_cell table_get(table *t, size_t row, int c)
{
    table_cell out = {0};
    if (row < t->rows && c >= 0 && c < t->n) t->col[c].get(t, row, &t->col[c], &out);
    return out;
}

bool table_has_llm(table *t)
{
    int at = table_find(t, "img_tok_llm_in_mean");
    for (size_t row = 0; row < t->rows; row++) {
        table_cell c = table_get(t, row, at);
        if (c.kind != CELL_EMPTY && c.kind != CELL_TEXT && c.number > 0) return true;
    }
    return false;
}

/* A copy of a text, because the next cell takes its place. */
static char *keep(const table_cell *c) { return c->kind == CELL_TEXT ? strdup(c->text) : NULL; }

int table_compare(table *t, size_t a, size_t b, int c, bool descending)
{
    table_cell x = table_get(t, a, c);
    char *left = keep(&x);
    table_cell y = table_get(t, b, c);
    int order = 0;
    if (x.kind == CELL_EMPTY || y.kind == CELL_EMPTY) {
        free(left);
        order = (x.kind == CELL_EMPTY) - (y.kind == CELL_EMPTY);
        return order ? order : (a > b) - (a < b);
    }
    bool texts = x.kind == CELL_TEXT && y.kind == CELL_TEXT;
    if (texts && left) order = strcmp(left, y.text);
    else if (x.kind == CELL_TEXT || y.kind == CELL_TEXT) order = (x.kind == CELL_TEXT) - (y.kind == CELL_TEXT); /* numbers first */
    else order = (x.number > y.number) - (x.number < y.number);
    free(left);
    if (descending) order = -order;
    return order ? order < 0 ? -1 : 1 : (a > b) - (a < b);
}

void table_show(table *t, size_t row, int c, char *out, size_t size)
{
    table_cell x = table_get(t, row, c);
    const table_column *col = table_column_at(t, c);
    if (!size) return;
    out[0] = 0;
    if (x.kind == CELL_TEXT) {
        (void)snprintf(out, size, "%s", x.text);
        size_t n = strlen(out); /* never half a character */
        while (n && ((unsigned char)out[n - 1] & 0xc0) == 0x80) n--;
        if (n && (unsigned char)out[n - 1] >= 0xc0 && !text_character(out + n - 1)) out[n - 1] = 0;
    } else if (x.kind == CELL_BOOL) (void)snprintf(out, size, "%s", x.number != 0 ? "yes" : "no");
    else if (x.kind == CELL_INTEGER) (void)snprintf(out, size, "%.0f", x.number);
    else if (x.kind != CELL_EMPTY && col->decimals >= 0) (void)snprintf(out, size, "%.*f", col->decimals, x.number);
    else if (x.kind != CELL_EMPTY) (void)snprintf(out, size, "%.6g", x.number);
}
