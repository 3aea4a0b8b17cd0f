/* activate.h - activating and deactivating permission sets for a session. */
#ifndef SPSA_ACTIVATE_H
#define SPSA_ACTIVATE_H

#include "nodes/parsenodes.h"

#include "identity/session.h"

extern SessionEntry *activation_session(const pg_uuid_t *session_id, AclMode privilege);
extern bool activation_make(SessionEntry *entry, int32 set_id, char *name, char *reason);
extern bool activation_cancel(SessionEntry *entry, int32 set_id, const char *name);

#endif							/* SPSA_ACTIVATE_H */
