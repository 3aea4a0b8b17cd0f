/* flow_definition.c - flows as they are configured: reading them, and checking their rows as they are written.
 *
 * Invariants: a flow and its steps are read under one fresh snapshot, so that the flow of now counts, also under REPEATABLE
 * READ. A criterion runs with the rights of whoever runs the flow or opens a session, a superuser among them: so only
 * who has the rights of the extension's owner chooses it, switches on a flow that has one, and has it run at the opening. It is kept as a signature,
 * like other functions; what is dropped or renamed switches the flow off (enforce/ddl.c), and a name that comes
 * again switches nothing on. To forget it would let the flow run without one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "activation/flow.h"
#include "base/table.h"
#include "grant/validate.h"
#include "identity/session.h"

/* ---- reading ---- */

static char *
set_name(int32 set_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	char	   *name = NULL;
	bool		isnull;

	table_key(&key, Anum_permission_set_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_begin(&scan, "permission_set", "permission_set_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		name = TextDatumGetCString(table_value(&scan, row, Anum_permission_set_set_name, &isnull));
	table_end(&scan);
	return name;
}

static List *
read_steps(int32 flow_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	List	   *steps = NIL;
	ListCell   *cell;
	bool		isnull;

	table_key(&key, Anum_flow_step_flow_id, F_INT4EQ, Int32GetDatum(flow_id));
	table_begin(&scan, "flow_step", "flow_step_pkey", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		FlowStep   *step = palloc0(sizeof(FlowStep));

		step->position = DatumGetInt32(table_value(&scan, row, Anum_flow_step_position, &isnull));
		step->activates = strcmp(TextDatumGetCString(table_value(&scan, row, Anum_flow_step_action, &isnull)), "activate") == 0;
		step->set_id = DatumGetInt32(table_value(&scan, row, Anum_flow_step_set_id, &isnull));
		steps = lappend(steps, step);
	}
	table_end(&scan);
	foreach(cell, steps)
	{
		FlowStep   *step = lfirst(cell);

		step->set_name = set_name(step->set_id, snapshot);
		if (step->set_name == NULL)
			elog(ERROR, "permission set %d of a flow does not exist", step->set_id);
	}
	return steps;
}

static Flow *
read_row(const TableScan *scan, HeapTuple row)
{
	Flow	   *flow = palloc0(sizeof(Flow));
	Datum		value;
	bool		isnull;

	flow->flow_id = DatumGetInt32(table_value(scan, row, Anum_flow_flow_id, &isnull));
	flow->name = TextDatumGetCString(table_value(scan, row, Anum_flow_flow_name, &isnull));
	flow->is_active = DatumGetBool(table_value(scan, row, Anum_flow_is_active, &isnull));
	flow->run_at_open = DatumGetBool(table_value(scan, row, Anum_flow_run_at_open, &isnull));
	value = table_value(scan, row, Anum_flow_criterion, &isnull);
	flow->criterion = isnull ? NULL : TextDatumGetCString(value);
	value = table_value(scan, row, Anum_flow_allowed_set, &isnull);
	flow->allowed_set = isnull ? 0 : DatumGetInt32(value);
	return flow;
}

/* NULL: there is none of that name. */
Flow *
flow_read(const char *name)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	Flow	   *flow = NULL;

	table_key(&key, Anum_flow_flow_name, F_TEXTEQ, CStringGetTextDatum(name));
	table_begin(&scan, "flow", "flow_flow_name_key", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		flow = read_row(&scan, row);
	table_end(&scan);
	if (flow != NULL)
		flow->steps = read_steps(flow->flow_id, snapshot);
	table_snapshot_release(snapshot);
	return flow;
}

/* Names of the flows that run when a session is opened, in their order. */
List *
flow_names_at_open(void)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	HeapTuple	row;
	List	   *names = NIL;

	/* The index has only these; without it (ignore_system_indexes) all come. */
	table_begin(&scan, "flow", "flow_at_open_idx", snapshot, 0, NULL);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		Flow	   *flow = read_row(&scan, row);

		if (flow->is_active && flow->run_at_open)
			names = lappend(names, flow->name);
	}
	table_end(&scan);
	table_snapshot_release(snapshot);
	return names;
}

