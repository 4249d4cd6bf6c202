/* plan.c - from a key to the description of a scene.
 *
 * Order matters for the balance of the answers: numbers are planned first, then shapes and colours are dealt from uniform draws, and
 * placing sees discs only. When a placing fails, only the placing is repeated: numbers, shapes and colours stay, so no answer gains. */
#include "scenes/internal.h"

#include <string.h>

static const char *const task_names[] = {"existence", "count", "position", "color", "OCR", "scene", "relation"};
static const char *const split_names[] = {"train", "validation", "test"};
static const char *const shape_names[] = {"circle", "square", "triangle", "star", "heart", "diamond", "cross", "ring", "moon", "arrow"};
static const char *const color_names[] = {"red", "orange", "yellow", "green", "blue", "purple", "white", "black"};
static const char *const background_names[] = {"sky", "grass", "sand", "water", "brick", "wood", "snow", "night"};
enum { RED = 1, ORANGE = 2, YELLOW = 4, GREEN = 8, BLUE = 16, PURPLE = 32, WHITE = 64, BLACK = 128, ALL = 255 };

const char *saint_scenes_task_name(saint_scenes_task t)
{
    return task_names[t];
}

const char *saint_scenes_split_name(saint_scenes_split s)
{
    return split_names[s];
}

const char *saint_scenes_shape_name(int shape)
{
    return shape_names[shape];
}

const char *saint_scenes_color_name(int color)
{
    return color_names[color];
}

const char *saint_scenes_background_name(int background)
{
    return background_names[background];
}

bool saint_scenes_split_find(const char *name, saint_scenes_split *out)
{
    for (int i = 0; i < SAINT_SCENES_SPLITS; i++)
        if (strcmp(name, split_names[i]) == 0) {
            *out = (saint_scenes_split)i;
            return true;
        }
    return false;
}

uint64_t saint_scenes_key(saint_scenes_split split, saint_scenes_task task, uint32_t seed, uint32_t index)
{
    return (uint64_t)split << 62 | (uint64_t)task << 59 | (uint64_t)(seed & SAINT_SCENES_SEED_MAX) << 32 | index;
}

unsigned scenes_colors_on(int background)
{
    static const unsigned hidden[] = {BLUE, GREEN, YELLOW | ORANGE, BLUE, RED, ORANGE, WHITE, BLACK};
    return ALL & ~hidden[background];
}

int scenes_unique(const saint_scenes_scene *s, int index[SAINT_SCENES_OBJECTS_MAX])
{
    int times[SAINT_SCENES_SHAPES] = {0}, n = 0;
    for (int i = 0; i < s->n_objects; i++) times[s->object[i].shape]++;
    for (int i = 0; i < s->n_objects; i++)
        if (times[s->object[i].shape] == 1) index[n++] = i;
    return n;
}

int scenes_side(const saint_scenes_object *a, const saint_scenes_object *b, int axis)
{
    float dx = b->x - a->x, dy = b->y - a->y;
    float along = axis ? dy : dx, across = axis ? dx : dy;
    float length = along < 0 ? -along : along, other = across < 0 ? -across : across;
    if (length < 0.16f || length < 0.6f * other) return 0;
    return along > 0 ? 1 : -1;
}

static void shuffle(rng *r, int *v, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = rng_below(r, i + 1), t = v[i];
        v[i] = v[j];
        v[j] = t;
    }
}

/* The unordered pair {low, low + 1}, and a coin for which of the two is drawn. */
static saint_scenes_number plan_number(rng *r, int subject, int low)
{
    bool up = rng_coin(r);
    return (saint_scenes_number){subject, low + up, low + !up};
}

static void plan_total(saint_scenes_scene *s, rng *r)
{
    static const struct {
        int low, high, empty; /* the pair {j, j + 1} with low <= j <= high; one in `empty` pictures has no object at all */
    } range[SAINT_SCENES_TASKS] = {{1, 7, 0}, {2, 6, 0}, {3, 7, 0}, {2, 7, 0}, {1, 3, 3}, {1, 5, 5}, {3, 7, 0}};
    int low = range[s->task].low, high = range[s->task].high;
    if (s->task == SAINT_SCENES_COUNT && s->count_kind == 2) low = 1, high = 5;
    if (range[s->task].empty && rng_below(r, range[s->task].empty) == 0) return;
    s->total = plan_number(r, 0, low + rng_below(r, high - low + 1));
    s->n_objects = s->total.truth;
}

