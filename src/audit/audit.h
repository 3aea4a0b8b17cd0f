/* audit.h - the history of changes of authority. */
#ifndef SPSA_AUDIT_H
#define SPSA_AUDIT_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct AuditEvent
{
	const char *event;
	const pg_uuid_t *session_id;	/* NULL: none */
	const char *user_name;
	const char *set_name;
	const char *detail;			/* JSON object, or NULL */
} AuditEvent;

/* Name of the user that acts, or NULL: told by a module above. */
typedef char *(*AuditActor) (void);

extern void audit_set_actor(AuditActor actor);
extern char *audit_time(TimestampTz when);
extern TimestampTz audit_head_before(text *text_of_head);
extern void audit_record(const AuditEvent *event);

#endif							/* SPSA_AUDIT_H */
