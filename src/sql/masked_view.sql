-- masked_view.sql - views in which fields that cannot be read are null.

CREATE FUNCTION spsa.masked_support(internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_masked_support';
COMMENT ON FUNCTION spsa.masked_support(internal) IS 'planner support of spsa.masked: puts the column or NULL in its place, and marks the plan';

CREATE FUNCTION spsa.masked(field anyelement) RETURNS anyelement
	LANGUAGE c STABLE PARALLEL SAFE SUPPORT spsa.masked_support AS 'MODULE_PATHNAME', 'spsa_masked';
COMMENT ON FUNCTION spsa.masked(anyelement) IS
'a column of a table, or null if the attached session may not read it; for masked views, in plans of which nothing is left of it (55000 where it is called)';

CREATE FUNCTION spsa.masked_view_fault(role regrole) RETURNS text
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_masked_view_fault';
COMMENT ON FUNCTION spsa.masked_view_fault(regrole) IS
'why masked views of this owner are refused, as a sentence; null: they are not';

CREATE FUNCTION spsa.write_masked_view() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_write_masked_view';
COMMENT ON FUNCTION spsa.write_masked_view() IS
'trigger: writes to the table in place of a masked view, with the caller''s rights. Errors: 42501 a masked field is given a value; 40001 the row has changed since it was read; 55000 no primary key';

CREATE FUNCTION @extschema@.spsa_create_masked_view(object regclass, view_name text, security_barrier boolean DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_create_masked_view';
COMMENT ON FUNCTION @extschema@.spsa_create_masked_view(regclass, text, boolean) IS
'makes a view of all columns of a protected table, in which fields that the attached session may not read are null. Again: replaces it in place, with new columns at its end and renamed ones renamed; privileges and views over it stay. view_name: as in CREATE VIEW, with or without a schema. For the table''s owner, who needs CREATE on the schema and gets SELECT, INSERT, UPDATE and DELETE on the view WITH GRANT OPTION. The view belongs to the role spsa_masked_view, which is made when it is missing and gets SELECT on the table.
security_barrier: whether the view is one; null: as it is, and a new one is not. It hides no more as a barrier, for what is masked is not in the query; but conditions of the reader''s are kept off indexes unless their operators are leakproof, and joins and ORDER BY ... LIMIT are as well.
Rows are those that policies for PUBLIC admit; policies for particular roles do not apply: of a permissive one a NOTICE tells, a restrictive one is an error.
What is written goes to the table with the rights of the writer: only fields that have changed are set, masked ones that are null are left alone; UPDATE and DELETE need a primary key.
Errors: 42501 not the owner, or no CREATE on the schema; 55000 not a protected table, or the role spsa_masked_view is used otherwise; 42809 the name is taken by something else; 0A000 a restrictive policy for particular roles, a virtual generated column (PostgreSQL 18), or a temporary view; 42P01 no such table.';

CREATE FUNCTION @extschema@.spsa_drop_masked_view(view regclass) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_drop_masked_view';
COMMENT ON FUNCTION @extschema@.spsa_drop_masked_view(regclass) IS
'drops a masked view. For the owner of its table; DROP VIEW does the same for the owner of its schema. Errors: 42501 not the owner; 42704 not a masked view; 2BP01 something depends on it.';
