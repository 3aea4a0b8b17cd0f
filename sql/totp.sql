-- totp: authenticating again within a session, and what of second factors needs no file of keys (the rest is in
-- src/test/t/018_totp.pl): who may do what, the rules of activation, what stays when.

SET client_min_messages = warning;
\set code '\\echo :LAST_ERROR_SQLSTATE'
SELECT current_user AS super \gset
CREATE ROLE regress_spsa_totp_app;
CREATE ROLE regress_spsa_totp_login;
CREATE ROLE regress_spsa_totp_admin;
CREATE EXTENSION spsa;
CREATE TABLE totp_pay (id integer);
INSERT INTO totp_pay VALUES (1), (2);
GRANT SELECT ON totp_pay TO regress_spsa_totp_app;
SELECT spsa_protect('totp_pay');
SELECT spsa_create_user('ann') AS ann, spsa_create_user('ben') AS ben \gset
SELECT spsa_create_permission_set('pay', activation_required => true) AS pay \gset
SELECT spsa_grant_object('pay', 'totp_pay', '{read}'), spsa_assign('ann', 'pay');
SELECT session_id AS sid, token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_totp_app') \gset
SELECT session_id AS other_sid, token AS other_tok FROM spsa_open_session('ann', db_role => 'regress_spsa_totp_app') \gset
-- a session of the past
UPDATE spsa.session SET authenticated_at = '2020-01-01 12:00+00', created_at = '2020-01-01 12:00+00';
CREATE VIEW state AS SELECT security_level, authenticated_at > created_at AS again, authenticated_at > clock_timestamp() - interval '1 minute' AS now
FROM spsa.live_session ORDER BY created_at, authenticated_at;
GRANT SELECT ON state TO regress_spsa_totp_app;

--
-- Who may say that somebody has authenticated again
--
SET SESSION AUTHORIZATION regress_spsa_totp_login;
SELECT spsa_reauthenticate(:'sid');
:code
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION spsa_reauthenticate TO regress_spsa_totp_login;

-- The rule: level and age.
SELECT spsa_set_activation_rule('pay', min_security_level => 'high_assurance', max_authentication_age => '15 minutes');
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT already_active FROM spsa_activate_own('pay');
:code
SELECT condition, met, detail !~ 'it was at' AS level FROM spsa_activation_readiness(:'sid', 'pay') WHERE condition ~ 'level|age';
-- The holder of the session cannot say so.
SELECT spsa_reauthenticate(:'sid', 'high_assurance');
:code
INSERT INTO spsa.session_authentication (session_id, security_level) VALUES (:'sid', 'high_assurance');
:code

-- The time alone.
SET SESSION AUTHORIZATION regress_spsa_totp_login;
SELECT spsa_reauthenticate(:'sid') BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() AS now;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level, (spsa_session_info()->>'AuthenticatedDate')::timestamptz > '2025-01-01' AS again;
SELECT * FROM state;
SELECT condition, met FROM spsa_activation_readiness(:'sid', 'pay') WHERE condition ~ 'level|age';
SELECT already_active FROM spsa_activate_own('pay');
:code
SELECT count(*) FROM totp_pay;

-- The level, transactional.
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION spsa_reauthenticate TO regress_spsa_totp_app;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
BEGIN;
SELECT FROM spsa_reauthenticate(:'sid', 'high_assurance');
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM totp_pay;
ROLLBACK;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level, (SELECT count(*) FROM totp_pay);
BEGIN;
SAVEPOINT s;
SELECT FROM spsa_reauthenticate(:'sid', 'high_assurance');
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
ROLLBACK TO s;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
SAVEPOINT s;
SELECT FROM spsa_reauthenticate(:'sid', 'high_assurance');
RELEASE s;
COMMIT;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
SELECT already_active FROM spsa_activate_own('pay', '1 hour');
SELECT count(*) FROM totp_pay;
RESET SESSION AUTHORIZATION;
REVOKE EXECUTE ON FUNCTION spsa_reauthenticate FROM regress_spsa_totp_app;
-- The other session of the user is not concerned.
SELECT * FROM state;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_attach_connection(:'other_tok') = :'other_sid' AS attached;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
SELECT already_active FROM spsa_activate_own('pay');
:code

