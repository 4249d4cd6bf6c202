/* CSV, JSON lines, Markdown and LaTeX: what goes in comes out again, whatever it is made of. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include <math.h>

#include "export/export.h"
#include "export/json_text.h"
#include "formats/json.h"
#include "support/random.h"
#include "support/sweep_sample.h"

static const export_options all_columns = {.timing = true}, no_timing = {.timing = false};

static sweep_data *sample(sweep_sample_kind kind)
{
    sweep_data *s;
    assert_ok(sweep_sample_make(data_folder, kind, &s, err));
    return s;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = strdup(with);
    assert_non_null(*text);
}

/* Bytes that a format might stumble over more often than chance has it; no 0, because texts end there. */
static void random_text(uint64_t *rng, char *out, size_t most)
{
    static const char *const awkward[] = {"\"",
                                          ",",
                                          "\n",
                                          "\r\n",
                                          "'",
                                          "=",
                                          "+1",
                                          "-1",
                                          "@",
                                          "\t",
                                          "\\",
                                          "{",
                                          "$",
                                          "|",
                                          "&",
                                          "%",
                                          "\xc3\xa4",
                                          "\xef\xbc\x9d",
                                          "\xf0\x9f\x90\x95",
                                          "\xff",
                                          "\xc3",
                                          "\x1f",
                                          "\x7f",
                                          ""};
    size_t n = 0, words = test_random_bits(rng) % 8;
    for (size_t i = 0; i < words; i++) {
        uint64_t k = test_random_bits(rng) % 40;
        char own[2] = {(char)(1 + test_random_bits(rng) % 255), 0};
        const char *word = k < sizeof awkward / sizeof *awkward ? awkward[k] : own;
        if (n + strlen(word) >= most) break;
        n += (size_t)sprintf(out + n, "%s", word);
    }
    out[n] = 0;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------- */

static void numbers_read_back_and_are_short(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } known[] = {{0, "0"},
                 {-0.0, "0"},
                 {0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {1e22, "1e+22"},
                 {5e-324, "4.94065645841247e-324"},
                 {100, "100"},
                 {-7, "-7"},
                 {1e15, "1000000000000000"},
                 {0.3, "0.3"},
                 {2.5e-7, "2.5e-07"},
                 {1.7976931348623157e308, "1.797693134862316e+308"}};
    text_buf t = {0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        text_clear(&t);
        text_number(&t, known[i].x);
        assert_true(strtod(t.p, NULL) == known[i].x);
        if (known[i].x != 1.7976931348623157e308) assert_string_equal(t.p, known[i].text);
    }
    uint64_t rng = 4;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = test_random_bits(&rng);
        uint32_t half = (uint32_t)test_random_bits(&rng);
        double x;
        float f;
        memcpy(&x, &bits, sizeof x);
        memcpy(&f, &half, sizeof f);
        text_clear(&t);
        if (isfinite(x)) text_number(&t, x);
        if (isfinite(x)) assert_true(strtod(t.p, NULL) == x);
        text_clear(&t);
        if (isfinite(f)) text_single(&t, f);
        if (isfinite(f)) assert_true(strtof(t.p, NULL) == f);
        /* decimals of few digits keep them */
        char few[40];
        double y = (double)(int64_t)(bits % 2000001 - 1000000) / 1000;
        snprintf(few, sizeof few, "%.15g", y);
        text_clear(&t);
        text_number(&t, y);
        assert_string_equal(t.p, y == 0 ? "0" : few);
    }
    text_free(&t);
}

/* ---- CSV ------------------------------------------------------------------------------------------------------------------ */

/* RFC 4180 as its grammar has it, nothing more: rows end in LF, a cell with quotes around may hold everything. */
typedef struct {
    char *cell[400];
    int n;
} csv_row;

static const char *read_row(const char *p, csv_row *row)
{
    row->n = 0;
    for (;; p++) {
        text_buf cell = {0};
        text_put(&cell, "");
        if (*p == '"') {
            for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
                p += *p == '"';
                text_char(&cell, *p);
            }
            assert_true(*p++ == '"');
        } else {
            for (; *p != ',' && *p != '\n'; p++) {
                assert_true(*p && *p != '"' && *p != '\r');
                text_char(&cell, *p);
            }
        }
        assert_true(row->n < 400);
        row->cell[row->n++] = cell.p;
        if (*p == '\n') return p + 1;
        assert_true(*p == ',');
    }
}

