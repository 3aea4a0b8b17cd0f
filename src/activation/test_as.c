/* test_as.c - acting as a user for the length of a transaction, for tests.
 *
 * Invariants: the session exists for the transaction that opens it, and for no other at any time: the row that says that it
 * is over is there before it, and counts for all but that transaction (spsa.session_end.ends_with), so that neither a commit,
 * nor PREPARE TRANSACTION, a crash, or whatever else becomes of the transaction has anything to undo. Nobody learns its
 * token. It closes no other session of the user for a limit, runs no flow, uses up no approval, and is not taken for a use of
 * what it activates.
 *
 * Who may call it may act as anybody: EXECUTE is nobody's but the extension owner's until it is granted.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "activation/activate.h"
#include "identity/binding.h"
#include "identity/opening.h"
#include "identity/session.h"

#define LIFETIME_HOURS 24

static List *
read_names(FunctionCallInfo fcinfo, int argument)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *names = NIL;

	if (PG_ARGISNULL(argument))
		opening_refuse_null("permission sets");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			opening_refuse_null("permission set name");
		names = lappend(names, TextDatumGetCString(elements[i]));
	}
	return names;
}

static char *
detail(const char *actor, const List *names)
{
	StringInfoData json;
	const char *separator = "";
	const ListCell *cell;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"actor\": ");
	escape_json(&json, actor);
	appendStringInfoString(&json, ", \"sets\": [");
	foreach(cell, names)
	{
		appendStringInfoString(&json, separator);
		escape_json(&json, lfirst(cell));
		separator = ", ";
	}
	appendStringInfoString(&json, "]}");
	return json.data;
}

static void
activate(const pg_uuid_t *session_id, char *name)
{
	SessionEntry *entry = session_find(session_id);
	ActivationWish wish = {.set_name = name,.actor = ACTOR_MANAGER,.is_test = true};

	if (entry == NULL)
		session_raise_invalid();
	wish.set_id = activation_set_named(name, entry);
	(void) activation_make(entry, &wish);
}

static void
open_session(const SessionUser *user, Opening *opening)
{
	Interval	lifetime = {.time = LIFETIME_HOURS * USECS_PER_HOUR};

	opening->lifetime = &lifetime;
	opening->security_level = "standard";
	opening->login_type = "test";
	opening->attributes = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	opening->passing = true;
	opening_make(user, opening);
	opening->lifetime = NULL;
}

/* A rollback takes the event out of the audit trail: so the log has it as well. */
static void
log_simulation(const char *user_name, const char *json)
{
	ereport(LOG_SERVER_ONLY,
			(errmsg("spsa opened a session for a test: it acts as user \"%s\" until the end of the transaction", user_name),
			 errdetail_log("%s", json),
			 errhidestmt(true), errhidecontext(true)));
}

/* SQL: spsa_test_as(text, text[]) */
PG_FUNCTION_INFO_V1(spsa_test_as);
Datum
spsa_test_as(PG_FUNCTION_ARGS)
{
	Opening		opening = {0};
	SessionUser user;
	List	   *names;
	ListCell   *cell;
	char	   *person = activation_person();

	PreventCommandIfParallelMode("spsa_test_as()");
	opening_check_own_action();
	if (PG_ARGISNULL(0))
		opening_refuse_null("user name");
	opening_require_user(PG_GETARG_TEXT_PP(0), &user);
	names = read_names(fcinfo, 1);
	opening.actor = person != NULL ? person : GetUserNameFromId(GetSessionUserId(), false);
	opening.detail = detail(opening.actor, names);
	log_simulation(user.user_name, opening.detail);
	open_session(&user, &opening);
	foreach(cell, names)
		activate(&opening.session_id, lfirst(cell));
	binding_set(opening.token, true);
	explicit_bzero(opening.token, sizeof(opening.token));
	session_attached();
	opening_warn_outside_transaction("spsa_test_as", false);
	PG_RETURN_UUID_P(memcpy(palloc(sizeof(pg_uuid_t)), &opening.session_id, sizeof(pg_uuid_t)));
}
