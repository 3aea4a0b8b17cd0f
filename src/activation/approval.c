/* approval.c - requests to activate, what others decide on them, and the use of an approval.
 *
 * Invariants: nobody decides on a request that is for them or that they have made, under whatever user they act (a session
 * may be one in which somebody acts as its user), and nobody counts twice. A request leads to an activation only while the
 * assignment under which it was made is there and its user is active, and while it has as many approvals as the rule
 * requires at that time. An approval is used once: its row goes to "used" in the transaction of the activation, and the
 * activation is in effect only once that is committed (grant/effective.c), so that ROLLBACK gives back the approval but
 * nothing was seen with it.
 *
 * Locking: who decides, cancels or uses locks the request's row first and looks at its state after that, under a snapshot of
 * then. Requests have no foreign keys and block no revocation.
 *
 * Durations are stored in hours, without days and months: their sum with a time depends on nobody's time zone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "activation/activate.h"
#include "activation/approval.h"
#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"
#include "grant/effective.h"

#define MAX_LIFETIME (30 * USECS_PER_DAY)

#define CLOCK "pg_catalog.clock_timestamp()"

/* Of a request r: that its user could activate the set now, as far as assignments say. */
#define ELIGIBLE \
	"EXISTS (SELECT FROM spsa.assignment g JOIN spsa.app_user u ON u.user_id = g.user_id" \
	" WHERE g.assignment_id = r.assignment_id AND g.user_id = r.user_id AND u.is_active" \
	" AND g.starts_at <= " CLOCK " AND (g.expires_at IS NULL OR g.expires_at > " CLOCK ")" \
	" AND (g.set_id = r.set_id OR EXISTS (SELECT FROM spsa.group_member m" \
	" WHERE m.group_id = g.set_id AND m.member_id = r.set_id)))"

#define GIVEN \
	"(SELECT pg_catalog.count(*)::pg_catalog.int4 FROM spsa.activation_decision d" \
	" WHERE d.request_id = r.request_id AND d.decision = 'approved')"

/* ---- using an approval ---- */

static OwnerStatement select_state = {
	"SELECT r.state = 'approved' AND " GIVEN " >= $3, " GIVEN " FROM spsa.activation_request r"
	" WHERE r.user_id = $1 AND r.set_id = $2 AND r.state IN ('pending', 'approved') AND r.expires_at > " CLOCK
	" AND " ELIGIBLE " ORDER BY 1 DESC, 2 DESC LIMIT 1",
	3, {INT8OID, INT4OID, INT4OID}
};

