-- family.sql - sessions that are derived from others, and tokens that replace others.

CREATE FUNCTION @extschema@.spsa_derive_session(sets text[], lifetime interval DEFAULT NULL,
	parent uuid DEFAULT @extschema@.spsa_session_id())
	RETURNS TABLE (session_id uuid, token text, expires_at timestamptz)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'spsa_derive_session';
COMMENT ON FUNCTION @extschema@.spsa_derive_session(text[], interval, uuid) IS
'derives a session from another one and shows its token once: for a sub-task, a job or an agent, which is to have less. It attaches nothing.
sets: only these permission sets and groups can be effective in it, whether or not they require activation; an empty list means none. lifetime: until it ends, at most 1 year; null: as long as the parent. parent: a live session.
The new session is the same user''s, for the same database role; it has copies of the parent''s attributes, security level, time of authentication, login type, address, actor and idle timeout as they are now. No set is active in it that requires activation: it activates for itself what is assigned to the user and in sets, or its parent does that for it. It ends at the latest with its parent, whatever ends that one, also an idle timeout: uses of it do not count for its parent. It manages itself and what is derived from it, and no other session, whatever custom permissions are in effect in it; it does not decide on requests, nor withdraw them. At most 8 sessions stand above it.
May be called for the attached session, for what is derived from it, and for any session by roles that hold EXECUTE on spsa_open_session.
Errors: 28000 no valid session is attached, or the parent is over; 42501 another''s session, or a set that the parent itself does not allow; 42704 unknown set; 22004 sets is null; 22023 bad lifetime; 54000 too many sessions above it.';

CREATE FUNCTION @extschema@.spsa_rotate_token(session uuid DEFAULT @extschema@.spsa_session_id()) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_rotate_token';
COMMENT ON FUNCTION @extschema@.spsa_rotate_token(uuid) IS
'gives a session another token, which is returned and shown once. From the commit on the old one is not valid in any backend; ROLLBACK keeps it. If the session is attached to this connection, it stays attached by the new token, for the transaction or the connection as before; cursors that are open can not be read on. What is derived from the session, and what is active in it, stays.
May be called for the attached session, for what is derived from it, and for any session by roles that hold EXECUTE on spsa_open_session.
Errors: 28000 no valid session is attached, or the session is over; 42501 another''s session; 55006 within a statement on protected objects; 40001, by COMMIT: another transaction has rotated the token since, and the one that was returned here is not valid; 0A000, by PREPARE TRANSACTION.';
