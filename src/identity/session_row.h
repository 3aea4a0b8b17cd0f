/* session_row.h - what the tables say of a session. */
#ifndef SPSA_SESSION_ROW_H
#define SPSA_SESSION_ROW_H

#include "identity/session.h"

extern bool session_row_read(SessionEntry *entry, const pg_uuid_t *session_id, Snapshot snapshot, bool *token_replaced);
extern bool session_row_read_user(SessionEntry *entry, Snapshot snapshot);
extern void session_row_read_activity(SessionEntry *entry, Snapshot snapshot);
extern void session_row_read_authentications(SessionEntry *entry, Snapshot snapshot);

#endif							/* SPSA_SESSION_ROW_H */
