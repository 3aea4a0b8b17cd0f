/* step_up.c - authenticating again within a session, and second factors, from SQL.
 *
 * Invariants: a session is raised by a code of its own user's confirmed factor, or by whoever may call spsa_reauthenticate(), and
 * nothing lowers it. What was raised is transactional; what a code has cost is not (totp_factor.c). A stolen session cannot
 * give its user another factor: the first one takes a fresh authentication, the next one the first, and neither is for derived or
 * restricted sessions, or for whoever acts as the user. Nothing here waits for a transaction of the user's, but a
 * confirmation for another one. Codes reach neither log nor pg_stat_activity.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/guc.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/redact.h"
#include "identity/session.h"
#include "identity/totp_factor.h"

#define CONFIRM_WITHIN (USECS_PER_HOUR)

/* The session that asks, in memory of ours. */
typedef struct Asking
{
	pg_uuid_t	session_id;
	int64		user_id;
	char	   *user_name;
	bool		acted;			/* somebody acts as the user */
	bool		derived;
	bool		narrowed;		/* derived, or restricted to some sets */
	bool		high;
	TimestampTz authenticated_at;
} Asking;

/* What is done reaches the disk at once, also where the transaction could not commit it. */
static Asking
asking(const char *command)
{
	const SessionEntry *entry;
	Asking		result;

	PreventCommandIfReadOnly(command);
	PreventCommandDuringRecovery(command);
	entry = session_require();
	result.session_id = entry->session_id;
	result.user_id = entry->user_id;
	result.user_name = pstrdup(entry->user_name);
	result.acted = entry->actor != NULL;
	result.derived = entry->has_parent;
	result.narrowed = entry->has_parent || entry->nallowed >= 0;
	result.high = session_level_rank(entry->security_level) >= session_level_rank("high_assurance");
	result.authenticated_at = entry->authenticated_at;
	return result;
}

static void
refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

static void
refuse(const char *what, const char *message, const char *hint)
{
	session_log_refusal(what, message);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

#define STEP_UP "step up"
#define CONFIRM "confirm a second factor"
#define CHANGE "change a second factor"

static void
require_user_itself(const Asking *who, const char *what)
{
	if (who->acted)
		refuse(what, "somebody else acts as the user in this session", "The user does it in a session of its own.");
}

/* A derived session never has more than its parent, whoever has its token. */
static void
refuse_derived(bool derived, const char *what)
{
	if (derived)
		refuse(what, "the session is derived from another one",
			   "Do it in the one that it is derived from, and derive another session then.");
}

static void
require_whole_session(const Asking *who)
{
	require_user_itself(who, CHANGE);
	if (who->narrowed)
		refuse(CHANGE, "this session is derived from another one or restricted to some permission sets",
			   "The user does it in a session that is not.");
}

static void
require_level(const Asking *who)
{
	if (!who->high && totp_factor_confirmed(who->user_id) != NULL)
		refuse(CHANGE, "the session must have security level high_assurance to change the second factor",
			   "Call spsa_step_up_totp() first, or ask an administrator to remove the factor.");
}

/* Whether a session may enroll a factor for its user, or remove what there is. */
static void
require_fresh(const Asking *who)
{
	require_whole_session(who);
	require_level(who);
	if (GetCurrentTimestamp() - who->authenticated_at >= guc_totp_enroll_window * USECS_PER_SEC)
		refuse(CHANGE, "the user has authenticated too long ago to change a second factor",
			   guc_totp_enroll_window == 0 ? "An administrator does it." : "Authenticate again, or step up.");
}

static void
record(const char *name, const pg_uuid_t *session_id, const char *user_name, const char *detail)
{
	AuditEvent	event = {.event = name,.session_id = session_id,.user_name = user_name,.detail = detail};

	audit_record(&event);
}

static char *
factor_detail(int64 factor_id)
{
	return psprintf("{\"factor\": " INT64_FORMAT "}", factor_id);
}

/* ---- enrolment ---- */

/* A name that the authenticator shows, in UTF-8. */
static char *
shown_name(const char *name, const char *what)
{
	char	   *utf8 = pg_server_to_any(name, strlen(name), PG_UTF8);

	if (utf8[0] == '\0' || strlen(utf8) > TOTP_MAX_NAME || strchr(utf8, ':') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s must have 1 to %d bytes and no colon", what, TOTP_MAX_NAME),
				 errhint("It is what an authenticator shows; choose another one.")));
	return utf8;
}

