/* saint info, saint doctor: what this build and this machine are, and whether they fit together. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "defaults.h"
#include "device_use.h"
#include "load.h"
#include "sweep/machine.h"
#include "version.h"

static const char *const tiers[] = {"generic", "avx2", "avx512", "avx512bf16"};

enum { MAX_DEVICES = 16 };

static bool device_fits(const saint_device *d) { return d->capability >= 80; }

/* Whether the device computes what the CPU computes. */
static saint_status self_check(const saint_device *d, saint_error *e)
{
    saint_engine *engine = NULL;
    device_use use;
    if (!device_fits(d)) return saint_fail(e, SAINT_UNSUPPORTED, "8.0 is needed: use --backend cpu");
    device_use_start(&use, &(saint_session_options){.backend = "cuda", .device = d->index});
    saint_status s = saint_engine_open(&engine, NULL, e);
    if (s == SAINT_OK) s = saint_engine_check_device(engine, d->index, SAINT_F32, e);
    saint_engine_close(engine);
    device_use_close(&use);
    return s;
}

static void add_devices(cJSON *o)
{
    saint_device d[MAX_DEVICES];
    char why[160] = "";
    int n = saint_engine_devices(d, MAX_DEVICES, why, sizeof why);
    cJSON_AddStringToObject(o, "cuda", n ? "available" : why);
    cJSON *list = cJSON_AddArrayToObject(o, "devices");
    for (int i = 0; i < n && i < MAX_DEVICES; i++) {
        cJSON *x = cJSON_CreateObject();
        cJSON_AddNumberToObject(x, "index", d[i].index);
        cJSON_AddStringToObject(x, "name", d[i].name);
        cJSON_AddNumberToObject(x, "capability", d[i].capability / 10.0);
        cJSON_AddNumberToObject(x, "multiprocessors", d[i].multiprocessors);
        cJSON_AddNumberToObject(x, "bytes", (double)d[i].bytes);
        saint_error e = {0};
        bool ok = self_check(&d[i], &e) == SAINT_OK;
        cJSON_AddStringToObject(x, "self_check", ok ? "computes what the CPU computes" : e.text);
        cJSON_AddItemToArray(list, x);
    }
}

static void print_devices(const cJSON *o)
{
    const cJSON *list = cJSON_GetObjectItem(o, "devices");
    if (!list->child) printf("cuda     none: %s\n", cJSON_GetObjectItem(o, "cuda")->valuestring);
    for (const cJSON *x = list->child; x; x = x->next)
        printf("cuda     device %d: %s, compute capability %.1f, %d multiprocessors, %.1f GiB; %s\n", cJSON_GetObjectItem(x, "index")->valueint,
               cJSON_GetObjectItem(x, "name")->valuestring, cJSON_GetObjectItem(x, "capability")->valuedouble,
               cJSON_GetObjectItem(x, "multiprocessors")->valueint, cJSON_GetObjectItem(x, "bytes")->valuedouble / 1073741824,
               cJSON_GetObjectItem(x, "self_check")->valuestring);
}

#ifdef __clang__
#define COMPILER "" /* its version says its name */
#else
#define COMPILER "gcc "
#endif

int cmd_info(int argc, char **argv)
{
    bool json = false;
    const cli_option table[] = {{"json", NULL, "print JSON", &json, NULL, NULL}, {0}};
    const cli_command c = {"info", "version, CPU, kernels, paths", "[--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    char cpu[256];
    sweep_machine_cpu(cpu, sizeof cpu);
    saint_engine *e = NULL;
    saint_error err = {0};
    saint_status s = saint_engine_open(&e, NULL, &err);
    if (s != SAINT_OK) return cli_fail("info", s, &err);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "version", saint_version);
    cJSON_AddStringToObject(o, "commit", saint_commit);
    cJSON_AddStringToObject(o, "compiler", __VERSION__);
    cJSON_AddStringToObject(o, "cpu", cpu);
    cJSON_AddNumberToObject(o, "threads", saint_engine_threads(e));
    add_devices(o);
    cJSON *list = cJSON_AddArrayToObject(o, "cpu_kernels");
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (saint_engine_has_tier(tiers[i])) cJSON_AddItemToArray(list, cJSON_CreateString(tiers[i]));
    cJSON *folders = cJSON_AddArrayToObject(o, "preset_folders");
    for (int i = 0; preset_folder(i); i++) cJSON_AddItemToArray(folders, cJSON_CreateString(preset_folder(i)));
    static const folder_kind kinds[] = {FOLDER_STATE, FOLDER_CACHE}; /* sessions and sweeps of the workbench; test pictures */
    cJSON *own = cJSON_AddObjectToObject(o, "folders");
    for (int i = 0; i < 2; i++) {
        char folder[4096];
        if (default_folder_name(kinds[i], folder, sizeof folder, NULL) == SAINT_OK)
            cJSON_AddStringToObject(own, kinds[i] == FOLDER_STATE ? "state" : "cache", folder);
    }
    saint_engine_close(e);
    if (json) return cli_print_json(o);
    printf("saint %s (%s), built with %s%s\ncpu      %s, %d threads\nkernels ", saint_version, saint_commit, COMPILER, __VERSION__, cpu,
           cJSON_GetObjectItem(o, "threads")->valueint);
    for (const cJSON *x = list->child; x; x = x->next) printf(" %s", x->valuestring);
    puts("");
    print_devices(o);
    for (const cJSON *x = folders->child; x; x = x->next) printf("presets  %s\n", x->valuestring);
    for (const cJSON *x = own->child; x; x = x->next) printf("%-8s %s\n", x->string, x->valuestring);
    cJSON_Delete(o);
    return EXIT_DONE;
}

