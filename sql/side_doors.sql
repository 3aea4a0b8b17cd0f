-- side_doors: rows that a session may not read do not appear by the side either. One table in three sessions, and asked
-- row by row: what may be seen appears, what may not (rows 3 and 4, code 'hidden', amounts from 300 on) does not.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_side_owner;
CREATE ROLE regress_spsa_side_clerk;
CREATE SCHEMA regress_spsa_side;
GRANT USAGE, CREATE ON SCHEMA regress_spsa_side TO regress_spsa_side_owner, regress_spsa_side_clerk;
SET search_path = regress_spsa_side, public;
\set clerk 'SET SESSION AUTHORIZATION regress_spsa_side_clerk;'
\set owner 'SET SESSION AUTHORIZATION regress_spsa_side_owner;'
\set dba 'RESET SESSION AUTHORIZATION;'

:owner
CREATE DOMAIN small AS integer CHECK (VALUE < 1000);
CREATE TABLE account (id integer PRIMARY KEY, region text, code text NOT NULL, amount integer, CONSTRAINT positive CHECK (amount > 0));
INSERT INTO account VALUES (1, 'EU', 'open', 100), (2, 'EU', 'open', 200), (3, 'US', 'hidden', 300), (4, 'US', 'hidden', 400);
CREATE INDEX ON account (amount);
CREATE INDEX ON account (lower(code));
GRANT SELECT, INSERT, UPDATE, DELETE ON account TO regress_spsa_side_clerk;
-- the same table without protection, to see that the attempts would work
CREATE TABLE bare AS TABLE account;
GRANT SELECT ON bare TO regress_spsa_side_clerk;
:dba
SELECT spsa_protect('account', '{region}');
SELECT spsa_create_user(u) IS NOT NULL AS made FROM unnest('{all,some,none}'::text[]) u;
SELECT spsa_create_permission_set(s) IS NOT NULL AS made FROM unnest('{whole,part}'::text[]) s;
SELECT spsa_grant_object('whole', 'account', '{read,create,edit,delete}'), spsa_grant_object('part', 'account', '{read,create,edit,delete}', true),
	spsa_grant_rows('part', 'account', 'region', '{EU}'), spsa_assign('all', 'whole'), spsa_assign('some', 'part');
SELECT token AS all FROM spsa_open_session('all', db_role => NULL) \gset
SELECT token AS some FROM spsa_open_session('some', db_role => NULL) \gset
SELECT token AS none FROM spsa_open_session('none', db_role => NULL) \gset
SET enable_hashagg = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;

