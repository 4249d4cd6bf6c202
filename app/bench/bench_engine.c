/* A whole network, unpruned and pruned, in turns, so that the machine's drift hits all alike. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { MAX_VARIANTS = 8, MAX_REPEATS = 64, MAX_SITES = 48, PREFIX = 35, SUFFIX = 25, NEW_TOKENS = 8 };

typedef struct {
    saint_stage stage;
    int layer;
    const char *method;
    bool on_device;
    int n_in, n_out;
    double seconds;
} site_cost;

typedef struct {
    const char *name;
    saint_settings settings;
    saint_timings t[MAX_REPEATS];
    double flops_vit, flops_projector, flops_prefill, flops_decode, equivalent;
    int vit_out, llm_last, n_sites;
    site_cost site[MAX_SITES];
} variant;

/* Of the LLM, once a repeat: see saint_session_read_weights. */
typedef struct {
    size_t bytes;
    bool measured;
    double seconds[MAX_REPEATS];
} weight_reading;

/* A picture with plain and busy parts, the same everywhere. */
static saint_status test_picture(int side, saint_image *out, saint_error *err)
{
    saint_status s = saint_image_new(side, side, out, err);
    uint32_t state = 1;
    for (int y = 0; s == SAINT_OK && y < side; y++)
        for (int x = 0; x < side; x++) {
            uint8_t *p = out->rgb + 3 * ((size_t)y * (size_t)side + (size_t)x);
            state = state * 1664525u + 1013904223u;
            int noise = x * 2 > side ? (int)(state >> 24) / 3 : 0;
            p[0] = (uint8_t)(x * 160 / side + noise);
            p[1] = (uint8_t)(y * 160 / side + noise);
            p[2] = (uint8_t)(((x / 32 + y / 32) & 1) * 60 + noise);
        }
    return s;
}

static int add_preset(variant *v, int *n, const char *preset, const load_options *l, const saint_model_info *m)
{
    load_options one = *l;
    saint_notes notes = {0};
    one.preset = preset;
    v[*n].name = preset;
    int leave = load_settings("bench", &one, m, &v[*n].settings, &notes);
    *n += leave < 0;
    return leave;
}

/* Half of the patches by the cheapest rule there is, early: what a speed-up can be at best. Votes on random weights keep an arbitrary
 * number. */
static int add_half(variant *v, int *n, const saint_model_info *m)
{
    saint_error e = {0};
    char key[48];
    saint_settings *s = &v[*n].settings;
    v[*n].name = "grid half";
    saint_settings_default(s);
    snprintf(key, sizeof key, "prune_mode[%d]", m->vit_layers_run / 4);
    saint_status st = saint_settings_set(s, key, "grid", &e);
    if (st == SAINT_OK) st = saint_settings_set(s, "keep_num", "-1", &e);
    if (st == SAINT_OK) st = saint_settings_set(s, "keep_ratio", "0.5", &e);
    if (st != SAINT_OK) return cli_fail("bench", st, &e);
    ++*n;
    return -1;
}

/* So many patches behind the last ViT block that runs: what an LLM is given. Evenly spread, because random weights tell no patch from another. */
static int add_keeps(variant *v, int *n, const char *list, const saint_model_info *m)
{
    static char names[MAX_VARIANTS][24];
    for (const char *p = list; *p;) {
        char *end;
        long keep = strtol(p, &end, 10);
        if (end == p || (*end && *end != ',') || keep < 1 || keep > m->grid_w * m->grid_h || *n == MAX_VARIANTS)
            return cli_usage("bench", "--keep %s: expected at most %d numbers from 1 to %d with commas", list, MAX_VARIANTS - 1, m->grid_w * m->grid_h);
        p = *end ? end + 1 : end;
        saint_error e = {0};
        char key[48], value[16];
        saint_settings *s = &v[*n].settings;
        snprintf(names[*n], sizeof names[*n], "keep %ld", keep);
        v[*n].name = names[*n];
        saint_settings_default(s);
        snprintf(key, sizeof key, "prune_mode[%d]", m->vit_layers_run - 1);
        snprintf(value, sizeof value, "%ld", keep + m->vit_prefix);
        saint_status st = saint_settings_set(s, "use_saint", "false", &e);
        if (st == SAINT_OK && keep < m->grid_w * m->grid_h) st = saint_settings_set(s, key, "grid", &e);
        if (st == SAINT_OK) st = saint_settings_set(s, "keep_num", value, &e);
        if (st != SAINT_OK) return cli_fail("bench", st, &e);
        ++*n;
    }
    return -1;
}

