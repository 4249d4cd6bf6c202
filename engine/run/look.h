/* look.h - one prune site of one request, looked at without running: what it decides, what it would decide otherwise, how similar its tokens are.
 *
 *   saint_look_open(&l, session, &request, 0, SAINT_STAGE_LLM, 7, &err);     as soon as a run has come that far
 *   saint_look_decide(l, NULL, &record, &err);                               what the request's plan decides there
 *   site = *saint_look_site(l); site.p.sim_threshold = 0.9f;
 *   saint_look_decide(l, &site, &record, &err);                              and with another threshold: well under a millisecond
 *
 * It finds the checkpoint by the request's own keys, so it is right whatever ran last, and SAINT_STATE when nothing of the kind has run. Any
 * thread, also while a run is in progress. */
#ifndef SAINT_RUN_LOOK_H
#define SAINT_RUN_LOOK_H

#include "run/session.h"

typedef struct saint_look saint_look;

/* Holds a counted reference to the checkpoint: close it before the session. The request is not needed any more afterwards. */
saint_status saint_look_open(saint_look **out, saint_session *s, const saint_request *r, int image, saint_stage stage, int layer,
                             saint_error *err);
void saint_look_close(saint_look *l); /* NULL is allowed */
/* The site of the request's plan there; NULL = it has none. */
const saint_site *saint_look_site(const saint_look *l);
/* Selection alone. site: another method or other parameters at this very place, NULL = the request's own (SAINT_INVALID when it has none). A
 * site whose method is SAINT_METHOD_HAND takes the list of the request. *out is a new record (saint_trace_site_unref). */
saint_status saint_look_decide(const saint_look *l, const saint_site *site, saint_trace_site **out, saint_error *err);
/* Cosines of one patch to every patch that reaches the place, by the metric that selection reads: out [grid_h * grid_w], NaN where a patch is
 * gone, 1 for itself. SAINT_INVALID when the patch does not reach it. */
saint_status saint_look_similarity(const saint_look *l, int patch, float *out, saint_error *err);

#endif
