/* cache.h - checkpoints of a run, found by the rolling key of everything they depend on; least recently used go first.
 *
 * ViT: after the attention of a block, right before its prune site. LLM: after a block, right before its prune site, together with the keys
 * and values that block wrote. So a new threshold re-runs that selection and what follows, nothing else. */
#ifndef SAINT_RUN_CACHE_H
#define SAINT_RUN_CACHE_H

#include "base/sha256.h"
#include "models/llm.h"
#include "models/rows.h"
#include "run/trace.h"

typedef struct {
    saint_digest key;
    saint_rows rows;
    float *metric, *attention; /* host: what selection reads at this site; attention may be NULL */
    saint_kv *kv;              /* LLM only */
    int kv_len;
    int n_images;
    saint_history *history;    /* [n_images] of everything before this point */
    int window_first, window_length; /* LLM: image window here */
    double seconds;            /* of the part of this layer that is done */
    size_t bytes;
    uint64_t used;
} saint_snapshot;

typedef struct saint_cache saint_cache;
saint_status saint_cache_open(saint_cache **out, size_t budget_bytes, saint_error *err);
void saint_cache_close(saint_cache *c); /* NULL is allowed */
/* Borrowed until the next put; NULL when absent. */
saint_snapshot *saint_cache_find(saint_cache *c, const saint_digest *key);
/* Takes ownership; a snapshot over the whole budget is dropped at once. */
void saint_cache_put(saint_cache *c, saint_snapshot *s);
size_t saint_cache_bytes(const saint_cache *c);
size_t saint_cache_budget(const saint_cache *c);
void saint_snapshot_free(saint_snapshot *s); /* NULL is allowed */

#endif
