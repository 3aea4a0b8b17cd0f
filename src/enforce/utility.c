/* utility.c - passing a utility command on to the hook that was there before, or to PostgreSQL. */
#include "postgres.h"

#include "enforce/utility.h"

/* previous: NULL if there was no hook */
void
utility_process(ProcessUtility_hook_type previous, const UtilityArguments *utility)
{
	(previous != NULL ? previous : standard_ProcessUtility) (utility->statement, utility->string, utility->read_only,
															 utility->context, utility->params, utility->environment,
															 utility->dest, utility->completion);
}
