-- rotation.sql - tokens that replace others, and limits on how many sessions a user has.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
SET client_min_messages = warning;

CREATE ROLE regress_spsa_rotation_app;
CREATE ROLE regress_spsa_rotation_opener;
CREATE ROLE regress_spsa_rotation_closer;
CREATE ROLE regress_spsa_rotation_ann;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_rotation_opener;
GRANT INSERT ON spsa.session_end TO regress_spsa_rotation_closer;
CREATE TABLE rotation_note (id int PRIMARY KEY, region text);
INSERT INTO rotation_note VALUES (1, 'EU'), (2, 'US');
GRANT SELECT ON rotation_note TO PUBLIC;
SELECT spsa_protect('rotation_note', '{region}');
SELECT spsa_create_user('ann', db_role => 'regress_spsa_rotation_ann') AS ann, spsa_create_user('ben') AS ben \gset
SELECT spsa_create_permission_set('reader') AS reader, spsa_create_permission_set('gated', activation_required => true) AS gated,
	spsa_create_permission_set('manager') AS manager \gset
SELECT spsa_grant_object('gated', 'rotation_note', '{read}'), spsa_grant_permission('manager', 'manage_activations');
SELECT spsa_assign('ann', 'gated'), spsa_assign('ann', 'manager');
CREATE FUNCTION rotation_sees() RETURNS text LANGUAGE sql AS
$$SELECT COALESCE(string_agg(region, ' ' ORDER BY id), '-') FROM rotation_note$$;

SELECT session_id AS sid, token AS t0 FROM spsa_open_session('ann', db_role => 'regress_spsa_rotation_app') \gset
SELECT session_id AS other, token AS other_tok FROM spsa_open_session('ben', db_role => 'regress_spsa_rotation_app') \gset

--
-- The connection stays attached, by the new token; the old one is worth nothing
--
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT spsa_attach_connection(:'t0') = :'sid' AS attached;
SELECT already_active FROM spsa_activate_own('gated');
SELECT session_id AS kid, token AS kid_tok FROM spsa_derive_session('{gated}') \gset
PREPARE sees AS SELECT count(*) FROM rotation_note;
EXECUTE sees;
SELECT spsa_rotate_token() AS t1 \gset
SELECT :'t1' ~ '^spsa_[A-Za-z0-9_-]{48}$' AS shape, :'t1' <> :'t0' AS another;
SELECT spsa_session_id() = :'sid' AS attached, spsa_user_name(), rotation_sees();
EXECUTE sees;
\set VERBOSITY sqlstate
SHOW spsa.session_token;
\set VERBOSITY default
SELECT spsa_attach_connection(:'t0');
:code
SELECT rotation_sees();
SELECT spsa_attach_connection(:'t1') = :'sid' AS attached;
SELECT rotation_sees();
-- by SET, as by the functions
SET spsa.session_token = :'t0';
SELECT rotation_sees();
:code
SET spsa.session_token = :'t1';
SELECT rotation_sees();
-- again, and again
SELECT spsa_rotate_token() AS t2 \gset
SELECT spsa_rotate_token() AS t3 \gset
SELECT rotation_sees();
SELECT spsa_attach_connection(:'t2');
:code
SELECT spsa_attach_connection(:'t1');
:code
SELECT spsa_attach_connection(:'t0');
:code
SELECT spsa_attach_connection(:'t3') = :'sid' AS attached;
-- what was derived, and what is active, stays
SELECT spsa_attach_connection(:'kid_tok') = :'kid' AS attached;
SELECT already_active FROM spsa_activate_own('gated');
SELECT rotation_sees();
RESET SESSION AUTHORIZATION;
SELECT token_hash = sha256(:'t0') AS opened_with FROM spsa.session WHERE session_id = :'sid';
SELECT count(*), bool_or(token_hash = sha256(:'t3')) AS newest FROM spsa.session_token WHERE session_id = :'sid';
SELECT event, user_name, actor, database_role, detail FROM spsa.audit_event WHERE event LIKE '%rotate%' OR event LIKE 'session_token%' ORDER BY event_id;
SELECT count(*) AS shown FROM spsa.audit_event e, spsa.session_token t WHERE strpos(e::text, encode(t.token_hash, 'hex')) > 0;
SELECT count(*) AS shown FROM spsa.audit_event e WHERE e::text ~ 'spsa_[A-Za-z0-9_-]{48}';

