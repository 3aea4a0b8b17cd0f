/* protect_field.c - putting columns under spsa, and taking them out.
 *
 * The object must be under spsa itself: of a table whose rows no policy filters the planner reads statistics, with operators
 * of the user's own, before any hook is asked.
 *
 * Rights: the caller owns the object; the configuration is written as the extension's owner.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/prs2lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "base/compat.h"
#include "base/owner.h"
#include "enforce/protect.h"

static OwnerStatement upsert_field = {
	"INSERT INTO spsa.protected_field AS p (object, field) VALUES ($1, $2)"
	" ON CONFLICT (object, field) DO UPDATE SET field_number = excluded.field_number"
	" WHERE p.field_number <> excluded.field_number",
	2, {REGCLASSOID, NAMEOID}
};

static OwnerStatement delete_field = {
	"DELETE FROM spsa.protected_field p WHERE p.object = $1 AND p.field = $2", 2, {REGCLASSOID, NAMEOID}
};

/* ---- what exposes a column ---- */

static OwnerStatement select_views = {
	"SELECT DISTINCT r.ev_class FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid"
	" JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')"
	" WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	" AND d.refobjid = $1 AND r.ev_class <> $1",
	1, {REGCLASSOID}
};

/* Generated columns that are computed from it and not protected. */
static OwnerStatement select_generated = {
	"SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef e ON e.oid = d.objid"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum AND a.attgenerated <> ''"
	" WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	" AND d.refobjid = $1 AND d.refobjsubid = $2 AND a.attrelid = $1 AND a.attnum <> d.refobjsubid"
	" AND NOT EXISTS (SELECT FROM spsa.protected_field p WHERE p.object = $1 AND p.field_number = a.attnum) ORDER BY 1",
	2, {REGCLASSOID, INT2OID}
};

typedef struct Column
{
	Oid			object;
	AttrNumber	number;
} Column;

/* Whether a query, or one within it, reads the column. */
static bool
reads_column(Node *node, void *context)
{
	const Column *column = context;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, reads_column, context);
	foreach(cell, ((Query *) node)->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);
		const PermissionInfo *asked = PERMISSIONS_IN_QUERY((Query *) node, rte);

		if (rte->rtekind == RTE_RELATION && rte->relid == column->object && asked != NULL &&
			(bms_is_member(column->number - FirstLowInvalidHeapAttributeNumber, asked->selectedCols) ||
			 bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, asked->selectedCols)))
			return true;
	}
	return query_tree_walker((Query *) node, reads_column, context, 0);
}

/* Whether the relation's rows are read by the rights of a role to which nothing of the object is refused. */
static bool
is_unguarded(Relation view, Oid object)
{
	if (view->rd_rel->relkind == RELKIND_MATVIEW)
		return true;
	return !RelationHasSecurityInvoker(view) && check_enable_rls(object, view->rd_rel->relowner, true) != RLS_ENABLED;
}

static bool
view_exposes(Oid oid, Column *column)
{
	Relation	view = relation_open(oid, AccessShareLock);
	bool		exposes = false;

	for (int i = 0; view->rd_rules != NULL && i < view->rd_rules->numLocks; i++)
	{
		const RewriteRule *rule = view->rd_rules->rules[i];

		exposes = exposes || (rule->event == CMD_SELECT && reads_column(linitial(rule->actions), column));
	}
	exposes = exposes && is_unguarded(view, column->object);
	relation_close(view, AccessShareLock);
	return exposes;
}

static void
append_name(StringInfo names, const char *name)
{
	appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", name);
}

static void
append_exposing(StringInfo names, Column *column)
{
	Datum		values[2] = {ObjectIdGetDatum(column->object), Int16GetDatum(column->number)};
	int			n;
	Oid		   *views;
	bool		isnull;

	n = owner_execute(&select_generated, values, NULL);
	for (int i = 0; i < n; i++)
		append_name(names, psprintf("generated column %s", SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1)));
	n = owner_execute(&select_views, values, NULL);
	views = palloc(sizeof(Oid) * (n + 1));
	for (int i = 0; i < n; i++)
		views[i] = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	for (int i = 0; i < n; i++)
	{
		if (view_exposes(views[i], column))
			append_name(names, psprintf("view %s", protect_qualified_name(views[i])));
	}
}

/* What gives the column's values, or those of the tables below, to those who may not read it, by name. */
static char *
exposed_by(const Column *column, const char *field)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, protect_tree(column->object, NoLock))
	{
		Column		its = {lfirst_oid(cell), get_attnum(lfirst_oid(cell), field)};

		append_exposing(&names, &its);
	}
	return names.len > 0 ? names.data : NULL;
}

/* ---- SQL ---- */

/* The column, of an object that the caller owns, locked. */
static Column
column_argument(FunctionCallInfo fcinfo)
{
	Column		column;
	char	   *name;
	char	   *field;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", PG_ARGISNULL(0) ? "object" : "field")));
	column.object = PG_GETARG_OID(0);
	field = NameStr(*PG_GETARG_NAME(1));
	name = protect_lock_own(column.object);
	column.number = get_attnum(column.object, field);
	if (column.number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", field, name)));
	return column;
}

/* Whose permissions on the column count: the column must not be protected in a child alone. */
static void
refuse_child(const Column *column, const char *field)
{
	Oid			root;

	if (!protect_find_root(column->object, &root))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is not protected", get_rel_name(column->object)),
				 errhint("Call spsa_protect() for it first.")));
	if (root != column->object && get_attnum(root, field) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is protected with \"%s\"", get_rel_name(column->object), get_rel_name(root)),
				 errhint("Protect the field of \"%s\".", get_rel_name(root))));
}

/* SQL: spsa_protect_field(regclass, name, boolean) */
PG_FUNCTION_INFO_V1(spsa_protect_field);
Datum
spsa_protect_field(PG_FUNCTION_ARGS)
{
	Column		column = column_argument(fcinfo);
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bool		keep = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	char	   *exposing;
	OwnerState	state;

	if (get_rel_relkind(column.object) == RELKIND_SEQUENCE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("fields of sequence \"%s\" cannot be protected", get_rel_name(column.object)),
				 errhint("Protect the sequence with spsa_protect().")));
	refuse_child(&column, NameStr(*PG_GETARG_NAME(1)));
	owner_begin(&state);
	exposing = exposed_by(&column, NameStr(*PG_GETARG_NAME(1)));
	if (exposing != NULL && !keep)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("field \"%s\" of \"%s\" can be read by other ways", NameStr(*PG_GETARG_NAME(1)), get_rel_name(column.object)),
				 errdetail("It is exposed by %s.", exposing),
				 errhint("Protect generated columns first, make views security_invoker, or drop what is not wanted; or pass keep_exposed => true if it is meant.")));
	owner_execute(&upsert_field, values, NULL);
	owner_end(&state);
	protect_inherit_fields(protect_tree(column.object, NoLock));
	protect_keep_fields();
	PG_RETURN_VOID();
}

/* SQL: spsa_unprotect_field(regclass, name) */
PG_FUNCTION_INFO_V1(spsa_unprotect_field);
Datum
spsa_unprotect_field(PG_FUNCTION_ARGS)
{
	Column		column = column_argument(fcinfo);
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	OwnerState	state;

	owner_begin(&state);
	if (owner_execute(&delete_field, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("field \"%s\" of \"%s\" is not protected", NameStr(*PG_GETARG_NAME(1)), get_rel_name(column.object))));
	owner_end(&state);
	PG_RETURN_VOID();
}
