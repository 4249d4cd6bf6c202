/* saint models, methods, presets: what there is. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "defaults.h"
#include "load.h"

/* ---- methods --------------------------------------------------------------------------------------------------- */

static const struct {
    unsigned bit;
    const char *vit, *llm;
} param_names[] = {{SAINT_PARAM_KEEP_NUM, "keep_num", "llm_keep_num"}, {SAINT_PARAM_KEEP_RATIO, "keep_ratio", "llm_keep_ratio"},
                   {SAINT_PARAM_R, "r", "llm_r"},                      {SAINT_PARAM_SIM_THRESHOLD, "sim_threshold", "saint_threshold"},
                   {SAINT_PARAM_K, "K", "saint_K"},                    {SAINT_PARAM_GAMMA, "gamma", "saint_gamma"},
                   {SAINT_PARAM_SEED, "seed", "llm_seed"}};

static void add_param_names(cJSON *o, const char *key, const saint_method *m, saint_stage stage)
{
    if (!(m->stages & 1u << stage)) return;
    cJSON *list = cJSON_AddArrayToObject(o, key);
    for (size_t i = 0; i < sizeof param_names / sizeof *param_names; i++)
        if (m->params & param_names[i].bit)
            cJSON_AddItemToArray(list, cJSON_CreateString(stage == SAINT_STAGE_VIT ? param_names[i].vit : param_names[i].llm));
}

