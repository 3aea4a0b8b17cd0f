/* fold.c - folding permissions into plans: the planner support function of spsa_allows() and spsa_allows_row().
 *
 * At plan time a call is replaced by what the session's shape says: TRUE, FALSE, or plain predicates built with the
 * default btree operators of the fields' types under the collations that the expression has. Literals become constants;
 * attributes stay calls of spsa_session_value() and spsa_session_values(), so that a plan depends on the shape and not on
 * the user.
 *
 * Invariant 5: a plan made under other authority must not run. Each folded plan carries, in its list of invalidation
 * items, a mark, by which all such plans can be made stale at once, and for each shape that was folded the object, the
 * privilege and the shape's number. The executor guard compares these with the present ones at every start
 * (fold_is_current). The caches of PostgreSQL compare items of the kinds PROCOID and TYPEOID only, so that items of other
 * kinds just travel along with the plan.
 *
 * Never folded: what may be evaluated without ExecutorStart (no planner state, or a query without tables, as PL/pgSQL
 * runs simple expressions), and what would evaluate a volatile argument more than once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/signal.h"
#include "enforce/fold.h"
#include "enforce/policy_call.h"
#include "grant/shape.h"
#include "grant/value.h"
#include "identity/binding.h"

/* Hash value of the item that marks a plan: no function has it but by chance, and then only a replan is lost. */
#define PLAN_MARK 0x73707361u

/* Kinds of the three items that tell a folded shape; no syscache has these numbers. */
#define ITEM_OBJECT 0x73700000	/* + privilege; value: object */
#define ITEM_SHAPE_LOW 0x73710000
#define ITEM_SHAPE_HIGH 0x73720000

/* The statement attaches a session; value: as in the function's own item of kind PROCOID. */
#define ITEM_ATTACH 0x73730000

SessionEntry *fold_running_session = NULL;

/* Shapes folded into plans that may still be cached. */
typedef struct Folded
{
	Oid			object;
	Privilege	privilege;
	uint64		shape;
} Folded;

#define MAX_FOLDED 256

static Folded folded[MAX_FOLDED];
static int	nfolded = 0;
static bool folded_overflow = false;
static bool marked_any = false;
static uint64 checked_version = 0;	/* of the session; 0: none */

/* ---- what was folded ---- */

static bool
has_mark(const List *items)
{
	ListCell   *cell;

	foreach(cell, items)
	{
		const PlanInvalItem *item = lfirst(cell);

		if (item->cacheId == PROCOID && item->hashValue == PLAN_MARK)
			return true;
	}
	return false;
}

bool
fold_is_marked(const PlannedStmt *plan)
{
	return marked_any && has_mark(plan->invalItems);
}

static void
add_item(PlannerGlobal *glob, int kind, uint32 value)
{
	PlanInvalItem *item = makeNode(PlanInvalItem);

	item->cacheId = kind;
	item->hashValue = value;
	glob->invalItems = lappend(glob->invalItems, item);
}

/* The call may have come in by an inlined function, which the plan does not depend on by itself. */
static void
mark_plan(PlannerInfo *root, Oid function)
{
	record_plan_function_dependency(root, function);
	marked_any = true;
	if (!has_mark(root->glob->invalItems))
		add_item(root->glob, PROCOID, PLAN_MARK);
}

static void
remember_folded(Oid object, Privilege privilege, uint64 shape)
{
	for (int i = 0; i < nfolded; i++)
	{
		if (folded[i].object == object && folded[i].privilege == privilege && folded[i].shape == shape)
			return;
	}
	if (nfolded == MAX_FOLDED)
	{
		folded_overflow = true;
		return;
	}
	folded[nfolded].object = object;
	folded[nfolded].privilege = privilege;
	folded[nfolded].shape = shape;
	nfolded++;
}

static void
record_fold(PlannerGlobal *glob, Oid object, Privilege privilege, uint64 shape)
{
	add_item(glob, ITEM_OBJECT + (int) privilege, object);
	add_item(glob, ITEM_SHAPE_LOW, (uint32) shape);
	add_item(glob, ITEM_SHAPE_HIGH, (uint32) (shape >> 32));
	remember_folded(object, privilege, shape);
}

