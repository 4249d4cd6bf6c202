/* Whatever the guard accepts, cJSON must print and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *v, *again;
    saint_error e;
    if (saint_json_parse((const char *)data, size, 1 << 20, "fuzz", &v, &e) != SAINT_OK) return 0;
    int i = 0;
    double d = 0;
    bool b = false;
    const char *s = NULL;
    (void)saint_json_int(v, "a", 0, 10, &i, "fuzz", &e);
    (void)saint_json_double(v, "a", &d, "fuzz", &e);
    (void)saint_json_bool(v, "a", &b, "fuzz", &e);
    (void)saint_json_string(v, "a", &s, "fuzz", &e);
    char *text = cJSON_PrintUnformatted(v);
    if (!text || saint_json_parse(text, strlen(text), (size_t)1 << 30, "again", &again, &e) != SAINT_OK) abort();
    cJSON_Delete(again);
    cJSON_free(text);
    cJSON_Delete(v);
    return 0;
}
