-- bench.sql - the same query over a protected table as an ordinary role and, hand-written, over an unprotected copy.
-- Variables: rows, rounds. Client and server share the machine; only the ratios mean anything.
SET client_min_messages = warning;
\o /dev/null
CREATE EXTENSION spsa;
CREATE ROLE bench_app;
CREATE TABLE protected (id integer, region integer, owner_id integer, label integer, note text);
INSERT INTO protected
SELECT g, hashint4(g) & 15, (hashint4(g + 1) & 2147483647) % greatest(:rows / 174, 1), hashint4(g + 2) & 15, md5(g::text)
FROM generate_series(1, :rows) g;
CREATE TABLE plain AS TABLE protected;
CREATE TABLE by_setting AS TABLE protected;
SELECT format('ALTER TABLE %1$s ADD PRIMARY KEY (id); CREATE INDEX ON %1$s (owner_id); CREATE INDEX ON %1$s (region);
	CREATE INDEX ON %1$s (label); CREATE INDEX ON %1$s (note text_pattern_ops)', t)
FROM unnest('{protected,plain,by_setting}'::text[]) t \gexec
VACUUM (ANALYZE) protected, plain, by_setting;
GRANT SELECT ON protected, plain, by_setting TO bench_app;
ALTER TABLE by_setting ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON by_setting USING (owner_id = current_setting('bench.emp_no')::integer);
SELECT spsa_protect('protected', '{region,owner_id,label}');
CREATE TEMP TABLE person (n text);
INSERT INTO person VALUES ('own'), ('fields'), ('everything'), ('nothing'), ('many'), ('own_too');
SELECT spsa_create_permission_set(n) FROM unnest('{own,fields,everything}'::text[]) n;
SELECT spsa_create_permission_set('many_' || g) FROM generate_series(1, 12) g;
SELECT spsa_grant_object(s.set_name, 'protected', '{read}') FROM spsa.permission_set s;
SELECT spsa_grant_rows('own', 'protected', 'owner_id', attribute => 'emp_no');
SELECT spsa_grant_rows('fields', 'protected', 'region', '{1,2,3,4,5,6,7}');
SELECT spsa_grant_rows('fields', 'protected', 'label', '{1,2,3,4}');
SELECT spsa_grant_rows('fields', 'protected', 'owner_id', '{0}', operator => '>=');
-- 12 sets with 40 values in all, which merge into one list
SELECT spsa_grant_rows('many_' || 1 + g % 12, 'protected', 'owner_id', ARRAY[(g * 7)::text]) FROM generate_series(1, 40) g;
SELECT spsa_create_user(n, jsonb_build_object('emp_no', CASE n WHEN 'own_too' THEN 78 ELSE 77 END)) FROM person;
SELECT spsa_assign(n, n) FROM unnest('{own,fields,everything}'::text[]) n;
SELECT spsa_assign('own_too', 'own');
SELECT spsa_assign('many', 'many_' || g) FROM generate_series(1, 12) g;
CREATE TABLE token AS SELECT n, token FROM person, LATERAL spsa_open_session(n, db_role => NULL);
GRANT SELECT ON token TO bench_app;
CREATE TABLE result (case_name text, target numeric, variant text, us double precision);
GRANT INSERT ON result TO bench_app;

-- Alternates the two variants, which must see the same.
CREATE PROCEDURE measure(case_name text, target numeric, who text, guarded text, written text, repeat integer, rounds integer)
LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	expected bigint;
	seen bigint;
BEGIN
	PERFORM spsa_attach_connection((SELECT t.token FROM token t WHERE t.n = who));
	EXECUTE written INTO expected;
	EXECUTE guarded INTO seen;
	IF seen IS DISTINCT FROM expected THEN
		RAISE EXCEPTION '%: % instead of %', case_name, seen, expected;
	END IF;
	FOR round IN 1 .. rounds LOOP
		started := clock_timestamp();
		FOR i IN 1 .. repeat LOOP EXECUTE written; END LOOP;
		INSERT INTO result VALUES (case_name, target, 'written', extract(epoch FROM clock_timestamp() - started) * 1e6 / repeat);
		started := clock_timestamp();
		FOR i IN 1 .. repeat LOOP EXECUTE guarded; END LOOP;
		INSERT INTO result VALUES (case_name, target, 'guarded', extract(epoch FROM clock_timestamp() - started) * 1e6 / repeat);
	END LOOP;
	PERFORM spsa_detach();
END
$$;

SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET bench.emp_no = '77';
SET ROLE bench_app;
CALL measure('one owner''s rows', 1.10, 'own', 'SELECT count(*) FROM protected', 'SELECT count(*) FROM plain WHERE owner_id = 77', 200, :rounds);
CALL measure('the same by current_setting()', NULL, 'own', 'SELECT count(*) FROM by_setting', 'SELECT count(*) FROM plain WHERE owner_id = 77', 1, 3);
CALL measure('three fields scoped', 1.05, 'fields', 'SELECT count(*) FROM protected',
	'SELECT count(*) FROM plain WHERE region = ANY (''{1,2,3,4,5,6,7}'') AND label = ANY (''{1,2,3,4}'') AND owner_id >= 0', 1, :rounds);
CALL measure('everything granted, count', 1.05, 'everything', 'SELECT count(*) FROM protected', 'SELECT count(*) FROM plain', 1, :rounds);
CALL measure('everything granted, LIKE', 1.05, 'everything', 'SELECT count(*) FROM protected WHERE note LIKE ''abcd%''',
	'SELECT count(*) FROM plain WHERE note LIKE ''abcd%''', 500, :rounds);
CALL measure('nothing granted', 1.5, 'nothing', 'SELECT count(*) FROM protected', 'SELECT count(*) FROM plain WHERE false', 3000, :rounds);
CALL measure('point look-up, planned each time', 1.15, 'everything', 'SELECT count(*) FROM protected WHERE id = 4711',
	'SELECT count(*) FROM plain WHERE id = 4711', 3000, :rounds);
CALL measure('12 sets, 40 values that merge', 1.2, 'many', 'SELECT count(*) FROM protected',
	'SELECT count(*) FROM plain WHERE owner_id = ANY (ARRAY(SELECT (g * 7) FROM generate_series(1, 40) g))', 20, :rounds);
RESET ROLE;
