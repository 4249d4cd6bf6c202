/* classes.h - a classifier's classes and those of a data set: which is which, what an answer is called, how surprising the right one was. */
#ifndef SAINT_APP_EVAL_CLASSES_H
#define SAINT_APP_EVAL_CLASSES_H

#include "datasets/dataset.h"
#include "eval/result.h"

typedef struct {
    bool by_id;     /* the data set names the classes of the model in its own way, in the same order */
    int *of_model;  /* [n_classes of the data set] class of the model, -1 = it has none; NULL: no classifier, or no classes to compare with */
} eval_classes;

saint_status eval_classes_open(eval_classes *c, const saint_model *m, const saint_dataset_info *d, saint_error *err);
void eval_classes_close(eval_classes *c);

/* The five best classes of *out under the data set's names, and the cross entropy of the sample's right one. */
saint_status eval_classes_apply(const eval_classes *c, const saint_dataset *d, size_t sample, const saint_trace *t, eval_result *out,
                                saint_error *err);

#endif
