/* What a sweep is asked to try: the grammar of --grid, SPEC.json, and the points they mean. */
#include "support/test.h"

#include <math.h>

#include "sweep/spec.h"

static sweep_spec spec;

static int begin(void **state)
{
    (void)state;
    sweep_spec_init(&spec);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sweep_spec_free(&spec);
    return 0;
}

static void grid(const char *text) { assert_ok(sweep_spec_grid(&spec, text, err)); }

static void values_are(const char *key, const char *const *want)
{
    size_t n = 0;
    const sweep_axis *a = NULL;
    for (size_t i = 0; i < spec.n_axes; i++)
        if (strcmp(spec.axis[i].key, key) == 0) a = &spec.axis[i];
    if (!a) fail_msg("no axis %s", key);
    for (; want[n]; n++) {
        if (n >= a->value.n) fail_msg("%s: expected %s, found no more values", key, want[n]);
        assert_string_equal(a->value.text[n], want[n]);
    }
    assert_int_equal(a->value.n, n);
}
#define VALUES(key, ...) values_are(key, (const char *const[]){__VA_ARGS__, NULL})

static void refused(saint_status s, const saint_error *e, const char *words)
{
    assert_int_not_equal(s, SAINT_OK);
    assert_null(strchr(e->text, '\n'));
    if (!strstr(e->text, words)) fail_msg("expected \"%s\" in: %s", words, e->text);
}

static void grid_refused(const char *text, const char *words)
{
    saint_error e = {0};
    sweep_spec s;
    sweep_spec_init(&s);
    saint_status st = sweep_spec_grid(&s, text, &e);
    if (st == SAINT_OK) st = sweep_spec_finish(&s, &e);
    if (st == SAINT_OK) fail_msg("%s was accepted", text);
    refused(st, &e, words);
    sweep_spec_free(&s);
}

static void grammar_of_values(void **state)
{
    (void)state;
    grid("saint_threshold=0.6,0.70,0.7,0.8");
    VALUES("saint_threshold", "0.6", "0.7", "0.8"); /* 0.70 is 0.7 */
    grid("keep_num=96:144:16");
    VALUES("keep_num", "96", "112", "128", "144");
    grid("sim_threshold=0.1:0.5:0.1"); /* no 0.30000000000000004 */
    VALUES("sim_threshold", "0.1", "0.2", "0.3", "0.4", "0.5");
    grid("saint_gamma=0.5:0.1:-0.2");
    VALUES("saint_gamma", "0.5", "0.3", "0.1");
    grid("r=2:32*2");
    VALUES("r", "2", "4", "8", "16", "32");
    grid("gamma=8:1*0.5");
    VALUES("gamma", "8", "4", "2", "1");
    grid("prune_mode[3-7,9]=saint_drop,None");
    VALUES("prune_mode[3-7,9]", "saint_drop", "None");
    grid("llm_seed=18446744073709551615,3"); /* more than a double holds */
    VALUES("llm_seed", "18446744073709551615", "3");
    grid("mode=llm,hybrid");
    VALUES("mode", "llm", "hybrid");
    grid("keep_num=5"); /* the last word counts */
    VALUES("keep_num", "5");
    assert_ok(sweep_spec_finish(&spec, err));
}

