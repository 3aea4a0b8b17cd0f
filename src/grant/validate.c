/* validate.c - checking configuration rows as they are written, whoever writes them.
 *
 * The tables have CHECK constraints of the same meaning; these triggers come before them and say what is missing. Rows
 * of a dump whose field has gone or changed its type since are kept as they are: they match no row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/table.h"
#include "grant/definition.h"
#include "grant/protection.h"
#include "grant/validate.h"
#include "grant/value.h"

#define MAX_SET_NAME 80
#define MAX_USER_NAME 255

NewRow
validate_row(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	NewRow		row;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	row.inserted = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	row.tuple = row.inserted ? trigger->tg_trigtuple : trigger->tg_newtuple;
	row.desc = RelationGetDescr(trigger->tg_relation);
	return row;
}

/* Whether the row is inserted, or gets another value of the column. */
bool
validate_is_new(FunctionCallInfo fcinfo, AttrNumber attnum)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	bool		isnull;

	return TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		heap_getattr(trigger->tg_trigtuple, attnum, desc, &isnull) != heap_getattr(trigger->tg_newtuple, attnum, desc, &isnull);
}

Datum
validate_column(const NewRow *row, AttrNumber attnum, bool *isnull)
{
	return heap_getattr(row->tuple, attnum, row->desc, isnull);
}

char *
validate_text(const NewRow *row, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = validate_column(row, attnum, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

bool
validate_bool(const NewRow *row, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = validate_column(row, attnum, &isnull);

	return !isnull && DatumGetBool(value);
}

/* What is wrong with a set's name, or NULL. */
const char *
validate_name_fault(const char *name)
{
	size_t		length = strlen(name);

	if (length == 0)
		return "it is empty";
	for (const char *c = name; *c != '\0'; c++)
	{
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_'))
			return "it has a character that is neither letter, digit nor underscore";
	}
	if (length > MAX_SET_NAME)
		return "it is longer than 80 characters";
	if ((name[0] >= '0' && name[0] <= '9') || name[0] == '_')
		return "it does not begin with a letter";
	if (name[length - 1] == '_')
		return "it ends in an underscore";
	if (strstr(name, "__") != NULL)
		return "it has two underscores in a row";
	return NULL;
}

/* What a set grants, mutes or contains would change its meaning. */
static void
check_kind_stays(FunctionCallInfo fcinfo, const char *kind)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool		isnull;
	Datum		before;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return;
	before = heap_getattr(trigger->tg_trigtuple, Anum_permission_set_kind, RelationGetDescr(trigger->tg_relation), &isnull);
	if (strcmp(TextDatumGetCString(before), kind) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the kind of a permission set cannot be changed"),
				 errhint("Create another permission set.")));
}

/* SQL: spsa.check_permission_set() */
PG_FUNCTION_INFO_V1(spsa_check_permission_set);
Datum
spsa_check_permission_set(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	char	   *name = validate_text(&row, Anum_permission_set_set_name);
	char	   *kind = validate_text(&row, Anum_permission_set_kind);
	char	   *member_activation = validate_text(&row, Anum_permission_set_member_activation);
	int			member_activation_column = Anum_permission_set_member_activation;
	Datum		keep = CStringGetTextDatum("keep");
	bool		not_null = false;
	SetKind		parsed;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("permission set name must not be null")));
	if (validate_name_fault(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a name for a permission set: %s", name, validate_name_fault(name)),
				 errhint("Use at most 80 letters, digits and single underscores, a letter first and no underscore at the end.")));
	if (kind == NULL || !definition_parse_kind(kind, &parsed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind of permission set \"%s\"", kind == NULL ? "" : kind),
				 errhint("Kinds are set, group and muting.")));
	check_kind_stays(fcinfo, kind);
	if (parsed == KIND_MUTING && validate_bool(&row, Anum_permission_set_activation_required))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a muting set cannot require activation"),
				 errdetail("It takes effect together with its group.")));
	if (parsed != KIND_GROUP)
	{
		if (member_activation != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("only groups have member_activation")));
		return PointerGetDatum(row.tuple);
	}
	if (member_activation == NULL)
		return PointerGetDatum(heap_modify_tuple_by_cols(row.tuple, row.desc, 1, &member_activation_column, &keep, &not_null));
	if (strcmp(member_activation, "keep") != 0 && strcmp(member_activation, "bypass") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown member_activation \"%s\"", member_activation),
				 errhint("It is keep or bypass.")));
	return PointerGetDatum(row.tuple);
}

