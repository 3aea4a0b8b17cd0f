-- activation.sql - activating permission sets for a session, and how an activation ends.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';

CREATE ROLE regress_spsa_activation_app;
CREATE ROLE regress_spsa_activation_insert;
CREATE ROLE regress_spsa_activation_delete;
GRANT INSERT ON spsa.activation TO regress_spsa_activation_insert;
GRANT DELETE ON spsa.activation TO regress_spsa_activation_delete;

CREATE TABLE activation_salary (id int PRIMARY KEY, region text, amount int);
INSERT INTO activation_salary VALUES (1, 'EU', 100), (2, 'EU', 200), (3, 'US', 300), (4, 'US', 400);
GRANT SELECT, INSERT, UPDATE, DELETE ON activation_salary TO regress_spsa_activation_app;
SELECT spsa_protect('activation_salary', '{region}');

SELECT spsa_create_user('ann') AS ann \gset
SELECT spsa_create_user('ben') AS ben \gset
SELECT spsa_create_permission_set('base') AS base \gset
SELECT spsa_create_permission_set('payroll', activation_required => true) AS payroll \gset
SELECT spsa_create_permission_set('editor', activation_required => true) AS editor \gset
SELECT spsa_create_permission_set('stranger', activation_required => true) AS stranger \gset
SELECT spsa_grant_object('base', 'activation_salary', '{read}', true), spsa_grant_rows('base', 'activation_salary', 'region', '{EU}');
SELECT spsa_grant_object('payroll', 'activation_salary', '{read}'), spsa_grant_object('editor', 'activation_salary', '{read,edit}');
SELECT spsa_grant_object('stranger', 'activation_salary', '{read,create,edit,delete,view_all,modify_all}');
SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'payroll'), spsa_assign('ann', 'editor'), spsa_assign('ben', 'payroll');

SELECT token AS tok, session_id AS sid FROM spsa_open_session('ann', db_role => 'regress_spsa_activation_app') \gset
SELECT token AS other, session_id AS other_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_activation_app') \gset
SELECT token AS bens, session_id AS bens_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_activation_app') \gset

-- What is active, and what the trail says since the last look
CREATE VIEW activation_now AS
SELECT u.user_name, s.set_name, a.expires_at = n.expires_at AS until_session_end, CASE a.activated_by WHEN current_user THEN 'superuser' ELSE a.activated_by END AS activated_by, a.reason
FROM spsa.activation a JOIN spsa.permission_set s USING (set_id) JOIN spsa.session n USING (session_id) JOIN spsa.app_user u USING (user_id)
ORDER BY u.user_name, s.set_name COLLATE "C";
CREATE TABLE activation_seen (event_id bigint);
CREATE FUNCTION activation_trail(OUT event text, OUT user_name text, OUT set_name text, OUT actor text, OUT role text, OUT ends boolean, OUT extended boolean, OUT reason text)
RETURNS SETOF record LANGUAGE sql AS $$
	WITH fresh AS (
		SELECT * FROM spsa.audit_event e
		WHERE e.event IN ('activate', 'deactivate') AND e.event_id > COALESCE((SELECT max(event_id) FROM activation_seen), 0)
	), noted AS (INSERT INTO activation_seen SELECT event_id FROM fresh)
	SELECT event, user_name, set_name, actor, CASE database_role WHEN current_user THEN 'superuser' ELSE database_role END,
		(detail->>'expires_at')::timestamptz > at, (detail->>'extended')::boolean, detail->>'reason'
	FROM fresh ORDER BY event_id $$;

--
-- Before, while, after
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT id FROM activation_salary ORDER BY id;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT id FROM activation_salary ORDER BY id;
UPDATE activation_salary SET amount = 0;
:code
SET client_min_messages = warning;
SELECT permission_set, already_active FROM spsa_activate_own('payroll');
RESET client_min_messages;
SELECT id FROM activation_salary ORDER BY id;
SELECT spsa_session_info()->'EffectiveSets' @> '["base", "payroll"]' AS both, spsa_allows('activation_salary', 'read') AS allowed;
SELECT spsa_deactivate_own('payroll');
SELECT id FROM activation_salary ORDER BY id;
SELECT spsa_session_info()->'EffectiveSets' AS sets, spsa_allows('activation_salary', 'read') AS allowed;
RESET SESSION AUTHORIZATION;
SELECT * FROM activation_trail();

