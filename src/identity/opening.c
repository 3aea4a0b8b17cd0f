/* opening.c - opening sessions, whoever asks.
 *
 * Invariants: a token is shown once, by the call that opens the session; what is stored is its hash. Two openings at once
 * do not both take the last place that the user's limit leaves.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit/audit.h"
#include "base/guc.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/family.h"
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

/* What maintenance commands run for a table's owner must not touch the session of whoever maintains. */
void
opening_check_own_action(void)
{
	if (InSecurityRestrictedOperation())
	{
		session_log_refusal("open or attach a session", "a maintenance command runs code of a table's owner");
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot open or attach a session within a security-restricted operation")));
	}
}

/* The first attribute of the user that these contradict, or NULL: they can be repeated by the opener, not changed. */
char *
opening_contradiction(const SessionUser *user, Jsonb *attributes)
{
	JsonbIterator *i = JsonbIteratorInit(&user->attributes->root);
	JsonbValue	value;
	JsonbIteratorToken token;

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
			return pnstrdup(value.val.string.val, value.val.string.len);
	}
	return NULL;
}

static void
check_attributes(const SessionUser *user, Jsonb *attributes)
{
	char	   *contradicted;

	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attributes must be a JSON object"),
				 errhint("For example: '{\"region\": \"EU\"}'.")));
	contradicted = opening_contradiction(user, attributes);
	if (contradicted != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attribute \"%s\" contradicts the one recorded for user \"%s\"", contradicted, user->user_name),
				 errhint("Leave it out: attributes of the user apply to every session.")));
}

static bool
is_live(const TableScan *scan, HeapTuple row, Snapshot snapshot)
{
	bool		isnull;
	pg_uuid_t  *session_id = DatumGetUUIDP(table_value(scan, row, Anum_session_session_id, &isnull));

	return GetCurrentTimestamp() < session_row_closes_at(scan, row, snapshot) && !session_is_ended(session_id, snapshot);
}

/* A live session, as the limit counts them. */
typedef struct LiveSession
{
	pg_uuid_t	session_id;
	TimestampTz created_at;
} LiveSession;

static int
compare_opened(const ListCell *a, const ListCell *b)
{
	const LiveSession *one = lfirst(a);
	const LiveSession *other = lfirst(b);

	if (one->created_at != other->created_at)
		return one->created_at < other->created_at ? -1 : 1;
	return memcmp(&one->session_id, &other->session_id, sizeof(pg_uuid_t));
}

/*
 * Live sessions of a user, those first that were opened first. Derived ones are left out: they give nothing that the
 * token of their ancestor does not give, end with it, and must not take the places of openings.
 */
static List *
live_sessions(int64 user_id)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	List	   *sessions = NIL;

	table_key(&key, Anum_session_user_id, F_INT8EQ, Int64GetDatum(user_id));
	table_begin(&scan, "session", "session_user_id_idx", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		LiveSession *session = palloc(sizeof(LiveSession));
		bool		is_root;

		(void) table_value(&scan, row, Anum_session_parent_id, &is_root);
		if (!is_root || !is_live(&scan, row, snapshot))
			continue;
		session->session_id = *DatumGetUUIDP(table_value(&scan, row, Anum_session_session_id, &is_root));
		session->created_at = DatumGetTimestampTz(table_value(&scan, row, Anum_session_created_at, &is_root));
		sessions = lappend(sessions, session);
	}
	table_end(&scan);
	table_snapshot_release(snapshot);
	list_sort(sessions, compare_opened);
	return sessions;
}

/* Closes the first ones, which inserts rows and waits for nobody. */
static void
close_oldest(const SessionUser *user, const List *sessions, int n)
{
	pg_uuid_t  *ids = palloc(sizeof(pg_uuid_t) * n);

	for (int i = 0; i < n; i++)
		ids[i] = ((const LiveSession *) list_nth(sessions, i))->session_id;
	family_close(ids, n, user->user_name, "{\"reason\": \"limit of live sessions\"}");
}

/* The lock lasts until the end of the transaction: two openings at once must not both find the last free place. */
static void
keep_session_limit(const SessionUser *user)
{
	int			limit = user->session_limit > 0 ? user->session_limit : guc_session_limit;
	List	   *sessions;

	if (limit == 0)
		return;
	LockDatabaseObject(table_oid("app_user"), (Oid) user->user_id, 0, ExclusiveLock);
	sessions = live_sessions(user->user_id);
	if (list_length(sessions) < limit)
		return;
	if (guc_session_limit_action == SESSION_LIMIT_REFUSE)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("user \"%s\" has reached the limit of live sessions (%d)", user->user_name, limit),
				 errhint("Close one with spsa_close_session().")));
	close_oldest(user, sessions, list_length(sessions) - limit + 1);
}

