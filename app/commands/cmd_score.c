/* saint score: logged answers to numbers, without a model. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "defaults.h"
#include "datasets/answers.h"
#include "datasets/score.h"

typedef struct {
    const char *data, *answers, *parser, *questions, *split;
    bool json;
} options;

typedef struct {
    const options *o;
    saint_dataset *d;
    saint_answers a;
    saint_score s;
} scored;

/* The counts that a reader of the score has to know about, as sentences and as JSON. */
typedef struct {
    const char *key, *words;
    const saint_named *list;
} count;

enum { COUNTS = 6 };

static void counts_of(const saint_answers *a, count out[COUNTS])
{
    const count all[COUNTS] = {{"unknown", "answers belong to no sample and are not scored", &a->unknown},
                               {"otherwise", "answers have the id of a sample but ask another question and are not scored", &a->otherwise},
                               {"duplicates", "samples are answered again; the first answer counts", &a->duplicate},
                               {"conflicting", "of those answers say something else than the first", &a->conflicting},
                               {"missing", "samples have no answer and are left out", &a->missing},
                               {"mislabelled", "rows carry another right answer than the data set, which counts", &a->mislabelled}};
    memcpy(out, all, sizeof all);
}

static void sentence(const count *c, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%zu %s:", c->list->n, c->words);
    for (size_t i = 0; i < SAINT_NAMED && i < c->list->n && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, " %s", c->list->name[i]);
    if (c->list->n > SAINT_NAMED && n < size) snprintf(out + n, size - n, " ...");
}

static void add_text(cJSON *list, const char *text) { cJSON_AddItemToArray(list, cJSON_CreateString(text)); }

static cJSON *to_json(const scored *r)
{
    const saint_dataset_info *info = saint_dataset_get_info(r->d);
    cJSON *o = saint_score_json(&r->s);
    if (!o) return NULL;
    char hex[65], text[1024];
    count counts[COUNTS];
    saint_digest_hex(&info->digest, hex);
    cJSON *data = cJSON_AddObjectToObject(o, "data");
    cJSON_AddStringToObject(data, "kind", saint_data_kind_name(info->kind));
    cJSON_AddStringToObject(data, "path", info->path);
    cJSON_AddStringToObject(data, "sha256", hex);
    cJSON *answers = cJSON_AddObjectToObject(o, "answers");
    cJSON_AddStringToObject(answers, "path", r->o->answers);
    cJSON_AddNumberToObject(answers, "records", (double)r->a.records);
    counts_of(&r->a, counts);
    cJSON *warnings = cJSON_CreateArray();
    for (int i = 0; i < COUNTS; i++) {
        cJSON *c = cJSON_AddObjectToObject(answers, counts[i].key);
        cJSON_AddNumberToObject(c, "n", (double)counts[i].list->n);
        cJSON *first = cJSON_AddArrayToObject(c, "first");
        for (size_t k = 0; k < SAINT_NAMED && k < counts[i].list->n; k++) add_text(first, counts[i].list->name[k]);
        if (!counts[i].list->n) continue;
        sentence(&counts[i], text, sizeof text);
        add_text(warnings, text);
    }
    for (size_t i = 0; i < r->s.n_warnings; i++) add_text(warnings, r->s.warning[i]);
    for (size_t i = 0; i < info->n_notes; i++) add_text(warnings, info->notes[i]);
    cJSON_AddItemToObject(o, "warnings", warnings);
    return o;
}

static void print_metric(const saint_metric *m)
{
    if (!isfinite(m->v.value)) printf("  %-16s n/a\n", m->name);
    else if (isfinite(m->v.low))
        printf("  %-16s %10.4f  [%.4f, %.4f] %s%s\n", m->name, m->v.value, m->v.low, m->v.high, m->v.method, m->partial ? ", partial" : "");
    else printf("  %-16s %10.4f%s\n", m->name, m->v.value, m->partial ? "  partial" : "");
}

static void print_text(const scored *r)
{
    const saint_dataset_info *info = saint_dataset_get_info(r->d);
    count counts[COUNTS];
    char text[1024];
    printf("%s %s: %zu of %zu answered, parser %s\n", saint_data_kind_name(info->kind), info->path, r->s.n, r->s.n_total,
           saint_parser_name(r->s.parser));
    for (size_t i = 0; i < r->s.all.n_metrics; i++) print_metric(&r->s.all.metric[i]);
    for (size_t i = 0; i < r->s.n_slices; i++) {
        printf("%s\n", r->s.slice[i].name);
        for (size_t k = 0; k < r->s.slice[i].n_metrics; k++) print_metric(&r->s.slice[i].metric[k]);
    }
    if (r->s.parsed_other) printf("%zu answers could not be read as one of the allowed ones\n", r->s.parsed_other);
    counts_of(&r->a, counts);
    for (int i = 0; i < COUNTS; i++) {
        if (!counts[i].list->n) continue;
        sentence(&counts[i], text, sizeof text);
        fprintf(stderr, "saint score: %s\n", text);
    }
    for (size_t i = 0; i < r->s.n_warnings; i++) fprintf(stderr, "saint score: %s\n", r->s.warning[i]);
    for (size_t i = 0; i < info->n_notes; i++) fprintf(stderr, "saint score: %s\n", info->notes[i]);
}

