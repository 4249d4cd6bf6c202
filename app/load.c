#define _GNU_SOURCE
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "defaults.h"
#include "device_use.h"
#include "nearest.h"
#include "reads.h"

/* A name that is nearly one of an embedded model, which goes to out. */
static bool misspelt(const char *name, char *out, size_t size)
{
    char *names[EMBEDDED_MAX];
    size_t n = embedded_models(names);
    const char *like = strchr(name, '/') ? NULL : nearest_meant(name, (const char *const *)names, n);
    if (like) snprintf(out, size, "%s", like);
    for (size_t i = 0; i < n; i++) free(names[i]);
    return like != NULL;
}

int load_model(const char *command, const load_options *l, saint_model **out)
{
    saint_error e = {0};
    if (l->model && l->shape) return cli_usage(command, "give either --model DIR or --shape NAME");
    if (l->shape) {
        if (l->vision_tower || l->template_name || l->image_mode)
            return cli_usage(command, "--vision-tower, --template and --image-mode belong to --model: --shape reads no files");
        saint_dtype type = l->dtype && strcmp(l->dtype, "f32") == 0 ? SAINT_F32 : l->dtype && strcmp(l->dtype, "f16") == 0 ? SAINT_F16 : SAINT_BF16;
        saint_status s = saint_model_random(out, l->shape, 1, type, &e);
        return s == SAINT_OK ? -1 : cli_fail(command, s, &e);
    }
    struct stat st;
    char embedded[8192];
    if (!l->model) {
        saint_status s = default_model(embedded, sizeof embedded, &e);
        if (s != SAINT_OK) return cli_fail(command, s, &e);
    }
    const char *path = l->model ? model_path(l->model, embedded, sizeof embedded) : embedded;
    bool there = stat(path, &st) == 0, folder = there && S_ISDIR(st.st_mode);
    if (!there && errno == ENOENT && misspelt(path, embedded, sizeof embedded))
        return cli_usage(command, "--model %s: no such folder; the nearest embedded model is %s", path, embedded);
    if (folder && access(path, R_OK | X_OK) != 0)
        return cli_usage(command, "%s: this folder cannot be read: %s", path, strerror(errno));
    saint_model_options o = {.vision_tower = l->vision_tower, .template_name = l->template_name, .fit = l->image_mode};
    saint_status s = saint_model_load(out, path, &o, &e);
    if (s != SAINT_OK) return cli_fail(command, s, &e);
    if (l->vision_tower && strcmp(saint_model_get_info(*out)->layout, "liuhaotian") != 0)
        return cli_usage(command, "--vision-tower %s: %s needs no tower from elsewhere; leave the option out", l->vision_tower, path);
    return -1;
}

/* Nobody asked for this device by name: it has to show first that it computes what the CPU computes. */
static bool device_passes(const char *command, int device, saint_dtype dtype)
{
    saint_engine *e = NULL;
    saint_error why = {0};
    device_use use;
    device_use_start(&use, &(saint_session_options){.backend = "cuda", .device = device});
    saint_status s = saint_engine_open(&e, NULL, &why);
    if (s == SAINT_OK) s = saint_engine_check_device(e, device, dtype, &why);
    saint_engine_close(e);
    device_use_close(&use);
    if (s != SAINT_OK) fprintf(stderr, "saint %s: computing on the CPU: %s\n", command, why.text);
    return s == SAINT_OK;
}

int load_engine_options(const char *command, const load_options *l, saint_engine_options *engine, saint_session_options *session)
{
    long threads = 0, device = 0;
    /* cpu unless asked: the CUDA backend has not run on a real device yet */
    const char *backend = l->backend ? l->backend : "cpu", *type = l->dtype ? l->dtype : "f32";
    char why[160] = "";
    if (strcmp(backend, "cpu") != 0 && strcmp(backend, "auto") != 0 && strcmp(backend, "cuda") != 0)
        return cli_usage(command, "--backend %s: expected auto, cpu or cuda", backend);
    bool cpu = strcmp(backend, "cpu") == 0, open = strcmp(backend, "auto") == 0;
    if (!cpu) {
        int n = saint_engine_devices(NULL, 0, why, sizeof why);
        if (n == 0 && !open) return cli_usage(command, "--backend cuda: %s; use --backend cpu", why);
        cpu = n == 0;
    }
    if (strcmp(type, "f32") != 0 && strcmp(type, "bf16") != 0 && strcmp(type, "f16") != 0)
        return cli_usage(command, "--dtype %s: expected f32, bf16 or f16", type);
    if (cpu && strcmp(type, "f16") == 0) return cli_usage(command, "--dtype f16: the CPU computes in f32 or bf16 (f16 weights are read as they are)");
    if (!cli_int(command, "threads", l->threads, 1, 1024, &threads) || !cli_int(command, "device", l->device, 0, 1023, &device)) return EXIT_USAGE;
    saint_dtype dtype = strcmp(type, "bf16") == 0 ? SAINT_BF16 : strcmp(type, "f16") == 0 ? SAINT_F16 : SAINT_F32;
    if (open && !cpu && !device_passes(command, (int)device, dtype)) {
        if (dtype == SAINT_F16) return cli_usage(command, "--dtype f16: the CPU computes in f32 or bf16 (f16 weights are read as they are)");
        cpu = true;
    }
    *session = (saint_session_options){.dtype = dtype, .backend = cpu ? "cpu" : "cuda", .device = (int)device};
    *engine = (saint_engine_options){.n_threads = (int)threads, .tier = l->tier};
    return -1;
}

