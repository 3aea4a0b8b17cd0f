/* audit.c - the history of changes of authority: rows of spsa.audit_event.
 *
 * Invariant 9: every change leaves its row in the same transaction. Configuration tables do so by trigger, whoever
 * changes them; sessions and activations by audit_record(), and by trigger where somebody writes to their tables directly.
 * No token and no hash ever gets here.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"

static AuditActorSource actor_source = NULL;

/* The role of SET ROLE, if there is one; database_role is who has logged in. */
#define SET_ROLE(parameter) \
	"CASE WHEN " parameter " IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('set_role', " parameter ") END"

void
audit_set_actor(AuditActorSource source)
{
	actor_source = source;
}

/* Who acts: for events whose change is made before they are recorded, and may change what is in effect. */
void
audit_actor(AuditActor *actor)
{
	memset(actor, 0, sizeof(*actor));
	if (actor_source != NULL)
		actor_source(actor);
}

static void
text_argument(Datum *values, bool *nulls, int n, const char *text)
{
	nulls[n] = text == NULL;
	values[n] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Of the client; NULL: it has none. It is looked up once. */
static Datum
client_address(bool *isnull)
{
	static inet *address = NULL;
	static bool known = false;

	if (!known)
	{
		LOCAL_FCINFO(fcinfo, 0);
		Datum		value;

		InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
		value = inet_client_addr(fcinfo);
		if (!fcinfo->isnull)
			address = memcpy(MemoryContextAlloc(TopMemoryContext, VARSIZE_ANY(value)), DatumGetPointer(value), VARSIZE_ANY(value));
		known = true;
	}
	*isnull = address == NULL;
	return PointerGetDatum(address);
}

/* The columns of the table from actor to active_sets. */
#define ORIGIN_COLUMNS 6
#define ORIGIN_COLUMN(name) (Anum_audit_event_##name - Anum_audit_event_actor)

static void
fill_origin(const AuditActor *actor, Datum *values, bool *nulls)
{
	AuditActor	now;

	if (actor == NULL)
	{
		audit_actor(&now);
		actor = &now;
	}
	text_argument(values, nulls, ORIGIN_COLUMN(actor), actor->name);
	nulls[ORIGIN_COLUMN(actor_session_id)] = actor->session_id == NULL;
	values[ORIGIN_COLUMN(actor_session_id)] = UUIDPGetDatum(actor->session_id);
	text_argument(values, nulls, ORIGIN_COLUMN(database_role), GetUserNameFromId(GetSessionUserId(), false));
	values[ORIGIN_COLUMN(client_address)] = client_address(&nulls[ORIGIN_COLUMN(client_address)]);
	text_argument(values, nulls, ORIGIN_COLUMN(application_name), actor->application_name);
	nulls[ORIGIN_COLUMN(active_sets)] = actor->active_sets == NULL;
	values[ORIGIN_COLUMN(active_sets)] = PointerGetDatum(actor->active_sets);
}

static char *
set_role(void)
{
	return GetOuterUserId() == GetSessionUserId() ? NULL : GetUserNameFromId(GetOuterUserId(), false);
}

static Datum
detail_value(const char *detail)
{
	const char *role = set_role();
	Datum		value = DirectFunctionCall1(jsonb_in, CStringGetDatum(detail == NULL ? "{}" : detail));
	StringInfoData more;

	if (role == NULL)
		return value;
	initStringInfo(&more);
	appendStringInfoString(&more, "{\"set_role\": ");
	escape_json(&more, role);
	appendStringInfoChar(&more, '}');
	return DirectFunctionCall2(jsonb_concat, value, DirectFunctionCall1(jsonb_in, CStringGetDatum(more.data)));
}

/* Between owner_begin() and owner_end(). */
void
audit_record(const AuditEvent *event)
{
	Datum		values[AUDIT_EVENT_COLUMNS] = {0};
	bool		nulls[AUDIT_EVENT_COLUMNS] = {false};

	values[Anum_audit_event_event_id - 1] = Int64GetDatum(nextval_internal(table_oid("audit_event_id_seq"), false));
	values[Anum_audit_event_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	text_argument(values, nulls, Anum_audit_event_event - 1, event->event);
	nulls[Anum_audit_event_session_id - 1] = event->session_id == NULL;
	values[Anum_audit_event_session_id - 1] = UUIDPGetDatum(event->session_id);
	text_argument(values, nulls, Anum_audit_event_user_name - 1, event->user_name);
	text_argument(values, nulls, Anum_audit_event_set_name - 1, event->set_name);
	fill_origin(event->actor, values + Anum_audit_event_actor - 1, nulls + Anum_audit_event_actor - 1);
	values[Anum_audit_event_detail - 1] = detail_value(event->detail);
	table_insert("audit_event", AUDIT_EVENT_COLUMNS, values, nulls);
}

/* Names of the user and the set that a changed row speaks of, as far as it does. */
#define CHANGE_SQL \
	"INSERT INTO spsa.audit_event (event, session_id, user_name, set_name, actor, actor_session_id, database_role," \
	" client_address, application_name, active_sets, detail)" \
	" SELECT $1," \
	" (r.j->>'session_id')::pg_catalog.uuid, COALESCE(r.j->>'user_name', (SELECT u.user_name FROM spsa.app_user u WHERE u.user_id = (r.j->>'user_id')::pg_catalog.int8))," \
	" COALESCE(r.j->>'set_name', (SELECT s.set_name FROM spsa.permission_set s WHERE s.set_id = COALESCE(r.j->>'set_id', r.j->>'group_id')::pg_catalog.int4))," \
	" $2, $3, $4, $5, $6, $7," \
	" pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('old', pg_catalog.to_jsonb($8), 'new', pg_catalog.to_jsonb($9)))" \
	" || " SET_ROLE("$10") \
	" FROM (SELECT COALESCE(pg_catalog.to_jsonb($9), pg_catalog.to_jsonb($8), '{}') AS j) r"

/* Its parameters: event, origin, rows, role. */
enum
{
	CHANGE_EVENT,
	CHANGE_ORIGIN,
	CHANGE_OLD = CHANGE_ORIGIN + ORIGIN_COLUMNS,
	CHANGE_NEW,
	CHANGE_ROLE,
	CHANGE_PARAMETERS
};

/* A key set without its secrets (RFC 7518, section 6.4). */
static Datum
without_secrets(Datum jwks)
{
	JsonbIterator *i = JsonbIteratorInit(&DatumGetJsonbP(jwks)->root);
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&i, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY && value.val.string.len == 1 && value.val.string.val[0] == 'k')
			(void) JsonbIteratorNext(&i, &value, true);
		else
			result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &value : NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(result));
}

