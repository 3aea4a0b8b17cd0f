/* totp.c - time-based one-time passwords (RFC 6238, on RFC 4226), and how their secrets are kept.
 *
 * A secret is sealed with AES-256-GCM under a key that has a name, bound to the factor: its number, its user, its parameters
 * and the name of the key. A sealed secret that is moved to another row does not open.
 *
 * Invariant: takes bytes and returns results; no tables, no ereport, no allocation. Codes are compared in constant time, all
 * of a window whether or not one was right already. Secrets on the stack are wiped.
 */
#define _DEFAULT_SOURCE			/* explicit_bzero */
#include <stdio.h>
#include <string.h>

#include "identity/totp.h"

#define WINDOW 1				/* steps on either side: RFC 6238, 5.2 */
#define MAX_KEY_NAME 64

static const struct
{
	const char *name;
	size_t		length;			/* of a secret: that of the hash, RFC 6238,
								 * 5.1 */
}			algorithms[] = {
	[CRYPTO_SHA1] = {"SHA1", 20},
	[CRYPTO_SHA256] = {"SHA256", 32},
	[CRYPTO_SHA512] = {"SHA512", 64}
};

#define ALGORITHMS ((int) (sizeof(algorithms) / sizeof(algorithms[0])))

bool
totp_algorithm(const char *name, CryptoHash *algorithm)
{
	for (int i = 0; i < ALGORITHMS; i++)
	{
		if (strcmp(name, algorithms[i].name) == 0)
		{
			*algorithm = (CryptoHash) i;
			return true;
		}
	}
	return false;
}

const char *
totp_algorithm_name(CryptoHash algorithm)
{
	return algorithms[algorithm].name;
}

size_t
totp_secret_length(CryptoHash algorithm)
{
	return algorithms[algorithm].length;
}

bool
totp_is_valid(const TotpFactor *factor)
{
	return (factor->digits == 6 || factor->digits == TOTP_MAX_DIGITS) && factor->period > 0;
}

static void
put_big_endian(uint8_t *bytes, uint64_t value, int n)
{
	for (int i = n - 1; i >= 0; i--)
	{
		bytes[i] = (uint8_t) value;
		value >>= 8;
	}
}

/* The code of a counter: RFC 4226, 5.3. */
bool
totp_hotp(const TotpFactor *factor, const uint8_t *secret, size_t len, int64_t counter, char code[TOTP_MAX_DIGITS + 1])
{
	uint8_t		message[8];
	uint8_t		mac[CRYPTO_HMAC_MAX_BYTES];
	size_t		mac_len = 0;
	uint32_t	number = 0;
	bool		ok;

	put_big_endian(message, (uint64_t) counter, sizeof(message));
	ok = totp_is_valid(factor) &&
		crypto_hmac(factor->algorithm, secret, len, message, sizeof(message), mac, &mac_len) && mac_len >= 20;
	if (ok)
	{
		const uint8_t *four = mac + (mac[mac_len - 1] & 0x0f);

		number = (uint32_t) (four[0] & 0x7f) << 24 | (uint32_t) four[1] << 16 | (uint32_t) four[2] << 8 | four[3];
	}
	for (int i = factor->digits - 1; ok && i >= 0; i--)
	{
		code[i] = (char) ('0' + number % 10);
		number /= 10;
	}
	code[ok ? factor->digits : 0] = '\0';
	explicit_bzero(mac, sizeof(mac));
	explicit_bzero(&number, sizeof(number));
	return ok;
}

/* Whether a text has the form of a code; what has not is no guess. */
bool
totp_is_code(const TotpFactor *factor, const char *code, size_t len)
{
	if (len != (size_t) factor->digits)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (code[i] < '0' || code[i] > '9')
			return false;
	}
	return true;
}

/*
 * Whether a code, which must have the form of one, is right at a time in seconds since 1970; which step's it is. A code counts
 * once, and none counts that is earlier than one that was used.
 */
TotpAnswer
totp_check(const TotpFactor *factor, const uint8_t *secret, size_t len, int64_t now, int64_t used_step,
		   const char *code, int64_t *step)
{
	char		expected[TOTP_MAX_DIGITS + 1];
	TotpAnswer	answer = TOTP_WRONG;
	int64_t		present;

	if (!totp_is_valid(factor) || now < factor->period)
		return TOTP_FAILED;
	present = now / factor->period;
	for (int64_t i = present - WINDOW; i <= present + WINDOW; i++)
	{
		if (!totp_hotp(factor, secret, len, i, expected))
			answer = TOTP_FAILED;
		else if (crypto_equal(expected, code, (size_t) factor->digits) && answer != TOTP_FAILED)
		{
			*step = i;
			answer = i > used_step ? TOTP_RIGHT : TOTP_USED;
		}
		explicit_bzero(expected, sizeof(expected));
	}
	return answer;
}

