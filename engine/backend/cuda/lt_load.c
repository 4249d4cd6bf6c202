#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "backend/cuda/cuda.h"

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)
#define LIBRARY "libcublasLt.so." TEXT_OF(CUBLAS_VER_MAJOR)

saint_status saint_lt_load(saint_lt_api *out, saint_error *err)
{
    memset(out, 0, sizeof *out);
    /* As the loader finds it, then in the toolkit that this was built with. It stays until the process ends: the driver holds its kernels, and
     * threads its keys, longer than the last handle lives; and the next session need not load half a gigabyte again. */
    enum { MODE = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };
    out->library = dlopen(LIBRARY, MODE);
    if (!out->library) out->library = dlopen(SAINT_CUDA_LIBRARIES "/" LIBRARY, MODE);
    if (!out->library)
        return saint_fail(err, SAINT_DEVICE, "CUDA: %s was not found (cuBLAS %d of the CUDA toolkit); install it, put its folder into "
                          "LD_LIBRARY_PATH, or use --backend cpu", LIBRARY, CUBLAS_VER_MAJOR);
    const char *missing = NULL;
    void *symbol;
#define X(name)                                            \
    symbol = dlsym(out->library, "cublasLt" #name);        \
    memcpy(&out->name, &symbol, sizeof symbol);            \
    if (!symbol && !missing) missing = "cublasLt" #name;
    SAINT_LT_FUNCTIONS(X)
#undef X
    if (!missing) return SAINT_OK;
    saint_lt_unload(out);
    return saint_fail(err, SAINT_DEVICE, "CUDA: %s has no %s; it does not belong to this build", LIBRARY, missing);
}

void saint_lt_unload(saint_lt_api *api)
{
    if (api->library) dlclose(api->library);
    memset(api, 0, sizeof *api);
}
