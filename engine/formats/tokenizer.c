/* tokenizer.c - loading, and what a tokenizer can be asked. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/tokenizer_internal.h"

int saint_tokenizer_size(const saint_tokenizer *t)
{
    return t->size;
}

int saint_tokenizer_bos(const saint_tokenizer *t)
{
    return t->bos;
}

int saint_tokenizer_eos(const saint_tokenizer *t)
{
    return t->eos;
}

int saint_tokenizer_unk(const saint_tokenizer *t)
{
    return t->unk;
}

int saint_tokenizer_pad(const saint_tokenizer *t)
{
    return t->pad;
}

bool saint_tok_adds_bos(const saint_tokenizer *t)
{
    return t->adds_bos && t->bos >= 0;
}

int saint_tokenizer_find(const saint_tokenizer *t, const char *piece)
{
    return saint_tok_lookup(t, piece, strlen(piece));
}

const char *saint_tokenizer_piece(const saint_tokenizer *t, int id)
{
    return id >= 0 && id < t->size ? t->piece[id].text : NULL;
}

const char *saint_tokenizer_kind(const saint_tokenizer *t)
{
    static const char *const name[] = {"sentencepiece-bpe", "byte-level-bpe", "clip-bpe"};
    return name[t->kind];
}

saint_status saint_tokenizer_parse(saint_tokenizer **out, const void *bytes, size_t n, const char *what, saint_error *err)
{
    *out = NULL;
    saint_tokenizer *t = saint_tok_new();
    if (!t) return saint_tok_no_memory(what, err);
    saint_status s = saint_tok_read_spm(t, bytes, n, what, err);
    if (s != SAINT_OK) {
        saint_tokenizer_free(t);
        return s;
    }
    saint_tok_added_done(t);
    *out = t;
    return SAINT_OK;
}

saint_status saint_tokenizer_load(saint_tokenizer **out, const char *path, saint_error *err)
{
    char *bytes;
    size_t n;
    *out = NULL;
    saint_status s = saint_file_read(path, SAINT_TOK_MAX_FILE, &bytes, &n, err);
    if (s != SAINT_OK) return s;
    s = saint_tokenizer_parse(out, bytes, n, path, err);
    free(bytes);
    return s;
}
