-- protect: what spsa_protect makes of a table, and that nothing done to the table afterwards shows a row more.

CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_protect_owner;
CREATE ROLE regress_spsa_protect_clerk;
CREATE SCHEMA regress_spsa_protect AUTHORIZATION regress_spsa_protect_owner;
GRANT USAGE ON SCHEMA regress_spsa_protect TO regress_spsa_protect_clerk;
GRANT EXECUTE ON FUNCTION spsa_protect, spsa_unprotect TO regress_spsa_protect_owner;
SET search_path = regress_spsa_protect, public;
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
CREATE TABLE deal (id integer PRIMARY KEY, region text, owner_id integer, note text);
INSERT INTO deal VALUES (1, 'EU', 7, 'a'), (2, 'US', 7, 'b'), (3, 'EU', 8, 'c'), (4, NULL, NULL, 'd');
GRANT SELECT, INSERT, UPDATE, DELETE ON deal TO regress_spsa_protect_clerk;
RESET SESSION AUTHORIZATION;

-- Without protection: everything. The session that is attached further below is for any role.
\set see 'SET SESSION AUTHORIZATION regress_spsa_protect_clerk; SELECT current_user AS "by", array_agg(id ORDER BY id) AS sees FROM deal; SET SESSION AUTHORIZATION regress_spsa_protect_owner; SELECT current_user AS "by", array_agg(id ORDER BY id) AS sees FROM deal; RESET SESSION AUTHORIZATION;'
:see

--
-- A plain table
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
\d deal
SELECT object, row_fields, on_denied, as_restrictive FROM spsa.protected_object;
-- no session: nothing, for the owner neither
:see
SELECT spsa_create_user('ann') IS NOT NULL AS made;
SELECT spsa_create_permission_set('eu') IS NOT NULL AS made;
SELECT spsa_grant_object('eu', 'deal', '{read,create,edit,delete}');
SELECT spsa_grant_rows('eu', 'deal', 'region', '{EU}');
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
:see
SELECT spsa_assign('ann', 'eu');
:see

-- FORCE or not: without it the owner is exempt.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}', force => false);
RESET SESSION AUTHORIZATION;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'deal'::regclass;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'deal'::regclass;
:see

--
-- Other row fields
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{owner_id,region}');
RESET SESSION AUTHORIZATION;
SELECT policyname, permissive, cmd, COALESCE(qual, with_check) AS expression FROM pg_policies WHERE tablename = 'deal' ORDER BY policyname COLLATE "C";
:see
SELECT spsa_grant_rows('eu', 'deal', 'owner_id', '{7}');
:see
-- A field that is not passed any more matches no row.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
:see
-- No row fields at all: neither does a scope.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal');
RESET SESSION AUTHORIZATION;
\d deal
:see
-- In a transaction: replaced as a whole, or not at all.
BEGIN;
SET LOCAL ROLE regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{owner_id,region}');
SELECT array_agg(id ORDER BY id) AS sees FROM deal;
SAVEPOINT s;
SELECT spsa_protect('deal', '{region}');
SELECT array_agg(id ORDER BY id) AS sees FROM deal;
ROLLBACK TO s;
SELECT array_agg(id ORDER BY id) AS sees FROM deal;
SELECT spsa_protect('deal', '{region,nope}');
ROLLBACK TO s;
SELECT array_agg(id ORDER BY id) AS sees FROM deal;
COMMIT;
SELECT object, row_fields FROM spsa.protected_object;
:see
BEGIN;
SET LOCAL ROLE regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
SELECT array_agg(id ORDER BY id) AS sees FROM deal;
ROLLBACK;
SELECT object, row_fields FROM spsa.protected_object;
:see
DELETE FROM spsa.row_scope WHERE field = 'owner_id';
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
:see

--
-- A permissive policy that was there before: no twins, and it widens nothing
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_unprotect('deal');
RESET SESSION AUTHORIZATION;
-- closed
\d deal
:see
SELECT count(*) AS protected FROM spsa.protected_object;
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
CREATE POLICY everybody ON deal USING (true);
RESET SESSION AUTHORIZATION;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
SELECT policyname, permissive, cmd FROM pg_policies WHERE tablename = 'deal' ORDER BY policyname COLLATE "C";
:see
SET SESSION AUTHORIZATION regress_spsa_protect_clerk;
INSERT INTO deal VALUES (10, 'US');
UPDATE deal SET region = 'US';
UPDATE deal SET note = 'mine' RETURNING id;
DELETE FROM deal WHERE id = 2;
RESET SESSION AUTHORIZATION;
-- Narrower policies of the table's own go on to narrow.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
ALTER POLICY everybody ON deal USING (id <> 3);
RESET SESSION AUTHORIZATION;
:see
-- Unprotecting leaves what is the table's own.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_unprotect('deal');
RESET SESSION AUTHORIZATION;
SELECT policyname, permissive, cmd FROM pg_policies WHERE tablename = 'deal' ORDER BY policyname COLLATE "C";
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
-- Protected with it; without it, later, nothing admits a row.
SELECT spsa_protect('deal', '{region}');
DROP POLICY everybody ON deal;
RESET SESSION AUTHORIZATION;
:see
-- Protected again: now with the twins.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
:see

