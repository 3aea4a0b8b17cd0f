-- admin: administration by functions, by an ordinary role that was given it; and what that role cannot do.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
CREATE ROLE regress_spsa_admin_clerk;
CREATE ROLE regress_spsa_admin_member IN ROLE regress_spsa_admin_clerk;
CREATE ROLE regress_spsa_admin_app;
CREATE ROLE regress_spsa_admin_other;
\set clerk 'SET SESSION AUTHORIZATION regress_spsa_admin_clerk;'
\set app 'SET SESSION AUTHORIZATION regress_spsa_admin_app;'
\set super 'RESET SESSION AUTHORIZATION;'
CREATE TABLE account (id integer, region text, salary numeric, owner_id integer);
INSERT INTO account VALUES (1, 'EU', 10, 7), (2, 'US', 20, 8), (3, 'EU', 30, 8);
CREATE FUNCTION raise_salary(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
GRANT SELECT, INSERT, UPDATE, DELETE ON account TO regress_spsa_admin_app;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_admin_app;
SELECT spsa_protect('account', '{region,owner_id}');
INSERT INTO spsa.protected_field (object, field) VALUES ('account', 'salary');
GRANT CREATE ON SCHEMA public TO regress_spsa_admin_clerk;
CREATE FUNCTION pg_temp.sleep_until(timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE clock_timestamp() <= $1 LOOP
		PERFORM pg_sleep(extract(epoch FROM $1 - clock_timestamp()) + 0.01);
	END LOOP;
END $$;

--
-- Handing it over
--
:clerk
SELECT spsa_create_user('ann');
:code
SELECT spsa_grant_administration('regress_spsa_admin_clerk');
:code
:super
-- Who may call it still needs the rights of the extension's owner.
GRANT EXECUTE ON FUNCTION spsa_grant_administration, spsa_revoke_administration TO regress_spsa_admin_other;
SET SESSION AUTHORIZATION regress_spsa_admin_other;
SELECT spsa_grant_administration('regress_spsa_admin_other');
:code
SELECT spsa_revoke_administration('regress_spsa_admin_other');
:code
:super
REVOKE EXECUTE ON FUNCTION spsa_grant_administration, spsa_revoke_administration FROM regress_spsa_admin_other;
SELECT spsa_grant_administration('regress_spsa_admin_nobody');
:code
SELECT spsa_grant_administration('public');
:code
SELECT spsa_grant_administration('-');
:code
SELECT spsa_grant_administration(NULL);
:code
SELECT spsa_revoke_administration('regress_spsa_admin_clerk');
SELECT spsa_grant_administration('regress_spsa_admin_clerk');
-- again: nothing changes
SELECT spsa_grant_administration('regress_spsa_admin_clerk');
SELECT event, detail FROM spsa.audit_event WHERE event LIKE 'administration%' ORDER BY event_id;

-- What it holds: no TRUNCATE, REFERENCES, TRIGGER; nothing with the grant option; of tables that make authority by
-- themselves nothing but what looks and ends.
CREATE VIEW held AS
	SELECT c.relname::text AS what, NULL::name AS part, a.privilege_type, a.is_grantable
	FROM pg_class c, aclexplode(c.relacl) a
	WHERE c.relnamespace = 'spsa'::regnamespace AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'regress_spsa_admin_clerk')
	UNION ALL SELECT c.relname, t.attname, a.privilege_type, a.is_grantable
	FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
	WHERE c.relnamespace = 'spsa'::regnamespace AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'regress_spsa_admin_clerk')
	UNION ALL SELECT p.oid::regprocedure::text, NULL, a.privilege_type, a.is_grantable
	FROM pg_proc p, aclexplode(p.proacl) a WHERE a.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'regress_spsa_admin_clerk')
	UNION ALL SELECT n.nspname, NULL, a.privilege_type, a.is_grantable
	FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname <> 'public' AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'regress_spsa_admin_clerk');
