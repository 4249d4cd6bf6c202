#define _GNU_SOURCE
#include "support/test.h"

#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/prompt.h"
#include "formats/tokenizer_internal.h"

enum { DUMMY = SAINT_TOK_DUMMY_PREFIX, SPECIAL = SAINT_TOK_SPECIAL };
#define BAR "\xe2\x96\x81"

/* ---- small tokenizers, written here ---- */

typedef struct {
    char data[32768];
    size_t n;
} text_buf;

__attribute__((format(printf, 2, 3))) static void put(text_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(b->data + b->n, sizeof b->data - b->n, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && b->n + (size_t)n < sizeof b->data);
    b->n += (size_t)n;
}

/* 0 <unk> 1 <s> 2 </s> 3.. bytes, 259 _ 260 a 261 b 262 ab 263 _ab 264 __ 265 _a ; merges in this order: _ ab, a b, _ _, _ a. */
#define SPM_MODEL(more)                                                                                                           \
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true," more "\"vocab\":{%s},"          \
    "\"merges\":[\"" BAR " ab\",[\"a\",\"b\"],\"" BAR " " BAR "\",\"" BAR " a\"]}"
#define SPM_DECODER                                                                                                               \
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"" BAR "\"},\"content\":\" \"}," \
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}"
#define LEGACY                                                                                                                    \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"" BAR "\"},"                        \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" BAR "\"}]},\"pre_tokenizer\":null"
#define ADDED                                                                                                                     \
    "\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true},{\"id\":2,\"content\":\"</s>\",\"special\":true},"           \
    "{\"id\":266,\"content\":\"<i>\",\"special\":true},{\"id\":267,\"content\":\"<i>a\",\"special\":false}]"

static void spm_json(text_buf *out, const char *head, const char *tail)
{
    static text_buf vocab;
    vocab.n = 0;
    put(&vocab, "\"<unk>\":0,\"<s>\":1,\"</s>\":2");
    for (int b = 0; b < 256; b++) put(&vocab, ",\"<0x%02X>\":%d", (unsigned)b, b + 3);
    put(&vocab, ",\"" BAR "\":259,\"a\":260,\"b\":261,\"ab\":262,\"" BAR "ab\":263,\"" BAR BAR "\":264,\"" BAR "a\":265");
    out->n = 0;
    put(out, "{%s,", head);
    put(out, SPM_MODEL(""), vocab.data);
    put(out, ",%s}", tail);
}

static saint_tokenizer *parse(const void *bytes, size_t n)
{
    saint_tokenizer *t;
    assert_ok(saint_tokenizer_parse(&t, bytes, n, "t", err));
    return t;
}

static saint_tokenizer *spm(const char *head)
{
    static text_buf b;
    spm_json(&b, head, SPM_DECODER);
    return parse(b.data, b.n);
}

/* The byte-level alphabet as ids 0..255 in byte order of the alphabet's own listing would hide mistakes: ids are the bytes themselves. */
static void byte_vocab(text_buf *out, const char *suffix, int first)
{
    for (int b = 0; b < 256; b++) {
        bool plain = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        int other = 0x100;
        for (int k = 0; k < b; k++) other += !((k >= 0x21 && k <= 0x7e) || (k >= 0xa1 && k <= 0xac) || k >= 0xae);
        put(out, "%s\"\\u%04x%s\":%d", b || first ? "," : "", (unsigned)(plain ? b : other), suffix, b + first);
    }
}

static saint_tokenizer *byte_level(const char *pre_tokenizer, const char *model_more)
{
    static text_buf b;
    b.n = 0;
    put(&b, "{\"pre_tokenizer\":%s,\"decoder\":{\"type\":\"ByteLevel\"},\"added_tokens\":[{\"id\":300,\"content\":\"<|endoftext|>\","
            "\"special\":true}],\"model\":{%s\"vocab\":{", pre_tokenizer, model_more);
    byte_vocab(&b, "", 0);
    put(&b, ",\"he\":256,\"llo\":257,\"ll\":258,\"hello\":259,\"\\u0120hello\":260},\"merges\":[\"h e\",\"l l\",\"ll o\",\"he llo\"]}}");
    return parse(b.data, b.n);
}

static const char GPT2[] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}";

