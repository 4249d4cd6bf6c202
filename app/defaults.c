#define _GNU_SOURCE
#include "defaults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/scenes/scenes.h"

saint_status default_model(char *out, size_t size, saint_error *err)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = 0;
        char *slash = strrchr(self, '/');
        if (slash) *slash = 0;
        snprintf(out, size, "%s/../share/saint/models/scenes-vlm", self);
        if (saint_file_exists(out) || access(out, R_OK) == 0) return SAINT_OK;
    }
    snprintf(out, size, "%s/scenes-vlm", SAINT_MODEL_DIR);
    if (access(out, R_OK) == 0) return SAINT_OK;
    return saint_fail(err, SAINT_IO, "the embedded model is not at %s; name another one with --model DIR", out);
}

/* Make a folder and those above it; true when it is there. */
static bool make_folder(const char *path)
{
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part) return false;
    for (char *p = part + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
        *p = '/';
    }
    struct stat st;
    return (mkdir(part, 0700) == 0 || errno == EEXIST) && stat(part, &st) == 0 && S_ISDIR(st.st_mode);
}

saint_status default_folder(folder_kind kind, char *out, size_t size, saint_error *err)
{
    static const struct {
        const char *variable, *at_home;
    } places[] = {{"XDG_CONFIG_HOME", ".config"}, {"XDG_STATE_HOME", ".local/state"}, {"XDG_CACHE_HOME", ".cache"}};
    const char *given = getenv(places[kind].variable), *home = getenv("HOME");
    int n;
    if (given && given[0] == '/') n = snprintf(out, size, "%s/saint-workbench", given);
    else if (home && home[0] == '/') n = snprintf(out, size, "%s/%s/saint-workbench", home, places[kind].at_home);
    else return saint_fail(err, SAINT_IO, "no folder for the user's files: neither %s nor HOME is an absolute path", places[kind].variable);
    if (n < 0 || (size_t)n >= size) return saint_fail(err, SAINT_IO, "%s: the path is too long", places[kind].variable);
    return make_folder(out) ? SAINT_OK : saint_fail(err, SAINT_IO, "%s: cannot be made: %s", out, strerror(errno));
}

/* 143 pictures for each of the seven tasks, two questions each. */
enum { PICTURES = 143, SEED = 1 };

saint_status default_data(char *out, size_t size, bool (*progress)(void *ctx, size_t done, size_t total), void *ctx, saint_error *err)
{
    char folder[4096], data[4200], finished[4300];
    saint_status s = default_folder(FOLDER_CACHE, folder, sizeof folder, err);
    if (s != SAINT_OK) return s;
    snprintf(data, sizeof data, "%s/scenes-v%d-test-%d", folder, (int)SAINT_SCENES_VERSION, (int)PICTURES);
    snprintf(finished, sizeof finished, "%s/.complete", data);
    if (!saint_file_exists(finished)) {
        saint_scenes_export_summary sum;
        saint_scenes_export_options o = {
            .out = data, .split = SAINT_SCENES_TEST, .seed = SEED, .count = PICTURES, .size = 336, .progress = progress, .ctx = ctx};
        s = saint_scenes_export(&o, &sum, err);
        if (s == SAINT_OK) s = saint_file_write(finished, "", 0, err);
        if (s != SAINT_OK) return s;
    }
    return snprintf(out, size, "scenes:%s", data) < (int)size ? SAINT_OK : saint_fail(err, SAINT_IO, "%s: the path is too long", data);
}
