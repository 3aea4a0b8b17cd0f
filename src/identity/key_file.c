/* key_file.c - reading the file of encryption keys, spsa.encryption_key_file.
 *
 * Invariants: it is read whenever a key is needed, so that it can be changed without a restart and no key stays in memory. A
 * file that others than the server can read or write is refused, as PostgreSQL refuses such a key of SSL. What is wrong with
 * it goes to the log; whoever asked learns that it is not usable. What was read is wiped.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "base/guc.h"
#include "identity/key_file.h"

static void
refuse(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 errmsg("the file of encryption keys cannot be used"),
			 errdetail_log("File \"%s\": %s.", guc_encryption_key_file, reason),
			 errhint("The server log says why.")));
}

/* What is wrong with a file that is open, or NULL. */
static const char *
fault(int file, size_t *size)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		return psprintf("%s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return "it is not a regular file";
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return "it must be owned by the server's user or by root";
	if (status.st_uid == geteuid() ? (status.st_mode & (S_IRWXG | S_IRWXO)) != 0 :
		(status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
		return "it has group or world access; its permissions must be u=rw (0600) or less, or u=rw,g=r (0640) if root owns it";
	if (status.st_size > KEYRING_MAX_SIZE)
		return psprintf("it has more than %d bytes", KEYRING_MAX_SIZE);
	*size = (size_t) status.st_size;
	return NULL;
}

/* The bytes that are there, up to a size; -1: an error. */
static ssize_t
read_all(int file, char *text, size_t size)
{
	size_t		n = 0;

	while (n < size)
	{
		ssize_t		more = read(file, text +n, size - n);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -1;
		if (more == 0)
			break;
		n += (size_t) more;
	}
	return (ssize_t) n;
}

static bool
is_configured(void)
{
	return guc_encryption_key_file != NULL && guc_encryption_key_file[0] != '\0';
}

/* The key of a name, or the current one if that is NULL; if it is not to be had, why. */
static const char *
find_key(const char *key_id, KeyringKey *key)
{
	char text[	KEYRING_MAX_SIZE];
	KeyringAnswer answer = KEYRING_MISSING;
	const char *reason = NULL;
	size_t		size = 0;
	ssize_t		n;
	int			line = 0;
	int			file;

	/* O_NONBLOCK: nobody should wait for a pipe. */
	file = OpenTransientFile(guc_encryption_key_file, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (file < 0)
		return pstrdup(strerror(errno));
	reason = fault(file, &size);
	if (reason == NULL)
	{
		n = read_all(file, text, size);
		if (n < 0)
			reason = pstrdup(strerror(errno));
		else
			answer = keyring_find(text, (size_t) n, key_id, key, &line);
		explicit_bzero(text, sizeof(text));
	}
	CloseTransientFile(file);
	if (reason == NULL && answer == KEYRING_MALFORMED)
		reason = psprintf("line %d is not \"key_id:64 hexadecimal digits\", names a key again, or is one too many", line);
	if (reason == NULL && answer == KEYRING_MISSING)
		reason = key_id == NULL ? "it has no key" : psprintf("it has no key \"%s\"", key_id);
	return reason;
}

/* The same; an error if there is none. */
void
key_file_read(const char *key_id, KeyringKey *key)
{
	const char *reason;

	if (!is_configured())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("second factors need a file of encryption keys"),
				 errhint("The server's administrator names one in spsa.encryption_key_file.")));
	reason = find_key(key_id, key);
	if (reason != NULL)
		refuse(reason);
}

/* What is told of a file of the server's is for superusers. SQL: spsa.key_file_fault(text) */
PG_FUNCTION_INFO_V1(spsa_key_file_fault);
Datum
spsa_key_file_fault(PG_FUNCTION_ARGS)
{
	const char *key_id = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *reason = NULL;
	KeyringKey	key;

	if (!superuser())
		PG_RETURN_NULL();
	if (is_configured())
		reason = find_key(key_id, &key);
	else if (key_id != NULL)
		reason = "there is none";
	explicit_bzero(&key, sizeof(key));
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}
