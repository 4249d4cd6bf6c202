/* session.h - running a model: requests in, traces out, and the timeline that re-runs only what changed.
 *
 * An engine owns the threads; a session owns one backend and one checkpoint cache for one model. saint_session_run is synchronous;
 * job.h puts it on a worker thread for programs with a loop of their own. */
#ifndef SAINT_RUN_SESSION_H
#define SAINT_RUN_SESSION_H

#include "run/trace.h"

typedef struct saint_engine saint_engine;
typedef struct saint_session saint_session;

typedef struct {
    int n_threads;    /* 0 = the CPUs this process may run on */
    const char *tier; /* kernels: "generic", "avx2", "avx512", "avx512bf16"; NULL = the best this CPU has */
} saint_engine_options;

saint_status saint_engine_open(saint_engine **out, const saint_engine_options *o, saint_error *err);
void saint_engine_close(saint_engine *e);     /* after its sessions; NULL is allowed */
bool saint_engine_has_tier(const char *tier); /* whether this CPU runs those kernels */
int saint_engine_threads(const saint_engine *e);

typedef struct {
    saint_dtype dtype;       /* SAINT_F32: strict; on the CPU the same bits for any batch, thread count and resume point. SAINT_BF16: fast;
                              * SAINT_F16: fast, CUDA only */
    size_t checkpoint_bytes; /* budget of the cache, in the memory of the device that computes; 0 = keep nothing */
    const char *backend;     /* "cpu" (also NULL), "cuda", or "auto": cuda where the device passes saint_engine_check_device */
    int device;              /* which one, for cuda */
    bool plain;              /* no work of the device is recorded and replayed: for measuring what that saves */
} saint_session_options;

/* Whether CUDA device `device` computes what the CPU computes in that type: a product and an attention, a few milliseconds once it is awake.
 * SAINT_DEVICE, SAINT_MEMORY or SAINT_UNSUPPORTED, with what is wrong. */
saint_status saint_engine_check_device(saint_engine *e, int device, saint_dtype dtype, saint_error *err);

saint_status saint_session_open(saint_session **out, saint_engine *e, saint_model *m, const saint_session_options *o, saint_error *err);
void saint_session_close(saint_session *s); /* NULL is allowed */
const char *saint_session_tier(const saint_session *s);    /* kernels: "avx2", "sm_90" */
const char *saint_session_backend(const saint_session *s); /* "cpu" or "cuda" */
/* Most bytes that this process had in use on the session's device since the last call of this function: weights, checkpoints and what a run
 * needs. 0 on the CPU, whose memory is the process's own, and where the device does not tell. */
size_t saint_session_peak_bytes(saint_session *s);

/* What one more token of an answer reads of the model: bytes of its LLM's matrices. seconds: in which the session's threads read just these
 * once, the least that decoding a token takes on this memory; 0 where the device cannot be asked (CUDA). Both 0 without an LLM. */
saint_status saint_session_read_weights(saint_session *s, size_t *bytes, double *seconds, saint_error *err);

/* CUDA devices that this process sees; the first `cap` are told in out. Returns their number; 0: why tells in a few words. */
typedef struct {
    int index;
    char name[64];
    int capability, multiprocessors; /* 90: compute capability 9.0 */
    size_t bytes;
} saint_device;
int saint_engine_devices(saint_device *out, int cap, char *why, size_t size);

typedef struct {
    const saint_image *images; /* [n_images], or */
    const float *pixels;       /* f32 [n_images, 3, side, side], already preprocessed */
    int n_images;              /* 0 for a text-only LLM */
    const char *prompt;        /* question; the model's template is put around it. Or exact token ids: */
    const int32_t *ids;        /* [n_prefix + n_suffix], the picture goes between */
    int n_prefix, n_suffix;
    saint_settings settings;
    int max_new_tokens; /* 0 = prefill only: logits, no answer */
    bool ignore_eos;    /* fixed number of new tokens, for timing */
    bool want_stats;    /* similarity statistics of every layer, counted with each layer's own threshold and K, or with these: */
    bool stats_given;
    float stats_threshold;
    int stats_K;
    bool cold; /* nothing is taken from the checkpoints and nothing is added to them, as in a session without any: for timing. Forecasts
                * for it say so; previews go on looking at the last run that was not cold */
    bool has_picture_key; /* picture_key is saint_session_picture_key of these very pixels, so nobody hashes them again. Only with pixels */
    saint_digest picture_key;
} saint_request;

/* What stands for the pixels [n_images, 3, side, side] in all keys of this session. Megabytes are hashed: for a program that asks for many
 * runs and forecasts of one picture. */
saint_digest saint_session_picture_key(const saint_session *s, const float *pixels, int n_images);

typedef enum { SAINT_EVENT_LAYER, SAINT_EVENT_SITE, SAINT_EVENT_TOKEN } saint_event_kind;

typedef struct {
    saint_event_kind kind;
    saint_stage stage;
    int image, layer, done, total; /* layers of this stage, or tokens */
    int token;                     /* SAINT_EVENT_TOKEN */
    double seconds;                /* since the run started */
} saint_event;

typedef struct {
    /* After every layer, site and token, on the thread that runs. false stops with SAINT_CANCELLED; what is finished stays cached. */
    bool (*event)(void *ud, const saint_event *e);
    /* Every intermediate result by name ("vit.3.attn_resid", "llm.0.metric"): rows x cols f32, valid during the call; may be NULL. */
    void (*tap)(void *ud, const char *name, const float *data, int64_t rows, int64_t cols);
    void *ud;
    const int *cancel; /* atomic flag of the caller, polled like event's result; NULL = none */
} saint_observer;

/* Run the request; SAINT_STATE while another thread runs one in this session. *out is a new trace (unref it). On failure and cancellation
 * *out is NULL, what was finished is cached, and the session stays usable. Asking something else about a picture re-runs only the
 * question's rows where that is exact. */
saint_status saint_session_run(saint_session *s, const saint_request *r, const saint_observer *ob, saint_trace **out, saint_error *err);

/* What a request would reuse, without running it: the numbers that its trace will have. Any thread, also while a run is in progress. */
typedef struct {
    int layers_reused, layers_question, layers_to_run;
    saint_stage from_stage; /* first thing that runs */
    int from_layer;         /* -1 = from the picture (ViT) or the prompt (LLM) */
    double flops;           /* analytic, of what would run before the answer; vote-based sites are taken as if nothing was dropped there */
    char reason[160];       /* why it starts there */
} saint_forecast;
saint_status saint_session_forecast(saint_session *s, const saint_request *r, saint_forecast *out, saint_error *err);

/* Selection only, at one site, from the cached metric of the last run's timeline: well under a millisecond. SAINT_STATE when that site is
 * not cached. *out is a new site record (saint_trace_site_unref). Any thread, also while a run is in progress. compat: as settings have it;
 * its flags that place the LLM's window are those of the last run. */
saint_status saint_session_preview(saint_session *s, int image, const saint_site *site, unsigned compat, saint_trace_site **out,
                                   saint_error *err);

#endif
