/* cost.h - analytic cost. FLOPs count a multiply and an add as two; norms, softmax and activations are left out (under 1 %). */
#ifndef SAINT_RUN_COST_H
#define SAINT_RUN_COST_H

#include "models/model.h"

/* One ViT block whose attention sees n_attn rows and whose MLP sees n_mlp. */
double saint_cost_vit_layer(const saint_model_info *m, int n_attn, int n_mlp);
/* Patch embedding of one picture. */
double saint_cost_vit_embed(const saint_model_info *m);
double saint_cost_classifier(const saint_model_info *m);
/* Projector over n rows. */
double saint_cost_projector(const saint_model_info *m, int n);
/* One LLM block over n new rows that see n_past rows before them, causal. */
double saint_cost_llm_layer(const saint_model_info *m, int n, int n_past);
/* Output head for one row. */
double saint_cost_llm_head(const saint_model_info *m);

#endif