static uint64
present_shape(SessionEntry *entry, Oid object, Privilege privilege)
{
	return entry == NULL ? shape_none()->id : shape_of(entry, object, privilege)->id;
}

/* Whether each shape that was folded into the plan is the present one. entry: the valid session, or NULL for none. */
bool
fold_is_current(const PlannedStmt *plan, SessionEntry *entry)
{
	const List *items = plan->invalItems;

	for (int i = 0; i < list_length(items); i++)
	{
		const PlanInvalItem *item = list_nth(items, i);
		uint64		shape;

		if (item->cacheId < ITEM_OBJECT || item->cacheId >= ITEM_OBJECT + PRIVILEGE_COUNT)
			continue;
		shape = (uint64) ((const PlanInvalItem *) list_nth(items, i + 1))->hashValue |
			(uint64) ((const PlanInvalItem *) list_nth(items, i + 2))->hashValue << 32;
		if (present_shape(entry, item->hashValue, (Privilege) (item->cacheId - ITEM_OBJECT)) != shape)
			return false;

		/*
		 * It may have been forgotten by an invalidation that came while it
		 * was being made.
		 */
		remember_folded(item->hashValue, (Privilege) (item->cacheId - ITEM_OBJECT), shape);
	}
	return true;
}

/* Makes every cached plan with a mark stale. Touches no table and raises no error: callbacks may call it. */
void
fold_invalidate(void)
{
	if (nfolded > 0 || folded_overflow)
		fold_invalidate_always();
}

/* The same where a stale plan has been met, whether or not it was known of. */
void
fold_invalidate_always(void)
{
	nfolded = 0;
	folded_overflow = false;
	CallSyscacheCallbacks(PROCOID, PLAN_MARK);
}

/* Whether an item stands for an attach function. */
static bool
is_attach(const List *items, const PlanInvalItem *item)
{
	ListCell   *cell;

	if (item->cacheId == ITEM_ATTACH)
		return true;
	foreach(cell, items)
	{
		const PlanInvalItem *other = lfirst(cell);

		if (other->cacheId == ITEM_ATTACH && item->cacheId == PROCOID && item->hashValue == other->hashValue)
			return true;
	}
	return false;
}

/*
 * Whether other plans may be chosen while the statement runs: by functions that are not built in (the attach functions do
 * that by themselves), or by triggers. After a pooled transaction nobody is attached; were that looked at by each
 * statement, the plans would be thrown away before the next one attaches a session with the same shapes.
 */
bool
fold_may_run_plans(const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->invalItems)
	{
		if (!is_attach(plan->invalItems, lfirst(cell)))
			return true;
	}
	return plan->commandType != CMD_SELECT || plan->hasModifyingCTE;
}

/*
 * Called where statements begin, and by the attach functions: if something is folded that the session of now does not
 * have, the plans go, before one of them is chosen. A session that is over is left to the executor guard.
 */
void
fold_check_plans(void)
{
	SessionEntry *entry;
	uint64		version;

	if ((nfolded == 0 && !folded_overflow) || session_current(&entry) == SESSION_OVER)
		return;
	version = entry == NULL ? 0 : entry->version;
	if (version == checked_version)
		return;
	for (int i = 0; i < nfolded && !folded_overflow; i++)
	{
		if (present_shape(entry, folded[i].object, folded[i].privilege) != folded[i].shape)
			folded_overflow = true;
	}
	if (folded_overflow)
		fold_invalidate();
	checked_version = version;
}

/* A signal has come in that may concern the bound session, or everybody. */
static void
signal_came(bool everybody, uint32 bucket)
{
	if (everybody || session_listens_to(bucket))
		fold_invalidate();
}

/* ---- building expressions ---- */

/* How values are compared with a field. */
typedef struct Comparison
{
	Expr	   *field;
	Oid			value_type;
	Oid			array_type;		/* invalid: there is none */
	Oid			collation;
	Oid			family;
	Oid			family_type;
} Comparison;

