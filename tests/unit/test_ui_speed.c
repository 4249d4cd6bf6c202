/* Counts, predictions, break-even and layer curves: against what runs report and what exhaustive search finds. */
#include "support/tiny.h"

#include <math.h>

#include "ui/layers/layers.h"
#include "ui/speed/speed.h"

static void near(double a, double b, const char *what)
{
    if (fabs(a - b) > 1e-9 * (fabs(a) + fabs(b))) fail_msg("%s: %.12g, expected %.12g", what, a, b);
}

/* ---- counts ------------------------------------------------------------------------------------------------------- */

static void work_is_what_runs_report(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip, llama};
    uint64_t rng = 31;
    for (int k = 0; k < 4; k++) {
        const saint_model_info *m = saint_model_get_info(models[k]);
        saint_session *s = open_session(engine, models[k], 0);
        for (int round = 0; round < 25; round++) {
            saint_request q = plain_request(models[k], 1);
            q.max_new_tokens = m->llm_layers ? 1 + pick(&rng, 6) : 0;
            q.ignore_eos = pick(&rng, 2) != 0;
            for (int i = 0; i < 2; i++) {
                if (m->vit_layers) random_site(&rng, &q.settings, m, SAINT_STAGE_VIT, pick(&rng, m->vit_layers_run));
                if (m->llm_layers && m->vit_layers) random_site(&rng, &q.settings, m, SAINT_STAGE_LLM, pick(&rng, m->llm_layers));
            }
            saint_trace *t = run_request(s, &q);
            const saint_trace_image *im = &t->image[0];
            speed_counts c = speed_counts_of(m, t);
            speed_work w = speed_work_of(m, &c);
            near(w.encoder, im->flops_vit, "encoder");
            near(w.projector, im->flops_projector, "projector");
            near(w.prefill, im->flops_prefill, "prefill");
            near(w.decode, im->flops_decode, "decode");
            assert_true(w.encoder_attention <= w.encoder && w.prefill_attention + w.prefill_text <= w.prefill);
            if (m->llm_layers) { /* keys and values: what is held at the end, less what the later half of decoding added */
                double row = 2.0 * m->llm_layers * m->llm_kv_heads * m->llm_head_dim * 4, half = c.steps ? (c.steps + 1) / 2.0 : 0;
                near(w.decode_kv, (double)im->kv_bytes - row * half, "keys and values");
                assert_int_equal(w.prefill_rows, im->llm_in);
                assert_int_equal(w.picture_rows, im->vit_out);
            }
            saint_trace_unref(t);
        }
        saint_session_close(s);
    }
}

static void attention_is_what_is_left_without_matrices(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    speed_counts c = {.kv_size = 4};
    for (int i = 0; i <= m->vit_layers_run; i++) c.vit[i] = 40;
    for (int i = 0; i <= m->llm_layers; i++) {
        c.llm[i] = 40;
        c.text[i] = 13;
    }
    speed_work w = speed_work_of(m, &c);
    /* matrices cost the same for every row: two single rows tell how much */
    double row = saint_cost_llm_layer(m, 1, 1) - saint_cost_llm_layer(m, 1, 0), matrices = saint_cost_llm_layer(m, 1, 0) - row;
    near(w.prefill_attention, m->llm_layers * (saint_cost_llm_layer(m, 53, 0) - 53 * matrices), "attention of the prefill");
    near(w.prefill_text, m->llm_layers * 13 * matrices, "text");
    double vit_row = (saint_cost_vit_layer(m, 2, 2) - 2 * saint_cost_vit_layer(m, 1, 1)) / 2; /* 4 d: 2^2 - 2 * 1^2 = 2 pairs more */
    near(w.encoder_attention, m->vit_layers_run * vit_row * (40 + m->vit_prefix) * (40 + m->vit_prefix), "attention of the encoder");
}

/* ---- predictions -------------------------------------------------------------------------------------------------- */

/* A run of the real thing with made-up times, so that everything about it can be said beforehand. */
static saint_trace *timed_run(const saint_request *q)
{
    saint_session *s = open_session(engine, llava, 0);
    saint_trace *t = run_request(s, q);
    saint_session_close(s);
    t->seconds = (saint_timings){.preprocess = 0.002, .projector = 0.001, .decode = 0.02};
    saint_history *h = &t->image[0].history;
    for (int i = 0; i < h->n_layers; i++) {
        h->layer[i].seconds = h->layer[i].stage == SAINT_STAGE_VIT ? 0.01 : 0.005;
        *(h->layer[i].stage == SAINT_STAGE_VIT ? &t->seconds.vit : &t->seconds.prefill) += h->layer[i].seconds;
    }
    for (int i = 0; i < h->n_sites; i++) t->seconds.selection += h->site[i]->seconds = 0.0001 * (i + 1);
    return t;
}