--
-- Transactions, savepoints, scope
--
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT spsa_attach_connection(:'t3') = :'sid' AS attached;
BEGIN;
SELECT spsa_rotate_token() AS undone \gset
SELECT rotation_sees();
SAVEPOINT s;
SELECT spsa_attach_connection(:'t3');
:code
ROLLBACK TO s;
ROLLBACK;
-- (a token that was refused makes void what was attached before it)
SELECT rotation_sees();
:code
SELECT spsa_attach_connection(:'t3') = :'sid' AS attached;
BEGIN;
SELECT spsa_rotate_token() AS undone \gset
SELECT rotation_sees();
ROLLBACK;
SELECT rotation_sees();
SELECT spsa_attach_connection(:'undone');
:code
SELECT spsa_attach_connection(:'t3') = :'sid' AS attached;
-- savepoints
BEGIN;
SELECT spsa_rotate_token() AS t4 \gset
SAVEPOINT s;
SELECT spsa_rotate_token() AS undone \gset
SELECT rotation_sees();
ROLLBACK TO s;
SELECT rotation_sees();
COMMIT;
SELECT rotation_sees();
BEGIN;
SAVEPOINT s;
SELECT spsa_rotate_token() AS undone \gset
ROLLBACK TO s;
SELECT rotation_sees();
COMMIT;
SELECT rotation_sees();
SELECT spsa_detach();
SELECT spsa_attach_connection(:'undone');
:code
SELECT spsa_attach_connection(:'t4') = :'sid' AS attached;
SELECT spsa_detach();
-- attached for the transaction: so it stays
BEGIN;
SELECT spsa_attach(:'t4') = :'sid' AS attached;
SELECT spsa_rotate_token() AS t5 \gset
SELECT rotation_sees();
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, rotation_sees();
BEGIN;
SELECT spsa_attach(:'t5') = :'sid' AS attached;
SAVEPOINT s;
SELECT spsa_rotate_token() AS t6 \gset
RELEASE s;
SELECT rotation_sees();
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, rotation_sees();
BEGIN;
SET LOCAL spsa.session_token = :'t6';
SELECT spsa_rotate_token() AS t7 \gset
COMMIT;
SELECT spsa_session_id() IS NULL AS detached;
-- attached for the connection, in a transaction
BEGIN;
SELECT spsa_attach_connection(:'t7') = :'sid' AS attached;
SELECT spsa_rotate_token() AS t8 \gset
COMMIT;
SELECT spsa_session_id() = :'sid' AS attached, rotation_sees();
RESET ALL;
SELECT spsa_session_id() IS NULL AS detached;
SELECT spsa_attach_connection(:'t8') = :'sid' AS attached;
SELECT spsa_rotate_token() AS t9 \gset
DISCARD ALL;
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT spsa_session_id() IS NULL AS detached, rotation_sees();
-- under spsa.require_local_attach
RESET SESSION AUTHORIZATION;
SET spsa.require_local_attach = on;
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
BEGIN;
SELECT spsa_attach_connection(:'t9') = :'sid' AS attached;
SELECT spsa_rotate_token() AS t10 \gset
SELECT rotation_sees();
COMMIT;
SELECT spsa_session_id() IS NULL AS detached, rotation_sees();
RESET SESSION AUTHORIZATION;
RESET spsa.require_local_attach;
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
-- a cursor is not read on, and a statement on protected objects is no place for it
SELECT spsa_attach_connection(:'t10') = :'sid' AS attached;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM rotation_note ORDER BY id;
FETCH c;
SELECT spsa_rotate_token() AS undone \gset
FETCH c;
:code
ROLLBACK;
SELECT spsa_rotate_token() IS NULL AS never FROM rotation_note;
:code
SELECT rotation_sees();
-- two-phase commit: not with a rotation that is to be looked at when it is committed
BEGIN;
SELECT spsa_rotate_token() AS undone \gset
PREPARE TRANSACTION 'rotation';
:code
SELECT rotation_sees();
BEGIN READ ONLY;
SELECT spsa_rotate_token();
:code
ROLLBACK;
SELECT rotation_sees();

