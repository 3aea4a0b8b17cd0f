-- session.sql - sessions: how they are opened, attached and looked at, and how they end.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';

CREATE ROLE regress_spsa_session_app;
CREATE ROLE regress_spsa_session_member IN ROLE regress_spsa_session_app;
CREATE ROLE regress_spsa_session_other;
CREATE ROLE regress_spsa_session_ann;
CREATE ROLE regress_spsa_session_dan;
CREATE ROLE regress_spsa_session_closer;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_session_app;
GRANT INSERT ON spsa.session_end TO regress_spsa_session_closer;

CREATE TABLE session_note (id int PRIMARY KEY, region text);
INSERT INTO session_note VALUES (1, 'EU'), (2, 'US'), (3, NULL);
CREATE TABLE session_plain (n int);
GRANT SELECT, INSERT ON session_note, session_plain TO PUBLIC;
SELECT spsa_protect('session_note', '{region}');

SELECT spsa_create_user('ann', db_role => 'regress_spsa_session_ann') AS ann \gset
SELECT spsa_create_user('ben', '{"region": "EU", "grade": 7, "teams": ["red", "blue"], "nothing": null, "nested": {"a": [1]}}') AS ben \gset
SELECT spsa_create_user('dan', db_role => 'regress_spsa_session_dan') AS dan \gset
SELECT spsa_create_permission_set('reader') AS reader \gset
SELECT spsa_create_permission_set('writer') AS writer \gset
SELECT spsa_grant_object('reader', 'session_note', '{read}');
SELECT spsa_grant_object('writer', 'session_note', '{read,create}');
SELECT spsa_assign('ann', 'reader'), spsa_assign('ben', 'reader'), spsa_assign('ben', 'writer'), spsa_assign('dan', 'reader');

--
-- Opening: the defaults
--
SET SESSION AUTHORIZATION regress_spsa_session_other;
SELECT count(*) FROM spsa_open_session('ben');
:code
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT session_id AS sid, token AS tok, expires_at AS ends FROM spsa_open_session('ben') \gset
-- opening attaches nothing
SELECT spsa_session_id() IS NULL AS detached;
SELECT count(*) FROM session_note;
RESET SESSION AUTHORIZATION;
SELECT user_id = :ben AS ben, expires_at = :'ends' AS same_end, expires_at - created_at AS lifetime,
	authenticated_at = created_at AS authenticated, db_role, parent_id, allowed_sets, idle_timeout, security_level,
	login_type, source_ip, actor, attributes
FROM spsa.session WHERE session_id = :'sid';
SELECT event, session_id = :'sid' AS its_id, user_name, set_name, actor, database_role, detail
FROM spsa.audit_event WHERE event LIKE 'session%';

--
-- The token: its shape, and that nothing but its hash is kept
--
SELECT :'tok' ~ '^spsa_[A-Za-z0-9_-]{48}$' AS shape;
SELECT token_hash = sha256(:'tok'::bytea) AS hash FROM spsa.session WHERE session_id = :'sid';
SELECT count(*) AS stored FROM (
	SELECT t::text AS line FROM spsa.session t UNION ALL SELECT t::text FROM spsa.session_activity t
	UNION ALL SELECT t::text FROM spsa.audit_event t UNION ALL SELECT t::text FROM spsa.app_user t) lines
WHERE strpos(line, :'tok') > 0 OR strpos(line, substr(:'tok', 6)) > 0
	OR strpos(line, encode(:'tok'::bytea, 'hex')) > 0 OR strpos(line, encode(:'tok'::bytea, 'base64')) > 0;
-- nor does history know the hash
SELECT count(*) AS stored FROM spsa.audit_event e, spsa.session s WHERE strpos(e::text, encode(s.token_hash, 'hex')) > 0;
-- every session has another one
SELECT count(DISTINCT o.token) AS tokens, count(DISTINCT o.session_id) AS sessions
FROM generate_series(1, 20) n, LATERAL spsa_open_session('ben', '1 minute', login_type => 'many' || n) o;
DELETE FROM spsa.session WHERE login_type LIKE 'many%';

