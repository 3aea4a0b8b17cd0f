/* activate.c - activating and deactivating permission sets for a session.
 *
 * Invariants: who may manage the session is asked first, then whether the set exists, then whether it is assigned to the
 * session's user now, then whether its activation rule is met: by whoever makes an activation or makes one longer, also
 * when it turns out only late that one must be made. The row, its audit event and its signal belong to the caller's transaction. An activation belongs
 * to the assignment under which it was made and never outlives it or the session.
 *
 * Locking: two backends that activate the same set for one session meet at the primary key; the second one finds the
 * first one's row. If the set has a rule, or one that is assigned is excluded by another, they take a lock for the session
 * before, so that the second one sees what the first one did. Both take a key-share lock on the session before they touch a row
 * that is there (a new one takes it by its foreign key), so that spsa_purge() leaves out sessions at work.
 * A deactivation waits for nobody: the holder of a token could keep a row of its own session locked for ever.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "activation/activate.h"
#include "activation/approval.h"
#include "activation/break_glass.h"
#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"
#include "grant/effective.h"
#include "identity/session.h"

#define LONG_WAIT 1000			/* microseconds */

/* One activation, asked for or made. */
typedef struct Activation
{
	pg_uuid_t	session_id;
	int64		user_id;
	char	   *user_name;
	char	   *set_name;
	int32		set_id;
	int64		assignment_id;	/* under which it is, or is to be, activated */
	bool		activation_required;
	bool		activated;		/* before */
	TimestampTz since;			/* what is older does not count */
	TimestampTz now;
	TimestampTz expires_at;
	Interval   *duration;		/* NULL: none given */
	char	   *reason;
	ActivationActor actor;
	const Rule *rule;			/* NULL: none */
	TimestampTz outer_end;		/* of the session, the assignment, the group */
	bool		break_glass;
	bool		rule_met;		/* has been asked */
	bool		written;		/* made, or made longer */
	bool		has_approval;
	Approval	approval;		/* that is used up for it */
	int64		activation_id;
	const char *flow;			/* that activates it, or NULL */
	bool		is_test;		/* its session ends with the transaction */
	AuditActor	acting;			/* before it is written */
	/* results */
	TimestampTz activated_at;	/* 0: needs no activation */
	bool		already_active;
} Activation;

/* Not ended by a row of activation_end. */
#define NOT_ENDED "NOT EXISTS (SELECT FROM spsa.activation_end e WHERE e.activation_id = a.activation_id)"

/* before_commit, if it is the present transaction that wrote it */
#define BEFORE_COMMIT_NOW "CASE WHEN a.written_in = pg_catalog.pg_current_xact_id_if_assigned() THEN a.before_commit END"

/* What goes with before_commit: the transaction, not a subtransaction. */
#define WRITTEN_IN(before_commit) "CASE WHEN " before_commit " IS NOT NULL THEN pg_catalog.pg_current_xact_id() END"

