/* shapes.c - signed distances of the ten shapes, a whole row of points at a time so that the compiler can use vectors. */
#include "scenes/internal.h"

#include <math.h>

void scenes_sincos(float turns, float *sine, float *cosine)
{
    /* Into [-1/8, 1/8] of a turn around the nearest quarter, then Taylor: the error is below 1e-7. */
    int quarter = (int)(turns * 4.0f + (turns < 0 ? -0.5f : 0.5f));
    float x = (turns - 0.25f * (float)quarter) * 6.2831853f, z = x * x;
    float s = x * (1.0f + z * (-1.0f / 6.0f + z * (1.0f / 120.0f + z * (-1.0f / 5040.0f))));
    float c = 1.0f + z * (-0.5f + z * (1.0f / 24.0f + z * (-1.0f / 720.0f + z * (1.0f / 40320.0f))));
    switch (quarter & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

float scenes_shape_swing(int shape)
{
    switch (shape) {
    case SHAPE_TRIANGLE:
    case SHAPE_STAR:
    case SHAPE_MOON:
    case SHAPE_ARROW: return 0.5f;
    case SHAPE_HEART: return 0.06f;
    case SHAPE_SQUARE:
    case SHAPE_CROSS: return 0.035f;   /* a square on its corner would be a diamond, a cross an x */
    case SHAPE_DIAMOND: return 0.03f;
    default: return 0.0f;
    }
}

typedef struct {
    float x, y;
} point;

static const point square[] = {{-0.72f, -0.72f}, {0.72f, -0.72f}, {0.72f, 0.72f}, {-0.72f, 0.72f}};
static const point triangle[] = {{0.0f, -1.0f}, {0.8660254f, 0.5f}, {-0.8660254f, 0.5f}};
static const point star[] = {
    {0.0f, -1.0f}, {0.2645033f, -0.3640576f}, {0.9510565f, -0.3090170f}, {0.4279754f, 0.1390576f},   {0.5877853f, 0.8090170f},
    {0.0f, 0.45f}, {-0.5877853f, 0.8090170f}, {-0.4279754f, 0.1390576f}, {-0.9510565f, -0.3090170f}, {-0.2645033f, -0.3640576f}};
static const point diamond[] = {{0.0f, -1.0f}, {0.62f, 0.0f}, {0.0f, 1.0f}, {-0.62f, 0.0f}};
static const point cross[] = {{-0.29f, -0.94f}, {0.29f, -0.94f}, {0.29f, -0.29f}, {0.94f, -0.29f}, {0.94f, 0.29f},   {0.29f, 0.29f},
                              {0.29f, 0.94f},   {-0.29f, 0.94f}, {-0.29f, 0.29f}, {-0.94f, 0.29f}, {-0.94f, -0.29f}, {-0.29f, -0.29f}};
static const point arrow[] = {{-0.95f, -0.24f}, {0.08f, -0.24f}, {0.08f, -0.72f}, {0.98f, 0.0f},
                              {0.08f, 0.72f},   {0.08f, 0.24f},  {-0.95f, 0.24f}};
static const point heart_tip[] = {{0.0f, -0.36f}, {0.68f, 0.14f}, {0.0f, 0.92f}, {-0.68f, 0.14f}};

/* Distance to the nearest edge; the sign flips for every edge that a ray from the point crosses. */
static void polygon(const point *p, int corners, const float *x, const float *y, int n, float *d, float *sign)
{
    for (int i = 0; i < n; i++) {
        d[i] = 1e9f;
        sign[i] = 1.0f;
    }
    for (int k = 0, j = corners - 1; k < corners; j = k++) {
        float ax = p[k].x, ay = p[k].y, ex = p[j].x - ax, ey = p[j].y - ay, inverse = 1.0f / (ex * ex + ey * ey), by = p[j].y;
        for (int i = 0; i < n; i++) {
            float wx = x[i] - ax, wy = y[i] - ay, t = clamp01((wx * ex + wy * ey) * inverse);
            float bx = wx - ex * t, cy = wy - ey * t, d2 = bx * bx + cy * cy;
            d[i] = d2 < d[i] ? d2 : d[i];
            int below = y[i] >= ay, above = y[i] < by, left = ex * wy > ey * wx;
            sign[i] = (below & above & left) | (!below & !above & !left) ? -sign[i] : sign[i];
        }
    }
    for (int i = 0; i < n; i++) d[i] = sign[i] * sqrtf(d[i]);
}

static float disc(float x, float y, float cx, float cy, float r)
{
    return sqrtf((x - cx) * (x - cx) + (y - cy) * (y - cy)) - r;
}

#define POLYGON(name) polygon(name, (int)(sizeof name / sizeof *name), x, y, n, d, scratch)

void scenes_shape_distance(int shape, const float *x, const float *y, int n, float *d, float *scratch)
{
    switch (shape) {
    case SHAPE_CIRCLE:
        for (int i = 0; i < n; i++) d[i] = disc(x[i], y[i], 0.0f, 0.0f, 0.84f);
        break;
    case SHAPE_RING:
        for (int i = 0; i < n; i++) {
            float e = disc(x[i], y[i], 0.0f, 0.0f, 0.68f);
            d[i] = (e < 0 ? -e : e) - 0.20f;
        }
        break;
    case SHAPE_MOON:
        for (int i = 0; i < n; i++) {
            float outer = disc(x[i], y[i], 0.0f, 0.0f, 0.93f), inner = -disc(x[i], y[i], 0.44f, 0.0f, 0.74f);
            d[i] = outer > inner ? outer : inner;
        }
        break;
    case SHAPE_HEART:
        POLYGON(heart_tip);
        for (int i = 0; i < n; i++) {
            float left = disc(x[i], y[i], -0.40f, -0.26f, 0.49f), right = disc(x[i], y[i], 0.40f, -0.26f, 0.49f);
            d[i] = left < d[i] ? left : d[i];
            d[i] = right < d[i] ? right : d[i];
        }
        break;
    case SHAPE_SQUARE: POLYGON(square); break;
    case SHAPE_TRIANGLE: POLYGON(triangle); break;
    case SHAPE_STAR: POLYGON(star); break;
    case SHAPE_DIAMOND: POLYGON(diamond); break;
    case SHAPE_CROSS: POLYGON(cross); break;
    default: POLYGON(arrow); break;
    }
}
