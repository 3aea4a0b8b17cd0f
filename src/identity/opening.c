/* opening.c - opening sessions, whoever asks.
 *
 * Invariants: a token is shown once, by the call that opens the session; what is stored is its hash. Two openings at once
 * do not both take the last place that the user's limit leaves.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/opening.h"
#include "identity/session.h"

static void (*opened_callback) (const pg_uuid_t *session_id) = NULL;

bool
opening_find_user(AttrNumber column, const char *index, RegProcedure equality, Datum key_value, SessionUser *user)
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

void
opening_require_user(const text *name, SessionUser *user)
{
	if (!opening_find_user(Anum_app_user_user_name, "app_user_user_name_key", F_TEXTEQ, PointerGetDatum(name), user))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("user \"%s\" does not exist", text_to_cstring(name)),
				 errhint("Users are made with spsa_create_user().")));
}

void
opening_refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

/* Attributes of the user can be repeated by the opener, not changed. */
static void
check_attributes(const SessionUser *user, Jsonb *attributes)
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
check_session_limit(const SessionUser *user)
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
opening_end_of(Interval *duration, TimestampTz now, const char *what)
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
opening_make_token(char token[TOKEN_LENGTH + 1], bytea **stored)
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

void
opening_done(const Opening *opening)
{
	if (opened_callback != NULL)
		opened_callback(&opening->session_id);
}

/* Opens a session for a user that has been found. */
void
opening_make(const SessionUser *user, Opening *opening)
{
	TimestampTz now = GetCurrentTimestamp();
	AuditEvent	event = {"session_open"};
	OwnerState	state;
	bytea	   *hash;
	StringInfoData detail;

	opening->user_id = user->user_id;
	opening->user_name = user->user_name;
	opening->expires_at = opening_end_of(opening->lifetime, now, "lifetime");
	if (opening->idle_timeout != NULL)
		(void) opening_end_of(opening->idle_timeout, now, "idle timeout");
	if (!user->is_active)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("user \"%s\" is disabled", user->user_name),
				 errhint("An administrator enables users with spsa_enable_user().")));
	check_attributes(user, opening->attributes);
	check_session_limit(user);

	opening_make_token(opening->token, &hash);
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
