-- guard.sql - what must hold before anything is created.
--
-- Everything below is written with full qualification and parsed under this path, so that nothing that somebody put
-- into the target schema beforehand can capture a name or an operator.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Plain CREATE: a schema that somebody else prepared (and would own) makes the installation fail.
CREATE SCHEMA spsa;
COMMENT ON SCHEMA spsa IS 'tables of the extension spsa: session-based permission sets';

-- Overloads prepared in the target schema could be preferred to ours by the parser.
CREATE FUNCTION spsa.check_target_schema(name) RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'spsa_check_target_schema';
SELECT spsa.check_target_schema(
	(SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
	 WHERE e.extname = 'spsa'));
DROP FUNCTION spsa.check_target_schema(name);
