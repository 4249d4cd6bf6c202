/* internal.h - what the files of an evaluation share. */
#ifndef SAINT_APP_EVAL_INTERNAL_H
#define SAINT_APP_EVAL_INTERNAL_H

#include "eval/result.h"

/* Whether a run computed the whole ViT (the whole LLM) itself: only then are its sums of seconds those of the whole stage. */
bool eval_trace_vit_cold(const saint_trace *t);
bool eval_trace_llm_cold(const saint_trace *t);
/* Seconds of the layers of a stage, by whichever run computed each. */
double eval_trace_layer_seconds(const saint_trace *t, saint_stage stage);
/* Seconds as records keep them: whole nanoseconds, which 15 digits hold. */
double eval_seconds(double s);
/* The sum of the parts. */
void eval_result_total(eval_result *r);

#endif
