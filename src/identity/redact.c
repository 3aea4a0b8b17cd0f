/* redact.c - keeping tokens out of logs and of pg_stat_activity.
 *
 * Invariant 8. Applications should send tokens as bind parameters; what is written into a statement, or logged as a
 * parameter, is masked here: every text of a log entry that looks like a token, like a JWT, or like the secret in a JSON Web Key,
 * in place, and the statement that the entry quotes. This works in backends that have loaded the library; preloaded, in all.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

#include "identity/redact.h"
#include "identity/token.h"

#define MIN_TOKEN_BODY 32

static emit_log_hook_type previous_emit_log = NULL;

/*
 * The searches are linear whatever the text: where there is no secret after all, what was looked at is skipped as far as
 * none can begin in it.
 */

#define JWT_PREFIX "eyJ"

/* How far what begins like a token goes. */
static size_t
token_run(const char *string)
{
	size_t		n = TOKEN_PREFIX_LENGTH;

	while (token_is_body_char(string[n]))
		n++;
	return n;
}

/* How far what begins like a JWT goes, and how many dots are in it. */
static size_t
jwt_run(const char *string, int *dots)
{
	size_t		n = 0;

	*dots = 0;
	while (token_is_body_char(string[n]) || (string[n] == '.' && *dots < 4))
		*dots += string[n++] == '.';
	return n;
}

/* Shorter ones are our own function names; a part of a token is masked as well. */
static bool
scan_tokens(char *string, bool change)
{
	bool		found = false;

	for (string = strstr(string, TOKEN_PREFIX); string != NULL; string = strstr(string, TOKEN_PREFIX))
	{
		size_t		n = token_run(string);

		if (n >= TOKEN_PREFIX_LENGTH + MIN_TOKEN_BODY)
		{
			if (!change)
				return true;
			memset(string, '*', n);
			found = true;
		}
		string += n;			/* nothing that begins in here is longer */
	}
	return found;
}

static bool
scan_jwts(char *string, bool change)
{
	bool		found = false;

	for (string = strstr(string, JWT_PREFIX); string != NULL; string = strstr(string, JWT_PREFIX))
	{
		int			dots;
		size_t		n = jwt_run(string, &dots);

		if (dots >= 2)
		{
			if (!change)
				return true;
			memset(string, '*', n);
			found = true;
		}
		string += n;			/* what begins in here has no more dots */
	}
	return found;
}

/*
 * Secrets of issuers of JWTs: the member "k" of a JSON Web Key, where an administrator's statement or its parameter has it. In
 * texts that are quoted within JSON or SQL, quotes may have backslashes before them.
 */
#define KEY_MEMBER "\"k"

static char *
skip(char *string, const char *characters)
{
	return string + strspn(string, characters);
}

static bool
scan_keys(char *string, bool change)
{
	bool		found = false;

	for (string = strstr(string, KEY_MEMBER); string != NULL; string = strstr(string, KEY_MEMBER))
	{
		char	   *value = skip(string + strlen(KEY_MEMBER), "\\");
		size_t		n = 0;

		string += strlen(KEY_MEMBER);
		if (*value != '"')
			continue;
		value = skip(value + 1, " \t\r\n");
		if (*value != ':')
			continue;
		value = skip(value + 1, " \t\r\n\\\"");
		while (token_is_body_char(value[n]))
			n++;
		if (n == 0)
			continue;
		if (!change)
			return true;
		memset(value, '*', n);
		found = true;
		string = value + n;
	}
	return found;
}

static void
mask(char *string)
{
	if (string == NULL)
		return;
	scan_tokens(string, true);
	scan_jwts(string, true);
	scan_keys(string, true);
}

static bool
contains_secret(const char *string)
{
	char	   *same = unconstify(char *, string);

	return same != NULL && (scan_tokens(same, false) || scan_jwts(same, false) || scan_keys(same, false));
}

/* The statement that the client has sent, and its masked copy while that stands in debug_query_string. */
static const char *original = NULL;
static char *copy = NULL;

/* A masked copy that stays until the next one; no error may leave an error report, so no palloc. */
static const char *
masked_copy(const char *string)
{
	char	   *fresh = strdup(string);

	if (fresh == NULL)
		return "(statement hidden)";
	mask(fresh);
	free(copy);
	copy = fresh;
	return copy;
}

/* The text of the running statement as the client has sent it; PostgreSQL keeps it as long as it is the running one. */
static const char *
running_statement(void)
{
	return debug_query_string != NULL && debug_query_string == copy ? original : debug_query_string;
}

static bool
is_within(const char *word, size_t n, const char *secret, size_t length)
{
	for (size_t i = 0; i + n <= length; i++)
	{
		if (pg_strncasecmp(secret + i, word, n) == 0)
			return true;
	}
	return false;
}

/* Whether a word occurs in a secret that stands in the statement; identifiers come folded to lower case. */
static bool
is_part_of_secret(const char *word, size_t n, const char *statement)
{
	size_t		length;

	for (const char *s = strstr(statement, TOKEN_PREFIX); s != NULL; s = strstr(s + length, TOKEN_PREFIX))
	{
		length = token_run(s);
		if (length >= TOKEN_PREFIX_LENGTH + MIN_TOKEN_BODY && is_within(word, n, s, length))
			return true;
	}
	for (const char *s = strstr(statement, JWT_PREFIX); s != NULL; s = strstr(s + length, JWT_PREFIX))
	{
		int			dots;

		length = jwt_run(s, &dots);
		if (dots >= 2 && is_within(word, n, s, length))
			return true;
	}
	return false;
}

/*
 * A token that is written without quotes is taken apart by the parser, whose message then shows a part of it. Only the
 * client's own statement is looked at, and only for short messages about short statements: those of the parser are.
 */
#define MIN_FRAGMENT 6
#define MAX_SEARCHED 2000

static void
mask_fragments(char *string)
{
	const char *statement = running_statement();

	if (string == NULL || statement == NULL || strlen(statement) > MAX_SEARCHED || strlen(string) > MAX_SEARCHED ||
		!contains_secret(statement))
		return;
	while (*string != '\0')
	{
		size_t		n = 0;

		while (token_is_body_char(string[n]))
			n++;
		if (n >= MIN_FRAGMENT && is_part_of_secret(string, n, statement))
			memset(string, '*', n);
		string += n > 0 ? n : 1;
	}
}

/* Overwrites what pg_stat_activity shows of the running statement, if there is a secret in it. */
void
redact_activity(void)
{
	char	   *masked;

	if (!contains_secret(debug_query_string))
		return;
	masked = strdup(debug_query_string);
	if (masked != NULL)
		mask(masked);
	pgstat_report_activity(STATE_RUNNING, masked != NULL ? masked : "(statement hidden)");
	free(masked);
}

static void
redact_log(ErrorData *entry)
{
	mask(entry->message);
	mask(entry->detail);
	mask(entry->detail_log);
	mask(entry->hint);
	mask(entry->context);
	mask(entry->internalquery);
	mask(entry->backtrace);
	mask_fragments(entry->message);
	mask_fragments(entry->detail);
	mask_fragments(entry->hint);
	if (contains_secret(debug_query_string))
	{
		/* A statement may fail before any function of ours has looked at it. */
		redact_activity();
		original = debug_query_string;
		debug_query_string = masked_copy(debug_query_string);
	}
	if (previous_emit_log != NULL)
		previous_emit_log(entry);
}

void
redact_init(void)
{
	previous_emit_log = emit_log_hook;
	emit_log_hook = redact_log;
}
