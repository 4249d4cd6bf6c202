/* score_parse.c - reading yes, no and letters out of free text, exactly as each published evaluation does it. */
#include <string.h>

#include "datasets/score_internal.h"

static bool equal(const char *p, size_t n, const char *word) { return n == strlen(word) && memcmp(p, word, n) == 0; }

static bool holds(const char *p, size_t n, const char *word)
{
    size_t m = strlen(word);
    for (size_t i = 0; i + m <= n; i++)
        if (memcmp(p + i, word, m) == 0) return true;
    return false;
}

/* Bytes of the first `count` code points. */
static size_t first_characters(const char *p, size_t n, int count, int *found)
{
    size_t i = 0, len;
    *found = 0;
    while (i < n && *found < count) {
        (void)saint_utf8_next(p + i, n - i, &len);
        i += len;
        ++*found;
    }
    return i;
}

/* "Know" is a No: the letters "no" stand among its first four. Published numbers have that. */
static int mme_prefix(const char *p, size_t n)
{
    int characters;
    size_t m = first_characters(p, n, 4, &characters);
    if (holds(p, m, "yes")) return SAINT_ANSWER_YES;
    return holds(p, m, "no") ? SAINT_ANSWER_NO : SAINT_ANSWER_OTHER;
}

static int yes_or_no(const char *p, size_t n)
{
    return equal(p, n, "yes") ? SAINT_ANSWER_YES : equal(p, n, "no") ? SAINT_ANSWER_NO : SAINT_ANSWER_OTHER;
}

/* The longest answer that matters is short, but a long one must not be cut inside: only its beginning decides. */
enum { HEAD = 4096 };

int saint_parse_mme(const char *answer, saint_parser p)
{
    saint_buf lower = {0};
    int code = SAINT_ANSWER_OTHER, characters;
    size_t n = strlen(answer), m = 0;
    if (!saint_uni_lowercase(answer, n, &lower) || !lower.n) {
        saint_buf_free(&lower);
        return SAINT_ANSWER_OTHER;
    }
    if (p == SAINT_PARSER_OFFICIAL) { /* neither strip nor full stops */
        code = mme_prefix(lower.data, lower.n);
    } else {
        const char *text = saint_py_strip(lower.data, lower.n, &n);
        char plain[HEAD];
        for (size_t i = 0; i < n && m < sizeof plain; i++)
            if (text[i] != '.') plain[m++] = text[i];
        (void)first_characters(plain, m, 2, &characters);
        code = yes_or_no(plain, m);
        if (code == SAINT_ANSWER_OTHER && characters == 1)
            code = plain[0] == 'y' ? SAINT_ANSWER_YES : plain[0] == 'n' ? SAINT_ANSWER_NO : code;
        else if (code == SAINT_ANSWER_OTHER) code = mme_prefix(plain, m);
    }
    saint_buf_free(&lower);
    return code;
}

int saint_parse_pope(const char *answer, saint_parser p)
{
    if (p == SAINT_PARSER_LMMS) { /* "Yes." is neither */
        saint_buf lower = {0};
        size_t n = 0;
        int code = SAINT_ANSWER_OTHER;
        if (saint_uni_lowercase(answer, strlen(answer), &lower) && lower.n) {
            const char *text = saint_py_strip(lower.data, lower.n, &n);
            code = yes_or_no(text, n);
        }
        saint_buf_free(&lower);
        return code;
    }
    /* The first sentence; commas vanish inside words; a word that is No, not or no is a No, everything else a Yes. */
    size_t end = strcspn(answer, "."), m = 0;
    char word[8];
    for (size_t i = 0; i <= end; i++) {
        if (i < end && answer[i] == ',') continue;
        if (i < end && answer[i] != ' ') {
            if (m < sizeof word) word[m++] = answer[i];
            continue;
        }
        if (equal(word, m, "No") || equal(word, m, "not") || equal(word, m, "no")) return SAINT_ANSWER_NO;
        m = 0;
    }
    return SAINT_ANSWER_YES;
}

/* ---- letters --------------------------------------------------------------------------------------------------------- */

static int letter_index(char c, size_t n_choices) { return c >= 'A' && (size_t)(c - 'A') < n_choices ? c - 'A' : SAINT_ANSWER_OTHER; }

/* LLaVA: the letter alone; "B. " in front; or exactly one "The answer is X" with any character behind it. */
static int scienceqa_official(const char *a, size_t n_choices)
{
    static const char words[] = "The answer is ";
    size_t n = strlen(a), w = sizeof words - 1, hits = 0;
    if (n == 1 && a[0] >= 'A' && a[0] <= 'E') return letter_index(a[0], n_choices);
    if (n >= 3 && a[0] >= 'A' && a[0] <= 'E' && a[1] == '.' && a[2] == ' ') return letter_index(a[0], n_choices);
    char found = 0;
    for (const char *p = a; (p = strstr(p, words));) {
        char letter = p[w], behind = letter ? p[w + 1] : 0;
        if (letter >= 'A' && letter <= 'Z' && behind && behind != '\n') {
            found = letter;
            hits++;
            p += w + 2;
        } else p++;
    }
    return hits == 1 && found <= 'E' ? letter_index(found, n_choices) : SAINT_ANSWER_OTHER;
}