static void free_row(csv_row *row)
{
    for (int i = 0; i < row->n; i++) free(row->cell[i]);
}

/* The text behind a cell: export.h says how. */
static const char *unguarded(const char *cell) { return cell[0] == '\'' ? cell + 1 : cell; }

static bool plain_number(const char *text) { return *text && strspn(text, "+-.0123456789eE") == strlen(text); }

static bool would_run(const char *cell)
{
    if (plain_number(cell)) return false;
    return strchr("=+-@\t\r", cell[0] ? cell[0] : 'x') || strncmp(cell, "\xef\xbc\x9d", 3) == 0 || strncmp(cell, "\xef\xbc\x8b", 3) == 0 ||
           strncmp(cell, "\xef\xbc\x8d", 3) == 0 || strncmp(cell, "\xef\xbc\xa0", 3) == 0;
}

static void compare_csv(table *t, const char *p)
{
    csv_row row;
    p = read_row(p, &row);
    assert_int_equal(row.n, table_columns(t));
    for (int c = 0; c < row.n; c++) assert_string_equal(unguarded(row.cell[c]), table_column_at(t, c)->name);
    free_row(&row);
    for (size_t i = 0; i < table_rows(t); i++) {
        p = read_row(p, &row);
        assert_int_equal(row.n, table_columns(t));
        for (int c = 0; c < row.n; c++) {
            table_cell cell = table_get(t, i, c);
            if (would_run(row.cell[c])) fail_msg("a spreadsheet would run: %s", row.cell[c]);
            if (cell.kind == CELL_EMPTY) assert_string_equal(row.cell[c], "");
            else if (cell.kind == CELL_TEXT) assert_string_equal(unguarded(row.cell[c]), cell.text);
            else if (cell.kind == CELL_SINGLE) assert_true(strtof(row.cell[c], NULL) == (float)cell.number);
            else assert_true(strtod(row.cell[c], NULL) == cell.number);
        }
        free_row(&row);
    }
    assert_string_equal(p, "");
}

static void csv_gives_every_text_back(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_MANIFEST);
    uint64_t rng = 11;
    for (int round = 0; round < 60; round++) {
        char text[256];
        table *t;
        text_buf out = {0};
        for (int i = 0; i < s->n_trials; i++) {
            random_text(&rng, text, sizeof text);
            replace(&s->trial[i].trial.name, text);
            for (size_t k = 0; k < s->n_samples; k++) {
                eval_result *e = (eval_result *)(uintptr_t)s->trial[i].result[k];
                random_text(&rng, text, sizeof text);
                if (e) replace(e->state == EVAL_OK ? &e->output : &e->error, text);
            }
        }
        assert_ok(table_samples(s, &t, err));
        export_csv(t, &all_columns, &out);
        assert_ok(text_status(&out, "csv", err));
        compare_csv(t, out.p);
        table_free(t);
        text_clear(&out);
        assert_ok(table_trials(s, &t, err));
        export_csv(t, &all_columns, &out);
        compare_csv(t, out.p);
        text_free(&out);
        table_free(t);
    }
    sweep_sample_free(s);
}

static void csv_of(sweep_data *s, const char *name, char *out, size_t size)
{
    table *t;
    text_buf csv = {0};
    csv_row row;
    replace(&s->trial[1].trial.name, name);
    assert_ok(table_trials(s, &t, err));
    export_csv(t, &all_columns, &csv);
    const char *p = csv.p;
    for (int i = 0; i < 3; i++) {
        p = read_row(p, &row);
        if (i == 2) snprintf(out, size, "%s", row.cell[table_find(t, "name")]);
        free_row(&row);
    }
    text_free(&csv);
    table_free(t);
}

