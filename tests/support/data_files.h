/* data_files.h - hand-made data sets: a temporary folder per test program, files written into it, and what a reader must say about them. */
#ifndef SAINT_TESTS_SUPPORT_DATA_FILES_H
#define SAINT_TESTS_SUPPORT_DATA_FILES_H

#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "datasets/dataset.h"

static char data_folder[] = "/tmp/saint-data-XXXXXX";

static inline int data_make(void **state)
{
    (void)state;
    return mkdtemp(data_folder) ? 0 : -1;
}

static inline int data_remove(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", data_folder);
    return system(command);
}

/* The path of a name in the folder; four results live at a time. */
static inline const char *data_path(const char *name)
{
    static char path[4][512];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", data_folder, name);
    return path[i];
}

/* Write n bytes to a name, folders included. */
static inline void data_write_bytes(const char *name, const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s", data_path(name));
    for (char *p = path + strlen(data_folder) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0755);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void data_write(const char *name, const char *text) { data_write_bytes(name, text, strlen(text)); }

static inline saint_dataset *data_open_with(const char *kind, const char *name, const saint_dataset_options *opt)
{
    char kind_path[600];
    saint_dataset *d;
    snprintf(kind_path, sizeof kind_path, "%s:%s", kind, data_path(name));
    assert_ok(saint_dataset_open(kind_path, opt, &d, err));
    return d;
}

static inline saint_dataset *data_open(const char *kind, const char *name) { return data_open_with(kind, name, NULL); }

/* Opening fails with one line that holds every one of the words (NULL ends them). */
static inline void data_refused(const char *kind, const char *name, const char *const *words)
{
    char kind_path[600];
    saint_dataset *d = (saint_dataset *)1;
    saint_error e = {0};
    snprintf(kind_path, sizeof kind_path, "%s:%s", kind, data_path(name));
    saint_status s = saint_dataset_open(kind_path, NULL, &d, &e);
    if (s == SAINT_OK) fail_msg("%s was accepted", kind_path);
    if (s != SAINT_FORMAT && s != SAINT_IO && s != SAINT_INVALID) fail_msg("%s: status %d", kind_path, s);
    assert_null(d);
    assert_null(strchr(e.text, '\n'));
    for (int i = 0; words[i]; i++)
        if (!strstr(e.text, words[i])) fail_msg("expected \"%s\" in: %s", words[i], e.text);
}
#define REFUSED(kind, name, ...) data_refused(kind, name, (const char *const[]){__VA_ARGS__, NULL})

static inline saint_sample data_item(const saint_dataset *d, size_t i)
{
    saint_sample s;
    assert_ok(saint_dataset_item(d, i, &s, err));
    return s;
}

static inline void data_prompt_is(const saint_dataset *d, size_t i, const char *want)
{
    char *text;
    assert_ok(saint_dataset_prompt(d, i, &text, err));
    assert_string_equal(text, want);
    free(text);
}

#endif
