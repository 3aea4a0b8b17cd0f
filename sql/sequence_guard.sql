-- sequence_guard: sequences, wherever a call of nextval(), setval() or currval() may stand.

CREATE EXTENSION spsa;
CREATE SEQUENCE sg_early;
-- refused until every connection loads the library
SELECT spsa_protect('sg_early');
\echo :LAST_ERROR_SQLSTATE
DROP SEQUENCE sg_early;
ALTER DATABASE :DBNAME SET session_preload_libraries = 'spsa';
\c -
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_sg_clerk;
CREATE ROLE regress_spsa_sg_owner;
CREATE SCHEMA regress_spsa_sg;
GRANT ALL ON SCHEMA regress_spsa_sg TO regress_spsa_sg_clerk, regress_spsa_sg_owner;
SET search_path = regress_spsa_sg, public;
SET ROLE regress_spsa_sg_owner;
CREATE SEQUENCE s;			-- protected, granted by sets
CREATE SEQUENCE other;		-- protected, granted by another set
CREATE SEQUENCE free;		-- not protected
CREATE TABLE doc (id serial, region text);
CREATE TABLE note (id int DEFAULT nextval('free'), body text);
CREATE TABLE paper (id int GENERATED ALWAYS AS IDENTITY, body text);
CREATE VIEW drawn AS SELECT nextval('s') AS n;
CREATE PROCEDURE p(n bigint) LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'p(%)', n > 0; END $$;
GRANT ALL ON ALL SEQUENCES IN SCHEMA regress_spsa_sg TO regress_spsa_sg_clerk;
GRANT ALL ON ALL TABLES IN SCHEMA regress_spsa_sg TO regress_spsa_sg_clerk;
RESET ROLE;
SELECT spsa_create_user('ann') > 0 AS made;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{reader,drawer,others,docs}'::text[]) n;
SELECT spsa_grant_object('reader', 's', '{read}'), spsa_grant_object('drawer', 's', '{read,edit}'),
	spsa_grant_object('docs', 'doc_id_seq', '{read,edit}');
SELECT spsa_grant_object('others', o, '{read,edit}') FROM unnest('{other,doc_id_seq,paper_id_seq}'::regclass[]) o;
SELECT spsa_assign('ann', n) FROM unnest('{reader,drawer,others,docs}'::text[]) n;
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_sg_clerk') \gset

-- made before anything is protected: plans, and one of which nothing is known but a computed name
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SET plan_cache_mode = force_generic_plan;
PREPARE constant AS SELECT nextval('s') > 0 AS drawn;
PREPARE computed(text) AS SELECT nextval($1::regclass) > 0 AS drawn;
EXECUTE constant;
EXECUTE computed('s');
CREATE FUNCTION draw_early() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN nextval('s'); END $$;
SELECT draw_early() > 0 AS drawn;
RESET SESSION AUTHORIZATION;

