/* function_guard.c - checks each call of a protected function.
 *
 * PostgreSQL asks needs_fmgr_hook for each function that is about to be called or inlined, and calls fmgr_hook before each
 * call of those of which the answer was yes (and of others: SECURITY DEFINER, and those with settings of their own). The
 * first must not miss a protected function; the second decides.
 *
 * Invariants: permission is the attached session's, whoever the current role is, so that SECURITY DEFINER code gives none
 * to what it calls. It is asked for at each call: nothing that a plan, a cursor or a function keeps outlives it. Exempt are
 * roles that bypass row-level security, told by the role that the client acts as; the function's owner is not.
 *
 * What is protected is kept as a list, and read again when a signal about definitions has come in, or an invalidation about
 * one of the functions or a schema; functions are looked up again if that concerns them. Plans into which a function was inlined before it was protected go by
 * an invalidation of its pg_proc row, which a trigger on spsa.protected_function sends.
 *
 * Cost: functions that come with PostgreSQL are never protected; for others nothing is read while nothing changes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/owner.h"
#include "base/signal.h"
#include "base/table.h"
#include "enforce/executor_guard.h"
#include "enforce/function_guard.h"
#include "enforce/protect.h"
#include "grant/definition_cache.h"
#include "grant/function.h"
#include "grant/shape.h"

static needs_fmgr_hook_type previous_needs = NULL;
static fmgr_hook_type previous_hook = NULL;

typedef struct ProtectedFunction
{
	char	   *signature;
	Oid			function;		/* InvalidOid: there is none */
	uint32		hash;			/* of its invalidations */
	FunctionFault fault;		/* if it has been altered since it was
								 * protected */
	bool		stale;			/* something has happened to it since it was
								 * looked up */
} ProtectedFunction;

/* What is protected, and what it was read under. */
typedef struct ProtectedList
{
	MemoryContext context;
	int			n;
	ProtectedFunction *functions;	/* in the order of signatures */
	int			nfound;
	ProtectedFunction **by_oid; /* those that there are, sorted */
	bool		uncommitted;	/* read by a transaction that has changed
								 * something, and is not over */
	uint64		signals;
	uint64		changes;
} ProtectedList;

static ProtectedList *list = NULL;
static uint64 changes = 1;		/* of functions that are on the list, and of
								 * schemas */

/* ---- what is protected ---- */

static bool
is_current(void)
{
	return list != NULL && list->signals == signal_definition_count() && list->changes == changes;
}

static int
compare_functions(const void *a, const void *b)
{
	Oid			x = (*(const ProtectedFunction *const *) a)->function;
	Oid			y = (*(const ProtectedFunction *const *) b)->function;

	return (x > y) - (x < y);
}

static List *
read_signatures(MemoryContext context)
{
	const Definition *protection;
	DefinitionReader reader;
	Snapshot	snapshot;

	if (!table_is_installed("protected_function"))
		return NIL;
	snapshot = table_snapshot();
	reader = definition_reader(snapshot, signal_definition_count());
	protection = definition_get(&reader, DEFINITION_OF_PROTECTION, context);
	table_snapshot_release(snapshot);
	return protection->functions;
}

/* What the last list says of a signature, if it still holds. Signatures are asked for in its order; place is where it stands. */
static const ProtectedFunction *
still_known(const char *signature, int *place)
{
	for (; list != NULL && *place < list->n; (*place)++)
	{
		const ProtectedFunction *its = &list->functions[*place];
		int			order = strcmp(its->signature, signature);

		if (order == 0 && !its->stale)
			return its;
		if (order >= 0)
			return NULL;
	}
	return NULL;
}

static void
look_up(ProtectedFunction *its, const char *signature)
{
	its->function = function_find(signature);
	if (!OidIsValid(its->function))
		return;
	its->hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(its->function));
	its->fault = function_fault(its->function);
}

static void
fill_list(ProtectedList *fresh, const List *signatures)
{
	Size		length = list_length(signatures) + 1;
	int			place = 0;
	ListCell   *cell;

	fresh->functions = MemoryContextAllocZero(fresh->context, sizeof(ProtectedFunction) * length);
	fresh->by_oid = MemoryContextAllocZero(fresh->context, sizeof(ProtectedFunction *) * length);
	foreach(cell, signatures)
	{
		ProtectedFunction *its = &fresh->functions[fresh->n++];
		const ProtectedFunction *known = still_known(lfirst(cell), &place);

		if (known != NULL)
			*its = *known;
		else
			look_up(its, lfirst(cell));
		its->signature = MemoryContextStrdup(fresh->context, lfirst(cell));
		if (OidIsValid(its->function))
			fresh->by_oid[fresh->nfound++] = its;
	}
	qsort(fresh->by_oid, fresh->nfound, sizeof(ProtectedFunction *), compare_functions);
}

