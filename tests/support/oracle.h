/* oracle.h - every layer of every tiny model against a float32 PyTorch run (tests/oracle), with and without pruning, on any backend. */
#ifndef SAINT_TESTS_SUPPORT_ORACLE_H
#define SAINT_TESTS_SUPPORT_ORACLE_H

#include "support/test.h"

#include <math.h>

#include "engine.h"
#include "formats/checkpoint.h"

typedef struct {
    saint_session_options session;
    const char *label;
    double limit; /* relative L2 per tensor */
    bool exact;   /* f32: answers and kept lists are the oracle's too; else only cases without pruning, and only tensors */
    bool unseen;  /* nobody looks at single layers: a device decides sites by itself. Kept lists and answers alone are compared */
} oracle_options;

static const char *const oracle_folders[] = {"clip-vit-tiny", "timm-vit-tiny", "deit-distilled-ls-tiny", "mae-vit-tiny", "llama-tiny",
                                      "llama-tiny-sharded", "llava-tiny-new", "llava-tiny-old", "llava-tiny-liuhaotian"};

typedef struct {
    const saint_checkpoint *oracle;
    const char *where;
    const oracle_options *o;
    int prefix, compared, n_cu;
    int32_t cu[16]; /* rows of each image at the layer at hand, as the taps come */
    int per_image;
    double worst;
} comparison;

static inline double rel_l2(const float *a, const float *b, size_t n)
{
    double diff = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - b[i];
        diff += d * d;
        norm += (double)b[i] * b[i];
    }
    return norm > 0 ? sqrt(diff / norm) : sqrt(diff);
}

