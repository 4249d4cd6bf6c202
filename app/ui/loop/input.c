/* From events to actions: overlays, the pane with the focus, the table, and the mouse. */
#include "nearest.h"
#include "ui/inspect/inspect.h"
#include "ui/loop/core.h"
#include "ui/sweeps/sweeps.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void ui_go(ui *u, saint_ui_page page)
{
    if ((int)page < 0 || page >= SAINT_UI_PAGE_COUNT || page == u->page) return;
    ui_zoom_off(u);
    u->core->left[u->page] = u->focus;
    u->page = page;
    u->focus = u->core->left[page]; /* the next frame corrects what that page does not have */
    ui_redraw(u);
    for (int slot = 0; slot < UI_SLOTS; slot++)
        if (page == SAINT_UI_PAGE_SPEED || page == SAINT_UI_PAGE_COMPARE) ui_want(u, slot);
    ui_kick(u);
}

/* ---- commands ---- */

/* "[on|off]": what an action takes that knows certain words and nothing else; where its row names a kind, a number or several things the action
 * looks itself. The beginning of one word is that word. NULL: it is none of them, which was said. */
static const char *one_of_its_words(ui *u, const ui_action *a, const char *argument, char out[32])
{
    enum { WORDS = 12 };
    char list[160], expected[200] = "";
    const char *word[WORDS];
    int n = 0, found = -1, begin = 0;
    snprintf(list, sizeof list, "%s", a->argument[0] == '[' ? a->argument + 1 : a->argument);
    list[strcspn(list, "]")] = 0;
    if (!*argument || strchr(a->argument, ' ')) return argument;
    if (!*list) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s %.60s: nothing belongs behind %s", a->name, argument, a->name);
        return NULL;
    }
    for (char *p = list, *end; p && n < WORDS; p = end) {
        end = strchr(p, '|');
        if (end) *end++ = 0;
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p)) return argument;
        word[n++] = p;
    }
    for (int i = 0; i < n; i++) {
        if (!strcasecmp(word[i], argument)) found = i, begin = 1, i = n;
        else if (!strncasecmp(word[i], argument, strlen(argument))) found = i, begin++;
    }
    if (begin == 1) {
        snprintf(out, 32, "%s", word[found]);
        return out;
    }
    for (int i = 0; i < n; i++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", word[i]);
    ui_say(u, SAINT_UI_SAY_BAD, "%s %.60s: expected %s", a->name, argument, expected);
    return NULL;
}

static bool perform(ui *u, const ui_action *a, const char *argument)
{
    const char *why = ui_reason(u, a);
    char word[32];
    u->core->failed = false;
    u->core->depth++;
    if (why) ui_say(u, SAINT_UI_SAY_BAD, "%s: %s", a->name, why);
    else if ((argument = one_of_its_words(u, a, argument, word))) a->perform(u, argument);
    u->core->depth--;
    ui_redraw(u);
    return !u->core->failed;
}

/* Who types the name of a parameter means to set it. */
static void no_such(ui *u, const char *command, size_t n)
{
    char word[64], begin[240] = "";
    const char *names[UI_ACTION_COUNT], *like;
    size_t used = 0;
    snprintf(word, sizeof word, "%.*s", (int)(n < 60 ? n : 60), command);
    word[strcspn(word, "[=")] = 0;
    for (int i = 0; i < UI_ACTION_COUNT; i++) names[i] = ui_action_at(i)->name;
    bool parameter = !strcmp(word, "preset") || !strcmp(word, "compat");
    for (int i = 0; saint_param_at(i) && !parameter; i++) parameter = !strcmp(word, saint_param_at(i)->name);
    if (parameter) ui_say(u, SAINT_UI_SAY_BAD, "%s is a parameter: set %s=VALUE", word, word);
    for (int i = 0; i < UI_ACTION_COUNT && *word; i++) /* "sweep" */
        if (!strncmp(names[i], word, strlen(word)) && used + strlen(names[i]) + 2 < sizeof begin)
            used += (size_t)snprintf(begin + used, sizeof begin - used, "%s%s", used ? ", " : "", names[i]);
    if (parameter) return;
    if (used) ui_say(u, SAINT_UI_SAY_BAD, "%s: no such command; so begin %s", word, begin);
    else if ((like = nearest_meant(word, names, UI_ACTION_COUNT))) ui_say(u, SAINT_UI_SAY_BAD, "%s: no such command; the nearest is %s", word, like);
    else ui_say(u, SAINT_UI_SAY_BAD, "%s: no such command; Ctrl-P finds them all", word);
}

