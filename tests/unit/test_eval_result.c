/* Records: what a trace says, and lines of JSON that come back as they were. */
#define _GNU_SOURCE
#include "support/tiny.h"

#include <math.h>

#include "datasets/score.h"
#include "eval/fidelity.h"
#include "eval/folder.h"
#include "eval/result.h"

/* ---- of a trace --------------------------------------------------------------------------------------------------- */

static eval_result record_of(const saint_model *m, const saint_trace *t, const saint_trace *base)
{
    eval_result r;
    assert_ok(eval_result_of(&r, m, t, base, err));
    return r;
}

/* Straight from the definition, in long double. */
static long double kl_by_definition(const float *p, const float *q, int n)
{
    long double zp = 0, zq = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        zp += expl((long double)p[i]);
        zq += expl((long double)q[i]);
    }
    for (int i = 0; i < n; i++) {
        long double a = expl((long double)p[i]) / zp, b = expl((long double)q[i]) / zq;
        sum += a * logl(a / b);
    }
    return sum;
}

static void an_answer_and_its_costs(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 0);
    saint_request plain = plain_request(llava, 1), busy = busy_request(llava, 1);
    saint_trace *base = run_request(s, &plain), *t = run_request(s, &busy);
    const saint_trace_image *im = &t->image[0];
    eval_result r = record_of(llava, t, base), same = record_of(llava, base, base), alone = record_of(llava, t, NULL);
    assert_int_equal(r.state, EVAL_OK);
    assert_string_equal(r.output, im->answer);
    assert_int_equal(r.n_ids, im->n_ids);
    assert_memory_equal(r.ids, im->ids, (size_t)im->n_ids * sizeof *r.ids);
    assert_string_equal(r.stop, im->stop);
    long double kl = kl_by_definition(base->image[0].logits, im->logits, im->n_logits);
    assert_true(fabsl((long double)r.kl - kl) <= 1e-5L * kl + 1e-7L);
    assert_true(r.kl > 0);
    assert_true(same.kl == 0 && same.diverged == -1);
    assert_true(isnan(alone.kl) && alone.diverged == -2);
    assert_true(isnan(r.loss)); /* nobody is right about a text by its first token */
    long double z = 0;
    for (int i = 0; i < im->n_logits; i++) z += expl((long double)im->logits[i]);
    for (int i = 0; i < im->n_logits; i += 97) {
        long double loss = logl(z) - (long double)im->logits[i];
        assert_true(fabsl((long double)fidelity_loss(im->logits, im->n_logits, i) - loss) <= 1e-9L * (1 + fabsl(loss)));
    }
    assert_true(isnan(fidelity_loss(im->logits, im->n_logits, -1)) && isnan(fidelity_loss(im->logits, im->n_logits, im->n_logits)));
    float best = -INFINITY, second = -INFINITY;
    int at = -1;
    for (int i = 0; i < im->n_logits; i++)
        if (im->logits[i] > best) {
            best = im->logits[i];
            at = i;
        }
    for (int i = 0; i < im->n_logits; i++)
        if (i != at && im->logits[i] > second) second = im->logits[i];
    assert_true(r.margin == best - second);
    int first = 0;
    while (first < im->n_ids && im->ids[first] == base->image[0].ids[first]) first++;
    assert_int_equal(r.diverged, first == im->n_ids ? -1 : first);
    assert_int_equal(r.n_sites, im->history.n_sites);
    assert_int_equal(r.n_sites, 4);
    for (int i = 0; i < r.n_sites; i++) assert_int_equal(r.site[i].n_out, im->history.site[i]->n_keep);
    assert_int_equal(r.text, im->n_prefix + im->n_suffix);
    assert_int_equal(r.vit_in, 81);
    assert_int_equal(r.llm_in, r.vit_out);
    assert_int_equal(r.llm_out, r.site[3].n_out);
    assert_int_equal(same.llm_out, 81);
    assert_true(r.flops_prefill == im->flops_prefill && r.flops_decode == im->flops_decode && r.flops_vit == im->flops_vit);
    assert_int_equal(r.kv_bytes, im->kv_bytes);
    assert_true(fabs(r.s_vit - t->seconds.vit) < 1e-9 && fabs(r.s_prefill - t->seconds.prefill) < 1e-9);
    double sum = r.s_preprocess + r.s_vit + r.s_selection + r.s_projector + r.s_prefill + r.s_decode;
    assert_true(fabs(r.s_total - sum) < 1e-8 && r.s_total > 0);
    assert_true(r.reused == 0);
    eval_result_free(&r);
    eval_result_free(&same);
    eval_result_free(&alone);
    saint_trace_unref(base);
    saint_trace_unref(t);
    saint_session_close(s);
}

