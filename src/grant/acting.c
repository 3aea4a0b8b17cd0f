/* acting.c - who acts, for the audit trail: the attached session, and what is in effect in it.
 *
 * Memory: all that is told is copied, since what is recorded may end the session's entry.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "audit/audit.h"
#include "grant/acting.h"
#include "grant/effective.h"
#include "identity/redact.h"

/* Names of the sets and groups in effect, of char *, which are the entry's; each once, however many ways there are to it. */
List *
acting_sets(const SessionEntry *entry)
{
	List	   *numbers = NIL;
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (!set->active || list_member_int(numbers, set->set_id))
			continue;
		numbers = lappend_int(numbers, set->set_id);
		names = lappend(names, set->definition->name);
	}
	return names;
}

static ArrayType *
name_array(const List *names)
{
	Datum	   *values = palloc(sizeof(Datum) * (list_length(names) + 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, names)
		values[n++] = CStringGetTextDatum(lfirst(cell));
	return construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
tell_actor(AuditActor *actor)
{
	SessionEntry *entry;

	if (application_name != NULL && *application_name != '\0')
	{
		char	   *name = pstrdup(application_name);

		redact_name(name);
		actor->application_name = name;
	}
	if (session_current(&entry) != SESSION_LIVE)
		return;
	actor->name = pstrdup(entry->actor != NULL ? entry->actor : entry->user_name);
	actor->session_id = memcpy(palloc(sizeof(pg_uuid_t)), &entry->session_id, sizeof(pg_uuid_t));
	actor->active_sets = name_array(acting_sets(entry));
}

void
acting_init(void)
{
	audit_set_actor(tell_actor);
}
