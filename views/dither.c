#include "views/dither.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const uint8_t cube[6] = {0, 95, 135, 175, 215, 255};

/* The eye weighs green most and blue least. */
static float distance(const float a[3], const float b[3])
{
    float r = a[0] - b[0], g = a[1] - b[1], l = a[2] - b[2];
    return 3 * r * r + 5 * g * g + 2 * l * l;
}

/* The corners of the cube around a colour, and the greys below and above it. */
enum { CORNERS = 8, CANDIDATES = CORNERS + 2 };
static void candidates(const float v[3], float out[CANDIDATES][3])
{
    int low[3];
    for (int c = 0; c < 3; c++)
        for (low[c] = 0; low[c] < 4 && (float)cube[low[c] + 1] <= v[c];) low[c]++;
    for (int i = 0; i < CORNERS; i++)
        for (int c = 0; c < 3; c++) out[i][c] = cube[low[c] + (i >> c & 1)];
    int grey = (int)((3 * v[0] + 5 * v[1] + 2 * v[2]) / 10 - 8) / 10;
    grey = grey < 0 ? 0 : grey > 22 ? 22 : grey;
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < 3; c++) out[CORNERS + i][c] = (float)(8 + 10 * (grey + i));
}

/* The pair, and how much of each, whose mean is near and which are not far from each other: a pattern of strong contrast is seen as a
 * pattern. */
static void find_mix(const float v[3], float a[3], float b[3], int *share)
{
    static const float contrast = 0.42f;
    float c[CANDIDATES][3], best = INFINITY;
    candidates(v, c);
    for (int i = 0; i < CANDIDATES; i++)
        for (int j = i; j < CANDIDATES; j++) {
            float apart = distance(c[i], c[j]), along = 0, mean[3];
            static const float weight[3] = {3, 5, 2};
            for (int k = 0; k < 3; k++) along += weight[k] * (c[j][k] - c[i][k]) * (v[k] - c[i][k]);
            int t = apart > 0 ? (int)lroundf(16 * fminf(fmaxf(along / apart, 0), 1)) : 0;
            float s = (float)t / 16;
            for (int k = 0; k < 3; k++) mean[k] = c[i][k] + s * (c[j][k] - c[i][k]);
            float error = distance(mean, v) + contrast * apart * s * (1 - s);
            if (!(error < best)) continue;
            best = error;
            memcpy(a, c[i], sizeof c[i]);
            memcpy(b, c[j], sizeof c[j]);
            *share = t;
        }
}

static int look_up(const uint8_t *p, saint_ui_mixes *m)
{
    uint32_t key = ((uint32_t)(p[0] >> 2) << 12 | (uint32_t)(p[1] >> 2) << 6 | (uint32_t)(p[2] >> 2)) + 1;
    int at = (int)((key * 2654435761u) >> 19) % SAINT_UI_MIXES;
    if (m->mix[at].of == key) return at;
    float v[3], a[3] = {0}, b[3] = {0};
    int share = 0;
    for (int c = 0; c < 3; c++) v[c] = (float)(p[c] & ~3) + 1.5f;
    find_mix(v, a, b, &share);
    m->mix[at].of = key;
    m->mix[at].share = (uint8_t)share;
    for (int c = 0; c < 3; c++) {
        m->mix[at].a[c] = (uint8_t)a[c];
        m->mix[at].b[c] = (uint8_t)b[c];
    }
    return at;
}

void saint_ui_dither(uint8_t *rgb, int w, int h, saint_ui_mixes *mixes)
{
    static const uint8_t pattern[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            int at = look_up(p, mixes);
            memcpy(p, pattern[y % 4][x % 4] < mixes->mix[at].share ? mixes->mix[at].b : mixes->mix[at].a, 3);
        }
}