static char *
text_argument(FunctionCallInfo fcinfo, int n, char *otherwise)
{
	return PG_ARGISNULL(n) ? otherwise : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Arguments from the first on: issuer, account, algorithm, digits. The URI; session_id is NULL where an administrator enrolls. */
static text *
enroll(FunctionCallInfo fcinfo, int first, int64 user_id, char *user_name, const pg_uuid_t *session_id)
{
	TotpFactor	factor = {.user_id = user_id,.period = TOTP_PERIOD};
	char	   *issuer = shown_name(text_argument(fcinfo, first, get_database_name(MyDatabaseId)), "issuer");
	char	   *account = shown_name(text_argument(fcinfo, first + 1, user_name), "account");
	char	   *uri;
	text	   *result;
	OwnerState	state;

	if (PG_ARGISNULL(first + 2))
		refuse_null("algorithm");
	if (PG_ARGISNULL(first + 3))
		refuse_null("digits");
	if (!totp_algorithm(text_to_cstring(PG_GETARG_TEXT_PP(first + 2)), &factor.algorithm))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("algorithm must be SHA1, SHA256 or SHA512")));
	factor.digits = PG_GETARG_INT32(first + 3);
	if (!totp_is_valid(&factor))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("digits must be 6 or 8")));
	owner_begin_latest(&state);
	uri = totp_factor_enroll(&factor, session_id, issuer, account);
	record("totp_enroll", session_id, user_name, factor_detail(factor.factor_id));
	owner_end(&state);
	result = cstring_to_text(uri);
	explicit_bzero(uri, strlen(uri));
	return result;
}

/* SQL: spsa_enroll_totp(text, text, text, integer) */
PG_FUNCTION_INFO_V1(spsa_enroll_totp);
Datum
spsa_enroll_totp(PG_FUNCTION_ARGS)
{
	Asking		who = asking("spsa_enroll_totp()");

	require_fresh(&who);
	PG_RETURN_TEXT_P(enroll(fcinfo, 0, who.user_id, who.user_name, &who.session_id));
}

/* The identifier of the user that the first argument names. */
static int64
user_argument(FunctionCallInfo fcinfo, char **name)
{
	Datum		user_id = (Datum) 0;
	ScanKeyData key;

	if (PG_ARGISNULL(0))
		refuse_null("user name");
	*name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	table_key(&key, Anum_app_user_user_name, F_TEXTEQ, PG_GETARG_DATUM(0));
	if (!table_find("app_user", "app_user_user_name_key", &key, Anum_app_user_user_id, &user_id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("user \"%s\" does not exist", *name)));
	return DatumGetInt64(user_id);
}

/* SQL: spsa_enroll_user_totp(text, text, text, text, integer) */
PG_FUNCTION_INFO_V1(spsa_enroll_user_totp);
Datum
spsa_enroll_user_totp(PG_FUNCTION_ARGS)
{
	char	   *name;
	int64		user_id = user_argument(fcinfo, &name);

	PreventCommandIfReadOnly("spsa_enroll_user_totp()");
	PG_RETURN_TEXT_P(enroll(fcinfo, 1, user_id, name, NULL));
}

