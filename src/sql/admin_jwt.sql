-- admin_jwt.sql - administration of issuers of JSON Web Tokens; like admin.sql.
--
-- Whoever may write an issuer can sign tokens for any user: that is for the owner of the extension, not for delegates.

CREATE FUNCTION spsa.find_jwt_issuer(issuer text) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_jwt_issuer';
COMMENT ON FUNCTION spsa.find_jwt_issuer(text) IS 'its argument; 42704 if there is no such issuer';

CREATE FUNCTION @extschema@.spsa_create_jwt_issuer(issuer text, audience text[], algorithms text[], jwks jsonb, user_claim text DEFAULT 'sub',
	attribute_claims jsonb DEFAULT '{}', high_assurance_acr text[] DEFAULT '{}', high_assurance_amr text[] DEFAULT '{}',
	clock_skew interval DEFAULT '1 minute', max_lifetime interval DEFAULT '8 hours', single_use boolean DEFAULT false,
	db_role name DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.jwt_issuer (issuer, audience, algorithms, jwks, user_claim, attribute_claims, high_assurance_acr, high_assurance_amr,
		clock_skew, max_lifetime, single_use, db_role)
	VALUES (issuer, audience, algorithms, jwks, user_claim, attribute_claims, high_assurance_acr, high_assurance_amr,
		clock_skew, max_lifetime, single_use,
		(SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = pg_catalog.quote_ident(db_role)::regrole));
END;
COMMENT ON FUNCTION @extschema@.spsa_create_jwt_issuer(text, text[], text[], jsonb, text, jsonb, text[], text[], interval, interval, boolean, name) IS
'makes an identity provider known, whose JSON Web Tokens open sessions. The arguments are the columns of spsa.jwt_issuer: issuer (iss), audience (one of them must be in aud), algorithms, jwks (JSON Web Key Set: RSA keys of 2048 to 8192 bits, EC keys on P-256, P-384 or P-521, Ed25519 keys, or secrets as long as the hash at least), user_claim (the name of the user), attribute_claims (session attributes by claims, as in ''{"region": "region"}''), high_assurance_acr and high_assurance_amr (which acr and amr mean high_assurance), clock_skew (at most 10 minutes), max_lifetime (at most 1 year), single_use (each jti opens one session), db_role (whose members may use the tokens). Give jwks as a bind parameter if it has secrets.
Errors: 23505 the issuer is known; 22023 what is wrong with an argument; 42704 unknown role; 23502 null.';

CREATE FUNCTION @extschema@.spsa_set_jwt_issuer(issuer text, audience text[] DEFAULT NULL, algorithms text[] DEFAULT NULL, jwks jsonb DEFAULT NULL,
	user_claim text DEFAULT NULL, attribute_claims jsonb DEFAULT NULL, high_assurance_acr text[] DEFAULT NULL,
	high_assurance_amr text[] DEFAULT NULL, clock_skew interval DEFAULT NULL, max_lifetime interval DEFAULT NULL,
	single_use boolean DEFAULT NULL, db_role name DEFAULT NULL, is_active boolean DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_jwt_issuer(spsa_set_jwt_issuer.issuer) AS issuer,
			(SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = pg_catalog.quote_ident(spsa_set_jwt_issuer.db_role)::regrole) AS db_role),
	changed AS (
		UPDATE spsa.jwt_issuer j
		SET audience = COALESCE(spsa_set_jwt_issuer.audience, j.audience),
			algorithms = COALESCE(spsa_set_jwt_issuer.algorithms, j.algorithms),
			jwks = COALESCE(spsa_set_jwt_issuer.jwks, j.jwks),
			user_claim = COALESCE(spsa_set_jwt_issuer.user_claim, j.user_claim),
			attribute_claims = COALESCE(spsa_set_jwt_issuer.attribute_claims, j.attribute_claims),
			high_assurance_acr = COALESCE(spsa_set_jwt_issuer.high_assurance_acr, j.high_assurance_acr),
			high_assurance_amr = COALESCE(spsa_set_jwt_issuer.high_assurance_amr, j.high_assurance_amr),
			clock_skew = COALESCE(spsa_set_jwt_issuer.clock_skew, j.clock_skew),
			max_lifetime = COALESCE(spsa_set_jwt_issuer.max_lifetime, j.max_lifetime),
			single_use = COALESCE(spsa_set_jwt_issuer.single_use, j.single_use),
			db_role = COALESCE(i.db_role, j.db_role),
			is_active = COALESCE(spsa_set_jwt_issuer.is_active, j.is_active)
		FROM i
		WHERE j.issuer = i.issuer
		RETURNING 1
	)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_set_jwt_issuer(text, text[], text[], jsonb, text, jsonb, text[], text[], interval, interval, boolean, name, boolean) IS
'changes what is configured for an issuer; what is null stays as it is. jwks replaces the whole key set: sessions that were opened by tokens of a key that is gone are over with the next statement, in every backend. is_active false: no token is accepted, and the issuer''s sessions are over as long as it is false. The rest is for tokens from now on.
Errors: 42704 unknown issuer or role; 22023 what is wrong with an argument.';

CREATE FUNCTION @extschema@.spsa_drop_jwt_issuer(issuer text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_jwt_issuer(spsa_drop_jwt_issuer.issuer) AS issuer),
	gone AS (DELETE FROM spsa.jwt_issuer j USING i WHERE j.issuer = i.issuer RETURNING 1)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_drop_jwt_issuer(text) IS
'forgets an issuer: its tokens are not accepted any more, and the sessions that they have opened are over. Errors: 42704 unknown issuer.';
