/* jwt.c - reading and verifying JSON Web Tokens (RFC 7519, 7515, 7517, 7518, 8037, 8725).
 *
 * Only the compact form, signed, is a token here. The header decides nothing that the issuer's configuration does not allow: it
 * names one of the algorithms and one of the keys there; what else it says of keys (jku, jwk, x5u, x5c) is not looked at. A key
 * is used for algorithms of its own type alone, and a token for which more than one key might be meant is refused.
 *
 * Invariant: takes bytes and returns results; no tables, no ereport, no allocation, no state. Costs before a signature is
 * verified are bounded by the length and by the limits of json.c. What is returned as a reason is a constant text.
 */
#define _DEFAULT_SOURCE			/* explicit_bzero */
#include <string.h>
#include <strings.h>

#include "identity/jwt.h"

#define count(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const struct
{
	const char *name;
	CryptoScheme scheme;
	int			hash_bits;
	CryptoKeyType type;
}			algorithms[] = {
	{"RS256", CRYPTO_RSA_PKCS1, 256, CRYPTO_RSA},
	{"RS384", CRYPTO_RSA_PKCS1, 384, CRYPTO_RSA},
	{"RS512", CRYPTO_RSA_PKCS1, 512, CRYPTO_RSA},
	{"PS256", CRYPTO_RSA_PSS, 256, CRYPTO_RSA},
	{"PS384", CRYPTO_RSA_PSS, 384, CRYPTO_RSA},
	{"PS512", CRYPTO_RSA_PSS, 512, CRYPTO_RSA},
	{"ES256", CRYPTO_ECDSA, 256, CRYPTO_P256},
	{"ES384", CRYPTO_ECDSA, 384, CRYPTO_P384},
	{"ES512", CRYPTO_ECDSA, 512, CRYPTO_P521},
	{"EdDSA", CRYPTO_EDDSA, 0, CRYPTO_ED25519},
	{"HS256", CRYPTO_HMAC, 256, CRYPTO_SECRET},
	{"HS384", CRYPTO_HMAC, 384, CRYPTO_SECRET},
	{"HS512", CRYPTO_HMAC, 512, CRYPTO_SECRET}
};

/* Number of an algorithm, for sets of them; -1 if there is none of that name. */
int
jwt_algorithm(const char *name)
{
	for (int i = 0; i < count(algorithms); i++)
	{
		if (strcmp(algorithms[i].name, name) == 0)
			return i;
	}
	return -1;
}

/*
 * Base64url as RFC 7515 has it: no padding, no white space, and bits that belong to no byte are zero, so that a text is the only
 * one for its bytes. Decodes in place, too.
 */
static bool
decode(const char *text, size_t length, uint8_t *to, size_t *n)
{
	size_t		tail = length % 4;
	size_t		whole = length - tail;
	char		last[4] = {'A', 'A', 'A', 'A'};
	uint8_t		bytes[3];

	*n = 0;
	memcpy(last, text +whole, tail);
	for (size_t i = 0; i < whole; i += 64)
	{
		size_t		chunk = whole - i < 64 ? whole - i : 64;

		if (!crypto_base64url_decode(text +i, chunk, to + *n))
			return false;
		*n += chunk / 4 * 3;
	}
	if (tail == 0)
		return true;
	if (tail == 1 || !crypto_base64url_decode(last, 4, bytes) || bytes[2] != 0 || (tail == 2 && bytes[1] != 0))
		return false;
	memcpy(to + *n, bytes, tail - 1);
	*n += tail - 1;
	return true;
}

/* RFC 8725, section 3.11: tokens made for something else are none for us. */
static bool
is_our_type(const char *type)
{
	if (strncasecmp(type, "application/", 12) == 0)
		type += 12;
	return strcasecmp(type, "JWT") == 0 || strcasecmp(type, "at+jwt") == 0;
}