static void check_ids(const saint_tokenizer *t, const char *text, size_t n, unsigned flags, const int *want, size_t n_want)
{
    int32_t *ids;
    size_t count;
    text_buf got = {.n = 0}, expected = {.n = 0};
    assert_ok(saint_tokenizer_encode(t, text, n, flags, &ids, &count, err));
    for (size_t i = 0; i < count; i++) put(&got, " %d", (int)ids[i]);
    for (size_t i = 0; i < n_want; i++) put(&expected, " %d", want[i]);
    if (count != n_want || strcmp(got.data, expected.data) != 0)
        fail_msg("'%s' flags %u: expected%s, found%s", text, flags, expected.data, got.data);
    free(ids);
}
#define ids_are(t, text, flags, ...) \
    check_ids(t, text, strlen(text), flags, (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static void text_is(const saint_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, const char *want)
{
    char *text;
    assert_ok(saint_tokenizer_decode(t, ids, n, flags, &text, err));
    assert_string_equal(text, want);
    free(text);
}
#define decodes(t, want, flags, ...) \
    text_is(t, (int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), flags, want)

/* ---- a SentencePiece model, byte by byte ---- */

static void varint(text_buf *b, unsigned v)
{
    for (; v >= 0x80; v >>= 7) b->data[b->n++] = (char)(v | 0x80);
    b->data[b->n++] = (char)v;
}

static void piece(text_buf *b, const char *text, float score, unsigned type)
{
    size_t n = strlen(text);
    b->data[b->n++] = 0x0a;
    varint(b, (unsigned)(2 + n + 5 + 2));
    b->data[b->n++] = 0x0a;
    varint(b, (unsigned)n);
    memcpy(b->data + b->n, text, n);
    b->n += n;
    b->data[b->n++] = 0x15;
    memcpy(b->data + b->n, &score, 4);
    b->n += 4;
    b->data[b->n++] = 0x18;
    varint(b, type);
}

static void message(text_buf *b, unsigned number, const char *bytes, size_t n)
{
    varint(b, number << 3 | 2);
    varint(b, (unsigned)n);
    memcpy(b->data + b->n, bytes, n);
    b->n += n;
}

static void spm_pieces(text_buf *b)
{
    b->n = 0;
    piece(b, "<unk>", 0, 2);
    piece(b, "<s>", 0, 3);
    piece(b, "</s>", 0, 3);
    for (int i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
        piece(b, name, 0, 6);
    }
    piece(b, BAR, -10, 1);      /* 259 */
    piece(b, "a", -11, 1);      /* 260 */
    piece(b, "b", -12, 1);      /* 261 */
    piece(b, "ab", -1, 1);      /* 262 */
    piece(b, "aa", -1, 1);      /* 263 */
    piece(b, BAR "aa", -2, 1);  /* 264 */
    piece(b, "aab", -3, 1);     /* 265 */
    piece(b, "<u>", 0, 4);      /* 266: user-defined */
    piece(b, "aabaab", 0.5, 1); /* 267 */
    piece(b, "!", 0, 4);        /* 268: user-defined */
    piece(b, "x", -13, 1);      /* 269 */
    piece(b, "y", -14, 1);      /* 270 */
    piece(b, "yx", -1, 1);      /* 271 */
    piece(b, "xy", -1, 1);      /* 272: ties with yx: the left one wins, whatever its id */
}

static const char TRAINER[] = {0x18, 2, (char)0x98, 2, 1};       /* model_type BPE, byte_fallback */
static const char IDENTITY[] = {0x18, 1, 0x20, 0};               /* add_dummy_prefix, not remove_extra_whitespaces */
static const char IDENTITY_TRIMMING[] = {0x18, 1, 0x20, 1};

static void sentencepiece_merges_by_score_and_leftmost(void **state)
{
    (void)state;
    static text_buf b;
    spm_pieces(&b);
    message(&b, 2, TRAINER, sizeof TRAINER);
    message(&b, 3, IDENTITY, sizeof IDENTITY);
    saint_tokenizer *t = parse(b.data, b.n);
    assert_string_equal(saint_tokenizer_kind(t), "sentencepiece-bpe");
    assert_int_equal(saint_tokenizer_size(t), 273);
    assert_int_equal(saint_tokenizer_bos(t), 1);
    assert_int_equal(saint_tokenizer_eos(t), 2);
    assert_int_equal(saint_tokenizer_unk(t), 0);
    assert_int_equal(saint_tokenizer_pad(t), -1);
    assert_int_equal(saint_tokenizer_find(t, BAR "aa"), 264);
    assert_int_equal(saint_tokenizer_find(t, "zz"), -1);
    assert_string_equal(saint_tokenizer_piece(t, 259), BAR);
    assert_null(saint_tokenizer_piece(t, 273));
    assert_null(saint_tokenizer_piece(t, -1));
    ids_are(t, "aab", 0, 265);
    ids_are(t, "xyx", 0, 272, 269);
    ids_are(t, "aaab", 0, 263, 262);
    ids_are(t, "aabaab", 0, 267);
    ids_are(t, "aa", DUMMY, 264);
    ids_are(t, "aa", DUMMY | SAINT_TOK_BOS, 1, 264);
    check_ids(t, "", 0, DUMMY, NULL, 0);        /* no prefix before nothing */
    ids_are(t, "", DUMMY | SAINT_TOK_BOS, 1);
    ids_are(t, " \n", DUMMY, 259, 259, 3 + '\n');
    ids_are(t, "\xff" "a\xe4\xb8", 0, 3 + 0xff, 260, 3 + 0xe4, 3 + 0xb8);
    check_ids(t, "a\0b", 3, 0, (int[]){260, 3, 261}, 3);
    ids_are(t, "<u>", SPECIAL, 266);
    ids_are(t, "<u>", 0, 3 + '<', 3 + 'u', 3 + '>'); /* not asked for: ordinary text */
    ids_are(t, "!", SPECIAL, 268);
    ids_are(t, "!", 0, 3 + '!');
    ids_are(t, "<0x41>", 0, 3 + '<', 3 + '0', 269, 3 + '4', 3 + '1', 3 + '>'); /* the name of a byte is not the byte */
    ids_are(t, "aa</s>aa", DUMMY | SPECIAL, 264, 2, 264);
    ids_are(t, "aa</s>", DUMMY, 264, 3 + '<', 3 + '/', 3 + 's', 3 + '>');
    decodes(t, "aa aa", 0, 264, 259, 263);
    decodes(t, "<s> aa</s>", 0, 1, 264, 2);
    decodes(t, "aa", SAINT_TOK_SKIP_SPECIAL, 1, 264, 2);
    decodes(t, " a", 0, 259, 259, 260); /* one space is dropped, not two */
    saint_tokenizer_free(t);
}

static void sentencepiece_can_trim_spaces_and_do_without_bytes(void **state)
{
    (void)state;
    static text_buf b;
    b.n = 0;
    piece(&b, "<unk>", 0, 2);
    piece(&b, BAR, -1, 1);
    piece(&b, "a", -2, 1);
    message(&b, 2, (const char[]){0x18, 2}, 2);
    message(&b, 3, IDENTITY_TRIMMING, sizeof IDENTITY_TRIMMING);
    saint_tokenizer *t = parse(b.data, b.n);
    ids_are(t, "  a   a  ", DUMMY, 1, 2, 1, 2);
    check_ids(t, "   ", 3, DUMMY, NULL, 0);
    ids_are(t, "azza", 0, 2, 0, 2); /* a run of unknown characters is one unknown token */
    assert_int_equal(saint_tokenizer_bos(t), -1);
    int32_t *ids;
    size_t n;
    assert_int_equal(saint_tokenizer_encode(t, "a", 1, SAINT_TOK_BOS, &ids, &n, NULL), SAINT_INVALID);
    saint_tokenizer_free(t);
    b.n = 0;
    piece(&b, "<unk>", 0, 2);
    piece(&b, BAR, -1, 1);
    piece(&b, "a", -2, 1);
    message(&b, 2, (const char[]){0x18, 2}, 2);
    message(&b, 3, (const char[]){0x18, 0, 0x20, 0}, 4); /* no dummy prefix */
    t = parse(b.data, b.n);
    ids_are(t, "a a", DUMMY, 2, 1, 2);
    decodes(t, " a", 0, 1, 2);
    saint_tokenizer_free(t);
}

static void json_of_the_llama_style(void **state)
{
    (void)state;
    saint_tokenizer *t = spm(LEGACY "," ADDED);
    assert_string_equal(saint_tokenizer_kind(t), "sentencepiece-bpe");
    assert_int_equal(saint_tokenizer_size(t), 268);
    assert_int_equal(saint_tokenizer_bos(t), 1);
    assert_int_equal(saint_tokenizer_unk(t), 0);
    ids_are(t, "ab ab", DUMMY, 263, 263); /* a+b comes before _+a, and makes _+ab possible */
    ids_are(t, "a b", DUMMY, 265, 259, 261);
    ids_are(t, "a\xff\n", 0, 260, 3 + 0xff, 3 + '\n');
    saint_tokenizer_free(t);
}

static void legacy_puts_a_prefix_before_every_section(void **state)
{
    (void)state;
    saint_tokenizer *t = spm(LEGACY "," ADDED);
    ids_are(t, "b<i>b", DUMMY | SPECIAL, 259, 261, 266, 259, 261);
    ids_are(t, " b", DUMMY, 264, 261);
    ids_are(t, "b<i>b", SPECIAL, 261, 266, 261);
    ids_are(t, "<i>ab", SPECIAL, 267, 261); /* the longest added token */
    ids_are(t, "<s", SPECIAL, 3 + '<', 3 + 's');
    saint_tokenizer_free(t);
    t = spm("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"first\",\"split\":false}," ADDED);
    ids_are(t, "b<i>b", DUMMY | SPECIAL, 259, 261, 266, 261);
    ids_are(t, "<i>b<i>b", DUMMY | SPECIAL, 266, 261, 266, 261);
    ids_are(t, " b", DUMMY, 259, 261); /* Metaspace does not double a space that is there */
    ids_are(t, "b", 0, 261);
    saint_tokenizer_free(t);
    t = spm("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"always\"}," ADDED);
    ids_are(t, "b<i>b", DUMMY | SPECIAL, 259, 261, 266, 259, 261);
    ids_are(t, "  b", DUMMY, 259, 259, 261); /* split is on unless the file says otherwise: the two spaces cannot merge */
    saint_tokenizer_free(t);
    t = spm("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"never\",\"split\":false}," ADDED);
    ids_are(t, "b b", DUMMY, 261, 259, 261);
    saint_tokenizer_free(t);
}

static void older_and_odder_prefixes(void **state)
{
    (void)state;
    saint_tokenizer *t = spm("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"add_prefix_space\":false}");
    ids_are(t, "b b", DUMMY, 261, 259, 261);
    saint_tokenizer_free(t);
    t = spm("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"add_prefix_space\":true}");
    ids_are(t, "b b", DUMMY, 259, 261, 259, 261);
    saint_tokenizer_free(t);
    t = spm("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"z\"},\"content\":\"\"},"
            "{\"type\":\"Prepend\",\"prepend\":\"" BAR "\"}]}");
    ids_are(t, "zbz", DUMMY, 259, 261);
    check_ids(t, "zz", 2, DUMMY, NULL, 0); /* nothing is left to put a prefix before */
    saint_tokenizer_free(t);
}

static void added_tokens_may_eat_spaces_and_match_normalised_text(void **state)
{
    (void)state;
    saint_tokenizer *t = spm(LEGACY ",\"added_tokens\":[{\"id\":266,\"content\":\"<l>\",\"lstrip\":true},"
                             "{\"id\":267,\"content\":\"<r>\",\"rstrip\":true},{\"id\":268,\"content\":\"<n>\",\"normalized\":true}]");
    ids_are(t, "b \xe3\x80\x80\n<l> b", SPECIAL, 261, 266, 259, 261);
    ids_are(t, "b <r> \t b", SPECIAL, 261, 259, 267, 261);
    ids_are(t, "b <n>", DUMMY | SPECIAL, 259, 261, 268); /* normalised with its prefix, it needs a space before it */
    ids_are(t, "b<n>", DUMMY | SPECIAL, 259, 261, 3 + '<', 3 + 'n', 3 + '>');
    ids_are(t, "b<n>", SPECIAL, 261, 268);
    saint_tokenizer_free(t);
}

static void bytes_decode_to_text_or_to_the_replacement_character(void **state)
{
    (void)state;
    saint_tokenizer *t = spm(LEGACY "," ADDED);
    decodes(t, "\xe4\xb8\xad", 0, 3 + 0xe4, 3 + 0xb8, 3 + 0xad);
    decodes(t, "a\xef\xbf\xbd\xef\xbf\xbd" "b", 0, 260, 3 + 0xe4, 3 + 0xb8, 261);
    decodes(t, "A\xef\xbf\xbd", 0, 3 + 'A', 3 + 0xff);
    decodes(t, "a\xef\xbf\xbd" "b", 0, 260, 3, 261); /* a zero byte would end the string */
    char *text;
    saint_error e = {0};
    assert_int_equal(saint_tokenizer_decode(t, (int32_t[]){260, 999}, 2, 0, &text, &e), SAINT_INVALID);
    assert_null(text);
    assert_non_null(strstr(e.text, "999"));
    assert_int_equal(saint_tokenizer_decode(t, (int32_t[]){-1}, 1, 0, &text, NULL), SAINT_INVALID);
    decodes(t, "", SAINT_TOK_SKIP_SPECIAL, 1, 2, 0);
    text_is(t, NULL, 0, 0, "");
    saint_tokenizer_free(t);
}

static void byte_level_words(void **state)
{
    (void)state;
    saint_tokenizer *t = byte_level(GPT2, "");
    assert_string_equal(saint_tokenizer_kind(t), "byte-level-bpe");
    assert_int_equal(saint_tokenizer_eos(t), 300);
    assert_null(saint_tokenizer_piece(t, 270)); /* a hole between the vocabulary and the added token */
    ids_are(t, "hello", DUMMY, 259);            /* the prefix is none of its business */
    ids_are(t, " hello", 0, ' ', 259);          /* no merge joins the space: the piece alone is not enough */
    ids_are(t, "hello  hello", 0, 259, ' ', ' ', 259);
    ids_are(t, "a\xff", 0, 'a', 0xff);
    ids_are(t, "a<|endoftext|>", SPECIAL, 'a', 300);
    decodes(t, "hello \xef\xbf\xbd<|endoftext|>", 0, 259, ' ', 0xe4, 300);
    decodes(t, " hello", SAINT_TOK_SKIP_SPECIAL, 260, 300);
    decodes(t, "\xc3\xa9", 0, 0xc3, 0xa9);
    char *text;
    assert_int_equal(saint_tokenizer_decode(t, (int32_t[]){270}, 1, 0, &text, NULL), SAINT_INVALID);
    saint_tokenizer_free(t);
    t = byte_level(GPT2, "\"ignore_merges\":true,");
    ids_are(t, " hello", 0, 260);
    saint_tokenizer_free(t);
    t = byte_level("{\"type\":\"ByteLevel\",\"add_prefix_space\":true}", "\"ignore_merges\":true,");
    ids_are(t, "hello", 0, 260);
    ids_are(t, " hello", 0, 260);
    saint_tokenizer_free(t);
}

static void metaspace_decoder_drops_the_spaces_of_the_first_token(void **state)
{
    (void)state;
    static text_buf b;
    spm_json(&b, "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"always\"}",
             "\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"always\"}");
    saint_tokenizer *t = parse(b.data, b.n);
    decodes(t, " ab", 0, 264, 263);
    decodes(t, "ab  <0x41>", 0, 263, 264, 3 + 'A'); /* it knows nothing of bytes */
    saint_tokenizer_free(t);
    spm_json(&b, LEGACY, "\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"never\"}");
    t = parse(b.data, b.n);
    decodes(t, " ab", 0, 263);
    saint_tokenizer_free(t);
}

static void clip_lowers_composes_and_ends_words(void **state)
{
    (void)state;
    static text_buf b;
    b.n = 0;
    put(&b, "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\","
            "\"pattern\":{\"Regex\":\"\\\\s+\"},"
            "\"content\":\" \"},{\"type\":\"Lowercase\"}]},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
            "\"pattern\":{\"Regex\":\"'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+\"},\"behavior\":\"Removed\","
            "\"invert\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":false}]},\"decoder\":{\"type\":\"ByteLevel\"},"
            "\"model\":{\"unk_token\":\"<|endoftext|>\",\"end_of_word_suffix\":\"</w>\",\"vocab\":{");
    byte_vocab(&b, "", 0);
    byte_vocab(&b, "</w>", 256);
    put(&b, ",\"hi</w>\":512,\"<|startoftext|>\":513,\"<|endoftext|>\":514},\"merges\":[[\"h\",\"i</w>\"]]}}");
    saint_tokenizer *t = parse(b.data, b.n);
    assert_string_equal(saint_tokenizer_kind(t), "clip-bpe");
    assert_int_equal(saint_tokenizer_bos(t), 513);
    assert_int_equal(saint_tokenizer_eos(t), 514);
    ids_are(t, " Hi \n HI42!", 0, 512, 512, 256 + '4', 256 + '2', 256 + '!');
    ids_are(t, "hih", 0, 'h', 'i', 256 + 'h');                       /* i is not the last of its word */
    ids_are(t, "e\xcc\x81", 0, 0xc3, 256 + 0xa9);                    /* composed to U+00E9 */
    ids_are(t, "\xc4\xb0", 0, 256 + 'i', 0xcc, 256 + 0x87);         /* U+0130 lowers to two characters: a letter, and a mark on its own */
    decodes(t, "hi ! ", 0, 512, 256 + '!');
    saint_tokenizer_free(t);
}

