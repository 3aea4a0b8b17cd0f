/* binding.c - which session token this backend is bound to: the setting spsa.session_token.
 *
 * PostgreSQL's own treatment of settings makes the binding transactional, savepoint-safe, ended by RESET ALL and DISCARD
 * ALL, and visible in parallel workers.
 *
 * Invariants: no catalog access and no error report in the hooks; a refusal never shows the value. Values come from the
 * session itself only (SET and the attach functions): from files, ALTER ROLE and connection options they would
 * become the value that RESET restores. What the hooks keep of a token is its hash.
 *
 * A binding is void, for good, once a later token was refused (void_serial; ROLLBACK restores the setting but not the
 * authority), and under spsa.require_local_attach once its transaction is over. Workers cannot know that, so the
 * executor guard takes the setting away before a void leader starts any.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "base/compat.h"
#include "base/guc.h"
#include "identity/binding.h"
#include "identity/redact.h"
#include "identity/token.h"

static char *session_token = NULL;	/* owned by the GUC machinery */
static const Binding *bound = NULL; /* likewise: the setting's extra */
static uint64 serial = 0;
static uint64 void_serial = 0;
static uint64 epoch = 1;
static int	held = 0;			/* marked plans that are running */
static bool defining = false;
static const char *known_token = NULL;	/* whose hash is known: */
static const uint8_t *known_hash = NULL;
static bool void_taken = false; /* a void token was taken away, not detached */
static void (*changed_callback) (void) = NULL;

/* What is to happen when the answer of binding_current() may have changed; it raises no errors and looks at no catalog. */
void
binding_set_changed(void (*callback) (void))
{
	changed_callback = callback;
}

static void
note_change(void)
{
	epoch++;
	if (changed_callback != NULL)
		changed_callback();
}

static bool
refuse(int code, const char *message, const char *hint)
{
	GUC_check_errcode(code);
	GUC_check_errmsg("%s", message);
	GUC_check_errhint("%s", hint);
	return false;
}

static bool
check_token(char **newval, void **extra, GucSource source)
{
	Binding    *binding;
	bool		present = *newval != NULL && **newval != '\0';
	uint8_t		hash[CRYPTO_HASH_BYTES];

	if (present && !InitializingParallelWorker)
	{
		redact_activity();
		if (source != PGC_S_SESSION)
			return refuse(ERRCODE_CANT_CHANGE_RUNTIME_PARAM,
						  "parameter \"spsa.session_token\" can only be set in the session itself",
						  "Use spsa_attach() or SET LOCAL.");
	}
	if (present && known_token != NULL && strcmp(*newval, known_token) == 0)
		memcpy(hash, known_hash, sizeof(hash));
	else if (present && !token_hash(*newval, strlen(*newval), hash))
	{
		binding_poison();
		if (!InitializingParallelWorker)
			return refuse(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						  "session is not valid", "Authenticate again to get a new token.");
		present = false;
	}
	if (held > 0 && source == PGC_S_SESSION &&
		(present != (bound != NULL) || (present && !crypto_equal(hash, bound->hash, sizeof(hash)))))
		return refuse(ERRCODE_OBJECT_IN_USE,
					  "cannot change the session while a statement on protected objects is running",
					  "Attach and detach in statements of their own.");
	if (!present)
		return true;

	binding = GUC_EXTRA_ALLOC(sizeof(Binding));
	if (binding == NULL)
		return refuse(ERRCODE_OUT_OF_MEMORY, "out of memory", "Free memory and attach again.");
	binding->serial = ++serial;
	binding->lxid = defining || MyProc == NULL ? InvalidLocalTransactionId : MY_LXID;
	memcpy(binding->hash, hash, sizeof(hash));
	*extra = binding;
	return true;
}

static void
assign_token(const char *newval, void *extra)
{
	bound = extra;
	void_taken = false;
	note_change();
}

static const char *
show_token(void)
{
	return bound != NULL ? "********" : "";
}

BindingState
binding_current(const Binding **binding)
{
	*binding = bound;
	if (bound == NULL)
		return void_taken ? BINDING_VOID : BINDING_NONE;
	if (IsParallelWorker())
		return BINDING_ATTACHED;
	if (bound->serial <= void_serial)
		return BINDING_VOID;

	/*
	 * Something may be logged when a backend that exits is no process of the
	 * server's any more: no transaction, either.
	 */
	if (guc_require_local_attach && (bound->lxid == InvalidLocalTransactionId || MyProc == NULL || bound->lxid != MY_LXID))
		return BINDING_VOID;
	return BINDING_ATTACHED;
}

/* Moves whenever the answer of binding_current() may have changed, save by the end of a transaction. */
uint64
binding_epoch(void)
{
	return epoch;
}

void
binding_mark(BindingMark *mark)
{
	const Binding *binding;

	mark->attached = binding_current(&binding) == BINDING_ATTACHED;
	if (mark->attached)
		memcpy(mark->hash, binding->hash, CRYPTO_HASH_BYTES);
}

/* Whether the binding of now is the one that was marked. */
bool
binding_is_as(const BindingMark *mark)
{
	const Binding *binding;
	bool		attached = binding_current(&binding) == BINDING_ATTACHED;

	return attached == mark->attached && (!attached || crypto_equal(binding->hash, mark->hash, CRYPTO_HASH_BYTES));
}

/* Something that was begun under one binding is to go on under another. */
void
binding_raise_other(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("statement was started under another session"),
			 errhint("Attach the session under which the cursor was opened, or open it again.")));
}

/* local: until the end of the transaction. An empty token detaches. */
void
binding_set(const char *token, bool local)
{
	(void) set_config_option("spsa.session_token", token, PGC_USERSET, PGC_S_SESSION,
							 local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
}

/* The same for a token whose hash is known. */
void
binding_set_known(const char *token, const uint8_t hash[CRYPTO_HASH_BYTES], bool local)
{
	known_token = token;
	known_hash = hash;
	PG_TRY();
	{
		binding_set(token, local);
	}
	PG_FINALLY();
	{
		known_token = NULL;
	}
	PG_END_TRY();
}

/*
 * Whether the setting, as it is now, ends with the transaction: PostgreSQL's own record of what is to be restored says so,
 * however it was set.
 */
bool
binding_is_local(void)
{
	const struct config_generic *setting = GUC_FIND("spsa.session_token");

	return setting != NULL && setting->stack != NULL && setting->stack->state != GUC_SET;
}

/*
 * Before parallel workers start: they see the setting, but not that it is void. For this backend it stays void until it is
 * set or reset.
 */
void
binding_take_void(void)
{
	if (bound == NULL)
		return;
	binding_set("", false);
	void_taken = true;
	note_change();
}

/* Every binding made so far is void from now on, whatever ROLLBACK restores. */
void
binding_poison(void)
{
	void_serial = serial;
	note_change();
}

bool
binding_is_held(void)
{
	return held > 0;
}

/* The same but for the present one, which turned out to be unknown. */
void
binding_poison_earlier(void)
{
	if (bound != NULL && void_serial < bound->serial - 1)
		void_serial = bound->serial - 1;
}

/* While a marked plan runs the binding stands still. */
void
binding_hold(void)
{
	held++;
}

void
binding_release(void)
{
	held--;
}

void
binding_init(void)
{
	defining = true;
	DefineCustomStringVariable("spsa.session_token",
							   "Token of the session that this connection acts for.",
							   "Set by spsa_attach() and spsa_attach_connection().",
							   &session_token, "", PGC_USERSET,
							   GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   check_token, assign_token, show_token);
	defining = false;
}
