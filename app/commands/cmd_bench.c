/* saint bench: honest speed. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/bench_gemm.h"
#include "commands.h"
#include "defaults.h"

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
    saint_error e = {0};
    if (strcmp(suite, "select") == 0) {
        cJSON *rows = bench_select(repeats ? (int)repeats : 200, &e);
        if (!rows) return cli_fail("bench", e.code, &e);
        if (!json) {
            bench_select_print(rows);
            cJSON_Delete(rows);
            return EXIT_DONE;
        }
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "suite", "select");
        cJSON_AddItemToObject(o, "rows", rows);
        return cli_print_json(o);
    }
    if (strcmp(suite, "gemm") == 0) {
        long threads = 0;
        if (!cli_int("bench", "threads", l.threads, 1, 1024, &threads)) return EXIT_USAGE;
        cJSON *o = bench_gemm((int)threads, repeats ? 0.1 * (double)repeats : 0.5, &e);
        if (!o) return cli_fail("bench", e.code, &e);
        if (json) return cli_print_json(o);
        bench_gemm_print(o);
        cJSON_Delete(o);
        return EXIT_DONE;
    }
    if (strcmp(suite, "engine") == 0) {
        cJSON *o = NULL;
        if (!l.model && !l.shape) l.shape = "vit-b16-224";
        if (!l.dtype && saint_engine_has_tier("avx512bf16")) l.dtype = "bf16";
        int status = bench_engine(&l, repeats ? (int)repeats : 5, (int)pictures, keep, plain, &o);
        if (status != EXIT_DONE) return status;
        if (json) return cli_print_json(o);
        bench_engine_print(o);
        cJSON_Delete(o);
        return EXIT_DONE;
    }
    if (sweep) {
        cJSON *o = NULL;
        char path[8192];
        if (!l.model && default_model(path, sizeof path, &e) != SAINT_OK) return cli_fail("bench", SAINT_IO, &e);
        if (!l.model) l.model = path;
        int status = bench_sweep(&l, repeats ? (int)repeats : 5, &o);
        if (status != EXIT_DONE) return status;
        if (json) return cli_print_json(o);
        bench_sweep_print(o);
        cJSON_Delete(o);
        return EXIT_DONE;
    }
    return cli_usage("bench", "--suite %s: expected gemm, select, engine or sweep", suite);
}
