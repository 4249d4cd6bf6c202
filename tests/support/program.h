/* program.h - the program run through a shell, and what it says: status, stdout, stderr, JSON by path. */
#ifndef SAINT_TESTS_SUPPORT_PROGRAM_H
#define SAINT_TESTS_SUPPORT_PROGRAM_H

#include "support/test.h"

#include <cjson/cJSON.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"

typedef struct {
    int status; /* exit status, 128 + signal */
    char out[1 << 20], err[8192];
} program_run;

static inline int program_status(int how) { return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how); }

/* A file whole, which is gone afterwards when `take`. */
static inline void program_read(const char *path, char *buf, size_t size, bool take)
{
    char *text;
    size_t n;
    assert_ok(saint_file_read(path, size - 1, &text, &n, err));
    memcpy(buf, text, n + 1);
    free(text);
    if (take) unlink(path);
}

/* The command line that runs `BEFORE saint ARGS` in a folder; its output lies in FOLDER.out and FOLDER.err. */
static inline void program_line(char *out, size_t size, const char *folder, const char *before, const char *args)
{
    snprintf(out, size, "cd %s && %s exec %s %s >%s.out 2>%s.err </dev/null", folder, before, SAINT_BINARY, args, folder, folder);
}

/* What such a command line came to. */
static inline void program_finish(program_run *r, const char *folder, int how)
{
    char path[512];
    r->status = program_status(how);
    snprintf(path, sizeof path, "%s.out", folder);
    program_read(path, r->out, sizeof r->out, true);
    snprintf(path, sizeof path, "%s.err", folder);
    program_read(path, r->err, sizeof r->err, true);
}

static inline void program_in(program_run *r, const char *folder, const char *args)
{
    char command[8192];
    program_line(command, sizeof command, folder, "", args);
    program_finish(r, folder, system(command));
}

/* Exit 2, nothing on stdout, exactly one line on stderr that holds `words`. */
static inline void program_refused(int status, const char *out, const char *errors, const char *words)
{
    if (status != 2) fail_msg("expected exit 2, found %d: %s", status, errors);
    assert_string_equal(out, "");
    const char *newline = strchr(errors, '\n');
    if (!newline || newline[1]) fail_msg("expected one line, found: %s", errors);
    if (!strstr(errors, words)) fail_msg("expected \"%s\" in: %s", words, errors);
}

/* stdout of a run that went well as JSON; the caller's. */
static inline cJSON *program_json(const program_run *r)
{
    cJSON *c;
    if (r->status != 0) fail_msg("exit %d: %s", r->status, r->err);
    assert_ok(saint_json_parse(r->out, strlen(r->out), sizeof r->out, "stdout", &c, err));
    return c;
}

/* "metrics.accuracy.value" */
static inline const cJSON *json_get(const cJSON *c, const char *path)
{
    char key[64];
    for (const char *p = path; c && *p;) {
        size_t n = strcspn(p, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        c = cJSON_GetObjectItemCaseSensitive(c, key);
        p += n + (p[n] == '.');
    }
    if (!c) fail_msg("the JSON has no %s", path);
    return c;
}

#endif