/* The latest that this session may confirm: its own come first, and not for ever. */
static const StoredFactor *
unconfirmed(const Asking *who)
{
	const StoredFactor *found = NULL;
	ListCell   *cell;

	foreach(cell, totp_factor_list(who->user_id))
	{
		const StoredFactor *stored = lfirst(cell);

		if (stored->confirmed ||
			(stored->by_session && (memcmp(&stored->session_id, &who->session_id, UUID_LEN) != 0 ||
									GetCurrentTimestamp() - stored->enrolled_at >= CONFIRM_WITHIN)))
			continue;
		if (found == NULL || stored->by_session > found->by_session ||
			(stored->by_session == found->by_session && stored->factor.factor_id > found->factor.factor_id))
			found = stored;
	}
	return found;
}

/* The argument, which nobody is to see. */
static text *
code_argument(FunctionCallInfo fcinfo)
{
	text	   *code;

	if (PG_ARGISNULL(0))
		refuse_null("code");
	code = PG_GETARG_TEXT_PP(0);
	redact_code(VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code));
	return code;
}

/*
 * Of two sessions that confirm, the second finds the factor of the first: the lock lasts until the end of the transaction. Who
 * removes factors does not take it.
 *
 * SQL: spsa_confirm_totp(text)
 */
PG_FUNCTION_INFO_V1(spsa_confirm_totp);
Datum
spsa_confirm_totp(PG_FUNCTION_ARGS)
{
	text	   *code = code_argument(fcinfo);
	Asking		who = asking("spsa_confirm_totp()");
	const StoredFactor *stored;
	OwnerState	state;

	require_whole_session(&who);
	LockDatabaseObject(table_oid("totp_factor"), (Oid) who.user_id, 0, ExclusiveLock);
	stored = unconfirmed(&who);
	if (stored == NULL)
	{
		session_log_refusal(CONFIRM, psprintf("user \"%s\" has none that this session can confirm", who.user_name));
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no second factor that this session can confirm"),
				 errhint("Enroll one with spsa_enroll_totp().")));
	}
	if (stored->by_session)
		require_level(&who);
	totp_factor_require(stored, who.user_name, CONFIRM, code);
	owner_begin_latest(&state);
	totp_factor_confirm(stored->factor.factor_id);
	(void) totp_factor_remove(who.user_id, stored->factor.factor_id);
	record("totp_confirm", &who.session_id, who.user_name, factor_detail(stored->factor.factor_id));
	owner_end(&state);
	PG_RETURN_VOID();
}

/* ---- authenticating again ---- */

static OwnerStatement insert_authentication = {
	"INSERT INTO spsa.session_authentication (session_id, authenticated_at, security_level, method)"
	" VALUES ($1, $2, $3::spsa.security_level, $4)",
	4, {UUIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID}
};

/* Between owner_begin() and owner_end(); level may be NULL. */
static void
renew(const pg_uuid_t *session_id, TimestampTz now, const char *level, const char *method)
{
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = UUIDPGetDatum(session_id);
	values[1] = TimestampTzGetDatum(now);
	nulls[2] = level == NULL;
	values[2] = level == NULL ? (Datum) 0 : CStringGetTextDatum(level);
	values[3] = CStringGetTextDatum(method);
	owner_execute(&insert_authentication, values, nulls);
}

/* SQL: spsa_step_up_totp(text) */
PG_FUNCTION_INFO_V1(spsa_step_up_totp);
Datum
spsa_step_up_totp(PG_FUNCTION_ARGS)
{
	text	   *code = code_argument(fcinfo);
	Asking		who = asking("spsa_step_up_totp()");
	const StoredFactor *stored;
	TimestampTz now;
	OwnerState	state;

	require_user_itself(&who, STEP_UP);
	refuse_derived(who.derived, STEP_UP);
	stored = totp_factor_confirmed(who.user_id);
	if (stored == NULL)
	{
		session_log_refusal(STEP_UP, psprintf("user \"%s\" has no confirmed second factor", who.user_name));
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("user \"%s\" has no second factor", who.user_name),
				 errhint("Enroll one with spsa_enroll_totp(), and confirm it with spsa_confirm_totp().")));
	}
	totp_factor_require(stored, who.user_name, STEP_UP, code);
	now = GetCurrentTimestamp();
	owner_begin_latest(&state);
	renew(&who.session_id, now, "high_assurance", "totp");
	record("step_up", &who.session_id, who.user_name, factor_detail(stored->factor.factor_id));
	owner_end(&state);
	PG_RETURN_TIMESTAMPTZ(now);
}

