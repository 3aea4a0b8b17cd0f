/* suppose.c - what a session could do if sets were activated.
 *
 * Invariant: what is supposed is a value that is passed on, and never a state of the backend. It is an entry of its own,
 * loaded for the occasion: no cache has it, no binding leads to it, session_current() cannot answer with it, and so no policy,
 * no plan and no function that runs meanwhile can be given its authority. There is nothing to be put back, whatever happens:
 * it ends with the memory context of whoever supposes.
 *
 * The present is loaded with it, under the same snapshot, so that nothing that others commit in between counts as a gain.
 */
#include "postgres.h"

#include "grant/suppose.h"

/* Groups come before their members. */
static List *
copy_sets(const List *sets)
{
	List	   *copies = NIL;
	ListCell   *cell;

	foreach(cell, sets)
	{
		SetState   *copy = palloc(sizeof(SetState));
		ListCell   *original;
		ListCell   *its;

		*copy = *(const SetState *) lfirst(cell);
		forboth(original, sets, its, copies)
		{
			if (copy->group == lfirst(original))
				copy->group = lfirst(its);
		}
		copies = lappend(copies, copy);
	}
	return copies;
}

/* An entry that shares with another one what nobody changes. */
static SessionEntry *
copy_entry(const SessionEntry *entry)
{
	SessionEntry *copy = palloc(sizeof(SessionEntry));
	Grants	   *grants = palloc(sizeof(Grants));

	*grants = *(const Grants *) entry->grants;
	grants->sets = copy_sets(grants->sets);
	*copy = *entry;
	copy->grants = grants;
	copy->constants = NIL;
	copy->decisions = NULL;
	copy->version = 0;
	return copy;
}

/* False if the session is not live. */
bool
suppose_begin(const pg_uuid_t *session_id, Supposition *supposition)
{
	MemoryContext caller;

	supposition->present = session_load_private(session_id);
	if (supposition->present == NULL)
		return false;
	caller = MemoryContextSwitchTo(supposition->present->context);
	supposition->supposed = copy_entry(supposition->present);
	MemoryContextSwitchTo(caller);
	return true;
}

/* As an activation would count that is made now. It must be one that could be made. */
void
suppose_activation(Supposition *supposition, int32 set_id)
{
	Grants	   *grants = supposition->supposed->grants;
	const SetState *way = effective_way(supposition->supposed, set_id);
	ListCell   *cell;

	foreach(cell, grants->sets)
	{
		SetState   *set = lfirst(cell);

		if (set->set_id != set_id || !set->activation_required || set->activated)
			continue;
		set->activated = true;
		set->activated_under = way->assignment_id;
		set->activated_until = way->assignment_ends;
		set->activation_ends = supposition->supposed->expires_at;
	}
	effective_settle(grants->sets);
}
