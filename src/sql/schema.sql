-- schema.sql - the data model.
--
-- Identifying names are COLLATE "C": their uniqueness must not depend on the version of a collation library.
-- The backends read these tables by column position (src/base/table.h): add columns at the end only.

CREATE TYPE spsa.security_level AS ENUM ('standard', 'high_assurance');
COMMENT ON TYPE spsa.security_level IS 'how well the user of a session has authenticated';

CREATE SEQUENCE spsa.app_user_id_seq AS bigint;
CREATE TABLE spsa.app_user (
	user_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.app_user_id_seq'),
	user_name text COLLATE "C" NOT NULL,
	db_role name,
	attributes jsonb NOT NULL DEFAULT '{}',
	is_active boolean NOT NULL DEFAULT true,
	session_limit integer,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT app_user_pkey PRIMARY KEY (user_id),
	CONSTRAINT app_user_user_name_key UNIQUE (user_name),
	CONSTRAINT app_user_db_role_key UNIQUE (db_role),
	CONSTRAINT app_user_user_name_check
		CHECK (pg_catalog.length(user_name) BETWEEN 1 AND 255 AND user_name !~ '[[:cntrl:]]' AND pg_catalog.btrim(user_name) = user_name),
	CONSTRAINT app_user_attributes_check CHECK (pg_catalog.jsonb_typeof(attributes) = 'object'),
	CONSTRAINT app_user_session_limit_check CHECK (session_limit > 0)
);
ALTER SEQUENCE spsa.app_user_id_seq OWNED BY spsa.app_user.user_id;
COMMENT ON SEQUENCE spsa.app_user_id_seq IS 'identifiers of users';
COMMENT ON TABLE spsa.app_user IS 'users of the application, to whom permission sets are assigned';
COMMENT ON COLUMN spsa.app_user.user_id IS 'identifier of the user';
COMMENT ON COLUMN spsa.app_user.user_name IS 'unique name, 1 to 255 characters, as the application knows the user';
COMMENT ON COLUMN spsa.app_user.db_role IS 'database role that logs in as this user (spsa_open_own_session), or null';
COMMENT ON COLUMN spsa.app_user.attributes IS 'JSON object of attributes for row scopes; a session cannot contradict them';
COMMENT ON COLUMN spsa.app_user.is_active IS 'false ends all authority of the user at the next statement';
COMMENT ON COLUMN spsa.app_user.session_limit IS 'most live sessions at a time, those that are derived from others not counted; null for what spsa.session_limit says';
COMMENT ON COLUMN spsa.app_user.created_at IS 'when the row was made';

CREATE SEQUENCE spsa.permission_set_id_seq AS integer;
CREATE TABLE spsa.permission_set (
	set_id integer NOT NULL DEFAULT pg_catalog.nextval('spsa.permission_set_id_seq'),
	set_name text COLLATE "C" NOT NULL,
	kind text NOT NULL DEFAULT 'set',
	label text,
	description text,
	activation_required boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	member_activation text,
	CONSTRAINT permission_set_pkey PRIMARY KEY (set_id),
	CONSTRAINT permission_set_set_name_key UNIQUE (set_name),
	CONSTRAINT permission_set_set_name_check
		CHECK (pg_catalog.length(set_name) <= 80 AND set_name ~ '^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$'),
	CONSTRAINT permission_set_kind_check CHECK (kind IN ('set', 'group', 'muting')),
	CONSTRAINT permission_set_member_activation_check
		CHECK (CASE WHEN kind = 'group' THEN COALESCE(member_activation IN ('keep', 'bypass'), false) ELSE member_activation IS NULL END),
	CONSTRAINT permission_set_activation_required_check CHECK (kind <> 'muting' OR NOT activation_required)
);
ALTER SEQUENCE spsa.permission_set_id_seq OWNED BY spsa.permission_set.set_id;
COMMENT ON SEQUENCE spsa.permission_set_id_seq IS 'identifiers of permission sets';
COMMENT ON TABLE spsa.permission_set IS 'permission sets: named bundles of permissions';
COMMENT ON COLUMN spsa.permission_set.set_id IS 'identifier of the permission set';
COMMENT ON COLUMN spsa.permission_set.set_name IS 'unique name: at most 80 characters, letters, digits and single underscores, begins with a letter, no underscore at the end';
COMMENT ON COLUMN spsa.permission_set.kind IS 'kind of bundle: set, group (of sets and muting sets), or muting (of a group); it cannot be changed';
COMMENT ON COLUMN spsa.permission_set.label IS 'name for people';
COMMENT ON COLUMN spsa.permission_set.description IS 'what the set is for';
COMMENT ON COLUMN spsa.permission_set.activation_required IS 'true: grants nothing until activated for a session; of a group: none of its members does by way of the group';
COMMENT ON COLUMN spsa.permission_set.created_at IS 'when the row was made';
COMMENT ON COLUMN spsa.permission_set.member_activation IS 'of a group: keep, a member that requires activation requires it within the group too; bypass, the group''s activation is enough';

