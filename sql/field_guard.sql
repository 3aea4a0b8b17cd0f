-- field_guard: protected fields: every way of naming a column, allowed and denied, as an ordinary role.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_fg_clerk;
CREATE ROLE regress_spsa_fg_owner;
CREATE SCHEMA regress_spsa_fg;
GRANT ALL ON SCHEMA regress_spsa_fg TO regress_spsa_fg_clerk, regress_spsa_fg_owner;
SET search_path = regress_spsa_fg, public;
SET ROLE regress_spsa_fg_owner;
CREATE TABLE emp (id integer PRIMARY KEY, name text, salary numeric, bonus numeric DEFAULT 0);
INSERT INTO emp VALUES (1, 'Ann', 100, 1), (2, 'Bob', 200, 2);
CREATE TABLE dept (id integer PRIMARY KEY, label text);
INSERT INTO dept VALUES (1, 'one'), (2, 'two');
GRANT SELECT, INSERT, UPDATE, DELETE ON emp, dept TO regress_spsa_fg_clerk;
RESET ROLE;
SELECT spsa_create_user('ann') > 0 AS made;
SELECT spsa_create_permission_set('staff') > 0 AS made;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{reader,payroll,unassigned}'::text[]) n;
SELECT spsa_grant_object('staff', 'emp', '{read,create,edit,delete}');
SELECT spsa_grant_object('unassigned', 'emp', '{read}'), spsa_grant_field('unassigned', 'emp', 'salary', '{read,edit}');
SELECT spsa_grant_field('reader', 'emp', 'salary', '{read}'), spsa_grant_field('payroll', 'emp', 'salary', '{read,edit}');
SELECT spsa_assign('ann', n) FROM unnest('{staff,reader,payroll}'::text[]) n;
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_fg_clerk') \gset

--
-- Protecting a field
--
SELECT spsa_protect_field('emp', 'salary');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('emp');
SELECT spsa_protect_field(NULL, 'salary');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_field('emp', NULL);
SELECT spsa_protect_field('emp', 'nope');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_field('emp', 'ctid');
SELECT spsa_protect_field(0, 'salary');
\echo :LAST_ERROR_SQLSTATE
GRANT EXECUTE ON FUNCTION spsa_protect_field, spsa_unprotect_field TO regress_spsa_fg_clerk, regress_spsa_fg_owner;
SET ROLE regress_spsa_fg_clerk;
SELECT spsa_protect_field('emp', 'salary');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect_field('emp', 'salary');
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_spsa_fg_owner;
SELECT spsa_protect_field('emp', 'salary');
SELECT spsa_protect_field('emp', 'salary');
SELECT spsa_unprotect_field('emp', 'bonus');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
REVOKE EXECUTE ON FUNCTION spsa_protect_field, spsa_unprotect_field FROM regress_spsa_fg_clerk, regress_spsa_fg_owner;
SELECT object, field, field_number FROM spsa.protected_field;
SELECT event, count(*) FROM spsa.audit_event WHERE event LIKE '%protect%' GROUP BY 1 ORDER BY 1;

