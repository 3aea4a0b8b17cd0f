-- exclusion: separation of duty. Static: never both assigned. Dynamic: never both in effect in a session.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_exclusion_app;
CREATE TABLE exclusion_doc (id integer);
INSERT INTO exclusion_doc VALUES (1);
GRANT SELECT, UPDATE ON exclusion_doc TO regress_spsa_exclusion_app;
SELECT spsa_protect('exclusion_doc');
CREATE FUNCTION set_of(text) RETURNS integer LANGUAGE sql AS 'SELECT set_id FROM spsa.permission_set WHERE set_name = $1';
CREATE FUNCTION user_of(text) RETURNS bigint LANGUAGE sql AS 'SELECT user_id FROM spsa.app_user WHERE user_name = $1';
CREATE PROCEDURE exclude(text, text, text) LANGUAGE sql AS 'INSERT INTO spsa.exclusion (set_a, set_b, kind) VALUES (set_of($1), set_of($2), $3)';
CREATE PROCEDURE add_member(text, text) LANGUAGE sql AS 'INSERT INTO spsa.group_member (group_id, member_id) VALUES (set_of($1), set_of($2))';
CREATE VIEW excluded AS SELECT a.set_name AS a, b.set_name AS b, e.kind
	FROM spsa.exclusion e JOIN spsa.permission_set a ON a.set_id = e.set_a JOIN spsa.permission_set b ON b.set_id = e.set_b ORDER BY 1, 2;
CREATE VIEW assigned AS SELECT u.user_name, string_agg(s.set_name, ' ' ORDER BY s.set_name) AS sets
	FROM spsa.assignment JOIN spsa.app_user u USING (user_id) JOIN spsa.permission_set s USING (set_id) GROUP BY 1 ORDER BY 1;
SELECT count(spsa_create_permission_set(s)) FROM unnest('{Pay,Approve,Audit}'::text[]) s;
SELECT spsa_create_permission_set('Mute', kind => 'muting') > 0 AS made,
	spsa_create_permission_set('Payers', kind => 'group') > 0 AS made, spsa_create_permission_set('Approvers', kind => 'group') > 0 AS made;
SELECT spsa_create_user('ann') > 0 AS made, spsa_create_user('bob') > 0 AS made;

--
-- Rows of exclusions
--
CALL exclude('Pay', 'Pay', 'static');
\echo :LAST_ERROR_SQLSTATE
CALL exclude('Pay', 'Mute', 'static');
\echo :LAST_ERROR_SQLSTATE
CALL exclude('Pay', 'Approve', 'sometimes');
\echo :LAST_ERROR_SQLSTATE
CALL exclude('Pay', 'Approve', NULL);
INSERT INTO spsa.exclusion (set_a, set_b, kind) VALUES (set_of('Pay'), 99999, 'static');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.exclusion (set_a, set_b, kind) VALUES (NULL, set_of('Pay'), 'static');
\echo :LAST_ERROR_SQLSTATE
CALL exclude('Approve', 'Pay', 'static');
SELECT * FROM excluded;
CALL exclude('Pay', 'Approve', 'dynamic');
\echo :LAST_ERROR_SQLSTATE
-- the constraints say the same
BEGIN;
ALTER TABLE spsa.exclusion DISABLE TRIGGER check_row;
\set VERBOSITY terse
SAVEPOINT s;
INSERT INTO spsa.exclusion (set_a, set_b, kind) VALUES (set_of('Audit'), set_of('Pay'), 'static');
ROLLBACK TO s;
INSERT INTO spsa.exclusion (set_a, set_b, kind) VALUES (set_of('Pay'), set_of('Audit'), 'sometimes');
ROLLBACK;
\set VERBOSITY default

