-- statements: every form of reading and writing a protected table, allowed and denied, each by its own privilege.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
CREATE ROLE regress_spsa_statements_clerk;
CREATE ROLE regress_spsa_statements_owner;
CREATE SCHEMA regress_spsa_statements;
GRANT USAGE, CREATE ON SCHEMA regress_spsa_statements TO regress_spsa_statements_clerk, regress_spsa_statements_owner;
SET search_path = regress_spsa_statements, public;
CREATE TABLE account (id integer PRIMARY KEY, region text, amount integer DEFAULT 0);
INSERT INTO account VALUES (1, 'EU', 10), (2, 'EU', 20), (3, 'US', 30), (4, NULL, 40);
CREATE TABLE line (id integer PRIMARY KEY, account_id integer REFERENCES account, quantity integer);
INSERT INTO line VALUES (1, 1, 5), (2, 3, 6), (3, 3, 7);
CREATE TABLE source (id integer, region text, amount integer);
INSERT INTO source VALUES (1, 'EU', 100), (3, 'US', 300), (5, 'EU', 500), (6, 'US', 600);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA regress_spsa_statements TO regress_spsa_statements_clerk, regress_spsa_statements_owner;
SELECT spsa_protect('account', '{region}');
SELECT spsa_create_user('ann') IS NOT NULL AS made, spsa_create_user('bob') IS NOT NULL AS made;
SELECT spsa_create_permission_set(n, activation_required => true) IS NOT NULL AS made FROM unnest('{reader,creator,editor,remover}'::text[]) n;
SELECT spsa_grant_object('reader', 'account', '{read}', true), spsa_grant_object('creator', 'account', '{read,create}', true),
	spsa_grant_object('editor', 'account', '{read,edit}', true), spsa_grant_object('remover', 'account', '{read,edit,delete}', true);
SELECT spsa_grant_rows(n, 'account', 'region', '{EU}', privileges => p) FROM (VALUES ('reader', NULL), ('creator', NULL), ('editor', NULL), ('remover', '{read,delete}'::text[])) v (n, p);
SELECT spsa_assign('ann', n) FROM unnest('{reader,creator,editor,remover}'::text[]) n;
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_statements_clerk') \gset
SELECT token AS bob FROM spsa_open_session('bob', db_role => 'regress_spsa_statements_clerk') \gset
-- What there is, as nobody's row-level security hides it
\set all 'RESET SESSION AUTHORIZATION; SELECT string_agg(format($$%s %s %s$$, id, region, amount), $$, $$ ORDER BY id) AS rows FROM account; SET SESSION AUTHORIZATION regress_spsa_statements_clerk;'

SET SESSION AUTHORIZATION regress_spsa_statements_clerk;

--
-- Nobody: reads nothing, and writes with an error
--
SELECT * FROM account;
INSERT INTO account VALUES (5, 'EU');
\echo :LAST_ERROR_SQLSTATE
UPDATE account SET amount = 0;
DELETE FROM account;
-- a user without permission sets
SELECT spsa_attach_connection(:'bob') IS NOT NULL AS attached;
SELECT * FROM account;
INSERT INTO account VALUES (5, 'EU');
UPDATE account SET amount = 0;
DELETE FROM account;
-- a user with sets, none of which is active
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT * FROM account;
INSERT INTO account VALUES (5, 'EU');
\echo :LAST_ERROR_SQLSTATE
UPDATE account SET amount = 0;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM account;
\echo :LAST_ERROR_SQLSTATE
:all

