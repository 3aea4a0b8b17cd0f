-- admin.sql - administration. These run with the rights of the caller, who needs privileges on the tables as well;
-- spsa_disable_user() alone, which is urgent, needs EXECUTE only.

CREATE FUNCTION spsa.find_user(user_name text) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_user';
COMMENT ON FUNCTION spsa.find_user(text) IS 'identifier of a user; 42704 if there is none of that name';

CREATE FUNCTION spsa.find_set(set_name text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_set';
COMMENT ON FUNCTION spsa.find_set(text) IS 'identifier of a permission set; 42704 if there is none of that name';

CREATE FUNCTION spsa.check_privileges(privileges text[], allowed text[]) RETURNS text[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_check_privileges';
COMMENT ON FUNCTION spsa.check_privileges(text[], text[]) IS 'its first argument; 22023 if that is empty or names anything that the second does not list';

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

CREATE FUNCTION @extschema@.spsa_create_permission_set(set_name text, label text DEFAULT NULL,
	activation_required boolean DEFAULT false, kind text DEFAULT 'set', description text DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.permission_set (set_name, label, activation_required, kind, description)
	VALUES (set_name, label, activation_required, kind, description)
	RETURNING set_id;
END;
COMMENT ON FUNCTION @extschema@.spsa_create_permission_set(text, text, boolean, text, text) IS
'makes a permission set; the identifier. set_name: at most 80 characters, letters, digits and single underscores, begins with a letter, no underscore at the end. activation_required: grants nothing until activated for a session.
Errors: 22023 bad name or kind; 23505 the name is taken.';

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
'adds privileges (read, create, edit, delete, view_all, modify_all) on an object to a permission set. row_scoped: they reach only the rows of the set''s row scopes; once set it stays.
Errors: 42704 unknown set; 42P01 unknown object; 22023 unknown privilege; 23514 a privilege that needs another one; 42809 not a table.
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

CREATE FUNCTION @extschema@.spsa_assign(user_name text, permission_set text, expires_at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM spsa.assignment a
	WHERE a.user_id = spsa.find_user(user_name) AND a.set_id = spsa.find_set(permission_set)
		AND a.expires_at <= pg_catalog.clock_timestamp();
	INSERT INTO spsa.assignment AS a (user_id, set_id, expires_at)
	VALUES (spsa.find_user(user_name), spsa.find_set(permission_set), spsa_assign.expires_at)
	ON CONFLICT (user_id, set_id) DO UPDATE SET expires_at = excluded.expires_at
		WHERE excluded.expires_at IS NOT NULL AND a.expires_at IS DISTINCT FROM excluded.expires_at;
END;
COMMENT ON FUNCTION @extschema@.spsa_assign(text, text, timestamptz) IS
'assigns a permission set to a user. expires_at: when the assignment ends; assigning again without it keeps the end that was set. Errors: 42704 unknown user or set; 23514 an end that has passed.';

CREATE FUNCTION @extschema@.spsa_revoke_assignment(user_name text, permission_set text) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH gone AS (
		DELETE FROM spsa.assignment a
		WHERE a.user_id = spsa.find_user(user_name) AND a.set_id = spsa.find_set(permission_set)
		RETURNING 1
	)
	SELECT pg_catalog.count(*) > 0 FROM gone;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_assignment(text, text) IS
'takes a permission set from a user, in every backend at the next statement; true if it was assigned. Errors: 42704 unknown user or set.';
