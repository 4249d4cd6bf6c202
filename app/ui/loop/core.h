/* core.h - what the loop, the screen, the overlays, the loader, the jobs and the scripts share. Panes and pages do not include it. */
#ifndef SAINT_APP_UI_CORE_H
#define SAINT_APP_UI_CORE_H

#include "load.h"
#include "ui/actions.h"
#include "ui/ui.h"
#include "views/screen.h"

/* ---- what the command line asked for (cmd_ui.c) ---- */

typedef struct {
    load_options load;
    saint_engine_options engine;
    saint_session_options session;
    const char *data, *image, *question, *script, *record, *session_file, *theme;
    bool no_mouse, no_color, ascii;
    bool headless; /* no terminal in any case: tests */
} ui_options;

/* Everything from opening the screen to leaving it; the exit status. */
int ui_main(const ui_options *o);

/* ---- screen or none (front.c) ---- */

typedef struct ui_front ui_front;
typedef struct {
    bool headless; /* no terminal: frames go nowhere, events come from the script alone */
    saint_ui_screen_options screen;
    int w, h; /* headless */
} ui_front_options;
saint_status ui_front_open(ui_front **out, const ui_front_options *o, saint_error *err);
void ui_front_close(ui_front *f);
bool ui_front_headless(const ui_front *f);
void ui_front_looks(const ui_front *f, saint_ui_tier *tier, saint_ui_glyphs *glyphs, bool *lines);
void ui_front_size(ui_front *f, int *w, int *h);
void ui_front_resize(ui_front *f, int w, int h); /* a script's wish; the terminal's own size when 0 */
int ui_front_fd(const ui_front *f);              /* -1: nothing to poll */
saint_ui_event ui_front_event(ui_front *f);
void ui_front_show(ui_front *f, const saint_ui_canvas *c, int cursor_x, int cursor_y);
void ui_front_mark(ui_front *f, unsigned n);
void ui_front_redraw(ui_front *f);
void ui_front_mouse(ui_front *f, bool on);
void ui_front_suspend(ui_front *f);
void ui_front_resume(ui_front *f);

/* ---- files opened behind the screen (loader.c) ---- */

/* A picture, shared by the screen and the thread that prepares it for the network. */
typedef struct {
    int refs; /* atomic */
    saint_image image;
} ui_picture;
ui_picture *ui_picture_ref(ui_picture *p);
void ui_picture_unref(ui_picture *p); /* NULL is allowed */

/* A data set, likewise. */
typedef struct {
    int refs;
    saint_dataset *set;
    char *name; /* KIND:PATH */
} ui_data;
ui_data *ui_data_ref(ui_data *d);
void ui_data_unref(ui_data *d);

/* Whether its runs have the device to themselves (company.c). Open: the device is used, until there is a worker, which uses it while it works. */
typedef struct ui_company ui_company;
ui_company *ui_company_open(const saint_session_options *o); /* NULL: no memory */
void ui_company_watch(ui_company *c, saint_worker *w);
void ui_company_close(ui_company *c); /* behind the worker; NULL is allowed */
/* Who else used the device while a job ran, the last one that ended; or, for a run that went on from the cache, while something of its
 * picture was computed: picture, NULL = it did not. Zeros stand for no picture. */
device_company ui_company_of(ui_company *c, saint_job job, const saint_digest *picture);

/* What a model needs to run; handed to the loader whole when another takes its place, because closing waits for what runs. */
typedef struct {
    saint_engine *engine;
    saint_model *model;
    saint_session *session;
    saint_worker *worker;
    ui_company *company;
} ui_machine;
void ui_machine_close(ui_machine *m);

typedef enum { UI_LOADED_MODEL, UI_LOADED_DATA, UI_LOADED_PICTURE, UI_LOADED_AHEAD, UI_LOADED_FIRST, UI_LOADED_PROGRESS } ui_loaded_kind;
typedef struct {
    ui_loaded_kind kind;
    uint64_t ticket; /* of the request */
    saint_error error;
    double seconds;
    ui_machine machine; /* MODEL: the caller's */
    ui_data *data;      /* DATA: one reference; PICTURE: the set it is from */
    ui_picture *picture;
    float *pixels; /* [3, side, side], NULL when no model was there yet */
    saint_view_rect rect;
    const saint_model *pixels_for; /* identity only */
    char *file;         /* name; FIRST: the question; DATA: what told its kind, when nobody named one */
    size_t done, total; /* PROGRESS */
} ui_loaded;
void ui_loaded_free(ui_loaded *l);