--
-- Reading
--
SELECT already_active FROM spsa_activate_own('reader');
SELECT * FROM account ORDER BY id;
TABLE account ORDER BY id;
SELECT count(*), sum(amount), max(id), count(*) FILTER (WHERE region <> 'EU') AS others FROM account;
SELECT count(*) FROM account WHERE region = 'US' OR amount > 25 OR region IS NULL;
SELECT id FROM account WHERE id = 3;
SELECT l.id, a.region FROM line l JOIN account a ON a.id = l.account_id ORDER BY l.id;
SELECT l.id, a.region FROM line l LEFT JOIN account a ON a.id = l.account_id ORDER BY l.id;
SELECT l.id FROM line l WHERE NOT EXISTS (SELECT FROM account a WHERE a.id = l.account_id) ORDER BY l.id;
SELECT l.id FROM line l WHERE l.account_id IN (SELECT id FROM account) ORDER BY l.id;
SELECT l.id, (SELECT a.amount FROM account a WHERE a.id = l.account_id) AS amount FROM line l ORDER BY l.id;
SELECT l.id, a.amount FROM line l, LATERAL (SELECT amount FROM account WHERE id = l.account_id) a ORDER BY l.id;
SELECT a.id, b.id FROM account a JOIN account b USING (region) ORDER BY 1, 2;
WITH a AS MATERIALIZED (SELECT * FROM account) SELECT id FROM a ORDER BY id;
WITH RECURSIVE r AS (SELECT 1 AS id UNION ALL SELECT a.id FROM r JOIN account a ON a.id = r.id + 1) SELECT id FROM r ORDER BY id;
SELECT id FROM account UNION SELECT account_id FROM line ORDER BY 1;
SELECT id FROM source EXCEPT SELECT id FROM account ORDER BY 1;
SELECT region, count(*) FROM account GROUP BY ROLLUP (region) ORDER BY 1;
SELECT id, sum(amount) OVER (ORDER BY id) FROM account ORDER BY id;
SELECT id FROM account ORDER BY amount DESC LIMIT 1;
SELECT ctid IS NOT NULL AS ctid, tableoid::regclass FROM account WHERE ctid = (SELECT max(ctid) FROM account);
SELECT a FROM account a ORDER BY id;
COPY account TO STDOUT;
COPY account (id) TO STDOUT;
COPY (SELECT region FROM account) TO STDOUT;
CREATE TABLE copied AS SELECT * FROM account;
SELECT id FROM copied ORDER BY id;
DROP TABLE copied;
SELECT id INTO TEMP copied FROM account;
SELECT id FROM copied ORDER BY id;
SET row_security = off;
SELECT * FROM account;
\echo :LAST_ERROR_SQLSTATE
RESET row_security;
SET enable_seqscan = off;
SELECT id FROM account WHERE id BETWEEN 2 AND 4 ORDER BY id;
RESET enable_seqscan;
-- Locking rows is editing: only rows that may be edited can be locked.
SELECT id FROM account ORDER BY id FOR UPDATE;
SELECT id FROM account ORDER BY id FOR NO KEY UPDATE;
SELECT id FROM account ORDER BY id FOR SHARE;
SELECT id FROM account ORDER BY id FOR KEY SHARE;

