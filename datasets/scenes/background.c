/* background.c - eight kinds of surroundings out of value noise. Everything is measured in fractions of the picture, so a scene looks the
 * same at every size; only the noise of the camera (draw.c) belongs to pixels. */
#include "scenes/internal.h"

#include <string.h>

static uint32_t hash2(uint32_t seed, int x, int y)
{
    uint32_t h = seed + (uint32_t)x * 0x9e3779b1u + (uint32_t)y * 0x85ebca77u;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    return h ^ (h >> 15);
}

static float hash_unit(uint32_t seed, int x, int y)
{
    return (float)(hash2(seed, x, y) >> 8) * 0x1p-24f;
}

static float smooth(float t)
{
    return t * t * (3.0f - 2.0f * t);
}

/* f += amount * noise in [-1, 1] on a lattice of so many cells across the picture; more cells than pixels would only alias. */
static void add_noise(saint_scenes_canvas *c, float *f, uint32_t seed, float cells_x, float cells_y, float amount)
{
    int size = c->size, columns;
    float step = 1.0f / (float)size, *upper = c->lattice, *lower = upper + size + 4, *row = lower + size + 4;
    if (cells_x > (float)size) cells_x = (float)size;
    if (cells_y > (float)size) cells_y = (float)size;
    columns = (int)cells_x + 2;
    for (int x = 0; x < size; x++) {
        float at = ((float)x + 0.5f) * step * cells_x;
        c->cell[x] = (int)at;
        c->weight[x] = smooth(at - (float)c->cell[x]);
    }
    for (int y = 0, have = -1; y < size; y++) {
        float at = ((float)y + 0.5f) * step * cells_y;
        int j = (int)at;
        float w = smooth(at - (float)j);
        if (j != have) {
            for (int i = 0; i < columns; i++) {
                upper[i] = have == j - 1 && have >= 0 ? lower[i] : hash_unit(seed, i, j);
                lower[i] = hash_unit(seed, i, j + 1);
            }
            have = j;
        }
        for (int i = 0; i < columns; i++) row[i] = (lerpf(upper[i], lower[i], w) * 2.0f - 1.0f) * amount;
        float *out = f + (size_t)y * (size_t)size;
        for (int x = 0; x < size; x++) out[x] += lerpf(row[c->cell[x]], row[c->cell[x] + 1], c->weight[x]);
    }
}

typedef struct {
    float r, g, b;
} rgb;

static rgb mix(rgb a, rgb b, float t)
{
    return (rgb){lerpf(a.r, b.r, t), lerpf(a.g, b.g, t), lerpf(a.b, b.b, t)};
}

static rgb scale(rgb a, float k)
{
    return (rgb){a.r * k, a.g * k, a.b * k};
}

static rgb tint(rng *r, rgb a, float amount)
{
    float k = rng_range(r, 1.0f - amount, 1.0f + amount);
    float red = rng_range(r, 0.97f, 1.03f), green = rng_range(r, 0.97f, 1.03f), blue = rng_range(r, 0.97f, 1.03f);
    return (rgb){a.r * k * red, a.g * k * green, a.b * k * blue};
}

static void put(saint_scenes_canvas *c, size_t i, rgb v)
{
    c->r[i] = v.r;
    c->g[i] = v.g;
    c->b[i] = v.b;
}

static void clear_fields(saint_scenes_canvas *c)
{
    size_t bytes = sizeof(float) * (size_t)c->size * (size_t)c->size;
    memset(c->f, 0, bytes);
    memset(c->e, 0, bytes);
}

#define EACH_PIXEL(c)                                                                              \
    const int size_ = (c)->size;                                                                   \
    const float step_ = 1.0f / (float)size_;                                                       \
    (void)step_;                                                                                   \
    for (int y = 0; y < size_; y++)                                                                \
        for (int x = 0; x < size_; x++)
#define AT ((size_t)y * (size_t)size_ + (size_t)x)
#define U (((float)x + 0.5f) * step_)
#define V (((float)y + 0.5f) * step_)

static void sky(saint_scenes_canvas *c, rng *r)
{
    rgb top = tint(r, (rgb){0.22f, 0.45f, 0.80f}, 0.12f), foot = tint(r, (rgb){0.66f, 0.82f, 0.95f}, 0.06f), cloud = {0.95f, 0.96f, 0.98f};
    float threshold = rng_range(r, 0.12f, 0.50f), wide = rng_range(r, 2.0f, 4.0f);
    uint32_t seed = rng_u32(r);
    add_noise(c, c->f, seed, wide, wide * 1.8f, 0.55f);
    add_noise(c, c->f, seed + 1, wide * 2.1f, wide * 3.7f, 0.28f);
    add_noise(c, c->f, seed + 2, wide * 4.3f, wide * 7.1f, 0.15f);
    add_noise(c, c->f, seed + 3, wide * 9.0f, wide * 13.0f, 0.08f);
    EACH_PIXEL(c) put(c, AT, mix(mix(top, foot, V), cloud, 0.9f * smooth(clamp01((c->f[AT] - threshold) * 2.2f))));
}

