/* fits.h - whether a network can be asked what a data set asks. */
#ifndef SAINT_APP_EVAL_FITS_H
#define SAINT_APP_EVAL_FITS_H

#include "datasets/dataset.h"
#include "engine.h"

/* SAINT_INVALID says what does not go together, and what would. */
saint_status eval_fits(const saint_model_info *m, const saint_dataset_info *d, saint_error *err);

#endif