/* What is wrong with a user's name, or NULL. */
static const char *
user_name_fault(const char *name)
{
	int			length = pg_mbstrlen(name);

	if (length == 0)
		return "it is empty";
	if (length > MAX_USER_NAME)
		return "it is longer than 255 characters";
	if (name[0] == ' ' || name[strlen(name) - 1] == ' ')
		return "it begins or ends with a space";
	for (const char *c = name; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || *c == '\177')
			return "it has a control character";
	}
	return NULL;
}

/* SQL: spsa.check_app_user() */
PG_FUNCTION_INFO_V1(spsa_check_app_user);
Datum
spsa_check_app_user(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	char	   *name = validate_text(&row, Anum_app_user_user_name);
	bool		isnull;
	Datum		attributes = validate_column(&row, Anum_app_user_attributes, &isnull);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("user name must not be null")));
	if (user_name_fault(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a name for a user: %s", name, user_name_fault(name)),
				 errhint("Use 1 to 255 printable characters.")));
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("attributes must not be null")));
	if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(attributes)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attributes must be a JSON object"),
				 errhint("For example: '{\"region\": \"EU\"}'.")));
	return PointerGetDatum(row.tuple);
}

/* SQL: spsa.check_assignment() */
PG_FUNCTION_INFO_V1(spsa_check_assignment);
Datum
spsa_check_assignment(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	bool		no_start;
	bool		no_end;
	Datum		start = validate_column(&row, Anum_assignment_starts_at, &no_start);
	Datum		end = validate_column(&row, Anum_assignment_expires_at, &no_end);

	if (!no_start && !no_end && DatumGetTimestampTz(end) <= DatumGetTimestampTz(start))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the end of an assignment must be later than its beginning"),
				 errhint("Give an end in the future, or revoke the assignment with spsa_revoke_assignment().")));
	return PointerGetDatum(row.tuple);
}

/* The kind of the set that a row's permission belongs to: groups have none of their own. A set that is gone is the foreign key's. */
SetKind
validate_granting_set(const NewRow *row, AttrNumber attnum)
{
	bool		isnull;
	int32		set_id = DatumGetInt32(validate_column(row, attnum, &isnull));
	SetKind		kind = isnull ? KIND_SET : definition_kind(set_id);

	if (kind == KIND_GROUP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a group has no permissions of its own"),
				 errhint("Grant them to a permission set and add that to the group with spsa_add_group_member().")));
	return kind;
}

/*
 * An object can be granted on if it is a relation with rows and nobody's machinery. Locked until the end of the
 * transaction, it is not dropped before the row can be seen. (Temporary ones go without an event trigger.) What takes
 * something away must not wait: whoever may LOCK the table could keep a revocation from happening.
 */
void
validate_object(Oid object, bool wait)
{
	char		relkind;
	Oid			schema;

	if (wait)
		LockRelationOid(object, AccessShareLock);
	else
		(void) ConditionalLockRelationOid(object, AccessShareLock);
	relkind = get_rel_relkind(object);
	schema = get_rel_namespace(object);
	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", object)));
	if (IsCatalogRelationOid(object) || schema == table_schema() || strcmp(get_namespace_name(schema), "information_schema") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", get_rel_name(object)),
				 errhint("Permission sets grant on tables of applications.")));
	if (strchr("rpvmfS", relkind) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table, view or sequence", get_rel_name(object))));

	/* Nobody is told when it goes, and its OID can come back as another's. */
	if (get_rel_persistence(object) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("permissions on temporary table \"%s\" cannot be granted", get_rel_name(object))));
}

