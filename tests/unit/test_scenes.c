/* The Scenes data set: the same bytes everywhere, true answers, and none that can be guessed from the wording. */
#include "support/test.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>

#include "base/sha256.h"
#include "support/scenes.h"

/* ---- the same bytes ----------------------------------------------------------------------------------------------- */

/* Recorded: gcc and clang, optimised or not, have to agree with them. A new version of the generator records new ones. */
static const struct {
    saint_scenes_task task;
    uint32_t index;
    int size;
    const char *sha256;
} recorded[] = {
    {SAINT_SCENES_EXISTENCE, 0, 336, "82b7356e91db9edf5547afbfdf548f8f69607eb6b4e74059debe63a2b3cc64c0"},
    {SAINT_SCENES_COUNT, 1, 336, "c89595192e958680379b8f79862a3655847686c30b5600ec09b739c825126f7f"},
    {SAINT_SCENES_POSITION, 2, 112, "31ec4b4c64eba3511bb2e41f0b307ecda44e95a0803f65a8a6db3652065f441c"},
    {SAINT_SCENES_COLOR, 3, 224, "3fffd1e4d07a1f032c506f79ccf012581d24064155ba18179da348108ec0e065"},
    {SAINT_SCENES_OCR, 4, 336, "8ac04eeea5528ad78d7a94afb3fe4061363f5947e35e91d6be7525c09874825f"},
    {SAINT_SCENES_SCENE, 5, 448, "d3b45719fd5e02ad1bd2eca8fc02e4744560d0cda7bf2e77607e643a59af77c8"},
    {SAINT_SCENES_RELATION, 6, 336, "3ce76c442f75ea83a5154875e54bcde2ead84f51928ef6c528a2aaede45b5bfc"},
    {SAINT_SCENES_SCENE, 7, 101, "e171551308f3e683ee70afedc7fb5499b760f57d1b19d557255976264d1c96c0"},
};

static void pictures_are_the_recorded_ones(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        char hex[65];
        saint_scenes_scene s = scene_at(SAINT_SCENES_TEST, recorded[i].task, 0, recorded[i].index);
        hash_of(&s, recorded[i].size, hex);
        if (strcmp(hex, recorded[i].sha256) == 0) continue;
        print_message("%s %u at %d: %s\n", saint_scenes_task_name(recorded[i].task), recorded[i].index, recorded[i].size, hex);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* All words, numbers and labels of a thousand scenes in one hash. */
static void questions_and_labels_are_the_recorded_ones(void **state)
{
    (void)state;
    saint_sha256 sha;
    char hex[65];
    saint_sha256_init(&sha);
    for (uint32_t i = 0; i < 1001; i++) {
        saint_scenes_scene s = scene_at(SAINT_SCENES_TEST, (saint_scenes_task)(i % SAINT_SCENES_TASKS), 0, i / SAINT_SCENES_TASKS);
        saint_scenes_questions all;
        saint_scenes_question pair[2];
        uint8_t label[24 * 24];
        saint_scenes_ask(&s, &all);
        saint_scenes_pair(&s, pair);
        assert_ok(saint_scenes_labels(&s, 24, label, err));
        for (int k = 0; k < all.n + 2; k++) {
            const saint_scenes_question *q = k < 2 ? &pair[k] : &all.q[k - 2];
            saint_sha256_update(&sha, q->question, strlen(q->question));
            saint_sha256_update(&sha, q->answer, strlen(q->answer));
        }
        saint_sha256_update(&sha, label, sizeof label);
    }
    saint_digest d = saint_sha256_final(&sha);
    saint_digest_hex(&d, hex);
    assert_string_equal(hex, "7eea0a7265459b218a2b750a10487383468a9a77a11ca84b17f81d9d00433e84");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void no_two_pictures_are_equal_within_or_across_splits(void **state)
{
    (void)state;
    enum { N = 70, ALL = SAINT_SCENES_SPLITS * N };
    static char hex[ALL][65];
    for (int i = 0; i < ALL; i++) {
        saint_scenes_scene s = scene_at((saint_scenes_split)(i / N), (saint_scenes_task)(i % N % SAINT_SCENES_TASKS), 0,
                                        (uint32_t)(i % N / SAINT_SCENES_TASKS));
        hash_of(&s, 56, hex[i]);
    }
    qsort(hex, ALL, sizeof *hex, by_text);
    for (int i = 1; i < ALL; i++) assert_string_not_equal(hex[i - 1], hex[i]);
}

static void keys_tell_every_field_apart(void **state)
{
    (void)state;
    uint32_t value[] = {0, 1, 2, SAINT_SCENES_SEED_MAX}, index[] = {0, 1, 77, UINT32_MAX};
    uint64_t key[3 * 7 * 16];
    int n = 0;
    for (int s = 0; s < SAINT_SCENES_SPLITS; s++)
        for (int t = 0; t < SAINT_SCENES_TASKS; t++)
            for (int k = 0; k < 16; k++)
                key[n++] = saint_scenes_key((saint_scenes_split)s, (saint_scenes_task)t, value[k / 4], index[k % 4]);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) assert_true(key[i] != key[k]);
}

/* ---- true answers ------------------------------------------------------------------------------------------------- */

static int find(const char *const word, const char *(*name)(int), int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(word, name(i)) == 0) return i;
    return -1;
}

