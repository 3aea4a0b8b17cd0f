/* protect_object.c - putting under spsa what row-level security cannot guard: views, materialized views, foreign tables and
 * sequences.
 *
 * They are guarded by object_guard.c and sequence_guard.c in each backend that has loaded the library: so all must. No hook
 * stands before the estimates of the planner, which reads statistics with operators of the user's own: so a protected view is
 * a security barrier, and of materialized views and foreign tables, which have no such thing, there are no statistics. That
 * both stay so, ddl.c sees to.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/owner.h"
#include "enforce/protect.h"

/* Settings that only some roles have do not count. */
static OwnerStatement select_preload = {
	"SELECT FROM pg_catalog.pg_settings s WHERE s.name IN ('shared_preload_libraries', 'session_preload_libraries')"
	" AND s.source IN ('environment variable', 'configuration file', 'command line', 'global', 'database')"
	" AND 'spsa' = ANY (pg_catalog.string_to_array(pg_catalog.regexp_replace(s.setting,"
	" '[[:space:]\"]|[$]libdir/|[.]so', '', 'g'), ','))",
	0
};

/* For what only hooks guard. */
void
protect_require_preload(const char *name)
{
	OwnerState	state;
	int			found;

	owner_begin(&state);
	found = owner_execute(&select_preload, NULL, NULL);
	owner_end(&state);
	if (found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" cannot be protected: the library spsa is not preloaded", name),
				 errdetail("Row-level security guards tables only; everything else is guarded by hooks, which a backend that has not loaded the library does not have."),
				 errhint("Put spsa into shared_preload_libraries or session_preload_libraries, for the server or for the database, and reconnect.")));
}

/* ---- statistics ---- */

/* What may hold values of an object beside the statistics of its columns. */
#define OTHER_STATISTICS \
	"SELECT pg_catalog.format('%%I.%%I', n.nspname, s.stxname) FROM pg_catalog.pg_statistic_ext s" \
	" JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE s.stxrelid = %u" \
	" UNION ALL SELECT i.indexrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_index i" \
	" WHERE i.indrelid = %u AND i.indexprs IS NOT NULL LIMIT 1"

static void
query(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", sql);
}

static void
refuse_other_statistics(Oid object)
{
	query(psprintf(OTHER_STATISTICS, object, object));
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" cannot be protected while %s keeps statistics of it", get_rel_name(object),
						SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
				 errdetail("The planner would compare them by operators of any user's, before permissions are checked."),
				 errhint("Drop it first.")));
}

/* target: 0 for none, -1 for the default */
static void
set_statistics(Oid object, int target)
{
	const char *kind = get_rel_relkind(object) == RELKIND_MATVIEW ? "MATERIALIZED VIEW" : "FOREIGN TABLE";

	query(psprintf("SELECT 'ALTER %s %s ' || pg_catalog.string_agg(pg_catalog.format('ALTER COLUMN %%I SET STATISTICS %d', a.attname),"
				   " ', ') FROM pg_catalog.pg_attribute a WHERE a.attrelid = %u AND a.attnum > 0 AND NOT a.attisdropped",
				   kind, protect_qualified_name(object), target, object));
	if (SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) != NULL)
		protect_run_ddl(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
}

/* ---- protecting ---- */

/*
 * Plans that were made before, in all backends, have calls that are not guarded. Those of which nothing is known but a
 * computed name depend on no relation: this makes all plans stale, as a change of a foreign-data wrapper would.
 */
static void
make_plans_stale(void)
{
	CacheInvalidateCatalog(ForeignDataWrapperRelationId);
}

static void
check_arguments(const char *name, int nfields, bool as_restrictive)
{
	if (nfields > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot have row fields", name),
				 errdetail("Row-level security guards tables only; it is readable as a whole or not at all.")));
	if (!as_restrictive)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" has no policies that could be permissive", name),
				 errhint("Leave as_restrictive out.")));
}

/* An object that the caller owns, locked. As the caller. */
void
protect_object(Oid object, int nfields, bool as_restrictive)
{
	char	   *name = get_rel_name(object);
	OwnerState	state;

	check_arguments(name, nfields, as_restrictive);
	protect_require_preload(name);
	owner_begin_as_caller(&state);
	switch (get_rel_relkind(object))
	{
		case RELKIND_VIEW:
			protect_run_ddl(psprintf("ALTER VIEW %s SET (security_barrier = true)", protect_qualified_name(object)));
			break;
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			refuse_other_statistics(object);
			set_statistics(object, 0);
			RemoveStatistics(object, InvalidAttrNumber);
			break;
		case RELKIND_SEQUENCE:
			make_plans_stale();
			break;
		default:
			break;
	}
	owner_end(&state);
	CommandCounterIncrement();
}

/* What was protected is no more. As the caller. */
void
protect_object_end(Oid object)
{
	OwnerState	state;
	char		relkind = get_rel_relkind(object);

	owner_begin_as_caller(&state);
	if (relkind == RELKIND_MATVIEW || relkind == RELKIND_FOREIGN_TABLE)
		set_statistics(object, -1);
	owner_end(&state);
}