static bool
prepare_comparison(const FuncExpr *call, const PolicyField *field, Comparison *comparison)
{
	Oid			base = getBaseType(field->type);
	TypeCacheEntry *type = lookup_type_cache(base, TYPECACHE_BTREE_OPFAMILY);

	if (!OidIsValid(type->btree_opf))
		return false;
	comparison->family = type->btree_opf;
	comparison->family_type = type->btree_opintype;
	comparison->value_type = IsPolymorphicType(type->btree_opintype) || type->btree_opintype == RECORDOID ?
		base : type->btree_opintype;
	comparison->array_type = get_array_type(comparison->value_type);
	comparison->collation = field->collation;
	comparison->field = copyObject(list_nth(call->args, field->argument));
	if (exprType((Node *) comparison->field) != comparison->value_type)
		comparison->field = (Expr *) makeRelabelType(comparison->field, comparison->value_type, -1, field->collation,
													 COERCE_IMPLICIT_CAST);
	return true;
}

static Oid
comparison_operator(const Comparison *comparison, ScopeOperator operator)
{
	static const StrategyNumber strategies[] = {
		BTEqualStrategyNumber, BTLessStrategyNumber, BTLessEqualStrategyNumber, BTGreaterStrategyNumber,
		BTGreaterEqualStrategyNumber
	};

	return get_opfamily_member(comparison->family, comparison->family_type, comparison->family_type, strategies[operator]);
}

static Expr *
compare_one(const Comparison *comparison, Oid operator, Expr *value)
{
	OpExpr	   *result = (OpExpr *) make_opclause(operator, BOOLOID, false, copyObject(comparison->field), value,
												  InvalidOid, comparison->collation);

	set_opfuncid(result);
	return (Expr *) result;
}

static Expr *
compare_any(const Comparison *comparison, Oid operator, Expr *array)
{
	ScalarArrayOpExpr *result = makeNode(ScalarArrayOpExpr);

	result->opno = operator;
	result->opfuncid = get_opcode(operator);
	result->useOr = true;
	result->inputcollid = comparison->collation;
	result->args = list_make2(copyObject(comparison->field), array);
	result->location = -1;
	return (Expr *) result;
}

static Const *
value_const(const Comparison *comparison, Datum value)
{
	int16		length;
	bool		by_value;

	get_typlenbyval(comparison->value_type, &length, &by_value);
	return makeConst(comparison->value_type, -1, get_typcollation(comparison->value_type), length, value, false, by_value);
}

static Const *
array_const(const Comparison *comparison, Datum *values, int n)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(comparison->value_type, &length, &by_value, &align);
	return makeConst(comparison->array_type, -1, get_typcollation(comparison->array_type), -1,
					 PointerGetDatum(construct_array(values, n, comparison->value_type, length, by_value, align)),
					 false, false);
}

/* spsa_session_value() or spsa_session_values(), in the schema of the function that is folded. */
static Expr *
attribute_call(const Comparison *comparison, const FuncExpr *call, const ShapeAttribute *attribute)
{
	bool		array = attribute->form == ATTRIBUTE_ARRAY;
	Oid			types[2] = {TEXTOID, ANYELEMENTOID};
	Oid			result = array ? comparison->array_type : comparison->value_type;
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										   CStringGetDatum(array ? "spsa_session_values" : "spsa_session_value"),
										   PointerGetDatum(buildoidvector(types, 2)),
										   ObjectIdGetDatum(get_func_namespace(call->funcid)));
	Const	   *name = makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(attribute->name), false, false);
	Const	   *type = makeNullConst(comparison->value_type, -1, get_typcollation(comparison->value_type));

	if (!OidIsValid(function) || !OidIsValid(result))
		return NULL;
	return (Expr *) makeFuncExpr(function, result, list_make2(name, type), get_typcollation(result), DEFAULT_COLLATION_OID,
								 COERCE_EXPLICIT_CALL);
}

static List *
compare_literals(List *alternatives, const Comparison *comparison, Oid operator, const ShapeTest *test)
{
	int			n = 0;
	Datum	   *values = palloc(sizeof(Datum) * (list_length(test->literals) + 1));
	ListCell   *cell;

	foreach(cell, test->literals)
		values[n++] = value_from_literal(test->field, test->field_type, lfirst(cell));
	if (n > 1 && OidIsValid(comparison->array_type))
		return lappend(alternatives, compare_any(comparison, operator, (Expr *) array_const(comparison, values, n)));
	for (int i = 0; i < n; i++)
		alternatives = lappend(alternatives,
							   compare_one(comparison, operator, (Expr *) value_const(comparison, values[i])));
	return alternatives;
}

