/* redact.c - keeping tokens and codes out of logs and of pg_stat_activity.
 *
 * Invariant 8. Applications should send tokens as bind parameters; what is written into a statement, or logged as a
 * parameter, is masked here: every text of a log entry that looks like a token, a JWT, the secret in a JSON Web Key or the URI of
 * a second factor, in place, and the statement that the entry quotes. A code of a second factor looks like any number: masked are numbers in statements
 * that name a function that takes one, and the code itself, wherever it came from, as long as it may be of use.
 * This works in backends that have loaded the library; preloaded, in all.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

#include "identity/redact.h"
#include "identity/token.h"

#define MIN_TOKEN_BODY 32

static emit_log_hook_type previous_emit_log = NULL;
static post_parse_analyze_hook_type previous_analyze = NULL;

/*
 * Both searches are linear whatever the text: where there is no secret after all, what was looked at is skipped as far as
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
 * A JWT whose header begins otherwise, as with white space: three parts without anything between, and longer than names that are
 * joined by dots.
 */
#define MIN_COMPACT 100

static bool
scan_compact(char *string, bool change)
{
	bool		found = false;

	while (*string != '\0')
	{
		int			dots;
		size_t		n = jwt_run(string, &dots);

		if (dots >= 2 && n >= MIN_COMPACT)
		{
			if (!change)
				return true;
			memset(string, '*', n);
			found = true;
		}
		string += n > 0 ? n : 1;
	}
	return found;
}

/*
 * Secrets of issuers of JWTs: the member "k" of a JSON Web Key, where an administrator's statement or its parameter has it, also
 * as an argument that follows the name. In texts that are quoted within JSON or SQL, quotes may have backslashes before them
 * or stand there twice; JSON may have the name as an escape.
 */
#define QUOTES "'\""
#define SPACE " \t\r\n"
#define MIN_ARGUMENT 16

static char *
skip(char *string, const char *characters)
{
	return string + strspn(string, characters);
}

/* What follows the quoted name that may begin here, or NULL. */
static char *
skip_key_name(char *string)
{
	char	   *escape = skip(string, "\\");

	if (*string == 'k')
		string++;
	else if (escape > string && pg_strncasecmp(escape, "u006b", 5) == 0)
		string = escape + 5;
	else
		return NULL;
	string = skip(string, "\\");
	return *string != '\0' && strchr(QUOTES, *string) != NULL ? skip(string, QUOTES) : NULL;
}

/* Secrets as they should be written, and as base64. */
static size_t
key_run(const char *string)
{
	size_t		n = 0;

	while (token_is_body_char(string[n]) || (string[n] != '\0' && strchr("+/=", string[n]) != NULL))
		n++;
	return n;
}

/* The value of a member or argument and its length, or NULL. */
static char *
key_value(char *string, size_t *length)
{
	char		separator;

	string = skip(string, SPACE);
	if (strncmp(string, "::text", 6) == 0)
		string = skip(string + 6, SPACE);
	separator = *string;
	string = skip(string, SPACE QUOTES ":,\\");
	*length = key_run(string);
	if (separator == ':')
	{
		/* JSON may have escapes in it. */
		while (string[*length] == '\\')
			*length += 1 + key_run(string + *length + 1);
		return *length > 0 ? string : NULL;
	}
	/* Not a name in a list of names. */
	if (separator == ',' && string[-1] != '\'')
		return NULL;
	return *length >= MIN_ARGUMENT ? string : NULL;
}

static bool
scan_keys(char *string, bool change)
{
	bool		found = false;

	for (string = strpbrk(string, QUOTES); string != NULL; string = strpbrk(string, QUOTES))
	{
		char	   *value = skip_key_name(++string);
		size_t		length;

		if (value == NULL || (value = key_value(value, &length)) == NULL)
			continue;
		if (!change)
			return true;
		memset(value, '*', length);
		found = true;
		string = value + length;
	}
	return found;
}

/* Letters of both cases, as random ones have: so words are left alone. */
static bool
looks_random(const char *string, size_t n)
{
	bool		upper = false;
	bool		lower = false;

	for (size_t i = 0; i < n; i++)
	{
		upper = upper || (string[i] >= 'A' && string[i] <= 'Z');
		lower = lower || (string[i] >= 'a' && string[i] <= 'z');
	}
	return upper && lower;
}