static void
check_needs(uint32 privileges, Privilege privilege, uint32 needed, Oid object)
{
	if ((privileges & PRIVILEGE_BIT(privilege)) == 0)
		return;
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if ((needed & PRIVILEGE_BIT(i)) != 0 && (privileges & PRIVILEGE_BIT(i)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("privilege \"%s\" on \"%s\" needs privilege \"%s\"",
							privilege_names[privilege], get_rel_name(object), privilege_names[i]),
					 errhint("Grant both in one call, or \"%s\" first.", privilege_names[i])));
	}
}

/* What would have no effect, or none for now. */
static void
note_root(Oid object)
{
	const ProtectedObject *protected = protection_of(object);

	if (protected != NULL && OidIsValid(protected->root))
		ereport(NOTICE,
				(errmsg("\"%s\" is protected with \"%s\": permissions on that table count, and not these", get_rel_name(object),
						get_rel_name(protected->root)),
				 errhint("Grant on \"%s\".", get_rel_name(protected->root))));
}

/* SQL: spsa.check_object_permission() */
PG_FUNCTION_INFO_V1(spsa_check_object_permission);
Datum
spsa_check_object_permission(PG_FUNCTION_ARGS)
{
	static const AttrNumber columns[PRIVILEGE_COUNT] = {
		Anum_object_permission_can_read, Anum_object_permission_can_create, Anum_object_permission_can_edit,
		Anum_object_permission_can_delete, Anum_object_permission_view_all, Anum_object_permission_modify_all
	};
	const uint32 read = PRIVILEGE_BIT(PRIVILEGE_READ);
	const uint32 read_edit = read | PRIVILEGE_BIT(PRIVILEGE_EDIT);
	NewRow		row = validate_row(fcinfo);
	uint32		privileges = 0;
	int			muting_column = Anum_object_permission_muting;
	Datum		muting;
	bool		not_null = false;
	bool		isnull;
	Oid			object = DatumGetObjectId(validate_column(&row, Anum_object_permission_object, &isnull));

	if (isnull)
		return PointerGetDatum(row.tuple);	/* NOT NULL says so */
	muting = BoolGetDatum(validate_granting_set(&row, Anum_object_permission_set_id) == KIND_MUTING);
	validate_object(object, validate_is_new(fcinfo, Anum_object_permission_object) && !DatumGetBool(muting));
	row.tuple = heap_modify_tuple_by_cols(row.tuple, row.desc, 1, &muting_column, &muting, &not_null);
	if (row.inserted)
		note_root(object);
	if (DatumGetBool(muting))
	{
		if (validate_bool(&row, Anum_object_permission_row_scoped))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a muting set has no row scopes"),
					 errhint("It takes whole privileges away from what its group grants.")));
		return PointerGetDatum(row.tuple);
	}
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if (validate_bool(&row, columns[i]))
			privileges |= PRIVILEGE_BIT(i);
	}
	check_needs(privileges, PRIVILEGE_CREATE, read, object);
	check_needs(privileges, PRIVILEGE_EDIT, read, object);
	check_needs(privileges, PRIVILEGE_DELETE, read_edit, object);
	check_needs(privileges, PRIVILEGE_VIEW_ALL, read, object);
	check_needs(privileges, PRIVILEGE_MODIFY_ALL,
				read_edit | PRIVILEGE_BIT(PRIVILEGE_DELETE) | PRIVILEGE_BIT(PRIVILEGE_VIEW_ALL), object);
	return PointerGetDatum(row.tuple);
}

static void
check_scope_shape(const NewRow *row)
{
	char	   *operator = validate_text(row, Anum_row_scope_operator);
	ScopeOperator parsed;
	Datum		literals;
	bool		no_literals;
	bool		no_attribute;

	literals = validate_column(row, Anum_row_scope_literals, &no_literals);
	if (!no_literals)
		no_literals = ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(literals)), ARR_DIMS(DatumGetArrayTypeP(literals))) == 0;
	(void) validate_column(row, Anum_row_scope_attribute, &no_attribute);
	if (operator == NULL || !operator_parse(operator, &parsed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown row scope operator \"%s\"", operator == NULL ? "" : operator),
				 errhint("Operators are =, <, <=, >, >= and is null.")));
	if (parsed == SCOPE_IS_NULL && !(no_literals && no_attribute))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row scope with operator \"is null\" takes no value")));
	if (parsed != SCOPE_IS_NULL && no_literals == no_attribute)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row scope takes either literals or an attribute"),
				 errhint("Give one of the two.")));
}

