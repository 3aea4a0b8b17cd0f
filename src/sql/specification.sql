-- specification.sql - the permission model in plain SQL: what each live session may do.
--
-- Nothing in C and no function of the extension: these views are what the engine (src/grant) is compared with, and what an
-- administrator asks. A condition on session_id or user_name reaches the indexes through all of them: therefore no WITH, and
-- both columns in every PARTITION BY.

CREATE VIEW spsa.valid_session AS
SELECT s.session_id, s.user_id, u.user_name,
	-- Of a derived session: those that all sessions above it allow, too.
	CASE WHEN s.parent_id IS NULL THEN s.allowed_sets ELSE ARRAY(
		SELECT i FROM pg_catalog.unnest(s.allowed_sets) i
		WHERE NOT EXISTS (
			WITH RECURSIVE above AS (
				SELECT p.parent_id, p.allowed_sets, 1 AS generation FROM spsa.session p WHERE p.session_id = s.parent_id
				UNION ALL
				SELECT p.parent_id, p.allowed_sets, a.generation + 1 FROM above a JOIN spsa.session p ON p.session_id = a.parent_id
				WHERE a.generation < 8)
			SELECT FROM above a WHERE NOT COALESCE(i = ANY (a.allowed_sets), a.allowed_sets IS NULL))) END AS allowed_sets,
	s.attributes || u.attributes AS attributes, s.created_at, s.expires_at,
	GREATEST(s.authenticated_at, (SELECT pg_catalog.max(r.authenticated_at) FROM spsa.session_authentication r
		WHERE r.session_id = s.session_id)) AS authenticated_at,
	GREATEST(s.security_level, (SELECT pg_catalog.max(r.security_level) FROM spsa.session_authentication r
		WHERE r.session_id = s.session_id)) AS security_level
FROM spsa.session s
JOIN spsa.app_user u ON u.user_id = s.user_id AND u.is_active
LEFT JOIN spsa.session_activity a ON a.session_id = s.session_id
WHERE s.expires_at > pg_catalog.clock_timestamp()
	AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id
		-- Not for the transaction that opened it for a test.
		AND (e.ends_with = pg_catalog.pg_current_xact_id_if_assigned()) IS NOT TRUE)
	AND NOT EXISTS (SELECT FROM spsa.jwt_session j WHERE j.session_id = s.session_id AND NOT EXISTS (
		SELECT FROM spsa.jwt_issuer i WHERE i.issuer = j.issuer AND i.is_active AND j.key_digest = ANY (i.key_digests)))
	AND (s.idle_timeout IS NULL OR pg_catalog.clock_timestamp() - COALESCE(a.last_seen_at, s.created_at) < s.idle_timeout)
	-- All sessions above a derived one, at most 8, are live sessions of the same user.
	AND (s.parent_id IS NULL OR COALESCE((
		WITH RECURSIVE above AS (
			SELECT p.session_id, p.parent_id, p.user_id, p.expires_at, p.idle_timeout, p.created_at, 1 AS generation
			FROM spsa.session p WHERE p.session_id = s.parent_id
			UNION ALL
			SELECT p.session_id, p.parent_id, p.user_id, p.expires_at, p.idle_timeout, p.created_at, a.generation + 1
			FROM above a JOIN spsa.session p ON p.session_id = a.parent_id
			WHERE a.generation < 8)
		SELECT pg_catalog.bool_or(a.parent_id IS NULL)
			AND pg_catalog.bool_and(a.user_id = s.user_id AND a.expires_at > pg_catalog.clock_timestamp()
				AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = a.session_id
					-- Not for the transaction that opened it for a test.
					AND (e.ends_with = pg_catalog.pg_current_xact_id_if_assigned()) IS NOT TRUE)
				AND NOT EXISTS (SELECT FROM spsa.jwt_session j WHERE j.session_id = a.session_id AND NOT EXISTS (
					SELECT FROM spsa.jwt_issuer i WHERE i.issuer = j.issuer AND i.is_active AND j.key_digest = ANY (i.key_digests)))
				AND (a.idle_timeout IS NULL OR pg_catalog.clock_timestamp() - COALESCE((SELECT t.last_seen_at
					FROM spsa.session_activity t WHERE t.session_id = a.session_id), a.created_at) < a.idle_timeout))
		FROM above a), false));
