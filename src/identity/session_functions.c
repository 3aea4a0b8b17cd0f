/* session_functions.c - opening, attaching and closing sessions from SQL.
 *
 * Invariants: every failure to attach gives the same error, its cause goes to the log, and no earlier binding of the
 * backend survives it, not even by ROLLBACK. Closing inserts a row that nothing can block.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/guc.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/binding.h"
#include "identity/family.h"
#include "identity/opening.h"
#include "identity/redact.h"
#include "identity/session.h"
#include "identity/token.h"

/* SQL: spsa.find_user(text) */
PG_FUNCTION_INFO_V1(spsa_find_user);
Datum
spsa_find_user(PG_FUNCTION_ARGS)
{
	SessionUser user;

	if (PG_ARGISNULL(0))
		opening_refuse_null("user name");
	opening_require_user(PG_GETARG_TEXT_PP(0), &user);
	PG_RETURN_INT64(user.user_id);
}

/* SQL: spsa_open_session(text, interval, spsa.security_level, inet, jsonb, name, text, interval, text[], text) */
PG_FUNCTION_INFO_V1(spsa_open_session);
Datum
spsa_open_session(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"user name", "lifetime", "security level", NULL, "attributes", NULL, "login type"};
	Opening		opening = {0};
	SessionUser user;

	for (int i = 0; i < lengthof(required); i++)
	{
		if (required[i] != NULL && PG_ARGISNULL(i))
			opening_refuse_null(required[i]);
	}
	InitMaterializedSRF(fcinfo, 0);
	opening_require_user(PG_GETARG_TEXT_PP(0), &user);
	opening.lifetime = PG_GETARG_INTERVAL_P(1);
	opening.security_level = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(2)));
	opening.has_source_ip = !PG_ARGISNULL(3);
	opening.source_ip = PG_GETARG_DATUM(3);
	opening.attributes = PG_GETARG_JSONB_P(4);
	if (!PG_ARGISNULL(5))
	{
		opening.db_role = NameStr(*PG_GETARG_NAME(5));
		(void) get_role_oid(opening.db_role, false);
	}
	opening.login_type = text_to_cstring(PG_GETARG_TEXT_PP(6));
	opening.idle_timeout = PG_ARGISNULL(7) ? NULL : PG_GETARG_INTERVAL_P(7);
	opening.has_sets = !PG_ARGISNULL(8);
	opening.sets = PG_GETARG_DATUM(8);
	opening.actor = PG_ARGISNULL(9) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(9));
	opening_make(&user, &opening);
	opening_done(&opening);
	opening_return(fcinfo, &opening);
	return (Datum) 0;
}

/* SQL: spsa_open_own_session(interval) */
PG_FUNCTION_INFO_V1(spsa_open_own_session);
Datum
spsa_open_own_session(PG_FUNCTION_ARGS)
{
	Opening		opening = {0};
	SessionUser user;
	NameData	role;

	opening_check_own_action();
	if (PG_ARGISNULL(0))
		opening_refuse_null("lifetime");
	namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
	if (!opening_find_user(Anum_app_user_db_role, "app_user_db_role_key", F_NAMEEQ, NameGetDatum(&role), &user) || !user.is_active)
	{
		session_log_refusal("open a session", "the database role is no active user's");
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("database role \"%s\" is not the role of an active user", NameStr(role)),
				 errhint("An administrator connects them with spsa_create_user(user_name, db_role => ...).")));
	}
	opening.lifetime = PG_GETARG_INTERVAL_P(0);
	opening.db_role = NameStr(role);
	opening.security_level = "standard";
	opening.login_type = "database";
	opening.attributes = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	opening_make(&user, &opening);
	binding_set(opening.token, guc_require_local_attach);
	session_attached();
	opening_done(&opening);
	explicit_bzero(opening.token, sizeof(opening.token));
	PG_RETURN_UUID_P(memcpy(palloc(sizeof(pg_uuid_t)), &opening.session_id, sizeof(pg_uuid_t)));
}

/* has_other: there is a function that attaches for longer. As SET LOCAL does it; only where the caller is a statement of its own, so that it can be known that nothing follows. */
void
opening_warn_outside_transaction(const char *function, bool has_other)
{
	if (!IsTransactionBlock() && error_context_stack == NULL &&
		ActivePortal != NULL && ActivePortal->commandTag == CMDTAG_SELECT)
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s() can only be used in transaction blocks", function),
				 has_other ? errhint("Use BEGIN before it, or spsa_attach_connection().") :
				 errhint("Use BEGIN before it.")));
}

