/* checkpoint.h - named tensors out of the files of a model folder, mapped and never copied.
 *
 * Containers: model.safetensors; model.safetensors.index.json with its shards; pytorch_model.bin and
 * pytorch_model.bin.index.json (PyTorch zip archives, read by a whitelist-only unpickler that can execute nothing).
 * Every offset, shape and count is checked against the file before a tensor is handed out. */
#ifndef SAINT_FORMATS_CHECKPOINT_H
#define SAINT_FORMATS_CHECKPOINT_H

#include <stdbool.h>

#include "base/dtype.h"
#include "base/sha256.h"
#include "base/status.h"

enum { SAINT_MAX_RANK = 8 };

typedef struct {
    const char *name;
    saint_dtype type;
    int rank;
    int64_t shape[SAINT_MAX_RANK];
    const void *data; /* row-major, contiguous, aligned to its element (a misaligned or strided tensor of a file is copied once) */
    size_t bytes;
} saint_tensor;

typedef struct saint_checkpoint saint_checkpoint;

/* Open whatever container lies in the folder `dir` (safetensors preferred over .bin). SAINT_IO when there is none. */
saint_status saint_checkpoint_open_dir(saint_checkpoint **out, const char *dir, saint_error *err);
/* Open one .safetensors or .bin / .pt / .pth file; the kind is told by its first bytes, not by its name. */
saint_status saint_checkpoint_open_file(saint_checkpoint **out, const char *path, saint_error *err);
/* The same from memory that outlives the checkpoint (fuzzers, tests); `what` names it in errors. */
saint_status saint_checkpoint_open_memory(saint_checkpoint **out, const void *data, size_t bytes, const char *what, saint_error *err);
void saint_checkpoint_close(saint_checkpoint *c); /* NULL is allowed; all tensors die with it */

const char *saint_checkpoint_format(const saint_checkpoint *c); /* "safetensors" or "torch_zip"; of its first file, where there are several */
int saint_checkpoint_count(const saint_checkpoint *c);
const saint_tensor *saint_checkpoint_at(const saint_checkpoint *c, int i);                  /* sorted by name */
const saint_tensor *saint_checkpoint_find(const saint_checkpoint *c, const char *name);     /* NULL when absent */
size_t saint_checkpoint_mapped_bytes(const saint_checkpoint *c);
size_t saint_checkpoint_copied_bytes(const saint_checkpoint *c); /* private copies of misaligned or strided tensors */

/* Write tensors as one .safetensors file (written beside `path`, fsynced, renamed). names and shapes as in t. */
saint_status saint_safetensors_write(const char *path, const saint_tensor *t, int n,
                                     const char *const *metadata /* key, value, ..., NULL */, saint_error *err);

#endif