COMMENT ON VIEW spsa.valid_session IS 'sessions that are not over: not closed, not expired, not idle for too long, of an active user, not opened by a JWT whose issuer or key is trusted no longer, and not derived from one that is over';
COMMENT ON COLUMN spsa.valid_session.session_id IS 'session';
COMMENT ON COLUMN spsa.valid_session.user_id IS 'user who authenticated';
COMMENT ON COLUMN spsa.valid_session.user_name IS 'name of the user';
COMMENT ON COLUMN spsa.valid_session.allowed_sets IS 'only these sets and groups can be effective in the session, of a derived one those that the sessions above it allow as well; null: all that are assigned';
COMMENT ON COLUMN spsa.valid_session.attributes IS 'attributes for row scopes: those of the user, and those of the session that the user does not have';
COMMENT ON COLUMN spsa.valid_session.created_at IS 'when the session was opened';
COMMENT ON COLUMN spsa.valid_session.expires_at IS 'when the session ends';
COMMENT ON COLUMN spsa.valid_session.authenticated_at IS 'when the user last authenticated, step-up and re-authentication included';
COMMENT ON COLUMN spsa.valid_session.security_level IS 'highest security level that the session has reached';

-- From the inside out, each level uses what the one below it found. The ways of one assignment are a set alone, or a group
-- and its members: PARTITION BY session_id, assignment_id.
CREATE VIEW spsa.effective_set AS
SELECT standing.session_id, standing.user_name, standing.set_id, standing.set_name, standing.kind,
	standing.group_id, standing.group_name, standing.assignment_id,
	standing.activation_required, standing.activated, standing.allowed, standing.gate_open, standing.in_force,
	-- 5. A group that is excluded excludes its members by it.
	standing.is_excluded OR standing.group_is_excluded AS excluded,
	standing.in_force AND NOT standing.is_excluded AND NOT standing.group_is_excluded AS active
