-- advisor: spsa_check(): each finding is produced, shown, its remedy is run as it is, and then it is gone; a clean set-up gives
-- neither errors nor warnings.

SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_adv_owner;
CREATE ROLE regress_spsa_adv_past BYPASSRLS;
CREATE ROLE regress_spsa_adv_app LOGIN;
CREATE ROLE regress_spsa_adv_admin;
CREATE SCHEMA regress_spsa_adv;
GRANT ALL ON SCHEMA regress_spsa_adv TO regress_spsa_adv_owner, regress_spsa_adv_past;
SET search_path = regress_spsa_adv, public;
SET SESSION AUTHORIZATION regress_spsa_adv_owner;
CREATE TABLE deal (id integer PRIMARY KEY, region text, amount integer, note text);
CREATE TABLE part (id integer) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (10);
CREATE TABLE lax (id integer);
CREATE TABLE plain (id integer);
GRANT SELECT, INSERT, UPDATE, DELETE ON deal, part, lax TO regress_spsa_adv_app;
GRANT SELECT ON deal, part, lax TO regress_spsa_adv_past;
RESET SESSION AUTHORIZATION;
SELECT spsa_create_user('ann') > 0 AS ann, spsa_create_user('bob') > 0 AS bob;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{reader,scoped,approver}'::text[]) n;
SELECT spsa_protect('deal', '{region,amount}'), spsa_protect('part'), spsa_protect('lax', as_restrictive => false);
SELECT spsa_grant_object('reader', 'deal', '{read}'), spsa_grant_rows('reader', 'deal', 'region', '{EU}');
SELECT spsa_grant_object('scoped', 'deal', '{read}'), spsa_grant_rows('scoped', 'deal', 'amount', '{7}');
SELECT spsa_assign('ann', 'reader');

--
-- A clean set-up
--
SELECT * FROM spsa_check() WHERE severity <> 'info';
CREATE TEMP TABLE known AS SELECT * FROM spsa_check();
CREATE TEMP VIEW found AS SELECT * FROM spsa_check() EXCEPT SELECT * FROM known;
\set show 'SELECT severity, object, problem, remedy FROM found ORDER BY severity, object COLLATE "C", problem COLLATE "C", remedy COLLATE "C"'
\set remedies 'SELECT remedy FROM found ORDER BY severity, object COLLATE "C", problem COLLATE "C", remedy COLLATE "C"'
:show;

-- nobody's until it is granted
SET SESSION AUTHORIZATION regress_spsa_adv_app;
SELECT * FROM spsa_check();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM spsa.finding_policy();
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_administration('regress_spsa_adv_admin');
SET SESSION AUTHORIZATION regress_spsa_adv_admin;
SELECT count(*) FROM spsa_check() WHERE severity <> 'info';
RESET SESSION AUTHORIZATION;

--
-- Policies and triggers
--
ALTER TABLE deal DISABLE ROW LEVEL SECURITY;
:show;
:remedies \gexec
:show;
ALTER TABLE deal NO FORCE ROW LEVEL SECURITY;
:show;
:remedies \gexec
:show;
-- without force: a warning when somebody can log in as the owner
SELECT spsa_protect('deal', '{region,amount}', force => false);
:show;
GRANT regress_spsa_adv_owner TO regress_spsa_adv_app;
:show;
:remedies \gexec
:show;
REVOKE regress_spsa_adv_owner FROM regress_spsa_adv_app;
SELECT spsa_protect('deal', '{region,amount}');
ALTER POLICY spsa_read ON deal USING (true OR spsa_allows_row('deal', 'read', 'region', region));
ALTER POLICY spsa_create ON deal WITH CHECK (true);
ALTER POLICY spsa_edit ON deal TO regress_spsa_adv_app;
:show;
:remedies \gexec
:show;
ALTER EVENT TRIGGER spsa_on_sql_drop DISABLE;
DROP POLICY spsa_delete ON deal;
DROP POLICY spsa_read_admit ON deal;
ALTER TABLE part_1 DISABLE TRIGGER spsa_truncate;
:show;
:remedies \gexec
:show;
CREATE POLICY mine ON deal FOR SELECT USING (amount < 100);
CREATE POLICY mine ON lax USING (true);
:show;
:remedies \gexec
:show;
DROP POLICY mine ON deal;
SELECT spsa_protect('deal', '{region,amount}');
-- what comes below while the event trigger is off
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
SET SESSION AUTHORIZATION regress_spsa_adv_owner;
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
RESET SESSION AUTHORIZATION;
:show;
:remedies \gexec
:show;
ALTER TABLE spsa.assignment DISABLE TRIGGER signal;
ALTER TABLE spsa.assignment ENABLE REPLICA TRIGGER audit_change;
ALTER TABLE spsa.permission_set ENABLE TRIGGER signal;
:show;
:remedies \gexec
:show;

--
-- What reads with other rights
--
SET SESSION AUTHORIZATION regress_spsa_adv_past;
CREATE VIEW seen AS SELECT id FROM deal;
CREATE VIEW invoked WITH (security_invoker) AS SELECT id FROM deal;
CREATE VIEW over_invoked AS SELECT id FROM invoked;
CREATE VIEW for_itself AS SELECT id FROM deal;
GRANT SELECT ON seen, invoked, over_invoked TO regress_spsa_adv_app;
CREATE FUNCTION constant() RETURNS bigint LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT count(*) FROM deal; END;
CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM deal; END;
SET SESSION AUTHORIZATION regress_spsa_adv_owner;
CREATE VIEW under_policies AS SELECT id FROM deal;
GRANT SELECT ON under_policies TO regress_spsa_adv_app;
CREATE TABLE refers (id integer REFERENCES deal);
RESET SESSION AUTHORIZATION;
:show;
:remedies \gexec
:show;
SELECT spsa_unprotect('refers');
DROP TABLE refers;

