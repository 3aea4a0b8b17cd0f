/* chain.c - each audit event has a hash of itself and of the event before it.
 *
 * Invariant: writing an event waits for nobody. So an event is linked to the latest one of its session (or, without
 * session, of those without) that its transaction can see at that moment, under any isolation level, and two
 * transactions at a time may link to the same one: a chain is a tree, and may have several roots. What is looked at is
 * the table as it is, outside of any snapshot: serializable transactions would otherwise fail for having looked.
 *
 * The hash is SHA-256 over all columns but itself that are not null, in the order of the table: the length of the name
 * in four bytes, the name, the length of the value in four bytes, the value. Numbers are big-endian, times microseconds
 * since 2000 in UTC, texts UTF-8, detail, addresses and arrays are their text: no setting matters, and a column that is added later, null in what
 * is there, changes nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/trigger.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "audit/chain.h"
#include "base/guc.h"
#include "base/table.h"
#include "base/version.h"

void
chain_sha256(const void *data, size_t len, uint8 hash[CRYPTO_HASH_BYTES])
{
	if (!crypto_sha256(data, len, hash))
		elog(ERROR, "could not compute SHA-256");
}

static void
append(StringInfo bytes, const void *data, int len)
{
	pq_sendint32(bytes, len);
	appendBinaryStringInfo(bytes, data, len);
}

static void
append_text(StringInfo bytes, char *text, int len)
{
	char	   *utf8 = pg_server_to_any(text, len, PG_UTF8);

	append(bytes, utf8, utf8 == text ? len : strlen(utf8));
}

static void
append_varlena(StringInfo bytes, struct varlena *value)
{
	append(bytes, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

static void
append_number(StringInfo bytes, int64 number)
{
	pq_sendint32(bytes, sizeof(number));
	pq_sendint64(bytes, number);
}

static void
append_value(StringInfo bytes, Oid type, Datum value)
{
	char	   *json;
	char	   *shown;
	text	   *string;
	Oid			output;
	Oid			send;
	bool		is_varlena;

	switch (type)
	{
		case INT8OID:
		case TIMESTAMPTZOID:
		case XID8OID:
			append_number(bytes, DatumGetInt64(value));
			break;
		case UUIDOID:
			append(bytes, DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case TEXTOID:
			string = DatumGetTextPP(value);
			append_text(bytes, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
			break;
		case JSONBOID:
			json = JsonbToCString(NULL, &DatumGetJsonbP(value)->root, 0);
			append_text(bytes, json, strlen(json));
			break;
		case INETOID:
		case TEXTARRAYOID:
			getTypeOutputInfo(type, &output, &is_varlena);
			shown = OidOutputFunctionCall(output, value);
			append_text(bytes, shown, strlen(shown));
			break;
		case BYTEAOID:
			append_varlena(bytes, DatumGetByteaPP(value));
			break;
		default:
			getTypeBinaryOutputInfo(type, &send, &is_varlena);
			append_varlena(bytes, OidSendFunctionCall(send, value));
	}
}

/* Of an event with these columns; there may be others after them. */
void
chain_hash(TupleDesc desc, int ncolumns, const Datum *values, const bool *nulls, uint8 hash[CRYPTO_HASH_BYTES])
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	for (int i = 0; i < ncolumns; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		const char *name = NameStr(column->attname);

		if (nulls[i] || column->attisdropped || strcmp(name, "hash") == 0)
			continue;
		append(&bytes, name, strlen(name));
		append_value(&bytes, column->atttypid, values[i]);
	}
	chain_sha256(bytes.data, bytes.len, hash);
	pfree(bytes.data);
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea	   *value = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);

	SET_VARSIZE(value, VARHDRSZ + CRYPTO_HASH_BYTES);
	memcpy(VARDATA(value), hash, CRYPTO_HASH_BYTES);
	return PointerGetDatum(value);
}

