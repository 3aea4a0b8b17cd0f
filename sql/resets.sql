-- resets.sql - every way out ends the authority that there was: each test here would show rows if it survived.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE ROLE regress_spsa_resets_app;
CREATE ROLE regress_spsa_resets_member IN ROLE regress_spsa_resets_app;
CREATE ROLE regress_spsa_resets_other;
CREATE ROLE regress_spsa_resets_definer;
GRANT regress_spsa_resets_other TO regress_spsa_resets_app;

CREATE TABLE resets_doc (id int PRIMARY KEY, region text, body text);
INSERT INTO resets_doc SELECT n, CASE n % 3 WHEN 0 THEN 'EU' WHEN 1 THEN 'US' ELSE 'AP' END, 'text ' || n FROM generate_series(1, 9) n;
GRANT SELECT, INSERT, UPDATE, DELETE ON resets_doc TO regress_spsa_resets_app, regress_spsa_resets_other, regress_spsa_resets_definer;
SELECT spsa_protect('resets_doc', '{region}');
CREATE TABLE resets_log (n bigint);
GRANT SELECT, INSERT ON resets_log TO PUBLIC;
GRANT CREATE ON SCHEMA public TO regress_spsa_resets_definer;

-- ann reads EU and, with everything activated, all; ben reads US
SELECT spsa_create_user('ann'), spsa_create_user('ben');
SELECT spsa_create_permission_set('eu') > 0, spsa_create_permission_set('us') > 0, spsa_create_permission_set('everything', activation_required => true) > 0;
SELECT spsa_grant_object('eu', 'resets_doc', '{read}', true), spsa_grant_rows('eu', 'resets_doc', 'region', '{EU}');
SELECT spsa_grant_object('us', 'resets_doc', '{read}', true), spsa_grant_rows('us', 'resets_doc', 'region', '{US}');
SELECT spsa_grant_object('everything', 'resets_doc', '{read,create,edit,delete}');
SELECT spsa_assign('ann', 'eu'), spsa_assign('ann', 'everything'), spsa_assign('ben', 'us');
SELECT token AS ann, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_resets_app') \gset
SELECT token AS ben, session_id AS ben_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_resets_app') \gset
SELECT token AS rot, session_id AS rot_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_resets_app') \gset
SELECT token AS unknown, session_id AS unknown_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_resets_app') \gset
DELETE FROM spsa.session WHERE session_id = :'unknown_sid';

SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT id FROM resets_doc ORDER BY id;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT id FROM resets_doc ORDER BY id;
SELECT spsa_detach();
SELECT id FROM resets_doc ORDER BY id;

--
-- ROLLBACK
--
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
BEGIN;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
BEGIN;
SET spsa.session_token = :'ann';
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
-- after an error
BEGIN;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT 1/0;
ROLLBACK;
SELECT count(*) FROM resets_doc;
-- activation
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
BEGIN;
SELECT already_active FROM spsa_activate_own('everything');
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
INSERT INTO resets_doc VALUES (10, 'EU');
:code
SELECT spsa_detach();
-- what the transaction attached is gone, what was before it is back
SELECT spsa_attach_connection(:'ben') = :'ben_sid' AS attached;
BEGIN;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT id FROM resets_doc ORDER BY id;
ROLLBACK;
SELECT id FROM resets_doc ORDER BY id;
SELECT spsa_detach();

--
-- A token that has replaced the attached one goes the same ways
--
SELECT spsa_attach_connection(:'rot') = :'rot_sid' AS attached;
SELECT spsa_rotate_token() AS rot \gset
SELECT count(*) FROM resets_doc;
DISCARD ALL;
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'rot') = :'rot_sid' AS attached;
SELECT spsa_rotate_token() AS rot \gset
RESET ALL;
SET client_min_messages = warning;
SELECT count(*) FROM resets_doc;
BEGIN;
SELECT spsa_attach(:'rot') = :'rot_sid' AS attached;
SELECT spsa_rotate_token() AS rot \gset
SELECT count(*) FROM resets_doc;
COMMIT;
SELECT count(*) FROM resets_doc;
BEGIN;
SELECT spsa_attach_connection(:'rot') = :'rot_sid' AS attached;
SELECT spsa_rotate_token() IS NOT NULL AS rotated;
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'rot') = :'rot_sid' AS attached;
SELECT spsa_rotate_token() AS rot \gset
SELECT spsa_detach();
SELECT count(*) FROM resets_doc;
-- what is derived attaches nothing
BEGIN;
SELECT spsa_attach(:'rot') = :'rot_sid' AS attached;
SELECT count(*) FROM spsa_derive_session('{eu}');
COMMIT;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'rot') = :'rot_sid' AS attached;
SELECT spsa_close_session();
SELECT spsa_detach();