--
-- Static, at assignment: by function and directly
--
SELECT spsa_assign('ann', 'Pay');
SELECT spsa_assign('ann', 'Approve');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_assign('bob', 'Approve');
SELECT spsa_assign('bob', 'Audit');
INSERT INTO spsa.assignment (user_id, set_id) VALUES (user_of('ann'), set_of('Approve'));
UPDATE spsa.assignment SET set_id = set_of('Pay') WHERE set_id = set_of('Audit');
UPDATE spsa.assignment SET user_id = user_of('ann') WHERE set_id = set_of('Approve');
UPDATE spsa.assignment SET user_id = user_of('bob') WHERE set_id = set_of('Pay');
-- many at once
DELETE FROM spsa.assignment;
INSERT INTO spsa.assignment (user_id, set_id) VALUES (user_of('ann'), set_of('Pay')), (user_of('ann'), set_of('Approve'));
WITH a AS (INSERT INTO spsa.assignment (user_id, set_id) VALUES (user_of('ann'), set_of('Pay')))
INSERT INTO spsa.assignment (user_id, set_id) VALUES (user_of('ann'), set_of('Approve'));
INSERT INTO spsa.assignment (user_id, set_id) VALUES (user_of('ann'), set_of('Pay')), (user_of('bob'), set_of('Approve'));
UPDATE spsa.assignment SET user_id = user_of('ann');
-- swapping them does no harm
UPDATE spsa.assignment SET user_id = CASE user_id WHEN user_of('ann') THEN user_of('bob') ELSE user_of('ann') END;
SELECT * FROM assigned;
DELETE FROM spsa.assignment;

--
-- Assignments that have run out or have not begun
--
INSERT INTO spsa.assignment (user_id, set_id, starts_at, expires_at) VALUES (user_of('ann'), set_of('Pay'), now() - interval '2 days', now() - interval '1 day');
SELECT spsa_assign('ann', 'Approve');
UPDATE spsa.assignment SET expires_at = now() + interval '1 day' WHERE set_id = set_of('Pay');
UPDATE spsa.assignment SET expires_at = NULL WHERE set_id = set_of('Pay');
SELECT spsa_assign('ann', 'Pay');
DELETE FROM spsa.assignment;
-- one after the other, not overlapping
INSERT INTO spsa.assignment (user_id, set_id, expires_at) VALUES (user_of('ann'), set_of('Pay'), '2100-01-01');
INSERT INTO spsa.assignment (user_id, set_id, starts_at) VALUES (user_of('ann'), set_of('Approve'), '2099-12-31');
INSERT INTO spsa.assignment (user_id, set_id, starts_at) VALUES (user_of('ann'), set_of('Approve'), '2100-01-01');
UPDATE spsa.assignment SET starts_at = '2099-12-31' WHERE set_id = set_of('Approve');
UPDATE spsa.assignment SET expires_at = '2100-01-02' WHERE set_id = set_of('Pay');
UPDATE spsa.assignment SET expires_at = NULL WHERE set_id = set_of('Pay');
SELECT spsa_assign('ann', 'Pay', '2100-01-02');
SELECT spsa_assign('ann', 'Pay', '2099-01-02');
SELECT * FROM assigned;
DELETE FROM spsa.assignment;
-- of a user who is disabled just as well
UPDATE spsa.app_user SET is_active = false WHERE user_name = 'ann';
SELECT spsa_assign('ann', 'Pay');
SELECT spsa_assign('ann', 'Approve');
UPDATE spsa.app_user SET is_active = true WHERE user_name = 'ann';
DELETE FROM spsa.assignment;

