/* view_gallery.c - every page at several sizes, tiers and palettes as PNG and text, for people to look at.
 *   view_gallery OUT_FOLDER [PHOTO] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/view_samples.h"
#include "views/picture.h"

typedef struct {
    const char *name;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    saint_ui_palette_kind kind;
} look;

static const look looks[] = {
    {"dark", SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK},         {"light", SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_LIGHT},
    {"dark-256", SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_DARK},        {"light-256", SAINT_UI_256, SAINT_UI_BLOCKS, SAINT_UI_LIGHT},
    {"dark-16", SAINT_UI_16, SAINT_UI_BLOCKS, SAINT_UI_DARK},           {"dark-8", SAINT_UI_8, SAINT_UI_BLOCKS, SAINT_UI_DARK},
    {"ascii-256", SAINT_UI_256, SAINT_UI_ASCII, SAINT_UI_DARK},         {"ascii-mono", SAINT_UI_MONO, SAINT_UI_ASCII, SAINT_UI_DARK},
    {"contrast", SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_CONTRAST}, {"light-mono", SAINT_UI_MONO, SAINT_UI_BRAILLE, SAINT_UI_LIGHT},
};

static int write_one(const char *folder, const char *name, const saint_ui_canvas *c, const look *k)
{
    char path[1024];
    saint_error e = {0};
    saint_image im = {0};
    bool light = k->kind == SAINT_UI_LIGHT;
    saint_ui_canvas shown = {0};
    if (saint_ui_canvas_resize(&shown, c->w, c->h, &e) != SAINT_OK) return fprintf(stderr, "%s\n", e.text), 1;
    memcpy(shown.cell, c->cell, (size_t)c->w * (size_t)c->h * sizeof *c->cell);
    saint_ui_canvas_reduce(&shown, k->tier);
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    saint_status s = saint_ui_picture(&shown, light ? 0xfafaf7 : 0x14171d, light ? 0x202328 : 0xdce0e7, &im, &e);
    if (s == SAINT_OK) s = saint_image_write_png(&im, path, &e);
    saint_image_free(&im);
    char *text = saint_ui_canvas_dump(&shown, false);
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    FILE *f = fopen(path, "w");
    if (f && text) fputs(text, f);
    if (f) fclose(f);
    free(text);
    saint_ui_canvas_free(&shown);
    if (s != SAINT_OK) return fprintf(stderr, "%s\n", e.text), 1;
    return 0;
}

int main(int argc, char **argv)
{
    saint_error e = {0};
    saint_image im = {0};
    sample s;
    if (argc < 2) return fprintf(stderr, "usage: view_gallery OUT_FOLDER [PHOTO]\n"), 2;
    if ((argc > 2 && saint_image_load(argv[2], &im, &e) != SAINT_OK) || sample_make(&s, &im, &e) != SAINT_OK)
        return fprintf(stderr, "%s\n", e.text), 2;
    mkdir(argv[1], 0777);
    static const int sizes[][2] = {{80, 24}, {120, 36}, {200, 60}};
    int failed = 0;
    for (size_t k = 0; k < sizeof looks / sizeof *looks; k++)
        for (int size = 0; size < 3; size++)
            for (int page = 0; page < SAINT_UI_PAGE_LOG; page++) {
                if (k > 1 && (size != 1 || page > 1) && !(k == 2 && page == SAINT_UI_PAGE_CHARTS && size == 1)) continue;
                saint_ui_canvas c = {0};
                saint_ui_theme theme;
                char name[128];
                saint_ui_theme_make(&theme, looks[k].kind, looks[k].tier, looks[k].glyphs);
                if (saint_ui_canvas_resize(&c, sizes[size][0], sizes[size][1], &e) != SAINT_OK) return 1;
                sample_page(saint_ui_pen_whole(&c, &theme, NULL), &s, (saint_ui_page)page,
                            page == SAINT_UI_PAGE_COMPARE ? SAINT_UI_PHOTO_DIM : SAINT_UI_PHOTO_DIM, SAMPLE_NO_OVERLAY,
                            page == SAINT_UI_PAGE_SWEEP ? SAINT_UI_PANE_RUNS : SAINT_UI_PANE_PARAMS, &e);
                snprintf(name, sizeof name, "%s-%dx%d-%s", looks[k].name, c.w, c.h,
                         page == SAINT_UI_PAGE_COMPARE ? "AB" : saint_ui_page_title(page));
                failed += write_one(argv[1], name, &c, &looks[k]);
                saint_ui_canvas_free(&c);
            }
    for (int style = 1; style < SAINT_UI_PHOTO_STYLES + 2; style++) { /* mark styles and overlays */
        saint_ui_canvas c = {0};
        saint_ui_theme theme;
        char name[128];
        saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_DIRECT, SAINT_UI_BRAILLE);
        if (saint_ui_canvas_resize(&c, 120, 36, &e) != SAINT_OK) return 1;
        sample_overlay overlay = style < SAINT_UI_PHOTO_STYLES ? SAMPLE_NO_OVERLAY : (sample_overlay)(style - SAINT_UI_PHOTO_STYLES + 1);
        sample_page(saint_ui_pen_whole(&c, &theme, NULL), &s, SAINT_UI_PAGE_INSPECT,
                    overlay ? SAINT_UI_PHOTO_DIM : (saint_ui_photo_style)style, overlay, SAINT_UI_PANE_IMAGE, &e);
        snprintf(name, sizeof name, "style-%d", style);
        failed += write_one(argv[1], name, &c, &looks[0]);
        saint_ui_canvas_free(&c);
    }
    sample_free(&s);
    return failed ? 1 : 0;
}
