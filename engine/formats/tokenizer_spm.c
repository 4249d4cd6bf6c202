/* tokenizer_spm.c - SentencePiece tokenizer.model: a strict reader of the few protobuf messages it is made of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_internal.h"

typedef struct {
    const unsigned char *p, *end;
} span;

typedef struct {
    uint32_t number;
    unsigned wire;     /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value;    /* wire 0 */
    const unsigned char *data;
    size_t n;          /* wire 1, 2, 5 */
} field;

static bool read_varint(span *s, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && s->p < s->end; shift += 7) {
        unsigned char c = *s->p++;
        if (shift == 63 && c > 1) return false;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* The next field; false when it is malformed. Call only while s->p < s->end. */
static bool read_field(span *s, field *f)
{
    uint64_t tag, len;
    if (!read_varint(s, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
    *f = (field){.number = (uint32_t)(tag >> 3), .wire = (unsigned)(tag & 7), .data = s->p};
    switch (f->wire) {
    case 0: return read_varint(s, &f->value);
    case 1: len = 8; break;
    case 5: len = 4; break;
    case 2:
        if (!read_varint(s, &len)) return false;
        break;
    default: return false; /* groups are not part of the format */
    }
    if (len > (uint64_t)(s->end - s->p)) return false;
    f->data = s->p;
    f->n = (size_t)len;
    s->p += len;
    return true;
}

static saint_status broken(const char *what, const char *part, saint_error *err)
{
    return saint_fail(err, SAINT_FORMAT, "%s: expected a SentencePiece model (protobuf), found a malformed field in its %s", what, part);
}

typedef struct {
    uint64_t model_type;
    bool byte_fallback, spaces_behind;
    const unsigned char *special[4]; /* trainer's names of unk, bos, eos, pad */
    size_t special_n[4];
    bool dummy_prefix, remove_spaces, escape;
} settings;

static saint_status read_trainer(span s, settings *set, const char *what, saint_error *err)
{
    while (s.p < s.end) {
        field f;
        if (!read_field(&s, &f)) return broken(what, "trainer_spec", err);
        bool number = f.number == 3 || f.number == 24 || f.number == 35, name = f.number >= 45 && f.number <= 48;
        if ((number && f.wire != 0) || (name && f.wire != 2)) return broken(what, "trainer_spec", err);
        if (f.number == 3) set->model_type = f.value;
        if (f.number == 24) set->spaces_behind = f.value != 0;
        if (f.number == 35) set->byte_fallback = f.value != 0;
        if (name) {
            set->special[f.number - 45] = f.data;
            set->special_n[f.number - 45] = f.n;
        }
    }
    return SAINT_OK;
}

static saint_status read_normalizer(span s, settings *set, const char *part, const char *what, saint_error *err)
{
    while (s.p < s.end) {
        field f;
        if (!read_field(&s, &f)) return broken(what, part, err);
        if ((f.number == 2 && f.wire != 2) || (f.number >= 3 && f.number <= 5 && f.wire != 0)) return broken(what, part, err);
        if (f.number == 2 && f.n)
            return saint_fail(err, SAINT_UNSUPPORTED, "%s: its %s has a character map (%zu bytes); only the identity is implemented", what,
                              part, f.n);
        if (!set) continue;
        if (f.number == 3) set->dummy_prefix = f.value != 0;
        if (f.number == 4) set->remove_spaces = f.value != 0;
        if (f.number == 5) set->escape = f.value != 0;
    }
    return SAINT_OK;
}

enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_USER = 4, TYPE_UNUSED = 5, TYPE_BYTE = 6 };

static saint_status read_piece(span s, saint_tokenizer *t, int id, float *score, int *type, const char *what, saint_error *err)
{
    const unsigned char *text = NULL;
    size_t n = 0;
    *score = 0;
    *type = TYPE_NORMAL;
    while (s.p < s.end) {
        field f;
        if (!read_field(&s, &f)) return broken(what, "pieces", err);
        if ((f.number == 1 && f.wire != 2) || (f.number == 2 && f.wire != 5) || (f.number == 3 && f.wire != 0))
            return broken(what, "pieces", err);
        if (f.number == 1) {
            text = f.data;
            n = f.n;
        } else if (f.number == 2) {
            uint32_t bits = (uint32_t)f.data[0] | (uint32_t)f.data[1] << 8 | (uint32_t)f.data[2] << 16 | (uint32_t)f.data[3] << 24;
            memcpy(score, &bits, sizeof bits);
        } else if (f.number == 3) *type = f.value > TYPE_BYTE ? 0 : (int)f.value;
    }
    if (n == 0 || !saint_utf8_valid((const char *)text, n) || memchr(text, 0, n))
        return saint_fail(err, SAINT_FORMAT, "%s: piece %d: expected a text in UTF-8, found %s", what, id, n ? "broken bytes" : "none");
    if (isnan(*score)) return saint_fail(err, SAINT_FORMAT, "%s: piece %d: its score is not a number", what, id);
    unsigned flags = 0;
    switch (*type) {
    case TYPE_NORMAL: flags = SAINT_PIECE_NORMAL; break;
    case TYPE_UNKNOWN:
    case TYPE_CONTROL: flags = SAINT_PIECE_SPECIAL | SAINT_PIECE_ADDED; break;
    case TYPE_USER: flags = SAINT_PIECE_ADDED; break;
    case TYPE_BYTE: flags = SAINT_PIECE_BYTE; break;
    case TYPE_UNUSED: return saint_fail(err, SAINT_UNSUPPORTED, "%s: piece %d is of type UNUSED, which is not implemented", what, id);
    default: return saint_fail(err, SAINT_FORMAT, "%s: piece %d is of an unknown type", what, id);
    }
    return saint_tok_put(t, id, (const char *)text, n, flags, what, err);
}

static saint_status read_model(span s, saint_tokenizer *t, settings *set, float **score, const char *what, saint_error *err)
{
    size_t cap = 0;
    saint_status st = SAINT_OK;
    while (st == SAINT_OK && s.p < s.end) {
        field f;
        if (!read_field(&s, &f) || (f.number <= 5 && f.wire != 2)) return broken(what, "model", err);
        span in = {f.data, f.data + f.n};
        if (f.number == 1) {
            int id = t->size, type;
            if ((size_t)id >= cap) {
                cap = cap ? cap * 2 : 1024;
                float *bigger = realloc(*score, cap * sizeof **score);
                if (!bigger) return saint_tok_no_memory(what, err);
                *score = bigger;
            }
            st = read_piece(in, t, id, &(*score)[id], &type, what, err);
            if (st == SAINT_OK && type == TYPE_UNKNOWN) {
                if (t->unk >= 0) st = saint_fail(err, SAINT_FORMAT, "%s: expected one unknown piece, found %d and %d", what, t->unk, id);
                t->unk = id;
            }
        } else if (f.number == 2) st = read_trainer(in, set, what, err);
        else if (f.number == 3) st = read_normalizer(in, set, "normalizer_spec", what, err);
        else if (f.number == 5) st = read_normalizer(in, NULL, "denormalizer_spec", what, err);
    }
    return st;
}

static saint_status refuse_other_models(const saint_tokenizer *t, const settings *set, const char *what, saint_error *err)
{
    static const char *const name[] = {"unknown", "unigram", "BPE", "word", "char"};
    if (set->model_type != 2)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected a SentencePiece model of type BPE, found %s; only BPE is implemented", what,
                          name[set->model_type > 4 ? 0 : set->model_type]);
    if (set->spaces_behind) return saint_fail(err, SAINT_UNSUPPORTED, "%s: treat_whitespace_as_suffix is not implemented", what);
    if (t->unk < 0) return saint_fail(err, SAINT_FORMAT, "%s: expected one unknown piece, found none", what);
    return SAINT_OK;
}

static char *copy_text(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = malloc(n);
    if (p) memcpy(p, s, n);
    return p;
}

static bool add_step(saint_tokenizer *t, saint_norm_kind kind, const char *a, const char *b)
{
    saint_norm *s = &t->norm[t->n_norm++];
    *s = (saint_norm){.kind = kind, .a = copy_text(a), .b = copy_text(b)};
    return s->a && s->b;
}

static saint_status finish(saint_tokenizer *t, const settings *set, const char *what, saint_error *err)
{
    const char *space = set->escape ? SAINT_TOK_BAR : " ";
    bool ok = !set->remove_spaces || add_step(t, SAINT_NORM_TRIM, "", "");
    if (set->dummy_prefix) ok = ok && add_step(t, SAINT_NORM_PREFIX, space, "");
    if (set->escape) ok = ok && add_step(t, SAINT_NORM_REPLACE, " ", SAINT_TOK_BAR);
    if (set->remove_spaces) ok = ok && add_step(t, SAINT_NORM_TRIM_RIGHT, space, "");
    if (!ok) return saint_tok_no_memory(what, err);

    t->byte_fallback = set->byte_fallback;
    if (set->byte_fallback && !saint_tok_find_bytes(t))
        return saint_fail(err, SAINT_FORMAT, "%s: byte_fallback is on, but not all of the pieces <0x00> to <0xFF> are there", what);
    for (int i = 0; i < t->size; i++) {
        if (!(t->piece[i].flags & SAINT_PIECE_BYTE)) continue;
        if (!set->byte_fallback || t->byte_id[t->piece[i].byte] != i)
            return saint_fail(err, SAINT_FORMAT, "%s: piece %d '%.40s' is of type BYTE without being a byte", what, i, t->piece[i].text);
    }
    static const char *const name[4] = {"<unk>", "<s>", "</s>", "<pad>"};
    int *slot[4] = {NULL, &t->bos, &t->eos, &t->pad};
    for (int k = 1; k < 4; k++) {
        const char *text = set->special_n[k] ? (const char *)set->special[k] : name[k];
        int id = saint_tok_lookup(t, text, set->special_n[k] ? set->special_n[k] : strlen(name[k]));
        *slot[k] = id >= 0 && (t->piece[id].flags & SAINT_PIECE_SPECIAL) ? id : -1;
    }
    t->decode_bars = set->escape;
    t->decode_bytes = true;
    t->drop_one_space = set->dummy_prefix;
    t->adds_bos = t->bos >= 0;
    t->unk_shown = t->unk;
    saint_status s = SAINT_OK;
    for (int i = 0; s == SAINT_OK && i < t->size; i++)
        if (t->piece[i].flags & SAINT_PIECE_ADDED) s = saint_tok_added_put(t, i, false, false, false, what, err);
    return s;
}

saint_status saint_tok_read_spm(saint_tokenizer *t, const unsigned char *bytes, size_t n, const char *what, saint_error *err)
{
    settings set = {.model_type = 1, .dummy_prefix = true, .remove_spaces = true, .escape = true}; /* the message's defaults */
    float *score = NULL;
    t->kind = SAINT_TOK_SPM;
    saint_status s = read_model((span){bytes, bytes + n}, t, &set, &score, what, err);
    if (s == SAINT_OK) s = refuse_other_models(t, &set, what, err);
    if (s == SAINT_OK) s = saint_tok_index(t, what, err);
    if (s == SAINT_OK) s = saint_tok_rank_scores(t, score, what, err);
    if (s == SAINT_OK) s = finish(t, &set, what, err);
    free(score);
    return s;
}
