/* row_policy.c - what policies ask: spsa_allows() and spsa_allows_row().
 *
 * A call site keeps, in its fn_extra, what the session's effective sets amount to for one object and privilege: all rows,
 * none, or arms of which one must hold. It is made again when session_current() answers with another load of the session.
 *
 * Invariant 1: whatever cannot be evaluated narrows. A row scope whose field is not passed, or has another type than when
 * the scope was written, matches no row. Values are compared by the field type's default btree ordering under the
 * collation that the expression has.
 *
 * The planner support function marks each plan that holds a call, so that the executor guard checks every execution.
 * Parallel workers answer like the leader: all that they need is in the tables and in the setting.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/planmain.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/guc.h"
#include "enforce/row_policy.h"
#include "grant/effective.h"
#include "grant/value.h"
#include "identity/binding.h"

/* Hash value of the PlanInvalItem that marks a plan: no function has it but by chance, and then only a replan is lost. */
#define PLAN_MARK 0x73707361u

#define FIRST_FIELD 2			/* argument number of the first field's name */

/* A field that the call passes. */
typedef struct Field
{
	char	   *name;
	Oid			type;
	Oid			collation;
	int			argument;		/* of the value */
} Field;

/* field operator any of values */
typedef struct Test
{
	const Field *field;			/* NULL: not passed, or of another type */
	ScopeOperator operator;
	int			nvalues;
	int			capacity;
	Datum	   *values;			/* sorted for SCOPE_EQUAL */
	FmgrInfo	compare;
	NameData	field_name;
} Test;

/* All tests must hold. */
typedef struct Arm
{
	List	   *tests;			/* of Test * */
} Arm;

/* State of a call site. */
typedef struct CallSite
{
	int			nfields;
	Field	   *fields;
	/* what the rest was made from */
	uint64		version;
	Oid			object;
	Privilege	privilege;
	/* in context */
	MemoryContext context;
	Reach		reach;
	List	   *arms;			/* of Arm *, if reach is REACH_SOME */
} CallSite;

static void
raise_argument(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errhint("Call it as spsa_allows_row(object, privilege, 'field', field, ...).")));
}

/* A field's name must be a constant, so that a policy means the same for every row. */
static char *
constant_name(Node *argument)
{
	Const	   *constant = (Const *) argument;

	if (argument == NULL || !IsA(argument, Const))
		raise_argument("names of fields must be constants");
	if (constant->constisnull)
		raise_argument("names of fields must not be null");
	switch (constant->consttype)
	{
		case UNKNOWNOID:
			return pstrdup(DatumGetCString(constant->constvalue));
		case TEXTOID:
		case VARCHAROID:
			return TextDatumGetCString(constant->constvalue);
		case NAMEOID:
			return pstrdup(NameStr(*DatumGetName(constant->constvalue)));
		default:
			raise_argument("names of fields must be text");
	}
	return NULL;				/* not reached */
}

