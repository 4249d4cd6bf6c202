/* internal.h - what the readers of data sets share. */
#ifndef SAINT_DATASETS_INTERNAL_H
#define SAINT_DATASETS_INTERNAL_H

#include <cjson/cJSON.h>

#include "base/file.h"
#include "datasets/dataset.h"
#include "formats/json.h"
#include "base/unicode.h" /* saint_buf, UTF-8, lower case */

#define SAINT_SHORT "\nAnswer the question using a single word or phrase."
#define SAINT_LETTER "\nAnswer with the option's letter from the given choices directly."

/* ---- strings in blocks: pointers stay valid, nothing is freed alone ---- */

typedef struct saint_block saint_block;
typedef struct {
    saint_block *last;
} saint_arena;
char *saint_arena_add(saint_arena *a, const char *text, size_t n); /* copies n bytes and a 0; NULL: no memory */
void saint_arena_free(saint_arena *a);

/* Strings numbered in the order of their first appearance. */
typedef struct {
    saint_arena text;
    const char **name;
    size_t n, cap;
    uint32_t *slot; /* n_slots, a power of two; 0 = empty, else number + 1 */
    size_t n_slots;
} saint_texts;
bool saint_texts_add(saint_texts *t, const char *name, uint32_t *id); /* false: no memory */
bool saint_texts_find(const saint_texts *t, const char *name, uint32_t *id);
void saint_texts_free(saint_texts *t);

/* ---- the data set ---- */

typedef struct {
    const char *question, *images, *choices, *answers, *meta; /* lists: strings behind one another, each with its 0 */
    uint32_t cluster, category;
    uint32_t n_images, n_choices, n_answers, n_meta;
    int32_t answer_index;
    bool embedded;
    size_t embed_at, embed_bytes; /* base64 text inside the mapped file */
} saint_record;

typedef struct saint_adapter saint_adapter;

enum { SAINT_DATA_ROOTS = 8 };

struct saint_dataset {
    const saint_adapter *adapter;
    saint_dataset_options opt;
    char *path, *opt_images, *opt_split;
    saint_arena text;
    saint_texts uids, clusters, categories;
    saint_record *record;
    size_t n, cap;
    char *root[SAINT_DATA_ROOTS]; /* where pictures are looked for, first hit wins */
    int n_roots;
    const char *mend; /* what to do about a missing picture; static */
    saint_map map;    /* MMBench: the file that the pictures are cut from */
    char **ocr;       /* TextVQA with LLaVA's prompts: OCR tokens by cluster, [cluster count] */
    bool chinese;     /* MMBench */
    const char **note;
    const char **class_name;
    saint_dataset_info info;
};

/* Readers of question files work on bytes in memory, so that fuzzers reach them; a second file (annotations, splits) may be NULL. */
typedef struct {
    const char *name; /* in errors */
    const char *text;
    size_t n;
} saint_source;

struct saint_adapter {
    saint_data_kind kind;
    int max_new_tokens;
    bool right_answers;                                       /* the kind can be scored at all */
    saint_status (*open)(saint_dataset *d, saint_error *err); /* finds the files under d->path */
    saint_status (*parse)(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err); /* NULL for folders */
    bool (*prompt)(const saint_dataset *d, const saint_sample *s, saint_buf *out);                           /* false: no memory */
};
const saint_adapter *saint_adapter_of(saint_data_kind k);

extern const saint_adapter saint_adapter_scenes, saint_adapter_mme, saint_adapter_pope, saint_adapter_scienceqa, saint_adapter_textvqa,
    saint_adapter_vqav2, saint_adapter_gqa, saint_adapter_mmbench, saint_adapter_seed, saint_adapter_vizwiz, saint_adapter_imagefolder,
    saint_adapter_manifest, saint_adapter_images;

/* An empty data set of that kind, and what closes it for reading (digest, info, at least one sample). */
saint_status saint_data_new(saint_data_kind k, const char *path, const saint_dataset_options *opt, saint_dataset **out, saint_error *err);
saint_status saint_data_finish(saint_dataset *d, saint_error *err);

/* Copy one sample in. `where` names file and place in the error for a uid that was there before. embed: where its picture lies in d->map.
 */
saint_status saint_data_add(saint_dataset *d, const saint_sample *s, const char *where, saint_error *err);
/* Replace the answers of a sample that was added before. */
saint_status saint_data_set_answers(saint_dataset *d, size_t i, const char *const *answers, size_t n, const char *category,
                                    saint_error *err);
