/* Every data set from a hand-made folder of its distribution: samples, prompts, pictures, and one line about each way to be broken. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include "formats/image.h"

#define SHORT "\nAnswer the question using a single word or phrase."
#define LETTER "\nAnswer with the option's letter from the given choices directly."

/* A 1 x 1 picture: the smallest BMP. */
static const uint8_t dot[58] = {'B', 'M', 58, 0, 0, 0, 0, 0,  0, 0, 54, 0, 0, 0, 40, 0, 0, 0,         1,  0, 0,
                                0,   1,   0,  0, 0, 1, 0, 24, 0, 0, 0,  0, 0, 4, 0,  0, 0, [54] = 10, 20, 30};

static void picture_is_there(const saint_dataset *d, size_t i)
{
    saint_image im;
    assert_ok(saint_dataset_picture(d, i, 0, &im, err));
    assert_int_equal(im.w, 1);
    assert_int_equal(im.rgb[0], 30);
    saint_image_free(&im);
}

static void picture_is_missed(const saint_dataset *d, size_t i, const char *words)
{
    saint_image im;
    saint_error e = {0};
    assert_int_equal(saint_dataset_picture(d, i, 0, &im, &e), SAINT_IO);
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
}

static void uid_is(const saint_dataset *d, size_t i, const char *uid)
{
    size_t found;
    assert_string_equal(saint_dataset_uid(d, i), uid);
    assert_true(saint_dataset_find(d, uid, &found));
    assert_int_equal(found, i);
}

/* ---- MME ------------------------------------------------------------------------------------------------------------------ */

