#include "run/cost.h"

double saint_cost_vit_layer(const saint_model_info *m, int n_attn, int n_mlp)
{
    double d = m->vit_dim, a = n_attn;
    double projections = 2 * a * d * d * 4, attention = 2 * a * a * d * 2, mlp = 2 * (double)n_mlp * d * m->vit_mlp * 2;
    return projections + attention + mlp;
}

double saint_cost_vit_embed(const saint_model_info *m)
{
    return 2.0 * m->grid_w * m->grid_h * m->vit_dim * 3 * m->patch * m->patch;
}

double saint_cost_classifier(const saint_model_info *m)
{
    return 2.0 * m->vit_dim * m->classes;
}

double saint_cost_projector(const saint_model_info *m, int n)
{
    return 2.0 * n * m->llm_dim * ((double)m->vit_dim + m->llm_dim);
}

double saint_cost_llm_layer(const saint_model_info *m, int n, int n_past)
{
    double d = m->llm_dim, q = (double)m->llm_heads * m->llm_head_dim, kv = (double)m->llm_kv_heads * m->llm_head_dim;
    double pairs = (double)n * n_past + (double)n * (n + 1) / 2;
    return 2 * n * d * (2 * q + 2 * kv) + 2 * pairs * q * 2 + 2 * n * d * m->llm_mlp * 3;
}

double saint_cost_llm_head(const saint_model_info *m)
{
    return 2.0 * m->llm_dim * m->vocab;
}
