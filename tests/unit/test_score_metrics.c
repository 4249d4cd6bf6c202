/* Answers in every format that exists for them, and scores worked out by hand. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include <math.h>

#include "datasets/answers.h"
#include "datasets/score.h"

typedef struct {
    saint_dataset *d;
    saint_answers a;
    saint_score s;
} scored;

static scored *score_with(const char *kind, const char *name, const char *answers, saint_parser p, const char *questions, const char *split)
{
    static scored r;
    char questions_path[512];
    if (questions) snprintf(questions_path, sizeof questions_path, "%s", data_path(questions));
    r = (scored){.d = data_open_with(kind, name, &(saint_dataset_options){.split = split})};
    assert_ok(saint_answers_load(r.d, data_path(answers), questions ? questions_path : NULL, &r.a, err));
    size_t n = saint_dataset_count(r.d);
    saint_verdict *v = calloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        if (r.a.text[i]) assert_ok(saint_score_answer(r.d, i, r.a.text[i], p, &v[i], NULL, err));
    assert_ok(saint_score_verdicts(r.d, v, p, &r.s, err));
    free(v);
    return &r;
}

static scored *score(const char *kind, const char *name, const char *answers, saint_parser p)
{
    return score_with(kind, name, answers, p, NULL, NULL);
}

static void done(scored *r)
{
    saint_score_free(&r->s);
    saint_answers_free(r->d, &r->a);
    saint_dataset_close(r->d);
}

static const saint_metric *metric(const scored *r, const char *slice, const char *name)
{
    const saint_slice *s = slice ? NULL : &r->s.all;
    for (size_t i = 0; slice && i < r->s.n_slices; i++)
        if (strcmp(r->s.slice[i].name, slice) == 0) s = &r->s.slice[i];
    const saint_metric *m = s ? saint_score_metric(s, name) : NULL;
    if (!m) fail_msg("no %s in %s", name, slice ? slice : "all");
    return m;
}

static void is(const scored *r, const char *slice, const char *name, double want)
{
    double got = metric(r, slice, name)->v.value;
    if (!(fabs(got - want) < 1e-12) && !(isnan(got) && isnan(want)))
        fail_msg("%s %s: expected %.15g, found %.15g", slice ? slice : "all", name, want, got);
}

static void refused(const char *kind, const char *name, const char *answers, const char *words)
{
    saint_dataset *d = data_open(kind, name);
    saint_answers a;
    saint_error e = {0};
    if (saint_answers_load(d, data_path(answers), NULL, &a, &e) == SAINT_OK) fail_msg("%s was accepted", answers);
    assert_null(strchr(e.text, '\n'));
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
    saint_dataset_close(d);
}

/* ---- MME ------------------------------------------------------------------------------------------------------------------- */

static void make_mme(void)
{
    data_write("mme/color/1.txt", "Is it red? Please answer yes or no.\tYes\nIs it blue? Please answer yes or no.\tNo\n");
    data_write("mme/color/2.txt", "Is it red? Please answer yes or no.\tYes\nIs it blue? Please answer yes or no.\tNo\n");
    data_write("mme/OCR/1.txt", "Is it X? Please answer yes or no.\tYes\nIs it Y? Please answer yes or no.\tNo\n");
    data_write("mme/code_reasoning/1.txt", "Is it 1? Please answer yes or no.\tYes\nIs it 2? Please answer yes or no.\tNo\n");
}

