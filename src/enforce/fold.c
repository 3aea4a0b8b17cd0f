/* fold.c - folding permissions into plans: the planner support function of spsa_allows() and spsa_allows_row().
 *
 * At plan time a call is replaced by what the session's shape says: TRUE, FALSE, or plain predicates built with the
 * default btree operators of the fields' types under the collations that the expression has. Literals become constants;
 * attributes become constants, or calls of spsa_session_value() and spsa_session_values() if the plan is to be shared by
 * users (plan_mark.c, which also says how a plan that was made under other authority is kept from running).
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

#include "enforce/fold.h"
#include "enforce/plan_mark.h"
#include "enforce/policy_call.h"
#include "grant/shape.h"
#include "grant/value.h"

/* ---- building expressions ---- */

/* A call that is being folded. */
typedef struct Folding
{
	const FuncExpr *call;
	PolicyCall	arguments;
	SessionEntry *entry;
	bool		holds_values;	/* attributes have become constants */
	bool		supposed;		/* for no plan of anybody's: always constants */
} Folding;

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
	return makeConst(comparison->value_type, -1, get_typcollation(comparison->value_type), length,
					 datumCopy(value, by_value, length), false, by_value);
}

static Const *
array_const(const Comparison *comparison, const Datum *values, int n)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(comparison->value_type, &length, &by_value, &align);
	return makeConst(comparison->array_type, -1, get_typcollation(comparison->array_type), -1,
					 PointerGetDatum(construct_array(unconstify(Datum *, values), n, comparison->value_type, length, by_value, align)),
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
compare_values(List *alternatives, const Comparison *comparison, Oid operator, const Datum *values, int n)
{
	if (n > 1 && OidIsValid(comparison->array_type))
		return lappend(alternatives, compare_any(comparison, operator, (Expr *) array_const(comparison, values, n)));
	for (int i = 0; i < n; i++)
		alternatives = lappend(alternatives,
							   compare_one(comparison, operator, (Expr *) value_const(comparison, values[i])));
	return alternatives;
}

static List *
compare_literals(List *alternatives, const Comparison *comparison, Oid operator, const ShapeTest *test)
{
	int			n = 0;
	Datum	   *values = palloc(sizeof(Datum) * (list_length(test->literals) + 1));
	ListCell   *cell;

	foreach(cell, test->literals)
		values[n++] = value_from_literal(test->field, test->field_type, lfirst(cell));
	return compare_values(alternatives, comparison, operator, values, n);
}

static List *
compare_constants(List *alternatives, const Comparison *comparison, Oid operator, Folding *folding, const ShapeTest *test)
{
	ListCell   *cell;

	folding->holds_values = true;
	foreach(cell, test->attributes)
	{
		const Datum *values;
		int			n = value_constants(folding->entry, ((const ShapeAttribute *) lfirst(cell))->name,
										comparison->value_type, &values);

		alternatives = compare_values(alternatives, comparison, operator, values, n);
	}
	return alternatives;
}

/* False if it cannot be told by an expression. */
static bool
compare_calls(List **alternatives, const Comparison *comparison, Oid operator, const FuncExpr *call, const ShapeTest *test)
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
fold_test(Folding *folding, const ShapeTest *test, List **alternatives)
{
	const FuncExpr *call = folding->call;
	const PolicyField *field = policy_call_field(&folding->arguments, test->field, test->field_type);
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
	if (test->attributes == NIL)
		return true;
	if (!folding->supposed && (!plan_mark_may_hold_values() || !value_input_is_immutable(comparison.value_type)))
		return compare_calls(alternatives, &comparison, operator, call, test);
	*alternatives = compare_constants(*alternatives, &comparison, operator, folding, test);
	return true;
}

/* NULL if the arm cannot be folded; a constant FALSE if it cannot hold. */
static Expr *
fold_arm(Folding *folding, const ShapeArm *arm)
{
	List	   *conjuncts = NIL;
	int			n = list_length(arm->tests);

	for (int i = 0; i < n;)
	{
		const ShapeTest *group = list_nth(arm->tests, i);
		List	   *alternatives = NIL;

		for (; i < n && shape_same_group(group, list_nth(arm->tests, i)); i++)
		{
			if (!fold_test(folding, list_nth(arm->tests, i), &alternatives))
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
fold_shape(Folding *folding, const Shape *shape)
{
	List	   *arms = NIL;
	ListCell   *cell;

	if (shape->reach != REACH_SOME)
		return makeBoolConst(shape->reach == REACH_ALL, false);
	foreach(cell, shape->arms)
	{
		Expr	   *arm = fold_arm(folding, lfirst(cell));

		if (arm == NULL)
			return NULL;
		if (!is_constant_false(arm))
			arms = lappend(arms, arm);
	}
	return arms == NIL ? makeBoolConst(false, false) : (Node *) make_orclause(arms);
}

/* ---- the support function ---- */

/* Whether the expression is evaluated by a plan that ExecutorStart sees. */
bool
fold_reads_a_table(const PlannerInfo *root)
{
	ListCell   *cell;

	/*
	 * By the time of the relations' own expressions: a CHECK is not
	 * evaluated, but believed.
	 */
	if (root->parse == NULL || root->simple_rel_array != NULL)
		return false;
	foreach(cell, root->parse->rtable)
	{
		if (((const RangeTblEntry *) lfirst(cell))->rtekind == RTE_RELATION)
			return true;
	}
	return false;
}

/* Whether each argument may be evaluated several times, or not at all. */
static bool
are_plain(List *arguments)
{
	ListCell   *cell;

	foreach(cell, arguments)
	{
		Node	   *argument = lfirst(cell);

		if (IsA(argument, Const) || IsA(argument, Var))
			continue;
		if (contain_volatile_functions(argument) || contain_subplans(argument) || expression_returns_set(argument))
			return false;
	}
	return true;
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
	Folding		folding = {call};
	SessionEntry *entry;
	Privilege	privilege;
	Oid			object;
	Question	question;
	const Shape *shape;
	Node	   *volatile result = NULL;

	if (!fold_reads_a_table(root) || !are_plain(call->args) || !constant_arguments(call, &object, &privilege) ||
		policy_call_read(call, &folding.arguments) != NULL)
		return NULL;
	question = question_object(object, privilege);
	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			break;
		case SESSION_NONE:
			plan_mark_add(root->glob, &question, shape_none()->id);
			return makeBoolConst(false, false);
		case SESSION_OVER:
			return NULL;		/* the executor guard says so */
	}
	shape = shape_of(entry, &question);
	plan_mark_add(root->glob, &question, shape->id);
	folding.entry = entry;
	session_pin(entry);
	shape_hold();
	PG_TRY();
	{
		result = fold_shape(&folding, shape);
		if (folding.holds_values)
			plan_mark_add_values(root->glob, entry);
		if (result != NULL && !IsA(result, Const) && !is_condition(root, call))
			result = is_true(result);
	}
	PG_FINALLY();
	{
		shape_release();
		session_unpin(entry);
	}
	PG_END_TRY();
	return result;
}

/*
 * What a policy's call amounts to under a shape that is supposed only, of an entry that is in no cache: a condition of
 * constants, which asks nobody when it runs. Nothing is noted of it in a plan. NULL: it cannot be told by an expression.
 */
Node *
fold_supposed(const FuncExpr *call, SessionEntry *entry, const Shape *shape)
{
	Folding		folding = {.call = call,.entry = entry,.supposed = true};

	if (policy_call_read(call, &folding.arguments) != NULL)
		return NULL;
	return fold_shape(&folding, shape);
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
			plan_mark_set(simplify->root, simplify->fcall->funcid);
			result = fold(simplify->root, simplify->fcall);
		}
	}
	PG_RETURN_POINTER(result);
}
