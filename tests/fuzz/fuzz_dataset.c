/* Question files of every kind and answer files, whatever is in them. First byte: the kind; second byte: prompts, parser and the name that
 * the file pretends to have; a byte 0xff in the rest separates questions, annotations and answers. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/answers_internal.h"
#include "datasets/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next part, cut at 0xff; false when there is none. */
static int next_part(const uint8_t **data, size_t *size, saint_source *out)
{
    if (!*data) return 0;
    const uint8_t *end = *size ? memchr(*data, 0xff, *size) : NULL;
    out->text = (const char *)*data;
    out->n = end ? (size_t)(end - *data) : *size;
    *size -= out->n + (end != NULL);
    *data = end ? end + 1 : NULL;
    return 1;
}

static void read_samples(const saint_dataset *d)
{
    for (size_t i = 0; i < saint_dataset_count(d) && i < 64; i++) {
        saint_sample s;
        char *prompt;
        size_t again;
        saint_image im;
        if (saint_dataset_item(d, i, &s, NULL) != SAINT_OK) abort();
        if (!saint_dataset_find(d, s.uid, &again) || again != i) abort();
        for (size_t k = 0; k < s.n_choices; k++) (void)strlen(s.choices[k]);
        for (size_t k = 0; k < 2 * s.n_meta; k++) (void)strlen(s.meta[k]);
        if (saint_dataset_prompt(d, i, &prompt, NULL) != SAINT_OK) abort();
        if (!saint_utf8_valid(prompt, strlen(prompt))) abort(); /* it goes to a tokenizer and into JSON */
        free(prompt);
        if (s.embedded && saint_dataset_picture(d, i, 0, &im, NULL) == SAINT_OK) saint_image_free(&im);
        saint_sample_free(&s);
    }
}

static void score_answers(const saint_dataset *d, const char *const *text, saint_parser p)
{
    saint_verdict *v = calloc(d->n, sizeof *v);
    saint_score s;
    for (size_t i = 0; v && i < d->n; i++)
        if (text[i] && d->record[i].n_answers) {
            char *parsed;
            if (saint_score_answer(d, i, text[i], p, &v[i], &parsed, NULL) != SAINT_OK) abort();
            if (!(v[i].score >= 0 && v[i].score <= 1)) abort();
            free(parsed);
        }
    if (v && saint_score_verdicts(d, v, p, &s, NULL) == SAINT_OK) {
        cJSON *c = saint_score_json(&s);
        char *out = cJSON_PrintUnformatted(c);
        if (!out) abort();
        cJSON_free(out);
        cJSON_Delete(c);
        saint_score_free(&s);
    }
    free(v);
}

static void answers(const saint_dataset *d, const saint_source *src, saint_parser p)
{
    saint_matcher m;
    saint_answers a;
    if (saint_matcher_open(&m, d, &a, NULL) == SAINT_OK && saint_answers_parse(&m, src, NULL) == SAINT_OK &&
        saint_answers_finish(&m, "fuzz", NULL) == SAINT_OK)
        score_answers(d, (const char *const *)a.text, p);
    saint_matcher_close(&m);
    saint_answers_free(d, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"coco_pope_random.json", "questions.jsonl", "color.txt", "table.tsv", "table.csv"};
    if (size < 3) return 0;
    const saint_data_kind kind = (saint_data_kind)(data[0] % SAINT_DATA_KIND_COUNT);
    const int flags = data[1];
    data += 2;
    size -= 2;
    saint_dataset *d;
    saint_source part[3] = {{.name = names[0]}, {.name = "second.json"}, {.name = names[flags >> 2 & 7 ? (flags >> 2 & 7) % 5 : 1]}};
    if (saint_data_new(kind, "fuzz", &(saint_dataset_options){.style = flags & 1 ? SAINT_PROMPT_LLAVA : SAINT_PROMPT_LMMS}, &d, NULL) !=
        SAINT_OK)
        return 0;
    int parts = 0;
    while (parts < 3 && next_part(&data, &size, &part[parts])) parts++;
    saint_status s = SAINT_OK;
    if (kind == SAINT_DATA_IMAGES) s = saint_data_add(d, &(saint_sample){.uid = "a.jpg", .answer_index = -1}, "fuzz", NULL);
    else s = d->adapter->parse(d, &part[0], parts > 1 && part[1].n ? &part[1] : NULL, NULL);
    uint8_t *copy = NULL;
    if (s == SAINT_OK && kind == SAINT_DATA_MMBENCH && part[0].n) { /* pictures are cut from the mapped file */
        copy = malloc(part[0].n);
        if (copy) memcpy(copy, part[0].text, part[0].n);
        d->map = (saint_map){copy, copy ? part[0].n : 0};
    }
    if (s == SAINT_OK && saint_data_finish(d, NULL) == SAINT_OK) {
        read_samples(d);
        if (parts > 2) answers(d, &part[2], flags & 2 ? SAINT_PARSER_OFFICIAL : SAINT_PARSER_LMMS);
    }
    d->map = (saint_map){0};
    free(copy);
    saint_dataset_close(d);
    return 0;
}
