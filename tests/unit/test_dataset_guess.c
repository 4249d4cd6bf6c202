/* The kind of a folder that the user named without one. */
#define _GNU_SOURCE
#include "support/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/guess.h"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/saint-guess-XXXXXX");
    return mkdtemp(root) ? 0 : 1;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* An empty file, its folders made. */
static void touch(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

static void is(saint_data_kind expected, const char *inside)
{
    char path[256];
    const char *why = NULL;
    snprintf(path, sizeof path, "%s%s", root, inside);
    saint_data_kind found = saint_data_guess(path, &why);
    if (found != expected) fail_msg("%s looks like %s, not %s", path, saint_data_kind_name(found), saint_data_kind_name(expected));
    assert_non_null(why);
}

static void folders_of_pictures(void **state)
{
    (void)state;
    is(SAINT_DATA_IMAGES, "");
    touch("a.PNG");
    touch("notes.txt");
    is(SAINT_DATA_IMAGES, "");
    touch("deeper/b.jpg");
    touch("other/c.jpg");
    is(SAINT_DATA_IMAGES, ""); /* the pictures lie here: what is below is somebody else's */
    is(SAINT_DATA_IMAGES, "/nowhere");
}

static void classes_and_tasks(void **state)
{
    (void)state;
    touch("cat/0001.jpeg");
    is(SAINT_DATA_IMAGES, ""); /* one class is none */
    touch("dog/x.jpg");
    touch("dog/readme.txt");
    is(SAINT_DATA_IMAGEFOLDER, "");
    touch("OCR/0001.png");
    touch("OCR/0001.txt");
    is(SAINT_DATA_MME, "");
}

static void mme_as_it_is_released(void **state)
{
    (void)state;
    touch("artwork/images/x.jpg");
    touch("artwork/questions_answers_YN/x.txt");
    is(SAINT_DATA_MME, "");
}

static void distributions_have_signs(void **state)
{
    (void)state;
    static const struct {
        const char *file, *folder;
        saint_data_kind kind;
    } signs[] = {{"scenes/scenes.json", "/scenes", SAINT_DATA_SCENES},
                 {"m/manifest.jsonl", "/m", SAINT_DATA_MANIFEST},
                 {"m/manifest.jsonl", "/m/manifest.jsonl", SAINT_DATA_MANIFEST},
                 {"q/pid_splits.json", "/q", SAINT_DATA_SCIENCEQA},
                 {"t/TextVQA_0.5.1_val.json", "/t", SAINT_DATA_TEXTVQA},
                 {"v/v2_OpenEnded_mscoco_val2014_questions.json", "/v", SAINT_DATA_VQAV2},
                 {"g/testdev_balanced_questions.json", "/g", SAINT_DATA_GQA},
                 {"s/SEED-Bench.json", "/s", SAINT_DATA_SEED},
                 {"z/Annotations/val.json", "/z", SAINT_DATA_VIZWIZ},
                 {"p/coco_pope_random.json", "/p", SAINT_DATA_POPE},
                 {"i/LOC_val_solution.csv", "/i", SAINT_DATA_IMAGEFOLDER},
                 {"net/val/n01440764/a.JPEG", "/net", SAINT_DATA_IMAGEFOLDER},
                 {"b/mmbench_dev_en.tsv", "/b/mmbench_dev_en.tsv", SAINT_DATA_MMBENCH}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        touch(signs[i].file);
        is(signs[i].kind, signs[i].folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(folders_of_pictures, make_root, remove_root),
                                       cmocka_unit_test_setup_teardown(classes_and_tasks, make_root, remove_root),
                                       cmocka_unit_test_setup_teardown(mme_as_it_is_released, make_root, remove_root),
                                       cmocka_unit_test_setup_teardown(distributions_have_signs, make_root, remove_root)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