typedef struct {
    int n;
    char word[40][16];
} bag;

/* Lower-case words without punctuation; plural endings are cut by the caller's look-up. */
static bag words_of(const char *text)
{
    bag b = {0};
    int k = 0;
    for (const char *p = text;; p++) {
        if (isalnum((unsigned char)*p)) {
            if (k < 15) b.word[b.n][k++] = (char)tolower((unsigned char)*p);
            continue;
        }
        if (k) b.word[b.n++][k] = 0;
        k = 0;
        if (!*p) return b;
    }
}

static bool has(const bag *b, const char *word)
{
    for (int i = 0; i < b->n; i++)
        if (strcmp(b->word[i], word) == 0) return true;
    return false;
}

static int shape_of_word(const char *word)
{
    char cut[16];
    snprintf(cut, sizeof cut, "%s", word);
    int i = find(cut, saint_scenes_shape_name, SAINT_SCENES_SHAPES);
    for (int k = 0; k < 2 && i < 0 && cut[0]; k++) { /* moons, crosses */
        cut[strlen(cut) - 1] = 0;
        i = find(cut, saint_scenes_shape_name, SAINT_SCENES_SHAPES);
    }
    return i;
}

typedef struct {
    int shape[2], n_shapes, color, number;
} subjects;

static subjects subjects_of(const bag *b)
{
    static const char *const numbers[] = {"none", "one", "two", "three", "four", "five", "six", "seven", "eight"};
    subjects s = {.shape = {-1, -1}, .color = -1, .number = -1};
    for (int i = 0; i < b->n; i++) {
        int shape = shape_of_word(b->word[i]), color = find(b->word[i], saint_scenes_color_name, SAINT_SCENES_COLORS);
        if (shape >= 0 && s.n_shapes < 2) s.shape[s.n_shapes++] = shape;
        if (color >= 0) s.color = color;
        for (int k = 1; k < 9; k++)
            if (strcmp(b->word[i], numbers[k]) == 0) s.number = k;
    }
    return s;
}

static int count(const saint_scenes_scene *s, int shape, int color)
{
    int n = 0;
    for (int i = 0; i < s->n_objects; i++) n += (shape < 0 || s->object[i].shape == shape) && (color < 0 || s->object[i].color == color);
    return n;
}

/* The only object of a shape; a question about "the star" must have exactly one star. */
static const saint_scenes_object *the_only(const saint_scenes_scene *s, int shape)
{
    assert_int_equal(count(s, shape, -1), 1);
    for (int i = 0; i < s->n_objects; i++)
        if (s->object[i].shape == shape) return &s->object[i];
    return NULL;
}

