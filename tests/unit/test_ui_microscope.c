/* What the microscope says of a patch against runs with the very values it names. */
#include "support/tiny.h"

#include <math.h>

#include "ui/inspect/microscope.h"

static void look_at(ui *u, const saint_model *m)
{
    memset(u, 0, sizeof *u);
    u->info = saint_model_get_info(m);
    u->cursor.n_vit = u->info->vit_layers_run;
    u->cursor.n = u->cursor.n_vit + u->info->llm_layers;
    u->cursor.round = -1;
}

/* ---- the questions, answered by the engine ---- */

static bool similarity(void *ud, int patch, float *out) { return saint_look_similarity(ud, patch, out, NULL) == SAINT_OK; }

static int decisions;

static bool stays(void *ud, const saint_method_params *p, int patch, bool *out)
{
    saint_look *l = ud;
    saint_trace_site *s;
    saint_site site = *saint_look_site(l);
    site.p = *p;
    if (saint_look_decide(l, &site, &s, NULL) != SAINT_OK) return false;
    *out = false;
    for (int i = 0; i < s->n_keep; i++) *out = *out || s->kept[i] == patch;
    saint_trace_site_unref(s);
    decisions++;
    return true;
}

/* Whether a patch survives the site of a layer in a whole run with one parameter changed. */
static bool survives(saint_session *s, const saint_request *q, const char *key, int layer, saint_stage stage, double value, int patch)
{
    saint_request other = *q;
    char text[96];
    snprintf(text, sizeof text, "%s[%d]=%.7g", key, layer, value);
    set_param(&other.settings, text);
    saint_trace *t = run_request(s, &other);
    bool kept = false;
    for (int i = 0; i < t->image[0].history.n_sites; i++) {
        const saint_trace_site *site = t->image[0].history.site[i];
        for (int k = 0; site->stage == stage && site->layer == layer && k < site->n_keep; k++) kept = kept || site->kept[k] == patch;
    }
    saint_trace_unref(t);
    return kept;
}

typedef struct {
    const char *set[8];
    saint_stage stage;
    int layer;
} place;

static const place places[] = {
    {{"prune_mode[0]=saint_drop", "sim_threshold[0]=0.72", "K[0]=3"}, SAINT_STAGE_VIT, 0},
    {{"prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=40", "r[1]=5"}, SAINT_STAGE_VIT, 1},
    {{"prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=30", "r[1]=3", "compat=reference"}, SAINT_STAGE_VIT, 1},
    {{"prune_mode[0]=random", "keep_num[0]=33"}, SAINT_STAGE_VIT, 0},
    {{"prune_mode[0]=grid", "keep_num[0]=-1", "keep_ratio[0]=0.4"}, SAINT_STAGE_VIT, 0},
    {{"prune_mode[0]=tome", "keep_num[0]=60"}, SAINT_STAGE_VIT, 0},
    {{"prune_mode[0]=evit", "keep_num[0]=50"}, SAINT_STAGE_VIT, 0},
    {{"llm_prune_mode[1]=saint_drop", "saint_threshold[1]=0.6", "saint_K[1]=2", "saint_gamma[1]=4"}, SAINT_STAGE_LLM, 1},
    {{"llm_prune_mode[2]=fastv", "llm_keep_num[2]=25"}, SAINT_STAGE_LLM, 2},
    {{"prune_mode[0]=grid", "keep_num[0]=50", "llm_prune_mode[1]=iterative_drop_full_graph", "llm_keep_ratio[1]=0.5", "llm_r[1]=4"}, SAINT_STAGE_LLM, 1},
};

