-- activation_view.sql - spsa.session_perm_set_activation: who sees which activations, INSERT activates, DELETE deactivates.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
SET client_min_messages = warning;

CREATE ROLE regress_spsa_av_app;
CREATE ROLE regress_spsa_av_reader;
CREATE ROLE regress_spsa_av_insert;
CREATE ROLE regress_spsa_av_delete;
CREATE ROLE regress_spsa_av_stranger;
GRANT SELECT ON spsa.activation TO regress_spsa_av_reader;
GRANT INSERT ON spsa.activation TO regress_spsa_av_insert;
GRANT DELETE ON spsa.activation TO regress_spsa_av_delete;
GRANT CREATE ON SCHEMA public TO regress_spsa_av_stranger;

CREATE TABLE av_salary (id int PRIMARY KEY, amount int);
INSERT INTO av_salary VALUES (1, 100), (2, 200);
GRANT SELECT ON av_salary TO regress_spsa_av_app;
SELECT spsa_protect('av_salary');
SELECT spsa_create_user('ann') AS ann \gset
SELECT spsa_create_user('ben') AS ben \gset
SELECT spsa_create_user('mia') AS mia \gset
SELECT spsa_create_user('vic') AS vic \gset
SELECT spsa_create_permission_set('payroll', activation_required => true) AS payroll \gset
SELECT spsa_create_permission_set('audit', activation_required => true) AS audit \gset
SELECT spsa_create_permission_set('plain') AS plain \gset
SELECT spsa_create_permission_set('secret_project', activation_required => true) AS secret \gset
SELECT spsa_create_permission_set('month_end', kind => 'group', activation_required => true) AS month_end \gset
SELECT spsa_create_permission_set('less', kind => 'muting') AS less \gset
SELECT spsa_create_permission_set('managing', activation_required => true) AS managing \gset
SELECT spsa_create_permission_set('viewing') AS viewing \gset
INSERT INTO spsa.group_member (group_id, member_id) VALUES (:month_end, :audit), (:month_end, :less);
INSERT INTO spsa.custom_permission_grant SELECT :managing, permission_id FROM spsa.custom_permission WHERE permission_name = 'manage_activations';
INSERT INTO spsa.custom_permission_grant SELECT :viewing, permission_id FROM spsa.custom_permission WHERE permission_name = 'view_setup';
SELECT spsa_grant_object('payroll', 'av_salary', '{read}');
SELECT spsa_assign('ann', 'payroll'), spsa_assign('ann', 'plain'), spsa_assign('ann', 'month_end'), spsa_assign('ben', 'payroll'),
	spsa_assign('mia', 'managing'), spsa_assign('mia', 'payroll'), spsa_assign('vic', 'viewing');
SELECT token AS anns, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_av_app') \gset
SELECT token AS bens, session_id AS ben_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_av_app') \gset
SELECT token AS mias, session_id AS mia_sid FROM spsa_open_session('mia', db_role => 'regress_spsa_av_app') \gset
SELECT token AS vics, session_id AS vic_sid FROM spsa_open_session('vic', db_role => 'regress_spsa_av_app') \gset

