-- exempt: commands and paths that row-level security does not cover. The table in docs/SECURITY.md has the same lines in
-- the same order; each is tried as an ordinary role, without the privilege that it needs and with it.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_exempt_owner;
CREATE ROLE regress_spsa_exempt_clerk;
CREATE ROLE regress_spsa_exempt_other;
CREATE SCHEMA regress_spsa_exempt;
GRANT USAGE, CREATE ON SCHEMA regress_spsa_exempt TO regress_spsa_exempt_owner, regress_spsa_exempt_clerk, regress_spsa_exempt_other;
GRANT EXECUTE ON FUNCTION spsa_protect, spsa_unprotect TO regress_spsa_exempt_owner;
SET search_path = regress_spsa_exempt, public;
SET SESSION AUTHORIZATION regress_spsa_exempt_owner;
-- ten rows that the session below may read, and ninety that it may not
CREATE TABLE account (id integer PRIMARY KEY, region text, code text, amount integer);
INSERT INTO account SELECT i, CASE WHEN i <= 10 THEN 'EU' ELSE 'US' END, CASE WHEN i <= 10 THEN 'c' || i ELSE 'secret' END, i FROM generate_series(1, 100) i;
CREATE TABLE open (id integer PRIMARY KEY, code text);
INSERT INTO open SELECT id, code FROM account;
SELECT spsa_protect('account', '{region}');
GRANT SELECT, INSERT, UPDATE, DELETE ON account, open TO regress_spsa_exempt_clerk;
RESET SESSION AUTHORIZATION;
SELECT spsa_create_user('ann') IS NOT NULL AS made, spsa_create_permission_set('europe') IS NOT NULL AS made,
	spsa_create_permission_set('sweeper', activation_required => true) IS NOT NULL AS made, spsa_create_permission_set('manager', activation_required => true) IS NOT NULL AS made;
SELECT spsa_grant_object('europe', 'account', '{read,create,edit,delete}', true), spsa_grant_rows('europe', 'account', 'region', '{EU}'),
	spsa_grant_object('sweeper', 'account', '{read,edit,delete}'),
	spsa_grant_object('manager', 'account', '{read,edit,delete,view_all,modify_all}', true);
SELECT spsa_assign('ann', s) FROM unnest('{europe,sweeper,manager}'::text[]) s;
SELECT token AS tok FROM spsa_open_session('ann', db_role => NULL) \gset
\set clerk 'SET SESSION AUTHORIZATION regress_spsa_exempt_clerk;'
\set owner 'SET SESSION AUTHORIZATION regress_spsa_exempt_owner;'
\set other 'SET SESSION AUTHORIZATION regress_spsa_exempt_other;'
\set dba 'RESET SESSION AUTHORIZATION;'