static void grass(saint_scenes_canvas *c, rng *r)
{
    rgb dark = tint(r, (rgb){0.11f, 0.27f, 0.07f}, 0.15f), light = tint(r, (rgb){0.45f, 0.62f, 0.20f}, 0.12f);
    uint32_t seed = rng_u32(r);
    float fine = rng_range(r, 80.0f, 120.0f);
    add_noise(c, c->f, seed, fine, fine * 0.22f, 0.55f);
    add_noise(c, c->f, seed + 1, fine * 0.5f, fine * 0.15f, 0.35f);
    add_noise(c, c->f, seed + 2, 5.0f, 4.0f, 0.25f);
    EACH_PIXEL(c) put(c, AT, mix(dark, light, clamp01(0.5f + 0.55f * c->f[AT])));
}

static void sand(saint_scenes_canvas *c, rng *r)
{
    rgb dark = tint(r, (rgb){0.66f, 0.53f, 0.36f}, 0.08f), light = tint(r, (rgb){0.90f, 0.79f, 0.60f}, 0.05f);
    uint32_t seed = rng_u32(r);
    float waves = rng_range(r, 7.0f, 16.0f), slope = rng_range(r, -0.5f, 0.5f), depth = rng_range(r, 0.05f, 0.40f);
    add_noise(c, c->e, seed, 4.0f, 3.0f, 0.55f);
    add_noise(c, c->e, seed + 1, 11.0f, 7.0f, 0.18f);
    add_noise(c, c->f, seed + 2, 150.0f, 150.0f, 0.30f);
    EACH_PIXEL(c)
    {
        float phase = (V + slope * U + 1.0f) * waves + c->e[AT], t = phase - (float)(int)phase;
        float wave = t < 0.65f ? smooth(t * (1.0f / 0.65f)) : smooth((1.0f - t) * (1.0f / 0.35f)); /* one side of a ripple is steeper */
        put(c, AT, mix(dark, light, clamp01(0.55f + depth * (wave - 0.5f) * 1.6f + 0.35f * c->f[AT] + 0.12f * c->e[AT])));
    }
}

static void water(saint_scenes_canvas *c, rng *r)
{
    rgb deep = tint(r, (rgb){0.05f, 0.24f, 0.36f}, 0.15f), shallow = tint(r, (rgb){0.16f, 0.52f, 0.60f}, 0.10f),
        glint = {0.85f, 0.94f, 0.96f};
    uint32_t seed = rng_u32(r);
    float fine = rng_range(r, 34.0f, 60.0f);
    add_noise(c, c->f, seed, 7.0f, fine, 0.45f);
    add_noise(c, c->f, seed + 1, 15.0f, fine * 1.9f, 0.35f);
    add_noise(c, c->f, seed + 2, 3.0f, 8.0f, 0.35f);
    EACH_PIXEL(c)
    {
        float f = c->f[AT];
        put(c, AT, mix(mix(shallow, deep, clamp01(V * 0.6f + 0.2f - 0.45f * f)), glint, smooth(clamp01((f - 0.50f) * 3.0f))));
    }
}

static void brick(saint_scenes_canvas *c, rng *r)
{
    rgb mortar = tint(r, (rgb){0.70f, 0.67f, 0.62f}, 0.08f), clay = tint(r, (rgb){0.52f, 0.25f, 0.18f}, 0.10f),
        burnt = tint(r, (rgb){0.36f, 0.17f, 0.14f}, 0.10f);
    uint32_t seed = rng_u32(r);
    float rows = (float)(9 + rng_below(r, 7)), columns = rows * 0.42f, joint = 0.09f;
    float edge = rows / (float)c->size; /* a pixel in units of a row: edges are blended over it */
    add_noise(c, c->f, seed, 90.0f, 90.0f, 0.5f);
    add_noise(c, c->f, seed + 1, 30.0f, 30.0f, 0.3f);
    EACH_PIXEL(c)
    {
        float v = V * rows, row = (float)(int)v, u = U * columns + ((int)v & 1 ? 0.5f : 0.0f), column = (float)(int)u;
        float up = v - row, across = (u - column) * (rows / columns), width = rows / columns; /* both in units of a row */
        float near_y = up < 1.0f - up ? up : 1.0f - up, near_x = across < width - across ? across : width - across;
        float inside = clamp01(((near_x < near_y ? near_x : near_y) - 0.5f * joint) / edge + 0.5f);
        float shade = 0.9f + 0.2f * hash_unit(seed + 2, (int)u, (int)v) + 0.16f * c->f[AT];
        rgb stone = scale(mix(clay, burnt, hash_unit(seed + 3, (int)u, (int)v)), shade);
        put(c, AT, mix(scale(mortar, 0.95f + 0.1f * c->f[AT]), stone, inside));
    }
}

