/* session_row.c - what the tables say of a session, row by row, and the two locks that its row is given.
 *
 * All of one session is read under one snapshot, which the caller has taken.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/table.h"
#include "identity/jwt_session.h"
#include "identity/rotation.h"
#include "identity/session.h"
#include "identity/session_row.h"

/* Months count as 30 days and days as 24 hours, as in interval comparison. */
int64
session_idle_microseconds(const Interval *timeout)
{
	return timeout->time + ((int64) timeout->month * DAYS_PER_MONTH + timeout->day) * USECS_PER_DAY;
}

/* Whether the end of a session that a row tells of is that of the present transaction. */
static bool
ends_with_transaction(const TableScan *scan, HeapTuple row)
{
	bool		isnull;
	Datum		ends_with = table_value(scan, row, Anum_session_end_ends_with, &isnull);

	/*
	 * It must have written the row itself: one that was replicated names a
	 * transaction of another server.
	 */
	return !isnull && FullTransactionIdEquals(DatumGetFullTransactionId(ends_with), GetTopFullTransactionIdIfAny()) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data));
}

static bool
is_closed(const pg_uuid_t *session_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		closed = false;

	table_key(&key, Anum_session_end_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	table_begin(&scan, "session_end", "session_end_session_id_idx", snapshot, 1, &key);
	while (!closed && HeapTupleIsValid(row = table_next(&scan)))
	{
		closed = !ends_with_transaction(&scan, row);
		if (!closed)
			session_note_passing();
	}
	table_end(&scan);
	return closed;
}

/* Closed, or opened by a JWT whose issuer or key is trusted no longer. */
bool
session_is_ended(const pg_uuid_t *session_id, Snapshot snapshot)
{
	return is_closed(session_id, snapshot) || !jwt_session_is_trusted(session_id, snapshot);
}

/* False if the user's row is gone. */
bool
session_row_read_user(SessionEntry *entry, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, Anum_app_user_user_id, F_INT8EQ, Int64GetDatum(entry->user_id));
	table_begin(&scan, "app_user", "app_user_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		entry->user_name = TextDatumGetCString(table_value(&scan, row, Anum_app_user_user_name, &isnull));
		entry->user_attributes = DatumGetJsonbPCopy(table_value(&scan, row, Anum_app_user_attributes, &isnull));
		if (!DatumGetBool(table_value(&scan, row, Anum_app_user_is_active, &isnull)))
			entry->ended = true;
	}
	table_end(&scan);
	return HeapTupleIsValid(row);
}

/* Last noted use of a session, or its opening. */
static TimestampTz
last_seen(const pg_uuid_t *session_id, TimestampTz created_at, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	TimestampTz result = created_at;

	table_key(&key, Anum_session_activity_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	table_begin(&scan, "session_activity", "session_activity_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		result = DatumGetTimestampTz(table_value(&scan, row, Anum_session_activity_last_seen_at, &isnull));
	table_end(&scan);
	return result;
}

/* When the session of a row ends by the clock: its expiry or idle timeout, whichever is earlier. */
TimestampTz
session_row_closes_at(const TableScan *scan, HeapTuple row, Snapshot snapshot)
{
	bool		isnull;
	TimestampTz expires_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_expires_at, &isnull));
	Datum		timeout = table_value(scan, row, Anum_session_idle_timeout, &isnull);
	TimestampTz created_at;
	pg_uuid_t  *session_id;

	if (isnull)
		return expires_at;
	created_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_created_at, &isnull));
	session_id = DatumGetUUIDP(table_value(scan, row, Anum_session_session_id, &isnull));
	return Min(expires_at,
			   last_seen(session_id, created_at, snapshot) + session_idle_microseconds(DatumGetIntervalP(timeout)));
}

void
session_row_read_activity(SessionEntry *entry, Snapshot snapshot)
{
	entry->last_seen_at = last_seen(&entry->session_id, entry->created_at, snapshot);
	if (entry->last_seen_at + entry->idle_timeout < entry->closes_at)
		entry->closes_at = entry->last_seen_at + entry->idle_timeout;
}

/* Security levels from the lowest; 0: none that is known. */
int
session_level_rank(const char *level)
{
	return strcmp(level, "high_assurance") == 0 ? 2 : strcmp(level, "standard") == 0 ? 1 : 0;
}

/* Each time that the user has authenticated again. Nothing lowers the level, or puts the time back. */
void
session_row_read_authentications(SessionEntry *entry, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_session_authentication_session_id, F_UUID_EQ, UUIDPGetDatum(&entry->session_id));
	table_begin(&scan, "session_authentication", "session_authentication_session_id_idx", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		bool		isnull;
		TimestampTz at = DatumGetTimestampTz(table_value(&scan, row, Anum_session_authentication_authenticated_at, &isnull));
		Datum		level = table_value(&scan, row, Anum_session_authentication_security_level, &isnull);
		const char *name = isnull ? "" : DatumGetCString(DirectFunctionCall1(enum_out, level));

		entry->authenticated_at = Max(entry->authenticated_at, at);
		if (session_level_rank(name) > session_level_rank(entry->security_level))
			entry->security_level = name;
	}
	table_end(&scan);
}

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

/* Identifiers in an array of sets that are allowed. */
int32 *
session_allowed_sets(Datum value, int *n)
{
	Datum	   *elements;
	bool	   *nulls;
	int32	   *allowed;

	deconstruct_array(DatumGetArrayTypeP(value), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, &nulls, n);
	allowed = palloc0(sizeof(int32) * (*n + 1));
	for (int i = 0; i < *n; i++)
		allowed[i] = nulls[i] ? 0 : DatumGetInt32(elements[i]);
	return allowed;
}

