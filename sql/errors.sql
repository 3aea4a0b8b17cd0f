-- errors.sql - what goes wrong, case by case: the call, the message and the SQLSTATE; and nothing is half done.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';

CREATE ROLE regress_spsa_errors_app;
CREATE ROLE regress_spsa_errors_other;
CREATE TYPE errors_box AS (a int, b point);
CREATE TABLE errors_deal (id int PRIMARY KEY, region text, owner_id int, due date, spot point, tags jsonb);
INSERT INTO errors_deal SELECT n, CASE n % 2 WHEN 0 THEN 'EU' ELSE 'US' END, n, date '2024-01-01' + n % 300 FROM generate_series(1, 20000) n;
CREATE VIEW errors_view AS SELECT 1 AS one;
CREATE SEQUENCE errors_seq;
CREATE INDEX errors_idx ON errors_deal (owner_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON errors_deal TO regress_spsa_errors_app, regress_spsa_errors_other;
SELECT spsa_protect('errors_deal', '{region,owner_id,due,tags}');
SELECT spsa_create_user('ann', '{"region": "EU"}') AS ann \gset
SELECT spsa_create_user('ben') AS ben \gset
SELECT spsa_create_permission_set('reader') AS reader \gset
SELECT spsa_create_permission_set('gated', activation_required => true) AS gated \gset
SELECT spsa_create_permission_set('bundle', kind => 'group') AS bundle, spsa_create_permission_set('mute', kind => 'muting') AS mute \gset
SELECT spsa_create_custom_permission('export') AS export \gset
SELECT spsa_grant_object('reader', 'errors_deal', '{read}'), spsa_grant_object('gated', 'errors_deal', '{read,edit}');
SELECT spsa_assign('ann', 'reader'), spsa_assign('ann', 'gated');
SELECT token AS tok, session_id AS sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app') \gset
SELECT token AS bens, session_id AS bens_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_errors_app') \gset
SELECT token AS expired, session_id AS expired_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app') \gset
SELECT token AS closed, session_id AS closed_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app') \gset
SELECT token AS purged, session_id AS purged_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app') \gset
UPDATE spsa.session SET created_at = created_at - interval '2 hours', expires_at = now() - interval '1 hour' WHERE session_id = :'expired_sid';
SELECT spsa_close_session(:'closed_sid');
DELETE FROM spsa.session WHERE session_id = :'purged_sid';
SELECT token AS replaced, session_id AS replaced_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app') \gset
SELECT spsa_rotate_token(:'replaced_sid') AS newer \gset
SELECT session_id AS parent_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app') \gset
SELECT token AS orphan FROM spsa_derive_session('{reader}', parent => :'parent_sid') \gset
INSERT INTO spsa.session_end (session_id) VALUES (:'parent_sid');

-- Everything that a failed call could leave behind
CREATE VIEW errors_count AS
SELECT (SELECT count(*) FROM spsa.app_user) AS users, (SELECT count(*) FROM spsa.permission_set) AS sets,
	(SELECT count(*) FROM spsa.object_permission) AS permissions, (SELECT count(*) FROM spsa.row_scope) AS scopes,
	(SELECT count(*) FROM spsa.protected_object) AS protected, (SELECT count(*) FROM spsa.assignment) AS assignments,
	(SELECT count(*) FROM spsa.session) AS sessions, (SELECT count(*) FROM spsa.session_end) AS ends,
	(SELECT count(*) FROM spsa.activation) AS activations, (SELECT count(*) FROM spsa.audit_event) AS events,
	(SELECT count(*) FROM pg_policy) AS policies;
CREATE TABLE errors_before AS SELECT * FROM errors_count;
CREATE FUNCTION errors_nothing_done() RETURNS boolean LANGUAGE sql AS 'SELECT (SELECT b::text FROM errors_before b) = (SELECT c::text FROM errors_count c)';

--
-- Tokens: one message and one SQLSTATE for every cause, and no authority afterwards
--
SELECT substr(:'tok', 1, 20) || CASE substr(:'tok', 21, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(:'tok', 22) AS changed,
	substr(:'tok', 1, 52) AS truncated, :'tok' || 'A' AS longer, upper(:'tok') AS shouted, ' ' || :'tok' AS padded \gset
SET SESSION AUTHORIZATION regress_spsa_errors_app;
-- malformed
SELECT spsa_attach_connection('no token at all');
:code
-- truncated
SELECT spsa_attach_connection(:'truncated');
:code
-- with a character too many
SELECT spsa_attach_connection(:'longer');
:code
-- in upper case
SELECT spsa_attach_connection(:'shouted');
:code
-- with a blank before it
SELECT spsa_attach_connection(:'padded');
:code
-- with one character changed
SELECT spsa_attach_connection(:'changed');
:code
-- well-formed, but of a session that is gone
SELECT spsa_attach_connection(:'purged');
:code
-- expired
SELECT spsa_attach_connection(:'expired');
:code
-- closed
SELECT spsa_attach_connection(:'closed');
:code
-- replaced by another one
SELECT spsa_attach_connection(:'replaced');
:code
-- of a session that is derived from one that is closed
SELECT spsa_attach_connection(:'orphan');
:code
-- empty
SELECT spsa_attach_connection('');
:code
-- null
SELECT spsa_attach_connection(NULL);
:code
-- very long
SELECT spsa_attach_connection(repeat('A', 1048576));
:code
SELECT spsa_attach_connection('spsa_' || repeat('A', 1048576));
:code
-- the session's identifier instead of its token
SELECT spsa_attach_connection(:'sid');
:code
-- outside ASCII
SELECT spsa_attach_connection(repeat('é', 26) || 'x');
:code
-- another role's
SET SESSION AUTHORIZATION regress_spsa_errors_other;
SELECT spsa_attach_connection(:'tok');
:code
SELECT count(*) FROM errors_deal;
SET SESSION AUTHORIZATION regress_spsa_errors_app;
-- the same for a transaction
BEGIN;
SELECT spsa_attach('no token at all');
:code
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'changed');
:code
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'expired');
:code
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'closed');
:code
ROLLBACK;
BEGIN;
SELECT spsa_attach('');
:code
ROLLBACK;
BEGIN;
SELECT spsa_attach(NULL);
:code
ROLLBACK;
-- and for the setting: what is malformed at once, the rest when it is used
SET spsa.session_token = 'no token at all';
:code
SET spsa.session_token = :'truncated';
:code
SET spsa.session_token = :'changed';
:code
SELECT 'SET spsa.session_token = ' || quote_literal(repeat('A', 1048576)) AS long_one \gset
:long_one;
:code
SELECT count(*) FROM errors_deal;
SET spsa.session_token = :'purged';
SELECT count(*) FROM errors_deal;
:code
SET spsa.session_token = :'expired';
SELECT count(*) FROM errors_deal;
:code
SET spsa.session_token = :'closed';
SELECT count(*) FROM errors_deal;
:code
SELECT count(*) FROM spsa_activate_own('gated');
:code
-- an empty one is none
SET spsa.session_token = '';
SELECT count(*) FROM errors_deal;
-- after all that the backend serves a good one
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM errors_deal;
RESET SESSION AUTHORIZATION;
SELECT errors_nothing_done();