/* $5: only one that lasts longer than until then. */
static OwnerStatement use_request = {
	"UPDATE spsa.activation_request q SET state = 'used', used_at = $4 FROM (SELECT r.request_id"
	" FROM spsa.activation_request r WHERE r.user_id = $1 AND r.set_id = $2 AND r.state = 'approved'"
	" AND r.expires_at > " CLOCK " AND (r.duration IS NULL OR $4 + r.duration > $5) AND " GIVEN " >= $3 AND " ELIGIBLE
	" ORDER BY r.expires_at, r.request_id LIMIT 1 FOR UPDATE OF r) x WHERE q.request_id = x.request_id"
	" RETURNING q.request_id, q.duration",
	5, {INT8OID, INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static OwnerStatement link_request = {
	"UPDATE spsa.activation_request r SET activation_id = $2 WHERE r.request_id = $1", 2, {UUIDOID, INT8OID}
};

static OwnerStatement select_until = {
	"SELECT pg_catalog.max(COALESCE(r.used_at + r.duration, 'infinity')) FROM spsa.activation_request r"
	" WHERE r.activation_id = $1 AND r.state = 'used'",
	1, {INT8OID}
};

/* The best request of a user, and how many have approved it. */
ApprovalState
approval_state(int64 user_id, int32 set_id, int required, int *given)
{
	Datum		values[3] = {Int64GetDatum(user_id), Int32GetDatum(set_id), Int32GetDatum(required)};
	ApprovalState result = APPROVAL_NONE;
	bool		isnull;
	OwnerState	state;

	*given = 0;
	owner_begin_latest(&state);
	if (owner_execute(&select_state, values, NULL) > 0)
	{
		result = DatumGetBool(owner_result(1, &isnull)) ? APPROVAL_READY : APPROVAL_PENDING;
		*given = DatumGetInt32(owner_result(2, &isnull));
	}
	owner_end(&state);
	return result;
}

/* Uses up an approval that lasts beyond a moment; false if there is none. Memory is the caller's. */
bool
approval_use(int64 user_id, int32 set_id, int required, TimestampTz now, TimestampTz beyond, Approval *approval)
{
	Datum		values[5] = {
		Int64GetDatum(user_id), Int32GetDatum(set_id), Int32GetDatum(required), TimestampTzGetDatum(now), TimestampTzGetDatum(beyond)
	};
	MemoryContext context = CurrentMemoryContext;
	bool		found;
	bool		isnull;
	Datum		duration;
	OwnerState	state;

	owner_begin_latest(&state);
	found = owner_execute(&use_request, values, NULL) > 0;
	if (found)
	{
		approval->request_id = *DatumGetUUIDP(owner_result(1, &isnull));
		duration = owner_result(2, &isnull);
		approval->duration = isnull ? NULL :
			memcpy(MemoryContextAlloc(context, sizeof(Interval)), DatumGetIntervalP(duration), sizeof(Interval));
	}
	owner_end(&state);
	return found;
}

void
approval_link(const Approval *approval, int64 activation_id)
{
	Datum		values[2] = {UUIDPGetDatum(&approval->request_id), Int64GetDatum(activation_id)};
	OwnerState	state;

	owner_begin_latest(&state);
	owner_execute(&link_request, values, NULL);
	owner_end(&state);
}

/* Until when the approvals that an activation has used let it last; DT_NOBEGIN: it has used none. */
TimestampTz
approval_until(int64 activation_id)
{
	Datum		value = Int64GetDatum(activation_id);
	TimestampTz until = DT_NOBEGIN;
	bool		isnull;
	OwnerState	state;

	owner_begin_latest(&state);
	owner_execute(&select_until, &value, NULL);
	value = owner_result(1, &isnull);
	if (!isnull)
		until = DatumGetTimestampTz(value);
	owner_end(&state);
	return until;
}

/* ---- requests ---- */

typedef struct Request
{
	pg_uuid_t	request_id;
	int64		user_id;
	int32		set_id;
	char	   *user_name;		/* NULL: gone */
	char	   *set_name;		/* NULL: gone */
	char	   *requested_by;	/* NULL: an administrator */
	char	   *state;			/* as it is by the clock */
	bool		eligible;
	int			given;			/* approvals */
} Request;

static OwnerStatement expire_requests = {
	"UPDATE spsa.activation_request r SET state = 'expired'"
	" WHERE r.user_id = $1 AND r.set_id = $2 AND r.state = 'pending' AND r.expires_at <= " CLOCK,
	2, {INT8OID, INT4OID}
};

static OwnerStatement insert_request = {
	"INSERT INTO spsa.activation_request (user_id, set_id, assignment_id, reason, duration, requested_by, expires_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, set_id) WHERE state = 'pending' DO NOTHING RETURNING request_id",
	7, {INT8OID, INT4OID, INT8OID, TEXTOID, INTERVALOID, TEXTOID, TIMESTAMPTZOID}
};

#define SELECT_REQUEST \
	"SELECT r.user_id, r.set_id, (SELECT u.user_name FROM spsa.app_user u WHERE u.user_id = r.user_id)," \
	" (SELECT s.set_name FROM spsa.permission_set s WHERE s.set_id = r.set_id), r.requested_by," \
	" CASE WHEN r.state IN ('pending', 'approved') AND r.expires_at <= " CLOCK " THEN 'expired' ELSE r.state END," \
	" " ELIGIBLE ", " GIVEN " FROM spsa.activation_request r WHERE r.request_id = $1"

static OwnerStatement select_request = {SELECT_REQUEST, 1, {UUIDOID}};

static OwnerStatement lock_request = {
	"SELECT FROM spsa.activation_request r WHERE r.request_id = $1 FOR UPDATE", 1, {UUIDOID}
};

static OwnerStatement set_state = {
	"UPDATE spsa.activation_request r SET state = $2 WHERE r.request_id = $1", 2, {UUIDOID, TEXTOID}
};

static OwnerStatement insert_decision = {
	"INSERT INTO spsa.activation_decision AS d (request_id, approver_id, decision, decided_by, comment)"
	" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request_id, approver_id)"
	" DO UPDATE SET decision = excluded.decision, decided_at = excluded.decided_at, comment = excluded.comment"
	" WHERE d.decision <> excluded.decision",
	5, {UUIDOID, INT8OID, TEXTOID, TEXTOID, TEXTOID}
};

static OwnerStatement select_decided = {
	"SELECT FROM spsa.activation_decision d WHERE d.request_id = $1 AND d.approver_id <> $2 AND d.decided_by = $3",
	3, {UUIDOID, INT8OID, TEXTOID}
};

static char *
text_result(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

/* Between owner_begin_latest() and owner_end(). False if there is none. */
static bool
read_request(const pg_uuid_t *request_id, Request *request)
{
	Datum		value = UUIDPGetDatum(request_id);
	bool		isnull;

	request->request_id = *request_id;
	if (owner_execute(&select_request, &value, NULL) == 0)
		return false;
	request->user_id = DatumGetInt64(owner_result(1, &isnull));
	request->set_id = DatumGetInt32(owner_result(2, &isnull));
	request->user_name = text_result(3);
	request->set_name = text_result(4);
	request->requested_by = text_result(5);
	request->state = text_result(6);
	request->eligible = DatumGetBool(owner_result(7, &isnull));
	request->given = DatumGetInt32(owner_result(8, &isnull));
	return true;
}

static void
lock(const pg_uuid_t *request_id)
{
	Datum		value = UUIDPGetDatum(request_id);

	owner_execute(&lock_request, &value, NULL);
}

static void
change_state(const Request *request, const char *new_state)
{
	Datum		values[2] = {UUIDPGetDatum(&request->request_id), CStringGetTextDatum(new_state)};

	owner_execute(&set_state, values, NULL);
}

static void
append_text(StringInfo detail, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(detail, ", \"%s\": ", name);
	escape_json(detail, value);
}

static char *
uuid_text(const pg_uuid_t *uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(uuid)));
}

static void
record(const char *name, const Request *request, const char *remark_name, const char *remark, int required)
{
	AuditEvent	event = {name, NULL, request->user_name, request->set_name};
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"request_id\": \"%s\"", uuid_text(&request->request_id));
	append_text(&detail, remark_name, remark);
	if (required > 0)
		appendStringInfo(&detail, ", \"approvals\": %d, \"required\": %d", request->given, required);
	appendStringInfoChar(&detail, '}');
	event.detail = detail.data;
	audit_record(&event);
}

