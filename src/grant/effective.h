/* effective.h - what a session may do. */
#ifndef SPSA_EFFECTIVE_H
#define SPSA_EFFECTIVE_H

#include "grant/definition.h"
#include "identity/session.h"

/* Custom permissions that are built in: src/sql/model.sql. */
#define PERMISSION_MANAGE_ACTIVATIONS 1
#define PERMISSION_RUN_FLOWS 2
#define PERMISSION_APPROVE_ACTIVATIONS 3
#define PERMISSION_VIEW_SETUP 4

typedef enum Reach
{
	REACH_NONE,
	REACH_SOME,					/* the rows of the scopes of some grants */
	REACH_ALL
} Reach;

/* One way in which a set, or a group, stands in a session: by an assignment of its own, or by that of a group. */
typedef struct SetState
{
	int32		set_id;
	bool		activation_required;
	const Definition *definition;	/* good as long as the session's entry */
	const struct SetState *group;	/* NULL: assigned by itself */
	List	   *muting;			/* of Definition *: muting sets of the group */
	TimestampTz member_since;	/* of the group */
	int64		assignment_id;
	TimestampTz assignment_ends;	/* DT_NOEND: never */
	bool		allowed;		/* by the session's own restriction */
	bool		activated;
	int64		activated_under;	/* the assignment, which may be of another
									 * way to the set */
	TimestampTz activated_until;	/* end of that assignment */
	TimestampTz activation_ends;	/* of an activation */
	bool		excluded;		/* another one that is in effect excludes it */
	bool		active;			/* effective now */
} SetState;

typedef struct Grants
{
	List	   *sets;			/* of SetState *: groups before their members */
	const Definition *protection;	/* what is protected */
} Grants;

extern void effective_init(void);
extern void effective_settle(List *sets);
extern const SetState *effective_set(const SessionEntry *entry, int32 set_id);
extern const SetState *effective_way(const SessionEntry *entry, int32 set_id);
extern bool effective_has_set(const SessionEntry *entry, int32 set_id);
extern bool effective_is_activated(const SessionEntry *entry, int32 set_id, int64 group_assignment);
extern bool effective_may_conflict(const SessionEntry *entry);
extern bool effective_conflict(const SessionEntry *entry, int32 set_id, const char **one, const char **other);
extern Reach effective_reach(const SessionEntry *entry, Oid object, Privilege privilege);
extern List *effective_scoped_grants(const SessionEntry *entry, Oid object, Privilege privilege);
extern char *effective_set_to_activate(const SessionEntry *entry, Oid object, Privilege privilege, Reach reach);
extern bool effective_field(const SessionEntry *entry, Oid object, AttrNumber number, Privilege privilege);
extern char *effective_set_for_field(const SessionEntry *entry, Oid object, AttrNumber number, Privilege privilege);
extern char *effective_set_for_function(const SessionEntry *entry, Oid function);
extern bool effective_function(const SessionEntry *entry, Oid function);
extern bool effective_permission(const SessionEntry *entry, int32 permission_id);
extern bool effective_gate_is_open(const SetState *set);
extern bool effective_way_grant(const SetState *set, Oid root, ObjectGrant *grant);
extern Reach effective_grant_reach(const ObjectGrant *grant, Privilege privilege);
extern bool effective_way_field(const SetState *set, Oid object, AttrNumber number, Privilege privilege);
extern Oid	effective_root(const SessionEntry *entry, Oid object);
extern const SetState *effective_excluder(const SessionEntry *entry, const SetState *set);
extern List *effective_supposed_ways(const SessionEntry *entry, int32 set_id, Snapshot snapshot, uint64 count);
extern bool effective_authority(const SessionEntry *entry, int32 permission_id);

#endif							/* SPSA_EFFECTIVE_H */
