/* utility.h - what stands around utility commands. */
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
	int			remaining;		/* handlers that have not seen it */
} UtilityArguments;

typedef void (*UtilityHandler) (UtilityArguments *utility);

extern void utility_add(UtilityHandler handler);
extern void utility_process(const UtilityArguments *utility);

#endif							/* SPSA_UTILITY_H */