--
-- Writing, when only reading is granted: an error for every form, whether or not it would find a row
--
INSERT INTO account VALUES (5, 'EU', 50);
INSERT INTO account DEFAULT VALUES;
INSERT INTO account SELECT * FROM source;
INSERT INTO account SELECT * FROM source WHERE false;
INSERT INTO account VALUES (5, 'EU', 50) ON CONFLICT DO NOTHING;
INSERT INTO account VALUES (1, 'EU', 50) ON CONFLICT (id) DO NOTHING;
INSERT INTO account VALUES (1, 'EU', 50) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;
INSERT INTO account VALUES (5, 'EU', 50) RETURNING *;
WITH i AS (INSERT INTO account VALUES (5, 'EU', 50) RETURNING id) SELECT * FROM i;
WITH i AS (INSERT INTO account VALUES (5, 'EU', 50)) SELECT 1;
EXPLAIN INSERT INTO account VALUES (5, 'EU', 50);
DO $$ BEGIN INSERT INTO account VALUES (5, 'EU', 50); END $$;
\copy account FROM '/dev/null'
\echo :LAST_ERROR_SQLSTATE
UPDATE account SET amount = 0;
UPDATE account SET amount = 0 WHERE id = 3;
UPDATE account SET amount = 0 WHERE false;
UPDATE account SET amount = 0 RETURNING id;
UPDATE account a SET amount = s.amount FROM source s WHERE s.id = a.id;
UPDATE ONLY account SET (region, amount) = (SELECT 'EU', 1);
WITH u AS (UPDATE account SET amount = 0 RETURNING id) SELECT * FROM u;
EXPLAIN UPDATE account SET amount = 0;
DO $$ BEGIN UPDATE account SET amount = 0; END $$;
DELETE FROM account;
DELETE FROM account WHERE id = 3;
DELETE FROM account WHERE false;
DELETE FROM account RETURNING id;
DELETE FROM account a USING source s WHERE s.id = a.id;
WITH d AS (DELETE FROM account RETURNING id) SELECT * FROM d;
EXPLAIN DELETE FROM account;
MERGE INTO account a USING source s ON a.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.region, s.amount);
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN UPDATE SET amount = s.amount;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN DO NOTHING;
TRUNCATE account, line;
\echo :LAST_ERROR_SQLSTATE
:all
-- An error leaves the transaction as any other does.
BEGIN;
SAVEPOINT s;
UPDATE account SET amount = 0;
SELECT 1;
ROLLBACK TO s;
SELECT count(*) FROM account;
COMMIT;

--
-- create
--
SELECT already_active FROM spsa_activate_own('creator');
BEGIN;
INSERT INTO account VALUES (5, 'EU', 50);
INSERT INTO account VALUES (6, 'EU', 60) RETURNING *;
INSERT INTO account SELECT id + 10, region, amount FROM source WHERE region = 'EU';
INSERT INTO account VALUES (17, 'EU') ON CONFLICT DO NOTHING;
-- in conflict with a row that is seen, and with one that is not
INSERT INTO account VALUES (1, 'EU', 0), (3, 'EU', 0) ON CONFLICT (id) DO NOTHING;
WITH i AS (INSERT INTO account VALUES (18, 'EU') RETURNING id) SELECT * FROM i;
MERGE INTO account a USING source s ON a.id = s.id + 20 WHEN NOT MATCHED AND s.region = 'EU' THEN INSERT VALUES (s.id + 20, s.region, s.amount);
DO $$ BEGIN INSERT INTO account VALUES (19, 'EU', 50); END $$;
EXPLAIN ANALYZE INSERT INTO line VALUES (99, 1, 1) \g /dev/null
SELECT id FROM account ORDER BY id;
ROLLBACK;
-- rows outside the scope
INSERT INTO account VALUES (5, 'US', 50);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO account VALUES (5, NULL, 50);
INSERT INTO account (id) VALUES (5);
INSERT INTO account SELECT id + 10, region, amount FROM source;
INSERT INTO account VALUES (5, 'US', 50) ON CONFLICT DO NOTHING;
INSERT INTO account VALUES (3, 'US', 50) ON CONFLICT DO NOTHING;
WITH i AS (INSERT INTO account VALUES (18, 'US') RETURNING id) SELECT * FROM i;
MERGE INTO account a USING source s ON a.id = s.id + 20 WHEN NOT MATCHED THEN INSERT VALUES (s.id + 20, s.region, s.amount);
-- what create does not bring with it
INSERT INTO account VALUES (1, 'EU', 50) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;
UPDATE account SET amount = 0;
DELETE FROM account;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN UPDATE SET amount = 0 WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.region, s.amount);
\copy account FROM '/dev/null'
:all
SELECT spsa_deactivate_own('creator');
INSERT INTO account VALUES (5, 'EU', 50);

