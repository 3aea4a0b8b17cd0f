-- flow.sql - flows: who may run them, what their criteria can do and cannot, and what happens at the opening of a session.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT current_user AS super \gset

CREATE ROLE regress_spsa_flow_app;
CREATE ROLE regress_spsa_flow_other;
CREATE ROLE regress_spsa_flow_login;
CREATE ROLE regress_spsa_flow_insert;
CREATE ROLE regress_spsa_flow_delegate;
GRANT regress_spsa_flow_other TO regress_spsa_flow_app;
GRANT INSERT ON spsa.activation TO regress_spsa_flow_insert;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_flow_login, regress_spsa_flow_app;
SELECT spsa_grant_administration('regress_spsa_flow_delegate');
CREATE SCHEMA fl;
GRANT USAGE ON SCHEMA fl TO PUBLIC;
CREATE TABLE fl.note (id int GENERATED ALWAYS AS IDENTITY, who text DEFAULT current_user, path text DEFAULT current_setting('search_path'), session uuid);
GRANT SELECT, INSERT ON fl.note TO PUBLIC;

-- gated sets of ann's and ben's, one of them in a group; carl has nothing
SELECT count(spsa_create_user(u)) FROM unnest('{ann,ben,carl,mia}'::text[]) u;
SELECT count(spsa_create_permission_set(s, activation_required => true))
FROM unnest('{day,night,secret,rival,starting,inner_set,duty}'::text[]) s;
SELECT set_id AS duty FROM spsa.permission_set WHERE set_name = 'duty' \gset
SELECT count(spsa_create_permission_set(s)) FROM unnest('{always,managing}'::text[]) s;
SELECT count(*) FROM (SELECT spsa_create_permission_set('runner', activation_required => true), spsa_create_permission_set('grp', kind => 'group', activation_required => true),
	spsa_create_permission_set('mute', kind => 'muting')) x;
SELECT spsa_add_group_member('grp', 'inner_set');
SELECT spsa_exclude('day', 'rival', 'dynamic');
SELECT spsa_grant_permission('runner', 'run_flows'), spsa_grant_permission('managing', 'manage_activations');
DO $$ BEGIN PERFORM spsa_assign(u, s) FROM unnest('{ann,ben}'::text[]) u, unnest('{day,night,always,rival,starting,grp,duty}'::text[]) s; END $$;
SELECT spsa_assign('ann', 'runner'), spsa_assign('mia', 'managing');
CREATE VIEW fl.active AS
	SELECT u.user_name, string_agg(s.set_name, ' ' ORDER BY s.set_name) AS sets
	FROM spsa.session n JOIN spsa.app_user u USING (user_id) JOIN spsa.activation a USING (session_id) JOIN spsa.permission_set s USING (set_id)
	WHERE NOT EXISTS (SELECT FROM spsa.activation_end e WHERE e.activation_id = a.activation_id)
		AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = n.session_id)
	GROUP BY u.user_name ORDER BY 1;
GRANT SELECT ON fl.active TO PUBLIC;

--
-- Administration
--
SELECT spsa_create_flow('shift', 'Change of shift', allowed_set => 'starting', description => 'day to night') IS NOT NULL AS made;
SELECT spsa_add_flow_step('shift', 'deactivate', 'day'), spsa_add_flow_step('shift', 'activate', 'night');
SELECT spsa_add_flow_step('shift', 'activate', 'always', 10), spsa_add_flow_step('shift', 'activate', 'day');
SELECT spsa_remove_flow_step('shift', 11), spsa_remove_flow_step('shift', 11) AS again;
SELECT spsa_add_flow_step('shift', 'activate', 'day', 10);
:code
SELECT spsa_add_flow_step('shift', 'activate', 'day', 0);
:code
SELECT spsa_add_flow_step('shift', 'toggle', 'day');
:code
SELECT spsa_add_flow_step('shift', NULL, 'day');
:code
SELECT spsa_add_flow_step('shift', 'activate', 'mute');
:code
SELECT spsa_add_flow_step('shift', 'activate', 'nothing');
:code
SELECT spsa_add_flow_step('shift', 'activate', NULL);
:code
SELECT spsa_add_flow_step('nothing', 'activate', 'day');
:code
SELECT spsa_remove_flow_step('nothing', 1);
:code
SELECT spsa_create_flow('shift');
:code
SELECT spsa_create_flow('_shift');
:code
SELECT spsa_create_flow(NULL);
:code
SELECT spsa_create_flow('other', allowed_set => 'nothing');
:code
SELECT spsa_create_flow('other', allowed_set => 'mute');
:code
SELECT spsa_create_flow('other', run_at_open => NULL);
:code
SELECT spsa_drop_flow('nothing');
:code
SELECT spsa_drop_flow(NULL);
:code
SELECT spsa_set_flow_active('nothing', true);
:code
SELECT spsa_set_flow_active('shift', NULL);
:code
SELECT f.flow_name, f.label, f.is_active, f.criterion, s.set_name AS allowed, f.run_at_open, f.description
FROM spsa.flow f LEFT JOIN spsa.permission_set s ON s.set_id = f.allowed_set;
SELECT t.position, t.action, s.set_name FROM spsa.flow_step t JOIN spsa.permission_set s USING (set_id) ORDER BY 1;
SELECT event, set_name, detail #>> '{new,flow_name}' AS flow, detail #>> '{new,action}' AS action
FROM spsa.audit_event WHERE event LIKE 'flow%' ORDER BY event_id;

