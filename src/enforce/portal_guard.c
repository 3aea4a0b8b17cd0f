/* portal_guard.c - portals that have stored rows of protected objects.
 *
 * A command with RETURNING, or a utility command that returns rows (EXECUTE, FETCH, CALL), is run to its end when the first
 * row of its portal is asked for; what is left is read from a store, and no executor is there to be asked. So a portal in which
 * something protected was read or called is noted with the binding, and cannot be run any more, like one that is done, as soon as
 * the backend is bound otherwise, in whatever way: a SET, a RESET, ROLLBACK TO. (It has not failed: the locks that it has taken
 * last until the end of the transaction.) While it runs it is left alone: what it returns at once is the business of the
 * statement, which may attach.
 *
 * Whoever reads such a portal may keep what is read: while one has rows, all that runs is noted (executor_guard.c).
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "enforce/portal_guard.h"
#include "identity/binding.h"

typedef struct Noted
{
	Portal		portal;			/* key */
	bool		mixed;			/* under several bindings */
	bool		closed;			/* by us */
	BindingMark mark;
} Noted;

static HTAB *noted_portals = NULL;
static bool any_noted = false;

static Noted *
find(Portal portal)
{
	return any_noted ? hash_search(noted_portals, &portal, HASH_FIND, NULL) : NULL;
}

static void
forget(void *portal)
{
	(void) hash_search(noted_portals, &portal, HASH_REMOVE, NULL);
	any_noted = hash_get_num_entries(noted_portals) > 0;
}

static void
remember(Portal portal)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(portal->portalContext, sizeof(MemoryContextCallback));
	Noted	   *noted = hash_search(noted_portals, &portal, HASH_ENTER, NULL);

	any_noted = true;
	noted->mixed = noted->closed = false;
	binding_mark(&noted->mark);
	callback->func = forget;
	callback->arg = portal;
	MemoryContextRegisterResetCallback(portal->portalContext, callback);
}

/* Something protected is read or called in what a portal runs; NULL: none. Others run as their rows are asked for. */
void
portal_guard_note(Portal portal)
{
	Noted	   *noted;

	if (portal == NULL || portal->strategy == PORTAL_ONE_SELECT || portal->strategy == PORTAL_MULTI_QUERY)
		return;
	noted = find(portal);
	if (noted == NULL)
		remember(portal);
	else if (!binding_is_as(&noted->mark))
		noted->mixed = true;
}

/* Those that can be read, or read once more. */
static bool
has_rows(const Noted *noted)
{
	return noted->portal->status == PORTAL_READY &&
		!(noted->portal->atEnd && (noted->portal->cursorOptions & CURSOR_OPT_NO_SCROLL) != 0);
}

/*
 * Closes all, or those that are not for the present binding; true if others have rows. No errors, no catalog access: settings
 * may be being restored.
 */
static bool
close_noted(bool all)
{
	HASH_SEQ_STATUS scan;
	Noted	   *noted;
	bool		left = false;

	if (!any_noted)
		return false;
	hash_seq_init(&scan, noted_portals);
	while ((noted = hash_seq_search(&scan)) != NULL)
	{
		if (!has_rows(noted))
			continue;
		noted->closed = all || noted->mixed || !binding_is_as(&noted->mark);
		if (noted->closed)
			noted->portal->status = PORTAL_DONE;
		else
			left = true;
	}
	return left;
}

static void
binding_changed(void)
{
	(void) close_noted(false);
}

/* Whether there are rows to be read under the present binding. Where a statement begins: */
bool
portal_guard_has_rows(void)
{
	return close_noted(false);
}

void
portal_guard_close_all(void)
{
	(void) close_noted(true);
}

/* FETCH as a command can say why there are no rows. */
void
portal_guard_check_fetch(const char *name)
{
	Portal		portal = any_noted ? GetPortalByName(name) : NULL;
	const Noted *noted = portal != NULL ? find(portal) : NULL;

	if (noted != NULL && noted->closed)
		binding_raise_other();
}

void
portal_guard_init(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Portal);
	control.entrysize = sizeof(Noted);
	noted_portals = hash_create("spsa noted portals", 32, &control, HASH_ELEM | HASH_BLOBS);
	binding_set_changed(binding_changed);
}
