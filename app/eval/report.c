#include "eval/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "version.h"

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void add_warnings(cJSON *o, const eval_report *in)
{
    const saint_dataset_info *d = saint_dataset_get_info(in->data);
    cJSON *list = cJSON_AddArrayToObject(o, "warnings");
    for (size_t i = 0; i < in->mine->score.n_warnings; i++) cJSON_AddItemToArray(list, cJSON_CreateString(in->mine->score.warning[i]));
    for (size_t i = 0; i < d->n_notes; i++) cJSON_AddItemToArray(list, cJSON_CreateString(d->notes[i]));
    for (int i = 0; i < in->notes->n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(in->notes->text[i]));
}

enum { ERRORS_SHOWN = 5 };

static void add_errors(cJSON *o, const eval_report *in)
{
    cJSON *list = cJSON_AddArrayToObject(o, "errors");
    size_t n = 0;
    for (size_t i = 0; i < saint_dataset_count(in->data) && n < ERRORS_SHOWN; i++) {
        const eval_result *r = in->result[i];
        if (!r || r->state == EVAL_OK) continue;
        cJSON *e = cJSON_CreateObject();
        cJSON_AddStringToObject(e, "uid", saint_dataset_uid(in->data, i));
        cJSON_AddStringToObject(e, "error", r->error);
        cJSON_AddItemToArray(list, e);
        n++;
    }
}

static void add_about(cJSON *o, const eval_report *in)
{
    const saint_model_info *m = saint_model_get_info(in->model);
    const saint_dataset_info *d = saint_dataset_get_info(in->data);
    char hex[65], id[17];
    saint_digest_hex(&d->digest, hex);
    cJSON *data = cJSON_AddObjectToObject(o, "data");
    cJSON_AddStringToObject(data, "kind", saint_data_kind_name(d->kind));
    cJSON_AddStringToObject(data, "path", d->path);
    cJSON_AddStringToObject(data, "sha256", hex);
    cJSON_AddStringToObject(data, "prompts", d->prompt_name);
    saint_digest_hex(&m->digest, hex);
    cJSON *model = cJSON_AddObjectToObject(o, "model");
    cJSON_AddStringToObject(model, "name", m->name);
    cJSON_AddStringToObject(model, "sha256", hex);
    if (m->digest_sampled) cJSON_AddTrueToObject(model, "sha256_sampled");
    snprintf(id, sizeof id, "%016llx", (unsigned long long)in->trial->id);
    cJSON_AddStringToObject(o, "trial", id);
    cJSON *config = cJSON_Parse(in->trial->config);
    if (config) cJSON_AddItemToObject(o, "config", config);
    cJSON_AddStringToObject(o, "device", saint_session_backend(in->session));
    cJSON_AddStringToObject(o, "tier", saint_session_tier(in->session));
    cJSON_AddStringToObject(o, "dtype", in->dtype == SAINT_BF16 ? "bf16" : in->dtype == SAINT_F16 ? "f16" : "f32");
    cJSON_AddNumberToObject(o, "threads", in->threads);
    cJSON_AddStringToObject(o, "version", saint_version);
    cJSON_AddStringToObject(o, "commit", saint_commit);
    cJSON_AddNumberToObject(o, "resumed", (double)in->n_kept);
}