--
-- Opening: everything given
--
SELECT session_id AS sid2, token AS tok2 FROM spsa_open_session('ben', '90 minutes', 'high_assurance', '192.0.2.7',
	'{"region": "EU", "desk": "north"}', 'regress_spsa_session_app', 'sso', '20 minutes', '{writer}', 'sue') \gset
SELECT expires_at - created_at AS lifetime, db_role, allowed_sets = ARRAY[:writer] AS writer_only, idle_timeout,
	security_level, login_type, source_ip, actor, attributes
FROM spsa.session WHERE session_id = :'sid2';
SELECT count(*) AS activity FROM spsa.session_activity WHERE session_id = :'sid2';
SELECT count(*) AS activity FROM spsa.session_activity WHERE session_id = :'sid';
-- a list of no sets is not the same as no list
SELECT session_id AS sid3, token AS tok3 FROM spsa_open_session('ben', sets => '{}', db_role => 'regress_spsa_session_app') \gset
SELECT allowed_sets FROM spsa.session WHERE session_id = :'sid3';

--
-- Whose session may be attached: the role's and its members'; NULL: anybody's
--
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_user_name(), spsa_session_id() = :'sid' AS its_id, (SELECT count(*) FROM session_note) AS rows;
SELECT spsa_detach();
SELECT spsa_user_name(), spsa_session_id(), (SELECT count(*) FROM session_note) AS rows;
SET SESSION AUTHORIZATION regress_spsa_session_member;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_user_name(), (SELECT count(*) FROM session_note) AS rows;
SELECT spsa_detach();
SET SESSION AUTHORIZATION regress_spsa_session_other;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
:code
SELECT spsa_user_name(), (SELECT count(*) FROM session_note) AS rows;
-- being a superuser does not make a member
RESET SESSION AUTHORIZATION;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
:code
SELECT spsa_user_name();
-- any role
SELECT session_id AS sid4, token AS tok4 FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT db_role FROM spsa.session WHERE session_id = :'sid4';
SET SESSION AUTHORIZATION regress_spsa_session_other;
SELECT spsa_attach_connection(:'tok4') = :'sid4' AS attached;
SELECT spsa_user_name(), (SELECT count(*) FROM session_note) AS rows;
SELECT spsa_detach();
-- a role that does not exist (any more)
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM spsa_open_session('ann', db_role => 'regress_spsa_session_nobody');
:code
CREATE ROLE regress_spsa_session_gone;
SELECT token AS tok5 FROM spsa_open_session('ann', db_role => 'regress_spsa_session_gone') \gset
DROP ROLE regress_spsa_session_gone;
SET SESSION AUTHORIZATION regress_spsa_session_other;
SELECT spsa_attach_connection(:'tok5') IS NOT NULL AS attached;
:code
-- membership that ends while attached
SET SESSION AUTHORIZATION regress_spsa_session_member;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM session_note;
RESET SESSION AUTHORIZATION;
REVOKE regress_spsa_session_app FROM regress_spsa_session_member;
SET SESSION AUTHORIZATION regress_spsa_session_member;
SELECT count(*) FROM session_note;
:code
SELECT spsa_user_name();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
GRANT regress_spsa_session_app TO regress_spsa_session_member;