static int choose_variants(variant *v, int *n, const load_options *l, const char *keep, const saint_model_info *m)
{
    static const char *const vlm[] = {"none", "vit-only", "llm-only", "hybrid", NULL}, *const vit[] = {"none", "vit-only", NULL};
    const char *const *names = m->llm_layers ? vlm : vit;
    int leave = -1;
    *n = 0;
    for (int i = 0; names[i] && leave < 0 && !(keep && i); i++) leave = add_preset(v, n, names[i], l, m);
    if (leave < 0) leave = keep ? add_keeps(v, n, keep, m) : add_half(v, n, m);
    if (leave < 0 && l->preset) leave = add_preset(v, n, l->preset, l, m);
    return leave;
}

/* What each site took, of the whole batch, in the run at hand. */
static void note_sites(variant *v, const saint_trace *t)
{
    v->n_sites = 0;
    for (int k = 0; k < t->image[0].history.n_sites && k < MAX_SITES; k++) {
        const saint_trace_site *s = t->image[0].history.site[k];
        double seconds = 0;
        for (int i = 0; i < t->n_images; i++) seconds += t->image[i].history.site[k]->seconds;
        v->site[v->n_sites++] = (site_cost){s->stage, s->layer, s->method->name, s->on_device, s->n_in, s->n_keep, seconds};
    }
}

static void add_sites(cJSON *o, const variant *v)
{
    cJSON *list = cJSON_AddArrayToObject(o, "sites"); /* of the last repeat */
    for (int i = 0; i < v->n_sites; i++) {
        const site_cost *s = &v->site[i];
        cJSON *x = cJSON_CreateObject();
        cJSON_AddStringToObject(x, "stage", s->stage == SAINT_STAGE_VIT ? "vit" : "llm");
        cJSON_AddNumberToObject(x, "layer", s->layer);
        cJSON_AddStringToObject(x, "method", s->method);
        cJSON_AddNumberToObject(x, "n_in", s->n_in);
        cJSON_AddNumberToObject(x, "n_out", s->n_out);
        cJSON_AddNumberToObject(x, "ms", s->seconds * 1e3);
        cJSON_AddStringToObject(x, "selected_on", s->on_device ? "device" : "host");
        cJSON_AddItemToArray(list, x);
    }
}

static saint_status run_once(saint_session *s, saint_request *q, variant *v, int repeat, saint_error *err)
{
    saint_trace *t = NULL;
    q->settings = v->settings;
    saint_status st = saint_session_run(s, q, NULL, &t, err);
    if (st != SAINT_OK) return st;
    const saint_trace_image *im = &t->image[0];
    if (repeat >= 0) v->t[repeat] = t->seconds;
    v->flops_vit = v->flops_projector = v->flops_prefill = v->flops_decode = 0;
    for (int i = 0; i < t->n_images; i++) {
        v->flops_vit += t->image[i].flops_vit;
        v->flops_projector += t->image[i].flops_projector;
        v->flops_prefill += t->image[i].flops_prefill;
        v->flops_decode += t->image[i].flops_decode;
    }
    v->equivalent = im->equivalent;
    v->vit_out = im->vit_out;
    v->llm_last = im->history.n_layers ? im->history.layer[im->history.n_layers - 1].image_in : 0;
    note_sites(v, t);
    saint_trace_unref(t);
    return SAINT_OK;
}