--
-- A permissive policy added afterwards, also under one of our names: widens nothing
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
CREATE POLICY everybody ON deal USING (true) WITH CHECK (true);
RESET SESSION AUTHORIZATION;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_clerk;
INSERT INTO deal VALUES (10, 'US');
UPDATE deal SET region = 'US';
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
DROP POLICY everybody ON deal;
SELECT spsa_unprotect('deal');
CREATE POLICY spsa_read ON deal USING (true);
CREATE POLICY spsa_edit_admit ON deal USING (true);
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
SELECT policyname, permissive, cmd, qual FROM pg_policies WHERE tablename = 'deal' AND policyname IN ('spsa_read', 'spsa_edit_admit') ORDER BY 1;
:see

--
-- as_restrictive => false: the permissive ones alone, which others widen
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{region}', as_restrictive => false);
RESET SESSION AUTHORIZATION;
SELECT policyname, permissive, cmd FROM pg_policies WHERE tablename = 'deal' ORDER BY policyname COLLATE "C";
SELECT object, as_restrictive FROM spsa.protected_object;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
DROP POLICY spsa_read_admit ON deal;
CREATE POLICY odd ON deal USING (id = 2);
RESET SESSION AUTHORIZATION;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
DROP POLICY odd ON deal;
SELECT spsa_protect('deal', '{region}', as_restrictive => true);
RESET SESSION AUTHORIZATION;
SELECT policyname, permissive, cmd FROM pg_policies WHERE tablename = 'deal' ORDER BY policyname COLLATE "C";
:see

--
-- Loss of a policy
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
DROP POLICY spsa_read ON deal;
\echo :LAST_ERROR_SQLSTATE
DROP POLICY spsa_create ON deal;
DROP POLICY spsa_edit ON deal;
DROP POLICY spsa_delete ON deal;
DROP POLICY spsa_read_admit ON deal;
-- by another name
ALTER POLICY spsa_read ON deal RENAME TO mine;
DROP POLICY mine ON deal;
\echo :LAST_ERROR_SQLSTATE
ALTER POLICY mine ON deal RENAME TO spsa_read;
-- by swapping names in a transaction
BEGIN;
ALTER POLICY spsa_read ON deal RENAME TO mine;
CREATE POLICY spsa_read ON deal AS RESTRICTIVE FOR SELECT USING (true);
DROP POLICY mine ON deal;
ROLLBACK;
-- by the column
ALTER TABLE deal DROP COLUMN region;
ALTER TABLE deal DROP COLUMN region CASCADE;
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE deal ALTER COLUMN region TYPE varchar(10);
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
-- the same as a superuser
ALTER TABLE deal DROP COLUMN region CASCADE;
DROP POLICY spsa_read ON deal;
DROP FUNCTION spsa_allows_row CASCADE;
-- nobody sees more, and everything is in place
:see
SELECT count(*) AS policies FROM pg_policies WHERE tablename = 'deal';
-- What does not concern us works.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
CREATE POLICY unrelated ON deal AS RESTRICTIVE USING (id <> 1);
DROP POLICY unrelated ON deal;
CREATE TABLE unprotected (id integer);
CREATE POLICY spsa_read ON unprotected USING (true);
DROP POLICY spsa_read ON unprotected;
DROP TABLE unprotected;
ALTER TABLE deal DROP COLUMN note;
ALTER TABLE deal ADD COLUMN note text DEFAULT 'x', ALTER COLUMN owner_id TYPE bigint;
CREATE INDEX deal_region ON deal (region);
DROP INDEX deal_region;
RESET SESSION AUTHORIZATION;
:see
-- A column can be retyped or dropped when spsa_protect has been told; a scope on it matches no row until its type is back.
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal');
ALTER TABLE deal ALTER COLUMN region TYPE varchar;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal');
ALTER TABLE deal ALTER COLUMN region TYPE text;
SELECT spsa_protect('deal', '{region}');
RESET SESSION AUTHORIZATION;
:see
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('deal', '{owner_id}');
ALTER TABLE deal DROP COLUMN region;
RESET SESSION AUTHORIZATION;
:see

