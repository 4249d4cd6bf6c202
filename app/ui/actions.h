/* actions.h - the table of actions.def as data: found by name, by key, listed for footer, help and palette. */
#ifndef SAINT_APP_UI_ACTIONS_H
#define SAINT_APP_UI_ACTIONS_H

#include "ui/ui.h"

/* Where a key acts: on these pages, with the focus on one of these panes. */
enum {
    UI_ON_ALL = 0,
#define X(name, title) UI_ON_##name = 1 << SAINT_UI_PAGE_##name,
    SAINT_UI_PAGE_MAP(X)
#undef X
    UI_AT_SHIFT = 8,
#define X(name) UI_AT_##name = 1 << (UI_AT_SHIFT + SAINT_UI_PANE_##name),
    X(STRIP) X(IMAGE) X(IMAGE_B) X(PARAMS) X(FACTS) X(TOKEN) X(CHART) X(CHART_B) X(BARS) X(STACKS) X(NOTES) X(PROGRESS) X(RUNS) X(LOG)
#undef X
    UI_ON_PAGES = (1 << SAINT_UI_PAGE_COUNT) - 1
};

typedef enum {
#define A(id, name, keys, where, weight, label, group, words, doc) UI_ACTION_##id,
#include "ui/actions.def"
#undef A
    UI_ACTION_COUNT
} ui_action_id;

#define A(id, name, keys, where, weight, label, group, words, doc) void ui_do_##id(ui *u, const char *argument);
#include "ui/actions.def"
#undef A

typedef struct {
    const char *name, *keys;
    unsigned where;
    int weight;
    const char *label, *group, *argument, *doc;
    void (*perform)(ui *u, const char *argument);
} ui_action;

const ui_action *ui_action_at(int id); /* NULL past the end */
/* By its full name, or by a beginning that no other one has; NULL. bytes: length of name. */
const ui_action *ui_action_find(const char *name, size_t bytes);
bool ui_action_acts(const ui_action *a, saint_ui_page page, saint_ui_pane_id focus);

/* One key of a row: the event that it is, and the argument behind '='. Reads from *keys on; false at the end. A row that cannot be read
 * gives kind SAINT_UI_NOTHING. */
bool ui_action_key(const char **keys, saint_ui_event *e, char *argument, size_t size);
/* The action of a key in this place and its argument; NULL: none. */
const ui_action *ui_action_of_key(const saint_ui_event *e, saint_ui_page page, saint_ui_pane_id focus, char *argument, size_t size);

/* Why it is not possible now, NULL = it is (reasons.c). */
const char *ui_reason(const ui *u, const ui_action *a);

/* Rows for views/lists.h, all of them or those that act here; key[i] holds the text of keys. Returns how many. */
enum { UI_KEY_TEXT = 24 };
int ui_action_list(const ui *u, bool here, saint_ui_action out[UI_ACTION_COUNT], char key[UI_ACTION_COUNT][UI_KEY_TEXT]);

#endif
