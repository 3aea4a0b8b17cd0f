/* count_rows.c - how many rows of a table a shape reaches, whether it is in effect or only supposed.
 *
 * Invariant: nothing is asked of the backend's own authority, and none is lent to anything that runs. What is run is a query
 * made here, of one table and a condition of constants (fold.c), of which nobody has a plan. Policies, views, triggers and
 * functions of anybody's are not part of it; the functions of types and indexes, which may be anybody's, run as the caller
 * and under the authority that the caller has.
 *
 * So it counts only where spsa's policies alone decide what is seen, and the caller may SELECT from the table. It stops at
 * a limit, can be cancelled, and sees what the caller's statement sees.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "rewrite/rowsecurity.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/owner.h"
#include "enforce/count_rows.h"
#include "enforce/fold.h"
#include "enforce/protect.h"

/* ---- what decides ---- */

static bool
is_for_everybody(const RowSecurityPolicy *policy)
{
	return ARR_DIMS(policy->roles)[0] > 0 && ((const Oid *) ARR_DATA_PTR(policy->roles))[0] == ACL_ID_PUBLIC;
}

/* Whether it asks for the privilege read on the table, and for nothing else. */
static bool
asks_for_read(const FuncExpr *call, Oid object, const Oid functions[2])
{
	const Const *first;
	const Const *second;
	ListCell   *cell;

	if (call == NULL || !IsA(call, FuncExpr) || (call->funcid != functions[0] && call->funcid != functions[1]))
		return false;
	foreach(cell, call->args)
	{
		const Node *argument = lfirst(cell);

		/* Columns: not what somebody's functions make of them. */
		while (IsA(argument, RelabelType))
			argument = (const Node *) ((const RelabelType *) argument)->arg;
		if (!IsA(argument, Const) && !IsA(argument, Var))
			return false;
	}
	first = linitial(call->args);
	second = lsecond(call->args);
	return IsA(first, Const) && IsA(second, Const) && !first->constisnull && !second->constisnull &&
		DatumGetObjectId(first->constvalue) == object &&
		strcmp(TextDatumGetCString(second->constvalue), privilege_names[PRIVILEGE_READ]) == 0;
}

/* The one call that all policies for SELECT consist of, or NULL. */
static const FuncExpr *
deciding_call(Relation relation, const Oid functions[2])
{
	const FuncExpr *call = NULL;
	bool		admits = false;
	ListCell   *cell;

	if (!relation->rd_rel->relrowsecurity || relation->rd_rsdesc == NULL)
		return NULL;
	foreach(cell, relation->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(cell);

		if (policy->polcmd != ACL_SELECT_CHR && policy->polcmd != '*')
			continue;
		if (!is_for_everybody(policy) || !asks_for_read((FuncExpr *) policy->qual, RelationGetRelid(relation), functions) ||
			(call != NULL && !equal(call, policy->qual)))
			return NULL;
		call = (FuncExpr *) policy->qual;
		admits = admits || policy->permissive;
	}
	return admits ? call : NULL;
}

/* A copy of it. */
static FuncExpr *
find_call(Relation relation)
{
	Oid			functions[2];
	char	   *schema;
	OwnerState	state;

	owner_begin_as_caller(&state);
	schema = protect_extension_schema();
	functions[0] = protect_function_oid(schema, false);
	functions[1] = protect_function_oid(schema, true);
	owner_end(&state);
	return copyObject(unconstify(FuncExpr *, deciding_call(relation, functions)));
}

static bool
may_select(Oid object)
{
	return pg_class_aclcheck(object, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(object, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

const char *
count_rows_obstacle(Oid object)
{
	Relation	relation;
	const char *obstacle = NULL;

	/* Before it is locked. */
	if (get_rel_name(object) != NULL && !may_select(object))
		return "no privilege SELECT";
	relation = try_relation_open(object, AccessShareLock);
	if (relation == NULL)
		return "the object is gone";
	if (relation->rd_rel->relkind != RELKIND_RELATION && relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		obstacle = "not a table";
	else if (find_call(relation) == NULL)
		obstacle = "not decided by spsa alone";
	relation_close(relation, NoLock);
	return obstacle;
}

/* ---- counting ---- */

static Const *
number(int64 value)
{
	return makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(value), false, FLOAT8PASSBYVAL);
}

/* SELECT 1 FROM relation WHERE condition LIMIT limit */
static Query *
make_query(Relation relation, Node *condition, int64 limit)
{
	Query	   *query = makeNode(Query);
	ParseState *state = make_parsestate(NULL);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(state, relation, AccessShareLock, NULL, true, true);

	addNSItemToQuery(state, item, true, false, false);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = state->p_rtable;
	QUERY_TAKE_PERMISSIONS(query, state);
	query->jointree = makeFromExpr(state->p_joinlist, condition);
	query->targetList = list_make1(makeTargetEntry((Expr *) number(1), 1, pstrdup("n"), false));
	query->limitCount = (Node *) number(limit);
	free_parsestate(state);
	return query;
}

static int64
run(Query *query)
{
	static const char *const source = "rows counted by spsa_simulate()";
	PlannedStmt *plan = pg_plan_query(query, source, 0, NULL);
	QueryDesc  *description;
	int64		rows;

	compat_plan_without_permissions(plan);
	description = CreateQueryDesc(plan, source, GetActiveSnapshot(), InvalidSnapshot, None_Receiver, NULL, NULL, 0);
	ExecutorStart(description, 0);
	ExecutorRun(EXECUTOR_RUN_ARGUMENTS(description, ForwardScanDirection, 0, true));
	rows = (int64) description->estate->es_processed;
	ExecutorFinish(description);
	ExecutorEnd(description);
	FreeQueryDesc(description);
	return rows;
}

static bool
count_some(Relation relation, SessionEntry *entry, const Shape *shape, int64 limit, int64 *rows)
{
	FuncExpr   *call = find_call(relation);
	Node	   *condition = NULL;

	if (call == NULL)
		return false;
	if (shape->reach != REACH_ALL)
	{
		condition = fold_supposed(call, entry, shape);
		if (condition == NULL)
			return false;
	}
	*rows = run(make_query(relation, condition, limit));
	return true;
}

/* False if it cannot be done. Where there is an obstacle it must not be asked for. */
bool
count_rows(Oid object, SessionEntry *entry, const Shape *shape, int64 limit, int64 *rows)
{
	MemoryContext scratch;
	MemoryContext caller;
	Relation	relation;
	bool		done;

	*rows = 0;
	if (shape->reach == REACH_NONE)
		return true;
	relation = try_relation_open(object, AccessShareLock);
	if (relation == NULL)
		return false;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "spsa count", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	done = count_some(relation, entry, shape, limit, rows);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	relation_close(relation, NoLock);
	return done;
}
