#include "models/model.h"

#include <stdlib.h>
#include <string.h>

#include "models/weights.h"

void *saint_model_alloc(saint_model *m, size_t bytes)
{
    if (m->n_owned == m->cap_owned) {
        int cap = m->cap_owned ? 2 * m->cap_owned : 64;
        void **grown = realloc(m->owned, (size_t)cap * sizeof *grown);
        if (!grown) return NULL;
        m->owned = grown;
        m->cap_owned = cap;
    }
    size_t rounded = (bytes + 63) / 64 * 64;
    if (rounded < bytes) return NULL;
    void *p = aligned_alloc(64, rounded ? rounded : 64);
    if (!p) return NULL;
    memset(p, 0, bytes);
    m->owned[m->n_owned++] = p;
    return p;
}

saint_model *saint_model_ref(saint_model *m)
{
    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
    return m;
}

void saint_model_unref(saint_model *m)
{
    if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    for (int i = 0; i < m->n_owned; i++) free(m->owned[i]);
    free(m->owned);
    for (int i = 0; m->labels && i < m->vit.classes; i++) free(m->labels[i]);
    free(m->labels);
    saint_tokenizer_free(m->tokenizer);
    saint_checkpoint_close(m->files[0]);
    saint_checkpoint_close(m->files[1]);
    free(m);
}

const saint_model_info *saint_model_get_info(const saint_model *m)
{
    return &m->info;
}

const saint_preproc *saint_model_preproc(const saint_model *m)
{
    return &m->preproc;
}

const saint_tokenizer *saint_model_tokenizer(const saint_model *m)
{
    return m->tokenizer;
}

const saint_template *saint_model_template(const saint_model *m)
{
    return m->template;
}

const char *saint_model_label(const saint_model *m, int klass)
{
    return m->labels && klass >= 0 && klass < m->vit.classes ? m->labels[klass] : NULL;
}
