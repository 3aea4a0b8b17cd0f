-- audit: every change of authority leaves its row, in the same transaction, and no secret is in it.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
CREATE ROLE regress_spsa_audit_app;
CREATE ROLE regress_spsa_audit_admin;
CREATE ROLE regress_spsa_audit_member IN ROLE regress_spsa_audit_admin;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_audit_app;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_audit_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA spsa TO regress_spsa_audit_admin;
REVOKE ALL ON spsa.audit_event FROM regress_spsa_audit_admin;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA spsa TO regress_spsa_audit_admin;
GRANT EXECUTE ON FUNCTION spsa.find_user, spsa.find_set, spsa.check_privileges, spsa_create_user, spsa_create_permission_set, spsa_grant_object,
	spsa_grant_rows, spsa_assign, spsa_revoke_assignment, spsa_disable_user, spsa_purge TO regress_spsa_audit_admin;
CREATE TABLE account (id integer, region text);
GRANT SELECT ON account TO regress_spsa_audit_app;
-- What is new since the last time it was asked
CREATE TABLE seen (event_id bigint, me name DEFAULT current_user);
INSERT INTO seen VALUES (0);
\set new 'SELECT event, session_id IS NOT NULL AS session, user_name, set_name, actor, CASE WHEN database_role = (SELECT me FROM seen) THEN $$superuser$$ ELSE database_role END AS role, (SELECT string_agg(k, $$ $$ ORDER BY k COLLATE "C") FROM jsonb_object_keys(detail) k) AS detail FROM spsa.audit_event WHERE event_id > (SELECT event_id FROM seen) ORDER BY event_id; UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);'

--
-- Configuration, by function
--
SELECT spsa_create_user('ann', '{"emp_no": 7}') IS NOT NULL AS made;
SELECT spsa_create_permission_set('sales', activation_required => true) IS NOT NULL AS made;
SELECT spsa_grant_object('sales', 'account', '{read}');
SELECT spsa_grant_rows('sales', 'account', 'region', '{EU}');
SELECT spsa_protect('account', '{region}');
SELECT spsa_assign('ann', 'sales');
:new
-- again: only what changes anything
SELECT spsa_assign('ann', 'sales');
SELECT spsa_protect('account', '{region}');
:new
SELECT spsa_protect('account', '{region,id}');
SELECT spsa_assign('ann', 'sales', 'infinity');
SELECT spsa_grant_object('sales', 'account', '{read,edit}');
SELECT spsa_unprotect('account');
SELECT spsa_protect('account', '{region}');
SELECT spsa_revoke_assignment('ann', 'sales');
SELECT spsa_revoke_assignment('ann', 'sales');
SELECT spsa_assign('ann', 'sales');
:new
-- What a change was can be read.
SELECT event, detail #>> '{old,can_edit}' AS old, detail #>> '{new,can_edit}' AS new FROM spsa.audit_event WHERE event = 'object_permission_update' ORDER BY event_id DESC LIMIT 1;
SELECT event, detail #>> '{old,row_fields}' AS old, detail #>> '{new,row_fields}' AS new FROM spsa.audit_event WHERE event = 'protected_object_update';
SELECT event, detail #>> '{new,object}' AS object, detail #>> '{new,field}' AS field, detail #>> '{new,literals}' AS literals FROM spsa.audit_event WHERE event = 'row_scope_insert';

