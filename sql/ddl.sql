-- ddl: a grant on what is later dropped, renamed or retyped never dangles and never reaches more.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_ddl_app;
CREATE ROLE regress_spsa_ddl_owner;
CREATE SCHEMA ddl AUTHORIZATION regress_spsa_ddl_owner;
CREATE SCHEMA other AUTHORIZATION regress_spsa_ddl_owner;
GRANT USAGE ON SCHEMA ddl, other TO regress_spsa_ddl_app;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_spsa_ddl_owner;
GRANT EXECUTE ON FUNCTION spsa_protect TO regress_spsa_ddl_owner;
CREATE FUNCTION set_of(text) RETURNS integer LANGUAGE sql AS 'SELECT set_id FROM spsa.permission_set WHERE set_name = $1';
CREATE PROCEDURE field(regclass, text) LANGUAGE sql AS
	'INSERT INTO spsa.field_permission (set_id, object, field, can_read) VALUES (set_of(''Work''), $1, $2, true)';
CREATE PROCEDURE protect_field(regclass, text) LANGUAGE sql AS 'INSERT INTO spsa.protected_field (object, field) VALUES ($1, $2)';
CREATE PROCEDURE function(text) LANGUAGE sql AS 'INSERT INTO spsa.function_permission (set_id, function) VALUES (set_of(''Work''), $1)';
CREATE PROCEDURE protect_function(text) LANGUAGE sql AS 'INSERT INTO spsa.protected_function (function) VALUES ($1)';
CREATE VIEW configured AS
	SELECT 'object' AS what, object::text AS name, NULL::text AS field, NULL::smallint AS number FROM spsa.object_permission
	UNION ALL SELECT 'scope', object::text, field, field_number FROM spsa.row_scope
	UNION ALL SELECT 'protected object', object::text, array_to_string(row_fields, ' '), NULL FROM spsa.protected_object
	UNION ALL SELECT 'field', object::text, field, field_number FROM spsa.field_permission
	UNION ALL SELECT 'protected field', object::text, field, field_number FROM spsa.protected_field
	UNION ALL SELECT 'function', function, NULL, NULL FROM spsa.function_permission
	UNION ALL SELECT 'protected function', function, NULL, NULL FROM spsa.protected_function
	ORDER BY 1, 2, 4, 3;
