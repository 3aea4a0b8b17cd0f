/* rule_check.c - checking rows of spsa.activation_rule as they are written, whoever writes them.
 *
 * The table has CHECK constraints of the same meaning; the trigger comes before them and says what is wrong.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "activation/hours.h"
#include "base/table.h"
#include "grant/validate.h"

#define MAX_APPROVALS 100

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static int
compare(Datum a, Datum b)
{
	return DatumGetInt32(DirectFunctionCall2(interval_cmp, a, b));
}

static void
check_durations(const NewRow *row)
{
	static const AttrNumber columns[] = {
		Anum_activation_rule_default_duration, Anum_activation_rule_max_duration, Anum_activation_rule_max_authentication_age
	};
	Interval	none = {0};
	Datum		values[3];
	bool		nulls[3] = {true, true, true};

	for (int i = 0; i < lengthof(columns); i++)
	{
		values[i] = validate_column(row, columns[i], &nulls[i]);
		if (!nulls[i] && compare(values[i], IntervalPGetDatum(&none)) <= 0)
			refuse(psprintf("%s must be more than zero", NameStr(TupleDescAttr(row->desc, columns[i] - 1)->attname)), NULL);
	}
	if (!nulls[0] && !nulls[1] && compare(values[0], values[1]) > 0)
		refuse("default_duration must not be longer than max_duration", NULL);
}

/* The elements of an array column; an error if it is empty or has a null. */
static Datum *
elements(const NewRow *row, AttrNumber number, const char *of_what, int *n)
{
	bool		isnull;
	Datum		value = validate_column(row, number, &isnull);
	ArrayType  *array;
	Datum	   *result;
	bool	   *nulls = NULL;

	*n = 0;
	if (isnull)
		return NULL;
	array = DatumGetArrayTypeP(value);
	if (ARR_ELEMTYPE(array) == INT4OID)
		deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &result, &nulls, n);
	else
		deconstruct_array(array, CIDROID, -1, false, TYPALIGN_INT, &result, &nulls, n);
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			*n = 0;
	}
	if (*n == 0 || ARR_NDIM(array) != 1)
		refuse(psprintf("%s must be a list of %s", NameStr(TupleDescAttr(row->desc, number - 1)->attname), of_what),
			   "Leave it null where any will do.");
	return result;
}

static void
check_lists(const NewRow *row)
{
	int			n;
	Datum	   *days = elements(row, Anum_activation_rule_weekdays, "days", &n);

	for (int i = 0; i < n; i++)
	{
		if (DatumGetInt32(days[i]) < 1 || DatumGetInt32(days[i]) > 7)
			refuse(psprintf("%d is not a day of the week", DatumGetInt32(days[i])), "They are 1 (Monday) to 7 (Sunday).");
	}
	(void) elements(row, Anum_activation_rule_networks, "networks", &n);
}

static void
check_times(const NewRow *row)
{
	bool		no_start;
	bool		no_end;
	Datum		start = validate_column(row, Anum_activation_rule_start_time, &no_start);
	Datum		end = validate_column(row, Anum_activation_rule_end_time, &no_end);

	if (no_start != no_end)
		refuse("start_time and end_time must both be given, or neither", "A day ends at 24:00.");
	if (no_start)
		return;
	if (DatumGetTimeADT(start) == DatumGetTimeADT(end))
		refuse("start_time and end_time must differ", "Leave both null for the whole day.");
	if (DatumGetTimeADT(start) >= USECS_PER_DAY)
		refuse("start_time must be earlier than 24:00", "The next day begins at 00:00.");
}

/* The row with the name of its time zone as PostgreSQL writes it: an abbreviation would mean what the reader's settings say. */
static HeapTuple
check_zone(const NewRow *row)
{
	int			number = Anum_activation_rule_time_zone;
	char	   *name = validate_text(row, number);
	bool		not_null = false;
	Datum		value;
	pg_tzenum  *zones;
	pg_tz	   *zone;

	if (name == NULL)
		return row->tuple;		/* NOT NULL says so */
	zones = pg_tzenumerate_start();
	while ((zone = pg_tzenumerate_next(zones)) != NULL)
	{
		if (pg_strcasecmp(pg_get_timezone_name(zone), name) == 0)
			break;
	}
	value = zone == NULL ? (Datum) 0 : CStringGetTextDatum(pg_get_timezone_name(zone));
	pg_tzenumerate_end(zones);
	if (value == (Datum) 0)
		refuse(psprintf("time zone \"%s\" is not known", name), "The view pg_timezone_names has the names of time zones.");
	return heap_modify_tuple_by_cols(row->tuple, row->desc, 1, &number, &value, &not_null);
}

static void
check_sets(const NewRow *row)
{
	bool		isnull;
	bool		no_approvers;
	int32		set_id = DatumGetInt32(validate_column(row, Anum_activation_rule_set_id, &isnull));
	int32		approvers = DatumGetInt32(validate_column(row, Anum_activation_rule_approver_set, &no_approvers));

	if (!isnull && definition_kind(set_id) == KIND_MUTING)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a muting set cannot have an activation rule"),
				 errdetail("It takes effect together with its group.")));
	if (no_approvers)
		return;
	if (definition_kind(approvers) == KIND_MUTING)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a muting set cannot approve"),
				 errhint("approver_set is a permission set or a group.")));
	if (!isnull && approvers == set_id)
		refuse("approver_set must be another permission set", NULL);
}

/* SQL: spsa.check_activation_rule() */
PG_FUNCTION_INFO_V1(spsa_check_activation_rule);
Datum
spsa_check_activation_rule(PG_FUNCTION_ARGS)
{
	NewRow		row = validate_row(fcinfo);
	bool		isnull;
	Datum		approvals = validate_column(&row, Anum_activation_rule_approvals_required, &isnull);

	check_sets(&row);
	check_durations(&row);
	check_lists(&row);
	check_times(&row);
	if (!isnull && (DatumGetInt32(approvals) < 0 || DatumGetInt32(approvals) > MAX_APPROVALS))
		refuse(psprintf("approvals_required must be 0 to %d", MAX_APPROVALS), NULL);
	return PointerGetDatum(check_zone(&row));
}

/* SQL: spsa.check_rule_columns(text[]) */
PG_FUNCTION_INFO_V1(spsa_check_rule_columns);
Datum
spsa_check_rule_columns(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = {
		"self_activation", "default_duration", "max_duration", "min_security_level", "max_authentication_age", "networks",
		"weekdays", "start_time", "end_time", "time_zone", "reason_required", "approvals_required", "approver_set", "break_glass"
	};
	Datum	   *names;
	bool	   *nulls;
	int			n;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *name = nulls[i] ? pstrdup("") : TextDatumGetCString(names[i]);
		int			known = 0;

		while (known < lengthof(columns) && strcmp(columns[known], name) != 0)
			known++;
		if (known == lengthof(columns))
			refuse(psprintf("an activation rule has no \"%s\" that could be cleared", name),
				   "Name columns of spsa.activation_rule, as in clear => '{networks}'.");
	}
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
