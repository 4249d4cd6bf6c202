/* ops.h - the CPU backend's small operations; their meaning is told in backend.h, one name there is one name here. */
#ifndef SAINT_BACKEND_CPU_OPS_H
#define SAINT_BACKEND_CPU_OPS_H

#include "backend/cpu/cpu.h"

saint_status saint_cpu_layernorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps,
                                 void *y, saint_dtype ytype, saint_error *err);
saint_status saint_cpu_rmsnorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, float eps, void *y,
                               saint_dtype ytype, saint_error *err);
saint_status saint_cpu_patchify(saint_backend *b, const float *chw, int side_h, int side_w, int patch, void *out, saint_error *err);
saint_status saint_cpu_embed(saint_backend *b, const saint_matrix *table, const int32_t *ids, int64_t n, float *y, saint_error *err);
saint_status saint_cpu_positions(saint_backend *b, float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls,
                                 saint_error *err);
saint_status saint_cpu_pool_rows(saint_backend *b, const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size,
                                 float *y, saint_error *err);
saint_status saint_cpu_rope(saint_backend *b, void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                            const float *inv_freq, saint_error *err);
saint_status saint_cpu_mean_heads(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                  saint_error *err);
saint_status saint_cpu_gather(saint_backend *b, const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst,
                              saint_error *err);
saint_status saint_cpu_narrow(saint_backend *b, const float *x, size_t n, void *y, saint_error *err);

#endif
