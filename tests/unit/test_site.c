/* What a site does to the rows: merging by weight, and what weights mean to attention and pooling. */
#include "support/session.h"

#include <math.h>

#include "run/internal.h"

enum { DIM = 40 }; /* of mae-vit-tiny: two heads of 20, mean of the patches into the classifier */

static saint_engine *engine;
static saint_model *mae;
static saint_session *session;

static void random_rows_of(int dim, saint_rows *r, int n_seqs, const int *n, uint64_t *rng)
{
    int total = 0;
    for (int i = 0; i < n_seqs; i++) total += n[i];
    assert_ok(saint_rows_alloc(r, session->b, n_seqs, total, dim, err));
    for (int i = 0; i < n_seqs; i++) {
        r->cu[i + 1] = r->cu[i] + n[i];
        for (int k = 0; k < n[i]; k++) {
            int at = r->cu[i] + k;
            r->patch[at] = k - 1; /* row 0 is the class token */
            r->pos[at] = k;
            r->size[at] = 1;
        }
    }
    for (int i = 0; i < total * dim; i++) r->x[i] = test_random(rng);
}

static void random_rows(saint_rows *r, int n_seqs, const int *n, uint64_t *rng)
{
    random_rows_of(DIM, r, n_seqs, n, rng);
}

static float *random_metric(int rows, int dim, uint64_t *rng)
{
    float *m = malloc((size_t)(rows * dim) * sizeof *m);
    for (int i = 0; i < rows * dim; i++) m[i] = test_random(rng);
    return m;
}

static double weight(const saint_rows *r, int seq)
{
    double sum = 0;
    for (int i = r->cu[seq] + 1; i < r->cu[seq + 1]; i++) sum += (double)r->size[i];
    return sum;
}

/* One ToMe site over a batch of rows that may carry weights already. */
static void merge_once(saint_rows *rows, int keep_num, saint_trace *t, uint64_t *rng)
{
    saint_request q = {0};
    saint_run r = {.s = session, .b = session->b, .m = mae, .req = &q, .t = t};
    saint_site site = {
        .stage = SAINT_STAGE_VIT, .layer = 0, .method = saint_method_index(saint_method_find("tome")), .p = {.keep_num = keep_num}};
    saint_error e = {0};
    float *metric = random_metric(saint_rows_total(rows), 20, rng);
    saint_site_input in = {.site = &site, .metric = metric, .dim = 20, .n_prefix = 1, .window = -1};
    saint_history *history[4];
    for (int i = 0; i < rows->n_seqs; i++) history[i] = &t->image[i].history;
    r.err = &e;
    if (saint_run_site(&r, &in, rows, history) != SAINT_OK) fail_msg("%s", e.text);
    free(metric);
}

static void merged_rows_are_weighted_means_and_weights_add_up(void **state)
{
    (void)state;
    uint64_t rng = 4;
    const int n[3] = {33, 20, 8};
    saint_rows rows, before;
    random_rows(&rows, 3, n, &rng);
    saint_trace *t = saint_trace_new(3);
    for (int round = 0; round < 3; round++) {
        assert_ok(saint_rows_clone(&before, &rows, err));
        merge_once(&rows, round == 0 ? 14 : 9, t, &rng);
        assert_true(rows.merged);
        for (int q = 0; q < 3; q++) {
            const saint_trace_site *site = t->image[q].history.site[round];
            int first = before.cu[q], new_first = rows.cu[q];
            assert_true(fabs(weight(&rows, q) - (n[q] - 1)) < 1e-4); /* as many patches as ever */
            assert_int_equal(rows.cu[q + 1] - rows.cu[q], before.cu[q + 1] - before.cu[q] - site->n_merge);
            assert_memory_equal(rows.x + (size_t)new_first * DIM, before.x + (size_t)first * DIM,
                                DIM * sizeof(float)); /* the class token */
            for (int i = new_first + 1; i < rows.cu[q + 1]; i++) {
                int into = 0; /* candidate of that patch */
                while (site->in[into] != rows.patch[i]) into++;
                double sum[DIM] = {0}, size = 0;
                for (int m = -1; m < site->n_merge; m++) {
                    if (m >= 0 && site->merge[m].into != into) continue;
                    int from = first + 1 + (m < 0 ? into : site->merge[m].from);
                    size += (double)before.size[from];
                    for (int c = 0; c < DIM; c++) sum[c] += (double)before.size[from] * (double)before.x[from * DIM + c];
                }
                assert_true(fabs((double)rows.size[i] - size) < 1e-5);
                for (int c = 0; c < DIM; c++) assert_true(fabs((double)rows.x[i * DIM + c] - sum[c] / size) < 1e-5);
            }
        }
        saint_rows_free(&before);
    }
    saint_trace_unref(t);
    saint_rows_free(&rows);
}

static const int sizes[] = {1, 3, 1, 2, 5};
enum { N = 5, WIDE = 1 + 3 + 1 + 2 + 5 };

/* N rows of these sizes, and the same ones as so many equal rows; first [N]: where each of the former begins among the latter. */
static void weighed_and_apart(int dim, saint_rows *weighed, saint_rows *apart, int *first)
{
    uint64_t rng = 8;
    int at = 0;
    random_rows_of(dim, weighed, 1, &(int){N}, &rng);
    random_rows_of(dim, apart, 1, &(int){WIDE}, &rng);
    for (int i = 0; i < N; i++) {
        weighed->size[i] = (float)sizes[i];
        first[i] = at;
        for (int k = 0; k < sizes[i]; k++) memcpy(apart->x + dim * at++, weighed->x + dim * i, (size_t)dim * sizeof(float));
    }
    weighed->merged = true;
}

