#include "ui/actions.h"

#include <stdio.h>
#include <string.h>

static const ui_action table[UI_ACTION_COUNT] = {
#define A(id, name, keys, where, weight, label, group, words, doc) \
    {name, keys, (unsigned)(where), weight, label, group, words, doc, ui_do_##id},
#include "ui/actions.def"
#undef A
};

const ui_action *ui_action_at(int id) { return id >= 0 && id < UI_ACTION_COUNT ? &table[id] : NULL; }

const ui_action *ui_action_find(const char *name, size_t bytes)
{
    const ui_action *begins = NULL;
    int n = 0;
    for (int i = 0; i < UI_ACTION_COUNT; i++) {
        if (strncmp(table[i].name, name, bytes)) continue;
        if (!table[i].name[bytes]) return &table[i];
        begins = &table[i];
        n++;
    }
    return n == 1 && bytes ? begins : NULL;
}

bool ui_action_acts(const ui_action *a, saint_ui_page page, saint_ui_pane_id focus)
{
    unsigned pages = a->where & UI_ON_PAGES, panes = a->where & ~(unsigned)UI_ON_PAGES;
    if (pages && !(pages & 1u << page)) return false;
    return !panes || panes & 1u << (UI_AT_SHIFT + focus);
}

/* ---- keys ---- */

bool ui_action_key(const char **keys, saint_ui_event *e, char *argument, size_t size)
{
    while (**keys == ' ') ++*keys;
    size_t n = strcspn(*keys, " ");
    if (!n) return false;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)n, *keys);
    *keys += n;
    char *equals = strchr(word + 1, '='); /* "=" itself is a key */
    if (equals) *equals = 0;
    snprintf(argument, size, "%s", equals ? equals + 1 : "");
    if (!saint_ui_key_parse(word, e)) *e = (saint_ui_event){0};
    return true;
}

static bool same_key(const saint_ui_event *a, const saint_ui_event *b)
{
    if (a->key != b->key || (a->key == SAINT_UI_KEY_CHAR && a->ch != b->ch)) return false;
    unsigned mods = a->key == SAINT_UI_KEY_CHAR ? ~(unsigned)SAINT_UI_SHIFT : ~0u; /* a capital says it already */
    return a->key == SAINT_UI_KEY_BACK_TAB || (a->mods & mods) == (b->mods & mods);
}

const ui_action *ui_action_of_key(const saint_ui_event *e, saint_ui_page page, saint_ui_pane_id focus, char *argument, size_t size)
{
    for (int i = 0; i < UI_ACTION_COUNT; i++) {
        if (!ui_action_acts(&table[i], page, focus)) continue;
        const char *keys = table[i].keys;
        saint_ui_event key;
        while (ui_action_key(&keys, &key, argument, size))
            if (key.kind == SAINT_UI_PRESS && same_key(&key, e)) return &table[i];
    }
    return NULL;
}

/* ---- lists ---- */

/* ",." "1..7" "\u2190\u2192" "Tab": the keys as people read them; of several names the first. */
static void key_text(const char *keys, char *out, size_t size)
{
    static const char *const arrow[] = {[SAINT_UI_KEY_UP] = "\u2191", [SAINT_UI_KEY_DOWN] = "\u2193", [SAINT_UI_KEY_LEFT] = "\u2190", [SAINT_UI_KEY_RIGHT] = "\u2192"};
    char name[16][24], argument[64];
    int n = 0, letters = 0, arrows = 0;
    saint_ui_event e;
    while (n < 16 && ui_action_key(&keys, &e, argument, sizeof argument)) {
        bool is_arrow = e.key >= SAINT_UI_KEY_UP && e.key <= SAINT_UI_KEY_RIGHT && !e.mods;
        if (is_arrow) snprintf(name[n], sizeof name[n], "%s", arrow[e.key]);
        else saint_ui_key_name(&e, name[n]);
        letters += strlen(name[n]) == 1;
        arrows += is_arrow;
        n++;
    }
    out[0] = 0;
    if (n > 3 && letters == n) {
        snprintf(out, size, "%.8s..%.8s", name[0], name[n - 1]);
        return;
    }
    int shown = n && (letters == n || arrows == n) ? n : n > 0;
    for (int i = 0; i < shown; i++) {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s", name[i]);
    }
}

int ui_action_list(const ui *u, bool here, saint_ui_action out[UI_ACTION_COUNT], char key[UI_ACTION_COUNT][UI_KEY_TEXT])
{
    int n = 0;
    for (int i = 0; i < UI_ACTION_COUNT; i++) {
        const ui_action *a = &table[i];
        if (here && !ui_action_acts(a, u->page, u->focus)) continue;
        if (a->keys[0]) key_text(a->keys, key[n], UI_KEY_TEXT);
        else snprintf(key[n], UI_KEY_TEXT, ":%.*s", UI_KEY_TEXT - 2, a->name); /* what has no key is typed */
        out[n] = (saint_ui_action){.id = i, .key = key[n], .label = a->label, .name = a->name, .group = a->group, .doc = a->doc,
                                   .reason = ui_reason(u, a), .weight = a->weight};
        n++;
    }
    return n;
}
