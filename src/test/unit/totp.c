/* totp.c - tests of identity/totp.c, identity/keyring.c and what they use of base/crypto.c, outside the server, where the time
 * can be chosen. Speaks TAP; built and run by src/test/t/018_totp.pl.
 */
#include <stdio.h>
#include <string.h>

#include "identity/keyring.h"
#include "identity/totp.h"

static int	tests = 0;
static int	failures = 0;

static void
ok(bool met, const char *name)
{
	printf("%sok %d - %s\n", met ? "" : "not ", ++tests, name);
	failures += !met;
}

static void
is(const char *got, const char *wanted, const char *name)
{
	ok(strcmp(got, wanted) == 0, name);
	if (strcmp(got, wanted) != 0)
		printf("# got \"%s\", wanted \"%s\"\n", got, wanted);
}

#define SEED "1234567890123456789012345678901234567890123456789012345678901234"

static TotpFactor
factor_of(CryptoHash algorithm, int digits)
{
	TotpFactor	factor = {.factor_id = 7,.user_id = 11,.algorithm = algorithm,.digits = digits,.period = 30};

	return factor;
}

/* RFC 4226, appendix D. */
static void
test_hotp(void)
{
	static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"};
	TotpFactor	factor = factor_of(CRYPTO_SHA1, 6);

	for (int i = 0; i < 10; i++)
	{
		char		code[TOTP_MAX_DIGITS + 1] = "";
		char		name[64];

		snprintf(name, sizeof(name), "RFC 4226, appendix D, count %d", i);
		ok(totp_hotp(&factor, (const uint8_t *) SEED, 20, i, code), name);
		is(code, codes[i], name);
	}
	factor.digits = 7;
	{
		char		code[TOTP_MAX_DIGITS + 1] = "x";

		ok(!totp_hotp(&factor, (const uint8_t *) SEED, 20, 0, code), "seven digits are none");
		is(code, "", "and give no code");
	}
}

/* RFC 6238, appendix B (the secrets for SHA-256 and SHA-512 are those of the program in appendix A). */
static void
test_rfc6238(void)
{
	static const struct
	{
		int64_t		time;
		const char *code[3];
	}			vectors[] = {
		{59, {"94287082", "46119246", "90693936"}},
		{1111111109, {"07081804", "68084774", "25091201"}},
		{1111111111, {"14050471", "67062674", "99943326"}},
		{1234567890, {"89005924", "91819424", "93441116"}},
		{2000000000, {"69279037", "90698825", "38618901"}},
		{20000000000, {"65353130", "77737706", "47863826"}}
	};
	static const CryptoHash hashes[] = {CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512};

	for (int i = 0; i < 6; i++)
	{
		for (int h = 0; h < 3; h++)
		{
			TotpFactor	factor = factor_of(hashes[h], 8);
			size_t		len = totp_secret_length(hashes[h]);
			char		code[TOTP_MAX_DIGITS + 1] = "";
			char		name[96];
			int64_t		step = -1;

			snprintf(name, sizeof(name), "RFC 6238, appendix B, %s at %lld", totp_algorithm_name(hashes[h]), (long long) vectors[i].time);
			(void) totp_hotp(&factor, (const uint8_t *) SEED, len, vectors[i].time / 30, code);
			is(code, vectors[i].code[h], name);
			ok(totp_check(&factor, (const uint8_t *) SEED, len, vectors[i].time, -1, vectors[i].code[h], &step) == TOTP_RIGHT &&
			   step == vectors[i].time / 30, name);
		}
	}
}

static TotpAnswer
check_at(const TotpFactor *factor, int64_t now, int64_t code_step, int64_t used, int64_t *step)
{
	char		code[TOTP_MAX_DIGITS + 1];

	(void) totp_hotp(factor, (const uint8_t *) SEED, 20, code_step, code);
	return totp_check(factor, (const uint8_t *) SEED, 20, now, used, code, step);
}

static void
test_window(void)
{
	TotpFactor	factor = factor_of(CRYPTO_SHA1, 6);
	const int64_t n = 40000000;
	int64_t		step;

	for (int second = 0; second < 30; second += 29)
	{
		int64_t		now = n * 30 + second;

		ok(check_at(&factor, now, n - 2, -1, &step) == TOTP_WRONG, "two steps ago");
		ok(check_at(&factor, now, n - 1, -1, &step) == TOTP_RIGHT && step == n - 1, "the step before");
		ok(check_at(&factor, now, n, -1, &step) == TOTP_RIGHT && step == n, "the present step");
		ok(check_at(&factor, now, n + 1, -1, &step) == TOTP_RIGHT && step == n + 1, "the next step");
		ok(check_at(&factor, now, n + 2, -1, &step) == TOTP_WRONG, "two steps on");
	}
	ok(check_at(&factor, n * 30, n, n - 1, &step) == TOTP_RIGHT, "later than the one that was used");
	ok(check_at(&factor, n * 30, n, n, &step) == TOTP_USED, "the one that was used");
	ok(check_at(&factor, n * 30, n - 1, n, &step) == TOTP_USED, "earlier than the one that was used");
	ok(check_at(&factor, n * 30, n - 2, n, &step) == TOTP_WRONG, "out of the window, and used");
	ok(check_at(&factor, 29, 0, -1, &step) == TOTP_FAILED, "a clock that was never set");
	factor.period = 0;
	ok(check_at(&factor, n * 30, n, -1, &step) == TOTP_FAILED, "no period");
}