-- what is tried: allowed or denied
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE attempt (number serial PRIMARY KEY, kind text, statement text);
INSERT INTO attempt (kind, statement) VALUES
	('none', 'SELECT id, name, bonus FROM emp'),
	('none', 'SELECT count(*) FROM emp'),
	('none', 'SELECT 1 FROM emp e'),
	('none', 'SELECT ctid, xmin, tableoid FROM emp'),
	('none', 'SELECT e.name, d.label FROM emp e JOIN dept d USING (id)'),
	('none', 'INSERT INTO emp (id, name) VALUES (8, ''x'')'),
	('none', 'UPDATE emp SET bonus = bonus + 1'),
	('none', 'UPDATE emp SET bonus = 1 RETURNING name'),
	('none', 'DELETE FROM emp WHERE id = 2'),
	('none', 'INSERT INTO emp (id, name) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET name = excluded.name'),
	('none', 'MERGE INTO emp e USING dept d ON e.id = d.id WHEN MATCHED THEN UPDATE SET name = d.label WHEN NOT MATCHED THEN INSERT (id) VALUES (d.id)'),
	('none', 'SELECT name FROM emp FOR UPDATE'),
	('none', 'EXPLAIN SELECT name FROM emp'),
	-- what nobody refers to is not read
	('none', 'WITH w AS MATERIALIZED (SELECT salary FROM emp) SELECT 1'),
	('read', 'SELECT salary FROM emp'),
	('read', 'SELECT * FROM emp'),
	('read', 'SELECT name FROM emp WHERE salary > 100'),
	('read', 'SELECT name FROM emp ORDER BY salary'),
	('read', 'SELECT count(*) FROM emp GROUP BY salary'),
	('read', 'SELECT count(*) FROM emp GROUP BY bonus HAVING sum(salary) > 0'),
	('read', 'SELECT rank() OVER (ORDER BY salary) FROM emp'),
	('read', 'SELECT DISTINCT ON (salary) name FROM emp'),
	('read', 'SELECT e FROM emp e'),
	('read', 'SELECT e.* FROM emp e'),
	('read', 'SELECT row_to_json(e) FROM emp e'),
	('read', 'SELECT (e).salary FROM (SELECT e FROM emp e) x'),
	('read', 'SELECT salary(e) FROM emp e'),
	('read', 'SELECT count(e) FROM emp e'),
	('read', 'SELECT e IS NULL FROM emp e'),
	('read', 'SELECT j.salary FROM (emp e JOIN dept d USING (id)) j'),
	('read', 'SELECT j FROM (emp e JOIN dept d USING (id)) j'),
	('read', 'SELECT * FROM emp NATURAL JOIN dept'),
	('read', 'SELECT name FROM emp JOIN (VALUES (100)) v (salary) USING (salary)'),
	('read', 'SELECT d.label FROM dept d WHERE EXISTS (SELECT FROM emp e WHERE e.salary = d.id)'),
	('read', 'SELECT (SELECT max(salary) FROM emp) FROM dept'),
	('read', 'SELECT x.s FROM dept d, LATERAL (SELECT e.salary AS s FROM emp e WHERE e.id = d.id) x'),
	('read', 'WITH w AS (SELECT * FROM emp) SELECT name FROM w'),
	('read', 'TABLE emp'),
	('read', 'SELECT name FROM emp UNION SELECT salary::text FROM emp'),
	('read', 'SELECT salary FROM emp WHERE false'),
	('read', 'SELECT CASE WHEN false THEN salary END FROM emp'),
	('read', 'DELETE FROM emp WHERE salary > 1000'),
	('read', 'DELETE FROM emp WHERE id = 9 RETURNING salary'),
	('read', 'DELETE FROM emp WHERE id = 9 RETURNING *'),
	('read', 'UPDATE emp SET bonus = salary'),
	('read', 'UPDATE emp SET bonus = 1 WHERE salary > 0'),
	('read', 'UPDATE emp SET bonus = 1 RETURNING salary'),
	('read', 'UPDATE dept SET label = e.name FROM emp e WHERE e.salary = dept.id'),
	('read', 'INSERT INTO emp (id) VALUES (7) RETURNING salary'),
	('read', 'INSERT INTO emp (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET bonus = emp.salary'),
	('read', 'INSERT INTO emp (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET bonus = excluded.salary'),
	('read', 'INSERT INTO emp (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET bonus = 1 WHERE emp.salary = 1'),
	('read', 'MERGE INTO emp e USING dept d ON e.id = d.id AND e.salary > 0 WHEN MATCHED THEN DO NOTHING'),
	('read', 'MERGE INTO emp e USING dept d ON e.id = d.id WHEN MATCHED THEN UPDATE SET bonus = salary'),
	('read', 'EXPLAIN SELECT name FROM emp WHERE salary = 100'),
	('read', 'DECLARE c CURSOR FOR SELECT salary FROM emp'),
	('read', 'CREATE TEMP TABLE taken AS SELECT * FROM emp'),
	('read', 'INSERT INTO dept SELECT id + 10, salary::text FROM emp'),
	('read', 'SELECT salary FROM emp TABLESAMPLE SYSTEM (100)'),
	('edit', 'UPDATE emp SET salary = 1'),
	('edit', 'UPDATE emp SET salary = DEFAULT WHERE id = 1'),
	('edit', 'UPDATE emp SET (bonus, salary) = (1, 2)'),
	('edit', 'UPDATE emp SET (bonus, salary) = (SELECT 1, 2)'),
	('edit', 'UPDATE emp SET salary = salary'),
	('edit', 'INSERT INTO emp VALUES (6, ''x'', 1, 1)'),
	('edit', 'INSERT INTO emp (id, salary) VALUES (6, 1)'),
	('edit', 'INSERT INTO emp (id, salary) VALUES (6, NULL)'),
	('edit', 'INSERT INTO emp (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET salary = 1'),
	('edit', 'MERGE INTO emp e USING dept d ON e.id = d.id WHEN MATCHED THEN UPDATE SET salary = 1'),
	('edit', 'MERGE INTO emp e USING dept d ON e.id = d.id + 100 WHEN NOT MATCHED THEN INSERT (id, salary) VALUES (d.id + 200, 1)'),
	('edit', 'WITH w AS (UPDATE emp SET salary = 1 RETURNING id) SELECT 1');
