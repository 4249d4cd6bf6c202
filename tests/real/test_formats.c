#define _GNU_SOURCE
#include "support/test.h"

#include <dirent.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/checkpoint.h"
#include "formats/json.h"
#include "formats/npy.h"

#define DATA SAINT_SHARED_DIR "/data/"

static void one_network_in_two_containers_is_equal(void **state)
{
    (void)state;
    saint_checkpoint *a, *b;
    assert_ok(saint_checkpoint_open_file(&a, DATA "weights/vit_mnist_mit/vit_mnist_gpu.pt", err));
    assert_ok(saint_checkpoint_open_file(&b, DATA "weights/vit_mnist_mit/vit_mnist_gpu.safetensors", err));
    assert_int_equal(saint_checkpoint_count(a), saint_checkpoint_count(b));
    assert_true(saint_checkpoint_count(a) > 50);
    for (int i = 0; i < saint_checkpoint_count(a); i++) {
        const saint_tensor *x = saint_checkpoint_at(a, i), *y = saint_checkpoint_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->type, y->type);
        assert_int_equal(x->rank, y->rank);
        assert_memory_equal(x->shape, y->shape, sizeof x->shape);
        assert_int_equal(x->bytes, y->bytes);
        assert_memory_equal(x->data, y->data, x->bytes);
        assert_ptr_equal(saint_checkpoint_find(a, x->name), x);
    }
    assert_int_equal(saint_checkpoint_copied_bytes(a), 0);
    saint_checkpoint_close(a);
    saint_checkpoint_close(b);
}

static void published_safetensors_open_or_fail_cleanly(void **state)
{
    (void)state;
    const struct {
        const char *file;
        saint_status status;
        int tensors;
    } v[] = {{"HOSTILE_abuse_attempt_1.safetensors", SAINT_FORMAT, 0},
             {"candle_jfk-codes.safetensors", SAINT_OK, 1},
             {"candle_voices.safetensors", SAINT_OK, -1},
             {"modelaudit_safe_model.safetensors", SAINT_OK, -1},
             {"syoyo_model.safetensors", SAINT_OK, -1}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char path[512];
        saint_checkpoint *c;
        saint_error e = {0};
        snprintf(path, sizeof path, "%s%s", DATA "formats/safetensors/", v[i].file);
        saint_status s = saint_checkpoint_open_file(&c, path, &e);
        if (s != v[i].status) fail_msg("%d: %s", s, e.text);
        if (s != SAINT_OK) {
            assert_non_null(strstr(e.text, v[i].file));
            assert_null(c);
        } else if (v[i].tensors >= 0) assert_int_equal(saint_checkpoint_count(c), v[i].tensors);
        else assert_true(saint_checkpoint_count(c) > 0);
        saint_checkpoint_close(c);
    }
}