static void
fill_from_row(SessionEntry *entry, const TableScan *scan, HeapTuple row)
{
	bool		isnull;
	Datum		value;

	entry->session_id = *DatumGetUUIDP(table_value(scan, row, Anum_session_session_id, &isnull));
	value = table_value(scan, row, Anum_session_token_hash, &isnull);
	memcpy(entry->hash, VARDATA_ANY(DatumGetByteaPP(value)), CRYPTO_HASH_BYTES);
	entry->user_id = DatumGetInt64(table_value(scan, row, Anum_session_user_id, &isnull));
	value = table_value(scan, row, Anum_session_db_role, &isnull);
	entry->db_role = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
	value = table_value(scan, row, Anum_session_parent_id, &isnull);
	entry->has_parent = !isnull;
	if (!isnull)
		entry->parent_id = *DatumGetUUIDP(value);
	value = table_value(scan, row, Anum_session_allowed_sets, &isnull);
	entry->nallowed = -1;
	if (!isnull)
		entry->allowed = session_allowed_sets(value, &entry->nallowed);
	entry->created_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_created_at, &isnull));
	entry->authenticated_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_authenticated_at, &isnull));
	entry->expires_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_expires_at, &isnull));
	entry->closes_at = entry->expires_at;
	value = table_value(scan, row, Anum_session_idle_timeout, &isnull);
	entry->idle_timeout = isnull ? 0 : session_idle_microseconds(DatumGetIntervalP(value));
	value = table_value(scan, row, Anum_session_security_level, &isnull);
	entry->security_level = DatumGetCString(DirectFunctionCall1(enum_out, value));
	value = table_value(scan, row, Anum_session_login_type, &isnull);
	entry->login_type = text_or_null(value, isnull);
	value = table_value(scan, row, Anum_session_source_ip, &isnull);
	entry->source_ip = isnull ? NULL : DatumGetCString(DirectFunctionCall1(inet_out, value));
	value = table_value(scan, row, Anum_session_actor, &isnull);
	entry->actor = text_or_null(value, isnull);
	entry->attributes = DatumGetJsonbPCopy(table_value(scan, row, Anum_session_attributes, &isnull));
}

/* Reads the row of an identifier, or if none is given that of the hash of the token it was opened with. */
static bool
read_row(SessionEntry *entry, const pg_uuid_t *session_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bytea	   *hash = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);

	SET_VARSIZE(hash, VARHDRSZ + CRYPTO_HASH_BYTES);
	memcpy(VARDATA(hash), entry->hash, CRYPTO_HASH_BYTES);
	if (session_id != NULL)
		table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	else
		table_key(&key, Anum_session_token_hash, F_BYTEAEQ, PointerGetDatum(hash));
	table_begin(&scan, "session", session_id != NULL ? "session_pkey" : "session_token_hash_key", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		fill_from_row(entry, &scan, row);
	table_end(&scan);
	return HeapTupleIsValid(row);
}

/*
 * Reads the session of a token hash, or of an identifier if one is given; false if there is none. A token that has been
 * replaced is none: what is valid is the newest one.
 */
bool
session_row_read(SessionEntry *entry, const pg_uuid_t *session_id, Snapshot snapshot, bool *token_replaced)
{
	uint8_t		hash[CRYPTO_HASH_BYTES];
	pg_uuid_t	rotated;

	memcpy(hash, entry->hash, sizeof(hash));
	if (!read_row(entry, session_id, snapshot) &&
		(session_id != NULL || !rotation_find_session(hash, snapshot, &rotated) || !read_row(entry, &rotated, snapshot)))
		return false;
	rotation_newest_hash(&entry->session_id, snapshot, entry->hash);
	*token_replaced = session_id == NULL && !crypto_equal(hash, entry->hash, sizeof(hash));
	return !*token_replaced;
}

/*
 * Notes a use of a session. The row is skipped when another transaction has it locked (that one notes the use as well),
 * and written without SPI: under REPEATABLE READ an UPDATE could fail for a change that does not matter.
 */
void
session_mark_used(const pg_uuid_t *session_id, TimestampTz now)
{
	Relation	relation = table_open(table_oid("session_activity"), RowExclusiveLock);
	Snapshot	snapshot = table_snapshot();
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_session_activity_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	scan = systable_beginscan(relation, table_oid("session_activity_pkey"), true, snapshot, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		TM_FailureData failure;

		if (table_tuple_lock(relation, &row->t_self, snapshot, slot, GetCurrentCommandId(true), LockTupleNoKeyExclusive,
							 LockWaitSkip, 0, &failure) == TM_Ok)
		{
			Datum		values[2] = {0};
			bool		nulls[2] = {false};
			bool		replace[2] = {false, true};

			values[Anum_session_activity_last_seen_at - 1] = TimestampTzGetDatum(now);
			CatalogTupleUpdate(relation, &row->t_self,
							   heap_modify_tuple(row, RelationGetDescr(relation), values, nulls, replace));
		}
	}
	systable_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_snapshot_release(snapshot);
	table_close(relation, RowExclusiveLock);
}

/*
 * Keeps the session's row, as a foreign key does, until the end of the transaction: spsa_purge() leaves it out. If
 * somebody is deleting it, waits. Nothing if it is gone.
 */
void
session_keep(const pg_uuid_t *session_id)
{
	Relation	relation = table_open(table_oid("session"), RowShareLock);
	Snapshot	snapshot = table_snapshot();
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TM_FailureData failure;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	scan = systable_beginscan(relation, table_oid("session_pkey"), true, snapshot, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		(void) table_tuple_lock(relation, &row->t_self, snapshot, slot, GetCurrentCommandId(true), LockTupleKeyShare,
								LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	systable_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_snapshot_release(snapshot);
	table_close(relation, NoLock);
}
