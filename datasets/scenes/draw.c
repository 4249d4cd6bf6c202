/* draw.c - a scene as pixels, and as labels of patches. */
#include "scenes/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

saint_status saint_scenes_canvas_new(int size, saint_scenes_canvas **out, saint_error *err)
{
    if (size < SAINT_SCENES_SIZE_MIN || size > SAINT_SCENES_SIZE_MAX)
        return saint_fail(err, SAINT_INVALID, "scenes: expected a side of %d to %d pixels, found %d", SAINT_SCENES_SIZE_MIN,
                          SAINT_SCENES_SIZE_MAX, size);
    size_t n = (size_t)size, area = n * n, floats = 5 * area + 3 * n + 3 * (n + 4) + n;
    saint_scenes_canvas *c = calloc(1, sizeof *c);
    float *p = c ? malloc(floats * sizeof *p) : NULL;
    int *cell = p ? malloc(n * sizeof *cell) : NULL;
    if (!cell) {
        free(p);
        free(c);
        return saint_fail(err, SAINT_MEMORY, "scenes: no memory for a picture of %d x %d", size, size);
    }
    *c = (saint_scenes_canvas){.size = size, .r = p, .g = p + area, .b = p + 2 * area, .f = p + 3 * area, .e = p + 4 * area, .cell = cell};
    c->x = p + 5 * area;
    c->y = c->x + n;
    c->t = c->y + n;
    c->lattice = c->t + n;
    c->weight = c->lattice + 3 * (n + 4);
    *out = c;
    return SAINT_OK;
}

void saint_scenes_canvas_free(saint_scenes_canvas *c)
{
    if (!c) return;
    free(c->r);
    free(c->cell);
    free(c);
}

/* ---- objects ------------------------------------------------------------------------------------------------------ */

static const float palette[SAINT_SCENES_COLORS][3] = {
    {0.84f, 0.09f, 0.10f}, {0.97f, 0.50f, 0.04f}, {0.98f, 0.88f, 0.10f}, {0.10f, 0.58f, 0.16f},
    {0.10f, 0.25f, 0.84f}, {0.54f, 0.15f, 0.70f}, {0.96f, 0.96f, 0.96f}, {0.06f, 0.06f, 0.07f}};

typedef struct {
    int x0, y0, x1, y1; /* pixels, the last ones excluded */
} box;

static box box_around(int size, float x, float y, float half_w, float half_h)
{
    float n = (float)size;
    box b = {(int)((x - half_w) * n) - 2, (int)((y - half_h) * n) - 2, (int)((x + half_w) * n) + 3, (int)((y + half_h) * n) + 3};
    if (b.x0 < 0) b.x0 = 0;
    if (b.y0 < 0) b.y0 = 0;
    if (b.x1 > size) b.x1 = size;
    if (b.y1 > size) b.y1 = size;
    return b;
}

static void blend(float *p, float v, float a)
{
    *p += (v - *p) * a;
}

typedef struct {
    float rgb[3], rim[3];
    float light_x, light_y, shading, gloss, gloss_x, gloss_y;
    float rim_width; /* in radii */
} paint;

static paint pick_paint(rng *look, int color, float light_x, float light_y)
{
    paint p = {.light_x = light_x, .light_y = light_y};
    p.shading = rng_range(look, 0.05f, 0.22f);
    p.rim_width = rng_range(look, 0.03f, 0.07f);
    bool black = color == SAINT_SCENES_COLORS - 1;
    float grey = rng_range(look, -0.03f, 0.03f);
    for (int i = 0; i < 3; i++) {
        float own = rng_range(look, -0.03f, 0.03f);
        p.rgb[i] = palette[color][i] + (color >= SAINT_SCENES_COLORS - 2 ? grey : own); /* white and black stay without a hue */
        p.rim[i] = black ? 0.26f : p.rgb[i] * 0.62f;
    }
    float shiny = rng_below(look, 3) == 0 ? 0.45f : 0.0f;
    p.gloss = black ? 0.5f * shiny : shiny;
    p.gloss_x = 0.35f * light_x;
    p.gloss_y = 0.35f * light_y;
    return p;
}