CREATE TABLE spsa.object_permission (
	set_id integer NOT NULL,
	object regclass NOT NULL,
	can_read boolean NOT NULL DEFAULT false,
	can_create boolean NOT NULL DEFAULT false,
	can_edit boolean NOT NULL DEFAULT false,
	can_delete boolean NOT NULL DEFAULT false,
	view_all boolean NOT NULL DEFAULT false,
	modify_all boolean NOT NULL DEFAULT false,
	row_scoped boolean NOT NULL DEFAULT false,
	muting boolean NOT NULL DEFAULT false,
	CONSTRAINT object_permission_pkey PRIMARY KEY (set_id, object),
	CONSTRAINT object_permission_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT object_permission_create_needs_read CHECK (can_read OR NOT can_create OR muting),
	CONSTRAINT object_permission_edit_needs_read CHECK (can_read OR NOT can_edit OR muting),
	CONSTRAINT object_permission_delete_needs_read_edit CHECK ((can_read AND can_edit) OR NOT can_delete OR muting),
	CONSTRAINT object_permission_view_all_needs_read CHECK (can_read OR NOT view_all OR muting),
	CONSTRAINT object_permission_modify_all_needs_all
		CHECK ((can_read AND can_edit AND can_delete AND view_all) OR NOT modify_all OR muting),
	CONSTRAINT object_permission_muting_check CHECK (NOT muting OR NOT row_scoped)
);
CREATE INDEX object_permission_object_idx ON spsa.object_permission (object);
COMMENT ON TABLE spsa.object_permission IS 'privileges of a permission set on an object; no row grants nothing';
COMMENT ON COLUMN spsa.object_permission.set_id IS 'permission set that grants; of kind muting: that mutes';
COMMENT ON COLUMN spsa.object_permission.object IS 'relation on which it grants';
COMMENT ON COLUMN spsa.object_permission.can_read IS 'may select rows';
COMMENT ON COLUMN spsa.object_permission.can_create IS 'may insert rows; needs read';
COMMENT ON COLUMN spsa.object_permission.can_edit IS 'may update rows; needs read';
COMMENT ON COLUMN spsa.object_permission.can_delete IS 'may delete rows; needs read and edit';
COMMENT ON COLUMN spsa.object_permission.view_all IS 'reads all rows whatever the row scopes; needs read';
COMMENT ON COLUMN spsa.object_permission.modify_all IS 'edits and deletes all rows whatever the row scopes; needs read, edit, delete and view_all';
COMMENT ON COLUMN spsa.object_permission.row_scoped IS 'true: reaches only the rows of the set''s row scopes, no row without a usable one';
COMMENT ON COLUMN spsa.object_permission.muting IS 'the set is of kind muting: the privileges, and those that need them, are taken away';