/* SQL: spsa.find_flow(text) */
PG_FUNCTION_INFO_V1(spsa_find_flow);
Datum
spsa_find_flow(PG_FUNCTION_ARGS)
{
	char	   *name;
	Flow	   *flow;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("flow name must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	flow = flow_read(name);
	if (flow == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("flow \"%s\" does not exist", name),
				 errhint("Flows are made with spsa_create_flow().")));
	PG_RETURN_INT32(flow->flow_id);
}

/* ---- criteria ---- */

/* The function of a signature, or InvalidOid. */
static Oid
find_function(const char *signature)
{
	LOCAL_FCINFO(call, 1);
	Datum		result;

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = CStringGetTextDatum(signature);
	call->args[0].isnull = false;
	result = to_regprocedure(call);
	return call->isnull ? InvalidOid : DatumGetObjectId(result);
}

/* What is wrong with a function as a criterion, or NULL. */
static const char *
criterion_fault(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	const char *fault = NULL;

	if (!HeapTupleIsValid(row))
		return "It is gone.";
	form = (Form_pg_proc) GETSTRUCT(row);
	if (form->prokind != PROKIND_FUNCTION)
		fault = "It is no plain function.";
	else if (form->pronargs != 1 || form->proargtypes.values[0] != UUIDOID)
		fault = "Its only argument must be the session's identifier, of type uuid.";
	else if (form->prorettype != BOOLOID || form->proretset)
		fault = "It must return one boolean.";
	else if (isAnyTempNamespace(form->pronamespace))
		fault = "It is temporary.";
	else if (form->pronamespace == PG_CATALOG_NAMESPACE || form->pronamespace == table_schema())
		fault = "It is a system function.";
	ReleaseSysCache(row);
	return fault;
}

static void
raise_no_criterion(const char *signature)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("criterion %s does not exist", signature),
			 errhint("An administrator gives the flow another one.")));
}

static void
check_fault(const char *signature, Oid function)
{
	const char *fault = criterion_fault(function);

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s cannot be the criterion of a flow", signature),
				 errdetail("%s", fault),
				 errhint("A criterion is a function of the application's: name(session uuid) returns boolean.")));
}

/* The function that the criterion means now; an error if it is gone or not what it was. */
Oid
flow_criterion_function(const Flow *flow)
{
	Oid			function = find_function(flow->criterion);

	if (!OidIsValid(function))
		raise_no_criterion(flow->criterion);
	check_fault(flow->criterion, function);
	return function;
}

static bool
sets_search_path(ArrayType *settings)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(settings, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		if (strncmp(TextDatumGetCString(elements[i]), "search_path=", strlen("search_path=")) == 0)
			return true;
	}
	return false;
}

/* Who runs a flow must not decide what the names in its criterion mean. Standard SQL bodies have them resolved. */
static void
warn_of_search_path(Oid function, const char *signature)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;
	Datum		settings;
	bool		without_body;
	bool		without_settings;

	if (!HeapTupleIsValid(row))
		return;
	language = ((Form_pg_proc) GETSTRUCT(row))->prolang;
	(void) SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &without_body);
	settings = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proconfig, &without_settings);
	if (without_body && language != INTERNALlanguageId && language != ClanguageId &&
		(without_settings || !sets_search_path(DatumGetArrayTypeP(settings))))
		ereport(NOTICE,
				(errmsg("criterion %s looks up names by the search_path of whoever runs the flow", signature),
				 errhint("Use ALTER FUNCTION ... SET search_path = pg_catalog, pg_temp, and qualify names.")));
	ReleaseSysCache(row);
}

/* The canonical signature of a criterion that is written, which stays while the writer's transaction lasts. */
static char *
check_criterion(const char *signature)
{
	Oid			function;
	char	   *qualified;

	validate_hold_names(RowExclusiveLock);
	function = find_function(signature);
	if (!OidIsValid(function))
		raise_no_criterion(signature);
	LockDatabaseObject(ProcedureRelationId, function, 0, AccessShareLock);
	check_fault(signature, function);
	qualified = format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY | FORMAT_PROC_INVALID_AS_NULL);
	if (qualified == NULL)
		raise_no_criterion(signature);
	warn_of_search_path(function, qualified);
	return qualified;
}

