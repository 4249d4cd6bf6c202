/* fake_lt.c - cuBLASLt of the emulated device: three loops, as late as everything else on a stream. */
#include <stdlib.h>
#include <string.h>

#include "backend/cuda/cuda.h"
#include "gpu/fake_internal.h"
#include "gpu/fake_runtime.h"

static long heuristics;
static float factor = 1;

void fake_miscalculates(bool wrong) { factor = wrong ? 1.125f : 1; }

long fake_heuristics(void) { return heuristics; }

/* The library's own name for what the runtime calls by another. */
static cublasStatus_t call(const char *name)
{
    cudaError_t e = fake_count(name);
    return e == cudaSuccess ? CUBLAS_STATUS_SUCCESS : e == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED : CUBLAS_STATUS_EXECUTION_FAILED;
}

typedef struct {
    bool turned, bias;
    int32_t bias_type;
    const void *bias_at;
} desc;
typedef struct {
    cudaDataType_t type;
    uint64_t rows, cols;
    int64_t ld;
} layout;

static cublasStatus_t lt_create(cublasLtHandle_t *h)
{
    cublasStatus_t s = call("cublasLtCreate");
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    *h = (cublasLtHandle_t)(uintptr_t)64;
    fake_count_object(1);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_destroy(cublasLtHandle_t h)
{
    (void)h;
    fake_count_object(-1);
    return CUBLAS_STATUS_SUCCESS;
}

static size_t lt_version(void)
{
    return 0;
}

static const char *lt_text(cublasStatus_t s)
{
    (void)s;
    return "not supported by the emulated library";
}

static cublasStatus_t lt_desc_create(cublasLtMatmulDesc_t *d, cublasComputeType_t compute, cudaDataType_t scale)
{
    cublasStatus_t s = call("cublasLtMatmulDescCreate");
    *d = NULL;
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    *d = calloc(1, sizeof(desc));
    if (*d) fake_count_object(1);
    return *d ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

static cublasStatus_t lt_desc_destroy(cublasLtMatmulDesc_t d)
{
    free(d);
    fake_count_object(-1);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_desc_set(cublasLtMatmulDesc_t h, cublasLtMatmulDescAttributes_t attribute, const void *value, size_t size)
{
    cublasStatus_t s = call("cublasLtMatmulDescSetAttribute");
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    desc *d = (desc *)(void *)h;
    int32_t number = 0;
    if (size == sizeof number) memcpy(&number, value, size);
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: d->turned = number == CUBLAS_OP_T; return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_EPILOGUE: d->bias = number == CUBLASLT_EPILOGUE_BIAS; return d->bias ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: d->bias_type = number; return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: memcpy(&d->bias_at, value, size); return CUBLAS_STATUS_SUCCESS;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

static cublasStatus_t lt_layout_create(cublasLtMatrixLayout_t *l, cudaDataType type, uint64_t rows, uint64_t cols, int64_t ld)
{
    cublasStatus_t s = call("cublasLtMatrixLayoutCreate");
    *l = NULL;
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    if (ld < (int64_t)rows) return CUBLAS_STATUS_INVALID_VALUE;
    layout *n = malloc(sizeof *n);
    if (!n) return CUBLAS_STATUS_ALLOC_FAILED;
    fake_count_object(1);
    *n = (layout){type, rows, cols, ld};
    *l = (cublasLtMatrixLayout_t)(void *)n;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_layout_destroy(cublasLtMatrixLayout_t l)
{
    free(l);
    fake_count_object(-1);
    return CUBLAS_STATUS_SUCCESS;
}

/* What a prepared product may count on of its operands: the library takes it for a promise. */
typedef struct {
    uint32_t align[4]; /* bytes: left, right, added, result */
} promises;

static cublasStatus_t lt_preference_create(cublasLtMatmulPreference_t *p)
{
    cublasStatus_t s = call("cublasLtMatmulPreferenceCreate");
    *p = NULL;
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    promises *n = malloc(sizeof *n);
    if (!n) return CUBLAS_STATUS_ALLOC_FAILED;
    *n = (promises){{256, 256, 256, 256}};
    *p = (cublasLtMatmulPreference_t)(void *)n;
    fake_count_object(1);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_preference_destroy(cublasLtMatmulPreference_t p)
{
    free(p);
    fake_count_object(-1);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_preference_set(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t attribute, const void *value, size_t size)
{
    cublasStatus_t s = call("cublasLtMatmulPreferenceSetAttribute");
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    promises *q = (promises *)(void *)p;
    uint32_t number = 0;
    if (size == sizeof number) memcpy(&number, value, size);
    switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return size == sizeof(uint64_t) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        return size == sizeof number && number <= CUBLASLT_REDUCTION_SCHEME_MASK ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: q->align[0] = number; break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: q->align[1] = number; break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: q->align[2] = number; break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: q->align[3] = number; break;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    return size == sizeof number && number && !(number & (number - 1)) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

static cublasStatus_t lt_heuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                   cublasLtMatrixLayout_t y, cublasLtMatmulPreference_t p, int wanted, cublasLtMatmulHeuristicResult_t *out, int *n)
{
    (void)h, (void)d, (void)a, (void)b, (void)c, (void)y, (void)wanted;
    cublasStatus_t s = call("cublasLtMatmulAlgoGetHeuristic");
    memset(out, 0, sizeof *out);
    *n = 0;
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    memcpy(&out->algo, p, sizeof(promises)); /* to be held to */
    *n = 1;
    heuristics++;
    return CUBLAS_STATUS_SUCCESS;
}

static float value_of(const void *p, cudaDataType_t type, int64_t i)
{
    if (type == CUDA_R_32F) return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return type == CUDA_R_16F ? saint_f16_to_f32(h) : saint_bf16_to_f32(h);
}

/* A product as it was asked for: what describes it may change or go before it runs. */
typedef struct {
    desc d;
    layout a, b, c, y;
    float weight;
    const void *from_a, *from_b, *from_c;
    void *to;
} product;

/* Column-major, as the library: y[i, j] = sum_k a[k, i] b[k, j] + weight c[i, j] + bias[i]. */
static cudaError_t multiply(void *ctx)
{
    const product *p = ctx;
    for (int64_t j = 0; j < (int64_t)p->y.cols; j++)
        for (int64_t i = 0; i < (int64_t)p->y.rows; i++) {
            float sum = 0;
            for (int64_t k = 0; k < (int64_t)p->a.rows; k++)
                sum += value_of(p->from_a, p->a.type, i * p->a.ld + k) * value_of(p->from_b, p->b.type, j * p->b.ld + k);
            int64_t at = j * p->y.ld + i;
            sum *= factor;
            if (p->weight != 0) sum += p->weight * value_of(p->from_c, p->c.type, j * p->c.ld + i);
            if (p->d.bias) sum += value_of(p->d.bias_at, p->y.type, i);
            if (p->y.type == CUDA_R_32F) ((float *)p->to)[at] = sum;
            else ((uint16_t *)p->to)[at] = p->y.type == CUDA_R_16F ? saint_f32_to_f16(sum) : saint_f32_to_bf16(sum);
        }
    fake_count_launch();
    return cudaSuccess;
}

static cublasStatus_t lt_matmul(cublasLtHandle_t h, cublasLtMatmulDesc_t dd, const void *alpha, const void *a, cublasLtMatrixLayout_t la_, const void *b,
                                cublasLtMatrixLayout_t lb_, const void *beta, const void *c, cublasLtMatrixLayout_t lc_, void *y, cublasLtMatrixLayout_t ly_,
                                const cublasLtMatmulAlgo_t *algo, void *workspace, size_t bytes, cudaStream_t s)
{
    cublasStatus_t status = call("cublasLtMatmul");
    const desc *d = (const desc *)(const void *)dd;
    const layout *la = (const layout *)(const void *)la_, *lb = (const layout *)(const void *)lb_, *lc = (const layout *)(const void *)lc_,
                 *ly = (const layout *)(const void *)ly_;
    float one, weight;
    promises held;
    (void)h;
    memcpy(&held, algo, sizeof held);
    const void *operand[] = {a, b, c, y};
    for (int i = 0; i < 4; i++)
        if ((uintptr_t)operand[i] % held.align[i]) return CUBLAS_STATUS_INVALID_VALUE; /* the real one reads across, or stops with a fault */
    if ((uintptr_t)workspace % 256) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&one, alpha, sizeof one);
    memcpy(&weight, beta, sizeof weight);
    if (status != CUBLAS_STATUS_SUCCESS || fake_sticky()) return status != CUBLAS_STATUS_SUCCESS ? status : CUBLAS_STATUS_EXECUTION_FAILED;
    if (!d->turned || one != 1 || !workspace || bytes < 1 || la->rows != lb->rows || la->cols != ly->rows || lb->cols != ly->cols || lc->type != ly->type ||
        la->type != lb->type || (ly->type != CUDA_R_32F && ly->type != la->type))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (d->bias && (!d->bias_at || d->bias_type != (int32_t)ly->type)) return CUBLAS_STATUS_NOT_SUPPORTED; /* as the library's table of types */
    product *p = malloc(sizeof *p);
    if (!p) return CUBLAS_STATUS_ALLOC_FAILED;
    *p = (product){*d, *la, *lb, *lc, *ly, weight, a, b, c, y};
    return fake_queue(s, multiply, free, p) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

saint_status saint_lt_load(saint_lt_api *out, saint_error *err)
{
    (void)err;
    *out = (saint_lt_api){.Create = lt_create, .Destroy = lt_destroy, .GetVersion = lt_version, .GetStatusString = lt_text, .MatmulDescCreate = lt_desc_create,
                          .MatmulDescDestroy = lt_desc_destroy, .MatmulDescSetAttribute = lt_desc_set, .MatrixLayoutCreate = lt_layout_create,
                          .MatrixLayoutDestroy = lt_layout_destroy, .MatmulPreferenceCreate = lt_preference_create,
                          .MatmulPreferenceDestroy = lt_preference_destroy, .MatmulPreferenceSetAttribute = lt_preference_set,
                          .MatmulAlgoGetHeuristic = lt_heuristic, .Matmul = lt_matmul};
    return SAINT_OK;
}

void saint_lt_unload(saint_lt_api *api)
{
    (void)api;
}
