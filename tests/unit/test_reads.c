/* Who sets what nobody reads is told, and nobody else. */
#include "support/tiny.h"

#include "reads.h"

/* One line for each row: what is set, and whether the last of it is read. */
static const struct {
    const char *set[4];
    bool read;
} rows[] = {
    {{"saint_threshold=0.5"}, false},                          /* mode none */
    {{"mode=llm", "saint_threshold=0.5"}, true},
    {{"mode=llm", "sim_threshold=0.5"}, false},                /* of the other stage */
    {{"prune_mode[1]=saint_drop", "sim_threshold[1]=0.5"}, true},
    {{"prune_mode[1]=saint_drop", "sim_threshold[0]=0.5"}, false}, /* of a layer that prunes nothing */
    {{"prune_mode[1]=saint_drop", "sim_threshold[0,1]=0.5"}, true},
    {{"prune_mode[1]=saint_drop", "sim_threshold[40]=0.5"}, false}, /* of a layer that there is not */
    {{"prune_mode[1]=saint_drop", "keep_num=9"}, false},       /* a method that counts for itself */
    {{"prune_mode[1]=random", "keep_num=9"}, true},
    {{"prune_mode[1]=random", "seed=9"}, true},
    {{"prune_mode[1]=random", "keep_num=-1", "keep_ratio=0.5"}, true},
    {{"prune_mode[1]=random", "keep_ratio=0.5"}, false},       /* keep_num has a value of its own */
    {{"mode=vit"}, false},                                     /* but no layer has a method */
    {{"mode=none"}, true},                                     /* which is no mistake */
    {{"mode=llm", "prune_mode[1]=saint_drop"}, false},         /* the mode was chosen, and it is another one */
    {{"mode=llm", "prune_mode=none"}, true},
    {{"mode=vit", "prune_mode[1]=saint_drop", "use_saint=true"}, false},
    {{"mode=vit", "prune_mode[1]=saint_drop", "use_saint=false"}, true},
    {{"mode=llm", "saint_sys_length=5"}, true},
    {{"compat.overwrite_r=true"}, true},                       /* flags may be set for nothing */
};

static void what_nobody_reads_is_told(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        saint_settings s;
        saint_notes notes = {0};
        const char *last = NULL;
        saint_settings_default(&s);
        for (size_t k = 0; k < 4 && rows[i].set[k]; k++) assert_ok(saint_settings_assign(&s, last = rows[i].set[k], err));
        if (assignment_read(last, &s, m) != rows[i].read) fail_msg("row %zu: %s", i, last);
        note_unread(last, &s, m, &notes);
        assert_int_equal(notes.n, !rows[i].read);
        if (notes.n) assert_int_equal(strncmp(notes.text[0], last, strcspn(last, "=")), 0);
    }
}

static void the_reason_says_how_to_mend(void **state)
{
    (void)state;
    saint_settings s;
    saint_notes notes = {0};
    saint_settings_default(&s);
    assert_ok(saint_settings_assign(&s, "K=4", err));
    note_unread("K=4", &s, saint_model_get_info(llava), &notes);
    assert_non_null(strstr(notes.text[0], "no layer prunes"));
    assert_ok(saint_settings_assign(&s, "prune_mode[0]=random", err));
    note_unread("K=4", &s, saint_model_get_info(llava), &notes);
    assert_int_equal(notes.n, 2);
    assert_non_null(strstr(notes.text[1], "no method that prunes here reads it"));
    note_unread("keep_ratio[0]=0.5", &s, saint_model_get_info(llava), &notes);
    assert_non_null(strstr(notes.text[2], "--set 'keep_num[0]=-1'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_nobody_reads_is_told), cmocka_unit_test(the_reason_says_how_to_mend)};
    return run_tiny_group("reads", tests, sizeof tests / sizeof *tests);
}
