/* folder.h - the folder of `saint eval --out`: records are appended as they are finished, and the same command goes on where it stopped.
 *
 *   DIR/eval.json       what is evaluated: model, data, configuration; another one is refused
 *   DIR/answers.jsonl   one sealed line (sweep/lines.h) for each sample: {"uid", "answer", the whole record}; `saint score` reads it
 *   DIR/baseline.jsonl  the same of the unpruned model
 *   DIR/errors.jsonl    samples that failed; they are tried again
 *   DIR/runs.jsonl      one sealed line for each launch: machine, program, what was asked; with it `saint export` reads the folder (of_eval.h) */
#ifndef SAINT_APP_EVAL_FOLDER_H
#define SAINT_APP_EVAL_FOLDER_H

#include "datasets/dataset.h"
#include "eval/result.h"

typedef enum { EVAL_ANSWERS, EVAL_BASELINE, EVAL_ERRORS, EVAL_RUNS, EVAL_FILES } eval_file;

typedef struct eval_folder eval_folder;

/* Make or reopen the folder for one process. identity: an object, borrowed. SAINT_INVALID: it holds another evaluation (the member that
 * differs is named), or another process writes into it. SAINT_IO. */
saint_status eval_folder_open(eval_folder **out, const char *folder, const cJSON *identity, saint_error *err);
void eval_folder_close(eval_folder *f); /* NULL is allowed */
/* The records of trial `id` in a file: record [saint_dataset_count] gets those it does not have yet, owned by the caller (eval_result_free,
 * free). *torn counts lines that cannot be read or belong to something else; they are as good as not there. SAINT_IO, SAINT_MEMORY. */
saint_status eval_folder_read(eval_folder *f, eval_file which, uint64_t id, const saint_dataset *d, eval_result **record, size_t *torn,
                              saint_error *err);
/* Append a record; a sample that failed goes to errors.jsonl whatever `which` says. On the disk a second later at most. SAINT_IO. */
saint_status eval_folder_add(eval_folder *f, eval_file which, const char *uid, const eval_result *r, saint_error *err);
/* Append a launch to runs.jsonl, on the disk when it returns; o is borrowed. SAINT_IO. */
saint_status eval_folder_launch(eval_folder *f, const cJSON *o, saint_error *err);
/* The text of such a line's object, malloc'ed; NULL: no memory. And back: uid is malloc'ed. */
char *eval_line_text(const char *uid, const eval_result *r);
saint_status eval_line_parse(const char *text, size_t n, char **uid, eval_result *out, saint_error *err);

#endif
