/* golden_prune.h - runs the published functions' recorded cases (cases.json and .npy keys in one folder) through saint_select_batch.
 *
 * A case passes when the ordered lists are equal, or when they have the same length and every position, or every token that is in one
 * list only, differs by a pair of tokens whose scores agree within 1e-6 relative: sums in another order may swap those. */
#ifndef SAINT_TESTS_SUPPORT_GOLDEN_PRUNE_H
#define SAINT_TESTS_SUPPORT_GOLDEN_PRUNE_H

#include "support/test.h"

#include <math.h>

#include "formats/json.h"
#include "formats/npy.h"
#include "select/method.h"

/* Who decides: saint_select_batch without a pool, or a backend. */
typedef saint_status (*golden_select_fn)(const saint_method *m, const saint_select_in *in, int n_images, saint_select_out *out,
                                          saint_error *err);

typedef struct {
    int exact, tied, failed, lists;
    float min_margin;
    golden_select_fn select;
} golden_tally;

static inline saint_status golden_on_host(const saint_method *m, const saint_select_in *in, int n_images, saint_select_out *out, saint_error *err)
{
    return saint_select_batch(m, in, n_images, NULL, out, err);
}

static inline double golden_number(const cJSON *object, const char *key, double otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static inline bool golden_scores_tie(const saint_select_out *out, int i, int j)
{
    double a = (double)out->score[i], b = (double)out->score[j]; /* NaN, the never ranked, tie with nothing */
    return fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
}

static inline int golden_by_score(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* 0: equal lists; 1: equal up to tied scores; 2: different. ordered: positions carry meaning, else the lists are ascending sets. */
static inline int golden_compare(const saint_select_out *out, const int *want, int n_want, int n, bool ordered)
{
    if (out->n_keep != n_want) return 2;
    if (!memcmp(out->kept, want, (size_t)n_want * sizeof *want)) return 0;
    if (ordered) {
        for (int k = 0; k < n_want; k++)
            if (out->kept[k] != want[k] && !golden_scores_tie(out, out->kept[k], want[k])) return 2;
        return 1;
    }
    float *ours = calloc((size_t)n, sizeof *ours), *theirs = calloc((size_t)n, sizeof *theirs);
    unsigned char *seen = calloc((size_t)n, 1);
    int n_ours = 0, n_theirs = 0, verdict = 1;
    for (int k = 0; k < n_want; k++) seen[out->kept[k]] |= 1, seen[want[k]] |= 2;
    for (int i = 0; i < n; i++) {
        if (seen[i] == 1) ours[n_ours++] = out->score[i];
        if (seen[i] == 2) theirs[n_theirs++] = out->score[i];
    }
    qsort(ours, (size_t)n_ours, sizeof *ours, golden_by_score);
    qsort(theirs, (size_t)n_theirs, sizeof *theirs, golden_by_score);
    for (int k = 0; k < n_ours; k++)
        if (!(fabsf(ours[k] - theirs[k]) <= 1e-6f * fmaxf(fabsf(ours[k]), fabsf(theirs[k])))) verdict = 2;
    free(ours);
    free(theirs);
    free(seen);
    return verdict;
}

static inline void golden_case(const char *folder, const cJSON *c, int number, golden_tally *tally)
{
    char path[1024];
    const char *name = cJSON_GetObjectItemCaseSensitive(c, "method")->valuestring;
    const cJSON *stage = cJSON_GetObjectItemCaseSensitive(c, "stage"), *kept = cJSON_GetObjectItemCaseSensitive(c, "kept");
    snprintf(path, sizeof path, "%s/%s", folder, cJSON_GetObjectItemCaseSensitive(c, "keys")->valuestring);
    saint_npy keys;
    assert_ok(saint_npy_load(path, &keys, err));
    assert_true(keys.rank == 2 || keys.rank == 3);
    int batch = keys.rank == 3 ? (int)keys.shape[0] : 1, rows = (int)keys.shape[keys.rank - 2], dim = (int)keys.shape[keys.rank - 1];
    int cls = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "cls")) ? 1 : 0, n = rows - cls;
    bool llm = stage && !strcmp(stage->valuestring, "llm"), drop = !strcmp(name, "saint_drop");
    saint_select_in *in = calloc((size_t)batch, sizeof *in);
    saint_select_out *out = calloc((size_t)batch, sizeof *out);
    int *want = calloc((size_t)rows, sizeof *want);
    for (int b = 0; b < batch; b++) {
        in[b] = (saint_select_in){
            .stage = llm ? SAINT_STAGE_LLM : SAINT_STAGE_VIT,
            .n = n,
            .dim = dim,
            .n_prefix = cls,
            .metric = keys.data + ((size_t)b * (size_t)rows + (size_t)cls) * (size_t)dim,
            .p = {.keep_num = (int)golden_number(c, "keep_num", -1), .r = (int)golden_number(c, "r", 0),
                  .K = (int)golden_number(c, "K", 0), .sim_threshold = (float)golden_number(c, "sim_threshold", 0),
                  .gamma = (float)golden_number(c, "gamma", 0)},
            .compat = 1u << SAINT_COMPAT_OVERWRITE_R | 1u << SAINT_COMPAT_BATCH_MEAN_RATE,
            .forced_drop = -1,
        };
    }
    assert_ok(tally->select(saint_method_find(name), in, batch, out, err));
    int verdict = 0;
    for (int b = 0; b < batch; b++) {
        const cJSON *list = drop && !llm ? cJSON_GetArrayItem(kept, b) : kept, *id;
        int n_want = 0;
        cJSON_ArrayForEach(id, list) {
            assert_true(n_want < rows);
            want[n_want++] = id->valueint - cls;
        }
        if (cls) assert_int_equal(want[0], -1); /* the class token, first, as everywhere */
        int v = golden_compare(&out[b], want + cls, n_want - cls, n, drop && !llm);
        if (v == 2) printf("case %d (%s, %s), image %d: differs, kept %d, published %d, margin %g\n", number, name, path, b, out[b].n_keep,
                           n_want - cls, (double)out[b].margin);
        if (v > verdict) verdict = v;
        if (out[b].margin < tally->min_margin) tally->min_margin = out[b].margin;
        tally->lists++;
        saint_select_free(&out[b]);
    }
    tally->exact += verdict == 0;
    tally->tied += verdict == 1;
    tally->failed += verdict == 2;
    free(want);
    free(out);
    free(in);
    saint_npy_free(&keys);
}

/* All cases of a folder; the number of cases is checked by the caller in the tally. */
static inline golden_tally golden_run_by(const char *folder, golden_select_fn select)
{
    golden_tally tally = {.min_margin = INFINITY, .select = select};
    char path[1024];
    cJSON *root;
    snprintf(path, sizeof path, "%s/cases.json", folder);
    assert_ok(saint_json_load(path, 1 << 20, &root, err));
    const cJSON *c;
    int number = 0;
    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(root, "cases")) golden_case(folder, c, number++, &tally);
    printf("%s: %d cases (%d lists): %d exact, %d equal up to ties of 1e-6, %d different; smallest margin %g\n", folder, number,
           tally.lists, tally.exact, tally.tied, tally.failed, (double)tally.min_margin);
    cJSON_Delete(root);
    return tally;
}

static inline golden_tally golden_run(const char *folder) { return golden_run_by(folder, golden_on_host); }

#endif
