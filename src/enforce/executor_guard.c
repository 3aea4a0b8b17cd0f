/* executor_guard.c - checks each execution of a plan that asks for permissions (a marked plan).
 *
 * At its start: news from other backends is taken in, a session that is over is an error (28000), a cursor WITH HOLD is
 * refused (its result would outlive every binding), and so is what object_guard.c refuses. Statements on what is protected
 * without policies are checked likewise. While it runs the binding stands still; it can be continued only under the binding that it was
 * started under, and closed under any.
 *
 * A statement in which something protected has been called, by whatever functions, may keep results of it: tuplestores of
 * functions, subqueries that are evaluated once. It is not checked at its start and may change the binding; but what is
 * left of it can be fetched only under the binding of the call, and a call whose results outlive the binding is refused.
 *
 * Workers of a parallel plan run what their leader has checked; what functions run in them is checked there. Of their calls
 * the leader need not know: what is fetched in portions has no workers.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/table.h"
#include "enforce/executor_guard.h"
#include "enforce/object_guard.h"
#include "enforce/plan_mark.h"
#include "enforce/portal_guard.h"
#include "enforce/session_value.h"
#include "enforce/utility.h"
#include "grant/effective.h"
#include "identity/binding.h"
#include "identity/redact.h"

static ExecutorStart_hook_type previous_start = NULL;
static ExecutorRun_hook_type previous_run = NULL;
static ExecutorFinish_hook_type previous_finish = NULL;
static int	procedures = 0;		/* CALL and DO that are running */
static uint64 changes_before = 0;	/* session_own_changes() at depth 0 */

#define UNKNOWN PG_UINT64_MAX	/* no plan was marked yet */

/*
 * What runs now. An error leaves without a word, for a PG_TRY for each statement would cost those most that ask nothing of
 * us: then it is again as it was when the subtransaction began that is rolled back.
 */
typedef struct Running
{
	int			depth;			/* of ExecutorRun */
	bool		holding;		/* it belongs to a result that outlives its
								 * transaction */
	struct Frame *frame;		/* the innermost query */
} Running;

static const Running nothing_running = {0, false, NULL};
static Running running = {0, false, NULL};

/* The same where the innermost CALL or DO began. */
static Running in_procedure = {0, false, NULL};
static Running *at_beginning = NULL;	/* of subtransactions, by nesting
										 * level; none that began before the
										 * library was loaded */
static int	max_level = 0;

/* Marked plans that have been started, and queries in which something protected was called; and under which binding. */
typedef struct Started
{
	QueryDesc  *query;			/* key */
	bool		marked;			/* the plan is */
	bool		mixed;			/* calls were made under several bindings */
	BindingMark mark;
	SessionEntry *session;		/* pinned; NULL: none */
} Started;

/* A query or utility command that runs, in the memory of the function that runs it. */
typedef struct Frame
{
	struct Frame *outer;
	Portal		portal;			/* for which it runs */
	QueryDesc  *query;			/* NULL: a utility command */
	Started    *started;		/* NULL: not noted */
	uint64		noted;			/* binding_epoch() of the last call that was
								 * noted here and further out */
} Frame;

static HTAB *started_plans = NULL;
static bool any_started = false;	/* whether it has entries */

/*
 * A plan that was made for other shapes is here only if authority changed after it was chosen: by another backend while
 * the locks were held already, by the clock, or by this backend between planning and execution.
 */
static void
check_shapes(const PlannedStmt *plan, SessionEntry *entry)
{
	if (plan_mark_is_current(plan, entry))
		return;
	plan_mark_invalidate_always();
	if (running.depth > 0 && changes_before != UNKNOWN && session_own_changes() != changes_before)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("permissions changed after the statement was planned"),
				 errdetail("All statements of an SQL-language function are planned before the first one runs."),
				 errhint("Put the statements into separate calls, or use PL/pgSQL.")));
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("permissions changed while the statement was prepared to run"),
			 errhint("Retry the transaction.")));
}

/* The session for a statement on a protected object that begins, after news of other backends; or NULL. */
SessionEntry *
executor_guard_session(void)
{
	AcceptInvalidationMessages();
	return session_valid(guc_require_session);
}

static void
refuse_holding(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot declare a cursor WITH HOLD over protected objects"),
			 errdetail("Its result could be read after the session has ended."),
			 errhint("Use a cursor WITHOUT HOLD, or store the result in a temporary table.")));
}