static void a_class_and_four_more(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, timm, 0);
    saint_request plain = plain_request(timm, 1), busy = busy_request(timm, 1);
    saint_trace *base = run_request(s, &plain), *t = run_request(s, &busy);
    const saint_trace_image *im = &t->image[0];
    eval_result r = record_of(timm, t, base);
    assert_int_equal(r.n_ids, EVAL_TOP);
    for (int k = 0; k + 1 < r.n_ids; k++) assert_true(im->logits[r.ids[k]] >= im->logits[r.ids[k + 1]]);
    for (int i = 0; i < im->n_logits; i++) {
        bool taken = false;
        for (int k = 0; k < r.n_ids; k++) taken |= r.ids[k] == i;
        assert_true(taken || im->logits[i] <= im->logits[r.ids[4]]);
    }
    int separators = 0;
    for (const char *p = r.output; *p; p++) separators += *p == SAINT_RANK_SEPARATOR;
    assert_int_equal(separators, 4);
    assert_int_equal(r.diverged, base->image[0].logits[0] > INFINITY ? 0 : r.diverged);
    int best = 0;
    for (int i = 1; i < im->n_logits; i++)
        if (base->image[0].logits[i] > base->image[0].logits[best]) best = i;
    assert_int_equal(r.diverged, best == r.ids[0] ? -1 : 0);
    assert_true(r.text == 0 && r.llm_in == 0 && r.llm_out == 0 && r.vit_in > 0);
    eval_result_free(&r);
    saint_trace_unref(base);
    saint_trace_unref(t);
    saint_session_close(s);
}

static void what_went_wrong_is_a_record_too(void **state)
{
    (void)state;
    eval_result r;
    assert_ok(eval_result_fail(&r, SAINT_IO, "a\xff.png: not there", err));
    assert_int_equal(r.state, EVAL_ERROR);
    assert_string_equal(r.error, "a\xef\xbf\xbd.png: not there");
    eval_result_free(&r);
    assert_ok(eval_result_fail(&r, SAINT_MEMORY, "", err));
    assert_int_equal(r.state, EVAL_MEMORY);
    assert_true(r.error[0] != 0);
    eval_result_free(&r);
}

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

static void random_text(uint64_t *rng, char *out)
{
    static const char *const pieces[] = {"yes",  " ",   "\"",     "\\", "\n", "\x1f", "\t", "\xe4\xb8\xad", "\xf0\x9f\x98\x80",
                                         "\x7f", "a'b", "\\u0041"};
    *out = 0;
    for (int n = pick(rng, 8); n > 0; n--) strcat(out, pieces[pick(rng, 12)]);
}

static double random_double(uint64_t *rng)
{
    double x = ldexp((double)(test_random_bits(rng) >> 11), pick(rng, 40) - 73);
    return pick(rng, 5) ? x : 0;
}

static void random_record(uint64_t *rng, eval_result *r)
{
    char text[256];
    memset(r, 0, sizeof *r);
    r->trial = test_random_bits(rng);
    r->attempt = test_random_bits(rng);
    r->sample = (uint32_t)test_random_bits(rng);
    r->repeat = (uint32_t)pick(rng, 4);
    r->state = (eval_state)pick(rng, 3);
    random_text(rng, text);
    r->output = strdup(text);
    random_text(rng, text);
    r->error = r->state == EVAL_OK ? NULL : strdup(text);
    r->n_ids = pick(rng, 20);
    r->ids = malloc(20 * sizeof *r->ids);
    for (int i = 0; i < r->n_ids; i++) r->ids[i] = pick(rng, 1 << 30);
    snprintf(r->stop, sizeof r->stop, "%s", pick(rng, 2) ? "eos" : pick(rng, 2) ? "length" : "");
    r->margin = pick(rng, 5) ? fabsf(test_random(rng)) * 30 : NAN;
    r->kl = pick(rng, 5) ? test_random(rng) : NAN;
    r->loss = pick(rng, 5) ? test_random(rng) : NAN;
    r->diverged = pick(rng, 12) - 2;
    int *const ints[] = {&r->text, &r->vit_in, &r->vit_out, &r->llm_in, &r->llm_out};
    for (int i = 0; i < 5; i++) *ints[i] = pick(rng, 1 << 20);
    double *const doubles[] = {&r->equivalent, &r->flops_vit, &r->flops_projector, &r->flops_prefill, &r->flops_decode,
                               &r->s_load,     &r->s_preprocess, &r->s_vit,        &r->s_selection,   &r->s_projector,
                               &r->s_prefill,  &r->s_decode,     &r->s_total,      &r->s_wall,
                               &r->finished};
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) *doubles[i] = random_double(rng);
    r->reused = (double)pick(rng, 1000) / 999;
    r->kv_bytes = test_random_bits(rng) >> 11;
    r->timing_valid = pick(rng, 2) != 0;
    r->company = (eval_company)pick(rng, 4);
    r->vit_layers = pick(rng, SAINT_MAX_LAYERS);
    r->llm_layers = pick(rng, SAINT_MAX_LAYERS);
    r->peak_rss = test_random_bits(rng) >> 11;
    r->peak_device = test_random_bits(rng) >> 11;
    r->n_sites = pick(rng, 12);
    for (int i = 0; i < r->n_sites; i++) {
        r->site[i].stage = (int16_t)pick(rng, 2);
        r->site[i].layer = (int16_t)pick(rng, SAINT_MAX_LAYERS);
        r->site[i].n_out = pick(rng, 2000);
    }
}