--
-- Who may
--
SELECT spsa_rotate_token(:'other');
:code
SELECT spsa_rotate_token('00000000-0000-0000-0000-000000000000');
:code
SELECT spsa_rotate_token(NULL);
:code
-- the parent for its child: that stays attached where it is, by a token that is over
SELECT spsa_rotate_token(:'kid') AS kid1 \gset
SELECT spsa_session_id() = :'sid' AS attached, rotation_sees();
SELECT spsa_attach_connection(:'kid_tok');
:code
SELECT spsa_attach_connection(:'kid1') = :'kid' AS attached;
SELECT rotation_sees();
SELECT spsa_rotate_token(:'sid');
:code
SELECT spsa_detach();
SELECT spsa_rotate_token();
:code
SELECT spsa_rotate_token(:'sid');
:code
SET SESSION AUTHORIZATION regress_spsa_rotation_closer;
SELECT spsa_rotate_token(:'sid');
:code
SET SESSION AUTHORIZATION regress_spsa_rotation_opener;
SELECT spsa_rotate_token(:'sid') AS t11 \gset
SELECT spsa_session_id() IS NULL AS detached;
SELECT spsa_rotate_token('00000000-0000-0000-0000-000000000000');
:code
SELECT spsa_close_session(:'sid');
:code
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT spsa_attach_connection(:'t10');
:code
SELECT spsa_attach_connection(:'t11') = :'sid' AS attached;
SELECT rotation_sees();
-- over
SELECT spsa_close_session();
SELECT spsa_rotate_token();
:code
SELECT spsa_rotate_token(:'sid');
:code
SELECT spsa_attach_connection(:'t11');
:code
SELECT spsa_attach_connection(:'t10');
:code
SET SESSION AUTHORIZATION regress_spsa_rotation_opener;
SELECT spsa_rotate_token(:'sid');
:code
RESET SESSION AUTHORIZATION;
SELECT event, user_name, actor, database_role FROM spsa.audit_event WHERE event = 'session_rotate' ORDER BY event_id DESC LIMIT 2;

--
-- What writes the table by hand is seen, and recorded
--
SELECT session_id AS sid, token AS t0 FROM spsa_open_session('ann', db_role => 'regress_spsa_rotation_app') \gset
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT spsa_attach_connection(:'t0') = :'sid' AS attached;
SELECT rotation_sees();
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.session_token (session_id, token_hash) VALUES (:'sid', sha256('nobody knows'));
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT rotation_sees();
:code
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.session_token WHERE session_id = :'sid';
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT rotation_sees();
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.session_token (session_id, token_hash) VALUES (:'sid', sha256('nobody knows'));
TRUNCATE spsa.session_token;
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT rotation_sees();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT event, detail->'new'->>'token_hash' AS new_hash, detail->'old'->>'token_hash' AS old_hash FROM spsa.audit_event WHERE event LIKE 'session_token%' ORDER BY event_id;

--
-- Purging: of the tokens of a session that goes on, all but the newest
--
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT spsa_attach_connection(:'t0') = :'sid' AS attached;
SELECT spsa_rotate_token() AS t1 \gset
SELECT spsa_rotate_token() AS t2 \gset
SELECT spsa_rotate_token() AS t3 \gset
RESET SESSION AUTHORIZATION;
SELECT spsa_purge() > 0 AS purged;
SELECT count(*) AS tokens FROM spsa.session_token;
SET SESSION AUTHORIZATION regress_spsa_rotation_app;
SELECT rotation_sees();
SELECT spsa_attach_connection(:'t0');
:code
SELECT spsa_attach_connection(:'t2');
:code
SELECT spsa_attach_connection(:'t3') = :'sid' AS attached;
SELECT spsa_close_session();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT spsa_purge() > 0 AS purged;
SELECT count(*) AS tokens FROM spsa.session_token;

