-- family.sql - sessions that are derived from others: what they have, what they may do, and how they end.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
-- when an activation ends is told by NOTICE
SET client_min_messages = warning;

CREATE ROLE regress_spsa_family_app;
CREATE ROLE regress_spsa_family_opener;
CREATE ROLE regress_spsa_family_closer;
CREATE ROLE regress_spsa_family_manager;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_family_opener;
GRANT INSERT ON spsa.session_end TO regress_spsa_family_closer;
GRANT INSERT, DELETE ON spsa.activation TO regress_spsa_family_manager;

CREATE TABLE family_note (id int PRIMARY KEY, region text);
INSERT INTO family_note VALUES (1, 'EU'), (2, 'US'), (3, 'AS');
GRANT SELECT ON family_note TO PUBLIC;
SELECT spsa_protect('family_note', '{region}');

SELECT spsa_create_user('ann', '{"grade": 7}') AS ann, spsa_create_user('ben') AS ben \gset
SELECT spsa_create_permission_set('europe') AS europe, spsa_create_permission_set('america') AS america,
	spsa_create_permission_set('gated', activation_required => true) AS gated,
	spsa_create_permission_set('manager') AS manager, spsa_create_permission_set('strong', activation_required => true) AS strong,
	spsa_create_permission_set('bundle', kind => 'group') AS bundle \gset
SELECT spsa_grant_object(s, 'family_note', '{read}') FROM unnest('{europe,america,gated,strong}'::text[]) s;
SELECT spsa_grant_rows('europe', 'family_note', 'region', '{EU}'), spsa_grant_rows('america', 'family_note', 'region', '{US}'),
	spsa_grant_rows('gated', 'family_note', 'region', '{AS}'), spsa_grant_rows('strong', 'family_note', 'region', '{AS}');
SELECT spsa_grant_permission('manager', p) FROM unnest('{manage_activations,approve_activations,run_flows}'::text[]) p;
SELECT spsa_create_flow('open_gate');
SELECT spsa_add_flow_step('open_gate', 'activate', 'gated');
SELECT spsa_set_activation_rule('strong', min_security_level => 'high_assurance');
SELECT spsa_assign('ann', s), spsa_assign('ben', s) FROM unnest('{europe,america,gated,manager,strong}'::text[]) s;

-- What a connection sees, and whose it is
CREATE FUNCTION family_sees() RETURNS text LANGUAGE sql AS
$$SELECT COALESCE(string_agg(region, ' ' ORDER BY id), '-') FROM family_note$$;

SELECT session_id AS sid, token AS tok FROM spsa_open_session('ann', '2 hours', 'high_assurance', '192.0.2.7',
	'{"desk": "north"}', 'regress_spsa_family_app', 'sso', '30 minutes', NULL, 'sue') \gset
SELECT session_id AS other, token AS other_tok FROM spsa_open_session('ann', db_role => NULL) \gset

--
-- What a derived session has of its parent
--
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT family_sees();
SELECT already_active FROM spsa_activate_own('gated');
SELECT family_sees();
SELECT session_id AS kid, token AS kid_tok, expires_at AS kid_ends FROM spsa_derive_session('{europe,gated}') \gset
-- nothing is attached by it
SELECT spsa_session_id() = :'sid' AS still, family_sees();
RESET SESSION AUTHORIZATION;
SELECT c.user_id = p.user_id AS "user", c.db_role = p.db_role AS role, c.parent_id = p.session_id AS parent, c.allowed_sets = ARRAY[:europe, :gated] AS sets,
	c.authenticated_at = p.authenticated_at AS authenticated, c.created_at > p.created_at AS later, c.expires_at = p.expires_at AS ends,
	c.idle_timeout, c.security_level, c.login_type, c.source_ip, c.actor, c.attributes, c.token_hash = sha256(:'kid_tok') AS hash
