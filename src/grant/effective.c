/* effective.c - what a session may do: its effective permission sets and what they add up to.
 *
 * Invariant 3: a set is effective only if it is assigned now, by itself or in a group, and, where it requires activation,
 * has an activation of this session that has not run out, made under an assignment that the user has now. A group that
 * requires activation gates its members; a member keeps its own requirement unless the group says bypass. Of two sets
 * that exclude each other dynamically neither is in effect: which one should stay nobody has said. A set is reached by
 * ways (by itself, and by each of its groups), each with its own requirement, gate and muting sets. Everything is read under the snapshot of the session's load,
 * and lives in the session's memory context; whatever begins or ends by the clock moves the session's next_change.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/table.h"
#include "grant/definition_cache.h"
#include "grant/effective.h"
#include "grant/function.h"

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
	ScanKeyData key;

	table_key(&key, Anum_activation_end_activation_id, F_INT8EQ, Int64GetDatum(activation_id));
	return table_has_row("activation_end", "activation_end_activation_id_idx", snapshot, 1, &key);
}

/* An activation of the session. */
typedef struct Activation
{
	int64		activation_id;
	int64		assignment_id;
	int32		set_id;
	TimestampTz activated_at;
	TimestampTz expires_at;
} Activation;

/*
 * When an activation ends. One that uses up an approval, or leaves something to be reviewed, counts until a moment of before
 * while the transaction that makes it is not committed: what was seen cannot be rolled back, the use could be. A row of
 * another transaction is seen only when that is committed.
 */
static TimestampTz
activation_end(const TableScan *scan, HeapTuple row)
{
	bool		isnull;
	TimestampTz end = DatumGetTimestampTz(table_value(scan, row, Anum_activation_expires_at, &isnull));
	Datum		written_in = table_value(scan, row, Anum_activation_written_in, &isnull);

	if (!isnull && FullTransactionIdEquals(DatumGetFullTransactionId(written_in), GetTopFullTransactionIdIfAny()))
		end = Min(end, DatumGetTimestampTz(table_value(scan, row, Anum_activation_before_commit, &isnull)));
	return end;
}

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
		activation->set_id = DatumGetInt32(table_value(&scan, row, Anum_activation_set_id, &isnull));
		activation->activated_at = DatumGetTimestampTz(table_value(&scan, row, Anum_activation_activated_at, &isnull));
		activation->expires_at = activation_end(&scan, row);
		if (now < activation->expires_at && !is_ended(activation->activation_id, snapshot))
			activations = lappend(activations, activation);
	}
	table_end(&scan);
	return activations;
}

/* A set by way of an assignment. */
static SetState *
make_state(SessionEntry *entry, const Definition *definition, int64 assignment_id, TimestampTz ends_at)
{
	SetState   *set = palloc0(sizeof(SetState));

	set->definition = definition;
	set->set_id = definition->set_id;
	set->activation_required = definition->activation_required;
	set->assignment_id = assignment_id;
	set->assignment_ends = ends_at;
	set->allowed = is_allowed(entry, set->set_id);
	return set;
}

static SetState *
make_member(SessionEntry *entry, const SetState *group, const Definition *definition, TimestampTz since)
{
	SetState   *set = make_state(entry, definition, group->assignment_id, group->assignment_ends);

	set->group = group;
	set->member_since = since;
	set->allowed = set->allowed || group->allowed;
	if (group->definition->bypass)
		set->activation_required = false;
	return set;
}

/* The group's members, each as a way of its own. */
static List *
add_members(SessionEntry *entry, List *sets, const SetState *group, const DefinitionReader *reader)
{
	List	   *muting = NIL;
	List	   *members = NIL;
	ListCell   *cell;

	foreach(cell, group->definition->members)
	{
		const GroupMember *member = lfirst(cell);
		const Definition *definition = definition_get(reader, member->set_id, entry->context);

		if (definition == NULL)
			continue;
		if (definition->kind == KIND_MUTING)
			muting = lappend(muting, unconstify(Definition *, definition));
		else if (definition->kind == KIND_SET)
			members = lappend(members, make_member(entry, group, definition, member->added_at));
	}
	foreach(cell, members)
		((SetState *) lfirst(cell))->muting = muting;
	return list_concat(sets, members);
}

