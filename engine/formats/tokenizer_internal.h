/* tokenizer_internal.h - what the tokenizer's own files share. Nobody else includes it, save prompt.c for saint_tok_adds_bos and saint_tok_prefixes_sections. */
#ifndef SAINT_FORMATS_TOKENIZER_INTERNAL_H
#define SAINT_FORMATS_TOKENIZER_INTERNAL_H

#include "formats/tokenizer.h"
#include "base/unicode.h"

enum { SAINT_TOK_MAX_PIECES = 1 << 20, SAINT_TOK_MAX_STEPS = 12, SAINT_TOK_MAX_TEXT = 1 << 28, SAINT_TOK_MAX_PIECE = 1 << 16 };
static const size_t SAINT_TOK_MAX_FILE = (size_t)128 << 20;
#define SAINT_TOK_BAR "\xe2\x96\x81" /* U+2581, SentencePiece's visible space */

typedef enum { SAINT_TOK_SPM, SAINT_TOK_BYTELEVEL, SAINT_TOK_CLIP } saint_tok_kind;

/* What an id is. */
enum {
    SAINT_PIECE_NORMAL = 1, /* of the model's vocabulary: merging may produce it */
    SAINT_PIECE_SPECIAL = 2,
    SAINT_PIECE_BYTE = 4,  /* "<0x0A>" */
    SAINT_PIECE_ADDED = 8  /* matched as a whole in the text, under SAINT_TOK_SPECIAL only */
};
typedef struct {
    char *text; /* NULL: no such id */
    uint32_t len;
    uint8_t flags;
    uint8_t byte;
} saint_piece;

/* Text changes in order, before the text is cut. */
typedef enum {
    SAINT_NORM_TRIM,       /* SentencePiece: leading spaces off, runs of spaces to one */
    SAINT_NORM_PREFIX,     /* the dummy prefix, under SAINT_TOK_DUMMY_PREFIX */
    SAINT_NORM_REPLACE,    /* literal a -> b */
    SAINT_NORM_TRIM_RIGHT, /* SentencePiece: trailing a off */
    SAINT_NORM_SPACES,     /* every run of white space to b */
    SAINT_NORM_NFC,
    SAINT_NORM_LOWER
} saint_norm_kind;
typedef struct {
    saint_norm_kind kind;
    char *a, *b;       /* owned, terminated */
    bool first_only;   /* PREFIX: only at the start of the whole text */
    bool unless_there; /* PREFIX: not when the text already starts with it */
} saint_norm;

/* Cuts, each applied to every part that the one before left. */
typedef enum {
    SAINT_CUT_BARS,     /* before every U+2581 (Metaspace, split) */
    SAINT_CUT_DIGITS,   /* every number character alone */
    SAINT_CUT_NUMBERS,  /* runs of number characters apart */
    SAINT_CUT_GPT2,     /* the regular expressions of the families */
    SAINT_CUT_LLAMA3,
    SAINT_CUT_QWEN2,
    SAINT_CUT_CLIP,
    SAINT_CUT_SPACE_PREFIX /* ByteLevel add_prefix_space */
} saint_cut;

typedef struct {
    char *text; /* owned; what is looked for (normalised where the file asks for it) */
    uint32_t len;
    int32_t id;
    uint32_t order;           /* of declaration: a later one replaces an earlier one of the same text */
    bool eat_left, eat_right; /* white space beside it belongs to it */
} saint_added;
typedef struct {
    saint_added *v; /* sorted by text */
    size_t n;
} saint_added_set;

typedef struct {
    uint64_t key;
    uint32_t rank;
    int32_t id; /* -1: an empty slot */
} saint_merge;

struct saint_tokenizer {
    saint_tok_kind kind;
    saint_piece *piece;
    int size, capacity;
    int32_t *map; /* open addressing, text -> id, -1 empty; map_mask + 1 slots */
    uint32_t map_mask;
    uint32_t longest; /* bytes of the longest normal piece */
    int bos, eos, pad;
    int unk;       /* what encoding gives for the unknown */
    int unk_shown; /* what the files call the unknown token; the same nearly always */
    bool by_score;    /* SentencePiece: any pair whose join is a piece merges; else only the merges of the list */
    uint32_t *rank;   /* by_score: 0 is the best score; equal scores share a rank */
    saint_merge *merge;
    uint32_t merge_mask;
    bool byte_fallback, fuse_unk, ignore_merges, adds_bos;
    int32_t byte_id[256], byte_end_id[256]; /* byte fallback, or the byte-level alphabet; the second with the end-of-word suffix */
    char *suffix;                           /* end of word, "" when none */
    saint_norm norm[SAINT_TOK_MAX_STEPS];
    int n_norm;
    saint_norm meta[2]; /* the changes that Metaspace makes, behind the matching of added tokens */
    int n_meta;
    saint_cut cut[SAINT_TOK_MAX_STEPS];
    int n_cut;
    saint_added_set added[3]; /* raw; matched behind the normaliser with, and without the dummy prefix */
    bool decode_bars, decode_bytes, drop_one_space, drop_first_bars;
    int decoder_seen; /* 0: none yet */
};