static bool true_position(const saint_scenes_scene *s, const bag *b, const subjects *w)
{
    const saint_scenes_object *p = the_only(s, w->shape[0]);
    bool across = has(b, "left") || has(b, "right"), low = has(b, "right") || has(b, "below") || has(b, "bottom");
    float x = across ? p->x : p->y, other = 0.5f;
    if (w->n_shapes == 2) {
        const saint_scenes_object *q = the_only(s, w->shape[1]);
        other = across ? q->x : q->y;
    }
    assert_true(fabsf(x - other) > 0.05f); /* nobody has to measure */
    return low ? x > other : x < other;
}

static bool true_relation(const saint_scenes_scene *s, const bag *b, const subjects *w)
{
    const saint_scenes_object *p = the_only(s, w->shape[0]), *q = the_only(s, w->shape[1]);
    assert_ptr_not_equal(p, q);
    if (has(b, "same")) return p->color == q->color;
    if (has(b, "different")) return p->color != q->color;
    assert_true(p->r > 1.4f * q->r || q->r > 1.4f * p->r);
    return has(b, "smaller") ? p->r < q->r : p->r > q->r;
}

static bool true_scene(const saint_scenes_scene *s, const bag *b)
{
    for (int i = 0; i < SAINT_SCENES_BACKGROUNDS; i++)
        if (has(b, saint_scenes_background_name(i))) return s->background == i;
    fail_msg("no background is named");
    return false;
}

/* Answers a yes/no question by reading it and looking at the description: not the code that wrote it. */
static bool answer_of(const saint_scenes_scene *s, const saint_scenes_question *q)
{
    bag b = words_of(q->question);
    b.n -= 5; /* Please answer yes or no */
    subjects w = subjects_of(&b);
    char quoted[16] = "";
    switch (q->task) {
    case SAINT_SCENES_EXISTENCE: return count(s, w.shape[0], w.color) > 0;
    case SAINT_SCENES_COUNT: return count(s, w.n_shapes ? w.shape[0] : -1, w.color) == w.number;
    case SAINT_SCENES_POSITION: return true_position(s, &b, &w);
    case SAINT_SCENES_COLOR: return the_only(s, w.shape[0])->color == w.color;
    case SAINT_SCENES_SCENE: return true_scene(s, &b);
    case SAINT_SCENES_RELATION: return true_relation(s, &b, &w);
    case SAINT_SCENES_OCR:
        assert_int_equal(sscanf(strchr(q->question, '"'), "\"%15[^\"]\"", quoted), 1);
        assert_int_equal(has(&b, "number"), isdigit((unsigned char)s->text[0]) != 0);
        return strcmp(quoted, s->text) == 0;
    default: fail(); return false;
    }
}

static void check_short(const saint_scenes_scene *s, const saint_scenes_question *q)
{
    bag b = words_of(q->question), a = words_of(q->answer);
    subjects w = subjects_of(&b);
    const char *answer = a.word[0];
    bool across = has(&b, "left");
    char digits[12];
    assert_int_equal(a.n, 1);
    switch (q->task) {
    case SAINT_SCENES_COLOR: assert_string_equal(answer, saint_scenes_color_name(the_only(s, w.shape[0])->color)); break;
    case SAINT_SCENES_EXISTENCE:
        assert_int_equal(count(s, -1, w.color), 1);
        assert_int_equal(count(s, shape_of_word(answer), w.color), 1);
        break;
    case SAINT_SCENES_COUNT:
        snprintf(digits, sizeof digits, "%d", count(s, w.n_shapes ? w.shape[0] : -1, w.color));
        assert_string_equal(answer, digits);
        break;
    case SAINT_SCENES_POSITION: {
        const saint_scenes_object *p = the_only(s, w.shape[0]), *o = the_only(s, w.shape[1]);
        bool first = across ? p->x < o->x : p->y < o->y;
        assert_string_equal(answer, across ? (first ? "left" : "right") : (first ? "above" : "below"));
        break;
    }
    case SAINT_SCENES_RELATION: {
        int other = shape_of_word(answer) == w.shape[0] ? w.shape[1] : w.shape[0];
        assert_true(the_only(s, shape_of_word(answer))->r > 1.4f * the_only(s, other)->r);
        break;
    }
    case SAINT_SCENES_OCR:
        if (has(&b, "letter") || has(&b, "digit")) {
            static const char *const ordinals[] = {"first", "second", "third", "fourth", "fifth", "sixth"};
            int at = 0;
            while (!has(&b, ordinals[at])) at++;
            assert_int_equal(strlen(q->answer), 1);
            assert_int_equal(q->answer[0], s->text[at]);
        } else {
            assert_string_equal(q->answer, s->text);
        }
        break;
    case SAINT_SCENES_SCENE: assert_string_equal(answer, saint_scenes_background_name(s->background)); break;
    default: fail();
    }
}