FROM (
	SELECT forced.*,
		COALESCE(pg_catalog.bool_or(forced.is_excluded) FILTER (WHERE forced.group_id IS NULL)
			OVER (PARTITION BY forced.session_id, forced.user_name, forced.assignment_id), false) AS group_is_excluded
	FROM (
		SELECT together.*,
			-- 4. Of two sets in force that exclude each other, neither is effective.
			together.set_id = ANY (together.sets_in_force) AND EXISTS (
				SELECT FROM spsa.exclusion x
				WHERE x.kind <> 'static'
					AND (x.set_a = together.set_id AND x.set_b = ANY (together.sets_in_force)
						OR x.set_b = together.set_id AND x.set_a = ANY (together.sets_in_force))) AS is_excluded
		FROM (
			SELECT force.*,
				-- A group is in force with a member that is.
				COALESCE(pg_catalog.array_agg(force.set_id) FILTER (WHERE force.in_force)
					OVER (PARTITION BY force.session_id, force.user_name)
					|| pg_catalog.array_agg(force.group_id) FILTER (WHERE force.in_force)
					OVER (PARTITION BY force.session_id, force.user_name), '{}') AS sets_in_force
			FROM (
				SELECT gated.*,
					gated.allowed AND gated.gate_open AND (gated.activated OR NOT gated.activation_required) AS in_force
				FROM (
					SELECT way.*,
						-- 3. A group that requires activation is a gate before its members.
						way.group_id IS NULL OR COALESCE(pg_catalog.bool_or(way.activated OR NOT way.activation_required)
							FILTER (WHERE way.group_id IS NULL)
							OVER (PARTITION BY way.session_id, way.user_name, way.assignment_id), false) AS gate_open
					FROM (
						SELECT s.session_id, s.user_name, p.set_id, p.set_name, p.kind, w.group_id, w.group_name, a.assignment_id,
							-- A group that says bypass frees its members of their own requirement.
							p.activation_required AND NOT w.bypass AS activation_required,
							-- 2. An activation under one way that the user has now serves all ways to the set.
							COALESCE(pg_catalog.bool_or(v.assignment_id = a.assignment_id AND (w.added_at IS NULL OR v.activated_at >= w.added_at))
								OVER (PARTITION BY s.session_id, s.user_name, p.set_id), false) AS activated,
							s.allowed_sets IS NULL OR COALESCE(p.set_id = ANY (s.allowed_sets), false)
								OR COALESCE(w.group_id = ANY (s.allowed_sets), false) AS allowed
						-- 1. The ways to sets: by assignment, and as members of groups that are assigned.
						FROM spsa.valid_session s
						JOIN spsa.assignment a ON a.user_id = s.user_id AND a.starts_at <= pg_catalog.clock_timestamp()
							AND (a.expires_at IS NULL OR a.expires_at > pg_catalog.clock_timestamp())
						CROSS JOIN LATERAL (
							SELECT a.set_id, NULL::integer AS group_id, NULL::text AS group_name, false AS bypass, NULL::timestamptz AS added_at
							UNION ALL
							SELECT m.member_id, g.set_id, g.set_name, g.member_activation = 'bypass', m.added_at
							FROM spsa.group_member m JOIN spsa.permission_set g ON g.set_id = m.group_id AND g.kind = 'group'
							WHERE m.group_id = a.set_id) w
						JOIN spsa.permission_set p ON p.set_id = w.set_id AND (p.kind = 'set' OR p.kind = 'group' AND w.group_id IS NULL)
						LEFT JOIN spsa.activation v ON v.session_id = s.session_id AND v.set_id = p.set_id
							-- What uses up an approval, or is to be reviewed, counts as before while it could be rolled back.
							AND CASE WHEN v.written_in = pg_catalog.pg_current_xact_id_if_assigned() THEN LEAST(v.expires_at, v.before_commit)
								ELSE v.expires_at END > pg_catalog.clock_timestamp()
							AND NOT EXISTS (SELECT FROM spsa.activation_end e WHERE e.activation_id = v.activation_id)
					) way
				) gated
			) force
		) together
	) forced
) standing;
COMMENT ON VIEW spsa.effective_set IS
'the sets and groups that the users of live sessions are assigned now, one row for each way to them (by an assignment, or as a member of a group that is assigned), and whether they are active in the session; if not, why not';
COMMENT ON COLUMN spsa.effective_set.session_id IS 'live session';
COMMENT ON COLUMN spsa.effective_set.user_name IS 'user of the session';
COMMENT ON COLUMN spsa.effective_set.set_id IS 'permission set or group';
COMMENT ON COLUMN spsa.effective_set.set_name IS 'its name';
COMMENT ON COLUMN spsa.effective_set.kind IS 'set or group';
COMMENT ON COLUMN spsa.effective_set.group_id IS 'group by which the user has the set; null: it is assigned itself';
COMMENT ON COLUMN spsa.effective_set.group_name IS 'name of that group, or null';
COMMENT ON COLUMN spsa.effective_set.assignment_id IS 'assignment of the set, or of the group';
COMMENT ON COLUMN spsa.effective_set.activation_required IS 'whether it needs an activation of its own this way: not as a member of a group whose member_activation is bypass';
COMMENT ON COLUMN spsa.effective_set.activated IS 'whether the session has an activation of it that has not run out, was not ended, does not wait for the commit of the present transaction (before_commit), and was made under one of the assignments that the user has now';
COMMENT ON COLUMN spsa.effective_set.allowed IS 'whether the session''s allowed_sets let it, or its group, be effective';
COMMENT ON COLUMN spsa.effective_set.gate_open IS 'whether its group, if any, requires no activation or is activated';
COMMENT ON COLUMN spsa.effective_set.in_force IS 'allowed, behind no closed gate, and activated if it must be';
COMMENT ON COLUMN spsa.effective_set.excluded IS 'whether it, or its group, is in force together with what excludes it dynamically';
COMMENT ON COLUMN spsa.effective_set.active IS 'in force and not excluded: it grants what it lists';

