/* jwt.h - reading and verifying JSON Web Tokens. Free of PostgreSQL, so that it can be tested and fuzzed outside the server. */
#ifndef SPSA_JWT_H
#define SPSA_JWT_H

#include "base/crypto.h"
#include "base/crypto_signature.h"
#include "identity/json.h"

#define JWT_MAX_LENGTH 16384
#define JWKS_MAX_LENGTH 65536
#define JWKS_MAX_KEYS 32
#define JWT_NO_TIME INT64_MIN
#define JWT_SECRET_BYTES 32

/* A token as it is sent by whoever: nothing in it is true before jwt_verify() says so. It is large: not for the stack. */
typedef struct Jwt
{
	const char *text;			/* as it was given */
	size_t		signed_length;	/* of its beginning: the header and the claims */
	const uint8_t *signature;
	size_t		signature_length;
	int			algorithm;
	const char *key_id;			/* NULL: none */
	const JsonNode *claims;
	const char *issuer;
	const char *identifier;		/* NULL: none */
	const char *actor;			/* who acts for the user, or NULL */
	int64_t		expires_at;		/* these are seconds since 1970, or
								 * JWT_NO_TIME */
	int64_t		not_before;
	int64_t		issued_at;
	int64_t		authenticated_at;
	char		bytes[JWT_MAX_LENGTH];
	JsonDocument header;
	JsonDocument payload;
} Jwt;

typedef struct Jwk
{
	CryptoKey	key;
	const char *key_id;			/* NULL: none */
	int			algorithm;		/* the only one that it is for; -1: any that
								 * fits */
} Jwk;

/* The keys for signatures of a JSON Web Key Set. They point into the text that they were read from. */
typedef struct Jwks
{
	int			n;
	Jwk			keys[JWKS_MAX_KEYS];
	JsonDocument document;
} Jwks;

/* Those that return a text say what is wrong, or NULL. It has nothing of the token. */
extern int	jwt_algorithm(const char *name);
extern const char *jwt_read(const char *text, size_t length, Jwt *jwt);
extern bool jwt_claim_has(const Jwt *jwt, const char *claim, const char *text);
extern const char *jwt_time_fault(const Jwt *jwt, int64_t now, int64_t skew);
extern const char *jwt_verify(const Jwt *jwt, const Jwks *jwks, uint32_t algorithms, const Jwk **signed_by);
extern bool jwt_token_secret(const char *text, size_t length, uint8_t secret[JWT_SECRET_BYTES]);
extern const char *jwks_read(char *text, size_t length, Jwks *jwks);
extern const char *jwks_check(const Jwks *jwks, uint32_t algorithms);

#endif							/* SPSA_JWT_H */
