/* Every byte of every tensor that is handed out must be readable, aligned and as large as its shape says. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "formats/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    saint_checkpoint *c;
    saint_error e;
    if (saint_checkpoint_open_memory(&c, data, size, "fuzz", &e) != SAINT_OK) return 0;
    for (int i = 0; i < saint_checkpoint_count(c); i++) {
        const saint_tensor *t = saint_checkpoint_at(c, i);
        size_t n = saint_dtype_size(t->type);
        if ((uintptr_t)t->data % n || t->rank < 0 || t->rank > SAINT_MAX_RANK) abort();
        for (int k = 0; k < t->rank; k++) n *= (size_t)t->shape[k];
        if (n != t->bytes || saint_checkpoint_find(c, t->name) != t) abort();
        volatile unsigned sum = 0; /* the reads must not be optimised away */
        for (size_t k = 0; k < n; k++) sum += ((const unsigned char *)t->data)[k];
        (void)sum;
    }
    if (saint_checkpoint_copied_bytes(c) > size * 4 + (1 << 20)) abort();
    saint_checkpoint_close(c);
    return 0;
}
