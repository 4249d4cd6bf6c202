/* tokenizer.h - text to ids and back: SentencePiece-style BPE with byte fallback (LLaMA), byte-level BPE (GPT-2 family), CLIP BPE.
 *
 * Files: Hugging Face tokenizer.json, SentencePiece tokenizer.model (protobuf). evaluation.md 2.1 and 2.2 hold the reference facts. */
#ifndef SAINT_FORMATS_TOKENIZER_H
#define SAINT_FORMATS_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct saint_tokenizer saint_tokenizer;

enum {
    SAINT_TOK_BOS = 1,          /* put the begin-of-sequence id first */
    SAINT_TOK_DUMMY_PREFIX = 2, /* SentencePiece's leading space (legacy mode: before every chunk); ignored by the byte-level kinds */
    SAINT_TOK_SPECIAL = 4,      /* recognise added/special tokens written in the text; without it their text is ordinary text */
    SAINT_TOK_SKIP_SPECIAL = 8  /* decode: leave special tokens out */
};

/* Load from a model folder (tokenizer.json, else tokenizer.model) or from one such file. */
saint_status saint_tokenizer_load(saint_tokenizer **out, const char *path, saint_error *err);
saint_status saint_tokenizer_parse(saint_tokenizer **out, const void *bytes, size_t n, const char *what, saint_error *err);
void saint_tokenizer_free(saint_tokenizer *t); /* NULL is allowed */

int saint_tokenizer_size(const saint_tokenizer *t); /* largest id + 1 */
int saint_tokenizer_bos(const saint_tokenizer *t);  /* -1 when there is none; likewise eos, unk, pad */
int saint_tokenizer_eos(const saint_tokenizer *t);
int saint_tokenizer_unk(const saint_tokenizer *t);
int saint_tokenizer_pad(const saint_tokenizer *t);
int saint_tokenizer_find(const saint_tokenizer *t, const char *piece); /* id of an exact piece or added token, else -1 */
const char *saint_tokenizer_piece(const saint_tokenizer *t, int id);   /* as stored ("\u2581Yes"), NULL when out of range */
const char *saint_tokenizer_kind(const saint_tokenizer *t);            /* "sentencepiece-bpe", "byte-level-bpe", "clip-bpe" */

/* Encode n bytes of text (any bytes; invalid UTF-8 goes through byte fallback). *ids is malloc'ed for the caller. */
saint_status saint_tokenizer_encode(const saint_tokenizer *t, const char *text, size_t n, unsigned flags, int32_t **ids, size_t *count,
                                    saint_error *err);
/* Decode to UTF-8 (bytes that form no character become U+FFFD); one leading space of a SentencePiece text is dropped.
 * *text is malloc'ed and terminated. Unknown ids are SAINT_INVALID. */
saint_status saint_tokenizer_decode(const saint_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, char **text, saint_error *err);

#endif
