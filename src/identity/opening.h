/* opening.h - opening sessions, for the ways in which a user may have authenticated. */
#ifndef SPSA_OPENING_H
#define SPSA_OPENING_H

#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "identity/session.h"
#include "identity/token.h"

/* What is to be opened. Pointers may be NULL where the column may be null. */
typedef struct Opening
{
	int64		user_id;
	char	   *user_name;
	const char *db_role;
	Interval   *lifetime;
	TimestampTz ends_by;		/* 0: when the lifetime is over */
	TimestampTz authenticated_at;	/* 0: now */
	Interval   *idle_timeout;
	const char *security_level;
	Datum		source_ip;
	bool		has_source_ip;
	Jsonb	   *attributes;
	const char *login_type;
	const char *issuer;			/* of the JWT, or NULL */
	const uint8_t *secret;		/* what the token is made of; NULL: chance */
	Datum		sets;
	bool		has_sets;
	const char *actor;
	/* results */
	char		token[TOKEN_LENGTH + 1];
	pg_uuid_t	session_id;
	TimestampTz expires_at;
} Opening;

/* A user as spsa.app_user has it. */
typedef struct User
{
	int64		user_id;
	char	   *user_name;
	Jsonb	   *attributes;
	bool		is_active;
	int			session_limit;	/* 0: none */
} User;

extern bool opening_find_user(const text *name, User *user);
extern char *opening_contradiction(const User *user, Jsonb *attributes);
extern TimestampTz opening_end(Interval *duration, TimestampTz now, const char *what);
extern void opening_check_own_action(void);
extern void opening_open(const User *user, Opening *opening);
extern void opening_opened(const Opening *opening);
extern void opening_return(FunctionCallInfo fcinfo, Opening *opening);
extern void opening_refuse_token(const char *reason) pg_attribute_noreturn();
extern void opening_attach(SessionEntry *entry, const char *token, const uint8_t hash[CRYPTO_HASH_BYTES], bool local);
extern void opening_warn_outside_transaction(const char *function);

#endif							/* SPSA_OPENING_H */