static void predictions_give_the_unpruned_run_back(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    saint_request q = plain_request(llava, 1);
    saint_trace *t = timed_run(&q);
    speed_plan p;
    speed_plan_of_trace(m, t, &p);
    assert_int_equal(p.source, SPEED_ONCE);
    double s[MEASURE_PARTS], again[MEASURE_PARTS];
    for (int i = 0; i < MEASURE_PARTS; i++) s[i] = p.part[i].median;
    speed_rates r = speed_rates_of(&p.work, s);
    speed_predict(&p.work, &r, again);
    for (int i = 0; i < MEASURE_PARTS; i++)
        if (i != MEASURE_SELECTION) near(again[i], s[i], "part");
    assert_true(isnan(again[MEASURE_SELECTION]));
    near(p.part[MEASURE_TOTAL].median,
         t->seconds.preprocess + t->seconds.vit + t->seconds.projector + t->seconds.prefill + t->seconds.decode, "total");
    /* decoding by bytes: with no keys and values to read only the weights would be left */
    speed_work bare = p.work;
    bare.decode_bytes = bare.llm_weights;
    speed_predict(&bare, &r, again);
    near(again[MEASURE_DECODE], s[MEASURE_DECODE] * p.work.llm_weights / p.work.decode_bytes, "decoding of weights alone");
    saint_trace_unref(t);
    speed_plan_of_trace(m, NULL, &p);
    char text[40];
    speed_source_text(&p, text, sizeof text);
    assert_string_equal(text, "not run");
    assert_true(isnan(p.part[MEASURE_TOTAL].median) && !p.has_work);
}

static void cached_parts_are_called_so(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = busy_request(llava, 1);
    saint_trace *first = run_request(s, &q), *again = run_request(s, &q);
    speed_plan p, c;
    char text[40];
    speed_plan_of_trace(m, first, &p);
    speed_plan_of_trace(m, again, &c);
    assert_int_equal(c.source, SPEED_CACHED);
    speed_source_text(&c, text, sizeof text);
    assert_string_equal(text, "one run, cached parts");
    assert_true(p.part[MEASURE_PREPROCESS].median > 0 && isnan(p.part[MEASURE_PREPROCESS].low));
    assert_true(isnan(c.part[MEASURE_PROJECTOR].median) && isnan(c.part[MEASURE_FIRST].median)); /* did not run, and nobody kept its time */
    assert_true(c.part[MEASURE_ENCODER].median > 0 && c.part[MEASURE_SELECTION].median == p.part[MEASURE_SELECTION].median);
    assert_memory_equal(&p.work, &c.work, sizeof p.work);
    speed_plan full = p, alone = c;
    speed_plan_complete(&alone, &alone);
    near(alone.part[MEASURE_PROJECTOR].median, c.part[MEASURE_ENCODER].median * c.work.projector / c.work.encoder, "projector by itself");
    full.work.projector *= 2;
    speed_plan_complete(&c, &full);
    near(c.part[MEASURE_PROJECTOR].median, p.part[MEASURE_PROJECTOR].median / 2, "projector");
    assert_true(c.part[MEASURE_FIRST].median > c.part[MEASURE_ENCODER].median + c.part[MEASURE_PREFILL].median);
    saint_trace_unref(first);
    saint_trace_unref(again);
    saint_session_close(s);
}

/* ---- break-even --------------------------------------------------------------------------------------------------- */

static double first_seconds(const speed_work *w, const speed_rates *r)
{
    return w->encoder / r->encoder + w->projector / r->projector + w->prefill / r->prefill;
}

