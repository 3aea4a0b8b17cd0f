/* effective.c - what a session may do: its effective permission sets and what they add up to.
 *
 * Invariant 3: a set is effective only if it is assigned now and, where it requires activation, has an activation of this
 * session under this very assignment that has not run out. Everything is read under the snapshot of the session's load,
 * and lives in the session's memory context; whatever begins or ends by the clock moves the session's next_change.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "base/table.h"
#include "grant/definition_cache.h"
#include "grant/effective.h"

static void
changes_at(SessionEntry *entry, TimestampTz when)
{
	if (when < entry->next_change)
		entry->next_change = when;
}

static bool
is_allowed(const SessionEntry *entry, int32 set_id)
{
	if (entry->nallowed < 0)
		return true;
	for (int i = 0; i < entry->nallowed; i++)
	{
		if (entry->allowed[i] == set_id)
			return true;
	}
	return false;
}

/* Ended while its row was locked. */
static bool
is_ended(int64 activation_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	bool		ended;

	table_key(&key, Anum_activation_end_activation_id, F_INT8EQ, Int64GetDatum(activation_id));
	table_begin(&scan, "activation_end", "activation_end_activation_id_idx", snapshot, 1, &key);
	ended = HeapTupleIsValid(table_next(&scan));
	table_end(&scan);
	return ended;
}

/* An activation of the session. */
typedef struct Activation
{
	int64		activation_id;
	int64		assignment_id;
	TimestampTz expires_at;
} Activation;

/* Those that have not run out. */
static List *
read_activations(const SessionEntry *entry, Snapshot snapshot, TimestampTz now)
{
	List	   *activations = NIL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, Anum_activation_session_id, F_UUID_EQ, UUIDPGetDatum(&entry->session_id));
	table_begin(&scan, "activation", "activation_pkey", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		Activation *activation = palloc(sizeof(Activation));

		activation->activation_id = DatumGetInt64(table_value(&scan, row, Anum_activation_activation_id, &isnull));
		activation->assignment_id = DatumGetInt64(table_value(&scan, row, Anum_activation_assignment_id, &isnull));
		activation->expires_at = DatumGetTimestampTz(table_value(&scan, row, Anum_activation_expires_at, &isnull));
		if (now < activation->expires_at && !is_ended(activation->activation_id, snapshot))
			activations = lappend(activations, activation);
	}
	table_end(&scan);
	return activations;
}

/* Whether the set is activated under its assignment; notes until when. */
static bool
is_activated(SessionEntry *entry, SetState *set, const List *activations)
{
	ListCell   *cell;

	foreach(cell, activations)
	{
		const Activation *activation = lfirst(cell);

		if (activation->assignment_id != set->assignment_id)
			continue;
		set->activation_ends = activation->expires_at;
		changes_at(entry, set->activation_ends);
		return true;
	}
	return false;
}

/* NULL if the assignment does not count now. */
static SetState *
set_from_assignment(SessionEntry *entry, const TableScan *scan, HeapTuple row, const DefinitionReader *reader, TimestampTz now)
{
	SetState   *set;
	TimestampTz starts_at;
	TimestampTz ends_at;
	bool		isnull;
	Datum		value;
	const Definition *definition;

	value = table_value(scan, row, Anum_assignment_expires_at, &isnull);
	ends_at = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	starts_at = DatumGetTimestampTz(table_value(scan, row, Anum_assignment_starts_at, &isnull));
	if (now < starts_at)
		changes_at(entry, starts_at);
	if (now < starts_at || now >= ends_at)
		return NULL;
	changes_at(entry, ends_at);
	definition = definition_get(reader, DatumGetInt32(table_value(scan, row, Anum_assignment_set_id, &isnull)), entry->context);
	if (definition == NULL)
		return NULL;
	set = palloc0(sizeof(SetState));
	set->definition = definition;
	set->set_id = definition->set_id;
	set->activation_required = definition->activation_required;
	set->assignment_id = DatumGetInt64(table_value(scan, row, Anum_assignment_assignment_id, &isnull));
	set->assignment_ends = ends_at;
	set->allowed = is_allowed(entry, set->set_id);
	return set;
}