GRANT SELECT ON attempt TO regress_spsa_fg_clerk;
CREATE FUNCTION outcome() RETURNS TABLE (kind text, outcome text, attempts bigint, odd text) LANGUAGE plpgsql AS $$
DECLARE a record; o text;
BEGIN
	CREATE TEMP TABLE outcomes (kind text, outcome text, statement text) ON COMMIT DROP;
	FOR a IN SELECT * FROM attempt ORDER BY number LOOP
		BEGIN
			o := try(a.statement);
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
		INSERT INTO outcomes VALUES (a.kind, regexp_replace(o, '^\d+$', 'done'), a.statement);
	END LOOP;
	RETURN QUERY SELECT x.kind, x.outcome, count(*), CASE WHEN count(*) < 3 THEN string_agg(x.statement, '; ') END
		FROM outcomes x GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2;
END $$;

SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
\pset format unaligned
-- denied; reading alone; both
SELECT * FROM outcome();
SELECT already_active FROM spsa_activate_own('reader');
SELECT * FROM outcome();
SELECT already_active FROM spsa_activate_own('payroll');
SELECT * FROM outcome();
SELECT spsa_deactivate_own('payroll'), spsa_deactivate_own('reader');
\pset format aligned

-- the hint: what would grant it, of what is assigned; then what grants the object
SELECT salary FROM emp;
\echo :LAST_ERROR_SQLSTATE
UPDATE emp SET salary = 1;
\echo :LAST_ERROR_SQLSTATE
COPY emp TO STDOUT;
COPY emp (name, salary) TO STDOUT;
COPY emp (id, name) TO STDOUT;
COPY (SELECT salary FROM emp) TO STDOUT;
\copy emp (id, salary) FROM '/dev/null'
SELECT spsa_detach();
SELECT salary FROM emp;
SELECT name FROM emp;
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ann', 'reader'), spsa_revoke_assignment('ann', 'payroll');
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT salary FROM emp;
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('ann', 'reader'), spsa_assign('ann', 'payroll');
SELECT spsa_set_activation_required('staff', true);
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT already_active FROM spsa_activate_own('reader');
SELECT salary FROM emp;
SELECT spsa_deactivate_own('reader');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_required('staff', false);

--
-- Views: by whose rights the table is read
--
CREATE VIEW fg_super AS SELECT * FROM emp;
CREATE VIEW fg_invoker WITH (security_invoker) AS SELECT * FROM emp;
SET ROLE regress_spsa_fg_owner;
CREATE VIEW fg_owner AS SELECT * FROM emp;
CREATE VIEW fg_harmless AS SELECT id, name FROM emp;
CREATE VIEW fg_over AS SELECT salary FROM fg_owner;
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON fg_super, fg_invoker, fg_owner, fg_over, fg_harmless TO regress_spsa_fg_clerk;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT * FROM fg_super') AS super, try('SELECT salary FROM fg_invoker') AS invoker, try('SELECT salary FROM fg_owner') AS owner,
	try('SELECT name FROM fg_harmless') AS harmless, try('SELECT * FROM fg_over') AS over;
SELECT try('UPDATE fg_invoker SET salary = 1') AS invoker, try('UPDATE fg_owner SET salary = 1') AS owner, try('INSERT INTO fg_owner (id, salary) VALUES (6, 1)') AS owner;
-- a view reads all that its query names, as with privileges of PostgreSQL's own
SELECT try('SELECT name FROM fg_invoker') AS invoker, try('SELECT name FROM fg_owner') AS owner;
SELECT already_active FROM spsa_activate_own('reader');
SELECT try('SELECT * FROM fg_super') AS super, try('SELECT salary FROM fg_invoker') AS invoker, try('SELECT salary FROM fg_owner') AS owner,
	try('SELECT name FROM fg_harmless') AS harmless, try('SELECT * FROM fg_over') AS over;