-- What is active, by names; what the trail says since the last look
CREATE FUNCTION av_name(integer) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT set_name FROM spsa.permission_set WHERE set_id = $1';
CREATE FUNCTION av_user(bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT user_name FROM spsa.app_user WHERE user_id = $1';
CREATE FUNCTION av_seen() RETURNS TABLE (owner text, set text, "group" text, description text, recent boolean, created_by text) LANGUAGE sql AS $$
	SELECT av_user(user_id), av_name(permission_set_id), av_name(permission_set_group_id), description,
		created_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp(), created_by
	FROM spsa.session_perm_set_activation ORDER BY 1, permission_set_id, permission_set_group_id $$;
CREATE TABLE av_noted (event_id bigint);
CREATE FUNCTION av_trail() RETURNS TABLE (event text, user_name text, set_name text, actor text, role text, reason text) LANGUAGE sql AS $$
	WITH fresh AS (SELECT * FROM spsa.audit_event e
		WHERE e.event LIKE '%activat%' AND e.event_id > COALESCE((SELECT max(event_id) FROM av_noted), 0)),
	noted AS (INSERT INTO av_noted SELECT event_id FROM fresh)
	SELECT event, user_name, set_name, actor, CASE database_role WHEN current_user THEN 'superuser' ELSE database_role END, detail->>'reason'
	FROM fresh ORDER BY event_id $$;

--
-- INSERT activates
--
SET SESSION AUTHORIZATION regress_spsa_av_app;
-- without a session: nothing to see, nothing to do
SELECT * FROM av_seen();
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:payroll);
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ann_sid', :payroll);
:code
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
SELECT * FROM av_seen();
SELECT count(*) FROM av_salary;
SET client_min_messages = notice;
UPDATE spsa.session_perm_set_activation SET description = '';
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.session SET expires_at = '2999-01-01 12:00:00+00' WHERE session_id = :'ann_sid';
SET SESSION AUTHORIZATION regress_spsa_av_app;
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id, description) VALUES (:'ann_sid', :payroll, 'month end')
RETURNING auth_session_id = :'ann_sid' AS session, av_name(permission_set_id), permission_set_group_id, av_user(user_id), description,
	created_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() AS recent, created_by;
SELECT count(*) FROM av_salary;
SELECT * FROM av_seen();
-- the attached session, by leaving it out; a group
INSERT INTO spsa.session_perm_set_activation (permission_set_group_id, user_id) VALUES (:month_end, :ann)
RETURNING auth_session_id = :'ann_sid' AS session, permission_set_id, av_name(permission_set_group_id), av_user(user_id), description, created_by;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:audit);
SELECT * FROM av_seen();
-- active already: the row that is there; needs no activation: none
INSERT INTO spsa.session_perm_set_activation (permission_set_id, description) VALUES (:payroll, 'again') RETURNING description, created_by;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:plain) RETURNING description;
-- the same seen by the function
SELECT permission_set, already_active FROM spsa_activate_own('payroll');
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
SELECT * FROM av_trail();

--
-- Errors: as of the functions, and where a row says something that does not fit
--
CREATE VIEW av_state AS SELECT (SELECT count(*) FROM spsa.activation) AS activations, (SELECT count(*) FROM spsa.activation_end) AS ends, (SELECT count(*) FROM spsa.audit_event) AS events;
CREATE TABLE av_before AS SELECT * FROM av_state;
SET SESSION AUTHORIZATION regress_spsa_av_app;
INSERT INTO spsa.session_perm_set_activation (description) VALUES ('neither');
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id, permission_set_group_id) VALUES (:payroll, :month_end);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:month_end);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_group_id) VALUES (:payroll);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id, user_id) VALUES (:payroll, :ben);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id, created_by) VALUES (:payroll, 'the boss');
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id, created_at) VALUES (:payroll, now());
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id, description) VALUES (:payroll, repeat('x', 4001));
:code
-- not assigned: a number can be guessed, so the name is not told
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:secret);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:less);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (99999);
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (0);
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (-1);
-- another's session, and none at all: the same answer, whatever the set
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ben_sid', :payroll);
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES ('00000000-0000-0000-0000-000000000000', 99999);
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ben_sid', :payroll) ON CONFLICT DO NOTHING;
-- several rows: all or nothing
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:payroll), (:secret);
:code
RESET SESSION AUTHORIZATION;
SELECT b IS NOT DISTINCT FROM s AS nothing_done FROM (SELECT (b.*)::text AS b, (s.*)::text AS s FROM av_before b, av_state s) x;
UPDATE spsa.session_perm_set_activation SET description = 'changed';
:code
-- functions are no way around
SELECT spsa.write_activation();
:code
CREATE TABLE av_trap (a int);
CREATE TRIGGER t BEFORE INSERT ON av_trap FOR EACH ROW EXECUTE FUNCTION spsa.write_activation();
INSERT INTO av_trap VALUES (1);
:code
DROP TABLE av_trap;