--
-- How many sessions: refused, or the oldest ended
--
SELECT spsa_close_user_sessions('ann') >= 0 AS closed, spsa_close_user_sessions('ben') >= 0 AS closed;
SET spsa.session_limit = 2;
SHOW spsa.session_limit_action;
SELECT session_id AS s1, token AS k1 FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT session_id AS s2, token AS k2 FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT count(*) FROM spsa_open_session('ann');
:code
-- each user for itself
SELECT count(*) FROM spsa_open_session('ben');
-- derived ones do not count, and take no place
SELECT session_id AS kid, token AS kid_tok FROM spsa_derive_session('{gated}', parent => :'s1') \gset
SELECT count(*) FROM spsa_derive_session('{gated}', parent => :'s1');
SELECT count(*) FROM spsa_open_session('ann');
:code
-- the user's own limit comes first, whether it is more or less
UPDATE spsa.app_user SET session_limit = 3 WHERE user_name = 'ann';
SELECT session_id AS s3, token AS k3 FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT count(*) FROM spsa_open_session('ann');
:code
SET spsa.session_limit = 0;
SELECT count(*) FROM spsa_open_session('ann');
:code
-- the oldest ended, with what is derived from it
SET spsa.session_limit_action = 'end_oldest';
SELECT session_id AS s4, token AS k4 FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT n FROM (VALUES (1, :'s1'::uuid), (2, :'s2'), (3, :'s3'), (4, :'s4'), (9, :'kid')) v(n, id) WHERE id IN (SELECT session_id FROM spsa.live_session) ORDER BY n;
SELECT n, event, user_name, actor, detail FROM spsa.audit_event e
JOIN (VALUES (1, :'s1'::uuid), (2, :'s2'), (3, :'s3'), (4, :'s4'), (9, :'kid')) v(n, id) ON id = e.session_id WHERE event = 'session_close' ORDER BY n;
-- undone with the opening
BEGIN;
SELECT count(*) FROM spsa_open_session('ann');
SELECT count(*) AS live FROM spsa.live_session WHERE session_id = :'s2';
ROLLBACK;
SELECT count(*) AS live FROM spsa.live_session WHERE session_id = :'s2';
-- nothing is ended by an opening that fails
SELECT count(*) FROM spsa_open_session('ann', sets => '{nothing}');
:code
SELECT count(*) AS live FROM spsa.live_session WHERE session_id = :'s2';
-- when the limit has become smaller, as many as must be
UPDATE spsa.app_user SET session_limit = 1 WHERE user_name = 'ann';
SELECT session_id AS s5 FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT count(*) AS live, bool_and(session_id = :'s5') AS newest FROM spsa.live_session WHERE user_name = 'ann';
-- one's own: a person who comes back
SET SESSION AUTHORIZATION regress_spsa_rotation_ann;
SELECT spsa_open_own_session() AS own1 \gset
SELECT spsa_open_own_session() AS own2 \gset
SELECT spsa_session_id() = :'own2' AS attached;
-- a user cannot change that
SET spsa.session_limit = 100;
:code
SET spsa.session_limit_action = 'refuse';
:code
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SET spsa.session_limit = -1;
:code
SET spsa.session_limit_action = 'ask';
:code
SELECT count(*) AS live FROM spsa.live_session WHERE user_name = 'ann';
RESET spsa.session_limit;
RESET spsa.session_limit_action;

-- A cache that has room for one session: whose token is replaced, and who does it, is not mixed up.
SELECT spsa_create_user('eve') IS NOT NULL AS created;
SELECT session_id AS sid, token AS tok FROM spsa_open_session('eve', db_role => NULL) \gset
SELECT session_id AS other, token AS other_tok FROM spsa_open_session('ben', db_role => NULL) \gset
SET spsa.session_cache_size = 1;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_rotate_token(:'other') AS t1 \gset
SELECT spsa_session_id() = :'sid' AS attached;
SELECT user_name, actor FROM spsa.audit_event WHERE event = 'session_rotate' AND session_id = :'other';
SELECT spsa_attach_connection(:'other_tok');
SELECT spsa_attach_connection(:'t1') = :'other' AS attached;
SELECT spsa_detach();
RESET spsa.session_cache_size;

-- no function that everybody may call takes the name of a user, by which it could be found out who there is (spsa_access_matrix() looks
-- among what the caller may see; spsa_explain() refuses all names but the own one in the same way)
SELECT count(*) FILTER (WHERE has_function_privilege('public', p.oid, 'EXECUTE')) AS public, count(*) > 5 AS others
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa')
	AND 'user_name' = ANY (p.proargnames[1:p.pronargs]) AND p.proname NOT IN ('spsa_access_matrix', 'spsa_explain');

DROP FUNCTION rotation_sees();
DROP TABLE rotation_note;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_rotation_app, regress_spsa_rotation_opener, regress_spsa_rotation_closer, regress_spsa_rotation_ann;
