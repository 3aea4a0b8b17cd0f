/* exclusion.c - static exclusions: no user is assigned two permission sets, or groups, that exclude each other.
 *
 * The trigger looks after the row is written, under a fresh snapshot, at what the row could have brought together.
 * (Dynamic exclusions are kept where sets come into effect: grant/effective.c.)
 *
 * Locking: an assignment shares a lock with other assignments, which who writes exclusions, or members of groups while
 * there are static exclusions, excludes; and if its set is subject to one, locks the user, so that of two that assign one
 * set each the second sees the first. A revocation takes none of these.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/owner.h"
#include "base/table.h"

/* Ways in which users have sets: directly and by groups. */
#define WAYS \
	"(SELECT a.user_id, a.set_id, a.starts_at, COALESCE(a.expires_at, 'infinity') AS expires_at, a.set_id AS assigned" \
	" FROM spsa.assignment a" \
	" UNION ALL SELECT a.user_id, m.member_id, a.starts_at, COALESCE(a.expires_at, 'infinity'), a.set_id" \
	" FROM spsa.assignment a JOIN spsa.group_member m ON m.group_id = a.set_id)"

#define CONFLICTS \
	"SELECT u.user_name, p.set_name, q.set_name FROM spsa.exclusion e" \
	" JOIN " WAYS " x ON x.set_id = e.set_a JOIN " WAYS " y ON y.set_id = e.set_b AND y.user_id = x.user_id" \
	" JOIN spsa.app_user u ON u.user_id = x.user_id" \
	" JOIN spsa.permission_set p ON p.set_id = e.set_a JOIN spsa.permission_set q ON q.set_id = e.set_b" \
	" WHERE e.kind = 'static' AND x.starts_at < y.expires_at AND y.starts_at < x.expires_at" \
	" AND x.expires_at > pg_catalog.clock_timestamp() AND y.expires_at > pg_catalog.clock_timestamp()"

static OwnerStatement any_static = {
	"SELECT FROM spsa.exclusion e WHERE e.kind = 'static' LIMIT 1", 0
};

static OwnerStatement concerns_set = {
	"SELECT FROM spsa.exclusion e WHERE e.kind = 'static' AND (e.set_a = $1 OR e.set_b = $1 OR EXISTS (SELECT"
	" FROM spsa.group_member m WHERE m.group_id = $1 AND m.member_id IN (e.set_a, e.set_b))) LIMIT 1", 1, {INT4OID}
};

static OwnerStatement conflicts_of_user = {
	CONFLICTS " AND x.user_id = $1 AND y.user_id = $1 LIMIT 1", 1, {INT8OID}
};

static OwnerStatement conflicts_of_group = {
	CONFLICTS " AND $1 IN (x.assigned, y.assigned) LIMIT 1", 1, {INT4OID}
};

static OwnerStatement conflicts_of_pair = {
	CONFLICTS " AND e.set_a = $1 AND e.set_b = $2 LIMIT 1", 2, {INT4OID, INT4OID}
};

static int
execute_latest(OwnerStatement *statement, Datum *values)
{
	int			rows;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	rows = owner_read(statement, values);
	PopActiveSnapshot();
	return rows;
}

static void
refuse(OwnerStatement *statement, Datum *values)
{
	if (execute_latest(statement, values) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("permission sets \"%s\" and \"%s\" exclude each other",
					SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2),
					SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3)),
			 errdetail("User \"%s\" would have both.", SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
			 errhint("Revoke one of them first.")));
}

static void
lock_exclusions(LOCKMODE mode)
{
	LockDatabaseObject(RelationRelationId, table_oid("exclusion"), 0, mode);
}

static void
check_assignment(HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		user_id = heap_getattr(row, Anum_assignment_user_id, desc, &isnull);
	Datum		set_id = heap_getattr(row, Anum_assignment_set_id, desc, &isnull);

	lock_exclusions(RowExclusiveLock);
	if (execute_latest(&concerns_set, &set_id) == 0)
		return;
	LockDatabaseObject(table_oid("assignment"), (Oid) DatumGetInt64(user_id), 0, ExclusiveLock);
	refuse(&conflicts_of_user, &user_id);
}

static void
check_member(HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		group_id = heap_getattr(row, Anum_group_member_group_id, desc, &isnull);

	if (execute_latest(&any_static, NULL) == 0)
	{
		lock_exclusions(RowExclusiveLock);
		if (execute_latest(&any_static, NULL) == 0)
			return;
	}
	lock_exclusions(ExclusiveLock);
	refuse(&conflicts_of_group, &group_id);
}

static void
check_pair(HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		pair[2];

	pair[0] = heap_getattr(row, Anum_exclusion_set_a, desc, &isnull);
	pair[1] = heap_getattr(row, Anum_exclusion_set_b, desc, &isnull);
	lock_exclusions(ExclusiveLock);
	refuse(&conflicts_of_pair, pair);
}

/* SQL: spsa.check_static_exclusion() */
PG_FUNCTION_INFO_V1(spsa_check_static_exclusion);
Datum
spsa_check_static_exclusion(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	OwnerState	state;
	HeapTuple	row;
	TupleDesc	desc;
	char	   *table;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	desc = RelationGetDescr(trigger->tg_relation);
	table = RelationGetRelationName(trigger->tg_relation);
	owner_begin(&state);
	if (strcmp(table, "assignment") == 0)
		check_assignment(row, desc);
	else if (strcmp(table, "group_member") == 0)
		check_member(row, desc);
	else
		check_pair(row, desc);
	owner_end(&state);
	return PointerGetDatum(NULL);
}
