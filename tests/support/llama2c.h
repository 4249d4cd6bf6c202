/* llama2c.h - a llama2.c model (version 0 export and its tokenizer file) as a Hugging Face LLaMA folder, for tests that need a network
 * somebody trained: stories260K speaks English in a quarter of a million parameters. */
#ifndef SAINT_TESTS_SUPPORT_LLAMA2C_H
#define SAINT_TESTS_SUPPORT_LLAMA2C_H

#include "base/status.h"

/* Write config.json, model.safetensors (f32) and tokenizer.json into out_dir, which is made when missing. `bin` is the model, `tok` its
 * tokenizer. Rotary pairs are moved from llama2.c's neighbours (2i, 2i + 1) to Hugging Face's halves (i, i + head_dim / 2).
 * SAINT_FORMAT when a file is not what its header says. */
saint_status llama2c_convert(const char *bin, const char *tok, const char *out_dir, saint_error *err);

#endif