/* The valid session, pinned, or NULL. */
static SessionEntry *
check_start(const PlannedStmt *plan)
{
	SessionEntry *entry = executor_guard_session();

	if (running.holding)
		refuse_holding();
	check_shapes(plan, entry);
	object_guard_check_writes(entry, plan);
	if (entry != NULL)
		session_pin(entry);
	return entry;
}

/* A cursor WITH HOLD: what functions have given is kept from its first row on, and stored at COMMIT without calling them. */
static bool
is_held(void)
{
	return ActivePortal != NULL && (ActivePortal->cursorOptions & CURSOR_OPT_HOLD) != 0;
}

/* A portal that is run to its end into a store: a cursor WITH HOLD at COMMIT, and that of a PL/pgSQL loop that commits. */
static bool
fills_hold_store(const QueryDesc *query)
{
	return ActivePortal != NULL && ActivePortal->queryDesc == query && ActivePortal->holdStore != NULL;
}

/* Workers see the setting, but not that it is void: so they get none. */
static void
take_void_token(void)
{
	const Binding *binding;

	if (binding_current(&binding) != BINDING_VOID)
		return;
	if (IsInParallelMode())
		session_raise_invalid();
	binding_take_void();
}

static void
forget_plan(void *query)
{
	Started    *started = hash_search(started_plans, &query, HASH_FIND, NULL);

	if (started == NULL)
		return;
	if (started->session != NULL)
		session_unpin(started->session);
	(void) hash_search(started_plans, &query, HASH_REMOVE, NULL);
	any_started = hash_get_num_entries(started_plans) > 0;
}

/* Until the executor's memory of it goes away, by its end or by an abort. */
static Started *
remember_plan(QueryDesc *query)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(query->estate->es_query_cxt, sizeof(MemoryContextCallback));
	Started    *started = hash_search(started_plans, &query, HASH_ENTER, NULL);

	any_started = true;
	started->marked = started->mixed = false;
	started->session = NULL;
	binding_mark(&started->mark);
	callback->func = forget_plan;
	callback->arg = query;
	MemoryContextRegisterResetCallback(query->estate->es_query_cxt, callback);
	return started;
}

static bool
is_bound_as_started(const Started *started)
{
	return !started->mixed && binding_is_as(&started->mark);
}

static void
check_continue(const Started *started)
{
	if (!is_bound_as_started(started))
		binding_raise_other();
}

/* ---- calls, and what functions read ---- */

/* Whether executor_guard_note_call() has nothing to say. */
bool
executor_guard_knows_call(void)
{
	return !running.holding && !is_held() && (running.frame == NULL || running.frame->noted == binding_epoch());
}

static void
note_frame(Frame *frame)
{
	portal_guard_note(frame->portal);
	if (frame->query != NULL && frame->started == NULL)
		frame->started = remember_plan(frame->query);
	else if (frame->query != NULL && !frame->started->marked && !is_bound_as_started(frame->started))
		frame->started->mixed = true;
	frame->noted = binding_epoch();
}

static void
note_frames(void)
{
	for (Frame *frame = running.frame; frame != NULL && frame->noted != binding_epoch(); frame = frame->outer)
		note_frame(frame);
}

/* Something protected is called, as the session permits, by somebody who is not exempt. */
void
executor_guard_note_call(void)
{
	if (running.holding || is_held())
		refuse_holding();
	note_frames();
}

static void
push_frame(Frame *frame)
{
	frame->outer = running.frame;
	frame->portal = ActivePortal;
	frame->noted = 0;
	running.frame = frame;
}

/* What runs in the innermost frame may read what a portal has stored. */
static void
note_reader(void)
{
	if (portal_guard_has_rows())
		executor_guard_note_call();
}

/* ---- the hooks ---- */