/* ---- doctor ---------------------------------------------------------------------------------------------------- */

typedef struct {
    cJSON *checks;
    int failed;
} doctor;

static void check(doctor *d, const char *name, bool ok, const char *detail)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "check", name);
    cJSON_AddBoolToObject(o, "ok", ok);
    cJSON_AddStringToObject(o, "detail", detail);
    cJSON_AddItemToArray(d->checks, o);
    d->failed += !ok;
}

/* The published steps of iterative_drop_full_graph for 576 patches (methods.md 5.2): a selection that must come out the same everywhere. */
static void check_selection(doctor *d)
{
    enum { N = 576, DIM = 8 };
    static float metric[N * DIM];
    static int32_t patch[N];
    uint32_t state = 7;
    for (int i = 0; i < N * DIM; i++) {
        state = state * 1664525u + 1013904223u;
        metric[i] = (float)(state >> 8) / 16777216.0f - 0.5f;
    }
    for (int i = 0; i < N; i++) patch[i] = i;
    saint_select_in in = {.stage = SAINT_STAGE_VIT,
                          .n = N,
                          .dim = DIM,
                          .n_prefix = 1,
                          .metric = metric,
                          .patch = patch,
                          .grid_w = 24,
                          .grid_h = 24,
                          .compat = 1u << SAINT_COMPAT_OVERWRITE_R,
                          .forced_drop = -1};
    saint_select_out out = {0};
    saint_error e = {0};
    char detail[160];
    saint_method_params_default(SAINT_STAGE_VIT, &in.p);
    saint_status s = saint_select_run(saint_method_find("iterative_drop_full_graph"), &in, &out, &e);
    if (s == SAINT_OK) snprintf(detail, sizeof detail, "576 patches to %d in %d steps (expected 375 in 9)", out.n_keep, out.n_rounds);
    else snprintf(detail, sizeof detail, "%.150s", e.text);
    check(d, "selection", s == SAINT_OK && out.n_keep == 375 && out.n_rounds == 9, detail);
    if (s == SAINT_OK) saint_select_free(&out);
}

static void check_program(doctor *d, const char *program, const char *what)
{
    const char *path = getenv("PATH");
    char file[4096], detail[200];
    bool found = false;
    for (const char *p = path ? path : ""; *p && !found;) {
        size_t n = strcspn(p, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)n, p, program);
        found = n && access(file, X_OK) == 0;
        p += n + (p[n] == ':');
    }
    snprintf(detail, sizeof detail, "%s%s", found ? "found: " : "not found (optional): ", what);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "check", program);
    cJSON_AddBoolToObject(o, "ok", true);
    cJSON_AddStringToObject(o, "detail", detail);
    cJSON_AddItemToArray(d->checks, o);
}

static void check_presets(doctor *d)
{
    static const char *const names[] = {"none", "vit-only", "llm-only", "hybrid", "vit-classifier"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[8192], name[64];
        saint_preset p;
        saint_error e = {0};
        bool ok = preset_path(names[i], path, sizeof path) && saint_preset_load(path, &p, &e) == SAINT_OK;
        if (ok) saint_preset_free(&p);
        snprintf(name, sizeof name, "preset %s", names[i]);
        check(d, name, ok, ok ? path : e.text[0] ? e.text : "not found");
    }
}

