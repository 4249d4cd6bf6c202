/* unpickle.h - a pickle reader that knows how to build containers, numbers, strings and descriptions of tensors, and nothing else.
 *
 * It imports nothing, calls nothing and allocates in proportion to the file. A global outside its short list becomes an inert value that
 * only carries its name; calling such a value gives another inert value. */
#ifndef SAINT_FORMATS_UNPICKLE_H
#define SAINT_FORMATS_UNPICKLE_H

#include <stdbool.h>

#include "formats/checkpoint.h"

typedef enum {
    SAINT_PICKLE_NONE,
    SAINT_PICKLE_BOOL,
    SAINT_PICKLE_INT,
    SAINT_PICKLE_FLOAT,
    SAINT_PICKLE_STRING,
    SAINT_PICKLE_TUPLE,
    SAINT_PICKLE_LIST,
    SAINT_PICKLE_DICT,
    SAINT_PICKLE_GLOBAL,  /* a name from a module */
    SAINT_PICKLE_STORAGE, /* persistent id: where the elements of a tensor lie */
    SAINT_PICKLE_TENSOR,
    SAINT_PICKLE_OPAQUE /* what calling an unknown global would have made; also bytes, sets and integers over 64 bits */
} saint_pickle_kind;

typedef struct saint_pickle_value saint_pickle_value;

typedef struct {
    const char *p; /* in the pickle, not terminated; UTF-8 is not checked here */
    size_t n;
} saint_pickle_text;

typedef struct {
    saint_pickle_text module, name;
    int known; /* what the reader makes of it, 0 = nothing */
} saint_pickle_global;

typedef struct {
    const saint_pickle_global *type; /* FloatStorage, ... */
    saint_pickle_text key;           /* archive/data/KEY */
    int64_t count;                   /* elements, of an UntypedStorage bytes */
} saint_pickle_storage;

typedef struct {
    const saint_pickle_storage *storage;
    const saint_pickle_global *type; /* torch.float32, ... ; NULL: the storage tells */
    const char *refusal;             /* not NULL: why this tensor cannot be read */
    int rank;
    int64_t offset, size[SAINT_MAX_RANK], stride[SAINT_MAX_RANK]; /* in elements, not checked against the storage */
} saint_pickle_tensor;

struct saint_pickle_value {
    saint_pickle_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        saint_pickle_text text;
        struct {
            saint_pickle_value **item; /* a dict holds key, value, key, value, ... in order of insertion */
            size_t n, cap;             /* items; a dict has n / 2 pairs */
        } seq;
        saint_pickle_global global;
        saint_pickle_storage storage;
        saint_pickle_tensor *tensor;
        const saint_pickle_global *opaque; /* NULL for bytes, sets and large integers */
    } u;
};

typedef struct saint_pickle saint_pickle;

/* Run the pickle p[0, n), which must outlive *out. SAINT_FORMAT: not a pickle of protocol 2 to 5 or inconsistent; SAINT_UNSUPPORTED: an
 * opcode that torch.save does not write. */
saint_status saint_pickle_read(saint_pickle **out, const unsigned char *p, size_t n, const char *what, saint_error *err);
const saint_pickle_value *saint_pickle_root(const saint_pickle *p);
void saint_pickle_free(saint_pickle *p); /* NULL is allowed */

/* The element type of a tensor; false when it is none that this engine reads. */
bool saint_pickle_tensor_type(const saint_pickle_tensor *t, saint_dtype *type);
/* The text is exactly this word. */
bool saint_pickle_is(const saint_pickle_text *t, const char *word);

#endif
