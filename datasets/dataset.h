/* dataset.h - one door to every data set: KIND:PATH in, samples with uid, question, prompt, picture and answers out.
 *
 *   saint_dataset *d;  saint_sample s;
 *   saint_dataset_open("mme:/data/MME_Benchmark_release_version", NULL, &d, &err);
 *   saint_dataset_item(d, 0, &s, &err);            s.uid "OCR/0001.jpg#0", s.question, s.answers[0] "Yes"
 *   saint_dataset_prompt(d, 0, &text, &err);       the text that the evaluation harness would send
 *   saint_dataset_picture(d, 0, 0, &image, &err);  decoded on demand
 *
 * An open data set never changes: any number of threads may read it at the same time. Memory: the text of the questions and answers,
 * never a whole annotation file as a tree, never a picture. */
#ifndef SAINT_DATASETS_DATASET_H
#define SAINT_DATASETS_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "base/status.h"
#include "formats/image.h"

#define SAINT_DATA_KINDS(X)                                                                                                                \
    X(SCENES, "scenes", "the generated data set: MME's layout, tasks of the folder")                                                       \
    X(MME, "mme", "MME_Benchmark/ as released, or a folder of result files <task>.txt")                                                    \
    X(POPE, "pope", "*_pope_{random,popular,adversarial}.json: a folder, one file, or PATH without _random.json")                          \
    X(SCIENCEQA, "scienceqa", "problems.json, pid_splits.json, images/<split>/<id>/image.png")                                             \
    X(TEXTVQA, "textvqa", "TextVQA_0.5.1_val.json, train_images/")                                                                         \
    X(VQAV2, "vqav2", "v2_OpenEnded_mscoco_val2014_questions.json, v2_mscoco_val2014_annotations.json, val2014/")                          \
    X(GQA, "gqa", "testdev_balanced_questions.json, images/")                                                                              \
    X(MMBENCH, "mmbench", "the official .tsv with the pictures inside")                                                                    \
    X(SEED, "seed", "SEED-Bench.json, SEED-Bench-image/")                                                                                  \
    X(VIZWIZ, "vizwiz", "Annotations/val.json, val/")                                                                                      \
    X(IMAGEFOLDER, "imagefolder", "<class>/<picture>, or ImageNet's flat val/ with LOC_val_solution.csv")                                  \
    X(MANIFEST, "manifest", "manifest.jsonl: uid, question, choices, answers, image")                                                      \
    X(IMAGES, "images", "a folder of pictures, no answers")

typedef enum {
#define X(id, name, doc) SAINT_DATA_##id,
    SAINT_DATA_KINDS(X)
#undef X
        SAINT_DATA_KIND_COUNT
} saint_data_kind;

const char *saint_data_kind_name(saint_data_kind k); /* "mme" */
/* The split that is read when nobody names one; "" of data sets that have no splits or say theirs nowhere. */
const char *saint_data_usual_split(saint_data_kind k);
const char *saint_data_kind_doc(saint_data_kind k);  /* which files it reads */

/* Whose wording the prompts have. The two differ for TextVQA (LLaVA adds the OCR tokens), VizWiz and MMBench. */
typedef enum { SAINT_PROMPT_LMMS, SAINT_PROMPT_LLAVA } saint_prompt_style;

typedef struct {
    saint_prompt_style style;
    const char *images; /* folder of the pictures, when it is not where the distribution puts it; NULL */
    const char
        *split; /* another split than the usual one (scienceqa, vqav2, textvqa, gqa, vizwiz: val, test..; seed: image, video, all); NULL */
} saint_dataset_options;

typedef struct saint_dataset saint_dataset;

typedef struct {
    saint_data_kind kind;
    const char *path; /* as given, behind KIND: */
    size_t n;
    bool has_answers;        /* every sample has at least one right answer */
    bool has_pictures;       /* false for a folder of result files */
    int max_new_tokens;      /* what the published set-up generates at most */
    const char *prompt_name; /* "lmms-0.3" or "llava"; "as written": scenes, which is asked in its own words */
    saint_digest digest;     /* of all uids, questions, choices, answers and picture names in order: tells versions of a data set apart */
    size_t n_notes;          /* what was left out or looks odd, one sentence each */
    const char *const *notes;
    size_t n_classes; /* imagefolder: the classes in the order of their ids */
    const char *const *classes;
} saint_dataset_info;

/* Strings belong to the data set; the arrays to the sample: saint_sample_free. */
typedef struct {
    const char *uid;
    const char *cluster;  /* samples about one picture share it: they are not independent */
    const char *category; /* "" when there is none */
    const char *question; /* as the file has it */
    bool embedded;        /* the picture lies inside the question file */
    int answer_index;     /* of the right choice or class, -1 when there is none */
    size_t n_images, n_choices, n_answers, n_meta;
    const char *const *images;  /* names relative to the picture folders */
    const char *const *choices; /* "" for a letter that is not offered */
    const char *const *answers; /* right answers, as the file has them */
    const char *const *meta;    /* [2 * n_meta] key, value */
    void *owned;
} saint_sample;

/* Open KIND:PATH. Errors are SAINT_INVALID (no such kind), SAINT_IO or SAINT_FORMAT naming file, expected, found. opt may be NULL. */
saint_status saint_dataset_open(const char *kind_path, const saint_dataset_options *opt, saint_dataset **out, saint_error *err);
void saint_dataset_close(saint_dataset *d); /* NULL is allowed */
const saint_dataset_info *saint_dataset_get_info(const saint_dataset *d);
size_t saint_dataset_count(const saint_dataset *d);

/* Sample i in [0, n). */
saint_status saint_dataset_item(const saint_dataset *d, size_t i, saint_sample *out, saint_error *err);
void saint_sample_free(saint_sample *s);
/* The value of a meta key, NULL when the sample has none. */
const char *saint_sample_meta(const saint_sample *s, const char *key);

const char *saint_dataset_uid(const saint_dataset *d, size_t i);
/* Numbers from 0 that are equal when the clusters (categories) are; below cluster_count (category_count). */
uint32_t saint_dataset_cluster(const saint_dataset *d, size_t i);
uint32_t saint_dataset_category(const saint_dataset *d, size_t i);
size_t saint_dataset_cluster_count(const saint_dataset *d);
size_t saint_dataset_category_count(const saint_dataset *d);
const char *saint_dataset_category_name(const saint_dataset *d, uint32_t category);
/* Index of a uid; false when there is none. */
bool saint_dataset_find(const saint_dataset *d, const char *uid, size_t *i);

/* The user's part of the prompt (without <image> and conversation template), malloc'ed. */
saint_status saint_dataset_prompt(const saint_dataset *d, size_t i, char **out, saint_error *err);

/* Picture k of sample i, decoded; saint_image_free. A picture that is not there is SAINT_IO with its path. */
saint_status saint_dataset_picture(const saint_dataset *d, size_t i, size_t k, saint_image *out, saint_error *err);
/* Where picture k lies, malloc'ed; SAINT_STATE when it is embedded. */
saint_status saint_dataset_picture_path(const saint_dataset *d, size_t i, size_t k, char **out, saint_error *err);

#endif