static void
check_scope_has_grant(int32 set_id, Oid object)
{
	if (definition_has_grant(set_id, object))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("the permission set grants nothing on \"%s\" whose rows could be scoped",
					get_rel_name(object) == NULL ? "?" : get_rel_name(object)),
			 errhint("Grant privileges with spsa_grant_object() first.")));
}

static void
literal_error(void *field)
{
	errcontext("literal of a row scope on field \"%s\"", (const char *) field);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Literals in canonical form, each once. */
static Datum
canonical_literals(Datum literals, Oid type, const char *field)
{
	ErrorContextCallback callback = {error_context_stack, literal_error, unconstify(char *, field)};
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int			kept = 0;
	char	  **texts;

	deconstruct_array(DatumGetArrayTypeP(literals), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	texts = palloc(sizeof(char *) * (n + 1));
	error_context_stack = &callback;
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("literals of a row scope must not be null"),
					 errhint("Use the operator \"is null\" to reach rows whose field is null.")));
		texts[i] = value_canonical(type, TextDatumGetCString(elements[i]));
	}
	error_context_stack = callback.previous;
	qsort(texts, n, sizeof(char *), compare_texts);
	for (int i = 0; i < n; i++)
	{
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			elements[kept++] = CStringGetTextDatum(texts[i]);
	}
	return PointerGetDatum(construct_array(elements, kept, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * The same as the owner of the relation, as maintenance commands do: reading an array of a domain runs the checks of the
 * domain, which are code of others, and whoever touches a row of spsa.row_scope comes by here.
 */
static Datum
canonical_literals_as_owner(Datum literals, Oid type, const char *field, Oid object)
{
	Oid			user;
	int			context;
	Datum		result;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(table_relation_owner(object), context | SECURITY_RESTRICTED_OPERATION | SECURITY_LOCAL_USERID_CHANGE);
	result = canonical_literals(literals, type, field);
	SetUserIdAndSecContext(user, context);
	return result;
}

static void
check_type(Oid type, const char *field, const char *operator)
{
	if (strcmp(operator, "is null") != 0 &&
		!OidIsValid(lookup_type_cache(getBaseType(type), TYPECACHE_CMP_PROC)->cmp_proc))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("field \"%s\" has type %s, which has no ordering", field, format_type_be(type)),
				 errhint("Row scopes compare fields by a default btree operator class.")));
}

/* SQL: spsa.check_row_scope() */
PG_FUNCTION_INFO_V1(spsa_check_row_scope);
Datum
spsa_check_row_scope(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	bool		no_set;
	bool		no_object;
	bool		no_field;
	bool		no_literals;
	bool		no_type;
	bool		no_number;
	Oid			object;
	AttrNumber	attnum;
	int			columns[3] = {Anum_row_scope_field_number, Anum_row_scope_field_type, Anum_row_scope_literals};
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	char	   *field;
	Oid			type;
	int32		set_id;

	set_id = DatumGetInt32(validate_column(&row, Anum_row_scope_set_id, &no_set));
	object = DatumGetObjectId(validate_column(&row, Anum_row_scope_object, &no_object));
	(void) validate_column(&row, Anum_row_scope_field, &no_field);
	if (no_set || no_object || no_field)
		return PointerGetDatum(row.tuple);	/* NOT NULL says so */
	field = NameStr(*DatumGetName(validate_column(&row, Anum_row_scope_field, &no_field)));
	check_scope_shape(&row);
	if (validate_granting_set(&row, Anum_row_scope_set_id) == KIND_MUTING)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a muting set has no row scopes"),
				 errhint("It takes whole privileges away from what its group grants.")));
	check_scope_has_grant(set_id, object);

	(void) ConditionalLockRelationOid(object, AccessShareLock);
	attnum = get_attnum(object, field);
	type = attnum > 0 ? get_atttype(object, attnum) : InvalidOid;
	values[1] = validate_column(&row, Anum_row_scope_field_type, &no_type);
	values[0] = validate_column(&row, Anum_row_scope_field_number, &no_number);
	if (!no_number && DatumGetInt16(values[0]) == 0)
	{
		nulls[1] = true;		/* its column is gone */
		return PointerGetDatum(heap_modify_tuple_by_cols(row.tuple, row.desc, 2, columns, values, nulls));
	}
	values[0] = Int16GetDatum(attnum);
	nulls[0] = attnum <= 0;
	if (row.inserted && !no_type && DatumGetObjectId(values[1]) != type)
		return PointerGetDatum(heap_modify_tuple_by_cols(row.tuple, row.desc, 1, columns, values, nulls));	/* restored from a dump:
																											 * matches no row, then
																											 * as now */
	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", field, get_rel_name(object))));
	check_type(type, field, validate_text(&row, Anum_row_scope_operator));
	values[1] = ObjectIdGetDatum(type);
	values[2] = validate_column(&row, Anum_row_scope_literals, &no_literals);
	nulls[2] = no_literals;
	if (!no_literals)
		values[2] = canonical_literals_as_owner(values[2], type, field, object);
	return PointerGetDatum(heap_modify_tuple_by_cols(row.tuple, row.desc, 3, columns, values, nulls));
}

