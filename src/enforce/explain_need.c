/* explain_need.c - what stands between a set that is assigned and its effect, for explanations.
 *
 * Invariants: how a set stands is what the engine has worked out (SetState), and what its activation needs is what the rules
 * say (activation/rule.c). Names are told of what the explained session may use itself; all of them to administrators alone.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "activation/approval.h"
#include "base/table.h"
#include "enforce/explain.h"
#include "grant/effective.h"

/* NULL: it must not be told. */
const char *
explain_name(const Explanation *ex, const SetState *set)
{
	return ex->full || set->allowed ? set->definition->name : NULL;
}

static const char *
kind_of(const SetState *set)
{
	return set->definition->kind == KIND_GROUP ? "group" : "permission set";
}

static char *
session_literal(const Explanation *ex)
{
	return quote_literal_cstr(DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&ex->entry->session_id))));
}

/* A call about a set, for the attached session or another one. */
static char *
session_call(const Explanation *ex, const char *own, const char *other, const char *name, const char *more)
{
	char	   *set = quote_literal_cstr(name);

	if (ex->subject == EXPLAIN_OWN && own != NULL)
		return explain_call(ex, own, psprintf("%s%s", set, more));
	return explain_call(ex, other, psprintf("%s, %s%s", ex->subject == EXPLAIN_OWN ? psprintf("%s.spsa_session_id()", ex->schema) :
											session_literal(ex), set, more));
}

/* ---- activation ---- */

static char *
step_up(const Explanation *ex, const char *level)
{
	if (ex->subject == EXPLAIN_OWN)
		return explain_call(ex, "spsa_step_up_totp", "'code'");
	if (level == NULL)
		return explain_call(ex, "spsa_reauthenticate", session_literal(ex));
	return explain_call(ex, "spsa_reauthenticate", psprintf("%s, %s", session_literal(ex), quote_literal_cstr(level)));
}

static char *
request(const Explanation *ex, const SetState *set, const Rule *rule)
{
	int			given;

	if (approval_state(ex->entry->user_id, set->set_id, rule->approvals_required, &given) == APPROVAL_PENDING)
		return NULL;
	return session_call(ex, NULL, "spsa_request_activation", set->definition->name, ", 'reason'");
}

/* The call that meets a condition of a rule, or NULL: only time, place or somebody else can. */
static char *
meet(const Explanation *ex, const SetState *set, const Rule *rule, const char *condition)
{
	if (strcmp(condition, "min_security_level") == 0)
		return step_up(ex, rule->min_security_level);
	if (strcmp(condition, "max_authentication_age") == 0)
		return step_up(ex, NULL);
	if (strcmp(condition, "approvals_required") == 0)
		return request(ex, set, rule);
	return NULL;
}

/* The rule: the first condition that is not met decides what helps. Whether a reason must be given. */
static bool
describe_rule(const Explanation *ex, const SetState *set, const Rule *rule, StringInfo lacks, bool *met, char **remedy)
{
	RuleCase	what = {.entry = ex->entry,.set_id = set->set_id,.actor = ex->actor,.now = ex->now,.is_question = true};
	bool		reason = false;
	ListCell   *cell;

	foreach(cell, rule_conditions(rule, &what))
	{
		const RuleCondition *condition = lfirst(cell);

		if (condition->answer == RULE_DEPENDS)
			reason = true;
		if (condition->answer != RULE_UNMET)
			continue;
		if (*met)
			*remedy = meet(ex, set, rule, condition->name);
		*met = false;
		appendStringInfo(lacks, "; %s: %s", condition->name, condition->detail);
	}
	return reason;
}

/* One that excludes what would come into force; its own deactivation helps if it is activated. */
static bool
describe_conflict(const Explanation *ex, const SetState *set, StringInfo lacks)
{
	const char *one;
	const char *other;

	if (!effective_may_conflict(ex->entry) || !effective_conflict(ex->entry, set->set_id, &one, &other))
		return false;
	if (ex->full || ex->entry->nallowed < 0)
		appendStringInfo(lacks, "; exclusion: \"%s\" and \"%s\" must not both be in effect", one, other);
	else
		appendStringInfoString(lacks, "; exclusion: another one must not be in effect beside it");
	return true;
}

