/* sequence_guard.c - calls of nextval() and the other functions of sequences.
 *
 * They are built in, and no hook of PostgreSQL's stands before each call. So while any sequence is protected, calls of them
 * are replaced, in each query before it is planned, by calls of spsa.guarded_nextval() and the like, which ask for the privilege and
 * go on to the original. Arguments of CALL, which are not planned, are treated likewise.
 *
 * Invariant: a call that has not been replaced (a raw call) is refused, when its execution is prepared, unless all
 * protected sequences are granted: PostgreSQL tells the function then (OAT_FUNCTION_EXECUTE), and not the sequence. Raw are:
 * calls in a fastpath message, an argument of EXECUTE, a default of COPY or ALTER TABLE, a check, a trigger's WHEN, a
 * support function of an aggregate. Defaults of COPY are looked at beforehand.
 *
 * Identity columns draw their values without a function and without asking for privileges on the sequence: the table's
 * guard decides.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/table.h"
#include "enforce/object_guard.h"
#include "enforce/sequence_guard.h"
#include "enforce/utility.h"
#include "grant/protection.h"

static planner_hook_type previous_planner = NULL;
static object_access_hook_type previous_access = NULL;
static needs_fmgr_hook_type previous_needs = NULL;
static ExecutorCheckPerms_hook_type previous_check = NULL;

/* The functions. Ours are in schema spsa, named guarded_ and so on, with the same arguments and result. */
static const struct
{
	Oid			function;
	const char *name;
	Privilege	privilege;
	int			nargs;
	Oid			types[3];
}			guarded[] = {
	{F_NEXTVAL, "nextval", PRIVILEGE_EDIT, 1, {REGCLASSOID}},
	{F_SETVAL_REGCLASS_INT8, "setval", PRIVILEGE_EDIT, 2, {REGCLASSOID, INT8OID}},
	{F_SETVAL_REGCLASS_INT8_BOOL, "setval", PRIVILEGE_EDIT, 3, {REGCLASSOID, INT8OID, BOOLOID}},
	{F_CURRVAL, "currval", PRIVILEGE_READ, 1, {REGCLASSOID}},
	{F_PG_SEQUENCE_LAST_VALUE, "pg_sequence_last_value", PRIVILEGE_READ, 1, {REGCLASSOID}}
};

/* Whether any sequence was protected when a plan was last made. */
static bool was_any = false;

/* While a guarded call tells hooks of the original. */
static bool passing_on = false;

/* A COPY FROM that is about to begin, and the raw calls of nextval() that its defaults may begin with. */
static struct
{
	const CopyStmt *statement;
	int			draws;
}			copying;

static int
find_guarded(Oid function)
{
	for (int i = 0; i < lengthof(guarded); i++)
	{
		if (guarded[i].function == function)
			return i;
	}
	return -1;
}

static bool
is_any_protected(void)
{
	was_any = (!protection_glance.fresh || protection_glance.sequences) && protection_sequences() != NIL;
	return was_any;
}

/* ---- replacing calls ---- */

/* Ours, or the original where the installed version of the extension has none: it will be refused. */
static Oid
replacement(Oid function)
{
	int			i = find_guarded(function);
	Oid			ours;

	if (i < 0)
		return function;
	ours = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(psprintf("guarded_%s", guarded[i].name)),
						   PointerGetDatum(buildoidvector(guarded[i].types, guarded[i].nargs)),
						   ObjectIdGetDatum(table_schema()));
	return OidIsValid(ours) ? ours : function;
}

/* The planner would add the defaults of arguments later. */
static void
add_default_arguments(FuncExpr *call)
{
	HeapTuple	function;

	if (call->funcid < FirstNormalObjectId)
		return;
	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	if (!HeapTupleIsValid(function))
		return;					/* dropped: the planner will say so */
	if (((Form_pg_proc) GETSTRUCT(function))->pronargdefaults > 0)
		call->args = expand_function_arguments(call->args, false, call->funcresulttype, function);
	ReleaseSysCache(function);
}

