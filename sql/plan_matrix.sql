-- plan_matrix.sql - every way in which a plan can outlive the authority that it was made under, crossed with every way
-- in which authority changes: the second execution shows what a fresh evaluation shows.
--
-- A cell is: come into authority, run (so that the plan is made and cached), change the authority, run again. Each step
-- is a statement of its own, at top level; the script is generated from two tables and fed to another psql, whose error
-- messages are dropped, since their SQLSTATEs are recorded.
SET client_min_messages = warning;
CREATE EXTENSION spsa;
\set VERBOSITY sqlstate
\setenv PGDATABASE :DBNAME
\setenv PGOPTIONS '-c client_min_messages=error -c synchronous_commit=off'
-- PostgreSQL 16 has another name for it
SELECT name AS force_parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
CREATE ROLE regress_spsa_plan_matrix_app;
CREATE ROLE regress_spsa_plan_matrix_definer;
GRANT CREATE ON SCHEMA public TO regress_spsa_plan_matrix_definer;

--
-- Rows: the same in two tables and in one that is not protected
--
CREATE TABLE matrix_plain (id int PRIMARY KEY, region text, owner int, body text);
INSERT INTO matrix_plain VALUES (1, 'EU', 10), (2, 'EU', 20), (3, 'US', 10), (4, 'US', 20), (5, 'AP', 10), (6, 'AP', 20), (7, 'EU', 30), (8, 'AP', 30);
CREATE TABLE matrix_doc (LIKE matrix_plain INCLUDING ALL) WITH (parallel_workers = 2);
CREATE TABLE matrix_other (id int, region text, owner int, body text);
-- a column that nothing but a scope needs, to be dropped
ALTER TABLE matrix_doc ADD zone text GENERATED ALWAYS AS (region) STORED;
ALTER TABLE matrix_other ADD zone text GENERATED ALWAYS AS (region) STORED;
INSERT INTO matrix_doc SELECT * FROM matrix_plain;
INSERT INTO matrix_other SELECT * FROM matrix_plain;
-- Partitioned by each of the scoped fields. Their policies ask for permissions on matrix_doc.
CREATE TABLE matrix_part (LIKE matrix_plain) PARTITION BY LIST (region);
CREATE TABLE matrix_part_eu PARTITION OF matrix_part FOR VALUES IN ('EU');
CREATE TABLE matrix_part_us PARTITION OF matrix_part FOR VALUES IN ('US');
CREATE TABLE matrix_part_rest PARTITION OF matrix_part DEFAULT;
CREATE TABLE matrix_slice (LIKE matrix_plain) PARTITION BY LIST (owner);
CREATE TABLE matrix_slice_10 PARTITION OF matrix_slice FOR VALUES IN (10);
CREATE TABLE matrix_slice_20 PARTITION OF matrix_slice FOR VALUES IN (20);
CREATE TABLE matrix_slice_rest PARTITION OF matrix_slice DEFAULT;
INSERT INTO matrix_part SELECT * FROM matrix_plain;
INSERT INTO matrix_slice SELECT * FROM matrix_plain;
DO $$
DECLARE
	o text;
BEGIN
	FOREACH o IN ARRAY '{matrix_part,matrix_slice}'::text[] LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', o);
		EXECUTE format('CREATE POLICY narrow ON %s AS RESTRICTIVE USING (spsa_allows_row(''matrix_doc'', ''read'', ''region'', region, ''owner'', owner))', o);
		EXECUTE format('CREATE POLICY allow ON %s USING (spsa_allows_row(''matrix_doc'', ''read'', ''region'', region, ''owner'', owner))', o);
		EXECUTE format('GRANT SELECT ON %s TO regress_spsa_plan_matrix_app', o);
	END LOOP;
END $$;
ANALYZE matrix_plain, matrix_doc, matrix_other, matrix_part, matrix_slice;
GRANT SELECT ON matrix_plain TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON matrix_doc, matrix_other TO regress_spsa_plan_matrix_app, regress_spsa_plan_matrix_definer;
SELECT spsa_protect('matrix_doc', '{region,owner,zone}'), spsa_protect('matrix_other', '{region,owner,zone}') \g /dev/null
-- Writes leave no trace: what is deleted comes back, what is added (numbers above 100) goes.
CREATE FUNCTION matrix_restore() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
	IF TG_OP = 'DELETE' AND OLD.id < 100 THEN
		INSERT INTO matrix_doc VALUES (OLD.id, OLD.region, OLD.owner, OLD.body);
	ELSIF TG_OP = 'INSERT' AND NEW.id > 100 THEN
		DELETE FROM matrix_doc WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER restore AFTER INSERT OR DELETE ON matrix_doc FOR EACH ROW EXECUTE FUNCTION matrix_restore();

--
-- Authority: ann has EU and can activate everything, ben has US, cat and dan have the same sets and other attributes,
-- eve has EU by another field
--
SELECT spsa_create_user('ann'), spsa_create_user('ben'), spsa_create_user('cat', '{"emp": 10}'), spsa_create_user('dan', '{"emp": 20}'), spsa_create_user('eve') \g /dev/null
SELECT spsa_create_permission_set('eu'), spsa_create_permission_set('us'), spsa_create_permission_set('mine'), spsa_create_permission_set('zoned'), spsa_create_permission_set('everything', activation_required => true) \g /dev/null
SELECT spsa_grant_object(s, o, '{read,create,edit,delete}', s <> 'everything')
FROM unnest('{eu,us,mine,zoned,everything}'::text[]) s, unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null
SELECT spsa_grant_rows('eu', o, 'region', '{EU}'), spsa_grant_rows('us', o, 'region', '{US}'), spsa_grant_rows('mine', o, 'owner', attribute => 'emp'),
	spsa_grant_rows('zoned', o, 'zone', '{EU}')
FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null
SELECT spsa_assign('ann', 'eu'), spsa_assign('ann', 'everything'), spsa_assign('ben', 'us'), spsa_assign('cat', 'mine'), spsa_assign('dan', 'mine'), spsa_assign('eve', 'zoned') \g /dev/null