static OwnerStatement select_active = {
	"SELECT a.activated_at, a.expires_at, a.activation_id, " BEFORE_COMMIT_NOW " FROM spsa.activation a"
	" WHERE a.session_id = $1 AND a.set_id = $2 AND a.assignment_id = $3 AND a.expires_at > $4 AND a.activated_at >= $5"
	" AND " NOT_ENDED " FOR UPDATE",
	5, {UUIDOID, INT4OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

/* Where there is a row: if that has ended, or counts no more. */
static OwnerStatement replace_activation = {
	"INSERT INTO spsa.activation AS a (session_id, set_id, assignment_id, activated_at, expires_at, activated_by, reason,"
	" before_commit, flow, written_in) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, " WRITTEN_IN("$8") ")"
	" ON CONFLICT (session_id, set_id) DO UPDATE SET assignment_id = excluded.assignment_id,"
	" activated_at = excluded.activated_at, expires_at = excluded.expires_at, activated_by = excluded.activated_by,"
	" reason = excluded.reason, activation_id = excluded.activation_id, before_commit = excluded.before_commit,"
	" flow = excluded.flow, written_in = excluded.written_in"
	" WHERE a.assignment_id <> excluded.assignment_id OR a.expires_at <= excluded.activated_at OR a.activated_at < $10"
	" OR NOT (" NOT_ENDED ") RETURNING a.activation_id",
	10, {UUIDOID, INT4OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID}
};

static OwnerStatement extend_activation = {
	"UPDATE spsa.activation a SET expires_at = $3, before_commit = $5, written_in = " WRITTEN_IN("$5")
	" WHERE a.session_id = $1 AND a.set_id = $2 AND a.assignment_id = $4 AND a.expires_at < $3 AND " NOT_ENDED,
	5, {UUIDOID, INT4OID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID}
};

/* $2: the set, or null for all; $3: the assignment of a group, whose members end with it, or null. A row that somebody has locked is ended by a row of activation_end, which waits for nobody. */
static OwnerStatement end_activations = {
	"WITH live AS MATERIALIZED (SELECT a.activation_id, a.session_id, a.set_id,"
	" a.expires_at > pg_catalog.clock_timestamp() AND EXISTS (SELECT FROM spsa.assignment g"
	" WHERE g.assignment_id = a.assignment_id AND (g.set_id = a.set_id OR EXISTS (SELECT FROM spsa.group_member m"
	" WHERE m.group_id = g.set_id AND m.member_id = a.set_id AND m.added_at <= a.activated_at))) AS active"
	" FROM spsa.activation a WHERE a.session_id = $1"
	" AND (a.set_id = COALESCE($2, a.set_id) OR a.assignment_id = $3) AND " NOT_ENDED "),"
	" free AS MATERIALIZED (SELECT a.activation_id FROM spsa.activation a WHERE a.session_id = $1"
	" AND a.activation_id IN (SELECT l.activation_id FROM live l) FOR UPDATE SKIP LOCKED),"
	" gone AS (DELETE FROM spsa.activation a WHERE a.session_id = $1"
	" AND a.activation_id IN (SELECT f.activation_id FROM free f)),"
	" ended AS (INSERT INTO spsa.activation_end (session_id, activation_id)"
	" SELECT l.session_id, l.activation_id FROM live l WHERE l.activation_id NOT IN (SELECT f.activation_id FROM free f))"
	" SELECT (SELECT s.set_name FROM spsa.permission_set s WHERE s.set_id = l.set_id), l.active FROM live l"
	" ORDER BY l.activation_id",
	3, {UUIDOID, INT4OID, INT8OID}
};

/*
 * Of two backends that activate for the same session the second one waits, and sees what the first one did: the session as
 * it is then.
 */
static SessionEntry *
wait_for_others(SessionEntry *entry)
{
	pg_uuid_t	session_id = entry->session_id;

	LockDatabaseObject(table_oid("activation"), hash_bytes(session_id.data, UUID_LEN), 0, ExclusiveLock);
	entry = session_find(&session_id);
	if (entry == NULL)
		session_raise_invalid();
	return entry;
}

void
activation_check_duration(Interval *duration)
{
	Interval	none = {0};

	if (DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(duration), IntervalPGetDatum(&none))) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration must be more than zero")));
}

/* The end of the session, of the assignment or of the group, whichever comes first. */
static TimestampTz
outer_end(const SessionEntry *entry, const SetState *set)
{
	TimestampTz end = Min(entry->expires_at, set->activated ? set->activated_until : set->assignment_ends);

	if (set->group != NULL && set->group->activation_required)
		end = Min(end, set->group->activation_ends);
	return end;
}

/* ---- the rule ---- */

static bool
needs_approval(const Activation *activation)
{
	return activation->rule != NULL && activation->rule->approvals_required > 0 && !activation->break_glass;
}

/* What may be made once only, or leaves something to be reviewed, is in effect only when that cannot be undone any more. */
static bool
is_single_use(const Activation *activation)
{
	return activation->break_glass || needs_approval(activation);
}

/* Uses up an approval that lasts beyond a moment, and ends the activation with it; false if there is none. */
static bool
use_approval(Activation *activation, TimestampTz beyond)
{
	const Interval *duration = activation->duration;

	if (!approval_use(activation->user_id, activation->set_id, activation->rule->approvals_required, activation->now, beyond,
					  &activation->approval))
		return false;
	activation->has_approval = true;
	if (duration == NULL)
		duration = activation->approval.duration;
	activation->expires_at = Min(activation->outer_end, rule_end(activation->rule, duration, activation->now));
	if (activation->approval.duration != NULL)
		activation->expires_at = Min(activation->expires_at,
									 activation->now + rule_microseconds(activation->approval.duration));
	return true;
}

/*
 * What makes an activation, or makes it longer than it is (DT_NOBEGIN: it is not), must meet the rule. approved: by what it
 * has used already.
 */
static void
meet_rule(Activation *activation, TimestampTz ends, bool approved)
{
	RuleCase	what = {.set_id = activation->set_id,.actor = activation->actor,.now = activation->now,.reason = activation->reason};

	if (activation->rule == NULL || activation->rule_met)
		return;
	what.is_approved = approved || !needs_approval(activation) || use_approval(activation, ends);
	what.entry = session_find(&activation->session_id);
	if (what.entry == NULL)
		session_raise_invalid();
	rule_require(activation->rule, &what, activation->set_name);
	activation->rule_met = !approved;	/* a new one would need another
										 * approval */
}

static char *
time_text(TimestampTz when)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(when)));
}