/* In place, for the planner may change what it is given. (Other nodes that call operators need those that give booleans.) */
static bool
replace_calls(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, replace_calls, context, 0);
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = (FuncExpr *) node;

		add_default_arguments(call);
		call->funcid = replacement(call->funcid);
	}
	else if (IsA(node, OpExpr))
	{
		set_opfuncid((OpExpr *) node);
		((OpExpr *) node)->opfuncid = replacement(((OpExpr *) node)->opfuncid);
	}
	return expression_tree_walker(node, replace_calls, context);
}

static PlannedStmt *
guard_plan(Query *query, const char *string, int options, ParamListInfo params)
{
	if (is_any_protected())
		(void) replace_calls((Node *) query, NULL);
	if (previous_planner != NULL)
		return previous_planner(query, string, options, params);
	return standard_planner(query, string, options, params);
}

/* ---- functions in SQL, which are inlined after that ---- */

static bool
mentions_call(HeapTuple function)
{
	bool		isnull;
	Datum		body = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosqlbody, &isnull);
	bool		parsed = !isnull;
	char	   *source;

	if (!parsed)
		body = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosrc, &isnull);
	if (isnull)
		return false;
	source = TextDatumGetCString(body);
	for (char *c = source; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	for (int i = 0; i < lengthof(guarded); i++)
	{
		if (strstr(source, parsed ? psprintf(":funcid %u ", guarded[i].function) : guarded[i].name) != NULL)
			return true;
	}
	return false;
}

/*
 * A function in SQL that names one of the functions is not inlined, so that its queries are planned by themselves. Of
 * those that get at one by other ways, inlined calls are raw.
 */
static bool
keep_from_inlining(Oid oid)
{
	HeapTuple	function;
	bool		keep;

	if (previous_needs != NULL && previous_needs(oid))
		return true;
	if (!was_any || oid < FirstNormalObjectId)
		return false;
	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(function))
		return false;
	keep = ((Form_pg_proc) GETSTRUCT(function))->prolang == SQLlanguageId && mentions_call(function);
	ReleaseSysCache(function);
	return keep;
}

/* ---- raw calls ---- */

static void
refuse_raw_call(int i)
{
	SessionEntry *entry;

	(void) object_guard_session(&entry, true);
	session_log_refusal(guarded[i].privilege == PRIVILEGE_READ ? "read" : "write",
						psprintf("%s() was called where it is not known for which sequence", guarded[i].name));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to call %s() outside a query", guarded[i].name),
			 errdetail("For which sequence it is called is not known here, and not all protected sequences are granted."),
			 errhint("Call it in a query of its own and pass the result, or use an identity column.")));
}

/*
 * PL/pgSQL keeps what has been prepared for execution (its expressions, casts to domains) for the rest of the transaction,
 * and records keep the checks of their domain, although the next call may be somebody else's or come when the privilege is
 * gone: it shall be prepared anew.
 */
static void
forget_prepared_calls(void)
{
	ResetPlanCache();
	CallSyscacheCallbacks(CONSTROID, 0);
}

static void
check_raw_call(int i)
{
	List	   *sequences;
	ListCell   *cell;

	if (passing_on)
		return;

	/*
	 * A statement that locks nothing has not heard of a sequence that was
	 * protected meanwhile.
	 */
	AcceptInvalidationMessages();
	if (!is_any_protected())
		return;
	if (guarded[i].function == F_NEXTVAL && copying.draws > 0)
	{
		copying.draws--;
		return;
	}
	sequences = list_copy(protection_sequences());
	foreach(cell, sequences)
	{
		if (!object_guard_check_sequence(lfirst_oid(cell), guarded[i].privilege, false))
			refuse_raw_call(i);
	}
	list_free(sequences);
	forget_prepared_calls();
}

