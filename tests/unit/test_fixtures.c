/* The committed models and oracle files hold together: the same tensors under every layout's names, and cases whose lists make sense. */
#include "support/test.h"

#include "formats/checkpoint.h"
#include "formats/json.h"

enum { VOCAB = 400, PADDED_VOCAB = 416 };

static saint_checkpoint *open_dir(const char *folder)
{
    char path[512];
    saint_checkpoint *c;
    snprintf(path, sizeof path, "%s/%s", SAINT_FIXTURE_DIR, folder);
    assert_ok(saint_checkpoint_open_dir(&c, path, err));
    return c;
}

static saint_checkpoint *open_file(const char *folder, const char *file)
{
    char path[512];
    saint_checkpoint *c;
    snprintf(path, sizeof path, "%s/%s/%s", SAINT_FIXTURE_DIR, folder, file);
    assert_ok(saint_checkpoint_open_file(&c, path, err));
    return c;
}

/* Same type and bytes; `rows` limits the first extent of a (0: all of it). */
static void expect_same(const saint_tensor *a, const saint_checkpoint *in, const char *name, int64_t rows)
{
    const saint_tensor *b = saint_checkpoint_find(in, name);
    if (!b) fail_msg("%s is missing", name);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->rank, b->rank);
    for (int i = 0; i < a->rank; i++) assert_int_equal(i == 0 && rows ? rows : a->shape[i], b->shape[i]);
    assert_memory_equal(a->data, b->data, b->bytes);
}

static const struct {
    const char *new_name, *old_name, *original;
} prefix[] = {
    {"model.language_model.", "language_model.model.", "model."},
    {"lm_head.", "language_model.lm_head.", "lm_head."},
    {"model.multi_modal_projector.linear_1.", "multi_modal_projector.linear_1.", "model.mm_projector.0."},
    {"model.multi_modal_projector.linear_2.", "multi_modal_projector.linear_2.", "model.mm_projector.2."},
    {"model.vision_tower.", "vision_tower.", ""},
};

static void test_llava_layouts(void **state)
{
    (void)state;
    saint_checkpoint *fresh = open_dir("llava-tiny-new"), *old = open_dir("llava-tiny-old");
    saint_checkpoint *original = open_dir("llava-tiny-liuhaotian"), *tower = open_dir("clip-vit-tiny-patch4-36");
    int n = saint_checkpoint_count(fresh), n_tower = 0;
    assert_int_equal(n, saint_checkpoint_count(old));
    for (int i = 0; i < n; i++) {
        const saint_tensor *t = saint_checkpoint_at(fresh, i);
        size_t k = 0;
        while (k < 5 && strncmp(t->name, prefix[k].new_name, strlen(prefix[k].new_name)) != 0) k++;
        assert_true(k < 5);
        const char *rest = t->name + strlen(prefix[k].new_name);
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix[k].old_name, rest);
        expect_same(t, old, name, 0);
        snprintf(name, sizeof name, "%s%s", prefix[k].original, rest);
        expect_same(t, k == 4 ? tower : original, name, t->shape[0] == PADDED_VOCAB ? VOCAB : 0);
        n_tower += k == 4;
    }
    assert_int_equal(saint_checkpoint_count(original), n - n_tower);
    assert_true(saint_checkpoint_count(tower) > n_tower); /* a whole CLIP: text side, projections */
    saint_checkpoint_close(fresh);
    saint_checkpoint_close(old);
    saint_checkpoint_close(original);
    saint_checkpoint_close(tower);
}

static void test_llama_shards(void **state)
{
    (void)state;
    saint_checkpoint *one = open_dir("llama-tiny"), *two = open_dir("llama-tiny-sharded");
    assert_int_equal(saint_checkpoint_count(one), saint_checkpoint_count(two));
    for (int i = 0; i < saint_checkpoint_count(one); i++) {
        const saint_tensor *t = saint_checkpoint_at(one, i);
        assert_int_equal(t->type, SAINT_BF16);
        expect_same(t, two, t->name, 0);
    }
    saint_checkpoint_close(one);
    saint_checkpoint_close(two);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void check_lists(const saint_checkpoint *c)
{
    for (int i = 0; i < saint_checkpoint_count(c); i++) {
        const saint_tensor *t = saint_checkpoint_at(c, i);
        const int32_t *v = t->data;
        if (ends_with(t->name, ".cu") || ends_with(t->name, ".rows")) { /* strictly rising */
            assert_int_equal(t->type, SAINT_I32);
            for (int64_t k = 1; k < t->shape[0]; k++) assert_true(v[k] > v[k - 1]);
        } else if (ends_with(t->name, ".kept")) {
            assert_int_equal(t->type, SAINT_I32);
            assert_true(t->shape[0] > 0);
            for (int64_t k = 0; k < t->shape[0]; k++) assert_in_range(v[k], 0, 80);
        } else {
            assert_int_equal(t->type, SAINT_F32);
        }
    }
}

static void test_cases(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        int cases;
    } want[] = {{"clip-vit-tiny", 5},   {"timm-vit-tiny", 7},      {"deit-distilled-ls-tiny", 2}, {"mae-vit-tiny", 3},
                {"llama-tiny", 1},      {"llama-tiny-sharded", 1}, {"llava-tiny-new", 10},        {"llava-tiny-old", 10},
                {"llava-tiny-liuhaotian", 10}};
    for (size_t f = 0; f < sizeof want / sizeof *want; f++) {
        char path[512];
        cJSON *root;
        snprintf(path, sizeof path, "%s/%s/cases.json", SAINT_FIXTURE_DIR, want[f].folder);
        assert_ok(saint_json_load(path, 1 << 20, &root, err));
        const cJSON *cases = cJSON_GetObjectItemCaseSensitive(root, "cases"), *one;
        assert_int_equal(cJSON_GetArraySize(cases), want[f].cases);
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(cases, 0), "name")->valuestring, "none");
        cJSON_ArrayForEach(one, cases)
        {
            saint_checkpoint *c = open_file(want[f].folder, cJSON_GetObjectItemCaseSensitive(one, "file")->valuestring);
            check_lists(c);
            saint_checkpoint_close(c);
        }
        cJSON_Delete(root);
    }
}

/* The MAE fixture is an archive by itself, its tensors one dictionary deep. */
static void test_mae_archive(void **state)
{
    (void)state;
    saint_checkpoint *c = open_file("mae-vit-tiny", "mae_finetuned_vit_tiny.pth");
    assert_int_equal(saint_checkpoint_count(c), 4 + 2 * 12 + 4);
    bool found = false;
    for (int i = 0; i < saint_checkpoint_count(c); i++) found |= ends_with(saint_checkpoint_at(c, i)->name, "fc_norm.weight");
    assert_true(found);
    saint_checkpoint_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llava_layouts),
        cmocka_unit_test(test_llama_shards),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_mae_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