static const char *
read_header(Jwt *jwt)
{
	static const char *const refused[] = {"crit", "b64", "zip", "enc"};
	const JsonNode *header = &jwt->header.nodes[0];
	const JsonNode *node;

	if (header->kind != JSON_OBJECT)
		return "the header is no JSON object";
	for (int i = 0; i < count(refused); i++)
	{
		if (json_member(header, refused[i]) != NULL)
			return "the header demands what is not supported (crit, b64, zip, enc)";
	}
	node = json_member(header, "typ");
	if (node != NULL && (node->kind != JSON_STRING || !is_our_type(node->text)))
		return "the token is of another type";
	node = json_string_member(header, "alg");
	jwt->algorithm = node == NULL ? -1 : jwt_algorithm(node->text);
	if (jwt->algorithm < 0)
		return "the algorithm is missing, none, or unknown";
	node = json_member(header, "kid");
	if (node != NULL && node->kind != JSON_STRING)
		return "the name of the key is no string";
	jwt->key_id = node == NULL ? NULL : node->text;
	return NULL;
}

/* NumericDate (RFC 7519, section 2) up to the year 9999; what is within a second counts as its end or its beginning. */
static bool
read_time(const JsonNode *claims, const char *name, bool up, int64_t *moment)
{
	const JsonNode *node = json_member(claims, name);
	size_t		i = 0;
	int64_t		value = 0;

	*moment = JWT_NO_TIME;
	if (node == NULL)
		return true;
	if (node->kind != JSON_NUMBER)
		return false;
	for (; i < node->length && node->text[i] >= '0' && node->text[i] <= '9'; i++)
	{
		value = value * 10 + (node->text[i] - '0');
		if (value > INT64_C(253402300799))
			return false;
	}
	if (i == 0 || (i < node->length && node->text[i] != '.'))
		return false;			/* a sign, or an exponent */
	for (size_t j = i + 1; j < node->length; j++)
	{
		if (node->text[j] == 'e' || node->text[j] == 'E')
			return false;
	}
	*moment = i < node->length && up ? value + 1 : value;
	return true;
}

static bool
is_text_or_texts(const JsonNode *node)
{
	if (node->kind != JSON_ARRAY)
		return node->kind == JSON_STRING;
	for (const JsonNode *element = node->first; element != NULL; element = element->next)
	{
		if (element->kind != JSON_STRING)
			return false;
	}
	return true;
}

/* RFC 8693, section 4.1: who acts for the subject. Whoever does not look takes the one for the other. */
static const char *
read_actor(Jwt *jwt)
{
	const JsonNode *act = json_member(jwt->claims, "act");
	const JsonNode *subject = act == NULL ? NULL : json_string_member(act, "sub");

	if (act != NULL && (subject == NULL || subject->length == 0))
		return "act does not say who acts";
	jwt->actor = subject == NULL ? NULL : subject->text;
	return NULL;
}

static const char *
read_claims(Jwt *jwt)
{
	const JsonNode *claims = &jwt->payload.nodes[0];
	const JsonNode *node;

	if (claims->kind != JSON_OBJECT)
		return "the claims are no JSON object";
	jwt->claims = claims;
	node = json_string_member(claims, "iss");
	if (node == NULL)
		return "iss is missing or no string";
	jwt->issuer = node->text;
	node = json_member(claims, "aud");
	if (node == NULL || !is_text_or_texts(node))
		return "aud is missing, or neither a string nor a list of strings";
	node = json_member(claims, "jti");
	if (node != NULL && node->kind != JSON_STRING)
		return "jti is no string";
	jwt->identifier = node == NULL ? NULL : node->text;
	if (!read_time(claims, "exp", false, &jwt->expires_at) || jwt->expires_at == JWT_NO_TIME)
		return "exp is missing or no time";
	if (!read_time(claims, "nbf", true, &jwt->not_before) || !read_time(claims, "iat", false, &jwt->issued_at) ||
		!read_time(claims, "auth_time", false, &jwt->authenticated_at))
		return "nbf, iat or auth_time is no time";
	if (json_member(claims, "cnf") != NULL)
		return "the token is bound to a key whose possession is not shown (cnf)";
	return read_actor(jwt);
}