static void
guard_access(ObjectAccessType access, Oid class, Oid object, int column, void *argument)
{
	if (previous_access != NULL)
		previous_access(access, class, object, column, argument);
	if (access == OAT_FUNCTION_EXECUTE && find_guarded(object) >= 0)
		check_raw_call(find_guarded(object));
}

/* ---- COPY FROM ---- */

/*
 * The defaults of COPY are prepared for execution before anything else is, each call in them once. What is found in them
 * is checked, and that many raw calls are let through. If another one came between, one of these would be refused, before a
 * row is read. That nothing but preparing happens meanwhile, the following sees to.
 */

/* Whether the planner may run the function, or put its body in its place. */
static bool
is_run_early(Oid function, void *context)
{
	HeapTuple	row;
	bool		early;

	if (function < FirstNormalObjectId)
		return false;
	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	early = !HeapTupleIsValid(row) || ((Form_pg_proc) GETSTRUCT(row))->prolang == SQLlanguageId ||
		((Form_pg_proc) GETSTRUCT(row))->provolatile == PROVOLATILE_IMMUTABLE;
	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	return early;
}

static bool
runs_early(Node *node, void *context)
{
	return node != NULL && (check_functions_in_node(node, is_run_early, context) ||
							expression_tree_walker(node, runs_early, context));
}

/* Counts calls of nextval() for sequences by name; an error if one is not granted. */
static bool
count_draws(Node *node, void *context)
{
	const FuncExpr *call = (const FuncExpr *) node;
	const Const *sequence;

	if (node == NULL)
		return false;
	if (!IsA(node, FuncExpr) || call->funcid != F_NEXTVAL || !IsA(linitial(call->args), Const))
		return expression_tree_walker(node, count_draws, context);
	sequence = linitial(call->args);
	(void) object_guard_check_sequence(DatumGetObjectId(sequence->constvalue), PRIVILEGE_EDIT, true);
	++*(int *) context;
	return false;
}

/* How many raw calls the defaults of columns that COPY does not read have; 0 if that cannot be told. */
static int
draws_of_defaults(Oid table, List *columns)
{
	Relation	relation = table_open(table, NoLock);
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *read = CopyGetAttnums(desc, relation, columns);
	int			draws = 0;
	bool		known = true;

	for (int i = 0; i < desc->natts && known; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Node	   *expression;

		if (column->attisdropped || column->attgenerated != '\0' || list_member_int(read, column->attnum))
			continue;
		expression = build_column_default(relation, column->attnum);
		known = !runs_early(expression, NULL);
		if (known && expression != NULL)
			(void) count_draws((Node *) expression_planner((Expr *) expression), &draws);
	}
	table_close(relation, NoLock);
	return known ? draws : 0;
}

/* Where COPY FROM has its privileges checked, its table has been found and locked. */
static bool
guard_copy(CHECK_PERMISSIONS_PARAMETERS)
{
	const CopyStmt *statement = copying.statement;
	const PermissionInfo *rte = permissions == NIL ? NULL : linitial(permissions);

	if (previous_check != NULL && !previous_check(CHECK_PERMISSIONS_ARGUMENTS))
		return false;
	copying.statement = NULL;
	if (statement != NULL && list_length(permissions) == 1 && (rte->requiredPerms & ACL_INSERT) != 0)
		copying.draws = draws_of_defaults(rte->relid, statement->attlist);
	return true;
}

/* ---- utility commands ---- */

/* What a COPY lets through is not for commands within it. */
static void
process_copying(const UtilityArguments *utility, const CopyStmt *statement)
{
	const CopyStmt *outer = copying.statement;
	int			draws = copying.draws;

	copying.statement = statement;
	copying.draws = 0;
	PG_TRY();
	{
		utility_process(utility);
	}
	PG_FINALLY();
	{
		copying.statement = outer;
		copying.draws = draws;
	}
	PG_END_TRY();
}

/* The statement may be part of a plan that is kept. */
static PlannedStmt *
replace_in_call(PlannedStmt *statement)
{
	statement = copyObject(statement);
	(void) replace_calls((Node *) castNode(CallStmt, statement->utilityStmt)->funcexpr->args, NULL);
	return statement;
}

