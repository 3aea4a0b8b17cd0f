-- field_function: spsa_allows_field and spsa_allows_function, which tell what is granted; folding, muting, errors.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_ff_app;
CREATE TABLE ff_emp (id integer PRIMARY KEY, name text, salary numeric, bonus numeric);
INSERT INTO ff_emp VALUES (1, 'Ann', 100, 1), (2, 'Bob', 200, 2);
CREATE TABLE ff_other (id integer);
INSERT INTO ff_other VALUES (1);
CREATE FUNCTION ff_raise(integer, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION ff_raise(integer) RETURNS numeric LANGUAGE sql AS 'SELECT 0';
CREATE PROCEDURE ff_close(year integer, INOUT done boolean DEFAULT false) LANGUAGE sql AS 'SELECT true';
GRANT SELECT ON ff_emp, ff_other TO regress_spsa_ff_app;
CREATE FUNCTION set_of(text) RETURNS integer LANGUAGE sql AS 'SELECT set_id FROM spsa.permission_set WHERE set_name = $1';
CREATE PROCEDURE grant_field(text, text, boolean, boolean) LANGUAGE sql AS
	'INSERT INTO spsa.field_permission (set_id, object, field, can_read, can_edit) VALUES (set_of($1), ''ff_emp'', $2, $3, $4)';
CREATE PROCEDURE grant_function(text, text) LANGUAGE sql AS
	'INSERT INTO spsa.function_permission (set_id, function) VALUES (set_of($1), $2)';
CREATE VIEW fields AS SELECT f AS field, spsa_allows_field('ff_emp', f, 'read') AS read, spsa_allows_field('ff_emp', f, 'edit') AS edit
	FROM unnest('{name,salary,bonus}'::name[]) f;
CREATE VIEW functions AS SELECT f::regprocedure AS function, spsa_allows_function(f::regprocedure) AS allowed
	FROM unnest('{"ff_raise(integer,numeric)",ff_raise(integer),"ff_close(integer,boolean)"}'::text[]) f;
GRANT SELECT ON fields, functions TO regress_spsa_ff_app;
SELECT spsa_create_permission_set('Reader') > 0 AS made, spsa_create_permission_set('Editor', activation_required => true) > 0 AS made,
	spsa_create_permission_set('Payroll') > 0 AS made, spsa_create_permission_set('Mute', kind => 'muting') > 0 AS made,
	spsa_create_permission_set('Team', kind => 'group') > 0 AS made;
SELECT spsa_create_user('ann') > 0 AS made;
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL) \gset