/*
 * Without what must not be told: the hash of a session's token, the sealed secret of a second factor, the secrets of an issuer
 * and what is computed from them. (The
 * value of a parameter may be shown by whatever explains statements.)
 */
static Datum
row_datum(HeapTuple row, TupleDesc desc)
{
	static const char *const hidden[] = {"token_hash", "key_digests", "secret", "jwks"};

	if (row == NULL)
		return (Datum) 0;
	for (int i = 0; i < lengthof(hidden); i++)
	{
		int			column = SPI_fnumber(desc, hidden[i]);
		bool		isnull = true;
		Datum		value = column > 0 ? heap_getattr(row, column, desc, &isnull) : (Datum) 0;

		if (isnull)
			continue;
		isnull = strcmp(hidden[i], "jwks") != 0;
		value = isnull ? (Datum) 0 : without_secrets(value);
		row = heap_modify_tuple_by_cols(row, desc, 1, &column, &value, &isnull);
	}
	return heap_copy_tuple_as_datum(row, desc);
}

static void
record_change(const char *event, Relation relation, HeapTuple old_row, HeapTuple new_row)
{
	Oid			row_type = relation->rd_rel->reltype;
	Oid			types[CHANGE_PARAMETERS] = {
		TEXTOID, TEXTOID, UUIDOID, TEXTOID, INETOID, TEXTOID, TEXTARRAYOID, row_type, row_type, TEXTOID
	};
	Datum		values[CHANGE_PARAMETERS];
	bool		nulls[CHANGE_PARAMETERS] = {false};
	char		flags[CHANGE_PARAMETERS];

	text_argument(values, nulls, CHANGE_EVENT, event);
	fill_origin(NULL, values + CHANGE_ORIGIN, nulls + CHANGE_ORIGIN);
	text_argument(values, nulls, CHANGE_ROLE, set_role());
	values[CHANGE_OLD] = row_datum(old_row, RelationGetDescr(relation));
	nulls[CHANGE_OLD] = old_row == NULL;
	values[CHANGE_NEW] = row_datum(new_row, RelationGetDescr(relation));
	nulls[CHANGE_NEW] = new_row == NULL;
	for (int i = 0; i < CHANGE_PARAMETERS; i++)
		flags[i] = nulls[i] ? 'n' : ' ';
	if (SPI_execute_with_args(CHANGE_SQL, CHANGE_PARAMETERS, types, values, flags, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write the audit event of \"%s\"", event);
}

/* SQL: spsa.audit_change() */
PG_FUNCTION_INFO_V1(spsa_audit_change);
Datum
spsa_audit_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TriggerEvent what;
	HeapTuple	old_row = NULL;
	HeapTuple	new_row = NULL;
	const char *verb;
	OwnerState	state;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	what = trigger->tg_event;
	if (trigger->tg_trigger->tgnargs > 0 && owner_is_active())
		return PointerGetDatum(NULL);
	verb = TRIGGER_FIRED_BY_INSERT(what) ? "insert" : TRIGGER_FIRED_BY_UPDATE(what) ? "update" :
		TRIGGER_FIRED_BY_DELETE(what) ? "delete" : "truncate";
	if (TRIGGER_FIRED_FOR_ROW(what))
	{
		old_row = TRIGGER_FIRED_BY_INSERT(what) ? NULL : trigger->tg_trigtuple;
		new_row = TRIGGER_FIRED_BY_INSERT(what) ? trigger->tg_trigtuple :
			TRIGGER_FIRED_BY_UPDATE(what) ? trigger->tg_newtuple : NULL;
	}
	owner_begin(&state);
	record_change(psprintf("%s_%s", RelationGetRelationName(trigger->tg_relation), verb),
				  trigger->tg_relation, old_row, new_row);
	owner_end(&state);
	return PointerGetDatum(NULL);
}

/* A time as it stands in details: ISO 8601, UTC, whatever the settings of the caller. */
char *
audit_time(TimestampTz when)
{
	int			utc = 0;

	return JsonEncodeDateTime(palloc(MAXDATELEN + 1), TimestampTzGetDatum(when), TIMESTAMPTZOID, &utc);
}
