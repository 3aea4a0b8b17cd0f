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

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/guc.h"
#include "base/table.h"
#include "base/version.h"
#include "identity/binding.h"
#include "identity/family.h"
#include "identity/jwt_session.h"
#include "identity/log_session.h"
#include "identity/rotation.h"
#include "identity/session.h"
#include "identity/session_row.h"

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
static uint64 cache_version = 1;	/* another one with every entry that goes */
static dlist_head noted = DLIST_STATIC_INIT(noted); /* uncommitted, or their
													 * use noted */
static bool any_passing = false;	/* some session ends with the transaction */
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

/* The end of the transaction changes it. */
static void
note(SessionEntry *entry)
{
	if (!entry->noted)
		dlist_push_head(&noted, &entry->noted_node);
	entry->noted = true;
}

static void
unnote(SessionEntry *entry)
{
	if (entry->noted)
		dlist_delete(&entry->noted_node);
	entry->noted = false;
	entry->noted_at = 0;
}

static void
forget(SessionEntry *entry)
{
	IdSlot	   *slot = hash_search(entries_by_id, &entry->session_id, HASH_FIND, NULL);

	if (current.entry == entry)
		current.entry = NULL;
	cache_version++;
	hash_search(entries_by_hash, entry->hash, HASH_REMOVE, NULL);
	if (slot != NULL && slot->entry == entry)
		hash_search(entries_by_id, &entry->session_id, HASH_REMOVE, NULL);
	dlist_delete(&entry->lru);
	unnote(entry);
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

/* What is kept of a session, valid or not, for what must neither load nor move anything. */
const SessionEntry *
session_peek(const uint8_t hash[CRYPTO_HASH_BYTES])
{
	HashSlot   *slot = hash_search(entries_by_hash, hash, HASH_FIND, NULL);

	return slot == NULL ? NULL : slot->entry;
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

/* The counts of all signals that concern the session. */
static SignalCounts
counts_of(const SessionEntry *entry)
{
	SignalCounts counts = signal_counts(entry->session_signal, entry->user_signal);

	for (int i = 0; i < entry->nancestors; i++)
		counts.session += signal_count(entry->ancestor_signals[i]);
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

	version_require();
	entry->ended = false;
	entry->uncommitted = TransactionIdIsValid(GetTopTransactionIdIfAny());
	entry->schema = table_schema();
	snapshot = table_snapshot();
	found = session_row_read(entry, session_id, snapshot, &token_replaced);
	if (found)
	{
		family_read_ancestors(entry, snapshot);

		/*
		 * Which signals concern the session is known only now: their counts
		 * are those of before the snapshot if none at all has come since.
		 */
		entry->session_signal = signal_of_session(&entry->session_id);
		entry->user_signal = signal_of_user(entry->user_id);
		entry->counts = counts_of(entry);
		if (signal_epoch() != epoch)
		{
			table_snapshot_release(snapshot);
			return LOAD_AGAIN;
		}
		found = session_row_read_user(entry, snapshot);
	}
	if (found)
	{
		entry->ended = entry->ended || session_is_ended(&entry->session_id, snapshot);
		entry->unsettled = entry->unsettled || (entry->uncommitted && jwt_session_is_unsettled(&entry->session_id, snapshot));
		session_row_read_authentications(entry, snapshot);
		if (entry->idle_timeout > 0)
			session_row_read_activity(entry, snapshot);
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
	/* First, since looking it up may take in signals. */
	Oid			schema = table_schema();
	SignalCounts now = counts_of(entry);

	return memcmp(&now, &entry->counts, sizeof(now)) == 0 && entry->schema == schema;
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
	if (entry->uncommitted)
		note(entry);
	entry->version = ++versions;
	MemoryContextSetParent(entry->context, session_context);
	dlist_push_head(&entries, &entry->lru);
}

/*
 * A fresh entry that is in no cache yet: NULL if no session has this token, or this identifier if one is given. An error
 * leaves nothing behind: the context is the caller's.
 */
static SessionEntry *
load_fresh(const uint8_t *hash, const pg_uuid_t *session_id)
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
			return entry;
		MemoryContextDelete(context);
		if (result == NO_SESSION)
			return NULL;
	}
}

static SessionEntry *
load(const uint8_t *hash, const pg_uuid_t *session_id)
{
	SessionEntry *entry = load_fresh(hash, session_id);

	if (entry != NULL)
		keep(entry);
	return entry;
}

/* What session_suppose() makes, under one snapshot; false if there is no such user. */
static bool
suppose_once(SessionEntry *entry, int64 user_id)
{
	Snapshot	snapshot;
	bool		found;

	version_require();
	if (!pg_strong_random(&entry->session_id, sizeof(entry->session_id)))
		elog(ERROR, "could not generate random bytes");
	entry->user_id = user_id;
	entry->nallowed = -1;
	entry->created_at = entry->authenticated_at = GetCurrentTimestamp();
	entry->expires_at = entry->closes_at = entry->ancestors_close_at = entry->next_change = DT_NOEND;
	entry->security_level = "standard";
	entry->attributes = DatumGetJsonbPCopy(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	entry->session_signal = signal_of_session(&entry->session_id);
	entry->user_signal = signal_of_user(user_id);
	entry->counts = counts_of(entry);
	entry->version = ++versions;
	entry->schema = table_schema();
	snapshot = table_snapshot();
	found = session_row_read_user(entry, snapshot);
	if (found && load_grants != NULL)
		load_grants(entry, snapshot);
	table_snapshot_release(snapshot);
	return found;
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
	uint64		epoch;
	uint64		roles;

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

	/*
	 * Those of before: a signal that a look-up takes in may be about what has
	 * been read already.
	 */
	epoch = signal_epoch();
	roles = role_epoch;
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
	current.signal_epoch = epoch;
	current.role_epoch = roles;
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

/*
 * Invariant 9: each refusal leaves a log line, without statement and context, which may hold the token. Its detail names the
 * session of a token (its hash), or else the attached one.
 */
void
session_log_refusal_of(const uint8_t *hash, const char *what, const char *reason)
{
	char		line[LOG_SESSION_SIZE];
	bool		known = log_session_line(hash, line);

	ereport(LOG_SERVER_ONLY,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("spsa refused to %s: %s", what, reason),
			 known ? errdetail_log("%s", line) : 0,
			 errhidestmt(true), errhidecontext(true)));
}

void
session_log_refusal(const char *what, const char *reason)
{
	session_log_refusal_of(NULL, what, reason);
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
 * A session that the user might open, with nothing activated and no attributes but the user's own: for explanations. It has no
 * token and is in no cache, so that nobody can attach it; it is in the caller's memory. ended: the user is disabled. NULL:
 * there is no such user.
 */
SessionEntry *
session_suppose(int64 user_id)
{
	MemoryContext caller = CurrentMemoryContext;

	for (;;)
	{
		MemoryContext context = AllocSetContextCreate(caller, "spsa supposed session", ALLOCSET_SMALL_SIZES);
		SessionEntry *entry;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
		MemoryContextSwitchTo(context);
		entry = palloc0(sizeof(SessionEntry));
		entry->context = context;
		found = suppose_once(entry, user_id);
		AcceptInvalidationMessages();
		MemoryContextSwitchTo(caller);
		if (!found)
			return NULL;
		if (is_fresh(entry))
			return entry;
		MemoryContextDelete(context);
	}
}

/*
 * Like session_find(), for whoever goes on to suppose something about it: an entry that no cache and no binding ever leads to, and that
 * ends with the caller's memory context.
 */
SessionEntry *
session_load_private(const pg_uuid_t *session_id)
{
	SessionEntry *entry;

	AcceptInvalidationMessages();
	entry = load_fresh(NULL, session_id);
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
	note(entry);
	entry->noted_at = now;
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
	dlist_foreach_modify(i, &noted)
	{
		SessionEntry *entry = dlist_container(SessionEntry, noted_node, i.cur);

		unnote(entry);
		if (entry->uncommitted)
			forget(entry);
	}
}

/* A session was found that ends with the transaction. */
void
session_note_passing(void)
{
	any_passing = true;
}

/* Whether the present transaction may have acted in a session of spsa_test_as(): what it decides for others would last. */
bool
session_is_test(void)
{
	return any_passing;
}

static void
all_committed(void)
{
	dlist_mutable_iter i;

	/*
	 * What was read of such a session, or one derived from it, was true until
	 * now. The rest of what was read since the first change goes with it.
	 */
	if (any_passing)
		forget_uncommitted();
	any_passing = false;
	dlist_foreach_modify(i, &noted)
	{
		SessionEntry *entry = dlist_container(SessionEntry, noted_node, i.cur);

		entry->uncommitted = false;
		entry->unsettled = false;
		entry->last_seen_at = Max(entry->last_seen_at, entry->noted_at);
		unnote(entry);
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
			any_passing = false;
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

/* Whether a signal may concern the bound session. For callbacks, which are many: no table is read, and nothing looked up twice. */
bool
session_listens_to(uint32 signal)
{
	static SessionEntry *entry = NULL;
	static uint64 version = 0;
	static uint64 epoch = 0;
	const Binding *binding;

	if (binding_current(&binding) != BINDING_ATTACHED)
		return false;
	if (entry == NULL || version != cache_version || epoch != binding_epoch())
	{
		HashSlot   *slot = hash_search(entries_by_hash, binding->hash, HASH_FIND, NULL);

		entry = slot == NULL ? NULL : slot->entry;
		version = cache_version;
		epoch = binding_epoch();
	}
	if (entry == NULL || entry->session_signal == signal || entry->user_signal == signal)
		return true;
	for (int i = 0; i < entry->nancestors; i++)
	{
		if (entry->ancestor_signals[i] == signal)
			return true;
	}
	return false;
}

void
session_set_loader(SessionLoader loader)
{
	load_grants = loader;
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
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, roles_changed, (Datum) 0);
}