/* The ways that an assignment of a set, or group, is, appended. */
static List *
add_ways(SessionEntry *entry, List *sets, const Definition *definition, int64 assignment_id, TimestampTz ends_at,
		 const DefinitionReader *reader)
{
	SetState   *set;

	if (definition == NULL || definition->kind == KIND_MUTING)
		return sets;
	set = make_state(entry, definition, assignment_id, ends_at);
	sets = lappend(sets, set);
	return definition->kind == KIND_GROUP ? add_members(entry, sets, set, reader) : sets;
}

/* What an assignment gives now, if anything, appended. */
static List *
add_assignment(SessionEntry *entry, List *sets, const TableScan *scan, HeapTuple row, const DefinitionReader *reader,
			   TimestampTz now)
{
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
		return sets;
	changes_at(entry, ends_at);
	definition = definition_get(reader, DatumGetInt32(table_value(scan, row, Anum_assignment_set_id, &isnull)), entry->context);
	return add_ways(entry, sets, definition,
					DatumGetInt64(table_value(scan, row, Anum_assignment_assignment_id, &isnull)), ends_at, reader);
}

static List *
read_assigned_sets(SessionEntry *entry, Snapshot snapshot, const DefinitionReader *reader, TimestampTz now)
{
	List	   *sets = NIL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_assignment_user_id, F_INT8EQ, Int64GetDatum(entry->user_id));
	table_begin(&scan, "assignment", "assignment_user_id_set_id_key", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
		sets = add_assignment(entry, sets, &scan, row, reader, now);
	table_end(&scan);
	return sets;
}

static bool
any_requires_activation(const List *sets)
{
	ListCell   *cell;

	foreach(cell, sets)
	{
		if (((const SetState *) lfirst(cell))->activation_required)
			return true;
	}
	return false;
}

/*
 * An activation counts for every way to the set, while the assignment under which it was made is one of them; by way of a
 * group, if the set has been in it since.
 */
static void
apply_activation(SessionEntry *entry, List *sets, const Activation *activation)
{
	const SetState *under = NULL;
	ListCell   *cell;

	foreach(cell, sets)
	{
		const SetState *set = lfirst(cell);

		if (set->set_id == activation->set_id && set->assignment_id == activation->assignment_id &&
			set->member_since <= activation->activated_at)
			under = set;
	}
	foreach(cell, sets)
	{
		SetState   *set = lfirst(cell);

		if (under == NULL || set->set_id != activation->set_id || !set->activation_required)
			continue;
		set->activated = true;
		set->activated_under = under->assignment_id;
		set->activated_until = under->assignment_ends;
		set->activation_ends = activation->expires_at;
		changes_at(entry, activation->expires_at);
	}
}

/* Whether a group, or nothing, stands between the set and its effect. */
static bool
gate_is_open(const SetState *set)
{
	return set->group == NULL || !set->group->activation_required || set->group->activated;
}

/* Whether the set would be in effect if nothing excluded it. */
static bool
is_in_force(const SetState *set)
{
	return set->allowed && gate_is_open(set) && (!set->activation_required || set->activated);
}

/* A group is in force with a member that is: a session that is restricted to the member must not escape the group's exclusions. */
static bool
set_is_in_force(const List *sets, int32 set_id)
{
	ListCell   *cell;

	foreach(cell, sets)
	{
		const SetState *set = lfirst(cell);

		if ((set->set_id == set_id || (set->group != NULL && set->group->set_id == set_id)) && is_in_force(set))
			return true;
	}
	return false;
}

static bool
is_excluded(const List *sets, const SetState *set)
{
	ListCell   *cell;

	foreach(cell, set->definition->excluded)
	{
		if (set_is_in_force(sets, lfirst_int(cell)))
			return true;
	}
	return false;
}

/* Which sets are in effect, of what is activated. */
void
effective_settle(List *sets)
{
	ListCell   *cell;

	foreach(cell, sets)
	{
		SetState   *set = lfirst(cell);

		set->excluded = set_is_in_force(sets, set->set_id) && is_excluded(sets, set);
	}
	foreach(cell, sets)
	{
		SetState   *set = lfirst(cell);

		set->active = is_in_force(set) && !set->excluded && (set->group == NULL || !set->group->excluded);
	}
}

static void
load_grants(SessionEntry *entry, Snapshot snapshot)
{
	TimestampTz now = GetCurrentTimestamp();
	DefinitionReader reader = definition_reader(snapshot, entry->counts.definition);
	Grants	   *grants = palloc0(sizeof(Grants));
	ListCell   *cell;

	grants->protection = definition_get(&reader, DEFINITION_OF_PROTECTION, entry->context);
	grants->sets = read_assigned_sets(entry, snapshot, &reader, now);
	if (any_requires_activation(grants->sets))
	{
		foreach(cell, read_activations(entry, snapshot, now))
			apply_activation(entry, grants->sets, lfirst(cell));
	}
	effective_settle(grants->sets);
	entry->grants = grants;
}