/* False if it cannot be told by an expression. */
static bool
compare_attributes(List **alternatives, const Comparison *comparison, Oid operator, const FuncExpr *call,
				   const ShapeTest *test)
{
	ListCell   *cell;

	foreach(cell, test->attributes)
	{
		const ShapeAttribute *attribute = lfirst(cell);
		Expr	   *value = attribute_call(comparison, call, attribute);

		if (value == NULL)
			return false;
		*alternatives = lappend(*alternatives, attribute->form == ATTRIBUTE_ARRAY ?
								compare_any(comparison, operator, value) : compare_one(comparison, operator, value));
	}
	return true;
}

/* field operator any of the test's values: alternatives, none if it cannot hold. False if it cannot be folded. */
static bool
fold_test(const FuncExpr *call, const PolicyCall *arguments, const ShapeTest *test, List **alternatives)
{
	const PolicyField *field = policy_call_field(arguments, test->field, test->field_type);
	Comparison	comparison;
	Oid			operator;

	if (field == NULL)
		return true;
	if (test->operator == SCOPE_IS_NULL)
	{
		NullTest   *is_null = makeNode(NullTest);

		is_null->arg = copyObject(list_nth(call->args, field->argument));
		is_null->nulltesttype = IS_NULL;
		is_null->argisrow = false;
		is_null->location = -1;
		*alternatives = lappend(*alternatives, is_null);
		return true;
	}
	if (!prepare_comparison(call, field, &comparison))
		return true;			/* no ordering: unusable, as row by row */
	operator = comparison_operator(&comparison, test->operator);
	if (!OidIsValid(operator))
		return false;
	*alternatives = compare_literals(*alternatives, &comparison, operator, test);
	return compare_attributes(alternatives, &comparison, operator, call, test);
}

/* NULL if the arm cannot be folded; a constant FALSE if it cannot hold. */
static Expr *
fold_arm(const FuncExpr *call, const PolicyCall *arguments, const ShapeArm *arm)
{
	List	   *conjuncts = NIL;
	int			n = list_length(arm->tests);

	for (int i = 0; i < n;)
	{
		const ShapeTest *group = list_nth(arm->tests, i);
		List	   *alternatives = NIL;

		for (; i < n && shape_same_group(group, list_nth(arm->tests, i)); i++)
		{
			if (!fold_test(call, arguments, list_nth(arm->tests, i), &alternatives))
				return NULL;
		}
		if (alternatives == NIL)
			return (Expr *) makeBoolConst(false, false);
		conjuncts = lappend(conjuncts, make_orclause(alternatives));
	}
	return make_andclause(conjuncts);
}

static bool
is_constant_false(const Expr *expression)
{
	return IsA(expression, Const) && !DatumGetBool(((const Const *) expression)->constvalue);
}

/* NULL if the shape cannot be folded here. */
static Node *
fold_shape(const FuncExpr *call, const PolicyCall *arguments, const Shape *shape)
{
	List	   *arms = NIL;
	ListCell   *cell;

	if (shape->reach != REACH_SOME)
		return makeBoolConst(shape->reach == REACH_ALL, false);
	foreach(cell, shape_copy_arms(shape))
	{
		Expr	   *arm = fold_arm(call, arguments, lfirst(cell));

		if (arm == NULL)
			return NULL;
		if (!is_constant_false(arm))
			arms = lappend(arms, arm);
	}
	return arms == NIL ? makeBoolConst(false, false) : (Node *) make_orclause(arms);
}

/* ---- the support function ---- */

/* Whether the expression is evaluated by a plan that ExecutorStart sees. */
static bool
reads_a_table(const PlannerInfo *root)
{
	ListCell   *cell;

	if (root->parse == NULL)
		return false;
	foreach(cell, root->parse->rtable)
	{
		if (((const RangeTblEntry *) lfirst(cell))->rtekind == RTE_RELATION)
			return true;
	}
	return false;
}

static bool
constant_arguments(const FuncExpr *call, Oid *object, Privilege *privilege)
{
	const Const *first = linitial(call->args);
	const Const *second = lsecond(call->args);

	if (!IsA(first, Const) || !IsA(second, Const) || first->constisnull || second->constisnull)
		return false;
	*object = DatumGetObjectId(first->constvalue);
	return privilege_parse(TextDatumGetCString(second->constvalue), privilege);
}