int load_engine(const char *command, const load_options *l, saint_engine **engine, saint_session_options *session)
{
    saint_error e = {0};
    saint_engine_options o;
    int leave = load_engine_options(command, l, &o, session);
    if (leave >= 0) return leave;
    saint_status s = saint_engine_open(engine, &o, &e);
    return s == SAINT_OK ? -1 : cli_fail(command, s, &e);
}

/* ---- presets --------------------------------------------------------------------------------------------------- */

const char *preset_folder(int i)
{
    static char installed[4096 + 64];
    if (i == 0) {
        ssize_t n = readlink("/proc/self/exe", installed, 4096);
        if (n <= 0) return SAINT_PRESET_DIR;
        installed[n] = 0;
        char *slash = strrchr(installed, '/');
        if (slash) *slash = 0;
        strcat(installed, "/../share/saint/presets");
        return installed;
    }
    return i == 1 ? SAINT_PRESET_DIR : NULL;
}

bool preset_path(const char *name, char *out, size_t size)
{
    if (strchr(name, '/') || (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".json") == 0)) {
        snprintf(out, size, "%s", name);
        return true;
    }
    for (int i = 0; preset_folder(i); i++) {
        snprintf(out, size, "%s/%s.json", preset_folder(i), name);
        if (saint_file_exists(out)) return true;
    }
    return false;
}

static int is_preset(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

const char *preset_unknown(const char *name, char *out, size_t size)
{
    struct dirent **list = NULL;
    const char *names[64];
    int n = -1, known = 0;
    for (int i = 0; n < 0 && preset_folder(i); i++) n = scandir(preset_folder(i), &list, is_preset, alphasort);
    for (; known < n && known < 64; known++) {
        list[known]->d_name[strlen(list[known]->d_name) - 5] = 0;
        names[known] = list[known]->d_name;
    }
    snprintf(out, size, known ? "no such preset; the nearest is %s" : "no such preset; `saint presets` lists them", nearest_word(name, names, (size_t)known));
    for (int i = 0; i < n; i++) free(list[i]);
    free(list);
    return out;
}

int load_settings(const char *command, const load_options *l, const saint_model_info *m, saint_settings *out, saint_notes *notes)
{
    saint_error e = {0};
    saint_status s = SAINT_OK;
    saint_settings_default(out);
    if (l->preset) {
        char path[8192], why[160];
        saint_preset p;
        if (!preset_path(l->preset, path, sizeof path))
            return cli_usage(command, "--preset %s: %s", l->preset, preset_unknown(l->preset, why, sizeof why));
        s = saint_preset_load(path, &p, &e);
        if (s != SAINT_OK) return cli_fail(command, s, &e);
        s = saint_preset_apply(&p, m, out, notes, &e);
        saint_preset_free(&p);
    }
    if (s == SAINT_OK && l->compat) s = saint_settings_set(out, "compat", l->compat, &e);
    for (int i = 0; i < l->set.n && s == SAINT_OK; i++) s = saint_settings_assign(out, l->set.v[i], &e);
    for (int i = 0; i < l->set.n && s == SAINT_OK; i++) note_unread(l->set.v[i], out, m, notes);
    return s == SAINT_OK ? -1 : cli_fail(command, s, &e);
}

void load_use(const char *command, const saint_session_options *o, device_use *u)
{
    device_use_start(u, o);
    const char *file = device_use_blind(u);
    if (!file) return;
    char text[512];
    snprintf(text, sizeof text, "%.300s cannot be kept: times taken beside another saint are not marked; let TMPDIR name a folder that can be written", file);
    cli_note(command, text);
}