/* The event before: null columns if there is none. */
static void
link_to_previous(Relation relation, Datum *values, bool *nulls)
{
	static const AttrNumber from[] = {Anum_audit_event_event_id, Anum_audit_event_at, Anum_audit_event_hash};
	static const AttrNumber to[] = {Anum_audit_event_previous_id, Anum_audit_event_previous_at, Anum_audit_event_previous_hash};
	ScanKeyData key;
	HeapTuple	previous;
	bool		has_session = !nulls[Anum_audit_event_session_id - 1];
	bool		is_first = strcmp(TextDatumGetCString(values[Anum_audit_event_event - 1]), "session_open") == 0;

	ScanKeyEntryInitialize(&key, has_session ? 0 : SK_ISNULL | SK_SEARCHNULL, 1,
						   has_session ? BTEqualStrategyNumber : InvalidStrategy, InvalidOid, InvalidOid,
						   has_session ? F_UUID_EQ : InvalidOid, values[Anum_audit_event_session_id - 1]);
	previous = is_first ? NULL : table_last("audit_event", "audit_event_session_id_idx", &key, values[Anum_audit_event_at - 1]);
	for (int i = 0; i < lengthof(to); i++)
	{
		nulls[to[i] - 1] = true;
		if (HeapTupleIsValid(previous))
			values[to[i] - 1] = heap_getattr(previous, from[i], RelationGetDescr(relation), &nulls[to[i] - 1]);
	}
}

static HeapTuple
chained(Relation relation, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(relation);
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	uint8		hash[CRYPTO_HASH_BYTES];

	heap_deform_tuple(row, desc, values, nulls);
	values[Anum_audit_event_transaction_id - 1] = UInt64GetDatum(U64FromFullTransactionId(GetTopFullTransactionId()));
	nulls[Anum_audit_event_transaction_id - 1] = false;
	link_to_previous(relation, values, nulls);
	chain_hash(desc, desc->natts, values, nulls, hash);
	values[Anum_audit_event_hash - 1] = hash_datum(hash);
	nulls[Anum_audit_event_hash - 1] = false;
	return heap_form_tuple(desc, values, nulls);
}

/*
 * PostgreSQL fails every commit that notifies while its queue is full, which one client that listens in an open transaction
 * brings about. No revocation may fail for that: events are then told to nobody, but stored.
 */
#define MOST_QUEUED 0.5

static void
notify(int64 event_id)
{
	static bool was_full = false;
	bool		is_full = DatumGetFloat8(OidFunctionCall0(F_PG_NOTIFICATION_QUEUE_USAGE)) > MOST_QUEUED;

	if (!is_full)
		Async_Notify("spsa", psprintf(INT64_FORMAT, event_id));
	else if (!was_full)
		ereport(LOG,
				(errmsg("audit events are not notified, because the queue of notifications is half full"),
				 errhint("A client that listens has had a transaction open for long.")));
	was_full = is_full;
}

/* The table or a partition of it. */
static bool
is_audit_event(Relation relation)
{
	Oid			oid = RelationGetRelid(relation);

	return (relation->rd_rel->relispartition ? table_parent(oid) : oid) == table_oid("audit_event");
}

/* SQL: spsa.chain_event() */
PG_FUNCTION_INFO_V1(spsa_chain_event);
Datum
spsa_chain_event(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	row;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !is_audit_event(trigger->tg_relation))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger before INSERT on spsa.audit_event")));
	version_require();
	row = trigger->tg_trigtuple;

	/*
	 * What logical replication or a restored copy brings is another server's
	 * event, with the hash that it has there.
	 */
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA &&
		!heap_attisnull(row, Anum_audit_event_hash, RelationGetDescr(trigger->tg_relation)))
		return PointerGetDatum(row);
	if (guc_notify_events)
		notify(DatumGetInt64(heap_getattr(row, Anum_audit_event_event_id, RelationGetDescr(trigger->tg_relation), &isnull)));
	return PointerGetDatum(chained(trigger->tg_relation, row));
}
