#define _GNU_SOURCE
#include "ui/sweeps/sweep_form.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a record in journal and database together, as sweeps of the embedded model have them. */
enum { RECORD_BYTES = 1900, EXPAND_MOST = 2000 };

static const sweep_method methods[] = {SWEEP_GRID, SWEEP_SOBOL, SWEEP_LHS, SWEEP_RANDOM};

bool sweep_form_is_text(int row) { return row != FORM_METHOD && row != FORM_RANDOM && row != FORM_START; }

bool sweep_form_row_used(const sweep_form *f, int row) { return row != FORM_COUNT || f->method != SWEEP_GRID; }

void sweep_form_init(sweep_form *f, const char *name)
{
    memset(f, 0, sizeof *f);
    saint_ui_line_set(&f->line[FORM_NAME], name);
    saint_ui_line_set(&f->line[FORM_COUNT], "32");
    saint_ui_line_set(&f->line[FORM_LIMIT], "200");
    saint_ui_line_set(&f->line[FORM_REPEAT], "1");
    f->method = SWEEP_GRID;
    f->random = true;
    f->at = FORM_AXIS;
}

static saint_status read_switch(const char *word, const char *value, bool *out, saint_error *err)
{
    static const char *const on[] = {"on", "yes", "true", "1"}, *const off[] = {"off", "no", "false", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, on[i]) == 0) return *out = true, SAINT_OK;
        if (strcmp(value, off[i]) == 0) return *out = false, SAINT_OK;
    }
    return saint_fail(err, SAINT_INVALID, "%s: expected on or off", word);
}

/* The line of that parameter, else the first that is free; -1: none is left. */
static int axis_row(const sweep_form *f, const char *word)
{
    size_t key = strcspn(word, "=") + 1;
    for (int i = 0; i < FORM_AXES; i++)
        if (strncmp(f->line[FORM_AXIS + i].text, word, key) == 0) return FORM_AXIS + i;
    for (int i = 0; i < FORM_AXES; i++)
        if (!f->line[FORM_AXIS + i].text[0]) return FORM_AXIS + i;
    return -1;
}

static saint_status read_word(sweep_form *f, const char *word, saint_error *err)
{
    static const struct {
        const char *name;
        int row;
    } lines[] = {{"name=", FORM_NAME}, {"count=", FORM_COUNT}, {"limit=", FORM_LIMIT}, {"repeat=", FORM_REPEAT}};
    const char *value = strchr(word, '=');
    if (!value) return saint_fail(err, SAINT_INVALID, "%.100s: expected key=values, such as keep_num=96,144,192", word);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strncmp(word, lines[i].name, strlen(lines[i].name)) == 0) return saint_ui_line_set(&f->line[lines[i].row], value + 1), SAINT_OK;
    if (strncmp(word, "random=", 7) == 0) return read_switch(word, value + 1, &f->random, err);
    if (strncmp(word, "method=", 7) == 0) {
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
            if (strcmp(value + 1, sweep_method_name(methods[i])) == 0) return f->method = (int)methods[i], SAINT_OK;
        return saint_fail(err, SAINT_INVALID, "%.100s: expected grid, sobol, lhs or random", word);
    }
    int row = axis_row(f, word);
    if (row < 0) return saint_fail(err, SAINT_INVALID, "%.100s: expected at most %d parameters here; `saint sweep` takes more", word, FORM_AXES);
    saint_ui_line_set(&f->line[row], word);
    return SAINT_OK;
}

saint_status sweep_form_read(sweep_form *f, const char *text, saint_error *err)
{
    saint_status s = SAINT_OK;
    while (s == SAINT_OK) {
        char word[SAINT_UI_LINE_MOST];
        while (isspace((unsigned char)*text)) text++;
        size_t n = 0;
        while (text[n] && !isspace((unsigned char)text[n])) n++;
        if (!n) break;
        if (n >= sizeof word) return saint_fail(err, SAINT_INVALID, "%.60s...: longer than %zu bytes", text, sizeof word - 1);
        memcpy(word, text, n);
        word[n] = 0;
        text += n;
        s = read_word(f, word, err);
    }
    return s;
}

/* ---- a first line ---- */

void sweep_form_propose(const saint_settings *base, const saint_model_info *m, char *out, size_t size)
{
    saint_plan p;
    out[0] = 0;
    if (!m || saint_plan_build(&p, base, m, NULL, NULL) != SAINT_OK || p.n_sites == 0) return;
    const saint_site *s = &p.site[0]; /* the first one decides most of the cost */
    const saint_method *method = saint_method_at(s->method);
    bool llm = s->stage == SAINT_STAGE_LLM;
    int rows = m->grid_w * m->grid_h;
    if (method->params & SAINT_PARAM_KEEP_NUM && s->p.keep_num > 0 && rows >= 8)
        snprintf(out, size, "%s=%d:%d:%d", llm ? "llm_keep_num" : "keep_num", rows / 8, rows, rows / 8);
    else if (method->params & SAINT_PARAM_KEEP_RATIO) snprintf(out, size, "%s=0.2:0.9:0.1", llm ? "llm_keep_ratio" : "keep_ratio");
    else if (method->params & SAINT_PARAM_SIM_THRESHOLD) snprintf(out, size, "%s=0.6:0.95:0.05", llm ? "saint_threshold" : "sim_threshold");
}

/* ---- meaning ---- */

static saint_status whole(const saint_ui_line *l, const char *what, long least, long most, long *out, saint_error *err)
{
    char *end;
    *out = strtol(l->text, &end, 10);
    if (l->text[0] && !*end && *out >= least && *out <= most) return SAINT_OK;
    return saint_fail(err, SAINT_INVALID, "%s: expected a whole number from %ld to %ld", what, least, most);
}

