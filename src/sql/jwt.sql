-- jwt.sql - issuers of JSON Web Tokens, and the sessions that these open.
--
-- The backends read these tables by column position (src/base/table.h): add columns at the end only.

CREATE TABLE spsa.jwt_issuer (
	issuer text COLLATE "C" NOT NULL,
	audience text[] NOT NULL,
	algorithms text[] NOT NULL,
	jwks jsonb NOT NULL,
	user_claim text NOT NULL DEFAULT 'sub',
	attribute_claims jsonb NOT NULL DEFAULT '{}',
	high_assurance_acr text[] NOT NULL DEFAULT '{}',
	high_assurance_amr text[] NOT NULL DEFAULT '{}',
	clock_skew interval NOT NULL DEFAULT '1 minute',
	max_lifetime interval NOT NULL DEFAULT '8 hours',
	single_use boolean NOT NULL DEFAULT false,
	db_role name,
	is_active boolean NOT NULL DEFAULT true,
	key_digests bytea[] NOT NULL,
	CONSTRAINT jwt_issuer_pkey PRIMARY KEY (issuer),
	CONSTRAINT jwt_issuer_audience_check CHECK (pg_catalog.cardinality(audience) > 0),
	CONSTRAINT jwt_issuer_algorithms_check CHECK (pg_catalog.cardinality(algorithms) > 0 AND algorithms <@ ARRAY['RS256', 'RS384', 'RS512',
		'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'HS384', 'HS512']),
	CONSTRAINT jwt_issuer_attribute_claims_check CHECK (pg_catalog.jsonb_typeof(attribute_claims) = 'object'),
	CONSTRAINT jwt_issuer_clock_skew_check CHECK (clock_skew BETWEEN '0' AND '10 minutes'),
	CONSTRAINT jwt_issuer_max_lifetime_check CHECK (max_lifetime > '0' AND max_lifetime <= '1 year')
);
COMMENT ON TABLE spsa.jwt_issuer IS 'identity providers whose JSON Web Tokens open sessions; a row with secrets (kty oct) is not dumped';
COMMENT ON COLUMN spsa.jwt_issuer.issuer IS 'the claim iss, to the letter';
COMMENT ON COLUMN spsa.jwt_issuer.audience IS 'the claim aud must be or have one of these';
COMMENT ON COLUMN spsa.jwt_issuer.algorithms IS 'algorithms that are accepted (RFC 7518, RFC 8037): RS256 to RS512, PS256 to PS512, ES256 to ES512, EdDSA, HS256 to HS512';
COMMENT ON COLUMN spsa.jwt_issuer.jwks IS 'JSON Web Key Set (RFC 7517) of public keys, or of secrets for HS256 to HS512; sessions whose key is gone are over';
COMMENT ON COLUMN spsa.jwt_issuer.user_claim IS 'claim that has the name of the user';
COMMENT ON COLUMN spsa.jwt_issuer.attribute_claims IS 'JSON object: session attributes, and the claims that give their values (texts, numbers, booleans, lists of these)';
COMMENT ON COLUMN spsa.jwt_issuer.high_assurance_acr IS 'values of the claim acr for which the session has the security level high_assurance';
COMMENT ON COLUMN spsa.jwt_issuer.high_assurance_amr IS 'the same for the claim amr, of whose methods one suffices';
COMMENT ON COLUMN spsa.jwt_issuer.clock_skew IS 'how much the issuer''s clock may be ahead, for nbf, iat and auth_time; exp has no leeway';
COMMENT ON COLUMN spsa.jwt_issuer.max_lifetime IS 'longest lifetime of a session; it never outlives exp';
COMMENT ON COLUMN spsa.jwt_issuer.single_use IS 'true: a token (its jti) opens one session, by spsa_open_session_jwt() alone';
COMMENT ON COLUMN spsa.jwt_issuer.db_role IS 'database role whose members may open and attach the sessions; null: sessions are bound to the role that has logged in';
COMMENT ON COLUMN spsa.jwt_issuer.is_active IS 'false: no token is accepted, and the sessions are over as long as it is false';
COMMENT ON COLUMN spsa.jwt_issuer.key_digests IS 'digests of the keys, written by a trigger';

CREATE TABLE spsa.jwt_session (
	session_id uuid NOT NULL,
	issuer text COLLATE "C" NOT NULL,
	key_digest bytea NOT NULL,
	single_use boolean NOT NULL,
	CONSTRAINT jwt_session_pkey PRIMARY KEY (session_id)
);
COMMENT ON TABLE spsa.jwt_session IS 'sessions that were opened by a JWT, and who has signed it: they are over when the issuer or the key is trusted no longer';
COMMENT ON COLUMN spsa.jwt_session.session_id IS 'session';
COMMENT ON COLUMN spsa.jwt_session.issuer IS 'issuer of the JWT';
COMMENT ON COLUMN spsa.jwt_session.key_digest IS 'digest of the key that has signed it';
COMMENT ON COLUMN spsa.jwt_session.single_use IS 'the JWT was for a single use: the session is of use only when its opening is committed';

CREATE TABLE spsa.jwt_use (
	issuer text COLLATE "C" NOT NULL,
	use_digest bytea NOT NULL,
	expires_at timestamptz NOT NULL,
	CONSTRAINT jwt_use_pkey PRIMARY KEY (issuer, use_digest)
);
CREATE INDEX jwt_use_expires_at_idx ON spsa.jwt_use (expires_at);
COMMENT ON TABLE spsa.jwt_use IS 'tokens that have opened a session and must not open another, until they expire';
COMMENT ON COLUMN spsa.jwt_use.issuer IS 'issuer of the JWT';
COMMENT ON COLUMN spsa.jwt_use.use_digest IS 'SHA-256 of its jti, or, if it was used by spsa_attach_jwt(), of the token made of it';
COMMENT ON COLUMN spsa.jwt_use.expires_at IS 'when it expires, and spsa_purge() may forget it';

-- A secret is no configuration that a dump may carry.
SELECT pg_catalog.pg_extension_config_dump('spsa.jwt_issuer',
	$$WHERE NOT pg_catalog.jsonb_path_exists(jwks, '$.keys[*].kty ? (@ == "oct")')$$);

CREATE FUNCTION spsa.check_jwt_issuer() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_jwt_issuer';
COMMENT ON FUNCTION spsa.check_jwt_issuer() IS 'trigger: explains what is wrong with an issuer, its keys among it (22023), and writes the digests of the keys';
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.jwt_issuer
	FOR EACH ROW EXECUTE FUNCTION spsa.check_jwt_issuer();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.jwt_issuer
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.jwt_issuer EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.jwt_issuer
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.jwt_issuer EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER UPDATE OR DELETE ON spsa.jwt_session
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.jwt_session EXECUTE FUNCTION spsa.signal_session();
ALTER TABLE spsa.jwt_issuer ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.jwt_session ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;

CREATE FUNCTION @extschema@.spsa_open_session_jwt(jwt text, lifetime interval DEFAULT NULL)
	RETURNS TABLE (session_id uuid, token text, expires_at timestamptz)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'spsa_open_session_jwt';
COMMENT ON FUNCTION @extschema@.spsa_open_session_jwt(text, interval) IS
'opens a session for the user whom an identity provider has authenticated, by its JSON Web Token, and shows the session''s token once. What the issuer must be, and what becomes of the claims, says spsa.jwt_issuer. Give the JWT as a bind parameter. lifetime: until the session ends, null for as long as possible; it ends no later than exp, or the issuer''s max_lifetime.
The session''s authenticated_at is auth_time; if the token has none, 1970-01-01, which meets no max_authentication_age.
Errors: 28000 the JWT is not valid, for whatever cause, which is in the server''s log: it is no JWT of a known issuer, the signature, time or audience is wrong, it has been used (single_use), or there is no such active user. 22023 bad lifetime; 25006 read-only transaction; 53400 the user''s session limit is reached.
Source: RFC 7519, 7515, 7517, 7518, 8037, 8725.';

CREATE FUNCTION @extschema@.spsa_attach_jwt(jwt text) RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT spsa.attach_support AS 'MODULE_PATHNAME', 'spsa_attach_jwt';
COMMENT ON FUNCTION @extschema@.spsa_attach_jwt(text) IS
'attaches the session of a JSON Web Token until the end of the transaction, like spsa_attach(); the first use opens the session, as spsa_open_session_jwt() does, and later ones find it. Returns the session''s identifier. Give the JWT as a bind parameter. A JWT whose session is over attaches nothing any more.
Errors: 28000 the JWT is not valid, for whatever cause, or its session is over, or its issuer''s tokens are for a single use; no authority is left then. 25006 the first use in a read-only transaction; 53400 the user''s session limit is reached.';