SELECT what, privilege_type AS privilege, string_agg(part, ' ' ORDER BY part COLLATE "C") AS columns
FROM held WHERE privilege_type <> 'EXECUTE' GROUP BY what, privilege_type ORDER BY what COLLATE "C", privilege_type;
SELECT what FROM held WHERE privilege_type = 'EXECUTE' ORDER BY what COLLATE "C";
SELECT count(*) AS grantable FROM held WHERE is_grantable;
-- Functions that nobody else may execute and that were not handed over:
SELECT p.oid::regprocedure AS kept FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa') AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
	AND NOT has_function_privilege('regress_spsa_admin_clerk', p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text COLLATE "C";

--
-- Users
--
:clerk
SELECT spsa_create_user('ann', '{"emp_no": 7}') > 0 AS made, spsa_create_user('ben') > 0 AS made, spsa_create_user('eve', db_role => 'regress_spsa_admin_other') > 0 AS made;
-- replaces, or merges
SELECT spsa_set_user_attributes('ben', '{"emp_no": 8, "regions": ["EU"]}');
SELECT attributes FROM spsa.app_user WHERE user_name = 'ben';
SELECT spsa_set_user_attributes('ben', '{"regions": ["US"], "level": 3}', merge => true);
SELECT attributes FROM spsa.app_user WHERE user_name = 'ben';
SELECT spsa_set_user_attributes('ben', '{"emp_no": 8}');
SELECT attributes FROM spsa.app_user WHERE user_name = 'ben';
SELECT spsa_set_user_attributes('ben', '{"emp_no": 8}'), spsa_set_user_attributes('ben', '{}', true);
SELECT count(*) AS changes FROM spsa.audit_event WHERE event = 'app_user_update' AND user_name = 'ben';
SELECT spsa_set_user_attributes('nobody', '{}');
:code
SELECT spsa_set_user_attributes('ben', '[1]');
:code
SELECT spsa_set_user_attributes('ben', '1', true);
:code
SELECT spsa_set_user_attributes('ben', NULL);
:code

--
-- Sets, what they grant, assignments: what a session sees of it at the next statement
--
SELECT spsa_create_permission_set('work') > 0 AS made, spsa_create_permission_set('review', activation_required => true) > 0 AS made,
	spsa_create_permission_set('extra') > 0 AS made, spsa_create_permission_set('bundle', kind => 'group', member_activation => 'bypass') > 0 AS made,
	spsa_create_permission_set('quiet', kind => 'muting') > 0 AS made;
SELECT set_name, kind, activation_required, member_activation FROM spsa.permission_set ORDER BY set_id;
SELECT spsa_create_permission_set('bad', member_activation => 'keep');
:code
SELECT spsa_create_permission_set('bad', kind => 'group', member_activation => 'sometimes');
:code
SELECT spsa_grant_object('work', 'account', '{read,create,edit,delete}'), spsa_assign('ann', 'work');
:app
SELECT token AS ann, session_id AS ann_sid FROM spsa_open_session('ann') \gset
SELECT token AS ben, session_id AS ben_sid FROM spsa_open_session('ben') \gset
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
\set may 'SELECT string_agg(p, $$ $$ ORDER BY n) AS may FROM unnest($${read,create,edit,delete,view_all,modify_all}$$::text[]) WITH ORDINALITY u(p, n) WHERE spsa_allows($$account$$, p);'
:may

-- A privilege is revoked with those that need it.
:clerk
SELECT spsa_revoke_object('work', 'account', '{edit}');
:app
:may
:clerk
SELECT spsa_revoke_object('work', 'account', '{edit}');
SELECT spsa_revoke_object('work', 'account', '{edit,delete,view_all,modify_all}');
SELECT spsa_grant_object('work', 'account', '{read,edit,delete,view_all,modify_all}');
SELECT spsa_revoke_object('work', 'account', '{create}');
:app
:may
:clerk
SELECT spsa_revoke_object('work', 'account', '{view_all}');
:app
:may
:clerk
SELECT spsa_grant_object('work', 'account', '{view_all,modify_all}');
SELECT spsa_revoke_object('work', 'account', '{delete}');
:app
:may
:clerk
SELECT spsa_grant_object('work', 'account', '{create,edit,delete,modify_all}');
SELECT spsa_revoke_object('work', 'account', '{modify_all}');
:app
:may
:clerk
SELECT spsa_grant_field('work', 'account', 'salary', '{read}');
SELECT spsa_revoke_object('work', 'account', '{read}');
:app
:may
SELECT id FROM account;
-- The last privilege is gone, and the row with it; the field's stay, which were not named ...
SELECT (SELECT count(*) FROM pg_policy WHERE polrelid = 'account'::regclass) > 0 AS still_protected;
:clerk
SELECT (SELECT count(*) FROM spsa.object_permission) AS objects, (SELECT count(*) FROM spsa.field_permission) AS fields;
-- ... until all is revoked.
SELECT spsa_revoke_object('work', 'account');
SELECT spsa_revoke_object('work', 'account');
SELECT (SELECT count(*) FROM spsa.object_permission) AS objects, (SELECT count(*) FROM spsa.field_permission) AS fields;
SELECT spsa_revoke_object('nothing', 'account');
:code
SELECT spsa_revoke_object('work', 'nothing');
:code
SELECT spsa_revoke_object('work', 'account', '{write}');
:code
SELECT spsa_revoke_object('work', 'account', '{}');
:code

-- Row scopes
SELECT spsa_grant_object('work', 'account', '{read}'), spsa_grant_rows('work', 'account', 'region', '{EU}'),
	spsa_grant_rows('work', 'account', 'owner_id', attribute => 'emp_no'), spsa_grant_rows('work', 'account', 'owner_id', '{9}', operator => '<');
:app
SELECT id FROM account ORDER BY id;
:clerk
SELECT spsa_revoke_rows('work', 'account', 'owner_id', '>');
SELECT spsa_revoke_rows('work', 'account', 'owner_id', '<');
:app
SELECT id FROM account ORDER BY id;
-- Fields join by AND: one less widens, none at all reaches nothing.
:clerk
SELECT spsa_revoke_rows('work', 'account', 'owner_id');
:app
SELECT id FROM account ORDER BY id;
:clerk
SELECT spsa_revoke_rows('work', 'account');
SELECT spsa_revoke_rows('work', 'account');
:app
SELECT id FROM account ORDER BY id;
:clerk
SELECT spsa_revoke_rows('nothing', 'account');
:code
SELECT spsa_revoke_rows('work', 'nothing');
:code
-- The row scopes go with the last privilege, and do not come back with the next one.
SELECT spsa_grant_rows('work', 'account', 'region', '{US}');
SELECT spsa_revoke_object('work', 'account', '{read}'), (SELECT count(*) FROM spsa.row_scope) AS before;
SELECT count(*) AS after FROM spsa.row_scope;
SELECT spsa_grant_object('work', 'account', '{read,edit}');
:app
SELECT id FROM account ORDER BY id;

-- Fields
\set field 'SELECT spsa_allows_field($$account$$, $$salary$$, $$read$$) AS reads, spsa_allows_field($$account$$, $$salary$$, $$edit$$) AS edits;'
:field
:clerk
SELECT spsa_grant_field('work', 'account', 'salary', '{edit}');
:code
SELECT spsa_grant_field('work', 'account', 'salary', '{read}');
:app
:field
:clerk
SELECT spsa_grant_field('work', 'account', 'salary', '{edit}');
SELECT spsa_grant_field('work', 'account', 'salary', '{read}');
:app
:field
:clerk
SELECT spsa_revoke_field('work', 'account', 'salary', '{edit}');
SELECT spsa_revoke_field('work', 'account', 'salary', '{edit}');
:app
:field
:clerk
SELECT spsa_grant_field('work', 'account', 'salary', '{edit}');
SELECT spsa_revoke_field('work', 'account', 'salary', '{read}');
:app
:field
:clerk
SELECT spsa_grant_field('work', 'account', 'salary', '{read,edit}');
SELECT spsa_revoke_field('work', 'account', 'salary');
SELECT spsa_revoke_field('work', 'account', 'salary');
:app
:field
:clerk
SELECT spsa_grant_field('work', 'account', 'colour', '{read}');
:code
SELECT spsa_grant_field('work', 'nothing', 'salary', '{read}');
:code
SELECT spsa_grant_field('work', 'account', 'salary', '{create}');
:code
SELECT spsa_grant_field('work', 'pg_class', 'relname', '{read}');
:code
SELECT spsa_grant_field('bundle', 'account', 'salary', '{read}');
:code
SELECT spsa_grant_field('nothing', 'account', 'salary', '{read}');
:code
SELECT spsa_revoke_field('nothing', 'account', 'salary');
:code
SELECT spsa_revoke_field('work', 'account', 'salary', '{view_all}');
:code
SELECT spsa_revoke_field('work', 'account', 'colour');

-- Functions
\set function 'SELECT spsa_allows_function($$raise_salary(integer)$$) AS calls;'
:app
:function
:clerk
SELECT spsa_grant_function('work', 'raise_salary(integer)'), spsa_grant_function('work', 'public.raise_salary(int)');
SELECT function FROM spsa.function_permission;
:app
:function
:clerk
-- under whatever search path
SET search_path = pg_catalog;
SELECT public.spsa_revoke_function('work', 'public.raise_salary(integer)');
RESET search_path;
SELECT spsa_revoke_function('work', 'raise_salary(integer)');
:app
:function
:clerk
SELECT spsa_grant_function('work', 'lower_salary(integer)');
:code
SELECT spsa_grant_function('work', 'pg_catalog.now()');
:code
SELECT spsa_grant_function('work', NULL);
:code
SELECT spsa_grant_function('bundle', 'raise_salary(integer)');
:code
SELECT spsa_grant_function('nothing', 'raise_salary(integer)');
:code
SELECT spsa_revoke_function('nothing', 'raise_salary(integer)');
:code

-- Custom permissions
SELECT spsa_create_custom_permission('export_all', 'Export', 'export whole tables') > 100 AS made;
\set custom 'SELECT spsa_has_permission($$export_all$$) AS has;'
:app
:custom
:clerk
SELECT spsa_grant_permission('work', 'export_all'), spsa_grant_permission('work', 'export_all');
:app
:custom
:clerk
SELECT spsa_revoke_permission('work', 'export_all');
SELECT spsa_revoke_permission('work', 'export_all');
:app
:custom
:clerk
SELECT spsa_create_custom_permission('export_all');
:code
SELECT spsa_create_custom_permission('export all');
:code
SELECT spsa_create_custom_permission(NULL);
:code
SELECT spsa_grant_permission('work', 'import_all');
:code
SELECT spsa_grant_permission('nothing', 'export_all');
:code
SELECT spsa_grant_permission('bundle', 'export_all');
:code
SELECT spsa_revoke_permission('work', 'import_all');
:code
SELECT spsa_revoke_permission('nothing', 'export_all');
:code
SELECT spsa_drop_custom_permission('import_all');
:code
SELECT spsa_drop_custom_permission('manage_activations');
:code
SELECT spsa_grant_permission('work', 'export_all');
SELECT spsa_drop_custom_permission('export_all');
:app
:custom
:code
:clerk
SELECT event, set_name FROM spsa.audit_event WHERE event LIKE 'custom_permission%delete' ORDER BY event_id DESC LIMIT 2;

-- Whether activation is needed
SELECT spsa_set_activation_required('work', true);
:app
:may
:clerk
SELECT spsa_set_activation_required('work', true), spsa_set_activation_required('work', false);
:app
:may
:clerk
SELECT spsa_set_activation_required('nothing', true);
:code
SELECT spsa_set_activation_required('quiet', true);
:code
\set VERBOSITY terse
SELECT spsa_set_activation_required('work', NULL);
\set VERBOSITY default
:code

-- Groups and muting sets
SELECT spsa_revoke_assignment('ann', 'work'), spsa_assign('ann', 'bundle');
SELECT spsa_grant_object('extra', 'account', '{read,edit,delete}'), spsa_set_activation_required('extra', true);
:app
:may
:clerk
SELECT spsa_add_group_member('bundle', 'extra'), spsa_add_group_member('bundle', 'extra');
:app
:may
:clerk
SELECT spsa_set_member_activation('bundle', 'keep');
:app
:may
:clerk
SELECT spsa_set_member_activation('bundle', 'bypass'), spsa_set_member_activation('bundle', 'bypass');
SELECT spsa_grant_object('quiet', 'account', '{edit}');
:app
:may
:clerk
SELECT spsa_mute('bundle', 'quiet'), spsa_mute('bundle', 'quiet');
:app
:may
-- Of a muting set, what is revoked is revoked alone: it is not the worse for it.
:clerk
SELECT spsa_grant_object('quiet', 'account', '{read}');
:app
:may
:clerk
SELECT spsa_revoke_object('quiet', 'account', '{read}');
:app
:may
:clerk
SELECT spsa_grant_field('quiet', 'account', 'salary', '{edit}'), spsa_grant_field('quiet', 'account', 'salary', '{read}'),
	spsa_revoke_field('quiet', 'account', 'salary', '{read}');
SELECT field, can_read, can_edit, muting FROM spsa.field_permission;
SELECT spsa_remove_group_member('bundle', 'quiet');
SELECT spsa_remove_group_member('bundle', 'quiet');
:app
:may
:clerk
SELECT spsa_remove_group_member('bundle', 'extra');
:app
:may
:clerk
SELECT spsa_add_group_member('nothing', 'extra');
:code
SELECT spsa_add_group_member('bundle', 'nothing');
:code
SELECT spsa_add_group_member('work', 'extra');
:code
SELECT spsa_add_group_member('bundle', 'bundle');
:code
SELECT spsa_remove_group_member('nothing', 'extra');
:code
SELECT spsa_mute('bundle', 'nothing');
:code
SELECT spsa_mute('bundle', 'extra');
:code
SELECT spsa_mute('work', 'quiet');
:code
SELECT spsa_set_member_activation('bundle', 'sometimes');
:code
SELECT spsa_set_member_activation('work', 'bypass');
:code
SELECT spsa_set_member_activation('nothing', 'keep');
:code
SELECT spsa_set_member_activation('bundle', NULL);
SELECT member_activation FROM spsa.permission_set WHERE set_name = 'bundle';

-- Exclusions
SELECT spsa_exclude('bundle', 'work'), spsa_exclude('work', 'bundle');
SELECT spsa_assign('ann', 'work');
:code
SELECT spsa_exclude('work', 'bundle', 'dynamic');
SELECT kind, count(*) FROM spsa.exclusion GROUP BY kind;
SELECT spsa_assign('ann', 'work');
:app
:may
:clerk
SELECT spsa_exclude('bundle', 'work');
:code
SELECT spsa_remove_exclusion('bundle', 'work');
SELECT spsa_remove_exclusion('work', 'bundle');
:app
:may
:clerk
SELECT spsa_exclude('work', 'work');
:code
SELECT spsa_exclude('work', 'quiet');
:code
SELECT spsa_exclude('work', 'extra', 'both');
:code
SELECT spsa_exclude('work', 'nothing');
:code
SELECT spsa_remove_exclusion('nothing', 'work');
:code

-- A set is dropped with all that it had, and the audit trail tells each under its name.
SELECT spsa_grant_function('extra', 'raise_salary(integer)'), spsa_grant_permission('extra', 'view_setup'), spsa_grant_field('extra', 'account', 'salary', '{read}'),
	spsa_grant_rows('extra', 'account', 'region', '{EU}'), spsa_add_group_member('bundle', 'extra'), spsa_exclude('extra', 'work', 'dynamic'),
	spsa_assign('ben', 'extra');
SELECT max(event_id) AS seen FROM spsa.audit_event \gset
SELECT spsa_drop_permission_set('extra');
SELECT event, set_name, user_name FROM spsa.audit_event WHERE event_id > :seen ORDER BY event COLLATE "C";
SELECT spsa_drop_permission_set('extra');
:code

--
-- Assignments: beginning and end
--
-- Assigning again keeps what is not named.
SELECT spsa_assign('ben', 'work', expires_at => '2090-01-01 00:00+00', starts_at => '2080-01-01 00:00+00');
\set period 'SELECT starts_at AT TIME ZONE $$UTC$$ AS starts_at, starts_at <= now() AS has_begun, expires_at AT TIME ZONE $$UTC$$ AS expires_at FROM spsa.assignment a JOIN spsa.app_user u USING (user_id) WHERE u.user_name = $$ben$$;'
:period
SELECT spsa_assign('ben', 'work');
SELECT spsa_assign('ben', 'work', expires_at => '2091-01-01 00:00+00');
:period
SELECT spsa_assign('ben', 'work', starts_at => '2081-01-01 00:00+00');
:period
-- The end before the beginning
SELECT spsa_assign('ben', 'work', starts_at => '2092-01-01 00:00+00');
:code
SELECT spsa_assign('ben', 'work', expires_at => '2079-01-01 00:00+00');
:code
SELECT spsa_assign('ann', 'review', expires_at => '2079-01-01 00:00+00', starts_at => '2080-01-01 00:00+00');
:code
SELECT spsa_assign('ann', 'review', expires_at => '2001-01-01 00:00+00', starts_at => '2000-01-01 00:00+00');
:code
SELECT spsa_assign('ann', 'review', expires_at => '2001-01-01 00:00+00');
:code
:period
-- A beginning that has passed is now, and does not change one that is earlier.
SELECT spsa_assign('ben', 'work', starts_at => '2001-01-01 00:00+00');
SELECT starts_at > now() - interval '1 hour' AS now, starts_at <= now() AS has_begun FROM spsa.assignment a JOIN spsa.app_user u USING (user_id) WHERE u.user_name = 'ben';
SELECT starts_at AS began FROM spsa.assignment a JOIN spsa.app_user u USING (user_id) WHERE u.user_name = 'ben' \gset
SELECT spsa_assign('ben', 'work', starts_at => '2002-01-01 00:00+00');
SELECT starts_at = :'began' AS same FROM spsa.assignment a JOIN spsa.app_user u USING (user_id) WHERE u.user_name = 'ben';
SELECT spsa_revoke_assignment('ben', 'work');

-- Nothing before the beginning; after it, by the clock, at the next statement, without any reconnect.
:app
SELECT spsa_attach_connection(:'ben') = :'ben_sid' AS attached;
PREPARE ids AS SELECT id FROM account ORDER BY id;
EXECUTE ids;
:clerk
SELECT clock_timestamp() + interval '3 seconds' AS soon \gset
SELECT spsa_assign('ben', 'work', starts_at => :'soon'), spsa_assign('ben', 'review', starts_at => :'soon');
:app
EXECUTE ids;
SELECT already_active FROM spsa_activate_own('review');
:code
BEGIN;
EXECUTE ids;
SELECT FROM pg_temp.sleep_until(:'soon');
SELECT now() < :'soon' AS transaction_began_before;
EXECUTE ids;
COMMIT;
EXECUTE ids;
SELECT already_active FROM spsa_activate_own('review', '1 hour');

-- The end of an assignment ends what was activated under it: set when it is activated, ...
:clerk
SELECT spsa_revoke_all('ben');
SELECT spsa_revoke_all('ben');
:app
EXECUTE ids;
:clerk
SELECT spsa_grant_object('review', 'account', '{read}');
SELECT clock_timestamp() + interval '2 seconds' AS soon \gset
SELECT spsa_assign('ben', 'review', expires_at => :'soon');
:app
SELECT expires_at = :'soon' AS capped FROM spsa_activate_own('review', '1 hour');
EXECUTE ids;
SELECT FROM pg_temp.sleep_until(:'soon');
EXECUTE ids;
-- ... or set afterwards, ...
:clerk
SELECT spsa_assign('ben', 'review');
:app
SELECT expires_at > clock_timestamp() + interval '50 minutes' AS long FROM spsa_activate_own('review', '1 hour');
EXECUTE ids;
:clerk
SELECT clock_timestamp() + interval '2 seconds' AS soon \gset
SELECT spsa_assign('ben', 'review', expires_at => :'soon');
:app
EXECUTE ids;
SELECT FROM pg_temp.sleep_until(:'soon');
EXECUTE ids;
SELECT already_active FROM spsa_activate_own('review');
:code
-- ... or brought forward.
:clerk
SELECT spsa_assign('ben', 'review', expires_at => '2090-01-01 00:00+00');
:app
SELECT expires_at > clock_timestamp() + interval '50 minutes' AS long FROM spsa_activate_own('review', '1 hour');
EXECUTE ids;
:clerk
SELECT clock_timestamp() + interval '1 second' AS soon \gset
SELECT spsa_assign('ben', 'review', expires_at => :'soon');
:app
SELECT FROM pg_temp.sleep_until(:'soon');
EXECUTE ids;
-- An assignment that is put off pauses what was activated under it.
:clerk
SELECT spsa_assign('ben', 'review');
:app
SELECT already_active FROM spsa_activate_own('review', '1 hour');
:clerk
SELECT spsa_assign('ben', 'review', starts_at => '2080-01-01 00:00+00');
:app
EXECUTE ids;
DEALLOCATE ids;

--
-- Who revoked what, and when, can be asked for.
--
:clerk
SELECT spsa_assign('ben', 'work'), spsa_assign('ben', 'bundle');
SET SESSION AUTHORIZATION regress_spsa_admin_member;
SELECT spsa_revoke_assignment('ben', 'work');
:clerk
SELECT spsa_revoke_all('ben');
SELECT user_name, set_name, database_role, at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS lately, detail #>> '{old,assigned_by}' AS assigned_by
FROM spsa.audit_event WHERE event = 'assignment_delete' AND user_name = 'ben' ORDER BY event_id DESC LIMIT 3;

--
-- Disabling, enabling, closing sessions
--
SELECT spsa_assign('ann', 'work'), spsa_assign('ann', 'review', starts_at => '2080-01-01 00:00+00');
SELECT spsa_enable_user('ann');
SELECT spsa_close_user_sessions('ann', 'lost laptop');
SELECT spsa_close_user_sessions('ann');
:app
SELECT spsa_attach_connection(:'ann');
:code
SELECT spsa_detach();
SELECT session_id AS ann_sid, token AS ann FROM spsa_open_session('ann') \gset
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT id FROM account ORDER BY id;
:clerk
SELECT spsa_disable_user('ann', 'on leave');
:app
SELECT id FROM account ORDER BY id;
:code
SELECT token FROM spsa_open_session('ann');
:code
:clerk
SELECT spsa_enable_user('ann');
SELECT spsa_enable_user('ann');
:app
SELECT id FROM account ORDER BY id;
:code
SELECT session_id AS ann_sid, token AS ann FROM spsa_open_session('ann') \gset
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT id FROM account ORDER BY id;
-- Disabled past the function, the session comes back no more either.
:clerk
UPDATE spsa.app_user SET is_active = false WHERE user_name = 'ann';
SELECT spsa_enable_user('ann');
:app
SELECT id FROM account ORDER BY id;
:code
:clerk
SELECT spsa_enable_user('nobody');
:code
SELECT spsa_close_user_sessions('nobody');
:code
SELECT spsa_revoke_all('nobody');
:code
SELECT user_name, database_role, detail ->> 'reason' AS reason FROM spsa.audit_event WHERE event = 'session_close' ORDER BY event_id;
-- a single one
:app
SELECT spsa_detach();
SELECT session_id AS ann_sid, token AS ann FROM spsa_open_session('ann') \gset
:clerk
SELECT spsa_close_session(:'ann_sid');
:app
SELECT spsa_attach_connection(:'ann');
:code
SELECT spsa_detach();

-- Unknown names are errors also when there is nothing that could be changed.
:super
BEGIN;
DELETE FROM spsa.app_user;
DELETE FROM spsa.permission_set;
SAVEPOINT s;
SELECT spsa_revoke_assignment('ann', 'work');
:code
ROLLBACK TO s;
SELECT spsa_revoke_all('ann');
:code
ROLLBACK TO s;
SELECT spsa_enable_user('ann');
:code
ROLLBACK TO s;
SELECT spsa_set_user_attributes('ann', '{}');
:code
ROLLBACK TO s;
SELECT spsa_drop_permission_set('work');
:code
ROLLBACK TO s;
SELECT spsa_revoke_object('work', 'account');
:code
ROLLBACK TO s;
SELECT spsa_revoke_rows('work', 'account');
:code
ROLLBACK TO s;
SELECT spsa_set_activation_required('work', true);
:code
ROLLBACK;

--
-- What the delegate cannot do
--
:clerk
\set VERBOSITY terse
-- read what it has no GRANT on, whatever it assigns to itself
SELECT spsa_create_user('clerk', db_role => 'regress_spsa_admin_clerk') > 0 AS made;
SELECT spsa_create_permission_set('everything') > 0 AS made;
SELECT spsa_grant_object('everything', 'account', '{read,create,edit,delete,view_all,modify_all}'), spsa_grant_field('everything', 'account', 'salary', '{read,edit}'),
	spsa_assign('clerk', 'everything');
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT spsa_allows('account', 'modify_all');
SELECT * FROM account;
:code
DELETE FROM account;
:code
SELECT spsa_detach();
-- unprotect, or protect, the tables of others
SELECT spsa_unprotect('account');
:code
SELECT spsa_protect('account');
:code
DELETE FROM spsa.protected_object;
:code
DELETE FROM spsa.protected_field;
:code
INSERT INTO spsa.protected_function (function) VALUES ('raise_salary(integer)');
:code
-- open a session of anybody, see or forge tokens, prolong
SELECT token FROM spsa_open_session('ann');
:code
SELECT token_hash FROM spsa.session;
:code
SELECT * FROM spsa.session;
:code
SELECT count(*) > 0 AS sees_sessions FROM (SELECT session_id, user_id, expires_at FROM spsa.session) s;
INSERT INTO spsa.session (user_id, token_hash, expires_at) SELECT user_id, sha256('x'), 'infinity' FROM spsa.app_user WHERE user_name = 'ann';
:code
UPDATE spsa.session SET expires_at = 'infinity';
:code
DELETE FROM spsa.session_end;
:code
UPDATE spsa.session_activity SET last_seen_at = 'infinity';
:code
-- activate for others: the built-in permission manage_activations is for that
INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at) SELECT :'ben_sid', set_id, assignment_id, 'infinity' FROM spsa.assignment;
:code
DELETE FROM spsa.activation_end;
:code
SELECT already_active FROM spsa_activate(:'ben_sid', 'review');
:code
-- log in as somebody else
UPDATE spsa.app_user SET db_role = NULL WHERE user_name = 'clerk';
:code
UPDATE spsa.app_user SET db_role = 'regress_spsa_admin_clerk' WHERE user_name = 'ann';
:code
UPDATE spsa.app_user SET user_name = 'ann' WHERE user_name = 'clerk';
:code
UPDATE spsa.app_user SET user_id = -1 WHERE user_name = 'clerk';
:code
INSERT INTO spsa.app_user (user_id, user_name) VALUES (1, 'mallory');
:code
INSERT INTO spsa.app_user (user_name, db_role) VALUES ('mallory', 'regress_spsa_admin_clerk') ON CONFLICT (db_role) DO UPDATE SET db_role = NULL;
:code
DELETE FROM spsa.app_user WHERE user_name = 'ann';
:code
-- say that somebody else, or long ago, has assigned; take the identifier of an assignment under which something was activated
INSERT INTO spsa.assignment (user_id, set_id, assigned_by) SELECT user_id, set_id, 'postgres' FROM spsa.app_user, spsa.permission_set;
:code
INSERT INTO spsa.assignment (user_id, set_id, assigned_at) SELECT user_id, set_id, '2000-01-01' FROM spsa.app_user, spsa.permission_set;
:code
INSERT INTO spsa.assignment (user_id, set_id, assignment_id) SELECT user_id, set_id, 1 FROM spsa.app_user, spsa.permission_set;
:code
UPDATE spsa.assignment SET assigned_by = 'postgres';
:code
UPDATE spsa.assignment SET set_id = 1;
:code
SELECT setval('spsa.assignment_id_seq', 1);
:code
ALTER SEQUENCE spsa.assignment_id_seq RESTART;
:code
-- take the identifier of a set that a session was opened for
INSERT INTO spsa.permission_set (set_id, set_name) VALUES (1, 'mallory');
:code
UPDATE spsa.permission_set SET set_id = 1;
:code
UPDATE spsa.permission_set SET kind = 'muting';
:code
-- hide traces, forge them
DELETE FROM spsa.audit_event;
:code
UPDATE spsa.audit_event SET database_role = 'postgres';
:code
INSERT INTO spsa.audit_event (event) VALUES ('nothing');
:code
SELECT setval('spsa.audit_event_id_seq', 1);
:code
TRUNCATE spsa.assignment;
:code
TRUNCATE spsa.audit_event;
:code
SET session_replication_role = replica;
:code
SELECT spsa_purge();
:code
-- run code as somebody else: triggers, rules, defaults, policies, functions of the extension
CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''run as %'', current_user; RETURN NEW; END';
CREATE TRIGGER evil BEFORE INSERT ON spsa.assignment FOR EACH ROW EXECUTE FUNCTION evil();
:code
CREATE TRIGGER evil BEFORE INSERT ON spsa.audit_event FOR EACH ROW EXECUTE FUNCTION evil();
:code
CREATE RULE evil AS ON INSERT TO spsa.assignment DO ALSO SELECT 1;
:code
ALTER TABLE spsa.assignment ALTER assigned_by SET DEFAULT 'postgres';
:code
ALTER TABLE spsa.assignment DISABLE TRIGGER ALL;
:code
CREATE TABLE evil (id integer REFERENCES spsa.permission_set);
:code
CREATE TABLE spsa.evil (id integer);
:code
CREATE TABLE mine (id integer);
CREATE TRIGGER evil AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
:code
-- The checks of a domain within the type of a literal run as the table's owner, whoever writes the row.
CREATE FUNCTION spy(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''run as %'', current_user; RETURN true; END';
CREATE DOMAIN spied AS text CHECK (spy(VALUE));
CREATE TABLE bait (tags spied[]);
SELECT spsa_grant_object('everything', 'bait', '{read}');
SELECT spsa_grant_rows('everything', 'bait', 'tags', '{"{x}"}');
:super
UPDATE spsa.row_scope SET privileges = '{read}' WHERE object = 'bait'::regclass;
:clerk
SELECT spsa_revoke_object('everything', 'bait');
-- A temporary table would leave its permissions to whoever gets its OID.
CREATE TEMP TABLE passing (id integer);
SELECT spsa_grant_object('everything', 'passing', '{read}');
:code
SELECT spsa_grant_field('everything', 'passing', 'id', '{read}');
:code
-- change what is built in
SELECT spsa_drop_custom_permission('view_setup');
:code
UPDATE spsa.custom_permission SET label = 'mine' WHERE permission_id = 1;
:code
UPDATE spsa.custom_permission SET permission_name = 'mine' WHERE permission_id > 100;
:code
INSERT INTO spsa.custom_permission (permission_id, permission_name) VALUES (50, 'mine');
:code
-- pass it on
SELECT spsa_grant_administration('regress_spsa_admin_other');
:code
SET client_min_messages = error;
GRANT EXECUTE ON FUNCTION spsa_assign TO regress_spsa_admin_other;
GRANT SELECT, INSERT ON spsa.assignment TO regress_spsa_admin_other;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_admin_other;
SET client_min_messages = warning;
SELECT has_function_privilege('regress_spsa_admin_other', 'spsa_assign(text, text, timestamptz, timestamptz)', 'EXECUTE') AS executes,
	has_table_privilege('regress_spsa_admin_other', 'spsa.assignment', 'SELECT, INSERT') AS writes,
	has_schema_privilege('regress_spsa_admin_other', 'spsa', 'USAGE') AS uses;
\set VERBOSITY default
-- All that it did is recorded under its name.
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE database_role NOT LIKE 'regress_spsa_admin_%') AS of_others
FROM spsa.audit_event WHERE event_id > (SELECT min(event_id) FROM spsa.audit_event WHERE event = 'administration_grant')
	AND event <> 'row_scope_update' AND event ~ '^(assignment|permission_set|object_permission|row_scope|group_member|exclusion|custom_permission)';

