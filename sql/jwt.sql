-- jwt: sessions of users whom an identity provider has authenticated. What is refused of a token itself, and what the log says
-- about it, is in src/test/t/016_jwt_verify.pl and 017_jwt.pl.

SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT current_user AS super \gset
CREATE ROLE regress_spsa_jwt_app;
CREATE ROLE regress_spsa_jwt_other;
CREATE ROLE regress_spsa_jwt_delegate;
GRANT CREATE ON SCHEMA public TO regress_spsa_jwt_app;
CREATE EXTENSION spsa;

-- Tokens with an HMAC (RFC 2104), by SQL alone.
CREATE FUNCTION pad(key bytea, byte integer) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE result bytea := decode(repeat('00', 64), 'hex');
BEGIN
	FOR i IN 0 .. 63 LOOP
		result := set_byte(result, i, byte # CASE WHEN i < length(key) THEN get_byte(key, i) ELSE 0 END);
	END LOOP;
	RETURN result;
END $$;
CREATE FUNCTION base64url(bytea) RETURNS text LANGUAGE sql AS $$ SELECT translate(encode($1, 'base64'), E'+/=\n', '-_') $$;
CREATE FUNCTION signed(header text, claims text, key bytea) RETURNS text LANGUAGE sql AS $$
	SELECT t || '.' || base64url(sha256(pad(key, 92) || sha256(pad(key, 54) || t::bytea)))
	FROM (SELECT base64url(header::bytea) || '.' || base64url(convert_to(claims, 'UTF8')) AS t) x $$;
CREATE FUNCTION seconds(interval) RETURNS bigint LANGUAGE sql AS $$ SELECT extract(epoch FROM clock_timestamp() + $1)::bigint $$;
-- A token of the issuer below that is good for ten minutes, with further claims; null takes one away.
CREATE FUNCTION token(more jsonb DEFAULT '{}', kid text DEFAULT 'k1', key bytea DEFAULT 'the first secret of the provider') RETURNS text LANGUAGE sql AS $$
	SELECT signed(jsonb_build_object('alg', 'HS256', 'kid', kid)::text, jsonb_strip_nulls(jsonb_build_object('iss', 'https://idp.example',
		'aud', 'app', 'sub', 'ann', 'exp', seconds('10 min'), 'jti', gen_random_uuid()) || more)::text, key) $$;
CREATE FUNCTION secret(kid text, key bytea) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('kty', 'oct', 'kid', kid, 'k', base64url(key)) $$;
CREATE FUNCTION keys(VARIADIC jsonb[]) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('keys', to_jsonb($1)) $$;
-- RFC 7515, A.1: the HMAC of the standard's example.
SELECT signed(E'{"typ":"JWT",\r\n "alg":"HS256"}', E'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}',
	decode('0323354b2b0fa5bc837e0665777ba68f5ab328e6f054c928a90f84b2d2502ebfd3fb5a92d20647ef968ab4c377623d223d2e2172052e4f08c0cd9af567d080a3', 'hex'))
	LIKE '%.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' AS hmac;

CREATE TABLE public.account (id integer PRIMARY KEY, region text);
INSERT INTO account VALUES (1, 'EU'), (2, 'US'), (3, 'UK');
GRANT SELECT ON account TO regress_spsa_jwt_app, regress_spsa_jwt_other;
SELECT spsa_protect('account', '{region}');
SELECT spsa_create_user('ann'), spsa_create_user('bob', '{"region": "US", "tags": ["a", "b"]}'), spsa_create_user('gone');
SELECT spsa_disable_user('gone');
SELECT spsa_create_permission_set('reader'), spsa_create_permission_set('gated', activation_required => true);
SELECT spsa_grant_object('reader', 'account', '{read}'), spsa_grant_rows('reader', 'account', 'region', attribute => 'region'),
	spsa_grant_object('gated', 'account', '{read}');
SELECT spsa_assign('ann', 'reader'), spsa_assign('bob', 'reader'), spsa_assign('ann', 'gated');

--
-- Administration
--
SELECT spsa_create_jwt_issuer('https://idp.example', '{app,app-2}', '{HS256}', keys(secret('k1', 'the first secret of the provider')),
	attribute_claims => '{"region": "region", "tags": "https://example.com/tags"}', high_assurance_acr => '{gold}', high_assurance_amr => '{otp,mfa}');
-- Whatever the header begins with, the statement is masked.
SELECT signed(E'{ "alg": "HS256"}', token_claims, 'the first secret of the provider') AS spaced
FROM (SELECT json_build_object('iss', 'https://idp.example', 'aud', 'app', 'sub', 'ann', 'exp', seconds('10 min'))::text AS token_claims) c \gset
BEGIN;
SELECT spsa_attach_jwt(:'spaced') IS NOT NULL AS attached \; SELECT query ~ '[A-Za-z0-9_-]{30}' AS shown, query ~ '[*]{100}' AS masked FROM pg_stat_activity WHERE pid = pg_backend_pid();
ROLLBACK;
SELECT spsa_create_jwt_issuer('https://idp.example', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer(NULL, '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('i', NULL, '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', NULL);
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), single_use => NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_create_jwt_issuer('i', '{}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('i', '{app,NULL}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('i', '{app}', '{}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256,none}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', '{"keys": []}');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'too short to be a secret of ours')), db_role => 'nobody there');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'short')));
SELECT spsa_create_jwt_issuer('i', '{app}', '{RS256}', '{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}');
SELECT spsa_create_jwt_issuer('i', '{app}', '{ES256}', '{"keys": [{"kty": "EC", "crv": "P-256", "d": "AA",
	"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), attribute_claims => '{"a": 1}');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), attribute_claims => '["a"]');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), clock_skew => '11 minutes');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), clock_skew => '-1 second');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), max_lifetime => '0');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), max_lifetime => '2 years');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), high_assurance_acr => '{""}');
SELECT spsa_create_jwt_issuer('i', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), user_claim => '');
SELECT spsa_set_jwt_issuer('https://nobody.example', is_active => false);
SELECT spsa_set_jwt_issuer(NULL, is_active => false);
SELECT spsa_set_jwt_issuer('https://idp.example', algorithms => '{RS256}');
SELECT spsa_set_jwt_issuer('https://idp.example', db_role => 'nobody there');
SELECT spsa_drop_jwt_issuer('https://nobody.example');
-- What is not named stays.
SELECT spsa_set_jwt_issuer('https://idp.example', max_lifetime => '1 hour', clock_skew => '30 seconds');
SELECT issuer, audience, algorithms, user_claim, attribute_claims, high_assurance_acr, high_assurance_amr, clock_skew, max_lifetime, single_use, db_role, is_active
FROM spsa.jwt_issuer;
-- The audit trail has keys without their secrets, and nothing that is computed from them.
SELECT event, detail->'new'->'jwks' AS jwks, detail->'old'->'jwks' AS old, detail->'new' ? 'key_digests' AS digests
FROM spsa.audit_event WHERE event LIKE 'jwt%' ORDER BY event_id;
SELECT count(*) AS secrets FROM spsa.audit_event e WHERE strpos(e::text, base64url('the first secret of the provider')) > 0;
-- A dump must not have it.
SELECT extcondition[array_position(extconfig, 'spsa.jwt_issuer'::regclass)] FROM pg_extension WHERE extname = 'spsa';

