/* crypto.h - hashing, authenticated encryption and base64url. Free of PostgreSQL, so that what uses it can be tested outside the server. */
#ifndef SPSA_CRYPTO_H
#define SPSA_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_HASH_BYTES 32
#define CRYPTO_HMAC_MAX_BYTES 64
#define CRYPTO_KEY_BYTES 32
#define CRYPTO_NONCE_BYTES 12
#define CRYPTO_TAG_BYTES 16

typedef enum CryptoHash
{
	CRYPTO_SHA1,
	CRYPTO_SHA256,
	CRYPTO_SHA512
} CryptoHash;

extern bool crypto_sha256(const void *data, size_t len, uint8_t hash[CRYPTO_HASH_BYTES]);
extern bool crypto_hmac(CryptoHash hash, const void *key, size_t key_len, const void *data, size_t len,
						uint8_t mac[CRYPTO_HMAC_MAX_BYTES], size_t *mac_len);
extern bool crypto_equal(const void *a, const void *b, size_t len);

/* AES-256-GCM. sealed has room for CRYPTO_TAG_BYTES more than len; a nonce must not serve twice under one key. */
extern bool crypto_seal(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
						const void *bound, size_t bound_len, const uint8_t *data, size_t len, uint8_t *sealed);
extern bool crypto_open(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
						const void *bound, size_t bound_len, const uint8_t *sealed, size_t sealed_len, uint8_t *data);

extern int	crypto_hex_digit(char c);

/* len must be a multiple of 3 (or of 4), so that there is no padding; at most 48 bytes (64 characters). */
extern bool crypto_base64url_encode(const uint8_t *data, size_t len, char *text);
extern bool crypto_base64url_decode(const char *text, size_t len, uint8_t *data);

#endif							/* SPSA_CRYPTO_H */
