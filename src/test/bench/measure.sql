-- measure.sql - where samples go, and how they are taken within the server.
--
-- A sample is a short time of one variant beside an equal one of the other, in changing order; what is reported is the
-- median over the samples of their ratio (or difference), so that a disturbance spoils only the samples that it meets.
SET client_min_messages = warning;
\o /dev/null
CREATE EXTENSION dblink;
-- kind: ratio; over: guarded less written; alone: guarded. A floor is measured in turn with the line above it: what that one
-- costs at least, whoever does it.
CREATE TABLE bench_case (place serial PRIMARY KEY, key text UNIQUE, name text, kind text, unit text DEFAULT 'us', target numeric);
CREATE TABLE sample (key text, written double precision, guarded double precision);
CREATE TABLE log (client integer, n integer, us double precision, script integer, second bigint, microsecond integer);
GRANT INSERT ON sample TO bench_app;
INSERT INTO bench_case (key, name, kind, target) VALUES
	('own_client', 'one owner''s 174 rows', 'ratio', 1.10),
	('own', '  the same without client: count(*), planned each time', 'ratio', NULL),
	('own_read', '  the same, reading the rows', 'ratio', NULL),
	('fields', 'three fields scoped, 10% of the rows', 'ratio', 1.05),
	('all_count', 'everything granted, count(*)', 'ratio', 1.05),
	('all_like_client', 'everything granted, LIKE by an index', 'ratio', 1.05),
	('all_like_client_floor', '  floor: a policy of PostgreSQL''s own, USING (true)', 'ratio', NULL),
	('all_like', '  the same without client: count(*), planned each time', 'ratio', NULL),
	('all_like_floor', '  floor: a policy of PostgreSQL''s own, USING (true)', 'ratio', NULL),
	('nothing', 'nothing granted, planned each time', 'ratio', 1.5),
	('point_simple', 'point look-up, simple protocol', 'ratio', 1.15),
	('point_simple_floor', '  floor: a policy of PostgreSQL''s own, USING (true)', 'ratio', NULL),
	('point_planned', '  the same without client: planned each time', 'ratio', NULL),
	('point_planned_floor', '  floor: a policy of PostgreSQL''s own, USING (true)', 'ratio', NULL),
	('point_prepared', 'point look-up, prepared', 'ratio', 1.05),
	('point_prepared_floor', '  floor: a policy of PostgreSQL''s own, USING (true)', 'ratio', NULL),
	('point_cached', '  the same without client: cached plan', 'ratio', NULL),
	('point_cached_floor', '  floor: a policy of PostgreSQL''s own, USING (true)', 'ratio', NULL),
	('point_own', '  one''s own row, prepared', 'ratio', NULL),
	('many', '12 active sets, 40 values that merge', 'ratio', 1.2),
	('pool_same', 'pooled transaction, users with the same sets', 'ratio', 1.08),
	('pool_literal', '  over the same with a constant for current_setting()', 'ratio', NULL),
	('pool_shape', 'pooled transaction, each time another shape', 'ratio', 1.5),
	('replan', '  cost of one replan', 'over', NULL),
	('attach', 'spsa_attach() of a cached session, over SELECT 1', 'over', 3),
	('attach_setting', '  set_config() of a text as long, over SELECT 1', 'over', NULL),
	('beside', 'cached reader beside 1,000 activations/s, over 1,000 inserts/s', 'ratio', 1.06),
	('backends', '200 backends that look up points, beside activations over none: median latency', 'ratio', 1.25),
	('backends_floor', '  floor: beside as many inserts', 'ratio', NULL),
	('backends_95', '  95th percentile', 'ratio', NULL),
	('backends_95_floor', '  floor: beside as many inserts', 'ratio', NULL),
	('signal_0', '  a signal in another backend', 'over', NULL),
	('signal_100', '  with 100 cached plans', 'over', NULL),
	('signal_1000', '  with 1,000 cached plans', 'over', NULL),
	('cold', 'cold attach, 20 assigned sets', 'alone', 60),
	('cold_bare', '  without assigned sets', 'alone', NULL),
	('activate', 'activate + commit, over INSERT + commit', 'ratio', 1.5),
	('activate_floor', '  floor: INSERT of the same rows (activation with foreign key, audit event)', 'ratio', NULL),
	('activate_rows', '  over that INSERT of the same rows', 'ratio', NULL),
	('activate_cold', '  of a session that is not in the cache, over INSERT + commit', 'ratio', NULL),
	('large_point', 'large catalog over small: point look-up, prepared', 'ratio', 1.1),
	('large_pool', '  pooled transaction', 'ratio', 1.1),
	('large_attach', '  spsa_attach() of a cached session', 'ratio', 1.1),
	('large_cold', '  cold attach, 20 assigned sets', 'ratio', 1.1),
	('large_cold_floor', '  floor: as in the small one, but for the time of the same index scans', 'ratio', NULL),
	('large_activate', '  activate + commit', 'ratio', 1.1),
	('large_activate_again', '  the same for 1,000 sessions again and again, without client', 'ratio', NULL);
