/* tensor_table.h - the list that a container reader fills: names, checked shapes, and private copies where the file cannot be used as is.
 *
 * Private to the readers of engine/formats; everyone else sees checkpoint.h. */
#ifndef SAINT_FORMATS_TENSOR_TABLE_H
#define SAINT_FORMATS_TENSOR_TABLE_H

#include "formats/checkpoint.h"

enum { SAINT_MAX_TENSORS = 1 << 20 };

typedef struct saint_table_block saint_table_block;

typedef struct {
    saint_tensor *t; /* sorted by name once saint_table_finish has succeeded */
    int n, cap;
    saint_table_block *names;  /* arena: names never move */
    saint_table_block *copies; /* one block per private copy */
    size_t copied_bytes;
} saint_table;

/* Add a tensor whose contiguous bytes lie at `data`. The name is copied (n bytes, must be UTF-8 without NUL). The shape must give exactly
 * `bytes`. Data that is misaligned for its element is copied once. */
saint_status saint_table_add(saint_table *t, const char *name, size_t name_n, saint_dtype type, int rank, const int64_t *shape,
                             const void *data, size_t bytes, const char *what, saint_error *err);
/* A zeroed, aligned block that lives as long as the table, counted in copied_bytes; NULL when memory is out. */
void *saint_table_copy_alloc(saint_table *t, size_t bytes);
/* Sort by name and refuse two tensors of one name. */
saint_status saint_table_finish(saint_table *t, const char *what, saint_error *err);
/* NULL when absent; only after saint_table_finish. */
const saint_tensor *saint_table_find(const saint_table *t, const char *name);
void saint_table_free(saint_table *t);

/* The dtype of a safetensors name such as "BF16"; false when this engine does not read it. */
bool saint_dtype_parse(const char *name, saint_dtype *type);

#endif
