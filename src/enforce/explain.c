/* explain.c - spsa_explain(): why something is allowed, or is not, and what would help.
 *
 * Invariants: what is said is what the engine has worked out (grant/effective.c, grant/shape.c, row_policy.c); nothing is
 * decided here, and nothing is kept. A session is told about itself alone; of other users and sessions, and of sets that are
 * not assigned, those who may read the tables that say so, and sessions with the custom permission view_setup. Everybody else
 * is refused in the same way, whatever exists. What was told to one session is not fetched by another.
 *
 * Memory: everything is in a context of the call's own.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "base/table.h"
#include "enforce/executor_guard.h"
#include "enforce/explain.h"
#include "enforce/object_guard.h"
#include "enforce/permission_policy.h"
#include "enforce/row_policy.h"

/* Arguments by number. */
enum
{
	ARGUMENT_OBJECT, ARGUMENT_PRIVILEGE, ARGUMENT_FIELD, ARGUMENT_USER, ARGUMENT_SESSION, ARGUMENT_ROW
};

/* ---- what is asked ---- */

static void
read_question(FunctionCallInfo fcinfo, Explanation *ex)
{
	static const char *const names[] = {"object", "privilege"};
	char	   *privilege;

	for (int i = 0; i < lengthof(names); i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
	}
	ex->object = PG_GETARG_OID(ARGUMENT_OBJECT);
	privilege = text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_PRIVILEGE));
	if (get_rel_name(ex->object) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", ex->object)));
	ex->privilege = row_policy_privilege(privilege);
	ex->question = question_object(ex->object, ex->privilege);
	if (!PG_ARGISNULL(ARGUMENT_FIELD))
	{
		ex->field = pstrdup(NameStr(*PG_GETARG_NAME(ARGUMENT_FIELD)));
		permission_policy_field(ex->object, ex->field, privilege, &ex->question);
	}
	if (!PG_ARGISNULL(ARGUMENT_ROW))
		ex->row_values = PG_GETARG_JSONB_P(ARGUMENT_ROW);
}

/* ---- who asks, about whom ---- */

