/* fields.h - the table of parameters (engine run/params.def) as fields under the user's hands, and back. Pure: no screen, no session. */
#ifndef SAINT_APP_FIELDS_H
#define SAINT_APP_FIELDS_H

#include "ui/ui.h"

enum { UI_PRESETS_MOST = 24 };

/* Presets of the folders the program knows, each with the settings it gives on this model. */
typedef struct {
    int n;
    char name[UI_PRESETS_MOST][64], title[UI_PRESETS_MOST][160];
    saint_settings *settings;                  /* [n] owned */
    const char *choice[UI_PRESETS_MOST + 1];   /* names, then "custom" */
} ui_presets;
/* Load them all for a model; files that are broken or do not fit are left out. */
void ui_presets_load(ui_presets *p, const saint_model_info *m);
void ui_presets_free(ui_presets *p);
/* The preset that gives exactly these settings (what was painted by hand aside), or -1. */
int ui_presets_find(const ui_presets *p, const saint_settings *s);

/* What the fields are made from. */
typedef struct {
    const saint_settings *settings;
    const saint_settings *other;  /* plan A, for the ticks on the sliders; NULL = none */
    const saint_model_info *info; /* NULL: no model yet, the table's own ranges */
    const ui_presets *presets;    /* NULL: none */
    const uint8_t *marked;        /* [n_vit + llm layers] columns of the strip, ViT first; NULL = none */
    int n_vit;                    /* ViT columns */
    saint_stage stage;            /* of the layer under the cursor */
    int layer;
    int image_tokens, sys_length; /* what is derived for the LLM's window; -1 = not known yet */
    bool all;                     /* also what no present method reads */
} ui_fields_source;

/* Fields in order: preset, mode, compat, ViT, LLM, and where `all` is set the rest and the single compat flags. Keeps the focus, and what is
 * being typed, on the parameter where it was. Texts that depend on the model are kept in f->text. */
void ui_fields_make(ui_fields *f, const ui_fields_source *from);
/* The text that saint_settings_set (or, for "preset", the loader) takes for a value of field i. Returns out. */
char *ui_fields_text(const ui_fields *f, int i, double value, char *out, size_t size);
/* The key that goes with it: "keep_num", "prune_mode[19]", "compat.overwrite_r". */
const char *ui_fields_key(const ui_fields *f, int i);
/* Index of a parameter by its name in params.def, -1 when it is not shown. */
int ui_fields_find(const ui_fields *f, const char *key);

#endif
