/* session_value.c - attributes of the session at run time: spsa_session_value() and spsa_session_values().
 *
 * A folded plan reads them of the session that it was started under, told by the executor guard. Values are converted
 * once per call site and load of the session.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "enforce/session_value.h"
#include "grant/value.h"

SessionEntry *session_value_running = NULL;

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
	SessionEntry *entry = session_value_running;

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

/* In the current memory context. */
static CachedValue
read_value(FunctionCallInfo fcinfo, SessionEntry *entry, bool array)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	CachedValue result = {entry->version};
	Datum	   *values;
	Datum		value;
	volatile int n = 0;

	session_pin(entry);
	PG_TRY();
	{
		n = value_from_attribute(entry, name, type, &values);
	}
	PG_FINALLY();
	{
		session_unpin(entry);
	}
	PG_END_TRY();
	result.isnull = n == 0 && !array;
	if (result.isnull)
		return result;
	value = array ? make_array(values, n, type) : values[0];
	result.value = datumCopy(value, !array && get_typbyval(type), array ? -1 : get_typlen(type));
	return result;
}

/* Elsewhere each call may ask for another attribute. */
static bool
name_is_constant(const FmgrInfo *call_site)
{
	const FuncExpr *call = (const FuncExpr *) call_site->fn_expr;

	return call != NULL && IsA(call, FuncExpr) && IsA(linitial(call->args), Const);
}

static Datum
session_value(FunctionCallInfo fcinfo, bool array)
{
	SessionEntry *entry = value_session();
	CachedValue *cached = fcinfo->flinfo->fn_extra;
	CachedValue value;
	MemoryContext caller;

	if (entry == NULL || PG_ARGISNULL(0) || !OidIsValid(get_fn_expr_argtype(fcinfo->flinfo, 1)))
		PG_RETURN_NULL();
	if (cached != NULL && cached->version == entry->version)
		value = *cached;
	else if (!name_is_constant(fcinfo->flinfo))
		value = read_value(fcinfo, entry, array);
	else
	{
		caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		value = read_value(fcinfo, entry, array);
		if (cached == NULL)
			cached = fcinfo->flinfo->fn_extra = palloc(sizeof(CachedValue));
		*cached = value;
		MemoryContextSwitchTo(caller);
	}
	if (value.isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value.value);
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
