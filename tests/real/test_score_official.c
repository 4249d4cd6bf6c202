/* The published numbers: LaVIN's MME leaderboard entry to two decimals; POPE's files against counts made here in another way. */
#include "support/test.h"

#include <math.h>

#include "base/file.h"
#include "datasets/answers.h"
#include "datasets/score.h"
#include "formats/json.h"

#define MME SAINT_SHARED_DIR "/data/vqa/mme_official"
#define POPE SAINT_SHARED_DIR "/data/vqa/pope"

static void score(const saint_dataset *d, const char *answers, saint_parser p, saint_score *out)
{
    saint_answers a;
    assert_ok(saint_answers_load(d, answers, NULL, &a, err));
    assert_int_equal(a.unknown.n + a.duplicate.n + a.missing.n + a.otherwise.n + a.mislabelled.n, 0);
    size_t n = saint_dataset_count(d);
    saint_verdict *v = calloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++) assert_ok(saint_score_answer(d, i, a.text[i], p, &v[i], NULL, err));
    assert_ok(saint_score_verdicts(d, v, p, out, err));
    free(v);
    saint_answers_free(d, &a);
}

static double value(const saint_score *s, const char *slice, const char *name)
{
    for (size_t i = 0; slice && i < s->n_slices; i++)
        if (strcmp(s->slice[i].name, slice) == 0) return saint_score_metric(&s->slice[i], name)->v.value;
    assert_null(slice);
    return saint_score_metric(&s->all, name)->v.value;
}

static void two_decimals(double got, double want)
{
    if (lround(got * 100) != lround(want * 100)) fail_msg("expected %.2f, found %.4f", want, got);
}

static void lavin_has_its_published_score(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double score;
    } published[] = {{"existence", 185.00},
                     {"count", 88.33},
                     {"position", 63.33},
                     {"color", 75.00},
                     {"posters", 79.59},
                     {"celebrity", 47.35},
                     {"scene", 136.75},
                     {"landmark", 93.50},
                     {"artwork", 87.25},
                     {"OCR", 107.50},
                     {"commonsense_reasoning", 87.14},
                     {"numerical_calculation", 65.00},
                     {"text_translation", 47.50},
                     {"code_reasoning", 50.00}};
    /* both as a data set of its own and against the file lists that the official tool ships */
    const char *const data[] = {"mme:" MME "/LaVIN", "mme:" MME "/Your_Results"};
    for (int k = 0; k < 4; k++) {
        saint_dataset *d;
        saint_score s;
        assert_ok(saint_dataset_open(data[k / 2], NULL, &d, err));
        assert_int_equal(saint_dataset_count(d), 2374);
        assert_int_equal(saint_dataset_cluster_count(d), 1187);
        score(d, MME "/LaVIN", k % 2 ? SAINT_PARSER_OFFICIAL : SAINT_PARSER_LMMS, &s);
        assert_int_equal(s.n_slices, 14);
        for (size_t i = 0; i < 14; i++) {
            assert_string_equal(s.slice[i].name, published[i].name); /* in the order of the leaderboard */
            two_decimals(value(&s, published[i].name, "score"), published[i].score);
        }
        two_decimals(value(&s, NULL, "perception"), 963.61);
        two_decimals(value(&s, NULL, "cognition"), 249.64);
        assert_int_equal(s.parsed_other, 12);
        assert_int_equal(s.n_warnings, 0);
        const saint_metric *total = saint_score_metric(&s.all, "total");
        assert_true(total->v.low < total->v.value && total->v.value < total->v.high && !total->partial);
        saint_score_free(&s);
        saint_dataset_close(d);
    }
}

static void mme_is_as_large_as_it_is_said_to_be(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t rows;
    } sizes[] = {{"artwork", 400},
                 {"celebrity", 340},
                 {"landmark", 400},
                 {"posters", 294},
                 {"scene", 400},
                 {"OCR", 40},
                 {"existence", 60},
                 {"count", 60},
                 {"position", 60},
                 {"color", 60},
                 {"commonsense_reasoning", 140},
                 {"code_reasoning", 40},
                 {"numerical_calculation", 40},
                 {"text_translation", 40}};
    saint_dataset *d;
    assert_ok(saint_dataset_open("mme:" MME "/Your_Results", NULL, &d, err));
    size_t yes = 0;
    for (size_t i = 0; i < saint_dataset_count(d); i++) {
        saint_sample s;
        assert_ok(saint_dataset_item(d, i, &s, err));
        yes += strcmp(s.answers[0], "Yes") == 0;
        char *prompt;
        assert_ok(saint_dataset_prompt(d, i, &prompt, err));
        if (strstr(prompt, "Please answer") || !strstr(prompt, "\nAnswer the question using a single word or phrase."))
            fail_msg("%s", prompt);
        free(prompt);
        saint_sample_free(&s);
    }
    assert_int_equal(yes, 1187);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t rows = 0;
        for (size_t i = 0; i < saint_dataset_count(d); i++)
            rows += strcmp(saint_dataset_category_name(d, saint_dataset_category(d, i)), sizes[k].name) == 0;
        assert_int_equal(rows, sizes[k].rows);
    }
    saint_dataset_close(d);
}

