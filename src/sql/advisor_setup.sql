-- advisor_setup.sql - what spsa_check() finds in what is configured, and on the server.
--
-- Of what grows with users and sessions an index gives the few rows that are looked at.

CREATE FUNCTION spsa.finding_grant() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT 'warning', t.set_name, x.problem || ': no row is reached by it', x.remedy
FROM (
	SELECT s.set_id, format('row scope on field %I of %s: ', s.field, s.object) ||
			CASE WHEN s.field_number = 0 OR a.attnum IS NULL THEN 'the column is gone'
				WHEN s.field_type IS DISTINCT FROM a.atttypid THEN 'the column has another type than when it was written'
				ELSE 'the policies do not pass the field' END AS problem,
		CASE WHEN s.field_number = 0 OR a.attnum IS NULL OR s.field_type IS DISTINCT FROM a.atttypid
			-- Without the scope alone, those that it joins with would reach more.
			THEN format('DELETE FROM spsa.object_permission WHERE set_id = %s AND object = %L::regclass', s.set_id, s.object)
			ELSE format('SELECT @extschema@.spsa_protect(%L, %L, %L, %L, %L)', p.object, p.row_fields || s.field, p.on_denied, p.force, p.as_restrictive)
			END AS remedy
	FROM spsa.row_scope s
	JOIN spsa.protected_object p ON p.object = s.object AND p.root IS NULL
	LEFT JOIN pg_attribute a ON a.attrelid = s.object AND NOT a.attisdropped
		AND CASE WHEN s.field_number IS NULL THEN a.attname = s.field ELSE a.attnum = s.field_number END
	WHERE s.field_number = 0 OR a.attnum IS NULL OR s.field_type IS DISTINCT FROM a.atttypid OR s.field <> ALL (p.row_fields)
	UNION ALL
	SELECT o.set_id, format('permission on %s is row-scoped and has no row scope', o.object),
		format('DELETE FROM spsa.object_permission WHERE set_id = %s AND object = %L::regclass', o.set_id, o.object)
	FROM spsa.object_permission o
	WHERE o.row_scoped AND NOT EXISTS (SELECT FROM spsa.row_scope s WHERE s.set_id = o.set_id AND s.object = o.object)
) x
JOIN spsa.permission_set t ON t.set_id = x.set_id
UNION ALL
SELECT DISTINCT 'info', o.object::text, 'permission sets grant it, but it is not protected: PostgreSQL''s privileges alone decide',
	format('SELECT @extschema@.spsa_protect(%L)', o.object)
FROM spsa.object_permission o JOIN pg_class c ON c.oid = o.object
WHERE NOT EXISTS (SELECT FROM spsa.protected_object p WHERE p.object = o.object)
UNION ALL
SELECT DISTINCT 'warning', x.object::oid::text, format('is in spsa.%s, and there is no such relation', x.place),
	format('DELETE FROM spsa.%I WHERE object = %s', x.place, x.object::oid)
FROM (
	SELECT 'object_permission' AS place, o.object FROM spsa.object_permission o
	UNION ALL
	SELECT 'field_permission', f.object FROM spsa.field_permission f
	UNION ALL
	SELECT 'protected_object', p.object FROM spsa.protected_object p
	UNION ALL
	SELECT 'protected_field', p.object FROM spsa.protected_field p
) x
WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = x.object)
UNION ALL
SELECT DISTINCT 'warning', x.function, format('is in spsa.%s, and there is no such function', x.place),
	format('DELETE FROM spsa.%I WHERE function = %L', x.place, x.function)
FROM (
	SELECT 'function_permission' AS place, f.function FROM spsa.function_permission f
	UNION ALL
	SELECT 'protected_function', p.function FROM spsa.protected_function p
) x
WHERE to_regprocedure(x.function) IS NULL
UNION ALL
SELECT 'warning', f.flow_name, format('its criterion %s is gone: the flow cannot run', f.criterion),
	format('SELECT @extschema@.spsa_drop_flow(%L)', f.flow_name)
FROM spsa.flow f WHERE f.criterion IS NOT NULL AND to_regprocedure(f.criterion) IS NULL;
END;
COMMENT ON FUNCTION spsa.finding_grant() IS 'rows of spsa_check(): what is configured and does not do what it says';