static void answers_are_true(void **state)
{
    (void)state;
    static const char ending[] = " Please answer yes or no.";
    int asked[SAINT_SCENES_TASKS] = {0}, shorts[SAINT_SCENES_TASKS] = {0}, most = 0;
    for (uint32_t i = 0; i < 7 * 1500; i++) {
        saint_scenes_scene s = scene_at(SAINT_SCENES_TRAIN, (saint_scenes_task)(i % 7), 3, i / 7);
        saint_scenes_questions all;
        saint_scenes_question pair[2];
        saint_scenes_pair(&s, pair);
        saint_scenes_ask(&s, &all);
        for (int k = 0; k < all.n + 2; k++) {
            const saint_scenes_question *q = k < 2 ? &pair[k] : &all.q[k - 2];
            size_t n = strlen(q->question);
            assert_true(n < sizeof q->question - 1 && strlen(q->answer) < sizeof q->answer - 1);
            assert_null(strpbrk(q->question, "%\t\n\\"));
            if (q->yes_no) {
                assert_string_equal(q->question + n - strlen(ending), ending);
                assert_string_equal(q->answer, answer_of(&s, q) ? "Yes" : "No");
                asked[q->task]++;
            } else {
                check_short(&s, q);
                shorts[q->task]++;
            }
        }
        assert_int_equal(pair[0].task, s.task);
        assert_int_equal(pair[1].task, s.task);
        assert_string_not_equal(pair[0].answer, pair[1].answer);
        assert_string_not_equal(pair[0].question, pair[1].question);
        most = all.n > most ? all.n : most;
    }
    assert_in_range(most, 20, SAINT_SCENES_QUESTIONS_MAX - 1);
    for (int t = 0; t < SAINT_SCENES_TASKS; t++) {
        assert_true(asked[t] > 3000);
        assert_true(shorts[t] > 1500);
    }
}

/* ---- everything that is asked about can be seen ------------------------------------------------------------------- */

static void objects_are_whole_large_and_little_covered(void **state)
{
    (void)state;
    int kinds[SAINT_SCENES_BACKGROUNDS] = {0}, shapes[SAINT_SCENES_SHAPES] = {0}, objects[SAINT_SCENES_OBJECTS_MAX + 1] = {0}, covered = 0;
    for (uint32_t i = 0; i < 7 * 2000; i++) {
        saint_scenes_scene s = scene_at(SAINT_SCENES_TEST, (saint_scenes_task)(i % 7), 1, i / 7);
        kinds[s.background]++;
        objects[s.n_objects]++;
        for (int k = 0; k < s.n_objects; k++) {
            const saint_scenes_object *o = &s.object[k];
            int touching = 0;
            shapes[o->shape]++;
            assert_true(o->r >= 0.045f && o->x >= o->r && o->x <= 1.0f - o->r && o->y >= o->r && o->y <= 1.0f - o->r);
            for (int j = 0; j < s.n_objects; j++) {
                const saint_scenes_object *p = &s.object[j];
                float dx = o->x - p->x, dy = o->y - p->y, deep = o->r + p->r - sqrtf(dx * dx + dy * dy);
                if (j == k || deep <= 0) continue;
                touching++;
                assert_true(deep <= 0.46f * fminf(o->r, p->r)); /* a fifth of the smaller disc at most */
            }
            assert_true(touching <= 1);
            covered += touching;
        }
        if (s.text[0]) assert_true(s.text_h >= 0.0999f && s.text_x > 0.05f && s.text_x < 0.95f);
        else assert_int_not_equal(s.task, SAINT_SCENES_OCR);
    }
    assert_true(covered > 1000); /* it happens */
    for (int k = 0; k < SAINT_SCENES_BACKGROUNDS; k++) assert_in_range(kinds[k], 1500, 2000);
    for (int k = 0; k <= SAINT_SCENES_OBJECTS_MAX; k++) assert_true(objects[k] > 200);
    for (int k = 1; k < SAINT_SCENES_SHAPES; k++) assert_true(abs(shapes[k] - shapes[0]) < shapes[0] / 10);
}

