/* tokenizer_encode.c - text to ids and ids to text: sections between added tokens, normalising, cutting, merging; decoding. */
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_internal.h"

/* ---- normalising ---- */

static bool starts_with(const char *text, size_t n, const char *with)
{
    size_t k = strlen(with);
    return n >= k && memcmp(text, with, k) == 0;
}

static bool replace_all(const saint_norm *s, const char *text, size_t n, saint_buf *out)
{
    size_t a = strlen(s->a), b = strlen(s->b);
    for (size_t i = 0; i < n;) {
        bool hit = a && starts_with(text + i, n - i, s->a);
        if (!(hit ? saint_buf_add(out, s->b, b) : saint_buf_add(out, text + i, 1))) return false;
        i += hit ? a : 1;
    }
    return true;
}

static bool one_space_for_each_run(const saint_norm *s, const char *text, size_t n, saint_buf *out)
{
    bool before = false;
    for (size_t i = 0, len; i < n; i += len) {
        bool space = saint_uni_is_space(saint_utf8_next(text + i, n - i, &len));
        if (!(space ? before || saint_buf_add(out, s->b, strlen(s->b)) : saint_buf_add(out, text + i, len))) return false;
        before = space;
    }
    return true;
}

static bool trim(const char *text, size_t n, saint_buf *out)
{
    bool before = true;
    for (size_t i = 0; i < n; i++) {
        if (!(text[i] == ' ' && before) && !saint_buf_add(out, text + i, 1)) return false;
        before = text[i] == ' ';
    }
    return true;
}

static bool trim_right(const saint_norm *s, const char *text, size_t n, saint_buf *out)
{
    size_t k = strlen(s->a);
    while (k && n >= k && memcmp(text + n - k, s->a, k) == 0) n -= k;
    return saint_buf_add(out, text, n);
}

static bool one_step(const saint_norm *s, const char *text, size_t n, bool at_start, bool prefix, saint_buf *out)
{
    switch (s->kind) {
    case SAINT_NORM_TRIM: return trim(text, n, out);
    case SAINT_NORM_PREFIX: {
        bool put = prefix && n && (at_start || !s->first_only) && !(s->unless_there && starts_with(text, n, s->a));
        return (!put || saint_buf_add(out, s->a, strlen(s->a))) && saint_buf_add(out, text, n);
    }
    case SAINT_NORM_REPLACE: return replace_all(s, text, n, out);
    case SAINT_NORM_TRIM_RIGHT: return trim_right(s, text, n, out);
    case SAINT_NORM_SPACES: return one_space_for_each_run(s, text, n, out);
    case SAINT_NORM_NFC: return saint_uni_nfc(text, n, out);
    case SAINT_NORM_LOWER: return saint_uni_lowercase(text, n, out);
    }
    return false;
}

bool saint_tok_normalise(const saint_norm *step, int n_steps, const char *text, size_t n, bool at_start, bool prefix, saint_buf *out)
{
    saint_buf other = {0};
    out->n = 0;
    bool ok = saint_buf_add(out, text, n);
    for (int i = 0; ok && i < n_steps; i++) {
        saint_buf from = *out;
        *out = other;
        other = from;
        out->n = 0;
        ok = one_step(&step[i], other.data, other.n, at_start, prefix, out);
    }
    saint_buf_free(&other);
    return ok;
}

/* ---- sections, cuts, words ---- */

typedef struct {
    const saint_tokenizer *t;
    saint_tok_work *w;
    unsigned flags;
    saint_error *err;
} encoder;

typedef saint_status section_fn(encoder *e, const char *text, size_t n, bool at_start);

static size_t spaces_before(const char *text, size_t start, size_t end)
{
    while (end > start) {
        size_t k = end - 1, len;
        while (k > start && ((unsigned char)text[k] & 0xc0) == 0x80) k--;
        if (!saint_uni_is_space(saint_utf8_next(text + k, end - k, &len)) || k + len != end) break;
        end = k;
    }
    return end;
}

static size_t spaces_behind(const char *text, size_t n)
{
    size_t i = 0, len;
    while (i < n && saint_uni_is_space(saint_utf8_next(text + i, n - i, &len))) i += len;
    return i;
}

