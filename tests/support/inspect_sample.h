/* inspect_sample.h - a workbench that has run: a model and a run made up from the sample scene (view_samples.h), no engine behind it, no clock. What the
 * panes draw from it is the same everywhere. */
#ifndef SAINT_TESTS_SUPPORT_INSPECT_SAMPLE_H
#define SAINT_TESTS_SUPPORT_INSPECT_SAMPLE_H

#include "support/view_samples.h"
#include "ui/inspect/inspect.h"

typedef struct {
    ui u;
    sample s;
    saint_model_info info;
    uint8_t marked[SAMPLE_STEPS];
} inspect_sample;

/* The live plan prunes after ViT layer 19 (iterative_drop_full_graph, seven rounds) and LLM layers 7 to 16 (saint_drop); the unpruned model has
 * run too. The cursor stands at ViT 19. */
saint_status inspect_sample_make(inspect_sample *s, saint_error *err);
void inspect_sample_free(inspect_sample *s);
/* A patch under the microscope, with an answer as a session would have given it. */
void inspect_sample_look(inspect_sample *s, int patch);
/* The panes of the page at the size of the canvas; header, message and footer are left blank. */
void inspect_sample_draw(inspect_sample *s, saint_ui_canvas *c);

#endif
