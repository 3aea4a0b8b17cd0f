/* readiness.c - what an activation needs, told before it is tried.
 *
 * Invariant: who asks learns nothing that the activation itself, allowed or refused, would not tell; a set that is not
 * assigned is the same error.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "activation/activate.h"
#include "grant/effective.h"
#include "identity/session.h"

static void
put(FunctionCallInfo fcinfo, const char *name, RuleAnswer answer, const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[3];
	bool		nulls[3] = {false, answer == RULE_DEPENDS, false};

	values[0] = CStringGetTextDatum(name);
	values[1] = BoolGetDatum(answer == RULE_MET);
	values[2] = CStringGetTextDatum(detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_group(FunctionCallInfo fcinfo, const SetState *set)
{
	const char *name;

	if (set->group == NULL || !set->group->activation_required)
		return;
	name = set->group->definition->name;
	if (set->group->activated)
		put(fcinfo, "group", RULE_MET, psprintf("The permission set is assigned by way of group \"%s\", which is active.", name));
	else
		put(fcinfo, "group", RULE_UNMET,
			psprintf("The permission set is assigned by way of group \"%s\", which is not active. Activate the group first.", name));
}

static void
put_exclusion(FunctionCallInfo fcinfo, const SessionEntry *entry, int32 set_id)
{
	const char *one;
	const char *other;

	if (effective_may_conflict(entry) && effective_conflict(entry, set_id, &one, &other))
		put(fcinfo, "exclusion", RULE_UNMET,
			psprintf("Permission sets \"%s\" and \"%s\" must not both be in effect in a session. "
					 "Deactivate the one that is active first, or use another session.", one, other));
}

static void
put_rule(FunctionCallInfo fcinfo, const Rule *rule, const RuleCase *what)
{
	ListCell   *cell;

	foreach(cell, rule_conditions(rule, what))
	{
		const RuleCondition *condition = lfirst(cell);

		put(fcinfo, condition->name, condition->answer,
			condition->answer == RULE_MET ? condition->detail : psprintf("%s %s", condition->detail, condition->help));
	}
	if (rule->max_duration != NULL)
		put(fcinfo, "max_duration", RULE_MET,
			psprintf("It lasts %s at most.",
					 DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(rule->max_duration)))));
}

/* SQL: spsa_activation_readiness(uuid, text) */
PG_FUNCTION_INFO_V1(spsa_activation_readiness);
Datum
spsa_activation_readiness(PG_FUNCTION_ARGS)
{
	SessionEntry *entry = activation_session_argument(fcinfo, 0, ACL_INSERT);
	RuleCase	what = {.set_id = activation_set_argument(fcinfo, 1, NULL),.is_question = true};
	const SetState *set;
	const Rule *rule;

	InitMaterializedSRF(fcinfo, 0);
	what.actor = activation_actor(&entry);
	what.entry = entry;
	what.now = GetCurrentTimestamp();
	set = activation_assigned(entry, what.set_id, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!set->activation_required)
	{
		put(fcinfo, "activation_required", RULE_MET, "It needs no activation.");
		if (set->group != NULL && !set->group->activated)
			put_group(fcinfo, set);
		return (Datum) 0;
	}
	put(fcinfo, "assignment", RULE_MET, "The permission set is assigned to the user.");
	put_group(fcinfo, set);
	put_exclusion(fcinfo, entry, what.set_id);
	rule = rule_read(what.set_id);
	if (rule != NULL)
		put_rule(fcinfo, rule, &what);
	return (Datum) 0;
}