--
-- Opening
--
-- unknown user
SELECT count(*) FROM spsa_open_session('zoe');
:code
SELECT count(*) FROM spsa_open_session('');
:code
-- unknown role
SELECT count(*) FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_nobody');
:code
-- unknown set
SELECT count(*) FROM spsa_open_session('ann', sets => '{reader,nothing_of_that_name}');
:code
SELECT count(*) FROM spsa_open_session('ann', sets => '{reader,NULL}');
:code
-- lifetime
SELECT count(*) FROM spsa_open_session('ann', '0');
:code
SELECT count(*) FROM spsa_open_session('ann', '-1 hour');
:code
SELECT count(*) FROM spsa_open_session('ann', '1 month -31 days');
:code
SELECT count(*) FROM spsa_open_session('ann', '13 months');
:code
SELECT count(*) FROM spsa_open_session('ann', '178000000 years');
:code
SELECT count(*) FROM spsa_open_session('ann', '-178000000 years');
:code
-- from PostgreSQL 17 on there are infinite intervals
DO $$
DECLARE
	call text;
	value text;
BEGIN
	FOREACH call IN ARRAY ARRAY['lifetime', 'idle_timeout'] LOOP
		FOREACH value IN ARRAY ARRAY['infinity', '-infinity'] LOOP
			BEGIN
				EXECUTE format('SELECT FROM spsa_open_session(''ann'', %I => %L)', call, value);
				RAISE WARNING '%: % is let through', call, value;
			EXCEPTION WHEN invalid_datetime_format OR invalid_parameter_value THEN
				NULL;
			END;
		END LOOP;
	END LOOP;
END $$;
-- idle timeout
SELECT count(*) FROM spsa_open_session('ann', idle_timeout => '0');
:code
SELECT count(*) FROM spsa_open_session('ann', idle_timeout => '-1 minute');
:code
SELECT count(*) FROM spsa_open_session('ann', idle_timeout => '178000000 years');
:code
-- security level
SELECT count(*) FROM spsa_open_session('ann', security_level => 'high');
:code
-- attributes: no object
SELECT count(*) FROM spsa_open_session('ann', attributes => '[]');
:code
SELECT count(*) FROM spsa_open_session('ann', attributes => '"EU"');
:code
SELECT count(*) FROM spsa_open_session('ann', attributes => 'null');
:code
-- attributes: contradicting the user's
SELECT count(*) FROM spsa_open_session('ann', attributes => '{"region": "US"}');
:code
SELECT count(*) FROM spsa_open_session('ann', attributes => '{"region": null}');
:code
SELECT count(*) FROM spsa_open_session('ann', attributes => '{"region": ["EU"]}');
:code
-- own session
SET SESSION AUTHORIZATION regress_spsa_errors_other;
SELECT spsa_open_own_session();
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.app_user SET db_role = 'regress_spsa_errors_other' WHERE user_name = 'ben';
SET SESSION AUTHORIZATION regress_spsa_errors_other;
SELECT spsa_open_own_session('-1 hour');
:code
SELECT spsa_open_own_session('100 years');
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.app_user SET db_role = NULL WHERE user_name = 'ben';
UPDATE errors_before SET events = events + 2;
SELECT errors_nothing_done();

