/* costs.h - what a configuration costs on its own, when parts of its run came from the checkpoint cache.
 *
 * A trace knows the seconds of every layer, whoever computed it, but of the parts beside the layers (patch embedding, projector, output
 * head) only those of this run. They are remembered here: per picture the embedding and, for every pruned ViT, the projector. */
#ifndef SAINT_APP_EVAL_COSTS_H
#define SAINT_APP_EVAL_COSTS_H

#include "eval/result.h"

typedef struct eval_costs eval_costs;

eval_costs *eval_costs_new(void); /* NULL: no memory */
void eval_costs_free(eval_costs *c); /* NULL is allowed */
void eval_costs_new_picture(eval_costs *c);
void eval_costs_learn(eval_costs *c, const saint_trace *t); /* right after every run */
/* Complete the seconds of a record that was made from t. */
void eval_costs_complete(const eval_costs *c, const saint_trace *t, eval_result *r);

#endif
