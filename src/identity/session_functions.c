/* session_functions.c - opening, attaching and closing sessions from SQL.
 *
 * Invariants: a token is shown once, by the call that opens the session; what is stored is its hash. Every failure to
 * attach gives the same error, its cause goes to the log, and no earlier binding of the backend survives it, not even
 * by ROLLBACK. Closing inserts a row that nothing can block.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/guc.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/binding.h"
#include "identity/redact.h"
#include "identity/session.h"
#include "identity/token.h"

/* What is to be opened. Pointers may be NULL where the column may be null. */
typedef struct Opening
{
	int64		user_id;
	char	   *user_name;
	const char *db_role;
	Interval   *lifetime;
	Interval   *idle_timeout;
	const char *security_level;
	Datum		source_ip;
	bool		has_source_ip;
	Jsonb	   *attributes;
	const char *login_type;
	Datum		sets;
	bool		has_sets;
	const char *actor;
	/* results */
	char		token[TOKEN_LENGTH + 1];
	pg_uuid_t	session_id;
	TimestampTz expires_at;
} Opening;

static void (*opened_callback) (const pg_uuid_t *session_id) = NULL;

/* A user as spsa.app_user has it. */
typedef struct User
{
	int64		user_id;
	char	   *user_name;
	Jsonb	   *attributes;
	bool		is_active;
	int			session_limit;	/* 0: none */
} User;

static bool
find_user(AttrNumber column, const char *index, RegProcedure equality, Datum key_value, User *user)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	Datum		limit;

	table_key(&key, column, equality, key_value);
	table_begin(&scan, "app_user", index, snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		user->user_id = DatumGetInt64(table_value(&scan, row, Anum_app_user_user_id, &isnull));
		user->user_name = TextDatumGetCString(table_value(&scan, row, Anum_app_user_user_name, &isnull));
		user->attributes = DatumGetJsonbPCopy(table_value(&scan, row, Anum_app_user_attributes, &isnull));
		user->is_active = DatumGetBool(table_value(&scan, row, Anum_app_user_is_active, &isnull));
		limit = table_value(&scan, row, Anum_app_user_session_limit, &isnull);
		user->session_limit = isnull ? 0 : DatumGetInt32(limit);
	}
	table_end(&scan);
	table_snapshot_release(snapshot);
	return HeapTupleIsValid(row);
}

static void
require_user_by_name(const text *name, User *user)
{
	if (!find_user(Anum_app_user_user_name, "app_user_user_name_key", F_TEXTEQ, PointerGetDatum(name), user))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("user \"%s\" does not exist", text_to_cstring(name)),
				 errhint("Users are made with spsa_create_user().")));
}

static void
refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

/* SQL: spsa.find_user(text) */
PG_FUNCTION_INFO_V1(spsa_find_user);
Datum
spsa_find_user(PG_FUNCTION_ARGS)
{
	User		user;

	if (PG_ARGISNULL(0))
		refuse_null("user name");
	require_user_by_name(PG_GETARG_TEXT_PP(0), &user);
	PG_RETURN_INT64(user.user_id);
}

/* Attributes of the user can be repeated by the opener, not changed. */
static void
check_attributes(const User *user, Jsonb *attributes)
{
	JsonbIterator *i;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attributes must be a JSON object"),
				 errhint("For example: '{\"region\": \"EU\"}'.")));
	i = JsonbIteratorInit(&user->attributes->root);
	while ((token = JsonbIteratorNext(&i, &value, true)) != WJB_DONE)
	{
		JsonbValue *given;
		JsonbValue	own;

		if (token != WJB_KEY)
			continue;
		given = getKeyJsonValueFromContainer(&attributes->root, value.val.string.val, value.val.string.len, NULL);
		token = JsonbIteratorNext(&i, &own, true);
		if (given != NULL &&
			compareJsonbContainers(&JsonbValueToJsonb(given)->root, &JsonbValueToJsonb(&own)->root) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("attribute \"%s\" contradicts the one recorded for user \"%s\"",
							pnstrdup(value.val.string.val, value.val.string.len), user->user_name),
					 errhint("Leave it out: attributes of the user apply to every session.")));
	}
}

