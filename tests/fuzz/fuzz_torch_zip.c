/* Two ways in: the input as an archive, and the input as the data.pkl of an archive that holds one storage.
 * The second reaches the unpickler without the fuzzer having to keep a zip directory consistent. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const void *data, size_t size)
{
    saint_checkpoint *c;
    saint_error e;
    if (saint_checkpoint_open_memory(&c, data, size, "fuzz", &e) != SAINT_OK) return;
    for (int i = 0; i < saint_checkpoint_count(c); i++) {
        const saint_tensor *t = saint_checkpoint_at(c, i);
        size_t n = saint_dtype_size(t->type);
        if ((uintptr_t)t->data % n || t->rank < 0 || t->rank > SAINT_MAX_RANK) abort();
        for (int k = 0; k < t->rank; k++) n *= (size_t)t->shape[k];
        if (n != t->bytes || saint_checkpoint_find(c, t->name) != t) abort();
        volatile unsigned sum = 0;
        for (size_t k = 0; k < n; k++) sum += ((const unsigned char *)t->data)[k];
        (void)sum;
    }
    if (saint_checkpoint_copied_bytes(c) > size * 4 + (1 << 20)) abort();
    saint_checkpoint_close(c);
}

static unsigned char *put(unsigned char *p, const void *s, size_t n)
{
    memcpy(p, s, n);
    return p + n;
}

static unsigned char *le(unsigned char *p, size_t v, int width)
{
    for (int i = 0; i < width; i++) *p++ = (unsigned char)(v >> (8 * i));
    return p;
}

/* name: 8 characters */
static unsigned char *local(unsigned char *p, const char *name, const void *data, size_t n)
{
    p = put(p, "PK\3\4", 4);
    memset(p, 0, 22);
    p = le(p + 22, 10, 2);
    p = le(p, 0, 2);
    p = put(p, name, 10);
    return put(p, data, n);
}

static unsigned char *central(unsigned char *p, const char *name, size_t n, size_t at)
{
    p = put(p, "PK\1\2", 4);
    memset(p, 0, 16);
    p = le(p + 16, n, 4);
    p = le(p, n, 4);
    p = le(p, 10, 2);
    memset(p, 0, 12);
    p = le(p + 12, at, 4);
    return put(p, name, 10);
}

static void check_pickle(const uint8_t *data, size_t size)
{
    static const unsigned char storage[64] = {1, 2, 3};
    static const char name[2][11] = {"a/data.pkl", "a/data/000"};
    unsigned char *zip = malloc(size + 512), *p = zip;
    if (!zip) return;
    p = local(p, name[0], data, size);
    size_t second = (size_t)(p - zip);
    p = local(p, name[1], storage, sizeof storage);
    size_t directory = (size_t)(p - zip);
    p = central(p, name[0], size, 0);
    p = central(p, name[1], sizeof storage, second);
    size_t bytes = (size_t)(p - zip) - directory;
    p = put(p, "PK\5\6\0\0\0\0\2\0\2\0", 12);
    p = le(p, bytes, 4);
    p = le(p, directory, 4);
    p = le(p, 0, 2);
    unsigned char *exact = malloc((size_t)(p - zip));
    if (exact) {
        memcpy(exact, zip, (size_t)(p - zip));
        check(exact, (size_t)(p - zip));
    }
    free(exact);
    free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 0x80) check_pickle(data, size);
    else check(data, size);
    return 0;
}
