-- function_guard: each call of a protected function is checked, by whatever way it is made.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
-- What the library guards must be guarded in every connection.
ALTER DATABASE :"DBNAME" SET session_preload_libraries = 'spsa';
ALTER DATABASE :"DBNAME" SET search_path = regress_spsa_guard, public;
\c -
SET client_min_messages = warning;
CREATE ROLE regress_spsa_guard_owner;
CREATE ROLE regress_spsa_guard_clerk;
CREATE ROLE regress_spsa_guard_other;
CREATE ROLE regress_spsa_guard_bypass BYPASSRLS;
CREATE SCHEMA regress_spsa_guard AUTHORIZATION regress_spsa_guard_owner;
GRANT USAGE, CREATE ON SCHEMA regress_spsa_guard TO regress_spsa_guard_clerk, regress_spsa_guard_other, regress_spsa_guard_bypass;
GRANT EXECUTE ON FUNCTION spsa_protect_function, spsa_unprotect_function TO regress_spsa_guard_owner, regress_spsa_guard_other;
\set as_owner 'SET SESSION AUTHORIZATION regress_spsa_guard_owner;'
\set as_clerk 'SET SESSION AUTHORIZATION regress_spsa_guard_clerk;'
\set as_other 'SET SESSION AUTHORIZATION regress_spsa_guard_other;'
\set as_admin 'RESET SESSION AUTHORIZATION;'

