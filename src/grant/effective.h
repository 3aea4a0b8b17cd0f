/* effective.h - what a session may do. */
#ifndef SPSA_EFFECTIVE_H
#define SPSA_EFFECTIVE_H

#include "grant/definition.h"
#include "identity/session.h"

typedef enum Reach
{
	REACH_NONE,
	REACH_SOME,					/* the rows of the scopes of some grants */
	REACH_ALL
} Reach;

/* How a set stands in a session. */
typedef struct SetState
{
	int32		set_id;
	bool		activation_required;
	const Definition *definition;	/* good as long as the session's entry */
	int64		assignment_id;
	TimestampTz assignment_ends;	/* DT_NOEND: never */
	bool		allowed;		/* by the session's own restriction */
	bool		active;			/* effective now */
	TimestampTz activation_ends;	/* of an activation */
} SetState;

typedef struct Grants
{
	List	   *sets;			/* of SetState *: all that are assigned now */
} Grants;

extern void effective_init(void);
extern const SetState *effective_set(const SessionEntry *entry, int32 set_id);
extern Reach effective_reach(const SessionEntry *entry, Oid object, Privilege privilege);
extern List *effective_scoped_grants(const SessionEntry *entry, Oid object, Privilege privilege);
extern char *effective_set_to_activate(const SessionEntry *entry, Oid object, Privilege privilege);

#endif							/* SPSA_EFFECTIVE_H */
