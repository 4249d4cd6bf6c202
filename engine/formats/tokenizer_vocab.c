/* tokenizer_vocab.c - pieces, merges and added tokens: the tables of a tokenizer. */
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_internal.h"

saint_status saint_tok_no_memory(const char *what, saint_error *err)
{
    return saint_fail(err, SAINT_MEMORY, "%s: no memory for the tokenizer", what);
}

saint_tokenizer *saint_tok_new(void)
{
    saint_tokenizer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->bos = t->eos = t->unk = t->unk_shown = t->pad = -1;
    for (int i = 0; i < 256; i++) t->byte_id[i] = t->byte_end_id[i] = -1;
    return t;
}

void saint_tokenizer_free(saint_tokenizer *t)
{
    if (!t) return;
    for (int i = 0; i < t->size; i++) free(t->piece[i].text);
    for (int i = 0; i < t->n_norm; i++) free(t->norm[i].a), free(t->norm[i].b);
    for (int i = 0; i < t->n_meta; i++) free(t->meta[i].a), free(t->meta[i].b);
    for (int s = 0; s < 3; s++) {
        for (size_t i = 0; i < t->added[s].n; i++) free(t->added[s].v[i].text);
        free(t->added[s].v);
    }
    free(t->piece);
    free(t->map);
    free(t->rank);
    free(t->merge);
    free(t->suffix);
    free(t);
}

saint_status saint_tok_put(saint_tokenizer *t, int id, const char *text, size_t len, unsigned flags, const char *what, saint_error *err)
{
    if (id < 0 || id >= SAINT_TOK_MAX_PIECES)
        return saint_fail(err, SAINT_FORMAT, "%s: expected token ids from 0 to %d, found %d", what, SAINT_TOK_MAX_PIECES - 1, id);
    if (len > SAINT_TOK_MAX_PIECE)
        return saint_fail(err, SAINT_FORMAT, "%s: token %d is %zu bytes long, at most %d are read", what, id, len, SAINT_TOK_MAX_PIECE);
    if (id >= t->capacity) {
        int cap = t->capacity ? t->capacity : 1024;
        while (cap <= id) cap *= 2;
        saint_piece *p = realloc(t->piece, (size_t)cap * sizeof *p);
        if (!p) return saint_tok_no_memory(what, err);
        memset(p + t->capacity, 0, (size_t)(cap - t->capacity) * sizeof *p);
        t->piece = p;
        t->capacity = cap;
    }
    saint_piece *p = &t->piece[id];
    if (p->text) return saint_fail(err, SAINT_FORMAT, "%s: token id %d is given to both '%s' and '%.*s'", what, id, p->text,
                                   (int)(len > 80 ? 80 : len), text);
    char *copy = malloc(len + 1);
    if (!copy) return saint_tok_no_memory(what, err);
    memcpy(copy, text, len);
    copy[len] = 0;
    *p = (saint_piece){.text = copy, .len = (uint32_t)len, .flags = (uint8_t)flags};
    if (id >= t->size) t->size = id + 1;
    if ((flags & SAINT_PIECE_NORMAL) && len > t->longest) t->longest = (uint32_t)len;
    return SAINT_OK;
}

static uint32_t hash_text(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
    h ^= h >> 15; /* FNV's low bits are weak and the table is indexed by them */
    h *= 0x2c1b3c6du;
    return h ^ h >> 13;
}

static uint32_t table_size(size_t n)
{
    uint32_t slots = 16;
    while (slots < n * 2) slots *= 2;
    return slots;
}

/* The slot that holds text, or the free one where it belongs. */
static uint32_t slot_of(const saint_tokenizer *t, const char *text, size_t len)
{
    uint32_t at = hash_text(text, len) & t->map_mask;
    while (t->map[at] >= 0) {
        const saint_piece *p = &t->piece[t->map[at]];
        if (p->len == len && memcmp(p->text, text, len) == 0) break;
        at = (at + 1) & t->map_mask;
    }
    return at;
}

