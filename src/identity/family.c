/* family.c - sessions that are derived from others.
 *
 * Invariants: a derived session is valid only while all of its ancestors are, which is asked whenever it is loaded, under
 * the snapshot of the load, and it listens to the signals of all of them: so whatever ends an ancestor ends it, in whatever
 * order that and its derivation are committed. It is the same user's, allows no set that an ancestor does not allow, and
 * has copies of its parent's level, attributes and so on. Uses of it do not count for its ancestors: they, and it with them,
 * end when nobody uses them.
 *
 * A session manages itself and what is derived from it, at any depth, never its ancestors or their other descendants.
 *
 * Locking: who derives a session holds a key-share lock on the parent's row first, like a foreign key, so that spsa_purge()
 * leaves it out. Closing inserts rows, which nothing blocks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/family.h"
#include "identity/jwt_session.h"
#include "identity/opening.h"

/* ---- ancestors ---- */

/* Takes away what another session does not allow. */
static void
restrict_sets(SessionEntry *entry, const int32 *allowed, int nallowed)
{
	int			kept = 0;

	for (int i = 0; i < entry->nallowed; i++)
	{
		for (int j = 0; j < nallowed; j++)
		{
			if (entry->allowed[i] == allowed[j])
			{
				entry->allowed[kept++] = entry->allowed[i];
				break;
			}
		}
	}
	entry->nallowed = kept;
}

/* What an ancestor's row means for the session. The parent of the ancestor, if there is one, replaces its identifier. */
static bool
read_ancestor(SessionEntry *entry, pg_uuid_t *ancestor_id, bool *has_parent, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	Datum		value;

	table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(ancestor_id));
	table_begin(&scan, "session", "session_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		entry->ancestors_close_at = Min(entry->ancestors_close_at, session_row_closes_at(&scan, row, snapshot));
		if (DatumGetInt64(table_value(&scan, row, Anum_session_user_id, &isnull)) != entry->user_id)
			entry->ended = true;
		value = table_value(&scan, row, Anum_session_allowed_sets, &isnull);
		if (!isnull)
		{
			int			n;
			int32	   *allowed = session_allowed_sets(value, &n);

			restrict_sets(entry, allowed, n);
		}
		value = table_value(&scan, row, Anum_session_parent_id, &isnull);
		*has_parent = !isnull;
		if (!isnull)
			*ancestor_id = *DatumGetUUIDP(value);
	}
	table_end(&scan);
	return HeapTupleIsValid(row);
}

/* What a session that is being loaded has of its ancestors: it is over if one is, or if they are more than there can be. */
void
family_read_ancestors(SessionEntry *entry, Snapshot snapshot)
{
	pg_uuid_t	ancestor_id = entry->parent_id;
	bool		has_parent = entry->has_parent;

	entry->ancestors_close_at = DT_NOEND;
	if (has_parent)
		entry->nallowed = Max(entry->nallowed, 0);	/* none, if the list is
													 * missing */
	while (has_parent && !entry->ended)
	{
		if (entry->nancestors == SESSION_MAX_ANCESTORS)
		{
			entry->ended = true;
			break;
		}
		entry->ancestor_signals[entry->nancestors++] = signal_of_session(&ancestor_id);
		entry->unsettled = entry->unsettled || (entry->uncommitted && jwt_session_is_unsettled(&ancestor_id, snapshot));
		entry->ended = session_is_ended(&ancestor_id, snapshot) || !read_ancestor(entry, &ancestor_id, &has_parent, snapshot) ||
			entry->ended;
	}
	entry->closes_at = Min(entry->closes_at, entry->ancestors_close_at);
}

/* The parent of a session, or false. */
static bool
find_parent(const pg_uuid_t *session_id, pg_uuid_t *parent_id)
{
	ScanKeyData key;
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	HeapTuple	row;
	bool		isnull = true;
	Datum		value;

	table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	table_begin(&scan, "session", "session_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		value = table_value(&scan, row, Anum_session_parent_id, &isnull);
		if (!isnull)
			*parent_id = *DatumGetUUIDP(value);
	}
	table_end(&scan);
	table_snapshot_release(snapshot);
	return !isnull;
}

