/* images.c - a folder of pictures, or one picture: no questions, no answers. */
#include <stdlib.h>

#include "datasets/internal.h"

static bool is_image(const char *folder, const char *name)
{
    (void)folder;
    return saint_is_picture(name);
}

static saint_status add(saint_dataset *d, const char *name, saint_error *err)
{
    saint_sample s = {.uid = name, .cluster = name, .answer_index = -1, .images = &name, .n_images = 1};
    return saint_data_add(d, &s, d->path, err);
}

static saint_status open_images(saint_dataset *d, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (saint_file_exists(d->path)) {
        char *base = saint_path_parent(d->path);
        s = base ? saint_data_root(d, base, NULL, err) : saint_no_memory(err, d->path);
        if (s == SAINT_OK) s = add(d, saint_path_name(d->path), err);
        free(base);
        return s;
    }
    saint_list names;
    s = saint_list_folder(d->path, is_image, &names, err);
    if (s != SAINT_OK) return s;
    s = saint_data_root(d, d->path, NULL, err);
    if (s == SAINT_OK && names.n == 0)
        s = saint_fail(err, SAINT_FORMAT, "%s: expected pictures (.jpg, .png ...) in this folder, found none", d->path);
    for (size_t i = 0; i < names.n && s == SAINT_OK; i++) s = add(d, names.name[i], err);
    saint_list_free(&names);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    (void)s;
    (void)out;
    return true;
}

const saint_adapter saint_adapter_images = {SAINT_DATA_IMAGES, 16, false, open_images, NULL, prompt};
