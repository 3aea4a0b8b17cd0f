-- report.sql - who is here, who may what: views that every role may read, each session the rows of its own user.
--
-- Each view is three queries of which at most one has rows: for whoever may see all, for the user of the attached session, and
-- for a derived session, which sees itself alone. So an index serves an ordinary session, and what it may not see is never read.
-- They are barriers: no condition of the reader's is asked before it is known whose rows they are.

CREATE FUNCTION spsa.reports_on_all(regclass) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_reports_on_all';
COMMENT ON FUNCTION spsa.reports_on_all(regclass) IS 'whether reports show the caller the rows of all users: who may select from the table that is named, and sessions with the custom permission view_setup. Errors: 28000 the attached session is over, or none is and one is required';
CREATE FUNCTION spsa.reports_on_user() RETURNS text
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_reports_on_user';
COMMENT ON FUNCTION spsa.reports_on_user() IS 'user of the attached session, whose rows reports show; null without a live session, and in a derived one';
CREATE FUNCTION spsa.reports_on_session() RETURNS uuid
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_reports_on_session';
COMMENT ON FUNCTION spsa.reports_on_session() IS 'the attached session if it is live and a derived one, which sees no other';

CREATE VIEW spsa.live_session WITH (security_barrier) AS
SELECT v.session_id, v.user_id, v.user_name, s.db_role, v.security_level, s.login_type, s.source_ip, s.actor, s.parent_id,
	v.allowed_sets, v.attributes, v.created_at, v.authenticated_at, COALESCE(t.last_seen_at, v.created_at) AS last_seen_at,
	e.expires_at, CASE WHEN pg_catalog.isfinite(e.expires_at) THEN e.expires_at - pg_catalog.clock_timestamp() END AS time_left
FROM (
	SELECT a.* FROM spsa.valid_session a WHERE spsa.reports_on_all('spsa.session')
	UNION ALL
	SELECT u.* FROM spsa.valid_session u WHERE NOT spsa.reports_on_all('spsa.session') AND u.user_name = spsa.reports_on_user()
	UNION ALL
	SELECT d.* FROM spsa.valid_session d WHERE NOT spsa.reports_on_all('spsa.session') AND d.session_id = spsa.reports_on_session()
) v
JOIN spsa.session s ON s.session_id = v.session_id
LEFT JOIN spsa.session_activity t ON t.session_id = v.session_id
CROSS JOIN LATERAL (SELECT LEAST(v.expires_at, COALESCE(t.last_seen_at, v.created_at) + s.idle_timeout)) e (expires_at);
COMMENT ON VIEW spsa.live_session IS
'sessions that are not over. Those of the attached session''s user (a derived session: itself alone); sessions with the custom permission view_setup, and roles that may select from spsa.session, see all. Every role may select. Errors: 28000 the attached session is over, or none is and one is required';
COMMENT ON COLUMN spsa.live_session.session_id IS 'session';
COMMENT ON COLUMN spsa.live_session.user_id IS 'user who authenticated';
COMMENT ON COLUMN spsa.live_session.user_name IS 'name of the user';
COMMENT ON COLUMN spsa.live_session.db_role IS 'database role that may attach the session, with its members; null: any';
COMMENT ON COLUMN spsa.live_session.security_level IS 'highest security level that the session has reached';
COMMENT ON COLUMN spsa.live_session.login_type IS 'how the user authenticated';
COMMENT ON COLUMN spsa.live_session.source_ip IS 'address from which the user came, as far as it is known';
COMMENT ON COLUMN spsa.live_session.actor IS 'who acts as the user; null: the user';
COMMENT ON COLUMN spsa.live_session.parent_id IS 'session that it was derived from; null: none';
COMMENT ON COLUMN spsa.live_session.allowed_sets IS 'only these sets and groups can be effective in the session, of a derived one those that the sessions above it allow as well; null: all that are assigned';
COMMENT ON COLUMN spsa.live_session.attributes IS 'attributes for row scopes: those of the user, and those of the session that the user does not have';
COMMENT ON COLUMN spsa.live_session.created_at IS 'when the session was opened';
COMMENT ON COLUMN spsa.live_session.authenticated_at IS 'when the user last authenticated, step-up and re-authentication included';
COMMENT ON COLUMN spsa.live_session.last_seen_at IS 'last use that was noted; without an idle timeout none is, and it is created_at';
COMMENT ON COLUMN spsa.live_session.expires_at IS 'when the session ends if it is not used any more; of a derived one, that of the sessions above it may come earlier';
COMMENT ON COLUMN spsa.live_session.time_left IS 'how long that is from now; null: never';