--
-- Who sees what
--
SELECT count(*) FROM spsa_activate(:'ben_sid', 'payroll', reason => 'of Ben''s');
SET SESSION AUTHORIZATION regress_spsa_av_app;
SELECT * FROM av_seen();
SELECT spsa_attach_connection(:'bens') = :'ben_sid' AS attached;
SELECT * FROM av_seen();
SELECT count(*) FROM spsa.session_perm_set_activation WHERE auth_session_id = :'ann_sid';
-- manage_activations, which needs an activation itself
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
SELECT * FROM av_seen();
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:managing);
SELECT * FROM av_seen();
-- view_setup sees all and changes nothing
SELECT spsa_attach_connection(:'vics') = :'vic_sid' AS attached;
SELECT * FROM av_seen();
DELETE FROM spsa.session_perm_set_activation WHERE auth_session_id = :'ben_sid';
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ben_sid', :payroll);
:code
-- detached: nothing again
SELECT spsa_detach();
SELECT * FROM av_seen();
-- roles: SELECT on spsa.activation sees, INSERT and DELETE do not
SET SESSION AUTHORIZATION regress_spsa_av_reader;
SELECT count(*) FROM spsa.session_perm_set_activation;
DELETE FROM spsa.session_perm_set_activation;
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ben_sid', :payroll);
:code
SET SESSION AUTHORIZATION regress_spsa_av_stranger;
SELECT count(*) FROM spsa.session_perm_set_activation;
DELETE FROM spsa.session_perm_set_activation;
SET SESSION AUTHORIZATION regress_spsa_av_insert;
SELECT count(*) FROM spsa.session_perm_set_activation;
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id, description) VALUES (:'vic_sid', :payroll, '');
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES ('00000000-0000-0000-0000-000000000000', :payroll);
:code
SELECT spsa_deactivate(:'ben_sid', 'payroll');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_deactivate(:'ben_sid', 'payroll');
SET SESSION AUTHORIZATION regress_spsa_av_insert;
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ben_sid', :payroll) RETURNING av_user(user_id), created_by;
-- DELETE alone finds nothing to delete; with SELECT it does
SET SESSION AUTHORIZATION regress_spsa_av_delete;
DELETE FROM spsa.session_perm_set_activation;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON spsa.activation TO regress_spsa_av_delete;
SET SESSION AUTHORIZATION regress_spsa_av_delete;
DELETE FROM spsa.session_perm_set_activation WHERE auth_session_id = :'ben_sid' RETURNING av_user(user_id), av_name(permission_set_id);
RESET SESSION AUTHORIZATION;
SELECT * FROM av_trail();