static void
record(const Activation *activation, const char *name, bool extended)
{
	AuditEvent	event = {name, &activation->session_id, activation->user_name, activation->set_name, NULL, &activation->acting};
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"expires_at\": ");
	escape_json(&detail, audit_time(activation->expires_at));
	if (extended)
		appendStringInfoString(&detail, ", \"extended\": true");
	if (activation->break_glass)
		appendStringInfoString(&detail, ", \"break_glass\": true");
	if (activation->has_approval)
		appendStringInfo(&detail, ", \"request_id\": \"%s\"",
						 DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&activation->approval.request_id))));
	if (activation->reason != NULL)
	{
		appendStringInfoString(&detail, ", \"reason\": ");
		escape_json(&detail, activation->reason);
	}
	if (activation->flow != NULL)
	{
		appendStringInfoString(&detail, ", \"flow\": ");
		escape_json(&detail, activation->flow);
	}
	appendStringInfoChar(&detail, '}');
	event.detail = detail.data;
	audit_record(&event);
}

/* What an activation leaves behind that has been made, or made longer. */
static void
note(Activation *activation, bool extended)
{
	BreakGlass	what = {
		&activation->session_id, activation->user_id, activation->user_name, activation->set_id, activation->set_name,
		activation->activation_id, activation->reason, activation->expires_at
	};

	activation->written = true;
	if (!activation->is_test)
		record(activation, "activate", extended);
	if (activation->has_approval)
		approval_link(&activation->approval, activation->activation_id);
	if (activation->break_glass)
		break_glass_record(&what);
}

/*
 * Sees to it that an activation that ends at a moment may be made longer, and until when; false if it would not become
 * longer. In all it lasts no longer than the rule allows, unless another approval is used.
 */
static bool
extend(Activation *activation, TimestampTz ends)
{
	TimestampTz wanted = activation->expires_at;
	bool		approved = needs_approval(activation) && wanted <= approval_until(activation->activation_id);

	if ((approved || !needs_approval(activation)) && activation->rule != NULL && activation->rule->max_duration != NULL)
		wanted = Min(wanted, activation->activated_at + rule_microseconds(activation->rule->max_duration));
	if (wanted <= ends)
		return false;
	activation->expires_at = wanted;
	meet_rule(activation, ends, approved);
	return activation->expires_at > ends;
}

