/* session.h - the session that this backend acts for. */
#ifndef SPSA_SESSION_H
#define SPSA_SESSION_H

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "lib/ilist.h"
#include "nodes/parsenodes.h"
#include "utils/jsonb.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/crypto.h"
#include "base/signal.h"

struct TableScan;

#define SESSION_MAX_ANCESTORS 8

/* A loaded session. Pointers to it, and into it, are good until the next call of a session_* function. */
typedef struct SessionEntry
{
	uint8_t		hash[CRYPTO_HASH_BYTES];	/* key: hash of the token */
	dlist_node	lru;
	MemoryContext context;
	int			pins;			/* users that call foreign code while they
								 * read it */
	bool		dropped;		/* out of the cache, kept for its pins alone */
	uint64		version;		/* another one with every load */
	SignalCounts counts;
	uint32		session_signal;
	uint32		user_signal;
	int			nancestors;		/* of a derived session */
	uint32		ancestor_signals[SESSION_MAX_ANCESTORS];
	Oid			schema;			/* the schema spsa that it was read from */
	bool		uncommitted;	/* read by a transaction that has changed
								 * something, and is not over */
	bool		unsettled;		/* of no use until that is committed */
	bool		ended;			/* closed, or an ancestor is, or its user is
								 * disabled */
	TimestampTz closes_at;		/* expiry or idle timeout, of itself or an
								 * ancestor, whichever is earliest */
	TimestampTz ancestors_close_at; /* DT_NOEND: there are none */
	TimestampTz next_change;	/* by then it must be loaded again */

	pg_uuid_t	session_id;
	int64		user_id;
	char	   *user_name;
	char	   *db_role;		/* NULL: any */
	bool		has_parent;
	pg_uuid_t	parent_id;
	int			nallowed;		/* -1: all sets; with what the ancestors allow */
	int32	   *allowed;
	TimestampTz created_at;
	TimestampTz authenticated_at;	/* the latest, step-up and
									 * re-authentication included */
	TimestampTz last_seen_at;	/* 0 without idle timeout */
	TimestampTz noted_at;		/* use noted by the present transaction, or 0 */
	bool		noted;			/* the end of the transaction changes it */
	dlist_node	noted_node;
	TimestampTz expires_at;
	int64		idle_timeout;	/* microseconds; 0: none */
	const char *security_level; /* the highest that was reached */
	char	   *login_type;
	char	   *source_ip;		/* NULL: unknown */
	char	   *actor;			/* NULL: the user */
	Jsonb	   *user_attributes;
	Jsonb	   *attributes;
	uint64		attributes_digest;	/* grant/value.c; 0: not yet known */
	List	   *constants;		/* grant/value.c */
	void	   *grants;			/* grant/effective.c */
	void	   *decisions;		/* grant/shape.c */
} SessionEntry;

typedef enum SessionState
{
	SESSION_NONE,				/* no token */
	SESSION_LIVE,
	SESSION_OVER				/* a token that is not, or no longer, valid
								 * here */
} SessionState;

typedef void (*SessionLoader) (SessionEntry *entry, Snapshot snapshot);

extern void session_init(void);
extern void session_set_loader(SessionLoader loader);
extern void session_set_attached(void (*callback) (void));
extern void session_attached(void);
extern void session_set_opened(void (*callback) (const pg_uuid_t *session_id));
extern bool session_listens_to(uint32 signal);
extern SessionState session_current(SessionEntry **entry);
extern SessionEntry *session_valid(bool required);
extern SessionEntry *session_require(void);
extern const SessionEntry *session_peek(const uint8_t hash[CRYPTO_HASH_BYTES]);
extern bool session_exists(const uint8_t hash[CRYPTO_HASH_BYTES]);
extern SessionEntry *session_accept(const uint8_t hash[CRYPTO_HASH_BYTES], const char **reason);
extern SessionEntry *session_find(const pg_uuid_t *session_id);
extern SessionEntry *session_suppose(int64 user_id);
extern void session_raise_invalid(void) pg_attribute_noreturn();
extern void session_raise_missing(void) pg_attribute_noreturn();
extern void session_log_refusal(const char *what, const char *reason);
extern void session_log_refusal_of(const uint8_t *hash, const char *what, const char *reason);
extern char *session_attribute_text(const SessionEntry *entry, const char *name);
extern JsonbValue *session_attribute_value(const SessionEntry *entry, const char *name);
extern uint64 session_epoch(void);
extern uint64 session_own_changes(void);
extern void session_note_change(void);
extern int	session_level_rank(const char *level);
extern int64 session_idle_microseconds(const Interval *timeout);
extern void session_pin(SessionEntry *entry);
extern void session_unpin(SessionEntry *entry);
extern void session_used(SessionEntry *entry);
extern void session_mark_used(const pg_uuid_t *session_id, TimestampTz now);
extern void session_keep(const pg_uuid_t *session_id);
extern SessionEntry *session_permitted(const pg_uuid_t *session_id, const char *table, AclMode privilege);
extern int32 *session_allowed_sets(Datum value, int *n);
extern TimestampTz session_row_closes_at(const struct TableScan *scan, HeapTuple row, Snapshot snapshot);
extern void session_note_passing(void);
extern bool session_is_test(void);
extern SessionEntry *session_load_private(const pg_uuid_t *session_id);
extern bool session_is_ended(const pg_uuid_t *session_id, Snapshot snapshot);

#endif							/* SPSA_SESSION_H */