--
-- DELETE deactivates
--
SET SESSION AUTHORIZATION regress_spsa_av_app;
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
SELECT * FROM av_seen();
SELECT count(*) FROM av_salary;
DELETE FROM spsa.session_perm_set_activation WHERE permission_set_id = :payroll RETURNING av_name(permission_set_id), description;
SELECT count(*) FROM av_salary;
DELETE FROM spsa.session_perm_set_activation WHERE permission_set_id = :payroll;
-- a group takes its members' activations along
DELETE FROM spsa.session_perm_set_activation WHERE permission_set_group_id = :month_end RETURNING permission_set_id, av_name(permission_set_group_id);
SELECT * FROM av_seen();
-- all at once: members before their groups, each is counted
INSERT INTO spsa.session_perm_set_activation (permission_set_group_id) VALUES (:month_end);
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:payroll), (:audit);
SET client_min_messages = notice;
DELETE FROM spsa.session_perm_set_activation;
SET client_min_messages = warning;
SELECT * FROM av_seen();
-- with the transaction
BEGIN;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:payroll);
SAVEPOINT s;
DELETE FROM spsa.session_perm_set_activation;
SELECT * FROM av_seen();
SELECT count(*) FROM av_salary;
ROLLBACK TO s;
SELECT * FROM av_seen();
SELECT count(*) FROM av_salary;
ROLLBACK;
SELECT * FROM av_seen();
-- COPY, and a statement that does both
COPY spsa.session_perm_set_activation (permission_set_id, description) FROM stdin;
1	copied
\.
SELECT set, description FROM av_seen();
BEGIN READ ONLY;
SELECT count(*) FROM spsa.session_perm_set_activation;
DELETE FROM spsa.session_perm_set_activation;
:code
ROLLBACK;
BEGIN;
-- a prepared statement serves whoever is attached
PREPARE av_mine AS SELECT av_user(user_id) FROM spsa.session_perm_set_activation;
EXECUTE av_mine;
SELECT spsa_attach(:'bens') = :'ben_sid' AS attached;
EXECUTE av_mine;
COMMIT;
EXECUTE av_mine;
DEALLOCATE av_mine;
-- a manager that deletes all, its own last
SELECT spsa_attach_connection(:'mias') = :'mia_sid' AS attached;
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id, description) VALUES (:'ben_sid', :payroll, 'for Ben') RETURNING av_user(user_id), description, created_by;
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id, user_id) VALUES (:'ben_sid', :payroll, :mia);
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES (:'ben_sid', :audit);
:code
INSERT INTO spsa.session_perm_set_activation (auth_session_id, permission_set_id) VALUES ('00000000-0000-0000-0000-000000000000', :payroll);
:code
SELECT * FROM av_seen();
DELETE FROM spsa.session_perm_set_activation RETURNING av_user(user_id), av_name(permission_set_id);
SELECT * FROM av_seen();
RESET SESSION AUTHORIZATION;
SELECT * FROM av_trail();

--
-- Which activations: those that count
--
SELECT spsa_activate(:'ann_sid', 'payroll') IS NOT NULL, spsa_activate(:'ann_sid', 'month_end') IS NOT NULL, spsa_activate(:'ann_sid', 'audit') IS NOT NULL;
CREATE FUNCTION av_rows() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(av_name(COALESCE(permission_set_id, permission_set_group_id)), ' ' ORDER BY permission_set_id, permission_set_group_id)
	FROM spsa.session_perm_set_activation $$;
SELECT av_rows();
BEGIN;
\echo an end by the clock
UPDATE spsa.activation SET expires_at = clock_timestamp() WHERE set_id = :payroll;
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo ended beside its locked row
INSERT INTO spsa.activation_end (session_id, activation_id) SELECT session_id, activation_id FROM spsa.activation WHERE set_id = :payroll;
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo assignment gone, and made anew
SELECT spsa_revoke_assignment('ann', 'payroll');
SELECT av_rows();
SELECT spsa_assign('ann', 'payroll');
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo assignment over, or not begun
UPDATE spsa.assignment SET starts_at = '2000-01-01', expires_at = '2001-01-01' WHERE user_id = :ann AND set_id = :payroll;
SELECT av_rows();
UPDATE spsa.assignment SET starts_at = '2900-01-01', expires_at = NULL WHERE user_id = :ann AND set_id = :payroll;
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo no member any more
DELETE FROM spsa.group_member WHERE member_id = :audit;
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo needs no activation any more, by itself or by its group
UPDATE spsa.permission_set SET activation_required = false WHERE set_id = :payroll;
SELECT av_rows();
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_id = :month_end;
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo user disabled
UPDATE spsa.app_user SET is_active = false WHERE user_id = :ann;
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo session closed, expired, idle
SELECT spsa_close_session(:'ann_sid');
SELECT av_rows();
ROLLBACK;
BEGIN;
UPDATE spsa.session SET expires_at = clock_timestamp() WHERE session_id = :'ann_sid';
SELECT av_rows();
ROLLBACK;
BEGIN;
UPDATE spsa.session SET idle_timeout = '1 month', created_at = clock_timestamp() - interval '29 days 23:59' WHERE session_id = :'ann_sid';
SELECT av_rows();
UPDATE spsa.session SET created_at = clock_timestamp() - interval '30 days 00:01' WHERE session_id = :'ann_sid';
SELECT av_rows();
INSERT INTO spsa.session_activity VALUES (:'ann_sid', clock_timestamp() - interval '1 minute');
SELECT av_rows();
ROLLBACK;
BEGIN;
\echo behind a closed gate, or excluded: still there
UPDATE spsa.activation SET expires_at = clock_timestamp() WHERE set_id = :month_end;
SELECT av_rows();
INSERT INTO spsa.exclusion VALUES (:payroll, :plain, 'dynamic');
SELECT av_rows();
ROLLBACK;
SELECT av_rows();

