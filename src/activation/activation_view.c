/* activation_view.c - the view spsa.session_perm_set_activation: who sees what, and what writing to it does.
 *
 * The view is one function call and no query over tables: a role that may DELETE from a view may lock it, and with it
 * every table that its query names, in any mode, which would block everybody's sessions and revocations. The function
 * returns nothing that the caller may not see, so that conditions of the caller's own have nothing to leak.
 *
 * Invariants: rows are those of the attached session, or all of them for a session with manage_activations or view_setup and
 * for roles that may read spsa.activation. Writing is what the functions in activate.c do, with their rules. Sets are
 * numbers here, which can be guessed: messages name only what is assigned to the session's user.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "activation/activate.h"
#include "base/guc.h"
#include "base/owner.h"
#include "base/table.h"
#include "grant/effective.h"
#include "identity/session.h"

/* Columns of the view, as src/sql/activation_view.sql has them. */
enum
{
	VIEW_SESSION,
	VIEW_SET,
	VIEW_GROUP,
	VIEW_USER,
	VIEW_DESCRIPTION,
	VIEW_CREATED_AT,
	VIEW_CREATED_BY,
	VIEW_COLUMNS
};

/* ---- reading ---- */

/* Of an assignment: present at $2. */
#define PRESENT(assignment) \
	assignment ".starts_at <= $2 AND (" assignment ".expires_at IS NULL OR " assignment ".expires_at > $2)"

/*
 * Activations that count at $2, as grant/effective.c decides it: of a live session, neither ended nor run out, under an
 * assignment that is still a way to the set, where one of the ways to it requires activation. Members come before their
 * groups, whose end is theirs.
 */
#define ACTIVATIONS(sessions) \
	"SELECT a.session_id, CASE s.kind WHEN 'set' THEN a.set_id END, CASE s.kind WHEN 'group' THEN a.set_id END, n.user_id," \
	" a.reason, a.activated_at, a.activated_by" \
	" FROM spsa.activation a JOIN spsa.session n ON n.session_id = a.session_id" \
	" JOIN spsa.app_user u ON u.user_id = n.user_id JOIN spsa.permission_set s ON s.set_id = a.set_id" \
	" JOIN spsa.assignment g ON g.assignment_id = a.assignment_id" \
	" WHERE " sessions " AND a.expires_at > $2" \
	" AND NOT EXISTS (SELECT FROM spsa.activation_end e WHERE e.activation_id = a.activation_id)" \
	" AND u.is_active AND n.expires_at > $2" \
	" AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = a.session_id" \
	" AND (e.ends_with = pg_catalog.pg_current_xact_id_if_assigned()) IS NOT TRUE)" \
	" AND (n.idle_timeout IS NULL OR $2 - COALESCE((SELECT t.last_seen_at FROM spsa.session_activity t" \
	" WHERE t.session_id = n.session_id), n.created_at) < n.idle_timeout)" \
	" AND (n.parent_id IS NULL OR EXISTS (SELECT FROM spsa.valid_session l WHERE l.session_id = n.session_id))" \
	" AND s.kind IN ('set', 'group') AND s.activation_required AND g.user_id = n.user_id AND " PRESENT("g") \
	" AND (g.set_id = a.set_id OR EXISTS (SELECT FROM spsa.group_member m" \
	" WHERE m.group_id = g.set_id AND m.member_id = a.set_id AND m.added_at <= a.activated_at))" \
	" AND EXISTS (SELECT FROM spsa.assignment h WHERE h.user_id = n.user_id AND " PRESENT("h") \
	" AND (h.set_id = a.set_id OR EXISTS (SELECT FROM spsa.group_member m JOIN spsa.permission_set p ON p.set_id = m.group_id" \
	" WHERE m.group_id = h.set_id AND m.member_id = a.set_id AND p.member_activation = 'keep')))" \
	" ORDER BY s.kind = 'group', a.activation_id"

static OwnerStatement select_own = {ACTIVATIONS("a.session_id = $1"), 2, {UUIDOID, TIMESTAMPTZOID}};
static OwnerStatement select_others = {ACTIVATIONS("a.session_id IS DISTINCT FROM $1"), 2, {UUIDOID, TIMESTAMPTZOID}};

