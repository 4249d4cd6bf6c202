/* layers.h - how alike the picture's tokens are, layer by layer: the curves of one run, and the three phases where the data shows them. */
#ifndef SAINT_APP_UI_LAYERS_H
#define SAINT_APP_UI_LAYERS_H

#include "engine.h"

/* One stage of one run; NaN where a layer has no statistics or they are not defined (fewer than two tokens). */
typedef struct {
    int n;           /* layers that ran */
    bool known;      /* any statistics at all */
    float threshold; /* what shares and degrees are counted with */
    int K;
    double layer[SAINT_MAX_LAYERS];
    int tokens[SAINT_MAX_LAYERS]; /* picture tokens that the layer sees */
    double cosine[SAINT_MAX_LAYERS], above[SAINT_MAX_LAYERS], degree_k[SAINT_MAX_LAYERS], degree[SAINT_MAX_LAYERS], rank[SAINT_MAX_LAYERS];
    const saint_trace_site *site[SAINT_MAX_LAYERS]; /* NULL = nothing is dropped there; borrowed from the trace */
} layers_curve;
/* Picture 0; t may be NULL. */
void layers_curve_of(const saint_trace *t, saint_stage stage, layers_curve *out);

/* The paper speaks of three phases that tokens pass in ViT and LLM alike: aligner, explorer, aggregator. It gives no rule that can be
 * applied to one picture, so this one is ours: on the curve of the mean cosine there are a peak p and, behind it, a valley v such that the
 * curve rises by at least LAYERS_MOVE from its lowest point before p to p (tokens become alike: aligner, layers 0..p), falls by at least
 * as much to v (they come apart: explorer, p+1..v) and rises by at least as much behind v (they gather again: aggregator, v+1..), each
 * phase at least two layers long. Of all such pairs the one whose smallest movement is largest, then whose movements together are. Where
 * there is none no phase is named. */
#define LAYERS_MOVE 0.05
typedef struct {
    bool found;
    int peak, valley;
    double rise, fall, again; /* of the best pair, whether it counts or not; 0 when the curve has none */
} layers_phases;
/* cosine [n]; layers from the first NaN on do not count. */
layers_phases layers_phases_of(const double *cosine, int n);
/* "aligner", "explorer", "aggregator", or NULL when no phases were found. */
const char *layers_phase_name(const layers_phases *p, int layer);

#endif