--
-- Opening, as an ordinary role
--
SELECT token('{"region": "EU"}') AS jwt \gset
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT session_id AS sid, token AS tok, expires_at BETWEEN now() + '9 min' AND now() + '601 s' AS until_exp FROM spsa_open_session_jwt(:'jwt') \gset
SELECT :'until_exp' AS until_exp;
BEGIN;
SELECT spsa_attach(:'tok') = :'sid' AS attached;
SELECT spsa_user_name(), spsa_session_attribute('region'), spsa_session_info()->>'LoginType' AS login_type, spsa_session_info()->>'SessionSecurityLevel' AS level;
SELECT * FROM account;
COMMIT;
SELECT * FROM account;
-- A token is for any number of sessions, each with a lifetime.
SELECT session_id <> :'sid' AS another, expires_at < now() + '6 min' AS shorter FROM spsa_open_session_jwt(:'jwt', '5 min');
SELECT expires_at < now() + '11 min' AS not_longer FROM spsa_open_session_jwt(:'jwt', '5 hours');
SELECT spsa_open_session_jwt(:'jwt', '0');
SELECT spsa_open_session_jwt(:'jwt', '2 years');
-- Everything that is wrong is one error.
SELECT spsa_open_session_jwt(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_open_session_jwt('');
SELECT spsa_open_session_jwt('x.y.z');
SELECT spsa_open_session_jwt(:'jwt' || 'x');
SELECT spsa_open_session_jwt(token('{"sub": "nobody"}'));
SELECT spsa_open_session_jwt(token('{"sub": "gone"}'));
SELECT spsa_open_session_jwt(token('{"sub": null}'));
SELECT spsa_open_session_jwt(token('{"sub": 1}'));
SELECT spsa_open_session_jwt(token('{"iss": "https://nobody.example"}'));
SELECT spsa_open_session_jwt(token('{"aud": "app-3"}'));
SELECT spsa_open_session_jwt(token('{"exp": 1300819380}'));
SELECT spsa_open_session_jwt(token('{"exp": null}'));
SELECT spsa_open_session_jwt(token(key => 'another secret of about this len'));
SELECT spsa_open_session_jwt(token('{"sub": "bob", "region": "EU"}'));
SELECT spsa_open_session_jwt(token('{"sub": "bob", "https://example.com/tags": ["b", "a"]}'));
SELECT spsa_open_session_jwt(token('{"region": {"a": 1}}'));
SELECT spsa_open_session_jwt(token('{"region": [["EU"]]}'));
SELECT spsa_open_session_jwt(token(jsonb_build_object('region', ('0.' || repeat('1', 50))::numeric)));
SELECT spsa_open_session_jwt(token(jsonb_build_object('nbf', seconds('1 min'))));
SELECT spsa_open_session_jwt(token(jsonb_build_object('iat', seconds('1 min'))));
-- What is right.
SELECT expires_at IS NOT NULL AS opened FROM spsa_open_session_jwt(token('{"sub": "bob", "region": "US", "https://example.com/tags": ["a", "b"]}'));
SELECT expires_at IS NOT NULL AS opened FROM spsa_open_session_jwt(token('{"aud": ["other", "app-2"]}'));
SELECT expires_at IS NOT NULL AS opened FROM spsa_open_session_jwt(token(jsonb_build_object('nbf', seconds('20 s'), 'iat', seconds('20 s'))));
SELECT expires_at BETWEEN now() + '59 min' AND now() + '61 min' AS capped FROM spsa_open_session_jwt(token(jsonb_build_object('exp', seconds('5 days'))));
RESET SESSION AUTHORIZATION;

-- What becomes of the claims.
CREATE TABLE openings (n int, security_level spsa.security_level, authenticated text, actor text, attributes jsonb);
DO $$
DECLARE
	more jsonb;
	n integer := 0;
	s spsa.session;
	sid uuid;
BEGIN
	FOREACH more IN ARRAY ARRAY['{}', '{"acr": "gold"}', '{"acr": "silver"}', '{"acr": ["gold"]}', '{"acr": 1}', '{"amr": ["pwd", "otp"]}', '{"amr": ["pwd"]}', '{"amr": "mfa"}',
		jsonb_build_object('auth_time', seconds('-2 hours')), jsonb_build_object('auth_time', seconds('20 s')), jsonb_build_object('iat', seconds('-2 hours')),
		'{"act": {"sub": "eve"}}', '{"region": "EU", "https://example.com/tags": [1, "b", true, -2.50]}', '{"region": false}', '{"region": null}', '{"region": "\u00e4\ud834\udd1e\""}']::jsonb[]
	LOOP
		n := n + 1;
		SELECT o.session_id INTO sid FROM spsa_open_session_jwt(token(more)) o;
		SELECT * INTO s FROM spsa.session x WHERE x.session_id = sid;
		INSERT INTO openings VALUES (n, s.security_level, CASE WHEN s.authenticated_at < '1971-01-01' THEN 'unknown'
			ELSE round(extract(epoch FROM clock_timestamp() - s.authenticated_at) / 60)::text || ' min ago' END, s.actor, s.attributes);
	END LOOP;
END $$;
SELECT * FROM openings ORDER BY n;
SELECT DISTINCT db_role = session_user AS own_role, login_type FROM spsa.session WHERE login_type = 'jwt' AND db_role <> 'regress_spsa_jwt_app';
SELECT DISTINCT event, detail - 'actor' AS detail FROM spsa.audit_event WHERE event = 'session_open';
SELECT count(*) AS actors FROM spsa.audit_event WHERE event = 'session_open' AND detail->>'actor' = 'eve';
-- An authentication of unknown age meets no limit on it.
SELECT spsa_set_activation_rule('gated', max_authentication_age => '1 hour');
SELECT token AS old FROM spsa_open_session_jwt(token(jsonb_build_object('iat', seconds('-1 s')))) \gset
SELECT token AS new FROM spsa_open_session_jwt(token(jsonb_build_object('auth_time', seconds('-1 min')))) \gset
BEGIN;
SELECT spsa_attach(:'old') IS NOT NULL AS attached;
SELECT spsa_activate_own('gated');
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'new') IS NOT NULL AS attached;
SELECT permission_set FROM spsa_activate_own('gated');
ROLLBACK;

