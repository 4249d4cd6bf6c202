/* What sharing is worth: a sweep over saint_threshold on one picture after another, every run from nothing, and with the checkpoints of the
 * runs before it. In turns, so that the machine's drift hits both alike; the answers must be the same to the last bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "eval/runner.h"
#include "scenes/scenes.h"

enum { POINTS = 12, ANSWER = 2, MOST = 64 };

typedef struct {
    saint_session *cold, *warm;
    saint_request q;
    saint_settings base;
    float *pixels;
    double cold_points[MOST], warm_points[MOST], cold_base[MOST], warm_base[MOST]; /* seconds of a picture */
    double reused;
} reuse;

static saint_status run(saint_session *s, const saint_request *q, double *seconds, saint_trace **t, saint_error *err)
{
    double begin = saint_now();
    saint_status st = saint_session_run(s, q, NULL, t, err);
    *seconds += saint_now() - begin;
    return st;
}

/* One configuration in both sessions. */
static saint_status both(reuse *r, double *cold, double *warm, saint_error *err)
{
    saint_trace *a = NULL, *b = NULL;
    saint_status s = run(r->cold, &r->q, cold, &a, err);
    if (s == SAINT_OK) s = run(r->warm, &r->q, warm, &b, err);
    if (s == SAINT_OK) {
        const saint_trace_image *x = &a->image[0], *y = &b->image[0];
        bool same = x->n_ids == y->n_ids && x->n_logits == y->n_logits && memcmp(x->ids, y->ids, (size_t)x->n_ids * sizeof *x->ids) == 0 &&
                    memcmp(x->logits, y->logits, (size_t)x->n_logits * sizeof *x->logits) == 0;
        if (!same) s = saint_fail(err, SAINT_STATE, "a run that shared checkpoints gave another answer than one from nothing");
        r->reused += b->layers_reused / (double)(b->layers_reused + b->layers_run + (b->layers_reused + b->layers_run == 0));
    }
    saint_trace_unref(a);
    saint_trace_unref(b);
    return s;
}

static saint_status new_picture(const reuse *r, const saint_model *m, int i, saint_scenes_canvas *c, uint8_t *rgb, saint_error *err)
{
    saint_scenes_scene scene;
    const saint_preproc *p = saint_model_preproc(m);
    saint_image im = {.w = p->side, .h = p->side, .rgb = rgb};
    saint_scenes_describe((uint64_t)i + 1, &scene);
    saint_scenes_draw(&scene, c, rgb);
    return saint_preprocess(p, &im, r->pixels, NULL, err);
}

static saint_status one_picture(reuse *r, int i, saint_error *err)
{
    saint_settings_default(&r->q.settings);
    saint_status s = both(r, &r->cold_base[i], &r->warm_base[i], err);
    for (int k = 0; k < POINTS && s == SAINT_OK; k++) {
        char text[32];
        r->q.settings = r->base;
        snprintf(text, sizeof text, "%.2f", 0.40 + 0.05 * k);
        s = saint_settings_set(&r->q.settings, "saint_threshold", text, err);
        if (s == SAINT_OK) s = both(r, &r->cold_points[i], &r->warm_points[i], err);
    }
    return s;
}

static saint_status measure(reuse *r, const saint_model *m, int pictures, saint_error *err)
{
    int side = saint_model_preproc(m)->side;
    saint_scenes_canvas *c = NULL;
    uint8_t *rgb = malloc(3 * (size_t)side * (size_t)side);
    r->pixels = malloc(3 * (size_t)side * (size_t)side * sizeof *r->pixels);
    saint_status s = rgb && r->pixels ? saint_scenes_canvas_new(side, &c, err) : saint_fail(err, SAINT_MEMORY, "no memory for a picture");
    r->q.pixels = r->pixels;
    for (int i = -1; i < pictures && s == SAINT_OK; i++) { /* one to warm up */
        s = new_picture(r, m, i, c, rgb, err);
        if (s == SAINT_OK) s = one_picture(r, i < 0 ? 0 : i, err);
        if (i < 0) r->cold_base[0] = r->warm_base[0] = r->cold_points[0] = r->warm_points[0] = r->reused = 0;
    }
    saint_scenes_canvas_free(c);
    free(rgb);
    free(r->pixels);
    return s;
}

