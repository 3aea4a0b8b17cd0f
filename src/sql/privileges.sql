-- privileges.sql - what PUBLIC may execute, by name. Whatever default privileges say, nothing else.

-- Default privileges may name roles besides PUBLIC: what they gave is taken away, else these could write whom they like.
DO $$
DECLARE
	given record;
BEGIN
	FOR given IN
		SELECT DISTINCT o.kind, o.name, g.rolname
		FROM pg_catalog.pg_extension e
		JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
			AND d.deptype = 'e'
		JOIN (
			SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS catalog, c.oid,
				CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
				pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relowner AS owner, c.relacl AS acl
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			UNION ALL
			SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 'ROUTINE', p.oid::pg_catalog.regprocedure::text, p.proowner, p.proacl
			FROM pg_catalog.pg_proc p
			UNION ALL
			SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 'TYPE', pg_catalog.format_type(t.oid, NULL), t.typowner, t.typacl
			FROM pg_catalog.pg_type t
			UNION ALL
			SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 'SCHEMA', pg_catalog.quote_ident(n.nspname), n.nspowner, n.nspacl
			FROM pg_catalog.pg_namespace n
		) o ON o.catalog = d.classid AND o.oid = d.objid
		CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
		JOIN pg_catalog.pg_roles g ON g.oid = a.grantee AND g.oid <> o.owner
		WHERE e.extname = 'spsa'
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %I CASCADE', given.kind, given.name, given.rolname);
	END LOOP;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA spsa FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA spsa FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA spsa FROM PUBLIC;
REVOKE ALL ON SCHEMA spsa FROM PUBLIC;
-- A column of somebody's table that has the row type of ours would be in the way of every change of ours.
REVOKE ALL ON TYPE
	spsa.app_user, spsa.permission_set, spsa.object_permission, spsa.row_scope, spsa.protected_object, spsa.assignment,
	spsa.session, spsa.session_token, spsa.session_activity, spsa.session_end, spsa.activation, spsa.activation_end, spsa.audit_event,
	spsa.audit_event_default, spsa.group_member, spsa.field_permission, spsa.function_permission, spsa.custom_permission,
	spsa.custom_permission_grant, spsa.protected_field, spsa.protected_function, spsa.exclusion, spsa.masked_view,
	spsa.activation_rule, spsa.activation_request, spsa.activation_decision, spsa.break_glass_review,
	spsa.pending_activation_request, spsa.break_glass_unreviewed,
	spsa.flow, spsa.flow_step,
	spsa.jwt_issuer, spsa.jwt_session, spsa.jwt_use,
	spsa.session_authentication, spsa.totp_factor, spsa.totp_counter, spsa.totp_change, spsa.user_totp,
	spsa.session_perm_set_activation, spsa.valid_session, spsa.effective_set, spsa.granted_object, spsa.effective_object,
	spsa.effective_permission, spsa.live_session, spsa.live_activation, spsa.user_access, spsa.unused_assignment
FROM PUBLIC;

-- All that is for everybody in the schema: these views, the functions that they call, the one that masked views call, the
-- type of security levels, and what calls of PostgreSQL's functions of sequences are replaced by, which ask for privileges
-- themselves.
GRANT USAGE ON SCHEMA spsa TO PUBLIC;
GRANT USAGE ON TYPE spsa.security_level TO PUBLIC;
GRANT SELECT, INSERT, DELETE ON spsa.session_perm_set_activation TO PUBLIC;
GRANT SELECT ON spsa.pending_activation_request, spsa.break_glass_unreviewed, spsa.live_session, spsa.live_activation,
	spsa.user_access, spsa.unused_assignment TO PUBLIC;
GRANT EXECUTE ON FUNCTION spsa.visible_activations(), spsa.visible_requests(), spsa.visible_reviews(),
	spsa.reports_on_all(regclass), spsa.reports_on_user(), spsa.reports_on_session(), spsa.masked(anyelement) TO PUBLIC;
GRANT EXECUTE ON FUNCTION spsa.guarded_nextval(regclass), spsa.guarded_setval(regclass, bigint), spsa.guarded_setval(regclass, bigint, boolean),
	spsa.guarded_currval(regclass), spsa.guarded_pg_sequence_last_value(regclass) TO PUBLIC;
-- Who makes a trigger must be able to call its function; nobody can call this one otherwise.
GRANT EXECUTE ON FUNCTION spsa.before_truncate() TO PUBLIC;

