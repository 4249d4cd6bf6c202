/* Whole tiny models on CUDA: against PyTorch, against the CPU, and a session that remembers against one that does not. */
#include "support/requests.h"

#include "support/oracle.h"

static saint_engine *engine;

static saint_session *cuda_session(saint_model *m, saint_dtype dtype, size_t budget)
{
    saint_session *s;
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.dtype = dtype, .checkpoint_bytes = budget, .backend = "cuda"}, err));
    return s;
}

static void f32_equals_pytorch(void **state)
{
    (void)state;
    oracle_cases(engine, &(oracle_options){.session = {.dtype = SAINT_F32, .backend = "cuda"}, .label = "cuda f32", .limit = 1e-5, .exact = true});
}

static void sixteen_bits_are_near_pytorch(void **state)
{
    (void)state;
    oracle_cases(engine, &(oracle_options){.session = {.dtype = SAINT_F16, .backend = "cuda"}, .label = "cuda f16", .limit = 2e-3});
    oracle_cases(engine, &(oracle_options){.session = {.dtype = SAINT_BF16, .backend = "cuda"}, .label = "cuda bf16", .limit = 1.5e-2});
}

static double relative(const float *a, const float *b, int n)
{
    double diff = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        diff += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return norm > 0 ? sqrt(diff / norm) : sqrt(diff);
}

/* Whether a decision hung on less than the devices may differ by; what follows from it cannot be compared. */
static bool close_call(const saint_trace *t)
{
    for (int i = 0; i < t->n_images; i++)
        for (int k = 0; k < t->image[i].history.n_sites; k++)
            if (!(t->image[i].history.site[k]->margin > 1e-4f)) return true;
    return false;
}

static void same_survivors(const saint_trace *a, const saint_trace *b, const char *what)
{
    for (int i = 0; i < a->n_images; i++) {
        assert_int_equal(a->image[i].history.n_sites, b->image[i].history.n_sites);
        for (int k = 0; k < a->image[i].history.n_sites; k++) {
            const saint_trace_site *x = a->image[i].history.site[k], *y = b->image[i].history.site[k];
            assert_int_equal(x->n_keep, y->n_keep);
            assert_same_bits(x->kept, y->kept, x->n_keep, what);
        }
        double e = relative(a->image[i].logits, b->image[i].logits, a->image[i].n_logits);
        if (!(e <= 1e-4)) fail_msg("%s: logits differ by %.3g", what, e);
    }
}

/* Thresholds of votes have no margin of their own: a count may change by one where the lists' scores are far apart. */
static bool votes(const saint_trace *t)
{
    for (int k = 0; k < t->image[0].history.n_sites; k++)
        if (!t->image[0].history.site[k]->method->fixed_budget) return true;
    return false;
}

/* Random plans, batches and questions: kept lists are the CPU's when no decision was close; with a cache the lists are those of a cold
 * run of the device (layers that run for the question alone have other shapes and so other roundings). */
static void walk(const char *folder, uint64_t seed, int steps)
{
    saint_model *m = load_tiny(folder);
    saint_session *warm = cuda_session(m, SAINT_F32, 1 << 28), *cold = cuda_session(m, SAINT_F32, 0), *cpu = open_session(engine, m, 0);
    random_step x = first_step(m);
    int compared = 0, reused = 0, exact = 0;
    for (int i = 0; i < steps; i++) {
        saint_trace *a = NULL, *b = NULL, *c = NULL;
        saint_error ea = {0}, eb = {0}, ec = {0};
        saint_status sa = saint_session_run(warm, &x.q, NULL, &a, &ea), sb = saint_session_run(cold, &x.q, NULL, &b, &eb),
                     sc = saint_session_run(cpu, &x.q, NULL, &c, &ec);
        if (sa != sc || sb != sc || strcmp(eb.text, ec.text) != 0) fail_msg("step %d: %d \"%s\", cold %d \"%s\", CPU %d \"%s\"", i, sa, ea.text, sb, eb.text, sc, ec.text);
        if (sa == SAINT_OK && a->layers_question == 0) { /* the same calls as a cold run: the same bits */
            for (int k = 0; k < a->n_images; k++) {
                assert_int_equal(a->image[k].n_logits, b->image[k].n_logits);
                assert_same_bits(a->image[k].logits, b->image[k].logits, a->image[k].n_logits, "logits of a resumed run");
            }
            exact += a->layers_reused > 0;
        }
        if (sa == SAINT_OK && !close_call(c) && !votes(c)) {
            same_survivors(b, c, "CUDA and CPU");
            same_survivors(a, c, "resumed CUDA and CPU");
            compared++;
        }
        reused += sa == SAINT_OK ? a->layers_reused + a->layers_question : 0;
        saint_trace_unref(a);
        saint_trace_unref(b);
        saint_trace_unref(c);
        next_step(&seed, &x);
    }
    printf("  %-18s %d requests, %d compared with the CPU, %d layers reused, %d resumed runs equal cold ones bit for bit\n", folder, steps, compared, reused, exact);
    assert_true(compared * 4 > steps && reused > 0 && exact > 0);
    saint_session_close(warm);
    saint_session_close(cold);
    saint_session_close(cpu);
    saint_model_unref(m);
}

static void random_requests_equal_the_cpu_and_a_cold_run(void **state)
{
    (void)state;
#ifdef SAINT_EMULATED
    const int steps = 12;
#else
    const int steps = 60;
#endif
    walk("llava-tiny-new", 3, steps);
    walk("clip-vit-tiny", 4, steps);
    walk("timm-vit-tiny", 5, steps);
}

int main(int argc, char **argv)
{
    char why[160];
    if (saint_engine_devices(NULL, 0, why, sizeof why) == 0) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_equals_pytorch),
        cmocka_unit_test(sixteen_bits_are_near_pytorch),
        cmocka_unit_test(random_requests_equal_the_cpu_and_a_cold_run),
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    draw_pictures();
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* for tools that are too slow for all of it */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pictures();
    saint_engine_close(engine);
    return failed;
}