--
-- Activating
--
SET SESSION AUTHORIZATION regress_spsa_errors_app;
-- unknown set
SELECT count(*) FROM spsa_activate_own('nothing_of_that_name');
:code
SELECT count(*) FROM spsa_activate_own('GATED');
:code
SELECT count(*) FROM spsa_activate_own('');
:code
SELECT spsa_deactivate_own('nothing_of_that_name');
:code
\set VERBOSITY sqlstate
SELECT count(*) FROM spsa_activate_own(repeat('x', 1048576));
\set VERBOSITY default
-- another's session
SELECT count(*) FROM spsa_activate(:'bens_sid', 'gated');
:code
SELECT spsa_deactivate(:'bens_sid', 'gated');
:code
SELECT spsa_deactivate_all(:'bens_sid');
:code
SELECT spsa_close_session(:'bens_sid');
:code
-- no session at all
SELECT count(*) FROM spsa_activate('00000000-0000-0000-0000-000000000000', 'gated');
:code
SELECT count(*) FROM spsa_activate('no uuid', 'gated');
:code
-- duration
SELECT count(*) FROM spsa_activate_own('gated', '0');
:code
SELECT count(*) FROM spsa_activate_own('gated', '-1 hour');
:code
SELECT count(*) FROM spsa_activate_own('gated', '-178000000 years');
:code
-- beyond all time: with the session at the latest
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT expires_at = (spsa_session_info()->>'CreatedDate')::timestamptz + interval '8 hours' AS session_end FROM spsa_activate_own('gated', '178000000 years');
ROLLBACK;
-- not assigned
SELECT spsa_attach_connection(:'bens') = :'bens_sid' AS attached;
SELECT count(*) FROM spsa_activate_own('gated');
:code
SELECT count(*) FROM errors_deal;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
-- a session that is over, by the administrator
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM spsa_activate(:'closed_sid', 'gated');
:code
SELECT count(*) FROM spsa_activate(:'expired_sid', 'gated');
:code
SELECT spsa_deactivate(:'expired_sid', 'gated');
:code
SELECT errors_nothing_done();

--
-- Asking
--
SET SESSION AUTHORIZATION regress_spsa_errors_app;
-- unknown object
SELECT spsa_allows('errors_nothing', 'read');
:code
SELECT spsa_allows(0, 'read');
SELECT spsa_allows(4294967295, 'read');
-- unknown privilege
SELECT spsa_allows('errors_deal', 'write');
:code
SELECT spsa_allows('errors_deal', 'READ');
:code
SELECT spsa_allows('errors_deal', '');
:code
SELECT spsa_allows_row('errors_deal', 'write', 'region', 'EU'::text);
:code
-- an odd number of names and values
SELECT spsa_allows_row('errors_deal', 'read', 'region');
:code
SELECT spsa_allows_row('errors_deal', 'read', 'region', 'EU'::text, 'owner_id');
:code
-- none: no function of that form
SELECT spsa_allows_row('errors_deal', 'read');
:code
-- a name that is not constant
SELECT spsa_allows_row('errors_deal', 'read', region, owner_id) FROM errors_deal LIMIT 1;
:code
SELECT spsa_allows_row('errors_deal', 'read', lower('REGION' || id), region) FROM errors_deal LIMIT 1;
:code
-- a name that is null
SELECT spsa_allows_row('errors_deal', 'read', NULL, 'EU'::text);
:code
SELECT spsa_allows_row('errors_deal', 'read', NULL::text, 'EU'::text);
:code
-- a name of another type
SELECT spsa_allows_row('errors_deal', 'read', 1, 'EU'::text);
:code
-- a name twice
SELECT spsa_allows_row('errors_deal', 'read', 'region', 'EU'::text, 'region', 'US'::text);
:code
-- an array of all
SELECT spsa_allows_row('errors_deal', 'read', VARIADIC ARRAY['region', 'EU']);
:code
SELECT spsa_allows_row('errors_deal', 'read', VARIADIC NULL::text[]);
:code
-- the same in a policy, which fails closed
RESET SESSION AUTHORIZATION;
CREATE TABLE errors_policy (id int, region text);
INSERT INTO errors_policy VALUES (1, 'EU');
GRANT SELECT ON errors_policy TO regress_spsa_errors_app;
ALTER TABLE errors_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON errors_policy USING (spsa_allows_row('errors_deal', 'read', 'region', region, 'id'));
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_policy;
:code
RESET SESSION AUTHORIZATION;
ALTER POLICY p ON errors_policy USING (spsa_allows_row('errors_deal', 'read', region, region));
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_policy;
:code
RESET SESSION AUTHORIZATION;
ALTER POLICY p ON errors_policy USING (spsa_allows('errors_deal', 'peruse'));
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_policy;
:code
RESET SESSION AUTHORIZATION;
DROP TABLE errors_policy;
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_deal;