/* hash: of the token, if it could be one. */
void
opening_refuse_token(const char *reason, const uint8_t *hash)
{
	binding_poison();
	session_log_refusal_of(hash, "attach", reason);
	session_raise_invalid();
}

/* Binds the backend to a session that was accepted. The entry may be gone after it. */
void
opening_attach(SessionEntry *entry, const char *token, const uint8_t hash[CRYPTO_HASH_BYTES], bool local)
{
	binding_set_known(token, hash, local || guc_require_local_attach);
	session_used(entry);
	session_attached();
}

static Datum
attach(FunctionCallInfo fcinfo, bool local)
{
	text	   *token;
	const char *reason;
	SessionEntry *entry;
	uint8_t		hash[CRYPTO_HASH_BYTES];
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	redact_activity();
	opening_check_own_action();
	if (PG_ARGISNULL(0))
		opening_refuse_token("the token is null", NULL);
	token = PG_GETARG_TEXT_PP(0);
	if (!token_hash(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), hash))
		opening_refuse_token("the token is malformed", NULL);
	AcceptInvalidationMessages();
	entry = session_accept(hash, &reason);
	if (entry != NULL)
	{
		memcpy(result, &entry->session_id, sizeof(pg_uuid_t));
		opening_attach(entry, text_to_cstring(token), hash, local);
	}
	else
		opening_refuse_token(reason, hash);
	return UUIDPGetDatum(result);
}

/* SQL: spsa_attach(text) */
PG_FUNCTION_INFO_V1(spsa_attach);
Datum
spsa_attach(PG_FUNCTION_ARGS)
{
	Datum		result = attach(fcinfo, true);

	opening_warn_outside_transaction("spsa_attach", true);
	return result;
}

/* SQL: spsa_attach_connection(text) */
PG_FUNCTION_INFO_V1(spsa_attach_connection);
Datum
spsa_attach_connection(PG_FUNCTION_ARGS)
{
	return attach(fcinfo, false);
}

/* SQL: spsa_detach() */
PG_FUNCTION_INFO_V1(spsa_detach);
Datum
spsa_detach(PG_FUNCTION_ARGS)
{
	binding_set("", false);
	session_attached();
	PG_RETURN_VOID();
}

/* SQL: spsa_touch() */
PG_FUNCTION_INFO_V1(spsa_touch);
Datum
spsa_touch(PG_FUNCTION_ARGS)
{
	session_used(session_require());
	PG_RETURN_VOID();
}

/* The attached session if it is valid, or NULL. */
static SessionEntry *
attached(void)
{
	SessionEntry *entry;

	AcceptInvalidationMessages();
	return session_current(&entry) == SESSION_LIVE ? entry : NULL;
}

/* SQL: spsa_session_id() */
PG_FUNCTION_INFO_V1(spsa_session_id);
Datum
spsa_session_id(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = attached();

	if (entry == NULL)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(memcpy(palloc(sizeof(pg_uuid_t)), &entry->session_id, sizeof(pg_uuid_t)));
}

/* SQL: spsa_user_name() */
PG_FUNCTION_INFO_V1(spsa_user_name);
Datum
spsa_user_name(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = attached();

	if (entry == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(entry->user_name));
}

/* SQL: spsa_session_attribute(text) */
PG_FUNCTION_INFO_V1(spsa_session_attribute);
Datum
spsa_session_attribute(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = attached();
	char	   *value;

	if (entry == NULL || PG_ARGISNULL(0))
		PG_RETURN_NULL();
	value = session_attribute_text(entry, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(value));
}

/* SQL: spsa_close_session(uuid) */
PG_FUNCTION_INFO_V1(spsa_close_session);
Datum
spsa_close_session(PG_FUNCTION_ARGS)
{
	SessionEntry *entry;
	pg_uuid_t	session_id;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);	/* the default, with no session attached */
	session_id = *PG_GETARG_UUID_P(0);
	entry = session_permitted(&session_id, "session_end", ACL_INSERT);
	if (entry == NULL)
		PG_RETURN_BOOL(false);
	family_close(&session_id, 1, pstrdup(entry->user_name), NULL);
	PG_RETURN_BOOL(true);
}

static OwnerStatement disable_user = {
	"UPDATE spsa.app_user u SET is_active = false WHERE u.user_id = $1 AND u.is_active", 1, {INT8OID}
};