static bool
scan_long_runs(char *string, const char *end, size_t least, bool change)
{
	bool		found = false;

	while (string < end)
	{
		size_t		n = key_run(string);

		if (n >= least && looks_random(string, n))
		{
			if (!change)
				return true;
			memset(string, '*', n);
			found = true;
		}
		string += n > 0 ? n : 1;
	}
	return found;
}

/* However an administrator writes it where issuers are named: the secret of any of the algorithms has 43 characters or more. */
#define MIN_SECRET 40

static bool
scan_issuers(char *string, bool change)
{
	if (strcasestr(string, "jwt_issuer") == NULL && strcasestr(string, "jwks") == NULL)
		return false;
	return scan_long_runs(string, strchr(string, '\0'), MIN_SECRET, change);
}

/*
 * PostgreSQL quotes JSON that it cannot read from some place on, so that what stands before is not known. Its messages may be
 * translated.
 */
#define MIN_FRAGMENT_OF_JSON 16

static void
mask_json(ErrorData *entry)
{
	char	   *end;
	char	   *word;

	if ((entry->sqlerrcode != ERRCODE_INVALID_TEXT_REPRESENTATION && entry->sqlerrcode != ERRCODE_UNTRANSLATABLE_CHARACTER) ||
		entry->context == NULL)
		return;
	/* It is the first line of the context. */
	end = strchrnul(entry->context, '\n');
	word = strstr(entry->context, "JSON");
	if (word == NULL || word > end)
		return;
	scan_long_runs(entry->context, end, MIN_FRAGMENT_OF_JSON, true);
	if (entry->detail != NULL)
		scan_long_runs(entry->detail, strchr(entry->detail, '\0'), MIN_FRAGMENT_OF_JSON, true);
}

#define URI_PREFIX "otpauth://"

static bool
scan_uris(char *string, bool change)
{
	bool		found = false;

	for (string = strstr(string, URI_PREFIX); string != NULL; string = strstr(string, URI_PREFIX))
	{
		size_t		n = strcspn(string, " \t\r\n\"'`<>()");

		if (!change)
			return true;
		memset(string, '*', n);
		string += n;
		found = true;
	}
	return found;
}

/* The last code that was given, and until when it may be of use. */
#define MAX_CODE 16
#define CODE_LIFE (2 * USECS_PER_MINUTE)
static char last_code[MAX_CODE];
static size_t last_code_length = 0;
static TimestampTz last_code_until = 0;

/* Numbers that look like codes: six digits or more, also in groups. */
#define MIN_CODE 6

static size_t
number_run(const char *string, size_t *digits)
{
	size_t		n = 0;

	for (*digits = 0;; n++)
	{
		if (string[n] >= '0' && string[n] <= '9')
			(*digits)++;
		else if (*digits == 0 || (string[n] != ' ' && string[n] != '-') || string[n + 1] < '0' || string[n + 1] > '9')
			return n;
	}
}

/* All of them, or the last code alone. */
static bool
scan_codes(char *string, bool all, bool change)
{
	bool		found = false;

	while (*string != '\0')
	{
		size_t		digits;
		size_t		n = number_run(string, &digits);

		if ((all && digits >= MIN_CODE) ||
			(n > 0 && n == last_code_length && memcmp(string, last_code, n) == 0))
		{
			if (!change)
				return true;
			memset(string, '*', n);
			found = true;
		}
		string += n > 0 ? n : 1;
	}
	return found;
}

static bool
takes_code(const char *string)
{
	return string != NULL && (strcasestr(string, "spsa_step_up_totp") != NULL || strcasestr(string, "spsa_confirm_totp") != NULL);
}

/* The statement that the client has sent, and its masked copy while that stands in debug_query_string. */
static const char *original = NULL;
static char *copy = NULL;

/* The statement of the log entry that is written takes a code, as far as the entry says; it may be one that was prepared. */
static bool entry_takes_code = false;

/* Whether there can be a code in a text; all: which is any number. */
static bool
may_hold_code(const char *string, bool *all)
{
	*all = entry_takes_code || takes_code(string) || takes_code(debug_query_string);
	if (last_code_length > 0 && GetCurrentTimestamp() > last_code_until)
	{
		explicit_bzero(last_code, sizeof(last_code));
		last_code_length = 0;
	}
	return *all || last_code_length > 0;
}

