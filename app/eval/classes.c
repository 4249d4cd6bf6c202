#define _GNU_SOURCE
#include "eval/classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/score.h"
#include "eval/fidelity.h"
#include "eval/internal.h"

/* Names of classes are the model's where the data set has them too, else the data set's own when both count the same classes. */
static bool classes_by_id(const saint_model *m, const saint_dataset_info *d)
{
    int classes = saint_model_get_info(m)->classes;
    if (d->n_classes == 0 || (size_t)classes != d->n_classes) return false;
    for (int i = 0; i < classes; i++) {
        const char *label = saint_model_label(m, i);
        size_t k = 0;
        while (label && k < d->n_classes && strcmp(d->classes[k], label) != 0) k++;
        if (!label || k == d->n_classes) return true;
    }
    return false;
}

saint_status eval_classes_open(eval_classes *c, const saint_model *m, const saint_dataset_info *d, saint_error *err)
{
    const saint_model_info *info = saint_model_get_info(m);
    *c = (eval_classes){0};
    if (info->llm_layers || !d->n_classes) return SAINT_OK;
    c->by_id = classes_by_id(m, d);
    c->of_model = malloc(d->n_classes * sizeof *c->of_model);
    if (!c->of_model) return saint_fail(err, SAINT_MEMORY, "no memory for %zu classes", d->n_classes);
    for (size_t k = 0; k < d->n_classes; k++) {
        int i = c->by_id ? (int)k : 0;
        for (; !c->by_id && i < info->classes; i++) {
            const char *label = saint_model_label(m, i);
            if (label ? strcmp(label, d->classes[k]) == 0 : i == (int)k) break; /* without names its answers are numbers */
        }
        c->of_model[k] = i < info->classes ? i : -1;
    }
    return SAINT_OK;
}

void eval_classes_close(eval_classes *c) { free(c->of_model); }

static saint_status rename_classes(const saint_dataset_info *d, eval_result *out, saint_error *err)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    for (int i = 0; f && i < out->n_ids; i++) {
        if (i) fputc(SAINT_RANK_SEPARATOR, f);
        fputs(d->classes[out->ids[i]], f);
    }
    if (!f || fclose(f) != 0) {
        free(text);
        return saint_fail(err, SAINT_MEMORY, "no memory for an answer");
    }
    free(out->output);
    out->output = eval_clean_text(text);
    free(text);
    return out->output ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for an answer");
}

saint_status eval_classes_apply(const eval_classes *c, const saint_dataset *d, size_t sample, const saint_trace *t, eval_result *out,
                                saint_error *err)
{
    const saint_dataset_info *info = saint_dataset_get_info(d);
    saint_sample x;
    if (!c->of_model) return SAINT_OK;
    saint_status s = c->by_id ? rename_classes(info, out, err) : SAINT_OK;
    if (s == SAINT_OK) s = saint_dataset_item(d, sample, &x, err);
    if (s != SAINT_OK) return s;
    if (x.n_answers && x.answer_index >= 0 && (size_t)x.answer_index < info->n_classes)
        out->loss = (float)fidelity_loss(t->image[0].logits, t->image[0].n_logits, c->of_model[x.answer_index]);
    saint_sample_free(&x);
    return SAINT_OK;
}