/* ---- folders unpacked from the archives of the data ---- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/saint-formats-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static void unpack(const char *tar)
{
    char cmd[1024], said[256] = "";
    snprintf(cmd, sizeof cmd, "tar -xzf '%s' -C '%s' 2>&1", tar, dir);
    FILE *p = popen(cmd, "r");
    assert_non_null(p);
    said[fread(said, 1, sizeof said - 1, p)] = 0;
    if (pclose(p) != 0) fail_msg("tar: %s", said);
}

typedef void (*visit)(const char *path, const char *name, void *ctx);

static void walk(const char *folder, visit f, void *ctx)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[1024];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        assert_true((size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < sizeof path);
        assert_int_equal(stat(path, &st), 0);
        if (S_ISDIR(st.st_mode)) walk(path, f, ctx);
        else f(path, e->d_name, ctx);
    }
    closedir(d);
}

static void judge_json(const char *path, const char *name, void *ctx)
{
    int *count = ctx;
    cJSON *v;
    saint_error e = {0};
    assert_true(strncmp(name, "y_", 2) == 0 || strncmp(name, "n_", 2) == 0 || strncmp(name, "i_", 2) == 0);
    saint_status s = saint_json_load(path, 1 << 20, &v, &e);
    if (name[0] == 'y' && s != SAINT_OK) fail_msg("refused %s: %s", name, e.text);
    if (name[0] == 'n' && s != SAINT_FORMAT) fail_msg("accepted %s (status %d)", name, s);
    if (s != SAINT_OK && s != SAINT_FORMAT) fail_msg("%s: status %d: %s", name, s, e.text);
    if ((s == SAINT_OK) != (v != NULL)) fail_msg("%s: status and tree disagree", name);
    count[name[0] == 'y' ? 0 : name[0] == 'n' ? 1 : 2]++;
    cJSON_Delete(v);
}

static void the_json_test_suite_is_judged_as_written(void **state)
{
    (void)state;
    int count[3] = {0};
    unpack(DATA "formats/json/JSONTestSuite_test_parsing.tar.gz");
    walk(dir, judge_json, count);
    assert_int_equal(count[0], 95);
    assert_int_equal(count[1], 188);
    assert_int_equal(count[2], 35);
}

/* Files of another format, thrown at each reader: none is one of ours. */
static void judge_foreign(const char *path, const char *name, void *ctx)
{
    (void)name;
    int *count = ctx;
    saint_checkpoint *c;
    saint_npy a;
    char *bytes;
    size_t n;
    saint_error e = {0};
    if (saint_checkpoint_open_file(&c, path, &e) == SAINT_OK) fail_msg("%s was read as a checkpoint", path);
    assert_true(e.text[0] != 0);
    assert_int_not_equal(saint_npy_load(path, &a, &e), SAINT_OK);
    assert_ok(saint_file_read(path, 1 << 24, &bytes, &n, err));
    if (n > 9) { /* the same behind each magic, so that each reader sees it */
        memcpy(bytes, "PK\3\4", 4);
        assert_int_not_equal(saint_checkpoint_open_memory(&c, bytes, n, "as zip", &e), SAINT_OK);
        bytes[8] = '{';
        assert_int_not_equal(saint_checkpoint_open_memory(&c, bytes, n, "as safetensors", &e), SAINT_OK);
        memset(bytes, 0, 8);
        bytes[0] = (char)((n - 8) & 0x7f);
        assert_int_not_equal(saint_checkpoint_open_memory(&c, bytes, n, "as safetensors", &e), SAINT_OK);
    }
    free(bytes);
    (*count)++;
}

static void inputs_of_a_fuzzer_fail_cleanly(void **state)
{
    (void)state;
    int count = 0;
    unpack(DATA "formats/gguf_fuzz/bitnet_rs_gguf_safetensors_fuzz.tar.gz");
    walk(dir, judge_foreign, &count);
    judge_foreign(DATA "formats/gguf_fuzz/mini.gguf", "mini.gguf", &count);
    assert_true(count >= 200);
}

static void judge_npy(const char *path, const char *name, void *ctx)
{
    int *count = ctx;
    saint_npy a;
    size_t n = strlen(name);
    if (n < 4 || strcmp(name + n - 4, ".npy") != 0) return;
    assert_ok(saint_npy_load(path, &a, err));
    assert_true(a.rank == 2 || a.rank == 3);
    for (int i = 0; i < a.rank; i++) assert_true(a.shape[i] > 0);
    saint_npy_free(&a);
    (*count)++;
}

static void all_golden_keys_load(void **state)
{
    (void)state;
    int count = 0;
    walk(SAINT_SHARED_DIR "/golden/prune", judge_npy, &count);
    assert_true(count > 0);
}

int main(void)
{
    SAINT_NEED_SHARED("data/formats");
    SAINT_NEED_SHARED("data/weights/vit_mnist_mit");
    SAINT_NEED_SHARED("golden/prune");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_network_in_two_containers_is_equal),
        cmocka_unit_test(published_safetensors_open_or_fail_cleanly),
        cmocka_unit_test_setup_teardown(the_json_test_suite_is_judged_as_written, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(inputs_of_a_fuzzer_fail_cleanly, make_dir, drop_dir),
        cmocka_unit_test(all_golden_keys_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
