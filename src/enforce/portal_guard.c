/* portal_guard.c - portals that have stored rows of protected objects.
 *
 * A command with RETURNING, or a utility command that returns rows (EXECUTE, FETCH, CALL), is run to its end when the first
 * row of its portal is asked for; what is left is read from a store, and no executor is there to be asked. So a portal in which
 * something protected was read or called is noted with the binding, and fails, as PostgreSQL lets portals fail, as soon as
 * the backend is bound otherwise, in whatever way: a SET, a RESET, ROLLBACK TO. While it runs it is left alone: what it
 * returns at once is the business of the statement, which may attach.
 *
 * Whoever reads such a portal may keep what is read: while one has rows, all that runs is noted (executor_guard.c).
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "enforce/portal_guard.h"
#include "identity/binding.h"

typedef struct Noted
{
	Portal		portal;			/* key */
	bool		mixed;			/* under several bindings */
	bool		failed;			/* by us */
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
	noted->mixed = noted->failed = false;
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

/* Lets all fail that are not for the present binding. No errors, no catalog access: settings may be being restored. */
static void
fail_others(void)
{
	HASH_SEQ_STATUS all;
	Noted	   *noted;

	if (!any_noted)
		return;
	hash_seq_init(&all, noted_portals);
	while ((noted = hash_seq_search(&all)) != NULL)
	{
		if (noted->portal->status != PORTAL_READY || (!noted->mixed && binding_is_as(&noted->mark)))
			continue;
		MarkPortalFailed(noted->portal);
		noted->failed = true;
	}
}

/* Whether there are rows to be read under the present binding. Where a statement begins: */
bool
portal_guard_has_rows(void)
{
	HASH_SEQ_STATUS all;
	Noted	   *noted;
	bool		found = false;

	if (!any_noted)
		return false;
	fail_others();
	hash_seq_init(&all, noted_portals);
	while ((noted = hash_seq_search(&all)) != NULL)
		found = found || noted->portal->status == PORTAL_READY;
	return found;
}

/* FETCH as a command can say why there are no rows. */
void
portal_guard_check_fetch(const char *name)
{
	Portal		portal = any_noted ? GetPortalByName(name) : NULL;
	const Noted *noted = portal != NULL ? find(portal) : NULL;

	if (noted != NULL && noted->failed)
		binding_raise_other();
}

void
portal_guard_init(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Portal);
	control.entrysize = sizeof(Noted);
	noted_portals = hash_create("spsa noted portals", 32, &control, HASH_ELEM | HASH_BLOBS);
	binding_set_changed(fail_others);
}
