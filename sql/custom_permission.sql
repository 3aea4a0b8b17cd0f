-- custom_permission.sql - spsa_has_permission() wherever it can be asked, and what the built-in permissions do.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
SET client_min_messages = warning;

CREATE ROLE regress_spsa_cp_app;
CREATE TABLE cp_report (id int PRIMARY KEY, title text);
INSERT INTO cp_report SELECT n, 'report ' || n FROM generate_series(1, 3) n;
GRANT SELECT, INSERT, UPDATE, DELETE ON cp_report TO regress_spsa_cp_app;
ALTER TABLE cp_report ENABLE ROW LEVEL SECURITY;
CREATE POLICY cp_read ON cp_report FOR SELECT USING (spsa_has_permission('see_reports'));
CREATE POLICY cp_write ON cp_report FOR UPDATE USING (spsa_has_permission('see_reports')) WITH CHECK (spsa_has_permission('sign_reports'));
INSERT INTO spsa.custom_permission (permission_name, label) VALUES ('see_reports', 'See reports'), ('sign_reports', 'Sign reports'), ('unused', NULL);
SELECT permission_id AS see FROM spsa.custom_permission WHERE permission_name = 'see_reports' \gset
SELECT permission_id AS sign FROM spsa.custom_permission WHERE permission_name = 'sign_reports' \gset
SELECT spsa_create_user('ann') AS ann \gset
SELECT spsa_create_user('ben') AS ben \gset
SELECT spsa_create_user('mia') AS mia \gset
SELECT spsa_create_permission_set('seeing') AS seeing \gset
SELECT spsa_create_permission_set('signing', activation_required => true) AS signing \gset
SELECT spsa_create_permission_set('unassigned', activation_required => true) AS unassigned \gset
INSERT INTO spsa.custom_permission_grant VALUES (:seeing, :see), (:signing, :sign);
SELECT spsa_assign('ann', 'seeing'), spsa_assign('ann', 'signing'), spsa_assign('ben', 'signing');
SELECT token AS anns, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_cp_app') \gset
SELECT token AS bens, session_id AS ben_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_cp_app') \gset
SELECT token AS mias, session_id AS mia_sid FROM spsa_open_session('mia', db_role => 'regress_spsa_cp_app') \gset
SELECT token AS over, session_id AS over_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_cp_app') \gset
-- Revokes and grants by the owner, in the middle of the application's transaction
CREATE FUNCTION cp_assign(boolean) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
	SELECT CASE WHEN $1 THEN spsa_assign('ann', 'seeing')::text ELSE spsa_revoke_assignment('ann', 'seeing')::text END $$;

--
-- The answer
--
SET SESSION AUTHORIZATION regress_spsa_cp_app;
-- without a session, and about nothing
SELECT spsa_has_permission('see_reports'), spsa_has_permission(NULL) AS null;
SELECT spsa_has_permission('no_such_permission');
:code
SELECT spsa_has_permission('SEE_REPORTS');
:code
SELECT spsa_has_permission('');
:code
\set VERBOSITY sqlstate
SELECT spsa_has_permission(repeat('x', 1048576));
\set VERBOSITY default
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
SELECT permission_name, spsa_has_permission(permission_name)
FROM unnest('{see_reports,sign_reports,unused,manage_activations,run_flows,approve_activations,view_setup,NULL}'::text[]) permission_name;
-- unknown is an error for sessions too, also where the name is a constant in a query on a table
SELECT id FROM cp_report WHERE spsa_has_permission('no_such_permission');
:code
-- a gated one: while it is active
SELECT count(*) FROM spsa_activate_own('signing');
SELECT spsa_has_permission('sign_reports');
SELECT spsa_deactivate_own('signing');
SELECT spsa_has_permission('sign_reports');
BEGIN;
SELECT count(*) FROM spsa_activate_own('signing');
SELECT spsa_has_permission('sign_reports');
ROLLBACK;
SELECT spsa_has_permission('sign_reports');
-- another session
SELECT spsa_attach_connection(:'bens') = :'ben_sid' AS attached;
SELECT spsa_has_permission('see_reports'), spsa_has_permission('sign_reports');
-- a session that is over
SELECT spsa_attach_connection(:'over') = :'over_sid' AS attached;
SELECT spsa_has_permission('see_reports');
SELECT spsa_close_session();
SELECT spsa_has_permission('see_reports');
:code
SELECT spsa_has_permission('no_such_permission');
:code
SELECT spsa_has_permission(NULL);
SELECT count(*) FROM cp_report;
:code
SELECT spsa_detach();
SELECT spsa_has_permission('see_reports');

