/* load.h - what several subcommands open the same way: model, settings, engine session. */
#ifndef SAINT_APP_LOAD_H
#define SAINT_APP_LOAD_H

#include "cli.h"
#include "device_use.h"

typedef struct {
    const char *model, *shape, *vision_tower, *template_name, *image_mode; /* where the network comes from */
    const char *preset, *compat;                                            /* what is done to it */
    cli_list set;
    const char *backend, *device, *dtype, *threads, *tier; /* what it runs on */
} load_options;

/* Rows of an option table for the fields above. */
#define LOAD_FOLDER_OPTIONS(l)                                                                                                 \
    {"model", "DIR", "model folder (Hugging Face, liuhaotian or timm layout), or the name of an embedded one", NULL, &(l).model, NULL},                        \
    {"vision-tower", "DIR", "CLIP tower of a liuhaotian checkpoint, when it does not lie beside it", NULL, &(l).vision_tower, NULL}, \
    {"template", "NAME", "conversation template: vicuna_v1, llava_hf, plain", NULL, &(l).template_name, NULL},                 \
    {"image-mode", "MODE", "pad, crop or stretch instead of the checkpoint's own", NULL, &(l).image_mode, NULL}
#define LOAD_MODEL_OPTIONS(l) \
    LOAD_FOLDER_OPTIONS(l),   \
    {"shape", "NAME", "a published shape with random weights instead of a model: speed without a checkpoint", NULL, &(l).shape, NULL}
#define LOAD_SETTINGS_OPTIONS(l)                                                                                              \
    {"preset", "NAME|FILE", "a named set of parameters; `saint presets` lists them", NULL, &(l).preset, NULL},                \
    {"set", "KEY=VALUE", "one parameter, per layer as key[0-3,7]=value; may repeat", NULL, NULL, &(l).set},                   \
    {"compat", "MODE", "reference: the published code, quirks included; corrected (default): what the paper means", NULL, &(l).compat, NULL}
#define LOAD_ENGINE_OPTIONS(l)                                                                                                \
    {"backend", "NAME", "cpu (default), cuda, or auto: CUDA where a device passes a self check", NULL, &(l).backend, NULL},               \
    {"device", "N", "CUDA device, from 0; `saint info` lists them", NULL, &(l).device, NULL},                                 \
    {"dtype", "TYPE", "f32 (exact; the default, but for bench bf16 where the CPU has it), bf16 (fast) or f16 (fast, CUDA only)", NULL, &(l).dtype, NULL},                  \
    {"threads", "N", "threads; default: the CPUs this process may use", NULL, &(l).threads, NULL},                            \
    {"tier", "NAME", "CPU kernels: generic, avx2, avx512, avx512bf16; default: the best here", NULL, &(l).tier, NULL}

/* Each returns -1 to go on or the exit status to leave with, after one line on stderr. */
int load_model(const char *command, const load_options *l, saint_model **out);
/* What load_engine reads, without opening anything. */
int load_engine_options(const char *command, const load_options *l, saint_engine_options *engine, saint_session_options *session);
/* The session's options are those of the command line, without a cache. */
int load_engine(const char *command, const load_options *l, saint_engine **engine, saint_session_options *session);
int load_settings(const char *command, const load_options *l, const saint_model_info *m, saint_settings *out, saint_notes *notes);

/* Path of a preset by name, from the folders the program knows; false when there is none. */
bool preset_path(const char *name, char *out, size_t size);
/* Why there is no preset of that name, as the end of a message: "no such preset; the nearest is NAME". Returns out. */
const char *preset_unknown(const char *name, char *out, size_t size);
/* The folders searched, first wins; NULL past the end. */
const char *preset_folder(int i);

/* Begins to use the device of a session, and says on stderr when other processes cannot be seen there: their company would go unmarked. */
void load_use(const char *command, const saint_session_options *o, device_use *u);

#endif
