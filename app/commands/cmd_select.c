/* saint select: one selection rule alone on a matrix of keys, the bridge to anyone's PyTorch dump. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "device_use.h"
#include "report.h"

typedef struct {
    const char *method, *stage, *keys, *compat, *attention;
    cli_list set;
    bool cls, json, details;
} options;

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static cJSON *kept_list(const saint_select_out *o, int prefix, bool ascending)
{
    cJSON *list = cJSON_CreateArray();
    if (ascending) qsort(o->kept, (size_t)o->n_keep, sizeof *o->kept, by_value);
    for (int i = 0; i < prefix; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(i));
    for (int i = 0; i < o->n_keep; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(o->kept[i] + prefix));
    return list;
}

static int square_side(int n)
{
    int side = 1;
    while (side * side < n) side++;
    return side;
}

static saint_status fill(const options *o, const saint_npy *a, const saint_method_params *p, unsigned compat, saint_stage stage,
                         const int32_t *patch, const float *attention, saint_select_in *in, saint_error *e)
{
    int batch = a->rank == 3 ? (int)a->shape[0] : 1;
    int rows = (int)a->shape[a->rank - 2], dim = (int)a->shape[a->rank - 1], prefix = o->cls ? 1 : 0;
    if (rows < prefix) return saint_fail(e, SAINT_INVALID, "%s: --cls needs at least the row of the class token", o->keys);
    for (int b = 0; b < batch; b++) {
        int side = square_side(rows - prefix > 0 ? rows - prefix : 1);
        in[b] = (saint_select_in){.stage = stage, .n = rows - prefix, .dim = dim, .n_prefix = prefix,
                                  .metric = a->data + ((size_t)b * (size_t)rows + (size_t)prefix) * (size_t)dim,
                                  .attention = attention ? attention + (size_t)b * (size_t)rows + prefix : NULL,
                                  .patch = patch, .grid_w = side, .grid_h = side, .p = *p, .compat = compat, .forced_drop = -1};
    }
    return SAINT_OK;
}

static cJSON *details_of(const saint_select_in *in, const saint_select_out *o)
{
    cJSON *d = cJSON_CreateObject(), *score = cJSON_AddArrayToObject(d, "score"), *near = cJSON_AddArrayToObject(d, "neighbours");
    cJSON *round = cJSON_AddArrayToObject(d, "round");
    for (int i = 0; i < in->n; i++) {
        cJSON_AddItemToArray(score, o->score[i] == o->score[i] ? cJSON_CreateNumber((double)o->score[i]) : cJSON_CreateNull());
        cJSON_AddItemToArray(near, cJSON_CreateNumber(o->neighbours[i]));
        cJSON_AddItemToArray(round, cJSON_CreateNumber(o->round[i]));
    }
    cJSON_AddItemToObject(d, "margin", o->margin <= 1e30f ? cJSON_CreateNumber((double)o->margin) : cJSON_CreateNull());
    return d;
}

static int report(const options *o, const saint_npy *a, const saint_method *m, const saint_select_in *in, saint_select_out *out, int batch,
                  bool ascending, double seconds, device_company company)
{
    cJSON *c = cJSON_CreateObject(), *all = a->rank == 3 ? cJSON_CreateArray() : NULL, *details = o->details ? cJSON_CreateArray() : NULL;
    int prefix = o->cls ? 1 : 0;
    for (int b = 0; b < batch; b++) {
        if (details) cJSON_AddItemToArray(details, details_of(&in[b], &out[b]));
        cJSON *list = kept_list(&out[b], prefix, ascending);
        if (all) cJSON_AddItemToArray(all, list);
        else cJSON_AddItemToObject(c, "kept", list);
    }
    if (all) cJSON_AddItemToObject(c, "kept", all);
    if (details) cJSON_AddItemToObject(c, "details", details);
    cJSON_AddStringToObject(c, "method", m->name);
    cJSON_AddStringToObject(c, "stage", o->stage);
    cJSON_AddNumberToObject(c, "rows", in[0].n + prefix);
    cJSON_AddNumberToObject(c, "select_ms", seconds * 1e3);
    report_company(c, company);
    if (o->json) return cli_print_json(c);
    cJSON_Delete(c);
    for (int b = 0; b < batch; b++) {
        for (int i = 0; i < prefix; i++) printf("%d ", i);
        for (int i = 0; i < out[b].n_keep; i++) printf("%d%s", out[b].kept[i] + prefix, i + 1 < out[b].n_keep ? " " : "");
        putchar('\n');
    }
    return EXIT_DONE;
}

static int run(const options *o, const saint_method *m, saint_stage stage, const saint_npy *a, const saint_npy *attention)
{
    saint_error e = {0};
    saint_method_params p;
    unsigned compat = 0;
    saint_method_params_default(stage, &p);
    saint_status s = SAINT_OK;
    char assign[64];
    if (o->compat) {
        snprintf(assign, sizeof assign, "compat=%.40s", o->compat);
        s = saint_method_params_set(&p, &compat, assign, &e);
    }
    for (int i = 0; i < o->set.n && s == SAINT_OK; i++) s = saint_method_params_set(&p, &compat, o->set.v[i], &e);
    int batch = a->rank == 3 ? (int)a->shape[0] : 1, rows = (int)a->shape[a->rank - 2];
    saint_select_in *in = calloc((size_t)batch + 1, sizeof *in);
    saint_select_out *out = calloc((size_t)batch + 1, sizeof *out);
    int32_t *patch = calloc((size_t)rows + 1, sizeof *patch);
    if (s == SAINT_OK && (!in || !out || !patch)) s = saint_fail(&e, SAINT_MEMORY, "no memory for %d matrices", batch);
    for (int i = 0; s == SAINT_OK && i < rows; i++) patch[i] = i;
    if (s == SAINT_OK) s = fill(o, a, &p, compat, stage, patch, attention ? attention->data : NULL, in, &e);
    device_use use;
    device_use_start(&use, &(saint_session_options){.backend = "cpu"});
    double begin = saint_now();
    if (s == SAINT_OK) s = saint_select_batch(m, in, batch, NULL, out, &e);
    double seconds = saint_now() - begin;
    device_company company = device_use_company(&use);
    device_use_close(&use);
    int status = s == SAINT_OK ? report(o, a, m, in, out, batch, stage == SAINT_STAGE_LLM, seconds, company) : cli_fail("select", s, &e);
    for (int b = 0; s == SAINT_OK && b < batch; b++) saint_select_free(&out[b]);
    free(in);
    free(out);
    free(patch);
    return status;
}

static saint_status bad_shape(const char *path, const saint_npy *a, saint_error *e)
{
    char shape[128] = "";
    size_t n = 0;
    for (int i = 0; i < a->rank && n < sizeof shape - 24; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%lld", i ? ", " : "", (long long)a->shape[i]);
    return saint_fail(e, SAINT_INVALID, "%s: expected [N, C] or [B, N, C] with B and C at least 1 and at most 65536 rows, found [%s]", path, shape);
}

int cmd_select(int argc, char **argv)
{
    options o = {0};
    const cli_option table[] = {{"method", "NAME", "selection method; `saint methods` lists them", NULL, &o.method, NULL},
                                {"stage", "vit|llm", "which form of the method: ViT keys or LLM keys", NULL, &o.stage, NULL},
                                {"keys", "FILE.npy", "float32 [N,C] or [B,N,C]: keys, mean over heads", NULL, &o.keys, NULL},
                                {"attention", "FILE.npy",
                                 "float32 [1,N] or [B,N]: attention of the class token or last prompt token, for methods that read it",
                                 NULL, &o.attention, NULL},
                                {"cls", NULL, "row 0 is the class token: never dropped, listed first", &o.cls, NULL, NULL},
                                {"set", "KEY=VALUE", "parameter of the method; may repeat", NULL, NULL, &o.set},
                                {"compat", "MODE", "reference (the published function: batch-mean rate, overwritten r) or corrected (default)", NULL, &o.compat, NULL},
                                {"details", NULL, "also scores, neighbour counts, rounds and the margin", &o.details, NULL, NULL},
                                {"json", NULL, "print JSON", &o.json, NULL, NULL},
                                {0}};
    const cli_command c = {"select", "one selection rule alone on a feature matrix",
                           "--method NAME --stage vit|llm --keys FILE.npy [--cls] [--set k=v]... [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    if (!o.method || !o.stage || !o.keys) return cli_usage("select", "--method, --stage and --keys are needed");
    const saint_method *m = saint_method_find(o.method);
    if (!m) return cli_usage("select", "--method %s: no such method; `saint methods` lists them", o.method);
    bool vit = strcmp(o.stage, "vit") == 0;
    if (!vit && strcmp(o.stage, "llm") != 0) return cli_usage("select", "--stage %s: expected vit or llm", o.stage);
    saint_stage stage = vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM;
    if (!(m->stages & 1u << stage)) return cli_usage("select", "--method %s does not work in the %s", o.method, vit ? "ViT" : "LLM");
    if (m->reads_attention && !o.attention)
        return cli_usage("select", "--method %s reads attention; give it with --attention FILE.npy", o.method);
    saint_error e = {0};
    saint_npy a = {0}, attention = {0};
    saint_status s = saint_npy_load(o.keys, &a, &e);
    if (s == SAINT_OK && (a.rank < 2 || a.rank > 3 || a.shape[a.rank - 1] < 1 || a.shape[a.rank - 1] > 1 << 20 ||
                          a.shape[a.rank - 2] > 1 << 16 || (a.rank == 3 && (a.shape[0] < 1 || a.shape[0] > 1 << 16))))
        s = bad_shape(o.keys, &a, &e);
    if (s == SAINT_OK && o.attention) s = saint_npy_load(o.attention, &attention, &e);
    if (s == SAINT_OK && o.attention) {
        int64_t want = a.shape[a.rank - 2] * (a.rank == 3 ? a.shape[0] : 1), have = 1;
        for (int i = 0; i < attention.rank; i++) have *= attention.shape[i];
        if (want != have)
            s = saint_fail(&e, SAINT_INVALID, "%s: expected %lld values, one per row of the keys, found %lld", o.attention, (long long)want,
                           (long long)have);
    }
    int status = s == SAINT_OK ? run(&o, m, stage, &a, o.attention ? &attention : NULL) : cli_fail("select", s, &e);
    saint_npy_free(&a);
    saint_npy_free(&attention);
    return status;
}
