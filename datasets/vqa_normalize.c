/* vqa_normalize.c - the answer normaliser of the VQA evaluations (evaluation.md, appendix A).
 *
 * Its oddities are kept on purpose, because published numbers have them: a punctuation mark is deleted when a space stands beside any of
 * its kind and becomes a space otherwise; at most 32 full stops go; "'s" is cut from its word. */
#include "datasets/vqa_normalize.h"

#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

/* Sorted by bytes. Keys with capitals could never match lower-cased text and are not here. */
static const char *const contractions[][2] = {
    {"'ow'sat", "'ow's'at"},
    {"'ows'at", "'ow's'at"},
    {"aint", "ain't"},
    {"arent", "aren't"},
    {"cant", "can't"},
    {"couldn'tve", "couldn't've"},
    {"couldnt", "couldn't"},
    {"couldnt've", "couldn't've"},
    {"couldve", "could've"},
    {"didnt", "didn't"},
    {"doesnt", "doesn't"},
    {"dont", "don't"},
    {"hadn'tve", "hadn't've"},
    {"hadnt", "hadn't"},
    {"hadnt've", "hadn't've"},
    {"hasnt", "hasn't"},
    {"havent", "haven't"},
    {"he'dve", "he'd've"},
    {"hed", "he'd"},
    {"hed've", "he'd've"},
    {"hes", "he's"},
    {"howd", "how'd"},
    {"howll", "how'll"},
    {"hows", "how's"},
    {"isnt", "isn't"},
    {"it'dve", "it'd've"},
    {"itd", "it'd"},
    {"itd've", "it'd've"},
    {"itll", "it'll"},
    {"maam", "ma'am"},
    {"mightn'tve", "mightn't've"},
    {"mightnt", "mightn't"},
    {"mightnt've", "mightn't've"},
    {"mightve", "might've"},
    {"mustnt", "mustn't"},
    {"mustve", "must've"},
    {"neednt", "needn't"},
    {"notve", "not've"},
    {"oclock", "o'clock"},
    {"oughtnt", "oughtn't"},
    {"ow's'at", "'ow's'at"},
    {"shant", "shan't"},
    {"she'dve", "she'd've"},
    {"shed've", "she'd've"},
    {"shouldn'tve", "shouldn't've"},
    {"shouldnt", "shouldn't"},
    {"shouldnt've", "shouldn't've"},
    {"shouldve", "should've"},
    {"somebody'd", "somebodyd"},
    {"somebody'dve", "somebody'd've"},
    {"somebodyd've", "somebody'd've"},
    {"somebodyll", "somebody'll"},
    {"somebodys", "somebody's"},
    {"someone'dve", "someone'd've"},
    {"someoned", "someone'd"},
    {"someoned've", "someone'd've"},
    {"someonell", "someone'll"},
    {"someones", "someone's"},
    {"something'dve", "something'd've"},
    {"somethingd", "something'd"},
    {"somethingd've", "something'd've"},
    {"somethingll", "something'll"},
    {"thats", "that's"},
    {"there'dve", "there'd've"},
    {"thered", "there'd"},
    {"thered've", "there'd've"},
    {"therere", "there're"},
    {"theres", "there's"},
    {"they'dve", "they'd've"},
    {"theyd", "they'd"},
    {"theyd've", "they'd've"},
    {"theyll", "they'll"},
    {"theyre", "they're"},
    {"theyve", "they've"},
    {"twas", "'twas"},
    {"wasnt", "wasn't"},
    {"we'dve", "we'd've"},
    {"wed've", "we'd've"},
    {"werent", "weren't"},
    {"weve", "we've"},
    {"whatll", "what'll"},
    {"whatre", "what're"},
    {"whats", "what's"},
    {"whatve", "what've"},
    {"whens", "when's"},
    {"whered", "where'd"},
    {"wheres", "where's"},
    {"whereve", "where've"},
    {"who'dve", "who'd've"},
    {"whod", "who'd"},
    {"whod've", "who'd've"},
    {"wholl", "who'll"},
    {"whos", "who's"},
    {"whove", "who've"},
    {"whyll", "why'll"},
    {"whyre", "why're"},
    {"whys", "why's"},
    {"wont", "won't"},
    {"wouldn'tve", "wouldn't've"},
    {"wouldnt", "wouldn't"},
    {"wouldnt've", "wouldn't've"},
    {"wouldve", "would've"},
    {"y'all'dve", "y'all'd've"},
    {"y'alld've", "y'all'd've"},
    {"y'allll", "y'all'll"},
    {"yall", "y'all"},
    {"yall'd've", "y'all'd've"},
    {"yall'll", "y'all'll"},
    {"you'dve", "you'd've"},
    {"youd", "you'd"},
    {"youd've", "you'd've"},
    {"youll", "you'll"},
    {"youre", "you're"},
    {"youve", "you've"},
};

