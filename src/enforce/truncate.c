/* truncate.c - who may empty a protected object.
 *
 * Row-level security has nothing to say about TRUNCATE: whoever has the privilege removes rows that it may neither see nor
 * delete. So delete must be granted on all rows.
 *
 * Of a table a trigger asks, which spsa_protect() makes. A trigger and no hook, because a backend that has not used the
 * extension yet has not loaded the library; and because it is asked when the lock is held. Tables protected with
 * as_restrictive => false have none: that is for extensions that refuse tables with triggers.
 *
 * Foreign tables cannot have such triggers (until PostgreSQL 16). As they are guarded by hooks in any case, a hook asks.
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "base/compat.h"
#include "base/owner.h"
#include "enforce/executor_guard.h"
#include "enforce/protect.h"
#include "enforce/truncate.h"
#include "grant/effective.h"
#include "grant/protection.h"

#define TRIGGER_NAME "spsa_truncate"
#define TRIGGER_FUNCTION "spsa.before_truncate()"

static object_access_hook_type previous_access = NULL;

/* While spsa_protect() and spsa_unprotect() drop triggers themselves. */
static bool replacing = false;

static void
deny(SessionEntry *entry, Oid object)
{
	char	   *set = entry == NULL ? NULL : effective_set_to_activate(entry, object, PRIVILEGE_DELETE, REACH_ALL);

	session_log_refusal("truncate", psprintf("no effective permission set grants \"delete\" on all rows of \"%s\"",
											 get_rel_name(object)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to truncate \"%s\"", get_rel_name(object)),
			 errdetail("TRUNCATE needs the privilege \"delete\" on all rows of what is protected."),
			 entry == NULL ? errhint("Attach a session with spsa_attach() or spsa_attach_connection().") :
			 set == NULL ? errhint("Use DELETE for the rows that may be deleted.") :
			 errhint("Activate permission set \"%s\" with spsa_activate_own().", set)));
}

static void
check_all_rows(Oid object)
{
	SessionEntry *entry = executor_guard_session();

	if (entry == NULL || effective_reach(entry, object, PRIVILEGE_DELETE) != REACH_ALL)
		deny(entry, object);
}

/* ---- tables ---- */

/* SQL: spsa.before_truncate() */
PG_FUNCTION_INFO_V1(spsa_before_truncate);
Datum
spsa_before_truncate(PG_FUNCTION_ARGS)
{
	Oid			table;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger of TRUNCATE")));
	table = RelationGetRelid(((TriggerData *) fcinfo->context)->tg_relation);

	/* Exactly where row-level security applies, whatever row_security says. */
	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		check_all_rows(table);
	PG_RETURN_POINTER(NULL);
}

/* Names of the triggers that ask: ours may have been renamed. */
static List *
trigger_names(Oid table)
{
	List	   *names = NIL;
	char	   *sql = psprintf("SELECT t.tgname FROM pg_catalog.pg_trigger t WHERE t.tgrelid = %u AND t.tgtype = %d"
							   " AND t.tgqual IS NULL AND t.tgfoid = '" TRIGGER_FUNCTION "'::pg_catalog.regprocedure",
							   table, TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE);

	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for triggers");
	for (uint64 i = 0; i < SPI_processed; i++)
		names = lappend(names, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return names;
}

static void
drop_triggers(Oid table, const char *qualified)
{
	ListCell   *cell;

	replacing = true;
	PG_TRY();
	{
		foreach(cell, trigger_names(table))
			protect_run_ddl(psprintf("DROP TRIGGER %s ON %s", quote_identifier(lfirst(cell)), qualified));
	}
	PG_FINALLY();
	{
		replacing = false;
	}
	PG_END_TRY();
}

/* Between owner_begin_as_caller() and owner_end(). */
void
truncate_replace_trigger(Oid table, const char *qualified, bool wanted)
{
	drop_triggers(table, qualified);
	if (!wanted)
		return;
	protect_run_ddl(psprintf("CREATE TRIGGER " TRIGGER_NAME " BEFORE TRUNCATE ON %s EXECUTE FUNCTION " TRIGGER_FUNCTION,
							 qualified));
	protect_run_ddl(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER " TRIGGER_NAME, qualified));
}

static OwnerStatement select_wanted = {
	"SELECT FROM spsa.protected_object p WHERE p.object = $1 AND p.as_restrictive", 1, {REGCLASSOID}
};

/* A trigger was dropped: refused if none is left that asks. Between owner_begin() and owner_end(). */
void
truncate_check_lost_trigger(Oid table, const char *trigger)
{
	Datum		value = ObjectIdGetDatum(table);
	char		relkind = get_rel_relkind(table);

	if (replacing || (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		owner_execute(&select_wanted, &value, NULL) == 0 || trigger_names(table) != NIL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop trigger \"%s\" of protected table \"%s\"", trigger, get_rel_name(table)),
			 errhint("Use spsa_unprotect() first.")));
}

/* ---- foreign tables ---- */

/* Exactly where object_guard.c asks; who lacks PostgreSQL's privilege hears that from PostgreSQL. */
static bool
is_asked(Oid object, Oid user)
{
	const ProtectedObject *entry;

	if (get_rel_relkind(object) != RELKIND_FOREIGN_TABLE || has_bypassrls_privilege(user) ||
		pg_class_aclcheck(object, user, ACL_TRUNCATE) != ACLCHECK_OK)
		return false;
	entry = protection_of(object);
	return entry != NULL && entry->listed && (entry->force || !pg_class_ownercheck(object, user));
}

static void
check_access(ObjectAccessType access, Oid class_id, Oid object, int number, void *argument)
{
	if (previous_access != NULL)
		previous_access(access, class_id, object, number, argument);
	if (access == OAT_TRUNCATE && class_id == RelationRelationId && is_asked(object, GetUserId()))
		check_all_rows(object);
}

void
truncate_init(void)
{
	previous_access = object_access_hook;
	object_access_hook = check_access;
}
