/* validate_model.c - checking rows of groups, fields, functions, custom permissions and exclusions as they are written. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/table.h"
#include "grant/function.h"
#include "grant/validate.h"

#define MAX_MEMBERS 100
#define LAST_BUILT_IN 100

static bool
is_on(FunctionCallInfo fcinfo, const char *table)
{
	return strcmp(RelationGetRelationName(((TriggerData *) fcinfo->context)->tg_relation), table) == 0;
}

static HeapTuple
replace_one(const NewRow *row, int attnum, Datum value)
{
	bool		not_null = false;

	return heap_modify_tuple_by_cols(row->tuple, row->desc, 1, &attnum, &value, &not_null);
}

/* ---- groups ---- */

static int
count_members(int32 group_id)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	int			count = 0;

	table_key(&key, Anum_group_member_group_id, F_INT4EQ, Int32GetDatum(group_id));
	table_begin(&scan, "group_member", "group_member_pkey", snapshot, 1, &key);
	while (HeapTupleIsValid(table_next(&scan)))
		count++;
	table_end(&scan);
	table_snapshot_release(snapshot);
	return count;
}

/* SQL: spsa.check_group_member(), after the row is written: a statement may write the group, the members and many rows at once */
PG_FUNCTION_INFO_V1(spsa_check_group_member);
Datum
spsa_check_group_member(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	bool		isnull;
	int32		group_id = DatumGetInt32(validate_column(&row, Anum_group_member_group_id, &isnull));
	int32		member_id = DatumGetInt32(validate_column(&row, Anum_group_member_member_id, &isnull));

	CommandCounterIncrement();
	if (!definition_exists(group_id) || !definition_exists(member_id))
		return PointerGetDatum(NULL);	/* the constraints say so */
	if (definition_kind(group_id) != KIND_GROUP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("only a group has members"),
				 errhint("Create one with spsa_create_permission_set(..., kind => 'group').")));
	if (definition_kind(member_id) == KIND_GROUP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a group cannot be a member of a group"),
				 errhint("Add the permission sets of the inner group instead.")));

	/* Of two that add the last one, the second waits and counts again. */
	LockDatabaseObject(table_oid("group_member"), (Oid) group_id, 0, ExclusiveLock);
	if (count_members(group_id) > MAX_MEMBERS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group has at most %d members", MAX_MEMBERS),
				 errhint("Make another group.")));
	return PointerGetDatum(NULL);
}

/* ---- fields ---- */

static AttrNumber
check_column(Oid object, const char *field, bool wait)
{
	AttrNumber	number;

	validate_object(object, wait);
	number = get_attnum(object, field);
	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", field, get_rel_name(object))));
	return number;
}

/* SQL: spsa.check_field() */
PG_FUNCTION_INFO_V1(spsa_check_field);
Datum
spsa_check_field(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	bool		grants = is_on(fcinfo, "field_permission");
	bool		no_object;
	bool		no_field;
	Oid			object;
	Datum		field;
	AttrNumber	number;
	bool		muting;

	object = DatumGetObjectId(validate_column(&row, grants ? Anum_field_permission_object : Anum_protected_field_object, &no_object));
	field = validate_column(&row, grants ? Anum_field_permission_field : Anum_protected_field_field, &no_field);
	if (no_object || no_field)
		return PointerGetDatum(row.tuple);	/* NOT NULL says so */
	muting = grants && validate_granting_set(&row, Anum_field_permission_set_id) == KIND_MUTING;
	number = check_column(object, NameStr(*DatumGetName(field)),
						  grants && !muting && validate_is_new(fcinfo, Anum_field_permission_object));
	if (!grants)
		return PointerGetDatum(replace_one(&row, Anum_protected_field_field_number, Int16GetDatum(number)));
	if (!muting && validate_bool(&row, Anum_field_permission_can_edit) && !validate_bool(&row, Anum_field_permission_can_read))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("privilege \"edit\" on field \"%s\" needs privilege \"read\"", NameStr(*DatumGetName(field))),
				 errhint("Grant both in one call, or \"read\" first.")));
	row.tuple = replace_one(&row, Anum_field_permission_field_number, Int16GetDatum(number));
	return PointerGetDatum(replace_one(&row, Anum_field_permission_muting, BoolGetDatum(muting)));
}

/* ---- functions ---- */

/*
 * Signatures are text, and the schemas and types in them can be renamed without a lock on the function: who writes a
 * signature keeps such renamings (ddl.c) away until the row can be seen.
 */
void
validate_hold_names(LOCKMODE mode)
{
	LockDatabaseObject(table_oid("function_permission"), InvalidOid, 0, mode);
}

/* As regprocedure reads it; an error if there is none. */
static Oid
find_function(const char *signature)
{
	return DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature)));
}

/* Temporary functions, and those of temporary types, go without an event trigger, and their schemas' names come again. */
static bool
is_temporary(const char *signature)
{
	return strncmp(signature, "pg_temp", 7) == 0 || strstr(signature, "(pg_temp") != NULL ||
		strstr(signature, ",pg_temp") != NULL;
}

static void
check_protectable(Oid function, const char *signature)
{
	FunctionFault fault = function_fault(function);

	if (fault.what != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("function %s cannot be protected: %s", signature, fault.what),
				 errhint("%s", fault.hint)));
}

