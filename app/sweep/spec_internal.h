/* spec_internal.h - the grammar of one axis, shared by the command line (spec.c) and SPEC.json (spec_json.c). */
#ifndef SAINT_APP_SWEEP_SPEC_INTERNAL_H
#define SAINT_APP_SWEEP_SPEC_INTERNAL_H

#include "sweep/spec.h"

/* The axis of that key, new or emptied. */
saint_status sweep_axis_new(sweep_spec *s, const char *key, sweep_axis **out, saint_error *err);
/* One value more, unless it is there already. */
saint_status sweep_axis_value(sweep_axis *a, const char *text, saint_error *err);
saint_status sweep_axis_range(sweep_axis *a, double min, double max, bool logarithmic, saint_error *err);
/* The part behind "key=". */
saint_status sweep_axis_values(sweep_axis *a, const char *text, saint_error *err);

#endif