/* Cut the text at added tokens, the leftmost longest first, and give what lies between them to `then`. */
static saint_status split_added(encoder *e, const saint_added_set *set, const char *text, size_t n, bool at_start, section_fn *then)
{
    size_t done = 0, i = 0;
    bool look = set->n && (e->flags & SAINT_TOK_SPECIAL);
    while (look && i < n) {
        const saint_added *a = saint_tok_added_match(set, text + i, n - i);
        if (!a) {
            i++;
            continue;
        }
        size_t start = i < done ? done : i, stop = i + a->len;
        i = stop;
        if (a->eat_left) start = spaces_before(text, done, start);
        if (a->eat_right) {
            if (stop < done) stop = done; /* inside a run that is already eaten; looking at all of it again would be quadratic */
            stop += spaces_behind(text + stop, n - stop);
        }
        saint_status s = start > done ? then(e, text + done, start - done, at_start && done == 0) : SAINT_OK;
        if (s != SAINT_OK) return s;
        if (!saint_tok_push(e->w, a->id)) return saint_tok_no_memory("encode", e->err);
        done = stop > done ? stop : done;
    }
    return n > done ? then(e, text + done, n - done, at_start && done == 0) : SAINT_OK;
}

static saint_status cut_and_merge(encoder *e, int level, const char *text, size_t n)
{
    if (n == 0) return SAINT_OK;
    if (level == e->t->n_cut) return saint_tok_bpe(e->t, e->w, text, n, e->err);
    saint_cut c = e->t->cut[level];
    if (c == SAINT_CUT_SPACE_PREFIX) {
        if (text[0] == ' ') return cut_and_merge(e, level + 1, text, n);
        saint_buf b = {0};
        saint_status s = SAINT_OK;
        if (!saint_buf_add(&b, " ", 1) || !saint_buf_add(&b, text, n)) s = saint_tok_no_memory("encode", e->err);
        else s = cut_and_merge(e, level + 1, b.data, b.n);
        saint_buf_free(&b);
        return s;
    }
    for (size_t i = 0, len; i < n; i += len) {
        bool matched;
        len = saint_tok_cut_next(c, text + i, n - i, &matched);
        if (!matched && c == SAINT_CUT_CLIP) continue; /* its expression says what is kept: the spaces between are not */
        saint_status s = cut_and_merge(e, level + 1, text + i, len);
        if (s != SAINT_OK) return s;
    }
    return SAINT_OK;
}

static saint_status cut_section(encoder *e, const char *text, size_t n, bool at_start)
{
    if (!e->t->n_meta) return cut_and_merge(e, 0, text, n);
    saint_buf b = {0};
    saint_status s = SAINT_OK;
    if (!saint_tok_normalise(e->t->meta, e->t->n_meta, text, n, at_start, e->flags & SAINT_TOK_DUMMY_PREFIX, &b))
        s = saint_tok_no_memory("encode", e->err);
    else s = cut_and_merge(e, 0, b.data, b.n);
    saint_buf_free(&b);
    return s;
}

static saint_status normalise_section(encoder *e, const char *text, size_t n, bool at_start)
{
    bool prefix = e->flags & SAINT_TOK_DUMMY_PREFIX;
    saint_buf b = {0};
    saint_status s = SAINT_OK;
    if (!saint_tok_normalise(e->t->norm, e->t->n_norm, text, n, at_start, prefix, &b)) s = saint_tok_no_memory("encode", e->err);
    else s = split_added(e, &e->t->added[prefix ? 1 : 2], b.data, b.n, at_start, cut_section);
    saint_buf_free(&b);
    return s;
}

saint_status saint_tokenizer_encode(const saint_tokenizer *t, const char *text, size_t n, unsigned flags, int32_t **ids, size_t *count,
                                    saint_error *err)
{
    *ids = NULL;
    *count = 0;
    if (n > SAINT_TOK_MAX_TEXT)
        return saint_fail(err, SAINT_INVALID, "encode: expected at most %d bytes of text, found %zu", SAINT_TOK_MAX_TEXT, n);
    if ((flags & SAINT_TOK_BOS) && t->bos < 0)
        return saint_fail(err, SAINT_INVALID, "encode: this tokenizer has no begin-of-sequence token; encode without it");
    encoder e = {t, saint_tok_work_new(), flags, err};
    if (!e.w) return saint_tok_no_memory("encode", err);
    saint_status s = SAINT_OK;
    if ((flags & SAINT_TOK_BOS) && !saint_tok_push(e.w, t->bos)) s = saint_tok_no_memory("encode", err);
    if (s == SAINT_OK) s = split_added(&e, &t->added[0], text, n, true, normalise_section);
    if (s == SAINT_OK) {
        *ids = saint_tok_work_take(e.w, count);
        if (!*ids) s = saint_tok_no_memory("encode", err);
    }
    saint_tok_work_free(e.w);
    return s;
}

/* ---- decoding ---- */

/* Append bytes as UTF-8, U+FFFD for what is no character: SentencePiece puts one for every byte, the byte-level decoders one for every
 * broken sequence. */