--
-- Configuration, directly; by another role, also under SET ROLE
--
SET SESSION AUTHORIZATION regress_spsa_audit_member;
INSERT INTO spsa.app_user (user_name) VALUES ('bob');
UPDATE spsa.app_user SET attributes = '{"emp_no": 8}' WHERE user_name = 'bob';
INSERT INTO spsa.permission_set (set_name) VALUES ('other');
UPDATE spsa.permission_set SET label = 'Other' WHERE set_name = 'other';
SET ROLE regress_spsa_audit_admin;
INSERT INTO spsa.object_permission (set_id, object, can_read, row_scoped) SELECT set_id, 'account', true, true FROM spsa.permission_set WHERE set_name = 'other';
INSERT INTO spsa.row_scope (set_id, object, field, literals) SELECT set_id, 'account', 'region', '{US}' FROM spsa.permission_set WHERE set_name = 'other';
UPDATE spsa.row_scope SET literals = '{US,CA}' WHERE literals = '{US}';
DELETE FROM spsa.row_scope WHERE literals = '{CA,US}';
INSERT INTO spsa.assignment (user_id, set_id) SELECT user_id, set_id FROM spsa.app_user, spsa.permission_set WHERE user_name = 'bob' AND set_name = 'other';
UPDATE spsa.assignment SET expires_at = 'infinity' WHERE user_id = (SELECT user_id FROM spsa.app_user WHERE user_name = 'bob');
UPDATE spsa.protected_object SET row_fields = row_fields;
DELETE FROM spsa.app_user WHERE user_name = 'bob';
DELETE FROM spsa.permission_set WHERE set_name = 'other';
-- The trail itself is closed, to the administrator too.
SELECT * FROM spsa.audit_event;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.audit_event (event) VALUES ('forged');
UPDATE spsa.audit_event SET event = 'forged';
DELETE FROM spsa.audit_event;
TRUNCATE spsa.audit_event;
RESET ROLE;
RESET SESSION AUTHORIZATION;
:new
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SELECT * FROM spsa.audit_event;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.audit_event (event) VALUES ('forged');
RESET SESSION AUTHORIZATION;
-- nor with access to the schema
GRANT USAGE ON SCHEMA spsa TO regress_spsa_audit_app;
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SELECT * FROM spsa.audit_event;
INSERT INTO spsa.audit_event (event) VALUES ('forged');
DELETE FROM spsa.audit_event;
UPDATE spsa.audit_event SET event = 'forged';
TRUNCATE spsa.audit_event;
SELECT setval('spsa.audit_event_id_seq', 1);
RESET SESSION AUTHORIZATION;
REVOKE USAGE ON SCHEMA spsa FROM regress_spsa_audit_app;
:new

--
-- Sessions and activations
--
SELECT spsa_create_user('joe', db_role => 'regress_spsa_audit_app') IS NOT NULL AS made;
SELECT spsa_assign('joe', 'sales');
:new
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SELECT session_id AS sid, token AS tok FROM spsa_open_session('ann', login_type => 'password "x"', actor => 'support') \gset
SELECT session_id AS sid2, token AS tok2 FROM spsa_open_session('ann', idle_timeout => '1 hour') \gset
-- attaching, touching and asking change nothing
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT spsa_touch();
SELECT count(*) FROM account;
SELECT already_active FROM spsa_activate_own('sales', reason => 'quarter''s end "x"');
SELECT already_active FROM spsa_activate_own('sales');
SELECT already_active FROM spsa_activate_own('sales', '1 minute');
SELECT spsa_deactivate_own('sales');
SELECT spsa_deactivate_own('sales');
SELECT already_active FROM spsa_activate_own('sales', '1 minute');
SELECT already_active FROM spsa_activate_own('sales', '5 minutes');
SELECT spsa_deactivate_all();
SELECT spsa_deactivate_all();
SELECT spsa_close_session();
RESET SESSION AUTHORIZATION;
:new
-- refused: no row
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SELECT spsa_attach_connection(:'tok');
SELECT spsa_attach_connection(:'tok2') IS NOT NULL AS attached;
SELECT spsa_activate_own('nothing');
SELECT spsa_close_session(:'sid');
SELECT spsa_open_session('nobody');
SELECT spsa_detach();
SELECT spsa_activate(:'sid2', 'sales');
SELECT spsa_close_session(:'sid2');
SELECT spsa_create_user('mallory');
RESET SESSION AUTHORIZATION;
:new
-- an own session
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT already_active FROM spsa_activate_own('sales');
SELECT spsa_close_session();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
:new
-- by an administrator: for another's session, without a session of their own and with one
SET SESSION AUTHORIZATION regress_spsa_audit_member;
SET ROLE regress_spsa_audit_admin;
SELECT already_active FROM spsa_activate(:'sid2', 'sales');
SELECT spsa_deactivate(:'sid2', 'sales');
RESET ROLE;
RESET SESSION AUTHORIZATION;
SELECT session_id AS sid3, token AS tok3 FROM spsa_open_session('joe', db_role => NULL) \gset
SELECT spsa_attach_connection(:'tok3') IS NOT NULL AS attached;
SELECT already_active FROM spsa_activate(:'sid2', 'sales');
SELECT spsa_assign('ann', 'sales', '2100-01-01');
SELECT spsa_deactivate_all(:'sid2');
SELECT spsa_close_session(:'sid2');
SELECT spsa_detach();
SELECT session_id AS sid4 FROM spsa_open_session('ann') \gset
:new
-- disabling a user closes the sessions; purging records those that had run out
SELECT spsa_disable_user('ann', 'left');
SELECT detail ->> 'reason' AS reason FROM spsa.audit_event WHERE event = 'session_close' ORDER BY event_id DESC LIMIT 1;
UPDATE spsa.session SET expires_at = created_at WHERE session_id = :'sid3';
SELECT spsa_purge();
:new
-- and activations that had ended by themselves: in a session that lives (a) and before one that is over (b), not with it (c), nor those
-- that were ended, or whose assignment was revoked (d)
SELECT spsa_create_user(n) IS NOT NULL AS made FROM unnest('{amy,ada}'::text[]) n;
SELECT spsa_create_permission_set(n, activation_required => true) IS NOT NULL AS made FROM unnest('{brief,short}'::text[]) n;
SELECT spsa_assign('amy', 'brief'), spsa_assign('amy', 'short'), spsa_assign('ada', 'brief'), spsa_assign('ada', 'short');
SELECT session_id AS sid_a FROM spsa_open_session('amy') \gset
SELECT session_id AS sid_b FROM spsa_open_session('amy') \gset
SELECT session_id AS sid_c FROM spsa_open_session('amy') \gset
SELECT session_id AS sid_d FROM spsa_open_session('ada') \gset
SELECT spsa_activate(s, n) IS NOT NULL AS activated
FROM unnest(ARRAY[:'sid_a', :'sid_b', :'sid_c', :'sid_d']::uuid[]) s, unnest('{brief,short}'::text[]) n WHERE n = 'brief' OR s IN (:'sid_a', :'sid_d');
INSERT INTO spsa.activation_end (session_id, activation_id)
SELECT a.session_id, a.activation_id FROM spsa.activation a JOIN spsa.permission_set p USING (set_id) WHERE a.session_id = :'sid_d' AND p.set_name = 'brief';
SELECT spsa_revoke_assignment('ada', 'short');
UPDATE spsa.activation a SET expires_at = '2020-01-01 12:00+00' FROM spsa.permission_set p
WHERE p.set_id = a.set_id AND a.session_id IN (:'sid_a', :'sid_b', :'sid_d') AND (a.session_id <> :'sid_a' OR p.set_name = 'brief');
UPDATE spsa.session SET created_at = '2020-01-01', expires_at = '2020-01-02' WHERE session_id IN (:'sid_b', :'sid_c');
UPDATE spsa.activation SET expires_at = '2020-01-02' WHERE session_id = :'sid_c';
UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);
SELECT spsa_purge();
SELECT e.event, CASE e.session_id WHEN :'sid_a' THEN 'a' WHEN :'sid_b' THEN 'b' WHEN :'sid_c' THEN 'c' WHEN :'sid_d' THEN 'd' END AS session, e.user_name, e.set_name, e.detail,
	e.session_id = (SELECT p.session_id FROM spsa.audit_event p WHERE p.event_id = e.previous_id) AS chained
