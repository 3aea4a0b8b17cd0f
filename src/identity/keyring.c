/* keyring.c - the file of encryption keys: lines "key_id:64 hexadecimal digits", of which the first is the current one.
 *
 * Empty lines and lines that begin with # say nothing. The whole file must be right, whichever key is asked for: a mistake
 * should be noticed when it is made, not when an old key is needed.
 *
 * Invariant: takes bytes and returns results; no tables, no ereport, no allocation.
 */
#define _DEFAULT_SOURCE			/* explicit_bzero */
#include <string.h>

#include "identity/keyring.h"

static bool
is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* One line that is not empty and no comment. */
static bool
parse_line(const char *text, size_t len, KeyringKey *key)
{
	size_t		id = 0;
	bool		ok;

	while (id < len && is_id_char(text[id]))
		id++;
	ok = id > 0 && id <= KEYRING_MAX_ID && id < len && text[id] == ':' && len == id + 1 + 2 * CRYPTO_KEY_BYTES;

	for (size_t i = 0; ok && i < CRYPTO_KEY_BYTES; i++)
	{
		int			high = crypto_hex_digit(text[id + 1 + 2 * i]);
		int			low = crypto_hex_digit(text[id + 2 + 2 * i]);

		ok = high >= 0 && low >= 0;
		if (ok)
			key->key[i] = (uint8_t) (high << 4 | low);
	}
	if (ok)
	{
		memcpy(key->id, text, id);
		key->id[id] = '\0';
	}
	return ok;
}

/* The key of a name, or the current one if key_id is NULL. Of what is malformed, which line. */
KeyringAnswer
keyring_find(const char *text, size_t len, const char *key_id, KeyringKey *key, int *line)
{
	char		ids[KEYRING_MAX_KEYS][KEYRING_MAX_ID + 1];
	int			keys = 0;
	KeyringAnswer answer = KEYRING_MISSING;
	KeyringKey	next;

	*line = 0;
	for (size_t begin = 0, end; begin < len && answer != KEYRING_MALFORMED; begin = end + 1)
	{
		size_t		last;

		(*line)++;
		for (end = begin; end < len && text[end] != '\n'; end++)
			;
		for (last = end; last > begin && strchr(" \t\r", text[last - 1]) != NULL && text[last - 1] != '\0'; last--)
			;
		if (last == begin || text[begin] == '#')
			continue;
		if (keys == KEYRING_MAX_KEYS || !parse_line(text +begin, last - begin, &next))
			answer = KEYRING_MALFORMED;
		for (int i = 0; i < keys && answer != KEYRING_MALFORMED; i++)
		{
			if (strcmp(ids[i], next.id) == 0)
				answer = KEYRING_MALFORMED;
		}
		if (answer == KEYRING_MALFORMED)
			break;
		strcpy(ids[keys++], next.id);
		if (key_id == NULL ? keys == 1 : strcmp(next.id, key_id) == 0)
		{
			*key = next;
			answer = KEYRING_FOUND;
		}
	}
	explicit_bzero(&next, sizeof(next));
	if (answer != KEYRING_FOUND)
		explicit_bzero(key, sizeof(*key));
	return answer;
}
