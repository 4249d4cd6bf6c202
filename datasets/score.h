/* score.h - answers to numbers, as the published evaluations count them (evaluation.md 1).
 *
 *   saint_verdict v[n];                                            one per sample, zero = not answered
 *   saint_score_answer(d, i, "Yes, it is", SAINT_PARSER_LMMS, &v[i], NULL, &err);
 *   saint_score_verdicts(d, v, SAINT_PARSER_LMMS, &score, &err);   score.all.metric[..]
 *
 * Samples without an answer are left out and counted, never scored; pairs (MME) and circular groups (MMBench) need all their answers. */
#ifndef SAINT_DATASETS_SCORE_H
#define SAINT_DATASETS_SCORE_H

#include <cjson/cJSON.h>

#include "datasets/dataset.h"
#include "datasets/stats.h"

/* lmms: lmms-eval 0.3, with which SAINT was measured. official: the authors' own script (LLaVA's where the benchmark has none). */
typedef enum { SAINT_PARSER_LMMS, SAINT_PARSER_OFFICIAL } saint_parser;
const char *saint_parser_name(saint_parser p);

enum { SAINT_ANSWER_OTHER = -1, SAINT_ANSWER_NO = 0, SAINT_ANSWER_YES = 1 };

/* Of ranked classes (top-5) the answer holds the names or ids in order with this between them. */
#define SAINT_RANK_SEPARATOR '\x1f'

typedef struct {
    bool answered;
    int code;      /* yes/no, index of a choice, id of a class; SAINT_ANSWER_OTHER = could not be read, or free text */
    bool other;    /* could not be read as one of the answers that the question allows */
    double score;  /* 0..1 */
    double score5; /* imagefolder: right within the first five; NaN without five ranked classes */
} saint_verdict;

/* Read one answer and compare it. parsed (may be NULL): what was read, malloc'ed. SAINT_INVALID: the sample has no right answer. */
saint_status saint_score_answer(const saint_dataset *d, size_t i, const char *answer, saint_parser p, saint_verdict *out, char **parsed,
                                saint_error *err);

/* An answer as the data set's server expects it, malloc'ed: normalised where it compares texts as they come (TextVQA, VizWiz), as generated elsewhere. */
saint_status saint_score_submission(const saint_dataset *d, const char *answer, char **out, saint_error *err);

/* v.n counts what the metric is a mean or a sum over: questions; pictures for accplus and accuracy_plus, which need both answers of one. */
typedef struct {
    const char *name; /* static */
    saint_interval v;
    bool partial; /* part of what it should cover is not answered */
} saint_metric;

enum { SAINT_SLICE_METRICS = 10 };
typedef struct {
    const char *name, *group; /* of the data set; group "categories" or "l2_categories" */
    size_t n_metrics;
    saint_metric metric[SAINT_SLICE_METRICS];
} saint_slice;

typedef struct {
    saint_data_kind kind;
    saint_parser parser;
    size_t n, n_total, parsed_other;
    saint_slice all;
    saint_slice *slice;
    size_t n_slices;
    const char *warning[8]; /* static sentences */
    size_t n_warnings;
} saint_score;

/* Metrics of v [saint_dataset_count]; they refer to strings of d. saint_score_free. */
saint_status saint_score_verdicts(const saint_dataset *d, const saint_verdict *v, saint_parser p, saint_score *out, saint_error *err);
void saint_score_free(saint_score *s);                                          /* NULL is allowed */
const saint_metric *saint_score_metric(const saint_slice *s, const char *name); /* NULL: none of that name */

/* {n, n_total, parser, metrics{name:{value,low,high,n,method}}, categories{..}, parsed_other}; n/a is null. Owned by the caller; NULL: no
 * memory. */
cJSON *saint_score_json(const saint_score *s);

#endif
