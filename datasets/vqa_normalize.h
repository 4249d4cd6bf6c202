/* vqa_normalize.h - answers of TextVQA, VizWiz and VQAv2 made comparable, and the soft score over ten people. */
#ifndef SAINT_DATASETS_VQA_NORMALIZE_H
#define SAINT_DATASETS_VQA_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/unicode.h"

/* Append the answer as the full processor leaves it ("EvalAI": lower case, punctuation, numbers, articles, contractions). False: no memory.
 */
bool saint_vqa_normalize(const char *text, saint_buf *out);
/* VQAv2's own evaluation: punctuation, then words; nothing before. */
bool saint_vqa_official(const char *text, saint_buf *out);
/* Newlines and tabs as spaces, no white space around. */
bool saint_vqa_clean(const char *text, saint_buf *out);
/* Mean over the n people of min(1, matches among the others / 3); n = 10: 0, 0.3, 0.6, 0.9, 1, 1 ... 0 when n is 0. */
double saint_vqa_soft_score(size_t matches, size_t n);

#endif
