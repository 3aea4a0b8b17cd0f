/* administration.c - handing the administration to a role that is no superuser, and taking it back.
 *
 * What is granted is what the administrative functions need and no more: columns one by one, so that identifiers, times and
 * names of who did something are always those that the defaults and triggers write. Nothing that would make a session or an
 * activation, or change another's identity: a delegate must not act as somebody else. No grant option, no TRUNCATE, TRIGGER
 * or REFERENCES.
 *
 * Rights: the commands run as the caller, who must have the rights of the extension's owner; the audit trail is written as
 * the owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "audit/audit.h"
#include "base/owner.h"
#include "base/table.h"
#include "identity/session.h"

static const char *const privileges[] = {
	"USAGE ON SCHEMA spsa",
	"USAGE ON SEQUENCE spsa.app_user_id_seq, spsa.permission_set_id_seq, spsa.row_scope_id_seq, spsa.assignment_id_seq,"
	" spsa.custom_permission_id_seq, spsa.flow_id_seq",

	"SELECT, INSERT (user_name, attributes, db_role), UPDATE (attributes, is_active, session_limit) ON spsa.app_user",
	"SELECT, INSERT (set_name, label, activation_required, kind, description, member_activation),"
	" UPDATE (label, description, activation_required, member_activation), DELETE ON spsa.permission_set",
	"SELECT, INSERT (user_id, set_id, starts_at, expires_at), UPDATE (starts_at, expires_at), DELETE ON spsa.assignment",
	"SELECT, INSERT (set_id, object, can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped),"
	" UPDATE (can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped), DELETE ON spsa.object_permission",
	"SELECT, INSERT (set_id, object, field, operator, literals, attribute, privileges), DELETE ON spsa.row_scope",
	"SELECT, INSERT (group_id, member_id), DELETE ON spsa.group_member",
	"SELECT, INSERT (set_id, object, field, can_read, can_edit), UPDATE (can_read, can_edit), DELETE ON spsa.field_permission",
	"SELECT, INSERT (set_id, function), DELETE ON spsa.function_permission",
	"SELECT, INSERT (permission_name, label, description), UPDATE (label, description), DELETE ON spsa.custom_permission",
	"SELECT, INSERT (set_id, permission_id), DELETE ON spsa.custom_permission_grant",
	"SELECT, INSERT (set_a, set_b, kind), UPDATE (kind), DELETE ON spsa.exclusion",
	"SELECT, INSERT, UPDATE (self_activation, default_duration, max_duration, min_security_level, max_authentication_age,"
	" networks, weekdays, start_time, end_time, time_zone, reason_required, approvals_required, approver_set, break_glass),"
	" DELETE ON spsa.activation_rule",

	/* A trigger refuses the criterion: it is code that others run. */
	"SELECT, INSERT (flow_name, label, is_active, criterion, allowed_set, run_at_open, description),"
	" UPDATE (flow_name, label, is_active, criterion, allowed_set, run_at_open, description), DELETE ON spsa.flow",
	"SELECT, INSERT (flow_id, \"position\", action, set_id), UPDATE (\"position\", action, set_id), DELETE ON spsa.flow_step",

	/* To look at, and to close sessions. */
	"SELECT ON spsa.protected_object, spsa.protected_field, spsa.protected_function, spsa.masked_view, spsa.session_activity,"
	" spsa.activation, spsa.activation_end, spsa.activation_request, spsa.activation_decision, spsa.break_glass_review,"
	" spsa.audit_event",
	"SELECT (session_id, user_id, db_role, parent_id, allowed_sets, created_at, authenticated_at, expires_at, idle_timeout,"
	" security_level, login_type, source_ip, actor, attributes) ON spsa.session",
	"SELECT ON spsa.session_authentication, spsa.user_totp, spsa.totp_change",
	"SELECT, INSERT ON spsa.session_end",

	/*
	 * Not the keys, of which some are secrets: who writes here, or can sign,
	 * opens sessions of anybody.
	 */
	"SELECT (issuer, audience, algorithms, user_claim, attribute_claims, high_assurance_acr, high_assurance_amr, clock_skew,"
	" max_lifetime, single_use, db_role, is_active) ON spsa.jwt_issuer",
	"SELECT (session_id, issuer, single_use) ON spsa.jwt_session"
};

