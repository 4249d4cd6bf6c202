/* Runs: which slot is next on the one worker, and what arrives from it.
 *
 * The live plan goes before everything: its run stops whatever else runs, which loses nothing, because finished layers stay in the
 * session's cache. Then the pinned plan, the unpruned model, random dropping. A trace is taken only from the job submitted last: of an
 * older one that finished at the same moment nobody can say whether the worker still holds its trace. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const slot_names[UI_SLOTS] = {"this plan", "plan A", "the unpruned model", "random dropping"};

struct ui_jobs {
    uint64_t clock;             /* versions come from here, so that none is used twice */
    bool wanted[UI_SLOTS];
    int running;                /* slot of the job in flight, -1 = none, or */
    int guest;                  /* the module whose run it is, -1 = none */
    saint_job job;              /* submitted last */
    uint64_t running_version;   /* of the slot when it was submitted */
    bool running_stats;
    int done, total;            /* layers */
    int stage;
    uint64_t stats_version[UI_SLOTS]; /* version whose trace has statistics, 0 = none */
    uint64_t picture;           /* subject.version and question that the slots' versions are about */
    char *question;
    const saint_worker *of;
    saint_digest key;           /* of the picture's pixels, hashed once and not at every key of the user */
    const float *key_of;        /* NULL: not hashed yet */
    const saint_session *key_for;
};

ui_jobs *ui_jobs_open(void)
{
    ui_jobs *j = calloc(1, sizeof *j);
    if (j) j->running = j->guest = -1;
    return j;
}

static void drop_results(ui_plan *p)
{
    saint_trace_unref(p->trace);
    saint_trace_site_unref(p->preview);
    p->trace = NULL;
    p->preview = NULL;
    p->has_forecast = false;
    p->error = (saint_error){0};
}

void ui_jobs_close(ui *u)
{
    for (int i = 0; i < UI_SLOTS; i++) drop_results(&u->plan[i]);
    if (u->jobs) free(u->jobs->question);
    free(u->jobs);
    u->jobs = NULL;
}

/* ---- requests ---- */

static bool ready(const ui *u)
{
    return u->worker && u->info && (u->subject.pixels || !u->info->vit_layers) && !u->subject.loading;
}

int ui_answer_tokens(const saint_model_info *m, const saint_dataset_info *d)
{
    if (!m->llm_layers) return 0;
    return d && d->max_new_tokens > 0 && d->max_new_tokens < 128 ? d->max_new_tokens : 64;
}

static saint_request request_of(const ui *u, int slot)
{
    const saint_dataset_info *d = u->subject.data ? saint_dataset_get_info(u->subject.data) : NULL;
    saint_request r = {.pixels = u->subject.pixels,
                       .n_images = u->info->vit_layers ? 1 : 0,
                       .prompt = u->info->llm_layers ? u->subject.question : NULL,
                       .settings = u->plan[slot].settings,
                       .want_stats = u->want_stats[slot]};
    const ui_jobs *j = u->jobs;
    r.has_picture_key = r.n_images && j->key_of == r.pixels && j->key_for == u->session;
    r.picture_key = j->key;
    r.max_new_tokens = ui_answer_tokens(u->info, d);
    return r;
}

static void hash_picture(ui *u)
{
    ui_jobs *j = u->jobs;
    j->key_of = u->info->vit_layers ? u->subject.pixels : NULL;
    j->key_for = u->session;
    if (j->key_of) j->key = saint_session_picture_key(u->session, u->subject.pixels, 1);
}

bool ui_request(const ui *u, int slot, saint_request *out)
{
    if (!ready(u)) return false;
    *out = request_of(u, slot);
    return true;
}

bool ui_stale(const ui *u, int slot)
{
    const ui_plan *p = &u->plan[slot];
    return !p->trace || p->trace_version != p->version;
}

/* Nothing to run: fresh, or failed for this very version. */
static bool settled(const ui *u, int slot)
{
    const ui_plan *p = &u->plan[slot];
    if (p->error.code != SAINT_OK && p->trace_version == p->version) return true;
    return !ui_stale(u, slot) && (!u->want_stats[slot] || u->jobs->stats_version[slot] == p->version);
}

bool ui_running(const ui *u, int slot, double *share)
{
    const ui_jobs *j = u->jobs;
    bool mine = j->running == slot && j->running_version == u->plan[slot].version;
    int vit = u->info ? u->info->vit_layers_run : 0, all = vit + (u->info ? u->info->llm_layers : 0);
    int done = j->done + (j->stage == SAINT_STAGE_LLM ? vit : 0);
    if (share) *share = mine && all > 0 ? fmin(1, (double)done / all) : 0;
    return mine || (j->wanted[slot] && !settled(u, slot));
}

