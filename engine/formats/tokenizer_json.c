/* tokenizer_json.c - Hugging Face tokenizer.json, model type BPE.
 *
 * The file is a program of small steps (normalizer, pre_tokenizer, model, decoder). Known steps are read with all their members; whatever
 * would change a result and is not implemented is refused by name. post_processor, truncation and padding assemble batches: that is the
 * caller's work here, and the only thing read from them is whether BOS is put in front. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "formats/tokenizer_internal.h"

typedef struct {
    saint_tokenizer *t;
    const char *what;
    saint_error *err;
} reader;

static saint_status unsupported(const reader *r, const char *part, const char *name)
{
    return saint_fail(r->err, SAINT_UNSUPPORTED, "%s: %s '%.120s' is not implemented", r->what, part, name);
}

static saint_status malformed(const reader *r, const char *part, const char *expected)
{
    return saint_fail(r->err, SAINT_FORMAT, "%s: %s: expected %s", r->what, part, expected);
}

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const char *text_of(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(member(o, key)); /* NULL when missing or of another type */
}

static bool is_null(const cJSON *v)
{
    return !v || cJSON_IsNull(v);
}

static char *copy_text(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = malloc(n);
    if (p) memcpy(p, s, n);
    return p;
}

/* An id from a JSON number: whole and in bounds, else -1. */
static int id_of(const cJSON *v)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble < SAINT_TOK_MAX_PIECES)) return -1;
    int id = (int)v->valuedouble;
    return (double)id == v->valuedouble ? id : -1;
}

typedef saint_status step_fn(reader *r, const cJSON *step, const char *type);

/* Apply fn to a step, or to the members of a Sequence (nested ones too), in order. Missing or null: nothing. */
static saint_status each_step(reader *r, const cJSON *step, const char *part, const char *list, step_fn *fn)
{
    if (is_null(step)) return SAINT_OK;
    const char *type = text_of(step, "type");
    if (!type) return malformed(r, part, "an object with a type");
    if (strcmp(type, "Sequence") != 0) return fn(r, step, type);
    const cJSON *child, *steps = member(step, list);
    if (!cJSON_IsArray(steps)) return malformed(r, part, "a Sequence with a list of steps");
    saint_status s = SAINT_OK;
    cJSON_ArrayForEach(child, steps)
    {
        if (s == SAINT_OK) s = each_step(r, child, part, list, fn);
    }
    return s;
}

static saint_status add_norm(reader *r, saint_norm *list, int *n, int max, saint_norm step, const char *a, const char *b)
{
    if (*n == max) return unsupported(r, "normalizer", "a longer list of steps");
    saint_norm *s = &list[(*n)++];
    *s = step;
    s->a = copy_text(a);
    s->b = copy_text(b);
    return s->a && s->b ? SAINT_OK : saint_tok_no_memory(r->what, r->err);
}

static saint_status normalizer_step(reader *r, const cJSON *step, const char *type)
{
    saint_tokenizer *t = r->t;
    saint_norm s = {.kind = SAINT_NORM_REPLACE};
    const char *a = "", *b = "";
    if (strcmp(type, "Prepend") == 0) {
        a = text_of(step, "prepend");
        if (!a) return malformed(r, "normalizer Prepend", "a text to prepend");
        s.kind = SAINT_NORM_PREFIX;
    } else if (strcmp(type, "Replace") == 0) {
        const char *regex = text_of(member(step, "pattern"), "Regex");
        a = text_of(member(step, "pattern"), "String");
        b = text_of(step, "content");
        if ((!a && !regex) || !b) return malformed(r, "normalizer Replace", "a pattern and a content");
        if (regex && strcmp(regex, "\\s+") != 0) return unsupported(r, "normalizer Replace with the expression", regex);
        if (regex) {
            s.kind = SAINT_NORM_SPACES;
            a = "";
        } else if (!*a) return malformed(r, "normalizer Replace", "a pattern that is not empty");
    } else if (strcmp(type, "NFC") == 0) s.kind = SAINT_NORM_NFC;
    else if (strcmp(type, "Lowercase") == 0) s.kind = SAINT_NORM_LOWER;
    else return unsupported(r, "normalizer", type);
    return add_norm(r, t->norm, &t->n_norm, SAINT_TOK_MAX_STEPS, s, a, b);
}

