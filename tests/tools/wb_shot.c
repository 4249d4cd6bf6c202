/* wb_shot.c - a picture of what a terminal's emulator shows of the workbench: for the README and for looking at colours. Not a test.
 *
 *   wb_shot OUT.png COLUMNSxROWS direct|256|8|mono|ascii UNTIL [KEYS...] -- [arguments of saint]
 *
 * Waits until the text UNTIL stands on the screen, types each of KEYS (as bytes; \e is Escape, \r is Enter) and waits for stillness behind
 * each; until:TEXT among them waits for a text. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/workbench.h"
#include "views/picture.h"

static const wb_env envs[] = {{"xterm-256color", "C.UTF-8", "truecolor", NULL}, {"xterm-256color", "C.UTF-8", "", NULL}, {"xterm", "C.UTF-8", "", NULL},
                              {"xterm-256color", "C.UTF-8", "truecolor", "NO_COLOR=1"}, {"xterm", "C", "", NULL}};
static const char *const names[] = {"direct", "256", "8", "mono", "ascii"};

static void type(vt *t, const char *text)
{
    char bytes[512];
    size_t n = 0;
    for (; *text && n + 2 < sizeof bytes; text++) {
        if (text[0] == '\\' && text[1] == 'e') bytes[n++] = '\033', text++;
        else if (text[0] == '\\' && text[1] == 'r') bytes[n++] = '\r', text++;
        else bytes[n++] = *text;
    }
    bytes[n] = 0;
    vt_type(t, bytes);
}

static saint_status save(const vt *t, const char *path, bool light, saint_error *err)
{
    saint_ui_canvas c = {0};
    saint_image im = {0};
    saint_status s = saint_ui_canvas_resize(&c, t->w, t->h, err);
    for (int y = 0; y < t->h && s == SAINT_OK; y++)
        for (int x = 0; x < t->w; x++) c.cell[y * t->w + x] = vt_cell(t, x, y);
    if (s == SAINT_OK) s = saint_ui_picture(&c, light ? 0xfafaf7 : 0x15171e, light ? 0x202020 : 0xd8dae0, &im, err);
    if (s == SAINT_OK) s = saint_image_write_png(&im, path, err);
    saint_image_free(&im);
    saint_ui_canvas_free(&c);
    return s;
}

int main(int argc, char **argv)
{
    int w, h, tier = 0, last = 5;
    while (last < argc && strcmp(argv[last], "--")) last++;
    while (argc > 4 && tier < 5 && strcmp(argv[3], names[tier])) tier++;
    if (argc < 6 || tier == 5 || last == argc || sscanf(argv[2], "%dx%d", &w, &h) != 2)
        return fprintf(stderr, "usage: wb_shot OUT.png COLUMNSxROWS direct|256|8|mono|ascii UNTIL [KEYS...] -- [arguments of saint]\n"), 2;
    saint_error e = {0};
    bool light = false;
    for (int i = last; i < argc; i++) light = light || !strcmp(argv[i], "light");
    vt t;
    wb_begin();
    if (!wb_open(&t, w, h, &envs[tier], "idle", (const char *const *)argv + last + 1) || !vt_until(&t, argv[4])) {
        fprintf(stderr, "wb_shot: \"%s\" never stood on the screen\n", argv[4]);
        return 1;
    }
    for (int i = 5; i < last; i++) {
        if (strncmp(argv[i], "until:", 6) != 0) type(&t, argv[i]);
        else if (!vt_until(&t, argv[i] + 6)) return fprintf(stderr, "wb_shot: \"%s\" never stood on the screen\n", argv[i] + 6), 1;
    }
    saint_status s = save(&t, argv[1], light, &e);
    vt_close(&t);
    wb_end();
    return s == SAINT_OK ? 0 : (fprintf(stderr, "wb_shot: %s\n", e.text), 1);
}