--
-- edit: the old row and the new one
--
SELECT already_active FROM spsa_activate_own('editor');
BEGIN;
WITH u AS (UPDATE account SET amount = amount + 1 RETURNING id, amount) SELECT * FROM u ORDER BY id;
-- Where some rows are granted, the others are not affected.
UPDATE account SET amount = 0 WHERE id = 3 RETURNING id;
WITH u AS (UPDATE account a SET amount = s.amount FROM source s WHERE s.id = a.id RETURNING a.id, a.amount) SELECT * FROM u ORDER BY id;
UPDATE account SET region = 'EU', amount = 1 WHERE id = 2 RETURNING *;
UPDATE account SET (region, amount) = (SELECT 'EU', 2) WHERE id = 2 RETURNING *;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN UPDATE SET amount = s.amount + 1;
SELECT id FROM account ORDER BY id FOR UPDATE;
SELECT id FROM account ORDER BY id FOR KEY SHARE;
SELECT a.id FROM account a JOIN line l ON l.account_id = a.id ORDER BY 1 FOR UPDATE OF a;
DECLARE c CURSOR FOR SELECT * FROM account ORDER BY id FOR UPDATE;
FETCH c;
UPDATE account SET amount = 77 WHERE CURRENT OF c RETURNING id, amount;
CLOSE c;
:all
ROLLBACK;
-- a new row outside the scope
UPDATE account SET region = 'US';
\echo :LAST_ERROR_SQLSTATE
UPDATE account SET region = NULL WHERE id = 1;
UPDATE account a SET region = s.region FROM source s WHERE s.id = 3 AND a.id = 1;
WITH u AS (UPDATE account SET region = 'US' RETURNING id) SELECT * FROM u;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN UPDATE SET region = 'US';
-- what edit does not bring with it
INSERT INTO account VALUES (5, 'EU', 50);
INSERT INTO account VALUES (1, 'EU', 50) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;
DELETE FROM account;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN DELETE;
:all

--
-- create and edit: ON CONFLICT DO UPDATE and MERGE with both
--
SELECT already_active FROM spsa_activate_own('creator');
BEGIN;
INSERT INTO account VALUES (1, 'EU', 11), (5, 'EU', 50) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount RETURNING id, amount;
INSERT INTO account VALUES (1, 'EU', 12) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount WHERE account.amount = 0 RETURNING id;
MERGE INTO account a USING source s ON a.id = s.id + 4
	WHEN MATCHED THEN UPDATE SET amount = 13 WHEN NOT MATCHED AND s.region = 'EU' THEN INSERT VALUES (s.id + 4, s.region, s.amount);
SELECT * FROM account ORDER BY id;
ROLLBACK;
-- the row in conflict is not to be seen, the row proposed or the one that results is outside the scope
INSERT INTO account VALUES (3, 'EU', 0) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO account VALUES (1, 'US', 0) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;
INSERT INTO account VALUES (1, 'EU', 0) ON CONFLICT (id) DO UPDATE SET region = 'US';
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN UPDATE SET amount = 13 WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.region, s.amount);
SELECT spsa_deactivate_own('creator'), spsa_deactivate_own('editor');
:all

--
-- delete. The set's edit has no scope of its own here: it is granted for no row.
--
DELETE FROM account;
SELECT already_active FROM spsa_activate_own('remover');
BEGIN;
DELETE FROM account WHERE id = 3 RETURNING id;
DELETE FROM account a USING source s WHERE s.id = a.id AND a.id <> 1 RETURNING a.id;
WITH d AS (DELETE FROM account WHERE id = 2 RETURNING id) SELECT * FROM d;
DELETE FROM line;
MERGE INTO account a USING source s ON a.id = s.id WHEN MATCHED THEN DELETE;
:all
ROLLBACK;
BEGIN;
DELETE FROM line;
WITH d AS (DELETE FROM account RETURNING id) SELECT array_agg(id ORDER BY id) AS deleted FROM d;
:all
ROLLBACK;
UPDATE account SET amount = 0;
INSERT INTO account VALUES (5, 'EU');
SELECT spsa_deactivate_own('remover');
DELETE FROM account;
:all