static OwnerStatement end_sessions_of_user = {
	"INSERT INTO spsa.session_end (session_id)"
	" SELECT s.session_id FROM spsa.session s WHERE s.user_id = $1 AND s.expires_at > pg_catalog.clock_timestamp()"
	" AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id"
	" AND (e.ends_with = pg_catalog.pg_current_xact_id_if_assigned()) IS NOT TRUE)"
	" RETURNING session_id",
	1, {INT8OID}
};

/* Ids of the first column of the last result, in memory that outlives the next statement. */
static pg_uuid_t *
result_ids(int n)
{
	pg_uuid_t  *ids = palloc(sizeof(pg_uuid_t) * (n + 1));
	bool		isnull;

	for (int i = 0; i < n; i++)
		ids[i] = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	return ids;
}

/* Between owner_begin() and owner_end(); how many. */
static int
end_sessions(const SessionUser *user, const char *reason)
{
	AuditEvent	event = {"session_close"};
	AuditActor	actor;			/* whose session may be one of them */
	Datum		user_id = Int64GetDatum(user->user_id);
	pg_uuid_t  *ids;
	int			n;
	StringInfoData detail;

	audit_actor(&actor);
	event.actor = &actor;
	n = owner_execute(&end_sessions_of_user, &user_id, NULL);
	ids = result_ids(n);
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"reason\": ");
	escape_json(&detail, reason);
	appendStringInfoChar(&detail, '}');
	event.user_name = user->user_name;
	event.detail = detail.data;
	for (int i = 0; i < n; i++)
	{
		event.session_id = &ids[i];
		audit_record(&event);
	}
	return n;
}

/* The user that the first argument names, whose sessions are to end, and the reason: the second one, or else this. */
static char *
ending_arguments(FunctionCallInfo fcinfo, SessionUser *user, const char *otherwise)
{
	if (PG_ARGISNULL(0))
		opening_refuse_null("user name");
	opening_require_user(PG_GETARG_TEXT_PP(0), user);
	return PG_ARGISNULL(1) ? pstrdup(otherwise) : text_to_cstring(PG_GETARG_TEXT_PP(1));
}

/* SQL: spsa_disable_user(text, text) */
PG_FUNCTION_INFO_V1(spsa_disable_user);
Datum
spsa_disable_user(PG_FUNCTION_ARGS)
{
	SessionUser user;
	char	   *reason = ending_arguments(fcinfo, &user, "user disabled");
	Datum		user_id = Int64GetDatum(user.user_id);
	int			n;
	OwnerState	state;

	owner_begin_latest(&state);
	owner_execute(&disable_user, &user_id, NULL);
	n = end_sessions(&user, reason);
	owner_end(&state);
	PG_RETURN_INT32(n);
}

/* SQL: spsa_close_user_sessions(text, text) */
PG_FUNCTION_INFO_V1(spsa_close_user_sessions);
Datum
spsa_close_user_sessions(PG_FUNCTION_ARGS)
{
	SessionUser user;
	char	   *reason = ending_arguments(fcinfo, &user, "sessions of the user closed");
	int			n;
	OwnerState	state;

	owner_begin_latest(&state);
	n = end_sessions(&user, reason);
	owner_end(&state);
	PG_RETURN_INT32(n);
}

/*
 * Rows whose session is gone, tokens that were replaced, ends of activations that are gone, requests that lead to
 * nothing any more, what has been reviewed, and second factors that were removed or not confirmed in time, as far as nobody
 * has them locked.
 */
