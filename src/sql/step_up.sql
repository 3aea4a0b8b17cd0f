-- step_up.sql - authenticating again within a session, and second factors (TOTP, RFC 6238).
--
-- The backends read these tables by column position (src/base/table.h): add columns at the end only.

-- No unique constraint and no foreign key, as session_end: nothing that another transaction does can make the insertion wait.
CREATE TABLE spsa.session_authentication (
	session_id uuid NOT NULL,
	authenticated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	security_level spsa.security_level,
	method text NOT NULL DEFAULT 'application'
);
CREATE INDEX session_authentication_session_id_idx ON spsa.session_authentication (session_id);
ALTER TABLE spsa.session_authentication REPLICA IDENTITY FULL;
COMMENT ON TABLE spsa.session_authentication IS 'times at which the users of sessions have authenticated again; append-only. A session has the latest time and the highest level of these and of its own row, until it ends';
COMMENT ON COLUMN spsa.session_authentication.session_id IS 'session whose user has authenticated; sessions derived from it are others';
COMMENT ON COLUMN spsa.session_authentication.authenticated_at IS 'when';
COMMENT ON COLUMN spsa.session_authentication.security_level IS 'level that was reached; null: that of before';
COMMENT ON COLUMN spsa.session_authentication.method IS 'how: totp (spsa_step_up_totp), application (spsa_reauthenticate)';

CREATE SEQUENCE spsa.totp_factor_id_seq AS bigint;
CREATE TABLE spsa.totp_factor (
	factor_id bigint NOT NULL DEFAULT pg_catalog.nextval('spsa.totp_factor_id_seq'),
	user_id bigint NOT NULL,
	session_id uuid,
	algorithm text COLLATE "C" NOT NULL DEFAULT 'SHA1',
	digits integer NOT NULL DEFAULT 6,
	period integer NOT NULL DEFAULT 30,
	key_id text COLLATE "C" NOT NULL,
	nonce bytea NOT NULL,
	secret bytea NOT NULL,
	enrolled_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT totp_factor_pkey PRIMARY KEY (factor_id),
	CONSTRAINT totp_factor_user_id_fkey FOREIGN KEY (user_id) REFERENCES spsa.app_user (user_id) ON DELETE CASCADE,
	CONSTRAINT totp_factor_algorithm_check CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
	CONSTRAINT totp_factor_digits_check CHECK (digits IN (6, 8)),
	CONSTRAINT totp_factor_period_check CHECK (period = 30),
	CONSTRAINT totp_factor_nonce_check CHECK (pg_catalog.length(nonce) = 12),
	CONSTRAINT totp_factor_secret_check CHECK (pg_catalog.length(secret) BETWEEN 17 AND 80)
);
ALTER SEQUENCE spsa.totp_factor_id_seq OWNED BY spsa.totp_factor.factor_id;
CREATE INDEX totp_factor_user_id_idx ON spsa.totp_factor (user_id);
COMMENT ON SEQUENCE spsa.totp_factor_id_seq IS 'identifiers of second factors';
COMMENT ON TABLE spsa.totp_factor IS 'second factors of users (TOTP, RFC 6238); what became of one stands in totp_change, how often it was tried in totp_counter';
COMMENT ON COLUMN spsa.totp_factor.factor_id IS 'identifier of the factor';
COMMENT ON COLUMN spsa.totp_factor.user_id IS 'user whose factor it is';
COMMENT ON COLUMN spsa.totp_factor.session_id IS 'session that enrolled it, which alone can confirm it; null: an administrator did';
COMMENT ON COLUMN spsa.totp_factor.algorithm IS 'hash of the HMAC: SHA1, SHA256 or SHA512';
COMMENT ON COLUMN spsa.totp_factor.digits IS 'digits of a code: 6 or 8';
COMMENT ON COLUMN spsa.totp_factor.period IS 'seconds of a step: 30';
COMMENT ON COLUMN spsa.totp_factor.key_id IS 'name of the key, in the file spsa.encryption_key_file, under which the secret is encrypted';
COMMENT ON COLUMN spsa.totp_factor.nonce IS 'nonce of the encryption, 12 random bytes';
COMMENT ON COLUMN spsa.totp_factor.secret IS 'the shared secret and the tag of 16 bytes: AES-256-GCM, bound to the other columns that say what it is';
COMMENT ON COLUMN spsa.totp_factor.enrolled_at IS 'when it was enrolled';