FROM spsa.session c, spsa.session p WHERE c.session_id = :'kid' AND p.session_id = :'sid';
SELECT event, user_name, actor, database_role, detail->>'login_type' AS login, detail->>'actor' AS acts, (detail->>'parent_id')::uuid = :'sid' AS parent
FROM spsa.audit_event WHERE session_id = :'kid';
SELECT count(*) AS shown FROM spsa.audit_event WHERE strpos(audit_event::text, :'kid_tok') > 0;
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'kid_tok') = :'kid' AS attached;
-- only what is listed, and of that only what needs no activation: that of the parent is the parent's
SELECT family_sees(), spsa_session_info()->'EffectiveSets' AS sets, spsa_session_attribute('desk') AS desk, spsa_session_attribute('grade') AS grade;
SELECT spsa_session_info()->>'SessionType' AS type, (spsa_session_info()->>'ParentId')::uuid = :'sid' AS parent;
-- it activates for itself what is listed
SELECT already_active FROM spsa_activate_own('gated');
SELECT family_sees();
SELECT * FROM spsa_activate_own('strong');
:code
SELECT spsa_deactivate_own('gated');
-- the parent's is as it was
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT family_sees();
-- an empty list
SELECT session_id AS nil, token AS nil_tok FROM spsa_derive_session('{}') \gset
SELECT spsa_attach_connection(:'nil_tok') = :'nil' AS attached;
SELECT family_sees();
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
-- lifetime: not longer than the parent's
SELECT expires_at = :'kid_ends' AS capped FROM spsa_derive_session('{}', '1 year');
SELECT expires_at < clock_timestamp() + '6 minutes' AS short FROM spsa_derive_session('{}', '5 minutes');

--
-- What cannot be derived
--
SELECT count(*) FROM spsa_derive_session(NULL);
:code
SELECT count(*) FROM spsa_derive_session('{}', parent => NULL);
:code
SELECT count(*) FROM spsa_derive_session('{europe,nothing}');
:code
SELECT count(*) FROM spsa_derive_session('{europe,NULL}');
:code
SELECT count(*) FROM spsa_derive_session('{}', '0');
:code
SELECT count(*) FROM spsa_derive_session('{}', '2 years');
:code
-- from another one's, or one that does not exist
SELECT count(*) FROM spsa_derive_session('{}', parent => :'other');
:code
SELECT count(*) FROM spsa_derive_session('{}', parent => '00000000-0000-0000-0000-000000000000');
:code
-- though it manages activations; nor does one who closes sessions or writes activations get a token
SELECT spsa_has_permission('manage_activations');
SELECT spsa_detach();
SET SESSION AUTHORIZATION regress_spsa_family_closer;
SELECT count(*) FROM spsa_derive_session('{}', parent => :'sid');
:code
SET SESSION AUTHORIZATION regress_spsa_family_manager;
SELECT count(*) FROM spsa_derive_session('{}', parent => :'sid');
:code
-- who may open sessions may derive them
SET SESSION AUTHORIZATION regress_spsa_family_opener;
SELECT count(*) FROM spsa_derive_session('{}', parent => :'sid');
SELECT count(*) FROM spsa_derive_session('{}', parent => '00000000-0000-0000-0000-000000000000');
:code
-- without a session
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT count(*) FROM spsa_derive_session('{}');
:code
-- read-only
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
BEGIN READ ONLY;
SELECT count(*) FROM spsa_derive_session('{}');
:code
ROLLBACK;
-- undone with its transaction
BEGIN;
SELECT token AS undone FROM spsa_derive_session('{europe}') \gset
ROLLBACK;
SELECT spsa_attach_connection(:'undone');
:code
-- for code that runs for the owner of a table, in maintenance
RESET SESSION AUTHORIZATION;
CREATE FUNCTION family_derive(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN PERFORM public.spsa_derive_session('{}', parent => current_setting('family.parent')::uuid); RETURN $1; END$$;
CREATE TABLE family_plain (n int);
INSERT INTO family_plain VALUES (1);
SELECT set_config('family.parent', :'sid', false) IS NOT NULL AS set;
CREATE INDEX ON family_plain (family_derive(n));
:code
DROP TABLE family_plain;

--
-- A child of one that was opened for certain sets
--
SELECT session_id AS lim, token AS lim_tok FROM spsa_open_session('ann', db_role => NULL, sets => '{europe,america}') \gset
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'lim_tok') = :'lim' AS attached;
SELECT token AS limkid_tok, session_id AS limkid FROM spsa_derive_session('{america}') \gset
SELECT count(*) FROM spsa_derive_session('{europe,gated}');
:code
-- nor the group that a set is in
SELECT count(*) FROM spsa_derive_session('{bundle}');
:code
SELECT spsa_attach_connection(:'limkid_tok') = :'limkid' AS attached;
SELECT family_sees();
SELECT count(*) FROM spsa_derive_session('{europe}');
:code
SELECT count(*) FROM spsa_activate_own('gated');
:code
-- not even if somebody writes more into its row, or less into its parent's
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET allowed_sets = ARRAY[:europe, :america, :gated] WHERE session_id = :'limkid';
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
SELECT count(*) FROM spsa_activate_own('gated');
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET allowed_sets = ARRAY[:america] WHERE session_id = :'lim';
SELECT allowed_sets = ARRAY[:america] AS specified FROM spsa.live_session WHERE session_id = :'limkid';
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
RESET SESSION AUTHORIZATION;
-- without a list, which is never written, it has none, though its parent may have all
UPDATE spsa.session SET allowed_sets = NULL WHERE session_id = :'nil';
SELECT allowed_sets AS specified FROM spsa.live_session WHERE session_id = :'nil';
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'nil_tok') = :'nil' AS attached;
SELECT family_sees();

