/* json_text.h - texts and numbers as JSON, straight into a growing text. */
#ifndef SAINT_APP_EXPORT_JSON_TEXT_H
#define SAINT_APP_EXPORT_JSON_TEXT_H

#include "export/text.h"

/* Quoted and escaped; what is no UTF-8 becomes U+FFFD. */
void json_text(text_buf *out, const char *text);
/* NaN and infinity become null. */
void json_number(text_buf *out, double x);

#endif
