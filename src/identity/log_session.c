/* log_session.c - user and session on every line that the server logs: spsa.log_session.
 *
 * The line is added to the detail that is meant for the log alone (errdetail_log()), so that the client is sent what it is
 * sent without it, and the message stays as others expect it (pgaudit's, for one, is read by programs).
 *
 * Invariant: this may run anywhere, also where an error is being reported and in a critical section: no table is read,
 * nothing is loaded, and without memory the entry is logged as it is. What the backend keeps of the session is all that it
 * knows. Names cannot forge lines: they are escaped as in JSON.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/guc.h"
#include "identity/binding.h"
#include "identity/log_session.h"
#include "identity/session.h"

static emit_log_hook_type previous_emit_log = NULL;

/* A text as a JSON string, cut short if it is long. */
static size_t
add_name(char *line, size_t used, const char *key, const char *name)
{
	int			len = pg_mbcliplen(name, strlen(name), NAMEDATALEN * 2);

	used += snprintf(line + used, LOG_SESSION_SIZE - used, " %s=\"", key);
	for (int i = 0; i < len; i++)
	{
		unsigned char c = name[i];

		if (c == '"' || c == '\\')
			line[used++] = '\\';
		if (c < ' ' || c == 0x7f)
			used += snprintf(line + used, LOG_SESSION_SIZE - used, "\\u%04x", c);
		else
			line[used++] = c;
	}
	line[used++] = '"';
	return used;
}

/* The line that names a session, NULL: one that is not known; its length. */
static size_t
write_line(char *line, const SessionEntry *entry)
{
	size_t		used = snprintf(line, LOG_SESSION_SIZE, LOG_SESSION_PREFIX);

	if (entry == NULL)
		return used + snprintf(line + used, LOG_SESSION_SIZE - used, " session=unknown");
	used = add_name(line, used, "user", entry->user_name);
	used += snprintf(line + used, LOG_SESSION_SIZE - used, " session=");
	for (int i = 0; i < UUID_LEN; i++)
		used += snprintf(line + used, LOG_SESSION_SIZE - used, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
						 entry->session_id.data[i]);
	if (entry->actor != NULL)
		used = add_name(line, used, "actor", entry->actor);
	line[used] = '\0';
	return used;
}

/* The line that names the attached session, and its length: 0, there is none. */
static size_t
attached_line(char *line)
{
	const Binding *binding;

	return binding_current(&binding) == BINDING_ATTACHED ? write_line(line, session_peek(binding->hash)) : 0;
}

/* The same for whoever is refused something: the session of that token, or (NULL) the attached one. False: there is none. */
bool
log_session_line(const uint8_t *hash, char line[LOG_SESSION_SIZE])
{
	const SessionEntry *entry;

	if (hash == NULL)
		return attached_line(line) > 0;
	entry = session_peek(hash);
	return entry != NULL && write_line(line, entry) > 0;
}

/* Entries about refusals name the session whether or not all are to. */
static bool
has_line(const ErrorData *log)
{
	return log->detail_log != NULL && strncmp(log->detail_log, LOG_SESSION_PREFIX " ", strlen(LOG_SESSION_PREFIX " ")) == 0;
}

static void
log_session(ErrorData *log)
{
	char		line[LOG_SESSION_SIZE];
	size_t		used = guc_log_session && !has_line(log) ? attached_line(line) : 0;

	if (used > 0)
	{
		const char *before = log->detail_log != NULL ? log->detail_log : log->detail;
		size_t		before_len = before == NULL ? 0 : strlen(before);
		char	   *detail;

		detail = MemoryContextAllocExtended(CurrentMemoryContext, before_len + used + 2, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
		if (detail != NULL)
		{
			if (before_len > 0)
			{
				memcpy(detail, before, before_len);
				detail[before_len++] = '\n';
			}
			memcpy(detail + before_len, line, used);
			detail[before_len + used] = '\0';
			log->detail_log = detail;
		}
	}
	if (previous_emit_log != NULL)
		previous_emit_log(log);
}

void
log_session_init(void)
{
	previous_emit_log = emit_log_hook;
	emit_log_hook = log_session;
}