--
-- A session of one's own: the user whose db_role is the session user
--
SET SESSION AUTHORIZATION regress_spsa_session_ann;
SELECT spsa_open_own_session() AS own \gset
SELECT spsa_session_id() = :'own' AS its_id, spsa_user_name(), (SELECT count(*) FROM session_note) AS rows;
SELECT spsa_detach();
SELECT count(*) FROM session_note;
SELECT spsa_open_own_session('5 minutes') AS own2 \gset
SELECT spsa_close_session();
SET SESSION AUTHORIZATION regress_spsa_session_other;
SELECT spsa_open_own_session();
:code
SELECT spsa_detach();
-- the role is the session user, whatever SET ROLE says
RESET SESSION AUTHORIZATION;
GRANT regress_spsa_session_ann TO regress_spsa_session_other;
SET SESSION AUTHORIZATION regress_spsa_session_other;
SET ROLE regress_spsa_session_ann;
SELECT spsa_open_own_session();
:code
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE regress_spsa_session_ann FROM regress_spsa_session_other;
SELECT db_role, login_type, security_level, expires_at - created_at AS lifetime
FROM spsa.session WHERE session_id IN (:'own', :'own2') ORDER BY lifetime;
-- a disabled user
SET SESSION AUTHORIZATION regress_spsa_session_dan;
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT count(*) FROM session_note;
RESET SESSION AUTHORIZATION;
SELECT spsa_disable_user('dan', 'left') AS sessions;
SET SESSION AUTHORIZATION regress_spsa_session_dan;
SELECT count(*) FROM session_note;
:code
SELECT spsa_open_own_session() IS NOT NULL AS opened;
:code
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM spsa_open_session('dan');
:code
SELECT spsa_disable_user('dan') AS sessions;
SELECT event, user_name, detail FROM spsa.audit_event WHERE event = 'session_close' AND user_name = 'dan';

--
-- Attaching: until the end of the transaction, or of the connection
--
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_detach();
BEGIN;
SELECT spsa_attach(:'tok') = :'sid' AS attached;
SELECT count(*) FROM session_note;
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
BEGIN;
SELECT spsa_attach(:'tok') = :'sid' AS attached;
ROLLBACK;
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
-- outside a transaction block it ends at once, and says so as SET LOCAL does
SELECT spsa_attach(:'tok') = :'sid' AS attached;
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
-- attached for the connection, it outlives transactions
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
BEGIN;
SELECT count(*) FROM session_note;
COMMIT;
SELECT count(*) FROM session_note;
-- another session for one transaction; the first one is back after it
BEGIN;
SELECT spsa_attach(:'tok2') = :'sid2' AS attached;
SELECT spsa_session_id() = :'sid2' AS second;
COMMIT;
SELECT spsa_session_id() = :'sid' AS first;
-- detached within a transaction
BEGIN;
SELECT spsa_detach();
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
-- detaching twice is no error
SELECT spsa_detach();
-- touch needs a session
SELECT spsa_touch();
:code
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_touch();
SELECT spsa_detach();

--
-- Looking at it
--
SELECT spsa_session_id(), spsa_user_name(), spsa_session_info(), spsa_session_attribute('region');
SELECT spsa_attach_connection(:'tok2') = :'sid2' AS attached;
SELECT string_agg(k, ' ' ORDER BY k) AS members FROM jsonb_object_keys(spsa_session_info()) k;
SELECT spsa_session_info() - ARRAY['SessionId', 'CreatedDate', 'AuthenticatedDate', 'LastModifiedDate', 'NumSecondsValid'] AS info;
SELECT (i->>'SessionId')::uuid = :'sid2' AS session_id, (i->>'NumSecondsValid')::int BETWEEN 1100 AND 1200 AS seconds,
	(i->>'CreatedDate')::timestamptz <= clock_timestamp() AS created,
	(i->>'LastModifiedDate')::timestamptz >= (i->>'CreatedDate')::timestamptz AS modified
