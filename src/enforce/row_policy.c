/* row_policy.c - what policies ask, answered row by row: spsa_allows() and spsa_allows_row() where they are not folded.
 *
 * A call site keeps, in its fn_extra, the values that the session's shape amounts to. They are made again when
 * session_current() answers with another load of the session.
 *
 * Invariant 1: whatever cannot be evaluated narrows. A row scope whose field is not passed, or has another type than when
 * the scope was written, matches no row. Values are compared by the field type's default btree ordering under the
 * collation that the expression has: exactly as the folded expression (fold.c) compares them.
 *
 * Parallel workers answer like the leader: all that they need is in the tables and in the setting.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "base/guc.h"
#include "enforce/policy_call.h"
#include "enforce/row_policy.h"
#include "grant/shape.h"
#include "grant/value.h"
#include "identity/binding.h"

/* field operator any of values */
typedef struct Test
{
	const PolicyField *field;	/* NULL: not passed, or of another type */
	ScopeOperator operator;
	int			nvalues;
	Datum	   *values;			/* sorted for SCOPE_EQUAL */
	FmgrInfo	compare;
} Test;

/* State of a call site. */
typedef struct CallSite
{
	PolicyCall	call;
	/* what the rest was made from */
	uint64		version;
	Oid			object;
	Privilege	privilege;
	/* in context */
	MemoryContext context;
	Reach		reach;
	List	   *arms;			/* lists of Test *, if reach is REACH_SOME */
} CallSite;

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;
	MemoryContext caller;
	const char *fault = NULL;

	if (site != NULL)
		return site;
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site = palloc0(sizeof(CallSite));
	if (PG_NARGS() > POLICY_CALL_FIRST_FIELD)
		fault = policy_call_read((FuncExpr *) fcinfo->flinfo->fn_expr, &site->call);
	if (fault != NULL)
		policy_call_raise(fault);
	site->context = AllocSetContextCreate(CurrentMemoryContext, "spsa row policy", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

static int
compare_values(const void *a, const void *b, void *arg)
{
	Test	   *test = arg;

	return DatumGetInt32(FunctionCall2Coll(&test->compare, test->field->collation,
										   *(const Datum *) a, *(const Datum *) b));
}

static void
append_values(Test *test, int n, const Datum *values)
{
	Datum	   *all;

	if (n == 0)
		return;
	all = palloc_extended(sizeof(Datum) * (test->nvalues + n), MCXT_ALLOC_HUGE);
	if (test->nvalues > 0)
		memcpy(all, test->values, sizeof(Datum) * test->nvalues);
	memcpy(all + test->nvalues, values, sizeof(Datum) * n);
	test->values = all;
	test->nvalues += n;
}

static void
add_values(Test *test, SessionEntry *entry, const ShapeTest *shape)
{
	ListCell   *cell;
	Datum	   *values = palloc(sizeof(Datum) * (list_length(shape->literals) + 1));
	int			n = 0;

	foreach(cell, shape->literals)
		values[n++] = value_from_literal(shape->field, shape->field_type, lfirst(cell));
	append_values(test, n, values);
	foreach(cell, shape->attributes)
	{
		n = value_from_attribute(entry, ((ShapeAttribute *) lfirst(cell))->name, shape->field_type, &values);
		append_values(test, n, values);
	}
}

static Test *
make_test(const CallSite *site, SessionEntry *entry, const ShapeTest *shape)
{
	Test	   *test = palloc0(sizeof(Test));
	Oid			compare;

	test->operator = shape->operator;
	test->field = policy_call_field(&site->call, shape->field, shape->field_type);
	if (test->field == NULL || test->operator == SCOPE_IS_NULL)
		return test;
	compare = lookup_type_cache(getBaseType(shape->field_type), TYPECACHE_CMP_PROC)->cmp_proc;
	if (!OidIsValid(compare))
	{
		test->field = NULL;
		return test;
	}
	fmgr_info(compare, &test->compare);
	add_values(test, entry, shape);
	if (test->operator == SCOPE_EQUAL && test->nvalues > 1)
		qsort_arg(test->values, test->nvalues, sizeof(Datum), compare_values, test);
	return test;
}

/* Of the tests of one field and operator, written for different types, at most one can be used, and one must. */
static List *
make_arm(const CallSite *site, SessionEntry *entry, const ShapeArm *shape)
{
	List	   *tests = NIL;
	const ShapeTest *previous = NULL;
	ListCell   *cell;

	foreach(cell, shape->tests)
	{
		const ShapeTest *its = lfirst(cell);
		Test	   *test = make_test(site, entry, its);

		if (previous != NULL && shape_same_group(previous, its))
		{
			if (test->field != NULL)
				llast(tests) = test;
		}
		else
			tests = lappend(tests, test);
		previous = its;
	}
	return tests;
}

static void
fill_arms(CallSite *site, SessionEntry *entry, Oid object, Privilege privilege)
{
	Question	question = question_object(object, privilege);
	const Shape *shape = shape_of(entry, &question);
	ListCell   *cell;

	site->reach = shape->reach;
	foreach(cell, shape->arms)
		site->arms = lappend(site->arms, make_arm(site, entry, lfirst(cell)));
}

/* Makes the call site say what the session may do now. Until that is complete it says nothing (version 0). */
static void
make_arms(CallSite *site, SessionEntry *entry, Oid object, Privilege privilege)
{
	MemoryContext caller;

	site->version = 0;
	site->arms = NIL;
	MemoryContextReset(site->context);
	caller = MemoryContextSwitchTo(site->context);
	session_pin(entry);
	shape_hold();
	PG_TRY();
	{
		fill_arms(site, entry, object, privilege);
		site->version = entry->version;
	}
	PG_FINALLY();
	{
		shape_release();
		session_unpin(entry);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	site->object = object;
	site->privilege = privilege;
}

static bool
is_among(Test *test, Datum value)
{
	int			low = 0;
	int			high = test->nvalues;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = compare_values(&value, &test->values[middle], test);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool
order_matches(ScopeOperator operator, int order)
{
	switch (operator)
	{
		case SCOPE_LESS:
			return order < 0;
		case SCOPE_LESS_EQUAL:
			return order <= 0;
		case SCOPE_GREATER:
			return order > 0;
		case SCOPE_GREATER_EQUAL:
			return order >= 0;
		default:
			return false;
	}
}

static bool
test_holds(Test *test, FunctionCallInfo fcinfo)
{
	Datum		value;

	if (test->field == NULL)
		return false;
	if (test->operator == SCOPE_IS_NULL)
		return PG_ARGISNULL(test->field->argument);
	if (PG_ARGISNULL(test->field->argument))
		return false;
	value = PG_GETARG_DATUM(test->field->argument);
	if (test->operator == SCOPE_EQUAL)
		return is_among(test, value);
	for (int i = 0; i < test->nvalues; i++)
	{
		if (order_matches(test->operator, compare_values(&value, &test->values[i], test)))
			return true;
	}
	return false;
}

static bool
arm_holds(const List *tests, FunctionCallInfo fcinfo)
{
	ListCell   *cell;

	foreach(cell, tests)
	{
		if (!test_holds(lfirst(cell), fcinfo))
			return false;
	}
	return tests != NIL;
}

/* The valid session, or NULL if there is none; an error if it is over, or missing where one is required. */
SessionEntry *
row_policy_session(void)
{
	/* Outside a checked plan nobody else has looked for news. */
	if (!binding_is_held() && !IsParallelWorker())
		AcceptInvalidationMessages();
	return session_valid(guc_require_session);
}

/* The privilege that a text names; an error if it is none. */
Privilege
row_policy_privilege(const char *name)
{
	Privilege	privilege;

	if (!privilege_parse(name, &privilege))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown privilege \"%s\"", name),
				 errhint("Privileges are read, create, edit, delete, view_all and modify_all.")));
	return privilege;
}