--
-- Plans
--
CREATE FUNCTION matrix_static() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc);
END $$;
CREATE FUNCTION matrix_slice() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_slice);
END $$;
CREATE FUNCTION matrix_into(above int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
BEGIN
	SELECT string_agg(id::text, ',' ORDER BY id) INTO ids FROM matrix_doc WHERE id > above;
	RETURN ids;
END $$;
CREATE FUNCTION matrix_for() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
	one int;
BEGIN
	FOR one IN SELECT id FROM matrix_doc ORDER BY id LOOP
		ids := concat_ws(',', ids, one);
	END LOOP;
	RETURN ids;
END $$;
CREATE FUNCTION matrix_execute() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
BEGIN
	EXECUTE 'SELECT string_agg(id::text, '','' ORDER BY id) FROM matrix_doc WHERE id > $1' INTO ids USING 0;
	RETURN ids;
END $$;
CREATE FUNCTION matrix_query() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT id FROM matrix_doc; END';
CREATE FUNCTION matrix_cursor() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR (above int) FOR SELECT id FROM matrix_doc WHERE id > above ORDER BY id;
	ids text;
	one int;
BEGIN
	OPEN c(0);
	LOOP
		FETCH c INTO one;
		EXIT WHEN NOT FOUND;
		ids := concat_ws(',', ids, one);
	END LOOP;
	CLOSE c;
	RETURN ids;
END $$;
-- without a query: no executor is started
CREATE FUNCTION matrix_expression() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
	p matrix_plain;
BEGIN
	FOR p IN SELECT * FROM matrix_plain ORDER BY id LOOP
		IF spsa_allows_row('matrix_doc', 'read', 'region', p.region, 'owner', p.owner) THEN
			ids := concat_ws(',', ids, p.id);
		END IF;
	END LOOP;
	RETURN ids;
END $$;
CREATE PROCEDURE matrix_call(INOUT ids text) LANGUAGE plpgsql AS $$
BEGIN
	ids := (SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc);
END $$;
CREATE FUNCTION matrix_fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.ids := (SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc);
	RETURN NEW;
END $$;
CREATE TABLE matrix_fired (ids text);
CREATE TRIGGER fire BEFORE INSERT ON matrix_fired FOR EACH ROW EXECUTE FUNCTION matrix_fire();
GRANT SELECT, INSERT ON matrix_fired TO PUBLIC;
CREATE OPERATOR ?? (FUNCTION = matrix_into, RIGHTARG = int);
CREATE FUNCTION matrix_table() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
BEGIN
	EXECUTE 'CREATE TEMP TABLE matrix_made AS EXECUTE rows_of(0)';
	EXECUTE 'SELECT string_agg(id::text, '','' ORDER BY id) FROM matrix_made' INTO ids;
	DROP TABLE matrix_made;
	RETURN ids;
END $$;
CREATE FUNCTION matrix_explain() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE rows_of(0)' LOOP
		RETURN substring(line FROM 'rows=(\d+)');
	END LOOP;
END $$;
CREATE FUNCTION matrix_sql() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc $$;
CREATE FUNCTION matrix_sql_lazy() RETURNS SETOF int LANGUAGE sql VOLATILE AS $$ SELECT id FROM matrix_doc $$;
CREATE FUNCTION matrix_sql_inlined() RETURNS SETOF int LANGUAGE sql STABLE AS $$ SELECT id FROM matrix_doc $$;
CREATE FUNCTION matrix_sql_atomic() RETURNS SETOF int LANGUAGE sql STABLE BEGIN ATOMIC SELECT id FROM matrix_doc; END;
CREATE FUNCTION matrix_may(region text, owner int) RETURNS boolean LANGUAGE sql STABLE AS
	$$ SELECT spsa_allows_row('matrix_doc', 'read', 'region', region, 'owner', owner) $$;
CREATE VIEW matrix_invoker WITH (security_invoker) AS SELECT id FROM matrix_doc;
GRANT SELECT ON matrix_invoker TO PUBLIC;
SET ROLE regress_spsa_plan_matrix_definer;
CREATE VIEW matrix_view AS SELECT id FROM matrix_doc;
GRANT SELECT ON matrix_view TO PUBLIC;
CREATE FUNCTION matrix_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
	RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc);
END $$;
CREATE FUNCTION matrix_definer_sql() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc $$;
RESET ROLE;
-- WITH CHECK: which rows can be inserted, and which can a row be made into?
CREATE FUNCTION matrix_check_insert() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
	p matrix_plain;
BEGIN
	FOR p IN SELECT * FROM matrix_plain ORDER BY id LOOP
		BEGIN
			INSERT INTO matrix_doc VALUES (p.id + 100, p.region, p.owner);
			ids := concat_ws(',', ids, p.id);
		EXCEPTION WHEN insufficient_privilege THEN
		END;
	END LOOP;
	RETURN ids;
END $$;
CREATE FUNCTION matrix_check_update() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
	p matrix_plain;
BEGIN
	FOR p IN SELECT * FROM matrix_plain ORDER BY id LOOP
		BEGIN
			UPDATE matrix_doc SET region = p.region, owner = p.owner;
			IF FOUND THEN
				RAISE EXCEPTION 'undo';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			ids := concat_ws(',', ids, p.id);
		WHEN insufficient_privilege THEN
		END;
	END LOOP;
	RETURN ids;
