/* Completion in the ":" row: names of actions, then what their argument says.
 *
 * Kinds: KEY=VALUE a parameter of params.def and its values; FILE a path, or KIND: of a data set; PANE a pane of this page; COMMAND an
 * action. Other words in upper case are free text. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A candidate, when it begins with what was typed. */
static void offer(ui_over *o, const char *typed, const char *text, const char *tail)
{
    char *copy = NULL;
    if (strncmp(text, typed, strlen(typed)) || asprintf(&copy, "%s%s", text, tail) < 0) return;
    int common = 0, at = o->n_done;
    if (!o->n_fits++) o->n_common = (int)strlen(copy);
    else {
        while (common < o->n_common && copy[common] == o->done[0][common]) common++;
        while (common > 0 && ((unsigned char)copy[common] & 0xc0) == 0x80) common--; /* whole characters */
        o->n_common = common;
    }
    while (at > 0 && strcmp(o->done[at - 1], copy) > 0) at--;
    if (at == UI_OVER_MATCHES) {
        free(copy);
        return;
    }
    if (o->n_done == UI_OVER_MATCHES) free(o->done[--o->n_done]);
    memmove(o->done + at + 1, o->done + at, (size_t)(o->n_done - at) * sizeof *o->done);
    o->done[at] = copy;
    o->n_done++;
}

static void offer_files(ui_over *o, const char *typed)
{
    char folder[4096], path[8192], shown[4096];
    const char *slash = strrchr(typed, '/'), *home = getenv("HOME");
    int head = slash ? (int)(slash - typed) + 1 : 0;
    snprintf(shown, sizeof shown, "%.*s", head, typed);
    if (!head) snprintf(folder, sizeof folder, ".");
    else if (!strncmp(shown, "~/", 2) && home) snprintf(folder, sizeof folder, "%.2000s%.2000s", home, shown + 1);
    else snprintf(folder, sizeof folder, "%s", shown);
    DIR *d = opendir(folder);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' && typed[head] != '.') continue;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(path, sizeof path, "%s%s", shown, e->d_name);
        offer(o, typed, path, e->d_type == DT_DIR ? "/" : "");
    }
    closedir(d);
}

static void offer_kinds(ui_over *o, const char *typed)
{
    for (int k = 0; k < SAINT_DATA_KIND_COUNT; k++) offer(o, typed, saint_data_kind_name((saint_data_kind)k), ":");
}

static void offer_values(ui_over *o, const char *key, size_t bytes, const char *typed, const char *head)
{
    char full[256];
    const char *const *list = NULL;
    static const char *const yes_no[] = {"true", "false", NULL}, *const modes[] = {"none", "vit", "llm", "hybrid", NULL},
                             *const compat[] = {"corrected", "reference", NULL};
    size_t name = strcspn(key, "[=");
    if (name > bytes) name = bytes;
    if (name == 6 && !strncmp(key, "compat", 6)) list = compat;
    for (int i = 0; saint_param_at(i); i++) {
        const saint_param_info *p = saint_param_at(i);
        if (strlen(p->name) != name || strncmp(p->name, key, name)) continue;
        if (!strcmp(p->type, "BOOL")) list = yes_no;
        if (!strcmp(p->type, "MODE")) list = modes;
        for (int m = -1; !strcmp(p->type, "METHOD") && (m < 0 || saint_method_at(m)); m++) {
            snprintf(full, sizeof full, "%s%s", head, saint_method_label(m));
            offer(o, typed, full, "");
        }
    }
    for (; list && *list; list++) {
        snprintf(full, sizeof full, "%s%s", head, *list);
        offer(o, typed, full, "");
    }
}

static void offer_keys(ui_over *o, const char *typed)
{
    const char *equals = strchr(typed, '=');
    if (equals) {
        char head[128];
        snprintf(head, sizeof head, "%.*s", (int)(equals - typed) + 1, typed);
        offer_values(o, typed, (size_t)(equals - typed), typed, head);
        return;
    }
    for (int i = 0; saint_param_at(i); i++) offer(o, typed, saint_param_at(i)->name, "=");
    offer(o, typed, "compat", "=");
}

static void offer_panes(ui *u, ui_over *o, const char *typed)
{
    for (int i = 0; i < u->layout.n; i++)
        if (*saint_ui_pane_title(u->layout.pane[i].id)) offer(o, typed, saint_ui_pane_title(u->layout.pane[i].id), "");
}

static void offer_argument(ui *u, ui_over *o, const ui_action *a, const char *typed)
{
    const char *p = a->argument;
    while (*p) {
        size_t n = strcspn(p, "|[] ");
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)n, p);
        bool lower = n && !(word[0] >= 'A' && word[0] <= 'Z');
        if (lower) offer(o, typed, word, "");
        else if (!strncmp(word, "KEY", 3)) offer_keys(o, typed);
        else if (!strcmp(word, "FILE")) {
            offer_files(o, typed);
            offer_kinds(o, typed);
        } else if (!strcmp(word, "PANE")) offer_panes(u, o, typed);
        p += n + (p[n] != 0);
    }
}

void ui_complete(ui *u, ui_over *o)
{
    for (int i = 0; i < o->n_done; i++) free(o->done[i]);
    o->n_done = o->n_fits = o->n_common = 0;
    o->done_at = -1;
    const char *text = o->line.text;
    size_t n = strcspn(text, " ");
    if (!text[n]) {
        o->done_from = 0;
        for (int i = 0; i < UI_ACTION_COUNT; i++) offer(o, text, ui_action_at(i)->name, *ui_action_at(i)->argument ? " " : "");
    } else {
        const ui_action *a = ui_action_find(text, n);
        while (text[n] == ' ') n++;
        o->done_from = (int)n;
        if (a) offer_argument(u, o, a, text + n);
    }
}
