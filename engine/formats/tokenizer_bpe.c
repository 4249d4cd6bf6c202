/* tokenizer_bpe.c - merging one word: a linked list of symbols and a heap of possible merges, so a text of n bytes takes n log n. */
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_internal.h"

typedef struct {
    uint32_t start, len; /* bytes of the word; len 0: swallowed by a merge */
    int32_t id;          /* -1: no piece of its own */
    int32_t prev, next;
} symbol;

typedef struct {
    uint32_t rank, left; /* best rank first, leftmost on ties */
    uint32_t len;        /* bytes of both halves: a candidate whose halves have changed is out of date */
    int32_t id;
} candidate;

struct saint_tok_work {
    symbol *sym;
    size_t n_sym, cap_sym;
    candidate *heap;
    size_t n_heap, cap_heap;
    int32_t *ids;
    size_t n_ids, cap_ids;
    saint_buf mapped; /* a word in byte-level characters */
};

saint_tok_work *saint_tok_work_new(void)
{
    return calloc(1, sizeof(saint_tok_work));
}

void saint_tok_work_free(saint_tok_work *w)
{
    if (!w) return;
    free(w->sym);
    free(w->heap);
    free(w->ids);
    saint_buf_free(&w->mapped);
    free(w);
}

static bool grow(void **v, size_t *cap, size_t n, size_t size)
{
    if (n < *cap) return true;
    size_t bigger = *cap ? *cap * 2 : 256;
    void *p = bigger > SIZE_MAX / size ? NULL : realloc(*v, bigger * size);
    if (!p) return false;
    *v = p;
    *cap = bigger;
    return true;
}

bool saint_tok_push(saint_tok_work *w, int32_t id)
{
    void *v = w->ids;
    bool ok = grow(&v, &w->cap_ids, w->n_ids, sizeof *w->ids);
    w->ids = v;
    if (ok) w->ids[w->n_ids++] = id;
    return ok;
}

int32_t *saint_tok_work_take(saint_tok_work *w, size_t *n)
{
    int32_t *v = w->ids ? w->ids : malloc(sizeof *v);
    *n = w->n_ids;
    w->ids = NULL;
    w->n_ids = w->cap_ids = 0;
    return v;
}

static bool add_symbol(saint_tok_work *w, size_t start, size_t len, int32_t id)
{
    void *v = w->sym;
    bool ok = grow(&v, &w->cap_sym, w->n_sym, sizeof *w->sym);
    w->sym = v;
    if (!ok) return false;
    int32_t at = (int32_t)w->n_sym++;
    w->sym[at] = (symbol){(uint32_t)start, (uint32_t)len, id, at - 1, -1};
    if (at) w->sym[at - 1].next = at;
    return true;
}