static saint_status add_cut(reader *r, saint_cut c)
{
    if (r->t->n_cut == SAINT_TOK_MAX_STEPS) return unsupported(r, "pre_tokenizer", "a longer list of steps");
    r->t->cut[r->t->n_cut++] = c;
    return SAINT_OK;
}

static saint_status split_step(reader *r, const cJSON *step)
{
    static const struct {
        saint_cut cut;
        const char *regex;
    } known[] = {
        {SAINT_CUT_GPT2, "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
        {SAINT_CUT_LLAMA3, "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                           "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
        {SAINT_CUT_QWEN2, "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                          "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
        {SAINT_CUT_CLIP, "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},
    };
    const char *regex = text_of(member(step, "pattern"), "Regex"), *literal = text_of(member(step, "pattern"), "String");
    const char *behavior = text_of(step, "behavior");
    bool invert = cJSON_IsTrue(member(step, "invert"));
    if (!regex && literal) return unsupported(r, "pre_tokenizer Split at the text", literal);
    if (!regex) return malformed(r, "pre_tokenizer Split", "a pattern");
    if (!behavior) return malformed(r, "pre_tokenizer Split", "a behavior");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(regex, known[i].regex) != 0) continue;
        bool clip = known[i].cut == SAINT_CUT_CLIP; /* keeps the matches and drops the white space between; the others match every byte */
        if (clip && strcmp(behavior, "Removed") == 0 && invert) return add_cut(r, known[i].cut);
        if (!clip && (strcmp(behavior, "Isolated") == 0 || (strcmp(behavior, "Removed") == 0 && invert))) return add_cut(r, known[i].cut);
        return unsupported(r, "pre_tokenizer Split with the behavior", behavior);
    }
    return unsupported(r, "pre_tokenizer Split with the expression", regex);
}

static saint_status metaspace_step(reader *r, const cJSON *step)
{
    saint_tokenizer *t = r->t;
    if (t->n_meta || t->n_cut) return unsupported(r, "pre_tokenizer", "Metaspace behind another step");
    const char *replacement = text_of(step, "replacement"), *scheme = text_of(step, "prepend_scheme");
    if (!replacement || !*replacement) return malformed(r, "pre_tokenizer Metaspace", "a replacement");
    if (strcmp(replacement, SAINT_TOK_BAR) != 0) return unsupported(r, "pre_tokenizer Metaspace with the replacement", replacement);
    const cJSON *old = member(step, "add_prefix_space"); /* older files have this flag instead of a scheme */
    if (!scheme) scheme = cJSON_IsFalse(old) ? "never" : "always";
    saint_norm prefix = {.kind = SAINT_NORM_PREFIX, .unless_there = true, .first_only = strcmp(scheme, "first") == 0};
    saint_norm replace = {.kind = SAINT_NORM_REPLACE};
    bool never = strcmp(scheme, "never") == 0;
    if (!never && !prefix.first_only && strcmp(scheme, "always") != 0)
        return unsupported(r, "pre_tokenizer Metaspace with the scheme", scheme);
    saint_status s = add_norm(r, t->meta, &t->n_meta, 2, replace, " ", SAINT_TOK_BAR);
    if (s == SAINT_OK && !never) s = add_norm(r, t->meta, &t->n_meta, 2, prefix, SAINT_TOK_BAR, "");
    if (s == SAINT_OK && !cJSON_IsFalse(member(step, "split"))) s = add_cut(r, SAINT_CUT_BARS);
    return s;
}

static saint_status pre_tokenizer_step(reader *r, const cJSON *step, const char *type)
{
    saint_tokenizer *t = r->t;
    if (t->kind != SAINT_TOK_SPM) return unsupported(r, "pre_tokenizer behind ByteLevel:", type);
    if (strcmp(type, "Metaspace") == 0) return metaspace_step(r, step);
    if (t->n_meta) return unsupported(r, "pre_tokenizer behind Metaspace:", type);
    if (strcmp(type, "Split") == 0) return split_step(r, step);
    if (strcmp(type, "Digits") == 0)
        return add_cut(r, cJSON_IsTrue(member(step, "individual_digits")) ? SAINT_CUT_DIGITS : SAINT_CUT_NUMBERS);
    if (strcmp(type, "ByteLevel") != 0) return unsupported(r, "pre_tokenizer", type);
    t->kind = SAINT_TOK_BYTELEVEL;
    saint_status s = cJSON_IsFalse(member(step, "add_prefix_space")) ? SAINT_OK : add_cut(r, SAINT_CUT_SPACE_PREFIX);
    if (s == SAINT_OK && !cJSON_IsFalse(member(step, "use_regex"))) s = add_cut(r, SAINT_CUT_GPT2);
    return s;
}

static saint_status read_vocab(reader *r, const cJSON *model)
{
    const cJSON *v, *vocab = member(model, "vocab");
    if (!cJSON_IsObject(vocab)) return malformed(r, "model.vocab", "an object of tokens");
    cJSON_ArrayForEach(v, vocab)
    {
        int id = id_of(v);
        if (id < 0) return saint_fail(r->err, SAINT_FORMAT, "%s: model.vocab['%.80s']: expected an id from 0 to %d", r->what, v->string,
                                      SAINT_TOK_MAX_PIECES - 1);
        saint_status s = saint_tok_put(r->t, id, v->string, strlen(v->string), SAINT_PIECE_NORMAL, r->what, r->err);
        if (s != SAINT_OK) return s;
    }
    return saint_tok_index(r->t, r->what, r->err);
}

/* The two halves of a merge: "a b", or ["a", "b"] where pieces may hold spaces. */
static bool halves(const cJSON *m, const char **a, size_t *an, const char **b, size_t *bn)
{
    if (cJSON_IsString(m)) {
        const char *space = strchr(m->valuestring, ' ');
        if (!space || strchr(space + 1, ' ')) return false;
        *a = m->valuestring;
        *an = (size_t)(space - *a);
        *b = space + 1;
    } else {
        const cJSON *second = m->child ? m->child->next : NULL;
        if (!cJSON_IsArray(m) || !second || second->next || !cJSON_IsString(m->child) || !cJSON_IsString(second)) return false;
        *a = m->child->valuestring;
        *an = strlen(*a);
        *b = second->valuestring;
    }
    *bn = strlen(*b);
    return true;
}

static saint_status read_merges(reader *r, const cJSON *model)
{
    const cJSON *m, *merges = member(model, "merges");
    if (!cJSON_IsArray(merges)) return malformed(r, "model.merges", "a list of pairs");
    saint_status s = saint_tok_merges_reserve(r->t, (size_t)cJSON_GetArraySize(merges), r->what, r->err);
    if (s != SAINT_OK) return s;
    saint_buf join = {0};
    uint32_t rank = 0;
    cJSON_ArrayForEach(m, merges)
    {
        const char *a = NULL, *b = NULL;
        size_t an = 0, bn = 0;
        join.n = 0;
        if (!halves(m, &a, &an, &b, &bn)) {
            s = saint_fail(r->err, SAINT_FORMAT, "%s: model.merges[%u]: expected \"a b\" or [\"a\", \"b\"]", r->what, (unsigned)rank);
            break;
        }
        if (!saint_buf_add(&join, a, an) || !saint_buf_add(&join, b, bn)) {
            s = saint_tok_no_memory(r->what, r->err);
            break;
        }
        int left = saint_tok_lookup(r->t, a, an), right = saint_tok_lookup(r->t, b, bn), id = saint_tok_lookup(r->t, join.data, join.n);
        if (left < 0 || right < 0 || id < 0) {
            s = saint_fail(r->err, SAINT_FORMAT, "%s: model.merges[%u]: '%.*s' + '%.80s': the halves and their join must be in model.vocab",
                           r->what, (unsigned)rank, (int)(an < 80 ? an : 80), a, b);
            break;
        }
        saint_tok_merge_put(r->t, left, right, rank++, id);
    }
    saint_buf_free(&join);
    return s;
}

static saint_status read_model(reader *r, const cJSON *model)
{
    saint_tokenizer *t = r->t;
    const char *type = text_of(model, "type");
    if (!cJSON_IsObject(model)) return malformed(r, "model", "an object");
    if (type ? strcmp(type, "BPE") != 0 : !member(model, "merges")) return unsupported(r, "model type", type ? type : "(none)");
    const cJSON *dropout = member(model, "dropout");
    if (cJSON_IsNumber(dropout) && dropout->valuedouble != 0) return unsupported(r, "model", "dropout");
    const char *prefix = text_of(model, "continuing_subword_prefix"), *suffix = text_of(model, "end_of_word_suffix");
    if (prefix && *prefix) return unsupported(r, "model continuing_subword_prefix", prefix);
    if (suffix && *suffix) {
        if (t->kind != SAINT_TOK_BYTELEVEL) return unsupported(r, "model end_of_word_suffix without ByteLevel:", suffix);
        t->kind = SAINT_TOK_CLIP;
    }
    t->suffix = copy_text(suffix ? suffix : "");
    if (!t->suffix) return saint_tok_no_memory(r->what, r->err);
    bool *flag[3] = {&t->byte_fallback, &t->fuse_unk, &t->ignore_merges};
    static const char *const name[3] = {"byte_fallback", "fuse_unk", "ignore_merges"};
    saint_status s = SAINT_OK;
    for (int i = 0; s == SAINT_OK && i < 3; i++)
        if (!is_null(member(model, name[i]))) s = saint_json_bool(model, name[i], flag[i], r->what, r->err);
    if (s == SAINT_OK) s = read_vocab(r, model);
    if (s == SAINT_OK) s = read_merges(r, model);
    if (s != SAINT_OK) return s;
    const char *unk = text_of(model, "unk_token");
    if (unk && *unk && (t->unk = saint_tok_lookup(t, unk, strlen(unk))) < 0)
        return saint_fail(r->err, SAINT_FORMAT, "%s: model.unk_token '%.80s' is not in model.vocab", r->what, unk);
    return SAINT_OK;
}

/* The ids that single bytes start with. */
static saint_status byte_ids(reader *r)
{
    saint_tokenizer *t = r->t;
    if (t->kind == SAINT_TOK_SPM) {
        saint_tok_find_bytes(t);
        for (int b = 0; b < 256; b++)
            if (t->byte_id[b] >= 0) t->piece[t->byte_id[b]].flags |= SAINT_PIECE_BYTE;
        return SAINT_OK;
    }
    for (unsigned b = 0; b < 256; b++) {
        saint_buf name = {0};
        bool ok = saint_buf_add_cp(&name, saint_tok_byte_char(b));
        if (ok) t->byte_id[b] = saint_tok_lookup(t, name.data, name.n);
        ok = ok && saint_buf_add(&name, t->suffix, strlen(t->suffix));
        if (ok) t->byte_end_id[b] = saint_tok_lookup(t, name.data, name.n);
        saint_buf_free(&name);
        if (!ok) return saint_tok_no_memory(r->what, r->err);
    }
    return SAINT_OK;
}

static saint_status read_added(reader *r, const cJSON *root)
{
    const cJSON *a, *list = member(root, "added_tokens");
    if (is_null(list)) return SAINT_OK;
    if (!cJSON_IsArray(list)) return malformed(r, "added_tokens", "a list");
    cJSON_ArrayForEach(a, list)
    {
        const char *text = text_of(a, "content");
        int id = id_of(member(a, "id"));
        if (!text || id < 0) return malformed(r, "added_tokens", "objects with a content and an id");
        if (cJSON_IsTrue(member(a, "single_word"))) return unsupported(r, "added token with single_word:", text);
        saint_status s = saint_tok_added_declare(r->t, id, text, cJSON_IsTrue(member(a, "special")), r->what, r->err);
        if (s == SAINT_OK)
            s = saint_tok_added_put(r->t, id, cJSON_IsTrue(member(a, "normalized")), cJSON_IsTrue(member(a, "lstrip")),
                                    cJSON_IsTrue(member(a, "rstrip")), r->what, r->err);
        if (s != SAINT_OK) return s;
    }
    return saint_tok_index(r->t, r->what, r->err);
}

/* Decoders of the SentencePiece style must come in the order in which they are applied here. */
static saint_status decoder_step(reader *r, const cJSON *step, const char *type)
{
    saint_tokenizer *t = r->t;
    enum { REPLACE = 1, BYTES, FUSE, STRIP, META, LEVEL };
    int now = 0;
    if (strcmp(type, "Replace") == 0) {
        const char *a = text_of(member(step, "pattern"), "String"), *b = text_of(step, "content");
        if (!a || !b || strcmp(a, SAINT_TOK_BAR) != 0 || strcmp(b, " ") != 0)
            return unsupported(r, "decoder Replace of", a ? a : "a regex");
        t->decode_bars = true;
        now = REPLACE;
    } else if (strcmp(type, "ByteFallback") == 0) {
        t->decode_bytes = true;
        now = BYTES;
    } else if (strcmp(type, "Fuse") == 0) now = FUSE;
    else if (strcmp(type, "Strip") == 0) {
        int start = 0, stop = 0;
        const char *c = text_of(step, "content");
        saint_status s = saint_json_int(step, "start", 0, 1 << 20, &start, r->what, r->err);
        if (s == SAINT_OK) s = saint_json_int(step, "stop", 0, 1 << 20, &stop, r->what, r->err);
        if (s != SAINT_OK) return s;
        if (!c || strcmp(c, " ") != 0 || start > 1 || stop != 0) return unsupported(r, "decoder Strip of", c ? c : "nothing");
        if (t->decoder_seen != FUSE) return unsupported(r, "decoder Strip", "without Fuse right before it");
        t->drop_one_space = start == 1;
        now = STRIP;
    } else if (strcmp(type, "Metaspace") == 0) {
        const char *scheme = text_of(step, "prepend_scheme");
        bool never = scheme ? strcmp(scheme, "never") == 0 : cJSON_IsFalse(member(step, "add_prefix_space"));
        if (t->decoder_seen) return unsupported(r, "decoder", "Metaspace behind another step");
        t->decode_bars = true;
        t->drop_first_bars = !never;
        now = META;
    } else if (strcmp(type, "ByteLevel") == 0) now = LEVEL;
    else return unsupported(r, "decoder", type);
    if (now <= t->decoder_seen) return unsupported(r, "decoder in this order:", type);
    if ((now == LEVEL) != (t->kind != SAINT_TOK_SPM)) return unsupported(r, "decoder for this pre_tokenizer:", type);
    t->decoder_seen = now;
    return SAINT_OK;
}

/* Whether the post_processor's template for one text names a special token before the text. */
static bool template_adds_bos(const cJSON *post, int depth)
{
    const char *type = text_of(post, "type");
    if (!type) return false;
    if (strcmp(type, "Sequence") == 0 && depth < 4) {
        const cJSON *p;
        cJSON_ArrayForEach(p, member(post, "processors"))
        {
            if (template_adds_bos(p, depth + 1)) return true;
        }
    }
    if (strcmp(type, "RobertaProcessing") == 0) return true;
    const cJSON *single = member(post, "single");
    return strcmp(type, "TemplateProcessing") == 0 && cJSON_IsArray(single) && single->child && member(single->child, "SpecialToken");
}

static void name_specials(saint_tokenizer *t)
{
    static const char *const name[3][5] = {{"<s>", "<|startoftext|>", "<|begin_of_text|>", "<|endoftext|>", NULL},
                                           {"</s>", "<|endoftext|>", "<|end_of_text|>", NULL},
                                           {"<pad>", NULL}};
    int *slot[3] = {&t->bos, &t->eos, &t->pad};
    for (int k = 0; k < 3; k++)
        for (int i = 0; name[k][i] && *slot[k] < 0; i++) *slot[k] = saint_tokenizer_find(t, name[k][i]);
    t->unk_shown = t->unk >= 0 ? t->unk : saint_tokenizer_find(t, "<unk>");
}

saint_status saint_tok_read_json(saint_tokenizer *t, const char *text, size_t n, const char *what, saint_error *err)
{
    cJSON *root;
    reader r = {t, what, err};
    saint_status s = saint_json_parse(text, n, SAINT_TOK_MAX_FILE, what, &root, err);
    if (s != SAINT_OK) return s;
    t->kind = SAINT_TOK_SPM;
    if (!cJSON_IsObject(root)) s = malformed(&r, "tokenizer.json", "an object");
    if (s == SAINT_OK) s = each_step(&r, member(root, "normalizer"), "normalizer", "normalizers", normalizer_step);
    if (s == SAINT_OK) s = each_step(&r, member(root, "pre_tokenizer"), "pre_tokenizer", "pretokenizers", pre_tokenizer_step);
    if (s == SAINT_OK) s = read_model(&r, member(root, "model"));
    if (s == SAINT_OK) s = byte_ids(&r);
    if (s == SAINT_OK) s = read_added(&r, root);
    if (s == SAINT_OK) s = each_step(&r, member(root, "decoder"), "decoder", "decoders", decoder_step);
    if (s == SAINT_OK && !t->decoder_seen) s = unsupported(&r, "decoder", "null");
    if (s == SAINT_OK) {
        name_specials(t);
        const cJSON *post = member(root, "post_processor");
        /* null: what the LLaMA classes do by default */
        t->adds_bos = is_null(post) ? t->kind == SAINT_TOK_SPM : template_adds_bos(post, 0);
    }
    cJSON_Delete(root);
    return s;
}