SELECT spsa_deactivate_own('reader');
RESET SESSION AUTHORIZATION;
-- what exposes a field is told
SELECT spsa_unprotect_field('emp', 'salary');
ALTER TABLE emp ADD COLUMN yearly numeric GENERATED ALWAYS AS (salary * 12) STORED, ADD COLUMN half numeric GENERATED ALWAYS AS (bonus / 2) STORED;
CREATE VIEW fg_whole AS SELECT row_to_json(e) FROM emp e;
CREATE VIEW fg_nested AS SELECT 1 AS one WHERE EXISTS (SELECT FROM emp WHERE salary > 100);
CREATE VIEW fg_bonus AS SELECT bonus FROM emp;
CREATE MATERIALIZED VIEW fg_stored AS SELECT salary FROM emp;
SELECT spsa_protect_field('emp', 'salary');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_field('emp', 'yearly'), spsa_protect_field('emp', 'salary', keep_exposed => true);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_field('emp', 'yearly', keep_exposed => true), spsa_protect_field('emp', 'salary', true);
DROP VIEW fg_whole, fg_nested, fg_bonus;
DROP MATERIALIZED VIEW fg_stored;
SELECT spsa_unprotect_field('emp', 'yearly');
ALTER TABLE emp DROP COLUMN yearly, DROP COLUMN half;

--
-- Functions, prepared statements, cursors: each execution is checked
--
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
CREATE FUNCTION inlined() RETURNS SETOF numeric LANGUAGE sql STABLE AS 'SELECT salary FROM emp';
CREATE FUNCTION sql_function() RETURNS numeric LANGUAGE sql VOLATILE AS 'SELECT sum(salary) FROM emp';
CREATE FUNCTION plpgsql_function() RETURNS numeric LANGUAGE plpgsql AS 'DECLARE s numeric; BEGIN SELECT sum(salary) INTO s FROM emp; RETURN s; END';
PREPARE custom AS SELECT salary FROM emp ORDER BY id;
\set tries 'SELECT try($$SELECT * FROM inlined()$$) AS inlined, try($$SELECT sql_function()$$) AS sql_function, try($$SELECT plpgsql_function()$$) AS plpgsql_function, try($$EXECUTE custom$$) AS prepared'
:tries;
SELECT already_active FROM spsa_activate_own('reader');
:tries;
EXECUTE custom;
SET plan_cache_mode = force_generic_plan;
EXECUTE custom;
BEGIN;
DECLARE c CURSOR FOR SELECT salary FROM emp ORDER BY id;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT spsa_deactivate_own('reader');
-- a cursor keeps the authority of the statement that opened it
FETCH 1 FROM c;
:tries;
ROLLBACK TO s;
:tries;
ROLLBACK;
SELECT spsa_deactivate_own('reader');
:tries;
EXECUTE custom;
RESET plan_cache_mode;
DO $$ BEGIN PERFORM salary FROM emp; EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING 'denied: %', SQLERRM; END $$;
-- a definer's rights change nothing of the session's
RESET SESSION AUTHORIZATION;
CREATE FUNCTION definer() RETURNS numeric LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(salary) FROM regress_spsa_fg.emp';
ALTER FUNCTION definer() OWNER TO regress_spsa_fg_owner;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT definer()');
SELECT already_active FROM spsa_activate_own('reader');
SELECT try('SELECT definer()');

--
-- Every way out
--
SELECT spsa_detach();
:tries;
BEGIN;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
EXECUTE custom;
COMMIT;
EXECUTE custom;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
EXECUTE custom;
RESET ALL;
SET client_min_messages = warning;
SET search_path = regress_spsa_fg, public;
EXECUTE custom;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
EXECUTE custom;
SELECT spsa_deactivate_own('reader');
SELECT try('EXECUTE custom');
ROLLBACK;
EXECUTE custom;
DISCARD ALL;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SET client_min_messages = warning;
SET search_path = regress_spsa_fg, public;
SELECT salary FROM emp;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;

-- parallel workers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
-- PostgreSQL 16 has another name for it
SELECT name AS force_parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
SET :force_parallel = on;
SELECT spsa_deactivate_own('reader');
SELECT sum(salary) FROM emp;
SELECT sum(bonus) FROM emp;
SELECT already_active FROM spsa_activate_own('reader');
SELECT sum(salary) FROM emp;
-- what a function reads within a worker is checked there
CREATE FUNCTION peek() RETURNS numeric LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN (SELECT max(salary) FROM emp); END';
CREATE FUNCTION pid() RETURNS integer LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN pg_backend_pid(); END';
SET parallel_leader_participation = off;
SELECT pg_backend_pid() AS leader \gset
SELECT max(peek()), bool_and(pid() <> :leader) AS in_worker FROM dept;
SELECT spsa_deactivate_own('reader');
SELECT max(peek()) FROM dept;
RESET :force_parallel;