/* ---- asking ---- */

/* What a request says, checked. */
typedef struct Asking
{
	char	   *reason;
	Interval   *duration;		/* NULL: as long as the rule allows */
	int64		lifetime;
} Asking;

static void
refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

static Asking
asking_arguments(FunctionCallInfo fcinfo)
{
	Asking		asking = {0};

	if (PG_ARGISNULL(2))
		refuse_null("reason");
	if (PG_ARGISNULL(4))
		refuse_null("lifetime");
	asking.reason = activation_text_argument(fcinfo, 2, "reason");
	if (activation_is_blank(asking.reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reason must be given"),
				 errhint("It is what those who approve will read.")));
	asking.duration = PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3);
	if (asking.duration != NULL)
		activation_check_duration(asking.duration);
	activation_check_duration(PG_GETARG_INTERVAL_P(4));
	asking.lifetime = rule_microseconds(PG_GETARG_INTERVAL_P(4));
	if (asking.lifetime > MAX_LIFETIME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a request cannot live longer than 30 days")));
	return asking;
}

/* The duration that others are asked for: in hours, and no more than the rule allows; NULL: no limit. */
static Interval *
asked_duration(const Rule *rule, const Interval *duration)
{
	Interval   *result;
	int64		most = rule->max_duration == NULL ? PG_INT64_MAX : rule_microseconds(rule->max_duration);

	if (duration == NULL && rule->max_duration == NULL)
		return NULL;
	result = palloc0(sizeof(Interval));
	result->time = duration == NULL ? most : Min(most, rule_microseconds(duration));
	return result;
}