static ProtectedList *
read_list(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "spsa protected functions", ALLOCSET_SMALL_SIZES);
	MemoryContext scratch = AllocSetContextCreate(context, "spsa signatures", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	ProtectedList *fresh = MemoryContextAllocZero(context, sizeof(ProtectedList));

	fresh->context = context;
	fresh->signals = signal_definition_count();
	fresh->changes = changes;
	fresh->uncommitted = TransactionIdIsValid(GetTopTransactionIdIfAny());
	fill_list(fresh, read_signatures(scratch));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return fresh;
}

/*
 * An error leaves the list as it was, which is not current then. What was read while something changed is thrown away: of
 * its functions none was marked.
 */
static void
renew_list(void)
{
	while (!is_current())
	{
		ProtectedList *fresh;
		ProtectedList *old;

		CHECK_FOR_INTERRUPTS();
		fresh = read_list();
		old = fresh;
		if (fresh->changes == changes)
		{
			old = list;
			MemoryContextSetParent(fresh->context, TopMemoryContext);
			list = fresh;
		}
		if (old != NULL)
			MemoryContextDelete(old->context);
	}
}

/*
 * NULL: not protected. While WAL is decoded nothing of ours can be read: output functions are called unchecked then, for who
 * may decode (REPLICATION) can read everything.
 */
static const ProtectedFunction *
find_protected(Oid function)
{
	ProtectedFunction key = {.function = function};
	ProtectedFunction *sought = &key;
	ProtectedFunction **found;

	if (function < FirstNormalObjectId || !IsTransactionState() || HistoricSnapshotActive())
		return NULL;
	AcceptInvalidationMessages();
	renew_list();
	if (list->nfound == 0)
		return NULL;
	found = bsearch(&sought, list->by_oid, list->nfound, sizeof(ProtectedFunction *), compare_functions);
	return found == NULL ? NULL : *found;
}

/* ---- what makes the list stale ---- */

static void
function_changed(Datum arg, int cacheid, uint32 hash)
{
	bool		counts = !is_current();

	for (int i = 0; list != NULL && i < list->n; i++)
	{
		ProtectedFunction *its = &list->functions[i];

		if (hash == 0 || its->hash == hash || !OidIsValid(its->function))
			its->stale = counts = true;
	}
	if (counts)
		changes++;
}

static void
schema_changed(Datum arg, int cacheid, uint32 hash)
{
	for (int i = 0; list != NULL && i < list->n; i++)
		list->functions[i].stale = true;
	changes++;
}

/* What is undone may have sent no signal. */
static void
forget_uncommitted(void)
{
	if (list != NULL && list->uncommitted)
		changes++;
}

static void
transaction_event(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		forget_uncommitted();
	else if (event == XACT_EVENT_COMMIT && list != NULL)
		list->uncommitted = false;
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_uncommitted();
}

/* ---- a call ---- */

static void
deny(SessionEntry *entry, Oid function)
{
	char	   *signature = function_signature(function);
	char	   *set = entry == NULL ? NULL : effective_set_for_function(entry, function);

	session_log_refusal("call a function", psprintf("no effective permission set grants %s", signature));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to call %s", signature),
			 InSecurityRestrictedOperation() ? errhint("No session counts where a maintenance command runs code of a table's owner.") :
			 entry == NULL ? errhint("Attach a session with spsa_attach() or spsa_attach_connection().") :
			 set == NULL ? errhint("No permission set that is assigned to the user grants it.") :
			 errhint("Activate permission set \"%s\" with spsa_activate_own().", set)));
}

/* An altered function might be called ahead of time, or under an identity that is not the caller's. */
static void
refuse_faulty(const ProtectedFunction *called)
{
	char	   *signature = function_signature(called->function);

	session_log_refusal("call a function", psprintf("protected function %s cannot be checked: %s", signature, called->fault.what));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("protected function %s cannot be called: %s", signature, called->fault.what),
			 errhint("%s", called->fault.hint)));
}

/*
 * By the role that the client acts as: SECURITY DEFINER changes nothing. Maintenance runs code of a table's owner, who may
 * keep what it gives (ANALYZE of expressions, materialized views): there it is the owner who must be exempt, and who it is
 * can be told only while no SECURITY DEFINER function runs.
 */
static bool
is_exempt(void)
{
	if (InSecurityRestrictedOperation())
		return !InLocalUserIdChange() && has_bypassrls_privilege(GetUserId());
	return has_bypassrls_privilege(GetOuterUserId());
}

