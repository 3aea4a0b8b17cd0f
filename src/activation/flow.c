/* flow.c - running flows: named lists of activations and deactivations, all of which happen or none.
 *
 * Invariants: a flow does what spsa_activate() and spsa_deactivate() would do, with their checks, for one session; it gives
 * nothing that is not assigned. Who may run it is asked before its criterion and again after it, as is the flow
 * itself, for a criterion is anybody's code and may take its time: it may close the session, lose the permission, attach
 * another session, or meet a flow that has changed. It runs with the caller's rights and settings, outside of anything that
 * is the owner's. No flow runs within a criterion, so that there is no recursion.
 *
 * At the opening of a session each flow has a subtransaction of its own: one that fails leaves nothing, and the session
 * is open without it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "activation/activate.h"
#include "activation/flow.h"
#include "base/compat.h"
#include "base/table.h"
#include "grant/effective.h"
#include "identity/session.h"

/* One run of a flow. */
typedef struct Run
{
	Flow	   *flow;
	pg_uuid_t	session_id;
	bool		at_open;		/* nobody asked for it: the session is being
								 * opened */
	char	   *reason;			/* NULL: none given */
	ReturnSetInfo *result;		/* where the steps are told; NULL: nowhere */
} Run;

/* For whom the backend acts. */
typedef struct Actor
{
	SessionState state;
	pg_uuid_t	session_id;
} Actor;

static bool in_criterion = false;

/* ---- who may ---- */

static Actor
acting(void)
{
	Actor		actor = {0};
	SessionEntry *entry;

	AcceptInvalidationMessages();
	actor.state = session_current(&entry);
	if (actor.state == SESSION_LIVE)
		actor.session_id = entry->session_id;
	return actor;
}

/* The caller may run any flow for the sessions that it may manage. */
static bool
may_run_all(void)
{
	SessionEntry *entry;

	if (pg_class_aclcheck(table_oid("activation"), GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return true;
	return session_current(&entry) == SESSION_LIVE && effective_permission(entry, PERMISSION_RUN_FLOWS);
}

/* The session for a step, or for all; an error if the caller may not manage it. */
static SessionEntry *
run_session(const Run *run, AclMode privilege)
{
	SessionEntry *entry = run->at_open ? session_find(&run->session_id) : activation_session(&run->session_id, privilege);

	if (entry == NULL)
		session_raise_invalid();
	return entry;
}

static void
refuse_run(const Run *run, const SessionEntry *entry)
{
	const SetState *set = run->flow->allowed_set == 0 ? NULL : effective_set(entry, run->flow->allowed_set);
	char	   *allowed = set == NULL ? NULL : pstrdup(set->definition->name);

	session_log_refusal("run a flow", psprintf("flow \"%s\" is not allowed in the session", run->flow->name));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to run flow \"%s\"", run->flow->name),
			 allowed != NULL ?
			 errhint("Activate permission set \"%s\" first, or have custom permission \"run_flows\" granted.", allowed) :
			 errhint("It takes custom permission \"run_flows\".")));
}

/*
 * Whether the flow is to run; an error if the caller may not run it. At the opening nobody asks for it: it is run in the
 * sessions that it is for.
 */
static bool
check_run(const Run *run)
{
	SessionEntry *entry;
	bool		all;

	if (run->at_open && !(run->flow->is_active && run->flow->run_at_open))
		return false;			/* any more */
	all = !run->at_open && may_run_all();
	entry = run_session(run, ACL_INSERT);
	if (all || (run->at_open && run->flow->allowed_set == 0) ||
		(run->flow->allowed_set != 0 && effective_has_set(entry, run->flow->allowed_set)))
		return true;
	if (!run->at_open)
		refuse_run(run, entry);
	return false;
}

static Flow *
require_flow(const char *name)
{
	Flow	   *flow = flow_read(name);

	if (flow == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("flow \"%s\" does not exist", name),
				 errhint("Flows are made with spsa_create_flow().")));
	return flow;
}

static void
require_active(const Flow *flow)
{
	if (flow->is_active)
		return;
	session_log_refusal("run a flow", psprintf("flow \"%s\" is not active", flow->name));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("flow \"%s\" is not active", flow->name),
			 errhint("An administrator switches it on with spsa_set_flow_active().")));
}

/* ---- the criterion ---- */

/* As a query of the caller's would call it; it sees what has been written so far. */
static bool
call(Oid function, const pg_uuid_t *session_id, bool *isnull)
{
	FmgrInfo	finfo;
	PgStat_FunctionCallUsage usage;
	Datum		result;

	LOCAL_FCINFO(fcinfo, 1);

	if (pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
	InvokeFunctionExecuteHook(function);
	fmgr_info(function, &finfo);
	InitFunctionCallInfoData(*fcinfo, &finfo, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = UUIDPGetDatum(session_id);
	fcinfo->args[0].isnull = false;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_init_function_usage(fcinfo, &usage);
	result = FunctionCallInvoke(fcinfo);
	pgstat_end_function_usage(&usage, true);
	PopActiveSnapshot();
	CommandCounterIncrement();
	*isnull = fcinfo->isnull;
	return !*isnull && DatumGetBool(result);
}

static void
check_same_actor(const Run *run, const Actor *before)
{
	Actor		now = acting();
	bool		same = now.state == before->state || now.state == SESSION_OVER;

	if (same && now.state == SESSION_LIVE)
		same = memcmp(&now.session_id, &before->session_id, sizeof(pg_uuid_t)) == 0;
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the criterion of flow \"%s\" has attached or detached a session", run->flow->name),
				 errhint("A criterion is given the session as its argument.")));
}

