/* estimate.h - what a plan costs, before it has run and behind it: tokens, FLOPs, cache, times, each with where it comes from. Pure. */
#ifndef SAINT_APP_ESTIMATE_H
#define SAINT_APP_ESTIMATE_H

#include "ui/ui.h"

typedef struct {
    ui_known known;        /* UI_KNOWN_RUN: all of it is the run's; PREVIEW: tokens decided or counted, the rest computed from them; STALE: tokens of
                            * layers behind the change are those of another run */
    double tokens;         /* picture tokens, mean over the layers that count (LLM; ViT for a classifier) */
    int vit_in, vit_out;   /* patches in front of and behind the ViT */
    double flops;          /* of encoder, projector and prefill; counted, never measured */
    double kv_bytes;       /* held at the end; 0 for a classifier */
    double encode, prefill; /* seconds of all layers, also of those that came from the cache; NaN = not known */
    double select;         /* of the choices alone, when measured; else NaN */
    device_company company; /* while the times were taken */
    int cached[2], layers[2]; /* per stage: layers of the last run that came from the cache, of all */
} ui_estimate;

/* false: nothing is known yet. From u->plan[slot]; times of layers that have not run are scaled from those that have, by FLOPs. */
bool ui_estimate_of(const ui *u, int slot, ui_estimate *out);

#endif