CREATE FUNCTION spsa.finding_server() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH preload AS (
	-- Who may not read these settings is told nothing of them.
	SELECT bool_or(s.source IN ('environment variable', 'configuration file', 'command line', 'global', 'database') AND 'spsa' = ANY (
			string_to_array(regexp_replace(s.setting, '[[:space:]"]|[$]libdir/|[.]so', '', 'g'), ','))) AS spsa,
		COALESCE((SELECT string_agg(quote_literal(trim(l.name, ' "')), ', ' ORDER BY l.place) || ', '
			FROM pg_settings o, string_to_table(o.setting, ',') WITH ORDINALITY l (name, place)
			WHERE o.name = 'session_preload_libraries' AND trim(l.name) <> '' AND l.name !~ '(^|[/ "])spsa([. "]|$)'), '') AS others
	FROM pg_settings s WHERE s.name IN ('shared_preload_libraries', 'session_preload_libraries')
), without AS (
	SELECT p.others FROM preload p WHERE NOT p.spsa
), needed AS (
	SELECT EXISTS (SELECT FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object AND c.relkind NOT IN ('r', 'p'))
		OR EXISTS (SELECT FROM spsa.protected_object p WHERE p.on_denied = 'error')
		OR EXISTS (SELECT FROM spsa.protected_function) OR EXISTS (SELECT FROM spsa.protected_field) AS hooks
), partition AS (
	SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS ends
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'spsa.audit_event'::regclass AND c.relname <> 'audit_event_default'
)
SELECT CASE WHEN n.hooks THEN 'error' ELSE 'info' END, quote_ident(current_database()),
	'the library spsa is not preloaded: '
	|| CASE WHEN n.hooks THEN 'new connections do not guard views, sequences, functions and fields'
		ELSE 'the log of connections that have not used it yet shows tokens' END,
	format('ALTER DATABASE %I SET session_preload_libraries = %s', current_database(), w.others || '''spsa''')
FROM without w CROSS JOIN needed n
UNION ALL
SELECT 'warning', quote_ident(current_database()), format('%s logs values of parameters, tokens among them, of connections without the library', s.name),
	format('ALTER DATABASE %I SET %I = 0', current_database(), s.name)
FROM without w JOIN pg_settings s ON s.name IN ('log_parameter_max_length', 'log_parameter_max_length_on_error') AND s.setting <> '0'
WHERE s.name = 'log_parameter_max_length_on_error' OR EXISTS (
	SELECT FROM pg_settings l
	WHERE (l.name = 'log_statement' AND l.setting <> 'none') OR (l.name IN ('log_min_duration_statement', 'log_min_duration_sample') AND l.setting <> '-1'))
UNION ALL
SELECT 'error', e.evtname::text, 'the event trigger does not fire for every command: protected tables can lose their guards',
	format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', e.evtname)
FROM pg_event_trigger e
WHERE e.evtfoid IN ('spsa.on_sql_drop()'::regprocedure, 'spsa.before_ddl()'::regprocedure, 'spsa.on_ddl()'::regprocedure) AND e.evtenabled <> 'A'
UNION ALL
SELECT 'error', g.tgrelid::regclass::text, format('trigger %I is disabled: changes are not checked, recorded or made known to other connections', g.tgname),
	format('ALTER TABLE %s ENABLE %sTRIGGER %I', g.tgrelid::regclass,
		CASE WHEN starts_with(g.tgname, 'signal') OR g.tgname = 'chain_event' THEN 'ALWAYS ' ELSE '' END, g.tgname)
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid AND c.relnamespace = 'spsa'::regnamespace
WHERE NOT g.tgisinternal AND CASE WHEN starts_with(g.tgname, 'signal') OR g.tgname = 'chain_event' THEN g.tgenabled <> 'A' ELSE g.tgenabled NOT IN ('O', 'A') END
UNION ALL
SELECT 'warning', 'spsa.audit_event', 'its partitions are over, or will be within a week', 'SELECT @extschema@.spsa_partition_audit()'
FROM partition p HAVING max(p.ends) < now() + '7 days'
UNION ALL
SELECT 'info', 'spsa.session', 'sessions that ended more than 30 days ago are still there', 'SELECT @extschema@.spsa_purge()'
WHERE EXISTS (SELECT FROM spsa.session s WHERE s.expires_at < now() - interval '30 days');
END;
COMMENT ON FUNCTION spsa.finding_server() IS 'rows of spsa_check(): settings of the server, switched-off triggers, and upkeep that is due';

CREATE FUNCTION @extschema@.spsa_check() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT f.severity, f.object, f.problem, f.remedy
FROM (
	SELECT * FROM spsa.finding_policy()
	UNION ALL
	SELECT * FROM spsa.finding_reader()
	UNION ALL
	SELECT * FROM spsa.finding_role()
	UNION ALL
	SELECT * FROM spsa.finding_grant()
	UNION ALL
	SELECT * FROM spsa.finding_server()
	UNION ALL
	SELECT * FROM spsa.finding_masked_view()
	UNION ALL
	SELECT * FROM spsa.finding_sequence()
	UNION ALL
	SELECT * FROM spsa.finding_assignment()
	UNION ALL
	SELECT * FROM spsa.finding_user()
	UNION ALL
	SELECT * FROM spsa.finding_identity()
) f
ORDER BY array_position(ARRAY['error', 'warning', 'info'], f.severity), f.object COLLATE "C", f.problem COLLATE "C", f.remedy COLLATE "C";
END;
COMMENT ON FUNCTION @extschema@.spsa_check() IS
'what is wrong with this database''s set-up, a row for each finding. severity: error, data can be seen or changed past spsa, or access is broken; warning, something does not do what it says, or lets a role do more than it should; info, to be known. object: what it is about. remedy: an SQL command that takes the finding away, to be read before it is run; a setting holds for new connections. For roles that may select from spsa''s tables, such as those of spsa_grant_administration(); settings of the server are looked at for members of pg_read_all_settings, the file of encryption keys for superusers.
Errors: 42501 not permitted.';