--
-- Whom a session manages: itself and what is derived from it
--
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT session_id AS kid2, token AS kid2_tok FROM spsa_derive_session('{europe,america,gated,manager,strong}') \gset
SELECT session_id AS grand, token AS grand_tok FROM spsa_derive_session('{gated,manager}', parent => :'kid2') \gset
SELECT spsa_attach_connection(:'kid2_tok') = :'kid2' AS attached;
SELECT spsa_has_permission('manage_activations') AS manages;
SELECT already_active FROM spsa_activate(:'grand', 'gated');
SELECT already_active FROM spsa_activate(:'kid2', 'strong');
-- not its parent, a sibling, or another session of the user, though it has manage_activations
SELECT count(*) FROM spsa_activate(:'sid', 'strong');
:code
SELECT spsa_deactivate(:'sid', 'gated');
:code
SELECT spsa_deactivate_all(:'kid');
:code
SELECT count(*) FROM spsa_activate(:'other', 'gated');
:code
SELECT count(*) FROM spsa_activation_readiness(:'sid', 'strong');
:code
SELECT spsa_close_session(:'sid');
:code
SELECT spsa_close_session(:'kid');
:code
SELECT count(*) FROM spsa_derive_session('{}', parent => :'sid');
:code
SELECT spsa_rotate_token(:'sid');
:code
SELECT spsa_rotate_token(:'kid');
:code
-- run_flows, too, is for its family
SELECT count(*) FROM spsa_run_flow('open_gate', :'grand');
SELECT count(*) FROM spsa_run_flow('open_gate', :'sid');
:code
SELECT spsa_deactivate(:'grand', 'gated');
SELECT already_active FROM spsa_activate(:'grand', 'gated');
-- it sees its own activations, and decides on nothing
SELECT count(*) FILTER (WHERE auth_session_id = :'kid2') AS own, count(*) AS all FROM spsa.session_perm_set_activation;
SELECT spsa_approve_activation('00000000-0000-0000-0000-000000000000');
:code
SELECT spsa_deny_activation('00000000-0000-0000-0000-000000000000');
:code
-- the parent does all that for it, at any depth
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT already_active FROM spsa_activate(:'grand', 'gated');
SELECT spsa_deactivate(:'kid2', 'strong'), spsa_deactivate_all(:'grand');
SELECT spsa_activate(:'grand', 'america');
:code
SELECT count(*) AS conditions FROM spsa_activation_readiness(:'kid2', 'strong');
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'kid2', :gated);
SELECT count(*) FROM spsa_derive_session('{}', parent => :'grand');
-- a manager that is derived from nothing manages any session
SELECT already_active FROM spsa_activate(:'other', 'gated');
SELECT spsa_deactivate(:'other', 'gated');
-- requests are their user's: a derived session makes them, and does not withdraw them
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('strong', approvals_required => 1);
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'kid2_tok') = :'kid2' AS attached;
SELECT spsa_request_activation(:'kid2', 'strong', 'please') AS request \gset
SELECT spsa_cancel_activation(:'request');
:code
SELECT count(*) AS pending FROM spsa.pending_activation_request;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_cancel_activation(:'request');

