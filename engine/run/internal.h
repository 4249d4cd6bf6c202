/* internal.h - inside of a run: shared by session.c, request.c, reuse.c, site.c, execute_vit.c and execute_llm.c. */
#ifndef SAINT_RUN_INTERNAL_H
#define SAINT_RUN_INTERNAL_H

#include <pthread.h>

#include "backend/fused.h"
#include "models/llm.h"
#include "models/llm_decode.h"
#include "models/vit.h"
#include "models/weights.h"
#include "run/cache.h"
#include "run/session.h"

/* Keys of the LLM's layers for one picture: with the whole prompt, and without the question. */
typedef struct {
    saint_digest full[SAINT_MAX_LAYERS], picture[SAINT_MAX_LAYERS];
    int n_picture; /* layers 0..n_picture-1 treat the rows before the question alike whatever is asked */
} saint_llm_keys;

/* Image window of the LLM. */
typedef struct {
    int first, length;
} saint_window;

/* The timeline of the last run: what forecasts compare with and previews look up. */
typedef struct {
    saint_digest key[SAINT_MAX_LAYERS], picture_key[SAINT_MAX_LAYERS];
    saint_window window;
    int rows, n_suffix; /* rows that entered the LLM, and of them the question's */
} saint_llm_timeline;

typedef struct {
    bool known;
    saint_plan plan;
    saint_digest picture, prompt;
    saint_digest vit_key[SAINT_MAX_LAYERS];
    int n_vit;
    saint_llm_timeline *llm; /* [n_llm], one for each picture that reached the LLM */
    int n_llm;
} saint_timeline;

typedef struct saint_sites saint_sites; /* site_here.c */

/* vit_room.c: memory of ViT runs that stays between them, and the blocks of such runs as recordings, one for each plan and place to begin at. */
typedef struct {
    int n_sites; /* of the ViT */
    saint_site site[SAINT_MAX_LAYERS];
    uint32_t compat;
    int start;            /* layer behind whose attention it begins, from a checkpoint; -1: at the first */
    int rows;             /* that enter */
    bool merged, weighed; /* and what they are */
    bool counts, remembers; /* it leaves what statistics need and what checkpoints need in the room's stage */
    saint_recording *work;
    long runs;     /* of this plan in this shape */
    bool never;    /* it could not be recorded */
    uint64_t used; /* by the room's clock */
} saint_vit_script;
enum { SAINT_VIT_SCRIPTS = 32 };
typedef struct {
    char *stage;     /* backend: one slot for each layer, where recordings leave what is then copied into checkpoints; NULL until there are some */
    bool busy;       /* a run records, replays, or has yet to copy out of the stage */
    saint_rows rows;
    saint_vit_forward *f; /* NULL: nothing is kept, or a run is inside */
    saint_sites *sites;   /* NULL until a plan has some */
    saint_vit_script script[SAINT_VIT_SCRIPTS];
    uint64_t clock;
} saint_vit_room;

struct saint_session {
    saint_engine *engine;
    saint_model *m;
    saint_backend *b;
    saint_cache *cache;
    saint_decoder *decoder; /* opened with the first answer; NULL where the host decodes */
    saint_vit_room room;
    bool plain; /* nothing is recorded */
    bool adding; /* memory for a checkpoint or a recording is being asked for, which no checkpoint of this run goes for */
    bool running;         /* atomic */
    pthread_mutex_t lock; /* over last: a run writes it while previews and forecasts read */
    saint_timeline last;
};

/* Prompt of the run: text ids around the picture. */
typedef struct {
    int32_t *ids;
    int n_prefix, n_suffix;
} saint_text;

/* What of one picture's prefill is in the cache. */
typedef struct {
    int full;       /* layers whose block was computed for this very prompt */
    int question;   /* > 0: layers that were computed for another question; only the question's rows have to run. full is 0 then */
    int n_features; /* picture rows behind the projector; -1 = not known */
    saint_llm_keys keys;
} saint_llm_reuse;

/* What of a request is in the cache. The run asks for it at its start and a forecast at any time: one code, one answer. */
typedef struct {
    saint_digest picture, prompt, features;
    saint_digest vit_key[SAINT_MAX_LAYERS];
    bool has_vit;         /* a picture is part of the request */
    int vit;              /* layer whose attention is done, or -1: from the picture */
    bool skip_vit;        /* the LLM's part of every picture is there: nobody needs the features */
    saint_llm_reuse *llm; /* [n_images], NULL without an LLM */
    int n_images;
} saint_reuse;

typedef struct {
    saint_session *s;
    saint_backend *b;
    const saint_model *m;
    const saint_request *req;
    const saint_observer *ob;
    saint_trace *t;
    saint_reuse reuse;
    double start;
    saint_error *err;
} saint_run;