/* True if the set is active already; then a longer duration, if one is given, extends it. */
static bool
find_active(Activation *activation)
{
	Datum		values[5] = {
		UUIDPGetDatum(&activation->session_id), Int32GetDatum(activation->set_id),
		Int64GetDatum(activation->assignment_id), TimestampTzGetDatum(activation->now), TimestampTzGetDatum(activation->since)
	};
	bool		nulls[5] = {false};
	TimestampTz ends;
	Datum		before_commit;
	bool		isnull;

	if (owner_execute(&select_active, values, NULL) == 0)
		return false;
	activation->already_active = true;
	activation->activated_at = DatumGetTimestampTz(owner_result(1, &isnull));
	ends = DatumGetTimestampTz(owner_result(2, &isnull));
	activation->activation_id = DatumGetInt64(owner_result(3, &isnull));
	before_commit = owner_result(4, &isnull);
	values[4] = isnull ? TimestampTzGetDatum(ends) : before_commit;
	nulls[4] = isnull && !is_single_use(activation);
	if (activation->duration == NULL || !extend(activation, ends))
	{
		activation->expires_at = ends;
		return true;
	}
	values[2] = TimestampTzGetDatum(activation->expires_at);
	values[3] = Int64GetDatum(activation->assignment_id);
	audit_actor(&activation->acting);
	if (owner_execute(&extend_activation, values, nulls) == 0)
		return false;			/* ended or extended meanwhile */
	note(activation, true);
	return true;
}

/* Most sets that are activated have no row. values: as replace_activation has them. False if there is one. */
static bool
insert_row(Activation *activation, const Datum *values, const bool *nulls)
{
	static const int columns[] = {
		Anum_activation_session_id, Anum_activation_set_id, Anum_activation_assignment_id, Anum_activation_activated_at,
		Anum_activation_expires_at, Anum_activation_activated_by, Anum_activation_reason, Anum_activation_before_commit,
		Anum_activation_flow
	};
	Datum		row[ACTIVATION_COLUMNS] = {0};
	bool		row_nulls[ACTIVATION_COLUMNS] = {false};

	for (int i = 0; i < lengthof(columns); i++)
	{
		row[columns[i] - 1] = values[i];
		row_nulls[columns[i] - 1] = nulls[i];
	}
	activation->activation_id = nextval_internal(table_oid("activation_id_seq"), false);
	row[Anum_activation_activation_id - 1] = Int64GetDatum(activation->activation_id);
	row_nulls[Anum_activation_written_in - 1] = row_nulls[Anum_activation_before_commit - 1];
	if (!row_nulls[Anum_activation_written_in - 1])
		row[Anum_activation_written_in - 1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	return table_insert_new("activation", "activation_pkey", ACTIVATION_COLUMNS, row, row_nulls);
}

/* The same where there may be a row; false if it is in effect. */
static bool
replace_row(Activation *activation, Datum *values, const bool *nulls)
{
	bool		isnull;

	session_keep(&activation->session_id);
	if (owner_execute(&replace_activation, values, nulls) == 0)
		return false;
	activation->activation_id = DatumGetInt64(owner_result(1, &isnull));
	return true;
}

/* False if another backend was faster. */
static bool
insert_new(Activation *activation)
{
	Datum		values[10] = {
		UUIDPGetDatum(&activation->session_id), Int32GetDatum(activation->set_id), Int64GetDatum(activation->assignment_id),
		TimestampTzGetDatum(activation->now)
	};
	bool		nulls[10] = {false};
	SessionEntry *actor;

	meet_rule(activation, DT_NOBEGIN, false);
	values[4] = TimestampTzGetDatum(activation->expires_at);
	nulls[5] = session_current(&actor) != SESSION_LIVE;
	if (!nulls[5])
		values[5] = CStringGetTextDatum(actor->user_name);
	nulls[6] = activation->reason == NULL;
	if (!nulls[6])
		values[6] = CStringGetTextDatum(activation->reason);
	values[7] = TimestampTzGetDatum(activation->now);
	nulls[7] = !is_single_use(activation);
	nulls[8] = activation->flow == NULL;
	if (!nulls[8])
		values[8] = CStringGetTextDatum(activation->flow);
	values[9] = TimestampTzGetDatum(activation->since);
	audit_actor(&activation->acting);
	if (!insert_row(activation, values, nulls) && !replace_row(activation, values, nulls))
		return false;
	activation->already_active = false;
	activation->activated_at = activation->now;
	note(activation, false);
	return true;
}

static void
activate(Activation *activation)
{
	OwnerState	state;

	if (!activation->activation_required)
	{
		activation->already_active = true;
		activation->expires_at = activation->outer_end;
		ereport(NOTICE,
				(errmsg("permission set \"%s\" needs no activation", activation->set_name)));
		return;
	}
	owner_begin(&state);
	if (activation->activated || activation->rule != NULL || !insert_new(activation))
	{
		session_keep(&activation->session_id);
		while (!find_active(activation) && !insert_new(activation))
			CHECK_FOR_INTERRUPTS();
	}
	owner_end(&state);
	session_note_change();
	if (activation->is_test)
		return;
	ereport(NOTICE,
			(errmsg("permission set \"%s\" is %sactive until %s", activation->set_name,
					activation->already_active ? "already " : "", time_text(activation->expires_at)),
			 activation->written && is_single_use(activation) ?
			 errdetail("It takes effect when the transaction is committed.") : 0));
}

static void
return_row(FunctionCallInfo fcinfo, const Activation *activation)
{
	Datum		values[5];
	bool		nulls[5] = {false};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	values[0] = UUIDPGetDatum(&activation->session_id);
	values[1] = CStringGetTextDatum(activation->set_name);
	values[2] = TimestampTzGetDatum(activation->activated_at);
	nulls[2] = activation->activated_at == 0;
	values[3] = TimestampTzGetDatum(activation->expires_at);
	values[4] = BoolGetDatum(activation->already_active);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * It may have waited for another backend, while the session ended or the assignment went. (An activation of that kind
 * grants nothing; but its maker should not be told otherwise.)
 */
static void
check_still_permitted(const Activation *activation)
{
	SessionEntry *entry = session_find(&activation->session_id);

	if (entry == NULL)
		session_raise_invalid();
	(void) activation_require_assigned(entry, activation->set_id, activation->set_name);
}

/* Whether the rule lets the set be activated without approval. */
static void
check_break_glass(const Activation *activation)
{
	if (activation_is_blank(activation->reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reason must be given"),
				 errhint("It is what those who review will read.")));
	if (activation->rule != NULL && activation->rule->break_glass)
		return;
	session_log_refusal("activate", psprintf("the activation rule of permission set \"%s\" does not allow it without approval",
											 activation->set_name));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission set \"%s\" cannot be activated by breaking the glass", activation->set_name),
			 errdetail("Its activation rule does not provide for emergencies."),
			 errhint("Use spsa_activate(), after spsa_request_activation() where approval is required.")));
}