--
-- Roles and privileges
--
GRANT TRUNCATE ON deal, lax TO regress_spsa_adv_app;
GRANT TRIGGER, REFERENCES ON deal TO PUBLIC;
GRANT UPDATE (token_hash) ON spsa.session TO regress_spsa_adv_app;
GRANT DELETE ON spsa.audit_event TO regress_spsa_adv_app;
GRANT TRIGGER ON spsa.assignment TO regress_spsa_adv_app;
GRANT INSERT ON spsa.activation TO regress_spsa_adv_app;
GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_adv_app, PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;
:show;
:remedies \gexec
:show;
ALTER ROLE regress_spsa_adv_app RESET ALL;
SELECT spsa_create_user('app', db_role => 'regress_spsa_adv_app') > 0 AS made;
ALTER ROLE regress_spsa_adv_app BYPASSRLS;
:show;
:remedies \gexec
:show;
ALTER ROLE regress_spsa_adv_app SUPERUSER;
:show;
:remedies \gexec
:show;

--
-- What is configured
--
SELECT spsa_grant_object('scoped', 'plain', '{read}');
SELECT spsa_grant_object('scoped', 'part', '{read}', row_scoped => true);
ALTER TABLE deal ADD kind integer;
SELECT spsa_protect('deal', '{region,kind}');
:show;
:remedies \gexec
:show;
SELECT spsa_grant_rows('scoped', 'deal', 'kind', '{1}');
SELECT spsa_unprotect('deal');
ALTER TABLE deal ALTER kind TYPE bigint;
ALTER TABLE deal DROP amount;
SELECT spsa_protect('deal', '{region,kind}');
:show;
:remedies \gexec
:show;
SELECT spsa_drop_activation_rule('reader');
-- What is dropped while event triggers are off. (Numbers of relations differ.)
CREATE FUNCTION gone(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT spsa_grant_function('reader', 'gone(uuid)');
SELECT spsa_create_flow('lost', criterion => 'gone(uuid)') > 0 AS made;
ALTER EVENT TRIGGER spsa_on_sql_drop DISABLE;
ALTER EVENT TRIGGER spsa_before_ddl DISABLE;
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
SELECT spsa_unprotect('plain');
SELECT spsa_protect('lax', as_restrictive => false);
DROP TABLE plain, lax;
DROP FUNCTION gone(uuid);
SELECT severity, what, problem, regexp_replace(remedy, 'object = \d+', 'object = OID') AS remedy
FROM (SELECT *, CASE WHEN object ~ '^\d+$' THEN 'OID' ELSE object END COLLATE "C" AS what FROM found) f ORDER BY severity, what, problem COLLATE "C";
\set ECHO none
:remedies \gexec
\set ECHO all
:show;

--
-- Upkeep
--
SELECT spsa_partition_audit('day', 1) > 0 AS made;
:show;
\o /dev/null
:remedies \gexec
\o
:show;
SELECT session_id AS sid FROM spsa_open_session('ann') \gset
UPDATE spsa.session SET created_at = '2020-01-01', authenticated_at = '2020-01-01', expires_at = '2020-01-02' WHERE session_id = :'sid';
:show;
:remedies \gexec
:show;

--
-- The library and the log. (Names of databases differ.)
--
SELECT current_database() AS db \gset
\set preload 'SELECT severity, replace(object, current_database(), $$DB$$) AS object, problem, replace(remedy, current_database(), $$DB$$) AS remedy FROM spsa_check() WHERE object = quote_ident(current_database())'
\set remedies 'SELECT remedy FROM spsa_check() WHERE object = quote_ident(current_database())'
:preload;
ALTER DATABASE :"db" SET log_statement = 'ddl';
ALTER DATABASE :"db" SET session_preload_libraries = auto_explain;
\c -
SET client_min_messages = warning;
SELECT spsa_protect_field('regress_spsa_adv.deal', 'note', true);
:preload;
\set ECHO none
:remedies \gexec
\set ECHO all
\c -
SET client_min_messages = warning;
:preload;
CREATE VIEW regress_spsa_adv.guarded AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW regress_spsa_adv.stored AS SELECT 1 AS one;
SELECT spsa_protect('regress_spsa_adv.guarded'), spsa_protect('regress_spsa_adv.stored');
SELECT * FROM spsa_check() WHERE severity <> 'info';
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
ALTER VIEW regress_spsa_adv.guarded RESET (security_barrier);
ALTER MATERIALIZED VIEW regress_spsa_adv.stored ALTER one SET STATISTICS 10;
SELECT * FROM spsa_check() WHERE severity <> 'info';
SELECT remedy FROM spsa_check() WHERE severity <> 'info' ORDER BY object DESC \gexec
SELECT * FROM spsa_check() WHERE severity <> 'info';

ALTER DATABASE :"db" RESET session_preload_libraries;
ALTER DATABASE :"db" RESET log_statement;
ALTER DATABASE :"db" RESET log_parameter_max_length;
\c -
SET client_min_messages = warning;
DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_adv CASCADE;
DROP ROLE regress_spsa_adv_owner, regress_spsa_adv_past, regress_spsa_adv_app, regress_spsa_adv_admin;
