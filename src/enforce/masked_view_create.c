/* masked_view_create.c - making and dropping masked views: spsa_create_masked_view() and spsa_drop_masked_view().
 *
 * Rights: the caller must own the table, and be able to create in the view's schema. What belongs to the table and its
 * schema is done as the caller; the view then passes to the role that owns masked views, which needs the rights of the
 * extension's owner. Between the two nobody else can see it.
 *
 * An existing masked view is replaced in place, so that what was granted on it, and views over it, stay. Columns follow
 * their numbers: one that was renamed in the table is renamed in the view, a new one comes last.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/owner.h"
#include "base/table.h"
#include "enforce/masked_view.h"
#include "enforce/protect.h"

#define MASKED_VIEW_ROLE "spsa_masked_view"

/* What spsa_create_masked_view() was asked for. */
typedef struct Creation
{
	Oid			object;
	char	   *table;			/* qualified and quoted */
	char	   *view;
	char	   *view_name;		/* as it is in the catalog */
	Oid			existing;		/* the view, if it is there */
	Oid			role;			/* that owns masked views */
	bool		barrier;
} Creation;

static char *
quoted_role(Oid role)
{
	return pstrdup(quote_identifier(GetUserNameFromId(role, false)));
}

/* ---- the table ---- */

static OwnerStatement select_protected = {
	"SELECT FROM spsa.protected_object p WHERE p.object = $1", 1, {REGCLASSOID}
};

static OwnerStatement select_policies = {
	"SELECT p.polname, p.polpermissive FROM pg_catalog.pg_policy p WHERE p.polrelid = $1 AND p.polroles <> '{0}'"
	" ORDER BY p.polpermissive, p.polname LIMIT 1",
	1, {REGCLASSOID}
};

/*
 * A policy for particular roles does not apply to the role that owns masked views. A permissive one is just missing; without
 * a restrictive one the view would show more rows than the table.
 */
static void
check_policies(Oid object)
{
	Datum		value = ObjectIdGetDatum(object);
	bool		isnull;
	char	   *policy;

	if (owner_execute(&select_policies, &value, NULL) == 0)
		return;
	policy = pstrdup(NameStr(*DatumGetName(owner_result(1, &isnull))));
	if (!DatumGetBool(owner_result(2, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" cannot have a masked view: its restrictive policy \"%s\" is for particular roles",
						get_rel_name(object), policy),
				 errdetail("Masked views read with the rights of a role of their own, to which it would not apply."),
				 errhint("Make the policy one for PUBLIC that asks for current_user.")));
	ereport(NOTICE,
			(errmsg("policy \"%s\" of \"%s\" does not apply in masked views", policy, get_rel_name(object)),
			 errdetail("It is for particular roles, and masked views read with the rights of a role of their own.")));
}

/* Locked against changes of its columns. */
static void
check_table(Oid object)
{
	Datum		value = ObjectIdGetDatum(object);
	char		relkind = get_rel_relkind(object);
	OwnerState	state;

	(void) protect_check_owner(object);
	LockRelationOid(object, AccessShareLock);
	(void) protect_check_owner(object);
	owner_begin(&state);
	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		owner_execute(&select_protected, &value, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is not a protected table", get_rel_name(object)),
				 errhint("Protect it with spsa_protect() first.")));
	check_policies(object);
	owner_end(&state);
}

/* ---- the view's name ---- */

/* The table of a masked view, or InvalidOid. */
static Oid
table_of_view(Oid view)
{
	ScanKeyData key;
	Datum		object;

	table_key(&key, Anum_masked_view_view, F_OIDEQ, ObjectIdGetDatum(view));
	return table_find("masked_view", "masked_view_pkey", &key, Anum_masked_view_object, &object) ? DatumGetObjectId(object) :
		InvalidOid;
}

/* What stands under the name already is locked, if it may be replaced. */
static void
resolve_view(Creation *creation, text *name)
{
	RangeVar   *range = makeRangeVarFromNameList(textToQualifiedNameList(name));
	Oid			schema;

	for (;;)
	{
		schema = RangeVarGetAndCheckCreationNamespace(range, NoLock, &creation->existing);
		if (!OidIsValid(creation->existing))
			break;
		if (table_of_view(creation->existing) != creation->object)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is not a masked view of \"%s\"", range->relname, get_rel_name(creation->object)),
					 errhint("Choose another name.")));
		LockRelationOid(creation->existing, AccessExclusiveLock);
		if (get_relname_relid(range->relname, schema) == creation->existing)
			break;
		UnlockRelationOid(creation->existing, AccessExclusiveLock);
	}
	if (isAnyTempNamespace(schema))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a masked view cannot be temporary")));
	creation->view_name = range->relname;
	creation->view = pstrdup(quote_qualified_identifier(get_namespace_name(schema), range->relname));
}

