-- advisor_identity.sql - what spsa_check() finds on what sessions rest on: versions, issuers, encryption keys.

CREATE FUNCTION spsa.library_version() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_library_version';
COMMENT ON FUNCTION spsa.library_version() IS 'version of the library that this connection has loaded';

CREATE FUNCTION spsa.jwt_issuer_fault(issuer text) RETURNS text
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_jwt_issuer_fault';
COMMENT ON FUNCTION spsa.jwt_issuer_fault(text) IS 'why the keys of an issuer cannot be used with its algorithms, without anything of the keys; null: they can, or there is no such issuer';

CREATE FUNCTION spsa.key_file_fault(key_id text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_key_file_fault';
COMMENT ON FUNCTION spsa.key_file_fault(text) IS
'why a key of the file spsa.encryption_key_file cannot be used, without the name of the file; null: it can, or the caller is no superuser. key_id: name of the key; null: the current one, of which nothing is wrong while no file is configured';

CREATE FUNCTION spsa.finding_identity() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH version AS (
	SELECT e.extversion AS installed, spsa.library_version() AS library, a.default_version AS available,
		EXISTS (SELECT FROM pg_extension_update_paths(a.name) u WHERE u.source = e.extversion AND u.target = a.default_version AND u.path IS NOT NULL) AS has_update
	FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname
	WHERE e.extname = 'spsa'
), issuer AS (
	SELECT i.issuer, i.audience, array_remove(array_remove(i.audience, NULL), '') AS named, spsa.jwt_issuer_fault(i.issuer) AS fault
	FROM spsa.jwt_issuer i WHERE i.is_active
), key_file AS MATERIALIZED (
	SELECT spsa.key_file_fault(NULL) AS fault
), factor AS (
	SELECT t.key_id, t.factors, spsa.key_file_fault(t.key_id) AS fault
	FROM (SELECT u.key_id, count(*) AS factors FROM spsa.user_totp u GROUP BY u.key_id) t
)
SELECT 'error', 'spsa', format('the extension is of version %s, but the library that is loaded is of version %s: nobody has access', v.installed, v.library),
	CASE WHEN v.has_update AND v.available = v.library THEN 'ALTER EXTENSION spsa UPDATE'
		-- A new connection loads the new library, unless the server has loaded the old one.
		ELSE 'SELECT pg_terminate_backend(pg_backend_pid())' END
FROM version v WHERE v.installed <> v.library
UNION ALL
SELECT 'info', 'spsa', format('version %s is available, and the extension is of version %s', v.available, v.installed), 'ALTER EXTENSION spsa UPDATE'
FROM version v WHERE v.installed = v.library AND v.available <> v.installed AND v.has_update
UNION ALL
SELECT 'error', i.issuer, format('no token of this issuer can be verified: %s', i.fault), format('SELECT @extschema@.spsa_drop_jwt_issuer(%L)', i.issuer)
FROM issuer i WHERE i.fault IS NOT NULL
UNION ALL
SELECT 'error', i.issuer, 'its list of audiences is empty, or has one that is',
	CASE WHEN i.named = '{}' OR i.fault IS NOT NULL THEN format('SELECT @extschema@.spsa_drop_jwt_issuer(%L)', i.issuer)
		ELSE format('SELECT @extschema@.spsa_set_jwt_issuer(%L, %L)', i.issuer, i.named) END
FROM issuer i WHERE i.fault IS NULL AND (i.audience = '{}' OR i.audience <> i.named)
UNION ALL
SELECT 'error', 'spsa.encryption_key_file', format('no second factor can be used: of the file of encryption keys, %s', k.fault),
	CASE WHEN starts_with(k.fault, 'it has group or world access')
		THEN format('COPY (SELECT) TO PROGRAM %L', 'cat >/dev/null; chmod u=rw,go= -- '''
			|| replace(current_setting('spsa.encryption_key_file'), '''', '''\''''') || '''')
		ELSE 'ALTER SYSTEM SET spsa.encryption_key_file = ''''' END
FROM key_file k WHERE k.fault IS NOT NULL
UNION ALL
SELECT 'error', 'spsa.totp_factor', format('second factors that cannot be used until their key %I is there again: %s', f.key_id, f.factors),
	format('SELECT count(@extschema@.spsa_remove_user_totp(u.user_name)) FROM spsa.user_totp u WHERE u.key_id = %L', f.key_id)
FROM factor f JOIN key_file k ON k.fault IS NULL
WHERE f.fault IS NOT NULL;
END;
COMMENT ON FUNCTION spsa.finding_identity() IS 'rows of spsa_check(): versions that do not fit, issuers whose tokens cannot be verified, and encryption keys that are missing';
