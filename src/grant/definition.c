/* definition.c - what permission sets grant: reading spsa.permission_set and the tables that refer to it.
 *
 * Invariant 1: what is not understood (an operator, a privilege, a kind of set) grants nothing. Results are allocated in
 * the caller's memory context.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/table.h"
#include "grant/definition.h"

const char *const privilege_names[PRIVILEGE_COUNT] = {"read", "create", "edit", "delete", "view_all", "modify_all"};

bool
privilege_parse(const char *name, Privilege *privilege)
{
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if (strcmp(name, privilege_names[i]) == 0)
		{
			*privilege = (Privilege) i;
			return true;
		}
	}
	return false;
}

bool
operator_parse(const char *name, ScopeOperator *operator)
{
	static const char *const names[] = {"=", "<", "<=", ">", ">=", "is null"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
		{
			*operator = (ScopeOperator) i;
			return true;
		}
	}
	return false;
}

/* Identifier of a set, or 0. */
int32
definition_find_set(const char *name)
{
	ScanKeyData key;
	Datum		set_id;

	table_key(&key, Anum_permission_set_set_name, F_TEXTEQ, CStringGetTextDatum(name));
	return table_find("permission_set", "permission_set_set_name_key", &key, Anum_permission_set_set_id, &set_id) ?
		DatumGetInt32(set_id) : 0;
}

/* Identifier of a custom permission, or 0. */
int32
definition_find_permission(const char *name)
{
	ScanKeyData key;
	Datum		permission_id;

	table_key(&key, Anum_custom_permission_permission_name, F_TEXTEQ, CStringGetTextDatum(name));
	return table_find("custom_permission", "custom_permission_permission_name_key", &key,
					  Anum_custom_permission_permission_id, &permission_id) ? DatumGetInt32(permission_id) : 0;
}

static char **
text_array(Datum value, int *n)
{
	Datum	   *elements;
	bool	   *nulls;
	char	  **result;
	int			kept = 0;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, n);
	result = palloc(sizeof(char *) * (*n + 1));
	for (int i = 0; i < *n; i++)
	{
		if (!nulls[i])
			result[kept++] = TextDatumGetCString(elements[i]);
	}
	*n = kept;
	return result;
}

static uint32
privilege_bits(char **names, int n)
{
	uint32		bits = 0;
	Privilege	privilege;

	for (int i = 0; i < n; i++)
	{
		if (privilege_parse(names[i], &privilege))
			bits |= PRIVILEGE_BIT(privilege);
	}
	return bits;
}

/* NULL if the row is not understood: then the grant reaches no row by it. */
static RowScope *
scope_from_row(const TableScan *scan, HeapTuple row)
{
	RowScope   *scope = palloc0(sizeof(RowScope));
	bool		isnull;
	Datum		value;
	char	  **names;
	int			n;

	if (!operator_parse(TextDatumGetCString(table_value(scan, row, Anum_row_scope_operator, &isnull)), &scope->operator))
		return NULL;
	scope->field = *DatumGetName(table_value(scan, row, Anum_row_scope_field, &isnull));
	value = table_value(scan, row, Anum_row_scope_field_type, &isnull);
	scope->field_type = isnull ? InvalidOid : DatumGetObjectId(value);
	value = table_value(scan, row, Anum_row_scope_literals, &isnull);
	if (!isnull)
		scope->literals = text_array(value, &scope->nliterals);
	value = table_value(scan, row, Anum_row_scope_attribute, &isnull);
	if (!isnull)
		scope->attribute = TextDatumGetCString(value);
	value = table_value(scan, row, Anum_row_scope_privileges, &isnull);
	scope->privileges = ~0u;
	if (!isnull)
	{
		names = text_array(value, &n);
		scope->privileges = privilege_bits(names, n);
	}
	return scope;
}

