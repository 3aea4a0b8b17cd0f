/* table.c - reading the extension's tables by index, outside any statement's snapshot.
 *
 * Invariants: the snapshot is fresh (of this moment, not of the transaction), so that what another backend committed is
 * seen also under REPEATABLE READ, and own changes are; no search_path, no SPI, no rights are involved; it works in
 * parallel workers. Locks on the tables are those of catalog reads: taken and released with the scan.
 *
 * Everything that one decision rests on must be read under one snapshot.
 *
 * Rows of the history are written without SPI, too, as a logical replication worker writes: constraints, indexes and
 * triggers are PostgreSQL's own, but nothing has to be planned.
 *
 * A row can be changed in place, as PostgreSQL does with a few columns of its catalogs: at once, for everybody, whatever becomes
 * of the transaction. That is for counters that ROLLBACK must not put back. From table_change_begin() to the finish or cancel the
 * buffer is locked, so of two backends the second one sees what the first has done, and nothing that reads catalogs may be
 * called. Nothing else may UPDATE such rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/table.h"

/* The schema as it was looked up last; every statement asks for it. */
static struct
{
	bool		known;
	Oid			oid;
	uint64		changes;		/* of schemas, as far as this backend knows */
	bool		listening;
}			schema_spsa;

static void
schemas_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	schema_spsa.known = false;
	schema_spsa.changes++;
}

/* InvalidOid: there is none. */
Oid
table_schema(void)
{
	if (!schema_spsa.listening)
	{
		CacheRegisterSyscacheCallback(NAMESPACEOID, schemas_changed, (Datum) 0);
		schema_spsa.listening = true;
	}
	if (!schema_spsa.known)
	{
		uint64		changes = schema_spsa.changes;
		Oid			oid = get_namespace_oid("spsa", true);

		schema_spsa.oid = oid;
		/* Not if something changed while it was looked up. */
		schema_spsa.known = changes == schema_spsa.changes;
		return oid;
	}
	return schema_spsa.oid;
}

/* By name: OIDs may change under a backend by DROP and CREATE EXTENSION. */
Oid
table_oid(const char *name)
{
	Oid			schema = table_schema();
	Oid			oid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"spsa.%s\" does not exist in this database", name),
				 errhint("The extension is installed with CREATE EXTENSION spsa.")));
	return oid;
}

/*
 * Whether the extension is in this database and has the table: in others a schema of that name is anybody's, and while the
 * install script runs there may be no tables yet. For hooks, which run everywhere.
 */
bool
table_is_installed(const char *name)
{
	return OidIsValid(get_extension_oid("spsa", true)) && OidIsValid(table_schema()) &&
		OidIsValid(get_relname_relid(name, table_schema()));
}

/* The schema's owner is the role that the extension's own statements run as. */
Oid
table_extension_owner(void)
{
	HeapTuple	row = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(table_schema()));
	Oid			owner;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for schema \"spsa\"");
	owner = ((Form_pg_namespace) GETSTRUCT(row))->nspowner;
	ReleaseSysCache(row);
	return owner;
}

/* The owner of any relation. */
Oid
table_relation_owner(Oid relation)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(row))->relowner;
	ReleaseSysCache(row);
	return owner;
}

Snapshot
table_snapshot(void)
{
	return RegisterSnapshot(GetCatalogSnapshot(table_oid("session")));
}

void
table_snapshot_release(Snapshot snapshot)
{
	UnregisterSnapshot(snapshot);
}

void
table_key(ScanKey key, AttrNumber column, RegProcedure equality, Datum value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, equality, value);
}

void
table_begin(TableScan *scan, const char *name, const char *index, Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->relation = table_open(table_oid(name), AccessShareLock);
	scan->scan = systable_beginscan(scan->relation, table_oid(index), true, snapshot, nkeys, keys);
}

HeapTuple
table_next(TableScan *scan)
{
	return systable_getnext(scan->scan);
}

Datum
table_value(const TableScan *scan, HeapTuple row, AttrNumber column, bool *isnull)
{
	return heap_getattr(row, column, RelationGetDescr(scan->relation), isnull);
}

void
table_end(TableScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

/* Whether there is a row with these keys. */
bool
table_has_row(const char *name, const char *index, Snapshot snapshot, int nkeys, ScanKey keys)
{
	TableScan	scan;
	bool		found;

	table_begin(&scan, name, index, snapshot, nkeys, keys);
	found = HeapTupleIsValid(table_next(&scan));
	table_end(&scan);
	return found;
}

/* A column of the row with this key, by value; false if there is none. */
bool
table_find(const char *name, const char *index, ScanKey key, AttrNumber column, Datum *value)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	HeapTuple	row;
	bool		isnull = true;

	table_begin(&scan, name, index, snapshot, 1, key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		*value = table_value(&scan, row, column, &isnull);
	table_end(&scan);
	table_snapshot_release(snapshot);
	return !isnull;
}

/* What the executor needs to know to insert into a relation. */
static EState *
insertion_state(Relation relation, ResultRelInfo *target)
{
	EState	   *estate = CreateExecutorState();
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(relation);
	rte->relkind = relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
	ExecInitRangeTable(estate, list_make1(rte));
	InitResultRelInfo(target, relation, 1, NULL, 0);
	estate->es_opened_result_relations = lappend(estate->es_opened_result_relations, target);
	estate->es_output_cid = GetCurrentCommandId(true);
	return estate;
}

/* Values of the first columns; further ones, which somebody may have added, are null. Seen by what comes next. */
static void
fill_slot(TupleTableSlot *slot, int ncolumns, const Datum *values, const bool *nulls)
{
	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_isnull[i] = i >= ncolumns || nulls[i];
		slot->tts_values[i] = slot->tts_isnull[i] ? (Datum) 0 : values[i];
	}
	ExecStoreVirtualTuple(slot);
}

