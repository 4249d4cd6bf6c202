/* safetensors.h - the reader behind checkpoint.h; saint_safetensors_write is declared there. */
#ifndef SAINT_FORMATS_SAFETENSORS_H
#define SAINT_FORMATS_SAFETENSORS_H

#include "formats/tensor_table.h"

/* Fill *table (zeroed by the caller, freed by the caller also on failure) with the tensors of a whole file in memory. */
saint_status saint_safetensors_read(const unsigned char *data, size_t bytes, const char *what, saint_table *table, saint_error *err);

#endif