INSERT INTO bench_case (key, name, kind, unit, target) VALUES
	('backends_rate', '  activations', 'alone', '/s', NULL),
	('memory', 'backend that attached 10,000 sessions, over a bare one: private memory', 'over', 'MB', 16),
	('memory_contexts', '  memory contexts', 'over', 'MB', 16);
INSERT INTO bench_case (key, name, kind, target) VALUES
	('purge', 'spsa_purge() of a session with an activation (100,000 an hour: 36,000)', 'alone', 36000),
	('unprotected', 'unprotected table, library loaded over not loaded', 'ratio', 1.01),
	('unprotected_floor', '  floor: a library that hooks in and does nothing (auto_explain, switched off)', 'ratio', NULL),
	('function_c', 'call of a protected C function, over the same unprotected', 'ratio', NULL),
	('function_definer', '  over the same as SECURITY DEFINER', 'ratio', NULL),
	('function_plpgsql', '  PL/pgSQL', 'ratio', NULL),
	('function_sql', '  SQL, over the same that cannot be inlined', 'ratio', NULL),
	('function_inlined', '  SQL, over the same inlined', 'ratio', NULL),
	('function_others', 'unprotected functions, library loaded and another one protected, over not loaded', 'ratio', NULL),
	('guard', 'protected table with protected fields, over one without: point look-up, planned each time', 'ratio', 1.03),
	('guard_scan', '  10,000 rows', 'ratio', 1.03),
	('masked', 'readable field through a masked view, over the table itself', 'ratio', 1.02),
	('masked_own', '  the same of 174 rows, planned each time', 'ratio', NULL);

-- Both must see the same rows, and see them when alone.
CREATE PROCEDURE compare(who text, guarded text, written text) LANGUAGE plpgsql AS $$
DECLARE
	expected text;
	seen text;
	summary text := 'SELECT count(*) || '' rows, hash '' || coalesce(sum(hashtextextended(q::text, 0)::numeric), 0) FROM (%s) q';
BEGIN
	PERFORM spsa_attach_connection((SELECT t.token FROM token t WHERE t.kind = who AND t.n = 0));
	EXECUTE format(summary, written) INTO expected;
	EXECUTE format(summary, guarded) INTO seen;
	PERFORM spsa_detach();
	IF seen IS DISTINCT FROM expected THEN
		RAISE EXCEPTION '% sees %, not %: %', who, seen, expected, guarded;
	END IF;
END
$$;

-- A sample of a case, and of its floor if there is one: microseconds of written, guarded and floor.
CREATE PROCEDURE note(key text, us double precision[]) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO sample VALUES (key, us[1], us[2]);
	IF us[3] IS NOT NULL THEN
		INSERT INTO sample VALUES (key || '_floor', us[1], us[3]);
	END IF;
