/* family.h - sessions that are derived from others. */
#ifndef SPSA_FAMILY_H
#define SPSA_FAMILY_H

#include "identity/session.h"

extern void family_read_ancestors(SessionEntry *entry, Snapshot snapshot);
extern bool family_is_ancestor(const pg_uuid_t *ancestor_id, const pg_uuid_t *session_id);
extern SessionEntry *family_require_holder(const pg_uuid_t *session_id, Oid function);
extern void family_close(const pg_uuid_t *ids, int n, const char *user_name, const char *detail);

#endif							/* SPSA_FAMILY_H */