static OwnerStatement purge_statements[] = {
	{"DELETE FROM spsa.session_activity d WHERE d.ctid = ANY (ARRAY(SELECT a.ctid FROM spsa.session_activity a"
	" WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = a.session_id) FOR UPDATE SKIP LOCKED))"},
	{"DELETE FROM spsa.session_end e WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = e.session_id)"},
	{"DELETE FROM spsa.jwt_session j WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = j.session_id)"},
	{"DELETE FROM spsa.jwt_use u WHERE u.expires_at <= pg_catalog.clock_timestamp()"},
	{"DELETE FROM spsa.session_token t WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = t.session_id)"
	" OR EXISTS (SELECT FROM spsa.session_token n WHERE n.session_id = t.session_id AND n.token_id > t.token_id)"},
	{"DELETE FROM spsa.session_authentication a WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = a.session_id)"},
	{"DELETE FROM spsa.activation_end e WHERE NOT EXISTS (SELECT FROM spsa.activation a"
	" WHERE a.activation_id = e.activation_id)"},
	{"DELETE FROM spsa.activation_request d WHERE d.ctid = ANY (ARRAY(SELECT r.ctid FROM spsa.activation_request r"
		" WHERE r.expires_at <= pg_catalog.clock_timestamp() AND NOT EXISTS (SELECT FROM spsa.activation a"
	" WHERE a.activation_id = r.activation_id) FOR UPDATE SKIP LOCKED))"},
	{"DELETE FROM spsa.break_glass_review d WHERE d.ctid = ANY (ARRAY(SELECT r.ctid FROM spsa.break_glass_review r"
	" WHERE r.reviewed_at IS NOT NULL FOR UPDATE SKIP LOCKED))"},
	{"DELETE FROM spsa.totp_factor d WHERE d.ctid = ANY (ARRAY(SELECT f.ctid FROM spsa.totp_factor f"
		" WHERE EXISTS (SELECT FROM spsa.totp_change c WHERE c.factor_id = f.factor_id AND c.change = 'remove')"
		" OR (f.session_id IS NOT NULL AND f.enrolled_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(hours => 1)"
		" AND NOT EXISTS (SELECT FROM spsa.totp_change c WHERE c.factor_id = f.factor_id AND c.change = 'confirm'))"
	" FOR UPDATE SKIP LOCKED))"},
	{"DELETE FROM spsa.totp_change c WHERE NOT EXISTS (SELECT FROM spsa.totp_factor f WHERE f.factor_id = c.factor_id)"}
};

/*
 * Sessions that are over, or derived from one that is, and that no transaction works on: whoever writes an activation, or
 * derives a session, has a key-share lock on the session first, so that the cascade to what belongs to it meets no lock.
 */
static OwnerStatement lock_sessions = {
	"WITH RECURSIVE over (session_id) AS (SELECT s.session_id FROM spsa.session s"
	" WHERE s.expires_at <= pg_catalog.clock_timestamp()"
	" OR s.session_id IN (SELECT e.session_id FROM spsa.session_end e)"
	" OR s.session_id IN (SELECT a.session_id FROM spsa.session_activity a JOIN spsa.session i ON i.session_id = a.session_id"
	" WHERE a.last_seen_at + i.idle_timeout <= pg_catalog.clock_timestamp())"
	" UNION SELECT c.session_id FROM over o JOIN spsa.session c ON c.parent_id = o.session_id),"
	" locked AS (SELECT s.session_id FROM spsa.session s WHERE s.session_id IN (SELECT o.session_id FROM over o)"
	" FOR UPDATE SKIP LOCKED)"
	" SELECT ARRAY(SELECT l.session_id FROM locked l)",
	0
};

/* Of an activation a: it was not ended by anybody. (The end of an assignment is an event of its own.) */
#define ENDED_BY_ITSELF \
	"NOT EXISTS (SELECT FROM spsa.activation_end e WHERE e.activation_id = a.activation_id)" \
	" AND EXISTS (SELECT FROM spsa.assignment g WHERE g.assignment_id = a.assignment_id)"

/*
 * Of those, what has no descendant that is at work: parents go with all that is derived from them, or stay. Another
 * statement than the one that locks them, since it must see every child there is: from then on there are no new ones.
 * The rows: activations that had ended before their session, which go with it, and then the sessions.
 */
static OwnerStatement purge_sessions = {
	"WITH RECURSIVE locked AS MATERIALIZED (SELECT i AS session_id FROM pg_catalog.unnest($1) i),"
	" kept (session_id, parent_id) AS (SELECT c.session_id, c.parent_id FROM locked l"
	" JOIN spsa.session c ON c.parent_id = l.session_id WHERE NOT EXISTS (SELECT FROM locked k WHERE k.session_id = c.session_id)"
	" UNION SELECT p.session_id, p.parent_id FROM kept k JOIN spsa.session p ON p.session_id = k.parent_id),"
	" over AS MATERIALIZED (SELECT s.session_id, u.user_name, c.ended_at IS NOT NULL AS closed,"
	" LEAST(s.expires_at, c.ended_at, t.last_seen_at + s.idle_timeout) AS ended_at"
	" FROM spsa.session s JOIN locked l ON l.session_id = s.session_id JOIN spsa.app_user u ON u.user_id = s.user_id"
	" LEFT JOIN (SELECT e.session_id, pg_catalog.min(e.ended_at) AS ended_at FROM spsa.session_end e GROUP BY e.session_id) c"
	" ON c.session_id = s.session_id"
	" LEFT JOIN spsa.session_activity t ON t.session_id = s.session_id"
	" WHERE NOT EXISTS (SELECT FROM kept k WHERE k.session_id = s.session_id)),"
	" gone AS (DELETE FROM spsa.session s USING over o WHERE s.session_id = o.session_id),"
	" ended AS (DELETE FROM spsa.session_end e USING over o WHERE e.session_id = o.session_id)"
	" SELECT o.session_id, o.user_name, p.set_name, false, a.expires_at FROM over o"
	" JOIN spsa.activation a ON a.session_id = o.session_id AND a.expires_at < o.ended_at"
	" JOIN spsa.permission_set p ON p.set_id = a.set_id WHERE " ENDED_BY_ITSELF
	" UNION ALL SELECT o.session_id, o.user_name, NULL, o.closed, NULL FROM over o",
	1, {UUIDARRAYOID}
};