FROM spsa_session_info() i;
SELECT name, spsa_session_attribute(name) AS value
FROM unnest('{region,grade,teams,nothing,nested,desk,missing,""}'::text[]) WITH ORDINALITY u(name, n) ORDER BY n;
SELECT spsa_session_attribute(NULL) IS NULL AS no_name;
-- only the sets it was opened for are in effect; with an empty list none
SELECT count(*) FROM session_note;
SELECT spsa_attach_connection(:'tok3') = :'sid3' AS attached;
SELECT spsa_session_info()->'EffectiveSets' AS sets, spsa_session_info()->>'SessionType' AS type, (SELECT count(*) FROM session_note) AS rows;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT jsonb_array_length(spsa_session_info()->'EffectiveSets') AS sets, spsa_session_info()->>'SessionType' AS type;
-- what the user has recorded comes before what was said at the opening, also if it is recorded later
RESET SESSION AUTHORIZATION;
UPDATE spsa.app_user SET attributes = attributes || '{"desk": "south"}' WHERE user_name = 'ben';
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_attach_connection(:'tok2') = :'sid2' AS attached;
SELECT spsa_session_attribute('desk');
SELECT spsa_detach();
-- an opening that contradicts the user's attribute is refused, one that repeats it is not
SELECT count(*) FROM spsa_open_session('ben', attributes => '{"region": "US"}');
:code
SELECT count(*) FROM spsa_open_session('ben', attributes => '{"teams": ["red"]}');
:code
SELECT count(*) FROM spsa_open_session('ben', '1 minute', attributes => '{"teams": ["red", "blue"], "grade": 7.0}');

--
-- Closing: one's own, again, another's, by whoever may
--
SELECT token AS tok6, session_id AS sid6 FROM spsa_open_session('ben') \gset
SELECT token AS tok7, session_id AS sid7 FROM spsa_open_session('ben') \gset
-- with none attached and none given nothing is closed
SELECT spsa_close_session();
SELECT spsa_close_session(NULL);
SELECT spsa_close_session(:'sid6');
:code
SELECT spsa_attach_connection(:'tok6') = :'sid6' AS attached;
SELECT spsa_close_session(:'sid7');
:code
SELECT spsa_close_session('00000000-0000-0000-0000-000000000000');
:code
SELECT count(*) FROM session_note;
SELECT spsa_close_session();
-- over: an error on protected objects, nothing else is disturbed
SELECT count(*) FROM session_note;
:code
SELECT 1 AS one;
SELECT count(*) FROM session_plain;
SELECT spsa_session_id() IS NULL AS none, spsa_user_name() IS NULL AS nobody, spsa_session_info() IS NULL AS nothing,
	spsa_session_attribute('region') IS NULL AS no_attribute;
SELECT spsa_touch();
:code
SELECT spsa_close_session(:'sid6');
:code
SELECT spsa_close_session();
SELECT spsa_attach_connection(:'tok6') = :'sid6' AS attached;
:code
SELECT spsa_detach();
SELECT count(*) FROM session_note;
-- by a role that may
SET SESSION AUTHORIZATION regress_spsa_session_closer;
SELECT spsa_close_session(:'sid7');
SELECT spsa_close_session(:'sid7');
SELECT spsa_close_session('00000000-0000-0000-0000-000000000000');
RESET SESSION AUTHORIZATION;
SELECT spsa_close_session(:'sid4');
SELECT spsa_close_session(:'sid4');
-- undone with its transaction
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
BEGIN;
SELECT spsa_close_session();
SELECT count(*) FROM session_note;
:code
ROLLBACK;
SELECT count(*) FROM session_note;
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT count(*) AS rows, count(DISTINCT session_id) AS sessions FROM spsa.session_end;
SELECT s.n, e.user_name, e.actor, CASE e.database_role WHEN current_user THEN 'superuser' ELSE e.database_role END AS database_role
FROM spsa.audit_event e JOIN (VALUES (4, :'sid4'::uuid), (6, :'sid6'), (7, :'sid7')) s(n, session_id) USING (session_id)
WHERE e.event = 'session_close' ORDER BY e.event_id;

