/* guc.c - settings that are not the carrier of the token (that one is in identity/binding.c).
 *
 * Those that protect are the administrator's: a user who could turn one off would turn off a protection.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "base/guc.h"

bool		guc_require_session = false;
bool		guc_require_local_attach = false;
bool		guc_notify_events = false;
bool		guc_log_session = false;
int			guc_session_cache_size = 128;
int			guc_share_plans = SHARE_PLANS_AUTO;
int			guc_session_limit = 0;
int			guc_session_limit_action = SESSION_LIMIT_REFUSE;
char	   *guc_encryption_key_file = NULL;
int			guc_totp_enroll_window = 300;

static const struct config_enum_entry share_plans_options[] = {
	{"auto", SHARE_PLANS_AUTO, false},
	{"on", SHARE_PLANS_ON, false},
	{"off", SHARE_PLANS_OFF, false},
	{NULL, 0, false}
};

static const struct config_enum_entry session_limit_action_options[] = {
	{"refuse", SESSION_LIMIT_REFUSE, false},
	{"end_oldest", SESSION_LIMIT_END_OLDEST, false},
	{NULL, 0, false}
};

void
guc_init(void)
{
	/*
	 * Why an administrator wants it: a forgotten attach shows as an error
	 * instead of an empty result.
	 */
	DefineCustomBoolVariable("spsa.require_session",
							 "Raises an error when a statement on a protected object runs without a session.",
							 "Off, such a statement sees no row.",
							 &guc_require_session, false, PGC_SUSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: in a pool, a binding that outlives its
	 * transaction meets the next client.
	 */
	DefineCustomBoolVariable("spsa.require_local_attach",
							 "Ends every binding to a session with its transaction, however it was made.",
							 "For roles that are used through a connection pool.",
							 &guc_require_local_attach, false, PGC_SUSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: a monitor can LISTEN. It serialises
	 * commits, so it is off by default.
	 */
	DefineCustomBoolVariable("spsa.notify_events",
							 "Sends NOTIFY spsa with the event_id of each new audit event.",
							 "Transactions that do so cannot be prepared for two-phase commit.",
							 &guc_notify_events, false, PGC_SUSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: behind a pool all lines of the log have
	 * the same database role.
	 */
	DefineCustomBoolVariable("spsa.log_session",
							 "Adds user and session to the detail of every line that the server logs for a connection.",
							 "Clients are not sent it.",
							 &guc_log_session, false, PGC_SUSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: a pool that serves more users at a time
	 * than this loads sessions again and again.
	 */
	DefineCustomIntVariable("spsa.session_cache_size",
							"Sets how many sessions a backend keeps in memory.",
							NULL,
							&guc_session_cache_size, 128, 1, 65536, PGC_SUSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: a stolen password is noticed, and a
	 * forgotten session does not stay for ever, for all users and not only
	 * for those that app_user.session_limit names.
	 */
	DefineCustomIntVariable("spsa.session_limit",
							"Sets how many live sessions a user may have whose session_limit is null.",
							"0: any number. Derived sessions do not count.",
							&guc_session_limit, 0, 0, INT_MAX, PGC_SUSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: users who lose their tokens (a browser
	 * is closed, a phone is lost) must not be locked out until these expire.
	 */
	DefineCustomEnumVariable("spsa.session_limit_action",
							 "Sets what happens when a session is opened and its user has as many as the limit allows.",
							 "refuse: an error; end_oldest: those that were opened first are closed.",
							 &guc_session_limit_action, SESSION_LIMIT_REFUSE, session_limit_action_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);

	/*
	 * Why anybody wants it: to see the plans of a pool in psql ("on"), or
	 * plans with the values of the session's attributes ("off").
	 */
	DefineCustomEnumVariable("spsa.share_plans",
							 "Sets whether cached plans are shared by sessions that differ in their attributes only.",
							 "auto: once the connection has served two of them. Plans that are not shared have the attributes as constants.",
							 &guc_share_plans, SHARE_PLANS_AUTO, share_plans_options, PGC_USERSET, 0, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: second factors (TOTP) need it. Not in
	 * the database, so that whoever reads a dump or a backup has no keys.
	 */
	DefineCustomStringVariable("spsa.encryption_key_file",
							   "Sets the file of the keys under which secrets of second factors are encrypted.",
							   "Lines \"key_id:64 hexadecimal digits\"; the first key encrypts, the others decrypt what is older.",
							   &guc_encryption_key_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	/*
	 * Why an administrator wants it: whoever steals a session must not be
	 * able to give its user a second factor of the thief's.
	 */
	DefineCustomIntVariable("spsa.totp_enroll_window",
							"Sets how long after authentication a session may enroll or remove the second factor of its user.",
							"0: only administrators do.",
							&guc_totp_enroll_window, 300, 0, 86400, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

/* After all are defined: misspelt names are errors from here on. */
void
guc_reserve(void)
{
	MarkGUCPrefixReserved("spsa");
}
