#include "support/view_samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pale sky, a sun, hills and a house: large flat parts and small busy ones, like photos. */
static saint_status draw_scene(saint_image *im, saint_error *err)
{
    saint_status s = saint_image_new(320, 240, im, err);
    for (int y = 0; y < 240 && s == SAINT_OK; y++)
        for (int x = 0; x < 320; x++) {
            uint8_t *p = im->rgb + 3 * (y * 320 + x);
            int rgb[3] = {120 + y / 3, 165 + y / 4, 225};
            if (hypot(x - 250, y - 55) < 28) rgb[0] = 250, rgb[1] = 220, rgb[2] = 120;
            if (y > 130 + 25 * sin(x / 37.0)) rgb[0] = 70 + (x * 7 + y * 13) % 23, rgb[1] = 130 + (x * 5 + y * 11) % 31, rgb[2] = 60;
            if (y > 185) rgb[0] = 120 + (x * 3 + y) % 17, rgb[1] = 100, rgb[2] = 70;
            if (x > 70 && x < 150 && y > 110 && y < 195) rgb[0] = 190, rgb[1] = 90 + (y % 10 == 0) * 40, rgb[2] = 70;
            if (x > 60 && x < 160 && y > 75 && y < 110 && abs(x - 110) < (y - 70) * 5 / 4) rgb[0] = 90, rgb[1] = 50, rgb[2] = 45;
            if (x > 100 && x < 120 && y > 150 && y < 195) rgb[0] = 60, rgb[1] = 45, rgb[2] = 40;
            for (int c = 0; c < 3; c++) p[c] = (uint8_t)(rgb[c] < 0 ? 0 : rgb[c] > 255 ? 255 : rgb[c]);
        }
    return s;
}

/* How much goes on in a patch: what a similarity method keeps on the whole. */
static float busy(const saint_image *im, saint_view_rect r, int patch)
{
    double sum = 0, squares = 0, n = 0;
    double x0 = r.x0 + patch % SAMPLE_GRID * r.w / SAMPLE_GRID, y0 = r.y0 + patch / SAMPLE_GRID * r.h / SAMPLE_GRID;
    for (int v = 0; v < 6; v++)
        for (int u = 0; u < 6; u++) {
            int x = (int)(x0 + (u + 0.5) / 6 * r.w / SAMPLE_GRID), y = (int)(y0 + (v + 0.5) / 6 * r.h / SAMPLE_GRID);
            if (x < 0 || y < 0 || x >= im->w || y >= im->h) continue;
            const uint8_t *p = im->rgb + 3 * ((size_t)y * (size_t)im->w + (size_t)x);
            double light = (p[0] + 2 * p[1] + p[2]) / 4.0;
            sum += light, squares += light * light, n++;
        }
    return n > 0 ? (float)sqrt(fmax(0, squares / n - sum / n * (sum / n))) : 0;
}

typedef struct {
    float worth;
    int patch;
} ranked;

static int by_worth(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->worth != y->worth ? (x->worth > y->worth ? -1 : 1) : x->patch - y->patch;
}

saint_status sample_make(sample *s, saint_image *image, saint_error *err)
{
    *s = (sample){0};
    saint_status status = SAINT_OK;
    if (image && image->rgb) {
        s->image = *image;
        *image = (saint_image){0};
    } else status = draw_scene(&s->image, err);
    if (status != SAINT_OK) return status;
    double side = s->image.w > s->image.h ? s->image.w : s->image.h;
    s->rect = (saint_view_rect){(s->image.w - side) / 2, (s->image.h - side) / 2, side, side};
    ranked order[SAMPLE_PATCHES];
    uint32_t seed = 7;
    for (int i = 0; i < SAMPLE_PATCHES; i++) {
        seed = seed * 1664525u + 1013904223u;
        order[i] = (ranked){busy(&s->image, s->rect, i) + (float)(seed >> 24) / 24, i};
        s->score[i] = 0.95f - fminf(0.7f, order[i].worth / 60);
    }
    qsort(order, SAMPLE_PATCHES, sizeof *order, by_worth);
    /* ViT layer 19 leaves 375, then LLM layers 7 to 16 some each, down to 119. */
    for (int i = 0; i < SAMPLE_STEPS; i++) {
        int layer = i - SAMPLE_VIT;
        s->tokens[i] = i < 19 ? 576 : layer < 7 ? 375 : layer <= 16 ? 375 - (int)(256 * sqrt((layer - 6) / 10.0)) : 119;
    }
    for (int rank = 0; rank < SAMPLE_PATCHES; rank++) {
        int step = 0;
        while (step < SAMPLE_STEPS && rank < s->tokens[step]) step++;
        s->death[order[rank].patch] = (int16_t)(step < SAMPLE_STEPS ? step : -1);
    }
    sample_at(s, SAMPLE_VIT + 12);
    for (int i = 0; i < SAMPLE_PATCHES; i++) s->kept_b[i] = (uint8_t)(s->kept[i] ? (i * 7 + i / 5) % 5 != 0 : (i * 13 + i / 3) % 9 == 0);
    return SAINT_OK;
}

