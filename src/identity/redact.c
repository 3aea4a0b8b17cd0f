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

/* Shorter ones are our own function names; a part of a token is masked as well. */
static bool
scan_tokens(char *text, bool change)
{
	bool		found = false;

	while ((text = strstr(text, TOKEN_PREFIX)) !=NULL)
	{
		size_t		n = TOKEN_PREFIX_LENGTH;

		while (token_is_body_char(text[n]))
			n++;
		if (n < TOKEN_PREFIX_LENGTH + MIN_TOKEN_BODY)
		{
			/* Nothing that begins in here is longer. */
			text	  +=n;

			continue;
		}
		if (!change)
			return true;
		memset(text, '*', n);
		text	  +=n;

		found = true;
	}
	return found;
}

static bool
scan_jwts(char *text, bool change)
{
	bool		found = false;

	while ((text = strstr(text, "eyJ")) !=NULL)
	{
		size_t		n = 0;
		int			dots = 0;

		while (token_is_body_char(text[n]) || (text[n] == '.' && dots < 4))
			dots += text[n++] == '.';

		if (dots >= 2)
		{
			if (!change)
				return true;
			memset(text, '*', n);
			found = true;
		}
		text	  +=n;
	}
	return found;
}

static void
mask(char *text)
{
	if (text == NULL)
		return;
	scan_tokens(text, true);
	scan_jwts(text, true);
}

static bool
contains_secret(const char *text)
{
	return text !=NULL && (scan_tokens(unconstify(char *, text), false) || scan_jwts(unconstify(char *, text), false));
}

/* A masked copy that stays until the next one; no error may leave an error report, so no palloc. */
static const char *
masked_copy(const char *text)
{
	static char *copy = NULL;
	char	   *fresh = strdup(text);

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
	mask(entry->message);
	mask(entry->detail);
	mask(entry->detail_log);
	mask(entry->hint);
	mask(entry->context);
	mask(entry->internalquery);
	mask(entry->backtrace);
	if (contains_secret(debug_query_string))
	{
		/* A statement may fail before any function of ours has looked at it. */
		redact_activity();
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
