/* table.c - reading the extension's tables by index, outside any statement's snapshot.
 *
 * Invariants: the snapshot is fresh (of this moment, not of the transaction), so that what another backend committed is
 * seen also under REPEATABLE READ, and own changes are; no search_path, no SPI, no rights are involved; it works in
 * parallel workers. Locks on the tables are those of catalog reads: taken and released with the scan.
 *
 * Everything that one decision rests on must be read under one snapshot.
 *
 * A row can be changed in place, as PostgreSQL does with a few columns of its catalogs: at once, for everybody, whatever becomes
 * of the transaction. That is for counters that ROLLBACK must not put back. From table_change_begin() to the finish or cancel the
 * buffer is locked, so of two backends the second one sees what the first has done, and nothing that reads catalogs may be
 * called. Nothing else may UPDATE such rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

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