--
-- ROLLBACK TO
--
BEGIN;
SAVEPOINT s;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
ROLLBACK TO s;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
ROLLBACK TO s;
SELECT count(*) FROM resets_doc;
COMMIT;
SELECT count(*) FROM resets_doc;
BEGIN;
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
SAVEPOINT s;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT already_active FROM spsa_activate_own('everything');
SELECT count(*) FROM resets_doc;
ROLLBACK TO s;
SELECT id FROM resets_doc ORDER BY id;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT id FROM resets_doc ORDER BY id;
COMMIT;
SELECT count(*) FROM resets_doc;
-- a block with an exception handler is a savepoint
SELECT set_config('resets.ann', :'ann', false) = :'ann' AS known, set_config('resets.ben', :'ben', false) = :'ben' AS known;
DO $$
BEGIN
	BEGIN
		PERFORM spsa_attach(current_setting('resets.ann'));
		RAISE WARNING 'rows within: %', (SELECT count(*) FROM resets_doc);
		RAISE EXCEPTION 'undone';
	EXCEPTION WHEN raise_exception THEN
		RAISE WARNING 'rows after: %', (SELECT count(*) FROM resets_doc);
	END;
END $$;
SELECT count(*) FROM resets_doc;

--
-- RESET, RESET ALL, DISCARD ALL; DISCARD PLANS does not
--
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
RESET spsa.session_token;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SET spsa.session_token TO DEFAULT;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
RESET ALL;
SET client_min_messages = warning;
SELECT count(*) FROM resets_doc;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
DISCARD PLANS;
SELECT count(*) FROM resets_doc;
DISCARD ALL;
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
-- also when it was SET
SET spsa.session_token = :'ann';
SELECT count(*) FROM resets_doc;
DISCARD ALL;
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
-- RESET in a transaction that is rolled back resets nothing
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
BEGIN;
RESET ALL;
SET LOCAL client_min_messages = warning;
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
SELECT spsa_detach();

--
-- SET LOCAL ends with its transaction
--
BEGIN;
SET LOCAL spsa.session_token = :'ann';
SELECT count(*) FROM resets_doc;
COMMIT;
SELECT count(*) FROM resets_doc;
BEGIN;
SET LOCAL spsa.session_token = :'ann';
SELECT count(*) FROM resets_doc;
SET LOCAL spsa.session_token = '';
SELECT count(*) FROM resets_doc;
COMMIT;
SELECT count(*) FROM resets_doc;
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
SELECT spsa_detach();
SELECT count(*) FROM resets_doc;
COMMIT;
SELECT count(*) FROM resets_doc;
-- a new transaction at once
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
COMMIT AND CHAIN;
SELECT count(*) FROM resets_doc;
COMMIT;
-- a procedure that commits
CREATE TEMP TABLE resets_found (step int, n bigint);
CREATE PROCEDURE pg_temp.resets_work(token text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM spsa_attach(token);
	INSERT INTO resets_found SELECT 1, count(*) FROM resets_doc;
	COMMIT;
	INSERT INTO resets_found SELECT 2, count(*) FROM resets_doc;
	PERFORM spsa_attach(token);
	INSERT INTO resets_found SELECT 3, count(*) FROM resets_doc;
	ROLLBACK;
	INSERT INTO resets_found SELECT 4, count(*) FROM resets_doc;
END $$;
CALL pg_temp.resets_work(:'ann');
SELECT step, n FROM resets_found ORDER BY step;
SELECT count(*) FROM resets_doc;
DROP TABLE resets_found;
DROP PROCEDURE pg_temp.resets_work(text);

--
-- SET clauses of functions
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION resets_rows() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM resets_doc); END';
CREATE FUNCTION resets_rows_without() RETURNS bigint LANGUAGE plpgsql SET spsa.session_token = '' AS 'BEGIN RETURN (SELECT count(*) FROM resets_doc); END';
CREATE FUNCTION resets_attach_inside(token text) RETURNS bigint LANGUAGE plpgsql SET spsa.session_token = '' AS
	'BEGIN PERFORM spsa_attach(token); RETURN (SELECT count(*) FROM resets_doc); END';
