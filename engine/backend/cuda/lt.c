/* lt.c - matrix products by cuBLASLt, prepared once for each shape.
 *
 * Row-major y = x w^T is column-major y^T = w x^T: the left operand is w [n, k] as it lies (k x n, transposed), the right one x (k x m),
 * and a bias runs along the columns of y, which are the rows of the library's result. */
#include <stdlib.h>

#include "backend/cuda/cuda.h"

typedef struct {
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t w, x, y;
    cublasLtMatmulAlgo_t algo;
} plan;

enum { PLANS = 4096 };

static saint_status lt_fail(saint_cuda *c, cublasStatus_t status, const saint_gemm_key *k, const char *call, saint_error *err)
{
    return saint_fail(err, status == CUBLAS_STATUS_ALLOC_FAILED ? SAINT_MEMORY : SAINT_DEVICE,
                      "CUDA device %d (%s): %s of %lld x %lld x %lld (%s to %s): %s", c->device, c->name, call, (long long)k->m, (long long)k->n,
                      (long long)k->k, saint_dtype_name((saint_dtype)k->type), saint_dtype_name((saint_dtype)k->ytype), c->lt.GetStatusString(status));
}

static void drop_plan(void *ctx, void *p)
{
    saint_cuda *c = ctx;
    plan *l = p;
    if (l->w) c->lt.MatrixLayoutDestroy(l->w);
    if (l->x) c->lt.MatrixLayoutDestroy(l->x);
    if (l->y) c->lt.MatrixLayoutDestroy(l->y);
    if (l->desc) c->lt.MatmulDescDestroy(l->desc);
    free(l);
}

saint_status saint_cuda_lt_open(saint_cuda *c, saint_error *err)
{
    saint_status s = saint_lt_load(&c->lt, err);
    if (s != SAINT_OK) return s;
    cublasStatus_t status = c->lt.Create(&c->handle);
    if (status != CUBLAS_STATUS_SUCCESS) {
        c->handle = NULL;
        return saint_fail(err, SAINT_DEVICE, "CUDA device %d (%s): cublasLtCreate: %s", c->device, c->name, c->lt.GetStatusString(status));
    }
    s = saint_cuda_alloc_for(c, "cuBLASLt's workspace", SAINT_CUDA_WORKSPACE_BYTES, &c->workspace, err);
    return s == SAINT_OK ? saint_gemm_plans_new(&c->plans, PLANS, drop_plan, c, err) : s;
}

void saint_cuda_lt_close(saint_cuda *c)
{
    saint_gemm_plans_free(c->plans);
    saint_cuda_release_now(c, c->workspace);
    if (c->handle) c->lt.Destroy(c->handle);
    saint_lt_unload(&c->lt);
}

static cudaDataType_t type_of(int32_t t)
{
    return t == SAINT_F16 ? CUDA_R_16F : t == SAINT_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

static cublasStatus_t describe(saint_cuda *c, const saint_gemm_key *k, plan *p)
{
    /* f32 is f32: COMPUTE_32F never rounds to TF32 */
    cublasStatus_t s = c->lt.MatmulDescCreate(&p->desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasOperation_t turned = CUBLAS_OP_T;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    if (s == CUBLAS_STATUS_SUCCESS) s = c->lt.MatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned);
    if (s == CUBLAS_STATUS_SUCCESS && k->bias) s = c->lt.MatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    int32_t bias_type = (int32_t)type_of(k->ytype);
    if (s == CUBLAS_STATUS_SUCCESS && k->bias) s = c->lt.MatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias_type, sizeof bias_type);
    if (s == CUBLAS_STATUS_SUCCESS) s = c->lt.MatrixLayoutCreate(&p->w, type_of(k->type), (uint64_t)k->k, (uint64_t)k->n, k->k);
    if (s == CUBLAS_STATUS_SUCCESS) s = c->lt.MatrixLayoutCreate(&p->x, type_of(k->type), (uint64_t)k->k, (uint64_t)k->m, k->ldx);
    if (s == CUBLAS_STATUS_SUCCESS) s = c->lt.MatrixLayoutCreate(&p->y, type_of(k->ytype), (uint64_t)k->n, (uint64_t)k->m, k->ldy);
    return s;
}

