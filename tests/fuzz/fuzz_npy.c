#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "formats/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    saint_npy a;
    saint_error e;
    if (saint_npy_parse(data, size, "fuzz", &a, &e) != SAINT_OK) return 0;
    size_t n = 1;
    for (int i = 0; i < a.rank; i++) n *= (size_t)a.shape[i];
    for (size_t i = 0; i < n; i++)
        if (!isfinite(a.data[i])) abort();
    saint_npy_free(&a);
    return 0;
}