static void savings_add_up_and_break_even_is_exact(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    speed_rates r = {.encoder = 2e9, .projector = 1e9, .prefill = 3e9, .bandwidth = 1e10};
    uint64_t rng = 71;
    int pays = 0, never = 0;
    for (int round = 0; round < 30; round++) {
        saint_request q = plain_request(llava, 1), full = plain_request(llava, 1);
        for (int i = 0; i < 2; i++) {
            random_site(&rng, &q.settings, m, SAINT_STAGE_VIT, pick(&rng, m->vit_layers_run));
            random_site(&rng, &q.settings, m, SAINT_STAGE_LLM, pick(&rng, m->llm_layers));
        }
        saint_trace *t = timed_run(&q), *base = timed_run(&full);
        speed_site site[16];
        int n = speed_sites(m, t, &r, site, 16);
        assert_int_equal(n, t->image[0].history.n_sites);
        speed_counts c = speed_counts_of(m, t), b = speed_counts_of(m, base);
        speed_work w = speed_work_of(m, &c), u = speed_work_of(m, &b);
        double sum = 0, whole = first_seconds(&u, &r) - first_seconds(&w, &r);
        for (int i = 0; i < n; i++) sum += site[i].saves;
        if (fabs(sum - whole) > 1e-12) fail_msg("round %d: the sites save %.12g, the plan %.12g", round, sum, whole);
        for (int i = 0; i < n; i++) { /* the same site with every number of survivors there is */
            saint_trace_site *s = t->image[0].history.site[i];
            int keep = s->n_keep, least = -1;
            double cost = s->seconds;
            for (int k = i + 1; k < n; k++) t->image[0].history.site[k]->n_keep = 0;
            for (int drop = s->image_in; drop >= 1; drop--) {
                s->n_keep = s->image_in - drop;
                speed_site one[16];
                speed_sites(m, t, &r, one, 16);
                if (one[i].saves >= cost) least = drop;
            }
            s->n_keep = keep;
            if (site[i].pays_from != least) fail_msg("round %d site %d: pays from %d, expected %d", round, i, site[i].pays_from, least);
            pays += least > 0;
            never += least < 0;
            break; /* sites behind would need their n_keep again */
        }
        saint_trace_unref(t);
        saint_trace_unref(base);
    }
    assert_true(pays > 5 && never >= 0);
}

/* ---- words -------------------------------------------------------------------------------------------------------- */

static bool says(const speed_notes *n, const char *part)
{
    for (int i = 0; i < n->n; i++)
        if (strstr(n->text[i], part)) return true;
    return false;
}

static void expect_says(const speed_notes *n, const char *part)
{
    if (says(n, part)) return;
    for (int i = 0; i < n->n; i++) printf("  %s\n", n->text[i]);
    fail_msg("no note says \"%s\"", part);
}

