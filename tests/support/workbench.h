/* workbench.h - the program on a pseudo terminal, with a home of its own. */
#ifndef SAINT_TESTS_SUPPORT_WORKBENCH_H
#define SAINT_TESTS_SUPPORT_WORKBENCH_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/vt.h"

typedef struct {
    const char *term, *locale, *colorterm, *extra; /* extra: one more "NAME=value", NULL = none */
} wb_env;

static char wb_home[256]; /* "" before wb_begin */

static inline int wb_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void wb_begin(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(wb_home, sizeof wb_home, "%s/saint-wb-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(wb_home)) abort();
}

static inline void wb_end(void)
{
    if (wb_home[0]) nftw(wb_home, wb_remove, 16, FTW_DEPTH | FTW_PHYS);
    wb_home[0] = 0;
}

/* The arguments go behind `saint`; NULL ends them. sync: "idle" or "frames". */
static inline bool wb_open(vt *t, int w, int h, const wb_env *e, const char *sync, const char *const *args)
{
    char *argv[40] = {SAINT_BINARY}, text[16][400];
    int n = 0;
    if (e->extra) snprintf(text[n++], sizeof text[0], "%s", e->extra); /* first: it wins over one of ours */
    snprintf(text[n++], sizeof text[0], "TERM=%s", e->term);
    snprintf(text[n++], sizeof text[0], "LC_ALL=%s", e->locale);
    snprintf(text[n++], sizeof text[0], "COLORTERM=%s", e->colorterm);
    snprintf(text[n++], sizeof text[0], "HOME=%s", wb_home);
    snprintf(text[n++], sizeof text[0], "XDG_STATE_HOME=%s/state", wb_home);
    snprintf(text[n++], sizeof text[0], "XDG_CACHE_HOME=%s/cache", wb_home);
    snprintf(text[n++], sizeof text[0], "XDG_CONFIG_HOME=%s/config", wb_home);
    snprintf(text[n++], sizeof text[0], "TMPDIR=%s", wb_home); /* no other test uses its device */
    snprintf(text[n++], sizeof text[0], "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    snprintf(text[n++], sizeof text[0], "SAINT_PROC_STAT=/dev/null"); /* nor minds what else runs */
    snprintf(text[n++], sizeof text[0], "SAINT_WB_SYNC=%s", sync);
    snprintf(text[n++], sizeof text[0], "ASAN_OPTIONS=handle_abort=0");
    char *env[17] = {NULL};
    for (int i = 0; i < n; i++) env[i] = text[i];
    for (int i = 0; args && args[i] && i < 38; i++) argv[i + 1] = (char *)(uintptr_t)args[i];
    return vt_open(t, w, h, argv, env);
}

#endif
