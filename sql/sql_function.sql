-- sql_function.sql - authority that changes between the statements of a function in SQL. Up to PostgreSQL 17 all of them are
-- planned before the first one runs, and what was planned under other authority is refused (expected/sql_function.out); from
-- 18 on each is planned when its turn comes (expected/sql_function_1.out). Under either nobody sees rows of somebody else's.
SET client_min_messages = warning;
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_sf_app;
CREATE TABLE sf_doc (id int PRIMARY KEY, region text);
INSERT INTO sf_doc SELECT n, CASE n % 3 WHEN 0 THEN 'EU' WHEN 1 THEN 'US' ELSE 'AP' END FROM generate_series(1, 9) n;
GRANT SELECT ON sf_doc TO regress_spsa_sf_app;
SELECT spsa_protect('sf_doc', '{region}');
SELECT spsa_create_user('ann'), spsa_create_user('ben');
SELECT spsa_create_permission_set('eu') > 0, spsa_create_permission_set('us') > 0, spsa_create_permission_set('all', activation_required => true) > 0;
SELECT spsa_grant_object('eu', 'sf_doc', '{read}', true), spsa_grant_rows('eu', 'sf_doc', 'region', '{EU}');
SELECT spsa_grant_object('us', 'sf_doc', '{read}', true), spsa_grant_rows('us', 'sf_doc', 'region', '{US}');
SELECT spsa_grant_object('all', 'sf_doc', '{read}');
SELECT spsa_assign('ann', 'eu'), spsa_assign('ann', 'all'), spsa_assign('ben', 'us');
SELECT token AS ann, session_id AS ann_sid FROM spsa_open_session('ann', db_role => 'regress_spsa_sf_app') \gset
SELECT token AS ben, session_id AS ben_sid FROM spsa_open_session('ben', db_role => 'regress_spsa_sf_app') \gset
CREATE FUNCTION sf_attach(token text) RETURNS int[] LANGUAGE sql VOLATILE AS $$
	SELECT spsa_attach(token);
	SELECT array_agg(id ORDER BY id) FROM sf_doc;
$$;
CREATE FUNCTION sf_detach(token text) RETURNS int[] LANGUAGE sql VOLATILE AS $$
	SELECT spsa_attach(token);
	SELECT spsa_detach();
	SELECT array_agg(id ORDER BY id) FROM sf_doc;
$$;
CREATE FUNCTION sf_activate() RETURNS int[] LANGUAGE sql VOLATILE AS $$
	SELECT already_active FROM spsa_activate_own('all');
	SELECT array_agg(id ORDER BY id) FROM sf_doc;
$$;
CREATE FUNCTION sf_deactivate() RETURNS int[] LANGUAGE sql VOLATILE AS $$
	SELECT spsa_deactivate_own('all');
	SELECT array_agg(id ORDER BY id) FROM sf_doc;
$$;

SET SESSION AUTHORIZATION regress_spsa_sf_app;
-- who attaches and asks in the next statement sees its rows, or is told that this cannot be
SELECT count(*) FROM sf_doc;
BEGIN;
SELECT sf_attach(:'ann');
ROLLBACK;
BEGIN;
SELECT sf_attach(:'ben');
ROLLBACK;
-- one after the other, with what the first one has planned
BEGIN;
SELECT spsa_attach(:'ann') = :'ann_sid' AS attached;
SELECT sf_attach(:'ann');
SAVEPOINT s;
SELECT sf_attach(:'ben');
ROLLBACK TO s;
SELECT sf_attach(:'ann');
COMMIT;
BEGIN;
SELECT spsa_attach(:'ben') = :'ben_sid' AS attached;
SELECT sf_detach(:'ann');
COMMIT;
SELECT count(*) FROM sf_doc;
-- the same session with more, and with less again
SELECT spsa_attach_connection(:'ann') = :'ann_sid' AS attached;
SELECT sf_activate();
SELECT array_agg(id ORDER BY id) FROM sf_doc;
SELECT already_active FROM spsa_activate_own('all');
SELECT sf_activate();
SELECT sf_deactivate();
SELECT array_agg(id ORDER BY id) FROM sf_doc;
SELECT spsa_deactivate_own('all');
SELECT sf_deactivate();
SELECT spsa_detach();
SELECT array_agg(id ORDER BY id) FROM sf_doc;

RESET SESSION AUTHORIZATION;
DROP FUNCTION sf_attach(text), sf_detach(text), sf_activate(), sf_deactivate();
DROP TABLE sf_doc;
DROP EXTENSION spsa;
DROP OWNED BY regress_spsa_sf_app;
DROP ROLE regress_spsa_sf_app;
