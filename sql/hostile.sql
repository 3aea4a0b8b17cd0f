-- Attempts to see more than is granted, each of which worked once.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_hostile_owner;
CREATE ROLE regress_spsa_hostile_attacker;
CREATE ROLE regress_spsa_hostile_dba SUPERUSER;
GRANT CREATE ON SCHEMA public TO regress_spsa_hostile_owner, regress_spsa_hostile_attacker;
CREATE TYPE hostile_mood AS ENUM ('good', 'secretvalue');
CREATE TABLE hostile_order (id integer PRIMARY KEY, region text, mood hostile_mood);
INSERT INTO hostile_order SELECT g, (ARRAY['EU', 'US', 'APAC'])[1 + g % 3], 'good' FROM generate_series(1, 30) g;
GRANT SELECT, INSERT, UPDATE, DELETE ON hostile_order TO regress_spsa_hostile_attacker, regress_spsa_hostile_dba;
SELECT spsa_protect('hostile_order', '{region,mood}');
SELECT spsa_create_permission_set('hostile_eu') > 0 AS made, spsa_create_permission_set('hostile_all') > 0 AS made,
	spsa_create_permission_set('hostile_gated', activation_required => true) > 0 AS made;
SELECT spsa_grant_object('hostile_eu', 'hostile_order', '{read,edit}'), spsa_grant_object('hostile_all', 'hostile_order', '{read}'),
	spsa_grant_object('hostile_gated', 'hostile_order', '{read}');
SELECT spsa_grant_rows('hostile_eu', 'hostile_order', 'region', '{EU}');
SELECT spsa_create_user('hostile_lo') > 0 AS made, spsa_create_user('hostile_dba', db_role => 'regress_spsa_hostile_dba') > 0 AS made;
SELECT spsa_assign('hostile_lo', 'hostile_eu'), spsa_assign('hostile_lo', 'hostile_gated'), spsa_assign('hostile_dba', 'hostile_all');
SELECT token AS lo FROM spsa_open_session('hostile_lo', db_role => 'regress_spsa_hostile_attacker') \gset

--
-- An index function that an administrator's maintenance runs
--
SET SESSION AUTHORIZATION regress_spsa_hostile_attacker;
CREATE TABLE hostile_trap (x integer);
CREATE TABLE hostile_loot (what text, rows bigint);
CREATE FUNCTION hostile_spring() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.hostile_loot SELECT COALESCE(public.spsa_user_name(), 'nobody'), count(*) FROM public.hostile_order;
	BEGIN
		PERFORM public.spsa_open_own_session();
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO public.hostile_loot VALUES (SQLERRM, 0);
	END;
	INSERT INTO public.hostile_loot SELECT COALESCE(public.spsa_user_name(), 'nobody'), count(*) FROM public.hostile_order;
