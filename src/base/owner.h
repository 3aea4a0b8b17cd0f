/* owner.h - running the extension's own SQL. */
#ifndef SPSA_OWNER_H
#define SPSA_OWNER_H

#include "executor/spi.h"

typedef struct OwnerState
{
	Oid			user;
	int			context;
	int			guc_level;
	int			was_active;
	bool		was_latest;
} OwnerState;

#define OWNER_MAX_ARGS 16

/* A statement and its plan, kept for the life of the backend. */
typedef struct OwnerStatement
{
	const char *sql;
	int			nargs;
	Oid			types[OWNER_MAX_ARGS];
	SPIPlanPtr	plan;
} OwnerStatement;

extern void owner_begin(OwnerState *state);
extern void owner_begin_latest(OwnerState *state);
extern void owner_begin_as_caller(OwnerState *state);
extern bool owner_is_active(void);
extern void owner_end(OwnerState *state);
extern int	owner_execute(OwnerStatement *statement, Datum *values, const bool *isnull);
extern int	owner_read(OwnerStatement *statement, Datum *values);
extern void owner_read_into(OwnerStatement *statement, Datum *values, const bool *isnull, Tuplestorestate *rows);
extern Datum owner_result(int column, bool *isnull);

#endif							/* SPSA_OWNER_H */