/* request.c */
saint_status saint_request_check(const saint_session *s, const saint_request *q, saint_error *err);
saint_status saint_request_text(const saint_session *s, const saint_request *q, saint_text *out, saint_error *err); /* free(out->ids) */
/* Pixels of all pictures; *owned is to be freed. rect [n_images] may be NULL. pool NULL = on this thread alone. */
saint_status saint_request_pixels(const saint_session *s, const saint_request *q, saint_pool *pool, saint_view_rect *rect,
                                  const float **pixels, float **owned, saint_error *err);
/* The answer's ids as text. */
saint_status saint_run_answer_text(saint_run *r, saint_trace_image *im);
saint_pool *saint_engine_pool(const saint_engine *e);
/* The key of the picture: the caller's where he gives one. */
saint_digest saint_request_picture(const saint_session *s, const saint_request *q, const float *pixels);

/* keys.c */
saint_digest saint_key_pixels(const saint_session *s, const float *pixels, int n_images);
saint_digest saint_key_text(const saint_text *text);
/* Keys of all ViT checkpoints and, behind them, of the features. */
void saint_keys_vit(const saint_session *s, const saint_plan *p, saint_digest start, saint_digest key[SAINT_MAX_LAYERS],
                    saint_digest *features);
/* n_picture is left at 0: it takes the number of features, see saint_keys_shared. */
void saint_keys_llm(const saint_session *s, const saint_plan *p, const saint_digest *features, int image, const saint_text *text,
                    saint_llm_keys *out);
/* How many layers see the same rows before the question whatever is asked. */
int saint_keys_shared(const saint_session *s, const saint_plan *p, const saint_text *text, int n_features);
/* The compat flags that a site of this stage depends on. */
uint32_t saint_plan_site_flags(const saint_plan *p, saint_stage stage);
/* The image window is derived; the user's numbers and the published ones are taken where they are asked for. Cut to the prompt's rows. */
saint_window saint_plan_window(const saint_plan *p, const saint_model_info *m, const saint_text *text, int n_features, saint_notes *notes);

/* reuse.c */
/* hold: what is found stays in the cache until the next run begins (for the thread that runs only). */
saint_status saint_reuse_find(const saint_session *s, const saint_request *q, const saint_plan *p, const saint_text *text,
                              const float *pixels, bool hold, saint_reuse *out, saint_error *err);
void saint_reuse_free(saint_reuse *r);
/* The first thing that runs; layer -1: from the picture (ViT) or the prompt (LLM). */
void saint_reuse_start(const saint_reuse *r, saint_stage *stage, int *layer);
/* Statistics of one layer's picture tokens for the parameters of that layer, and whether a record has them. */
/* What the statistics of a layer are counted with. */
saint_method_params saint_stats_params(const saint_request *q, saint_stage stage, int layer);
bool saint_stats_match(const saint_trace_layer *y, const saint_method_params *p);
saint_status saint_stats_of_rows(const float *metric, int first, int n, int dim, const saint_method_params *p, saint_trace_layer *out,
                                 saint_error *err);

void saint_vit_room_close(saint_backend *b, saint_vit_room *room);
/* Rows and scratch of n_images pictures with `total` rows: kept ones, or new ones. */
saint_status saint_vit_room_enter(saint_run *r, int n_images, int total, saint_rows *rows, saint_vit_forward **f);
/* Takes them back, or frees them. well: the run did not fail. f may be NULL. */
void saint_vit_room_leave(saint_run *r, saint_rows *rows, saint_vit_forward *f, bool well);
/* The sites of this run, kept or new ones (NULL: the host decides all), and back again. */
saint_status saint_vit_room_sites(saint_run *r, saint_rows *rows, saint_history *const *history, saint_sites **out);
void saint_vit_room_keep_sites(saint_run *r, saint_sites *sites);
/* *done: all blocks have been queued as one recording, and the host has only to follow (saint_sites_follow) and to wait. start: layer whose
 * attention is done, -1 = none. */
saint_status saint_vit_room_replay(saint_run *r, int start, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, bool *done);
/* What such a recording has left of a layer, whose rows these are; *then: the same rows with x and table.bias as they were behind its attention. */
typedef struct {
    float *x, *bias, *metric, *attention;
} saint_vit_slot;
saint_vit_slot saint_vit_room_staged(const saint_run *r, const saint_rows *rows, int layer, saint_rows *then);
/* Whoever followed a recording has taken what he needs. */
void saint_vit_room_unstage(saint_run *r);
/* Gives its memory back, between runs all and within one what no recording is at work with. false: nothing was there. */
bool saint_vit_room_reclaim(saint_backend *b, saint_vit_room *room);