--
-- Protecting
--
CREATE TEMP SEQUENCE temporary;
SELECT spsa_protect('temporary');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('s', '{last_value}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('s', as_restrictive => false);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('spsa.assignment_id_seq');
\echo :LAST_ERROR_SQLSTATE
GRANT EXECUTE ON FUNCTION spsa_protect TO regress_spsa_sg_clerk, regress_spsa_sg_owner;
SET ROLE regress_spsa_sg_clerk;
SELECT spsa_protect('s');
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_spsa_sg_owner;
SELECT spsa_protect('s'), spsa_protect('other'), spsa_protect('doc_id_seq'), spsa_protect('paper_id_seq');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION spsa_protect FROM regress_spsa_sg_clerk, regress_spsa_sg_owner;
SELECT object, on_denied, force FROM spsa.protected_object ORDER BY object::text;
SELECT spsa_protect_field('s', 'last_value');
\echo :LAST_ERROR_SQLSTATE

--
-- Without a session, with read, with edit
--
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
CREATE OPERATOR <~ (rightarg = regclass, function = nextval);
CREATE OPERATOR <~ (leftarg = regclass, rightarg = bigint, function = setval);
CREATE FUNCTION in_plpgsql(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint := nextval(name); BEGIN n := nextval(name::regclass); RETURN n; END $$;
CREATE FUNCTION in_sql() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''s'')';
CREATE FUNCTION in_sql_through() RETURNS bigint LANGUAGE sql AS 'SELECT in_sql()';
CREATE FUNCTION in_sql_parsed() RETURNS bigint LANGUAGE sql RETURN setval('s', 100);
CREATE FUNCTION in_sql_rows() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT NextVal(''s'') FROM generate_series(1, 2)';
CREATE FUNCTION in_sql_operator() RETURNS bigint LANGUAGE sql AS 'SELECT <~ ''s''::regclass';
CREATE FUNCTION by_default(a int, n bigint DEFAULT nextval('s')) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
CREATE FUNCTION first_of(a regclass, b regclass) RETURNS regclass LANGUAGE sql IMMUTABLE AS 'SELECT a';
CREATE AGGREGATE draw_of(regclass) (sfunc = first_of, stype = regclass, finalfunc = nextval);
CREATE TABLE own (id bigint DEFAULT nextval('s'), n int);
CREATE RULE own_rule AS ON UPDATE TO own DO ALSO SELECT nextval('s');
INSERT INTO own VALUES (0, 1);
CREATE TABLE line (n bigint);
INSERT INTO line VALUES (1);
\set tries 'SELECT c AS statement, try(c) FROM unnest(ARRAY[$$SELECT nextval(''s'')$$, $$SELECT setval(''s'', 10)$$, $$SELECT setval(''s'', 10, false) FROM generate_series(1, 3)$$, $$SELECT currval(''s'')$$, $$SELECT * FROM s$$, $$SELECT pg_sequence_last_value(''s'')$$, $$SELECT * FROM nextval(''s'')$$, $$SELECT * FROM drawn$$, $$SELECT 1 WHERE nextval(''s'') > 0$$, $$SELECT (SELECT nextval(''s''))$$, $$WITH c AS (SELECT nextval(''s'') n) SELECT * FROM c$$, $$VALUES (nextval(''s''))$$, $$SELECT count(*) FROM line GROUP BY nextval(''s'')$$, $$SELECT n FROM line ORDER BY nextval(''s'')$$, $$SELECT sum(n) FROM line HAVING nextval(''s'') > 0$$, $$SELECT n FROM line LIMIT nextval(''s'')$$, $$SELECT array_agg(nextval(''s'')) OVER () FROM line$$, $$UPDATE line SET n = nextval(''s'')$$, $$INSERT INTO line VALUES (1) RETURNING nextval(''s'')$$, $$MERGE INTO line USING (VALUES (1)) v(n) ON false WHEN NOT MATCHED THEN INSERT VALUES (nextval(''s''))$$, $$INSERT INTO own (n) VALUES (1)$$, $$UPDATE own SET n = 2$$, $$SELECT <~ ''s''::regclass$$, $$SELECT ''s''::regclass <~ 10$$, $$SELECT nextval(''s''::text)$$, $$SELECT nextval(name::regclass) FROM (VALUES (''free''), (''s'')) v(name)$$, $$SELECT in_plpgsql(''s'')$$, $$SELECT draw_early()$$, $$SELECT in_sql()$$, $$SELECT in_sql_through()$$, $$SELECT in_sql_parsed()$$, $$SELECT * FROM in_sql_rows()$$, $$SELECT by_default(1)$$, $$SELECT by_default(a => 1)$$, $$SELECT * FROM by_default(1)$$, $$SELECT spsa.guarded_nextval(''s'')$$, $$DO ''BEGIN PERFORM nextval(''''s''''); END''$$, $$CALL p(nextval(''s''))$$, $$CREATE TEMP TABLE t ON COMMIT DROP AS SELECT nextval(''s'')$$, $$EXPLAIN (ANALYZE, BUFFERS OFF) SELECT nextval(''s'')$$, $$SELECT nextval(''free''), in_plpgsql(''free''), currval(''free''), setval(''free'', 10)$$, $$CALL p(nextval(''free''))$$]) c'
\pset format unaligned
:tries;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
:tries;
SELECT already_active FROM spsa_activate_own('reader');
:tries;
SELECT spsa_deactivate_own('reader');
SELECT already_active FROM spsa_activate_own('drawer');
:tries;
\pset format aligned
-- what changes authority draws numbers of its own: lastval() tells none of them
SELECT nextval('free') = lastval() AS same;
SELECT spsa_deactivate_all();
SELECT lastval();
\echo :LAST_ERROR_SQLSTATE
SELECT nextval('free') = lastval() AS same, currval('free') = lastval() AS current;
SELECT nextval('s');
\echo :LAST_ERROR_SQLSTATE
EXPLAIN (VERBOSE, COSTS OFF) SELECT nextval('s'), <~ 'free'::regclass;

--
-- Prepared statements, expressions of PL/pgSQL, cursors: each execution asks
--
EXECUTE constant;
EXECUTE computed('s');
EXECUTE computed('free');
SELECT try('SELECT draw_early()');
SELECT already_active FROM spsa_activate_own('drawer');
EXECUTE constant;
EXECUTE computed('s');
BEGIN;
SELECT draw_early() > 0 AS drawn;
DECLARE c CURSOR FOR SELECT nextval('s') > 0 AS drawn FROM generate_series(1, 3);
FETCH 1 FROM c;
SELECT spsa_deactivate_own('drawer');
SAVEPOINT x;
SELECT draw_early() > 0 AS drawn;
ROLLBACK TO x;
FETCH 1 FROM c;
ROLLBACK TO x;
SAVEPOINT y;
SELECT already_active FROM spsa_activate_own('drawer');
SELECT draw_early() > 0 AS drawn;
ROLLBACK TO y;
SELECT draw_early() > 0 AS drawn;
ROLLBACK;
SET plan_cache_mode = force_custom_plan;
EXECUTE constant;
EXECUTE computed('s');
SELECT spsa_deactivate_own('drawer');
EXECUTE constant;
EXECUTE computed('s');
RESET plan_cache_mode;
CREATE FUNCTION turns() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text := '';
BEGIN
	FOR i IN 1 .. 4 LOOP
		IF i % 2 = 0 THEN PERFORM spsa_activate_own('drawer'); ELSE PERFORM spsa_deactivate_own('drawer'); END IF;
		BEGIN
			r := r || (nextval('s') > 0);
		EXCEPTION WHEN insufficient_privilege THEN
			r := r || ' denied ';
		END;
	END LOOP;
	RETURN r;
END $$;
SELECT turns();
SELECT spsa_deactivate_all();

--
-- Where nothing is planned: what is known by name is asked for, else all protected sequences
--
PREPARE q(bigint) AS SELECT $1 > 0 AS positive;
CREATE DOMAIN drawing AS int CHECK (VALUE > 0 AND nextval('s') > 0);
CREATE TABLE checked (n int CHECK (nextval('s') > 0));
CREATE TABLE via_when (n int);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON via_when FOR EACH ROW WHEN (nextval('s') > 0) EXECUTE FUNCTION nothing();
CREATE TABLE filled ();
\set raw 'SELECT c AS statement, try(c) FROM unnest(ARRAY[$$EXECUTE q(nextval(''s''))$$, $$EXECUTE q(nextval(''free''))$$, $$EXECUTE q(1)$$, $$SELECT ''7''::text::drawing$$, $$INSERT INTO checked VALUES (1)$$, $$INSERT INTO via_when VALUES (1)$$, $$ALTER TABLE filled ADD id int DEFAULT nextval(''free'')$$, $$SELECT draw_of(''s'')$$, $$SELECT in_sql_operator()$$, $$CREATE TABLE part PARTITION OF parted FOR VALUES FROM (nextval(''s'')) TO (1000000)$$]) c'
CREATE TABLE parted (n int) PARTITION BY RANGE (n);
\pset format unaligned
:raw;
EXECUTE q(nextval('s'));
\echo :LAST_ERROR_SQLSTATE
CALL p(nextval('s'));
CALL p(nextval('free'));
SELECT already_active FROM spsa_activate_own('drawer');
:raw;
CALL p(nextval('s'));
SELECT already_active FROM spsa_activate_own('others');
:raw;
EXECUTE q(nextval('s'));
-- what PL/pgSQL keeps for the rest of the transaction (a record whose check could not be prepared is not checked again)
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN drawing_pair AS pair CHECK ((VALUE).a > 0 AND nextval('s') > 0);
CREATE FUNCTION raw_turns(kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text := ''; d drawing; ds drawing[]; p drawing_pair; n bigint; before bigint;
BEGIN
	FOR i IN 1 .. 5 LOOP
		IF i % 2 = 1 THEN PERFORM spsa_activate_own('others'); ELSE PERFORM spsa_deactivate_own('others'); END IF;
		before := currval('s');
		BEGIN
			IF kind = 'domain' THEN d := i::text;
			ELSIF kind = 'array' THEN ds := '{7}'::text;
			ELSIF kind = 'record' AND i = 1 THEN p := (1, 1);
			ELSIF kind = 'record' THEN p.a := i;
			ELSE n := in_sql_operator();
			END IF;
			r := r || CASE WHEN currval('s') > before THEN ' drawn' ELSE ' nothing' END;
		EXCEPTION WHEN insufficient_privilege THEN
			r := r || ' denied';
		END;
	END LOOP;
	RETURN r;
END $$;
SELECT k, raw_turns(k) FROM unnest('{domain,array,record,inlined}'::text[]) k;
SELECT already_active FROM spsa_activate_own('others');
SELECT spsa_deactivate_own('drawer');
:raw;
\pset format aligned
SELECT spsa_deactivate_all();
SELECT spsa_detach();
EXECUTE q(nextval('free'));
EXECUTE q(1);
SET spsa.session_token = '';

--
-- Defaults: serial columns ask for the sequence's grant, identity columns don't
--
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
INSERT INTO doc (region) VALUES ('EU');
INSERT INTO note (body) VALUES ('a');
INSERT INTO paper (body) VALUES ('a');
\copy paper (body) FROM PROGRAM 'echo b'
\copy doc (region) FROM PROGRAM 'trap "" PIPE; echo EU 2>/dev/null; true'
\copy doc FROM PROGRAM 'printf "7\tEU\n"'
\copy note (body) FROM PROGRAM 'echo b'
\copy note (body) FROM PROGRAM 'trap "" PIPE; echo c 2>/dev/null; true' WHERE nextval('s') > 0
\copy note (body) FROM PROGRAM 'trap "" PIPE; echo c 2>/dev/null; true' WHERE body > ''
\copy own (n) FROM PROGRAM 'trap "" PIPE; echo 3 2>/dev/null; true'
SELECT already_active FROM spsa_activate_own('docs');
INSERT INTO doc (region) VALUES ('EU');
\copy doc (region) FROM PROGRAM 'echo EU'
\copy own (n) FROM PROGRAM 'trap "" PIPE; echo 3 2>/dev/null; true'
-- what COPY lets through is for its defaults alone
CREATE TABLE sly (id bigint DEFAULT nextval('free'), n int CHECK (nextval('s') > 0));
\copy sly (n) FROM PROGRAM 'trap "" PIPE; echo 1 2>/dev/null; true'
CREATE TABLE folded (id bigint DEFAULT CASE WHEN true THEN 1 ELSE nextval('free') END, n int CHECK (nextval('s') > 0));
\copy folded (n) FROM PROGRAM 'trap "" PIPE; echo 1 2>/dev/null; true'
CREATE FUNCTION always() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE WARNING 'drawn %', '7'::text::drawing;
	RETURN 7;
EXCEPTION WHEN insufficient_privilege THEN
	RAISE WARNING 'denied';
	RETURN 7;
END $$;
CREATE TABLE early (a int DEFAULT always(), id bigint DEFAULT nextval('free'), n int);
\copy early (n) FROM PROGRAM 'trap "" PIPE; echo 1 2>/dev/null; true'
CREATE FUNCTION volatile_value() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE TABLE late (id bigint DEFAULT nextval('free'), n int, a int DEFAULT volatile_value());
\copy late (n) FROM PROGRAM 'echo 1'
CREATE TABLE computed (id bigint DEFAULT nextval('s'::text), n int);
\copy computed (n) FROM PROGRAM 'trap "" PIPE; echo 1 2>/dev/null; true'
CREATE TABLE raised (id bigint DEFAULT nextval('free'), n int);
CREATE FUNCTION tries() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '%', try('EXECUTE q(nextval(''s''))'); RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON raised FOR EACH ROW EXECUTE FUNCTION tries();
\copy raised (n) FROM PROGRAM 'echo 1'
SELECT count(*) AS sly FROM sly;
SELECT count(*) AS docs FROM doc;
SELECT count(*) AS notes FROM note;
SELECT spsa_deactivate_all();

--
-- Whom it concerns
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION by_owner() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN nextval('s'); END $$;
ALTER FUNCTION by_owner OWNER TO regress_spsa_sg_owner;
SELECT nextval('s') > 0 AS drawn, currval('s') > 0 AS seen;		-- a superuser
SET SESSION AUTHORIZATION regress_spsa_sg_owner;
SELECT spsa_detach();
SELECT nextval('s');
SELECT last_value FROM s;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT by_owner() > 0 AS drawn;
SELECT already_active FROM spsa_activate_own('drawer');
SELECT by_owner() > 0 AS drawn;
SELECT spsa_deactivate_all();
RESET SESSION AUTHORIZATION;
SELECT spsa_protect('s', force => false), spsa_protect('other', force => false), spsa_protect('doc_id_seq', force => false), spsa_protect('paper_id_seq', force => false);
SET SESSION AUTHORIZATION regress_spsa_sg_owner;
SELECT nextval('s') > 0 AS drawn;
SELECT last_value > 0 AS seen FROM s;
ALTER TABLE note ADD another serial;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s');
SELECT by_owner() > 0 AS drawn;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_spsa_sg_clerk BYPASSRLS;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s') > 0 AS drawn;
EXECUTE q(nextval('s'));
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_spsa_sg_clerk NOBYPASSRLS;

-- PostgreSQL's own privileges are still needed: on the sequence, and on the function
REVOKE ALL ON SEQUENCE s FROM regress_spsa_sg_clerk;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT already_active FROM spsa_activate_own('drawer');
SELECT nextval('s');
\set VERBOSITY sqlstate
SELECT nextval('doc');
\set VERBOSITY default
SELECT nextval('nowhere');
SELECT nextval(NULL) IS NULL AS none;
RESET SESSION AUTHORIZATION;
GRANT ALL ON SEQUENCE s TO regress_spsa_sg_clerk;
BEGIN;
REVOKE EXECUTE ON FUNCTION nextval FROM PUBLIC;
SET LOCAL SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s');
ROLLBACK;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s') > 0 AS drawn;
-- the view of all sequences shows values of those that are granted
SELECT sequencename, last_value IS NOT NULL AS seen FROM pg_sequences WHERE schemaname = 'regress_spsa_sg' ORDER BY 1;
SELECT spsa_deactivate_all();
SELECT sequencename, last_value IS NOT NULL AS seen FROM pg_sequences WHERE schemaname = 'regress_spsa_sg' ORDER BY 1;

-- what a session that is over, or that is missing where one is required, meets
RESET SESSION AUTHORIZATION;
SET spsa.require_session = on;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT spsa_detach();
SELECT nextval('s');
\echo :LAST_ERROR_SQLSTATE
EXECUTE q(nextval('free'));
\echo :LAST_ERROR_SQLSTATE
SELECT nextval('free') > 0 AS drawn;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT spsa_close_session((SELECT spsa_session_id()));
SELECT nextval('s');
\echo :LAST_ERROR_SQLSTATE
EXECUTE q(nextval('free'));
\echo :LAST_ERROR_SQLSTATE
SELECT nextval('free') > 0 AS drawn;
RESET SESSION AUTHORIZATION;
SET spsa.session_token = '';
RESET spsa.require_session;

-- unprotected, renamed, dropped
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_sg_clerk') \gset
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
RESET SESSION AUTHORIZATION;
ALTER SEQUENCE s RENAME TO s2;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s2');
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT spsa_unprotect('s2');
SET LOCAL SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s2') > 0 AS drawn;
ROLLBACK;
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s2');
RESET SESSION AUTHORIZATION;
DROP SEQUENCE other;
SELECT object FROM spsa.protected_object ORDER BY object::text;
SELECT spsa_unprotect('s2'), spsa_unprotect('doc_id_seq'), spsa_unprotect('paper_id_seq');
SET SESSION AUTHORIZATION regress_spsa_sg_clerk;
SELECT nextval('s2') > 0 AS drawn;
EXECUTE computed('s2');
EXECUTE q(nextval('s2'));
EXPLAIN (VERBOSE, COSTS OFF) SELECT nextval('s2');
RESET SESSION AUTHORIZATION;

SET client_min_messages = error;
DROP SCHEMA regress_spsa_sg CASCADE;
DROP EXTENSION spsa;
DROP ROLE regress_spsa_sg_clerk, regress_spsa_sg_owner;
ALTER DATABASE :DBNAME RESET session_preload_libraries;