--
-- The end of one is the end of all below it, and of none beside it
--
SELECT session_id AS a, token AS a_tok FROM spsa_derive_session('{europe}') \gset
SELECT session_id AS b, token AS b_tok FROM spsa_derive_session('{europe}', parent => :'a') \gset
SELECT session_id AS c, token AS c_tok FROM spsa_derive_session('{europe}', parent => :'b') \gset
SELECT session_id AS d, token AS d_tok FROM spsa_derive_session('{europe}', parent => :'a') \gset
SELECT spsa_attach_connection(:'c_tok') = :'c' AS attached;
SELECT family_sees();
-- undone, and done
BEGIN;
RESET SESSION AUTHORIZATION;
SELECT spsa_close_session(:'b');
SET SESSION AUTHORIZATION regress_spsa_family_app;
SAVEPOINT s;
SELECT family_sees();
:code
ROLLBACK;
SELECT family_sees();
SELECT spsa_attach_connection(:'a_tok') = :'a' AS attached;
SELECT spsa_close_session(:'b');
SELECT spsa_close_session(:'b'), spsa_close_session(:'c');
SELECT spsa_attach_connection(:'c_tok');
:code
SELECT spsa_attach_connection(:'b_tok');
:code
SELECT spsa_attach_connection(:'d_tok') = :'d' AS attached;
SELECT spsa_attach_connection(:'a_tok') = :'a' AS attached;
SELECT spsa_close_session();
SELECT family_sees();
:code
SELECT spsa_attach_connection(:'d_tok');
:code
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT family_sees();
RESET SESSION AUTHORIZATION;
SELECT n, e.event, e.actor, e.detail - 'parent_id' - 'login_type' - 'actor' AS detail
FROM (VALUES ('a', :'a'::uuid), ('b', :'b'), ('c', :'c'), ('d', :'d')) v(n, session_id) JOIN spsa.audit_event e USING (session_id)
WHERE e.event = 'session_close' ORDER BY n;
-- that the rows of the end are there is not what ends them: whatever ends an ancestor does
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT session_id AS a, token AS a_tok FROM spsa_derive_session('{europe}') \gset
SELECT session_id AS b, token AS b_tok FROM spsa_derive_session('{europe}', parent => :'a') \gset
SELECT spsa_attach_connection(:'b_tok') = :'b' AS attached;
SELECT family_sees();
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.session_end (session_id) VALUES (:'a');
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id IN (:'a', :'b');
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
:code
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.session_end WHERE session_id = :'a';
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id IN (:'a', :'b');
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
-- by the clock
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET expires_at = clock_timestamp() WHERE session_id = :'a';
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id IN (:'a', :'b');
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
:code
-- by another's user, which nothing but a write into the tables can bring about
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET expires_at = clock_timestamp() + '1 hour' WHERE session_id = :'a';
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET user_id = :ben WHERE session_id = :'a';
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id = :'b';
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET user_id = :ann WHERE session_id = :'a';
SELECT spsa_detach();

--
-- Idle: a use of the child is none of the parent
--
SELECT session_id AS p, token AS p_tok FROM spsa_open_session('ann', db_role => NULL, idle_timeout => '6 seconds') \gset
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'p_tok') = :'p' AS attached;
SELECT session_id AS k, token AS k_tok FROM spsa_derive_session('{europe,gated}') \gset
SELECT session_id AS k2, token AS k2_tok FROM spsa_derive_session('{europe}') \gset
SELECT already_active FROM spsa_activate(:'k', 'gated');
SELECT spsa_attach_connection(:'k_tok') = :'k' AS attached;
SELECT (spsa_session_info()->>'NumSecondsValid')::int <= 6 AS seconds;
SELECT pg_sleep(3);
SELECT spsa_touch();
-- used, the parent goes on, and so may the child
SELECT spsa_attach_connection(:'p_tok') = :'p' AS attached;
SELECT spsa_attach_connection(:'k_tok') = :'k' AS attached;
SELECT pg_sleep(3.5);
SELECT spsa_touch();
SELECT family_sees();
-- one that nobody has used is over by itself
SELECT spsa_attach_connection(:'k2_tok');
:code
SELECT spsa_attach_connection(:'k_tok') = :'k' AS attached;
SELECT pg_sleep(3);
RESET SESSION AUTHORIZATION;
-- nobody sees what was active in it
SELECT count(*) AS shown FROM spsa.session_perm_set_activation WHERE auth_session_id = :'k';
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id IN (:'p', :'k', :'k2');
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
:code
SELECT spsa_detach();

