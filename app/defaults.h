/* defaults.h - what the program opens when nobody names anything, and the user's folders. */
#ifndef SAINT_APP_DEFAULTS_H
#define SAINT_APP_DEFAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"

/* Folder of the embedded model: beside the installed program, or in the source tree. SAINT_IO says where it was looked for. */
saint_status default_model(char *out, size_t size, saint_error *err);
/* KIND:PATH of the embedded data set, the Scenes test split with 2,002 questions, made in the user's cache on first use. progress may be
 * NULL; false stops with SAINT_CANCELLED, and the next call goes on where this one stopped. */
saint_status default_data(char *out, size_t size, bool (*progress)(void *ctx, size_t done, size_t total), void *ctx, saint_error *err);

/* "$XDG_CACHE_HOME/saint-workbench" and the like, made when missing (0700). Relative values are ignored, as the XDG rules say. SAINT_IO
 * when there is no such place. */
typedef enum { FOLDER_CONFIG, FOLDER_STATE, FOLDER_CACHE } folder_kind;
saint_status default_folder(folder_kind kind, char *out, size_t size, saint_error *err);

#endif