static void
read_fields(CallSite *site, FunctionCallInfo fcinfo)
{
	Node	   *expression = fcinfo->flinfo->fn_expr;
	int			n = PG_NARGS() - FIRST_FIELD;
	List	   *arguments;

	if (n <= 0)
		return;
	if (get_fn_expr_variadic(fcinfo->flinfo))
		raise_argument("fields cannot be passed as an array");
	if (n % 2 != 0)
		raise_argument("names and values of fields must come in pairs");
	if (expression == NULL || !IsA(expression, FuncExpr))
		raise_argument("names of fields must be constants");
	arguments = ((FuncExpr *) expression)->args;
	site->fields = palloc0(sizeof(Field) * (n / 2));
	for (int i = 0; i < n / 2; i++)
	{
		Field	   *field = &site->fields[i];

		field->name = constant_name(list_nth(arguments, FIRST_FIELD + 2 * i));
		field->argument = FIRST_FIELD + 2 * i + 1;
		field->type = exprType(list_nth(arguments, field->argument));
		field->collation = exprCollation(list_nth(arguments, field->argument));
		for (int j = 0; j < i; j++)
		{
			if (strcmp(site->fields[j].name, field->name) == 0)
				raise_argument("names of fields must be different");
		}
	}
	site->nfields = n / 2;
}

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;
	MemoryContext caller;

	if (site != NULL)
		return site;
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site = palloc0(sizeof(CallSite));
	read_fields(site, fcinfo);
	site->context = AllocSetContextCreate(CurrentMemoryContext, "spsa row policy", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/*
 * An attribute that is no value of the field's type: the input function's message would show the value, so it is
 * replaced as a whole.
 */
static void
hide_value(void *attribute)
{
	if (value_error_is_foreign(geterrcode()))
		return;
	errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	errmsg("session attribute \"%s\" does not fit the type of the field that it scopes", (const char *) attribute);
	errdetail("A row scope compares a field with it.");
	errhint("Correct the attribute of the user, or open a session with another one.");
}

static void
add_value(Test *test, Datum value)
{
	if (test->nvalues == test->capacity)
	{
		test->capacity = Max(8, test->capacity * 2);
		test->values = test->values == NULL ? palloc(sizeof(Datum) * test->capacity) :
			repalloc_huge(test->values, sizeof(Datum) * test->capacity);
	}
	test->values[test->nvalues++] = value;
}

/* JSON null is no value. */
static void
add_scalar(Test *test, const JsonbValue *value, const char *attribute)
{
	ErrorContextCallback callback = {error_context_stack, hide_value, unconstify(char *, attribute)};
	char	   *text = NULL;

	error_context_stack = &callback;
	switch (value->type)
	{
		case jbvNull:
			break;
		case jbvString:
			text = pnstrdup(value->val.string.val, value->val.string.len);

			break;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));

			break;
		case jbvBool:
			text = pstrdup(value->val.boolean ? "true" : "false");

			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("session attribute is not a scalar")));
	}
	if (text !=NULL)
		add_value(test, value_from_text(test->field->type, text));
	error_context_stack = callback.previous;
}

static void
add_attribute(Test *test, const SessionEntry *entry, const char *attribute)
{
	JsonbValue *value = session_attribute_value(entry, attribute);
	JsonbIterator *i;
	JsonbValue	element;
	JsonbIteratorToken token;

	if (value == NULL)
		return;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
	{
		add_scalar(test, value, attribute);
		return;
	}
	i = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&i, &element, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			add_scalar(test, &element, attribute);
	}
}

static const Field *
usable_field(const CallSite *site, const RowScope *scope)
{
	for (int i = 0; i < site->nfields; i++)
	{
		if (strcmp(site->fields[i].name, NameStr(scope->field)) == 0)
			return site->fields[i].type == scope->field_type ? &site->fields[i] : NULL;
	}
	return NULL;
}

static Test *
make_test(Arm *arm, const CallSite *site, const RowScope *scope)
{
	Test	   *test = palloc0(sizeof(Test));
	TypeCacheEntry *type;

	test->field_name = scope->field;
	test->operator = scope->operator;
	test->field = usable_field(site, scope);
	if (test->field != NULL && test->operator != SCOPE_IS_NULL)
	{
		type = lookup_type_cache(getBaseType(test->field->type), TYPECACHE_CMP_PROC);
		if (OidIsValid(type->cmp_proc))
			fmgr_info(type->cmp_proc, &test->compare);
		else
			test->field = NULL;
	}
	arm->tests = lappend(arm->tests, test);
	return test;
}

/* Values of one field and operator add by OR; a scope of which nothing can be used leaves its test without values. */
static Test *
test_for(Arm *arm, const CallSite *site, const RowScope *scope)
{
	ListCell   *cell;

	foreach(cell, arm->tests)
	{
		Test	   *test = lfirst(cell);

		if (test->operator == scope->operator && strcmp(NameStr(test->field_name), NameStr(scope->field)) == 0)
		{
			/*
			 * Of two scopes on one field one may be older than a change of
			 * the type: each counts for itself.
			 */
			if (test->field == NULL && usable_field(site, scope) != NULL)
			{
				arm->tests = list_delete_ptr(arm->tests, test);
				return make_test(arm, site, scope);
			}
			return test;
		}
	}
	return make_test(arm, site, scope);
}

