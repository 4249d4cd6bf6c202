/* layers.c - see layers.h. */
#include "ui/layers/layers.h"

#include <math.h>

static const saint_trace_site *site_at(const saint_history *h, saint_stage stage, int layer)
{
    for (int i = 0; i < h->n_sites; i++)
        if (h->site[i]->stage == stage && h->site[i]->layer == layer) return h->site[i];
    return NULL;
}

void layers_curve_of(const saint_trace *t, saint_stage stage, layers_curve *out)
{
    out->n = 0;
    out->known = false;
    out->threshold = 0;
    out->K = 0;
    if (!t || t->n_images < 1) return;
    const saint_history *h = &t->image[0].history;
    for (int i = 0; i < h->n_layers && out->n < SAINT_MAX_LAYERS; i++) {
        const saint_trace_layer *y = &h->layer[i];
        if (y->stage != stage) continue;
        int k = out->n++;
        bool s = y->has_stats;
        out->layer[k] = y->layer;
        out->tokens[k] = y->image_in;
        out->cosine[k] = s ? (double)y->stats.mean_cosine : (double)NAN;
        out->above[k] = s ? (double)y->stats.share_above : (double)NAN;
        out->degree_k[k] = s ? (double)y->stats.share_degree_k : (double)NAN;
        out->degree[k] = s ? (double)y->stats.mean_degree : (double)NAN;
        out->rank[k] = s ? (double)y->stats.effective_rank : (double)NAN;
        out->site[k] = site_at(h, stage, y->layer);
        if (s && !out->known) {
            out->known = true;
            out->threshold = y->stats_threshold;
            out->K = y->stats_K;
        }
    }
}

layers_phases layers_phases_of(const double *cosine, int n)
{
    layers_phases best = {false, -1, -1, 0, 0, 0};
    double least = -INFINITY, most = 0,
           low = INFINITY; /* the best pair's smallest movement and their sum; the lowest point before the peak */
    int m = 0;
    while (m < n && isfinite(cosine[m])) m++;
    for (int p = 1; p < m - 4; p++) {
        if (cosine[p - 1] < low) low = cosine[p - 1];
        double rise = cosine[p] - low;
        for (int v = p + 2; v < m - 2; v++) {
            double high = cosine[v + 1];
            for (int k = v + 2; k < m; k++)
                if (cosine[k] > high) high = cosine[k];
            double fall = cosine[p] - cosine[v], again = high - cosine[v];
            double smallest = rise < fall ? rise : fall;
            if (again < smallest) smallest = again;
            double sum = rise + fall + again;
            if (smallest < least || (smallest == least && sum <= most)) continue;
            least = smallest;
            most = sum;
            best = (layers_phases){smallest >= LAYERS_MOVE, p, v, rise, fall, again};
        }
    }
    return best;
}

const char *layers_phase_name(const layers_phases *p, int layer)
{
    if (!p->found) return NULL;
    return layer <= p->peak ? "aligner" : layer <= p->valley ? "explorer" : "aggregator";
}