static void notes_say_what_the_numbers_mean(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    saint_request q = plain_request(llava, 1), full = plain_request(llava, 1);
    set_params(&q.settings, "prune_mode[1]=random", "keep_num=20", NULL);
    saint_trace *t = timed_run(&q), *b = timed_run(&full);
    speed_plan now, base, none;
    speed_notes notes;
    t->seconds.prefill = 0.010; /* unpruned 0.020 */
    t->image[0].history.site[0]->seconds = t->seconds.selection = 0.0005;
    speed_plan_of_trace(m, t, &now);
    speed_plan_of_trace(m, b, &base);
    speed_plan_of_trace(m, NULL, &none);
    speed_explain(m, t, &now, &base, &none, NULL, &notes);
    expect_says(&notes, "single runs");
    const measure_value open = {1.02, 0.97, 1.05, 12}, sure = {1.3, 1.2, 1.4, 12}, bad = {0.9, 0.8, 0.95, 12};
    speed_explain(m, t, &now, &base, &none, &open, &notes);
    expect_says(&notes, "whether it pays does not show.");
    expect_says(&notes, "1.02x [0.970, 1.050]");
    speed_explain(m, t, &now, &base, &none, &sure, &notes);
    expect_says(&notes, ": it pays.");
    speed_plan disturbed = now; /* something else ran meanwhile: the medians say the contrary of what the rounds in turns say */
    disturbed.part[MEASURE_FIRST].median = 2 * base.part[MEASURE_FIRST].median;
    speed_explain(m, t, &disturbed, &base, &none, &sure, &notes);
    expect_says(&notes, ": it pays.");
    assert_false(says(&notes, "saves -"));
    speed_explain(m, t, &now, &base, &none, &bad, &notes);
    expect_says(&notes, ": it does not pay.");
    disturbed.part[MEASURE_FIRST].median = 2 * base.part[MEASURE_FIRST].median;
    speed_explain(m, t, &disturbed, &base, &none, NULL, &notes); /* single runs of different moments against the operations */
    expect_says(&notes, "single runs cannot tell, m measures.");
    speed_explain(m, t, &now, &base, &none, NULL, &notes);
    expect_says(&notes, "Selection costs 0.50 ms and saves 10.0 ms");
    expect_says(&notes, "it pays.");
    expect_says(&notes, "no budget there can give more than");
    expect_says(&notes, "on; 62 go.");
    assert_false(says(&notes, "Random"));

    now.part[MEASURE_SELECTION].median = 0.5; /* dearer than anything */
    now.part[MEASURE_FIRST].median += 0.5;
    t->image[0].history.site[0]->seconds = 0.5;
    speed_explain(m, t, &now, &base, &now, NULL, &notes);
    expect_says(&notes, "does not pay");
    expect_says(&notes, "even dropping all its tokens would not pay that back");
    expect_says(&notes, "Random dropping");

    now.part[MEASURE_PREFILL].median = 0.1;
    speed_explain(m, t, &now, &base, NULL, NULL, &notes);
    assert_false(says(&notes, "Prefill takes"));
    now.part[MEASURE_PREFILL].low = 0.09;
    speed_explain(m, t, &now, &base, NULL, NULL, &notes);
    expect_says(&notes, "Prefill takes");

    base.part[MEASURE_DECODE].median = 1e-9 * 2; /* reading costs nothing: arithmetic bounds */
    speed_explain(m, t, &now, &base, NULL, NULL, &notes);
    expect_says(&notes, "bound by arithmetic");
    base.part[MEASURE_DECODE].median = 100;
    speed_explain(m, t, &now, &base, NULL, NULL, &notes);
    expect_says(&notes, "bound by reading the weights");

    assert_false(says(&notes, "do not count"));
    base.company = DEVICE_SHARED;
    speed_explain(m, t, &now, &base, NULL, NULL, &notes);
    expect_says(&notes, "do not count, for another saint used the device meanwhile");

    speed_explain(m, NULL, &none, &none, NULL, NULL, &notes);
    expect_says(&notes, "has not run yet");
    speed_explain(m, b, &base, &base, NULL, NULL, &notes);
    expect_says(&notes, "Nothing is dropped");
    speed_explain(m, t, &now, &none, NULL, NULL, &notes);
    expect_says(&notes, "no rates");
    saint_trace_unref(t);
    saint_trace_unref(b);
}

static void repeated_runs_make_a_plan(void **state)
{
    (void)state;
    static measure_runs runs;
    const saint_model_info *m = saint_model_get_info(llava);
    measure_begin(&runs, 2, 0, 8, 0);
    for (int i = 0; measure_next(&runs) >= 0; i++)
        measure_add(&runs, &(saint_timings){.vit = (i % 2 ? 2 : 1) + 0.001 * i, .prefill = 1, .decode = 3, .preprocess = 0.5});
    speed_plan p;
    char text[40];
    speed_plan_of_runs(m, NULL, &runs, 1, 7, &p);
    speed_source_text(&p, text, sizeof text);
    assert_string_equal(text, "measured n=8");
    p.company = DEVICE_SHARED;
    speed_source_text(&p, text, sizeof text);
    assert_string_equal(text, "measured n=8, shared");
    p.company = DEVICE_DISTURBED;
    speed_source_text(&p, text, sizeof text);
    assert_string_equal(text, "measured n=8, busy CPUs");
    p.company = DEVICE_SHARED;
    speed_source_text(&p, text, 14);
    assert_string_equal(text, "measured n=8,");
    speed_source_text(&(speed_plan){.company = DEVICE_SHARED}, text, sizeof text);
    assert_string_equal(text, "not run");
    assert_true(!p.has_work && p.part[MEASURE_ENCODER].low < p.part[MEASURE_ENCODER].median && p.part[MEASURE_DECODE].low == 3);
    near(p.part[MEASURE_TOTAL].median, p.part[MEASURE_ENCODER].median + 4.5, "total");
}

/* ---- layers ------------------------------------------------------------------------------------------------------- */

