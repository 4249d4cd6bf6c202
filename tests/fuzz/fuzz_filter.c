/* Filter expressions over a table of two trials: any text is an expression or one sentence about why it is none. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "export/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char config[] = "{\"keep_num\":{\"9\":145},\"mode\":\"vit\",\"prune_mode\":{\"0-8\":\"None\",\"9\":\"random\"}}";
static char name[] = "keep_num=145", model[] = "m", kind[] = "mme:x", f32[] = "f32", cpu[] = "cpu";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sweep_trial trial[2] = {
        {.trial = {.config = config, .name = name, .twin_of = -1},
         .state = "complete",
         .summary = {.main_name = "accuracy", .n_total = 4, .n_done = 4}},
        {.trial = {.config = config, .name = name, .twin_of = 0, .ordinal = 1}, .state = "planned", .summary = {.main_name = ""}}};
    sweep_data s = {.model = model, .data = kind, .dtype = f32, .backend = cpu, .n_trials = 2, .baseline = -1, .trial = trial};
    saint_error e = {0};
    table *t;
    filter *f;
    char *text = malloc(size + 1);
    if (!text || table_trials(&s, &t, NULL) != SAINT_OK) abort();
    memcpy(text, data, size);
    text[size] = 0;
    saint_status st = filter_parse(text, t, &f, &e);
    if (st != SAINT_OK && (st != SAINT_INVALID || !e.text[0] || f)) abort();
    for (size_t row = 0; st == SAINT_OK && row < 2; row++) (void)filter_pass(f, t, row);
    filter_free(f);
    table_free(t);
    free(text);
    return 0;
}