/* SQL: spsa.visible_activations() */
PG_FUNCTION_INFO_V1(spsa_visible_activations);
Datum
spsa_visible_activations(PG_FUNCTION_ARGS)
{
	bool		administrator = pg_class_aclcheck(table_oid("activation"), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	SessionEntry *entry = activation_reading_session(administrator);
	Tuplestorestate *rows;
	pg_uuid_t	session_id;
	Datum		values[2];
	bool		nulls[2] = {entry == NULL, false};
	bool		all = administrator;
	OwnerState	state;

	InitMaterializedSRF(fcinfo, 0);
	rows = ((ReturnSetInfo *) fcinfo->resultinfo)->setResult;
	if (entry != NULL)
	{
		session_id = entry->session_id;
		all = all || effective_authority(entry, PERMISSION_MANAGE_ACTIVATIONS) ||
			effective_permission(entry, PERMISSION_VIEW_SETUP);
	}
	values[0] = UUIDPGetDatum(&session_id);
	values[1] = TimestampTzGetDatum(GetCurrentTimestamp());

	/*
	 * The own ones last: one of them may be what lets the session delete the
	 * others.
	 */
	owner_begin(&state);
	if (all)
		owner_read_into(&select_others, values, nulls, rows);
	if (entry != NULL)
		owner_read_into(&select_own, values, nulls, rows);
	owner_end(&state);
	return (Datum) 0;
}

/* ---- writing ---- */

/* A row of the view, taken apart. */
typedef struct ViewRow
{
	Datum		values[VIEW_COLUMNS];
	bool		nulls[VIEW_COLUMNS];
} ViewRow;

static void
refuse_value(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

/* The permission set that a row means, by its number. */
static int32
row_set(const ViewRow *row)
{
	return DatumGetInt32(row->values[row->nulls[VIEW_SET] ? VIEW_GROUP : VIEW_SET]);
}

static void
check_new_row(const ViewRow *row)
{
	if (row->nulls[VIEW_SET] == row->nulls[VIEW_GROUP])
		refuse_value("either permission_set_id or permission_set_group_id must be given",
					 "permission_set_id is for permission sets, permission_set_group_id for groups of them.");
	if (!row->nulls[VIEW_CREATED_AT] || !row->nulls[VIEW_CREATED_BY])
		refuse_value("created_at and created_by cannot be given", "Leave them out: they say what happened.");
}

static void
check_set(const ViewRow *row, int32 set_id)
{
	SetKind		kind;

	if (!definition_exists(set_id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("permission set %d does not exist", set_id)));
	kind = definition_kind(set_id);
	if (kind == KIND_GROUP && row->nulls[VIEW_GROUP])
		refuse_value(psprintf("permission set %d is a group", set_id), "Give it as permission_set_group_id.");
	if (kind != KIND_GROUP && row->nulls[VIEW_SET])
		refuse_value(psprintf("permission set %d is not a group", set_id), "Give it as permission_set_id.");
}

/* What messages call a set: by its number if the session's user does not have it. */
static char *
set_name(const SessionEntry *entry, int32 set_id)
{
	const SetState *set = effective_set(entry, set_id);

	return set != NULL ? pstrdup(set->definition->name) : psprintf("%d", set_id);
}

static OwnerStatement select_row = {
	"SELECT a.activated_at, a.activated_by, a.reason FROM spsa.activation a WHERE a.session_id = $1 AND a.set_id = $2",
	2, {UUIDOID, INT4OID}
};

/* The row as it stands after the activation. */
static void
complete_row(ViewRow *row, const pg_uuid_t *session_id, int64 user_id)
{
	Datum		keys[2] = {UUIDPGetDatum(session_id), Int32GetDatum(row_set(row))};
	MemoryContext context = CurrentMemoryContext;
	OwnerState	state;

	row->values[VIEW_SESSION] = UUIDPGetDatum(session_id);
	row->nulls[VIEW_SESSION] = false;
	row->values[VIEW_USER] = Int64GetDatum(user_id);
	row->nulls[VIEW_USER] = false;
	owner_begin(&state);
	if (owner_execute(&select_row, keys, NULL) == 0)
		session_raise_invalid();	/* purged, with its session */
	MemoryContextSwitchTo(context);
	row->values[VIEW_CREATED_AT] = owner_result(1, &row->nulls[VIEW_CREATED_AT]);
	for (int column = 2; column <= 3; column++)
	{
		int			n = column == 2 ? VIEW_CREATED_BY : VIEW_DESCRIPTION;

		row->values[n] = owner_result(column, &row->nulls[n]);
		if (!row->nulls[n])
			row->values[n] = PointerGetDatum(PG_DETOAST_DATUM_COPY(row->values[n]));
	}
	owner_end(&state);
}

/* False if the set needs no activation: there is no row then. */
static bool
insert_row(ViewRow *row)
{
	SessionEntry *entry;
	pg_uuid_t  *session_id = palloc(sizeof(pg_uuid_t));
	int64		user_id;
	ActivationWish wish = {0};

	check_new_row(row);
	entry = row->nulls[VIEW_SESSION] ? session_require() :
		activation_session(DatumGetUUIDP(row->values[VIEW_SESSION]), ACL_INSERT);
	*session_id = entry->session_id;
	user_id = entry->user_id;
	if (!row->nulls[VIEW_USER] && DatumGetInt64(row->values[VIEW_USER]) != user_id)
		refuse_value("user_id is not the session's user", "Leave it out: it follows from the session.");
	check_set(row, row_set(row));
	wish.set_id = row_set(row);
	wish.set_name = set_name(entry, wish.set_id);
	wish.reason = row->nulls[VIEW_DESCRIPTION] ? NULL : TextDatumGetCString(row->values[VIEW_DESCRIPTION]);
	wish.actor = activation_actor(&entry);
	if (!activation_make(entry, &wish))
		return false;
	complete_row(row, session_id, user_id);
	return true;
}

/* False if it was not active any more. */
static bool
delete_row(const ViewRow *row)
{
	SessionEntry *entry = activation_session(DatumGetUUIDP(row->values[VIEW_SESSION]), ACL_DELETE);
	int32		set_id = row_set(row);

	return activation_cancel(entry, set_id, set_name(entry, set_id), NULL);
}

/* SQL: spsa.write_activation() */
PG_FUNCTION_INFO_V1(spsa_write_activation);
Datum
spsa_write_activation(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	tuple;
	TupleDesc	desc;
	ViewRow		row;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != table_oid("session_perm_set_activation"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger of spsa.session_perm_set_activation")));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an activation cannot be changed"),
				 errhint("Delete it and insert another one; spsa_activate() extends it.")));
	tuple = trigger->tg_trigtuple;
	desc = RelationGetDescr(trigger->tg_relation);
	heap_deform_tuple(tuple, desc, row.values, row.nulls);
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return PointerGetDatum(delete_row(&row) ? tuple : NULL);
	return PointerGetDatum(insert_row(&row) ? heap_form_tuple(desc, row.values, row.nulls) : NULL);
}
