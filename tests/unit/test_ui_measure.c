/* The A/B, speed and layer pages on a tiny model, a screen that nobody sees and a clock that stands: what their actions run, and what they
 * say of it. No test looks at how long anything took. */
#include "support/session.h"
#include "support/tiny_workbench.h"

#include <math.h>

#include "ui/extra.h"

static void perform(ui *u, const char *command)
{
    if (!ui_do(u, command)) fail_msg("%s: %s", command, u->message);
}

static ui *opened(const char *plan)
{
    ui *u;
    assert_ok(ui_new(&tiny_workbench, &u, err));
    ui_frame(u);
    ui_begin(u);
    until_idle(u);
    perform(u, plan);
    until_idle(u);
    return u;
}

static double equivalent(const ui *u, int slot)
{
    assert_false(ui_stale(u, slot));
    return u->plan[slot].trace->image[0].equivalent;
}

static saint_plan plan_of(const ui *u, const saint_settings *s)
{
    saint_plan p;
    assert_ok(saint_plan_build(&p, s, u->info, NULL, err));
    return p;
}

/* ---- A/B ---------------------------------------------------------------------------------------------------------- */

static void pinning_and_swapping(void **state)
{
    (void)state;
    ui *u = opened("set mode=vit prune_mode=None prune_mode[1]=random keep_num=30");
    assert_int_equal(ui_compare_left(u), UI_BASE);
    assert_false(ui_do(u, "swap"));
    assert_false(ui_do(u, "unpin"));
    perform(u, "pin");
    assert_int_equal(ui_compare_left(u), UI_A);
    assert_ptr_equal(u->plan[UI_A].trace, u->plan[UI_NOW].trace); /* nothing runs twice */
    perform(u, "set keep_num=12");
    until_idle(u);
    saint_plan a = plan_of(u, &u->plan[UI_A].settings), b = plan_of(u, &u->plan[UI_NOW].settings);
    assert_true(memcmp(&a, &b, sizeof a) != 0);
    double ea = equivalent(u, UI_A), eb = equivalent(u, UI_NOW);
    assert_true(ea > eb);
    for (int i = 0; i < 2; i++) {
        perform(u, "swap");
        until_idle(u);
        saint_plan c = plan_of(u, &u->plan[UI_A].settings), d = plan_of(u, &u->plan[UI_NOW].settings);
        assert_memory_equal(&c, i ? &a : &b, sizeof c);
        assert_memory_equal(&d, i ? &b : &a, sizeof d);
        assert_true(equivalent(u, UI_A) == (i ? ea : eb) && equivalent(u, UI_NOW) == (i ? eb : ea));
    }
    perform(u, "undo"); /* a swap is a change of the live plan */
    until_idle(u);
    assert_true(equivalent(u, UI_NOW) == ea);
    perform(u, "sample +1"); /* another picture: A is run for it */
    until_idle(u);
    assert_false(ui_stale(u, UI_A));
    perform(u, "unpin");
    assert_int_equal(ui_compare_left(u), UI_BASE);
    assert_null(u->plan[UI_A].trace);
    ui_close(u);
}

static void the_page_compares_what_is_there(void **state)
{
    (void)state;
    ui *u = opened("set mode=hybrid prune_mode=None prune_mode[0]=random keep_num=30");
    perform(u, "page a/b");
    until_idle(u);
    assert_false(u->compare->diff);
    perform(u, "diff");
    assert_true(u->compare->diff && !u->compare->flip);
    perform(u, "flip");
    assert_true(!u->compare->diff && u->compare->flip);
    perform(u, "flip a");
    assert_false(u->compare->flip);
    /* the overlap over all layers, by hand */
    int n = u->info->grid_w * u->info->grid_h;
    uint8_t a[1024], b[1024];
    int both = 0, any = 0;
    assert_true(n <= 1024);
    for (int c = 0; c < u->cursor.n; c++) {
        assert_true(ui_mask(u, UI_BASE, c, -1, a, NULL, NULL) == n && ui_mask(u, UI_NOW, c, -1, b, NULL, NULL) > 0);
        for (int i = 0; i < n; i++) {
            both += a[i] && b[i];
            any += a[i] || b[i];
        }
    }
    ui_frame(u);
    assert_int_equal(u->compare->all.both, both);
    assert_true(u->compare->all.jaccard == (double)both / any && both < any);
    perform(u, "set keep_num=20");
    until_idle(u);
    assert_true(u->compare->all.both < both); /* drawn anew */
    ui_close(u);
}

