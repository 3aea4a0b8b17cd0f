-- Folded and row-by-row evaluation must agree: random grants, scopes, attributes, types and rows.
\set seed 0.20261122
\set rounds 140
SET client_min_messages = warning;
SET datestyle = iso;
SET intervalstyle = postgres;
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_fold_random;
SELECT setseed(:seed) \g /dev/null
CREATE TYPE fold_color AS ENUM ('red', 'green', 'blue', 'violet');
CREATE DOMAIN fold_rank AS integer CHECK (VALUE < 1000);
CREATE TABLE fold_row (
	id integer PRIMARY KEY, i integer, b bigint, n numeric, t text COLLATE "C", v varchar(20), u uuid, d date,
	z timestamptz, e fold_color, a inet, f float8, c char(6), o fold_rank, y boolean, x interval, l integer[]);

-- Few different values, so that scopes hit.
CREATE FUNCTION fold_value(type text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT CASE type
		WHEN 'i' THEN k::text
		WHEN 'b' THEN (k * 10000000000)::text
		WHEN 'n' THEN (k / 4.0)::text
		WHEN 't' THEN chr(97 + k) || 'é'
		WHEN 'v' THEN 'V' || k
		WHEN 'u' THEN md5(k::text)::uuid::text
		WHEN 'd' THEN ('2026-11-01'::date + k)::text
		WHEN 'z' THEN ('2026-11-01 12:00+00'::timestamptz + k * interval '6 hours')::text
		WHEN 'e' THEN ((enum_range(NULL::fold_color))[1 + k % 4])::text
		WHEN 'a' THEN '10.0.' || k || '.0/24'
		WHEN 'f' THEN CASE k WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE (k / 3.0)::text END
		WHEN 'c' THEN 'c' || k
		WHEN 'o' THEN k::text
		WHEN 'y' THEN (k % 2 = 0)::text
		WHEN 'x' THEN k || ' days'
		WHEN 'l' THEN '{' || k % 3 || ',' || k % 2 || '}' END
	FROM (SELECT floor(random() * 8)::integer AS k) s
$$;
INSERT INTO fold_row
SELECT g, fold_value('i')::integer, fold_value('b')::bigint, fold_value('n')::numeric, fold_value('t'), fold_value('v'),
	fold_value('u')::uuid, fold_value('d')::date, fold_value('z')::timestamptz, fold_value('e')::fold_color,
	fold_value('a')::inet, fold_value('f')::float8, fold_value('c'), fold_value('o')::fold_rank,
	fold_value('y')::boolean, fold_value('x')::interval, fold_value('l')::integer[]
FROM generate_series(1, 200) g;
UPDATE fold_row SET i = NULL, t = NULL, d = NULL, l = NULL WHERE id % 10 = 3;
UPDATE fold_row SET b = NULL, v = NULL, z = NULL, e = NULL, o = NULL WHERE id % 10 = 7;
CREATE TABLE fold_privilege (privilege text);
INSERT INTO fold_privilege VALUES ('read'), ('create'), ('edit'), ('delete');
GRANT SELECT ON fold_row, fold_privilege TO regress_spsa_fold_random;
-- Copies under a policy, one for each privilege.
DO $$
DECLARE
	fields text := (SELECT string_agg(format('%L, %I', attname, attname), ', ' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = 'fold_row'::regclass AND attnum > 1 AND NOT attisdropped);
	p text;
BEGIN
	FOREACH p IN ARRAY '{read,create,edit,delete}'::text[] LOOP
		EXECUTE format('CREATE TABLE fold_%1$s AS TABLE fold_row; ALTER TABLE fold_%1$s ENABLE ROW LEVEL SECURITY;
			CREATE POLICY p ON fold_%1$s USING (spsa_allows_row(''fold_row'', %1$L, %2$s));
			GRANT SELECT ON fold_%1$s TO regress_spsa_fold_random', p, fields);
	END LOOP;
END
$$;
SELECT spsa_create_permission_set('fold_' || g) FROM generate_series(1, 4) g \g /dev/null
SELECT spsa_create_user('fold_user') \g /dev/null
SELECT spsa_assign('fold_user', 'fold_' || g) FROM generate_series(1, 4) g \g /dev/null
SELECT token AS tok FROM spsa_open_session('fold_user', db_role => NULL) \gset

-- A random world: what four sets grant, and what the user's attributes are.
CREATE PROCEDURE fold_world() LANGUAGE plpgsql AS $$
DECLARE
	field text;
	op text;
BEGIN
	DELETE FROM spsa.object_permission;
	INSERT INTO spsa.object_permission (set_id, object, can_read, can_create, can_edit, can_delete, view_all, row_scoped)
	SELECT set_id, 'fold_row', true, random() < 0.6, e, e AND random() < 0.7, random() < 0.05, random() < 0.95
	FROM (SELECT set_id, random() < 0.7 AS e FROM spsa.permission_set WHERE random() < 0.8) s;
	UPDATE spsa.app_user SET attributes = (
		SELECT COALESCE(jsonb_object_agg('at_' || f, CASE
			WHEN random() < 0.4 THEN jsonb_build_array(fold_value(f), fold_value(f), CASE WHEN random() < 0.7 THEN fold_value(f) END)
			WHEN random() < 0.1 THEN 'null' WHEN random() < 0.1 THEN '[]' ELSE to_jsonb(fold_value(f)) END), '{}')
		FROM unnest('{i,b,n,t,v,u,d,z,e,a,f,c,o,y,x,l}'::text[]) f WHERE random() < 0.7);
	FOR n IN 1 .. 2 + floor(random() * 8) LOOP
		field := (ARRAY['i','b','n','t','v','u','d','z','e','a','f','c','o','y','x','l'])[1 + floor(random() * 16)];
		op := (ARRAY['=','=','=','=','<','<=','>','>=','is null'])[1 + floor(random() * 9)];
		INSERT INTO spsa.row_scope (set_id, object, field, operator, literals, attribute, privileges)
		SELECT p.set_id, p.object, field, op,
			CASE WHEN op <> 'is null' AND p.literal THEN ARRAY(SELECT fold_value(field) FROM generate_series(1, p.n)) END,
			CASE WHEN op <> 'is null' AND NOT p.literal THEN 'at_' || field END,
			CASE WHEN random() < 0.3 THEN ARRAY[(ARRAY['read', 'create', 'edit', 'delete'])[1 + floor(random() * 4)]] END
		FROM (SELECT q.set_id, q.object, random() < 0.6 AS literal, 1 + floor(random() * 3)::integer AS n
			FROM spsa.object_permission q ORDER BY random() LIMIT 1) p;
	END LOOP;
END
$$;
CREATE TABLE fold_result (round integer, compared bigint, different bigint, granted bigint);
GRANT INSERT ON fold_result TO regress_spsa_fold_random;

-- The same question with the privilege as a constant (folded) and from a column (asked row by row).
CREATE PROCEDURE fold_compare(round integer) LANGUAGE plpgsql AS $$
DECLARE
	fields text := (SELECT string_agg(format('%L, %I', attname, attname), ', ' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = 'fold_row'::regclass AND attnum > 1 AND NOT attisdropped);
	p text;
BEGIN
	FOREACH p IN ARRAY '{read,create,edit,delete}'::text[] LOOP
		EXECUTE format('INSERT INTO fold_result SELECT %s, count(*), count(*) FILTER (WHERE folded IS DISTINCT FROM by_row),
			count(*) FILTER (WHERE folded) FROM (SELECT
				spsa_allows_row(''fold_row'', %L, %s) AS folded,
				spsa_allows_row(''fold_row'', p.privilege, %3$s) AS by_row
			FROM fold_row, fold_privilege p WHERE p.privilege = %2$L) q', round, p, fields);
		-- As a policy it is folded without the test for NULL.
		EXECUTE format('INSERT INTO fold_result SELECT %s, 0, count(*), 0 FROM (
			(SELECT id FROM fold_%s EXCEPT SELECT id FROM fold_row, fold_privilege p WHERE p.privilege = %2$L AND spsa_allows_row(''fold_row'', p.privilege, %s))
			UNION ALL
			(SELECT id FROM fold_row, fold_privilege p WHERE p.privilege = %2$L AND spsa_allows_row(''fold_row'', p.privilege, %3$s) EXCEPT SELECT id FROM fold_%2$s)) q',
			round, p, fields);
	END LOOP;
END
$$;
CREATE PROCEDURE fold_rounds(n integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR round IN 1 .. n LOOP
		CALL fold_world();
		-- attributes as constants, and as calls
		PERFORM set_config('spsa.share_plans', CASE round % 2 WHEN 0 THEN 'on' ELSE 'off' END, false);
		SET ROLE regress_spsa_fold_random;
		CALL fold_compare(round);
		RESET ROLE;
	END LOOP;
END
$$;
SELECT spsa_attach_connection(:'tok') \g /dev/null
CALL fold_rounds(:rounds);
SELECT sum(compared) >= 100000 AS enough, sum(different) AS different,
	sum(granted) / sum(compared) BETWEEN 0.2 AND 0.8 AS balanced,
	count(*) FILTER (WHERE granted > 0 AND granted < compared) > :rounds AS mixed
FROM fold_result;
-- That the first of the two is folded, and the second is not:
SET ROLE regress_spsa_fold_random;
SELECT spsa_detach();
EXPLAIN (COSTS OFF) SELECT FROM fold_row WHERE spsa_allows_row('fold_row', 'read', 'i', i);
EXPLAIN (COSTS OFF) SELECT FROM fold_read;
EXPLAIN (COSTS OFF) SELECT FROM fold_row, fold_privilege WHERE spsa_allows_row('fold_row', privilege, 'i', i);
RESET ROLE;
DROP TABLE fold_row, fold_privilege, fold_result, fold_read, fold_create, fold_edit, fold_delete;
DROP FUNCTION fold_value;
DROP PROCEDURE fold_world, fold_rounds, fold_compare;
DROP TYPE fold_color;
DROP DOMAIN fold_rank;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_fold_random;