/* Where the three parts of a token begin and end; false if there are not three. */
static bool
split(const char *text, size_t length, size_t start[3], size_t end[3])
{
	int			part = 0;

	start[0] = 0;
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] != '.')
			continue;
		if (part == 2)
			return false;
		end[part++] = i;
		start[part] = i + 1;
	}
	end[2] = length;
	return part == 2;
}

/* Reads what a stranger has sent; the text must stay as long as the result. */
const char *
jwt_read(const char *text, size_t length, Jwt *jwt)
{
	size_t		start[3];
	size_t		end[3];
	char	   *bytes[3];
	size_t		n[3];
	size_t		used = 0;
	const char *fault;

	jwt->algorithm = -1;
	if (length > JWT_MAX_LENGTH)
		return "the token is too long";
	if (!split(text, length, start, end))
		return "the token has not three parts";
	for (int i = 0; i < 3; i++)
	{
		bytes[i] = jwt->bytes + used;
		if (!decode(text +start[i], end[i] - start[i], (uint8_t *) bytes[i], &n[i]))
			return "a part of the token is not base64url";
		used += n[i];
	}
	jwt->text = text;

	jwt->signed_length = end[1];
	jwt->signature = (const uint8_t *) bytes[2];
	jwt->signature_length = n[2];
	fault = json_read(bytes[0], n[0], &jwt->header);
	if (fault == NULL)
		fault = read_header(jwt);
	if (fault == NULL)
		fault = json_read(bytes[1], n[1], &jwt->payload);
	if (fault == NULL)
		fault = read_claims(jwt);
	return fault;
}

/* Whether a claim is the text, or a list with it. */
bool
jwt_claim_has(const Jwt *jwt, const char *claim, const char *text)
{
	const JsonNode *node = json_member(jwt->claims, claim);

	if (node == NULL || node->kind != JSON_ARRAY)
		return json_is_text(node, text);
	for (const JsonNode *element = node->first; element != NULL; element = element->next)
	{
		if (json_is_text(element, text))
			return true;
	}
	return false;
}

/* exp has no leeway: nothing outlives it. The skew is for clocks of issuers that are ahead. */
const char *
jwt_time_fault(const Jwt *jwt, int64_t now, int64_t skew)
{
	if (jwt->expires_at <= now)
		return "the token has expired";
	if (jwt->not_before != JWT_NO_TIME && jwt->not_before > now + skew)
		return "the token is not valid yet";
	if (jwt->issued_at != JWT_NO_TIME && jwt->issued_at > now + skew)
		return "the token was issued in the future";
	if (jwt->authenticated_at != JWT_NO_TIME && jwt->authenticated_at > now + skew)
		return "auth_time is in the future";
	return NULL;
}

/* RFC 7518, section 3.2: a secret is at least as long as the hash. */
static bool
fits(const Jwk *jwk, int algorithm)
{
	if (jwk->algorithm >= 0 && jwk->algorithm != algorithm)
		return false;
	if (jwk->key.type != algorithms[algorithm].type)
		return false;
	return jwk->key.type != CRYPTO_SECRET || jwk->key.a_length >= (size_t) algorithms[algorithm].hash_bits / 8;
}

static const char *
choose_key(const Jwt *jwt, const Jwks *jwks, const Jwk **chosen)
{
	int			named = 0;
	int			fitting = 0;

	for (int i = 0; i < jwks->n; i++)
	{
		const Jwk  *jwk = &jwks->keys[i];

		if (jwt->key_id != NULL && (jwk->key_id == NULL || strcmp(jwk->key_id, jwt->key_id) != 0))
			continue;
		named++;
		if (!fits(jwk, jwt->algorithm))
			continue;
		fitting++;
		*chosen = jwk;
	}
	if (fitting == 1)
		return NULL;
	if (fitting > 1)
		return jwt->key_id == NULL ? "no key is named and several fit" : "several keys have the name that is given";
	return named == 0 ? "the key is not known" : "the key is not one for the algorithm";
}

