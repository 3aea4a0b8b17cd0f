-- advisor_object.sql - what spsa_check() finds on protected objects, and on what reads them.
--
-- Catalogs and the tables of spsa's configuration alone are read, never those that grow with users.

CREATE FUNCTION spsa.finding_policy() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH protected AS (
	SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner, p.force, p.as_restrictive,
		COALESCE(p.root, p.object)::text AS root, CASE WHEN p.row_fields = '{}' THEN 'spsa_allows' ELSE 'spsa_allows_row' END AS asks,
		format('SELECT @extschema@.spsa_protect(%L, %L, %L, %L, %L)',
			COALESCE(p.root, p.object), p.row_fields, p.on_denied, p.force, p.as_restrictive) AS protect
	FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object
), protected_table AS (
	SELECT t.* FROM protected t WHERE t.relkind IN ('r', 'p')
), command (place, policy, polcmd, privilege) AS (
	VALUES (1, 'spsa_read', 'r'::"char", 'read'), (2, 'spsa_create', 'a', 'create'), (3, 'spsa_edit', 'w', 'edit'), (4, 'spsa_delete', 'd', 'delete')
), expected AS (
	SELECT t.*, c.*, c.policy || CASE WHEN t.as_restrictive THEN '' ELSE '_admit' END AS polname,
		format('@extschema@.%s(%L::regclass, %L::text', t.asks, t.root, c.privilege) AS call
	FROM protected_table t CROSS JOIN command c
)
SELECT 'error', t.name, 'row-level security is disabled: every role that has PostgreSQL''s privileges sees and changes all rows',
	format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name)
FROM protected_table t WHERE NOT t.relrowsecurity
UNION ALL
SELECT CASE WHEN t.force THEN 'error'
		WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_has_role(r.oid, t.relowner, 'MEMBER')) THEN 'warning'
		ELSE 'info' END,
	t.name, format('its owner, role %I, is not under the policies', pg_get_userbyid(t.relowner))
		|| CASE WHEN t.force THEN ', though it was protected with force' ELSE '' END,
	format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name)
FROM protected_table t WHERE NOT t.relforcerowsecurity
UNION ALL
SELECT 'error', e.name, 'policies for these privileges are missing or were changed: ' || string_agg(e.privilege, ', ' ORDER BY e.place), e.protect
FROM expected e
WHERE NOT EXISTS (
		SELECT FROM pg_policy y
		WHERE y.polrelid = e.oid AND y.polname = e.polname AND y.polcmd = e.polcmd AND y.polpermissive <> e.as_restrictive AND y.polroles = '{0}'
			AND (y.polcmd = 'a' OR starts_with(pg_get_expr(y.polqual, y.polrelid), e.call))
			AND (y.polcmd NOT IN ('a', 'w') OR starts_with(pg_get_expr(y.polwithcheck, y.polrelid), e.call)))
	OR NOT EXISTS (SELECT FROM pg_policy y WHERE y.polrelid = e.oid AND y.polpermissive AND y.polcmd IN ('*', e.polcmd))
GROUP BY e.name, e.protect
UNION ALL
SELECT DISTINCT 'warning', e.name,
	format('policy %I narrows nothing: the permissive policy of spsa beside it admits the rows that it leaves out', y.polname), e.protect
FROM expected e
JOIN pg_policy y ON y.polrelid = e.oid AND y.polpermissive AND y.polcmd IN ('*', e.polcmd) AND y.polname <> ALL (
	SELECT (c.policy || '_admit')::name FROM command c)
WHERE e.as_restrictive AND EXISTS (SELECT FROM pg_policy w WHERE w.polrelid = e.oid AND w.polname = e.policy || '_admit')
UNION ALL
SELECT 'error', t.name, format('policy %I is permissive and admits rows that spsa does not', y.polname), format('DROP POLICY %I ON %s', y.polname, t.name)
FROM protected_table t
JOIN pg_policy y ON y.polrelid = t.oid AND y.polpermissive AND y.polname <> ALL (SELECT (c.policy || '_admit')::name FROM command c)
WHERE NOT t.as_restrictive
UNION ALL
SELECT 'error', t.name, 'the trigger that guards TRUNCATE is missing or disabled', t.protect
FROM protected_table t
WHERE t.as_restrictive AND NOT EXISTS (
	SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid AND g.tgfoid = 'spsa.before_truncate()'::regprocedure AND g.tgenabled = 'A' AND g.tgqual IS NULL)
