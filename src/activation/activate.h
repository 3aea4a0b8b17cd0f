/* activate.h - activating and deactivating permission sets for a session. */
#ifndef SPSA_ACTIVATE_H
#define SPSA_ACTIVATE_H

#include "fmgr.h"
#include "nodes/parsenodes.h"

#include "activation/rule.h"
#include "grant/effective.h"
#include "identity/session.h"

/* What is asked for. */
typedef struct ActivationWish
{
	int32		set_id;
	char	   *set_name;		/* as messages call it */
	Interval   *duration;		/* NULL: none given */
	char	   *reason;			/* NULL: none given */
	ActivationActor actor;
	bool		break_glass;	/* without the approvals that the rule
								 * requires */
	const char *flow;			/* name of the flow that does it, or NULL */
	bool		is_test;		/* in a session that ends with the
								 * transaction: the rule is not asked, and the
								 * audit trail has the session */
} ActivationWish;

#define ACTIVATION_MAX_TEXT 4000	/* bytes of a reason or comment */

extern SessionEntry *activation_session(const pg_uuid_t *session_id, AclMode privilege);
extern SessionEntry *activation_session_argument(FunctionCallInfo fcinfo, int argument, AclMode privilege);
extern int32 activation_set_named(const char *name, const SessionEntry *entry);
extern int32 activation_set_argument(FunctionCallInfo fcinfo, int argument, const SessionEntry *entry);
extern ActivationActor activation_actor(SessionEntry **entry);
extern char *activation_person(void);
extern SessionEntry *activation_reading_session(bool administrator);
extern char *activation_text_argument(FunctionCallInfo fcinfo, int argument, const char *what);
extern bool activation_is_blank(const char *value);
extern void activation_check_duration(Interval *duration);
extern const SetState *activation_assigned(const SessionEntry *entry, int32 set_id, const char *name);
extern const SetState *activation_require_assigned(const SessionEntry *entry, int32 set_id, const char *name);
extern void activation_check_exclusions(const SessionEntry *entry, int32 set_id);
extern bool activation_make(SessionEntry *entry, const ActivationWish *wish);
extern bool activation_make_by_flow(SessionEntry *entry, const ActivationWish *wish, bool *already_active,
									TimestampTz *expires_at);
extern bool activation_cancel(SessionEntry *entry, int32 set_id, const char *name, const char *flow);

#endif							/* SPSA_ACTIVATE_H */
