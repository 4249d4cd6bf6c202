/* inspect.h - what the panes of the Inspect page share beside the state of the workbench: the microscope's last answer, the brush, the lists that
 * fields are made from. */
#ifndef SAINT_APP_INSPECT_H
#define SAINT_APP_INSPECT_H

#include "ui/inspect/fields.h"
#include "ui/inspect/history.h"
#include "ui/inspect/microscope.h"

/* `what` of the places that answer the mouse. */
enum { UI_HIT_PATCH = 100, UI_HIT_FIELD = 110, UI_HIT_SLIDER = UI_HIT_FIELD + 1, UI_HIT_LAYER = 120, UI_HIT_NEAR = 130 };

typedef struct {
    /* the microscope: asked again when any of these differs */
    bool asked;
    uint64_t version;
    const void *record;
    int patch, column, at, round;
    ui_token token;
    float *similarity; /* [patches] to the patch, NaN = gone; NULL until asked */
    bool complete;     /* hints too, not only neighbours */
} ui_lens;

struct ui_inspect {
    ui_presets presets;
    bool all_fields;     /* also what no present method reads */
    ui_lens lens;
    int drag_field;      /* the field whose slider is under the button, -1 = none */
    bool brush_down;     /* the button paints: all of it is one entry of undo */
    bool brush_keep;     /* what it paints */
    double brush_since;
    int brush_last;      /* patch painted last, for lines between two mouse positions; -1 = none */
    int brush_size;      /* patches around the one under the cursor: 0, 1, 2 */
    int strip_drag;      /* 1: the cursor follows the mouse, 2: marking */
    bool strip_mark;     /* what marking does */
    saint_ui_rect photo; /* cells of the picture at the last drawing, */
    saint_view_rect seen; /* the part of it that they show, all zero = all; */
    double fit;          /* columns of a patch there when all is shown, */
    double view[4];      /* and what is shown, in patches: left, top, columns, rows */
    bool zoom_choose;    /* the next drawing chooses a level for the pane it finds */
    double zoom_before;  /* columns of a patch that it has to surpass */
    saint_ui_pane_id zoom_from; /* had the focus before the picture took the page */
    bool pan;            /* the middle button holds the picture, */
    int pan_x, pan_y;    /* at this cell */
    bool zoom_follow;    /* the next drawing brings the patch under the cursor into view */
    int facts_top, token_top;
};

ui_inspect *ui_inspect_of(const ui *u); /* never NULL after the module has opened */

/* ---- edit.c: what a change of the plan goes through ---- */

/* Take settings as one change with a key for grouping and a time (ui_assign and ui_replace do it at ui_now). false: refused and said. */
bool ui_edit(ui *u, const saint_settings *s, const char *key, const char *label, double at);
/* Switch a stage on that was off, without the sites that the settings hold for it: what follows is meant to act alone. */
void ui_stage_alone(saint_settings *s, saint_stage stage);
/* Set the methods of some layers of a stage, "prune_mode[3,5]", from the strip or a field; switches the stage on when the mode leaves it out. */
bool ui_assign_layers(ui *u, saint_stage stage, const char *key, const char *value);
/* Make u->fields anew from the live plan, the model, the cursor and the marks. */
void ui_fields_refresh(ui *u);
/* Assign what a field now shows. */
bool ui_apply_field(ui *u, int i);

/* ---- lens.c ---- */

/* Ask about the patch under the cursor again when anything changed. hints: also the searched ones (some milliseconds). NULL: no patch chosen,
 * nothing known. */
const ui_token *ui_lens_look(ui *u, bool hints);

/* ---- paint.c ---- */

/* One patch in (true) or out at the cursor's layer; starts a list from what is kept there. false: it cannot be, and the message row says why. */
bool ui_paint(ui *u, int patch, bool keep);
/* All patches on the line between two, as a fast mouse skips cells. */
void ui_paint_line(ui *u, int from, int to, bool keep);

/* What is known of the patch under the cursor, in words (pane_token.c): the lines it takes. */
int ui_token_draw(ui *u, saint_ui_pen in);

/* ---- pane_facts.c ---- */

/* The numbers give way to the token while the cursor is on the picture, because the layout has no pane with room for it. */
bool ui_token_in_facts(const ui *u);
/* The answer and the right one; in more than one row also how it agrees with the unpruned model's. Returns the rows it took. */
int ui_answer_draw(ui *u, saint_ui_pen in, int rows);
/* The same in so many columns, for the edge of a pane: "No, right: Yes, not as unpruned"; "" before there is one. */
char *ui_answer_words(const ui *u, char *out, size_t size, int columns);

/* ---- zoom.c ---- */

/* The part of the picture to show in max_w x max_h cells: sets photo->seen, and what the mouse and the arrows need to know of it. */
void ui_zoom_view(ui *u, saint_ui_photo *photo, int max_w, int max_h);
/* " \u00b7 2.0x, patches 4-15 x 2-9", or "" when all is shown. */
char *ui_zoom_words(const ui *u, char *out, size_t size);
/* Forget it: another model, or Escape. false: there was nothing to forget. */
bool ui_zoom_off(ui *u);

/* ---- words that several panes say ---- */

const char *ui_known_word(ui_known k); /* "measured", "predicted", "stale", "not known" */
/* "ViT 9", "LLM 3" */
char *ui_layer_name(const ui *u, int column, char *out, size_t size);

#endif
