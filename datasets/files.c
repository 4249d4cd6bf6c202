/* files.c - paths, folders, and which file of a distribution is which. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "datasets/internal.h"

char *saint_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name);
    while (a > 1 && folder[a - 1] == '/') a--;
    char *out = malloc(a + b + 2);
    if (!out) return NULL;
    memcpy(out, folder, a);
    out[a] = '/';
    memcpy(out + a + 1, name, b + 1);
    return out;
}

char *saint_path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

const char *saint_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool saint_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool saint_ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && strcmp(text + n - m, tail) == 0;
}

bool saint_is_picture(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".tga"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

saint_status saint_list_folder(const char *folder, bool (*keep)(const char *folder, const char *name), saint_list *out, saint_error *err)
{
    *out = (saint_list){0};
    DIR *dir = opendir(folder);
    if (!dir) return saint_fail(err, SAINT_IO, "%s: expected a folder that can be read, found: %s", folder, strerror(errno));
    size_t cap = 0;
    saint_status s = SAINT_OK;
    for (struct dirent *e; s == SAINT_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.' || (keep && !keep(folder, e->d_name))) continue;
        if (!saint_utf8_valid(e->d_name, strlen(e->d_name))) {
            s = saint_fail(err, SAINT_FORMAT, "%s: expected file names in UTF-8, found one that is not; rename it", folder);
            break;
        }
        if (out->n == cap) {
            cap = cap ? 2 * cap : 64;
            char **name = realloc(out->name, cap * sizeof *name);
            if (name) out->name = name;
            else s = saint_no_memory(err, folder);
        }
        if (s == SAINT_OK && !(out->name[out->n] = strdup(e->d_name))) s = saint_no_memory(err, folder);
        if (s == SAINT_OK) out->n++;
    }
    closedir(dir);
    if (s != SAINT_OK) saint_list_free(out);
    else if (out->n) qsort(out->name, out->n, sizeof *out->name, by_bytes);
    return s;
}

void saint_list_free(saint_list *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->name[i]);
    free(l->name);
    *l = (saint_list){0};
}

bool saint_list_has(const saint_list *l, const char *name) { return l->n && bsearch(&name, l->name, l->n, sizeof *l->name, by_bytes); }

saint_status saint_data_file(const saint_dataset *d, const char *const *names, char **out, saint_error *err)
{
    if (!saint_is_folder(d->path)) {
        *out = strdup(d->path);
        if (!*out) return saint_no_memory(err, d->path);
        if (saint_file_exists(*out)) return SAINT_OK;
        free(*out);
        *out = NULL;
        return saint_fail(err, SAINT_IO, "%s: expected a folder with %s or that file itself, found nothing there", d->path, names[0]);
    }
    for (size_t i = 0; names[i]; i++) {
        *out = saint_path_join(d->path, names[i]);
        if (!*out) return saint_no_memory(err, d->path);
        if (saint_file_exists(*out)) return SAINT_OK;
        free(*out);
    }
    *out = NULL;
    return saint_fail(err, SAINT_IO,
                      "%s: expected %s in this folder, found no such file; name the unpacked distribution or the file itself", d->path,
                      names[0]);
}

saint_status saint_data_parse_files(saint_dataset *d, const char *a, const char *b, saint_error *err)
{
    saint_map first, second = {0};
    saint_status s = saint_map_open(a, &first, err);
    if (s != SAINT_OK) return s;
    if (b) s = saint_map_open(b, &second, err);
    if (s == SAINT_OK) {
        saint_source x = {a, first.data ? (const char *)first.data : "", first.bytes};
        saint_source y = {b, second.data ? (const char *)second.data : "", second.bytes};
        s = d->adapter->parse(d, &x, b ? &y : NULL, err);
    }
    saint_map_close(&second);
    saint_map_close(&first);
    return s;
}