/* As INSERT ... ON CONFLICT does: before it is known whether there is a conflict. */
static void
run_before_triggers(ResultRelInfo *target, EState *estate, TupleTableSlot *slot)
{
	if (target->ri_TrigDesc == NULL || !target->ri_TrigDesc->trig_insert_before_row)
		return;
	if (!ExecBRInsertTriggers(estate, target, slot))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger keeps a row out of \"spsa.%s\"", RelationGetRelationName(target->ri_RelationDesc))));
}

/* Whether the row was inserted; not if another one stands in the way in the index, or has been put there meanwhile. */
static bool
insert_speculatively(ResultRelInfo *target, EState *estate, TupleTableSlot *slot, List *index)
{
	Relation	relation = target->ri_RelationDesc;
	bool		inserted = false;

	run_before_triggers(target, estate, slot);
	if (relation->rd_att->constr != NULL)
		ExecConstraints(target, slot, estate);
	while (!inserted)
	{
		ItemPointerData other;
		List	   *recheck;
		uint32		token;
		bool		conflict = false;

		CHECK_FOR_INTERRUPTS();
		if (!ExecCheckIndexConstraints(target, slot, estate, &other, index))
			return false;
		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
		table_tuple_insert_speculative(relation, slot, estate->es_output_cid, 0, NULL, token);
		recheck = ExecInsertIndexTuples(target, slot, estate, false, true, &conflict, index);
		table_tuple_complete_speculative(relation, slot, token, !conflict);
		SpeculativeInsertionLockRelease(GetCurrentTransactionId());
		if (!conflict)
			ExecARInsertTriggers(estate, target, slot, recheck, NULL);
		inserted = !conflict;
	}
	return true;
}

/* Of a table that is partitioned by ranges of a column, the partition for a value, by its place among them. */
static int
partition_index(Relation root, Datum value)
{
	PartitionKey key = RelationGetPartitionKey(root);
	PartitionDesc partitions = RelationGetPartitionDesc(root, true);
	bool		is_equal;
	int			which = -1;

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1 || key->partattrs[0] <= 0)
		elog(ERROR, "\"spsa.%s\" is not partitioned by ranges of a column", RelationGetRelationName(root));
	if (partitions->nparts > 0)
	{
		which = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, partitions->boundinfo, 1, &value, &is_equal);
		which = partitions->boundinfo->indexes[which + 1];
		if (which < 0)
			which = partitions->boundinfo->default_index;
	}
	if (which < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("no partition of \"spsa.%s\" takes the row", RelationGetRelationName(root))));
	return which;
}

/* Parents of partitions, of tables or indexes, that were looked up since some relation changed. */
static struct
{
	int			count;
	struct
	{
		Oid			child;
		Oid			parent;
	}			known[8];
	uint64		changes;		/* of relations, as far as this backend knows */
	bool		listening;
}			parents;

static void
relation_changed(Datum arg, Oid relation)
{
	parents.count = 0;
	parents.changes++;
}

/* What a table or index is a partition of, or InvalidOid. It is locked. */
Oid
table_parent(Oid child)
{
	uint64		changes = parents.changes;
	Oid			parent;

	if (!parents.listening)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	parents.listening = true;
	for (int i = 0; i < parents.count; i++)
	{
		if (parents.known[i].child == child)
			return parents.known[i].parent;
	}
	parent = get_rel_relispartition(child) ? get_partition_parent(child, true) : InvalidOid;
	/* Not if something changed while it was looked up. */
	if (changes == parents.changes && parents.count < lengthof(parents.known))
	{
		parents.known[parents.count].child = child;
		parents.known[parents.count++].parent = parent;
	}
	return parent;
}

/* A partition's part of an index. */
static Oid
partition_index_of(Relation partition, Oid index)
{
	List	   *indexes = RelationGetIndexList(partition);
	Oid			result = InvalidOid;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		if (table_parent(lfirst_oid(cell)) == index)
			result = lfirst_oid(cell);
	}
	list_free(indexes);
	return result;
}

/* Instead of the table, the partition for this row. */
static Relation
partition_for(Relation root, const Datum *values)
{
	int			which = partition_index(root, values[RelationGetPartitionKey(root)->partattrs[0] - 1]);
	Relation	partition = table_open(RelationGetPartitionDesc(root, true)->oids[which], RowExclusiveLock);

	table_close(root, NoLock);
	return partition;
}