-- the row that comes back, and the row that is stored
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT session_id = :'sid' AS session, permission_set, activated_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() AS now,
	expires_at AS ends, already_active FROM spsa_activate(:'sid', 'payroll', reason => 'month end') \gset
SELECT :'session' AS session, :'permission_set' AS permission_set, :'now' AS now, :'already_active' AS already_active;
RESET SESSION AUTHORIZATION;
SELECT * FROM activation_now;
SELECT a.expires_at = :'ends' AS as_said, a.assignment_id = g.assignment_id AS assignment
FROM spsa.activation a JOIN spsa.assignment g ON g.user_id = :ann AND g.set_id = a.set_id;

--
-- The confirmation says until when
--
UPDATE spsa.session SET expires_at = '2999-01-01 12:00:00+00' WHERE session_id = :'other_sid';
SET client_min_messages = notice;
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'other') = :'other_sid' AS attached;
SELECT permission_set, expires_at, already_active FROM spsa_activate_own('payroll');
SELECT permission_set, expires_at, already_active FROM spsa_activate_own('payroll');
SELECT spsa_deactivate_own('payroll');
SELECT spsa_deactivate_own('payroll');
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
SELECT event, set_name FROM activation_trail();

--
-- Only in the session for which it was activated
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'other') = :'other_sid' AS attached;
SELECT count(*) FROM activation_salary;
SELECT spsa_attach_connection(:'bens') = :'bens_sid' AS attached;
SELECT count(*) FROM activation_salary;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM activation_salary;

--
-- Active already: no error, nothing changes, nothing is recorded
--
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM activation_trail();
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT already_active, expires_at = :'ends' AS same_end FROM spsa_activate_own('payroll');
SELECT already_active, expires_at = :'ends' AS same_end FROM spsa_activate_own('payroll', '1 minute');
SELECT already_active, expires_at = :'ends' AS same_end FROM spsa_activate_own('payroll', reason => 'another');
-- a set that needs no activation
SET client_min_messages = notice;
SELECT permission_set, activated_at, already_active FROM spsa_activate_own('base');
SELECT spsa_deactivate_own('base');
SELECT spsa_deactivate_own('editor');
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
SELECT * FROM activation_trail();
SELECT * FROM activation_now;

--
-- A longer duration extends; a shorter one and none do not
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_deactivate_own('payroll');
SELECT spsa_deactivate_own('payroll');
SELECT expires_at - activated_at AS duration, expires_at AS ends, already_active FROM spsa_activate_own('payroll', '10 minutes') \gset
SELECT :'duration' AS duration, :'already_active' AS already_active;
SELECT already_active, expires_at - :'ends' AS longer_by FROM spsa_activate_own('payroll', '5 minutes');
SELECT already_active, expires_at - :'ends' AS longer_by FROM spsa_activate_own('payroll');
SELECT already_active, expires_at > :'ends'::timestamptz + interval '9 minutes' AS longer, expires_at AS ends, activated_at AS since
FROM spsa_activate_own('payroll', '20 minutes', 'more to do') \gset
SELECT :'already_active' AS already_active, :'longer' AS longer;
SELECT already_active, expires_at - :'ends' AS longer_by, activated_at - :'since' AS later_by FROM spsa_activate_own('payroll');
RESET SESSION AUTHORIZATION;
SELECT * FROM activation_trail();

--
-- Never beyond the session
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT already_active, expires_at = (SELECT (spsa_session_info()->>'CreatedDate')::timestamptz + interval '8 hours') AS session_end
FROM spsa_activate_own('payroll', '9 hours');
SELECT spsa_deactivate_own('payroll');
SELECT already_active, expires_at = (SELECT (spsa_session_info()->>'CreatedDate')::timestamptz + interval '8 hours') AS session_end
FROM spsa_activate_own('payroll', '400 days');
-- nor beyond the assignment
RESET SESSION AUTHORIZATION;
SELECT now() + interval '1 hour' AS hour \gset
SELECT spsa_assign('ann', 'editor', :'hour');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT already_active, expires_at = :'hour' AS assignment_end FROM spsa_activate_own('editor');
SELECT already_active, expires_at = :'hour' AS assignment_end FROM spsa_activate_own('editor', '2 hours');
UPDATE activation_salary SET amount = amount + 1;
-- an assignment whose end comes nearer takes the activation with it
RESET SESSION AUTHORIZATION;
UPDATE spsa.assignment SET starts_at = starts_at - interval '1 day', expires_at = now() - interval '1 second' WHERE user_id = :ann AND set_id = :editor;
SET SESSION AUTHORIZATION regress_spsa_activation_app;
UPDATE activation_salary SET amount = 0;
:code
SELECT count(*) FROM spsa_activate_own('editor');
:code
RESET SESSION AUTHORIZATION;
SELECT * FROM activation_trail();