static void a_megabyte_is_not_quadratic(void **state)
{
    (void)state;
    saint_tokenizer *t = spm(LEGACY "," ADDED);
    size_t n = 1 << 20, count;
    char *text = malloc(n);
    int32_t *ids;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) text[i] = "ab"[i & 1];
    assert_ok(saint_tokenizer_encode(t, text, n, 0, &ids, &count, err));
    assert_int_equal(count, n / 2);
    free(ids);
    memset(text, ' ', n);
    assert_ok(saint_tokenizer_encode(t, text, n, SPECIAL, &ids, &count, err));
    assert_int_equal(count, n / 2);
    free(ids);
    saint_tokenizer_free(t);
    t = byte_level(GPT2, "");
    memset(text, 'l', n);
    assert_ok(saint_tokenizer_encode(t, text, n, 0, &ids, &count, err));
    assert_int_equal(count, n / 2);
    free(ids);
    saint_tokenizer_free(t);
    free(text);
}

/* ---- refusals ---- */

static void refuses(saint_status want, const char *text, size_t n, const char *part)
{
    saint_tokenizer *t = (saint_tokenizer *)(uintptr_t)1;
    saint_error e = {0};
    saint_status s = saint_tokenizer_parse(&t, text, n, "some/file", &e);
    if (s != want) fail_msg("expected '%s' for %s, found %s: %s", saint_status_text(want), part, saint_status_text(s), e.text);
    assert_null(t);
    if (!strstr(e.text, part) || !strstr(e.text, "some/file")) fail_msg("'%s' names neither the file nor '%s'", e.text, part);
}