static void axes_act_in_the_order_of_the_table(void **state)
{
    (void)state;
    static const char *const want[] = {"preset", "compat", "mode", "keep_num", "keep_num[3]", "saint_end"};
    grid("saint_end=3");
    grid("keep_num[3]=4");
    grid("keep_num=5");
    grid("compat=reference");
    grid("mode=vit");
    grid("preset=hybrid");
    assert_ok(sweep_spec_finish(&spec, err));
    for (size_t i = 0; i < 6; i++) assert_string_equal(spec.axis[i].key, want[i]);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    grid_refused("keep_nun=3", "nearest is keep_num");
    grid_refused("keep_num", "key=values");
    grid_refused("=3", "key=values");
    grid_refused("keep_num=", "between the commas");
    grid_refused("keep_num=3,,4", "between the commas");
    grid_refused("keep_num=3.5", "whole number");
    grid_refused("keep_num=-7", "-1 to 65536");
    grid_refused("prune_mode=magic", "no such method");
    grid_refused("prune_mode=None,fastv", "does not work in the ViT");
    grid_refused("preset=nope", "no such preset");
    grid_refused("mode=sideways", "none, vit, llm or hybrid");
    grid_refused("saint_start[2]=3", "one value");
    grid_refused("saint_threshold=0.9:0.5:0.1", "gets from 0.9 to 0.5");
    grid_refused("saint_threshold=0.5:0.9:0", "gets from 0.5 to 0.9");
    grid_refused("saint_threshold=0.5:0.9:0.1:2", "first:last:step");
    grid_refused("saint_threshold=0.5:x:0.1", "first:last:step");
    grid_refused("saint_threshold=0x1:0x2:1", "first:last:step");
    grid_refused("saint_threshold=nan:1:0.1", "first:last:step");
    grid_refused("saint_threshold=0.5:0.9", "a grid needs values");
    grid_refused("r=1:8*1", "gets from 1 to 8");
    grid_refused("r=0:8*2", "positive numbers");
    grid_refused("keep_num=1:65536:1", "at most 4096 values");
    grid_refused("keep_num[5-3]=3", "layers");
}

static void the_grid_is_every_combination(void **state)
{
    (void)state;
    sweep_points p;
    static const char *const want[] = {"96", "0.6", "96", "0.7", "144", "0.6", "144", "0.7"};
    grid("saint_threshold=0.6,0.7");
    grid("keep_num=96,144");
    assert_ok(sweep_spec_finish(&spec, err));
    assert_ok(sweep_points_make(&spec, &p, err));
    assert_int_equal(p.n, 4);
    assert_int_equal(p.n_keys, 2);
    assert_string_equal(p.key[0], "keep_num");
    for (size_t i = 0; i < 8; i++) assert_string_equal(p.value[i], want[i]);
    sweep_points_free(&p);
    grid("keep_num=1:4000:1");
    grid("saint_K=1:100:1");
    assert_ok(sweep_spec_finish(&spec, err));
    saint_error e = {0};
    refused(sweep_points_make(&spec, &p, &e), &e, "more than 8192 points");
}

static void parse(const char *text)
{
    cJSON *c = NULL;
    assert_ok(saint_json_parse(text, strlen(text), SWEEP_SPEC_BYTES, "spec", &c, err));
    saint_error e = {0};
    saint_status s = sweep_spec_parse(&spec, c, "spec", &e);
    cJSON_Delete(c);
    if (s != SAINT_OK) fail_msg("%s", e.text);
    assert_ok(sweep_spec_finish(&spec, err));
}

static void parse_refused(const char *text, const char *words)
{
    cJSON *c = NULL;
    saint_error e = {0};
    sweep_spec s;
    sweep_spec_init(&s);
    assert_ok(saint_json_parse(text, strlen(text), SWEEP_SPEC_BYTES, "spec", &c, err));
    saint_status st = sweep_spec_parse(&s, c, "spec", &e);
    if (st == SAINT_OK) st = sweep_spec_finish(&s, &e);
    if (st == SAINT_OK) fail_msg("%s was accepted", text);
    refused(st, &e, words);
    cJSON_Delete(c);
    sweep_spec_free(&s);
}