--
-- Writing what is not granted
--
-- with a hint at the set that would
UPDATE errors_deal SET region = 'EU' WHERE id = 1;
:code
-- without
DELETE FROM errors_deal WHERE id = 1;
:code
INSERT INTO errors_deal (id) VALUES (0);
:code
-- without a session
SELECT spsa_detach();
INSERT INTO errors_deal (id) VALUES (0);
:code
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
RESET SESSION AUTHORIZATION;
SELECT errors_nothing_done();

--
-- Permission sets: names
--
SELECT spsa_create_permission_set('');
:code
SELECT spsa_create_permission_set(repeat('a', 81));
:code
SELECT spsa_create_permission_set('1st');
:code
SELECT spsa_create_permission_set('_first');
:code
SELECT spsa_create_permission_set('last_');
:code
SELECT spsa_create_permission_set('two__underscores');
:code
SELECT spsa_create_permission_set('two words');
:code
SELECT spsa_create_permission_set('two-words');
:code
SELECT spsa_create_permission_set('größe');
:code
SELECT spsa_create_permission_set(E'line\n');
:code
SELECT spsa_create_permission_set('_');
:code
SELECT spsa_create_permission_set('reader');
:code
SELECT spsa_create_permission_set('a_kind', kind => 'bundle');
:code
-- past the function, and by renaming
INSERT INTO spsa.permission_set (set_name) VALUES ('two words');
:code
UPDATE spsa.permission_set SET set_name = 'last_' WHERE set_name = 'reader';
:code
UPDATE spsa.permission_set SET set_name = NULL WHERE set_name = 'reader';
:code
SELECT errors_nothing_done();
-- 80 characters are not too many, nor are a letter alone and single underscores
BEGIN;
SELECT spsa_create_permission_set(repeat('a', 80)) > 0 AS made;
SELECT spsa_create_permission_set('a') > 0 AS made, spsa_create_permission_set('A') > 0 AS another, spsa_create_permission_set('a_1_B') > 0 AS third;
SELECT spsa_assign('ann', repeat('a', 80));
SET LOCAL SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT length(set_name) FROM jsonb_array_elements_text(spsa_session_info()->'EffectiveSets') set_name ORDER BY 1 DESC LIMIT 1;
ROLLBACK;

--
-- Users: names, roles, attributes (the details of these messages have times in them)
--
\set VERBOSITY terse
SELECT spsa_create_user('');
:code
SELECT spsa_create_user(' ann');
:code
SELECT spsa_create_user(E'an\nn');
:code
SELECT spsa_create_user(repeat('u', 256));
:code
SELECT spsa_create_user('ann');
:code
SELECT spsa_create_user('zoe', db_role => 'regress_spsa_errors_nobody');
:code
SELECT spsa_create_user('zoe', '[]');
:code
SELECT spsa_create_user('zoe', '"text"');
:code
SELECT spsa_disable_user('zoe');
:code
SELECT errors_nothing_done();
BEGIN;
SELECT spsa_create_user(repeat('u', 255)) > 0 AS made;
SELECT count(*) FROM spsa_open_session(repeat('u', 255));
ROLLBACK;

--
-- Assigning
--
SELECT spsa_assign('zoe', 'reader');
:code
SELECT spsa_assign('ben', 'nothing_of_that_name');
:code
SELECT spsa_assign('ben', 'reader', now() - interval '1 second');
:code
SELECT spsa_assign('ben', 'reader', now());
:code
SELECT spsa_assign('ben', 'reader', '-infinity');
:code
SELECT spsa_revoke_assignment('zoe', 'reader');
:code
SELECT spsa_revoke_assignment('ann', 'nothing_of_that_name');
:code
SELECT spsa_revoke_assignment('ben', 'reader') AS was_assigned;
SELECT errors_nothing_done();
\set VERBOSITY default
-- for ever
BEGIN;
SELECT spsa_assign('ben', 'reader', 'infinity');
SET LOCAL SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_attach(:'bens') = :'bens_sid' AS attached;
SELECT count(*) FROM errors_deal;
ROLLBACK;

