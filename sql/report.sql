-- report: spsa.live_session, live_activation, user_access, unused_assignment and spsa_access_matrix(): who is here, who may
-- what; each session sees the rows of its own user, a derived one itself, administrators all.

SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_report_app;
CREATE ROLE regress_spsa_report_auditor;
CREATE TABLE report_order (id integer PRIMARY KEY, region text);
CREATE TABLE report_salary (id integer PRIMARY KEY);
INSERT INTO report_order VALUES (1, 'EU'), (2, 'US');
GRANT SELECT, INSERT, UPDATE, DELETE ON report_order, report_salary TO regress_spsa_report_app;
SELECT spsa_protect('report_order', '{region}'), spsa_protect('report_salary');

SELECT spsa_create_permission_set('work') > 0, spsa_create_permission_set('europe') > 0,
	spsa_create_permission_set('payroll', activation_required => true) > 0,
	spsa_create_permission_set('member', activation_required => true) > 0,
	spsa_create_permission_set('team', kind => 'group', activation_required => true) > 0,
	spsa_create_permission_set('easy', kind => 'group') > 0,
	spsa_create_permission_set('quiet', kind => 'muting') > 0;
SELECT spsa_grant_object('work', 'report_order', '{read,create}'), spsa_grant_object('europe', 'report_order', '{read,edit,delete}', row_scoped => true),
	spsa_grant_rows('europe', 'report_order', 'region', '{EU}'), spsa_grant_object('payroll', 'report_salary', '{read,view_all}'),
	spsa_grant_object('member', 'report_order', '{read,edit}'), spsa_grant_object('member', 'report_salary', '{read,edit}'),
	spsa_grant_object('quiet', 'report_salary', '{edit}');
SELECT spsa_add_group_member('team', 'member'), spsa_add_group_member('team', 'quiet'), spsa_add_group_member('easy', 'member'),
	spsa_set_member_activation('easy', 'bypass');
SELECT count(spsa_create_user(u)) FROM unnest('{ann,bob,eve,watcher}'::text[]) u;
SELECT spsa_assign('ann', 'work'), spsa_assign('ann', 'europe'), spsa_assign('ann', 'payroll'), spsa_assign('bob', 'team'),
	spsa_assign('eve', 'easy'), spsa_assign('eve', 'payroll', expires_at => 'infinity');
SELECT spsa_create_permission_set('view') > 0, spsa_grant_permission('view', 'view_setup'), spsa_assign('watcher', 'view');

SELECT session_id AS ann, token AS ann_token FROM spsa_open_session('ann', db_role => 'regress_spsa_report_app', lifetime => '1 hour',
	login_type => 'password', source_ip => '10.0.0.1') \gset
SELECT session_id AS ann2, token AS ann2_token FROM spsa_open_session('ann', db_role => 'regress_spsa_report_app', actor => 'bob',
	idle_timeout => '10 minutes', attributes => '{"k": 1}') \gset
SELECT session_id AS bob, token AS bob_token FROM spsa_open_session('bob', db_role => 'regress_spsa_report_app') \gset
SELECT token AS watcher_token FROM spsa_open_session('watcher', db_role => 'regress_spsa_report_app') \gset
SELECT session_id AS gone, token AS gone_token FROM spsa_open_session('eve', db_role => 'regress_spsa_report_app') \gset
SELECT spsa_close_session(:'gone');
SELECT permission_set FROM spsa_activate(:'ann', 'payroll', '30 minutes', 'month end');
SELECT permission_set FROM spsa_activate(:'bob', 'team');
SELECT permission_set FROM spsa_activate(:'bob', 'member');
SET ROLE regress_spsa_report_app;
BEGIN;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
SELECT session_id AS child, token AS child_token FROM spsa_derive_session('{payroll,work}') \gset
COMMIT;
RESET ROLE;

