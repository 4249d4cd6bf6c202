/* nearest.h - did you mean: which word of a list is most like one that is not in it. */
#ifndef SAINT_APP_NEAREST_H
#define SAINT_APP_NEAREST_H

#include <stddef.h>

/* The word of names[n] with the fewest letters to change, add, leave out or swap, whatever their case; of equals the first. "" when n is 0. */
const char *nearest_word(const char *word, const char *const *names, size_t n);
/* The same, but NULL where more than a third of the letters would have to change: then nothing was meant. */
const char *nearest_meant(const char *word, const char *const *names, size_t n);

#endif