/* The pixel in the middle of a patch that an object covers looks like the colour that its label names. */
static void labels_agree_with_pixels(void **state)
{
    (void)state;
    enum { SIZE = 336, GRID = 24, PATCH = SIZE / GRID };
    static uint8_t rgb[SIZE * SIZE * 3], label[GRID * GRID];
    static const int want[SAINT_SCENES_COLORS][3] = {{214, 23, 26}, {247, 128, 10}, {250, 224, 26},  {26, 148, 41},
                                                     {26, 64, 214}, {138, 38, 179}, {245, 245, 245}, {15, 15, 18}};
    saint_scenes_canvas *c;
    int seen = 0, agreed = 0, glyphs = 0;
    assert_ok(saint_scenes_canvas_new(SIZE, &c, err));
    for (uint32_t i = 0; i < 70; i++) {
        saint_scenes_scene s = scene_at(SAINT_SCENES_VALIDATION, (saint_scenes_task)(i % 7), 5, i / 7);
        saint_scenes_draw(&s, c, rgb);
        assert_ok(saint_scenes_labels(&s, GRID, label, err));
        for (int p = 0; p < GRID * GRID; p++) {
            int v = label[p], best = 0;
            long nearest = LONG_MAX;
            assert_true(v < SAINT_SCENES_CLASSES);
            if (v < SAINT_SCENES_CLASS_OBJECT) assert_int_equal(v, s.background);
            glyphs += v >= SAINT_SCENES_CLASS_GLYPH;
            if (v < SAINT_SCENES_CLASS_OBJECT || v >= SAINT_SCENES_CLASS_GLYPH) continue;
            const uint8_t *px = rgb + (((p / GRID) * PATCH + PATCH / 2) * SIZE + (p % GRID) * PATCH + PATCH / 2) * 3;
            for (int k = 0; k < SAINT_SCENES_COLORS; k++) {
                long d = 0;
                for (int j = 0; j < 3; j++) d += (px[j] - want[k][j]) * (px[j] - want[k][j]);
                if (d < nearest) nearest = d, best = k;
            }
            assert_true(count(&s, (v - SAINT_SCENES_CLASS_OBJECT) / SAINT_SCENES_COLORS,
                              (v - SAINT_SCENES_CLASS_OBJECT) % SAINT_SCENES_COLORS) > 0);
            seen++;
            agreed += best == (v - SAINT_SCENES_CLASS_OBJECT) % SAINT_SCENES_COLORS;
        }
    }
    saint_scenes_canvas_free(c);
    assert_true(seen > 2000 && glyphs > 500);
    assert_true(agreed * 100 > seen * 85); /* rims, shadows and highlights are the rest */
}