CREATE FUNCTION resets_attach_through(token text) RETURNS bigint LANGUAGE plpgsql SET search_path = public AS
	'BEGIN PERFORM spsa_attach(token); RETURN (SELECT count(*) FROM resets_doc); END';
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT resets_rows();
SELECT resets_rows_without();
SELECT resets_rows();
SELECT spsa_detach();
-- a function's own binding ends with the function, if it has the clause, or else with the transaction
BEGIN;
SELECT resets_attach_inside(:'ann');
SELECT resets_rows();
SELECT resets_attach_through(:'ann');
SELECT resets_rows();
COMMIT;
SELECT resets_rows();
-- not while a statement on protected objects runs
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT id, resets_rows_without() FROM resets_doc ORDER BY id;
:code
SELECT spsa_detach();

--
-- SET ROLE and SET SESSION AUTHORIZATION
--
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SET ROLE regress_spsa_resets_other;
SELECT count(*) FROM resets_doc;
:code
RESET ROLE;
SELECT count(*) FROM resets_doc;
SET SESSION AUTHORIZATION regress_spsa_resets_other;
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_user_name() IS NULL AS nobody;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
-- a prepared statement too
PREPARE by_role AS SELECT count(*) FROM resets_doc;
EXECUTE by_role;
SET ROLE regress_spsa_resets_other;
EXECUTE by_role;
:code
RESET ROLE;
EXECUTE by_role;
DEALLOCATE by_role;
-- within a transaction
BEGIN;
SET LOCAL ROLE regress_spsa_resets_other;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
SELECT count(*) FROM resets_doc;
SELECT spsa_detach();
-- a session for one role, attached under SET ROLE to another
SET ROLE regress_spsa_resets_other;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
:code
SELECT count(*) FROM resets_doc;
RESET ROLE;
SELECT count(*) FROM resets_doc;

--
-- What is taken away by somebody else: assignment, user, session
--
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
RESET SESSION AUTHORIZATION;
BEGIN;
DELETE FROM spsa.assignment;
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
ROLLBACK;
BEGIN;
DELETE FROM spsa.permission_set;
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
ROLLBACK;
BEGIN;
DELETE FROM spsa.row_scope;
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
ROLLBACK;
BEGIN;
DELETE FROM spsa.object_permission;
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
ROLLBACK;
BEGIN;
DELETE FROM spsa.app_user WHERE user_name = 'ann';
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
UPDATE spsa.app_user SET is_active = false WHERE user_name = 'ann';
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
SELECT spsa_disable_user('ann');
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
SELECT spsa_close_session(:'ann_sid');
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
DELETE FROM spsa.session WHERE session_id = :'ann_sid';
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
TRUNCATE spsa.session CASCADE;
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
TRUNCATE spsa.assignment;
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
ROLLBACK;
BEGIN;
UPDATE spsa.session SET expires_at = clock_timestamp() WHERE session_id = :'ann_sid';
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
UPDATE spsa.session SET token_hash = sha256('another') WHERE session_id = :'ann_sid';
SET LOCAL SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
-- all of it was undone
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
-- committed
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ann', 'eu');
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('ann', 'eu');
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
SELECT spsa_detach();

