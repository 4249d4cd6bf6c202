#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

const char *saint_status_text(saint_status s)
{
    static const char *const text[] = {
#define X(name, words) words,
        SAINT_STATUS_MAP(X)
#undef X
    };
    return (unsigned)s < SAINT_STATUS_COUNT ? text[s] : "an unknown status";
}

saint_status saint_fail(saint_error *err, saint_status code, const char *fmt, ...)
{
    if (!err) return code;
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    for (char *p = err->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
    return code;
}