static void mme_by_hand(void **state)
{
    (void)state;
    make_mme();
    /* color: picture 1 both right (50+50 and 100), picture 2 one right (50): acc 75, acc+ 50, score 125. OCR: both wrong 0. code: other +
     * right 50. */
    data_write(
        "a.jsonl",
        "{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"}\n{\"uid\": \"color/1.jpg#1\", \"answer\": \"No.\"}\n{\"uid\": "
        "\"color/2.jpg#0\", \"answer\": \"Yes\"}\n"
        "{\"uid\": \"color/2.jpg#1\", \"answer\": \"yes\"}\n{\"uid\": \"OCR/1.jpg#0\", \"answer\": \"no\"}\n{\"uid\": \"OCR/1.jpg#1\", "
        "\"answer\": \"yes\"}\n"
        "{\"uid\": \"code_reasoning/1.jpg#0\", \"answer\": \"perhaps\"}\n{\"uid\": \"code_reasoning/1.jpg#1\", \"answer\": \"no\"}\n");
    scored *r = score("mme", "mme", "a.jsonl", SAINT_PARSER_LMMS);
    is(r, "color", "acc", 75);
    is(r, "color", "accplus", 50);
    assert_int_equal(metric(r, "color", "acc")->v.n, 4); /* questions of two pictures */
    assert_int_equal(metric(r, "color", "accplus")->v.n, 2);
    is(r, "color", "score", 125);
    is(r, "OCR", "score", 0);
    is(r, "code_reasoning", "score", 50);
    is(r, NULL, "perception", 125);
    is(r, NULL, "cognition", 50);
    is(r, NULL, "total", 175);
    is(r, NULL, "accuracy", 4.0 / 8);
    is(r, NULL, "accuracy_plus", 1.0 / 4);
    assert_int_equal(r->s.parsed_other, 1);
    assert_int_equal(r->s.n, 8);
    assert_true(isnan(metric(r, NULL, "perception")->v.low)); /* three pictures have no interval */
    assert_true(metric(r, NULL, "perception")->partial);      /* eight categories are not there */
    assert_false(metric(r, "color", "score")->partial);
    done(r);
    data_write("part.jsonl", "{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"}\n{\"uid\": \"color/1.jpg#1\", \"answer\": "
                             "\"no\"}\n{\"uid\": \"color/2.jpg#0\", \"answer\": \"no\"}\n"
                             "{\"uid\": \"color/9.jpg#0\", \"answer\": \"no\"}\n{\"uid\": \"color/1.jpg#0\", \"answer\": "
                             "\"no\"}\n{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"}\n"
                             "{\"uid\": \"OCR/1.jpg#0\", \"answer\": null}\n");
    r = score("mme", "mme", "part.jsonl", SAINT_PARSER_LMMS);
    is(r, "color", "score", 200); /* the complete pair only */
    is(r, NULL, "accuracy", 2.0 / 3);
    assert_true(metric(r, "color", "score")->partial && metric(r, NULL, "accuracy")->partial);
    assert_int_equal(r->a.unknown.n, 1);
    assert_string_equal(r->a.unknown.name[0], "color/9.jpg#0");
    assert_int_equal(r->a.duplicate.n, 2);
    assert_int_equal(r->a.conflicting.n, 1);
    assert_int_equal(r->a.missing.n, 5);
    assert_string_equal(r->a.missing.name[0], "OCR/1.jpg#0");
    assert_int_equal(r->s.n_warnings, 1);
    done(r);
}