--
-- What groups contain counts
--
CALL add_member('Payers', 'Pay');
CALL add_member('Approvers', 'Approve');
SELECT spsa_assign('ann', 'Payers');
SELECT spsa_assign('ann', 'Approve');
SELECT spsa_assign('ann', 'Approvers');
SELECT spsa_assign('ann', 'Pay');
-- members that come later, or move
SELECT spsa_assign('bob', 'Approvers');
CALL add_member('Payers', 'Approve');
CALL add_member('Approvers', 'Pay');
UPDATE spsa.group_member SET member_id = set_of('Pay') WHERE group_id = set_of('Approvers');
CALL add_member('Payers', 'Audit');
UPDATE spsa.group_member SET member_id = set_of('Approve') WHERE member_id = set_of('Audit');
-- a group that nobody has may contain both; then nobody gets it
SELECT spsa_revoke_assignment('ann', 'Payers'), spsa_revoke_assignment('ann', 'Pay');
CALL add_member('Payers', 'Approve');
SELECT spsa_assign('ann', 'Payers');
DELETE FROM spsa.group_member WHERE group_id = set_of('Payers') AND member_id = set_of('Approve');
SELECT spsa_assign('ann', 'Payers');
-- a group and a set
DELETE FROM spsa.exclusion;
DELETE FROM spsa.assignment;
CALL exclude('Payers', 'Audit', 'static');
\echo :LAST_ERROR_SQLSTATE
CALL exclude('Payers', 'Approvers', 'static');
SELECT spsa_assign('ann', 'Payers');
SELECT spsa_assign('ann', 'Audit');
SELECT spsa_assign('ann', 'Approve');
SELECT spsa_assign('ann', 'Approvers');
DELETE FROM spsa.assignment;
DELETE FROM spsa.exclusion;

--
-- An exclusion of what is assigned already
--
SELECT spsa_assign('ann', 'Pay'), spsa_assign('ann', 'Approve');
CALL exclude('Pay', 'Approve', 'static');
\echo :LAST_ERROR_SQLSTATE
CALL exclude('Pay', 'Approve', 'dynamic');
UPDATE spsa.exclusion SET kind = 'static';
SELECT spsa_revoke_assignment('ann', 'Pay');
UPDATE spsa.exclusion SET kind = 'static';
SELECT spsa_assign('ann', 'Pay');
CALL exclude('Pay', 'Audit', 'static');
SELECT spsa_assign('ann', 'Audit');
UPDATE spsa.exclusion SET set_a = set_of('Approve'), set_b = set_of('Audit') WHERE set_b = set_of('Audit');
SELECT spsa_assign('bob', 'Pay'), spsa_assign('bob', 'Audit');
-- without the exclusion
DELETE FROM spsa.assignment;
TRUNCATE spsa.exclusion;
SELECT spsa_assign('ann', 'Pay'), spsa_assign('ann', 'Approve');
DELETE FROM spsa.permission_set WHERE set_name = 'Audit';
SELECT event FROM spsa.audit_event WHERE event LIKE 'exclusion%' ORDER BY event_id;
DELETE FROM spsa.assignment;
DELETE FROM spsa.group_member;

--
-- Dynamic: both may be assigned, one may be in effect
--
SELECT spsa_create_permission_set('Read') > 0 AS made, spsa_grant_object('Read', 'exclusion_doc', '{read}'),
	spsa_grant_object('Pay', 'exclusion_doc', '{read}'), spsa_grant_object('Approve', 'exclusion_doc', '{read,edit}');
UPDATE spsa.permission_set SET activation_required = true WHERE set_name IN ('Pay', 'Approve');
CALL exclude('Pay', 'Approve', 'dynamic');
SELECT spsa_assign('ann', 'Pay'), spsa_assign('ann', 'Approve');
SELECT session_id AS sid, token AS tok FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT session_id AS other_sid, token AS other FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
CREATE VIEW effect AS SELECT spsa_session_info() -> 'EffectiveSets' AS effective, spsa_allows('exclusion_doc', 'read') AS read, spsa_allows('exclusion_doc', 'edit') AS edit;
GRANT SELECT ON effect TO regress_spsa_exclusion_app;
SET ROLE regress_spsa_exclusion_app;
SELECT already_active FROM spsa_activate_own('Pay');
SELECT * FROM spsa_activate_own('Approve');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM spsa_activate(:'sid', 'Approve');
SELECT * FROM effect;
RESET ROLE;
-- nor by the administrator
SELECT * FROM spsa_activate(:'sid', 'Approve');
-- another session of the user is another matter
SELECT already_active FROM spsa_activate(:'other_sid', 'Approve');
SET ROLE regress_spsa_exclusion_app;
SELECT spsa_deactivate_own('Pay');
SELECT already_active FROM spsa_activate_own('Approve');
SELECT * FROM effect;
SELECT * FROM spsa_activate_own('Pay');
-- savepoints
SELECT spsa_deactivate_own('Approve');
BEGIN;
SAVEPOINT s;
SELECT already_active FROM spsa_activate_own('Pay');
ROLLBACK TO s;
SELECT already_active FROM spsa_activate_own('Approve');
SAVEPOINT t;
SELECT * FROM spsa_activate_own('Pay');
ROLLBACK TO t;
SELECT spsa_deactivate_own('Approve');
SELECT already_active FROM spsa_activate_own('Pay');
ROLLBACK TO t;
SELECT * FROM effect;
COMMIT;
SELECT * FROM effect;
SELECT spsa_deactivate_all();

