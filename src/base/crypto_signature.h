/* crypto_signature.h - verifying signatures, by schemes of RFC 7518 and RFC 8037. Free of PostgreSQL. */
#ifndef SPSA_CRYPTO_SIGNATURE_H
#define SPSA_CRYPTO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum CryptoKeyType
{
	CRYPTO_RSA,
	CRYPTO_P256,
	CRYPTO_P384,
	CRYPTO_P521,
	CRYPTO_ED25519,
	CRYPTO_SECRET
} CryptoKeyType;

/* Numbers are big-endian. */
typedef struct CryptoKey
{
	CryptoKeyType type;
	const uint8_t *a;			/* RSA: modulus; a curve: x; the secret */
	size_t		a_length;
	const uint8_t *b;			/* RSA: exponent; P-: y */
	size_t		b_length;
} CryptoKey;

typedef enum CryptoScheme
{
	CRYPTO_RSA_PKCS1,
	CRYPTO_RSA_PSS,				/* salt as long as the hash, MGF1 with the
								 * same hash */
	CRYPTO_ECDSA,				/* r and s of the curve's length each */
	CRYPTO_EDDSA,
	CRYPTO_HMAC
} CryptoScheme;

#define CRYPTO_MIN_RSA_BITS 2048
#define CRYPTO_MAX_RSA_BITS 8192
#define CRYPTO_MAX_KEY_BYTES (CRYPTO_MAX_RSA_BITS / 8)

extern const char *crypto_key_fault(const CryptoKey *key);
extern bool crypto_key_digest(const CryptoKey *key, uint8_t hash[32]);
extern bool crypto_verify(CryptoScheme scheme, int hash_bits, const CryptoKey *key, const void *data, size_t length,
						  const uint8_t *signature, size_t signature_length);

#endif							/* SPSA_CRYPTO_SIGNATURE_H */