/* Median of one phase; the smallest and the largest where they are wanted. */
static double median_of(const variant *v, int repeats, size_t offset, double *least, double *most)
{
    double x[MAX_REPEATS];
    for (int i = 0; i < repeats; i++) memcpy(&x[i], (const char *)&v->t[i] + offset, sizeof *x);
    double median = bench_median(x, repeats);
    if (least) *least = x[0];
    if (most) *most = x[repeats - 1];
    return median;
}

/* Decoding against reading the same weights in the same repeat: the roof drifts with whoever shares the memory. */
static void add_decode_roof(cJSON *decode, const variant *v, int repeats, const weight_reading *w)
{
    double gbs[MAX_REPEATS], part[MAX_REPEATS];
    for (int r = 0; r < repeats; r++) {
        double token = v->t[r].decode / (NEW_TOKENS - 1);
        gbs[r] = (double)w->bytes * 1e-9 / token;
        part[r] = w->seconds[r] / token;
    }
    cJSON_AddNumberToObject(decode, "gbs", bench_median(gbs, repeats));
    if (!w->measured) return;
    cJSON_AddNumberToObject(decode, "of_read", bench_median(part, repeats));
    cJSON_AddNumberToObject(decode, "of_read_min", part[0]);
    cJSON_AddNumberToObject(decode, "of_read_max", part[repeats - 1]);
}

static void add_phase(cJSON *o, const char *name, const variant *v, int repeats, size_t offset, double flops)
{
    double least, most, seconds = median_of(v, repeats, offset, &least, &most);
    cJSON *p = cJSON_AddObjectToObject(o, name);
    cJSON_AddNumberToObject(p, "ms", seconds * 1e3);
    cJSON_AddNumberToObject(p, "ms_min", least * 1e3);
    cJSON_AddNumberToObject(p, "ms_max", most * 1e3);
    if (flops > 0) {
        cJSON_AddNumberToObject(p, "gflop", flops * 1e-9);
        cJSON_AddNumberToObject(p, "gflops", seconds > 0 ? flops / seconds * 1e-9 : 0);
    }
}

static cJSON *variant_json(const variant *v, const variant *base, int repeats, const weight_reading *w, const saint_model_info *m)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "preset", v->name);
    cJSON_AddNumberToObject(o, "vit_out", v->vit_out);
    if (m->llm_layers) cJSON_AddNumberToObject(o, "image_tokens_last_layer", v->llm_last);
    cJSON_AddNumberToObject(o, "equivalent", v->equivalent);
    add_phase(o, "vit", v, repeats, offsetof(saint_timings, vit), v->flops_vit);
    add_phase(o, "selection", v, repeats, offsetof(saint_timings, selection), 0);
    add_sites(o, v);
    double flops = v->flops_vit, flops_base = base->flops_vit;
    if (m->llm_layers) {
        add_phase(o, "projector", v, repeats, offsetof(saint_timings, projector), v->flops_projector);
        add_phase(o, "prefill", v, repeats, offsetof(saint_timings, prefill), v->flops_prefill);
        add_phase(o, "decode", v, repeats, offsetof(saint_timings, decode), v->flops_decode);
        add_decode_roof(cJSON_GetObjectItem(o, "decode"), v, repeats, w);
        cJSON_AddNumberToObject(o, "decode_tokens_per_second", (NEW_TOKENS - 1) / median_of(v, repeats, offsetof(saint_timings, decode), NULL, NULL));
        flops += v->flops_projector + v->flops_prefill;
        flops_base += base->flops_projector + base->flops_prefill;
    }
    double ratios[MAX_REPEATS];
    for (int i = 0; i < repeats; i++) {
        const saint_timings *a = &base->t[i], *b = &v->t[i];
        ratios[i] = (a->vit + a->selection + a->projector + a->prefill) / (b->vit + b->selection + b->projector + b->prefill);
    }
    cJSON_AddNumberToObject(o, "speedup", bench_median(ratios, repeats)); /* of everything before the first token */
    cJSON_AddNumberToObject(o, "speedup_min", ratios[0]);
    cJSON_AddNumberToObject(o, "speedup_max", ratios[repeats - 1]);
    cJSON_AddNumberToObject(o, "flops_ratio", flops_base / flops);
    return o;
}

