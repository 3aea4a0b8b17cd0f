-- object_guard: what row-level security cannot guard (views, materialized views, foreign tables), and on_denied = error.

CREATE EXTENSION spsa;
-- refused until every connection loads the library
CREATE VIEW og_view AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW og_matview AS SELECT 1 AS one;
SELECT spsa_protect('og_view');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('og_matview');
ALTER ROLE CURRENT_USER SET session_preload_libraries = 'spsa';
\c -
SELECT spsa_protect('og_view');
ALTER ROLE CURRENT_USER RESET session_preload_libraries;
ALTER DATABASE :DBNAME SET session_preload_libraries = auto_explain, '$libdir/spsa';
\c -
SELECT spsa_protect('og_view');
DROP VIEW og_view;
DROP MATERIALIZED VIEW og_matview;
ALTER DATABASE :DBNAME SET session_preload_libraries = 'spsa';
\c -
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_og_clerk;
CREATE ROLE regress_spsa_og_owner;
CREATE SCHEMA regress_spsa_og;
GRANT ALL ON SCHEMA regress_spsa_og TO regress_spsa_og_clerk, regress_spsa_og_owner;
SET search_path = regress_spsa_og, public;
SET ROLE regress_spsa_og_owner;
CREATE TABLE deal (id integer PRIMARY KEY, region text, secret text);
INSERT INTO deal SELECT n, CASE WHEN n % 2 = 0 THEN 'EU' ELSE 'US' END, 'secret' || n FROM generate_series(1, 4) n;
CREATE VIEW v AS SELECT id, region, secret FROM deal;
CREATE VIEW w AS SELECT id, region FROM v;
CREATE MATERIALIZED VIEW m AS SELECT id, region, secret FROM deal;
GRANT SELECT, INSERT, UPDATE, DELETE ON v, w TO regress_spsa_og_clerk;
GRANT SELECT ON m TO regress_spsa_og_clerk;
ANALYZE deal;
ANALYZE m;
RESET ROLE;
SELECT spsa_create_user('ann') > 0 AS made;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{reader,writer,scoped,secrets}'::text[]) n;
SELECT spsa_grant_object('reader', o, '{read}'), spsa_grant_object('writer', o, '{read,create,edit,delete}') FROM unnest('{v,m}'::regclass[]) o;
SELECT spsa_assign('ann', n) FROM unnest('{reader,writer,scoped,secrets}'::text[]) n;
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_og_clerk') \gset

