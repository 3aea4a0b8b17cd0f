-- install: creating and dropping the extension, what it leaves, what it lets the public do, and that nothing prepared
-- beforehand by somebody else gets into it.

SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT current_user AS super \gset
CREATE ROLE regress_spsa_install_stranger;
CREATE ROLE regress_spsa_install_clerk;
CREATE TABLE public.doc (id integer PRIMARY KEY, region text);
INSERT INTO public.doc VALUES (1, 'EU'), (2, 'US');
GRANT SELECT ON public.doc TO regress_spsa_install_clerk;

\set counts 'SELECT (SELECT count(*) FROM pg_proc) AS pg_proc, (SELECT count(*) FROM pg_class) AS pg_class, (SELECT count(*) FROM pg_type) AS pg_type, (SELECT count(*) FROM pg_namespace) AS pg_namespace, (SELECT count(*) FROM pg_event_trigger) AS pg_event_trigger, (SELECT count(*) FROM pg_trigger) AS pg_trigger, (SELECT count(*) FROM pg_policy) AS pg_policy, (SELECT count(*) FROM pg_constraint) AS pg_constraint, (SELECT count(*) FROM pg_depend) AS pg_depend, (SELECT count(*) FROM pg_description) AS pg_description, (SELECT count(*) FROM pg_init_privs) AS pg_init_privs, (SELECT count(*) FROM pg_shdepend) AS pg_shdepend, (SELECT count(*) FROM pg_extension) AS pg_extension'

--
-- Nothing is left behind
--
:counts \gset before_
CREATE EXTENSION spsa;
SELECT extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'spsa') AS current_version
FROM pg_extension WHERE extname = 'spsa';
DROP EXTENSION spsa;
\x on
SELECT pg_proc = :before_pg_proc AS pg_proc, pg_class = :before_pg_class AS pg_class, pg_type = :before_pg_type AS pg_type,
	pg_namespace = :before_pg_namespace AS pg_namespace, pg_event_trigger = :before_pg_event_trigger AS pg_event_trigger,
	pg_trigger = :before_pg_trigger AS pg_trigger, pg_policy = :before_pg_policy AS pg_policy,
	pg_constraint = :before_pg_constraint AS pg_constraint, pg_depend = :before_pg_depend AS pg_depend,
	pg_description = :before_pg_description AS pg_description, pg_init_privs = :before_pg_init_privs AS pg_init_privs,
	pg_shdepend = :before_pg_shdepend AS pg_shdepend, pg_extension = :before_pg_extension AS pg_extension
FROM (:counts) c;
\x off

-- Installed again in the same connection it works, and while tables are protected it goes with CASCADE only.
CREATE EXTENSION spsa;
SELECT spsa_create_user('ann') IS NOT NULL;
SELECT spsa_create_permission_set('reader') IS NOT NULL;
SELECT spsa_protect('doc', '{region}');
SELECT spsa_grant_object('reader', 'doc', '{read}');
SELECT spsa_grant_rows('reader', 'doc', 'region', '{EU}');
SELECT spsa_assign('ann', 'reader');
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_install_clerk') \gset
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
BEGIN;
SELECT * FROM doc ORDER BY id;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
SELECT * FROM doc ORDER BY id;
COMMIT;
SELECT * FROM doc ORDER BY id;
RESET SESSION AUTHORIZATION;
DROP EXTENSION spsa;
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
DROP EXTENSION spsa CASCADE;
RESET SESSION AUTHORIZATION;
DROP EXTENSION spsa CASCADE;
\x on
SELECT pg_proc = :before_pg_proc AS pg_proc, pg_class = :before_pg_class AS pg_class, pg_type = :before_pg_type AS pg_type,
	pg_namespace = :before_pg_namespace AS pg_namespace, pg_event_trigger = :before_pg_event_trigger AS pg_event_trigger,
	pg_trigger = :before_pg_trigger AS pg_trigger, pg_policy = :before_pg_policy AS pg_policy,
	pg_constraint = :before_pg_constraint AS pg_constraint, pg_depend = :before_pg_depend AS pg_depend,
	pg_description = :before_pg_description AS pg_description, pg_init_privs = :before_pg_init_privs AS pg_init_privs,
	pg_shdepend = :before_pg_shdepend AS pg_shdepend, pg_extension = :before_pg_extension AS pg_extension
FROM (:counts) c;
\x off
-- The table stays closed.
\d doc
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
SELECT * FROM doc ORDER BY id;
RESET SESSION AUTHORIZATION;
ALTER TABLE doc DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;

