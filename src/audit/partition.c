/* partition.c - the audit trail in partitions by time, so that old ones are dropped and not deleted from.
 *
 * spsa.audit_event is always partitioned by ranges of "at". Partition audit_event_default takes what no other one takes, so
 * that nothing is refused because nobody has made partitions. What has gone into it becomes a partition as a whole when
 * some are made: no row is moved. Bounds are beginnings of days, weeks, months, quarters or years in UTC.
 *
 * Partitions belong to the extension, as the table does.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"

#define MOST_AHEAD 100
#define DEFAULT_PARTITION "audit_event_default"

static void
run(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
}

/* ---- bounds ---- */

static OwnerStatement select_next = {
	"SELECT (pg_catalog.date_trunc($1, $2 AT TIME ZONE 'UTC') + CASE $1 WHEN 'quarter' THEN '3 months' ELSE '1 ' || $1 END"
	"::pg_catalog.interval) AT TIME ZONE 'UTC'", 2, {TEXTOID, TIMESTAMPTZOID}
};

static OwnerStatement select_latest = {
	"SELECT pg_catalog.max(at) FROM spsa.audit_event_default", 0, {}
};

static TimestampTz
next_bound(const char *unit, TimestampTz after)
{
	Datum		values[2] = {CStringGetTextDatum(unit), TimestampTzGetDatum(after)};
	bool		isnull;

	owner_execute(&select_next, values, NULL);
	return DatumGetTimestampTz(owner_result(1, &isnull));
}

/* When the last partition ends that has an end; DT_NOBEGIN: there is none. */
static TimestampTz
last_bound(void)
{
	Relation	root = table_open(table_oid("audit_event"), AccessShareLock);
	PartitionBoundInfo bounds = RelationGetPartitionDesc(root, true)->boundinfo;
	TimestampTz last = DT_NOBEGIN;

	if (bounds != NULL && bounds->ndatums > 0 && bounds->kind[bounds->ndatums - 1][0] == PARTITION_RANGE_DATUM_VALUE)
		last = DatumGetTimestampTz(bounds->datums[bounds->ndatums - 1][0]);
	table_close(root, AccessShareLock);
	return last;
}

/* ---- making partitions ---- */

/* What default privileges have given to anybody but the owner. source: SQL that gives privileges and owner of the object. */
static void
close_to_others(const char *object, const char *kind, const char *source)
{
	const char *row = strstr(source, "%s");
	char	   *sql = psprintf("SELECT pg_catalog.string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'"
							   " ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', ')"
							   " FROM (%.*s%s%s) o (acl, owner), pg_catalog.aclexplode(o.acl) a WHERE a.grantee <> o.owner",
							   (int) (row - source), source, object, row + 2);
	char	   *grantees;

	run(sql);
	grantees = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (grantees != NULL)
		run(psprintf("REVOKE ALL ON %s spsa.%s FROM %s", kind, object, grantees));
}

/* partition: its name in schema spsa. */
static void
adopt(const char *partition, const char *comment)
{
	run(psprintf("ALTER EXTENSION spsa ADD TABLE spsa.%s", partition));
	run(psprintf("COMMENT ON TABLE spsa.%s IS %s", partition, quote_literal_cstr(comment)));
	close_to_others(partition, "TABLE",
					"SELECT c.relacl, c.relowner FROM pg_catalog.pg_class c WHERE c.oid = 'spsa.%s'::pg_catalog.regclass");
	run(psprintf("REVOKE ALL ON TYPE spsa.%s FROM PUBLIC", partition));
	close_to_others(partition, "TYPE",
					"SELECT t.typacl, t.typowner FROM pg_catalog.pg_type t WHERE t.oid = 'spsa.%s'::pg_catalog.regtype");
}