/* --- tokenizer_vocab.c --- */
saint_tokenizer *saint_tok_new(void); /* empty, every id -1; NULL: no memory */
/* Put a piece at an id (text is copied). SAINT_FORMAT when the id is taken or out of bounds. `what` names the source. */
saint_status saint_tok_put(saint_tokenizer *t, int id, const char *text, size_t len, unsigned flags, const char *what, saint_error *err);
/* Build the map of all pieces. SAINT_FORMAT when two have the same text. */
saint_status saint_tok_index(saint_tokenizer *t, const char *what, saint_error *err);
int saint_tok_lookup(const saint_tokenizer *t, const char *text, size_t len); /* -1: none */
/* by_score: turn scores (one per id) into ranks. */
saint_status saint_tok_rank_scores(saint_tokenizer *t, const float *score, const char *what, saint_error *err);
saint_status saint_tok_merges_reserve(saint_tokenizer *t, size_t n, const char *what, saint_error *err);
void saint_tok_merge_put(saint_tokenizer *t, int left, int right, uint32_t rank, int id); /* a later one of the same pair wins */
const saint_merge *saint_tok_merge_find(const saint_tokenizer *t, int left, int right);
/* Put the text at the id, or find it there (SAINT_FORMAT when another text is), and mark it as an added token. Index anew afterwards. */
saint_status saint_tok_added_declare(saint_tokenizer *t, int id, const char *text, bool special, const char *what, saint_error *err);
/* Have it matched in texts. normalised: match it behind the normaliser. Call saint_tok_added_done once, at the end. */
saint_status saint_tok_added_put(saint_tokenizer *t, int id, bool normalised, bool eat_left, bool eat_right, const char *what,
                                 saint_error *err);
void saint_tok_added_done(saint_tokenizer *t);
/* The longest added token that starts at text, NULL for none. */
const saint_added *saint_tok_added_match(const saint_added_set *s, const char *text, size_t n);
saint_status saint_tok_no_memory(const char *what, saint_error *err);
/* Fill byte_id from the pieces "<0x00>".."<0xFF>"; false when one is missing. */
bool saint_tok_find_bytes(saint_tokenizer *t);

/* --- tokenizer_spm.c, tokenizer_json.c: fill a new tokenizer --- */
saint_status saint_tok_read_spm(saint_tokenizer *t, const unsigned char *bytes, size_t n, const char *what, saint_error *err);
saint_status saint_tok_read_json(saint_tokenizer *t, const char *text, size_t n, const char *what, saint_error *err);

/* --- tokenizer_config.c --- */
/* Read the small files beside a tokenizer; is_model: it is a tokenizer.model, which leaves more to them. */
saint_status saint_tok_read_folder(saint_tokenizer *t, const char *folder, bool is_model, saint_error *err);

/* --- tokenizer_bytelevel.c --- */
uint32_t saint_tok_byte_char(unsigned byte);  /* GPT-2's printable stand-in for a byte */
int saint_tok_char_byte(int32_t cp);          /* and back, -1 when it stands for none */
/* Length of the next match of a family's expression at the start of text (n > 0), and whether it is a match at all: what no alternative
 * matches is returned as one run with *matched false. */
size_t saint_tok_cut_next(saint_cut c, const char *text, size_t n, bool *matched);

/* --- tokenizer_bpe.c --- */
typedef struct saint_tok_work saint_tok_work; /* scratch of one encode call */
saint_tok_work *saint_tok_work_new(void);
void saint_tok_work_free(saint_tok_work *w);
/* Merge one word and append its ids to the work's list. */
saint_status saint_tok_bpe(const saint_tokenizer *t, saint_tok_work *w, const char *word, size_t n, saint_error *err);
bool saint_tok_push(saint_tok_work *w, int32_t id);
int32_t *saint_tok_work_take(saint_tok_work *w, size_t *n); /* the list, malloc'ed, never NULL on success */

/* --- tokenizer_encode.c --- */
bool saint_tok_normalise(const saint_norm *step, int n_steps, const char *text, size_t n, bool at_start, bool prefix, saint_buf *out);

/* Whether the tokenizer puts BOS in front by itself (its files say so; SentencePiece-style ones do unless told otherwise). */
bool saint_tok_adds_bos(const saint_tokenizer *t);
/* Whether its tokenizer.json puts the dummy prefix behind every special token too, and not at the start of a text alone. A tokenizer.model says
 * nothing about special tokens: false. */
bool saint_tok_prefixes_sections(const saint_tokenizer *t);

#endif
