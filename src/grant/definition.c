/* definition.c - what permission sets grant: reading spsa.permission_set, object_permission and row_scope.
 *
 * Invariant 1: what is not understood (an operator, a privilege, a kind of set) grants nothing. Results are allocated in
 * the caller's memory context.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "utils/memutils.h"

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
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	int32		set_id = 0;

	table_key(&key, Anum_permission_set_set_name, F_TEXTEQ, CStringGetTextDatum(name));
	table_begin(&scan, "permission_set", "permission_set_set_name_key", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		set_id = DatumGetInt32(table_value(&scan, row, Anum_permission_set_set_id, &isnull));
	table_end(&scan);
	table_snapshot_release(snapshot);
	return set_id;
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
	TableScan	scan;
	ScanKeyData keys[2];
	bool		found;

	table_key(&keys[0], Anum_object_permission_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_key(&keys[1], Anum_object_permission_object, F_OIDEQ, ObjectIdGetDatum(object));
	table_begin(&scan, "object_permission", "object_permission_pkey", snapshot, 2, keys);
	found = HeapTupleIsValid(table_next(&scan));
	table_end(&scan);
	table_snapshot_release(snapshot);
	return found;
}

/* NULL if the set is gone or of a kind that does not grant by itself. */
Definition *
definition_read(int32 set_id, Snapshot snapshot)
{
	Definition *definition = NULL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, Anum_permission_set_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_begin(&scan, "permission_set", "permission_set_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row) &&
		strcmp(TextDatumGetCString(table_value(&scan, row, Anum_permission_set_kind, &isnull)), "set") == 0)
	{
		definition = palloc0(sizeof(Definition));
		definition->set_id = set_id;
		definition->name = TextDatumGetCString(table_value(&scan, row, Anum_permission_set_set_name, &isnull));
		definition->activation_required =
			DatumGetBool(table_value(&scan, row, Anum_permission_set_activation_required, &isnull));
	}
	table_end(&scan);
	if (definition != NULL)
		read_grants(definition, snapshot);
	return definition;
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