FROM spsa.audit_event e WHERE e.event_id > (SELECT event_id FROM seen) ORDER BY 2, 1;
SELECT p.set_name FROM spsa.activation a JOIN spsa.permission_set p USING (set_id) WHERE a.session_id IN (:'sid_a', :'sid_b', :'sid_c', :'sid_d');
-- once
SELECT spsa_purge();
SELECT count(*) FROM spsa.audit_event WHERE event_id > (SELECT event_id FROM seen) AND event = 'activation_expired';
SELECT * FROM spsa_verify_audit();
SELECT spsa_drop_permission_set(n) FROM unnest('{brief,short}'::text[]) n;
SELECT spsa_disable_user(n) FROM unnest('{amy,ada}'::text[]) n;
UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);
-- a dropped table
CREATE TABLE gone (id integer);
SELECT spsa_protect('gone');
SELECT spsa_grant_object('sales', 'gone', '{read}');
SET SESSION AUTHORIZATION regress_spsa_audit_app;
DROP TABLE gone;
RESET SESSION AUTHORIZATION;
DROP TABLE gone;
:new

--
-- TRUNCATE
--
BEGIN;
TRUNCATE spsa.row_scope;
TRUNCATE spsa.object_permission CASCADE;
TRUNCATE spsa.protected_object;
TRUNCATE spsa.activation;
TRUNCATE spsa.session CASCADE;
TRUNCATE spsa.assignment;
TRUNCATE spsa.permission_set CASCADE;
TRUNCATE spsa.app_user CASCADE;
SELECT event, count(*) FROM spsa.audit_event WHERE event_id > (SELECT event_id FROM seen) GROUP BY event ORDER BY event COLLATE "C";
ROLLBACK;