int saint_parse_scienceqa(const char *answer, size_t n_choices, saint_parser p)
{
    if (p == SAINT_PARSER_OFFICIAL) return scienceqa_official(answer, n_choices);
    size_t n;
    const char *text = saint_py_strip(answer, strlen(answer), &n);
    if (n != 1) return SAINT_ANSWER_OTHER;
    return letter_index(text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 32) : text[0], n_choices);
}

int saint_parse_seed(const char *answer, saint_parser p)
{
    size_t n;
    if (p == SAINT_PARSER_OFFICIAL) return strlen(answer) == 1 ? letter_index(answer[0], 4) : SAINT_ANSWER_OTHER;
    const char *text = saint_py_strip(answer, strlen(answer), &n);
    if (n == 0) return SAINT_ANSWER_OTHER;
    return letter_index(text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 32) : text[0], 4);
}

/* Which letters stand as prefix X suffix among the words of the answer, as bits; *words counts all words. */
static unsigned letters_among(const char *a, size_t n, size_t n_letters, const char *prefix, const char *suffix, size_t *words)
{
    unsigned found = 0;
    size_t before = strlen(prefix), behind = strlen(suffix);
    *words = 0;
    for (size_t i = 0, len; i < n;) {
        if (saint_py_is_space(saint_utf8_next(a + i, n - i, &len))) {
            i += len;
            continue;
        }
        size_t from = i;
        while (i < n && !saint_py_is_space(saint_utf8_next(a + i, n - i, &len))) i += len;
        size_t m = i - from;
        const char *w = a + from;
        ++*words;
        if (m != before + 1 + behind || memcmp(w, prefix, before) != 0 || memcmp(w + before + 1, suffix, behind) != 0) continue;
        if (w[before] >= 'A' && (size_t)(w[before] - 'A') < n_letters) found |= 1u << (w[before] - 'A');
    }
    return found;
}

static int only_bit(unsigned bits)
{
    if (!bits || bits & (bits - 1)) return SAINT_ANSWER_OTHER;
    int i = 0;
    while (bits >>= 1) i++;
    return i;
}

static int infer_option(const char *a, size_t n_letters)
{
    static const char *const decoration[][2] = {{"", "."},   {"", ","}, {"", ":"},  {"", ")"},  {"", ")."}, {"(", ")"},
                                                {"(", ")."}, {":", ""}, {":", ","}, {":", "."}, {":", ")"}, {":", ")."}};
    size_t n = strlen(a), words;
    if (strstr(a, "Failed to obtain answer via API")) return SAINT_ANSWER_OTHER;
    unsigned plain = letters_among(a, n, n_letters, "", "", &words);
    int hit = only_bit(plain);
    if (hit >= 0 && !((plain & 1) && words > 3)) return hit; /* "A man in a hat": an article */
    for (size_t i = 0; i < sizeof decoration / sizeof *decoration; i++) {
        hit = only_bit(letters_among(a, n, n_letters, decoration[i][0], decoration[i][1], &words));
        if (hit >= 0) return hit;
    }
    return SAINT_ANSWER_OTHER;
}

/* The one option whose text stands in the answer, both in lower case. */
static int infer_text(const char *a, const char *const *choices, size_t n_choices)
{
    saint_buf lower = {0}, option = {0};
    int hit = SAINT_ANSWER_OTHER, hits = 0;
    bool ok = saint_uni_lowercase(a, strlen(a), &lower);
    for (size_t i = 0; i < n_choices && ok; i++) {
        option.n = 0;
        if (!choices[i][0]) continue;
        ok = saint_uni_lowercase(choices[i], strlen(choices[i]), &option);
        if (!ok || !lower.n || !saint_buf_add(&option, "", 1) || !holds(lower.data, lower.n, option.data)) continue;
        hit = (int)i;
        hits++;
    }
    saint_buf_free(&lower);
    saint_buf_free(&option);
    return hits == 1 ? hit : SAINT_ANSWER_OTHER;
}

int saint_parse_mmbench(const char *answer, const char *const *choices, size_t n_choices)
{
    int hit = infer_option(answer, n_choices > 5 ? (n_choices < 26 ? n_choices : 26) : 5);
    if (hit < 0) hit = infer_text(answer, choices, n_choices);
    return hit;
}