/* SQL: spsa.check_function() */
PG_FUNCTION_INFO_V1(spsa_check_function);
Datum
spsa_check_function(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	bool		grants = is_on(fcinfo, "function_permission");
	int			attnum = grants ? Anum_function_permission_function : Anum_protected_function_function;
	char	   *signature = validate_text(&row, attnum);
	Oid			function;
	char	   *qualified;

	if (signature == NULL)
		return PointerGetDatum(row.tuple);	/* NOT NULL says so */
	validate_hold_names(RowExclusiveLock);
	function = find_function(signature);
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function \"%s\" does not exist", signature)));
	LockDatabaseObject(ProcedureRelationId, function, 0, AccessShareLock);
	qualified = function_signature(function);
	if (qualified == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function \"%s\" does not exist", signature)));
	if (is_temporary(qualified))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("permission sets cannot grant temporary function %s", qualified)));
	if (get_func_namespace(function) == PG_CATALOG_NAMESPACE || get_func_namespace(function) == table_schema() ||
		(!grants && function_is_system(function)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system function", signature),
				 errhint("Permission sets grant functions of applications.")));
	if (grants)
		(void) validate_granting_set(&row, Anum_function_permission_set_id);
	else
		check_protectable(function, qualified);
	return PointerGetDatum(replace_one(&row, attnum, CStringGetTextDatum(qualified)));
}

/* ---- custom permissions ---- */

/* SQL: spsa.check_granting_set() */
PG_FUNCTION_INFO_V1(spsa_check_granting_set);
Datum
spsa_check_granting_set(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);

	(void) validate_granting_set(&row, Anum_custom_permission_grant_set_id);
	return PointerGetDatum(row.tuple);
}

static void
refuse_built_in(HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(row, Anum_custom_permission_permission_id, desc, &isnull);

	if (!isnull && DatumGetInt32(value) <= LAST_BUILT_IN)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the custom permissions numbered up to %d are built in", LAST_BUILT_IN),
				 errhint("Leave them as they are, and let the sequence give new ones their numbers.")));
}

/* SQL: spsa.check_custom_permission() */
PG_FUNCTION_INFO_V1(spsa_check_custom_permission);
Datum
spsa_check_custom_permission(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	NewRow		row = validate_row(fcinfo);
	bool		isnull;
	char	   *name;

	refuse_built_in(trigger->tg_trigtuple, row.desc);
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return PointerGetDatum(trigger->tg_trigtuple);
	refuse_built_in(row.tuple, row.desc);
	name = validate_text(&row, Anum_custom_permission_permission_name);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("custom permission name must not be null")));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		strcmp(name, TextDatumGetCString(heap_getattr(trigger->tg_trigtuple, Anum_custom_permission_permission_name,
													  row.desc, &isnull))) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a custom permission cannot be renamed"),
				 errdetail("Policies ask for it by its name."),
				 errhint("Create another one.")));
	if (validate_name_fault(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a name for a custom permission: %s", name, validate_name_fault(name)),
				 errhint("Use at most 80 letters, digits and single underscores, a letter first and no underscore at the end.")));
	return PointerGetDatum(row.tuple);
}

/* SQL: spsa.find_permission(text) */
PG_FUNCTION_INFO_V1(spsa_find_permission);
Datum
spsa_find_permission(PG_FUNCTION_ARGS)
{
	char	   *name;
	int32		permission_id;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("custom permission name must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	permission_id = definition_find_permission(name);
	if (permission_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("custom permission \"%s\" does not exist", name),
				 errhint("Custom permissions are made with spsa_create_custom_permission().")));
	PG_RETURN_INT32(permission_id);
}

/* ---- revocations ---- */

/* SQL: spsa.dependent_privileges(text[]), of names that spsa.check_privileges() has let pass */
PG_FUNCTION_INFO_V1(spsa_dependent_privileges);
Datum
spsa_dependent_privileges(PG_FUNCTION_ARGS)
{
	Datum	   *given;
	Datum		result[PRIVILEGE_COUNT];
	int			n;
	int			kept = 0;
	uint32		privileges = 0;
	Privilege	privilege;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &given, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		if (privilege_parse(TextDatumGetCString(given[i]), &privilege))
			privileges |= PRIVILEGE_BIT(privilege);
	}
	privileges = definition_closure_of_muting(privileges);
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if ((privileges & PRIVILEGE_BIT(i)) != 0)
			result[kept++] = CStringGetTextDatum(privilege_names[i]);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(result, kept, TEXTOID, -1, false, TYPALIGN_INT));
}

/* ---- exclusions ---- */

/* SQL: spsa.check_exclusion() */
PG_FUNCTION_INFO_V1(spsa_check_exclusion);
Datum
spsa_check_exclusion(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	char	   *kind = validate_text(&row, Anum_exclusion_kind);
	int			columns[2] = {Anum_exclusion_set_a, Anum_exclusion_set_b};
	Datum		values[2];
	bool		nulls[2];

	values[1] = validate_column(&row, Anum_exclusion_set_a, &nulls[1]);
	values[0] = validate_column(&row, Anum_exclusion_set_b, &nulls[0]);
	if (nulls[0] || nulls[1])
		return PointerGetDatum(row.tuple);	/* NOT NULL says so */
	if (kind == NULL || (strcmp(kind, "static") != 0 && strcmp(kind, "dynamic") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind of exclusion \"%s\"", kind == NULL ? "" : kind),
				 errhint("Kinds are static (never both assigned) and dynamic (never both in effect in a session).")));
	if (DatumGetInt32(values[0]) == DatumGetInt32(values[1]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a permission set cannot exclude itself")));
	for (int i = 0; i < 2; i++)
	{
		if (definition_kind(DatumGetInt32(values[i])) == KIND_MUTING)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("a muting set cannot be excluded"),
					 errhint("Exclusions are of permission sets and groups.")));
	}
	if (DatumGetInt32(values[0]) > DatumGetInt32(values[1]))
		return PointerGetDatum(row.tuple);
	return PointerGetDatum(heap_modify_tuple_by_cols(row.tuple, row.desc, 2, columns, values, nulls));
}
