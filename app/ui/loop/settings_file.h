/* settings_file.h - settings as a JSON object and back, exactly: what the session keeps of a plan.
 *
 *   {"mode": "hybrid", "saint_start": "3", "prune_mode": {"10": "iterative_drop_full_graph"}, "keep_num": {"0-95": "376"}, ...}
 *
 * Only what differs from the defaults is written; the names are those of params.def. */
#ifndef SAINT_APP_UI_SETTINGS_FILE_H
#define SAINT_APP_UI_SETTINGS_FILE_H

#include "engine.h"

/* Owned by the caller; NULL: no memory. */
cJSON *ui_settings_write(const saint_settings *s);
/* *out is written whole or not at all. SAINT_FORMAT, SAINT_INVALID name what is wrong. */
saint_status ui_settings_read(const cJSON *c, saint_settings *out, saint_error *err);

#endif