SELECT spsa_create_permission_set('Work') > 0 AS made, spsa_create_user('ann') > 0 AS made, spsa_assign('ann', 'Work');
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
-- All DDL below is that of a stranger, who has no privileges on the configuration.
SET ROLE regress_spsa_ddl_owner;
CREATE TABLE ddl.emp (id integer, region text, salary numeric, bonus numeric, note text);
INSERT INTO ddl.emp VALUES (1, 'EU', 100, 10, 'x'), (2, 'US', 200, 20, 'y');
GRANT SELECT ON ddl.emp TO regress_spsa_ddl_app;
SELECT spsa_protect('ddl.emp', '{region,note}');
RESET ROLE;
SELECT spsa_grant_object('Work', 'ddl.emp', '{read}'), spsa_grant_rows('Work', 'ddl.emp', 'region', '{EU}');
CALL protect_field('ddl.emp', 'salary');
CALL protect_field('ddl.emp', 'bonus');
CALL field('ddl.emp', 'salary');
CALL field('ddl.emp', 'note');
SELECT * FROM configured;
CREATE PROCEDURE fields() LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING '%', (SELECT string_agg(attname || '=' || spsa_allows_field('ddl.emp', attname, 'read'), ' ' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = 'ddl.emp'::regclass AND attnum > 0 AND NOT attisdropped);
END $$;
CREATE FUNCTION see() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SET LOCAL ROLE regress_spsa_ddl_app;
	SELECT string_agg(id::text, ' ' ORDER BY id) INTO result FROM ddl.emp;
	RESET ROLE;
	RETURN result;
END $$;
CALL fields();

--
-- Renamed columns: permissions and protection follow; two that swap their names swap
--
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp RENAME COLUMN salary TO pay;
CALL fields();
ALTER TABLE ddl.emp RENAME COLUMN pay TO "Odd ""pay""";
CALL fields();
ALTER TABLE ddl.emp RENAME COLUMN "Odd ""pay""" TO salary;
ALTER TABLE ddl.emp RENAME COLUMN salary TO t;
ALTER TABLE ddl.emp RENAME COLUMN bonus TO salary;
ALTER TABLE ddl.emp RENAME COLUMN t TO bonus;
CALL fields();
RESET ROLE;
SELECT * FROM configured;
-- an unprotected name that a protected column takes, and leaves
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp RENAME COLUMN note TO t;
ALTER TABLE ddl.emp RENAME COLUMN bonus TO note;
CALL fields();
ALTER TABLE ddl.emp RENAME COLUMN note TO bonus;
ALTER TABLE ddl.emp RENAME COLUMN t TO note;
CALL fields();
-- rolled back
BEGIN;
ALTER TABLE ddl.emp RENAME COLUMN salary TO pay;
ROLLBACK;
CALL fields();
BEGIN;
SAVEPOINT s;
ALTER TABLE ddl.emp RENAME COLUMN salary TO pay;
ROLLBACK TO s;
CALL fields();
COMMIT;
RESET ROLE;
SELECT event, detail -> 'old' ->> 'field' AS old, detail -> 'new' ->> 'field' AS new, detail ->> 'set_role' AS by FROM spsa.audit_event
WHERE event IN ('field_permission_update', 'protected_field_update') ORDER BY event_id;
-- a column that is moved from table to table by inheritance, types, views
CREATE TYPE ddl.pair AS (a integer, b integer);
CREATE TABLE ddl.typed OF ddl.pair PARTITION BY LIST (b);
CREATE TABLE ddl.typed_part PARTITION OF ddl.typed DEFAULT;
CREATE TABLE ddl.parent (a integer);
CREATE TABLE ddl.child () INHERITS (ddl.parent);
CREATE TABLE ddl.grandchild (other integer) INHERITS (ddl.child);
CREATE TABLE ddl.parted (a integer) PARTITION BY LIST (a);
CREATE TABLE ddl.part PARTITION OF ddl.parted DEFAULT;
CREATE VIEW ddl.view AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW ddl.matview AS SELECT 1 AS a;
DO $$
DECLARE
	t regclass;
BEGIN
	FOREACH t IN ARRAY '{ddl.typed,ddl.typed_part,ddl.child,ddl.grandchild,ddl.part,ddl.view,ddl.matview}'::regclass[] LOOP
		CALL protect_field(t, 'a');
	END LOOP;
END $$;
ALTER TYPE ddl.pair RENAME ATTRIBUTE a TO z CASCADE;
ALTER TABLE ddl.parent RENAME a TO y;
ALTER TABLE ddl.parted RENAME a TO x;
ALTER VIEW ddl.view RENAME COLUMN a TO w;
ALTER MATERIALIZED VIEW ddl.matview RENAME a TO v;
SELECT name, field, number FROM configured WHERE what = 'protected field';
-- dropped: from all of them
ALTER TYPE ddl.pair DROP ATTRIBUTE z CASCADE;
ALTER TABLE ddl.parent DROP COLUMN y;
DROP VIEW ddl.view;
CREATE VIEW ddl.view AS SELECT 1 AS w;
REFRESH MATERIALIZED VIEW ddl.matview;
SELECT name, field, number FROM configured WHERE what = 'protected field';
DROP MATERIALIZED VIEW ddl.matview;
DROP TABLE ddl.typed, ddl.grandchild, ddl.child, ddl.parent, ddl.parted;
DROP VIEW ddl.view;

--
-- Dropped columns: nothing is revived by one of the same name and type
--
SELECT see();
SET ROLE regress_spsa_ddl_owner;
SELECT spsa_protect('ddl.emp', '{note}');
ALTER TABLE ddl.emp DROP COLUMN bonus, DROP COLUMN region;
RESET ROLE;
SELECT * FROM configured;
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp ADD COLUMN bonus numeric, ADD COLUMN region text DEFAULT 'EU';
SELECT spsa_protect('ddl.emp', '{note,region}');
RESET ROLE;
SELECT * FROM configured;
SELECT see();
CALL fields();
CALL field('ddl.emp', 'bonus');
CALL protect_field('ddl.emp', 'bonus');
SELECT spsa_grant_rows('Work', 'ddl.emp', 'region', '{EU}');
SELECT see();
SELECT * FROM configured;
-- a drop that is undone
BEGIN;
SET LOCAL ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp DROP COLUMN bonus;
RESET ROLE;
SELECT count(*) FROM configured WHERE field = 'bonus';
ROLLBACK;
SELECT count(*) FROM configured WHERE field = 'bonus';
SELECT event FROM spsa.audit_event WHERE event IN ('field_permission_delete', 'row_scope_delete', 'row_scope_update') ORDER BY event_id;

--
-- Renamed and protected again: row scopes follow; another column of the old name gets nothing by them
--
DELETE FROM spsa.row_scope WHERE field_number = 0;
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp RENAME COLUMN region TO area;
ALTER TABLE ddl.emp ADD COLUMN region text DEFAULT 'EU';
RESET ROLE;
UPDATE ddl.emp SET area = 'AP' WHERE id = 2;
SELECT see();
SET ROLE regress_spsa_ddl_owner;
SELECT spsa_protect('ddl.emp', '{note,region,area}');
RESET ROLE;
SELECT * FROM configured WHERE what IN ('scope', 'protected object');
SELECT see();
-- dropped under its new name
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp RENAME COLUMN area TO zone;
SELECT spsa_protect('ddl.emp', '{note}');
ALTER TABLE ddl.emp DROP COLUMN zone;
ALTER TABLE ddl.emp ADD COLUMN area text DEFAULT 'EU', ADD COLUMN zone text DEFAULT 'EU';
SELECT spsa_protect('ddl.emp', '{note,region,area,zone}');
RESET ROLE;
SELECT * FROM configured WHERE what IN ('scope', 'protected object');
SELECT see();
-- scopes of several fields join by AND: without the column of one the others reach no more
DELETE FROM spsa.row_scope;
SELECT spsa_grant_rows('Work', 'ddl.emp', 'region', '{EU}'), spsa_grant_rows('Work', 'ddl.emp', 'area', '{US}');
SELECT see();
SET ROLE regress_spsa_ddl_owner;
SELECT spsa_protect('ddl.emp', '{note,region,zone}');
ALTER TABLE ddl.emp DROP COLUMN area;
RESET ROLE;
SELECT see();
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp ADD COLUMN area text DEFAULT 'US';
SELECT spsa_protect('ddl.emp', '{note,region,area,zone}');
RESET ROLE;
SELECT see();
UPDATE spsa.row_scope SET privileges = '{read}';
SELECT * FROM configured WHERE what = 'scope';
SELECT see();
-- until it is granted anew
SELECT spsa_grant_rows('Work', 'ddl.emp', 'area', '{US}');
SELECT see();
DELETE FROM spsa.row_scope;
-- renamed and retyped: neither a scope of the new type, nor of another column that takes the old name
SELECT spsa_grant_rows('Work', 'ddl.emp', 'zone', '{EU}');
SELECT see();
SET ROLE regress_spsa_ddl_owner;
SELECT spsa_protect('ddl.emp', '{note}');
ALTER TABLE ddl.emp RENAME COLUMN zone TO level;
ALTER TABLE ddl.emp ALTER COLUMN level DROP DEFAULT, ALTER COLUMN level TYPE integer USING 1;
SELECT spsa_protect('ddl.emp', '{note,level}');
ALTER TABLE ddl.emp ADD COLUMN zone text DEFAULT 'EU';
SELECT spsa_protect('ddl.emp', '{note,level,zone}');
RESET ROLE;
SELECT * FROM configured WHERE what = 'scope';
SELECT see();
-- a scope whose column is not known, as of a dump, goes with the next dropped column unless a policy passes its field
BEGIN;
UPDATE spsa.object_permission SET row_scoped = true;
INSERT INTO spsa.row_scope (set_id, object, field, literals, field_type) VALUES (set_of('Work'), 'ddl.emp', 'gone', '{1}', 'integer'),
	(set_of('Work'), 'ddl.emp', 'gone too', '{1}', 'integer');
UPDATE spsa.protected_object SET row_fields = row_fields || '{gone too}';
SELECT * FROM configured WHERE what = 'scope';
ALTER TABLE ddl.emp DROP COLUMN area;
SELECT * FROM configured WHERE what = 'scope';
SELECT spsa_protect('ddl.emp', '{note}');
SELECT * FROM configured WHERE what = 'scope';
ROLLBACK;

--
-- Tables: moved, renamed, dropped
--
SET ROLE regress_spsa_ddl_owner;
ALTER TABLE ddl.emp SET SCHEMA other;
ALTER TABLE other.emp RENAME TO staff;
CREATE TABLE ddl.emp (id integer, salary numeric);
CALL fields();
RESET ROLE;
SELECT * FROM configured;
SET ROLE regress_spsa_ddl_owner;
ALTER SCHEMA other RENAME TO moved;
DROP SCHEMA moved CASCADE;
DROP TABLE ddl.emp;
RESET ROLE;
SELECT * FROM configured;

--
-- Functions: dropped, and made again
--
SET ROLE regress_spsa_ddl_owner;
CREATE SCHEMA other;
CREATE TYPE ddl.money AS (amount numeric);
CREATE TABLE ddl.row (id integer);
CREATE DOMAIN ddl.level AS integer;
CREATE FUNCTION ddl.pay(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION ddl.pay(ddl.money) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION ddl.pay(ddl.row[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION ddl."Odd ""(.name"(ddl.level, "char") RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE ddl.run(integer) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE ddl.total(integer) (SFUNC = int4pl, STYPE = integer);
RESET ROLE;
CREATE PROCEDURE grant_all() LANGUAGE sql AS $$
	DELETE FROM spsa.function_permission;
	INSERT INTO spsa.function_permission (set_id, function) SELECT set_of('Work'), p.oid::regprocedure::text FROM pg_proc p WHERE pronamespace = 'ddl'::regnamespace
$$;
CALL grant_all();
CALL protect_function('ddl.pay(integer)');
SELECT * FROM configured;
SET ROLE regress_spsa_ddl_owner;
DROP FUNCTION ddl.pay(integer);
DROP PROCEDURE ddl.run;
DROP AGGREGATE ddl.total(integer);
DROP TYPE ddl.money CASCADE;
CREATE FUNCTION ddl.pay(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
CREATE PROCEDURE ddl.run(integer) LANGUAGE sql AS 'SELECT 2';
CREATE AGGREGATE ddl.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE TYPE ddl.money AS (amount numeric);
CREATE FUNCTION ddl.pay(ddl.money) RETURNS integer LANGUAGE sql AS 'SELECT 2';
RESET ROLE;
SELECT * FROM configured;
SELECT spsa_allows_function('ddl.pay(integer)'), spsa_allows_function('ddl.run(integer)'), spsa_allows_function('ddl."Odd ""(.name"(ddl.level, "char")');
-- replaced: it is the same
CALL grant_all();
SET ROLE regress_spsa_ddl_owner;
CREATE OR REPLACE FUNCTION ddl.pay(integer) RETURNS integer LANGUAGE sql AS 'SELECT 3';
ALTER FUNCTION ddl.pay(integer) STABLE;
ALTER FUNCTION ddl.pay(integer) OWNER TO regress_spsa_ddl_owner;
RESET ROLE;
SELECT count(*) FROM spsa.function_permission;

--
-- Functions that are renamed, moved, or whose types or schemas are: grants end
--
SET client_min_messages = notice;
SET ROLE regress_spsa_ddl_owner;
ALTER FUNCTION ddl.pay(integer) RENAME TO pay_all;
CREATE FUNCTION ddl.pay(integer) RETURNS integer LANGUAGE sql AS 'SELECT 4';
SELECT spsa_allows_function('ddl.pay(integer)') AS pay, spsa_allows_function('ddl.pay_all(integer)') AS pay_all;
ALTER PROCEDURE ddl.run(integer) SET SCHEMA other;
ALTER AGGREGATE ddl.total(integer) RENAME TO sum;
ALTER TYPE ddl.money RENAME TO cash;
ALTER TABLE ddl.row RENAME TO line;
ALTER DOMAIN ddl.level SET SCHEMA other;
RESET ROLE;
SELECT * FROM configured;
CALL grant_all();
SELECT * FROM configured;
SET ROLE regress_spsa_ddl_owner;
ALTER SCHEMA other RENAME TO another;
SELECT spsa_allows_function('ddl.pay(integer)') AS pay;
ALTER TABLE ddl.line SET SCHEMA another;
BEGIN;
ALTER SCHEMA ddl RENAME TO del;
ROLLBACK;
RESET ROLE;
SELECT * FROM configured;
-- what is not concerned
SET ROLE regress_spsa_ddl_owner;
CREATE TABLE ddl.pay (pay integer);
ALTER TABLE ddl.pay RENAME COLUMN pay TO paid;
ALTER TABLE ddl.pay RENAME TO payment;
ALTER TABLE ddl.payment SET SCHEMA another;
CREATE INDEX pay ON another.payment (paid);
ALTER INDEX another.pay RENAME TO payment_idx;
ALTER TABLE another.payment ADD CONSTRAINT pay CHECK (paid > 0);
ALTER TABLE another.payment RENAME CONSTRAINT pay TO payment_check;
RESET ROLE;
SELECT count(*) FROM spsa.function_permission;

--
-- Protected functions keep their names
--
SET ROLE regress_spsa_ddl_owner;
CREATE TYPE another.coin AS ENUM ('a');
CREATE FUNCTION ddl.mint(another.coin, another.coin[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
CALL protect_function('ddl.pay(integer)');
CALL protect_function('ddl.mint(another.coin, another.coin[])');
CALL function('ddl.mint(another.coin, another.coin[])');
SET ROLE regress_spsa_ddl_owner;
ALTER FUNCTION ddl.pay(integer) RENAME TO pay_more;
\echo :LAST_ERROR_SQLSTATE
ALTER FUNCTION ddl.pay(integer) SET SCHEMA another;
ALTER SCHEMA ddl RENAME TO del;
ALTER TYPE another.coin RENAME TO token;
ALTER TYPE another.coin SET SCHEMA ddl;
ALTER SCHEMA another RENAME TO other;
-- others of the same schema may change theirs
ALTER FUNCTION ddl.pay_all(integer) RENAME TO pay_none;
ALTER TYPE another.coin RENAME VALUE 'a' TO 'b';
RESET ROLE;
SELECT * FROM configured;
-- an extension that is moved
CREATE SCHEMA moved;
CREATE EXTENSION citext SCHEMA moved;
ALTER FUNCTION moved.citext_eq(moved.citext, moved.citext) STABLE;
CALL protect_function('moved.citext_eq(moved.citext, moved.citext)');
ALTER EXTENSION citext SET SCHEMA ddl;
DROP EXTENSION citext;
SELECT count(*) FROM spsa.protected_function WHERE function LIKE 'moved%';
DROP SCHEMA moved;
-- a row that dangles already, for the trigger was disabled: nobody is kept from what has nothing to do with it
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
ALTER FUNCTION ddl.pay(integer) RENAME TO pay_more;
ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;
SET ROLE regress_spsa_ddl_owner;
ALTER FUNCTION ddl.pay_none(integer) RENAME TO pay_nothing;
ALTER FUNCTION ddl.pay_more(integer) RENAME TO pay;
RESET ROLE;
-- with the row gone it may change
DELETE FROM spsa.protected_function WHERE function = 'ddl.pay(integer)';
SET ROLE regress_spsa_ddl_owner;
ALTER FUNCTION ddl.pay(integer) RENAME TO pay_more;
RESET ROLE;
SET client_min_messages = warning;
SELECT * FROM configured;

--
-- The owner's things go, and nothing stays
--
DROP OWNED BY regress_spsa_ddl_owner CASCADE;
SELECT * FROM configured;

SELECT spsa_detach();
DROP EXTENSION spsa CASCADE;
DROP VIEW IF EXISTS configured;
DROP FUNCTION set_of, see;
DROP PROCEDURE field, protect_field, function, protect_function, fields, grant_all;
DROP ROLE regress_spsa_ddl_app, regress_spsa_ddl_owner;