END $$;
CREATE FUNCTION matrix_update() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	UPDATE matrix_doc SET body = 'v';
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- Result: rows (their numbers), rest (the numbers of the others), count. A write that nothing grants is an error.
CREATE TABLE matrix_plan (position serial, plan text PRIMARY KEY, result text, writes boolean DEFAULT false, prepared text, run text, settings text, calls boolean DEFAULT false);
INSERT INTO matrix_plan (plan, result, prepared, run, settings) VALUES
	('generic plan', 'rows', 'p1(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_doc WHERE id > $1', 'EXECUTE p1(0)', NULL),
	('custom plan', 'rows', 'p2(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_doc WHERE id > $1', 'EXECUTE p2(0)', 'SET plan_cache_mode = force_custom_plan;'),
	('no parameters', 'rows', 'p3 AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_doc', 'EXECUTE p3', NULL),
	('not prepared', 'rows', NULL, 'SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_doc', NULL),
	('CREATE TABLE AS EXECUTE', 'rows', 'rows_of(int) AS SELECT id FROM matrix_doc WHERE id > $1', 'SELECT matrix_table() AS ids', NULL),
	('EXPLAIN ANALYZE EXECUTE', 'count', NULL, 'SELECT matrix_explain() AS ids', NULL),
	('parallel', 'rows', 'p4(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_doc WHERE id > $1', 'EXECUTE p4(0)',
		'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'),
	('forced parallel', 'rows', 'p5(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_other WHERE id > $1', 'EXECUTE p5(0)',
		'SET max_parallel_workers_per_gather = 2; SET ' || :'force_parallel' || ' = on;'),
	('index scan', 'rows', 'p6(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_doc WHERE id = ANY (ARRAY[1, 2, 3, 4, 5, 6, 7, 8, $1])', 'EXECUTE p6(0)', 'SET enable_seqscan = off;'),
	('no index', 'rows', 'p7(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_other WHERE id > $1', 'EXECUTE p7(0)', NULL),
	('subquery', 'rows', 'p8(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_plain WHERE id IN (SELECT id FROM matrix_doc WHERE id > $1)', 'EXECUTE p8(0)', NULL),
	('NOT EXISTS', 'rest', 'p9(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_plain p WHERE id > $1 AND NOT EXISTS (SELECT FROM matrix_doc d WHERE d.id = p.id)', 'EXECUTE p9(0)', NULL),
	('scalar subquery', 'rows', 'p10(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_plain p WHERE (SELECT count(*) FROM matrix_doc d WHERE d.id = p.id AND d.id > $1) = 1', 'EXECUTE p10(0)', NULL),
	('CTE', 'rows', 'p11(int) AS WITH c AS MATERIALIZED (SELECT id FROM matrix_doc WHERE id > $1) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM c', 'EXECUTE p11(0)', NULL),
	('recursive CTE', 'rows', 'p12(int) AS WITH RECURSIVE c AS (SELECT 0 AS n, NULL::int AS id UNION ALL SELECT n + 1, d.id FROM c LEFT JOIN matrix_doc d ON d.id = n + 1 WHERE n < 8 + $1) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM c', 'EXECUTE p12(0)', NULL),
	('LATERAL', 'rows', 'p13(int) AS SELECT string_agg(d.id::text, '','' ORDER BY d.id) AS ids FROM matrix_plain p, LATERAL (SELECT id FROM matrix_doc d WHERE d.id = p.id AND d.id > $1 LIMIT 1) d', 'EXECUTE p13(0)', NULL),
	('UNION', 'rows', 'p14(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM (SELECT id FROM matrix_doc WHERE id > 4 UNION ALL SELECT id FROM matrix_other WHERE id <= 4 AND id > $1) u', 'EXECUTE p14(0)', NULL),
	('self-join', 'rows', 'p15(int) AS SELECT string_agg(a.id::text, '','' ORDER BY a.id) AS ids FROM matrix_doc a JOIN matrix_doc b ON a.id = b.id WHERE a.id > $1', 'EXECUTE p15(0)', NULL),
	('FOR UPDATE', 'rows', 'p16(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM (SELECT id FROM matrix_doc WHERE id > $1 FOR UPDATE) d', 'EXECUTE p16(0)', NULL),
	('called on another table', 'rows', 'p17(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_plain WHERE id > $1 AND spsa_allows_row(''matrix_doc'', ''read'', ''region'', region, ''owner'', owner)', 'EXECUTE p17(0)', NULL),
	('called under NOT', 'rest', 'p18(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_plain WHERE id > $1 AND NOT spsa_allows_row(''matrix_doc'', ''read'', ''region'', region, ''owner'', owner)', 'EXECUTE p18(0)', NULL),
	('called by an inlined function', 'rows', 'p19(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_plain WHERE id > $1 AND matrix_may(region, owner)', 'EXECUTE p19(0)', NULL),
	('PL/pgSQL, RETURN', 'rows', NULL, 'SELECT matrix_static() AS ids', NULL),
	('PL/pgSQL, INTO', 'rows', NULL, 'SELECT matrix_into(0) AS ids', NULL),
	('PL/pgSQL, INTO, custom plan', 'rows', NULL, 'SELECT matrix_into(0) AS ids', 'SET plan_cache_mode = force_custom_plan;'),
	('PL/pgSQL, FOR', 'rows', NULL, 'SELECT matrix_for() AS ids', NULL),
	('PL/pgSQL, EXECUTE', 'rows', NULL, 'SELECT matrix_execute() AS ids', NULL),
	('PL/pgSQL, RETURN QUERY', 'rows', 'p20 AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_query() AS id', 'EXECUTE p20', NULL),
	('PL/pgSQL, cursor', 'rows', NULL, 'SELECT matrix_cursor() AS ids', NULL),
	('PL/pgSQL, expression', 'rows', NULL, 'SELECT matrix_expression() AS ids', NULL),
	('PL/pgSQL, CALL', 'rows', NULL, 'CALL matrix_call(NULL)', NULL),
	('PL/pgSQL, trigger', 'rows', 'p28 AS INSERT INTO matrix_fired VALUES (NULL) RETURNING ids', 'EXECUTE p28', NULL),
	('PL/pgSQL, operator', 'rows', NULL, 'SELECT ?? 0 AS ids', NULL),
	('DO', 'rows', NULL, 'DO $$ BEGIN PERFORM set_config(''matrix.ids'', (SELECT string_agg(id::text, '','' ORDER BY id) FROM matrix_doc), false); END $$', NULL),
	('SQL function', 'rows', NULL, 'SELECT matrix_sql() AS ids', NULL),
	('SQL function, prepared', 'rows', 'p21 AS SELECT matrix_sql() AS ids', 'EXECUTE p21', NULL),
	('SQL function, row by row', 'rows', 'p22 AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM (SELECT matrix_sql_lazy() AS id) s', 'EXECUTE p22', NULL),
	('SQL function, inlined', 'rows', 'p23(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_sql_inlined() AS id WHERE id > $1', 'EXECUTE p23(0)', NULL),
	('SQL function, ATOMIC', 'rows', 'p24(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_sql_atomic() AS id WHERE id > $1', 'EXECUTE p24(0)', NULL),
	('view of another role', 'rows', 'p25(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_view WHERE id > $1', 'EXECUTE p25(0)', NULL),
	('view, security_invoker', 'rows', 'p26(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_invoker WHERE id > $1', 'EXECUTE p26(0)', NULL),
	('SECURITY DEFINER', 'rows', NULL, 'SELECT matrix_definer() AS ids', NULL),
	('SECURITY DEFINER, SQL', 'rows', 'p27 AS SELECT matrix_definer_sql() AS ids', 'EXECUTE p27', NULL),
	('partitioned', 'rows', 'p29(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_part WHERE id > $1', 'EXECUTE p29(0)', NULL),
	('partitioned, custom plan', 'rows', NULL, 'EXECUTE p29(0)', 'SET plan_cache_mode = force_custom_plan;'),
	('partitioned, parallel', 'rows', 'p30(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_part WHERE id > $1', 'EXECUTE p30(0)',
		'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'),
	('pruned at run time', 'rows', 'p31(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_slice WHERE id > $1', 'EXECUTE p31(0)', NULL),
	('pruned at run time, parallel', 'rows', 'p32(int) AS SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM matrix_slice WHERE id > $1', 'EXECUTE p32(0)',
		'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'),
	('pruned at run time, PL/pgSQL', 'rows', NULL, 'SELECT matrix_slice() AS ids', NULL),
	('WITH CHECK, INSERT', 'rows', NULL, 'SELECT matrix_check_insert() AS ids', NULL),
	('WITH CHECK, UPDATE', 'rows', NULL, 'SELECT matrix_check_update() AS ids', NULL);