--
-- Attaching by the token
--
SELECT token('{"region": "UK"}') AS jwt, token('{"sub": "bob"}') AS bob, token('{"sub": "gone"}') AS gone \gset
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
BEGIN;
SELECT spsa_attach_jwt(:'jwt') AS first \gset
SELECT spsa_user_name(), * FROM account;
COMMIT;
SELECT spsa_user_name() AS nobody, count(*) FROM account;
BEGIN;
SELECT spsa_attach_jwt(:'jwt') = :'first' AS the_same;
SELECT spsa_user_name(), * FROM account;
-- Another one in the same transaction.
SELECT spsa_attach_jwt(:'bob') <> :'first' AS another;
SELECT spsa_user_name(), * FROM account;
SELECT spsa_attach_jwt(:'jwt') = :'first' AS the_same;
COMMIT;
-- In autocommit it ends at once.
SET client_min_messages = notice;
SELECT spsa_attach_jwt(:'jwt') = :'first' AS the_same;
SET client_min_messages = warning;
SELECT spsa_user_name() AS nobody;
-- A token that is refused leaves no authority, not even by ROLLBACK.
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT count(*) FROM account;
SELECT spsa_attach_jwt(NULL);
SELECT count(*) FROM account;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
BEGIN;
SAVEPOINT s;
SELECT spsa_attach_jwt(:'gone');
ROLLBACK TO s;
SELECT count(*) FROM account;
ROLLBACK;
SELECT count(*) FROM account;
-- So does one that cannot be used for another reason; the token is good, so that is told.
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
BEGIN READ ONLY;
SAVEPOINT s;
SELECT spsa_attach_jwt(token());
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT count(*) FROM account;
ROLLBACK;
BEGIN READ ONLY;
SELECT spsa_open_session_jwt(token());
ROLLBACK;
BEGIN READ ONLY;
SELECT spsa_attach_jwt(token(key => 'another secret of about this len'));
ROLLBACK;
-- A later use does not write.
BEGIN READ ONLY;
SELECT spsa_attach_jwt(:'jwt') = :'first' AS the_same;
COMMIT;
SELECT spsa_detach();
-- The first use is undone by ROLLBACK, and then it is the first again.
SELECT token() AS jwt2 \gset
BEGIN;
SELECT spsa_attach_jwt(:'jwt2') AS undone \gset
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT spsa_attach_jwt(:'jwt2') <> :'undone' AS another;
ROLLBACK TO s;
SELECT spsa_user_name() AS nobody;
SELECT spsa_attach_jwt(:'jwt2') <> :'undone' AS another;
COMMIT;
-- Nor does a snapshot of before matter.
RESET SESSION AUTHORIZATION;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 0 AS rows FROM spsa.session;
SELECT spsa_attach_jwt(token()) IS NOT NULL AS attached;
SELECT spsa_user_name();
COMMIT;
-- The limit of sessions counts these, too.
UPDATE spsa.app_user SET session_limit = 1 WHERE user_name = 'bob';
SELECT spsa_attach_jwt(token('{"sub": "bob"}'));
UPDATE spsa.app_user SET session_limit = NULL WHERE user_name = 'bob';

