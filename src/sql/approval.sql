-- approval.sql - requests to activate, what others decide on them, and emergencies.
--
-- No foreign key from a request to its user, set or assignment: the row lock of a user's open transaction would block their
-- deletion, which is a revocation. A request of which one is gone leads to nothing.

CREATE TABLE spsa.activation_request (
	request_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	user_id bigint NOT NULL,
	set_id integer NOT NULL,
	assignment_id bigint NOT NULL,
	reason text NOT NULL,
	duration interval,
	state text NOT NULL DEFAULT 'pending',
	requested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	requested_by text,
	expires_at timestamptz NOT NULL,
	used_at timestamptz,
	activation_id bigint,
	CONSTRAINT activation_request_pkey PRIMARY KEY (request_id),
	CONSTRAINT activation_request_state_check
		CHECK (state IN ('pending', 'approved', 'denied', 'cancelled', 'used', 'expired')),
	CONSTRAINT activation_request_duration_check CHECK (duration > '0'),
	CONSTRAINT activation_request_used_at_check CHECK ((state = 'used') = (used_at IS NOT NULL))
);
CREATE UNIQUE INDEX activation_request_pending_key ON spsa.activation_request (user_id, set_id) WHERE state = 'pending';
CREATE INDEX activation_request_user_id_set_id_idx ON spsa.activation_request (user_id, set_id);
CREATE INDEX activation_request_activation_id_idx ON spsa.activation_request (activation_id);
COMMENT ON TABLE spsa.activation_request IS 'requests of users to activate permission sets that others must approve; a request outlives the session in which it was made';
COMMENT ON COLUMN spsa.activation_request.request_id IS 'identifier of the request';
COMMENT ON COLUMN spsa.activation_request.user_id IS 'user for whom it was made';
COMMENT ON COLUMN spsa.activation_request.set_id IS 'permission set or group to be activated';
COMMENT ON COLUMN spsa.activation_request.assignment_id IS 'assignment under which it was made; when that is gone the request leads to nothing';
COMMENT ON COLUMN spsa.activation_request.reason IS 'reason that was given';
COMMENT ON COLUMN spsa.activation_request.duration IS 'how long the activation lasts at most, counted from then on, in hours; null: until the session ends';
COMMENT ON COLUMN spsa.activation_request.state IS 'pending, approved (and not yet used), denied, cancelled, used, or expired; a pending or approved request whose expires_at has passed is expired as well';
COMMENT ON COLUMN spsa.activation_request.requested_at IS 'when it was made';
COMMENT ON COLUMN spsa.activation_request.requested_by IS 'user of the session that made it, or who acts as that user; null when an administrator did without a session';
COMMENT ON COLUMN spsa.activation_request.expires_at IS 'until when it can be approved, and an approval be used';
COMMENT ON COLUMN spsa.activation_request.used_at IS 'when the activation that it allowed was made';
COMMENT ON COLUMN spsa.activation_request.activation_id IS 'that activation';

CREATE TABLE spsa.activation_decision (
	request_id uuid NOT NULL,
	approver_id bigint NOT NULL,
	decision text NOT NULL,
	decided_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	decided_by text COLLATE "C" NOT NULL,
	comment text,
	CONSTRAINT activation_decision_pkey PRIMARY KEY (request_id, approver_id),
	CONSTRAINT activation_decision_decided_by_key UNIQUE (request_id, decided_by),
	CONSTRAINT activation_decision_request_id_fkey FOREIGN KEY (request_id)
		REFERENCES spsa.activation_request (request_id) ON DELETE CASCADE,
	CONSTRAINT activation_decision_decision_check CHECK (decision IN ('approved', 'denied'))
);
COMMENT ON TABLE spsa.activation_decision IS 'what others decided on requests';
COMMENT ON COLUMN spsa.activation_decision.request_id IS 'request';
COMMENT ON COLUMN spsa.activation_decision.approver_id IS 'user of the session that decided';
COMMENT ON COLUMN spsa.activation_decision.decision IS 'approved or denied';
COMMENT ON COLUMN spsa.activation_decision.decided_at IS 'when';
COMMENT ON COLUMN spsa.activation_decision.decided_by IS 'name of the user, or who acts as that user; nobody decides twice on a request, under whatever user';
COMMENT ON COLUMN spsa.activation_decision.comment IS 'what was said about it';