/* Whether the current role may read whatever can be told. */
static bool
may_read_tables(void)
{
	static const char *const tables[] = {
		"app_user", "assignment", "permission_set", "group_member", "object_permission", "field_permission", "row_scope",
		"exclusion", "activation_rule", "activation", "activation_request", "protected_object"
	};
	Oid			session = table_oid("session");

	for (int i = 0; i < lengthof(tables); i++)
	{
		if (pg_class_aclcheck(table_oid(tables[i]), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return pg_class_aclcheck(session, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(session, Anum_session_attributes, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static void
refuse(void)
{
	session_log_refusal("explain", "it is about another user or session");
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to explain for other users and sessions"),
			 errhint("Without user_name and session it is about the attached session.")));
}

static bool
is_own(FunctionCallInfo fcinfo, const SessionEntry *mine)
{
	if (!PG_ARGISNULL(ARGUMENT_SESSION))
		return mine != NULL && memcmp(PG_GETARG_UUID_P(ARGUMENT_SESSION), &mine->session_id, sizeof(pg_uuid_t)) == 0;
	if (!PG_ARGISNULL(ARGUMENT_USER))
		return mine != NULL && strcmp(text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_USER)), mine->user_name) == 0;
	return true;
}

/* A role by its name, which may be gone. */
static Oid
role_of(const char *name)
{
	return name == NULL ? InvalidOid : get_role_oid(name, true);
}

static void
choose_session(Explanation *ex, const pg_uuid_t *session_id)
{
	ScanKeyData key;
	Datum		user_id;

	ex->subject = EXPLAIN_SESSION;
	ex->entry = session_find(session_id);
	ex->state = SESSION_LIVE;
	if (ex->entry != NULL)
	{
		ex->actor = activation_actor(&ex->entry);
		ex->role = role_of(ex->entry->db_role);
		return;
	}
	table_key(&key, Anum_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	if (!table_find("session", "session_pkey", &key, Anum_session_user_id, &user_id))
		session_raise_invalid();
	ex->state = SESSION_OVER;
}

/* The role that logs in as the user. */
static Oid
login_role(int64 user_id)
{
	Snapshot	snapshot = table_snapshot();
	Oid			role = InvalidOid;
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	Datum		name;
	bool		isnull = true;

	table_key(&key, Anum_app_user_user_id, F_INT8EQ, Int64GetDatum(user_id));
	table_begin(&scan, "app_user", "app_user_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	name = HeapTupleIsValid(row) ? table_value(&scan, row, Anum_app_user_db_role, &isnull) : (Datum) 0;
	if (!isnull)
		role = role_of(NameStr(*DatumGetName(name)));
	table_end(&scan);
	table_snapshot_release(snapshot);
	return role;
}

static void
choose_user(Explanation *ex, const char *user_name)
{
	ScanKeyData key;
	Datum		user_id;

	ex->subject = EXPLAIN_USER;
	ex->state = SESSION_LIVE;
	ex->actor = ACTOR_SELF;
	table_key(&key, Anum_app_user_user_name, F_TEXTEQ, CStringGetTextDatum(user_name));
	if (table_find("app_user", "app_user_user_name_key", &key, Anum_app_user_user_id, &user_id))
		ex->entry = session_suppose(DatumGetInt64(user_id));
	if (ex->entry == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("user \"%s\" does not exist", user_name)));
	ex->role = login_role(ex->entry->user_id);
}

static void
choose_subject(FunctionCallInfo fcinfo, Explanation *ex)
{
	SessionEntry *mine;
	bool		by_role = may_read_tables();
	bool		own;

	if (!PG_ARGISNULL(ARGUMENT_USER) && !PG_ARGISNULL(ARGUMENT_SESSION))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user_name and session cannot both be given")));
	AcceptInvalidationMessages();
	ex->state = session_current(&mine);
	own = is_own(fcinfo, mine);
	ex->full = by_role || (mine != NULL && effective_authority(mine, PERMISSION_VIEW_SETUP));
	if (!own && !ex->full)
		refuse();
	if (mine != NULL && (own || !by_role))
		executor_guard_note_call();
	if (own)
	{
		ex->entry = mine;
		ex->actor = ACTOR_SELF;
		ex->role = GetUserId();
	}
	else if (!PG_ARGISNULL(ARGUMENT_SESSION))
		choose_session(ex, PG_GETARG_UUID_P(ARGUMENT_SESSION));
	else
		choose_user(ex, text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_USER)));
}

/* ---- the rows ---- */

ExplainRow *
explain_add(Explanation *ex, ExplainRank rank, const char *state, char *lacks)
{
	ExplainRow *row = palloc0(sizeof(ExplainRow));

	row->rank = rank;
	row->state = state;
	row->lacks = lacks;
	ex->rows = lappend(ex->rows, row);
	return row;
}

/* A command that calls a function of ours, as it can be run. */
char *
explain_call(const Explanation *ex, const char *function, const char *arguments)
{
	return psprintf("SELECT %s.%s(%s);", ex->schema, function, arguments);
}

char *
explain_clip(char *text)
{
	int			length = strlen(text);

	if (length <= EXPLAIN_MAX_TEXT)
		return text;

	return psprintf("%.*s ...", pg_mbcliplen(text, length, EXPLAIN_MAX_TEXT), text);
}

static int
compare_texts(const char *a, const char *b)
{
	return a == NULL || b == NULL ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const ExplainRow *one = lfirst(a);
	const ExplainRow *other = lfirst(b);
	int			order = (int) one->rank - (int) other->rank;

	if (order == 0)
		order = compare_texts(one->set_name, other->set_name);
	if (order == 0)
		order = compare_texts(one->via, other->via);
	return order != 0 ? order : compare_texts(one->grants, other->grants);
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;

	if (text !=NULL)
		values[column] = CStringGetTextDatum(text);
}

static void
put_row(FunctionCallInfo fcinfo, const ExplainRow *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[9] = {0};
	bool		nulls[9] = {false};

	set_text(values, nulls, 0, row->set_name);
	set_text(values, nulls, 1, row->via);
	set_text(values, nulls, 2, row->grants);
	set_text(values, nulls, 3, row->state);
	nulls[4] = row->until == 0 || row->until == DT_NOEND;
	values[4] = TimestampTzGetDatum(row->until);
	set_text(values, nulls, 5, row->lacks == NULL ? NULL : explain_clip(row->lacks));
	set_text(values, nulls, 6, row->predicate);
	nulls[7] = !row->has_match;
	values[7] = BoolGetDatum(row->matches);
	set_text(values, nulls, 8, row->remedy);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* ---- what does not depend on any set ---- */

static char *
quoted_role(const Explanation *ex)
{
	return GetUserNameFromId(ex->role, false);
}

/* Statements of the role that nothing stops. */
static void
add_exemption(Explanation *ex)
{
	const ProtectedObject *object = protection_of(ex->object);

	if (!OidIsValid(ex->role) || object == NULL)
		return;
	if (ex->is_table ? check_enable_rls(ex->object, ex->role, true) == RLS_ENABLED : object_guard_applies(object, ex->role))
		return;
	(void) explain_add(ex, RANK_CIRCUMSTANCE, "exempt",
					   has_bypassrls_privilege(ex->role) ?
					   psprintf("role \"%s\" is a superuser or bypasses row-level security: it meets no check", quoted_role(ex)) :
					   psprintf("role \"%s\" owns it, and row-level security is not forced: it meets no check", quoted_role(ex)));
}

static void
add_protection(Explanation *ex)
{
	ExplainRow *row;

	if (!ex->is_protected)
	{
		row = explain_add(ex, RANK_CIRCUMSTANCE, "not protected", pstrdup("PostgreSQL's privileges and policies alone decide who reaches it"));
		row->remedy = ex->full ? explain_call(ex, "spsa_protect", ex->regclass) : NULL;
	}
	else if (ex->is_table && !ex->enabled)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "not enforced", pstrdup("row-level security is disabled on it"));
	else if (ex->is_table && !ex->has_policy && ex->privilege <= PRIVILEGE_DELETE)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "not enforced", pstrdup("its policies are not those that spsa_protect() makes"));
	else
		add_exemption(ex);
}