saint_status ui_loader_open(ui_loader **out, saint_error *err);
void ui_loader_close(ui_loader *l); /* waits for what it reads */
int ui_loader_fd(const ui_loader *l);
bool ui_loader_busy(ui_loader *l);
bool ui_loader_next(ui_loader *l, ui_loaded *out);
/* Each request replaces a waiting one of its kind; the ticket comes back with the result. dir NULL: the embedded model. old is closed first. */
uint64_t ui_loader_model(ui_loader *l, const ui_options *o, const char *dir, ui_machine old);
/* NULL: the embedded data set, made on first use. Without KIND: the kind that its files look like. */
uint64_t ui_loader_data(ui_loader *l, const char *kind_path);
bool ui_has_kind(const char *text); /* it begins with the name of a kind and a colon */
/* Picture of sample i, or of a file, or one that is there already, for model m (NULL: not prepared). */
uint64_t ui_loader_sample(ui_loader *l, ui_data *d, size_t i, saint_model *m);
uint64_t ui_loader_file(ui_loader *l, const char *path, saint_model *m);
uint64_t ui_loader_ahead(ui_loader *l, ui_data *d, size_t i, saint_model *m); /* not for the screen: comes back as AHEAD */
uint64_t ui_loader_prepare(ui_loader *l, ui_picture *p, saint_model *m);

/* ---- the model (machine.c) ---- */

void ui_machine_open(ui *u, const char *dir); /* NULL: --shape, or the embedded model */
void ui_machine_adopt(ui *u, ui_loaded *l);   /* MODEL */

/* ---- what is shown (subject.c) ---- */

typedef struct ui_subjects ui_subjects;
ui_subjects *ui_subjects_open(void);
void ui_subjects_close(ui *u);
void ui_subject_begin(ui *u);                /* open what the command line or the session names */
void ui_subject_loaded(ui *u, ui_loaded *l); /* DATA, PICTURE; takes what l holds */
void ui_subject_model(ui *u);                /* another model: the picture is prepared again */

/* What a session keeps of it; borrowed. data NULL: the embedded set; image: a single picture; question: one of the user's own. */
typedef struct {
    const char *data, *sample, *image, *question;
} ui_kept;
void ui_subject_kept(const ui *u, ui_kept *out);
ui_data *ui_subject_data(const ui *u);                    /* borrowed */
bool ui_subject_sample(const ui *u, size_t *sample);      /* what is shown is that sample of the data set, with its own question */
const char *ui_filter_text(const ui *u);                  /* "" = none */
void ui_filter_found(ui *u, size_t sample);               /* one more that `filter changed` leaves */
void ui_filter_stale(ui *u);                              /* what `filter changed` left is not known any more */

/* ---- samples answered otherwise (scan.c) ---- */

typedef struct ui_scan ui_scan;
typedef enum { UI_SCAN_UNKNOWN, UI_SCAN_SAME, UI_SCAN_CHANGED } ui_scan_state;
ui_scan_state ui_scan_of(const ui *u, size_t sample);
void ui_scan_data(ui *u); /* another data set */
void ui_scan_loaded(ui *u, ui_loaded *l); /* AHEAD; takes what it keeps */

/* ---- runs (jobs.c) ---- */

ui_jobs *ui_jobs_open(void);
void ui_jobs_close(ui *u);
void ui_jobs_model(ui *u);  /* a worker came or went: every slot is stale */
void ui_jobs_events(ui *u); /* take what the worker reports */
bool ui_jobs_busy(const ui *u);
int ui_answer_tokens(const saint_model_info *m, const saint_dataset_info *d); /* most tokens of an answer; d may be NULL */

/* ---- messages (log.c) ---- */

ui_log *ui_log_open(void);
void ui_log_close(ui_log *l);
/* Into the log alone; source NULL = the program itself. */
void ui_log_add(ui *u, saint_ui_say say, const char *source, const char *text);
/* The user did something: what stood there was read. */
void ui_say_read(ui *u);
/* What the row shows, most important first; in is given its progress. */
void ui_say_row(const ui *u, saint_ui_message *in);

/* ---- events, overlays, frames (input.c, overlay.c, frame.c) ---- */

typedef enum { UI_OVER_NONE, UI_OVER_HELP, UI_OVER_PALETTE, UI_OVER_COMMAND, UI_OVER_ASK } ui_over_kind;
enum { UI_OVER_MATCHES = 64, UI_HISTORY_LINES = 200 };
typedef struct {
    ui_over_kind kind;
    saint_ui_line line;
    bool filtering; /* help: the filter has the keys */
    int at, top, page;
    int match[UI_OVER_MATCHES], n_match;
    char question[256], command[256]; /* UI_OVER_ASK */
    /* command row */
    char *done[UI_OVER_MATCHES]; /* completions offered, by their bytes, owned; */
    int n_done, n_fits;          /* so many, and as many there would be with more room */
    int n_common;                /* bytes with which all that fit begin */
    int done_at;                 /* -1 = none chosen */
    int done_from;               /* byte of the line where the completed word begins */
    char *past[UI_HISTORY_LINES];
    int n_past, past_at; /* n_past = the line being typed */
    saint_ui_line typed;
} ui_over;

