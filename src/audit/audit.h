/* audit.h - the history of changes of authority. */
#ifndef SPSA_AUDIT_H
#define SPSA_AUDIT_H

#include "datatype/timestamp.h"
#include "utils/array.h"
#include "utils/uuid.h"

/* Who acts. */
typedef struct AuditActor
{
	const char *name;			/* user, or who acts as the user; NULL: no
								 * session is attached */
	const pg_uuid_t *session_id;
	ArrayType  *active_sets;	/* names of what is in effect in it */
	const char *application_name;	/* NULL: none */
} AuditActor;

typedef struct AuditEvent
{
	const char *event;
	const pg_uuid_t *session_id;	/* NULL: none */
	const char *user_name;
	const char *set_name;
	const char *detail;			/* JSON object, or NULL */
	const AuditActor *actor;	/* before what has been done; NULL: as it is
								 * now */
} AuditEvent;

/* Told by a module above. */
typedef void (*AuditActorSource) (AuditActor *actor);

extern void audit_set_actor(AuditActorSource source);
extern void audit_actor(AuditActor *actor);
extern char *audit_time(TimestampTz when);
extern TimestampTz audit_head_before(text *text_of_head);
extern void audit_record(const AuditEvent *event);

#endif							/* SPSA_AUDIT_H */