static cJSON *result(reuse *r, const saint_model_info *m, const load_options *l, int pictures, int threads)
{
    cJSON *o = cJSON_CreateObject();
    double alone[MOST], with_base[MOST];
    for (int i = 0; i < pictures; i++) {
        alone[i] = r->cold_points[i] / (r->warm_base[i] + r->warm_points[i]);
        with_base[i] = (r->cold_base[i] + r->cold_points[i]) / (r->warm_base[i] + r->warm_points[i]);
    }
    cJSON_AddStringToObject(o, "suite", "sweep");
    cJSON_AddStringToObject(o, "model", m->name);
    cJSON_AddStringToObject(o, "preset", l->preset);
    cJSON_AddStringToObject(o, "dtype", l->dtype ? l->dtype : "f32");
    cJSON_AddNumberToObject(o, "threads", threads);
    cJSON_AddNumberToObject(o, "points", POINTS);
    cJSON_AddNumberToObject(o, "pictures", pictures);
    cJSON_AddNumberToObject(o, "unpruned_ms", 1000 * bench_median(r->cold_base, pictures));
    cJSON_AddNumberToObject(o, "independent_ms", 1000 * bench_median(r->cold_points, pictures));
    cJSON_AddNumberToObject(o, "shared_ms", 1000 * bench_median(r->warm_points, pictures));
    cJSON_AddNumberToObject(o, "layers_reused", r->reused / ((POINTS + 1) * pictures));
    cJSON_AddNumberToObject(o, "factor", bench_median(with_base, pictures));
    cJSON_AddNumberToObject(o, "factor_min", with_base[0]);
    cJSON_AddNumberToObject(o, "factor_max", with_base[pictures - 1]);
    cJSON_AddNumberToObject(o, "factor_without_unpruned", bench_median(alone, pictures));
    return o;
}

int bench_sweep(const load_options *given, int pictures, device_use *use, device_company *company, cJSON **out)
{
    saint_error e = {0};
    load_options l = *given;
    saint_engine *engine = NULL;
    saint_model *m = NULL;
    saint_session_options so = {0};
    saint_notes notes = {0};
    reuse *r = calloc(1, sizeof *r);
    if (!l.preset && !l.set.n) l.preset = "llm-only";
    int status = r ? load_engine("bench", &l, &engine, &so) : EXIT_FAILED;
    if (status < 0) load_use("bench", &so, use);
    if (status < 0) status = load_model("bench", &l, &m);
    if (status < 0 &&
        (!saint_model_get_info(m)->llm_layers || !saint_model_get_info(m)->vit_layers || saint_model_get_info(m)->random_weights))
        status = cli_usage("bench", "--suite sweep: expected a folder with a vision-language model");
    if (status < 0) status = load_settings("bench", &l, saint_model_get_info(m), &r->base, &notes);
    if (status < 0) {
        r->q = (saint_request){.n_images = 1,
                               .prompt = "Is there a red circle in the image?\nAnswer the question using a single word or phrase.",
                               .max_new_tokens = ANSWER,
                               .ignore_eos = true};
        saint_status s = saint_session_open(&r->cold, engine, m, &so, &e);
        so.checkpoint_bytes = eval_checkpoint_bytes(saint_model_get_info(m), ANSWER, 0);
        if (s == SAINT_OK) s = saint_session_open(&r->warm, engine, m, &so, &e);
        (void)device_use_alone(use);
        if (s == SAINT_OK) s = measure(r, m, pictures, &e);
        *company = device_use_company(use);
        if (s == SAINT_OK) *out = result(r, saint_model_get_info(m), &l, pictures, saint_engine_threads(engine));
        status = s == SAINT_OK ? EXIT_DONE : cli_fail("bench", s, &e);
    }
    if (r) {
        saint_session_close(r->cold);
        saint_session_close(r->warm);
    }
    saint_model_unref(m);
    saint_engine_close(engine);
    free(r);
    return status;
}

void bench_sweep_print(const cJSON *c)
{
#define NUMBER(key) cJSON_GetObjectItem(c, key)->valuedouble
    printf("%s, %s, %s, %.0f threads: %.0f points of saint_threshold beside the unpruned model, %.0f pictures, answers of two tokens\n",
           cJSON_GetObjectItem(c, "model")->valuestring, cJSON_GetObjectItem(c, "preset")->valuestring,
           cJSON_GetObjectItem(c, "dtype")->valuestring, NUMBER("threads"), NUMBER("points"), NUMBER("pictures"));
    printf("  unpruned, from nothing      %9.1f ms a picture\n", NUMBER("unpruned_ms"));
    printf("  %.0f points, each from nothing %8.1f ms\n", NUMBER("points"), NUMBER("independent_ms"));
    printf("  %.0f points, shared            %8.1f ms   %.0f %% of the layers reused\n", NUMBER("points"), NUMBER("shared_ms"),
           100 * NUMBER("layers_reused"));
    printf("  factor %.2fx (%.2f to %.2f) over all %.0f runs; %.2fx when the unpruned run counts as a cost of sharing only\n",
           NUMBER("factor"), NUMBER("factor_min"), NUMBER("factor_max"), NUMBER("points") + 1, NUMBER("factor_without_unpruned"));
#undef NUMBER
}