/* ---- the view ---- */

/* Which columns of the table it shows now, one after the other; none: it is new, or somebody has made another view of it. */
static MaskedView
read_existing(Oid view)
{
	MaskedView	masked = {InvalidOid};
	Relation	relation;

	if (!OidIsValid(view))
		return masked;
	relation = relation_open(view, AccessShareLock);
	if (!masked_view_read(relation, &masked))
		masked.nfields = 0;
	relation_close(relation, AccessShareLock);
	return masked;
}

static bool
shows(const MaskedView *masked, AttrNumber field)
{
	for (int i = 0; i < masked->nfields; i++)
	{
		if (masked->fields[i] == field)
			return true;
	}
	return false;
}

static void
append_column(StringInfo sql, const FormData_pg_attribute *column, bool first)
{
	const char *name = quote_identifier(NameStr(column->attname));

	appendStringInfo(sql, "%s spsa.masked(t.%s) AS %s", first ? " AS SELECT" : ",", name, name);
}

/* PostgreSQL puts its expression in the place of such a column before it can be masked. */
static void
refuse_virtual(const Creation *creation, Form_pg_attribute column)
{
	if (column->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL && !column->attisdropped)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" cannot have a masked view: its generated column \"%s\" is virtual",
						get_rel_name(creation->object), NameStr(column->attname)),
				 errhint("Make the column STORED.")));
}

static char *
view_sql(const Creation *creation, const MaskedView *existing)
{
	Relation	table = table_open(creation->object, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(table);
	bool		first = existing->nfields == 0;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sVIEW %s%s", OidIsValid(creation->existing) ? "OR REPLACE " : "",
					 creation->view, creation->barrier ? " WITH (security_barrier)" : "");
	for (int i = 0; i < existing->nfields; i++)
		append_column(&sql, TupleDescAttr(desc, existing->fields[i] - 1), i == 0);
	for (int i = 0; i < desc->natts; i++)
	{
		refuse_virtual(creation, TupleDescAttr(desc, i));
		if (!TupleDescAttr(desc, i)->attisdropped && !shows(existing, i + 1))
		{
			append_column(&sql, TupleDescAttr(desc, i), first);
			first = false;
		}
	}
	appendStringInfo(&sql, " FROM %s t", creation->table);
	table_close(table, AccessShareLock);
	return sql.data;
}

/* Columns of the view that have other names than those of the table by now. */
static void
follow_renames(const Creation *creation, const MaskedView *existing)
{
	for (int i = 0; i < existing->nfields; i++)
	{
		char	   *is = get_attname(creation->existing, i + 1, false);
		char	   *should = get_attname(creation->object, existing->fields[i], false);

		if (strcmp(is, should) != 0)
			protect_run_ddl(psprintf("ALTER VIEW %s RENAME COLUMN %s TO %s", creation->view, pstrdup(quote_identifier(is)),
									 quote_identifier(should)));
	}
}

static void
create_view(const Creation *creation)
{
	MaskedView	existing = read_existing(creation->existing);
	OwnerState	state;

	if (!OidIsValid(creation->existing))
	{
		owner_begin_as_caller(&state);
		protect_run_ddl(view_sql(creation, &existing));
		owner_end(&state);
		return;
	}
	owner_begin(&state);
	follow_renames(creation, &existing);
	protect_run_ddl(view_sql(creation, &existing));
	owner_end(&state);
}

/* ---- the role ---- */

/* Made when it is needed first. One that is there already, of another database or made by the DBA, must be in order. */
static Oid
role_of_views(void)
{
	Oid			role = get_role_oid(MASKED_VIEW_ROLE, true);
	char	   *fault;

	if (!OidIsValid(role))
	{
		protect_run_ddl("CREATE ROLE " MASKED_VIEW_ROLE);
		role = get_role_oid(MASKED_VIEW_ROLE, false);
	}
	fault = masked_view_fault(role);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("role \"%s\" cannot own masked views", MASKED_VIEW_ROLE),
				 errdetail("%s", fault),
				 errhint("It must be a role that nobody else uses, without members, attributes and other relations.")));
	return role;
}

static void
grant_table(const Creation *creation)
{
	OwnerState	state;

	owner_begin_as_caller(&state);
	protect_run_ddl(psprintf("GRANT SELECT ON TABLE %s TO %s", creation->table, quoted_role(creation->role)));
	owner_end(&state);
}