-- criteria: a function of the application's, of one uuid, that returns one boolean
CREATE FUNCTION fl.yes(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION fl.two(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION fl.texts(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION fl.number(uuid) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION fl.many(uuid) RETURNS SETOF boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION pg_temp.temporary(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE PROCEDURE fl.proc(uuid) LANGUAGE sql AS 'SELECT true';
SELECT spsa_create_flow('bad', criterion => 'fl.two(uuid,uuid)');
:code
SELECT spsa_create_flow('bad', criterion => 'fl.texts(text)');
:code
SELECT spsa_create_flow('bad', criterion => 'fl.number(uuid)');
:code
SELECT spsa_create_flow('bad', criterion => 'fl.many(uuid)');
:code
\set VERBOSITY sqlstate
SELECT spsa_create_flow('bad', criterion => 'pg_temp.temporary(uuid)');
\set VERBOSITY default
SELECT spsa_create_flow('bad', criterion => 'fl.proc(uuid)');
:code
SELECT spsa_create_flow('bad', criterion => 'uuid_hash(uuid)');
:code
INSERT INTO spsa.flow (flow_name, criterion) VALUES ('bad', 'fl.nothing(uuid)');
:code
-- written by hand it is checked and completed as well, when the flow is on
SET search_path = fl, public;
INSERT INTO spsa.flow (flow_name, criterion) VALUES ('by_hand', 'yes(uuid)') RETURNING criterion;
INSERT INTO spsa.flow (flow_name, criterion, is_active) VALUES ('off', 'no_more(uuid)', false) RETURNING criterion;
RESET search_path;
SELECT spsa_set_flow_active('off', true);
:code
INSERT INTO spsa.flow_step VALUES ((SELECT flow_id FROM spsa.flow WHERE flow_name = 'off'), 1, 'switch', 1);
:code
INSERT INTO spsa.flow (flow_name) VALUES ('no good');
:code
SELECT spsa_drop_flow('off'), spsa_drop_flow('by_hand');
-- a NOTICE, where who runs the flow decides what the names in its criterion mean
CREATE FUNCTION fl.pinned(session uuid) RETURNS boolean LANGUAGE plpgsql SET work_mem = '1MB' SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN true; END';
CREATE FUNCTION fl.half_pinned(session uuid) RETURNS boolean LANGUAGE plpgsql SET work_mem = '1MB' AS 'BEGIN RETURN true; END';
CREATE FUNCTION fl.parsed(session uuid) RETURNS boolean LANGUAGE sql RETURN true;
SET client_min_messages = notice;
SELECT spsa_create_flow('f_' || name, criterion => ('fl.' || name || '(uuid)')::regprocedure) IS NOT NULL AS made, name
FROM unnest('{yes,pinned,half_pinned,parsed}'::text[]) name;
SET client_min_messages = warning;
DELETE FROM spsa.flow WHERE criterion IS NOT NULL;

--
-- Who may run a flow
--
SELECT token AS anns, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_flow_app') \gset
SELECT token AS bens, session_id AS ben_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_flow_app') \gset
SELECT token AS carls, session_id AS carl_sid FROM spsa_open_session('carl', db_role => 'regress_spsa_flow_app') \gset
SELECT token AS mias, session_id AS mia_sid FROM spsa_open_session('mia', db_role => 'regress_spsa_flow_app') \gset
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT * FROM spsa_run_flow('shift');
:code
SELECT * FROM spsa_run_flow('shift', :'ben_sid');
:code
SELECT count(*) FROM spsa.flow;
:code
SELECT spsa_create_flow('mine');
:code
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
-- the flow's allowed set is assigned, and not active
SELECT * FROM spsa_run_flow('shift');
:code
SELECT * FROM spsa_run_flow('nothing');
:code
SELECT * FROM spsa_run_flow(NULL);
:code
SELECT * FROM spsa_run_flow('shift', NULL);
:code
SELECT * FROM spsa_run_flow('nothing', :'ben_sid');
:code
SELECT count(*) FROM spsa_activate_own('day');
SELECT count(*) FROM spsa_activate_own('starting');
SELECT "position", action, permission_set, message, expires_at > now() AS later FROM spsa_run_flow('shift');
SELECT "position", message FROM spsa_run_flow('shift');
SELECT * FROM fl.active;
SELECT spsa_deactivate_own('starting'), spsa_deactivate_own('night');
SELECT * FROM spsa_run_flow('shift');
:code
-- or the custom permission: while it is in effect
SELECT spsa_has_permission('run_flows');
SELECT count(*) FROM spsa_activate_own('runner');
SELECT spsa_has_permission('run_flows');
SELECT position, action, permission_set, message FROM spsa_run_flow('shift', :'ann_sid');
SELECT spsa_deactivate_own('runner');
SELECT * FROM spsa_run_flow('shift');
:code
-- not for sessions that one may not manage
SELECT count(*) FROM spsa_activate_own('runner');
SELECT * FROM spsa_run_flow('shift', :'ben_sid');
:code
SELECT spsa_deactivate_all();
-- the set is not assigned: the hint does not name it
SELECT spsa_attach_connection(:'carls') = :'carl_sid' AS attached;
SELECT * FROM spsa_run_flow('shift');
:code
-- a manager: in sessions where the allowed set is in effect, or with run_flows of its own
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
SELECT * FROM spsa_run_flow('shift', :'ben_sid');
:code
SELECT count(*) FROM spsa_activate(:'ben_sid', 'starting');
SELECT position, message FROM spsa_run_flow('shift', :'ben_sid');
SELECT * FROM fl.active;
SELECT spsa_deactivate_all(:'ben_sid');
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_permission('managing', 'run_flows');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT position, message FROM spsa_run_flow('shift', :'ben_sid');
SELECT spsa_deactivate_all(:'ben_sid');
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_permission('managing', 'run_flows');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT * FROM spsa_run_flow('shift', :'ben_sid');
:code
-- another's session that is over, or is none
SELECT * FROM spsa_run_flow('shift', '00000000-0000-0000-0000-000000000000');
:code
SELECT spsa_detach();
-- roles with privileges on the table: a step needs the one that its function would need
SET SESSION AUTHORIZATION regress_spsa_flow_insert;
SELECT * FROM spsa_run_flow('shift', :'ben_sid');
:code
RESET SESSION AUTHORIZATION;
SELECT position, message FROM spsa_run_flow('shift', :'ben_sid');
SELECT activated_by, flow FROM spsa.activation;
SELECT spsa_deactivate_all(:'ben_sid');

-- asked for in a policy it is folded
CREATE TABLE fl.job (id int);
INSERT INTO fl.job VALUES (1);
GRANT SELECT ON fl.job TO regress_spsa_flow_app;
ALTER TABLE fl.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY runners ON fl.job USING (spsa_has_permission('run_flows'));
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
EXPLAIN (COSTS OFF) SELECT * FROM fl.job;
SELECT count(*) FROM spsa_activate_own('runner');
EXPLAIN (COSTS OFF) SELECT * FROM fl.job;

--
-- All or nothing
--
RESET SESSION AUTHORIZATION;
SELECT spsa_create_flow('half') IS NOT NULL AS made;
SELECT spsa_add_flow_step('half', 'activate', 'night'), spsa_add_flow_step('half', 'activate', 'secret');
SELECT spsa_create_flow('groups') IS NOT NULL AS made;
SELECT spsa_add_flow_step('groups', 'activate', 'grp'), spsa_add_flow_step('groups', 'activate', 'inner_set'),
	spsa_add_flow_step('groups', 'deactivate', 'always'), spsa_add_flow_step('groups', 'deactivate', 'grp'), spsa_add_flow_step('groups', 'deactivate', 'inner_set');
SELECT spsa_create_flow('rivals') IS NOT NULL AS made;
SELECT spsa_add_flow_step('rivals', 'activate', 'day'), spsa_add_flow_step('rivals', 'activate', 'rival');
SELECT spsa_create_flow('empty') IS NOT NULL AS made;
SET SESSION AUTHORIZATION regress_spsa_flow_app;
-- the second step is of a set that is not assigned
SELECT * FROM spsa_run_flow('half');
:code
SELECT * FROM fl.active;
-- also where the error is caught
DO $$
BEGIN
	PERFORM spsa_run_flow('half');
EXCEPTION WHEN insufficient_privilege THEN
	RAISE WARNING '%', sqlerrm;
END $$;
SELECT * FROM fl.active;
SELECT position, action, permission_set, message, expires_at IS NULL AS no_end FROM spsa_run_flow('groups');
SELECT * FROM spsa_run_flow('rivals');
:code
SELECT * FROM fl.active;
SELECT * FROM spsa_run_flow('empty');
BEGIN;
SELECT position, message FROM spsa_run_flow('shift');
SELECT * FROM fl.active;
ROLLBACK;
SELECT * FROM fl.active;
BEGIN READ ONLY;
SELECT * FROM spsa_run_flow('shift');
:code
ROLLBACK;
-- switched off
RESET SESSION AUTHORIZATION;
SELECT spsa_set_flow_active('shift', false);
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT * FROM spsa_run_flow('shift');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_set_flow_active('shift', true);
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT count(*) FROM spsa_run_flow('shift');

--
-- Activation rules: they hold for flows as well, but for what users cannot activate for themselves
--
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('duty', self_activation => false, max_duration => '1 hour');
SELECT spsa_create_flow('clock_on') IS NOT NULL AS made;
SELECT spsa_add_flow_step('clock_on', 'activate', 'duty');
SET SESSION AUTHORIZATION regress_spsa_flow_insert;
SELECT message FROM spsa_run_flow('clock_on', :'ben_sid');
RESET SESSION AUTHORIZATION;
SELECT spsa_deactivate_all(:'ben_sid');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT count(*) FROM spsa_activate_own('duty');
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:duty);
:code
SELECT message, expires_at BETWEEN now() + '59 minutes' AND now() + '61 minutes' AS an_hour FROM spsa_run_flow('clock_on');
-- which is not a way to make it longer, or to have it without the flow
SELECT already_active FROM spsa_activate_own('duty', '50 years');
SELECT message, expires_at < now() + '61 minutes' AS an_hour FROM spsa_run_flow('clock_on');
SELECT spsa_deactivate_own('duty');
SELECT count(*) FROM spsa_activate_own('duty');
:code
-- who may not run the flow does not get it either
SELECT spsa_deactivate_own('runner');
SELECT count(*) FROM spsa_run_flow('clock_on');
:code
SELECT count(*) FROM spsa_activate_own('runner');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('duty', reason_required => true);
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT message FROM spsa_run_flow('clock_on');
:code
SELECT message FROM spsa_run_flow('clock_on', reason => 'my turn');
RESET SESSION AUTHORIZATION;
SELECT activated_by, reason, flow FROM spsa.activation JOIN spsa.permission_set USING (set_id) WHERE set_name = 'duty';
SELECT event, set_name, detail - 'expires_at' - 'set_role' AS detail FROM spsa.audit_event WHERE event LIKE '%activate' AND detail ? 'flow' ORDER BY event_id DESC LIMIT 1;
SELECT spsa_set_activation_rule('duty', networks => '{192.0.2.0/24}');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT spsa_deactivate_own('duty');
SELECT message FROM spsa_run_flow('clock_on', reason => 'my turn');
:code

-- approvals are needed and used up as ever
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('duty', approvals_required => 1, clear => '{networks,reason_required}');
SELECT spsa_grant_permission('managing', 'approve_activations');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT message FROM spsa_run_flow('clock_on');
:code
SELECT spsa_request_activation(:'ann_sid', 'duty', 'my turn') AS request \gset
SELECT message FROM spsa_run_flow('clock_on');
:code
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
SELECT count(*) FROM spsa_approve_activation(:'request');
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
SELECT count(*) FROM spsa_activate_own('duty');
:code
SELECT message FROM spsa_run_flow('clock_on');
SELECT * FROM fl.active;
SELECT spsa_deactivate_own('duty');
SELECT message FROM spsa_run_flow('clock_on');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_drop_activation_rule('duty');
SET SESSION AUTHORIZATION regress_spsa_flow_app;

--
-- Criteria
--
SELECT spsa_deactivate_own('night');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION fl.no(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION fl.perhaps(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';
CREATE FUNCTION fl.strict_one(session uuid) RETURNS boolean STRICT LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO fl.note (session) VALUES (session); RETURN true; END $$;
CREATE FUNCTION fl.definer(session uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN INSERT INTO fl.note (session) VALUES (session); RETURN EXISTS (SELECT FROM spsa.session n JOIN spsa.app_user USING (user_id) WHERE n.session_id = session AND user_name = 'ann'); END $$;
CREATE FUNCTION fl.raises(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fl.note (session) VALUES (session); RAISE 'not today' USING ERRCODE = 'P0002'; END $$;
CREATE FUNCTION fl.rolls_back(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; RETURN true; END $$;
CREATE FUNCTION fl.writes_no(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fl.note (session) VALUES (session); RETURN false; END $$;
CREATE FUNCTION fl.peeks(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM spsa.session)';
CREATE FUNCTION fl.closes(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT spsa_close_session(session)';
CREATE FUNCTION fl.disarms(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT spsa_deactivate_own(''runner'')';
CREATE FUNCTION fl.detaches(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_detach(); RETURN true; END $$;
CREATE FUNCTION fl.resets(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RESET ALL; RETURN true; END $$;
CREATE FUNCTION fl.attaches(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_attach(current_setting('fl.token')); RETURN true; END $$;
CREATE FUNCTION fl.poisons(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_attach('spsa_bad'); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN true; END $$;
CREATE FUNCTION fl.visits(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE own text := current_setting('fl.own'); BEGIN
	PERFORM spsa_attach_connection(current_setting('fl.token')); PERFORM spsa_attach_connection(own); RETURN true; END $$;
CREATE FUNCTION fl.other_role(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN SET ROLE regress_spsa_flow_other; RETURN true; END $$;
CREATE FUNCTION fl.again(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_run_flow('judged'); RETURN true; END $$;
CREATE FUNCTION fl.another(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_run_flow('shift'); RETURN true; END $$;
CREATE FUNCTION fl.catches(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_run_flow('shift'); RETURN true; EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', sqlerrm; RETURN true; END $$;
CREATE FUNCTION fl.activates(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_activate_own('secret'); RETURN true; END $$;
CREATE FUNCTION fl.changes_flow(session uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN UPDATE spsa.flow SET criterion = 'fl.yes(uuid)' WHERE flow_name = 'judged'; RETURN true; END $$;
CREATE FUNCTION fl.drops_flow(session uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM spsa_drop_flow('judged'); RETURN true; END $$;
CREATE FUNCTION fl.adds_step(session uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM spsa_add_flow_step('judged', 'activate', 'day'); RETURN true; END $$;
CREATE FUNCTION fl.switches_off(session uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM spsa_set_flow_active('judged', false); RETURN true; END $$;
CREATE FUNCTION fl.revokes(session uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM spsa_revoke_assignment('ann', 'night'); RETURN true; END $$;
CREATE FUNCTION fl.private(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
REVOKE ALL ON FUNCTION fl.private FROM PUBLIC;
CREATE SCHEMA fl_hidden;
CREATE FUNCTION fl_hidden.yes(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT spsa_create_flow('judged', criterion => 'fl.yes(uuid)') IS NOT NULL AS made;
SELECT spsa_add_flow_step('judged', 'activate', 'night');
-- tries the flow under a criterion as ann, undoes it, and says what was said and done
CREATE PROCEDURE fl.try(name text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE spsa.flow SET criterion = %L WHERE flow_name = ''judged''',
		CASE name WHEN 'hidden' THEN 'fl_hidden.yes' ELSE 'fl.' || name END || '(uuid)');
END $$;
CREATE FUNCTION fl.judge(criterion text) RETURNS TABLE (message text, hint text) LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	BEGIN
		SELECT f.message INTO message FROM spsa_run_flow('judged') f;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		message := sqlstate || ' ' || sqlerrm || CASE WHEN detail <> '' THEN ' (' || detail || ')' ELSE '' END;
	END;
	RETURN NEXT;
END $$;
\set judge 'RESET ROLE; BEGIN; CALL fl.try(:criterion); SET LOCAL SESSION AUTHORIZATION regress_spsa_flow_app; SELECT :criterion AS criterion, * FROM fl.judge(:criterion); SELECT * FROM fl.active; ROLLBACK;'
RESET SESSION AUTHORIZATION;
SET fl.token = :'bens';
SET fl.own = :'anns';
\pset tuples_only on
\set QUIET on
\set criterion '''yes'''
:judge
\set criterion '''no'''
:judge
\set criterion '''perhaps'''
:judge
\set criterion '''strict_one'''
:judge
\set criterion '''definer'''
:judge
\set criterion '''raises'''
:judge
\set criterion '''rolls_back'''
:judge
\set criterion '''peeks'''
:judge
\set criterion '''private'''
:judge
\set criterion '''hidden'''
:judge
\set criterion '''closes'''
:judge
\set criterion '''disarms'''
:judge
\set criterion '''detaches'''
:judge
\set criterion '''resets'''
:judge
\set criterion '''attaches'''
:judge
\set criterion '''visits'''
:judge
\set criterion '''again'''
:judge
\set criterion '''another'''
:judge
\set criterion '''catches'''
:judge
\set criterion '''activates'''
:judge
\set criterion '''changes_flow'''
:judge
\set criterion '''drops_flow'''
:judge
\set criterion '''adds_step'''
:judge
\set criterion '''switches_off'''
:judge
\set criterion '''revokes'''
:judge
\pset tuples_only off
-- a role that the criterion takes on has what that role has
CALL fl.try('other_role');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT position, message FROM spsa_run_flow('judged');
SELECT current_user;
RESET ROLE;
-- it runs with the caller's rights and search path, unless it says otherwise; what it writes goes if the flow fails
RESET SESSION AUTHORIZATION;
CALL fl.try('strict_one');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SET search_path = public, fl;
SELECT message FROM spsa_run_flow('judged');
RESET SESSION AUTHORIZATION;
CALL fl.try('writes_no');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT message FROM spsa_run_flow('judged');
RESET SESSION AUTHORIZATION;
CALL fl.try('definer');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT message FROM spsa_run_flow('judged');
RESET search_path;
SELECT who = :'super' AS super, CASE WHEN who <> :'super' THEN who END AS who, path, session = :'ann_sid' AS anns FROM fl.note ORDER BY id;
-- a token that is refused within it: no authority is left
SELECT spsa_deactivate_own('night');
RESET SESSION AUTHORIZATION;
CALL fl.try('poisons');
SET SESSION AUTHORIZATION regress_spsa_flow_app;
SELECT message FROM spsa_run_flow('judged');
:code
RESET SESSION AUTHORIZATION;
SELECT * FROM fl.active;

--
-- A criterion that is dropped, renamed or replaced
--
CALL fl.try('yes');
SET client_min_messages = notice;
BEGIN;
ALTER FUNCTION fl.yes(uuid) RENAME TO aye;
SELECT is_active, criterion FROM spsa.flow WHERE flow_name = 'judged';
-- one of the same name is another one
CREATE FUNCTION fl.yes(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT is_active FROM spsa.flow WHERE flow_name = 'judged';
SELECT spsa_set_flow_active('judged', true);
ROLLBACK;
BEGIN;
DROP FUNCTION fl.yes(uuid);
SELECT is_active, criterion FROM spsa.flow WHERE flow_name = 'judged';
SELECT spsa_set_flow_active('judged', true);
:code
ROLLBACK;
BEGIN;
ALTER SCHEMA fl RENAME TO fl_2;
SELECT is_active, criterion FROM spsa.flow WHERE flow_name = 'judged';
ROLLBACK;
BEGIN;
ALTER FUNCTION fl.yes(uuid) SET SCHEMA public;
SELECT is_active FROM spsa.flow WHERE flow_name = 'judged';
ROLLBACK;
-- what is switched off is not touched
BEGIN;
SELECT spsa_set_flow_active('judged', false);
DROP FUNCTION fl.yes(uuid);
ROLLBACK;
-- replaced: the body of now counts
BEGIN;
CREATE OR REPLACE FUNCTION fl.yes(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
SELECT is_active FROM spsa.flow WHERE flow_name = 'judged';
SELECT * FROM spsa_run_flow('judged', :'ann_sid');
:code
ROLLBACK;
-- gone unnoticed
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL session_replication_role = replica;
ALTER EVENT TRIGGER spsa_on_sql_drop DISABLE;
DROP FUNCTION fl.yes(uuid);
SELECT is_active FROM spsa.flow WHERE flow_name = 'judged';
SAVEPOINT s;
SELECT * FROM spsa_run_flow('judged', :'ann_sid');
:code
ROLLBACK TO s;
CREATE FUNCTION fl.yes(uuid) RETURNS text LANGUAGE sql AS 'SELECT true::text';
ALTER EVENT TRIGGER spsa_before_ddl DISABLE;
UPDATE spsa.flow SET is_active = true WHERE flow_name = 'judged';
SELECT * FROM spsa_run_flow('judged', :'ann_sid');
:code
ROLLBACK;
SET client_min_messages = warning;

-- gone with something temporary: who makes another of its name later does not get its place
CREATE TEMP TABLE flow_temp AS SELECT true AS answer;
CREATE FUNCTION fl.passing(session uuid) RETURNS boolean LANGUAGE sql RETURN (SELECT bool_and(answer) FROM flow_temp);
SELECT spsa_create_flow('passing', criterion => 'fl.passing(uuid)') IS NOT NULL AS made;
\c -
SET timezone = 'UTC';
SET client_min_messages = warning;
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_proc WHERE proname = 'passing') LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT is_active FROM spsa.flow WHERE flow_name = 'passing';
SELECT * FROM spsa_run_flow('passing', :'ann_sid');
:code
CREATE FUNCTION fl.passing(session uuid) RETURNS boolean LANGUAGE sql RETURN true;
SELECT is_active FROM spsa.flow WHERE flow_name = 'passing';
SELECT * FROM spsa_run_flow('passing', :'ann_sid');
:code
SELECT spsa_drop_flow('passing');

--
-- When a session is opened
--
CREATE FUNCTION fl.sees(session uuid) RETURNS boolean STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT u.user_name IN ('ann', 'dora') FROM spsa.session n JOIN spsa.app_user u USING (user_id) WHERE n.session_id = session);
END $$;
UPDATE spsa.session SET expires_at = created_at;
SELECT spsa_purge();
SELECT spsa_create_flow('a_morning', criterion => 'fl.sees(uuid)', run_at_open => true) IS NOT NULL AS made;
SELECT spsa_add_flow_step('a_morning', 'activate', 'day'), spsa_add_flow_step('a_morning', 'activate', 'starting');
SET SESSION AUTHORIZATION regress_spsa_flow_login;
SELECT token AS anns, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_flow_app') \gset
SELECT token AS bens, session_id AS ben_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_flow_app') \gset
-- false: not run, and nothing is said
SELECT * FROM fl.active;
RESET SESSION AUTHORIZATION;
SELECT activated_by, flow FROM spsa.activation;
SELECT event, set_name, actor, database_role, detail ->> 'flow' AS flow FROM spsa.audit_event WHERE detail ? 'flow' ORDER BY event_id DESC LIMIT 2;
-- a session that was opened for certain sets only
SELECT count(*) FROM spsa_open_session('ann', db_role => NULL, sets => '{night,starting}');
SELECT count(*) FROM spsa.activation;
-- who opens the session of its own
CREATE ROLE regress_spsa_flow_dora;
SELECT spsa_create_user('dora', db_role => 'regress_spsa_flow_dora') IS NOT NULL AS made;
SELECT spsa_assign('dora', 'day'), spsa_assign('dora', 'starting'), spsa_assign('dora', 'secret');
SET SESSION AUTHORIZATION regress_spsa_flow_dora;
SELECT spsa_open_own_session() = spsa_session_id() AS attached;
SELECT spsa_session_info() -> 'EffectiveSets' AS sets;
SELECT * FROM fl.active;
SELECT spsa_close_session();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT DISTINCT u.user_name, a.activated_by, a.flow FROM spsa.activation a JOIN spsa.session USING (session_id) JOIN spsa.app_user u USING (user_id) ORDER BY 1;
-- others of that kind: with an allowed set, which the first one activates; failing ones do not keep the session from
-- opening, leave nothing, and do not keep others from running
SELECT spsa_create_flow('b_allowed', allowed_set => 'starting', run_at_open => true) IS NOT NULL AS made;
SELECT spsa_add_flow_step('b_allowed', 'activate', 'secret');
SELECT spsa_create_flow('c_raising', criterion => 'fl.raises(uuid)', run_at_open => true) IS NOT NULL AS made;
SELECT spsa_create_flow('d_half', run_at_open => true) IS NOT NULL AS made;
SELECT spsa_add_flow_step('d_half', 'activate', 'night'), spsa_add_flow_step('d_half', 'activate', 'inner_set');
SELECT spsa_create_flow('e_attaching', criterion => 'fl.attaches(uuid)', run_at_open => true) IS NOT NULL AS made;
SELECT spsa_create_flow('f_closing', run_at_open => true) IS NOT NULL AS made;
SELECT spsa_add_flow_step('f_closing', 'deactivate', 'day');
TRUNCATE fl.note;
-- what is in effect at once, and what a flow that failed had for a moment
SELECT spsa_assign('dora', 'night');
CREATE TABLE fl.book (shift text);
INSERT INTO fl.book VALUES ('starting'), ('night');
GRANT SELECT ON fl.book TO regress_spsa_flow_dora;
SELECT spsa_protect('fl.book', '{shift}');
SELECT spsa_grant_object(s, 'fl.book', '{read}'), spsa_grant_rows(s, 'fl.book', 'shift', ARRAY[s]) FROM unnest('{starting,night}'::text[]) s;
SELECT token AS anyones FROM spsa_open_session('carl', db_role => NULL) \gset
SET SESSION AUTHORIZATION regress_spsa_flow_dora;
SET fl.token = :'anyones';
PREPARE book AS SELECT * FROM fl.book;
SET plan_cache_mode = force_generic_plan;
EXECUTE book;
BEGIN;
SELECT spsa_open_own_session() = spsa_session_id() AS attached;
SELECT spsa_session_info() -> 'EffectiveSets' AS sets;
SELECT count(*) FROM fl.note;
EXECUTE book;
COMMIT;
SELECT spsa_user_name(), spsa_session_info() -> 'EffectiveSets' AS sets;
EXECUTE book;
RESET plan_cache_mode;
SELECT spsa_close_session();
SELECT spsa_detach();
SET SESSION AUTHORIZATION regress_spsa_flow_login;
SELECT count(*) FROM spsa_open_session('ben');
RESET SESSION AUTHORIZATION;
SELECT * FROM fl.active;
-- within a function that catches, a savepoint, and a transaction that is rolled back
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM spsa_open_session('dora');
ROLLBACK TO s;
SELECT count(*) FROM spsa.session JOIN spsa.app_user USING (user_id) WHERE user_name = 'dora';
COMMIT;
SELECT spsa_drop_flow('b_allowed'), spsa_drop_flow('c_raising'), spsa_drop_flow('d_half'), spsa_drop_flow('e_attaching'), spsa_drop_flow('f_closing');

-- a criterion that opens sessions: they are opened without flows
CREATE FUNCTION fl.opens(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM spsa_open_session('ben'); RETURN true; END $$;
SELECT spsa_create_flow('opening', criterion => 'fl.opens(uuid)', run_at_open => true) IS NOT NULL AS made;
SELECT count(*) FROM spsa_open_session('ann');
-- one that closes the session that is being opened: that is undone, too
UPDATE spsa.flow SET criterion = 'fl.closes(uuid)' WHERE flow_name = 'opening';
SELECT count(*) FROM spsa_open_session('ann');
SET SESSION AUTHORIZATION regress_spsa_flow_dora;
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT spsa_user_name();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
-- one that takes too long ends the opening, as any statement
CREATE FUNCTION fl.sleeps(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true FROM pg_sleep(60)';
UPDATE spsa.flow SET criterion = 'fl.sleeps(uuid)' WHERE flow_name = 'opening';
SELECT count(*) AS sessions FROM spsa.session \gset
SET statement_timeout = '100ms';
SELECT count(*) FROM spsa_open_session('ann');
:code
RESET statement_timeout;
SELECT count(*) = :sessions AS none_opened FROM spsa.session;
SELECT spsa_drop_flow('opening');

--
-- A delegate of the administration: flows without a criterion
--
SET SESSION AUTHORIZATION regress_spsa_flow_delegate;
SELECT spsa_create_flow('delegated', allowed_set => 'starting') IS NOT NULL AS made;
SELECT spsa_add_flow_step('delegated', 'activate', 'day'), spsa_remove_flow_step('delegated', 1), spsa_add_flow_step('delegated', 'activate', 'night');
SELECT spsa_set_flow_active('delegated', false), spsa_set_flow_active('delegated', true);
-- code that others run is not for them to choose, nor to switch on again
CREATE FUNCTION pg_temp.mine(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT spsa_create_flow('trojan', criterion => 'fl.yes(uuid)', run_at_open => true);
:code
INSERT INTO spsa.flow (flow_name, criterion, is_active) VALUES ('trojan', 'fl.yes(uuid)', false);
:code
UPDATE spsa.flow SET criterion = 'fl.no(uuid)' WHERE flow_name = 'judged';
:code
UPDATE spsa.flow SET criterion = 'fl.no(uuid)' WHERE flow_name = 'delegated';
:code
SELECT spsa_set_flow_active('judged', false);
SELECT spsa_set_flow_active('judged', true);
:code
UPDATE spsa.flow SET label = 'Judged' WHERE flow_name = 'judged';
-- nor who runs it unasked, now or once it is on; of one without, it is
UPDATE spsa.flow SET run_at_open = true WHERE flow_name = 'judged';
:code
UPDATE spsa.flow SET run_at_open = true WHERE flow_name = 'delegated' RETURNING run_at_open;
UPDATE spsa.flow SET run_at_open = false WHERE flow_name = 'delegated';
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT spsa_set_flow_active('judged', true);
UPDATE spsa.flow SET run_at_open = true WHERE flow_name = 'judged' RETURNING run_at_open;
SET SESSION AUTHORIZATION regress_spsa_flow_delegate;
UPDATE spsa.flow SET label = 'Judge', run_at_open = false WHERE flow_name = 'judged' RETURNING label, run_at_open;
UPDATE spsa.flow SET run_at_open = true WHERE flow_name = 'judged';
:code
ROLLBACK;
SET SESSION AUTHORIZATION regress_spsa_flow_delegate;
-- to take it away is like making another flow without one
BEGIN;
UPDATE spsa.flow SET criterion = NULL WHERE flow_name = 'judged' RETURNING criterion;
SELECT spsa_set_flow_active('judged', true);
ROLLBACK;
UPDATE spsa.flow SET flow_id = 1000 WHERE flow_name = 'judged';
:code
INSERT INTO spsa.flow (flow_id, flow_name) VALUES (1000, 'trojan');
:code
TRUNCATE spsa.flow CASCADE;
:code
SELECT spsa_run_flow('delegated', :'ann_sid');
:code
SELECT spsa_drop_flow('delegated');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_flow_active('judged', true);

--
-- What is dropped
--
SELECT spsa_create_flow('dropping', allowed_set => 'secret') IS NOT NULL AS made;
SELECT spsa_add_flow_step('dropping', 'activate', 'secret'), spsa_add_flow_step('dropping', 'activate', 'day');
SELECT spsa_drop_permission_set('secret');
SELECT f.allowed_set, s.position FROM spsa.flow f JOIN spsa.flow_step s USING (flow_id) WHERE flow_name = 'dropping';
SELECT spsa_drop_flow('dropping');
SELECT event, set_name, detail #>> '{old,flow_name}' AS flow FROM spsa.audit_event WHERE event LIKE 'flow%' ORDER BY event_id DESC LIMIT 4;
-- what a flow has activated stays
SELECT flow, count(*) FROM spsa.activation WHERE flow IS NOT NULL GROUP BY flow;
SELECT spsa_drop_flow('a_morning');
SELECT flow, count(*) FROM spsa.activation WHERE flow IS NOT NULL GROUP BY flow;
TRUNCATE spsa.flow CASCADE;
SELECT event FROM spsa.audit_event ORDER BY event_id DESC LIMIT 2;

DROP FUNCTION pg_temp.mine(uuid);
DROP EXTENSION spsa CASCADE;
DROP SCHEMA fl, fl_hidden CASCADE;
DROP ROLE regress_spsa_flow_app, regress_spsa_flow_other, regress_spsa_flow_login, regress_spsa_flow_insert, regress_spsa_flow_delegate, regress_spsa_flow_dora;