--
-- Prepared statements and cursors answer by what is active when they run
--
PREPARE r AS SELECT array_agg(id ORDER BY id) AS sees FROM account WHERE id < $1;
PREPARE w AS UPDATE account SET amount = amount + 1 WHERE id = $1 RETURNING id;
EXECUTE r (10);
EXECUTE w (1);
SELECT already_active FROM spsa_activate_own('editor');
BEGIN;
EXECUTE w (1);
EXECUTE w (3);
ROLLBACK;
SET plan_cache_mode = force_generic_plan;
BEGIN;
EXECUTE r (10);
EXECUTE w (1);
EXECUTE w (3);
SAVEPOINT s;
SELECT spsa_deactivate_own('editor');
EXECUTE r (10);
EXECUTE w (1);
ROLLBACK;
SELECT spsa_deactivate_own('editor');
EXECUTE w (1);
EXECUTE r (10);
SELECT spsa_deactivate_own('reader');
EXECUTE r (10);
SELECT already_active FROM spsa_activate_own('reader');
EXECUTE r (10);
SELECT spsa_detach();
EXECUTE r (10);
EXECUTE w (1);
SELECT spsa_attach_connection(:'bob') IS NOT NULL AS attached;
EXECUTE r (10);
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
EXECUTE r (10);
DEALLOCATE ALL;
RESET plan_cache_mode;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM account ORDER BY id;
FETCH ALL c;
FETCH FIRST c;
SELECT spsa_detach();
FETCH c;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM account;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM line ORDER BY id;
COMMIT;
FETCH c;
CLOSE c;
DO $$
DECLARE
	r record;
	n integer := 0;
BEGIN
	FOR r IN SELECT * FROM account LOOP
		n := n + 1;
	END LOOP;
	RAISE WARNING 'read % rows', n;
END
$$;

--
-- Views and functions
--
RESET SESSION AUTHORIZATION;
CREATE VIEW by_superuser AS SELECT * FROM account;
CREATE VIEW by_owner AS SELECT * FROM account;
ALTER VIEW by_owner OWNER TO regress_spsa_statements_owner;
CREATE VIEW by_invoker WITH (security_invoker) AS SELECT * FROM account;
CREATE VIEW eu WITH (security_invoker) AS SELECT * FROM account WHERE region = 'EU' WITH CHECK OPTION;
CREATE VIEW nested AS SELECT * FROM by_owner;
CREATE FUNCTION read_invoker() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM account';
CREATE FUNCTION read_owner() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = regress_spsa_statements AS 'SELECT count(*) FROM account';
ALTER FUNCTION read_owner() OWNER TO regress_spsa_statements_owner;
CREATE FUNCTION write_owner() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = regress_spsa_statements AS 'UPDATE account SET amount = 0';
ALTER FUNCTION write_owner() OWNER TO regress_spsa_statements_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON by_superuser, by_owner, by_invoker, eu, nested TO regress_spsa_statements_clerk;
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
-- A view runs as its owner; one of a role that bypasses row-level security shows everything, as PostgreSQL has it.
SELECT array_agg(id ORDER BY id) AS by_superuser FROM by_superuser;
SELECT array_agg(id ORDER BY id) AS by_owner FROM by_owner;
SELECT array_agg(id ORDER BY id) AS by_invoker FROM by_invoker;
SELECT array_agg(id ORDER BY id) AS eu FROM eu;
SELECT array_agg(id ORDER BY id) AS nested FROM nested;
SELECT read_invoker(), read_owner();
INSERT INTO by_owner VALUES (5, 'EU');
INSERT INTO by_invoker VALUES (5, 'EU');
UPDATE by_owner SET amount = 0;
UPDATE by_invoker SET amount = 0;
UPDATE nested SET amount = 0;
UPDATE eu SET amount = 0;
DELETE FROM by_owner;
DELETE FROM eu;
SELECT write_owner();
SELECT already_active FROM spsa_activate_own('editor');
BEGIN;
WITH u AS (UPDATE by_owner SET amount = 1 RETURNING id) SELECT array_agg(id ORDER BY id) AS updated FROM u;
WITH u AS (UPDATE by_invoker SET amount = 2 RETURNING id) SELECT array_agg(id ORDER BY id) AS updated FROM u;
WITH u AS (UPDATE nested SET amount = 3 RETURNING id) SELECT array_agg(id ORDER BY id) AS updated FROM u;
SELECT write_owner();
:all
ROLLBACK;
UPDATE by_owner SET region = 'US';
UPDATE by_invoker SET region = 'US';
INSERT INTO by_owner VALUES (5, 'EU');
SELECT spsa_detach();
SELECT array_agg(id ORDER BY id) AS by_owner FROM by_owner;
SELECT array_agg(id ORDER BY id) AS by_invoker FROM by_invoker;
SELECT read_invoker(), read_owner();
UPDATE by_owner SET amount = 0;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT spsa_deactivate_own('editor');

