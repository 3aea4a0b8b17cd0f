/* crypto.h - hashing and base64url. Free of PostgreSQL, so that token.c can be tested outside the server. */
#ifndef SPSA_CRYPTO_H
#define SPSA_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_HASH_BYTES 32

extern bool crypto_sha256(const void *data, size_t len, uint8_t hash[CRYPTO_HASH_BYTES]);
extern bool crypto_equal(const void *a, const void *b, size_t len);

/* len must be a multiple of 3 (or of 4), so that there is no padding; at most 48 bytes (64 characters). */
extern bool crypto_base64url_encode(const uint8_t *data, size_t len, char *text);
extern bool crypto_base64url_decode(const char *text, size_t len, uint8_t *data);

#endif							/* SPSA_CRYPTO_H */
