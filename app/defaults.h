/* defaults.h - what the program works on when nobody says: the embedded model, the test split of Scenes, the user's folders. */
#ifndef SAINT_APP_DEFAULTS_H
#define SAINT_APP_DEFAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"

/* Models that come with the program lie in models/NAME beside the presets, installed or in the tree. */
#define DEFAULT_MODEL "scenes-vlm"
enum { EMBEDDED_MAX = 32 };
/* Folder of the model of that name; false when none of them is called so. */
bool embedded_model(const char *name, char *out, size_t size);
/* Their names in order, each to be freed; returns how many. */
size_t embedded_models(char *names[EMBEDDED_MAX]);
/* What --model says as a folder: `given` itself, or in `out` the embedded model of that name when there is no such file or folder. */
const char *model_path(const char *given, char *out, size_t size);
/* Folder of the model that is meant when nobody says. SAINT_IO: it is not there. */
saint_status default_model(char *out, size_t size, saint_error *err);

enum { DEFAULT_SCENES_SEED = 0, DEFAULT_SCENES_COUNT = 143, DEFAULT_SCENES_SIDE = 336 }; /* 2,002 questions */

/* KIND:PATH of the test split of Scenes, made on first use in the user's cache. Any number of processes may ask at once: one makes it, the
 * others wait. progress (may be NULL) as in saint_scenes_export_options, called only while it is made; a split that was interrupted goes on.
 * SAINT_IO: no such folder can be written; SAINT_CANCELLED: progress said so. */
bool default_data_name(char *out, size_t size); /* KIND:PATH it has or would have; false: no such place */
bool default_data_meant(const char *data); /* NULL or "scenes": nothing of the user's own */
saint_status default_data(char *out, size_t size, bool (*progress)(void *ctx, size_t done, size_t total), void *ctx, saint_error *err);

/* "$XDG_CACHE_HOME/saint-workbench" and the like, made when missing (0700). Relative values are ignored, as the XDG rules say. SAINT_IO
 * when there is no such place. */
typedef enum { FOLDER_CONFIG, FOLDER_STATE, FOLDER_CACHE } folder_kind;
saint_status default_folder(folder_kind kind, char *out, size_t size, saint_error *err);
/* The same without making it. */
saint_status default_folder_name(folder_kind kind, char *out, size_t size, saint_error *err);

#endif