UNION ALL
SELECT 'error', i.inhrelid::regclass::text, format('stands below %s, but is not protected with it', t.name), t.protect
FROM protected_table t JOIN pg_inherits i ON i.inhparent = t.oid
WHERE NOT EXISTS (SELECT FROM spsa.protected_object p WHERE p.object = i.inhrelid)
UNION ALL
SELECT 'error', t.name, 'the view is not a security barrier: conditions of its readers are asked before privileges',
	format('ALTER VIEW %s SET (security_barrier = true)', t.name)
FROM protected t JOIN pg_class c ON c.oid = t.oid
WHERE t.relkind = 'v' AND NOT COALESCE((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_barrier'), false)
UNION ALL
SELECT 'error', t.name, 'has statistics, whose values the planner shows to operators of any user', t.protect
FROM protected t
WHERE t.relkind IN ('m', 'f') AND (
	EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND COALESCE(a.attstattarget, -1) <> 0)
	OR EXISTS (SELECT FROM pg_statistic_ext s WHERE s.stxrelid = t.oid));
END;
COMMENT ON FUNCTION spsa.finding_policy() IS 'rows of spsa_check(): protected objects whose policies, triggers or settings are not what spsa_protect() made';

CREATE FUNCTION spsa.finding_reader() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH RECURSIVE protected_table AS (
	SELECT c.oid, c.relowner, c.relforcerowsecurity FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object AND c.relkind IN ('r', 'p')
), reader AS (
	-- Views of the rights of their readers pass on the tables below them.
	SELECT t.oid AS below, t.oid AS table, true AS invoker, 'r'::"char" AS relkind, 0::oid AS relowner, NULL::aclitem[] AS relacl
	FROM protected_table t
	UNION
	SELECT c.oid, r.table, COALESCE((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false),
		c.relkind, c.relowner, c.relacl
	FROM reader r
	JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.below AND d.classid = 'pg_rewrite'::regclass
	JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> r.below
	JOIN pg_class c ON c.oid = w.ev_class AND c.relkind IN ('v', 'm')
	WHERE r.invoker
), past AS (
	SELECT DISTINCT r.below, r.relkind, r.relowner, r.relacl
	FROM reader r JOIN protected_table t ON t.oid = r.table JOIN pg_roles o ON o.oid = r.relowner
	WHERE NOT r.invoker AND (o.rolsuper OR o.rolbypassrls OR (t.relowner = o.oid AND NOT t.relforcerowsecurity))
		AND NOT EXISTS (SELECT FROM spsa.protected_object p WHERE p.object = r.below)
		AND NOT EXISTS (SELECT FROM spsa.masked_view m WHERE m.view = r.below)
)
SELECT CASE WHEN EXISTS (SELECT FROM aclexplode(p.relacl) g WHERE g.grantee <> p.relowner) THEN 'error' ELSE 'info' END, p.below::regclass::text,
	format('reads protected tables with the rights of its owner, role %I, to whom policies do not apply', pg_get_userbyid(p.relowner)),
	CASE p.relkind WHEN 'v' THEN format('ALTER VIEW %s SET (security_invoker = true)', p.below::regclass)
		ELSE format('SELECT @extschema@.spsa_protect(%L)', p.below::regclass) END
FROM past p
UNION ALL
SELECT DISTINCT 'warning', f.oid::regprocedure::text, 'is IMMUTABLE and reads a protected table: plans keep what it returned in other sessions',
	format('ALTER ROUTINE %s STABLE', f.oid::regprocedure)
FROM protected_table t
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_proc'::regclass
JOIN pg_proc f ON f.oid = d.objid AND f.provolatile = 'i'
UNION ALL
SELECT DISTINCT 'info', f.oid::regprocedure::text,
	format('is SECURITY DEFINER and reads protected tables as role %I, to whom policies do not apply', o.rolname),
	format('ALTER ROUTINE %s SECURITY INVOKER', f.oid::regprocedure)
FROM protected_table t
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_proc'::regclass
JOIN pg_proc f ON f.oid = d.objid AND f.prosecdef
JOIN pg_roles o ON o.oid = f.proowner AND (o.rolsuper OR o.rolbypassrls OR (t.relowner = o.oid AND NOT t.relforcerowsecurity))
UNION ALL
SELECT DISTINCT 'info', k.conrelid::regclass::text, format('is not protected and refers to %s: writing to it tells which keys exist there', k.confrelid::regclass),
	format('SELECT @extschema@.spsa_protect(%L)', k.conrelid::regclass)
FROM protected_table t JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = t.oid
WHERE NOT EXISTS (SELECT FROM spsa.protected_object p WHERE p.object = k.conrelid);
END;
COMMENT ON FUNCTION spsa.finding_reader() IS 'rows of spsa_check(): views, functions and foreign keys by which protected tables are read with other rights';
