/* plan_mark.h - what was folded into a plan. */
#ifndef SPSA_PLAN_MARK_H
#define SPSA_PLAN_MARK_H

#include "fmgr.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

#include "grant/shape.h"

extern bool plan_mark_any;

extern void plan_mark_init(void);
extern void plan_mark_set(PlannerInfo *root, Oid function);
extern Datum plan_mark_support(FunctionCallInfo fcinfo, Node *(*fold) (PlannerInfo *, const FuncExpr *));
extern void plan_mark_add(PlannerGlobal *glob, const Question *question, uint64 shape);
extern bool plan_mark_may_hold_values(void);
extern void plan_mark_add_values(PlannerGlobal *glob, SessionEntry *entry);
extern bool plan_mark_present(const PlannedStmt *plan);
extern bool plan_mark_is_current(const PlannedStmt *plan, SessionEntry *entry);
extern void plan_mark_invalidate(void);
extern void plan_mark_invalidate_always(void);
extern bool plan_mark_may_run_plans(const PlannedStmt *plan);
extern void plan_mark_check_plans(void);

#endif							/* SPSA_PLAN_MARK_H */