--
-- Foreign keys: checks and cascades are PostgreSQL's own and see every row
--
BEGIN;
INSERT INTO line VALUES (10, 3, 1);
SAVEPOINT s;
INSERT INTO line VALUES (11, 999, 1);
ROLLBACK TO s;
SELECT l.account_id, a.region FROM line l LEFT JOIN account a ON a.id = l.account_id WHERE l.id = 10;
ROLLBACK;
RESET SESSION AUTHORIZATION;
CREATE TABLE parent (id integer PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE child (id integer PRIMARY KEY, parent_id integer REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO child VALUES (1, 1), (2, 2);
GRANT SELECT, INSERT, UPDATE, DELETE ON parent, child TO regress_spsa_statements_clerk;
SELECT spsa_protect('child');
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
SELECT * FROM child;
INSERT INTO child VALUES (3, 1);
DELETE FROM child;
UPDATE parent SET id = 3 WHERE id = 2;
DELETE FROM parent WHERE id = 1;
RESET SESSION AUTHORIZATION;
SELECT * FROM child;
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
SELECT already_active FROM spsa_activate_own('remover');
DELETE FROM account WHERE id = 1;
SELECT spsa_deactivate_own('remover');

--
-- The table's own privileges are PostgreSQL's; TRUNCATE is for whom delete is granted on all rows
--
RESET SESSION AUTHORIZATION;
REVOKE UPDATE ON account FROM regress_spsa_statements_clerk;
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
SELECT already_active FROM spsa_activate_own('editor');
UPDATE account SET amount = 0;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_deactivate_own('editor');
RESET SESSION AUTHORIZATION;
GRANT TRUNCATE ON account, line TO regress_spsa_statements_clerk;
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
BEGIN;
TRUNCATE account, line;
ROLLBACK;
:all

--
-- A grant whose scopes cannot be used is none; one that has no value is for no row
--
RESET SESSION AUTHORIZATION;
GRANT UPDATE ON account TO regress_spsa_statements_clerk;
SELECT spsa_create_permission_set('by_attribute') IS NOT NULL AS made, spsa_create_permission_set('empty') IS NOT NULL AS made;
SELECT spsa_grant_object('empty', 'account', '{read,edit}', true);
SELECT spsa_assign('bob', 'empty');
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
SELECT spsa_attach_connection(:'bob') IS NOT NULL AS attached;
SELECT id FROM account;
UPDATE account SET amount = 0;
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_object('by_attribute', 'account', '{read,edit}', true);
SELECT spsa_grant_rows('by_attribute', 'account', 'region', attribute => 'region');
SELECT spsa_assign('bob', 'by_attribute');
SET SESSION AUTHORIZATION regress_spsa_statements_clerk;
SELECT id FROM account;
UPDATE account SET amount = 0 RETURNING id;
SELECT spsa_detach();
:all
RESET SESSION AUTHORIZATION;

DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_statements CASCADE;
DROP OWNED BY regress_spsa_statements_clerk, regress_spsa_statements_owner;
DROP ROLE regress_spsa_statements_clerk, regress_spsa_statements_owner;