static void same_record(const eval_result *a, const eval_result *b)
{
    assert_int_equal(a->error == NULL, b->error == NULL);
    if (a->error) assert_string_equal(a->error, b->error);
    assert_string_equal(a->output, b->output);
    assert_int_equal(a->n_ids, b->n_ids);
    if (a->n_ids) assert_memory_equal(a->ids, b->ids, (size_t)a->n_ids * sizeof *a->ids);
    eval_result x = *a, y = *b; /* all the rest as bytes, the kinds of NaN and what lies between members aside */
    x.error = y.error = x.output = y.output = NULL;
    x.ids = y.ids = NULL;
    assert_int_equal(isnan(x.margin), isnan(y.margin));
    assert_int_equal(isnan(x.kl), isnan(y.kl));
    if (isnan(x.margin)) x.margin = y.margin = 0;
    if (isnan(x.kl)) x.kl = y.kl = 0;
    assert_int_equal(isnan(x.loss), isnan(y.loss));
    if (isnan(x.loss)) x.loss = y.loss = 0;
    assert_memory_equal(&x, &y, offsetof(eval_result, timing_valid));
    assert_true(x.timing_valid == y.timing_valid && x.attempt == y.attempt && x.finished == y.finished);
    assert_true(x.company == y.company && x.s_wall == y.s_wall && x.peak_rss == y.peak_rss && x.peak_device == y.peak_device);
}

static void records_survive_as_lines(void **state)
{
    (void)state;
    uint64_t rng = 7;
    for (int i = 0; i < 3000; i++) {
        eval_result r, back;
        cJSON *o, *again;
        random_record(&rng, &r);
        assert_non_null(o = eval_result_json(&r));
        char *text = cJSON_PrintUnformatted(o);
        assert_null(strchr(text, '\n'));
        assert_ok(saint_json_parse(text, strlen(text), 1 << 20, "line", &again, err));
        assert_ok(eval_result_parse(again, &back, err));
        same_record(&r, &back);
        cJSON_Delete(o);
        cJSON_Delete(again);
        cJSON_free(text);
        eval_result_free(&back);
        char *uid;
        assert_non_null(text = eval_line_text("OCR/\"1\".png#0", &r));
        assert_ok(eval_line_parse(text, strlen(text), &uid, &back, err));
        assert_string_equal(uid, "OCR/\"1\".png#0");
        same_record(&r, &back);
        free(uid);
        free(text);
        eval_result_free(&back);
        eval_result_free(&r);
    }
}

