/* json_text.c - see json_text.h. */
#include "export/json_text.h"

#include <math.h>
#include <string.h>

void json_text(text_buf *out, const char *text)
{
    text_char(out, '"');
    for (const char *p = text; *p;) {
        size_t n = text_character(p);
        const char *mark = n == 1 ? strchr("\bb\ff\nn\rr\tt", *p) : NULL;
        if (n == 0) text_put(out, "\xef\xbf\xbd");
        else if (*p == '"' || *p == '\\') text_format(out, "\\%c", *p);
        else if ((unsigned char)*p < 0x20 && mark) text_format(out, "\\%c", mark[1]);
        else if ((unsigned char)*p < 0x20 || *p == 0x7f) text_format(out, "\\u%04x", (unsigned char)*p);
        else text_bytes(out, p, n);
        p += n ? n : 1;
    }
    text_char(out, '"');
}

void json_number(text_buf *out, double x)
{
    if (isfinite(x)) text_number(out, x);
    else text_put(out, "null");
}
