-- admin_model.sql - administration of groups, fields, functions, custom permissions and exclusions; like admin.sql.

CREATE FUNCTION spsa.find_permission(permission_name text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_permission';
COMMENT ON FUNCTION spsa.find_permission(text) IS 'identifier of a custom permission; 42704 if there is none of that name';

--
-- Groups
--
CREATE FUNCTION @extschema@.spsa_add_group_member(permission_set_group text, member text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.group_member (group_id, member_id)
	SELECT spsa.find_set(permission_set_group), spsa.find_set(member)
	ON CONFLICT (group_id, member_id) DO NOTHING;
END;
COMMENT ON FUNCTION @extschema@.spsa_add_group_member(text, text) IS
'adds a permission set to a group, whoever has the group has it from the next statement on; or a muting set, as spsa_mute() does. No error if it is a member already.
Errors: 42704 unknown group or set; 42809 not a group, or a group within a group; 54000 the group has 100 members; 23514 a user would have two sets that exclude each other. Source: Salesforce, permission set groups.';

CREATE FUNCTION @extschema@.spsa_remove_group_member(permission_set_group text, member text) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_set(permission_set_group) AS group_id, spsa.find_set(member) AS member_id),
	gone AS (
		DELETE FROM spsa.group_member m USING i WHERE m.group_id = i.group_id AND m.member_id = i.member_id RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_remove_group_member(text, text) IS
'takes a permission set, or a muting set, out of a group; true if it was a member. What a muting set took away is granted again from the next statement on. Errors: 42704 unknown group or set.';

CREATE FUNCTION @extschema@.spsa_mute(permission_set_group text, muting_set text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.group_member (group_id, member_id)
	SELECT spsa.find_set(permission_set_group), spsa.find_muting_set(muting_set)
	ON CONFLICT (group_id, member_id) DO NOTHING;
END;
COMMENT ON FUNCTION @extschema@.spsa_mute(text, text) IS
'takes away, from what a group grants, what a muting set lists and what depends on that; what users have by other ways stays. The muting set is made with kind muting and filled with the spsa_grant_ functions. spsa_remove_group_member() undoes it. No error if it is muted already.
Errors: 42704 unknown group or set; 42809 not a group, not a muting set; 54000 the group has 100 members. Source: Salesforce, muting permission sets.';

CREATE FUNCTION @extschema@.spsa_set_member_activation(permission_set_group text, member_activation text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_set(permission_set_group) AS set_id),
	changed AS (
		UPDATE spsa.permission_set s SET member_activation = spsa_set_member_activation.member_activation
		FROM i
		WHERE s.set_id = i.set_id AND s.member_activation IS DISTINCT FROM spsa_set_member_activation.member_activation
		RETURNING 1
	)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_set_member_activation(text, text) IS
'says what becomes of members of a group that require activation. keep: they require it within the group too; bypass, as in Salesforce: they do not, only the group itself may. Null: keep.
Errors: 42704 unknown group; 22023 another word, or not a group.';

--
-- Fields
--
CREATE FUNCTION @extschema@.spsa_grant_field(permission_set text, object regclass, field name, privileges text[]) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- What is there counts if it is of the same column, not of one that had the name before.
	INSERT INTO spsa.field_permission AS p (set_id, object, field, can_read, can_edit)
	SELECT i.set_id, i.object, i.field,
		'read' = ANY (i.privileges) OR COALESCE(f.can_read, false), 'edit' = ANY (i.privileges) OR COALESCE(f.can_edit, false)
	FROM (SELECT spsa.find_set(permission_set) AS set_id, spsa_grant_field.object AS object, spsa_grant_field.field AS field,
			spsa.check_privileges(spsa_grant_field.privileges, ARRAY['read', 'edit']) AS privileges OFFSET 0) i
		LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.object AND a.attname = i.field AND NOT a.attisdropped
		LEFT JOIN spsa.field_permission f
			ON f.set_id = i.set_id AND f.object = i.object AND f.field = i.field AND f.field_number = a.attnum
	ON CONFLICT (set_id, object, field) DO UPDATE
	SET can_read = (p.can_read AND p.field_number = excluded.field_number) OR excluded.can_read,
		can_edit = (p.can_edit AND p.field_number = excluded.field_number) OR excluded.can_edit;
END;
COMMENT ON FUNCTION @extschema@.spsa_grant_field(text, regclass, name, text[]) IS
'adds privileges (read, edit) on a column to a permission set; they matter where the column is protected, together with the same privilege on the object. To a muting set: what it takes away in its groups.
Errors: 42704 unknown set; 42P01 unknown object; 42703 unknown field; 22023 unknown privilege; 23514 edit without read; 42809 not a table, or a group; 0A000 a temporary table. Source: Salesforce, field-level security.';

CREATE FUNCTION @extschema@.spsa_revoke_field(permission_set text, object regclass, field name, privileges text[] DEFAULT NULL)
	RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (
		SELECT spsa.find_set(permission_set) AS set_id,
			CASE WHEN spsa_revoke_field.privileges IS NULL THEN ARRAY['read', 'edit']
				ELSE spsa.check_privileges(spsa_revoke_field.privileges, ARRAY['read', 'edit']) END AS privileges
	),
	rest AS MATERIALIZED (
		SELECT f.set_id, f.object, f.field, f.can_read AND 'read' <> ALL (i.privileges) AS can_read,
			f.can_edit AND 'edit' <> ALL (i.privileges) AND (f.muting OR 'read' <> ALL (i.privileges)) AS can_edit
		FROM i JOIN spsa.field_permission f ON f.set_id = i.set_id
		WHERE f.object = spsa_revoke_field.object AND f.field = spsa_revoke_field.field
	),
	gone AS (
		DELETE FROM spsa.field_permission f USING rest r
		WHERE f.set_id = r.set_id AND f.object = r.object AND f.field = r.field AND NOT (r.can_read OR r.can_edit)
		RETURNING 1
	),
	changed AS (
		UPDATE spsa.field_permission f SET can_read = r.can_read, can_edit = r.can_edit
		FROM rest r
		WHERE f.set_id = r.set_id AND f.object = r.object AND f.field = r.field AND (r.can_read OR r.can_edit)
			AND (f.can_read, f.can_edit) <> (r.can_read, r.can_edit)
		RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM changed) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_field(text, regclass, name, text[]) IS
'takes privileges on a column from a permission set, with read also edit; from a muting set only those named. privileges null: all. True if it had any of them.
Errors: 42704 unknown set; 42P01 unknown object; 22023 unknown privilege.';

--
-- Functions
--
CREATE FUNCTION @extschema@.spsa_grant_function(permission_set text, function regprocedure) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.function_permission (set_id, function)
	SELECT spsa.find_set(permission_set),
		(SELECT f.identity FROM pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, spsa_grant_function.function, 0) f)
	ON CONFLICT (set_id, function) DO NOTHING;
END;
COMMENT ON FUNCTION @extschema@.spsa_grant_function(text, regprocedure) IS
'lets a permission set call a function or procedure; to a muting set: takes it away in its groups. Granting again is no error.
Errors: 42704 unknown set; 42883 unknown function; 42809 a function of the system, or a group; 23502 null.';

CREATE FUNCTION @extschema@.spsa_revoke_function(permission_set text, function regprocedure) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (
		SELECT spsa.find_set(permission_set) AS set_id,
			(SELECT f.identity FROM pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, spsa_revoke_function.function, 0) f) AS function
	),
	gone AS (
		DELETE FROM spsa.function_permission p USING i WHERE p.set_id = i.set_id AND p.function = i.function RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_function(text, regprocedure) IS
'takes a function or procedure from a permission set; true if it had it. Errors: 42704 unknown set; 42883 unknown function.';

--
-- Custom permissions
--
CREATE FUNCTION @extschema@.spsa_create_custom_permission(permission_name text, label text DEFAULT NULL, description text DEFAULT NULL)
	RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.custom_permission (permission_name, label, description)
	VALUES (permission_name, label, description)
	RETURNING permission_id;
END;
COMMENT ON FUNCTION @extschema@.spsa_create_custom_permission(text, text, text) IS
'makes a custom permission, which applications and policies ask for with spsa_has_permission(); the identifier. permission_name: as names of permission sets.
Errors: 22023 bad name; 23505 the name is taken; 22004 null. Source: Salesforce, custom permissions.';

CREATE FUNCTION @extschema@.spsa_drop_custom_permission(permission_name text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM spsa.custom_permission_grant g
	WHERE g.permission_id = (SELECT spsa.find_permission(spsa_drop_custom_permission.permission_name));
	WITH i AS MATERIALIZED (SELECT spsa.find_permission(spsa_drop_custom_permission.permission_name) AS permission_id),
	gone AS (DELETE FROM spsa.custom_permission c USING i WHERE c.permission_id = i.permission_id RETURNING 1)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_drop_custom_permission(text) IS
'drops a custom permission and takes it from all sets; whoever asks for it then gets an error (42704). Errors: 42704 unknown custom permission; 42501 it is built in.';

CREATE FUNCTION @extschema@.spsa_grant_permission(permission_set text, custom_permission text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.custom_permission_grant (set_id, permission_id)
	SELECT spsa.find_set(permission_set), spsa.find_permission(custom_permission)
	ON CONFLICT (set_id, permission_id) DO NOTHING;
END;
COMMENT ON FUNCTION @extschema@.spsa_grant_permission(text, text) IS
'adds a custom permission, one''s own or one that is built in, to a permission set; to a muting set: takes it away in its groups. Granting again is no error. Errors: 42704 unknown set or custom permission; 42809 a group.';

CREATE FUNCTION @extschema@.spsa_revoke_permission(permission_set text, custom_permission text) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (
		SELECT spsa.find_set(permission_set) AS set_id, spsa.find_permission(custom_permission) AS permission_id
	),
	gone AS (
		DELETE FROM spsa.custom_permission_grant g USING i
		WHERE g.set_id = i.set_id AND g.permission_id = i.permission_id
		RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_revoke_permission(text, text) IS
'takes a custom permission from a permission set; true if it had it. Errors: 42704 unknown set or custom permission.';

--
-- Exclusions
--
CREATE FUNCTION @extschema@.spsa_exclude(set_a text, set_b text, kind text DEFAULT 'static') RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.exclusion AS e (set_a, set_b, kind)
	SELECT spsa.find_set(spsa_exclude.set_a), spsa.find_set(spsa_exclude.set_b), spsa_exclude.kind
	ON CONFLICT (set_a, set_b) DO UPDATE SET kind = excluded.kind WHERE e.kind <> excluded.kind;
END;
COMMENT ON FUNCTION @extschema@.spsa_exclude(text, text, text) IS
'makes two permission sets or groups exclude each other, in either order. kind static: no user has both, directly or by groups; dynamic: no session has both in effect. Excluding again with another kind changes it.
Errors: 42704 unknown set; 22023 unknown kind, or a set with itself; 42809 a muting set; 23514 a user has both already (static). Source: ANSI INCITS 359, static and dynamic separation of duty.';

CREATE FUNCTION @extschema@.spsa_remove_exclusion(set_a text, set_b text) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (
		SELECT spsa.find_set(spsa_remove_exclusion.set_a) AS one, spsa.find_set(spsa_remove_exclusion.set_b) AS other
	),
	gone AS (
		DELETE FROM spsa.exclusion e USING i WHERE e.set_a = LEAST(i.one, i.other) AND e.set_b = GREATEST(i.one, i.other)
		RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_remove_exclusion(text, text) IS
'lets two permission sets be had together again, in either order; true if they excluded each other. Errors: 42704 unknown set.';