/* Whether the issuer has signed it, by one of the algorithms (bits by number) and with one of the keys: which one. */
const char *
jwt_verify(const Jwt *jwt, const Jwks *jwks, uint32_t allowed, const Jwk **signed_by)
{
	const char *fault;

	if (jwt->algorithm < 0 || (allowed & (UINT32_C(1) << jwt->algorithm)) == 0)
		return "the algorithm is not allowed for the issuer";
	fault = choose_key(jwt, jwks, signed_by);
	if (fault != NULL)
		return fault;
	if (!crypto_verify(algorithms[jwt->algorithm].scheme, algorithms[jwt->algorithm].hash_bits, &(*signed_by)->key,
					   jwt->text, jwt->signed_length, jwt->signature, jwt->signature_length))
		return "the signature is wrong";
	return NULL;
}

/*
 * What a session's token is made of, so that the same JWT finds the same session. It is a hash of the whole JWT under a label of
 * its own. Who has the JWT can authenticate by it anyway. Who has not cannot guess it: it is made of a signature or MAC (sessions
 * are opened for verified ones alone) that nobody computes without the issuer's key. Neither leads from the token, or from the
 * hash of it that is stored, back to the JWT.
 */
bool
jwt_token_secret(const char *text, size_t length, uint8_t secret[JWT_SECRET_BYTES])
{
	static const char label[] = "spsa session of a JWT";
	uint8_t		input[sizeof(label) + CRYPTO_HASH_BYTES];
	bool		ok;

	memcpy(input, label, sizeof(label));
	ok = crypto_sha256(text, length, input + sizeof(label)) && crypto_sha256(input, sizeof(input), secret);
	explicit_bzero(input, sizeof(input));
	return ok;
}

/* Bytes of a member of a key, decoded in place. */
static bool
key_bytes(const JsonNode *jwk, const char *name, const uint8_t **bytes, size_t *n)
{
	const JsonNode *node = json_string_member(jwk, name);

	*bytes = node == NULL ? NULL : (const uint8_t *) node->text;
	return node != NULL && decode(node->text, node->length, (uint8_t *) node->text, n);
}

/* What a key that is not symmetric keeps to its owner (RFC 7518, sections 6.2.2 and 6.3.2). */
static bool
has_private_part(const JsonNode *jwk)
{
	static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

	for (int i = 0; i < count(names); i++)
	{
		if (json_member(jwk, names[i]) != NULL)
			return true;
	}
	return false;
}

/* Whether the key is for verifying signatures, by algorithms that are known (RFC 7517, sections 4.2 to 4.4). */
static bool
is_for_signatures(const JsonNode *node, Jwk *jwk)
{
	const JsonNode *use = json_member(node, "use");
	const JsonNode *operations = json_member(node, "key_ops");
	const JsonNode *algorithm = json_member(node, "alg");

	jwk->algorithm = -1;
	if (use != NULL && !json_is_text(use, "sig"))
		return false;
	if (algorithm != NULL)
	{
		jwk->algorithm = algorithm->kind == JSON_STRING ? jwt_algorithm(algorithm->text) : -1;
		if (jwk->algorithm < 0)
			return false;
	}
	if (operations == NULL)
		return true;
	for (operations = operations->first; operations != NULL; operations = operations->next)
	{
		if (json_is_text(operations, "verify"))
			return true;
	}
	return false;
}

static bool
key_type(const JsonNode *node, CryptoKeyType *type)
{
	static const struct
	{
		const char *kty;
		const char *crv;
		CryptoKeyType type;
	}			types[] = {
		{"RSA", NULL, CRYPTO_RSA},
		{"EC", "P-256", CRYPTO_P256},
		{"EC", "P-384", CRYPTO_P384},
		{"EC", "P-521", CRYPTO_P521},
		{"OKP", "Ed25519", CRYPTO_ED25519},
		{"oct", NULL, CRYPTO_SECRET}
	};

	for (int i = 0; i < count(types); i++)
	{
		if (json_is_text(json_member(node, "kty"), types[i].kty) &&
			(types[i].crv == NULL || json_is_text(json_member(node, "crv"), types[i].crv)))
		{
			*type = types[i].type;
			return true;
		}
	}
	return false;
}

