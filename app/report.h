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
    bool shared; /* another saint used the device meanwhile: the times do not count */
} report_input;

/* In the words of every command whose times do not count. */
extern const char report_shared[];
/* "timing_valid", and where it is false "timing_note", beside the times of o. */
void report_company(cJSON *o, bool shared);

cJSON *report_json(const report_input *in);
void report_text(const report_input *in);

#endif