CREATE VIEW spsa.live_activation WITH (security_barrier) AS
SELECT e.session_id, e.user_name, e.set_name, e.kind, e.in_effect, v.activated_at, v.activated_by, v.reason, v.flow, v.expires_at,
	CASE WHEN pg_catalog.isfinite(v.expires_at) THEN v.expires_at - pg_catalog.clock_timestamp() END AS time_left
FROM (
	SELECT w.session_id, w.user_name, w.set_id, w.set_name, w.kind, pg_catalog.bool_or(w.active) AS in_effect
	FROM (
		SELECT a.* FROM spsa.effective_set a WHERE spsa.reports_on_all('spsa.activation')
		UNION ALL
		SELECT u.* FROM spsa.effective_set u WHERE NOT spsa.reports_on_all('spsa.activation') AND u.user_name = spsa.reports_on_user()
		UNION ALL
		SELECT d.* FROM spsa.effective_set d WHERE NOT spsa.reports_on_all('spsa.activation') AND d.session_id = spsa.reports_on_session()
	) w
	WHERE w.activated
	GROUP BY w.session_id, w.user_name, w.set_id, w.set_name, w.kind
) e
JOIN spsa.activation v ON v.session_id = e.session_id AND v.set_id = e.set_id
	AND v.expires_at > pg_catalog.clock_timestamp()
	AND NOT EXISTS (SELECT FROM spsa.activation_end n WHERE n.activation_id = v.activation_id);
COMMENT ON VIEW spsa.live_activation IS
'activations that count now, in live sessions. Those of the attached session''s user (a derived session: its own alone); sessions with the custom permission view_setup, and roles that may select from spsa.activation, see all. Every role may select. Errors: 28000 the attached session is over, or none is and one is required';
COMMENT ON COLUMN spsa.live_activation.session_id IS 'session';
COMMENT ON COLUMN spsa.live_activation.user_name IS 'user of the session';
COMMENT ON COLUMN spsa.live_activation.set_name IS 'permission set or group';
COMMENT ON COLUMN spsa.live_activation.kind IS 'set or group';
COMMENT ON COLUMN spsa.live_activation.in_effect IS 'whether it grants what it lists, by one way at least: not if its group is not active, an exclusion is in the way, or the session''s allowed_sets leave it out';
COMMENT ON COLUMN spsa.live_activation.activated_at IS 'when it was activated';
COMMENT ON COLUMN spsa.live_activation.activated_by IS 'who activated it';
COMMENT ON COLUMN spsa.live_activation.reason IS 'reason that was given, or null';
COMMENT ON COLUMN spsa.live_activation.flow IS 'flow that activated it, or null';
COMMENT ON COLUMN spsa.live_activation.expires_at IS 'when it ends by itself';
COMMENT ON COLUMN spsa.live_activation.time_left IS 'how long that is from now; null: never';

CREATE VIEW spsa.user_access WITH (security_barrier) AS
SELECT u.user_name, g.object, g.privilege, g.reach, p.set_name, w.group_name,
	pg_catalog.array_remove(ARRAY[
		CASE WHEN w.gate THEN w.group_name END, CASE WHEN p.activation_required AND NOT w.bypass THEN p.set_name END], NULL) AS to_activate,
	a.expires_at