/* ---- how a set stands ---- */

/*
 * The better of two ways to a set: what is in effect, then what is allowed and not behind a closed gate, then that under
 * which it is activated.
 */
static const SetState *
better(const SetState *a, const SetState *b)
{
	if (a == NULL)
		return b;
	if (a->active != b->active)
		return a->active ? a : b;
	if (a->allowed != b->allowed)
		return a->allowed ? a : b;
	if (gate_is_open(a) != gate_is_open(b))
		return gate_is_open(a) ? a : b;
	return b->activated && b->activated_under == b->assignment_id ? b : a;
}

/* How a set or group stands in a session, or NULL if it is not assigned now. */
const SetState *
effective_set(const SessionEntry *entry, int32 set_id)
{
	const SetState *best = NULL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->set_id == set_id)
			best = better(best, set);
	}
	return best;
}

/*
 * The way that activating and deactivating a set is about: one that requires activation and is not barred, even if the
 * set is in effect by another way, which may give less. Without one it is the best way.
 */
const SetState *
effective_way(const SessionEntry *entry, int32 set_id)
{
	const SetState *best = NULL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->set_id == set_id && set->activation_required && set->allowed && gate_is_open(set) &&
			(best == NULL || (set->activated && set->activated_under == set->assignment_id)))
			best = set;
	}
	return best != NULL ? best : effective_set(entry, set_id);
}

bool
effective_has_set(const SessionEntry *entry, int32 set_id)
{
	const SetState *set = effective_set(entry, set_id);

	return set != NULL && set->active;
}

/* Whether a set (0: any), or one by way of a group's assignment (0: of none), is activated. */
bool
effective_is_activated(const SessionEntry *entry, int32 set_id, int64 group_assignment)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->activated && (set_id == 0 || set->set_id == set_id || set->activated_under == group_assignment))
			return true;
	}
	return false;
}

/* Whether anything that the session's user is assigned is excluded by something. */
bool
effective_may_conflict(const SessionEntry *entry)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		if (((const SetState *) lfirst(cell))->definition->excluded != NIL)
			return true;
	}
	return false;
}

/* Sets and groups in force that another one in force excludes, as pairs of definitions. */
static List *
conflicts(const List *sets)
{
	List	   *pairs = NIL;
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, sets)
	{
		const SetState *set = lfirst(cell);

		if (set->definition->excluded == NIL || !set_is_in_force(sets, set->set_id))
			continue;
		foreach(other, sets)
		{
			const SetState *that = lfirst(other);

			if (list_member_int(set->definition->excluded, that->set_id) && set_is_in_force(sets, that->set_id))
				pairs = lappend(pairs, list_make2(unconstify(Definition *, set->definition), unconstify(Definition *, that->definition)));
		}
	}
	return pairs;
}

static List *
sets_in_force(const List *sets)
{
	List	   *ids = NIL;
	ListCell   *cell;

	foreach(cell, sets)
	{
		int32		set_id = ((const SetState *) lfirst(cell))->set_id;

		if (set_is_in_force(sets, set_id))
			ids = list_append_unique_int(ids, set_id);
	}
	return ids;
}

/* Whether the activation of the set would bring two into force that exclude each other; their names. */
bool
effective_conflict(const SessionEntry *entry, int32 set_id, const char **one, const char **other)
{
	const List *sets = ((const Grants *) entry->grants)->sets;
	List	   *before = sets_in_force(sets);
	List	   *supposed = NIL;
	List	   *after;
	ListCell   *cell;

	foreach(cell, sets)
	{
		SetState   *set = lfirst(cell);

		if (set->set_id != set_id || set->activated || !set->activation_required)
			continue;
		set->activated = true;
		supposed = lappend(supposed, set);
	}
	after = conflicts(sets);
	foreach(cell, supposed)
		((SetState *) lfirst(cell))->activated = false;
	foreach(cell, after)
	{
		const List *pair = lfirst(cell);
		int32		comes = ((const Definition *) linitial(pair))->set_id;

		if (comes != set_id && list_member_int(before, comes))
			continue;
		*one = ((const Definition *) linitial(pair))->name;
		*other = ((const Definition *) lsecond(pair))->name;
		return true;
	}
	return false;
}

