/* presets.c - what the preset field offers: every preset that fits the model, with the settings it stands for. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "ui/inspect/fields.h"

static int json_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

static void add_file(ui_presets *p, const char *path, const saint_model_info *m)
{
    saint_preset file;
    if (p->n >= UI_PRESETS_MOST || saint_preset_load(path, &file, NULL) != SAINT_OK) return;
    saint_settings *s = &p->settings[p->n];
    saint_settings_default(s);
    saint_plan plan;
    bool fits = saint_preset_apply(&file, m, s, NULL, NULL) == SAINT_OK && saint_plan_build(&plan, s, m, NULL, NULL) == SAINT_OK;
    bool seen = false; /* the first folder wins */
    for (int i = 0; i < p->n; i++) seen = seen || strcmp(p->name[i], file.name) == 0;
    if (fits && !seen) {
        snprintf(p->name[p->n], sizeof p->name[0], "%s", file.name);
        snprintf(p->title[p->n], sizeof p->title[0], "%s", file.title);
        p->n++;
    }
    saint_preset_free(&file);
}

void ui_presets_load(ui_presets *p, const saint_model_info *m)
{
    ui_presets_free(p);
    p->settings = malloc(UI_PRESETS_MOST * sizeof *p->settings);
    if (!p->settings) return;
    for (int k = 0; preset_folder(k); k++) {
        struct dirent **names = NULL;
        int n = scandir(preset_folder(k), &names, json_file, alphasort);
        for (int i = 0; i < n; i++) {
            char path[8192];
            snprintf(path, sizeof path, "%s/%s", preset_folder(k), names[i]->d_name);
            add_file(p, path, m);
            free(names[i]);
        }
        free(names);
    }
    for (int i = 0; i < p->n; i++) p->choice[i] = p->name[i];
    p->choice[p->n] = "custom";
}

void ui_presets_free(ui_presets *p)
{
    free(p->settings);
    *p = (ui_presets){0};
}

int ui_presets_find(const ui_presets *p, const saint_settings *s)
{
    saint_settings plain;
    memcpy(&plain, s, sizeof plain);
    memset(&plain.hand, 0, sizeof plain.hand);
    plain.mode_given = false; /* who chose what does not change what runs */
    plain.range_given = plain.ends_given = false;
    for (int i = 0; i < p->n; i++) {
        saint_settings other;
        memcpy(&other, &p->settings[i], sizeof other);
        other.compat = plain.compat;
        other.mode_given = other.range_given = other.ends_given = false;
        if (memcmp(&plain, &other, sizeof plain) == 0) return i;
    }
    return -1;
}