static void refuses_json(saint_status want, const char *head, const char *tail, const char *part)
{
    static text_buf b;
    spm_json(&b, head, tail);
    refuses(want, b.data, b.n, part);
}

static void what_is_not_implemented_is_refused_by_name(void **state)
{
    (void)state;
    const saint_status no = SAINT_UNSUPPORTED;
    refuses_json(no, "\"normalizer\":{\"type\":\"NFKC\"}", SPM_DECODER, "NFKC");
    refuses_json(no, "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x+\"},\"content\":\"\"}", SPM_DECODER, "x+");
    refuses_json(no, "\"pre_tokenizer\":{\"type\":\"Whitespace\"}", SPM_DECODER, "Whitespace");
    refuses_json(no, "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a-z]\"},\"behavior\":\"Isolated\"}",
                 SPM_DECODER, "[a-z]");
    refuses_json(no, "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"Isolated\"}",
                 SPM_DECODER, "Split");
    refuses_json(no, "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\"}", SPM_DECODER, "'_'");
    refuses_json(no, "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"x\"}", SPM_DECODER, "'x'");
    refuses_json(no, LEGACY, "\"decoder\":null", "decoder");
    refuses_json(no, LEGACY, "\"decoder\":{\"type\":\"WordPiece\"}", "WordPiece");
    refuses_json(no, LEGACY, "\"decoder\":{\"type\":\"ByteLevel\"}", "ByteLevel");
    refuses_json(no, LEGACY, "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"ByteFallback\"}]}", "order");
    refuses_json(no, LEGACY, "\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}", "Strip");
    refuses_json(no, LEGACY ",\"added_tokens\":[{\"id\":300,\"content\":\"q\",\"single_word\":true}]", SPM_DECODER, "single_word");
    static const char *const model[] = {"{\"type\":\"Unigram\"}", "{\"type\":\"WordPiece\",\"vocab\":{}}", "{\"vocab\":{}}",
                                        "{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{},\"merges\":[]}",
                                        "{\"type\":\"BPE\",\"continuing_subword_prefix\":\"##\",\"vocab\":{},\"merges\":[]}",
                                        "{\"type\":\"BPE\",\"end_of_word_suffix\":\"@@\",\"vocab\":{},\"merges\":[]}"};
    static const char *const name[] = {"Unigram", "WordPiece", "model type", "dropout", "##", "@@"};
    for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
        text_buf b = {.n = 0};
        put(&b, "{\"model\":%s}", model[i]);
        refuses(no, b.data, b.n, name[i]);
    }
}