/* The set whose deactivation makes room for another one, or NULL. */
static char *
make_room(const Explanation *ex, const SetState *set)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) ex->entry->grants)->sets)
	{
		const SetState *other = lfirst(cell);

		if (other->activated && other->allowed && list_member_int(set->definition->excluded, other->set_id))
			return session_call(ex, "spsa_deactivate_own", "spsa_deactivate", other->definition->name, "");
	}
	return NULL;
}

/* An activation of the session's that has run out. */
static bool
has_run_out(const Explanation *ex, int32 set_id)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData keys[2];
	HeapTuple	row;
	bool		isnull;
	bool		found = false;

	table_key(&keys[0], Anum_activation_session_id, F_UUID_EQ, UUIDPGetDatum(&ex->entry->session_id));
	table_key(&keys[1], Anum_activation_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_begin(&scan, "activation", "activation_pkey", snapshot, 2, keys);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		found = DatumGetTimestampTz(table_value(&scan, row, Anum_activation_expires_at, &isnull)) <= ex->now;
	table_end(&scan);
	table_snapshot_release(snapshot);
	return found;
}

/* What must be activated, and what that needs. */
static void
describe_activation(const Explanation *ex, const SetState *set, ExplainRow *row)
{
	StringInfoData lacks;
	const Rule *rule = rule_read(set->set_id);
	bool		reason = false;
	bool		met = true;

	initStringInfo(&lacks);
	appendStringInfoString(&lacks, set->definition->kind == KIND_GROUP ? "activation of the group" : "activation");
	if (ex->subject == EXPLAIN_USER)
		appendStringInfoString(&lacks, " in a session");
	else if (describe_conflict(ex, set, &lacks))
	{
		met = false;
		row->remedy = make_room(ex, set);
	}
	if (rule != NULL)
		reason = describe_rule(ex, set, rule, &lacks, &met, &row->remedy);
	if (ex->subject == EXPLAIN_USER)
		row->remedy = NULL;
	else if (met)
	{
		row->rank = RANK_READY;
		row->remedy = session_call(ex, "spsa_activate_own", "spsa_activate", set->definition->name,
								   reason ? ", reason => 'reason'" : "");
	}
	row->lacks = lacks.data;
}

static void
not_active(const Explanation *ex, const SetState *set, ExplainRow *row, const char *state)
{
	row->rank = RANK_NOT_ACTIVE;
	row->state = ex->subject != EXPLAIN_USER && has_run_out(ex, set->set_id) ? "activation expired" : state;
	describe_activation(ex, set, row);
}

static void
behind_group(const Explanation *ex, const SetState *set, ExplainRow *row)
{
	if (set->group->allowed)
	{
		not_active(ex, set->group, row, "group not active");
		if (set->activation_required && !set->activated)
			row->lacks = psprintf("%s; then that of the set", row->lacks);
		return;
	}
	row->rank = RANK_NOT_ACTIVE;
	row->state = "group not active";
	row->lacks = pstrdup("activation of its group, which the session is not restricted to");
}

/* ---- exclusions ---- */

static void
excluded(const Explanation *ex, const SetState *set, ExplainRow *row)
{
	const SetState *excluded = set->excluded ? set : set->group;
	const SetState *other = effective_excluder(ex->entry, excluded);
	const char *name = other == NULL ? NULL : explain_name(ex, other);

	row->rank = RANK_EXCLUDED;
	row->state = "excluded";
	row->lacks = name == NULL ? pstrdup("another one must not be in effect beside it") :
		psprintf("%s \"%s\" must not be in effect beside it", kind_of(other), name);
	row->remedy = ex->subject == EXPLAIN_USER ? NULL : make_room(ex, excluded);
	if (row->remedy == NULL && ex->full && name != NULL)
		row->remedy = explain_call(ex, "spsa_remove_exclusion", psprintf("%s, %s", quote_literal_cstr(excluded->definition->name),
																		 quote_literal_cstr(name)));
}

/* How the set stands in the session by this way; row->state, and what helps. */
void
explain_standing(const Explanation *ex, const SetState *set, ExplainRow *row)
{
	if (!set->allowed)
	{
		row->rank = RANK_NOT_ALLOWED;
		row->state = "not allowed";
		row->lacks = pstrdup("the session is restricted to other permission sets");
	}
	else if (!effective_gate_is_open(set))
		behind_group(ex, set, row);
	else if (set->activation_required && !set->activated)
		not_active(ex, set, row, "not active");
	else if (!set->active)
		excluded(ex, set, row);
	else
	{
		row->rank = RANK_EFFECTIVE;
		row->state = "effective";
	}
}