/* spsa_open_session() is not among them: it makes sessions of anybody. */
#define FUNCTIONS \
	"SELECT pg_catalog.string_agg(p.oid::pg_catalog.regprocedure::pg_catalog.text, ', ') FROM pg_catalog.pg_proc p" \
	" JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid" \
	" AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass" \
	" JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'spsa'" \
	" WHERE p.proname IN ('find_user', 'find_set', 'find_muting_set', 'find_permission', 'check_privileges'," \
	" 'dependent_privileges', 'spsa_create_user', 'spsa_enable_user', 'spsa_disable_user', 'spsa_close_user_sessions'," \
	" 'spsa_set_user_attributes', 'spsa_create_permission_set', 'spsa_drop_permission_set', 'spsa_set_activation_required'," \
	" 'spsa_set_member_activation', 'spsa_grant_object', 'spsa_revoke_object', 'spsa_grant_rows', 'spsa_revoke_rows'," \
	" 'spsa_grant_field', 'spsa_revoke_field', 'spsa_grant_function', 'spsa_revoke_function'," \
	" 'spsa_create_custom_permission', 'spsa_drop_custom_permission', 'spsa_grant_permission', 'spsa_revoke_permission'," \
	" 'spsa_add_group_member', 'spsa_remove_group_member', 'spsa_mute', 'spsa_exclude', 'spsa_remove_exclusion'," \
	" 'check_rule_columns', 'activation_hours', 'spsa_set_activation_rule', 'spsa_drop_activation_rule'," \
	" 'find_flow', 'spsa_create_flow', 'spsa_drop_flow', 'spsa_set_flow_active', 'spsa_add_flow_step'," \
	" 'spsa_remove_flow_step', 'spsa_remove_user_totp', 'spsa_unlock_user_totp'," \
	" 'spsa_assign', 'spsa_revoke_assignment', 'spsa_revoke_all', 'spsa_user_activity', 'spsa_audit_head'," \
	" 'spsa_verify_audit', 'spsa_protect', 'spsa_unprotect'," \
	" 'spsa_protect_field', 'spsa_unprotect_field'," \
	" 'spsa_protect_function', 'spsa_unprotect_function'," \
	" 'spsa_create_masked_view', 'spsa_drop_masked_view'," \
	" 'finding_policy', 'finding_reader', 'finding_role', 'finding_grant', 'finding_server'," \
	" 'finding_masked_view', 'finding_sequence', 'finding_assignment', 'finding_user', 'finding_identity', 'is_masked_view'," \
	" 'library_version', 'jwt_issuer_fault', 'key_file_fault', 'spsa_check')"

/* How many privileges the role itself holds in schema spsa and on the extension's functions. */
#define HELD \
	"SELECT pg_catalog.count(*) FROM (" \
	"SELECT n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname = 'spsa'" \
	" UNION ALL SELECT c.relacl FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace" \
	" WHERE n.nspname = 'spsa'" \
	" UNION ALL SELECT a.attacl FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid" \
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'spsa'" \
	" UNION ALL SELECT p.proacl FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace" \
	" WHERE n.nspname = 'spsa' OR p.proname LIKE 'spsa\\_%%'" \
	") x (acl), LATERAL pg_catalog.aclexplode(x.acl) g WHERE g.grantee = %u"

static void
run(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
}

static int64
held(Oid role)
{
	bool		isnull;

	run(psprintf(HELD, role));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static char *
administrative_functions(void)
{
	run(FUNCTIONS);
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Whoever lacks the right would only be warned by GRANT. */
static Oid
role_argument(FunctionCallInfo fcinfo, char **name)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("role must not be null")));
	*name = GetUserNameFromId(PG_GETARG_OID(0), false);
	if (!has_privs_of_role(GetUserId(), table_extension_owner()))
	{
		session_log_refusal("hand over the administration", "the database role is not the owner of the extension");
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to hand over the administration of spsa"),
				 errhint("The owner of the extension and superusers may.")));
	}
	return PG_GETARG_OID(0);
}

static void
record(const char *event_name, const char *role)
{
	AuditEvent	event = {event_name};
	StringInfoData detail;
	OwnerState	state;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"role\": ");
	escape_json(&detail, role);
	appendStringInfoChar(&detail, '}');
	event.detail = detail.data;
	owner_begin(&state);
	audit_record(&event);
	owner_end(&state);
}

/* What distinguishes handing over from taking back. */
typedef struct Command
{
	const char *verb;
	const char *preposition;
	const char *event;
	const char *const *privileges;
	int			count;
} Command;

/* Whether that changed anything. */
static bool
execute(const Command *command, Oid role, const char *name)
{
	const char *to = psprintf("%s %s", command->preposition, quote_identifier(name));
	int64		before;
	bool		changed;
	OwnerState	state;

	owner_begin_as_caller(&state);
	before = held(role);
	for (int i = 0; i < command->count; i++)
		run(psprintf("%s %s %s", command->verb, command->privileges[i], to));
	run(psprintf("%s EXECUTE ON FUNCTION %s %s", command->verb, administrative_functions(), to));
	changed = held(role) != before;
	owner_end(&state);
	if (changed)
		record(command->event, name);
	return changed;
}

/* SQL: spsa_grant_administration(regrole) */
PG_FUNCTION_INFO_V1(spsa_grant_administration);
Datum
spsa_grant_administration(PG_FUNCTION_ARGS)
{
	static const Command grant = {"GRANT", "TO", "administration_grant", privileges, lengthof(privileges)};
	char	   *name;
	Oid			role = role_argument(fcinfo, &name);

	(void) execute(&grant, role, name);
	PG_RETURN_VOID();
}

/*
 * Everything in schema spsa, not only what is on the list: a revocation must not leave what was granted by an older version
 * or by hand.
 *
 * SQL: spsa_revoke_administration(regrole)
 */
PG_FUNCTION_INFO_V1(spsa_revoke_administration);
Datum
spsa_revoke_administration(PG_FUNCTION_ARGS)
{
	static const char *const everything[] = {
		"ALL ON ALL TABLES IN SCHEMA spsa", "ALL ON ALL SEQUENCES IN SCHEMA spsa", "ALL ON ALL FUNCTIONS IN SCHEMA spsa",
		"ALL ON SCHEMA spsa"
	};
	static const Command revoke = {"REVOKE", "FROM", "administration_revoke", everything, lengthof(everything)};
	char	   *name;
	Oid			role = role_argument(fcinfo, &name);

	PG_RETURN_BOOL(execute(&revoke, role, name));
}