/* ---- random dropping at the token counts of the live plan ---- */

static bool set_layer(saint_settings *s, const char *key, int layer, const char *value)
{
    char text[160];
    snprintf(text, sizeof text, "%s[%d]=%s", key, layer, value);
    return saint_settings_assign(s, text, NULL) == SAINT_OK;
}

/* Settings that drop as many tokens at the same places, by chance. false: not known before the live plan has run. */
static bool random_twin(const ui *u, saint_settings *out)
{
    const ui_plan *now = &u->plan[UI_NOW];
    if (ui_stale(u, UI_NOW)) return false;
    const saint_history *h = &now->trace->image[0].history;
    saint_settings_default(out);
    bool ok = saint_settings_assign(out, "use_saint=false", NULL) == SAINT_OK;
    for (int i = 0; i < h->n_sites && ok; i++) {
        const saint_trace_site *site = h->site[i];
        bool vit = site->stage == SAINT_STAGE_VIT;
        char n[24];
        snprintf(n, sizeof n, "%d", site->n_keep + (vit ? u->info->vit_prefix : 0));
        ok = set_layer(out, vit ? "prune_mode" : "llm_prune_mode", site->layer, "random") &&
             set_layer(out, vit ? "keep_num" : "llm_keep_num", site->layer, n);
    }
    return ok;
}

static void refresh_twin(ui *u)
{
    saint_settings twin;
    memset(&twin, 0, sizeof twin);
    ui_plan *p = &u->plan[UI_RANDOM];
    if (!random_twin(u, &twin)) return;
    if (p->set && !memcmp(&twin, &p->settings, sizeof twin)) return;
    p->settings = twin;
    p->set = true;
    p->version = ++u->jobs->clock;
}

/* ---- what is next ---- */

static void dismiss(ui *u, saint_trace *t, const saint_error *why)
{
    const ui_module *m = ui_module_at(u->jobs->guest);
    u->jobs->guest = -1;
    if (m && m->ran) m->ran(u, t, why);
}

static void dismiss_for_slot(ui *u)
{
    saint_error e = {0};
    if (u->jobs->guest < 0) return;
    saint_fail(&e, SAINT_CANCELLED, "a plan on the screen went first");
    dismiss(u, NULL, &e);
}

/* Runs that modules want for themselves: nobody waits for them. */
static void invite(ui *u)
{
    ui_jobs *j = u->jobs;
    for (int i = 0; ui_module_at(i); i++) {
        saint_request r;
        saint_error e = {0};
        memset(&r, 0, sizeof r);
        if (!ui_module_at(i)->want || !ui_module_at(i)->want(u, &r)) continue;
        j->guest = i;
        if (saint_worker_submit(u->worker, &r, &j->job, &e) == SAINT_OK) return;
        dismiss(u, NULL, &e);
        if (j->running >= 0 || j->guest >= 0) return; /* what it said made somebody else go on */
    }
}

static void submit(ui *u, int slot)
{
    ui_jobs *j = u->jobs;
    ui_plan *p = &u->plan[slot];
    saint_error e = {0};
    saint_request r = request_of(u, slot);
    dismiss_for_slot(u);
    if (saint_worker_submit(u->worker, &r, &j->job, &e) != SAINT_OK) {
        p->error = e;
        p->trace_version = p->version;
        saint_trace_unref(p->trace);
        p->trace = NULL;
        j->wanted[slot] = false;
        ui_say(u, SAINT_UI_SAY_BAD, "%s: %s", slot_names[slot], e.text);
        return;
    }
    j->running = slot;
    j->running_version = p->version;
    j->running_stats = r.want_stats;
    j->done = j->total = 0;
    j->stage = SAINT_STAGE_VIT;
}

static void next(ui *u)
{
    ui_jobs *j = u->jobs;
    if (!ready(u)) return;
    for (int slot = 0; slot < UI_SLOTS; slot++) {
        if (!j->wanted[slot]) continue;
        if (slot == UI_RANDOM) {
            if (ui_stale(u, UI_NOW)) continue; /* its counts are not known yet */
            refresh_twin(u);
        }
        if ((slot == UI_A && !u->plan[slot].set) || settled(u, slot)) {
            j->wanted[slot] = false;
            continue;
        }
        if (j->running == slot && j->running_version == u->plan[slot].version && (j->running_stats || !u->want_stats[slot])) return;
        if (j->running >= 0 && slot != UI_NOW && j->running <= slot && j->running_version == u->plan[j->running].version)
            return; /* something more urgent, or its own older version, is under way */
        submit(u, slot);
        if (j->running == slot) return;
    }
    if (j->running < 0 && j->guest < 0) invite(u);
}

