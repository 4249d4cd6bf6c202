/* trace.h - what a run did: immutable snapshot with a reference count, so a view may hold one while the next run writes another. */
#ifndef SAINT_RUN_TRACE_H
#define SAINT_RUN_TRACE_H

#include "formats/preprocess.h"
#include "run/plan.h"
#include "select/stats.h"

/* One prune site of one picture. Lists hold ORIGINAL patch ids; rows that are no patch (text inside a wrong window) are -1 - position. */
typedef struct {
    int refs;
    saint_stage stage;
    int layer;
    const saint_method *method;
    saint_method_params p;
    int n_in;            /* candidates the method saw: all picture tokens, unless the LLM window is wrong */
    int image_in;        /* picture tokens present before */
    int n_keep;          /* picture tokens present behind */
    int text_dropped;    /* text rows lost to a wrong window */
    int n_rounds, n_merge;
    int32_t *in;         /* [n_in] candidates in order of entry */
    int32_t *kept;       /* [n_keep] picture tokens in the order the next layer sees */
    float *score;        /* [n_in] what the method ranked by, NaN where a token was not ranked */
    int32_t *neighbours; /* [n_in] -1 where the method has no such count */
    int16_t *round;      /* [n_in] iteration that dropped the token, -1 for survivors */
    saint_merge *merge;  /* [n_merge] indices into `in` */
    float margin;        /* distance between the last dropped and the first kept score */
    double seconds;      /* of the selection alone; on a device with merging and compaction */
    bool on_device;      /* decided where the rows lie; else by the host's code, whatever computed the layers */
} saint_trace_site;

typedef struct {
    saint_stage stage;
    int layer;
    int n_in, n_out;  /* rows that enter attention, rows that leave the MLP (ViT) or the site (LLM) */
    int image_in;     /* of those that enter, picture tokens */
    double seconds;   /* this picture's share of its batch; selection not included; 0 = not timed (device, nobody looked) */
    double flops;     /* analytic */
    bool reused;      /* taken from the checkpoint cache: seconds are those of the run that computed it */
    bool has_stats;
    float stats_threshold; /* what the statistics were counted with */
    int stats_K, stats_first; /* stats_first: row of the first token, -1 = all picture tokens (ViT) */
    saint_layer_stats stats;
} saint_trace_layer;

typedef struct {
    int n_sites, n_layers;
    saint_trace_site *site[SAINT_MAX_SITES];
    bool site_reused[SAINT_MAX_SITES];
    saint_trace_layer layer[2 * SAINT_MAX_LAYERS];
} saint_history;

typedef struct {
    saint_history history;
    saint_view_rect rect;     /* where the network's square lies on the photo */
    int vit_in;               /* patch tokens that enter the ViT */
    int vit_out;              /* patch tokens that leave it = rows into the projector */
    int n_prefix, n_suffix;   /* text rows before and behind the picture */
    int llm_in;               /* rows that enter the LLM */
    int window_first, window_length; /* candidates of the first LLM site */
    int n_logits;
    float *logits;            /* [n_logits] of the first answer token, or of the classifier; NULL = none computed */
    int n_ids;
    int32_t *ids;             /* [n_ids] answer tokens, end-of-sequence not included */
    char *answer;             /* decoded and trimmed; NULL for classifiers */
    const char *stop;         /* "eos", "length", or "" */
    double flops_vit, flops_projector, flops_prefill, flops_decode;
    size_t kv_bytes;          /* keys and values held at the end, all layers */
    double equivalent;        /* mean over layers of the picture tokens a layer sees (LLM layers; ViT layers for a classifier) */
} saint_trace_image;

/* Seconds on the monotonic clock, sums over the batch; parts taken from the cache count as 0. */
typedef struct {
    double preprocess, vit, selection, projector, prefill, decode, total;
} saint_timings;

typedef struct {
    int refs;
    int n_images;
    saint_trace_image *image; /* [n_images] */
    saint_timings seconds;
    saint_plan plan;
    saint_mode mode;
    saint_notes notes;
    int layers_reused, layers_run; /* of all pictures; a layer that only chose anew counts as reused in the LLM, as run in the ViT */
    int layers_question;           /* LLM layers in which only the question's rows ran, because another question had been asked before */
    saint_stage from_stage;        /* the first thing that ran: */
    int from_layer;                /* -1 = from the picture (ViT) or the prompt (LLM) */
    char device[24], dtype[8], tier[24];
    int threads;
} saint_trace;

saint_trace *saint_trace_ref(saint_trace *t);
void saint_trace_unref(saint_trace *t); /* NULL is allowed */
/* All sites, scores, statistics and logits as one safetensors file: image.I.{vit,llm}.L.{in,kept,score,neighbours,round}, ... */
saint_status saint_trace_save(const saint_trace *t, const char *path, saint_error *err);

/* inside the engine */
saint_trace *saint_trace_new(int n_images);
void saint_history_copy(saint_history *dst, const saint_history *src); /* shares the sites */
void saint_history_add(saint_history *h, saint_trace_site *s, bool reused); /* shares the site */
void saint_history_clear(saint_history *h);
saint_trace_site *saint_trace_site_new(int n_in, int n_keep, int n_merge);
void saint_trace_site_unref(saint_trace_site *s);

#endif
