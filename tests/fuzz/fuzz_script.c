/* A line of a script: whatever is accepted keeps its promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/loop/script.h"
#include "views/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ui_script_line l;
    saint_error e = {0};
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (ui_script_parse(text, &l, &e) != SAINT_OK) {
        if (!e.text[0]) abort(); /* a refusal says why */
    } else {
        if (memchr(l.text, 0, sizeof l.text) == NULL) abort();
        if (l.kind == UI_SCRIPT_SIZE && (l.x < 1 || l.y < 1 || l.x > 4096 || l.y > 4096)) abort();
        if (l.kind == UI_SCRIPT_WAIT && !(l.seconds == -1 || (l.seconds >= 0 && l.seconds <= 3600))) abort();
        if (l.kind == UI_SCRIPT_EXPECT_EXIT && (l.x < 0 || l.x > 255)) abort();
        if (l.kind == UI_SCRIPT_MOUSE && (l.mouse < 0 || l.mouse > 5 || l.x < 0 || l.y < 0)) abort();
        if ((l.kind == UI_SCRIPT_EXPECT || l.kind == UI_SCRIPT_SCREEN || l.kind == UI_SCRIPT_KEY) && !l.text[0]) abort();
    }
    free(text);
    return 0;
}