static bool less(const candidate *a, const candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static bool heap_push(saint_tok_work *w, candidate c)
{
    void *v = w->heap;
    bool ok = grow(&v, &w->cap_heap, w->n_heap, sizeof *w->heap);
    w->heap = v;
    if (!ok) return false;
    size_t i = w->n_heap++;
    for (; i && less(&c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
    return true;
}

static candidate heap_pop(saint_tok_work *w)
{
    candidate top = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < w->n_heap) {
        if (child + 1 < w->n_heap && less(&w->heap[child + 1], &w->heap[child])) child++;
        if (!less(&w->heap[child], &last)) break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

/* Offer the pair that starts at symbol `left`. Symbols are contiguous, so the join of two is a stretch of the word. */
static bool offer(const saint_tokenizer *t, saint_tok_work *w, const char *word, int32_t left)
{
    if (left < 0 || w->sym[left].next < 0) return true;
    const symbol *a = &w->sym[left], *b = &w->sym[a->next];
    candidate c = {.left = (uint32_t)left, .len = a->len + b->len};
    if (t->by_score) {
        if (c.len > t->longest) return true;
        c.id = saint_tok_lookup(t, word + a->start, c.len);
        if (c.id < 0 || !(t->piece[c.id].flags & SAINT_PIECE_NORMAL)) return true;
        c.rank = t->rank[c.id];
    } else {
        const saint_merge *m = a->id < 0 || b->id < 0 ? NULL : saint_tok_merge_find(t, a->id, b->id);
        if (!m) return true;
        c.id = m->id;
        c.rank = m->rank;
    }
    return heap_push(w, c);
}

static bool merge_all(const saint_tokenizer *t, saint_tok_work *w, const char *word)
{
    w->n_heap = 0;
    for (size_t i = 0; i + 1 < w->n_sym; i++)
        if (!offer(t, w, word, (int32_t)i)) return false;
    while (w->n_heap) {
        candidate c = heap_pop(w);
        symbol *a = &w->sym[c.left];
        if (a->len == 0 || a->next < 0 || a->len + w->sym[a->next].len != c.len) continue;
        symbol *b = &w->sym[a->next];
        a->len = c.len;
        a->id = c.id;
        a->next = b->next;
        b->len = 0;
        if (a->next >= 0) w->sym[a->next].prev = (int32_t)c.left;
        if (!offer(t, w, word, a->prev) || !offer(t, w, word, (int32_t)c.left)) return false;
    }
    return true;
}

static saint_status no_memory(saint_error *err)
{
    return saint_tok_no_memory("encode", err);
}

/* SentencePiece: symbols are characters, pieces or not; what is no piece after merging becomes bytes or unknown. */
static saint_status spm_word(const saint_tokenizer *t, saint_tok_work *w, const char *word, size_t n, saint_error *err)
{
    for (size_t i = 0, len; i < n; i += len) {
        int id = -1;
        if (saint_utf8_next(word + i, n - i, &len) == SAINT_UTF8_BAD) len = 1;
        else id = saint_tok_lookup(t, word + i, len);
        if (id >= 0 && !(t->piece[id].flags & SAINT_PIECE_NORMAL)) id = -1;
        if (!add_symbol(w, i, len, id)) return no_memory(err);
    }
    if (!merge_all(t, w, word)) return no_memory(err);
    bool unknown_before = false;
    for (int32_t i = w->n_sym ? 0 : -1; i >= 0; i = w->sym[i].next) {
        const symbol *s = &w->sym[i];
        bool unknown = s->id < 0 && !t->byte_fallback;
        bool ok = true;
        if (s->id >= 0) ok = saint_tok_push(w, s->id);
        else if (t->byte_fallback)
            for (uint32_t k = 0; ok && k < s->len; k++) ok = saint_tok_push(w, t->byte_id[(unsigned char)word[s->start + k]]);
        else if (!unknown_before) ok = saint_tok_push(w, t->unk); /* a run of unknown characters is one unknown token */
        if (!ok) return no_memory(err);
        unknown_before = unknown;
    }
    return SAINT_OK;
}

/* The id that the list-of-merges model starts a symbol with; -1: unknown. */
static int first_id(const saint_tokenizer *t, const char *p, size_t len, bool last)
{
    if (t->kind != SAINT_TOK_SPM) return (last ? t->byte_end_id : t->byte_id)[(unsigned char)*p];
    int id = saint_tok_lookup(t, p, len);
    return id >= 0 && (t->piece[id].flags & SAINT_PIECE_NORMAL) ? id : -1;
}

static bool has_all_bytes(const saint_tokenizer *t, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (t->byte_id[(unsigned char)p[i]] < 0) return false;
    return true;
}

/* Symbols of a word for the list-of-merges model: known characters, else their byte tokens, else the unknown token (a run of them is one
 * symbol when the file says fuse_unk). */
static saint_status list_symbols(const saint_tokenizer *t, saint_tok_work *w, const char *word, size_t n, saint_error *err)
{
    size_t unk_start = 0, unk_len = 0;
    for (size_t i = 0, len; i < n; i += len) {
        if (t->kind != SAINT_TOK_SPM || saint_utf8_next(word + i, n - i, &len) == SAINT_UTF8_BAD) len = 1;
        int id = first_id(t, word + i, len, i + len == n);
        bool bytes = id < 0 && t->kind == SAINT_TOK_SPM && t->byte_fallback && has_all_bytes(t, word + i, len);
        if (unk_len && (id >= 0 || bytes || !t->fuse_unk)) {
            if (!add_symbol(w, unk_start, unk_len, t->unk)) return no_memory(err);
            unk_len = 0;
        }
        if (id >= 0) {
            if (!add_symbol(w, i, len, id)) return no_memory(err);
        } else if (bytes) {
            for (size_t k = 0; k < len; k++)
                if (!add_symbol(w, i + k, 1, t->byte_id[(unsigned char)word[i + k]])) return no_memory(err);
        } else {
            if (t->unk < 0)
                return saint_fail(err, SAINT_UNSUPPORTED, "encode: the vocabulary has no piece for the byte 0x%02x and no unknown token",
                                  (unsigned)(unsigned char)word[i]);
            if (!unk_len) unk_start = i;
            unk_len += len;
        }
    }
    return unk_len && !add_symbol(w, unk_start, unk_len, t->unk) ? no_memory(err) : SAINT_OK;
}

static saint_status list_word(const saint_tokenizer *t, saint_tok_work *w, const char *word, size_t n, saint_error *err)
{
    if (t->ignore_merges) {
        const char *key = word;
        size_t len = n;
        if (t->kind != SAINT_TOK_SPM) {
            w->mapped.n = 0;
            for (size_t i = 0; i < n; i++)
                if (!saint_buf_add_cp(&w->mapped, saint_tok_byte_char((unsigned char)word[i]))) return no_memory(err);
            key = w->mapped.data;
            len = w->mapped.n;
        }
        int id = len <= t->longest ? saint_tok_lookup(t, key, len) : -1;
        unsigned wanted = SAINT_PIECE_NORMAL | SAINT_PIECE_SPECIAL;
        if (id >= 0 && (t->piece[id].flags & wanted) == SAINT_PIECE_NORMAL) return saint_tok_push(w, id) ? SAINT_OK : no_memory(err);
    }
    saint_status s = list_symbols(t, w, word, n, err);
    if (s != SAINT_OK) return s;
    if (!merge_all(t, w, word)) return no_memory(err);
    for (int32_t i = w->n_sym ? 0 : -1; i >= 0; i = w->sym[i].next)
        if (!saint_tok_push(w, w->sym[i].id)) return no_memory(err);
    return SAINT_OK;
}

saint_status saint_tok_bpe(const saint_tokenizer *t, saint_tok_work *w, const char *word, size_t n, saint_error *err)
{
    w->n_sym = 0;
    if (n == 0) return SAINT_OK;
    return t->by_score ? spm_word(t, w, word, n, err) : list_word(t, w, word, n, err);
}