REVOKE ALL ON FUNCTION
	@extschema@.spsa_open_session(text, interval, spsa.security_level, inet, jsonb, name, text, interval, text[], text),
	@extschema@.spsa_purge(),
	@extschema@.spsa_partition_audit(text, integer),
	@extschema@.spsa_prune_audit(text),
	@extschema@.spsa_reauthenticate(uuid, spsa.security_level),
	@extschema@.spsa_enroll_user_totp(text, text, text, text, integer),
	@extschema@.spsa_remove_user_totp(text),
	@extschema@.spsa_unlock_user_totp(text),
	@extschema@.spsa_reencrypt_totp(),
	@extschema@.spsa_protect(regclass, name[], text, boolean, boolean),
	@extschema@.spsa_unprotect(regclass),
	@extschema@.spsa_protect_field(regclass, name, boolean),
	@extschema@.spsa_unprotect_field(regclass, name),
	@extschema@.spsa_protect_function(regprocedure),
	@extschema@.spsa_unprotect_function(regprocedure),
	@extschema@.spsa_create_masked_view(regclass, text, boolean),
	@extschema@.spsa_drop_masked_view(regclass),
	@extschema@.spsa_create_user(text, jsonb, name),
	@extschema@.spsa_enable_user(text),
	@extschema@.spsa_disable_user(text, text),
	@extschema@.spsa_close_user_sessions(text, text),
	@extschema@.spsa_set_user_attributes(text, jsonb, boolean),
	@extschema@.spsa_create_permission_set(text, text, boolean, text, text, text),
	@extschema@.spsa_drop_permission_set(text),
	@extschema@.spsa_set_activation_required(text, boolean),
	@extschema@.spsa_set_member_activation(text, text),
	@extschema@.spsa_add_group_member(text, text),
	@extschema@.spsa_remove_group_member(text, text),
	@extschema@.spsa_mute(text, text),
	@extschema@.spsa_grant_object(text, regclass, text[], boolean),
	@extschema@.spsa_revoke_object(text, regclass, text[]),
	@extschema@.spsa_grant_rows(text, regclass, name, text[], text, text, text[]),
	@extschema@.spsa_revoke_rows(text, regclass, name, text),
	@extschema@.spsa_grant_field(text, regclass, name, text[]),
	@extschema@.spsa_revoke_field(text, regclass, name, text[]),
	@extschema@.spsa_grant_function(text, regprocedure),
	@extschema@.spsa_revoke_function(text, regprocedure),
	@extschema@.spsa_create_custom_permission(text, text, text),
	@extschema@.spsa_drop_custom_permission(text),
	@extschema@.spsa_grant_permission(text, text),
	@extschema@.spsa_revoke_permission(text, text),
	@extschema@.spsa_exclude(text, text, text),
	@extschema@.spsa_remove_exclusion(text, text),
	@extschema@.spsa_set_activation_rule(text, boolean, interval, interval, spsa.security_level, interval, cidr[], integer[], time,
		time, text, boolean, integer, text, boolean, text[]),
	@extschema@.spsa_drop_activation_rule(text),
	@extschema@.spsa_create_flow(text, text, regprocedure, text, boolean, text),
	@extschema@.spsa_drop_flow(text),
	@extschema@.spsa_set_flow_active(text, boolean),
	@extschema@.spsa_add_flow_step(text, text, text, integer),
	@extschema@.spsa_remove_flow_step(text, integer),
	@extschema@.spsa_create_jwt_issuer(text, text[], text[], jsonb, text, jsonb, text[], text[], interval, interval, boolean, name),
	@extschema@.spsa_set_jwt_issuer(text, text[], text[], jsonb, text, jsonb, text[], text[], interval, interval, boolean, name, boolean),
	@extschema@.spsa_drop_jwt_issuer(text),
	@extschema@.spsa_assign(text, text, timestamptz, timestamptz),
	@extschema@.spsa_revoke_assignment(text, text),
	@extschema@.spsa_revoke_all(text),
	@extschema@.spsa_check(),
	@extschema@.spsa_test_as(text, text[]),
	@extschema@.spsa_user_activity(text, timestamptz, timestamptz),
	@extschema@.spsa_audit_head(timestamptz, text),
	@extschema@.spsa_verify_audit(text, text),
	@extschema@.spsa_grant_administration(regrole),
	@extschema@.spsa_revoke_administration(regrole)
FROM PUBLIC;

GRANT EXECUTE ON FUNCTION
	@extschema@.spsa_open_own_session(interval),
	@extschema@.spsa_open_session_jwt(text, interval),
	@extschema@.spsa_attach_jwt(text),
	@extschema@.spsa_attach(text),
	@extschema@.spsa_attach_connection(text),
	@extschema@.spsa_detach(),
	@extschema@.spsa_touch(),
	@extschema@.spsa_session_id(),
	@extschema@.spsa_user_name(),
	@extschema@.spsa_session_info(),
	@extschema@.spsa_session_attribute(text),
	@extschema@.spsa_close_session(uuid),
	@extschema@.spsa_derive_session(text[], interval, uuid),
	@extschema@.spsa_rotate_token(uuid),
	@extschema@.spsa_enroll_totp(text, text, text, integer),
	@extschema@.spsa_confirm_totp(text),
	@extschema@.spsa_step_up_totp(text),
	@extschema@.spsa_remove_totp(),
	@extschema@.spsa_activate(uuid, text, interval, text),
	@extschema@.spsa_activate_own(text, interval, text),
	@extschema@.spsa_deactivate(uuid, text),
	@extschema@.spsa_deactivate_own(text),
	@extschema@.spsa_deactivate_all(uuid),
	@extschema@.spsa_activation_readiness(uuid, text),
	@extschema@.spsa_request_activation(uuid, text, text, interval, interval),
	@extschema@.spsa_approve_activation(uuid, text),
	@extschema@.spsa_deny_activation(uuid, text),
	@extschema@.spsa_cancel_activation(uuid),
	@extschema@.spsa_break_glass(uuid, text, text, interval),
	@extschema@.spsa_review_break_glass(uuid, text),
	@extschema@.spsa_run_flow(text, uuid, text),
	@extschema@.spsa_access_matrix(text, regclass),
	@extschema@.spsa_explain(regclass, text, name, text, uuid, jsonb),
	@extschema@.spsa_simulate(uuid, text[], bigint),
	@extschema@.spsa_session_value(text, anyelement),
	@extschema@.spsa_session_values(text, anyelement),
	@extschema@.spsa_allows(regclass, text),
	@extschema@.spsa_allows_row(regclass, text, "any"),
	@extschema@.spsa_has_permission(text),
	@extschema@.spsa_allows_field(regclass, name, text),
	@extschema@.spsa_allows_function(regprocedure)
TO PUBLIC;