-- The age passes: what is active stays, to activate again takes to authenticate again. Nothing lowers the level.
RESET SESSION AUTHORIZATION;
UPDATE spsa.session_authentication SET authenticated_at = clock_timestamp() - interval '16 minutes';
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM totp_pay;
SELECT spsa_deactivate_own('pay');
SELECT condition, met FROM spsa_activation_readiness(:'sid', 'pay') WHERE condition ~ 'level|age';
\set VERBOSITY terse
SELECT already_active FROM spsa_activate_own('pay');
:code
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_spsa_totp_login;
SELECT FROM spsa_reauthenticate(:'sid', 'standard');
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM totp_pay;
-- A time that is put back by hand, and a level, change nothing either.
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.session_authentication (session_id, authenticated_at, security_level) VALUES (:'sid', '2000-01-01', 'standard');
SELECT * FROM state;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT (spsa_session_info()->>'AuthenticatedDate')::timestamptz > clock_timestamp() - interval '1 minute' AS now,
	spsa_session_info()->>'SessionSecurityLevel' AS level;
RESET SESSION AUTHORIZATION;
SELECT event, session_id = :'sid' AS its, user_name, database_role = :'super' AS by_hand, detail->>'security_level' AS level
FROM spsa.audit_event WHERE event ~ 'authenti' AND event !~ 'update' ORDER BY event_id;

-- A derived session is another one: it has what it was made with, and that is not raised.
INSERT INTO spsa.session (user_id, token_hash, parent_id, expires_at) VALUES (:ann, sha256('child'), :'sid', 'infinity') RETURNING session_id AS child \gset
SELECT security_level FROM spsa.live_session WHERE session_id = :'child';
SELECT FROM spsa_reauthenticate(:'sid', 'high_assurance');
SELECT security_level FROM spsa.live_session WHERE session_id = :'child';
SELECT FROM spsa_reauthenticate(:'child', 'high_assurance');
SELECT security_level FROM spsa.live_session WHERE session_id = :'child';

-- Sessions that are over, or never were.
SELECT spsa_close_session(:'other_sid');
SELECT spsa_reauthenticate(:'other_sid');
:code
SELECT spsa_reauthenticate(gen_random_uuid());
:code
SELECT spsa_reauthenticate(NULL);
:code
BEGIN READ ONLY;
SELECT spsa_reauthenticate(:'sid');
:code
ROLLBACK;
SELECT count(*) AS rows FROM spsa.session_authentication;
SELECT spsa_close_session(:'child'), spsa_purge() AS purged;
SELECT count(*) AS rows FROM spsa.session_authentication;

--
-- Second factors: who may enroll
--
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_detach();
SELECT spsa_enroll_totp();
:code
SELECT spsa_confirm_totp('123456');
:code
SELECT spsa_step_up_totp('123456');
:code
SELECT spsa_remove_totp();
:code
SELECT spsa_enroll_user_totp('ann');
:code
SELECT spsa_remove_user_totp('ann');
:code
SELECT spsa_unlock_user_totp('ann');
:code
SELECT spsa_reencrypt_totp();
:code
SELECT secret FROM spsa.totp_factor;
:code
SELECT * FROM spsa.user_totp;
:code
UPDATE spsa.totp_counter SET attempts = 0;
:code
SET spsa.totp_enroll_window = '1 day';
:code
SET spsa.encryption_key_file = '/dev/null';
:code
\set VERBOSITY sqlstate
SHOW spsa.encryption_key_file;
\set VERBOSITY default

-- With a session: without a file of keys there is nothing.
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_enroll_totp();
:code
SELECT spsa_confirm_totp('123456');
:code
SELECT spsa_step_up_totp('123456');
:code
SELECT spsa_step_up_totp(NULL);
:code
SELECT spsa_remove_totp();
BEGIN READ ONLY;
SELECT spsa_enroll_totp();
:code
ROLLBACK;
BEGIN READ ONLY;
SELECT spsa_confirm_totp('123456');
:code
ROLLBACK;
BEGIN READ ONLY;
SELECT spsa_step_up_totp('123456');
:code
ROLLBACK;
-- bad arguments
SELECT spsa_enroll_totp('a:b');
:code
SELECT spsa_enroll_totp(account => '');
:code
SELECT spsa_enroll_totp(account => repeat('x', 256));
:code
SELECT spsa_enroll_totp(algorithm => 'MD5');
:code
SELECT spsa_enroll_totp(algorithm => NULL);
:code
SELECT spsa_enroll_totp(digits => 7);
:code
SELECT spsa_enroll_totp(digits => NULL);
:code

