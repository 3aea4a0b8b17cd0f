/* utility.c - what stands around utility commands: one hook for all of the extension's, the last one outermost. */
#include "postgres.h"

#include "enforce/utility.h"

static ProcessUtility_hook_type previous = NULL;
static UtilityHandler handlers[2];
static int	nhandlers = 0;

/* Goes on with a command within a handler: with the next one, the hook that was there before, or PostgreSQL. */
void
utility_process(const UtilityArguments *utility)
{
	if (utility->remaining > 0)
	{
		UtilityArguments further = *utility;

		further.remaining--;
		handlers[further.remaining] (&further);
	}
	else
		(previous != NULL ? previous : standard_ProcessUtility) (utility->statement, utility->string, utility->read_only,
																 utility->context, utility->params, utility->environment,
																 utility->dest, utility->completion);
}

static void
process(PlannedStmt *statement, const char *string, bool read_only, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	UtilityArguments utility = {statement, string, read_only, context, params, environment, dest, completion, nhandlers};

	utility_process(&utility);
}

void
utility_add(UtilityHandler handler)
{
	Assert(nhandlers < lengthof(handlers));
	if (nhandlers == 0)
	{
		previous = ProcessUtility_hook;
		ProcessUtility_hook = process;
	}
	handlers[nhandlers++] = handler;
}