/* Whether a session is derived from another one, directly or not. */
bool
family_is_ancestor(const pg_uuid_t *ancestor_id, const pg_uuid_t *session_id)
{
	pg_uuid_t	ancestor = *ancestor_id;
	pg_uuid_t	id = *session_id;
	pg_uuid_t	parent_id;

	for (int i = 0; i < SESSION_MAX_ANCESTORS && find_parent(&id, &parent_id); i++)
	{
		if (memcmp(&parent_id, &ancestor, sizeof(pg_uuid_t)) == 0)
			return true;
		id = parent_id;
	}
	return false;
}

/* ---- who may have a token of a session ---- */

/* Whether the current role may open sessions for anybody. function: one of the extension's, beside which the other is. */
static bool
may_open_sessions(Oid function)
{
	Oid			schema = get_func_namespace(function);
	CatCList   *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum("spsa_open_session"));
	bool		result = false;

	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		if (form->pronamespace == schema && pg_proc_aclcheck(form->oid, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK)
			result = true;
	}
	ReleaseSysCacheList(functions);
	return result;
}

/*
 * The live session of an identifier if the caller may have a token that acts as it: it is the attached one, or derived from
 * it, or the current role may open sessions anyway. Managing activations, or closing sessions, does not suffice: a token of
 * somebody else's is their identity.
 */
SessionEntry *
family_require_holder(const pg_uuid_t *session_id, Oid function)
{
	pg_uuid_t	id = *session_id;
	SessionEntry *entry;
	SessionState state;

	AcceptInvalidationMessages();
	state = session_current(&entry);
	if (state == SESSION_LIVE && memcmp(&entry->session_id, &id, sizeof(pg_uuid_t)) == 0)
		return entry;
	if (!(state == SESSION_LIVE && family_is_ancestor(&entry->session_id, &id)) && !may_open_sessions(function))
	{
		if (state == SESSION_OVER)
			session_raise_invalid();
		session_log_refusal("issue a token", "the session is neither the attached one nor derived from it");
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for session"),
				 errhint("A session issues tokens for itself and for what is derived from it: attach it with spsa_attach() first.")));
	}
	entry = session_find(&id);
	if (entry == NULL)
		session_raise_invalid();
	return entry;
}

/* ---- deriving ---- */

/* What the child has of its parent: copies, as the parent is now. */
static void
inherit(Opening *opening, const SessionEntry *parent)
{
	static const Interval none = {0};

	opening->user_id = parent->user_id;
	opening->user_name = pstrdup(parent->user_name);
	opening->has_parent = true;
	opening->parent_id = parent->session_id;
	opening->db_role = parent->db_role == NULL ? NULL : pstrdup(parent->db_role);
	opening->security_level = pstrdup(parent->security_level);
	opening->authenticated_at = parent->authenticated_at;
	opening->login_type = pstrdup(parent->login_type);
	opening->actor = parent->actor == NULL ? NULL : pstrdup(parent->actor);
	opening->attributes = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(parent->attributes));
	opening->has_source_ip = parent->source_ip != NULL;
	if (opening->has_source_ip)
		opening->source_ip = DirectFunctionCall1(inet_in, CStringGetDatum(parent->source_ip));
	if (parent->idle_timeout > 0)
	{
		opening->idle_timeout = palloc(sizeof(Interval));
		*opening->idle_timeout = none;
		opening->idle_timeout->time = parent->idle_timeout;
	}
	opening->expires_at = parent->expires_at;
	opening->nlimits = parent->nallowed;
	if (parent->nallowed >= 0)
	{
		opening->limits = palloc(sizeof(int32) * (parent->nallowed + 1));
		memcpy(opening->limits, parent->allowed, sizeof(int32) * parent->nallowed);
	}
}

