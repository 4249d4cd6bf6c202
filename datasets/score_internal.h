/* score_internal.h - what the scoring files share. */
#ifndef SAINT_DATASETS_SCORE_INTERNAL_H
#define SAINT_DATASETS_SCORE_INTERNAL_H

#include "datasets/internal.h"
#include "datasets/score.h"

enum { SAINT_SCORE_SEED = 2680 };

/* Readers of answers: SAINT_ANSWER_YES, _NO, _OTHER. */
int saint_parse_mme(const char *answer, saint_parser p);
int saint_parse_pope(const char *answer, saint_parser p);
/* Index of a choice or SAINT_ANSWER_OTHER. */
int saint_parse_scienceqa(const char *answer, size_t n_choices, saint_parser p);
int saint_parse_mmbench(const char *answer, const char *const *choices, size_t n_choices);
int saint_parse_seed(const char *answer, saint_parser p);

saint_metric *saint_slice_add(saint_slice *s, const char *name, saint_interval v);
saint_slice *saint_score_slice(saint_score *s, const char *name, const char *group); /* NULL: no memory */

/* Mean of value[i] over the answered samples (of one category, or all when category < 0) as metric `name`, times scale. */
saint_status saint_score_mean(const saint_dataset *d, const saint_verdict *v, int64_t category, bool five, saint_interval *out,
                              saint_error *err);

saint_status saint_score_mme(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err);
saint_status saint_score_pope(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err);
saint_status saint_score_mmbench(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err);
saint_status saint_score_means(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err);

#endif
