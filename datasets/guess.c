/* From a path that the user typed to KIND:PATH. Nobody should have to know the names of kinds to look at a folder. */
#define _GNU_SOURCE
#include "datasets/guess.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { FOLDERS_MOST = 24, FILES_MOST = 400, PATH_MOST = 4400 };

static bool ends_with(const char *name, const char *tail)
{
    size_t n = strlen(name), m = strlen(tail);
    return n > m && !strcasecmp(name + n - m, tail);
}

static bool is_picture(const char *name)
{
    static const char *const tails[] = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tga"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        if (ends_with(name, tails[i])) return true;
    return false;
}

static bool there(const char *folder, const char *name, bool a_folder)
{
    char path[PATH_MOST];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0 && (a_folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode));
}

typedef struct {
    bool pictures, questions; /* a picture; a picture with a text of the same name, or MME's folder of questions */
    int folders;
    char folder[FOLDERS_MOST][256];
} content;

static void look(const char *path, content *c)
{
    DIR *d = opendir(path);
    char text[300];
    if (!d) return;
    int files = 0;
    for (struct dirent *e; files < FILES_MOST && (e = readdir(d));) {
        const char *name = e->d_name, *dot = strrchr(name, '.');
        if (name[0] == '.') continue;
        files++;
        if (is_picture(name)) {
            c->pictures = true;
            snprintf(text, sizeof text, "%.*s.txt", (int)(dot - name), name);
            c->questions = c->questions || there(path, text, false);
        } else if (c->folders < FOLDERS_MOST && strlen(name) < sizeof c->folder[0] && there(path, name, true))
            strcpy(c->folder[c->folders++], name);
    }
    closedir(d);
    c->questions = c->questions || there(path, "questions_answers_YN", true);
}

/* Files by which a distribution is known. */
static const struct {
    const char *name;
    saint_data_kind kind;
} signs[] = {{"scenes.json", SAINT_DATA_SCENES},
             {"manifest.jsonl", SAINT_DATA_MANIFEST},
             {"pid_splits.json", SAINT_DATA_SCIENCEQA},
             {"TextVQA_0.5.1_val.json", SAINT_DATA_TEXTVQA},
             {"v2_OpenEnded_mscoco_val2014_questions.json", SAINT_DATA_VQAV2},
             {"testdev_balanced_questions.json", SAINT_DATA_GQA},
             {"SEED-Bench.json", SAINT_DATA_SEED},
             {"Annotations/val.json", SAINT_DATA_VIZWIZ},
             {"coco_pope_random.json", SAINT_DATA_POPE},
             {"LOC_val_solution.csv", SAINT_DATA_IMAGEFOLDER}};

saint_data_kind saint_data_guess(const char *path, const char **why)
{
    const char *nowhere;
    if (!why) why = &nowhere;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (there(path, signs[i].name, false)) return *why = signs[i].name, signs[i].kind;
    if (ends_with(path, ".tsv")) return *why = "a .tsv file", SAINT_DATA_MMBENCH;
    if (ends_with(path, ".jsonl")) return *why = "a .jsonl file", SAINT_DATA_MANIFEST;
    content top = {0};
    look(path, &top);
    *why = "a folder of pictures";
    if (top.pictures) return SAINT_DATA_IMAGES;
    int classes = 0;
    for (int i = 0; i < top.folders; i++) {
        char inner[PATH_MOST];
        content in = {0};
        snprintf(inner, sizeof inner, "%s/%s", path, top.folder[i]);
        look(inner, &in);
        if (in.questions) return *why = "task folders with questions", SAINT_DATA_MME;
        classes += in.pictures;
    }
    if (classes > 1 || there(path, "val", true)) return *why = "a folder of pictures per class", SAINT_DATA_IMAGEFOLDER;
    return SAINT_DATA_IMAGES;
}