--
-- Rows that are refused, and how they are kept
--
CALL grant_field('Reader', 'nope', true, false);
\echo :LAST_ERROR_SQLSTATE
CALL grant_field('Reader', 'ctid', true, false);
CALL grant_field('Reader', 'salary', false, true);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.field_permission (set_id, object, field) VALUES (set_of('Reader'), 99999, 'salary');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.protected_field (object, field) VALUES ('spsa.session', 'token_hash');
\echo :LAST_ERROR_SQLSTATE
CALL grant_function('Reader', 'ff_nope(integer)');
\echo :LAST_ERROR_SQLSTATE
CALL grant_function('Reader', 'ff_raise');
CALL grant_function('Reader', '-');
CALL grant_function('Reader', 'now()');
\echo :LAST_ERROR_SQLSTATE
CALL grant_function('Reader', 'spsa.find_set(text)');
-- what is temporary goes without notice
CREATE TEMP TABLE ff_temp (salary numeric);
CREATE FUNCTION pg_temp.ff_temporary() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION ff_of_temp(ff_temp) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION ff_of_temps(integer, ff_temp[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
SELECT spsa_grant_object('Reader', 'ff_temp', '{read}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.protected_field (object, field) VALUES ('ff_temp', 'salary');
\set VERBOSITY sqlstate
CALL grant_function('Reader', 'pg_temp.ff_temporary()');
CALL grant_function('Reader', 'ff_of_temp(ff_temp)');
CALL grant_function('Reader', 'ff_of_temps(integer, ff_temp[])');
\set VERBOSITY default
DROP TABLE ff_temp CASCADE;
DROP FUNCTION pg_temp.ff_temporary();
-- numbers and signatures are the trigger's; signatures do not depend on the search path
INSERT INTO spsa.field_permission (set_id, object, field, can_read, field_number, muting) VALUES (set_of('Reader'), 'ff_emp', 'salary', true, 1, true);
CALL grant_function('Reader', 'ff_raise(int, decimal)');
CALL grant_function('Reader', 'public . ff_close ( int , bool )');
SELECT object, field, field_number, can_read, can_edit, muting FROM spsa.field_permission;
SELECT function FROM spsa.function_permission ORDER BY 1;
CALL grant_function('Reader', 'pg_catalog.int4(text)');
CALL grant_function('Reader', 'ff_raise(integer, numeric)');
DELETE FROM spsa.field_permission;
DELETE FROM spsa.function_permission;

--
-- Without a session, and what is wrong with a question
--
SELECT * FROM fields;
SELECT * FROM functions;
SELECT spsa_allows_field('ff_emp', 'nope', 'read');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_field('ff_emp', 'ctid', 'read');
SELECT spsa_allows_field('ff_emp', 'salary', 'delete');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_field('ff_nope', 'salary', 'read');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_field(99999::oid::regclass, 'salary', 'read');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_function('ff_nope()');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_function(99999::oid::regprocedure);
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM ff_emp WHERE spsa_allows_field('ff_emp', 'nope', 'read');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_field(NULL, 'salary', 'read'), spsa_allows_field('ff_emp', NULL, 'read'), spsa_allows_field('ff_emp', 'salary', NULL),
	spsa_allows_function(NULL);
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT spsa_allows_field(NULL, 'salary', 'read'), spsa_allows_field('ff_emp', NULL, 'read'), spsa_allows_field('ff_emp', 'salary', NULL),
	spsa_allows_function(NULL);
SELECT count(*) FROM ff_emp WHERE spsa_allows_field(NULL, 'salary', 'read') OR spsa_allows_function(NULL);
SELECT * FROM fields;
SELECT * FROM functions;

--
-- A field needs the privilege on the object; if it is protected, its own as well
--
SELECT spsa_grant_object('Reader', 'ff_emp', '{read}'), spsa_grant_object('Editor', 'ff_emp', '{read,edit}'), spsa_assign('ann', 'Reader');
SELECT * FROM fields;
INSERT INTO spsa.protected_field (object, field) VALUES ('ff_emp', 'salary'), ('ff_emp', 'bonus');
SELECT * FROM fields;
CALL grant_field('Reader', 'salary', true, true);
SELECT * FROM fields;
-- the field's privilege without the object's; the object's and the field's may come from different sets
CALL grant_field('Payroll', 'bonus', true, true);
SELECT spsa_assign('ann', 'Payroll');
SELECT * FROM fields;
SELECT spsa_assign('ann', 'Editor');
SELECT already_active FROM spsa_activate_own('Editor');
SELECT * FROM fields;
SELECT spsa_revoke_assignment('ann', 'Reader');
SELECT * FROM fields;
SELECT spsa_deactivate_own('Editor');
SELECT * FROM fields;
SELECT spsa_assign('ann', 'Reader');
-- row scopes: some rows are enough, none are not
SELECT spsa_grant_rows('Reader', 'ff_emp', 'id', '{1}');
SELECT * FROM fields;
DELETE FROM spsa.row_scope;
SELECT * FROM fields;
UPDATE spsa.object_permission SET row_scoped = false;
-- a field that is not protected any more
DELETE FROM spsa.protected_field WHERE field = 'bonus';
SELECT * FROM fields;
INSERT INTO spsa.protected_field (object, field) VALUES ('ff_emp', 'bonus');

--
-- Functions: granted or not, protected or not
--
CALL grant_function('Reader', 'ff_raise(integer)');
SELECT * FROM functions;
INSERT INTO spsa.protected_function (function) VALUES ('ff_raise(integer)'), ('ff_raise(integer, numeric)');
SELECT * FROM functions;
CALL grant_function('Editor', 'ff_raise(integer, numeric)');
CALL grant_function('Editor', 'ff_close(integer, boolean)');
SELECT * FROM functions;
SELECT already_active FROM spsa_activate_own('Editor');
SELECT * FROM functions;
SET search_path = pg_catalog;
SELECT public.spsa_allows_function('public.ff_raise(integer,numeric)') AS allowed;
RESET search_path;
SELECT spsa_deactivate_own('Editor');
DELETE FROM spsa.protected_function;
SELECT * FROM functions;

--
-- Muting
--
DELETE FROM spsa.assignment;
INSERT INTO spsa.group_member (group_id, member_id) SELECT set_of('Team'), set_of(s) FROM unnest('{Reader,Editor,Mute}'::text[]) s;
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_name = 'Team';
SELECT spsa_assign('ann', 'Team');
CALL grant_field('Editor', 'bonus', true, true);
SELECT * FROM fields;
SELECT * FROM functions;
CALL grant_field('Mute', 'salary', false, true);
CALL grant_field('Mute', 'bonus', true, false);
CALL grant_function('Mute', 'ff_raise(integer)');
SELECT * FROM fields;
SELECT * FROM functions;
SELECT spsa_assign('ann', 'Reader');
SELECT * FROM fields;
SELECT * FROM functions;
SELECT spsa_revoke_assignment('ann', 'Reader');
-- the privilege on the object is muted
INSERT INTO spsa.object_permission (set_id, object, can_edit) VALUES (set_of('Mute'), 'ff_emp', true);
SELECT * FROM fields;
DELETE FROM spsa.group_member WHERE member_id = set_of('Mute');
SELECT * FROM fields;
DELETE FROM spsa.assignment;
SELECT spsa_assign('ann', 'Reader'), spsa_assign('ann', 'Editor');

--
-- Folded where a table is read
--
EXPLAIN (COSTS OFF) SELECT CASE WHEN spsa_allows_field('ff_emp', 'salary', 'read') THEN salary END FROM ff_emp;
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_field('ff_emp', 'salary', 'read');
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_field('ff_emp', 'salary', 'edit');
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_function('ff_raise(integer)');
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_function('ff_raise(integer,numeric)');
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_field('ff_emp', name::name, 'read');
SELECT count(*) FROM ff_emp WHERE spsa_allows_field('ff_emp', 'salary', CASE WHEN id = 1 THEN 'read' ELSE 'edit' END);
SELECT spsa_detach();
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_field('ff_emp', 'salary', 'read');
EXPLAIN (COSTS OFF) SELECT * FROM ff_emp WHERE spsa_allows_function('ff_raise(integer)');
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;

--
-- Prepared statements follow every change
--
SET plan_cache_mode = force_generic_plan;
PREPARE f AS SELECT count(*) FILTER (WHERE spsa_allows_field('ff_emp', 'salary', 'read')) AS read,
	count(*) FILTER (WHERE spsa_allows_field('ff_emp', 'salary', 'edit')) AS edit,
	count(*) FILTER (WHERE spsa_allows_function('ff_raise(integer,numeric)')) AS function FROM ff_other;
EXECUTE f;
SELECT already_active FROM spsa_activate_own('Editor');
EXECUTE f;
SELECT spsa_deactivate_own('Editor');
EXECUTE f;
UPDATE spsa.field_permission SET can_read = false, can_edit = false WHERE set_id = set_of('Reader');
EXECUTE f;
DELETE FROM spsa.protected_field WHERE field = 'salary';
EXECUTE f;
SELECT spsa_detach();
EXECUTE f;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
EXECUTE f;
BEGIN;
CALL grant_function('Reader', 'ff_raise(integer,numeric)');
EXECUTE f;
ROLLBACK;
EXECUTE f;
-- also of the column's name, in a statement that does not read the table
DELETE FROM spsa.field_permission;
DELETE FROM spsa.protected_field;
INSERT INTO spsa.protected_field (object, field) VALUES ('ff_emp', 'bonus');
EXECUTE f;
CREATE FUNCTION ff_inlined() RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT spsa_allows_field('ff_emp', 'salary', 'read') $$;
PREPARE i AS SELECT count(*) FROM ff_other WHERE ff_inlined();
EXPLAIN (COSTS OFF) EXECUTE i;
ALTER TABLE ff_emp RENAME salary TO pay;
EXECUTE f;
EXECUTE i;
DEALLOCATE i;
DROP FUNCTION ff_inlined;
ALTER TABLE ff_emp RENAME bonus TO salary;
EXECUTE f;
ALTER TABLE ff_emp RENAME salary TO bonus;
ALTER TABLE ff_emp RENAME pay TO salary;
EXECUTE f;
ALTER FUNCTION ff_raise(integer, numeric) RENAME TO ff_lower;
EXECUTE f;
DEALLOCATE f;
-- in PL/pgSQL, folded and not
CREATE FUNCTION ff_ask(OUT simple boolean, OUT folded bigint) LANGUAGE plpgsql AS $$
BEGIN
	simple := spsa_allows_field('ff_emp', 'bonus', 'read');
	SELECT count(*) INTO folded FROM ff_other WHERE spsa_allows_field('ff_emp', 'bonus', 'read');
END $$;
SELECT * FROM ff_ask();
DELETE FROM spsa.protected_field;
SELECT * FROM ff_ask();
INSERT INTO spsa.protected_field (object, field) VALUES ('ff_emp', 'bonus');
SELECT * FROM ff_ask();

--
-- In a policy of one's own, as an ordinary role
--
CREATE POLICY ff_policy ON ff_emp USING (spsa_allows_field('ff_emp', 'bonus', 'read') AND spsa_allows_function('ff_raise(integer)'));
ALTER TABLE ff_emp ENABLE ROW LEVEL SECURITY;
SET ROLE regress_spsa_ff_app;
SELECT count(*) FROM ff_emp;
RESET ROLE;
CALL grant_field('Editor', 'bonus', true, false);
SET ROLE regress_spsa_ff_app;
SELECT count(*) FROM ff_emp;
SELECT already_active FROM spsa_activate_own('Editor');
SELECT count(*) FROM ff_emp;
SELECT * FROM fields;
SELECT * FROM functions;
RESET ROLE;
DELETE FROM spsa.function_permission WHERE function LIKE 'public.ff\_raise(integer)';
SET ROLE regress_spsa_ff_app;
SELECT count(*) FROM ff_emp;
-- over a session that is over
RESET ROLE;
SELECT spsa_close_session();
SET ROLE regress_spsa_ff_app;
SELECT spsa_allows_field('ff_emp', 'bonus', 'read');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_allows_function('ff_raise(integer)');
SELECT count(*) FROM ff_emp;
RESET ROLE;

SELECT spsa_detach();
DROP EXTENSION spsa CASCADE;
DROP VIEW IF EXISTS fields, functions;
DROP TABLE ff_emp, ff_other;
DROP FUNCTION set_of, ff_raise(integer), ff_lower, ff_ask;
DROP PROCEDURE grant_field, grant_function, ff_close;
DROP ROLE regress_spsa_ff_app;
