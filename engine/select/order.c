/* order.c - scratch, ordered keys and what the fixed budgets share. */
#include <stdlib.h>

#include "select/internal.h"

saint_status saint_scratch_open(saint_scratch *s, size_t bytes, saint_error *err)
{
    *s = (saint_scratch){.size = bytes ? bytes : 64};
    s->base = aligned_alloc(64, s->size);
    if (!s->base) return saint_fail(err, SAINT_MEMORY, "token selection needs %zu bytes of memory, which are not to be had", s->size);
    return SAINT_OK;
}

void *saint_scratch_take(saint_scratch *s, size_t count, size_t element)
{
    void *p = s->base + s->used;
    s->used += saint_scratch_bytes(count, element);
    return s->used <= s->size ? p : NULL;
}

void saint_scratch_close(saint_scratch *s)
{
    free(s->base);
    *s = (saint_scratch){0};
}

/* Insertion for a handful, else least significant digit first. Digits that all keys share (often the exponent) are skipped, and so are
 * those of the index when the keys come in its order, as they mostly do: each pass is stable. */
void saint_order_sort(uint64_t *key, uint64_t *tmp, int n)
{
    if (n <= 24) {
        for (int i = 1; i < n; i++) {
            uint64_t k = key[i];
            int j = i;
            for (; j > 0 && key[j - 1] < k; j--) key[j] = key[j - 1];
            key[j] = k;
        }
        return;
    }
    uint64_t any = 0;
    uint32_t in_order = 1;
    for (int i = 1; i < n; i++) {
        any |= key[i] ^ key[0];
        in_order &= (uint32_t)((uint32_t)key[i - 1] >= (uint32_t)key[i]);
    }
    uint64_t *from = key, *to = tmp;
    for (int shift = in_order ? 32 : 0; shift < 64; shift += 8) {
        if (!(any >> shift & 255)) continue;
        uint32_t start[256] = {0};
        for (int i = 0; i < n; i++) start[from[i] >> shift & 255]++;
        uint32_t at = 0;
        for (int d = 255; d >= 0; d--) {
            uint32_t count = start[d];
            start[d] = at;
            at += count;
        }
        for (int i = 0; i < n; i++) to[start[from[i] >> shift & 255]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != key) memcpy(key, from, (size_t)n * sizeof *key);
}

float saint_order_margin(const uint64_t *key, int n, int n_first, const float *score)
{
    if (n_first <= 0 || n_first >= n) return INFINITY;
    float a = score[saint_order_index(key[n_first - 1])], b = score[saint_order_index(key[n_first])];
    return a == b ? 0.0f : fabsf(a - b);
}

int saint_budget_drop(const saint_select_in *in)
{
    if (in->forced_drop >= 0) return in->forced_drop;
    int64_t keep;
    if (in->p.keep_num >= 0) {
        keep = (int64_t)in->p.keep_num - in->n_prefix;
    } else {
        /* keep_ratio is an f32 that stands for a decimal number: 0.6f * 10 is 6.0000002 and means 6. */
        double exact = (double)in->p.keep_ratio * in->n, whole = nearbyint(exact);
        keep = (int64_t)(fabs(exact - whole) <= 1.2e-7 * exact ? whole : ceil(exact));
    }
    if (keep < 0) keep = 0;
    if (keep > in->n) keep = in->n;
    return in->n - (int)keep;
}

void saint_keep_in_order(const saint_select_in *in, saint_select_out *out)
{
    out->n_keep = 0;
    for (int i = 0; i < in->n; i++)
        if (out->round[i] < 0) out->kept[out->n_keep++] = i;
}

saint_status saint_drop_by_score(const saint_select_in *in, saint_select_out *out, int n_drop, bool drop_high, bool sorted,
                                 saint_error *err)
{
    saint_scratch s;
    size_t n = (size_t)in->n;
    saint_status status = saint_scratch_open(&s, 2 * saint_scratch_bytes(n, sizeof(uint64_t)), err);
    if (status != SAINT_OK) return status;
    uint64_t *key = saint_scratch_take(&s, n, sizeof *key), *tmp = saint_scratch_take(&s, n, sizeof *tmp);
    for (int i = 0; i < in->n; i++) key[i] = saint_order_key(out->score[i], i);
    saint_order_sort(key, tmp, in->n);
    int first = drop_high ? n_drop : in->n - n_drop; /* keys in front of the cut */
    for (int k = drop_high ? 0 : first; k < (drop_high ? first : in->n); k++) out->round[saint_order_index(key[k])] = 0;
    out->n_rounds = n_drop > 0;
    out->margin = saint_order_margin(key, in->n, first, out->score);
    if (sorted) {
        out->n_keep = in->n - n_drop;
        for (int k = 0; k < out->n_keep; k++) out->kept[k] = saint_order_index(key[k + (drop_high ? n_drop : 0)]);
    } else {
        saint_keep_in_order(in, out);
    }
    saint_scratch_close(&s);
    return SAINT_OK;
}
