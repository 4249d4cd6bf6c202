#include "nearest.h"

#include <ctype.h>
#include <string.h>

/* Of a the first 256 letters, of b the first 62: names are shorter. */
static int edits(const char *a, const char *b)
{
    int row[64];
    size_t n = strlen(b), len = strlen(a);
    if (n > 62) n = 62;
    if (len > 256) len = 256;
    for (size_t j = 0; j <= n; j++) row[j] = (int)j;
    for (size_t i = 0; i < len; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < n; j++) {
            int change = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
            int best = row[j] < row[j + 1] ? row[j] : row[j + 1];
            diagonal = row[j + 1];
            row[j + 1] = change < best + 1 ? change : best + 1;
        }
    }
    return row[n];
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
    return *best && 2 * (size_t)edits(word, best) <= strlen(best) ? best : NULL;
}