--
-- Ways around it: what comes into force without an activation takes both out of effect
--
-- the activation's row written directly
SELECT already_active FROM spsa_activate_own('Pay');
RESET ROLE;
BEGIN;
INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at)
SELECT :'sid', set_id, assignment_id, now() + interval '1 hour' FROM spsa.assignment WHERE set_id = set_of('Approve');
SELECT * FROM effect;
ROLLBACK;
SELECT * FROM effect;
-- the requirement of activation dropped
BEGIN;
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'Approve';
SELECT * FROM effect;
SET LOCAL ROLE regress_spsa_exclusion_app;
SELECT count(*) FROM exclusion_doc;
SAVEPOINT s;
UPDATE exclusion_doc SET id = id;
ROLLBACK TO s;
-- the way out
SELECT spsa_deactivate_own('Pay');
SELECT * FROM effect;
SELECT * FROM spsa_activate_own('Pay');
ROLLBACK;
-- a group that brings it in, or a member that comes
BEGIN;
CALL add_member('Approvers', 'Approve');
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_name = 'Approvers';
SELECT spsa_assign('ann', 'Approvers');
SELECT * FROM effect;
DELETE FROM spsa.group_member;
SELECT * FROM effect;
ROLLBACK;
-- an assignment that begins
BEGIN;
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'Approve';
UPDATE spsa.assignment SET starts_at = clock_timestamp() + interval '0.3 seconds' WHERE set_id = set_of('Approve');
SELECT * FROM effect;
SELECT pg_sleep(0.4);
SELECT * FROM effect;
ROLLBACK;
-- the exclusion made while both are in effect; a static one turned into a dynamic one
BEGIN;
DELETE FROM spsa.exclusion;
SET LOCAL ROLE regress_spsa_exclusion_app;
SELECT already_active FROM spsa_activate_own('Approve');
SELECT * FROM effect;
RESET ROLE;
CALL exclude('Approve', 'Pay', 'dynamic');
SELECT * FROM effect;
-- active already, which helps nothing
SET LOCAL ROLE regress_spsa_exclusion_app;
SAVEPOINT s;
SELECT already_active FROM spsa_activate_own('Approve');
ROLLBACK TO s;
SELECT spsa_deactivate_own('Pay');
SELECT * FROM effect;
ROLLBACK;
SELECT * FROM effect;
-- what others grant stays
SELECT spsa_assign('ann', 'Read');
BEGIN;
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'Approve';
SELECT * FROM effect;
ROLLBACK;
-- with both of no requirement nothing can be done but to take one away
BEGIN;
UPDATE spsa.permission_set SET activation_required = false WHERE set_name IN ('Pay', 'Approve');
SELECT * FROM effect;
SELECT spsa_revoke_assignment('ann', 'Pay');
SELECT * FROM effect;
ROLLBACK;
SELECT spsa_deactivate_all(:'sid');