--
-- Granting: objects, privileges and what they need
--
SELECT spsa_grant_object('nothing_of_that_name', 'errors_deal', '{read}');
:code
SELECT spsa_grant_object('reader', 'errors_nothing', '{read}');
:code
SELECT spsa_grant_object('reader', 0, '{read}');
:code
SELECT spsa_grant_object('reader', 4294967295, '{read}');
:code
SELECT spsa_grant_object('reader', 'errors_idx', '{read}');
:code
SELECT spsa_grant_object('reader', 'errors_box', '{read}');
:code
SELECT spsa_grant_object('reader', 'pg_class', '{read}');
:code
SELECT spsa_grant_object('reader', 'spsa.session', '{read}');
:code
SELECT spsa_grant_object('reader', 'information_schema.tables', '{read}');
:code
SELECT spsa_grant_object('reader', 'errors_deal', '{write}');
:code
SELECT spsa_grant_object('reader', 'errors_deal', '{read,Edit}');
:code
SELECT spsa_grant_object('reader', 'errors_deal', '{}');
:code
SELECT spsa_grant_object('reader', 'errors_deal', '{read,NULL}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{create}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{edit}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{delete}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{read,delete}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{view_all}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{modify_all}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{read,modify_all}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{read,edit,modify_all}');
:code
SELECT spsa_grant_object('reader', 'errors_view', '{read,edit,delete,modify_all}');
:code
SELECT errors_nothing_done();
-- past the function
INSERT INTO spsa.object_permission (set_id, object, can_edit) VALUES (:reader, 'errors_view', true);
:code
UPDATE spsa.object_permission SET can_read = false WHERE set_id = :gated;
:code
INSERT INTO spsa.object_permission (set_id, object, can_read) VALUES (0, 'errors_view', true);
:code
INSERT INTO spsa.object_permission (set_id, object, can_read) VALUES (:reader, NULL, true);
:code
INSERT INTO spsa.object_permission (set_id, object, can_read) VALUES (NULL, 'errors_view', true);
:code
SELECT errors_nothing_done();
-- what is there counts
BEGIN;
SELECT spsa_grant_object('reader', 'errors_deal', '{edit}');
SELECT spsa_grant_object('reader', 'errors_deal', '{delete}');
SELECT can_read, can_create, can_edit, can_delete, view_all, modify_all FROM spsa.object_permission WHERE set_id = :reader;
ROLLBACK;

--
-- Granting rows
--
SELECT spsa_grant_rows('nothing_of_that_name', 'errors_deal', 'region', '{EU}');
:code
SELECT spsa_grant_rows('reader', 'errors_nothing', 'region', '{EU}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'colour', '{EU}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'ctid', '{"(0,1)"}');
:code
-- the set grants nothing there
SELECT spsa_grant_rows('reader', 'errors_view', 'one', '{1}');
:code
-- operators
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', operator => '<>');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', operator => 'IS NULL');
:code
-- privileges
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', privileges => '{write}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', privileges => '{view_all}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', privileges => '{}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', privileges => '{NULL}');
:code
-- no value, two, a value too many
SELECT spsa_grant_rows('reader', 'errors_deal', 'region');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', 'region');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU}', operator => 'is null');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', attribute => 'region', operator => 'is null');
:code
-- no literal, a null one
BEGIN;
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{}');
:code
ROLLBACK;
SELECT spsa_grant_rows('reader', 'errors_deal', 'region', '{EU,NULL}');
:code
-- values of the wrong type
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', '{seven}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', '{1,2,3.5}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', '{99999999999}');
:code
SELECT spsa_grant_rows('reader', 'errors_deal', 'due', '{2024-02-30}');
:code
-- a type without an ordering
SELECT spsa_grant_rows('reader', 'errors_deal', 'spot', '{"(1,1)"}');
:code
-- and nothing of the refused ones narrowed the set
SELECT row_scoped FROM spsa.object_permission WHERE set_id = :reader;
SELECT errors_nothing_done();
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_deal;
RESET SESSION AUTHORIZATION;

--
-- A session's attribute that does not fit the field: an error that names it and not its value
--
BEGIN;
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', attribute => 'region');
SET LOCAL SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_deal;
\echo SQLSTATE :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
ROLLBACK;
-- an object where a value is needed
BEGIN;
UPDATE spsa.app_user SET attributes = '{"emp": {"no": 7}}' WHERE user_name = 'ann';
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', attribute => 'emp');
SET LOCAL SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_deal;
:code
ROLLBACK;
-- null, an empty array and nothing at all match no row
BEGIN;
UPDATE spsa.app_user SET attributes = '{"emp": null, "emps": []}' WHERE user_name = 'ann';
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', attribute => 'emp');
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', attribute => 'emps');
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', attribute => 'employees');
SET LOCAL SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_deal;
ROLLBACK;
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*) FROM errors_deal;
RESET SESSION AUTHORIZATION;
SELECT errors_nothing_done();

