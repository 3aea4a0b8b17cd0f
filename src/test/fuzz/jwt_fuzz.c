/* jwt_fuzz.c - identity/jwt.c and what is below it, under arbitrary input; see docs/TESTING.md.
 *
 * The first byte says what the rest is: 'T' a token; 'K' a key set; 'S' a header, a zero byte and claims, which are signed here, so
 * that what comes after the signature is reached. Beside the sanitizers, what must hold: only a token that is signed here is
 * valid, and it is not when a bit of it is changed; and what is read has its limits.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "identity/jwt.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEYS \
	"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"h\",\"alg\":\"HS256\"," \
	"\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg\"}," \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}," \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"o\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

#define EVERYTHING UINT32_MAX

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool condition)
{
	if (!condition)
		abort();
}

static void
check_nodes(const JsonDocument *document)
{
	demand(document->n > 0 && document->n <= JSON_MAX_VALUES);
	for (int i = 0; i < document->n; i++)
	{
		const JsonNode *node = &document->nodes[i];

		if (node->kind == JSON_STRING)
			demand(strlen(node->text) == node->length);
		for (const JsonNode *part = node->first; part != NULL; part = part->next)
			demand(node->kind == JSON_ARRAY || json_member(node, part->name) == part);
	}
}

/* Whether the token is good, under the keys above. */
static bool
is_valid(const char *text, size_t length)
{
	static Jwt	jwt;
	static Jwks jwks;
	char		keys[] = KEYS;
	const Jwk  *signed_by = NULL;

	demand(jwks_read(keys, sizeof(keys) - 1, &jwks) == NULL && jwks.n == 3);
	if (jwt_read(text, length, &jwt) != NULL)
		return false;
	check_nodes(&jwt.header);
	check_nodes(&jwt.payload);
	demand(length <= JWT_MAX_LENGTH && jwt.issuer != NULL && jwt.expires_at >= 0);
	(void) jwt_time_fault(&jwt, 1700000000, 60);
	(void) jwt_claim_has(&jwt, "aud", "app");
	return jwt_verify(&jwt, &jwks, EVERYTHING, &signed_by) == NULL && signed_by != NULL;
}

static size_t
encode(char *to, const uint8_t *bytes, size_t n)
{
	size_t		length = (size_t) EVP_EncodeBlock((unsigned char *) to, bytes, (int) n);

	while (length > 0 && to[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++)
		to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
	return length;
}

static void
try_signed(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, 0, size);
	size_t		header = zero == NULL ? size : (size_t) (zero - data);
	size_t		claims = zero == NULL ? 0 : size - header - 1;
	char	   *text = malloc(size * 2 + 200);
	size_t		n = encode(text, data, header);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_length = 0;

	text[n++] = '.';
	if (claims > 0)
		n += encode(text + n, zero + 1, claims);
	HMAC(EVP_sha256(), SECRET, (int) strlen(SECRET), (unsigned char *) text, n, mac, &mac_length);
	text[n++] = '.';
	n += encode(text + n, mac, mac_length);
	if (is_valid(text, n))
	{
		for (size_t i = 0; i < n; i += 1 + n / 16)
		{
			text[i] ^= 1;
			demand(!is_valid(text, n));
			text[i] ^= 1;
		}
		demand(!is_valid(text, n - 1));
	}
	free(text);
}

static void
try_keys(const uint8_t *data, size_t size)
{
	static Jwks jwks;
	char	   *text = malloc(size + 1);

	memcpy(text, data, size);
	if (jwks_read(text, size, &jwks) == NULL)
	{
		demand(jwks.n >= 0 && jwks.n <= JWKS_MAX_KEYS);
		(void) jwks_check(&jwks, EVERYTHING);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0])
	{
		case 'T':
			/* nobody here knows how to sign with the keys but in try_signed() */
			(void) is_valid((const char *) data + 1, size - 1);
			break;
		case 'K':
			try_keys(data + 1, size - 1);
			break;
		case 'S':
			try_signed(data + 1, size - 1);
			break;
	}
	return 0;
}