static saint_status judge_all(scored *r, saint_parser p, saint_error *err)
{
    size_t n = saint_dataset_count(r->d);
    saint_verdict *v = calloc(n, sizeof *v);
    saint_status s = v ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for %zu verdicts", n);
    for (size_t i = 0; i < n && s == SAINT_OK; i++)
        if (r->a.text[i]) s = saint_score_answer(r->d, i, r->a.text[i], p, &v[i], NULL, err);
    if (s == SAINT_OK) s = saint_score_verdicts(r->d, v, p, &r->s, err);
    free(v);
    return s;
}

/* The folder of an evaluation holds more than its answers. */
static const char *answers_of(const char *path, char *out, size_t size)
{
    char plan[8192];
    int n = snprintf(plan, sizeof plan, "%s/eval.json", path), m = snprintf(out, size, "%s/answers.jsonl", path);
    bool evaluation = n > 0 && (size_t)n < sizeof plan && m > 0 && (size_t)m < size && saint_file_exists(plan) && saint_file_exists(out);
    return evaluation ? out : path;
}

static int run(scored *r, saint_parser p)
{
    saint_error e = {0};
    /* Answers to SEED's video questions need no frames. */
    const saint_dataset_options open = {.split = r->o->split ? r->o->split : strncmp(r->o->data, "seed:", 5) == 0 ? "all" : NULL};
    char made[8192];
    saint_status s = SAINT_OK;
    const char *name = r->o->data;
    if (default_data_meant(name)) {
        s = default_data(made, sizeof made, NULL, NULL, &e);
        name = made;
    }
    if (s == SAINT_OK) s = saint_dataset_open(name, &open, &r->d, &e);
    if (s != SAINT_OK) return cli_fail("score", s, &e);
    const saint_dataset_info *info = saint_dataset_get_info(r->d);
    if (!info->has_answers)
        return cli_usage("score", "%s: expected right answers in the data set, found none for some samples; use a split that has them",
                         r->o->data);
    char logged[8192];
    s = saint_answers_load(r->d, answers_of(r->o->answers, logged, sizeof logged), r->o->questions, &r->a, &e);
    if (s == SAINT_OK) s = judge_all(r, p, &e);
    if (s != SAINT_OK) return cli_fail("score", s, &e);
    if (r->o->json) return cli_print_json(to_json(r));
    print_text(r);
    return EXIT_DONE;
}

int cmd_score(int argc, char **argv)
{
    options o = {0};
    const cli_option table[] = {
        {"data", "KIND:PATH",
         "data set: scenes (alone: the embedded test split), mme, pope, scienceqa, textvqa, vqav2, gqa, mmbench, seed, vizwiz, imagefolder, "
         "manifest",
         NULL, &o.data, NULL},
        {"answers", "FILE|DIR", "answers: {\"uid\", \"answer\"} per line, the folder of `saint eval --out`, or the official result files", NULL, &o.answers, NULL},
        {"parser", "NAME", "lmms (default: lmms-eval 0.3, as SAINT was measured) or official (the authors' scripts)", NULL, &o.parser,
         NULL},
        {"questions", "FILE", "LLaVA's question file, when its answers have ids of their own (llava_pope_test.jsonl)", NULL, &o.questions,
         NULL},
        {"split", "NAME", "another split than the usual one", NULL, &o.split, NULL},
        {"json", NULL, "print JSON", &o.json, NULL, NULL},
        {0}};
    const cli_command c = {"score", "score logged answers without a model",
                           "--data KIND:PATH --answers FILE|DIR [--parser lmms|official] [--json]", table};
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    if (!o.data) return cli_usage("score", "--data KIND:PATH is missing: which data set the answers belong to");
    if (!o.answers) return cli_usage("score", "--answers FILE|DIR is missing: what to score");
    bool official = o.parser && strcmp(o.parser, "official") == 0;
    if (o.parser && !official && strcmp(o.parser, "lmms") != 0)
        return cli_usage("score", "--parser %s: expected lmms or official", o.parser);
    scored r = {.o = &o};
    leave = run(&r, official ? SAINT_PARSER_OFFICIAL : SAINT_PARSER_LMMS);
    saint_score_free(&r.s);
    if (r.d) saint_answers_free(r.d, &r.a);
    saint_dataset_close(r.d);
    return leave;
}