--
-- A set that is assigned by itself, and in a group that bypasses its requirement and mutes
--
INSERT INTO spsa.object_permission (set_id, object, can_read) VALUES (:less, 'av_salary', true);
SELECT spsa_create_permission_set('early', kind => 'group') AS early \gset
SELECT spsa_create_permission_set('late', activation_required => true) AS late \gset
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_id = :early;
INSERT INTO spsa.group_member (group_id, member_id) VALUES (:early, :late), (:early, :less);
SELECT spsa_grant_object('late', 'av_salary', '{read}');
SELECT spsa_assign('ben', 'early'), spsa_assign('ben', 'late');
SET SESSION AUTHORIZATION regress_spsa_av_app;
SELECT spsa_attach_connection(:'bens') = :'ben_sid' AS attached;
SELECT count(*) FROM av_salary;
SELECT already_active FROM spsa_activate_own('late');
SELECT already_active FROM spsa_activate_own('late');
SELECT set FROM av_seen();
SELECT count(*) FROM av_salary;
SELECT spsa_deactivate_own('late');
SELECT count(*) FROM av_salary;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:late);
SELECT count(*) FROM av_salary;
DELETE FROM spsa.session_perm_set_activation;
SELECT count(*) FROM av_salary;
-- by the group alone it needs none
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ben', 'late');
SET SESSION AUTHORIZATION regress_spsa_av_app;
SET client_min_messages = notice;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:late);
SELECT spsa_deactivate_own('late');
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;

--
-- A session that is over, and a required one
--
SELECT spsa_activate(:'ben_sid', 'payroll') IS NOT NULL;
SELECT spsa_close_session(:'ben_sid');
SET SESSION AUTHORIZATION regress_spsa_av_app;
SELECT * FROM av_seen();
:code
INSERT INTO spsa.session_perm_set_activation (permission_set_id) VALUES (:payroll);
:code
DELETE FROM spsa.session_perm_set_activation;
:code
SELECT spsa_detach();
SELECT * FROM av_seen();
RESET SESSION AUTHORIZATION;
SET spsa.require_session = on;
SELECT count(*) FROM spsa.session_perm_set_activation;
SET ROLE regress_spsa_av_app;
SELECT count(*) FROM spsa.session_perm_set_activation;
:code
RESET ROLE;
RESET spsa.require_session;
-- of an administrator's own, it is no matter
SELECT spsa_attach_connection(token) IS NOT NULL AS attached FROM spsa_open_session('ben', db_role => NULL);
SELECT spsa_close_session();
SELECT count(*) > 0 AS seen FROM spsa.session_perm_set_activation;
SELECT spsa_detach();

