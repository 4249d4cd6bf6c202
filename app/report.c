#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "version.h"

void report_company(cJSON *o, device_company c)
{
    cJSON_AddBoolToObject(o, "timing_valid", c == DEVICE_ALONE);
    if (c != DEVICE_ALONE) cJSON_AddStringToObject(o, "timing_note", device_company_note(c));
}

static const char *stage_name(saint_stage s)
{
    return s == SAINT_STAGE_VIT ? "vit" : "llm";
}

static void add_int_list(cJSON *o, const char *key, const int32_t *v, int n)
{
    cJSON *a = cJSON_AddArrayToObject(o, key);
    for (int i = 0; i < n; i++) cJSON_AddItemToArray(a, cJSON_CreateNumber(v[i]));
}

static cJSON *sites_json(const saint_trace_image *im)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < im->history.n_sites; i++) {
        const saint_trace_site *s = im->history.site[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "stage", stage_name(s->stage));
        cJSON_AddNumberToObject(o, "layer", s->layer);
        cJSON_AddStringToObject(o, "method", s->method->name);
        cJSON_AddNumberToObject(o, "n_in", s->image_in);
        cJSON_AddNumberToObject(o, "n_out", s->n_keep);
        if (s->n_in != s->image_in) cJSON_AddNumberToObject(o, "candidates", s->n_in);
        if (s->text_dropped) cJSON_AddNumberToObject(o, "text_dropped", s->text_dropped);
        cJSON_AddNumberToObject(o, "merged", s->n_merge);
        if (isfinite(s->margin)) cJSON_AddNumberToObject(o, "margin", (double)s->margin);
        cJSON_AddNumberToObject(o, "select_ms", s->seconds * 1e3);
        cJSON_AddStringToObject(o, "selected_on", s->on_device ? "device" : "host");
        add_int_list(o, "kept", s->kept, s->n_keep);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void add_stats(cJSON *o, const saint_layer_stats *s)
{
    cJSON *c = cJSON_AddObjectToObject(o, "similarity");
    const struct {
        const char *key;
        float v;
    } rows[] = {{"mean_cosine", s->mean_cosine}, {"share_above", s->share_above}, {"share_degree_k", s->share_degree_k},
                {"mean_degree", s->mean_degree}, {"effective_rank", s->effective_rank}};
    cJSON_AddNumberToObject(c, "tokens", s->n);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cJSON_AddItemToObject(c, rows[i].key, isfinite(rows[i].v) ? cJSON_CreateNumber((double)rows[i].v) : cJSON_CreateNull());
}

static cJSON *layers_json(const saint_trace_image *im)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < im->history.n_layers; i++) {
        const saint_trace_layer *y = &im->history.layer[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "stage", stage_name(y->stage));
        cJSON_AddNumberToObject(o, "layer", y->layer);
        cJSON_AddNumberToObject(o, "n_in", y->n_in);
        cJSON_AddNumberToObject(o, "n_out", y->n_out);
        cJSON_AddNumberToObject(o, "ms", y->seconds * 1e3);
        cJSON_AddNumberToObject(o, "flops", y->flops);
        if (y->reused) cJSON_AddTrueToObject(o, "reused");
        if (y->has_stats) add_stats(o, &y->stats);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void label_of(const saint_model *m, int klass, char *out, size_t size)
{
    const char *name = saint_model_label(m, klass);
    if (name) snprintf(out, size, "%s", name);
    else snprintf(out, size, "class %d", klass);
}

typedef struct {
    int klass;
    double probability;
} ranked;

/* The five likeliest classes; the lowest class first on ties. */
static int top5(const saint_trace_image *im, ranked out[5])
{
    double max = -INFINITY, sum = 0;
    for (int i = 0; i < im->n_logits; i++) max = fmax(max, (double)im->logits[i]);
    for (int i = 0; i < im->n_logits; i++) sum += exp((double)im->logits[i] - max);
    int n = im->n_logits < 5 ? im->n_logits : 5;
    for (int k = 0; k < n; k++) {
        int best = -1;
        for (int i = 0; i < im->n_logits; i++) {
            bool taken = false;
            for (int j = 0; j < k; j++) taken |= out[j].klass == i;
            if (!taken && (best < 0 || im->logits[i] > im->logits[best])) best = i;
        }
        out[k] = (ranked){best, exp((double)im->logits[best] - max) / sum};
    }
    return n;
}

static cJSON *top5_json(const saint_model *m, const saint_trace_image *im)
{
    ranked r[5];
    int n = top5(im, r);
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < n; i++) {
        char label[256];
        cJSON *o = cJSON_CreateObject();
        label_of(m, r[i].klass, label, sizeof label);
        cJSON_AddStringToObject(o, "label", label);
        cJSON_AddNumberToObject(o, "class", r[i].klass);
        cJSON_AddNumberToObject(o, "probability", r[i].probability);
        cJSON_AddNumberToObject(o, "logit", (double)im->logits[r[i].klass]);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void add_image(cJSON *o, const report_input *in, const saint_trace_image *im)
{
    const saint_model_info *info = saint_model_get_info(in->model);
    if (info->llm_layers) {
        cJSON_AddItemToObject(o, "answer", im->answer ? cJSON_CreateString(im->answer) : cJSON_CreateNull());
        add_int_list(o, "answer_ids", im->ids, im->n_ids);
        cJSON_AddStringToObject(o, "stop", im->stop);
    } else if (info->classes) {
        cJSON_AddItemToObject(o, "top5", top5_json(in->model, im));
    }
    cJSON *tokens = cJSON_AddObjectToObject(o, "tokens");
    cJSON_AddNumberToObject(tokens, "vit_in", im->vit_in);
    cJSON_AddNumberToObject(tokens, "vit_out", im->vit_out);
    cJSON_AddNumberToObject(tokens, "projector", info->llm_layers ? im->vit_out : 0);
    cJSON_AddNumberToObject(tokens, "llm_in", im->llm_in);
    cJSON_AddNumberToObject(tokens, "text_prefix", im->n_prefix);
    cJSON_AddNumberToObject(tokens, "text_suffix", im->n_suffix);
    cJSON_AddNumberToObject(tokens, "window_first", im->window_first);
    cJSON_AddNumberToObject(tokens, "window_length", im->window_length);
    cJSON_AddItemToObject(tokens, "per_site", sites_json(im));
    cJSON_AddNumberToObject(tokens, "equivalent", im->equivalent);
    cJSON *flops = cJSON_AddObjectToObject(o, "flops");
    cJSON_AddNumberToObject(flops, "vit", im->flops_vit);
    cJSON_AddNumberToObject(flops, "projector", im->flops_projector);
    cJSON_AddNumberToObject(flops, "prefill", im->flops_prefill);
    cJSON_AddNumberToObject(flops, "decode", im->flops_decode);
    cJSON_AddNumberToObject(flops, "total", im->flops_vit + im->flops_projector + im->flops_prefill + im->flops_decode);
    cJSON_AddNumberToObject(o, "kv_bytes", (double)im->kv_bytes);
    cJSON_AddItemToObject(o, "layers", layers_json(im));
}

static void add_compat(cJSON *c, unsigned compat)
{
    unsigned all = (1u << SAINT_COMPAT_COUNT) - 1;
    cJSON_AddStringToObject(c, "compat", compat == 0 ? "corrected" : compat == all ? "reference" : "mixed");
    cJSON *flags = cJSON_AddArrayToObject(c, "compat_flags");
    for (int i = 0; saint_compat_name(i); i++)
        if (compat & 1u << i) cJSON_AddItemToArray(flags, cJSON_CreateString(saint_compat_name(i)));
}

cJSON *report_json(const report_input *in)
{
    const saint_trace *t = in->trace;
    const saint_model_info *info = saint_model_get_info(in->model);
    cJSON *c = cJSON_CreateObject();
    char hex[65];
    cJSON_AddStringToObject(c, "mode", saint_mode_name(t->mode));
    add_compat(c, t->plan.compat);
    if (t->n_images == 1) {
        add_image(c, in, &t->image[0]);
    } else {
        cJSON *list = cJSON_AddArrayToObject(c, "results");
        for (int i = 0; i < t->n_images; i++) {
            cJSON *o = cJSON_CreateObject();
            if (in->files) cJSON_AddStringToObject(o, "image", in->files[i]);
            add_image(o, in, &t->image[i]);
            cJSON_AddItemToArray(list, o);
        }
    }
    cJSON *ms = cJSON_AddObjectToObject(c, "timings_ms");
    cJSON_AddNumberToObject(ms, "decode_image", in->decode_image_seconds * 1e3);
    cJSON_AddNumberToObject(ms, "preprocess", t->seconds.preprocess * 1e3);
    cJSON_AddNumberToObject(ms, "vit", t->seconds.vit * 1e3);
    cJSON_AddNumberToObject(ms, "selection", t->seconds.selection * 1e3);
    cJSON_AddNumberToObject(ms, "projector", t->seconds.projector * 1e3);
    cJSON_AddNumberToObject(ms, "prefill", t->seconds.prefill * 1e3);
    cJSON_AddNumberToObject(ms, "decode", t->seconds.decode * 1e3);
    cJSON_AddNumberToObject(ms, "total", (in->decode_image_seconds + t->seconds.total) * 1e3);
    report_company(c, in->company);
    cJSON *model = cJSON_AddObjectToObject(c, "model");
    saint_digest_hex(&info->digest, hex);
    cJSON_AddStringToObject(model, "name", info->name);
    cJSON_AddStringToObject(model, "sha256", hex);
    cJSON_AddBoolToObject(model, "sha256_sampled", info->digest_sampled);
    cJSON_AddBoolToObject(model, "random_weights", info->random_weights);
    cJSON_AddStringToObject(c, "device", t->device);
    cJSON_AddStringToObject(c, "kernels", t->tier);
    cJSON_AddStringToObject(c, "dtype", t->dtype);
    cJSON_AddNumberToObject(c, "threads", t->threads);
    cJSON_AddStringToObject(c, "version", saint_version);
    cJSON_AddStringToObject(c, "commit", saint_commit);
    cJSON *notes = cJSON_AddArrayToObject(c, "warnings");
    for (int i = 0; i < t->notes.n; i++) cJSON_AddItemToArray(notes, cJSON_CreateString(t->notes.text[i]));
    return c;
}

/* A model may answer anything, escape sequences too, and so may the names in its files: nothing of it reaches the terminal but text. */
static void print_clean(const char *text)
{
    cli_put_clean(stdout, text, SIZE_MAX);
    putchar('\n');
}

static void image_text(const report_input *in, const saint_trace_image *im)
{
    const saint_model_info *info = saint_model_get_info(in->model);
    if (im->answer) {
        fputs("answer      ", stdout);
        print_clean(im->answer);
    } else if (info->llm_layers && info->random_weights)
        printf("answer      none: random weights have no vocabulary (%d tokens decoded)\n", im->n_ids);
    if (!info->llm_layers && info->classes) {
        ranked r[5];
        int n = top5(im, r);
        for (int i = 0; i < n; i++) {
            char label[256];
            label_of(in->model, r[i].klass, label, sizeof label);
            printf("%5.1f %%     ", r[i].probability * 100);
            print_clean(label);
        }
    }
    if (im->vit_in) printf("tokens      %d patches in, %d out of the ViT", im->vit_in, im->vit_out);
    if (im->vit_in && info->llm_layers) printf(", %.1f seen by an LLM layer on average", im->equivalent);
    if (im->vit_in) putchar('\n');
    for (int i = 0; i < im->history.n_sites; i++) {
        const saint_trace_site *s = im->history.site[i];
        printf("  %s %2d     %-28s %4d -> %4d   %.2f ms\n", s->stage == SAINT_STAGE_VIT ? "ViT" : "LLM", s->layer, s->method->name,
               s->image_in, s->n_keep, s->seconds * 1e3);
    }
    printf("cost        %.1f GFLOP", (im->flops_vit + im->flops_projector + im->flops_prefill + im->flops_decode) * 1e-9);
    if (im->kv_bytes) printf(", %.1f MiB of keys and values", (double)im->kv_bytes / 1048576);
    putchar('\n');
}

void report_text(const report_input *in)
{
    const saint_trace *t = in->trace;
    for (int i = 0; i < t->n_images; i++) {
        if (t->n_images > 1 && i) putchar('\n');
        if (t->n_images > 1) print_clean(in->files ? in->files[i] : "");
        image_text(in, &t->image[i]);
    }
    printf("time        read %.1f, preprocess %.1f, ViT %.1f, selection %.2f", in->decode_image_seconds * 1e3, t->seconds.preprocess * 1e3,
           t->seconds.vit * 1e3, t->seconds.selection * 1e3);
    if (saint_model_get_info(in->model)->llm_layers)
        printf(", projector %.1f, prefill %.1f, decode %.1f", t->seconds.projector * 1e3, t->seconds.prefill * 1e3, t->seconds.decode * 1e3);
    printf(" ms (measured%s%s)\n", in->company ? " while " : "", device_company_while(in->company));
    printf("run         mode %s, %s, %s (%s), %d threads\n", saint_mode_name(t->mode), t->dtype, t->device, t->tier, t->threads);
}
