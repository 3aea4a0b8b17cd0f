/* verify.c - whether the audit trail is what was written: heads of it, to be kept elsewhere, and verification.
 *
 * Events vouch for those before them, nothing in the database for the last ones. A head does: it has the number of all
 * events committed at a moment and a digest of their hashes. Which events these are is told by the snapshot, so that
 * those that others commit later, with lower numbers, do not disturb it.
 *
 * Both read all events in the order of time and number, as the caller, under a snapshot of this moment.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "audit/audit.h"
#include "audit/chain.h"
#include "base/owner.h"
#include "base/table.h"

/* Of the text: format/count/last/snapshot/before/digest, before being "-" for all events. */
#define HEAD_FORMAT "1"
#define HEAD_FIELDS 6
#define HEX_DIGITS (2 * CRYPTO_HASH_BYTES)

typedef struct Head
{
	int64		count;			/* of events, also those pruned */
	int64		last;			/* greatest event_id */
	Datum		snapshot;
	TimestampTz before;			/* events before this time only; DT_NOEND: all */
	uint8		digest[CRYPTO_HASH_BYTES];
} Head;

/* The columns of an event, then these. */
#define EXTRA_COLUMNS 5
#define READ_SQL \
	"SELECT e.*, p.event_id, p.session_id IS NOT DISTINCT FROM e.session_id, p.hash IS NOT DISTINCT FROM e.previous_hash" \
	" AND p.at IS NOT DISTINCT FROM e.previous_at, pg_catalog.pg_visible_in_snapshot(e.transaction_id, $1)," \
	" pg_catalog.pg_visible_in_snapshot(e.transaction_id, $2)" \
	" FROM spsa.audit_event e LEFT JOIN spsa.audit_event p ON p.event_id = e.previous_id ORDER BY e.at, e.event_id"

typedef struct Event
{
	int64		event_id;
	TimestampTz at;
	Datum		session_id;
	bool		has_session;
	bool		has_link;		/* previous_id, _at or _hash */
	TimestampTz previous_at;
	uint8		hash[CRYPTO_HASH_BYTES];	/* of what is there now */
	bool		is_intact;		/* and it is the one that is written */
	bool		is_previous_there;
	bool		is_same_chain;
	bool		is_previous_linked;
	bool		in_head;
	bool		in_pruned;
} Event;

typedef void (*EventReader) (const Event *event, void *state);

static void
refuse_head(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed head of the audit trail"),
			 errhint("Give it as spsa_audit_head() has returned it.")));
}

static void
parse_head(char *text, Head *head)
{
	char	   *fields[HEAD_FIELDS];
	int			n = 0;

	for (char *rest = text; rest != NULL && n < HEAD_FIELDS; n++)
		fields[n] = strsep(&rest, "/");
	if (n < HEAD_FIELDS || strcmp(fields[0], HEAD_FORMAT) != 0 || strlen(fields[5]) != HEX_DIGITS ||
		strspn(fields[5], "0123456789abcdef") != HEX_DIGITS || strspn(fields[3], "0123456789:,") != strlen(fields[3]))
		refuse_head();
	head->count = pg_strtoint64(fields[1]);
	head->last = pg_strtoint64(fields[2]);
	head->snapshot = DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(fields[3]));
	head->before = DT_NOEND;
	if (strcmp(fields[4], "-") != 0)
		head->before = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(fields[4]),
															   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	hex_decode(fields[5], HEX_DIGITS, (char *) head->digest);
}

/* False if the argument is null. */
static bool
head_argument(FunctionCallInfo fcinfo, int n, Head *head)
{
	memset(head, 0, sizeof(*head));
	if (PG_ARGISNULL(n))
		return false;
	parse_head(text_to_cstring(PG_GETARG_TEXT_PP(n)), head);
	return true;
}

static void
refuse_unlimited_head(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the head of what was pruned has no time before which that was"),
			 errhint("It is the one that spsa_audit_head(before) returned before the events were deleted.")));
}

/* Without, everything is there: nothing is before the beginning. */
static bool
pruned_argument(FunctionCallInfo fcinfo, int n, Head *head)
{
	bool		is_given = head_argument(fcinfo, n, head);

	if (!is_given)
		head->before = DT_NOBEGIN;
	else if (head->before == DT_NOEND)
		refuse_unlimited_head();
	return is_given;
}

/* The time before which a head covers events that are going to be deleted. */
TimestampTz
audit_head_before(text *text_of_head)
{
	Head		head = {0};

	parse_head(text_to_cstring(text_of_head), &head);
	if (head.before == DT_NOEND)
		refuse_unlimited_head();
	return head.before;
}

