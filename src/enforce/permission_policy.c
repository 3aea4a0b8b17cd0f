/* permission_policy.c - questions that are not about rows: spsa_has_permission(), spsa_allows_field(), spsa_allows_function().
 *
 * The answer is the same for all rows: in a plan that reads a table it is folded to TRUE or FALSE (plan_mark.c keeps such
 * plans from running under other authority), elsewhere it is asked for at each call.
 *
 * Invariant 1: a question about what does not exist is an error, and so no access.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "enforce/fold.h"
#include "enforce/permission_policy.h"
#include "enforce/plan_mark.h"
#include "enforce/row_policy.h"

#define MAX_ARGUMENTS 3

/* Makes a question of the arguments of a call. Where that is impossible: an error, or false. */
typedef bool (*QuestionReader) (const Datum *values, Question *question, bool raise);

static bool
read_permission(const Datum *values, Question *question, bool raise)
{
	char	   *name = TextDatumGetCString(values[0]);

	question->kind = QUESTION_PERMISSION;
	question->subject = (uint32) definition_find_permission(name);
	if (question->subject == 0 && raise)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("custom permission \"%s\" does not exist", name)));
	return question->subject != 0;
}

static bool
read_field(const Datum *values, Question *question, bool raise)
{
	Oid			object = DatumGetObjectId(values[0]);
	char	   *field = NameStr(*DatumGetName(values[1]));
	char	   *privilege = TextDatumGetCString(values[2]);
	bool		read = strcmp(privilege, "read") == 0;
	AttrNumber	number = get_attnum(object, field);

	question->kind = read ? QUESTION_FIELD_READ : QUESTION_FIELD_EDIT;
	question->subject = object;
	question->field = (uint32) number;
	if (number > 0 && (read || strcmp(privilege, "edit") == 0))
		return true;
	if (!raise)
		return false;
	if (get_rel_name(object) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", object)));
	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", field, get_rel_name(object))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown privilege \"%s\"", privilege),
			 errhint("Privileges on fields are read and edit.")));
}

/* For explanations: the question of spsa_allows_field(), or about the field of a new row (create); an error if it is none. */
void
permission_policy_field(Oid object, const char *field, const char *privilege, Question *question)
{
	bool		create = strcmp(privilege, "create") == 0;
	NameData	name;
	Datum		values[3] = {
		ObjectIdGetDatum(object), NameGetDatum(&name), CStringGetTextDatum(create ? "edit" : privilege)
	};

	namestrcpy(&name, field);
	(void) read_field(values, question, true);
	if (create)
		question->kind = QUESTION_FIELD_CREATE;
}

static bool
read_function(const Datum *values, Question *question, bool raise)
{
	question->kind = QUESTION_FUNCTION;
	question->subject = DatumGetObjectId(values[0]);
	if (get_func_name(question->subject) != NULL)
		return true;
	if (raise)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", question->subject)));
	return false;
}

/* ---- at run time ---- */

static bool
answer(FunctionCallInfo fcinfo, QuestionReader reader)
{
	Datum		values[MAX_ARGUMENTS];
	Question	question = {0};
	SessionEntry *entry;

	for (int i = 0; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i))
			return false;
		values[i] = PG_GETARG_DATUM(i);
	}
	(void) reader(values, &question, true);
	entry = row_policy_session();
	return entry != NULL && shape_of(entry, &question)->reach == REACH_ALL;
}

/* SQL: spsa_has_permission(text) */
PG_FUNCTION_INFO_V1(spsa_has_permission);
Datum
spsa_has_permission(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(answer(fcinfo, read_permission));
}

/* SQL: spsa_allows_field(regclass, name, text) */
PG_FUNCTION_INFO_V1(spsa_allows_field);
Datum
spsa_allows_field(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(answer(fcinfo, read_field));
}

/* SQL: spsa_allows_function(regprocedure) */
PG_FUNCTION_INFO_V1(spsa_allows_function);
Datum
spsa_allows_function(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(answer(fcinfo, read_function));
}

/* ---- folding ---- */

/* Which of the three is called: they differ in the type of their first argument. */
static QuestionReader
reader_of(const FuncExpr *call)
{
	switch (exprType(linitial(call->args)))
	{
		case TEXTOID:
			return read_permission;
		case REGCLASSOID:
			return read_field;
		case REGPROCEDUREOID:
			return read_function;
		default:
			return NULL;
	}
}

/* The present answer, noted in the plan that it is folded into. False: the token is void, which the executor guard says. */
bool
permission_policy_ask(PlannerInfo *root, const Question *question, bool *granted)
{
	const Shape *shape;
	SessionEntry *entry;

	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			shape = shape_of(entry, question);
			break;
		case SESSION_NONE:
			shape = shape_none();
			break;
		default:
			return false;
	}
	plan_mark_add(root->glob, question, shape->id);
	*granted = shape->reach == REACH_ALL;
	return true;
}

/* NULL: leave the call as it is. */
static Node *
fold(PlannerInfo *root, const FuncExpr *call)
{
	QuestionReader reader = reader_of(call);
	Datum		values[MAX_ARGUMENTS];
	Question	question = {0};
	bool		granted;
	int			n = 0;
	ListCell   *cell;

	foreach(cell, call->args)
	{
		const Const *argument = lfirst(cell);

		if (!IsA(argument, Const) || argument->constisnull || n == MAX_ARGUMENTS)
			return NULL;
		values[n++] = argument->constvalue;
	}
	if (reader == NULL || !fold_reads_a_table(root) || !reader(values, &question, false) ||
		!permission_policy_ask(root, &question, &granted))
		return NULL;

	/*
	 * The column's name was resolved: the plan is as good as the relation's
	 * definition, although it need not read it.
	 */
	if (reader == read_field)
		root->glob->relationOids = lappend_oid(root->glob->relationOids, question.subject);
	return makeBoolConst(granted, false);
}

/* SQL: spsa.permission_support(internal) */
PG_FUNCTION_INFO_V1(spsa_permission_support);
Datum
spsa_permission_support(PG_FUNCTION_ARGS)
{
	return plan_mark_support(fcinfo, fold);
}
