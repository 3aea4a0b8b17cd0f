/* signal.c - telling every backend that authority changed.
 *
 * A signal is an invalidation message of a system cache, that of sequences (SEQRELID), for an entry that it does not have:
 * it is sent at commit, thrown away at rollback, written to WAL and replayed on standbys, without shared memory or a
 * preloaded library. Row triggers on the tables that matter queue it. There is one signal for definitions (permission sets
 * and what they grant), one that stands for all sessions, and one for each session and user, named by 32 bits of a hash of
 * its identifier.
 *
 * Each backend takes in each signal, so what that costs counts. A relcache invalidation would have PostgreSQL look
 * through its type cache and all cached plans (9 microseconds with 1,000 of them); with a system cache that has no other callbacks it ends with ours. The
 * message carries the cache's hash of the name. What it meets by chance (a sequence with the OID) is read anew, no more.
 *
 * Invariant: the callback only counts. It may run anywhere, also while a transaction aborts, so no catalog access in it.
 * A message that stands for everything (hash 0: the queue overflowed, or the cache is reset) counts as every signal.
 *
 * CacheInvalidateHeapTuple() reads the key of the pg_sequence tuple that it is given, so a made-up tuple serves.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/signal.h"

#define COUNTERS 16384
#define NAME_DEFINITION 0xFFFF0000
#define NAME_ALL_SESSIONS 0xFFFF0001

static uint64 definition_count = 1;
static uint64 all_sessions_count = 1;
static uint32 counter[COUNTERS];	/* of sessions and users, by hash */
static uint64 epoch = 1;		/* moves with every one of them */
static SignalListener listeners[2];
static int	nlisteners = 0;

/* The system cache's hash of a name; signal_send() makes sure of it. */
static uint32
hash_of_name(uint32 name)
{
	return murmurhash32(name);
}

static void
signal_received(Datum arg, int cache, uint32 hash)
{
	bool		everybody = true;

	if (hash == 0)
	{
		definition_count++;
		all_sessions_count++;
	}
	else if (hash == hash_of_name(NAME_DEFINITION))
		definition_count++;
	else if (hash == hash_of_name(NAME_ALL_SESSIONS))
		all_sessions_count++;
	else
	{
		counter[hash % COUNTERS]++;
		everybody = false;
	}
	epoch++;
	for (int i = 0; i < nlisteners; i++)
		listeners[i] (everybody, hash);
}

static void
signal_send(uint32 name)
{
	union
	{
		HeapTupleHeaderData header;
		char		space[MAXALIGN(SizeofHeapTupleHeader) + sizeof(FormData_pg_sequence)];
	}			row;
	HeapTupleData tuple;
	Relation	sequences;

	if (GetSysCacheHashValue1(SEQRELID, ObjectIdGetDatum(name)) != hash_of_name(name))
		elog(ERROR, "hash of the system cache is not the expected one");
	memset(&row, 0, sizeof(row));
	memset(&tuple, 0, sizeof(tuple));
	tuple.t_data = &row.header;
	tuple.t_len = sizeof(row);
	tuple.t_data->t_hoff = MAXALIGN(SizeofHeapTupleHeader);
	HeapTupleHeaderSetNatts(tuple.t_data, Natts_pg_sequence);
	((Form_pg_sequence) GETSTRUCT(&tuple))->seqrelid = name;
	/* Without a lock on it, so that nobody's is waited for. */
	sequences = RelationIdGetRelation(SequenceRelationId);
	CacheInvalidateHeapTuple(sequences, &tuple, NULL);
	RelationClose(sequences);

	/*
	 * Nothing may have been written since the last command ended: the next
	 * one is to be told all the same.
	 */
	(void) GetCurrentCommandId(true);
}

static uint32
name_of_session(const pg_uuid_t *session_id)
{
	return hash_bytes(session_id->data, UUID_LEN);
}

static uint32
name_of_user(int64 user_id)
{
	return hash_bytes((const unsigned char *) &user_id, sizeof(user_id));
}

/* What tells the signals about a session from those about nearly all others. */
uint32
signal_of_session(const pg_uuid_t *session_id)
{
	return hash_of_name(name_of_session(session_id));
}

uint32
signal_of_user(int64 user_id)
{
	return hash_of_name(name_of_user(user_id));
}

/* How many have come, with those that share its counter. */
uint64
signal_count(uint32 signal)
{
	return counter[signal % COUNTERS];
}

SignalCounts
signal_counts(uint32 session_signal, uint32 user_signal)
{
	SignalCounts counts;

	counts.definition = definition_count;
	counts.session = all_sessions_count + signal_count(session_signal);
	counts.user = signal_count(user_signal);
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
			signal_send(NAME_ALL_SESSIONS);
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
	signal_send(name_of_session(DatumGetUUIDP(session_id)));
}

static void
send_user(Datum user_id)
{
	signal_send(name_of_user(DatumGetInt64(user_id)));
}

/*
 * What a transaction changes is seen by new snapshots a moment before its signals are there. Who keeps definitions must
 * know: the changing transaction holds a lock, on an object that does not exist, which is released after the signals are
 * sent. It conflicts with no other change.
 */
static void
set_definition_tag(LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, RelationRelationId, NAME_DEFINITION, 0);
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
	signal_send(NAME_DEFINITION);
}

/* Everything that is kept is stale at the commit. */
void
signal_everything(void)
{
	send_definition();
	signal_send(NAME_ALL_SESSIONS);
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
		signal_send(NAME_ALL_SESSIONS);
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
		signal_send(NAME_ALL_SESSIONS);
	else
		for_each_row(trigger, "user_id", send_user);
	return PointerGetDatum(NULL);
}

void
signal_add_listener(SignalListener listener)
{
	if (nlisteners == lengthof(listeners))
		elog(FATAL, "too many listeners to signals");
	listeners[nlisteners++] = listener;
}

void
signal_init(void)
{
	CacheRegisterSyscacheCallback(SEQRELID, signal_received, (Datum) 0);
}
