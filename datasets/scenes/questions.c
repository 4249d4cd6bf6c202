/* questions.c - what can be asked about a scene, in MME's form, and the answers.
 *
 * The two questions of a pair share their template; what differs is one word, a number, or which object comes first. */
#include "scenes/internal.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const saint_scenes_scene *s;
    rng r;
    saint_scenes_questions *out;
    int unique[SAINT_SCENES_OBJECTS_MAX], n_unique;
    int times[SAINT_SCENES_SHAPES][SAINT_SCENES_COLORS];
} asker;

static const char *const number_words[] = {"no", "one", "two", "three", "four", "five", "six", "seven", "eight"};

static asker asker_open(const saint_scenes_scene *s, uint64_t purpose, saint_scenes_questions *out)
{
    asker a = {.s = s, .r = rng_open(s->key, purpose), .out = out};
    out->n = 0;
    a.n_unique = scenes_unique(s, a.unique);
    for (int i = 0; i < s->n_objects; i++) a.times[s->object[i].shape][s->object[i].color]++;
    return a;
}

/* Put the words into a template: %1, %2, %3. */
static void fill(char *out, size_t size, const char *template, const char *one, const char *two, const char *three)
{
    const char *const word[] = {one, two, three};
    size_t n = 0;
    for (const char *t = template; *t; t++) {
        if (*t != '%') {
            if (n + 1 < size) out[n++] = *t;
            continue;
        }
        for (const char *w = word[*++t - '1']; *w; w++)
            if (n + 1 < size) out[n++] = *w;
    }
    out[n] = 0;
}

typedef struct {
    const char *one, *two, *three;
} words;

static void add(asker *a, saint_scenes_task task, bool yes_no, const char *template, words w, const char *answer)
{
    if (a->out->n == SAINT_SCENES_QUESTIONS_MAX) return;
    saint_scenes_question *q = &a->out->q[a->out->n++];
    *q = (saint_scenes_question){.task = task, .yes_no = yes_no};
    fill(q->question, sizeof q->question, template, w.one, w.two, w.three);
    if (yes_no) strncat(q->question, " Please answer yes or no.", sizeof q->question - strlen(q->question) - 1);
    snprintf(q->answer, sizeof q->answer, "%s", answer);
}

static void add_pair(asker *a, saint_scenes_task task, const char *template, words yes, words no)
{
    bool yes_first = rng_coin(&a->r);
    add(a, task, true, template, yes_first ? yes : no, yes_first ? "Yes" : "No");
    add(a, task, true, template, yes_first ? no : yes, yes_first ? "No" : "Yes");
}

static const char *const *any_of(asker *a, const char *const *templates, int n)
{
    return &templates[rng_below(&a->r, n)];
}
#define ANY_OF(a, list) (*any_of(a, list, (int)(sizeof(list) / sizeof *(list))))

static const char *with_article(char *out, size_t size, const char *color, const char *noun)
{
    const char *first = color ? color : noun;
    snprintf(out, size, "%s %s%s%s", strchr("aeiou", first[0]) ? "an" : "a", color ? color : "", color ? " " : "", noun);
    return out;
}

static const char *plural(char *out, size_t size, int shape, int n)
{
    snprintf(out, size, "%s%s", saint_scenes_shape_name(shape), n == 1 ? "" : shape == SHAPE_CROSS ? "es" : "s");
    return out;
}

static const char *capital(char *out, size_t size, const char *word)
{
    snprintf(out, size, "%s", word);
    if (out[0] >= 'a' && out[0] <= 'z') out[0] = (char)(out[0] - 'a' + 'A');
    return out;
}

static const char *shape_of(const asker *a, int object)
{
    return saint_scenes_shape_name(a->s->object[object].shape);
}

static const char *color_of(const asker *a, int object)
{
    return saint_scenes_color_name(a->s->object[object].color);
}

static int shape_times(const asker *a, int shape)
{
    int n = 0;
    for (int c = 0; c < SAINT_SCENES_COLORS; c++) n += a->times[shape][c];
    return n;
}