--
-- A bad token after a good one leaves nothing of the good one
--
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT spsa_attach('bad');
:code
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_user_name() IS NULL AS nobody;
-- however often it is asked
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_detach();
SELECT count(*) FROM resets_doc;
-- for the connection
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT spsa_attach_connection(:'unknown');
:code
SELECT count(*) FROM resets_doc;
:code
RESET ALL;
SET client_min_messages = warning;
SELECT count(*) FROM resets_doc;
-- in a transaction that is rolled back
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
BEGIN;
SELECT spsa_attach(:'unknown');
:code
ROLLBACK;
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_detach();
-- in a savepoint
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SAVEPOINT s;
SELECT spsa_attach('bad');
:code
ROLLBACK TO s;
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
SELECT count(*) FROM resets_doc;
-- caught
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
DO $$
BEGIN
	BEGIN
		PERFORM spsa_attach_connection('bad');
	EXCEPTION WHEN invalid_authorization_specification THEN
		RAISE WARNING 'caught';
	END;
	RAISE WARNING 'rows: %', (SELECT count(*) FROM resets_doc);
END $$;
:code
SELECT count(*) FROM resets_doc;
:code
-- a null one
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT spsa_attach_connection(NULL);
:code
SELECT count(*) FROM resets_doc;
:code
-- one of a role that may not
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SET ROLE regress_spsa_resets_other;
SELECT spsa_attach_connection(:'ben');
:code
RESET ROLE;
SELECT count(*) FROM resets_doc;
:code
-- SET to something malformed
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SET spsa.session_token = 'bad';
:code
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
BEGIN;
SET LOCAL spsa.session_token = 'bad';
:code
ROLLBACK;
SELECT count(*) FROM resets_doc;
:code
-- SET to something well-formed
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SET spsa.session_token = :'unknown';
SELECT count(*) FROM resets_doc;
:code
RESET spsa.session_token;
SELECT count(*) FROM resets_doc;
-- the good one is good for another attach
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT count(*) FROM resets_doc;
SELECT spsa_detach();

-- a good one again in the same transaction: that one alone counts
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SAVEPOINT s;
SELECT spsa_attach('bad');
ROLLBACK TO s;
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
SELECT id FROM resets_doc ORDER BY id;
ROLLBACK TO s;
SELECT id FROM resets_doc ORDER BY id;
:code
ROLLBACK;
SELECT count(*) FROM resets_doc;

--
-- An opening that is rolled back
--
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_resets_app;
UPDATE spsa.app_user SET db_role = 'regress_spsa_resets_app' WHERE user_name = 'ann';
SET SESSION AUTHORIZATION regress_spsa_resets_app;
BEGIN;
SELECT token AS undone FROM spsa_open_session('ann') \gset
SELECT spsa_attach_connection(:'undone') IS NOT NULL AS attached;
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
SET spsa.session_token = :'undone';
SELECT count(*) FROM resets_doc;
:code
RESET spsa.session_token;
BEGIN;
SAVEPOINT s;
SELECT token AS undone FROM spsa_open_session('ann') \gset
SAVEPOINT t;
SELECT spsa_attach_connection(:'undone') IS NOT NULL AS attached;
RELEASE t;
SELECT count(*) FROM resets_doc;
ROLLBACK TO s;
SET LOCAL spsa.session_token = :'undone';
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
BEGIN;
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT count(*) FROM resets_doc;
ROLLBACK;
SELECT count(*) FROM resets_doc;
-- one that is not
BEGIN;
SELECT token AS made FROM spsa_open_session('ann') \gset
SELECT spsa_attach_connection(:'made') IS NOT NULL AS attached;
COMMIT;
SELECT count(*) FROM resets_doc;
SELECT spsa_close_session();
SELECT spsa_detach();

--
-- A user who is disabled and enabled again: the sessions are over all the same
--
SELECT token AS made FROM spsa_open_session('ben') \gset
SELECT spsa_attach_connection(:'made') IS NOT NULL AS attached;
SELECT count(*) FROM resets_doc;
RESET SESSION AUTHORIZATION;
SELECT spsa_disable_user('ben');
UPDATE spsa.app_user SET is_active = true;
SELECT session_id AS ben_sid, token AS ben FROM spsa_open_session('ben', db_role => 'regress_spsa_resets_app') \gset
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_purge();
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_detach();

