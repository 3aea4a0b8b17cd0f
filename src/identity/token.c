/* token.c - the text form of session tokens.
 *
 * A token is "spsa_" and the base64url form of 32 random bytes with a checksum of 4 bytes: secret scanners know it by
 * its prefix, and a mistyped or truncated one is told from an unknown one without a look-up. What is stored is the
 * SHA-256 of the whole text.
 *
 * Invariant: takes bytes and returns results; no tables, no ereport, no allocation. Secrets on the stack are wiped.
 */
#define _DEFAULT_SOURCE			/* explicit_bzero */
#include <string.h>

#include "identity/token.h"

static const char checksum_label[] = "spsa token";

static bool
token_checksum(const uint8_t secret[TOKEN_SECRET_BYTES], uint8_t checksum[TOKEN_CHECKSUM_BYTES])
{
	uint8_t		input[sizeof(checksum_label) - 1 + TOKEN_SECRET_BYTES];
	uint8_t		hash[CRYPTO_HASH_BYTES];
	bool		ok;

	memcpy(input, checksum_label, sizeof(checksum_label) - 1);
	memcpy(input + sizeof(checksum_label) - 1, secret, TOKEN_SECRET_BYTES);
	ok = crypto_sha256(input, sizeof(input), hash);
	memcpy(checksum, hash, TOKEN_CHECKSUM_BYTES);
	explicit_bzero(input, sizeof(input));
	explicit_bzero(hash, sizeof(hash));
	return ok;
}

bool
token_encode(const uint8_t secret[TOKEN_SECRET_BYTES], char token[TOKEN_LENGTH + 1])
{
	uint8_t		bytes[TOKEN_SECRET_BYTES + TOKEN_CHECKSUM_BYTES];
	bool		ok;

	memcpy(bytes, secret, TOKEN_SECRET_BYTES);
	memcpy(token, TOKEN_PREFIX, TOKEN_PREFIX_LENGTH);
	ok = token_checksum(secret, bytes + TOKEN_SECRET_BYTES) &&
		crypto_base64url_encode(bytes, sizeof(bytes), token + TOKEN_PREFIX_LENGTH);
	explicit_bzero(bytes, sizeof(bytes));
	return ok;
}

/* False if the text is not a well-formed token. */
bool
token_hash(const char *text, size_t len, uint8_t hash[CRYPTO_HASH_BYTES])
{
	uint8_t		bytes[TOKEN_SECRET_BYTES + TOKEN_CHECKSUM_BYTES];
	uint8_t		checksum[TOKEN_CHECKSUM_BYTES];
	bool		ok;

	if (len != TOKEN_LENGTH || memcmp(text, TOKEN_PREFIX, TOKEN_PREFIX_LENGTH) != 0)
		return false;
	ok = crypto_base64url_decode(text +TOKEN_PREFIX_LENGTH, TOKEN_BODY_LENGTH, bytes) &&
		token_checksum(bytes, checksum) &&
		crypto_equal(checksum, bytes + TOKEN_SECRET_BYTES, TOKEN_CHECKSUM_BYTES) &&
		crypto_sha256(text, len, hash);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(checksum, sizeof(checksum));
	return ok;
}

/* Letters of base64url, whatever the locale. */
bool
token_is_body_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}
