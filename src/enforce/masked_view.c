/* masked_view.c - what a masked view is, and what its owner is exempt from.
 *
 * A masked view has one form: each column is spsa.masked(column of the table), and nothing else is asked of the table.
 * spsa.masked() is folded to the column or to NULL when a query is planned, before anything of the query is evaluated, so
 * that grants need no DDL and cost nothing per row. It looks at the column that it is given, by number, and not at any
 * name: a rename can't turn it to another field.
 *
 * The view need be no security barrier: it has no condition that could be overtaken, a masked field is not in the query any
 * more, and rows are kept behind the table's own policies. As a barrier it would keep the user's conditions from indexes
 * unless their operators are leakproof, and readable fields would cost what the table does not. As EXPLAIN shows, equality,
 * ranges of numbers and GROUP BY cost the same either way; but LIKE, lower(), comparisons of numeric and GIN's operators read
 * all rows of a barrier, joins by the primary key hash it as a whole, and ORDER BY ... LIMIT sorts it, for a subquery that is a barrier is
 * not pulled up.
 *
 * The role that owns these views is exempt from field checks (masked_view_exempts), for the views name all fields of their
 * tables. It is never exempt from rows: it owns no table, and bypasses nothing. Whatever rests on a role that exists in
 * all databases must not rest on who made it, who is a member of it, or who ran which DDL: at each use the role must be
 * the one in spsa.masked_view, have no attribute and no member and be a member of nothing, and all relations that it owns
 * here must be views of that one form, which can't show a masked field whoever made them. Otherwise nothing is exempt
 * (invariant 1).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "parser/parsetree.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/signal.h"
#include "base/table.h"
#include "enforce/masked_view.h"
#include "enforce/permission_policy.h"
#include "enforce/plan_mark.h"

/* ---- the form ---- */

/* spsa.masked(anyelement). Not by the parser's look-up, which asks for privileges of the caller's. */
static Oid
masked_function(void)
{
	Oid			argument = ANYELEMENTOID;

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("masked"),
						   PointerGetDatum(buildoidvector(&argument, 1)), ObjectIdGetDatum(table_schema()));
}

/* Nothing but a list of columns of one relation. */
static bool
is_plain_query(const Query *query)
{
	return query->commandType == CMD_SELECT && query->setOperations == NULL && query->cteList == NIL &&
		!query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs && !query->hasSubLinks && !query->hasForUpdate &&
		query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		query->windowClause == NIL && query->distinctClause == NIL && query->sortClause == NIL &&
		query->limitOffset == NULL && query->limitCount == NULL && query->rowMarks == NIL &&
		query->jointree->quals == NULL && list_length(query->jointree->fromlist) == 1 &&
		IsA(linitial(query->jointree->fromlist), RangeTblRef);
}

/* The column of the table that a column of the view masks; 0: it does not have the form. */
static AttrNumber
masked_column(const TargetEntry *column, Oid function, int table)
{
	const FuncExpr *call = (const FuncExpr *) column->expr;
	const Var  *var;

	if (column->resjunk || !IsA(call, FuncExpr) || call->funcid != function || list_length(call->args) != 1)
		return 0;
	var = linitial(call->args);
	return IsA(var, Var) && var->varno == table && var->varlevelsup == 0 && var->varattno > 0 ? var->varattno : 0;
}