CREATE TABLE spsa.totp_counter (
	factor_id bigint NOT NULL,
	attempts bigint NOT NULL DEFAULT 0,
	forgiven bigint NOT NULL DEFAULT 0,
	used_step bigint NOT NULL DEFAULT -1,
	CONSTRAINT totp_counter_pkey PRIMARY KEY (factor_id),
	CONSTRAINT totp_counter_factor_id_fkey FOREIGN KEY (factor_id) REFERENCES spsa.totp_factor (factor_id) ON DELETE CASCADE
);
COMMENT ON TABLE spsa.totp_counter IS 'how often second factors were tried. Written in place, outside of transactions, so that ROLLBACK undoes nothing: not to be updated, nor its columns indexed';
COMMENT ON COLUMN spsa.totp_counter.factor_id IS 'factor';
COMMENT ON COLUMN spsa.totp_counter.attempts IS 'codes that were compared, each counted before';
COMMENT ON COLUMN spsa.totp_counter.forgiven IS 'attempts at the last right code; those since then are failures';
COMMENT ON COLUMN spsa.totp_counter.used_step IS 'step (seconds since 1970 divided by the period) of the last code that was right; only later ones count';

-- No unique constraint and no foreign key: what an open transaction has done with a factor must not keep an administrator from
-- removing it.
CREATE TABLE spsa.totp_change (
	factor_id bigint NOT NULL,
	change text COLLATE "C" NOT NULL,
	attempts bigint NOT NULL DEFAULT 0,
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT totp_change_change_check CHECK (change IN ('confirm', 'unlock', 'remove'))
);
CREATE INDEX totp_change_factor_id_idx ON spsa.totp_change (factor_id);
COMMENT ON TABLE spsa.totp_change IS 'what became of second factors; append-only, like session_end';
COMMENT ON COLUMN spsa.totp_change.factor_id IS 'factor';
COMMENT ON COLUMN spsa.totp_change.change IS 'confirm: it counts from now on; unlock: its failures until now are forgiven; remove: it is no factor any more';
COMMENT ON COLUMN spsa.totp_change.attempts IS 'of unlock: totp_counter.attempts at the time';
COMMENT ON COLUMN spsa.totp_change.changed_at IS 'when';

CREATE VIEW spsa.user_totp AS
SELECT u.user_name, f.algorithm, f.digits, f.key_id, f.session_id IS NULL AS by_administrator, f.enrolled_at,
	(SELECT pg_catalog.min(c.changed_at) FROM spsa.totp_change c WHERE c.factor_id = f.factor_id AND c.change = 'confirm') AS confirmed_at,
	t.failures, t.failures >= 10 AS locked
FROM spsa.totp_factor f
JOIN spsa.app_user u ON u.user_id = f.user_id
CROSS JOIN LATERAL (
	SELECT n.attempts - GREATEST(n.forgiven, (SELECT pg_catalog.max(c.attempts) FROM spsa.totp_change c
		WHERE c.factor_id = f.factor_id AND c.change = 'unlock')) AS failures
	FROM spsa.totp_counter n WHERE n.factor_id = f.factor_id) t
WHERE NOT EXISTS (SELECT FROM spsa.totp_change c WHERE c.factor_id = f.factor_id AND c.change = 'remove');
COMMENT ON VIEW spsa.user_totp IS 'second factors of users, for administrators; no secrets';
COMMENT ON COLUMN spsa.user_totp.user_name IS 'user';
COMMENT ON COLUMN spsa.user_totp.algorithm IS 'hash of the HMAC';
COMMENT ON COLUMN spsa.user_totp.digits IS 'digits of a code';
COMMENT ON COLUMN spsa.user_totp.key_id IS 'key under which the secret is encrypted';
COMMENT ON COLUMN spsa.user_totp.by_administrator IS 'whether an administrator enrolled it, not a session of the user';
COMMENT ON COLUMN spsa.user_totp.enrolled_at IS 'when it was enrolled';
COMMENT ON COLUMN spsa.user_totp.confirmed_at IS 'when a code has proved that the user has it; null: it does not count yet';
COMMENT ON COLUMN spsa.user_totp.failures IS 'failures since the last right code or the last spsa_unlock_user_totp()';
COMMENT ON COLUMN spsa.user_totp.locked IS 'whether there are so many failures that no code counts until spsa_unlock_user_totp()';

CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.session_authentication
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.totp_factor
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.totp_counter
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.totp_change
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.session_authentication EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.totp_factor EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.totp_counter EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.totp_change EXECUTE FUNCTION spsa.audit_change();

CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.session_authentication
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.session_authentication EXECUTE FUNCTION spsa.signal_session();
ALTER TABLE spsa.session_authentication ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;

CREATE FUNCTION @extschema@.spsa_enroll_totp(issuer text DEFAULT NULL, account text DEFAULT NULL, algorithm text DEFAULT 'SHA1',
	digits integer DEFAULT 6) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_enroll_totp';
COMMENT ON FUNCTION @extschema@.spsa_enroll_totp(text, text, text, integer) IS
'enrolls a second factor (TOTP, RFC 6238, steps of 30 seconds) for the user of the attached session, and returns its otpauth:// URI (Google Authenticator''s Key URI Format), this once: show it as a QR code. It counts when this session has confirmed it with spsa_confirm_totp(), within an hour; until then the factor of before does.
issuer: name under which the application shows it, by default that of the database. account: by default the user''s name; neither contains a colon or has more than 255 bytes. algorithm: SHA1, SHA256 or SHA512. digits: 6 or 8. The user must have authenticated within spsa.totp_enroll_window, and, to replace a factor, the session must have high_assurance.
Errors: 28000 no valid session is attached; 42501 the user has authenticated too long ago, the session has not high_assurance, or is a derived or restricted one, or somebody acts as the user in it; 22023 bad argument; 22004 null; 55000, F0000 no usable file of encryption keys.';

