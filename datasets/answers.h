/* answers.h - answer files, ours and the official ones, brought to the samples they belong to.
 *
 * ours        {"uid": .., "answer": ..} per line; "answer" of a classifier may be a list, best first
 * MME         <task>.txt, image TAB question TAB right answer TAB prediction: a folder of them, or one file
 * LLaVA       {"question_id", "prompt", "text"} per line; MME and TextVQA rows are told apart by their prompt
 * POPE        {"question", "answer"} per line in the order of the questions, one file per category (or a folder of them); LLaVA's single
 *             file numbers its questions on its own: `questions` names the file (llava_pope_test.jsonl) that says what they ask
 * ScienceQA   {"outputs": {id: text}} or {"results": {id: index}}, or {id: text}
 * VQAv2, GQA, VizWiz, SEED   submissions: [{"question_id"|"questionId"|"image", "answer"|"prediction"}]
 * MMBench     a table (.tsv, .csv) with the columns index and prediction
 * lmms-eval   samples_*.jsonl: {"doc": {..}, "filtered_resps": [..]}
 *
 * What cannot be matched is counted and named, never scored. */
#ifndef SAINT_DATASETS_ANSWERS_H
#define SAINT_DATASETS_ANSWERS_H

#include "datasets/dataset.h"

enum { SAINT_NAMED = 5 };
/* A count and the first few names behind it. */
typedef struct {
    size_t n;
    char *name[SAINT_NAMED];
} saint_named;

typedef struct {
    char **text;             /* [saint_dataset_count] NULL = no answer */
    size_t records;          /* lines or rows read */
    size_t matched;          /* samples that have an answer */
    saint_named unknown;     /* answers that belong to no sample */
    saint_named duplicate;   /* further answers to a sample; the first one counts */
    saint_named conflicting; /* those among them that say something else */
    saint_named missing;     /* samples without an answer */
    saint_named mislabelled; /* rows that carry another right answer than the data set */
    saint_named otherwise;   /* answers whose own question is not the one of the sample with that id: not scored */
} saint_answers;

/* Read a file or a folder of answers to d. questions may be NULL. SAINT_FORMAT when a file is broken or no answer belongs to d. */
saint_status saint_answers_load(const saint_dataset *d, const char *path, const char *questions, saint_answers *out, saint_error *err);
void saint_answers_free(const saint_dataset *d, saint_answers *a);

#endif
