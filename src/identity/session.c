/* session.c - the session that this backend acts for: loading, caching, validity.
 *
 * Invariants: a session is valid only if its row is found by the token's hash under a fresh snapshot, it is not closed,
 * its user is active, neither its expiry nor its idle timeout has passed by the clock, and the role that the client acts
 * as (the session user or the target of SET ROLE; SECURITY DEFINER changes nothing) is a member of the session's role. All
 * sessions that it is derived from must be valid in the same way, but for the role (identity/family.c).
 * What base/signal.c reports makes an entry stale; an entry is never used beyond next_change. Tokens that are not known are
 * not cached.
 *
 * Memory: each entry has a context below session_context; the list is bounded by spsa.session_cache_size.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/guc.h"
#include "base/table.h"
#include "identity/binding.h"
#include "identity/family.h"
#include "identity/jwt_session.h"
#include "identity/rotation.h"
#include "identity/session.h"

static MemoryContext session_context = NULL;
static HTAB *entries_by_hash = NULL;
static HTAB *entries_by_id = NULL;
static dlist_head entries = DLIST_STATIC_INIT(entries); /* most recently used
														 * first */

typedef struct HashSlot
{
	uint8_t		hash[CRYPTO_HASH_BYTES];	/* key: itself evenly distributed */
	SessionEntry *entry;
} HashSlot;

typedef struct IdSlot
{
	pg_uuid_t	session_id;		/* key */
	SessionEntry *entry;		/* NULL: none */
} IdSlot;

static uint64 versions = 0;
static uint64 role_epoch = 1;	/* of roles and schemas */
static uint64 own_changes = 0;
static bool token_replaced = false; /* the token looked up last had been one */
static bool any_noted = false;	/* some entry is uncommitted, or its use noted */
static SessionLoader load_grants = NULL;
static void (*attached_callback) (void) = NULL;

/* The last answer of session_current(). */
static struct
{
	SessionEntry *entry;
	uint64		binding_epoch;
	uint64		signal_epoch;
	uint64		role_epoch;
	Oid			role;
}			current;

static void
forget(SessionEntry *entry)
{
	IdSlot	   *slot = hash_search(entries_by_id, &entry->session_id, HASH_FIND, NULL);

	if (current.entry == entry)
		current.entry = NULL;
	hash_search(entries_by_hash, entry->hash, HASH_REMOVE, NULL);
	if (slot != NULL && slot->entry == entry)
		hash_search(entries_by_id, &entry->session_id, HASH_REMOVE, NULL);
	dlist_delete(&entry->lru);
	entry->dropped = true;
	if (entry->pins == 0)
		MemoryContextDelete(entry->context);
}

/* Keeps an entry's memory while code runs that may call session_* itself, such as a type's functions. */
void
session_pin(SessionEntry *entry)
{
	entry->pins++;
}

void
session_unpin(SessionEntry *entry)
{
	if (--entry->pins == 0 && entry->dropped)
		MemoryContextDelete(entry->context);
}

static SessionEntry *
lookup(const uint8_t hash[CRYPTO_HASH_BYTES])
{
	HashSlot   *slot = hash_search(entries_by_hash, hash, HASH_FIND, NULL);

	if (slot == NULL)
		return NULL;
	dlist_move_head(&entries, &slot->entry->lru);
	return slot->entry;
}

static SessionEntry *
lookup_id(const pg_uuid_t *session_id)
{
	IdSlot	   *slot = hash_search(entries_by_id, session_id, HASH_FIND, NULL);

	if (slot == NULL || slot->entry == NULL)
		return NULL;
	dlist_move_head(&entries, &slot->entry->lru);
	return slot->entry;
}

/* Months count as 30 days and days as 24 hours, as in interval comparison. */
int64
session_idle_microseconds(const Interval *timeout)
{
	return timeout->time + ((int64) timeout->month * DAYS_PER_MONTH + timeout->day) * USECS_PER_DAY;
}

