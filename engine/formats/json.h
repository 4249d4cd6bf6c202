/* json.h - cJSON behind a guard: size, depth and encoding are checked before the parser sees an untrusted file. */
#ifndef SAINT_FORMATS_JSON_H
#define SAINT_FORMATS_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { SAINT_JSON_MAX_DEPTH = 64 };

/* Parse exactly one JSON value (trailing white space allowed, trailing text refused). `what` names the source in errors.
 * *out is owned by the caller: cJSON_Delete. */
saint_status saint_json_parse(const char *text, size_t n, size_t max_bytes, const char *what, cJSON **out, saint_error *err);
saint_status saint_json_load(const char *path, size_t max_bytes, cJSON **out, saint_error *err);

/* Typed reads of an object's member. A missing member (null counts as missing: Hugging Face writes what is unset that way) leaves *value
 * alone and is SAINT_OK; a member of another type or out of range is SAINT_FORMAT naming `what`, the key and what was found. */
saint_status saint_json_int(const cJSON *object, const char *key, int min, int max, int *value, const char *what, saint_error *err);
saint_status saint_json_double(const cJSON *object, const char *key, double *value, const char *what, saint_error *err);
saint_status saint_json_bool(const cJSON *object, const char *key, bool *value, const char *what, saint_error *err);
/* Borrowed from the tree. */
saint_status saint_json_string(const cJSON *object, const char *key, const char **value, const char *what, saint_error *err);

#endif
