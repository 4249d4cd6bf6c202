/* scenes.h - Scenes: photo-like pictures with questions whose answers are known, made from a number.
 *
 * A key (split, task, seed, index) describes one scene; the description is drawn at any size, asked about, and labelled patch by patch.
 * Same key = same bytes on every machine: integers, and floats that only see + - * / and square roots.
 *
 * No answer leaks from wording. Shapes, colours, mirror images and the two sides of a comparison are exchangeable: nothing that places,
 * sizes or accepts an object looks at its shape, and every question is asked as a pair, one Yes and one No, in which the right and the
 * wrong word come from an exchangeable draw. Counts are planned as an unordered pair {n, n + 1} before a coin says which one is drawn. */
#ifndef SAINT_DATASETS_SCENES_H
#define SAINT_DATASETS_SCENES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "formats/image.h"

enum {
    SAINT_SCENES_VERSION = 1, /* of the pictures and questions: the same key may give other bytes under another version */
    SAINT_SCENES_SHAPES = 10,
    SAINT_SCENES_COLORS = 8,
    SAINT_SCENES_BACKGROUNDS = 8,
    SAINT_SCENES_GLYPHS = 36, /* 0..9, A..Z */
    SAINT_SCENES_OBJECTS_MAX = 8,
    SAINT_SCENES_TEXT_MAX = 6,
    SAINT_SCENES_QUESTIONS_MAX = 64,
    SAINT_SCENES_SIZE_MIN = 56,
    SAINT_SCENES_SIZE_MAX = 2048,
    SAINT_SCENES_GRID_MAX = 128,
    SAINT_SCENES_SEED_MAX = (1 << 27) - 1,
    /* Classes of the patch labels: backgrounds, then shape * COLORS + colour, then glyphs. */
    SAINT_SCENES_CLASS_OBJECT = SAINT_SCENES_BACKGROUNDS,
    SAINT_SCENES_CLASS_GLYPH = SAINT_SCENES_CLASS_OBJECT + SAINT_SCENES_SHAPES * SAINT_SCENES_COLORS,
    SAINT_SCENES_CLASSES = SAINT_SCENES_CLASS_GLYPH + SAINT_SCENES_GLYPHS,
};

typedef enum {
    SAINT_SCENES_EXISTENCE,
    SAINT_SCENES_COUNT,
    SAINT_SCENES_POSITION,
    SAINT_SCENES_COLOR,
    SAINT_SCENES_OCR,
    SAINT_SCENES_SCENE,
    SAINT_SCENES_RELATION,
    SAINT_SCENES_TASKS
} saint_scenes_task;

typedef enum { SAINT_SCENES_TRAIN, SAINT_SCENES_VALIDATION, SAINT_SCENES_TEST, SAINT_SCENES_SPLITS } saint_scenes_split;

/* Lengths are fractions of the picture's side; y grows downwards. An object lies inside the disc (x, y, r). */
typedef struct {
    int shape, color;
    float x, y, r;
    float turn; /* rotation in full turns */
} saint_scenes_object;

/* A planned number: `truth` is drawn, `other` is what the wrong question says. truth 0 = nothing planned. */
typedef struct {
    int subject, truth, other;
} saint_scenes_number;

typedef struct {
    uint64_t key;
    saint_scenes_task task; /* the task that the picture is made for */
    int background;
    int n_objects;
    saint_scenes_object object[SAINT_SCENES_OBJECTS_MAX]; /* later ones lie over earlier ones */
    saint_scenes_number by_shape, by_color, total;
    int count_kind; /* what a picture of the task `count` is asked: 0 by_shape, 1 by_color, 2 total */
    /* A word (letters) or a number (digits); "" = none. Always over everything else. */
    char text[SAINT_SCENES_TEXT_MAX + 1];
    int text_style;
    float text_x, text_y, text_h, text_turn; /* centre, height of a capital letter, rotation in turns */
} saint_scenes_scene;

typedef struct {
    saint_scenes_task task;
    bool yes_no; /* else a short answer */
    char question[144];
    char answer[12];
} saint_scenes_question;

typedef struct {
    int n;
    saint_scenes_question q[SAINT_SCENES_QUESTIONS_MAX];
} saint_scenes_questions;

const char *saint_scenes_task_name(saint_scenes_task t);   /* as MME names it: "existence", ... "OCR" */
const char *saint_scenes_split_name(saint_scenes_split s); /* "train", "validation", "test" */
const char *saint_scenes_shape_name(int shape);
const char *saint_scenes_color_name(int color);
const char *saint_scenes_background_name(int background);
/* Returns false when no split has that name. */
bool saint_scenes_split_find(const char *name, saint_scenes_split *out);

/* The four fields side by side in 64 bits: different fields, different key, so splits cannot share a scene. seed <= SEED_MAX. */
uint64_t saint_scenes_key(saint_scenes_split split, saint_scenes_task task, uint32_t seed, uint32_t index);