static Rule *
rule_with_approvals(int32 set_id, const char *set_name)
{
	Rule	   *rule = rule_read(set_id);

	if (rule == NULL || rule->approvals_required == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("permission set \"%s\" needs no approval", set_name),
				 errhint("Activate it with spsa_activate().")));
	return rule;
}

/* Between owner_begin_latest() and owner_end(). */
static void
store_request(Request *request, const Asking *asking, const Rule *rule, int64 assignment_id)
{
	Datum		keys[2] = {Int64GetDatum(request->user_id), Int32GetDatum(request->set_id)};
	Interval   *duration = asked_duration(rule, asking->duration);
	Datum		values[7];
	bool		nulls[7] = {false, false, false, false, duration == NULL, request->requested_by == NULL, false};
	bool		isnull;

	owner_execute(&expire_requests, keys, NULL);
	values[0] = keys[0];
	values[1] = keys[1];
	values[2] = Int64GetDatum(assignment_id);
	values[3] = CStringGetTextDatum(asking->reason);
	values[4] = IntervalPGetDatum(duration);
	values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(request->requested_by);
	values[6] = TimestampTzGetDatum(GetCurrentTimestamp() + asking->lifetime);
	if (owner_execute(&insert_request, values, nulls) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("a request to activate permission set \"%s\" is pending already", request->set_name),
				 errhint("Wait for its approval, or withdraw it with spsa_cancel_activation().")));
	request->request_id = *DatumGetUUIDP(owner_result(1, &isnull));
	record("activation_requested", request, "reason", asking->reason, 0);
}

/* SQL: spsa_request_activation(uuid, text, text, interval, interval) */
PG_FUNCTION_INFO_V1(spsa_request_activation);
Datum
spsa_request_activation(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = activation_session_argument(fcinfo, 0, ACL_INSERT);
	Request		request = {.set_id = activation_set_argument(fcinfo, 1, NULL)};
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));
	pg_uuid_t	session_id = entry->session_id;
	const SetState *set;
	int64		assignment_id;
	Asking		asking;
	Rule	   *rule;
	OwnerState	state;

	request.set_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	request.requested_by = activation_person();
	entry = session_find(&session_id);
	if (entry == NULL)
		session_raise_invalid();
	set = activation_assigned(entry, request.set_id, request.set_name);
	assignment_id = set->assignment_id;
	request.user_id = entry->user_id;
	request.user_name = pstrdup(entry->user_name);
	if (!set->activation_required)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("permission set \"%s\" needs no activation", request.set_name)));
	rule = rule_with_approvals(request.set_id, request.set_name);
	asking = asking_arguments(fcinfo);
	PreventCommandIfReadOnly("spsa_request_activation()");
	owner_begin_latest(&state);
	store_request(&request, &asking, rule, assignment_id);
	owner_end(&state);
	*result = request.request_id;
	PG_RETURN_UUID_P(result);
}

/* ---- deciding ---- */

/* Who decides, copied from the session. */
typedef struct Approver
{
	int64		user_id;
	char	   *user_name;
	char	   *acting;
} Approver;

static void
refuse_decision(const char *reason, const char *message, const char *hint)
{
	session_log_refusal("decide on a request", reason);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s", message),
			 hint != NULL ? errhint("%s", hint) : 0));
}

