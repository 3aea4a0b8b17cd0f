-- session.sql - sessions and their binding to a connection.

CREATE FUNCTION @extschema@.spsa_open_session(user_name text, lifetime interval DEFAULT '8 hours',
	security_level spsa.security_level DEFAULT 'standard', source_ip inet DEFAULT NULL, attributes jsonb DEFAULT '{}',
	db_role name DEFAULT SESSION_USER, login_type text DEFAULT 'application', idle_timeout interval DEFAULT NULL,
	sets text[] DEFAULT NULL, actor text DEFAULT NULL)
	RETURNS TABLE (session_id uuid, token text, expires_at timestamptz)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'spsa_open_session';
COMMENT ON FUNCTION @extschema@.spsa_open_session(text, interval, spsa.security_level, inet, jsonb, name, text, interval, text[], text) IS
'opens a session for a user whom the caller has authenticated, and shows its token once; to be granted to the application server''s login step alone.
lifetime: until the session ends, at most 1 year. attributes: JSON object for row scopes. db_role: role whose members may attach the session, NULL for any. idle_timeout: the session ends when unused for so long. sets: only these permission sets can be effective. actor: who acts as the user.
Errors: 42704 unknown user, role or set; 28000 the user is disabled; 22023 bad lifetime, idle timeout or attributes; 53400 the limit of live sessions (app_user.session_limit, spsa.session_limit) is reached and spsa.session_limit_action is refuse.';

CREATE FUNCTION @extschema@.spsa_open_own_session(lifetime interval DEFAULT '8 hours') RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_open_own_session';
COMMENT ON FUNCTION @extschema@.spsa_open_own_session(interval) IS
'opens a session for the user whose db_role is the session user and attaches it to this connection, until spsa_detach() (only until the end of the transaction if spsa.require_local_attach is on); returns its identifier.
Errors: 28000 no active user has this database role; 22023 bad lifetime; 53400 session limit.';

CREATE FUNCTION spsa.attach_support(internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_attach_support';
COMMENT ON FUNCTION spsa.attach_support(internal) IS 'planner support of the attach functions: marks the statement as one that attaches a session';

CREATE FUNCTION @extschema@.spsa_attach(token text) RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT spsa.attach_support AS 'MODULE_PATHNAME', 'spsa_attach';
COMMENT ON FUNCTION @extschema@.spsa_attach(text) IS
'attaches the session of a token until the end of the transaction, like SET LOCAL; returns the session''s identifier. Give the token as a bind parameter.
Errors: 28000 the token is not valid, for whatever cause; no authority is left then.';

CREATE FUNCTION @extschema@.spsa_attach_connection(token text) RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT spsa.attach_support AS 'MODULE_PATHNAME', 'spsa_attach_connection';
COMMENT ON FUNCTION @extschema@.spsa_attach_connection(text) IS
'attaches the session of a token to this connection until spsa_detach(), RESET ALL or DISCARD ALL; returns the session''s identifier. Give the token as a bind parameter.
Errors: 28000 the token is not valid, for whatever cause; no authority is left then.';

CREATE FUNCTION @extschema@.spsa_detach() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_detach';
COMMENT ON FUNCTION @extschema@.spsa_detach() IS 'detaches the session from this connection; the session itself goes on';

CREATE FUNCTION @extschema@.spsa_touch() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_touch';
COMMENT ON FUNCTION @extschema@.spsa_touch() IS
'counts as a use of the attached session: its idle timeout starts again. Errors: 28000 no valid session is attached.';

CREATE FUNCTION @extschema@.spsa_session_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_session_id';
COMMENT ON FUNCTION @extschema@.spsa_session_id() IS 'identifier of the attached session, or null when no valid session is attached';

CREATE FUNCTION @extschema@.spsa_user_name() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_user_name';
COMMENT ON FUNCTION @extschema@.spsa_user_name() IS 'name of the user of the attached session, or null when no valid session is attached';

CREATE FUNCTION @extschema@.spsa_session_info() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_session_info';
COMMENT ON FUNCTION @extschema@.spsa_session_info() IS
'the attached session as JSON, or null when no valid session is attached: the members of Salesforce''s Auth.SessionManagement.getCurrentSession (SessionId, UserName, SessionType, SessionSecurityLevel, LoginType, SourceIp, CreatedDate, LastModifiedDate, NumSecondsValid, ParentId), AuthenticatedDate, when the user last authenticated, and EffectiveSets, the names of the permission sets in effect';

CREATE FUNCTION @extschema@.spsa_session_attribute(name text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_session_attribute';
COMMENT ON FUNCTION @extschema@.spsa_session_attribute(text) IS
'an attribute of the attached session as text, or null when it has none or no valid session is attached; attributes of the user come before those given when the session was opened';

CREATE FUNCTION @extschema@.spsa_close_session(session uuid DEFAULT @extschema@.spsa_session_id()) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_close_session';
COMMENT ON FUNCTION @extschema@.spsa_close_session(uuid) IS
'ends a session in every backend, at the latest with the next statement; true if it was live. What is derived from it ends with it. A session may close itself and what is derived from it; another one may be closed by roles that hold the INSERT privilege on spsa.session_end.
Errors: 42501 neither.';

CREATE FUNCTION @extschema@.spsa_purge() RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_purge';
COMMENT ON FUNCTION @extschema@.spsa_purge() IS
'deletes the sessions that are over, with what belongs to them and is derived from them, tokens that were replaced, requests that have expired, reviews of emergencies that are done, and second factors that were removed or not confirmed within an hour; the number of sessions. The audit trail gets session_expire for each that has expired, and activation_expired for each activation that had ended by itself before its session. To be called now and then by a scheduler: authority does not depend on it. Sessions that an open transaction works on are left to the next call.';