#define BOUND_LABEL "spsa totp"
#define BOUND_SIZE (sizeof(BOUND_LABEL) + 8 + 8 + 1 + 1 + 4 + MAX_KEY_NAME)

/* What a secret is bound to; 0 if the key's name is too long. */
static size_t
make_bound(const TotpFactor *factor, const char *key_id, uint8_t bound[BOUND_SIZE])
{
	size_t		n = sizeof(BOUND_LABEL);
	size_t		name = strlen(key_id);

	if (name > MAX_KEY_NAME)
		return 0;
	memcpy(bound, BOUND_LABEL, n);
	put_big_endian(bound + n, (uint64_t) factor->factor_id, 8);
	put_big_endian(bound + n + 8, (uint64_t) factor->user_id, 8);
	put_big_endian(bound + n + 16, (uint64_t) factor->algorithm, 1);
	put_big_endian(bound + n + 17, (uint64_t) factor->digits, 1);
	put_big_endian(bound + n + 18, (uint64_t) factor->period, 4);
	memcpy(bound + n + 22, key_id, name);
	return n + 22 + name;
}

/* The result is CRYPTO_TAG_BYTES longer than the secret. */
bool
totp_seal(const TotpFactor *factor, const char *key_id, const uint8_t key[CRYPTO_KEY_BYTES],
		  const uint8_t nonce[CRYPTO_NONCE_BYTES], const uint8_t *secret, size_t len, uint8_t sealed[TOTP_MAX_SEALED])
{
	uint8_t		bound[BOUND_SIZE];
	size_t		n = make_bound(factor, key_id, bound);

	return n > 0 && len > 0 && len <= TOTP_MAX_SECRET && crypto_seal(key, nonce, bound, n, secret, len, sealed);
}

bool
totp_open(const TotpFactor *factor, const char *key_id, const uint8_t key[CRYPTO_KEY_BYTES],
		  const uint8_t nonce[CRYPTO_NONCE_BYTES], const uint8_t *sealed, size_t sealed_len,
		  uint8_t secret[TOTP_MAX_SECRET], size_t *len)
{
	uint8_t		bound[BOUND_SIZE];
	size_t		n = make_bound(factor, key_id, bound);

	if (n == 0 || sealed_len <= CRYPTO_TAG_BYTES || sealed_len > TOTP_MAX_SEALED)
		return false;
	*len = sealed_len - CRYPTO_TAG_BYTES;
	return crypto_open(key, nonce, bound, n, sealed, sealed_len, secret);
}

/* Base32 (RFC 4648, section 6) without padding, as the Key URI Format wants it. */
static char *
put_base32(char *to, const uint8_t *data, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t	buffer = 0;
	int			bits = 0;

	for (size_t i = 0; i < len; i++)
	{
		buffer = (buffer << 8 | data[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			*to++ = alphabet[buffer >> (bits - 5) & 31];
	}
	if (bits > 0)
		*to++ = alphabet[buffer << (5 - bits) & 31];
	explicit_bzero(&buffer, sizeof(buffer));
	return to;
}

/* RFC 3986: all but the unreserved characters. */
static char *
put_encoded(char *to, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text !='\0'; text ++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL)
			*to++ = (char) c;
		else
		{
			*to++ = '%';
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
		}
	}
	return to;
}

static char *
put_text(char *to, const char *text)
{
	size_t		n = strlen(text);

	memcpy(to, text, n);
	return to + n;
}

/* The Key URI Format of Google Authenticator. Names are UTF-8; neither may be empty, too long, or contain a colon. */
bool
totp_uri(const TotpFactor *factor, const char *issuer, const char *account, const uint8_t *secret, size_t len,
		 char uri[TOTP_URI_SIZE])
{
	char	   *to = uri;

	if (!totp_is_valid(factor) || len > TOTP_MAX_SECRET ||
		issuer[0] == '\0' || strlen(issuer) > TOTP_MAX_NAME || strchr(issuer, ':') != NULL ||
		account[0] == '\0' || strlen(account) > TOTP_MAX_NAME || strchr(account, ':') != NULL)
		return false;
	to = put_text(to, "otpauth://totp/");
	to = put_encoded(to, issuer);
	*to++ = ':';
	to = put_encoded(to, account);
	to = put_text(to, "?secret=");
	to = put_base32(to, secret, len);
	to = put_text(to, "&issuer=");
	to = put_encoded(to, issuer);
	(void) snprintf(to, (size_t) (uri + TOTP_URI_SIZE - to), "&algorithm=%s&digits=%d&period=%d",
					totp_algorithm_name(factor->algorithm), factor->digits, factor->period);
	return true;
}
