/* tokenizer.c - loading, and what a tokenizer can be asked. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    return t->unk_shown;
}

int saint_tokenizer_pad(const saint_tokenizer *t)
{
    return t->pad;
}

bool saint_tok_adds_bos(const saint_tokenizer *t)
{
    return t->adds_bos && t->bos >= 0;
}

bool saint_tok_prefixes_sections(const saint_tokenizer *t)
{
    for (int i = 0; !t->by_score && i < t->n_norm + t->n_meta; i++) {
        const saint_norm *step = i < t->n_norm ? &t->norm[i] : &t->meta[i - t->n_norm];
        if (step->kind == SAINT_NORM_PREFIX && *step->a && !step->first_only) return true;
    }
    return false;
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

static bool space(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* '{' and then '"' or '}', white space apart. No SentencePiece model starts so, although its first byte is a line feed. */
static bool looks_like_json(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n && space(p[i])) i++;
    if (i == n || p[i++] != '{') return false;
    while (i < n && space(p[i])) i++;
    return i < n && (p[i] == '"' || p[i] == '}');
}

/* folder NULL: the bytes are all there is. */
static saint_status build(saint_tokenizer **out, const void *bytes, size_t n, const char *what, const char *folder, saint_error *err)
{
    *out = NULL;
    saint_tokenizer *t = saint_tok_new();
    if (!t) return saint_tok_no_memory(what, err);
    bool json = looks_like_json(bytes, n);
    saint_status s = json ? saint_tok_read_json(t, bytes, n, what, err) : saint_tok_read_spm(t, bytes, n, what, err);
    if (s == SAINT_OK && folder) s = saint_tok_read_folder(t, folder, !json, err);
    if (s != SAINT_OK) {
        saint_tokenizer_free(t);
        return s;
    }
    int special[4] = {t->bos, t->eos, t->unk_shown, t->pad};
    for (int i = 0; i < 4; i++)
        if (special[i] >= 0) t->piece[special[i]].flags |= SAINT_PIECE_SPECIAL;
    saint_tok_added_done(t);
    *out = t;
    return SAINT_OK;
}

saint_status saint_tokenizer_parse(saint_tokenizer **out, const void *bytes, size_t n, const char *what, saint_error *err)
{
    return build(out, bytes, n, what, NULL, err);
}

saint_status saint_tokenizer_load(saint_tokenizer **out, const char *path, saint_error *err)
{
    char file[4096], *bytes;
    size_t n;
    struct stat st;
    *out = NULL;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    if (folder) {
        static const char *const name[] = {"tokenizer.json", "tokenizer.model"};
        bool found = false;
        for (int i = 0; i < 2 && !found; i++) {
            int k = snprintf(file, sizeof file, "%s/%s", path, name[i]);
            if (k < 0 || (size_t)k >= sizeof file) return saint_fail(err, SAINT_INVALID, "%s: the path is too long", path);
            found = saint_file_exists(file);
        }
        if (!found) return saint_fail(err, SAINT_IO, "%s: expected tokenizer.json or tokenizer.model in it, found neither", path);
    }
    const char *what = folder ? file : path;
    saint_status s = saint_file_read(what, SAINT_TOK_MAX_FILE, &bytes, &n, err);
    if (s != SAINT_OK) return s;
    s = build(out, bytes, n, what, folder ? path : NULL, err);
    free(bytes);
    return s;
}