static bool
read_query(Query *query, Oid function, MaskedView *masked)
{
	int			table;
	const RangeTblEntry *rte;

	if (!is_plain_query(query))
		return false;
	table = ((const RangeTblRef *) linitial(query->jointree->fromlist))->rtindex;
	rte = rt_fetch(table, query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->tablesample != NULL ||
		(rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	masked->object = rte->relid;
	masked->nfields = 0;
	masked->fields = palloc(sizeof(AttrNumber) * (list_length(query->targetList) + 1));
	for (int i = 0; i < list_length(query->targetList); i++)
	{
		AttrNumber	number = masked_column(list_nth(query->targetList, i), function, table);

		if (number == 0)
			return false;
		masked->fields[masked->nfields++] = number;
	}
	return true;
}

/* False if the relation does not have the form. */
bool
masked_view_read(Relation view, MaskedView *masked)
{
	Oid			function = masked_function();

	if (!OidIsValid(function) || view->rd_rel->relkind != RELKIND_VIEW || RelationHasSecurityInvoker(view) ||
		view->rd_rules == NULL || view->rd_rules->numLocks != 1)
		return false;
	return read_query(get_view_query(view), function, masked);
}

/* ---- the role ---- */

static bool
has_attributes(Oid role)
{
	HeapTuple	row = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	const FormData_pg_authid *form;
	bool		result;

	if (!HeapTupleIsValid(row))
		return true;
	form = (const FormData_pg_authid *) GETSTRUCT(row);
	result = form->rolsuper || form->rolcreaterole || form->rolcreatedb || form->rolcanlogin || form->rolreplication ||
		form->rolbypassrls;
	ReleaseSysCache(row);
	return result;
}

static bool
has_rows(int cache, Oid role)
{
	CatCList   *rows = SearchSysCacheList1(cache, ObjectIdGetDatum(role));
	bool		result = rows->n_members > 0;

	ReleaseSysCacheList(rows);
	return result;
}

/* Relations of this database that the role owns. */
static List *
owned_relations(Oid role)
{
	Relation	relation = table_open(SharedDependRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&keys[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&keys[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(relation, SharedDependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		const FormData_pg_shdepend *form = (const FormData_pg_shdepend *) GETSTRUCT(row);

		if (form->deptype == SHARED_DEPENDENCY_OWNER && form->dbid == MyDatabaseId && form->classid == RelationRelationId)
			result = lappend_oid(result, form->objid);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Without a lock, for which the users of one view could be kept waiting by DDL on another. What is built in the relcache
 * is consistent, and of a relation that is gone nothing can be seen.
 */
static bool
is_masked_view(Oid oid)
{
	Relation	relation = RelationIdGetRelation(oid);
	MaskedView	masked;
	bool		result;

	if (!RelationIsValid(relation))
		return true;
	result = masked_view_read(relation, &masked);
	RelationClose(relation);
	return result;
}

/* Why a role can't own masked views, as a sentence; NULL: it can. */
char *
masked_view_fault(Oid role)
{
	ListCell   *cell;

	if (has_attributes(role))
		return "It may log in, or has another attribute.";
	if (has_rows(AUTHMEMROLEMEM, role))
		return "It has members.";
	if (has_rows(AUTHMEMMEMROLE, role))
		return "It is a member of another role.";
	foreach(cell, owned_relations(role))
	{
		if (!is_masked_view(lfirst_oid(cell)))
			return psprintf("It owns \"%s\", which is no masked view as spsa_create_masked_view() makes them.",
							get_rel_name(lfirst_oid(cell)));
	}
	return NULL;
}

static bool
has_record(const char *index, AttrNumber column, Oid value)
{
	Snapshot	snapshot = table_snapshot();
	ScanKeyData key;
	bool		found;

	table_key(&key, column, F_OIDEQ, ObjectIdGetDatum(value));
	found = table_has_row("masked_view", index, snapshot, 1, &key);
	table_snapshot_release(snapshot);
	return found;
}

/* Whether spsa_create_masked_view() has made the view. */
bool
masked_view_is_recorded(Oid view)
{
	return has_record("masked_view_pkey", Anum_masked_view_view, view);
}

static bool
is_recorded_owner(Oid role)
{
	return has_record("masked_view_owner_idx", Anum_masked_view_owner, role);
}

/* A role that was found to be in order, until anything changes on which that rests: see also the signals of the table. */
static Oid	proven_role = InvalidOid;
static uint64 proven_under = 0;
static uint64 changes = 0;

static void
something_changed(Datum arg, int cache, uint32 hash)
{
	proven_role = InvalidOid;
	changes++;
}

/* Roles, memberships; relations, with owner and options; rules. */
void
masked_view_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, something_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, something_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(RELOID, something_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(RULERELNAME, something_changed, (Datum) 0);
}

static bool
is_in_order(Oid role)
{
	uint64		before = changes;
	uint64		definitions = signal_counts(0, 0).definition;
	char	   *fault;

	if (role == proven_role && definitions == proven_under)
		return true;
	if (!is_recorded_owner(role))
		return false;
	fault = masked_view_fault(role);
	if (fault != NULL)
		session_log_refusal("read masked views", psprintf("role \"%s\" cannot own them: %s", GetUserNameFromId(role, false), fault));
	else if (changes == before)
	{
		proven_role = role;
		proven_under = definitions;
	}
	return fault == NULL;
}

/*
 * Whether reading under a role's rights needs no field permissions; role is the checkAsUser of a range table's entry, which
 * only views and rules have (so that what runs as this role by other ways is not exempt). For the field guard, before it
 * refuses. Reading alone: the role has no other privilege on tables.
 */
bool
masked_view_exempts(Oid role)
{
	return OidIsValid(role) && is_in_order(role);
}

/* SQL: spsa.masked_view_fault(regrole) */
PG_FUNCTION_INFO_V1(spsa_masked_view_fault);
Datum
spsa_masked_view_fault(PG_FUNCTION_ARGS)
{
	Oid			role = PG_GETARG_OID(0);
	char	   *fault = is_recorded_owner(role) ? masked_view_fault(role) : "It owns no masked view.";

	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

/* SQL: spsa.is_masked_view(regclass) */
PG_FUNCTION_INFO_V1(spsa_is_masked_view);
Datum
spsa_is_masked_view(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_masked_view(PG_GETARG_OID(0)));
}

/* ---- spsa.masked() ---- */

/* What is asked of the table that a column is of; NULL: it is of none. The query may be within the one that reads it. */
static const PermissionInfo *
table_of_column(PlannerInfo *root, const Var *var)
{
	const RangeTblEntry *rte;

	for (Index level = 0; level < var->varlevelsup && root != NULL; level++)
		root = root->parent_root;
	if (root == NULL || root->parse == NULL || var->varno <= 0 || var->varno > list_length(root->parse->rtable))
		return NULL;
	rte = rt_fetch(var->varno, root->parse->rtable);
	return rte->rtekind == RTE_RELATION ? PERMISSIONS_IN_QUERY(root->parse, rte) : NULL;
}

/*
 * Folded where the argument is a column of a table whose rows are guarded from the role that reads it. A view that came
 * into the possession of a role that bypasses row-level security, as by a restored dump without owners, shows nothing.
 * Expressions that belong to a relation, which come later, count their tables by themselves.
 */
static Node *
fold(PlannerInfo *root, const FuncExpr *call)
{
	const Var  *var = linitial(call->args);
	const PermissionInfo *rte;
	Question	question = {QUESTION_FIELD_READ};
	bool		granted;

	if (root->simple_rel_array != NULL || !IsA(var, Var) || var->varattno <= 0)
		return NULL;
	rte = table_of_column(root, var);
	if (rte == NULL || check_enable_rls(rte->relid, rte->checkAsUser, true) != RLS_ENABLED)
		return NULL;
	question.subject = rte->relid;
	question.field = (uint32) var->varattno;
	if (!permission_policy_ask(root, &question, &granted))
		return NULL;
	return granted ? (Node *) copyObject(var) : (Node *) makeNullConst(call->funcresulttype, -1, call->funccollid);
}

/* SQL: spsa.masked_support(internal) */
PG_FUNCTION_INFO_V1(spsa_masked_support);
Datum
spsa_masked_support(PG_FUNCTION_ARGS)
{
	return plan_mark_support(fcinfo, fold);
}

/* What is not folded is not known to be readable. SQL: spsa.masked(anyelement) */
PG_FUNCTION_INFO_V1(spsa_masked);
Datum
spsa_masked(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("masked fields cannot be read here"),
			 errdetail("Only columns of tables with row-level security can be masked, for readers to whom it applies."),
			 errhint("If this is a masked view, its owner was changed: drop it, and create it with spsa_create_masked_view().")));
}
