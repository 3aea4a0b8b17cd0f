/* object_guard.h - what a statement asks of protected objects and fields. */
#ifndef SPSA_OBJECT_GUARD_H
#define SPSA_OBJECT_GUARD_H

#include "nodes/plannodes.h"

#include "grant/protection.h"
#include "identity/session.h"

extern void object_guard_init(void);
extern bool object_guard_trust(bool trust);
extern bool object_guard_session(SessionEntry **entry, bool report);
extern bool object_guard_check_sequence(Oid sequence, Privilege privilege, bool report);
extern bool object_guard_applies(const ProtectedObject *object, Oid role);
extern bool object_guard_concerns(const PlannedStmt *plan);
extern void object_guard_check_writes(SessionEntry *entry, const PlannedStmt *plan);

#endif							/* SPSA_OBJECT_GUARD_H */
