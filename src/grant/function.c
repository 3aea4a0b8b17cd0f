/* function.c - functions of applications: by signature, and which of them can be protected.
 *
 * A function can be protected if PostgreSQL asks spsa at each of its calls (enforce/function_guard.c), and if what it asks
 * can be answered: for whom the call is made.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "grant/function.h"

/* As it is written in the tables; NULL if there is no such function. */
char *
function_signature(Oid function)
{
	return format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY | FORMAT_PROC_INVALID_AS_NULL);
}

/* The identifier that the text begins with, without its quotes; moves on to what follows it. */
static char *
take_identifier(const char **text)
{
	StringInfoData name;
	bool		quoted = **text == '"';
	const char *c = *text +(quoted ? 1 : 0);

	initStringInfo(&name);
	for (; *c != '\0'; c++)
	{
		if (quoted ? *c == '"' && c[1] != '"' : *c == '.' || *c == '(')
			break;
		if (quoted && *c == '"')
			c++;
		appendStringInfoChar(&name, *c);
	}
	*text = quoted && *c == '"' ? c + 1 : c;
	return name.data;
}

/* The function of a signature as it is written in the tables, or InvalidOid. No search_path, no error. */
Oid
function_find(const char *signature)
{
	const char *rest = signature;
	char	   *name = take_identifier(&rest);
	CatCList   *functions;
	Oid			found = InvalidOid;

	if (*rest == '.')
	{
		rest++;
		name = take_identifier(&rest);
	}
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < functions->n_members && !OidIsValid(found); i++)
	{
		Oid			function = ((Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple))->oid;
		char	   *its = function_signature(function);

		if (its != NULL && strcmp(its, signature) == 0)
			found = function;
	}
	ReleaseSysCacheList(functions);
	return found;
}

/*
 * Settings of the function's own are in force before a call of it is checked: those that say for whom must not be among
 * them.
 */
static bool
sets_identity(HeapTuple row)
{
	static const char *const identity[] = {"spsa.session_token", "role", "session_authorization"};
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			n;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *name = TextDatumGetCString(settings[i]);
		char	   *equals = strchr(name, '=');

		if (equals != NULL)
			*equals = '\0';
		for (int j = 0; j < lengthof(identity); j++)
		{
			if (pg_strcasecmp(name, identity[j]) == 0)
				return true;
		}
	}
	return false;
}

/* Input functions convert a literal when it is parsed; prepared statements keep the result. */
static bool
takes_cstring(HeapTuple row)
{
	const oidvector *types = &((Form_pg_proc) GETSTRUCT(row))->proargtypes;

	for (int i = 0; i < types->dim1; i++)
	{
		if (types->values[i] == CSTRINGOID || types->values[i] == CSTRINGARRAYOID)
			return true;
	}
	return false;
}

static FunctionFault
fault_of(HeapTuple row)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(row);
	FunctionFault fault = {NULL, NULL};

	if (function->prokind == PROKIND_AGGREGATE)
	{
		fault.what = "it is an aggregate, which is not called itself";
		fault.hint = "Protect its transition function.";
	}
	else if (function->prorettype == TRIGGEROID || function->prorettype == EVENT_TRIGGEROID ||
			 function->prorettype == LANGUAGE_HANDLEROID)
	{
		fault.what = "it is called by the server, not by statements";
		fault.hint = "Protect the table, or functions that it calls.";
	}
	else if (takes_cstring(row))
	{
		fault.what = "it is called while statements are parsed";
		fault.hint = "PostgreSQL keeps what functions with arguments of type cstring make of literals.";
	}
	else if (function->provolatile == PROVOLATILE_IMMUTABLE)
	{
		fault.what = "it is immutable";
		fault.hint = "PostgreSQL keeps results of immutable functions in plans and indexes: make it STABLE with ALTER FUNCTION first.";
	}
	else if (OidIsValid(function->prosupport))
	{
		fault.what = "it has a planner support function, which may replace calls";
		fault.hint = "Protect a function that calls it.";
	}
	else if (sets_identity(row))
	{
		fault.what = "it sets the role or the session that it is called by";
		fault.hint = "Use ALTER FUNCTION ... RESET first.";
	}
	return fault;
}

/* Whether the function is PostgreSQL's, or one of this extension. */
bool
function_is_system(Oid function)
{
	return function < FirstNormalObjectId ||
		getExtensionOfObject(ProcedureRelationId, function) == get_extension_oid("spsa", false);
}

/* ALTER FUNCTION may bring it about, or do away with it. */
FunctionFault
function_fault(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	FunctionFault fault = {NULL, NULL};

	if (!HeapTupleIsValid(row))
		return fault;
	fault = fault_of(row);
	ReleaseSysCache(row);
	return fault;
}