/* What PostgreSQL asks for besides. */
static void
add_privilege(Explanation *ex)
{
	static const struct
	{
		AclMode		mode;
		const char *name;
	}			needed[] = {{ACL_SELECT, "SELECT"}, {ACL_INSERT, "INSERT"}, {ACL_UPDATE, "UPDATE"}, {ACL_DELETE, "DELETE"}};
	ExplainRow *row;

	if (ex->subject != EXPLAIN_OWN || ex->privilege >= lengthof(needed) ||
		pg_class_aclcheck(ex->object, ex->role, needed[ex->privilege].mode) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(ex->object, ex->role, needed[ex->privilege].mode, ACLMASK_ANY) == ACLCHECK_OK)
		return;
	row = explain_add(ex, RANK_CIRCUMSTANCE, "no privilege",
					  psprintf("PostgreSQL's privilege %s: role \"%s\" does not have it", needed[ex->privilege].name, quoted_role(ex)));
	if (ex->full)
		row->remedy = psprintf("GRANT %s ON %s TO %s;", needed[ex->privilege].name,
							   DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(ex->object))),
							   quote_identifier(quoted_role(ex)));
}

static char *
enable_call(const Explanation *ex)
{
	return explain_call(ex, "spsa_enable_user", quote_literal_cstr(ex->entry->user_name));
}

static void
add_session(Explanation *ex)
{
	if (ex->state == SESSION_NONE)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "no session", pstrdup("a session: none is attached"));
	else if (ex->state == SESSION_OVER)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "session over", pstrdup("a valid session: authenticate again"));
	else if (ex->entry->ended)
		explain_add(ex, RANK_CIRCUMSTANCE, "user disabled", pstrdup("the user is disabled"))->remedy = enable_call(ex);
	else if (ex->subject == EXPLAIN_USER)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "supposed", pstrdup("for a session that the user might open: nothing activated, the user's attributes alone"));
	else if (ex->entry->nallowed >= 0)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "restricted", pstrdup("the session is restricted to some permission sets"));
}

static void
add_circumstances(Explanation *ex)
{
	add_session(ex);
	add_protection(ex);
	add_privilege(ex);
	if (ex->field != NULL && !ex->protects_field && ex->entry != NULL)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "field not protected", pstrdup("the field is as its rows are"));
	if (!ex->is_table && ex->is_protected)
		(void) explain_add(ex, RANK_CIRCUMSTANCE, "whole", pstrdup("it is no table: only what grants all rows counts"));
}

/* ---- the verdict ---- */

/* What is reached, as the policies ask. */
static Reach
find_reach(const Explanation *ex, const Shape *shape)
{
	ListCell   *cell;

	if (shape->reach != REACH_SOME || !ex->is_table)
		return shape->reach == REACH_SOME ? REACH_NONE : shape->reach;
	foreach(cell, shape->arms)
	{
		if (explain_arm_is_usable(ex, lfirst(cell)))
			return REACH_SOME;
	}
	return REACH_NONE;
}

static bool
matches_row(const Explanation *ex, const Shape *shape)
{
	ListCell   *cell;

	if (shape->reach != REACH_SOME || !ex->is_table)
		return shape->reach == REACH_ALL;
	foreach(cell, shape->arms)
	{
		if (explain_arm_holds(ex, lfirst(cell)))
			return true;
	}
	return false;
}

/* The first call that would help. lacks_field: the rows are reached already. */
static const ExplainRow *
find_help(const Explanation *ex, bool lacks_field)
{
	ListCell   *cell;

	foreach(cell, ex->rows)
	{
		const ExplainRow *row = lfirst(cell);

		if (row->remedy == NULL || row->in_vain || row->rank <= RANK_EFFECTIVE || (row->has_match && !row->matches))
			continue;
		if ((row->grants != NULL && strcmp(row->grants, "field") == 0) == lacks_field)
			return row;
	}
	return NULL;
}