static void broken_json_is_refused(void **state)
{
    (void)state;
    const saint_status bad = SAINT_FORMAT;
    refuses(bad, "{\"a\":", 5, "JSON");
    refuses(bad, "{\"model\":3}", 11, "model");
    refuses_json(bad, LEGACY ",\"added_tokens\":[{\"id\":0,\"content\":\"other\"}]", SPM_DECODER, "other");
    refuses_json(bad, LEGACY ",\"added_tokens\":[{\"id\":300,\"content\":\"ab\"}]", SPM_DECODER, "ab");
    refuses_json(bad, LEGACY ",\"added_tokens\":[{\"id\":99999999,\"content\":\"q\"}]", SPM_DECODER, "added_tokens");
    static const char *const model[] = {"\"vocab\":{\"a\":1.5},\"merges\":[]", "\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]",
                                        "\"vocab\":{\"a\":0},\"merges\":[\"a a\"]", "\"vocab\":{\"a\":0},\"merges\":[\"a\"]",
                                        "\"vocab\":{\"a\":0},\"merges\":[\"a b c\"]", "\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]",
                                        "\"vocab\":{\"a\":0},\"merges\":{}", "\"vocab\":{\"a\":-1},\"merges\":[]",
                                        "\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"u\"", "\"vocab\":[],\"merges\":[]"};
    for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
        text_buf b = {.n = 0};
        put(&b, "{\"model\":{\"type\":\"BPE\",%s}}", model[i]);
        refuses(bad, b.data, b.n, i == 1 ? "id 0" : "model.");
    }
}