-- What a set grants as an assignment of its own (group_id is null), and as a member of each group: as effective_object says it
-- of the ways of a session, which are few, where this would be all of them.
CREATE VIEW spsa.granted_object AS
SELECT permitted.set_id, permitted.group_id, reached.object, permitted.privilege, permitted.reach, permitted.object AS granted_on
FROM (
	SELECT way.set_id, way.group_id, way.object, p.privilege,
		CASE
			WHEN NOT way.row_scoped OR p.privilege IN ('view_all', 'modify_all') THEN 'all'
			WHEN p.privilege = 'read' AND 'view_all' = ANY (way.granted) THEN 'all'
			WHEN p.privilege IN ('edit', 'delete') AND 'modify_all' = ANY (way.granted) THEN 'all'
			-- A scope that is not understood would have narrowed: without it nothing is reached.
			WHEN EXISTS (SELECT FROM spsa.row_scope r WHERE r.set_id = way.set_id AND r.object = way.object
				AND r.operator NOT IN ('=', '<', '<=', '>', '>=', 'is null')) THEN NULL
			WHEN EXISTS (SELECT FROM spsa.row_scope r WHERE r.set_id = way.set_id AND r.object = way.object
				AND (r.privileges IS NULL OR p.privilege = ANY (r.privileges))) THEN 'scoped'
		END AS reach
	FROM (
		SELECT o.set_id, w.group_id, o.object, o.row_scoped, g.granted
		FROM spsa.object_permission o
		CROSS JOIN LATERAL (
			SELECT NULL::integer AS group_id
			UNION ALL
			SELECT m.group_id FROM spsa.group_member m WHERE m.member_id = o.set_id) w
		CROSS JOIN LATERAL (
			SELECT pg_catalog.array_agg(listed.privilege) AS granted
			FROM (VALUES
				('read', o.can_read, '{read}'::text[]),
				('create', o.can_create, '{create,read}'),
				('edit', o.can_edit, '{edit,read}'),
				('delete', o.can_delete, '{delete,edit,read}'),
				('view_all', o.view_all, '{view_all,read}'),
				('modify_all', o.modify_all, '{modify_all,view_all,delete,edit,read}')
			) listed (privilege, is_listed, itself_and_needed)
			WHERE listed.is_listed AND NOT EXISTS (
				SELECT FROM spsa.group_member m
				JOIN spsa.permission_set k ON k.set_id = m.member_id AND k.kind = 'muting'
				JOIN spsa.object_permission x ON x.set_id = m.member_id AND x.object = o.object
				CROSS JOIN LATERAL (VALUES ('read', x.can_read), ('create', x.can_create), ('edit', x.can_edit),
					('delete', x.can_delete), ('view_all', x.view_all), ('modify_all', x.modify_all)) muted (privilege, is_listed)
				WHERE m.group_id = w.group_id AND muted.is_listed AND muted.privilege = ANY (listed.itself_and_needed))
		) g
	) way
	CROSS JOIN LATERAL pg_catalog.unnest(way.granted) p (privilege)
) permitted
-- What is granted on a table reaches the tables that are protected with it; what is granted on these themselves, nothing.
CROSS JOIN LATERAL (
	SELECT permitted.object WHERE NOT EXISTS (
		SELECT FROM spsa.protected_object c WHERE c.object = permitted.object AND c.root IS NOT NULL)
	UNION ALL
	SELECT c.object FROM spsa.protected_object c WHERE c.root = permitted.object
) reached (object)
WHERE permitted.reach IS NOT NULL;
COMMENT ON VIEW spsa.granted_object IS
'privileges on objects that permission sets grant, assigned themselves and as members of each of their groups, after what the muting sets of the group take away: what they list, and what needs that';
COMMENT ON COLUMN spsa.granted_object.set_id IS 'permission set';
COMMENT ON COLUMN spsa.granted_object.group_id IS 'group as a member of which it grants this; null: assigned itself';
COMMENT ON COLUMN spsa.granted_object.object IS 'relation: the one that is granted on, or one that is protected with it';
COMMENT ON COLUMN spsa.granted_object.privilege IS 'read, create, edit, delete, view_all or modify_all';
COMMENT ON COLUMN spsa.granted_object.reach IS 'all: all rows; scoped: those of the set''s row scopes for the privilege, of which there is one at least';
COMMENT ON COLUMN spsa.granted_object.granted_on IS 'relation that the permission of the set is on';

