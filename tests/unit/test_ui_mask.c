/* What the screen shows of a run against the run itself: masks by brute force from the survivors of every site. */
#include "support/tiny.h"

#include <math.h>

#include "ui/ui.h"

enum { COLUMNS_MOST = 64, PATCHES_MOST = 1024 };

static void look_at(ui *u, const saint_model *m)
{
    memset(u, 0, sizeof *u);
    u->info = saint_model_get_info(m);
    u->cursor.n_vit = u->info->vit_layers_run;
    u->cursor.n = u->cursor.n_vit + u->info->llm_layers;
    u->cursor.round = -1;
    saint_settings_default(&u->plan[UI_NOW].settings);
}

static void clear(ui *u)
{
    for (int i = 0; i < UI_SLOTS; i++) {
        saint_trace_unref(u->plan[i].trace);
        saint_trace_site_unref(u->plan[i].preview);
    }
}

/* The survivors behind a column: those of the last site at or before it. No code shared with mask.c: that one follows the dead. */
static int brute_mask(const ui *u, const saint_trace *t, int at, uint8_t *kept)
{
    int patches = u->info->grid_w * u->info->grid_h, alive = patches;
    memset(kept, 1, (size_t)patches);
    const saint_history *h = &t->image[0].history;
    for (int i = 0; i < h->n_sites; i++) {
        const saint_trace_site *s = h->site[i];
        int column = s->stage == SAINT_STAGE_VIT ? s->layer : u->info->vit_layers_run + s->layer;
        if (column > at) break;
        memset(kept, 0, (size_t)patches);
        for (int k = 0; k < s->n_keep; k++) kept[s->kept[k]] = 1;
        alive = s->n_keep;
    }
    return alive;
}

static void columns_are_layers(void **state)
{
    (void)state;
    ui u;
    look_at(&u, llava);
    for (int c = 0; c < u.cursor.n; c++) {
        int layer;
        saint_stage stage = ui_stage_of(&u, c, &layer);
        assert_int_equal(ui_column_of(&u, stage, layer), c);
        assert_int_equal(stage == SAINT_STAGE_LLM, c >= u.cursor.n_vit);
    }
    assert_int_equal(ui_column_of(&u, SAINT_STAGE_VIT, u.cursor.n_vit), -1); /* computed by nobody */
    assert_int_equal(ui_column_of(&u, SAINT_STAGE_LLM, u.info->llm_layers), -1);
    assert_int_equal(ui_column_of(&u, SAINT_STAGE_VIT, -1), -1);
}

