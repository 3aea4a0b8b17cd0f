/* break_glass.c - what an activation without approval leaves to be reviewed.
 *
 * Invariants: the row is written in the transaction of the activation, which is in effect only once that is committed.
 * Nobody reviews what they have activated themselves, or what was activated for them, under whatever user they act.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "activation/activate.h"
#include "activation/break_glass.h"
#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"
#include "grant/effective.h"
#include "identity/session.h"

static OwnerStatement insert_review = {
	"INSERT INTO spsa.break_glass_review (user_id, user_name, set_id, set_name, session_id, activation_id, activated_by,"
	" reason, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING review_id",
	9, {INT8OID, TEXTOID, INT4OID, TEXTOID, UUIDOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID}
};

static OwnerStatement select_review = {
	"SELECT r.user_id, r.user_name, r.set_name, r.activated_by, r.session_id FROM spsa.break_glass_review r"
	" WHERE r.review_id = $1",
	1, {UUIDOID}
};

static OwnerStatement update_review = {
	"UPDATE spsa.break_glass_review r SET reviewed_at = pg_catalog.clock_timestamp(), reviewed_by = $2, comment = $3"
	" WHERE r.review_id = $1 AND r.reviewed_at IS NULL",
	3, {UUIDOID, TEXTOID, TEXTOID}
};

/* Who is behind a database role: the user that logs in with it. */
static OwnerStatement select_role_user = {
	"SELECT FROM spsa.app_user u WHERE u.db_role = $1 AND (u.user_id = $2 OR u.user_name = $3)", 3, {NAMEOID, INT8OID, TEXTOID}
};

static OwnerStatement select_unreviewed = {
	"SELECT r.review_id, r.at, r.user_name, r.set_name, r.session_id, r.activated_by, r.reason, r.expires_at"
	" FROM spsa.break_glass_review r WHERE r.reviewed_at IS NULL AND ($1 OR r.user_id = $2) ORDER BY r.at, r.review_id",
	2, {BOOLOID, INT8OID}
};

static char *
uuid_text(const pg_uuid_t *uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(uuid)));
}

/* What is to be reviewed, of which activation. */
static char *
event_detail(const pg_uuid_t *review_id, const char *name, const char *value)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"review_id\": \"%s\"", uuid_text(review_id));
	if (value != NULL)
	{
		appendStringInfo(&detail, ", \"%s\": ", name);
		escape_json(&detail, value);
	}
	appendStringInfoChar(&detail, '}');
	return detail.data;
}

/* Between owner_begin() and owner_end(). */
void
break_glass_record(const BreakGlass *what)
{
	AuditEvent	event = {"break_glass", what->session_id, what->user_name, what->set_name};
	Datum		values[9];
	bool		nulls[9] = {false};
	bool		isnull;
	char	   *person = activation_person();

	values[0] = Int64GetDatum(what->user_id);
	values[1] = CStringGetTextDatum(what->user_name);
	values[2] = Int32GetDatum(what->set_id);
	values[3] = CStringGetTextDatum(what->set_name);
	values[4] = UUIDPGetDatum(what->session_id);
	values[5] = Int64GetDatum(what->activation_id);
	nulls[6] = person == NULL;
	values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(person);
	values[7] = CStringGetTextDatum(what->reason);
	values[8] = TimestampTzGetDatum(what->expires_at);
	owner_execute(&insert_review, values, nulls);
	event.detail = event_detail(DatumGetUUIDP(owner_result(1, &isnull)), "reason", what->reason);
	audit_record(&event);
}

/* ---- reviewing ---- */

/* The activation under review. */
typedef struct Review
{
	pg_uuid_t	review_id;
	int64		user_id;
	char	   *user_name;
	char	   *set_name;
	char	   *activated_by;	/* NULL: an administrator */
	pg_uuid_t	session_id;
} Review;

static bool
read_review(Review *review)
{
	Datum		value = UUIDPGetDatum(&review->review_id);
	bool		isnull;

	if (owner_execute(&select_review, &value, NULL) == 0)
		return false;
	review->user_id = DatumGetInt64(owner_result(1, &isnull));
	review->user_name = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	review->set_name = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3);
	review->activated_by = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4);
	review->session_id = *DatumGetUUIDP(owner_result(5, &isnull));
	return true;
}