/* Having none is no fault; having one that cannot compute is. */
static void check_devices(doctor *d)
{
    saint_device found[MAX_DEVICES];
    char why[160] = "", detail[640];
    int n = saint_engine_devices(found, MAX_DEVICES, why, sizeof why);
    if (n == 0) {
        snprintf(detail, sizeof detail, "none, computing on the CPU: %s", why);
        check(d, "cuda", true, detail);
    }
    for (int i = 0; i < n && i < MAX_DEVICES; i++) {
        saint_error e = {0};
        saint_status s = self_check(&found[i], &e);
        snprintf(detail, sizeof detail, "device %d: %s, compute capability %.1f, %.1f GiB; %s%s", found[i].index, found[i].name, found[i].capability / 10.0,
                 (double)found[i].bytes / 1073741824, s == SAINT_OK ? "computes what the CPU computes" : device_fits(&found[i]) ? "self check: " : "", e.text);
        check(d, "cuda", s == SAINT_OK, detail);
    }
}

/* Embedded models besides the default one. */
static void check_other_models(doctor *d)
{
    char *names[EMBEDDED_MAX], path[8192];
    size_t n = embedded_models(names);
    for (size_t i = 0; i < n; i++) {
        saint_model *m = NULL;
        saint_error e = {0};
        if (strcmp(names[i], DEFAULT_MODEL) != 0 && embedded_model(names[i], path, sizeof path)) {
            saint_status s = saint_model_load(&m, path, NULL, &e);
            check(d, "embedded model", s == SAINT_OK, s == SAINT_OK ? path : e.text);
            saint_model_unref(m);
        }
        free(names[i]);
    }
}

/* The named model, or the embedded one and the place where its test pictures are kept. */
static void check_model(doctor *d, const load_options *l)
{
    char path[8192];
    saint_model *m = NULL;
    saint_error e = {0};
    saint_model_options o = {.vision_tower = l->vision_tower, .template_name = l->template_name, .fit = l->image_mode};
    saint_status s = l->model ? SAINT_OK : default_model(path, sizeof path, &e);
    const char *folder = l->model ? model_path(l->model, path, sizeof path) : path;
    if (s == SAINT_OK) s = saint_model_load(&m, folder, &o, &e);
    check(d, l->model ? "model" : "embedded model", s == SAINT_OK, s == SAINT_OK ? folder : e.text);
    saint_model_unref(m);
    if (l->model) return;
    check_other_models(d);
    s = default_folder(FOLDER_CACHE, path, sizeof path, &e);
    check(d, "test pictures", s == SAINT_OK, s == SAINT_OK ? path : e.text);
}

int cmd_doctor(int argc, char **argv)
{
    load_options l = {0};
    bool json = false;
    const cli_option table[] = {LOAD_FOLDER_OPTIONS(l), {"json", NULL, "print JSON", &json, NULL, NULL}, {0}};
    const cli_command c = {"doctor", "check this machine and the installation", "[--model DIR] [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    doctor d = {.checks = cJSON_CreateArray()};
    char detail[300], cpu[256];
    sweep_machine_cpu(cpu, sizeof cpu);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const char *best = "generic";
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (saint_engine_has_tier(tiers[i])) best = tiers[i];
    snprintf(detail, sizeof detail, "%s; best kernels: %s", cpu, best);
    check(&d, "cpu", true, detail);
    snprintf(detail, sizeof detail, "%.1f GiB (LLaVA-1.5-7B in 16 bits wants 14)", (double)pages * (double)page / 1073741824);
    check(&d, "memory", pages > 0, detail);
    check_devices(&d);
    check_selection(&d);
    check_presets(&d);
    check_program(&d, "gnuplot", "figures");
    check_program(&d, "nvidia-smi", "NVIDIA driver");
    check_model(&d, &l);
    int status = d.failed ? EXIT_FAILED : EXIT_DONE;
    if (json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddBoolToObject(o, "ok", d.failed == 0);
        cJSON_AddItemToObject(o, "checks", d.checks);
        int printed = cli_print_json(o);
        return printed == EXIT_DONE ? status : printed;
    }
    for (const cJSON *x = d.checks->child; x; x = x->next) {
        printf("%-4s  %-22s ", cJSON_IsTrue(cJSON_GetObjectItem(x, "ok")) ? "ok" : "BAD", cJSON_GetObjectItem(x, "check")->valuestring);
        cli_put_clean(stdout, cJSON_GetObjectItem(x, "detail")->valuestring, 4096);
        putchar('\n');
    }
    cJSON_Delete(d.checks);
    return status;
}
