/* cifar.h - the embedded classifier and what timm says about it (models/train/train_cifar.py record). */
#ifndef SAINT_TESTS_SUPPORT_CIFAR_H
#define SAINT_TESTS_SUPPORT_CIFAR_H

#include "support/session.h"

#define CIFAR_MODEL SAINT_SOURCE_DIR "/models/cifar10-vit"

/* Owned by the caller: cJSON_Delete. */
static inline cJSON *cifar_record(void)
{
    cJSON *c;
    assert_ok(saint_json_load(SAINT_FIXTURE_DIR "/cifar10-vit.json", 1 << 20, &c, err));
    return c;
}

static inline saint_session *cifar_session(saint_engine *engine, saint_model **m, size_t cache)
{
    assert_ok(saint_model_load(m, CIFAR_MODEL, NULL, err));
    return open_session(engine, *m, cache);
}

static inline int cifar_class(const saint_trace_image *im)
{
    int best = 0;
    for (int k = 1; k < im->n_logits; k++)
        if (im->logits[k] > im->logits[best]) best = k;
    return best;
}

#endif
