-- admin.sql - administration: users, permission sets, what these grant on objects and rows, assignments; and who may
-- administer. These run with the rights of the caller, who needs privileges on the tables as well (those that
-- spsa_grant_administration() gives); only what ends sessions, which is urgent, needs EXECUTE alone.
--
-- Names are looked up in a WITH query that the last statement reads, so that an unknown one is an error also when there is
-- nothing to do, and is looked up once.

CREATE FUNCTION spsa.find_user(user_name text) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_user';
COMMENT ON FUNCTION spsa.find_user(text) IS 'identifier of a user; 42704 if there is none of that name';

CREATE FUNCTION spsa.find_set(set_name text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_set';
COMMENT ON FUNCTION spsa.find_set(text) IS 'identifier of a permission set; 42704 if there is none of that name';

CREATE FUNCTION spsa.find_muting_set(set_name text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_muting_set';
COMMENT ON FUNCTION spsa.find_muting_set(text) IS 'identifier of a permission set of kind muting; 42704 if there is no set of that name, 42809 if it is of another kind';

CREATE FUNCTION spsa.check_privileges(privileges text[], allowed text[]) RETURNS text[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_check_privileges';
COMMENT ON FUNCTION spsa.check_privileges(text[], text[]) IS 'its first argument; 22023 if that is empty or names anything that the second does not list';

CREATE FUNCTION spsa.dependent_privileges(privileges text[]) RETURNS text[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_dependent_privileges';
COMMENT ON FUNCTION spsa.dependent_privileges(text[]) IS 'the privileges on objects and those that need them: what goes when they are revoked';

CREATE FUNCTION @extschema@.spsa_create_user(user_name text, attributes jsonb DEFAULT '{}', db_role name DEFAULT NULL) RETURNS bigint
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.app_user (user_name, attributes, db_role)
	VALUES (user_name, COALESCE(attributes, '{}'),
		(SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = pg_catalog.quote_ident(db_role)::regrole))
	RETURNING user_id;
END;
COMMENT ON FUNCTION @extschema@.spsa_create_user(text, jsonb, name) IS
'makes a user; the identifier. attributes: JSON object for row scopes, which no session can contradict. db_role: role that logs in as this user.
Errors: 23505 the name or role is taken; 42704 unknown role; 22023 the name is not 1 to 255 printable characters, or attributes is no object.';

CREATE FUNCTION @extschema@.spsa_disable_user(user_name text, reason text DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_disable_user';
COMMENT ON FUNCTION @extschema@.spsa_disable_user(text, text) IS
'disables a user and ends the user''s sessions, in every backend at the next statement; the number of sessions. Errors: 42704 unknown user.';

CREATE FUNCTION @extschema@.spsa_close_user_sessions(user_name text, reason text DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_close_user_sessions';
COMMENT ON FUNCTION @extschema@.spsa_close_user_sessions(text, text) IS
'ends the user''s sessions, in every backend at the next statement; the number of sessions. The user may open others. reason: for the audit trail. Errors: 42704 unknown user.';

CREATE FUNCTION @extschema@.spsa_enable_user(user_name text) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- Whoever was disabled without spsa_disable_user() has sessions left.
	SELECT @extschema@.spsa_close_user_sessions(u.user_name, 'user enabled again')
	FROM spsa.app_user u WHERE u.user_id = (SELECT spsa.find_user(spsa_enable_user.user_name)) AND NOT u.is_active;
	WITH i AS MATERIALIZED (SELECT spsa.find_user(spsa_enable_user.user_name) AS user_id),
	enabled AS (
		UPDATE spsa.app_user u SET is_active = true FROM i WHERE u.user_id = i.user_id AND NOT u.is_active
		RETURNING u.user_id
	)
	SELECT (SELECT pg_catalog.count(*) FROM enabled e JOIN spsa.assignment a ON a.user_id = e.user_id
		WHERE a.starts_at <= pg_catalog.clock_timestamp()
			AND (a.expires_at IS NULL OR a.expires_at > pg_catalog.clock_timestamp()))::integer
	FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_enable_user(text) IS
'enables a user who was disabled; the number of assignments that count again, 0 if the user was enabled. Sessions from before stay over. Errors: 42704 unknown user.';

CREATE FUNCTION @extschema@.spsa_set_user_attributes(user_name text, attributes jsonb, merge boolean DEFAULT false) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_user(spsa_set_user_attributes.user_name) AS user_id),
	changed AS (
		UPDATE spsa.app_user u
		SET attributes = CASE WHEN merge THEN u.attributes || spsa_set_user_attributes.attributes
			ELSE spsa_set_user_attributes.attributes END
		FROM i
		WHERE u.user_id = i.user_id
			AND u.attributes IS DISTINCT FROM CASE WHEN merge THEN u.attributes || spsa_set_user_attributes.attributes
				ELSE spsa_set_user_attributes.attributes END
		RETURNING 1
	)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_set_user_attributes(text, jsonb, boolean) IS
'gives a user attributes for row scopes, in place of all that the user had; merge: beside them, an attribute of the same name is replaced, null gives it no value. Sessions that are open have them at the next statement.
Errors: 42704 unknown user; 22023 attributes is no JSON object; 22004 it is null.';

CREATE FUNCTION @extschema@.spsa_create_permission_set(set_name text, label text DEFAULT NULL,
	activation_required boolean DEFAULT false, kind text DEFAULT 'set', description text DEFAULT NULL,
	member_activation text DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.permission_set (set_name, label, activation_required, kind, description, member_activation)
	VALUES (set_name, label, activation_required, kind, description, member_activation)
	RETURNING set_id;
END;
COMMENT ON FUNCTION @extschema@.spsa_create_permission_set(text, text, boolean, text, text, text) IS
'makes a permission set; the identifier. set_name: at most 80 characters, letters, digits and single underscores, begins with a letter, no underscore at the end. activation_required: grants nothing until activated for a session. kind: set; group, of sets (spsa_add_group_member); muting, which takes away from what a group grants (spsa_mute). member_activation: of a group, keep (the default) or bypass, see spsa_set_member_activation.
Errors: 22023 bad name, kind or member_activation, a muting set that requires activation; 23505 the name is taken.';

CREATE FUNCTION @extschema@.spsa_drop_permission_set(set_name text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- One after the other and the set last: the audit trail tells of each under the set's name.
	DELETE FROM spsa.assignment a WHERE a.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.group_member m
	WHERE m.group_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name))
		OR m.member_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.row_scope r WHERE r.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.object_permission p WHERE p.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.field_permission p WHERE p.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.function_permission p WHERE p.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.custom_permission_grant p WHERE p.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.exclusion e
	WHERE e.set_a = (SELECT spsa.find_set(spsa_drop_permission_set.set_name))
		OR e.set_b = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.activation_rule r WHERE r.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	DELETE FROM spsa.flow_step s WHERE s.set_id = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	UPDATE spsa.flow f SET allowed_set = NULL
	WHERE f.allowed_set = (SELECT spsa.find_set(spsa_drop_permission_set.set_name));
	WITH i AS MATERIALIZED (SELECT spsa.find_set(spsa_drop_permission_set.set_name) AS set_id),
	gone AS (DELETE FROM spsa.permission_set s USING i WHERE s.set_id = i.set_id RETURNING 1)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_drop_permission_set(text) IS
'drops a permission set, group or muting set with all that it grants or mutes, its assignments, memberships, exclusions, activation rule and steps of flows; the members of a group stay. What it muted in a group, the group grants from then on. Errors: 42704 unknown set.';

CREATE FUNCTION @extschema@.spsa_set_activation_required(permission_set text, activation_required boolean) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_set(permission_set) AS set_id),
	changed AS (
		UPDATE spsa.permission_set s SET activation_required = spsa_set_activation_required.activation_required
		FROM i
		WHERE s.set_id = i.set_id
			AND s.activation_required IS DISTINCT FROM spsa_set_activation_required.activation_required
		RETURNING 1
	)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_set_activation_required(text, boolean) IS
'says whether a permission set, or a group with all that it grants, needs activation; holds from the next statement on: true, in sessions where it is not active it grants nothing any more; false, it grants at once to everybody to whom it is assigned.
Errors: 42704 unknown set; 22023 a muting set; 23502 null.';

CREATE FUNCTION @extschema@.spsa_grant_object(permission_set text, object regclass, privileges text[], row_scoped boolean DEFAULT false) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.object_permission AS p
		(set_id, object, can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped)
	SELECT i.set_id, i.object,
		'read' = ANY (i.privileges) OR COALESCE(o.can_read, false), 'create' = ANY (i.privileges) OR COALESCE(o.can_create, false),
		'edit' = ANY (i.privileges) OR COALESCE(o.can_edit, false), 'delete' = ANY (i.privileges) OR COALESCE(o.can_delete, false),
		'view_all' = ANY (i.privileges) OR COALESCE(o.view_all, false), 'modify_all' = ANY (i.privileges) OR COALESCE(o.modify_all, false),
		spsa_grant_object.row_scoped OR COALESCE(o.row_scoped, false)
	FROM (SELECT spsa.find_set(permission_set) AS set_id, spsa_grant_object.object AS object,
			spsa.check_privileges(spsa_grant_object.privileges,
				ARRAY['read', 'create', 'edit', 'delete', 'view_all', 'modify_all']) AS privileges OFFSET 0) i
		LEFT JOIN spsa.object_permission o ON o.set_id = i.set_id AND o.object = i.object
	ON CONFLICT (set_id, object) DO UPDATE
	SET can_read = p.can_read OR excluded.can_read, can_create = p.can_create OR excluded.can_create,
		can_edit = p.can_edit OR excluded.can_edit, can_delete = p.can_delete OR excluded.can_delete,
		view_all = p.view_all OR excluded.view_all, modify_all = p.modify_all OR excluded.modify_all,
		row_scoped = p.row_scoped OR excluded.row_scoped;
END;
COMMENT ON FUNCTION @extschema@.spsa_grant_object(text, regclass, text[], boolean) IS
'adds privileges (read, create, edit, delete, view_all, modify_all) on an object to a permission set. row_scoped: they reach only the rows of the set''s row scopes; once set it stays. To a muting set: what it takes away in its groups, with all that needs it (spsa_mute).
Errors: 42704 unknown set; 42P01 unknown object; 22023 unknown privilege; 23514 a privilege that needs another one; 42809 not a table, or a group; 0A000 a temporary table.
Source: Salesforce, object permissions and their dependencies.';

CREATE FUNCTION @extschema@.spsa_grant_rows(permission_set text, object regclass, field name, literals text[] DEFAULT NULL,
	attribute text DEFAULT NULL, operator text DEFAULT '=', privileges text[] DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	UPDATE spsa.object_permission p SET row_scoped = true
	WHERE p.set_id = spsa.find_set(permission_set) AND p.object = spsa_grant_rows.object AND NOT p.row_scoped;
	INSERT INTO spsa.row_scope (set_id, object, field, operator, literals, attribute, privileges)
	SELECT spsa.find_set(permission_set), spsa_grant_rows.object, spsa_grant_rows.field, spsa_grant_rows.operator,
		spsa_grant_rows.literals, spsa_grant_rows.attribute,
		CASE WHEN spsa_grant_rows.privileges IS NOT NULL
			THEN spsa.check_privileges(spsa_grant_rows.privileges, ARRAY['read', 'create', 'edit', 'delete']) END;
	-- Said before already.
	DELETE FROM spsa.row_scope d
	WHERE d.set_id = spsa.find_set(permission_set) AND d.object = spsa_grant_rows.object AND d.field = spsa_grant_rows.field
		AND EXISTS (SELECT FROM spsa.row_scope e
			WHERE e.set_id = d.set_id AND e.object = d.object AND e.field = d.field AND e.scope_id < d.scope_id
				AND (e.operator, e.literals, e.attribute, e.privileges, e.field_type) IS NOT DISTINCT FROM
					(d.operator, d.literals, d.attribute, d.privileges, d.field_type));
END;
COMMENT ON FUNCTION @extschema@.spsa_grant_rows(text, regclass, name, text[], text, text, text[]) IS
'adds a row scope to a permission set that has privileges on the object, which are row_scoped from then on: the rows whose field stands in the relation (operator: =, <, <=, >, >=) to any of the literals or to the session''s attribute, or is null (operator is null, no value). Values of one field and operator add by OR; operators and fields join by AND. privileges: read, create, edit, delete; null: all that the set grants.
Errors: 42704 unknown set; 42P01 unknown object; 42703 unknown field; 23503 the set has no privileges on the object; 22023 unknown operator or privilege, a type without ordering, no value or two; a literal that is no value of the field''s type: the type''s own error, mostly 22P02.';

CREATE FUNCTION @extschema@.spsa_revoke_object(permission_set text, object regclass, privileges text[] DEFAULT NULL) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (
		SELECT spsa.find_set(permission_set) AS set_id, spsa_revoke_object.object AS object,
			CASE WHEN spsa_revoke_object.privileges IS NOT NULL
				THEN spsa.check_privileges(spsa_revoke_object.privileges,
					ARRAY['read', 'create', 'edit', 'delete', 'view_all', 'modify_all']) END AS privileges
	),
	revoked AS MATERIALIZED (
		SELECT p.set_id, p.object, CASE WHEN i.privileges IS NULL THEN spsa.dependent_privileges(ARRAY['read'])
			WHEN p.muting THEN i.privileges ELSE spsa.dependent_privileges(i.privileges) END AS privileges
		FROM i JOIN spsa.object_permission p ON p.set_id = i.set_id AND p.object = i.object
	),
	rest AS MATERIALIZED (
		SELECT p.set_id, p.object, p.can_read AND 'read' <> ALL (r.privileges) AS can_read,
			p.can_create AND 'create' <> ALL (r.privileges) AS can_create,
			p.can_edit AND 'edit' <> ALL (r.privileges) AS can_edit,
			p.can_delete AND 'delete' <> ALL (r.privileges) AS can_delete,
			p.view_all AND 'view_all' <> ALL (r.privileges) AS view_all,
			p.modify_all AND 'modify_all' <> ALL (r.privileges) AS modify_all
		FROM revoked r JOIN spsa.object_permission p ON p.set_id = r.set_id AND p.object = r.object
	),
	gone AS (
		DELETE FROM spsa.object_permission p USING rest r
		WHERE p.set_id = r.set_id AND p.object = r.object
			AND NOT (r.can_read OR r.can_create OR r.can_edit OR r.can_delete OR r.view_all OR r.modify_all)
		RETURNING 1
	),
	changed AS (
		UPDATE spsa.object_permission p
		SET can_read = r.can_read, can_create = r.can_create, can_edit = r.can_edit, can_delete = r.can_delete,
			view_all = r.view_all, modify_all = r.modify_all
		FROM rest r
		WHERE p.set_id = r.set_id AND p.object = r.object
			AND (r.can_read OR r.can_create OR r.can_edit OR r.can_delete OR r.view_all OR r.modify_all)
			AND (p.can_read, p.can_create, p.can_edit, p.can_delete, p.view_all, p.modify_all)
				<> (r.can_read, r.can_create, r.can_edit, r.can_delete, r.view_all, r.modify_all)
		RETURNING 1
	),
	fields AS (
		DELETE FROM spsa.field_permission f USING i
		WHERE f.set_id = i.set_id AND f.object = i.object AND i.privileges IS NULL
		RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM changed) OR EXISTS (SELECT FROM fields) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_object(text, regclass, text[]) IS
'takes privileges on an object from a permission set, and with them those that need them (with read all of them; with edit delete and modify_all); from a muting set only those named. With the last one the set''s row scopes on the object go as well. privileges null: all, and the set''s privileges on the object''s fields. True if it had any of them. Holds in every backend at the next statement.
Errors: 42704 unknown set; 42P01 unknown object; 22023 unknown privilege.';

CREATE FUNCTION @extschema@.spsa_revoke_rows(permission_set text, object regclass, field name DEFAULT NULL, operator text DEFAULT NULL)
	RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_set(permission_set) AS set_id),
	gone AS (
		DELETE FROM spsa.row_scope r USING i
		WHERE r.set_id = i.set_id AND r.object = spsa_revoke_rows.object
			AND (spsa_revoke_rows.field IS NULL OR r.field = spsa_revoke_rows.field)
			AND (spsa_revoke_rows.operator IS NULL OR r.operator = spsa_revoke_rows.operator)
		RETURNING 1
	)
	SELECT (SELECT pg_catalog.count(*) FROM gone)::integer FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_rows(text, regclass, name, text) IS
'takes row scopes on an object from a permission set; the number of them. field, operator: only the scopes of this field, with this operator. The set stays row-scoped: without any scope it reaches no row. Scopes of several fields or operators join by AND, so to take one of several away widens what the set reaches.
Errors: 42704 unknown set; 42P01 unknown object.';

CREATE FUNCTION @extschema@.spsa_assign(user_name text, permission_set text, expires_at timestamptz DEFAULT NULL,
	starts_at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM spsa.assignment a
	WHERE a.user_id = (SELECT spsa.find_user(user_name)) AND a.set_id = (SELECT spsa.find_set(permission_set))
		AND a.expires_at <= pg_catalog.clock_timestamp();
	INSERT INTO spsa.assignment AS a (user_id, set_id, expires_at, starts_at)
	VALUES (spsa.find_user(user_name), spsa.find_set(permission_set), spsa_assign.expires_at,
		GREATEST(spsa_assign.starts_at, pg_catalog.now()))
	ON CONFLICT (user_id, set_id) DO UPDATE
	SET expires_at = COALESCE(spsa_assign.expires_at, a.expires_at),
		starts_at = CASE WHEN spsa_assign.starts_at IS NULL THEN a.starts_at
			WHEN spsa_assign.starts_at <= pg_catalog.now() THEN LEAST(a.starts_at, pg_catalog.now())
			ELSE spsa_assign.starts_at END
	WHERE a.expires_at IS DISTINCT FROM COALESCE(spsa_assign.expires_at, a.expires_at)
		OR a.starts_at <> CASE WHEN spsa_assign.starts_at IS NULL THEN a.starts_at
			WHEN spsa_assign.starts_at <= pg_catalog.now() THEN LEAST(a.starts_at, pg_catalog.now())
			ELSE spsa_assign.starts_at END;
END;
COMMENT ON FUNCTION @extschema@.spsa_assign(text, text, timestamptz, timestamptz) IS
'assigns a permission set or group to a user. expires_at: when the assignment, and with it every activation made under it, ends. starts_at: when it begins, by the clock; null or past: at once. Assigning again keeps the end and the beginning that are not given anew; an assignment that has ended begins anew.
Errors: 42704 unknown user or set; 23514 an end that has passed or is not later than the beginning, or a set that excludes another one of the user''s.';

CREATE FUNCTION @extschema@.spsa_revoke_assignment(user_name text, permission_set text) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_user(user_name) AS user_id, spsa.find_set(permission_set) AS set_id),
	gone AS (
		DELETE FROM spsa.assignment a USING i WHERE a.user_id = i.user_id AND a.set_id = i.set_id RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_assignment(text, text) IS
'takes a permission set from a user, in every backend at the next statement; true if it was assigned. Who did it and when stays in spsa.audit_event (assignment_delete). Errors: 42704 unknown user or set.';

CREATE FUNCTION @extschema@.spsa_revoke_all(user_name text) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_user(user_name) AS user_id),
	gone AS (DELETE FROM spsa.assignment a USING i WHERE a.user_id = i.user_id RETURNING 1)
	SELECT (SELECT pg_catalog.count(*) FROM gone)::integer FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_all(text) IS
'takes all permission sets and groups from a user, in every backend at the next statement; the number of assignments, of those as well that have ended or not begun. The user stays enabled and sessions open. Errors: 42704 unknown user.';

CREATE FUNCTION @extschema@.spsa_user_activity(user_name text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
	RETURNS TABLE (event_id bigint, at timestamptz, event text, session_id uuid, user_name text, set_name text, actor text,
		actor_session_id uuid, database_role text, client_address inet, application_name text, active_sets text[], detail jsonb)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT e.event_id, e.at, e.event, e.session_id, e.user_name, e.set_name, e.actor, e.actor_session_id, e.database_role,
		e.client_address, e.application_name, e.active_sets, e.detail
	FROM spsa.audit_event e
	WHERE (e.user_name = $1 OR e.actor = $1)
		AND e.at >= COALESCE(spsa_user_activity.since, '-infinity') AND e.at < COALESCE(spsa_user_activity.until, 'infinity')
	ORDER BY e.event_id;
END;
COMMENT ON FUNCTION @extschema@.spsa_user_activity(text, timestamptz, timestamptz) IS
'what concerned a user and what the user did, from spsa.audit_event, oldest first; of a user that is gone, too. since, until: of this time and later, of before that time; null: no bound. For roles that may select from spsa.audit_event. Errors: 42501 they may not.';

CREATE FUNCTION @extschema@.spsa_grant_administration(role regrole) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_grant_administration';
COMMENT ON FUNCTION @extschema@.spsa_grant_administration(regrole) IS
'lets a role, and its members, use the administrative functions: EXECUTE on them, USAGE on schema spsa, and of the privileges on its tables those that they need. The role decides who of the application''s users has which permission sets, and may close sessions. It cannot open sessions or activate in those of others, change the database role of a user, delete users, write or change the audit trail, or pass all this on; and it gets no privilege on any table that is protected. For the owner of the extension and superusers.
Errors: 42704 unknown role; 42501 not the owner; 22004 null.';

CREATE FUNCTION @extschema@.spsa_revoke_administration(role regrole) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_revoke_administration';
COMMENT ON FUNCTION @extschema@.spsa_revoke_administration(regrole) IS
'takes from a role EXECUTE on the administrative functions and every privilege that it has on the schema spsa and in it, also those that were granted otherwise; true if it had any. For the owner of the extension and superusers.
Errors: 42704 unknown role; 42501 not the owner; 22004 null; 2BP01 somebody has passed the privileges on.';
