/* requests.h - a chain of random requests, each one a small change of the one before: what a user does. */
#ifndef SAINT_TESTS_SUPPORT_REQUESTS_H
#define SAINT_TESTS_SUPPORT_REQUESTS_H

#include "support/session.h"

enum { N_PICTURES = 4 };
static saint_image picture[N_PICTURES];

static inline void draw_pictures(void)
{
    for (int i = 0; i < N_PICTURES; i++) picture[i] = draw_picture(36 + 7 * i, 40 - 3 * i, 11 + (uint32_t)i);
}

static inline void free_pictures(void)
{
    for (int i = 0; i < N_PICTURES; i++) saint_image_free(&picture[i]);
}

static const char *const questions[] = {"Is there a red square in the picture?", "What colour is the large circle?", "How many?",
                                        "Is there a red square in the picture? Answer yes or no."};

static inline int pick(uint64_t *rng, int n)
{
    return (int)(test_random_bits(rng) % (uint64_t)n);
}

static inline void set_number(saint_settings *s, const char *name, int layer, double value)
{
    char text[96];
    snprintf(text, sizeof text, "%s[%d]=%.6g", name, layer, value);
    set_param(s, text);
}

static inline void random_site(uint64_t *rng, saint_settings *s, const saint_model_info *m, saint_stage stage, int layer)
{
    static const char *const names[2][7] = {{"prune_mode", "keep_num", "r", "sim_threshold", "K", "gamma", "keep_ratio"},
                                            {"llm_prune_mode", "llm_keep_num", "llm_r", "saint_threshold", "saint_K", "saint_gamma", "llm_keep_ratio"}};
    const char *const *name = names[stage == SAINT_STAGE_LLM];
    char text[96];
    int method;
    do method = pick(rng, 8);
    while (saint_method_at(method) && !(saint_method_at(method)->stages & 1u << stage));
    snprintf(text, sizeof text, "%s[%d]=%s", name[0], layer, saint_method_at(method) ? saint_method_at(method)->name : "None");
    set_param(s, text);
    set_number(s, name[1], layer, pick(rng, 2) ? -1 : 1 + pick(rng, m->grid_w * m->grid_h + 4));
    set_number(s, name[2], layer, 1 + pick(rng, 12));
    set_number(s, name[3], layer, 0.6 + 0.05 * pick(rng, 9));
    set_number(s, name[4], layer, pick(rng, 6));
    set_number(s, name[5], layer, pick(rng, 12));
    set_number(s, name[6], layer, 0.3 + 0.1 * pick(rng, 8));
    snprintf(text, sizeof text, "%s[%d]=%d", stage == SAINT_STAGE_LLM ? "llm_seed" : "seed", layer, pick(rng, 3));
    set_param(s, text);
}

static inline void random_flags(uint64_t *rng, saint_settings *s)
{
    int kind = pick(rng, 4);
    set_param(s, kind == 0 ? "compat=reference" : "compat=corrected");
    if (kind != 1) return;
    char text[96];
    snprintf(text, sizeof text, "compat.%s=true", saint_compat_name(pick(rng, SAINT_COMPAT_COUNT)));
    set_param(s, text);
}

typedef struct {
    const saint_model_info *m;
    saint_request q;
    int first; /* picture of the batch */
} random_step;

static inline void change_setting(uint64_t *rng, random_step *x)
{
    saint_settings *s = &x->q.settings;
    int layer = pick(rng, 4);
    bool llm = x->m->llm_layers && (!x->m->vit_layers || pick(rng, 2));
    if (llm && layer < x->m->llm_layers) random_site(rng, s, x->m, SAINT_STAGE_LLM, layer);
    if (!llm && layer < x->m->vit_layers) random_site(rng, s, x->m, SAINT_STAGE_VIT, layer);
}

/* Change one or a few things of the request before. */
static inline void next_step(uint64_t *rng, random_step *x)
{
    saint_settings *s = &x->q.settings;
    for (int n = 1 + pick(rng, 2); n > 0; n--) {
        switch (pick(rng, 10)) {
        case 0: x->first = pick(rng, 2); break;
        case 1: x->q.n_images = x->m->vit_layers ? 1 + pick(rng, 3) : 0; break;
        case 2: x->q.max_new_tokens = pick(rng, 7); break;
        case 3:
        case 4: x->q.prompt = questions[pick(rng, 4)]; break;
        case 5: x->q.want_stats = pick(rng, 2) != 0; break;
        case 6:
            if (pick(rng, 2)) random_flags(rng, s);
            else set_param(s, pick(rng, 3) ? "saint_sys_length=-1" : "saint_sys_length=3");
            break;
        default: change_setting(rng, x); break;
        }
    }
    x->q.images = &picture[x->first];
}

static inline random_step first_step(const saint_model *m)
{
    random_step x = {.m = saint_model_get_info(m)};
    saint_settings_default(&x.q.settings);
    set_params(&x.q.settings, x.m->llm_layers && x.m->vit_layers ? "mode=hybrid" : x.m->llm_layers ? "mode=llm" : "mode=vit", "use_saint=false", NULL);
    x.q.n_images = x.m->vit_layers ? 1 : 0;
    x.q.prompt = x.m->llm_layers ? questions[0] : NULL;
    x.q.images = picture;
    return x;
}

#endif