static const char *const numbers[][2] = {{"none", "0"}, {"zero", "0"}, {"one", "1"},   {"two", "2"},   {"three", "3"}, {"four", "4"},
                                         {"five", "5"}, {"six", "6"},  {"seven", "7"}, {"eight", "8"}, {"nine", "9"},  {"ten", "10"}};

enum { FULL_STOPS = 32 }; /* the published code passes a flag where re.sub takes a count */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Text without the white space around it, appended. */
static bool add_stripped(saint_buf *out, const char *p, size_t n)
{
    size_t m;
    p = saint_py_strip(p, n, &m);
    return saint_buf_add(out, p, m);
}

/* Newlines and tabs become spaces, then strip. */
static bool one_line(saint_buf *text, saint_buf *out)
{
    for (size_t i = 0; i < text->n; i++)
        if (text->data[i] == '\n' || text->data[i] == '\t') text->data[i] = ' ';
    return add_stripped(out, text->data ? text->data : "", text->n);
}

static bool has_digit_comma(const char *p, size_t n)
{
    for (size_t i = 1; i + 1 < n; i++) {
        if (p[i] != ',' || !is_digit(p[i - 1])) continue;
        size_t k = i; /* 1,,2 counts too */
        while (k < n && p[k] == ',') k++;
        if (k < n && is_digit(p[k])) return true;
    }
    return false;
}

static bool beside_space(const char *p, size_t n, char mark)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == mark && ((i + 1 < n && p[i + 1] == ' ') || (i && p[i - 1] == ' '))) return true;
    return false;
}

static bool punctuation(const saint_buf *in, bool official, saint_buf *out)
{
    static const char marks[] = ";/[]\"{}()=+\\_-><@`,?!";
    const char *p = in->data ? in->data : "";
    saint_buf step = {0};
    bool drop[256] = {false}, mark[256] = {false}, ok = true;
    bool comma = false;
    if (official) { /* (\d)(\,)(\d): one comma only */
        for (size_t i = 1; i + 1 < in->n && !comma; i++) comma = p[i] == ',' && is_digit(p[i - 1]) && is_digit(p[i + 1]);
    } else comma = has_digit_comma(p, in->n);
    for (const char *m = marks; *m; m++) {
        mark[(unsigned char)*m] = true;
        drop[(unsigned char)*m] = comma || beside_space(p, in->n, *m);
    }
    for (size_t i = 0; i < in->n && ok; i++) {
        unsigned char c = (unsigned char)p[i];
        if (!mark[c]) ok = saint_buf_add(&step, p + i, 1);
        else if (!drop[c]) ok = saint_buf_add(&step, " ", 1);
    }
    int gone = 0;
    for (size_t i = 0; i < step.n && ok; i++) {
        if (step.data[i] == '.' && !(i + 1 < step.n && is_digit(step.data[i + 1])) && gone < FULL_STOPS) gone++;
        else ok = saint_buf_add(out, step.data + i, 1);
    }
    saint_buf_free(&step);
    return ok;
}