/*
 * Activations that have ended, of sessions that have not, or are locked, as far as nobody has them locked themselves. The rows: as above.
 */
static OwnerStatement purge_activations = {
	"WITH a AS (DELETE FROM spsa.activation d WHERE d.ctid = ANY (ARRAY(SELECT x.ctid FROM spsa.activation x"
	" WHERE x.expires_at <= pg_catalog.clock_timestamp() OR x.activation_id IN (SELECT e.activation_id"
	" FROM spsa.activation_end e) FOR UPDATE SKIP LOCKED)) RETURNING d.*)"
	" SELECT a.session_id, u.user_name, p.set_name, false, a.expires_at FROM a"
	" JOIN spsa.session s ON s.session_id = a.session_id JOIN spsa.app_user u ON u.user_id = s.user_id"
	" LEFT JOIN spsa.session_activity t ON t.session_id = s.session_id"
	" JOIN spsa.permission_set p ON p.set_id = a.set_id"
	" WHERE a.expires_at < LEAST(s.expires_at, t.last_seen_at + s.idle_timeout,"
	" (SELECT pg_catalog.min(e.ended_at) FROM spsa.session_end e WHERE e.session_id = s.session_id)) AND " ENDED_BY_ITSELF,
	0
};

/* Of a row: the end of an activation, or of a session unless that was closed, which was recorded then. */
static void
record_end(HeapTuple row, TupleDesc desc)
{
	AuditEvent	event = {"session_expire"};
	bool		isnull;
	pg_uuid_t	session_id = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
	TimestampTz expired_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 5, &isnull));

	event.session_id = &session_id;
	event.user_name = SPI_getvalue(row, desc, 2);
	event.set_name = SPI_getvalue(row, desc, 3);
	if (event.set_name != NULL)
	{
		event.event = "activation_expired";
		event.detail = psprintf("{\"expired_at\": \"%s\"}", audit_time(expired_at));
	}
	if (!DatumGetBool(SPI_getbinval(row, desc, 4, &isnull)))
		audit_record(&event);
}

/* Of all rows of the last result; how many sessions these are. There may be many: what one event takes is freed after it. */
static int
record_ends(int n)
{
	SPITupleTable *rows = SPI_tuptable;
	MemoryContext event_context = AllocSetContextCreate(CurrentMemoryContext, "spsa purge event", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(event_context);
	int			sessions = 0;
	bool		isnull;

	for (int i = 0; i < n; i++)
	{
		(void) SPI_getbinval(rows->vals[i], rows->tupdesc, 3, &isnull);
		sessions += isnull ? 1 : 0;
		record_end(rows->vals[i], rows->tupdesc);
		MemoryContextReset(event_context);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(event_context);
	return sessions;
}

/*
 * Until owner_end(). Of tables that fill up and are emptied again statistics say nothing, and what is taken for nearly empty is
 * joined by looking through all of it for each row: of 25,000 sessions that took minutes.
 */
static void
join_in_bulk(void)
{
	(void) set_config_option("enable_nestloop", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* SQL: spsa_purge() */
PG_FUNCTION_INFO_V1(spsa_purge);
Datum
spsa_purge(PG_FUNCTION_ARGS)
{
	OwnerState	state;
	int			sessions;
	bool		isnull;
	Datum		locked;

	owner_begin(&state);
	join_in_bulk();
	(void) owner_execute(&lock_sessions, NULL, NULL);
	locked = owner_result(1, &isnull);
	sessions = record_ends(owner_execute(&purge_sessions, &locked, NULL));
	(void) record_ends(owner_execute(&purge_activations, NULL, NULL));
	for (int i = 0; i < lengthof(purge_statements); i++)
		owner_execute(&purge_statements[i], NULL, NULL);
	owner_end(&state);
	PG_RETURN_INT32(sessions);
}