static int32
find_set_argument(FunctionCallInfo fcinfo)
{
	int32		set_id;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("permission set name must not be null")));
	set_id = definition_find_set(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (set_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("permission set \"%s\" does not exist", text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	return set_id;
}

/* SQL: spsa.find_set(text) */
PG_FUNCTION_INFO_V1(spsa_find_set);
Datum
spsa_find_set(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(find_set_argument(fcinfo));
}

/* SQL: spsa.find_muting_set(text) */
PG_FUNCTION_INFO_V1(spsa_find_muting_set);
Datum
spsa_find_muting_set(PG_FUNCTION_ARGS)
{
	int32		set_id = find_set_argument(fcinfo);

	if (definition_kind(set_id) != KIND_MUTING)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("permission set \"%s\" is not a muting set", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				 errhint("Create one with spsa_create_permission_set(..., kind => 'muting').")));
	PG_RETURN_INT32(set_id);
}

static bool
is_listed(Datum name, Datum *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(TextDatumGetCString(name), TextDatumGetCString(names[i])) == 0)
			return true;
	}
	return false;
}

/* SQL: spsa.check_privileges(text[], text[]) */
PG_FUNCTION_INFO_V1(spsa_check_privileges);
Datum
spsa_check_privileges(PG_FUNCTION_ARGS)
{
	Datum	   *given;
	Datum	   *allowed;
	bool	   *nulls;
	bool	   *no_nulls;
	int			n;
	int			nallowed;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("privileges must not be null")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &given, &nulls, &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &allowed, &no_nulls, &nallowed);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no privilege is given")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("privileges must not be null")));
		if (!is_listed(given[i], allowed, nallowed))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown privilege \"%s\"", TextDatumGetCString(given[i])),
					 errhint("Privileges are read, create, edit and delete; for objects also view_all and modify_all.")));
	}
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* SQL: spsa.check_target_schema(name), during installation only */
PG_FUNCTION_INFO_V1(spsa_check_target_schema);
Datum
spsa_check_target_schema(PG_FUNCTION_ARGS)
{
	Oid			type = NAMEOID;
	Datum		schema = PG_GETARG_DATUM(0);

	SPI_connect();
	if (SPI_execute_with_args("SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text FROM pg_catalog.pg_proc p"
							  " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
							  " WHERE n.nspname = $1 AND p.proname LIKE 'spsa\\_%'"
							  " UNION ALL SELECT t.oid::pg_catalog.regtype::pg_catalog.text FROM pg_catalog.pg_type t"
							  " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
							  " WHERE n.nspname = $1 AND t.typname LIKE 'spsa\\_%' ORDER BY 1",
							  1, &type, &schema, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for functions in the target schema");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FUNCTION),
				 errmsg("function or type %s exists already", SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
				 errdetail("It could be called in place of a function of the extension."),
				 errhint("Drop it, or create the extension in a schema that has no functions or types named spsa_*.")));
	SPI_finish();
	PG_RETURN_VOID();
}