/* The distances of one object for all pixels of its box, in radii, into c->f. */
static void object_distances(const saint_scenes_object *o, saint_scenes_canvas *c, box b)
{
    float step = 1.0f / (float)c->size, inverse = 1.0f / o->r, sine, cosine;
    scenes_sincos(o->turn, &sine, &cosine);
    for (int y = b.y0; y < b.y1; y++) {
        float v = (((float)y + 0.5f) * step - o->y) * inverse;
        for (int x = b.x0; x < b.x1; x++) {
            float u = (((float)x + 0.5f) * step - o->x) * inverse;
            c->x[x - b.x0] = u * cosine + v * sine;
            c->y[x - b.x0] = v * cosine - u * sine;
        }
        scenes_shape_distance(o->shape, c->x, c->y, b.x1 - b.x0, c->f + (size_t)y * (size_t)c->size + b.x0, c->t);
    }
}

static void draw_shadow(const saint_scenes_object *o, saint_scenes_canvas *c, box b, float light_x, float light_y)
{
    float reach = o->r * (float)c->size;
    int dx = (int)(-0.10f * light_x * reach), dy = (int)(-0.10f * light_y * reach);
    for (int y = b.y0; y < b.y1; y++) {
        int sy = y - dy;
        if (sy < b.y0 || sy >= b.y1) continue;
        const float *d = c->f + (size_t)sy * (size_t)c->size;
        size_t row = (size_t)y * (size_t)c->size;
        for (int x = b.x0; x < b.x1; x++) {
            int sx = x - dx;
            if (sx < b.x0 || sx >= b.x1) continue;
            float k = 1.0f - 0.42f * clamp01((0.10f - d[sx]) * 5.0f);
            c->r[row + (size_t)x] *= k;
            c->g[row + (size_t)x] *= k;
            c->b[row + (size_t)x] *= k;
        }
    }
}

static void draw_object(const saint_scenes_object *o, saint_scenes_canvas *c, rng *look, float light_x, float light_y)
{
    paint p = pick_paint(look, o->color, light_x, light_y);
    box b = box_around(c->size, o->x, o->y, o->r * 1.28f, o->r * 1.28f);
    float step = 1.0f / (float)c->size, inverse = 1.0f / o->r, pixels = o->r * (float)c->size;
    object_distances(o, c, b);
    draw_shadow(o, c, b, light_x, light_y);
    for (int y = b.y0; y < b.y1; y++) {
        float v = (((float)y + 0.5f) * step - o->y) * inverse;
        const float *d = c->f + (size_t)y * (size_t)c->size;
        for (int x = b.x0; x < b.x1; x++) {
            float cover = clamp01(0.5f - d[x] * pixels);
            if (cover <= 0.0f) continue;
            float u = (((float)x + 0.5f) * step - o->x) * inverse, gx = u - p.gloss_x, gy = v - p.gloss_y;
            float shade = 1.0f + p.shading * (u * p.light_x + v * p.light_y), shine = clamp01(1.0f - (gx * gx + gy * gy) * 6.0f);
            float rim = clamp01(0.5f + (d[x] + p.rim_width) * pixels), add = p.gloss * shine * shine;
            size_t i = (size_t)y * (size_t)c->size + (size_t)x;
            float *plane[3] = {c->r, c->g, c->b};
            for (int k = 0; k < 3; k++) blend(&plane[k][i], lerpf(lerpf(p.rgb[k] * shade, 1.0f, add), p.rim[k], rim), cover);
        }
    }
}

/* ---- text --------------------------------------------------------------------------------------------------------- */

static const float ink[6][2][3] = {/* letters and the seam around them */
                                   {{0.97f, 0.97f, 0.95f}, {0.05f, 0.05f, 0.06f}}, {{0.05f, 0.05f, 0.06f}, {0.97f, 0.97f, 0.95f}},
                                   {{0.99f, 0.93f, 0.62f}, {0.10f, 0.06f, 0.03f}}, {{0.08f, 0.10f, 0.42f}, {0.95f, 0.95f, 0.93f}},
                                   {{0.47f, 0.04f, 0.06f}, {0.97f, 0.95f, 0.90f}}, {{0.80f, 0.95f, 0.98f}, {0.03f, 0.08f, 0.16f}}};

/* From the picture into the text: one unit is the height of a capital letter, the origin its middle. */
typedef struct {
    float sine, cosine, inverse;
    int n;
} text_frame;

static text_frame frame_of(const saint_scenes_scene *s)
{
    text_frame f = {.inverse = 1.0f / s->text_h, .n = (int)strlen(s->text)};
    scenes_sincos(s->text_turn, &f.sine, &f.cosine);
    return f;
}

