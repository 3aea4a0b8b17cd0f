/* protect.c - putting objects under spsa: the policies of tables, and keeping them there.
 *
 * For each command there is a restrictive policy, which no other policy can widen, and a permissive twin with the same
 * expression, without which PostgreSQL would deny everything. Never USING (true): DROP COLUMN ... CASCADE drops policies
 * that name the column, and an admit-all would survive it. The text of the policies is static: granting is data.
 *
 * Rights: the table's DDL runs as the caller, who must own the table; the configuration is written as the extension's
 * owner.
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/owner.h"
#include "base/table.h"
#include "enforce/protect.h"
#include "enforce/truncate.h"

/* A call takes at most FUNC_MAX_ARGS arguments, two of them for object and privilege. */
#define MAX_ROW_FIELDS ((FUNC_MAX_ARGS - 2) / 2)

static const struct
{
	const char *name;
	const char *command;
	const char *privilege;
	char		polcmd;			/* as in pg_policy */
	bool		has_using;
	bool		has_check;
}			commands[] = {
	{"spsa_read", "SELECT", "read", 'r', true, false},
	{"spsa_create", "INSERT", "create", 'a', false, true},
	{"spsa_edit", "UPDATE", "edit", 'w', true, true},
	{"spsa_delete", "DELETE", "delete", 'd', true, false}
};

#define TWIN_SUFFIX "_admit"

/* While spsa_protect() and spsa_unprotect() drop policies themselves. */
static bool replacing = false;

/* Its name. */
char *
protect_check_owner(Oid object)
{
	char	   *name = get_rel_name(object);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", object)));
	if (!pg_class_ownercheck(object, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
	return name;
}

/* Its name. Asked before the lock is taken, so that nobody else can stall its users, and again when it is held. */
char *
protect_lock_own(Oid object)
{
	(void) protect_check_owner(object);
	LockRelationOid(object, AccessExclusiveLock);
	return protect_check_owner(object);
}

static bool
is_table(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

static bool
can_be_protected(char relkind)
{
	return is_table(relkind) || relkind == RELKIND_VIEW || relkind == RELKIND_MATVIEW || relkind == RELKIND_FOREIGN_TABLE ||
		relkind == RELKIND_SEQUENCE;
}

static void
check_object(Oid object)
{
	char	   *name = protect_lock_own(object);
	char		relkind = get_rel_relkind(object);

	if (IsCatalogRelationOid(object) || get_rel_namespace(object) == table_schema())
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", name)));
	if (!can_be_protected(relkind))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table, view, foreign table or sequence", name)));
	if (get_rel_persistence(object) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("temporary relation \"%s\" cannot be protected", name)));
}

static void
read_row_fields(Protection *protection)
{
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(DatumGetArrayTypeP(protection->row_fields), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, &nulls, &protection->nfields);
	if (protection->nfields > MAX_ROW_FIELDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at most %d row fields are possible", MAX_ROW_FIELDS)));
	protection->fields = palloc(sizeof(char *) * (protection->nfields + 1));
	for (int i = 0; i < protection->nfields; i++)
	{
		char	   *field;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("row fields must not be null")));
		field = NameStr(*DatumGetName(elements[i]));
		if (get_attnum(protection->object, field) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist", field, get_rel_name(protection->object))));
		for (int j = 0; j < i; j++)
		{
			if (strcmp(protection->fields[j], field) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("row field \"%s\" is given twice", field)));
		}
		protection->fields[i] = field;
	}
	protection->columns = protection->fields;
}

void
protect_run_ddl(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
}

/* The call of which a policy consists. */
static char *
policy_expression(const Protection *protection, const char *privilege)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s.%s(%s::pg_catalog.regclass, '%s'::pg_catalog.text", protection->functions,
					 protection->nfields > 0 ? "spsa_allows_row" : "spsa_allows",
					 quote_literal_cstr(protect_qualified_name(protection->root)), privilege);
	for (int i = 0; i < protection->nfields; i++)
		appendStringInfo(&sql, ", %s::pg_catalog.text, %s", quote_literal_cstr(protection->fields[i]),
						 quote_identifier(protection->columns[i]));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

static void
create_policy(const Protection *protection, int command, bool restrictive)
{
	char	   *expression = policy_expression(protection, commands[command].privilege);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE POLICY %s%s ON %s AS %s FOR %s TO PUBLIC", commands[command].name,
					 restrictive ? "" : TWIN_SUFFIX, protection->qualified,
					 restrictive ? "RESTRICTIVE" : "PERMISSIVE", commands[command].command);
	if (commands[command].has_using)
		appendStringInfo(&sql, " USING (%s)", expression);
	if (commands[command].has_check)
		appendStringInfo(&sql, " WITH CHECK (%s)", expression);
	protect_run_ddl(sql.data);
}