static bool
is_live(const TableScan *scan, HeapTuple row, Snapshot snapshot)
{
	bool		isnull;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_expires_at, &isnull));
	pg_uuid_t  *session_id = DatumGetUUIDP(table_value(scan, row, Anum_session_session_id, &isnull));

	return now < expires_at && !session_is_ended(session_id, snapshot) && !session_is_idle(scan, row, snapshot, now);
}

static int
count_live_sessions(int64 user_id)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	int			count = 0;

	table_key(&key, Anum_session_user_id, F_INT8EQ, Int64GetDatum(user_id));
	table_begin(&scan, "session", "session_user_id_idx", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
		count += is_live(&scan, row, snapshot);
	table_end(&scan);
	table_snapshot_release(snapshot);
	return count;
}

/* The lock lasts until the end of the transaction: two openings at once must not both find the last free place. */
static void
check_session_limit(const User *user)
{
	if (user->session_limit == 0)
		return;
	LockDatabaseObject(table_oid("app_user"), (Oid) user->user_id, 0, ExclusiveLock);
	if (count_live_sessions(user->user_id) >= user->session_limit)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("user \"%s\" has reached the limit of live sessions (%d)", user->user_name, user->session_limit),
				 errhint("Close one with spsa_close_session().")));
}

/* When a duration from now on ends, if it is more than nothing and not more than a year. */
static TimestampTz
end_of(Interval *duration, TimestampTz now, const char *what)
{
	Interval	none = {0};
	Interval	year = {0, 0, 12};

	if (DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(duration), IntervalPGetDatum(&none))) <= 0 ||
		DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(duration), IntervalPGetDatum(&year))) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be more than zero and at most 1 year", what)));
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now),
												   IntervalPGetDatum(duration)));
}

static void
make_token(char token[TOKEN_LENGTH + 1], bytea **stored)
{
	uint8_t		secret[TOKEN_SECRET_BYTES];
	bytea	   *value = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);
	bool		ok;

	SET_VARSIZE(value, VARHDRSZ + CRYPTO_HASH_BYTES);
	ok = pg_strong_random(secret, sizeof(secret)) && token_encode(secret, token) &&
		token_hash(token, TOKEN_LENGTH, (uint8_t *) VARDATA(value));
	explicit_bzero(secret, sizeof(secret));
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a session token"),
				 errhint("The server's source of random numbers or OpenSSL failed; try again.")));
	*stored = value;
}

static OwnerStatement insert_session = {
	"WITH s AS (INSERT INTO spsa.session (user_id, token_hash, db_role, allowed_sets, created_at, authenticated_at, expires_at,"
	" idle_timeout, security_level, login_type, source_ip, actor, attributes)"
	" VALUES ($1, $2, $3, CASE WHEN $4 IS NOT NULL THEN ARRAY(SELECT spsa.find_set(n) FROM pg_catalog.unnest($4) n) END,"
	" $5, $5, $6, $7, $8::spsa.security_level, $9, $10, $11, $12)"
	" RETURNING session_id, idle_timeout, created_at),"
	" a AS (INSERT INTO spsa.session_activity (session_id, last_seen_at)"
	" SELECT s.session_id, s.created_at FROM s WHERE s.idle_timeout IS NOT NULL)"
	" SELECT s.session_id FROM s",
	12, {INT8OID, BYTEAOID, NAMEOID, TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INTERVALOID, TEXTOID, TEXTOID, INETOID,
	TEXTOID, JSONBOID}
};

static void
set_text(Datum *values, bool *nulls, int n, const char *value)
{
	nulls[n] = value == NULL;
	values[n] = value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
}