static void
start(QueryDesc *query, int eflags)
{
	if (previous_start != NULL)
		previous_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

/* Functions are called here already where partitions are chosen; the plan may keep what they tell. */
static void
start_in_frame(QueryDesc *query, int eflags)
{
	Running		outer = running;
	Frame		frame = {0};

	push_frame(&frame);
	if (portal_guard_has_rows())
		note_frames();
	start(query, eflags);
	running = outer;
	if (frame.noted != 0)
		remember_plan(query)->mixed = frame.noted != binding_epoch();
}

/* session: pinned, or NULL. Partitions are pruned here already, by its attributes, not by those of an outer statement. */
static void
start_guarded(QueryDesc *query, int eflags, SessionEntry *session)
{
	SessionEntry *outer = session_value_running;
	Started    *started;

	/* Functions of the user's may be called: partitions are pruned. */
	binding_hold();
	PG_TRY();
	{
		session_value_running = session;
		start(query, eflags);
		started = remember_plan(query);
		started->marked = true;
		started->session = session;
	}
	PG_CATCH();
	{
		binding_release();
		session_value_running = outer;
		if (session != NULL)
			session_unpin(session);
		PG_RE_THROW();
	}
	PG_END_TRY();
	binding_release();
	session_value_running = outer;
}

/* The part of a leader's plan that a worker runs: its rows go to the leader. */
static bool
is_leaders_plan(const QueryDesc *query)
{
	return IsParallelWorker() && query->dest != NULL && query->dest->mydest == DestTupleQueue;
}

/* Most statements ask nothing of us: nothing in their plans came from us, and they run no function of anybody's. */
static bool
is_plain(const PlannedStmt *plan)
{
	return plan->invalItems == NIL && plan->commandType == CMD_SELECT && !plan->hasModifyingCTE && !plan->parallelModeNeeded &&
		!object_guard_concerns(plan);
}

static void
start_leaders_plan(QueryDesc *query, int eflags)
{
	bool		outer = object_guard_trust(true);

	/* It shows the leader's statement, which is analyzed elsewhere. */
	redact_activity();
	start(query, eflags);
	(void) object_guard_trust(outer);
}

static void
start_checked(QueryDesc *query, int eflags)
{
	bool		marked = plan_mark_present(query->plannedstmt) || object_guard_concerns(query->plannedstmt);
	Running		outer = running;
	SessionEntry *session = NULL;

	running.holding = outer.holding || is_held();
	if (plan_mark_may_run_plans(query->plannedstmt))
		plan_mark_check_plans();
	if (marked)
		session = check_start(query->plannedstmt);
	if (query->plannedstmt->parallelModeNeeded && !IsParallelWorker())
		take_void_token();
	if (marked)
		start_guarded(query, eflags, session);
	else
		start_in_frame(query, eflags);
	running = outer;
}

static void
guard_start(QueryDesc *query, int eflags)
{
	if (is_leaders_plan(query))
		start_leaders_plan(query, eflags);
	else if (is_plain(query->plannedstmt))
		start(query, eflags);
	else
		start_checked(query, eflags);
}

static Started *
find_started(QueryDesc *query)
{
	if (!any_started)
		return NULL;
	return hash_search(started_plans, &query, HASH_FIND, NULL);
}

/* Arguments of ExecutorRun. */
typedef struct RunArguments
{
	ScanDirection direction;
	uint64		count;
	bool		once;
} RunArguments;

/* ExecutorRun, or without arguments ExecutorFinish: data-modifying CTEs that nobody reads, and AFTER triggers. */
static void
execute(QueryDesc *query, const RunArguments *run)
{
	if (run == NULL)
	{
		if (previous_finish != NULL)
			previous_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	else if (previous_run != NULL)
		previous_run(EXECUTOR_RUN_ARGUMENTS(query, run->direction, run->count, run->once));
	else
		standard_ExecutorRun(EXECUTOR_RUN_ARGUMENTS(query, run->direction, run->count, run->once));
}

/* What runs inside a portal that is held, or is being stored, belongs to its result. */
static void
execute_counted(QueryDesc *query, Started *started, const RunArguments *run)
{
	Running		outer = running;
	Frame		frame = {.query = query,.started = started};

	if (running.depth == 0)
		redact_message();
	if (running.depth++ == 0)
		changes_before = plan_mark_any ? session_own_changes() : UNKNOWN;
	running.holding = outer.holding || is_held() || fills_hold_store(query);
	push_frame(&frame);

	/*
	 * Other portals end then anyway; what is stored must not depend on which
	 * of them ends first.
	 */
	if (fills_hold_store(query))
		portal_guard_close_all();
	note_reader();
	/* What it gives goes to all that wait for it. */
	if (started != NULL)
		note_frames();
	execute(query, run);
	running = outer;
}

/* Of a SELECT there is nothing left to run when it is finished, and nobody expects an error while a portal is closed. */
static bool
is_only_closed(const QueryDesc *query)
{
	return query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE;
}

static void
execute_marked(QueryDesc *query, Started *started, const RunArguments *run)
{
	SessionEntry *outer = session_value_running;

	session_value_running = started->session;
	binding_hold();
	PG_TRY();
	{
		execute_counted(query, started, run);
	}
	PG_FINALLY();
	{
		binding_release();
		session_value_running = outer;
	}
	PG_END_TRY();
}

/* What is noted for its calls alone may have changed the binding before it is finished: calls are checked one by one. */
static void
check_execution(const QueryDesc *query, const Started *started, const RunArguments *run)
{
	if (run != NULL || (started->marked && !is_only_closed(query)))
		check_continue(started);
	if (run != NULL && (running.holding || fills_hold_store(query)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot keep a result of protected objects beyond the transaction"),
				 errdetail("It could be read after the session has ended."),
				 errhint("Read all rows before COMMIT.")));
}

static void
execute_guarded(QueryDesc *query, const RunArguments *run)
{
	Started    *started = find_started(query);

	if (started != NULL)
		check_execution(query, started, run);
	if (started != NULL && started->marked)
		execute_marked(query, started, run);
	else
		execute_counted(query, started, run);
	/* A token that was refused meanwhile, and the error caught, shows here. */
	if (run != NULL && started != NULL && started->marked)
		check_continue(started);
}

static void
guard_run(EXECUTOR_RUN_PARAMETERS)
{
	RunArguments run = {direction, count, EXECUTOR_RUN_ONCE};

	execute_guarded(query, &run);
}

static void
guard_finish(QueryDesc *query)
{
	execute_guarded(query, NULL);
}

/* Commands that choose a cached plan before ExecutorStart is called. */
static bool
runs_plans(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_ExecuteStmt:
		case T_DeclareCursorStmt:
		case T_ExplainStmt:
		case T_CreateTableAsStmt:
		case T_CallStmt:
		case T_DoStmt:
			return true;
		default:
			return false;
	}
}

static void
process_utility(const UtilityArguments *utility)
{
	const Node *statement = utility->statement->utilityStmt;

	if (running.depth == 0)
		redact_message();
	if (IsA(statement, FetchStmt))
		portal_guard_check_fetch(((const FetchStmt *) statement)->portalname);
	if (runs_plans(statement))
	{
		AcceptInvalidationMessages();
		plan_mark_check_plans();
	}
	utility_process(utility);
}

/* An error of a command in a transaction that is aborted already is told to nobody: hence PG_TRY. */
static void
guard_utility(UtilityArguments *utility)
{
	const Node *statement = utility->statement->utilityStmt;
	Running		outer = running;
	Running		outer_procedure = in_procedure;
	Frame		frame = {0};
	int			is_procedure = IsA(statement, CallStmt) || IsA(statement, DoStmt);

	procedures += is_procedure;
	PG_TRY();
	{
		push_frame(&frame);
		if (is_procedure)
			in_procedure = running;
		note_reader();
		process_utility(utility);
	}
	PG_FINALLY();
	{
		running = outer;
		in_procedure = outer_procedure;
		procedures -= is_procedure;
	}
	PG_END_TRY();

	/* SET and RESET of the token, within a function too. */
	if (IsA(statement, VariableSetStmt))
		plan_mark_check_plans();
}

/* A binding ends with its transaction. Where a procedure goes on after COMMIT, the next plan is chosen without a hook. */
static void
transaction_event(XactEvent event, void *arg)
{
	/*
	 * ROLLBACK in a procedure, or a COMMIT that fails there, does not end the
	 * procedure.
	 */
	if (event == XACT_EVENT_ABORT)
		running = procedures > 0 ? in_procedure : nothing_running;
	if (procedures > 0 && (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT))
		plan_mark_invalidate();
}

static void
remember_beginning(int level)
{
	if (level >= max_level)
	{
		int			more = level * 2 + 16;

		at_beginning = at_beginning == NULL ? MemoryContextAlloc(TopMemoryContext, more * sizeof(Running)) :
			repalloc(at_beginning, more * sizeof(Running));
		memset(at_beginning + max_level, 0, (more - max_level) * sizeof(Running));
		max_level = more;
	}
	at_beginning[level] = running;
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_START_SUB)
		remember_beginning(level);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		running = level < max_level ? at_beginning[level] : nothing_running;
}

void
executor_guard_init(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(QueryDesc *);
	control.entrysize = sizeof(Started);
	started_plans = hash_create("spsa started plans", 32, &control, HASH_ELEM | HASH_BLOBS);
	previous_start = ExecutorStart_hook;
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);
	ExecutorStart_hook = guard_start;
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = guard_run;
	utility_add(guard_utility);
	portal_guard_init();
	previous_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = guard_finish;
}
