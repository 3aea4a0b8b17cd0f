/* rule.c - activation rules: what an activation must meet, and how long it may last.
 *
 * Invariants: a rule is read under a fresh snapshot, also by a REPEATABLE READ transaction. What cannot be read or compared
 * (a time zone that the server does not know, a session without address, a security level that is none) is not met. Time is
 * the clock's. No setting of the caller's matters: not TimeZone or timezone_abbreviations (hours.c; intervals are counted in
 * microseconds, a month as 30 days and a day as 24 hours), nor any output format, for nothing is compared as text.
 *
 * Rules gate activations. What is active already they do not end; but an activation ends by the durations and hours of the
 * rule under which it was made.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/int128.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inet.h"
#include "utils/timestamp.h"

#include "activation/activate.h"
#include "activation/approval.h"
#include "activation/rule.h"
#include "base/table.h"

/* ---- reading ---- */

static Datum
column(const TableScan *scan, HeapTuple row, AttrNumber number, bool *isnull)
{
	return table_value(scan, row, number, isnull);
}

static bool
flag(const TableScan *scan, HeapTuple row, AttrNumber number)
{
	bool		isnull;

	return DatumGetBool(column(scan, row, number, &isnull));
}

static Interval *
interval_or_null(const TableScan *scan, HeapTuple row, AttrNumber number)
{
	bool		isnull;
	Datum		value = column(scan, row, number, &isnull);

	return isnull ? NULL : memcpy(palloc(sizeof(Interval)), DatumGetIntervalP(value), sizeof(Interval));
}

static ArrayType *
array_or_null(const TableScan *scan, HeapTuple row, AttrNumber number)
{
	bool		isnull;
	Datum		value = column(scan, row, number, &isnull);

	return isnull ? NULL : DatumGetArrayTypePCopy(value);
}

static void
read_hours(Rule *rule, const TableScan *scan, HeapTuple row)
{
	bool		no_start;
	bool		no_end;
	bool		isnull;
	Datum		start = column(scan, row, Anum_activation_rule_start_time, &no_start);
	Datum		end = column(scan, row, Anum_activation_rule_end_time, &no_end);

	rule->weekdays = array_or_null(scan, row, Anum_activation_rule_weekdays);
	hours_set_days(&rule->hours, rule->weekdays);
	rule->hours.all_day = no_start && no_end;
	rule->hours.start = no_start ? 0 : DatumGetTimeADT(start);
	rule->hours.end = no_end ? 0 : DatumGetTimeADT(end);
	rule->zone_name = TextDatumGetCString(column(scan, row, Anum_activation_rule_time_zone, &isnull));
	rule->hours.zone = hours_zone(rule->zone_name);
}

static void
fill_from_row(Rule *rule, const TableScan *scan, HeapTuple row)
{
	bool		isnull;
	Datum		value;

	rule->self_activation = flag(scan, row, Anum_activation_rule_self_activation);
	rule->default_duration = interval_or_null(scan, row, Anum_activation_rule_default_duration);
	rule->max_duration = interval_or_null(scan, row, Anum_activation_rule_max_duration);
	value = column(scan, row, Anum_activation_rule_min_security_level, &isnull);
	rule->min_security_level = isnull ? NULL : DatumGetCString(DirectFunctionCall1(enum_out, value));
	rule->max_authentication_age = interval_or_null(scan, row, Anum_activation_rule_max_authentication_age);
	rule->networks = array_or_null(scan, row, Anum_activation_rule_networks);
	read_hours(rule, scan, row);
	rule->reason_required = flag(scan, row, Anum_activation_rule_reason_required);
	rule->approvals_required = DatumGetInt32(column(scan, row, Anum_activation_rule_approvals_required, &isnull));
	value = column(scan, row, Anum_activation_rule_approver_set, &isnull);
	rule->approver_set = isnull ? 0 : DatumGetInt32(value);
	rule->break_glass = flag(scan, row, Anum_activation_rule_break_glass);
}

/* NULL: there is none. */
Rule *
rule_read(int32 set_id)
{
	Snapshot	snapshot = table_snapshot();
	Rule	   *rule = NULL;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_activation_rule_set_id, F_INT4EQ, Int32GetDatum(set_id));
	table_begin(&scan, "activation_rule", "activation_rule_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		rule = palloc0(sizeof(Rule));
		fill_from_row(rule, &scan, row);
	}
	table_end(&scan);
	table_snapshot_release(snapshot);
	return rule;
}

