/* simulate.c - what would be gained by activating permission sets, without activating any.
 *
 * Invariants: the supposed authority is an entry of its own (grant/suppose.c) that is passed to functions which only read
 * it; nothing is written, and nothing is left that another statement could meet. A session asks about itself, and learns of no
 * set that it does not have; administrators ask about any.
 *
 * A number of rows tells something of rows that cannot be seen yet. It is told to whom it tells nothing new: the session that
 * could activate all the sets by itself at this moment, with nothing to give for it (a reason, an approval), and whoever the
 * table's row-level security does not apply to.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "activation/activate.h"
#include "base/table.h"
#include "enforce/count_rows.h"
#include "enforce/executor_guard.h"
#include "grant/function.h"
#include "grant/shape.h"
#include "grant/suppose.h"

#define MAX_ROW_LIMIT 1000000

/* A call of the function. */
typedef struct Simulation
{
	Supposition what;
	bool		is_own;			/* of the attached session */
	bool		is_free;		/* the session could activate all of it now */
	int64		row_limit;
	ReturnSetInfo *result;
} Simulation;

/* ---- who asks, and for what ---- */

static bool
is_administrator(const SessionEntry *attached)
{
	return pg_class_aclcheck(table_oid("activation"), GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		(attached != NULL && effective_authority(attached, PERMISSION_VIEW_SETUP));
}

/* Whether the session is the attached one; an error if it is not, and the caller is no administrator. */
static bool
check_session(const pg_uuid_t *session_id)
{
	SessionEntry *entry;
	SessionState state;
	bool		is_own;
	bool		may_ask;

	AcceptInvalidationMessages();
	state = session_current(&entry);
	is_own = state == SESSION_LIVE && memcmp(&entry->session_id, session_id, sizeof(pg_uuid_t)) == 0;
	may_ask = is_own || is_administrator(state == SESSION_LIVE ? entry : NULL);
	if (state == SESSION_LIVE)
		executor_guard_note_call();
	if (may_ask)
		return is_own;
	if (state == SESSION_OVER)
		session_raise_invalid();
	session_log_refusal("simulate an activation", "the session is not the attached one");
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for session"),
			 errhint("A session asks about itself: attach it with spsa_attach() first.")));
}

static void
begin(Simulation *simulation, FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
	{
		(void) session_require();
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("session must not be null")));
	}
	simulation->is_own = check_session(PG_GETARG_UUID_P(0));
	if (!suppose_begin(PG_GETARG_UUID_P(0), &simulation->what))
		session_raise_invalid();
	simulation->row_limit = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	if (simulation->row_limit < 0 || simulation->row_limit > MAX_ROW_LIMIT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row_limit must be between 0 and %d", MAX_ROW_LIMIT)));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("permission sets must not be null")));
}

/* ---- supposing ---- */

/* Identifier of a set, or group, that the session has, behind whatever gate, or 0. */
static int32
find_own(const SessionEntry *entry, const char *name)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (strcmp(set->definition->name, name) == 0 && set->allowed)
			return set->set_id;
	}
	return 0;
}

/* To a session that asks about itself, what it does not have does not exist. */
static int32
find_set(const Simulation *simulation, const char *name)
{
	int32		set_id = find_own(simulation->what.supposed, name);

	if (set_id == 0 && !simulation->is_own)
		set_id = definition_find_set(name);
	if (set_id != 0)
		return set_id;
	session_log_refusal("simulate an activation", psprintf("the session has no permission set \"%s\"", name));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("permission set \"%s\" does not exist", name)));
}

/* Whether the session itself could activate the set now, with no word about it and nobody's approval. */
static bool
is_free(const Simulation *simulation, int32 set_id)
{
	const Rule *rule = rule_read(set_id);
	RuleCase	what = {.entry = simulation->what.supposed,.set_id = set_id,.actor = ACTOR_SELF,.now = GetCurrentTimestamp()};
	ListCell   *cell;

	if (rule == NULL)
		return true;
	if (rule->approvals_required > 0)
		return false;
	foreach(cell, rule_conditions(rule, &what))
	{
		if (((const RuleCondition *) lfirst(cell))->answer != RULE_MET)
			return false;
	}
	return true;
}

/* In the order of the activations that are supposed: each may rest on those before it, and exclude those after it. */
static void
suppose(Simulation *simulation, const char *name)
{
	int32		set_id = find_set(simulation, name);
	const SetState *set = activation_require_assigned(simulation->what.supposed, set_id, name);

	activation_check_exclusions(simulation->what.supposed, set_id);
	if (!set->activation_required || set->activated)
		return;
	simulation->is_free = simulation->is_free && is_free(simulation, set_id);
	suppose_activation(&simulation->what, set_id);
}