static int color_times(const asker *a, int color)
{
    int n = 0;
    for (int s = 0; s < SAINT_SCENES_SHAPES; s++) n += a->times[s][color];
    return n;
}

/* Comparisons of two objects: 1, -1, or 0 for "not clear" (or not so). */
typedef int (*compare_fn)(const asker *a, int one, int two);

static int left_of(const asker *a, int one, int two)
{
    return scenes_side(&a->s->object[one], &a->s->object[two], 0);
}

static int above(const asker *a, int one, int two)
{
    return scenes_side(&a->s->object[one], &a->s->object[two], 1);
}

static int bigger(const asker *a, int one, int two)
{
    float p = a->s->object[one].r, q = a->s->object[two].r;
    return p > 1.45f * q ? 1 : q > 1.45f * p ? -1 : 0;
}

static int same_color(const asker *a, int one, int two)
{
    return a->s->object[one].color == a->s->object[two].color;
}

static int different_color(const asker *a, int one, int two)
{
    return !same_color(a, one, two);
}

/* An ordered pair of single shapes for which the comparison is not 0, any of them alike. */
static bool pick_two(asker *a, compare_fn compare, int *one, int *two)
{
    int n = 0, all[SAINT_SCENES_OBJECTS_MAX * SAINT_SCENES_OBJECTS_MAX][2];
    for (int i = 0; i < a->n_unique; i++)
        for (int k = 0; k < a->n_unique; k++)
            if (i != k && compare(a, a->unique[i], a->unique[k])) all[n][0] = a->unique[i], all[n++][1] = a->unique[k];
    if (!n) return false;
    int at = rng_below(&a->r, n);
    *one = all[at][0];
    *two = all[at][1];
    return true;
}

/* "Is the %1 %3 the %2?": the wrong question has the opposite word, or the same word and the objects changed over. */
static void add_comparison(asker *a, saint_scenes_task task, const char *template, int one, int two, const char *const names[2], int sign)
{
    const char *right = names[sign < 0], *wrong = names[sign > 0], *p = shape_of(a, one), *q = shape_of(a, two);
    add_pair(a, task, template, (words){p, q, right}, rng_coin(&a->r) ? (words){p, q, wrong} : (words){q, p, right});
}

/* ---- existence ---------------------------------------------------------------------------------------------------- */

static const char *const existence_templates[] = {"Is there %1 in this image?", "Does this image contain %1?",
                                                  "Can you see %1 in this image?"};

static bool existence_shape(asker *a)
{
    if (!a->s->n_objects) return false;
    char yes[32], no[32];
    int there = a->s->object[rng_below(&a->r, a->s->n_objects)].shape, absent;
    do absent = rng_below(&a->r, SAINT_SCENES_SHAPES);
    while (shape_times(a, absent));
    with_article(yes, sizeof yes, NULL, saint_scenes_shape_name(there));
    with_article(no, sizeof no, NULL, saint_scenes_shape_name(absent));
    add_pair(a, SAINT_SCENES_EXISTENCE, ANY_OF(a, existence_templates), (words){yes, "", ""}, (words){no, "", ""});
    return true;
}

/* A colour and a shape that are both there but not together is the hard wrong answer. */
static bool wrong_combination(asker *a, const saint_scenes_object *o, int *shape, int *color)
{
    int n = 0, all[2 * SAINT_SCENES_OBJECTS_MAX][2];
    for (int i = 0; i < a->s->n_objects; i++) {
        const saint_scenes_object *q = &a->s->object[i];
        if (!a->times[o->shape][q->color]) all[n][0] = o->shape, all[n++][1] = q->color;
        if (!a->times[q->shape][o->color]) all[n][0] = q->shape, all[n++][1] = o->color;
    }
    if (!n) return false;
    int k = rng_below(&a->r, n);
    *shape = all[k][0];
    *color = all[k][1];
    return true;
}

