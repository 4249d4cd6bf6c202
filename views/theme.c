#include "views/theme.h"

#include <math.h>
#include <string.h>

/* 24-bit colours for dark and light ground (-1 = the terminal's own), the ANSI entries that stand for them, and attributes; `mono` are the
 * attributes where there is no colour at all. Blue, orange and bluish green carry meaning, so that the common colour blindnesses see it
 * too. */
typedef struct {
    int32_t dark, dark_bg, light, light_bg;
    int8_t ansi, ansi_bg;
    uint16_t attr, mono;
} row;

enum { B = SAINT_UI_BOLD, D = SAINT_UI_DIM, U = SAINT_UI_UNDERLINE, R = SAINT_UI_REVERSE };

static const row rows[SAINT_UI_ROLE_COUNT] = {
    [SAINT_UI_TEXT] = {-1, -1, -1, -1, -1, -1, 0, 0},
    [SAINT_UI_STRONG] = {0xffffff, -1, 0x000000, -1, -1, -1, B, B},
    [SAINT_UI_MUTED] = {0x99a1b0, -1, 0x5d6470, -1, -1, -1, 0, 0},
    [SAINT_UI_FAINT] = {0x5b6373, -1, 0xa2a8b3, -1, 8, -1, 0, D},
    [SAINT_UI_DISABLED] = {0x5b6373, -1, 0xa2a8b3, -1, 8, -1, 0, D},
    [SAINT_UI_BORDER] = {0x474e5c, -1, 0xb4bac4, -1, 8, -1, 0, 0},
    [SAINT_UI_BORDER_FOCUS] = {0x6cb6ff, -1, 0x1f6fc4, -1, 6, -1, 0, B},
    [SAINT_UI_TITLE] = {0xc3cad6, -1, 0x3b414b, -1, -1, -1, 0, 0},
    [SAINT_UI_TITLE_FOCUS] = {0xffffff, -1, 0x0b3a6b, -1, 6, -1, B, B},
    [SAINT_UI_HEADER] = {0xc3cad6, 0x222833, 0x3b414b, 0xe6e9ef, 7, 0, 0, R},
    [SAINT_UI_BRAND] = {0x10141b, 0xffb454, 0xffffff, 0xb35c00, 0, 3, B, R | B},
    [SAINT_UI_TAB] = {0x99a1b0, 0x222833, 0x5d6470, 0xe6e9ef, 7, 0, 0, R},
    [SAINT_UI_TAB_ACTIVE] = {0xffffff, 0x2f6cb0, 0xffffff, 0x1f6fc4, 7, 4, B, B},
    [SAINT_UI_KEY] = {0xffb454, -1, 0x9a5000, -1, 3, -1, B, B},
    [SAINT_UI_KEY_TEXT] = {0x99a1b0, -1, 0x5d6470, -1, -1, -1, 0, 0},
    [SAINT_UI_KEY_OFF] = {0x5b6373, -1, 0xa2a8b3, -1, 8, -1, 0, D},
    [SAINT_UI_ACCENT] = {0x6cb6ff, -1, 0x1f6fc4, -1, 6, -1, 0, B},
    [SAINT_UI_GOOD] = {0x4fd1a5, -1, 0x00795a, -1, 2, -1, 0, 0},
    [SAINT_UI_WARN] = {0xf2c94c, -1, 0x8a6500, -1, 3, -1, 0, B},
    [SAINT_UI_BAD] = {0xff7a66, -1, 0xbe2f15, -1, 1, -1, B, B | U},
    [SAINT_UI_INFO] = {0xc3cad6, -1, 0x3b414b, -1, -1, -1, 0, 0},
    [SAINT_UI_MATCH] = {0xffb454, -1, 0x9a5000, -1, 3, -1, B | U, B | U},
    [SAINT_UI_SELECT] = {0xffffff, 0x27507f, 0x06213f, 0xc4ddf7, 7, 4, B, R},
    [SAINT_UI_SELECT_SOFT] = {0xdfe4ec, 0x2a303c, 0x23272e, 0xe3e7ee, -1, -1, U, U},
    [SAINT_UI_INPUT] = {0xffffff, 0x303845, 0x000000, 0xdde2ea, 7, 4, 0, U},
    [SAINT_UI_INPUT_BAD] = {0xffffff, 0x8c2f24, 0x6b0f00, 0xffd9d2, 7, 1, 0, U | B},
    [SAINT_UI_CURSOR] = {0x10141b, 0xf2f4f8, 0xffffff, 0x1c2026, 0, 7, 0, R},
    [SAINT_UI_TRACK] = {0x474e5c, -1, 0xb4bac4, -1, 8, -1, 0, 0},
    [SAINT_UI_FILL] = {0x6cb6ff, -1, 0x1f6fc4, -1, 6, -1, 0, B},
    [SAINT_UI_KNOB] = {0xffffff, -1, 0x0b3a6b, -1, 6, -1, B, B},
    [SAINT_UI_STALE] = {0x9a8f6a, -1, 0x8a7a48, -1, 3, -1, 0, D},
    [SAINT_UI_VIT] = {0x56b4e9, -1, 0x0072b2, -1, 6, -1, 0, 0},
    [SAINT_UI_LLM] = {0x59d0a4, -1, 0x007a5a, -1, 2, -1, 0, 0},
    [SAINT_UI_SITE] = {0xffa53a, -1, 0xb35c00, -1, 3, -1, B, B},
    [SAINT_UI_LAYER_CURSOR] = {0x10141b, 0xf2f4f8, 0xffffff, 0x1c2026, 0, 7, B, R},
    [SAINT_UI_MEASURED] = {0x6cb6ff, -1, 0x1f6fc4, -1, 6, -1, 0, B},
    [SAINT_UI_PREDICTED] = {0xffb454, -1, 0xb35c00, -1, 3, -1, 0, 0},
    [SAINT_UI_BASELINE] = {0x8b93a1, -1, 0x7b828e, -1, 8, -1, 0, 0},
    [SAINT_UI_KEPT] = {0xffd27a, -1, 0x8a5a00, -1, 3, -1, B, B},
    [SAINT_UI_DROPPED] = {0x6b7383, -1, 0x9aa1ac, -1, 8, -1, 0, D},
    [SAINT_UI_ONLY_A] = {0x56b4e9, -1, 0x0072b2, -1, 6, -1, B, B},
    [SAINT_UI_ONLY_B] = {0xff9d4d, -1, 0xb84500, -1, 3, -1, B, U},
    [SAINT_UI_BOTH] = {0xdfe4ec, -1, 0x3b414b, -1, -1, -1, 0, 0},
    [SAINT_UI_SERIES_0] = {0x56b4e9, -1, 0x0072b2, -1, 6, -1, 0, 0},
    [SAINT_UI_SERIES_1] = {0xffa53a, -1, 0xb35c00, -1, 3, -1, 0, 0},
    [SAINT_UI_SERIES_2] = {0x4fd1a5, -1, 0x00795a, -1, 2, -1, 0, 0},
    [SAINT_UI_SERIES_3] = {0xe58fc4, -1, 0xa3437a, -1, 5, -1, 0, 0},
    [SAINT_UI_SERIES_4] = {0xf0e25a, -1, 0x7c6f00, -1, 7, -1, 0, B},
    [SAINT_UI_SERIES_5] = {0xb9a2ff, -1, 0x6a4bc4, -1, 4, -1, 0, B},
};

