/* Lines of records and texts of trials: what is accepted can be written and read again, and is the same then. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eval/folder.h"
#include "eval/trial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record(const char *text, size_t n)
{
    eval_result r, again;
    char *uid, *name;
    saint_error e;
    if (eval_line_parse(text, n, &uid, &r, &e) != SAINT_OK) {
        if (uid || strchr(e.text, '\n')) abort();
        return;
    }
    char *out = eval_line_text(uid, &r), *twice;
    if (!out || eval_line_parse(out, strlen(out), &name, &again, &e) != SAINT_OK) abort();
    if (!(twice = eval_line_text(name, &again)) || strcmp(out, twice) != 0) abort();
    free(out);
    free(twice);
    free(uid);
    free(name);
    eval_result_free(&r);
    eval_result_free(&again);
}

static void trial(const char *text)
{
    static saint_settings s;
    static const saint_model_info m = {
        .name = "fuzz", .vit_layers = 24, .vit_layers_run = 23, .vit_prefix = 1, .grid_w = 24, .grid_h = 24, .llm_layers = 32};
    int max_new;
    saint_error e;
    if (eval_trial_parse(text, &s, &max_new, &e) != SAINT_OK) return;
    eval_trial t = {.settings = s, .max_new_tokens = max_new, .twin_of = -1}, back;
    if (eval_trial_identify(&t, &m, &e) != SAINT_OK) return;
    if (eval_trial_restore(t.config, &m, &back, &e) != SAINT_OK || strcmp(back.config, t.config) != 0) abort();
    eval_trial_free(&t);
    eval_trial_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    record(text, size);
    trial(text);
    free(text);
    return 0;
}