CREATE SEQUENCE spsa.row_scope_id_seq AS bigint;
CREATE TABLE spsa.row_scope (
	scope_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.row_scope_id_seq'),
	set_id integer NOT NULL,
	object regclass NOT NULL,
	field name NOT NULL,
	operator text NOT NULL DEFAULT '=',
	literals text[],
	attribute text,
	privileges text[],
	field_type regtype,
	field_number smallint,
	CONSTRAINT row_scope_pkey PRIMARY KEY (scope_id),
	CONSTRAINT row_scope_object_permission_fkey FOREIGN KEY (set_id, object)
		REFERENCES spsa.object_permission (set_id, object) ON DELETE CASCADE,
	CONSTRAINT row_scope_operator_check CHECK (operator IN ('=', '<', '<=', '>', '>=', 'is null')),
	CONSTRAINT row_scope_value_check
		CHECK (CASE WHEN operator = 'is null' THEN literals IS NULL AND attribute IS NULL
			ELSE (literals IS NULL) <> (attribute IS NULL) END),
	CONSTRAINT row_scope_literals_check
		CHECK (pg_catalog.array_ndims(literals) = 1 AND pg_catalog.array_position(literals, NULL) IS NULL),
	CONSTRAINT row_scope_privileges_check
		CHECK (pg_catalog.cardinality(privileges) > 0 AND privileges <@ ARRAY['read', 'create', 'edit', 'delete'])
);
ALTER SEQUENCE spsa.row_scope_id_seq OWNED BY spsa.row_scope.scope_id;
CREATE INDEX row_scope_set_id_object_idx ON spsa.row_scope (set_id, object);
CREATE INDEX row_scope_object_idx ON spsa.row_scope (object);
COMMENT ON SEQUENCE spsa.row_scope_id_seq IS 'identifiers of row scopes';
COMMENT ON TABLE spsa.row_scope IS 'rows that a permission set reaches on an object whose permission is row_scoped';
COMMENT ON COLUMN spsa.row_scope.scope_id IS 'identifier of the row scope';
COMMENT ON COLUMN spsa.row_scope.set_id IS 'permission set';
COMMENT ON COLUMN spsa.row_scope.object IS 'relation whose rows are scoped';
COMMENT ON COLUMN spsa.row_scope.field IS 'column that is compared, under the name by which the policy passes it';
COMMENT ON COLUMN spsa.row_scope.operator IS '=, <, <=, >, >= (field operator value) or is null';
COMMENT ON COLUMN spsa.row_scope.literals IS 'values, in the canonical text form of the field''s type; any of them matches';
COMMENT ON COLUMN spsa.row_scope.attribute IS 'session attribute that gives the value; any element of a JSON array matches';
COMMENT ON COLUMN spsa.row_scope.privileges IS 'privileges (read, create, edit, delete) that the scope is for; null: all that the set grants';
COMMENT ON COLUMN spsa.row_scope.field_type IS 'type of the field when the scope was written; a field of another type matches no row; null: none does';
COMMENT ON COLUMN spsa.row_scope.field_number IS 'number of the column; 0: the column is gone, and the scope matches no row; null: not known, for the scope was restored under a name that the column had';

CREATE TABLE spsa.protected_object (
	object regclass NOT NULL,
	row_fields name[] NOT NULL DEFAULT '{}',
	on_denied text NOT NULL DEFAULT 'hide',
	as_restrictive boolean NOT NULL DEFAULT true,
	protected_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	force boolean NOT NULL DEFAULT true,
	root regclass,
	CONSTRAINT protected_object_pkey PRIMARY KEY (object),
	CONSTRAINT protected_object_on_denied_check CHECK (on_denied IN ('hide', 'error')),
	CONSTRAINT protected_object_root_check CHECK (root <> object)
);
CREATE INDEX protected_object_root_idx ON spsa.protected_object (root);
COMMENT ON TABLE spsa.protected_object IS 'objects under spsa_protect, and the partitions and inheritance children below them';
COMMENT ON COLUMN spsa.protected_object.object IS 'the relation';
COMMENT ON COLUMN spsa.protected_object.row_fields IS 'columns that the policies pass to spsa_allows_row';
COMMENT ON COLUMN spsa.protected_object.on_denied IS 'what a statement meets to which nothing of the object is granted: hide, no rows; error, 42501';
COMMENT ON COLUMN spsa.protected_object.as_restrictive IS 'true: restrictive policies, which no other policy can widen';
COMMENT ON COLUMN spsa.protected_object.protected_at IS 'when it was protected first';
COMMENT ON COLUMN spsa.protected_object.force IS 'of what is no table: guarded against its owner too; tables keep that as FORCE ROW LEVEL SECURITY';
COMMENT ON COLUMN spsa.protected_object.root IS 'of a partition or inheritance child: the table that was protected, with which it is protected, and whose permissions are asked for; null: the object''s own';