static void
guard_utility(UtilityArguments *utility)
{
	const Node *statement = utility->statement->utilityStmt;
	const CopyStmt *copy = NULL;

	if (IsA(statement, CallStmt) && is_any_protected())
		utility->statement = replace_in_call(utility->statement);
	else if (IsA(statement, CopyStmt))
	{
		copy = (const CopyStmt *) statement;
		if (!copy->is_from || copy->relation == NULL || copy->whereClause != NULL || !is_any_protected())
			copy = NULL;
	}
	if (copy != NULL || copying.statement != NULL || copying.draws > 0)
		process_copying(utility, copy);
	else
		utility_process(utility);
}

/* ---- guarded calls ---- */

static void
tell_hooks(Oid function)
{
	passing_on = true;
	PG_TRY();
	{
		InvokeFunctionExecuteHook(function);
	}
	PG_FINALLY();
	{
		passing_on = false;
	}
	PG_END_TRY();
}

/* What PostgreSQL asks about the original, as often as it would, and the session's privilege, at each call. */
static bool
check_call(FunctionCallInfo fcinfo, Oid function, bool report)
{
	int			i = find_guarded(function);

	if (fcinfo->flinfo->fn_extra == NULL)
	{
		AclResult	result = pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);

		if (result != ACLCHECK_OK)
			aclcheck_error(result, OBJECT_FUNCTION, guarded[i].name);
		tell_hooks(function);
		fcinfo->flinfo->fn_extra = fcinfo->flinfo;	/* asked */
	}
	AcceptInvalidationMessages();
	return object_guard_check_sequence(PG_GETARG_OID(0), guarded[i].privilege, report);
}

/* SQL: spsa.guarded_nextval(regclass) */
PG_FUNCTION_INFO_V1(spsa_sequence_nextval);
Datum
spsa_sequence_nextval(PG_FUNCTION_ARGS)
{
	(void) check_call(fcinfo, F_NEXTVAL, true);
	return nextval_oid(fcinfo);
}

/* SQL: spsa.guarded_setval(regclass, bigint) */
PG_FUNCTION_INFO_V1(spsa_sequence_setval);
Datum
spsa_sequence_setval(PG_FUNCTION_ARGS)
{
	(void) check_call(fcinfo, F_SETVAL_REGCLASS_INT8, true);
	return setval_oid(fcinfo);
}

/* SQL: spsa.guarded_setval(regclass, bigint, boolean) */
PG_FUNCTION_INFO_V1(spsa_sequence_setval3);
Datum
spsa_sequence_setval3(PG_FUNCTION_ARGS)
{
	(void) check_call(fcinfo, F_SETVAL_REGCLASS_INT8_BOOL, true);
	return setval3_oid(fcinfo);
}

/* SQL: spsa.guarded_currval(regclass) */
PG_FUNCTION_INFO_V1(spsa_sequence_currval);
Datum
spsa_sequence_currval(PG_FUNCTION_ARGS)
{
	(void) check_call(fcinfo, F_CURRVAL, true);
	return currval_oid(fcinfo);
}

/* SQL: spsa.guarded_pg_sequence_last_value(regclass). The view pg_sequences shows all sequences: no error. */
PG_FUNCTION_INFO_V1(spsa_sequence_last_value);
Datum
spsa_sequence_last_value(PG_FUNCTION_ARGS)
{
	if (!check_call(fcinfo, F_PG_SEQUENCE_LAST_VALUE, false))
		PG_RETURN_NULL();
	return pg_sequence_last_value(fcinfo);
}

void
sequence_guard_init(void)
{
	previous_planner = planner_hook;
	planner_hook = guard_plan;
	previous_access = object_access_hook;
	object_access_hook = guard_access;
	previous_needs = needs_fmgr_hook;
	needs_fmgr_hook = keep_from_inlining;
	previous_check = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = guard_copy;
	utility_add(guard_utility);
}