-- Another role does not get it.
SET SESSION AUTHORIZATION regress_spsa_jwt_other;
SELECT spsa_attach_jwt(:'jwt');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_jwt_issuer('https://idp.example', db_role => 'regress_spsa_jwt_app');
SET SESSION AUTHORIZATION regress_spsa_jwt_other;
SELECT spsa_attach_jwt(token());
SELECT spsa_open_session_jwt(token());
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT token() AS jwt3 \gset
BEGIN;
SELECT spsa_attach_jwt(:'jwt3') IS NOT NULL AS attached;
COMMIT;
RESET SESSION AUTHORIZATION;
-- The role that is set counts, as PostgREST sets it.
GRANT regress_spsa_jwt_app TO regress_spsa_jwt_other;
ALTER ROLE regress_spsa_jwt_other NOINHERIT;
SET SESSION AUTHORIZATION regress_spsa_jwt_other;
BEGIN;
SET LOCAL ROLE regress_spsa_jwt_app;
SELECT spsa_attach_jwt(:'jwt3') IS NOT NULL AS attached;
COMMIT;
RESET SESSION AUTHORIZATION;

-- A session that is closed does not come back, whatever is purged.
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
BEGIN;
SELECT spsa_attach_jwt(:'jwt3') IS NOT NULL AS attached;
SELECT spsa_close_session();
COMMIT;
SELECT spsa_attach_jwt(:'jwt3');
RESET SESSION AUTHORIZATION;
SELECT spsa_purge() > 0 AS purged;
SELECT count(*) AS orphans FROM spsa.jwt_session j WHERE NOT EXISTS (SELECT FROM spsa.session s WHERE s.session_id = j.session_id);
SELECT spsa_attach_jwt(:'jwt3');
-- Nor does one whose token was replaced: the JWT is worth what that was.
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT token() AS jwt4 \gset
BEGIN;
SELECT spsa_attach_jwt(:'jwt4') IS NOT NULL AS attached;
SELECT spsa_rotate_token() AS newer \gset
COMMIT;
SELECT spsa_attach_jwt(:'jwt4');
BEGIN;
SELECT spsa_attach(:'newer') IS NOT NULL AS attached;
SELECT spsa_close_session();
COMMIT;
RESET SESSION AUTHORIZATION;
-- When it has expired it is forgotten.
SELECT count(*) > 0 AS remembered FROM spsa.jwt_use;
UPDATE spsa.jwt_use SET expires_at = now();
SELECT spsa_purge() IS NOT NULL AS purged;
SELECT count(*) AS remembered FROM spsa.jwt_use;

