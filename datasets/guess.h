/* guess.h - which kind of data set a folder or file is, from what lies in it. */
#ifndef SAINT_DATASETS_GUESS_H
#define SAINT_DATASETS_GUESS_H

#include "datasets/dataset.h"

/* The kind whose files are there, and in *why (may be NULL) what told so ("task folders with questions"; static). Without any sign of
 * another it is SAINT_DATA_IMAGES. Looks into no more than a few subfolders and reads no file. */
saint_data_kind saint_data_guess(const char *path, const char **why);

#endif
