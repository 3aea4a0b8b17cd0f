-- advisor_role.sql - what spsa_check() finds on roles and what they hold.

CREATE FUNCTION spsa.finding_role() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH held AS (
	SELECT c.oid::regclass::text AS name, p.as_restrictive, g.privilege_type,
		CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee
	FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object AND c.relkind IN ('r', 'p')
	CROSS JOIN LATERAL aclexplode(c.relacl) g
	WHERE g.grantee <> c.relowner
), own AS (
	SELECT c.oid::regclass::text AS name, c.relname, g.privilege_type,
		CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee
	FROM pg_class c
	CROSS JOIN LATERAL (
		SELECT c.relacl AS acl
		UNION ALL
		SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL) l
	CROSS JOIN LATERAL aclexplode(l.acl) g
	WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind IN ('r', 'p') AND g.grantee <> c.relowner
), exempt AS (
	SELECT r.oid, r.rolname, CASE WHEN r.rolsuper THEN 'a superuser' ELSE 'a role with BYPASSRLS' END AS what,
		CASE WHEN r.rolsuper THEN 'NOSUPERUSER NOBYPASSRLS' ELSE 'NOBYPASSRLS' END AS remedy, r.rolsuper, r.rolcanlogin
	FROM pg_roles r WHERE r.rolsuper OR r.rolbypassrls
), opener AS (
	SELECT f.oid::regprocedure::text AS function, g.grantee
	FROM pg_proc f CROSS JOIN LATERAL aclexplode(f.proacl) g
	WHERE f.oid = '@extschema@.spsa_open_session(text, interval, spsa.security_level, inet, jsonb, name, text, interval, text[], text)'::regprocedure
		AND g.grantee <> f.proowner AND g.privilege_type = 'EXECUTE'
)
SELECT CASE h.privilege_type WHEN 'TRUNCATE' THEN 'error' WHEN 'TRIGGER' THEN 'warning' ELSE 'info' END, h.name,
	h.grantee || CASE h.privilege_type
		WHEN 'TRUNCATE' THEN ' holds TRUNCATE, which no policy and no trigger guards'
		WHEN 'TRIGGER' THEN ' holds TRIGGER, and can make triggers that see the rows that others write'
		ELSE ' holds REFERENCES, and can find out which keys exist' END,
	format('REVOKE %s ON %s FROM %s', h.privilege_type, h.name, h.grantee)
FROM held h
WHERE h.privilege_type IN ('TRIGGER', 'REFERENCES') OR (h.privilege_type = 'TRUNCATE' AND NOT h.as_restrictive)
UNION ALL
SELECT DISTINCT 'error', o.name, format('%s holds %s: it can write what decides who sees what, or what has happened', o.grantee, o.privilege_type),
	format('REVOKE %s ON %s FROM %s', o.privilege_type, o.name, o.grantee)
FROM own o
WHERE o.privilege_type IN ('TRUNCATE', 'TRIGGER')
	OR (o.privilege_type IN ('INSERT', 'UPDATE', 'DELETE')
		AND (o.relname IN ('session', 'session_token', 'session_authentication', 'protected_object', 'protected_field', 'protected_function',
			'masked_view', 'jwt_session', 'jwt_use', 'totp_factor', 'totp_counter', 'totp_change') OR starts_with(o.relname, 'audit_event')))
UNION ALL
SELECT DISTINCT 'info', o.name, format('%s holds %s', o.grantee, o.privilege_type), format('REVOKE %s ON %s FROM %s', o.privilege_type, o.name, o.grantee)
FROM own o WHERE o.privilege_type IN ('INSERT', 'UPDATE', 'DELETE') AND o.relname IN ('jwt_issuer', 'activation')
UNION ALL
SELECT 'error', x.rolname::text, format('users of spsa log in as it, and it is %s: nothing is kept from them', x.what),
	format('ALTER ROLE %I %s', x.rolname, x.remedy)
FROM exempt x
WHERE EXISTS (SELECT FROM spsa.app_user u WHERE u.db_role = x.rolname) OR EXISTS (SELECT FROM spsa.jwt_issuer i WHERE i.db_role = x.rolname)
	OR EXISTS (SELECT FROM opener o WHERE o.grantee = x.oid)
UNION ALL
SELECT 'info', x.rolname::text, 'logs in, and policies do not apply to it (BYPASSRLS)', format('ALTER ROLE %I NOBYPASSRLS', x.rolname)
FROM exempt x WHERE NOT x.rolsuper AND x.rolcanlogin
UNION ALL
SELECT CASE o.grantee WHEN 0 THEN 'error' ELSE 'info' END, o.function,
	CASE o.grantee WHEN 0 THEN 'everybody can open sessions of anybody' ELSE format('role %I can open sessions of anybody', pg_get_userbyid(o.grantee)) END,
	format('REVOKE EXECUTE ON FUNCTION %s FROM %s', o.function, CASE o.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o.grantee)) END)
FROM opener o
UNION ALL
SELECT 'info', r.rolname::text, 'opens sessions for others, and what it attaches is not bound to end with the transaction',
	format('ALTER ROLE %I SET spsa.require_local_attach = on', r.rolname)
FROM opener o JOIN pg_roles r ON r.oid = o.grantee AND r.rolcanlogin
WHERE NOT EXISTS (
	SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c (setting)
	WHERE s.setrole IN (r.oid, 0) AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
		AND lower(c.setting) IN ('spsa.require_local_attach=on', 'spsa.require_local_attach=true', 'spsa.require_local_attach=1'))
UNION ALL
SELECT 'warning', quote_ident(n.nspname), format('%s can create objects in the schema of spsa''s functions', 'PUBLIC'),
	format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace CROSS JOIN LATERAL aclexplode(n.nspacl) g
WHERE e.extname = 'spsa' AND g.grantee = 0 AND g.privilege_type = 'CREATE';
END;
COMMENT ON FUNCTION spsa.finding_role() IS 'rows of spsa_check(): roles that policies do not apply to, and privileges that should be nobody''s';