--
-- Protecting
--
SELECT spsa_protect('errors_nothing');
:code
SELECT spsa_protect(4294967295);
:code
SELECT spsa_protect('errors_view');
:code
SELECT spsa_protect('errors_seq');
:code
SELECT spsa_protect('pg_class');
:code
SELECT spsa_protect('spsa.session');
:code
SELECT spsa_protect('errors_deal', '{colour}');
:code
SELECT spsa_protect('errors_deal', '{region,region}');
:code
SELECT spsa_protect('errors_deal', '{region,NULL}');
:code
SELECT spsa_protect('errors_deal', '{ctid}');
:code
SELECT spsa_protect('errors_deal', on_denied => 'ignore');
:code
CREATE TEMP TABLE errors_temp (id int);
SELECT spsa_protect('errors_temp');
:code
CREATE TABLE errors_parted (id int) PARTITION BY RANGE (id);
CREATE TABLE errors_part PARTITION OF errors_parted DEFAULT;
SELECT spsa_protect('errors_part');
:code
SELECT spsa_unprotect('errors_parted');
:code
DROP TABLE errors_parted;
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE errors_wide (%s)', string_agg('c' || n || ' int', ', ')) FROM generate_series(1, 60) n); END $$;
SELECT spsa_protect('errors_wide', (SELECT array_agg('c' || n) FROM generate_series(1, 50) n)::name[]);
:code
DROP TABLE errors_wide;
SELECT spsa_unprotect(4294967295);
:code
-- not the owner; and administration is nobody's by default
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_protect('errors_deal');
:code
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION spsa_protect, spsa_unprotect, spsa_assign TO regress_spsa_errors_app;
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_protect('errors_deal');
:code
SELECT spsa_unprotect('errors_deal');
:code
SELECT spsa_assign('ben', 'reader');
:code
RESET SESSION AUTHORIZATION;
-- a policy of a protected table
DROP POLICY spsa_read ON errors_deal;
:code
ALTER TABLE errors_deal DROP COLUMN region CASCADE;
:code
SELECT errors_nothing_done();

--
-- NULL for each argument of each function, the others being right: what comes of it
--
CREATE FUNCTION errors_outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
BEGIN
	BEGIN
		EXECUTE 'SELECT count(*) || '' row, '' || COALESCE(min(x::text), ''null'') FROM ' || call || ' x' INTO result;
		RAISE EXCEPTION USING errcode = 'RB000';	-- undo
	EXCEPTION
		WHEN SQLSTATE 'RB000' THEN RETURN CASE WHEN result ~ '(true|false|null)$' THEN result ELSE '1 row' END;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
			RETURN SQLSTATE || ' ' || message;
	END;
