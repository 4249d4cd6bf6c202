/* ui.h - the state of the workbench, and who may change it.
 *
 * One thread, one loop (loop.c). Events become actions (actions.def) or go to the pane under the focus; both change `ui`; drawing only
 * reads it. Runs happen on the session's worker (engine job.h), pictures and models are opened on a loader thread: nothing here waits. */
#ifndef SAINT_APP_UI_H
#define SAINT_APP_UI_H

#include "datasets/dataset.h"
#include "device_use.h"
#include "engine.h"
#include "views/event.h"
#include "views/field.h"
#include "views/layout.h"
#include "views/lists.h"
#include "views/photo.h"
#include "views/plot.h"
#include "views/status.h"
#include "views/strip.h"
#include "views/table.h"

typedef struct ui ui;

/* ---- a plan under study: what was asked, what came out ---- */

enum { UI_NOW, UI_A, UI_BASE, UI_RANDOM, UI_SLOTS }; /* live; pinned as A; unpruned; random dropping at the same token counts */

typedef struct {
    bool set;                 /* UI_A: something is pinned */
    saint_settings settings;  /* tokens painted by hand included */
    uint64_t version;         /* rises with every change of settings, picture or question */
    saint_trace *trace;       /* the last finished run, NULL before the first; ours */
    uint64_t trace_version;   /* the version it belongs to: older than `version` = stale */
    saint_trace_site *preview; /* selection of one site from cached features for `version`, NULL = none; ours */
    saint_forecast forecast;  /* what a run of `version` reuses and costs; valid when has_forecast */
    bool has_forecast;
    saint_error error;        /* why the last run failed; code SAINT_OK: it did not */
    device_company company;   /* while times of the trace were taken */
} ui_plan;

/* ---- what is looked at ---- */

typedef struct {
    saint_dataset *data;      /* NULL: single pictures */
    char *data_name;          /* KIND:PATH */
    size_t at, count;         /* sample shown */
    const uint32_t *filter;   /* [count] indices of the samples that the filter leaves; NULL: all */
    char *file;               /* name of the picture as shown */
    char *question;           /* what will be asked; edited by the user */
    char *answers;            /* right answers of the sample, joined; NULL = none known */
    saint_image image;        /* decoded; pixels NULL while loading */
    float *pixels;            /* [3, side, side] preprocessed for the model */
    saint_view_rect rect;
    uint64_t version;         /* rises with every new picture */
    bool loading;
    saint_error error;        /* why there is no picture of this sample; code SAINT_OK: there is one, or none was asked for */
} ui_subject;

/* ---- the strip: one column per layer, the cursor every page shares ---- */

typedef struct {
    int n, n_vit;                 /* columns; the first n_vit are ViT layers */
    int at;                       /* cursor */
    int round;                    /* iteration inside the cursor's site, -1 = all of them */
    bool playing;
    double next_tick;             /* when the next step of play is due, seconds of saint_clock */
} ui_cursor;

/* ---- fields made from params.def (fields.c) ---- */

enum { UI_FIELDS_MOST = 64 };
typedef struct {
    int n, at, top;
    saint_ui_field_spec spec[UI_FIELDS_MOST];
    saint_ui_field field[UI_FIELDS_MOST];
    const char *key[UI_FIELDS_MOST];   /* name in params.def, "preset" or "compat" for the two that are not in it */
    char layer_key[UI_FIELDS_MOST][192]; /* "prune_mode[19]" when the field edits the layers under the cursor or marked on the strip */
    char text[UI_FIELDS_MOST][128];     /* what a spec says that depends on the model or the settings */
    saint_ui_rect slider[UI_FIELDS_MOST]; /* on the canvas at the last drawing */
} ui_fields;

typedef struct ui_history ui_history;  /* undo and redo of settings (history.c) */
typedef struct ui_jobs ui_jobs;        /* which slot runs next (jobs.c) */
typedef struct ui_log ui_log;          /* messages, newest last (log.c) */
typedef struct ui_loader ui_loader;    /* model and pictures, opened behind the screen (loader.c) */
typedef struct ui_compare ui_compare;  /* A/B page (compare.c) */
typedef struct ui_speed ui_speed;      /* speed page (speed.c) */
typedef struct ui_layers ui_layers;    /* layer statistics page (layers.c) */
typedef struct ui_charts ui_charts;    /* charts page (charts.c) */
typedef struct ui_sweeps ui_sweeps;    /* sweep page: child processes, their results (sweeps.c) */
typedef struct ui_inspect ui_inspect;  /* Inspect page: microscope, brush, lists of fields (inspect.c) */
typedef struct ui_core ui_core;        /* loop, screen, overlays, scripts: nobody's business but theirs (core.h) */

struct ui {
    /* engine; NULL until the loader is done */
    saint_engine *engine;
    saint_model *model;
    saint_session *session;
    saint_worker *worker;
    struct ui_company *company;   /* who else uses the device (company.c) */
    const saint_model_info *info;
    char *model_name;
    saint_error model_error;

