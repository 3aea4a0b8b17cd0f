/* hours.h - weekdays and times of day of activation rules. */
#ifndef SPSA_HOURS_H
#define SPSA_HOURS_H

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/date.h"

typedef struct Hours
{
	uint32		days;			/* bit n: day n of the week, 1 to 7 */
	bool		all_day;
	TimeADT		start;
	TimeADT		end;			/* not after start: on the next day */
	pg_tz	   *zone;			/* NULL: not known to this server */
} Hours;

extern pg_tz *hours_zone(const char *name);
extern void hours_set_days(Hours *hours, ArrayType *weekdays);
extern bool hours_restrict(const Hours *hours);
extern bool hours_find(const Hours *hours, TimestampTz at, TimestampTz *opens, TimestampTz *closes);

#endif							/* SPSA_HOURS_H */
