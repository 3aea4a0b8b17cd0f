/* redact.c - keeping tokens out of logs and of pg_stat_activity.
 *
 * Invariant 8. Applications should send tokens as bind parameters; what is written into a statement, or logged as a
 * parameter, is masked here: every text of a log entry that looks like a token or like a JWT, in place, and the
 * statement that the entry quotes. This works in backends that have loaded the library; preloaded, in all.
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
 * Both searches are linear whatever the text: where there is no secret after all, what was looked at is skipped as far as
 * none can begin in it.
 */

/*
 * Tokens that were masked last. A token that is written without quotes is taken apart by the parser, whose message then
 * shows a part of it.
 */
#define KEPT_TOKENS 16
#define KEPT_LENGTH 127
#define MIN_FRAGMENT 6

static char kept[KEPT_TOKENS][KEPT_LENGTH + 1];
static int	next_kept = 0;

static void
keep(const char *token, size_t n)
{
	strlcpy(kept[next_kept], token, Min(n, KEPT_LENGTH) + 1);
	next_kept = (next_kept + 1) % KEPT_TOKENS;
}

static bool
is_fragment(const char *string, size_t n)
{
	if (n < MIN_FRAGMENT || n > KEPT_LENGTH)
		return false;
	for (int i = 0; i < KEPT_TOKENS; i++)
	{
		size_t		length = strlen(kept[i]);

		for (size_t j = 0; j + n <= length; j++)
		{
			if (memcmp(kept[i] + j, string, n) == 0)
				return true;
		}
	}
	return false;
}

static void
mask_fragments(char *string)
{
	while (string != NULL && *string != '\0')
	{
		size_t		n = 0;

		while (token_is_body_char(string[n]))
			n++;
		if (is_fragment(string, n))
			memset(string, '*', n);
		string += n > 0 ? n : 1;
	}
}

/* Shorter ones are our own function names; a part of a token is masked as well. */
static bool
scan_tokens(char *string, bool change)
{
	bool		found = false;

	for (string = strstr(string, TOKEN_PREFIX); string != NULL; string = strstr(string, TOKEN_PREFIX))
	{
		size_t		n = TOKEN_PREFIX_LENGTH;

		while (token_is_body_char(string[n]))
			n++;
		if (n >= TOKEN_PREFIX_LENGTH + MIN_TOKEN_BODY)
		{
			if (!change)
				return true;
			keep(string, n);
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

	for (string = strstr(string, "eyJ"); string != NULL; string = strstr(string, "eyJ"))
	{
		size_t		n = 0;
		int			dots = 0;

		while (token_is_body_char(string[n]) || (string[n] == '.' && dots < 4))
			dots += string[n++] == '.';
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

static void
mask(char *string)
{
	if (string == NULL)
		return;
	scan_tokens(string, true);
	scan_jwts(string, true);
}

static bool
contains_secret(const char *string)
{
	return string != NULL &&
		(scan_tokens(unconstify(char *, string), false) || scan_jwts(unconstify(char *, string), false));
}

/* A masked copy that stays until the next one; no error may leave an error report, so no palloc. */
static const char *
masked_copy(const char *string)
{
	static char *copy = NULL;
	char	   *fresh = strdup(string);

	free(copy);
	copy = fresh;
	if (copy == NULL)
		return "(statement hidden)";
	mask(copy);
	return copy;
}

/* Overwrites what pg_stat_activity shows of the running statement, if there is a secret in it. */
void
redact_activity(void)
{
	if (contains_secret(debug_query_string))
		pgstat_report_activity(STATE_RUNNING, masked_copy(debug_query_string));
}

static void
redact_log(ErrorData *entry)
{
	if (contains_secret(debug_query_string))
	{
		/* A statement may fail before any function of ours has looked at it. */
		redact_activity();
		debug_query_string = masked_copy(debug_query_string);
	}
	mask(entry->message);
	mask(entry->detail);
	mask(entry->detail_log);
	mask(entry->hint);
	mask(entry->context);
	mask(entry->internalquery);
	mask(entry->backtrace);
	mask_fragments(entry->message);
	if (previous_emit_log != NULL)
		previous_emit_log(entry);
}

void
redact_init(void)
{
	previous_emit_log = emit_log_hook;
	emit_log_hook = redact_log;
}
