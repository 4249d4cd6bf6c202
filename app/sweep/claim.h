/* claim.h - who works on which block: a file per block and attempt at it, made under its final name or not at all, so that of any number
 * of processes one gets it, also on network file systems. FOLDER/claims/SHAPE/BLOCK.N names its owner; when the owner is gone,
 * BLOCK.N+1 may be made. Claims only save work: a unit that two processes run gives the same record twice. */
#ifndef SAINT_APP_SWEEP_CLAIM_H
#define SAINT_APP_SWEEP_CLAIM_H

#include "sweep/order.h"

typedef struct sweep_claims sweep_claims;

enum { SWEEP_GRACE_SECONDS = 60 }; /* silence after which a process of another machine is taken for gone */

/* journal: name of this process's journal, whose time of change is its heartbeat. SAINT_IO. */
saint_status sweep_claims_open(sweep_claims **out, const char *folder, const sweep_plan *p, const char *journal, saint_error *err);
void sweep_claims_close(sweep_claims *c); /* NULL is allowed */
/* Get a block: *mine tells whether it is ours now (or was); false: somebody who is alive has it. SAINT_IO. */
saint_status sweep_claim(sweep_claims *c, size_t block, bool *mine, saint_error *err);
/* Forget all claims of a finished sweep; what cannot be removed stays. */
void sweep_claims_clear(const char *folder);

#endif