/* Closed, or opened by a JWT whose issuer or key is trusted no longer. */
bool
session_is_ended(const pg_uuid_t *session_id, Snapshot snapshot)
{
	ScanKeyData key;

	table_key(&key, Anum_session_end_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	return table_has_row("session_end", "session_end_session_id_idx", snapshot, 1, &key) ||
		!jwt_session_is_trusted(session_id, snapshot);
}

/* False if the user's row is gone. */
static bool
read_user(SessionEntry *entry, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, Anum_app_user_user_id, F_INT8EQ, Int64GetDatum(entry->user_id));
	table_begin(&scan, "app_user", "app_user_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		entry->user_name = TextDatumGetCString(table_value(&scan, row, Anum_app_user_user_name, &isnull));
		entry->user_attributes = DatumGetJsonbPCopy(table_value(&scan, row, Anum_app_user_attributes, &isnull));
		if (!DatumGetBool(table_value(&scan, row, Anum_app_user_is_active, &isnull)))
			entry->ended = true;
	}
	table_end(&scan);
	return HeapTupleIsValid(row);
}

/* Last noted use of a session, or its opening. */
static TimestampTz
last_seen(const pg_uuid_t *session_id, TimestampTz created_at, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	TimestampTz result = created_at;

	table_key(&key, Anum_session_activity_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	table_begin(&scan, "session_activity", "session_activity_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		result = DatumGetTimestampTz(table_value(&scan, row, Anum_session_activity_last_seen_at, &isnull));
	table_end(&scan);
	return result;
}

/* When the session of a row ends by the clock: its expiry or idle timeout, whichever is earlier. */
TimestampTz
session_row_closes_at(const TableScan *scan, HeapTuple row, Snapshot snapshot)
{
	bool		isnull;
	TimestampTz expires_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_expires_at, &isnull));
	Datum		timeout = table_value(scan, row, Anum_session_idle_timeout, &isnull);
	TimestampTz created_at;
	pg_uuid_t  *session_id;

	if (isnull)
		return expires_at;
	created_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_created_at, &isnull));
	session_id = DatumGetUUIDP(table_value(scan, row, Anum_session_session_id, &isnull));
	return Min(expires_at,
			   last_seen(session_id, created_at, snapshot) + session_idle_microseconds(DatumGetIntervalP(timeout)));
}

static void
read_activity(SessionEntry *entry, Snapshot snapshot)
{
	entry->last_seen_at = last_seen(&entry->session_id, entry->created_at, snapshot);
	if (entry->last_seen_at + entry->idle_timeout < entry->closes_at)
		entry->closes_at = entry->last_seen_at + entry->idle_timeout;
}

/* Security levels from the lowest; 0: none that is known. */
int
session_level_rank(const char *level)
{
	return strcmp(level, "high_assurance") == 0 ? 2 : strcmp(level, "standard") == 0 ? 1 : 0;
}

/* Each time that the user has authenticated again. Nothing lowers the level, or puts the time back. */
static void
read_authentications(SessionEntry *entry, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_session_authentication_session_id, F_UUID_EQ, UUIDPGetDatum(&entry->session_id));
	table_begin(&scan, "session_authentication", "session_authentication_session_id_idx", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		bool		isnull;
		TimestampTz at = DatumGetTimestampTz(table_value(&scan, row, Anum_session_authentication_authenticated_at, &isnull));
		Datum		level = table_value(&scan, row, Anum_session_authentication_security_level, &isnull);
		const char *name = isnull ? "" : DatumGetCString(DirectFunctionCall1(enum_out, level));

		entry->authenticated_at = Max(entry->authenticated_at, at);
		if (session_level_rank(name) > session_level_rank(entry->security_level))
			entry->security_level = name;
	}
	table_end(&scan);
}

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

/* Identifiers in an array of sets that are allowed. */
int32 *
session_allowed_sets(Datum value, int *n)
{
	Datum	   *elements;
	bool	   *nulls;
	int32	   *allowed;

	deconstruct_array(DatumGetArrayTypeP(value), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, &nulls, n);
	allowed = palloc0(sizeof(int32) * (*n + 1));
	for (int i = 0; i < *n; i++)
		allowed[i] = nulls[i] ? 0 : DatumGetInt32(elements[i]);
	return allowed;
}