bool ui_do(ui *u, const char *command)
{
    while (*command == ' ') command++;
    if (!u->core->depth && u->say == SAINT_UI_SAY_BAD) u->say = SAINT_UI_SAY_NOTHING; /* the last error was read by now */
    if (!u->core->depth) ui_say_read(u);
    size_t n = strcspn(command, " ");
    const ui_action *a = ui_action_find(command, n);
    const char *argument = command + n;
    while (*argument == ' ') argument++;
    if (!a) {
        no_such(u, command, n);
        return false;
    }
    bool done = perform(u, a, argument);
    if (done) ui_record(u, "%s%s%s", a->name, *argument ? " " : "", argument);
    return done;
}

/* ---- keys ---- */

static bool to_pane(ui *u, saint_ui_pane_id id, const saint_ui_event *e, const saint_ui_hit *hit)
{
    const ui_pane *pane = ui_pane_of(u->page, id);
    if (!pane || !pane->event) return false;
    u->core->depth++;
    bool taken = pane->event(u, e, hit);
    u->core->depth--;
    return taken;
}

static void record_key(ui *u, const saint_ui_event *e)
{
    char name[24];
    if (e->kind == SAINT_UI_PASTE) {
        char text[5] = {0};
        saint_ui_utf8_put(e->ch, text);
        ui_record(u, "type %s", e->ch == '\n' ? "\\n" : text);
    } else ui_record(u, "key %s", saint_ui_key_name(e, name));
}

/* h j k l are arrows for who is used to that: no row of the table has them (a test looks), so they mean nothing else where no text is typed. */
static bool as_arrow(const saint_ui_event *e, saint_ui_event *arrow)
{
    static const struct {
        uint32_t letter;
        saint_ui_key key;
    } same[] = {{'h', SAINT_UI_KEY_LEFT}, {'j', SAINT_UI_KEY_DOWN}, {'k', SAINT_UI_KEY_UP}, {'l', SAINT_UI_KEY_RIGHT}};
    if (e->kind != SAINT_UI_PRESS || e->key != SAINT_UI_KEY_CHAR || e->mods) return false;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (e->ch != same[i].letter) continue;
        *arrow = (saint_ui_event){.kind = SAINT_UI_PRESS, .key = same[i].key};
        return true;
    }
    return false;
}

static void key(ui *u, const saint_ui_event *e)
{
    char argument[64], command[128], name[24];
    const ui_pane *pane = ui_pane_of(u->page, u->focus);
    if (u->say == SAINT_UI_SAY_BAD || u->say == SAINT_UI_SAY_WARN) u->say = SAINT_UI_SAY_NOTHING; /* read by now */
    if (pane && pane->captures && pane->captures(u)) {
        record_key(u, e);
        to_pane(u, u->focus, e, NULL);
        return;
    }
    saint_ui_event arrow;
    const saint_ui_event *typed = e;
    if (as_arrow(e, &arrow)) e = &arrow;
    const ui_action *a = e->kind == SAINT_UI_PRESS ? ui_action_of_key(e, u->page, u->focus, argument, sizeof argument) : NULL;
    if (a) {
        snprintf(command, sizeof command, "%s %s", a->name, argument);
        ui_do(u, command);
        return;
    }
    if (to_pane(u, u->focus, e, NULL)) {
        record_key(u, e);
        return;
    }
    if (e->kind != SAINT_UI_PRESS) return;
    if (e->key == SAINT_UI_KEY_ESCAPE && u->painting && u->page == SAINT_UI_PAGE_INSPECT) {
        ui_do(u, "paint off");
        return;
    }
    if (e->key == SAINT_UI_KEY_ESCAPE) {
        ui_zoom_off(u);
        u->say = u->core->report_say = SAINT_UI_SAY_NOTHING;
        return;
    }
    ui_say_hint(u, "%s does nothing here; ? lists the keys", saint_ui_key_name(typed, name));
}

