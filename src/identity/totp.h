/* totp.h - time-based one-time passwords. Free of PostgreSQL. */
#ifndef SPSA_TOTP_H
#define SPSA_TOTP_H

#include "base/crypto.h"

#define TOTP_MAX_DIGITS 8
#define TOTP_MAX_SECRET 64
#define TOTP_MAX_SEALED (TOTP_MAX_SECRET + CRYPTO_TAG_BYTES)
#define TOTP_MAX_NAME 255		/* bytes of an issuer or account */
#define TOTP_URI_SIZE 3072
#define TOTP_PERIOD 30

/* What a secret belongs to. */
typedef struct TotpFactor
{
	int64_t		factor_id;
	int64_t		user_id;
	CryptoHash	algorithm;
	int			digits;
	int			period;			/* seconds */
} TotpFactor;

typedef enum TotpAnswer
{
	TOTP_RIGHT,
	TOTP_WRONG,
	TOTP_USED,					/* right, and not later than the last one that
								 * was used */
	TOTP_FAILED					/* could not be computed */
} TotpAnswer;

extern bool totp_algorithm(const char *name, CryptoHash *algorithm);
extern const char *totp_algorithm_name(CryptoHash algorithm);
extern size_t totp_secret_length(CryptoHash algorithm);
extern bool totp_is_valid(const TotpFactor *factor);
extern bool totp_hotp(const TotpFactor *factor, const uint8_t *secret, size_t len, int64_t counter, char code[TOTP_MAX_DIGITS + 1]);
extern bool totp_is_code(const TotpFactor *factor, const char *code, size_t len);
extern TotpAnswer totp_check(const TotpFactor *factor, const uint8_t *secret, size_t len, int64_t now, int64_t used_step,
							 const char *code, int64_t *step);
extern bool totp_seal(const TotpFactor *factor, const char *key_id, const uint8_t key[CRYPTO_KEY_BYTES],
					  const uint8_t nonce[CRYPTO_NONCE_BYTES], const uint8_t *secret, size_t len, uint8_t sealed[TOTP_MAX_SEALED]);
extern bool totp_open(const TotpFactor *factor, const char *key_id, const uint8_t key[CRYPTO_KEY_BYTES],
					  const uint8_t nonce[CRYPTO_NONCE_BYTES], const uint8_t *sealed, size_t sealed_len,
					  uint8_t secret[TOTP_MAX_SECRET], size_t *len);
extern bool totp_uri(const TotpFactor *factor, const char *issuer, const char *account, const uint8_t *secret, size_t len,
					 char uri[TOTP_URI_SIZE]);

#endif							/* SPSA_TOTP_H */