static void formulas_stay_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"=1+1", "'=1+1"},
                                           {"@SUM(A1)", "'@SUM(A1)"},
                                           {"+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"},
                                           {"-2+3", "'-2+3"},
                                           {"-2.5", "-2.5"},
                                           {"+3e4", "+3e4"},
                                           {"-", "'-"},
                                           {"'quoted'", "''quoted'"},
                                           {"a=b", "a=b"},
                                           {"\xef\xbc\x9d"
                                            "1",
                                            "'\xef\xbc\x9d"
                                            "1"},
                                           {"\xc3\xa4", "\xc3\xa4"},
                                           {"\tx", "'\tx"},
                                           {"-inf", "'-inf"},
                                           {"plain", "plain"}};
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    char cell[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        csv_of(s, cases[i][0], cell, sizeof cell);
        assert_string_equal(cell, cases[i][1]);
    }
    sweep_sample_free(s);
}

/* Columns that vary are gone and nothing else is; so two runs of one sweep can be compared byte for byte. */
static void without_times_nothing_varies(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    for (int kind = 0; kind < 2; kind++) {
        table *t;
        text_buf out = {0}, json = {0};
        csv_row row;
        assert_ok((kind ? table_samples : table_trials)(s, &t, err));
        export_csv(t, &no_timing, &out);
        export_jsonl(t, &no_timing, &json);
        read_row(out.p, &row);
        int n = 0;
        for (int c = 0; c < table_columns(t); c++) {
            char key[128];
            snprintf(key, sizeof key, "\"%s\":", table_column_at(t, c)->name);
            if (table_column_at(t, c)->flags & COLUMN_VARIES) assert_null(strstr(json.p, key));
            else assert_string_equal(row.cell[n++], table_column_at(t, c)->name);
        }
        assert_int_equal(n, row.n);
        free_row(&row);
        text_free(&out);
        text_free(&json);
        table_free(t);
    }
    sweep_sample_free(s);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------ */

static void json_lines_hold_the_same(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_MANIFEST);
    uint64_t rng = 5;
    char text[256];
    for (int i = 0; i < s->n_trials; i++)
        for (size_t k = 0; k < s->n_samples; k++) {
            eval_result *e = (eval_result *)(uintptr_t)s->trial[i].result[k];
            random_text(&rng, text, sizeof text);
            if (e && e->output) replace(&e->output, text);
        }
    table *t;
    text_buf out = {0};
    assert_ok(table_samples(s, &t, err));
    export_jsonl(t, &all_columns, &out);
    char *p = out.p;
    for (size_t row = 0; row < table_rows(t); row++) {
        char *end = strchr(p, '\n');
        cJSON *c;
        assert_non_null(end);
        assert_ok(saint_json_parse(p, (size_t)(end - p), 1 << 20, "line", &c, err)); /* checks its UTF-8 too */
        int n = 0;
        for (int i = 0; i < table_columns(t); i++) {
            table_cell cell = table_get(t, row, i);
            const cJSON *v = cJSON_GetObjectItemCaseSensitive(c, table_column_at(t, i)->name);
            assert_int_equal(v != NULL, cell.kind != CELL_EMPTY);
            n += v != NULL;
            if (cell.kind == CELL_TEXT) assert_string_equal(v->valuestring, cell.text);
            else if (cell.kind == CELL_BOOL) assert_int_equal(cJSON_IsTrue(v), cell.number != 0);
            else if (cell.kind == CELL_SINGLE) assert_true((float)v->valuedouble == (float)cell.number);
            else if (v) assert_true(v->valuedouble == cell.number);
        }
        assert_int_equal(cJSON_GetArraySize(c), n);
        cJSON_Delete(c);
        p = end + 1;
    }
    assert_string_equal(p, "");
    text_free(&out);
    table_free(t);
    sweep_sample_free(s);
}

static void json_texts_survive_any_bytes(void **state)
{
    (void)state;
    uint64_t rng = 99;
    text_buf t = {0};
    json_number(&t, NAN);
    assert_string_equal(t.p, "null");
    for (int i = 0; i < 20000; i++) {
        char text[128];
        text_buf clean = {0};
        cJSON *c;
        random_text(&rng, text, sizeof text);
        text_clear(&t);
        text_put(&clean, "");
        text_utf8(&clean, text);
        json_text(&t, text);
        assert_ok(saint_json_parse(t.p, t.n, 1 << 16, "text", &c, err));
        assert_string_equal(c->valuestring, clean.p);
        cJSON_Delete(c);
        text_free(&clean);
    }
    text_free(&t);
}