/* For explanations: whether the arm reaches a row, which is given as the arguments of a call. */
bool
row_policy_arm_holds(SessionEntry *entry, const ShapeArm *arm, const PolicyCall *call, FunctionCallInfo row)
{
	CallSite	site = {.call = *call};

	return arm_holds(make_arm(&site, entry, arm), row);
}

static bool
allows(FunctionCallInfo fcinfo)
{
	CallSite   *site = call_site(fcinfo);
	Privilege	privilege;
	SessionEntry *entry;
	Oid			object;
	ListCell   *cell;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	object = PG_GETARG_OID(0);
	privilege = row_policy_privilege(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	entry = row_policy_session();
	if (entry == NULL)
		return false;
	if (site->version != entry->version || site->object != object || site->privilege != privilege)
		make_arms(site, entry, object, privilege);
	if (site->reach != REACH_SOME)
		return site->reach == REACH_ALL;
	foreach(cell, site->arms)
	{
		if (arm_holds(lfirst(cell), fcinfo))
			return true;
	}
	return false;
}

/* SQL: spsa_allows(regclass, text) */
PG_FUNCTION_INFO_V1(spsa_allows);
Datum
spsa_allows(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(allows(fcinfo));
}

/* SQL: spsa_allows_row(regclass, text, VARIADIC "any") */
PG_FUNCTION_INFO_V1(spsa_allows_row);
Datum
spsa_allows_row(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(allows(fcinfo));
}