--
-- Pre-assignment: what is not assigned cannot be activated
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM spsa_activate_own('stranger');
:code
SELECT count(*) FROM spsa_activate(:'sid', 'stranger');
:code
SELECT count(*) FROM spsa_activate_own('nothing_of_that_name');
:code
RESET SESSION AUTHORIZATION;
-- nor by the administrator
SELECT count(*) FROM spsa_activate(:'sid', 'stranger');
:code
-- an assignment that has not begun
INSERT INTO spsa.assignment (user_id, set_id, starts_at) VALUES (:ann, :stranger, now() + interval '1 hour');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM spsa_activate_own('stranger');
:code
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.assignment WHERE set_id = :stranger;
SELECT count(*) FROM activation_trail();
-- a row written past the functions is of no use without the assignment
INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at) VALUES (:'sid', :stranger, 0, now() + interval '1 hour');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
DELETE FROM activation_salary;
:code
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.activation WHERE set_id = :stranger;

--
-- Revoking ends an activation for good
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ann', 'payroll');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('ann', 'payroll');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
SELECT spsa_deactivate_own('payroll') AS was_active;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT count(*) FROM activation_salary;
-- so does an assignment that ran out and is made anew
RESET SESSION AUTHORIZATION;
UPDATE spsa.assignment SET starts_at = starts_at - interval '1 day', expires_at = now() - interval '1 second' WHERE user_id = :ann AND set_id = :payroll;
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('ann', 'payroll');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
-- a revocation that is rolled back changes nothing
SELECT already_active FROM spsa_activate_own('payroll');
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT spsa_revoke_assignment('ann', 'payroll');
SET LOCAL SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
ROLLBACK;
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
-- a set that is dropped, or ceases to need activation
SELECT spsa_deactivate_own('payroll');
SELECT count(*) FROM activation_salary;
RESET SESSION AUTHORIZATION;
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'payroll';
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
RESET SESSION AUTHORIZATION;
UPDATE spsa.permission_set SET activation_required = true WHERE set_name = 'payroll';
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT count(*) FROM activation_salary;
RESET SESSION AUTHORIZATION;
SELECT count(*) AS events FROM activation_trail();

--
-- Transactions: activation and deactivation follow ROLLBACK and SAVEPOINT
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
BEGIN;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT count(*) FROM activation_salary;
ROLLBACK;
SELECT count(*) FROM activation_salary;
BEGIN;
SAVEPOINT s;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT count(*) FROM activation_salary;
ROLLBACK TO s;
SELECT count(*) FROM activation_salary;
SELECT already_active FROM spsa_activate_own('payroll');
RELEASE s;
SELECT count(*) FROM activation_salary;
COMMIT;
SELECT count(*) FROM activation_salary;
BEGIN;
SELECT spsa_deactivate_own('payroll');
SELECT count(*) FROM activation_salary;
ROLLBACK;
SELECT count(*) FROM activation_salary;
BEGIN;
SAVEPOINT s;
SELECT spsa_deactivate_own('payroll');
SELECT count(*) FROM activation_salary;
ROLLBACK TO s;
SELECT count(*) FROM activation_salary;
COMMIT;
SELECT count(*) FROM activation_salary;
-- an error in the same transaction
BEGIN;
SELECT spsa_deactivate_own('payroll');
SELECT 1/0;
COMMIT;
SELECT count(*) FROM activation_salary;
-- an extension that is undone
BEGIN;
SELECT spsa_deactivate_own('payroll');
SELECT expires_at AS ends FROM spsa_activate_own('payroll', '1 minute') \gset
SAVEPOINT s;
SELECT expires_at > :'ends' AS longer FROM spsa_activate_own('payroll', '1 hour');
ROLLBACK TO s;
SELECT expires_at = :'ends' AS as_before FROM spsa_activate_own('payroll');
ROLLBACK;
-- only what was committed is on record
RESET SESSION AUTHORIZATION;
SELECT * FROM activation_trail();