--
-- TRUNCATE: asks for delete on all rows
--
:clerk
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT count(*) FROM account;
TRUNCATE account;
\echo :LAST_ERROR_SQLSTATE
:dba
GRANT TRUNCATE ON account, open TO regress_spsa_exempt_clerk;
:clerk
TRUNCATE account;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_detach();
TRUNCATE account;
\echo :LAST_ERROR_SQLSTATE
SET row_security = off;
TRUNCATE account;
RESET row_security;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
-- every way to it
TRUNCATE open, account;
TRUNCATE ONLY account RESTART IDENTITY;
DO $$ BEGIN TRUNCATE account; END $$;
DO $$ BEGIN EXECUTE 'TRUNCATE account'; EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING '%', SQLERRM; END $$;
CREATE FUNCTION sweep() RETURNS void LANGUAGE sql AS 'TRUNCATE account';
SELECT sweep();
:dba
-- by way of a table that it refers to
ALTER TABLE account ADD FOREIGN KEY (id) REFERENCES open;
:clerk
TRUNCATE open CASCADE;
:dba
ALTER TABLE account DROP CONSTRAINT account_id_fkey;
SELECT count(*) FROM account;
-- allowed, and not any more
:clerk
SELECT already_active FROM spsa_activate_own('sweeper');
BEGIN;
TRUNCATE account;
SELECT count(*) FROM account;
ROLLBACK;
BEGIN;
SELECT sweep();
SELECT count(*) FROM account;
SELECT spsa_deactivate_own('sweeper');
TRUNCATE account;
ROLLBACK;
SELECT spsa_deactivate_own('sweeper');
SELECT sweep();
SELECT already_active FROM spsa_activate_own('manager');
BEGIN;
TRUNCATE account;
ROLLBACK;
SELECT spsa_deactivate_own('manager');
TRUNCATE account;
-- a session that is over, one that is missing where one is required
:dba
SELECT session_id AS over_id, token AS over FROM spsa_open_session('ann', db_role => NULL) \gset
:clerk
SELECT spsa_attach_connection(:'over') IS NOT NULL AS attached;
:dba
SELECT spsa_close_session(:'over_id');
:clerk
TRUNCATE account;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_detach();
:dba
SET spsa.require_session = on;
:clerk
TRUNCATE account;
\echo :LAST_ERROR_SQLSTATE
:dba
RESET spsa.require_session;
-- The owner, with FORCE and without; a superuser
:owner
TRUNCATE account;
SELECT spsa_protect('account', '{region}', force => false);
BEGIN;
TRUNCATE account;
ROLLBACK;
SELECT spsa_protect('account', '{region}');
:dba
BEGIN;
TRUNCATE account;
SELECT count(*) FROM account;
ROLLBACK;
-- The trigger cannot be lost.
:owner
DROP TRIGGER spsa_truncate ON account;
\echo :LAST_ERROR_SQLSTATE
ALTER TRIGGER spsa_truncate ON account RENAME TO mine;
DROP TRIGGER mine ON account;
CREATE TRIGGER spsa_truncate AFTER TRUNCATE ON account EXECUTE FUNCTION spsa.before_truncate();
DROP TRIGGER mine ON account;
DROP TRIGGER spsa_truncate ON account;
TRUNCATE account;
SELECT spsa_protect('account', '{region}');
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'account'::regclass AND NOT tgisinternal;
SELECT spsa_protect('account', '{region}', as_restrictive => false);
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'account'::regclass AND NOT tgisinternal;
SELECT spsa_protect('account', '{region}');
SELECT spsa_unprotect('account');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'account'::regclass AND NOT tgisinternal;
SELECT spsa_protect('account', '{region}');
-- but be disabled, as row-level security can be
ALTER TABLE account DISABLE TRIGGER spsa_truncate;
BEGIN;
TRUNCATE account;
ROLLBACK;
SELECT spsa_protect('account', '{region}');
TRUNCATE account;
CREATE TRIGGER other_one BEFORE TRUNCATE ON account EXECUTE FUNCTION spsa.before_truncate();
DROP TRIGGER other_one ON account;
-- Its function is for this alone.
SELECT spsa.before_truncate();
\echo :LAST_ERROR_SQLSTATE
CREATE TRIGGER misused BEFORE INSERT ON open FOR EACH ROW EXECUTE FUNCTION spsa.before_truncate();
INSERT INTO open VALUES (0);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER misused ON open;
-- On a table without row-level security it says nothing.
CREATE TABLE plain (id integer);
CREATE TRIGGER misused BEFORE TRUNCATE ON plain EXECUTE FUNCTION spsa.before_truncate();
TRUNCATE plain;
DROP TABLE plain;
:dba
REVOKE TRUNCATE ON account, open FROM regress_spsa_exempt_clerk;

--
-- LOCK TABLE: by the table's privileges alone, without a session
--
:other
BEGIN;
LOCK TABLE account IN ACCESS SHARE MODE;
ROLLBACK;
:dba
GRANT SELECT ON account TO regress_spsa_exempt_other;
:other
BEGIN;
LOCK TABLE account IN ACCESS SHARE MODE;
LOCK TABLE account IN ACCESS EXCLUSIVE MODE;
ROLLBACK;
:clerk
BEGIN;
LOCK TABLE account IN ACCESS EXCLUSIVE MODE;
SELECT count(*) FROM account;
ROLLBACK;
:dba
REVOKE SELECT ON account FROM regress_spsa_exempt_other;

--
-- REFERENCES: tells which keys exist
--
:clerk
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
CREATE TABLE probe (account_id integer REFERENCES account);
\echo :LAST_ERROR_SQLSTATE
:dba
GRANT REFERENCES ON account TO regress_spsa_exempt_clerk;
:clerk
CREATE TABLE probe (account_id integer REFERENCES account);
INSERT INTO probe VALUES (1);
INSERT INTO probe VALUES (50);
INSERT INTO probe VALUES (500);
\echo :LAST_ERROR_SQLSTATE
-- and nothing else: rows that are referred to appear no more than before
SELECT p.account_id, a.region FROM probe p LEFT JOIN account a ON a.id = p.account_id ORDER BY 1;
DROP TABLE probe;
:dba
REVOKE REFERENCES ON account FROM regress_spsa_exempt_clerk;