CREATE SEQUENCE spsa.assignment_id_seq AS bigint;
CREATE TABLE spsa.assignment (
	assignment_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.assignment_id_seq'),
	user_id bigint NOT NULL,
	set_id integer NOT NULL,
	assigned_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	assigned_by text NOT NULL DEFAULT SESSION_USER,
	starts_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	expires_at timestamptz,
	CONSTRAINT assignment_pkey PRIMARY KEY (assignment_id),
	CONSTRAINT assignment_user_id_set_id_key UNIQUE (user_id, set_id),
	CONSTRAINT assignment_user_id_fkey FOREIGN KEY (user_id) REFERENCES spsa.app_user (user_id) ON DELETE CASCADE,
	CONSTRAINT assignment_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT assignment_expires_at_check CHECK (expires_at > starts_at)
);
ALTER SEQUENCE spsa.assignment_id_seq OWNED BY spsa.assignment.assignment_id;
CREATE INDEX assignment_set_id_idx ON spsa.assignment (set_id);
COMMENT ON SEQUENCE spsa.assignment_id_seq IS 'identifiers of assignments';
COMMENT ON TABLE spsa.assignment IS 'permission sets of users';
COMMENT ON COLUMN spsa.assignment.assignment_id IS 'identifier of this assignment; a set that is assigned again has another, and needs a new activation';
COMMENT ON COLUMN spsa.assignment.user_id IS 'user';
COMMENT ON COLUMN spsa.assignment.set_id IS 'permission set or group';
COMMENT ON COLUMN spsa.assignment.assigned_at IS 'when it was assigned';
COMMENT ON COLUMN spsa.assignment.assigned_by IS 'database role that assigned it';
COMMENT ON COLUMN spsa.assignment.starts_at IS 'when the assignment begins';
COMMENT ON COLUMN spsa.assignment.expires_at IS 'when the assignment ends, or null';