static void
mask(char *string)
{
	bool		all;

	if (string == NULL)
		return;
	scan_tokens(string, true);
	scan_jwts(string, true);
	scan_compact(string, true);
	scan_keys(string, true);
	scan_issuers(string, true);
	scan_uris(string, true);
	if (may_hold_code(string, &all))
		scan_codes(string, all, true);
}

/* Masks tokens in a short text, whatever statement runs: it is not looked at. */
void
redact_name(char *string)
{
	scan_tokens(string, true);
	scan_jwts(string, true);
}

/* What is found without a look at each character, for every statement is looked at. */
static bool
contains_prefixed(const char *string)
{
	char	   *same = unconstify(char *, string);

	return same != NULL && (scan_tokens(same, false) || scan_jwts(same, false) || scan_keys(same, false) ||
							scan_uris(same, false));
}

static bool
contains_token(const char *string)
{
	char	   *same = unconstify(char *, string);

	return string != NULL && (contains_prefixed(string) || scan_compact(same, false) || scan_issuers(same, false));
}

static bool
contains_secret(const char *string)
{
	bool		all;

	return string != NULL &&
		(contains_token(string) ||
		 (may_hold_code(string, &all) && scan_codes(unconstify(char *, string), all, false)));
}

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
		!contains_token(statement))
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

/* Overwrites what pg_stat_activity shows of the running statement, which has a secret in it. */
static void
overwrite_activity(void)
{
	char	   *masked = strdup(debug_query_string);

	if (masked != NULL)
		mask(masked);
	pgstat_report_activity(STATE_RUNNING, masked != NULL ? masked : "(statement hidden)");
	free(masked);
}

/* The same, if there is a token in it. */
void
redact_activity(void)
{
	if (contains_token(debug_query_string))
		overwrite_activity();
}

/* Remembers a code that was given, and overwrites the running statement in pg_stat_activity if it stands there. */
void
redact_code(const char *code, size_t len)
{
	last_code_length = 0;
	if (len > 0 && len <= sizeof(last_code))
	{
		memcpy(last_code, code, len);
		last_code_length = len;
		last_code_until = GetCurrentTimestamp() + CODE_LIFE;
	}
	if (contains_secret(debug_query_string))
		overwrite_activity();
}

static void
redact_log(ErrorData *entry)
{
	entry_takes_code = takes_code(entry->message) || takes_code(entry->detail) || takes_code(entry->detail_log);
	mask(entry->message);
	mask(entry->detail);
	mask(entry->detail_log);
	mask(entry->hint);
	mask(entry->context);
	mask(entry->internalquery);
	mask(entry->backtrace);
	mask_json(entry);
	mask_fragments(entry->message);
	mask_fragments(entry->detail);
	mask_fragments(entry->hint);
	if (contains_secret(debug_query_string))
	{
		/* A statement may fail before any function of ours has looked at it. */
		overwrite_activity();
		original = debug_query_string;
		debug_query_string = masked_copy(debug_query_string);
	}
	entry_takes_code = false;
	if (previous_emit_log != NULL)
		previous_emit_log(entry);
}

/* Each message once, however many statements are in it. */
static bool
is_new_message(const char *message)
{
	static const char *last = NULL;
	static TimestampTz last_at = 0;
	bool		is_new = message != last || GetCurrentStatementStartTimestamp() != last_at;

	last = message;
	last_at = GetCurrentStatementStartTimestamp();
	return is_new;
}

/*
 * The client's own statement is masked in pg_stat_activity when it is analyzed, before it waits for anything but the locks that
 * this takes, and when it begins to run, which is another message in the extended protocol: the function that takes the
 * secret may be called late.
 */
void
redact_message(void)
{
	if (debug_query_string == NULL || !is_new_message(debug_query_string))
		return;
	if (contains_prefixed(debug_query_string) ||
		((strstr(debug_query_string, "_totp") != NULL || strstr(debug_query_string, "jw") != NULL) && contains_secret(debug_query_string)))
		overwrite_activity();
}

static void
redact_analyzed(ParseState *state, Query *query, JumbleState *jumble)
{
	if (previous_analyze != NULL)
		previous_analyze(state, query, jumble);
	if (state->p_sourcetext == debug_query_string)
		redact_message();
}

void
redact_init(void)
{
	previous_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = redact_analyzed;
	previous_emit_log = emit_log_hook;
	emit_log_hook = redact_log;
}
