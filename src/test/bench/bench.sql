-- bench.sql - the same query over a protected table as an ordinary role and, hand-written, over an unprotected copy.
-- Variables: rows, rounds. Client and server share the machine; only the ratios mean anything.
SET client_min_messages = warning;
CREATE EXTENSION spsa;
CREATE ROLE bench_app;
CREATE TABLE protected (id integer, region integer, owner_id integer, label integer, note text);
INSERT INTO protected
SELECT g, hashint4(g) & 15, (hashint4(g + 1) & 2147483647) % greatest(:rows / 174, 1), hashint4(g + 2) & 15, 'note ' || g
FROM generate_series(1, :rows) g;
CREATE TABLE plain AS TABLE protected;
ALTER TABLE protected ADD PRIMARY KEY (id);
ALTER TABLE plain ADD PRIMARY KEY (id);
CREATE INDEX ON protected (owner_id);
CREATE INDEX ON plain (owner_id);
VACUUM (ANALYZE) protected, plain;
GRANT SELECT ON protected, plain TO bench_app;
SELECT spsa_protect('protected', '{region,owner_id,label}');
SELECT spsa_create_permission_set(n) FROM unnest('{own,fields,everything}'::text[]) n;
SELECT spsa_grant_object(n, 'protected', '{read}') FROM unnest('{own,fields,everything}'::text[]) n;
SELECT spsa_grant_rows('own', 'protected', 'owner_id', attribute => 'emp_no');
SELECT spsa_grant_rows('fields', 'protected', 'region', '{1,2,3,4,5,6,7}');
SELECT spsa_grant_rows('fields', 'protected', 'label', '{1,2,3,4}');
SELECT spsa_create_user(n, '{"emp_no": 77}') FROM unnest('{own,fields,everything,nothing}'::text[]) n;
SELECT spsa_assign(n, n) FROM unnest('{own,fields,everything}'::text[]) n;

CREATE TABLE result (case_name text, variant text, ms double precision);
GRANT INSERT ON result TO bench_app;

-- Alternates the two variants; each round attaches the user's session anew.
CREATE PROCEDURE measure(case_name text, token text, guarded text, written text, repeat integer, rounds integer)
LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	expected bigint;
	seen bigint;
BEGIN
	PERFORM spsa_attach_connection(token);
	EXECUTE written INTO expected;
	EXECUTE guarded INTO seen;
	IF seen IS DISTINCT FROM expected THEN
		RAISE EXCEPTION '% sees % instead of %', case_name, seen, expected;
	END IF;
	FOR round IN 1 .. rounds LOOP
		started := clock_timestamp();
		FOR i IN 1 .. repeat LOOP EXECUTE written; END LOOP;
		INSERT INTO result VALUES (case_name, 'written', extract(epoch FROM clock_timestamp() - started) * 1000 / repeat);
		started := clock_timestamp();
		FOR i IN 1 .. repeat LOOP EXECUTE guarded; END LOOP;
		INSERT INTO result VALUES (case_name, 'guarded', extract(epoch FROM clock_timestamp() - started) * 1000 / repeat);
	END LOOP;
	PERFORM spsa_detach();
END
$$;

SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT max(token) FILTER (WHERE n = 'own') AS own, max(token) FILTER (WHERE n = 'fields') AS fields,
	max(token) FILTER (WHERE n = 'everything') AS everything, max(token) FILTER (WHERE n = 'nothing') AS nothing
FROM unnest('{own,fields,everything,nothing}'::text[]) n, LATERAL spsa_open_session(n, db_role => NULL) \gset
SET ROLE bench_app;
CALL measure('one owner''s rows', :'own', 'SELECT count(*) FROM protected', 'SELECT count(*) FROM plain WHERE owner_id = 77', 1, :rounds);
CALL measure('two fields scoped', :'fields', 'SELECT count(*) FROM protected',
	'SELECT count(*) FROM plain WHERE region = ANY (''{1,2,3,4,5,6,7}'') AND label = ANY (''{1,2,3,4}'')', 1, :rounds);
CALL measure('everything granted', :'everything', 'SELECT count(*) FROM protected', 'SELECT count(*) FROM plain', 1, :rounds);
CALL measure('nothing granted', :'nothing', 'SELECT count(*) FROM protected', 'SELECT count(*) FROM plain WHERE false', 1, :rounds);
CALL measure('point look-up', :'everything', 'SELECT count(*) FROM protected WHERE id = 4711',
	'SELECT count(*) FROM plain WHERE id = 4711', 2000, :rounds);
RESET ROLE;
SELECT case_name AS "case", round(w::numeric, 4) AS "WHERE, ms", round(g::numeric, 4) AS "protected, ms", round((g / w)::numeric, 2) AS ratio
FROM (SELECT case_name, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE variant = 'written') AS w,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE variant = 'guarded') AS g
	FROM result GROUP BY case_name) r
ORDER BY case_name;