static void into_text(const saint_scenes_scene *s, const text_frame *f, float x, float y, float *tx, float *ty)
{
    float u = (x - s->text_x) * f->inverse, v = (y - s->text_y) * f->inverse;
    *tx = u * f->cosine + v * f->sine;
    *ty = v * f->cosine - u * f->sine;
}

static float glyph_middle(const text_frame *f, int i)
{
    return ((float)i - 0.5f * (float)(f->n - 1)) * FONT_ADVANCE;
}

static void draw_text(const saint_scenes_scene *s, saint_scenes_canvas *c)
{
    text_frame f = frame_of(s);
    const float seam = 0.06f, pixels = s->text_h * (float)c->size, step = 1.0f / (float)c->size;
    float sine = f.sine < 0 ? -f.sine : f.sine, half_w = 0.5f * s->text_h * (FONT_ADVANCE * (float)f.n + 0.2f), half_h = s->text_h * 0.6f;
    box b = box_around(c->size, s->text_x, s->text_y, half_w + half_h * sine, half_h + half_w * sine);
    for (int y = b.y0; y < b.y1; y++) {
        float *d2 = c->f + (size_t)y * (size_t)c->size;
        for (int x = b.x0; x < b.x1; x++) d2[x] = 1e9f;
    }
    for (int g = 0; g < f.n; g++) {
        float middle = glyph_middle(&f, g) * s->text_h, reach = s->text_h * 0.72f;
        box q = box_around(c->size, s->text_x + middle * f.cosine, s->text_y + middle * f.sine, reach, reach);
        for (int y = q.y0; y < q.y1; y++) {
            for (int x = q.x0; x < q.x1; x++) {
                into_text(s, &f, ((float)x + 0.5f) * step, ((float)y + 0.5f) * step, &c->x[x - q.x0], &c->y[x - q.x0]);
                c->x[x - q.x0] -= glyph_middle(&f, g);
            }
            if (y >= b.y0 && y < b.y1)
                scenes_glyph_distance(scenes_glyph_of(s->text[g]), c->x, c->y, q.x1 - q.x0, c->f + (size_t)y * (size_t)c->size + q.x0);
        }
    }
    for (int y = b.y0; y < b.y1; y++) {
        for (int x = b.x0; x < b.x1; x++) {
            size_t i = (size_t)y * (size_t)c->size + (size_t)x;
            float d = sqrtf(c->f[i]), halo = clamp01(0.5f - (d - FONT_PEN - seam) * pixels),
                  letter = clamp01(0.5f - (d - FONT_PEN) * pixels);
            if (halo <= 0.0f) continue;
            float *plane[3] = {c->r, c->g, c->b};
            for (int k = 0; k < 3; k++) {
                blend(&plane[k][i], ink[s->text_style][1][k], halo);
                blend(&plane[k][i], ink[s->text_style][0][k], letter);
            }
        }
    }
}

/* ---- the camera --------------------------------------------------------------------------------------------------- */

static uint8_t byte_of(float v)
{
    return (uint8_t)(int)(clamp01(v) * 255.0f + 0.5f);
}

/* Light from one side, darker corners, a tint, noise of the sensor. */
static void expose(saint_scenes_canvas *c, rng *look, float light_x, float light_y, uint8_t *rgb)
{
    float slope = rng_range(look, 0.0f, 0.28f), corners = rng_range(look, 0.0f, 0.45f), gain = rng_range(look, 0.92f, 1.06f);
    float warm = rng_range(look, -0.03f, 0.03f), noise = rng_range(look, 0.3f, 1.0f) * 0.022f / 255.0f, step = 1.0f / (float)c->size;
    float gx = slope * light_x, gy = slope * light_y, red = gain * (1.0f + warm), blue = gain * (1.0f - warm);
    uint32_t seed = rng_u32(look);
    for (int y = 0; y < c->size; y++) {
        float v = ((float)y + 0.5f) * step - 0.5f;
        size_t row = (size_t)y * (size_t)c->size;
        for (int x = 0; x < c->size; x++) {
            float u = ((float)x + 0.5f) * step - 0.5f, light = 1.0f + gx * u + gy * v - corners * (u * u + v * v);
            uint32_t h = (seed + (uint32_t)(row + (size_t)x)) * 0x9e3779b1u;
            h = (h ^ (h >> 15)) * 0x2c1b3c6du;
            h = (h ^ (h >> 13)) * 0x297a2d39u;
            h ^= h >> 16;
            float luma = (float)((int)(h & 255u) + (int)(h >> 8 & 255u) - 255) * noise;
            float chroma = (float)((int)(h >> 16 & 255u) - (int)(h >> 24)) * noise * 0.5f;
            size_t i = row + (size_t)x;
            rgb[3 * i] = byte_of(c->r[i] * light * red + luma + chroma);
            rgb[3 * i + 1] = byte_of(c->g[i] * light * gain + luma);
            rgb[3 * i + 2] = byte_of(c->b[i] * light * blue + luma - chroma);
        }
    }
}