CREATE FUNCTION @extschema@.spsa_confirm_totp(code text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_confirm_totp';
COMMENT ON FUNCTION @extschema@.spsa_confirm_totp(text) IS
'confirms, with a code of it, the second factor that was enrolled last, by this session or by an administrator; it counts from then on, in place of the one of before. The code is used by that: the next one steps up.
Errors: 28000 no valid session is attached; 28P01 the code is not valid; 22004 it is null; 55000 there is none to be confirmed, or it was tried too often: enroll again; 42501 the user has a factor meanwhile, and the session has not high_assurance; F0000 no usable file of encryption keys.';

CREATE FUNCTION @extschema@.spsa_step_up_totp(code text) RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_step_up_totp';
COMMENT ON FUNCTION @extschema@.spsa_step_up_totp(text) IS
'raises the attached session to high_assurance, until it ends, and renews the time at which its user has authenticated, which is the result; by a code of the user''s second factor (RFC 6238). Give the code as a bind parameter. Codes of the present step of 30 seconds, the one before and the one after are right (RFC 6238, 5.2); each counts once, and none that is earlier than one that was used. 10 failures in a row lock the factor until an administrator calls spsa_unlock_user_totp(). Failures and used codes stay so when the transaction is rolled back.
Errors: 28000 no valid session is attached; 28P01 the code is not valid: wrong, used or late; 22004 it is null; 55000 the user has no confirmed factor, or it is locked; 42501 somebody acts as the user in this session, or it is derived from another one; XX001 the secret cannot be decrypted; F0000 no usable file of encryption keys; 25006 on a standby, or in a transaction that is read-only.';

CREATE FUNCTION @extschema@.spsa_remove_totp() RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_remove_totp';
COMMENT ON FUNCTION @extschema@.spsa_remove_totp() IS
'removes the second factors of the user of the attached session; true if there was one. The session must have high_assurance, and the user have authenticated within spsa.totp_enroll_window: step up first.
Errors: 28000 no valid session is attached; 42501 as spsa_enroll_totp().';

CREATE FUNCTION @extschema@.spsa_enroll_user_totp(user_name text, issuer text DEFAULT NULL, account text DEFAULT NULL,
	algorithm text DEFAULT 'SHA1', digits integer DEFAULT 6) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_enroll_user_totp';
COMMENT ON FUNCTION @extschema@.spsa_enroll_user_totp(text, text, text, text, integer) IS
'enrolls a second factor for a user, as spsa_enroll_totp() does, and returns its otpauth:// URI. Any session of the user can confirm it, whatever its security level: give the URI to the user alone. Whoever may call this function can know second factors.
Errors: 42704 unknown user; 22023 bad argument; 22004 null; 55000, F0000 no usable file of encryption keys.';

CREATE FUNCTION @extschema@.spsa_remove_user_totp(user_name text) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_remove_user_totp';
COMMENT ON FUNCTION @extschema@.spsa_remove_user_totp(text) IS
'removes all second factors of a user; true if there was one. Sessions that have stepped up stay as they are: close them with spsa_close_user_sessions(). It waits for no transaction of the user. Errors: 42704 unknown user; 22004 null.';

CREATE FUNCTION @extschema@.spsa_unlock_user_totp(user_name text) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_unlock_user_totp';
COMMENT ON FUNCTION @extschema@.spsa_unlock_user_totp(text) IS
'forgives the failures of a user''s second factors, so that one that is locked can be tried again; true if there were any. Errors: 42704 unknown user; 22004 null.';

CREATE FUNCTION @extschema@.spsa_reencrypt_totp() RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_reencrypt_totp';
COMMENT ON FUNCTION @extschema@.spsa_reencrypt_totp() IS
'encrypts the secrets of all second factors that are under another key anew, under the current one (the first of spsa.encryption_key_file); how many these were. Keys that spsa.user_totp does not name any more can be taken out of the file.
Errors: 55000, F0000 no usable file of encryption keys, or it lacks one; XX001 a secret cannot be decrypted: nothing is changed.';

CREATE FUNCTION @extschema@.spsa_reauthenticate(session uuid, security_level spsa.security_level DEFAULT NULL) RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_reauthenticate';
COMMENT ON FUNCTION @extschema@.spsa_reauthenticate(uuid, spsa.security_level) IS
'says that the user of a session has authenticated again, before the caller: renews the time, which is the result, and raises the session to a security level if one is given that is higher than its own; never lowers it. To be granted to the application server''s login step alone, like spsa_open_session(). Sessions derived from the session are not concerned.
Errors: 28000 the session is not valid; 42501 it is derived from another one; 22004 null.';