--
-- What is taken away
--
SELECT token('{"region": "UK"}') AS jwt \gset
SELECT spsa_set_jwt_issuer('https://idp.example', jwks => keys(secret('k1', 'the first secret of the provider'), secret('k2', 'the second secret of theirs......')));
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT session_id AS sid1, token AS tok1 FROM spsa_open_session_jwt(token('{"region": "EU"}')) \gset
SELECT session_id AS sid2, token AS tok2 FROM spsa_open_session_jwt(token('{"region": "EU"}', 'k2', 'the second secret of theirs......')) \gset
SELECT spsa_attach_connection(:'tok1') = :'sid1' AS attached;
SELECT count(*) FROM account;
SELECT session_id AS derived, token AS derived_tok FROM spsa_derive_session('{reader}') \gset
-- A key that goes takes its sessions with it, those of others stay; so it is told by the views.
RESET SESSION AUTHORIZATION;
SELECT spsa_set_jwt_issuer('https://idp.example', jwks => keys(secret('k2', 'the second secret of theirs......')));
SELECT session_id = :'sid1' AS first, session_id = :'sid2' AS second FROM spsa.live_session WHERE session_id IN (:'sid1', :'sid2', :'derived');
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT count(*) FROM account;
SELECT spsa_attach_connection(:'tok1');
-- and what was derived from it
SELECT spsa_attach_connection(:'derived_tok');
SELECT spsa_attach_connection(:'tok2') = :'sid2' AS attached;
SELECT count(*) FROM account;
-- An issuer that is switched off, and on again.
RESET SESSION AUTHORIZATION;
SELECT spsa_set_jwt_issuer('https://idp.example', is_active => false);
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT count(*) FROM account;
SELECT spsa_open_session_jwt(token('{}', 'k2', 'the second secret of theirs......'));
RESET SESSION AUTHORIZATION;
SELECT spsa_set_jwt_issuer('https://idp.example', is_active => true);
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT count(*) FROM account;
-- One that is dropped; others' sessions are not concerned.
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT token AS plain FROM spsa_open_session('ann', attributes => '{"region": "EU"}', db_role => 'regress_spsa_jwt_app') \gset
SELECT spsa_drop_jwt_issuer('https://idp.example');
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT spsa_attach_connection(:'tok2');
SELECT spsa_attach_connection(:'plain') IS NOT NULL AS attached;
SELECT count(*) FROM account;
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;
SELECT event FROM spsa.audit_event WHERE event LIKE 'jwt%' ORDER BY event_id;

