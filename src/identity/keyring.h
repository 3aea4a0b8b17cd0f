/* keyring.h - the file of encryption keys, as bytes. Free of PostgreSQL. */
#ifndef SPSA_KEYRING_H
#define SPSA_KEYRING_H

#include "base/crypto.h"

#define KEYRING_MAX_ID 32
#define KEYRING_MAX_KEYS 100
#define KEYRING_MAX_SIZE 16384	/* bytes of the file */

typedef struct KeyringKey
{
	char		id[KEYRING_MAX_ID + 1];
	uint8_t		key[CRYPTO_KEY_BYTES];
} KeyringKey;

typedef enum KeyringAnswer
{
	KEYRING_FOUND,
	KEYRING_MISSING,
	KEYRING_MALFORMED
} KeyringAnswer;

extern KeyringAnswer keyring_find(const char *text, size_t len, const char *key_id, KeyringKey *key, int *line);

#endif							/* SPSA_KEYRING_H */
