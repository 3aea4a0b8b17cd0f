/* version.c - whether the library that is loaded belongs to what is installed in this database.
 *
 * The library reads tables by column position and is called by functions that an install script has declared. After an update
 * of the package the one is new and the other old, until ALTER EXTENSION spsa UPDATE; after that a backend that had loaded the
 * old library has it still. So neither may be used then: no session is loaded and no event recorded, that is, nobody has access
 * and nobody changes it (55000). What is protected stays so, for the guards go on.
 *
 * Invariant: that costs nothing where nothing happens. It is looked at where a session is read from the tables or a change is
 * written; the answer is kept until the next signal about definitions, which ALTER EXTENSION sends together with the one for all
 * sessions (enforce/ddl.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "base/signal.h"
#include "base/table.h"
#include "base/version.h"

/* The Makefile gives it, from spsa.control. */
#ifndef SPSA_VERSION
#error "SPSA_VERSION is not defined"
#endif

static const char library_version[] = SPSA_VERSION;

static struct
{
	bool		fits;
	Oid			schema;
	uint64		definitions;	/* 0: never */
}			checked;

/* Of the extension in this database, by its catalog, for which there is no cache; NULL: there is none. */
static char *
installed_version(void)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	char	   *version = NULL;

	table_key(&key, Anum_pg_extension_extname, F_NAMEEQ, CStringGetDatum("spsa"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		bool		isnull;
		Datum		value = heap_getattr(row, Anum_pg_extension_extversion, RelationGetDescr(catalog), &isnull);

		version = isnull ? NULL : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return version;
}

/* Install and update scripts write to the tables on their way from one version to the other. */
static bool
in_own_script(void)
{
	return creating_extension && CurrentExtensionObject == get_extension_oid("spsa", true);
}

/* An error unless both are of one version. */
void
version_require(void)
{
	uint64		definitions = signal_definition_count();
	Oid			schema = table_schema();
	const char *installed;

	if (checked.fits && checked.definitions == definitions && checked.schema == schema)
		return;
	if (in_own_script())
		return;
	installed = installed_version();
	checked.fits = installed != NULL && strcmp(installed, library_version) == 0;
	checked.definitions = definitions;
	checked.schema = schema;
	if (!checked.fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension spsa is of version %s in this database, but the library that is loaded is of version %s",
						installed != NULL ? installed : "none", library_version),
				 errhint("If the library is newer, run ALTER EXTENSION spsa UPDATE. If the extension is newer, connect again, or restart the server where shared_preload_libraries names spsa.")));
}

/* Whether the command may give the extension another version. */
bool
version_is_changed_by(const Node *command)
{
	return IsA(command, AlterExtensionStmt) && strcmp(((const AlterExtensionStmt *) command)->extname, "spsa") == 0;
}

/* SQL: spsa.library_version() */
PG_FUNCTION_INFO_V1(spsa_library_version);
Datum
spsa_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(library_version));
}
