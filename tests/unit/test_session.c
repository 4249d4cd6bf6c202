/* Runs: whatever stands beside, however many threads, whatever is asked: the same bits, or one clean error. */
#define _XOPEN_SOURCE 700 /* mkstemp */
#include "support/tiny.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "formats/checkpoint.h"
#include "models/weights.h"

/* ---- one run beside others --------------------------------------------------------------------------------------- */

static void each_picture_of_a_batch_equals_the_picture_alone(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    for (int k = 0; k < 3; k++) {
        saint_session *s = open_session(engine, models[k], 0);
        saint_trace *alone[N_PICTURES];
        for (int i = 0; i < N_PICTURES; i++) {
            saint_request q = busy_request(models[k], 1);
            q.images = &picture[i];
            q.want_stats = true;
            alone[i] = run_request(s, &q);
        }
        for (int n = 1; n <= N_PICTURES; n++) {
            saint_request q = busy_request(models[k], n);
            q.want_stats = true;
            saint_trace *t = run_request(s, &q);
            for (int i = 0; i < n; i++) assert_same_image(&t->image[i], &alone[i]->image[0]);
            saint_trace_unref(t);
        }
        for (int i = 0; i < N_PICTURES; i++) saint_trace_unref(alone[i]);
        saint_session_close(s);
    }
}

static void the_published_batch_drops_the_mean_of_the_votes(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, timm, 0);
    int votes = 0, differ = 0;
    saint_request q = plain_request(timm, 1);
    set_params(&q.settings, "compat=reference", "prune_mode[0]=saint_drop", "sim_threshold[0]=0.8", NULL);
    for (int i = 0, first = 0; i < N_PICTURES; i++) {
        q.images = &picture[i];
        saint_trace *t = run_request(s, &q);
        const saint_trace_site *site = t->image[0].history.site[0];
        votes += site->n_in - site->n_keep;
        if (i == 0) first = site->n_keep;
        differ |= site->n_keep != first;
        saint_trace_unref(t);
    }
    assert_true(differ);
    q.images = picture;
    q.n_images = N_PICTURES;
    saint_trace *t = run_request(s, &q);
    for (int i = 0; i < N_PICTURES; i++) {
        const saint_trace_site *site = t->image[i].history.site[0];
        assert_int_equal(site->n_in - site->n_keep, votes / N_PICTURES);
    }
    saint_trace_unref(t);
    saint_session_close(s);
}

static saint_trace *run_with(const saint_model *m, const saint_request *q, int threads, saint_dtype dtype)
{
    saint_engine *e;
    saint_session *s;
    saint_model *shared = saint_model_ref((saint_model *)m);
    assert_ok(saint_engine_open(&e, &(saint_engine_options){.n_threads = threads}, err));
    assert_ok(saint_session_open(&s, e, shared, &(saint_session_options){.dtype = dtype}, err));
    saint_trace *t = run_request(s, q), *again = run_request(s, q);
    assert_same_trace(t, again);
    saint_trace_unref(again);
    saint_session_close(s);
    saint_engine_close(e);
    saint_model_unref(shared);
    return t;
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip, llama};
    for (int k = 0; k < 4; k++)
        for (int d = 0; d < 2; d++) {
            saint_request q = busy_request(models[k], 3);
            saint_dtype dtype = d ? SAINT_BF16 : SAINT_F32;
            saint_trace *one = run_with(models[k], &q, 1, dtype);
            for (int threads = 2; threads <= 3; threads++) {
                saint_trace *t = run_with(models[k], &q, threads, dtype);
                assert_same_trace(t, one);
                saint_trace_unref(t);
            }
            saint_trace_unref(one);
        }
}

static double rel_l2(const float *a, const float *b, int n)
{
    double diff = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        diff += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(diff / norm);
}