static saint_ui_color ansi_color(int i, saint_ui_tier tier)
{
    if (i < 0) return SAINT_UI_COLOR_DEFAULT;
    if (tier == SAINT_UI_8 && i >= 8) return SAINT_UI_COLOR_DEFAULT; /* bright black is only made by `dim` there */
    return saint_ui_palette((unsigned)i);
}

static saint_ui_color rgb_color(int32_t v, saint_ui_tier tier)
{
    return v < 0 ? SAINT_UI_COLOR_DEFAULT
                 : saint_ui_color_reduce(saint_ui_rgb((unsigned)v >> 16, (unsigned)v >> 8 & 255, (unsigned)v & 255), tier);
}

/* High contrast: nothing is grey, and what was faint is told by its attribute. */
static bool is_grey(int32_t v)
{
    int r = v >> 16 & 255, g = v >> 8 & 255, b = v & 255, high = r > g ? r : g, low = r < g ? r : g;
    return v >= 0 && (high > b ? high : b) - (low < b ? low : b) < 36;
}

void saint_ui_theme_make(saint_ui_theme *t, saint_ui_palette_kind kind, saint_ui_tier tier, saint_ui_glyphs glyphs)
{
    if (!t) return;
    *t = (saint_ui_theme){.tier = tier, .glyphs = glyphs, .kind = kind};
    bool light = kind == SAINT_UI_LIGHT;
    memcpy(t->ground, light ? (uint8_t[]){250, 250, 247} : (uint8_t[]){20, 23, 29}, 3);
    memcpy(t->ink, light ? (uint8_t[]){32, 35, 40} : (uint8_t[]){220, 224, 231}, 3);
    for (int i = 0; i < SAINT_UI_ROLE_COUNT; i++) {
        const row *r = &rows[i];
        saint_ui_style *s = &t->style[i];
        int32_t fg = light ? r->light : r->dark, bg = light ? r->light_bg : r->dark_bg;
        if (kind == SAINT_UI_CONTRAST && bg < 0 && is_grey(fg)) fg = -1;
        s->attr = tier == SAINT_UI_MONO ? r->mono : r->attr;
        if (tier == SAINT_UI_DIRECT || tier == SAINT_UI_256) {
            s->fg = rgb_color(fg, tier);
            s->bg = rgb_color(bg, tier);
        } else if (tier != SAINT_UI_MONO) {
            s->fg = ansi_color(kind == SAINT_UI_CONTRAST && r->ansi == 8 ? -1 : r->ansi, tier);
            s->bg = ansi_color(r->ansi_bg, tier);
            if (tier == SAINT_UI_8 && r->ansi == 8) s->attr |= SAINT_UI_DIM;
        }
    }
}

