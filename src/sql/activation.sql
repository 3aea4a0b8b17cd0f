-- activation.sql - activating permission sets for a session.

CREATE FUNCTION @extschema@.spsa_activate(session uuid, permission_set text, duration interval DEFAULT NULL, reason text DEFAULT NULL)
	RETURNS TABLE (session_id uuid, permission_set text, activated_at timestamptz, expires_at timestamptz, already_active boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'spsa_activate';
COMMENT ON FUNCTION @extschema@.spsa_activate(uuid, text, interval, text) IS
'activates a permission set for a session, until the session ends or, if that is earlier, for the duration or until the assignment ends; a NOTICE says until when. A set that is active already stays so (already_active is true); a longer duration extends it. A member of a group that requires activation is activated after the group, and no longer than it. The activation rule of the set, if any, must be met, also to make an activation longer, and limits the duration; an approval that it requires is used up, and the activation is then in effect when the transaction is committed. The session itself may, a session with the custom permission manage_activations, and roles that hold the INSERT privilege on spsa.activation.
Errors: 28000 the session is not valid; 42501 not permitted for this session, the set is not assigned to its user, its group is not active, or its activation rule is not met (detail and hint say what would help); 23514 a set that is in effect excludes it; 42704 unknown set; 22023 bad duration.
Source: Salesforce, SessionPermSetActivation.';

CREATE FUNCTION @extschema@.spsa_activate_own(permission_set text, duration interval DEFAULT NULL, reason text DEFAULT NULL)
	RETURNS TABLE (session_id uuid, permission_set text, activated_at timestamptz, expires_at timestamptz, already_active boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'spsa_activate_own';
COMMENT ON FUNCTION @extschema@.spsa_activate_own(text, interval, text) IS
'spsa_activate() for the attached session. Errors: the same.';

CREATE FUNCTION @extschema@.spsa_deactivate(session uuid, permission_set text) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_deactivate';
COMMENT ON FUNCTION @extschema@.spsa_deactivate(uuid, text) IS
'ends the activation of a permission set in a session, of a group also those of its members that were made under it; true if one was active. The session itself may, a session with the custom permission manage_activations, and roles that hold the DELETE privilege on spsa.activation.
Errors: 28000 the session is not valid; 42501 not permitted for this session; 42704 unknown set.';

CREATE FUNCTION @extschema@.spsa_deactivate_own(permission_set text) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_deactivate_own';
COMMENT ON FUNCTION @extschema@.spsa_deactivate_own(text) IS 'spsa_deactivate() for the attached session. Errors: the same.';

CREATE FUNCTION @extschema@.spsa_deactivate_all(session uuid DEFAULT @extschema@.spsa_session_id()) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_deactivate_all';
COMMENT ON FUNCTION @extschema@.spsa_deactivate_all(uuid) IS
'ends all activations of a session; the number of them. Who may: as spsa_deactivate(). Errors: 28000 the session is not valid; 42501 not permitted for this session.';
