/* A real trained LLaMA (stories260K, grouped-query attention, tied embeddings): the 200-token greedy text that llama2.c asserts. */
#define _GNU_SOURCE
#include "support/test.h"

#include <unistd.h>

#include "engine.h"
#include "support/llama2c.h"

#define FOLDER SAINT_SHARED_DIR "/data/weights/stories260K"

static void greedy_text_is_equal(void **state)
{
    const char *tier = *state;
    char dir[] = "/tmp/saint-stories-XXXXXX", path[256];
    assert_non_null(mkdtemp(dir));
    assert_ok(llama2c_convert(FOLDER "/stories260K.bin", FOLDER "/tok512.bin", dir, err));
    cJSON *expected;
    assert_ok(saint_json_load(FOLDER "/expected_greedy_200.json", 1 << 20, &expected, err));
    const cJSON *ids = cJSON_GetObjectItem(expected, "ids");
    int n = cJSON_GetArraySize(ids);
    assert_int_equal(n, 201); /* the begin-of-sequence id and 200 tokens */

    saint_engine *engine;
    saint_model *m;
    saint_session *s;
    saint_trace *t;
    int32_t bos = 1;
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.tier = tier}, err));
    assert_ok(saint_model_load(&m, dir, NULL, err));
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.dtype = SAINT_F32}, err));
    saint_request q = {.ids = &bos, .n_suffix = 1, .max_new_tokens = n - 1};
    saint_settings_default(&q.settings);
    assert_ok(saint_session_run(s, &q, NULL, &t, err));
    assert_int_equal(t->image[0].n_ids, n - 1);
    const cJSON *want = ids->child->next;
    for (int i = 0; i < n - 1; i++, want = want->next) assert_int_equal(t->image[0].ids[i], want->valueint);
    assert_string_equal(t->image[0].answer, cJSON_GetObjectItem(expected, "text")->valuestring);
    saint_trace_unref(t);
    saint_session_close(s);
    saint_model_unref(m);
    saint_engine_close(engine);
    cJSON_Delete(expected);
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(void)
{
    SAINT_NEED_SHARED("data/weights/stories260K");
    static char generic[] = "generic";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_text_is_equal),
        cmocka_unit_test_prestate(greedy_text_is_equal, generic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