static saint_status measure(saint_session *s, saint_request *q, variant *v, int n, int repeats, weight_reading *w, saint_error *err)
{
    saint_status st = run_once(s, q, &v[0], -1, err);
    for (int r = 0; r < repeats && st == SAINT_OK; r++) {
        for (int i = 0; i < n && st == SAINT_OK; i++) st = run_once(s, q, &v[i], r, err);
        if (st == SAINT_OK) st = saint_session_read_weights(s, &w->bytes, &w->seconds[r], err);
        w->measured = w->seconds[r] > 0;
    }
    return st;
}

static void add_weight_reading(cJSON *o, const weight_reading *w, int repeats)
{
    if (!w->bytes) return;
    cJSON *x = cJSON_AddObjectToObject(o, "decode_reads");
    cJSON_AddNumberToObject(x, "gb", (double)w->bytes * 1e-9);
    if (!w->measured) return;
    double gbs[MAX_REPEATS];
    for (int r = 0; r < repeats; r++) gbs[r] = (double)w->bytes * 1e-9 / w->seconds[r];
    cJSON_AddNumberToObject(x, "gbs", bench_median(gbs, repeats));
    cJSON_AddNumberToObject(x, "gbs_min", gbs[0]);
    cJSON_AddNumberToObject(x, "gbs_max", gbs[repeats - 1]);
}

int bench_engine(const load_options *l, int repeats, int batch, const char *keep, bool plain, device_use *use, device_company *company, cJSON **out)
{
    saint_error e = {0};
    saint_engine *engine = NULL;
    saint_model *m = NULL;
    saint_session *session = NULL;
    saint_image picture = {0}, *pictures = calloc((size_t)batch, sizeof *pictures);
    saint_session_options so = {0};
    weight_reading weights = {0};
    variant *v = calloc(MAX_VARIANTS, sizeof *v);
    int n = 0, status = v && pictures ? load_engine("bench", l, &engine, &so) : EXIT_FAILED;
    if (status < 0) load_use("bench", &so, use);
    if (status < 0) status = load_model("bench", l, &m);
    if (status < 0) status = choose_variants(v, &n, l, keep, saint_model_get_info(m));
    if (status < 0) {
        const saint_model_info *info = saint_model_get_info(m);
        int32_t ids[PREFIX + SUFFIX];
        for (int i = 0; i < PREFIX + SUFFIX; i++) ids[i] = (i * 7919) % (info->vocab > 0 ? info->vocab : 1);
        saint_request q = {.images = pictures, .n_images = batch, .ids = ids, .n_prefix = PREFIX, .n_suffix = SUFFIX,
                           .max_new_tokens = info->llm_layers ? NEW_TOKENS : 0, .ignore_eos = true};
        saint_status s = test_picture(info->image_side, &picture, &e);
        for (int i = 0; i < batch; i++) pictures[i] = picture;
        so.plain = plain;
        if (s == SAINT_OK) s = saint_session_open(&session, engine, m, &so, &e);
        (void)device_use_alone(use);
        if (s == SAINT_OK) s = measure(session, &q, v, n, repeats, &weights, &e);
        *company = device_use_company(use);
        status = s == SAINT_OK ? EXIT_DONE : cli_fail("bench", s, &e);
        if (s == SAINT_OK) {
            *out = cJSON_CreateObject();
            cJSON_AddStringToObject(*out, "suite", "engine");
            cJSON_AddStringToObject(*out, "model", info->name);
            cJSON_AddBoolToObject(*out, "random_weights", info->random_weights);
            cJSON_AddStringToObject(*out, "dtype", so.dtype == SAINT_F32 ? "f32" : so.dtype == SAINT_F16 ? "f16" : "bf16");
            cJSON_AddStringToObject(*out, "backend", saint_session_backend(session));
            cJSON_AddStringToObject(*out, "kernels", saint_session_tier(session));
            cJSON_AddNumberToObject(*out, "threads", saint_engine_threads(engine));
            cJSON_AddBoolToObject(*out, "recorded", !plain && strcmp(saint_session_backend(session), "cpu") != 0);
            cJSON_AddNumberToObject(*out, "repeats", repeats);
            cJSON_AddNumberToObject(*out, "batch", batch);
            add_weight_reading(*out, &weights, repeats);
            cJSON *list = cJSON_AddArrayToObject(*out, "rows");
            for (int i = 0; i < n; i++) cJSON_AddItemToArray(list, variant_json(&v[i], &v[0], repeats, &weights, info));
        }
    }
    saint_image_free(&picture);
    free(pictures);
    saint_session_close(session);
    saint_model_unref(m);
    saint_engine_close(engine);
    free(v);
    return status;
}