--
-- Prying
--
SELECT spsa_activate(:'mia_sid', 'payroll', reason => 'not for other eyes') IS NOT NULL;
SET SESSION AUTHORIZATION regress_spsa_av_stranger;
CREATE FUNCTION av_leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING 'leaked %', $1; RETURN true; END $$;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq, RESTRICT = eqsel);
GRANT EXECUTE ON FUNCTION av_leak TO PUBLIC;
SELECT count(*) FROM spsa.session_perm_set_activation WHERE av_leak(description);
DELETE FROM spsa.session_perm_set_activation WHERE av_leak(description);
SELECT description FROM spsa.session_perm_set_activation WHERE description === 'x';
EXPLAIN (VERBOSE, COSTS OFF) SELECT description FROM spsa.session_perm_set_activation WHERE description === 'x';
SELECT description FROM spsa.visible_activations() v (a, b, c, d, description);
-- a view or function of somebody else's reads with the rights of whoever reads
CREATE VIEW av_mine AS SELECT * FROM spsa.session_perm_set_activation;
GRANT SELECT, DELETE ON av_mine TO PUBLIC;
SET SESSION AUTHORIZATION regress_spsa_av_app;
SELECT spsa_attach_connection(:'anns') = :'ann_sid' AS attached;
SELECT count(*) FROM spsa.session_perm_set_activation WHERE av_leak(description);
SELECT count(*) AS anns, (SELECT count(*) FROM av_mine WHERE user_id <> :ann) AS others FROM av_mine;
SET ROLE NONE;
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
ALTER VIEW av_mine OWNER TO regress_spsa_av_reader;
SET SESSION AUTHORIZATION regress_spsa_av_stranger;
SELECT count(*) FROM av_mine;
RESET SESSION AUTHORIZATION;
DROP VIEW av_mine;
DROP OPERATOR === (text, text);
DROP FUNCTION av_leak;
-- locking the view locks nothing that a decision needs
SET SESSION AUTHORIZATION regress_spsa_av_stranger;
BEGIN;
LOCK TABLE spsa.session_perm_set_activation IN ACCESS EXCLUSIVE MODE;
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode <> 'AccessShareLock'
	AND relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'spsa'::regnamespace);
ROLLBACK;
SELECT FROM spsa.session_perm_set_activation FOR UPDATE;
:code

--
-- What USAGE on the schema opens
--
RESET SESSION AUTHORIZATION;
SELECT has_schema_privilege('public', 'spsa', 'USAGE') AS usage, has_schema_privilege('public', 'spsa', 'CREATE') AS "create";
SELECT c.oid::regclass AS relation, string_agg(p, ' ' ORDER BY n) AS privileges
FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) WITH ORDINALITY q (p, n)
WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind NOT IN ('i', 'S') AND has_table_privilege('public', c.oid, p)
GROUP BY c.oid ORDER BY c.relname COLLATE "C";
SELECT c.oid::regclass AS relation, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind = 'r' AND has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES');
SELECT c.oid::regclass AS sequence FROM pg_class c
WHERE c.relnamespace = 'spsa'::regnamespace AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('public', c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT p.oid::regprocedure AS function FROM pg_proc p
WHERE p.pronamespace = 'spsa'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY p.proname COLLATE "C", p.pronargs;
SELECT t.oid::regtype AS type FROM pg_type t
WHERE t.typnamespace = 'spsa'::regnamespace AND t.typelem = 0 AND has_type_privilege('public', t.oid, 'USAGE') ORDER BY t.typname COLLATE "C";
SELECT count(*) AS of_another_kind FROM (SELECT collnamespace FROM pg_collation UNION ALL SELECT connamespace FROM pg_conversion
	UNION ALL SELECT oprnamespace FROM pg_operator UNION ALL SELECT opcnamespace FROM pg_opclass UNION ALL SELECT cfgnamespace FROM pg_ts_config) x
WHERE collnamespace = 'spsa'::regnamespace;
SET SESSION AUTHORIZATION regress_spsa_av_stranger;
CREATE TABLE av_own (s spsa.session);
:code
CREATE TABLE av_own (s spsa.session[]);
:code
CREATE TABLE av_own (LIKE spsa.session);
:code
CREATE TABLE av_own (id uuid REFERENCES spsa.session);
:code
CREATE TRIGGER t INSTEAD OF DELETE ON spsa.session_perm_set_activation FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
:code
CREATE FUNCTION spsa.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
:code
SELECT 'standard'::spsa.security_level;
RESET SESSION AUTHORIZATION;

DROP FUNCTION av_rows(), av_trail(), av_seen(), av_name(integer), av_user(bigint);
DROP VIEW av_state;
DROP TABLE av_salary, av_noted, av_before;
DROP EXTENSION spsa CASCADE;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_av_stranger;
DROP ROLE regress_spsa_av_app, regress_spsa_av_reader, regress_spsa_av_insert, regress_spsa_av_delete, regress_spsa_av_stranger;
