#include "ui/inspect/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ROOM = 96, LABEL_ROOM = 112 };
static const double GROUP_SECONDS = 0.3;

typedef struct {
    saint_settings settings;
    char key[KEY_ROOM], label[LABEL_ROOM];
    double at;
} entry;

/* entry[at] is what is shown; those before it are undone to, those behind it redone to. */
struct ui_history {
    entry *list;
    int n, room, at;
};

static bool make_room(ui_history *h)
{
    if (h->n < h->room) return true;
    int room = h->room ? 2 * h->room : 8;
    entry *list = realloc(h->list, (size_t)room * sizeof *list);
    if (!list) return false;
    h->list = list;
    h->room = room;
    return true;
}

ui_history *ui_history_open(const saint_settings *first)
{
    ui_history *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    if (!make_room(h)) {
        free(h);
        return NULL;
    }
    ui_history_reset(h, first);
    return h;
}

void ui_history_close(ui_history *h)
{
    if (!h) return;
    free(h->list);
    free(h);
}

void ui_history_reset(ui_history *h, const saint_settings *first)
{
    h->n = 1;
    h->at = 0;
    h->list[0] = (entry){.at = -1e9};
    memcpy(&h->list[0].settings, first, sizeof *first);
}

/* Settings are filled from zeroed memory and copied whole, so padding is equal too. */
static bool same(const saint_settings *a, const saint_settings *b) { return memcmp(a, b, sizeof *a) == 0; }

bool ui_history_add(ui_history *h, const saint_settings *now, const char *key, const char *label, double at)
{
    entry *top = &h->list[h->at];
    if (same(&top->settings, now)) return false;
    h->n = h->at + 1;
    if (h->at > 0 && key && strncmp(top->key, key, KEY_ROOM - 1) == 0 && at - top->at <= GROUP_SECONDS) {
        top->at = at;
        if (same(&h->list[h->at - 1].settings, now)) { /* the slider came back to where it was taken */
            h->n = h->at--;
            return true;
        }
        memcpy(&top->settings, now, sizeof *now);
        snprintf(top->label, sizeof top->label, "%s", label ? label : "");
        return true;
    }
    if (h->n >= UI_HISTORY_MOST) {
        memmove(h->list, h->list + 1, (size_t)(h->n - 1) * sizeof *h->list);
        h->n--;
    }
    if (!make_room(h)) { /* without memory the oldest has to do */
        memmove(h->list, h->list + 1, (size_t)(h->n - 1) * sizeof *h->list);
        h->n--;
    }
    h->at = h->n++;
    top = &h->list[h->at];
    *top = (entry){.at = at};
    memcpy(&top->settings, now, sizeof *now);
    snprintf(top->key, sizeof top->key, "%s", key ? key : "");
    snprintf(top->label, sizeof top->label, "%s", label ? label : "");
    return true;
}

const saint_settings *ui_history_undo(ui_history *h, const char **label)
{
    if (h->at == 0) return NULL;
    if (label) *label = h->list[h->at].label;
    h->list[h->at].at = -1e9; /* a change that comes back is not continued by the next one */
    h->at--;
    h->list[h->at].at = -1e9;
    return &h->list[h->at].settings;
}

const saint_settings *ui_history_redo(ui_history *h, const char **label)
{
    if (h->at + 1 >= h->n) return NULL;
    h->at++;
    if (label) *label = h->list[h->at].label;
    h->list[h->at].at = -1e9;
    return &h->list[h->at].settings;
}

int ui_history_undos(const ui_history *h) { return h ? h->at : 0; }
int ui_history_redos(const ui_history *h) { return h ? h->n - h->at - 1 : 0; }

const char *ui_history_label(const ui_history *h, int i)
{
    return h && i >= 0 && i < h->at ? h->list[h->at - i].label : NULL;
}