--
-- Renamed, dropped, retyped columns
--
SELECT spsa_detach();
SET SESSION AUTHORIZATION regress_spsa_fg_owner;
ALTER TABLE emp RENAME COLUMN salary TO pay;
ALTER TABLE emp RENAME COLUMN bonus TO salary;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT try('SELECT pay FROM emp') AS pay, try('SELECT salary FROM emp') AS bonus;
RESET SESSION AUTHORIZATION;
-- were the rename not followed, what has the name would be protected too
ALTER TABLE spsa.protected_field DISABLE TRIGGER check_row;
UPDATE spsa.protected_field SET field = 'salary', field_number = 3;
ALTER TABLE spsa.protected_field ENABLE TRIGGER check_row;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT pay FROM emp') AS pay, try('SELECT salary FROM emp') AS bonus;
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.protected_field;
SET SESSION AUTHORIZATION regress_spsa_fg_owner;
ALTER TABLE emp RENAME COLUMN salary TO bonus;
ALTER TABLE emp RENAME COLUMN pay TO salary;
RESET SESSION AUTHORIZATION;
SELECT spsa_protect_field('emp', 'salary', true);

--
-- Where row-level security does not apply
--
SELECT count(salary) FROM emp;
SET SESSION AUTHORIZATION regress_spsa_fg_owner;
SELECT count(salary) FROM emp;
RESET SESSION AUTHORIZATION;
ALTER TABLE emp NO FORCE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_spsa_fg_owner;
SELECT count(salary) FROM emp;
RESET SESSION AUTHORIZATION;
ALTER TABLE emp FORCE ROW LEVEL SECURITY;
ALTER ROLE regress_spsa_fg_owner BYPASSRLS;
SET SESSION AUTHORIZATION regress_spsa_fg_owner;
SELECT count(salary) FROM emp;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_spsa_fg_owner NOBYPASSRLS;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SET row_security = off;
SELECT salary FROM emp;
RESET row_security;

--
-- Muting, groups, sessions that are over, sessions that are required
--
RESET SESSION AUTHORIZATION;
SELECT spsa_create_permission_set('team', kind => 'group') > 0 AS made, spsa_create_permission_set('mute', kind => 'muting') > 0 AS made,
	spsa_create_permission_set('pay') > 0 AS made;
SELECT spsa_grant_field('pay', 'emp', 'salary', '{read,edit}'), spsa_add_group_member('team', 'pay'), spsa_assign('ann', 'team');
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT salary FROM emp') AS read, try('UPDATE emp SET salary = 1') AS edit;
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_field('mute', 'emp', 'salary', '{edit}'), spsa_mute('team', 'mute');
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT salary FROM emp') AS read, try('UPDATE emp SET salary = 1') AS edit;
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_field('mute', 'emp', 'salary', '{read}');
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT salary FROM emp') AS read, try('UPDATE emp SET salary = 1') AS edit;
RESET SESSION AUTHORIZATION;
SELECT spsa_remove_group_member('team', 'mute');
SET spsa.require_session = on;
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
SELECT try('SELECT salary FROM emp') AS attached;
SELECT spsa_detach();
SELECT try('SELECT salary FROM emp') AS detached;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT spsa_close_session();
SELECT try('SELECT salary FROM emp') AS closed;
DISCARD ALL;

--
-- A foreign key's check of existing rows falls back where it may not look itself
--
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
RESET spsa.require_session;
SET search_path = regress_spsa_fg, public;
GRANT REFERENCES ON emp TO regress_spsa_fg_clerk;
SELECT spsa_protect_field('emp', 'id', true);
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
CREATE TABLE child (emp_id integer);
INSERT INTO child VALUES (1);
ALTER TABLE child ADD FOREIGN KEY (emp_id) REFERENCES emp;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'child'::regclass;

RESET SESSION AUTHORIZATION;
SELECT spsa_unprotect('emp');
SET SESSION AUTHORIZATION regress_spsa_fg_clerk;
-- row-level security stays enabled, and the fields protected
SELECT salary FROM emp;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_spsa_fg CASCADE;
SELECT count(*) FROM spsa.protected_field;
DROP EXTENSION spsa;
DROP ROLE regress_spsa_fg_clerk, regress_spsa_fg_owner;
