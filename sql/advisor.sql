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
CREATE TABLE person (id integer PRIMARY KEY, name text, salary integer);
GRANT SELECT, INSERT, UPDATE, DELETE ON deal, part, lax TO regress_spsa_adv_app;
GRANT SELECT ON deal, part, lax TO regress_spsa_adv_past;
RESET SESSION AUTHORIZATION;
SELECT spsa_create_user('ann') > 0 AS ann, spsa_create_user('bob') > 0 AS bob;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{reader,scoped,approver}'::text[]) n;
SELECT spsa_protect('deal', '{region,amount}'), spsa_protect('part'), spsa_protect('lax', as_restrictive => false);
SELECT spsa_grant_object('reader', 'deal', '{read}'), spsa_grant_rows('reader', 'deal', 'region', '{EU}');
SELECT spsa_grant_object('scoped', 'deal', '{read}'), spsa_grant_rows('scoped', 'deal', 'amount', '{7}');
SELECT spsa_assign('ann', 'reader'), spsa_assign('bob', 'approver');

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
SELECT spsa_create_user('app', db_role => 'regress_spsa_adv_app') > 0 AS made, spsa_assign('app', 'approver');
ALTER ROLE regress_spsa_adv_app BYPASSRLS;
:show;
:remedies \gexec
:show;
ALTER ROLE regress_spsa_adv_app SUPERUSER;
:show;
:remedies \gexec
:show;

--
-- Masked views
--
SELECT spsa_protect('person');
SELECT spsa_create_masked_view('person', 'person_masked');
GRANT SELECT ON person_masked TO regress_spsa_adv_app;
:show;
-- who reads both; who writes through the view needs the table
GRANT SELECT ON person TO regress_spsa_adv_app;
:show;
GRANT UPDATE ON person TO regress_spsa_adv_app;
:show;
REVOKE UPDATE ON person FROM regress_spsa_adv_app;
:remedies \gexec
:show;
ALTER VIEW person_masked OWNER TO regress_spsa_adv_owner;
:show;
:remedies \gexec
:show;
ALTER VIEW person_masked SET (security_invoker);
:show;
:remedies \gexec
:show;
-- as a barrier it is as good
ALTER VIEW person_masked SET (security_barrier);
:show;
CREATE OR REPLACE VIEW person_masked AS SELECT id, name, salary FROM person;
:show;
:remedies \gexec
:show;
SELECT spsa_create_masked_view('person', 'person_masked');
DROP TRIGGER spsa_write ON person_masked;
REVOKE SELECT ON person FROM spsa_masked_view;
:show;
:remedies \gexec
:show;
SELECT spsa_unprotect('person');
:show;
:remedies \gexec
:show;
-- its owner
ALTER ROLE spsa_masked_view LOGIN CREATEDB;
GRANT spsa_masked_view TO regress_spsa_adv_app;
GRANT regress_spsa_adv_owner TO spsa_masked_view;
:show;
:remedies \gexec
:show;
CREATE TABLE stray (id serial);
CREATE VIEW stray_view AS SELECT id, name, salary FROM person;
CREATE MATERIALIZED VIEW stray_stored AS SELECT 1 AS one;
ALTER TABLE stray OWNER TO spsa_masked_view;
ALTER TABLE stray_view OWNER TO spsa_masked_view;
ALTER TABLE stray_stored OWNER TO spsa_masked_view;
GRANT INSERT ON person TO spsa_masked_view;
:show;
:remedies \gexec
:show;
SELECT relowner::regrole = CURRENT_USER::regrole AS handed_back FROM pg_class WHERE oid = 'stray'::regclass;

