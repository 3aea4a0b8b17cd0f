/* definition_cache.c - what permission sets grant, kept for all sessions of a backend.
 *
 * Invariant: who loads a session must see everything under one snapshot. A definition that is kept is what the snapshot
 * sees if no signal about definitions has come since it was read, and none is missing (signal_definitions_settled);
 * otherwise it is read under the snapshot. Signals that come in during a load make the session load again.
 *
 * Memory: each definition has a context of its own below cache_context, and lives as long as it is kept or somebody uses
 * it, which ends with a memory context of the user's. What is kept and not used is bounded (MAX_BYTES), the least recently
 * used goes first; what is used is bounded by the number of sessions (spsa.session_cache_size).
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/signal.h"
#include "base/table.h"
#include "grant/definition_cache.h"

#define MAX_BYTES (4 * 1024 * 1024)

typedef struct Kept
{
	int32		set_id;
	Definition *definition;
	MemoryContext context;
	Size		bytes;
	int			users;
	bool		listed;			/* in the table, and if nobody uses it, among
								 * the unused */
	dlist_node	node;
} Kept;

typedef struct Slot
{
	int32		set_id;			/* key */
	Kept	   *kept;
} Slot;

static MemoryContext cache_context = NULL;
static HTAB *slots = NULL;
static uint64 listed_count = 0; /* of signals, when what is listed was read */
static Oid	listed_schema = InvalidOid; /* and the schema spsa that it was
										 * read from */
static dlist_head unused = DLIST_STATIC_INIT(unused);	/* most recently used
														 * first */
static Size unused_bytes = 0;

static void
leave_unused(Kept *kept)
{
	dlist_delete(&kept->node);
	unused_bytes -= kept->bytes;
}

static void
unlist(Kept *kept)
{
	hash_search(slots, &kept->set_id, HASH_REMOVE, NULL);
	kept->listed = false;
	if (kept->users > 0)
		return;
	leave_unused(kept);
	MemoryContextDelete(kept->context);
}

static void
unlist_all(void)
{
	HASH_SEQ_STATUS all;
	Slot	   *slot;

	hash_seq_init(&all, slots);
	while ((slot = hash_seq_search(&all)) != NULL)
		unlist(slot->kept);
}

/* A callback of the user's memory context. */
static void
release(void *arg)
{
	Kept	   *kept = arg;

	if (--kept->users > 0)
		return;
	if (!kept->listed)
	{
		MemoryContextDelete(kept->context);
		return;
	}
	dlist_push_head(&unused, &kept->node);
	unused_bytes += kept->bytes;
	while (unused_bytes > MAX_BYTES)
		unlist(dlist_container(Kept, node, dlist_tail_node(&unused)));
}

static void
use(Kept *kept, MemoryContext user, MemoryContextCallback *callback)
{
	if (kept->listed && kept->users == 0)
		leave_unused(kept);
	kept->users++;
	callback->func = release;
	callback->arg = kept;
	MemoryContextRegisterResetCallback(user, callback);
}

/* An error leaves nothing behind: the context is the caller's until it is complete. */
static Kept *
read_definition(int32 set_id, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "spsa definition", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Kept	   *kept = palloc0(sizeof(Kept));

	kept->set_id = set_id;
	kept->context = context;
	kept->definition = definition_read(set_id, snapshot);
	MemoryContextSwitchTo(caller);
	if (kept->definition == NULL)
	{
		MemoryContextDelete(context);
		return NULL;
	}
	kept->bytes = MemoryContextMemAllocated(context, true);
	return kept;
}

/* count: signal_definition_count() before the snapshot was taken. */
DefinitionReader
definition_reader(Snapshot snapshot, uint64 count)
{
	DefinitionReader reader = {snapshot, count, false};
	Oid			schema;

	/*
	 * A change of this transaction's own may be seen before its signal is
	 * there, and be undone without one.
	 */
	reader.settled = !TransactionIdIsValid(GetTopTransactionIdIfAny()) && signal_definitions_settled();
	/* First, since looking it up may take in signals. */
	schema = table_schema();
	if (listed_count != signal_definition_count() || listed_schema != schema)
		unlist_all();
	listed_count = signal_definition_count();
	listed_schema = schema;
	return reader;
}

static bool
may_use_list(const DefinitionReader *reader)
{
	return reader->settled && reader->count == signal_definition_count() && listed_count == reader->count;
}

static void
list(Kept *kept)
{
	Slot	   *slot = hash_search(slots, &kept->set_id, HASH_ENTER, NULL);

	slot->kept = kept;
	kept->listed = true;
}

/* NULL if the set is gone, or grants nothing by itself. Good as long as the memory context `user`. */
const Definition *
definition_get(const DefinitionReader *reader, int32 set_id, MemoryContext user)
{
	MemoryContextCallback *callback = MemoryContextAlloc(user, sizeof(MemoryContextCallback));
	Slot	   *slot = NULL;
	Kept	   *kept;

	if (may_use_list(reader))
		slot = hash_search(slots, &set_id, HASH_FIND, NULL);
	if (slot != NULL)
	{
		use(slot->kept, user, callback);
		return slot->kept->definition;
	}
	kept = read_definition(set_id, reader->snapshot);
	if (kept == NULL)
		return NULL;
	MemoryContextSetParent(kept->context, cache_context);
	use(kept, user, callback);
	if (may_use_list(reader))
		list(kept);
	return kept->definition;
}

void
definition_cache_init(void)
{
	HASHCTL		control = {0};

	cache_context = AllocSetContextCreate(TopMemoryContext, "spsa definitions", ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(int32);
	control.entrysize = sizeof(Slot);
	control.hcxt = cache_context;
	slots = hash_create("spsa definitions by set", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}
