/* fake_runtime.c - one CUDA device made of host memory, for the CUDA backend's own code: allocations are NaN and end before a page that
 * nobody may touch, streams do at once what they are told, cuBLASLt is three loops. What it cannot do, it refuses. */
#define _GNU_SOURCE
#include "gpu/fake_runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/cuda/cuda.h"

enum { PAGE = 4096, MOST_BLOCKS = 1 << 16 };

static struct {
    char *base, *start;
    size_t pages;
} block[MOST_BLOCKS];
static int n_blocks;
static size_t limit = (size_t)1 << 32, used, most;
static cudaError_t sticky;
static long heuristics;

void fake_device_memory(size_t bytes)
{
    limit = bytes;
}

size_t fake_device_used(void)
{
    return used;
}

void fake_device_fails(int error)
{
    sticky = (cudaError_t)error;
}

long fake_heuristics(void)
{
    return heuristics;
}

/* ---- runtime ---- */

cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 1;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    (void)device;
    memset(p, 0, sizeof *p);
    strcpy(p->name, "emulated");
    p->major = 9;
    p->multiProcessorCount = 6;
    p->totalGlobalMem = limit;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaGetLastError(void)
{
    return sticky;
}

const char *cudaGetErrorName(cudaError_t e)
{
    return e == cudaErrorIllegalAddress ? "cudaErrorIllegalAddress" : e == cudaErrorInvalidConfiguration ? "cudaErrorInvalidConfiguration" : "an error";
}

const char *cudaGetErrorString(cudaError_t e)
{
    (void)e;
    return "of the emulated device";
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    (void)flags;
    *s = (cudaStream_t)(uintptr_t)16;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    (void)s;
    return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t s)
{
    (void)s;
    return sticky;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    (void)s;
    return sticky;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags)
{
    (void)flags;
    *e = (cudaEvent_t)(uintptr_t)32;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    (void)e;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    (void)e;
    (void)s;
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    (void)e;
    return sticky;
}

cudaError_t cudaMallocHost(void **p, size_t bytes)
{
    *p = malloc(bytes);
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *p)
{
    free(p);
    return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device)
{
    (void)device;
    *pool = NULL;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    (void)pool;
    if (attribute == cudaMemPoolAttrUsedMemHigh) {
        if (*(uint64_t *)value) return cudaErrorInvalidValue;
        most = 0;
    }
    return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    (void)pool;
    if (attribute != cudaMemPoolAttrUsedMemHigh && attribute != cudaMemPoolAttrUsedMemCurrent) return cudaErrorInvalidValue;
    *(uint64_t *)value = attribute == cudaMemPoolAttrUsedMemHigh ? most : used;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    *available = limit - used;
    *total = limit;
    return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *f, enum cudaFuncAttribute attribute, int value)
{
    (void)f;
    return attribute == cudaFuncAttributeMaxDynamicSharedMemorySize && value <= 227 * 1024 ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t s)
{
    (void)s;
    size_t room = (bytes + 255) / 256 * 256, pages = (room + PAGE - 1) / PAGE + 1;
    *p = NULL;
    if (room > limit - used || n_blocks == MOST_BLOCKS) return cudaErrorMemoryAllocation;
    char *base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return cudaErrorMemoryAllocation;
    memset(base, 0xff, (pages - 1) * PAGE);
    mprotect(base + (pages - 1) * PAGE, PAGE, PROT_NONE);
    char *start = base + (pages - 1) * PAGE - room; /* 256-byte aligned, as the real one, and at the end of its pages */
    block[n_blocks].base = base;
    block[n_blocks].start = start;
    block[n_blocks++].pages = pages;
    used += room;
    most = used > most ? used : most;
    *p = start;
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t s)
{
    (void)s;
    for (int i = n_blocks - 1; i >= 0; i--)
        if (block[i].start == p) {
            used -= (size_t)(block[i].base + (block[i].pages - 1) * PAGE - block[i].start);
            munmap(block[i].base, block[i].pages * PAGE);
            block[i] = block[--n_blocks];
            return cudaSuccess;
        }
    return cudaErrorInvalidValue;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t s)
{
    (void)kind;
    (void)s;
    if (sticky) return sticky;
    memcpy(to, from, bytes);
    return cudaSuccess;
}