saint_status saint_data_note(saint_dataset *d, saint_error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Add ROOT/sub to the places where pictures are looked for; sub may be NULL. opt.images goes first by itself. */
saint_status saint_data_root(saint_dataset *d, const char *folder, const char *sub, saint_error *err);

/* ---- files ---- */

/* FOLDER/NAME, malloc'ed; NULL: no memory. */
char *saint_path_join(const char *folder, const char *name);
char *saint_path_parent(const char *path);
const char *saint_path_name(const char *path); /* behind the last slash */
bool saint_is_folder(const char *path);
bool saint_ends_with(const char *text, const char *tail);
bool saint_is_picture(const char *name); /* by its ending */
/* Names in a folder that `keep` accepts (NULL: all without a leading dot), byte-sorted; saint_list_free. */
typedef struct {
    char **name;
    size_t n;
} saint_list;
saint_status saint_list_folder(const char *folder, bool (*keep)(const char *folder, const char *name), saint_list *out, saint_error *err);
void saint_list_free(saint_list *l);
bool saint_list_has(const saint_list *l, const char *name);
/* d->path when it is a file, else the first of names that is a file under it (NULL ends the list); malloc'ed.
 * SAINT_IO names what was looked for. */
saint_status saint_data_file(const saint_dataset *d, const char *const *names, char **out, saint_error *err);
/* Map one or two files and give them to adapter->parse. b may be NULL. */
saint_status saint_data_parse_files(saint_dataset *d, const char *a, const char *b, saint_error *err);

/* ---- JSON that is too long for one tree ---- */

typedef struct {
    const char *p;
    size_t n, at, record;
    const char *what;
    char kind; /* '[' array, '{' object, 'l' one value after the other */
    bool done;
} saint_json_stream;
enum { SAINT_JSON_RECORD_MAX = 1 << 24 };
/* key NULL: the text is an array, an object, or (lines) values one behind the other. Else the text is an object whose member `key` is the
 * array or object to walk through. SAINT_FORMAT when it is not. */
saint_status saint_json_stream_open(saint_json_stream *s, const saint_source *src, const char *key, bool lines, saint_error *err);
/* The next element, owned by the caller; *value NULL at the end. key: the member's name as a JSON string, for objects; may be NULL. */
saint_status saint_json_stream_next(saint_json_stream *s, cJSON **key, cJSON **value, saint_error *err);
/* All elements, one after the other; the first failure ends it. where: as saint_json_where. */
saint_status saint_json_stream_each(const saint_source *src, const char *key, bool lines,
                                    saint_status (*each)(void *ctx, const cJSON *o, const char *where, saint_error *err), void *ctx,
                                    saint_error *err);
/* Whether text holds one JSON value and more behind it: JSON lines. */
bool saint_json_is_lines(const saint_source *src);
/* "FILE: record 17", for errors about the element that was read last. */
const char *saint_json_where(const saint_json_stream *s, char *buf, size_t n);

/* A text member; numbers that are whole come as their digits (ids). Missing: *out NULL, or SAINT_FORMAT when required. */
typedef struct {
    char digits[32];
} saint_digits;
saint_status saint_record_text(const cJSON *o, const char *key, bool required, saint_digits *d, const char **out, const char *where,
                               saint_error *err);

/* ---- tables with quotes ---- */

enum { SAINT_TABLE_CELLS = 64 };
typedef struct {
    const char *p;
    size_t n, at, row;
    char comma;
    const char *what;
    size_t n_cells;
    struct {
        size_t at, bytes; /* of the raw cell, without its outer quotes when they are all there is to undo */
        bool escaped;     /* raw text still has quotes to undo */
    } cell[SAINT_TABLE_CELLS];
} saint_table;
void saint_table_open(saint_table *t, const saint_source *src, char comma);
/* Read the next row; *more false at the end. */
saint_status saint_table_next(saint_table *t, bool *more, saint_error *err);
/* Append the text of a cell; false: no memory. */
bool saint_table_cell(const saint_table *t, size_t i, saint_buf *out);

/* Decode standard base64, white space ignored; *out malloc'ed. */
saint_status saint_base64_decode(const char *text, size_t n, const char *what, uint8_t **out, size_t *bytes, saint_error *err);

/* ---- text as Python sees it ---- */

/* str.strip(): the part of text without white space around it. */
const char *saint_py_strip(const char *text, size_t n, size_t *out_n);
bool saint_py_is_space(int32_t cp);
/* str.capitalize(), appended. */
bool saint_py_capitalize(const char *text, saint_buf *out);
bool saint_buf_text(saint_buf *b, const char *text);
/* Append text with every occurrence of `from` replaced. */
bool saint_buf_replace(saint_buf *b, const char *text, const char *from, const char *to);
/* What is left of a question or a prompt when templates differ: first line that is not an OCR list, without "Please answer yes or no.",
 * lower case, single spaces. Appended. */
bool saint_question_key(const char *text, saint_buf *out);

saint_status saint_no_memory(saint_error *err, const char *what);

#endif