static void
test_form(void)
{
	TotpFactor	six = factor_of(CRYPTO_SHA1, 6);
	TotpFactor	eight = factor_of(CRYPTO_SHA1, 8);

	ok(totp_is_code(&six, "012345", 6), "six digits");
	ok(!totp_is_code(&six, "01234", 5) && !totp_is_code(&six, "0123456", 7) && !totp_is_code(&six, "", 0), "no other number of them");
	ok(!totp_is_code(&six, "01234a", 6) && !totp_is_code(&six, "01234/", 6) && !totp_is_code(&six, "01234:", 6), "nothing but digits");
	ok(totp_is_code(&eight, "01234567", 8) && !totp_is_code(&eight, "012345", 6), "eight digits");
}

static void
test_sealing(void)
{
	TotpFactor	factor = factor_of(CRYPTO_SHA256, 6);
	TotpFactor	other;
	uint8_t		key[CRYPTO_KEY_BYTES] = "0123456789abcdef0123456789abcde";
	uint8_t		nonce[CRYPTO_NONCE_BYTES] = "nonce nonce";
	uint8_t		sealed[TOTP_MAX_SEALED];
	uint8_t		secret[TOTP_MAX_SECRET];
	size_t		len = 0;
	int			opened = 0;

	ok(totp_seal(&factor, "k1", key, nonce, (const uint8_t *) SEED, 32, sealed), "sealing");
	ok(memcmp(sealed, SEED, 8) != 0, "it is not the secret itself");
	ok(totp_open(&factor, "k1", key, nonce, sealed, 48, secret, &len) && len == 32 && memcmp(secret, SEED, 32) == 0, "opening");
	ok(!totp_open(&factor, "k2", key, nonce, sealed, 48, secret, &len), "under the name of another key");
	ok(secret[0] == 0 && secret[31] == 0, "nothing is left");
#define OTHER(member, value, name) \
	other = factor; other.member = value; ok(!totp_open(&other, "k1", key, nonce, sealed, 48, secret, &len), name)
	OTHER(factor_id, 8, "another factor");
	OTHER(user_id, 12, "another user");
	OTHER(algorithm, CRYPTO_SHA1, "another algorithm");
	OTHER(digits, 8, "other digits");
	OTHER(period, 60, "another period");
	for (int i = 0; i < 48 * 8; i++)
	{
		sealed[i / 8] ^= 1 << i % 8;
		opened += totp_open(&factor, "k1", key, nonce, sealed, 48, secret, &len);
		sealed[i / 8] ^= 1 << i % 8;
	}
	for (int i = 0; i < CRYPTO_KEY_BYTES * 8; i++)
	{
		key[i / 8] ^= 1 << i % 8;
		opened += totp_open(&factor, "k1", key, nonce, sealed, 48, secret, &len);
		key[i / 8] ^= 1 << i % 8;
	}
	for (int i = 0; i < CRYPTO_NONCE_BYTES * 8; i++)
	{
		nonce[i / 8] ^= 1 << i % 8;
		opened += totp_open(&factor, "k1", key, nonce, sealed, 48, secret, &len);
		nonce[i / 8] ^= 1 << i % 8;
	}
	for (int i = 0; i <= TOTP_MAX_SEALED + 1; i++)
		opened += i != 48 && totp_open(&factor, "k1", key, nonce, sealed, i, secret, &len);
	ok(opened == 0, "no other bit, and no other length");
	ok(totp_open(&factor, "k1", key, nonce, sealed, 48, secret, &len), "it still opens");
	ok(!totp_seal(&factor, SEED "x", key, nonce, (const uint8_t *) SEED, 32, sealed), "a key's name that is too long");
	ok(!totp_seal(&factor, "k1", key, nonce, (const uint8_t *) SEED, 0, sealed), "no secret");
}

static void
test_algorithms(void)
{
	CryptoHash	hash = CRYPTO_SHA1;

	ok(totp_algorithm("SHA256", &hash) && hash == CRYPTO_SHA256, "SHA256");
	ok(totp_algorithm("SHA1", &hash) && hash == CRYPTO_SHA1, "SHA1");
	ok(totp_algorithm("SHA512", &hash) && hash == CRYPTO_SHA512, "SHA512");
	ok(!totp_algorithm("sha1", &hash) && !totp_algorithm("MD5", &hash) && !totp_algorithm("", &hash), "no others");
}

