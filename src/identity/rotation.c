/* rotation.c - giving a session another token.
 *
 * A rotation inserts a row of spsa.session_token. The token of a session is that of its newest row, or, while there is none,
 * the one that it was opened with. So the old token is worth nothing from the commit on, in every backend, and is back
 * after a ROLLBACK; and no lock that the holder of a token keeps in an open transaction is in the way of somebody else's
 * rotation. The connection stays attached, by the new token, in the way it was.
 *
 * Invariant: every rotation replaces the token that was valid when it is committed, and knew that one. Of two at once the
 * first to commit wins. The other one fails with 40001 when it commits, and its token was never valid for anybody else.
 * That is looked at under a lock that is taken at the very end of a transaction and lasts until it is committed, so that nobody keeps
 * it while a user thinks.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/binding.h"
#include "identity/family.h"
#include "identity/opening.h"
#include "identity/rotation.h"

/* A rotation of the present transaction. */
typedef struct Rotation
{
	pg_uuid_t	session_id;
	int64		token_id;
	int64		replaces;		/* newest one of another transaction when it
								 * was made; 0: none */
} Rotation;

static List *rotations = NIL;	/* of Rotation *, in TopTransactionContext */

/* ---- reading ---- */

/* The rows of a session, newest first. */
typedef struct TokenScan
{
	Relation	relation;
	Relation	index;
	SysScanDesc scan;
} TokenScan;

static void
begin_scan(TokenScan *scan, const pg_uuid_t *session_id, Snapshot snapshot)
{
	ScanKeyData key;

	scan->relation = table_open(table_oid("session_token"), AccessShareLock);
	scan->index = index_open(table_oid("session_token_pkey"), AccessShareLock);
	table_key(&key, Anum_session_token_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	scan->scan = systable_beginscan_ordered(scan->relation, scan->index, snapshot, 1, &key);
}

static HeapTuple
next_row(TokenScan *scan)
{
	return systable_getnext_ordered(scan->scan, BackwardScanDirection);
}

static Datum
row_value(const TokenScan *scan, HeapTuple row, AttrNumber column)
{
	bool		isnull;

	return heap_getattr(row, column, RelationGetDescr(scan->relation), &isnull);
}

static void
end_scan(TokenScan *scan)
{
	systable_endscan_ordered(scan->scan);
	index_close(scan->index, AccessShareLock);
	table_close(scan->relation, AccessShareLock);
}

/* The hash of the token that a session has now; left as it is if there was no rotation. */
void
rotation_newest_hash(const pg_uuid_t *session_id, Snapshot snapshot, uint8_t hash[CRYPTO_HASH_BYTES])
{
	TokenScan	scan;
	HeapTuple	row;

	begin_scan(&scan, session_id, snapshot);
	row = next_row(&scan);
	if (HeapTupleIsValid(row))
		memcpy(hash, VARDATA_ANY(DatumGetByteaPP(row_value(&scan, row, Anum_session_token_token_hash))), CRYPTO_HASH_BYTES);
	end_scan(&scan);
}

/* The session that a rotation gave a token, whether or not it is still the newest one. */
bool
rotation_find_session(const uint8_t hash[CRYPTO_HASH_BYTES], Snapshot snapshot, pg_uuid_t *session_id)
{
	bytea	   *value = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	SET_VARSIZE(value, VARHDRSZ + CRYPTO_HASH_BYTES);
	memcpy(VARDATA(value), hash, CRYPTO_HASH_BYTES);
	table_key(&key, Anum_session_token_token_hash, F_BYTEAEQ, PointerGetDatum(value));
	table_begin(&scan, "session_token", "session_token_token_hash_key", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		*session_id = *DatumGetUUIDP(table_value(&scan, row, Anum_session_token_session_id, &isnull));
	table_end(&scan);
	return HeapTupleIsValid(row);
}

/* ---- of two at once one wins ---- */

/* The newest token that another transaction has given a session, or 0; and whether a row of this transaction is there. */
static int64
newest_of_others(const pg_uuid_t *session_id, int64 token_id, bool *is_there)
{
	Snapshot	snapshot = table_snapshot();
	TokenScan	scan;
	HeapTuple	row;
	int64		newest = 0;

	*is_there = false;
	begin_scan(&scan, session_id, snapshot);
	while (HeapTupleIsValid(row = next_row(&scan)))
	{
		int64		id = DatumGetInt64(row_value(&scan, row, Anum_session_token_token_id));

		if (id == token_id)
			*is_there = true;
		else if (newest == 0 && !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data)))
			newest = id;
		if (newest != 0 && (token_id == 0 || id <= token_id))
			break;
	}
	end_scan(&scan);
	table_snapshot_release(snapshot);
	return newest;
}

static void
refuse_concurrent(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not rotate the token of a session due to a concurrent rotation"),
			 errdetail("The token that was returned has never been valid."),
			 errhint("Retry with the token that the other rotation has returned.")));
}

/* Of two sessions with the same number one waits for the other, which is all. */
static Oid
lock_number(const Rotation *rotation)
{
	return hash_bytes(rotation->session_id.data, UUID_LEN);
}