static void fates_and_hints_hold_in_runs(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    int patches = m->grid_w * m->grid_h, dropped = 0, alive = 0, merged = 0, hints[3] = {0}, searched = 0, impossible = 0, protected = 0;
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        const place *pl = &places[k];
        saint_session *s = open_session(engine, llava, 1 << 27);
        saint_request q = plain_request(llava, 1);
        q.max_new_tokens = 0;
        for (int i = 0; i < 8 && pl->set[i]; i++) set_param(&q.settings, pl->set[i]);
        ui u;
        look_at(&u, llava);
        u.plan[UI_NOW].settings = q.settings;
        u.plan[UI_NOW].trace = run_request(s, &q);
        saint_look *l;
        assert_ok(saint_look_open(&l, s, &q, 0, pl->stage, pl->layer, err));
        ui_probe probe = {l, similarity, stays};
        int column = ui_column_of(&u, pl->stage, pl->layer);
        const saint_trace_site *site = ui_site(&u, UI_NOW, column);
        assert_non_null(site);
        for (int i = 0; i < site->n_in; i += 2 + (int)(k % 2)) {
            int patch = site->in[i];
            ui_token t;
            ui_token_look(&u, UI_NOW, patch, column, -1, &t);
            ui_token_probe(&t, q.settings.compat, m->vit_prefix, patches, &probe);
            bool gone = site->round[i] >= 0;
            assert_int_equal(t.fate == UI_FATE_DROPPED || t.fate == UI_FATE_MERGED, gone);
            assert_int_equal(t.column, column);
            assert_ptr_equal(t.site, site);
            assert_int_equal(t.at, i);
            assert_int_equal(t.known, UI_KNOWN_RUN);
            dropped += gone, alive += !gone, merged += t.fate == UI_FATE_MERGED;
            protected += t.safe;
            if (t.fate == UI_FATE_MERGED) assert_true(t.into >= 0 && t.into != patch);
            if (t.safe) assert_int_equal(t.n_hints, 0);
            for (int n = 0; n < t.n_hints; n++) {
                const ui_hint *h = &t.hint[n];
                bool threshold = strstr(h->key, "threshold") != NULL, K = strstr(h->key, "K") != NULL;
                double step = threshold ? 0.0001 : 1;
                bool rounds = strncmp(site->method->name, "iterative", 9) == 0 && !gone; /* its rounds rank survivors anew */
                if (!rounds) assert_int_equal(h->searched, threshold);
                assert_int_equal(h->at_least, gone);
                if (h->impossible) { /* no value of the raster up to the end of the range */
                    impossible++;
                    assert_int_equal(survives(s, &q, h->key, pl->layer, pl->stage, gone ? 1.0001 : 0, patch), !gone);
                    continue;
                }
                hints[threshold ? 0 : K ? 1 : 2]++;
                searched += h->searched;
                /* at the value the fate is the other one, a step before it is the one that was */
                if (survives(s, &q, h->key, pl->layer, pl->stage, h->value, patch) != gone)
                    fail_msg("place %zu patch %d (%s): %s %s %.7g does not change it", k, patch, gone ? "gone" : "kept", h->key, gone ? ">=" : "<=", h->value);
                if (survives(s, &q, h->key, pl->layer, pl->stage, h->value + (gone ? -step : step), patch) == gone)
                    fail_msg("place %zu patch %d (%s): %s %.7g is not the edge", k, patch, gone ? "gone" : "kept", h->key, h->value);
            }
        }
        saint_look_close(l);
        saint_trace_unref(u.plan[UI_NOW].trace);
        saint_session_close(s);
    }
    assert_true(dropped > 100 && alive > 50 && merged > 5 && protected > 20);
    assert_true(hints[0] > 20 && hints[1] > 20 && hints[2] > 100 && searched >= hints[0]);
    (void)impossible;
}

/* Places in the order of dropping by sorting the scores here. */
static void ranks_are_the_order_of_the_scores(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        const place *pl = &places[k];
        saint_session *s = open_session(engine, llava, 0);
        saint_request q = plain_request(llava, 1);
        q.max_new_tokens = 0;
        for (int i = 0; i < 8 && pl->set[i]; i++) set_param(&q.settings, pl->set[i]);
        ui u;
        look_at(&u, llava);
        u.plan[UI_NOW].settings = q.settings;
        u.plan[UI_NOW].trace = run_request(s, &q);
        int column = ui_column_of(&u, pl->stage, pl->layer);
        const saint_trace_site *site = ui_site(&u, UI_NOW, column);
        int32_t order[512];
        bool seen[512] = {false};
        int ranked = 0, gone = 0;
        for (int i = 0; i < site->n_in; i++) ranked += !isnan(site->score[i]), gone += site->round[i] >= 0;
        assert_int_equal(ui_drop_order(site, order), ranked);
        for (int i = 0; i < site->n_in; i++) {
            ui_token t;
            ui_token_look(&u, UI_NOW, site->in[i], column, -1, &t);
            assert_int_equal(t.n_ranked, ranked);
            assert_int_equal(t.n_dropped, gone);
            if (isnan(site->score[i])) continue;
            assert_true(t.rank >= 1 && t.rank <= ranked && !seen[t.rank]);
            seen[t.rank] = true;
            assert_int_equal(order[t.rank - 1], i);
            assert_int_equal(t.rank <= gone, site->round[i] >= 0);
            if (site->n_rounds == 1) { /* one round: the cut lies between the two scores that are told */
                if (site->round[i] >= 0) assert_true(t.highest_go ? t.score >= t.last_dropped : t.score <= t.last_dropped);
                else assert_true(t.highest_go ? t.score <= t.first_kept : t.score >= t.first_kept);
            }
        }
        saint_trace_unref(u.plan[UI_NOW].trace);
        saint_session_close(s);
    }
}