--
-- Dynamic exclusions of what groups contain, and of groups
--
SELECT spsa_revoke_assignment('ann', 'Read');
CALL add_member('Payers', 'Pay');
CALL add_member('Approvers', 'Approve');
UPDATE spsa.permission_set SET activation_required = true, member_activation = 'bypass' WHERE kind = 'group';
SELECT spsa_assign('ann', 'Payers'), spsa_assign('ann', 'Approvers');
SET ROLE regress_spsa_exclusion_app;
SELECT already_active FROM spsa_activate_own('Payers');
SELECT * FROM effect;
SELECT * FROM spsa_activate_own('Approvers');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM spsa_activate_own('Approve');
SELECT spsa_deactivate_own('Payers');
SELECT already_active FROM spsa_activate_own('Approve');
SELECT * FROM spsa_activate_own('Payers');
SELECT already_active FROM spsa_activate_own('Approvers');
SELECT spsa_deactivate_all();
RESET ROLE;
-- members that keep their requirement come one by one
UPDATE spsa.permission_set SET member_activation = 'keep' WHERE kind = 'group';
SELECT spsa_revoke_assignment('ann', 'Pay'), spsa_revoke_assignment('ann', 'Approve');
SET ROLE regress_spsa_exclusion_app;
SELECT already_active FROM spsa_activate_own('Payers');
SELECT already_active FROM spsa_activate_own('Approvers');
SELECT already_active FROM spsa_activate_own('Approve');
SELECT * FROM spsa_activate_own('Pay');
SELECT * FROM effect;
SELECT spsa_deactivate_own('Approvers');
SELECT already_active FROM spsa_activate_own('Pay');
SELECT already_active FROM spsa_activate_own('Approvers');
SELECT * FROM spsa_activate_own('Approve');
RESET ROLE;
-- both in one group: it cannot be activated
CALL add_member('Payers', 'Approve');
SET ROLE regress_spsa_exclusion_app;
SELECT spsa_deactivate_all();
RESET ROLE;
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE kind = 'group';
SET ROLE regress_spsa_exclusion_app;
SELECT * FROM spsa_activate_own('Payers');
SELECT * FROM effect;
RESET ROLE;
DELETE FROM spsa.group_member WHERE group_id = set_of('Payers') AND member_id = set_of('Approve');
-- the groups themselves
DELETE FROM spsa.exclusion;
CALL exclude('Payers', 'Approvers', 'dynamic');
SELECT spsa_assign('ann', 'Approve');
SET ROLE regress_spsa_exclusion_app;
SELECT already_active FROM spsa_activate_own('Payers');
SELECT * FROM spsa_activate_own('Approvers');
SELECT already_active FROM spsa_activate_own('Approve');
SELECT * FROM effect;
RESET ROLE;
-- a group out of effect takes its members' effect by way of it, not by another
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'Approvers';
SELECT * FROM effect;
-- a group and a member of another
DELETE FROM spsa.exclusion;
CALL exclude('Payers', 'Approve', 'dynamic');
SELECT * FROM effect;
SELECT spsa_deactivate_all(:'sid');
SELECT * FROM effect;
SET ROLE regress_spsa_exclusion_app;
SELECT * FROM spsa_activate_own('Payers');
RESET ROLE;
-- in a session to which one of them is not allowed there is no conflict
SELECT token AS narrow FROM spsa_open_session('ann', db_role => NULL, sets => '{Payers}') \gset
SELECT spsa_attach_connection(:'narrow') IS NOT NULL AS attached;
SET ROLE regress_spsa_exclusion_app;
SELECT already_active FROM spsa_activate_own('Payers');
SELECT * FROM effect;
RESET ROLE;

SELECT spsa_detach();
DROP EXTENSION spsa CASCADE;
DROP VIEW IF EXISTS effect, assigned, excluded;
DROP TABLE exclusion_doc;
DROP FUNCTION set_of, user_of;
DROP PROCEDURE exclude, add_member;
DROP ROLE regress_spsa_exclusion_app;
