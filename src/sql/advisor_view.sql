-- advisor_view.sql - what spsa_check() finds on masked views, and on sequences of protected tables.

CREATE FUNCTION spsa.is_masked_view(relation regclass) RETURNS boolean
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_is_masked_view';
COMMENT ON FUNCTION spsa.is_masked_view(regclass) IS
'whether a relation has the form of masked views: nothing but columns of one table, each masked, read with its owner''s rights; true of one that is gone';

CREATE FUNCTION spsa.finding_masked_view() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH masked AS (
	SELECT c.oid, c.oid::regclass::text AS name, c.relowner, c.relacl, m.owner::oid AS owner, t.oid AS table, t.oid::regclass::text AS table_name,
		t.relowner AS table_owner, t.relacl AS table_acl, spsa.is_masked_view(c.oid) AS has_form,
		COALESCE((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false) AS invoker,
		format('SELECT @extschema@.spsa_create_masked_view(%L, %L)', m.object, m.view) AS create
	FROM spsa.masked_view m JOIN pg_class c ON c.oid = m.view JOIN pg_class t ON t.oid = m.object
), owner AS (
	SELECT r.* FROM pg_roles r WHERE EXISTS (SELECT FROM spsa.masked_view m WHERE m.owner = r.oid)
), link AS (
	SELECT DISTINCT a.roleid, a.member, CASE WHEN g.oid <> 10 THEN format(' GRANTED BY %I', g.rolname) ELSE '' END AS granted_by
	FROM pg_auth_members a LEFT JOIN pg_roles g ON g.oid = a.grantor
)
SELECT 'error', m.name, format('its owner is role %I, and not role %I, to whom spsa gave it: it cannot be read', pg_get_userbyid(m.relowner), pg_get_userbyid(m.owner)),
	m.create
FROM masked m WHERE m.relowner <> m.owner
UNION ALL
SELECT 'error', m.name,
	CASE WHEN m.invoker THEN 'reads with the rights of its readers (security_invoker)' ELSE 'its definition is not the one that spsa made' END
	|| ': no masked view of its owner can be read',
	CASE WHEN m.invoker THEN format('ALTER VIEW %s RESET (security_invoker)', m.name) ELSE format('SELECT @extschema@.spsa_drop_masked_view(%L)', m.name) END
FROM masked m WHERE NOT m.has_form
UNION ALL
SELECT 'error', m.name, format('its table %s is not protected: it cannot be read', m.table_name), format('SELECT @extschema@.spsa_protect(%L)', m.table_name)
FROM masked m WHERE NOT EXISTS (SELECT FROM spsa.protected_object p WHERE p.object = m.table)
UNION ALL
SELECT 'error', m.name, format('role %I, its owner, may not select from %s: it cannot be read', pg_get_userbyid(m.owner), m.table_name), m.create
FROM masked m WHERE m.relowner = m.owner AND NOT has_table_privilege(m.owner, m.table, 'SELECT')
UNION ALL
SELECT 'error', m.name, 'the trigger that writes to its table is missing: it cannot be written to', m.create
FROM masked m
WHERE NOT EXISTS (
	SELECT FROM pg_trigger g
	-- INSTEAD OF INSERT OR UPDATE OR DELETE, for each row
	WHERE g.tgrelid = m.oid AND g.tgfoid = 'spsa.write_masked_view()'::regprocedure AND g.tgtype & 93 = 93)
UNION ALL
SELECT 'error', quote_ident(o.rolname), 'owns masked views, and may log in or has another attribute: none of them can be read',
	format('ALTER ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION', o.rolname)
FROM owner o WHERE o.rolcanlogin OR o.rolsuper OR o.rolbypassrls OR o.rolcreaterole OR o.rolcreatedb OR o.rolreplication
UNION ALL
SELECT 'error', quote_ident(o.rolname), format('owns masked views, and has the member %I: none of them can be read', pg_get_userbyid(l.member)),
	format('REVOKE %I FROM %I%s', o.rolname, pg_get_userbyid(l.member), l.granted_by)
FROM owner o JOIN link l ON l.roleid = o.oid
UNION ALL
SELECT 'error', quote_ident(o.rolname), format('owns masked views, and is a member of %I: none of them can be read', pg_get_userbyid(l.roleid)),
	format('REVOKE %I FROM %I%s', pg_get_userbyid(l.roleid), o.rolname, l.granted_by)
FROM owner o JOIN link l ON l.member = o.oid
UNION ALL
SELECT 'error', c.oid::regclass::text, format('is no masked view and belongs to role %I, which owns masked views: none of them can be read', o.rolname),
	-- Another owner of a view might see what this one does not.
	CASE c.relkind WHEN 'v' THEN format('DROP VIEW %s', c.oid::regclass) WHEN 'm' THEN format('DROP MATERIALIZED VIEW %s', c.oid::regclass)
		ELSE format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, (SELECT pg_get_userbyid(e.extowner) FROM pg_extension e WHERE e.extname = 'spsa')) END