--
-- Who may: the session itself, and roles with the privilege on spsa.activation
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_detach();
SELECT count(*) FROM spsa_activate(:'sid', 'payroll');
:code
SELECT spsa_deactivate(:'sid', 'payroll');
:code
SELECT spsa_deactivate_all(:'sid');
:code
SELECT count(*) FROM spsa_activate_own('payroll');
:code
SELECT spsa_deactivate_own('payroll');
:code
SELECT spsa_deactivate_all();
:code
-- another session, though it is the same user's
SELECT spsa_attach_connection(:'other') = :'other_sid' AS attached;
SELECT count(*) FROM spsa_activate(:'sid', 'payroll');
:code
SELECT spsa_deactivate(:'sid', 'payroll');
:code
SELECT spsa_deactivate_all(:'sid');
:code
-- what does not exist looks the same, and so does a set that does not
SELECT count(*) FROM spsa_activate('00000000-0000-0000-0000-000000000000', 'payroll');
:code
SELECT count(*) FROM spsa_activate(:'sid', 'nothing_of_that_name');
:code
SELECT spsa_deactivate('00000000-0000-0000-0000-000000000000', 'payroll');
:code
SELECT spsa_deactivate_all('00000000-0000-0000-0000-000000000000');
:code
SELECT spsa_detach();
-- INSERT on spsa.activation activates, and no more
SET SESSION AUTHORIZATION regress_spsa_activation_insert;
SELECT permission_set, already_active FROM spsa_activate(:'bens_sid', 'payroll', reason => 'on behalf');
SELECT count(*) FROM spsa_activate(:'bens_sid', 'editor');
:code
SELECT spsa_deactivate(:'bens_sid', 'payroll');
:code
SELECT spsa_deactivate_all(:'bens_sid');
:code
SELECT count(*) FROM spsa_activate('00000000-0000-0000-0000-000000000000', 'payroll');
:code
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'bens') = :'bens_sid' AS attached;
SELECT count(*) FROM activation_salary;
SELECT spsa_detach();
-- DELETE deactivates, and no more
SET SESSION AUTHORIZATION regress_spsa_activation_delete;
SELECT spsa_deactivate(:'bens_sid', 'payroll');
SELECT spsa_deactivate(:'bens_sid', 'payroll');
SELECT count(*) FROM spsa_activate(:'bens_sid', 'payroll');
:code
SELECT spsa_deactivate_all('00000000-0000-0000-0000-000000000000');
:code
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'bens') = :'bens_sid' AS attached;
SELECT count(*) FROM activation_salary;
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT permission_set, already_active FROM spsa_activate(:'bens_sid', 'payroll');
SELECT * FROM activation_now;
SELECT * FROM activation_trail();
-- the tables themselves are out of reach of the session
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at) VALUES (:'sid', :editor, 1, 'infinity');
:code
UPDATE spsa.activation SET expires_at = 'infinity';
:code
SELECT spsa_detach();

--
-- A session opened for certain sets
--
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('ann', 'editor');
SELECT token AS narrow, session_id AS narrow_sid FROM spsa_open_session('ann', sets => '{payroll}', db_role => 'regress_spsa_activation_app') \gset
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'narrow') = :'narrow_sid' AS attached;
SELECT count(*) FROM activation_salary;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT count(*) FROM activation_salary;
SELECT spsa_deactivate_own('payroll');
SELECT count(*) FROM spsa_activate_own('editor');
:code
SELECT count(*) FROM spsa_activate_own('base');
:code
SELECT count(*) FROM spsa_activate_own('stranger');
:code
-- not by an administrator either
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM spsa_activate(:'narrow_sid', 'editor');
:code

