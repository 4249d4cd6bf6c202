/* resume.h - a sweep folder alone is enough to go on: what its plan tells about model, data and numbers, for who does not remember the
 * command. What is asked stays what it is: only where things lie now may be said anew. */
#ifndef SAINT_APP_SWEEP_RESUME_H
#define SAINT_APP_SWEEP_RESUME_H

#include "sweep/plan.h"

typedef struct {
    sweep_plan plan;                        /* everything asked of the folder so far */
    char *template_name, *image_mode;       /* NULL = the model's own */
    bool llava;                             /* prompts in LLaVA's own wording */
    int max_new_tokens;                     /* of the longest trial */
    int numerics;                           /* SWEEP_NUMERICS of who made the folder */
} sweep_resume;

/* SAINT_IO, SAINT_FORMAT naming the file: there is no plan, or one that asks for nothing. */
saint_status sweep_resume_open(const char *folder, sweep_resume *out, saint_error *err);
void sweep_resume_free(sweep_resume *r); /* what it holds; NULL is allowed */

/* Whether model and data are those of the plan, wherever they lie now. SAINT_INVALID says which is not. */
saint_status sweep_resume_check(const sweep_resume *r, const char *folder, const saint_model_info *model, const saint_dataset_info *data,
                                saint_error *err);

#endif
