/* fold.h - folding permissions into plans, and knowing what was folded. */
#ifndef SPSA_FOLD_H
#define SPSA_FOLD_H

#include "nodes/plannodes.h"

#include "identity/session.h"

extern void fold_init(void);
extern bool fold_is_marked(const PlannedStmt *plan);
extern bool fold_is_current(const PlannedStmt *plan, SessionEntry *entry);
extern void fold_invalidate(void);
extern void fold_invalidate_always(void);
extern bool fold_may_run_plans(const PlannedStmt *plan);
extern void fold_check_plans(void);

/* The session that a running plan was started under, told by the executor guard; NULL: none runs. */
extern SessionEntry *fold_running_session;

#endif							/* SPSA_FOLD_H */