/* SQL: spsa_reauthenticate(uuid, spsa.security_level) */
PG_FUNCTION_INFO_V1(spsa_reauthenticate);
Datum
spsa_reauthenticate(PG_FUNCTION_ARGS)
{
	const SessionEntry *entry;
	const char *level = NULL;
	char	   *user_name;
	pg_uuid_t	session_id;
	TimestampTz now;
	StringInfoData detail;
	OwnerState	state;

	PreventCommandIfReadOnly("spsa_reauthenticate()");
	if (PG_ARGISNULL(0))
		refuse_null("session");
	session_id = *PG_GETARG_UUID_P(0);
	entry = session_find(&session_id);
	if (entry == NULL)
		session_raise_invalid();
	refuse_derived(entry->has_parent, "authenticate again");
	user_name = pstrdup(entry->user_name);
	if (!PG_ARGISNULL(1))
		level = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(1)));
	if (level != NULL && session_level_rank(level) <= session_level_rank(entry->security_level))
		level = NULL;
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"security_level\": ");
	escape_json(&detail, level != NULL ? level : entry->security_level);
	appendStringInfoChar(&detail, '}');
	now = GetCurrentTimestamp();
	owner_begin_latest(&state);
	renew(&session_id, now, level, "application");
	record("reauthenticate", &session_id, user_name, detail.data);
	owner_end(&state);
	PG_RETURN_TIMESTAMPTZ(now);
}

/* ---- removal, unlocking, other keys ---- */

/* SQL: spsa_remove_totp() */
PG_FUNCTION_INFO_V1(spsa_remove_totp);
Datum
spsa_remove_totp(PG_FUNCTION_ARGS)
{
	Asking		who = asking("spsa_remove_totp()");
	int			n;
	OwnerState	state;

	require_fresh(&who);
	owner_begin_latest(&state);
	n = totp_factor_remove(who.user_id, 0);
	if (n > 0)
		record("totp_remove", &who.session_id, who.user_name, NULL);
	owner_end(&state);
	PG_RETURN_BOOL(n > 0);
}

/* What an administrator does with all factors of a user; whether there was anything to do. */
static bool
administer(FunctionCallInfo fcinfo, const char *event, bool removal)
{
	char	   *name;
	int64		user_id = user_argument(fcinfo, &name);
	int			n;
	OwnerState	state;

	owner_begin_latest(&state);
	n = removal ? totp_factor_remove(user_id, 0) : totp_factor_unlock(user_id);
	if (n > 0)
		record(event, NULL, name, NULL);
	owner_end(&state);
	return n > 0;
}

/* SQL: spsa_remove_user_totp(text) */
PG_FUNCTION_INFO_V1(spsa_remove_user_totp);
Datum
spsa_remove_user_totp(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(administer(fcinfo, "totp_remove", true));
}

/* SQL: spsa_unlock_user_totp(text) */
PG_FUNCTION_INFO_V1(spsa_unlock_user_totp);
Datum
spsa_unlock_user_totp(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(administer(fcinfo, "totp_unlock", false));
}

/* SQL: spsa_reencrypt_totp() */
PG_FUNCTION_INFO_V1(spsa_reencrypt_totp);
Datum
spsa_reencrypt_totp(PG_FUNCTION_ARGS)
{
	char		key_id[KEYRING_MAX_ID + 1];
	int			n;
	OwnerState	state;

	PreventCommandIfReadOnly("spsa_reencrypt_totp()");
	owner_begin_latest(&state);
	n = totp_factor_reencrypt(key_id);
	if (n > 0)
		record("totp_reencrypt", NULL, NULL, psprintf("{\"key\": \"%s\", \"factors\": %d}", key_id, n));
	owner_end(&state);
	PG_RETURN_INT32(n);
}
