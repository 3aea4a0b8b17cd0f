/* owner.c - running the extension's own SQL.
 *
 * Invariant 7: between owner_begin() and owner_end() statements run as the extension's owner and with a search_path that
 * nobody can put anything into. Both are undone by the transaction machinery when an error leaves in between.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "base/owner.h"
#include "base/table.h"

static int	active = 0;			/* owner_begin() without owner_end() */
static bool registered = false;
static bool latest = false;		/* statements see what is committed now */

/* An error has left whatever was begun; nothing of ours catches errors in between. */
static void
transaction_event(XactEvent event, void *arg)
{
	active = 0;
	latest = false;
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		active = 0;
		latest = false;
	}
}

/* Whether what happens now is a statement of the extension's own. */
bool
owner_is_active(void)
{
	return active > 0;
}

void
owner_begin(OwnerState *state)
{
	if (!registered)
	{
		RegisterXactCallback(transaction_event, NULL);
		RegisterSubXactCallback(subtransaction_event, NULL);
		registered = true;
	}
	owner_begin_as_caller(state);
	active++;
	SetUserIdAndSecContext(table_extension_owner(), state->context | SECURITY_LOCAL_USERID_CHANGE);
}

/*
 * The same for what must not miss a row: under REPEATABLE READ, too, statements see what is committed now, not what was
 * when the transaction began.
 */
void
owner_begin_latest(OwnerState *state)
{
	owner_begin(state);
	latest = true;
}

/* The same with the caller's rights. */
void
owner_begin_as_caller(OwnerState *state)
{
	GetUserIdAndSecContext(&state->user, &state->context);
	state->was_active = active;
	state->was_latest = latest;
	latest = false;
	state->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
}

void
owner_end(OwnerState *state)
{
	active = state->was_active;
	latest = state->was_latest;
	SPI_finish();
	AtEOXact_GUC(true, state->guc_level);
	SetUserIdAndSecContext(state->user, state->context);
}

static void
prepare(OwnerStatement *statement)
{
	SPIPlanPtr	plan;

	if (statement->plan != NULL)
		return;
	plan = SPI_prepare(statement->sql, statement->nargs, statement->types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", statement->sql, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan of \"%s\"", statement->sql);
	statement->plan = plan;
}

static int
execute(OwnerStatement *statement, Datum *values, const bool *isnull, bool read_only)
{
	char		nulls[OWNER_MAX_ARGS];
	int			result;

	prepare(statement);
	for (int i = 0; i < statement->nargs; i++)
		nulls[i] = isnull != NULL && isnull[i] ? 'n' : ' ';
	result = SPI_execute_snapshot(statement->plan, values, nulls, latest ? GetLatestSnapshot() : InvalidSnapshot, InvalidSnapshot,
								  read_only, true, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement->sql, SPI_result_code_string(result));
	return (int) SPI_processed;
}

/* The number of rows; the result is SPI's. isnull may be NULL. */
int
owner_execute(OwnerStatement *statement, Datum *values, const bool *isnull)
{
	return execute(statement, values, isnull, false);
}

/* The same under the active snapshot. */
int
owner_read(OwnerStatement *statement, Datum *values)
{
	return execute(statement, values, NULL, true);
}

/* The same, with the rows put into a tuplestore whose columns have the same types. */
void
owner_read_into(OwnerStatement *statement, Datum *values, const bool *isnull, Tuplestorestate *rows)
{
	SPIExecuteOptions options = {.read_only = true};
	int			result;

	options.params = makeParamList(statement->nargs);
	for (int i = 0; i < statement->nargs; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = isnull != NULL && isnull[i];
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = statement->types[i];
	}
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, rows, CurrentMemoryContext, true, NULL, NULL);
	prepare(statement);
	result = SPI_execute_plan_extended(statement->plan, &options);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement->sql, SPI_result_code_string(result));
}

/* A column of the first row. */
Datum
owner_result(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}