CREATE VIEW spsa.effective_object AS
SELECT permitted.session_id, permitted.user_name, permitted.set_id, permitted.set_name, permitted.group_id, permitted.group_name,
	reached.object, permitted.privilege, permitted.reach, permitted.object AS granted_on
FROM (
	SELECT way.session_id, way.user_name, way.set_id, way.set_name, way.group_id, way.group_name,
		way.object, p.privilege,
		CASE
			WHEN NOT way.row_scoped OR p.privilege IN ('view_all', 'modify_all') THEN 'all'
			WHEN p.privilege = 'read' AND 'view_all' = ANY (way.granted) THEN 'all'
			WHEN p.privilege IN ('edit', 'delete') AND 'modify_all' = ANY (way.granted) THEN 'all'
			-- A scope that is not understood would have narrowed: without it nothing is reached.
			WHEN EXISTS (SELECT FROM spsa.row_scope r WHERE r.set_id = way.set_id AND r.object = way.object
				AND r.operator NOT IN ('=', '<', '<=', '>', '>=', 'is null')) THEN NULL
			WHEN EXISTS (SELECT FROM spsa.row_scope r WHERE r.set_id = way.set_id AND r.object = way.object
				AND (r.privileges IS NULL OR p.privilege = ANY (r.privileges))) THEN 'scoped'
		END AS reach
	FROM (
		SELECT s.session_id, s.user_name, s.set_id, s.set_name, s.group_id, s.group_name, o.object, o.row_scoped, g.granted
		FROM spsa.effective_set s
		JOIN spsa.object_permission o ON o.set_id = s.set_id
		CROSS JOIN LATERAL (
			SELECT pg_catalog.array_agg(listed.privilege) AS granted
			FROM (VALUES
				('read', o.can_read, '{read}'::text[]),
				('create', o.can_create, '{create,read}'),
				('edit', o.can_edit, '{edit,read}'),
				('delete', o.can_delete, '{delete,edit,read}'),
				('view_all', o.view_all, '{view_all,read}'),
				('modify_all', o.modify_all, '{modify_all,view_all,delete,edit,read}')
			) listed (privilege, is_listed, itself_and_needed)
			WHERE listed.is_listed AND NOT EXISTS (
				SELECT FROM spsa.group_member m
				JOIN spsa.permission_set k ON k.set_id = m.member_id AND k.kind = 'muting'
				JOIN spsa.object_permission x ON x.set_id = m.member_id AND x.object = o.object
				CROSS JOIN LATERAL (VALUES ('read', x.can_read), ('create', x.can_create), ('edit', x.can_edit),
					('delete', x.can_delete), ('view_all', x.view_all), ('modify_all', x.modify_all)) muted (privilege, is_listed)
				WHERE m.group_id = s.group_id AND muted.is_listed AND muted.privilege = ANY (listed.itself_and_needed))
		) g
		WHERE s.active AND s.kind = 'set'
	) way
	CROSS JOIN LATERAL pg_catalog.unnest(way.granted) p (privilege)
) permitted
-- What is granted on a table reaches the tables that are protected with it; what is granted on these themselves, nothing.
CROSS JOIN LATERAL (
	SELECT permitted.object WHERE NOT EXISTS (
		SELECT FROM spsa.protected_object c WHERE c.object = permitted.object AND c.root IS NOT NULL)
	UNION ALL
	SELECT c.object FROM spsa.protected_object c WHERE c.root = permitted.object
) reached (object)
WHERE permitted.reach IS NOT NULL;
COMMENT ON VIEW spsa.effective_object IS
'privileges on objects that live sessions have, one row for each way to an active set that grants one, after what the muting sets of the group take away: what they list, and what needs that';
COMMENT ON COLUMN spsa.effective_object.session_id IS 'live session';
COMMENT ON COLUMN spsa.effective_object.user_name IS 'user of the session';
COMMENT ON COLUMN spsa.effective_object.set_id IS 'permission set that grants';
COMMENT ON COLUMN spsa.effective_object.set_name IS 'its name';
COMMENT ON COLUMN spsa.effective_object.group_id IS 'group by which the user has the set; null: it is assigned itself';
COMMENT ON COLUMN spsa.effective_object.group_name IS 'name of that group, or null';
COMMENT ON COLUMN spsa.effective_object.object IS 'relation: the one that is granted on, or one that is protected with it';
COMMENT ON COLUMN spsa.effective_object.privilege IS 'read, create, edit, delete, view_all or modify_all';
COMMENT ON COLUMN spsa.effective_object.reach IS 'all: all rows; scoped: those of the set''s row scopes for the privilege, of which there is one at least';
COMMENT ON COLUMN spsa.effective_object.granted_on IS 'relation that the permission of the set is on';