static void
fill_from_row(SessionEntry *entry, const TableScan *scan, HeapTuple row)
{
	bool		isnull;
	Datum		value;

	entry->session_id = *DatumGetUUIDP(table_value(scan, row, Anum_session_session_id, &isnull));
	value = table_value(scan, row, Anum_session_token_hash, &isnull);
	memcpy(entry->hash, VARDATA_ANY(DatumGetByteaPP(value)), CRYPTO_HASH_BYTES);
	entry->user_id = DatumGetInt64(table_value(scan, row, Anum_session_user_id, &isnull));
	value = table_value(scan, row, Anum_session_db_role, &isnull);
	entry->db_role = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
	value = table_value(scan, row, Anum_session_parent_id, &isnull);
	entry->has_parent = !isnull;
	if (!isnull)
		entry->parent_id = *DatumGetUUIDP(value);
	value = table_value(scan, row, Anum_session_allowed_sets, &isnull);
	entry->nallowed = -1;
	if (!isnull)
		entry->allowed = session_allowed_sets(value, &entry->nallowed);
	entry->created_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_created_at, &isnull));
	entry->authenticated_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_authenticated_at, &isnull));
	entry->expires_at = DatumGetTimestampTz(table_value(scan, row, Anum_session_expires_at, &isnull));
	entry->closes_at = entry->expires_at;
	value = table_value(scan, row, Anum_session_idle_timeout, &isnull);
	entry->idle_timeout = isnull ? 0 : session_idle_microseconds(DatumGetIntervalP(value));
	value = table_value(scan, row, Anum_session_security_level, &isnull);
	entry->security_level = DatumGetCString(DirectFunctionCall1(enum_out, value));
	value = table_value(scan, row, Anum_session_login_type, &isnull);
	entry->login_type = text_or_null(value, isnull);
	value = table_value(scan, row, Anum_session_source_ip, &isnull);
	entry->source_ip = isnull ? NULL : DatumGetCString(DirectFunctionCall1(inet_out, value));
	value = table_value(scan, row, Anum_session_actor, &isnull);
	entry->actor = text_or_null(value, isnull);
	entry->attributes = DatumGetJsonbPCopy(table_value(scan, row, Anum_session_attributes, &isnull));
}

/* Reads the row of an identifier, or if none is given that of the hash of the token it was opened with. */
static bool
read_row(SessionEntry *entry, const pg_uuid_t *session_id, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bytea	   *hash = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);

	SET_VARSIZE(hash, VARHDRSZ + CRYPTO_HASH_BYTES);
	memcpy(VARDATA(hash), entry->hash, CRYPTO_HASH_BYTES);
	if (session_id != NULL)
		table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	else
		table_key(&key, Anum_session_token_hash, F_BYTEAEQ, PointerGetDatum(hash));
	table_begin(&scan, "session", session_id != NULL ? "session_pkey" : "session_token_hash_key", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		fill_from_row(entry, &scan, row);
	table_end(&scan);
	return HeapTupleIsValid(row);
}

/*
 * Reads the session of a token hash, or of an identifier if one is given; false if there is none. A token that has been
 * replaced is none: what is valid is the newest one.
 */
static bool
read_session(SessionEntry *entry, const pg_uuid_t *session_id, Snapshot snapshot)
{
	uint8_t		hash[CRYPTO_HASH_BYTES];
	pg_uuid_t	rotated;

	memcpy(hash, entry->hash, sizeof(hash));
	if (!read_row(entry, session_id, snapshot) &&
		(session_id != NULL || !rotation_find_session(hash, snapshot, &rotated) || !read_row(entry, &rotated, snapshot)))
		return false;
	rotation_newest_hash(&entry->session_id, snapshot, entry->hash);
	token_replaced = session_id == NULL && !crypto_equal(hash, entry->hash, sizeof(hash));
	return !token_replaced;
}

/* The counts of all signals that concern the session. */
static SignalCounts
counts_of(const SessionEntry *entry)
{
	SignalCounts counts = signal_counts(entry->session_bucket, entry->user_bucket);

	for (int i = 0; i < entry->nancestors; i++)
		counts.session += signal_bucket_count(entry->ancestor_buckets[i]);
	return counts;
}

typedef enum LoadResult
{
	LOADED,
	NO_SESSION,
	LOAD_AGAIN
} LoadResult;

