/* protection.c - what is protected, kept for the backend.
 *
 * Invariant: what is protected is read under a fresh snapshot, and again after each signal about definitions. What a
 * transaction has read after changes of its own is forgotten when it, or a subtransaction of it, aborts: a change whose
 * statement failed has sent no signal.
 *
 * Memory: one context below TopMemoryContext, made anew with each load.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/signal.h"
#include "base/table.h"
#include "grant/definition_cache.h"
#include "grant/protection.h"

static struct
{
	MemoryContext context;		/* NULL: nothing is known */
	HTAB	   *objects;
	List	   *sequences;		/* of Oid: those that are listed */
	uint64		count;			/* of signals, when it was read */
	Oid			schema;			/* the schema spsa that it was read from */
	bool		any;			/* whether there are objects */
	bool		uncommitted;	/* by a transaction that has changed something */
}			known;

ProtectionGlance protection_glance;

static void
forget(void)
{
	MemoryContext context = known.context;

	protection_glance.fresh = false;
	known.context = NULL;
	known.objects = NULL;
	known.sequences = NIL;
	if (context != NULL)
		MemoryContextDelete(context);
}

static ProtectedObject *
add_object(HTAB *objects, Oid oid)
{
	bool		found;
	ProtectedObject *object = hash_search(objects, &oid, HASH_ENTER, &found);

	if (!found)
	{
		memset(object, 0, sizeof(ProtectedObject));
		object->object = oid;
	}
	return object;
}

/* When all have their fields. */
static void
share_fields_of_root(HTAB *objects, const ObjectProtection *row)
{
	ProtectedObject *object = hash_search(objects, &row->object, HASH_FIND, NULL);
	const ProtectedObject *root = OidIsValid(row->root) ? hash_search(objects, &row->root, HASH_FIND, NULL) : NULL;

	object->root = row->root;
	if (root != NULL)
		object->root_fields = root->fields;
}

static HTAB *
make_objects(const Definition *protection, MemoryContext context)
{
	HASHCTL		control = {0};
	HTAB	   *objects;
	ListCell   *cell;

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(ProtectedObject);
	control.hcxt = context;
	objects = hash_create("spsa protected objects", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (protection == NULL)
		return objects;
	foreach(cell, protection->objects)
	{
		const ObjectProtection *row = lfirst(cell);
		ProtectedObject *object = add_object(objects, row->object);

		object->listed = true;
		object->raises = row->raises;
		object->force = row->force;
	}
	foreach(cell, protection->fields)
	{
		ProtectedObject *object = add_object(objects, ((const FieldGrant *) lfirst(cell))->object);

		object->fields = lappend(object->fields, lfirst(cell));
	}
	foreach(cell, protection->objects)
		share_fields_of_root(objects, lfirst(cell));
	return objects;
}

/* NULL where the extension is not installed. */
static const Definition *
read_protection(uint64 count, MemoryContext context)
{
	const Definition *protection;
	DefinitionReader reader;
	Snapshot	snapshot;

	if (!table_is_installed("protected_object"))
		return NULL;
	snapshot = table_snapshot();
	reader = definition_reader(snapshot, count);
	protection = definition_get(&reader, DEFINITION_OF_PROTECTION, context);
	table_snapshot_release(snapshot);
	return protection;
}

static List *
find_sequences(const Definition *protection)
{
	List	   *sequences = NIL;
	ListCell   *cell;

	if (protection == NULL)
		return NIL;
	foreach(cell, protection->objects)
	{
		const ObjectProtection *row = lfirst(cell);

		if (get_rel_relkind(row->object) == RELKIND_SEQUENCE)
			sequences = lappend_oid(sequences, row->object);
	}
	return sequences;
}

static void
fill_filter(void)
{
	HASH_SEQ_STATUS all;
	const ProtectedObject *object;

	memset(protection_glance.filter, 0, sizeof(protection_glance.filter));
	hash_seq_init(&all, known.objects);
	while ((object = hash_seq_search(&all)) != NULL)
		protection_glance.filter[object->object % PROTECTION_FILTER_SIZE] = true;
}

/* An error leaves nothing behind: the context is the caller's until it is complete. */
static void
load(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "spsa protection", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	uint64		count = signal_definition_count();
	bool		uncommitted = TransactionIdIsValid(GetTopTransactionIdIfAny());
	Oid			schema = table_schema();
	const Definition *protection = read_protection(count, context);
	HTAB	   *objects = make_objects(protection, context);
	List	   *sequences = find_sequences(protection);

	MemoryContextSwitchTo(caller);
	forget();
	MemoryContextSetParent(context, TopMemoryContext);
	known.context = context;
	known.objects = objects;
	known.any = hash_get_num_entries(objects) > 0;
	protection_glance.sequences = sequences != NIL;
	fill_filter();
	known.sequences = sequences;
	known.count = count;
	known.schema = schema;
	known.uncommitted = uncommitted;
}

static bool
is_known(void)
{
	/* The schema first, since looking it up may take in signals. */
	return known.context != NULL && known.schema == table_schema() && known.count == signal_definition_count();
}

/* Whether anything is protected in this database. Scripts of extensions may run before the tables are there. */
bool
protection_any(void)
{
	if (creating_extension)
		return false;
	if (protection_glance.fresh)
		return known.any;
	while (!is_known())
	{
		if (!OidIsValid(table_schema()))
			return false;
		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
		load();
		AcceptInvalidationMessages();
	}
	protection_glance.fresh = true;
	return known.any;
}

/* NULL: nothing of it is. Good until the next call of a protection_* function. */
const ProtectedObject *
protection_of(Oid object)
{
	if (!protection_may_concern(object) || !protection_any())
		return NULL;
	return hash_search(known.objects, &object, HASH_FIND, NULL);
}

/* The protected sequences, as OIDs; NIL: none is. Good until the next call of a protection_* function. */
const List *
protection_sequences(void)
{
	return protection_any() ? known.sequences : NIL;
}

static void
forget_uncommitted(void)
{
	if (known.uncommitted)
		forget();
}

static void
transaction_event(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		forget_uncommitted();
	else if (event == XACT_EVENT_COMMIT)
		known.uncommitted = false;
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_uncommitted();
}

static void
signal_came(bool everybody, uint32 signal)
{
	if (everybody)
		protection_glance.fresh = false;
}

static void
schema_changed(Datum arg, int cacheid, uint32 hash)
{
	protection_glance.fresh = false;
}

void
protection_init(void)
{
	signal_add_listener(signal_came);
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);
}