static bool
criterion_holds(const Run *run)
{
	Oid			function = flow_criterion_function(run->flow);
	Actor		before = acting();
	bool		isnull;
	bool		holds;

	in_criterion = true;
	PG_TRY();
	{
		holds = call(function, &run->session_id, &isnull);
	}
	PG_FINALLY();
	{
		in_criterion = false;
	}
	PG_END_TRY();
	check_same_actor(run, &before);
	if (!holds && !run->at_open)
	{
		session_log_refusal("run a flow", psprintf("criterion %s of flow \"%s\" does not hold", run->flow->criterion,
												   run->flow->name));
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the criterion of flow \"%s\" does not hold", run->flow->name),
				 errdetail("Function %s has returned %s.", run->flow->criterion, isnull ? "null" : "false"),
				 errhint("The flow can be run when it returns true.")));
	}
	return holds;
}

/* The flow after its criterion has run. Another criterion, of which nothing is known, would have to be asked. */
static Flow *
read_again(const Flow *flow)
{
	Flow	   *now = require_flow(flow->name);

	require_active(now);
	if (now->flow_id != flow->flow_id || now->criterion == NULL || strcmp(now->criterion, flow->criterion) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("flow \"%s\" was changed while its criterion ran", flow->name),
				 errhint("Retry the transaction.")));
	return now;
}

/* ---- the steps ---- */

static void
return_step(const Run *run, const FlowStep *step, const char *message, TimestampTz expires_at)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	if (run->result == NULL)
		return;
	values[0] = Int32GetDatum(step->position);
	values[1] = CStringGetTextDatum(step->activates ? "activate" : "deactivate");
	values[2] = CStringGetTextDatum(step->set_name);
	values[3] = CStringGetTextDatum(message);
	values[4] = TimestampTzGetDatum(expires_at);
	nulls[4] = !step->activates;
	tuplestore_putvalues(run->result->setResult, run->result->setDesc, values, nulls);
}

static void
activate_step(const Run *run, const FlowStep *step)
{
	ActivationWish wish = {
		.set_id = step->set_id,.set_name = step->set_name,.reason = run->reason,.actor = ACTOR_FLOW,.flow = run->flow->name
	};
	bool		already_active;
	TimestampTz expires_at;
	bool		needed = activation_make_by_flow(run_session(run, ACL_INSERT), &wish, &already_active, &expires_at);

	return_step(run, step, !needed ? "needs no activation" : already_active ? "active already" : "activated", expires_at);
}

static void
deactivate_step(const Run *run, const FlowStep *step)
{
	bool		ended = activation_cancel(run_session(run, ACL_DELETE), step->set_id, step->set_name, run->flow->name);
	bool		stays = !ended && effective_has_set(run_session(run, ACL_DELETE), step->set_id);

	return_step(run, step, ended ? "deactivated" : stays ? "needs no activation" : "not active", 0);
}

/* ---- running ---- */

/* False if the flow is not for the session that is being opened. */
static bool
run_flow(Run *run)
{
	ListCell   *cell;

	if (in_criterion)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("flow \"%s\" cannot be run within the criterion of a flow", run->flow->name)));
	if (!check_run(run))
		return false;
	require_active(run->flow);
	if (run->flow->criterion != NULL)
	{
		if (!criterion_holds(run))
			return false;
		run->flow = read_again(run->flow);
		if (!check_run(run))
			return false;
	}
	foreach(cell, run->flow->steps)
	{
		const FlowStep *step = lfirst(cell);

		if (step->activates)
			activate_step(run, step);
		else
			deactivate_step(run, step);
	}
	return true;
}

/* SQL: spsa_run_flow(text, uuid, text) */
PG_FUNCTION_INFO_V1(spsa_run_flow);
Datum
spsa_run_flow(PG_FUNCTION_ARGS)
{
	Run			run = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1))
	{
		(void) session_require();
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("session must not be null")));
	}
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("flow name must not be null")));
	run.session_id = *PG_GETARG_UUID_P(1);
	run.reason = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	run.result = (ReturnSetInfo *) fcinfo->resultinfo;
	(void) run_session(&run, ACL_INSERT);	/* before anything is said about
											 * flows */
	run.flow = require_flow(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PreventCommandIfReadOnly("spsa_run_flow()");
	(void) run_flow(&run);
	return (Datum) 0;
}

/* ---- when a session is opened ---- */

static void
warn_failed(const char *name, const ErrorData *error)
{
	session_log_refusal("run a flow at the opening of a session", psprintf("flow \"%s\": %s", name, error->message));
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("flow \"%s\" was not run", name),
			 errdetail("It failed with: %s", error->message),
			 errhint("The session is open without it.")));
}

static void
run_one_at_open(const char *name, const pg_uuid_t *session_id)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	Run			run = {0};

	run.session_id = *session_id;
	run.at_open = true;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run.flow = flow_read(name);
		if (run.flow != NULL)
			(void) run_flow(&run);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	warn_failed(name, error);
}

static void
run_at_open(const pg_uuid_t *session_id)
{
	List	   *names = flow_names_at_open();
	ListCell   *cell;

	foreach(cell, names)
		run_one_at_open(lfirst(cell), session_id);
}

void
flow_init(void)
{
	session_set_opened(run_at_open);
}
