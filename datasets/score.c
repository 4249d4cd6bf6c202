/* score.c - one answer, then all of them. */
#define _GNU_SOURCE
#include "datasets/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/score_internal.h"
#include "datasets/vqa_normalize.h"

const char *saint_parser_name(saint_parser p) { return p == SAINT_PARSER_OFFICIAL ? "official" : "lmms"; }

/* ---- free text --------------------------------------------------------------------------------------------------------- */

static bool same(const saint_buf *a, const saint_buf *b) { return a->n == b->n && (a->n == 0 || memcmp(a->data, b->data, a->n) == 0); }

static bool all_alike(const saint_sample *s, bool *alike)
{
    saint_buf first = {0}, other = {0};
    bool ok = s->n_answers == 0 || saint_vqa_clean(s->answers[0], &first);
    *alike = true;
    for (size_t i = 1; i < s->n_answers && ok && *alike; i++) {
        other.n = 0;
        ok = saint_vqa_clean(s->answers[i], &other);
        *alike = same(&first, &other);
    }
    saint_buf_free(&first);
    saint_buf_free(&other);
    return ok;
}

static bool normal(const char *text, bool full, bool punctuate, saint_buf *out)
{
    if (full) return saint_vqa_normalize(text, out);
    saint_buf line = {0};
    bool ok = saint_vqa_clean(text, punctuate ? &line : out);
    if (ok && punctuate) ok = saint_buf_add(&line, "", 1) && saint_vqa_official(line.data, out);
    saint_buf_free(&line);
    return ok;
}

/* TextVQA and VizWiz: the full processor on both sides. VQAv2: punctuation and words only when people disagree; lmms-eval runs the
 * full processor over the answer of the model before that. */
static bool vqa(saint_data_kind kind, const saint_sample *s, const char *answer, saint_parser p, saint_verdict *v, saint_buf *read)
{
    bool full = kind != SAINT_DATA_VQAV2, alike = false, ok = full || all_alike(s, &alike);
    size_t matches = 0;
    if (full || p == SAINT_PARSER_OFFICIAL) ok = ok && normal(answer, full, !alike, read);
    else {
        saint_buf first = {0};
        ok = ok && saint_vqa_normalize(answer, &first) && saint_buf_add(&first, "", 1);
        if (ok) ok = alike ? saint_buf_text(read, first.data) : saint_vqa_official(first.data, read);
        saint_buf_free(&first);
    }
    for (size_t i = 0; i < s->n_answers && ok; i++) {
        saint_buf right = {0};
        ok = normal(s->answers[i], full, !alike, &right);
        matches += ok && same(&right, read);
        saint_buf_free(&right);
    }
    v->score = saint_vqa_soft_score(matches, s->n_answers);
    return ok;
}

