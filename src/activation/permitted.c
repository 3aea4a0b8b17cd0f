/* permitted.c - whether a set may be activated in a session at all, whatever its activation rule says.
 *
 * Invariants: it must be assigned to the session's user now, be allowed in the session, stand behind no group that is not
 * active, and exclude nothing that is in effect. The same is asked of what is only supposed (grant/suppose.c), with the same
 * answers.
 */
#include "postgres.h"

#include "activation/activate.h"
#include "grant/effective.h"
#include "identity/session.h"

/*
 * The set as it stands in the session; an error if it is not assigned, or not to be used in this session. It may stand
 * behind a group that is not active.
 */
const SetState *
activation_assigned(const SessionEntry *entry, int32 set_id, const char *name)
{
	const SetState *set = effective_way(entry, set_id);
	bool		closed;

	if (set == NULL)
	{
		session_log_refusal("activate", psprintf("permission set \"%s\" is not assigned to user \"%s\"", name, entry->user_name));
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission set \"%s\" must be assigned to the user before it can be activated", name),
				 errhint("An administrator assigns it with spsa_assign().")));
	}
	closed = set->group != NULL && set->group->activation_required && !set->group->activated;
	if (!set->allowed || (closed && !set->group->allowed))
	{
		session_log_refusal("activate", psprintf("permission set \"%s\" is not allowed in the session", name));
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission set \"%s\" cannot be used in this session", name),
				 errhint("The session was opened for certain permission sets only; open another one.")));
	}
	return set;
}

/* The same, and an error if it stands behind a group that is not active. */
const SetState *
activation_require_assigned(const SessionEntry *entry, int32 set_id, const char *name)
{
	const SetState *set = activation_assigned(entry, set_id, name);

	if (set->group != NULL && set->group->activation_required && !set->group->activated)
	{
		session_log_refusal("activate", psprintf("group \"%s\" of permission set \"%s\" is not active",
												 set->group->definition->name, name));
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission set \"%s\" is assigned by way of group \"%s\", which is not active", name,
						set->group->definition->name),
				 errhint("Activate group \"%s\" first.", set->group->definition->name)));
	}
	return set;
}

/* Refuses an activation that would bring two sets into effect that exclude each other. */
void
activation_check_exclusions(const SessionEntry *entry, int32 set_id)
{
	const char *one;
	const char *other;

	if (!effective_conflict(entry, set_id, &one, &other))
		return;
	session_log_refusal("activate", psprintf("permission sets \"%s\" and \"%s\" exclude each other", one, other));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("permission sets \"%s\" and \"%s\" exclude each other", one, other),
			 errdetail("They must not both be in effect in a session."),
			 errhint("Deactivate the one that is active first, or use another session.")));
}