/* Fill *out from a key. Cannot fail. */
void saint_scenes_describe(uint64_t key, saint_scenes_scene *out);

/* Memory that drawing needs, reusable for pictures of one size, one per thread. */
typedef struct saint_scenes_canvas saint_scenes_canvas;
saint_status saint_scenes_canvas_new(int size, saint_scenes_canvas **out, saint_error *err);
void saint_scenes_canvas_free(saint_scenes_canvas *c); /* NULL is allowed */
/* rgb [size, size, 3] row-major, size as given to canvas_new. */
void saint_scenes_draw(const saint_scenes_scene *s, saint_scenes_canvas *c, uint8_t *rgb);

/* label [grid, grid] row-major, values below SAINT_SCENES_CLASSES: what covers most of each patch (16 samples, ties go to the higher
 * class); a glyph covers its whole cell. grid 1..SAINT_SCENES_GRID_MAX. */
saint_status saint_scenes_labels(const saint_scenes_scene *s, int grid, uint8_t *label, saint_error *err);

/* The two questions of the task that the picture is made for, one Yes and one No, in MME's wording. */
void saint_scenes_pair(const saint_scenes_scene *s, saint_scenes_question out[2]);
/* Everything that can be asked: pairs of yes/no questions (neighbours in the list) of all tasks, then short answers. */
void saint_scenes_ask(const saint_scenes_scene *s, saint_scenes_questions *out);

/* ---- files ------------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *out; /* folder; made when missing */
    saint_scenes_split split;
    uint32_t seed;
    uint32_t count; /* pictures per task, 1..1000000 */
    int size;
    int threads; /* 0 = as many as there are CPUs */
    /* Called now and then from the calling thread; returning false stops with SAINT_CANCELLED. NULL is allowed. */
    bool (*progress)(void *ctx, size_t done, size_t total);
    void *ctx;
} saint_scenes_export_options;

typedef struct {
    size_t pictures, questions, short_answers;
    size_t written, kept; /* files of pictures and questions */
} saint_scenes_export_summary;

/* MME's flat layout: OUT/<task>/0001.png and 0001.txt, OUT/short_answers.jsonl, and OUT/scenes.json, which says what the folder is.
 * Files that are there already and hold the right bytes are kept, so an interrupted call can be repeated and a count can grow.
 * SAINT_INVALID: the folder holds something else. Nothing is overwritten but a file that is an unfinished beginning of the right one. */
saint_status saint_scenes_export(const saint_scenes_export_options *o, saint_scenes_export_summary *out, saint_error *err);

/* 8-bit RGB PNG in memory, malloc'ed; NULL = no memory. Quick rather than small: filters and Huffman codes, no search for repeats. */
uint8_t *saint_scenes_png(const uint8_t *rgb, int w, int h, size_t *bytes);

/* ---- records for training ---------------------------------------------------------------------------------------- */

/* A stream is one header and then records, little-endian, without padding:
 *
 *   header  "SAINTSCN"  u32 version=1  u32 size  u32 grid  u32 classes  u32 tasks  u32 reserved=0                    32 bytes
 *   record  u32 bytes behind this word   u32 split   u64 key   u32 task   u32 questions
 *           u8 rgb[size*size*3]  u8 label[grid*grid]
 *           question x questions: u8 task  u8 kind (0 = answer No, 1 = answer Yes, 2 = short answer)  u16 n  u16 m
 *                                 u8 question[n]  u8 answer[m]
 *
 * Text is ASCII without a terminating zero. Yes/no questions come in pairs that are neighbours, short ones last. Record i is picture
 * i / tasks of task i % tasks, the one that saint_scenes_export writes as TASK/<i / tasks + 1>.png; they repeat after tasks * 2^32. */
enum { SAINT_SCENES_STREAM_HEADER = 32 };
void saint_scenes_stream_header(int size, int grid, uint8_t out[SAINT_SCENES_STREAM_HEADER]);

typedef struct {
    saint_scenes_split split;
    uint32_t seed;
    int size, grid;
    int threads;    /* 0 = as many as there are CPUs */
    uint64_t start; /* number of the first record */
} saint_scenes_stream_options;

/* Makes records in order, some at a time on all threads; free with stream_close. SAINT_INVALID: size, grid or seed out of range. */
typedef struct saint_scenes_stream saint_scenes_stream;
saint_status saint_scenes_stream_open(const saint_scenes_stream_options *o, saint_scenes_stream **out, saint_error *err);
/* The next record, valid until the next call; *bytes long. Cannot fail. */
const uint8_t *saint_scenes_stream_next(saint_scenes_stream *s, size_t *bytes);
void saint_scenes_stream_close(saint_scenes_stream *s); /* NULL is allowed */

#endif