/* ---- what is granted ---- */

/* What the muting sets of the way's group take away on an object (bits). */
static uint32
muted_privileges(const SetState *set, Oid object)
{
	uint32		muted = 0;
	ListCell   *cell;

	foreach(cell, set->muting)
	{
		const ObjectGrant *grant = definition_grant(lfirst(cell), object);

		if (grant != NULL)
			muted |= grant->privileges;
	}
	return definition_closure_of_muting(muted);
}

/* What one way to a set grants on an object: false if nothing. */
static bool
find_grant(const SetState *set, Oid object, ObjectGrant *grant)
{
	const ObjectGrant *listed = definition_grant(set->definition, object);

	if (listed == NULL)
		return false;
	*grant = *listed;
	if (set->muting != NIL)
		grant->privileges &= ~muted_privileges(set, object);
	return grant->privileges != 0;
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

static Reach
set_reach(const SetState *set, Oid object, Privilege privilege)
{
	ObjectGrant grant;

	return find_grant(set, object, &grant) ? grant_reach(&grant, privilege) : REACH_NONE;
}

/* Of a partition or inheritance child, permissions on the table that it is protected with count, and no others. */
static Oid
root_of(const SessionEntry *entry, Oid object)
{
	return definition_root(((const Grants *) entry->grants)->protection, object);
}

/* What the effective sets reach together: the most that one of them does. */
Reach
effective_reach(const SessionEntry *entry, Oid object, Privilege privilege)
{
	Oid			root = root_of(entry, object);
	Reach		reach = REACH_NONE;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->active)
			reach = Max(reach, set_reach(set, root, privilege));
	}
	return reach;
}

/* The grants whose scopes, each by itself, reach rows: a list of ObjectGrant * in the caller's memory context. */
List *
effective_scoped_grants(const SessionEntry *entry, Oid object, Privilege privilege)
{
	Oid			root = root_of(entry, object);
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);
		ObjectGrant *grant = palloc(sizeof(ObjectGrant));

		if (set->active && find_grant(set, root, grant) && grant_reach(grant, privilege) == REACH_SOME)
			result = lappend(result, grant);
	}
	return result;
}

/* Whether a way to a set would grant something, were it in force. */
typedef bool (*WouldGrant) (const SetState *set, const void *what);

/*
 * For hints: name of a set that is assigned, not activated, and would grant it, or of the group that stands before it; or
 * NULL.
 */
static char *
set_to_activate(const SessionEntry *entry, WouldGrant would_grant, const void *what)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (is_in_force(set) || !set->allowed || !would_grant(set, what))
			continue;
		if (gate_is_open(set))
			return pstrdup(set->definition->name);
		if (set->group->allowed)
			return pstrdup(set->group->definition->name);
	}
	return NULL;
}

/* A privilege on an object, or on a field of it. */
typedef struct Wanted
{
	Oid			object;
	AttrNumber	number;
	Privilege	privilege;
	Reach		reach;
} Wanted;

static bool
would_reach(const SetState *set, const void *what)
{
	const Wanted *wanted = what;

	return set_reach(set, wanted->object, wanted->privilege) >= wanted->reach;
}

char *
effective_set_to_activate(const SessionEntry *entry, Oid object, Privilege privilege, Reach reach)
{
	Wanted		wanted = {root_of(entry, object), InvalidAttrNumber, privilege, reach};

	return set_to_activate(entry, would_reach, &wanted);
}

static bool
grants_field(const SetState *set, Oid object, AttrNumber number, Privilege privilege)
{
	uint32		muted = 0;
	ListCell   *cell;

	foreach(cell, set->muting)
		muted |= definition_field(lfirst(cell), object, number);
	if ((muted & PRIVILEGE_BIT(PRIVILEGE_READ)) != 0)
		muted |= PRIVILEGE_BIT(PRIVILEGE_EDIT);
	return (definition_field(set->definition, object, number) & ~muted & PRIVILEGE_BIT(privilege)) != 0;
}

/*
 * Whether the effective sets let read or edit a column: where it is protected, one must grant that for the column; in any
 * case one must reach rows of the object with the privilege. (PRIVILEGE_CREATE asks for edit of the column.)
 */
bool
effective_field(const SessionEntry *entry, Oid object, AttrNumber number, Privilege privilege)
{
	const Grants *grants = entry->grants;
	ListCell   *cell;

	if (effective_reach(entry, object, privilege) == REACH_NONE)
		return false;
	if (!definition_protects_field(grants->protection, object, number))
		return true;
	definition_granted_field(grants->protection, &object, &number);
	foreach(cell, grants->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->active && grants_field(set, object, number, privilege == PRIVILEGE_READ ? PRIVILEGE_READ : PRIVILEGE_EDIT))
			return true;
	}
	return false;
}