/* A token of weight three and three equal tokens are the same to attention, */
static void a_weight_counts_like_as_many_equal_tokens(void **state)
{
    (void)state;
    saint_model *timm = load_tiny("timm-vit-tiny"); /* reads the class token */
    int dim = saint_model_get_info(timm)->vit_dim, layers = saint_model_get_info(timm)->vit_layers, first[N];
    saint_rows merged, apart;
    weighed_and_apart(dim, &merged, &apart, first);
    saint_vit_forward *f;
    float metric[WIDE * DIM], one[N], many[WIDE], logits[2][16];
    assert_true(saint_model_get_info(timm)->classes <= 16 && dim <= DIM);
    assert_ok(saint_vit_open(&f, session->b, timm, WIDE, err));
    for (int layer = 0; layer < layers; layer++) {
        assert_ok(saint_vit_attend(f, layer, &merged, &(saint_vit_readings){metric, one, false}, err));
        assert_ok(saint_vit_attend(f, layer, &apart, &(saint_vit_readings){metric, many, false}, err));
        for (int i = 0; i < N; i++) {
            assert_true(fabsf(one[i] - (float)sizes[i] * many[first[i]]) < 1e-5f); /* the class token's attention, in sum */
            for (int c = 0; c < dim; c++) assert_true(fabsf(merged.x[i * dim + c] - apart.x[first[i] * dim + c]) < 1e-4f);
        }
        assert_ok(saint_vit_mlp(f, layer, &merged, err));
        assert_ok(saint_vit_mlp(f, layer, &apart, err));
    }
    assert_ok(saint_vit_classify(f, &merged, logits[0], err));
    assert_ok(saint_vit_classify(f, &apart, logits[1], err));
    for (int i = 0; i < saint_model_get_info(timm)->classes; i++) assert_true(fabsf(logits[0][i] - logits[1][i]) < 1e-4f);
    saint_vit_close(f);
    saint_rows_free(&merged);
    saint_rows_free(&apart);
    saint_model_unref(timm);
}

/* and to the mean that a MAE's head reads; its attention takes every row for one, as published. */
static void a_mae_weighs_its_mean_but_not_its_attention(void **state)
{
    (void)state;
    int first[N];
    saint_rows merged, apart;
    weighed_and_apart(DIM, &merged, &apart, first);
    saint_vit_forward *f;
    float metric[WIDE * 20], weighed[N], plain[N], x[N * DIM], logits[2][5];
    assert_int_equal(saint_model_get_info(mae)->classes, 5);
    assert_ok(saint_vit_open(&f, session->b, mae, WIDE, err));
    assert_ok(saint_vit_classify(f, &merged, logits[0], err));
    assert_ok(saint_vit_classify(f, &apart, logits[1], err));
    for (int i = 0; i < 5; i++) assert_true(fabsf(logits[0][i] - logits[1][i]) < 1e-4f);
    memcpy(x, merged.x, sizeof x);
    assert_ok(saint_vit_attend(f, 0, &merged, &(saint_vit_readings){metric, weighed, false}, err));
    memcpy(merged.x, x, sizeof x);
    for (int i = 1; i < N; i++) merged.size[i] = 1;
    assert_ok(saint_vit_attend(f, 0, &merged, &(saint_vit_readings){metric, plain, false}, err));
    assert_memory_equal(weighed, plain, sizeof plain);
    memcpy(merged.x, x, sizeof x);
    assert_ok(saint_vit_classify(f, &merged, logits[0], err)); /* and without the weights it is another mean */
    float difference = 0;
    for (int i = 0; i < 5; i++) difference += fabsf(logits[0][i] - logits[1][i]);
    assert_true(difference > 1e-3f);
    saint_vit_close(f);
    saint_rows_free(&merged);
    saint_rows_free(&apart);
}

static void a_gather_takes_everything_along(void **state)
{
    (void)state;
    uint64_t rng = 2;
    const int n[2] = {6, 4};
    const int32_t list[] = {0, 5, 3, 6, 8}, cu[] = {0, 3, 5};
    saint_rows rows, before;
    random_rows(&rows, 2, n, &rng);
    for (int i = 0; i < 10; i++) rows.size[i] = (float)i + 1;
    assert_ok(saint_rows_clone(&before, &rows, err));
    assert_ok(saint_rows_gather(&rows, list, 5, cu, err));
    assert_memory_equal(rows.cu, cu, sizeof cu);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rows.patch[i], before.patch[list[i]]);
        assert_int_equal(rows.pos[i], before.pos[list[i]]);
        assert_true(rows.size[i] == before.size[list[i]]);
        assert_memory_equal(rows.x + DIM * i, before.x + DIM * list[i], DIM * sizeof(float));
    }
    saint_rows_free(&before);
    saint_rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_rows_are_weighted_means_and_weights_add_up),
        cmocka_unit_test(a_weight_counts_like_as_many_equal_tokens),
        cmocka_unit_test(a_mae_weighs_its_mean_but_not_its_attention),
        cmocka_unit_test(a_gather_takes_everything_along),
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    mae = load_tiny("mae-vit-tiny");
    session = open_session(engine, mae, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    saint_session_close(session);
    saint_model_unref(mae);
    saint_engine_close(engine);
    return failed;
}