-- As each person: the application's role, which may read none of the tables.
\set sessions 'SELECT user_name, db_role, security_level, login_type, source_ip, actor, parent_id IS NOT NULL AS derived, attributes, time_left BETWEEN interval \'0\' AND interval \'8 hours\' AS time, last_seen_at >= created_at AS seen FROM spsa.live_session ORDER BY user_name, created_at'
\set activations 'SELECT user_name, set_name, kind, in_effect, activated_by, reason, flow, time_left > interval \'20 minutes\' AS time FROM spsa.live_activation ORDER BY user_name, set_name, activated_at'
\set access 'SELECT user_name, object, privilege, reach, set_name, group_name, to_activate FROM spsa.user_access ORDER BY user_name, object::text, set_name, group_name, privilege'
\set unused 'SELECT user_name, set_name, group_name, assigned_for < interval \'1 hour\' AS lately FROM spsa.unused_assignment ORDER BY user_name, set_name, group_name'
SET ROLE regress_spsa_report_app;
:sessions;
:activations;
:access;
:unused;
SELECT * FROM spsa_access_matrix();
SELECT * FROM spsa.valid_session;
SELECT * FROM spsa.granted_object;
BEGIN;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
:sessions;
:activations;
:access;
:unused;
SELECT * FROM spsa_access_matrix();
SELECT * FROM spsa_access_matrix('bob');
COMMIT;
BEGIN;
SELECT spsa_attach(:'bob_token') = :'bob' AS attached;
:sessions;
:activations;
:access;
:unused;
SELECT * FROM spsa_access_matrix(object => 'report_salary');
COMMIT;

-- A derived session: itself, and not what its user has besides.
BEGIN;
SELECT spsa_attach(:'child_token') = :'child' AS attached;
SELECT session_id = :'child' AS itself FROM spsa.live_session;
:activations;
SELECT permission_set FROM spsa_activate_own('payroll');
:activations;
:access;
:unused;
ROLLBACK;

-- view_setup shows all; without authority in a session that is derived from it.
BEGIN;
SELECT spsa_attach(:'watcher_token') IS NOT NULL AS attached;
SELECT count(*) AS sessions, count(DISTINCT user_name) AS users FROM spsa.live_session;
:activations;
SELECT count(*), count(DISTINCT user_name) FROM spsa.user_access;
:unused;
SELECT token AS watcher_child FROM spsa_derive_session('{view}') \gset
COMMIT;
BEGIN;
SELECT spsa_attach(:'watcher_child') IS NOT NULL AS attached;
SELECT count(*) AS sessions FROM spsa.live_session;
SELECT count(*) FROM spsa.user_access;
COMMIT;