/* Tests are about what a set grants, not about how to come by it. */
static const Rule *
rule_for(const ActivationWish *wish)
{
	return wish->is_test ? NULL : rule_read(wish->set_id);
}

/* Activates a set for a session. That the caller may, the caller has seen to; all else is asked here. */
static Activation
carry_out(SessionEntry *entry, const ActivationWish *wish)
{
	Activation	activation = {0};
	const SetState *set;

	activation.set_id = wish->set_id;
	activation.set_name = wish->set_name;
	activation.duration = wish->duration;
	activation.reason = wish->reason;
	activation.actor = wish->actor;
	activation.break_glass = wish->break_glass;
	activation.flow = wish->flow;
	activation.is_test = wish->is_test;

	if (wish->reason != NULL && strlen(wish->reason) > ACTIVATION_MAX_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the reason is longer than %d bytes", ACTIVATION_MAX_TEXT)));
	(void) activation_require_assigned(entry, wish->set_id, wish->set_name);
	if (wish->duration != NULL)
		activation_check_duration(wish->duration);
	activation.rule = rule_for(wish);
	if (effective_may_conflict(entry) || activation.rule != NULL)
	{
		entry = wait_for_others(entry);
		activation.rule = rule_for(wish);
	}
	if (effective_may_conflict(entry))
		activation_check_exclusions(entry, wish->set_id);
	set = activation_require_assigned(entry, wish->set_id, wish->set_name);
	PreventCommandIfReadOnly("spsa_activate()");
	activation.now = GetCurrentTimestamp();
	if (activation.break_glass)
		check_break_glass(&activation);
	activation.outer_end = outer_end(entry, set);
	activation.expires_at = Min(activation.outer_end, rule_end(activation.rule, activation.duration, activation.now));
	activation.session_id = entry->session_id;
	activation.user_id = entry->user_id;
	activation.user_name = pstrdup(entry->user_name);
	activation.activated = set->activated;
	activation.since = set->activated ? DT_NOBEGIN : set->member_since;
	activation.assignment_id = set->activated ? set->activated_under : set->assignment_id;
	activation.activation_required = set->activation_required;
	activate(&activation);
	if (GetCurrentTimestamp() > activation.now + LONG_WAIT)
		check_still_permitted(&activation);
	return activation;
}

/*
 * The same for C: false if the set needs no activation. The actor is who the caller says: a flow, or what
 * activation_actor() gives.
 */
bool
activation_make(SessionEntry *entry, const ActivationWish *wish)
{
	return carry_out(entry, wish).activated_at != 0;
}

/* The same for a step of a flow. */
bool
activation_make_by_flow(SessionEntry *entry, const ActivationWish *wish, bool *already_active, TimestampTz *expires_at)
{
	Activation	activation = carry_out(entry, wish);

	*already_active = activation.already_active;
	*expires_at = activation.expires_at;
	return activation.activated_at != 0;
}

/* The arguments from the set on are the same in both forms. */
static void
activate_for(FunctionCallInfo fcinfo, SessionEntry *entry, int first)
{
	ActivationWish wish = {.set_id = activation_set_argument(fcinfo, first, entry)};
	Activation	activation;

	wish.set_name = text_to_cstring(PG_GETARG_TEXT_PP(first));
	wish.duration = PG_ARGISNULL(first + 1) ? NULL : PG_GETARG_INTERVAL_P(first + 1);
	wish.reason = PG_ARGISNULL(first + 2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(first + 2));
	wish.actor = activation_actor(&entry);
	activation = carry_out(entry, &wish);
	return_row(fcinfo, &activation);
}

/* SQL: spsa_activate(uuid, text, interval, text) */
PG_FUNCTION_INFO_V1(spsa_activate);
Datum
spsa_activate(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	activate_for(fcinfo, activation_session_argument(fcinfo, 0, ACL_INSERT), 1);
	return (Datum) 0;
}

/* SQL: spsa_break_glass(uuid, text, text, interval) */
PG_FUNCTION_INFO_V1(spsa_break_glass);
Datum
spsa_break_glass(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = activation_session_argument(fcinfo, 0, ACL_INSERT);
	ActivationWish wish = {.set_id = activation_set_argument(fcinfo, 1, entry),.break_glass = true};
	Activation	activation;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	wish.set_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	wish.reason = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	wish.duration = PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3);
	wish.actor = activation_actor(&entry);
	activation = carry_out(entry, &wish);
	return_row(fcinfo, &activation);
	return (Datum) 0;
}