CREATE VIEW spsa.effective_permission AS
SELECT o.session_id, o.user_name, o.set_name, o.group_name, 'object' AS kind, o.object, o.privilege, o.reach,
	NULL::name AS field, NULL::regtype AS field_type, NULL::text AS operator, NULL::text[] AS literals, NULL::text AS attribute,
	NULL::text[] AS any_of, NULL::text AS function, NULL::text AS custom_permission
FROM spsa.effective_object o

UNION ALL
SELECT o.session_id, o.user_name, o.set_name, o.group_name, 'row scope', o.object, o.privilege, NULL,
	r.field, r.field_type, r.operator, r.literals, r.attribute,
	CASE
		WHEN r.operator = 'is null' THEN NULL
		WHEN r.literals IS NOT NULL THEN r.literals
		WHEN pg_catalog.jsonb_typeof(s.attributes -> r.attribute) = 'array' THEN
			ARRAY(SELECT e.value #>> '{}' FROM pg_catalog.jsonb_array_elements(s.attributes -> r.attribute) e
				WHERE pg_catalog.jsonb_typeof(e.value) IN ('string', 'number', 'boolean'))
		WHEN pg_catalog.jsonb_typeof(s.attributes -> r.attribute) IN ('string', 'number', 'boolean') THEN
			ARRAY[s.attributes ->> r.attribute]
		ELSE '{}'
	END,
	NULL, NULL
FROM spsa.effective_object o
JOIN spsa.row_scope r ON r.set_id = o.set_id AND r.object = o.granted_on
	AND (r.privileges IS NULL OR o.privilege = ANY (r.privileges))
JOIN spsa.valid_session s ON s.session_id = o.session_id
WHERE o.reach = 'scoped'

