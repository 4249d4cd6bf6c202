/* First byte: flags. Bit 7 clear: the rest is a tokenizer file, which then encodes itself. Bit 7 set: the rest is text for tokenizers that
 * are known to be good, and what they encode must decode to the same text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer.h"
#include "base/unicode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define BAR "\xe2\x96\x81"

enum { SPM, LLAMA3, CLIP, KINDS };
static saint_tokenizer *good[KINDS];

static const char *const head[KINDS] = {
    "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" BAR "\"},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":["
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" BAR "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]},"
    "\"added_tokens\":[{\"id\":300,\"content\":\"<s>\",\"special\":true,\"lstrip\":true,\"rstrip\":true}],\"model\":{\"type\":\"BPE\","
    "\"byte_fallback\":true,\"merges\":[\"a b\",\"" BAR " a\",\"" BAR " ab\"],\"vocab\":{\"" BAR "\":256,\"a\":257,\"b\":258,\"ab\":259,"
    "\"" BAR "a\":260,\"" BAR "ab\":261",
    "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|"
    "'ve|'m|'ll|'d)|"
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|"
    "\\\\s+(?!\\\\S)|\\\\s+\"},"
    "\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}]},"
    "\"decoder\":{\"type\":\"ByteLevel\"},"
    "\"added_tokens\":[{\"id\":300,\"content\":\"<s>\",\"special\":true}],"
    "\"model\":{\"ignore_merges\":true,\"merges\":[\"l l\",\"\\u0120 ll\"],\"vocab\":{\"ll\":256,\"\\u0120ll\":257",
    "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\","
    "\"pattern\":{\"Regex\":\"\\\\s+\"},\"content\":\" \"},"
    "{\"type\":\"Lowercase\"}]},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+\"},\"behavior\":\"Removed\",\"invert\":true},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}]},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"unk_token\":\"?</w>\","
    "\"end_of_word_suffix\":\"</w>\",\"merges\":[\"l l\",\"l l</w>\"],\"vocab\":{\"ll\":256,\"l</w>\":257,\"ll</w>\":258,\"?</w>\":259"};

static void die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static char json[16384];
    for (int k = 0; k < KINDS; k++) {
        size_t n = (size_t)snprintf(json, sizeof json, "%s", head[k]);
        unsigned other = 0x100;
        for (unsigned b = 0; b < 256; b++) {
            bool plain = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
            n += (size_t)(k == SPM ? snprintf(json + n, sizeof json - n, ",\"<0x%02X>\":%u", b, b)
                                   : snprintf(json + n, sizeof json - n, ",\"\\u%04x\":%u", plain ? b : other++, b));
        }
        n += (size_t)snprintf(json + n, sizeof json - n, "}}}");
        saint_error e;
        if (saint_tokenizer_parse(&good[k], json, n, "good", &e) != SAINT_OK) die(e.text);
    }
    return 0;
}

static char *encode_and_decode(const saint_tokenizer *t, const char *text, size_t n, unsigned flags)
{
    int32_t *ids;
    size_t count;
    char *back = NULL;
    if (saint_tokenizer_encode(t, text, n, flags, &ids, &count, NULL) != SAINT_OK) return NULL;
    for (size_t i = 0; i < count; i++)
        if (!saint_tokenizer_piece(t, ids[i])) die("encoded to an id that is none");
    if (saint_tokenizer_decode(t, ids, count, flags, &back, NULL) != SAINT_OK) die("encoded to ids that do not decode");
    free(ids);
    return back;
}

/* The text as decoding must give it back. */
static char *cleaned(const char *text, size_t n, bool every_byte, bool bars)
{
    saint_buf b = {0};
    bool ok = true;
    for (size_t i = 0, len; i < n; i += len) {
        int32_t cp = saint_utf8_next(text + i, n - i, &len);
        if (cp == SAINT_UTF8_BAD && every_byte) len = 1;
        ok = ok && saint_buf_add_cp(&b, cp <= 0 ? 0xfffd : bars && cp == 0x2581 ? ' ' : (uint32_t)cp);
    }
    if (!ok || !saint_buf_add(&b, "", 1)) die("no memory");
    return b.data;
}

static void known_good(const char *text, size_t n, unsigned flags)
{
    for (int k = 0; k < KINDS; k++) {
        char *back = encode_and_decode(good[k], text, n, k == CLIP ? flags & ~(unsigned)SAINT_TOK_BOS : flags & SAINT_TOK_DUMMY_PREFIX);
        if (!back) die("a good tokenizer failed");
        char *want = cleaned(text, n, k == SPM, k == SPM);
        if (k != CLIP && strcmp(back, want) != 0) die("decodes to another text");
        free(want);
        free(back);
    }
    free(encode_and_decode(good[SPM], text, n, flags));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) return 0;
    unsigned flags = data[0] & 15;
    const char *rest = (const char *)data + 1;
    if (data[0] & 0x80) {
        known_good(rest, n - 1, flags);
        return 0;
    }
    saint_tokenizer *t;
    saint_error e = {0};
    if (saint_tokenizer_parse(&t, rest, n - 1, "input", &e) != SAINT_OK) {
        if (!e.text[0]) die("refused without a word");
        return 0;
    }
    free(encode_and_decode(t, rest, n - 1, flags));
    saint_tokenizer_free(t);
    return 0;
}
