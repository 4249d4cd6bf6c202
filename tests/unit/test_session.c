/* Runs: whatever came before, whatever stands beside, however many threads: the same bits as a cold run alone. */
#include "support/session.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "formats/checkpoint.h"

enum { N_PICTURES = 4 };

static saint_engine *engine;
static saint_model *llava, *timm, *clip, *llama;
static saint_image picture[N_PICTURES];

static const char *const questions[] = {"Is there a red square in the picture?", "What colour is the large circle?", "How many?",
                                        "Is there a red square in the picture? Answer yes or no."};

static int pick(uint64_t *rng, int n)
{
    return (int)(test_random_bits(rng) % (uint64_t)n);
}

/* ---- random requests -------------------------------------------------------------------------------------------- */

static void set_number(saint_settings *s, const char *name, int layer, double value)
{
    char text[96];
    snprintf(text, sizeof text, "%s[%d]=%.6g", name, layer, value);
    set_param(s, text);
}

static void random_site(uint64_t *rng, saint_settings *s, const saint_model_info *m, saint_stage stage, int layer)
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

static void random_flags(uint64_t *rng, saint_settings *s)
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
} step;

static void change_setting(uint64_t *rng, step *x)
{
    saint_settings *s = &x->q.settings;
    int layer = pick(rng, 4);
    bool llm = x->m->llm_layers && (!x->m->vit_layers || pick(rng, 2));
    if (llm && layer < x->m->llm_layers) random_site(rng, s, x->m, SAINT_STAGE_LLM, layer);
    if (!llm && layer < x->m->vit_layers) random_site(rng, s, x->m, SAINT_STAGE_VIT, layer);
}

/* Change one or a few things of the request before. */
static void next_step(uint64_t *rng, step *x)
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

static step first_step(const saint_model *m)
{
    step x = {.m = saint_model_get_info(m)};
    saint_settings_default(&x.q.settings);
    set_params(&x.q.settings, x.m->llm_layers && x.m->vit_layers ? "mode=hybrid" : x.m->llm_layers ? "mode=llm" : "mode=vit", "use_saint=false", NULL);
    x.q.n_images = x.m->vit_layers ? 1 : 0;
    x.q.prompt = x.m->llm_layers ? questions[0] : NULL;
    x.q.images = picture;
    return x;
}

/* What a forecast says is what the run then reports. */
static void assert_foreseen(const saint_forecast *f, const saint_trace *t)
{
    if (f->layers_reused != t->layers_reused || f->layers_question != t->layers_question || f->layers_to_run != t->layers_run ||
        f->from_stage != t->from_stage || f->from_layer != t->from_layer)
        fail_msg("forecast: %d reused, %d for the question, %d to run, from stage %d layer %d; the run: %d, %d, %d, %d %d (%s)", f->layers_reused,
                 f->layers_question, f->layers_to_run, f->from_stage, f->from_layer, t->layers_reused, t->layers_question, t->layers_run, t->from_stage,
                 t->from_layer, f->reason);
    assert_true(f->reason[0] != 0);
    assert_true(f->flops >= 0);
}

typedef struct {
    int steps, reused, question, skipped, failed;
} tally;

/* A long chain of requests in one session, each one compared with a session that remembers nothing. */
static tally walk(saint_model *m, size_t budget, uint64_t seed, int steps)
{
    saint_session *warm = open_session(engine, m, budget), *cold = open_session(engine, m, 0);
    step x = first_step(m);
    tally sum = {.steps = steps};
    for (int i = 0; i < steps; i++) {
        saint_trace *a = NULL, *b = NULL;
        saint_error ea = {0}, eb = {0};
        saint_forecast f;
        assert_ok(saint_session_forecast(warm, &x.q, &f, err));
        saint_status sa = saint_session_run(warm, &x.q, NULL, &a, &ea), sb = saint_session_run(cold, &x.q, NULL, &b, &eb);
        if (sa != sb || strcmp(ea.text, eb.text) != 0) fail_msg("step %d: %d \"%s\", cold %d \"%s\"", i, sa, ea.text, sb, eb.text);
        if (sa == SAINT_OK) {
            assert_same_trace(a, b);
            assert_foreseen(&f, a);
            assert_int_equal(b->layers_reused + b->layers_question, 0);
            sum.reused += a->layers_reused;
            sum.question += a->layers_question;
            sum.skipped += a->from_stage == SAINT_STAGE_LLM && x.q.n_images > 0;
        }
        sum.failed += sa != SAINT_OK;
        saint_trace_unref(a);
        saint_trace_unref(b);
        next_step(&seed, &x);
    }
    saint_session_close(warm);
    saint_session_close(cold);
    return sum;
}

static void any_request_after_any_other_equals_a_cold_run(void **state)
{
    (void)state;
    const struct {
        saint_model *m;
        size_t budget;
        int steps;
    } walks[] = {{llava, 1 << 28, 220}, {llava, 600000, 120}, {llava, 60000, 60}, {clip, 1 << 28, 80}, {timm, 1 << 28, 80}, {timm, 50000, 60}, {llama, 1 << 28, 40}};
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        tally t = walk(walks[i].m, walks[i].budget, 7 + i, walks[i].steps);
        printf("  %-18s %9zu bytes: %d requests, %d layers reused, %d with the question alone, ViT skipped %d times, %d refused\n",
               saint_model_get_info(walks[i].m)->name, walks[i].budget, t.steps, t.reused, t.question, t.skipped, t.failed);
        assert_true(t.failed * 4 < t.steps);
        if (i == 0) assert_true(t.reused > t.steps && t.question > t.steps / 8 && t.skipped > t.steps / 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_request_after_any_other_equals_a_cold_run),
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    llava = load_tiny("llava-tiny-new");
    timm = load_tiny("timm-vit-tiny");
    clip = load_tiny("clip-vit-tiny");
    llama = load_tiny("llama-tiny");
    for (int i = 0; i < N_PICTURES; i++) picture[i] = draw_picture(36 + 7 * i, 40 - 3 * i, 11 + (uint32_t)i);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < N_PICTURES; i++) saint_image_free(&picture[i]);
    saint_model_unref(llava);
    saint_model_unref(timm);
    saint_model_unref(clip);
    saint_model_unref(llama);
    saint_engine_close(engine);
    return failed;
}