/* ---- writing through it ---- */

static bool
has_primary_key(Oid object)
{
	Relation	table = table_open(object, AccessShareLock);
	bool		result = OidIsValid(RelationGetPrimaryKeyIndex(table));

	table_close(table, AccessShareLock);
	return result;
}

/*
 * The trigger is there without a primary key, too: new rows need none, and without the trigger PostgreSQL would write to
 * the table by itself, with the rights of the role.
 */
static void
make_writable(const Creation *creation, Oid view)
{
	static OwnerStatement select_trigger = {
		"SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1 AND t.tgname = 'spsa_write'", 1, {REGCLASSOID}
	};
	Datum		value = ObjectIdGetDatum(view);

	if (owner_execute(&select_trigger, &value, NULL) == 0)
		protect_run_ddl(psprintf("CREATE TRIGGER spsa_write INSTEAD OF INSERT OR UPDATE OR DELETE ON %s"
								 " FOR EACH ROW EXECUTE FUNCTION spsa.write_masked_view()", creation->view));
	if (!has_primary_key(creation->object))
		ereport(NOTICE,
				(errmsg("rows of masked view \"%s\" cannot be updated or deleted", creation->view_name),
				 errdetail("Its table has no primary key by which they could be told apart.")));
}

/* ---- the functions ---- */

static OwnerStatement upsert_view = {
	"INSERT INTO spsa.masked_view AS v (view, object, owner) VALUES ($1, $2, $3)"
	" ON CONFLICT (view) DO UPDATE SET owner = excluded.owner WHERE v.owner <> excluded.owner",
	3, {REGCLASSOID, REGCLASSOID, REGROLEOID}
};

/* The view is there, and belongs to the caller or to the role. Between owner_begin() and owner_end(). */
static void
hand_over(const Creation *creation)
{
	Oid			view = DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(creation->view)));
	Datum		values[3] = {ObjectIdGetDatum(view), ObjectIdGetDatum(creation->object), ObjectIdGetDatum(creation->role)};

	protect_run_ddl(psprintf("ALTER VIEW %s OWNER TO %s", creation->view, quoted_role(creation->role)));
	protect_run_ddl(psprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO %s WITH GRANT OPTION", creation->view,
							 quoted_role(table_relation_owner(creation->object))));
	make_writable(creation, view);
	owner_execute(&upsert_view, values, NULL);
}

static bool
is_barrier(Oid view)
{
	Relation	relation = relation_open(view, AccessShareLock);
	bool		result = RelationIsSecurityView(relation);

	relation_close(relation, AccessShareLock);
	return result;
}

/* SQL: spsa_create_masked_view(regclass, text, boolean) */
PG_FUNCTION_INFO_V1(spsa_create_masked_view);
Datum
spsa_create_masked_view(PG_FUNCTION_ARGS)
{
	Creation	creation = {0};
	OwnerState	state;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", PG_ARGISNULL(0) ? "object" : "view_name")));
	creation.object = PG_GETARG_OID(0);
	check_table(creation.object);
	creation.table = protect_qualified_name(creation.object);
	resolve_view(&creation, PG_GETARG_TEXT_PP(1));
	creation.barrier = PG_ARGISNULL(2) ? OidIsValid(creation.existing) && is_barrier(creation.existing) : PG_GETARG_BOOL(2);

	owner_begin(&state);
	creation.role = role_of_views();
	owner_end(&state);
	create_view(&creation);
	grant_table(&creation);
	owner_begin(&state);
	hand_over(&creation);
	owner_end(&state);
	PG_RETURN_VOID();
}

/* Asked before the lock is taken, so that nobody else can stall its users, and again when it is held. */
static void
check_view(Oid view)
{
	char	   *name = get_rel_name(view);
	Oid			object = name == NULL ? InvalidOid : table_of_view(view);

	if (!OidIsValid(object))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation %s is not a masked view", name == NULL ? psprintf("%u", view) : psprintf("\"%s\"", name))));
	(void) protect_check_owner(object);
}

/* SQL: spsa_drop_masked_view(regclass) */
PG_FUNCTION_INFO_V1(spsa_drop_masked_view);
Datum
spsa_drop_masked_view(PG_FUNCTION_ARGS)
{
	Oid			view;
	OwnerState	state;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("view must not be null")));
	view = PG_GETARG_OID(0);
	check_view(view);
	LockRelationOid(view, AccessExclusiveLock);
	check_view(view);
	owner_begin(&state);
	protect_run_ddl(psprintf("DROP VIEW %s", protect_qualified_name(view)));
	owner_end(&state);
	PG_RETURN_VOID();
}
