/* explain_path.c - each way by which something could be granted, for explanations.
 *
 * Invariants: a session is told of ways through sets that are assigned to its user and that it may use; of an assignment that
 * is over, or to come, its name alone. What is not assigned, and what lies outside of a session's restriction, is for
 * administrators. Whether a way grants is asked of grant/effective.c.
 *
 * Bounds: EXPLAIN_MAX_ROWS, and of sets that are not assigned EXPLAIN_MAX_UNASSIGNED are looked at.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/signal.h"
#include "base/table.h"
#include "enforce/explain.h"
#include "grant/effective.h"

/* An assignment that is not in effect, or none. */
typedef struct Supposed
{
	ExplainRank rank;
	const char *state;			/* NULL: the way is one of the session's own */
	TimestampTz until;
	char	   *lacks;
	char	   *remedy;
} Supposed;

static const Supposed assigned = {0};

static ExplainRow *
add_way(Explanation *ex, const SetState *set, const Supposed *how)
{
	ExplainRow *row = explain_add(ex, RANK_MORE, NULL, NULL);

	row->set_name = set->definition->name;
	if (set->group != NULL)
		row->via = explain_name(ex, set->group) != NULL ? set->group->definition->name : "a group";
	row->until = how->state == NULL ? set->assignment_ends : how->until;
	return row;
}

/* Says how the way stands, if nothing about what it grants has been said. */
static void
settle(const Explanation *ex, const SetState *set, const Supposed *how, ExplainRow *row)
{
	if (row->state != NULL)
		return;
	if (how->state == NULL)
	{
		explain_standing(ex, set, row);
		return;
	}
	row->rank = how->rank;
	row->state = how->state;
	row->lacks = how->lacks;
	row->remedy = how->remedy;
	if (set->allowed)
		return;
	row->lacks = psprintf("%s; then the session is restricted to other permission sets", how->lacks);
	row->in_vain = true;
}

static char *
assign_call(const Explanation *ex, const char *set_name, const char *more)
{
	return explain_call(ex, "spsa_assign", psprintf("%s, %s%s", quote_literal_cstr(ex->entry->user_name),
													quote_literal_cstr(set_name), more));
}

/* Whether an assignment of the set by itself would be a new way, which the session may use. */
static bool
helps_directly(const Explanation *ex, const SetState *set)
{
	bool		allowed = ex->entry->nallowed < 0;
	ListCell   *cell;

	for (int i = 0; i < ex->entry->nallowed; i++)
		allowed = allowed || ex->entry->allowed[i] == set->set_id;
	foreach(cell, ((const Grants *) ex->entry->grants)->sets)
	{
		const SetState *other = lfirst(cell);

		if (other->set_id == set->set_id && other->group == NULL)
			return false;
	}
	return allowed;
}

/* What the set's group takes away. */
static void
muted(const Explanation *ex, const SetState *set, ExplainRow *row)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, set->muting)
		appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "", ((const Definition *) lfirst(cell))->name);
	row->rank = RANK_MUTED;
	row->state = "muted";
	row->lacks = ex->full ? psprintf("the group mutes it: %s", names.data) : pstrdup("the group mutes it");
	if (ex->full && helps_directly(ex, set))
		row->remedy = assign_call(ex, set->definition->name, "");
}

static void
not_granted(const Explanation *ex, const SetState *set, ExplainRow *row, char *what, char *remedy)
{
	row->rank = RANK_NOT_GRANTED;
	row->state = "not granted";
	row->lacks = what;
	row->remedy = ex->full ? remedy : NULL;
}

/* Those that the privilege needs, and itself, without those that are there. */
static char *
missing_privileges(Privilege privilege, uint32 there)
{
	static const uint32 needs[PRIVILEGE_COUNT] = {
		[PRIVILEGE_CREATE] = PRIVILEGE_BIT(PRIVILEGE_READ),
		[PRIVILEGE_EDIT] = PRIVILEGE_BIT(PRIVILEGE_READ),
		[PRIVILEGE_DELETE] = PRIVILEGE_BIT(PRIVILEGE_READ) | PRIVILEGE_BIT(PRIVILEGE_EDIT),
		[PRIVILEGE_VIEW_ALL] = PRIVILEGE_BIT(PRIVILEGE_READ),
		[PRIVILEGE_MODIFY_ALL] = PRIVILEGE_BIT(PRIVILEGE_READ) | PRIVILEGE_BIT(PRIVILEGE_EDIT) |
		PRIVILEGE_BIT(PRIVILEGE_DELETE) | PRIVILEGE_BIT(PRIVILEGE_VIEW_ALL)
	};
	uint32		missing = (needs[privilege] | PRIVILEGE_BIT(privilege)) & ~there;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if ((missing & PRIVILEGE_BIT(i)) != 0)
			appendStringInfo(&text, "%s%s", text.len > 0 ? "," : "", privilege_names[i]);
	}
	return psprintf("'{%s}'", text.data);
}