--
-- Protecting
--
SELECT spsa_protect('v', '{region}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('v', as_restrictive => false);
\echo :LAST_ERROR_SQLSTATE
CREATE INDEX m_region ON m (region);
CREATE INDEX m_upper ON m (upper(secret));
SELECT spsa_protect('m');
\echo :LAST_ERROR_SQLSTATE
DROP INDEX m_upper;
CREATE STATISTICS m_stat ON region, secret FROM m;
SELECT spsa_protect('m');
DROP STATISTICS m_stat;
GRANT EXECUTE ON FUNCTION spsa_protect TO regress_spsa_og_clerk, regress_spsa_og_owner;
SET ROLE regress_spsa_og_clerk;
SELECT spsa_protect('v');
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_spsa_og_owner;
SELECT spsa_protect('v'), spsa_protect('m');
SELECT spsa_protect('v'), spsa_protect('m');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION spsa_protect FROM regress_spsa_og_clerk, regress_spsa_og_owner;
SELECT p.object, p.on_denied, p.force, c.reloptions FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object ORDER BY p.object::text;
SELECT count(*) FROM pg_statistic WHERE starelid = 'm'::regclass;
ANALYZE m;
SELECT count(*) FROM pg_statistic WHERE starelid = 'm'::regclass;

CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\set tries 'SELECT s AS statement, try(s) FROM unnest(ARRAY[$$SELECT * FROM v$$, $$SELECT * FROM w$$, $$SELECT * FROM m$$, $$SELECT count(*) FROM m JOIN v USING (id)$$, $$SELECT (SELECT max(secret) FROM m)$$, $$INSERT INTO v VALUES (9, NULL, NULL)$$, $$UPDATE v SET secret = id WHERE id = 9$$, $$DELETE FROM v WHERE id = 9$$, $$UPDATE w SET region = region WHERE id = 9$$, $$EXPLAIN SELECT FROM m$$]) s'
\pset format unaligned
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
:tries;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
:tries;
SELECT already_active FROM spsa_activate_own('reader');
:tries;
SELECT already_active FROM spsa_activate_own('writer');
:tries;
SELECT spsa_deactivate_own('writer'), spsa_deactivate_own('reader');
\pset format aligned
SELECT * FROM v;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM m;
COPY v TO STDOUT;
COPY m TO STDOUT;
COPY (SELECT * FROM m) TO STDOUT;

--
-- Plans that were made earlier, cursors, the ends of sessions
--
PREPARE pv AS SELECT count(*) FROM v;
PREPARE pm AS SELECT count(*) FROM m;
EXECUTE pv;
SELECT already_active FROM spsa_activate_own('reader');
EXECUTE pv;
EXECUTE pm;
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM m;
\echo :LAST_ERROR_SQLSTATE
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM m ORDER BY id;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT spsa_deactivate_own('reader');
FETCH 1 FROM c;
EXECUTE pm;
ROLLBACK TO s;
EXECUTE pm;
SAVEPOINT t;
SELECT spsa_detach();
FETCH 1 FROM c;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM m LOOP COMMIT; END LOOP; END $$;
SELECT spsa_detach();
EXECUTE pm;
EXECUTE pv;
BEGIN;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
EXECUTE pm;
COMMIT;
EXECUTE pm;
SET spsa.session_token = '';
SELECT try('SELECT * FROM m');
-- workers of a parallel plan run what their leader checked
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
-- PostgreSQL 16 has another name for it
SELECT name AS force_parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
SET :force_parallel = on;
SELECT count(*) FROM m;
SELECT spsa_deactivate_own('reader');
SELECT count(*) FROM m;
RESET :force_parallel;

-- rows cannot be scoped: what is granted for some rows alone is not granted
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_object('scoped', 'm', '{read}', true), spsa_grant_rows('scoped', 'm', 'region', '{EU}');
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT already_active FROM spsa_activate_own('scoped');
SELECT count(*) FROM m;
SELECT spsa_deactivate_own('scoped');

--
-- Fields of them
--
RESET SESSION AUTHORIZATION;
SELECT spsa_protect_field('v', 'secret'), spsa_protect_field('m', 'secret');
SELECT spsa_grant_field('secrets', 'v', 'secret', '{read}'), spsa_grant_field('secrets', 'm', 'secret', '{read}');
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT already_active FROM spsa_activate_own('writer');
SELECT count(id) FROM v;
SELECT count(secret) FROM v;
SELECT count(secret) FROM m;
INSERT INTO v (id, secret) VALUES (9, 'x');
SELECT already_active FROM spsa_activate_own('secrets');
SELECT count(secret) FROM v;
SELECT count(secret) FROM m;
UPDATE v SET secret = 'x' WHERE id = 9;
SELECT spsa_deactivate_all();

-- a session that is over
RESET SESSION AUTHORIZATION;
SELECT token AS over FROM spsa_open_session('ann', db_role => 'regress_spsa_og_clerk') \gset
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT spsa_attach_connection(:'over') IS NOT NULL AS attached;
SELECT already_active FROM spsa_activate_own('writer');
SELECT spsa_close_session();
SELECT try('SELECT id FROM v') AS view, try('SELECT id FROM m') AS matview;
\copy v (id) FROM '/dev/null'
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_detach();
SET SESSION AUTHORIZATION DEFAULT;
SET spsa.require_session = on;
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT try('SELECT id FROM v') AS view, try('SELECT id FROM m') AS matview;
\copy v (id) FROM '/dev/null'
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION DEFAULT;
RESET spsa.require_session;

--
-- Whom it concerns
--
SET SESSION AUTHORIZATION regress_spsa_og_owner;
SELECT spsa_detach();
SELECT count(*) FROM m;
SELECT count(*) FROM v;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM m;
SELECT spsa_protect('m', force => false), spsa_protect('v', force => false);
SET SESSION AUTHORIZATION regress_spsa_og_owner;
SELECT count(*) FROM m;
SELECT count(*) FROM v;
REFRESH MATERIALIZED VIEW m;
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT count(*) FROM m;
SELECT count(*) FROM w;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_spsa_og_clerk BYPASSRLS;
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT count(*) FROM m;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_spsa_og_clerk NOBYPASSRLS;

--
-- What the planner could show by an operator of the user's
--
CREATE OR REPLACE VIEW v AS SELECT id, region, secret FROM deal;
\echo :LAST_ERROR_SQLSTATE
CREATE OR REPLACE VIEW v WITH (security_barrier) AS SELECT id, region, secret FROM deal;
ALTER VIEW v RESET (security_barrier);
ALTER VIEW v SET (security_barrier = off);
ALTER VIEW w SET (security_barrier = off);
ALTER MATERIALIZED VIEW m ALTER COLUMN secret SET STATISTICS 10;
\echo :LAST_ERROR_SQLSTATE
CREATE INDEX m_upper ON m (upper(secret));
CREATE STATISTICS m_stat ON region, secret FROM m;
CREATE INDEX m_id ON m (id);
SELECT spsa_unprotect('m');
CREATE INDEX m_upper ON m (upper(secret));
ANALYZE m;
SELECT count(*) > 0 AS statistics FROM pg_statistic WHERE starelid = 'm'::regclass;
SELECT spsa_unprotect('m');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect('v');
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT count(*) FROM v;
RESET SESSION AUTHORIZATION;

--
-- Tables: rows are hidden, or an error
--
SELECT spsa_protect('deal', '{region}', on_denied => 'error');
SELECT on_denied FROM spsa.protected_object;
GRANT SELECT, INSERT, UPDATE ON deal TO regress_spsa_og_clerk;
SELECT spsa_grant_object('reader', 'deal', '{read}', true), spsa_grant_rows('reader', 'deal', 'region', '{EU}');
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
SELECT count(*) FROM deal;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT count(*) FROM deal;
COPY deal TO STDOUT;
EXPLAIN SELECT * FROM deal;
SELECT 1 WHERE EXISTS (SELECT FROM deal);
PREPARE pd AS SELECT count(*) FROM deal;
EXECUTE pd;
SELECT already_active FROM spsa_activate_own('reader');
EXECUTE pd;
SELECT count(*) FROM deal;
UPDATE deal SET secret = '';
SELECT spsa_deactivate_own('reader');
EXECUTE pd;
RESET SESSION AUTHORIZATION;
-- said anew, it hides again
SELECT spsa_protect('deal', '{region}');
SET SESSION AUTHORIZATION regress_spsa_og_clerk;
EXECUTE pd;
UPDATE deal SET secret = '';
RESET SESSION AUTHORIZATION;

DROP SCHEMA regress_spsa_og CASCADE;
SELECT count(*) FROM spsa.protected_object;
DROP EXTENSION spsa;
DROP ROLE regress_spsa_og_clerk, regress_spsa_og_owner;
ALTER DATABASE :DBNAME RESET session_preload_libraries;