/* SQL: spsa_activate_own(text, interval, text) */
PG_FUNCTION_INFO_V1(spsa_activate_own);
Datum
spsa_activate_own(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	activate_for(fcinfo, session_require(), 0);
	return (Datum) 0;
}

static char *
flow_detail(const char *flow)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"flow\": ");
	escape_json(&detail, flow);
	appendStringInfoChar(&detail, '}');
	return detail.data;
}

/* Ends the activation of one set (as it stands), or of all (0); the number of those that were active. */
static int
deactivate(SessionEntry *entry, int32 set_id, const SetState *set, const char *flow)
{
	Activation	ended = {0};
	AuditEvent	event = {"deactivate"};
	AuditActor	actor;
	bool		group = set != NULL && set->definition->kind == KIND_GROUP;
	Datum		values[3];
	bool		nulls[3] = {false, set_id == 0, !group};
	char	  **names;
	int			rows;
	int			count = 0;
	bool		isnull;
	OwnerState	state;

	PreventCommandIfReadOnly("spsa_deactivate()");
	ended.session_id = entry->session_id;
	ended.user_name = pstrdup(entry->user_name);
	values[0] = UUIDPGetDatum(&ended.session_id);
	values[1] = Int32GetDatum(set_id);
	values[2] = Int64GetDatum(group ? set->assignment_id : 0);
	owner_begin(&state);
	session_keep(&ended.session_id);
	audit_actor(&actor);
	event.actor = &actor;
	rows = owner_execute(&end_activations, values, nulls);
	names = palloc(sizeof(char *) * (rows + 1));
	for (int i = 0; i < rows; i++)
	{
		if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull)))
			names[count++] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	}
	event.detail = flow == NULL ? NULL : flow_detail(flow);
	for (int i = 0; i < count; i++)
	{
		event.session_id = &ended.session_id;
		event.user_name = ended.user_name;
		event.set_name = names[i];
		audit_record(&event);
	}
	owner_end(&state);
	session_note_change();
	return count;
}