static int argmax(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

static void compare(comparison *c, const char *name, const float *data, int64_t count)
{
    const saint_tensor *t = saint_checkpoint_find(c->oracle, name);
    if (!t) return;
    int64_t have = (int64_t)(t->bytes / sizeof(float));
    if (strncmp(name, "llm.logits", 10) == 0 && have > count) have = count; /* the padded vocabulary of another layout */
    if (have != count) fail_msg("%s %s: %lld values, the oracle has %lld", c->where, name, (long long)count, (long long)have);
    double e = rel_l2(data, t->data, (size_t)count);
    if (!(e <= c->o->limit)) fail_msg("%s %s: relative L2 %.3g", c->where, name, e);
    if (c->o->exact && strncmp(name, "llm.logits", 10) == 0) assert_int_equal(argmax(data, (int)count), argmax(t->data, (int)count));
    if (e > c->worst) c->worst = e;
    c->compared++;
}

/* The oracle's ViT metric leaves the prefix rows out; ours carries them so that selection and statistics can index by row. */
static void compare_metric(comparison *c, const char *name, const float *data, int64_t rows, int64_t cols)
{
    float *patches = malloc((size_t)(rows * cols) * sizeof *patches);
    int64_t n = 0;
    for (int i = 0; i < c->n_cu; i++)
        for (int64_t r = c->cu[i] + c->prefix; r < c->cu[i + 1]; r++, n++)
            memcpy(patches + n * cols, data + r * cols, (size_t)cols * sizeof *data);
    compare(c, name, patches, n * cols);
    free(patches);
}

static void look(void *ud, const char *name, const float *data, int64_t rows, int64_t cols)
{
    comparison *c = ud;
    int layer;
    char tail[16];
    if (sscanf(name, "vit.%d.%15s", &layer, tail) == 2) {
        if (strcmp(tail, "metric") == 0) {
            compare_metric(c, name, data, rows, cols);
            return;
        }
        char bounds[32]; /* rows of each image once this layer is through */
        snprintf(bounds, sizeof bounds, "vit.%d.cu", layer);
        compare(c, name, data, rows * cols);
        const saint_tensor *cu = saint_checkpoint_find(c->oracle, bounds);
        if (strcmp(tail, "out") == 0 && cu) {
            c->n_cu = (int)cu->shape[0] - 1;
            memcpy(c->cu, cu->data, cu->bytes);
        }
        return;
    }
    compare(c, name, data, rows * cols);
}

/* Kept lists of all images at one site, packed, against the oracle's. */
static void compare_kept(comparison *c, const saint_trace *t)
{
    for (int i = 0; i < t->image[0].history.n_sites; i++) {
        const saint_trace_site *first = t->image[0].history.site[i];
        char name[32];
        snprintf(name, sizeof name, "%s.%d.kept", first->stage == SAINT_STAGE_VIT ? "vit" : "llm", first->layer);
        const saint_tensor *want = saint_checkpoint_find(c->oracle, name);
        if (!want) fail_msg("%s: a site at %s that the oracle does not have", c->where, name);
        const int32_t *w = want->data;
        int64_t at = 0;
        for (int k = 0; k < t->n_images; k++) {
            const saint_trace_site *s = t->image[k].history.site[i];
            for (int j = 0; j < s->n_keep; j++, at++) {
                if (at >= want->shape[0]) fail_msg("%s %s: more survivors than the oracle's %lld", c->where, name, (long long)want->shape[0]);
                bool text = s->kept[j] < 0 && w[at] < 0; /* rows of text: numbered in another way */
                if (!text && s->kept[j] != w[at]) fail_msg("%s %s: survivor %lld is %d, the oracle keeps %d", c->where, name, (long long)at, s->kept[j], w[at]);
            }
        }
        assert_int_equal(at, want->shape[0]);
        c->compared++;
    }
}

static int *read_ints(const cJSON *array, int *n)
{
    *n = cJSON_GetArraySize(array);
    int *out = malloc(((size_t)*n + 1) * sizeof *out);
    int i = 0;
    for (const cJSON *x = array ? array->child : NULL; x; x = x->next) out[i++] = x->valueint;
    return out;
}

static void run_case(const char *folder, const cJSON *item, saint_engine *engine, const oracle_options *o)
{
    char path[512], where[160];
    comparison c = {.where = where, .o = o};
    if (!o->exact && strcmp(cJSON_GetObjectItem(item, "name")->valuestring, "none") != 0) return;
    snprintf(where, sizeof where, "%s/%s", folder, cJSON_GetObjectItem(item, "name")->valuestring);
    snprintf(path, sizeof path, "%s/%s", SAINT_FIXTURE_DIR, folder);
    const cJSON *template = cJSON_GetObjectItem(item, "template"), *prompt = cJSON_GetObjectItem(item, "prompt");
    saint_model_options options = {.template_name = template ? template->valuestring : NULL, .fit = "crop"};
    saint_model *m;
    saint_session *s;
    saint_checkpoint *oracle;
    assert_ok(saint_model_load(&m, path, &options, err));
    snprintf(path, sizeof path, "%s/%s/%s", SAINT_FIXTURE_DIR, folder, cJSON_GetObjectItem(item, "file")->valuestring);
    assert_ok(saint_checkpoint_open_file(&oracle, path, err));
    assert_ok(saint_session_open(&s, engine, m, &o->session, err));
    c.oracle = oracle;
    c.prefix = saint_model_get_info(m)->vit_prefix;

    saint_request q = {.max_new_tokens = 0, .want_stats = !o->unseen};
    saint_settings_default(&q.settings);
    assert_ok(saint_settings_set(&q.settings, "compat", cJSON_GetObjectItem(item, "compat")->valuestring, err));
    for (const cJSON *a = cJSON_GetObjectItem(item, "set")->child; a; a = a->next)
        assert_ok(saint_settings_set(&q.settings, a->string, a->valuestring, err));
    saint_image images[8] = {{0}};
    const cJSON *pictures = cJSON_GetObjectItem(item, "pictures");
    for (const cJSON *p = pictures ? pictures->child : NULL; p; p = p->next) {
        snprintf(path, sizeof path, "%s/%s/%s", SAINT_FIXTURE_DIR, folder, p->valuestring);
        assert_ok(saint_image_load(path, &images[q.n_images], err));
        q.n_images++;
    }
    q.images = images;
    /* the pictures have the network's size already: a crop_pct would enlarge them first */
    saint_preproc whole = *saint_model_preproc(m);
    size_t each = 3 * (size_t)whole.side * (size_t)whole.side;
    float *pixels = whole.resize != whole.side ? malloc((size_t)q.n_images * each * sizeof *pixels) : NULL;
    whole.resize = whole.side;
    for (int i = 0; pixels && i < q.n_images; i++) assert_ok(saint_preprocess(&whole, &images[i], pixels + (size_t)i * each, NULL, err));
    q.pixels = pixels;
    int n_ids = 0, n_answer = 0, rows = saint_model_get_info(m)->grid_w * saint_model_get_info(m)->grid_h + c.prefix;
    c.n_cu = q.n_images;
    for (int i = 0; i <= q.n_images; i++) c.cu[i] = i * rows;
    int *ids = read_ints(cJSON_GetObjectItem(item, "ids"), &n_ids), *answer = read_ints(cJSON_GetObjectItem(item, "answer_ids"), &n_answer);
    if (prompt) q.prompt = prompt->valuestring;
    else if (n_ids) {
        q.ids = ids;
        q.n_prefix = cJSON_GetObjectItem(item, "n_prefix")->valueint;
        q.n_suffix = n_ids - q.n_prefix;
    }
    q.max_new_tokens = n_answer; /* in 16 bits another token may come first: the logits of later steps are then another sentence's */
    if (!o->exact) q.max_new_tokens = n_answer > 0;
    q.ignore_eos = true;
    saint_observer ob = {.tap = look, .ud = &c};
    saint_trace *t;
    assert_ok(saint_session_run(s, &q, o->unseen ? NULL : &ob, &t, err));
    for (int i = 0; o->unseen && i < t->image[0].history.n_sites; i++) assert_true(t->image[0].history.site[i]->on_device);
    if (o->exact) compare_kept(&c, t);
    assert_int_equal(t->image[0].n_ids, q.max_new_tokens);
    for (int i = 0; o->exact && i < n_answer; i++) assert_int_equal(t->image[0].ids[i], answer[i]);
    const cJSON *text = cJSON_GetObjectItem(item, "answer");
    if (o->exact && text && t->image[0].answer) assert_string_equal(t->image[0].answer, text->valuestring);
    if (!o->unseen && c.compared < 3) fail_msg("%s: only %d tensors compared", where, c.compared);
    printf("  %-45s %-12s %3d tensors, worst relative L2 %.2g\n", where, o->label, c.compared, c.worst);
    saint_trace_unref(t);
    saint_session_close(s);
    saint_checkpoint_close(oracle);
    saint_model_unref(m);
    for (int i = 0; i < q.n_images; i++) saint_image_free(&images[i]);
    free(pixels);
    free(ids);
    free(answer);
}

static void oracle_cases(saint_engine *engine, const oracle_options *o)
{
    for (size_t i = 0; i < sizeof oracle_folders / sizeof *oracle_folders; i++) {
        char path[512];
        cJSON *c;
        snprintf(path, sizeof path, "%s/%s/cases.json", SAINT_FIXTURE_DIR, oracle_folders[i]);
        assert_ok(saint_json_load(path, 1 << 24, &c, err));
        for (const cJSON *item = cJSON_GetObjectItem(c, "cases")->child; item; item = item->next) run_case(oracle_folders[i], item, engine, o);
        cJSON_Delete(c);
    }
}

#endif
