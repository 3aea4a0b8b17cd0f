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

#define MAX_SEALED 4096
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
crypto_hmac(CryptoHash hash, const void *key, size_t key_len, const void *data, size_t len,
			uint8_t mac[CRYPTO_HMAC_MAX_BYTES], size_t *mac_len)
{
	static const char *const digests[] = {[CRYPTO_SHA1] = "SHA1",[CRYPTO_SHA256] = "SHA256",[CRYPTO_SHA512] = "SHA512"};

	return EVP_Q_mac(NULL, "HMAC", NULL, digests[hash], NULL, key, key_len, data, len, mac, CRYPTO_HMAC_MAX_BYTES, mac_len) != NULL;
}

/* bound is what is authenticated beside the data, and not part of the result. */
bool
crypto_seal(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
			const void *bound, size_t bound_len, const uint8_t *data, size_t len, uint8_t *sealed)
{
	EVP_CIPHER_CTX *context;
	int			n = 0;
	bool		ok;

	if (len > MAX_SEALED || bound_len > MAX_SEALED)
		return false;
	context = EVP_CIPHER_CTX_new();
	ok = context != NULL &&
		EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
		EVP_EncryptUpdate(context, NULL, &n, bound, (int) bound_len) == 1 &&
		EVP_EncryptUpdate(context, sealed, &n, data, (int) len) == 1 && n == (int) len &&
		EVP_EncryptFinal_ex(context, sealed + len, &n) == 1 && n == 0 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_BYTES, sealed + len) == 1;
	EVP_CIPHER_CTX_free(context);
	return ok;
}

/* Nothing is left in data if the tag is wrong. */
bool
crypto_open(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
			const void *bound, size_t bound_len, const uint8_t *sealed, size_t sealed_len, uint8_t *data)
{
	EVP_CIPHER_CTX *context;
	uint8_t		tag[CRYPTO_TAG_BYTES];
	size_t		len;
	int			n = 0;
	bool		ok;

	if (sealed_len < CRYPTO_TAG_BYTES || sealed_len > MAX_SEALED + CRYPTO_TAG_BYTES || bound_len > MAX_SEALED)
		return false;
	len = sealed_len - CRYPTO_TAG_BYTES;
	memcpy(tag, sealed + len, CRYPTO_TAG_BYTES);
	context = EVP_CIPHER_CTX_new();
	ok = context != NULL &&
		EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
		EVP_DecryptUpdate(context, NULL, &n, bound, (int) bound_len) == 1 &&
		EVP_DecryptUpdate(context, data, &n, sealed, (int) len) == 1 && n == (int) len &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_BYTES, tag) == 1 &&
		EVP_DecryptFinal_ex(context, data + len, &n) == 1 && n == 0;
	EVP_CIPHER_CTX_free(context);
	if (!ok)
		explicit_bzero(data, len);
	return ok;
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

/* The value of a hexadecimal digit; -1 if it is none. */
int
crypto_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
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