INSERT INTO matrix_plan (plan, result, writes, prepared, run) VALUES
	('UPDATE', 'tag', true, 'w1(text) AS UPDATE matrix_doc SET body = $1', 'EXECUTE w1(''x'')'),
	('UPDATE RETURNING', 'rows', true, 'w2(text) AS WITH w AS (UPDATE matrix_doc SET body = $1 RETURNING id) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM w', 'EXECUTE w2(''x'')'),
	('UPDATE FROM', 'rows', true, 'w3(int) AS WITH w AS (UPDATE matrix_doc d SET body = p.body FROM matrix_plain p WHERE p.id = d.id AND p.id > $1 RETURNING d.id) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM w', 'EXECUTE w3(0)'),
	('UPDATE, PL/pgSQL', 'count', true, NULL, 'SELECT matrix_update() AS ids'),
	('DELETE', 'tag', true, 'w5(int) AS DELETE FROM matrix_doc WHERE id > $1', 'EXECUTE w5(0)'),
	('DELETE USING', 'rows', true, 'w6(int) AS WITH w AS (DELETE FROM matrix_doc d USING matrix_plain p WHERE p.id = d.id AND p.id > $1 RETURNING d.id) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM w', 'EXECUTE w6(0)'),
	('INSERT SELECT', 'rows', true, 'w7(int) AS WITH w AS (INSERT INTO matrix_doc SELECT id + 100, region, owner FROM matrix_doc WHERE id > $1 RETURNING id - 100 AS id) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM w', 'EXECUTE w7(0)'),
	('ON CONFLICT', 'rows', true, 'w8(int) AS WITH w AS (INSERT INTO matrix_doc SELECT id, region, owner FROM matrix_doc WHERE id > $1 ON CONFLICT (id) DO UPDATE SET body = ''c'' RETURNING id) SELECT string_agg(id::text, '','' ORDER BY id) AS ids FROM w', 'EXECUTE w8(0)'),
	('MERGE', 'tag', true, 'w9(int) AS MERGE INTO matrix_doc d USING matrix_plain p ON d.id = p.id AND p.id > $1 WHEN MATCHED THEN UPDATE SET body = ''m''', 'EXECUTE w9(0)'),
	('MERGE, DELETE', 'tag', true, 'w10(int) AS MERGE INTO matrix_doc d USING matrix_plain p ON d.id = p.id AND p.id > $1 WHEN MATCHED THEN DELETE', 'EXECUTE w10(0)');

UPDATE matrix_plan SET calls = true WHERE plan ~ '^(called|partitioned|pruned)' OR plan = 'PL/pgSQL, expression';

