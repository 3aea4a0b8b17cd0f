/* utility.h - passing a utility command on. */
#ifndef SPSA_UTILITY_H
#define SPSA_UTILITY_H

#include "tcop/utility.h"

/* The arguments of ProcessUtility. */
typedef struct UtilityArguments
{
	PlannedStmt *statement;
	const char *string;
	bool		read_only;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} UtilityArguments;

extern void utility_process(ProcessUtility_hook_type previous, const UtilityArguments *utility);

#endif							/* SPSA_UTILITY_H */