saint_status saint_tok_index(saint_tokenizer *t, const char *what, saint_error *err)
{
    uint32_t slots = table_size((size_t)t->size);
    free(t->map);
    t->map = malloc(slots * sizeof *t->map);
    if (!t->map) return saint_tok_no_memory(what, err);
    memset(t->map, 0xff, slots * sizeof *t->map);
    t->map_mask = slots - 1;
    for (int i = 0; i < t->size; i++) {
        if (!t->piece[i].text) continue;
        uint32_t at = slot_of(t, t->piece[i].text, t->piece[i].len);
        if (t->map[at] >= 0)
            return saint_fail(err, SAINT_FORMAT, "%s: tokens %d and %d have the same text '%.80s'", what, t->map[at], i, t->piece[i].text);
        t->map[at] = i;
    }
    return SAINT_OK;
}

int saint_tok_lookup(const saint_tokenizer *t, const char *text, size_t len)
{
    return t->map ? t->map[slot_of(t, text, len)] : -1;
}

typedef struct {
    float score;
    int id;
} scored;

static int better_first(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

saint_status saint_tok_rank_scores(saint_tokenizer *t, const float *score, const char *what, saint_error *err)
{
    size_t n = (size_t)t->size;
    scored *s = malloc((n + 1) * sizeof *s);
    t->rank = malloc((n + 1) * sizeof *t->rank);
    if (!s || !t->rank) {
        free(s);
        return saint_tok_no_memory(what, err);
    }
    for (size_t i = 0; i < n; i++) s[i] = (scored){score[i], (int)i};
    qsort(s, n, sizeof *s, better_first);
    for (size_t i = 0, r = 0; i < n; i++) {
        if (i && s[i].score != s[i - 1].score) r = i;
        t->rank[s[i].id] = (uint32_t)r;
    }
    free(s);
    t->by_score = true;
    return SAINT_OK;
}

saint_status saint_tok_merges_reserve(saint_tokenizer *t, size_t n, const char *what, saint_error *err)
{
    if (n > (size_t)SAINT_TOK_MAX_PIECES * 4)
        return saint_fail(err, SAINT_FORMAT, "%s: expected at most %d merges, found %zu", what, SAINT_TOK_MAX_PIECES * 4, n);
    uint32_t slots = table_size(n);
    t->merge = malloc(slots * sizeof *t->merge);
    if (!t->merge) return saint_tok_no_memory(what, err);
    for (uint32_t i = 0; i < slots; i++) t->merge[i].id = -1;
    t->merge_mask = slots - 1;
    return SAINT_OK;
}

static uint32_t merge_slot(const saint_tokenizer *t, uint64_t key)
{
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(h ^ h >> 32) & t->merge_mask;
    while (t->merge[at].id >= 0 && t->merge[at].key != key) at = (at + 1) & t->merge_mask;
    return at;
}

void saint_tok_merge_put(saint_tokenizer *t, int left, int right, uint32_t rank, int id)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    t->merge[merge_slot(t, key)] = (saint_merge){key, rank, id};
}

const saint_merge *saint_tok_merge_find(const saint_tokenizer *t, int left, int right)
{
    if (!t->merge) return NULL;
    const saint_merge *m = &t->merge[merge_slot(t, (uint64_t)(uint32_t)left << 32 | (uint32_t)right)];
    return m->id >= 0 ? m : NULL;
}

static saint_status added_append(saint_tokenizer *t, int set, const char *text, size_t len, saint_added one, const char *what,
                                 saint_error *err)
{
    saint_added_set *s = &t->added[set];
    if (len == 0) return SAINT_OK; /* a token that matches nothing */
    if ((s->n & (s->n - 1)) == 0) { /* full at every power of two */
        saint_added *v = realloc(s->v, (s->n ? s->n * 2 : 1) * sizeof *v);
        if (!v) return saint_tok_no_memory(what, err);
        s->v = v;
    }
    one.text = malloc(len + 1);
    if (!one.text) return saint_tok_no_memory(what, err);
    memcpy(one.text, text, len);
    one.text[len] = 0;
    one.len = (uint32_t)len;
    one.order = (uint32_t)s->n;
    s->v[s->n++] = one;
    return SAINT_OK;
}