    ui_subject subject;
    ui_plan plan[UI_SLOTS];
    ui_cursor cursor;
    ui_fields fields;
    int patch;                    /* under the token microscope, -1 = none */
    uint8_t *marked;              /* [cursor.n] layers marked on the strip, edited together */

    saint_ui_page page;
    saint_ui_pane_id focus;
    saint_ui_photo_style style;
    bool whole_image, grid_lines, sharp, live, mouse, painting;
    int zoom;                     /* columns of a patch on the screen; 0 = as many as show the whole picture */
    double zoom_x, zoom_y;        /* the middle of what is shown, in patches */
    int paint;                    /* 1 keep, 0 drop: what painting does */

    saint_ui_theme theme;
    saint_ui_canvas canvas;
    saint_ui_layout layout;
    saint_ui_hits hits;
    saint_ui_photo_cache photo, photo_b;

    saint_ui_say say;
    char message[256];
    bool quit;
    int exit_status;

    ui_history *history;
    ui_jobs *jobs;
    ui_log *log;
    ui_loader *loader;
    ui_compare *compare;
    ui_speed *speed;
    ui_layers *layers;
    ui_charts *charts;
    ui_sweeps *sweeps;
    ui_inspect *inspect;
    ui_core *core;

    device_company ran_company;   /* while the run that ran() is told of was timed */
    bool want_stats[UI_SLOTS];    /* runs of that slot also compute the similarity statistics of every layer; set it, then ui_want */
};

/* ---- one row of this table per pane of a page (pages.c): who draws it and who takes its keys ---- */

typedef struct {
    void (*draw)(ui *u, saint_ui_pen pen);                /* frame included; reads u, may correct scroll positions */
    bool (*event)(ui *u, const saint_ui_event *e, const saint_ui_hit *hit); /* true: taken. hit: what lies under the mouse, or NULL */
    bool (*captures)(const ui *u); /* a line editor is open: every key goes to event() and none is an action. NULL: never */
    const saint_ui_action *keys;   /* [n_keys] what the footer shows meanwhile: key, label and weight; NULL: nothing */
    int n_keys;
} ui_pane;
const ui_pane *ui_pane_of(saint_ui_page page, saint_ui_pane_id pane); /* NULL: nothing to show there */

/* Who gets a key: an open overlay; the pane with the focus while it captures; the table of actions; the pane with the focus. So a pane
 * sees arrows, Enter and the like as far as no row of actions.def claims them there. The mouse: a press gives the pane under it the focus,
 * and drags and the release go to the pane where the button went down. `what` of hits is the pane's own below UI_HIT_CORE. */
enum { UI_HIT_CORE = 10000 };

/* ---- what a module adds beside panes and actions (pages.c lists the modules) ---- */

struct pollfd;
typedef struct {
    const char *name;
    saint_status (*open)(ui *u, saint_error *err); /* once, before the first frame; makes its part of u. Any function may be NULL */
    void (*close)(ui *u);
    void (*model)(ui *u);             /* a model was opened, u->info is new; u->info NULL: the old one goes away, drop what points into it */
    void (*subject)(ui *u);           /* another picture or question */
    void (*changed)(ui *u);           /* the live plan has new settings */
    void (*stop)(ui *u, const char *why); /* before each of these three: runs beside the live plan (want) are of something that is gone */
    void (*arrived)(ui *u, int slot); /* u->plan[slot] has a new trace, or its error */
    /* Descriptors to poll beside the loop's own: fills at most room, returns how many; ready() when one of them is. */
    int (*fds)(ui *u, struct pollfd *out, int room);
    void (*ready)(ui *u, const struct pollfd *fds, int n);
    /* Second of ui_now at which tick() is due, INFINITY = never: no timer runs while everything is still. */
    double (*due)(const ui *u);
    void (*tick)(ui *u);
    /* Runs of the module's own, when no slot waits: fills a request, whose pointers hold until ran(); false = none wanted. Asked whenever the
     * worker is free. ran() says how it ended: a trace (borrowed: ref it to keep it), or NULL and why; SAINT_CANCELLED: a slot went first,
     * want() is asked again. */
    bool (*want)(ui *u, saint_request *out);
    void (*ran)(ui *u, saint_trace *t, const saint_error *why);
    bool (*busy)(const ui *u);        /* something is under way that a script's `wait idle` waits for */
    bool (*progress)(ui *u, saint_ui_progress *out); /* for the message row; false: nothing to show */
    void (*save)(ui *u, cJSON *into); /* members of its own in the session file, and back; from may be damaged */
    void (*load)(ui *u, const cJSON *from);
} ui_module;
/* The i-th, NULL past the end. */
const ui_module *ui_module_at(int i);

/* ---- what any module may call ---- */