/* Names of our policies as an SQL array. */
static char *
policy_names(bool restrictive, bool twins)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "ARRAY[");
	for (int i = 0; i < lengthof(commands); i++)
	{
		if (restrictive)
			appendStringInfo(&sql, "%s'%s'", sql.len > 6 ? ", " : "", commands[i].name);
		if (twins)
			appendStringInfo(&sql, "%s'%s" TWIN_SUFFIX "'", sql.len > 6 ? ", " : "", commands[i].name);
	}
	appendStringInfoString(&sql, "]::pg_catalog.name[]");
	return sql.data;
}

/* A number from the catalogs. */
static int64
count_policies(Oid object, const char *condition)
{
	bool		isnull;
	char	   *sql = psprintf("SELECT pg_catalog.count(*) FROM pg_catalog.pg_policy p WHERE p.polrelid = %u AND (%s)",
							   object, condition);

	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count policies");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Those of ours that the table has. */
static void
drop_policies(Oid object, const char *qualified)
{
	char	  **names;
	int			n;

	if (SPI_execute(psprintf("SELECT p.polname FROM pg_catalog.pg_policy p WHERE p.polrelid = %u AND p.polname = ANY (%s)",
							 object, policy_names(true, true)), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not find policies");
	n = (int) SPI_processed;
	names = palloc(sizeof(char *) * (n + 1));
	for (int i = 0; i < n; i++)
		names[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	replacing = true;
	PG_TRY();
	{
		for (int i = 0; i < n; i++)
			protect_run_ddl(psprintf("DROP POLICY %s ON %s", names[i], qualified));
	}
	PG_FINALLY();
	{
		replacing = false;
	}
	PG_END_TRY();
}

/* Whether a policy is ours for a privilege, or its twin. */
bool
protect_is_policy(const char *policy, const char *privilege)
{
	for (int i = 0; i < lengthof(commands); i++)
	{
		if (strcmp(privilege, commands[i].privilege) == 0)
			return strcmp(policy, commands[i].name) == 0 || strcmp(policy, psprintf("%s" TWIN_SUFFIX, commands[i].name)) == 0;
	}
	return false;
}

Oid
protect_function_oid(const char *quoted_schema, bool with_fields)
{
	char	   *signature = psprintf("%s.%s", quoted_schema,
									 with_fields ? "spsa_allows_row(pg_catalog.regclass,pg_catalog.text,pg_catalog.\"any\")" :
									 "spsa_allows(pg_catalog.regclass,pg_catalog.text)");

	return DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature)));
}

/* How many of our policies of the object call our function: somebody may have made another one of that name. */
static int64
count_genuine(Oid object, const char *quoted_schema, bool with_fields, bool restrictive)
{
	return count_policies(object, psprintf("p.polname = ANY (%s) AND p.polpermissive = %s AND EXISTS (SELECT FROM pg_catalog.pg_depend d"
										   " WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid"
										   " AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid = %u)",
										   policy_names(restrictive, !restrictive), restrictive ? "false" : "true",
										   protect_function_oid(quoted_schema, with_fields)));
}

/* Whether the table has a permissive policy of its own for the command. */
static bool
has_own_policy(Oid object, int command)
{
	return count_policies(object, psprintf("p.polpermissive AND p.polname <> ALL (%s) AND p.polcmd IN ('*', '%c')",
										   policy_names(true, true), commands[command].polcmd)) > 0;
}

static void
create_policies(const Protection *protection)
{
	drop_policies(protection->object, protection->qualified);
	for (int i = 0; i < lengthof(commands); i++)
	{
		if (protection->as_restrictive)
			create_policy(protection, i, true);
		if (!protection->as_restrictive || !has_own_policy(protection->object, i))
			create_policy(protection, i, false);
	}
	if (count_genuine(protection->object, protection->functions, protection->nfields > 0, protection->as_restrictive) !=
		lengthof(commands))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FUNCTION),
				 errmsg("another function is called in place of the extension's"),
				 errhint("Drop functions named spsa_allows or spsa_allows_row that are not the extension's from schema %s.",
						 protection->functions)));
}

static OwnerStatement upsert_protected = {
	"INSERT INTO spsa.protected_object AS p (object, row_fields, on_denied, as_restrictive, force, root)"
	" VALUES ($1, $2, $3, $4, $5, $6)"
	" ON CONFLICT (object) DO UPDATE SET row_fields = excluded.row_fields, on_denied = excluded.on_denied,"
	" as_restrictive = excluded.as_restrictive, force = excluded.force, root = excluded.root"
	" WHERE (p.row_fields, p.on_denied, p.as_restrictive, p.force, p.root)"
	" IS DISTINCT FROM (excluded.row_fields, excluded.on_denied, excluded.as_restrictive, excluded.force, excluded.root)",
	6, {REGCLASSOID, NAMEARRAYOID, TEXTOID, BOOLOID, BOOLOID, REGCLASSOID}
};

