/* report.c - whose rows the views of src/sql/report.sql show.
 *
 * Invariants: without a session, and to a derived one, they show nobody's rows. What was shown to one session is not fetched
 * by another: statements that ask are bound to it, like those that read what is protected.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "activation/activate.h"
#include "enforce/executor_guard.h"
#include "grant/effective.h"
#include "identity/session.h"

/* SQL: spsa.reports_on_all(regclass) */
PG_FUNCTION_INFO_V1(spsa_reports_on_all);
Datum
spsa_reports_on_all(PG_FUNCTION_ARGS)
{
	SessionEntry *entry;

	if (pg_class_aclcheck(PG_GETARG_OID(0), GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		PG_RETURN_BOOL(true);
	entry = activation_reading_session(false);
	if (entry != NULL)
		executor_guard_note_call();
	PG_RETURN_BOOL(entry != NULL && effective_authority(entry, PERMISSION_VIEW_SETUP));
}

/*
 * The attached session, if it is derived or not, as is asked. That it is over is no error here: the planner asks for its
 * estimates, also for whoever needs no session.
 */
static SessionEntry *
attached_session(bool derived)
{
	SessionEntry *entry;

	AcceptInvalidationMessages();
	return session_current(&entry) == SESSION_LIVE && entry->has_parent == derived ? entry : NULL;
}

/* SQL: spsa.reports_on_user() */
PG_FUNCTION_INFO_V1(spsa_reports_on_user);
Datum
spsa_reports_on_user(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = attached_session(false);

	if (entry == NULL)
		PG_RETURN_NULL();
	executor_guard_note_call();
	PG_RETURN_DATUM(CStringGetTextDatum(entry->user_name));
}

/* SQL: spsa.reports_on_session() */
PG_FUNCTION_INFO_V1(spsa_reports_on_session);
Datum
spsa_reports_on_session(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = attached_session(true);
	pg_uuid_t  *session_id;

	if (entry == NULL)
		PG_RETURN_NULL();
	session_id = palloc(sizeof(pg_uuid_t));
	*session_id = entry->session_id;
	executor_guard_note_call();
	PG_RETURN_UUID_P(session_id);
}