static void sizes_show_the_same_scene(void **state)
{
    (void)state;
    static const int size[] = {112, 224, 336, 448, 500};
    enum { CELLS = 8 };
    for (uint32_t i = 0; i < 14; i++) {
        saint_scenes_scene s = scene_at(SAINT_SCENES_TEST, (saint_scenes_task)(i % 7), 2, i);
        double mean[5][CELLS * CELLS * 3] = {{0}};
        for (int k = 0; k < 5; k++) {
            saint_scenes_canvas *c;
            int n = size[k];
            uint8_t *rgb = malloc((size_t)n * (size_t)n * 3);
            int times[CELLS * CELLS] = {0};
            assert_non_null(rgb);
            assert_ok(saint_scenes_canvas_new(n, &c, err));
            saint_scenes_draw(&s, c, rgb);
            for (int p = 0; p < n * n; p++) {
                int cell = p / n * CELLS / n * CELLS + p % n * CELLS / n;
                times[cell]++;
                for (int j = 0; j < 3; j++) mean[k][cell * 3 + j] += rgb[p * 3 + j];
            }
            for (int j = 0; j < CELLS * CELLS * 3; j++) mean[k][j] /= times[j / 3];
            saint_scenes_canvas_free(c);
            free(rgb);
        }
        for (int k = 0; k < 5; k++)
            for (int j = 0; j < CELLS * CELLS * 3; j++) assert_true(fabs(mean[k][j] - mean[2][j]) < 14.0);
    }
}

/* ---- nothing to guess from ---------------------------------------------------------------------------------------- */

/* A naive Bayes classifier over words, pairs of words, triples and whole questions, trained on one split and asked about another. */
enum { TABLE = 1 << 21, FEATURES = 160, SCENES = 3000 };

typedef struct {
    uint32_t yes, no;
} tally;

static int features_of(const char *question, uint32_t *f)
{
    bag b = words_of(question);
    int n = 0;
    b.n -= 5;
    for (int length = 1; length <= 3; length++)
        for (int i = 0; i + length <= b.n; i++) {
            uint32_t h = 2166136261u;
            for (int k = i; k < i + length; k++)
                for (const char *p = b.word[k]; *p || p == b.word[k]; p++) h = (h ^ (uint8_t)*p) * 16777619u;
            f[n++] = h * 2654435769u >> 11;
        }
    for (int i = 0; i < b.n; i++) /* and pairs of words that are not neighbours */
        for (int k = i + 2; k < b.n && n < FEATURES - 1; k++) {
            uint32_t h = 374761393u;
            for (const char *p = b.word[i]; *p; p++) h = (h ^ (uint8_t)*p) * 16777619u;
            for (const char *p = b.word[k]; *p; p++) h = (h ^ (uint8_t)*p) * 668265263u;
            f[n++] = h * 2654435769u >> 11;
        }
    uint32_t h = 2166136261u;
    for (const char *p = question; *p; p++) h = (h ^ (uint8_t)*p) * 16777619u;
    f[n++] = h * 2654435769u >> 11;
    return n;
}

static double evidence(const tally *table, const char *question)
{
    uint32_t f[FEATURES];
    double sum = 0;
    int n = features_of(question, f);
    for (int i = 0; i < n; i++) sum += log((table[f[i]].yes + 1.0) / (table[f[i]].no + 1.0));
    return sum;
}

static void learn(tally *table, const saint_scenes_question *q)
{
    uint32_t f[FEATURES];
    int n = features_of(q->question, f);
    for (int i = 0; i < n; i++) (q->answer[0] == 'Y' ? &table[f[i]].yes : &table[f[i]].no)[0]++;
}

/* which = 0: the official pair of each picture; 1: everything that a training record asks. */
static int yes_no_of(uint32_t i, saint_scenes_split split, int which, saint_scenes_questions *out)
{
    saint_scenes_scene s = scene_at(split, (saint_scenes_task)(i % 7), 11, i / 7);
    if (which) {
        saint_scenes_ask(&s, out);
    } else {
        saint_scenes_pair(&s, out->q);
        out->n = 2;
    }
    while (out->n && !out->q[out->n - 1].yes_no) out->n--;
    return out->n;
}

