/* font.c - a font of our own: strokes on a grid 4 wide and 6 high, drawn with a round pen. */
#include "scenes/internal.h"

/* Points "xy", a '|' lifts the pen; y 0 is the top of a capital letter, y 6 its foot. */
static const char *const glyphs[SAINT_SCENES_GLYPHS] = {
    "103041453616050110",                 /* 0 */
    "112026|1636",                        /* 1 */
    "01103041420646",                     /* 2 */
    "01103041423313|334445361605",        /* 3 */
    "36300444",                           /* 4 */
    "400002324345361605",                 /* 5 */
    "413010010516364544331304",           /* 6 */
    "004016",                             /* 7 */
    "103041423313020110|1304051636454433", /* 8 */
    "423313020110304145361605",           /* 9 */
    "062046|1434",                        /* A */
    "06003041423303|3344453606",          /* B */
    "4130100105163645",                   /* C */
    "00204244260600",                     /* D */
    "40000646|0333",                      /* E */
    "400006|0333",                        /* F */
    "41301001051636454323",               /* G */
    "0006|4046|0343",                     /* H */
    "2026|1030|1636",                     /* I */
    "4045361605",                         /* J */
    "0006|400346",                        /* K */
    "000646",                             /* L */
    "0600234046",                         /* M */
    "06004640",                           /* N */
    "103041453616050110",                 /* O */
    "06003041423303",                     /* P */
    "103041453616050110|2446",            /* Q */
    "06003041423303|2346",                /* R */
    "413010010213334445361605",           /* S */
    "0040|2026",                          /* T */
    "000516364540",                       /* U */
    "002640",                             /* V */
    "0016223640",                         /* W */
    "0046|4006",                          /* X */
    "002340|2326",                        /* Y */
    "00400646",                           /* Z */
};

int scenes_glyph_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return -1;
}

static void stroke(float ax, float ay, float bx, float by, const float *x, const float *y, int n, float *d2)
{
    float ex = bx - ax, ey = by - ay, inverse = 1.0f / (ex * ex + ey * ey);
    for (int i = 0; i < n; i++) {
        float wx = x[i] - ax, wy = y[i] - ay, t = clamp01((wx * ex + wy * ey) * inverse);
        float cx = wx - ex * t, cy = wy - ey * t, d = cx * cx + cy * cy;
        d2[i] = d < d2[i] ? d : d2[i];
    }
}

void scenes_glyph_distance(int glyph, const float *x, const float *y, int n, float *d2)
{
    const float unit_x = 0.14f, unit_y = (1.0f - 2.0f * FONT_PEN) / 6.0f;
    bool down = false;
    float px = 0, py = 0;
    for (const char *p = glyphs[glyph]; *p;) {
        if (*p == '|') {
            down = false;
            p++;
            continue;
        }
        float qx = (float)(p[0] - '2') * unit_x, qy = (float)(p[1] - '3') * unit_y;
        if (down) stroke(px, py, qx, qy, x, y, n, d2);
        down = true;
        px = qx;
        py = qy;
        p += 2;
    }
}