/* ---- matching ----------------------------------------------------------------------------------------------------- */

static void budgets_are_matched_without_running(void **state)
{
    (void)state;
    ui *u = opened("set mode=llm use_saint=true llm_prune_mode=grid saint_start=1 saint_end=2 llm_keep_num=-1 llm_keep_ratio=0.6");
    perform(u, "pin");
    double target = equivalent(u, UI_A), best = INFINITY, y;
    perform(u, "set mode=vit prune_mode=None prune_mode[1]=random keep_num=60");
    until_idle(u);
    saint_settings s = u->plan[UI_NOW].settings;
    for (int keep = 2; keep <= u->info->grid_w * u->info->grid_h + 1; keep++) {
        match_knob k = {.key = "keep_num", .integer = true};
        assert_ok(match_turn(&s, &k, keep, err));
        assert_true(match_predict(&s, u->info, &y));
        if (fabs(y - target) < best) best = fabs(y - target);
    }
    perform(u, "match tokens");
    assert_int_equal(u->compare->match.kind, MATCH_IDLE); /* at once */
    assert_int_equal(u->compare->match.n_runs, 0);
    until_idle(u);
    assert_true(fabs(equivalent(u, UI_NOW) - target) == best);
    assert_non_null(strstr(u->compare->match.report, "tokens per layer, A has"));
    perform(u, "undo");
    until_idle(u);
    assert_int_equal(u->compare->match.report[0], 0); /* it spoke of another plan */
    assert_int_equal(saint_plan_site(&u->plan[UI_NOW].trace->plan, SAINT_STAGE_VIT, 1)->p.keep_num, 60);
    /* a plan that keeps more than the knob can drop */
    perform(u, "set prune_mode[1]=tome");
    perform(u, "pin");
    perform(u, "set prune_mode[1]=grid keep_num=3");
    until_idle(u);
    perform(u, "pin");
    perform(u, "set prune_mode[1]=tome");
    until_idle(u);
    perform(u, "match tokens");
    assert_non_null(strstr(u->compare->match.report, "reaches no nearer")); /* it drops half at most */
    ui_close(u);
}

static void thresholds_are_matched_by_running(void **state)
{
    (void)state;
    ui *u = opened("set mode=vit prune_mode=None prune_mode[1]=grid keep_num=40");
    perform(u, "pin");
    double target = equivalent(u, UI_A);
    perform(
        u, "set mode=llm prune_mode=None use_saint=true llm_prune_mode=saint_drop saint_start=0 saint_end=2 saint_K=1 saint_threshold=0.9");
    until_idle(u);
    double before = fabs(equivalent(u, UI_NOW) - target);
    perform(u, "match tokens saint_threshold");
    assert_int_equal(u->compare->match.kind, MATCH_TOKENS);
    until_idle(u);
    const ui_match *m = &u->compare->match;
    assert_int_equal(m->kind, MATCH_IDLE);
    assert_true(m->n_runs > 2);
    assert_true(equivalent(u, UI_NOW) == m->search.best_y);
    assert_true(fabs(m->search.best_y - target) <= before);
    double nearest = INFINITY, reached = m->search.best_y; /* no value on a fine grid is nearer by more than one token in one layer */
    saint_settings s = u->plan[UI_NOW].settings;
    saint_engine *e;
    assert_ok(saint_engine_open(&e, &(saint_engine_options){.n_threads = 1}, err));
    saint_session *session = open_session(e, u->model, 1 << 26);
    for (int i = 0; i <= 100; i++) {
        saint_request q = {.pixels = u->subject.pixels, .n_images = 1, .prompt = u->subject.question, .settings = s};
        char text[40];
        snprintf(text, sizeof text, "saint_threshold=%.2f", 0.01 * i);
        set_param(&q.settings, text);
        saint_trace *t = run_request(session, &q);
        nearest = fmin(nearest, fabs(t->image[0].equivalent - target));
        saint_trace_unref(t);
    }
    if (fabs(reached - target) > nearest + 1)
        fail_msg("%g tokens from A's, a grid of thresholds comes to %g", fabs(reached - target), nearest);
    saint_session_close(session);
    saint_engine_close(e);
    ui_close(u);
}

