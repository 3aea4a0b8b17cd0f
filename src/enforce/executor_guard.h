/* executor_guard.h - checks each execution of a plan that asks for permissions. */
#ifndef SPSA_EXECUTOR_GUARD_H
#define SPSA_EXECUTOR_GUARD_H

#include "identity/session.h"

extern void executor_guard_init(void);
extern SessionEntry *executor_guard_session(void);
extern bool executor_guard_knows_call(void);
extern void executor_guard_note_call(void);

#endif							/* SPSA_EXECUTOR_GUARD_H */