--
-- Single use
--
SELECT spsa_create_jwt_issuer('https://idp.example', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')), single_use => true);
SELECT token('{"jti": "one"}') AS one, token('{"jti": "one", "x": 1}') AS again, token('{"jti": "two"}') AS two, token('{"jti": null}') AS none \gset
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT token AS tok FROM spsa_open_session_jwt(:'one') \gset
SELECT spsa_open_session_jwt(:'one');
SELECT spsa_open_session_jwt(:'again');
SELECT spsa_open_session_jwt(:'none');
SELECT spsa_attach_jwt(:'two');
BEGIN;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
COMMIT;
-- It is of no use before it is committed: ROLLBACK would undo the use, not what was read.
BEGIN;
SELECT token AS tok FROM spsa_open_session_jwt(:'two') \gset
SAVEPOINT s;
SELECT spsa_attach(:'tok');
ROLLBACK TO s;
SET LOCAL spsa.session_token = :'tok';
SELECT count(*) FROM account;
ROLLBACK;
BEGIN;
SELECT token AS tok FROM spsa_open_session_jwt(:'two') \gset
COMMIT;
BEGIN;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
COMMIT;
-- Nor is what is derived from it until then, by somebody who may open sessions anyway.
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT session_id AS sid FROM spsa_open_session_jwt(token('{"jti": "three"}')) \gset
SELECT token AS tok FROM spsa_derive_session('{reader}', parent => :'sid') \gset
SELECT spsa_attach(:'tok');
ROLLBACK;
BEGIN;
SELECT session_id AS sid FROM spsa_open_session_jwt(token('{"jti": "three"}')) \gset
SELECT token AS tok FROM spsa_derive_session('{reader}', parent => :'sid') \gset
COMMIT;
BEGIN;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
COMMIT;
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
-- The use itself is not seen by a snapshot of before.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM account;
SELECT spsa_open_session_jwt(:'two');
ROLLBACK;
RESET SESSION AUTHORIZATION;

--
-- Who may
--
SELECT spsa_grant_administration('regress_spsa_jwt_delegate');
SET SESSION AUTHORIZATION regress_spsa_jwt_delegate;
SELECT issuer, audience, is_active FROM spsa.jwt_issuer;
SELECT jwks FROM spsa.jwt_issuer;
SELECT key_digests FROM spsa.jwt_issuer;
SELECT * FROM spsa.jwt_use;
SELECT key_digest FROM spsa.jwt_session;
SELECT count(*) > 0 AS sessions FROM spsa.jwt_session WHERE issuer = 'https://idp.example';
SELECT spsa_create_jwt_issuer('mine', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
SELECT spsa_set_jwt_issuer('https://idp.example', is_active => false);
SELECT spsa_drop_jwt_issuer('https://idp.example');
INSERT INTO spsa.jwt_issuer (issuer, audience, algorithms, jwks) VALUES ('mine', '{app}', '{HS256}', keys(secret('k1', 'the first secret of the provider')));
UPDATE spsa.jwt_issuer SET is_active = true;
DELETE FROM spsa.jwt_issuer;
DELETE FROM spsa.jwt_session;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_jwt_app;
SELECT issuer FROM spsa.jwt_issuer;
SELECT spsa_create_jwt_issuer('mine', '{app}', '{HS256}', '{}');
-- Nor while a table's owner has its code run by maintenance.
CREATE FUNCTION of_the_owner(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.spsa_attach_jwt('x'); RETURN 1; END $$;
CREATE TABLE trap (id integer);
INSERT INTO trap VALUES (1);
CREATE INDEX ON trap (of_the_owner(id));
CREATE OR REPLACE FUNCTION of_the_owner(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.spsa_open_session_jwt('x'); RETURN 1; END $$;
CREATE INDEX ON trap (of_the_owner(id));
DROP TABLE trap;
DROP FUNCTION of_the_owner;
RESET SESSION AUTHORIZATION;
-- Written by hand, and with the checks of rows off, a weak key still verifies nothing.
SELECT spsa.check_jwt_issuer();
SET session_replication_role = replica;
UPDATE spsa.jwt_issuer SET jwks = keys(secret('k1', 'weak')), single_use = false;
RESET session_replication_role;
SELECT spsa_open_session_jwt(token('{}', 'k1', 'weak'));

SELECT spsa_revoke_administration('regress_spsa_jwt_delegate');
DROP EXTENSION spsa CASCADE;
DROP TABLE account, openings;
DROP FUNCTION pad, base64url, signed, seconds, token, secret, keys;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_jwt_app;
DROP ROLE regress_spsa_jwt_app, regress_spsa_jwt_other, regress_spsa_jwt_delegate;