static int by_key(const void *key, const void *row) { return strcmp(key, *(const char *const *)row); }

static const char *mapped(const char *word)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(word, numbers[i][0]) == 0) return numbers[i][1];
    if (strcmp(word, "a") == 0 || strcmp(word, "an") == 0 || strcmp(word, "the") == 0) return "";
    const char *const *hit = bsearch(word, contractions, sizeof contractions / sizeof *contractions, sizeof *contractions, by_key);
    return hit ? hit[1] : word;
}

/* Lower case, numbers as digits, no articles, contractions with their apostrophes, single spaces. */
static bool words(const saint_buf *in, saint_buf *out)
{
    saint_buf lower = {0}, word = {0};
    size_t from = out->n;
    bool ok = saint_uni_lowercase(in->data ? in->data : "", in->n, &lower);
    for (size_t i = 0, len; ok && i <= lower.n; i += len) {
        bool end = i == lower.n;
        int32_t cp = end ? ' ' : saint_utf8_next(lower.data + i, lower.n - i, &len);
        if (end) len = 1;
        if (!saint_py_is_space(cp)) {
            ok = saint_buf_add(&word, lower.data + i, len);
            continue;
        }
        if (!word.n) continue;
        ok = saint_buf_add(&word, "", 1);
        const char *text = ok ? mapped(word.data) : "";
        if (ok && *text) ok = (out->n == from || saint_buf_text(out, " ")) && saint_buf_text(out, text);
        word.n = 0;
    }
    saint_buf_free(&lower);
    saint_buf_free(&word);
    return ok;
}

static bool finish(saint_buf *text, bool official, saint_buf *out)
{
    saint_buf marks = {0};
    bool ok = punctuation(text, official, &marks) && words(&marks, out);
    saint_buf_free(&marks);
    return ok;
}

bool saint_vqa_normalize(const char *text, saint_buf *out)
{
    saint_buf lower = {0}, plain = {0}, cut = {0}, line = {0};
    bool ok = saint_uni_lowercase(text, strlen(text), &lower);
    for (size_t i = 0; ok && i < lower.n; i++)
        if (lower.data[i] != ',' && lower.data[i] != '?') ok = saint_buf_add(&plain, lower.data + i, 1);
    for (size_t i = 0; ok && i < plain.n; i++) {
        bool own = i + 1 < plain.n && plain.data[i] == '\'' && plain.data[i + 1] == 's';
        ok = (!own || saint_buf_add(&cut, " ", 1)) && saint_buf_add(&cut, plain.data + i, 1);
    }
    lower.n = 0;
    ok = ok && add_stripped(&lower, cut.data ? cut.data : "", cut.n) && one_line(&lower, &line) && finish(&line, false, out);
    saint_buf_free(&lower);
    saint_buf_free(&plain);
    saint_buf_free(&cut);
    saint_buf_free(&line);
    return ok;
}

bool saint_vqa_official(const char *text, saint_buf *out)
{
    saint_buf copy = {0};
    bool ok = saint_buf_text(&copy, text) && finish(&copy, true, out);
    saint_buf_free(&copy);
    return ok;
}

bool saint_vqa_clean(const char *text, saint_buf *out)
{
    saint_buf copy = {0};
    bool ok = saint_buf_text(&copy, text) && one_line(&copy, out);
    saint_buf_free(&copy);
    return ok;
}

double saint_vqa_soft_score(size_t matches, size_t n)
{
    static const double ten[] = {0, 0.3, 0.6, 0.9};
    if (matches > n || n == 0) return 0;
    if (n == 10) return matches < 4 ? ten[matches] : 1;
    size_t own = matches ? matches - 1 : 0; /* without one of the matching people */
    double inside = own >= 3 ? 1 : (double)own / 3, outside = matches >= 3 ? 1 : (double)matches / 3;
    return ((double)matches * inside + (double)(n - matches) * outside) / (double)n;
}
