-- activation_view.sql - activations as Salesforce's object SessionPermSetActivation shows and takes them.

CREATE FUNCTION spsa.visible_activations(OUT session_id uuid, OUT permission_set_id integer,
	OUT permission_set_group_id integer, OUT user_id bigint, OUT reason text, OUT activated_at timestamptz, OUT activated_by text)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'spsa_visible_activations';
COMMENT ON FUNCTION spsa.visible_activations() IS
'the rows of spsa.session_perm_set_activation: a view of the tables would let whoever may delete from it lock them';

CREATE VIEW spsa.session_perm_set_activation AS
	SELECT v.session_id AS auth_session_id, v.permission_set_id, v.permission_set_group_id, v.user_id,
		v.reason AS description, v.activated_at AS created_at, v.activated_by AS created_by
	FROM spsa.visible_activations() v;
COMMENT ON VIEW spsa.session_perm_set_activation IS
'activations that count: of live sessions, neither ended nor run out, of a set that requires activation, made under an assignment that is still there and still leads to the set. (Such a set can be without effect all the same: behind a group that is not active, or excluded by another set.) INSERT activates and DELETE deactivates, with the rules and errors of spsa_activate() and spsa_deactivate(); INSERT takes auth_session_id (null: the attached session), either permission_set_id or permission_set_group_id, and description; a user_id must be the session''s. Inserting what is active already returns the row that is there, with a NOTICE; what needs no activation, none. UPDATE is refused (0A000). Rows are those of the attached session; a session with manage_activations or view_setup, and roles that may select from spsa.activation, see all. Every role may select, insert and delete. Errors: 28000 the attached session is over, or none is and one is required; 22023 both or neither of the two identifiers, a set in place of a group or the reverse, another user_id, created_at or created_by given. Source: Salesforce, SessionPermSetActivation';
COMMENT ON COLUMN spsa.session_perm_set_activation.auth_session_id IS 'session for which it is activated (AuthSessionId)';
COMMENT ON COLUMN spsa.session_perm_set_activation.permission_set_id IS 'permission set, or null for a group (PermissionSetId)';
COMMENT ON COLUMN spsa.session_perm_set_activation.permission_set_group_id IS 'group, or null for a permission set (PermissionSetGroupId)';
COMMENT ON COLUMN spsa.session_perm_set_activation.user_id IS 'user of the session (UserId)';
COMMENT ON COLUMN spsa.session_perm_set_activation.description IS 'reason that was given (Description)';
COMMENT ON COLUMN spsa.session_perm_set_activation.created_at IS 'when it was activated (CreatedDate)';
COMMENT ON COLUMN spsa.session_perm_set_activation.created_by IS 'user whose session activated it, or null when an administrator did without a session (CreatedById)';

CREATE FUNCTION spsa.write_activation() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_write_activation';
COMMENT ON FUNCTION spsa.write_activation() IS 'trigger: activates and deactivates in place of writing to spsa.session_perm_set_activation';
CREATE TRIGGER write_activation INSTEAD OF INSERT OR UPDATE OR DELETE ON spsa.session_perm_set_activation
	FOR EACH ROW EXECUTE FUNCTION spsa.write_activation();