/* When a duration from now on ends, if it is more than nothing and not more than a year. */
TimestampTz
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

/* known: what it is made of, or NULL for chance. */
void
opening_make_token(const uint8_t *known, char token[TOKEN_LENGTH + 1], bytea **stored)
{
	uint8_t		secret[TOKEN_SECRET_BYTES] = {0};
	bytea	   *value = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);
	bool		ok;

	SET_VARSIZE(value, VARHDRSZ + CRYPTO_HASH_BYTES);
	if (known != NULL)
		memcpy(secret, known, sizeof(secret));
	ok = (known != NULL || pg_strong_random(secret, sizeof(secret))) && token_encode(secret, token) &&
		token_hash(token, TOKEN_LENGTH, (uint8_t *) VARDATA(value));
	explicit_bzero(secret, sizeof(secret));
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a session token"),
				 errhint("The server's source of random numbers or OpenSSL failed; try again.")));
	*stored = value;
}

static OwnerStatement select_sets = {
	"SELECT ARRAY(SELECT spsa.find_set(n) FROM pg_catalog.unnest($1) n)", 1, {TEXTARRAYOID}
};

/* Refuses what the parent does not allow. Names of sets are no secret to it: it may ask to activate any. */
static void
check_limits(const Opening *opening, Datum sets)
{
	int			n;
	int32	   *ids = session_allowed_sets(sets, &n);

	if (!opening->has_parent || opening->nlimits < 0)
		return;
	for (int i = 0; i < n; i++)
	{
		bool		found = false;

		for (int j = 0; j < opening->nlimits; j++)
			found = found || opening->limits[j] == ids[i];
		if (found)
			continue;
		session_log_refusal("derive a session", "a permission set is not allowed in the parent");
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a derived session cannot have more permission sets than its parent"),
				 errdetail("Entry %d of the list is not among those that the parent was opened for.", i + 1),
				 errhint("Leave it out.")));
	}
}

/* Identifiers of the sets that the session is for. Between owner_begin() and owner_end(). */
static Datum
find_sets(const Opening *opening)
{
	Datum		names = opening->sets;
	Datum		sets;
	bool		isnull;

	(void) owner_execute(&select_sets, &names, NULL);
	sets = PointerGetDatum(PG_DETOAST_DATUM_COPY(owner_result(1, &isnull)));
	check_limits(opening, sets);
	return sets;
}

/* A row of spsa.session that is being made; all is null at first. */
typedef struct SessionRow
{
	Datum		values[SESSION_COLUMNS];
	bool		nulls[SESSION_COLUMNS];
} SessionRow;

static void
set_value(SessionRow *row, AttrNumber column, Datum value)
{
	row->values[column - 1] = value;
	row->nulls[column - 1] = false;
}

static void
set_text(SessionRow *row, AttrNumber column, const char *value)
{
	if (value != NULL)
		set_value(row, column, CStringGetTextDatum(value));
}

static Datum
security_level(const char *name)
{
	Oid			type = get_atttype(table_oid("session"), Anum_session_security_level);

	return DirectFunctionCall2(enum_in, CStringGetDatum(name), ObjectIdGetDatum(type));
}

static void
fill_row(SessionRow *row, const Opening *opening, bytea *hash, TimestampTz now)
{
	memset(row->nulls, true, sizeof(row->nulls));
	set_value(row, Anum_session_session_id, UUIDPGetDatum(&opening->session_id));
	set_value(row, Anum_session_user_id, Int64GetDatum(opening->user_id));
	set_value(row, Anum_session_token_hash, PointerGetDatum(hash));
	if (opening->db_role != NULL)
		set_value(row, Anum_session_db_role, DirectFunctionCall1(namein, CStringGetDatum(opening->db_role)));
	if (opening->has_parent)
		set_value(row, Anum_session_parent_id, UUIDPGetDatum(&opening->parent_id));
	if (opening->has_sets)
		set_value(row, Anum_session_allowed_sets, find_sets(opening));
	set_value(row, Anum_session_created_at, TimestampTzGetDatum(now));
	set_value(row, Anum_session_authenticated_at,
			  TimestampTzGetDatum(opening->authenticated_at != 0 ? opening->authenticated_at : now));
	set_value(row, Anum_session_expires_at, TimestampTzGetDatum(opening->expires_at));
	if (opening->idle_timeout != NULL)
		set_value(row, Anum_session_idle_timeout, IntervalPGetDatum(opening->idle_timeout));
	set_value(row, Anum_session_security_level, security_level(opening->security_level));
	set_text(row, Anum_session_login_type, opening->login_type);
	if (opening->has_source_ip)
		set_value(row, Anum_session_source_ip, opening->source_ip);
	set_text(row, Anum_session_actor, opening->actor);
	set_value(row, Anum_session_attributes, JsonbPGetDatum(opening->attributes));
}