/*
 * Calls of the function in an expression: all of them, and those of which only the truth matters, below AND and OR. A
 * function in SQL may be inlined and turn out to be such a call: it counts as one that is no condition.
 */
typedef struct Occurrences
{
	Oid			function;
	int			all;
	int			conditions;
} Occurrences;

static bool
may_be_inlined(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result = HeapTupleIsValid(row) && ((Form_pg_proc) GETSTRUCT(row))->prolang == SQLlanguageId;

	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	return result;
}

/* Queries below are planned by themselves. */
static bool
count_all(Node *node, Occurrences *occurrences)
{
	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, FuncExpr) &&
		(((FuncExpr *) node)->funcid == occurrences->function || may_be_inlined(((FuncExpr *) node)->funcid)))
		occurrences->all++;
	return expression_tree_walker(node, count_all, occurrences);
}

static void
count_conditions(Node *node, Occurrences *occurrences)
{
	ListCell   *cell;
	List	   *below = NIL;

	if (node == NULL)
		return;
	if (IsA(node, FuncExpr))
		occurrences->conditions += ((FuncExpr *) node)->funcid == occurrences->function;
	else if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop != NOT_EXPR)
		below = ((BoolExpr *) node)->args;
	else if (IsA(node, List))
		below = (List *) node;
	foreach(cell, below)
		count_conditions(lfirst(cell), occurrences);
}

/* Whether the function is called, or may be, anywhere but in a policy. */
static bool
called_outside_policies(PlannerInfo *root, Oid function)
{
	Occurrences outside = {function, 0, 0};
	List	   *checks = root->parse->withCheckOptions;
	ListCell   *cell;

	root->parse->withCheckOptions = NIL;
	(void) query_tree_walker(root->parse, count_all, &outside, QTW_IGNORE_RANGE_TABLE);
	root->parse->withCheckOptions = checks;
	(void) expression_tree_walker((Node *) root->append_rel_list, count_all, &outside);
	foreach(cell, root->parse->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);

		/*
		 * A function that has been inlined stays there, but is not called any
		 * more.
		 */
		if (rte->rtekind == RTE_FUNCTION)
			(void) count_all((Node *) rte->functions, &outside);
		(void) count_all((Node *) rte->values_lists, &outside);
		(void) count_all((Node *) rte->joinaliasvars, &outside);
		(void) count_all((Node *) rte->tablesample, &outside);
	}
	return outside.all > 0;
}

/*
 * Whether the call stands where NULL counts as FALSE, as in a policy. Elsewhere the predicates, which are NULL for a field
 * that is NULL, must be made to say FALSE as the function does: NOT, IS NOT FALSE and the like tell the difference. The
 * call itself does not tell where it stands; so it is taken for a condition only if no other kind of call is left in the
 * query. (Policies come last: by then, calls elsewhere have been folded.)
 */
static bool
is_condition(PlannerInfo *root, const FuncExpr *call)
{
	Occurrences in_policies = {call->funcid, 0, 0};
	ListCell   *cell;

	if (called_outside_policies(root, call->funcid))
		return false;
	foreach(cell, root->parse->rtable)
	{
		Node	   *quals = (Node *) ((RangeTblEntry *) lfirst(cell))->securityQuals;

		(void) count_all(quals, &in_policies);
		count_conditions(quals, &in_policies);
	}
	foreach(cell, root->parse->withCheckOptions)
	{
		Node	   *qual = ((WithCheckOption *) lfirst(cell))->qual;

		(void) count_all(qual, &in_policies);
		count_conditions(qual, &in_policies);
	}
	return in_policies.all > 0 && in_policies.all == in_policies.conditions;
}

static Node *
is_true(Node *condition)
{
	BooleanTest *test = makeNode(BooleanTest);

	test->arg = (Expr *) condition;
	test->booltesttype = IS_TRUE;
	test->location = -1;
	return (Node *) test;
}