FROM (
	SELECT x.user_id, x.user_name FROM spsa.app_user x WHERE x.is_active AND spsa.reports_on_all('spsa.assignment')
	UNION ALL
	SELECT y.user_id, y.user_name FROM spsa.app_user y
	WHERE y.is_active AND NOT spsa.reports_on_all('spsa.assignment') AND y.user_name = spsa.reports_on_user()
) u
JOIN spsa.assignment a ON a.user_id = u.user_id AND a.starts_at <= pg_catalog.clock_timestamp()
	AND (a.expires_at IS NULL OR a.expires_at > pg_catalog.clock_timestamp())
CROSS JOIN LATERAL (
	SELECT a.set_id, NULL::integer AS group_id, NULL::text AS group_name, false AS gate, false AS bypass
	UNION ALL
	SELECT m.member_id, k.set_id, k.set_name, k.activation_required, k.member_activation = 'bypass'
	FROM spsa.group_member m JOIN spsa.permission_set k ON k.set_id = m.group_id AND k.kind = 'group'
	WHERE m.group_id = a.set_id) w
JOIN spsa.permission_set p ON p.set_id = w.set_id AND p.kind = 'set'
JOIN spsa.granted_object g ON g.set_id = p.set_id AND g.group_id IS NOT DISTINCT FROM w.group_id;
COMMENT ON VIEW spsa.user_access IS
'what users may do with objects by the assignments that they have now, whether or not they have a session: one row for each way to a privilege, and what must be activated for it. (Exclusions and the allowed sets of a session can take away from it.) Rows of the attached session''s user (a derived session: none); sessions with the custom permission view_setup, and roles that may select from spsa.assignment, see all. Every role may select. Errors: 28000 the attached session is over, or none is and one is required';
COMMENT ON COLUMN spsa.user_access.user_name IS 'user, who is active';
COMMENT ON COLUMN spsa.user_access.object IS 'relation: the one that is granted on, or one that is protected with it';
COMMENT ON COLUMN spsa.user_access.privilege IS 'read, create, edit, delete, view_all or modify_all';
COMMENT ON COLUMN spsa.user_access.reach IS 'all: all rows; scoped: those of the set''s row scopes for the privilege';
COMMENT ON COLUMN spsa.user_access.set_name IS 'permission set that grants it';
COMMENT ON COLUMN spsa.user_access.group_name IS 'group by which the user has the set; null: it is assigned itself';
COMMENT ON COLUMN spsa.user_access.to_activate IS 'groups and sets that must be activated before it grants this; none: it does at once';
COMMENT ON COLUMN spsa.user_access.expires_at IS 'when the assignment ends; null: never';

CREATE VIEW spsa.unused_assignment WITH (security_barrier) AS
SELECT u.user_name, p.set_name, w.group_name, a.assigned_at, a.assigned_by, pg_catalog.clock_timestamp() - a.assigned_at AS assigned_for, a.expires_at
FROM (
	SELECT x.user_id, x.user_name FROM spsa.app_user x WHERE spsa.reports_on_all('spsa.assignment')
	UNION ALL
	SELECT y.user_id, y.user_name FROM spsa.app_user y
	WHERE NOT spsa.reports_on_all('spsa.assignment') AND y.user_name = spsa.reports_on_user()
) u
JOIN spsa.assignment a ON a.user_id = u.user_id AND (a.expires_at IS NULL OR a.expires_at > pg_catalog.clock_timestamp())
CROSS JOIN LATERAL (
	SELECT a.set_id, NULL::text AS group_name, false AS bypass, a.assigned_at AS since
	UNION ALL
	SELECT m.member_id, k.set_name, k.member_activation = 'bypass', GREATEST(a.assigned_at, m.added_at)
	FROM spsa.group_member m JOIN spsa.permission_set k ON k.set_id = m.group_id AND k.kind = 'group'
	WHERE m.group_id = a.set_id) w