--
-- Names that need quotes
--
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
CREATE TABLE "Odd 'ta\ble"" $1" (id integer, "re'gi\on"" %s" text);
INSERT INTO "Odd 'ta\ble"" $1" VALUES (1, 'EU'), (2, 'US');
GRANT SELECT ON "Odd 'ta\ble"" $1" TO regress_spsa_protect_clerk;
SELECT spsa_protect('"Odd ''ta\ble"" $1"', ARRAY['re''gi\on" %s']::name[]);
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_object('eu', '"Odd ''ta\ble"" $1"', '{read}');
SELECT spsa_grant_rows('eu', '"Odd ''ta\ble"" $1"', 're''gi\on" %s', '{EU}');
SET SESSION AUTHORIZATION regress_spsa_protect_clerk;
SELECT * FROM "Odd 'ta\ble"" $1";
RESET SESSION AUTHORIZATION;
SELECT spsa_unprotect('"Odd ''ta\ble"" $1"');
DROP TABLE "Odd 'ta\ble"" $1";

--
-- As many row fields as a call can take, and one more
--
SELECT 'CREATE TABLE wide (' || string_agg(format('f%s integer', i), ', ') || ')' FROM generate_series(1, 50) i \gexec
SELECT spsa_protect('wide', ARRAY(SELECT format('f%s', i)::name FROM generate_series(1, 50) i));
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('wide', ARRAY(SELECT format('f%s', i)::name FROM generate_series(1, 49) i));
INSERT INTO wide (f1, f49) VALUES (1, 49), (1, 50);
GRANT SELECT ON wide TO regress_spsa_protect_clerk;
SELECT spsa_grant_object('eu', 'wide', '{read}');
SELECT spsa_grant_rows('eu', 'wide', 'f49', '{49}');
SET SESSION AUTHORIZATION regress_spsa_protect_clerk;
SELECT f1, f49 FROM wide;
RESET SESSION AUTHORIZATION;
DROP TABLE wide;

--
-- Errors: nothing is half done
--
CREATE TABLE plain (id integer, region text);
CREATE UNLOGGED TABLE unlogged (id integer);
CREATE TEMP TABLE temporary (id integer);
CREATE VIEW a_view AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS id;
CREATE SEQUENCE a_sequence;
CREATE INDEX an_index ON plain (id);
CREATE TYPE a_type AS (id integer);
CREATE TABLE partitioned (id integer) PARTITION BY LIST (id);
CREATE TABLE partition1 PARTITION OF partitioned FOR VALUES IN (1);
CREATE TABLE parent (id integer);
CREATE TABLE child () INHERITS (parent);
SET SESSION AUTHORIZATION regress_spsa_protect_owner;
SELECT spsa_protect('plain');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('a_view');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_protect_clerk;
SELECT spsa_protect('deal');
SELECT spsa_unprotect('deal');
RESET SESSION AUTHORIZATION;
SELECT spsa_protect('a_view');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('a_matview');
SELECT spsa_protect('a_sequence');
SELECT spsa_protect('an_index');
SELECT spsa_protect('a_type');
SELECT spsa_protect('partition1');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('child');
SELECT spsa_protect('temporary');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('pg_class');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('spsa.app_user');
SELECT spsa_protect('nowhere');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect(1::oid::regclass);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('plain', '{nope}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('plain', '{ctid}');
SELECT spsa_protect('plain', '{tableoid}');
SELECT spsa_protect('plain', '{id,region,id}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('plain', '{id,NULL}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('plain', on_denied => 'show');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('plain', NULL);
SELECT spsa_protect('plain', on_denied => NULL);
SELECT spsa_protect('plain', force => NULL);
SELECT spsa_protect('plain', as_restrictive => NULL);
SELECT spsa_unprotect(NULL);
SELECT spsa_unprotect('plain');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect(1::oid::regclass);
SELECT relrowsecurity, relforcerowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies
FROM pg_class c WHERE relname = 'plain';
SELECT object FROM spsa.protected_object;
SELECT spsa_protect('unlogged');

SELECT spsa_detach();
RESET search_path;
SET client_min_messages = warning;
DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_protect CASCADE;
DROP ROLE regress_spsa_protect_owner, regress_spsa_protect_clerk;