--
-- The end by the clock: expiry and idle timeout. One session for each kind of use; SET attaches without being one.
--
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT token AS short FROM spsa_open_session('ben', '3 seconds') \gset
SELECT token AS touched FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS attached FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS writing FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS reading FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS undone FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS readonly FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS again FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
SELECT token AS elsewhere FROM spsa_open_session('ben', idle_timeout => '3 seconds') \gset
PREPARE rows AS SELECT count(*) FROM session_note;
SET spsa.session_token = :'short';
EXECUTE rows;
SELECT pg_sleep(1.7);
SET spsa.session_token = :'short';
EXECUTE rows;
SELECT (spsa_session_info()->>'NumSecondsValid')::int < 2 AS running_out;
SET spsa.session_token = :'touched';
SELECT spsa_touch();
SELECT spsa_attach_connection(:'attached') IS NOT NULL AS attached;
SET spsa.session_token = :'writing';
INSERT INTO session_note VALUES (4, 'EU');
SET spsa.session_token = :'reading';
EXECUTE rows;
SET spsa.session_token = :'undone';
BEGIN;
INSERT INTO session_note VALUES (5, 'EU');
SELECT spsa_touch();
ROLLBACK;
SET spsa.session_token = :'readonly';
BEGIN READ ONLY;
SELECT spsa_touch();
EXECUTE rows;
COMMIT;
-- a use that was undone does not stand in the way of the next one
SET spsa.session_token = :'again';
BEGIN;
SELECT spsa_touch();
ROLLBACK;
SELECT spsa_touch();
-- a transaction that writes where nothing is protected
SET spsa.session_token = :'elsewhere';
INSERT INTO session_plain VALUES (1);
SELECT pg_sleep(1.7);
SET spsa.session_token = :'short';
EXECUTE rows;
:code
SET spsa.session_token = :'touched';
EXECUTE rows;
SET spsa.session_token = :'attached';
EXECUTE rows;
SET spsa.session_token = :'writing';
EXECUTE rows;
SET spsa.session_token = :'reading';
EXECUTE rows;
:code
SET spsa.session_token = :'undone';
EXECUTE rows;
:code
SET spsa.session_token = :'readonly';
EXECUTE rows;
:code
SET spsa.session_token = :'again';
EXECUTE rows;
SET spsa.session_token = :'elsewhere';
EXECUTE rows;
SELECT spsa_attach_connection(:'short');
:code
DEALLOCATE rows;
-- the time that is left is told anew after a use
SELECT token AS tok8, session_id AS sid8 FROM spsa_open_session('ben', idle_timeout => '1 hour') \gset
RESET SESSION AUTHORIZATION;
UPDATE spsa.session_activity SET last_seen_at = last_seen_at - interval '30 minutes' WHERE session_id = :'sid8';
SET SESSION AUTHORIZATION regress_spsa_session_app;
SET spsa.session_token = :'tok8';
SELECT (spsa_session_info()->>'NumSecondsValid')::int BETWEEN 1700 AND 1800 AS half;
SELECT spsa_touch();
SELECT (spsa_session_info()->>'NumSecondsValid')::int BETWEEN 3500 AND 3600 AS whole;
RESET spsa.session_token;
RESET SESSION AUTHORIZATION;

--
-- session_limit counts live sessions only
--
UPDATE spsa.app_user SET session_limit = 1 WHERE user_name = 'ann';
SELECT spsa_close_session(session_id) FROM spsa.session WHERE user_id = :ann AND session_id = :'own';
UPDATE spsa.session SET expires_at = clock_timestamp() WHERE user_id = :ann;
SELECT session_id AS lim FROM spsa_open_session('ann') \gset
SELECT count(*) FROM spsa_open_session('ann');
:code
SET SESSION AUTHORIZATION regress_spsa_session_ann;
SELECT spsa_open_own_session();
:code
RESET SESSION AUTHORIZATION;
SELECT count(*) AS live FROM spsa.session s WHERE user_id = :ann AND expires_at > clock_timestamp()
	AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id);
SELECT spsa_close_session(:'lim');
SELECT count(*) FROM spsa_open_session('ann');