JOIN spsa.permission_set p ON p.set_id = w.set_id AND p.kind IN ('set', 'group') AND p.activation_required AND NOT w.bypass
WHERE NOT EXISTS (
	SELECT FROM spsa.audit_event e
	WHERE e.user_name = u.user_name AND e.at >= w.since AND e.event = 'activate' AND e.set_name = p.set_name);
COMMENT ON VIEW spsa.unused_assignment IS
'assignments of what must be activated and never was, as far as the audit trail reaches back: not since the assignment, nor since the set was put into the group by which the user has it. What was assigned for long and not used is to be taken away: WHERE assigned_for > ''90 days''. Rows of the attached session''s user (a derived session: none); sessions with the custom permission view_setup, and roles that may select from spsa.assignment, see all. Every role may select. Errors: 28000 the attached session is over, or none is and one is required';
COMMENT ON COLUMN spsa.unused_assignment.user_name IS 'user';
COMMENT ON COLUMN spsa.unused_assignment.set_name IS 'permission set or group that was never activated';
COMMENT ON COLUMN spsa.unused_assignment.group_name IS 'group that is assigned, of which it is a member; null: it is assigned itself';
COMMENT ON COLUMN spsa.unused_assignment.assigned_at IS 'when it, or the group, was assigned';
COMMENT ON COLUMN spsa.unused_assignment.assigned_by IS 'who assigned it';
COMMENT ON COLUMN spsa.unused_assignment.assigned_for IS 'how long ago that is';
COMMENT ON COLUMN spsa.unused_assignment.expires_at IS 'when the assignment ends; null: never';

CREATE FUNCTION @extschema@.spsa_access_matrix(user_name text DEFAULT NULL, object regclass DEFAULT NULL)
	RETURNS TABLE (user_name text, object regclass, read text, "create" text, edit text, delete text, view_all text, modify_all text)
	-- Estimates count what all users have, and compiling takes longer than the query of one.
	LANGUAGE sql STABLE PARALLEL UNSAFE SET jit = off
BEGIN ATOMIC
	SELECT way.user_name, way.object,
		pg_catalog.max(way.mark) FILTER (WHERE way.privilege = 'read'), pg_catalog.max(way.mark) FILTER (WHERE way.privilege = 'create'),
		pg_catalog.max(way.mark) FILTER (WHERE way.privilege = 'edit'), pg_catalog.max(way.mark) FILTER (WHERE way.privilege = 'delete'),
		pg_catalog.max(way.mark) FILTER (WHERE way.privilege = 'view_all'), pg_catalog.max(way.mark) FILTER (WHERE way.privilege = 'modify_all')
	FROM (
		SELECT x.user_name, x.object, x.privilege,
			-- The best way without activation, and the best with one if that is better.
			CASE WHEN pg_catalog.bool_or(x.reach = 'all' AND x.to_activate = '{}') THEN 'all'
				WHEN pg_catalog.bool_or(x.to_activate = '{}') THEN
					CASE WHEN pg_catalog.bool_or(x.reach = 'all') THEN 'scoped (all)' ELSE 'scoped' END
				WHEN pg_catalog.bool_or(x.reach = 'all') THEN '(all)'
				ELSE '(scoped)' END AS mark
		FROM spsa.user_access x
		WHERE (spsa_access_matrix.user_name IS NULL OR x.user_name = spsa_access_matrix.user_name)
			AND (spsa_access_matrix.object IS NULL OR x.object = spsa_access_matrix.object)
		GROUP BY x.user_name, x.object, x.privilege
	) way
	GROUP BY way.user_name, way.object
	ORDER BY way.user_name, way.object::text;
END;
COMMENT ON FUNCTION @extschema@.spsa_access_matrix(text, regclass) IS
'a grid of users and objects for psql, from spsa.user_access: for each privilege all or scoped (the rows of row scopes), in brackets what needs an activation; null: not granted. user_name, object: of these alone. Rows: as spsa.user_access. Errors: the same';