static void curves_are_the_statistics(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 0);
    saint_request q = busy_request(llava, 1);
    static layers_curve c;
    q.want_stats = true;
    saint_trace *t = run_request(s, &q);
    const saint_history *h = &t->image[0].history;
    int seen = 0;
    for (int stage = 0; stage < 2; stage++) {
        layers_curve_of(t, (saint_stage)stage, &c);
        const saint_model_info *m = saint_model_get_info(llava);
        assert_true(c.known && c.n == (stage ? m->llm_layers : m->vit_layers_run));
        for (int i = 0; i < c.n; i++, seen++) {
            const saint_trace_layer *y = &h->layer[seen];
            assert_true((int)y->stage == stage && c.layer[i] == y->layer && c.tokens[i] == y->image_in);
            assert_true(c.cosine[i] == (double)y->stats.mean_cosine && c.above[i] == (double)y->stats.share_above);
            assert_true(c.degree_k[i] == (double)y->stats.share_degree_k && c.rank[i] == (double)y->stats.effective_rank);
            bool site = saint_plan_site(&t->plan, (saint_stage)stage, i) != NULL;
            assert_int_equal(c.site[i] != NULL, site);
            if (site) assert_true(c.site[i]->layer == i && (int)c.site[i]->stage == stage);
        }
    }
    assert_int_equal(seen, h->n_layers);
    saint_trace_unref(t);
    q.want_stats = false;
    t = run_request(s, &q);
    layers_curve_of(t, SAINT_STAGE_LLM, &c);
    assert_true(!c.known && c.n > 0 && isnan(c.cosine[0]));
    layers_curve_of(NULL, SAINT_STAGE_LLM, &c);
    assert_int_equal(c.n, 0);
    saint_trace_unref(t);
    saint_session_close(s);
}

/* The largest smallest movement of all pairs, straight from the definition. */
static double best_movement(const double *y, int n)
{
    double best = 0;
    for (int p = 1; p < n; p++)
        for (int v = p + 2; v + 2 < n; v++) { /* two layers to each phase */
            double low = INFINITY, high = -INFINITY;
            for (int i = 0; i < p; i++) low = fmin(low, y[i]);
            for (int i = v + 1; i < n; i++) high = fmax(high, y[i]);
            best = fmax(best, fmin(fmin(y[p] - low, y[p] - y[v]), high - y[v]));
        }
    return best;
}

static void phases_are_named_where_there_are_three(void **state)
{
    (void)state;
    uint64_t rng = 15;
    int found = 0;
    for (int round = 0; round < 300; round++) {
        double y[40];
        int n = 1 + pick(&rng, 40);
        double v = 0.4;
        for (int i = 0; i < n; i++) y[i] = v += (pick(&rng, 201) - 100) * 0.0004;
        layers_phases p = layers_phases_of(y, n);
        double best = best_movement(y, n);
        assert_int_equal(p.found, best >= LAYERS_MOVE);
        if (p.found) {
            found++;
            assert_true(fabs(fmin(fmin(p.rise, p.fall), p.again) - best) < 1e-12 && p.peak > 0 && p.peak + 1 < p.valley &&
                        p.valley < n - 2);
            assert_string_equal(layers_phase_name(&p, p.peak), "aligner");
            assert_string_equal(layers_phase_name(&p, p.valley), "explorer");
            assert_string_equal(layers_phase_name(&p, p.valley + 1), "aggregator");
        } else assert_null(layers_phase_name(&p, 0));
    }
    assert_true(found > 30 && found < 290);
    const double rises[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6}, wave[] = {0.2, 0.5, 0.6, 0.3, 0.2, 0.4, 0.5},
                 cut[] = {0.2, 0.5, 0.6, 0.3, NAN, 0.4, 0.5};
    assert_false(layers_phases_of(rises, 6).found);
    layers_phases p = layers_phases_of(wave, 7);
    assert_true(p.found && p.peak == 2 && p.valley == 4);
    assert_false(layers_phases_of(cut, 7).found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_what_runs_report),
        cmocka_unit_test(attention_is_what_is_left_without_matrices),
        cmocka_unit_test(predictions_give_the_unpruned_run_back),
        cmocka_unit_test(cached_parts_are_called_so),
        cmocka_unit_test(savings_add_up_and_break_even_is_exact),
        cmocka_unit_test(notes_say_what_the_numbers_mean),
        cmocka_unit_test(repeated_runs_make_a_plan),
        cmocka_unit_test(curves_are_the_statistics),
        cmocka_unit_test(phases_are_named_where_there_are_three),
    };
    return run_tiny_group("tests", tests, sizeof tests / sizeof *tests);
}