--
-- Purge deletes what is over, and nothing else
--
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_purge();
:code
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.session;
DELETE FROM spsa.session_end;
DELETE FROM spsa.session_activity;
SELECT session_id AS live FROM spsa_open_session('ben', idle_timeout => '1 hour') \gset
SELECT session_id AS closed FROM spsa_open_session('ben') \gset
SELECT session_id AS expired FROM spsa_open_session('ben') \gset
SELECT session_id AS idle FROM spsa_open_session('ben', idle_timeout => '1 hour') \gset
SELECT spsa_close_session(:'closed');
UPDATE spsa.session SET expires_at = clock_timestamp() WHERE session_id = :'expired';
UPDATE spsa.session_activity SET last_seen_at = clock_timestamp() - interval '2 hours' WHERE session_id = :'idle';
SELECT spsa_purge();
SELECT spsa_purge();
SELECT count(*) AS sessions, bool_and(session_id = :'live') AS the_live_one FROM spsa.session;
SELECT count(*) AS activities, bool_and(session_id = :'live') AS the_live_one FROM spsa.session_activity;
SELECT count(*) AS ends FROM spsa.session_end;
SELECT CASE session_id WHEN :'expired' THEN 'expired' WHEN :'idle' THEN 'idle' WHEN :'closed' THEN 'closed' END AS session, event
FROM spsa.audit_event WHERE session_id IN (:'expired', :'idle', :'closed') AND event <> 'session_open' ORDER BY 1;

--
-- spsa.require_session: no session at all is an error too
--
SELECT token AS tok, session_id AS sid FROM spsa_open_session('ben', db_role => 'regress_spsa_session_app') \gset
SET SESSION AUTHORIZATION regress_spsa_session_app;
SET spsa.require_session = on;
:code
RESET SESSION AUTHORIZATION;
SET spsa.require_session = on;
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT count(*) FROM session_note;
:code
INSERT INTO session_note VALUES (6, 'EU');
:code
SELECT spsa_allows('session_note', 'read');
:code
SELECT count(*) FROM session_plain;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM session_note;
SELECT spsa_detach();
SELECT count(*) FROM session_note;
:code
RESET SESSION AUTHORIZATION;
RESET spsa.require_session;
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT count(*) FROM session_note;

--
-- spsa.require_local_attach: no binding outlives its transaction, however it was made
--
SET spsa.require_local_attach = on;
:code
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
RESET SESSION AUTHORIZATION;
SET spsa.require_local_attach = on;
SET SESSION AUTHORIZATION regress_spsa_session_app;
-- made before: void
SELECT count(*) FROM session_note;
:code
SELECT spsa_detach();
BEGIN;
SELECT spsa_attach(:'tok') = :'sid' AS attached;
SELECT count(*) FROM session_note;
COMMIT;
SELECT count(*) FROM session_note;
BEGIN;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM session_note;
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
BEGIN;
SET spsa.session_token = :'tok';
SELECT count(*) FROM session_note;
COMMIT;
SELECT spsa_session_id() IS NULL AS detached;
SELECT count(*) FROM session_note;
:code
SET spsa.session_token = :'tok';
SELECT count(*) FROM session_note;
:code
SELECT spsa_detach();
-- a savepoint is not the end of a transaction, a procedure's COMMIT is
BEGIN;
SAVEPOINT s;
SET spsa.session_token = :'tok';
RELEASE s;
SAVEPOINT s;
SELECT count(*) FROM session_note;
ROLLBACK TO s;
SELECT count(*) FROM session_note;
COMMIT;
SELECT spsa_detach();
SELECT set_config('session.tok', :'tok', false) = :'tok' AS known;
DO $$
BEGIN
	EXECUTE format('SET spsa.session_token = %L', current_setting('session.tok'));
	RAISE NOTICE 'rows: %', (SELECT count(*) FROM session_note);
	COMMIT;
	RAISE NOTICE 'rows: %', (SELECT count(*) FROM session_note);
END $$;
:code
SELECT spsa_detach();
SET SESSION AUTHORIZATION regress_spsa_session_ann;
BEGIN;
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT count(*) FROM session_note;
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, (SELECT count(*) FROM session_note) AS rows;
RESET SESSION AUTHORIZATION;
RESET spsa.require_local_attach;

