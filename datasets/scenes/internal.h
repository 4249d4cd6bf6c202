/* internal.h - what the parts of the scenes generator share. */
#ifndef SAINT_DATASETS_SCENES_INTERNAL_H
#define SAINT_DATASETS_SCENES_INTERNAL_H

#include <float.h>

#include "scenes/scenes.h"

/* The same bytes everywhere: floats are kept as floats, and the compiler is told not to fuse a product and a sum (-ffp-contract=off). */
_Static_assert(FLT_EVAL_METHOD == 0, "scenes: this target computes floats in a wider type; pictures would differ");

/* ---- random numbers: splitmix64, one stream per purpose, so that one purpose can change without moving the others ---
 * Never draw twice in one expression, initialiser list or argument list: compilers order those differently. */

typedef struct {
    uint64_t state;
} rng;

enum { RNG_PLAN = 1, RNG_PLACE, RNG_LOOK, RNG_PAIR, RNG_ASK };

static inline uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline rng rng_open(uint64_t key, uint64_t purpose)
{
    return (rng){mix64(mix64(key + 0x9e3779b97f4a7c15u) + purpose * 0xd1342543de82ef95u)};
}

static inline uint32_t rng_u32(rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return (uint32_t)(mix64(r->state) >> 32);
}

static inline int rng_below(rng *r, int n)
{
    return (int)(((uint64_t)rng_u32(r) * (uint64_t)n) >> 32);
}

static inline bool rng_coin(rng *r)
{
    return rng_u32(r) >> 31;
}

static inline float rng_unit(rng *r)
{
    return (float)(rng_u32(r) >> 8) * 0x1p-24f;
}

static inline float rng_range(rng *r, float lo, float hi)
{
    return lo + (hi - lo) * rng_unit(r);
}

/* ---- small arithmetic ------------------------------------------------------------------------------------------- */

static inline float clamp01(float x)
{
    return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
}

static inline float lerpf(float a, float b, float t)
{
    return a + (b - a) * t;
}

/* Sine and cosine of an angle in turns, from a polynomial of our own: libm's last bits differ between machines. */
void scenes_sincos(float turns, float *sine, float *cosine);

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

enum {
    SHAPE_CIRCLE,
    SHAPE_SQUARE,
    SHAPE_TRIANGLE,
    SHAPE_STAR,
    SHAPE_HEART,
    SHAPE_DIAMOND,
    SHAPE_CROSS,
    SHAPE_RING,
    SHAPE_MOON,
    SHAPE_ARROW
};

/* Largest rotation in turns to either side under which the shape keeps its name. */
float scenes_shape_swing(int shape);
/* d[i] = signed distance (negative inside), in units of the object's radius, of the n points (x[i], y) of the unit disc, unrotated. */
void scenes_shape_distance(int shape, const float *x, const float *y, int n, float *d, float *scratch);

/* ---- font ------------------------------------------------------------------------------------------------------- */

/* A capital letter is 1 high; its cell is FONT_ADVANCE wide. */
#define FONT_ADVANCE 0.86f
#define FONT_PEN 0.085f /* half the width of a stroke */
int scenes_glyph_of(char c); /* 0..35, or -1 */
/* Smallest squared distance of n points to the strokes of a glyph; the cell's centre is the origin. Lowers d2, does not set it. */
void scenes_glyph_distance(int glyph, const float *x, const float *y, int n, float *d2);

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* A word or a number. */
void scenes_pick_text(rng *r, char text[SAINT_SCENES_TEXT_MAX + 1]);
/* A wrong text to ask about: a number with one other digit, the partner of a word or any other word. The draw is symmetric (a is taken
 * for b as often as b for a), so that neither is known by its looks. */
void scenes_other_text(rng *r, const char *text, char other[SAINT_SCENES_TEXT_MAX + 1]);
/* Colours that are told apart from a background, as a bit set. */
unsigned scenes_colors_on(int background);

/* ---- facts that questions and placing agree on ------------------------------------------------------------------ */

/* Objects whose shape occurs once; returns how many. */
int scenes_unique(const saint_scenes_scene *s, int index[SAINT_SCENES_OBJECTS_MAX]);
/* Does `a` lie clearly left of (axis 0) or above (axis 1) `b`: 1; right or below: -1; neither is clear: 0. */
int scenes_side(const saint_scenes_object *a, const saint_scenes_object *b, int axis);

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

struct saint_scenes_canvas {
    int size;
    float *r, *g, *b;   /* [size, size] the picture so far, 0..1 */
    float *f, *e;       /* [size, size] fields of noise, distances */
    float *x, *y, *t;   /* [size] one row of coordinates, scratch of distances */
    float *lattice;     /* two rows of a noise lattice and their blend */
    int *cell;          /* [size] */
    float *weight;      /* [size] */
};

void scenes_background(const saint_scenes_scene *s, saint_scenes_canvas *c, rng *look);

#endif