/* Strict: no splitting of k with sums in another order. Otherwise parts are added in f32, never in the 16 bits of the result. */
static cublasStatus_t prefer(saint_cuda *c, const saint_gemm_key *k, cublasLtMatmulPreference_t p)
{
    uint64_t workspace = SAINT_CUDA_WORKSPACE_BYTES;
    uint32_t sums = k->type == SAINT_F32 ? CUBLASLT_REDUCTION_SCHEME_NONE : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t attribute;
        uint32_t bytes;
    } align[] = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, (uint32_t)k->align_w},
                 {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, (uint32_t)k->align_x},
                 {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, (uint32_t)k->align_y},
                 {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, (uint32_t)k->align_y}};
    cublasStatus_t s = c->lt.MatmulPreferenceSetAttribute(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    if (s == CUBLAS_STATUS_SUCCESS) s = c->lt.MatmulPreferenceSetAttribute(p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &sums, sizeof sums);
    for (size_t i = 0; i < sizeof align / sizeof *align && s == CUBLAS_STATUS_SUCCESS; i++)
        s = c->lt.MatmulPreferenceSetAttribute(p, align[i].attribute, &align[i].bytes, sizeof align[i].bytes);
    return s;
}

static saint_status prepare(saint_cuda *c, const saint_gemm_key *k, const void *bias, plan **out, saint_error *err)
{
    plan *p = calloc(1, sizeof *p);
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t found;
    int n = 0;
    if (!p) return saint_fail(err, SAINT_MEMORY, "no memory to prepare a product");
    const char *call = "cublasLtMatmulDesc";
    cublasStatus_t s = describe(c, k, p);
    if (s == CUBLAS_STATUS_SUCCESS && bias) s = c->lt.MatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    if (s == CUBLAS_STATUS_SUCCESS) s = c->lt.MatmulPreferenceCreate(&preference);
    if (s == CUBLAS_STATUS_SUCCESS) s = prefer(c, k, preference);
    if (s == CUBLAS_STATUS_SUCCESS) {
        call = "cublasLtMatmulAlgoGetHeuristic";
        s = c->lt.MatmulAlgoGetHeuristic(c->handle, p->desc, p->w, p->x, p->y, p->y, preference, 1, &found, &n);
        if (s == CUBLAS_STATUS_SUCCESS && n < 1) s = CUBLAS_STATUS_NOT_SUPPORTED;
        if (s == CUBLAS_STATUS_SUCCESS) s = found.state;
    }
    if (preference) c->lt.MatmulPreferenceDestroy(preference);
    if (s != CUBLAS_STATUS_SUCCESS) {
        drop_plan(c, p);
        return lt_fail(c, s, k, call, err);
    }
    p->algo = found.algo;
    *out = p;
    return saint_gemm_plans_put(c->plans, k, p, err);
}

saint_status saint_cuda_matmul(saint_cuda *c, const saint_gemm_key *k, const void *x, const void *w, const void *bias, const void *residual, void *y,
                               saint_error *err)
{
    plan *p = saint_gemm_plans_find(c->plans, k);
    saint_status st = p ? SAINT_OK : prepare(c, k, bias, &p, err);
    if (st != SAINT_OK) return st;
    const float alpha = 1, beta = k->residual ? 1 : 0;
    cublasStatus_t s = CUBLAS_STATUS_SUCCESS;
    if (k->bias) s = c->lt.MatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = c->lt.Matmul(c->handle, p->desc, &alpha, w, p->w, x, p->x, &beta, residual ? residual : y, p->y, y, p->y, &p->algo, c->workspace, SAINT_CUDA_WORKSPACE_BYTES,
                         c->stream);
    return s == CUBLAS_STATUS_SUCCESS ? SAINT_OK : lt_fail(c, s, k, "cublasLtMatmul", err);
}
