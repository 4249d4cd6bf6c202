/* torch_zip.h - the zip directory of a PyTorch archive, and the state_dict inside it. */
#ifndef SAINT_FORMATS_TORCH_ZIP_H
#define SAINT_FORMATS_TORCH_ZIP_H

#include "formats/tensor_table.h"

typedef struct {
    const char *name; /* in the file, not terminated */
    size_t name_n;
    uint64_t header, bytes; /* offset of the local header; size of the contents */
    unsigned method, flags;
} saint_zip_entry;

typedef struct {
    const unsigned char *data;
    size_t bytes;
    size_t directory; /* offset of the central directory: contents must lie before it */
    const char *what;
    saint_zip_entry *entry; /* sorted by name */
    size_t n;
} saint_zip;

/* Read the central directory (zip and zip64) of a whole file in memory, which must outlive the directory. Names are unique. */
saint_status saint_zip_open(saint_zip *out, const unsigned char *data, size_t bytes, const char *what, saint_error *err);
void saint_zip_close(saint_zip *z);
/* NULL when absent. */
const saint_zip_entry *saint_zip_find(const saint_zip *z, const char *name, size_t name_n);
/* The contents of a stored entry, inside the file. A compressed or encrypted entry is SAINT_UNSUPPORTED by name. */
saint_status saint_zip_contents(const saint_zip *z, const saint_zip_entry *e, const unsigned char **data, size_t *bytes, saint_error *err);

/* Fill *table (zeroed by the caller, freed by the caller also on failure) with the tensors of the state_dict of a torch.save archive. */
saint_status saint_torch_read(const unsigned char *data, size_t bytes, const char *what, saint_table *table, saint_error *err);

#endif
