/* What is kept between two starts: the session and the lines typed behind ":". */
#define _GNU_SOURCE
#include "ui/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"

bool ui_path(ui *u, ui_folder folder, const char *name, char *out, size_t size)
{
    static const folder_kind kinds[] = {[UI_CONFIG] = FOLDER_CONFIG, [UI_STATE] = FOLDER_STATE, [UI_CACHE] = FOLDER_CACHE};
    char path[4096];
    saint_error e = {0};
    if (default_folder(kinds[folder], path, sizeof path, &e) != SAINT_OK) {
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, e.text);
        return false;
    }
    return snprintf(out, size, "%s%s%s", path, *name ? "/" : "", name) < (int)size;
}