static double phase(const cJSON *o, const char *name, const char *key)
{
    const cJSON *p = cJSON_GetObjectItem(o, name), *x = p ? cJSON_GetObjectItem(p, key) : NULL;
    return x ? x->valuedouble : 0;
}

static void print_decode_roof(const cJSON *c)
{
    const cJSON *reads = cJSON_GetObjectItem(c, "decode_reads"), *first = cJSON_GetObjectItem(c, "rows")->child;
    if (!reads) return;
    printf("decode: %d tokens; each reads %.3g GB of weights, `%s` at %.3g GB/s", NEW_TOKENS - 1, cJSON_GetObjectItem(reads, "gb")->valuedouble,
           cJSON_GetObjectItem(first, "preset")->valuestring, phase(first, "decode", "gbs"));
    if (cJSON_GetObjectItem(reads, "gbs"))
        printf(", %.0f %% of what reading just these takes here (%.3g GB/s)", 100 * phase(first, "decode", "of_read"),
               cJSON_GetObjectItem(reads, "gbs")->valuedouble);
    puts("");
}

void bench_engine_print(const cJSON *c)
{
    printf("%s, %s, %s kernels, %d threads, %d at a time%s\n", cJSON_GetObjectItem(c, "model")->valuestring, cJSON_GetObjectItem(c, "dtype")->valuestring,
           cJSON_GetObjectItem(c, "kernels")->valuestring, cJSON_GetObjectItem(c, "threads")->valueint, cJSON_GetObjectItem(c, "batch")->valueint,
           cJSON_IsTrue(cJSON_GetObjectItem(c, "random_weights")) ? ", random weights" : "");
    printf("%-16s %7s %7s %9s %8s %9s %9s %9s %8s %8s\n", "preset", "tokens", "equiv.", "ViT ms", "GFLOP/s", "select ms", "prefill",
           "decode", "speedup", "FLOPs x");
    for (const cJSON *o = cJSON_GetObjectItem(c, "rows")->child; o; o = o->next)
        printf("%-16s %7d %7.1f %9.1f %8.0f %9.2f %9.1f %9.1f %7.2fx %7.2fx\n", cJSON_GetObjectItem(o, "preset")->valuestring,
               cJSON_GetObjectItem(o, "vit_out")->valueint, cJSON_GetObjectItem(o, "equivalent")->valuedouble, phase(o, "vit", "ms"),
               phase(o, "vit", "gflops"), phase(o, "selection", "ms"), phase(o, "prefill", "ms"), phase(o, "decode", "ms"),
               cJSON_GetObjectItem(o, "speedup")->valuedouble, cJSON_GetObjectItem(o, "flops_ratio")->valuedouble);
    print_decode_roof(c);
    puts("speedup: everything before the first token, median of the pairwise ratios to `none`; FLOPs x: what the analytic cost promises");
}