static bool existence_combination(asker *a)
{
    if (!a->s->n_objects) return false;
    char yes[32], no[32];
    const saint_scenes_object *o = &a->s->object[rng_below(&a->r, a->s->n_objects)];
    int shape = o->shape, color = o->color;
    if (rng_below(&a->r, 4) == 0 || !wrong_combination(a, o, &shape, &color)) do {
            if (rng_coin(&a->r)) shape = rng_below(&a->r, SAINT_SCENES_SHAPES);
            else color = rng_below(&a->r, SAINT_SCENES_COLORS);
        } while (a->times[shape][color] || !(scenes_colors_on(a->s->background) >> color & 1));
    with_article(yes, sizeof yes, saint_scenes_color_name(o->color), saint_scenes_shape_name(o->shape));
    with_article(no, sizeof no, saint_scenes_color_name(color), saint_scenes_shape_name(shape));
    add_pair(a, SAINT_SCENES_EXISTENCE, ANY_OF(a, existence_templates), (words){yes, "", ""}, (words){no, "", ""});
    return true;
}

/* ---- count -------------------------------------------------------------------------------------------------------- */

static void ask_number(asker *a, const saint_scenes_number *n, const char *what_one, const char *what_more)
{
    /* "Are there one star" is no English: each number carries its verb with it, on both sides of the answer. */
    static const char *const templates[] = {"%1 %2 %3 in this image?", "%1 exactly %2 %3 in this image?",
                                            "%1 a total of %2 %3 in this image?"};
    const int value[2] = {n->truth, n->other};
    int kind = rng_below(&a->r, 3);
    words w[2];
    for (int i = 0; i < 2; i++) {
        bool one = value[i] == 1;
        w[i] = (words){kind == 2 || one ? "Is there" : "Are there", kind == 0 && one ? "only one" : number_words[value[i]],
                       one ? what_one : what_more};
    }
    add_pair(a, SAINT_SCENES_COUNT, templates[kind], w[0], w[1]);
}

static bool count_shape(asker *a)
{
    const saint_scenes_number *n = &a->s->by_shape;
    if (!n->truth) return false;
    char one[24], more[24];
    ask_number(a, n, plural(one, sizeof one, n->subject, 1), plural(more, sizeof more, n->subject, 2));
    return true;
}

static bool count_color(asker *a)
{
    const saint_scenes_number *n = &a->s->by_color;
    if (!n->truth) return false;
    char one[24], more[24];
    snprintf(one, sizeof one, "%s shape", saint_scenes_color_name(n->subject));
    snprintf(more, sizeof more, "%s shapes", saint_scenes_color_name(n->subject));
    ask_number(a, n, one, more);
    return true;
}

static bool count_total(asker *a)
{
    const saint_scenes_number *n = &a->s->total;
    if (!n->truth || n->truth + n->other > 11) return false; /* up to six, judged by the pair and not by which of the two was drawn */
    ask_number(a, n, "shape", "shapes");
    return true;
}

/* ---- position ----------------------------------------------------------------------------------------------------- */

static const char *const side_names[2][2] = {{"left", "right"}, {"above", "below"}};

static bool position_relative(asker *a)
{
    static const char *const across[] = {"Is the %1 to the %3 of the %2?", "Is the %1 on the %3 side of the %2?",
                                         "Is the %1 on the %3 of the %2 in this image?"};
    static const char *const upright[] = {"Is the %1 %3 the %2?", "Is the %1 %3 the %2 in this image?"};
    int one, two, axis = rng_below(&a->r, 2);
    if (!pick_two(a, axis ? above : left_of, &one, &two)) {
        axis = !axis;
        if (!pick_two(a, axis ? above : left_of, &one, &two)) return false;
    }
    int sign = axis ? above(a, one, two) : left_of(a, one, two);
    add_comparison(a, SAINT_SCENES_POSITION, axis ? ANY_OF(a, upright) : ANY_OF(a, across), one, two, side_names[axis], sign);
    return true;
}

/* An object counts for one half only when all of it lies there. */
static float beyond_middle(const saint_scenes_object *o, int axis)
{
    float off = (axis ? o->y : o->x) - 0.5f;
    return off > o->r + 0.02f || -off > o->r + 0.02f ? off : 0.0f;
}