/* What a grant reaches, and why that may be no row. */
static void
describe_reach(Explanation *ex, const SetState *set, const ObjectGrant *grant, const Supposed *how, ExplainRow *row)
{
	const ShapeArm *arm;
	char	   *remedy = NULL;
	char	   *fault;

	if (effective_grant_reach(grant, ex->privilege) == REACH_ALL)
	{
		row->grants = "all rows";
		row->predicate = "true";
		row->has_match = ex->row != NULL;
		row->matches = true;
		settle(ex, set, how, row);
		return;
	}
	arm = shape_arm(ex->entry, grant, ex->privilege);
	row->grants = "some rows";
	row->predicate = explain_predicate(ex, arm, grant);
	row->has_match = ex->row != NULL;
	row->matches = row->has_match && explain_arm_holds(ex, arm);
	settle(ex, set, how, row);
	fault = explain_no_row(ex, arm, grant, &remedy);
	if (fault == NULL)
		return;
	row->in_vain = row->in_vain || row->rank != RANK_EFFECTIVE || remedy == NULL;
	if (row->rank == RANK_EFFECTIVE)
	{
		row->rank = RANK_NO_ROW;
		row->state = "matches no row";
		row->lacks = fault;
		row->remedy = remedy;
	}
	else
		row->lacks = psprintf("%s; then it matches no row: %s", row->lacks, fault);
}

/* Whether the way could grant the privilege on the object; then it has a row. */
static void
explain_object(Explanation *ex, const SetState *set, const Supposed *how)
{
	const ObjectGrant *listed = definition_grant(set->definition, ex->root);
	uint32		bit = PRIVILEGE_BIT(ex->privilege);
	ObjectGrant grant;
	ExplainRow *row;

	if (listed == NULL || (how->state != NULL && (listed->privileges & bit) == 0))
		return;
	row = add_way(ex, set, how);
	if ((listed->privileges & bit) == 0)
		not_granted(ex, set, row, psprintf("privilege %s", privilege_names[ex->privilege]),
					explain_call(ex, "spsa_grant_object", psprintf("%s, %s, %s", quote_literal_cstr(set->definition->name),
																   ex->regclass, missing_privileges(ex->privilege, listed->privileges))));
	else if (!effective_way_grant(set, ex->root, &grant) || (grant.privileges & bit) == 0)
		muted(ex, set, row);
	else if (effective_grant_reach(&grant, ex->privilege) == REACH_NONE)
	{
		row->rank = RANK_NO_SCOPE;
		row->state = "no row scope";
		row->lacks = psprintf("a row scope for %s: it is limited to the rows of its row scopes", privilege_names[ex->privilege]);
	}
	else
		describe_reach(ex, set, &grant, how, row);
}

/* The same for a field that is protected. */
static void
explain_field(Explanation *ex, const SetState *set, const Supposed *how)
{
	Privilege	privilege = ex->privilege == PRIVILEGE_READ ? PRIVILEGE_READ : PRIVILEGE_EDIT;
	bool		listed = (definition_field(set->definition, ex->field_object, ex->field_number) & PRIVILEGE_BIT(privilege)) != 0;
	ExplainRow *row;

	if (!listed && (!set->active || definition_grant(set->definition, ex->root) == NULL))
		return;
	row = add_way(ex, set, how);
	row->grants = "field";
	if (!listed)
		not_granted(ex, set, row, psprintf("field %s", quote_identifier(ex->field)),
					explain_call(ex, "spsa_grant_field",
								 psprintf("%s, %s, %s, '{%s}'", quote_literal_cstr(set->definition->name), ex->regclass,
										  quote_literal_cstr(get_attname(ex->field_object, ex->field_number, false)),
										  privilege == PRIVILEGE_READ ? "read" : "read,edit")));
	else if (!effective_way_field(set, ex->field_object, ex->field_number, privilege))
		muted(ex, set, row);
	else
		settle(ex, set, how, row);
}

static void
explain_way(Explanation *ex, const SetState *set, const Supposed *how)
{
	if (list_length(ex->rows) >= EXPLAIN_MAX_ROWS)
		return;
	explain_object(ex, set, how);
	if (ex->field != NULL && ex->protects_field)
		explain_field(ex, set, how);
}

/* ---- assignments that are not in effect ---- */

/* To an administrator: way by way. */
static void
explain_supposed(Explanation *ex, List *ways, const Supposed *how)
{
	ListCell   *cell;

	foreach(cell, ways)
		explain_way(ex, lfirst(cell), how);
}

/* To the session itself: that there was one, or will be, and nothing of what it holds. */
static void
mention_supposed(Explanation *ex, List *ways, const Supposed *how)
{
	List	   *before = ex->rows;
	FunctionCallInfo values = ex->row;
	const SetState *set = linitial(ways);
	bool		found = false;
	ExplainRow *row;
	ListCell   *cell;

	if (!set->allowed)
		return;
	ex->rows = NIL;
	ex->row = NULL;
	explain_supposed(ex, ways, how);
	ex->row = values;
	foreach(cell, ex->rows)
		found = found || ((const ExplainRow *) lfirst(cell))->rank == how->rank;
	ex->rows = before;
	if (!found)
		return;
	row = add_way(ex, set, how);
	settle(ex, set, how, row);
}

