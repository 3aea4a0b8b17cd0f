/* token.h - the text form of session tokens. Free of PostgreSQL. */
#ifndef SPSA_TOKEN_H
#define SPSA_TOKEN_H

#include "base/crypto.h"

#define TOKEN_PREFIX "spsa_"
#define TOKEN_PREFIX_LENGTH 5
#define TOKEN_BODY_LENGTH 48	/* base64url of 36 bytes */
#define TOKEN_LENGTH (TOKEN_PREFIX_LENGTH + TOKEN_BODY_LENGTH)
#define TOKEN_SECRET_BYTES 32
#define TOKEN_CHECKSUM_BYTES 4

extern bool token_encode(const uint8_t secret[TOKEN_SECRET_BYTES], char token[TOKEN_LENGTH + 1]);
extern bool token_hash(const char *text, size_t len, uint8_t hash[CRYPTO_HASH_BYTES]);
extern bool token_is_body_char(char c);

#endif							/* SPSA_TOKEN_H */