END $$;
CREATE FUNCTION errors_argument(function name, name text, type regtype) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
		WHEN function LIKE 'spsa_create%' AND name IN ('user_name', 'set_name', 'permission_name', 'flow_name') THEN quote_literal('zoe')
		WHEN function LIKE 'spsa_create%' AND name = 'member_activation' THEN 'NULL'
		WHEN name = 'flow_name' THEN quote_literal('rounds')
		WHEN name = 'criterion' THEN quote_literal('errors_criterion(uuid)')
		WHEN name = 'action' THEN quote_literal('activate')
		WHEN name = 'position' THEN quote_literal('7')
		WHEN name = 'allowed_set' THEN quote_literal('reader')
		WHEN name = 'permission_set_group' THEN quote_literal('bundle')
		WHEN function LIKE '%muting%' OR name = 'muting_set' THEN quote_literal('mute')
		WHEN name IN ('member', 'set_a') THEN quote_literal('reader')
		WHEN name = 'set_b' THEN quote_literal('bundle')
		WHEN name = 'member_activation' THEN quote_literal('keep')
		WHEN name IN ('permission_name', 'custom_permission') THEN quote_literal('export')
		WHEN name = 'role' THEN quote_literal('regress_spsa_errors_other')
		WHEN name = 'function' THEN quote_literal('errors_nothing_done()')
		WHEN function = 'spsa_exclude' AND name = 'kind' THEN quote_literal('static')
		WHEN name = 'user_name' THEN quote_literal('ann')
		WHEN name IN ('permission_set', 'set_name') THEN quote_literal('gated')
		WHEN name = 'object' THEN quote_literal('errors_deal')
		WHEN name = 'privilege' THEN quote_literal('read')
		WHEN name = 'privileges' THEN quote_literal('{read}')
		WHEN name = 'allowed' THEN quote_literal('{read,edit}')
		WHEN name = 'field' THEN quote_literal('region')
		WHEN name = 'literals' THEN quote_literal('{EU}')
		WHEN name = 'operator' THEN quote_literal('=')
		WHEN name = 'row_fields' THEN quote_literal('{region}')
		WHEN name = 'on_denied' THEN quote_literal('hide')
		WHEN name = 'kind' THEN quote_literal('set')
		WHEN name IN ('lifetime', 'idle_timeout', 'duration') THEN quote_literal('1 hour')
		WHEN name = 'expires_at' THEN quote_literal('2999-01-01')
		WHEN name = 'starts_at' THEN quote_literal('2998-01-01')
		WHEN name = 'before' THEN quote_literal('2000-01-01')
		WHEN name IN ('head', 'pruned') THEN quote_literal('1/0/0/1:1:/1999-01-01/' || repeat('0', 64))
		WHEN name = 'security_level' THEN quote_literal('standard')
		WHEN name = 'source_ip' THEN quote_literal('::1')
		WHEN name = 'attributes' THEN quote_literal('{}')
		WHEN name = 'db_role' THEN quote_literal('regress_spsa_errors_app')
		WHEN name = 'sets' THEN quote_literal('{reader}')
		WHEN name = 'session' THEN quote_literal(spsa_session_id())
		WHEN name = 'sequence' THEN quote_literal('errors_seq')
		WHEN name = 'attribute' THEN 'NULL'
		WHEN type = 'bigint'::regtype THEN '1'
		WHEN name IN ('request', 'review') THEN quote_literal(spsa_session_id())
		WHEN name IN ('default_duration', 'max_duration', 'max_authentication_age') THEN quote_literal('1 hour')
		WHEN name = 'min_security_level' THEN quote_literal('standard')
		WHEN name = 'networks' THEN quote_literal('{::/0}')
		WHEN name = 'weekdays' THEN quote_literal('{1}')
		WHEN name = 'start_time' THEN quote_literal('09:00')
		WHEN name = 'end_time' THEN quote_literal('17:00')
		WHEN name = 'time_zone' THEN quote_literal('UTC')
		WHEN name = 'at' THEN quote_literal('2026-01-01 12:00+00')
		WHEN name = 'approvals_required' THEN quote_literal('1')
		WHEN name = 'approver_set' THEN quote_literal('reader')
		WHEN name IN ('clear', 'columns') THEN quote_literal('{networks}')
		WHEN name = 'issuer' THEN quote_literal(CASE WHEN function LIKE 'spsa_create%' THEN 'https://new.example' ELSE 'https://idp.example' END)
		WHEN name IN ('audience', 'high_assurance_acr', 'high_assurance_amr') THEN quote_literal('{app}')
		WHEN name = 'algorithms' THEN quote_literal('{EdDSA}')
		WHEN name = 'jwks' THEN quote_literal('{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}')
		WHEN name = 'attribute_claims' THEN quote_literal('{}')
		WHEN name IN ('clock_skew', 'max_lifetime') THEN quote_literal('1 minute')
		WHEN type = 'boolean'::regtype THEN 'true'
		WHEN type = 'text'::regtype THEN quote_literal('x')
	END || '::' || type $$;