void sample_free(sample *s) { saint_image_free(&s->image); }

void sample_at(sample *s, int step)
{
    s->step = step;
    for (int i = 0; i < SAMPLE_PATCHES; i++) s->kept[i] = s->death[i] < 0 || s->death[i] > step;
}

/* ---- actions ---- */

const saint_ui_action sample_actions[] = {
    {1, "?", "Help", "help", "Everywhere", "All keys of this page, with a filter", NULL, 100},
    {2, ":", "Command", "command", "Everywhere", "Type a command; Tab completes, Up recalls", NULL, 90},
    {3, "Ctrl-P", "Palette", "palette", "Everywhere", "Find any action by a few letters", NULL, 60},
    {4, "Tab", "Focus", "focus.next", "Everywhere", "Go to the next pane", NULL, 70},
    {5, "u", "Undo", "undo", "Everywhere", "Take back the last change of a parameter", NULL, 55},
    {6, "Ctrl-R", "Redo", "redo", "Everywhere", "Bring it again", "nothing was undone", 20},
    {7, "T", "Theme", "theme", "Everywhere", "Change between dark, light and contrast", NULL, 5},
    {8, ",.", "Layer", "layer.step", "Layers", "One layer back or on", NULL, 85},
    {9, "<>", "Site", "layer.site", "Layers", "To the prune site before or behind", NULL, 50},
    {10, "{}", "Iteration", "layer.round", "Layers", "Inner iterations of the graph method", NULL, 15},
    {11, "Space", "Play", "layer.play", "Layers", "Run through all layers", NULL, 40},
    {12, "m", "Marks", "image.style", "Picture", "How dropped tokens look: dim, outline, heat, layer of death, difference", NULL, 65},
    {13, "z", "Zoom", "image.zoom", "Picture", "The picture over the whole screen", NULL, 45},
    {14, "p", "Paint", "image.paint", "Picture", "Paint tokens in and out by hand, then run the LLM from there", NULL, 35},
    {15, "Enter", "Why", "token.why", "Picture", "What happened to the token under the cursor", NULL, 58},
    {16, "Left Right", "Step", "field.step", "Parameters", "Change the parameter; with Shift in big steps", NULL, 80},
    {17, "Enter", "Type", "field.type", "Parameters", "Type a value: 376, 50%, +32, -10%", NULL, 30},
    {18, "r", "Reset", "field.reset", "Parameters", "Back to the default", NULL, 42},
    {19, "a", "Pin A", "pin.a", "Plans", "Keep this plan as A", NULL, 62},
    {20, "b", "Pin B", "pin.b", "Plans", "Keep this plan as B", NULL, 61},
    {21, "=", "Match", "pin.match", "Plans", "Tune B to the tokens or the time of A", "no plan is pinned as A", 12},
    {22, "S", "Sweep", "sweep.field", "Plans", "Sweep this parameter over its range", NULL, 44},
    {23, "e", "Export", "export", "Plans", "Figure, table or overlay into a file", NULL, 46},
    {24, "G", "gnuplot", "plot.preview", "Plans", "Preview the figure by gnuplot", "gnuplot is not installed", 8},
    {25, "q", "Quit", "quit", "Everywhere", "Leave; the session is kept", NULL, 95},
};
const int sample_n_actions = (int)(sizeof sample_actions / sizeof *sample_actions);