static void neighbours_are_the_votes(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    int patches = m->grid_w * m->grid_h;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 1);
    set_params(&q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.7", "K[0]=2", NULL);
    ui u;
    look_at(&u, llava);
    u.plan[UI_NOW].settings = q.settings;
    u.plan[UI_NOW].trace = run_request(s, &q);
    saint_look *l;
    assert_ok(saint_look_open(&l, s, &q, 0, SAINT_STAGE_VIT, 0, err));
    ui_probe probe = {l, similarity, NULL};
    int votes = 0;
    for (int p = 0; p < patches; p++) {
        ui_token t;
        ui_token_look(&u, UI_NOW, p, 0, -1, &t);
        ui_token_probe(&t, 0, m->vit_prefix, patches, &probe);
        if (t.at % 2 == 0) {
            assert_int_equal(t.votes, t.n_above);
            assert_int_equal(t.votes_needed, 2);
            votes += t.votes;
        } else assert_int_equal(t.votes, -1);
        for (int i = 1; i < t.n_near; i++) assert_true(t.near[i - 1].similarity >= t.near[i].similarity);
        for (int i = 0; i < t.n_near; i++) assert_true(t.near[i].patch != p && (t.near[i].patch & 1) != (t.at & 1)); /* the first site: place = patch */
        int above = 0;
        for (int i = 0; i < t.n_near; i++) above += t.near[i].similarity >= 0.7f;
        assert_int_equal(above, t.n_above < UI_NEAR_MOST ? t.n_above : UI_NEAR_MOST);
    }
    assert_true(votes > 0);
    saint_look_close(l);
    saint_trace_unref(u.plan[UI_NOW].trace);
    saint_session_close(s);
}

static void the_living_are_told_when_they_die(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 0);
    saint_request q = plain_request(llava, 1);
    set_params(&q.settings, "prune_mode[1]=grid", "keep_num[1]=50", "llm_prune_mode[2]=random", "llm_keep_num[2]=20", NULL);
    ui u;
    look_at(&u, llava);
    ui_token t;
    u.plan[UI_NOW].settings = q.settings;
    ui_token_look(&u, UI_NOW, 5, 1, -1, &t);
    assert_int_equal(t.fate, UI_FATE_UNKNOWN);
    u.plan[UI_NOW].trace = run_request(s, &q);
    const saint_trace_site *first = u.plan[UI_NOW].trace->image[0].history.site[0], *second = u.plan[UI_NOW].trace->image[0].history.site[1];
    int vit = u.cursor.n_vit, cases = 0;
    for (int i = 0; i < second->n_in; i++) {
        int p = second->in[i];
        ui_token_look(&u, UI_NOW, p, 0, -1, &t); /* before any site */
        assert_int_equal(t.fate, UI_FATE_ALIVE);
        assert_int_equal(t.column, -1);
        assert_int_equal(t.dies, second->round[i] >= 0 ? vit + 2 : -1);
        ui_token_look(&u, UI_NOW, p, vit, -1, &t); /* between the two: the first has let it pass */
        assert_int_equal(t.fate, UI_FATE_ALIVE);
        assert_int_equal(t.column, 1);
        assert_ptr_equal(t.site, first);
        cases += second->round[i] >= 0;
    }
    assert_true(cases > 5);
    ui_token_look(&u, UI_NOW, -1, 0, -1, &t);
    assert_int_equal(t.fate, UI_FATE_UNKNOWN);
    ui_token_look(&u, UI_NOW, 100000, 0, -1, &t);
    assert_int_equal(t.fate, UI_FATE_UNKNOWN);
    saint_trace_unref(u.plan[UI_NOW].trace);
    saint_session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fates_and_hints_hold_in_runs),
        cmocka_unit_test(ranks_are_the_order_of_the_scores),
        cmocka_unit_test(neighbours_are_the_votes),
        cmocka_unit_test(the_living_are_told_when_they_die),
    };
    return run_tiny_group("ui_microscope", tests, sizeof tests / sizeof *tests);
}