CREATE FUNCTION errors_criterion(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT spsa_create_flow('rounds') IS NOT NULL AS made;
INSERT INTO spsa.jwt_issuer (issuer, audience, algorithms, jwks)
VALUES ('https://idp.example', '{app}', '{EdDSA}', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
SELECT token AS any_role, session_id AS any_sid FROM spsa_open_session('ann', '1 hour', db_role => NULL) \gset
SELECT spsa_attach_connection(:'any_role') = :'any_sid' AS attached;
SET client_min_messages = error;
SELECT f.proname AS function, a.name AS "null", errors_outcome(format('%s.%I(%s)', f.pronamespace::regnamespace, f.proname, (
	SELECT string_agg(CASE WHEN b.n = a.n THEN 'NULL::' || b.type ELSE errors_argument(f.proname, b.name, b.type) END, ', ' ORDER BY b.n)
	FROM unnest(f.proargnames[:f.pronargs], f.proargtypes::regtype[]) WITH ORDINALITY b(name, type, n)))) AS outcome
FROM (SELECT p.* FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
		WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa')
			AND p.provariadic = 0 AND p.prorettype <> 'internal'::regtype AND p.proname NOT LIKE 'spsa_attach%') f,
	unnest(f.proargnames[:f.pronargs], f.proargtypes::regtype[]) WITH ORDINALITY a(name, type, n)
ORDER BY f.proname COLLATE "C", f.pronargs, a.n;
RESET client_min_messages;
SELECT spsa_drop_flow('rounds');
DROP FUNCTION errors_criterion;
DELETE FROM spsa.jwt_issuer;
DELETE FROM spsa.audit_event WHERE event LIKE 'flow%' OR event LIKE 'jwt%';
SELECT spsa_close_session();
SELECT spsa_detach();
DELETE FROM spsa.session WHERE session_id = :'any_sid';
DELETE FROM spsa.session_end WHERE session_id = :'any_sid';
DELETE FROM spsa.audit_event WHERE session_id = :'any_sid';
-- with none but NULLs
SELECT spsa_allows(NULL, NULL), spsa_allows_row(NULL, NULL, 'region', NULL::text), spsa_allows_row('errors_deal', 'read', 'region', NULL::text),
	spsa_session_attribute(NULL), spsa_close_session(NULL);
SELECT count(*) FROM spsa_activate(NULL, NULL, NULL, NULL);
:code
SELECT count(*) FROM spsa_activate_own(NULL, NULL, NULL);
:code
SELECT spsa_deactivate(NULL, NULL);
:code
SELECT spsa_deactivate_all(NULL);
:code
SELECT count(*) FROM spsa_open_session(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
:code
SELECT spsa_open_own_session(NULL);
:code
\set VERBOSITY terse
SELECT spsa_create_user(NULL, NULL, NULL);
:code
\set VERBOSITY default
SELECT spsa_grant_rows(NULL, NULL, NULL);
:code
SELECT spsa_assign(NULL, NULL, NULL);
:code
SELECT spsa_revoke_assignment(NULL, NULL);
:code
SELECT spsa_disable_user(NULL, NULL);
:code
SELECT spsa_create_permission_set(NULL);
:code
SELECT spsa_protect(NULL, NULL, NULL, NULL, NULL);
:code
SELECT spsa_unprotect(NULL);
:code
-- with a session attached
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT count(*) FROM spsa_activate(NULL, 'gated');
:code
SELECT count(*) FROM spsa_activate_own(NULL);
:code
SELECT spsa_deactivate(NULL, 'gated');
:code
SELECT spsa_deactivate_own(NULL);
:code
SELECT spsa_deactivate_all(NULL);
:code
SELECT spsa_close_session(NULL);
SELECT spsa_allows(NULL, 'read'), spsa_allows('errors_deal', NULL), spsa_allows_row(NULL, 'read', 'region', 'EU'::text),
	spsa_allows_row('errors_deal', NULL, 'region', 'EU'::text);
SELECT count(*) FROM errors_deal;
RESET SESSION AUTHORIZATION;
SELECT errors_nothing_done();

--
-- Much of everything
--
-- 10,000 literals in one scope, every one of them counts and no other
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', (SELECT array_agg((n * 3)::text ORDER BY n DESC) FROM generate_series(1, 10000) n));
SELECT cardinality(literals) FROM spsa.row_scope;
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT count(*), sum(owner_id % 3), min(owner_id), max(owner_id) FROM errors_deal;
SELECT spsa_allows_row('errors_deal', 'read', 'owner_id', 30000) AS last, spsa_allows_row('errors_deal', 'read', 'owner_id', 30001) AS beyond;
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.row_scope;
-- 10,000 values in a session's attribute
SELECT spsa_grant_rows('reader', 'errors_deal', 'owner_id', attribute => 'owners');
SELECT token AS many, session_id AS many_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app',
	attributes => jsonb_build_object('owners', (SELECT jsonb_agg(n * 3) FROM generate_series(1, 10000) n))) \gset
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_attach_connection(:'many') = :'many_sid' AS attached;
SELECT count(*), sum(owner_id % 3) FROM errors_deal;
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.row_scope;
UPDATE spsa.object_permission SET row_scoped = false WHERE set_id = :reader;
-- a value of a megabyte
SELECT token AS big, session_id AS big_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app',
	attributes => jsonb_build_object('big', repeat('x', 1048576))) \gset
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_attach_connection(:'big') = :'big_sid' AS attached;
SELECT length(spsa_session_attribute('big')), (SELECT count(*) FROM errors_deal) AS rows;
-- a name of a megabyte
SELECT spsa_session_attribute(repeat('x', 1048576)) IS NULL AS missing;
-- deeply nested
RESET SESSION AUTHORIZATION;
SELECT token AS deep, session_id AS deep_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_errors_app',
	attributes => ('{"deep": ' || repeat('[', 1000) || repeat(']', 1000) || '}')::jsonb) \gset
SET SESSION AUTHORIZATION regress_spsa_errors_app;
SELECT spsa_attach_connection(:'deep') = :'deep_sid' AS attached;
SELECT length(spsa_session_attribute('deep')), (SELECT count(*) FROM errors_deal) AS rows;
-- a reason of a megabyte
SET client_min_messages = warning;
SELECT already_active FROM spsa_activate_own('gated', reason => repeat('r', 1048576));
:code
SELECT already_active FROM spsa_activate_own('gated', reason => repeat('r', 4000));
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT length(detail->>'reason') FROM spsa.audit_event WHERE event = 'activate';

DROP FUNCTION errors_nothing_done(), errors_outcome(text), errors_argument(name, text, regtype);
DROP VIEW errors_count, errors_view;
DROP TABLE errors_before, errors_deal;
DROP TYPE errors_box;
DROP SEQUENCE errors_seq;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_errors_app, regress_spsa_errors_other;
