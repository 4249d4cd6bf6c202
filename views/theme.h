/* theme.h - how things look, by what they are: every style has a name, every view asks by that name.
 *
 * A theme is resolved once for a terminal: its tier of colours, its characters, light or dark ground. Nothing is told apart by colour
 * alone. */
#ifndef SAINT_VIEWS_THEME_H
#define SAINT_VIEWS_THEME_H

#include "views/canvas.h"

#define SAINT_UI_ROLE_MAP(X)                                                                                                               \
    X(TEXT)                                                                                                                                \
    X(STRONG) X(MUTED) X(FAINT) X(DISABLED) X(BORDER) X(BORDER_FOCUS) X(TITLE) X(TITLE_FOCUS) X(HEADER) X(BRAND) X(TAB) X(TAB_ACTIVE)      \
        X(KEY) X(KEY_TEXT) X(KEY_OFF) X(ACCENT) X(GOOD) X(WARN) X(BAD) X(INFO) X(MATCH) X(SELECT) X(SELECT_SOFT) X(INPUT) X(INPUT_BAD)     \
            X(CURSOR) X(TRACK) X(FILL) X(KNOB) X(STALE) X(VIT) X(LLM) X(SITE) X(LAYER_CURSOR) X(MEASURED) X(PREDICTED) X(BASELINE) X(KEPT) \
                X(DROPPED) X(ONLY_A) X(ONLY_B) X(BOTH) X(SERIES_0) X(SERIES_1) X(SERIES_2) X(SERIES_3) X(SERIES_4) X(SERIES_5)

typedef enum {
#define X(name) SAINT_UI_##name,
    SAINT_UI_ROLE_MAP(X)
#undef X
        SAINT_UI_ROLE_COUNT
} saint_ui_role;

enum { SAINT_UI_SERIES = 6 };

/* Which characters may be used, from rich to poor; each includes the next. */
typedef enum { SAINT_UI_BRAILLE, SAINT_UI_BLOCKS, SAINT_UI_ASCII } saint_ui_glyphs;

typedef enum { SAINT_UI_DARK, SAINT_UI_LIGHT, SAINT_UI_CONTRAST } saint_ui_palette_kind;

typedef struct {
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    saint_ui_palette_kind kind;
    bool lines; /* ASCII, but the terminal has line-drawing characters of its own: frames use U+2500.. and the screen translates */
    saint_ui_style style[SAINT_UI_ROLE_COUNT];
    uint8_t ground[3], ink[3]; /* what the terminal's own colours are taken for where a photo or a tint needs a number */
} saint_ui_theme;

/* Fill *t. NULL does nothing. */
void saint_ui_theme_make(saint_ui_theme *t, saint_ui_palette_kind kind, saint_ui_tier tier, saint_ui_glyphs glyphs);
/* The style of a role; a NULL theme or a role out of range is plain text. */
saint_ui_style saint_ui_theme_style(const saint_ui_theme *t, saint_ui_role role);
/* Name of a role, a palette, a tier: for theme listings and `info`. NULL past the end. */
const char *saint_ui_role_name(int role);
const char *saint_ui_palette_name(int kind);
const char *saint_ui_tier_name(int tier);
/* "dark", "light", "contrast"; -1 when unknown. */
int saint_ui_palette_find(const char *name);

/* Tint of a value 0..1 from cold to hot (a dark violet to yellow scale, even in brightness, safe for the colour-blind). */
void saint_ui_heat(double v, uint8_t rgb[3]);
/* Tint of a step 0..1 through a run: early blue, late orange. */
void saint_ui_depth(double v, uint8_t rgb[3]);

#endif