--
-- Depth
--
SELECT spsa_attach_connection(:'other_tok') = :'other' AS attached;
SELECT :'other' AS top \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT session_id AS top, token AS top_tok FROM spsa_derive_session('{europe}', parent => :'top') \gset
SELECT count(*) FROM spsa_derive_session('{europe}', parent => :'top');
:code
SELECT spsa_attach_connection(:'top_tok') = :'top' AS attached;
SELECT family_sees();
-- its level and time of authentication are not raised: neither by the user nor by the login step
SELECT spsa_step_up_totp('000000');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_reauthenticate(:'top', 'high_assurance');
:code
-- those of its parent, raised, are for what is derived then
SELECT spsa_reauthenticate(:'other', 'high_assurance') IS NOT NULL AS raised;
SELECT session_id AS high FROM spsa_derive_session('{}', parent => :'other') \gset
SELECT c.security_level, c.authenticated_at > p.authenticated_at AS later FROM spsa.session c, spsa.session p
WHERE c.session_id = :'high' AND p.session_id = :'other';
SELECT security_level FROM spsa.session WHERE session_id = :'top';
SELECT spsa_close_session(:'high');
-- deeper ones, written by hand, are not valid; nor is one that is its own ancestor
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.session (user_id, token_hash, parent_id, allowed_sets, expires_at)
VALUES (:ann, sha256('deeper'), :'top', ARRAY[:europe], now() + '1 hour') RETURNING session_id AS deeper \gset
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id IN (:'top', :'deeper');
SELECT count(*) FROM spsa_derive_session('{}', parent => :'deeper');
:code
UPDATE spsa.session SET parent_id = session_id WHERE session_id = :'deeper';
SELECT count(*) AS specified FROM spsa.live_session WHERE session_id = :'deeper';
SELECT count(*) FROM spsa_derive_session('{}', parent => :'deeper');
:code
DELETE FROM spsa.session WHERE session_id = :'deeper';
-- the whole line ends with the first
SELECT spsa_close_session(:'other');
SELECT count(*) FROM spsa.audit_event WHERE event = 'session_close' AND detail->>'reason' = 'closed with the session that it was derived from';
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT family_sees();
:code
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;

--
-- Purging: parents with their children
--
SELECT spsa_close_user_sessions('ann') > 0 AS closed;
SELECT spsa_purge() = count(*) AS all FROM spsa.session;
SELECT (SELECT count(*) FROM spsa.session) AS sessions, (SELECT count(*) FROM spsa.session_end) AS ends, (SELECT count(*) FROM spsa.activation) AS activations;
SELECT session_id AS p FROM spsa_open_session('ann', idle_timeout => '1 hour') \gset
SELECT session_id AS k FROM spsa_derive_session('{}', parent => :'p') \gset
SELECT session_id AS k FROM spsa_derive_session('{}', parent => :'k') \gset
UPDATE spsa.session_activity SET last_seen_at = last_seen_at - interval '2 hours' WHERE session_id = :'p';
SELECT spsa_purge();
SELECT (SELECT count(*) FROM spsa.session) AS sessions, (SELECT count(*) FROM spsa.session_activity) AS activity;
-- a disabled user's are over with the user
SELECT session_id AS p, token AS p_tok FROM spsa_open_session('ben', db_role => NULL) \gset
SELECT session_id AS k, token AS k_tok FROM spsa_derive_session('{europe}', parent => :'p') \gset
SELECT spsa_disable_user('ben') AS ended;
SET SESSION AUTHORIZATION regress_spsa_family_app;
SELECT spsa_attach_connection(:'k_tok');
:code

RESET SESSION AUTHORIZATION;
DROP FUNCTION family_sees(), family_derive(int);
DROP TABLE family_note;
SET client_min_messages = warning;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_family_app, regress_spsa_family_opener, regress_spsa_family_closer, regress_spsa_family_manager;