--
-- Functions and operators of the role's own, that show what they are given. They are cheap, so that PostgreSQL would
-- call them first.
--
:clerk
CREATE FUNCTION show(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS $$
BEGIN
	RAISE WARNING 'show %', $1;
	RETURN true;
END $$;
CREATE FUNCTION show_both(integer, integer) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0000001 AS $$
BEGIN
	RAISE WARNING 'operator sees %', $1;
	RETURN true;
END $$;
CREATE OPERATOR ~~> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = show_both, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE FUNCTION key(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS $$
BEGIN
	RAISE WARNING 'key of %', $1;
	RETURN $1;
END $$;
CREATE FUNCTION show_next(integer, integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'aggregate sees %', $2;
	RETURN $2;
END $$;
CREATE AGGREGATE seen(integer) (SFUNC = show_next, STYPE = integer);
CREATE VIEW by_view AS SELECT * FROM account;
CREATE VIEW by_invoker WITH (security_invoker) AS SELECT * FROM account;
-- simple enough to be inlined
CREATE FUNCTION rows_of(integer) RETURNS SETOF account LANGUAGE sql STABLE AS 'SELECT * FROM regress_spsa_side.account WHERE id >= $1';
CREATE FUNCTION code_of(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT code FROM regress_spsa_side.account WHERE id = $1';
CREATE FUNCTION plpgsql_count() RETURNS integer LANGUAGE plpgsql STABLE AS $$
DECLARE
	n integer := (SELECT count(*) FROM regress_spsa_side.account);
	m integer;
BEGIN
	SELECT count(*) INTO m FROM regress_spsa_side.account;
	RETURN CASE WHEN n = m THEN n ELSE -1 END;
END $$;
-- That they would show it:
SELECT id FROM bare WHERE show(id) AND id >= 3 ORDER BY id;
SELECT count(*) FROM bare WHERE amount ~~> 0 AND id >= 3;

-- "Rows Removed by Filter" and rows of the scans
CREATE FUNCTION explained(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ' || query LOOP
		-- PostgreSQL 18 has decimals, and counts searches
		IF line !~ '^ *Index Searches' THEN
			RETURN NEXT replace(line, '.00 loops', ' loops');
		END IF;
	END LOOP;
END $$;
-- What a statement returns or how it is refused, in one transaction with the next
CREATE FUNCTION written(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r integer;
	result integer[];
	n bigint;
BEGIN
	IF query NOT LIKE '%RETURNING%' THEN
		EXECUTE query;
		GET DIAGNOSTICS n = ROW_COUNT;
		RETURN n || ' rows';
	END IF;
	FOR r IN EXECUTE query LOOP
		result := result || r;
	END LOOP;
	RETURN result;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END $$;

-- Everything that is tried, in each session
CREATE TABLE attempt (n integer GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO attempt (query) VALUES
	-- conditions
	($q$SELECT id FROM account WHERE show(id) ORDER BY id$q$),
	($q$SELECT id FROM account WHERE amount ~~> 0 ORDER BY id$q$),
	($q$SELECT count(*) FROM account WHERE show(code) OR id = 3$q$),
	($q$SELECT count(*) FROM account WHERE CASE WHEN show(id) THEN false END$q$),
	($q$SELECT count(*) FROM account a JOIN bare b ON a.id = b.id AND show(a.amount)$q$),
	($q$SELECT count(*) FROM bare b LEFT JOIN account a ON a.id = b.id AND show(a.code) WHERE a.id IS NULL$q$),
	($q$SELECT id FROM account WHERE code::text = 'hidden' OR amount > 250$q$),
	-- sorting, grouping, aggregates, windows
	($q$SELECT id FROM account ORDER BY key(id) DESC$q$),
	($q$SELECT key(amount) FROM account GROUP BY key(amount) ORDER BY 1$q$),
	($q$SELECT region FROM account GROUP BY region HAVING show(max(amount)) ORDER BY 1$q$),
	($q$SELECT DISTINCT ON (key(id)) id FROM account ORDER BY key(id)$q$),
	($q$SELECT seen(amount ORDER BY id), max(amount), count(*) FROM account$q$),
	($q$SELECT id, count(*) OVER w, lead(amount) OVER w, sum(amount) OVER () FROM account WINDOW w AS (ORDER BY id) ORDER BY id$q$),
	($q$SELECT * FROM (SELECT region, code, count(*) FROM account GROUP BY GROUPING SETS ((region), (code), ()) OFFSET 0) g ORDER BY 1, 2$q$),
	($q$SELECT percentile_disc(1) WITHIN GROUP (ORDER BY amount) FROM account$q$),
	-- forms of FROM
	($q$SELECT b.id, l.code FROM bare b, LATERAL (SELECT code FROM account a WHERE a.id = b.id AND show(a.id)) l ORDER BY 1$q$),
	($q$SELECT count(*) FROM account TABLESAMPLE SYSTEM (100)$q$),
	($q$SELECT count(*) FROM account TABLESAMPLE BERNOULLI (100) REPEATABLE (1) WHERE show(id)$q$),
	($q$SELECT (rows_of(2)).id ORDER BY 1$q$),
	($q$SELECT id FROM rows_of(2) ORDER BY 1$q$),
	($q$SELECT id, code_of(id) FROM bare ORDER BY 1$q$),
	($q$SELECT plpgsql_count()$q$),
	($q$SELECT array(SELECT id FROM by_view ORDER BY id) AS by_view, array(SELECT id FROM by_invoker WHERE show(id) ORDER BY id) AS by_invoker$q$),
	($q$SELECT id FROM (SELECT id FROM account UNION ALL SELECT 0) u WHERE show(id) ORDER BY id$q$),
	($q$WITH a AS NOT MATERIALIZED (SELECT * FROM account) SELECT id FROM a WHERE show(code) ORDER BY id$q$),
	($q$SELECT a.id, s.shown FROM account a, LATERAL (SELECT show(a.id) AS shown OFFSET 0) s ORDER BY 1$q$),
	-- whole rows and system columns
	($q$SELECT account FROM account ORDER BY id$q$),
	($q$SELECT to_jsonb(a) ->> 'code' AS code FROM account a ORDER BY id$q$),
	($q$SELECT count(*) FROM account a WHERE a IS NOT NULL AND a >= (0, '', '', 0)::account AND show(a.id)$q$),
	($q$SELECT count(ctid) AS ctid, count(xmin) AS xmin, count(tableoid) AS tableoid FROM account$q$),
	($q$SELECT id FROM account WHERE ctid IN ('(0,1)', '(0,3)') ORDER BY id$q$),
	-- prepared statements and cursors
	($q$PREPARE p AS SELECT array_agg(id ORDER BY id) FROM account WHERE amount > $1$q$),
	($q$EXECUTE p (0)$q$),
	($q$SET plan_cache_mode = force_generic_plan$q$),
	($q$EXECUTE p (0)$q$),
	($q$RESET plan_cache_mode$q$),
	($q$DEALLOCATE p$q$),
	($q$BEGIN$q$),
	($q$DECLARE c SCROLL CURSOR FOR SELECT id FROM account WHERE show(id) ORDER BY id$q$),
	($q$FETCH LAST c$q$),
	($q$FETCH ABSOLUTE 3 c$q$),
	($q$COMMIT$q$),
	-- EXPLAIN
	($q$SELECT explained('SELECT FROM account')$q$),
	($q$SELECT explained('SELECT FROM account WHERE id = 3')$q$),
	($q$SELECT explained('SELECT FROM account WHERE amount > 250')$q$),
	($q$SET enable_seqscan = off$q$),
	-- That this counts what is hidden is PostgreSQL's (docs/SECURITY.md).
	($q$SELECT explained('SELECT FROM account WHERE amount BETWEEN 250 AND 350')$q$),
	($q$SELECT id FROM account WHERE lower(code) = 'hidden' AND show(id)$q$),
	($q$RESET enable_seqscan$q$),
	-- messages
	($q$SELECT count(*) FROM account WHERE code::integer > 0$q$),
	($q$SELECT count(*) FROM account WHERE 1 / (amount - 300) > 5$q$),
	($q$SELECT count(amount::small) FROM account WHERE (amount * 3)::small > 0$q$),
	-- writing
	($q$BEGIN$q$),
	($q$SELECT written('UPDATE account SET amount = amount + 1 WHERE show(id) RETURNING id')$q$),
	($q$SELECT written('UPDATE account SET amount = 999 WHERE id = 3 RETURNING amount - 1')$q$),
	($q$SELECT written('DELETE FROM account WHERE id >= 2 RETURNING id')$q$),
	($q$ROLLBACK$q$),
	($q$BEGIN$q$),
	($q$SELECT written('INSERT INTO account SELECT id + 10, region, code, amount FROM account RETURNING id')$q$),
	($q$ROLLBACK$q$),
	($q$BEGIN$q$),
	($q$SELECT written('MERGE INTO account a USING bare b ON a.id = b.id AND show(a.id) WHEN MATCHED THEN DELETE')$q$),
	($q$ROLLBACK$q$);

--
-- A full grant, folded into TRUE
--
SELECT spsa_attach_connection(:'all') IS NOT NULL AS attached;
SELECT query FROM attempt ORDER BY n \gexec

--
-- A scope, folded into a condition
--
SELECT spsa_attach_connection(:'some') IS NOT NULL AS attached;
SELECT query FROM attempt ORDER BY n \gexec

--
-- The same scope, asked row by row: a policy whose privilege is no constant
--
:owner
CREATE TABLE unfolded AS SELECT *, 'read' AS asked FROM bare;
ALTER TABLE unfolded ENABLE ROW LEVEL SECURITY;
CREATE POLICY ask ON unfolded USING (spsa_allows_row('account', asked, 'region', region));
CREATE INDEX ON unfolded (amount);
GRANT SELECT, INSERT, UPDATE, DELETE ON unfolded TO regress_spsa_side_clerk;
:clerk
SELECT replace(replace(query, 'INSERT INTO account SELECT id + 10, region, code, amount', 'INSERT INTO account SELECT id + 10, region, code, amount, asked'), 'account', 'unfolded')
FROM attempt WHERE query !~ 'rows_of|code_of|plpgsql_count|by_view|::account' ORDER BY n \gexec

--
-- Nothing, folded into FALSE
--
SELECT spsa_attach_connection(:'none') IS NOT NULL AS attached;
SELECT query FROM attempt ORDER BY n \gexec

--
-- What is refused by a constraint: the message shows no row
--
SELECT spsa_attach_connection(:'some') IS NOT NULL AS attached;
INSERT INTO account VALUES (20, 'EU', NULL, 1);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO account VALUES (20, 'EU', 'open', -1);
\echo :LAST_ERROR_SQLSTATE
UPDATE account SET amount = amount - 100;
UPDATE account SET code = NULL WHERE id = 3;
INSERT INTO account VALUES (3, 'EU', 'open', 1);
INSERT INTO account VALUES (20, 'US', 'open', 1);
UPDATE account SET region = 'US';
INSERT INTO account VALUES (3, 'EU', 'open', 1) ON CONFLICT (id) DO UPDATE SET code = account.code || '!' RETURNING code;
INSERT INTO account VALUES (3, 'EU', 'open', 1) ON CONFLICT (id) DO NOTHING RETURNING code;
-- as it does without row-level security
:owner
ALTER TABLE bare ADD CONSTRAINT positive CHECK (amount > 0), ALTER code SET NOT NULL;
GRANT INSERT ON bare TO regress_spsa_side_clerk;
:clerk
INSERT INTO bare VALUES (20, 'EU', NULL, 1);
INSERT INTO bare VALUES (20, 'EU', 'open', -1);

--
-- What writing returns
--
BEGIN;
INSERT INTO account VALUES (20, 'EU', 'open', 500) RETURNING account, (SELECT max(amount) FROM account), (SELECT count(*) FROM by_view);
UPDATE account a SET amount = 1 FROM account b WHERE b.id = a.id + 1 RETURNING a.id, b.id, b.code;
UPDATE account a SET amount = 2 FROM account b WHERE b.id = 3 RETURNING b.code;
DELETE FROM account a USING account b WHERE b.region <> a.region RETURNING b;
ROLLBACK;

--
-- Triggers of the table's owner run with the role's rights, for the rows that it changes and no others
--
:owner
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_LEVEL = 'ROW' THEN
		RAISE WARNING '% % to %, sees %', TG_OP, OLD, NEW, (SELECT array_agg(id ORDER BY id) FROM regress_spsa_side.account);
	ELSE
		RAISE WARNING 'transition tables: % %', (SELECT array_agg(id ORDER BY id) FROM before), (SELECT array_agg(id ORDER BY id) FROM after);
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER tell_row BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER tell_all AFTER UPDATE ON account REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION tell();
:clerk
UPDATE account SET amount = amount + 1 WHERE id IN (1, 3);
UPDATE account SET amount = amount + 1 WHERE id = 3;
UPDATE account SET amount = 101 WHERE id = 1;
:owner
DROP TRIGGER tell_row ON account;
DROP TRIGGER tell_all ON account;

--
-- Foreign keys: the referencing rows are changed with the rights of their table's owner, whether or not they are seen
--
:owner
CREATE TABLE branch (id integer PRIMARY KEY, city text);
INSERT INTO branch VALUES (1, 'Rome'), (2, 'Oslo');
CREATE TABLE leaf (id integer PRIMARY KEY, region text, branch_id integer CONSTRAINT leaf_branch REFERENCES branch ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO leaf VALUES (1, 'EU', 1), (2, 'US', 1), (3, 'US', 2);
GRANT SELECT, INSERT, UPDATE, DELETE ON branch, leaf TO regress_spsa_side_clerk;
:dba
SELECT spsa_protect('leaf', '{region}');
SELECT spsa_grant_object('part', 'leaf', '{read,create,edit,delete}', true), spsa_grant_rows('part', 'leaf', 'region', '{EU}');
\set leaves 'RESET SESSION AUTHORIZATION; SELECT * FROM leaf ORDER BY id; SET SESSION AUTHORIZATION regress_spsa_side_clerk;'
:clerk
SELECT * FROM leaf ORDER BY id;
DELETE FROM leaf WHERE branch_id = 2;
BEGIN;
UPDATE branch SET id = 7 WHERE id = 1 RETURNING *;
SELECT * FROM leaf ORDER BY id;
:leaves
ROLLBACK;
BEGIN;
DELETE FROM branch RETURNING *;
SELECT * FROM leaf ORDER BY id;
:leaves
ROLLBACK;
:owner
ALTER TABLE leaf DROP CONSTRAINT leaf_branch, ADD CONSTRAINT leaf_branch FOREIGN KEY (branch_id) REFERENCES branch;
:clerk
-- It says that there is one, of the role's own key.
DELETE FROM branch WHERE id = 2;
\echo :LAST_ERROR_SQLSTATE
-- A key that the role may not see is not told.
:dba
SELECT spsa_protect('branch', '{city}');
:clerk
INSERT INTO leaf VALUES (9, 'EU', 9);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM branch;

--
-- Views and functions with other rights: those of an owner who is under the policies show what the session sees, those of
-- a superuser show everything
--
:owner
CREATE VIEW by_owner AS SELECT * FROM account;
CREATE FUNCTION count_by_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM regress_spsa_side.account';
GRANT SELECT ON by_owner TO regress_spsa_side_clerk;
:dba
CREATE VIEW by_superuser AS SELECT * FROM account;
CREATE VIEW by_superuser_invoker WITH (security_invoker) AS SELECT * FROM account;
CREATE FUNCTION count_by_superuser() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM regress_spsa_side.account';
GRANT SELECT ON by_superuser, by_superuser_invoker TO regress_spsa_side_clerk;
:clerk
SELECT (SELECT count(*) FROM by_owner WHERE show(id)) AS by_owner, count_by_owner(), (SELECT count(*) FROM by_superuser_invoker WHERE show(id)) AS invoker;
SELECT (SELECT count(*) FROM by_superuser) AS by_superuser, count_by_superuser();

--
-- Sequences, and catalogs
--
:owner
CREATE SEQUENCE number OWNED BY account.id;
SELECT setval('number', 100);
:clerk
SELECT last_value FROM number;
\echo :LAST_ERROR_SQLSTATE
SELECT nextval('number');
SELECT currval('number');
:owner
GRANT USAGE ON SEQUENCE number TO regress_spsa_side_clerk;
:clerk
SELECT last_value FROM number;
SELECT currval('number');
SELECT nextval('number'), currval('number');
SELECT lastval();
-- The text of the policies names no value of a scope.
SELECT count(*) AS policies, bool_or(pg_get_expr(polqual, polrelid) ~ 'EU') AS shows FROM pg_policy WHERE polrelid = 'account'::regclass;

--
-- An attribute for a literal, and a session that has none
--
:dba
SELECT spsa_create_permission_set('own') IS NOT NULL AS made, spsa_grant_object('own', 'account', '{read}', true), spsa_grant_rows('own', 'account', 'amount', attribute => 'amount');
SELECT spsa_protect('account', '{region,amount}');
SELECT spsa_assign('none', 'own');
SELECT token AS own FROM spsa_open_session('none', attributes => '{"amount": 400}', db_role => NULL) \gset
:clerk
SELECT spsa_attach_connection(:'own') IS NOT NULL AS attached;
SELECT id FROM account WHERE show(id);
SELECT seen(amount) FROM account;
SELECT spsa_attach_connection(:'none') IS NOT NULL AS attached;
SELECT id FROM account WHERE show(id);
SELECT spsa_detach();
SELECT id FROM account WHERE show(id);

:dba
DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_side CASCADE;
DROP OWNED BY regress_spsa_side_owner, regress_spsa_side_clerk;
DROP ROLE regress_spsa_side_owner, regress_spsa_side_clerk;