END $$;
CREATE FUNCTION hostile_index(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM public.hostile_spring();
	RETURN $1;
END $$;
CREATE INDEX hostile_trap_idx ON hostile_trap (hostile_index(x));
INSERT INTO hostile_trap VALUES (1);
TRUNCATE hostile_loot;
SET SESSION AUTHORIZATION regress_spsa_hostile_dba;
SELECT spsa_open_own_session() IS NOT NULL AS opened, count(*) FROM hostile_order;
SELECT count(*) FROM hostile_order WHERE spsa_user_name() = 'hostile_dba';
ANALYZE hostile_trap;
REINDEX INDEX hostile_trap_idx;
SELECT spsa_detach();
ANALYZE hostile_trap;
SELECT DISTINCT what, rows FROM hostile_loot ORDER BY what, rows;
DROP TABLE hostile_trap;

--
-- A text that was long to search for tokens
--
SET SESSION AUTHORIZATION regress_spsa_hostile_attacker;
DO $$
BEGIN
	EXECUTE format('SELECT %L::integer', repeat('eyJ', 400000) || repeat('spsa_', 100000));
EXCEPTION WHEN invalid_text_representation THEN
	NULL;
END $$;
\set ECHO none
SELECT repeat('eyJ', 400000) AS long \gset
\set VERBOSITY sqlstate
SELECT :'long'::integer;
\set VERBOSITY default
\set ECHO all

--
-- Messages that tell whether a guess is part of a token that somebody else has sent over this connection
--
BEGIN;
SELECT spsa_attach(:'lo') IS NOT NULL AS attached;
SELECT 1 / 0;
ROLLBACK;
DISCARD ALL;
SET SESSION AUTHORIZATION regress_spsa_hostile_attacker;
SET client_min_messages = warning;
\set ECHO none
SELECT format('DO $do$ BEGIN RAISE EXCEPTION ''%s''; END $do$', substr(:'lo', 6, 20)) AS guess, substr(:'lo', 6, 20) AS part \gset
\set VERBOSITY sqlstate
:guess;
\set VERBOSITY default
\set ECHO all
SELECT :'LAST_ERROR_MESSAGE' = :'part' AS same;

--
-- NULL where the function says FALSE
--
CREATE TEMP TABLE hostile_null (region text);
INSERT INTO hostile_null VALUES (NULL), ('EU'), ('US');
SELECT spsa_attach_connection(:'lo') IS NOT NULL AS attached;
SELECT region, spsa_allows_row('hostile_order', 'read', 'region', region) AS folded,
	spsa_allows_row('hostile_order', 'read', 'region', region) IS NOT FALSE AS not_false,
	NOT spsa_allows_row('hostile_order', 'read', 'region', region) AS denied
FROM hostile_null ORDER BY region;
-- also where the policy of the table has the same call, and after an outer join
CREATE TABLE hostile_detail (id integer, secret text);
INSERT INTO hostile_detail VALUES (2, 'US secret'), (3, 'EU secret');
SELECT t.id, CASE WHEN NOT spsa_allows_row('hostile_order', 'read', 'region'::text, d.region, 'mood'::text, d.mood) THEN '***' ELSE secret END AS shown,
	spsa_allows_row('hostile_order', 'read', 'region'::text, d.region, 'mood'::text, d.mood) AS allowed
FROM hostile_detail t LEFT JOIN hostile_order d USING (id) ORDER BY 1;
SELECT t.id FROM hostile_detail t LEFT JOIN hostile_order d USING (id)
WHERE spsa_allows_row('hostile_order', 're' || 'ad', 'region'::text, d.region, 'mood'::text, d.mood) IS NOT FALSE ORDER BY 1;
CREATE FUNCTION hostile_may(region text, mood hostile_mood) RETURNS boolean LANGUAGE sql STABLE AS
	$$ SELECT spsa_allows_row('hostile_order', 'read', 'region'::text, region, 'mood'::text, mood) $$;
SELECT t.id FROM hostile_detail t LEFT JOIN hostile_order d USING (id) WHERE COALESCE(hostile_may(d.region, d.mood), true) ORDER BY 1;
DROP FUNCTION hostile_may(text, hostile_mood);
DROP TABLE hostile_detail;
-- As a condition of a policy it needs no such care, which would keep it off indexes.
EXPLAIN (COSTS OFF) SELECT FROM hostile_order;
EXPLAIN (COSTS OFF) SELECT hostile_attacker_may IS NOT NULL FROM hostile_order, LATERAL (SELECT lower(region)) l (hostile_attacker_may) WHERE id = 3;
EXPLAIN (COSTS OFF) UPDATE hostile_order SET region = 'EU' WHERE region = 'EU';
SELECT spsa_detach();
-- Nothing granted, nothing scanned, whatever else is asked for.
EXPLAIN (COSTS OFF) SELECT FROM hostile_order WHERE id > 7 AND region LIKE 'E%';
EXPLAIN (COSTS OFF) SELECT FROM hostile_null n LEFT JOIN hostile_order o ON o.region = n.region AND o.id = 3;

--
-- Results that are read after the binding has ended
--
SELECT set_config('hostile.token', :'lo', false) = :'lo' AS known;
-- a loop that commits
DO $$
DECLARE
	r record;
	n integer := 0;
BEGIN
	PERFORM spsa_attach(current_setting('hostile.token'));
	FOR r IN SELECT id FROM hostile_order LOOP
		n := n + 1;
		COMMIT;
	END LOOP;
	RAISE WARNING 'read % rows', n;
END $$;
\echo :LAST_ERROR_SQLSTATE
-- a cursor WITH HOLD over a function with a cursor of its own
CREATE FUNCTION pg_temp.hostile_rows() RETURNS SETOF integer LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT id FROM public.hostile_order LOOP
		RETURN NEXT r.id;
	END LOOP;
END $$;
BEGIN;
SELECT spsa_attach(:'lo') IS NOT NULL AS attached;
DECLARE hostile_held CURSOR WITH HOLD FOR SELECT * FROM pg_temp.hostile_rows();
COMMIT;
\echo :LAST_ERROR_SQLSTATE
FETCH hostile_held;
-- also after an error that it has caught
CREATE FUNCTION pg_temp.hostile_rows_after_error() RETURNS SETOF integer LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		PERFORM 1 / count(*) FROM pg_catalog.pg_class WHERE false;
	EXCEPTION WHEN division_by_zero THEN
	END;
	RETURN QUERY SELECT * FROM pg_temp.hostile_rows();
END $$;
BEGIN;
SELECT spsa_attach(:'lo') IS NOT NULL AS attached;
DECLARE hostile_held CURSOR WITH HOLD FOR SELECT * FROM pg_temp.hostile_rows_after_error();
COMMIT;
\echo :LAST_ERROR_SQLSTATE
FETCH hostile_held;
-- without HOLD it serves, and what was refused does not stand in its way
BEGIN;
SELECT spsa_attach(:'lo') IS NOT NULL AS attached;
DECLARE hostile_plain CURSOR FOR SELECT * FROM pg_temp.hostile_rows();
FETCH 1 FROM hostile_plain;
DECLARE hostile_plainer CURSOR FOR SELECT * FROM pg_temp.hostile_rows_after_error();
FETCH 1 FROM hostile_plainer;
COMMIT;

--
-- Switching the session where the executor finishes
--
CREATE FUNCTION hostile_switch() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM spsa_detach();
	RETURN 'good';
END $$;
SELECT spsa_attach_connection(:'lo') IS NOT NULL AS attached;
WITH u AS (UPDATE hostile_order SET mood = hostile_switch()::hostile_mood RETURNING id) SELECT 1;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_user_name(), count(*) FROM hostile_order WHERE spsa_user_name() IS NOT NULL;

--
-- Settings that would make the audit trail lie
--
SET datestyle = 'SQL, DMY';
SET timezone = '<UTC>-12';
SELECT already_active FROM spsa_activate_own('hostile_gated', '1 hour');
RESET SESSION AUTHORIZATION;
SELECT (e.detail ->> 'expires_at')::timestamptz = a.expires_at AS same, e.detail ->> 'expires_at' ~ '^\d{4}-\d\d-\d\dT.*\+00:00$' AS iso
FROM spsa.audit_event e, spsa.activation a WHERE e.event = 'activate';
RESET datestyle;
RESET timezone;

--
-- A literal that is no value of its type any more
--
SELECT spsa_grant_rows('hostile_eu', 'hostile_order', 'mood', '{good,secretvalue}');
ALTER TYPE hostile_mood RENAME VALUE 'secretvalue' TO 'other';
SET SESSION AUTHORIZATION regress_spsa_hostile_attacker;
SELECT spsa_deactivate_own('hostile_gated');
SELECT count(*) FROM hostile_order;
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
UPDATE spsa.row_scope SET literals = '{good,other}' WHERE field = 'mood';
SET SESSION AUTHORIZATION regress_spsa_hostile_attacker;
SELECT count(*) FROM hostile_order;

--
-- Stalling everybody by a lock on a table of others
--
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION spsa_protect, spsa_unprotect TO regress_spsa_hostile_attacker;
SET SESSION AUTHORIZATION regress_spsa_hostile_attacker;
BEGIN;
SELECT spsa_protect('pg_class');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT spsa_unprotect('hostile_order');
ROLLBACK TO s;
SELECT spsa_protect('hostile_order');
ROLLBACK TO s;
SELECT count(*) AS locked FROM pg_locks WHERE relation = 'hostile_order'::regclass AND mode = 'AccessExclusiveLock';
ROLLBACK;

--
-- Joining an inheritance tree after the protection
--
RESET SESSION AUTHORIZATION;
CREATE TABLE hostile_parent (id integer, region text, mood hostile_mood);
ALTER TABLE hostile_order INHERIT hostile_parent;
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE hostile_parts (id integer, region text, mood hostile_mood) PARTITION BY RANGE (id);
ALTER TABLE hostile_order ALTER id DROP NOT NULL;
ALTER TABLE hostile_parts ATTACH PARTITION hostile_order DEFAULT;
SELECT count(*) FROM hostile_parent;
-- what comes below it is protected with it
CREATE TABLE hostile_child () INHERITS (hostile_order);
SELECT object, root FROM spsa.protected_object WHERE object = 'hostile_child'::regclass;

SELECT spsa_detach();
DROP TABLE hostile_child, hostile_order, hostile_parent, hostile_parts, hostile_loot;
DROP FUNCTION hostile_spring(), hostile_index(integer), hostile_switch();
DROP EXTENSION spsa CASCADE;
DROP TYPE hostile_mood;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_hostile_owner, regress_spsa_hostile_attacker;
DROP OWNED BY regress_spsa_hostile_attacker CASCADE;
DROP ROLE regress_spsa_hostile_owner, regress_spsa_hostile_attacker, regress_spsa_hostile_dba;