/* An answer for every row: a fixed mixture of right and wrong ones in several spellings. */
static const char *spelling(size_t i, bool yes)
{
    static const char *const words[2][4] = {{"no", "No", " NO ", "no"}, {"yes", "Yes", "yes ", "YES"}};
    return words[yes][i % 4];
}

static void pope_of(const char *kind_path, size_t rows, size_t categories)
{
    saint_dataset *d;
    assert_ok(saint_dataset_open(kind_path, NULL, &d, err));
    size_t n = saint_dataset_count(d);
    assert_int_equal(n, rows);
    assert_int_equal(saint_dataset_category_count(d), categories);
    saint_verdict *v = calloc(n, sizeof *v);
    double tp = 0, fp = 0, fn = 0, tn = 0, f1 = 0;
    for (size_t i = 0; i < n; i++) {
        saint_sample s;
        assert_ok(saint_dataset_item(d, i, &s, err));
        bool truth = strcmp(s.answers[0], "yes") == 0, said = i % 7 < 5 ? truth : i % 3 != 0;
        assert_ok(saint_score_answer(d, i, spelling(i, said), SAINT_PARSER_LMMS, &v[i], NULL, err));
        tp += said && truth;
        fp += said && !truth;
        fn += !said && truth;
        tn += !said && !truth;
        saint_sample_free(&s);
    }
    saint_score s;
    assert_ok(saint_score_verdicts(d, v, SAINT_PARSER_LMMS, &s, err));
    assert_int_equal(s.parsed_other, 0);
    assert_true(fabs(value(&s, NULL, "accuracy") - (tp + tn) / (double)n) < 1e-12);
    assert_true(fabs(value(&s, NULL, "precision") - tp / (tp + fp)) < 1e-12);
    assert_true(fabs(value(&s, NULL, "recall") - tp / (tp + fn)) < 1e-12);
    assert_true(fabs(value(&s, NULL, "f1") - 2 * tp / (2 * tp + fp + fn)) < 1e-12);
    assert_true(fabs(value(&s, NULL, "yes_ratio") - (tp + fp) / (double)n) < 1e-12);
    const saint_metric *m = saint_score_metric(&s.all, "f1");
    assert_string_equal(m->v.method, "bootstrap");
    assert_true(m->v.low < m->v.value && m->v.value < m->v.high && m->v.high - m->v.low < 0.05);
    for (size_t c = 0; c < s.n_slices; c++) f1 += saint_score_metric(&s.slice[c], "f1")->v.value / (double)s.n_slices;
    assert_true(fabs(value(&s, NULL, "f1_mean") - f1) < 1e-12);
    saint_score_free(&s);
    free(v);
    saint_dataset_close(d);
}

static void pope_has_versions(void **state)
{
    (void)state;
    pope_of("pope:" POPE "/coco_08d957b9", 9000, 3);
    pope_of("pope:" POPE "/coco_e3e39262", 8910, 3);
    pope_of("pope:" POPE "/seem/gqa_pope_seem", 9000, 3);
    pope_of("pope:" POPE "/seem/aokvqa_pope_seem", 9000, 3);
    saint_dataset *d[2];
    assert_ok(saint_dataset_open("pope:" POPE "/coco_08d957b9", NULL, &d[0], err));
    assert_ok(saint_dataset_open("pope:" POPE "/coco_e3e39262", NULL, &d[1], err));
    assert_memory_not_equal(&saint_dataset_get_info(d[0])->digest, &saint_dataset_get_info(d[1])->digest, sizeof(saint_digest));
    saint_dataset_close(d[0]);
    saint_dataset_close(d[1]);
    saint_error e = {0};
    assert_int_equal(saint_dataset_open("pope:" POPE "/seem", NULL, &d[0], &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "aokvqa_pope_seem"));
}

int main(void)
{
    SAINT_NEED_SHARED("data/vqa");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lavin_has_its_published_score),
        cmocka_unit_test(mme_is_as_large_as_it_is_said_to_be),
        cmocka_unit_test(pope_has_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
