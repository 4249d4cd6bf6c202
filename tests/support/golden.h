/* golden.h - drawings held against files under tests/fixtures, rewritten with SAINT_UPDATE_GOLDENS=1. */
#ifndef SAINT_TESTS_SUPPORT_GOLDEN_H
#define SAINT_TESTS_SUPPORT_GOLDEN_H

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* got against fixtures/FOLDER/NAME.txt; fails with the first line that differs. */
static inline void golden_is(const char *folder, const char *name, const char *got)
{
    char path[1024], *want;
    size_t n;
    snprintf(path, sizeof path, "%s/%s/%s.txt", SAINT_FIXTURE_DIR, folder, name);
    if (getenv("SAINT_UPDATE_GOLDENS")) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_true(fputs(got, f) >= 0);
        fclose(f);
        return;
    }
    assert_ok(saint_file_read(path, 1 << 20, &want, &n, err));
    const char *g = got, *w = want, *end = want + n;
    for (int i = 1; *g || w < end; i++) {
        size_t a = strcspn(g, "\n"), b = 0;
        while (w + b < end && w[b] != '\n') b++;
        if (a != b || memcmp(g, w, a) != 0) fail_msg("%s, line %d:\n  expected |%.*s|\n  drawn    |%.*s|", name, i, (int)b, w, (int)a, g);
        g += a + (g[a] != 0), w += b + (w + b < end);
    }
    free(want);
}

#endif
