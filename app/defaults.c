#define _GNU_SOURCE
#include "defaults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"
#include "scenes/scenes.h"

/* ---- model ------------------------------------------------------------------------------------------------------- */

/* The folders of models lie beside those of the presets: installed and in the tree. False: there is no i-th. */
static bool models_folder(int i, char *out, size_t size)
{
    const char *presets = preset_folder(i), *slash = presets ? strrchr(presets, '/') : NULL;
    if (!presets) return false;
    int n = snprintf(out, size, "%.*s/models", slash ? (int)(slash - presets) : 0, presets);
    return n >= 0 && (size_t)n < size;
}

static bool is_model(const char *folder)
{
    struct stat st;
    char config[4096 + 512];
    return snprintf(config, sizeof config, "%s/config.json", folder) < (int)sizeof config && stat(config, &st) == 0;
}

bool embedded_model(const char *name, char *out, size_t size)
{
    char folder[4096];
    if (!*name || *name == '.' || strchr(name, '/')) return false;
    for (int i = 0; models_folder(i, folder, sizeof folder); i++) {
        int n = snprintf(out, size, "%s/%s", folder, name);
        if (n >= 0 && (size_t)n < size && is_model(out)) return true;
    }
    return false;
}

static bool listed(char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

size_t embedded_models(char *names[EMBEDDED_MAX])
{
    size_t n = 0;
    char folder[4096], path[8192];
    for (int i = 0; models_folder(i, folder, sizeof folder); i++) {
        DIR *d = opendir(folder);
        for (const struct dirent *x; d && (x = readdir(d));)
            if (n < EMBEDDED_MAX && embedded_model(x->d_name, path, sizeof path) && !listed(names, n, x->d_name)) {
                names[n] = strdup(x->d_name);
                n += names[n] != NULL;
            }
        if (d) closedir(d);
    }
    qsort(names, n, sizeof *names, by_name);
    return n;
}

const char *model_path(const char *given, char *out, size_t size)
{
    struct stat st;
    return stat(given, &st) != 0 && embedded_model(given, out, size) ? out : given;
}

saint_status default_model(char *out, size_t size, saint_error *err)
{
    char folder[4096];
    if (embedded_model(DEFAULT_MODEL, out, size)) return SAINT_OK;
    if (!models_folder(1, folder, sizeof folder)) folder[0] = 0;
    return saint_fail(err, SAINT_IO, "the embedded model is not there (looked for %s/%s); give --model DIR", folder, DEFAULT_MODEL);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static const char *const variables[] = {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"};

saint_status default_folder_name(folder_kind kind, char *out, size_t size, saint_error *err)
{
    static const char *const at_home[] = {".config", ".local/state", ".cache"};
    const char *variable = variables[kind], *given = getenv(variable), *home = getenv("HOME");
    int n;
    if (given && given[0] == '/') n = snprintf(out, size, "%s/saint-workbench", given);
    else if (home && home[0] == '/') n = snprintf(out, size, "%s/%s/saint-workbench", home, at_home[kind]);
    else return saint_fail(err, SAINT_IO, "no folder for the user's files: neither %s nor HOME is an absolute path", variable);
    if (n < 0 || (size_t)n >= size) return saint_fail(err, SAINT_IO, "%s: the path is too long", variable);
    return SAINT_OK;
}

saint_status default_folder(folder_kind kind, char *out, size_t size, saint_error *err)
{
    saint_status s = default_folder_name(kind, out, size, err);
    if (s != SAINT_OK) return s;
    for (char *p = out + 1;; p++) {
        char c = *p;
        if (c && c != '/') continue;
        *p = 0;
        bool ok = mkdir(out, 0700) == 0 || errno == EEXIST;
        int why = errno;
        if (!ok) return saint_fail(err, SAINT_IO, "%s: this folder cannot be made: %s; set %s", out, strerror(why), variables[kind]);
        *p = c;
        if (!c) return SAINT_OK;
    }
}

/* ---- data -------------------------------------------------------------------------------------------------------- */

static bool says(const cJSON *o, const char *key, double want)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(v) && v->valuedouble == want;
}

/* Whether the folder holds the whole split: what saint_scenes_export writes last says so. */
static bool complete(const char *folder)
{
    char path[8192];
    cJSON *o = NULL;
    snprintf(path, sizeof path, "%s/scenes.json", folder);
    if (saint_json_load(path, 1 << 20, &o, NULL) != SAINT_OK) return false;
    const cJSON *split = cJSON_GetObjectItemCaseSensitive(o, "split");
    bool yes = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "complete")) && cJSON_IsString(split) &&
               strcmp(split->valuestring, saint_scenes_split_name(SAINT_SCENES_TEST)) == 0 && says(o, "version", SAINT_SCENES_VERSION) &&
               says(o, "seed", DEFAULT_SCENES_SEED) && says(o, "count", DEFAULT_SCENES_COUNT) && says(o, "size", DEFAULT_SCENES_SIDE);
    cJSON_Delete(o);
    return yes;
}

static saint_status make(const char *folder, bool (*progress)(void *, size_t, size_t), void *ctx, saint_error *err)
{
    char lock[8192];
    saint_scenes_export_summary sum;
    const saint_scenes_export_options o = {.out = folder,
                                           .split = SAINT_SCENES_TEST,
                                           .seed = DEFAULT_SCENES_SEED,
                                           .count = DEFAULT_SCENES_COUNT,
                                           .size = DEFAULT_SCENES_SIDE,
                                           .progress = progress,
                                           .ctx = ctx};
    snprintf(lock, sizeof lock, "%s.lock", folder);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be written: %s; set XDG_CACHE_HOME or give --data", lock, strerror(errno));
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR) /* a file system without locks makes everyone write the same bytes */
        ;
    saint_status s = complete(folder) ? SAINT_OK : saint_scenes_export(&o, &sum, err);
    close(fd);
    return s;
}

/* Behind the cache folder. */
static int data_path(const char *kind, const char *cache, char *out, size_t size)
{
    return snprintf(out, size, "%s%s/scenes-%s-%d", kind, cache, saint_scenes_split_name(SAINT_SCENES_TEST), SAINT_SCENES_VERSION);
}

bool default_data_name(char *out, size_t size)
{
    char folder[4096];
    if (default_folder_name(FOLDER_CACHE, folder, sizeof folder, NULL) != SAINT_OK) return false;
    return data_path("scenes:", folder, out, size) < (int)size;
}

bool default_data_meant(const char *data) { return !data || strcmp(data, "scenes") == 0; }

saint_status default_data(char *out, size_t size, bool (*progress)(void *ctx, size_t done, size_t total), void *ctx, saint_error *err)
{
    char folder[4096], path[4096 + 64];
    saint_status s = default_folder(FOLDER_CACHE, folder, sizeof folder, err);
    if (s != SAINT_OK) return s;
    data_path("", folder, path, sizeof path);
    if (!complete(path)) s = make(path, progress, ctx, err);
    if (s == SAINT_OK && snprintf(out, size, "scenes:%s", path) >= (int)size)
        s = saint_fail(err, SAINT_IO, "%s: the path is too long", path);
    return s;
}
