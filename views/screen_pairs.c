#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include "views/screen_pairs.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PHOTO = 256, RESERVED = 262143 };

void saint_ui_pairs_init(saint_ui_pairs *p, saint_ui_tier tier, int most, bool defaults)
{
    *p = (saint_ui_pairs){.theme = 1, .photo = FIRST_PHOTO, .most = most, .tier = tier, .defaults = defaults};
    /* One pair far out makes the table its full size at once; growing it later is a hitch of a tenth of a second and more. */
    if (tier == SAINT_UI_DIRECT && most > RESERVED) init_extended_pair(RESERVED, -1, -1);
}

void saint_ui_pairs_free(saint_ui_pairs *p)
{
    free(p->slot);
    *p = (saint_ui_pairs){0};
}

static size_t place(const saint_ui_pairs *p, uint64_t key)
{
    size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 32) & (p->room - 1);
    while (p->slot[at].key && p->slot[at].key != key) at = (at + 1) & (p->room - 1);
    return at;
}

static bool grow(saint_ui_pairs *p)
{
    if (p->room && p->n * 2 < p->room) return true;
    size_t room = p->room ? p->room * 2 : 1024, old_room = p->room;
    saint_ui_pair_slot *old = p->slot, *slot = calloc(room, sizeof *slot);
    if (!slot) return p->room && p->n + 1 < p->room;
    p->slot = slot;
    p->room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i].key) p->slot[place(p, old[i].key)] = old[i];
    free(old);
    return true;
}

/* A colour as curses counts it. */
static int number_of(const saint_ui_pairs *p, saint_ui_color c, bool ground)
{
    if (c >> 24 == 0) return p->defaults ? -1 : ground ? COLOR_BLACK : COLOR_WHITE;
    if (p->tier != SAINT_UI_DIRECT) return (int)(c & 255);
    if (c >> 24 == 1 && (c & 255) < 8) return (int)(c & 255);
    uint32_t v = saint_ui_color_value(c, 0);
    return v >= 1 && v <= 7 ? (v < 4 ? 0 : 8) : (int)v; /* 0 to 7 are the terminal's eight named colours there */
}

/* Too many colours in too many photos: fewer bits as the table fills, so that it never does. */
static saint_ui_color rounded(const saint_ui_pairs *p, saint_ui_color c)
{
    if (p->tier != SAINT_UI_DIRECT || c >> 24 != 2) return c;
    int64_t used = p->photo, most = p->most < 600000 ? p->most : 600000;
    int bits = used < most / 4 ? 5 : used < most / 2 ? 4 : 3;
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        uint32_t v = (c >> shift & 255) >> (8 - bits); /* spread over the whole range again, white stays white */
        uint32_t full = v << (8 - bits);
        full |= full >> bits;
        if (2 * bits < 8) full |= full >> 2 * bits;
        out |= (full & 255) << shift;
    }
    return saint_ui_rgb(out >> 16, out >> 8 & 255, out & 255);
}

int saint_ui_pairs_get(saint_ui_pairs *p, saint_ui_color fg, saint_ui_color bg, bool photo)
{
    if (p->tier == SAINT_UI_MONO || p->most < 2) return 0;
    fg = saint_ui_color_reduce(fg, p->tier);
    bg = saint_ui_color_reduce(bg, p->tier);
    if (photo) fg = rounded(p, fg), bg = rounded(p, bg);
    uint64_t key = (uint64_t)fg << 32 | bg;
    if (!key) return 0;
    if (!grow(p)) return 0;
    size_t at = place(p, key);
    if (p->slot[at].key) return p->slot[at].pair;
    int last_theme = p->most < FIRST_PHOTO ? p->most - 1 : FIRST_PHOTO - 1, pair = 0;
    if (!photo && p->theme <= last_theme) pair = p->theme++;
    else if (p->photo < p->most) {
        if (p->photo == RESERVED) p->photo++;
        pair = p->photo++;
    }
    if (!pair) return bg ? saint_ui_pairs_get(p, fg, SAINT_UI_COLOR_DEFAULT, photo) : 0;
    if (init_extended_pair(pair, number_of(p, fg, false), number_of(p, bg, true)) == ERR) return 0;
    p->slot[at] = (saint_ui_pair_slot){key, pair};
    p->n++;
    return pair;
}