/* ---- mouse ---- */

static void mouse(ui *u, const saint_ui_event *e)
{
    static const char *const kinds[] = {"press", "drag", "release", "wheel-up", "wheel-down"};
    if (!u->mouse) return;
    bool wheel = e->mouse == SAINT_UI_MOUSE_WHEEL_UP || e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN;
    saint_ui_pane_id under = saint_ui_layout_at(&u->layout, e->x, e->y);
    bool zooms = u->page == SAINT_UI_PAGE_INSPECT || u->page == SAINT_UI_PAGE_COMPARE;
    if (wheel && e->mods & SAINT_UI_CTRL && zooms && (under == SAINT_UI_PANE_IMAGE || under == SAINT_UI_PANE_IMAGE_B)) {
        ui_do(u, e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? "zoom in" : "zoom out");
        return;
    }
    const saint_ui_hit *hit = saint_ui_hit_at(&u->hits, e->x, e->y);
    saint_ui_pane_id id = saint_ui_layout_at(&u->layout, e->x, e->y);
    if (!hit || hit->what < UI_HIT_CORE) ui_record(u, "mouse %s %d %d", kinds[e->mouse], e->x, e->y);
    if (e->mouse == SAINT_UI_MOUSE_DRAG || e->mouse == SAINT_UI_MOUSE_UP) {
        if (u->core->drag != SAINT_UI_PANE_NONE) to_pane(u, u->core->drag, e, hit);
        if (e->mouse == SAINT_UI_MOUSE_UP) u->core->drag = SAINT_UI_PANE_NONE;
        return;
    }
    if (e->mouse == SAINT_UI_MOUSE_DOWN) {
        u->core->drag = SAINT_UI_PANE_NONE;
        if (hit && hit->what >= UI_HIT_CORE) {
            if (e->button == 1) ui_click(u, hit);
            return;
        }
        bool focusable = id != SAINT_UI_PANE_NONE && id != SAINT_UI_PANE_HEADER && id != SAINT_UI_PANE_MESSAGE && id != SAINT_UI_PANE_FOOTER &&
                         id != SAINT_UI_PANE_NOTICE;
        if (!focusable) return;
        const ui_pane *old = ui_pane_of(u->page, u->focus);
        if (id != u->focus && old && old->captures && old->captures(u)) /* an editor that loses the focus forgets what was typed */
            old->event(u, &(saint_ui_event){.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_ESCAPE}, NULL);
        u->focus = id;
        u->core->drag = id;
    }
    to_pane(u, id, e, hit);
}

static void use_theme(ui *u, saint_ui_palette_kind kind)
{
    bool lines = u->theme.lines;
    saint_ui_theme_make(&u->theme, kind, u->theme.tier, u->theme.glyphs);
    u->theme.lines = lines;
}

/* The terminal told the colour behind everything: letters that can be read on it, photos that melt into it. */
static void suit_ground(ui *u, uint32_t rgb)
{
    unsigned r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;
    use_theme(u, 299 * r + 587 * g + 114 * b > 127500 ? SAINT_UI_LIGHT : SAINT_UI_DARK);
    u->theme.ground[0] = (uint8_t)r;
    u->theme.ground[1] = (uint8_t)g;
    u->theme.ground[2] = (uint8_t)b;
}

