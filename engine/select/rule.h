/* rule.h - a method's decision made by a backend (backend/choose.h): its parameters on the way there, its record on the way back. */
#ifndef SAINT_SELECT_RULE_H
#define SAINT_SELECT_RULE_H

#include "backend/choose.h"
#include "select/method.h"

/* Whether a backend that selects by itself may decide for these pictures: the method has a rule, and no picture has too many candidates or
 * too wide a metric. in[i].metric is not looked at. */
bool saint_rule_fits(const saint_method *m, const saint_select_in *in, int n_images);

/* Rule, parameters and quirks of m into *a (its other fields are left alone); how many candidates of each picture go into n_drop [n_images]
 * where that is known beforehand, and a->n_drop is set to it or to NULL. The same checks and errors as a selection on the host, but for
 * those that look at data. */
saint_status saint_rule_prepare(const saint_method *m, const saint_select_in *in, int n_images, int32_t *n_drop, saint_choose_args *a,
                                saint_error *err);

/* The decision in one picture as the method would have returned it: choice and columns of the downloaded record, first: row of the picture's
 * first candidate. Free with saint_select_free. A metric or attention that was not finite is SAINT_INVALID with the row. */
saint_status saint_rule_result(const saint_method *m, const saint_select_in *in, const saint_choice *choice, const saint_choice_record *record,
                               int first, saint_select_out *out, saint_error *err);

#endif