--
-- Changes of authority. "before" and "after" are rows, or an SQLSTATE for everything; "again" are steps to a third
-- execution, which excuse a 40001 of the second one.
--
CREATE TABLE matrix_change (change int PRIMARY KEY, name text, enter text, before text, steps text, after text, again text, leave text);
CREATE TABLE matrix_macro (macro text PRIMARY KEY, line text);
INSERT INTO matrix_macro
SELECT '@open ' || v || ' ' || u, format('SELECT token AS %s FROM spsa_open_session(%L, db_role => ''regress_spsa_plan_matrix_app'') \gset', v, u)
FROM unnest('{a,b}'::text[]) v, unnest('{ann,ben,cat,dan,eve}'::text[]) u;
INSERT INTO matrix_macro VALUES
	('@super', 'RESET SESSION AUTHORIZATION;'),
	('@app', 'SET SESSION AUTHORIZATION regress_spsa_plan_matrix_app;'),
	('@attach a', $$SELECT spsa_attach_connection(:'a') AS done \gset$$),
	('@attach b', $$SELECT spsa_attach_connection(:'b') AS done \gset$$),
	('@local a', $$SELECT spsa_attach(:'a') AS done \gset$$),
	('@local b', $$SELECT spsa_attach(:'b') AS done \gset$$),
	('@activate', $$SELECT already_active AS done FROM spsa_activate_own('everything') \gset$$),
	('@deactivate', $$SELECT spsa_deactivate_own('everything') AS done \gset$$),
	('@eu', $$SELECT spsa_grant_object('eu', o, '{read,create,edit,delete}', true), spsa_grant_rows('eu', o, 'region', '{EU}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null$$),
	('@no eu', $$DELETE FROM spsa.object_permission p USING spsa.permission_set s WHERE s.set_id = p.set_id AND s.set_name = 'eu';$$),
	('@assign', $$SELECT spsa_assign('ann', 'eu') \g /dev/null$$),
	('@settings', 'SET plan_cache_mode = force_generic_plan; SET max_parallel_workers_per_gather = 0; SET ' || :'force_parallel' || ' = off; SET enable_seqscan = on;');
INSERT INTO matrix_change (change, name, enter, before, steps, after, again, leave) VALUES
	(1, 'attach another session', '@open a ann @open b ben @app @attach a', '1,2,7', '@attach b', '3,4', NULL, ''),
	(2, 'attach a session with the same sets and another attribute', '@open a cat @open b dan @app @attach a', '1,3,5', '@attach b', '2,4,6', NULL, ''),
	(3, 'attach, COMMIT', '@open a ann @app BEGIN; @local a', '1,2,7', 'COMMIT;', '-', NULL, ''),
	(4, 'attach, COMMIT, attach another', '@open a ann @open b ben @app BEGIN; @local a', '1,2,7', 'COMMIT; BEGIN; @local b', '3,4', NULL, 'COMMIT;'),
	(5, 'attach another in the transaction', '@open a ann @open b ben @app BEGIN; @local a', '1,2,7', '@local b', '3,4', NULL, 'COMMIT;'),
	(6, 'SET', '@open a ann @open b ben @app @attach a', '1,2,7', $$SET spsa.session_token = :'b';$$, '3,4', NULL, ''),
	(7, 'RESET', '@open a ann @app @attach a', '1,2,7', 'RESET spsa.session_token;', '-', NULL, ''),
	(8, 'RESET ALL', '@open a ann @app @attach a', '1,2,7', 'RESET ALL; @settings', '-', NULL, ''),
	(9, 'DISCARD ALL, PREPARE', '@open a ann @app @attach a', '1,2,7', 'DISCARD ALL; @settings @app SELECT matrix_prepare() \g /dev/null', '-', NULL, ''),
	(10, 'detach', '@open a ann @app @attach a', '1,2,7', 'SELECT spsa_detach() AS done \gset', '-', NULL, ''),
	(11, 'ROLLBACK of attach', '@open a ann @open b ben @app @attach b BEGIN; @attach a', '1,2,7', 'ROLLBACK;', '3,4', NULL, ''),
	(12, 'ROLLBACK TO of attach', '@open a ann @open b ben @app BEGIN; @local b SAVEPOINT s; @local a', '1,2,7', 'ROLLBACK TO s;', '3,4', NULL, 'COMMIT;'),
	(13, 'activate', '@open a ann @app @attach a', '1,2,7', '@activate', '1,2,3,4,5,6,7,8', NULL, ''),
	(14, 'activate in a transaction', '@open a ann @app BEGIN; @local a', '1,2,7', '@activate', '1,2,3,4,5,6,7,8', NULL, 'COMMIT;'),
	(15, 'deactivate', '@open a ann @app @attach a @activate', '1,2,3,4,5,6,7,8', '@deactivate', '1,2,7', NULL, ''),
	(16, 'ROLLBACK of an activation', '@open a ann @app @attach a BEGIN; @activate', '1,2,3,4,5,6,7,8', 'ROLLBACK;', '1,2,7', NULL, ''),
	(17, 'ROLLBACK TO of an activation', '@open a ann @app BEGIN; @local a SAVEPOINT s; @activate', '1,2,3,4,5,6,7,8', 'ROLLBACK TO s;', '1,2,7', NULL, 'COMMIT;'),
	(18, 'ROLLBACK of a deactivation', '@open a ann @app @attach a @activate BEGIN; @deactivate', '1,2,7', 'ROLLBACK;', '1,2,3,4,5,6,7,8', NULL, ''),
	(19, 'activation runs out', '@open a ann @app @attach a', NULL, 'SELECT pg_sleep(0.04) \g /dev/null', '1,2,7', '', ''),
	(20, 'assignment removed here', '@open a ann @app @attach a', '1,2,7', $$@super SELECT spsa_revoke_assignment('ann', 'eu') AS done \gset @app$$, '-', NULL, '@super @assign'),
	(21, 'assignment removed by another backend', '@open a ann @app @attach a', '1,2,7',
		'@other 21', '-', NULL, '@super @assign'),
	(22, 'the same, in a transaction', '@open a ann @app BEGIN; @local a', '1,2,7',
		$$\! psql -X -q -c "SELECT spsa_revoke_assignment('ann', 'eu')" >/dev/null$$, '-', 'ROLLBACK; BEGIN; @local a', 'ROLLBACK; @super @assign'),
	(23, 'session closed by another backend', '@open a ann @app @attach a', '1,2,7',
		'@other 23', '28000', NULL, ''),
	(24, 'user disabled by another backend', '@open a ann @app @attach a', '1,2,7',
		'@other 24', '28000', NULL, '@super UPDATE spsa.app_user SET is_active = true;'),
	(25, 'permission withdrawn by another backend', '@open a ann @app @attach a', '1,2,7',
		'@other 25', '-', NULL, '@super @eu'),
	(26, 'permission widened by another backend', '@open a ann @app @attach a', '1,2,7',
		'@other 26', '1,2,3,4,5,6,7,8', NULL,
		$$@super UPDATE spsa.object_permission p SET row_scoped = true FROM spsa.permission_set s WHERE s.set_id = p.set_id AND s.set_name <> 'everything';$$),
	(27, 'scope changed by another backend', '@open a ann @app @attach a', '1,2,7',
		'@other 27', '3,4,5,6,8', NULL,
		$$@super UPDATE spsa.row_scope SET literals = '{EU}' WHERE literals @> '{AP}';$$),
	(28, 'attribute changed', '@open a cat @app @attach a', '1,3,5', $$@super UPDATE spsa.app_user SET attributes = '{"emp": 20}' WHERE user_name = 'cat'; @app$$, '2,4,6', NULL,
		$$@super UPDATE spsa.app_user SET attributes = '{"emp": 10}' WHERE user_name = 'cat';$$),
	(29, 'attribute becomes an array, by another backend', '@open a cat @app @attach a', '1,3,5',
		'@other 29', '1,3,5,7,8', NULL,
		$$@super UPDATE spsa.app_user SET attributes = '{"emp": 10}' WHERE user_name = 'cat';$$),
	(30, 'field no longer passed', '@open a ann @app @attach a', '1,2,7', $$@super SELECT spsa_protect(o, '{owner}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null @app$$, 'none', NULL,
		$$@super SELECT spsa_protect(o, '{region,owner,zone}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null$$),
	(31, 'field of another type', '@open a cat @app @attach a', '1,3,5',
		$$@super SELECT spsa_unprotect(o) FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null
ALTER TABLE matrix_doc ALTER owner TYPE bigint; ALTER TABLE matrix_other ALTER owner TYPE bigint;
SELECT spsa_protect(o, '{region,owner,zone}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null @app$$, 'none', NULL,
		$$@super SELECT spsa_unprotect(o) FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null
ALTER TABLE matrix_doc ALTER owner TYPE int; ALTER TABLE matrix_other ALTER owner TYPE int;
SELECT spsa_protect(o, '{region,owner,zone}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null$$);
-- within one statement, which is PL/pgSQL's: see matrix_inside()
INSERT INTO matrix_change (change, name, enter, before, after, leave) VALUES
	(32, 'inside PL/pgSQL: attach another session', '@open a ann @open b ben @app @attach a', '1,2,7', '3,4', ''),
	(33, 'inside PL/pgSQL: the same sets and another attribute', '@open a cat @open b dan @app @attach a', '1,3,5', '2,4,6', ''),
	(34, 'inside PL/pgSQL: detach', '@open a ann @app @attach a', '1,2,7', '-', ''),
	(35, 'inside PL/pgSQL: activate', '@open a ann @app @attach a', '1,2,7', '1,2,3,4,5,6,7,8', ''),
	(36, 'inside PL/pgSQL: deactivate', '@open a ann @app @attach a @activate', '1,2,3,4,5,6,7,8', '1,2,7', ''),
	(37, 'inside PL/pgSQL: an exception undoes an activation', '@open a ann @app @attach a', '1,2,7', '1,2,7', '');
INSERT INTO matrix_change (change, name, enter, before, steps, after, leave) VALUES
	(38, 'column of a field dropped', '@open a eve @app @attach a', '1,2,7',
		$$@super SELECT spsa_unprotect(o) FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null
ALTER TABLE matrix_doc DROP zone; ALTER TABLE matrix_other DROP zone;
SELECT spsa_protect(o, '{region,owner}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null @app$$, 'none',
		$$@super ALTER TABLE matrix_doc ADD zone text GENERATED ALWAYS AS (region) STORED;
ALTER TABLE matrix_other ADD zone text GENERATED ALWAYS AS (region) STORED;
SELECT spsa_protect(o, '{region,owner,zone}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null
DELETE FROM spsa.row_scope WHERE field_number = 0;
SELECT spsa_grant_rows('zoned', o, 'zone', '{EU}') FROM unnest('{matrix_doc,matrix_other}'::regclass[]) o \g /dev/null$$);
INSERT INTO matrix_change (change, name, enter, before, steps, after, leave) VALUES
	(39, 'ROLLBACK of attach, the same sets', '@open a cat @open b dan @app @attach b BEGIN; @attach a', '1,3,5', 'ROLLBACK;', '2,4,6', ''),
	(40, 'ROLLBACK TO of attach, the same sets', '@open a cat @open b dan @app BEGIN; @local b SAVEPOINT s; @local a', '1,3,5', 'ROLLBACK TO s;', '2,4,6', 'COMMIT;');
-- Attributes are calls once the connection has served two users with the same sets; these are with constants.
INSERT INTO matrix_change (change, name, enter, before, steps, after, again, leave)
SELECT 40 + row_number() OVER (ORDER BY change), 'constants: ' || name, 'SET spsa.share_plans = off; ' || enter, before, steps, after, again,
	leave || ' RESET spsa.share_plans;'
FROM matrix_change WHERE change IN (2, 28, 29, 31, 33, 39, 40);
UPDATE matrix_change SET enter = enter || $$ SELECT already_active AS done FROM spsa_activate_own('everything', '0.03 s') \gset $$ WHERE change = 19;

-- The other backend does what is asked for by a sequence, which is seen before a COMMIT. (22 starts a psql of its own: no
-- statement must come between the change and the second execution.)
CREATE TABLE matrix_command (change int PRIMARY KEY, command text);
INSERT INTO matrix_command VALUES
	(21, $$SELECT spsa_revoke_assignment('ann', 'eu')$$),
	(23, $$SELECT spsa_close_session(session_id) FROM spsa.session ORDER BY created_at DESC LIMIT 1$$),
	(24, $$SELECT spsa_disable_user('ann')$$),
	(25, $$DELETE FROM spsa.object_permission p USING spsa.permission_set s WHERE s.set_id = p.set_id AND s.set_name = 'eu'$$),
	(26, $$UPDATE spsa.object_permission SET row_scoped = false$$),
	(27, $$UPDATE spsa.row_scope SET literals = '{US,AP}' WHERE literals = '{EU}'$$),
	(29, $$UPDATE spsa.app_user SET attributes = jsonb_build_object('emp', ARRAY[10, 30]) WHERE user_name = 'cat'$$);
CREATE SEQUENCE matrix_request MINVALUE 0 START 0;
GRANT ALL ON SEQUENCE matrix_request TO PUBLIC;
CREATE PROCEDURE matrix_serve() LANGUAGE plpgsql AS $$
DECLARE
	request int;
	started timestamptz := clock_timestamp();
BEGIN
	LOOP
		request := (SELECT last_value FROM matrix_request);
		EXIT WHEN request = 99 OR clock_timestamp() > started + interval '5 minutes';
		IF request > 0 THEN
			EXECUTE (SELECT command FROM matrix_command WHERE change = request);
			COMMIT;
			PERFORM setval('matrix_request', 0);
		ELSE
			PERFORM pg_sleep(0.0005);
		END IF;
		COMMIT;
	END LOOP;
END $$;
CREATE FUNCTION matrix_ask(change int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	PERFORM setval('matrix_request', change);
	WHILE (SELECT last_value FROM matrix_request) > 0 LOOP
		IF clock_timestamp() > started + interval '1 minute' THEN
			RAISE EXCEPTION 'no answer';
		END IF;
		PERFORM pg_sleep(0.0005);
	END LOOP;
END $$;
INSERT INTO matrix_macro SELECT '@other ' || change, format('SELECT matrix_ask(%s) \g /dev/null', change) FROM matrix_command;

CREATE FUNCTION matrix_expand(steps text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m matrix_macro;
BEGIN
	FOR m IN SELECT * FROM matrix_macro LOOP
		steps := replace(steps, m.macro, E'\n' || m.line || E'\n');
	END LOOP;
	RETURN E'\n' || steps || E'\n';
END $$;
CREATE FUNCTION matrix_prepare() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	FOR statement IN SELECT prepared FROM matrix_plan WHERE prepared IS NOT NULL LOOP
		EXECUTE 'PREPARE ' || statement;
	END LOOP;
END $$;
-- DO and the row count of EXECUTE give PL/pgSQL nothing to compare; calls of our own do not pass the column that is dropped.
CREATE FUNCTION matrix_applies(p matrix_plan, c matrix_change) RETURNS boolean LANGUAGE sql AS $$
	SELECT CASE WHEN c.change = 38 THEN NOT p.calls WHEN c.steps IS NULL THEN p.plan <> 'DO' AND p.result <> 'tag' ELSE true END
$$;
CREATE TABLE matrix_counts (name text, generic boolean, custom boolean);
CREATE TABLE matrix_result (plan text, change int, before text, after text, again text);
GRANT SELECT ON matrix_plan, matrix_macro TO PUBLIC;

CREATE FUNCTION matrix_run(p matrix_plan, result text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(E'\n', '\set ids', p.settings,
		CASE WHEN p.plan = 'DO' THEN format(E'%s;\n\\set state :SQLSTATE\nSELECT NULLIF(current_setting(''matrix.ids''), '''') AS ids \\gset', p.run)
			WHEN p.result = 'tag' THEN format(E'%s;\n\\set state :SQLSTATE\n\\set ids :ROW_COUNT', p.run)
			ELSE format(E'%s \\gset\n\\set state :SQLSTATE', p.run) END,
		format('\set %s :state / :ids', result), matrix_expand('@settings'))
$$;
-- No row leaves the variable without a value; what an error leaves in it is nothing's result.
CREATE FUNCTION matrix_outcome(found text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN found LIKE '00000/%' THEN replace(found, ':ids', '') ELSE regexp_replace(found, '/.*', '/') END
$$;
CREATE FUNCTION matrix_once(run text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
BEGIN
	EXECUTE run INTO ids;
	RETURN '00000/' || COALESCE(ids, '');
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLSTATE || '/';
END $$;
CREATE FUNCTION matrix_inside(run text, change int, token text, OUT before text, OUT after text) LANGUAGE plpgsql AS $$
BEGIN
	before := matrix_once(run);
	CASE change
	WHEN 32, 33, 45 THEN PERFORM spsa_attach_connection(token);
	WHEN 34 THEN PERFORM spsa_detach();
	WHEN 35 THEN PERFORM spsa_activate_own('everything');
	WHEN 36 THEN PERFORM spsa_deactivate_own('everything');
	WHEN 37 THEN
		BEGIN
			PERFORM spsa_activate_own('everything');
			PERFORM matrix_once(run);
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception THEN
		END;
	END CASE;
	after := matrix_once(run);
EXCEPTION WHEN OTHERS THEN
	after := SQLSTATE || '/';
END $$;
CREATE FUNCTION matrix_cell_inside(p matrix_plan, c matrix_change) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(E'\n', '\set again', '\set b', matrix_expand('@super' || c.enter), p.settings,
		format('SELECT * FROM matrix_inside(%L, %s, :''b'') \gset', p.run, c.change), matrix_expand('@settings'),
		'RESET spsa.session_token; RESET SESSION AUTHORIZATION;',
		format('INSERT INTO matrix_result SELECT %L, %s, :''before'', :''after'';', p.plan, c.change))
$$;
CREATE FUNCTION matrix_cell(p matrix_plan, c matrix_change) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(E'\n', '\set again', matrix_expand('@super' || c.enter), matrix_run(p, 'before'), matrix_expand(c.steps), matrix_run(p, 'after'),
		CASE WHEN c.again IS NOT NULL THEN matrix_expand(c.again) || matrix_run(p, 'again') END, matrix_expand(c.leave), 'RESET spsa.session_token; RESET SESSION AUTHORIZATION;',
		format('INSERT INTO matrix_result SELECT %L, %s, matrix_outcome(:''before''), matrix_outcome(:''after''), matrix_outcome(:''again'');', p.plan, c.change))
$$;
-- What a run has to give, as state/rows.
CREATE FUNCTION matrix_expected(p matrix_plan, authority text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN authority ~ '^\d{5}$' THEN authority || '/'
		WHEN authority = '-' AND p.writes THEN '42501/'
		WHEN p.result = 'rows' THEN '00000/' || translate(authority, 'none-', '')
		WHEN p.result = 'rest' THEN '00000/' || (SELECT COALESCE(string_agg(id::text, ',' ORDER BY id), '') FROM matrix_plain
			WHERE id::text <> ALL (string_to_array(authority, ',')))
		ELSE '00000/' || (SELECT count(*) FROM string_to_table(authority, ',') i WHERE i ~ '\d') END
$$;

\pset format unaligned
\pset tuples_only on
\o | psql -X -q 2>/dev/null
SELECT '\! psql -X -q -c "CALL matrix_serve()" >/dev/null 2>&1 &' || matrix_expand('@settings') || 'SELECT matrix_prepare() \g /dev/null';
SELECT CASE WHEN c.steps IS NOT NULL THEN matrix_cell(p, c) ELSE matrix_cell_inside(p, c) END
FROM matrix_plan p, matrix_change c WHERE matrix_applies(p, c) ORDER BY c.change, p.position;
SELECT 'INSERT INTO matrix_counts SELECT name, generic_plans > 0, custom_plans > 0 FROM pg_prepared_statements;';
SELECT 'SELECT setval(''matrix_request'', 99) \g /dev/null';
\o
\pset format aligned
\pset tuples_only off

SELECT change, name, before, after FROM matrix_change ORDER BY change;
CREATE VIEW matrix_grid AS
SELECT p.position, p.plan, c.change, r.before, r.after, r.again, matrix_expected(p, c.before) AS expected_before, e.after AS expected_after,
	COALESCE((c.before IS NULL OR r.before = matrix_expected(p, c.before)) AND
		CASE WHEN c.again IS NULL THEN r.after = e.after ELSE r.again = e.after AND r.after IN (e.after, '40001/') END, false) AS good
FROM matrix_plan p CROSS JOIN matrix_change c LEFT JOIN matrix_result r USING (plan, change),
	-- a call that passes the fields itself does not see what becomes of the table's
	LATERAL (SELECT matrix_expected(p, CASE WHEN c.change IN (30, 31, 44) AND p.calls THEN c.before ELSE c.after END)) e (after)
WHERE matrix_applies(p, c);
-- "." is right, "X" is wrong
SELECT p.plan, string_agg(CASE WHEN good THEN '.' WHEN NOT good THEN 'X' ELSE ' ' END, '' ORDER BY c.change) AS "1.......10........20........30........40......."
FROM matrix_plan p CROSS JOIN matrix_change c LEFT JOIN matrix_grid USING (plan, change) GROUP BY p.position, p.plan ORDER BY p.position;
SELECT plan, change, before, expected_before, after, expected_after, again FROM matrix_grid WHERE NOT good ORDER BY position, change LIMIT 60;
SELECT count(*) AS cells, count(*) FILTER (WHERE good) AS good FROM matrix_grid;

--
-- The plans are what their names say
--
SELECT name, generic, custom FROM matrix_counts WHERE name IN ('p1', 'p2') ORDER BY name;
SELECT token AS ann, session_id AS ann_id FROM spsa_open_session('ann', db_role => 'regress_spsa_plan_matrix_app') \gset
SELECT token AS ben FROM spsa_open_session('ben', db_role => 'regress_spsa_plan_matrix_app') \gset
SELECT token AS cat FROM spsa_open_session('cat', db_role => 'regress_spsa_plan_matrix_app') \gset
SELECT token AS dan FROM spsa_open_session('dan', db_role => 'regress_spsa_plan_matrix_app') \gset
CREATE FUNCTION matrix_nodes(plan text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	p matrix_plan;
	line text;
BEGIN
	SELECT * INTO p FROM matrix_plan m WHERE m.plan = matrix_nodes.plan;
	EXECUTE COALESCE(p.settings, 'SELECT');
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || p.run LOOP
		RETURN NEXT line;
	END LOOP;
END $$;
SET plan_cache_mode = force_generic_plan;
SELECT matrix_prepare() \g /dev/null
SET SESSION AUTHORIZATION regress_spsa_plan_matrix_app;
-- From 16 on, rows are sorted for an aggregate below it.
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'enable_presorted_aggregate' \g /dev/null
SELECT spsa_attach_connection(:'ann') \g /dev/null
SELECT matrix_nodes('parallel');
SELECT matrix_nodes('forced parallel');
RESET :force_parallel;
SET max_parallel_workers_per_gather = 0;
SELECT matrix_nodes('index scan');
RESET enable_seqscan;
SELECT matrix_nodes('SQL function, inlined');
SELECT matrix_nodes('called by an inlined function');
SELECT matrix_nodes('partitioned');
SELECT matrix_nodes('SQL function, prepared');
SELECT spsa_attach_connection(:'cat') \g /dev/null
SELECT matrix_nodes('pruned at run time');
SELECT matrix_nodes('pruned at run time, parallel');
SELECT matrix_nodes('partitioned, parallel');
RESET parallel_leader_participation; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
SET max_parallel_workers_per_gather = 0;
SELECT spsa_attach_connection(:'ann') \g /dev/null

--
-- Cursors go on with the authority under which they were opened, while that session is attached
--
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
FETCH 1 FROM c;
SELECT already_active FROM spsa_activate_own('everything');
FETCH ALL FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
FETCH 1 FROM c;
\! psql -X -q -c "SELECT spsa_revoke_assignment('ann', 'eu')" >/dev/null
FETCH ALL FROM c;
-- but a new one shows what there is now
DECLARE d CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
FETCH ALL FROM d;
ROLLBACK;
\! psql -X -q -c "SELECT spsa_assign('ann', 'eu')" >/dev/null
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
FETCH 1 FROM c;
SELECT spsa_attach(:'ben') \g /dev/null
FETCH 1 FROM c;
:code
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT spsa_attach(:'ben') \g /dev/null
ROLLBACK TO s;
FETCH 1 FROM c;
SELECT spsa_detach() \g /dev/null
FETCH 1 FROM c;
:code
ROLLBACK;
-- and can be closed by anybody, by COMMIT too
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
DECLARE d CURSOR FOR SELECT id FROM matrix_doc ORDER BY id;
FETCH 1 FROM c;
FETCH 1 FROM d;
SELECT spsa_attach(:'ben') \g /dev/null
CLOSE c;
COMMIT;
BEGIN;
SELECT spsa_attach(:'ben') \g /dev/null
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM matrix_doc;
:code
ROLLBACK;

--
-- A change inside one SQL function: its statements are planned before the first one runs. From PostgreSQL 18 on each is
-- when its turn comes, and sees the change
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION matrix_activate_and_read() RETURNS bigint LANGUAGE sql AS $$ SELECT spsa_activate_own('everything'); SELECT count(*) FROM matrix_doc $$;
CREATE FUNCTION matrix_attach_and_read(token text) RETURNS text LANGUAGE sql AS
	$$ SELECT spsa_attach_connection(token); SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc $$;
CREATE FUNCTION matrix_outcome(statement text, before_18 text, from_18 text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	expected text := CASE WHEN current_setting('server_version_num')::integer < 180000 THEN before_18 ELSE from_18 END;
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN CASE WHEN result = expected THEN 'as expected' ELSE format('%s, not %s', result, expected) END;
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN SQLSTATE = expected THEN 'as expected' ELSE format('%s, not %s', SQLSTATE, expected) END;
END $$;
SET SESSION AUTHORIZATION regress_spsa_plan_matrix_app;
BEGIN;
SELECT matrix_outcome('SELECT matrix_activate_and_read()', '55000', '8');
ROLLBACK;
SELECT matrix_static();
BEGIN;
SELECT matrix_outcome(format('SELECT matrix_attach_and_read(%L)', :'ben'), '55000', '3,4');
ROLLBACK;
SELECT matrix_static();
-- the same sets: the same plan, another attribute
SET spsa.share_plans = on;
SELECT spsa_attach_connection(:'cat') \g /dev/null
SELECT matrix_static();
SELECT matrix_attach_and_read(:'dan');
SELECT matrix_static();

-- after a transaction that attached, in a statement that attaches later, or might
SELECT spsa_detach() \g /dev/null
BEGIN;
SELECT spsa_attach(:'ann') \g /dev/null
SELECT matrix_static();
COMMIT;
BEGIN;
SELECT matrix_static(), spsa_attach(:'ben') IS NOT NULL AS attached;
SELECT matrix_static();
COMMIT;
SELECT matrix_static(), CASE WHEN random() < 0 THEN spsa_attach(:'ben') END AS attached;

--
-- Another session while a statement runs, from a function in its WHERE
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION matrix_switch(token text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN PERFORM spsa_attach_connection(token); RETURN true; END';
CREATE FUNCTION matrix_activate() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN PERFORM spsa_activate_own('everything'); RETURN true; END $$;
SET SESSION AUTHORIZATION regress_spsa_plan_matrix_app;
PREPARE switching(text) AS SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc WHERE matrix_switch($1);
PREPARE activating AS SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_doc WHERE matrix_activate();
SELECT spsa_attach_connection(:'cat') \g /dev/null
EXECUTE switching(:'cat');
EXECUTE switching(:'dan');
:code
EXECUTE switching(:'ben');
:code
SELECT matrix_static();
-- an activation: from the next statement on
SELECT spsa_attach_connection(:'ann') \g /dev/null
EXECUTE activating;
EXECUTE activating;

--
-- An attribute that another backend changes while a statement runs: the statement keeps the value. One that begins then has
-- the new one, by which its partitions are pruned and its rows compared
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION matrix_ask_and_read() RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM matrix_ask(28); RETURN matrix_slice(); END';
INSERT INTO matrix_command VALUES (28, $$UPDATE spsa.app_user SET attributes = '{"emp": 20}' WHERE user_name = 'cat'$$);
SELECT setval('matrix_request', 0) \g /dev/null
\! psql -X -q -c "CALL matrix_serve()" >/dev/null 2>&1 &
SET SESSION AUTHORIZATION regress_spsa_plan_matrix_app;
SELECT spsa_attach_connection(:'cat') \g /dev/null
SELECT matrix_slice(), (SELECT string_agg(id::text, ',' ORDER BY id) FROM matrix_slice) AS read;
SELECT string_agg(id::text, ',' ORDER BY id) AS before, max(after) AS after FROM (SELECT id, CASE id WHEN 1 THEN matrix_ask_and_read() END AS after FROM matrix_other) d;
SELECT matrix_slice();
SELECT setval('matrix_request', 99) \g /dev/null

RESET SESSION AUTHORIZATION;
RESET spsa.session_token;
SET client_min_messages = error;
DROP VIEW matrix_view, matrix_invoker, matrix_grid;
DROP TABLE matrix_plan, matrix_doc, matrix_other, matrix_part, matrix_slice, matrix_plain, matrix_change, matrix_macro, matrix_result, matrix_counts, matrix_fired, matrix_command CASCADE;
DROP SEQUENCE matrix_request;
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT oid FROM pg_proc WHERE proname LIKE 'matrix\_%' AND pronamespace = 'public'::regnamespace LOOP
		EXECUTE format('DROP ROUTINE %s CASCADE', f);
	END LOOP;
END $$;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_plan_matrix_definer;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_plan_matrix_app, regress_spsa_plan_matrix_definer;