static void masks_are_the_survivors_of_every_site(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    uint64_t rng = 8;
    int text_rows = 0, rounds = 0, merged = 0, stayed = 0;
    for (int k = 0; k < 3; k++) {
        ui u;
        look_at(&u, models[k]);
        saint_session *s = open_session(engine, models[k], 0);
        for (int round = 0; round < 60; round++) {
            saint_request q = plain_request(models[k], 1);
            q.images = &picture[pick(&rng, N_PICTURES)];
            q.max_new_tokens = 0;
            for (int n = 1 + pick(&rng, 4); n > 0; n--) {
                saint_stage stage = k == 0 && pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
                random_site(&rng, &q.settings, u.info, stage, pick(&rng, stage == SAINT_STAGE_LLM ? u.info->llm_layers : u.info->vit_layers_run));
            }
            if (k == 0 && pick(&rng, 3) == 0) set_param(&q.settings, pick(&rng, 2) ? "saint_sys_length=3" : "saint_image_token_length=40");
            saint_trace *t;
            saint_error e = {0};
            if (saint_session_run(s, &q, NULL, &t, &e) != SAINT_OK) continue; /* a wrong window may leave no row */
            u.plan[UI_NOW].settings = q.settings;
            u.plan[UI_NOW].trace = t;
            int patches = u.info->grid_w * u.info->grid_h, before = patches;
            uint8_t want[PATCHES_MOST], kept[PATCHES_MOST], last[PATCHES_MOST];
            float score[PATCHES_MOST];
            int16_t death[PATCHES_MOST], death_all[PATCHES_MOST];
            saint_ui_strip_layer strip[COLUMNS_MOST];
            memset(last, 1, sizeof last);
            ui_strip_layers(&u, UI_NOW, strip);
            ui_mask(&u, UI_NOW, u.cursor.n - 1, -1, NULL, NULL, death_all);
            assert_int_equal(ui_first_change(&u, UI_NOW), u.cursor.n);
            for (int c = 0; c < u.cursor.n; c++) {
                int alive = brute_mask(&u, t, c, want);
                assert_int_equal(ui_mask(&u, UI_NOW, c, -1, kept, score, death), alive);
                assert_memory_equal(kept, want, (size_t)patches);
                assert_int_equal(ui_mask_known(&u, UI_NOW, c), UI_KNOWN_RUN);
                const saint_trace_site *site = ui_site(&u, UI_NOW, c);
                assert_int_equal(strip[c].tokens, alive);
                assert_int_equal(strip[c].site, site != NULL || saint_plan_site(&t->plan, strip[c].stage, strip[c].layer) != NULL);
                assert_false(strip[c].stale);
                for (int p = 0; p < patches; p++) {
                    if (kept[p]) assert_int_equal(death[p], -1);
                    else assert_true(death[p] >= 0 && death[p] <= c && death[p] == death_all[p]);
                    if (last[p] && !kept[p]) assert_int_equal(death[p], c);
                    if (!site) assert_true(isnan(score[p]));
                }
                for (int i = 0; site && i < site->n_in; i++) {
                    if (site->in[i] < 0) {
                        text_rows++;
                        continue;
                    }
                    assert_memory_equal(&score[site->in[i]], &site->score[i], sizeof *score);
                }
                /* rounds take tokens one after the other; the last one is all of them */
                int left = before;
                for (int r = 0; site && r < site->n_rounds; r++) {
                    int now = ui_mask(&u, UI_NOW, c, r, kept, NULL, NULL), gone = 0;
                    for (int i = 0; i < site->n_in; i++) gone += site->in[i] >= 0 && site->round[i] == r;
                    assert_int_equal(now, left - gone);
                    left = now;
                    rounds++;
                }
                if (site) {
                    merged += site->n_merge;
                    stayed += site->n_keep;
                    if (site->n_rounds > 0) assert_int_equal(left, alive);
                }
                before = alive;
                memcpy(last, want, sizeof last);
            }
            clear(&u);
            u.plan[UI_NOW].trace = NULL;
        }
        saint_session_close(s);
    }
    assert_true(text_rows > 0 && rounds > 300 && merged > 0 && stayed > 0); /* the cases were there */
}

/* Before anything has run only what needs no look at the picture is known. */
static void fixed_budgets_are_known_before_a_run(void **state)
{
    (void)state;
    ui u;
    saint_ui_strip_layer strip[COLUMNS_MOST];
    look_at(&u, llava);
    int patches = u.info->grid_w * u.info->grid_h;
    assert_int_equal(ui_mask(&u, UI_NOW, 0, -1, NULL, NULL, NULL), patches);
    set_params(&u.plan[UI_NOW].settings, "mode=hybrid", "use_saint=false", "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=20",
               "llm_prune_mode[1]=saint_drop", NULL);
    ui_strip_layers(&u, UI_NOW, strip);
    assert_int_equal(strip[0].tokens, patches);
    assert_int_equal(strip[1].tokens, 20 - u.info->vit_prefix);
    assert_int_equal(strip[u.cursor.n_vit].tokens, 20 - u.info->vit_prefix);
    assert_int_equal(strip[u.cursor.n_vit + 1].tokens, -1);
    assert_true(strip[1].site && strip[u.cursor.n_vit + 1].site && !strip[0].site);
    assert_string_equal(strip[1].name, "iterative_drop_full_graph");
    assert_string_equal(strip[0].name, "no pruning");
    assert_int_equal(ui_mask(&u, UI_NOW, 0, -1, NULL, NULL, NULL), patches);
    assert_int_equal(ui_mask(&u, UI_NOW, 1, -1, NULL, NULL, NULL), -1);
    assert_int_equal(ui_mask_known(&u, UI_NOW, 1), UI_KNOWN_NOT);
    assert_null(ui_site(&u, UI_NOW, 1));
    assert_int_equal(ui_mask(&u, UI_NOW, u.cursor.n, -1, NULL, NULL, NULL), -1);
    assert_int_equal(ui_mask(&u, UI_NOW, -1, -1, NULL, NULL, NULL), -1);
}

/* A slider moved: the first site that changed comes from its preview and equals what the run then does; behind it the old run is shown and
 * called stale; a site that went no longer drops. */