/* Everything under one snapshot, with the signals counted before it was taken. */
static LoadResult
load_once(SessionEntry *entry, const pg_uuid_t *session_id)
{
	uint64		epoch = signal_epoch();
	Snapshot	snapshot;
	bool		found;

	entry->ended = false;
	entry->uncommitted = TransactionIdIsValid(GetTopTransactionIdIfAny());
	entry->schema = table_schema();
	snapshot = table_snapshot();
	found = read_session(entry, session_id, snapshot);
	if (found)
	{
		family_read_ancestors(entry, snapshot);

		/*
		 * Which signals concern the session is known only now: their counts
		 * are those of before the snapshot if none at all has come since.
		 */
		entry->session_bucket = signal_bucket_of_session(&entry->session_id);
		entry->user_bucket = signal_bucket_of_user(entry->user_id);
		entry->counts = counts_of(entry);
		if (signal_epoch() != epoch)
		{
			table_snapshot_release(snapshot);
			return LOAD_AGAIN;
		}
		found = read_user(entry, snapshot);
	}
	if (found)
	{
		entry->ended = entry->ended || session_is_ended(&entry->session_id, snapshot);
		entry->unsettled = entry->unsettled || (entry->uncommitted && jwt_session_is_unsettled(&entry->session_id, snapshot));
		read_authentications(entry, snapshot);
		if (entry->idle_timeout > 0)
			read_activity(entry, snapshot);
		entry->next_change = entry->closes_at;
		if (!entry->ended && load_grants != NULL)
			load_grants(entry, snapshot);
	}
	table_snapshot_release(snapshot);
	return found ? LOADED : NO_SESSION;
}

/* Signals tell of rows; that the extension was dropped and installed anew shows by its schema. */
static bool
is_fresh(const SessionEntry *entry)
{
	SignalCounts now = counts_of(entry);

	return memcmp(&now, &entry->counts, sizeof(now)) == 0 && entry->schema == table_schema();
}

/* Makes room for one more entry. */
static void
evict(void)
{
	while (hash_get_num_entries(entries_by_hash) >= guc_session_cache_size)
		forget(dlist_container(SessionEntry, lru, dlist_tail_node(&entries)));
}

/* What is out of memory halfway leaves a slot of the second table, without entry. */
static void
keep(SessionEntry *entry)
{
	SessionEntry *before = lookup(entry->hash);
	IdSlot	   *id_slot;
	HashSlot   *slot;
	bool		found;

	if (before != NULL)
		forget(before);
	evict();
	id_slot = hash_search(entries_by_id, &entry->session_id, HASH_ENTER, &found);
	if (!found)
		id_slot->entry = NULL;
	slot = hash_search(entries_by_hash, entry->hash, HASH_ENTER, NULL);
	slot->entry = entry;
	id_slot->entry = entry;
	any_noted = any_noted || entry->uncommitted;
	entry->version = ++versions;
	MemoryContextSetParent(entry->context, session_context);
	dlist_push_head(&entries, &entry->lru);
}

/*
 * NULL if no session has this token, or this identifier if one is given. An error leaves nothing behind: the context is the
 * caller's until it is complete.
 */
static SessionEntry *
load(const uint8_t *hash, const pg_uuid_t *session_id)
{
	MemoryContext caller = CurrentMemoryContext;

	for (;;)
	{
		MemoryContext context = AllocSetContextCreate(caller, "spsa session", ALLOCSET_SMALL_SIZES);
		SessionEntry *entry;
		LoadResult	result;

		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
		MemoryContextSwitchTo(context);
		entry = palloc0(sizeof(SessionEntry));
		entry->context = context;
		if (hash != NULL)
			memcpy(entry->hash, hash, CRYPTO_HASH_BYTES);
		result = load_once(entry, session_id);
		AcceptInvalidationMessages();
		MemoryContextSwitchTo(caller);
		if (result == LOADED && is_fresh(entry))
		{
			keep(entry);
			return entry;
		}
		MemoryContextDelete(context);
		if (result == NO_SESSION)
			return NULL;
	}
}

/* The entry, if it is as things are now; otherwise it is forgotten. */
static SessionEntry *
current_or_forget(SessionEntry *entry)
{
	if (entry == NULL || (is_fresh(entry) && GetCurrentTimestamp() < entry->next_change))
		return entry;
	forget(entry);
	return NULL;
}

/* The entry of a token as it is now, or NULL. */
static SessionEntry *
get(const uint8_t hash[CRYPTO_HASH_BYTES])
{
	SessionEntry *entry = current_or_forget(lookup(hash));

	token_replaced = false;
	return entry != NULL ? entry : load(hash, NULL);
}