static void
store_session(Opening *opening, bytea *hash, TimestampTz now)
{
	Datum		values[12] = {0};
	bool		nulls[12] = {false};
	bool		isnull;

	values[0] = Int64GetDatum(opening->user_id);
	values[1] = PointerGetDatum(hash);
	nulls[2] = opening->db_role == NULL;
	if (!nulls[2])
		values[2] = DirectFunctionCall1(namein, CStringGetDatum(opening->db_role));
	values[3] = opening->sets;
	nulls[3] = !opening->has_sets;
	values[4] = TimestampTzGetDatum(now);
	values[5] = TimestampTzGetDatum(opening->expires_at);
	values[6] = IntervalPGetDatum(opening->idle_timeout);
	nulls[6] = opening->idle_timeout == NULL;
	set_text(values, nulls, 7, opening->security_level);
	set_text(values, nulls, 8, opening->login_type);
	values[9] = opening->source_ip;
	nulls[9] = !opening->has_source_ip;
	set_text(values, nulls, 10, opening->actor);
	values[11] = JsonbPGetDatum(opening->attributes);
	owner_execute(&insert_session, values, nulls);
	opening->session_id = *DatumGetUUIDP(owner_result(1, &isnull));
}

/* What is to happen when a session has been opened; it may run code of the opener's, and does not fail for that. */
void
session_set_opened(void (*callback) (const pg_uuid_t *session_id))
{
	opened_callback = callback;
}

static void
opened(const Opening *opening)
{
	if (opened_callback != NULL)
		opened_callback(&opening->session_id);
}

/* Opens a session for a user that has been found. */
static void
open_session(const User *user, Opening *opening)
{
	TimestampTz now = GetCurrentTimestamp();
	AuditEvent	event = {"session_open"};
	OwnerState	state;
	bytea	   *hash;
	StringInfoData detail;

	opening->user_id = user->user_id;
	opening->user_name = user->user_name;
	opening->expires_at = end_of(opening->lifetime, now, "lifetime");
	if (opening->idle_timeout != NULL)
		(void) end_of(opening->idle_timeout, now, "idle timeout");
	if (!user->is_active)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("user \"%s\" is disabled", user->user_name),
				 errhint("An administrator enables users with spsa_enable_user().")));
	check_attributes(user, opening->attributes);
	check_session_limit(user);

	make_token(opening->token, &hash);
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"login_type\": ");
	escape_json(&detail, opening->login_type);
	if (opening->actor != NULL)
	{
		appendStringInfoString(&detail, ", \"actor\": ");
		escape_json(&detail, opening->actor);
	}
	appendStringInfoChar(&detail, '}');
	owner_begin(&state);
	store_session(opening, hash, now);
	event.session_id = &opening->session_id;
	event.user_name = user->user_name;
	event.detail = detail.data;
	audit_record(&event);
	owner_end(&state);
}

/* SQL: spsa_open_session(text, interval, spsa.security_level, inet, jsonb, name, text, interval, text[], text) */
PG_FUNCTION_INFO_V1(spsa_open_session);
Datum
spsa_open_session(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"user name", "lifetime", "security level", NULL, "attributes", NULL, "login type"};
	Opening		opening = {0};
	User		user;
	Datum		values[3];
	bool		nulls[3] = {false};

	for (int i = 0; i < lengthof(required); i++)
	{
		if (required[i] != NULL && PG_ARGISNULL(i))
			refuse_null(required[i]);
	}
	InitMaterializedSRF(fcinfo, 0);
	require_user_by_name(PG_GETARG_TEXT_PP(0), &user);
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
	open_session(&user, &opening);
	opened(&opening);

	values[0] = UUIDPGetDatum(&opening.session_id);
	values[1] = CStringGetTextDatum(opening.token);
	values[2] = TimestampTzGetDatum(opening.expires_at);
	tuplestore_putvalues(((ReturnSetInfo *) fcinfo->resultinfo)->setResult,
						 ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc, values, nulls);
	explicit_bzero(opening.token, sizeof(opening.token));
	return (Datum) 0;
}

/* What maintenance commands run for a table's owner must not touch the session of whoever maintains. */
static void
check_own_action(void)
{
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot open or attach a session within a security-restricted operation")));
}