/* Whether the attached session may decide on requests for a set (NULL: there is none). Whoever may not learns nothing of it. */
static Approver
require_approver(const Request *request)
{
	Rule	   *rule = request == NULL ? NULL : rule_read(request->set_id);
	SessionEntry *entry = session_require();
	Approver	approver;

	if (session_is_test())
		refuse_decision("the transaction has used spsa_test_as()", "permission denied for activation request",
						"A test decides nothing: the request would outlast it.");
	if (!effective_authority(entry, PERMISSION_APPROVE_ACTIVATIONS) &&
		(entry->has_parent || rule == NULL || rule->approver_set == 0 || !effective_has_set(entry, rule->approver_set)))
		refuse_decision("the session may not approve", "permission denied for activation request",
						"It takes the custom permission approve_activations, or the permission set that the rule names as approver_set, in effect in the session.");
	approver.user_id = entry->user_id;
	approver.user_name = pstrdup(entry->user_name);
	approver.acting = pstrdup(entry->actor != NULL ? entry->actor : entry->user_name);
	return approver;
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Neither for oneself, nor what one has asked for, nor as somebody else. */
static void
require_another(const Request *request, const Approver *approver)
{
	if (approver->user_id == request->user_id || same(approver->acting, request->user_name) ||
		same(approver->acting, request->requested_by) || same(approver->user_name, request->requested_by))
		refuse_decision("the request is the approver's own", "nobody decides on a request of their own", "Somebody else must.");
}

/* The request, locked, and who decides, as both are then. Between owner_begin_latest() and owner_end(). */
static Approver
begin_decision(FunctionCallInfo fcinfo, Request *request)
{
	Approver	approver;
	bool		found;

	if (PG_ARGISNULL(0))
		refuse_null("request");
	found = read_request(PG_GETARG_UUID_P(0), request);
	(void) require_approver(found ? request : NULL);
	if (found)
	{
		lock(PG_GETARG_UUID_P(0));
		found = read_request(PG_GETARG_UUID_P(0), request);
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no such activation request")));
	approver = require_approver(request);
	require_another(request, &approver);
	return approver;
}

static void
refuse_state(const Request *request)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the activation request is %s", request->state),
			 errhint("The user can make another one.")));
}

/* False if the same has been decided by the same user before. */
static bool
decide(const Request *request, const Approver *approver, const char *decision, const char *comment)
{
	Datum		values[5];
	bool		nulls[5] = {false, false, false, false, comment == NULL};
	Datum		person[3];

	values[0] = person[0] = UUIDPGetDatum(&request->request_id);
	values[1] = person[1] = Int64GetDatum(approver->user_id);
	values[2] = CStringGetTextDatum(decision);
	values[3] = person[2] = CStringGetTextDatum(approver->acting);
	values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(comment);
	if (owner_execute(&select_decided, person, NULL) > 0)
		refuse_decision("the approver has decided already as another user", "nobody decides twice on a request", NULL);
	return owner_execute(&insert_decision, values, nulls) > 0;
}

/* SQL: spsa_approve_activation(uuid, text) */
PG_FUNCTION_INFO_V1(spsa_approve_activation);
Datum
spsa_approve_activation(PG_FUNCTION_ARGS)
{
	char	   *comment = activation_text_argument(fcinfo, 1, "comment");
	Request		request;
	Approver	approver;
	Rule	   *rule;
	OwnerState	state;

	PreventCommandIfReadOnly("spsa_approve_activation()");
	owner_begin_latest(&state);
	approver = begin_decision(fcinfo, &request);
	if (strcmp(request.state, "pending") != 0 && strcmp(request.state, "approved") != 0)
		refuse_state(&request);
	rule = request.set_name == NULL ? NULL : rule_with_approvals(request.set_id, request.set_name);
	if (rule == NULL || !request.eligible)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the user of the request cannot activate the permission set any more"),
				 errdetail("The user is disabled, or the assignment under which the request was made is gone or over.")));
	if (decide(&request, &approver, "approved", comment))
	{
		request.given++;
		record("activation_approved", &request, "comment", comment, rule->approvals_required);
	}
	if (request.given >= rule->approvals_required && strcmp(request.state, "pending") == 0)
		change_state(&request, "approved");
	owner_end(&state);
	PG_RETURN_INT32(Max(rule->approvals_required - request.given, 0));
}

/* SQL: spsa_deny_activation(uuid, text) */
PG_FUNCTION_INFO_V1(spsa_deny_activation);
Datum
spsa_deny_activation(PG_FUNCTION_ARGS)
{
	char	   *comment = activation_text_argument(fcinfo, 1, "comment");
	Request		request;
	Approver	approver;
	OwnerState	state;

	PreventCommandIfReadOnly("spsa_deny_activation()");
	owner_begin_latest(&state);
	approver = begin_decision(fcinfo, &request);
	if (strcmp(request.state, "pending") != 0 && strcmp(request.state, "approved") != 0)
		refuse_state(&request);
	(void) decide(&request, &approver, "denied", comment);
	change_state(&request, "denied");
	record("activation_denied", &request, "comment", comment, 0);
	owner_end(&state);
	PG_RETURN_VOID();
}

