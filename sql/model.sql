-- model: the rules that configuration keeps, whoever writes it, and that nothing dangles.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
CREATE ROLE regress_spsa_model_app;
CREATE ROLE regress_spsa_model_owner;
GRANT CREATE ON SCHEMA public TO regress_spsa_model_owner;
CREATE TABLE account (id integer PRIMARY KEY, region text, amount numeric);
INSERT INTO account VALUES (1, 'EU', 10), (2, 'US', 20), (3, NULL, NULL);
GRANT SELECT ON account TO regress_spsa_model_app;

--
-- Names of permission sets
--
SELECT spsa_create_permission_set('Sales') IS NOT NULL AS made;
SELECT spsa_create_permission_set('a1_B2_c3', label => 'A, b and c', description => 'what they are for') IS NOT NULL AS made;
SELECT set_name, label, description FROM spsa.permission_set ORDER BY set_id;
SELECT spsa_create_permission_set(repeat('x', 80)) IS NOT NULL AS made;
SELECT spsa_create_permission_set(repeat('x', 81));
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_permission_set('');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_permission_set('1st');
SELECT spsa_create_permission_set('_first');
SELECT spsa_create_permission_set('last_');
SELECT spsa_create_permission_set('two__underscores');
SELECT spsa_create_permission_set('with space');
SELECT spsa_create_permission_set('hy-phen');
SELECT spsa_create_permission_set('umläut');
SELECT spsa_create_permission_set(E'line\n');
SELECT spsa_create_permission_set(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_permission_set('Sales');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_permission_set('sales') IS NOT NULL AS another;
SELECT spsa_create_permission_set('x', kind => 'bag');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_permission_set('x', kind => NULL);
INSERT INTO spsa.permission_set (set_name) VALUES ('2nd');
UPDATE spsa.permission_set SET set_name = 'sales_' WHERE set_name = 'sales';
UPDATE spsa.permission_set SET kind = 'bag' WHERE set_name = 'sales';
UPDATE spsa.permission_set SET set_name = 'Sales' WHERE set_name = 'sales';
DELETE FROM spsa.permission_set WHERE set_name = 'sales';
-- The constraints say the same, without the triggers' explanation.
\set VERBOSITY terse
BEGIN;
ALTER TABLE spsa.permission_set DISABLE TRIGGER check_row;
SAVEPOINT s;
INSERT INTO spsa.permission_set (set_name) VALUES ('2nd');
ROLLBACK TO s;
INSERT INTO spsa.permission_set (set_name, kind) VALUES ('x', 'bag');
ROLLBACK TO s;
INSERT INTO spsa.permission_set (set_name) VALUES (repeat('x', 81));
ROLLBACK;

--
-- Users
--
SELECT spsa_create_user('ann') IS NOT NULL AS made;
SELECT spsa_create_user('ann');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_user('');
SELECT spsa_create_user(' bob');
SELECT spsa_create_user(E'bo\tb');
SELECT spsa_create_user(repeat('x', 256));
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_user(NULL);
SELECT spsa_create_user('bob', '["EU"]');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_user('bob', db_role => 'regress_spsa_model_nobody');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_user('bob', db_role => 'regress_spsa_model_app') IS NOT NULL AS made;
SELECT spsa_create_user('bob2', db_role => 'regress_spsa_model_app');
\echo :LAST_ERROR_SQLSTATE
UPDATE spsa.app_user SET session_limit = 0 WHERE user_name = 'bob';
UPDATE spsa.app_user SET attributes = '1' WHERE user_name = 'bob';
SELECT count(*) FROM spsa.app_user;
\set VERBOSITY default

--
-- Dependencies of privileges, by function
--
SELECT spsa_grant_object('Sales', 'account', '{create}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_object('Sales', 'account', '{edit}');
SELECT spsa_grant_object('Sales', 'account', '{delete}');
SELECT spsa_grant_object('Sales', 'account', '{delete,read}');
SELECT spsa_grant_object('Sales', 'account', '{view_all}');
SELECT spsa_grant_object('Sales', 'account', '{modify_all}');
SELECT spsa_grant_object('Sales', 'account', '{modify_all,read}');
SELECT spsa_grant_object('Sales', 'account', '{modify_all,read,edit}');
SELECT spsa_grant_object('Sales', 'account', '{modify_all,read,edit,delete}');
SELECT count(*) AS granted FROM spsa.object_permission;
-- What is there already counts.
SELECT spsa_grant_object('Sales', 'account', '{read}');
SELECT spsa_grant_object('Sales', 'account', '{delete}');
SELECT spsa_grant_object('Sales', 'account', '{create}');
SELECT spsa_grant_object('Sales', 'account', '{edit}');
SELECT spsa_grant_object('Sales', 'account', '{delete}');
SELECT spsa_grant_object('Sales', 'account', '{modify_all}');
SELECT spsa_grant_object('Sales', 'account', '{view_all}');
SELECT spsa_grant_object('Sales', 'account', '{modify_all}');
SELECT can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped FROM spsa.object_permission;
-- and in one call, in any order
SELECT spsa_grant_object('a1_B2_c3', 'account', '{modify_all,view_all,delete,edit,create,read}');
SELECT can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped FROM spsa.object_permission p
WHERE set_id = (SELECT set_id FROM spsa.permission_set WHERE set_name = 'a1_B2_c3');
-- directly: what others rest on can't be taken away
UPDATE spsa.object_permission SET can_read = false;
\echo :LAST_ERROR_SQLSTATE
UPDATE spsa.object_permission SET can_edit = false;
UPDATE spsa.object_permission SET can_delete = false;
UPDATE spsa.object_permission SET view_all = false;
UPDATE spsa.object_permission SET can_create = false;
UPDATE spsa.object_permission SET modify_all = false;
UPDATE spsa.object_permission SET view_all = false;
UPDATE spsa.object_permission SET can_edit = false;
UPDATE spsa.object_permission SET can_delete = false, can_edit = false;
SELECT DISTINCT can_read, can_create, can_edit, can_delete, view_all, modify_all FROM spsa.object_permission;
DELETE FROM spsa.object_permission;
INSERT INTO spsa.object_permission (set_id, object, can_create) SELECT set_id, 'account', true FROM spsa.permission_set WHERE set_name = 'Sales';
INSERT INTO spsa.object_permission (set_id, object, can_edit) SELECT set_id, 'account', true FROM spsa.permission_set WHERE set_name = 'Sales';
INSERT INTO spsa.object_permission (set_id, object, can_read, can_delete) SELECT set_id, 'account', true, true FROM spsa.permission_set WHERE set_name = 'Sales';
INSERT INTO spsa.object_permission (set_id, object, view_all) SELECT set_id, 'account', true FROM spsa.permission_set WHERE set_name = 'Sales';
INSERT INTO spsa.object_permission (set_id, object, can_read, can_edit, can_delete, modify_all) SELECT set_id, 'account', true, true, true, true FROM spsa.permission_set WHERE set_name = 'Sales';
-- The constraints say the same.
BEGIN;
ALTER TABLE spsa.object_permission DISABLE TRIGGER check_row;
SELECT set_id AS sales FROM spsa.permission_set WHERE set_name = 'Sales' \gset
SAVEPOINT s;
\set VERBOSITY terse
INSERT INTO spsa.object_permission (set_id, object, can_create) VALUES (:sales, 'account', true);
ROLLBACK TO s;
INSERT INTO spsa.object_permission (set_id, object, can_edit) VALUES (:sales, 'account', true);
ROLLBACK TO s;
INSERT INTO spsa.object_permission (set_id, object, can_read, can_delete) VALUES (:sales, 'account', true, true);
ROLLBACK TO s;
INSERT INTO spsa.object_permission (set_id, object, can_read, can_edit, can_delete) VALUES (:sales, 'account', false, true, true);
ROLLBACK TO s;
INSERT INTO spsa.object_permission (set_id, object, view_all) VALUES (:sales, 'account', true);
ROLLBACK TO s;
INSERT INTO spsa.object_permission (set_id, object, can_read, can_edit, can_delete, modify_all) VALUES (:sales, 'account', true, true, true, true);
ROLLBACK;
\set VERBOSITY default
-- Other objects than tables, views and sequences of applications
CREATE SEQUENCE model_seq;
CREATE INDEX model_idx ON account (region);
CREATE VIEW model_view AS SELECT id FROM account;
SELECT spsa_grant_object('Sales', 'model_idx', '{read}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_object('Sales', 'pg_class', '{read}');
SELECT spsa_grant_object('Sales', 'spsa.app_user', '{read}');
SELECT spsa_grant_object('Sales', 'information_schema.tables', '{read}');
SELECT spsa_grant_object('Sales', 1::oid::regclass, '{read}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_object('Sales', 'model_view', '{read}');
SELECT spsa_grant_object('Sales', 'model_seq', '{read}');
SELECT spsa_grant_object('Sales', NULL, '{read}');
DROP VIEW model_view;
DROP SEQUENCE model_seq;
SELECT count(*) AS granted FROM spsa.object_permission;

--
-- Row scopes
--
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_object('Sales', 'account', '{read}');
SELECT spsa_grant_rows('Sales', 'account', 'nope', '{EU}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_rows('Sales', 'account', 'ctid', '{"(0,1)"}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_rows('Sales', 'account', 'region');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', 'region');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', operator => '<>');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', operator => NULL);
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', operator => 'is null');
SELECT spsa_grant_rows('Sales', 'account', 'region', attribute => 'region', operator => 'is null');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU,NULL}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_rows('Sales', 'account', 'region', '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_rows('Sales', 'account', 'region', '{{EU},{US}}');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', privileges => '{}');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', privileges => '{view_all}');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}', privileges => '{read,NULL}');
SELECT spsa_grant_rows('Sales', 'account', 'amount', '{ten}');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) AS scopes, (SELECT row_scoped FROM spsa.object_permission) AS row_scoped FROM spsa.row_scope;
-- directly
\set VERBOSITY terse
SELECT set_id AS sales FROM spsa.permission_set WHERE set_name = 'Sales' \gset
INSERT INTO spsa.row_scope (set_id, object, field, literals) VALUES (:sales, 'account', 'nope', '{EU}');
INSERT INTO spsa.row_scope (set_id, object, field, literals) VALUES (:sales, 'account', 'amount', '{ten}');
INSERT INTO spsa.row_scope (set_id, object, field, literals, privileges) VALUES (:sales, 'account', 'amount', '{10}', '{view_all}');
INSERT INTO spsa.row_scope (set_id, object, field) VALUES (:sales, 'account', 'amount');
INSERT INTO spsa.row_scope (set_id, object, field, literals) VALUES (:sales, 'account', NULL, '{10}');
\set VERBOSITY default
INSERT INTO spsa.row_scope (set_id, object, field, literals) VALUES (:sales, 'account', 'amount', '{20,010,20}');
SELECT field, operator, literals, attribute, privileges, field_type FROM spsa.row_scope;
UPDATE spsa.row_scope SET literals = '{ten}';
UPDATE spsa.row_scope SET field = 'nope';
UPDATE spsa.row_scope SET field = 'region';
SELECT field, operator, literals, attribute, privileges, field_type FROM spsa.row_scope;
DELETE FROM spsa.row_scope;
-- A type without ordering can be null, but not compared.
ALTER TABLE account ADD COLUMN j json;
SELECT spsa_grant_rows('Sales', 'account', 'j', '{1}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_rows('Sales', 'account', 'j', operator => 'is null');
DELETE FROM spsa.row_scope;
ALTER TABLE account DROP COLUMN j;

--
-- Repeated calls add and never erase what they do not name
--
DELETE FROM spsa.object_permission;
SELECT spsa_grant_object('Sales', 'account', '{read,create}', row_scoped => true);
SELECT spsa_grant_object('Sales', 'account', '{read,edit}');
SELECT can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped FROM spsa.object_permission;
SELECT spsa_grant_object('Sales', 'account', '{read}', row_scoped => NULL);
SELECT row_scoped FROM spsa.object_permission;
DELETE FROM spsa.object_permission;
SELECT spsa_grant_object('Sales', 'account', '{read}');
SELECT row_scoped FROM spsa.object_permission;
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}');
SELECT row_scoped FROM spsa.object_permission;
SELECT spsa_grant_object('Sales', 'account', '{read}');
SELECT row_scoped FROM spsa.object_permission;
-- An expiry stays until another one is given.
SELECT spsa_assign('ann', 'Sales', '2100-01-01 00:00+00');
SELECT assignment_id AS first FROM spsa.assignment \gset
SELECT spsa_assign('ann', 'Sales');
SELECT expires_at = '2100-01-01 00:00+00' AS expiry_kept, assignment_id = :first AS same FROM spsa.assignment;
SELECT spsa_assign('ann', 'Sales', '2090-01-01 00:00+00');
SELECT expires_at = '2090-01-01 00:00+00' AS expiry_changed, assignment_id = :first AS same FROM spsa.assignment;
\set VERBOSITY terse
SELECT spsa_assign('ann', 'Sales', '1990-01-01 00:00+00');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
SELECT expires_at = '2090-01-01 00:00+00' AS expiry_kept FROM spsa.assignment;
-- An assignment that has run out is not revived: a new one is made.
UPDATE spsa.assignment SET starts_at = '2000-01-01', expires_at = '2001-01-01';
SELECT spsa_assign('ann', 'Sales');
SELECT expires_at IS NULL AS no_expiry, assignment_id <> :first AS another FROM spsa.assignment;
-- nobody, nothing
SELECT spsa_assign('nobody', 'Sales');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_assign('ann', 'nothing');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_assign(NULL, 'Sales');
SELECT spsa_assign('ann', NULL);
SELECT spsa_revoke_assignment('ann', 'nothing');
SELECT spsa_revoke_assignment('nobody', 'Sales');
SELECT spsa_revoke_assignment('bob', 'Sales');
SELECT spsa_grant_object('nothing', 'account', '{read}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_object('Sales', 'account', '{}');
SELECT spsa_grant_object('Sales', 'account', NULL);
SELECT spsa_grant_object('Sales', 'account', '{read,write}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_grant_object('Sales', 'nowhere', '{read}');
\echo :LAST_ERROR_SQLSTATE

--
-- Two calls of spsa_grant_rows add up
--
DELETE FROM spsa.object_permission;
SELECT spsa_protect('account', '{region,amount}');
SELECT spsa_grant_object('Sales', 'account', '{read}');
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_model_app') \gset
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT id FROM account ORDER BY id;
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_rows('Sales', 'account', 'region', '{EU}');
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id FROM account ORDER BY id;
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_rows('Sales', 'account', 'region', '{US}');
SELECT spsa_grant_rows('Sales', 'account', 'region', '{US}');
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id FROM account ORDER BY id;
RESET SESSION AUTHORIZATION;

--
-- Renaming keeps access, and so does moving to another schema
--
CREATE SCHEMA regress_spsa_model_s;
GRANT USAGE ON SCHEMA regress_spsa_model_s TO regress_spsa_model_app;
ALTER TABLE account RENAME TO customer;
ALTER TABLE customer SET SCHEMA regress_spsa_model_s;
SELECT object, row_fields FROM spsa.protected_object;
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id FROM regress_spsa_model_s.customer ORDER BY id;
RESET SESSION AUTHORIZATION;
-- A table of the old name is another table.
CREATE TABLE account (id integer, region text);
INSERT INTO account VALUES (1, 'EU');
GRANT SELECT ON account TO regress_spsa_model_app;
SELECT spsa_protect('account', '{region}');
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id FROM account ORDER BY id;
RESET SESSION AUTHORIZATION;
-- A renamed column: the policy passes it under the name that it had when the table was protected.
ALTER TABLE regress_spsa_model_s.customer RENAME COLUMN region TO territory;
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id, territory FROM regress_spsa_model_s.customer ORDER BY id;
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_spsa_model_s.customer RENAME COLUMN territory TO region;
-- A renamed permission set
UPDATE spsa.permission_set SET set_name = 'Sales_all' WHERE set_name = 'Sales';
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id FROM regress_spsa_model_s.customer ORDER BY id;
SELECT spsa_session_info() -> 'EffectiveSets' AS effective;
RESET SESSION AUTHORIZATION;

--
-- Dropping leaves nothing
--
CREATE VIEW dangling AS
	SELECT 'object_permission' AS "table", count(*) FROM spsa.object_permission WHERE object NOT IN (SELECT oid FROM pg_class)
	UNION ALL SELECT 'row_scope', count(*) FROM spsa.row_scope WHERE object NOT IN (SELECT oid FROM pg_class)
	UNION ALL SELECT 'protected_object', count(*) FROM spsa.protected_object WHERE object NOT IN (SELECT oid FROM pg_class);
CREATE VIEW configured AS
	SELECT (SELECT count(*) FROM spsa.object_permission) AS permissions, (SELECT count(DISTINCT (set_id, object, field, operator, literals)) FROM spsa.row_scope) AS scopes,
		(SELECT count(*) FROM spsa.protected_object) AS protected;
SELECT * FROM configured;
DROP TABLE account;
SELECT * FROM configured;
SELECT spsa_grant_object('a1_B2_c3', 'regress_spsa_model_s.customer', '{read}', true);
SELECT * FROM configured;
-- rolled back with it
BEGIN;
DROP TABLE regress_spsa_model_s.customer;
SELECT * FROM configured;
ROLLBACK;
SELECT * FROM configured;
SET SESSION AUTHORIZATION regress_spsa_model_app;
SELECT id FROM regress_spsa_model_s.customer ORDER BY id;
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_spsa_model_s CASCADE;
SELECT * FROM configured;
SELECT * FROM dangling;
-- by an ordinary role, which has no privileges on the configuration, and with its role
GRANT EXECUTE ON FUNCTION spsa_protect TO regress_spsa_model_owner;
SET SESSION AUTHORIZATION regress_spsa_model_owner;
CREATE TABLE mine1 (id integer, region text);
CREATE TABLE mine2 (id integer, region text);
CREATE VIEW mine_view AS SELECT * FROM mine2;
CREATE MATERIALIZED VIEW mine_matview AS SELECT * FROM mine2;
SELECT spsa_protect('mine1', '{region}');
SELECT spsa_protect('mine2');
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_object('Sales_all', 'mine1', '{read}');
SELECT spsa_grant_rows('Sales_all', 'mine1', 'region', '{EU}');
SELECT spsa_grant_object('Sales_all', 'mine2', '{read}');
SELECT spsa_grant_object('Sales_all', 'mine_view', '{read}');
SELECT spsa_grant_object('Sales_all', 'mine_matview', '{read}');
SELECT * FROM configured;
SET SESSION AUTHORIZATION regress_spsa_model_owner;
DROP TABLE mine1;
RESET SESSION AUTHORIZATION;
SELECT * FROM configured;
SET SESSION AUTHORIZATION regress_spsa_model_owner;
DROP VIEW mine_view;
RESET SESSION AUTHORIZATION;
SELECT * FROM configured;
DROP OWNED BY regress_spsa_model_owner;
SELECT * FROM configured;
SELECT * FROM dangling;
-- A table that gets the OID of a dropped one inherits nothing: there is nothing left to inherit.
SELECT count(*) FROM spsa.audit_event WHERE event = 'protected_object_delete';

--
-- Cascades
--
CREATE TABLE account (id integer, region text);
SELECT spsa_protect('account', '{region}');
SELECT spsa_grant_object('Sales_all', 'account', '{read}');
SELECT spsa_grant_rows('Sales_all', 'account', 'region', '{EU}');
SELECT spsa_grant_object('a1_B2_c3', 'account', '{read}');
SELECT spsa_assign('bob', 'a1_B2_c3');
DELETE FROM spsa.object_permission WHERE set_id = (SELECT set_id FROM spsa.permission_set WHERE set_name = 'Sales_all');
SELECT * FROM configured;
SELECT spsa_grant_object('Sales_all', 'account', '{read}');
SELECT spsa_grant_rows('Sales_all', 'account', 'region', '{EU}');
DELETE FROM spsa.permission_set WHERE set_name = 'Sales_all';
SELECT * FROM configured;
SELECT u.user_name, s.set_name FROM spsa.assignment JOIN spsa.app_user u USING (user_id) JOIN spsa.permission_set s USING (set_id) ORDER BY 1;
SELECT count(*) AS sessions FROM spsa.session;
DELETE FROM spsa.app_user WHERE user_name = 'bob';
DELETE FROM spsa.app_user WHERE user_name = 'ann';
SELECT (SELECT count(*) FROM spsa.assignment) AS assignments, (SELECT count(*) FROM spsa.session) AS sessions;
INSERT INTO spsa.row_scope (set_id, object, field, literals) VALUES (99999, 'account', 'region', '{EU}');
INSERT INTO spsa.object_permission (set_id, object, can_read) VALUES (99999, 'account', true);
INSERT INTO spsa.assignment (user_id, set_id) VALUES (99999, 99999);
-- An end before the beginning
\set VERBOSITY terse
SELECT spsa_create_user('carl') IS NOT NULL AS made;
INSERT INTO spsa.assignment (user_id, set_id, starts_at, expires_at)
SELECT user_id, set_id, '2030-01-01', '2029-01-01' FROM spsa.app_user, spsa.permission_set WHERE set_name = 'a1_B2_c3';
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default

--
-- What a dump takes: configuration; not sessions, activations, secrets and history
--
SELECT c.oid::regclass AS relation, c.relkind, e.oid IS NOT NULL AS dumped, e.condition
FROM pg_class c LEFT JOIN (SELECT unnest(extconfig) AS oid, unnest(extcondition) AS condition FROM pg_extension WHERE extname = 'spsa') e USING (oid)
WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v') AND NOT c.relispartition ORDER BY c.relname COLLATE "C";

DROP VIEW dangling, configured;
DROP EXTENSION spsa CASCADE;
DROP TABLE account;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_model_owner;
DROP OWNED BY regress_spsa_model_owner, regress_spsa_model_app;
DROP ROLE regress_spsa_model_app, regress_spsa_model_owner;
