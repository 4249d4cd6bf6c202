/* plan_file.c - a plan on disk. plan.json appears whole under its name or not at all; spec.json only grows. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sweep/folder.h"
#include "sweep/lines.h"
#include "sweep/plan.h"
#include "version.h"

enum { PLAN_BYTES = 1 << 20, SPEC_FILE_BYTES = 256 << 20 };

static saint_status no_memory(saint_error *err) { return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size"); }

/* ---- plan.json --------------------------------------------------------------------------------------------------- */

static void add_text(cJSON *o, const char *key, const char *text)
{
    if (text) cJSON_AddStringToObject(o, key, text);
}

cJSON *sweep_plan_json(const sweep_plan *p)
{
    cJSON *o = cJSON_CreateObject(), *model, *data;
    cJSON_AddNumberToObject(o, "v", 1);
    cJSON_AddStringToObject(o, "id", p->id);
    cJSON_AddStringToObject(o, "name", p->name);
    cJSON_AddItemToObject(o, "identity", cJSON_Parse(p->identity));
    model = cJSON_AddObjectToObject(o, "model");
    add_text(model, "path", p->model);
    add_text(model, "vision_tower", p->vision_tower);
    add_text(model, "name", p->model_name);
    add_text(model, "family", p->model_family);
    add_text(model, "format", p->model_format);
    add_text(model, "sha256", p->model_sha256);
    cJSON_AddBoolToObject(model, "sha256_sampled", p->model_sha256_sampled);
    cJSON_AddNumberToObject(model, "params", p->model_params);
    add_text(model, "weight_dtype", p->weight_dtype);
    data = cJSON_AddObjectToObject(o, "data");
    add_text(data, "path", p->data);
    add_text(data, "split", p->split);
    add_text(data, "images", p->images);
    add_text(data, "sha256", p->data_sha256);
    add_text(data, "prompt", p->prompt);
    cJSON_AddNumberToObject(data, "samples", (double)p->n_samples);
    add_text(o, "dtype", p->dtype);
    add_text(o, "backend", p->backend);
    add_text(o, "parser", saint_parser_name(p->parser));
    add_text(o, "version", saint_version);
    add_text(o, "commit", saint_commit);
    cJSON_AddNumberToObject(o, "created", (double)time(NULL));
    return o;
}

static saint_status take_text(const cJSON *o, const char *key, bool needed, char **out, const char *what, saint_error *err)
{
    const char *text = NULL;
    saint_status s = saint_json_string(o, key, &text, what, err);
    if (s != SAINT_OK || (!text && !needed)) return s;
    if (!text) return saint_fail(err, SAINT_FORMAT, "%s: expected a text \"%s\"", what, key);
    *out = strdup(text);
    return *out ? SAINT_OK : no_memory(err);
}

static saint_status take_hash(const cJSON *o, char **out, const char *what, saint_error *err)
{
    saint_status s = take_text(o, "sha256", true, out, what, err);
    if (s == SAINT_OK && (strlen(*out) != 64 || strspn(*out, "0123456789abcdef") != 64))
        return saint_fail(err, SAINT_FORMAT, "%s: sha256: expected 64 hexadecimal digits", what);
    return s;
}

static saint_status take_id(const cJSON *o, sweep_plan *p, const char *what, saint_error *err)
{
    const char *id = "", *name = "";
    saint_status s = saint_json_string(o, "id", &id, what, err);
    if (s == SAINT_OK) s = saint_json_string(o, "name", &name, what, err);
    if (s != SAINT_OK) return s;
    if (strlen(id) != 16 || strspn(id, "0123456789abcdef") != 16)
        return saint_fail(err, SAINT_FORMAT, "%s: id: expected 16 hexadecimal digits", what);
    memcpy(p->id, id, sizeof p->id);
    snprintf(p->name, sizeof p->name, "%s", name);
    cJSON *identity = cJSON_GetObjectItemCaseSensitive(o, "identity");
    if (!cJSON_IsObject(identity)) return saint_fail(err, SAINT_FORMAT, "%s: expected an object \"identity\"", what);
    char *text = cJSON_PrintUnformatted(identity);
    p->identity = text ? strdup(text) : NULL;
    cJSON_free(text);
    return p->identity ? SAINT_OK : no_memory(err);
}

