/* opening.h - opening sessions, whoever asks. */
#ifndef SPSA_OPENING_H
#define SPSA_OPENING_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

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
	Interval   *idle_timeout;
	const char *security_level;
	Datum		source_ip;
	bool		has_source_ip;
	Jsonb	   *attributes;
	const char *login_type;
	Datum		sets;
	bool		has_sets;
	const char *actor;
	/* results */
	char		token[TOKEN_LENGTH + 1];
	pg_uuid_t	session_id;
	TimestampTz expires_at;
} Opening;

extern bool opening_find_user(AttrNumber column, const char *index, RegProcedure equality, Datum key_value, SessionUser *user);
extern void opening_require_user(const text *name, SessionUser *user);
extern void opening_refuse_null(const char *what);
extern void opening_make(const SessionUser *user, Opening *opening);
extern void opening_done(const Opening *opening);

#endif							/* SPSA_OPENING_H */