-- Columns of session are written once. The end of a session is a row of session_end and its last use a row of
-- session_activity: an UPDATE of the session's own row could be blocked by an open transaction of the token's holder.
CREATE TABLE spsa.session (
	session_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	user_id bigint NOT NULL,
	token_hash bytea NOT NULL,
	db_role name,
	parent_id uuid,
	allowed_sets integer[],
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	authenticated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	expires_at timestamptz NOT NULL,
	idle_timeout interval,
	security_level spsa.security_level NOT NULL DEFAULT 'standard',
	login_type text NOT NULL DEFAULT 'application',
	source_ip inet,
	actor text,
	attributes jsonb NOT NULL DEFAULT '{}',
	CONSTRAINT session_pkey PRIMARY KEY (session_id),
	CONSTRAINT session_token_hash_key UNIQUE (token_hash),
	CONSTRAINT session_user_id_fkey FOREIGN KEY (user_id) REFERENCES spsa.app_user (user_id) ON DELETE CASCADE,
	CONSTRAINT session_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES spsa.session (session_id) ON DELETE CASCADE,
	CONSTRAINT session_token_hash_check CHECK (pg_catalog.length(token_hash) = 32),
	CONSTRAINT session_idle_timeout_check CHECK (idle_timeout > '0'),
	CONSTRAINT session_attributes_check CHECK (pg_catalog.jsonb_typeof(attributes) = 'object')
);
CREATE INDEX session_user_id_idx ON spsa.session (user_id);
CREATE INDEX session_parent_id_idx ON spsa.session (parent_id);
CREATE INDEX session_expires_at_idx ON spsa.session (expires_at);
COMMENT ON TABLE spsa.session IS 'authenticated sessions of users, each known to its holder by a token';
COMMENT ON COLUMN spsa.session.session_id IS 'identifier of the session; knowing it gives no authority';
COMMENT ON COLUMN spsa.session.user_id IS 'user who authenticated';
COMMENT ON COLUMN spsa.session.token_hash IS 'SHA-256 of the token that the session was opened with; valid while session_token has none';
COMMENT ON COLUMN spsa.session.db_role IS 'database role whose members may attach the session; null: any role';
COMMENT ON COLUMN spsa.session.parent_id IS 'session from which this one was derived, or null';
COMMENT ON COLUMN spsa.session.allowed_sets IS 'only these sets can be effective in the session; null: all that are assigned';
COMMENT ON COLUMN spsa.session.created_at IS 'when the session was opened';
COMMENT ON COLUMN spsa.session.authenticated_at IS 'when the user authenticated to open it; later times are rows of session_authentication';
COMMENT ON COLUMN spsa.session.expires_at IS 'when the session ends';
COMMENT ON COLUMN spsa.session.idle_timeout IS 'the session ends when it is not used for so long; null: no such limit';
COMMENT ON COLUMN spsa.session.security_level IS 'how well the user authenticated to open it; what was reached later are rows of session_authentication';
COMMENT ON COLUMN spsa.session.login_type IS 'how the session came about, as the opener says';
COMMENT ON COLUMN spsa.session.source_ip IS 'address of the user, as the opener says';
COMMENT ON COLUMN spsa.session.actor IS 'who acts as the user (support), or null';
COMMENT ON COLUMN spsa.session.attributes IS 'JSON object of attributes for row scopes';

-- Append-only, too: a lock on the session's row must not be in the way of a rotation.
CREATE SEQUENCE spsa.session_token_id_seq AS bigint;
CREATE TABLE spsa.session_token (
	session_id uuid NOT NULL,
	token_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.session_token_id_seq'),
	token_hash bytea NOT NULL,
	issued_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT session_token_pkey PRIMARY KEY (session_id, token_id),
	CONSTRAINT session_token_token_hash_key UNIQUE (token_hash),
	CONSTRAINT session_token_token_hash_check CHECK (pg_catalog.length(token_hash) = 32)
);
ALTER SEQUENCE spsa.session_token_id_seq OWNED BY spsa.session_token.token_id;
COMMENT ON SEQUENCE spsa.session_token_id_seq IS 'identifiers of tokens';
COMMENT ON TABLE spsa.session_token IS 'tokens that have replaced the one that a session was opened with; the newest one of a session is valid';
COMMENT ON COLUMN spsa.session_token.session_id IS 'session';
COMMENT ON COLUMN spsa.session_token.token_id IS 'identifier of the token, greater than that of the one that it has replaced';
COMMENT ON COLUMN spsa.session_token.token_hash IS 'SHA-256 of the token';
COMMENT ON COLUMN spsa.session_token.issued_at IS 'when it was issued';

