-- model.sql - the rest of the permission model: groups, fields, functions, custom permissions, exclusions.
--
-- The backends read these tables by column position (src/base/table.h): add columns at the end only.

CREATE TABLE spsa.group_member (
	group_id integer NOT NULL,
	member_id integer NOT NULL,
	added_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT group_member_pkey PRIMARY KEY (group_id, member_id),
	CONSTRAINT group_member_group_id_fkey FOREIGN KEY (group_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT group_member_member_id_fkey FOREIGN KEY (member_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE
);
CREATE INDEX group_member_member_id_idx ON spsa.group_member (member_id);
COMMENT ON TABLE spsa.group_member IS 'permission sets and muting sets of groups, at most 100 in each';
COMMENT ON COLUMN spsa.group_member.group_id IS 'permission set of kind group';
COMMENT ON COLUMN spsa.group_member.member_id IS 'permission set of kind set, which the group grants, or of kind muting, which takes away from what the group grants';
COMMENT ON COLUMN spsa.group_member.added_at IS 'when it was added; activations by way of the group that are older do not count';

CREATE TABLE spsa.field_permission (
	set_id integer NOT NULL,
	object regclass NOT NULL,
	field name NOT NULL,
	can_read boolean NOT NULL DEFAULT false,
	can_edit boolean NOT NULL DEFAULT false,
	field_number smallint NOT NULL DEFAULT 0,
	muting boolean NOT NULL DEFAULT false,
	CONSTRAINT field_permission_pkey PRIMARY KEY (set_id, object, field),
	CONSTRAINT field_permission_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT field_permission_edit_needs_read CHECK (can_read OR NOT can_edit OR muting)
);
CREATE INDEX field_permission_object_idx ON spsa.field_permission (object);
COMMENT ON TABLE spsa.field_permission IS 'privileges of a permission set on protected fields';
COMMENT ON COLUMN spsa.field_permission.set_id IS 'permission set that grants; of kind muting: that mutes';
COMMENT ON COLUMN spsa.field_permission.object IS 'relation';
COMMENT ON COLUMN spsa.field_permission.field IS 'column of it';
COMMENT ON COLUMN spsa.field_permission.can_read IS 'may read the column';
COMMENT ON COLUMN spsa.field_permission.can_edit IS 'may write the column; needs read';
COMMENT ON COLUMN spsa.field_permission.field_number IS 'number of the column; the permission holds only while the column with this number has this name';
COMMENT ON COLUMN spsa.field_permission.muting IS 'the set is of kind muting';

CREATE TABLE spsa.function_permission (
	set_id integer NOT NULL,
	function text COLLATE "C" NOT NULL,
	CONSTRAINT function_permission_pkey PRIMARY KEY (set_id, function),
	CONSTRAINT function_permission_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE
);
CREATE INDEX function_permission_function_idx ON spsa.function_permission (function);
COMMENT ON TABLE spsa.function_permission IS 'protected functions that a permission set lets call';
COMMENT ON COLUMN spsa.function_permission.set_id IS 'permission set that grants; of kind muting: that mutes';
COMMENT ON COLUMN spsa.function_permission.function IS 'qualified signature of the function or procedure, as in public.raise_salary(integer,numeric)';

CREATE SEQUENCE spsa.custom_permission_id_seq AS integer START WITH 101;
CREATE TABLE spsa.custom_permission (
	permission_id integer NOT NULL DEFAULT pg_catalog.nextval('spsa.custom_permission_id_seq'),
	permission_name text COLLATE "C" NOT NULL,
	label text,
	description text,
	CONSTRAINT custom_permission_pkey PRIMARY KEY (permission_id),
	CONSTRAINT custom_permission_permission_name_key UNIQUE (permission_name),
	CONSTRAINT custom_permission_permission_name_check
		CHECK (pg_catalog.length(permission_name) <= 80 AND permission_name ~ '^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$')
);
ALTER SEQUENCE spsa.custom_permission_id_seq OWNED BY spsa.custom_permission.permission_id;
COMMENT ON SEQUENCE spsa.custom_permission_id_seq IS 'identifiers of custom permissions; those up to 100 are built in';
COMMENT ON TABLE spsa.custom_permission IS 'permissions that an application, or spsa itself, asks for by name: spsa_has_permission';
COMMENT ON COLUMN spsa.custom_permission.permission_id IS 'identifier; up to 100: built in';
COMMENT ON COLUMN spsa.custom_permission.permission_name IS 'unique name: at most 80 characters, letters, digits and single underscores, begins with a letter, no underscore at the end';
COMMENT ON COLUMN spsa.custom_permission.label IS 'name for people';
COMMENT ON COLUMN spsa.custom_permission.description IS 'what the permission is for';
INSERT INTO spsa.custom_permission (permission_id, permission_name, label, description) VALUES
	(1, 'manage_activations', 'Manage activations', 'activate and deactivate permission sets in sessions of others'),
	(2, 'run_flows', 'Run flows', 'run flows, in the sessions that one may manage'),
	(3, 'approve_activations', 'Approve activations', 'decide on requests of others to activate a permission set, and review activations in emergencies'),
	(4, 'view_setup', 'View setup', 'see the activations of all sessions');

CREATE TABLE spsa.custom_permission_grant (
	set_id integer NOT NULL,
	permission_id integer NOT NULL,
	CONSTRAINT custom_permission_grant_pkey PRIMARY KEY (set_id, permission_id),
	CONSTRAINT custom_permission_grant_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT custom_permission_grant_permission_id_fkey FOREIGN KEY (permission_id)
		REFERENCES spsa.custom_permission (permission_id) ON DELETE CASCADE
);
CREATE INDEX custom_permission_grant_permission_id_idx ON spsa.custom_permission_grant (permission_id);
COMMENT ON TABLE spsa.custom_permission_grant IS 'custom permissions of permission sets';
COMMENT ON COLUMN spsa.custom_permission_grant.set_id IS 'permission set that grants; of kind muting: that mutes';
COMMENT ON COLUMN spsa.custom_permission_grant.permission_id IS 'custom permission';

CREATE TABLE spsa.protected_field (
	object regclass NOT NULL,
	field name NOT NULL,
	field_number smallint NOT NULL DEFAULT 0,
	protected_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT protected_field_pkey PRIMARY KEY (object, field)
);
COMMENT ON TABLE spsa.protected_field IS 'columns that need a field permission';
COMMENT ON COLUMN spsa.protected_field.object IS 'relation';
COMMENT ON COLUMN spsa.protected_field.field IS 'column of it';
COMMENT ON COLUMN spsa.protected_field.field_number IS 'number of the column';
COMMENT ON COLUMN spsa.protected_field.protected_at IS 'when it was protected';

CREATE TABLE spsa.protected_function (
	function text COLLATE "C" NOT NULL,
	protected_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT protected_function_pkey PRIMARY KEY (function)
);
COMMENT ON TABLE spsa.protected_function IS 'functions and procedures that need a function permission';
COMMENT ON COLUMN spsa.protected_function.function IS 'qualified signature, as in public.raise_salary(integer,numeric)';
COMMENT ON COLUMN spsa.protected_function.protected_at IS 'when it was protected';

CREATE TABLE spsa.exclusion (
	set_a integer NOT NULL,
	set_b integer NOT NULL,
	kind text NOT NULL,
	CONSTRAINT exclusion_pkey PRIMARY KEY (set_a, set_b),
	CONSTRAINT exclusion_set_a_fkey FOREIGN KEY (set_a) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT exclusion_set_b_fkey FOREIGN KEY (set_b) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT exclusion_order_check CHECK (set_a < set_b),
	CONSTRAINT exclusion_kind_check CHECK (kind IN ('static', 'dynamic'))
);
CREATE INDEX exclusion_set_b_idx ON spsa.exclusion (set_b);
COMMENT ON TABLE spsa.exclusion IS 'pairs of permission sets or groups that one user must not have together (separation of duty)';
COMMENT ON COLUMN spsa.exclusion.set_a IS 'the one with the lower identifier; the order of an INSERT does not matter';
COMMENT ON COLUMN spsa.exclusion.set_b IS 'the other one';
COMMENT ON COLUMN spsa.exclusion.kind IS 'static: never both assigned to a user; dynamic: never both in effect in a session: if both come into force, neither is in effect';

CREATE TABLE spsa.masked_view (
	view regclass NOT NULL,
	object regclass NOT NULL,
	owner regrole NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT masked_view_pkey PRIMARY KEY (view)
);
CREATE INDEX masked_view_owner_idx ON spsa.masked_view (owner);
CREATE INDEX masked_view_object_idx ON spsa.masked_view (object);
COMMENT ON TABLE spsa.masked_view IS 'views in which fields that cannot be read are null, as spsa_create_masked_view() made them';
COMMENT ON COLUMN spsa.masked_view.view IS 'the view';
COMMENT ON COLUMN spsa.masked_view.object IS 'the table that it shows';
COMMENT ON COLUMN spsa.masked_view.owner IS 'role that owned the view when it was made, and reads the table for it without field permissions';
COMMENT ON COLUMN spsa.masked_view.created_at IS 'when it was made first';

SELECT pg_catalog.pg_extension_config_dump('spsa.group_member', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.field_permission', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.function_permission', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.custom_permission', 'WHERE permission_id > 100');
SELECT pg_catalog.pg_extension_config_dump('spsa.custom_permission_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.custom_permission_grant', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.protected_field', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.protected_function', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.exclusion', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.masked_view', '');