static bool add_clean(saint_buf *out, const char *p, size_t n, bool every_byte)
{
    for (size_t i = 0, len; i < n; i += len) {
        bool bad = saint_utf8_next(p + i, n - i, &len) == SAINT_UTF8_BAD;
        if (bad && every_byte) len = 1;
        if (!(bad ? saint_buf_add(out, "\xef\xbf\xbd", 3) : saint_buf_add(out, p + i, len))) return false;
    }
    return true;
}

static bool add_piece_with_bars(const saint_tokenizer *t, const saint_piece *p, bool first, saint_buf *out)
{
    for (uint32_t i = 0; i < p->len;) {
        bool bar = t->decode_bars && starts_with(p->text + i, p->len - i, SAINT_TOK_BAR);
        if (!(bar ? (first && t->drop_first_bars) || saint_buf_add(out, " ", 1) : saint_buf_add(out, p->text + i, 1))) return false;
        i += bar ? 3 : 1;
    }
    return true;
}

/* raw gathers a run of byte tokens until a text token ends it. */
static bool decode_spm(const saint_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, saint_buf *out)
{
    saint_buf raw = {0};
    bool ok = true, first = true;
    for (size_t i = 0; ok && i < n; i++) {
        const saint_piece *p = &t->piece[ids[i]];
        if ((flags & SAINT_TOK_SKIP_SPECIAL) && (p->flags & SAINT_PIECE_SPECIAL)) continue;
        if ((p->flags & SAINT_PIECE_BYTE) && t->decode_bytes) {
            char byte = (char)p->byte;
            ok = saint_buf_add(&raw, &byte, 1);
        } else {
            ok = add_clean(out, raw.data, raw.n, true) && add_piece_with_bars(t, p, first, out);
            raw.n = 0;
        }
        first = false;
    }
    ok = ok && add_clean(out, raw.data, raw.n, true);
    saint_buf_free(&raw);
    return ok;
}

/* One byte-level piece back to bytes. An added token stands for its own text. */
static bool add_piece_as_bytes(const saint_tokenizer *t, const saint_piece *p, saint_buf *out)
{
    if (p->flags & SAINT_PIECE_ADDED) return saint_buf_add(out, p->text, p->len);
    size_t n = p->len, suffix = t->suffix ? strlen(t->suffix) : 0;
    bool ends_word = suffix && n >= suffix && memcmp(p->text + n - suffix, t->suffix, suffix) == 0;
    if (ends_word) n -= suffix;
    size_t mark = out->n;
    for (size_t i = 0, len; i < n; i += len) {
        int byte = saint_tok_char_byte(saint_utf8_next(p->text + i, n - i, &len));
        char c = (char)byte;
        if (byte < 0) { /* a piece outside the alphabet stands for its own text */
            out->n = mark;
            if (!saint_buf_add(out, p->text, n)) return false;
            break;
        }
        if (!saint_buf_add(out, &c, 1)) return false;
    }
    return !ends_word || saint_buf_add(out, " ", 1);
}

static bool decode_bytelevel(const saint_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, saint_buf *out)
{
    saint_buf raw = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const saint_piece *p = &t->piece[ids[i]];
        if ((flags & SAINT_TOK_SKIP_SPECIAL) && (p->flags & SAINT_PIECE_SPECIAL)) continue;
        ok = add_piece_as_bytes(t, p, &raw);
    }
    ok = ok && add_clean(out, raw.data, raw.n, false);
    saint_buf_free(&raw);
    return ok;
}

/* The result is a C string: a zero byte would hide what follows it, so it is shown as U+FFFD too. */
static bool without_zeros(saint_buf *out)
{
    if (!out->n || !memchr(out->data, 0, out->n)) return true;
    saint_buf clean = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < out->n; i++)
        ok = out->data[i] ? saint_buf_add(&clean, out->data + i, 1) : saint_buf_add_cp(&clean, 0xfffd);
    saint_buf_free(out);
    *out = clean;
    return ok;
}

saint_status saint_tokenizer_decode(const saint_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, char **text, saint_error *err)
{
    *text = NULL;
    for (size_t i = 0; i < n; i++)
        if (!saint_tokenizer_piece(t, ids[i]))
            return saint_fail(err, SAINT_INVALID, "decode: expected ids below %d, found %d at position %zu", t->size, (int)ids[i], i);
    saint_buf out = {0};
    bool ok = t->kind == SAINT_TOK_SPM ? decode_spm(t, ids, n, flags, &out) : decode_bytelevel(t, ids, n, flags, &out);
    ok = ok && without_zeros(&out) && saint_buf_add(&out, "", 1);
    if (!ok) {
        saint_buf_free(&out);
        return saint_tok_no_memory("decode", err);
    }
    if (t->drop_one_space && out.data[0] == ' ') memmove(out.data, out.data + 1, out.n - 1);
    *text = out.data;
    return SAINT_OK;
}