static char *
head_text(const Head *head)
{
	char		digest[HEX_DIGITS + 1];

	digest[hex_encode((const char *) head->digest, CRYPTO_HASH_BYTES, digest)] = '\0';
	return psprintf(HEAD_FORMAT "/" INT64_FORMAT "/" INT64_FORMAT "/%s/%s/%s", head->count, head->last,
					DatumGetCString(DirectFunctionCall1(pg_snapshot_out, head->snapshot)),
					head->before == DT_NOEND ? "-" : audit_time(head->before), digest);
}

static void
add_to_digest(Head *head, const Event *event)
{
	uint8		both[2 * CRYPTO_HASH_BYTES];

	memcpy(both, head->digest, CRYPTO_HASH_BYTES);
	memcpy(both + CRYPTO_HASH_BYTES, event->hash, CRYPTO_HASH_BYTES);
	chain_sha256(both, sizeof(both), head->digest);
	head->count++;
	head->last = Max(head->last, event->event_id);
}

static void
event_from_row(Event *event, HeapTuple row, TupleDesc desc)
{
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	int			extra = desc->natts - EXTRA_COLUMNS;
	uint8		hash[CRYPTO_HASH_BYTES];
	bytea	   *written;

	heap_deform_tuple(row, desc, values, nulls);
	chain_hash(desc, extra, values, nulls, hash);
	written = nulls[Anum_audit_event_hash - 1] ? NULL : DatumGetByteaPP(values[Anum_audit_event_hash - 1]);
	event->is_intact = written != NULL && VARSIZE_ANY_EXHDR(written) == CRYPTO_HASH_BYTES &&
		memcmp(VARDATA_ANY(written), hash, CRYPTO_HASH_BYTES) == 0;
	memcpy(event->hash, hash, CRYPTO_HASH_BYTES);
	event->event_id = DatumGetInt64(values[Anum_audit_event_event_id - 1]);
	event->at = DatumGetTimestampTz(values[Anum_audit_event_at - 1]);
	event->session_id = values[Anum_audit_event_session_id - 1];
	event->has_session = !nulls[Anum_audit_event_session_id - 1];
	event->has_link = !nulls[Anum_audit_event_previous_id - 1] || !nulls[Anum_audit_event_previous_at - 1] ||
		!nulls[Anum_audit_event_previous_hash - 1];
	event->previous_at = nulls[Anum_audit_event_previous_at - 1] ? DT_NOEND :
		DatumGetTimestampTz(values[Anum_audit_event_previous_at - 1]);
	event->is_previous_there = !nulls[extra];
	event->is_same_chain = DatumGetBool(values[extra + 1]);
	event->is_previous_linked = DatumGetBool(values[extra + 2]);
	event->in_head = !nulls[extra + 3] && DatumGetBool(values[extra + 3]);
	event->in_pruned = !nulls[extra + 4] && DatumGetBool(values[extra + 4]);
}

/* Under the active snapshot. */
static void
read_events(Datum head_snapshot, Datum pruned_snapshot, EventReader reader, void *state)
{
	Oid			types[2] = {PG_SNAPSHOTOID, PG_SNAPSHOTOID};
	Datum		values[2] = {head_snapshot, pruned_snapshot};
	char		nulls[2] = {head_snapshot == 0 ? 'n' : ' ', pruned_snapshot == 0 ? 'n' : ' '};
	OwnerState	owner;
	Portal		portal;
	MemoryContext each;
	MemoryContext before;

	owner_begin_as_caller(&owner);
	each = AllocSetContextCreate(CurrentMemoryContext, "spsa audit event", ALLOCSET_DEFAULT_SIZES);
	portal = SPI_cursor_open_with_args(NULL, READ_SQL, 2, types, values, nulls, true, 0);
	for (SPI_cursor_fetch(portal, true, 1000); SPI_processed > 0; SPI_cursor_fetch(portal, true, 1000))
	{
		before = MemoryContextSwitchTo(each);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Event		event;

			event_from_row(&event, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			reader(&event, state);
			MemoryContextReset(each);
		}
		MemoryContextSwitchTo(before);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	owner_end(&owner);
}

typedef struct Heading
{
	Head		head;
	TimestampTz since;
} Heading;

static void
read_for_head(const Event *event, void *state)
{
	Heading    *heading = state;

	if (event->at < heading->since || (heading->head.before != DT_NOEND && event->at >= heading->head.before))
		return;
	if (!event->in_head)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("audit event %lld is of a transaction that this server has not had", (long long) event->event_id),
				 errdetail("A head tells events by their transactions, and cannot fix this one."),
				 errhint("Take heads on the server that writes the events.")));
	add_to_digest(&heading->head, event);
}

