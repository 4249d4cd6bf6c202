/* measuring.c - the speed page's repeated runs: the live plan, the unpruned model, random dropping and A in turns, each from nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/extra.h"

enum { WARM = 1, ROUNDS = 24, TOKENS = 8 }; /* rounds that do not count, rounds at most, answer tokens of every run */
static const double enough = 0.015;         /* half the interval over the median */

static saint_status open_speed(ui *u, saint_error *err)
{
    u->speed = calloc(1, sizeof *u->speed);
    return u->speed ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for the speed page");
}

static void close_speed(ui *u)
{
    free(u->speed);
    u->speed = NULL;
}

int ui_speed_measured(const ui *u, int slot)
{
    const ui_speed *s = u->speed;
    for (int i = 0; i < s->n && s->runs.n > 0; i++)
        if (s->slot[i] == slot && s->version[i] == u->plan[slot].version) return i;
    return -1;
}

void ui_speed_of(const ui *u, int slot, speed_plan *out)
{
    int i = ui_speed_measured(u, slot);
    if (!u->info) speed_plan_of_trace(NULL, NULL, out);
    else if (i >= 0)
        speed_plan_of_runs(u->info, u->plan[slot].trace, &u->speed->runs, i, u->speed->tokens > 0 ? u->speed->tokens - 1 : 0, out);
    else speed_plan_of_trace(u->info, u->plan[slot].trace, out);
    out->company = i >= 0 ? u->speed->company : u->plan[slot].company;
}

/* ---- a measurement ------------------------------------------------------------------------------------------------ */

static void stop(ui *u, const char *why)
{
    ui_speed *s = u->speed;
    if (!s->active) return;
    s->active = false;
    if (s->runs.n > 0) ui_say(u, SAINT_UI_SAY_WARN, "measuring stopped after %d rounds: %s", s->runs.n, why);
    else ui_say(u, SAINT_UI_SAY_WARN, "measuring stopped: %s", why);
}

static bool failed(const ui *u, int slot) { return u->plan[slot].error.code != SAINT_OK && !u->plan[slot].trace; }

/* The slots are settled: which are there, and that they are what is measured. The live plan and the unpruned model have to be. */
static bool begin(ui *u)
{
    ui_speed *s = u->speed;
    static const int order[MEASURE_PLANS] = {UI_NOW, UI_BASE, UI_RANDOM, UI_A};
    s->n = 0;
    for (int i = 0; i < MEASURE_PLANS; i++) {
        const ui_plan *p = &u->plan[order[i]];
        bool there = !failed(u, order[i]) && !ui_stale(u, order[i]);
        if (!there && i < 2) {
            stop(u, i == 0 ? "the plan does not run" : "the unpruned model does not run");
            return false;
        }
        if (!there || (i >= 2 && !p->set)) continue;
        s->slot[s->n] = order[i];
        s->version[s->n++] = p->version;
    }
    measure_begin(&s->runs, s->n, WARM, ROUNDS, enough);
    s->tokens = u->info->llm_layers ? TOKENS : 0;
    s->company = DEVICE_ALONE;
    s->began = true;
    s->since = ui_now(u);
    return true;
}

/* What runs: the picture as it is, so that reading it is measured too; a fixed number of answer tokens, because pruning changes the length
 * of answers; no checkpoints. */
static bool want(ui *u, saint_request *out)
{
    ui_speed *s = u->speed;
    if (!s->active || (!s->began && !begin(u))) return false;
    int at = measure_next(&s->runs);
    if (at < 0) return false;
    if (!ui_request(u, s->slot[at], out)) return false;
    if (out->n_images) out->images = &u->subject.image;
    out->pixels = NULL;
    out->has_picture_key = false;
    out->max_new_tokens = s->tokens;
    out->ignore_eos = out->cold = true;
    out->want_stats = false;
    return true;
}

static void ran(ui *u, saint_trace *t, const saint_error *why)
{
    ui_speed *s = u->speed;
    if (!s->active) return;
    if (!t) {
        if (why->code != SAINT_CANCELLED) stop(u, why->text); /* a slot went first: the same run comes again */
        return;
    }
    if (s->runs.round >= WARM) s->company = device_company_both(s->company, u->ran_company);
    measure_add(&s->runs, &t->seconds);
    if (measure_next(&s->runs) >= 0) return;
    s->active = false;
    const char *what = u->info->llm_layers ? "first token" : "class";
    measure_value r = measure_ratio(&s->runs, 0, 1, MEASURE_FIRST);
    saint_ui_say say = s->company ? SAINT_UI_SAY_WARN : SAINT_UI_SAY_GOOD;
    char company[80] = "";
    if (s->company) snprintf(company, sizeof company, "; %s meanwhile", device_company_while(s->company));
    if (isfinite(r.low))
        ui_say(u, say, "measured n=%d: %.3fx before the %s, 95 %% [%.3f, %.3f]%s", s->runs.n, r.median, what, r.low, r.high, company);
    else ui_say(u, say, "measured n=%d: %.3fx before the %s%s", s->runs.n, r.median, what, company);
}

static void model(ui *u)
{
    u->speed->n = 0;
    u->speed->runs.n = 0;
}

static bool busy(const ui *u) { return u->speed->active; }

static bool progress(ui *u, saint_ui_progress *out)
{
    const ui_speed *s = u->speed;
    int done, total;
    if (!s->active || !s->began) return false;
    measure_progress(&s->runs, &done, &total);
    *out = (saint_ui_progress){.name = "measuring", .done = done, .total = total, .seconds = ui_now(u) - s->since};
    return true;
}

const ui_module ui_module_speed = {.name = "speed",
                                   .open = open_speed,
                                   .close = close_speed,
                                   .model = model,
                                   .stop = stop,
                                   .busy = busy,
                                   .progress = progress,
                                   .want = want,
                                   .ran = ran};

void ui_do_measure(ui *u, const char *argument)
{
    ui_speed *s = u->speed;
    if (strcmp(argument, "stop") == 0 || (s->active && !*argument)) {
        stop(u, "as asked");
        return;
    }
    s->active = true;
    s->began = false;
    s->n = 0;
    s->runs.n = 0;
    ui_want(u, UI_BASE);
    ui_want(u, UI_RANDOM);
    ui_want(u, UI_A);
    ui_want(u, UI_NOW);
    ui_say(u, SAINT_UI_SAY_INFO, "measuring this plan, the unpruned model and others in turns, each from nothing");
}