void ui_event(ui *u, const saint_ui_event *e)
{
    u->core->said_idle = false;
    u->core->dirty = u->core->urgent = true;
    if (e->kind == SAINT_UI_GONE) {
        u->quit = true;
        return;
    }
    if (e->kind == SAINT_UI_RESIZED) return;
    if (e->kind == SAINT_UI_GROUND) {
        if (u->core->theme_asked) suit_ground(u, e->ch);
        return;
    }
    bool touch = e->kind == SAINT_UI_PRESS || e->kind == SAINT_UI_PASTE || (e->kind == SAINT_UI_MOUSE && e->mouse != SAINT_UI_MOUSE_UP && e->mouse != SAINT_UI_MOUSE_DRAG);
    if (touch) ui_say_read(u);
    if (u->core->over.kind != UI_OVER_NONE) ui_over_event(u, e);
    else if (e->kind == SAINT_UI_MOUSE) mouse(u, e);
    else if (e->kind == SAINT_UI_PRESS || e->kind == SAINT_UI_PASTE) key(u, e);
}

/* ---- actions that belong to nobody else ---- */

void ui_do_page(ui *u, const char *argument)
{
    for (int i = 0; saint_ui_page_title(i); i++) {
        const char *title = saint_ui_page_title(i);
        size_t n = 0;
        while (argument[n] && (argument[n] | 32) == (title[n] | 32)) n++;
        if (!argument[n] && n) {
            ui_go(u, (saint_ui_page)i);
            return;
        }
    }
    ui_say(u, SAINT_UI_SAY_BAD, "page %s: expected inspect, a/b, speed, layers, charts, sweep or log", argument);
}

void ui_do_focus(ui *u, const char *argument)
{
    if (!strcmp(argument, "next") || !strcmp(argument, "back") || !*argument) {
        if (u->layout.n) u->focus = saint_ui_layout_next(&u->layout, u->focus, *argument == 'b' ? -1 : 1);
        return;
    }
    char here[160] = "";
    size_t n = 0;
    for (int id = SAINT_UI_PANE_STRIP; id < SAINT_UI_PANE_COUNT; id++) {
        const char *title = id == SAINT_UI_PANE_STRIP ? "layers" : saint_ui_pane_title((saint_ui_pane_id)id);
        if (*title && !strcmp(title, argument)) {
            u->focus = (saint_ui_pane_id)id;
            return;
        }
        if (*title && n < sizeof here && saint_ui_layout_find(&u->layout, (saint_ui_pane_id)id).w > 0)
            n += (size_t)snprintf(here + n, sizeof here - n, "%s%s", n ? ", " : "", title);
    }
    ui_say(u, SAINT_UI_SAY_BAD, "focus %s: no pane of that name; here are %s", argument, here);
}

void ui_do_redraw(ui *u, const char *argument)
{
    (void)argument;
    ui_front_redraw(u->core->front);
}

void ui_do_mouse(ui *u, const char *argument)
{
    u->mouse = *argument ? !strcmp(argument, "on") : !u->mouse;
    ui_front_mouse(u->core->front, u->mouse);
    ui_say(u, SAINT_UI_SAY_INFO, u->mouse ? "the mouse is the program's; Shift+drag selects text" : "the mouse is the terminal's");
}

void ui_do_theme(ui *u, const char *argument)
{
    int kind = *argument ? saint_ui_palette_find(argument) : ((int)u->theme.kind + 1) % 3;
    if (kind < 0) {
        ui_say(u, SAINT_UI_SAY_BAD, "theme %s: expected dark, light or contrast", argument);
        return;
    }
    use_theme(u, (saint_ui_palette_kind)kind);
    u->core->theme_chosen = true;
    u->core->theme_asked = false;
    ui_say(u, SAINT_UI_SAY_INFO, "theme %s", saint_ui_palette_name(kind));
}

void ui_do_quit(ui *u, const char *argument)
{
    if (sweeps_hold_quit(u, argument)) return;
    u->quit = true;
}