static List *
read_scopes(int32 set_id, Oid object, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData keys[2];
	HeapTuple	row;
	List	   *scopes = NIL;

	table_key(&keys[0], Anum_row_scope_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_key(&keys[1], Anum_row_scope_object, F_OIDEQ, ObjectIdGetDatum(object));
	table_begin(&scan, "row_scope", "row_scope_set_id_object_idx", snapshot, 2, keys);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		RowScope   *scope = scope_from_row(&scan, row);

		if (scope == NULL)
		{
			/*
			 * It would have narrowed by AND: without it the set must not
			 * reach more.
			 */
			scopes = NIL;
			break;
		}
		scopes = lappend(scopes, scope);
	}
	table_end(&scan);
	return scopes;
}

static void
grant_from_row(ObjectGrant *grant, const TableScan *scan, HeapTuple row)
{
	static const AttrNumber columns[PRIVILEGE_COUNT] = {
		Anum_object_permission_can_read, Anum_object_permission_can_create, Anum_object_permission_can_edit,
		Anum_object_permission_can_delete, Anum_object_permission_view_all, Anum_object_permission_modify_all
	};
	bool		isnull;

	memset(grant, 0, sizeof(ObjectGrant));
	grant->object = DatumGetObjectId(table_value(scan, row, Anum_object_permission_object, &isnull));
	grant->row_scoped = DatumGetBool(table_value(scan, row, Anum_object_permission_row_scoped, &isnull));
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
	{
		if (DatumGetBool(table_value(scan, row, columns[i], &isnull)))
			grant->privileges |= PRIVILEGE_BIT(i);
	}
}

/* The index gives them in the order of their objects. */
static void
read_grants(Definition *definition, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	int			room = 4;

	definition->grants = palloc(sizeof(ObjectGrant) * room);
	table_key(&key, Anum_object_permission_set_id, F_INT4EQ, Int32GetDatum(definition->set_id));
	table_begin(&scan, "object_permission", "object_permission_pkey", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		ObjectGrant *grant;

		if (definition->ngrants == room)
		{
			room *= 2;
			definition->grants = repalloc_huge(definition->grants, sizeof(ObjectGrant) * room);
		}
		grant = &definition->grants[definition->ngrants++];
		grant_from_row(grant, &scan, row);
		if (grant->row_scoped)
			grant->scopes = read_scopes(definition->set_id, grant->object, snapshot);
	}
	table_end(&scan);
}