/* ---- tables for papers ------------------------------------------------------------------------------------------------------- */

/* Every special character that is not ours is escaped; braces and dollars pair up. */
static void check_latex_text(const char *p)
{
    int depth = 0, math = 0;
    for (; *p; p++) {
        if ((*p == '%' && p[1] == ' ') || strncmp(p, "\\ifdim", 6) == 0) { /* our own first line, and the one that fits the table in */
            p = strchr(p, '\n');
            continue;
        }
        if (*p == '\\') {
            if (strchr("\\{}$&#%_~^", p[1])) p++;
            continue;
        }
        depth += (*p == '{') - (*p == '}');
        math ^= *p == '$';
        assert_true(depth >= 0);
        if (strchr("#%~^_\"'`|", *p) || (unsigned char)*p < 10 || *p == 127) fail_msg("unescaped: %.30s", p);
        if ((*p == '<' || *p == '>') && !math) fail_msg("unescaped: %.30s", p);
    }
    assert_true(depth == 0 && math == 0);
}

static void latex_prints_what_stands_there(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    uint64_t rng = 3;
    static const char hostile[] = "\\input{/etc/passwd} $x$ 5% a_b #1 ~^ {} \"q\" 'r' `s` <t> [u] | -- \\\\";
    for (int round = 0; round < 200; round++) {
        char name[256];
        table *t;
        text_buf out = {0};
        if (round == 0) snprintf(name, sizeof name, "%s", hostile);
        else random_text(&rng, name, sizeof name);
        replace(&s->trial[round % s->n_trials].trial.name, name);
        replace(&s->model, name);
        assert_ok(table_trials(s, &t, err));
        export_latex(t, &all_columns, &out);
        check_latex_text(out.p);
        /* a line of values for every row, and one of intervals below those that have any: all of the same number of cells */
        const char *line = strchr(strstr(out.p, "\\midrule"), '\n') + 1, *end = strstr(out.p, "\\bottomrule");
        int values = 0, intervals = 0, cells = -1;
        for (; line < end; line = strchr(line, '\n') + 1) {
            int n = 0;
            for (const char *p = line; *p != '\n'; p++) n += *p == '&' && p[-1] == ' ' && p[1] == ' ';
            if (cells < 0) cells = n;
            assert_int_equal(n, cells);
            if (memmem(line, (size_t)(strchr(line, '\n') - line), "{\\tiny $[", 9)) intervals++;
            else values++;
        }
        assert_int_equal(values, table_rows(t));
        assert_int_equal(intervals, SWEEP_SAMPLE_TRIALS - 1); /* one has not begun */
        if (round == 0) assert_non_null(strstr(out.p, "\\textbackslash{}input\\{/etc/passwd\\} \\$x\\$ 5\\% a\\_b \\#1"));
        text_free(&out);
        table_free(t);
    }
    sweep_sample_free(s);
}

static void markdown_keeps_its_columns(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    uint64_t rng = 8;
    for (int round = 0; round < 200; round++) {
        char name[256];
        table *t;
        text_buf out = {0};
        random_text(&rng, name, sizeof name);
        replace(&s->trial[round % s->n_trials].trial.name, name);
        assert_ok(table_trials(s, &t, err));
        export_markdown(t, &all_columns, &out);
        int columns = -1, lines = 0;
        for (const char *p = out.p; *p == '|'; lines++) {
            int bars = 0;
            for (; *p != '\n'; p++) {
                if (*p == '\\') p++;
                else bars += *p == '|';
            }
            if (columns < 0) columns = bars;
            assert_int_equal(bars, columns);
            p++;
        }
        assert_int_equal(lines, SWEEP_SAMPLE_TRIALS + 2);
        text_free(&out);
        table_free(t);
    }
    sweep_sample_free(s);
}

