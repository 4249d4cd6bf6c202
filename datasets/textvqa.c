/* textvqa.c - TextVQA 0.5.1 (evaluation.md 1.4), with the OCR tokens that LLaVA's prompts show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { ANSWERS_MAX = 64 };

static saint_status add(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    saint_dataset *d = ctx;
    saint_digits a, b, c;
    const char *id, *image, *question, *v[ANSWERS_MAX];
    size_t n = 0;
    saint_status s = saint_record_text(o, "question_id", true, &a, &id, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "image_id", true, &b, &image, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "question", true, &c, &question, where, err);
    if (s != SAINT_OK) return s;
    const cJSON *answer;
    cJSON_ArrayForEach(answer, cJSON_GetObjectItemCaseSensitive(o, "answers"))
    {
        if (!cJSON_IsString(answer) || n == ANSWERS_MAX)
            return saint_fail(err, SAINT_FORMAT, "%s: \"answers\": expected at most %d texts", where, ANSWERS_MAX);
        v[n++] = answer->valuestring;
    }
    saint_buf file = {0};
    bool ok = saint_buf_text(&file, image) && saint_buf_add(&file, ".jpg", 5);
    const char *images[] = {file.data};
    saint_sample sample = {.uid = id,
                           .cluster = image,
                           .question = question,
                           .answer_index = -1,
                           .answers = v,
                           .n_answers = n,
                           .images = images,
                           .n_images = 1};
    s = ok ? saint_data_add(d, &sample, where, err) : saint_no_memory(err, where);
    saint_buf_free(&file);
    return s;
}

/* Tokens of a picture joined by ", " as LLaVA writes them. */
static saint_status keep_tokens(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    saint_dataset *d = ctx;
    saint_digits a;
    const char *image;
    uint32_t cluster;
    saint_status s = saint_record_text(o, "image_id", true, &a, &image, where, err);
    if (s != SAINT_OK || !saint_texts_find(&d->clusters, image, &cluster) || d->ocr[cluster]) return s;
    saint_buf text = {0};
    const cJSON *token;
    bool ok = true, first = true;
    cJSON_ArrayForEach(token, cJSON_GetObjectItemCaseSensitive(o, "ocr_tokens"))
    {
        if (!cJSON_IsString(token)) {
            saint_buf_free(&text);
            return saint_fail(err, SAINT_FORMAT, "%s: \"ocr_tokens\": expected texts", where);
        }
        ok = ok && (first || saint_buf_text(&text, ", ")) && saint_buf_text(&text, token->valuestring);
        first = false;
    }
    if (!ok || !saint_buf_add(&text, "", 1)) {
        saint_buf_free(&text);
        return saint_no_memory(err, where);
    }
    d->ocr[cluster] = text.data;
    return SAINT_OK;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    saint_status s = saint_json_stream_each(a, "data", false, add, d, err);
    if (s != SAINT_OK || !b) return s;
    d->ocr = calloc(d->clusters.n ? d->clusters.n : 1, sizeof *d->ocr);
    return d->ocr ? saint_json_stream_each(b, "data", false, keep_tokens, d, err) : saint_no_memory(err, d->path);
}

static saint_status open_textvqa(saint_dataset *d, saint_error *err)
{
    const char *split = d->opt.split ? d->opt.split : saint_data_usual_split(SAINT_DATA_TEXTVQA);
    char name[96], tokens[96];
    char *path = NULL, *base = NULL, *ocr = NULL;
    (void)snprintf(name, sizeof name, "TextVQA_0.5.1_%.40s.json", split);
    (void)snprintf(tokens, sizeof tokens, "TextVQA_Rosetta_OCR_v0.2_%.40s.json", split);
    const char *names[] = {name, NULL};
    saint_status s = saint_data_file(d, names, &path, err);
    if (s == SAINT_OK && (!(base = saint_path_parent(path)) || !(ocr = saint_path_join(base, tokens)))) s = saint_no_memory(err, d->path);
    bool read_ocr = d->opt.style == SAINT_PROMPT_LLAVA;
    if (s == SAINT_OK && read_ocr && !saint_file_exists(ocr))
        s = saint_fail(err, SAINT_IO,
                       "%s: LLaVA's prompts show OCR tokens: expected this file, found none; take the prompts of lmms-eval without it",
                       ocr);
    if (s == SAINT_OK) s = saint_data_root(d, base, strncmp(split, "test", 4) == 0 ? "test_images" : "train_images", err);
    if (s == SAINT_OK) s = saint_data_parse_files(d, path, read_ocr ? ocr : NULL, err);
    d->mend = "unpack TextVQA's train_val_images.zip there";
    free(ocr);
    free(base);
    free(path);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    if (d->opt.style == SAINT_PROMPT_LMMS) return saint_py_capitalize(s->question, out) && saint_buf_text(out, SAINT_SHORT);
    uint32_t cluster;
    const char *tokens = d->ocr && saint_texts_find(&d->clusters, s->cluster, &cluster) && d->ocr[cluster] ? d->ocr[cluster] : "";
    return saint_buf_text(out, s->question) && saint_buf_text(out, "\nReference OCR token: ") && saint_buf_text(out, tokens) &&
           saint_buf_text(out, SAINT_SHORT);
}

const saint_adapter saint_adapter_textvqa = {SAINT_DATA_TEXTVQA, 1024, true, open_textvqa, parse, prompt};