static void
suppose_all(Simulation *simulation, ArrayType *names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	simulation->is_free = true;
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("permission set name must not be null")));
		suppose(simulation, TextDatumGetCString(elements[i]));
	}
}

/* ---- rows of the result ---- */

enum
{
	COLUMN_KIND,
	COLUMN_OBJECT,
	COLUMN_NAME,
	COLUMN_PRIVILEGES,
	COLUMN_ROWS_BEFORE,
	COLUMN_ROWS_AFTER,
	COLUMN_NOTE,
	COLUMNS
};

typedef struct Gain
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];
} Gain;

static void
set_value(Gain *gain, int column, Datum value)
{
	gain->values[column] = value;
	gain->nulls[column] = false;
}

static Gain
make_gain(const char *kind)
{
	Gain		gain = {0};

	memset(gain.nulls, true, sizeof(gain.nulls));
	set_value(&gain, COLUMN_KIND, CStringGetTextDatum(kind));
	return gain;
}

static void
set_privileges(Gain *gain, uint32 privileges)
{
	Datum		names[PRIVILEGE_COUNT];
	int			n = 0;

	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if ((privileges & PRIVILEGE_BIT(i)) != 0)
			names[n++] = CStringGetTextDatum(privilege_names[i]);
	}
	set_value(gain, COLUMN_PRIVILEGES, PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

static void
put(const Simulation *simulation, Gain *gain)
{
	tuplestore_putvalues(simulation->result->setResult, simulation->result->setDesc, gain->values, gain->nulls);
}

/* ---- objects ---- */

/* What is granted on: the objects of all sets that the session has, each once, but those whose permissions do not count. */
static List *
granted_objects(const SessionEntry *entry)
{
	const Grants *grants = entry->grants;
	List	   *objects = NIL;
	ListCell   *cell;

	foreach(cell, grants->sets)
	{
		const Definition *definition = ((const SetState *) lfirst(cell))->definition;

		for (int i = 0; i < definition->ngrants; i++)
		{
			Oid			object = definition->grants[i].object;

			if (definition_root(grants->protection, object) == object)
				objects = list_append_unique_oid(objects, object);
		}
	}
	return objects;
}

/* Whether a number tells the caller nothing new. */
static bool
may_know_rows(const Simulation *simulation, Oid object)
{
	return (simulation->is_own && simulation->is_free) || check_enable_rls(object, InvalidOid, true) != RLS_ENABLED;
}

/* Why rows are not counted, or NULL. */
static const char *
obstacle(const Simulation *simulation, Oid object)
{
	const char *why = simulation->row_limit == 0 ? "row_limit is 0" : count_rows_obstacle(object);

	if (why == NULL && !may_know_rows(simulation, object))
		why = simulation->is_own ? "the session could not activate it by itself now" : "not yours to see";
	return why;
}

static void
set_rows(const Simulation *simulation, Gain *gain, int column, int64 rows)
{
	set_value(gain, column, Int64GetDatum(Min(rows, simulation->row_limit)));
	if (rows > simulation->row_limit)
		set_value(gain, COLUMN_NOTE, CStringGetTextDatum("limit reached"));
}

static void
add_rows(const Simulation *simulation, Gain *gain, Oid object, const Shape *before, const Shape *after)
{
	const char *why = obstacle(simulation, object);
	int64		rows_before = 0;
	int64		rows_after = 0;

	if (why == NULL &&
		(!count_rows(object, simulation->what.present, before, simulation->row_limit + 1, &rows_before) ||
		 !count_rows(object, simulation->what.supposed, after, simulation->row_limit + 1, &rows_after)))
		why = "no condition says it";
	if (why != NULL)
	{
		set_value(gain, COLUMN_NOTE, CStringGetTextDatum(psprintf("rows not counted: %s", why)));
		return;
	}
	set_rows(simulation, gain, COLUMN_ROWS_BEFORE, rows_before);
	set_rows(simulation, gain, COLUMN_ROWS_AFTER, rows_after);
}

static void
put_object(const Simulation *simulation, Oid object)
{
	const Shape *before[PRIVILEGE_COUNT];
	const Shape *after[PRIVILEGE_COUNT];
	uint32		gained = 0;
	Gain		gain;

	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		before[i] = shape_suppose(simulation->what.present, object, (Privilege) i);
		after[i] = shape_suppose(simulation->what.supposed, object, (Privilege) i);
		if (!shape_equal(before[i], after[i]))
			gained |= PRIVILEGE_BIT(i);
	}
	if (gained == 0 || get_rel_name(object) == NULL)
		return;
	gain = make_gain("object");
	set_value(&gain, COLUMN_OBJECT, ObjectIdGetDatum(object));
	set_privileges(&gain, gained);
	if ((gained & PRIVILEGE_BIT(PRIVILEGE_READ)) != 0)
		add_rows(simulation, &gain, object, before[PRIVILEGE_READ], after[PRIVILEGE_READ]);
	put(simulation, &gain);
}