/* Whatever a name holds, numbers stand below each other, and nothing is wider than the terminal as long as columns can be left out. */
static void plain_tables_stand_in_columns(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    uint64_t rng = 9;
    for (int round = 0; round < 200; round++) {
        char name[256];
        table *t;
        text_buf out = {0};
        random_text(&rng, name, sizeof name);
        replace(&s->trial[round % s->n_trials].trial.name, name);
        assert_ok(table_trials(s, &t, err));
        const int width = round % 2 ? 60 + round % 120 : 0;
        export_plain(t, &all_columns, width, &out);
        int lines = 0;
        for (const char *p = out.p; *p && *p != '\n'; p += strcspn(p, "\n") + 1, lines++) {
            int letters = 0;
            for (const char *q = p; *q != '\n'; q += text_character(q) ? text_character(q) : 1) {
                letters++;
                assert_true((unsigned char)*q >= 0x20 && *q != 0x7f);
            }
            if (width >= 110 && letters > width) fail_msg("%d characters in %d: %.*s", letters, width, letters, p);
        }
        if (lines <= SWEEP_SAMPLE_TRIALS || lines > SWEEP_SAMPLE_TRIALS + 4) fail_msg("%d lines: %s", lines, out.p);
        text_free(&out);
        table_free(t);
    }
    sweep_sample_free(s);
}

static void plain_tables_leave_out_what_matters_least(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    table *t;
    text_buf wide = {0}, narrow = {0}, pair = {0};
    filter *f;
    assert_ok(table_trials(s, &t, err));
    assert_ok(filter_parse("ordinal==4 || ordinal==9", t, &f, err));
    export_plain(t, &(export_options){.timing = true, .where = f}, 80, &pair);
    assert_non_null(strstr(pair.p, "\n    random twin "));
    filter_free(f);
    text_free(&pair);
    export_plain(t, &all_columns, 0, &wide);
    export_plain(t, &all_columns, 80, &narrow);
    assert_non_null(strstr(wide.p, "(GFLOP)"));
    assert_null(strstr(narrow.p, "(GFLOP)"));
    assert_non_null(strstr(narrow.p, "accuracy"));
    assert_non_null(strstr(narrow.p, "\n  random twin of keep_num=73 ")); /* which stands elsewhere */
    assert_non_null(strstr(narrow.p, "with a *"));
    text_free(&wide);
    text_free(&narrow);
    table_free(t);
    sweep_sample_free(s);
}

static void papers_show_numbers_with_their_intervals(void **state)
{
    (void)state;
    sweep_data *s = sample(SWEEP_SAMPLE_SCENES);
    table *t;
    text_buf out = {0};
    filter *f;
    assert_ok(table_trials(s, &t, err));
    assert_ok(filter_parse("ordinal==3 || ordinal==0", t, &f, err));
    export_markdown(t, &(export_options){.timing = false, .where = f}, &out);
    const char *row = strstr(out.p, "keep\\_num=145");
    assert_non_null(row);
    char want[128];
    const eval_summary *m = &s->trial[3].summary;
    snprintf(want, sizeof want, "**%.1f** \\[%.1f, %.1f\\]", 100 * m->main.value, 100 * m->main.low, 100 * m->main.high);
    assert_non_null(strstr(row, want));
    assert_null(strstr(out.p, "latency"));
    assert_null(strstr(out.p, "keep\\_num=433"));
    assert_non_null(strstr(out.p, "NOT COMPLETE: 228 of 240 runs"));
    text_clear(&out);
    export_markdown(t, &(export_options){.timing = true, .where = f}, &out);
    assert_non_null(strstr(out.p, "latency (ms)"));
    filter_free(f);
    text_free(&out);
    table_free(t);
    sweep_sample_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_read_back_and_are_short),
        cmocka_unit_test(csv_gives_every_text_back),
        cmocka_unit_test(formulas_stay_text),
        cmocka_unit_test(without_times_nothing_varies),
        cmocka_unit_test(json_lines_hold_the_same),
        cmocka_unit_test(json_texts_survive_any_bytes),
        cmocka_unit_test(latex_prints_what_stands_there),
        cmocka_unit_test(markdown_keeps_its_columns),
        cmocka_unit_test(plain_tables_stand_in_columns),
        cmocka_unit_test(plain_tables_leave_out_what_matters_least),
        cmocka_unit_test(papers_show_numbers_with_their_intervals),
    };
    return cmocka_run_group_tests_name("export text", tests, data_make, data_remove);
}