static bool
insert(const char *name, const char *index, int ncolumns, const Datum *values, const bool *nulls)
{
	Relation	relation = table_open(table_oid(name), RowExclusiveLock);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	EState	   *estate;
	TupleTableSlot *slot;
	bool		inserted = true;

	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		relation = partition_for(relation, values);
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		elog(ERROR, "\"spsa.%s\" is no plain table", RelationGetRelationName(relation));
	estate = insertion_state(relation, target);
	slot = ExecInitExtraTupleSlot(estate, RelationGetDescr(relation), &TTSOpsVirtual);
	fill_slot(slot, ncolumns, values, nulls);
	AfterTriggerBeginQuery();
	ExecOpenIndices(target, index != NULL);
	if (index == NULL)
		ExecSimpleRelationInsert(target, estate, slot);
	else
		inserted = insert_speculatively(target, estate, slot, list_make1_oid(table_oid(index)));
	ExecCloseIndices(target);
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	table_close(relation, NoLock);
	CommandCounterIncrement();
	return inserted;
}

/* Inserts a row. What comes next in the transaction sees it. */
void
table_insert(const char *name, int ncolumns, const Datum *values, const bool *nulls)
{
	(void) insert(name, NULL, ncolumns, values, nulls);
}

/* INSERT ... ON CONFLICT DO NOTHING: false if the unique index has a row with that key, whoever sees it. */
bool
table_insert_new(const char *name, const char *index, int ncolumns, const Datum *values, const bool *nulls)
{
	return insert(name, index, ncolumns, values, nulls);
}

/* Rows that others have not committed, or have rolled back, are stepped over up to this many. */
#define MOST_UNSEEN 1000

static HeapTuple
last_row(Relation relation, Oid index, ScanKey key)
{
	Relation	index_relation = index_open(index, AccessShareLock);
	IndexScanDesc scan = index_beginscan(relation, index_relation, SnapshotSelf, 1, 0);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	HeapTuple	row = NULL;

	index_rescan(scan, key, 1, NULL, 0);
	for (int i = 0; i < MOST_UNSEEN && row == NULL && index_getnext_tid(scan, BackwardScanDirection) != NULL; i++)
		if (index_fetch_heap(scan, slot))
			row = ExecCopySlotHeapTuple(slot);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index_relation, AccessShareLock);
	return row;
}

/*
 * The last row, in the order of the index, of those with this key in its first column, as the table is at this moment and
 * not under any snapshot: for what must see its transaction's own rows, whatever the isolation level, and must not make
 * serializable transactions fail. NULL if there is none, or so many are unseen that somebody else's open transaction would
 * make it slow. Of a partitioned table, that of the last partition that has one, beginning with the one for the value newest: so
 * one that is locked is in nobody's way unless it is needed.
 */
HeapTuple
table_last(const char *name, const char *index, ScanKey key, Datum newest)
{
	Relation	relation = table_open(table_oid(name), AccessShareLock);
	Oid			index_oid = table_oid(index);
	PartitionDesc partitions;
	HeapTuple	row = NULL;

	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		row = last_row(relation, index_oid, key);
	else
	{
		/* In the order of their bounds, the default one last. */
		partitions = RelationGetPartitionDesc(relation, true);
		for (int i = partition_index(relation, newest); i >= 0 && row == NULL; i--)
		{
			Relation	partition = table_open(partitions->oids[i], AccessShareLock);

			row = last_row(partition, partition_index_of(partition, index_oid), key);
			table_close(partition, AccessShareLock);
		}
	}
	table_close(relation, AccessShareLock);
	return row;
}

/* False, and nothing is begun, if there is no such row. */
bool
table_change_begin(TableChange *change, const char *name, const char *index, const ScanKeyData *key)
{
	change->relation = table_open(table_oid(name), RowExclusiveLock);
	systable_inplace_update_begin(change->relation, table_oid(index), true, NULL, 1, key, &change->row, &change->state);
	if (!HeapTupleIsValid(change->row))
		table_close(change->relation, RowExclusiveLock);
	return HeapTupleIsValid(change->row);
}

/* Columns of type bigint, NOT NULL. */
int64
table_change_get(const TableChange *change, AttrNumber column)
{
	bool		isnull;

	return DatumGetInt64(heap_getattr(change->row, column, RelationGetDescr(change->relation), &isnull));
}

void
table_change_set(TableChange *change, AttrNumber column, int64 value)
{
	int			number = column;
	Datum		datum = Int64GetDatum(value);
	bool		isnull = false;

	change->row = heap_modify_tuple_by_cols(change->row, RelationGetDescr(change->relation), 1, &number, &datum, &isnull);
}

/* What is written is on disk when this returns: a crash does not put it back either. */
void
table_change_finish(TableChange *change)
{
	systable_inplace_update_finish(change->state, change->row);
	table_close(change->relation, RowExclusiveLock);
	XLogFlush(XactLastRecEnd);
}

void
table_change_cancel(TableChange *change)
{
	systable_inplace_update_cancel(change->state);
	table_close(change->relation, RowExclusiveLock);
}
