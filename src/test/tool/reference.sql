-- reference.sql - functions, tables and views as Markdown.
SET search_path = public, pg_catalog;
WITH member AS (
	SELECT p.oid, p.proname, n.nspname, row_number() OVER (ORDER BY p.oid) AS n
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'spsa'
	WHERE p.proname LIKE 'spsa\_%'
)
SELECT '## Functions' || E'\n'
UNION ALL
SELECT * FROM (
	SELECT format(E'### %s\n\n    %1$s(%s)\n    returns %s\n\n%s\n\n%s\n', m.proname,
		regexp_replace(pg_get_function_arguments(m.oid), '::[a-z_.]+(?![a-z_.\[])', '', 'g'), pg_get_function_result(m.oid),
		(SELECT string_agg(CASE i WHEN 1 THEN upper(left(line, 1)) || substr(line, 2) ELSE line END
				|| CASE WHEN line LIKE '%.' THEN '' ELSE '.' END, E'\n\n' ORDER BY i)
			FROM unnest(string_to_array(obj_description(m.oid, 'pg_proc'), E'\n')) WITH ORDINALITY l (line, i)),
		CASE WHEN has_function_privilege('public', m.oid, 'EXECUTE') THEN 'Executable by PUBLIC.'
			ELSE 'Executable by the owner of the extension, until granted.' END)
	FROM member m ORDER BY m.n) f;
SELECT E'## Tables and views\n\nTables are readable and writable by the owner of the extension; views say by whom.\n';
SELECT format(E'### spsa.%s\n\n%s.\n\n| column | type | meaning |\n| --- | --- | --- |\n%s\n', c.relname,
	(SELECT upper(left(d, 1)) || substr(d, 2) FROM obj_description(c.oid, 'pg_class') d),
	(SELECT string_agg(format('| `%s` | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
			replace(col_description(c.oid, a.attnum), '|', '\|')), E'\n' ORDER BY a.attnum)
		FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition ORDER BY c.oid;
