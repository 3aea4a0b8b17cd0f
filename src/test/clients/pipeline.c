/* pipeline.c - libpq's pipeline mode, run by src/test/t/022_clients.pl.
 *
 * Each transaction is one round trip. The statement is prepared once; parameter and results are binary.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <libpq-fe.h>

/* OPERATIONS.md */

static PGconn *conn;

static int
queue(const char *sql)
{
	return PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static int
queue_orders(void)
{
	int32_t		zero = htonl(0);
	const char *values[] = {(const char *) &zero};
	int			lengths[] = {sizeof(zero)};
	int			formats[] = {1};

	return PQsendQueryPrepared(conn, "orders", 1, values, lengths, formats, 1);
}

/* Identifiers, or the SQLSTATE. */
static const char *
text(PGresult *result)
{
	static char out[200];

	out[0] = '\0';
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		snprintf(out, sizeof(out), "%s", result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : "connection lost");
	else
	{
		for (int i = 0; i < PQntuples(result); i++)
		{
			uint32_t	id;

			memcpy(&id, PQgetvalue(result, i, 0), sizeof(id));
			snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%u", i ? "," : "", ntohl(id));
		}
	}
	PQclear(result);
	return out;
}

/* Queues a transaction; before: a statement that goes before the reading, or NULL. */
static const char *
orders(const char *token, const char *before, const char *end)
{
	if (!(token ? begin_as(conn, token) : queue("BEGIN") && queue("SELECT")) || (before && !queue(before)) || !queue_orders() || !queue(end))
		exit(1);
	return text(read_pipeline(conn, before ? 3 : 2));
}

/* Whether the user sees these, 30 times. */
static void
check(const char *token, const char *expected)
{
	if (strcmp(orders(token, NULL, "COMMIT"), expected) != 0)
	{
		printf("%s instead of %s\n", orders(token, NULL, "COMMIT"), expected);
		exit(1);
	}
}

int
main(void)
{
	const char *ann = getenv("ANN");
	const char *ben = getenv("BEN");
	const char *activate = "SELECT FROM spsa_activate_own('all_orders')";
	int			backend;
	PGresult   *result;

	conn = PQconnectdb("");
	if (PQstatus(conn) != CONNECTION_OK)
		return 1;
	backend = PQbackendPID(conn);
	PQclear(PQprepare(conn, "orders", "SELECT id FROM orders WHERE id > $1::integer ORDER BY id", 0, NULL));
	if (!PQenterPipelineMode(conn))
		return 1;

	for (int i = 0; i < 30; i++)
		check(ann, "1,2");
	printf("ann %s\n", orders(ann, NULL, "COMMIT"));
	printf("ann, activated %s\n", orders(ann, activate, "ROLLBACK"));
	printf("ann, rolled back %s\n", orders(ann, NULL, "COMMIT"));
	for (int i = 0; i < 30; i++)
	{
		check(ben, "3,4");
		check(ann, "1,2");
	}
	printf("ben %s\n", orders(ben, NULL, "COMMIT"));
	printf("ann %s\n", orders(ann, NULL, "COMMIT"));
	PQexitPipelineMode(conn);
	result = PQexec(conn, "SELECT bool_or(generic_plans > 0) FROM pg_prepared_statements WHERE statement LIKE '%FROM orders%'");
	printf("generic plans %s\n", strcmp(PQgetvalue(result, 0, 0), "t") == 0 ? "True" : "False");
	PQclear(result);
	if (!PQenterPipelineMode(conn))
		return 1;
	printf("commit %s\n", orders(ann, "INSERT INTO once VALUES (1)", "COMMIT"));
	printf("nobody %s\n", orders(NULL, NULL, "COMMIT"));
	orders(ann, activate, "COMMIT");
	printf("ann, active %s\n", orders(ann, NULL, "COMMIT"));
	orders(ann, "SELECT spsa_deactivate_own('all_orders')", "COMMIT");
	printf("ben %s\n", orders(ben, NULL, "COMMIT"));

	printf("connections %d\n", backend == PQbackendPID(conn) ? 1 : 2);
	PQfinish(conn);
	return 0;
}