saint_ui_style saint_ui_theme_style(const saint_ui_theme *t, saint_ui_role role)
{
    if (!t || (int)role < 0 || role >= SAINT_UI_ROLE_COUNT) return (saint_ui_style){0};
    return t->style[role];
}

const char *saint_ui_role_name(int role)
{
    static const char *const name[] = {
#define X(n) #n,
        SAINT_UI_ROLE_MAP(X)
#undef X
    };
    return role >= 0 && role < SAINT_UI_ROLE_COUNT ? name[role] : NULL;
}

const char *saint_ui_palette_name(int kind)
{
    static const char *const name[] = {"dark", "light", "contrast"};
    return kind >= 0 && kind < 3 ? name[kind] : NULL;
}

int saint_ui_palette_find(const char *name)
{
    for (int i = 0; name && saint_ui_palette_name(i); i++)
        if (!strcmp(name, saint_ui_palette_name(i))) return i;
    return -1;
}

const char *saint_ui_tier_name(int tier)
{
    static const char *const name[] = {"direct", "256", "16", "8", "mono"};
    return tier >= 0 && tier < 5 ? name[tier] : NULL;
}

/* Piecewise linear through a few colours of even steps in lightness. */
static void ramp(const uint8_t (*stop)[3], int n, double v, uint8_t rgb[3])
{
    if (!(v > 0)) v = 0; /* NaN too */
    if (v > 1) v = 1;
    double at = v * (n - 1);
    int i = (int)at;
    if (i > n - 2) i = n - 2;
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)lround(stop[i][c] + (at - i) * (stop[i + 1][c] - stop[i][c]));
}

void saint_ui_heat(double v, uint8_t rgb[3])
{
    static const uint8_t stop[][3] = {{45, 15, 90},   {105, 25, 110}, {165, 45, 96},  {215, 75, 65},
                                      {245, 125, 40}, {252, 185, 55}, {252, 240, 130}};
    ramp(stop, (int)(sizeof stop / sizeof *stop), v, rgb);
}

void saint_ui_depth(double v, uint8_t rgb[3])
{
    static const uint8_t stop[][3] = {{40, 90, 180}, {60, 150, 200}, {95, 190, 150}, {205, 190, 80}, {240, 140, 50}, {225, 75, 60}};
    ramp(stop, (int)(sizeof stop / sizeof *stop), v, rgb);
}