static bool position_half(asker *a)
{
    static const char *const half_names[2][2] = {{"left", "right"}, {"top", "bottom"}};
    static const char *const templates[] = {"Is the %1 in the %2 half of this image?", "Is the %1 on the %2 side of this image?"};
    int n = 0, all[2 * SAINT_SCENES_OBJECTS_MAX][2];
    for (int i = 0; i < a->n_unique; i++)
        for (int axis = 0; axis < 2; axis++)
            if (beyond_middle(&a->s->object[a->unique[i]], axis) != 0.0f) all[n][0] = a->unique[i], all[n++][1] = axis;
    if (!n) return false;
    int k = rng_below(&a->r, n), i = all[k][0], axis = all[k][1];
    bool second = beyond_middle(&a->s->object[i], axis) > 0.0f;
    words yes = {shape_of(a, i), half_names[axis][second], ""}, no = {shape_of(a, i), half_names[axis][!second], ""};
    add_pair(a, SAINT_SCENES_POSITION, ANY_OF(a, templates), yes, no);
    return true;
}

/* ---- color, OCR, scene -------------------------------------------------------------------------------------------- */

static bool color_single(asker *a)
{
    static const char *const templates[] = {"Is the %1 %2?", "Is the color of the %1 %2?", "Is %2 the color of the %1?",
                                            "Is the %1 in this image %2?"};
    if (!a->n_unique) return false;
    int i = a->unique[rng_below(&a->r, a->n_unique)], n = 0, others[SAINT_SCENES_OBJECTS_MAX + SAINT_SCENES_COLORS],
        truth = a->s->object[i].color;
    for (int k = 0; k < a->s->n_objects; k++) /* preferably a colour that another object has */
        if (a->s->object[k].color != truth) others[n++] = a->s->object[k].color;
    if (!n || rng_below(&a->r, 4) == 0) {
        n = 0;
        for (int c = 0; c < SAINT_SCENES_COLORS; c++)
            if (c != truth && scenes_colors_on(a->s->background) >> c & 1) others[n++] = c;
    }
    const char *wrong = saint_scenes_color_name(others[rng_below(&a->r, n)]);
    add_pair(a, SAINT_SCENES_COLOR, ANY_OF(a, templates), (words){shape_of(a, i), color_of(a, i), ""}, (words){shape_of(a, i), wrong, ""});
    return true;
}

static bool is_number(const saint_scenes_scene *s)
{
    return s->text[0] <= '9';
}

static bool ocr_text(asker *a)
{
    static const char *const templates[] = {"Is the %2 in this image \"%1\"?", "Is the %2 \"%1\" written in this image?",
                                            "Does the %2 in this image read \"%1\"?"};
    if (!a->s->text[0]) return false;
    char other[SAINT_SCENES_TEXT_MAX + 1];
    const char *kind = is_number(a->s) ? "number" : "word";
    scenes_other_text(&a->r, a->s->text, other);
    add_pair(a, SAINT_SCENES_OCR, ANY_OF(a, templates), (words){a->s->text, kind, ""}, (words){other, kind, ""});
    return true;
}

static bool scene_kind(asker *a)
{
    static const char *const names[] = {"a blue sky", "grass", "sand", "water", "a brick wall", "wood", "snow", "a city at night"};
    static const char *const templates[] = {"Is the background of this image %1?", "Does this image show %1 in the background?",
                                            "Is there %1 in the background of this image?"};
    static const int alike[] = {3, 7, 6, 0, 5, 4, 2, 1}; /* partners, one for the other: sky and water, sand and snow, brick and wood */
    int truth = a->s->background, wrong = alike[truth];
    if (rng_below(&a->r, 3)) wrong = (truth + 1 + rng_below(&a->r, SAINT_SCENES_BACKGROUNDS - 1)) % SAINT_SCENES_BACKGROUNDS;
    add_pair(a, SAINT_SCENES_SCENE, ANY_OF(a, templates), (words){names[truth], "", ""}, (words){names[wrong], "", ""});
    return true;
}