CREATE TABLE spsa.break_glass_review (
	review_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	user_id bigint NOT NULL,
	user_name text NOT NULL,
	set_id integer NOT NULL,
	set_name text NOT NULL,
	session_id uuid NOT NULL,
	activation_id bigint NOT NULL,
	activated_by text,
	reason text NOT NULL,
	expires_at timestamptz NOT NULL,
	reviewed_at timestamptz,
	reviewed_by text,
	comment text,
	CONSTRAINT break_glass_review_pkey PRIMARY KEY (review_id)
);
CREATE INDEX break_glass_review_at_idx ON spsa.break_glass_review (at) WHERE reviewed_at IS NULL;
COMMENT ON TABLE spsa.break_glass_review IS 'activations made without approval in an emergency, each to be reviewed; without foreign keys, for it outlives what it names';
COMMENT ON COLUMN spsa.break_glass_review.review_id IS 'identifier of the review';
COMMENT ON COLUMN spsa.break_glass_review.at IS 'when it was activated, or made longer';
COMMENT ON COLUMN spsa.break_glass_review.user_id IS 'user of the session';
COMMENT ON COLUMN spsa.break_glass_review.user_name IS 'name of that user';
COMMENT ON COLUMN spsa.break_glass_review.set_id IS 'permission set or group';
COMMENT ON COLUMN spsa.break_glass_review.set_name IS 'name of it';
COMMENT ON COLUMN spsa.break_glass_review.session_id IS 'session';
COMMENT ON COLUMN spsa.break_glass_review.activation_id IS 'activation';
COMMENT ON COLUMN spsa.break_glass_review.activated_by IS 'user whose session activated it, or who acts as that user; null when an administrator did without a session';
COMMENT ON COLUMN spsa.break_glass_review.reason IS 'reason that was given';
COMMENT ON COLUMN spsa.break_glass_review.expires_at IS 'when the activation ends by itself';
COMMENT ON COLUMN spsa.break_glass_review.reviewed_at IS 'when it was reviewed; null: not yet';
COMMENT ON COLUMN spsa.break_glass_review.reviewed_by IS 'user who reviewed it, or who acted as that user; the database role where none did';
COMMENT ON COLUMN spsa.break_glass_review.comment IS 'what the review found';

-- What the functions do with these three, they record themselves.
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.activation_request
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.activation_decision
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.break_glass_review
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.activation_request EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.activation_decision EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.break_glass_review EXECUTE FUNCTION spsa.audit_change();

CREATE FUNCTION @extschema@.spsa_request_activation(session uuid, permission_set text, reason text, duration interval DEFAULT NULL,
	lifetime interval DEFAULT '1 day') RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_request_activation';
COMMENT ON FUNCTION @extschema@.spsa_request_activation(uuid, text, text, interval, interval) IS
'asks others to approve the activation of a permission set whose rule requires approvals; the identifier of the request, for spsa_approve_activation(). The request is the user''s of the session: once it is approved, spsa_activate() works once, in any session of the user. duration: how long the activation is to last; null, or more than the rule allows: as long as the rule allows. lifetime: until when the request can be approved and used, at most 30 days. Who may: as spsa_activate().
Errors: 28000 the session is not valid; 42501 not permitted for this session, or the set is not assigned to its user; 42704 unknown set; 55000 it needs no approval; 23505 such a request is pending already; 22023 no reason, bad duration or lifetime; 22004 null.';