--
-- Prepared statements: planned anew for each execution, or once for all
--
SET plan_cache_mode = force_custom_plan;
PREPARE ids(int) AS SELECT id FROM resets_doc WHERE id > $1 ORDER BY id;
EXECUTE ids(0);
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
EXECUTE ids(0);
SELECT already_active FROM spsa_activate_own('everything');
EXECUTE ids(0);
SELECT spsa_deactivate_own('everything');
EXECUTE ids(0);
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
EXECUTE ids(0);
SELECT spsa_detach();
EXECUTE ids(0);
COMMIT;
EXECUTE ids(0);
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
EXECUTE ids(0);
SELECT spsa_attach('bad');
EXECUTE ids(0);
:code
SELECT spsa_detach();
EXECUTE ids(0);
DEALLOCATE ids;
SET plan_cache_mode = force_generic_plan;
PREPARE ids(int) AS SELECT id FROM resets_doc WHERE id > $1 ORDER BY id;
EXECUTE ids(0);
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
EXECUTE ids(0);
SELECT already_active FROM spsa_activate_own('everything');
EXECUTE ids(0);
SELECT spsa_deactivate_own('everything');
EXECUTE ids(0);
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
EXECUTE ids(0);
SELECT spsa_detach();
EXECUTE ids(0);
COMMIT;
EXECUTE ids(0);
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
EXECUTE ids(0);
SELECT spsa_attach('bad');
EXECUTE ids(0);
:code
SELECT spsa_detach();
EXECUTE ids(0);
-- what an administrator changes
PREPARE change(int) AS UPDATE resets_doc SET body = body WHERE id = $1 RETURNING id;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
EXECUTE change(1);
:code
SELECT already_active FROM spsa_activate_own('everything');
EXECUTE change(1);
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ann', 'everything');
SET SESSION AUTHORIZATION regress_spsa_resets_app;
EXECUTE change(1);
:code
EXECUTE ids(0);
RESET SESSION AUTHORIZATION;
UPDATE spsa.row_scope SET literals = '{AP}' WHERE literals = '{EU}';
SET SESSION AUTHORIZATION regress_spsa_resets_app;
EXECUTE ids(0);
RESET SESSION AUTHORIZATION;
UPDATE spsa.row_scope SET literals = '{EU}' WHERE literals = '{AP}';
SELECT spsa_assign('ann', 'everything');
SET SESSION AUTHORIZATION regress_spsa_resets_app;
EXECUTE ids(0);
SELECT spsa_close_session();
EXECUTE ids(0);
:code
SELECT spsa_detach();
EXECUTE ids(0);
DEALLOCATE ALL;
RESET plan_cache_mode;
RESET SESSION AUTHORIZATION;
SELECT token AS ann, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_resets_app') \gset
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT set_config('resets.ann', :'ann', false) = :'ann' AS known, set_config('resets.ben', :'ben', false) = :'ben' AS known;

--
-- PL/pgSQL: static SQL, loops and cursors
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION resets_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text := '';
	doc record;
BEGIN
	FOR doc IN SELECT id FROM resets_doc ORDER BY id LOOP
		found := found || doc.id || ' ';
	END LOOP;
	RETURN found;
END $$;
CREATE FUNCTION resets_changes() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text := '';
BEGIN
	FOR step IN 1..6 LOOP
		CASE step
			WHEN 2 THEN PERFORM spsa_attach(current_setting('resets.ann'));
			WHEN 3 THEN PERFORM spsa_activate_own('everything');
			WHEN 4 THEN PERFORM spsa_deactivate_own('everything');
			WHEN 5 THEN PERFORM spsa_attach(current_setting('resets.ben'));
			WHEN 6 THEN PERFORM spsa_detach();
			ELSE NULL;
		END CASE;
		result := result || '[ ' || resets_loop() || '] ' || (SELECT count(*) FROM resets_doc) || ' ';
	END LOOP;
	RETURN result;
END $$;
CREATE FUNCTION resets_detach_in_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text := '';
	doc record;
BEGIN
	FOR doc IN SELECT id FROM resets_doc ORDER BY id LOOP
		found := found || doc.id || ' ';
		PERFORM spsa_detach();
		found := found || '(' || (SELECT count(*) FROM resets_doc) || ') ';
	END LOOP;
	RETURN found;