static void bf16_is_close_and_indifferent_to_batch_and_cache(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, llama};
    for (int k = 0; k < 3; k++) {
        saint_request q = plain_request(models[k], 2);
        saint_trace *exact = run_with(models[k], &q, 1, SAINT_F32), *fast = run_with(models[k], &q, 1, SAINT_BF16);
        double worst = 0;
        for (int i = 0; i < exact->n_images; i++)
            worst = fmax(worst, rel_l2(fast->image[i].logits, exact->image[i].logits, exact->image[i].n_logits));
        printf("  %-18s logits in bf16: relative L2 %.2g\n", saint_model_get_info(models[k])->name, worst);
        assert_true(worst > 0 && worst < 5e-2);
        saint_trace_unref(exact);
        saint_trace_unref(fast);
        saint_session *s;
        assert_ok(
            saint_session_open(&s, engine, models[k], &(saint_session_options){.dtype = SAINT_BF16, .checkpoint_bytes = 1 << 26}, err));
        saint_request b = busy_request(models[k], 2), alone = busy_request(models[k], 1);
        saint_trace *batch = run_request(s, &b), *first = run_request(s, &alone), *again = run_request(s, &b);
        assert_same_image(&batch->image[0], &first->image[0]);
        assert_same_trace(batch, again);
        if (models[k] != timm) assert_int_equal(again->layers_run, 0);
        alone.prompt = q.prompt ? questions[1] : NULL;
        saint_trace *question = run_request(s, &alone), *cold = run_with(models[k], &alone, 2, SAINT_BF16);
        assert_same_trace(question, cold);
        saint_trace_unref(question);
        saint_trace_unref(cold);
        saint_trace_unref(batch);
        saint_trace_unref(first);
        saint_trace_unref(again);
        saint_session_close(s);
    }
}

/* ---- what changes nothing ---------------------------------------------------------------------------------------- */

static void keeping_all_equals_the_plain_run(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    for (int k = 0; k < 3; k++) {
        const saint_model_info *info = saint_model_get_info(models[k]);
        saint_session *s = open_session(engine, models[k], 1 << 26);
        saint_request q = plain_request(models[k], 2);
        saint_trace *plain = run_request(s, &q);
        for (int i = 0; saint_method_at(i); i++)
            for (int stage = 0; stage < 2; stage++)
                for (int by_ratio = 0; by_ratio < 2; by_ratio++) {
                    const saint_method *m = saint_method_at(i);
                    if (!(m->stages & 1u << stage) || (stage == SAINT_STAGE_LLM && !info->llm_layers)) continue;
                    char name[64];
                    q = plain_request(models[k], 2);
                    snprintf(name, sizeof name, "%s[0-1]=%s", stage ? "llm_prune_mode" : "prune_mode", m->name);
                    set_params(&q.settings, name, "sim_threshold=1.0001", "saint_threshold=1.0001", "keep_ratio=1", "llm_keep_ratio=1",
                               NULL);
                    set_param(&q.settings, by_ratio ? "keep_num=-1" : "keep_num=65536");
                    set_param(&q.settings, by_ratio ? "llm_keep_num=-1" : "llm_keep_num=65536");
                    saint_trace *t = run_request(s, &q);
                    for (int p = 0; p < 2; p++) {
                        assert_int_equal(t->image[p].history.n_sites, 2);
                        if (plain->image[p].n_logits &&
                            memcmp(t->image[p].logits, plain->image[p].logits, (size_t)plain->image[p].n_logits * sizeof(float)) != 0)
                            fail_msg("%s: %s that keeps all changes the logits", info->name, m->name);
                        assert_same_bits(t->image[p].ids, plain->image[p].ids, plain->image[p].n_ids, "answers");
                        const saint_trace_site *site = t->image[p].history.site[0];
                        assert_same_bits(site->kept, site->in, site->n_in, "lists");
                    }
                    saint_trace_unref(t);
                }
        saint_trace_unref(plain);
        saint_session_close(s);
    }
}

/* ---- cancellation from elsewhere ---------------------------------------------------------------------------------- */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t started;
    bool begun;
    int flag;
} race;

static bool begun_event(void *ud, const saint_event *e)
{
    race *r = ud;
    (void)e;
    pthread_mutex_lock(&r->lock);
    r->begun = true;
    pthread_cond_signal(&r->started);
    pthread_mutex_unlock(&r->lock);
    return true;
}