UNION ALL
SELECT u.session_id, u.user_name, u.set_name, u.group_name, 'field', u.object, u.privilege, NULL,
	u.field, u.field_type, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
	-- Which set reaches the object, and which lets a protected field of it be used, need not be the same.
	SELECT w.*, pg_catalog.bool_or(w.field IS NULL) OVER (PARTITION BY w.session_id, w.user_name, w.object, w.privilege) AS object_is_reached
	FROM (
		SELECT o.session_id, o.user_name, o.set_name, o.group_name, o.object, o.privilege, NULL::name AS field, NULL::regtype AS field_type
		FROM spsa.effective_object o
		UNION ALL
		SELECT s.session_id, s.user_name, s.set_name, s.group_name, c.attrelid, p.privilege, c.attname, c.atttypid::regtype
		FROM spsa.effective_set s
		JOIN spsa.field_permission f ON f.set_id = s.set_id
		JOIN pg_catalog.pg_attribute g
			ON g.attrelid = f.object AND g.attnum = f.field_number AND g.attname = f.field AND NOT g.attisdropped
		-- Of a column that the root has, by name, the root's permissions count.
		CROSS JOIN LATERAL (
			SELECT f.object WHERE NOT EXISTS (
				SELECT FROM spsa.protected_object r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.root
				WHERE r.object = f.object AND a.attname = f.field AND NOT a.attisdropped)
			UNION ALL
			SELECT r.object FROM spsa.protected_object r WHERE r.root = f.object
		) reached (object)
		JOIN pg_catalog.pg_attribute c ON c.attrelid = reached.object AND c.attname = f.field AND NOT c.attisdropped
		CROSS JOIN LATERAL (VALUES ('read', f.can_read, '{read}'::text[]), ('edit', f.can_edit, '{edit,read}'))
			p (privilege, is_listed, itself_and_needed)
		WHERE s.active AND s.kind = 'set' AND p.is_listed
			-- Protected itself, or as the root's column of its name.
			AND (EXISTS (SELECT FROM spsa.protected_field h WHERE h.object = c.attrelid AND h.field_number = c.attnum)
				OR EXISTS (SELECT FROM spsa.protected_object r
					JOIN pg_catalog.pg_attribute a ON a.attrelid = r.root AND a.attname = c.attname AND NOT a.attisdropped
					JOIN spsa.protected_field h ON h.object = r.root AND h.field_number = a.attnum
					WHERE r.object = c.attrelid))
			AND NOT EXISTS (
				SELECT FROM spsa.group_member m
				JOIN spsa.permission_set k ON k.set_id = m.member_id AND k.kind = 'muting'
				JOIN spsa.field_permission x ON x.set_id = m.member_id AND x.object = f.object AND x.field_number = f.field_number
				WHERE m.group_id = s.group_id
					AND (x.can_read AND 'read' = ANY (p.itself_and_needed) OR x.can_edit AND 'edit' = ANY (p.itself_and_needed)))
	) w
) u
WHERE u.object_is_reached AND u.field IS NOT NULL

UNION ALL
SELECT o.session_id, o.user_name, o.set_name, o.group_name, 'field', o.object, o.privilege, NULL,
	c.attname, c.atttypid::regtype, NULL, NULL, NULL, NULL, NULL, NULL
FROM spsa.effective_object o
JOIN pg_catalog.pg_attribute c ON c.attrelid = o.object AND c.attnum > 0 AND NOT c.attisdropped
WHERE o.privilege IN ('read', 'edit')
	AND NOT (EXISTS (SELECT FROM spsa.protected_field f WHERE f.object = o.object AND f.field_number = c.attnum)
		OR EXISTS (SELECT FROM spsa.protected_object r
			JOIN pg_catalog.pg_attribute a ON a.attrelid = r.root AND a.attname = c.attname AND NOT a.attisdropped
			JOIN spsa.protected_field f ON f.object = r.root AND f.field_number = a.attnum
			WHERE r.object = o.object))

UNION ALL
SELECT s.session_id, s.user_name, s.set_name, s.group_name, 'function', NULL, NULL, NULL,
	NULL, NULL, NULL, NULL, NULL, NULL, f.function, NULL