static void previews_stand_in_for_the_run_that_is_on_its_way(void **state)
{
    (void)state;
    uint64_t rng = 4;
    saint_session *s = open_session(engine, llava, 1 << 26);
    int previewed = 0, stale = 0, removed = 0;
    for (int round = 0; round < 80; round++) {
        ui u;
        look_at(&u, llava);
        ui_plan *p = &u.plan[UI_NOW];
        saint_request q = busy_request(llava, 1);
        for (int n = pick(&rng, 3); n > 0; n--)
            random_site(&rng, &q.settings, u.info, pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT, pick(&rng, 3));
        p->trace = run_request(s, &q);
        p->settings = q.settings;
        saint_stage stage = pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
        random_site(&rng, &p->settings, u.info, stage, pick(&rng, 3));
        saint_plan plan;
        assert_ok(saint_plan_build(&plan, &p->settings, u.info, NULL, err));
        int changed = ui_first_change(&u, UI_NOW), layer;
        uint8_t got[PATCHES_MOST], want[PATCHES_MOST];
        size_t patches = (size_t)(u.info->grid_w * u.info->grid_h);
        if (changed == u.cursor.n) {
            assert_memory_equal(&plan, &p->trace->plan, sizeof plan);
        } else {
            stage = ui_stage_of(&u, changed, &layer);
            const saint_site *site = saint_plan_site(&plan, stage, layer);
            if (site) assert_ok(saint_session_preview(s, 0, site, p->settings.compat, &p->preview, err));
            saint_request next = q;
            next.settings = p->settings;
            saint_trace *t = run_request(s, &next);
            for (int c = 0; c < u.cursor.n; c++) {
                ui_known known = ui_mask_known(&u, UI_NOW, c);
                int alive = ui_mask(&u, UI_NOW, c, -1, got, NULL, NULL);
                int truth = brute_mask(&u, t, c, want);
                assert_int_equal(known == UI_KNOWN_RUN, c < changed);
                if (c == changed) {
                    assert_int_equal(known, UI_KNOWN_PREVIEW);
                    previewed += site != NULL;
                    removed += site == NULL;
                    if (site) assert_ptr_equal(ui_site(&u, UI_NOW, c), p->preview);
                    else assert_null(ui_site(&u, UI_NOW, c));
                }
                if (known == UI_KNOWN_STALE) {
                    stale++;
                    continue;
                }
                assert_int_equal(alive, truth);
                assert_memory_equal(got, want, patches);
            }
            saint_trace_unref(t);
        }
        clear(&u);
    }
    assert_true(previewed > 10 && stale > 10 && removed > 0);
    saint_session_close(s);
}

static void painted_lists_are_seen_as_changes(void **state)
{
    (void)state;
    ui u;
    look_at(&u, llava);
    ui_plan *p = &u.plan[UI_NOW];
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 1);
    set_param(&q.settings, "hand=llm:1:0-9");
    p->settings = q.settings;
    p->trace = run_request(s, &q);
    assert_int_equal(ui_first_change(&u, UI_NOW), u.cursor.n);
    assert_int_equal(ui_mask(&u, UI_NOW, u.cursor.n - 1, -1, NULL, NULL, NULL), 10);
    saint_hand_mark(&p->settings.hand, 9, false);
    assert_int_equal(ui_first_change(&u, UI_NOW), u.cursor.n_vit + 1);
    saint_look *l;
    q.settings = p->settings;
    assert_ok(saint_look_open(&l, s, &q, 0, SAINT_STAGE_LLM, 1, err));
    assert_ok(saint_look_decide(l, NULL, &p->preview, err));
    saint_look_close(l);
    assert_int_equal(ui_mask(&u, UI_NOW, u.cursor.n - 1, -1, NULL, NULL, NULL), 9);
    assert_int_equal(ui_mask_known(&u, UI_NOW, u.cursor.n - 1), UI_KNOWN_PREVIEW);
    saint_ui_strip_layer strip[COLUMNS_MOST];
    ui_strip_layers(&u, UI_NOW, strip);
    assert_string_equal(strip[u.cursor.n_vit + 1].name, "hand");
    assert_int_equal(strip[u.cursor.n_vit + 1].tokens, 9);
    clear(&u);
    saint_session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_layers),
        cmocka_unit_test(masks_are_the_survivors_of_every_site),
        cmocka_unit_test(fixed_budgets_are_known_before_a_run),
        cmocka_unit_test(previews_stand_in_for_the_run_that_is_on_its_way),
        cmocka_unit_test(painted_lists_are_seen_as_changes),
    };
    return run_tiny_group("ui_mask", tests, sizeof tests / sizeof *tests);
}