saint_status saint_tok_added_declare(saint_tokenizer *t, int id, const char *text, bool special, const char *what, saint_error *err)
{
    unsigned flags = SAINT_PIECE_ADDED | (special ? (unsigned)SAINT_PIECE_SPECIAL : 0);
    size_t len = strlen(text);
    if (id < 0 || id >= t->size || !t->piece[id].text) return saint_tok_put(t, id, text, len, flags, what, err);
    saint_piece *p = &t->piece[id];
    if (p->len != len || memcmp(p->text, text, len) != 0)
        return saint_fail(err, SAINT_FORMAT, "%s: token id %d is '%.80s' in the vocabulary and '%.80s' among the added tokens", what, id,
                          p->text, text);
    p->flags = (uint8_t)(p->flags | flags);
    return SAINT_OK;
}

saint_status saint_tok_added_put(saint_tokenizer *t, int id, bool normalised, bool eat_left, bool eat_right, const char *what,
                                 saint_error *err)
{
    const saint_piece *p = &t->piece[id];
    saint_added one = {.id = id, .eat_left = eat_left, .eat_right = eat_right};
    if (!normalised) return added_append(t, 0, p->text, p->len, one, what, err);
    saint_status s = SAINT_OK;
    for (int set = 1; s == SAINT_OK && set <= 2; set++) {
        saint_buf b = {0};
        if (!saint_tok_normalise(t->norm, t->n_norm, p->text, p->len, true, set == 1, &b)) s = saint_tok_no_memory(what, err);
        else if (b.n > SAINT_TOK_MAX_PIECE)
            s = saint_fail(err, SAINT_FORMAT, "%s: the added token %d is too long when normalised", what, id);
        else s = added_append(t, set, b.data, b.n, one, what, err);
        saint_buf_free(&b);
    }
    return s;
}

static int by_text(const void *a, const void *b)
{
    const saint_added *x = a, *y = b;
    int c = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    if (c) return c;
    if (x->len != y->len) return x->len < y->len ? -1 : 1;
    return x->order > y->order ? -1 : x->order < y->order;
}

void saint_tok_added_done(saint_tokenizer *t)
{
    for (int s = 0; s < 3; s++)
        if (t->added[s].n) qsort(t->added[s].v, t->added[s].n, sizeof *t->added[s].v, by_text);
}

/* The tokens that share the first k bytes with the text are a range of the sorted list; each further byte narrows it. */
const saint_added *saint_tok_added_match(const saint_added_set *s, const char *text, size_t n)
{
    const saint_added *best = NULL;
    size_t lo = 0, hi = s->n;
    for (size_t k = 0; lo < hi; k++) {
        if (s->v[lo].len == k) { /* shortest first: the one that ends here leads the range */
            best = &s->v[lo];
            while (lo < hi && s->v[lo].len == k) lo++;
        }
        if (k == n) break;
        unsigned char c = (unsigned char)text[k];
        size_t a = lo, b = hi;
        while (a < b) {
            size_t mid = a + (b - a) / 2;
            if ((unsigned char)s->v[mid].text[k] < c) a = mid + 1;
            else b = mid;
        }
        lo = a;
        b = hi;
        while (a < b) {
            size_t mid = a + (b - a) / 2;
            if ((unsigned char)s->v[mid].text[k] <= c) a = mid + 1;
            else b = mid;
        }
        hi = a;
    }
    return best;
}

bool saint_tok_find_bytes(saint_tokenizer *t)
{
    bool all = true;
    for (unsigned b = 0; b < 256; b++) {
        static const char hex[] = "0123456789ABCDEF";
        char name[] = "<0x00>";
        name[3] = hex[b >> 4];
        name[4] = hex[b & 15];
        int id = saint_tok_lookup(t, name, 6);
        t->byte_id[b] = id;
        if (id < 0) {
            all = false;
            continue;
        }
        t->piece[id].byte = (uint8_t)b;
    }
    return all;
}