static void times_are_matched_by_measuring(void **state)
{
    (void)state;
    ui *u = opened("set mode=vit prune_mode=None prune_mode[0]=grid keep_num=30");
    perform(u, "page a/b");
    perform(u, "match time");
    assert_int_equal(u->compare->match.kind, MATCH_TIME);
    assert_string_equal(u->compare->match.knob.key, "keep_num");
    until_idle(u);
    const ui_match *m = &u->compare->match;
    assert_int_equal(m->kind, MATCH_IDLE);
    assert_true(m->n_runs >= 2 * MEASURE_LEAST * (m->search.n + 1)); /* A and B in turns, as they are and for every value */
    if (m->search.n == 0) assert_true(m->as_it_is.low <= 1 && m->as_it_is.high >= 1 && m->search.best_x == 30); /* nothing to gain */
    assert_true(m->ratio.n >= MEASURE_LEAST && isfinite(m->ratio.low) && m->ms_a > 0 && m->ms_b > 0);
    assert_non_null(strstr(m->report, "n="));
    assert_int_equal(plan_of(u, &u->plan[UI_NOW].settings).site[0].p.keep_num, (int)m->search.best_x);
    assert_int_equal(m->timed_version, u->plan[UI_NOW].version); /* the times side by side are these */
    perform(u, "match time");
    ui_wait(u, 1);
    perform(u, "match stop");
    assert_int_equal(m->kind, MATCH_IDLE);
    until_idle(u);
    perform(u, "match time");
    ui_wait(u, 1);
    perform(u, "set keep_num=11"); /* the plan that it turned is another one */
    assert_int_equal(m->kind, MATCH_IDLE);
    until_idle(u);
    assert_int_equal(plan_of(u, &u->plan[UI_NOW].settings).site[0].p.keep_num, 11);
    ui_close(u);
}

static void what_cannot_be_matched_is_said(void **state)
{
    (void)state;
    ui *u = opened("set mode=none");
    assert_false(ui_do(u, "match tokens"));
    assert_non_null(strstr(u->message, "drops nothing"));
    assert_false(ui_do(u, "match miles"));
    perform(u, "set mode=vit prune_mode=None prune_mode[0]=grid keep_num=30");
    until_idle(u);
    assert_false(ui_do(u, "match tokens saint_threshold"));
    assert_non_null(strstr(u->message, "no site of this plan reads saint_threshold"));
    perform(u, "match tokens keep_num");
    ui_close(u);
}

/* ---- measuring ---------------------------------------------------------------------------------------------------- */

static void measuring_takes_turns_and_leaves_everything_as_it_was(void **state)
{
    (void)state;
    ui *u = opened("set mode=hybrid prune_mode=None prune_mode[1]=random keep_num=30");
    saint_request r;
    saint_forecast before, behind;
    perform(u, "page speed");
    until_idle(u);
    assert_true(ui_request(u, UI_NOW, &r));
    assert_ok(saint_session_forecast(u->session, &r, &before, err));
    const saint_trace *traces[UI_SLOTS];
    for (int i = 0; i < UI_SLOTS; i++) traces[i] = u->plan[i].trace;
    assert_int_equal(ui_speed_measured(u, UI_NOW), -1);
    perform(u, "measure");
    assert_true(u->speed->active);
    until_idle(u);
    const ui_speed *s = u->speed;
    assert_false(s->active);
    assert_true(s->runs.n >= MEASURE_LEAST && s->runs.n <= 24);
    assert_int_equal(s->n, 3);
    for (int i = 0; i < UI_SLOTS; i++) assert_ptr_equal(u->plan[i].trace, traces[i]);
    assert_ok(saint_session_forecast(u->session, &r, &behind, err));
    assert_memory_equal(&before, &behind, sizeof before);
    static const int slots[] = {UI_NOW, UI_BASE, UI_RANDOM};
    for (int i = 0; i < 3; i++) {
        speed_plan p;
        assert_int_equal(ui_speed_measured(u, slots[i]), i);
        ui_speed_of(u, slots[i], &p);
        assert_int_equal(p.source, SPEED_MEASURED);
        assert_int_equal(p.n, s->runs.n);
        for (int part = 0; part < MEASURE_PARTS; part++) /* everything ran, and was timed */
            if (part != MEASURE_SELECTION || slots[i] != UI_BASE) assert_true(p.part[part].median > 0);
        assert_true(p.part[MEASURE_TOTAL].low <= p.part[MEASURE_TOTAL].median &&
                    p.part[MEASURE_TOTAL].median <= p.part[MEASURE_TOTAL].high);
        assert_int_equal(p.work.steps, s->tokens - 1);
    }
    perform(u, "pin");
    perform(u, "set keep_num=33");
    until_idle(u);
    perform(u, "measure"); /* A takes part */
    until_idle(u);
    assert_true(u->speed->n == 4 && ui_speed_measured(u, UI_A) == 3 && ui_speed_measured(u, UI_NOW) == 0);
    perform(u, "set keep_num=20");
    until_idle(u);
    speed_plan p;
    ui_speed_of(u, UI_NOW, &p); /* another plan: not what was measured */
    assert_true(p.source == SPEED_CACHED || p.source == SPEED_ONCE);
    assert_int_equal(ui_speed_measured(u, UI_BASE), 1);
    assert_int_equal(ui_speed_measured(u, UI_NOW), -1);
    perform(u, "sample +1");
    until_idle(u);
    assert_int_equal(ui_speed_measured(u, UI_BASE), -1);
    ui_close(u);
}

