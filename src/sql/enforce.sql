-- enforce.sql - what policies ask, and putting tables under them.

CREATE FUNCTION spsa.allows_support(internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_allows_support';
COMMENT ON FUNCTION spsa.allows_support(internal) IS 'planner support of spsa_allows and spsa_allows_row: marks the plan, so that every execution is checked';

CREATE FUNCTION @extschema@.spsa_allows(object regclass, privilege text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 10 SUPPORT spsa.allows_support AS 'MODULE_PATHNAME', 'spsa_allows';
COMMENT ON FUNCTION @extschema@.spsa_allows(regclass, text) IS
'whether the attached session''s effective permission sets grant a privilege (read, create, edit, delete, view_all, modify_all) on all rows of an object; false when no session is attached or an argument is null.
Errors: 28000 the attached session is over; 22023 unknown privilege.';

CREATE FUNCTION @extschema@.spsa_allows_row(object regclass, privilege text, VARIADIC fields "any") RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 10 SUPPORT spsa.allows_support AS 'MODULE_PATHNAME', 'spsa_allows_row';
COMMENT ON FUNCTION @extschema@.spsa_allows_row(regclass, text, "any") IS
'whether the attached session''s effective permission sets grant a privilege (read, create, edit, delete) on one row, told by pairs of a field''s name (a constant) and its value; for row-level-security policies: spsa_allows_row(''orders'', ''read'', ''region'', region, ''owner_id'', owner_id). False when no session is attached, or object or privilege is null. A field that row scopes use and that is not passed, or has another type than when the scope was written, matches no row.
Errors: 28000 the attached session is over; 22023 unknown privilege, odd number of arguments, a name that is null, repeated or not constant, a session attribute that does not fit the field''s type.';

CREATE FUNCTION spsa.permission_support(internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_permission_support';
COMMENT ON FUNCTION spsa.permission_support(internal) IS 'planner support of spsa_has_permission, spsa_allows_field and spsa_allows_function: folds them, and marks the plan';

CREATE FUNCTION @extschema@.spsa_has_permission(custom_permission text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 10 SUPPORT spsa.permission_support AS 'MODULE_PATHNAME', 'spsa_has_permission';
COMMENT ON FUNCTION @extschema@.spsa_has_permission(text) IS
'whether the attached session''s effective permission sets grant a custom permission; false when no session is attached. For row-level-security policies and applications.
Errors: 28000 the attached session is over; 42704 unknown custom permission. Source: Salesforce, custom permissions.';

CREATE FUNCTION @extschema@.spsa_allows_field(object regclass, field name, privilege text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 10 SUPPORT spsa.permission_support AS 'MODULE_PATHNAME', 'spsa_allows_field';
COMMENT ON FUNCTION @extschema@.spsa_allows_field(regclass, name, text) IS
'whether the attached session''s effective permission sets grant a privilege (read, edit) on a column: one of them must reach rows of the object with that privilege, and if the column is protected one must grant it for the column; false when no session is attached.
Errors: 28000 the attached session is over; 42P01 unknown object; 42703 unknown field; 22023 unknown privilege. Source: Salesforce, field-level security.';

CREATE FUNCTION @extschema@.spsa_allows_function(function regprocedure) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 10 SUPPORT spsa.permission_support AS 'MODULE_PATHNAME', 'spsa_allows_function';
COMMENT ON FUNCTION @extschema@.spsa_allows_function(regprocedure) IS
'whether the attached session''s effective permission sets grant a function or procedure, protected or not; false when no session is attached.
Errors: 28000 the attached session is over; 42883 unknown function.';

CREATE FUNCTION @extschema@.spsa_session_value(attribute text, type anyelement) RETURNS anyelement
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_session_value';
COMMENT ON FUNCTION @extschema@.spsa_session_value(text, anyelement) IS
'an attribute of the attached session as a value of the second argument''s type (which is otherwise not looked at), or null when there is none; of an array the first element. Folded permissions compare fields with it.
Errors: 22023 the attribute is no value of the type; 28000 the attached session is over.';

CREATE FUNCTION @extschema@.spsa_session_values(attribute text, type anyelement) RETURNS anyarray
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_session_values';
COMMENT ON FUNCTION @extschema@.spsa_session_values(text, anyelement) IS
'all elements of an attribute of the attached session as an array of the second argument''s type. Errors: as spsa_session_value().';

CREATE FUNCTION spsa.before_truncate() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_before_truncate';
COMMENT ON FUNCTION spsa.before_truncate() IS
'trigger of protected tables, made by spsa_protect(): where row-level security applies to the role, TRUNCATE needs the privilege delete on all rows. Errors: 42501 not granted; 28000 the attached session is over; 39P01 not called by TRUNCATE.';

CREATE FUNCTION @extschema@.spsa_protect(object regclass, row_fields name[] DEFAULT '{}', on_denied text DEFAULT 'hide',
	force boolean DEFAULT true, as_restrictive boolean DEFAULT true) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_protect';
COMMENT ON FUNCTION @extschema@.spsa_protect(regclass, name[], text, boolean, boolean) IS
'puts an object under spsa; again: replaces what was said before. For its owner. Of a table: enables (force: also for its owner) row-level security, and creates the policies and a trigger that refuses TRUNCATE to whom delete is not granted on all rows. Of a view, materialized view or foreign table, which need the library preloaded: the privilege on it is asked for wherever it is read or written, all of its rows must be granted, and a view becomes a security barrier, the others lose their statistics. Of a sequence, which needs it as well: read is asked for by SELECT and currval(), edit by nextval() and setval(); also by the default of a serial column, not by an identity column.
A table is protected together with its partitions or inheritance children at every level, which the caller must own too, and with those that come later, in the command that makes or attaches them. The permissions that count for all of them are those on the table named here; on the others permissions have no effect. What is detached stays protected with it until spsa_protect() makes it an object of its own, or spsa_unprotect() is called for it.
row_fields: columns of a table that row scopes may use. on_denied: what a statement meets to which nothing of a table is granted: hide, no rows (a write: 42501); error, 42501. as_restrictive: policies that no other policy can widen, with a permissive twin where the table has no permissive policy of its own; false: permissive ones alone, and no trigger.
Errors: 42501 not the owner; 42703 no such column; 42809 not of a kind that can be protected; 0A000 a partition or inheritance child by itself, a foreign or temporary table or one that inherits from elsewhere below it, a temporary table, or statistics besides those of columns; 22023 bad on_denied or row_fields; 55000 the library is not preloaded, or a table below it is protected already.';

CREATE FUNCTION @extschema@.spsa_unprotect(object regclass) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_unprotect';
COMMENT ON FUNCTION @extschema@.spsa_unprotect(regclass) IS
'takes an object out of spsa: of a table, and of the partitions and inheritance children that are protected with it, drops the policies and the trigger that spsa_protect() made. Row-level security stays enabled: other policies decide, or nobody but the owner sees a row until it is disabled. What was detached from the table before stays protected. For the owner of all of them. Errors: 42501 not the owner; 42704 not protected; 55000 it is protected with the table above it.';

CREATE FUNCTION spsa.on_sql_drop() RETURNS event_trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_on_sql_drop';
COMMENT ON FUNCTION spsa.on_sql_drop() IS
'event trigger: forgets what is configured for dropped relations, columns and functions, refuses (2BP01) the loss of a policy, or of the trigger before TRUNCATE, of a protected table outside spsa_unprotect()';
CREATE EVENT TRIGGER spsa_on_sql_drop ON sql_drop EXECUTE FUNCTION spsa.on_sql_drop();
ALTER EVENT TRIGGER spsa_on_sql_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER spsa_on_sql_drop IS 'keeps the configuration of spsa free of what was dropped, and protected tables in possession of their policies';

CREATE FUNCTION spsa.before_ddl() RETURNS event_trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_before_ddl';
COMMENT ON FUNCTION spsa.before_ddl() IS
'event trigger: before a function gets a name, forgets what is granted on one of that name that has gone without an event trigger, together with something temporary';
CREATE EVENT TRIGGER spsa_before_ddl ON ddl_command_start EXECUTE FUNCTION spsa.before_ddl();
ALTER EVENT TRIGGER spsa_before_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER spsa_before_ddl IS 'keeps functions from having what was granted on others of their name';

CREATE FUNCTION spsa.on_ddl() RETURNS event_trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_on_ddl';
COMMENT ON FUNCTION spsa.on_ddl() IS
'event trigger: refuses functions and types named spsa_* of others in the extension''s schema (42723), which could be called in place of its own, and protected tables below tables that are not (0A000), through which their rows could be reached. Protects what comes to stand below a protected table with it, or refuses the command (42501 its owner is somebody else; 0A000 a foreign or temporary table, or one that inherits from elsewhere; 55000 it is protected already). What is configured for columns follows their renaming; grants of functions that are renamed or moved, also by their arguments'' types or by schemas, are forgotten, for protected functions it is refused (2BP01)';
CREATE EVENT TRIGGER spsa_on_ddl ON ddl_command_end EXECUTE FUNCTION spsa.on_ddl();
ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER spsa_on_ddl IS 'keeps functions and types of others from standing in for those of spsa, the trees of protected tables protected as a whole, and the configuration true to what was renamed';

CREATE FUNCTION @extschema@.spsa_protect_field(object regclass, field name, keep_exposed boolean DEFAULT false) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_protect_field';
COMMENT ON FUNCTION @extschema@.spsa_protect_field(regclass, name, boolean) IS
'puts a column of a protected object under spsa: statements that select, insert or update it, or select a whole row, need a permission set that grants the column (spsa_grant_field), everywhere where row-level security applies. Of a table with partitions or inheritance children: the columns of that name of all of them, and the permissions on it count. For the object''s owner. No error if it is protected already.
keep_exposed: true if views that do not check, materialized views and generated columns that contain it are meant. Errors: 42501 not the owner; 42703 no such column; 42809 the object is a sequence; 55000 the object is not protected, or is protected with another that has the column, or others expose the column. Source: Salesforce, field-level security.';

CREATE FUNCTION @extschema@.spsa_unprotect_field(object regclass, field name) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_unprotect_field';
COMMENT ON FUNCTION @extschema@.spsa_unprotect_field(regclass, name) IS
'takes a column out of spsa; the permissions that sets grant on it stay. A column that only an inheritance child and those below that have is taken out of each by itself. For the object''s owner. Errors: 42501 not the owner; 42703 no such column; 42704 it is not protected.';

-- Calls of PostgreSQL's functions of the same names are replaced by these while any sequence is protected.
CREATE FUNCTION spsa.guarded_nextval(sequence regclass) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_sequence_nextval';
COMMENT ON FUNCTION spsa.guarded_nextval(regclass) IS
'PostgreSQL''s nextval(), of a protected sequence for sessions to which edit is granted on it. While any sequence is protected, queries call it in place of the other.
Errors: those of nextval(); 42501 no effective permission set grants edit; 28000 the attached session is over.';

CREATE FUNCTION spsa.guarded_setval(sequence regclass, value bigint) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_sequence_setval';
COMMENT ON FUNCTION spsa.guarded_setval(regclass, bigint) IS
'PostgreSQL''s setval(), of a protected sequence for sessions to which edit is granted on it, as spsa.guarded_nextval(). Errors: as spsa.guarded_nextval().';

CREATE FUNCTION spsa.guarded_setval(sequence regclass, value bigint, is_called boolean) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_sequence_setval3';
COMMENT ON FUNCTION spsa.guarded_setval(regclass, bigint, boolean) IS
'PostgreSQL''s setval(), of a protected sequence for sessions to which edit is granted on it, as spsa.guarded_nextval(). Errors: as spsa.guarded_nextval().';

CREATE FUNCTION spsa.guarded_currval(sequence regclass) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_sequence_currval';
COMMENT ON FUNCTION spsa.guarded_currval(regclass) IS
'PostgreSQL''s currval(), of a protected sequence for sessions to which read is granted on it, as spsa.guarded_nextval(). Errors: those of currval(); 42501 no effective permission set grants read; 28000 the attached session is over.';

CREATE FUNCTION spsa.guarded_pg_sequence_last_value(sequence regclass) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_sequence_last_value';
COMMENT ON FUNCTION spsa.guarded_pg_sequence_last_value(regclass) IS
'PostgreSQL''s pg_sequence_last_value(), which the view pg_sequences calls; null for a protected sequence on which read is not granted.';