static void broken_and_foreign_models_are_refused(void **state)
{
    (void)state;
    static text_buf b;
    static const char unigram[] = {0x18, 1}, charsmap[] = {0x12, 1, 'x'};
    refuses(SAINT_UNSUPPORTED, "", 0, "unigram"); /* an empty message has the default type */
    spm_pieces(&b);
    size_t pieces = b.n;
    message(&b, 2, unigram, sizeof unigram);
    refuses(SAINT_UNSUPPORTED, b.data, b.n, "unigram");
    b.n = pieces;
    message(&b, 2, TRAINER, sizeof TRAINER);
    message(&b, 3, charsmap, sizeof charsmap);
    refuses(SAINT_UNSUPPORTED, b.data, b.n, "character map");
    b.n = pieces;
    message(&b, 2, TRAINER, sizeof TRAINER);
    size_t whole = b.n;
    for (size_t n = 0; n < whole; n++) { /* every shorter file: refused, never read past its end */
        saint_tokenizer *t;
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, b.data, n);
        assert_int_not_equal(saint_tokenizer_parse(&t, copy, n, "t", NULL), SAINT_OK);
        free(copy);
    }
    static const char too_long[] = {0x78, '\xff', '\xff', '\xff', '\xff', '\xff', '\xff', '\xff', '\xff', '\xff', 2}; /* 65 bits */
    memcpy(b.data + b.n, too_long, sizeof too_long);
    refuses(SAINT_FORMAT, b.data, b.n + sizeof too_long, "malformed");
    b.data[b.n + sizeof too_long - 1] = 1;
    saint_tokenizer_free(parse(b.data, b.n + sizeof too_long)); /* 64 bits are a field that nobody knows */
    piece(&b, "a", 0, 1);
    refuses(SAINT_FORMAT, b.data, b.n, "same text");
    b.n = whole;
    piece(&b, "\xff", 0, 1);
    refuses(SAINT_FORMAT, b.data, b.n, "UTF-8");
    b.n = whole;
    piece(&b, "n", (float)NAN, 1);
    refuses(SAINT_FORMAT, b.data, b.n, "not a number");
    b.n = whole;
    piece(&b, "n", 0, 5);
    refuses(SAINT_UNSUPPORTED, b.data, b.n, "UNUSED");
    b.n = whole;
    piece(&b, "n", 0, 6);
    refuses(SAINT_FORMAT, b.data, b.n, "BYTE");
    b.n = 0;
    piece(&b, "<unk>", 0, 2);
    message(&b, 2, TRAINER, sizeof TRAINER);
    refuses(SAINT_FORMAT, b.data, b.n, "byte_fallback");
}

