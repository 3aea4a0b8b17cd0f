-- held_result: what has been returned by calls of protected functions and sequences, and by masked views, is not kept for
-- whoever uses the connection next: cursors WITH HOLD, loops that commit, and cursors that go on under another session.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
-- Functions and sequences are guarded where the library is preloaded.
ALTER DATABASE :"DBNAME" SET session_preload_libraries = 'spsa';
ALTER DATABASE :"DBNAME" SET search_path = regress_spsa_held, public;
\c -
SET client_min_messages = warning;
CREATE ROLE regress_spsa_held;
CREATE ROLE regress_spsa_held_bypass BYPASSRLS;
CREATE SCHEMA regress_spsa_held;
GRANT USAGE, CREATE ON SCHEMA regress_spsa_held TO regress_spsa_held;
GRANT USAGE ON SCHEMA regress_spsa_held TO regress_spsa_held_bypass;
\set as_user 'SET SESSION AUTHORIZATION regress_spsa_held;'
\set as_admin 'RESET SESSION AUTHORIZATION;'

CREATE TABLE item (id integer PRIMARY KEY, n integer DEFAULT 7);
INSERT INTO item SELECT i, i * 10 FROM generate_series(1, 3) i;
CREATE FUNCTION secret(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1 + 1000';
CREATE FUNCTION secrets(n integer) RETURNS SETOF integer LANGUAGE plpgsql STABLE AS 'BEGIN RETURN QUERY SELECT i.id + 1000 FROM item i ORDER BY i.id; END';
CREATE FUNCTION plain(n integer) RETURNS integer LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 + 1; END';
CREATE FUNCTION by_sql(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT secret($1) + 1';
CREATE FUNCTION by_plpgsql(n integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN secret($1) + 1; END';
CREATE FUNCTION by_definer(n integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN secret($1) + 1; END';
CREATE FUNCTION by_loop() RETURNS SETOF integer LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT secret(id) AS n FROM item ORDER BY id LOOP
		RETURN NEXT r.n;
	END LOOP;
END $$;
CREATE FUNCTION by_catching() RETURNS SETOF integer LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		PERFORM 1 / 0;
	EXCEPTION WHEN division_by_zero THEN
	END;
	RETURN QUERY SELECT * FROM by_loop();
END $$;
CREATE FUNCTION by_cursor(c refcursor) RETURNS SETOF integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
BEGIN
	LOOP
		FETCH c INTO n;
		EXIT WHEN NOT FOUND;
		RETURN NEXT n;
	END LOOP;
END $$;
CREATE VIEW by_view AS SELECT id, secret(n) AS n FROM item;
CREATE OPERATOR !! (FUNCTION = secret, RIGHTARG = integer);
CREATE SEQUENCE counter;
CREATE TABLE pay (id integer PRIMARY KEY, name text, salary integer);
INSERT INTO pay VALUES (1, 'ann', 100), (2, 'bob', 200);
CREATE TABLE part (id integer, n integer) PARTITION BY LIST (n);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1001);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (1002);
INSERT INTO part VALUES (1, 1001), (2, 1002);
GRANT SELECT ON item, by_view, part, pay TO regress_spsa_held, regress_spsa_held_bypass;
GRANT ALL ON SEQUENCE counter TO regress_spsa_held, regress_spsa_held_bypass;

SELECT spsa_protect_function(f) FROM unnest('{secret(integer),secrets(integer)}'::regprocedure[]) f;
SELECT spsa_protect('counter');
SELECT spsa_protect('pay'), spsa_protect_field('pay', 'salary');
SELECT spsa_create_masked_view('pay', 'pay_masked');
GRANT SELECT ON pay_masked TO regress_spsa_held;
SELECT spsa_create_user(u) IS NOT NULL AS made FROM unnest('{ann,bob}'::text[]) u;
SELECT spsa_create_permission_set('calls') IS NOT NULL AS made;
SELECT spsa_grant_function('calls', f) FROM unnest('{secret(integer),secrets(integer)}'::regprocedure[]) f;
SELECT spsa_grant_object('calls', 'counter', '{read,edit}'), spsa_grant_object('calls', 'pay', '{read}'),
	spsa_grant_field('calls', 'pay', 'salary', '{read}');
SELECT spsa_assign(u, 'calls') FROM unnest('{ann,bob}'::text[]) u;
SELECT token AS ann FROM spsa_open_session('ann', db_role => 'regress_spsa_held') \gset
SELECT token AS bob FROM spsa_open_session('bob', db_role => 'regress_spsa_held') \gset
SELECT token AS anybody FROM spsa_open_session('ann', db_role => NULL) \gset

--
-- Cursors WITH HOLD: each query without them, held and not fetched from before COMMIT, and fetched from
--
CREATE TABLE way (place integer GENERATED ALWAYS AS IDENTITY, way text, query text);
INSERT INTO way (way, query) VALUES
	('select list', 'SELECT secret(id) FROM item ORDER BY id'),
	('where', 'SELECT id FROM item WHERE secret(id) = 1002'),
	('from', 'SELECT * FROM secrets(1)'),
	('evaluated once', 'SELECT (SELECT secret(1)) + id FROM item'),
	('with', 'WITH w AS MATERIALIZED (SELECT secret(id) AS n FROM item) SELECT n FROM w'),
	('order by', 'SELECT id FROM item ORDER BY secret(-id)'),
	('view', 'SELECT n FROM by_view ORDER BY id'),
	('operator', 'SELECT !! id FROM item'),
	('function in SQL', 'SELECT by_sql(id) FROM item'),
	('function in PL/pgSQL', 'SELECT by_plpgsql(id) FROM item'),
	('security definer', 'SELECT by_definer(id) FROM item'),
	('loop of a function', 'SELECT * FROM by_loop()'),
	('after an error that is caught', 'SELECT * FROM by_catching()'),
	('choice of partitions', 'SELECT id FROM part WHERE n = secret(1)'),
	('currval()', 'SELECT currval(''counter'') FROM item'),
	('nextval()', 'SELECT nextval(''counter'') FROM item'),
	('sequence', 'SELECT is_called FROM counter'),
	('masked view', 'SELECT salary FROM pay_masked ORDER BY id'),
	('masked view, other field', 'SELECT name FROM pay_masked ORDER BY id'),
	('masked view, no field', 'SELECT 1 FROM pay_masked'),
	('not protected', 'SELECT plain(id) FROM item');
GRANT SELECT ON way TO regress_spsa_held;

\set held 'SELECT ''BEGIN'', ''DECLARE held SCROLL CURSOR WITH HOLD FOR '' || query, ''COMMIT'', ''FETCH ALL FROM held'', ''CLOSE ALL'' FROM way ORDER BY place'
\set fetched 'SELECT ''BEGIN'', ''DECLARE held SCROLL CURSOR WITH HOLD FOR '' || query, ''FETCH held'', ''COMMIT'', ''FETCH ALL FROM held'', ''CLOSE ALL'' FROM way ORDER BY place'
\set VERBOSITY terse
:as_user
-- nothing is granted without a session
SELECT secret(1);
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT secret(id) FROM item;
COMMIT;
SELECT spsa_attach_connection(:'ann') IS NOT NULL AS attached;
SELECT nextval('counter');
-- stored at COMMIT
:held
\gexec
-- fetched from before: what functions have returned is kept from then on
:fetched
\gexec
-- without HOLD
SELECT 'BEGIN', 'DECLARE c SCROLL CURSOR FOR ' || query, 'FETCH ALL FROM c', 'COMMIT' FROM way WHERE way <> 'nextval()' ORDER BY place
\gexec
\set VERBOSITY default
-- in full
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM secrets(1);
COMMIT;
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM pg_cursors;
-- declared by PL/pgSQL
BEGIN;
DO $$ BEGIN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT * FROM secrets(1)'; END $$;
COMMIT;
FETCH held;
BEGIN;
DO $$ BEGIN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT plain(1)'; END $$;
COMMIT;
FETCH held;
CLOSE held;
-- what the transaction has written goes with it
BEGIN;
CREATE TABLE gone (n integer);
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM secrets(1);
COMMIT;
SELECT to_regclass('gone') IS NULL AS is_gone;
-- in a block that catches the error
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT secret(1);
DO $$
DECLARE
	c refcursor := 'held';
	n integer;
BEGIN
	FETCH c INTO n;
EXCEPTION WHEN feature_not_supported THEN
	RAISE WARNING '%', SQLERRM;
END $$;
SAVEPOINT s;
SELECT secret(1);
DECLARE c CURSOR FOR SELECT secret(1);
FETCH c;
COMMIT;
-- a cursor that was opened before feeds one that is held
BEGIN;
DECLARE feeding CURSOR FOR SELECT * FROM secrets(1);
FETCH feeding;
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM by_cursor('feeding');
FETCH held;
COMMIT;
BEGIN;
DECLARE feeding CURSOR FOR SELECT salary FROM pay ORDER BY id;
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM by_cursor('feeding');
FETCH held;
COMMIT;
BEGIN;
DECLARE feeding CURSOR FOR SELECT plain(id) FROM item;
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM by_cursor('feeding');
FETCH held;
COMMIT;
FETCH held;
CLOSE held;

--
-- Loops of procedures that commit
--
DO $$
BEGIN
	FOR i IN 1 .. 2 LOOP
		RAISE WARNING '%', secret(i);
		COMMIT;
	END LOOP;
END $$;
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT plain(id) AS n FROM item LOOP
		RAISE WARNING '% %', r.n, secret(1);
		COMMIT;
	END LOOP;
END $$;
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT * FROM secrets(1) LOOP
		COMMIT;
	END LOOP;
END $$;
\echo :LAST_ERROR_SQLSTATE
-- called for the first time by what COMMIT stores
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT CASE WHEN i > 60 THEN secret(i) END AS n FROM generate_series(1, 70) i LOOP
		COMMIT;
	END LOOP;
END $$;
\echo :LAST_ERROR_SQLSTATE
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT currval('counter') FROM generate_series(1, 70) LOOP
		COMMIT;
	END LOOP;
END $$;

--
-- Cursors that go on: under the session of the call, or under none and no other
--
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM secrets(1);
DECLARE once CURSOR FOR SELECT (SELECT secret(1)) + id FROM item;
DECLARE numbers SCROLL CURSOR FOR SELECT (SELECT currval('counter') > 0), id FROM item;
DECLARE masked CURSOR FOR SELECT salary FROM pay_masked ORDER BY id;
DECLARE others CURSOR FOR SELECT plain(id) FROM item;
DECLARE looped CURSOR FOR SELECT * FROM by_loop();
FETCH c;
FETCH looped;
FETCH once;
FETCH numbers;
FETCH masked;
FETCH others;
SAVEPOINT s;
SELECT spsa_detach();
FETCH c;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT spsa_detach();
FETCH once;
ROLLBACK TO s;
SELECT spsa_detach();
FETCH looped;
ROLLBACK TO s;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH BACKWARD FROM numbers;
ROLLBACK TO s;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH masked;
ROLLBACK TO s;
SELECT spsa_detach();
FETCH others;
COMMIT;
SELECT spsa_attach_connection(:'ann') IS NOT NULL AS attached;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT * FROM secrets(1);
DECLARE once CURSOR FOR SELECT (SELECT secret(1)) + id FROM item;
FETCH c;
FETCH once;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
SELECT * FROM secrets(1);
SELECT spsa_attach(:'ann') IS NOT NULL AS attached;
FETCH ABSOLUTE 3 FROM c;
FETCH once;
SELECT spsa_detach();
CLOSE c;
CLOSE once;
COMMIT;
-- a statement may attach, and call under several sessions; what it leaves is nobody's
CREATE FUNCTION for_each(tokens text[]) RETURNS SETOF integer LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(tokens) LOOP
		PERFORM spsa_attach(tokens[i]);
		RETURN NEXT secret(i);
	END LOOP;
END $$;
BEGIN;
SELECT * FROM for_each(ARRAY[:'ann', :'bob', :'ann']);
DECLARE c CURSOR FOR SELECT * FROM for_each(ARRAY[:'bob', :'bob']);
DECLARE d CURSOR FOR SELECT * FROM for_each(ARRAY[:'ann', :'bob', :'ann']);
FETCH c;
FETCH c;
FETCH d;
SELECT spsa_user_name();
FETCH d;
COMMIT;
-- a permission that is gone ends what is called, and leaves what has been returned
SELECT spsa_attach_connection(:'ann') IS NOT NULL AS attached;
CREATE FUNCTION lazily() RETURNS SETOF integer LANGUAGE sql AS 'SELECT secret(id) FROM item';
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM secrets(1);
DECLARE d CURSOR FOR SELECT lazily();
FETCH c;
FETCH d;
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ann', 'calls');
SET SESSION AUTHORIZATION regress_spsa_held;
FETCH c;
FETCH d;
ROLLBACK;
SELECT spsa_detach();

--
-- Rows that are stored when the first one is asked for
--
:as_admin
SELECT spsa_assign('ann', 'calls');
CREATE TABLE free (id integer);
INSERT INTO free VALUES (1), (2), (3);
CREATE TABLE edited (id integer, n integer);
INSERT INTO edited VALUES (1, 10), (2, 20), (3, 30);
SELECT spsa_protect('edited'), spsa_grant_object('calls', 'edited', '{read,create,edit,delete}');
CREATE FUNCTION salaries() RETURNS SETOF integer LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT salary FROM pay ORDER BY id; END';
CREATE PROCEDURE opens(c refcursor, query text, n integer) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	OPEN c FOR EXECUTE query;
	FOR i IN 1 .. n LOOP
		FETCH c INTO r;
	END LOOP;
END $$;
CREATE PROCEDURE reads(c refcursor) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FETCH c INTO r;
	RAISE WARNING '%', r;
END $$;
CREATE TABLE stored (place integer GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO stored (query) VALUES
	('UPDATE edited SET n = n RETURNING n'),
	('UPDATE edited SET n = n RETURNING 1'),
	('DELETE FROM edited RETURNING n'),
	('INSERT INTO edited VALUES (4, 40), (5, 50) RETURNING n'),
	('INSERT INTO edited VALUES (4, 40), (5, 50) RETURNING 1'),
	('WITH w AS (UPDATE edited SET n = n RETURNING n) SELECT n FROM w'),
	('WITH w AS (DELETE FROM free RETURNING id) SELECT salary FROM w, pay'),
	('UPDATE free SET id = id RETURNING (SELECT min(salary) FROM pay)'),
	('UPDATE free SET id = id RETURNING secret(id)'),
	('UPDATE free SET id = id RETURNING by_plpgsql(id)'),
	('INSERT INTO free SELECT salary FROM pay RETURNING id'),
	('EXECUTE prepared'),
	('FETCH ALL FROM feeding'),
	('SELECT * FROM salaries()'),
	('UPDATE free SET id = id RETURNING id');
CREATE TABLE other AS SELECT :'bob' AS token;
GRANT ALL ON edited, free, stored, other TO regress_spsa_held;
:as_user
PREPARE prepared AS SELECT salary FROM pay;
SELECT spsa_attach_connection(:'ann') IS NOT NULL AS attached;
-- each under another session, by SQL and by PL/pgSQL; the last one has nothing that is protected
\set opened 'SELECT ''BEGIN'', ''DECLARE feeding CURSOR FOR SELECT * FROM pay'', format(''CALL opens(''''c'''', %L, 1)'', query), '
\set VERBOSITY terse
:opened 'SELECT spsa_attach(token) IS NOT NULL AS attached FROM other', 'FETCH c', 'ROLLBACK' FROM stored ORDER BY place
\gexec
:opened 'SELECT spsa_detach()', 'CALL reads(''c'')', 'ROLLBACK' FROM stored ORDER BY place
\gexec
\set VERBOSITY default
-- the allow beside the deny: under the same one
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
FETCH c;
SELECT spsa_attach(:'ann') IS NOT NULL AS attached;
CALL reads('c');
-- other ways to another binding; it does not come back
SAVEPOINT s;
SAVEPOINT t;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
ROLLBACK TO t;
FETCH c;
ROLLBACK TO s;
CLOSE c;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
RESET ALL;
FETCH c;
ROLLBACK;
-- stored under what a savepoint takes back
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 0);
SAVEPOINT s;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH c;
ROLLBACK TO s;
SELECT spsa_user_name();
FETCH c;
ROLLBACK;
-- what reads them may keep them: a function, another portal, a result that is held
CREATE FUNCTION reading() RETURNS SETOF integer LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM by_cursor(''c''); END';
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
DECLARE d CURSOR FOR SELECT * FROM reading();
FETCH d;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH d;
ROLLBACK;
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
CALL opens('d', 'FETCH ALL FROM c', 1);
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH d;
ROLLBACK;
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
DECLARE d CURSOR WITH HOLD FOR SELECT * FROM by_cursor('c');
FETCH d;
ROLLBACK;
-- a loop over such rows that attaches
\set VERBOSITY sqlstate
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN UPDATE edited SET n = n FROM generate_series(1, 100) RETURNING edited.n LOOP
		NULL;
	END LOOP;
	RAISE WARNING 'read';
	FOR r IN WITH w AS (UPDATE edited SET n = n RETURNING n) SELECT n FROM w, generate_series(1, 100) LOOP
		PERFORM spsa_detach();
	END LOOP;
END $$;
\set VERBOSITY default
-- a command that attaches while it runs returns its rows; what is left of them is nobody's
CREATE PROCEDURE in_turn(tokens text[], INOUT sum integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(tokens) LOOP
		PERFORM spsa_attach(tokens[i]);
		sum := sum + secret(i);
		sum := sum + (SELECT count(*) FROM edited);
	END LOOP;
END $$;
CALL in_turn(ARRAY[:'ann', :'bob', :'ann'], 0);
BEGIN;
UPDATE free SET id = id FROM for_each(ARRAY[:'ann', :'bob', :'ann']) f RETURNING f;
CALL opens('c', format('UPDATE free SET id = id FROM for_each(%L) f RETURNING f', ARRAY[:'bob', :'ann']), 1);
SELECT spsa_user_name();
FETCH c;
ROLLBACK;
-- what has been called for is kept in a sort, and goes on from there
BEGIN;
DECLARE a CURSOR FOR SELECT by_plpgsql(i) FROM generate_series(1, 3) i ORDER BY 1;
FETCH a;
DECLARE d CURSOR FOR SELECT * FROM by_cursor('a');
FETCH d;
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH d;
ROLLBACK;
BEGIN;
DECLARE a CURSOR FOR SELECT by_plpgsql(i) FROM generate_series(1, 3) i ORDER BY 1;
FETCH a;
CALL opens('d', 'UPDATE free SET id = id FROM by_cursor(''a'') r RETURNING r', 1);
SELECT spsa_detach();
FETCH d;
ROLLBACK;
-- partitions are chosen when the cursor is opened
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM part WHERE n = secret(1);
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH c;
ROLLBACK;
CREATE FUNCTION peek(c refcursor) RETURNS integer LANGUAGE plpgsql STABLE AS $$
DECLARE
	n integer;
BEGIN
	FETCH c INTO n;
	RETURN 1000 + n / 10;
END $$;
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 0);
FETCH c;
DECLARE d CURSOR FOR SELECT id FROM part WHERE n = peek('c');
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
FETCH d;
ROLLBACK;
-- locks last until the end of the transaction
BEGIN;
CALL opens('c', 'UPDATE free SET id = id RETURNING (SELECT min(salary) FROM pay)', 1);
SELECT spsa_attach(:'bob') IS NOT NULL AS attached;
CLOSE c;
SELECT mode FROM pg_locks WHERE relation = 'free'::regclass AND pid = pg_backend_pid();
ROLLBACK;
-- COMMIT, whatever the order in which portals end
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
DO $$ BEGIN FOR i IN 1 .. 20 LOOP EXECUTE format('DECLARE h%s CURSOR WITH HOLD FOR SELECT %s', i, i); END LOOP; END $$;
COMMIT;
SELECT count(*) FROM pg_cursors WHERE is_holdable;
CLOSE ALL;
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 1);
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM by_cursor('c');
COMMIT;
DECLARE a CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 2) \; CALL opens('b', 'UPDATE edited SET n = n RETURNING n', 1);
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 2) \; CALL opens('h', 'UPDATE edited SET n = n RETURNING n', 1);
DECLARE h CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 2) \; CALL opens('c2', 'UPDATE edited SET n = n RETURNING n', 1);
SELECT count(*) FROM pg_cursors WHERE is_holdable;
CLOSE ALL;
-- one that was read to its end is not in the way
BEGIN;
CALL opens('c', 'UPDATE edited SET n = n RETURNING n', 9);
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
FETCH held;
COMMIT;
CLOSE ALL;
-- a command that fails after an error leaves nothing behind
BEGIN;
SELECT 1 / 0;
ROLLBACK TO nowhere;
ROLLBACK;
SELECT count(*) FROM pay;
BEGIN;
SAVEPOINT a;
SELECT 1 / 0;
ROLLBACK TO nowhere;
ROLLBACK TO a;
SELECT count(*) FROM pay;
COMMIT;
-- a cursor can be closed under a binding that is void
BEGIN;
DECLARE a CURSOR FOR SELECT id FROM pay;
FETCH a;
DO $$ BEGIN PERFORM spsa_attach('spsa_x'); EXCEPTION WHEN others THEN NULL; END $$;
SAVEPOINT s;
CLOSE a;
ROLLBACK TO s;
FETCH a;
ROLLBACK;
SELECT spsa_attach_connection(:'ann') IS NOT NULL AS attached;
-- a procedure that rolls back goes on
CREATE PROCEDURE back(INOUT sum integer) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM count(*) FROM edited;
	ROLLBACK;
	sum := sum + secret(1);
END $$;
CALL back(0);
SELECT spsa_detach();

--
-- Who is exempt may keep what is called
--
:as_admin
SELECT spsa_attach_connection(:'anybody') IS NOT NULL AS attached;
SET ROLE regress_spsa_held_bypass;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT secret(1), nextval('counter') > 0;
COMMIT;
RESET ROLE;
SELECT spsa_detach();
FETCH held;
CLOSE held;

DROP SCHEMA regress_spsa_held CASCADE;
DROP OWNED BY regress_spsa_held, regress_spsa_held_bypass;
DROP ROLE regress_spsa_held, regress_spsa_held_bypass;
DROP EXTENSION spsa CASCADE;
DROP OWNED BY spsa_masked_view;
DROP ROLE spsa_masked_view;
ALTER DATABASE :"DBNAME" RESET session_preload_libraries;
ALTER DATABASE :"DBNAME" RESET search_path;
