/* report.h - a finished run as JSON (DESIGN.md section 3) and as text. */
#ifndef SAINT_APP_REPORT_H
#define SAINT_APP_REPORT_H

#include "device_use.h"
#include "engine.h"

typedef struct {
    const saint_model *model;
    const saint_trace *trace;
    const saint_settings *settings;
    const char *const *files; /* [n_images] picture paths, or NULL */
    double decode_image_seconds;
    device_company company; /* whether the times count */
} report_input;

/* "timing_valid", and where it is false "timing_note", beside the times of o. */
void report_company(cJSON *o, device_company c);

cJSON *report_json(const report_input *in);
void report_text(const report_input *in);

#endif
