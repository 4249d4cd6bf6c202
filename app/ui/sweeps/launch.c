#define _GNU_SOURCE
#include "ui/sweeps/child.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 20 };

void launch_boot(char out[40])
{
    out[0] = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n = read(fd, out, 39);
    close(fd);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

void launch_free(launch_record *r)
{
    if (!r) return;
    for (int i = 0; i < r->argc; i++) free(r->argv[i]);
    free(r->argv);
    *r = (launch_record){0};
}

saint_status launch_command(launch_record *r, int argc, const char *const *argv, saint_error *err)
{
    if (argc < 1 || argc > LAUNCH_ARGS_MOST) return saint_fail(err, SAINT_INVALID, "a command of 1 to %d words, found %d", LAUNCH_ARGS_MOST, argc);
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    if (!copy) return saint_fail(err, SAINT_MEMORY, "no memory for a command");
    for (int i = 0; i < r->argc; i++) free(r->argv[i]);
    free(r->argv);
    r->argv = copy;
    r->argc = argc;
    for (int i = 0; i < argc; i++)
        if (!(copy[i] = strdup(argv[i]))) return saint_fail(err, SAINT_MEMORY, "no memory for a command");
    return SAINT_OK;
}

static char *path_of(const char *folder)
{
    char *path = NULL;
    return asprintf(&path, "%s/launch.json", folder) < 0 ? NULL : path;
}

saint_status launch_save(const char *folder, const launch_record *r, saint_error *err)
{
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "argv");
    char *path = path_of(folder), *text = NULL, ticks[32];
    saint_status s = SAINT_MEMORY;
    for (int i = 0; i < r->argc; i++) cJSON_AddItemToArray(list, cJSON_CreateString(r->argv[i]));
    snprintf(ticks, sizeof ticks, "%llu", (unsigned long long)r->ticks); /* more digits than a double has */
    cJSON_AddStringToObject(o, "state", child_state_name(r->state));
    cJSON_AddNumberToObject(o, "pid", (double)r->pid);
    cJSON_AddStringToObject(o, "ticks", ticks);
    cJSON_AddStringToObject(o, "boot", r->boot);
    if (list && cJSON_GetArraySize(list) == r->argc) text = cJSON_Print(o);
    cJSON_Delete(o);
    if (path && text) s = saint_file_write(path, text, strlen(text), err);
    else saint_fail(err, SAINT_MEMORY, "%s: no memory for launch.json", folder);
    cJSON_free(text);
    free(path);
    return s;
}

static saint_status read_argv(const cJSON *list, launch_record *out, saint_error *err)
{
    int n = cJSON_GetArraySize(list), at = 0;
    if (!cJSON_IsArray(list) || n < 1 || n > LAUNCH_ARGS_MOST)
        return saint_fail(err, SAINT_FORMAT, "launch.json: argv: expected 1 to %d words, found %d", LAUNCH_ARGS_MOST, n);
    const char **word = calloc((size_t)n, sizeof *word);
    if (!word) return saint_fail(err, SAINT_MEMORY, "launch.json: no memory");
    saint_status s = SAINT_OK;
    for (const cJSON *c = list->child; c && s == SAINT_OK; c = c->next) {
        if (!cJSON_IsString(c)) s = saint_fail(err, SAINT_FORMAT, "launch.json: argv[%d]: expected a string", at);
        else word[at++] = c->valuestring;
    }
    if (s == SAINT_OK) s = launch_command(out, n, word, err);
    free(word);
    return s;
}

static saint_status read_state(const char *name, launch_record *out, saint_error *err)
{
    for (int i = 0; i < CHILD_STATES; i++)
        if (name && strcmp(name, child_state_name((child_state)i)) == 0) return out->state = (child_state)i, SAINT_OK;
    return saint_fail(err, SAINT_FORMAT, "launch.json: state: no such state");
}

saint_status launch_parse(const char *text, size_t n, launch_record *out, saint_error *err)
{
    static const char what[] = "launch.json";
    const char *state = NULL, *ticks = "0", *boot = "";
    int pid = 0;
    cJSON *o = NULL;
    *out = (launch_record){0};
    saint_status s = saint_json_parse(text, n, FILE_MOST, what, &o, err);
    if (s == SAINT_OK && !cJSON_IsObject(o)) s = saint_fail(err, SAINT_FORMAT, "%s: expected an object", what);
    if (s == SAINT_OK) s = read_argv(cJSON_GetObjectItemCaseSensitive(o, "argv"), out, err);
    if (s == SAINT_OK) s = saint_json_string(o, "state", &state, what, err);
    if (s == SAINT_OK) s = read_state(state, out, err);
    if (s == SAINT_OK) s = saint_json_int(o, "pid", 0, 1 << 30, &pid, what, err);
    if (s == SAINT_OK) s = saint_json_string(o, "ticks", &ticks, what, err);
    if (s == SAINT_OK) s = saint_json_string(o, "boot", &boot, what, err);
    if (s == SAINT_OK) {
        out->pid = pid;
        out->ticks = strtoull(ticks, NULL, 10);
        snprintf(out->boot, sizeof out->boot, "%s", boot);
    } else launch_free(out);
    cJSON_Delete(o);
    return s;
}

saint_status launch_load(const char *folder, launch_record *out, saint_error *err)
{
    char *path = path_of(folder), *text = NULL;
    size_t n = 0;
    *out = (launch_record){0};
    if (!path) return saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
    saint_status s = saint_file_read(path, FILE_MOST, &text, &n, err);
    if (s == SAINT_OK) s = launch_parse(text, n, out, err);
    free(text);
    free(path);
    return s;
}