--
-- Users and permission sets
--
SELECT spsa_create_permission_set(n, kind => k) > 0 AS made
FROM (VALUES ('void', 'set'), ('idle', 'set'), ('by_group', 'set'), ('hollow', 'group'), ('team', 'group'), ('deaf', 'muting'), ('quiet', 'muting')) x (n, k);
SELECT spsa_grant_object(n, 'deal', '{read}') FROM unnest('{idle,by_group,quiet}'::text[]) n;
SELECT spsa_add_group_member('team', 'by_group'), spsa_add_group_member('team', 'quiet');
SELECT spsa_assign('ann', 'team'), spsa_assign('bob', 'void'), spsa_assign('bob', 'idle');
UPDATE spsa.assignment SET starts_at = '2020-01-01', expires_at = '2020-01-02' WHERE set_id = (SELECT set_id FROM spsa.permission_set WHERE set_name = 'idle');
SELECT spsa_create_user(n) > 0 AS made FROM unnest('{fay,gus}'::text[]) n;
:show;
:remedies \gexec
:show;
SELECT user_name, is_active FROM spsa.app_user ORDER BY user_name;
-- a set that grants nothing, but makes approvers
SELECT problem FROM spsa_check() WHERE object = 'approver';
SELECT spsa_set_activation_rule('reader', approvals_required => 1, approver_set => 'approver');
SELECT problem FROM spsa_check() WHERE object = 'approver';
SELECT spsa_drop_activation_rule('reader');
-- Of static exclusions nothing is found that the triggers would refuse: they are off for replicated rows.
SELECT spsa_create_permission_set(n) > 0 AS made FROM unnest('{pays,books}'::text[]) n;
SELECT spsa_create_permission_set('office', kind => 'group') > 0 AS made, spsa_add_group_member('office', 'pays');
SELECT spsa_grant_object(n, 'deal', '{read}') FROM unnest('{pays,books}'::text[]) n;
SELECT spsa_exclude('pays', 'books', 'static');
SELECT spsa_create_user(n) > 0 AS made FROM unnest('{cat,dan,eve,gil}'::text[]) n;
SELECT spsa_assign('cat', 'pays'), spsa_assign('dan', 'books'), spsa_assign('eve', 'pays', '2100-01-01'), spsa_assign('gil', 'books');
SELECT spsa_assign('cat', 'books');
:show;
SET session_replication_role = replica;
INSERT INTO spsa.assignment (user_id, set_id, starts_at)
SELECT u.user_id, p.set_id, s FROM (VALUES ('cat', 'books', now()), ('dan', 'office', now()), ('eve', 'books', '2100-01-01')) v (u, p, s)
JOIN spsa.app_user u ON u.user_name = v.u JOIN spsa.permission_set p ON p.set_name = v.p;
RESET session_replication_role;
:show;
:remedies \gexec
:show;
SELECT spsa_assign('dan', 'office');

--
-- Issuers
--
\set key '{"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}'
SELECT spsa_create_jwt_issuer(n, '{shop}', '{ES256}', :'key') FROM unnest('{empty,good,inactive,nobody,other,twice}'::text[]) n;
:show;
SET session_replication_role = replica;
UPDATE spsa.jwt_issuer SET algorithms = '{RS256,EdDSA}' WHERE issuer = 'other';
UPDATE spsa.jwt_issuer SET jwks = '{"keys": []}' WHERE issuer IN ('empty', 'inactive');
UPDATE spsa.jwt_issuer SET is_active = false WHERE issuer = 'inactive';
UPDATE spsa.jwt_issuer SET audience = '{""}' WHERE issuer = 'nobody';
UPDATE spsa.jwt_issuer SET audience = '{shop,"",NULL}' WHERE issuer = 'twice';
RESET session_replication_role;
:show;
-- who administers is told, without the privilege to read keys
SET SESSION AUTHORIZATION regress_spsa_adv_admin;
SELECT object, problem FROM spsa_check() WHERE problem ~ 'issuer|audience';
SELECT jwks FROM spsa.jwt_issuer;
RESET SESSION AUTHORIZATION;
:remedies \gexec
:show;
SELECT issuer, audience, is_active FROM spsa.jwt_issuer ORDER BY issuer;

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
DROP VIEW person_masked;
DROP TABLE plain, lax;
DROP FUNCTION gone(uuid);
SELECT severity, what, problem, regexp_replace(remedy, '(object|view) = \d+', '\1 = OID') AS remedy
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

-- sequences of protected tables; one that nobody may use, and one that is protected, are none
CREATE TABLE regress_spsa_adv.numbered (a integer GENERATED ALWAYS AS IDENTITY, b serial, c serial, d serial, e serial, f integer);
CREATE SEQUENCE regress_spsa_adv.shared;
ALTER TABLE regress_spsa_adv.numbered ALTER f SET DEFAULT nextval('regress_spsa_adv.shared');
GRANT SELECT ON SEQUENCE regress_spsa_adv.numbered_a_seq TO regress_spsa_adv_app;
GRANT USAGE ON SEQUENCE regress_spsa_adv.numbered_b_seq TO regress_spsa_adv_app, PUBLIC;
GRANT UPDATE ON SEQUENCE regress_spsa_adv.numbered_c_seq, regress_spsa_adv.shared TO regress_spsa_adv_app;
GRANT ALL ON SEQUENCE regress_spsa_adv.numbered_d_seq TO regress_spsa_adv_app;
\set show 'SELECT * FROM spsa_check() WHERE object ~ $$numbered|shared$$'
:show;
SELECT spsa_protect('regress_spsa_adv.numbered'), spsa_protect('regress_spsa_adv.numbered_d_seq');
:show;
SELECT remedy FROM spsa_check() WHERE object ~ 'numbered|shared' \gexec
:show;

ALTER DATABASE :"db" RESET session_preload_libraries;
ALTER DATABASE :"db" RESET log_statement;
ALTER DATABASE :"db" RESET log_parameter_max_length;
\c -
SET client_min_messages = warning;
DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_adv CASCADE;
DROP ROLE spsa_masked_view, regress_spsa_adv_owner, regress_spsa_adv_past, regress_spsa_adv_app, regress_spsa_adv_admin;
