-- setup.sql - tables, permission sets, users and sessions of one database.
--
-- Variables: rows; users, sets, assignments, sessions: how many there are in all, at least; twins: 1 to make the
-- unprotected copies too.
--
-- 8,150 users are used by name, each with one session; where the catalog is large they lie scattered among the others:
--   same_1 .. same_100      one set, so that they share plans
--   shape_1 .. shape_50     each a set of its own, so that no two share a plan
--   cold_1 .. cold_2000     20 sets with grants
--   bare_1 .. bare_2000     no set
--   switch_1 .. switch_4000 one set that must be activated
-- Their tokens follow from their number, so that they need not be passed around; a real token is random.
SET client_min_messages = warning;
\o /dev/null
CREATE EXTENSION spsa;
CREATE TABLE protected (id integer, region integer, owner_id integer, label integer, note text);
INSERT INTO protected
SELECT g, hashint4(g) & 15, (hashint4(g + 1) & 2147483647) % (:rows / 174), hashint4(g + 2) & 15, md5(g::text)
FROM generate_series(1, :rows) g;
CREATE TABLE subject (name text);
INSERT INTO subject VALUES ('protected');
\if :twins
CREATE TABLE plain AS TABLE protected;
CREATE TABLE other AS TABLE protected;
INSERT INTO subject VALUES ('plain'), ('other');
\endif
SELECT format('ALTER TABLE %1$s ADD PRIMARY KEY (id); CREATE INDEX ON %1$s (owner_id); CREATE INDEX ON %1$s (region);
	CREATE INDEX ON %1$s (label); CREATE INDEX ON %1$s (note text_pattern_ops); GRANT SELECT ON %1$s TO bench_app', name)
FROM subject \gexec
\if :twins
-- What any policy costs at least: "other" is under one of PostgreSQL's own that lets everything pass.
ALTER TABLE other ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON other USING (true);
\endif
VACUUM (ANALYZE);
SELECT spsa_protect('protected', '{region,owner_id,label}');

-- Whoever has a case of its own in measure.sql.
SELECT spsa_create_permission_set(n) FROM unnest('{own,fields,everything}'::text[]) n;
SELECT spsa_create_permission_set('many_' || g, activation_required => true) FROM generate_series(1, 12) g;
SELECT spsa_create_permission_set('shape_' || g) FROM generate_series(1, 50) g;
SELECT spsa_create_permission_set('work_' || g) FROM generate_series(1, 20) g;
SELECT spsa_create_permission_set('switch', activation_required => true);
SELECT spsa_grant_object(set_name, 'protected', '{read}') FROM spsa.permission_set;
SELECT spsa_grant_rows('own', 'protected', 'owner_id', attribute => 'emp_no');
-- 7/15 x 1/4 x 6/7: a tenth
SELECT spsa_grant_rows('fields', 'protected', 'region', '{1,2,3,4,5,6,7,8}');
SELECT spsa_grant_rows('fields', 'protected', 'label', '{1,2,3,4}');
SELECT spsa_grant_rows('fields', 'protected', 'owner_id', ARRAY[(:rows / 174 / 5)::text], operator => '>=');
-- 12 sets with 40 values in all, which merge into one list
SELECT spsa_grant_rows('many_' || 1 + g % 12, 'protected', 'owner_id', ARRAY[(g * 7)::text]) FROM generate_series(1, 40) g;
SELECT spsa_grant_rows('shape_' || g, 'protected', 'owner_id', ARRAY[(100 + g)::text]) FROM generate_series(1, 50) g;
SELECT spsa_grant_rows('work_' || g, 'protected', 'region', ARRAY[(g % 16)::text]) FROM generate_series(1, 20) g;
SELECT spsa_grant_rows('switch', 'protected', 'region', '{3}');
SELECT spsa_create_user(n, '{"emp_no": 77}') FROM unnest('{own,fields,everything,nothing,many}'::text[]) n;
SELECT spsa_assign(n, n) FROM unnest('{own,fields,everything}'::text[]) n;
SELECT spsa_assign('many', 'many_' || g) FROM generate_series(1, 12) g;
CREATE TABLE token (kind text, n integer, emp_no integer, id integer, session_id uuid, token text, PRIMARY KEY (kind, n));
INSERT INTO token
SELECT kind, 0, 77, NULL, session_id, token
FROM unnest('{own,fields,everything,nothing,many}'::text[]) kind, LATERAL spsa_open_session(kind, db_role => NULL);
SELECT spsa_activate(session_id, 'many_' || g) FROM token, generate_series(1, 12) g WHERE kind = 'many';

-- The multitude, past the triggers, which would audit and signal each row.
CREATE FUNCTION token_of(secret bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT 'spsa_' || translate(encode(secret || substr(sha256('spsa token'::bytea || secret), 1, 4), 'base64'), '+/', '-_')
$$;
CREATE TABLE person AS
SELECT 100 + g AS user_id, g, CASE WHEN g % step = 0 THEN g / step END AS chosen
FROM generate_series(1, greatest(:users, 8150)) g, (SELECT greatest(:users / 8150, 1) AS step) s;
ALTER TABLE person ADD kind text NOT NULL DEFAULT 'crowd', ADD n integer;
UPDATE person SET kind = k.kind, n = chosen - before
FROM (VALUES ('same', 0, 100), ('shape', 100, 150), ('cold', 150, 2150), ('bare', 2150, 4150), ('switch', 4150, 8150)) k (kind, before, upto)
WHERE chosen > before AND chosen <= upto;
UPDATE person SET n = g WHERE kind = 'crowd';
VACUUM (ANALYZE) person;
CREATE TABLE disabled AS
SELECT format('ALTER TABLE %s %%s TRIGGER %I', tgrelid::regclass, tgname) AS command, tgenabled
FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid AND c.relkind = 'r'
WHERE tgrelid::regclass::text LIKE 'spsa.%' AND NOT tgisinternal;
SELECT format(command, 'DISABLE') FROM disabled \gexec
SET session_replication_role = replica;		-- foreign keys
INSERT INTO spsa.app_user (user_id, user_name, attributes)
SELECT user_id, kind || '_' || n, jsonb_build_object('emp_no', CASE WHEN kind IN ('same', 'shape') THEN 100 + n ELSE g % (:rows / 174) END)
FROM person ORDER BY user_id;
INSERT INTO spsa.permission_set (set_id, set_name) SELECT g, 'crowd_' || g FROM generate_series(1001, 1000 + :sets) g;
INSERT INTO spsa.object_permission (set_id, object, can_read, row_scoped)
SELECT g, 'protected'::regclass, true, true FROM generate_series(1001, 1000 + :sets) g;
INSERT INTO spsa.row_scope (set_id, object, field, literals, field_type)
SELECT g, 'protected'::regclass, 'owner_id', ARRAY[g::text], 'integer'::regtype FROM generate_series(1001, 1000 + :sets) g;
INSERT INTO spsa.assignment (user_id, set_id)
SELECT p.user_id, s.set_id
FROM person p, unnest(CASE p.kind WHEN 'same' THEN ARRAY['own'] WHEN 'shape' THEN ARRAY['shape_' || p.n] WHEN 'switch' THEN ARRAY['switch']
		ELSE ARRAY(SELECT 'work_' || g FROM generate_series(1, 20) g) END) AS assigned
	JOIN spsa.permission_set s ON s.set_name = assigned
WHERE p.kind NOT IN ('crowd', 'bare');
INSERT INTO spsa.assignment (user_id, set_id)
SELECT user_id, 1001 + (g::bigint * 7919 + k * 1237) % (:sets)
FROM person, generate_series(1, ceil(:assignments / greatest(:users, 1)::numeric)::integer) k WHERE kind = 'crowd';
INSERT INTO spsa.session (session_id, user_id, token_hash, expires_at)
SELECT md5(kind || n)::uuid, user_id, sha256(convert_to(token_of(sha256(convert_to(kind || n, 'UTF8'))), 'UTF8')), now() + '1 day'
FROM person;
INSERT INTO spsa.session (session_id, user_id, token_hash, expires_at)
SELECT md5('more' || n || '/' || k)::uuid, user_id, sha256(convert_to(token_of(sha256(convert_to('more' || n || '/' || k, 'UTF8'))), 'UTF8')), now() + '1 day'
FROM person, generate_series(1, 5) k WHERE kind = 'cold';
SET session_replication_role = origin;
SELECT format(command, CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END) FROM disabled \gexec
INSERT INTO token
SELECT kind, n, 100 + n, (SELECT min(id) FROM protected WHERE owner_id = 100 + n), md5(kind || n)::uuid, token_of(sha256(convert_to(kind || n, 'UTF8')))
FROM person WHERE kind IN ('same', 'shape');
INSERT INTO token
SELECT kind, n, NULL, NULL, md5(kind || n)::uuid, token_of(sha256(convert_to(kind || n, 'UTF8')))
FROM person WHERE kind IN ('cold', 'bare', 'switch');
INSERT INTO token
SELECT 'more', n * 5 + k, NULL, NULL, NULL, token_of(sha256(convert_to('more' || n || '/' || k, 'UTF8')))
FROM person, generate_series(1, 5) k WHERE kind = 'cold';
DROP TABLE person;
GRANT SELECT ON token TO bench_app;
GRANT USAGE ON SCHEMA spsa TO bench_admin;
GRANT INSERT ON spsa.activation TO bench_admin;
GRANT SELECT ON token TO bench_admin;
CREATE TABLE inserted (session_id uuid, number integer, at timestamptz DEFAULT clock_timestamp(), note text, PRIMARY KEY (session_id, number));
CREATE INDEX ON inserted (at);
GRANT INSERT ON inserted TO bench_admin;
-- What an activation writes, by hand: its row, with the foreign key, and its audit event.
CREATE TABLE activation_twin (LIKE spsa.activation INCLUDING INDEXES, FOREIGN KEY (session_id) REFERENCES spsa.session);
CREATE SEQUENCE twin_seq;
ALTER TABLE activation_twin ALTER activated_at SET DEFAULT clock_timestamp(), ALTER activation_id SET DEFAULT nextval('twin_seq');
CREATE TABLE audit_twin (LIKE spsa.audit_event INCLUDING INDEXES);
ALTER TABLE audit_twin DROP transaction_id, DROP previous_id, DROP previous_at, DROP previous_hash, DROP hash;
ALTER TABLE audit_twin ALTER at SET DEFAULT clock_timestamp(), ALTER event_id SET DEFAULT nextval('twin_seq');
GRANT INSERT, SELECT ON activation_twin, audit_twin TO bench_admin;
GRANT USAGE ON SEQUENCE twin_seq TO bench_admin;
VACUUM (ANALYZE);

-- What a case calls in this database.

-- Microseconds per attach of sessions of which none is in the cache, for they are more than it holds.
CREATE FUNCTION attach_cold(of_kind text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	tokens text[] := ARRAY(SELECT token FROM token WHERE kind = of_kind ORDER BY n);
	one text;
	started timestamptz := clock_timestamp();
BEGIN
	FOREACH one IN ARRAY tokens LOOP PERFORM spsa_attach(one); END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - started) * 1e6 / cardinality(tokens);
END
$$;
-- Activations for the same sessions, call after call, so that the connection has touched all that they read.
CREATE PROCEDURE activate_again(INOUT took double precision) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
BEGIN
	PERFORM set_config('client_min_messages', 'warning', false);
	TRUNCATE spsa.activation, spsa.activation_end;
	COMMIT;
	started := clock_timestamp();
	FOR n IN 1 .. 1000 LOOP
		PERFORM spsa_activate(md5('switch' || n)::uuid, 'switch');
		COMMIT;
	END LOOP;
	took := extract(epoch FROM clock_timestamp() - started) * 1e6 / 1000;
END
$$;
-- What such an attach reads, in SQL, which takes its own time, but the same in the small and in the large catalog.
CREATE FUNCTION read_cold(of_kind text) RETURNS double precision LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
	hashes bytea[] := ARRAY(SELECT sha256(convert_to(token, 'UTF8')) FROM token WHERE kind = of_kind ORDER BY n);
	one bytea;
	started timestamptz := clock_timestamp();
BEGIN
	FOREACH one IN ARRAY hashes LOOP
		PERFORM count(s.attributes), count(u.attributes), count(e.ended_at), count(t.issued_at), count(h.authenticated_at),
			count(j.issuer), count(a.starts_at)
		FROM spsa.session s JOIN spsa.app_user u USING (user_id) LEFT JOIN spsa.session_end e USING (session_id)
			LEFT JOIN spsa.session_token t USING (session_id) LEFT JOIN spsa.session_authentication h USING (session_id)
			LEFT JOIN spsa.jwt_session j USING (session_id) LEFT JOIN spsa.assignment a USING (user_id)
		WHERE s.token_hash = one;
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - started) * 1e6 / cardinality(hashes);
END
$$;
-- Microseconds per statement that is planned each time.
CREATE FUNCTION execute_often(statement text, repeat integer) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	FOR i IN 1 .. repeat LOOP EXECUTE statement; END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - started) * 1e6 / repeat;
END
$$;
