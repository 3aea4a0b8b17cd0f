/* crypto_signature.c - verifying signatures with OpenSSL; with crypto.c the only user of it.
 *
 * Invariants: as in crypto.c: no error reports, no allocation through PostgreSQL, failure is false; nothing that could raise is
 * called while a handle of OpenSSL's is held, and its queue of errors is left as it was. A key is used for the schemes of its
 * type alone, so that nobody's public key becomes a secret.
 */
#define _DEFAULT_SOURCE			/* explicit_bzero */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/crypto.h"
#include "base/crypto_signature.h"

#define MAX_COORDINATE 66
#define ED25519_BYTES 32
#define ED25519_SIGNATURE_BYTES 64

static const struct
{
	const char *group;
	size_t		bytes;
}			curves[] = {
	[CRYPTO_P256] = {"P-256", 32},
	[CRYPTO_P384] = {"P-384", 48},
	[CRYPTO_P521] = {"P-521", 66}
};

static bool
is_curve(CryptoKeyType type)
{
	return type == CRYPTO_P256 || type == CRYPTO_P384 || type == CRYPTO_P521;
}

static const char *
hash_name(int bits)
{
	return bits == 256 ? "SHA256" : bits == 384 ? "SHA384" : "SHA512";
}

static EVP_PKEY *
key_of_parameters(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY   *key = NULL;

	if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	return key;
}

static EVP_PKEY *
rsa_key(const CryptoKey *key)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM	   *n = BN_bin2bn(key->a, (int) key->a_length, NULL);
	BIGNUM	   *e = BN_bin2bn(key->b, (int) key->b_length, NULL);
	EVP_PKEY   *result = NULL;

	if (builder != NULL && n != NULL && e != NULL &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		result = key_of_parameters("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return result;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *
ec_key(const CryptoKey *key)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	size_t		n = curves[key->type].bytes;
	uint8_t		point[1 + 2 * MAX_COORDINATE];
	EVP_PKEY   *result = NULL;

	point[0] = 4;				/* uncompressed: x and y */
	memcpy(point + 1, key->a, n);
	memcpy(point + 1 + n, key->b, n);
	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curves[key->type].group, 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n) == 1)
		result = key_of_parameters("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return result;
}

static EVP_PKEY *
public_key(const CryptoKey *key)
{
	if (key->type == CRYPTO_RSA)
		return rsa_key(key);
	if (is_curve(key->type))
		return ec_key(key);
	return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key->a, key->a_length);
}

/* An exponent of 1 would make every text its own signature; the upper bound bounds the costs. */
static const char *
rsa_fault(const CryptoKey *key)
{
	size_t		bits = key->a_length * 8;

	if (key->a_length == 0 || key->a[0] == 0 || key->b_length == 0 || key->b[0] == 0)
		return "an RSA key's modulus or exponent is empty or has leading zeros";
	for (uint8_t first = key->a[0]; first < 0x80; first = (uint8_t) (first << 1))
		bits--;
	if (bits < CRYPTO_MIN_RSA_BITS)
		return "an RSA key is shorter than 2048 bits";
	if (bits > CRYPTO_MAX_RSA_BITS)
		return "an RSA key is longer than 8192 bits";
	if (key->b_length > 4 || (key->b[key->b_length - 1] & 1) == 0 || (key->b_length == 1 && key->b[0] == 1))
		return "an RSA key's exponent is even, 1, or longer than 32 bits";
	return NULL;
}

static const char *
length_fault(const CryptoKey *key)
{
	if (key->type == CRYPTO_RSA)
		return rsa_fault(key);
	if (key->type == CRYPTO_ED25519)
		return key->a_length == ED25519_BYTES ? NULL : "an Ed25519 key is not 32 bytes long";
	if (is_curve(key->type) && (key->a_length != curves[key->type].bytes || key->b_length != curves[key->type].bytes))
		return "a coordinate of an EC key is not as long as its curve demands";
	return NULL;
}

/* What is wrong with a key, or NULL; of the length of a secret the caller judges. */
const char *
crypto_key_fault(const CryptoKey *key)
{
	const char *fault = length_fault(key);
	EVP_PKEY   *handle;
	EVP_PKEY_CTX *context;

	if (fault != NULL || key->type == CRYPTO_SECRET)
		return fault;
	ERR_set_mark();
	handle = public_key(key);
	context = handle == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, handle, NULL);
	if (context == NULL || EVP_PKEY_public_check(context) != 1)
		fault = "a key is not a valid public key";
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(handle);
	ERR_pop_to_mark();
	return fault;
}

/* What tells a key from all others. */
bool
crypto_key_digest(const CryptoKey *key, uint8_t hash[32])
{
	uint8_t		parts[1 + 2 * CRYPTO_HASH_BYTES];
	bool		ok;

	parts[0] = (uint8_t) key->type;
	ok = crypto_sha256(key->a, key->a_length, parts + 1) &&
		crypto_sha256(key->b_length > 0 ? (const void *) key->b : "", key->b_length, parts + 1 + CRYPTO_HASH_BYTES) &&
		crypto_sha256(parts, sizeof(parts), hash);
	explicit_bzero(parts, sizeof(parts));
	return ok;
}

