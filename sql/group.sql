-- group: groups of permission sets: activation at the group, members that keep their requirement, muting, limits.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_group_app;
CREATE TABLE group_doc (id integer PRIMARY KEY, region text, note text);
INSERT INTO group_doc VALUES (1, 'EU', 'a'), (2, 'US', 'b'), (3, 'AP', 'c');
CREATE TABLE group_pay (id integer);
INSERT INTO group_pay VALUES (1), (2);
GRANT SELECT, INSERT, UPDATE, DELETE ON group_doc, group_pay TO regress_spsa_group_app;
SELECT spsa_protect('group_doc', '{region}'), spsa_protect('group_pay');
CREATE FUNCTION set_of(text) RETURNS integer LANGUAGE sql AS 'SELECT set_id FROM spsa.permission_set WHERE set_name = $1';
CREATE PROCEDURE add_member(text, text) LANGUAGE sql AS 'INSERT INTO spsa.group_member (group_id, member_id) VALUES (set_of($1), set_of($2))';
CREATE PROCEDURE remove_member(text, text) LANGUAGE sql AS 'DELETE FROM spsa.group_member WHERE group_id = set_of($1) AND member_id = set_of($2)';
CREATE PROCEDURE mute(text, regclass, text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO spsa.object_permission (set_id, object, %I) VALUES ($1, $2, true)', $3) USING set_of($1), $2;
END $$;

--
-- What can be a group and a member
--
SELECT spsa_create_permission_set('Plain') > 0 AS made, spsa_create_permission_set('Muting', kind => 'muting') > 0 AS made,
	spsa_create_permission_set('Team', kind => 'group') > 0 AS made, spsa_create_permission_set('Other_team', kind => 'group') > 0 AS made;
SELECT set_name, kind, activation_required, member_activation FROM spsa.permission_set ORDER BY 1;
CALL add_member('Plain', 'Muting');
\echo :LAST_ERROR_SQLSTATE
CALL add_member('Muting', 'Plain');
CALL add_member('Team', 'Other_team');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
CALL add_member('Team', 'Team');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.group_member (group_id, member_id) VALUES (set_of('Team'), 99999);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.group_member (group_id, member_id) VALUES (99999, set_of('Plain'));
INSERT INTO spsa.group_member (group_id, member_id) VALUES (NULL, set_of('Plain'));
\set VERBOSITY default
CALL add_member('Team', 'Plain');
CALL add_member('Team', 'Muting');
\set VERBOSITY terse
CALL add_member('Team', 'Plain');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
UPDATE spsa.group_member SET group_id = set_of('Plain') WHERE member_id = set_of('Muting');
UPDATE spsa.group_member SET member_id = set_of('Other_team') WHERE member_id = set_of('Muting');
-- a group of groups that a single statement makes
WITH g AS (INSERT INTO spsa.permission_set (set_name, kind) VALUES ('Outer', 'group'), ('Inner', 'group') RETURNING set_id)
INSERT INTO spsa.group_member (group_id, member_id) SELECT min(set_id), max(set_id) FROM g;
SELECT count(*) FROM spsa.permission_set WHERE set_name IN ('Outer', 'Inner');
-- kinds stay what they are, and each has its settings
UPDATE spsa.permission_set SET kind = 'set' WHERE set_name = 'Team';
UPDATE spsa.permission_set SET kind = 'group', member_activation = 'keep' WHERE set_name = 'Plain';
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_name = 'Plain';
UPDATE spsa.permission_set SET member_activation = 'ask' WHERE set_name = 'Team';
UPDATE spsa.permission_set SET member_activation = NULL WHERE set_name = 'Team';
SELECT member_activation FROM spsa.permission_set WHERE set_name = 'Team';
UPDATE spsa.permission_set SET activation_required = true WHERE set_name = 'Muting';
SELECT spsa_create_permission_set('x', kind => 'muting', activation_required => true);
-- a group has no permissions of its own, a muting set no row scopes
SELECT spsa_grant_object('Team', 'group_doc', '{read}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.field_permission (set_id, object, field, can_read) VALUES (set_of('Team'), 'group_doc', 'note', true);
INSERT INTO spsa.function_permission (set_id, function) VALUES (set_of('Team'), 'set_of(text)');
INSERT INTO spsa.custom_permission_grant (set_id, permission_id) VALUES (set_of('Team'), 1);
INSERT INTO spsa.object_permission (set_id, object, can_read, row_scoped) VALUES (set_of('Muting'), 'group_doc', true, true);
\echo :LAST_ERROR_SQLSTATE
CALL mute('Muting', 'group_doc', 'modify_all');
SELECT spsa_grant_rows('Muting', 'group_doc', 'region', '{EU}');
DELETE FROM spsa.object_permission;
DELETE FROM spsa.permission_set;
-- a hundred members, and one more: one at a time, and many at once
SELECT spsa_create_permission_set('Team', kind => 'group') > 0 AS made, spsa_create_permission_set('Other_team', kind => 'group') > 0 AS made;
SELECT count(spsa_create_permission_set('m' || i, kind => CASE WHEN i % 2 = 0 THEN 'set' ELSE 'muting' END)) FROM generate_series(1, 101) i;
INSERT INTO spsa.group_member (group_id, member_id) SELECT set_of('Team'), set_id FROM spsa.permission_set WHERE set_name LIKE 'm%';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO spsa.group_member (group_id, member_id) SELECT set_of('Team'), set_id FROM spsa.permission_set WHERE set_name LIKE 'm%' AND set_name <> 'm50';
CALL add_member('Team', 'm50');
CALL add_member('Other_team', 'm50');
UPDATE spsa.group_member SET group_id = set_of('Team') WHERE group_id = set_of('Other_team');
CALL remove_member('Team', 'm51');
CALL add_member('Team', 'm50');
UPDATE spsa.group_member SET member_id = set_of('m51') WHERE member_id = set_of('m50') AND group_id = set_of('Team');
SELECT count(*) FROM spsa.group_member WHERE group_id = set_of('Team');
DELETE FROM spsa.permission_set;

--
-- The sets of the rest: Eu and Us read rows of a region; Edit edits and requires activation; All reaches every row
--
SELECT spsa_create_permission_set('Eu') > 0 AS made, spsa_create_permission_set('Us') > 0 AS made,
	spsa_create_permission_set('Edit', activation_required => true) > 0 AS made, spsa_create_permission_set('Everything') > 0 AS made,
	spsa_create_permission_set('Mute', kind => 'muting') > 0 AS made, spsa_create_permission_set('Mute_too', kind => 'muting') > 0 AS made,
	spsa_create_permission_set('Open', kind => 'group') > 0 AS made,
	spsa_create_permission_set('Gated', kind => 'group', activation_required => true) > 0 AS made,
	spsa_create_permission_set('Second', kind => 'group') > 0 AS made;
SELECT spsa_grant_object('Eu', 'group_doc', '{read}'), spsa_grant_rows('Eu', 'group_doc', 'region', '{EU}'),
	spsa_grant_object('Us', 'group_doc', '{read}'), spsa_grant_rows('Us', 'group_doc', 'region', '{US}'),
	spsa_grant_object('Edit', 'group_doc', '{read,edit}'), spsa_grant_rows('Edit', 'group_doc', 'region', '{EU,AP}'),
	spsa_grant_object('Everything', 'group_doc', '{read,create,edit,delete,view_all,modify_all}'),
	spsa_grant_object('Everything', 'group_pay', '{read,create,edit,delete}');
SELECT spsa_create_user('ann') > 0 AS made;
SELECT session_id AS sid, token AS tok FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
-- What Ann may do, told by the functions, by what is visible and by what can be written
CREATE VIEW may AS SELECT string_agg(p, ' ' ORDER BY n) AS "all rows" FROM unnest(ARRAY['read', 'create', 'edit', 'delete', 'view_all', 'modify_all'])
	WITH ORDINALITY u (p, n) WHERE spsa_allows('group_doc', p);
GRANT SELECT ON may TO regress_spsa_group_app;
GRANT EXECUTE ON FUNCTION set_of TO regress_spsa_group_app;
CREATE FUNCTION see() RETURNS TABLE (effective jsonb, rows text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE regress_spsa_group_app;
	RETURN QUERY SELECT spsa_session_info() -> 'EffectiveSets', (SELECT string_agg(id::text, ' ' ORDER BY id) FROM group_doc);
	RESET ROLE;
END $$;

--
-- A group grants what its members grant; a member keeps its requirement
--
CALL add_member('Open', 'Eu');
CALL add_member('Open', 'Edit');
SELECT * FROM see();
SELECT spsa_assign('ann', 'Open');
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note;
\echo :LAST_ERROR_SQLSTATE
SET client_min_messages = notice;
SELECT already_active FROM spsa_activate_own('Open');
SELECT already_active FROM spsa_activate_own('Eu');
SELECT spsa_deactivate_own('Open');
SELECT spsa_deactivate_own('Edit');
SET client_min_messages = warning;
SELECT permission_set, already_active FROM spsa_activate_own('Edit');
UPDATE group_doc SET note = note RETURNING id;
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
SELECT spsa_deactivate_own('Edit');
UPDATE group_doc SET note = note;
RESET ROLE;
-- unless the group says that it need not
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_name = 'Open';
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note RETURNING id;
SET client_min_messages = notice;
SELECT already_active FROM spsa_activate_own('Edit');
SELECT spsa_deactivate_own('Edit');
SET client_min_messages = warning;
RESET ROLE;
UPDATE spsa.permission_set SET member_activation = 'keep' WHERE set_name = 'Open';
SELECT * FROM see();
SELECT spsa_revoke_assignment('ann', 'Open');
SELECT * FROM see();

--
-- A group that requires activation gates all that it contains
--
CALL add_member('Gated', 'Eu');
CALL add_member('Gated', 'Edit');
SELECT spsa_assign('ann', 'Gated');
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note;
SELECT * FROM spsa_activate_own('Edit');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM spsa_activate_own('Eu');
SELECT permission_set, already_active FROM spsa_activate(:'sid', 'Gated');
SELECT permission_set, already_active FROM spsa_activate(:'sid', 'Gated');
RESET ROLE;
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note;
SELECT permission_set FROM spsa_activate_own('Edit');
UPDATE group_doc SET note = note RETURNING id;
-- closing the group ends what was activated under it
SELECT spsa_deactivate(:'sid', 'Gated');
UPDATE group_doc SET note = note;
SELECT permission_set FROM spsa_activate_own('Gated');
UPDATE group_doc SET note = note;
RESET ROLE;
SELECT * FROM see();
SELECT event, set_name FROM spsa.audit_event WHERE event IN ('activate', 'deactivate') ORDER BY event_id;
-- without the requirement of the member, at the group alone
UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_name = 'Gated';
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note RETURNING id;
SELECT spsa_deactivate_own('Gated');
UPDATE group_doc SET note = note;
RESET ROLE;
UPDATE spsa.permission_set SET member_activation = 'keep' WHERE set_name = 'Gated';
-- a group that ceases to require activation, and requires it again
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'Gated';
SELECT * FROM see();
UPDATE spsa.permission_set SET activation_required = true WHERE set_name = 'Gated';
SELECT * FROM see();

--
-- A member's activation is capped by its group's
--
SET ROLE regress_spsa_group_app;
SELECT expires_at AS group_ends FROM spsa_activate_own('Gated', '1 hour') \gset
SELECT expires_at = :'group_ends' AS capped FROM spsa_activate_own('Edit');
SELECT spsa_deactivate_own('Edit');
SELECT expires_at = :'group_ends' AS capped FROM spsa_activate_own('Edit', '2 hours');
SELECT spsa_deactivate_own('Edit');
SELECT expires_at < :'group_ends' AS shorter FROM spsa_activate_own('Edit', '10 minutes');
-- extending the group lets the member be extended, and does not do it
SELECT expires_at > :'group_ends' AS extended, already_active, expires_at AS group_ends FROM spsa_activate_own('Gated', '2 hours') \gset
SELECT :'extended' AS extended, :'already_active' AS already_active;
SELECT expires_at < :'group_ends'::timestamptz - interval '1 hour' AS as_it_was FROM spsa_activate_own('Edit');
SELECT expires_at = :'group_ends' AS capped, already_active FROM spsa_activate_own('Edit', '3 hours');
-- what has run out by the clock gates, and does not open again with the group
RESET ROLE;
UPDATE spsa.activation SET activated_at = now() - interval '1 day', expires_at = now() - interval '1 second';
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Gated');
UPDATE group_doc SET note = note;
SELECT already_active FROM spsa_activate_own('Edit');
SELECT spsa_deactivate_all();
RESET ROLE;

--
-- A member that is assigned directly as well
--
SELECT spsa_assign('ann', 'Eu'), spsa_assign('ann', 'Edit', now() + interval '30 minutes');
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
SELECT expires_at <= now() + interval '30 minutes' AS by_itself FROM spsa_activate_own('Edit');
UPDATE group_doc SET note = note RETURNING id;
-- the group comes and goes without touching it
SELECT already_active FROM spsa_activate_own('Gated');
SELECT expires_at <= now() + interval '30 minutes' AS by_itself, already_active FROM spsa_activate_own('Edit', '5 hours');
SELECT spsa_deactivate_own('Gated');
UPDATE group_doc SET note = note RETURNING id;
SELECT spsa_deactivate_own('Edit');
RESET ROLE;
-- activated by way of the group, it ends with the group's assignment and not with its own
SELECT spsa_revoke_assignment('ann', 'Edit');
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Gated');
SELECT already_active FROM spsa_activate_own('Edit');
RESET ROLE;
SELECT spsa_assign('ann', 'Edit');
SELECT spsa_revoke_assignment('ann', 'Edit');
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note RETURNING id;
RESET ROLE;
SELECT spsa_assign('ann', 'Edit');
SELECT spsa_revoke_assignment('ann', 'Gated');
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note;
RESET ROLE;
-- assigned again, nothing is active again
SELECT spsa_assign('ann', 'Gated');
SELECT * FROM see();
SELECT spsa_revoke_assignment('ann', 'Eu'), spsa_revoke_assignment('ann', 'Edit');

--
-- The group's assignment runs out, or has not begun
--
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Gated');
SELECT already_active FROM spsa_activate_own('Edit');
RESET ROLE;
SELECT * FROM see();
BEGIN;
UPDATE spsa.assignment SET starts_at = now() - interval '2 days', expires_at = now() - interval '1 day';
SELECT * FROM see();
SET LOCAL ROLE regress_spsa_group_app;
SAVEPOINT s;
SELECT * FROM spsa_activate_own('Edit');
ROLLBACK TO s;
SELECT * FROM spsa_activate_own('Gated');
ROLLBACK;
BEGIN;
UPDATE spsa.assignment SET starts_at = now() + interval '1 day', expires_at = NULL;
SELECT * FROM see();
ROLLBACK;
SELECT * FROM see();
-- the end of the assignment ends activations of group and members
UPDATE spsa.assignment SET expires_at = now() + interval '10 minutes';
SET ROLE regress_spsa_group_app;
SELECT spsa_deactivate_all();
SELECT expires_at <= now() + interval '10 minutes' AS capped FROM spsa_activate_own('Gated', '1 hour');
SELECT expires_at <= now() + interval '10 minutes' AS capped FROM spsa_activate_own('Edit', '1 hour');
RESET ROLE;
UPDATE spsa.assignment SET expires_at = NULL;

--
-- Savepoints and rollback
--
SET ROLE regress_spsa_group_app;
SELECT spsa_deactivate_all();
BEGIN;
SELECT already_active FROM spsa_activate_own('Gated');
SAVEPOINT s;
SELECT already_active FROM spsa_activate_own('Edit');
UPDATE group_doc SET note = note RETURNING id;
ROLLBACK TO s;
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
SELECT spsa_deactivate_own('Gated');
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
ROLLBACK TO s;
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
ROLLBACK;
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
SELECT already_active FROM spsa_activate_own('Gated');
SELECT already_active FROM spsa_activate_own('Edit');
BEGIN;
SELECT spsa_deactivate_own('Gated');
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
ROLLBACK;
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
RESET ROLE;
BEGIN;
CALL remove_member('Gated', 'Eu');
SELECT * FROM see();
SAVEPOINT s;
CALL add_member('Gated', 'Us');
SELECT * FROM see();
ROLLBACK TO s;
SELECT * FROM see();
ROLLBACK;
SELECT * FROM see();

--
-- A prepared statement follows every change of the group
--
PREPARE p AS SELECT string_agg(id::text, ' ' ORDER BY id) AS rows FROM group_doc;
SET ROLE regress_spsa_group_app;
EXECUTE p;
RESET ROLE;
CALL add_member('Gated', 'Us');
SET ROLE regress_spsa_group_app;
EXECUTE p;
RESET ROLE;
CALL add_member('Gated', 'Mute');
CALL mute('Mute', 'group_doc', 'can_read');
SET ROLE regress_spsa_group_app;
EXECUTE p;
RESET ROLE;
CALL remove_member('Gated', 'Mute');
CALL remove_member('Gated', 'Us');
SET ROLE regress_spsa_group_app;
EXECUTE p;
DEALLOCATE p;
RESET ROLE;
DELETE FROM spsa.object_permission WHERE muting;

--
-- Members and groups are dropped
--
BEGIN;
DELETE FROM spsa.permission_set WHERE set_name = 'Eu';
SELECT * FROM see();
ROLLBACK;
BEGIN;
DELETE FROM spsa.permission_set WHERE set_name = 'Gated';
SELECT * FROM see();
SELECT count(*) FROM spsa.group_member m WHERE NOT EXISTS (SELECT FROM spsa.permission_set s WHERE s.set_id = m.group_id);
ROLLBACK;
SELECT * FROM see();
BEGIN;
TRUNCATE spsa.group_member;
SELECT * FROM see();
ROLLBACK;
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
SELECT spsa_deactivate_all();
RESET ROLE;
DELETE FROM spsa.assignment;

--
-- Muting takes away what it lists and what depends on it, inside its group only
--
CALL add_member('Second', 'Everything');
CALL add_member('Second', 'Mute');
SELECT spsa_assign('ann', 'Second');
SELECT * FROM may;
CALL mute('Mute', 'group_doc', 'can_create');
SELECT * FROM may;
UPDATE spsa.object_permission SET can_create = false, view_all = true WHERE muting;
SELECT * FROM may;
UPDATE spsa.object_permission SET view_all = false, modify_all = true WHERE muting;
SELECT * FROM may;
UPDATE spsa.object_permission SET modify_all = false, can_delete = true WHERE muting;
SELECT * FROM may;
UPDATE spsa.object_permission SET can_delete = false, can_edit = true WHERE muting;
SELECT * FROM may;
UPDATE spsa.object_permission SET can_edit = false, can_read = true WHERE muting;
SELECT * FROM may;
-- nothing of another object
SELECT spsa_allows('group_pay', 'read');
UPDATE spsa.object_permission SET can_read = false WHERE muting;
SELECT * FROM may;
-- two muting sets add up
UPDATE spsa.object_permission SET can_create = true WHERE muting;
CALL add_member('Second', 'Mute_too');
CALL mute('Mute_too', 'group_doc', 'view_all');
SELECT * FROM may;
-- a direct assignment of the member is not muted; nor is it by another group, or one that mutes something else
SELECT spsa_assign('ann', 'Everything');
SELECT * FROM may;
SELECT spsa_revoke_assignment('ann', 'Everything');
CALL remove_member('Gated', 'Eu');
CALL remove_member('Gated', 'Edit');
CALL add_member('Gated', 'Everything');
CALL add_member('Gated', 'Mute_too');
UPDATE spsa.permission_set SET activation_required = false WHERE set_name = 'Gated';
SELECT spsa_assign('ann', 'Gated');
SELECT * FROM may;
CALL remove_member('Gated', 'Mute_too');
SELECT * FROM may;
-- a muting set that is assigned gives nothing, and takes nothing
SELECT spsa_assign('ann', 'Mute'), spsa_assign('ann', 'Mute_too');
SELECT * FROM may;
SET ROLE regress_spsa_group_app;
SELECT * FROM spsa_activate_own('Mute');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
DELETE FROM spsa.assignment;
-- a member that requires activation mutes no less while it is inactive, and a closed group mutes nothing elsewhere
UPDATE spsa.permission_set SET activation_required = true WHERE set_name = 'Second';
UPDATE spsa.object_permission SET can_create = false, can_read = true WHERE set_id = set_of('Mute');
SELECT spsa_assign('ann', 'Second'), spsa_assign('ann', 'Eu');
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Second');
-- reading is muted in it, so that it grants nothing, and the hint does not name it
UPDATE group_doc SET note = note;
UPDATE group_pay SET id = id RETURNING id;
SELECT spsa_deactivate_own('Second');
UPDATE group_pay SET id = id;
RESET ROLE;

--
-- Muting one privilege of a row-scoped set
--
DELETE FROM spsa.assignment;
DELETE FROM spsa.group_member;
UPDATE spsa.permission_set SET activation_required = false WHERE set_name IN ('Second', 'Edit');
CALL add_member('Second', 'Edit');
CALL add_member('Second', 'Mute');
UPDATE spsa.object_permission SET can_read = false, can_edit = true WHERE set_id = set_of('Mute');
SELECT spsa_assign('ann', 'Second');
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note;
RESET ROLE;
UPDATE spsa.object_permission SET can_edit = false, view_all = true WHERE set_id = set_of('Mute');
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note RETURNING id;
RESET ROLE;
-- view_all muted: the scopes narrow again
UPDATE spsa.object_permission SET view_all = true WHERE set_id = set_of('Edit');
SELECT * FROM see();
CALL remove_member('Second', 'Mute');
SELECT * FROM see();
CALL add_member('Second', 'Mute');
SELECT * FROM see();
-- modify_all muted: edits reach the scopes only, reads everything
UPDATE spsa.object_permission SET can_delete = true, modify_all = true WHERE set_id = set_of('Edit');
UPDATE spsa.object_permission SET view_all = false, modify_all = true WHERE set_id = set_of('Mute');
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note RETURNING id;
RESET ROLE;
CALL remove_member('Second', 'Mute');
SET ROLE regress_spsa_group_app;
UPDATE group_doc SET note = note RETURNING id;
RESET ROLE;

--
-- Custom permissions are muted as well
--
INSERT INTO spsa.custom_permission (permission_name) VALUES ('export');
INSERT INTO spsa.custom_permission_grant SELECT set_of('Edit'), permission_id FROM spsa.custom_permission WHERE permission_name = 'export';
SELECT spsa_has_permission('export');
INSERT INTO spsa.custom_permission_grant SELECT set_of('Mute'), permission_id FROM spsa.custom_permission WHERE permission_name = 'export';
SELECT spsa_has_permission('export');
CALL add_member('Second', 'Mute');
SELECT spsa_has_permission('export');
SELECT spsa_assign('ann', 'Edit');
SELECT spsa_has_permission('export');
SELECT spsa_revoke_assignment('ann', 'Edit');

--
-- Sessions for certain sets only
--
DELETE FROM spsa.group_member;
DELETE FROM spsa.assignment;
CALL add_member('Gated', 'Eu');
CALL add_member('Gated', 'Us');
CALL add_member('Open', 'Us');
CALL add_member('Open', 'Everything');
UPDATE spsa.permission_set SET activation_required = true WHERE set_name = 'Gated';
SELECT spsa_assign('ann', 'Gated'), spsa_assign('ann', 'Open');
SELECT * FROM see();
-- the group means its members; a member is not its group, nor its fellows
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL, sets => '{Gated}') \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Gated');
RESET ROLE;
SELECT * FROM see();
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL, sets => '{Us}') \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT * FROM see();
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Gated');
\echo :LAST_ERROR_SQLSTATE
UPDATE group_doc SET note = note;
RESET ROLE;
-- behind the gate of a group that is not allowed: neither, and no hint
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL, sets => '{Eu}') \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT spsa_grant_object('Eu', 'group_doc', '{edit}');
SET ROLE regress_spsa_group_app;
SELECT already_active FROM spsa_activate_own('Eu');
UPDATE group_doc SET note = note;
RESET ROLE;

SELECT spsa_detach();
DROP EXTENSION spsa CASCADE;
DROP VIEW IF EXISTS may;
DROP TABLE group_doc, group_pay;
DROP FUNCTION set_of, see;
DROP PROCEDURE add_member, remove_member, mute;
DROP ROLE regress_spsa_group_app;