saint_status sweep_plan_take(const cJSON *o, sweep_plan *p, const char *what, saint_error *err)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(o, "model"), *data = cJSON_GetObjectItemCaseSensitive(o, "data");
    const char *parser = "lmms";
    double samples = -1;
    int version = 0;
    saint_status s = saint_json_int(o, "v", 0, 1000, &version, what, err);
    if (s == SAINT_OK && version != 1) s = saint_fail(err, SAINT_FORMAT, "%s: expected a plan of version 1, found %d", what, version);
    if (s == SAINT_OK && (!cJSON_IsObject(model) || !cJSON_IsObject(data)))
        s = saint_fail(err, SAINT_FORMAT, "%s: expected objects \"model\" and \"data\"", what);
    if (s == SAINT_OK) s = take_id(o, p, what, err);
    if (s == SAINT_OK) s = take_text(model, "path", true, &p->model, what, err);
    if (s == SAINT_OK) s = take_text(model, "vision_tower", false, &p->vision_tower, what, err);
    if (s == SAINT_OK) s = take_text(model, "name", true, &p->model_name, what, err);
    if (s == SAINT_OK) s = take_text(model, "family", true, &p->model_family, what, err);
    if (s == SAINT_OK) s = take_text(model, "format", false, &p->model_format, what, err);
    if (s == SAINT_OK) s = take_hash(model, &p->model_sha256, what, err);
    if (s == SAINT_OK) s = saint_json_bool(model, "sha256_sampled", &p->model_sha256_sampled, what, err);
    if (s == SAINT_OK) s = saint_json_double(model, "params", &p->model_params, what, err);
    if (s == SAINT_OK) s = take_text(model, "weight_dtype", true, &p->weight_dtype, what, err);
    if (s == SAINT_OK) s = take_text(data, "path", true, &p->data, what, err);
    if (s == SAINT_OK) s = take_text(data, "split", false, &p->split, what, err);
    if (s == SAINT_OK) s = take_text(data, "images", false, &p->images, what, err);
    if (s == SAINT_OK) s = take_hash(data, &p->data_sha256, what, err);
    if (s == SAINT_OK) s = take_text(data, "prompt", true, &p->prompt, what, err);
    if (s == SAINT_OK) s = saint_json_double(data, "samples", &samples, what, err);
    if (s == SAINT_OK) s = take_text(o, "dtype", true, &p->dtype, what, err);
    if (s == SAINT_OK) s = take_text(o, "backend", true, &p->backend, what, err);
    if (s == SAINT_OK) s = saint_json_string(o, "parser", &parser, what, err);
    if (s != SAINT_OK) return s;
    if (!(samples >= 0 && samples < 1e9) || samples != floor(samples))
        return saint_fail(err, SAINT_FORMAT, "%s: samples: expected a count", what);
    p->parser = strcmp(parser, "official") == 0 ? SAINT_PARSER_OFFICIAL : SAINT_PARSER_LMMS;
    p->n_samples = (size_t)samples;
    p->wanted = calloc(p->n_samples + 1, sizeof *p->wanted);
    return p->wanted ? SAINT_OK : no_memory(err);
}

/* ---- lines of spec.json ------------------------------------------------------------------------------------------ */

static void add_samples(cJSON *o, const sweep_plan *p)
{
    cJSON *list = cJSON_AddArrayToObject(o, "samples");
    for (size_t i = 0, next; i < p->n_samples; i = next) {
        for (next = i + 1; next < p->n_samples && p->wanted[next] == p->wanted[i];) next++;
        if (p->wanted[i]) cJSON_AddItemToArray(list, cJSON_CreateDoubleArray((double[]){(double)i, (double)next - 1}, 2));
    }
}

static void add_trial(cJSON *list, const sweep_plan *p, int i)
{
    const eval_trial *t = &p->trial[i];
    cJSON *o = cJSON_CreateObject(), *given;
    cJSON_AddItemToArray(list, o);
    cJSON_AddStringToObject(o, "name", t->name);
    cJSON_AddStringToObject(o, "config", t->config);
    if (t->baseline) cJSON_AddBoolToObject(o, "baseline", true);
    if (t->twin_id) {
        char hex[17];
        snprintf(hex, sizeof hex, "%016" PRIx64, t->twin_id);
        cJSON_AddStringToObject(o, "twin_of", hex);
    }
    given = cJSON_AddArrayToObject(o, "given");
    for (size_t k = 0; k < p->given[i].n; k++) cJSON_AddItemToArray(given, cJSON_CreateString(p->given[i].text[k]));
}

