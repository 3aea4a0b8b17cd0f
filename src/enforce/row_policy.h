/* row_policy.h - what policies ask, answered at run time. */
#ifndef SPSA_ROW_POLICY_H
#define SPSA_ROW_POLICY_H

#include "fmgr.h"

#include "enforce/policy_call.h"
#include "grant/shape.h"
#include "identity/session.h"

extern Privilege row_policy_privilege(const char *name);
extern bool row_policy_arm_holds(SessionEntry *entry, const ShapeArm *arm, const PolicyCall *call, FunctionCallInfo row);
extern SessionEntry *row_policy_session(void);

#endif							/* SPSA_ROW_POLICY_H */
