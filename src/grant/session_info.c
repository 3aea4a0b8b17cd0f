/* session_info.c - the attached session as JSON. */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "grant/acting.h"

static void
add_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, name);
	appendStringInfoString(json, ": ");
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

static char *
upper_case(const char *text)
{
	char	   *result = pstrdup(text);

	for (char *c = result; *c != '\0'; c++)
		*c = pg_ascii_toupper((unsigned char) *c);
	return result;
}

static TimestampTz
last_used(const SessionEntry *entry)
{
	return entry->idle_timeout > 0 ? Max(entry->last_seen_at, entry->noted_at) : entry->created_at;
}

/* When the session ends if it is not used any more. */
static TimestampTz
ends_at(const SessionEntry *entry)
{
	TimestampTz end = Min(entry->expires_at, entry->ancestors_close_at);

	return entry->idle_timeout > 0 ? Min(end, last_used(entry) + entry->idle_timeout) : end;
}

static void
add_sets(StringInfo json, const SessionEntry *entry)
{
	const char *separator = "";
	ListCell   *cell;

	appendStringInfoString(json, ", \"EffectiveSets\": [");
	foreach(cell, acting_sets(entry))
	{
		appendStringInfoString(json, separator);
		escape_json(json, lfirst(cell));
		separator = ", ";
	}
	appendStringInfoChar(json, ']');
}

/* SQL: spsa_session_info() */
PG_FUNCTION_INFO_V1(spsa_session_info);
Datum
spsa_session_info(PG_FUNCTION_ARGS)
{
	SessionEntry *entry;
	StringInfoData json;
	const char *type;

	AcceptInvalidationMessages();
	if (session_current(&entry) != SESSION_LIVE)
		PG_RETURN_NULL();
	type = entry->actor != NULL ? "SubstituteUser" : entry->has_parent ? "ChildSession" : "Application";
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	add_member(&json, "SessionId", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&entry->session_id))));
	add_member(&json, "UserName", entry->user_name);
	add_member(&json, "SessionType", type);
	add_member(&json, "SessionSecurityLevel", upper_case(entry->security_level));
	add_member(&json, "AuthenticatedDate", audit_time(entry->authenticated_at));
	add_member(&json, "LoginType", entry->login_type);
	add_member(&json, "SourceIp", entry->source_ip);
	add_member(&json, "CreatedDate", audit_time(entry->created_at));
	add_member(&json, "LastModifiedDate", audit_time(last_used(entry)));
	add_member(&json, "ParentId", entry->has_parent ?
			   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&entry->parent_id))) : NULL);
	appendStringInfo(&json, ", \"NumSecondsValid\": " INT64_FORMAT,
					 (int64) ((ends_at(entry) - GetCurrentTimestamp()) / USECS_PER_SEC));
	add_sets(&json, entry);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}