static void
check_may_choose_criterion(void)
{
	if (has_privs_of_role(GetUserId(), table_extension_owner()))
		return;
	session_log_refusal("choose the criterion of a flow", "the database role is not the owner of the extension");
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to choose the criterion of a flow"),
			 errdetail("It runs with the rights of whoever runs the flow."),
			 errhint("The owner of the extension and superusers may, switch on a flow that has one, and have it run at the opening of sessions.")));
}

/* ---- rows ---- */

static bool
was(const TriggerData *trigger, AttrNumber flag)
{
	bool		isnull;

	return DatumGetBool(heap_getattr(trigger->tg_trigtuple, flag, RelationGetDescr(trigger->tg_relation), &isnull));
}

static char *
old_criterion(const TriggerData *trigger)
{
	bool		isnull;
	Datum		value = heap_getattr(trigger->tg_trigtuple, Anum_flow_criterion, RelationGetDescr(trigger->tg_relation), &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * The row with its criterion checked. That of a flow that is off may be gone: a dump has such rows. Run at the opening, also
 * once it is switched on, it is run by roles that have not asked for it.
 */
static HeapTuple
with_checked_criterion(const TriggerData *trigger, const NewRow *row, const char *criterion)
{
	bool		is_active = validate_bool(row, Anum_flow_is_active);
	char	   *before = row->inserted ? NULL : old_criterion(trigger);
	bool		changed = before == NULL || strcmp(before, criterion) != 0;
	int			column = Anum_flow_criterion;
	bool		not_null = false;
	Datum		value;

	if (!changed && (!is_active || was(trigger, Anum_flow_is_active)) &&
		(!validate_bool(row, Anum_flow_run_at_open) || was(trigger, Anum_flow_run_at_open)))
		return row->tuple;
	check_may_choose_criterion();
	if (!is_active)
		return row->tuple;
	value = CStringGetTextDatum(check_criterion(criterion));
	return heap_modify_tuple_by_cols(row->tuple, row->desc, 1, &column, &value, &not_null);
}

static void
refuse_muting(const NewRow *row, AttrNumber attnum)
{
	bool		isnull;
	int32		set_id = DatumGetInt32(validate_column(row, attnum, &isnull));

	if (!isnull && definition_exists(set_id) && definition_kind(set_id) == KIND_MUTING)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a flow cannot use a muting set"),
				 errhint("Flows are about permission sets and groups.")));
}

/* SQL: spsa.check_flow() */
PG_FUNCTION_INFO_V1(spsa_check_flow);
Datum
spsa_check_flow(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	char	   *name = validate_text(&row, Anum_flow_flow_name);
	char	   *criterion = validate_text(&row, Anum_flow_criterion);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("flow name must not be null")));
	if (validate_name_fault(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a name for a flow: %s", name, validate_name_fault(name)),
				 errhint("Use at most 80 letters, digits and single underscores, a letter first and no underscore at the end.")));
	refuse_muting(&row, Anum_flow_allowed_set);
	if (criterion == NULL)
		return PointerGetDatum(row.tuple);
	return PointerGetDatum(with_checked_criterion((const TriggerData *) fcinfo->context, &row, criterion));
}

/* SQL: spsa.check_flow_step() */
PG_FUNCTION_INFO_V1(spsa_check_flow_step);
Datum
spsa_check_flow_step(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	char	   *action = validate_text(&row, Anum_flow_step_action);
	bool		isnull;
	int32		position = DatumGetInt32(validate_column(&row, Anum_flow_step_position, &isnull));

	if (action != NULL && strcmp(action, "activate") != 0 && strcmp(action, "deactivate") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown action \"%s\" of a flow", action),
				 errhint("Actions are activate and deactivate.")));
	if (!isnull && position < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the position of a step must be more than zero")));
	refuse_muting(&row, Anum_flow_step_set_id);
	return PointerGetDatum(row.tuple);
}