static void
test_uri(void)
{
	TotpFactor	factor = factor_of(CRYPTO_SHA1, 6);
	char		uri[TOTP_URI_SIZE];
	char		longest[TOTP_MAX_NAME + 2];

	/* RFC 4648, section 10, by way of the URI. */
	static const char *const base32[][2] = {{"", ""}, {"f", "MY"}, {"fo", "MZXQ"}, {"foo", "MZXW6"}, {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};

	for (int i = 0; i < 7; i++)
	{
		char		wanted[128];

		snprintf(wanted, sizeof(wanted), "otpauth://totp/i:a?secret=%s&issuer=i&algorithm=SHA1&digits=6&period=30", base32[i][1]);
		ok(totp_uri(&factor, "i", "a", (const uint8_t *) base32[i][0], strlen(base32[i][0]), uri), "a URI");
		is(uri, wanted, "RFC 4648, section 10");
	}
	factor = factor_of(CRYPTO_SHA512, 8);
	ok(totp_uri(&factor, "A & B", "\xc3\xa9ve@x.org?a=b", (const uint8_t *) SEED, 20, uri), "names that must be encoded");
	is(uri, "otpauth://totp/A%20%26%20B:%C3%A9ve%40x.org%3Fa%3Db?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%20%26%20B&algorithm=SHA512&digits=8&period=30",
	   "they are");
	memset(longest, '%', sizeof(longest));
	longest[TOTP_MAX_NAME] = '\0';
	ok(totp_uri(&factor, longest, longest, (const uint8_t *) SEED, 64, uri) && strstr(uri, "&period=30") != NULL, "the longest one is complete");
	longest[TOTP_MAX_NAME] = '%';
	longest[TOTP_MAX_NAME + 1] = '\0';
	ok(!totp_uri(&factor, longest, "a", (const uint8_t *) SEED, 20, uri), "an issuer that is too long");
	ok(!totp_uri(&factor, "i", longest, (const uint8_t *) SEED, 20, uri), "an account that is too long");
	ok(!totp_uri(&factor, "a:b", "a", (const uint8_t *) SEED, 20, uri), "a colon in the issuer");
	ok(!totp_uri(&factor, "i", "a:b", (const uint8_t *) SEED, 20, uri), "a colon in the account");
	ok(!totp_uri(&factor, "", "a", (const uint8_t *) SEED, 20, uri) && !totp_uri(&factor, "i", "", (const uint8_t *) SEED, 20, uri), "no name");
}

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "FFEEDDCCBBAA99887766554433221100ffeeddccbbaa99887766554433221100"

static KeyringAnswer
find(const char *text, const char *id, KeyringKey *key, int *line)
{
	return keyring_find(text, strlen(text), id, key, line);
}

static void
test_keyring(void)
{
	KeyringKey	key;
	int			line;
	char		many[(KEYRING_MAX_KEYS + 1) * 80] = "";
	static const char file[] = "# keys\n\n  \t\nb.2:" KEY_B " \r\na-1_x:" KEY_A;
	static const char *const bad[] = {
		"a:" KEY_A "0", "a:0", "a:", ":" KEY_A, "a" KEY_A, " a:" KEY_A, "a :" KEY_A, "a: " KEY_A, "\xc3\xa4:" KEY_A,
		"abcdefghijklmnopqrstuvwxyz0123456:" KEY_A, "a:x0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"a:0g112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "a:" KEY_A "\na:" KEY_B, "a:" KEY_A "\nb"
	};

	ok(find(file, NULL, &key, &line) == KEYRING_FOUND && strcmp(key.id, "b.2") == 0 && key.key[0] == 0xff && key.key[31] == 0, "the first is the current one");
	ok(find(file, "a-1_x", &key, &line) == KEYRING_FOUND && strcmp(key.id, "a-1_x") == 0 && key.key[1] == 0x11, "an older one");
	ok(find(file, "b.2", &key, &line) == KEYRING_FOUND && key.key[1] == 0xee, "the current one by its name");
	ok(find(file, "a", &key, &line) == KEYRING_MISSING && key.id[0] == '\0' && key.key[1] == 0, "one that is not there");
	ok(find("", NULL, &key, &line) == KEYRING_MISSING && find("# none\n", NULL, &key, &line) == KEYRING_MISSING, "none at all");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		ok(find(bad[i], "b", &key, &line) == KEYRING_MALFORMED && line == 1 + (strchr(bad[i], '\n') != NULL), "a bad line");
		ok(find(bad[i], NULL, &key, &line) == KEYRING_MALFORMED && key.id[0] == '\0' && key.key[1] == 0, "and no key");
	}
	ok(keyring_find("a:" KEY_A "\0b", 68, NULL, &key, &line) == KEYRING_MALFORMED, "a zero byte");
	for (int i = 0; i < KEYRING_MAX_KEYS; i++)
		snprintf(many + strlen(many), 80, "k%d:%s\n", i, KEY_A);
	ok(find(many, "k99", &key, &line) == KEYRING_FOUND, "as many as there may be");
	strcat(many, "k:" KEY_A);
	ok(find(many, NULL, &key, &line) == KEYRING_MALFORMED, "one more");
}

int
main(void)
{
	test_hotp();
	test_rfc6238();
	test_window();
	test_form();
	test_sealing();
	test_algorithms();
	test_uri();
	test_keyring();
	printf("1..%d\n", tests);
	return failures > 0;
}
