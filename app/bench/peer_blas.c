#include "bench/peer_blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* A data pointer becomes a function pointer by its bytes: POSIX promises the size, C does not allow the cast. */
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

bool saint_peer_blas_open(saint_peer_blas *p, int threads)
{
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
    *p = (saint_peer_blas){0};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !p->library; i++) p->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!p->library) return false;
    void (*set_threads)(int);
    char *(*config)(void);
    if (!find(p->library, "cblas_sgemm", &p->sgemm) || !find(p->library, "openblas_set_num_threads", &set_threads)) {
        saint_peer_blas_close(p);
        return false;
    }
    set_threads(threads);
    if (find(p->library, "openblas_get_config", &config)) snprintf(p->config, sizeof p->config, "%s", config());
    return true;
}

void saint_peer_blas_linear(const saint_peer_blas *p, int m, int n, int k, const float *x, const float *w, float *y)
{
    enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };
    p->sgemm(ROW_MAJOR, NO_TRANS, TRANS, m, n, k, 1.0f, x, k, w, k, 0.0f, y, n);
}

void saint_peer_blas_close(saint_peer_blas *p)
{
    if (p->library) dlclose(p->library);
    *p = (saint_peer_blas){0};
}