/* Answer the user in the message row; it is kept in the log. */
void ui_say(ui *u, saint_ui_say say, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What comes by itself ("answer in 12 ms"), into the log too. It stands behind an answer to the user where the row is wide enough, and otherwise
 * waits until that was read: a key, a click, or some seconds. An error or a warning stays until a key in any case. */
void ui_report(ui *u, saint_ui_say say, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A hint that the log does not want: "F9 does nothing here". */
void ui_say_hint(ui *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Settings of the live plan change: one undo entry, coupled fields follow, preview and forecast at once, then the run when
 * `live`. assignments as for --set. Changes within 300 ms of the same key become one entry. false: refused, the field says why. */
bool ui_assign(ui *u, const char *key, const char *value);
/* The same for a whole new plan ("preset hybrid", "match tokens", hand paint); label names it in the undo log. */
void ui_replace(ui *u, const saint_settings *s, const char *label);
bool ui_undo(ui *u);
bool ui_redo(ui *u);
/* The live plan, the picture or the question changed: new version, preview, forecast, and a run of every slot that somebody looks at. */
void ui_changed(ui *u);
/* Move the layer cursor (clamped) and, by it, the preview. */
void ui_layer(ui *u, int at);
/* Ask for a run of a slot when it is stale; the worker takes NOW first, then A, BASE, RANDOM. */
void ui_want(ui *u, int slot);
/* Have modules asked now what they want to run (ui_module.want), where nothing else happens that would. */
void ui_kick(ui *u);
/* Open sample i of the data set (counted in the filter), a picture file, a folder or KIND:PATH. Returns at once. */
void ui_show_sample(ui *u, size_t i);
void ui_open(ui *u, const char *path);
/* Perform an action by its name with its argument, as keys, palette, ":" and scripts do ("layer 19", "set keep_num=96"). false: there is
 * none of that name, it is not possible now, or it failed; the message row says why. */
bool ui_do(ui *u, const char *command);
/* Seconds of the clock that everything on screen uses; scripts freeze it. */
double ui_now(const ui *u);
/* Something changed outside of a key or a click (a child reported): a frame within a thirtieth of a second. Keys draw by themselves. */
void ui_redraw(ui *u);
/* Decide the first site that differs from the last run anew, from cached features: u->plan[UI_NOW].preview (preview.c). */
void ui_preview(ui *u);
/* The request that a run of the slot is, for looking without running (engine run/look.h); false: no model or picture yet. Borrows from u. */
bool ui_request(const ui *u, int slot, saint_request *out);
/* The trace of a slot is missing or older than its settings. */
bool ui_stale(const ui *u, int slot);
/* A run of the slot waits or is under way; *share (may be NULL) is how far, 0..1. */
bool ui_running(const ui *u, int slot, double *share);
/* Go to a page; the focus goes to its first pane, or stays where the page was left. */
void ui_go(ui *u, saint_ui_page page);
/* Open the ":" row with a text to complete ("open ", "question Is there a dog?"). */
void ui_prompt(ui *u, const char *text);
/* Ask yes or no; yes performs the command. */
void ui_ask(ui *u, const char *question, const char *command);
/* Where files belong: "session.json" in the state folder, made when missing. false: there is no place (said in the log). */
typedef enum { UI_CONFIG, UI_STATE, UI_CACHE } ui_folder;
bool ui_path(ui *u, ui_folder folder, const char *name, char *out, size_t size);
/* An action that fails says so with SAINT_UI_SAY_BAD: that is what makes ui_do return false and a script stop. */

/* ---- reading a trace for one picture (mask.c) ---- */

/* Where what is shown at a column comes from: not known; another version's run; decided now from cached features; this version's run. */
typedef enum { UI_KNOWN_NOT, UI_KNOWN_STALE, UI_KNOWN_PREVIEW, UI_KNOWN_RUN } ui_known;
/* Patches alive behind column `at` of the strip (with `round` inside its site), from the preview where it is newer than the trace: all
 * arrays [grid_h * grid_w], any may be NULL. kept 1/0; score of the cursor's site, NaN = none; death = column that dropped the patch, -1 =
 * alive. Returns the number alive, -1 when nothing is known yet. */
int ui_mask(const ui *u, int slot, int at, int round, uint8_t *kept, float *score, int16_t *death);
/* The site record at a column, preview first; NULL = no site there or not known. */
const saint_trace_site *ui_site(const ui *u, int slot, int at);
/* The same question for the numbers: how far the mask behind a column can be believed. */
ui_known ui_mask_known(const ui *u, int slot, int at);
/* The first column whose site differs between the settings and the last run: what a preview has to decide anew. cursor.n = nothing differs, or
 * nothing has run. */
int ui_first_change(const ui *u, int slot);
/* The stage and layer of a column, and back. */
saint_stage ui_stage_of(const ui *u, int at, int *layer);
int ui_column_of(const ui *u, saint_stage stage, int layer);
/* Columns for the strip [cursor.n]. */
void ui_strip_layers(const ui *u, int slot, saint_ui_strip_layer *out);

#endif