static bool
role_may_use(const SessionEntry *entry, Oid role)
{
	Oid			bound_role;

	if (entry->db_role == NULL)
		return true;
	bound_role = get_role_oid(entry->db_role, true);
	return OidIsValid(bound_role) && is_member_of_role_nosuper(role, bound_role);
}

/* Why the session is not valid for this client now, or NULL. */
static const char *
invalid_reason(const SessionEntry *entry)
{
	if (entry == NULL)
		return token_replaced ? "the token was replaced" : "the token is unknown";
	if (entry->ended)
		return entry->nancestors > 0 ?
			"the session or one it is derived from was closed, its user disabled, or the issuer of its JWT is trusted no longer" :
			"the session was closed, its user disabled, or the issuer of its JWT is trusted no longer";
	if (entry->unsettled)
		return "the opening of the session by a JWT for a single use is not committed";
	if (GetCurrentTimestamp() >= entry->closes_at)
		return "the session has expired";
	if (!role_may_use(entry, GetOuterUserId()))
		return "the session is bound to another database role";
	return NULL;
}

/* Whether there is a session of this token, valid or not, or was until the token was replaced. */
bool
session_exists(const uint8_t hash[CRYPTO_HASH_BYTES])
{
	return get(hash) != NULL || token_replaced;
}

/* The valid session of a token, or NULL and the reason. */
SessionEntry *
session_accept(const uint8_t hash[CRYPTO_HASH_BYTES], const char **reason)
{
	SessionEntry *entry = get(hash);

	*reason = invalid_reason(entry);
	return *reason == NULL ? entry : NULL;
}

/*
 * The one place that says for whom this backend acts. Cheap when nothing has happened. Does not accept invalidations
 * itself, so that a running statement sees one state as far as possible; its callers do at their statement's start.
 */
SessionState
session_current(SessionEntry **entry)
{
	const Binding *binding;
	const char *reason;

	*entry = NULL;

	/*
	 * Index functions and the like, which maintenance commands run as the
	 * table's owner, must not read with the session of the administrator who
	 * maintains.
	 */
	if (InSecurityRestrictedOperation())
		return SESSION_NONE;
	switch (binding_current(&binding))
	{
		case BINDING_NONE:
			return SESSION_NONE;
		case BINDING_VOID:
			return SESSION_OVER;
		case BINDING_ATTACHED:
			break;
	}
	if (current.entry != NULL && current.binding_epoch == binding_epoch() && current.signal_epoch == signal_epoch() &&
		current.role_epoch == role_epoch && current.role == GetOuterUserId() &&
		GetCurrentTimestamp() < current.entry->next_change)
	{
		*entry = current.entry;
		return SESSION_LIVE;
	}

	current.entry = NULL;
	*entry = session_accept(binding->hash, &reason);
	if (*entry == NULL)
	{
		/*
		 * A token that never was one: what was bound before it does not come
		 * back by ROLLBACK.
		 */
		if (lookup(binding->hash) == NULL)
			binding_poison_earlier();
		return SESSION_OVER;
	}
	current.entry = *entry;
	current.binding_epoch = binding_epoch();
	current.signal_epoch = signal_epoch();
	current.role_epoch = role_epoch;
	current.role = GetOuterUserId();
	return SESSION_LIVE;
}

/* Moves whenever session_current() may answer differently, save by the clock. */
uint64
session_epoch(void)
{
	return binding_epoch() + signal_epoch() + role_epoch;
}

/* Counts the changes of authority that this backend makes itself. */
uint64
session_own_changes(void)
{
	return own_changes + binding_epoch();
}

void
session_note_change(void)
{
	own_changes++;
}

/* One message for every cause: a stranger learns nothing. */
void
session_raise_invalid(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("session is not valid"),
			 errhint("Authenticate again to get a new token.")));
}

void
session_raise_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no session is attached"),
			 errhint("Attach a session with spsa_attach() or spsa_attach_connection().")));
}

/* The valid session, or NULL if there is none; an error if it is over, or missing where it is required. */
SessionEntry *
session_valid(bool required)
{
	SessionEntry *entry;

	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			break;
		case SESSION_OVER:
			session_raise_invalid();
		case SESSION_NONE:
			if (required)
				session_raise_missing();
			break;
	}
	return entry;
}

