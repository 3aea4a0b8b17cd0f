-- virtual_column.sql - generated columns that are computed where they are read: from PostgreSQL 18 on. (Before: expected/virtual_column_1.out)
SELECT current_setting('server_version_num')::int < 180000 AS too_old \gset
\if :too_old
\quit
\endif
SET client_min_messages = warning;
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_vc_app;
CREATE TABLE vc_doc (id int PRIMARY KEY, region text, pay int, zone text GENERATED ALWAYS AS (upper(region)) VIRTUAL,
	twice int GENERATED ALWAYS AS (pay * 2) VIRTUAL);
INSERT INTO vc_doc (id, region, pay) VALUES (1, 'eu', 10), (2, 'us', 20), (3, 'eu', 30), (4, NULL, 40);
GRANT SELECT, INSERT, UPDATE ON vc_doc TO regress_spsa_vc_app;
SELECT spsa_protect('vc_doc', '{zone}');
SELECT spsa_create_user('ann');
SELECT spsa_create_permission_set('europe') > 0, spsa_create_permission_set('payroll', activation_required => true) > 0;
SELECT spsa_grant_object('europe', 'vc_doc', '{read,create,edit}', true), spsa_grant_rows('europe', 'vc_doc', 'zone', '{EU}');
SELECT spsa_assign('ann', 'europe'), spsa_assign('ann', 'payroll');
-- a column that is computed from a protected one shows it
SELECT spsa_protect_field('vc_doc', 'pay');
SELECT spsa_protect_field('vc_doc', 'twice');
SELECT spsa_protect_field('vc_doc', 'pay');
SELECT spsa_grant_object('payroll', 'vc_doc', '{read}'), spsa_grant_field('payroll', 'vc_doc', 'twice', '{read}');
SELECT token FROM spsa_open_session('ann', db_role => 'regress_spsa_vc_app') \gset

SET SESSION AUTHORIZATION regress_spsa_vc_app;
SELECT id, zone FROM vc_doc ORDER BY id;
SELECT spsa_attach_connection(:'token') IS NOT NULL AS attached;
-- rows by what is computed: folded, and row by row
SELECT id, zone FROM vc_doc ORDER BY id;
EXPLAIN (COSTS OFF) SELECT id FROM vc_doc;
SELECT id FROM vc_doc WHERE spsa_allows_row('vc_doc', 'read', 'zone', zone) ORDER BY id;
INSERT INTO vc_doc (id, region) VALUES (5, 'eu');
INSERT INTO vc_doc (id, region) VALUES (6, 'us');
UPDATE vc_doc SET region = 'us' WHERE id = 5;
-- fields: under its own name alone
SELECT twice FROM vc_doc;
SELECT pay FROM vc_doc;
SELECT id FROM vc_doc WHERE twice > 0;
SELECT vc_doc FROM vc_doc;
SELECT already_active FROM spsa_activate_own('payroll');
SELECT id, twice FROM vc_doc ORDER BY id;
SELECT pay FROM vc_doc;
RESET SESSION AUTHORIZATION;
-- a masked view would not know them
SELECT spsa_create_masked_view('vc_doc', 'vc_view');
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE vc_doc DROP COLUMN twice;
SELECT spsa_create_masked_view('vc_doc', 'vc_view');

DROP TABLE vc_doc;
DROP EXTENSION spsa;
DROP ROLE regress_spsa_vc_app;