/* ---- durations ---- */

static int
compare(const Interval *a, const Interval *b)
{
	return DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(a), IntervalPGetDatum(b)));
}

/* Of a duration that is more than zero; a century at most. */
int64
rule_microseconds(const Interval *duration)
{
	Interval	century = {0, 0, 1200};
	INT128		sum;

	if (compare(duration, &century) > 0)
		duration = &century;
	sum = int64_to_int128(duration->time);
	int128_add_int64_mul_int64(&sum, (int64) duration->month * DAYS_PER_MONTH + duration->day, USECS_PER_DAY);
	return int128_to_int64(sum);
}

/* When an activation ends, as far as the rule (NULL: none) and the duration that was asked for (NULL: none) say. */
TimestampTz
rule_end(const Rule *rule, const Interval *duration, TimestampTz now)
{
	TimestampTz end = DT_NOEND;
	TimestampTz opens;
	TimestampTz closes;

	if (duration == NULL && rule != NULL)
		duration = rule->default_duration;
	if (duration != NULL)
		end = now + rule_microseconds(duration);
	if (rule == NULL)
		return end;
	if (rule->max_duration != NULL)
		end = Min(end, now + rule_microseconds(rule->max_duration));
	if (hours_find(&rule->hours, now, &opens, &closes))
		end = Min(end, closes);
	return end;
}

/* ---- conditions ---- */

static char *
interval_text(const Interval *interval)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)));
}

static char *
time_text(TimestampTz when)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(when)));
}

static List *
add(List *conditions, const char *name, RuleAnswer answer, char *detail, char *help)
{
	RuleCondition *condition = palloc(sizeof(RuleCondition));

	condition->name = name;
	condition->answer = answer;
	condition->detail = detail;
	condition->help = help;
	return lappend(conditions, condition);
}

static List *
add_security_level(List *conditions, const Rule *rule, const RuleCase *what)
{
	int			demanded;

	if (rule->min_security_level == NULL)
		return conditions;
	demanded = session_level_rank(rule->min_security_level);
	return add(conditions, "min_security_level",
			   demanded > 0 && session_level_rank(what->entry->security_level) >= demanded ? RULE_MET : RULE_UNMET,
			   psprintf("The session must have security level %s at least; it has %s.",
						rule->min_security_level, what->entry->security_level),
			   "Authenticate with a second factor: spsa_step_up_totp().");
}

static List *
add_authentication_age(List *conditions, const Rule *rule, const RuleCase *what)
{
	if (rule->max_authentication_age == NULL)
		return conditions;
	return add(conditions, "max_authentication_age",
			   what->now - what->entry->authenticated_at <= rule_microseconds(rule->max_authentication_age) ? RULE_MET : RULE_UNMET,
			   psprintf("The user must have authenticated within the last %s; it was at %s.",
						interval_text(rule->max_authentication_age), time_text(what->entry->authenticated_at)),
			   "Authenticate again.");
}

static bool
contains_address(const ArrayType *networks, const char *address, StringInfo names)
{
	Datum		source = address == NULL ? (Datum) 0 : DirectFunctionCall1(inet_in, CStringGetDatum(address));
	ArrayIterator iterator = array_create_iterator(unconstify(ArrayType *, networks), 0, NULL);
	Datum		network;
	bool		isnull;
	bool		found = false;

	while (array_iterate(iterator, &network, &isnull))
	{
		if (isnull)
			continue;
		if (address != NULL && DatumGetBool(DirectFunctionCall2(network_subeq, source, network)))
			found = true;
		appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", DatumGetCString(DirectFunctionCall1(cidr_out, network)));
	}
	array_free_iterator(iterator);
	return found;
}

static List *
add_networks(List *conditions, const Rule *rule, const RuleCase *what)
{
	StringInfoData names;
	bool		found;

	if (rule->networks == NULL)
		return conditions;
	initStringInfo(&names);
	found = contains_address(rule->networks, what->entry->source_ip, &names);
	return add(conditions, "networks", found ? RULE_MET : RULE_UNMET,
			   psprintf("The session must come from %s; its address is %s.", names.data,
						what->entry->source_ip == NULL ? "not known" : what->entry->source_ip),
			   "Open a session from there.");
}

