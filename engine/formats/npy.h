/* npy.h - NumPy .npy arrays (format versions 1 to 3), the bridge to anyone's PyTorch dump. */
#ifndef SAINT_FORMATS_NPY_H
#define SAINT_FORMATS_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    int rank;
    int64_t shape[8];
    float *data; /* row-major, owned; free with saint_npy_free */
} saint_npy;

/* Reads C-ordered little-endian float32 (also float16 and float64, converted). Refuses NaN and infinities by position, Fortran order,
 * object arrays, and headers that do not match the file size. */
saint_status saint_npy_load(const char *path, saint_npy *out, saint_error *err);
saint_status saint_npy_parse(const void *bytes, size_t n, const char *what, saint_npy *out, saint_error *err);
void saint_npy_free(saint_npy *a);

#endif
