/* policy_call.c - the arguments of a call of spsa_allows() or spsa_allows_row().
 *
 * Names of fields must be constants, so that a policy means the same for every row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"

#include "enforce/policy_call.h"

/* What is wrong with an argument as a field's name, or NULL. */
static const char *
read_name(const Node *argument, char **name)
{
	const Const *constant = (const Const *) argument;

	if (!IsA(argument, Const))
		return "names of fields must be constants";
	if (constant->constisnull)
		return "names of fields must not be null";
	switch (constant->consttype)
	{
		case UNKNOWNOID:
			*name = pstrdup(DatumGetCString(constant->constvalue));
			return NULL;
		case TEXTOID:
		case VARCHAROID:
			*name = TextDatumGetCString(constant->constvalue);
			return NULL;
		case NAMEOID:
			*name = pstrdup(NameStr(*DatumGetName(constant->constvalue)));
			return NULL;
		default:
			return "names of fields must be text";
	}
}

static const char *
read_field(const FuncExpr *expression, PolicyCall *call, int argument)
{
	PolicyField *field = &call->fields[call->nfields];
	const char *fault = read_name(list_nth(expression->args, argument), &field->name);

	if (fault != NULL)
		return fault;
	field->argument = argument + 1;
	field->type = exprType(list_nth(expression->args, field->argument));
	field->collation = exprCollation(list_nth(expression->args, field->argument));
	for (int i = 0; i < call->nfields; i++)
	{
		if (strcmp(call->fields[i].name, field->name) == 0)
			return "names of fields must be different";
	}
	call->nfields++;
	return NULL;
}

/* What is wrong with the call's fields, or NULL. */
const char *
policy_call_read(const FuncExpr *expression, PolicyCall *call)
{
	int			n;
	const char *fault = NULL;

	call->nfields = 0;
	call->fields = NULL;
	if (expression == NULL || !IsA(expression, FuncExpr))
		return "names of fields must be constants";
	n = list_length(expression->args) - POLICY_CALL_FIRST_FIELD;
	if (n <= 0)
		return NULL;
	if (expression->funcvariadic)
		return "fields cannot be passed as an array";
	if (n % 2 != 0)
		return "names and values of fields must come in pairs";
	call->fields = palloc0(sizeof(PolicyField) * (n / 2));
	for (int i = 0; i < n && fault == NULL; i += 2)
		fault = read_field(expression, call, POLICY_CALL_FIRST_FIELD + i);
	return fault;
}

void
policy_call_raise(const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", fault),
			 errhint("Call it as spsa_allows_row(object, privilege, 'field', field, ...).")));
}

/* The field of that name if it is passed with that type. */
const PolicyField *
policy_call_field(const PolicyCall *call, const char *name, Oid type)
{
	for (int i = 0; i < call->nfields; i++)
	{
		if (strcmp(call->fields[i].name, name) == 0)
			return call->fields[i].type == type ? &call->fields[i] : NULL;
	}
	return NULL;
}
