/* report.h - a finished run as JSON (DESIGN.md section 3) and as text. */
#ifndef SAINT_APP_REPORT_H
#define SAINT_APP_REPORT_H

#include "engine.h"

typedef struct {
    const saint_model *model;
    const saint_trace *trace;
    const saint_settings *settings;
    const char *const *files; /* [n_images] picture paths, or NULL */
    double decode_image_seconds;
} report_input;

cJSON *report_json(const report_input *in);
void report_text(const report_input *in);

#endif
