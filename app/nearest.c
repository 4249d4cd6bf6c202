#define _POSIX_C_SOURCE 200809L
#include "nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Letters to change, add, leave out or swap with the next. Of a the first 256, of b the first 62: names are shorter. */
static int edits(const char *a, const char *b)
{
    int rows[3][64];
    int n = (int)strnlen(b, 62), len = (int)strnlen(a, 256);
    for (int j = 0; j <= n; j++) rows[0][j] = j;
    for (int i = 1; i <= len; i++) {
        const int *before = rows[(i + 1) % 3], *above = rows[(i + 2) % 3];
        int *row = rows[i % 3];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            int best = above[j - 1] + (x != y);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            const bool swapped = i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]);
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[len % 3][n];
}

const char *nearest_word(const char *word, const char *const *names, size_t n)
{
    const char *best = n ? names[0] : "";
    for (size_t i = 1; i < n; i++)
        if (edits(word, names[i]) < edits(word, best)) best = names[i];
    return best;
}

const char *nearest_meant(const char *word, const char *const *names, size_t n)
{
    const char *best = nearest_word(word, names, n);
    return *best && 3 * (size_t)edits(word, best) <= strlen(best) ? best : NULL;
}