/* lmms: strip, lower case, no ASCII punctuation, on both sides. official: the answer without full stops at its end, in lower case. */
static bool gqa_text(const char *text, bool right, saint_parser p, saint_buf *out)
{
    static const char marks[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    saint_buf lower = {0};
    size_t n;
    const char *from = text;
    if (p == SAINT_PARSER_OFFICIAL) {
        if (right) return saint_buf_text(out, text);
        n = strlen(text);
        while (n && text[n - 1] == '.') n--;
        return saint_uni_lowercase(text, n, out);
    }
    from = saint_py_strip(text, strlen(text), &n);
    bool ok = saint_uni_lowercase(from, n, &lower);
    for (size_t i = 0; i < lower.n && ok; i++)
        if (!strchr(marks, lower.data[i])) ok = saint_buf_add(out, lower.data + i, 1);
    saint_buf_free(&lower);
    return ok;
}

static bool gqa(const saint_sample *s, const char *answer, saint_parser p, saint_verdict *v, saint_buf *read)
{
    saint_buf right = {0};
    bool ok = gqa_text(answer, false, p, read) && gqa_text(s->answers[0], true, p, &right);
    v->score = ok && same(read, &right);
    saint_buf_free(&right);
    return ok;
}

/* A manifest without choices: equal to one of the answers, both normalised. */
static bool any_of(const saint_sample *s, const char *answer, saint_verdict *v, saint_buf *read)
{
    bool ok = saint_vqa_normalize(answer, read);
    for (size_t i = 0; i < s->n_answers && ok; i++) {
        saint_buf right = {0};
        ok = saint_vqa_normalize(s->answers[i], &right);
        if (ok && same(&right, read)) v->score = 1;
        saint_buf_free(&right);
    }
    return ok;
}

/* ---- classes ------------------------------------------------------------------------------------------------------------ */

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int class_of(const saint_dataset *d, const char *text)
{
    const char **hit = bsearch(&text, d->class_name, d->info.n_classes, sizeof *d->class_name, by_bytes);
    if (hit) return (int)(hit - d->class_name);
    if (!*text || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) return SAINT_ANSWER_OTHER;
    long id = strtol(text, NULL, 10);
    return (size_t)id < d->info.n_classes ? (int)id : SAINT_ANSWER_OTHER;
}

static bool ranked(const saint_dataset *d, const saint_sample *s, const char *answer, saint_verdict *v, saint_buf *read)
{
    saint_buf one = {0};
    int rank = 0;
    bool ok = true;
    v->score5 = 0;
    for (const char *p = answer; ok && rank < 5; rank++) {
        size_t n = strcspn(p, "\x1f"), m;
        const char *word = saint_py_strip(p, n, &m);
        one.n = 0;
        ok = saint_buf_add(&one, word, m) && saint_buf_add(&one, "", 1);
        int id = ok ? class_of(d, one.data) : SAINT_ANSWER_OTHER;
        if (rank == 0) {
            v->code = id;
            v->other = id < 0;
            v->score = id == s->answer_index;
            ok = ok && saint_buf_text(read, id >= 0 ? d->class_name[id] : "");
        }
        if (id == s->answer_index) v->score5 = 1;
        if (!p[n]) {
            rank++;
            break;
        }
        p += n + 1;
    }
    if (rank < 5 && (size_t)rank < d->info.n_classes) v->score5 = NAN; /* fewer than five ranked classes: top-5 is not known */
    saint_buf_free(&one);
    return ok;
}

/* ---- one answer --------------------------------------------------------------------------------------------------------- */

static bool choice(const saint_sample *s, int code, saint_verdict *v, saint_buf *read)
{
    char letter[2] = {(char)('A' + (code >= 0 ? code : 0)), 0};
    v->code = code;
    v->other = code < 0;
    v->score = code >= 0 && code == s->answer_index;
    return saint_buf_text(read, code >= 0 ? letter : "");
}

static bool yes_no(const saint_sample *s, int code, saint_verdict *v, saint_buf *read)
{
    v->code = code;
    v->other = code < 0;
    v->score = code >= 0 && code == ((s->answers[0][0] | 32) == 'y' ? SAINT_ANSWER_YES : SAINT_ANSWER_NO);
    return saint_buf_text(read, code == SAINT_ANSWER_YES ? "yes" : code == SAINT_ANSWER_NO ? "no" : "other");
}

static bool judge(const saint_dataset *d, const saint_sample *s, const char *answer, saint_parser p, saint_verdict *v, saint_buf *read)
{
    switch (d->info.kind) {
    case SAINT_DATA_MME:
    case SAINT_DATA_SCENES: return yes_no(s, saint_parse_mme(answer, p), v, read);
    case SAINT_DATA_POPE: return yes_no(s, saint_parse_pope(answer, p), v, read);
    case SAINT_DATA_SCIENCEQA: return choice(s, saint_parse_scienceqa(answer, s->n_choices, p), v, read);
    case SAINT_DATA_SEED: return choice(s, saint_parse_seed(answer, p), v, read);
    case SAINT_DATA_MMBENCH: return choice(s, saint_parse_mmbench(answer, s->choices, s->n_choices), v, read);
    case SAINT_DATA_TEXTVQA:
    case SAINT_DATA_VIZWIZ:
    case SAINT_DATA_VQAV2: return vqa(d->info.kind, s, answer, p, v, read);
    case SAINT_DATA_GQA: return gqa(s, answer, p, v, read);
    case SAINT_DATA_IMAGEFOLDER: return ranked(d, s, answer, v, read);
    default:
        if (s->n_choices) return choice(s, saint_parse_mmbench(answer, s->choices, s->n_choices), v, read);
        return any_of(s, answer, v, read);
    }
}

saint_status saint_score_answer(const saint_dataset *d, size_t i, const char *answer, saint_parser p, saint_verdict *out, char **parsed,
                                saint_error *err)
{
    saint_sample s;
    saint_buf read = {0};
    *out = (saint_verdict){.code = SAINT_ANSWER_OTHER, .score5 = NAN};
    if (parsed) *parsed = NULL;
    saint_status status = saint_dataset_item(d, i, &s, err);
    if (status != SAINT_OK) return status;
    if (s.n_answers == 0) status = saint_fail(err, SAINT_INVALID, "%s: %s has no right answer to compare with", d->path, s.uid);
    else if (!judge(d, &s, answer, p, out, &read) || !saint_buf_add(&read, "", 1)) status = saint_no_memory(err, d->path);
    else out->answered = true;
    if (status == SAINT_OK && parsed) {
        *parsed = read.data;
        read.data = NULL;
    }
    saint_buf_free(&read);
    saint_sample_free(&s);
    return status;
}

/* ---- all answers -------------------------------------------------------------------------------------------------------- */

saint_metric *saint_slice_add(saint_slice *s, const char *name, saint_interval v)
{
    if (s->n_metrics == SAINT_SLICE_METRICS) return NULL;
    saint_metric *m = &s->metric[s->n_metrics++];
    *m = (saint_metric){.name = name, .v = v};
    return m;
}

saint_slice *saint_score_slice(saint_score *s, const char *name, const char *group)
{
    saint_slice *slice = realloc(s->slice, (s->n_slices + 1) * sizeof *slice);
    if (!slice) return NULL;
    s->slice = slice;
    slice[s->n_slices] = (saint_slice){.name = name, .group = group};
    return &slice[s->n_slices++];
}

saint_status saint_score_submission(const saint_dataset *d, const char *answer, char **out, saint_error *err)
{
    saint_buf b = {0};
    bool raw = d->info.kind != SAINT_DATA_TEXTVQA && d->info.kind != SAINT_DATA_VIZWIZ;
    bool ok = (raw ? saint_buf_text(&b, answer) : saint_vqa_normalize(answer, &b)) && saint_buf_add(&b, "", 1);
    *out = ok ? strdup(b.data) : NULL;
    saint_buf_free(&b);
    return *out ? SAINT_OK : saint_no_memory(err, d->path);
}

saint_status saint_score_verdicts(const saint_dataset *d, const saint_verdict *v, saint_parser p, saint_score *out, saint_error *err)
{
    *out = (saint_score){.kind = d->info.kind, .parser = p, .n_total = d->n, .all = {.name = "all", .group = ""}};
    for (size_t i = 0; i < d->n; i++) {
        out->n += v[i].answered;
        out->parsed_other += v[i].answered && v[i].other;
    }
    saint_status s;
    switch (d->info.kind) {
    case SAINT_DATA_MME:
    case SAINT_DATA_SCENES: s = saint_score_mme(d, v, out, err); break;
    case SAINT_DATA_POPE: s = saint_score_pope(d, v, out, err); break;
    case SAINT_DATA_MMBENCH: s = saint_score_mmbench(d, v, out, err); break;
    default: s = saint_score_means(d, v, out, err); break;
    }
    if (s != SAINT_OK) saint_score_free(out);
    return s;
}

void saint_score_free(saint_score *s)
{
    if (!s) return;
    free(s->slice);
    s->slice = NULL;
    s->n_slices = 0;
}

const saint_metric *saint_score_metric(const saint_slice *s, const char *name)
{
    for (size_t i = 0; i < s->n_metrics; i++)
        if (strcmp(s->metric[i].name, name) == 0) return &s->metric[i];
    return NULL;
}

static void number_or_null(cJSON *o, const char *key, double x)
{
    if (isfinite(x)) cJSON_AddNumberToObject(o, key, x);
    else cJSON_AddNullToObject(o, key);
}

static void add_metrics(cJSON *o, const saint_slice *s)
{
    for (size_t i = 0; i < s->n_metrics; i++) {
        const saint_metric *m = &s->metric[i];
        cJSON *c = cJSON_AddObjectToObject(o, m->name);
        number_or_null(c, "value", m->v.value);
        number_or_null(c, "low", m->v.low);
        number_or_null(c, "high", m->v.high);
        cJSON_AddNumberToObject(c, "n", (double)m->v.n);
        if (m->v.method[0]) cJSON_AddStringToObject(c, "method", m->v.method);
        else cJSON_AddNullToObject(c, "method");
        if (m->partial) cJSON_AddTrueToObject(c, "partial");
    }
}

cJSON *saint_score_json(const saint_score *s)
{
    cJSON *o = cJSON_CreateObject();
    if (!o) return NULL;
    cJSON_AddNumberToObject(o, "n", (double)s->n);
    cJSON_AddNumberToObject(o, "n_total", (double)s->n_total);
    cJSON_AddStringToObject(o, "parser", saint_parser_name(s->parser));
    add_metrics(cJSON_AddObjectToObject(o, "metrics"), &s->all);
    cJSON *last = NULL;
    for (size_t i = 0; i < s->n_slices; i++) {
        if (i == 0 || strcmp(s->slice[i].group, s->slice[i - 1].group) != 0) last = cJSON_AddObjectToObject(o, s->slice[i].group);
        add_metrics(cJSON_AddObjectToObject(last, s->slice[i].name), &s->slice[i]);
    }
    cJSON_AddNumberToObject(o, "parsed_other", (double)s->parsed_other);
    return o;
}
