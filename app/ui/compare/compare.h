/* compare.h - two plans on one picture, as numbers: which tokens both keep, how far apart their answers are, what differs in the settings.
 * Pure functions over masks, traces and settings. */
#ifndef SAINT_APP_UI_COMPARE_H
#define SAINT_APP_UI_COMPARE_H

#include "engine.h"

typedef struct {
    int both, only_a, only_b, neither;
    double jaccard; /* both / (both + only_a + only_b); NaN where neither keeps a token */
} compare_overlap;
/* Masks [n], 1 = kept. */
compare_overlap compare_masks(const uint8_t *a, const uint8_t *b, int n);
/* Over all layers at once: the sums of the layers' counts, so that a layer counts as much as the tokens it keeps. */
void compare_add(compare_overlap *sum, const compare_overlap *layer);

enum { COMPARE_SAME = -1, COMPARE_UNKNOWN = -2 };
typedef struct {
    int diverged;     /* first answer token that differs, or where one answer is longer; COMPARE_SAME, COMPARE_UNKNOWN: none was made */
    double kl;        /* of the first answer token or the class, A against B; NaN = not known */
    int top_a, top_b; /* its most probable id, -1 = not known */
    double p_a, p_b;  /* the probability of A's choice in A and in B */
} compare_answers;
/* Picture 0 of two traces; either may be NULL. */
compare_answers compare_answers_of(const saint_trace *a, const saint_trace *b);

/* One line of difference between two plans: key as --set takes it, values as text, "-" where the plan does not read it. */
enum { COMPARE_KEY = 56, COMPARE_VALUE = 32 };
typedef struct {
    char key[COMPARE_KEY], a[COMPARE_VALUE], b[COMPARE_VALUE];
} compare_difference;
/* Differences of two settings for a model: only what their plans act on, layers with equal changes joined ("saint_threshold[7-16]"). At
 * most `most` lines; returns how many there are, -1 when a plan cannot be built. */
int compare_settings(const saint_settings *a, const saint_settings *b, const saint_model_info *m, compare_difference *out, int most);

/* A plan in a few words: "ViT 9 random 300, LLM 2-5 saint_drop 0.83"; "no pruning"; "refused". Returns out. */
char *compare_summary(const saint_settings *s, const saint_model_info *m, char *out, size_t size);

#endif