/* ---- panes ---- */

static void draw_image(saint_ui_pen p, sample *s, saint_ui_photo_style style, bool b, saint_error *err)
{
    static const int32_t linked[] = {250, 251, 274, 298, 300, 322};
    static const float strength[] = {0.9f, 0.7f, 0.95f, 0.8f, 0.6f, 0.75f};
    saint_ui_photo photo = {.image = &s->image,
                            .rect = s->rect,
                            .grid_w = SAMPLE_GRID,
                            .grid_h = SAMPLE_GRID,
                            .kept = b ? s->kept_b : s->kept,
                            .kept_b = s->kept_b,
                            .value = s->score,
                            .death = s->death,
                            .steps = SAMPLE_STEPS,
                            .style = style,
                            .cursor = b ? -1 : 275,
                            .n_linked = style == SAINT_UI_PHOTO_DIM && !b ? 6 : 0,
                            .linked = linked,
                            .strength = strength};
    saint_ui_photo_draw(p, &photo, NULL, NULL, err);
}

static const char *const modes[] = {"none", "vit", "llm", "hybrid"};
static const char *const methods[] = {"None", "saint_drop", "iterative_drop_full_graph", "random", "grid", "tome", "evit", "fastv"};

static void draw_params(saint_ui_pen p, bool focus)
{
    static const saint_ui_field_spec spec[] = {
        {.name = "mode", .type = SAINT_UI_FIELD_CHOICE, .choice = modes, .n_choices = 4, .doc = "where tokens are pruned"},
        {.name = "prune_mode[19]", .type = SAINT_UI_FIELD_CHOICE, .choice = methods, .n_choices = 8},
        {.name = "keep_num", .unit = "rows", .type = SAINT_UI_FIELD_INT, .min = 1, .max = 577, .def = 376},
        {.name = "r", .type = SAINT_UI_FIELD_INT, .min = 1, .max = 64, .def = 16},
        {.name = "use_saint", .type = SAINT_UI_FIELD_BOOL, .def = 1},
        {.name = "saint_start", .unit = "layer", .type = SAINT_UI_FIELD_INT, .min = 0, .max = 31, .def = 7},
        {.name = "saint_end", .unit = "layer", .type = SAINT_UI_FIELD_INT, .min = 0, .max = 31, .def = 16},
        {.name = "saint_threshold", .unit = "cosine", .type = SAINT_UI_FIELD_FLOAT, .min = 0, .max = 1, .def = 0.75},
        {.name = "saint_image_token_length",
         .unit = "rows",
         .type = SAINT_UI_FIELD_INT,
         .min = -1,
         .max = 577,
         .def = -1,
         .unset = "derived",
         .locked = "derived from keep_num"},
    };
    static const double value[] = {3, 2, 376, 16, 1, 7, 16, 0.83, 375}, other[] = {NAN, NAN, 513, 16, NAN, 7, 24, 0.75, NAN};
    enum { FIELDS = sizeof spec / sizeof *spec };
    saint_ui_field f[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        f[i] = (saint_ui_field){.value = value[i], .other = other[i], .state = i == 7 ? SAINT_UI_FIELD_PENDING : SAINT_UI_FIELD_SHOWN};
    saint_ui_fields_draw(p, spec, f, FIELDS, focus ? 2 : -1, NULL, true, 0);
}

static void draw_facts(saint_ui_pen p)
{
    static const saint_ui_fact fact[] = {
        {"vision tokens", "576", "177", "-69.3 %", SAINT_UI_GOOD},
        {"prefill", "41.2 ms", "27.9 ms", "\u00d71.48 \u00b10.03", SAINT_UI_GOOD},
        {"decode", "22.4 tok/s", "23.0 tok/s", "\u00d71.03 \u00b10.01", SAINT_UI_TEXT},
        {"selection", "-", "0.21 ms", "0.8 % of the gain", SAINT_UI_TEXT},
        {"KV cache", "302.0 MiB", "108.9 MiB", "\u00d70.36", SAINT_UI_GOOD},
        {"FLOPs", "4.18T", "2.71T", "\u00d70.65 predicted", SAINT_UI_PREDICTED},
        {"first token KL", "-", "0.0031", "same answer", SAINT_UI_GOOD},
        {"answer", NULL, "Yes, there is a brown dog lying on the wooden bench in front of the house.", NULL, SAINT_UI_STRONG},
    };
    saint_ui_facts_draw(p, fact, 8, 0, "A full", "B now", "change, n = 20");
}

static void draw_token(saint_ui_pen p)
{
    static const saint_ui_fact fact[] = {
        {"patch (11, 11)", NULL, "#275 \u00b7 dropped after LLM layer 9 by saint_drop", NULL, SAINT_UI_STRONG},
        {"rank", NULL, "312 of 375, score 41.8; the last one kept had 39.6", NULL, SAINT_UI_TEXT},
        {"neighbours", NULL, "6 tokens at or above 0.83, the nearest #274 at 0.95", NULL, SAINT_UI_TEXT},
        {"would stay", NULL, "with saint_threshold \u2265 0.871, or K \u2265 7", NULL, SAINT_UI_GOOD},
    };
    saint_ui_facts_draw(p, fact, 4, 0, NULL, NULL, NULL);
}

static double runs_x[SAMPLE_RUNS], runs_y[SAMPLE_RUNS], runs_low[SAMPLE_RUNS], runs_high[SAMPLE_RUNS], runs_acc[SAMPLE_RUNS];

static void make_runs(void)
{
    for (int i = 0; i < SAMPLE_RUNS; i++) {
        double keep = 64 + 512.0 * i / (SAMPLE_RUNS - 1);
        runs_x[i] = keep;
        runs_y[i] = 31 - 11 * pow((keep - 64) / 513, 0.7) + 0.25 * sin(i * 2.1);
        runs_low[i] = runs_y[i] - 0.5;
        runs_high[i] = runs_y[i] + 0.5;
        runs_acc[i] = 62.4 - 21 * exp(-(keep - 40) / 75) + 0.3 * sin(i * 1.3);
    }
}

static void draw_chart(saint_ui_pen p, int which, bool cursor)
{
    make_runs();
    static double layer[SAMPLE_STEPS], cosine[SAMPLE_STEPS], share[SAMPLE_STEPS];
    for (int i = 0; i < SAMPLE_STEPS; i++) {
        double t = i < SAMPLE_VIT ? i / 22.0 : (i - SAMPLE_VIT) / 31.0;
        layer[i] = i < SAMPLE_VIT ? i : i - SAMPLE_VIT;
        cosine[i] = i < SAMPLE_VIT ? 0.25 + 0.45 * exp(-pow((t - 0.45) / 0.22, 2)) - 0.1 * t : 0.35 + 0.4 * t - 0.2 * t * t * t;
        share[i] = pow(cosine[i], 3) * 1.4;
    }
    saint_ui_series series[3] = {0};
    saint_ui_plot plot = {.series = series, .guides = true, .cursor = NAN, .mark = NAN};
    if (which == 0) { /* both against the parameter */
        series[0] =
            (saint_ui_series){.name = "tok/s", .n = SAMPLE_RUNS, .x = runs_x, .y = runs_y, .line = true, .points = true, .color = 0};
        series[1] = (saint_ui_series){
            .name = "accuracy %", .n = SAMPLE_RUNS, .x = runs_x, .y = runs_acc, .line = true, .points = true, .color = 1, .axis = 1};
        plot.n_series = 2;
        plot.x = (saint_ui_axis){.label = "keep_num", .unit = "rows"};
        plot.cursor = cursor ? runs_x[24] : NAN;
        plot.mark = 376;
    } else if (which == 1) { /* against each other */
        series[0] = (saint_ui_series){.name = "runs", .n = SAMPLE_RUNS, .x = runs_y, .y = runs_acc, .points = true, .color = 0};
        series[1] =
            (saint_ui_series){.name = "Pareto", .n = 12, .x = runs_y + 8, .y = runs_acc + 8, .line = true, .steps = true, .color = 2};
        plot.n_series = 2;
        plot.x = (saint_ui_axis){.label = "tok/s"};
    } else {
        int from = which == 2 ? 0 : SAMPLE_VIT, n = which == 2 ? SAMPLE_VIT : SAMPLE_LLM;
        series[0] = (saint_ui_series){.name = "mean cosine", .n = n, .x = layer + from, .y = cosine + from, .line = true, .color = 0};
        series[1] =
            (saint_ui_series){.name = "pairs above threshold", .n = n, .x = layer + from, .y = share + from, .line = true, .color = 1};
        plot.n_series = 2;
        plot.x = (saint_ui_axis){.label = which == 2 ? "ViT layer" : "LLM layer"};
        plot.y[0] = (saint_ui_axis){.low = 0, .high = 1};
    }
    saint_ui_plot_draw(p, &plot, NULL);
}

static const saint_ui_bar_row stages[] = {
    {"decode image", 3.9, 3.7, 4.1, NAN, 3.9},  {"preprocess", 2.1, 2.0, 2.2, NAN, 2.1}, {"encoder", 61.3, 60.2, 62.9, 60.1, 74.8},
    {"selection", 0.21, 0.20, 0.23, 0.18, NAN}, {"projector", 1.4, 1.3, 1.5, 1.3, 2.2},  {"prefill", 27.9, 27.5, 28.4, 26.8, 41.2},
    {"decode", NAN, NAN, NAN, 43.5, 44.6},
};

static void draw_speed(saint_ui_pen p, saint_ui_pane_id id)
{
    static const double full[] = {3.9, 2.1, 74.8, 0, 2.2, 41.2}, now[] = {3.9, 2.1, 61.3, 0.21, 1.4, 27.9},
                        random[] = {3.9, 2.1, 61.2, 0.02, 1.4, 27.8};
    static const saint_ui_stack stack[] = {{"A full", full}, {"B now", now}, {"random", random}};
    static const char *const part[] = {"decode image", "preprocess", "encoder", "selection", "projector", "prefill"};
    if (id == SAINT_UI_PANE_BARS)
        saint_ui_bars_draw(p, &(saint_ui_bars){.row = stages, .n = 7, .unit = "ms", .decimals = 2, .legend = true});
    else if (id == SAINT_UI_PANE_STACKS) saint_ui_stacks_draw(p, stack, 3, part, 6, "ms", 1);
    else
        saint_ui_paragraph(p, 1, 0, p.area.w - 2, p.area.h, 0, SAINT_UI_TEXT,
                           "Selection costs 0.21 ms and saves 26.8 ms: it pays from 1.3 dropped tokens on.\n"
                           "The encoder gains 1.22\u00d7 of a predicted 1.24\u00d7.\n"
                           "Decode is bound by memory: 93 % of its bytes are weights, which pruning does not touch.\n"
                           "Random dropping at the same budget is as fast and answers 3 of 20 pictures differently.");
}

static void run_cell(void *ud, int row, int column, char *out, size_t size, saint_ui_role *role)
{
    (void)ud;
    static const char *const state[] = {"done", "done", "done", "running 61/100", "failed: OOM", "queued"};
    int kind = row < 24 ? row % 3 : row == 24 ? 3 : row == 30 ? 4 : 5;
    char number[40];
    bool known = kind < 3;
    if (column == 0) snprintf(out, size, "%d", row + 1);
    else if (column == 1) snprintf(out, size, "%d", (int)runs_x[row]);
    else if (column == 2) snprintf(out, size, "%.2f", 0.75 + row % 5 * 0.05);
    else if (column == 7) {
        snprintf(out, size, "%s", state[kind]);
        *role = kind == 3 ? SAINT_UI_ACCENT : kind == 4 ? SAINT_UI_BAD : kind == 5 ? SAINT_UI_MUTED : SAINT_UI_GOOD;
    } else {
        double v = column == 3 ? runs_x[row] * 0.31 : column == 4 ? 20 + runs_x[row] / 30 : column == 5 ? runs_y[row] : runs_acc[row];
        snprintf(out, size, "%s", saint_ui_fixed(number, sizeof number, known ? v : NAN, column == 3 ? 0 : 1));
        if (!known) *role = SAINT_UI_MUTED;
    }
}

static void draw_runs(saint_ui_pen p, bool focus)
{
    static const saint_ui_column column[] = {{"run", 4, true, false},   {"keep_num", 8, true, false},  {"saint_threshold", 6, true, false},
                                             {"tokens", 6, true, true}, {"prefill ms", 6, true, true}, {"tok/s", 6, true, true},
                                             {"acc %", 6, true, true},  {"state", 16, false, true}};
    make_runs();
    saint_ui_table table = {.n_rows = SAMPLE_RUNS, .n_columns = 8, .column = column, .cell = run_cell};
    saint_ui_table_state state = {.at = 11, .sort = 5, .descending = true};
    saint_ui_table_draw(p, &table, &state, focus, 0);
}

void sample_cell(void *ud, int row, int column, char *out, size_t size, saint_ui_role *role)
{
    (void)role;
    snprintf(out, size, "%d", column ? ((const int *)ud)[row] : row);
}

int sample_compare(void *ud, int a, int b, int column, bool descending)
{
    const int *v = ud;
    int c = column ? (v[a] > v[b]) - (v[a] < v[b]) : (a > b) - (a < b);
    return descending ? -c : c;
}

static const saint_ui_progress progress = {.name = "sweep #2", .done = 40, .total = 85, .failed = 1, .seconds = 171};

void sample_pane(saint_ui_pen p, sample *s, saint_ui_page page, saint_ui_pane_id id, saint_ui_photo_style style, bool focus,
                 saint_error *err)
{
    static const char *const styles[] = {"dropped dim", "outline", "heat: saint_drop score", "layer of death", "A and B"};
    char note[64];
    snprintf(note, sizeof note, "LLM 12 \u00b7 %d/576 kept \u00b7 %d %%", s->tokens[s->step], s->tokens[s->step] * 100 / 576);
    saint_ui_pane pane = {.title = saint_ui_pane_title(id), .focus = focus};
    switch (id) {
    case SAINT_UI_PANE_IMAGE: pane.detail = styles[style], pane.note = note; break;
    case SAINT_UI_PANE_PARAMS: pane.detail = "hybrid", pane.note = "live \u25cf  undo 7"; break;
    case SAINT_UI_PANE_FACTS: pane.detail = "measured, CPU f32, 2 threads"; break;
    case SAINT_UI_PANE_CHART: pane.note = page == SAINT_UI_PAGE_CHARTS ? "keep_num 379   tok/s 24.1   accuracy 62.1" : NULL; break;
    case SAINT_UI_PANE_RUNS: pane.detail = "filter: acc>=58", pane.note = "row 12/40"; break;
    default: break;
    }
    if (page == SAINT_UI_PAGE_COMPARE && id == SAINT_UI_PANE_IMAGE) pane.title = "A", pane.detail = "full", pane.note = "576";
    if (page == SAINT_UI_PAGE_COMPARE && id == SAINT_UI_PANE_IMAGE_B)
        pane.title = "B", pane.detail = "keep_num 376, saint_threshold 0.83", pane.note = "177";
    saint_ui_pen in = saint_ui_pane_draw(p, &pane);
    switch (id) {
    case SAINT_UI_PANE_IMAGE: draw_image(in, s, style, false, err); break;
    case SAINT_UI_PANE_IMAGE_B: draw_image(in, s, style, true, err); break;
    case SAINT_UI_PANE_PARAMS: draw_params(in, focus); break;
    case SAINT_UI_PANE_FACTS: draw_facts(in); break;
    case SAINT_UI_PANE_TOKEN: draw_token(in); break;
    case SAINT_UI_PANE_CHART: draw_chart(in, page == SAINT_UI_PAGE_LAYERS ? 2 : 0, page == SAINT_UI_PAGE_CHARTS); break;
    case SAINT_UI_PANE_CHART_B: draw_chart(in, page == SAINT_UI_PAGE_LAYERS ? 3 : 1, false); break;
    case SAINT_UI_PANE_RUNS: draw_runs(in, focus); break;
    case SAINT_UI_PANE_PROGRESS: saint_ui_progress_draw(saint_ui_pen_part(in, 1, 0, in.area.w - 2, 1), &progress); break;
    case SAINT_UI_PANE_LOG:
        saint_ui_paragraph(in, 1, 0, in.area.w - 2, in.area.h, 0, SAINT_UI_TEXT,
                           "12:04:31 model loaded in 0.8 s\n12:04:33 first answer in 131 ms");
        break;
    default: draw_speed(in, id); break;
    }
}

static void draw_strip(saint_ui_pen p, const sample *s, bool focus)
{
    saint_ui_strip_layer layer[SAMPLE_STEPS];
    for (int i = 0; i < SAMPLE_STEPS; i++) {
        bool vit = i < SAMPLE_VIT;
        int at = vit ? i : i - SAMPLE_VIT;
        layer[i] = (saint_ui_strip_layer){.stage = vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM,
                                          .layer = at,
                                          .tokens = s->tokens[i],
                                          .site = vit ? at == 19 : at >= 7 && at <= 16,
                                          .reused = vit && at < 19};
        layer[i].name = vit && at == 19 ? "iterative_drop_full_graph" : layer[i].site ? "saint_drop" : "no pruning";
    }
    saint_ui_strip_draw(
        p,
        &(saint_ui_strip){
            .layer = layer, .n = SAMPLE_STEPS, .cursor = s->step, .rounds = s->step == 19 ? 12 : 0, .round = -1, .focus = focus},
        0);
}

saint_status sample_page(saint_ui_pen p, sample *s, saint_ui_page page, saint_ui_photo_style style, sample_overlay overlay,
                         saint_ui_pane_id focus, saint_error *err)
{
    static const char *const part[] = {"llava-1.5-7b", "mme/0003 dog.jpg 3/120", "Is there a dog in the image?"};
    const char *tab[SAINT_UI_PAGE_COUNT];
    saint_ui_layout l;
    saint_ui_layout_make(
        &l, page, p.area.w > 0 ? p.area.w : 1, p.area.h > 0 ? p.area.h : 1,
        &(saint_ui_layout_wish){
            .grid_w = SAMPLE_GRID, .grid_h = SAMPLE_GRID, .fields = 9, .facts = page == SAINT_UI_PAGE_COMPARE ? 10 : 9, .focus = focus});
    for (int i = 0; i < SAINT_UI_PAGE_COUNT; i++) tab[i] = saint_ui_page_title(i);
    for (int i = 0; i < l.n; i++) {
        saint_ui_pane_id id = l.pane[i].id;
        saint_ui_pen at = saint_ui_pen_part(p, l.pane[i].rect.x, l.pane[i].rect.y, l.pane[i].rect.w, l.pane[i].rect.h);
        if (id == SAINT_UI_PANE_HEADER)
            saint_ui_header_draw(
                at,
                &(saint_ui_header){
                    .brand = "SAINT", .part = part, .n_parts = 3, .tab = tab, .n_tabs = SAINT_UI_PAGE_COUNT, .active = (int)page},
                0);
        else if (id == SAINT_UI_PANE_FOOTER) saint_ui_footer_draw(at, sample_actions, sample_n_actions, 0);
        else if (id == SAINT_UI_PANE_MESSAGE)
            saint_ui_message_draw(
                at, &(saint_ui_message){.say = {SAINT_UI_SAY_GOOD, "mask in 1.9 ms, answer in 131 ms (keep_num 384 \u2192 376)"}, .progress = &progress});
        else if (id == SAINT_UI_PANE_STRIP) draw_strip(at, s, focus == id);
        else if (id == SAINT_UI_PANE_NOTICE) saint_ui_too_small(at, SAINT_UI_LEAST_W, SAINT_UI_LEAST_H);
        else sample_pane(at, s, page, id, style, focus == id, err);
    }
    if (overlay == SAMPLE_HELP) {
        saint_ui_pen in =
            saint_ui_overlay(p, 116, saint_ui_help_height(sample_actions, sample_n_actions, NULL, 114) + 2, "help", "/ filter   Esc close");
        saint_ui_help_draw(in, sample_actions, sample_n_actions, NULL, 0, 0);
    } else if (overlay == SAMPLE_PALETTE) {
        int match[40];
        saint_ui_line line;
        saint_ui_line_set(&line, "sw");
        int n = saint_ui_palette_match(sample_actions, sample_n_actions, line.text, match, 40);
        saint_ui_pen in = saint_ui_overlay(p, 84, 16, "palette", "Enter runs   Esc close");
        saint_ui_palette_draw(in, sample_actions, match, n, &line, 1, 0);
    }
    return SAINT_OK;
}