CREATE FUNCTION @extschema@.spsa_approve_activation(request uuid, comment text DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_approve_activation';
COMMENT ON FUNCTION @extschema@.spsa_approve_activation(uuid, text) IS
'approves a request in the name of the attached session''s user; the number of approvals that are still missing. For sessions with the custom permission approve_activations, or in which the rule''s approver_set is in effect; never for one''s own requests. Approving again is no error and counts once.
Errors: 28000 no valid session is attached; 42501 not permitted, one''s own request, or one decided on already as another user; 42704 unknown request; 55000 it is not pending any more, or its user cannot activate the set any more; 22023 comment too long; 22004 null.';

CREATE FUNCTION @extschema@.spsa_deny_activation(request uuid, comment text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_deny_activation';
COMMENT ON FUNCTION @extschema@.spsa_deny_activation(uuid, text) IS
'denies a request that is pending, or approved and not yet used; one denial is enough. Who may: as spsa_approve_activation(). Errors: the same.';

CREATE FUNCTION @extschema@.spsa_cancel_activation(request uuid) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_cancel_activation';
COMMENT ON FUNCTION @extschema@.spsa_cancel_activation(uuid) IS
'withdraws a request that is pending, or approved and not yet used; false if it is neither. For sessions of its user, and roles that hold the UPDATE privilege on spsa.activation_request. Errors: 42501 neither, or there is no such request; 28000 the attached session is not valid; 22004 null.';

CREATE FUNCTION @extschema@.spsa_break_glass(session uuid, permission_set text, reason text, duration interval DEFAULT NULL)
	RETURNS TABLE (session_id uuid, permission_set text, activated_at timestamptz, expires_at timestamptz, already_active boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'spsa_break_glass';
COMMENT ON FUNCTION @extschema@.spsa_break_glass(uuid, text, text, interval) IS
'activates a permission set in an emergency without the approvals that its rule requires, where the rule allows that (break_glass); all else in the rule must be met. It leaves a row in spsa.break_glass_review, to be reviewed by somebody else. Otherwise like spsa_activate(). Errors: the same; 42501 the rule does not allow it; 22023 no reason.';

CREATE FUNCTION @extschema@.spsa_review_break_glass(review uuid, comment text DEFAULT NULL) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_review_break_glass';
COMMENT ON FUNCTION @extschema@.spsa_review_break_glass(uuid, text) IS
'records that an activation by spsa_break_glass() has been reviewed, and what was found; false if it had been already. For sessions of other users with the custom permission approve_activations, and roles that hold the UPDATE privilege on spsa.break_glass_review.
Errors: 42501 not permitted, or one''s own; 42704 unknown review; 28000 the attached session is not valid; 22023 comment too long; 22004 null.';

-- Views of functions, not of tables: see spsa.visible_activations().
CREATE FUNCTION spsa.visible_requests(OUT request_id uuid, OUT user_name text, OUT set_name text, OUT reason text,
	OUT duration interval, OUT state text, OUT requested_at timestamptz, OUT requested_by text, OUT expires_at timestamptz,
	OUT approvals integer, OUT approvals_required integer)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'spsa_visible_requests';
COMMENT ON FUNCTION spsa.visible_requests() IS 'the rows of spsa.pending_activation_request';

CREATE VIEW spsa.pending_activation_request AS
	SELECT v.request_id, v.user_name, v.set_name, v.reason, v.duration, v.state, v.requested_at, v.requested_by, v.expires_at,
		v.approvals, v.approvals_required
	FROM spsa.visible_requests() v;
COMMENT ON VIEW spsa.pending_activation_request IS
'requests that can still lead to an activation: pending, or approved and not yet used. Those of the attached session''s user; sessions with the custom permission approve_activations, and roles that may select from spsa.activation_request, see all; sessions in which the approver_set of a rule is in effect, those that they may decide on. Every role may select.';
COMMENT ON COLUMN spsa.pending_activation_request.request_id IS 'identifier of the request';
COMMENT ON COLUMN spsa.pending_activation_request.user_name IS 'user for whom it was made';
COMMENT ON COLUMN spsa.pending_activation_request.set_name IS 'permission set or group to be activated';
COMMENT ON COLUMN spsa.pending_activation_request.reason IS 'reason that was given';
COMMENT ON COLUMN spsa.pending_activation_request.duration IS 'how long the activation lasts at most; null: until the session ends';
COMMENT ON COLUMN spsa.pending_activation_request.state IS 'pending or approved';
COMMENT ON COLUMN spsa.pending_activation_request.requested_at IS 'when it was made';
COMMENT ON COLUMN spsa.pending_activation_request.requested_by IS 'who made it';
COMMENT ON COLUMN spsa.pending_activation_request.expires_at IS 'until when it can be approved and used';
COMMENT ON COLUMN spsa.pending_activation_request.approvals IS 'approvals so far';
COMMENT ON COLUMN spsa.pending_activation_request.approvals_required IS 'approvals that the rule requires now';

CREATE FUNCTION spsa.visible_reviews(OUT review_id uuid, OUT at timestamptz, OUT user_name text, OUT set_name text,
	OUT session_id uuid, OUT activated_by text, OUT reason text, OUT expires_at timestamptz)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'spsa_visible_reviews';
COMMENT ON FUNCTION spsa.visible_reviews() IS 'the rows of spsa.break_glass_unreviewed';

CREATE VIEW spsa.break_glass_unreviewed AS
	SELECT v.review_id, v.at, v.user_name, v.set_name, v.session_id, v.activated_by, v.reason, v.expires_at
	FROM spsa.visible_reviews() v;
COMMENT ON VIEW spsa.break_glass_unreviewed IS
'activations by spsa_break_glass() that nobody has reviewed yet. Those of the attached session''s user; sessions with the custom permission approve_activations, and roles that may select from spsa.break_glass_review, see all. Every role may select.';
COMMENT ON COLUMN spsa.break_glass_unreviewed.review_id IS 'identifier, for spsa_review_break_glass()';
COMMENT ON COLUMN spsa.break_glass_unreviewed.at IS 'when it was activated, or made longer';
COMMENT ON COLUMN spsa.break_glass_unreviewed.user_name IS 'user of the session';
COMMENT ON COLUMN spsa.break_glass_unreviewed.set_name IS 'permission set or group';
COMMENT ON COLUMN spsa.break_glass_unreviewed.session_id IS 'session';
COMMENT ON COLUMN spsa.break_glass_unreviewed.activated_by IS 'who activated it';
COMMENT ON COLUMN spsa.break_glass_unreviewed.reason IS 'reason that was given';
COMMENT ON COLUMN spsa.break_glass_unreviewed.expires_at IS 'when the activation ends by itself';