static void *raise_flag(void *ud)
{
    race *r = ud;
    pthread_mutex_lock(&r->lock);
    while (!r->begun) pthread_cond_wait(&r->started, &r->lock);
    pthread_mutex_unlock(&r->lock);
    __atomic_store_n(&r->flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void the_flag_stops_a_run_from_another_thread(void **state)
{
    (void)state;
    race r = {.lock = PTHREAD_MUTEX_INITIALIZER, .started = PTHREAD_COND_INITIALIZER};
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = busy_request(llava, 1);
    q.max_new_tokens = 200000; /* hours */
    saint_observer ob = {.event = begun_event, .ud = &r, .cancel = &r.flag};
    pthread_t thread;
    saint_trace *t;
    saint_error e;
    assert_int_equal(pthread_create(&thread, NULL, raise_flag, &r), 0);
    assert_int_equal(saint_session_run(s, &q, &ob, &t, &e), SAINT_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(saint_session_run(s, &q, &ob, &t, &e), SAINT_CANCELLED); /* still raised */
    q.max_new_tokens = 2;
    saint_session *cold = open_session(engine, llava, 0);
    saint_trace *want = run_request(cold, &q);
    t = run_request(s, &q);
    assert_same_trace(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_session_close(s);
    saint_session_close(cold);
}

/* ---- traces ---------------------------------------------------------------------------------------------------------- */

static void assert_tensor(const saint_checkpoint *c, const void *data, size_t bytes, const char *fmt, ...)
{
    char name[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    const saint_tensor *t = saint_checkpoint_find(c, name);
    if (!t) fail_msg("%s is not in the file", name);
    if (t->bytes != bytes || (bytes && memcmp(t->data, data, bytes) != 0)) fail_msg("%s differs", name);
}

static void a_saved_trace_holds_every_list(void **state)
{
    (void)state;
    char path[] = "saint-trace-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    saint_session *s = open_session(engine, llava, 0);
    saint_request q = busy_request(llava, 2);
    q.want_stats = true;
    saint_trace *t = run_request(s, &q);
    saint_checkpoint *c;
    assert_ok(saint_trace_save(t, path, err));
    assert_ok(saint_checkpoint_open_file(&c, path, err));
    for (int i = 0; i < 2; i++) {
        const saint_trace_image *im = &t->image[i];
        for (int k = 0; k < im->history.n_sites; k++) {
            const saint_trace_site *x = im->history.site[k];
            const char *stage = x->stage == SAINT_STAGE_VIT ? "vit" : "llm";
            size_t in = (size_t)x->n_in;
            assert_tensor(c, x->in, in * sizeof *x->in, "image.%d.%s.%d.in", i, stage, x->layer);
            assert_tensor(c, x->kept, (size_t)x->n_keep * sizeof *x->kept, "image.%d.%s.%d.kept", i, stage, x->layer);
            assert_tensor(c, x->score, in * sizeof *x->score, "image.%d.%s.%d.score", i, stage, x->layer);
            assert_tensor(c, x->neighbours, in * sizeof *x->neighbours, "image.%d.%s.%d.neighbours", i, stage, x->layer);
            assert_tensor(c, x->round, in * sizeof *x->round, "image.%d.%s.%d.round", i, stage, x->layer);
            assert_tensor(c, &x->margin, sizeof x->margin, "image.%d.%s.%d.margin", i, stage, x->layer);
        }
        assert_tensor(c, im->logits, (size_t)im->n_logits * sizeof *im->logits, "image.%d.logits", i);
        assert_tensor(c, im->ids, (size_t)im->n_ids * sizeof *im->ids, "image.%d.answer_ids", i);
        assert_non_null(saint_checkpoint_find(c, i ? "image.1.llm.3.stats" : "image.0.vit.0.stats"));
    }
    saint_checkpoint_close(c);
    saint_trace_unref(t);
    saint_session_close(s);
    unlink(path);
}

/* ---- wrong requests --------------------------------------------------------------------------------------------------- */

static void expect_refusal(saint_session *s, const saint_request *q, const char *part)
{
    saint_error e = {0}, also = {0};
    saint_trace *t = (saint_trace *)&e;
    saint_forecast f;
    saint_status st = saint_session_run(s, q, NULL, &t, &e);
    if (st != SAINT_INVALID || !strstr(e.text, part)) fail_msg("expected a refusal with \"%s\", found %d \"%s\"", part, st, e.text);
    assert_null(t);
    assert_int_equal(saint_session_forecast(s, q, &f, &also), SAINT_INVALID);
    assert_string_equal(e.text, also.text);
}

static void wrong_requests_are_refused_in_one_line(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26), *vit = open_session(engine, timm, 0), *text = open_session(engine, llama, 0);
    saint_request good = plain_request(llava, 1), q;
    int32_t ids[] = {1, 20, 30, 40};
    saint_image hollow = {.w = 4, .h = 4};
#define WRONG(session, base, change, part)                                                                                                 \
    q = base;                                                                                                                              \
    change;                                                                                                                                \
    expect_refusal(session, &q, part)
    WRONG(s, good, q.images = NULL, "without pictures");
    WRONG(s, good, q.n_images = -1, "-1 pictures");
    WRONG(s, good, q.n_images = 1 << 30, "at most");
    WRONG(s, good, q.images = &hollow, "is empty");
    WRONG(s, good, q.prompt = NULL, "needs a prompt");
    WRONG(s, good, q.max_new_tokens = -1, "max_new_tokens -1");
    WRONG(s, good, q.max_new_tokens = 1 << 30, "max_new_tokens");
    WRONG(s, good, (q.ids = ids, q.n_prefix = -1, q.n_suffix = 2), "-1 and 2");
    WRONG(s, good, (q.ids = ids, q.n_prefix = 2, q.n_suffix = -5), "2 and -5");
    WRONG(s, good, (q.ids = ids, q.n_prefix = 1 << 30, q.n_suffix = 1 << 30), "expected 0 to");
    WRONG(s, good, (q.ids = (int32_t[]){1, 416}, q.n_prefix = 1, q.n_suffix = 1), "token id 416 at place 1");
    WRONG(s, good, (q.ids = (int32_t[]){-7, 1}, q.n_prefix = 1, q.n_suffix = 1), "token id -7 at place 0");
    WRONG(s, good, (q.n_images = 0, q.ids = ids), "prompt is empty");
    WRONG(s, good, q.prompt = "what is <image>?", "<image>");
    WRONG(s, good, q.prompt = "caf\xe9?", "not UTF-8");
    WRONG(s, good, set_param(&q.settings, "prune_mode[3]=random"), "prune_mode[3]");
    WRONG(s, good, set_param(&q.settings, "llm_prune_mode[4]=random"), "llm_prune_mode[4]");
    WRONG(s, good, set_params(&q.settings, "mode=llm", "use_saint=true", "saint_end=16", NULL), "saint_end=16");
    WRONG(s, good, set_params(&q.settings, "mode=llm", "use_saint=true", "saint_end=200", "saint_start=150", NULL), "saint_end=200");
    WRONG(vit, plain_request(timm, 1), q.n_images = 0, "needs a picture");
    WRONG(text, plain_request(llama, 0), (q.images = picture, q.n_images = 1), "text-only");
#undef WRONG
    saint_trace_unref(run_request(s, &good)); /* and a session is none the worse for it */
    saint_session_close(s);
    saint_session_close(vit);
    saint_session_close(text);
}

/* A copy of llava-tiny whose padded rows (ids 402 to 415, beyond its tokenizer) have outputs twice those of ids 3 to 16: they get chosen.
 */
static saint_model *padded_model(char folder[64])
{
    static const char *const names[] = {"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json",
                                        "tokenizer_config.json"};
    enum { ROW = 32 * 2, FIRST = 402, N = 14, LIKE = 3 };
    char path[512], *text;
    size_t n;
    saint_model *m;
    strcpy(folder, "/tmp/saint-padded-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/llava-tiny-new/%s", SAINT_FIXTURE_DIR, names[i]);
        assert_ok(saint_file_read(path, 1 << 24, &text, &n, err));
        if (i == 1) {
            uint64_t header;
            memcpy(&header, text, sizeof header);
            assert_non_null(strstr(text + 8, "\"lm_head.weight\":{\"dtype\":\"F16\",\"shape\":[416,32],\"data_offsets\":[0,"));
            uint16_t *rows = (uint16_t *)(void *)(text + 8 + header);
            for (int k = 0; k < N * ROW / 2; k++) {
                uint16_t v = rows[LIKE * ROW / 2 + k];
                rows[FIRST * ROW / 2 + k] = (uint16_t)(v & 0x7c00 ? v + 0x0400 : v);
            }
        }
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, n, f), n);
        fclose(f);
        free(text);
    }
    assert_ok(saint_model_load(&m, folder, NULL, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) { /* it is mapped: the files may go */
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    remove(folder);
    return m;
}

static void an_answer_id_beyond_the_tokenizer_has_no_text(void **state)
{
    (void)state;
    char folder[64];
    saint_model *m = padded_model(folder);
    saint_session *s = open_session(engine, m, 1 << 26);
    int hits = 0;
    for (int i = 0; i < 4; i++) {
        saint_request q = plain_request(m, 1);
        q.prompt = questions[i];
        q.max_new_tokens = 24;
        saint_trace *t = run_request(s, &q);
        assert_non_null(t->image[0].answer);
        for (int k = 0; k < t->image[0].n_ids; k++) hits += t->image[0].ids[k] >= 402;
        saint_trace_unref(t);
    }
    assert_true(hits > 0);
    saint_session_close(s);
    saint_model_unref(m);
}

/* Whatever the user types for the window: a clean error or an answer, never anything else. */
static void a_wrong_window_never_crashes(void **state)
{
    (void)state;
    static const int starts[] = {-1, 0, 1, 4, 5, 84, 85, 100, 65536}, lengths[] = {-1, 0, 1, 80, 82, 110, 65536};
    static const char *const methods[] = {"saint_drop", "iterative_drop_full_graph", "random", "grid", "fastv"};
    static const char *const ratios[] = {"llm_keep_ratio=0", "llm_keep_ratio=0.5", "llm_keep_ratio=1"};
    saint_session *s = open_session(engine, llava, 1 << 22);
    int refused = 0, total = 0;
    for (size_t a = 0; a < sizeof starts / sizeof *starts; a++)
        for (size_t b = 0; b < sizeof lengths / sizeof *lengths; b++)
            for (size_t m = 0; m < 5; m++) {
                char text[64];
                saint_request q = plain_request(llava, 1);
                saint_trace *t;
                saint_error e = {0};
                snprintf(text, sizeof text, "llm_prune_mode[1-2]=%s", methods[m]);
                set_params(&q.settings, text, ratios[(a + b + m) % 3], "saint_K=0", NULL);
                snprintf(text, sizeof text, "saint_sys_length=%d", starts[a]);
                set_param(&q.settings, text);
                snprintf(text, sizeof text, "saint_image_token_length=%d", lengths[b]);
                set_param(&q.settings, text);
                q.want_stats = m == 0;
                saint_status st = saint_session_run(s, &q, NULL, &t, &e);
                total++;
                refused += st != SAINT_OK;
                if (st != SAINT_OK && (st != SAINT_INVALID || !strstr(e.text, "window")))
                    fail_msg("%d %d %s: %s", starts[a], lengths[b], methods[m], e.text);
                if (st == SAINT_OK) assert_true(isfinite(t->image[0].logits[0]));
                saint_trace_unref(st == SAINT_OK ? t : NULL);
            }
    assert_true(refused > 0 && refused < total / 8);
    saint_session_close(s);
}

/* Nothing left of the picture is an answer from the text alone. */
static void nothing_of_the_picture_may_be_left(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    static const char *const methods[] = {"iterative_drop_full_graph", "random", "grid", "evit", "tome", "saint_drop"};
    for (int k = 0; k < 3; k++) {
        saint_session *s = open_session(engine, models[k], 1 << 24);
        for (int m = 0; m < 6; m++)
            for (int llm = 0; llm < 2; llm++) {
                saint_request q = plain_request(models[k], 2);
                char text[64];
                snprintf(text, sizeof text, "prune_mode[0-1]=%s", methods[m]);
                set_params(&q.settings, text, "keep_num=0", "K=0", "llm_keep_ratio=0", NULL);
                if (llm && models[k] == llava) set_param(&q.settings, "llm_prune_mode[1]=fastv");
                q.want_stats = true;
                saint_trace *t = run_request(s, &q);
                for (int i = 0; i < 2; i++)
                    for (int j = 0; j < t->image[i].n_logits; j++) assert_true(isfinite(t->image[i].logits[j]));
                if (m < 4) assert_int_equal(t->image[0].vit_out, 0);
                saint_trace_unref(t);
            }
        saint_session_close(s);
    }
}

static void a_decoded_token_reads_the_matrices_of_the_llm(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm};
    for (int k = 0; k < 2; k++) {
        saint_session *s = open_session(engine, models[k], 0);
        const saint_llm *l = &models[k]->llm;
        size_t bytes = 1, want = 0;
        double seconds = -1;
        assert_ok(saint_session_read_weights(s, &bytes, &seconds, err));
        if (l->layers) {
            size_t heads = (size_t)(2 * l->heads + 2 * l->kv_heads) * (size_t)l->head_dim;
            want = saint_dtype_size(l->head.type) * (size_t)l->dim * ((size_t)l->vocab + (size_t)l->layers * (heads + 3 * (size_t)l->mlp));
        }
        assert_int_equal(bytes, want);
        assert_true(want ? seconds > 0 : seconds == 0);
        saint_session_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_picture_of_a_batch_equals_the_picture_alone),
        cmocka_unit_test(the_published_batch_drops_the_mean_of_the_votes),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(bf16_is_close_and_indifferent_to_batch_and_cache),
        cmocka_unit_test(keeping_all_equals_the_plain_run),
        cmocka_unit_test(the_flag_stops_a_run_from_another_thread),
        cmocka_unit_test(a_saved_trace_holds_every_list),
        cmocka_unit_test(wrong_requests_are_refused_in_one_line),
        cmocka_unit_test(an_answer_id_beyond_the_tokenizer_has_no_text),
        cmocka_unit_test(a_wrong_window_never_crashes),
        cmocka_unit_test(nothing_of_the_picture_may_be_left),
        cmocka_unit_test(a_decoded_token_reads_the_matrices_of_the_llm),
    };
    return run_tiny_group("tests", tests, sizeof tests / sizeof *tests);
}
