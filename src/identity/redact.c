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

static emit_log_hook_type previous_emit_log = NULL;

/* Length of the secret that begins here, or 0. */
static size_t
token_length_at(const char *text)
{
	size_t		n = 0;

	if (strncmp(text, TOKEN_PREFIX, TOKEN_PREFIX_LENGTH) != 0)
		return 0;
	while (token_is_body_char(text[TOKEN_PREFIX_LENGTH + n]))
		n++;

	/*
	 * Shorter ones are our own function names; a part of a token is masked as
	 * well.
	 */
	return n >= 32 ? TOKEN_PREFIX_LENGTH + n : 0;
}

static size_t
jwt_length_at(const char *text)
{
	size_t		n = 0;
	int			dots = 0;

	if (strncmp(text, "eyJ", 3) != 0)
		return 0;
	while (token_is_body_char(text[n]) || (text[n] == '.' && dots < 4))
		dots += text[n++] == '.';

	return dots >= 2 ? n : 0;
}

static bool
mask(char *text)
{
	bool		found = false;

	while (text !=NULL && *text !='\0')
	{
		size_t		n = *text == 's' ? token_length_at(text) : *text == 'e' ? jwt_length_at(text) : 0;

		if (n == 0)
			text	  ++;

		else
		{
			memset(text, '*', n);
			text	  +=n;

			found = true;
		}
	}
	return found;
}

static bool
contains_secret(const char *text)
{
	for (const char *c = text; c != NULL && *c != '\0'; c++)
	{
		if ((*c == 's' && token_length_at(c) > 0) || (*c == 'e' && jwt_length_at(c) > 0))
			return true;
	}
	return false;
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
		debug_query_string = masked_copy(debug_query_string);
	if (previous_emit_log != NULL)
		previous_emit_log(entry);
}

/* Overwrites what pg_stat_activity shows of the running statement, if there is a secret in it. */
void
redact_activity(void)
{
	if (contains_secret(debug_query_string))
		pgstat_report_activity(STATE_RUNNING, masked_copy(debug_query_string));
}

void
redact_init(void)
{
	previous_emit_log = emit_log_hook;
	emit_log_hook = redact_log;
}
