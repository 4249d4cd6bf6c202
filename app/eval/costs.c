#include "eval/costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/internal.h"

typedef struct {
    uint64_t vit; /* what the ViT did: rows and their values follow from it */
    double seconds;
} projector_cost;

struct eval_costs {
    double embed; /* of the picture at hand, else of the last one: it depends on nothing but the network */
    double head;  /* of the last LLM that ran whole: one row, whatever was dropped */
    double per_row; /* projector, of the last one that ran */
    projector_cost *projector;
    size_t n, cap;
};

eval_costs *eval_costs_new(void) { return calloc(1, sizeof(eval_costs)); }

void eval_costs_free(eval_costs *c)
{
    if (!c) return;
    free(c->projector);
    free(c);
}

void eval_costs_new_picture(eval_costs *c) { c->n = 0; }

/* FNV-1a over the sites of the ViT and the flags that change what they do. */
static uint64_t vit_of(const saint_plan *p)
{
    uint64_t h = 0xcbf29ce484222325u;
    const unsigned char *flags = (const unsigned char *)&p->compat;
    for (size_t i = 0; i < sizeof p->compat; i++) h = (h ^ flags[i]) * 0x100000001b3u;
    for (int i = 0; i < p->n_sites; i++) {
        const unsigned char *b = (const unsigned char *)&p->site[i];
        for (size_t k = 0; p->site[i].stage == SAINT_STAGE_VIT && k < sizeof p->site[i]; k++) h = (h ^ b[k]) * 0x100000001b3u;
    }
    return h;
}

static void learn_projector(eval_costs *c, uint64_t vit, double seconds)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->projector[i].vit == vit) {
            c->projector[i].seconds = seconds;
            return;
        }
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        projector_cost *grown = realloc(c->projector, cap * sizeof *grown);
        if (!grown) return; /* then the cost per row has to do */
        c->projector = grown;
        c->cap = cap;
    }
    c->projector[c->n++] = (projector_cost){vit, seconds};
}

static double projector_seconds(const eval_costs *c, uint64_t vit, int rows)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->projector[i].vit == vit) return c->projector[i].seconds;
    return c->per_row * rows;
}

void eval_costs_learn(eval_costs *c, const saint_trace *t)
{
    const saint_trace_image *im = &t->image[0];
    if (im->vit_in > 0 && eval_trace_vit_cold(t)) c->embed = fmax(0, t->seconds.vit - eval_trace_layer_seconds(t, SAINT_STAGE_VIT));
    if (im->llm_in == 0 || !eval_trace_llm_cold(t)) return;
    c->head = fmax(0, t->seconds.prefill - eval_trace_layer_seconds(t, SAINT_STAGE_LLM));
    if (im->vit_out == 0) return;
    learn_projector(c, vit_of(&t->plan), t->seconds.projector);
    c->per_row = t->seconds.projector / im->vit_out;
}

void eval_costs_complete(const eval_costs *c, const saint_trace *t, eval_result *r)
{
    bool llm = t->image[0].llm_in > 0, picture = r->vit_in > 0;
    if (picture && !eval_trace_vit_cold(t)) r->s_vit = eval_seconds(r->s_vit + c->embed);
    if (llm && !eval_trace_llm_cold(t)) {
        r->s_prefill = eval_seconds(r->s_prefill + c->head);
        if (picture) r->s_projector = eval_seconds(projector_seconds(c, vit_of(&t->plan), r->vit_out));
    }
    eval_result_total(r);
}
