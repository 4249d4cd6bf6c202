/* sweep_files.h - a folder of a test's own with a small data set in it, a tiny model, and plans over both. */
#ifndef SAINT_TESTS_SUPPORT_SWEEP_FILES_H
#define SAINT_TESTS_SUPPORT_SWEEP_FILES_H

#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "support/session.h"
#include "sweep/plan.h"

static char sweep_home[64];
static saint_model *sweep_model;
static saint_dataset *sweep_set;

enum { SWEEP_SET_PICTURES = 12, SWEEP_SET_SAMPLES = 24 };

/* 12 pictures of 3 tasks, a Yes and a No question each; the pictures themselves only where somebody writes them. */
static inline int sweep_begin(void **state)
{
    (void)state;
    static const char *const tasks[] = {"color", "count", "existence"};
    char path[256], text[256];
    saint_error e = {0};
    snprintf(sweep_home, sizeof sweep_home, "/tmp/saint-sweep-XXXXXX");
    if (!mkdtemp(sweep_home)) return -1;
    snprintf(path, sizeof path, "%s/data", sweep_home);
    if (mkdir(path, 0755) != 0) return -1;
    for (int i = 0; i < SWEEP_SET_PICTURES; i++) {
        snprintf(path, sizeof path, "%s/data/%s", sweep_home, tasks[i / 4]);
        (void)mkdir(path, 0755);
        snprintf(path, sizeof path, "%s/data/%s/%04d.txt", sweep_home, tasks[i / 4], i % 4 + 1);
        snprintf(text, sizeof text,
                 "Is there a red star? Please answer yes or no.\tYes\nAre there %d moons? Please answer yes or no.\tNo\n", i);
        if (saint_file_write(path, text, strlen(text), &e) != SAINT_OK) return -1;
    }
    snprintf(path, sizeof path, "scenes:%s/data", sweep_home);
    if (saint_dataset_open(path, NULL, &sweep_set, &e) != SAINT_OK) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    sweep_model = load_tiny("llava-tiny-new");
    return 0;
}

static inline int sweep_end(void **state)
{
    (void)state;
    char command[128];
    saint_dataset_close(sweep_set);
    saint_model_unref(sweep_model);
    snprintf(command, sizeof command, "rm -rf %s", sweep_home);
    return system(command);
}

/* A path in the folder; four results live at a time. */
static inline const char *sweep_path(const char *name)
{
    static char path[4][256];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", sweep_home, name);
    return path[i];
}

static inline sweep_scene sweep_scene_of_test(void)
{
    static char data[256];
    snprintf(data, sizeof data, "scenes:%s/data", sweep_home);
    return (sweep_scene){.model = SAINT_FIXTURE_DIR "/llava-tiny-new",
                         .info = saint_model_get_info(sweep_model),
                         .data = data,
                         .dataset = sweep_set,
                         .dtype = "f32",
                         .backend = "cpu",
                         .parser = SAINT_PARSER_LMMS};
}

/* The plan of a spec as JSON. */
static inline saint_status sweep_try_plan(const char *json, sweep_plan *out, saint_notes *notes, saint_error *e)
{
    cJSON *c = NULL;
    sweep_spec spec;
    const sweep_scene scene = sweep_scene_of_test();
    sweep_spec_init(&spec);
    memset(out, 0, sizeof *out);
    saint_status s = saint_json_parse(json, strlen(json), SWEEP_SPEC_BYTES, "spec", &c, e);
    if (s == SAINT_OK) s = sweep_spec_parse(&spec, c, "spec", e);
    if (s == SAINT_OK) s = sweep_spec_finish(&spec, e);
    if (s == SAINT_OK) s = sweep_plan_make(&spec, &scene, out, notes, e);
    sweep_spec_free(&spec);
    cJSON_Delete(c);
    return s;
}

static inline sweep_plan sweep_plan_of(const char *json)
{
    sweep_plan p;
    assert_ok(sweep_try_plan(json, &p, NULL, err));
    return p;
}

/* In the LLM of the tiny model, after its first layer. */
#define SWEEP_BASE "\"set\": {\"mode\": \"llm\", \"saint_start\": 0, \"saint_end\": 0, \"saint_K\": 1}"
#define SWEEP_TWO "{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8]}}"

#endif