--
-- The tables of sessions, written directly: that is a change of authority, too
--
\set audited 'SELECT count(*) > 0 AS audited FROM spsa.audit_event WHERE event_id > (SELECT event_id FROM seen);'
SELECT spsa_create_user('max') IS NOT NULL AS made;
SELECT spsa_assign('max', 'sales');
SELECT session_id AS sid7 FROM spsa_open_session('max') \gset
UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);
BEGIN;
INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at)
SELECT :'sid7', set_id, assignment_id, 'infinity' FROM spsa.assignment WHERE user_id = (SELECT user_id FROM spsa.app_user WHERE user_name = 'max');
:audited
ROLLBACK;
\o /dev/null
SELECT spsa_activate(:'sid7', 'sales', '1 hour');
UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);
\o
BEGIN;
UPDATE spsa.activation SET expires_at = 'infinity';
:audited
ROLLBACK;
BEGIN;
DELETE FROM spsa.activation;
:audited
ROLLBACK;
BEGIN;
UPDATE spsa.session SET expires_at = 'infinity' WHERE session_id = :'sid7';
:audited
ROLLBACK;
BEGIN;
INSERT INTO spsa.session (user_id, token_hash, expires_at) SELECT user_id, sha256('x'), 'infinity' FROM spsa.app_user WHERE user_name = 'max';
:audited
ROLLBACK;
BEGIN;
DELETE FROM spsa.session WHERE session_id = :'sid7';
:audited
ROLLBACK;
BEGIN;
INSERT INTO spsa.session_end (session_id) VALUES (:'sid7');
:audited
ROLLBACK;
-- which is what brings a closed session back
\o /dev/null
SELECT spsa_close_session(:'sid7');
UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);
\o
BEGIN;
DELETE FROM spsa.session_end;
:audited
ROLLBACK;
BEGIN;
TRUNCATE spsa.session_end;
:audited
ROLLBACK;

--
-- Disabling and purging by an administrator, who has a session and another role, and no privilege on the trail
--
SELECT session_id AS sid7 FROM spsa_open_session('max') \gset
SELECT session_id AS sid8 FROM spsa_open_session('max', actor => 'support') \gset
UPDATE spsa.session SET expires_at = created_at WHERE session_id = :'sid8';
SELECT session_id AS sid9, token AS tok9 FROM spsa_open_session('joe', db_role => 'regress_spsa_audit_admin') \gset
UPDATE seen SET event_id = (SELECT max(event_id) FROM spsa.audit_event);
SET SESSION AUTHORIZATION regress_spsa_audit_member;
SET ROLE regress_spsa_audit_admin;
SELECT spsa_attach_connection(:'tok9') IS NOT NULL AS attached;
SELECT spsa_disable_user('max');
SELECT spsa_purge();
SELECT spsa_detach();
RESET ROLE;
RESET SESSION AUTHORIZATION;
:new
-- Who acts as a user is told from the beginning.
SELECT token AS tok10 FROM spsa_open_session('joe', actor => 'support') \gset
SELECT event, e::text LIKE '%support%' AS tells_actor FROM spsa.audit_event e WHERE event_id > (SELECT event_id FROM seen);

--
-- In the same transaction
--
BEGIN;
SELECT spsa_create_user('eve') IS NOT NULL AS made;
SELECT spsa_assign('eve', 'sales');
SELECT token AS tok5 FROM spsa_open_session('eve') \gset
SELECT spsa_attach(:'tok5') IS NOT NULL AS attached;
SELECT already_active FROM spsa_activate_own('sales');
SELECT count(*) AS events FROM spsa.audit_event WHERE user_name = 'eve';
SAVEPOINT s;
SELECT spsa_deactivate_own('sales');
SELECT count(*) AS events FROM spsa.audit_event WHERE user_name = 'eve';
ROLLBACK TO s;
SELECT count(*) AS events FROM spsa.audit_event WHERE user_name = 'eve';
ROLLBACK;
SELECT count(*) AS events FROM spsa.audit_event WHERE user_name = 'eve';
-- A deleted user's history stays.
DELETE FROM spsa.app_user WHERE user_name = 'joe';
SELECT count(*) > 0 AS history FROM spsa.audit_event WHERE user_name = 'joe' AND event = 'session_open';