static bool
read_key(const JsonNode *node, CryptoKey *key)
{
	switch (key->type)
	{
		case CRYPTO_RSA:
			return key_bytes(node, "n", &key->a, &key->a_length) && key_bytes(node, "e", &key->b, &key->b_length);
		case CRYPTO_P256:
		case CRYPTO_P384:
		case CRYPTO_P521:
			return key_bytes(node, "x", &key->a, &key->a_length) && key_bytes(node, "y", &key->b, &key->b_length);
		case CRYPTO_ED25519:
			return key_bytes(node, "x", &key->a, &key->a_length);
		case CRYPTO_SECRET:
			return key_bytes(node, "k", &key->a, &key->a_length);
	}
	return false;
}

/* Adds a key, unless it is one for something else (RFC 7517, section 5: such keys are ignored). */
static const char *
add_key(const JsonNode *node, Jwks *jwks)
{
	Jwk			jwk = {.key = {0}};
	const JsonNode *key_id = json_member(node, "kid");

	if (node->kind != JSON_OBJECT || json_string_member(node, "kty") == NULL)
		return "a key is no JSON object with kty";
	if (!json_is_text(json_member(node, "kty"), "oct") && has_private_part(node))
		return "a key has private members";
	if (key_id != NULL && key_id->kind != JSON_STRING)
		return "a key has a kid that is no string";
	if (!key_type(node, &jwk.key.type) || !is_for_signatures(node, &jwk))
		return NULL;
	jwk.key_id = key_id == NULL ? NULL : key_id->text;
	if (!read_key(node, &jwk.key))
		return "a key lacks a member, or has one that is not base64url";
	if (jwks->n == JWKS_MAX_KEYS)
		return "there are too many keys";
	jwks->keys[jwks->n++] = jwk;
	return NULL;
}

/* Reads a key set, which is changed for it and must stay as long as the result. */
const char *
jwks_read(char *text, size_t length, Jwks *jwks)
{
	const char *fault;
	const JsonNode *keys;

	jwks->n = 0;
	if (length > JWKS_MAX_LENGTH)
		return "it is too long";
	fault = json_read(text, length, &jwks->document);
	if (fault != NULL)
		return fault;
	keys = json_member(&jwks->document.nodes[0], "keys");
	if (keys == NULL || keys->kind != JSON_ARRAY)
		return "it is no JSON object with a list of keys";
	for (keys = keys->first; keys != NULL && fault == NULL; keys = keys->next)
		fault = add_key(keys, jwks);
	return fault;
}

/* A secret that is long enough for one of the algorithms, and not for another, would be used for the wrong one by mistake. */
static const char *
secret_fault(const Jwk *jwk, uint32_t allowed)
{
	for (int i = 0; i < count(algorithms); i++)
	{
		if ((allowed & (UINT32_C(1) << i)) != 0 && algorithms[i].type == CRYPTO_SECRET &&
			(jwk->algorithm < 0 || jwk->algorithm == i) && !fits(jwk, i))
			return "a secret is shorter than the hash of its algorithm";
	}
	return jwk->key.a_length < 32 ? "a secret is shorter than the hash of its algorithm" : NULL;
}

/* Whether all keys are strong, told apart by their names, and of use for one of the algorithms. */
const char *
jwks_check(const Jwks *jwks, uint32_t allowed)
{
	bool		of_use = false;

	for (int i = 0; i < jwks->n; i++)
	{
		const Jwk  *jwk = &jwks->keys[i];
		const char *fault = jwk->key.type == CRYPTO_SECRET ? secret_fault(jwk, allowed) : crypto_key_fault(&jwk->key);

		if (fault != NULL)
			return fault;
		for (int j = 0; j < i; j++)
		{
			if (jwk->key_id != NULL && jwks->keys[j].key_id != NULL && strcmp(jwk->key_id, jwks->keys[j].key_id) == 0)
				return "two keys have the same kid";
		}
		for (int j = 0; j < count(algorithms); j++)
			of_use = of_use || ((allowed & (UINT32_C(1) << j)) != 0 && fits(jwk, j));
	}
	return of_use ? NULL : "none of the keys is one for the algorithms";
}