CREATE TABLE spsa.session_activity (
	session_id uuid NOT NULL,
	last_seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT session_activity_pkey PRIMARY KEY (session_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE spsa.session_activity IS 'last use of the sessions that have an idle timeout';
COMMENT ON COLUMN spsa.session_activity.session_id IS 'session';
COMMENT ON COLUMN spsa.session_activity.last_seen_at IS 'last use, refreshed at most every quarter of the idle timeout';

-- No unique constraint and no foreign key: nothing that another transaction does can make the insertion wait.
CREATE TABLE spsa.session_end (
	session_id uuid NOT NULL,
	ended_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	ends_with xid8
);
CREATE INDEX session_end_session_id_idx ON spsa.session_end (session_id);
-- Without a key, a table that is published could not be purged otherwise; so with others of this kind.
ALTER TABLE spsa.session_end REPLICA IDENTITY FULL;
COMMENT ON TABLE spsa.session_end IS 'sessions that were closed; append-only, so that no open transaction can delay the end of a session';
COMMENT ON COLUMN spsa.session_end.session_id IS 'session that is over';
COMMENT ON COLUMN spsa.session_end.ended_at IS 'when it was closed';
COMMENT ON COLUMN spsa.session_end.ends_with IS 'transaction that opened the session by spsa_test_as(), with whose end it ends: for all others it has never been live; null: it is over';

-- No foreign key to assignment or permission_set: the row lock of a session's open transaction would block their
-- deletion, which is a revocation. A row whose assignment is gone grants nothing.
CREATE SEQUENCE spsa.activation_id_seq AS bigint;
CREATE TABLE spsa.activation (
	session_id uuid NOT NULL,
	set_id integer NOT NULL,
	assignment_id bigint NOT NULL,
	activated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	expires_at timestamptz NOT NULL,
	activated_by text,
	reason text,
	activation_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.activation_id_seq'),
	before_commit timestamptz,
	flow text COLLATE "C",
	written_in xid8,
	CONSTRAINT activation_pkey PRIMARY KEY (session_id, set_id),
	CONSTRAINT activation_session_id_fkey FOREIGN KEY (session_id) REFERENCES spsa.session (session_id) ON DELETE CASCADE,
	CONSTRAINT activation_written_in_check CHECK ((written_in IS NULL) = (before_commit IS NULL))
);
ALTER SEQUENCE spsa.activation_id_seq OWNED BY spsa.activation.activation_id;
COMMENT ON SEQUENCE spsa.activation_id_seq IS 'identifiers of activations';
COMMENT ON TABLE spsa.activation IS 'permission sets that are activated for sessions';
COMMENT ON COLUMN spsa.activation.session_id IS 'session';
COMMENT ON COLUMN spsa.activation.set_id IS 'permission set';
COMMENT ON COLUMN spsa.activation.assignment_id IS 'assignment under which it was activated; when that is gone the activation grants nothing';
COMMENT ON COLUMN spsa.activation.activated_at IS 'when it was activated';
COMMENT ON COLUMN spsa.activation.expires_at IS 'when the activation ends by itself';
COMMENT ON COLUMN spsa.activation.activated_by IS 'user whose session activated it, or null when an administrator did without a session, or a flow when the session was opened';
COMMENT ON COLUMN spsa.activation.reason IS 'reason that was given';
COMMENT ON COLUMN spsa.activation.activation_id IS 'identifier of the activation; another one when the set is activated again after its end';
COMMENT ON COLUMN spsa.activation.before_commit IS 'of one that used up an approval or is to be reviewed: until when it counts in the transaction that wrote this, before that is committed';
COMMENT ON COLUMN spsa.activation.flow IS 'name of the flow that activated it, or null';
COMMENT ON COLUMN spsa.activation.written_in IS 'the transaction that wrote before_commit; null without one';

CREATE TABLE spsa.activation_end (
	session_id uuid NOT NULL,
	activation_id bigint NOT NULL,
	ended_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE INDEX activation_end_activation_id_idx ON spsa.activation_end (activation_id);
ALTER TABLE spsa.activation_end REPLICA IDENTITY FULL;
COMMENT ON TABLE spsa.activation_end IS 'activations that were ended while a transaction had their row locked; append-only, like session_end';
COMMENT ON COLUMN spsa.activation_end.session_id IS 'session';
COMMENT ON COLUMN spsa.activation_end.activation_id IS 'activation that is over';
COMMENT ON COLUMN spsa.activation_end.ended_at IS 'when it was ended';

CREATE SEQUENCE spsa.audit_event_id_seq AS bigint;
CREATE TABLE spsa.audit_event (
	event_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.audit_event_id_seq'),
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	event text NOT NULL,
	session_id uuid,
	user_name text,
	set_name text,
	actor text,
	actor_session_id uuid,
	database_role text NOT NULL DEFAULT SESSION_USER,
	client_address inet,
	application_name text,
	active_sets text[],
	detail jsonb NOT NULL DEFAULT '{}',
	transaction_id xid8 NOT NULL,
	previous_id bigint,
	previous_at timestamptz,
	previous_hash bytea,
	hash bytea NOT NULL,
	CONSTRAINT audit_event_pkey PRIMARY KEY (event_id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE spsa.audit_event_id_seq OWNED BY spsa.audit_event.event_id;
CREATE INDEX audit_event_session_id_idx ON spsa.audit_event (session_id, event_id);
CREATE INDEX audit_event_user_name_at_idx ON spsa.audit_event (user_name, at);
CREATE TABLE spsa.audit_event_default PARTITION OF spsa.audit_event DEFAULT;
COMMENT ON TABLE spsa.audit_event_default IS 'events that no other partition takes: all, until spsa_partition_audit() makes some';
COMMENT ON SEQUENCE spsa.audit_event_id_seq IS 'identifiers of audit events';
COMMENT ON TABLE spsa.audit_event IS 'history of every change of authority; without foreign keys, for it outlives what it names';
COMMENT ON COLUMN spsa.audit_event.event_id IS 'identifier of the event, sent by NOTIFY if spsa.notify_events is on';
COMMENT ON COLUMN spsa.audit_event.at IS 'when it happened';
COMMENT ON COLUMN spsa.audit_event.event IS 'what happened: session_open, session_simulated, session_close, session_expire, session_rotate, activate, deactivate, activation_requested, activation_approved, activation_denied, activation_cancelled, activation_expired, break_glass, break_glass_reviewed, administration_grant, administration_revoke, step_up, reauthenticate, totp_enroll, totp_confirm, totp_remove, totp_unlock, totp_reencrypt, audit_prune, or a table and what was done to its row, as in assignment_insert';
COMMENT ON COLUMN spsa.audit_event.session_id IS 'session concerned';
COMMENT ON COLUMN spsa.audit_event.user_name IS 'user concerned';
COMMENT ON COLUMN spsa.audit_event.set_name IS 'permission set concerned';
COMMENT ON COLUMN spsa.audit_event.actor IS 'user of the attached session that did it, or who acts as that user; null when no session was attached';
COMMENT ON COLUMN spsa.audit_event.actor_session_id IS 'session that was attached, or null';
COMMENT ON COLUMN spsa.audit_event.database_role IS 'database role that has logged in; the role of SET ROLE, if any, is in detail';
COMMENT ON COLUMN spsa.audit_event.client_address IS 'address that the connection came from, that of a pool behind one; null: by a Unix-domain socket, or within the server. Where the user is, as the opener says, is in the detail of session_open';
COMMENT ON COLUMN spsa.audit_event.application_name IS 'application_name of the connection, as the client says; what looks like a token is masked';
COMMENT ON COLUMN spsa.audit_event.active_sets IS 'names of the permission sets and groups that were in effect in the attached session, before what the event tells; null when no session was attached';
COMMENT ON COLUMN spsa.audit_event.detail IS 'further facts as a JSON object';
COMMENT ON COLUMN spsa.audit_event.transaction_id IS 'transaction that wrote it';
COMMENT ON COLUMN spsa.audit_event.previous_id IS 'event before it of the same session (of those without session, if it has none), the latest that its transaction could see; null: none';
COMMENT ON COLUMN spsa.audit_event.previous_at IS 'time of that event';
COMMENT ON COLUMN spsa.audit_event.previous_hash IS 'hash of that event';
COMMENT ON COLUMN spsa.audit_event.hash IS 'SHA-256 of all other columns that are not null, in their order: length of the name in 4 bytes, the name, length of the value in 4 bytes, the value. Numbers, also lengths, are big-endian, of 8 bytes as values; times are microseconds since 2000-01-01 in UTC, texts UTF-8, a uuid its 16 bytes, detail, client_address and active_sets their text as PostgreSQL shows it';

-- Configuration belongs into a dump; sessions, activations, secrets and history do not.
SELECT pg_catalog.pg_extension_config_dump('spsa.app_user', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.app_user_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.permission_set', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.permission_set_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.object_permission', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.row_scope', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.row_scope_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.protected_object', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.assignment', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.assignment_id_seq', '');