void ui_event(ui *u, const saint_ui_event *e);
void ui_over_open(ui *u, ui_over_kind kind, const char *text);
void ui_over_close(ui *u);
void ui_over_event(ui *u, const saint_ui_event *e);
void ui_over_draw(ui *u, saint_ui_pen whole);
void ui_over_free(ui_over *o);
/* Candidates for what stands before the cursor of the ":" row (command.c): fills done, done_from. */
void ui_complete(ui *u, ui_over *o);
void ui_draw(ui *u);
void ui_click(ui *u, const saint_ui_hit *hit); /* a tab, a key of the footer */

/* ---- scripts (script.c) ---- */

typedef struct ui_script ui_script;
saint_status ui_script_load(const char *path, ui_script **out, saint_error *err);
void ui_script_close(ui_script *s);
/* Perform lines until one has to wait. true: more is to come when the program is idle. */
bool ui_script_step(ui *u);
bool ui_script_waits(const ui_script *s); /* a line is left that waits for idleness */
void ui_record(ui *u, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- the session (persist.c) ---- */

void ui_session_load(ui *u);
void ui_session_take(ui *u, const cJSON *c); /* what a file held: anything may be missing or wrong */
void ui_session_save(ui *u);
void ui_session_touched(ui *u); /* the user did something: what dies without a word loses no more than the last second */
void ui_session_tick(ui *u);    /* save when that is due (core.save_at) and nothing runs */

/* ---- all of it ---- */

/* A screen with nothing opened yet. *out NULL on failure. Signals are blocked in the calling thread from here on. */
saint_status ui_new(const ui_options *o, ui **out, saint_error *err);
void ui_begin(ui *u); /* ask for the model, the data and the picture that the options or the session name */
void ui_close(ui *u); /* waits for what still runs */

struct ui_core {
    const ui_options *opt;
    ui_front *front;
    ui_subjects *subjects;
    ui_scan *scan;
    ui_script *script;
    void *record; /* FILE */
    ui_over over;

    bool dirty, urgent; /* a frame is due; at once */
    bool said_idle;     /* the mark of this stillness was sent */
    double last_frame;
    unsigned frames, idles;
    bool mark_frames, mark_idle;

    bool frozen; /* scripts: the clock moves only from one timer to the next */
    double clock, start;

    int signal_fd, err_pipe, err_saved;
    char err_line[512];
    size_t err_n;

    saint_ui_pane_id drag; /* where the button went down */
    saint_ui_pane_id left[SAINT_UI_PAGE_COUNT]; /* focus of each page when it was left */
    saint_ui_hit *hit_room;
    int cursor_x, cursor_y;
    bool failed; /* BAD was said since it was cleared */
    char report[256]; /* what came by itself behind u->message */
    saint_ui_say report_say; /* NOTHING: nothing did */
    bool unread;      /* no key since u->message */
    double said;      /* when that was */
    int depth;   /* inside a pane's event or an action: what it does besides is not recorded */
    bool was_idle, recorded_wait;
    int record_w, record_h;
    double save_at;   /* when the session is written while it goes on; INFINITY = nothing new */
    bool save_off;    /* it could not be */
    char *written;    /* what stands in its file, as far as it is ours */
    char *last_words; /* for stderr, behind the screen */
    int record_failed; /* errno of the line that could not be recorded */
    int modules_open, theme; /* theme: of the session, -1 = not chosen */
    bool theme_asked; /* the terminal may say which one suits it */
    bool theme_chosen, model_chosen; /* on the screen: to be kept */
    bool model_back;                 /* when the model that was asked for cannot be opened, the one before comes back */
    bool kept_layer;                 /* cursor.at is the session's */
    bool asked_used;
    saint_settings asked; /* what --preset and --set gave; zero: nothing was asked */
    cJSON *session;       /* as it was read; members of others stay in it */
    int died;    /* signal that ends us */
    uint64_t model_ticket;
    bool opening; /* a model is being opened */
};

bool ui_idle(ui *u);            /* nothing runs, loads or is due */
void ui_stop_guests(ui *u, const char *why); /* ui_module.stop of all */
double ui_next_due(ui *u);      /* earliest timer, INFINITY = none */
void ui_tick(ui *u);            /* timers that are due */
void ui_pump(ui *u);            /* what loader, worker and modules have to say */
void ui_frame(ui *u);           /* draw and show now */
void ui_pump_stderr(ui *u);     /* what libraries print, into the log */
void ui_run(ui *u);             /* until it quits, or a script without a screen ends */
bool ui_wait(ui *u, double seconds); /* one turn of the poll loop; false: the program ends */

#endif
