-- Random worlds: the engine, asked as an ordinary role, must answer every question as the views of the specification do.
-- A world (users, sets, groups, muting sets, rules, sessions) follows from the seed and its number alone. So a difference
-- is reproduced by SPSA_WORLDS_SEED, SPSA_WORLDS_FIRST and SPSA_WORLDS_LAST in the environment.
\set seed 20261122
\set first 0
\set last 2019
\getenv seed SPSA_WORLDS_SEED
\getenv first SPSA_WORLDS_FIRST
\getenv last SPSA_WORLDS_LAST
\echo seed :seed
\set VERBOSITY terse
SET client_min_messages = warning;
-- The tables have no statistics.
SET jit = off;
SET enable_seqscan = off;
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_worlds;
SET worlds.seed = :seed;

--
-- What is asked about
--
CREATE TABLE world_a (id integer, n integer, t text COLLATE "C", k integer);
CREATE TABLE world_b (id integer, n integer, t text COLLATE "C", k integer);
-- Protected, or not, with one of these; its columns have other numbers, and the last one it has alone.
CREATE TABLE world_c (t text COLLATE "C", k integer, id integer, n integer, own integer);
CREATE FUNCTION world_f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION world_g() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION world_h(text, integer[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
INSERT INTO spsa.custom_permission (permission_name) VALUES ('world_p'), ('world_q');
CREATE TABLE world_object AS SELECT i, ('world_' || o)::regclass AS object FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) v (i, o);
CREATE TABLE world_function AS SELECT i, f, f::regprocedure AS function
	FROM (VALUES (1, 'public.world_f(integer)'), (2, 'public.world_g()'), (3, 'public.world_h(pg_catalog.text,integer[])')) v (i, f);
CREATE TABLE world_permission AS SELECT permission_id AS i, permission_name AS name
	FROM spsa.custom_permission WHERE permission_name IN ('run_flows', 'world_p', 'world_q');
CREATE TABLE world_row AS
	SELECT row_number() OVER (ORDER BY n, t)::integer AS id, n, t COLLATE "C" AS t
	FROM (VALUES (0), (1), (2), (NULL)) a (n), (VALUES ('a'), ('b'), (NULL)) b (t);
CREATE TABLE world_question AS
	SELECT row_number() OVER (ORDER BY kind, object, privilege, field, function, permission, row_id)::integer AS question, *
	FROM (
		SELECT 'object' AS kind, object, p AS privilege, NULL::name AS field, NULL AS function, NULL AS permission, NULL::integer AS row_id
		FROM world_object, unnest('{read,create,edit,delete,view_all,modify_all}'::text[]) p
		UNION ALL SELECT 'field', object, p, f, NULL, NULL, NULL
		FROM world_object, unnest('{read,edit}'::text[]) p, unnest('{id,n,t,own}'::name[]) f WHERE f <> 'own' OR i = 3
		UNION ALL SELECT 'function', NULL, NULL, NULL, f, NULL, NULL FROM world_function
		UNION ALL SELECT 'custom permission', NULL, NULL, NULL, NULL, name, NULL FROM world_permission
		UNION ALL SELECT 'row', object, p, NULL, NULL, NULL, id FROM world_object, unnest('{read,create,edit,delete}'::text[]) p, world_row
	) q;
-- Every question twice: with arguments from a column (answered row by row) and with constants (folded into the plan).
CREATE TABLE world_answer (session uuid, question integer, folded boolean, answer boolean);
CREATE TABLE world_one AS SELECT 1 AS one;
GRANT SELECT ON world_question, world_row, world_one TO regress_spsa_worlds;
GRANT INSERT ON world_answer TO regress_spsa_worlds;

SELECT format($$
CREATE PROCEDURE world_ask(asked uuid) LANGUAGE plpgsql AS $body$
BEGIN
	INSERT INTO world_answer
	SELECT asked, q.question, false, spsa_allows_row(q.object, q.privilege, 'n', r.n, 't', r.t)
	FROM (SELECT * FROM world_question WHERE kind = 'row' ORDER BY question) q JOIN world_row r ON r.id = q.row_id
	UNION ALL
	SELECT asked, q.question, false, CASE q.kind WHEN 'object' THEN spsa_allows(q.object, q.privilege)
		WHEN 'field' THEN spsa_allows_field(q.object, q.field, q.privilege)
		WHEN 'function' THEN spsa_allows_function(q.function::regprocedure)
		ELSE spsa_has_permission(q.permission) END
	FROM world_question q WHERE q.kind <> 'row';
	INSERT INTO world_answer
	%s
	UNION ALL
	SELECT asked, a.question, true, a.answer FROM world_one, LATERAL (VALUES %s) a (question, answer);
END
$body$
$$,
	(SELECT string_agg(format('SELECT asked, %s + id, true, spsa_allows_row(%L, %L, ''n'', n, ''t'', t) FROM world_row', first - 1, object, privilege), ' UNION ALL ')
		FROM (SELECT object, privilege, min(question) AS first FROM world_question WHERE kind = 'row' GROUP BY 1, 2) q),
	(SELECT string_agg(format('(%s, %s)', question, CASE kind WHEN 'object' THEN format('spsa_allows(%L, %L)', object, privilege)
			WHEN 'field' THEN format('spsa_allows_field(%L, %L, %L)', object, field, privilege)
			WHEN 'function' THEN format('spsa_allows_function(%L)', function)
			ELSE format('spsa_has_permission(%L)', permission) END), ', ' ORDER BY question)
		FROM world_question WHERE kind <> 'row')) \gexec

--
-- Worlds. Sets have the identifiers 16 * world + (1 to 5: sets, 6 to 8: groups, 9 and 10: muting sets), users 4 * world +
-- (1 and 2), their sessions and tokens 4 * world + (1 to 3).
--
CREATE FUNCTION world_chance(what text, i integer, j integer DEFAULT 0, k integer DEFAULT 0) RETURNS float8 LANGUAGE sql STABLE AS
$$ SELECT (hashtextextended(what || ' ' || i || ' ' || j || ' ' || k, current_setting('worlds.seed')::bigint) & 1073741823) / 1073741824.0::float8 $$;
CREATE FUNCTION world_choice(choices anycompatiblearray, chance float8) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS
$$ SELECT choices[1 + floor(chance * cardinality(choices))::integer] $$;
CREATE FUNCTION world_token(session integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT 'spsa_' || translate(encode(secret || substr(sha256('spsa token' || secret), 1, 4), 'base64'), '+/', '-_')
	FROM (SELECT sha256(convert_to('world ' || session, 'UTF8')) AS secret) s
$$;
CREATE FUNCTION world_session(session integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(session::text)::uuid $$;
-- Attributes: scalars, arrays, JSON null, none at all; numbers as strings, too.
CREATE FUNCTION world_attributes(what text, i integer, part float8) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT COALESCE(jsonb_object_agg(name, CASE
		WHEN c < 0.4 THEN to_jsonb(v) WHEN c < 0.5 THEN to_jsonb(v::text) WHEN c < 0.6 THEN 'null' WHEN c < 0.7 THEN '[]'
		ELSE jsonb_build_array(v, NULL, x) END), '{}')
	FROM (
		SELECT 'at_n' AS name, to_jsonb(floor(world_chance(what || ' n', i) * 3)) AS v, to_jsonb(floor(world_chance(what || ' n', i, 1) * 3)) AS x,
			world_chance(what || ' n form', i) AS c WHERE world_chance(what || ' n', i, 2) < part
		UNION ALL SELECT 'at_t', to_jsonb(world_choice('{a,b}'::text[], world_chance(what || ' t', i))), '"b"',
			greatest(world_chance(what || ' t form', i), 0.5) - 0.1 * (world_chance(what || ' t form', i) < 0.5)::integer WHERE world_chance(what || ' t', i, 2) < part) a
$$;

-- What may be written by anybody who may write.
CREATE PROCEDURE world_make(first integer, last integer) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO spsa.protected_field (object, field)
	SELECT object, f FROM world_object o, unnest('{n,t,own}'::name[]) f WHERE world_chance('protected ' || f, first / 20, i) < 0.5 AND (f <> 'own' OR i = 3);
	INSERT INTO spsa.protected_object (object, root)
	SELECT 'world_c', CASE WHEN c < 0.35 THEN 'world_a' WHEN c < 0.7 THEN 'world_b' END::regclass FROM world_chance('protected with', first / 20) c WHERE c < 0.85;

	INSERT INTO spsa.permission_set (set_id, set_name, kind, activation_required, member_activation)
	SELECT 16 * w + i, 'world_' || w || '_' || i, CASE WHEN i <= 5 THEN 'set' WHEN i <= 8 THEN 'group' ELSE 'muting' END,
		i <= 8 AND world_chance('gated', w, i) < 0.45,
		CASE WHEN i BETWEEN 6 AND 8 THEN CASE WHEN world_chance('bypass', w, i) < 0.4 THEN 'bypass' ELSE 'keep' END END
	FROM generate_series(first, last) w, generate_series(1, 10) i;

	INSERT INTO spsa.group_member (group_id, member_id)
	SELECT 16 * w + g, 16 * w + m FROM generate_series(first, last) w, generate_series(6, 8) g, unnest('{1,2,3,4,5,9,10}'::integer[]) m
	WHERE world_chance('member', w, g, m) < 0.45;

	INSERT INTO spsa.object_permission (set_id, object, can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped)
	SELECT 16 * w + s, object, true, world_chance('create', w, s, i) < 0.5, e, d, v, d AND v AND world_chance('modify_all', w, s, i) < 0.5,
		world_chance('scoped', w, s, i) < 0.85
	FROM generate_series(first, last) w, generate_series(1, 5) s, world_object,
		LATERAL (SELECT world_chance('edit', w, s, i) < 0.7 AS e, world_chance('view_all', w, s, i) < 0.2 AS v) x,
		LATERAL (SELECT e AND world_chance('delete', w, s, i) < 0.7 AS d) y
	WHERE world_chance('object', w, s, i) < 0.75
	UNION ALL
	SELECT 16 * w + s, object, world_chance('read', w, s, i) < 0.15, world_chance('create', w, s, i) < 0.2, world_chance('edit', w, s, i) < 0.2,
		world_chance('delete', w, s, i) < 0.2, world_chance('view_all', w, s, i) < 0.3, world_chance('modify_all', w, s, i) < 0.3, false
	FROM generate_series(first, last) w, generate_series(9, 10) s, world_object
	WHERE world_chance('object', w, s, i) < 0.6;

	-- The third field is one that the question does not pass.
	INSERT INTO spsa.row_scope (set_id, object, field, operator, literals, attribute, privileges)
	SELECT set_id, object, field, operator,
		CASE WHEN operator <> 'is null' AND literal THEN ARRAY(SELECT CASE field WHEN 't' THEN world_choice('{a,b}'::text[], world_chance('literal', x, i, v))
			ELSE world_choice('{0,1,2}'::text[], world_chance('literal', x, i, v)) END FROM generate_series(1, 1 + (c < 0.4)::integer) v) END,
		CASE WHEN operator <> 'is null' AND NOT literal THEN 'at_' || replace(field, 'k', 'n') END,
		CASE WHEN c < 0.5 THEN NULL WHEN c < 0.7 THEN '{read}' WHEN c < 0.8 THEN '{edit,delete}' WHEN c < 0.9 THEN '{read,create}' ELSE '{edit}' END::text[]
	FROM (
		SELECT set_id, p.object, k.i, x, world_choice('{n,n,n,n,n,n,t,t,t,t,t,k}'::text[], world_chance('scope field', x, k.i)) AS field,
			world_choice('{=,=,=,=,=,<,<=,>,>=,is null}'::text[], world_chance('operator', x, k.i)) AS operator,
			world_chance('literal', x, k.i) < 0.6 AS literal, world_chance('privileges', x, k.i) AS c
		FROM spsa.object_permission p JOIN world_object o USING (object), generate_series(1, 3) k (i), LATERAL (SELECT set_id * 2 + o.i AS x) x
		WHERE set_id % 16 <= 5 AND world_chance('scope', x, k.i) < 0.6) s;

	INSERT INTO spsa.field_permission (set_id, object, field, can_read, can_edit)
	SELECT 16 * w + s, object, f, s <= 5 OR world_chance('read ' || f, w, s, i) < 0.4, world_chance('edit ' || f, w, s, i) < 0.6
	FROM generate_series(first, last) w, unnest('{1,2,3,4,5,9,10}'::integer[]) s, world_object, unnest('{n,t,own}'::name[]) f
	WHERE world_chance('field ' || f, w, s, i) < 0.4 AND (f <> 'own' OR i = 3);

	INSERT INTO spsa.function_permission (set_id, function)
	SELECT 16 * w + s, f FROM generate_series(first, last) w, unnest('{1,2,3,4,5,9,10}'::integer[]) s, world_function
	WHERE world_chance('function', w, s, i) < 0.35;

	INSERT INTO spsa.custom_permission_grant (set_id, permission_id)
	SELECT 16 * w + s, i FROM generate_series(first, last) w, unnest('{1,2,3,4,5,9,10}'::integer[]) s, world_permission
	WHERE world_chance('permission', w, s, i) < 0.35;

	INSERT INTO spsa.exclusion (set_a, set_b, kind)
	SELECT DISTINCT 16 * w + least(a, b), 16 * w + greatest(a, b), 'dynamic'
	FROM generate_series(first, last) w, generate_series(1, 2) i,
		LATERAL (SELECT 1 + floor(8 * world_chance('exclusion', w, i, 1))::integer AS a, 1 + floor(8 * world_chance('exclusion', w, i, 2))::integer AS b) x
	WHERE a <> b AND world_chance('exclusion', w, i) < 0.4;

	INSERT INTO spsa.app_user (user_id, user_name, attributes, is_active)
	SELECT 4 * w + u, 'user ' || 4 * w + u, world_attributes('user', 4 * w + u, 0.5), world_chance('active', w, u) > 0.04
	FROM generate_series(first, last) w, generate_series(1, 2) u;

	INSERT INTO spsa.assignment (assignment_id, user_id, set_id, starts_at, expires_at)
	SELECT (4 * w + u) * 16 + s, 4 * w + u, 16 * w + s,
		now() + CASE WHEN c < 0.1 THEN interval '1 hour' WHEN c < 0.2 THEN '-3 hours' ELSE '-1 hour' END,
		now() + CASE WHEN c < 0.05 THEN interval '3 hours' WHEN c < 0.1 THEN NULL WHEN c < 0.2 THEN '-2 hours' WHEN c < 0.5 THEN '2 hours' END
	FROM generate_series(first, last) w, generate_series(1, 2) u, generate_series(1, 8) s, LATERAL (SELECT world_chance('time', 4 * w + u, s) AS c) c
	WHERE world_chance('assigned', 4 * w + u, s) < CASE WHEN s <= 5 THEN 0.35 ELSE 0.6 END;

	INSERT INTO spsa.session (session_id, user_id, token_hash, allowed_sets, created_at, expires_at, idle_timeout, attributes)
	SELECT world_session(x), 4 * w + 1 + j / 3, sha256(convert_to(world_token(x), 'UTF8')),
		CASE WHEN world_chance('all allowed', x) < 0.4 THEN ARRAY(SELECT 16 * w + s FROM generate_series(1, 8) s WHERE world_chance('allowed', x, s) < 0.5) END,
		now() - interval '2 hours', now() + CASE WHEN world_chance('expired', x) < 0.05 THEN interval '-1 minute' ELSE '1 hour' END,
		CASE WHEN world_chance('idle', x) < 0.3 THEN interval '30 minutes' END, world_attributes('session', x, 0.8)
	FROM generate_series(first, last) w, generate_series(1, 3) j, LATERAL (SELECT 4 * w + j AS x) x;
	INSERT INTO spsa.session_activity (session_id, last_seen_at)
	SELECT world_session(4 * w + j), now() - CASE WHEN world_chance('seen', 4 * w + j) < 0.2 THEN interval '31 minutes' ELSE '1 minute' END
	FROM generate_series(first, last) w, generate_series(1, 3) j WHERE world_chance('seen', 4 * w + j) < 0.9;
	INSERT INTO spsa.session_end (session_id)
	SELECT world_session(4 * w + j) FROM generate_series(first, last) w, generate_series(1, 3) j WHERE world_chance('closed', 4 * w + j) < 0.05;

	-- Of the assignments that lead to the set one, whether it counts now or not; or one that does not lead there.
	INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at)
	SELECT world_session(x), 16 * w + s, COALESCE((
			SELECT a.assignment_id FROM spsa.assignment a
			WHERE a.user_id = 4 * w + 1 + j / 3 AND world_chance('stale', x, s) > 0.1
				AND (a.set_id = 16 * w + s OR EXISTS (SELECT FROM spsa.group_member m WHERE m.group_id = a.set_id AND m.member_id = 16 * w + s))
			ORDER BY world_chance('way', x, s, a.set_id) LIMIT 1), (4 * w + 1) * 16 + 1 + floor(8 * world_chance('other', x, s))::integer),
		now() + CASE WHEN world_chance('over', x, s) < 0.1 THEN interval '-1 minute' ELSE '1 hour' END
	FROM generate_series(first, last) w, generate_series(1, 3) j, generate_series(1, 8) s, LATERAL (SELECT 4 * w + j AS x) x
	WHERE world_chance('activated', x, s) < 0.6;
	INSERT INTO spsa.activation_end (session_id, activation_id)
	SELECT v.session_id, v.activation_id FROM generate_series(first, last) w, generate_series(1, 3) j, spsa.activation v
	WHERE v.session_id = world_session(4 * w + j) AND world_chance('ended', 4 * w + j, v.set_id) < 0.1;
END
$$;

-- What the triggers refuse, but a restored dump, a renamed column or a mistake may leave.
CREATE PROCEDURE world_twist(first integer, last integer) LANGUAGE plpgsql AS $$
BEGIN
	SET session_replication_role = replica;
	UPDATE spsa.row_scope SET field_type = 'bigint' WHERE field = 'n' AND world_chance('type', set_id, (object = 'world_a'::regclass)::integer, 1) < 0.06;
	UPDATE spsa.row_scope SET operator = '~' WHERE operator = '>' AND world_chance('operator', set_id, 1) < 0.3;
	-- A column that was renamed, without and with permissions on its new name; one that was dropped and made again.
	UPDATE spsa.field_permission SET field = 'before' WHERE field = 'n' AND world_chance('renamed', set_id) < 0.1;
	INSERT INTO spsa.field_permission (set_id, object, field, field_number, can_read, can_edit, muting)
	SELECT set_id, object, world_choice('{before,then}'::text[], world_chance('renamed', set_id, 1)), field_number, NOT can_read OR NOT can_edit, NOT can_edit, muting
	FROM spsa.field_permission WHERE world_chance('renamed', set_id, 2) < 0.15 ON CONFLICT DO NOTHING;
	UPDATE spsa.field_permission SET field_number = 4 WHERE field = 't' AND world_chance('again', set_id) < 0.1;
	UPDATE spsa.protected_field SET field = 'before' WHERE field = 'n' AND world_chance('renamed', first / 20) < 0.2;
	-- Static exclusions are the triggers' business: those that are there already change nothing.
	INSERT INTO spsa.exclusion SELECT 16 * w + a, 16 * w + b, 'static'
	FROM generate_series(first, last) w, generate_series(1, 8) a, generate_series(1, 8) b WHERE a < b AND world_chance('static', w, a, b) < 0.1
	ON CONFLICT DO NOTHING;
	-- Groups in groups, members of sets, groups that grant, muting sets that are assigned
	INSERT INTO spsa.group_member (group_id, member_id)
	SELECT 16 * w + g, 16 * w + m FROM generate_series(first, last) w, unnest('{1,6,9}'::integer[]) g, generate_series(2, 8) m
	WHERE g <> m AND world_chance('odd', w, g, m) < 0.1 ON CONFLICT DO NOTHING;
	INSERT INTO spsa.object_permission (set_id, object, can_read, can_edit)
	SELECT 16 * w + g, object, true, true FROM generate_series(first, last) w, generate_series(6, 8) g, world_object WHERE world_chance('odd', w, g, i) < 0.1;
	INSERT INTO spsa.custom_permission_grant SELECT 16 * w + g, i FROM generate_series(first, last) w, generate_series(6, 8) g, world_permission
	WHERE world_chance('odd', w, g, i) < 0.1;
	INSERT INTO spsa.function_permission SELECT 16 * w + g, f FROM generate_series(first, last) w, generate_series(6, 8) g, world_function
	WHERE world_chance('odd', w, g, i) < 0.1;
	INSERT INTO spsa.assignment (assignment_id, user_id, set_id) SELECT (4 * w + u) * 16 + s, 4 * w + u, 16 * w + s
	FROM generate_series(first, last) w, generate_series(1, 2) u, generate_series(9, 10) s WHERE world_chance('odd', w, u, s) < 0.2;
	SET session_replication_role = origin;
END
$$;
ALTER TABLE spsa.row_scope DROP CONSTRAINT row_scope_operator_check;
-- The audit trail would take most of the time.
SELECT format('ALTER TABLE %s DISABLE TRIGGER audit_change', tgrelid::regclass) FROM pg_trigger WHERE tgname = 'audit_change' ORDER BY tgrelid::regclass::text COLLATE "C" \gexec

--
-- Answers
--
CREATE TABLE world_way AS SELECT * FROM spsa.effective_set LIMIT 0;
CREATE TABLE world_effect AS SELECT * FROM spsa.effective_permission LIMIT 0;
CREATE TABLE world_expected (session uuid, question integer);
CREATE TABLE world_number (session uuid PRIMARY KEY, world integer, live boolean, attached boolean);
CREATE TABLE world_difference (world integer, session uuid, question text, folded boolean, engine boolean, specification boolean);
CREATE TABLE world_count (feature text, n bigint);

CREATE FUNCTION world_matches(field name, field_type regtype, operator text, any_of text[], r world_row) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT COALESCE(CASE
		WHEN field = 'n' AND field_type = 'integer'::regtype THEN CASE operator
			WHEN '=' THEN r.n = ANY (any_of::integer[]) WHEN '<' THEN r.n < ANY (any_of::integer[]) WHEN '<=' THEN r.n <= ANY (any_of::integer[])
			WHEN '>' THEN r.n > ANY (any_of::integer[]) WHEN '>=' THEN r.n >= ANY (any_of::integer[]) WHEN 'is null' THEN r.n IS NULL END
		WHEN field = 't' AND field_type = 'text'::regtype THEN CASE operator
			WHEN '=' THEN r.t = ANY (any_of) WHEN '<' THEN r.t < ANY (any_of) WHEN '<=' THEN r.t <= ANY (any_of)
			WHEN '>' THEN r.t > ANY (any_of) WHEN '>=' THEN r.t >= ANY (any_of) WHEN 'is null' THEN r.t IS NULL END
		END, false)
$$;

-- The questions to which the specification says yes.
CREATE PROCEDURE world_expect() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO world_way SELECT * FROM spsa.effective_set;
	INSERT INTO world_effect SELECT * FROM spsa.effective_permission;
	INSERT INTO world_expected
	SELECT e.session_id, q.question FROM world_effect e JOIN world_question q USING (kind, object, privilege) WHERE kind = 'object' AND e.reach = 'all'
	UNION SELECT e.session_id, q.question FROM world_effect e JOIN world_question q USING (kind, object, field, privilege) WHERE kind = 'field'
	UNION SELECT e.session_id, q.question FROM world_effect e JOIN world_question q USING (kind, function) WHERE kind = 'function'
	UNION SELECT e.session_id, q.question FROM world_effect e JOIN world_question q USING (kind) WHERE kind = 'custom permission' AND e.custom_permission = q.permission
	UNION SELECT e.session_id, q.question FROM world_effect e JOIN world_question q ON q.kind = 'row' AND q.object = e.object AND q.privilege = e.privilege
	WHERE e.kind = 'object' AND e.reach = 'all'
	UNION SELECT session_id, question FROM (
		SELECT e.session_id, e.set_name, e.group_name, q.question, e.field, e.operator,
			bool_or(world_matches(e.field, e.field_type, e.operator, e.any_of, r)) AS matches
		FROM world_effect e JOIN world_question q ON q.kind = 'row' AND q.object = e.object AND q.privilege = e.privilege JOIN world_row r ON r.id = q.row_id
		WHERE e.kind = 'row scope'
		GROUP BY 1, 2, 3, 4, 5, 6) t
	GROUP BY session_id, set_name, group_name, question HAVING bool_and(matches);
END
$$;

CREATE PROCEDURE world_compare() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO world_difference SELECT world, session, 'whether the session is live', NULL, attached, live FROM world_number WHERE attached <> live;
	INSERT INTO world_difference
	SELECT n.world, a.session, concat_ws(' ', q.kind, q.object, q.privilege, q.field, q.function, q.permission, r.n, r.t), a.folded, a.answer, e.question IS NOT NULL
	FROM world_answer a JOIN world_number n USING (session) JOIN world_question q USING (question) LEFT JOIN world_row r ON r.id = q.row_id
		LEFT JOIN world_expected e USING (session, question)
	WHERE a.answer IS DISTINCT FROM (e.question IS NOT NULL);
	INSERT INTO world_count
	SELECT 'worlds', count(DISTINCT world) FROM world_number
	UNION ALL SELECT 'sessions', count(*) FROM world_number
	UNION ALL SELECT 'live sessions', count(*) FROM world_number WHERE live
	UNION ALL SELECT 'questions: ' || q.kind, count(*) FROM world_answer JOIN world_question q USING (question) GROUP BY q.kind
	UNION ALL SELECT 'granted: ' || q.kind, count(*) FROM world_answer JOIN world_question q USING (question) WHERE answer GROUP BY q.kind
	UNION ALL SELECT CASE WHEN group_id IS NULL THEN 'way' ELSE 'way by a group' END || ': ' || CASE WHEN active THEN 'active' WHEN excluded AND in_force THEN 'excluded'
		WHEN in_force THEN '?' WHEN NOT allowed THEN 'not allowed' WHEN NOT gate_open THEN 'gate is closed' ELSE 'not activated' END, count(*) FROM world_way GROUP BY 1
	UNION ALL SELECT 'active by bypass', count(*) FROM world_way w JOIN spsa.permission_set p USING (set_id)
		WHERE w.active AND p.activation_required AND NOT w.activation_required AND NOT w.activated
	UNION ALL SELECT 'reach: ' || privilege || ' ' || reach, count(*) FROM world_effect WHERE kind = 'object' GROUP BY privilege, reach
	UNION ALL SELECT 'scope: ' || operator || ' ' || CASE WHEN literals IS NOT NULL THEN 'literals' WHEN attribute IS NULL THEN '' WHEN any_of = '{}' THEN 'nothing' ELSE 'attribute' END, count(*)
		FROM world_effect WHERE kind = 'row scope' GROUP BY 1
	UNION ALL SELECT 'muted: ' || m.privilege, count(*) FROM world_way w JOIN spsa.object_permission o USING (set_id),
		LATERAL (VALUES ('view_all', o.view_all), ('modify_all', o.modify_all), ('read', o.can_read AND NOT o.row_scoped)) m (privilege, listed)
		WHERE w.active AND w.kind = 'set' AND m.listed AND NOT EXISTS (SELECT FROM world_effect e WHERE e.session_id = w.session_id AND e.set_name = w.set_name
			AND e.group_name IS NOT DISTINCT FROM w.group_name AND e.kind = 'object' AND e.object = o.object AND e.privilege = m.privilege) GROUP BY m.privilege
	UNION ALL SELECT 'muted: function', count(*) FROM world_way w JOIN spsa.function_permission f USING (set_id)
		WHERE w.active AND w.kind = 'set' AND NOT EXISTS (SELECT FROM world_effect e WHERE e.session_id = w.session_id AND e.function = f.function)
	UNION ALL SELECT 'muted: custom permission', count(*) FROM world_way w JOIN spsa.custom_permission_grant USING (set_id) JOIN world_permission p ON p.i = permission_id
		WHERE w.active AND w.kind = 'set' AND NOT EXISTS (SELECT FROM world_effect e WHERE e.session_id = w.session_id AND e.custom_permission = p.name)
	UNION ALL SELECT 'protected with another: ' || e.kind, count(*) FROM world_effect e JOIN spsa.protected_object USING (object) WHERE root IS NOT NULL GROUP BY e.kind
	UNION ALL SELECT 'protected field: ' || privilege, count(*) FROM world_effect e JOIN spsa.protected_field USING (object, field) WHERE e.kind = 'field' GROUP BY privilege;
END
$$;

-- Twenty worlds at a time. Every other time nothing is committed before the questions.
CREATE PROCEDURE world_rounds(first integer, last integer) LANGUAGE plpgsql AS $$
DECLARE
	low integer := first;
	high integer;
	it record;
	accepted boolean;
BEGIN
	WHILE low <= last LOOP
		high := least(low / 20 * 20 + 19, last);
		TRUNCATE spsa.permission_set, spsa.app_user, spsa.session_activity, spsa.session_end, spsa.activation_end, spsa.protected_field, spsa.protected_object, spsa.audit_event CASCADE;
		TRUNCATE world_number, world_answer, world_expected, world_way, world_effect;
		CALL world_make(low, high);
		CALL world_twist(low, high);
		IF low / 20 % 2 = 0 THEN
			COMMIT;
		END IF;
		CALL world_expect();
		FOR it IN SELECT world_session(4 * w + j) AS session, w AS world, world_token(4 * w + j) AS token FROM generate_series(low, high) w, generate_series(1, 3) j LOOP
			SET LOCAL ROLE regress_spsa_worlds;
			BEGIN
				PERFORM spsa_attach(it.token);
				accepted := true;
			EXCEPTION WHEN invalid_authorization_specification THEN
				accepted := false;
			END;
			IF accepted THEN
				CALL world_ask(it.session);
				PERFORM spsa_detach();
			END IF;
			RESET ROLE;
			INSERT INTO world_number SELECT it.session, it.world, EXISTS (SELECT FROM spsa.live_session s WHERE s.session_id = it.session), accepted;
		END LOOP;
		CALL world_compare();
		COMMIT;
		EXIT WHEN EXISTS (SELECT FROM world_difference);
		low := high + 1;
	END LOOP;
END
$$;
CALL world_rounds(:first, :last);
-- Where they differ: to be reproduced by the world's number.
SELECT world, question, folded, engine, specification FROM world_difference ORDER BY world, session, question, folded LIMIT 20;
SELECT kind, sum(asked) > 20000 AS enough, sum(granted) / sum(asked) BETWEEN 0.1 AND 0.6 AS balanced
FROM (SELECT split_part(feature, ': ', 2) AS kind, CASE WHEN feature LIKE 'questions: %' THEN n ELSE 0 END AS asked, CASE WHEN feature LIKE 'granted: %' THEN n ELSE 0 END AS granted
	FROM world_count WHERE feature LIKE ANY ('{questions: %,granted: %}')) c
GROUP BY kind ORDER BY kind COLLATE "C";
SELECT sum(n) FILTER (WHERE feature = 'worlds') AS worlds, sum(n) FILTER (WHERE feature LIKE 'questions: %') > 1000000 AS a_million_questions,
	sum(n) FILTER (WHERE feature = 'live sessions') / sum(n) FILTER (WHERE feature = 'sessions') BETWEEN 0.7 AND 0.9 AS most_live
FROM world_count;
-- Nothing of the model is rare.
SELECT feature COLLATE "C", sum(n) > 30 AS often FROM world_count WHERE feature !~ '^(questions|granted|worlds|sessions|live)' GROUP BY 1 ORDER BY 1;
-- The first part of the comparison is not folded, the second is.
EXPLAIN (COSTS OFF) SELECT spsa_allows_row(object, privilege, 'n', n, 't', t) FROM world_question, world_row WHERE spsa_allows_row(object, privilege, 'n', n, 't', t);
EXPLAIN (COSTS OFF) SELECT FROM world_row WHERE spsa_allows_row('world_a', 'read', 'n', n, 't', t);

--
-- For administrators only, and fast for one session or user among many
--
SET ROLE regress_spsa_worlds;
SELECT FROM spsa.effective_permission;
RESET ROLE;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_worlds;
SET ROLE regress_spsa_worlds;
SELECT FROM spsa.live_session;
SELECT FROM spsa.effective_set;
SELECT FROM spsa.effective_object;
SELECT FROM spsa.effective_permission;
RESET ROLE;
REVOKE USAGE ON SCHEMA spsa FROM regress_spsa_worlds;
CREATE FUNCTION world_plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		RETURN NEXT line;
	END LOOP;
END
$$;
SELECT v, condition, count(*) FILTER (WHERE line ~ ' (session_pkey on session|session_user_id_idx) ?') > 0 AS by_index,
	count(*) FILTER (WHERE line ~ 'Seq Scan on (session|app_user|assignment|activation|session_end|session_activity|activation_end)\y') AS sequential
FROM unnest('{live_session,effective_set,effective_object,effective_permission}'::text[]) WITH ORDINALITY o (v, n),
	(VALUES ('session_id = ''00000000-0000-0000-0000-000000000000'''), ('user_name = ''ann''')) c (condition),
	world_plan('SELECT FROM spsa.' || v || ' WHERE ' || condition) line
GROUP BY v, n, condition ORDER BY n, condition;

DROP EXTENSION spsa CASCADE;
DROP FUNCTION world_f, world_g, world_h, world_chance, world_choice, world_token, world_session, world_attributes, world_matches, world_plan;
DROP PROCEDURE world_ask, world_make, world_twist, world_expect, world_compare, world_rounds;
DROP TABLE world_a, world_b, world_c, world_object, world_function, world_permission, world_row, world_question, world_answer, world_one,
	world_way, world_effect, world_expected, world_number, world_difference, world_count;
DROP ROLE regress_spsa_worlds;
