/* saint bench: honest speed. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/bench_gemm.h"
#include "commands.h"
#include "defaults.h"
#include "report.h"

/* The suites that know no session: the CPU. */
static void use_cpu(device_use *use)
{
    device_use_start(use, &(saint_session_options){.backend = "cpu"});
}

static int select_suite(int repeats, device_use *use, device_company *company, cJSON **out)
{
    saint_error e = {0};
    use_cpu(use);
    cJSON *rows = bench_select(repeats, &e);
    if (!rows) return cli_fail("bench", e.code, &e);
    *company = device_use_company(use);
    *out = cJSON_CreateObject();
    cJSON_AddStringToObject(*out, "suite", "select");
    cJSON_AddItemToObject(*out, "rows", rows);
    return EXIT_DONE;
}

static void print_select(const cJSON *o) { bench_select_print(cJSON_GetObjectItem(o, "rows")); }

static int gemm_suite(const char *threads, double seconds, device_use *use, device_company *company, cJSON **out)
{
    saint_error e = {0};
    long n = 0;
    if (!cli_int("bench", "threads", threads, 1, 1024, &n)) return EXIT_USAGE;
    use_cpu(use);
    *out = bench_gemm((int)n, seconds, &e);
    *company = device_use_company(use);
    return *out ? EXIT_DONE : cli_fail("bench", e.code, &e);
}

static int conclude(cJSON *o, bool json, device_company company, void (*print)(const cJSON *o))
{
    if (company != DEVICE_ALONE) cli_note("bench", device_company_note(company));
    if (json) {
        report_company(o, company);
        return cli_print_json(o);
    }
    print(o);
    cJSON_Delete(o);
    return EXIT_DONE;
}

int cmd_bench(int argc, char **argv)
{
    load_options l = {0};
    const char *suite = NULL, *repeat = NULL, *batch = NULL, *keep = NULL;
    bool json = false, plain = false;
    const cli_option table[] = {
        LOAD_MODEL_OPTIONS(l),
        {"suite", "NAME", "gemm, select, engine (default) or sweep: what sharing checkpoints is worth", NULL, &suite, NULL},
        {"repeat", "N", "interleaved runs of each row (engine: 5, select: 200; gemm: tenths of a second, 5; sweep: pictures, 5)", NULL, &repeat, NULL},
        {"batch", "N", "pictures at a time (engine: 1)", NULL, &batch, NULL},
        {"keep", "N,N,...", "engine: so many patches behind the ViT instead of the presets", NULL, &keep, NULL},
        {"no-graphs", NULL, "engine: queue a device's work piece by piece instead of replaying what was recorded", &plain, NULL, NULL},
        LOAD_SETTINGS_OPTIONS(l),
        LOAD_ENGINE_OPTIONS(l),
        {"json", NULL, "print JSON", &json, NULL, NULL},
        {0}};
    const cli_command c = {"bench", "honest speed: GEMM, selection, whole networks",
                           "[--suite engine|gemm|select|sweep] [--model DIR | --shape NAME] [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    long repeats = 0, pictures = 1;
    if (!cli_int("bench", "repeat", repeat, 1, 64, &repeats) || !cli_int("bench", "batch", batch, 1, 4096, &pictures)) return EXIT_USAGE;
    if (!suite) suite = "engine";
    bool sweep = strcmp(suite, "sweep") == 0;
    if (strcmp(suite, "engine") != 0 && !sweep && (l.model || l.shape || l.preset || l.set.n || l.compat || batch || keep || plain))
        return cli_usage("bench", "a model, --preset, --set, --compat, --batch, --keep and --no-graphs belong to --suite engine");
    if (sweep && (l.shape || batch || keep || plain)) return cli_usage("bench", "--shape, --batch, --keep and --no-graphs belong to --suite engine");
    device_use use = {.fd = -1};
    saint_error e = {0};
    device_company company = DEVICE_ALONE;
    cJSON *o = NULL;
    void (*print)(const cJSON *o) = NULL;
    int status;
    if (strcmp(suite, "select") == 0) {
        status = select_suite(repeats ? (int)repeats : 200, &use, &company, &o);
        print = print_select;
    } else if (strcmp(suite, "gemm") == 0) {
        status = gemm_suite(l.threads, repeats ? 0.1 * (double)repeats : 0.5, &use, &company, &o);
        print = bench_gemm_print;
    } else if (strcmp(suite, "engine") == 0) {
        if (!l.model && !l.shape) l.shape = "vit-b16-224";
        if (!l.dtype && saint_engine_has_tier("avx512bf16")) l.dtype = "bf16";
        status = bench_engine(&l, repeats ? (int)repeats : 5, (int)pictures, keep, plain, &use, &company, &o);
        print = bench_engine_print;
    } else if (sweep) {
        char path[8192];
        if (!l.model && default_model(path, sizeof path, &e) != SAINT_OK) return cli_fail("bench", SAINT_IO, &e);
        if (!l.model) l.model = path;
        status = bench_sweep(&l, repeats ? (int)repeats : 5, &use, &company, &o);
        print = bench_sweep_print;
    } else return cli_usage("bench", "--suite %s: expected gemm, select, engine or sweep", suite);
    device_use_close(&use);
    return status == EXIT_DONE ? conclude(o, json, company, print) : status;
}