/* NULL: leave the call as it is. */
static Node *
fold(PlannerInfo *root, const FuncExpr *call)
{
	PolicyCall	arguments;
	Privilege	privilege;
	Oid			object;
	SessionEntry *entry;
	const Shape *shape;
	Node	   *volatile result = NULL;

	if (!reads_a_table(root) || contain_volatile_functions((Node *) call->args) ||
		contain_subplans((Node *) call->args) || expression_returns_set((Node *) call->args) ||
		!constant_arguments(call, &object, &privilege) || policy_call_read(call, &arguments) != NULL)
		return NULL;
	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			break;
		case SESSION_NONE:
			record_fold(root->glob, object, privilege, shape_none()->id);
			return makeBoolConst(false, false);
		case SESSION_OVER:
			return NULL;		/* the executor guard says so */
	}
	shape = shape_of(entry, object, privilege);
	record_fold(root->glob, object, privilege, shape->id);
	session_pin(entry);
	PG_TRY();
	{
		result = fold_shape(call, &arguments, shape);
		if (result != NULL && !IsA(result, Const) && !is_condition(root, call))
			result = is_true(result);
	}
	PG_FINALLY();
	{
		session_unpin(entry);
	}
	PG_END_TRY();
	return result;
}

/* SQL: spsa.allows_support(internal) */
PG_FUNCTION_INFO_V1(spsa_allows_support);
Datum
spsa_allows_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *result = NULL;

	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;

		if (simplify->root != NULL)
		{
			mark_plan(simplify->root, simplify->fcall->funcid);
			result = fold(simplify->root, simplify->fcall);
		}
	}
	PG_RETURN_POINTER(result);
}

/* SQL: spsa.attach_support(internal) */
PG_FUNCTION_INFO_V1(spsa_attach_support);
Datum
spsa_attach_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify) && request->root != NULL)
		add_item(request->root->glob, ITEM_ATTACH,
				 GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(request->fcall->funcid)));
	PG_RETURN_POINTER(NULL);
}

/* ---- attributes at run time ---- */

typedef struct CachedValue
{
	uint64		version;
	Datum		value;
	bool		isnull;
} CachedValue;

/* The session that the running plan was started under; in workers and at plan time the present one. */
static SessionEntry *
value_session(void)
{
	SessionEntry *entry = fold_running_session;

	if (entry != NULL && !InSecurityRestrictedOperation())
		return entry;
	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			return entry;
		case SESSION_OVER:
			session_raise_invalid();
		case SESSION_NONE:
			break;
	}
	return NULL;
}

static Datum
make_array(Datum *values, int n, Oid type)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(values, n, type, length, by_value, align));
}

static void
read_value(FunctionCallInfo fcinfo, SessionEntry *entry, CachedValue *cached, bool array)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum	   *values;
	Datum		value;
	int			n;

	cached->version = 0;
	n = value_from_attribute(entry, name, type, &values);
	cached->isnull = n == 0 && !array;
	if (cached->isnull)
		return;
	value = array ? make_array(values, n, type) : values[0];
	cached->value = datumCopy(value, !array && get_typbyval(type), array ? -1 : get_typlen(type));
}

static Datum
session_value(FunctionCallInfo fcinfo, bool array)
{
	SessionEntry *entry = value_session();
	CachedValue *cached = fcinfo->flinfo->fn_extra;
	MemoryContext caller;

	if (entry == NULL || PG_ARGISNULL(0) || !OidIsValid(get_fn_expr_argtype(fcinfo->flinfo, 1)))
		PG_RETURN_NULL();
	if (cached == NULL)
		cached = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CachedValue));
	if (cached->version != entry->version)
	{
		uint64		version = entry->version;

		session_pin(entry);
		PG_TRY();
		{
			caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
			read_value(fcinfo, entry, cached, array);
			MemoryContextSwitchTo(caller);
		}
		PG_FINALLY();
		{
			session_unpin(entry);
		}
		PG_END_TRY();
		cached->version = version;
	}
	if (cached->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(cached->value);
}

/* SQL: spsa_session_value(text, anyelement) */
PG_FUNCTION_INFO_V1(spsa_session_value);
Datum
spsa_session_value(PG_FUNCTION_ARGS)
{
	return session_value(fcinfo, false);
}

/* SQL: spsa_session_values(text, anyelement) */
PG_FUNCTION_INFO_V1(spsa_session_values);
Datum
spsa_session_values(PG_FUNCTION_ARGS)
{
	return session_value(fcinfo, true);
}

void
fold_init(void)
{
	signal_set_listener(signal_came);
	session_set_attached(fold_check_plans);
}