static OwnerStatement delete_protected = {
	"DELETE FROM spsa.protected_object p WHERE p.object = $1", 1, {REGCLASSOID}
};

/*
 * A column that was renamed is passed by its new name from now on: its row scopes follow. Where its type has changed as
 * well, or the column is not known, they must not match another column of the old name.
 */
static OwnerStatement follow_row_scopes = {
	"UPDATE spsa.row_scope s SET field = a.attname FROM pg_catalog.pg_attribute a WHERE s.object = $1"
	" AND a.attrelid = s.object AND a.attnum = s.field_number AND a.attname <> s.field AND NOT a.attisdropped"
	" AND a.atttypid = s.field_type",
	1, {REGCLASSOID}
};

static OwnerStatement end_row_scopes = {
	"UPDATE spsa.row_scope s SET field_number = 0 WHERE s.object = $1 AND CASE WHEN s.field_number IS NULL"
	" THEN s.field <> ALL ($2) ELSE EXISTS (SELECT FROM pg_catalog.pg_attribute a"
	" WHERE a.attrelid = s.object AND a.attnum = s.field_number AND a.attname <> s.field) END",
	2, {REGCLASSOID, NAMEARRAYOID}
};

static char *
schema_of_function(FunctionCallInfo fcinfo)
{
	return pstrdup(quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid))));
}

char *
protect_qualified_name(Oid object)
{
	return pstrdup(quote_qualified_identifier(get_namespace_name(get_rel_namespace(object)), get_rel_name(object)));
}

/* Returns whether on_denied is error. */
static bool
check_protect_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"object", "row_fields", "on_denied", "force", "as_restrictive"};
	char	   *on_denied;

	for (int i = 0; i < lengthof(names); i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
	}
	on_denied = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (strcmp(on_denied, "hide") != 0 && strcmp(on_denied, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown value \"%s\" of on_denied", on_denied),
				 errhint("The values are hide and error.")));
	return strcmp(on_denied, "error") == 0;
}

/* Enables row-level security and makes the policies. As the caller. */
void
protect_make_policies(const Protection *protection)
{
	OwnerState	state;

	owner_begin_as_caller(&state);
	protect_run_ddl(psprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, %s ROW LEVEL SECURITY", protection->qualified,
							 protection->force ? "FORCE" : "NO FORCE"));
	create_policies(protection);
	truncate_replace_trigger(protection->object, protection->qualified, protection->as_restrictive);
	owner_end(&state);
}

/* Between owner_begin() and owner_end(). */
void
protect_write_row(const Protection *protection)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = ObjectIdGetDatum(protection->object);
	values[1] = protection->row_fields;
	values[2] = CStringGetTextDatum(protection->raises ? "error" : "hide");
	values[3] = BoolGetDatum(protection->as_restrictive);
	values[4] = BoolGetDatum(protection->force);
	values[5] = ObjectIdGetDatum(protection->root);
	nulls[5] = protection->root == protection->object;
	owner_execute(&upsert_protected, values, nulls);
}

/* The same for a table of the tree. */
static Protection
protection_of_member(const Protection *root, Oid table)
{
	Protection	protection = *root;

	protection.object = table;
	protection.qualified = protect_qualified_name(table);
	return protection;
}

/* What is configured first, so that the DDL finds no table of the tree missing. */
static void
protect_tables(const Protection *protection, List *tables)
{
	OwnerState	state;
	Datum		values[2] = {ObjectIdGetDatum(protection->object), protection->row_fields};
	ListCell   *cell;

	owner_begin(&state);
	foreach(cell, tables)
	{
		Protection	member = protection_of_member(protection, lfirst_oid(cell));

		protect_write_row(&member);
	}
	owner_execute(&follow_row_scopes, values, NULL);
	owner_execute(&end_row_scopes, values, NULL);
	owner_end(&state);
	foreach(cell, is_table(get_rel_relkind(protection->object)) ? tables : NIL)
	{
		Protection	member = protection_of_member(protection, lfirst_oid(cell));

		CHECK_FOR_INTERRUPTS();
		protect_make_policies(&member);
	}
	protect_inherit_fields(tables);
}