static TimestampTz
before_argument(FunctionCallInfo fcinfo, int n, TimestampTz since)
{
	TimestampTz before = PG_ARGISNULL(n) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(n);

	if (!PG_ARGISNULL(n) && (before < since || before > GetCurrentTimestamp() || TIMESTAMP_NOT_FINITE(before)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("before must be a time in the past, and not before that of what was pruned already")));
	return before;
}

/* SQL: spsa_audit_head(timestamptz, text) */
PG_FUNCTION_INFO_V1(spsa_audit_head);
Datum
spsa_audit_head(PG_FUNCTION_ARGS)
{
	Heading		heading;

	/*
	 * A snapshot of a standby does not tell which transactions are in
	 * progress.
	 */
	PreventCommandDuringRecovery("spsa_audit_head()");
	(void) pruned_argument(fcinfo, 1, &heading.head);
	heading.since = heading.head.before;
	heading.head.before = before_argument(fcinfo, 0, heading.since);
	/* Its own events are not committed, and its snapshot does not say so. */
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("spsa_audit_head() cannot be called in a transaction that has written something"),
				 errhint("Call it before, or in a transaction of its own.")));
	PushActiveSnapshot(GetLatestSnapshot());
	heading.head.snapshot = OidFunctionCall0(F_PG_CURRENT_SNAPSHOT);
	read_events(heading.head.snapshot, (Datum) 0, read_for_head, &heading);
	PopActiveSnapshot();
	PG_RETURN_TEXT_P(cstring_to_text(head_text(&heading.head)));
}

typedef struct Verification
{
	ReturnSetInfo *result;
	Head		head;			/* given; snapshot is 0 if none is */
	Head		found;			/* the same, as it is now */
	Head		pruned;
} Verification;

static void
report(const Verification *verification, const Event *event, const char *problem)
{
	Datum		values[3] = {0};
	bool		nulls[3] = {event == NULL, event == NULL || !event->has_session, false};

	if (event != NULL)
	{
		values[0] = Int64GetDatum(event->event_id);
		values[1] = event->session_id;
	}
	values[2] = CStringGetTextDatum(problem);
	tuplestore_putvalues(verification->result->setResult, verification->result->setDesc, values, nulls);
}

static void
report_head(const Verification *verification)
{
	const Head *head = &verification->head;
	const Head *found = &verification->found;
	int64		missing = head->count - found->count;

	if (missing > 0)
		report(verification, NULL, psprintf("%lld of %lld events that the head covers are missing", (long long) missing,
											(long long) head->count));
	else if (missing < 0)
		report(verification, NULL, psprintf("the head covers %lld events, and there are %lld", (long long) head->count,
											(long long) found->count));
	else if (!crypto_equal(head->digest, found->digest, CRYPTO_HASH_BYTES))
		report(verification, NULL, psprintf("the %lld events that the head covers are not the same", (long long) head->count));
}

/* What is wrong with it, or NULL. */
static const char *
problem_of(const Event *event, TimestampTz pruned_before)
{
	if (!event->is_intact)
		return "event was changed";
	if (!event->has_link)
		return NULL;
	if (!event->is_previous_there)
		return event->previous_at < pruned_before ? NULL : "event before it is missing";
	if (!event->is_same_chain)
		return "event before it is of another session";
	return event->is_previous_linked ? NULL : "event before it was replaced";
}

static void
read_for_verification(const Event *event, void *state)
{
	Verification *verification = state;
	const Head *head = &verification->head;
	const Head *pruned = &verification->pruned;
	const char *problem = problem_of(event, pruned->before);

	if (event->at < pruned->before)
	{
		if (!event->in_pruned || event->event_id > pruned->last)
			problem = "event is older than what is kept, and the head of what was pruned does not cover it";
	}
	else if (event->in_head && event->event_id <= head->last && event->at < head->before)
		add_to_digest(&verification->found, event);
	if (problem != NULL)
		report(verification, event, problem);
}

/* SQL: spsa_verify_audit(text, text) */
PG_FUNCTION_INFO_V1(spsa_verify_audit);
Datum
spsa_verify_audit(PG_FUNCTION_ARGS)
{
	Verification verification;
	bool		has_head = head_argument(fcinfo, 0, &verification.head);

	(void) pruned_argument(fcinfo, 1, &verification.pruned);
	verification.found = verification.pruned;
	InitMaterializedSRF(fcinfo, 0);
	verification.result = (ReturnSetInfo *) fcinfo->resultinfo;
	PushActiveSnapshot(GetLatestSnapshot());
	read_events(verification.head.snapshot, verification.pruned.snapshot, read_for_verification, &verification);
	PopActiveSnapshot();
	if (has_head)
		report_head(&verification);
	return (Datum) 0;
}
