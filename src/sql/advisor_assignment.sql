-- advisor_assignment.sql - what spsa_check() finds on users and the permission sets that they are assigned.
--
-- spsa.finding_user() reads all users, along two indexes: nothing else of the advisor does.

CREATE FUNCTION spsa.finding_assignment() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
BEGIN ATOMIC
WITH way AS (
	-- What gives a user the one or the other of two that exclude each other.
	SELECT e.set_a, e.set_b, s.side, s.set_id AS assigned
	FROM spsa.exclusion e CROSS JOIN LATERAL (VALUES (1, e.set_a), (2, e.set_b)) s (side, set_id)
	WHERE e.kind = 'static'
	UNION ALL
	SELECT e.set_a, e.set_b, s.side, m.group_id
	FROM spsa.exclusion e CROSS JOIN LATERAL (VALUES (1, e.set_a), (2, e.set_b)) s (side, set_id) JOIN spsa.group_member m ON m.member_id = s.set_id
	WHERE e.kind = 'static'
), held AS (
	SELECT w.set_a, w.set_b, w.side, a.user_id, a.assignment_id, a.set_id, a.assigned_at, a.starts_at, COALESCE(a.expires_at, 'infinity') AS expires_at
	FROM way w JOIN spsa.assignment a ON a.set_id = w.assigned
	WHERE a.expires_at IS NULL OR a.expires_at > now()
), both_held AS (
	SELECT DISTINCT x.set_a, x.set_b, x.user_id,
		CASE WHEN (x.assigned_at, x.assignment_id) > (y.assigned_at, y.assignment_id) THEN x.set_id ELSE y.set_id END AS later
	FROM held x JOIN held y ON x.side = 1 AND y.side = 2 AND y.set_a = x.set_a AND y.set_b = x.set_b AND y.user_id = x.user_id
	WHERE x.starts_at < y.expires_at AND y.starts_at < x.expires_at
), violation AS (
	SELECT b.*, row_number() OVER (PARTITION BY b.set_a, b.set_b ORDER BY b.user_id, b.later) AS place FROM both_held b
), permission_set AS (
	SELECT p.set_name, p.kind,
		CASE p.kind WHEN 'group' THEN NOT EXISTS (
				SELECT FROM spsa.group_member m JOIN spsa.permission_set s ON s.set_id = m.member_id AND s.kind = 'set' WHERE m.group_id = p.set_id)
			ELSE NOT EXISTS (SELECT FROM spsa.object_permission o WHERE o.set_id = p.set_id
					AND (o.can_read OR o.can_create OR o.can_edit OR o.can_delete OR o.view_all OR o.modify_all))
				AND NOT EXISTS (SELECT FROM spsa.field_permission f WHERE f.set_id = p.set_id AND (f.can_read OR f.can_edit))
				AND NOT EXISTS (SELECT FROM spsa.function_permission f WHERE f.set_id = p.set_id)
				AND NOT EXISTS (SELECT FROM spsa.custom_permission_grant c WHERE c.set_id = p.set_id)
				-- Its holders decide on requests.
				AND NOT EXISTS (SELECT FROM spsa.activation_rule r WHERE r.approver_set = p.set_id) END AS is_empty,
		CASE p.kind WHEN 'muting' THEN NOT EXISTS (SELECT FROM spsa.group_member m WHERE m.member_id = p.set_id)
			ELSE NOT EXISTS (SELECT FROM spsa.assignment a WHERE a.set_id = p.set_id AND (a.expires_at IS NULL OR a.expires_at > now()))
				AND NOT EXISTS (SELECT FROM spsa.group_member m JOIN spsa.assignment a ON a.set_id = m.group_id
					WHERE m.member_id = p.set_id AND (a.expires_at IS NULL OR a.expires_at > now())) END AS is_unused
	FROM spsa.permission_set p
)
SELECT 'error', u.user_name, format('is assigned permission sets that exclude each other: %I and %I', a.set_name, b.set_name),
	format('SELECT @extschema@.spsa_revoke_assignment(%L, %L)', u.user_name, l.set_name)
FROM violation v
JOIN spsa.app_user u ON u.user_id = v.user_id
JOIN spsa.permission_set a ON a.set_id = v.set_a
JOIN spsa.permission_set b ON b.set_id = v.set_b
JOIN spsa.permission_set l ON l.set_id = v.later
-- Of each pair so many at a time.
WHERE v.place <= 100
UNION ALL
SELECT 'info', p.set_name,
	concat_ws(', and ', CASE WHEN p.is_empty THEN CASE p.kind WHEN 'group' THEN 'has no permission set as a member' WHEN 'muting' THEN 'mutes nothing' ELSE 'grants nothing' END END,
		CASE WHEN p.is_unused THEN CASE p.kind WHEN 'muting' THEN 'is in no group' ELSE 'is assigned to nobody' END END),
	format('SELECT @extschema@.spsa_drop_permission_set(%L)', p.set_name)
FROM permission_set p WHERE p.is_empty OR p.is_unused;
END;
COMMENT ON FUNCTION spsa.finding_assignment() IS 'rows of spsa_check(): static exclusions that are violated, and permission sets of no effect';

-- Both indexes are in the order of users: of all ways to join them, to merge is the quickest by far, and keeps nothing.
CREATE FUNCTION spsa.finding_user() RETURNS TABLE (severity text, object text, problem text, remedy text)
	LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_hashjoin = off SET enable_nestloop = off
BEGIN ATOMIC
SELECT 'info', 'spsa.app_user', format('active users without an assignment: %s, %I among them', count(*), min(u.user_name)),
	'SELECT count(@extschema@.spsa_disable_user(u.user_name, ''no assignment'')) FROM spsa.app_user u'
	' WHERE u.is_active AND NOT EXISTS (SELECT FROM spsa.assignment a WHERE a.user_id = u.user_id)'
FROM spsa.app_user u
WHERE u.is_active AND NOT EXISTS (SELECT FROM spsa.assignment a WHERE a.user_id = u.user_id)
HAVING count(*) > 0;
END;
COMMENT ON FUNCTION spsa.finding_user() IS 'rows of spsa_check(): users who are assigned nothing';