static void wood(saint_scenes_canvas *c, rng *r)
{
    rgb light = tint(r, (rgb){0.72f, 0.52f, 0.32f}, 0.12f), dark = tint(r, (rgb){0.42f, 0.27f, 0.14f}, 0.12f);
    uint32_t seed = rng_u32(r);
    float planks = (float)(3 + rng_below(r, 4)), edge = planks / (float)c->size;
    bool upright = rng_coin(r);
    float long_cells = 3.0f, short_cells = rng_range(r, 45.0f, 70.0f);
    add_noise(c, c->f, seed, upright ? short_cells : long_cells, upright ? long_cells : short_cells, 0.5f);
    add_noise(c, c->f, seed + 1, upright ? short_cells * 2.3f : long_cells * 2.0f, upright ? long_cells * 2.0f : short_cells * 2.3f, 0.35f);
    add_noise(c, c->e, seed + 2, 4.0f, 4.0f, 0.25f);
    EACH_PIXEL(c)
    {
        float v = (upright ? U : V) * planks, t = v - (float)(int)v, near = t < 1.0f - t ? t : 1.0f - t;
        float tone = 0.5f + 0.30f * (hash_unit(seed + 3, (int)v, 0) - 0.5f) + 0.42f * c->f[AT] + 0.4f * c->e[AT];
        float seam = clamp01((near - 0.012f) / edge + 0.5f);
        put(c, AT, scale(mix(dark, light, clamp01(tone)), 0.35f + 0.65f * seam));
    }
}

/* Drifts: ridges with a lit and a blue, shaded side, over grain that glitters. An overcast sky has neither. */
static void snow(saint_scenes_canvas *c, rng *r)
{
    rgb shade = tint(r, (rgb){0.50f, 0.61f, 0.80f}, 0.05f), light = {0.94f, 0.95f, 0.98f};
    uint32_t seed = rng_u32(r);
    float drifts = rng_range(r, 1.6f, 3.6f), slope = rng_range(r, -0.6f, 0.6f), grain = rng_range(r, 0.10f, 0.20f);
    add_noise(c, c->e, seed, 2.5f, 2.0f, 0.75f);
    add_noise(c, c->e, seed + 1, 6.0f, 4.0f, 0.22f);
    add_noise(c, c->f, seed + 2, 110.0f, 110.0f, grain);
    add_noise(c, c->f, seed + 3, 40.0f, 40.0f, 0.5f * grain);
    EACH_PIXEL(c)
    {
        float phase = (V + slope * U + 2.0f) * drifts + c->e[AT], t = phase - (float)(int)phase;
        float lit = t < 0.72f ? 0.62f + 0.45f * t : 0.20f + 0.744f * smooth((1.0f - t) * (1.0f / 0.28f)); /* falls off behind the ridge */
        if (t > 0.93f) lit += (0.62f - lit) * (t - 0.93f) * (1.0f / 0.07f); /* and softly meets the next slope */
        float glitter = hash_unit(seed + 4, (int)(U * 240.0f), (int)(V * 240.0f)) > 0.992f ? 0.35f : 0.0f;
        put(c, AT, mix(shade, light, clamp01(0.10f + 0.85f * lit + c->f[AT] + glitter)));
    }
}

/* A dark sky over houses with a few lit windows. */
static void night(saint_scenes_canvas *c, rng *r)
{
    rgb top = tint(r, (rgb){0.03f, 0.04f, 0.12f}, 0.2f), foot = tint(r, (rgb){0.17f, 0.15f, 0.30f}, 0.2f), lamp = {0.98f, 0.83f, 0.46f};
    enum { HOUSES = 11 };
    float roof[HOUSES], tone[HOUSES], windows = rng_range(r, 48.0f, 64.0f), lit = rng_range(r, 0.12f, 0.40f);
    uint32_t seed = rng_u32(r);
    for (int i = 0; i < HOUSES; i++) {
        roof[i] = rng_range(r, 0.36f, 0.80f);
        tone[i] = rng_range(r, 0.6f, 1.3f);
    }
    add_noise(c, c->f, seed, 4.0f, 6.0f, 0.03f);
    EACH_PIXEL(c)
    {
        float u = U * windows, v = V * windows * 0.62f;
        int house = (int)(U * (float)HOUSES), i = (int)u, j = (int)v;
        rgb p = scale(mix(top, foot, V * V), 1.0f + 4.0f * c->f[AT]);
        float wall = clamp01((V - roof[house]) * (float)size_ + 0.5f);
        if (wall > 0.0f) {
            rgb stone = scale((rgb){0.055f, 0.055f, 0.085f}, tone[house]);
            float du = u - (float)i, dv = v - (float)j;
            bool window = du > 0.3f && du < 0.75f && dv > 0.25f && dv < 0.75f && V > roof[house] + 0.02f;
            if (window && hash_unit(seed + 1, i, j) < lit) stone = scale(lamp, 0.35f + 0.6f * hash_unit(seed + 2, i, j));
            p = mix(p, stone, wall);
        }
        put(c, AT, p);
    }
}

void scenes_background(const saint_scenes_scene *s, saint_scenes_canvas *c, rng *look)
{
    static void (*const paint[SAINT_SCENES_BACKGROUNDS])(saint_scenes_canvas *, rng *) = {sky,   grass, sand, water,
                                                                                          brick, wood,  snow, night};
    clear_fields(c);
    paint[s->background](c, look);
}