static void wording_tells_nothing(void **state)
{
    (void)state;
    tally *table = calloc(TABLE, sizeof *table);
    saint_scenes_questions *all = malloc(sizeof *all);
    assert_non_null(table);
    assert_non_null(all);
    for (int which = 0; which < 2; which++) {
        long right[SAINT_SCENES_TASKS] = {0}, asked[SAINT_SCENES_TASKS] = {0}, sum_right = 0, sum_asked = 0;
        memset(table, 0, TABLE * sizeof *table);
        for (uint32_t i = 0; i < 7 * SCENES; i++)
            for (int k = yes_no_of(i, SAINT_SCENES_TRAIN, which, all); k--;) learn(table, &all->q[k]);
        for (uint32_t i = 0; i < 7 * SCENES; i++)
            for (int k = yes_no_of(i, SAINT_SCENES_TEST, which, all); k--;) {
                bool yes = evidence(table, all->q[k].question) > 0;
                right[all->q[k].task] += yes == (all->q[k].answer[0] == 'Y');
                asked[all->q[k].task]++;
            }
        for (int t = 0; t < SAINT_SCENES_TASKS; t++) {
            double percent = 100.0 * (double)right[t] / (double)asked[t];
            print_message("%s %-9s %6ld questions, from the wording alone %.2f %%\n", which ? "all " : "pair",
                          saint_scenes_task_name((saint_scenes_task)t), asked[t], percent);
            assert_true(percent > 48.0 && percent < 52.0);
            sum_right += right[t];
            sum_asked += asked[t];
        }
        double percent = 100.0 * (double)sum_right / (double)sum_asked;
        print_message("%s together  %6ld questions, %.2f %%\n", which ? "all " : "pair", sum_asked, percent);
        assert_true(percent > 49.0 && percent < 51.0);
    }
    free(all);
    free(table);
}

/* Every word of every task is in as many right as wrong statements: |yes - no| stays within five standard deviations of a coin. */
static void every_word_is_balanced(void **state)
{
    (void)state;
    typedef struct {
        char word[16];
        long yes, no;
    } entry;
    static entry list[SAINT_SCENES_TASKS][2000];
    int n[SAINT_SCENES_TASKS] = {0}, judged = 0;
    saint_scenes_questions all;
    memset(list, 0, sizeof list);
    for (uint32_t i = 0; i < 7 * 4000; i++)
        for (int k = yes_no_of(i, SAINT_SCENES_VALIDATION, 1, &all); k--;) {
            bag b = words_of(all.q[k].question);
            int t = (int)all.q[k].task;
            for (int j = 0; j < b.n - 5; j++) {
                int e = 0;
                if (isdigit((unsigned char)b.word[j][0])) continue; /* single numbers are too rare to be judged */
                while (e < n[t] && strcmp(list[t][e].word, b.word[j]) != 0) e++;
                assert_true(e < 2000);
                if (e == n[t]) memcpy(list[t][n[t]++].word, b.word[j], sizeof b.word[j]);
                (all.q[k].answer[0] == 'Y' ? &list[t][e].yes : &list[t][e].no)[0]++;
            }
        }
    for (int t = 0; t < SAINT_SCENES_TASKS; t++)
        for (int e = 0; e < n[t]; e++) {
            double sum = (double)(list[t][e].yes + list[t][e].no), off = fabs((double)(list[t][e].yes - list[t][e].no));
            if (off > 5.0 * sqrt(sum))
                fail_msg("%s: \"%s\" is in %ld right and %ld wrong statements", saint_scenes_task_name((saint_scenes_task)t),
                         list[t][e].word, list[t][e].yes, list[t][e].no);
            judged++;
        }
    assert_true(judged > 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_the_recorded_ones),
        cmocka_unit_test(questions_and_labels_are_the_recorded_ones),
        cmocka_unit_test(no_two_pictures_are_equal_within_or_across_splits),
        cmocka_unit_test(keys_tell_every_field_apart),
        cmocka_unit_test(answers_are_true),
        cmocka_unit_test(objects_are_whole_large_and_little_covered),
        cmocka_unit_test(labels_agree_with_pixels),
        cmocka_unit_test(sizes_show_the_same_scene),
        cmocka_unit_test(wording_tells_nothing),
        cmocka_unit_test(every_word_is_balanced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