static void measuring_stops_when_asked_or_overtaken(void **state)
{
    (void)state;
    ui *u = opened("set mode=vit prune_mode=None prune_mode[1]=random keep_num=30");
    perform(u, "page speed");
    until_idle(u);
    perform(u, "measure");
    ui_wait(u, 1);
    perform(u, "measure"); /* the same key again */
    assert_false(u->speed->active);
    until_idle(u);
    perform(u, "measure");
    ui_wait(u, 1);
    perform(u, "set keep_num=20");
    assert_false(u->speed->active);
    until_idle(u);
    perform(u, "measure");
    perform(u, "sample +1");
    until_idle(u);
    assert_false(u->speed->active);
    assert_int_equal(ui_speed_measured(u, UI_NOW), -1);
    perform(u, "set prune_mode[1]=None"); /* nothing is dropped: measured all the same, beside the unpruned model */
    until_idle(u);
    perform(u, "measure");
    until_idle(u);
    assert_true(ui_speed_measured(u, UI_NOW) == 0 && ui_speed_measured(u, UI_BASE) == 1);
    ui_close(u);
}

/* ---- layers ------------------------------------------------------------------------------------------------------- */

static void expect_statistics(const ui *u, const saint_settings *s, float threshold, int K)
{
    saint_engine *e;
    assert_ok(saint_engine_open(&e, &(saint_engine_options){.n_threads = 1}, err));
    saint_session *session = open_session(e, u->model, 0);
    saint_request q = {
        .pixels = u->subject.pixels, .n_images = 1, .prompt = u->subject.question, .settings = *s, .want_stats = true, .stats_given = true};
    q.stats_threshold = threshold;
    q.stats_K = K;
    saint_trace *t = run_request(session, &q);
    const saint_history *a = &t->image[0].history, *b = &u->layers->trace->image[0].history;
    assert_int_equal(a->n_layers, b->n_layers);
    for (int i = 0; i < a->n_layers; i++) {
        assert_true(b->layer[i].has_stats && b->layer[i].stats_threshold == threshold && b->layer[i].stats_K == K);
        assert_memory_equal(&a->layer[i].stats, &b->layer[i].stats, sizeof a->layer[i].stats);
    }
    saint_trace_unref(t);
    saint_session_close(session);
    saint_engine_close(e);
}