/* execute_vit.c: rows behind the last block; the caller gives both to saint_vit_room_leave, also when this fails. */
saint_status saint_run_vit(saint_run *r, const float *pixels, saint_rows *rows, saint_vit_forward **forward);
/* The ViT's part of picture `image` from a checkpoint of its LLM: nothing runs. */
saint_status saint_run_vit_skipped(saint_run *r, int image);
/* What a picture's ViT cost and let through, from its history. */
void saint_run_vit_account(saint_run *r, int image, int vit_out);
/* execute_llm.c: prefill and decode of picture `image`, whose projected features are n_features rows on the backend (NULL: text only, or
 * nothing in front of the resume point is needed). */
saint_status saint_run_llm(saint_run *r, int image, const float *features, int n_features, const int32_t *patch, const saint_text *text);

/* site.c: one site of every sequence in rows. `first` and `n` are the candidate rows of each sequence (relative to its first row). Decides,
 * records into the histories, merges and gathers. ascending: survivors keep their old order (LLM). */
typedef struct {
    const saint_site *site;
    const float *metric;    /* [total rows of rows, dim], prefix and text rows included */
    const float *attention; /* like metric, one column; or NULL */
    int dim;
    int n_prefix; /* rows in front that are never candidates */
    int window;   /* candidates behind the prefix; -1 = all that follow */
    bool ascending;
    const saint_hand *hand; /* for SAINT_METHOD_HAND */
} saint_site_input;
saint_status saint_run_site(saint_run *r, const saint_site_input *in, saint_rows *rows, saint_history *const *history);
/* execute_vit.c: what the site of a ViT layer is given, in a run and in a recording. */
saint_site_input saint_vit_site_input(const saint_run *r, const saint_site *site, const float *metric, const float *attention);

/* Its parts, for sites that a backend decides by itself: the candidates of one picture (metric and attention NULL where there are none), and
 * record, merges and new order. done: the backend has merged and gathered x already, and only the host's tables are brought up to it. */
void saint_site_candidates(const saint_model_info *m, unsigned compat, const saint_site_input *in, const saint_rows *rows, int seq,
                           saint_select_in *out);
saint_status saint_site_apply(saint_run *r, const saint_site_input *in, saint_rows *rows, const saint_select_in *input, saint_select_out *out,
                              saint_history *const *history, double seconds, bool done);

/* execute_vit.c and execute_llm.c make checkpoints of these. The rows as they are and what selection reads of them: on the host (metric,
 * attention), or in the backend's memory where a stage runs ahead (sites). *out NULL without an error: nothing is remembered, or there is no
 * memory for it. The caller fills in keys. */
saint_status saint_run_snapshot(saint_run *r, saint_sites *sites, const saint_rows *rows, const float *metric, const float *attention, int dim,
                                size_t bytes, saint_snapshot **out);
/* Into the cache, with the histories as they are or will be. */
void saint_run_put(saint_run *r, saint_sites *sites, int layer, saint_snapshot *c, saint_history *const *history);

/* site_here.c: a stage that runs ahead of the host. Sites are decided in the backend's memory; the host knows at once how many rows are left and
 * the rest when it asks: one download for all sites of a stage, and with it the keys that statistics are counted from. What selection reads of
 * a layer stays in the backend's memory, in its checkpoint where there is one; checkpoints are completed when the sites are told.
 * NULL where the host decides: a backend without a chooser; an observer with a tap (for debugging: he wants every layer's numbers when they
 * are made, so each layer is waited for); or nobody asks for anything. Functions take NULL then. */
/* most: candidates of one picture at the first site. rows: may be filled later. */
saint_status saint_sites_open(saint_sites **out, saint_run *r, saint_stage stage, saint_rows *rows, int dim, int most,
                              saint_history *const *history);
void saint_sites_close(saint_sites *s);
/* Whether every site of the stage would be decided in the backend's memory by a budget, and none asks for a wait: the stage can be recorded. */
bool saint_sites_recordable(const saint_run *r, saint_stage stage, int dim, int most);
/* Kept sites for another run. false: they have no room for its plan. */
bool saint_sites_reuse(saint_sites *s, saint_run *r, saint_rows *rows, saint_history *const *history);
/* The rows' table as the host knows it, in front of a recording. */
saint_status saint_sites_post(saint_sites *s);
/* Whether what layers leave behind is asked for: checkpoints or statistics. */
bool saint_sites_looked_at(const saint_run *r);
/* Work is recorded from here on: what selection reads of a layer goes to saint_sites_stage's memory. Until saint_sites_recorded, which forgets
 * what was decided meanwhile: it was recorded and not done. */
