/* crypto.c - the only user of OpenSSL.
 *
 * Invariant: no function here reports errors by itself, or allocates through PostgreSQL; failure is false and the caller
 * must then refuse. All that is kept is the algorithm, which takes longer to look up than to use.
 */
#define _DEFAULT_SOURCE			/* explicit_bzero */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/crypto.h"

#define MAX_BYTES 48
#define MAX_CHARS 64

bool
crypto_sha256(const void *data, size_t len, uint8_t hash[CRYPTO_HASH_BYTES])
{
	static EVP_MD *algorithm = NULL;
	static EVP_MD_CTX *context = NULL;
	unsigned int n = 0;

	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	return algorithm != NULL && context != NULL &&
		EVP_DigestInit_ex2(context, algorithm, NULL) == 1 &&
		EVP_DigestUpdate(context, data, len) == 1 &&
		EVP_DigestFinal_ex(context, hash, &n) == 1 && n == CRYPTO_HASH_BYTES;
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

bool
crypto_base64url_encode(const uint8_t *data, size_t len, char *text)
{
	unsigned char buffer[MAX_CHARS + 1];
	int			n;

	if (len % 3 != 0 || len > MAX_BYTES)
		return false;
	n = EVP_EncodeBlock(buffer, data, (int) len);
	for (int i = 0; i < n; i++)
		text[		i] = buffer[i] == '+' ? '-' : buffer[i] == '/' ? '_' : (char) buffer[i];
	text[		n] = '\0';

	explicit_bzero(buffer, sizeof(buffer));
	return true;
}

/* EVP_DecodeBlock() forgives white space and the other alphabet: only text that encodes back to itself is accepted. */
bool
crypto_base64url_decode(const char *text, size_t len, uint8_t *data)
{
	unsigned char buffer[MAX_CHARS];
	uint8_t		bytes[MAX_BYTES];
	char		again[MAX_CHARS + 1];
	bool		ok = false;

	if (len % 4 != 0 || len == 0 || len > MAX_CHARS)
		return false;
	for (size_t i = 0; i < len; i++)
		buffer[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : (unsigned char) text[i];

	if (EVP_DecodeBlock(bytes, buffer, (int) len) == (int) (len / 4 * 3) &&
		crypto_base64url_encode(bytes, len / 4 * 3, again) &&
		memcmp(again, text, len) == 0)
	{
		memcpy(data, bytes, len / 4 * 3);
		ok = true;
	}
	explicit_bzero(buffer, sizeof(buffer));
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(again, sizeof(again));
	return ok;
}
