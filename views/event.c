#include "views/event.h"

#include <stdio.h>
#include <string.h>

#include "views/text.h"

static const char *const names[SAINT_UI_KEY_COUNT] = {
    [SAINT_UI_KEY_UP] = "Up",
    [SAINT_UI_KEY_DOWN] = "Down",
    [SAINT_UI_KEY_LEFT] = "Left",
    [SAINT_UI_KEY_RIGHT] = "Right",
    [SAINT_UI_KEY_HOME] = "Home",
    [SAINT_UI_KEY_END] = "End",
    [SAINT_UI_KEY_PAGE_UP] = "PgUp",
    [SAINT_UI_KEY_PAGE_DOWN] = "PgDn",
    [SAINT_UI_KEY_ENTER] = "Enter",
    [SAINT_UI_KEY_ESCAPE] = "Esc",
    [SAINT_UI_KEY_TAB] = "Tab",
    [SAINT_UI_KEY_BACK_TAB] = "Shift-Tab",
    [SAINT_UI_KEY_BACKSPACE] = "Backspace",
    [SAINT_UI_KEY_DELETE] = "Delete",
    [SAINT_UI_KEY_INSERT] = "Insert",
};

const char *saint_ui_key_name(const saint_ui_event *e, char out[24])
{
    out[0] = 0;
    if (!e || e->kind != SAINT_UI_PRESS) return out;
    const char *ctrl = e->mods & SAINT_UI_CTRL ? "Ctrl-" : "", *alt = e->mods & SAINT_UI_ALT ? "Alt-" : "";
    const char *shift = e->mods & SAINT_UI_SHIFT && e->key != SAINT_UI_KEY_BACK_TAB && e->key != SAINT_UI_KEY_CHAR ? "Shift-" : "";
    char text[8] = {0};
    const char *name = text;
    if (e->key >= SAINT_UI_KEY_F1 && e->key <= SAINT_UI_KEY_F12) snprintf(text, sizeof text, "F%d", e->key - SAINT_UI_KEY_F1 + 1);
    else if ((int)e->key > 0 && e->key < SAINT_UI_KEY_COUNT) name = names[e->key];
    else if (e->ch == ' ') name = "Space";
    else {
        uint32_t ch = e->mods & SAINT_UI_CTRL && e->ch >= 'a' && e->ch <= 'z' ? e->ch - 32 : e->ch;
        (void)saint_ui_utf8_put(ch, text);
    }
    snprintf(out, 24, "%s%s%s%s", ctrl, alt, shift, name ? name : "");
    return out;
}

static bool starts(const char **s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(*s, prefix, n) || !(*s)[n]) return false;
    *s += n;
    return true;
}

bool saint_ui_key_parse(const char *name, saint_ui_event *e)
{
    if (!name || !e || !*name) return false;
    *e = (saint_ui_event){.kind = SAINT_UI_PRESS};
    if (!strcmp(name, names[SAINT_UI_KEY_BACK_TAB])) return e->key = SAINT_UI_KEY_BACK_TAB, true;
    for (;;) {
        if (starts(&name, "Ctrl-") || starts(&name, "^")) e->mods |= SAINT_UI_CTRL;
        else if (starts(&name, "Alt-")) e->mods |= SAINT_UI_ALT;
        else if (starts(&name, "Shift-")) e->mods |= SAINT_UI_SHIFT;
        else break;
    }
    for (int i = 1; i < SAINT_UI_KEY_COUNT; i++) {
        char f[8];
        snprintf(f, sizeof f, "F%d", i - SAINT_UI_KEY_F1 + 1);
        if ((names[i] && !strcmp(name, names[i])) || (i >= SAINT_UI_KEY_F1 && !strcmp(name, f))) return e->key = (saint_ui_key)i, true;
    }
    if (!strcmp(name, "Space")) return e->ch = ' ', true;
    e->ch = saint_ui_utf8_next(&name);
    if (e->mods & SAINT_UI_CTRL && e->ch >= 'A' && e->ch <= 'Z') e->ch += 32;
    return *name == 0 && e->ch != 0xfffd;
}

saint_ui_event saint_ui_mouse_digits(const char *digits, uint32_t end, bool *dragging)
{
    saint_ui_event e = {.kind = SAINT_UI_MOUSE};
    unsigned code, x, y;
    int used = 0;
    if ((end != 'M' && end != 'm') || sscanf(digits, "%5u;%5u;%5u%n", &code, &x, &y, &used) != 3 || digits[used] || !x || !y) return (saint_ui_event){0};
    e.x = (int)x - 1;
    e.y = (int)y - 1;
    e.mods = (code & 4 ? SAINT_UI_SHIFT : 0u) | (code & 8 ? SAINT_UI_ALT : 0u) | (code & 16 ? SAINT_UI_CTRL : 0u);
    unsigned what = code & 3;
    if (code & 64) { /* the wheel, which also turns sideways */
        e.mouse = what == 0 ? SAINT_UI_MOUSE_WHEEL_UP : SAINT_UI_MOUSE_WHEEL_DOWN;
        return end == 'M' && what < 2 ? e : (saint_ui_event){0};
    }
    if (code & 32) {
        e.mouse = SAINT_UI_MOUSE_DRAG;
        e.button = 1;
        return *dragging ? e : (saint_ui_event){0};
    }
    if (what == 3) return (saint_ui_event){0};
    e.button = (int)what + 1;
    *dragging = end == 'M';
    e.mouse = *dragging ? SAINT_UI_MOUSE_DOWN : SAINT_UI_MOUSE_UP;
    return e;
}
