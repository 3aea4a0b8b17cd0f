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

/* Whether the set is activated under the assignment; notes until when. */
static bool
read_activation(SessionEntry *entry, SetState *set, Snapshot snapshot, TimestampTz now)
{
	TableScan	scan;
	ScanKeyData keys[2];
	HeapTuple	row;
	bool		isnull;
	bool		active = false;

	table_key(&keys[0], Anum_activation_session_id, F_UUID_EQ, UUIDPGetDatum(&entry->session_id));
	table_key(&keys[1], Anum_activation_set_id, F_INT4EQ, Int32GetDatum(set->header.set_id));
	table_begin(&scan, "activation", "activation_pkey", snapshot, 2, keys);
	row = table_next(&scan);
	if (HeapTupleIsValid(row) &&
		DatumGetInt64(table_value(&scan, row, Anum_activation_assignment_id, &isnull)) == set->assignment_id)
	{
		set->activation_ends = DatumGetTimestampTz(table_value(&scan, row, Anum_activation_expires_at, &isnull));
		active = now < set->activation_ends &&
			!is_ended(DatumGetInt64(table_value(&scan, row, Anum_activation_activation_id, &isnull)), snapshot);
		if (active)
			changes_at(entry, set->activation_ends);
	}
	table_end(&scan);
	return active;
}

/* NULL if the assignment does not count now. */
static SetState *
set_from_assignment(SessionEntry *entry, const TableScan *scan, HeapTuple row, Snapshot snapshot)
{
	SetState   *set = palloc0(sizeof(SetState));
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz starts_at;
	bool		isnull;
	Datum		value;

	value = table_value(scan, row, Anum_assignment_expires_at, &isnull);
	set->assignment_ends = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	starts_at = DatumGetTimestampTz(table_value(scan, row, Anum_assignment_starts_at, &isnull));
	if (now < starts_at)
		changes_at(entry, starts_at);
	if (now < starts_at || now >= set->assignment_ends)
		return NULL;
	changes_at(entry, set->assignment_ends);
	set->assignment_id = DatumGetInt64(table_value(scan, row, Anum_assignment_assignment_id, &isnull));
	if (!definition_read_header(DatumGetInt32(table_value(scan, row, Anum_assignment_set_id, &isnull)), snapshot, &set->header))
		return NULL;
	set->allowed = is_allowed(entry, set->header.set_id);
	set->active = set->allowed && (!set->header.activation_required || read_activation(entry, set, snapshot, now));
	return set;
}

static void
load_grants(SessionEntry *entry, Snapshot snapshot)
{
	Grants	   *grants = palloc0(sizeof(Grants));
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_assignment_user_id, F_INT8EQ, Int64GetDatum(entry->user_id));
	table_begin(&scan, "assignment", "assignment_user_id_set_id_key", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		SetState   *set = set_from_assignment(entry, &scan, row, snapshot);

		if (set == NULL)
			continue;
		grants->sets = lappend(grants->sets, set);
		if (set->active)
			grants->objects = list_concat(grants->objects, definition_read_grants(set->header.set_id, snapshot));
	}
	table_end(&scan);
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

		if (set->header.set_id == set_id)
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

/* What one grant reaches. view_all and modify_all reach all rows whatever the scopes. */
static Reach
grant_reach(const ObjectGrant *grant, Privilege privilege)
{
	Privilege	all = privilege == PRIVILEGE_READ ? PRIVILEGE_VIEW_ALL : PRIVILEGE_MODIFY_ALL;

	if ((grant->privileges & PRIVILEGE_BIT(privilege)) == 0)
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

	foreach(cell, ((const Grants *) entry->grants)->objects)
	{
		const ObjectGrant *grant = lfirst(cell);

		if (grant->object == object && grant_reach(grant, privilege) > reach)
			reach = grant_reach(grant, privilege);
	}
	return reach;
}

/* The grants whose scopes, each by itself, reach rows: a list of ObjectGrant * in the caller's memory context. */
List *
effective_scoped_grants(const SessionEntry *entry, Oid object, Privilege privilege)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->objects)
	{
		ObjectGrant *grant = lfirst(cell);

		if (grant->object == object && grant_reach(grant, privilege) == REACH_SOME)
			result = lappend(result, grant);
	}
	return result;
}

static bool
would_grant(int32 set_id, Oid object, Privilege privilege, Snapshot snapshot)
{
	ListCell   *cell;

	foreach(cell, definition_read_grants(set_id, snapshot))
	{
		const ObjectGrant *grant = lfirst(cell);

		if (grant->object == object && grant_reach(grant, privilege) != REACH_NONE)
			return true;
	}
	return false;
}

/* For hints: name of a set that is assigned, not active, and would grant the privilege; or NULL. */
char *
effective_set_to_activate(const SessionEntry *entry, Oid object, Privilege privilege)
{
	Snapshot	snapshot = table_snapshot();
	char	   *name = NULL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (!set->active && set->allowed && would_grant(set->header.set_id, object, privilege, snapshot))
		{
			name = pstrdup(set->header.name);
			break;
		}
	}
	table_snapshot_release(snapshot);
	return name;
}

void
effective_init(void)
{
	session_set_loader(load_grants);
}