static void broken_records_are_refused_by_key(void **state)
{
    (void)state;
    static const char good[] = "{\"trial\":\"0123456789abcdef\",\"sample_ix\":3,\"repeat_ix\":0,\"status\":\"ok\",\"output\":\"yes\"";
    static const struct {
        const char *more, *key;
    } rows[] = {
        {",\"out_ids\":3}", "out_ids"},
        {",\"out_ids\":[-1]}", "out_ids"},
        {",\"out_ids\":[0.5]}", "out_ids"},
        {",\"sites\":[[\"vit\",1]]}", "sites"},
        {",\"sites\":[[\"up\",1,2]]}", "sites"},
        {",\"sites\":[[\"vit\",96,2]]}", "sites"},
        {",\"sites\":{}}", "sites"},
        {",\"flops_vit\":-1}", "flops_vit"},
        {",\"flops_vit\":1e40}", "flops_vit"},
        {",\"t_total_s\":\"1\"}", "t_total_s"},
        {",\"reused\":2}", "reused"},
        {",\"kl\":1e39}", "kl"},
        {",\"diverged\":-3}", "diverged"},
        {",\"n_text_tok\":1.5}", "n_text_tok"},
        {",\"kv_bytes\":1e300}", "kv_bytes"},
        {",\"stop_reason\":\"forever and ever\"}", "stop_reason"},
        {",\"attempt\":\"12\"}", "attempt"},
        {",\"timing_valid\":1}", "timing_valid"},
        {",\"timing_shared_with\":\"me\"}", "timing_shared_with"},
        {",\"peak_rss\":-1}", "peak_rss"},
        {",\"peak_dev_mem\":1e300}", "peak_dev_mem"},
        {",\"vit_layers\":1000}", "vit_layers"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        eval_result r;
        cJSON *o;
        saint_error e = {0};
        snprintf(text, sizeof text, "%s%s", good, rows[i].more);
        assert_ok(saint_json_parse(text, strlen(text), sizeof text, "test", &o, err));
        if (eval_result_parse(o, &r, &e) != SAINT_FORMAT) fail_msg("%s was accepted", text);
        if (!strstr(e.text, rows[i].key)) fail_msg("expected \"%s\" in: %s", rows[i].key, e.text);
        cJSON_Delete(o);
    }
    static const char *const whole[] = {
        "[]",
        "{}",
        "{\"trial\":\"0123456789abcdef\"}",
        "{\"trial\":\"0123456789abcdeF\",\"sample_ix\":3,\"repeat_ix\":0,\"status\":\"ok\",\"output\":\"\"}",
        "{\"trial\":\"0123456789abcdef\",\"sample_ix\":4294967296,\"repeat_ix\":0,\"status\":\"ok\",\"output\":\"\"}",
        "{\"trial\":\"0123456789abcdef\",\"sample_ix\":3,\"repeat_ix\":0,\"status\":\"ok\"}",
        "{\"trial\":\"0123456789abcdef\",\"sample_ix\":3,\"repeat_ix\":0,\"status\":\"error\",\"output\":\"\"}",
        "{\"trial\":\"0123456789abcdef\",\"sample_ix\":3,\"repeat_ix\":0,\"status\":\"fine\",\"output\":\"\"}"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        eval_result r;
        cJSON *o;
        assert_ok(saint_json_parse(whole[i], strlen(whole[i]), 1024, "test", &o, err));
        assert_int_equal(eval_result_parse(o, &r, NULL), SAINT_FORMAT);
        cJSON_Delete(o);
    }
}

/* Bytes changed at random: whatever is accepted is a record that can be written and read again. */
static void damaged_lines_do_no_harm(void **state)
{
    (void)state;
    uint64_t rng = 99;
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        eval_result r, back;
        char *uid = NULL;
        random_record(&rng, &r);
        char *text = eval_line_text("a", &r);
        size_t n = strlen(text);
        for (int k = 1 + pick(&rng, 3); k > 0; k--) text[(size_t)pick(&rng, (int)n)] = "0123456789-.eE\"{}[],:null\\x"[pick(&rng, 27)];
        if (pick(&rng, 4) == 0) n = (size_t)pick(&rng, (int)n);
        if (eval_line_parse(text, n, &uid, &back, NULL) == SAINT_OK) {
            char *out = eval_line_text(uid, &back), *name;
            eval_result third;
            assert_ok(eval_line_parse(out, strlen(out), &name, &third, err));
            same_record(&back, &third);
            eval_result_free(&third);
            eval_result_free(&back);
            free(name);
            free(out);
            accepted++;
        }
        free(uid);
        free(text);
        eval_result_free(&r);
    }
    assert_true(accepted > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_and_its_costs),
        cmocka_unit_test(a_class_and_four_more),
        cmocka_unit_test(what_went_wrong_is_a_record_too),
        cmocka_unit_test(records_survive_as_lines),
        cmocka_unit_test(broken_records_are_refused_by_key),
        cmocka_unit_test(damaged_lines_do_no_harm),
    };
    return run_tiny_group("eval_result", tests, sizeof tests / sizeof *tests);
}