-- Ended: no empty result. A cursor and a prepared statement go on for nobody else.
BEGIN;
SELECT spsa_attach(:'bob_token') = :'bob' AS attached;
DECLARE c CURSOR FOR SELECT user_name FROM spsa.live_session;
FETCH c;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
FETCH c;
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
DECLARE c CURSOR FOR SELECT user_name, object FROM spsa.user_access ORDER BY set_name;
FETCH c;
SELECT spsa_detach();
FETCH ALL c;
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
DECLARE h CURSOR WITH HOLD FOR SELECT user_name FROM spsa.live_session;
COMMIT;
SET plan_cache_mode = force_generic_plan;
PREPARE who AS SELECT DISTINCT user_name FROM spsa.user_access;
PREPARE here AS SELECT DISTINCT user_name FROM spsa.live_session;
EXECUTE who;
BEGIN;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
EXECUTE who;
EXECUTE here;
SELECT spsa_attach(:'bob_token') = :'bob' AS attached;
EXECUTE who;
EXECUTE here;
COMMIT;
EXECUTE here;
RESET plan_cache_mode;
RESET ROLE;
SELECT spsa_close_session(:'bob');
SET ROLE regress_spsa_report_app;
SET spsa.session_token = :'bob_token';
:sessions;
:activations;
:access;
:unused;
RESET spsa.session_token;
-- A condition of the reader's meets nobody else's rows.
CREATE FUNCTION pg_temp.look(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
BEGIN;
SELECT spsa_attach(:'ann_token') = :'ann' AS attached;
SELECT count(*) FROM spsa.live_session WHERE pg_temp.look(user_name) AND pg_temp.look(actor);
SELECT count(*) FROM spsa.user_access WHERE pg_temp.look(user_name) AND set_name = 'work';
SELECT count(*) FROM spsa.unused_assignment WHERE pg_temp.look(user_name);
SELECT count(*) FROM spsa.live_activation WHERE pg_temp.look(user_name);
COMMIT;
BEGIN;
LOCK TABLE spsa.live_session IN ROW EXCLUSIVE MODE;
ROLLBACK;
INSERT INTO spsa.user_access (user_name) VALUES ('x');
RESET ROLE;

-- Roles that may select from the tables.
GRANT SELECT ON spsa.assignment TO regress_spsa_report_auditor;
SET ROLE regress_spsa_report_auditor;
SELECT count(*) AS sessions FROM spsa.live_session;
SELECT count(*) AS activations FROM spsa.live_activation;
:access;
:unused;
SELECT * FROM spsa_access_matrix();
RESET ROLE;
GRANT SELECT ON spsa.session, spsa.activation TO regress_spsa_report_auditor;
SET ROLE regress_spsa_report_auditor;
:sessions;
:activations;
DECLARE h CURSOR WITH HOLD FOR SELECT user_name FROM spsa.live_session;
CLOSE h;
RESET ROLE;

-- As the engine decides: with everything activated what user_access says, without only what needs nothing.
SELECT session_id AS s1 FROM spsa_open_session('ann') \gset
SELECT session_id AS s2 FROM spsa_open_session('bob') \gset
SELECT session_id AS s3 FROM spsa_open_session('eve') \gset
CREATE VIEW report_difference AS
SELECT a.user_name, a.object, a.privilege, a.reach, a.set_name, a.group_name, a.to_activate = '{}' AS at_once
FROM spsa.user_access a;
SELECT user_name, object, privilege, reach, set_name, group_name FROM report_difference WHERE at_once
EXCEPT SELECT user_name, object, privilege, reach, set_name, group_name FROM spsa.effective_object WHERE session_id IN (:'s1', :'s2', :'s3');
SELECT user_name, object, privilege, reach, set_name, group_name FROM spsa.effective_object WHERE session_id IN (:'s1', :'s2', :'s3')
EXCEPT SELECT user_name, object, privilege, reach, set_name, group_name FROM report_difference WHERE at_once;
SELECT count(*) FROM (VALUES (:'s1'::uuid, 'payroll'), (:'s2', 'team'), (:'s2', 'member'), (:'s3', 'payroll')) v (s, x), spsa_activate(s, x);
SELECT user_name, object, privilege, reach, set_name, group_name FROM report_difference
EXCEPT SELECT user_name, object, privilege, reach, set_name, group_name FROM spsa.effective_object WHERE session_id IN (:'s1', :'s2', :'s3');
SELECT user_name, object, privilege, reach, set_name, group_name FROM spsa.effective_object WHERE session_id IN (:'s1', :'s2', :'s3')
EXCEPT SELECT user_name, object, privilege, reach, set_name, group_name FROM report_difference;
-- What was activated once is used, for as long as it stays assigned.
:unused;
SELECT spsa_revoke_assignment('ann', 'payroll');
SELECT spsa_assign('ann', 'payroll');
:unused;
SELECT spsa_disable_user('ann') > 0 AS disabled;
SELECT count(*) FROM spsa.user_access WHERE user_name = 'ann';
SELECT count(*) FROM spsa.live_session WHERE user_name = 'ann';

SET client_min_messages = warning;
DROP FUNCTION pg_temp.look;
DROP VIEW report_difference;
DROP EXTENSION spsa CASCADE;
DROP TABLE report_order, report_salary;
DROP ROLE regress_spsa_report_app, regress_spsa_report_auditor;