/* An assignment that is over or has not begun. Its set, or 0 if it is in effect. */
static int32
explain_assignment(Explanation *ex, const TableScan *scan, HeapTuple row, Snapshot snapshot, uint64 count)
{
	bool		isnull;
	int32		set_id = DatumGetInt32(table_value(scan, row, Anum_assignment_set_id, &isnull));
	TimestampTz starts_at = DatumGetTimestampTz(table_value(scan, row, Anum_assignment_starts_at, &isnull));
	Datum		value = table_value(scan, row, Anum_assignment_expires_at, &isnull);
	TimestampTz ends_at = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	Supposed	how = {RANK_ASSIGNMENT,.until = ends_at};
	List	   *ways;

	if (starts_at <= ex->now && ex->now < ends_at)
		return 0;
	ways = effective_supposed_ways(ex->entry, set_id, snapshot, count);
	if (ways == NIL)
		return set_id;
	how.state = ex->now < starts_at ? "assignment not begun" : "assignment expired";
	how.lacks = ex->now < starts_at ? psprintf("the assignment begins at %s", timestamptz_to_str(starts_at)) :
		pstrdup("the assignment is over");
	if (ex->full)
		how.remedy = assign_call(ex, ((const SetState *) linitial(ways))->definition->name,
								 ex->now < starts_at ? ", starts_at => now()" : ", now() + interval '8 hours'");
	if (ex->full)
		explain_supposed(ex, ways, &how);
	else
		mention_supposed(ex, ways, &how);
	return set_id;
}

/* Sets that the user has, by whatever assignment. */
static List *
explain_assignments(Explanation *ex, Snapshot snapshot, uint64 count)
{
	List	   *others = NIL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_assignment_user_id, F_INT8EQ, Int64GetDatum(ex->entry->user_id));
	table_begin(&scan, "assignment", "assignment_user_id_set_id_key", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		int32		set_id = explain_assignment(ex, &scan, row, snapshot, count);

		if (set_id != 0)
			others = lappend_int(others, set_id);
	}
	table_end(&scan);
	return others;
}

/* ---- sets that are not assigned ---- */

static List *
add_sets(List *sets, const char *table, const char *index, AttrNumber object_column, AttrNumber set_column, Oid object,
		 const List *known, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, object_column, F_OIDEQ, ObjectIdGetDatum(object));
	table_begin(&scan, table, index, snapshot, 1, &key);
	while (list_length(sets) <= EXPLAIN_MAX_UNASSIGNED && HeapTupleIsValid(row = table_next(&scan)))
	{
		int32		set_id = DatumGetInt32(table_value(&scan, row, set_column, &isnull));

		if (!list_member_int(known, set_id))
			sets = list_append_unique_int(sets, set_id);
	}
	table_end(&scan);
	return sets;
}

static void
explain_unassigned(Explanation *ex, List *known, Snapshot snapshot, uint64 count)
{
	List	   *sets = NIL;
	ListCell   *cell;

	foreach(cell, ((const Grants *) ex->entry->grants)->sets)
		known = lappend_int(known, ((const SetState *) lfirst(cell))->set_id);
	sets = add_sets(sets, "object_permission", "object_permission_object_idx", Anum_object_permission_object,
					Anum_object_permission_set_id, ex->root, known, snapshot);
	if (ex->field != NULL && ex->protects_field)
		sets = add_sets(sets, "field_permission", "field_permission_object_idx", Anum_field_permission_object,
						Anum_field_permission_set_id, ex->field_object, known, snapshot);
	if (list_length(sets) > EXPLAIN_MAX_UNASSIGNED)
		(void) explain_add(ex, RANK_MORE, "more", psprintf("of the sets that are not assigned %d were looked at", EXPLAIN_MAX_UNASSIGNED));
	sets = list_truncate(sets, EXPLAIN_MAX_UNASSIGNED);
	foreach(cell, sets)
	{
		List	   *ways = effective_supposed_ways(ex->entry, lfirst_int(cell), snapshot, count);
		Supposed	how = {RANK_NOT_ASSIGNED, "not assigned",.lacks = "an assignment"};

		if (ways == NIL)
			continue;
		how.remedy = assign_call(ex, ((const SetState *) linitial(ways))->definition->name, "");
		explain_supposed(ex, ways, &how);
	}
}

/* Whether the session itself is told of a way: it may use it, if need be after activating what it may activate. */
static bool
is_told(const SetState *set)
{
	return set->allowed && (effective_gate_is_open(set) || set->group->allowed);
}

void
explain_paths(Explanation *ex)
{
	uint64		count;
	Snapshot	snapshot;
	List	   *known;
	ListCell   *cell;

	foreach(cell, ((const Grants *) ex->entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (ex->full || is_told(set))
			explain_way(ex, set, &assigned);
	}
	count = signal_definition_count();
	snapshot = table_snapshot();
	known = explain_assignments(ex, snapshot, count);
	if (ex->full)
		explain_unassigned(ex, known, snapshot, count);
	table_snapshot_release(snapshot);
	if (list_length(ex->rows) >= EXPLAIN_MAX_ROWS)
		(void) explain_add(ex, RANK_MORE, "more", pstrdup("there are more ways than are shown"));
}
