/* plan.h - a pruning plan: the list of prune sites that settings mean for one model. A plain value: compare and copy freely. */
#ifndef SAINT_RUN_PLAN_H
#define SAINT_RUN_PLAN_H

#include "models/model.h"
#include "run/settings.h"

enum { SAINT_MAX_SITES = 2 * SAINT_MAX_LAYERS };

/* A site sits inside a block. ViT: after the attention residual, before the MLP. LLM: after the block, in prefill only. */
typedef struct {
    int32_t stage, layer;
    int32_t method;
    int32_t reserved;
    saint_method_params p; /* parameters the method does not read are zero, so equal plans are equal bytes */
} saint_site;

typedef struct {
    int32_t n_sites; /* sorted by (stage, layer) */
    uint32_t compat;
    int32_t image_token_length, sys_length; /* -1 = derived */
    saint_hand hand;                        /* of the site whose method is SAINT_METHOD_HAND; all zero where there is none */
    saint_site site[SAINT_MAX_SITES];
} saint_plan;

/* Named warnings for the user: collected, never printed by the engine. */
enum { SAINT_MAX_NOTES = 24 };
typedef struct {
    int n;
    char text[SAINT_MAX_NOTES][240];
} saint_notes;
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void saint_note(saint_notes *n, const char *fmt, ...); /* n may be NULL; repeated texts are kept once */

/* Turn settings into sites of this model. Layers the model lacks are SAINT_INVALID by name; what has no effect is a note. */
saint_status saint_plan_build(saint_plan *out, const saint_settings *s, const saint_model_info *m, saint_notes *notes, saint_error *err);
/* The site at (stage, layer), or NULL. */
const saint_site *saint_plan_site(const saint_plan *p, saint_stage stage, int layer);
/* The mode a plan amounts to. */
saint_mode saint_plan_mode(const saint_plan *p);

#endif