--
-- All at once
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_deactivate_all();
SELECT spsa_deactivate_all();
SELECT already_active FROM spsa_activate_own('payroll');
SELECT already_active FROM spsa_activate_own('editor');
SELECT count(*) FROM activation_salary;
SELECT spsa_deactivate_all();
SELECT count(*) FROM activation_salary;
UPDATE activation_salary SET amount = 0;
:code
RESET SESSION AUTHORIZATION;
SELECT event, set_name FROM activation_trail();
-- of another session by who may; others' activations stay
SELECT count(*) FROM spsa_activate(:'sid', 'payroll');
SELECT count(*) FROM spsa_activate(:'sid', 'editor');
SET SESSION AUTHORIZATION regress_spsa_activation_delete;
SELECT spsa_deactivate_all(:'sid');
RESET SESSION AUTHORIZATION;
SELECT event, user_name, set_name, actor, role FROM activation_trail() ORDER BY event, set_name;
SELECT * FROM activation_now;

--
-- Its own expiry, by the clock: also under a prepared statement and within one transaction
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
PREPARE rows AS SELECT count(*) FROM activation_salary;
EXECUTE rows;
SELECT already_active FROM spsa_activate_own('payroll', '2 seconds');
EXECUTE rows;
BEGIN;
EXECUTE rows;
SELECT pg_sleep(2.1);
EXECUTE rows;
COMMIT;
EXECUTE rows;
SELECT spsa_deactivate_own('payroll') AS was_active;
-- activated again after its end, that is a new one
SELECT already_active FROM spsa_activate_own('payroll', '1 hour');
EXECUTE rows;
SELECT spsa_deactivate_own('payroll') AS was_active;
SELECT already_active FROM spsa_activate_own('payroll', '1 second');
SELECT pg_sleep(1.1);
SELECT already_active FROM spsa_activate_own('payroll', '1 hour');
EXECUTE rows;
-- the assignment's own end
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('ann', 'payroll', clock_timestamp() + interval '2 seconds');
SET SESSION AUTHORIZATION regress_spsa_activation_app;
EXECUTE rows;
SELECT pg_sleep(2.1);
EXECUTE rows;
DEALLOCATE rows;
RESET SESSION AUTHORIZATION;
SELECT event, set_name, actor, ends, extended FROM activation_trail();

--
-- The end of the session is the end of its activations
--
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'bens') = :'bens_sid' AS attached;
SELECT count(*) FROM activation_salary;
SELECT spsa_close_session();
SELECT count(*) FROM spsa_activate_own('payroll');
:code
SELECT spsa_deactivate_own('payroll');
:code
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM spsa_activate(:'bens_sid', 'payroll');
:code
SELECT spsa_deactivate(:'bens_sid', 'payroll');
:code
SELECT spsa_deactivate_all(:'bens_sid');
:code
SELECT spsa_purge();
SELECT count(*) FROM spsa.activation WHERE session_id = :'bens_sid';

-- who supports a user is the actor
SELECT token AS support, session_id AS support_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_activation_app', actor => 'sue') \gset
SET SESSION AUTHORIZATION regress_spsa_activation_app;
SELECT spsa_attach_connection(:'support') = :'support_sid' AS attached;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT event, user_name, actor FROM activation_trail();

--
-- Triggers of the owner's come before and after the row, as with INSERT
--
CREATE FUNCTION activation_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.reason = 'none' THEN
		RETURN NULL;
	ELSIF NEW.reason = 'bad' THEN
		RAISE EXCEPTION 'no such reason';
	END IF;
	NEW.reason := 'checked: ' || NEW.reason;
	RETURN NEW;
END $$;
CREATE TRIGGER activation_trigger BEFORE INSERT ON spsa.activation FOR EACH ROW EXECUTE FUNCTION activation_trigger();
SELECT session_id AS guarded_sid FROM spsa_open_session('ben') \gset
SET client_min_messages = warning;
SELECT spsa_activate(:'guarded_sid', 'payroll', reason => 'bad');
SELECT spsa_activate(:'guarded_sid', 'payroll', reason => 'none');
:code
SELECT already_active FROM spsa_activate(:'guarded_sid', 'payroll', reason => 'good');
SELECT reason FROM spsa.activation WHERE session_id = :'guarded_sid';
RESET client_min_messages;
DROP FUNCTION activation_trigger() CASCADE;

DROP VIEW activation_now;
DROP FUNCTION activation_trail();
DROP TABLE activation_salary, activation_seen;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_activation_app, regress_spsa_activation_insert, regress_spsa_activation_delete;
