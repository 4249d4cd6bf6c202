#include "backend/cuda/plans.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    saint_gemm_key key;
    void *plan;
    uint64_t used;
    int next; /* in the chain of its bucket, or -1 */
} entry;

struct saint_gemm_plans {
    entry *entry;
    int *bucket; /* [buckets] first entry, or -1 */
    int n, most, buckets;
    uint64_t clock;
    void (*drop)(void *ctx, void *plan);
    void *ctx;
};

int32_t saint_alignment_of(const void *p)
{
    uintptr_t a = (uintptr_t)p | 256;
    return (int32_t)(a & ~(a - 1));
}

static bool same(const saint_gemm_key *a, const saint_gemm_key *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->ldx == b->ldx && a->ldy == b->ldy && a->type == b->type && a->ytype == b->ytype &&
           a->bias == b->bias && a->residual == b->residual && a->align_x == b->align_x && a->align_w == b->align_w && a->align_y == b->align_y &&
           a->align_bias == b->align_bias;
}

static int bucket_of(const saint_gemm_plans *p, const saint_gemm_key *k)
{
    const int64_t part[] = {k->m, k->n, k->k, k->ldx, k->ldy, k->type, k->ytype, k->bias, k->residual, k->align_x, k->align_w, k->align_y, k->align_bias};
    uint64_t h = 0;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        h = (h ^ (uint64_t)part[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return (int)(h % (uint64_t)p->buckets);
}

saint_status saint_gemm_plans_new(saint_gemm_plans **out, int most, void (*drop)(void *ctx, void *plan), void *ctx, saint_error *err)
{
    *out = NULL;
    saint_gemm_plans *p = calloc(1, sizeof *p);
    size_t n = (size_t)most;
    if (p) *p = (saint_gemm_plans){.most = most, .buckets = 2 * most + 1, .drop = drop, .ctx = ctx};
    if (p) p->entry = calloc(n, sizeof *p->entry);
    if (p) p->bucket = malloc((2 * n + 1) * sizeof *p->bucket);
    if (!p || !p->entry || !p->bucket) {
        saint_gemm_plans_free(p);
        return saint_fail(err, SAINT_MEMORY, "no memory for %d prepared products", most);
    }
    for (int i = 0; i < p->buckets; i++) p->bucket[i] = -1;
    *out = p;
    return SAINT_OK;
}

void saint_gemm_plans_free(saint_gemm_plans *p)
{
    if (!p) return;
    for (int i = 0; i < p->n; i++) p->drop(p->ctx, p->entry[i].plan);
    free(p->entry);
    free(p->bucket);
    free(p);
}

void *saint_gemm_plans_find(saint_gemm_plans *p, const saint_gemm_key *key)
{
    for (int i = p->bucket[bucket_of(p, key)]; i >= 0; i = p->entry[i].next)
        if (same(&p->entry[i].key, key)) {
            p->entry[i].used = ++p->clock;
            return p->entry[i].plan;
        }
    return NULL;
}

/* The place of the least recently used plan, taken out of its chain. */
static int evict(saint_gemm_plans *p)
{
    int old = 0;
    for (int i = 1; i < p->n; i++)
        if (p->entry[i].used < p->entry[old].used) old = i;
    int *at = &p->bucket[bucket_of(p, &p->entry[old].key)];
    while (*at != old) at = &p->entry[*at].next;
    *at = p->entry[old].next;
    p->drop(p->ctx, p->entry[old].plan);
    return old;
}

saint_status saint_gemm_plans_put(saint_gemm_plans *p, const saint_gemm_key *key, void *plan, saint_error *err)
{
    if (saint_gemm_plans_find(p, key)) {
        p->drop(p->ctx, plan);
        return saint_fail(err, SAINT_STATE, "a product was prepared twice");
    }
    int at = p->n < p->most ? p->n++ : evict(p), bucket = bucket_of(p, key);
    p->entry[at] = (entry){*key, plan, ++p->clock, p->bucket[bucket]};
    p->bucket[bucket] = at;
    return SAINT_OK;
}

int saint_gemm_plans_count(const saint_gemm_plans *p)
{
    return p->n;
}
