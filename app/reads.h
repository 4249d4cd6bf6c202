/* reads.h - which parameters matter to a plan. What nobody reads changes nothing, and who sets it has to be told. */
#ifndef SAINT_APP_READS_H
#define SAINT_APP_READS_H

#include "engine.h"

/* Bit i: a method of the plan, or the window of the LLM, reads parameter i of params.def. m may be NULL: nothing is known to be read but
 * what says where to prune. */
uint64_t params_read(const saint_settings *s, const saint_model_info *m);
/* Whether "KEY=VALUE" or "KEY[LAYERS]=VALUE", which is part of s, is read by anything. True for what says that nothing is to be pruned. */
bool assignment_read(const char *assignment, const saint_settings *s, const saint_model_info *m);
/* A note for an assignment that is not. */
void note_unread(const char *assignment, const saint_settings *s, const saint_model_info *m, saint_notes *notes);

#endif