/* The transaction's snapshot does not show what is in effect. */
static void
raise_concurrent(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to a concurrent activation"),
			 errhint("Retry the transaction.")));
}

/*
 * Under REPEATABLE READ the statement may have missed what another backend has activated since: asked again under a fresh
 * snapshot. set_id 0: all. group_assignment: the assignment of a group whose members end with it, or 0.
 */
static void
check_ended(const pg_uuid_t *session_id, int32 set_id, int64 group_assignment)
{
	SessionEntry *entry;

	if (!IsolationUsesXactSnapshot())
		return;
	entry = session_find(session_id);
	if (entry != NULL && effective_is_activated(entry, set_id, group_assignment))
		raise_concurrent();
}

/* Deactivates a set for a session that the caller may manage; false if it was not active. flow: that does it, or NULL. */
bool
activation_cancel(SessionEntry *entry, int32 set_id, const char *name, const char *flow)
{
	const SetState *set = effective_way(entry, set_id);
	pg_uuid_t	session_id = entry->session_id;
	int			count;
	int64		group_assignment = set != NULL && set->definition->kind == KIND_GROUP ? set->assignment_id : 0;

	if (set != NULL && set->active && !set->activation_required)
	{
		ereport(NOTICE,
				(errmsg("permission set \"%s\" needs no activation and stays in effect", name)));
		return false;
	}
	count = deactivate(entry, set_id, set, flow);
	check_ended(&session_id, set_id, group_assignment);
	if (count > 0)
		return true;
	ereport(NOTICE,
			(errmsg("permission set \"%s\" is not active", name)));
	return false;
}

static bool
deactivate_set(FunctionCallInfo fcinfo, SessionEntry *entry, int argument)
{
	int32		set_id = activation_set_argument(fcinfo, argument, entry);

	return activation_cancel(entry, set_id, text_to_cstring(PG_GETARG_TEXT_PP(argument)), NULL);
}

/* SQL: spsa_deactivate(uuid, text) */
PG_FUNCTION_INFO_V1(spsa_deactivate);
Datum
spsa_deactivate(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(deactivate_set(fcinfo, activation_session_argument(fcinfo, 0, ACL_DELETE), 1));
}

/* SQL: spsa_deactivate_own(text) */
PG_FUNCTION_INFO_V1(spsa_deactivate_own);
Datum
spsa_deactivate_own(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(deactivate_set(fcinfo, session_require(), 0));
}

/* SQL: spsa_deactivate_all(uuid) */
PG_FUNCTION_INFO_V1(spsa_deactivate_all);
Datum
spsa_deactivate_all(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = activation_session_argument(fcinfo, 0, ACL_DELETE);
	pg_uuid_t	session_id = entry->session_id;
	int			ended = deactivate(entry, 0, NULL, NULL);

	check_ended(&session_id, 0, 0);
	PG_RETURN_INT32(ended);
}
