/* totp_factor.h - second factors of users. */
#ifndef SPSA_TOTP_FACTOR_H
#define SPSA_TOTP_FACTOR_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "identity/key_file.h"
#include "identity/totp.h"

#define TOTP_MAX_FAILURES 10

/* A row of spsa.totp_factor, and what became of it. */
typedef struct StoredFactor
{
	TotpFactor	factor;
	bool		by_session;
	pg_uuid_t	session_id;
	char		key_id[KEYRING_MAX_ID + 1];
	uint8_t		nonce[CRYPTO_NONCE_BYTES];
	uint8_t		sealed[TOTP_MAX_SEALED];
	size_t		sealed_len;
	TimestampTz enrolled_at;
	bool		confirmed;
	bool		removed;
	int64		unlocked;		/* attempts that an administrator has forgiven */
} StoredFactor;

extern List *totp_factor_list(int64 user_id);
extern const StoredFactor *totp_factor_confirmed(int64 user_id);
extern char *totp_factor_enroll(TotpFactor *factor, const pg_uuid_t *session_id, const char *issuer, const char *account);
extern void totp_factor_require(const StoredFactor *stored, const char *user_name, const char *what, const text *code);
extern void totp_factor_confirm(int64 factor_id);
extern int	totp_factor_remove(int64 user_id, int64 but_factor_id);
extern int	totp_factor_unlock(int64 user_id);
extern int	totp_factor_reencrypt(char current[KEYRING_MAX_ID + 1]);

#endif							/* SPSA_TOTP_FACTOR_H */