static List *
read_assigned_sets(SessionEntry *entry, Snapshot snapshot, TimestampTz now)
{
	DefinitionReader reader = definition_reader(snapshot, entry->counts.definition);
	List	   *sets = NIL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_assignment_user_id, F_INT8EQ, Int64GetDatum(entry->user_id));
	table_begin(&scan, "assignment", "assignment_user_id_set_id_key", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		SetState   *set = set_from_assignment(entry, &scan, row, &reader, now);

		if (set != NULL)
			sets = lappend(sets, set);
	}
	table_end(&scan);
	return sets;
}

static void
load_grants(SessionEntry *entry, Snapshot snapshot)
{
	TimestampTz now = GetCurrentTimestamp();
	Grants	   *grants = palloc0(sizeof(Grants));
	List	   *activations = NIL;
	bool		have_activations = false;
	ListCell   *cell;

	grants->sets = read_assigned_sets(entry, snapshot, now);
	foreach(cell, grants->sets)
	{
		SetState   *set = lfirst(cell);

		if (set->activation_required && set->allowed && !have_activations)
		{
			activations = read_activations(entry, snapshot, now);
			have_activations = true;
		}
		set->active = set->allowed && (!set->activation_required || is_activated(entry, set, activations));
	}
	entry->grants = grants;
}

/* How a set stands in a session, or NULL if it is not assigned now. */
const SetState *
effective_set(const SessionEntry *entry, int32 set_id)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->set_id == set_id)
			return set;
	}
	return NULL;
}

static bool
has_scope_for(const ObjectGrant *grant, Privilege privilege)
{
	ListCell   *cell;

	foreach(cell, grant->scopes)
	{
		if (((const RowScope *) lfirst(cell))->privileges & PRIVILEGE_BIT(privilege))
			return true;
	}
	return false;
}

/* What one grant (NULL: none) reaches. view_all and modify_all reach all rows whatever the scopes. */
static Reach
grant_reach(const ObjectGrant *grant, Privilege privilege)
{
	Privilege	all = privilege == PRIVILEGE_READ ? PRIVILEGE_VIEW_ALL : PRIVILEGE_MODIFY_ALL;

	if (grant == NULL || (grant->privileges & PRIVILEGE_BIT(privilege)) == 0)
		return REACH_NONE;
	if (!grant->row_scoped || privilege == PRIVILEGE_VIEW_ALL || privilege == PRIVILEGE_MODIFY_ALL)
		return REACH_ALL;
	if (privilege != PRIVILEGE_CREATE && (grant->privileges & PRIVILEGE_BIT(all)) != 0)
		return REACH_ALL;
	return has_scope_for(grant, privilege) ? REACH_SOME : REACH_NONE;
}

/* What the effective sets reach together: the most that one of them does. */
Reach
effective_reach(const SessionEntry *entry, Oid object, Privilege privilege)
{
	Reach		reach = REACH_NONE;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->active)
			reach = Max(reach, grant_reach(definition_grant(set->definition, object), privilege));
	}
	return reach;
}

/* The grants whose scopes, each by itself, reach rows: a list of ObjectGrant * in the caller's memory context. */
List *
effective_scoped_grants(const SessionEntry *entry, Oid object, Privilege privilege)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);
		const ObjectGrant *grant = set->active ? definition_grant(set->definition, object) : NULL;

		if (grant_reach(grant, privilege) == REACH_SOME)
			result = lappend(result, unconstify(ObjectGrant *, grant));
	}
	return result;
}

/* For hints: name of a set that is assigned, not active, and would grant the privilege; or NULL. */
char *
effective_set_to_activate(const SessionEntry *entry, Oid object, Privilege privilege)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (!set->active && set->allowed && grant_reach(definition_grant(set->definition, object), privilege) != REACH_NONE)
			return pstrdup(set->definition->name);
	}
	return NULL;
}

void
effective_init(void)
{
	session_set_loader(load_grants);
}