static void
refuse_own(void)
{
	session_log_refusal("review an activation", "it is the reviewer's own");
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("nobody reviews an activation of their own"),
			 errhint("Somebody else must.")));
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The name under which the caller may review; who may not learns nothing. administrator: by privilege on the table. */
static char *
reviewer(bool administrator, int64 *user_id, char **user_name)
{
	SessionEntry *entry;
	SessionState state;

	*user_id = 0;
	*user_name = NULL;
	AcceptInvalidationMessages();
	state = session_current(&entry);
	if (state == SESSION_OVER && !administrator)
		session_raise_invalid();
	if (state == SESSION_LIVE && (administrator || effective_authority(entry, PERMISSION_APPROVE_ACTIVATIONS)))
	{
		*user_id = entry->user_id;
		*user_name = pstrdup(entry->user_name);
		return activation_person();
	}
	if (administrator)
		return GetUserNameFromId(GetSessionUserId(), false);
	session_log_refusal("review an activation", "the session may not approve");
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to review activations"),
			 errhint("It takes the custom permission approve_activations, in effect in the session.")));
}

/* The database role is that of the user, or of who activated. */
static bool
role_is_theirs(const Review *review)
{
	NameData	role;
	Datum		values[3];

	namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
	values[0] = NameGetDatum(&role);
	values[1] = Int64GetDatum(review->user_id);
	values[2] = CStringGetTextDatum(review->activated_by == NULL ? "" : review->activated_by);
	return owner_execute(&select_role_user, values, NULL) > 0;
}

/* SQL: spsa_review_break_glass(uuid, text) */
PG_FUNCTION_INFO_V1(spsa_review_break_glass);
Datum
spsa_review_break_glass(PG_FUNCTION_ARGS)
{
	bool		administrator = pg_class_aclcheck(table_oid("break_glass_review"), GetUserId(), ACL_UPDATE) == ACLCHECK_OK;
	AuditEvent	event = {"break_glass_reviewed"};
	Review		review;
	int64		user_id;
	char	   *user_name;
	char	   *person = reviewer(administrator, &user_id, &user_name);
	char	   *comment = activation_text_argument(fcinfo, 1, "comment");
	Datum		values[3];
	bool		nulls[3] = {false, false, comment == NULL};
	bool		changed;
	OwnerState	state;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("review must not be null")));
	PreventCommandIfReadOnly("spsa_review_break_glass()");
	review.review_id = *PG_GETARG_UUID_P(0);
	owner_begin_latest(&state);
	if (!read_review(&review))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no such review")));
	if (user_id == review.user_id || same(person, review.user_name) || same(person, review.activated_by) ||
		same(user_name, review.activated_by) || role_is_theirs(&review))
		refuse_own();
	values[0] = UUIDPGetDatum(&review.review_id);
	values[1] = CStringGetTextDatum(person);
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(comment);
	changed = owner_execute(&update_review, values, nulls) > 0;
	if (changed)
	{
		event.session_id = &review.session_id;
		event.user_name = review.user_name;
		event.set_name = review.set_name;
		event.detail = event_detail(&review.review_id, "comment", comment);
		audit_record(&event);
	}
	owner_end(&state);
	PG_RETURN_BOOL(changed);
}

/* SQL: spsa.visible_reviews() */
PG_FUNCTION_INFO_V1(spsa_visible_reviews);
Datum
spsa_visible_reviews(PG_FUNCTION_ARGS)
{
	bool		administrator = pg_class_aclcheck(table_oid("break_glass_review"), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	SessionEntry *entry = activation_reading_session(administrator);
	Datum		values[2];
	bool		nulls[2] = {false, entry == NULL};
	OwnerState	state;

	InitMaterializedSRF(fcinfo, 0);
	values[0] = BoolGetDatum(administrator ||
							 (entry != NULL && effective_authority(entry, PERMISSION_APPROVE_ACTIVATIONS)));
	values[1] = Int64GetDatum(entry == NULL ? 0 : entry->user_id);
	owner_begin(&state);
	owner_read_into(&select_unreviewed, values, nulls, ((ReturnSetInfo *) fcinfo->resultinfo)->setResult);
	owner_end(&state);
	return (Datum) 0;
}
