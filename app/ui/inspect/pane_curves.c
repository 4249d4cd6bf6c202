/* pane_curves.c - where there is room: the scores of the site under the cursor in the order of dropping, with the cut; and the tokens of every
 * layer beside those of the unpruned model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ui/inspect/inspect.h"
#include "ui/panes.h"
#include "views/plot.h"

static saint_ui_pen frame(ui *u, saint_ui_pen pen, saint_ui_pane_id id, const char *title, const char *detail, const char *note)
{
    return saint_ui_pane_draw(pen, &(saint_ui_pane){.title = title, .detail = detail, .note = note, .focus = u->focus == id});
}

static void draw_tokens_as(ui *u, saint_ui_pen pen, saint_ui_pane_id id)
{
    int n = u->cursor.n, other = u->plan[UI_A].set && u->plan[UI_A].trace ? UI_A : UI_BASE;
    saint_ui_pen in = frame(u, pen, id, "tokens behind every layer", ui_stale(u, UI_NOW) ? "predicted" : "counted", NULL);
    saint_ui_strip_layer *strip = n > 0 ? calloc(2 * (size_t)n, sizeof *strip) : NULL;
    double *x = n > 0 ? malloc(3 * (size_t)n * sizeof *x) : NULL;
    if (strip && x) {
        double *now = x + n, *base = x + 2 * n;
        ui_strip_layers(u, UI_NOW, strip);
        ui_strip_layers(u, other, strip + n);
        for (int c = 0; c < n; c++) {
            x[c] = c;
            now[c] = strip[c].tokens >= 0 ? (double)strip[c].tokens : NAN;
            base[c] = strip[n + c].tokens >= 0 && u->plan[other].trace ? (double)strip[n + c].tokens : NAN;
        }
        saint_ui_series series[] = {{.name = "now", .n = n, .x = x, .y = now, .line = true, .steps = true, .color = 0},
                                    {.name = other == UI_A ? "A" : "unpruned", .n = n, .x = x, .y = base, .line = true, .steps = true, .color = 1}};
        saint_ui_plot_draw(in, &(saint_ui_plot){.x = {.label = "layers, ViT then LLM"},
                                                .y = {{.low = 0, .high = u->info ? u->info->grid_w * u->info->grid_h : 1}},
                                                .series = series,
                                                .n_series = 2,
                                                .cursor = NAN,
                                                .mark = u->cursor.at},
                           NULL);
    }
    free(strip);
    free(x);
}

/* false: nothing was ranked here. */
static bool draw_ranked(ui *u, saint_ui_pen pen, const saint_trace_site *s)
{
    int32_t *order = malloc(((size_t)s->n_in + 1) * sizeof *order);
    double *x = malloc(3 * ((size_t)s->n_in + 1) * sizeof *x);
    int n = order && x ? ui_drop_order(s, order) : 0, gone = 0;
    double at = NAN;
    char name[24], detail[64], note[64];
    if (n > 1) {
        double *dropped = x + n, *kept = x + 2 * n;
        for (int i = 0; i < n; i++) {
            bool goes = s->round[order[i]] >= 0;
            gone += goes;
            x[i] = i + 1;
            dropped[i] = goes ? (double)s->score[order[i]] : NAN;
            kept[i] = goes ? NAN : (double)s->score[order[i]];
            if (s->in[order[i]] == u->patch) at = i + 1;
        }
        ui_known known = ui_mask_known(u, UI_NOW, u->cursor.at);
        snprintf(detail, sizeof detail, "%s, %s%s", s->method->name, ui_layer_name(u, u->cursor.at, name, sizeof name), known == UI_KNOWN_RUN ? "" : known == UI_KNOWN_PREVIEW ? ", predicted" : ", stale");
        snprintf(note, sizeof note, "%d of %d ranked go", gone, n);
        saint_ui_pen in = frame(u, pen, SAINT_UI_PANE_CHART, "scores in the order of dropping", detail, note);
        saint_ui_series series[] = {{.name = "dropped", .n = n, .x = x, .y = dropped, .line = true, .color = 3},
                                    {.name = "kept", .n = n, .x = x, .y = kept, .line = true, .color = 0}};
        saint_ui_plot_draw(in, &(saint_ui_plot){.x = {.label = "rank", .low = 1, .high = n}, .series = series, .n_series = 2, .cursor = at, .mark = gone ? gone + 0.5 : NAN}, NULL);
    }
    free(order);
    free(x);
    return n > 1;
}

static void draw_scores(ui *u, saint_ui_pen pen)
{
    const saint_trace_site *s = ui_site(u, UI_NOW, u->cursor.at);
    if (!s || !draw_ranked(u, pen, s)) draw_tokens_as(u, pen, SAINT_UI_PANE_CHART);
}

static void draw_tokens(ui *u, saint_ui_pen pen) { draw_tokens_as(u, pen, SAINT_UI_PANE_CHART_B); }

const ui_pane ui_pane_scores = {.draw = draw_scores}, ui_pane_tokens = {.draw = draw_tokens};