static void mme_has_two_layouts(void **state)
{
    (void)state;
    const char *base = "mme/MME_Benchmark_release_version/MME_Benchmark/";
    char name[256];
    const struct {
        const char *file, *text;
    } files[] = {{"artwork/questions_answers_YN/10.txt",
                  "\xef\xbb\xbfIs it by Caf\xc3\xa9? Please answer yes or no.\tYes\r\nIs it old? Please answer yes or no.\tNo\r\n\r\n"},
                 {"artwork/questions_answers_YN/.DS_Store", "junk"},
                 {"artwork/questions_answers_YN_zh/10.txt", "junk"},
                 {"OCR/0002.txt", "Is it X? Please answer yes or no.\tYes\nIs it Y? Please answer yes or no.\tNo"},
                 {"OCR/0001.txt", " Q1 Please answer yes or no. \tNo\nQ2\tYes\n"},
                 {"__MACOSX/x.txt", "junk"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%s%s", base, files[i].file);
        data_write(name, files[i].text);
    }
    snprintf(name, sizeof name, "%sartwork/images/10.png", base);
    data_write_bytes(name, dot, sizeof dot);
    snprintf(name, sizeof name, "%sOCR/0001.jpg", base);
    data_write_bytes(name, dot, sizeof dot);
    saint_dataset *d = data_open("mme", "mme");
    assert_int_equal(saint_dataset_count(d), 6);
    uid_is(d, 0, "OCR/0001.jpg#0");
    uid_is(d, 3, "OCR/0002.jpg#1");
    uid_is(d, 4, "artwork/10.png#0");
    saint_sample s = data_item(d, 4);
    assert_string_equal(s.category, "artwork");
    assert_string_equal(s.cluster, "artwork/10.png");
    assert_string_equal(s.images[0], "artwork/images/10.png");
    assert_string_equal(s.answers[0], "Yes");
    saint_sample_free(&s);
    data_prompt_is(d, 4, "Is it by Caf\xc3\xa9?" SHORT);
    data_prompt_is(d, 0, "Q1" SHORT);
    data_prompt_is(d, 1, "Q2" SHORT);
    picture_is_there(d, 0);
    picture_is_there(d, 5);
    picture_is_missed(d, 2, "OCR/0002.jpg"); /* found when asked for */
    const saint_dataset_info *info = saint_dataset_get_info(d);
    assert_true(info->has_answers && info->has_pictures && info->max_new_tokens == 16 && info->n_notes == 1);
    assert_int_equal(saint_dataset_cluster(d, 0), saint_dataset_cluster(d, 1));
    assert_int_not_equal(saint_dataset_cluster(d, 1), saint_dataset_cluster(d, 2));
    saint_dataset_close(d);
    d = data_open("mme", "mme/MME_Benchmark_release_version/MME_Benchmark/"); /* the inner folder is as good */
    assert_int_equal(saint_dataset_count(d), 6);
    saint_dataset_close(d);
}

static void mme_results_are_a_data_set(void **state)
{
    (void)state;
    data_write("results/color.txt", "1.jpg\tRed?\tYes\tyes it is\n1.jpg\tBlue?\tno\tno\n2.jpg\tRed?\tNo\tno\twith a tab\n");
    saint_dataset *d = data_open("mme", "results");
    saint_image im;
    assert_int_equal(saint_dataset_count(d), 3);
    uid_is(d, 1, "color/1.jpg#1");
    uid_is(d, 2, "color/2.jpg#0");
    assert_false(saint_dataset_get_info(d)->has_pictures);
    assert_int_equal(saint_dataset_picture(d, 0, 0, &im, NULL), SAINT_STATE);
    saint_dataset_close(d);
}

static void broken_mme_is_refused(void **state)
{
    (void)state;
    REFUSED("mme", "nowhere", "nowhere", "expected the folder of MME");
    data_write("e1/readme.md", "");
    REFUSED("mme", "e1", "task folders");
    data_write("e2/color/1.txt", "Q\tYes\n");
    REFUSED("mme", "e2", "1.txt", "two questions, found 1");
    data_write("e3/color/1.txt", "Q\tYes\nQ\tNo\nQ\tNo\n");
    REFUSED("mme", "e3", "1.txt", "third");
    data_write("e4/color/1.txt", "Q\tYes\nQ\tMaybe\n");
    REFUSED("mme", "e4", "line 2", "Yes or No");
    data_write("e5/color/1.txt", "Q Yes\nQ\tNo\n");
    REFUSED("mme", "e5", "line 1", "1 columns");
    data_write("e6/color/1.txt", "\xff\tYes\nQ\tNo\n");
    REFUSED("mme", "e6", "UTF-8");
    data_write("e7/color/1.jpg", "");
    REFUSED("mme", "e7", "color", "question files");
    data_write("e8/color.txt", "1.jpg\tQ\tYes\n");
    data_write("e8/count/1.txt", "Q\tYes\nQ\tNo\n");
    REFUSED("mme", "e8", "found both");
    data_write("e9/color.txt", "1.jpg\tQ\tYes\n2.jpg\tQ\tYes\n1.jpg\tQ\tYes\n");
    REFUSED("mme", "e9", "color/1.jpg#0", "line 3");
    data_write("e10/color.txt", "only one column\n");
    REFUSED("mme", "e10", "line 1", "image TAB question");
    data_write("e11/color.txt", "\n\n");
    REFUSED("mme", "e11", "at least one sample");
}

static void scenes_are_mme_with_their_own_tasks(void **state)
{
    (void)state;
    data_write("scenes/relation/0001.txt", "Is A left of B? Please answer yes or no.\tNo\nIs B left of A? Please answer yes or no.\tYes\n");
    data_write_bytes("scenes/relation/0001.png", dot, sizeof dot);
    data_write("scenes/empty/readme.md", "");
    data_write("scenes/short_answers.jsonl", "{}");
    saint_dataset *d = data_open("scenes", "scenes");
    assert_int_equal(saint_dataset_count(d), 2);
    uid_is(d, 1, "relation/0001.png#1");
    picture_is_there(d, 1);
    data_prompt_is(d, 0, "Is A left of B? Please answer yes or no."); /* its own words */
    saint_dataset_close(d);
    REFUSED("scenes", "results", "task folders");
    REFUSED("scenes", "nowhere", "nowhere");
}

/* ---- POPE ----------------------------------------------------------------------------------------------------------------- */

#define POPE(id, image, text, label)                                                                                                       \
    "{\"question_id\": " id ", \"image\": \"" image "\", \"text\": \"" text "\", \"label\": \"" label "\"}\n"

static void pope_reads_lines_and_arrays(void **state)
{
    (void)state;
    data_write("pope/coco_pope_random.json", POPE("1", "a.jpg", " Is there a cat? ", "yes") POPE("2", "a.jpg", "Is there a dog?", "no"));
    data_write("pope/coco_pope_adversarial.json", "[" POPE("1", "b.jpg", "Is there a car?", "no") "]");
    data_write_bytes("pope/val2014/a.jpg", dot, sizeof dot);
    saint_dataset *d = data_open("pope", "pope");
    assert_int_equal(saint_dataset_count(d), 3);
    uid_is(d, 0, "random/1");
    uid_is(d, 2, "adversarial/1");
    saint_sample s = data_item(d, 1);
    assert_string_equal(s.cluster, "a.jpg");
    assert_string_equal(s.answers[0], "no");
    assert_string_equal(s.category, "random");
    saint_sample_free(&s);
    data_prompt_is(d, 0, "Is there a cat?" SHORT);
    picture_is_there(d, 0);
    picture_is_missed(d, 2, "val2014/b.jpg");
    assert_int_equal(saint_dataset_get_info(d)->max_new_tokens, 128);
    saint_dataset_close(d);
    d = data_open("pope", "pope/coco_pope_random.json");
    assert_int_equal(saint_dataset_count(d), 2);
    saint_dataset_close(d);
    data_write("pope/gqa_pope_seem_random.json", POPE("1", "c.jpg", "Is there a cat?", "yes"));
    REFUSED("pope", "pope", "one variant", "coco_pope", "gqa_pope_seem");
    d = data_open("pope", "pope/gqa_pope_seem");
    assert_int_equal(saint_dataset_count(d), 1);
    saint_dataset_close(d);
    char folder[512];
    snprintf(folder, sizeof folder, "%s", data_path("pope/val2014"));
    d = data_open_with("pope", "pope/gqa_pope_seem", &(saint_dataset_options){.images = folder});
    picture_is_missed(d, 0, "pope/val2014/c.jpg");
    saint_dataset_close(d);
}

static void broken_pope_is_refused(void **state)
{
    (void)state;
    REFUSED("pope", "e1", "_pope_random.json");
    data_write("p1/coco_pope_random.json", POPE("1", "a.jpg", "Q", "yes") POPE("1", "a.jpg", "Q", "no"));
    REFUSED("pope", "p1", "random/1", "record 2", "again");
    data_write("p2/coco_pope_random.json", POPE("1", "a.jpg", "Q", "maybe"));
    REFUSED("pope", "p2", "yes or no", "maybe");
    data_write("p3/coco_pope_random.json", "{\"question_id\": 1, \"image\": \"a.jpg\", \"text\": \"Q\"}");
    REFUSED("pope", "p3", "\"label\"", "record 1");
    data_write("p4/coco_pope_random.json", POPE("1", "a.jpg", "Q", "yes") "{\"question_id\": 2, \"ima");
    REFUSED("pope", "p4", "record 2");
    data_write("p5/coco_pope_random.json", "[1,2]");
    REFUSED("pope", "p5", "object");
    data_write("p6/coco_pope_random.json", "");
    REFUSED("pope", "p6", "coco_pope_random.json");
}

/* ---- VQA ------------------------------------------------------------------------------------------------------------------ */

static void vqav2_joins_questions_and_annotations(void **state)
{
    (void)state;
    const char *questions =
        "{\"info\": {\"questions\": 1}, \"questions\": [{\"image_id\": 42, \"question\": \"What?\", \"question_id\": 42000},"
        "{\"image_id\": 42, \"question\": \"Who?\", \"question_id\": 42001}]}";
    data_write("vqa/v2_OpenEnded_mscoco_val2014_questions.json", questions);
    data_write("vqa/v2_mscoco_val2014_annotations.json",
               "{\"license\": \"],{\", \"annotations\": [{\"question_id\": 42001, \"image_id\": 42, \"answer_type\": \"yes/no\", "
               "\"answers\": [{\"answer\": \"yes\", "
               "\"answer_confidence\": \"yes\", \"answer_id\": 1}, {\"answer\": \"no\"}]}, {\"question_id\": 42000, \"answers\": "
               "[\"cat\"]}, {\"question_id\": 1, \"answers\": []}]}");
    data_write_bytes("vqa/val2014/COCO_val2014_000000000042.jpg", dot, sizeof dot);
    saint_dataset *d = data_open("vqav2", "vqa");
    assert_int_equal(saint_dataset_count(d), 2);
    uid_is(d, 0, "42000");
    saint_sample s = data_item(d, 1);
    assert_int_equal(s.n_answers, 2);
    assert_string_equal(s.answers[1], "no");
    assert_string_equal(s.category, "yes/no");
    assert_string_equal(s.cluster, "42");
    saint_sample_free(&s);
    data_prompt_is(d, 0, "What?" SHORT);
    picture_is_there(d, 1);
    assert_int_equal(saint_dataset_get_info(d)->n_notes, 1); /* one annotation too many */
    saint_dataset_close(d);
    data_write("vqa/v2_OpenEnded_mscoco_test-dev2015_questions.json", questions);
    d = data_open("vqav2", "vqa/v2_OpenEnded_mscoco_test-dev2015_questions.json");
    assert_false(saint_dataset_get_info(d)->has_answers);
    picture_is_missed(d, 0, "test2015/COCO_test2015_000000000042.jpg");
    saint_dataset_close(d);
}

static void broken_vqav2_is_refused(void **state)
{
    (void)state;
    REFUSED("vqav2", "e1", "v2_OpenEnded_mscoco_val2014_questions.json");
    data_write("v1/v2_OpenEnded_mscoco_val2014_questions.json", "{\"annotations\": []}");
    REFUSED("vqav2", "v1", "\"questions\"");
    data_write("v2/v2_OpenEnded_mscoco_val2014_questions.json",
               "{\"questions\": [{\"image_id\": \"-4\", \"question\": \"Q\", \"question_id\": 1}]}");
    REFUSED("vqav2", "v2", "\"image_id\"", "record 1");
    data_write("v3/v2_OpenEnded_mscoco_val2014_questions.json",
               "{\"questions\": [{\"image_id\": 4, \"question\": \"Q\", \"question_id\": 1}]}");
    data_write("v3/v2_mscoco_val2014_annotations.json", "{\"annotations\": [{\"question_id\": 1}]}");
    REFUSED("vqav2", "v3", "annotations.json", "\"answers\"");
    data_write("v3/v2_mscoco_val2014_annotations.json", "{\"annotations\": [{\"question_id\": 1, \"answers\": [{\"answer\": 3}]}]}");
    REFUSED("vqav2", "v3", "record 1");
    data_write("v3/v2_mscoco_val2014_annotations.json", "{\"annotations\": [{\"question_id\": 1, \"answers\": [");
    REFUSED("vqav2", "v3", "annotations.json");
    data_write("v4/v2_OpenEnded_mscoco_val2014_questions.json",
               "{\"questions\": [{\"image_id\": 4, \"question\": \"Q\", \"question_id\": 1.5}]}");
    REFUSED("vqav2", "v4", "\"question_id\"", "whole number");
}

static void textvqa_has_two_wordings(void **state)
{
    (void)state;
    data_write(
        "text/TextVQA_0.5.1_val.json",
        "{\"dataset_type\": \"val\", \"data\": [{\"question\": \"what Brand is IT?\", \"image_id\": \"003a\", \"question_id\": 34602, "
        "\"answers\": [\"nokia\", \"nokia\", \"x\"], \"set_name\": \"val\"}]}");
    REFUSED("textvqa", "nowhere", "TextVQA_0.5.1_val.json");
    saint_dataset *d = data_open("textvqa", "text");
    uid_is(d, 0, "34602");
    data_prompt_is(d, 0, "What brand is it?" SHORT);
    picture_is_missed(d, 0, "train_images/003a.jpg");
    saint_dataset_close(d);
    char kind_path[600];
    saint_error e = {0};
    snprintf(kind_path, sizeof kind_path, "textvqa:%s", data_path("text"));
    const saint_dataset_options llava = {.style = SAINT_PROMPT_LLAVA};
    assert_int_equal(saint_dataset_open(kind_path, &llava, &d, &e), SAINT_IO);
    assert_non_null(strstr(e.text, "TextVQA_Rosetta_OCR_v0.2_val.json"));
    data_write(
        "text/TextVQA_Rosetta_OCR_v0.2_val.json",
        "{\"data\": [{\"image_id\": \"other\", \"ocr_tokens\": [\"z\"]}, {\"image_id\": \"003a\", \"ocr_tokens\": [\"NOKIA\", \"a,b\"]}]}");
    d = data_open_with("textvqa", "text", &llava);
    data_prompt_is(d, 0, "what Brand is IT?\nReference OCR token: NOKIA, a,b" SHORT);
    assert_string_equal(saint_dataset_get_info(d)->prompt_name, "llava");
    saint_dataset_close(d);
    data_write("text/TextVQA_0.5.1_val.json",
               "{\"data\": [{\"question\": \"q\", \"image_id\": \"a\", \"question_id\": 1, \"answers\": [1]}]}");
    REFUSED("textvqa", "text", "\"answers\"", "record 1");
}

static void gqa_keeps_ids_as_text(void **state)
{
    (void)state;
    data_write("gqa/testdev_balanced_questions.json", "{\"201307251\": {\"semantic\": [{}], \"imageId\": \"n161313\", \"question\": \"Is "
                                                      "it hot?\", \"answer\": \"no\", \"types\": {\"structural\": \"verify\"}},"
                                                      "\"00201\": {\"imageId\": \"n1\", \"question\": \"What?\", \"answer\": \"cat\"}}");
    data_write_bytes("gqa/images/n161313.jpg", dot, sizeof dot);
    saint_dataset *d = data_open("gqa", "gqa");
    uid_is(d, 0, "201307251");
    uid_is(d, 1, "00201");
    data_prompt_is(d, 0, "Is it hot?" SHORT);
    picture_is_there(d, 0);
    saint_sample s = data_item(d, 0);
    assert_string_equal(s.category, "verify");
    assert_string_equal(s.cluster, "n161313");
    saint_sample_free(&s);
    saint_dataset_close(d);
    data_write("gqa/testdev_balanced_questions.json", "[{\"imageId\": \"n1\"}]");
    REFUSED("gqa", "gqa", "found an array");
    data_write("gqa/testdev_balanced_questions.json", "{\"1\": {\"imageId\": \"n1\"}}");
    REFUSED("gqa", "gqa", "\"question\"", "record 1");
    data_write("gqa/testdev_balanced_questions.json",
               "{\"1\": {\"imageId\": \"n1\", \"question\": \"a\"}, \"1\": {\"imageId\": \"n1\", \"question\": \"a\"}}");
    REFUSED("gqa", "gqa", "again");
}

static void vizwiz_asks_for_unanswerable(void **state)
{
    (void)state;
    data_write("vizwiz/Annotations/val.json", "[{\"image\": \"VizWiz_val_00000000.jpg\", \"question\": \"CAN you READ this?\", "
                                              "\"answers\": [{\"answer\": \"no\", \"answer_confidence\": "
                                              "\"yes\"}, {\"answer\": \"unanswerable\"}], \"answer_type\": \"other\", \"answerable\": 1}]");
    data_write_bytes("vizwiz/val/VizWiz_val_00000000.jpg", dot, sizeof dot);
    saint_dataset *d = data_open("vizwiz", "vizwiz");
    uid_is(d, 0, "VizWiz_val_00000000.jpg");
    data_prompt_is(d, 0, "Can you read this?\nWhen the provided information is insufficient, respond with 'Unanswerable'." SHORT);
    picture_is_there(d, 0);
    saint_dataset_close(d);
    data_write("vizwiz/Annotations/val.json", "[{\"image\": \"a.jpg\", \"question\": \"q\", \"answers\": [{\"text\": \"no\"}]}]");
    REFUSED("vizwiz", "vizwiz", "\"answers\"");
    REFUSED("vizwiz", "e1", "Annotations/val.json");
}

/* ---- choices ---------------------------------------------------------------------------------------------------------------- */

static void scienceqa_takes_test_problems_with_a_picture(void **state)
{
    (void)state;
    const char *problems =
        "{\"1\": {\"question\": \"Q1\", \"choices\": [\"x\", \"y\"], \"answer\": 1, \"hint\": \"H\", \"image\": \"image.png\", "
        "\"subject\": \"natural science\", \"split\": \"test\"},"
        "\"2\": {\"question\": \"Q2\", \"choices\": [\"x\", \"y\", \"z\"], \"answer\": 0, \"hint\": \"\", \"image\": \"image.png\", "
        "\"split\": \"test\"},"
        "\"3\": {\"question\": \"Q3\", \"choices\": [\"x\"], \"answer\": 0, \"hint\": \"\", \"image\": null, \"split\": \"test\"},"
        "\"4\": {\"question\": \"Q4\", \"choices\": [\"x\"], \"answer\": 0, \"hint\": \"\", \"image\": \"image.png\", \"split\": \"val\"}}";
    data_write("sqa/problems.json", problems);
    data_write_bytes("sqa/images/test/1/image.png", dot, sizeof dot);
    for (int splits = 0; splits < 2; splits++) {
        if (splits) data_write("sqa/pid_splits.json", "{\"train\": [], \"val\": [\"4\"], \"test\": [\"1\", \"2\", \"3\"]}");
        saint_dataset *d = data_open("scienceqa", "sqa");
        assert_int_equal(saint_dataset_count(d), 2);
        uid_is(d, 0, "1");
        data_prompt_is(d, 0, "Context: H\nQ1\nA. x\nB. y" LETTER);
        data_prompt_is(d, 1, "Q2\nA. x\nB. y\nC. z" LETTER);
        saint_sample s = data_item(d, 0);
        assert_int_equal(s.answer_index, 1);
        assert_string_equal(s.answers[0], "B");
        assert_string_equal(saint_sample_meta(&s, "subject"), "natural science");
        assert_null(saint_sample_meta(&s, "grade"));
        saint_sample_free(&s);
        picture_is_there(d, 0);
        picture_is_missed(d, 1, "test/2/image.png");
        saint_dataset_close(d);
        d = data_open_with("scienceqa", "sqa", &(saint_dataset_options){.split = "test_all"});
        assert_int_equal(saint_dataset_count(d), 3);
        saint_dataset_close(d);
        d = data_open_with("scienceqa", "sqa", &(saint_dataset_options){.split = "val"});
        assert_int_equal(saint_dataset_count(d), 1);
        saint_dataset_close(d);
    }
    data_write("sqa/pid_splits.json", "{\"test\": [1]}");
    REFUSED("scienceqa", "sqa", "ids as texts");
    data_write("s1/problems.json",
               "{\"1\": {\"question\": \"Q\", \"choices\": [\"x\"], \"answer\": 1, \"image\": \"i\", \"split\": \"test\"}}");
    REFUSED("scienceqa", "s1", "\"answer\"", "record 1");
    data_write("s1/problems.json", "{\"1\": {\"question\": \"Q\", \"choices\": [], \"answer\": 0, \"image\": \"i\", \"split\": \"test\"}}");
    REFUSED("scienceqa", "s1", "\"choices\"");
    data_write("s1/problems.json", "[]");
    REFUSED("scienceqa", "s1", "array");
    data_write("s1/problems.json", "{}");
    REFUSED("scienceqa", "s1", "at least one sample");
}

/* Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAChQeAA== is `dot`. */
#define DOT64 "Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAChQeAA=="

static void mmbench_is_a_quoted_table(void **state)
{
    (void)state;
    data_write("mmb/MMBench_DEV_EN.tsv",
               "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsource\tl2-category\tcomment\tsplit\n"
               "7\t\"What, \"\"now\"\"?\nReally\"\tSome hint\tone\ttwo\t\t\tA\tocr\t" DOT64 "\tsrc\tperception\tnan\tdev\n"
               "1000007\tQ\tnan\ttwo\tone\tnan\t\tB\tocr\t7\tsrc\tperception\t\tdev\n"
               "8\tQ8\t\tx\ty\tz\tw\tD\tlogic\t\"" DOT64 "\"\tsrc\treasoning\t\tdev\n");
    saint_dataset *d = data_open("mmbench", "mmb");
    assert_int_equal(saint_dataset_count(d), 3);
    uid_is(d, 1, "1000007");
    assert_int_equal(saint_dataset_cluster(d, 0), saint_dataset_cluster(d, 1));
    data_prompt_is(d, 0, "Some hint What, \"now\"?\nReally There are several options:\nA. one\nB. two\n" LETTER);
    data_prompt_is(d, 1, "Q There are several options:\nA. two\nB. one\n" LETTER);
    picture_is_there(d, 0);
    picture_is_there(d, 1); /* the row that it names */
    picture_is_there(d, 2);
    saint_sample s = data_item(d, 2);
    assert_int_equal(s.answer_index, 3);
    assert_string_equal(saint_sample_meta(&s, "l2-category"), "reasoning");
    assert_true(s.embedded);
    saint_sample_free(&s);
    saint_dataset_close(d);
    d = data_open_with("mmbench", "mmb/MMBench_DEV_EN.tsv", &(saint_dataset_options){.style = SAINT_PROMPT_LLAVA});
    data_prompt_is(d, 0, "Some hint\nWhat, \"now\"?\nReally\nA. one\nB. two" LETTER);
    saint_dataset_close(d);
    data_write("mmbench_dev_cn.tsv", "index\tquestion\tA\tB\tanswer\n7\tQ\tx\ty\tA\n");
    d = data_open("mmbench", "mmbench_dev_cn.tsv");
    data_prompt_is(d, 0, "Q 有如下几个选项：\nA. x\nB. y\n\n请直接使用所提供的选项字母作为答案回答。");
    assert_int_equal(saint_dataset_get_info(d)->max_new_tokens, 256);
    saint_dataset_close(d);
}

static void broken_mmbench_is_refused(void **state)
{
    (void)state;
    REFUSED("mmbench", "e1", "one .tsv", "found 0");
    data_write("m1.tsv", "index,question,A,B\n");
    REFUSED("mmbench", "m1.tsv", "\"index\"");
    data_write("m2.tsv", "index\tquestion\tA\tB\tanswer\n7\tQ\tx\ty\tC\n");
    REFUSED("mmbench", "m2.tsv", "row 2", "\"answer\"");
    data_write("m3.tsv", "index\tquestion\tA\tB\n7\t\"Q\tx\ty\n");
    REFUSED("mmbench", "m3.tsv", "closing quote");
    data_write("m4.tsv", "index\tquestion\tA\tB\timage\n7\tQ\tx\ty\t8\n8\tQ\tx\ty\t7\n");
    REFUSED("mmbench", "m4.tsv", "picture of 7", "row 8"); /* references do not chain, let alone in a circle */
    data_write("m5.tsv", "index\tquestion\tA\tB\timage\n7\tQ\tx\ty\tzzz\n");
    REFUSED("mmbench", "m5.tsv", "zzz");
    data_write("m6.tsv", "index\tquestion\tA\tB\n-7\tQ\tx\ty\n");
    REFUSED("mmbench", "m6.tsv", "\"index\"");
    data_write("m7.tsv", "index\tquestion\tA\tB\n7\t\xff\tx\ty\n");
    REFUSED("mmbench", "m7.tsv", "UTF-8");
    data_write("m8.tsv", "");
    REFUSED("mmbench", "m8.tsv", "\"index\"");
    data_write("m9.tsv",
               "index\tquestion\tA\tB\timage\n7\tQ\tx\ty\t*************************************************************************\n");
    saint_dataset *d = data_open("mmbench", "m9.tsv");
    saint_image im;
    saint_error e = {0};
    assert_int_equal(saint_dataset_picture(d, 0, 0, &im, &e), SAINT_FORMAT);
    assert_non_null(strstr(e.text, "base64"));
    assert_int_equal(saint_dataset_picture(d, 0, 1, &im, &e), SAINT_INVALID);
    saint_dataset_close(d);
}

#define SEED(id, type, data, kind, answer)                                                                                                 \
    "{\"question_id\": \"" id "\", \"question\": \"Q" id                                                                                   \
    "\", \"choice_a\": \"p\", \"choice_b\": \"q\", \"choice_c\": \"r\", \"choice_d\": \"s\", "                                             \
    "\"answer\": \"" answer "\", \"data_type\": \"" type "\", \"data_id\": \"" data "\", \"question_type_id\": " kind                      \
    ", \"segment\": [1, 2]}"

static void seed_leaves_videos_out(void **state)
{
    (void)state;
    data_write("seed/SEED-Bench.json", "{\"question_type\": {\"Scene Understanding\": 1, \"Action\": 10}, \"questions\": [" SEED(
                                           "1", "image", "111_222", "1", "C") "," SEED("v10", "video", "clip.webm", "10", "A") "]}");
    saint_dataset *d = data_open("seed", "seed");
    assert_int_equal(saint_dataset_count(d), 1);
    assert_int_equal(saint_dataset_get_info(d)->n_notes, 1);
    data_prompt_is(d, 0, "Q1\nA. p\nB. q\nC. r\nD. s" LETTER);
    saint_sample s = data_item(d, 0);
    assert_string_equal(s.category, "Scene Understanding");
    assert_int_equal(s.answer_index, 2);
    saint_sample_free(&s);
    picture_is_missed(d, 0, "SEED-Bench-image/111_222");
    saint_dataset_close(d);
    d = data_open_with("seed", "seed", &(saint_dataset_options){.split = "all"});
    assert_int_equal(saint_dataset_count(d), 2);
    saint_dataset_close(d);
    data_write_bytes("seed/SEED-Bench-video-image/v10.png", dot, sizeof dot);
    d = data_open("seed", "seed");
    assert_int_equal(saint_dataset_count(d), 2);
    picture_is_there(d, 1);
    saint_dataset_close(d);
    data_write("seed/SEED-Bench.json", "{\"question_type\": {\"S\": 1}, \"questions\": [" SEED("1", "image", "1", "1", "E") "]}");
    REFUSED("seed", "seed", "\"answer\"", "A, B, C or D");
    data_write("seed/SEED-Bench.json", "{\"question_type\": {\"S\": 1}, \"questions\": [" SEED("1", "audio", "1", "1", "A") "]}");
    REFUSED("seed", "seed", "\"data_type\"");
    data_write("seed/SEED-Bench.json", "{\"questions\": []}");
    REFUSED("seed", "seed", "\"question_type\"");
}

/* ---- folders and manifests --------------------------------------------------------------------------------------------------- */

static void image_folders_number_their_classes(void **state)
{
    (void)state;
    data_write_bytes("in/val/n02/b.JPEG", dot, sizeof dot);
    data_write_bytes("in/val/n01/a.JPEG", dot, sizeof dot);
    data_write_bytes("in/val/n01/c.png", dot, sizeof dot);
    data_write("in/val/n10/readme.txt", "");
    saint_dataset *d = data_open("imagefolder", "in");
    assert_int_equal(saint_dataset_count(d), 3);
    uid_is(d, 0, "n01/a.JPEG"); /* in turn from the classes, so that the first samples show them all */
    uid_is(d, 1, "n02/b.JPEG");
    uid_is(d, 2, "n01/c.png");
    saint_sample s = data_item(d, 1);
    assert_int_equal(s.answer_index, 1);
    assert_string_equal(s.answers[0], "n02");
    saint_sample_free(&s);
    assert_int_equal(saint_dataset_get_info(d)->n_classes, 3);
    picture_is_there(d, 1);
    data_prompt_is(d, 0, "");
    saint_dataset_close(d);
    data_write("flat/LOC_synset_mapping.txt", "n02 dog, Canis\nn01 cat\n");
    data_write(
        "flat/LOC_val_solution.csv",
        "ImageId,PredictionString\r\nILSVRC2012_val_00000001,n02 85 1 499 272 \r\nILSVRC2012_val_00000002,n01 1 2 3 4 n01 5 6 7 8\n");
    data_write_bytes("flat/ILSVRC2012_val_00000002.JPEG", dot, sizeof dot);
    d = data_open("imagefolder", "flat");
    assert_int_equal(saint_dataset_count(d), 2);
    s = data_item(d, 0);
    assert_int_equal(s.answer_index, 1); /* rank by bytes, not order in the file */
    saint_sample_free(&s);
    picture_is_there(d, 1);
    picture_is_missed(d, 0, "ILSVRC2012_val_00000001.JPEG");
    saint_dataset_close(d);
    data_write("flat/LOC_val_solution.csv", "ImageId,PredictionString\nx,n03 1\n");
    REFUSED("imagefolder", "flat", "n03", "row 2");
    REFUSED("imagefolder", "in/val/n01", "one folder of pictures per class");
    REFUSED("imagefolder", "nowhere", "nowhere");
    data_write("bare/n01/x.txt", "");
    data_write("bare/n02/x.txt", "");
    REFUSED("imagefolder", "bare", "at least one sample");
}

static void manifests_are_plain(void **state)
{
    (void)state;
    data_write("man/manifest.jsonl", "{\"uid\": \"a\", \"question\": \"Q?\", \"answers\": [\"x\", \"y\"], \"image\": [\"images/x.bmp\", "
                                     "\"images/y.bmp\"], \"meta\": {\"k\": \"v\", \"n\": 1}}\n"
                                     "{\"uid\": 7, \"cluster\": \"c\", \"category\": \"cat\", \"question\": \"Pick\", \"choices\": "
                                     "[\"one\", \"two\"], \"answers\": \"two\"}\n");
    data_write_bytes("man/images/x.bmp", dot, sizeof dot);
    saint_dataset *d = data_open("manifest", "man");
    uid_is(d, 1, "7");
    saint_sample s = data_item(d, 0);
    assert_int_equal(s.n_images, 2);
    assert_string_equal(s.cluster, "images/x.bmp");
    assert_string_equal(saint_sample_meta(&s, "k"), "v");
    saint_sample_free(&s);
    s = data_item(d, 1);
    assert_int_equal(s.answer_index, 1);
    saint_sample_free(&s);
    data_prompt_is(d, 0, "Q?");
    data_prompt_is(d, 1, "Pick\nA. one\nB. two" LETTER);
    picture_is_there(d, 0);
    saint_dataset_close(d);
    data_write("short.jsonl", "{\"question\": \"Q?\", \"answer\": \"x\"}\n{\"question\": \"P?\", \"answer\": [\"y\", \"z\"]}\n");
    d = data_open("manifest", "short.jsonl");
    uid_is(d, 0, "1");
    uid_is(d, 1, "2");
    s = data_item(d, 1);
    assert_int_equal(s.n_answers, 2);
    saint_sample_free(&s);
    assert_true(saint_dataset_get_info(d)->has_answers);
    saint_dataset_close(d);
    static const char *const bad[][2] = {
        {"{\"uid\": \"a\"}", "found neither"},
        {"{\"uid\": \"a\", \"question\": \"Q\", \"choices\": [\"x\"], \"answers\": [\"z\"]}", "a choice or its letter"},
        {"{\"uid\": \"a\", \"question\": \"Q\", \"answers\": [1]}", "\"answers\""},
        {"{\"uid\": \"a\", \"question\": \"Q\", \"answer\": [1]}", "\"answer\""},
        {"{\"uid\": \"\", \"question\": \"Q\"}", "an id"},
        {"{\"uid\": {}, \"question\": \"Q\"}", "\"uid\""},
        {"7", "JSON lines"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        data_write("bad.jsonl", bad[i][0]);
        REFUSED("manifest", "bad.jsonl", bad[i][1], "bad.jsonl");
    }
}

static void folders_of_pictures_have_no_answers(void **state)
{
    (void)state;
    data_write_bytes("pics/b.jpg", dot, sizeof dot);
    data_write_bytes("pics/a.PNG", dot, sizeof dot);
    data_write("pics/notes.txt", "");
    saint_dataset *d = data_open("images", "pics");
    assert_int_equal(saint_dataset_count(d), 2);
    uid_is(d, 0, "a.PNG");
    picture_is_there(d, 1);
    assert_false(saint_dataset_get_info(d)->has_answers);
    saint_dataset_close(d);
    d = data_open("images", "pics/b.jpg");
    uid_is(d, 0, "b.jpg");
    picture_is_there(d, 0);
    saint_dataset_close(d);
    REFUSED("images", "bare", "expected pictures");
}

static void kinds_are_named(void **state)
{
    (void)state;
    saint_dataset *d;
    saint_error e = {0};
    static const char *const bad[] = {"nope:/x", "mme", "mme:", "", ":x", "mm:/x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(saint_dataset_open(bad[i], NULL, &d, &e), SAINT_INVALID);
        assert_null(d);
        assert_non_null(strstr(e.text, "expected"));
    }
    assert_int_equal(saint_dataset_open("mme:/x", &(saint_dataset_options){.images = "/nonexistent"}, &d, &e), SAINT_IO);
    for (int k = 0; k < SAINT_DATA_KIND_COUNT; k++)
        assert_true(*saint_data_kind_name((saint_data_kind)k) && *saint_data_kind_doc((saint_data_kind)k));
}

static void versions_have_different_digests(void **state)
{
    (void)state;
    char hex[3][65];
    const char *const text[] = {POPE("1", "a.jpg", "Q", "yes"), POPE("1", "a.jpg", "Q", "no"), POPE("1", "a.jpg", "Q", "yes")};
    for (int i = 0; i < 3; i++) {
        data_write("digest/coco_pope_random.json", text[i]);
        saint_dataset *d = data_open("pope", "digest");
        saint_digest_hex(&saint_dataset_get_info(d)->digest, hex[i]);
        saint_dataset_close(d);
    }
    assert_string_not_equal(hex[0], hex[1]);
    assert_string_equal(hex[0], hex[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mme_has_two_layouts),
        cmocka_unit_test(mme_results_are_a_data_set),
        cmocka_unit_test(broken_mme_is_refused),
        cmocka_unit_test(scenes_are_mme_with_their_own_tasks),
        cmocka_unit_test(pope_reads_lines_and_arrays),
        cmocka_unit_test(broken_pope_is_refused),
        cmocka_unit_test(vqav2_joins_questions_and_annotations),
        cmocka_unit_test(broken_vqav2_is_refused),
        cmocka_unit_test(textvqa_has_two_wordings),
        cmocka_unit_test(gqa_keeps_ids_as_text),
        cmocka_unit_test(vizwiz_asks_for_unanswerable),
        cmocka_unit_test(scienceqa_takes_test_problems_with_a_picture),
        cmocka_unit_test(mmbench_is_a_quoted_table),
        cmocka_unit_test(broken_mmbench_is_refused),
        cmocka_unit_test(seed_leaves_videos_out),
        cmocka_unit_test(image_folders_number_their_classes),
        cmocka_unit_test(manifests_are_plain),
        cmocka_unit_test(folders_of_pictures_have_no_answers),
        cmocka_unit_test(kinds_are_named),
        cmocka_unit_test(versions_have_different_digests),
    };
    return cmocka_run_group_tests(tests, data_make, data_remove);
}