/* The attached session, for functions that make no sense without. */
SessionEntry *
session_require(void)
{
	AcceptInvalidationMessages();
	return session_valid(true);
}

/* Invariant 9: each refusal leaves a log line, without statement and context, which may hold the token. */
void
session_log_refusal(const char *what, const char *reason)
{
	ereport(LOG_SERVER_ONLY,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("spsa refused to %s: %s", what, reason),
			 errhidestmt(true), errhidecontext(true)));
}

/*
 * A session by its identifier, live for its holder, whoever asks: for administrators. It is cached like any other. NULL if
 * there is none or it is over.
 */
SessionEntry *
session_find(const pg_uuid_t *session_id)
{
	SessionEntry *entry;

	AcceptInvalidationMessages();
	entry = current_or_forget(lookup_id(session_id));
	if (entry == NULL)
		entry = load(NULL, session_id);
	return entry != NULL && !entry->ended && GetCurrentTimestamp() < entry->closes_at ? entry : NULL;
}

/*
 * The live session of an identifier if the caller may manage it: it is the attached one or derived from it, or the current
 * role holds a privilege on the table that the change is written to. NULL if it is over; a stranger does not learn that.
 */
SessionEntry *
session_permitted(const pg_uuid_t *session_id, const char *table, AclMode privilege)
{
	SessionEntry *entry;
	SessionState state;

	AcceptInvalidationMessages();
	state = session_current(&entry);
	if (state == SESSION_LIVE && memcmp(&entry->session_id, session_id, sizeof(pg_uuid_t)) == 0)
		return entry;
	if (pg_class_aclcheck(table_oid(table), GetUserId(), privilege) != ACLCHECK_OK &&
		!(state == SESSION_LIVE && family_is_ancestor(&entry->session_id, session_id)))
	{
		if (state == SESSION_OVER)
			session_raise_invalid();
		session_log_refusal("manage a session", "it is not the attached one");
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for session"),
				 errhint("A session manages itself: attach it with spsa_attach() first.")));
	}
	return session_find(session_id);
}

/* Attributes of the user come first: a session cannot contradict them. NULL: there is none. */
JsonbValue *
session_attribute_value(const SessionEntry *entry, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&entry->user_attributes->root, name, strlen(name), NULL);

	if (value == NULL)
		value = getKeyJsonValueFromContainer(&entry->attributes->root, name, strlen(name), NULL);
	return value;
}

char *
session_attribute_text(const SessionEntry *entry, const char *name)
{
	JsonbValue *value = session_attribute_value(entry, name);

	if (value == NULL)
		return NULL;
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		default:
			{
				Jsonb	   *jsonb = JsonbValueToJsonb(value);

				return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
			}
	}
}

/*
 * Notes a use of a session. The row is skipped when another transaction has it locked (that one notes the use as well),
 * and written without SPI: under REPEATABLE READ an UPDATE could fail for a change that does not matter.
 */
void
session_mark_used(const pg_uuid_t *session_id, TimestampTz now)
{
	Relation	relation = table_open(table_oid("session_activity"), RowExclusiveLock);
	Snapshot	snapshot = table_snapshot();
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_session_activity_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	scan = systable_beginscan(relation, table_oid("session_activity_pkey"), true, snapshot, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		TM_FailureData failure;

		if (table_tuple_lock(relation, &row->t_self, snapshot, slot, GetCurrentCommandId(true), LockTupleNoKeyExclusive,
							 LockWaitSkip, 0, &failure) == TM_Ok)
		{
			Datum		values[2] = {0};
			bool		nulls[2] = {false};
			bool		replace[2] = {false, true};

			values[Anum_session_activity_last_seen_at - 1] = TimestampTzGetDatum(now);
			CatalogTupleUpdate(relation, &row->t_self,
							   heap_modify_tuple(row, RelationGetDescr(relation), values, nulls, replace));
		}
	}
	systable_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_snapshot_release(snapshot);
	table_close(relation, RowExclusiveLock);
}

/*
 * Keeps the session's row, as a foreign key does, until the end of the transaction: spsa_purge() leaves it out. If
 * somebody is deleting it, waits. Nothing if it is gone.
 */
