/* signal.c - telling every backend that authority changed.
 *
 * A signal is a relcache invalidation message for an OID that no relation has (0xFFFF0000 and up): it is sent at commit,
 * thrown away at rollback, written to WAL and replayed on standbys, without shared memory or a preloaded library. Row
 * triggers on the tables that matter queue it. There is one signal for definitions (permission sets and what they grant),
 * one that stands for all sessions, and BUCKETS for sessions and users by hash of their identifier.
 *
 * Invariant: the callback only counts. It may run anywhere, also while a transaction aborts, so no catalog access in it.
 * A message that stands for everything (InvalidOid: the queue overflowed, or DISCARD-like resets) counts as every signal.
 *
 * CacheInvalidateRelcacheByTuple() reads two fields of the pg_class tuple that it is given, oid and relisshared, so a
 * made-up tuple serves.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "base/signal.h"

#define BUCKETS 1024
#define OID_DEFINITION ((Oid) 0xFFFF0000)
#define OID_ALL_SESSIONS ((Oid) 0xFFFF0001)
#define OID_FIRST_BUCKET ((Oid) 0xFFFF0400)

static uint64 definition_count = 1;
static uint64 all_sessions_count = 1;
static uint64 bucket_count[BUCKETS];
static uint64 epoch = 1;		/* moves with every one of them */
static SignalListener listener = NULL;

static void
signal_received(Datum arg, Oid relid)
{
	if (relid == InvalidOid)
	{
		definition_count++;
		all_sessions_count++;
	}
	else if (relid == OID_DEFINITION)
		definition_count++;
	else if (relid == OID_ALL_SESSIONS)
		all_sessions_count++;
	else if (relid >= OID_FIRST_BUCKET && relid < OID_FIRST_BUCKET + BUCKETS)
		bucket_count[relid - OID_FIRST_BUCKET]++;
	else
		return;
	epoch++;
	if (listener != NULL)
		listener(relid < OID_FIRST_BUCKET, relid - OID_FIRST_BUCKET);
}

static void
signal_send(Oid oid)
{
	union
	{
		HeapTupleHeaderData header;
		char		space[MAXALIGN(SizeofHeapTupleHeader) + sizeof(FormData_pg_class)];
	}			row;
	HeapTupleData tuple;
	Form_pg_class form;

	memset(&row, 0, sizeof(row));
	memset(&tuple, 0, sizeof(tuple));
	tuple.t_data = &row.header;
	tuple.t_len = sizeof(row);
	tuple.t_data->t_hoff = MAXALIGN(SizeofHeapTupleHeader);
	form = (Form_pg_class) GETSTRUCT(&tuple);
	form->oid = oid;
	form->relisshared = false;
	CacheInvalidateRelcacheByTuple(&tuple);
}

uint32
signal_bucket_of_session(const pg_uuid_t *session_id)
{
	return hash_bytes(session_id->data, UUID_LEN) % BUCKETS;
}

uint32
signal_bucket_of_user(int64 user_id)
{
	return hash_bytes((const unsigned char *) &user_id, sizeof(user_id)) % BUCKETS;
}

/* Signals about the sessions and users of one bucket. */
uint64
signal_bucket_count(uint32 bucket)
{
	return bucket_count[bucket];
}

SignalCounts
signal_counts(uint32 session_bucket, uint32 user_bucket)
{
	SignalCounts counts;

	counts.definition = definition_count;
	counts.session = all_sessions_count + bucket_count[session_bucket];
	counts.user = bucket_count[user_bucket];
	return counts;
}

uint64
signal_epoch(void)
{
	return epoch;
}

/* Calls send for the old and the new row's value of a column. */
static void
for_each_row(TriggerData *trigger, const char *column, void (*send) (Datum value))
{
	HeapTuple	rows[2];
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			attnum = 0;

	rows[0] = trigger->tg_trigtuple;
	rows[1] = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : NULL;
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped && namestrcmp(&TupleDescAttr(desc, i)->attname, column) == 0)
			attnum = i + 1;
	}
	if (attnum == 0)
		elog(ERROR, "table \"%s\" has no column \"%s\"", RelationGetRelationName(trigger->tg_relation), column);
	for (int i = 0; i < 2; i++)
	{
		bool		isnull;
		Datum		value;

		if (rows[i] == NULL)
			continue;
		value = heap_getattr(rows[i], attnum, desc, &isnull);
		if (isnull)
			signal_send(OID_ALL_SESSIONS);
		else
			send(value);
	}
}

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	return (TriggerData *) fcinfo->context;
}

static void
send_session(Datum session_id)
{
	signal_send(OID_FIRST_BUCKET + signal_bucket_of_session(DatumGetUUIDP(session_id)));
}

static void
send_user(Datum user_id)
{
	signal_send(OID_FIRST_BUCKET + signal_bucket_of_user(DatumGetInt64(user_id)));
}

/*
 * What a transaction changes is seen by new snapshots a moment before its signals are there. Who keeps definitions must
 * know: the changing transaction holds a lock, on an object that does not exist, which is released after the signals are
 * sent. It conflicts with no other change.
 */
static void
set_definition_tag(LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, RelationRelationId, OID_DEFINITION, 0);
}

/*
 * Whether every change of definitions that a snapshot taken before can see has sent its signal. (In recovery there are no
 * such locks.)
 */
bool
signal_definitions_settled(void)
{
	LOCKTAG		tag;

	if (RecoveryInProgress())
		return false;
	set_definition_tag(&tag);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	LockRelease(&tag, ShareLock, false);
	return true;
}

uint64
signal_definition_count(void)
{
	return definition_count;
}

static void
send_definition(void)
{
	LOCKTAG		tag;

	set_definition_tag(&tag);
	(void) LockAcquire(&tag, RowExclusiveLock, false, false);
	signal_send(OID_DEFINITION);
}

/* Everything that is kept is stale at the commit. */
void
signal_everything(void)
{
	send_definition();
	signal_send(OID_ALL_SESSIONS);
}

/* SQL: spsa.signal_definition() */
PG_FUNCTION_INFO_V1(spsa_signal_definition);
Datum
spsa_signal_definition(PG_FUNCTION_ARGS)
{
	(void) trigger_data(fcinfo);
	send_definition();
	return PointerGetDatum(NULL);
}

/* SQL: spsa.signal_session() */
PG_FUNCTION_INFO_V1(spsa_signal_session);
Datum
spsa_signal_session(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);

	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		signal_send(OID_ALL_SESSIONS);
	else
		for_each_row(trigger, "session_id", send_session);
	return PointerGetDatum(NULL);
}

/* SQL: spsa.signal_user() */
PG_FUNCTION_INFO_V1(spsa_signal_user);
Datum
spsa_signal_user(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);

	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		signal_send(OID_ALL_SESSIONS);
	else
		for_each_row(trigger, "user_id", send_user);
	return PointerGetDatum(NULL);
}

void
signal_set_listener(SignalListener new_listener)
{
	listener = new_listener;
}

void
signal_init(void)
{
	CacheRegisterRelcacheCallback(signal_received, (Datum) 0);
}