static void mme_formats(void **state)
{
    (void)state;
    make_mme();
    /* the official tool's files: another order of lines, one foreign label */
    data_write("official/color.txt",
               "2.png\tIs it red? Please answer yes or no.\tYes\tyes\n1.png\tIs it blue? Please answer yes or no.\tNo\tno\n"
               "1.png\tIs it red? Please answer yes or no.\tYes\tyes\n2.png\tIs it blue? Please answer yes or no.\tYes\tno\n");
    data_write("official/README.txt", "not answers");
    scored *r = score("mme", "mme", "official", SAINT_PARSER_OFFICIAL);
    is(r, "color", "score", 200);
    assert_int_equal(r->a.mislabelled.n, 1);
    assert_int_equal(r->a.missing.n, 4);
    done(r);
    r = score("mme", "mme", "official/color.txt", SAINT_PARSER_LMMS);
    is(r, "color", "score", 200);
    done(r);
    /* LLaVA: both questions have one id; the prompt tells them apart */
    data_write("llava.jsonl", "{\"question_id\": \"color/1.png\", \"prompt\": \"Is it blue?\\nAnswer the question using a single word or "
                              "phrase.\", \"text\": \"No\", \"answer_id\": \"x\"}\n"
                              "{\"question_id\": \"color/1.png\", \"prompt\": \"Is it red?\\nAnswer the question using a single word or "
                              "phrase.\", \"text\": \"No\"}\n");
    r = score("mme", "mme", "llava.jsonl", SAINT_PARSER_LMMS);
    is(r, "color", "score", 50);
    assert_int_equal(r->a.matched, 2);
    done(r);
    data_write("lmms.jsonl", "{\"doc_id\": 0, \"doc\": {\"question_id\": \"color/1.png\", \"question\": \"Is it red? Please answer yes or "
                             "no.\", \"answer\": \"Yes\"}, \"filtered_resps\": [\"Yes\"]}\n");
    r = score("mme", "mme", "lmms.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 1);
    done(r);
    data_write("tabs/color.txt", "1.png\tIs it red? Please answer yes or no.\tYes\n");
    refused("mme", "mme", "tabs", "prediction");
    data_write("none/x.md", "");
    refused("mme", "mme", "none", "expected answer files");
    refused("mme", "mme", "nowhere", "nowhere");
    data_write("other.jsonl", "{\"uid\": \"a\", \"answer\": \"b\"}");
    refused("mme", "mme", "other.jsonl", "OCR/1.jpg#0");
    data_write("other.jsonl", "{\"uid\": \"a\", \"answer\": {\"b\": 1}}\n{}");
    refused("mme", "mme", "other.jsonl", "record 1");
    data_write("other.jsonl", "{\"answer\": \"b\"}\n{}");
    refused("mme", "mme", "other.jsonl", "\"uid\"");
    data_write("other.jsonl", "{\"uid\": \"a\"}\n{}");
    refused("mme", "mme", "other.jsonl", "\"answer\"");
    data_write("other.jsonl", "nonsense");
    refused("mme", "mme", "other.jsonl", "other.jsonl");
    data_write("other.jsonl", "");
    refused("mme", "mme", "other.jsonl", "end of the file");
    data_write("official/color.txt", "1.png\t\xff\tYes\tyes\n");
    refused("mme", "mme", "official", "UTF-8");
}

/* ---- POPE ------------------------------------------------------------------------------------------------------------------- */

#define POPE(id, image, text, label)                                                                                                       \
    "{\"question_id\": " id ", \"image\": \"" image "\", \"text\": \"" text "\", \"label\": \"" label "\"}\n"

static void make_pope(void)
{
    data_write("pope/coco_pope_random.json", POPE("1", "a.jpg", "Is there a cat?", "yes") POPE("2", "a.jpg", "Is there a dog?", "no")
                                                 POPE("3", "b.jpg", "Is there a car?", "yes") POPE("4", "b.jpg", "Is there a bus?", "no"));
    data_write("pope/coco_pope_popular.json", POPE("1", "a.jpg", "Is there a cat?", "yes") POPE("2", "a.jpg", "Is there a fork?", "no"));
}

static void pope_by_hand(void **state)
{
    (void)state;
    make_pope();
    /* lmms: TP, FP, unread (label yes), TN; popular: FN, TN */
    data_write("p.jsonl", "{\"uid\": \"random/1\", \"answer\": \"Yes\"}\n{\"uid\": \"random/2\", \"answer\": \"yes\"}\n{\"uid\": "
                          "\"random/3\", \"answer\": \"Yes.\"}\n"
                          "{\"uid\": \"random/4\", \"answer\": \"no\"}\n{\"uid\": \"popular/1\", \"answer\": \"No\"}\n{\"uid\": "
                          "\"popular/2\", \"answer\": \"No\"}\n");
    scored *r = score("pope", "pope", "p.jsonl", SAINT_PARSER_LMMS);
    is(r, "random", "accuracy", 2.0 / 4);
    is(r, "random", "precision", 1.0 / 2);
    is(r, "random", "recall", 1.0); /* the unread answer leaves the denominator */
    is(r, "random", "f1", 2.0 / 3);
    is(r, "random", "yes_ratio", 2.0 / 4);
    is(r, "random", "lmms_yes_ratio", 0.5); /* of the labels */
    is(r, "popular", "precision", NAN);
    is(r, "popular", "recall", 0);
    is(r, NULL, "accuracy", 3.0 / 6);
    is(r, NULL, "precision", 1.0 / 2);
    is(r, NULL, "recall", 1.0 / 2);
    is(r, NULL, "f1", 1.0 / 2);
    assert_int_equal(r->s.parsed_other, 1);
    done(r);
    r = score("pope", "pope", "p.jsonl", SAINT_PARSER_OFFICIAL);
    is(r, "random", "accuracy", 3.0 / 4);
    is(r, "random", "precision", 2.0 / 3);
    is(r, "random", "recall", 1);
    is(r, "random", "f1", 0.8);
    is(r, "random", "yes_ratio", 3.0 / 4);
    is(r, NULL, "f1", 2 * (2.0 / 3) * (2.0 / 3) / (4.0 / 3));
    is(r, "popular", "f1", 0); /* one yes was missed and none was found */
    is(r, NULL, "f1_mean", 0.4);
    assert_null(saint_score_metric(&r->s.all, "lmms_yes_ratio"));
    assert_int_equal(r->s.parsed_other, 0);
    done(r);
}

static void pope_formats(void **state)
{
    (void)state;
    make_pope();
    /* POPE's own: the order of the lines, checked by the question */
    data_write("own/ans_random.json", "{\"question\": \"is there a cat in the image?\", \"answer\": \"yes\"}\n");
    refused("pope", "pope", "own", "their questions differ");
    data_write("own/ans_random.json", "{\"question\": \"is there a cat?\", \"answer\": \"yes\"}\n{\"question\": \"Is there a DOG?\", "
                                      "\"answer\": \"no\"}\n{\"question\": \"Is there a tree?\", \"answer\": \"no\"}\n");
    scored *r = score("pope", "pope", "own", SAINT_PARSER_LMMS);
    is(r, "random", "accuracy", 1);
    assert_int_equal(r->a.matched, 2);
    assert_int_equal(r->a.otherwise.n, 1);
    done(r);
    /* ids of one file need that file to be named by the data set or the answers */
    data_write("ids.jsonl", "{\"question_id\": 1, \"text\": \"yes\"}\n{\"question_id\": 2, \"text\": \"no\"}\n");
    refused("pope", "pope", "ids.jsonl", "--questions");
    r = score("pope", "pope/coco_pope_popular.json", "ids.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 1);
    done(r);
    data_write(
        "llava_popular.jsonl",
        "{\"question_id\": 1, \"prompt\": \"Is there a cat?\\nAnswer the question using a single word or phrase.\", \"text\": \"yes\"}\n"
        "{\"question_id\": 2, \"prompt\": \"Is there a spoon?\\nAnswer the question using a single word or phrase.\", \"text\": \"no\"}\n");
    r = score("pope", "pope", "llava_popular.jsonl", SAINT_PARSER_LMMS);
    assert_int_equal(r->a.matched, 1);
    assert_int_equal(r->a.otherwise.n, 1); /* same id, another question: another version of POPE */
    done(r);
    /* LLaVA numbers all three files together and says in its question file what is what */
    data_write("llava_pope_test.jsonl", "{\"question_id\": 0, \"image\": \"a.jpg\", \"text\": \"Is there a cat?\\nAnswer the question "
                                        "using a single word or phrase.\", \"category\": \"popular\"}\n"
                                        "{\"question_id\": 1, \"image\": \"a.jpg\", \"text\": \"Is there a cat?\\nAnswer the question "
                                        "using a single word or phrase.\", \"category\": \"random\"}\n"
                                        "{\"question_id\": 2, \"image\": \"b.jpg\", \"text\": \"Is there a bus?\\nAnswer the question "
                                        "using a single word or phrase.\", \"category\": \"random\"}\n");
    data_write("llava.jsonl", "{\"question_id\": 0, \"prompt\": \"x\", \"text\": \"No\"}\n{\"question_id\": 1, \"prompt\": \"x\", "
                              "\"text\": \"Yes\"}\n{\"question_id\": 2, \"prompt\": \"x\", \"text\": \"No\"}\n");
    r = score_with("pope", "pope", "llava.jsonl", SAINT_PARSER_OFFICIAL, "llava_pope_test.jsonl", NULL);
    is(r, "popular", "accuracy", 0);
    is(r, "random", "accuracy", 1);
    assert_int_equal(r->a.matched, 3);
    done(r);
    data_write(
        "rows.jsonl",
        "{\"question_id\": 2, \"image\": \"a.jpg\", \"text\": \"Is there a fork?\", \"category\": \"popular\", \"answer\": \"no\"}\n");
    r = score("pope", "pope", "rows.jsonl", SAINT_PARSER_LMMS);
    is(r, "popular", "accuracy", 1);
    done(r);
}

/* ---- VQA --------------------------------------------------------------------------------------------------------------------- */

static void vqav2_normalises_when_people_disagree(void **state)
{
    (void)state;
    data_write("vqa/v2_OpenEnded_mscoco_val2014_questions.json",
               "{\"questions\": [{\"image_id\": 1, \"question\": \"a?\", \"question_id\": 1}, {\"image_id\": 1, \"question\": \"b?\", "
               "\"question_id\": 2}]}");
    data_write("vqa/v2_mscoco_val2014_annotations.json",
               "{\"annotations\": [{\"question_id\": 1, \"answer_type\": \"yes/no\", \"answers\": "
               "[\"yes\",\"yes\",\"yes\",\"yes\",\"yes\",\"yes\",\"yes\",\"yes\",\"yes\",\"yes\"]},"
               "{\"question_id\": 2, \"answer_type\": \"number\", \"answers\": [\"two\",\"2\",\"the "
               "2\",\"3\",\"3\",\"3\",\"3\",\"3\",\"3\",\"4\"]}]}");
    data_write("v.json", "[{\"question_id\": 1, \"answer\": \"Yes\"}, {\"question_id\": 2, \"answer\": \"Two\"}]");
    scored *r = score("vqav2", "vqa", "v.json", SAINT_PARSER_LMMS);
    is(r, "yes/no", "accuracy", 1);
    is(r, "number", "accuracy", 0.9); /* three of ten say 2 */
    is(r, NULL, "accuracy", 0.95);
    done(r);
    r = score("vqav2", "vqa", "v.json", SAINT_PARSER_OFFICIAL);
    is(r, "yes/no", "accuracy", 0); /* all agree: nothing is normalised, not even case */
    is(r, "number", "accuracy", 0.9);
    done(r);
}

static void textvqa_matches_by_picture(void **state)
{
    (void)state;
    data_write("text/TextVQA_0.5.1_val.json",
               "{\"data\": [{\"question\": \"What Brand?\", \"image_id\": \"00aa\", \"question_id\": 5, \"answers\": "
               "[\"nokia\",\"Nokia.\",\"the nokia\",\"nokia\",\"x\",\"x\",\"y\",\"y\",\"z\",\"z\"]},"
               "{\"question\": \"what year?\", \"image_id\": \"00aa\", \"question_id\": 6, \"answers\": "
               "[\"1,999\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}]}");
    data_write("t.jsonl",
               "{\"question_id\": \"00aa\", \"prompt\": \"what year?\\nReference OCR token: a, b\\nAnswer the question using a single word "
               "or phrase.\", \"text\": \"1999\"}\n"
               "{\"question_id\": \"00aa\", \"prompt\": \"What Brand?\\nReference OCR token: \\nAnswer\", \"text\": \"NOKIA\"}\n");
    scored *r = score("textvqa", "text", "t.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", (1 + 0.3) / 2);
    done(r);
    data_write("t.jsonl", "{\"question_id\": 6, \"answer\": \"1999\"}\n");
    r = score("textvqa", "text", "t.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 0.3);
    done(r);
}

static void vizwiz_and_gqa(void **state)
{
    (void)state;
    data_write("viz/val.json", "[{\"image\": \"1.jpg\", \"question\": \"q\", \"answer_type\": \"other\", \"answers\": [\"a "
                               "cat\",\"cat\",\"dog\",\"dog\",\"dog\",\"dog\",\"x\",\"x\",\"x\",\"x\"]}]");
    data_write("viz.json", "[{\"image\": \"1.jpg\", \"answer\": \"The Cat\"}]");
    scored *r = score("vizwiz", "viz", "viz.json", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 0.6);
    is(r, "other", "accuracy", 0.6);
    done(r);
    data_write("gqa.json", "{\"1\": {\"imageId\": \"a\", \"question\": \"q\", \"answer\": \"t-shirt\"}, \"2\": {\"imageId\": \"b\", "
                           "\"question\": \"q\", \"answer\": \"no\"},"
                           "\"3\": {\"imageId\": \"c\", \"question\": \"q\", \"answer\": \"cat\"}}");
    data_write("g.json", "[{\"questionId\": \"1\", \"prediction\": \"T shirt\"}, {\"questionId\": \"2\", \"prediction\": \" No.. \"}, "
                         "{\"questionId\": \"3\", \"prediction\": \"Cat.\"}]");
    r = score("gqa", "gqa.json", "g.json", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 2.0 / 3); /* "t shirt" is not "tshirt" */
    done(r);
    r = score("gqa", "gqa.json", "g.json", SAINT_PARSER_OFFICIAL);
    is(r, NULL, "accuracy", 1.0 / 3); /* spaces are not stripped */
    done(r);
    data_write("g.json", "{\"1\": \"T-shirt!\", \"3\": \"dog\"}");
    r = score("gqa", "gqa.json", "g.json", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 1.0 / 2);
    assert_int_equal(r->a.missing.n, 1);
    done(r);
}

/* ---- choices ------------------------------------------------------------------------------------------------------------------ */

static void scienceqa_formats(void **state)
{
    (void)state;
    data_write("sqa/problems.json", "{\"1\": {\"question\": \"Q1\", \"choices\": [\"x\", \"y\"], \"answer\": 1, \"image\": \"i\", "
                                    "\"split\": \"test\", \"subject\": \"s\"},"
                                    "\"2\": {\"question\": \"Q2\", \"choices\": [\"x\", \"y\"], \"answer\": 0, \"image\": \"i\", "
                                    "\"split\": \"test\", \"subject\": \"s\"}}");
    data_write(
        "s.jsonl",
        "{\"question_id\": \"1\", \"prompt\": \"p\", \"text\": \"B. y\"}\n{\"question_id\": 2, \"prompt\": \"p\", \"text\": \"A\"}\n");
    scored *r = score("scienceqa", "sqa", "s.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 0.5);
    assert_int_equal(r->s.parsed_other, 1);
    done(r);
    r = score("scienceqa", "sqa", "s.jsonl", SAINT_PARSER_OFFICIAL);
    is(r, NULL, "accuracy", 1);
    is(r, "s", "accuracy", 1);
    done(r);
    data_write("s.json", "{\"acc\": 50.0, \"correct\": 1, \"results\": {\"1\": 1, \"2\": 1}}");
    r = score("scienceqa", "sqa", "s.json", SAINT_PARSER_OFFICIAL);
    is(r, NULL, "accuracy", 0.5);
    done(r);
    data_write("s.json", "{\"acc\": 50.0, \"results\": {\"1\": -1, \"2\": 1}, \"outputs\": {\"1\": \"The answer is B.\", \"2\": \"A\"}}");
    r = score("scienceqa", "sqa", "s.json", SAINT_PARSER_OFFICIAL);
    is(r, NULL, "accuracy", 1);
    done(r);
    data_write("s.json", "{\"results\": {\"1\": [], \"2\": 1}}");
    refused("scienceqa", "sqa", "s.json", "\"answer\"");
}

static void mmbench_is_circular(void **state)
{
    (void)state;
    data_write("mmb.tsv", "index\tquestion\tA\tB\tanswer\tcategory\tl2-"
                          "category\n1\tQ\tone\ttwo\tA\tocr\tfine\n1000001\tQ\ttwo\tone\tB\tocr\tfine\n2\tQ\tone\ttwo\tB\tocr\tcoarse\n"
                          "1000002\tQ\ttwo\tone\tA\tocr\tcoarse\n3\tQ\tone\ttwo\tB\tlogic\tcoarse\n");
    data_write("m.tsv", "index\tprediction\n1\tA\n1000001\t\"B.\n\"\n2\tB\n1000002\tB\n3\tthe second, I guess\n");
    scored *r = score("mmbench", "mmb.tsv", "m.tsv", SAINT_PARSER_LMMS);
    is(r, NULL, "circular", 1.0 / 3);
    is(r, NULL, "accuracy", 1.0 / 3);
    is(r, NULL, "vanilla", 3.0 / 5);
    is(r, "ocr", "circular", 1.0 / 2);
    is(r, "ocr", "vanilla", 3.0 / 4);
    is(r, "logic", "circular", 0);
    is(r, "fine", "circular", 1);
    is(r, "coarse", "circular", 0);
    assert_int_equal(r->s.parsed_other, 1);
    assert_int_equal(r->s.n_warnings, 1);
    done(r);
    data_write("m.jsonl", "{\"question_id\": 1, \"prompt\": \"x\", \"text\": \"A\", \"options\": [\"one\", \"two\"]}\n{\"question_id\": 2, "
                          "\"text\": \"B\"}\n{\"question_id\": 3, \"text\": \"two\"}\n");
    r = score("mmbench", "mmb.tsv", "m.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "circular", 1); /* of question 3 alone: the other two miss their copies */
    assert_true(metric(r, NULL, "circular")->partial);
    is(r, NULL, "vanilla", 1);
    done(r);
    data_write("m.tsv", "index\tguess\n1\tA\n");
    refused("mmbench", "mmb.tsv", "m.tsv", "prediction");
}

static void seed_by_type(void **state)
{
    (void)state;
    data_write("seed/SEED-Bench.json",
               "{\"question_type\": {\"S\": 1, \"V\": 2}, \"questions\": ["
               "{\"question_id\": \"1\", \"question\": \"q\", \"choice_a\": \"p\", \"choice_b\": \"q\", \"choice_c\": \"r\", \"choice_d\": "
               "\"s\", \"answer\": \"C\", \"data_type\": \"image\", \"data_id\": \"x\", \"question_type_id\": 1},"
               "{\"question_id\": \"v1\", \"question\": \"q\", \"choice_a\": \"p\", \"choice_b\": \"q\", \"choice_c\": \"r\", "
               "\"choice_d\": \"s\", \"answer\": \"A\", \"data_type\": \"video\", \"data_id\": \"y\", \"question_type_id\": 2}]}");
    data_write("seed.jsonl", "{\"question_id\": \"1\", \"prediction\": \"c)\"}\n{\"question_id\": \"v1\", \"prediction\": \"B\"}\n");
    scored *r = score_with("seed", "seed", "seed.jsonl", SAINT_PARSER_LMMS, NULL, "all");
    is(r, NULL, "seed_image", 1);
    is(r, NULL, "seed_video", 0);
    is(r, NULL, "seed_all", 0.5);
    is(r, "S", "accuracy", 1);
    done(r);
    r = score_with("seed", "seed", "seed.jsonl", SAINT_PARSER_OFFICIAL, NULL, "all");
    is(r, NULL, "seed_image", 0);
    done(r);
}

static void classes_are_ranked(void **state)
{
    (void)state;
    for (int c = 0; c < 7; c++) {
        char name[64];
        snprintf(name, sizeof name, "in/n%d/x.jpg", c);
        data_write(name, "");
    }
    data_write("in.jsonl", "{\"uid\": \"n0/x.jpg\", \"answer\": [\"n0\", \"n1\", \"n2\", \"n3\", \"n4\"]}\n{\"uid\": \"n1/x.jpg\", "
                           "\"answer\": [0, 2, 3, 4, 1, 5]}\n"
                           "{\"uid\": \"n2/x.jpg\", \"answer\": [0, 1, 3, 4, 5, 2]}\n");
    scored *r = score("imagefolder", "in", "in.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "top1", 1.0 / 3);
    is(r, NULL, "accuracy", 1.0 / 3);
    is(r, NULL, "top5", 2.0 / 3);
    for (size_t i = 0; i < r->s.all.n_metrics; i++) assert_true(r->s.all.metric[i].partial); /* four pictures have no answer */
    done(r);
    data_write("in.jsonl", "{\"uid\": \"n0/x.jpg\", \"answer\": \"n0\"}\n{\"uid\": \"n1/x.jpg\", \"answer\": 99}\n");
    r = score("imagefolder", "in", "in.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "top1", 0.5);
    is(r, NULL, "top5", NAN); /* nobody ranked five */
    assert_int_equal(r->s.parsed_other, 1);
    done(r);
}

static void manifests_compare_text_or_letters(void **state)
{
    (void)state;
    data_write("man.jsonl", "{\"uid\": \"a\", \"question\": \"Q\", \"answers\": [\"A red ball\", \"ball\"]}\n{\"uid\": \"b\", "
                            "\"question\": \"Q\", \"choices\": [\"one\", \"two\"], \"answers\": [\"two\"]}\n");
    data_write("ans.jsonl", "{\"uid\": \"a\", \"answer\": \"the ball.\"}\n{\"uid\": \"b\", \"answer\": \"(B) two\"}\n");
    scored *r = score("manifest", "man.jsonl", "ans.jsonl", SAINT_PARSER_LMMS);
    is(r, NULL, "accuracy", 1);
    done(r);
}

static void json_has_null_for_what_is_not_known(void **state)
{
    (void)state;
    make_mme();
    data_write("a.jsonl", "{\"uid\": \"color/1.jpg#0\", \"answer\": \"yes\"}\n{\"uid\": \"color/1.jpg#1\", \"answer\": \"no\"}\n");
    scored *r = score("mme", "mme", "a.jsonl", SAINT_PARSER_LMMS);
    cJSON *o = saint_score_json(&r->s);
    const cJSON *m = cJSON_GetObjectItem(cJSON_GetObjectItem(o, "metrics"), "perception");
    assert_true(cJSON_GetObjectItem(m, "value")->valuedouble == 200);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(m, "low")) && cJSON_IsNull(cJSON_GetObjectItem(m, "high")));
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(m, "partial")));
    assert_int_equal(cJSON_GetObjectItem(m, "n")->valueint, 2);
    assert_non_null(cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "categories"), "color"), "accplus"));
    assert_int_equal(cJSON_GetObjectItem(o, "n")->valueint, 2);
    cJSON_Delete(o);
    saint_verdict v;
    assert_int_equal(saint_score_answer(r->d, 99, "x", SAINT_PARSER_LMMS, &v, NULL, NULL), SAINT_INVALID);
    char *parsed;
    assert_ok(saint_score_answer(r->d, 0, "Yes, it is", SAINT_PARSER_LMMS, &v, &parsed, err));
    assert_string_equal(parsed, "yes");
    free(parsed);
    done(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mme_by_hand),
        cmocka_unit_test(mme_formats),
        cmocka_unit_test(pope_by_hand),
        cmocka_unit_test(pope_formats),
        cmocka_unit_test(vqav2_normalises_when_people_disagree),
        cmocka_unit_test(textvqa_matches_by_picture),
        cmocka_unit_test(vizwiz_and_gqa),
        cmocka_unit_test(scienceqa_formats),
        cmocka_unit_test(mmbench_is_circular),
        cmocka_unit_test(seed_by_type),
        cmocka_unit_test(classes_are_ranked),
        cmocka_unit_test(manifests_compare_text_or_letters),
        cmocka_unit_test(json_has_null_for_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, data_make, data_remove);
}
