/* What an earlier workbench left beside a sweep: whatever is accepted can be written and is read back the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/sweeps/child.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    launch_record r, copy = {0};
    saint_error e;
    if (launch_parse((const char *)data, size, &r, &e) != SAINT_OK) {
        if (r.argc || r.argv) abort();
        return 0;
    }
    if (r.argc < 1 || r.argc > LAUNCH_ARGS_MOST || r.argv[r.argc] || r.pid < 0 || !*child_state_name(r.state)) abort();
    if (launch_command(&copy, r.argc, (const char *const *)(void *)r.argv, &e) != SAINT_OK) abort();
    for (int i = 0; i < r.argc; i++)
        if (strcmp(copy.argv[i], r.argv[i])) abort();
    launch_free(&copy);
    launch_free(&r);
    return 0;
}