bool
definition_has_grant(int32 set_id, Oid object)
{
	Snapshot	snapshot = table_snapshot();
	ScanKeyData keys[2];
	bool		found;

	table_key(&keys[0], Anum_object_permission_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_key(&keys[1], Anum_object_permission_object, F_OIDEQ, ObjectIdGetDatum(object));
	found = table_has_row("object_permission", "object_permission_pkey", snapshot, 2, keys);
	table_snapshot_release(snapshot);
	return found;
}

static FieldGrant *
field_from_row(const TableScan *scan, HeapTuple row)
{
	FieldGrant *field = palloc0(sizeof(FieldGrant));
	bool		isnull;

	field->object = DatumGetObjectId(table_value(scan, row, Anum_field_permission_object, &isnull));
	field->number = DatumGetInt16(table_value(scan, row, Anum_field_permission_field_number, &isnull));
	field->field = *DatumGetName(table_value(scan, row, Anum_field_permission_field, &isnull));
	if (DatumGetBool(table_value(scan, row, Anum_field_permission_can_read, &isnull)))
		field->privileges |= PRIVILEGE_BIT(PRIVILEGE_READ);
	if (DatumGetBool(table_value(scan, row, Anum_field_permission_can_edit, &isnull)))
		field->privileges |= PRIVILEGE_BIT(PRIVILEGE_EDIT);
	return field;
}

/* Rows of a table that belong to a set, by an index that begins with the set's column. */
static void
begin_rows_of_set(TableScan *scan, const char *table, const char *index, AttrNumber column, int32 set_id, Snapshot snapshot,
				  ScanKey key)
{
	table_key(key, column, F_INT4EQ, Int32GetDatum(set_id));
	table_begin(scan, table, index, snapshot, 1, key);
}

static void
read_fields(Definition *definition, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	begin_rows_of_set(&scan, "field_permission", "field_permission_pkey", Anum_field_permission_set_id, definition->set_id,
					  snapshot, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
		definition->fields = lappend(definition->fields, field_from_row(&scan, row));
	table_end(&scan);
}

static void
read_functions(Definition *definition, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	begin_rows_of_set(&scan, "function_permission", "function_permission_pkey", Anum_function_permission_set_id,
					  definition->set_id, snapshot, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
		definition->functions = lappend(definition->functions,
										TextDatumGetCString(table_value(&scan, row, Anum_function_permission_function, &isnull)));
	table_end(&scan);
}

/* The integers of another column in the rows of the set. */
static List *
read_integers(const char *table, const char *index, AttrNumber column, AttrNumber result, int32 set_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	List	   *integers = NIL;

	begin_rows_of_set(&scan, table, index, column, set_id, snapshot, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
		integers = lappend_int(integers, DatumGetInt32(table_value(&scan, row, result, &isnull)));
	table_end(&scan);
	return integers;
}

static void
read_members(Definition *definition, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	begin_rows_of_set(&scan, "group_member", "group_member_pkey", Anum_group_member_group_id, definition->set_id, snapshot, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		GroupMember *member = palloc(sizeof(GroupMember));

		member->set_id = DatumGetInt32(table_value(&scan, row, Anum_group_member_member_id, &isnull));
		member->added_at = DatumGetTimestampTz(table_value(&scan, row, Anum_group_member_added_at, &isnull));
		definition->members = lappend(definition->members, member);
	}
	table_end(&scan);
}

/* Sets whose kind of exclusion with the set is dynamic, or not understood. */
static List *
read_excluded(const char *index, AttrNumber column, AttrNumber other, int32 set_id, Snapshot snapshot, List *excluded)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	begin_rows_of_set(&scan, "exclusion", index, column, set_id, snapshot, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		if (strcmp(TextDatumGetCString(table_value(&scan, row, Anum_exclusion_kind, &isnull)), "static") != 0)
			excluded = lappend_int(excluded, DatumGetInt32(table_value(&scan, row, other, &isnull)));
	}
	table_end(&scan);
	return excluded;
}

bool
definition_parse_kind(const char *name, SetKind *kind)
{
	static const char *const names[] = {"set", "group", "muting"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
		{
			*kind = (SetKind) i;
			return true;
		}
	}
	return false;
}

/* NULL if the set is gone or of a kind that is not understood. */
static Definition *
read_set(int32 set_id, Snapshot snapshot)
{
	Definition *definition = NULL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	Datum		value;
	SetKind		kind;

	begin_rows_of_set(&scan, "permission_set", "permission_set_pkey", Anum_permission_set_set_id, set_id, snapshot, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row) &&
		definition_parse_kind(TextDatumGetCString(table_value(&scan, row, Anum_permission_set_kind, &isnull)), &kind))
	{
		definition = palloc0(sizeof(Definition));
		definition->set_id = set_id;
		definition->kind = kind;
		definition->name = TextDatumGetCString(table_value(&scan, row, Anum_permission_set_set_name, &isnull));
		definition->activation_required =
			DatumGetBool(table_value(&scan, row, Anum_permission_set_activation_required, &isnull));
		value = table_value(&scan, row, Anum_permission_set_member_activation, &isnull);
		definition->bypass = !isnull && strcmp(TextDatumGetCString(value), "bypass") == 0;
	}
	table_end(&scan);
	return definition;
}

bool
definition_exists(int32 set_id)
{
	Snapshot	snapshot = table_snapshot();
	bool		found = read_set(set_id, snapshot) != NULL;

	table_snapshot_release(snapshot);
	return found;
}

/* KIND_SET if the set is gone. */
SetKind
definition_kind(int32 set_id)
{
	Snapshot	snapshot = table_snapshot();
	const Definition *set = read_set(set_id, snapshot);

	table_snapshot_release(snapshot);
	return set == NULL ? KIND_SET : set->kind;
}

static int
compare_objects(const ListCell *a, const ListCell *b)
{
	Oid			one = ((const ObjectProtection *) lfirst(a))->object;
	Oid			other = ((const ObjectProtection *) lfirst(b))->object;

	return one < other ? -1 : one > other;
}

static List *
read_protected_objects(Snapshot snapshot)
{
	List	   *objects = NIL;
	TableScan	scan;
	HeapTuple	row;
	bool		isnull;
	Datum		value;

	table_begin(&scan, "protected_object", "protected_object_pkey", snapshot, 0, NULL);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		ObjectProtection *object = palloc(sizeof(ObjectProtection));

		object->object = DatumGetObjectId(table_value(&scan, row, Anum_protected_object_object, &isnull));
		object->raises = strcmp(TextDatumGetCString(table_value(&scan, row, Anum_protected_object_on_denied, &isnull)), "hide") != 0;
		object->force = DatumGetBool(table_value(&scan, row, Anum_protected_object_force, &isnull));
		value = table_value(&scan, row, Anum_protected_object_root, &isnull);
		object->root = isnull ? InvalidOid : DatumGetObjectId(value);
		objects = lappend(objects, object);
	}
	table_end(&scan);
	list_sort(objects, compare_objects);
	return objects;
}

/* Everything that is protected. */
static Definition *
read_protection(Snapshot snapshot)
{
	Definition *definition = palloc0(sizeof(Definition));
	TableScan	scan;
	HeapTuple	row;
	bool		isnull;

	table_begin(&scan, "protected_field", "protected_field_pkey", snapshot, 0, NULL);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		FieldGrant *field = palloc0(sizeof(FieldGrant));

		field->object = DatumGetObjectId(table_value(&scan, row, Anum_protected_field_object, &isnull));
		field->number = DatumGetInt16(table_value(&scan, row, Anum_protected_field_field_number, &isnull));
		field->field = *DatumGetName(table_value(&scan, row, Anum_protected_field_field, &isnull));
		definition->fields = lappend(definition->fields, field);
	}
	table_end(&scan);
	table_begin(&scan, "protected_function", "protected_function_pkey", snapshot, 0, NULL);
	while (HeapTupleIsValid(row = table_next(&scan)))
		definition->functions = lappend(definition->functions,
										TextDatumGetCString(table_value(&scan, row, Anum_protected_function_function, &isnull)));
	table_end(&scan);
	definition->objects = read_protected_objects(snapshot);
	return definition;
}

