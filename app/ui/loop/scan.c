/* Which samples are answered otherwise than by the unpruned model: found by running both on one sample after the other while nobody else
 * wants the worker. What the user looks at counts too. The runs are cold, so that they do not push the checkpoints of the picture on the
 * screen out of the cache. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/panes.h"

struct ui_scan {
    size_t n;            /* samples of the data set */
    char **base, **now;  /* [n] answers; NULL = not known */
    saint_settings plan; /* that `now` belongs to */
    bool active;
    size_t at, end, first; /* samples [first, end) */
    double since;
    uint64_t ticket;      /* of the picture under way, 0 = none */
    ui_picture *picture;
    float *pixels;        /* of sample `at` */
    char *prompt;
    bool runs_base;       /* what the run in flight is */
};

static void forget(char **list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        free(list[i]);
        list[i] = NULL;
    }
}

static void drop_picture(ui_scan *s)
{
    ui_picture_unref(s->picture);
    free(s->pixels);
    free(s->prompt);
    s->picture = NULL;
    s->pixels = NULL;
    s->prompt = NULL;
    s->ticket = 0;
}

static void reset(ui_scan *s, size_t n)
{
    forget(s->base, s->n);
    forget(s->now, s->n);
    free(s->base);
    free(s->now);
    drop_picture(s);
    s->base = n ? calloc(n, sizeof *s->base) : NULL;
    s->now = n ? calloc(n, sizeof *s->now) : NULL;
    s->n = s->base && s->now ? n : 0;
    s->active = false;
}

static saint_status open_scan(ui *u, saint_error *err)
{
    u->core->scan = calloc(1, sizeof *u->core->scan);
    return u->core->scan ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory to begin with");
}

static void close_scan(ui *u)
{
    if (u->core->scan) reset(u->core->scan, 0);
    free(u->core->scan);
    u->core->scan = NULL;
}

void ui_scan_data(ui *u) { reset(u->core->scan, u->subject.data ? saint_dataset_count(u->subject.data) : 0); }

/* ---- answers ---- */

/* What a run said: text, or the best class. */
static char *answer_of(const saint_trace *t)
{
    const saint_trace_image *im = &t->image[0];
    char number[24];
    if (im->answer) return strdup(im->answer);
    int best = 0;
    for (int i = 1; i < im->n_logits; i++)
        if (im->logits[i] > im->logits[best]) best = i;
    snprintf(number, sizeof number, "%d", best);
    return strdup(number);
}

ui_scan_state ui_scan_of(const ui *u, size_t sample)
{
    const ui_scan *s = u->core->scan;
    if (sample >= s->n || !s->base[sample] || !s->now[sample]) return UI_SCAN_UNKNOWN;
    return strcmp(s->base[sample], s->now[sample]) ? UI_SCAN_CHANGED : UI_SCAN_SAME;
}

static void note(ui *u, size_t sample, bool base, const saint_trace *t)
{
    ui_scan *s = u->core->scan;
    if (sample >= s->n) return;
    char **to = base ? &s->base[sample] : &s->now[sample];
    bool was = ui_scan_of(u, sample) == UI_SCAN_CHANGED;
    free(*to);
    *to = answer_of(t);
    if (!was && ui_scan_of(u, sample) == UI_SCAN_CHANGED) ui_filter_found(u, sample);
}

static void same_plan(ui *u)
{
    ui_scan *s = u->core->scan;
    if (!memcmp(&s->plan, &u->plan[UI_NOW].settings, sizeof s->plan)) return;
    forget(s->now, s->n);
    memcpy(&s->plan, &u->plan[UI_NOW].settings, sizeof s->plan);
}

static void arrived(ui *u, int slot)
{
    size_t sample;
    if ((slot != UI_NOW && slot != UI_BASE) || ui_stale(u, slot) || !ui_subject_sample(u, &sample)) return;
    same_plan(u);
    note(u, sample, slot == UI_BASE, u->plan[slot].trace);
}

/* ---- the walk ---- */

static void stop(ui *u, const char *why)
{
    ui_scan *s = u->core->scan;
    if (!s->active) return;
    s->active = false;
    drop_picture(s);
    size_t changed = 0, known = 0;
    for (size_t i = 0; i < s->n; i++) {
        ui_scan_state state = ui_scan_of(u, i);
        known += state != UI_SCAN_UNKNOWN;
        changed += state == UI_SCAN_CHANGED;
    }
    ui_say(u, why ? SAINT_UI_SAY_WARN : SAINT_UI_SAY_GOOD, "%zu of %zu samples are answered otherwise than unpruned%s%s", changed, known,
           why ? "; stopped: " : "", why ? why : "");
}