static char *
why_denied(const Explanation *ex, Reach reach, bool field, const ExplainRow *help)
{
	ListCell   *cell;

	if (ex->entry == NULL || ex->entry->ended)
		return pstrdup("a valid session");
	if (help != NULL)
		return psprintf("%s: %s", help->set_name, help->lacks);
	if (reach != REACH_NONE && field)
		return pstrdup("the row is none of those that are reached");
	foreach(cell, ex->rows)
	{
		if (((const ExplainRow *) lfirst(cell))->rank > RANK_EFFECTIVE)
			return pstrdup("each way lacks something: see below");
	}
	return ex->full ? pstrdup("no permission set grants it") : pstrdup("no permission set that is assigned grants it");
}

/* The first row. */
static void
add_verdict(Explanation *ex)
{
	static const char *const states[] = {"denied", "allowed: some rows", "allowed: all rows"};
	bool		valid = ex->entry != NULL && !ex->entry->ended;
	Question	about_object = question_object(ex->object, ex->privilege);
	const Shape *shape = valid ? shape_of(ex->entry, &about_object) : shape_none();
	Reach		reach = find_reach(ex, shape);
	bool		field = ex->field == NULL || (valid && shape_of(ex->entry, &ex->question)->reach == REACH_ALL);
	ExplainRow *row = explain_add(ex, RANK_VERDICT, field ? states[reach] : states[REACH_NONE], NULL);

	if (field && ex->field != NULL && reach == REACH_NONE)
		row->state = "allowed: no rows";
	row->has_match = ex->row != NULL;
	row->matches = row->has_match && field && matches_row(ex, shape);
	list_sort(ex->rows, compare_rows);
	if (!field || reach == REACH_NONE || (row->has_match && !row->matches))
	{
		const ExplainRow *help = find_help(ex, !field && reach != REACH_NONE);

		row->lacks = why_denied(ex, reach, field, help);
		row->remedy = help == NULL ? NULL : help->remedy;
		if (!valid)
			row->remedy = ex->entry == NULL ? NULL : enable_call(ex);
	}
}

/* ---- all of it ---- */

static void
describe_object(FunctionCallInfo fcinfo, Explanation *ex)
{
	const ProtectedObject *object = protection_of(ex->object);
	char		kind = get_rel_relkind(ex->object);

	ex->now = GetCurrentTimestamp();
	ex->is_table = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
	ex->is_protected = object != NULL && object->listed;
	ex->root = object != NULL && OidIsValid(object->root) ? object->root : ex->object;
	ex->schema = pstrdup(quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid))));
	ex->regclass = quote_literal_cstr(DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(ex->root))));
}

/* As the session's entry has it. */
static void
describe_permissions(Explanation *ex)
{
	const Definition *protection = ((const Grants *) ex->entry->grants)->protection;

	ex->root = effective_root(ex->entry, ex->object);
	ex->field_object = ex->object;
	ex->field_number = (AttrNumber) ex->question.field;
	if (ex->field == NULL)
		return;
	ex->protects_field = definition_protects_field(protection, ex->object, ex->field_number);
	definition_granted_field(protection, &ex->field_object, &ex->field_number);
}

static void
explain(Explanation *ex)
{
	Relation	relation = try_relation_open(ex->object, AccessShareLock);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", ex->object)));
	explain_read_policy(ex);
	explain_read_row(ex);
	if (ex->entry != NULL)
	{
		describe_permissions(ex);
		explain_paths(ex);
	}
	add_circumstances(ex);
	add_verdict(ex);
	relation_close(relation, NoLock);
}

/* Types' functions are called, which may ask for sessions and shapes themselves. */
static void
explain_pinned(Explanation *ex)
{
	SessionEntry *entry = ex->entry;

	if (entry != NULL)
		session_pin(entry);
	shape_hold();
	PG_TRY();
	{
		explain(ex);
	}
	PG_FINALLY();
	{
		shape_release();
		if (entry != NULL)
			session_unpin(entry);
	}
	PG_END_TRY();
}

/* SQL: spsa_explain(regclass, text, name, text, uuid, jsonb) */
PG_FUNCTION_INFO_V1(spsa_explain);
Datum
spsa_explain(PG_FUNCTION_ARGS)
{
	Explanation ex = {0};
	MemoryContext context;
	MemoryContext caller;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "spsa explanation", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	read_question(fcinfo, &ex);
	choose_subject(fcinfo, &ex);
	describe_object(fcinfo, &ex);
	explain_pinned(&ex);
	foreach(cell, ex.rows)
		put_row(fcinfo, lfirst(cell));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
