/* folder.h - the folder of a sweep: made, checked and made durable. */
#ifndef SAINT_APP_SWEEP_FOLDER_H
#define SAINT_APP_SWEEP_FOLDER_H

#include "engine.h"

/* Make FOLDER with its parents, FOLDER/journal and FOLDER/claims. SAINT_IO says which and why, and how to mend. */
saint_status sweep_folder_make(const char *folder, saint_error *err);
/* fsync a folder, so that the names in it survive a power cut. */
saint_status sweep_folder_sync(const char *folder, saint_error *err);

#endif