/* NULL if the set is gone or of a kind that is not understood. */
Definition *
definition_read(int32 set_id, Snapshot snapshot)
{
	Definition *definition;

	if (set_id == DEFINITION_OF_PROTECTION)
		return read_protection(snapshot);
	definition = read_set(set_id, snapshot);
	if (definition == NULL)
		return NULL;
	definition->excluded = read_excluded("exclusion_pkey", Anum_exclusion_set_a, Anum_exclusion_set_b, set_id, snapshot, NIL);
	definition->excluded = read_excluded("exclusion_set_b_idx", Anum_exclusion_set_b, Anum_exclusion_set_a, set_id, snapshot,
										 definition->excluded);
	if (definition->kind == KIND_GROUP)
	{
		read_members(definition, snapshot);
		return definition;
	}
	read_grants(definition, snapshot);
	read_fields(definition, snapshot);
	read_functions(definition, snapshot);
	definition->permissions = read_integers("custom_permission_grant", "custom_permission_grant_pkey",
											Anum_custom_permission_grant_set_id, Anum_custom_permission_grant_permission_id,
											set_id, snapshot);
	return definition;
}

/* Privileges that are taken away with others: those that need them. */
uint32
definition_closure_of_muting(uint32 privileges)
{
	const uint32 modify_all = PRIVILEGE_BIT(PRIVILEGE_MODIFY_ALL);

	if ((privileges & PRIVILEGE_BIT(PRIVILEGE_READ)) != 0)
		return PRIVILEGE_BIT(PRIVILEGE_COUNT) - 1;
	if ((privileges & PRIVILEGE_BIT(PRIVILEGE_EDIT)) != 0)
		privileges |= PRIVILEGE_BIT(PRIVILEGE_DELETE);
	if ((privileges & (PRIVILEGE_BIT(PRIVILEGE_DELETE) | PRIVILEGE_BIT(PRIVILEGE_VIEW_ALL))) != 0)
		privileges |= modify_all;
	return privileges;
}