/* ---- relation ----------------------------------------------------------------------------------------------------- */

static bool relation_size(asker *a)
{
    static const char *const templates[] = {"Is the %1 %3 than the %2?", "Is the %1 %3 than the %2 in this image?"};
    static const char *const names[2][2] = {{"bigger", "smaller"}, {"larger", "smaller"}};
    int one, two;
    if (!pick_two(a, bigger, &one, &two)) return false;
    const char *const *name = names[rng_below(&a->r, 2)];
    add_comparison(a, SAINT_SCENES_RELATION, ANY_OF(a, templates), one, two, name, bigger(a, one, two));
    return true;
}

/* Two pairs of single shapes in one picture, one of equal and one of different colours: the wording is the same for both. */
static bool relation_color(asker *a)
{
    static const char *const equal[] = {"Is the %1 the same color as the %2?", "Do the %1 and the %2 have the same color?"};
    static const char *const unequal[] = {"Is the %1 a different color from the %2?", "Do the %1 and the %2 have different colors?"};
    int same[2], differ[2];
    if (!pick_two(a, same_color, &same[0], &same[1]) || !pick_two(a, different_color, &differ[0], &differ[1])) return false;
    words s = {shape_of(a, same[0]), shape_of(a, same[1]), ""}, d = {shape_of(a, differ[0]), shape_of(a, differ[1]), ""};
    if (rng_coin(&a->r)) add_pair(a, SAINT_SCENES_RELATION, ANY_OF(a, equal), s, d);
    else add_pair(a, SAINT_SCENES_RELATION, ANY_OF(a, unequal), d, s);
    return true;
}

/* ---- short answers ------------------------------------------------------------------------------------------------ */

static void add_short(asker *a, saint_scenes_task task, const char *template, words w, const char *answer)
{
    char text[16];
    add(a, task, false, template, w, capital(text, sizeof text, answer));
}

static void short_counts(asker *a)
{
    char name[24], number[8];
    const saint_scenes_scene *s = a->s;
    int subject[2];
    subject[0] = s->by_shape.truth ? s->by_shape.subject : rng_below(&a->r, SAINT_SCENES_SHAPES);
    subject[1] = rng_below(&a->r, SAINT_SCENES_SHAPES);
    for (int i = 0; i < (subject[0] == subject[1] ? 1 : 2); i++) {
        snprintf(number, sizeof number, "%d", shape_times(a, subject[i]));
        add_short(a, SAINT_SCENES_COUNT, "How many %1 are there?", (words){plural(name, sizeof name, subject[i], 2), "", ""}, number);
    }
    int color = s->by_color.truth ? s->by_color.subject : rng_below(&a->r, SAINT_SCENES_COLORS);
    snprintf(number, sizeof number, "%d", color_times(a, color));
    add_short(a, SAINT_SCENES_COUNT, "How many %1 shapes are there?", (words){saint_scenes_color_name(color), "", ""}, number);
    snprintf(number, sizeof number, "%d", s->n_objects);
    add_short(a, SAINT_SCENES_COUNT, "How many shapes are there in total?", (words){"", "", ""}, number);
}

static void short_pairs(asker *a)
{
    int one, two;
    if (pick_two(a, bigger, &one, &two))
        add_short(a, SAINT_SCENES_RELATION, "Which is bigger, the %1 or the %2?", (words){shape_of(a, one), shape_of(a, two), ""},
                  shape_of(a, bigger(a, one, two) > 0 ? one : two));
    if (pick_two(a, left_of, &one, &two))
        add_short(a, SAINT_SCENES_POSITION, "Is the %1 to the left or to the right of the %2?",
                  (words){shape_of(a, one), shape_of(a, two), ""}, side_names[0][left_of(a, one, two) < 0]);
    if (pick_two(a, above, &one, &two))
        add_short(a, SAINT_SCENES_POSITION, "Is the %1 above or below the %2?", (words){shape_of(a, one), shape_of(a, two), ""},
                  side_names[1][above(a, one, two) < 0]);
}