-- The user must have authenticated just now.
RESET SESSION AUTHORIZATION;
UPDATE spsa.session_authentication SET authenticated_at = clock_timestamp() - interval '301 seconds';
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_enroll_totp();
:code
SELECT spsa_remove_totp();
:code
RESET SESSION AUTHORIZATION;
SET spsa.totp_enroll_window = '10min';
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_enroll_totp();
:code
RESET SESSION AUTHORIZATION;
SELECT FROM spsa_reauthenticate(:'sid');
SET spsa.totp_enroll_window = 0;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_enroll_totp();
:code
RESET SESSION AUTHORIZATION;
RESET spsa.totp_enroll_window;

-- Not in a derived or restricted session, or where somebody else acts as the user, however well it has authenticated.
CREATE FUNCTION totp_try(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\set tries 'SELECT totp_try($$SELECT spsa_enroll_totp()$$) AS enroll UNION ALL SELECT totp_try($$SELECT spsa_confirm_totp(\'123456\')$$) UNION ALL SELECT totp_try($$SELECT spsa_step_up_totp(\'123456\')$$) UNION ALL SELECT totp_try($$SELECT spsa_remove_totp()$$);'
SELECT token AS acted FROM spsa_open_session('ann', security_level => 'high_assurance', db_role => 'regress_spsa_totp_app', actor => 'sue') \gset
SELECT token AS narrow FROM spsa_open_session('ann', security_level => 'high_assurance', db_role => 'regress_spsa_totp_app', sets => '{pay}') \gset
SELECT session_id AS derived_sid, token AS derived FROM spsa_open_session('ann', security_level => 'high_assurance', db_role => 'regress_spsa_totp_app') \gset
UPDATE spsa.session SET parent_id = :'sid' WHERE session_id = :'derived_sid';
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_attach_connection(:'acted') IS NOT NULL AS attached;
:tries
SELECT spsa_attach_connection(:'narrow') IS NOT NULL AS attached;
:tries
SELECT spsa_attach_connection(:'derived') IS NOT NULL AS attached;
:tries
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;

--
-- Factors as rows: made by hand here, under a key that does not exist
--
CREATE FUNCTION totp_factor(owner bigint, session uuid DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO spsa.totp_factor (user_id, session_id, key_id, nonce, secret)
	VALUES (owner, session, 'none', decode(repeat('00', 12), 'hex'), decode(repeat('00', 36), 'hex'));
	INSERT INTO spsa.totp_counter (factor_id) VALUES (currval('spsa.totp_factor_id_seq'));
	SELECT currval('spsa.totp_factor_id_seq') $$;
SELECT totp_factor(:ann) AS factor \gset
SELECT user_name, algorithm, digits, key_id, by_administrator, confirmed_at IS NOT NULL AS confirmed, failures, locked FROM spsa.user_totp;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_step_up_totp('123456');
:code
-- malformed codes are no attempts
SELECT spsa_confirm_totp('12345');
:code
SELECT spsa_confirm_totp('');
:code
SELECT spsa_confirm_totp('12345x');
:code
SELECT spsa_confirm_totp(repeat('1', 100000));
:code
-- nor is what the file of keys lacks
SELECT spsa_confirm_totp('123456');
:code
RESET SESSION AUTHORIZATION;
SELECT attempts, forgiven, used_step FROM spsa.totp_counter;
INSERT INTO spsa.totp_change (factor_id, change) VALUES (:factor, 'confirm');
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_step_up_totp('123456');
:code
-- the session has high_assurance
SELECT spsa_enroll_totp();
:code
RESET SESSION AUTHORIZATION;
SELECT session_id AS std_sid, token AS std FROM spsa_open_session('ann', db_role => 'regress_spsa_totp_app') \gset
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_attach_connection(:'std') = :'std_sid' AS attached;
SELECT spsa_enroll_totp();
:code
SELECT spsa_remove_totp();
:code
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;

-- An administrator's: unlocking, removing.
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_administration('regress_spsa_totp_admin');
UPDATE spsa.totp_counter SET attempts = 12, forgiven = 2;
SET SESSION AUTHORIZATION regress_spsa_totp_admin;
SELECT failures, locked FROM spsa.user_totp;
SELECT spsa_unlock_user_totp('ben');
SELECT spsa_unlock_user_totp('ann');
SELECT failures, locked FROM spsa.user_totp;
SELECT spsa_unlock_user_totp('ann');
SELECT spsa_enroll_user_totp('ann');
:code
SELECT spsa_reencrypt_totp();
:code
SELECT secret FROM spsa.totp_factor;
:code
INSERT INTO spsa.totp_change (factor_id, change) VALUES (:factor, 'confirm');
:code
SELECT spsa_reauthenticate(:'sid', 'high_assurance');
:code
SELECT spsa_unlock_user_totp('zoe');
:code
SELECT spsa_remove_user_totp('zoe');
:code
SELECT spsa_remove_user_totp(NULL);
:code
SELECT spsa_remove_user_totp('ann');
SELECT spsa_remove_user_totp('ann');
SELECT count(*) FROM spsa.user_totp;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_step_up_totp('123456');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_enroll_user_totp('zoe');
:code
SELECT spsa_enroll_user_totp('ann');
:code
SELECT spsa_reencrypt_totp();
:code

-- What a user's session does itself: all factors are removed.
SELECT totp_factor(:ann) AS factor2 \gset
INSERT INTO spsa.totp_change (factor_id, change) VALUES (:factor2, 'confirm');
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_remove_totp();
SELECT spsa_remove_totp();
RESET SESSION AUTHORIZATION;

-- Which one a session can confirm: its own, not another session's, and within an hour.
SELECT totp_factor(:ann, :'other_sid') AS foreign \gset
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_confirm_totp('123456');
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.totp_factor SET session_id = :'sid' WHERE factor_id = :foreign;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_confirm_totp('123456');
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.totp_factor SET enrolled_at = clock_timestamp() - interval '1 hour' WHERE factor_id = :foreign;
SET SESSION AUTHORIZATION regress_spsa_totp_app;
SELECT spsa_confirm_totp('123456');
:code
RESET SESSION AUTHORIZATION;

-- Constraints, history without secrets, purge.
SELECT totp_factor(:ann) IS NOT NULL AS made;
\set VERBOSITY terse
UPDATE spsa.totp_factor SET digits = 7;
UPDATE spsa.totp_factor SET period = 60;
UPDATE spsa.totp_factor SET algorithm = 'MD5';
UPDATE spsa.totp_factor SET nonce = '';
UPDATE spsa.totp_factor SET secret = '';
UPDATE spsa.totp_change SET change = 'whatever';
\set VERBOSITY default
SELECT event, count(*), bool_or(detail::text ~ 'secret') AS secret FROM spsa.audit_event WHERE event ~ 'totp' GROUP BY 1 ORDER BY 1;
SELECT event, session_id = :'sid' AS its, user_name, actor, database_role FROM spsa.audit_event WHERE event ~ 'totp_(remove|unlock)' ORDER BY event_id;
SELECT count(*) FROM spsa.totp_factor;
SELECT spsa_purge() AS purged;
SELECT count(*) AS factors FROM spsa.totp_factor;
SELECT count(*) AS counters FROM spsa.totp_counter;
SELECT count(*) AS changes FROM spsa.totp_change;
DELETE FROM spsa.app_user WHERE user_id = :ann;
SELECT count(*) AS factors FROM spsa.totp_factor;
-- What is truncated is noticed.
SELECT session_id AS ben_sid, token AS ben_tok FROM spsa_open_session('ben', db_role => NULL) \gset
SELECT FROM spsa_reauthenticate(:'ben_sid', 'high_assurance');
SELECT spsa_attach_connection(:'ben_tok') = :'ben_sid' AS attached;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
TRUNCATE spsa.session_authentication;
SELECT spsa_session_info()->>'SessionSecurityLevel' AS level;
SELECT spsa_detach();

DROP TABLE totp_pay;
DROP VIEW state;
DROP FUNCTION totp_try, totp_factor;
DROP OWNED BY regress_spsa_totp_app, regress_spsa_totp_login, regress_spsa_totp_admin;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_totp_app, regress_spsa_totp_login, regress_spsa_totp_admin;