/* ---- cuBLASLt ---- */

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
    *h = (cublasLtHandle_t)(uintptr_t)64;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_destroy(cublasLtHandle_t h)
{
    (void)h;
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
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    *d = calloc(1, sizeof(desc));
    return *d ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

static cublasStatus_t lt_desc_destroy(cublasLtMatmulDesc_t d)
{
    free(d);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_desc_set(cublasLtMatmulDesc_t h, cublasLtMatmulDescAttributes_t attribute, const void *value, size_t size)
{
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
    if (ld < (int64_t)rows) return CUBLAS_STATUS_INVALID_VALUE;
    layout *n = malloc(sizeof *n);
    if (!n) return CUBLAS_STATUS_ALLOC_FAILED;
    *n = (layout){type, rows, cols, ld};
    *l = (cublasLtMatrixLayout_t)(void *)n;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_layout_destroy(cublasLtMatrixLayout_t l)
{
    free(l);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_preference_create(cublasLtMatmulPreference_t *p)
{
    *p = (cublasLtMatmulPreference_t)(uintptr_t)128;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_preference_destroy(cublasLtMatmulPreference_t p)
{
    (void)p;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t lt_preference_set(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t attribute, const void *value, size_t size)
{
    (void)p;
    (void)attribute;
    uint32_t number = 0;
    if (size == sizeof number) memcpy(&number, value, size);
    bool is_power = !(number & (number - 1));
    return is_power ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

static cublasStatus_t lt_heuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                   cublasLtMatrixLayout_t y, cublasLtMatmulPreference_t p, int wanted, cublasLtMatmulHeuristicResult_t *out, int *n)
{
    (void)h, (void)d, (void)a, (void)b, (void)c, (void)y, (void)p, (void)wanted;
    memset(out, 0, sizeof *out);
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

/* Column-major, as the library: d[i, j] = sum_k a[k, i] b[k, j] + beta c[i, j] + bias[i]. */
static cublasStatus_t lt_matmul(cublasLtHandle_t h, cublasLtMatmulDesc_t dd, const void *alpha, const void *a, cublasLtMatrixLayout_t la_, const void *b,
                                cublasLtMatrixLayout_t lb_, const void *beta, const void *c, cublasLtMatrixLayout_t lc_, void *y, cublasLtMatrixLayout_t ly_,
                                const cublasLtMatmulAlgo_t *algo, void *workspace, size_t bytes, cudaStream_t s)
{
    const desc *d = (const desc *)(const void *)dd;
    const layout *la = (const layout *)(const void *)la_, *lb = (const layout *)(const void *)lb_, *lc = (const layout *)(const void *)lc_,
                 *ly = (const layout *)(const void *)ly_;
    (void)h, (void)algo, (void)s;
    float one, weight;
    memcpy(&one, alpha, sizeof one);
    memcpy(&weight, beta, sizeof weight);
    if (sticky) return CUBLAS_STATUS_EXECUTION_FAILED;
    if (!d->turned || one != 1 || !workspace || bytes < 1 || la->rows != lb->rows || la->cols != ly->rows || lb->cols != ly->cols || lc->type != ly->type ||
        la->type != lb->type || (ly->type != CUDA_R_32F && ly->type != la->type))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (d->bias && (!d->bias_at || d->bias_type != (int32_t)ly->type)) return CUBLAS_STATUS_NOT_SUPPORTED; /* as the library's table of types */
    for (int64_t j = 0; j < (int64_t)ly->cols; j++)
        for (int64_t i = 0; i < (int64_t)ly->rows; i++) {
            float sum = 0;
            for (int64_t k = 0; k < (int64_t)la->rows; k++) sum += value_of(a, la->type, i * la->ld + k) * value_of(b, lb->type, j * lb->ld + k);
            int64_t at = j * ly->ld + i;
            if (weight != 0) sum += weight * value_of(c, lc->type, j * lc->ld + i);
            if (d->bias) sum += value_of(d->bias_at, ly->type, i);
            if (ly->type == CUDA_R_32F) ((float *)y)[at] = sum;
            else ((uint16_t *)y)[at] = ly->type == CUDA_R_16F ? saint_f32_to_f16(sum) : saint_f32_to_bf16(sum);
        }
    return CUBLAS_STATUS_SUCCESS;
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
