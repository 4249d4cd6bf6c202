/* internal.h - inside of a run: shared by execute_vit.c, execute_llm.c and session.c. */
#ifndef SAINT_RUN_INTERNAL_H
#define SAINT_RUN_INTERNAL_H

#include "models/llm.h"
#include "models/vit.h"
#include "models/weights.h"
#include "run/cache.h"
#include "run/session.h"

struct saint_session {
    saint_engine *engine;
    saint_model *m;
    saint_backend *b;
    saint_cache *cache;
    saint_plan last_plan; /* of the last run, to name what changed */
    bool has_last;
    /* keys of the last run's timeline, for previews */
    saint_digest vit_key[SAINT_MAX_LAYERS], llm_key[SAINT_MAX_LAYERS];
    int n_vit_keys, n_llm_keys;
};

typedef struct {
    saint_session *s;
    saint_backend *b;
    const saint_model *m;
    const saint_request *req;
    const saint_observer *ob;
    saint_trace *t;
    double start;
    saint_error *err;
} saint_run;

/* Prompt of the run: text ids around the picture. */
typedef struct {
    int32_t *ids;
    int n_prefix, n_suffix;
} saint_text;

/* keys.c */
saint_digest saint_key_pixels(const saint_session *s, const float *pixels, int n_images);
saint_digest saint_key_next(const saint_digest *key, const char *tag, int layer, const saint_site *site, unsigned compat);
saint_digest saint_key_llm(const saint_digest *features, int image, const saint_text *text, int window_first, int window_length);
/* Keys of all ViT checkpoints and, behind them, of the features. */
void saint_keys_vit(const saint_session *s, const saint_plan *p, saint_digest start, saint_digest key[SAINT_MAX_LAYERS], saint_digest *features);
void saint_keys_llm(const saint_session *s, const saint_plan *p, saint_digest start, saint_digest key[SAINT_MAX_LAYERS]);

/* execute_vit.c: rows behind the last block; the caller frees them and closes the forward object. */
saint_status saint_run_vit(saint_run *r, const float *pixels, saint_rows *rows, saint_vit_forward **forward, saint_digest *features);
/* execute_llm.c: prefill and decode of picture `image`, whose projected features are n_features rows on the backend (NULL = text only). */
saint_status saint_run_llm(saint_run *r, int image, const float *features, int n_features, const int32_t *patch, const saint_text *text,
                           const saint_digest *features_key);

/* site.c: one site of every sequence in rows. `first` and `n` are the candidate rows of each sequence (relative to its first row). Decides,
 * records into the histories, merges and gathers. ascending: survivors keep their old order (LLM). */
typedef struct {
    const saint_site *site;
    const float *metric;    /* [total rows of rows, dim] for the ViT (prefix rows included); [n, dim] candidates for the LLM */
    const float *attention; /* like metric, one column; or NULL */
    int dim;
    int n_prefix;           /* rows in front that are never candidates */
    int window;             /* candidates behind the prefix; -1 = all that follow */
    bool metric_is_window;  /* metric starts at the first candidate */
    bool ascending;
} saint_site_input;
saint_status saint_run_site(saint_run *r, const saint_site_input *in, saint_rows *rows, saint_history *const *history);

/* The decision alone, for one sequence of rows. */
saint_status saint_site_preview(const saint_model_info *m, unsigned compat, const saint_site_input *in, const saint_rows *rows, int seq,
                                saint_trace_site **out, saint_error *err);

bool saint_run_stopped(saint_run *r);                      /* polls cancellation */
bool saint_run_event(saint_run *r, const saint_event *e);  /* false: cancelled */
saint_status saint_run_tap(saint_run *r, const float *backend_data, int64_t rows, int64_t cols, const char *fmt, int layer);

#endif