FROM owner o JOIN pg_class c ON c.relowner = o.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
WHERE NOT spsa.is_masked_view(c.oid) AND NOT EXISTS (SELECT FROM spsa.masked_view m WHERE m.view = c.oid)
	-- A sequence of a column goes with its table.
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S' AND d.deptype IN ('a', 'i'))
UNION ALL
SELECT 'warning', c.oid::regclass::text, format('role %I, which owns masked views and needs SELECT alone, holds %s', o.rolname, g.privilege_type),
	format('REVOKE %s ON %s FROM %I', g.privilege_type, c.oid::regclass, o.rolname)
FROM owner o
JOIN pg_class c ON c.relacl IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relowner <> o.oid
CROSS JOIN LATERAL aclexplode(c.relacl) g
WHERE g.grantee = o.oid AND g.privilege_type <> 'SELECT'
UNION ALL
SELECT 'info', m.table_name, format('%s can select from it, and from %s: fields that are null there are errors here', v.grantee, m.name),
	format('REVOKE SELECT ON %s FROM %s', m.table_name, v.grantee)
FROM masked m
CROSS JOIN LATERAL (
	SELECT g.grantee AS oid, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee
	FROM aclexplode(m.relacl) g WHERE g.privilege_type = 'SELECT' AND g.grantee NOT IN (m.relowner, m.table_owner)) v
-- Who writes through the view needs privileges on the table.
WHERE EXISTS (SELECT FROM aclexplode(m.table_acl) g WHERE g.grantee = v.oid AND g.privilege_type = 'SELECT')
	AND NOT EXISTS (SELECT FROM aclexplode(m.table_acl) g WHERE g.grantee = v.oid AND g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE'))
UNION ALL
SELECT 'warning', m.view::oid::text, 'is in spsa.masked_view, and there is no such relation', format('DELETE FROM spsa.masked_view WHERE view = %s', m.view::oid)
FROM spsa.masked_view m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.view);
END;
COMMENT ON FUNCTION spsa.finding_masked_view() IS 'rows of spsa_check(): masked views that are not what spsa_create_masked_view() made, and what their owner should not have';

CREATE FUNCTION spsa.finding_sequence() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH protected_table AS (
	SELECT c.oid FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object AND c.relkind IN ('r', 'p')
), used AS (
	SELECT d.objid AS sequence, t.oid AS table, d.deptype = 'i' AS is_identity
	FROM protected_table t
	JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0 AND d.classid = 'pg_class'::regclass
		AND d.deptype IN ('a', 'i')
	UNION
	SELECT d.refobjid, t.oid, false
	FROM protected_table t
	JOIN pg_attrdef a ON a.adrelid = t.oid
	JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass
), held AS (
	SELECT s.oid::regclass::text AS name, u.table::regclass::text AS table_name, u.is_identity, g.privilege_type,
		CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee
	FROM used u JOIN pg_class s ON s.oid = u.sequence AND s.relkind = 'S' CROSS JOIN LATERAL aclexplode(s.relacl) g
	WHERE g.grantee <> s.relowner AND NOT EXISTS (SELECT FROM spsa.protected_object p WHERE p.object = s.oid)
)
SELECT CASE WHEN bool_or(h.privilege_type = 'UPDATE') THEN 'warning' ELSE 'info' END, h.name,
	format('numbers rows of %s, and is not protected: it can be %s by %s', h.table_name,
		concat_ws(' and ', CASE WHEN bool_or(h.privilege_type IN ('SELECT', 'USAGE')) THEN 'read' END,
			CASE WHEN bool_or(h.privilege_type = 'UPDATE') THEN 'set' WHEN bool_or(h.privilege_type = 'USAGE') THEN 'advanced' END),
		string_agg(DISTINCT h.grantee, ', ')),
	-- An identity column draws its values without privileges.
	CASE WHEN h.is_identity THEN format('REVOKE ALL ON SEQUENCE %s FROM %s', h.name, string_agg(DISTINCT h.grantee, ', '))
		ELSE format('SELECT @extschema@.spsa_protect(%L)', h.name) END
FROM held h
GROUP BY h.name, h.table_name, h.is_identity;
END;
COMMENT ON FUNCTION spsa.finding_sequence() IS 'rows of spsa_check(): sequences of protected tables that are not protected';
