#define _POSIX_C_SOURCE 200809L /* mkdtemp */

/* The converter behind every test that runs stories260K: tensors, rotary rows, vocabulary and merges against the raw files. */
#include "support/llama2c.h"
#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "formats/checkpoint.h"
#include "formats/json.h"

#define FOLDER SAINT_SHARED_DIR "/data/weights/stories260K/"

enum { DIM = 64, HIDDEN = 172, LAYERS = 5, HEADS = 8, KV_DIM = 32, VOCAB = 512, HEAD_DIM = 8 };

static char out_dir[64];

static char *in_out(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", out_dir, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    strcpy(out_dir, "/tmp/saint-llama2c-XXXXXX");
    if (!mkdtemp(out_dir)) return -1;
    assert_ok(llama2c_convert(FOLDER "stories260K.bin", FOLDER "tok512.bin", out_dir, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json", "model.safetensors", "tokenizer.json"};
    for (size_t i = 0; i < 3; i++) unlink(in_out(names[i]));
    return rmdir(out_dir);
}

static void expect_tensor(const saint_checkpoint *c, const char *name, int64_t rows, int64_t cols, const float *data)
{
    const saint_tensor *t = saint_checkpoint_find(c, name);
    assert_non_null(t);
    assert_int_equal(t->type, SAINT_F32);
    assert_int_equal(t->rank, cols ? 2 : 1);
    assert_int_equal(t->shape[0], rows);
    if (cols) assert_int_equal(t->shape[1], cols);
    assert_memory_equal(t->data, data, (size_t)rows * (size_t)(cols ? cols : 1) * sizeof *data);
}

static void test_plain_tensors(void **state)
{
    (void)state;
    saint_map raw;
    saint_checkpoint *c;
    assert_ok(saint_map_open(FOLDER "stories260K.bin", &raw, err));
    assert_ok(saint_checkpoint_open_dir(&c, out_dir, err));
    assert_int_equal(saint_checkpoint_count(c), LAYERS * 9 + 2);
    const float *p = (const float *)(const void *)(raw.data + 28); /* llama2.c: model.h order, a 7-word header */
    expect_tensor(c, "model.embed_tokens.weight", VOCAB, DIM, p);
    p += VOCAB * DIM;
    expect_tensor(c, "model.layers.0.input_layernorm.weight", DIM, 0, p);
    expect_tensor(c, "model.layers.4.input_layernorm.weight", DIM, 0, p + 4 * DIM);
    p += LAYERS * DIM + LAYERS * DIM * DIM + LAYERS * KV_DIM * DIM;
    expect_tensor(c, "model.layers.3.self_attn.v_proj.weight", KV_DIM, DIM, p + 3 * KV_DIM * DIM);
    p += LAYERS * KV_DIM * DIM;
    expect_tensor(c, "model.layers.4.self_attn.o_proj.weight", DIM, DIM, p + 4 * DIM * DIM);
    p += LAYERS * DIM * DIM;
    expect_tensor(c, "model.layers.2.post_attention_layernorm.weight", DIM, 0, p + 2 * DIM);
    p += LAYERS * DIM;
    expect_tensor(c, "model.layers.1.mlp.gate_proj.weight", HIDDEN, DIM, p + HIDDEN * DIM);
    p += LAYERS * HIDDEN * DIM;
    expect_tensor(c, "model.layers.4.mlp.down_proj.weight", DIM, HIDDEN, p + 4 * HIDDEN * DIM);
    p += LAYERS * HIDDEN * DIM;
    expect_tensor(c, "model.layers.0.mlp.up_proj.weight", HIDDEN, DIM, p);
    p += LAYERS * HIDDEN * DIM;
    expect_tensor(c, "model.norm.weight", DIM, 0, p);
    assert_null(saint_checkpoint_find(c, "lm_head.weight"));
    saint_checkpoint_close(c);
    saint_map_close(&raw);
}

/* llama2.c turns rows 2j and 2j + 1 of a head together, Hugging Face rows j and j + head_dim / 2. */
static void test_rotary_rows(void **state)
{
    (void)state;
    saint_map raw;
    saint_checkpoint *c;
    assert_ok(saint_map_open(FOLDER "stories260K.bin", &raw, err));
    assert_ok(saint_checkpoint_open_dir(&c, out_dir, err));
    const float *wq = (const float *)(const void *)(raw.data + 28) + VOCAB * DIM + LAYERS * DIM, *wk = wq + LAYERS * DIM * DIM;
    for (int layer = 0; layer < LAYERS; layer++) {
        char name[64];
        snprintf(name, sizeof name, "model.layers.%d.self_attn.q_proj.weight", layer);
        const saint_tensor *q = saint_checkpoint_find(c, name);
        snprintf(name, sizeof name, "model.layers.%d.self_attn.k_proj.weight", layer);
        const saint_tensor *k = saint_checkpoint_find(c, name);
        assert_non_null(q);
        assert_non_null(k);
        for (int head = 0; head < HEADS; head++)
            for (int j = 0; j < HEAD_DIM / 2; j++)
                for (int odd = 0; odd < 2; odd++) {
                    int to = head * HEAD_DIM + j + odd * HEAD_DIM / 2, from = head * HEAD_DIM + 2 * j + odd;
                    assert_memory_equal((const float *)q->data + to * DIM, wq + layer * DIM * DIM + from * DIM, DIM * sizeof(float));
                    if (from >= KV_DIM) continue;
                    assert_memory_equal((const float *)k->data + to * DIM, wk + layer * KV_DIM * DIM + from * DIM, DIM * sizeof(float));
                }
    }
    saint_checkpoint_close(c);
    saint_map_close(&raw);
}

static void test_tokenizer_and_config(void **state)
{
    (void)state;
    cJSON *root;
    int value = 0;
    assert_ok(saint_json_load(in_out("config.json"), 1 << 16, &root, err));
    assert_ok(saint_json_int(root, "num_key_value_heads", 1, 64, &value, "config.json", err));
    assert_int_equal(value, 4);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "tie_word_embeddings")));
    cJSON_Delete(root);
    assert_ok(saint_json_load(in_out("tokenizer.json"), 1 << 20, &root, err));
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(root, "model");
    const cJSON *vocab = cJSON_GetObjectItemCaseSensitive(model, "vocab"), *merges = cJSON_GetObjectItemCaseSensitive(model, "merges");
    assert_int_equal(cJSON_GetArraySize(vocab), VOCAB);
    static const struct {
        const char *text;
        int id;
    } known[] = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}, {"<0x00>", 3}, {"<0xFF>", 258}, {"\xE2\x96\x81t", 259}, {"he", 260},
                 {"\xE2\x96\x81the", 265}, {"\xE2\x80\x8A", 511}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(vocab, known[i].text);
        assert_non_null(id);
        assert_int_equal(id->valueint, known[i].id);
    }
    assert_string_equal(cJSON_GetArrayItem(merges, 0)->valuestring, "\xE2\x96\x81 t"); /* the best piece first */
    assert_string_equal(cJSON_GetArrayItem(merges, 1)->valuestring, "h e");
    assert_string_equal(cJSON_GetArrayItem(merges, 6)->valuestring, "\xE2\x96\x81t he"); /* a piece with one way to be made */
    cJSON_Delete(root);
}