saint_status sweep_plan_line(const sweep_plan *p, const sweep_plan *have, char **out, saint_error *err)
{
    bool more = have->asks == 0 || p->repeats > have->repeats || p->early_stop < have->early_stop || p->early_stop > have->early_stop;
    cJSON *o = cJSON_CreateObject(), *trials;
    *out = NULL;
    cJSON_AddNumberToObject(o, "v", 1);
    cJSON_AddRawToObject(o, "spec", p->spec);
    cJSON_AddNumberToObject(o, "repeats", p->repeats);
    cJSON_AddNumberToObject(o, "early_stop", p->early_stop);
    add_samples(o, p);
    trials = cJSON_AddArrayToObject(o, "trials");
    for (int i = 0; i < p->n_trials; i++)
        if (sweep_plan_trial(have, p->trial[i].id) < 0) {
            add_trial(trials, p, i);
            more = true;
        }
    for (size_t i = 0; i < p->n_samples; i++) more |= p->wanted[i] && !have->wanted[i];
    char *text = more ? cJSON_PrintUnformatted(o) : NULL;
    cJSON_Delete(o);
    if (more && !(*out = text ? strdup(text) : NULL)) {
        cJSON_free(text);
        return no_memory(err);
    }
    cJSON_free(text);
    return SAINT_OK;
}

static saint_status take_samples(const cJSON *list, sweep_plan *p, const char *what, saint_error *err)
{
    if (!cJSON_IsArray(list)) return saint_fail(err, SAINT_FORMAT, "%s: expected a list \"samples\"", what);
    for (const cJSON *v = list->child; v; v = v->next) {
        const cJSON *a = cJSON_GetArrayItem(v, 0), *b = cJSON_GetArrayItem(v, 1);
        if (!cJSON_IsNumber(a) || !cJSON_IsNumber(b) || !(a->valuedouble >= 0) || !(b->valuedouble >= a->valuedouble) ||
            !(b->valuedouble < (double)p->n_samples))
            return saint_fail(err, SAINT_FORMAT, "%s: samples: expected [first, last] below %zu", what, p->n_samples);
        for (size_t i = (size_t)a->valuedouble; i <= (size_t)b->valuedouble; i++) p->wanted[i] = true;
    }
    return SAINT_OK;
}

/* A trial that is there already is left out: two processes may have asked for it at once. */
static saint_status take_trial(const cJSON *o, sweep_plan *p, const char *what, saint_error *err)
{
    const char *name = NULL, *config = NULL, *twin = NULL;
    saint_error inner = {0};
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(o, "given");
    bool baseline = false;
    saint_status s = saint_json_string(o, "name", &name, what, err);
    if (s == SAINT_OK) s = saint_json_string(o, "config", &config, what, err);
    if (s == SAINT_OK) s = saint_json_string(o, "twin_of", &twin, what, err);
    if (s == SAINT_OK) s = saint_json_bool(o, "baseline", &baseline, what, err);
    if (s != SAINT_OK) return s;
    if (!name || !config || (given && !cJSON_IsArray(given)) || (twin && strspn(twin, "0123456789abcdef") != 16))
        return saint_fail(err, SAINT_FORMAT, "%s: expected trials with \"name\", \"config\" and \"given\"", what);
    if (p->n_trials >= SWEEP_TRIALS_MAX)
        return saint_fail(err, SAINT_FORMAT, "%s: expected at most %d trials in a sweep; start another one with --out", what,
                          SWEEP_TRIALS_MAX);
    eval_trial *t = sweep_plan_new_trial(p);
    if (!t || !(t->name = strdup(name)) || !(t->config = strdup(config))) return no_memory(err);
    int at = t->ordinal;
    saint_sha256 h;
    saint_sha256_init(&h);
    saint_sha256_update(&h, config, strlen(config));
    t->digest = saint_sha256_final(&h);
    for (int i = 0; i < 8; i++) t->id = t->id << 8 | t->digest.byte[i];
    t->baseline = baseline;
    if (twin) t->twin_id = strtoull(twin, NULL, 16);
    if (sweep_plan_trial(p, t->id) != at) {
        p->n_trials--;
        eval_trial_free(t);
        return SAINT_OK;
    }
    s = eval_trial_parse(config, &t->settings, &t->max_new_tokens, &inner);
    if (s != SAINT_OK) return saint_fail(err, s, "%s: %.60s: %s", what, name, inner.text);
    for (const cJSON *v = given ? given->child : NULL; v && s == SAINT_OK; v = v->next)
        s = cJSON_IsString(v) && strchr(v->valuestring, '=')
                ? sweep_texts_add(&p->given[at], v->valuestring, err)
                : saint_fail(err, SAINT_FORMAT, "%s: given: expected texts \"key=value\"", what);
    return s;
}