/* One shape occurs a planned number of times, the others once; now and then a second shape occurs twice. Positions and comparisons need
 * two shapes that occur once, and a colour needs one. */
static void plan_shapes(saint_scenes_scene *s, rng *r)
{
    int deck[SAINT_SCENES_SHAPES], n = s->n_objects, alone = 0, group = 1;
    for (int i = 0; i < SAINT_SCENES_SHAPES; i++) deck[i] = i;
    shuffle(r, deck, SAINT_SCENES_SHAPES);
    if (s->task == SAINT_SCENES_POSITION || s->task == SAINT_SCENES_RELATION) alone = 2;
    if (s->task == SAINT_SCENES_COLOR) alone = 1;
    int most = n - alone < 5 ? n - alone : 5;
    if (most >= 2) {
        s->by_shape = plan_number(r, deck[0], 1 + rng_below(r, most - 1));
        group = s->by_shape.truth;
    }
    for (int i = 0; i < n; i++) s->object[i].shape = i < group ? deck[0] : deck[i - group + 1];
    if (n - group >= alone + 2 && rng_below(r, 4) == 0) s->object[group + 1].shape = s->object[group].shape;
}

static void plan_colors(saint_scenes_scene *s, rng *r)
{
    int deck[SAINT_SCENES_COLORS], n = 0, order[SAINT_SCENES_OBJECTS_MAX];
    for (int i = 0; i < SAINT_SCENES_COLORS; i++)
        if (scenes_colors_on(s->background) >> i & 1) deck[n++] = i;
    shuffle(r, deck, n);
    for (int i = 0; i < s->n_objects; i++) order[i] = i;
    shuffle(r, order, s->n_objects);
    int same = s->n_objects ? 1 : 0;
    if (s->n_objects >= 2) {
        int most = s->n_objects < 4 ? s->n_objects : 4;
        s->by_color = plan_number(r, deck[0], 1 + rng_below(r, most - 1));
        same = s->by_color.truth;
    }
    for (int i = 0; i < s->n_objects; i++) s->object[order[i]].color = i < same ? deck[0] : deck[1 + rng_below(r, n - 1)];
}

static void shuffle_objects(saint_scenes_scene *s, rng *r)
{
    for (int i = s->n_objects - 1; i > 0; i--) {
        int j = rng_below(r, i + 1);
        saint_scenes_object t = s->object[i];
        s->object[i] = s->object[j];
        s->object[j] = t;
    }
}

/* ---- sizes and places ------------------------------------------------------------------------------------------- */

static void plan_sizes(saint_scenes_scene *s, rng *r)
{
    static const float range[3][2] = {{0.064f, 0.080f}, {0.090f, 0.115f}, {0.130f, 0.175f}};
    for (int i = 0; i < s->n_objects; i++) {
        int k = rng_below(r, 3);
        s->object[i].r = rng_range(r, range[k][0], range[k][1]);
    }
    if (s->task == SAINT_SCENES_RELATION) { /* two single shapes that differ enough in size to be compared */
        int index[SAINT_SCENES_OBJECTS_MAX], n = scenes_unique(s, index);
        shuffle(r, index, n);
        s->object[index[0]].r = rng_range(r, range[0][0], range[0][1]);
        s->object[index[1]].r = rng_range(r, range[2][0], range[2][1]);
    }
    for (int i = 0; i < s->n_objects; i++) {
        float swing = scenes_shape_swing(s->object[i].shape);
        s->object[i].turn = rng_range(r, -swing, swing);
    }
}

/* Half the width and height of the upright box around the rotated text. */
static void text_box(const saint_scenes_scene *s, float *hw, float *hh)
{
    float w = 0.5f * s->text_h * FONT_ADVANCE * (float)strlen(s->text) + 0.02f, h = 0.5f * s->text_h + 0.03f, sine, cosine;
    scenes_sincos(s->text_turn, &sine, &cosine);
    if (sine < 0) sine = -sine;
    *hw = w * cosine + h * sine;
    *hh = h * cosine + w * sine;
}

static bool clear_of_text(const saint_scenes_scene *s, const saint_scenes_object *o)
{
    if (!s->text[0]) return true;
    float hw, hh;
    text_box(s, &hw, &hh);
    float dx = o->x > s->text_x ? o->x - s->text_x : s->text_x - o->x, dy = o->y > s->text_y ? o->y - s->text_y : s->text_y - o->y;
    dx = dx > hw ? dx - hw : 0.0f;
    dy = dy > hh ? dy - hh : 0.0f;
    return dx * dx + dy * dy > o->r * o->r;
}