END
$$;

-- Each sample executes each statement so many times.
CREATE PROCEDURE measure(key text, who text, guarded text, written text, repeat integer, samples integer, per integer DEFAULT 1,
	floor text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	statement text[] := array_remove(ARRAY[written, guarded, floor], NULL);
	us double precision[];
	started timestamptz;
	one text;
	which integer;
BEGIN
	PERFORM spsa_attach_connection((SELECT t.token FROM token t WHERE t.kind = who AND t.n = 0));
	FOR s IN 0 .. samples LOOP
		FOR turn IN 1 .. cardinality(statement) LOOP
			which := 1 + (s + turn) % cardinality(statement);
			one := statement[which];
			started := clock_timestamp();
			FOR i IN 1 .. repeat LOOP EXECUTE one; END LOOP;
			us[which] := extract(epoch FROM clock_timestamp() - started) * 1e6 / repeat / per;
		END LOOP;
		IF s > 0 THEN		-- the first one warms up
			CALL note(key, us);
		END IF;
	END LOOP;
	PERFORM spsa_detach();
END
$$;

-- The same between connections, which measure themselves: function calls that return microseconds.
CREATE PROCEDURE measure_connections(key text, written_database text, guarded_database text, written_setup text, guarded_setup text,
	call text, samples integer, floor_setup text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	setup text[] := array_remove(ARRAY[written_setup, guarded_setup, floor_setup], NULL);
	us double precision[];
	which integer;
BEGIN
	FOR i IN 1 .. cardinality(setup) LOOP
		PERFORM dblink_connect('bench_' || i, 'dbname=' || CASE i WHEN 1 THEN written_database ELSE guarded_database END);
		PERFORM * FROM dblink('bench_' || i, setup[i]) AS r (x text);
	END LOOP;
	FOR s IN 0 .. samples LOOP
		FOR turn IN 1 .. cardinality(setup) LOOP
			which := 1 + (s + turn) % cardinality(setup);
			us[which] := (SELECT r.took FROM dblink('bench_' || which, call) AS r (took double precision));
		END LOOP;
		IF s > 0 THEN
			CALL note(key, us);
		END IF;
	END LOOP;
	FOR i IN 1 .. cardinality(setup) LOOP
		PERFORM dblink_disconnect('bench_' || i);
	END LOOP;
END
$$;

-- Mean latency of a log of pgbench without the lowest and the highest tenth, which a median of whole microseconds
-- would be too coarse for; in so many slices of time.
CREATE FUNCTION latency(slices integer) RETURNS TABLE (slice integer, script integer, us double precision) LANGUAGE sql AS $$
	SELECT slice, script, avg(us)
	FROM (SELECT slice, script, us, percent_rank() OVER (PARTITION BY slice, script ORDER BY us) AS rank
		FROM (SELECT script, us, ntile(slices) OVER (ORDER BY n) AS slice FROM log WHERE n > (SELECT max(n) FROM log) / 20) s) r
	WHERE rank BETWEEN 0.1 AND 0.9
	GROUP BY slice, script
$$;

-- A plan as text.
CREATE FUNCTION plan_of(who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text := '';
BEGIN
	PERFORM spsa_attach_connection((SELECT t.token FROM token t WHERE t.kind = who AND t.n = 0));
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		result := result || line || E'\n';
	END LOOP;
	PERFORM spsa_detach();
	RETURN result;
END
$$;

-- Look-ups with plans that PL/pgSQL keeps.
CREATE FUNCTION look_up_plain(repeat integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	result integer;
BEGIN
	FOR i IN 1 .. repeat LOOP SELECT label INTO result FROM plain WHERE id = i; END LOOP;
	RETURN result;
END
$$;
CREATE FUNCTION look_up_protected(repeat integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	result integer;
BEGIN
	FOR i IN 1 .. repeat LOOP SELECT label INTO result FROM protected WHERE id = i; END LOOP;
	RETURN result;
END
$$;

CREATE FUNCTION look_up_other(repeat integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	result integer;
BEGIN
	FOR i IN 1 .. repeat LOOP SELECT label INTO result FROM other WHERE id = i; END LOOP;
	RETURN result;
END
$$;

-- A reader that notes how long its look-ups take, until it is told to stop.
CREATE TABLE reading (at timestamptz, us double precision);
CREATE TABLE phase (round integer, variant text, began timestamptz, ended timestamptz);
CREATE TABLE stop (x integer);
GRANT SELECT, INSERT ON reading TO bench_app;
GRANT SELECT ON stop TO bench_app;
CREATE PROCEDURE read_until_stopped() LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz;
BEGIN
	WHILE NOT EXISTS (SELECT FROM stop) LOOP
		began := clock_timestamp();
		PERFORM look_up_protected(500);
		INSERT INTO reading VALUES (clock_timestamp(), extract(epoch FROM clock_timestamp() - began) * 1e6 / 500);
		COMMIT;
	END LOOP;
END
$$;

-- Private memory of this backend, and its memory contexts, in bytes.
CREATE FUNCTION private_bytes() RETURNS double precision LANGUAGE sql AS $$
	SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s*(\d+) kB')::double precision * 1024
$$;
CREATE FUNCTION context_bytes() RETURNS double precision LANGUAGE sql AS $$
	SELECT sum(total_bytes)::double precision FROM pg_backend_memory_contexts
$$;

-- How many index scans of spsa's tables a call makes, when it is not the first one.
CREATE FUNCTION scans_of(call text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	EXECUTE 'SELECT ' || call;
	before := (SELECT sum(idx_scan) FROM pg_stat_xact_all_tables WHERE schemaname = 'spsa');
	EXECUTE 'SELECT ' || call;
	RETURN (SELECT sum(idx_scan) FROM pg_stat_xact_all_tables WHERE schemaname = 'spsa') - before;
END
$$;

-- Microseconds that a backend needs to take in one signal of an activation, of n that are committed at once: a lock of a table
-- takes news in.
CREATE TABLE news_1 ();
CREATE TABLE news_2 ();
CREATE SEQUENCE signal_seq MINVALUE 0 MAXVALUE 39 CYCLE;
GRANT SELECT ON news_1, news_2 TO bench_app;
GRANT USAGE ON SEQUENCE signal_seq TO bench_app;
CREATE FUNCTION activate_many(n integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	first integer := nextval('signal_seq') * 100;
BEGIN
	IF NOT 'signals' = ANY (COALESCE(dblink_get_connections(), '{}')) THEN PERFORM dblink_connect('signals', 'dbname=postgres user=postgres'); END IF;
	IF first = 0 THEN PERFORM dblink_exec('signals', 'TRUNCATE spsa.activation, spsa.activation_end'); END IF;
	PERFORM * FROM dblink('signals', format('SELECT count(*) FROM generate_series(%s, %s) g, spsa_activate(md5(''switch'' || g)::uuid, ''switch'')', first + 1, first + n)) AS r (n bigint);
END
$$;
CREATE PROCEDURE measure_signals(key text, n integer) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	quiet double precision;
	loud double precision;
BEGIN
	PERFORM 1 FROM news_1;
	started := clock_timestamp();
	LOCK TABLE news_1 IN ACCESS SHARE MODE;
	quiet := extract(epoch FROM clock_timestamp() - started) * 1e6;
	PERFORM activate_many(n);
	started := clock_timestamp();
	LOCK TABLE news_2 IN ACCESS SHARE MODE;
	loud := extract(epoch FROM clock_timestamp() - started) * 1e6;
	INSERT INTO sample VALUES (key, quiet / n, loud / n);
END
$$;
