#include "select/rule.h"

#include "select/internal.h"

bool saint_rule_fits(const saint_method *m, const saint_select_in *in, int n_images)
{
    bool fits = m->rule != SAINT_RULE_NONE;
    for (int i = 0; i < n_images && fits; i++)
        fits = in[i].n <= SAINT_CHOOSE_TOKENS && (!saint_rule_reads_metric((saint_rule)m->rule) || in[i].dim <= SAINT_CHOOSE_DIM);
    return fits;
}

static saint_status check_pictures(const saint_method *m, const saint_select_in *in, int n_images, saint_error *err)
{
    for (int i = 0; i < n_images; i++) {
        saint_status s = saint_select_check(m, &in[i], err);
        if (s != SAINT_OK) return s;
        if (in[i].n != in[0].n && saint_select_coupled(m, in)) return saint_select_unequal(m, in[i].n, in[0].n, err);
    }
    return SAINT_OK;
}

saint_status saint_rule_prepare(const saint_method *m, const saint_select_in *in, int n_images, int32_t *n_drop, saint_choose_args *a,
                                saint_error *err)
{
    saint_status s = check_pictures(m, in, n_images, err);
    bool published = in->stage == SAINT_STAGE_VIT && in->compat & 1u << SAINT_COMPAT_VIT_DEFAULT_K_GAMMA;
    a->rule = (saint_rule)m->rule;
    a->threshold = in->p.sim_threshold;
    a->reach = saint_reach(in->p.sim_threshold);
    a->K = published ? SAINT_PUBLISHED_K : in->p.K;
    a->gamma = published ? SAINT_PUBLISHED_GAMMA : in->p.gamma;
    a->r = in->p.r;
    a->seed = in->p.seed;
    a->grid_w = in->grid_w;
    a->grid_h = in->grid_h;
    a->batch_mean = saint_select_coupled(m, in);
    a->overwrite_r = in->compat & 1u << SAINT_COMPAT_OVERWRITE_R;
    a->n_drop = m->fixed_budget ? n_drop : NULL;
    for (int i = 0; i < n_images && s == SAINT_OK && m->fixed_budget; i++) {
        int n = 0;
        s = m->count(&in[i], &n, err);
        n_drop[i] = n;
    }
    return s;
}

saint_status saint_rule_result(const saint_method *m, const saint_select_in *in, const saint_choice *choice, const saint_choice_record *record,
                               int first, saint_select_out *out, saint_error *err)
{
    *out = (saint_select_out){0};
    if (in->n > 0 && choice->bad_row >= 0) return saint_select_not_finite(m, m->reads_attention, choice->bad_row, err);
    if (choice->n_keep < 0 || choice->n_keep > in->n || choice->n_merge < 0 || choice->n_merge > in->n)
        return saint_fail(err, SAINT_DEVICE, "%s: the device kept %d and merged %d of %d tokens", m->name, choice->n_keep, choice->n_merge, in->n);
    saint_status s = saint_select_allocate(in->n, out, err);
    if (s != SAINT_OK) return s;
    out->n_keep = choice->n_keep;
    out->n_rounds = choice->n_rounds;
    out->n_merge = choice->n_merge;
    out->margin = choice->margin;
    for (int i = 0; i < in->n; i++) {
        out->score[i] = record->score[first + i];
        out->neighbours[i] = record->neighbours[first + i];
        out->round[i] = (int16_t)record->round[first + i];
    }
    for (int k = 0; k < out->n_keep; k++) out->kept[k] = record->kept[first + k];
    for (int k = 0; k < out->n_merge; k++) out->merge[k] = (saint_merge){record->merge_from[first + k], record->merge_into[first + k]};
    s = saint_select_check_out(m, in, out, err);
    if (s != SAINT_OK) saint_select_free(out);
    return s;
}
