/* tokenizer_bytelevel.c - GPT-2's printable alphabet for bytes, and the expressions that cut a text into words.
 *
 * The expressions are a closed set, matched by hand: a general engine of regular expressions would read them from untrusted files. */
#include "formats/tokenizer_internal.h"

static bool stands_for_itself(unsigned b)
{
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
}

/* The other 68 bytes take U+0100 upwards, in order: 0x00..0x20, 0x7f..0xa0, 0xad. */
uint32_t saint_tok_byte_char(unsigned byte)
{
    if (stands_for_itself(byte)) return byte;
    if (byte <= 0x20) return 0x100 + byte;
    return byte <= 0xa0 ? 0x121 + (byte - 0x7f) : 0x143;
}

int saint_tok_char_byte(int32_t cp)
{
    if (cp >= 0 && cp < 0x100) return stands_for_itself((unsigned)cp) ? cp : -1;
    if (cp >= 0x100 && cp <= 0x120) return cp - 0x100;
    if (cp >= 0x121 && cp <= 0x142) return cp - 0x121 + 0x7f;
    return cp == 0x143 ? 0xad : -1;
}

typedef enum { LETTER, NUMBER, SPACE, OTHER, END } class;

/* Class and length of the character at i; END behind the text. */
static class at(const char *s, size_t n, size_t i, size_t *len)
{
    *len = 0;
    if (i >= n) return END;
    int32_t cp = saint_utf8_next(s + i, n - i, len);
    if (saint_uni_is_letter(cp)) return LETTER;
    if (saint_uni_is_number(cp)) return NUMBER;
    return saint_uni_is_space(cp) ? SPACE : OTHER;
}

/* Length of the longest run of one class from i, of at most `most` characters. */
static size_t run(const char *s, size_t n, size_t i, class c, size_t most)
{
    size_t start = i, len;
    for (; most && at(s, n, i, &len) == c; most--) i += len;
    return i - start;
}

static bool newline(char c)
{
    return c == '\n' || c == '\r';
}

/* 's 't 're 've 'm 'll 'd; with any_case also capitals, and U+017F, which folds to s. */
static size_t contraction(const char *s, size_t n, bool any_case)
{
    if (n < 2 || s[0] != '\'') return 0;
    char a = any_case && s[1] >= 'A' && s[1] <= 'Z' ? (char)(s[1] + 32) : s[1];
    char b = n > 2 ? s[2] : 0;
    if (any_case && b >= 'A' && b <= 'Z') b = (char)(b + 32);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    return any_case && n > 2 && s[1] == '\xc5' && s[2] == '\xbf' ? 3 : 0;
}

/* \s+(?!\S)|\s+ : a run of spaces leaves its last one to the word behind it, if there is one and it can. */
static size_t spaces(const char *s, size_t n)
{
    size_t i = 0, last = 0, len;
    while (at(s, n, i, &len) == SPACE) {
        last = i;
        i += len;
    }
    return i == n || last == 0 ? i : last;
}

static size_t cut_gpt2(const char *s, size_t n)
{
    size_t k = contraction(s, n, false), skip = s[0] == ' ' ? 1 : 0, len;
    if (k) return k;
    class c = at(s, n, skip, &len);
    if (c == SPACE || c == END) return spaces(s, n);
    return skip + run(s, n, skip, c, SIZE_MAX);
}

/* LLaMA-3's expression, and Qwen2's, which differs in taking numbers one by one instead of by three. */
static size_t cut_llama3(const char *s, size_t n, size_t numbers)
{
    size_t k = contraction(s, n, true), len, ignored;
    if (k) return k;
    class c = at(s, n, 0, &len);
    if (c == LETTER) return run(s, n, 0, LETTER, SIZE_MAX);
    if (c != NUMBER && !newline(s[0]) && at(s, n, len, &ignored) == LETTER) return len + run(s, n, len, LETTER, SIZE_MAX);
    if (c == NUMBER) return run(s, n, 0, NUMBER, numbers);
    size_t skip = s[0] == ' ' ? 1 : 0;
    if (at(s, n, skip, &len) == OTHER) {
        k = skip + run(s, n, skip, OTHER, SIZE_MAX);
        while (k < n && newline(s[k])) k++;
        return k;
    }
    size_t end = run(s, n, 0, SPACE, SIZE_MAX);
    for (k = end; k; k--)
        if (newline(s[k - 1])) return k; /* \s*[\r\n]+ : up to the last line end of the run */
    return spaces(s, n);
}

static size_t cut_clip(const char *s, size_t n, bool *matched)
{
    size_t k = contraction(s, n, false), len;
    if (k) return k;
    class c = at(s, n, 0, &len);
    *matched = c != SPACE;
    return c == NUMBER ? len : run(s, n, 0, c, SIZE_MAX);
}

size_t saint_tok_cut_next(saint_cut c, const char *s, size_t n, bool *matched)
{
    size_t len, i;
    *matched = true;
    switch (c) {
    case SAINT_CUT_BARS:
        for (i = 1; i < n && !(n - i >= 3 && s[i] == '\xe2' && s[i + 1] == '\x96' && s[i + 2] == '\x81'); i++) {}
        return i;
    case SAINT_CUT_GPT2: return cut_gpt2(s, n);
    case SAINT_CUT_LLAMA3: return cut_llama3(s, n, 3);
    case SAINT_CUT_QWEN2: return cut_llama3(s, n, 1);
    case SAINT_CUT_CLIP: return cut_clip(s, n, matched);
    case SAINT_CUT_DIGITS:
    case SAINT_CUT_NUMBERS: {
        bool number = at(s, n, 0, &len) == NUMBER;
        if (number && c == SAINT_CUT_DIGITS) return len;
        for (i = len; i < n && (at(s, n, i, &len) == NUMBER) == number; i += len) {}
        return i;
    }
    case SAINT_CUT_SPACE_PREFIX: break;
    }
    return n;
}