/* Whether the column is listed under the name that it has now. */
static bool
has_its_name(const FieldGrant *field)
{
	char	   *name = get_attname(field->object, field->number, true);

	return name != NULL && strcmp(name, NameStr(field->field)) == 0;
}

/*
 * Privileges (bits) that the set lists for a column. A column that was renamed may be listed under several names: granted
 * is what stands under the name of now, muted what stands under any.
 */
uint32
definition_field(const Definition *definition, Oid object, AttrNumber number)
{
	uint32		privileges = 0;
	ListCell   *cell;

	foreach(cell, definition->fields)
	{
		const FieldGrant *field = lfirst(cell);

		if (field->object == object && field->number == number && (definition->kind == KIND_MUTING || has_its_name(field)))
			privileges |= field->privileges;
	}
	return privileges;
}

/* Whether the column is listed, by its number or by the name that it has now: what is protected stays so. */
static bool
has_field(const Definition *definition, Oid object, AttrNumber number)
{
	ListCell   *cell;

	foreach(cell, definition->fields)
	{
		const FieldGrant *field = lfirst(cell);

		if (field->object == object && (field->number == number || get_attnum(object, NameStr(field->field)) == number))
			return true;
	}
	return false;
}

/*
 * The object whose permissions count: of a table that is protected with the table above it, that one. A step and no more,
 * as everywhere: what is protected with another is nobody's root.
 */
Oid
definition_root(const Definition *protection, Oid object)
{
	int			low = 0;
	int			high = list_length(protection->objects);

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const ObjectProtection *found = list_nth(protection->objects, middle);

		if (found->object == object)
			return OidIsValid(found->root) ? found->root : object;
		if (found->object < object)
			low = middle + 1;
		else
			high = middle;
	}
	return object;
}

/* Where permissions on a column stand: on the root's column of its name, if there is one. */
void
definition_granted_field(const Definition *protection, Oid *object, AttrNumber *number)
{
	Oid			root = definition_root(protection, *object);
	char	   *name = root == *object ? NULL : get_attname(*object, *number, true);
	AttrNumber	of_root = name == NULL ? InvalidAttrNumber : get_attnum(root, name);

	if (of_root == InvalidAttrNumber)
		return;
	*object = root;
	*number = of_root;
}

/* Whether a column is protected: itself, or the root's of its name. */
bool
definition_protects_field(const Definition *protection, Oid object, AttrNumber number)
{
	if (has_field(protection, object, number))
		return true;
	definition_granted_field(protection, &object, &number);
	return has_field(protection, object, number);
}

bool
definition_has_function(const Definition *definition, const char *signature)
{
	ListCell   *cell;

	foreach(cell, definition->functions)
	{
		if (strcmp(lfirst(cell), signature) == 0)
			return true;
	}
	return false;
}

/* What the set grants on an object, or NULL. */
const ObjectGrant *
definition_grant(const Definition *definition, Oid object)
{
	int			low = 0;
	int			high = definition->ngrants;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (definition->grants[middle].object == object)
			return &definition->grants[middle];
		if (definition->grants[middle].object < object)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