saint_status sweep_plan_add_line(sweep_plan *p, const char *text, size_t n, const char *what, saint_error *err)
{
    cJSON *o = NULL;
    char *object = malloc(n + 2);
    int repeats = 1;
    double stop = 0;
    if (!object) return no_memory(err);
    memcpy(object, text, n);
    object[n] = '}';
    saint_status s = saint_json_parse(object, n + 1, SWEEP_LINE_MAX, what, &o, err);
    free(object);
    if (s == SAINT_OK && !cJSON_IsObject(o)) s = saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object", what);
    if (s == SAINT_OK) s = saint_json_int(o, "repeats", 1, 1000, &repeats, what, err);
    if (s == SAINT_OK) s = saint_json_double(o, "early_stop", &stop, what, err);
    if (s == SAINT_OK) s = take_samples(cJSON_GetObjectItemCaseSensitive(o, "samples"), p, what, err);
    const cJSON *trials = s == SAINT_OK ? cJSON_GetObjectItemCaseSensitive(o, "trials") : NULL;
    if (s == SAINT_OK && !cJSON_IsArray(trials)) s = saint_fail(err, SAINT_FORMAT, "%s: expected a list \"trials\"", what);
    for (const cJSON *v = s == SAINT_OK ? trials->child : NULL; v && s == SAINT_OK; v = v->next) s = take_trial(v, p, what, err);
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(o, "spec");
    if (s == SAINT_OK && spec) {
        char *printed = cJSON_PrintUnformatted(spec);
        free(p->spec);
        p->spec = printed ? strdup(printed) : NULL;
        cJSON_free(printed);
        if (!p->spec) s = no_memory(err);
    }
    cJSON_Delete(o);
    if (s != SAINT_OK) return s;
    if ((unsigned)repeats > p->repeats) p->repeats = (unsigned)repeats;
    p->early_stop = stop >= 0 && stop <= 1 ? stop : 0;
    p->asks++;
    return SAINT_OK;
}

static saint_status read_lines(const char *path, sweep_plan *p, saint_error *err)
{
    char *text = NULL, what[4200];
    size_t n = 0, at = 0;
    sweep_line line;
    if (!saint_file_exists(path)) return SAINT_OK; /* the process that makes the folder has not come that far */
    saint_status s = saint_file_read(path, SPEC_FILE_BYTES, &text, &n, err);
    for (int k = 1; s == SAINT_OK && sweep_line_next(text, n, &at, &line); k++) {
        snprintf(what, sizeof what, "%s:%d", path, k);
        if (!line.torn) s = sweep_plan_add_line(p, line.text, line.n, what, err);
    }
    free(text);
    return s;
}

saint_status sweep_plan_read(const char *folder, sweep_plan *out, saint_error *err)
{
    char path[4096 + 32];
    cJSON *o = NULL;
    memset(out, 0, sizeof *out);
    out->repeats = 1;
    snprintf(path, sizeof path, "%s/plan.json", folder);
    saint_status s = saint_json_load(path, PLAN_BYTES, &o, err);
    if (s == SAINT_OK) s = sweep_plan_take(o, out, path, err);
    cJSON_Delete(o);
    snprintf(path, sizeof path, "%s/spec.json", folder);
    if (s == SAINT_OK) s = read_lines(path, out, err);
    if (s == SAINT_OK) s = sweep_plan_finish(out, err);
    if (s != SAINT_OK) sweep_plan_free(out);
    return s;
}

/* ---- commit ------------------------------------------------------------------------------------------------------ */

static void short_text(const cJSON *v, char *out, size_t size)
{
    char *text = v ? cJSON_PrintUnformatted(v) : NULL;
    snprintf(out, size, "%.*s%s", (int)size - 8, text ? text : "nothing", text && strlen(text) > size - 8 ? "..." : "");
    cJSON_free(text);
}