static saint_status read_numbers(const sweep_form *f, sweep_spec *out, int *row, saint_error *err)
{
    long v = 0;
    saint_status s = whole(&f->line[*row = FORM_LIMIT], "samples (0: all)", 0, 100000000, &v, err);
    if (s != SAINT_OK) return s;
    out->limit = (size_t)v;
    if ((s = whole(&f->line[*row = FORM_REPEAT], "repeats", 1, 1000, &v, err)) != SAINT_OK) return s;
    out->repeat = (unsigned)v;
    if (f->method == SWEEP_GRID) return SAINT_OK;
    if ((s = whole(&f->line[*row = FORM_COUNT], "points", 1, SWEEP_TRIALS_MAX, &v, err)) != SAINT_OK) return s;
    out->count = (size_t)v;
    return SAINT_OK;
}

/* Whether a line would do as the only one. */
static bool line_alone(const sweep_spec *of, const char *text)
{
    sweep_spec s;
    sweep_spec_init(&s);
    s.method = of->method;
    s.count = of->count;
    bool good = sweep_spec_grid(&s, text, NULL) == SAINT_OK && sweep_spec_finish(&s, NULL) == SAINT_OK;
    sweep_spec_free(&s);
    return good;
}

saint_status sweep_form_spec(const sweep_form *f, const sweep_ground *g, sweep_spec *out, int *row, saint_error *err)
{
    int own;
    if (!row) row = &own;
    *row = FORM_NAME;
    sweep_spec_init(out);
    saint_status s = sweep_spec_text(&out->name, f->line[FORM_NAME].text, err);
    if (s == SAINT_OK && !f->line[FORM_NAME].text[0]) s = saint_fail(err, SAINT_INVALID, "a sweep needs a name");
    if (s == SAINT_OK) s = sweep_spec_text(&out->model, g->model, err);
    if (s == SAINT_OK) s = sweep_spec_text(&out->data, g->data, err);
    if (s == SAINT_OK) *row = -1, s = sweep_base_texts(g->base, g->info, &out->set, err);
    out->method = (sweep_method)f->method;
    out->seed = 1;
    out->no_random = !f->random;
    for (int i = 0; i < FORM_AXES && s == SAINT_OK; i++)
        if (f->line[FORM_AXIS + i].text[0]) s = sweep_spec_grid(out, f->line[*row = FORM_AXIS + i].text, err);
    if (s == SAINT_OK) s = read_numbers(f, out, row, err);
    if (s != SAINT_OK) return s;
    *row = -1;
    if (!out->n_axes) {
        *row = FORM_AXIS;
        return saint_fail(err, SAINT_INVALID, "name a parameter and its values: keep_num=96,144,192 or saint_threshold=0.6:0.9:0.05");
    }
    s = sweep_spec_finish(out, err);
    for (int i = 0; i < FORM_AXES && s != SAINT_OK && *row < 0; i++) /* the first line that is wrong by itself */
        if (f->line[FORM_AXIS + i].text[0] && !line_alone(out, f->line[FORM_AXIS + i].text)) *row = FORM_AXIS + i;
    return s;
}

/* More points than can be planned while one types: the count without twins that coincide. */
static saint_status rough(const sweep_form *f, const sweep_spec *spec, const sweep_ground *g, sweep_estimate *out, saint_error *err)
{
    sweep_points points;
    saint_status s = sweep_points_make(spec, &points, err);
    size_t all = saint_dataset_count(g->dataset);
    out->runs = 1 + points.n * (f->random ? 2 : 1);
    out->samples = spec->limit && spec->limit < all ? spec->limit : all;
    sweep_points_free(&points);
    return s;
}

static saint_status exact(const sweep_spec *spec, const sweep_ground *g, sweep_estimate *out, saint_error *err)
{
    const sweep_scene scene = {.model = g->model,
                               .info = g->info,
                               .data = g->data,
                               .dataset = g->dataset,
                               .dtype = g->dtype,
                               .backend = g->backend,
                               .template_name = g->template_name,
                               .image_mode = g->image_mode};
    sweep_plan plan;
    saint_notes notes = {0};
    saint_status s = sweep_plan_make(spec, &scene, &plan, &notes, err);
    if (s == SAINT_OK) {
        out->runs = (size_t)plan.n_trials;
        out->samples = plan.n_wanted;
        if (notes.n) snprintf(out->note, sizeof out->note, "%s", notes.text[0]);
    }
    sweep_plan_free(&plan);
    return s;
}

saint_status sweep_form_check(const sweep_form *f, const sweep_ground *g, sweep_estimate *out, saint_error *err)
{
    sweep_spec spec;
    sweep_points points = {0};
    *out = (sweep_estimate){.seconds = NAN, .bytes = NAN, .row = -1};
    saint_status s = sweep_form_spec(f, g, &spec, &out->row, err);
    if (s == SAINT_OK) s = sweep_points_make(&spec, &points, err);
    size_t n = points.n;
    sweep_points_free(&points);
    if (s == SAINT_OK) s = n > EXPAND_MOST ? rough(f, &spec, g, out, err) : exact(&spec, g, out, err);
    if (s == SAINT_OK) {
        out->units = out->runs * out->samples * spec.repeat;
        out->seconds = (double)out->units * g->sample_seconds;
        out->bytes = (double)out->units * RECORD_BYTES;
    }
    sweep_spec_free(&spec);
    return s;
}
