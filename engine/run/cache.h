/* cache.h - checkpoints of a run, found by the rolling key of everything they depend on.
 *
 * ViT: after the attention of a block, right before its prune site. LLM: after a block, right before its prune site, together with the keys
 * and values that block wrote. So a new threshold re-runs that selection and what follows, nothing else.
 *
 * One thread runs and puts; previews and forecasts look from any other. Snapshots are counted references and never change once they can be
 * found. On a device that works behind the host's back they are not complete yet when their memory is taken: such a one is `pending`, which
 * counts against the budget, may have to go like any other, and is found by nobody until it is published. What the present run found, and the LLM layers it adds, stay: an LLM resumes from an unbroken chain of layers, so letting
 * the oldest go would make all the others worthless. Everything else goes least recently used first. */
#ifndef SAINT_RUN_CACHE_H
#define SAINT_RUN_CACHE_H

#include "base/sha256.h"
#include "models/llm.h"
#include "models/rows.h"
#include "run/reading.h"
#include "run/trace.h"

typedef struct {
    int refs; /* atomic */
    saint_digest key;
    saint_digest picture_key; /* LLM: the same without the question; what all questions about a picture share */
    bool has_picture_key;
    saint_rows rows;
    saint_reading *read; /* one row per row of `rows`: what selection reads at this site */
    saint_kv *kv;              /* LLM only */
    int kv_len, n_suffix, n_features;
    int n_images;
    saint_history *history; /* [n_images] of everything before this point */
    double seconds;         /* of the part of this layer that is done */
    size_t bytes;
    bool pending;      /* patch, pos and size of rows, history and seconds follow */
    /* of one that is pending: decisions that nobody had told of when it was made; layers in its history; its own layer */
    int told, n_layers, layer;
    uint64_t used, run, found; /* order of use; the run that holds it; the last run that took something up from it */
} saint_snapshot;

typedef struct saint_cache saint_cache;
saint_status saint_cache_open(saint_cache **out, size_t budget_bytes, saint_error *err);
void saint_cache_close(saint_cache *c); /* NULL is allowed */
/* A new run: what earlier ones found may go again. */
void saint_cache_begin(saint_cache *c);
/* For the thread that runs: the snapshot stays for the rest of this run. picture: by the key without the question. NULL when absent. */
const saint_snapshot *saint_cache_find(saint_cache *c, const saint_digest *key, bool picture);
/* For everybody else: one more reference (saint_snapshot_unref), no trace in the order of use. NULL when absent. */
saint_snapshot *saint_cache_acquire(saint_cache *c, const saint_digest *key, bool picture);
/* Takes the caller's reference; a snapshot without room is dropped at once. */
void saint_cache_put(saint_cache *c, saint_snapshot *s);
/* For the thread that runs: all that are pending, to be completed; then all of them can be found, or all of them go. */
void saint_cache_each_pending(saint_cache *c, void (*fn)(void *ud, saint_snapshot *s), void *ud);
void saint_cache_publish(saint_cache *c);
void saint_cache_drop_pending(saint_cache *c);
/* Drops what was used least recently until `bytes` are free, but nothing that the present run has found; what it has added goes last. false
 * when there was nothing to drop. For a device that is out of memory. */
bool saint_cache_shrink(saint_cache *c, size_t bytes);
size_t saint_cache_bytes(saint_cache *c);
size_t saint_cache_budget(const saint_cache *c);
saint_snapshot *saint_snapshot_new(void);     /* one reference; NULL without memory */
void saint_snapshot_unref(saint_snapshot *s); /* NULL is allowed */

#endif