/* ---- fields, functions, custom permissions ---- */

static void
put_field(const Simulation *simulation, const FieldGrant *field)
{
	static const Privilege privileges[] = {PRIVILEGE_READ, PRIVILEGE_EDIT};
	char	   *name = get_attname(field->object, field->number, true);
	uint32		gained = 0;
	Gain		gain;

	for (int i = 0; i < lengthof(privileges); i++)
	{
		if (!effective_field(simulation->what.present, field->object, field->number, privileges[i]) &&
			effective_field(simulation->what.supposed, field->object, field->number, privileges[i]))
			gained |= PRIVILEGE_BIT(privileges[i]);
	}
	if (gained == 0 || name == NULL)
		return;
	gain = make_gain("field");
	set_value(&gain, COLUMN_OBJECT, ObjectIdGetDatum(field->object));
	set_value(&gain, COLUMN_NAME, CStringGetTextDatum(name));
	set_privileges(&gain, gained);
	put(simulation, &gain);
}

static void
put_function(const Simulation *simulation, const char *signature)
{
	Oid			function = function_find(signature);
	Gain		gain;

	if (!OidIsValid(function) || effective_function(simulation->what.present, function) ||
		!effective_function(simulation->what.supposed, function))
		return;
	gain = make_gain("function");
	set_value(&gain, COLUMN_NAME, CStringGetTextDatum(signature));
	put(simulation, &gain);
}

static void
put_permission(const Simulation *simulation, int32 permission_id)
{
	ScanKeyData key;
	Datum		name;
	Gain		gain;

	if (effective_permission(simulation->what.present, permission_id) ||
		!effective_permission(simulation->what.supposed, permission_id))
		return;
	table_key(&key, Anum_custom_permission_permission_id, F_INT4EQ, Int32GetDatum(permission_id));
	if (!table_find("custom_permission", "custom_permission_pkey", &key, Anum_custom_permission_permission_name, &name))
		return;
	gain = make_gain("permission");
	set_value(&gain, COLUMN_NAME, name);
	put(simulation, &gain);
}

static List *
unique_texts(List *texts, const List *more)
{
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, more)
	{
		bool		found = false;

		foreach(other, texts)
			found = found || strcmp(lfirst(other), lfirst(cell)) == 0;
		if (!found)
			texts = lappend(texts, lfirst(cell));
	}
	return texts;
}

static void
put_others(const Simulation *simulation)
{
	const Grants *grants = simulation->what.present->grants;
	List	   *functions = NIL;
	List	   *permissions = NIL;
	ListCell   *cell;

	foreach(cell, grants->protection->fields)
	{
		const FieldGrant *field = lfirst(cell);

		if (definition_root(grants->protection, field->object) == field->object)
			put_field(simulation, field);
	}
	foreach(cell, grants->sets)
	{
		const Definition *definition = ((const SetState *) lfirst(cell))->definition;

		functions = unique_texts(functions, definition->functions);
		permissions = list_concat_unique_int(permissions, definition->permissions);
	}
	foreach(cell, functions)
		put_function(simulation, lfirst(cell));
	foreach(cell, permissions)
		put_permission(simulation, lfirst_int(cell));
}

/* SQL: spsa_simulate(uuid, text[], bigint) */
PG_FUNCTION_INFO_V1(spsa_simulate);
Datum
spsa_simulate(PG_FUNCTION_ARGS)
{
	Simulation	simulation = {0};
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	simulation.result = (ReturnSetInfo *) fcinfo->resultinfo;
	begin(&simulation, fcinfo);
	suppose_all(&simulation, PG_GETARG_ARRAYTYPE_P(1));
	foreach(cell, granted_objects(simulation.what.present))
		put_object(&simulation, lfirst_oid(cell));
	put_others(&simulation);
	return (Datum) 0;
}