void ui_kick(ui *u)
{
    next(u);
    ui_redraw(u);
}

bool ui_jobs_busy(const ui *u)
{
    if (!u->jobs || !u->worker) return false;
    if (u->jobs->running >= 0 || u->jobs->guest >= 0) return true;
    for (int slot = 0; slot < UI_SLOTS; slot++)
        if (u->jobs->wanted[slot] && ready(u) && !(slot == UI_RANDOM && ui_stale(u, UI_NOW))) return true;
    return false;
}

void ui_want(ui *u, int slot)
{
    u->jobs->wanted[slot] = true;
    next(u);
}

/* ---- forecast ---- */

static void forecast(ui *u)
{
    ui_plan *p = &u->plan[UI_NOW];
    saint_request r = request_of(u, UI_NOW);
    p->has_forecast = saint_session_forecast(u->session, &r, &p->forecast, NULL) == SAINT_OK;
}

/* ---- changes ---- */

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static void renew(ui *u, int slot)
{
    u->plan[slot].version = ++u->jobs->clock;
    u->plan[slot].error = (saint_error){0};
}

void ui_changed(ui *u)
{
    ui_jobs *j = u->jobs;
    bool subject = j->picture != u->subject.version || !same_text(j->question, u->subject.question) || j->of != u->worker;
    if (subject) {
        if (j->picture != u->subject.version || j->of != u->worker) /* a trace of another picture says nothing about this one */
            for (int slot = 0; slot < UI_SLOTS; slot++) drop_results(&u->plan[slot]);
        j->picture = u->subject.version;
        j->of = u->worker;
        free(j->question);
        j->question = u->subject.question ? strdup(u->subject.question) : NULL;
        for (int slot = 0; slot < UI_SLOTS; slot++) renew(u, slot);
        u->plan[UI_RANDOM].set = false;
    } else renew(u, UI_NOW);
    u->plan[UI_NOW].has_forecast = false;
    ui_stop_guests(u, "the plan changed");
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->changed) ui_module_at(i)->changed(u);
    ui_redraw(u);
    if (!ready(u)) {
        if (subject && j->running >= 0) { /* nothing takes the place of a run of the picture before: what it finds is not of this one */
            j->running = -1;
            j->job = 0;
        }
        return;
    }
    if (subject || !j->key_of) hash_picture(u);
    ui_preview(u);
    if (u->live || subject) j->wanted[UI_NOW] = true;
    j->wanted[UI_A] = u->plan[UI_A].set;
    j->wanted[UI_BASE] = true;
    j->wanted[UI_RANDOM] = u->page == SAINT_UI_PAGE_SPEED || u->page == SAINT_UI_PAGE_COMPARE;
    forecast(u);
    next(u);
}

void ui_jobs_model(ui *u)
{
    ui_jobs *j = u->jobs;
    dismiss_for_slot(u);
    for (int slot = 0; slot < UI_SLOTS; slot++) {
        drop_results(&u->plan[slot]);
        u->plan[slot].version = ++j->clock;
        u->plan[slot].trace_version = 0;
        j->wanted[slot] = false;
    }
    j->running = j->guest = -1;
    j->job = 0;
    j->of = NULL;
    j->key_of = NULL;
    saint_settings none;
    memset(&none, 0, sizeof none);
    saint_settings_default(&none);
    (void)saint_settings_assign(&none, "use_saint=false", NULL);
    u->plan[UI_BASE].settings = none;
    u->plan[UI_BASE].set = true;
}

/* ---- what the worker says ---- */

static void tell_arrived(ui *u, int slot)
{
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->arrived) ui_module_at(i)->arrived(u, slot);
    ui_redraw(u);
}

/* The question without what the harness tells the model about the form of its answer. */
static int question_bytes(const char *q)
{
    const char *mark = strchr(q, '?'), *line = strchr(q, '\n');
    size_t n = mark ? (size_t)(mark - q) + 1 : line ? (size_t)(line - q) : strlen(q);
    const char *fit = q + saint_ui_text_fit(q, 72);
    return (int)(n < (size_t)(fit - q) ? n : (size_t)(fit - q));
}