--
-- No token and no hash, in no column of any table
--
SELECT spsa_create_user('kim') IS NOT NULL AS made;
SELECT session_id AS sid6, token AS tok6 FROM spsa_open_session('kim', idle_timeout => '1 hour') \gset
SELECT spsa_attach_connection(:'tok6') IS NOT NULL AS attached;
UPDATE spsa.app_user SET attributes = '{"x": 1}' WHERE user_name = 'kim';
SELECT encode(token_hash, 'hex') AS hash, encode(token_hash, 'base64') AS base64 FROM spsa.session WHERE session_id = :'sid6' \gset
SELECT length(:'hash') AS digits, length(:'tok6') > 40 AS token;
SELECT count(*) > 40 AS has_rows, count(*) FILTER (WHERE e::text ~ 'spsa_[A-Za-z0-9_-]{40}') AS tokens,
	count(*) FILTER (WHERE e::text ~ substr(:'tok6', 6, 20)) AS secrets,
	count(*) FILTER (WHERE e::text ~* :'hash' OR strpos(e::text, :'base64') > 0 OR (to_jsonb(e) - '{hash,previous_hash}'::text[])::text ~* '[0-9a-f]{64}') AS hashes
FROM spsa.audit_event e;
SELECT count(*) > 0 AS has_rows, count(*) FILTER (WHERE strpos(s::text, substr(:'tok6', 6, 20)) > 0) AS secrets FROM spsa.session s;
SELECT spsa_session_info()::text ~ (:'hash' || '|' || substr(:'tok6', 6, 20)) AS shown;
SELECT count(*) AS shown FROM pg_settings WHERE setting || COALESCE(reset_val, '') LIKE '%' || substr(:'tok6', 6, 20) || '%';
SHOW spsa.session_token;
SELECT spsa_detach();

--
-- spsa.notify_events
--
-- What concerned a user, and what the user did
--
SELECT event, concerned AS user_name, actor IS NOT DISTINCT FROM 'joe' AS by_joe, count(*) > 0 AS some
FROM (SELECT event, user_name AS concerned, actor FROM spsa_user_activity('joe')) a WHERE event ~ '^(session_open|assignment_insert|deactivate)$'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) = (SELECT count(*) FROM spsa.audit_event WHERE 'joe' IN (user_name, actor)) AS complete,
	count(*) > (SELECT count(*) FROM spsa_user_activity('joe', since => now())) AS since,
	(SELECT count(*) FROM spsa_user_activity('joe', until => '2000-01-01')) AS until,
	(SELECT count(*) FROM spsa_user_activity('nobody')) AS unknown, (SELECT count(*) FROM spsa_user_activity(NULL)) AS nobody,
	array_agg(event_id) = array_agg(event_id ORDER BY event_id) AS in_order
FROM spsa_user_activity('joe');
SET ROLE regress_spsa_audit_app;
SELECT count(*) FROM spsa_user_activity('joe');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT EXECUTE ON FUNCTION spsa_user_activity TO regress_spsa_audit_app;
SET ROLE regress_spsa_audit_app;
SELECT count(*) FROM spsa_user_activity('joe');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
REVOKE EXECUTE ON FUNCTION spsa_user_activity FROM regress_spsa_audit_app;

--
-- psql's line of a notification has the process number, which is replaced on the way.
\getenv builddir PG_ABS_BUILDDIR
\set notified :builddir /results/audit.notified
SHOW spsa.notify_events;
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SET spsa.notify_events = on;
RESET SESSION AUTHORIZATION;
SELECT setval('spsa.audit_event_id_seq', 1000) AS last;
LISTEN spsa;
\o :notified
-- off: 1001
SELECT spsa_create_user('lee');
SET spsa.notify_events = on;
-- 1002
SELECT spsa_assign('lee', 'sales');
-- 1003, 1004
BEGIN;
SELECT spsa_create_user('may');
SELECT token AS tok FROM spsa_open_session('lee') \gset
COMMIT;
-- 1005, rolled back
BEGIN;
SELECT spsa_create_user('ned');
ROLLBACK;
-- 1006, of an ordinary role
SET SESSION AUTHORIZATION regress_spsa_audit_app;
SELECT count(token) FROM spsa_open_session('may');
RESET SESSION AUTHORIZATION;
-- off again: 1007
SET spsa.notify_events = off;
SELECT spsa_create_user('ned');
\o
\! sed -n 's/PID [0-9]*/PID n/; /notification/p' "$PG_ABS_BUILDDIR/results/audit.notified"
SELECT event_id, event, user_name FROM spsa.audit_event WHERE event_id > 1000 ORDER BY event_id;
UNLISTEN spsa;
RESET spsa.notify_events;

DROP EXTENSION spsa CASCADE;
DROP TABLE account, seen;
DROP OWNED BY regress_spsa_audit_app, regress_spsa_audit_admin, regress_spsa_audit_member;
DROP ROLE regress_spsa_audit_app, regress_spsa_audit_admin, regress_spsa_audit_member;
