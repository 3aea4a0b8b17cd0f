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
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"

static AuditActor actor_source = NULL;

/* The role of SET ROLE, if there is one; database_role is who has logged in. */
#define SET_ROLE(parameter) \
	"CASE WHEN " parameter " IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('set_role', " parameter ") END"

void
audit_set_actor(AuditActor actor)
{
	actor_source = actor;
}

static void
text_argument(Datum *values, bool *nulls, int n, const char *text)
{
	nulls[n] = text == NULL;
	values[n] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
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
	text_argument(values, nulls, Anum_audit_event_actor - 1, actor_source != NULL ? actor_source() : NULL);
	text_argument(values, nulls, Anum_audit_event_database_role - 1, GetUserNameFromId(GetSessionUserId(), false));
	values[Anum_audit_event_detail - 1] = detail_value(event->detail);
	table_insert("audit_event", AUDIT_EVENT_COLUMNS, values, nulls);
}

/* Names of the user and the set that a changed row speaks of, as far as it does. */
#define CHANGE_SQL \
	"INSERT INTO spsa.audit_event (event, session_id, user_name, set_name, actor, database_role, detail)" \
	" SELECT $1," \
	" (r.j->>'session_id')::pg_catalog.uuid, COALESCE(r.j->>'user_name', (SELECT u.user_name FROM spsa.app_user u WHERE u.user_id = (r.j->>'user_id')::pg_catalog.int8))," \
	" COALESCE(r.j->>'set_name', (SELECT s.set_name FROM spsa.permission_set s WHERE s.set_id = COALESCE(r.j->>'set_id', r.j->>'group_id')::pg_catalog.int4))," \
	" $2, $3, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('old', pg_catalog.to_jsonb($4), 'new', pg_catalog.to_jsonb($5)))" \
	" || " SET_ROLE("$6") \
	" FROM (SELECT COALESCE(pg_catalog.to_jsonb($5), pg_catalog.to_jsonb($4), '{}') AS j) r"

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
	Oid			types[6] = {TEXTOID, TEXTOID, TEXTOID, row_type, row_type, TEXTOID};
	Datum		values[6];
	bool		nulls[6] = {false};
	char		flags[6];

	text_argument(values, nulls, 0, event);
	text_argument(values, nulls, 1, actor_source != NULL ? actor_source() : NULL);
	text_argument(values, nulls, 2, GetUserNameFromId(GetSessionUserId(), false));
	text_argument(values, nulls, 5, set_role());
	values[3] = row_datum(old_row, RelationGetDescr(relation));
	nulls[3] = old_row == NULL;
	values[4] = row_datum(new_row, RelationGetDescr(relation));
	nulls[4] = new_row == NULL;
	for (int i = 0; i < 6; i++)
		flags[i] = nulls[i] ? 'n' : ' ';
	if (SPI_execute_with_args(CHANGE_SQL, 6, types, values, flags, false, 0) != SPI_OK_INSERT)
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