/* The end comes first, so that whatever becomes of this transaction, nobody else ever finds the session live. */
static void
store_end(const Opening *opening, TimestampTz now)
{
	Datum		values[SESSION_END_COLUMNS];
	bool		nulls[SESSION_END_COLUMNS] = {false};

	values[Anum_session_end_session_id - 1] = UUIDPGetDatum(&opening->session_id);
	values[Anum_session_end_ended_at - 1] = TimestampTzGetDatum(now);
	values[Anum_session_end_ends_with - 1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	table_insert("session_end", SESSION_END_COLUMNS, values, nulls);
}

/* Without a statement, whose parameters could be logged: one is the hash of the token. */
static void
store_session(Opening *opening, bytea *hash, TimestampTz now)
{
	SessionRow	row = {0};
	Datum		activity[SESSION_ACTIVITY_COLUMNS];
	bool		none[SESSION_ACTIVITY_COLUMNS] = {false};

	opening->session_id = *DatumGetUUIDP(OidFunctionCall0(F_GEN_RANDOM_UUID));
	fill_row(&row, opening, hash, now);
	if (opening->passing)
		store_end(opening, now);
	table_insert("session", SESSION_COLUMNS, row.values, row.nulls);
	if (opening->idle_timeout == NULL)
		return;
	activity[Anum_session_activity_session_id - 1] = UUIDPGetDatum(&opening->session_id);
	activity[Anum_session_activity_last_seen_at - 1] = TimestampTzGetDatum(now);
	table_insert("session_activity", SESSION_ACTIVITY_COLUMNS, activity, none);
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

static void
append_member(StringInfo detail, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(detail, ", \"%s\": ", name);
	escape_json(detail, value);
}

/* The audit trail's detail on what is opened. */
static char *
opening_detail(const Opening *opening)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"login_type\": ");
	escape_json(&detail, opening->login_type);
	append_member(&detail, "issuer", opening->issuer);
	append_member(&detail, "actor", opening->actor);
	if (opening->has_parent)
		appendStringInfo(&detail, ", \"parent_id\": \"%s\"",
						 DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&opening->parent_id))));
	appendStringInfoChar(&detail, '}');
	return detail.data;
}

/* Makes the token, the row and its audit event, of which all is known and checked but the sets. */
void
opening_store(Opening *opening, TimestampTz now)
{
	AuditEvent	event = {opening->passing ? "session_simulated" : "session_open"};
	OwnerState	state;
	bytea	   *hash;

	PreventCommandIfReadOnly("the opening of a session");
	opening_make_token(opening->secret, opening->token, &hash);
	event.detail = opening->detail != NULL ? opening->detail : opening_detail(opening);
	owner_begin(&state);
	store_session(opening, hash, now);
	event.session_id = &opening->session_id;
	event.user_name = opening->user_name;
	audit_record(&event);
	owner_end(&state);
}

/* Opens a session for a user that has been found. */
void
opening_make(const SessionUser *user, Opening *opening)
{
	TimestampTz now = GetCurrentTimestamp();

	opening->user_id = user->user_id;
	opening->user_name = user->user_name;
	opening->expires_at = opening_end_of(opening->lifetime, now, "lifetime");
	if (opening->ends_by != 0)
		opening->expires_at = Min(opening->expires_at, opening->ends_by);
	if (opening->idle_timeout != NULL)
		(void) opening_end_of(opening->idle_timeout, now, "idle timeout");
	if (!user->is_active)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("user \"%s\" is disabled", user->user_name),
				 errhint("An administrator enables users with spsa_enable_user().")));
	check_attributes(user, opening->attributes);
	if (!opening->passing)
		keep_session_limit(user);
	opening_store(opening, now);
}

/* Shows the token to the caller of a function that returns session_id, token and expires_at, and forgets it. */
void
opening_return(FunctionCallInfo fcinfo, Opening *opening)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = UUIDPGetDatum(&opening->session_id);
	values[1] = CStringGetTextDatum(opening->token);
	values[2] = TimestampTzGetDatum(opening->expires_at);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	explicit_bzero(opening->token, sizeof(opening->token));
}