--
-- In policies: folded
--
SELECT count(*) FROM cp_report;
EXPLAIN (COSTS OFF) SELECT * FROM cp_report WHERE id = 2;
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
SELECT count(*) FROM cp_report;
EXPLAIN (COSTS OFF) SELECT * FROM cp_report;
EXPLAIN (COSTS OFF) UPDATE cp_report SET title = '';
SELECT spsa_attach_connection(:'bens') = :'ben_sid' AS attached;
SELECT count(*) FROM cp_report;
EXPLAIN (COSTS OFF) SELECT * FROM cp_report WHERE title LIKE 'r%';
UPDATE cp_report SET title = 'mine';
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
UPDATE cp_report SET title = 'signed' WHERE id = 1;
:code
SELECT count(*) FROM spsa_activate_own('signing');
UPDATE cp_report SET title = 'signed' WHERE id = 1 RETURNING title;
SELECT spsa_deactivate_own('signing');
UPDATE cp_report SET title = 'signed' WHERE id = 2;
:code
-- a name that is no constant is asked for at run time
PREPARE cp_named(text) AS SELECT count(*) FROM cp_report WHERE spsa_has_permission($1);
SET plan_cache_mode = force_generic_plan;
EXECUTE cp_named('see_reports');
EXECUTE cp_named('sign_reports');
EXECUTE cp_named(NULL);
EXECUTE cp_named('no_such_permission');
:code
RESET plan_cache_mode;

--
-- Prepared statements, across what changes
--
PREPARE cp_all AS SELECT count(*) FROM cp_report;
PREPARE cp_ask AS SELECT spsa_has_permission('see_reports') AS see, spsa_has_permission('sign_reports') AS sign;
PREPARE cp_sign AS UPDATE cp_report SET title = 'prepared' WHERE id = 3;
EXECUTE cp_all;
EXECUTE cp_ask;
EXECUTE cp_sign;
:code
SELECT count(*) FROM spsa_activate_own('signing');
EXECUTE cp_ask;
EXECUTE cp_sign;
SELECT title FROM cp_report WHERE id = 3;
SELECT spsa_deactivate_own('signing');
EXECUTE cp_ask;
EXECUTE cp_sign;
:code
BEGIN;
EXECUTE cp_all;
SELECT cp_assign(false);
EXECUTE cp_all;
EXECUTE cp_ask;
SELECT cp_assign(true);
EXECUTE cp_all;
EXECUTE cp_ask;
ROLLBACK;
EXECUTE cp_all;
SELECT cp_assign(false);
EXECUTE cp_all;
EXECUTE cp_ask;
SELECT cp_assign(true);
EXECUTE cp_all;
-- the permission itself goes, and comes again under another number
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.custom_permission WHERE permission_id = :see;
SET SESSION AUTHORIZATION regress_spsa_cp_app;
EXECUTE cp_all;
:code
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.custom_permission (permission_name) VALUES ('see_reports') RETURNING permission_id <> :see AS another;
SET SESSION AUTHORIZATION regress_spsa_cp_app;
EXECUTE cp_all;
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.custom_permission_grant SELECT :seeing, permission_id FROM spsa.custom_permission WHERE permission_name = 'see_reports';
SET SESSION AUTHORIZATION regress_spsa_cp_app;
EXECUTE cp_all;
-- policies ask for it by its name, which stays
RESET SESSION AUTHORIZATION;
UPDATE spsa.custom_permission SET permission_name = 'view_reports' WHERE permission_name = 'see_reports';
SET SESSION AUTHORIZATION regress_spsa_cp_app;
EXECUTE cp_all;
SELECT spsa_detach();
EXECUTE cp_all;
EXECUTE cp_ask;
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
DEALLOCATE ALL;

