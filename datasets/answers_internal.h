/* answers_internal.h - one answer as a file gives it, before it is known what it belongs to. */
#ifndef SAINT_DATASETS_ANSWERS_INTERNAL_H
#define SAINT_DATASETS_ANSWERS_INTERNAL_H

#include "datasets/answers.h"
#include "datasets/internal.h"

typedef struct {
    const char *id;       /* NULL: none; then the order counts */
    const char *question; /* NULL: none */
    const char *image, *category;
    const char *label; /* the right answer that the row carries, NULL */
    const char *text;
    bool null; /* the record says that there is no answer */
} saint_answer_row;

typedef struct {
    const saint_dataset *d;
    saint_answers *out;
    saint_texts alias;               /* picture + question -> first sample of the chain */
    size_t *alias_head, *alias_next; /* SIZE_MAX ends */
    saint_texts asked;               /* `questions` file: question ids */
    char **asked_image, **asked_text, **asked_category;
    size_t order; /* records without an id, in this file */
    const char *file_category;
} saint_matcher;

/* Give one row to its sample. */
saint_status saint_match(saint_matcher *m, const saint_answer_row *row, const char *where, saint_error *err);
/* Read every row of a file in memory; its name decides between tables, result texts and JSON. */
saint_status saint_answers_parse(saint_matcher *m, const saint_source *src, saint_error *err);
saint_status saint_matcher_open(saint_matcher *m, const saint_dataset *d, saint_answers *out, saint_error *err);
void saint_matcher_close(saint_matcher *m);
/* Count the missing ones; SAINT_FORMAT when nothing matched. */
saint_status saint_answers_finish(saint_matcher *m, const char *path, saint_error *err);

#endif