:as_owner
-- Of each kind one: of language SQL (which is inlined), PL/pgSQL, a procedure, a set of rows, with settings, SECURITY DEFINER
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1 * 2';
CREATE FUNCTION twice(n text) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1 || $1';
CREATE FUNCTION raise_pay(n integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN n + 1; END';
CREATE FUNCTION upto(n integer) RETURNS SETOF integer LANGUAGE sql STABLE AS 'SELECT generate_series(1, $1)';
CREATE FUNCTION upto_pl(n integer) RETURNS SETOF integer LANGUAGE plpgsql AS 'BEGIN RETURN NEXT 1; RETURN NEXT n; END';
CREATE FUNCTION pinned(n integer) RETURNS integer LANGUAGE sql STABLE SET search_path = pg_catalog AS 'SELECT $1 * 3';
CREATE FUNCTION as_definer(n integer) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT current_user::text || $1';
CREATE PROCEDURE pay_again() LANGUAGE plpgsql AS 'DECLARE n integer := 1; BEGIN FOR i IN 1 .. 2 LOOP CALL pay(n); COMMIT; END LOOP; RAISE WARNING ''%'', n; END';
CREATE PROCEDURE pay(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN n := n * 10; COMMIT; n := n + 1; END';
CREATE FUNCTION any_of(a anyelement, b anyelement) RETURNS anyelement LANGUAGE sql STABLE AS 'SELECT COALESCE($1, $2)';
CREATE FUNCTION sum_of(VARIADIC n integer[]) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(v) FROM unnest($1) v';
CREATE FUNCTION plain(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1 * 7';

--
-- What can be protected, by whom
--
SELECT spsa_protect_function(f) FROM unnest('{twice(integer),twice(text),raise_pay,upto,upto_pl,pinned,as_definer,pay(integer),any_of,sum_of}'::text[]) n (n),
	LATERAL (SELECT CASE WHEN n LIKE '%(%' THEN n::regprocedure ELSE n::regproc::oid::regprocedure END) x (f);
SELECT spsa_protect_function('raise_pay(integer)');
SELECT spsa_protect_function(NULL);
SELECT spsa_protect_function(0);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect_function('plain(integer)');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect_function(NULL);
SELECT spsa_unprotect_function(0);
SELECT spsa_protect_function('now()');
:as_other
SELECT spsa_protect_function('plain(integer)');
SELECT spsa_unprotect_function('raise_pay(integer)');
:as_clerk
SELECT spsa_protect_function('plain(integer)');
SELECT spsa_unprotect_function('raise_pay(integer)');
:as_admin
SELECT spsa_protect_function('now()');
SELECT spsa_protect_function('spsa.check_function()');
SELECT spsa_protect_function('spsa_detach()');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_function('information_schema._pg_char_max_length(oid, integer)');
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE FUNCTION on_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION on_command() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION early(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION masked() RETURNS text LANGUAGE sql STABLE SET role = regress_spsa_guard_bypass AS 'SELECT current_user::text';
CREATE FUNCTION supported(integer) RETURNS SETOF integer LANGUAGE sql STABLE SUPPORT generate_series_int4_support AS 'SELECT 1';
CREATE FUNCTION parsed(cstring) RETURNS integer LANGUAGE internal STABLE STRICT AS 'int4in';
SELECT spsa_protect_function('total(integer)');
SELECT spsa_protect_function('on_row()');
SELECT spsa_protect_function('on_command()');
SELECT spsa_protect_function('early(integer)');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_function('masked()');
SELECT spsa_protect_function('parsed(cstring)');
SELECT spsa_protect_function('supported(integer)');
INSERT INTO spsa.protected_function VALUES ('early(integer)');
SELECT function FROM spsa.protected_function ORDER BY 1;
SELECT event, detail #- '{new,protected_at}' AS detail FROM spsa.audit_event WHERE detail::text LIKE '%raise_pay%';

--
-- Nobody may call them: no session, then one whose user has nothing
--
SELECT spsa_create_user(n) IS NOT NULL AS made FROM unnest('{ann,bob}'::text[]) n;
SELECT spsa_create_permission_set('payroll', activation_required => true) IS NOT NULL AS made;
SELECT token AS tok, session_id AS session FROM spsa_open_session('ann', db_role => 'regress_spsa_guard_clerk') \gset
SELECT token AS bob FROM spsa_open_session('bob', db_role => 'regress_spsa_guard_clerk') \gset
SELECT token AS ended, session_id AS ended_id FROM spsa_open_session('bob', db_role => 'regress_spsa_guard_clerk') \gset
SELECT token AS anybody FROM spsa_open_session('ann', db_role => NULL) \gset
:as_clerk
SELECT raise_pay(1);
\echo :LAST_ERROR_SQLSTATE
SELECT plain(1);
SELECT spsa_attach_connection(:'bob') IS NOT NULL AS attached;
SELECT raise_pay(1);
-- behind an inactive group, and muted in it
:as_admin
DO $$
BEGIN
	PERFORM spsa_create_permission_set('team', kind => 'group', activation_required => true), spsa_create_permission_set('helper'),
		spsa_create_permission_set('quiet', kind => 'muting');
	PERFORM spsa_add_group_member('team', 'helper'), spsa_mute('team', 'quiet'), spsa_assign('bob', 'team');
	PERFORM spsa_grant_function('helper', 'raise_pay(integer)'), spsa_grant_function('helper', 'twice(integer)'),
		spsa_grant_function('quiet', 'raise_pay(integer)');
END
$$;
:as_clerk
SELECT raise_pay(1);
SELECT twice(1);
SELECT already_active FROM spsa_activate_own('team');
SELECT raise_pay(1);
SELECT twice(1);
-- the names that permission sets have are told to those alone who are assigned them
:as_admin
SELECT spsa_grant_function('payroll', f::regprocedure) FROM spsa.protected_function p, LATERAL (SELECT p.function) x (f);
SELECT spsa_assign('ann', 'payroll');
:as_clerk
SELECT raise_pay(1);
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT raise_pay(1);

--
-- Each way of calling, denied and allowed
--
:as_admin
CREATE TABLE pay_list (id integer, n integer);
INSERT INTO pay_list VALUES (1, 10), (2, 20);
GRANT SELECT, INSERT, UPDATE ON pay_list TO regress_spsa_guard_clerk;
CREATE VIEW pay_view AS SELECT id, raise_pay(n) AS n FROM pay_list;
GRANT SELECT ON pay_view TO regress_spsa_guard_clerk;
CREATE FUNCTION through_definer(n integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN regress_spsa_guard.raise_pay(n); END';
CREATE FUNCTION through_definer_sql(n integer) RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT twice($1)';
CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := raise_pay(NEW.n); RETURN NEW; END';
CREATE TABLE triggered (n integer);
CREATE TRIGGER raise BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION by_trigger();
CREATE TABLE triggered_when (n integer);
CREATE TRIGGER raise BEFORE INSERT ON triggered_when FOR EACH ROW WHEN (twice(NEW.n) > 0) EXECUTE FUNCTION on_row();
CREATE TABLE checked (n integer CHECK (raise_pay(n) > 0));
CREATE TABLE checked_inline (n integer CHECK (twice(n) > 0));
CREATE TABLE defaulted (id integer, n integer DEFAULT raise_pay(1));
CREATE TABLE lettered (id integer, n integer);
ALTER TABLE lettered ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON lettered USING (raise_pay(id) > 0);
INSERT INTO lettered VALUES (1, 1);
CREATE DOMAIN positive AS integer CHECK (twice(VALUE) > 0);
CREATE DOMAIN positive_pl AS integer CHECK (raise_pay(VALUE) > 0);
CREATE TYPE coin AS (n integer);
CREATE FUNCTION coin_of(integer) RETURNS coin LANGUAGE sql STABLE AS 'SELECT ROW($1)::coin';
CREATE CAST (integer AS coin) WITH FUNCTION coin_of(integer);
CREATE OPERATOR +! (FUNCTION = raise_pay, RIGHTARG = integer);
CREATE FUNCTION add_pay(integer, integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN $1 + $2; END';
CREATE FUNCTION end_pay(integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1000; END';
CREATE AGGREGATE guarded_sum(integer) (SFUNC = add_pay, STYPE = integer, INITCOND = '0');
CREATE AGGREGATE guarded_end(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', FINALFUNC = end_pay);
CREATE FUNCTION place() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
CREATE FUNCTION around(integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT twice($1) + 1';
CREATE FUNCTION number_of(coin) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1.n';
CREATE CAST (coin AS integer) WITH FUNCTION number_of(coin) AS ASSIGNMENT;
CREATE FUNCTION before(integer, integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN $1 > $2; END';
CREATE FUNCTION order_of(integer, integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN $2 - $1; END';
CREATE OPERATOR <! (FUNCTION = before, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree AS OPERATOR 1 <!, OPERATOR 3 =, FUNCTION 1 order_of(integer, integer);
CREATE TYPE word;
CREATE FUNCTION word_in(cstring) RETURNS word LANGUAGE internal STABLE STRICT AS 'int4in';
CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal STABLE STRICT AS 'int4out';
CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, LIKE = integer);
CREATE CAST (integer AS word) WITHOUT FUNCTION;
GRANT SELECT, INSERT, UPDATE ON triggered, triggered_when, checked, checked_inline, defaulted, lettered TO regress_spsa_guard_clerk;
SELECT spsa_protect_function(f), spsa_grant_function('payroll', f) FROM unnest('{coin_of(integer),number_of(coin),"add_pay(integer,integer)",end_pay(integer),place(),"order_of(integer,integer)",word_out(word)}'::regprocedure[]) f;

-- What a statement says, or why it is refused
CREATE FUNCTION try(way text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	IF command LIKE 'DO %' THEN
		EXECUTE command;
	ELSE
		EXECUTE command INTO result;
	END IF;
	RETURN COALESCE(result, 'ok');
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END
$$;
CREATE TABLE way (place integer GENERATED ALWAYS AS IDENTITY, way text, command text);
INSERT INTO way (way, command) VALUES
	('select list', 'SELECT raise_pay(1)'),
	('inlined', 'SELECT twice(1)'),
	('other signature', 'SELECT twice(text ''ab'')'),
	('where', 'SELECT count(*) FROM pay_list WHERE raise_pay(n) > 11'),
	('where, inlined', 'SELECT count(*) FROM pay_list WHERE twice(n) > 20'),
	('where, estimated', 'SELECT count(*) FROM pay_list WHERE n < twice(10)'),
	('order by', 'SELECT n FROM pay_list ORDER BY raise_pay(n) DESC LIMIT 1'),
	('group by', 'SELECT count(*) FROM (SELECT FROM pay_list GROUP BY raise_pay(n)) g'),
	('from', 'SELECT sum(u) FROM upto(3) u'),
	('from, PL/pgSQL', 'SELECT sum(u) FROM upto_pl(3) u'),
	('from, scalar', 'SELECT r FROM raise_pay(1) r'),
	('lateral', 'SELECT sum(u) FROM pay_list, upto(n) u'),
	('rows from', 'SELECT b FROM ROWS FROM (upto_pl(3), upto_pl(4)) WITH ORDINALITY t (a, b, o) WHERE o = 2'),
	('set in the select list', 'SELECT count(*) FROM (SELECT upto(3)) u'),
	('settings of its own', 'SELECT pinned(1)'),
	('security definer', 'SELECT as_definer(1)'),
	('called by security definer', 'SELECT through_definer(1)'),
	('called by security definer, SQL', 'SELECT through_definer_sql(1)'),
	('polymorphic', 'SELECT any_of(NULL, 5)'),
	('variadic', 'SELECT sum_of(1, 2, 3)'),
	('variadic array', 'SELECT sum_of(VARIADIC ''{1,2}'')'),
	('named argument', 'SELECT raise_pay(n => 1)'),
	('operator', 'SELECT +! 1'),
	('cast', 'SELECT 5::coin'),
	('assignment of a cast', 'SELECT (CAST(7 AS coin)).n'),
	('transition function', 'SELECT guarded_sum(n) FROM pay_list'),
	('transition function, window', 'SELECT max(s) FROM (SELECT guarded_sum(n) OVER (ORDER BY n) FROM pay_list) w (s)'),
	('final function', 'SELECT guarded_end(n) FROM pay_list'),
	('window function', 'SELECT max(p) FROM (SELECT place() OVER () FROM pay_list) w (p)'),
	('view', 'SELECT sum(n) FROM pay_view'),
	('trigger', 'INSERT INTO triggered VALUES (1) RETURNING n'),
	('trigger, WHEN', 'INSERT INTO triggered_when VALUES (1) RETURNING n'),
	('check', 'INSERT INTO checked VALUES (1) RETURNING n'),
	('check, inlined', 'INSERT INTO checked_inline VALUES (1) RETURNING n'),
	('default', 'INSERT INTO defaulted VALUES (1) RETURNING n'),
	('policy', 'SELECT count(*) FROM lettered'),
	('domain', 'SELECT 5::positive'),
	('domain, PL/pgSQL', 'SELECT 5::positive_pl'),
	('domain, of a string', 'SELECT (''{"a": 5}''::jsonb) IS NOT NULL AND (SELECT a FROM jsonb_to_record(''{"a": 5}'') AS r (a positive)) = 5'),
	('returning', 'UPDATE pay_list SET n = n WHERE id = 1 RETURNING raise_pay(n)'),
	('set clause', 'UPDATE pay_list SET n = raise_pay(n) - 1 WHERE id = 1 RETURNING n'),
	('with', 'WITH w AS MATERIALIZED (SELECT raise_pay(1) AS r) SELECT r FROM w'),
	('case', 'SELECT CASE WHEN raise_pay(1) = 2 THEN 2 END'),
	('sublink', 'SELECT (SELECT raise_pay(1))'),
	('do', 'DO ''BEGIN PERFORM raise_pay(1); END'''),
	('do, simple expression', 'DO ''DECLARE x integer; BEGIN x := twice(1); END'''),
	('do, variable of a domain', 'DO ''DECLARE x positive; BEGIN x := 5; END'''),
	('do, cast', 'DO ''DECLARE x integer; BEGIN x := ROW(5)::coin; END'''),
	('implicit cast', 'INSERT INTO pay_list VALUES (3, ROW(30)::coin) RETURNING n'),
	('order by an operator', 'SELECT n FROM pay_list WHERE id < 3 ORDER BY n USING <! LIMIT 1'),
	('order by an operator, aggregate', 'SELECT string_agg(n::text, '','' ORDER BY n USING <!) FROM pay_list WHERE id < 3'),
	('output function', 'SELECT array_to_string(ARRAY[7::word], '','')'),
	('output function, cast', 'SELECT 7::word::text'),
	('do, call', 'DO ''DECLARE x integer := 1; BEGIN CALL pay(x); EXCEPTION WHEN invalid_transaction_termination THEN NULL; END'''),
	('query_to_xml', 'SELECT query_to_xml(''SELECT raise_pay(1)'', true, true, '''') IS NOT NULL'),
	('inside another one that is inlined', 'SELECT around(1)'),
	('not protected', 'SELECT plain(1)');
GRANT SELECT ON way TO regress_spsa_guard_clerk;
:as_clerk
SELECT way, try(way, command) AS outcome FROM way ORDER BY place;
CALL pay(1);
CALL pay_again();
SELECT already_active FROM spsa_activate_own('payroll');
SELECT way, try(way, command) AS outcome FROM way ORDER BY place;
CALL pay(1);
CALL pay_again();
-- EXECUTE is needed besides
:as_owner
REVOKE EXECUTE ON FUNCTION raise_pay FROM PUBLIC;
:as_clerk
SELECT raise_pay(1);
:as_owner
GRANT EXECUTE ON FUNCTION raise_pay TO PUBLIC;
:as_clerk
SELECT raise_pay(1);
SELECT spsa_deactivate_own('payroll');
SELECT way, try(way, command) AS outcome FROM way WHERE command !~ 'plain' AND try(way, command) !~ 'permission denied to call' ORDER BY place;

--
-- Who is exempt: superusers and roles that bypass row-level security, by the role that the client acts as; not the owner
--
SELECT spsa_detach();
:as_admin
SELECT raise_pay(1);
SET ROLE regress_spsa_guard_bypass;
SELECT raise_pay(1);
SET ROLE regress_spsa_guard_clerk;
SELECT raise_pay(1);
RESET ROLE;
:as_owner
SELECT raise_pay(1);
:as_clerk
SELECT through_definer(1);

--
-- Sessions that are over; require_session; a session of another role
--
SELECT spsa_attach_connection(:'ended') IS NOT NULL AS attached;
:as_admin
SELECT spsa_close_session(:'ended_id');
:as_clerk
SELECT raise_pay(1);
\echo :LAST_ERROR_SQLSTATE
SELECT plain(1);
:as_admin
SELECT raise_pay(1);
SELECT spsa_detach();
SET spsa.require_session = on;
:as_clerk
SELECT raise_pay(1);
\echo :LAST_ERROR_SQLSTATE
SELECT plain(1);
:as_admin
RESET spsa.require_session;
:as_clerk
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT raise_pay(1);
:as_other
SELECT raise_pay(1);
:as_clerk

--
-- What is kept follows: prepared statements, cursors, PL/pgSQL's expressions, in one transaction
--
PREPARE inlined(integer) AS SELECT twice($1);
PREPARE constant AS SELECT twice(21);
PREPARE called AS SELECT raise_pay(1);
SET plan_cache_mode = force_generic_plan;
EXECUTE inlined(1);
EXECUTE constant;
EXECUTE called;
CREATE FUNCTION simple(n integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN twice(n); END';
CREATE FUNCTION called(n integer) RETURNS integer LANGUAGE plpgsql AS 'DECLARE x integer; BEGIN SELECT raise_pay(n) INTO x; RETURN x; END';
SELECT simple(1), called(1);
BEGIN;
DECLARE c CURSOR FOR SELECT raise_pay(n) FROM pay_list ORDER BY id;
FETCH c;
SAVEPOINT s;
SELECT spsa_deactivate_own('payroll');
SELECT raise_pay(1);
ROLLBACK TO s;
SELECT raise_pay(1);
FETCH c;
SELECT spsa_deactivate_own('payroll');
EXECUTE called;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT raise_pay(n) FROM pay_list ORDER BY id;
FETCH c;
SELECT spsa_deactivate_own('payroll');
FETCH c;
ROLLBACK;
SELECT spsa_deactivate_own('payroll');
EXECUTE inlined(1);
EXECUTE constant;
EXECUTE called;
SELECT simple(1);
SELECT called(1);
-- within one function, and one statement
SELECT already_active FROM spsa_activate_own('payroll');
DO $$
BEGIN
	RAISE NOTICE '%', twice(1);
	PERFORM spsa_deactivate_own('payroll');
	RAISE NOTICE '%', twice(1);
END
$$;
SELECT raise_pay(1);
SELECT raise_pay(id), spsa_deactivate_own('payroll') FROM pay_list;
SELECT spsa_deactivate_own('payroll');

--
-- Protected while plans are there that have it inlined, and taken out again
--
:as_owner
SELECT spsa_unprotect_function('twice(integer)');
:as_clerk
EXECUTE inlined(1);
EXECUTE constant;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE inlined(1);
SELECT simple(1);
SELECT try(way, command) FROM way WHERE way IN ('domain', 'do, variable of a domain', 'check, inlined');
:as_owner
SELECT spsa_protect_function('twice(integer)');
:as_clerk
EXECUTE inlined(1);
EXECUTE constant;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE inlined(1);
SELECT simple(1);
SELECT try(way, command) FROM way WHERE way IN ('domain', 'do, variable of a domain', 'check, inlined');
-- undone, also where its savepoint is
:as_owner
BEGIN;
SELECT spsa_unprotect_function('twice(integer)');
SELECT twice(1);
SAVEPOINT s;
SELECT spsa_protect_function('twice(integer)');
SELECT twice(1);
ROLLBACK TO s;
SELECT twice(1);
ROLLBACK;
SELECT twice(1);
:as_admin
BEGIN;
DELETE FROM spsa.protected_function;
SAVEPOINT s;
SET ROLE regress_spsa_guard_owner;
SELECT twice(1);
ROLLBACK TO s;
TRUNCATE spsa.protected_function;
SET ROLE regress_spsa_guard_owner;
SELECT twice(1);
ROLLBACK;
:as_owner
SELECT twice(1);

--
-- What an ordinary role may try
--
:as_clerk
-- another function under the name, in front of it: it is what it is; the protected one stays protected
RESET plan_cache_mode;
:as_admin
GRANT CREATE ON DATABASE :"DBNAME" TO regress_spsa_guard_clerk;
:as_clerk
CREATE SCHEMA regress_spsa_guard_front;
CREATE FUNCTION regress_spsa_guard_front.twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT regress_spsa_guard.twice($1)';
SET search_path = regress_spsa_guard_front, regress_spsa_guard, public;
SELECT twice(1);
SELECT spsa_grant_function('payroll', 'twice(integer)');
RESET search_path;
-- replaced, renamed, altered
CREATE OR REPLACE FUNCTION raise_pay(n integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 0; END';
ALTER FUNCTION raise_pay RENAME TO lower_pay;
ALTER FUNCTION raise_pay IMMUTABLE;
-- behind something of his own
CREATE OPERATOR +? (FUNCTION = raise_pay, RIGHTARG = integer);
SELECT +? 1;
CREATE TYPE note AS (n integer);
CREATE FUNCTION note_of(integer) RETURNS note LANGUAGE sql AS 'SELECT ROW(raise_pay($1))::note';
CREATE CAST (integer AS note) WITH FUNCTION note_of(integer);
SELECT 1::note;
CREATE AGGREGATE own_sum(integer) (SFUNC = add_pay, STYPE = integer, INITCOND = '0');
SELECT own_sum(n) FROM pay_list;
CREATE AGGREGATE own_moving(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', MSFUNC = add_pay, MINVFUNC = add_pay, MSTYPE = integer, MINITCOND = '0');
SELECT own_moving(n) OVER (ORDER BY id ROWS 1 PRECEDING) FROM pay_list;
CREATE DOMAIN own AS integer DEFAULT raise_pay(1) CHECK (raise_pay(VALUE) > 0);
CREATE TABLE own_list (n own);
INSERT INTO own_list VALUES (1);
INSERT INTO own_list DEFAULT VALUES;
CREATE TABLE own_generated (n integer, m integer GENERATED ALWAYS AS (twice(n)) STORED);
CREATE INDEX ON own_list (twice(n));
CREATE TABLE own_copy (n integer CHECK (raise_pay(n) > 0), m integer DEFAULT twice(1));
COPY own_copy (n) FROM stdin;
1
\.
COPY (SELECT raise_pay(1)) TO stdout;
CREATE TABLE own_trigger (n integer);
CREATE TRIGGER t BEFORE INSERT ON own_trigger FOR EACH ROW EXECUTE FUNCTION raise_pay();
CREATE MATERIALIZED VIEW own_view AS SELECT raise_pay(1);
CREATE MATERIALIZED VIEW own_view AS SELECT raise_pay(1) WITH NO DATA;
REFRESH MATERIALIZED VIEW own_view;
CREATE TABLE own_as AS SELECT twice(1);
CREATE RULE own_rule AS ON INSERT TO own_trigger DO ALSO SELECT raise_pay(1);
INSERT INTO own_trigger VALUES (1);
-- results that maintenance by others would keep for the owner
DROP RULE own_rule ON own_trigger;
INSERT INTO own_trigger SELECT 7 FROM generate_series(1, 100);
CREATE STATISTICS own_statistics ON (twice(n)) FROM own_trigger;
CREATE MATERIALIZED VIEW own_view_definer AS SELECT through_definer(1) WITH NO DATA;
:as_admin
SELECT spsa_detach();
ANALYZE own_trigger;
REFRESH MATERIALIZED VIEW own_view;
REFRESH MATERIALIZED VIEW own_view_definer;
-- the superuser's own
CREATE MATERIALIZED VIEW direct_view AS SELECT raise_pay(1);
CREATE MATERIALIZED VIEW definer_view AS SELECT through_definer(1);
SELECT * FROM direct_view;
:as_clerk
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT most_common_vals FROM pg_stats_ext_exprs WHERE statistics_name = 'own_statistics';
SELECT * FROM own_view;
DROP TABLE own_trigger;
CREATE TABLE own_trigger (n integer);
CREATE FUNCTION own_default(n integer DEFAULT raise_pay(1)) RETURNS integer LANGUAGE sql AS 'SELECT $1';
SELECT own_default();
-- a settings of his own on a wrapper: the session and the role are still those of the call
CREATE FUNCTION wrapper() RETURNS integer LANGUAGE sql SET role = regress_spsa_guard_clerk AS 'SELECT raise_pay(1)';
SELECT wrapper();
SELECT spsa_allows_function('raise_pay(integer)');
SELECT pg_typeof(raise_pay(1));
EXPLAIN (COSTS OFF) SELECT raise_pay(1);
EXPLAIN (COSTS OFF) SELECT id FROM pay_list WHERE n < twice(10);
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT raise_pay(1);
SELECT count(*) FROM spsa.protected_function;
DELETE FROM spsa.protected_function;

--
-- Altered by its owner so that calls could not be checked: refused until that is undone
--
:as_owner
ALTER FUNCTION twice(integer) IMMUTABLE;
:as_clerk
SELECT already_active FROM spsa_activate_own('payroll');
SELECT twice(1);
\echo :LAST_ERROR_SQLSTATE
EXECUTE constant;
:as_owner
ALTER FUNCTION twice(integer) STABLE;
:as_clerk
EXECUTE constant;
SELECT spsa_deactivate_own('payroll'), spsa_detach();
-- PostgreSQL refuses that a function sets the session, unless somebody writes the catalog
:as_owner
\set text 'ALTER FUNCTION twice(integer) SET spsa.session_token = ' :'tok'
:text;
:as_admin
SELECT already_active FROM spsa_activate(:'session', 'payroll');
UPDATE pg_proc SET proconfig = ARRAY['spsa.session_token=' || :'tok'] WHERE oid = 'twice(integer)'::regprocedure;
:as_clerk
SELECT twice(1);
\echo :LAST_ERROR_SQLSTATE
:as_owner
ALTER FUNCTION twice(integer) RESET ALL;
ALTER FUNCTION raise_pay SET "Role" = regress_spsa_guard_clerk;
:as_clerk
SELECT raise_pay(1);
:as_owner
ALTER FUNCTION raise_pay RESET ALL;
-- One that is not protected and sets the session, sets it for what it calls, and for nothing else
:as_admin
CREATE FUNCTION caller() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN raise_pay(1); END';
UPDATE pg_proc SET proconfig = ARRAY['spsa.session_token=' || :'tok'] WHERE oid = 'caller()'::regprocedure;
:as_clerk
SELECT caller();
SELECT raise_pay(1);
:as_admin
SELECT spsa_deactivate(:'session', 'payroll');
:as_clerk
SELECT caller();
:as_admin
SELECT already_active FROM spsa_activate(:'session', 'payroll');

--
-- Replaced by its owner it stays protected; its name it cannot lose; dropped and made again it is another one
--
:as_owner
CREATE OR REPLACE FUNCTION raise_pay(n integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN n + 2; END';
SELECT raise_pay(1);
ALTER FUNCTION raise_pay RENAME TO lower_pay;
:as_admin
ALTER SCHEMA regress_spsa_guard RENAME TO regress_spsa_guard_new;
:as_owner
CREATE FUNCTION brief() RETURNS integer LANGUAGE sql AS 'SELECT 1';
SELECT spsa_protect_function('brief()');
SELECT brief();
DROP FUNCTION brief();
CREATE FUNCTION brief() RETURNS integer LANGUAGE sql AS 'SELECT 1';
SELECT brief();

--
-- Parallel workers
--
:as_admin
CREATE TABLE many AS SELECT g AS n FROM generate_series(1, 1000) g;
ALTER TABLE many SET (parallel_workers = 2);
GRANT SELECT ON many TO regress_spsa_guard_clerk;
ALTER FUNCTION raise_pay PARALLEL SAFE;
ALTER FUNCTION raise_pay COST 100000;
:as_clerk
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many WHERE raise_pay(n) > 0;
SELECT count(*) FROM many WHERE raise_pay(n) > 0;
SELECT spsa_deactivate_own('payroll');
SELECT count(*) FROM many WHERE raise_pay(n) > 0;
SELECT spsa_detach();
SELECT count(*) FROM many WHERE raise_pay(n) > 0;


\c -
SET client_min_messages = warning;
DROP SCHEMA regress_spsa_guard_front CASCADE;
DROP SCHEMA regress_spsa_guard CASCADE;
SELECT count(*) FROM spsa.protected_function;
ALTER DATABASE :"DBNAME" RESET session_preload_libraries;
ALTER DATABASE :"DBNAME" RESET search_path;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_spsa_guard_clerk;
DROP EXTENSION spsa;
DROP ROLE regress_spsa_guard_owner, regress_spsa_guard_clerk, regress_spsa_guard_other, regress_spsa_guard_bypass;