static void a_file_says_the_same(void **state)
{
    (void)state;
    parse("{\"name\": \"t\", \"model\": \"m\", \"data\": \"mme:x\", \"preset\": \"hybrid\", \"set\": {\"saint_K\": 5, \"use_saint\": true},"
          " \"parameters\": {\"saint_threshold\": \"0.6:0.8:0.1\", \"keep_num[3-7]\": [96, \"144\"], \"mode\": \"llm\"},"
          " \"samples\": [\"a\", \"b\"], \"limit\": 9, \"repeat\": 2, \"max_new_tokens\": 4, \"random\": false, \"early_stop\": 0.2}");
    VALUES("saint_threshold", "0.6", "0.7", "0.8");
    VALUES("keep_num[3-7]", "96", "144");
    VALUES("mode", "llm");
    assert_string_equal(spec.name, "t");
    assert_string_equal(spec.set.text[0], "saint_K=5");
    assert_string_equal(spec.set.text[1], "use_saint=true");
    assert_int_equal(spec.samples.n, 2);
    assert_int_equal(spec.limit, 9);
    assert_int_equal(spec.repeat, 2);
    assert_int_equal(spec.max_new_tokens, 4);
    assert_true(spec.no_random);
    assert_true(spec.early_stop == 0.2);
    /* and out and in again */
    cJSON *c = sweep_spec_json(&spec);
    char *text = cJSON_PrintUnformatted(c), *again;
    sweep_spec_free(&spec);
    parse(text);
    cJSON *d = sweep_spec_json(&spec);
    again = cJSON_PrintUnformatted(d);
    assert_string_equal(text, again);
    cJSON_free(text);
    cJSON_free(again);
    cJSON_Delete(c);
    cJSON_Delete(d);
}

static void mistakes_in_a_file_are_named(void **state)
{
    (void)state;
    parse_refused("[]", "expected a JSON object");
    parse_refused("{\"parametres\": {}}", "nearest is \"parameters\"");
    parse_refused("{\"name\": 3}", "name");
    parse_refused("{\"name\": \"a\", \"name\": \"b\"}", "twice");
    parse_refused("{\"parameters\": {\"keep_nun\": [3]}}", "nearest is keep_num");
    parse_refused("{\"parameters\": {\"keep_num\": []}}", "at least one value");
    parse_refused("{\"parameters\": {\"keep_num\": [[3]]}}", "short text, a number");
    parse_refused("{\"parameters\": {\"keep_num\": {\"min\": 3}}}", "\"min\" and \"max\"");
    parse_refused("{\"parameters\": {\"keep_num\": {\"min\": 3, \"max\": 5, \"logg\": true}}}", "nearest is \"log\"");
    parse_refused("{\"method\": \"gird\"}", "nearest is grid");
    parse_refused("{\"method\": \"sobol\", \"parameters\": {\"keep_num\": {\"min\": 3, \"max\": 5}}}", "count of points");
    parse_refused("{\"method\": \"sobol\", \"count\": 3}", "parameters to draw");
    parse_refused("{\"method\": \"sobol\", \"count\": 3, \"parameters\": {\"keep_num\": {\"min\": 3.5, \"max\": 5}}}", "whole numbers");
    parse_refused("{\"method\": \"lhs\", \"count\": 3, \"parameters\": {\"prune_mode\": {\"min\": 3, \"max\": 5}}}",
                  "only numbers have ranges");
    parse_refused("{\"method\": \"lhs\", \"count\": 3, \"parameters\": {\"keep_num\": {\"min\": 5, \"max\": 3}}}", "smaller one");
    parse_refused("{\"method\": \"lhs\", \"count\": 3, \"parameters\": {\"keep_num\": {\"min\": 3, \"max\": 1e9}}}", "65536");
    parse_refused("{\"method\": \"list\"}", "\"trials\"");
    parse_refused("{\"trials\": [{\"keep_num\": 3}], \"method\": \"grid\"}", "belong to method list");
    parse_refused("{\"trials\": [{\"keep_num\": 3}], \"method\": \"list\", \"parameters\": {\"r\": 3}}", "use method grid");
    parse_refused("{\"trials\": [{\"keep_num\": true}]}", "keep_num");
    parse_refused("{\"trials\": [3]}", "object of parameters");
    parse_refused("{\"count\": 3}", "belongs to random, lhs and sobol");
    parse_refused("{\"seed\": -1}", "2^53");
    parse_refused("{\"early_stop\": 2}", "0 to 1");
    parse_refused("{\"repeat\": 0}", "repeat");
}