--
-- Taking it back
--
:super
GRANT UPDATE ON spsa.app_user TO regress_spsa_admin_clerk;
SELECT spsa_revoke_administration('regress_spsa_admin_clerk');
SELECT spsa_revoke_administration('regress_spsa_admin_clerk');
SELECT * FROM held;
SELECT event, detail FROM spsa.audit_event WHERE event LIKE 'administration%' ORDER BY event_id;
:clerk
SELECT spsa_assign('clerk', 'work');
:code
SELECT spsa_disable_user('ann');
:code
SELECT count(*) FROM spsa.assignment;
:code
:super
-- Passed on by somebody with the grant option: not silently left.
GRANT SELECT ON spsa.assignment TO regress_spsa_admin_clerk WITH GRANT OPTION;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_admin_clerk;
:clerk
GRANT SELECT ON spsa.assignment TO regress_spsa_admin_other;
:super
SELECT spsa_revoke_administration('regress_spsa_admin_clerk');
:code
REVOKE SELECT ON spsa.assignment FROM regress_spsa_admin_clerk CASCADE;
SELECT spsa_revoke_administration('regress_spsa_admin_clerk');

DROP VIEW held;
DROP TABLE mine, bait;
DROP DOMAIN spied;
DROP FUNCTION evil(), spy(text);
DROP EXTENSION spsa CASCADE;
DROP TABLE account;
DROP FUNCTION raise_salary(integer);
REVOKE CREATE ON SCHEMA public FROM regress_spsa_admin_clerk;
DROP OWNED BY regress_spsa_admin_clerk, regress_spsa_admin_member, regress_spsa_admin_app, regress_spsa_admin_other CASCADE;
DROP ROLE regress_spsa_admin_member, regress_spsa_admin_clerk, regress_spsa_admin_app, regress_spsa_admin_other;