/* The next sample of which something is missing; its picture is asked for. */
static void go_on(ui *u)
{
    ui_scan *s = u->core->scan;
    drop_picture(s);
    while (s->at < s->end && s->base[s->at] && s->now[s->at]) s->at++;
    if (s->at >= s->end) stop(u, NULL);
    else s->ticket = ui_loader_ahead(u->loader, ui_subject_data(u), s->at, u->model);
}

void ui_scan_loaded(ui *u, ui_loaded *l)
{
    ui_scan *s = u->core->scan;
    saint_error e = {0};
    if (!s->active || l->ticket != s->ticket) return;
    bool ok = l->error.code == SAINT_OK && l->pixels;
    if (ok && saint_dataset_prompt(u->subject.data, s->at, &s->prompt, &e) != SAINT_OK) ok = false;
    if (!ok) {
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, l->error.text[0] ? l->error.text : e.text[0] ? e.text : "a picture could not be prepared");
        s->at++;
        go_on(u);
        return;
    }
    s->picture = l->picture;
    s->pixels = l->pixels;
    l->picture = NULL;
    l->pixels = NULL;
    if (s->prompt && !*s->prompt && u->subject.question) { /* a folder of pictures: what is asked about this one */
        free(s->prompt);
        s->prompt = strdup(u->subject.question);
    }
}

static bool want(ui *u, saint_request *out)
{
    ui_scan *s = u->core->scan;
    if (!s->active || !s->pixels || !u->info) return false;
    const saint_dataset_info *d = saint_dataset_get_info(u->subject.data);
    s->runs_base = !s->base[s->at];
    *out = (saint_request){.pixels = s->pixels, .n_images = 1, .prompt = u->info->llm_layers ? s->prompt : NULL,
                           .settings = u->plan[s->runs_base ? UI_BASE : UI_NOW].settings, .cold = true};
    out->max_new_tokens = ui_answer_tokens(u->info, d);
    return true;
}

static void ran(ui *u, saint_trace *t, const saint_error *why)
{
    ui_scan *s = u->core->scan;
    if (!s->active) return;
    if (!t && why->code == SAINT_CANCELLED) return; /* the same again */
    if (t) note(u, s->at, s->runs_base, t);
    else {
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, why->text);
        s->at++;
    }
    if (!t || (s->base[s->at] && s->now[s->at])) go_on(u);
}

static void changed(ui *u)
{
    ui_scan *s = u->core->scan;
    if (!memcmp(&s->plan, &u->plan[UI_NOW].settings, sizeof s->plan)) return;
    stop(u, "the plan changed");
    same_plan(u);
    ui_filter_stale(u);
}

static void model(ui *u)
{
    stop(u, "another model");
    ui_scan_data(u);
}

static bool busy(const ui *u) { return u->core->scan->active; }

static bool progress(ui *u, saint_ui_progress *out)
{
    const ui_scan *s = u->core->scan;
    if (!s->active) return false;
    *out = (saint_ui_progress){.name = "scan", .done = (int64_t)(s->at - s->first), .total = (int64_t)(s->end - s->first), .seconds = ui_now(u) - s->since};
    return true;
}

void ui_do_scan(ui *u, const char *argument)
{
    ui_scan *s = u->core->scan;
    char *end;
    long most = strtol(argument, &end, 10);
    if (!strcmp(argument, "stop") || (!*argument && s->active)) {
        if (s->active) stop(u, "as asked");
        else ui_say(u, SAINT_UI_SAY_INFO, "no scan is under way");
        return;
    }
    if (*argument && (*end || most < 1)) {
        ui_say(u, SAINT_UI_SAY_BAD, "scan %s: expected how many samples, or stop", argument);
        return;
    }
    if (!s->n) ui_scan_data(u);
    if (!s->n) {
        ui_say(u, SAINT_UI_SAY_BAD, "scan: no memory for the answers");
        return;
    }
    stop(u, "begun again");
    same_plan(u);
    s->first = s->at = 0;
    s->end = *argument && (size_t)most < s->n ? (size_t)most : s->n;
    s->active = true;
    s->since = ui_now(u);
    go_on(u);
}

const ui_module ui_module_scan = {.name = "scan", .open = open_scan, .close = close_scan, .model = model, .changed = changed, .arrived = arrived,
                                  .want = want, .ran = ran, .busy = busy, .progress = progress};