/* An object may cover at most a fifth of the disc of one other (half of the smaller radius), so every shape stays readable. */
static bool clear_of_others(const saint_scenes_scene *s, const int *placed, int n, int at, int *touching)
{
    const saint_scenes_object *o = &s->object[at];
    int touched = -1;
    for (int k = 0; k < n; k++) {
        const saint_scenes_object *q = &s->object[placed[k]];
        float dx = o->x - q->x, dy = o->y - q->y, sum = o->r + q->r, d2 = dx * dx + dy * dy;
        if (d2 >= sum * sum) continue;
        float nearest = sum - 0.45f * (o->r < q->r ? o->r : q->r);
        if (d2 < nearest * nearest || touched >= 0 || touching[placed[k]]) return false;
        touched = placed[k];
    }
    if (touched >= 0) touching[at] = touching[touched] = 1;
    return true;
}

static bool place_objects(saint_scenes_scene *s, rng *r)
{
    int order[SAINT_SCENES_OBJECTS_MAX], touching[SAINT_SCENES_OBJECTS_MAX] = {0};
    for (int i = 0; i < s->n_objects; i++) { /* the largest first, while there is room */
        int k = i;
        for (; k > 0 && s->object[order[k - 1]].r < s->object[i].r; k--) order[k] = order[k - 1];
        order[k] = i;
    }
    for (int k = 0; k < s->n_objects; k++) {
        saint_scenes_object *o = &s->object[order[k]];
        int tries = 40;
        for (; tries; tries--) {
            o->x = rng_range(r, o->r + 0.012f, 0.988f - o->r);
            o->y = rng_range(r, o->r + 0.012f, 0.988f - o->r);
            if (clear_of_text(s, o) && clear_of_others(s, order, k, order[k], touching)) break;
        }
        if (!tries) return false;
    }
    return true;
}

static bool task_is_possible(const saint_scenes_scene *s)
{
    if (s->task != SAINT_SCENES_POSITION) return true;
    int index[SAINT_SCENES_OBJECTS_MAX], n = scenes_unique(s, index);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            for (int axis = 0; axis < 2; axis++)
                if (scenes_side(&s->object[index[i]], &s->object[index[k]], axis)) return true;
    return false;
}

static void place(saint_scenes_scene *s, rng *r)
{
    float hw, hh;
    for (;;) {
        if (s->text[0]) {
            text_box(s, &hw, &hh);
            s->text_x = rng_range(r, hw, 1.0f - hw);
            s->text_y = rng_range(r, hh, 1.0f - hh);
        }
        if (place_objects(s, r) && task_is_possible(s)) break;
        for (int i = 0; i < s->n_objects; i++) s->object[i].r *= 0.96f; /* crowded: smaller, in proportion, until it fits */
    }
    bool flip_x = rng_coin(r), flip_y = rng_coin(r); /* left and right, above and below are exchangeable exactly */
    for (int i = 0; i < s->n_objects; i++) {
        if (flip_x) s->object[i].x = 1.0f - s->object[i].x;
        if (flip_y) s->object[i].y = 1.0f - s->object[i].y;
    }
    if (flip_x) s->text_x = 1.0f - s->text_x;
    if (flip_y) s->text_y = 1.0f - s->text_y;
}

static void plan_text(saint_scenes_scene *s, rng *r)
{
    if (s->task != SAINT_SCENES_OCR && rng_below(r, 4) != 0) return;
    scenes_pick_text(r, s->text);
    float widest = 0.84f / (FONT_ADVANCE * (float)strlen(s->text));
    s->text_h = rng_range(r, 0.10f, 0.19f);
    if (s->text_h > widest) s->text_h = widest;
    s->text_turn = rng_range(r, -0.016f, 0.016f);
    s->text_style = rng_below(r, 6);
}

void saint_scenes_describe(uint64_t key, saint_scenes_scene *out)
{
    rng plan = rng_open(key, RNG_PLAN), where = rng_open(key, RNG_PLACE);
    *out = (saint_scenes_scene){.key = key, .task = (saint_scenes_task)(key >> 59 & 7)};
    out->background = rng_below(&plan, SAINT_SCENES_BACKGROUNDS);
    out->count_kind = rng_below(&plan, 3);
    plan_total(out, &plan);
    plan_shapes(out, &plan);
    plan_colors(out, &plan);
    shuffle_objects(out, &plan);
    plan_text(out, &plan);
    plan_sizes(out, &where);
    place(out, &where);
}