/* ---- withdrawing ---- */

/* Whether the caller may withdraw a request: its user, in any session but a derived one, or an administrator. */
static bool
may_cancel(const Request *request)
{
	SessionEntry *entry;
	SessionState current;

	AcceptInvalidationMessages();
	current = session_current(&entry);
	if (current == SESSION_LIVE && entry->user_id == request->user_id && !entry->has_parent)
		return true;
	if (pg_class_aclcheck(table_oid("activation_request"), GetUserId(), ACL_UPDATE) == ACLCHECK_OK)
		return true;
	if (current == SESSION_OVER)
		session_raise_invalid();
	return false;
}

/* SQL: spsa_cancel_activation(uuid) */
PG_FUNCTION_INFO_V1(spsa_cancel_activation);
Datum
spsa_cancel_activation(PG_FUNCTION_ARGS)
{
	Request		request;
	bool		found;
	bool		open;
	OwnerState	state;

	if (PG_ARGISNULL(0))
		refuse_null("request");
	PreventCommandIfReadOnly("spsa_cancel_activation()");
	owner_begin_latest(&state);
	found = read_request(PG_GETARG_UUID_P(0), &request);
	owner_end(&state);
	if (!found || !may_cancel(&request))
		refuse_decision("the request is not the session's", "permission denied for activation request", NULL);
	owner_begin_latest(&state);
	lock(PG_GETARG_UUID_P(0));
	open = read_request(PG_GETARG_UUID_P(0), &request) &&
		(strcmp(request.state, "pending") == 0 || strcmp(request.state, "approved") == 0);
	if (open)
	{
		change_state(&request, "cancelled");
		record("activation_cancelled", &request, NULL, NULL, 0);
	}
	owner_end(&state);
	PG_RETURN_BOOL(open);
}

/* ---- reading ---- */

static OwnerStatement select_visible = {
	"SELECT r.request_id, u.user_name::pg_catalog.text, s.set_name::pg_catalog.text, r.reason, r.duration, r.state,"
	" r.requested_at, r.requested_by, r.expires_at, " GIVEN ", COALESCE(a.approvals_required, 0)"
	" FROM spsa.activation_request r JOIN spsa.app_user u ON u.user_id = r.user_id"
	" JOIN spsa.permission_set s ON s.set_id = r.set_id LEFT JOIN spsa.activation_rule a ON a.set_id = r.set_id"
	" WHERE r.state IN ('pending', 'approved') AND r.expires_at > " CLOCK
	" AND ($1 OR r.user_id = $2 OR a.approver_set = ANY ($3)) ORDER BY r.requested_at, r.request_id",
	3, {BOOLOID, INT8OID, INT4ARRAYOID}
};

static Datum
sets_in_effect(const SessionEntry *entry)
{
	List	   *sets = entry == NULL || entry->has_parent ? NIL : ((const Grants *) entry->grants)->sets;
	Datum	   *ids = palloc(sizeof(Datum) * (list_length(sets) + 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, sets)
	{
		const SetState *set = lfirst(cell);

		if (set->active)
			ids[n++] = Int32GetDatum(set->set_id);
	}
	return PointerGetDatum(construct_array(ids, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* SQL: spsa.visible_requests() */
PG_FUNCTION_INFO_V1(spsa_visible_requests);
Datum
spsa_visible_requests(PG_FUNCTION_ARGS)
{
	bool		administrator = pg_class_aclcheck(table_oid("activation_request"), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	SessionEntry *entry = activation_reading_session(administrator);
	Datum		values[3];
	bool		nulls[3] = {false, entry == NULL, false};
	OwnerState	state;

	InitMaterializedSRF(fcinfo, 0);
	values[0] = BoolGetDatum(administrator ||
							 (entry != NULL && effective_authority(entry, PERMISSION_APPROVE_ACTIVATIONS)));
	values[1] = Int64GetDatum(entry == NULL ? 0 : entry->user_id);
	values[2] = sets_in_effect(entry);
	owner_begin(&state);
	owner_read_into(&select_visible, values, nulls, ((ReturnSetInfo *) fcinfo->resultinfo)->setResult);
	owner_end(&state);
	return (Datum) 0;
}