/* The parent, kept from spsa_purge() until the end of the transaction. */
static SessionEntry *
keep_parent(const pg_uuid_t *session_id, Oid function)
{
	SessionEntry *parent = family_require_holder(session_id, function);

	PreventCommandIfReadOnly("spsa_derive_session()");
	session_keep(session_id);
	parent = session_find(session_id);
	if (parent == NULL)
		session_raise_invalid();
	if (parent->nancestors == SESSION_MAX_ANCESTORS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("no session can be derived from this one"),
				 errdetail("It has %d sessions above it, which is as many as there can be.", SESSION_MAX_ANCESTORS),
				 errhint("Derive it from one that is further up.")));
	return parent;
}

/* SQL: spsa_derive_session(text[], interval, uuid) */
PG_FUNCTION_INFO_V1(spsa_derive_session);
Datum
spsa_derive_session(PG_FUNCTION_ARGS)
{
	Opening		opening = {0};
	pg_uuid_t	parent_id;
	TimestampTz now = GetCurrentTimestamp();

	InitMaterializedSRF(fcinfo, 0);
	opening_check_own_action();
	if (PG_ARGISNULL(2))
		(void) session_require();
	if (PG_ARGISNULL(2))
		opening_refuse_null("parent session");
	if (PG_ARGISNULL(0))
		opening_refuse_null("list of permission sets");
	parent_id = *PG_GETARG_UUID_P(2);
	inherit(&opening, keep_parent(&parent_id, fcinfo->flinfo->fn_oid));
	opening.has_sets = true;
	opening.sets = PG_GETARG_DATUM(0);
	if (!PG_ARGISNULL(1))
		opening.expires_at = Min(opening.expires_at, opening_end_of(PG_GETARG_INTERVAL_P(1), now, "lifetime"));
	opening_store(&opening, now);
	opening_return(fcinfo, &opening);
	return (Datum) 0;
}

/* ---- closing ---- */

/* Those of $1, which are live, and what is derived from them, as far as it is not over. The first column tells the two apart. */
static OwnerStatement select_family = {
	"WITH RECURSIVE family (session_id, generation) AS (SELECT i, 0 FROM pg_catalog.unnest($1) i"
	" UNION ALL SELECT c.session_id, f.generation + 1 FROM family f JOIN spsa.session c ON c.parent_id = f.session_id"
	" WHERE f.generation < 8)"
	" SELECT f.generation = 0, f.session_id FROM family f JOIN spsa.session s ON s.session_id = f.session_id"
	" WHERE f.generation = 0 OR s.expires_at > pg_catalog.clock_timestamp()"
	" AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = f.session_id)"
	" ORDER BY f.generation, f.session_id",
	1, {UUIDARRAYOID}
};

static OwnerStatement insert_ends = {
	"INSERT INTO spsa.session_end (session_id) SELECT i FROM pg_catalog.unnest($1) i", 1, {UUIDARRAYOID}
};

static Datum
uuid_array(const pg_uuid_t *ids, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
		elements[i] = UUIDPGetDatum(&ids[i]);
	return PointerGetDatum(construct_array(elements, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

/*
 * Closes live sessions of a user, and with them what is derived from them. (That would be over without, but nobody would
 * find it in the audit trail.) detail: JSON for the audit trail, or NULL.
 */
void
family_close(const pg_uuid_t *ids, int n, const char *user_name, const char *detail)
{
	AuditEvent	event = {"session_close"};
	Datum		value = uuid_array(ids, n);
	pg_uuid_t  *family;
	bool	   *listed;
	int			rows;
	bool		isnull;
	OwnerState	state;

	owner_begin_latest(&state);
	rows = owner_execute(&select_family, &value, NULL);
	family = palloc(sizeof(pg_uuid_t) * (rows + 1));
	listed = palloc(sizeof(bool) * (rows + 1));
	for (int i = 0; i < rows; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];

		listed[i] = DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		family[i] = *DatumGetUUIDP(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
	}
	event.user_name = user_name;
	for (int i = 0; i < rows; i++)
	{
		event.session_id = &family[i];
		event.detail = listed[i] ? detail : "{\"reason\": \"closed with the session that it was derived from\"}";
		audit_record(&event);
	}
	value = uuid_array(family, rows);
	owner_execute(&insert_ends, &value, NULL);
	owner_end(&state);
}