void saint_sites_record(saint_sites *s);
void saint_sites_recorded(saint_sites *s);
/* The slot of the layer that is being recorded (NULL: nothing is kept); so many rows enter. */
void saint_sites_stage(saint_sites *s, float *metric, float *attention);
/* What a checkpoint has of the layer at hand to where a recording that begins behind it reads it. */
saint_status saint_sites_load(saint_sites *s);
/* From here on decisions are only followed: a recording makes them. */
void saint_sites_follow(saint_sites *s);
/* What a recording has left of the layer that is followed, copied to where its checkpoint keeps it. */
saint_status saint_sites_unstage(saint_sites *s, int rows, const float *metric, const float *attention);
/* For another run. */
void saint_sites_rest(saint_sites *s);
/* Before the attention of a layer with so many rows: where its metric and its attention go, in the backend's memory; NULL = nobody reads it. */
saint_status saint_sites_read(saint_sites *s, int layer, int rows, float **metric, float **attention);
/* What a checkpoint has of the layer at hand, instead. seconds: what it knows of the layer's time. */
void saint_sites_resume(saint_sites *s, int layer, saint_reading *read, double seconds);
/* Moments of the layer at hand: begin and end of its first part (ViT: attention; LLM: block) and of its second (ViT: MLP). Nothing where nobody
 * asks for times. */
enum { SAINT_PART_BEGIN, SAINT_PART_END };
saint_status saint_sites_mark(saint_sites *s, int layer, int part, int which);
/* The record that will be the next one of the histories gets the layer's statistics and its time. Rows `first` on, n of them. */
saint_status saint_sites_owe_stats(saint_sites *s, int image, int index, saint_reading *read, int first, int n, const saint_method_params *p);
saint_reading *saint_sites_reading(const saint_sites *s); /* of the layer at hand; NULL: none of its own */
/* A checkpoint of this place, complete but for what is not known yet; the caller's reference is taken. */
void saint_sites_remember(saint_sites *s, int layer, saint_snapshot *c);
/* The site `in->site`, whoever decides it; in->metric and in->attention are read where the host does. *stage: seconds of the stage, which
 * grow by what is not selection, because votes wait for the layers in front of them, too. */
saint_status saint_sites_run(saint_sites *s, saint_run *r, const saint_site_input *in, saint_rows *rows, saint_history *const *history,
                             double *stage);
/* Waits for everything that was queued (waited: the caller has done so already); then rows and histories know what was decided, and the
 * checkpoints can be found. *stage grows by that. When it fails the checkpoints are gone. */
saint_status saint_sites_settle(saint_sites *s, saint_run *r, bool waited, double *stage);
/* The stage ends early: what is finished stays, unless the device has failed. r's error is left alone. */
void saint_sites_abandon(saint_sites *s, saint_run *r, saint_status why);

/* The decision alone, for sequence seq of rows; the others matter where the published code couples a batch. */
saint_status saint_site_preview(const saint_model_info *m, unsigned compat, const saint_site_input *in, const saint_rows *rows, int seq,
                                saint_trace_site **out, saint_error *err);

/* session.c */
/* A session on a backend of the caller's, which it takes over (also when this fails). */
saint_status saint_session_open_on(saint_session **out, saint_engine *e, saint_model *m, saint_backend *b, size_t checkpoint_bytes,
                                   saint_error *err);
bool saint_run_stopped(saint_run *r);                      /* polls cancellation */
bool saint_run_event(saint_run *r, const saint_event *e);  /* false: cancelled */
saint_status saint_run_tap(saint_run *r, const float *backend_data, int64_t rows, int64_t cols, const char *fmt, int layer);
void saint_run_tap_host(saint_run *r, const float *data, int64_t rows, int64_t cols, const char *fmt, int layer);
/* Whether anybody will look at what selection reads behind a layer: its site, the statistics, an observer, or a checkpoint for previews. */
bool saint_run_reads_metric(const saint_run *r, saint_stage stage, int layer);
/* Whether this run leaves checkpoints behind. */
bool saint_run_remembers(const saint_run *r);
/* The same of the attention of the class token or the last row. */
bool saint_run_reads_attention(const saint_run *r, saint_stage stage, int layer);
/* A device works behind the caller's back. Where somebody looks at single layers the run waits for it behind each of them; elsewhere their
 * time is not known and recorded as 0, and only the stage as a whole is timed. */
saint_status saint_run_layer_done(saint_run *r);
double saint_run_layer_seconds(const saint_run *r, double elapsed);

#endif