static void test_files_that_lie(void **state)
{
    (void)state;
    saint_error e;
    char *bin;
    size_t n;
    assert_ok(saint_file_read(FOLDER "stories260K.bin", 1 << 24, &bin, &n, err));
    assert_ok(saint_file_write(in_out("short.bin"), bin, n - 4, err));
    char path[128];
    strcpy(path, in_out("short.bin"));
    assert_int_equal(llama2c_convert(path, FOLDER "tok512.bin", out_dir, &e), SAINT_FORMAT);
    bin[4] = 0; /* hidden_dim 172 -> 0 */
    assert_ok(saint_file_write(path, bin, n, err));
    assert_int_equal(llama2c_convert(path, FOLDER "tok512.bin", out_dir, &e), SAINT_FORMAT);
    assert_int_equal(llama2c_convert(FOLDER "stories260K.bin", FOLDER "stories260K.bin", out_dir, &e), SAINT_FORMAT);
    assert_int_equal(llama2c_convert(FOLDER "none.bin", FOLDER "tok512.bin", out_dir, &e), SAINT_IO);
    unlink(path);
    free(bin);
}

int main(void)
{
    SAINT_NEED_SHARED("data/weights/stories260K");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_tensors),
        cmocka_unit_test(test_rotary_rows),
        cmocka_unit_test(test_tokenizer_and_config),
        cmocka_unit_test(test_files_that_lie),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
