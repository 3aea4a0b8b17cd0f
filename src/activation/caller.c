/* caller.c - who asks for something about activations, and for which session.
 *
 * Invariant: a session that is none of the caller's and one that does not exist are the same error.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "activation/activate.h"
#include "base/guc.h"
#include "grant/effective.h"
#include "identity/session.h"

/* A session, if the caller may manage its activations. */
SessionEntry *
activation_session(const pg_uuid_t *session_id, AclMode privilege)
{
	SessionEntry *entry;

	AcceptInvalidationMessages();
	if (session_current(&entry) == SESSION_LIVE && effective_authority(entry, PERMISSION_MANAGE_ACTIVATIONS))
		entry = session_find(session_id);
	else
		entry = session_permitted(session_id, "activation", privilege);
	if (entry == NULL)
		session_raise_invalid();
	return entry;
}

/* The session that an argument means, if the caller may manage it. */
SessionEntry *
activation_session_argument(FunctionCallInfo fcinfo, int argument, AclMode privilege)
{
	if (PG_ARGISNULL(argument))
	{
		(void) session_require();
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("session must not be null")));
	}
	return activation_session(PG_GETARG_UUID_P(argument), privilege);
}

/* Identifier of a set, or a group, that is assigned to the session's user, or 0. */
static int32
find_assigned(const SessionEntry *entry, const char *name)
{
	ListCell   *cell;

	foreach(cell, ((const Grants *) entry->grants)->sets)
	{
		const SetState *set = lfirst(cell);

		if (strcmp(set->definition->name, name) == 0)
			return set->set_id;
	}
	return 0;
}

/* A set by its name; most are those of the session, if one is concerned. */
int32
activation_set_named(const char *name, const SessionEntry *entry)
{
	int32		set_id = entry == NULL ? 0 : find_assigned(entry, name);

	if (set_id == 0)
		set_id = definition_find_set(name);
	if (set_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("permission set \"%s\" does not exist", name)));
	return set_id;
}

/* The same for an argument. */
int32
activation_set_argument(FunctionCallInfo fcinfo, int argument, const SessionEntry *entry)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("permission set name must not be null")));
	return activation_set_named(text_to_cstring(PG_GETARG_TEXT_PP(argument)), entry);
}

/*
 * Who activates for a session: whoever acts for the same user, in this session or another one, is no manager, nor is that
 * user in a session in which it acts as somebody else. The entry is found anew.
 */
ActivationActor
activation_actor(SessionEntry **entry)
{
	pg_uuid_t	session_id = (*entry)->session_id;
	int64		user_id = (*entry)->user_id;
	char	   *user_name = pstrdup((*entry)->user_name);
	SessionEntry *mine;
	bool		own = session_current(&mine) == SESSION_LIVE &&
	(mine->user_id == user_id || (mine->actor != NULL && strcmp(mine->actor, user_name) == 0));

	*entry = session_find(&session_id);
	if (*entry == NULL)
		session_raise_invalid();
	/* Nor is a test a manager. */
	return own || session_is_test() ? ACTOR_SELF : ACTOR_MANAGER;
}

/* Name of who acts: the user of the attached session, or whoever acts as that user; NULL without a session. */
char *
activation_person(void)
{
	SessionEntry *entry;

	if (session_current(&entry) != SESSION_LIVE)
		return NULL;
	return pstrdup(entry->actor != NULL ? entry->actor : entry->user_name);
}

/* The attached session, or NULL for whoever needs none; an error for others, as on protected tables. */
SessionEntry *
activation_reading_session(bool administrator)
{
	SessionEntry *entry;

	AcceptInvalidationMessages();
	switch (session_current(&entry))
	{
		case SESSION_LIVE:
			return entry;
		case SESSION_OVER:
			if (!administrator)
				session_raise_invalid();
			break;
		case SESSION_NONE:
			if (!administrator && guc_require_session)
				session_raise_missing();
			break;
	}
	return NULL;
}

/* What somebody has to say, or NULL. */
char *
activation_text_argument(FunctionCallInfo fcinfo, int argument, const char *what)
{
	char	   *value;

	if (PG_ARGISNULL(argument))
		return NULL;
	value = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (strlen(value) > ACTIVATION_MAX_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s is longer than %d bytes", what, ACTIVATION_MAX_TEXT)));
	return value;
}

/* Whether it says nothing. */
bool
activation_is_blank(const char *value)
{
	return value == NULL || value[strspn(value, " \t\r\n\f\v")] == '\0';
}