END $$;
CREATE FUNCTION resets_cursor(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	docs CURSOR FOR SELECT id FROM resets_doc ORDER BY id;
	doc record;
	found text := '';
BEGIN
	OPEN docs;
	FETCH docs INTO doc;
	found := found || doc.id || ' ';
	EXECUTE change;
	FETCH docs INTO doc;
	RETURN found || doc.id;
END $$;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT resets_changes();
-- from the cached plans
SELECT resets_changes();
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT resets_loop();
SELECT resets_cursor('SELECT 1');
SELECT resets_cursor('SELECT spsa_detach()');
:code
SELECT resets_cursor('SELECT spsa_attach(current_setting(''resets.ben''))');
:code
SELECT resets_cursor('SELECT spsa_attach(''bad'')');
:code
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
-- a loop reads on: not after a change
SELECT resets_detach_in_loop();
:code
SELECT spsa_detach();
SELECT resets_loop() AS none;

--
-- SQL functions, also in the place of a table
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION resets_sql() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM resets_doc';
CREATE FUNCTION resets_inlined() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT id FROM resets_doc';
SET SESSION AUTHORIZATION regress_spsa_resets_app;
PREPARE sql AS SELECT resets_sql(), (SELECT array_agg(id ORDER BY id) FROM resets_inlined() id) AS ids;
EXECUTE sql;
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
EXECUTE sql;
SELECT already_active FROM spsa_activate_own('everything');
EXECUTE sql;
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
EXECUTE sql;
ROLLBACK;
EXECUTE sql;
DEALLOCATE sql;

--
-- SECURITY DEFINER: the caller's session, the definer's rights, nothing without a session
--
SET SESSION AUTHORIZATION regress_spsa_resets_definer;
CREATE FUNCTION resets_definer() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
	'BEGIN RETURN (SELECT count(*) FROM resets_doc); END';
CREATE FUNCTION resets_definer_attach(token text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
	'BEGIN PERFORM spsa_attach_connection(token); RETURN (SELECT count(*) FROM resets_doc); END';
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT resets_definer();
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT resets_definer();
SELECT spsa_detach();
SELECT resets_definer();
SET SESSION AUTHORIZATION regress_spsa_resets_other;
SELECT resets_definer_attach(:'ann');
:code
SELECT resets_definer();
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT spsa_detach();

--
-- Cursors
--
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DECLARE c CURSOR FOR SELECT id FROM resets_doc ORDER BY id;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT spsa_detach();
FETCH 1 FROM c;
:code
ROLLBACK TO s;
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DECLARE c NO SCROLL CURSOR FOR SELECT id FROM resets_doc;
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
FETCH ALL FROM c;
:code
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DECLARE c SCROLL CURSOR FOR SELECT id FROM resets_doc ORDER BY id;
FETCH ALL FROM c;
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
FETCH BACKWARD 1 FROM c;
:code
ROLLBACK;
-- opened without a session, it stays without
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM resets_doc;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
FETCH ALL FROM c;
:code
ROLLBACK;
-- the same session again
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DECLARE c CURSOR FOR SELECT id FROM resets_doc ORDER BY id;
FETCH 1 FROM c;
SELECT spsa_detach();
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
FETCH ALL FROM c;
COMMIT;
-- attached in a savepoint that was rolled back
BEGIN;
SAVEPOINT s;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DECLARE c CURSOR FOR SELECT id FROM resets_doc;
ROLLBACK TO s;
FETCH 1 FROM c;
:code
ROLLBACK;
-- WITH HOLD would outlive the binding
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM resets_doc;
:code
ROLLBACK;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM resets_doc;
:code
DECLARE c CURSOR WITH HOLD FOR SELECT n FROM resets_log;
CLOSE c;
-- the session ends while the cursor is open
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM resets_doc ORDER BY id;
FETCH 1 FROM c;
SELECT spsa_close_session();
SELECT count(*) FROM resets_doc;
:code
ROLLBACK;
SELECT spsa_detach();

--
-- DO blocks, views, rules
--
RESET SESSION AUTHORIZATION;
CREATE VIEW resets_view AS SELECT id, region FROM resets_doc;
CREATE VIEW resets_invoker WITH (security_invoker) AS SELECT id, region FROM resets_doc;
GRANT SELECT ON resets_invoker TO PUBLIC;
ALTER VIEW resets_view OWNER TO regress_spsa_resets_definer;
SET SESSION AUTHORIZATION regress_spsa_resets_definer;
GRANT SELECT ON resets_view TO PUBLIC;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT count(*) FROM resets_view;
SELECT count(*) FROM resets_invoker;
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
DO $$ BEGIN RAISE WARNING 'rows: %', (SELECT count(*) FROM resets_doc); END $$;
SELECT id FROM resets_view ORDER BY id;
SELECT id FROM resets_invoker ORDER BY id;
SELECT spsa_detach();
DO $$ BEGIN RAISE WARNING 'rows: %', (SELECT count(*) FROM resets_doc); END $$;
SELECT count(*) FROM resets_view;
SELECT count(*) FROM resets_invoker;
COMMIT;
SELECT count(*) FROM resets_view;

--
-- A function in the query that attaches another session, or detaches
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION resets_switch(token text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	'BEGIN PERFORM spsa_attach_connection(token); RETURN true; END';
CREATE FUNCTION resets_lines() RETURNS SETOF int LANGUAGE sql VOLATILE AS 'SELECT id FROM resets_doc ORDER BY id';
CREATE FUNCTION resets_leave() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	'BEGIN PERFORM spsa_detach(); RETURN true; END';
CREATE FUNCTION resets_try(token text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	'BEGIN PERFORM spsa_attach_connection(token); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN true; END';
CREATE FUNCTION resets_set(token text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN EXECUTE format('SET LOCAL spsa.session_token = %L', token); RETURN true; END $$;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT id FROM resets_doc WHERE resets_switch(:'ben') ORDER BY id;
:code
SELECT id FROM resets_doc WHERE resets_set(:'ben') ORDER BY id;
:code
SELECT id FROM resets_doc WHERE resets_leave() ORDER BY id;
:code
SELECT id, spsa_detach() FROM resets_doc ORDER BY id;
:code
-- refused and caught: the rows are the session's own
SELECT id FROM resets_doc WHERE resets_try(:'ben') ORDER BY id;
-- the same token changes nothing
SELECT id FROM resets_doc WHERE resets_switch(:'ann') ORDER BY id;
-- a bad one, caught: nothing more is shown
SELECT id FROM resets_doc WHERE resets_try('bad') ORDER BY id;
:code
SELECT count(*) FROM resets_doc;
:code
SELECT spsa_detach();
-- from none to some
SELECT id FROM resets_doc WHERE resets_switch(:'ann');
:code
SELECT count(*) FROM resets_doc;
-- in a part of the statement that is run at its end
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT already_active FROM spsa_activate_own('everything');
WITH u AS (UPDATE resets_doc SET body = body WHERE resets_switch(:'ben') RETURNING id) SELECT 1 AS one;
:code
SELECT spsa_user_name();
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT spsa_deactivate_own('everything');
-- between two rows of a function's query
SELECT resets_lines(), spsa_attach_connection(:'ben') = :'ben_sid' AS attached;
:code
SELECT spsa_user_name();
SELECT spsa_detach();
-- by a join with the call
SELECT count(*) FROM resets_doc, (SELECT spsa_attach_connection(:'ann') OFFSET 0) a;
:code
SELECT spsa_detach();

--
-- COPY
--
COPY resets_doc (id, region) TO STDOUT;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
COPY resets_doc (id, region) TO STDOUT;
COPY (SELECT id FROM resets_doc ORDER BY id) TO STDOUT;
SELECT spsa_attach('bad');
COPY resets_doc (id, region) TO STDOUT;
:code
COPY (SELECT id FROM resets_doc) TO STDOUT;
:code
SELECT spsa_detach();
COPY (SELECT id FROM resets_doc) TO STDOUT;

--
-- Parallel query
--
RESET SESSION AUTHORIZATION;
CREATE TABLE resets_big (id int, region text);
INSERT INTO resets_big SELECT n, CASE n % 3 WHEN 0 THEN 'EU' WHEN 1 THEN 'US' ELSE 'AP' END FROM generate_series(1, 30000) n;
CREATE TABLE resets_open AS SELECT n FROM generate_series(1, 30000) n;
ANALYZE resets_big, resets_open;
GRANT SELECT ON resets_big, resets_open TO regress_spsa_resets_app, regress_spsa_resets_other;
SELECT spsa_protect('resets_big', '{region}');
SELECT spsa_grant_object('eu', 'resets_big', '{read}', true), spsa_grant_rows('eu', 'resets_big', 'region', '{EU}');
SELECT spsa_grant_object('us', 'resets_big', '{read}', true), spsa_grant_rows('us', 'resets_big', 'region', '{US}');
SELECT spsa_grant_object('everything', 'resets_big', '{read}');
CREATE FUNCTION resets_workers(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Workers Planned%' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT resets_workers('SELECT count(*) FROM resets_big WHERE spsa_allows_row(''resets_big'', ''read'', ''region'', region)') AS parallel;
SELECT count(*), min(region), max(region) FROM resets_big;
SELECT count(*) FROM resets_open WHERE spsa_user_name() = 'ann' AND spsa_session_id() = :'ann_sid';
SELECT already_active FROM spsa_activate_own('everything');
SELECT count(*), min(region), max(region) FROM resets_big;
SELECT spsa_deactivate_own('everything');
SELECT count(*), min(region), max(region) FROM resets_big;
SELECT spsa_attach_connection(:'ben') = :'ben_sid' AS attached;
SELECT count(*), min(region), max(region) FROM resets_big;
SELECT spsa_detach();
SELECT count(*) FROM resets_big;
SELECT count(*) FROM resets_open WHERE spsa_user_name() IS NULL;
-- what this transaction has not committed
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT already_active FROM spsa_activate_own('everything');
SELECT count(*), min(region), max(region) FROM resets_big;
ROLLBACK;
SELECT count(*) FROM resets_big;
-- a void binding is void in workers
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT spsa_attach('bad');
SELECT count(*) FROM resets_big;
:code
SELECT count(*) FROM resets_open WHERE spsa_user_name() IS NULL;
SELECT count(*) FROM resets_open WHERE spsa_allows('resets_big', 'read');
:code
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT spsa_attach('bad');
SELECT count(*) FROM resets_open WHERE spsa_allows('resets_big', 'read');
:code
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SET spsa.require_local_attach = on;
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SET spsa.session_token = :'ann';
SELECT count(*) FROM resets_big;
:code
SELECT count(*) FROM resets_open WHERE spsa_user_name() IS NULL;
SELECT count(*) FROM resets_big;
:code
RESET spsa.session_token;
RESET SESSION AUTHORIZATION;
RESET spsa.require_local_attach;
-- another role's workers
SET SESSION AUTHORIZATION regress_spsa_resets_app;
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SET ROLE regress_spsa_resets_other;
SELECT count(*) FROM resets_big;
:code
SELECT count(*) FROM resets_open WHERE spsa_user_name() IS NULL;
RESET ROLE;
SELECT count(*) FROM resets_big;
-- the leader alone, as a worker (PostgreSQL 16 has another name for it)
SELECT name AS force_parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
SET :force_parallel = on;
SELECT count(*) FROM resets_doc;
SELECT spsa_user_name(), spsa_session_id() = :'ann_sid' AS its_id, spsa_allows('resets_doc', 'read') AS allowed;
SELECT spsa_detach();
SELECT count(*) FROM resets_doc;
SELECT spsa_user_name() IS NULL AS nobody;
RESET :force_parallel;

RESET SESSION AUTHORIZATION;
DROP FUNCTION resets_rows(), resets_rows_without(), resets_attach_inside(text), resets_attach_through(text), resets_loop(), resets_changes(),
	resets_detach_in_loop(), resets_cursor(text), resets_sql(), resets_inlined(),
	resets_definer(), resets_definer_attach(text), resets_switch(text), resets_leave(), resets_lines(), resets_try(text), resets_set(text), resets_workers(text);
DROP VIEW resets_view, resets_invoker;
DROP TABLE resets_doc, resets_log, resets_big, resets_open;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_resets_definer;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_resets_app, regress_spsa_resets_member, regress_spsa_resets_other, regress_spsa_resets_definer;