--
-- Where no plan on a table is made
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION cp_expression(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	may boolean := spsa_has_permission('sign_reports');
BEGIN
	IF spsa_has_permission($1) THEN
		RETURN 'granted ' || may;
	END IF;
	RETURN 'denied ' || may;
END $$;
CREATE FUNCTION cp_steps() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text := '';
BEGIN
	FOR i IN 1 .. 3 LOOP
		result := result || CASE WHEN spsa_has_permission('sign_reports') THEN ' yes' ELSE ' no' END;
		IF i = 1 THEN
			PERFORM spsa_activate_own('signing');
		ELSE
			PERFORM spsa_deactivate_own('signing');
		END IF;
	END LOOP;
	RETURN result;
END $$;
CREATE FUNCTION cp_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stamp := 'trigger'; RETURN NEW; END $$;
CREATE TABLE cp_check (id int, stamp text DEFAULT CASE WHEN spsa_has_permission('sign_reports') THEN 'signed' ELSE 'plain' END,
	CONSTRAINT cp_may CHECK (id < 10 OR spsa_has_permission('sign_reports')));
CREATE TRIGGER cp_trigger BEFORE INSERT ON cp_check FOR EACH ROW WHEN (NEW.id = 5 AND spsa_has_permission('sign_reports')) EXECUTE FUNCTION cp_touch();
GRANT SELECT, INSERT ON cp_check TO regress_spsa_cp_app;
CREATE VIEW cp_view AS SELECT id, CASE WHEN spsa_has_permission('sign_reports') THEN title END AS title FROM cp_report;
CREATE VIEW cp_invoker WITH (security_invoker) AS SELECT id FROM cp_report WHERE spsa_has_permission('sign_reports');
GRANT SELECT ON cp_view, cp_invoker TO regress_spsa_cp_app;
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SELECT cp_expression('see_reports'), cp_expression('sign_reports');
SELECT cp_steps(), cp_steps();
INSERT INTO cp_check (id) VALUES (1), (5) RETURNING *;
INSERT INTO cp_check (id) VALUES (10);
:code
-- the view is its owner's, the question the caller's
SELECT count(*), count(title) FROM cp_view;
SELECT count(*) FROM cp_invoker;
SELECT count(*) FROM spsa_activate_own('signing');
SELECT cp_expression('see_reports'), cp_expression('sign_reports');
INSERT INTO cp_check (id) VALUES (1), (5), (10) RETURNING *;
SELECT count(*), count(title) FROM cp_view;
SELECT count(*) FROM cp_invoker;
SELECT id, spsa_has_permission('sign_reports') FROM generate_series(1, 2) id;
SELECT spsa_deactivate_own('signing');
SELECT cp_expression('see_reports'), cp_expression('sign_reports');
SELECT count(*), count(title) FROM cp_view;
SELECT count(*) FROM cp_invoker;
-- in parallel workers, folded and not
RESET SESSION AUTHORIZATION;
CREATE TABLE cp_big AS SELECT n AS id, CASE n % 2 WHEN 0 THEN 'see_reports' ELSE 'sign_reports' END AS permission FROM generate_series(1, 2000) n;
ANALYZE cp_big;
GRANT SELECT ON cp_big TO regress_spsa_cp_app;
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM cp_big WHERE spsa_has_permission(permission);
SELECT count(*) FROM cp_big WHERE spsa_has_permission(permission);
EXPLAIN (COSTS OFF) SELECT count(*) FROM cp_big WHERE spsa_has_permission('see_reports') AND NOT spsa_has_permission('sign_reports');
SELECT count(*) FROM cp_big WHERE spsa_has_permission('see_reports') AND NOT spsa_has_permission('sign_reports');
EXPLAIN (COSTS OFF) SELECT count(*) FROM cp_big WHERE spsa_has_permission('sign_reports');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

--
-- manage_activations: activating and deactivating in sessions of others
--
RESET SESSION AUTHORIZATION;
SELECT spsa_create_permission_set('managing', activation_required => true) AS managing \gset
SELECT spsa_create_permission_set('managers', kind => 'group') AS managers \gset
SELECT spsa_create_permission_set('no_managing', kind => 'muting') AS no_managing \gset
SELECT spsa_create_permission_set('others') AS others \gset
INSERT INTO spsa.custom_permission_grant VALUES (:managing, 1), (:others, 2), (:others, 3), (:others, 4);
SELECT spsa_assign('mia', 'managing'), spsa_assign('mia', 'others');
DELETE FROM spsa.audit_event;
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
-- not while it is not active; the other built-in ones do not do
SELECT spsa_has_permission('manage_activations') AS manage, spsa_has_permission('run_flows') AS run, spsa_has_permission('approve_activations') AS approve, spsa_has_permission('view_setup') AS view;
SELECT count(*) FROM spsa_activate(:'ben_sid', 'signing');
:code
SELECT spsa_deactivate(:'ben_sid', 'signing');
:code
SELECT spsa_deactivate_all(:'ben_sid');
:code
SELECT count(*) FROM spsa_activate_own('managing');
SELECT spsa_has_permission('manage_activations') AS manage;
SELECT session_id = :'ben_sid' AS bens, permission_set, already_active FROM spsa_activate(:'ben_sid', 'signing', '1 hour', 'for Ben');
SELECT session_id = :'ben_sid' AS bens, already_active FROM spsa_activate(:'ben_sid', 'signing');
SELECT created_by, description FROM spsa.session_perm_set_activation WHERE user_id = :ben;
-- it has effect there, and gives the manager nothing
SELECT spsa_has_permission('sign_reports') AS manager_signs;
SELECT spsa_attach_connection(:'bens') = :'ben_sid' AS attached;
SELECT spsa_has_permission('sign_reports') AS ben_signs, spsa_has_permission('manage_activations') AS ben_manages;
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
-- not what is not assigned to that session's user, whoever has it
SELECT count(*) FROM spsa_activate(:'ben_sid', 'unassigned');
:code
SELECT count(*) FROM spsa_activate(:'ben_sid', 'seeing');
:code
SELECT count(*) FROM spsa_activate(:'ben_sid', 'managing');
:code
SELECT count(*) FROM spsa_activate(:'ben_sid', 'no_such_set');
:code
SELECT count(*) FROM spsa_activate(:'ben_sid', 'signing', '-1 hour');
:code
-- sessions that are over and such as never were: the same answer, before anything about the set
SELECT count(*) FROM spsa_activate(:'over_sid', 'signing');
:code
SELECT count(*) FROM spsa_activate('00000000-0000-0000-0000-000000000000', 'no_such_set');
:code
SELECT spsa_deactivate(:'over_sid', 'no_such_set');
:code
SELECT spsa_deactivate('00000000-0000-0000-0000-000000000000', 'signing');
:code
SELECT spsa_deactivate_all(:'over_sid');
:code
SELECT count(*) FROM spsa_activate(NULL, 'signing');
:code
-- closing a session is another matter
SELECT spsa_close_session(:'ben_sid');
:code
SELECT spsa_deactivate(:'ben_sid', 'signing'), spsa_deactivate(:'ben_sid', 'signing') AS again;
SELECT count(*) FROM spsa_activate(:'ben_sid', 'signing');
SELECT spsa_deactivate_all(:'ben_sid'), spsa_deactivate_all(:'ben_sid') AS again;
-- the own session like any other
SELECT already_active FROM spsa_activate(:'mia_sid', 'managing');
SELECT spsa_deactivate(:'mia_sid', 'managing');
SELECT spsa_deactivate_all(:'ben_sid');
:code
-- not without the session, not in another one of hers
SELECT count(*) FROM spsa_activate_own('managing');
SELECT spsa_detach();
SELECT spsa_deactivate_all(:'ben_sid');
:code
RESET SESSION AUTHORIZATION;
SELECT token AS mias2 FROM spsa_open_session('mia', db_role => 'regress_spsa_cp_app') \gset
SELECT token AS mias3 FROM spsa_open_session('mia', db_role => 'regress_spsa_cp_app', sets => '{others}') \gset
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SELECT spsa_attach_connection(:'mias2') IS NOT NULL AS attached;
SELECT spsa_deactivate_all(:'ben_sid');
:code
SELECT spsa_attach_connection(:'mias3') IS NOT NULL AS attached;
SELECT count(*) FROM spsa_activate_own('managing');
:code
-- revoked in the middle of a transaction
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT spsa_deactivate_all(:'ben_sid');
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('mia', 'managing');
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SAVEPOINT s;
SELECT spsa_deactivate_all(:'ben_sid');
:code
ROLLBACK;
-- by a group, and muted in it
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('mia', 'managing');
INSERT INTO spsa.group_member (group_id, member_id) VALUES (:managers, :managing);
SELECT spsa_assign('mia', 'managers');
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SELECT spsa_has_permission('manage_activations') AS manage;
SELECT count(*) FROM spsa_activate_own('managing');
SELECT spsa_has_permission('manage_activations') AS manage, spsa_deactivate_all(:'ben_sid');
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.group_member (group_id, member_id) VALUES (:managers, :no_managing);
INSERT INTO spsa.custom_permission_grant VALUES (:no_managing, 1);
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SELECT spsa_has_permission('manage_activations') AS manage, spsa_has_permission('view_setup') AS view;
SELECT spsa_deactivate_all(:'ben_sid');
:code
RESET SESSION AUTHORIZATION;
-- who did it
SELECT event, user_name, set_name, actor, detail ->> 'reason' AS reason FROM spsa.audit_event WHERE event IN ('activate', 'deactivate') ORDER BY event_id;
-- support, who acts as the manager
DELETE FROM spsa.group_member WHERE member_id = :no_managing;
SELECT token AS support FROM spsa_open_session('mia', db_role => 'regress_spsa_cp_app', actor => 'sue') \gset
DELETE FROM spsa.audit_event;
SET SESSION AUTHORIZATION regress_spsa_cp_app;
SELECT spsa_attach_connection(:'support') IS NOT NULL AS attached;
SELECT count(*) FROM spsa_activate_own('managing');
SELECT count(*) FROM spsa_activate(:'ben_sid', 'signing');
RESET SESSION AUTHORIZATION;
SELECT event, user_name, set_name, actor FROM spsa.audit_event ORDER BY event_id;
SELECT set_id = :signing AS signing, activated_by FROM spsa.activation WHERE session_id = :'ben_sid';

--
-- Built-in ones stay
--
DELETE FROM spsa.custom_permission WHERE permission_name = 'manage_activations';
:code
UPDATE spsa.custom_permission SET permission_name = 'mine' WHERE permission_name = 'view_setup';
:code
SELECT permission_id, permission_name FROM spsa.custom_permission WHERE permission_id <= 100 ORDER BY 1;

SELECT spsa_detach();
DROP VIEW cp_view, cp_invoker;
DROP TABLE cp_report, cp_check, cp_big;
DROP FUNCTION cp_touch(), cp_steps(), cp_expression(text), cp_assign(boolean);
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_cp_app;