static void lists_may_leave_keys_out(void **state)
{
    (void)state;
    sweep_points p;
    parse("{\"trials\": [{\"saint_threshold\": 0.8}, {\"keep_num\": 96, \"saint_threshold\": 0.7}, {}]}");
    assert_int_equal(spec.method, SWEEP_LIST);
    assert_ok(sweep_points_make(&spec, &p, err));
    assert_int_equal(p.n, 3);
    assert_int_equal(p.n_keys, 2);
    assert_string_equal(p.key[0], "keep_num");
    assert_null(p.value[0]);
    assert_string_equal(p.value[1], "0.8");
    assert_string_equal(p.value[2], "96");
    assert_null(p.value[4]);
    sweep_points_free(&p);
}

static void drawn_points_lie_in_their_ranges(void **state)
{
    (void)state;
    static const char *const methods[] = {"random", "lhs", "sobol"};
    for (int m = 0; m < 3; m++) {
        sweep_points p, longer;
        bool seen[8] = {0}, low = false, high = false;
        sweep_spec_free(&spec);
        assert_ok(sweep_spec_method(&spec, methods[m], "test", err));
        spec.count = 64;
        spec.seed = 7;
        grid("saint_threshold=0.5:0.9");
        grid("saint_K=3:10"); /* eight whole numbers, both ends included */
        grid("saint_gamma=0.01:100:log");
        grid("llm_prune_mode=saint_drop,random");
        assert_ok(sweep_spec_finish(&spec, err));
        assert_ok(sweep_points_make(&spec, &p, err));
        assert_int_equal(p.n, 64);
        int below = 0;
        for (size_t i = 0; i < p.n; i++) {
            double t = strtod(p.value[4 * i + 1], NULL), k = strtod(p.value[4 * i + 2], NULL), g = strtod(p.value[4 * i + 3], NULL);
            assert_string_equal(p.key[1], "saint_threshold");
            assert_true(t >= 0.5 && t <= 0.9 && k >= 3 && k <= 10 && k == floor(k) && g >= 0.01 && g <= 100);
            seen[(int)k - 3] = true;
            low |= t < 0.55;
            high |= t > 0.85;
            below += g < 1; /* half of four decades */
        }
        for (int k = 0; k < 8; k++) assert_true(seen[k]);
        assert_true(low && high);
        assert_in_range(below, 20, 44);
        spec.count = 65; /* more points extend random and sobol */
        assert_ok(sweep_points_make(&spec, &longer, err));
        if (m != 1)
            for (size_t i = 0; i < 4 * p.n; i++) assert_string_equal(p.value[i], longer.value[i]);
        sweep_points_free(&p);
        sweep_points_free(&longer);
    }
}

static void numbers_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } v[] = {{0.1, "0.1"}, {1000, "1000"}, {-3, "-3"}, {1.0 / 3, "0.3333333333333333"}, {1e300, "1e+300"}, {0.83, "0.83"}, {0, "0"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[32];
        sweep_number(v[i].x, text, sizeof text);
        assert_string_equal(text, v[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grammar_of_values, begin, end),
        cmocka_unit_test_setup_teardown(axes_act_in_the_order_of_the_table, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, begin, end),
        cmocka_unit_test_setup_teardown(the_grid_is_every_combination, begin, end),
        cmocka_unit_test_setup_teardown(a_file_says_the_same, begin, end),
        cmocka_unit_test_setup_teardown(mistakes_in_a_file_are_named, begin, end),
        cmocka_unit_test_setup_teardown(lists_may_leave_keys_out, begin, end),
        cmocka_unit_test_setup_teardown(drawn_points_lie_in_their_ranges, begin, end),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