/* ---- folders ---- */

static void write_in(const char *folder, const char *name, const char *data, size_t n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_write(path, data, n, err));
}

static void clean(const char *folder)
{
    static const char *const name[] = {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
                                       "added_tokens.json"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, name[i]);
        unlink(path);
    }
}

static saint_tokenizer *load(const char *path)
{
    saint_tokenizer *t;
    assert_ok(saint_tokenizer_load(&t, path, err));
    return t;
}

static void a_folder_says_which_tokens_are_special(void **state)
{
    (void)state;
    static text_buf b;
    char folder[] = "/tmp/saint_tokenizer_XXXXXX", path[256];
    assert_non_null(mkdtemp(folder));
    saint_tokenizer *t;
    saint_error e = {0};
    assert_int_equal(saint_tokenizer_load(&t, folder, &e), SAINT_IO);
    assert_non_null(strstr(e.text, "tokenizer.model"));
    spm_pieces(&b);
    message(&b, 2, TRAINER, sizeof TRAINER);
    message(&b, 3, IDENTITY, sizeof IDENTITY);
    write_in(folder, "tokenizer.model", b.data, b.n);
    t = load(folder);
    ids_are(t, "aa</s>aa", DUMMY | SPECIAL, 264, 2, 264);
    saint_tokenizer_free(t);

#define WRITE(name, text) write_in(folder, name, text, strlen(text))
    WRITE("special_tokens_map.json", "{\"pad_token\":\"<unk>\",\"eos_token\":{\"content\":\"</s>\"}}");
    WRITE("added_tokens.json", "{\"<image>\":300}");
    WRITE("tokenizer_config.json", "{\"legacy\":false,\"bos_token\":null,\"unk_token\":\"\",\"added_tokens_decoder\":"
                                   "{\"2\":{\"content\":\"</s>\",\"rstrip\":true,\"special\":true}}}");
    t = load(folder);
    assert_int_equal(saint_tokenizer_size(t), 301);
    assert_int_equal(saint_tokenizer_bos(t), -1);
    assert_int_equal(saint_tokenizer_eos(t), 2);
    assert_int_equal(saint_tokenizer_pad(t), 0);
    assert_int_equal(saint_tokenizer_unk(t), 0);
    ids_are(t, "aa</s> aa", DUMMY | SPECIAL, 264, 2, 263); /* not legacy: the first section only; and </s> takes the space */
    ids_are(t, "<image>a", DUMMY | SPECIAL, 300, 260);
    saint_tokenizer_free(t);
    snprintf(path, sizeof path, "%s/tokenizer.model", folder);
    t = load(path); /* the file alone: nothing beside it is read */
    assert_int_equal(saint_tokenizer_bos(t), 1);
    assert_int_equal(saint_tokenizer_size(t), 273);
    saint_tokenizer_free(t);

    WRITE("tokenizer_config.json", "{\"add_prefix_space\":false,\"bos_token\":{\"content\":\"</s>\"}}");
    t = load(folder);
    assert_int_equal(saint_tokenizer_bos(t), 2);
    ids_are(t, "aa", DUMMY, 263);
    decodes(t, " a", 0, 259, 260); /* no space was put in front, none is taken off */
    saint_tokenizer_free(t);
    WRITE("special_tokens_map.json", "{\"pad_token\":\"<nowhere>\"}");
    assert_int_equal(saint_tokenizer_load(&t, folder, &e), SAINT_FORMAT);
    assert_non_null(strstr(e.text, "<nowhere>"));
    clean(folder);
    spm_json(&b, LEGACY "," ADDED, SPM_DECODER);
    write_in(folder, "tokenizer.json", b.data, b.n);
    WRITE("tokenizer_config.json", "{\"pad_token\":{\"content\":\"<i>\"},\"eos_token\":\"<s>\"}");
    t = load(folder);
    assert_int_equal(saint_tokenizer_pad(t), 266);
    assert_int_equal(saint_tokenizer_eos(t), 1);
    decodes(t, "a", SAINT_TOK_SKIP_SPECIAL, 266, 260, 1);
    saint_tokenizer_free(t);
    WRITE("tokenizer_config.json", "[]");
    assert_int_equal(saint_tokenizer_load(&t, folder, NULL), SAINT_FORMAT);
    clean(folder);
    rmdir(folder);
}