cJSON *eval_report_json(const eval_report *in)
{
    cJSON *o = eval_summary_json(in->mine), *base = eval_summary_json(in->base);
    if (!o || !base) {
        cJSON_Delete(o);
        cJSON_Delete(base);
        return NULL;
    }
    /* differences of the unpruned model to itself */
    static const char *const own[] = {"difference", "fidelity", "speedup"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) cJSON_DeleteItemFromObjectCaseSensitive(base, own[i]);
    cJSON_AddItemToObject(o, "baseline", base);
    add_about(o, in);
    add_errors(o, in);
    add_warnings(o, in);
    return o;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void number(double x, const char *format)
{
    if (isfinite(x)) printf(format, x);
    else printf("n/a");
}

static void interval(const saint_interval *v, double scale, const char *format)
{
    number(scale * v->value, format);
    if (!isfinite(v->low)) return;
    printf(" [");
    number(scale * v->low, format);
    printf(", ");
    number(scale * v->high, format);
    printf("]");
}

static void metric(const saint_metric *m, const saint_slice *unpruned)
{
    const saint_metric *u = unpruned ? saint_score_metric(unpruned, m->name) : NULL;
    printf("  %-16s ", m->name);
    interval(&m->v, 1, "%.4f");
    if (u) {
        printf("  unpruned ");
        number(u->v.value, "%.4f");
    }
    printf("%s\n", m->partial ? "  partial" : "");
}

static const saint_slice *same_slice(const saint_score *s, const saint_slice *like)
{
    for (size_t i = 0; i < s->n_slices; i++)
        if (strcmp(s->slice[i].name, like->name) == 0 && strcmp(s->slice[i].group, like->group) == 0) return &s->slice[i];
    return NULL;
}

static void scores(const eval_report *in)
{
    const saint_score *s = &in->mine->score, *u = &in->base->score;
    bool pruned = !in->trial->baseline;
    for (size_t i = 0; i < s->all.n_metrics; i++) metric(&s->all.metric[i], pruned ? &u->all : NULL);
    for (size_t i = 0; i < s->n_slices; i++) {
        if (!s->slice[i].n_metrics || !s->slice[i].metric[0].v.n) continue; /* not asked */
        printf("%s\n", s->slice[i].name);
        for (size_t k = 0; k < s->slice[i].n_metrics; k++) metric(&s->slice[i].metric[k], pruned ? same_slice(u, &s->slice[i]) : NULL);
    }
    if (s->parsed_other) printf("%zu answers could not be read as one of the allowed ones\n", s->parsed_other);
}

static void against_unpruned(const eval_summary *s)
{
    const saint_paired *p = &s->base;
    printf("against the unpruned model\n");
    if (p->n) {
        printf("  difference       ");
        interval(&(saint_interval){.value = p->diff, .low = p->low, .high = p->high}, 1, "%+.4f");
        printf("  p ");
        number(p->p, "%.3g");
        printf(", McNemar p ");
        number(s->mcnemar, "%.3g");
        printf("; %zu better, %zu worse, %zu alike\n", p->win, p->loss, p->tie);
    }
    printf("  same answer      ");
    interval(&s->agreement, 1, "%.4f");
    printf("\n  KL, nats         ");
    interval(&s->kl, 1, "%.3g");
    printf("\n  FLOPs            ");
    number(s->flops_ratio, "%.3f");
    printf(" of its own\n  speed-up         ");
    interval(&s->speedup, 1, "%.3f");
    printf("\n");
}

static void costs(const eval_report *in)
{
    const eval_summary *s = in->mine;
    bool llm = saint_model_get_info(in->model)->llm_layers > 0;
    printf("per sample\n  picture tokens   %.0f, ViT keeps %.1f", s->vit_in, s->vit_out);
    if (llm) printf(", LLM keeps %.1f", s->llm_out);
    printf("; an average layer sees %.1f\n", s->equivalent);
    printf("  GFLOPs           %.3f (ViT %.3f", s->flops / 1e9, s->flops_vit / 1e9);
    if (llm) printf(", projector %.3f, prefill %.3f, decode %.3f", s->flops_projector / 1e9, s->flops_prefill / 1e9, s->flops_decode / 1e9);
    printf(")\n");
    if (llm) printf("  KV               %.2f MiB\n", s->kv_bytes / 1048576);
    if (!s->lat_n) return;
    printf("  milliseconds     ");
    interval(&s->latency, 1e3, "%.2f");
    printf("  preprocess %.2f, ViT %.2f, selection %.3f", 1e3 * s->s_preprocess, 1e3 * s->s_vit, 1e3 * s->s_selection);
    if (llm) printf(", projector %.2f, prefill %.2f, decode %.2f", 1e3 * s->s_projector, 1e3 * s->s_prefill, 1e3 * s->s_decode);
    printf("\n  percentiles      p50 ");
    number(1e3 * s->p50, "%.2f");
    printf(", p90 ");
    number(1e3 * s->p90, "%.2f");
    printf(", p99 ");
    number(1e3 * s->p99, "%.2f");
    printf("\n  throughput       ");
    number(s->throughput, "%.2f");
    printf(" samples per second, one at a time\n");
}

void eval_report_text(const eval_report *in)
{
    const saint_dataset_info *d = saint_dataset_get_info(in->data);
    const eval_summary *s = in->mine;
    printf("%s %s: %zu of %zu samples, %s, parser %s\n", saint_data_kind_name(d->kind), d->path, s->n_done - s->n_error, s->n_total,
           saint_model_get_info(in->model)->name, saint_parser_name(s->score.parser));
    scores(in);
    if (!in->trial->baseline && s->n_done > s->n_error) against_unpruned(s);
    if (s->n_done > s->n_error) costs(in);
}

void eval_report_warnings(const eval_report *in)
{
    const saint_dataset_info *d = saint_dataset_get_info(in->data);
    size_t shown = 0;
    for (size_t i = 0; i < in->mine->score.n_warnings; i++) cli_note("eval", in->mine->score.warning[i]);
    for (size_t i = 0; i < d->n_notes; i++) cli_note("eval", d->notes[i]);
    for (size_t i = 0; i < saint_dataset_count(in->data) && shown < ERRORS_SHOWN; i++) {
        char text[1024];
        const eval_result *r = in->result[i];
        if (!r || r->state == EVAL_OK) continue;
        snprintf(text, sizeof text, "%s failed: %s", saint_dataset_uid(in->data, i), r->error);
        cli_note("eval", text);
        shown++;
    }
    if (in->mine->n_error > shown) {
        char text[64];
        snprintf(text, sizeof text, "%zu samples failed in all", in->mine->n_error);
        cli_note("eval", text);
    }
}
