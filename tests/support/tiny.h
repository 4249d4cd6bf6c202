/* tiny.h - the tiny models, and what every run of one is asked and promises: shared by the tests of runs. */
#ifndef SAINT_TESTS_SUPPORT_TINY_H
#define SAINT_TESTS_SUPPORT_TINY_H

#include "support/requests.h"

static saint_engine *engine;
static saint_model *llava, *timm, *clip, *llama;

static inline saint_request plain_request(const saint_model *m, int n_images)
{
    const saint_model_info *i = saint_model_get_info(m);
    saint_request q = {.images = picture, .n_images = i->vit_layers ? n_images : 0, .prompt = i->llm_layers ? questions[0] : NULL};
    saint_settings_default(&q.settings);
    set_param(&q.settings, "use_saint=false");
    q.max_new_tokens = i->llm_layers ? 3 : 0;
    q.ignore_eos = true;
    return q;
}

/* Sites of every kind in both stages. */
static inline saint_request busy_request(const saint_model *m, int n_images)
{
    saint_request q = plain_request(m, n_images);
    const saint_model_info *i = saint_model_get_info(m);
    if (i->vit_layers)
        set_params(&q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.85", "K[0]=2", "prune_mode[1]=tome", "keep_num[1]=40",
                   NULL);
    if (i->llm_layers)
        set_params(&q.settings, "llm_prune_mode[0]=saint_drop", "saint_K[0]=1", "llm_prune_mode[1]=fastv", "llm_keep_ratio[1]=0.7", NULL);
    return q;
}

/* What a forecast says is what the run then reports. */
static inline void assert_foreseen(const saint_forecast *f, const saint_trace *t)
{
    if (f->layers_reused != t->layers_reused || f->layers_question != t->layers_question || f->layers_to_run != t->layers_run ||
        f->from_stage != t->from_stage || f->from_layer != t->from_layer)
        fail_msg("forecast: %d reused, %d for the question, %d to run, from stage %d layer %d; the run: %d, %d, %d, %d %d (%s)",
                 f->layers_reused, f->layers_question, f->layers_to_run, f->from_stage, f->from_layer, t->layers_reused, t->layers_question,
                 t->layers_run, t->from_stage, t->from_layer, f->reason);
    assert_true(f->reason[0] != 0);
    assert_true(f->flops >= 0);
}

static inline int run_tiny_group(const char *name, const struct CMUnitTest *tests, size_t n)
{
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    llava = load_tiny("llava-tiny-new");
    timm = load_tiny("timm-vit-tiny");
    clip = load_tiny("clip-vit-tiny");
    llama = load_tiny("llama-tiny");
    draw_pictures();
    int failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
    free_pictures();
    saint_model_unref(llava);
    saint_model_unref(timm);
    saint_model_unref(clip);
    saint_model_unref(llama);
    saint_engine_close(engine);
    return failed;
}

#endif