/* llava-hf's <image> is a token of the text, so what follows it begins as the tokenizer.json has it behind special tokens (as transformers does
 * for LLaVA, whatever tokenizer_config.json calls legacy); LLaVA's own code encodes that part alone, with a prefix. */
static void a_prompt_goes_on_behind_the_picture_as_its_tokenizer_says(void **state)
{
    (void)state;
#define SCHEME(name) "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BAR "\",\"prepend_scheme\":\"" name "\",\"split\":false}," ADDED
    static const struct {
        const char *head;
        bool prefix;
    } v[] = {{LEGACY "," ADDED, true}, {SCHEME("always"), true}, {SCHEME("first"), false}, {SCHEME("never"), false}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_tokenizer *t = spm(v[i].head);
        saint_prompt p;
        assert_ok(saint_prompt_build(saint_template_find("llava_hf"), t, "a", true, &p, err));
        if (v[i].prefix) assert_int_equal(p.ids[p.n_prefix], 259);
        assert_int_equal(p.ids[p.n_prefix + v[i].prefix], 3 + '\n');
        saint_prompt_free(&p);
        assert_ok(saint_prompt_build(saint_template_find("vicuna_v1"), t, "a", true, &p, err));
        bool never = i == 3;
        if (!never) assert_int_equal(p.ids[p.n_prefix], 259);
        assert_int_equal(p.ids[p.n_prefix + !never], 3 + '\n');
        saint_prompt_free(&p);
        saint_tokenizer_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentencepiece_merges_by_score_and_leftmost),
        cmocka_unit_test(sentencepiece_can_trim_spaces_and_do_without_bytes),
        cmocka_unit_test(json_of_the_llama_style),
        cmocka_unit_test(legacy_puts_a_prefix_before_every_section),
        cmocka_unit_test(older_and_odder_prefixes),
        cmocka_unit_test(added_tokens_may_eat_spaces_and_match_normalised_text),
        cmocka_unit_test(bytes_decode_to_text_or_to_the_replacement_character),
        cmocka_unit_test(byte_level_words),
        cmocka_unit_test(metaspace_decoder_drops_the_spaces_of_the_first_token),
        cmocka_unit_test(clip_lowers_composes_and_ends_words),
        cmocka_unit_test(a_megabyte_is_not_quadratic),
        cmocka_unit_test(what_is_not_implemented_is_refused_by_name),
        cmocka_unit_test(broken_json_is_refused),
        cmocka_unit_test(broken_and_foreign_models_are_refused),
        cmocka_unit_test(a_folder_says_which_tokens_are_special),
        cmocka_unit_test(a_prompt_goes_on_behind_the_picture_as_its_tokenizer_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