void
session_keep(const pg_uuid_t *session_id)
{
	Relation	relation = table_open(table_oid("session"), RowShareLock);
	Snapshot	snapshot = table_snapshot();
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TM_FailureData failure;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	scan = systable_beginscan(relation, table_oid("session_pkey"), true, snapshot, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		(void) table_tuple_lock(relation, &row->t_self, snapshot, slot, GetCurrentCommandId(true), LockTupleKeyShare,
								LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	systable_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_snapshot_release(snapshot);
	table_close(relation, NoLock);
}

static bool
may_write(void)
{
	return !RecoveryInProgress() && !XactReadOnly && !IsInParallelMode();
}

/* At most every quarter of the timeout. */
void
session_used(SessionEntry *entry)
{
	TimestampTz now = GetCurrentTimestamp();

	if (entry->idle_timeout == 0 || !may_write() || now - Max(entry->last_seen_at, entry->noted_at) < entry->idle_timeout / 4)
		return;
	entry->noted_at = now;
	any_noted = true;
	session_mark_used(&entry->session_id, now);
}

/* A transaction that writes counts as a use. */
static void
before_commit(void)
{
	const Binding *binding;
	SessionEntry *entry;

	if (TransactionIdIsValid(GetTopTransactionIdIfAny()) && may_write() && binding_current(&binding) == BINDING_ATTACHED &&
		table_is_installed("session") && session_current(&entry) == SESSION_LIVE)
		session_used(entry);
}

/*
 * What sends no signal must be forgotten by hand: a session whose opening is undone, what was read after a change whose
 * statement failed before it sent its signals, and the note of a use.
 */
static void
forget_uncommitted(void)
{
	dlist_mutable_iter i;

	current.entry = NULL;
	dlist_foreach_modify(i, &entries)
	{
		SessionEntry *entry = dlist_container(SessionEntry, lru, i.cur);

		entry->noted_at = 0;
		if (entry->uncommitted)
			forget(entry);
	}
}

static void
all_committed(void)
{
	dlist_iter	i;

	if (!any_noted)
		return;
	any_noted = false;
	dlist_foreach(i, &entries)
	{
		SessionEntry *entry = dlist_container(SessionEntry, lru, i.cur);

		entry->uncommitted = false;
		entry->unsettled = false;
		entry->last_seen_at = Max(entry->last_seen_at, entry->noted_at);
		entry->noted_at = 0;
	}
}

static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			before_commit();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget_uncommitted();
			break;
		case XACT_EVENT_COMMIT:
			all_committed();
			break;
		default:
			break;
	}
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_uncommitted();
}

static void
roles_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	role_epoch++;
}

void
session_set_attached(void (*callback) (void))
{
	attached_callback = callback;
}

/* By functions that have attached or detached: what was planned under another session can be looked through now. */
void
session_attached(void)
{
	if (attached_callback != NULL)
		attached_callback();
}

/* Whether a signal may concern the bound session. For callbacks: no table is read. */
bool
session_listens_to(uint32 bucket)
{
	const Binding *binding;
	HashSlot   *slot;

	if (binding_current(&binding) != BINDING_ATTACHED)
		return false;
	slot = hash_search(entries_by_hash, binding->hash, HASH_FIND, NULL);
	if (slot == NULL || slot->entry->session_bucket == bucket || slot->entry->user_bucket == bucket)
		return true;
	for (int i = 0; i < slot->entry->nancestors; i++)
	{
		if (slot->entry->ancestor_buckets[i] == bucket)
			return true;
	}
	return false;
}

void
session_set_loader(SessionLoader loader)
{
	load_grants = loader;
}

/* For the audit trail: who acts. */
static char *
acting_user(void)
{
	SessionEntry *entry;

	if (session_current(&entry) != SESSION_LIVE)
		return NULL;
	return pstrdup(entry->actor != NULL ? entry->actor : entry->user_name);
}

void
session_init(void)
{
	HASHCTL		control = {0};

	session_context = AllocSetContextCreate(TopMemoryContext, "spsa sessions", ALLOCSET_DEFAULT_SIZES);
	control.keysize = CRYPTO_HASH_BYTES;
	control.entrysize = sizeof(HashSlot);
	control.hcxt = session_context;
	entries_by_hash = hash_create("spsa sessions by token hash", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(IdSlot);
	entries_by_id = hash_create("spsa sessions by identifier", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	audit_set_actor(acting_user);
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, roles_changed, (Datum) 0);
}