static void say_arrived(ui *u, int slot)
{
    const saint_trace *t = u->plan[slot].trace;
    if (slot != UI_NOW) return;
    char time[32], answer[64] = "", reused[64];
    saint_ui_duration(time, sizeof time, t->seconds.total);
    int all = t->layers_reused + t->layers_run + t->layers_question;
    snprintf(reused, sizeof reused, "%d of %d layers from the cache%s%s", t->layers_reused, all, u->plan[slot].company ? ", " : "",
             device_company_word(u->plan[slot].company));
    const char *q = u->info->llm_layers && u->subject.question ? u->subject.question : NULL;
    if (t->image[0].answer) saint_ui_text_cut(answer, sizeof answer, t->image[0].answer, 24, "\u2026");
    if (q && answer[0]) ui_report(u, SAINT_UI_SAY_GOOD, "%.*s  %s: answer in %s, %s", question_bytes(q), q, answer, time, reused);
    else ui_report(u, SAINT_UI_SAY_GOOD, "%s in %s, %s", q ? "no answer" : "classes", time, reused);
    for (int i = 0; i < t->notes.n; i++) ui_log_add(u, SAINT_UI_SAY_WARN, NULL, t->notes.text[i]);
}

/* Layers from the cache keep the times of the run that computed them. */
static device_company company_of(const ui *u, saint_job job, const saint_trace *t)
{
    static const saint_digest none;
    bool cached = t && t->layers_reused + t->layers_question > 0;
    return ui_company_of(u->company, job, !cached ? NULL : u->info->vit_layers ? &u->jobs->key : &none);
}

static void finished(ui *u, const saint_job_event *e)
{
    ui_jobs *j = u->jobs;
    if (e->job == j->job && j->guest >= 0) {
        saint_trace *t = e->kind == SAINT_JOB_DONE ? saint_worker_trace(u->worker) : NULL;
        saint_error why = e->error;
        if (!t && why.code == SAINT_OK) saint_fail(&why, SAINT_CANCELLED, "its trace was taken by another run");
        u->ran_company = company_of(u, e->job, t);
        dismiss(u, t, &why);
        saint_trace_unref(t);
        ui_redraw(u);
        return;
    }
    if (e->job != j->job || j->running < 0) return; /* superseded: it runs again from the cache when it is its turn */
    int slot = j->running;
    ui_plan *p = &u->plan[slot];
    j->running = -1;
    bool current = j->running_version == p->version;
    if (e->kind == SAINT_JOB_DONE) {
        saint_trace *t = saint_worker_trace(u->worker);
        if (!t) return;
        saint_trace_unref(p->trace);
        p->trace = t;
        p->trace_version = j->running_version;
        p->company = company_of(u, e->job, t);
        p->error = (saint_error){0};
        if (j->running_stats) j->stats_version[slot] = j->running_version;
        if (current) {
            saint_trace_site_unref(p->preview);
            p->preview = NULL;
            say_arrived(u, slot);
        }
        tell_arrived(u, slot);
    } else if (e->error.code != SAINT_CANCELLED && current) {
        p->error = e->error;
        p->trace_version = p->version;
        saint_trace_unref(p->trace);
        p->trace = NULL;
        ui_say(u, SAINT_UI_SAY_BAD, "%s: %s", slot_names[slot], e->error.text);
        tell_arrived(u, slot);
    }
}

void ui_jobs_events(ui *u)
{
    saint_job_event e;
    for (int i = 0; i < 256 && u->worker && saint_worker_next_event(u->worker, &e); i++) {
        if (e.kind == SAINT_JOB_DONE || e.kind == SAINT_JOB_FAILED) finished(u, &e);
        else if (e.job == u->jobs->job && e.kind == SAINT_JOB_PROGRESS) {
            u->jobs->done = e.done;
            u->jobs->total = e.total;
            u->jobs->stage = (int)e.stage;
        }
        ui_redraw(u);
    }
    next(u);
}

/* ---- actions ---- */

void ui_do_run(ui *u, const char *argument)
{
    (void)argument;
    if (settled(u, UI_NOW)) renew(u, UI_NOW); /* asked for, so it is measured again */
    ui_want(u, UI_NOW);
}

void ui_do_live(ui *u, const char *argument)
{
    u->live = *argument ? !strcmp(argument, "on") : !u->live;
    ui_say(u, SAINT_UI_SAY_INFO, u->live ? "every change runs at once" : "changes run when asked: !");
    if (u->live) ui_want(u, UI_NOW);
}