--
-- What PUBLIC may execute, of all that belongs to the extension
--
SELECT p.oid::regprocedure AS function
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa')
	AND has_function_privilege('public', p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text COLLATE "C";
-- and nothing on its tables and sequences, but on one view, and no more than USAGE on its schema
SELECT count(*) AS relations FROM pg_class c
WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind IN ('r', 'v', 'S')
	AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('public', c.oid, 'USAGE, SELECT, UPDATE')
		ELSE has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE')
			OR has_table_privilege('public', c.oid, 'DELETE, TRUNCATE, TRIGGER') END;
SELECT has_schema_privilege('public', 'spsa', 'USAGE') AS usage, has_schema_privilege('public', 'spsa', 'CREATE') AS "create";
-- the functions that run with other rights than their caller's
SELECT count(*) AS security_definer FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa') AND p.prosecdef;

--
-- Nobody is shown the token: neither its holder nor a superuser
--
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
\set VERBOSITY sqlstate
SHOW spsa.session_token;
SELECT current_setting('spsa.session_token');
SELECT set_config('spsa.session_token', :'tok', false);
\set VERBOSITY default
SELECT count(*) FROM pg_settings WHERE name = 'spsa.session_token';
SELECT count(*) FROM pg_settings s WHERE s::text ~ 'spsa_[A-Za-z0-9_-]{32}';
RESET SESSION AUTHORIZATION;
SHOW spsa.session_token;
SELECT current_setting('spsa.session_token');
SELECT count(*) FROM pg_settings WHERE name = 'spsa.session_token';
SELECT count(*) FROM pg_settings s WHERE s::text ~ 'spsa_[A-Za-z0-9_-]{32}';
SELECT count(*) FROM pg_show_all_settings() s WHERE s::text ~ 'spsa_[A-Za-z0-9_-]{32}';
SELECT set_config('spsa.session_token', :'tok', false);
-- a statement that has it in its text is not seen with it
SET SESSION AUTHORIZATION regress_spsa_session_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached \; SELECT query ~ 'spsa_[A-Za-z0-9_-]{32}' AS shown FROM pg_stat_activity WHERE pid = pg_backend_pid();
SET spsa.session_token = :'tok' \; SELECT query ~ 'spsa_[A-Za-z0-9_-]{32}' AS shown FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SHOW spsa.session_token;

--
-- The setting can be set in the session itself only
--
ALTER ROLE regress_spsa_session_app SET spsa.session_token = :'tok';
:code
SELECT format('ALTER DATABASE %I SET spsa.session_token = %L', current_database(), :'tok') AS alter_database \gset
:alter_database;
:code
ALTER SYSTEM SET spsa.session_token = :'tok';
:code
CREATE FUNCTION session_with_token() RETURNS bigint LANGUAGE sql SET spsa.session_token = :'tok' AS 'SELECT count(*) FROM session_note';
:code
CREATE FUNCTION session_without_token() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM session_note';
ALTER FUNCTION session_without_token() SET spsa.session_token = :'tok';
:code
SET SESSION AUTHORIZATION regress_spsa_session_app;
ALTER ROLE regress_spsa_session_app SET spsa.session_token = :'tok';
:code
RESET SESSION AUTHORIZATION;
SELECT count(*) AS stored FROM pg_db_role_setting WHERE setconfig::text LIKE '%session_token%';
SELECT count(*) AS stored FROM pg_proc WHERE proconfig::text LIKE '%session_token%';
-- no token is a value like any other
ALTER FUNCTION session_without_token() SET spsa.session_token = '';
SELECT proconfig FROM pg_proc WHERE proname = 'session_without_token';
-- other names below spsa are misspelt
SET spsa.session_tokn = 'x';
:code

DROP FUNCTION session_without_token();
DROP TABLE session_note, session_plain;
SET client_min_messages = warning;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_session_app, regress_spsa_session_member, regress_spsa_session_other, regress_spsa_session_ann,
	regress_spsa_session_dan, regress_spsa_session_closer;