void saint_scenes_draw(const saint_scenes_scene *s, saint_scenes_canvas *c, uint8_t *rgb)
{
    rng look = rng_open(s->key, RNG_LOOK);
    float light_x, light_y;
    scenes_sincos(0.5f + 0.5f * rng_unit(&look), &light_y, &light_x); /* from above, left or right */
    scenes_background(s, c, &look);
    for (int i = 0; i < s->n_objects; i++) draw_object(&s->object[i], c, &look, light_x, light_y);
    if (s->text[0]) draw_text(s, c);
    expose(c, &look, light_x, light_y, rgb);
}

/* ---- labels ------------------------------------------------------------------------------------------------------- */

enum { SAMPLES = 4 }; /* per side of a patch */

/* The classes of n points along one row of the picture. */
static void classes_of_row(const saint_scenes_scene *s, float y, const float *at, int n, uint8_t *class, float *work)
{
    float *px = work, *py = px + n, *d = py + n, *scratch = d + n;
    memset(class, s->background, (size_t)n);
    for (int k = 0; k < s->n_objects; k++) {
        const saint_scenes_object *o = &s->object[k];
        float v = (y - o->y) / o->r, sine, cosine;
        if (v > 1.1f || v < -1.1f) continue;
        scenes_sincos(o->turn, &sine, &cosine);
        for (int i = 0; i < n; i++) {
            float u = (at[i] - o->x) / o->r;
            px[i] = u * cosine + v * sine;
            py[i] = v * cosine - u * sine;
        }
        scenes_shape_distance(o->shape, px, py, n, d, scratch);
        for (int i = 0; i < n; i++)
            if (d[i] <= 0.0f) class[i] = (uint8_t)(SAINT_SCENES_CLASS_OBJECT + o->shape * SAINT_SCENES_COLORS + o->color);
    }
    if (!s->text[0]) return;
    text_frame f = frame_of(s);
    for (int i = 0; i < n; i++) {
        float tx, ty;
        into_text(s, &f, at[i], y, &tx, &ty);
        float cell = tx / FONT_ADVANCE + 0.5f * (float)f.n;
        if (ty < -0.5f || ty > 0.5f || cell < 0.0f || cell >= (float)f.n) continue;
        class[i] = (uint8_t)(SAINT_SCENES_CLASS_GLYPH + scenes_glyph_of(s->text[(int)cell]));
    }
}

saint_status saint_scenes_labels(const saint_scenes_scene *s, int grid, uint8_t *label, saint_error *err)
{
    enum { ROW = SAINT_SCENES_GRID_MAX * SAMPLES };
    if (grid < 1 || grid > SAINT_SCENES_GRID_MAX)
        return saint_fail(err, SAINT_INVALID, "scenes: expected a grid of 1 to %d patches, found %d", SAINT_SCENES_GRID_MAX, grid);
    float at[ROW], work[4 * ROW];
    uint8_t class[SAMPLES][ROW];
    int n = grid * SAMPLES;
    for (int i = 0; i < n; i++) at[i] = ((float)i + 0.5f) / (float)n;
    for (int row = 0; row < grid; row++) {
        for (int k = 0; k < SAMPLES; k++) classes_of_row(s, at[row * SAMPLES + k], at, n, class[k], work);
        for (int column = 0; column < grid; column++) {
            int votes[SAINT_SCENES_CLASSES] = {0}, best = -1;
            for (int k = 0; k < SAMPLES; k++)
                for (int i = 0; i < SAMPLES; i++) {
                    int v = class[k][column * SAMPLES + i];
                    votes[v]++;
                    if (best < 0 || votes[v] > votes[best] || (votes[v] == votes[best] && v > best)) best = v;
                }
            label[row * grid + column] = (uint8_t)best;
        }
    }
    return SAINT_OK;
}