/* SQL: spsa_protect(regclass, name[], text, boolean, boolean) */
PG_FUNCTION_INFO_V1(spsa_protect);
Datum
spsa_protect(PG_FUNCTION_ARGS)
{
	Protection	protection = {0};
	List	   *tables;

	protection.raises = check_protect_arguments(fcinfo);
	protection.object = protection.root = PG_GETARG_OID(0);
	protection.row_fields = PG_GETARG_DATUM(1);
	protection.force = PG_GETARG_BOOL(3);
	protection.as_restrictive = PG_GETARG_BOOL(4);
	check_object(protection.object);
	tables = protect_tree(protection.object, AccessExclusiveLock);
	protect_check_tree(protection.object, tables);
	read_row_fields(&protection);
	protection.functions = schema_of_function(fcinfo);
	protection.qualified = protect_qualified_name(protection.object);
	if (!is_table(get_rel_relkind(protection.object)))
	{
		protect_object(protection.object, protection.nfields, protection.as_restrictive);
		protection.raises = true;	/* there is nothing to hide rows with */
	}
	protect_tables(&protection, tables);
	PG_RETURN_VOID();
}

static void
forget(Oid object)
{
	Datum		value = ObjectIdGetDatum(object);
	OwnerState	state;

	owner_begin(&state);
	owner_execute(&delete_protected, &value, NULL);
	owner_end(&state);
}

/* A table of a tree that is protected with root. */
static void
unprotect_table(Oid table, Oid root)
{
	Oid			its_root;
	OwnerState	state;

	if (!protect_find_root(table, &its_root) || its_root != root)
		return;
	(void) protect_check_owner(table);
	forget(table);
	owner_begin_as_caller(&state);
	drop_policies(table, protect_qualified_name(table));
	truncate_replace_trigger(table, protect_qualified_name(table), false);
	owner_end(&state);
}

/* SQL: spsa_unprotect(regclass) */
PG_FUNCTION_INFO_V1(spsa_unprotect);
Datum
spsa_unprotect(PG_FUNCTION_ARGS)
{
	Oid			object;
	Oid			root;
	char	   *name;
	ListCell   *cell;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("object must not be null")));
	object = PG_GETARG_OID(0);
	name = protect_lock_own(object);
	if (!protect_find_root(object, &root))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is not protected", name)));
	if (root != object && protect_has_parent(object))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is protected with \"%s\"", name, get_rel_name(root)),
				 errdetail("Its rows can be reached through that table."),
				 errhint("Use spsa_unprotect() for \"%s\", or detach \"%s\" first.", get_rel_name(root), name)));
	if (!is_table(get_rel_relkind(object)))
	{
		forget(object);
		protect_object_end(object);
		PG_RETURN_VOID();
	}
	foreach(cell, protect_tree(object, AccessExclusiveLock))
		unprotect_table(lfirst_oid(cell), root);
	ereport(NOTICE,
			(errmsg("row-level security of \"%s\" stays enabled", name),
			 errhint("Without other policies nobody but roles that bypass it sees a row, until ALTER TABLE ... DISABLE ROW LEVEL SECURITY.")));
	PG_RETURN_VOID();
}

static OwnerStatement select_protected = {
	"SELECT p.as_restrictive, pg_catalog.cardinality(p.row_fields) > 0, p.root FROM spsa.protected_object p WHERE p.object = $1",
	1, {REGCLASSOID}
};

/* Quoted name of the schema that the functions are in. Between owner_begin() and owner_end(). */
char *
protect_extension_schema(void)
{
	bool		isnull;
	static OwnerStatement statement = {
		"SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
		" WHERE e.extname = 'spsa'", 0
	};

	if (owner_execute(&statement, NULL, NULL) != 1)
		elog(ERROR, "extension spsa is not installed");
	return pstrdup(quote_identifier(NameStr(*DatumGetName(owner_result(1, &isnull)))));
}

/* Refuses the loss of one of our policies: by its name, and by what is left if it was renamed before. Between owner_begin() and owner_end(). */
void
protect_check_lost_policy(Oid object, const char *policy)
{
	Datum		value = ObjectIdGetDatum(object);
	char	   *functions;
	bool		restrictive;
	bool		with_fields;
	bool		isnull;
	bool		with_root;
	bool		ours = false;

	if (replacing || owner_execute(&select_protected, &value, NULL) == 0)
		return;
	restrictive = DatumGetBool(owner_result(1, &isnull));
	with_fields = DatumGetBool(owner_result(2, &isnull));
	(void) owner_result(3, &isnull);
	with_root = !isnull;
	functions = protect_extension_schema();
	for (int i = 0; i < lengthof(commands); i++)
		ours = ours || strcmp(policy, commands[i].name) == 0 ||
			strcmp(policy, psprintf("%s" TWIN_SUFFIX, commands[i].name)) == 0;
	if (ours || count_genuine(object, functions, with_fields, restrictive) != lengthof(commands))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop policy \"%s\" of protected table \"%s\"", policy, get_rel_name(object)),
				 with_root && !protect_has_parent(object) ?
				 errhint("It is protected with the table that it was detached from: use spsa_protect() or spsa_unprotect() for it first.") :
				 errhint("Use spsa_unprotect(), or spsa_protect() with other row fields, first.")));
}