--
-- Unique violations: tell that a key exists, without showing it
--
:clerk
INSERT INTO account VALUES (50, 'EU');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO account VALUES (50, 'EU') ON CONFLICT DO NOTHING;
INSERT INTO account VALUES (500, 'EU') RETURNING id;
DELETE FROM account WHERE id = 500;
UPDATE account SET id = 50 WHERE id = 1;
-- without row-level security it shows the key
INSERT INTO open VALUES (50);
:owner
ALTER TABLE account ADD CONSTRAINT excluding EXCLUDE USING btree (amount WITH =);
:clerk
INSERT INTO account VALUES (500, 'EU', 'c', 50);
\echo :LAST_ERROR_SQLSTATE
:owner
ALTER TABLE account DROP CONSTRAINT excluding;
:clerk
-- An index that is for the owner to make
CREATE UNIQUE INDEX ON account (code);
:owner
CREATE UNIQUE INDEX ON account (code);

--
-- Statistics, and estimates made from them
--
:dba
ANALYZE account, open;
:clerk
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'regress_spsa_exempt' ORDER BY 1, 2;
SELECT count(*) FROM pg_statistic;
\echo :LAST_ERROR_SQLSTATE
CREATE STATISTICS clerks ON region, code FROM account;
\echo :LAST_ERROR_SQLSTATE
:owner
CREATE STATISTICS owners ON region, code FROM account;
CREATE STATISTICS opens ON id, code FROM open;
:dba
ANALYZE account, open;
:clerk
SELECT statistics_name FROM pg_stats_ext WHERE schemaname = 'regress_spsa_exempt';
-- A condition of the role's own does not get the values in pg_statistic to see, with an estimator that shows them otherwise.
CREATE FUNCTION spy(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$
BEGIN
	IF $1 = 'secret' THEN
		RAISE WARNING 'spy sees %', $1;
	END IF;
	RETURN false;
END $$;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = spy, RESTRICT = eqsel);
EXPLAIN (COSTS OFF) SELECT FROM open WHERE code === 'x';
EXPLAIN (COSTS OFF) SELECT FROM account WHERE code === 'x';
SELECT already_active FROM spsa_activate_own('sweeper');
EXPLAIN (COSTS OFF) SELECT FROM account WHERE code === 'x';
SELECT spsa_deactivate_own('sweeper');
-- What would be given them is for superusers to make.
ALTER FUNCTION spy(text, text) LEAKPROOF;
\echo :LAST_ERROR_SQLSTATE
CREATE OPERATOR CLASS spying FOR TYPE text USING btree AS OPERATOR 3 ===;
-- Estimates for PostgreSQL's own operators count what is hidden; where nothing is granted there is nothing to estimate.
CREATE FUNCTION estimate(query text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END $$;
SELECT estimate('SELECT FROM account WHERE amount > 10') > estimate('SELECT FROM account WHERE amount > 200') AS shows,
	(SELECT count(*) FROM account WHERE amount > 10) AS rows;
SELECT spsa_detach();
SELECT estimate('SELECT FROM account WHERE amount > 10'), estimate('SELECT FROM account WHERE amount > 200');
-- Sizes are everybody's.
SELECT reltuples FROM pg_class WHERE oid = 'account'::regclass;
SELECT pg_relation_size('account') > 0 AS size;
SELECT count(*) AS counted FROM pg_stat_user_tables WHERE relid = 'account'::regclass AND n_live_tup IS NOT NULL;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;

--
-- COPY
--
\copy account FROM '/dev/null'
\echo :LAST_ERROR_SQLSTATE
COPY account (id) TO STDOUT;
SELECT spsa_detach();
COPY account (id) TO STDOUT;
\set VERBOSITY sqlstate
COPY open (id) TO PROGRAM 'true';
\set VERBOSITY default
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;

--
-- What reads all rows for the owner: ALTER TABLE, CREATE INDEX, CLUSTER, VACUUM FULL, REINDEX, ANALYZE
--
CREATE FUNCTION show(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF $1 = 50 THEN
		RAISE WARNING 'show sees row %', $1;
	END IF;
	RETURN true;
END $$;
ALTER TABLE account ADD CONSTRAINT looking CHECK (show(id));
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE account ALTER amount TYPE bigint;
ALTER TABLE account DISABLE ROW LEVEL SECURITY;
ALTER TABLE account NO FORCE ROW LEVEL SECURITY;
ALTER TABLE account DISABLE TRIGGER spsa_truncate;
DROP POLICY spsa_read ON account;
ALTER POLICY spsa_read ON account USING (true);
CREATE POLICY mine ON account USING (true);
ALTER TABLE account OWNER TO regress_spsa_exempt_clerk;
CREATE TABLE heir () INHERITS (account);
CREATE INDEX looking ON account (show(id));
\set VERBOSITY sqlstate
CLUSTER account USING account_pkey;
REINDEX TABLE account;
VACUUM FULL account;
ANALYZE account;
\set VERBOSITY default
:owner
-- The owner may, and reads rows by it that it may not read.
SELECT count(*) FROM account;
ALTER TABLE account ADD CONSTRAINT looking CHECK (show(id));
ALTER TABLE account DROP CONSTRAINT looking;
CREATE INDEX looking ON account (show(id));
REINDEX INDEX looking;
DROP INDEX looking;
CLUSTER account USING account_pkey;

--
-- CREATE TRIGGER and CREATE RULE: see what others write
--
:clerk
CREATE TABLE loot (id integer, region text);
GRANT INSERT ON loot TO PUBLIC;
CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO regress_spsa_exempt.loot VALUES (NEW.id, NEW.region);
	RETURN NEW;
END $$;
CREATE TRIGGER taking BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION take();
\echo :LAST_ERROR_SQLSTATE
CREATE RULE taking AS ON INSERT TO account DO ALSO INSERT INTO loot VALUES (NEW.id, NEW.region);
\echo :LAST_ERROR_SQLSTATE
:dba
GRANT TRIGGER ON account TO regress_spsa_exempt_clerk;
:clerk
CREATE TRIGGER taking BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION take();
CREATE RULE taking AS ON INSERT TO account DO ALSO INSERT INTO loot VALUES (NEW.id, NEW.region);
:dba
INSERT INTO account VALUES (501, 'US');
DELETE FROM account WHERE id = 501;
:clerk
SELECT * FROM loot;
:dba
DROP TRIGGER taking ON account;
REVOKE TRIGGER ON account FROM regress_spsa_exempt_clerk;

--
-- Materialized views: what their owner saw; who may read one reads all of it
--
:dba
CREATE MATERIALIZED VIEW everything AS SELECT id, region FROM account;
GRANT SELECT ON everything TO regress_spsa_exempt_clerk;
:clerk
SELECT count(*) FROM everything;
\set VERBOSITY sqlstate
REFRESH MATERIALIZED VIEW everything;
\set VERBOSITY default
SELECT count(*) FROM account;
-- one of the clerk's own: nothing is shown to what runs while it is filled
CREATE MATERIALIZED VIEW own AS SELECT id, region FROM account;
SELECT count(*) FROM own;
REFRESH MATERIALIZED VIEW own;
SELECT count(*) FROM own;
CREATE TABLE copied AS SELECT id, region FROM account;
SELECT count(*) FROM copied;
:dba
REVOKE SELECT ON everything FROM regress_spsa_exempt_clerk;
:clerk
SELECT count(*) FROM everything;

--
-- Logical decoding (pg_dump and a role that may: 012_exempt)
--
\set VERBOSITY sqlstate
SELECT pg_create_logical_replication_slot('regress_spsa_exempt', 'test_decoding');
SELECT * FROM pg_logical_slot_peek_changes('regress_spsa_exempt', NULL, NULL);
\set VERBOSITY default
:dba
SELECT format('GRANT CREATE ON DATABASE %I TO regress_spsa_exempt_clerk', current_database()) \gexec
:clerk
CREATE PUBLICATION regress_spsa_exempt FOR TABLE account;
\echo :LAST_ERROR_SQLSTATE
CREATE PUBLICATION regress_spsa_exempt FOR ALL TABLES;
:dba
SELECT format('REVOKE CREATE ON DATABASE %I FROM regress_spsa_exempt_clerk', current_database()) \gexec

--
-- Files, and settings that would turn things off
--
:clerk
SELECT pg_read_file('PG_VERSION');
\set VERBOSITY sqlstate
COPY account TO '/dev/null';
\set VERBOSITY default
-- pages: the extension is the superuser's to install, and its functions are the superuser's to call
CREATE EXTENSION pageinspect;
:dba
CREATE EXTENSION pageinspect SCHEMA public;
SELECT count(*) > 0 AS of_the_superuser FROM heap_page_items(get_raw_page('account', 0)) WHERE lp_len > 0;
:clerk
SELECT count(*) FROM heap_page_items(get_raw_page('account', 0));
\echo :LAST_ERROR_SQLSTATE
SET session_replication_role = replica;
\echo :LAST_ERROR_SQLSTATE
:dba
GRANT SET ON PARAMETER session_replication_role TO regress_spsa_exempt_clerk;
GRANT TRUNCATE ON account TO regress_spsa_exempt_clerk;
:clerk
SET session_replication_role = replica;
SELECT count(*) FROM account;
TRUNCATE account;
INSERT INTO account VALUES (500, 'US');
RESET session_replication_role;
:dba
REVOKE SET ON PARAMETER session_replication_role FROM regress_spsa_exempt_clerk;

SELECT spsa_detach();
:dba
DROP EXTENSION pageinspect;
DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_exempt CASCADE;
DROP OWNED BY regress_spsa_exempt_owner, regress_spsa_exempt_clerk, regress_spsa_exempt_other;
DROP ROLE regress_spsa_exempt_owner, regress_spsa_exempt_clerk, regress_spsa_exempt_other;