static cJSON *params_json(void)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; saint_param_at(i); i++) {
        const saint_param_info *p = saint_param_at(i);
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", p->name);
        cJSON_AddStringToObject(o, "type", p->type);
        cJSON_AddStringToObject(o, "scope", p->scope);
        cJSON_AddNumberToObject(o, "default", p->def);
        cJSON_AddNumberToObject(o, "min", p->min);
        cJSON_AddNumberToObject(o, "max", p->max);
        cJSON_AddStringToObject(o, "unit", p->unit);
        cJSON_AddStringToObject(o, "doc", p->doc);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *methods_json(void)
{
    cJSON *c = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(c, "methods");
    for (int i = 0; saint_method_at(i); i++) {
        const saint_method *m = saint_method_at(i);
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", m->name);
        cJSON_AddStringToObject(o, "summary", m->summary);
        cJSON_AddStringToObject(o, "reference", m->reference);
        add_param_names(o, "vit_params", m, SAINT_STAGE_VIT);
        add_param_names(o, "llm_params", m, SAINT_STAGE_LLM);
        cJSON_AddBoolToObject(o, "fixed_budget", m->fixed_budget);
        cJSON_AddBoolToObject(o, "merges", m->merges);
        cJSON_AddBoolToObject(o, "reads_attention", m->reads_attention);
        cJSON_AddBoolToObject(o, "reads_text", m->reads_text);
        cJSON_AddBoolToObject(o, "on_device", m->rule != 0);
        cJSON_AddItemToArray(list, o);
    }
    cJSON_AddItemToObject(c, "parameters", params_json());
    cJSON *flags = cJSON_AddArrayToObject(c, "compat");
    for (int i = 0; saint_compat_name(i); i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", saint_compat_name(i));
        cJSON_AddStringToObject(o, "doc", saint_compat_doc(i));
        cJSON_AddItemToArray(flags, o);
    }
    return c;
}

int cmd_methods(int argc, char **argv)
{
    bool json = false;
    const cli_option table[] = {{"json", NULL, "print JSON", &json, NULL, NULL}, {0}};
    const cli_command c = {"methods", "the token reduction methods and their parameters", "[--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    if (json) return cli_print_json(methods_json());
    for (int i = 0; saint_method_at(i); i++) {
        const saint_method *m = saint_method_at(i);
        printf("%-28s %s%s  %s\n%31s%s\n%31sreads", m->name, m->stages & 1u << SAINT_STAGE_VIT ? "ViT " : "    ",
               m->stages & 1u << SAINT_STAGE_LLM ? "LLM" : "   ", m->summary, "", m->reference, "");
        for (size_t k = 0; k < sizeof param_names / sizeof *param_names; k++)
            if (m->params & param_names[k].bit) printf(" %s", m->stages & 1u << SAINT_STAGE_VIT ? param_names[k].vit : param_names[k].llm);
        puts(m->reads_attention ? " (and attention)" : "");
    }
    puts("\nparameters");
    for (int i = 0; saint_param_at(i); i++) {
        const saint_param_info *p = saint_param_at(i);
        printf("  %-26s %-6s %s\n", p->name,
               strcmp(p->scope, "GLOBAL") == 0 ? ""
               : strcmp(p->scope, "VIT") == 0  ? "[ViT]"
                                               : "[LLM]",
               p->doc);
    }
    printf("  %-26s %-6s %s\n", "hand", "", "tokens chosen by hand at one layer instead of its method: vit:9:0-20,35 or llm:3:none keeps those patches, off");
    puts("\ncompat flags (compat=reference sets all)");
    for (int i = 0; saint_compat_name(i); i++) printf("  compat.%-26s %s\n", saint_compat_name(i), saint_compat_doc(i));
    return EXIT_DONE;
}

/* ---- presets --------------------------------------------------------------------------------------------------- */

static int preset_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

int cmd_presets(int argc, char **argv)
{
    bool json = false;
    const cli_option table[] = {{"json", NULL, "print JSON", &json, NULL, NULL}, {0}};
    const cli_command c = {"presets", "named parameter sets", "[--json]", table};
    int leave = cli_parse(&c, argc, argv), status = EXIT_DONE;
    if (leave >= 0) return leave;
    cJSON *all = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(all, "presets");
    for (int k = 0; preset_folder(k); k++) {
        struct dirent **names = NULL;
        int n = scandir(preset_folder(k), &names, preset_file, alphasort);
        if (n < 0) continue;
        for (int i = 0; i < n; i++) {
            char path[8192];
            saint_error e = {0};
            saint_preset p;
            snprintf(path, sizeof path, "%s/%s", preset_folder(k), names[i]->d_name);
            free(names[i]);
            saint_status s = saint_preset_load(path, &p, &e);
            if (s != SAINT_OK) {
                status = cli_fail("presets", s, &e);
                continue;
            }
            cJSON_AddItemToArray(list, cJSON_Duplicate(p.json, true));
            if (!json) printf("%-16s %s\n%17s%s\n", p.name, p.title, "", p.doc);
            saint_preset_free(&p);
        }
        free(names);
        break; /* the first folder that exists */
    }
    if (cJSON_GetArraySize(list) == 0) status = cli_usage("presets", "no presets were found in %s", SAINT_PRESET_DIR);
    if (json && status == EXIT_DONE) return cli_print_json(all);
    cJSON_Delete(all);
    return status;
}

/* ---- models ---------------------------------------------------------------------------------------------------- */

static cJSON *model_json(const saint_model_info *i)
{
    cJSON *o = cJSON_CreateObject();
    char hex[65];
    saint_digest_hex(&i->digest, hex);
    cJSON_AddStringToObject(o, "name", i->name);
    cJSON_AddStringToObject(o, "architecture", i->architecture);
    cJSON_AddStringToObject(o, "layout", i->layout);
    cJSON_AddStringToObject(o, "format", i->format);
    const struct {
        const char *key;
        double v;
    } rows[] = {{"vit_layers", i->vit_layers}, {"vit_layers_run", i->vit_layers_run}, {"vit_dim", i->vit_dim}, {"vit_heads", i->vit_heads},
                {"vit_mlp", i->vit_mlp}, {"image_side", i->image_side}, {"patch", i->patch}, {"grid_w", i->grid_w}, {"grid_h", i->grid_h},
                {"vit_prefix", i->vit_prefix}, {"classes", i->classes}, {"llm_layers", i->llm_layers}, {"llm_dim", i->llm_dim},
                {"llm_heads", i->llm_heads}, {"llm_kv_heads", i->llm_kv_heads}, {"llm_mlp", i->llm_mlp}, {"vocab", i->vocab},
                {"parameters", (double)i->n_params}, {"weight_bytes", (double)i->weight_bytes}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) cJSON_AddNumberToObject(o, rows[k].key, rows[k].v);
    cJSON_AddStringToObject(o, "weight_dtype", i->weight_type == SAINT_F32 ? "f32" : i->weight_type == SAINT_F16 ? "f16" : "bf16");
    cJSON_AddStringToObject(o, "sha256", hex);
    cJSON_AddBoolToObject(o, "sha256_sampled", i->digest_sampled);
    return o;
}

static void print_model(const saint_model_info *i)
{
    cli_put_clean(stdout, i->name, 4096);
    printf(": %s, %s layout, %.1f M parameters, %.1f MiB mapped\n", i->architecture, i->layout, (double)i->n_params * 1e-6,
           (double)i->weight_bytes / 1048576);
    if (i->vit_layers)
        printf("  ViT  %d layers (%d run), width %d, %d heads, MLP %d, %d x %d patches of %d pixels\n", i->vit_layers, i->vit_layers_run,
               i->vit_dim, i->vit_heads, i->vit_mlp, i->grid_w, i->grid_h, i->patch);
    if (i->classes) printf("  head %d classes\n", i->classes);
    if (i->llm_layers)
        printf("  LLM  %d layers, width %d, %d heads (%d of keys and values), MLP %d, vocabulary %d\n", i->llm_layers, i->llm_dim,
               i->llm_heads, i->llm_kv_heads, i->llm_mlp, i->vocab);
}

/* The models that come with the program, and the shapes. */
static int list_models(bool json)
{
    char *names[EMBEDDED_MAX], folder[8192];
    size_t n = embedded_models(names);
    int leave = -1;
    cJSON *o = cJSON_CreateObject(), *embedded = cJSON_AddArrayToObject(o, "embedded"), *shapes = cJSON_AddArrayToObject(o, "shapes");
    if (!json && n) puts("Embedded, by name (--model NAME; " DEFAULT_MODEL " is meant when --model is left out):");
    for (size_t k = 0; k < n; k++) {
        saint_model *m = NULL;
        load_options l = {.model = folder};
        if (leave < 0 && embedded_model(names[k], folder, sizeof folder)) leave = load_model("models", &l, &m);
        if (m && json) {
            cJSON *x = model_json(saint_model_get_info(m));
            cJSON_AddStringToObject(x, "folder", folder);
            cJSON_AddBoolToObject(x, "default", strcmp(names[k], DEFAULT_MODEL) == 0);
            cJSON_AddItemToArray(embedded, x);
        } else if (m) print_model(saint_model_get_info(m));
        saint_model_unref(m);
        free(names[k]);
    }
    if (!json && leave < 0) puts("\nYours: --model DIR. Shapes with random weights (--shape NAME, for speed only):");
    for (int i = 0; saint_shape_name(i) && leave < 0; i++) {
        cJSON_AddItemToArray(shapes, cJSON_CreateString(saint_shape_name(i)));
        if (!json) printf("  %s\n", saint_shape_name(i));
    }
    if (leave < 0 && json) return cli_print_json(o);
    cJSON_Delete(o);
    return leave < 0 ? EXIT_DONE : leave;
}

int cmd_models(int argc, char **argv)
{
    load_options l = {0};
    bool json = false;
    const cli_option table[] = {LOAD_MODEL_OPTIONS(l), {"json", NULL, "print JSON", &json, NULL, NULL}, {0}};
    const cli_command c = {"models", "the embedded models, or what a model folder holds", "[--model DIR] [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    if (!l.model && !l.shape) return list_models(json);
    saint_model *m = NULL;
    leave = load_model("models", &l, &m);
    if (leave >= 0) return leave;
    int status = EXIT_DONE;
    if (json) status = cli_print_json(model_json(saint_model_get_info(m)));
    else print_model(saint_model_get_info(m));
    saint_model_unref(m);
    return status;
}