static void
check_call(const ProtectedFunction *called)
{
	Question	question = {QUESTION_FUNCTION, called->function, 0};
	SessionEntry *entry;
	SessionState state;

	if (called->fault.what != NULL)
	{
		if (!is_exempt())
			refuse_faulty(called);
		return;
	}
	state = session_current(&entry);
	if (state == SESSION_LIVE && shape_of(entry, &question)->reach == REACH_ALL)
	{
		if (!executor_guard_knows_call() && !is_exempt())
			executor_guard_note_call();
		return;
	}
	if (is_exempt())
		return;
	if (state == SESSION_OVER)
		session_raise_invalid();
	if (state == SESSION_NONE && guc_require_session)
		session_raise_missing();
	deny(entry, question.subject);
}

static bool
guard_needed(Oid function)
{
	return (previous_needs != NULL && previous_needs(function)) || find_protected(function) != NULL;
}

static void
guard_call(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	const ProtectedFunction *called = event == FHET_START ? find_protected(function->fn_oid) : NULL;

	if (called != NULL)
		check_call(called);
	if (previous_hook != NULL)
		previous_hook(event, function, private);
}

/* ---- telling other backends ---- */

/* Constraints of domains are kept ready to run, with functions inlined. */
static void
invalidate_domains(Oid function)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	table_key(&keys[0], Anum_pg_depend_refclassid, F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	table_key(&keys[1], Anum_pg_depend_refobjid, F_OIDEQ, ObjectIdGetDatum(function));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, lengthof(keys), keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_depend dependent = (Form_pg_depend) GETSTRUCT(row);
		HeapTuple	constraint;

		if (dependent->classid != ConstraintRelationId)
			continue;
		constraint = SearchSysCache1(CONSTROID, ObjectIdGetDatum(dependent->objid));
		if (!HeapTupleIsValid(constraint))
			continue;
		CacheInvalidateHeapTuple(constraints, constraint, NULL);
		ReleaseSysCache(constraint);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	table_close(depend, AccessShareLock);
}

/* Plans that contain the function are made again. */
static void
invalidate(const char *signature)
{
	Oid			function = function_find(signature);
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Relation	functions;

	if (!HeapTupleIsValid(row))
		return;
	functions = table_open(ProcedureRelationId, AccessShareLock);
	CacheInvalidateHeapTuple(functions, row, NULL);
	table_close(functions, AccessShareLock);
	ReleaseSysCache(row);
	invalidate_domains(function);
}

/* SQL: spsa.signal_function() */
PG_FUNCTION_INFO_V1(spsa_signal_function);
Datum
spsa_signal_function(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	rows[2];

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	rows[0] = trigger->tg_trigtuple;
	rows[1] = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : NULL;
	for (int i = 0; i < lengthof(rows); i++)
	{
		bool		isnull;

		if (rows[i] != NULL)
			invalidate(TextDatumGetCString(heap_getattr(rows[i], Anum_protected_function_function,
														RelationGetDescr(trigger->tg_relation), &isnull)));
	}
	return PointerGetDatum(NULL);
}

/* ---- protecting ---- */

static OwnerStatement insert_protected = {
	"INSERT INTO spsa.protected_function (function) VALUES ($1) ON CONFLICT (function) DO NOTHING", 1, {TEXTOID}
};

static OwnerStatement delete_protected = {
	"DELETE FROM spsa.protected_function p WHERE p.function = $1", 1, {TEXTOID}
};

/* The signature of the function that the caller owns. */
static Datum
own_function(FunctionCallInfo fcinfo)
{
	Oid			function;
	char	   *signature;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("function must not be null")));
	function = PG_GETARG_OID(0);
	signature = function_signature(function);
	if (signature == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	if (!pg_proc_ownercheck(function, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION, get_func_name(function));
	return CStringGetTextDatum(signature);
}

/* SQL: spsa_protect_function(regprocedure) */
PG_FUNCTION_INFO_V1(spsa_protect_function);
Datum
spsa_protect_function(PG_FUNCTION_ARGS)
{
	Datum		signature = own_function(fcinfo);
	OwnerState	state;

	protect_require_preload(TextDatumGetCString(signature));
	owner_begin(&state);
	owner_execute(&insert_protected, &signature, NULL);
	owner_end(&state);
	PG_RETURN_VOID();
}

/* SQL: spsa_unprotect_function(regprocedure) */
PG_FUNCTION_INFO_V1(spsa_unprotect_function);
Datum
spsa_unprotect_function(PG_FUNCTION_ARGS)
{
	Datum		signature = own_function(fcinfo);
	OwnerState	state;

	owner_begin(&state);
	if (owner_execute(&delete_protected, &signature, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("function %s is not protected", TextDatumGetCString(signature))));
	owner_end(&state);
	PG_RETURN_VOID();
}

void
function_guard_init(void)
{
	previous_needs = needs_fmgr_hook;
	needs_fmgr_hook = guard_needed;
	previous_hook = fmgr_hook;
	fmgr_hook = guard_call;
	CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);

	/* In plans that were made before, functions are inlined. */
	if (!process_shared_preload_libraries_in_progress)
		ResetPlanCache();
}