/* SQL: spsa_open_own_session(interval) */
PG_FUNCTION_INFO_V1(spsa_open_own_session);
Datum
spsa_open_own_session(PG_FUNCTION_ARGS)
{
	Opening		opening = {0};
	User		user;
	NameData	role;

	check_own_action();
	if (PG_ARGISNULL(0))
		refuse_null("lifetime");
	namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
	if (!find_user(Anum_app_user_db_role, "app_user_db_role_key", F_NAMEEQ, NameGetDatum(&role), &user) || !user.is_active)
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
	open_session(&user, &opening);
	binding_set(opening.token, guc_require_local_attach);
	session_attached();
	opened(&opening);
	explicit_bzero(opening.token, sizeof(opening.token));
	PG_RETURN_UUID_P(memcpy(palloc(sizeof(pg_uuid_t)), &opening.session_id, sizeof(pg_uuid_t)));
}

/* As SET LOCAL does it; only where the caller is a statement of its own, so that it can be known that nothing follows. */
static void
warn_outside_transaction(void)
{
	if (!IsTransactionBlock() && error_context_stack == NULL &&
		ActivePortal != NULL && ActivePortal->commandTag == CMDTAG_SELECT)
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("spsa_attach() can only be used in transaction blocks"),
				 errhint("Use BEGIN before it, or spsa_attach_connection().")));
}

static void
refuse_token(const char *reason)
{
	binding_poison();
	session_log_refusal("attach", reason);
	session_raise_invalid();
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
	check_own_action();
	if (PG_ARGISNULL(0))
		refuse_token("the token is null");
	token = PG_GETARG_TEXT_PP(0);
	if (!token_hash(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), hash))
		refuse_token("the token is malformed");
	AcceptInvalidationMessages();
	entry = session_accept(hash, &reason);
	if (entry == NULL)
		refuse_token(reason);
	memcpy(result, &entry->session_id, sizeof(pg_uuid_t));
	binding_set_known(text_to_cstring(token), hash, local || guc_require_local_attach);
	session_used(entry);
	session_attached();
	return UUIDPGetDatum(result);
}

/* SQL: spsa_attach(text) */
PG_FUNCTION_INFO_V1(spsa_attach);
Datum
spsa_attach(PG_FUNCTION_ARGS)
{
	Datum		result = attach(fcinfo, true);

	warn_outside_transaction();
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

static OwnerStatement insert_end = {
	"INSERT INTO spsa.session_end (session_id) VALUES ($1)", 1, {UUIDOID}
};

/* SQL: spsa_close_session(uuid) */
PG_FUNCTION_INFO_V1(spsa_close_session);
Datum
spsa_close_session(PG_FUNCTION_ARGS)
{
	AuditEvent	event = {"session_close"};
	SessionEntry *entry;
	Datum		value;
	pg_uuid_t	session_id;
	OwnerState	state;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);	/* the default, with no session attached */
	session_id = *PG_GETARG_UUID_P(0);
	entry = session_permitted(&session_id, "session_end", ACL_INSERT);
	if (entry == NULL)
		PG_RETURN_BOOL(false);
	event.session_id = &session_id;
	event.user_name = pstrdup(entry->user_name);
	value = UUIDPGetDatum(&session_id);
	owner_begin(&state);
	audit_record(&event);
	owner_execute(&insert_end, &value, NULL);
	owner_end(&state);
	PG_RETURN_BOOL(true);
}

static OwnerStatement disable_user = {
	"UPDATE spsa.app_user u SET is_active = false WHERE u.user_id = $1 AND u.is_active", 1, {INT8OID}
};