static void curves_follow_threshold_and_plan(void **state)
{
    (void)state;
    ui *u = opened("set mode=hybrid prune_mode=None prune_mode[1]=random keep_num=30");
    assert_null(u->layers->trace); /* nobody looks */
    perform(u, "page layers");
    until_idle(u);
    assert_non_null(u->layers->trace);
    expect_statistics(u, &u->plan[UI_BASE].settings, 0.75f, 5);
    perform(u, "similarity 0.5");
    perform(u, "neighbours -3");
    until_idle(u);
    expect_statistics(u, &u->plan[UI_BASE].settings, 0.5f, 2);
    assert_true(u->layers->trace->layers_run <= 1); /* counting alone: the last ViT layer's second half runs again */
    perform(u, "curves-of now");
    until_idle(u);
    expect_statistics(u, &u->plan[UI_NOW].settings, 0.5f, 2);
    perform(u, "set keep_num=12");
    until_idle(u);
    expect_statistics(u, &u->plan[UI_NOW].settings, 0.5f, 2);
    perform(u, "curves-of"); /* A is not pinned: on to the unpruned model */
    assert_int_equal(u->layers->slot, UI_BASE);
    perform(u, "pin");
    perform(u, "curves-of a");
    perform(u, "sample +1");
    until_idle(u);
    expect_statistics(u, &u->plan[UI_A].settings, 0.5f, 2);
    static const char *const wrong[] = {"similarity", "similarity x", "neighbours 1e", "curves-of nobody", "curves waves"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(ui_do(u, wrong[i]));
    perform(u, "similarity 7"); /* a cosine */
    until_idle(u);
    assert_true(u->layers->threshold == 1);
    assert_true(ui_do(u, "curves") && ui_do(u, "curves neighbours") && u->layers->curves == 2);
    assert_true(ui_do(u, "layers-table on") && u->layers->table);
    ui_frame(u);
    ui_close(u);
}

static void the_layer_page_is_kept_and_bad_files_are_not_believed(void **state)
{
    (void)state;
    ui *u = opened("set mode=none"), *v = opened("set mode=none");
    const ui_module *m = NULL;
    for (int i = 0; ui_module_at(i); i++)
        if (strcmp(ui_module_at(i)->name, "layers") == 0) m = ui_module_at(i);
    assert_non_null(m);
    perform(u, "similarity 0.63");
    perform(u, "neighbours 9");
    perform(u, "curves rank");
    perform(u, "curves-of now");
    perform(u, "layers-table on");
    cJSON *kept = cJSON_CreateObject();
    m->save(u, kept);
    m->load(v, kept);
    assert_true(v->layers->threshold == 0.63f && v->layers->K == 9 && v->layers->curves == 1 && v->layers->table &&
                v->layers->slot == UI_NOW);
    cJSON_Delete(kept);
    static const char *const bad[] = {"{}", "{\"slot\":3,\"threshold\":1e9,\"K\":-1,\"curves\":99,\"table\":\"yes\"}",
                                      "{\"slot\":[],\"threshold\":null,\"K\":{},\"curves\":\"1\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cJSON *c = cJSON_Parse(bad[i]);
        assert_non_null(c);
        m->load(v, c);
        cJSON_Delete(c);
        assert_true(v->layers->threshold == 0.63f && v->layers->K == 9 && v->layers->curves == 1 && v->layers->slot == UI_NOW);
    }
    ui_close(u);
    ui_close(v);
}

/* Arrows and the mouse move the cursor that all pages share. */
static void charts_and_the_strip_share_their_cursor(void **state)
{
    (void)state;
    ui *u = opened("set mode=none");
    perform(u, "page layers");
    perform(u, "focus next");
    until_idle(u);
    const ui_pane *vit = ui_pane_of(SAINT_UI_PAGE_LAYERS, SAINT_UI_PANE_CHART),
                  *llm = ui_pane_of(SAINT_UI_PAGE_LAYERS, SAINT_UI_PANE_CHART_B);
    saint_ui_event right = {.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_RIGHT}, home = {.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_HOME},
                   end = {.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_END};
    assert_true(vit->event(u, &home, NULL));
    assert_int_equal(u->cursor.at, 0);
    assert_true(vit->event(u, &right, NULL));
    assert_int_equal(u->cursor.at, 1);
    assert_true(llm->event(u, &end, NULL));
    assert_int_equal(u->cursor.at, u->cursor.n - 1);
    ui_frame(u);
    const saint_ui_plot_frame *f = &u->layers->frame[SAINT_STAGE_VIT];
    saint_ui_event click = {.kind = SAINT_UI_MOUSE, .mouse = SAINT_UI_MOUSE_DOWN, .button = 1, .x = f->cells.x, .y = f->cells.y};
    assert_true(vit->event(u, &click, NULL));
    assert_int_equal(u->cursor.at, 0);
    click.x = f->cells.x + f->cells.w - 1;
    assert_true(vit->event(u, &click, NULL));
    assert_int_equal(u->cursor.at, u->cursor.n_vit - 1);
    ui_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinning_and_swapping),
        cmocka_unit_test(the_page_compares_what_is_there),
        cmocka_unit_test(budgets_are_matched_without_running),
        cmocka_unit_test(thresholds_are_matched_by_running),
        cmocka_unit_test(times_are_matched_by_measuring),
        cmocka_unit_test(what_cannot_be_matched_is_said),
        cmocka_unit_test(measuring_takes_turns_and_leaves_everything_as_it_was),
        cmocka_unit_test(measuring_stops_when_asked_or_overtaken),
        cmocka_unit_test(curves_follow_threshold_and_plan),
        cmocka_unit_test(the_layer_page_is_kept_and_bad_files_are_not_believed),
        cmocka_unit_test(charts_and_the_strip_share_their_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
