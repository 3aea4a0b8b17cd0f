/* permission_policy.h - questions that are not about rows. */
#ifndef SPSA_PERMISSION_POLICY_H
#define SPSA_PERMISSION_POLICY_H

#include "nodes/pathnodes.h"

#include "grant/shape.h"

extern void permission_policy_field(Oid object, const char *field, const char *privilege, Question *question);
extern bool permission_policy_ask(PlannerInfo *root, const Question *question, bool *granted);

#endif							/* SPSA_PERMISSION_POLICY_H */