static bool
scheme_fits(CryptoScheme scheme, CryptoKeyType type)
{
	switch (scheme)
	{
		case CRYPTO_RSA_PKCS1:
		case CRYPTO_RSA_PSS:
			return type == CRYPTO_RSA;
		case CRYPTO_ECDSA:
			return is_curve(type);
		case CRYPTO_EDDSA:
			return type == CRYPTO_ED25519;
		case CRYPTO_HMAC:
			return type == CRYPTO_SECRET;
	}
	return false;
}

static bool
verify_hmac(int hash_bits, const CryptoKey *key, const void *data, size_t length, const uint8_t *mac, size_t mac_length)
{
	EVP_MAC    *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
	uint8_t		own[EVP_MAX_MD_SIZE];
	size_t		n = 0;
	OSSL_PARAM	parameters[2];
	bool		ok;

	parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *) hash_name(hash_bits), 0);
	parameters[1] = OSSL_PARAM_construct_end();
	ok = context != NULL && EVP_MAC_init(context, key->a, key->a_length, parameters) == 1 &&
		EVP_MAC_update(context, data, length) == 1 &&
		EVP_MAC_final(context, own, &n, sizeof(own)) == 1 &&
		n == (size_t) hash_bits / 8 && n == mac_length && crypto_equal(own, mac, n);
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(algorithm);
	explicit_bzero(own, sizeof(own));
	return ok;
}

/* A number as DER has it: no leading zeros but one before a byte that would read as a sign. */
static size_t
put_integer(uint8_t *to, const uint8_t *number, size_t n)
{
	size_t		sign;

	while (n > 1 && number[0] == 0)
	{
		number++;
		n--;
	}
	sign = number[0] >= 0x80;
	to[0] = 2;
	to[1] = (uint8_t) (n + sign);
	to[2] = 0;
	memcpy(to + 2 + sign, number, n);
	return 2 + sign + n;
}

#define MAX_DER (3 + 2 * (3 + MAX_COORDINATE))

/* OpenSSL takes a sequence of two numbers; JWS has just these two (RFC 7518, section 3.4). */
static size_t
ecdsa_to_der(const uint8_t *signature, size_t coordinate, uint8_t der[MAX_DER])
{
	uint8_t		numbers[2 * (3 + MAX_COORDINATE)];
	size_t		n = put_integer(numbers, signature, coordinate);
	size_t		head = 0;

	n += put_integer(numbers + n, signature + coordinate, coordinate);
	der[head++] = 0x30;
	if (n >= 0x80)
		der[head++] = 0x81;
	der[head++] = (uint8_t) n;
	memcpy(der + head, numbers, n);
	return head + n;
}

static bool
set_padding(EVP_PKEY_CTX *context, CryptoScheme scheme)
{
	if (scheme == CRYPTO_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	if (scheme == CRYPTO_RSA_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
	return true;
}

static bool
verify_public(CryptoScheme scheme, int hash_bits, const CryptoKey *key, const void *data, size_t length,
			  const uint8_t *signature, size_t signature_length)
{
	EVP_PKEY   *handle = public_key(key);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	bool		ok;

	ok = handle != NULL && context != NULL &&
		EVP_DigestVerifyInit_ex(context, &options, scheme == CRYPTO_EDDSA ? NULL : hash_name(hash_bits),
								NULL, NULL, handle, NULL) == 1 &&
		set_padding(options, scheme) &&
		EVP_DigestVerify(context, signature, signature_length, data, length) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(handle);
	return ok;
}

/* How long a signature is, whatever is signed; 0: as the hash is. */
static size_t
signature_bytes(CryptoScheme scheme, const CryptoKey *key)
{
	switch (scheme)
	{
		case CRYPTO_RSA_PKCS1:
		case CRYPTO_RSA_PSS:
			return key->a_length;
		case CRYPTO_ECDSA:
			return 2 * curves[key->type].bytes;
		case CRYPTO_EDDSA:
			return ED25519_SIGNATURE_BYTES;
		case CRYPTO_HMAC:
			break;
	}
	return 0;
}

/* False, too, if the key is none of the scheme's, or is not as it should be, or for want of memory. */
bool
crypto_verify(CryptoScheme scheme, int hash_bits, const CryptoKey *key, const void *data, size_t length,
			  const uint8_t *signature, size_t signature_length)
{
	uint8_t		der[MAX_DER];
	bool		ok;

	if (!scheme_fits(scheme, key->type) || length_fault(key) != NULL)
		return false;
	if (scheme == CRYPTO_HMAC)
		return verify_hmac(hash_bits, key, data, length, signature, signature_length);
	if (signature_length != signature_bytes(scheme, key))
		return false;
	if (scheme == CRYPTO_ECDSA)
	{
		signature_length = ecdsa_to_der(signature, signature_length / 2, der);
		signature = der;
	}
	ERR_set_mark();
	ok = verify_public(scheme, hash_bits, key, data, length, signature, signature_length);
	ERR_pop_to_mark();
	return ok;
}
