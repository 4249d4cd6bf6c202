/* none_cuda.c - what a build without the CUDA toolkit says. */
#include <stdio.h>

#include "backend/backend.h"

int saint_cuda_devices(saint_cuda_device *out, int cap, char *why, size_t size)
{
    (void)out;
    (void)cap;
    snprintf(why, size, "this build has no CUDA backend (it was configured without nvcc)");
    return 0;
}

saint_status saint_backend_cuda_open(saint_backend **out, int device, saint_dtype compute, saint_error *err)
{
    (void)compute;
    *out = NULL;
    return saint_fail(err, SAINT_UNSUPPORTED, "CUDA device %d: this build has no CUDA backend (it was configured without nvcc); use --backend cpu", device);
}
