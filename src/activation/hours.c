/* hours.c - weekdays and times of day of activation rules, in a time zone.
 *
 * A span of time begins on a day at start and ends at end, on the same day or on the next. Its ends are moments: local
 * times that were converted once, by the rules of PostgreSQL (a time that a change of the clocks skips is taken as one
 * before the change, of one that they repeat the second is meant). Between them no local time is looked at, so that
 * nothing opens twice or closes in between.
 *
 * Time zones are looked up by their full names: what an abbreviation means is a setting of the caller's
 * (timezone_abbreviations), as is the session's time zone.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "activation/hours.h"

#define ALL_DAYS 0xFE
#define MAX_DAYS 400			/* looked ahead; no session lives longer */
#define MAX_SPAN 8				/* a day is left out in any longer one */

/* NULL if the server does not know it, or counts leap seconds in it. */
pg_tz *
hours_zone(const char *name)
{
	pg_tz	   *zone = strlen(name) < TZ_STRLEN_MAX ? pg_tzset(name) : NULL;

	return zone != NULL && pg_tz_acceptable(zone) ? zone : NULL;
}

/* NULL: all days. What is no day opens nothing. */
void
hours_set_days(Hours *hours, ArrayType *weekdays)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	hours->days = weekdays == NULL ? ALL_DAYS : 0;
	if (weekdays == NULL)
		return;
	deconstruct_array(weekdays, INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i] && DatumGetInt32(elements[i]) >= 1 && DatumGetInt32(elements[i]) <= 7)
			hours->days |= 1u << DatumGetInt32(elements[i]);
	}
}

/* Whether there is any moment that is not within the hours. */
bool
hours_restrict(const Hours *hours)
{
	return hours->days != ALL_DAYS || !(hours->all_day || (hours->start == 0 && hours->end == USECS_PER_DAY));
}

/* The moment of a local time; false if there is none. time may be USECS_PER_DAY. */
static bool
moment(const Hours *hours, int day, TimeADT time, TimestampTz *result)
{
	struct pg_tm tm = {0};
	fsec_t		fsec;
	int			offset;

	if (time >= USECS_PER_DAY)
	{
		day++;
		time -= USECS_PER_DAY;
	}
	j2date(day, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	(void) time2tm(time, &tm, &fsec);
	offset = DetermineTimeZoneOffset(&tm, hours->zone);
	return tm2timestamp(&tm, fsec, &offset, result) == 0;
}

/* The span that begins on a day; false if there is none. */
static bool
span_of_day(const Hours *hours, int day, TimestampTz *opens, TimestampTz *closes)
{
	int			weekday = j2day(day);
	bool		next_day = hours->all_day || hours->end <= hours->start;

	if ((hours->days & (1u << (weekday == 0 ? 7 : weekday))) == 0)
		return false;
	return moment(hours, day, hours->all_day ? 0 : hours->start, opens) &&
		moment(hours, next_day ? day + 1 : day, hours->all_day ? 0 : hours->end, closes) && *opens < *closes;
}

/*
 * The span that contains a moment, or else the next one; spans that meet are one. True if it contains the moment.
 * DT_NOBEGIN and DT_NOEND: there is no such end, or no span.
 */
bool
hours_find(const Hours *hours, TimestampTz at, TimestampTz *opens, TimestampTz *closes)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	int			today;
	bool		found = false;
	TimestampTz from;
	TimestampTz until;
	TimestampTz before = DT_NOBEGIN;	/* end of the span before */

	*opens = DT_NOBEGIN;
	*closes = DT_NOEND;
	if (!hours_restrict(hours))
		return true;
	*opens = DT_NOEND;
	if (hours->zone == NULL || TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, &offset, &tm, &fsec, NULL, hours->zone) != 0)
		return false;
	today = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday);
	for (int day = today - MAX_SPAN; day < today + MAX_DAYS; day++)
	{
		if (!span_of_day(hours, day, &from, &until))
			continue;
		if (from > before)
		{
			if (found)
				break;
			*opens = from;
		}
		before = Max(before, until);
		found = found || until > at;
	}
	if (found)
		*closes = before;
	else
		*opens = DT_NOEND;
	return found && *opens <= at;
}

/* SQL: spsa.activation_hours(integer[], time, time, text, timestamptz) */
PG_FUNCTION_INFO_V1(spsa_activation_hours);
Datum
spsa_activation_hours(PG_FUNCTION_ARGS)
{
	Hours		hours = {0};
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};
	TimestampTz opens;
	TimestampTz closes;
	char	   *zone = PG_ARGISNULL(3) ? "UTC" : text_to_cstring(PG_GETARG_TEXT_PP(3));

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();
	hours_set_days(&hours, PG_ARGISNULL(0) ? NULL : PG_GETARG_ARRAYTYPE_P(0));
	hours.all_day = PG_ARGISNULL(1) || PG_ARGISNULL(2);
	hours.start = hours.all_day ? 0 : PG_GETARG_TIMEADT(1);
	hours.end = hours.all_day ? 0 : PG_GETARG_TIMEADT(2);
	hours.zone = hours_zone(zone);
	if (hours.zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is not known", zone),
				 errhint("The view pg_timezone_names has the names of time zones.")));
	values[0] = BoolGetDatum(hours_find(&hours, PG_GETARG_TIMESTAMPTZ(4), &opens, &closes));
	values[1] = TimestampTzGetDatum(opens);
	nulls[1] = TIMESTAMP_NOT_FINITE(opens);
	values[2] = TimestampTzGetDatum(closes);
	nulls[2] = TIMESTAMP_NOT_FINITE(closes);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