static int
by_lock(const ListCell *a, const ListCell *b)
{
	Oid			first = lock_number(lfirst(a));
	Oid			second = lock_number(lfirst(b));

	return (first > second) - (first < second);
}

/*
 * Within the commit. What a savepoint has undone does not count. Everybody takes the locks in the same order, so that two
 * who rotate the tokens of the same sessions do not wait in a circle.
 */
static void
check_rotations(void)
{
	ListCell   *cell;

	list_sort(rotations, by_lock);
	foreach(cell, rotations)
	{
		const Rotation *rotation = lfirst(cell);
		bool		is_there;
		int64		newest;

		LockDatabaseObject(table_oid("session_token"), lock_number(rotation), 0, ExclusiveLock);
		newest = newest_of_others(&rotation->session_id, rotation->token_id, &is_there);
		if (is_there && newest != rotation->replaces)
			refuse_concurrent();
	}
}

/* The look at the end of the transaction would have to happen at COMMIT PREPARED, which is anybody's. */
static void
refuse_prepare(void)
{
	if (rotations != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has rotated the token of a session")));
}

static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			check_rotations();
			break;
		case XACT_EVENT_PRE_PREPARE:
			refuse_prepare();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
			rotations = NIL;
			break;
		default:
			break;
	}
}

static void
remember(const pg_uuid_t *session_id, int64 token_id, int64 replaces)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);
	Rotation   *rotation = palloc(sizeof(Rotation));

	rotation->session_id = *session_id;
	rotation->token_id = token_id;
	rotation->replaces = replaces;
	rotations = lappend(rotations, rotation);
	MemoryContextSwitchTo(before);
}

/* ---- rotating ---- */

/*
 * The newest token of another transaction, if that is the known one, or older than it. Between the look at the session and
 * this one another rotation may have been committed, whose token the caller has never had.
 */
static int64
replaced_token(const pg_uuid_t *session_id, const uint8_t known[CRYPTO_HASH_BYTES])
{
	bool		is_there;
	int64		newest = newest_of_others(session_id, 0, &is_there);
	uint8_t		hash[CRYPTO_HASH_BYTES];
	Snapshot	snapshot = table_snapshot();

	memcpy(hash, known, sizeof(hash));
	rotation_newest_hash(session_id, snapshot, hash);
	table_snapshot_release(snapshot);
	if (!crypto_equal(hash, known, sizeof(hash)))
		refuse_concurrent();
	return newest;
}

/*
 * The audit event comes first: once the row is there, the token that the connection is bound to is none, and nobody would
 * be who acts.
 */
static void
store_token(const pg_uuid_t *session_id, const char *user_name, int64 replaces, bytea *hash)
{
	AuditEvent	event = {"session_rotate"};
	int64		token_id = nextval_internal(table_oid("session_token_id_seq"), false);
	Datum		values[SESSION_TOKEN_COLUMNS];
	bool		nulls[SESSION_TOKEN_COLUMNS] = {false};
	OwnerState	state;

	values[Anum_session_token_session_id - 1] = UUIDPGetDatum(session_id);
	values[Anum_session_token_token_id - 1] = Int64GetDatum(token_id);
	values[Anum_session_token_token_hash - 1] = PointerGetDatum(hash);
	values[Anum_session_token_issued_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());

	event.session_id = session_id;
	event.user_name = user_name;
	owner_begin(&state);
	audit_record(&event);
	/* No statement, whose parameters could be logged. */
	table_insert("session_token", SESSION_TOKEN_COLUMNS, values, nulls);
	remember(session_id, token_id, replaces);
	owner_end(&state);
}

/* SQL: spsa_rotate_token(uuid) */
PG_FUNCTION_INFO_V1(spsa_rotate_token);
Datum
spsa_rotate_token(PG_FUNCTION_ARGS)
{
	SessionEntry *entry;
	SessionEntry *mine;
	pg_uuid_t	session_id;
	char	   *user_name;
	uint8_t		known[CRYPTO_HASH_BYTES];
	char		token[TOKEN_LENGTH + 1];
	bytea	   *hash;
	bool		own;
	text	   *result;

	opening_check_own_action();
	if (PG_ARGISNULL(0))
		(void) session_require();
	if (PG_ARGISNULL(0))
		opening_refuse_null("session");
	session_id = *PG_GETARG_UUID_P(0);
	entry = family_require_holder(&session_id, fcinfo->flinfo->fn_oid);
	PreventCommandIfReadOnly("spsa_rotate_token()");
	user_name = pstrdup(entry->user_name);
	memcpy(known, entry->hash, sizeof(known));
	/* with a small cache this may be the end of the other entry */
	own = session_current(&mine) == SESSION_LIVE && memcmp(&mine->session_id, &session_id, sizeof(pg_uuid_t)) == 0;
	opening_make_token(NULL, token, &hash);
	store_token(&session_id, user_name, replaced_token(&session_id, known), hash);
	if (own)
	{
		binding_set_known(token, (uint8_t *) VARDATA(hash), binding_is_local());
		session_attached();
	}
	result = cstring_to_text(token);
	explicit_bzero(token, sizeof(token));
	PG_RETURN_TEXT_P(result);
}

void
rotation_init(void)
{
	RegisterXactCallback(transaction_event, NULL);
}
