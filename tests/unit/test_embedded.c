/* The embedded classifier: its logits are timm's, and its presets prune it. (The embedded LLaVA is what most other tests of the program run
 * on.) */
#include "support/cifar.h"

#include <math.h>

static saint_engine *engine;

static int open_engine(void **state)
{
    (void)state;
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    saint_engine_close(engine);
    return 0;
}

static saint_image load_picture(const char *name)
{
    char path[512];
    saint_image im;
    snprintf(path, sizeof path, SAINT_FIXTURE_DIR "/pictures/%s", name);
    assert_ok(saint_image_load(path, &im, err));
    return im;
}

static void logits_are_those_of_timm(void **state)
{
    (void)state;
    cJSON *record = cifar_record();
    saint_model *m;
    saint_session *s = cifar_session(engine, &m, 0);
    assert_int_equal(saint_model_get_info(m)->classes, 10);
    int n = 0;
    for (const cJSON *x = cJSON_GetObjectItem(record, "pictures")->child; x; x = x->next, n++) {
        saint_image im = load_picture(cJSON_GetObjectItem(x, "file")->valuestring);
        saint_request q = {.images = &im, .n_images = 1};
        saint_settings_default(&q.settings);
        saint_trace *t = run_request(s, &q);
        const saint_trace_image *out = &t->image[0];
        const cJSON *want = cJSON_GetObjectItem(x, "logits")->child;
        assert_int_equal(out->n_logits, 10);
        for (int k = 0; k < 10; k++, want = want->next)
            if (fabs((double)out->logits[k] - want->valuedouble) > 1e-4)
                fail_msg("%s: logit %d is %.6f, timm says %.6f", cJSON_GetObjectItem(x, "file")->valuestring, k, (double)out->logits[k],
                         want->valuedouble);
        assert_string_equal(saint_model_label(m, cifar_class(out)), cJSON_GetObjectItem(x, "label")->valuestring);
        saint_trace_unref(t);
        saint_image_free(&im);
    }
    assert_true(n >= 3);
    saint_session_close(s);
    saint_model_unref(m);
    cJSON_Delete(record);
}

static void the_published_preset_votes_in_half_of_its_layers(void **state)
{
    (void)state;
    saint_model *m;
    saint_session *s = cifar_session(engine, &m, 0);
    const saint_model_info *info = saint_model_get_info(m);
    saint_image im = load_picture("a-32.png");
    saint_request q = {.images = &im, .n_images = 1};
    saint_preset p;
    saint_notes notes = {0};
    saint_settings_default(&q.settings);
    assert_ok(saint_preset_load(SAINT_SOURCE_DIR "/presets/vit-classifier.json", &p, err));
    assert_ok(saint_preset_apply(&p, info, &q.settings, &notes, err));
    saint_preset_free(&p);
    set_param(&q.settings, "sim_threshold=-1"); /* everything resembles everything: half of what is left goes at every site */
    saint_trace *t = run_request(s, &q);
    const saint_trace_image *out = &t->image[0];
    assert_int_equal(out->history.n_sites, info->vit_layers / 2);
    int left = info->grid_w * info->grid_h;
    for (int i = 0; i < out->history.n_sites; i++) {
        assert_int_equal(out->history.site[i]->layer, i);
        assert_int_equal(out->history.site[i]->n_keep, left / 2);
        left /= 2;
    }
    assert_int_equal(out->vit_out, left);
    saint_trace_unref(t);
    saint_image_free(&im);
    saint_session_close(s);
    saint_model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_timm),
        cmocka_unit_test(the_published_preset_votes_in_half_of_its_layers),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