--
-- In another schema, to which the user has no access at all
--
CREATE SCHEMA "regress Spsa";
CREATE EXTENSION spsa SCHEMA "regress Spsa";
SELECT DISTINCT p.pronamespace::regnamespace AS schema
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa') AND p.proname LIKE 'spsa\_%';
SELECT "regress Spsa".spsa_create_user('ann') IS NOT NULL;
SELECT "regress Spsa".spsa_create_permission_set('reader', activation_required => true) IS NOT NULL;
SELECT "regress Spsa".spsa_protect('doc', '{region}');
SELECT "regress Spsa".spsa_grant_object('reader', 'doc', '{read}');
SELECT "regress Spsa".spsa_grant_rows('reader', 'doc', 'region', '{EU}');
SELECT "regress Spsa".spsa_assign('ann', 'reader');
SELECT session_id AS sid, token AS tok FROM "regress Spsa".spsa_open_session('ann', db_role => NULL) \gset
SELECT already_active FROM "regress Spsa".spsa_activate(:'sid', 'reader');
\d doc
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
SELECT "regress Spsa".spsa_attach('no matter what');
BEGIN;
SET LOCAL spsa.session_token = :'tok';
SELECT * FROM doc ORDER BY id;
COMMIT;
SELECT * FROM doc ORDER BY id;
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA "regress Spsa" TO regress_spsa_install_clerk;
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
SELECT "regress Spsa".spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT * FROM doc ORDER BY id;
SELECT "regress Spsa".spsa_deactivate_own('reader');
SELECT * FROM doc ORDER BY id;
SELECT "regress Spsa".spsa_close_session();
RESET spsa.session_token;
RESET SESSION AUTHORIZATION;
SELECT "regress Spsa".spsa_unprotect('doc');
DROP EXTENSION spsa;
ALTER TABLE doc DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
DROP SCHEMA "regress Spsa";

-- The schema can't be chosen for the tables, and the extension does not move.
CREATE EXTENSION spsa SCHEMA pg_temp;
CREATE SCHEMA regress_spsa_s;
CREATE EXTENSION spsa;
ALTER EXTENSION spsa SET SCHEMA regress_spsa_s;
DROP EXTENSION spsa;
DROP SCHEMA regress_spsa_s;