static char *
hours_text(const Rule *rule)
{
	static const char *const names[] = {"", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
	StringInfoData days;

	initStringInfo(&days);
	for (int day = 1; rule->weekdays != NULL && day <= 7; day++)
	{
		if ((rule->hours.days & (1u << day)) != 0)
			appendStringInfo(&days, "%s%s", days.len > 0 ? ", " : "on ", names[day]);
	}
	if (!rule->hours.all_day)
		appendStringInfo(&days, "%sfrom %s to %s", days.len > 0 ? " " : "",
						 DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(rule->hours.start))),
						 DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(rule->hours.end))));
	return days.data;
}

static List *
add_hours(List *conditions, const Rule *rule, const RuleCase *what)
{
	TimestampTz opens;
	TimestampTz closes;
	bool		open;

	if (!hours_restrict(&rule->hours))
		return conditions;
	open = hours_find(&rule->hours, what->now, &opens, &closes);
	return add(conditions, "hours", open ? RULE_MET : RULE_UNMET,
			   psprintf("It can be activated %s, time zone %s.", hours_text(rule), rule->zone_name),
			   TIMESTAMP_NOT_FINITE(opens) ? pstrdup("Ask an administrator to correct the rule.") :
			   psprintf("Activate it at %s or after.", time_text(opens)));
}

static List *
add_reason(List *conditions, const Rule *rule, const RuleCase *what)
{
	if (!rule->reason_required)
		return conditions;
	return add(conditions, "reason_required",
			   what->is_question ? RULE_DEPENDS : activation_is_blank(what->reason) ? RULE_UNMET : RULE_MET,
			   "A reason must be given.", "Give it as the argument reason.");
}

/* To be approved is to have used up an approval: that there is one answers a question only. */
static List *
add_approvals(List *conditions, const Rule *rule, const RuleCase *what)
{
	static const char *const found[] = {
		[APPROVAL_NONE] = "there is no request",
		[APPROVAL_PENDING] = "one is pending",
		[APPROVAL_READY] = "one is approved"
	};
	static const char *const help[] = {
		[APPROVAL_NONE] = "Make a request with spsa_request_activation().",
		[APPROVAL_PENDING] = "Wait for its approval.",
		[APPROVAL_READY] = "Make another request: it would not last longer than the activation that is there."
	};
	ApprovalState state;
	int			given;

	if (rule->approvals_required == 0)
		return conditions;
	if (what->is_approved)
		return add(conditions, "approvals_required", RULE_MET, NULL, NULL);
	state = approval_state(what->entry->user_id, what->set_id, rule->approvals_required, &given);
	return add(conditions, "approvals_required", what->is_question && state == APPROVAL_READY ? RULE_MET : RULE_UNMET,
			   psprintf("A request must be approved by others, %d in number; %s%s.", rule->approvals_required, found[state],
						state == APPROVAL_NONE ? "" : psprintf(", with approvals of %d", given)),
			   psprintf("%s%s", help[state], rule->break_glass ?
						" In an emergency, spsa_break_glass() activates it for later review." : ""));
}

/* What the rule demands, in the order in which it is asked: what the user cannot change comes first. */
List *
rule_conditions(const Rule *rule, const RuleCase *what)
{
	List	   *conditions = NIL;

	if (!rule->self_activation)
		conditions = add(conditions, "self_activation", what->actor == ACTOR_SELF ? RULE_UNMET : RULE_MET,
						 "Users cannot activate it for themselves.",
						 "A flow does it, or somebody else whose session has the custom permission manage_activations.");
	conditions = add_networks(conditions, rule, what);
	conditions = add_hours(conditions, rule, what);
	conditions = add_security_level(conditions, rule, what);
	conditions = add_authentication_age(conditions, rule, what);
	conditions = add_reason(conditions, rule, what);
	return add_approvals(conditions, rule, what);
}

/* An error if the activation does not meet the rule. */
void
rule_require(const Rule *rule, const RuleCase *what, const char *set_name)
{
	ListCell   *cell;

	foreach(cell, rule_conditions(rule, what))
	{
		const RuleCondition *condition = lfirst(cell);

		if (condition->answer == RULE_MET)
			continue;
		session_log_refusal("activate", psprintf("the activation rule of permission set \"%s\" is not met: %s",
												 set_name, condition->name));
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the activation rule of permission set \"%s\" is not met: %s", set_name, condition->name),
				 errdetail("%s", condition->detail),
				 errhint("%s", condition->help)));
	}
}
