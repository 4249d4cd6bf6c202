#include "eval/fits.h"

saint_status eval_fits(const saint_model_info *m, const saint_dataset_info *d, saint_error *err)
{
    const char *kind = saint_data_kind_name(d->kind);
    bool pictures = d->kind == SAINT_DATA_IMAGEFOLDER || d->kind == SAINT_DATA_IMAGES || d->kind == SAINT_DATA_MANIFEST;
    if (!d->has_pictures)
        return saint_fail(err, SAINT_INVALID, "%s:%s: result files without pictures; name the folder of the released data set", kind,
                          d->path);
    if (!m->llm_layers && !pictures)
        return saint_fail(err, SAINT_INVALID, "%s asks questions and %s is a classifier; give imagefolder:PATH or images:PATH", kind,
                          m->name);
    if (!m->llm_layers && !m->classes)
        return saint_fail(err, SAINT_INVALID, "%s has neither a language model nor a classifier head", m->name);
    if (m->llm_layers && d->kind == SAINT_DATA_IMAGEFOLDER)
        return saint_fail(err, SAINT_INVALID, "imagefolder asks for a class and %s is no classifier; give a data set with questions",
                          m->name);
    if (!m->vit_layers && d->kind != SAINT_DATA_MANIFEST)
        return saint_fail(err, SAINT_INVALID, "%s has pictures and %s reads text only; give manifest:PATH without pictures", kind, m->name);
    return SAINT_OK;
}