--
-- What somebody else prepared makes it fail
--
GRANT CREATE ON DATABASE :"DBNAME" TO regress_spsa_install_stranger;
GRANT CREATE ON SCHEMA public TO regress_spsa_install_stranger;
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
CREATE EXTENSION spsa;
CREATE SCHEMA spsa;
RESET SESSION AUTHORIZATION;
CREATE EXTENSION spsa;
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
DROP SCHEMA spsa;
-- More specific than VARIADIC "any": the parser would prefer it.
CREATE FUNCTION public.spsa_allows_row(regclass, text, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET SESSION AUTHORIZATION;
CREATE EXTENSION spsa;
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
DROP FUNCTION public.spsa_allows_row;
CREATE FUNCTION public.spsa_session_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
RESET SESSION AUTHORIZATION;
CREATE EXTENSION spsa;
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
DROP FUNCTION public.spsa_session_id();
CREATE PROCEDURE public.spsa_whatever() LANGUAGE sql AS '';
RESET SESSION AUTHORIZATION;
CREATE EXTENSION spsa;
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
DROP PROCEDURE public.spsa_whatever();
-- In a schema that the extension does not use, it is nobody's business.
CREATE SCHEMA regress_spsa_other;
CREATE FUNCTION regress_spsa_other.spsa_allows(regclass, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET SESSION AUTHORIZATION;
CREATE EXTENSION spsa;
DROP EXTENSION spsa;
DROP SCHEMA regress_spsa_other CASCADE;
\x on
SELECT pg_proc = :before_pg_proc AS pg_proc, pg_class = :before_pg_class AS pg_class, pg_type = :before_pg_type AS pg_type,
	pg_namespace = :before_pg_namespace AS pg_namespace FROM (:counts) c;
\x off

--
-- Hostile operators and functions in the target schema capture nothing
--
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
CREATE FUNCTION public.hostile(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(name, name) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(regclass, regclass) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile(text[], text[]) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE OPERATOR public.= (FUNCTION = public.hostile, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR public.= (FUNCTION = public.hostile, LEFTARG = name, RIGHTARG = name);
CREATE OPERATOR public.= (FUNCTION = public.hostile, LEFTARG = oid, RIGHTARG = oid);
CREATE OPERATOR public.= (FUNCTION = public.hostile, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR public.= (FUNCTION = public.hostile, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR public.= (FUNCTION = public.hostile, LEFTARG = regclass, RIGHTARG = regclass);
CREATE OPERATOR public.<= (FUNCTION = public.hostile, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE OPERATOR public.> (FUNCTION = public.hostile, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE OPERATOR public.> (FUNCTION = public.hostile, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR public.<@ (FUNCTION = public.hostile, LEFTARG = text[], RIGHTARG = text[]);
CREATE OPERATOR public.~ (FUNCTION = public.hostile, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR public.!~ (FUNCTION = public.hostile, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.length(text) RETURNS integer LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.btrim(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.quote_ident(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.cardinality(text[]) RETURNS integer LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.jsonb_typeof(jsonb) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.nextval(text) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION public.hostile_count(bigint) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE AGGREGATE public.count(*) (SFUNC = public.hostile_count, STYPE = bigint, INITCOND = '0');
CREATE DOMAIN public.regclass AS text;
CREATE DOMAIN public.name AS text;
CREATE DOMAIN public.uuid AS text;
CREATE TABLE public.pg_proc (oid oid, proname name);
CREATE TABLE public.pg_policy (oid oid, polname name);
RESET SESSION AUTHORIZATION;
SET search_path = public, pg_catalog;
CREATE EXTENSION spsa;
SET search_path = pg_catalog;
SELECT count(*) AS captured FROM pg_depend d
WHERE EXISTS (SELECT FROM pg_depend e JOIN pg_extension x ON e.refobjid = x.oid AND x.extname = 'spsa' AND e.deptype = 'e'
		WHERE e.classid = d.classid AND e.objid = d.objid)
	AND (d.refclassid, d.refobjid) IN (SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE proowner = 'regress_spsa_install_stranger'::regrole
		UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprowner = 'regress_spsa_install_stranger'::regrole
		UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typowner = 'regress_spsa_install_stranger'::regrole
		UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relowner = 'regress_spsa_install_stranger'::regrole);
SET search_path = public, pg_catalog;
-- The trap works.
SELECT 'a'::text = 'a'::text;
-- Nor when it is used under the hostile path.
SELECT spsa_create_user('ann', '{"region": "EU"}', 'regress_spsa_install_clerk') IS NOT NULL;
SELECT spsa_create_permission_set('reader', activation_required => true) IS NOT NULL;
SELECT spsa_protect('doc', '{region}');
SELECT spsa_grant_object('reader', 'doc', '{read}');
SELECT spsa_grant_rows('reader', 'doc', 'region', attribute => 'region');
SELECT spsa_grant_rows('reader', 'doc', 'region', '{EU}', privileges => '{read}');
SELECT spsa_assign('ann', 'reader');
SELECT spsa_revoke_assignment('ann', 'reader');
SELECT spsa_assign('ann', 'reader');
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
SELECT spsa_open_own_session() IS NOT NULL AS opened;
SELECT already_active FROM spsa_activate_own('reader');
SELECT doc.id, doc.region FROM doc;
SELECT spsa_deactivate_own('reader');
SELECT doc.id, doc.region FROM doc;
SELECT spsa_close_session();
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT spsa_disable_user('ann');
SELECT spsa_purge();
SELECT spsa_unprotect('doc');
ALTER TABLE doc DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
RESET search_path;
DROP EXTENSION spsa;
DROP OWNED BY regress_spsa_install_stranger CASCADE;

--
-- What comes later does not get into policies
--
CREATE EXTENSION spsa;
CREATE SCHEMA install_other AUTHORIZATION regress_spsa_install_stranger;
GRANT CREATE ON SCHEMA public TO regress_spsa_install_stranger;
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
CREATE FUNCTION public.spsa_allows_row(regclass, text, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
\echo :LAST_ERROR_SQLSTATE
-- Drivers bind strings as varchar: this would get the token.
CREATE FUNCTION public.spsa_attach(token varchar) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
CREATE PROCEDURE public.spsa_attach(token varchar) LANGUAGE sql AS 'SELECT 1';
-- f('literal') is a cast to a type of that name where no function fits exactly.
CREATE DOMAIN public.spsa_attach AS text;
CREATE TYPE public.spsa_protect AS ENUM ('x');
CREATE TYPE public.spsa_boo AS RANGE (subtype = text);
CREATE TYPE public.install_range AS RANGE (subtype = text, multirange_type_name = spsa_attach);
CREATE DOMAIN public.install_domain AS text;
ALTER DOMAIN public.install_domain RENAME TO spsa_attach;
DROP DOMAIN public.install_domain;
CREATE TABLE public.spsa_attach (token text);
DROP TABLE public.spsa_attach;
CREATE FUNCTION public.install_harmless(token varchar) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
ALTER FUNCTION public.install_harmless(varchar) RENAME TO spsa_attach;
DROP FUNCTION public.install_harmless(varchar);
CREATE FUNCTION install_other.spsa_attach(token varchar) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
ALTER FUNCTION install_other.spsa_attach(varchar) SET SCHEMA public;
RESET SESSION AUTHORIZATION;
DROP SCHEMA install_other CASCADE;
-- And if it got there all the same:
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
CREATE FUNCTION public.spsa_allows_row(regclass, text, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET SESSION AUTHORIZATION;
SELECT spsa_protect('doc', '{region}');
\echo :LAST_ERROR_SQLSTATE
SELECT relrowsecurity, (SELECT count(*) FROM pg_policy) AS policies, (SELECT count(*) FROM spsa.protected_object) AS protected
FROM pg_class WHERE oid = 'doc'::regclass;
-- Nobody else's DDL is the worse for it.
ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;
CREATE TABLE install_bystander (id integer);
DROP TABLE install_bystander;
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
DROP FUNCTION public.spsa_allows_row(regclass, text, text, text);
SELECT spsa_protect('doc', '{region}');
-- With the policies in place it changes nothing.
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
CREATE FUNCTION public.spsa_allows_row(regclass, text, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
SELECT * FROM doc;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_spsa_install_stranger CASCADE;
SELECT spsa_unprotect('doc');
ALTER TABLE doc DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;

--
-- The extension's objects
--
CREATE VIEW member AS
	SELECT d.classid, d.objid FROM pg_depend d
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa');
SELECT classid::regclass, count(*) > 0 AS has_some FROM member GROUP BY 1 ORDER BY classid::regclass::text COLLATE "C";
-- Without a comment: nothing.
SELECT pg_describe_object(classid, objid, 0) AS uncommented FROM member
WHERE obj_description(objid, classid::regclass::text::name) IS NULL
	AND NOT (classid = 'pg_type'::regclass AND objid IN (SELECT oid FROM pg_type WHERE typrelid <> 0 OR typelem <> 0))
UNION ALL
SELECT pg_describe_object('pg_class'::regclass, a.attrelid, a.attnum) FROM member JOIN pg_attribute a ON a.attrelid = objid
	JOIN pg_class c ON c.oid = a.attrelid
WHERE classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
	AND col_description(a.attrelid, a.attnum) IS NULL;
-- Constraints and indexes whose name PostgreSQL might have made, or does not begin with that of the table: none.
SELECT c.conrelid::regclass, c.conname FROM member JOIN pg_constraint c ON c.conrelid = objid
WHERE classid = 'pg_class'::regclass AND NOT (c.contype = 'n' AND c.coninhcount > 0)
	AND (NOT starts_with(c.conname, (SELECT relname FROM pg_class WHERE oid = objid) || '_') OR c.conname ~ '[0-9]$');
SELECT i.indexrelid::regclass FROM member JOIN pg_index i ON i.indrelid = objid
WHERE classid = 'pg_class'::regclass
	AND (i.indexrelid::regclass::text ~ '[0-9]$' OR NOT starts_with(i.indexrelid::regclass::text, objid::regclass::text || '_'));
-- Functions: nothing runs with another's rights or under a path that the caller chose; SQL bodies are parsed already.
SELECT objid::regprocedure FROM member JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
WHERE p.prosecdef ORDER BY objid::regprocedure::text COLLATE "C";
SELECT objid::regprocedure FROM member JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass JOIN pg_language l ON l.oid = p.prolang
WHERE NOT (l.lanname = 'c' OR (l.lanname = 'sql' AND p.prosqlbody IS NOT NULL)) ORDER BY objid::regprocedure::text COLLATE "C";
-- Only what tells without changing anything runs in parallel workers, and nothing claims not to leak its arguments.
SELECT objid::regprocedure, p.provolatile FROM member JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
WHERE p.proparallel <> 'u' OR p.proleakproof ORDER BY objid::regprocedure::text COLLATE "C";
-- Identifying names do not depend on a collation.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a WHERE a.attrelid IN ('spsa.app_user'::regclass, 'spsa.permission_set'::regclass)
	AND a.attname IN ('user_name', 'set_name') AND a.attcollation <> '"C"'::regcollation;

--
-- Privileges of PUBLIC
--
CREATE VIEW public_function AS
	SELECT objid::regprocedure::text AS function FROM member JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
	WHERE EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0);
CREATE VIEW public_relation AS
	SELECT objid::regclass::text AS relation, a.privilege_type FROM member JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass,
		aclexplode(COALESCE(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner))) a
	WHERE a.grantee = 0;
SELECT function FROM public_function ORDER BY function COLLATE "C";
SELECT * FROM public_relation;
SELECT has_schema_privilege('regress_spsa_install_stranger', 'spsa', 'USAGE') AS usage,
	has_schema_privilege('regress_spsa_install_stranger', 'spsa', 'CREATE') AS "create";
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
SELECT * FROM spsa.app_user;
SELECT token FROM spsa_open_session('ann');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_user('mallory');
SELECT spsa_disable_user('ann');
SELECT spsa_create_permission_set('all');
SELECT spsa_grant_object('all', 'doc', '{read}');
SELECT spsa_grant_rows('all', 'doc', 'region', '{EU}');
SELECT spsa_assign('mallory', 'all');
SELECT spsa_revoke_assignment('mallory', 'all');
SELECT spsa_protect('doc');
SELECT spsa_unprotect('doc');
SELECT spsa_purge();
SELECT spsa.find_user('ann');
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_install_stranger;
SET SESSION AUTHORIZATION regress_spsa_install_stranger;
SELECT * FROM spsa.app_user;
SELECT * FROM spsa.session;
SELECT * FROM spsa.audit_event;
INSERT INTO spsa.session_end (session_id) VALUES (gen_random_uuid());
SELECT nextval('spsa.assignment_id_seq');
SELECT spsa.find_user('ann');
RESET SESSION AUTHORIZATION;

-- They are the same whatever default privileges say.
CREATE TABLE function_before AS SELECT * FROM public_function;
ALTER TABLE function_before OWNER TO regress_spsa_install_clerk;
DROP VIEW public_function, public_relation, member;
DROP EXTENSION spsa;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
CREATE EXTENSION spsa;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM PUBLIC;
SELECT objid::regprocedure::text AS function FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa') AND d.deptype = 'e'
	AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
EXCEPT SELECT function FROM function_before ORDER BY 1;
SELECT has_schema_privilege('regress_spsa_install_clerk', 'spsa', 'USAGE') AS schema,
	bool_or(has_table_privilege('regress_spsa_install_clerk', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')) FILTER (WHERE relkind IN ('r', 'p')) AS tables,
	bool_or(has_sequence_privilege('regress_spsa_install_clerk', c.oid, 'USAGE, SELECT, UPDATE')) FILTER (WHERE relkind = 'S') AS sequences
FROM pg_class c WHERE c.relnamespace = 'spsa'::regnamespace;
DROP EXTENSION spsa;
CREATE EXTENSION spsa;		-- functions are nobody's by default now
SELECT function FROM function_before EXCEPT
SELECT p.oid::regprocedure::text FROM pg_proc p WHERE has_function_privilege('regress_spsa_install_stranger', p.oid, 'EXECUTE');
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC;

-- What they gave to other roles is taken away.
DROP EXTENSION spsa;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_spsa_install_clerk WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO regress_spsa_install_clerk;
CREATE EXTENSION spsa;
CREATE TABLE given ();
SELECT has_table_privilege('regress_spsa_install_clerk', 'given', 'TRUNCATE') AS "of other tables";
DROP TABLE given;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_spsa_install_clerk;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM regress_spsa_install_clerk;
SELECT count(*) AS "of the extension's" FROM pg_shdepend s JOIN pg_depend d ON d.classid = s.classid AND d.objid = s.objid
WHERE s.refobjid = 'regress_spsa_install_clerk'::regrole AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa') AND d.deptype = 'e';
SET SESSION AUTHORIZATION regress_spsa_install_clerk;
SELECT * FROM spsa.app_user;
INSERT INTO spsa.session_end (session_id) VALUES (gen_random_uuid());
SELECT nextval('spsa.assignment_id_seq');
SELECT spsa_open_session('ann');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM pg_default_acl;

--
-- Clean up
--
DROP EXTENSION spsa CASCADE;
DROP TABLE doc, function_before;
REVOKE ALL ON DATABASE :"DBNAME" FROM regress_spsa_install_stranger;
DROP OWNED BY regress_spsa_install_stranger, regress_spsa_install_clerk;
DROP ROLE regress_spsa_install_stranger, regress_spsa_install_clerk;
:counts \gset after_
SELECT :after_pg_proc = :before_pg_proc AS pg_proc, :after_pg_namespace = :before_pg_namespace AS pg_namespace;