static char *
partition_name(TimestampTz to)
{
	struct pg_tm tm;
	fsec_t		fraction;

	if (timestamp2tm(to, NULL, &tm, &fraction, NULL, NULL) != 0)
		elog(ERROR, "time out of range");
	return psprintf("audit_event_before_%04d%02d%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
}

static char *
range_clause(TimestampTz from, TimestampTz to)
{
	return psprintf("FOR VALUES FROM (%s) TO ('%s')",
					from == DT_NOBEGIN ? "MINVALUE" : psprintf("'%s'", audit_time(from)), audit_time(to));
}

static char *
range_comment(TimestampTz to)
{
	return psprintf("audit events before %s that no earlier partition has", audit_time(to));
}

static void
make_partition(TimestampTz from, TimestampTz to)
{
	char	   *name = partition_name(to);

	run(psprintf("CREATE TABLE spsa.%s PARTITION OF spsa.audit_event %s", name, range_clause(from, to)));
	adopt(name, range_comment(to));
}

/* What is in the default partition becomes a partition of its own. */
static void
turn_default(TimestampTz from, TimestampTz to)
{
	char	   *name = partition_name(to);

	run("ALTER TABLE spsa.audit_event DETACH PARTITION spsa." DEFAULT_PARTITION);
	run(psprintf("ALTER TABLE spsa." DEFAULT_PARTITION " RENAME TO %s", name));
	run(psprintf("ALTER TABLE spsa.audit_event ATTACH PARTITION spsa.%s %s", name, range_clause(from, to)));
	run(psprintf("COMMENT ON TABLE spsa.%s IS %s", name, quote_literal_cstr(range_comment(to))));
	run("CREATE TABLE spsa." DEFAULT_PARTITION " PARTITION OF spsa.audit_event DEFAULT");
	adopt(DEFAULT_PARTITION, "events that no other partition takes");
}

/* As far as the period of now, and what is there already; to where it goes. */
static TimestampTz
make_present(const char *unit, TimestampTz now, int *made)
{
	TimestampTz last = last_bound();
	TimestampTz latest;
	bool		is_empty;

	owner_execute(&select_latest, NULL, NULL);
	latest = DatumGetTimestampTz(owner_result(1, &is_empty));
	if (is_empty && last > now)
		return last;
	latest = next_bound(unit, is_empty ? now : Max(latest, now));
	if (is_empty)
		make_partition(last, latest);
	else
		turn_default(last, latest);
	(*made)++;
	return latest;
}

static void
check_arguments(const char *unit, int ahead)
{
	static const char *const units[] = {"day", "week", "month", "quarter", "year"};
	bool		found = false;

	for (int i = 0; i < lengthof(units); i++)
		found = found || strcmp(unit, units[i]) == 0;
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a period of partitions", unit),
				 errhint("Periods are day, week, month, quarter and year.")));
	if (ahead < 0 || ahead > MOST_AHEAD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of periods ahead must be between 0 and %d", MOST_AHEAD)));
}

static void
refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

/* SQL: spsa_partition_audit(text, integer) */
PG_FUNCTION_INFO_V1(spsa_partition_audit);
Datum
spsa_partition_audit(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz last;
	TimestampTz until;
	OwnerState	state;
	char	   *unit;
	int			ahead;
	int			made = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		refuse_null(PG_ARGISNULL(0) ? "period" : "ahead");
	unit = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ahead = PG_GETARG_INT32(1);
	check_arguments(unit, ahead);
	owner_begin_latest(&state);
	run("LOCK TABLE spsa.audit_event IN ACCESS EXCLUSIVE MODE");
	last = make_present(unit, now, &made);
	until = next_bound(unit, now);
	for (int i = 0; i < ahead; i++)
		until = next_bound(unit, until);
	while (last < until)
	{
		TimestampTz next = next_bound(unit, last);

		make_partition(last, next);
		last = next;
		made++;
	}
	owner_end(&state);
	PG_RETURN_INT32(made);
}

/* ---- dropping partitions ---- */

/* The names of those that end at this time or before it. */
static List *
partitions_before(TimestampTz before)
{
	Relation	root = table_open(table_oid("audit_event"), AccessShareLock);
	PartitionDesc partitions = RelationGetPartitionDesc(root, true);
	PartitionBoundInfo bounds = partitions->boundinfo;
	List	   *names = NIL;

	for (int i = 0; bounds != NULL && i < bounds->ndatums; i++)
	{
		/* A bound is the end of the range before it. */
		int			which = bounds->indexes[i];

		if (which >= 0 && bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE && DatumGetTimestampTz(bounds->datums[i][0]) <= before)
			names = lappend(names, get_rel_name(partitions->oids[which]));
	}
	table_close(root, AccessShareLock);
	return names;
}

static void
drop_partition(const char *name)
{
	const char *quoted = quote_identifier(name);

	run(psprintf("ALTER TABLE spsa.audit_event DETACH PARTITION spsa.%s", quoted));
	run(psprintf("ALTER EXTENSION spsa DROP TABLE spsa.%s", quoted));
	run(psprintf("DROP TABLE spsa.%s", quoted));
}

/* SQL: spsa_prune_audit(text) */
PG_FUNCTION_INFO_V1(spsa_prune_audit);
Datum
spsa_prune_audit(PG_FUNCTION_ARGS)
{
	AuditEvent	event = {"audit_prune"};
	OwnerState	state;
	TimestampTz before;
	List	   *names;
	ListCell   *cell;

	if (PG_ARGISNULL(0))
		refuse_null("the head of what is pruned");
	before = audit_head_before(PG_GETARG_TEXT_PP(0));
	owner_begin(&state);
	run("LOCK TABLE spsa.audit_event IN ACCESS EXCLUSIVE MODE");
	names = partitions_before(before);
	foreach(cell, names)
		drop_partition(lfirst(cell));
	event.detail = psprintf("{\"before\": \"%s\", \"partitions\": %d}", audit_time(before), list_length(names));
	if (names != NIL)
		audit_record(&event);
	owner_end(&state);
	PG_RETURN_INT32(list_length(names));
}
