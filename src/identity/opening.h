/* opening.h - opening sessions, whoever asks and however the user has authenticated. */
#ifndef SPSA_OPENING_H
#define SPSA_OPENING_H

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "identity/session.h"
#include "identity/token.h"

/* A user as spsa.app_user has it. */
typedef struct SessionUser
{
	int64		user_id;
	char	   *user_name;
	Jsonb	   *attributes;
	bool		is_active;
	int			session_limit;	/* 0: none */
} SessionUser;

/* What is to be opened. Pointers may be NULL where the column may be null. */
typedef struct Opening
{
	int64		user_id;
	char	   *user_name;
	const char *db_role;
	Interval   *lifetime;
	TimestampTz ends_by;		/* 0: when the lifetime is over */
	Interval   *idle_timeout;
	const char *security_level;
	Datum		source_ip;
	bool		has_source_ip;
	Jsonb	   *attributes;
	const char *login_type;
	const char *issuer;			/* of the JWT, or NULL */
	const uint8_t *secret;		/* what the token is made of; NULL: chance */
	Datum		sets;			/* text[] */
	bool		has_sets;
	int			nlimits;		/* of a derived session: sets that the parent
								 * allows; -1: all */
	int32	   *limits;
	bool		has_parent;
	pg_uuid_t	parent_id;
	TimestampTz authenticated_at;	/* 0: now */
	const char *actor;
	bool		passing;		/* it ends with the transaction: for tests */
	const char *detail;			/* for the audit trail; NULL: what is said
								 * here */
	/* results */
	char		token[TOKEN_LENGTH + 1];
	pg_uuid_t	session_id;
	TimestampTz expires_at;
} Opening;

extern bool opening_find_user(AttrNumber column, const char *index, RegProcedure equality, Datum key_value, SessionUser *user);
extern void opening_require_user(const text *name, SessionUser *user);
extern char *opening_contradiction(const SessionUser *user, Jsonb *attributes);
extern void opening_refuse_null(const char *what);
extern void opening_check_own_action(void);
extern TimestampTz opening_end_of(Interval *duration, TimestampTz now, const char *what);
extern void opening_make_token(const uint8_t *known, char token[TOKEN_LENGTH + 1], bytea **stored);
extern void opening_store(Opening *opening, TimestampTz now);
extern void opening_return(FunctionCallInfo fcinfo, Opening *opening);
extern void opening_make(const SessionUser *user, Opening *opening);
extern void opening_done(const Opening *opening);
extern void opening_refuse_token(const char *reason, const uint8_t *hash) pg_attribute_noreturn();
extern void opening_attach(SessionEntry *entry, const char *token, const uint8_t hash[CRYPTO_HASH_BYTES], bool local);
extern void opening_warn_outside_transaction(const char *function, bool has_other);

#endif							/* SPSA_OPENING_H */