static bool
would_grant_field(const SetState *set, const void *what)
{
	const Wanted *wanted = what;

	return grants_field(set, wanted->object, wanted->number, wanted->privilege);
}

/* privilege: read or edit */
char *
effective_set_for_field(const SessionEntry *entry, Oid object, AttrNumber number, Privilege privilege)
{
	Wanted		wanted = {object, number, privilege};

	definition_granted_field(((const Grants *) entry->grants)->protection, &wanted.object, &wanted.number);
	return set_to_activate(entry, would_grant_field, &wanted);
}

static bool
mutes_function(const SetState *set, const char *signature)
{
	ListCell   *cell;

	foreach(cell, set->muting)
	{
		if (definition_has_function(lfirst(cell), signature))
			return true;
	}
	return false;
}

/* what: a signature */
static bool
grants_function(const SetState *set, const void *what)
{
	return definition_has_function(set->definition, what) && !mutes_function(set, what);
}

char *
effective_set_for_function(const SessionEntry *entry, Oid function)
{
	char	   *signature = function_signature(function);

	return signature == NULL ? NULL : set_to_activate(entry, grants_function, signature);
}

/* Whether an effective set grants a function. */
bool
effective_function(const SessionEntry *entry, Oid function)
{
	char	   *signature = function_signature(function);
	ListCell   *cell;

	if (signature == NULL)
		return false;
	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->active && grants_function(set, signature))
			return true;
	}
	return false;
}

static bool
mutes_permission(const SetState *set, int32 permission_id)
{
	ListCell   *cell;

	foreach(cell, set->muting)
	{
		if (list_member_int(((const Definition *) lfirst(cell))->permissions, permission_id))
			return true;
	}
	return false;
}

/* Whether an effective set grants a custom permission. */
bool
effective_permission(const SessionEntry *entry, int32 permission_id)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (set->active && list_member_int(set->definition->permissions, permission_id) && !mutes_permission(set, permission_id))
			return true;
	}
	return false;
}

/* The same for one that reaches beyond the session itself, which a derived session has none of. */
bool
effective_authority(const SessionEntry *entry, int32 permission_id)
{
	return !entry->has_parent && effective_permission(entry, permission_id);
}

/* ---- for explanations: way by way, as the functions above decide ---- */

/* Whether a group, or nothing, stands between the way and its effect. */
bool
effective_gate_is_open(const SetState *set)
{
	return gate_is_open(set);
}

/* What one way grants on an object for which permissions stand (effective_root), whether it is in force or not. */
bool
effective_way_grant(const SetState *set, Oid root, ObjectGrant *grant)
{
	return find_grant(set, root, grant);
}

Reach
effective_grant_reach(const ObjectGrant *grant, Privilege privilege)
{
	return grant_reach(grant, privilege);
}

bool
effective_way_field(const SetState *set, Oid object, AttrNumber number, Privilege privilege)
{
	return grants_field(set, object, number, privilege);
}

Oid
effective_root(const SessionEntry *entry, Oid object)
{
	return root_of(entry, object);
}

/* What is in force and excludes the set of a way; NULL: nothing. */
const SetState *
effective_excluder(const SessionEntry *entry, const SetState *set)
{
	const List *sets = ((const Grants *) entry->grants)->sets;
	ListCell   *cell;

	if (!set->excluded)
		return NULL;
	foreach(cell, sets)
	{
		const SetState *other = lfirst(cell);

		if (list_member_int(set->definition->excluded, other->set_id) && set_is_in_force(sets, other->set_id))
			return other;
	}
	return NULL;
}

/*
 * The ways that an assignment which is not in effect would be: in the caller's memory, and in effect nowhere. count: of
 * signals about definitions, before the snapshot was taken.
 */
List *
effective_supposed_ways(const SessionEntry *entry, int32 set_id, Snapshot snapshot, uint64 count)
{
	DefinitionReader reader = definition_reader(snapshot, count);
	SessionEntry supposed = *entry;

	supposed.context = CurrentMemoryContext;
	return add_ways(&supposed, NIL, definition_get(&reader, set_id, CurrentMemoryContext), 0, DT_NOEND, &reader);
}

void
effective_init(void)
{
	session_set_loader(load_grants);
}