static int
compare_values(const void *a, const void *b, void *arg)
{
	Test	   *test = arg;

	return DatumGetInt32(FunctionCall2Coll(&test->compare, test->field->collation, *(const Datum *) a, *(const Datum *) b));
}

static Arm *
make_arm(const CallSite *site, const SessionEntry *entry, const ObjectGrant *grant, Privilege privilege)
{
	Arm		   *arm = palloc0(sizeof(Arm));
	ListCell   *cell;

	foreach(cell, grant->scopes)
	{
		const RowScope *scope = lfirst(cell);
		Test	   *test;

		if ((scope->privileges & PRIVILEGE_BIT(privilege)) == 0)
			continue;
		test = test_for(arm, site, scope);
		if (usable_field(site, scope) == NULL || test->field == NULL)
			continue;
		for (int i = 0; i < scope->nliterals; i++)
			add_value(test, value_from_literal(NameStr(scope->field), scope->field_type, scope->literals[i]));
		if (scope->attribute != NULL)
			add_attribute(test, entry, scope->attribute);
	}
	foreach(cell, arm->tests)
	{
		Test	   *test = lfirst(cell);

		if (test->operator == SCOPE_EQUAL && test->nvalues > 1)
			qsort_arg(test->values, test->nvalues, sizeof(Datum), compare_values, test);
	}
	return arm;
}

static void
fill_arms(CallSite *site, const SessionEntry *entry, Oid object, Privilege privilege)
{
	ListCell   *cell;

	site->reach = effective_reach(entry, object, privilege);
	if (site->reach != REACH_SOME)
		return;
	foreach(cell, effective_scoped_grants(entry, object, privilege))
		site->arms = lappend(site->arms, make_arm(site, entry, lfirst(cell), privilege));
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
	PG_TRY();
	{
		fill_arms(site, entry, object, privilege);
		site->version = entry->version;
	}
	PG_FINALLY();
	{
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
arm_holds(const Arm *arm, FunctionCallInfo fcinfo)
{
	ListCell   *cell;

	foreach(cell, arm->tests)
	{
		if (!test_holds(lfirst(cell), fcinfo))
			return false;
	}
	return arm->tests != NIL;
}

void
row_policy_raise_no_session(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no session is attached"),
			 errhint("Attach a session with spsa_attach() or spsa_attach_connection().")));
}

/* The valid session, or NULL if there is none; an error if it is over, or missing where one is required. */
static SessionEntry *
asking_session(void)
{
	SessionEntry *entry;

	/* Outside a checked plan nobody else has looked for news. */
	if (!binding_is_held() && !IsParallelWorker())
		AcceptInvalidationMessages();
	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			return entry;
		case SESSION_OVER:
			session_raise_invalid();
		case SESSION_NONE:
			break;
	}
	if (guc_require_session)
		row_policy_raise_no_session();
	return NULL;
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
	if (!privilege_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)), &privilege))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown privilege \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(1))),
				 errhint("Privileges are read, create, edit, delete, view_all and modify_all.")));
	entry = asking_session();
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

static bool
has_mark(List *items)
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
row_policy_is_marked(const PlannedStmt *plan)
{
	return has_mark(plan->invalItems);
}

/* The call may have come into the plan by an inlined function, which the plan does not depend on by itself. */
static void
mark_plan(PlannerInfo *root, Oid function)
{
	PlanInvalItem *item;

	record_plan_function_dependency(root, function);
	if (has_mark(root->glob->invalItems))
		return;
	item = makeNode(PlanInvalItem);
	item->cacheId = PROCOID;
	item->hashValue = PLAN_MARK;
	root->glob->invalItems = lappend(root->glob->invalItems, item);
}

/* SQL: spsa.allows_support(internal) */
PG_FUNCTION_INFO_V1(spsa_allows_support);
Datum
spsa_allows_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;

		if (simplify->root != NULL)
			mark_plan(simplify->root, simplify->fcall->funcid);
	}
	PG_RETURN_POINTER(NULL);
}
