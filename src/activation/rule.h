/* rule.h - activation rules: what an activation must meet. */
#ifndef SPSA_RULE_H
#define SPSA_RULE_H

#include "activation/hours.h"
#include "identity/session.h"

/* Who activates. */
typedef enum ActivationActor
{
	ACTOR_SELF,					/* a session of the user's own */
	ACTOR_FLOW,
	ACTOR_MANAGER				/* somebody else, or an administrator without
								 * session */
} ActivationActor;

/* A row of spsa.activation_rule; what asks for nothing is null, 0 or false. */
typedef struct Rule
{
	bool		self_activation;
	Interval   *default_duration;
	Interval   *max_duration;
	char	   *min_security_level;
	Interval   *max_authentication_age;
	ArrayType  *networks;
	ArrayType  *weekdays;
	Hours		hours;
	char	   *zone_name;
	bool		reason_required;
	int32		approvals_required;
	int32		approver_set;
	bool		break_glass;
} Rule;

/* What is asked about. */
typedef struct RuleCase
{
	const SessionEntry *entry;
	int32		set_id;
	ActivationActor actor;
	TimestampTz now;
	const char *reason;			/* NULL: none given */
	bool		is_approved;	/* as far as that is needed */
	bool		is_question;	/* nothing is activated: a reason may be given
								 * yet */
} RuleCase;

typedef enum RuleAnswer
{
	RULE_UNMET,
	RULE_MET,
	RULE_DEPENDS				/* on what the call gives */
} RuleAnswer;

typedef struct RuleCondition
{
	const char *name;
	RuleAnswer	answer;
	char	   *detail;			/* what is demanded, and what is so now */
	char	   *help;			/* what would meet it */
} RuleCondition;

extern Rule *rule_read(int32 set_id);
extern int64 rule_microseconds(const Interval *duration);
extern TimestampTz rule_end(const Rule *rule, const Interval *duration, TimestampTz now);
extern List *rule_conditions(const Rule *rule, const RuleCase *what);
extern void rule_require(const Rule *rule, const RuleCase *what, const char *set_name);

#endif							/* SPSA_RULE_H */