static void short_text(asker *a)
{
    static const char *const ordinals[SAINT_SCENES_TEXT_MAX] = {"first", "second", "third", "fourth", "fifth", "sixth"};
    const char *text = a->s->text;
    if (!text[0]) return;
    int n = (int)strlen(text), first = rng_below(&a->r, n);
    bool number = is_number(a->s);
    add_short(a, SAINT_SCENES_OCR, number ? "What number is written?" : "What word is written?", (words){"", "", ""}, text);
    for (int i = 0; i < 2; i++) { /* reading is learnt letter by letter */
        int at = (first + i) % n;
        const char letter[2] = {text[at], 0};
        add_short(a, SAINT_SCENES_OCR, number ? "What is the %1 digit of the number?" : "What is the %1 letter of the word?",
                  (words){ordinals[at], "", ""}, letter);
    }
}

static void short_answers(asker *a)
{
    const saint_scenes_scene *s = a->s;
    for (int i = 0; i < a->n_unique && i < 3; i++)
        add_short(a, SAINT_SCENES_COLOR, "What color is the %1?", (words){shape_of(a, a->unique[i]), "", ""}, color_of(a, a->unique[i]));
    for (int i = 0, n = 0; i < s->n_objects && n < 2; i++)
        if (color_times(a, s->object[i].color) == 1) {
            n++;
            add_short(a, SAINT_SCENES_EXISTENCE, "Which shape is %1?", (words){color_of(a, i), "", ""}, shape_of(a, i));
        }
    short_counts(a);
    short_pairs(a);
    short_text(a);
    add_short(a, SAINT_SCENES_SCENE, "What is the background?", (words){"", "", ""}, saint_scenes_background_name(s->background));
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

static const struct {
    saint_scenes_task task;
    int times; /* how often a training record asks it, each time about other objects */
    bool (*ask)(asker *a);
} kinds[] = {
    {SAINT_SCENES_EXISTENCE, 1, existence_shape}, {SAINT_SCENES_EXISTENCE, 2, existence_combination},
    {SAINT_SCENES_COUNT, 1, count_shape},         {SAINT_SCENES_COUNT, 1, count_color},
    {SAINT_SCENES_COUNT, 1, count_total},         {SAINT_SCENES_POSITION, 2, position_relative},
    {SAINT_SCENES_POSITION, 1, position_half},    {SAINT_SCENES_COLOR, 2, color_single},
    {SAINT_SCENES_OCR, 3, ocr_text},              {SAINT_SCENES_SCENE, 1, scene_kind},
    {SAINT_SCENES_RELATION, 2, relation_size},    {SAINT_SCENES_RELATION, 1, relation_color},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

void saint_scenes_ask(const saint_scenes_scene *s, saint_scenes_questions *out)
{
    asker a = asker_open(s, RNG_ASK, out);
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < kinds[k].times; i++) {
            int before = out->n;
            if (!kinds[k].ask(&a)) break;
            for (int q = 0; q + 1 < before; q += 2) { /* asked before: once is enough */
                const saint_scenes_question *p = &out->q[q], *n = &out->q[before];
                bool again = strcmp(p[0].question, n[0].question) == 0 || strcmp(p[0].question, n[1].question) == 0 ||
                             strcmp(p[1].question, n[0].question) == 0 || strcmp(p[1].question, n[1].question) == 0;
                if (again) out->n = before;
            }
        }
    short_answers(&a);
}

void saint_scenes_pair(const saint_scenes_scene *s, saint_scenes_question out[2])
{
    saint_scenes_questions all;
    asker a = asker_open(s, RNG_PAIR, &all);
    int mine[KINDS], n = 0;
    for (int k = 0; k < KINDS; k++)
        if (kinds[k].task == s->task) mine[n++] = k;
    int first = s->task == SAINT_SCENES_COUNT ? s->count_kind : rng_below(&a.r, n);
    for (int i = 0; i < n && !all.n; i++) kinds[mine[(first + i) % n]].ask(&a);
    out[0] = all.q[0];
    out[1] = all.q[1];
}
