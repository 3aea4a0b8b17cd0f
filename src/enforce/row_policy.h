/* row_policy.h - what policies ask, answered at run time. */
#ifndef SPSA_ROW_POLICY_H
#define SPSA_ROW_POLICY_H

#include "identity/session.h"

extern SessionEntry *row_policy_session(void);

#endif							/* SPSA_ROW_POLICY_H */
