/* A session file: whatever it holds, a screen can be drawn from it; a plan that is taken is written and read as the same plan. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/loop/core.h"
#include "ui/loop/settings_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void plan(const cJSON *c)
{
    saint_settings s, again;
    saint_error e = {0};
    memset(&s, 0, sizeof s);
    memset(&again, 0, sizeof again);
    if (ui_settings_read(c, &s, &e) != SAINT_OK) {
        if (!e.text[0]) abort();
        return;
    }
    cJSON *w = ui_settings_write(&s);
    if (!w || ui_settings_read(w, &again, &e) != SAINT_OK || memcmp(&s, &again, sizeof s)) abort();
    cJSON_Delete(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ui_options options = {.headless = true};
    static ui *u;
    cJSON *c = NULL;
    if (!u && ui_new(&options, &u, NULL) != SAINT_OK) abort();
    if (saint_json_parse((const char *)data, size, 1 << 20, "session", &c, NULL) != SAINT_OK) return 0;
    ui_session_take(u, c);
    plan(cJSON_GetObjectItemCaseSensitive(c, "plan"));
    ui_frame(u);
    cJSON_Delete(c);
    return 0;
}