/* Name the first member in which two identities differ. */
static saint_status differs(const char *folder, const sweep_plan *p, const sweep_plan *have, saint_error *err)
{
    char a[100], b[100], key[64] = "identity";
    cJSON *x = cJSON_Parse(have->identity), *y = cJSON_Parse(p->identity);
    for (const cJSON *v = y ? y->child : NULL, *w; v; v = v->next) {
        w = cJSON_GetObjectItemCaseSensitive(x, v->string);
        if (w && cJSON_Compare(v, w, true)) continue;
        snprintf(key, sizeof key, "%s", v->string);
        break;
    }
    short_text(cJSON_GetObjectItemCaseSensitive(x, key), a, sizeof a);
    short_text(cJSON_GetObjectItemCaseSensitive(y, key), b, sizeof b);
    cJSON_Delete(x);
    cJSON_Delete(y);
    return saint_fail(err, SAINT_INVALID, "%s holds another sweep: its %s is %s, expected %s; give another folder with --out", folder, key,
                      a, b);
}

/* link() puts the finished file under its name unless there is one: of many processes one wins, and nobody sees half a file. */
static saint_status create_plan(const sweep_plan *p, const char *folder, saint_error *err)
{
    char path[4096 + 32], temporary[4096 + 64];
    snprintf(path, sizeof path, "%s/plan.json", folder);
    snprintf(temporary, sizeof temporary, "%s/.plan-%ld", folder, (long)getpid());
    cJSON *o = sweep_plan_json(p);
    char *text = o ? cJSON_Print(o) : NULL;
    cJSON_Delete(o);
    if (!text) return no_memory(err);
    saint_status s = saint_file_write(temporary, text, strlen(text), err);
    if (s == SAINT_OK && link(temporary, path) != 0 && errno != EEXIST) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); /* a file system without links */
        if (fd < 0 && errno != EEXIST) s = saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
        else if (fd >= 0 && (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) != 0))
            s = saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
    }
    unlink(temporary);
    cJSON_free(text);
    return s == SAINT_OK ? sweep_folder_sync(folder, err) : s;
}

/* The last process may have died in the middle of its line: ours starts on a new one. */
static bool ends_in_line(int fd)
{
    char last = '\n';
    off_t end = lseek(fd, 0, SEEK_END);
    return end <= 0 || (pread(fd, &last, 1, end - 1) == 1 && last == '\n');
}

static saint_status append_line(const sweep_plan *p, const char *folder, saint_error *err)
{
    char path[4096 + 32], *text = NULL;
    sweep_plan have = {0};
    snprintf(path, sizeof path, "%s/spec.json", folder);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR) continue; /* without locks two equal lines may appear: harmless */
    saint_status s = sweep_plan_read(folder, &have, err);
    if (s == SAINT_OK) s = sweep_plan_line(p, &have, &text, err);
    if (s == SAINT_OK && text && !ends_in_line(fd) && write(fd, "\n", 1) != 1)
        s = saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (s == SAINT_OK && text) s = sweep_line_append(fd, path, text, err);
    if (s == SAINT_OK && text && fsync(fd) != 0) s = saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
    close(fd);
    free(text);
    sweep_plan_free(&have);
    return s;
}

saint_status sweep_plan_commit(const sweep_plan *p, const char *folder, saint_error *err)
{
    char path[4096 + 32], *text = NULL;
    sweep_plan have;
    snprintf(path, sizeof path, "%s/plan.json", folder);
    if (strlen(folder) > 4000) return saint_fail(err, SAINT_INVALID, "--out: expected a path of at most 4000 bytes");
    saint_status s = SAINT_OK;
    if (!saint_file_exists(path)) {
        s = sweep_folder_make(folder, err);
        if (s == SAINT_OK) s = create_plan(p, folder, err);
    }
    if (s == SAINT_OK) s = sweep_plan_read(folder, &have, err);
    if (s != SAINT_OK) return s;
    if (strcmp(have.id, p->id) != 0) s = differs(folder, p, &have, err);
    if (s == SAINT_OK) s = sweep_plan_line(p, &have, &text, err); /* nothing is written, and nobody waited for, when nothing is new */
    if (s == SAINT_OK && text) s = append_line(p, folder, err);
    free(text);
    sweep_plan_free(&have);
    return s;
}