static OwnerStatement end_sessions_of_user = {
	"INSERT INTO spsa.session_end (session_id)"
	" SELECT s.session_id FROM spsa.session s WHERE s.user_id = $1 AND s.expires_at > pg_catalog.clock_timestamp()"
	" AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id)"
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
end_sessions(const User *user, const char *reason)
{
	AuditEvent	event = {"session_close"};
	Datum		user_id = Int64GetDatum(user->user_id);
	int			n = owner_execute(&end_sessions_of_user, &user_id, NULL);
	pg_uuid_t  *ids = result_ids(n);
	StringInfoData detail;

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
ending_arguments(FunctionCallInfo fcinfo, User *user, const char *otherwise)
{
	if (PG_ARGISNULL(0))
		refuse_null("user name");
	require_user_by_name(PG_GETARG_TEXT_PP(0), user);
	return PG_ARGISNULL(1) ? pstrdup(otherwise) : text_to_cstring(PG_GETARG_TEXT_PP(1));
}

/* SQL: spsa_disable_user(text, text) */
PG_FUNCTION_INFO_V1(spsa_disable_user);
Datum
spsa_disable_user(PG_FUNCTION_ARGS)
{
	User		user;
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
	User		user;
	char	   *reason = ending_arguments(fcinfo, &user, "sessions of the user closed");
	int			n;
	OwnerState	state;

	owner_begin_latest(&state);
	n = end_sessions(&user, reason);
	owner_end(&state);
	PG_RETURN_INT32(n);
}

/*
 * Rows whose session is gone, activations that have ended by themselves, requests that lead to nothing any more, what has been
 * reviewed, and second factors that were removed or not confirmed in time, as far as nobody has them locked.
 */
static OwnerStatement purge_statements[] = {
	{"DELETE FROM spsa.session_activity d WHERE d.ctid = ANY (ARRAY(SELECT a.ctid FROM spsa.session_activity a"
	" WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = a.session_id) FOR UPDATE SKIP LOCKED))"},
	{"DELETE FROM spsa.session_end e WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = e.session_id)"},
	{"DELETE FROM spsa.session_authentication a WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = a.session_id)"},
	{"DELETE FROM spsa.activation d WHERE d.ctid = ANY (ARRAY(SELECT a.ctid FROM spsa.activation a"
		" WHERE a.expires_at <= pg_catalog.clock_timestamp() OR EXISTS (SELECT FROM spsa.activation_end e"
	" WHERE e.activation_id = a.activation_id) FOR UPDATE SKIP LOCKED))"},
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
 * Sessions that are over and that no transaction works on: whoever writes an activation has a key-share lock on the
 * session first, so that the cascade to the activations meets no lock.
 */
static OwnerStatement purge_sessions = {
	"WITH over AS MATERIALIZED (SELECT s.session_id, s.user_id,"
	" EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id) AS closed FROM spsa.session s"
	" WHERE s.expires_at <= pg_catalog.clock_timestamp()"
	" OR EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id)"
	" OR EXISTS (SELECT FROM spsa.session_activity a WHERE a.session_id = s.session_id"
	" AND a.last_seen_at + s.idle_timeout <= pg_catalog.clock_timestamp())"
	" FOR UPDATE OF s SKIP LOCKED),"
	" gone AS (DELETE FROM spsa.session s USING over o WHERE s.session_id = o.session_id),"
	" ended AS (DELETE FROM spsa.session_end e USING over o WHERE e.session_id = o.session_id)"
	" SELECT o.session_id, u.user_name, o.closed FROM over o JOIN spsa.app_user u USING (user_id)",
	0
};

/* SQL: spsa_purge() */
PG_FUNCTION_INFO_V1(spsa_purge);
Datum
spsa_purge(PG_FUNCTION_ARGS)
{
	AuditEvent	event = {"session_expire"};
	OwnerState	state;
	SPITupleTable *rows;
	int			n;
	bool		isnull;
	pg_uuid_t	session_id;

	owner_begin(&state);
	n = owner_execute(&purge_sessions, NULL, NULL);
	rows = SPI_tuptable;
	for (int i = 0; i < lengthof(purge_statements); i++)
		owner_execute(&purge_statements[i], NULL, NULL);
	for (int i = 0; i < n; i++)
	{
		if (DatumGetBool(SPI_getbinval(rows->vals[i], rows->tupdesc, 3, &isnull)))
			continue;
		session_id = *DatumGetUUIDP(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull));
		event.session_id = &session_id;
		event.user_name = SPI_getvalue(rows->vals[i], rows->tupdesc, 2);
		audit_record(&event);
	}
	owner_end(&state);
	PG_RETURN_INT32(n);
}