FROM spsa.effective_set s
JOIN spsa.function_permission f ON f.set_id = s.set_id
WHERE s.active AND s.kind = 'set'
	AND NOT EXISTS (
		SELECT FROM spsa.group_member m
		JOIN spsa.permission_set k ON k.set_id = m.member_id AND k.kind = 'muting'
		JOIN spsa.function_permission x ON x.set_id = m.member_id AND x.function = f.function
		WHERE m.group_id = s.group_id)

UNION ALL
SELECT s.session_id, s.user_name, s.set_name, s.group_name, 'custom permission', NULL, NULL, NULL,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.permission_name
FROM spsa.effective_set s
JOIN spsa.custom_permission_grant g ON g.set_id = s.set_id
JOIN spsa.custom_permission c ON c.permission_id = g.permission_id
WHERE s.active AND s.kind = 'set'
	AND NOT EXISTS (
		SELECT FROM spsa.group_member m
		JOIN spsa.permission_set k ON k.set_id = m.member_id AND k.kind = 'muting'
		JOIN spsa.custom_permission_grant x ON x.set_id = m.member_id AND x.permission_id = g.permission_id
		WHERE m.group_id = s.group_id);
COMMENT ON VIEW spsa.effective_permission IS
'what live sessions may do, and by which set: the specification of what the functions spsa_allows, spsa_allows_row, spsa_allows_field, spsa_allows_function and spsa_has_permission answer. What has no row is denied. Ask with a condition on session_id or user_name that is a constant or parameter: then it is fast.
object: spsa_allows if reach is all. If it is scoped, the way (set_name, group_name) reaches the table''s rows for which, among its rows of kind row scope for the object and privilege, each (field, operator) that occurs has one that matches: whose field_type is the type of the field, and for which field operator value holds for a value in any_of, or the field is null if the operator is "is null".
field: columns, protected or not, that may be read or edited in the rows that the session reaches with that privilege';
COMMENT ON COLUMN spsa.effective_permission.session_id IS 'live session';
COMMENT ON COLUMN spsa.effective_permission.user_name IS 'user of the session';
COMMENT ON COLUMN spsa.effective_permission.set_name IS 'permission set that grants it';
COMMENT ON COLUMN spsa.effective_permission.group_name IS 'group by which the user has the set; null: it is assigned itself';
COMMENT ON COLUMN spsa.effective_permission.kind IS 'object, row scope, field, function or custom permission';
COMMENT ON COLUMN spsa.effective_permission.object IS 'of an object, row scope and field: the relation';
COMMENT ON COLUMN spsa.effective_permission.privilege IS 'of an object: read, create, edit, delete, view_all or modify_all; of a row scope: the one of these that it scopes; of a field: read or edit';
COMMENT ON COLUMN spsa.effective_permission.reach IS 'of an object: all rows, or scoped';
COMMENT ON COLUMN spsa.effective_permission.field IS 'of a row scope: field that is compared; of a field: the column';
COMMENT ON COLUMN spsa.effective_permission.field_type IS 'of a row scope: type of the field when the scope was written; of a field: type of the column';
COMMENT ON COLUMN spsa.effective_permission.operator IS 'of a row scope: =, <, <=, >, >= or is null';
COMMENT ON COLUMN spsa.effective_permission.literals IS 'of a row scope: its values, if they are written down in it';
COMMENT ON COLUMN spsa.effective_permission.attribute IS 'of a row scope: attribute that gives its values, if one does';
COMMENT ON COLUMN spsa.effective_permission.any_of IS 'of a row scope: the values in this session, as text: the literals, or what the attribute is, each element of an array; none matches no row; null if the operator is "is null". Objects and nested arrays are left out: with them the functions raise 22023';
COMMENT ON COLUMN spsa.effective_permission.function IS 'of a function: its qualified signature';
COMMENT ON COLUMN spsa.effective_permission.custom_permission IS 'of a custom permission: its name';
