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

	INSERT INTO spsa.session (session_id, user_id, token_hash, allowed_sets, created_at, authenticated_at, expires_at, security_level, source_ip, idle_timeout, attributes)
	SELECT world_session(x), 4 * w + 1 + j / 3, sha256(convert_to(world_token(x), 'UTF8')),
		CASE WHEN world_chance('all allowed', x) < 0.4 THEN ARRAY(SELECT 16 * w + s FROM generate_series(1, 8) s WHERE world_chance('allowed', x, s) < 0.5) END,
		now() - interval '2 hours', now() - world_choice('{1 minute,1 minute,1 hour,2 days,735 hours}'::interval[], world_chance('authenticated', x)),
		now() + CASE WHEN world_chance('expired', x) < 0.05 THEN '-1 minute' ELSE world_choice('{1 hour,55 minutes,3 days,3 days}'::interval[], world_chance('lifetime', x)) END,
		world_choice('{standard,high_assurance}'::spsa.security_level[], world_chance('level', x)), world_choice('{10.1.2.3,10.2.0.7,192.168.1.1,fd00::1,NULL}'::inet[], world_chance('address', x)),
		CASE WHEN world_chance('idle', x) < 0.3 THEN interval '30 minutes' END, world_attributes('session', x, 0.8)
	FROM generate_series(first, last) w, generate_series(1, 3) j, LATERAL (SELECT 4 * w + j AS x) x;
	INSERT INTO spsa.session_activity (session_id, last_seen_at)
	SELECT world_session(4 * w + j), now() - CASE WHEN world_chance('seen', 4 * w + j) < 0.2 THEN interval '31 minutes' ELSE '1 minute' END
	FROM generate_series(first, last) w, generate_series(1, 3) j WHERE world_chance('seen', 4 * w + j) < 0.9;
	INSERT INTO spsa.session_end (session_id)
	SELECT world_session(4 * w + j) FROM generate_series(first, last) w, generate_series(1, 3) j WHERE world_chance('closed', 4 * w + j) < 0.05;

	-- Of the assignments that lead to the set one, whether it counts now or not; or one that does not lead there. Before the
	-- commit some count until a moment that is over or to come, if it is this transaction that says so.
	INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at, before_commit, written_in)
	SELECT world_session(x), 16 * w + s, COALESCE((
			SELECT a.assignment_id FROM spsa.assignment a
			WHERE a.user_id = 4 * w + 1 + j / 3 AND world_chance('stale', x, s) > 0.1
				AND (a.set_id = 16 * w + s OR EXISTS (SELECT FROM spsa.group_member m WHERE m.group_id = a.set_id AND m.member_id = 16 * w + s))
			ORDER BY world_chance('way', x, s, a.set_id) LIMIT 1), (4 * w + 1) * 16 + 1 + floor(8 * world_chance('other', x, s))::integer),
		now() + CASE WHEN world_chance('over', x, s) < CASE WHEN c BETWEEN 0.15 AND 0.2 THEN 0.5 ELSE 0.1 END THEN interval '-1 minute' ELSE '1 hour' END,
		now() + CASE WHEN c < 0.15 THEN interval '-1 minute' WHEN c < 0.2 THEN '30 minutes' WHEN c < 0.25 THEN '-1 minute' END,
		CASE WHEN c < 0.2 THEN pg_current_xact_id() WHEN c < 0.25 THEN '3' END
	FROM generate_series(first, last) w, generate_series(1, 3) j, generate_series(1, 8) s, LATERAL (SELECT 4 * w + j AS x, world_chance('before commit', 4 * w + j, s) AS c) x
	WHERE world_chance('activated', x, s) < 0.5;
	INSERT INTO spsa.activation_end (session_id, activation_id)
	SELECT v.session_id, v.activation_id FROM generate_series(first, last) w, generate_series(1, 3) j, spsa.activation v
	WHERE v.session_id = world_session(4 * w + j) AND world_chance('ended', 4 * w + j, v.set_id) < 0.1;
END
$$;

-- Rules, and requests that others have decided on. Hours lie around the time of the run, so that at any time some pass
-- midnight. The trigger looks up each time zone among all.
CREATE PROCEDURE world_rule(first integer, last integer) LANGUAGE plpgsql AS $$
BEGIN
	SET session_replication_role = replica;
	INSERT INTO spsa.activation_rule (set_id, self_activation, default_duration, max_duration, min_security_level, max_authentication_age, networks,
		weekdays, start_time, end_time, time_zone, reason_required, approvals_required, break_glass)
	SELECT x, world_chance('self', x) > 0.1, CASE WHEN world_chance('default', x) < 0.5 THEN LEAST(world_choice('{10 minutes,45 minutes,2 days}'::interval[], world_chance('default', x, 1)), longest) END,
		longest, CASE WHEN world_chance('min level', x) < 0.25 THEN world_choice('{standard,high_assurance,high_assurance}'::spsa.security_level[], world_chance('min level', x, 1)) END,
		CASE WHEN world_chance('age', x) < 0.25 THEN world_choice('{15 minutes,5 hours,1 day,1 mon}'::interval[], world_chance('age', x, 1)) END,
		CASE WHEN world_chance('networks', x) < 0.25 THEN ARRAY(SELECT world_choice('{10.0.0.0/8,10.1.0.0/16,192.168.0.0/16,fd00::/8,10.2.0.7/32}'::cidr[], world_chance('networks', x, i)) FROM generate_series(1, 2) i) END,
		CASE WHEN h BETWEEN 0.45 AND 0.7 THEN ARRAY(SELECT d FROM generate_series(1, 7) d WHERE d = 1 + x % 7 OR world_chance('day', x, d) < 0.6) END,
		CASE WHEN h > 0.97 THEN '0:00' WHEN h > 0.6 THEN (here + world_choice('{-9 hours,-190 minutes,-50 minutes,40 minutes}'::interval[], world_chance('start', x)))::time END,
		CASE WHEN h > 0.97 THEN '24:00' WHEN h > 0.6 THEN (here + world_choice('{-100 minutes,25 minutes,70 minutes,6 hours,11 hours}'::interval[], world_chance('end', x)))::time END,
		CASE WHEN world_chance('zone', x, 1) < 0.03 THEN 'Nowhere' ELSE zone END,
		world_chance('reason', x) < 0.25, CASE WHEN a < 0.5 THEN 0 WHEN a < 0.72 THEN 1 ELSE 2 END, world_chance('break glass', x) < 0.7
	FROM (
		SELECT x, zone, now() AT TIME ZONE zone AS here, world_chance('hours', x) AS h, world_chance('approvals', x) AS a,
			CASE WHEN world_chance('max', x) < 0.5 THEN world_choice('{20 minutes,90 minutes,1 day 1 hour,1 mon}'::interval[], world_chance('max', x, 1)) END AS longest
		FROM generate_series(first, last) w, generate_series(1, 8) s, LATERAL (SELECT 16 * w + s AS x) x,
			LATERAL (SELECT world_choice('{UTC,Asia/Tokyo,America/New_York,Pacific/Kiritimati,Asia/Kolkata,America/St_Johns}'::text[], world_chance('zone', x)) AS zone) z
		WHERE world_chance('rule', x) < 0.7) r;

	INSERT INTO spsa.activation_request (request_id, user_id, set_id, assignment_id, reason, duration, state, expires_at)
	SELECT md5(concat(x, ' ', set_id, ' ', k))::uuid, x, set_id, COALESCE((
			SELECT a.assignment_id FROM spsa.assignment a
			WHERE a.user_id = x AND (a.set_id = r.set_id OR EXISTS (SELECT FROM spsa.group_member m WHERE m.group_id = a.set_id AND m.member_id = r.set_id))
			ORDER BY world_chance('request way', x, set_id, a.set_id) LIMIT 1), x * 16 + 1), 'why',
		CASE WHEN world_chance('wish', x, set_id, k) < 0.6 THEN world_choice('{30 minutes,3 hours,40 hours}'::interval[], world_chance('wish', x, set_id, 4 + k)) END,
		CASE WHEN c < 0.75 THEN 'approved' WHEN k = 1 THEN 'pending' WHEN c < 0.9 THEN 'denied' ELSE 'cancelled' END,
		now() + CASE WHEN world_chance('late', x, set_id, k) < 0.1 THEN interval '-1 minute' ELSE make_interval(days => 1 + k % 2) END
	FROM spsa.activation_rule r, generate_series(1, 2) u, generate_series(1, 3) k, LATERAL (SELECT r.set_id / 16 * 4 + u AS x) x,
		LATERAL (SELECT world_chance('request', x, set_id, k) AS c) c
	WHERE approvals_required > 0 AND world_chance('requested', x, set_id, k) < 0.35;
	INSERT INTO spsa.activation_decision (request_id, approver_id, decision, decided_by)
	SELECT request_id, d, CASE WHEN c < 0.55 THEN 'approved' ELSE 'denied' END, 'approver ' || d
	FROM spsa.activation_request r, generate_series(1, 3) d, LATERAL (SELECT world_chance('decision ' || d, user_id::integer, set_id, hashtext(request_id::text) % 100) AS c) c WHERE c < 0.8;
	SET session_replication_role = origin;
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
-- Attempts to activate, one after the other, and what must come of each. What the set is in the session before, the views
-- of the specification say; the rest follows from the rule, the call and the clock.
--
CREATE TABLE world_standing AS SELECT 0 AS n, NULL::timestamptz AS member_since, v.* FROM spsa.effective_set v LIMIT 0;
CREATE INDEX ON world_standing (session_id, n);
CREATE TABLE world_try (
	world integer, session uuid, n integer, set_id integer, set_name text, how text, duration interval, reason text,
	-- Before: why not, whatever the rule says; the way's activation; what ends it from outside; the row that is there; the approval that there is
	barred text, is_excluded boolean, is_required boolean, group_required boolean, gate_open boolean, outer_end timestamptz,
	activated_at timestamptz, expires_at timestamptz, before_commit timestamptz, approved_until timestamptz, request_id uuid, request_duration interval, has_request boolean,
	-- What happened
	started timestamptz, ended timestamptz, refused text, done_at timestamptz, done_until timestamptz, already_active boolean, readiness text, done_before_commit timestamptz
);
CREATE TABLE world_verdict (world integer, session uuid, n integer, attempt text, happened text, expected text);

CREATE PROCEDURE world_choose(sessions uuid[], round integer) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO world_standing
	SELECT round, m.added_at, v.* FROM spsa.effective_set v LEFT JOIN spsa.group_member m ON m.group_id = v.group_id AND m.member_id = v.set_id WHERE v.session_id = ANY (sessions);
	INSERT INTO world_try
	SELECT k.world, k.session, round, k.set_id, 'world_' || k.world || '_' || k.set_id % 16,
		k.how, CASE WHEN world_chance('duration', k.x, round) < 0.6 THEN world_choice('{5 minutes,40 minutes,2 hours,2 days,1 mon}'::interval[], world_chance('duration', k.x, round, 1)) END,
		world_choice(CASE k.how WHEN 'break glass' THEN '{why,why,why,why,why," ",NULL}' ELSE E'{why,why,why," \t\n",NULL}' END::text[], world_chance('why', k.x, round)),
		CASE WHEN way.set_id IS NULL THEN 'assignment' WHEN NOT way.allowed THEN 'session' WHEN way.gate_open THEN NULL WHEN g.allowed THEN 'group' ELSE 'session' END,
		EXISTS (SELECT FROM spsa.exclusion e WHERE e.kind <> 'static' AND e.set_a = ANY (f.later) AND e.set_b = ANY (f.later)
			AND (k.set_id IN (e.set_a, e.set_b) OR e.set_a <> ALL (f.before) OR e.set_b <> ALL (f.before))),
		way.activation_required, COALESCE(g.activation_required, false), way.gate_open,
		LEAST(s.expires_at, a.expires_at, CASE WHEN g.activation_required THEN CASE WHEN b.written_in = pg_current_xact_id_if_assigned() THEN LEAST(b.expires_at, b.before_commit) ELSE b.expires_at END END),
		CASE WHEN there.is_there THEN v.activated_at END, CASE WHEN there.is_there THEN v.expires_at END,
		CASE WHEN there.is_there AND v.written_in = pg_current_xact_id_if_assigned() THEN v.before_commit END,
		(SELECT max(COALESCE(q.used_at + q.duration, 'infinity')) FROM spsa.activation_request q WHERE q.activation_id = v.activation_id AND q.state = 'used'),
		r.request_id, r.duration, r.has_request
	FROM (
		-- Most that need it; in half of the rounds the same.
		SELECT DISTINCT ON (x) w AS world, s.session_id AS session, x, c.set_id,
			CASE WHEN again AND EXISTS (SELECT FROM world_try t WHERE t.session = s.session_id AND t.how <> 'break glass') THEN 'own'
				ELSE world_choice('{own,own,session,manager,break glass,break glass}'::text[], world_chance('how', x, round)) END AS how
		FROM unnest(sessions) u (session_id) JOIN spsa.valid_session s USING (session_id), LATERAL (SELECT (substr(s.user_name, 6)::integer) / 4 AS w) w,
			LATERAL (SELECT 4 * w + j AS x FROM generate_series(1, 3) j WHERE world_session(4 * w + j) = s.session_id) x,
			LATERAL (SELECT world_chance('again', x, round / 2) < 0.5 AS again) again,
			LATERAL (
				SELECT v.set_id, world_chance('try', x, v.set_id, CASE WHEN again THEN 0 ELSE round END) + CASE WHEN NOT v.activation_required OR NOT v.allowed THEN 0.6 WHEN v.activated THEN 0.3 ELSE 0 END AS rank
				FROM world_standing v WHERE v.session_id = s.session_id AND v.n = round
				UNION ALL SELECT 16 * w + 1 + floor(8 * world_chance('any', x, round))::integer, 0.8) c
		ORDER BY x, rank, c.set_id
	) k
	JOIN spsa.session s ON s.session_id = k.session
	LEFT JOIN spsa.activation v ON v.session_id = k.session AND v.set_id = k.set_id
	-- The way that requires activation and is not barred, rather the one that is activated; or else the best.
	LEFT JOIN LATERAL (
		SELECT y.*, y.activation_required AND y.allowed AND y.gate_open AS fits, y.activated AND y.activation_required AND v.assignment_id = y.assignment_id AS is_under
		FROM world_standing y WHERE y.session_id = k.session AND y.n = round AND y.set_id = k.set_id
		ORDER BY fits DESC, y.active AND NOT (y.activation_required AND y.allowed AND y.gate_open) DESC, y.allowed DESC, y.gate_open DESC, is_under DESC, y.group_id NULLS FIRST LIMIT 1) way ON true
	LEFT JOIN world_standing g ON g.session_id = k.session AND g.n = round AND g.assignment_id = way.assignment_id AND g.set_id = way.group_id AND g.group_id IS NULL
	LEFT JOIN spsa.activation b ON b.session_id = k.session AND b.set_id = way.group_id
	LEFT JOIN spsa.assignment a ON a.assignment_id = CASE WHEN way.activated AND way.activation_required THEN v.assignment_id ELSE way.assignment_id END
	CROSS JOIN LATERAL (SELECT COALESCE(v.assignment_id = a.assignment_id, false) AND v.expires_at > clock_timestamp() AND (way.activated OR way.member_since IS NULL OR v.activated_at >= way.member_since)
		AND NOT EXISTS (SELECT FROM spsa.activation_end e WHERE e.activation_id = v.activation_id) AS is_there) there
	-- What would be in force with it, and what is in force; a group is with a member that is.
	CROSS JOIN LATERAL (
		SELECT COALESCE(array_agg(i.id) FILTER (WHERE y.in_force), '{}') AS before,
			COALESCE(array_agg(i.id) FILTER (WHERE y.allowed AND (y.gate_open OR y.group_id = k.set_id) AND (NOT y.activation_required OR y.activated OR y.set_id = k.set_id)), '{}') AS later
		FROM world_standing y, LATERAL (VALUES (y.set_id), (y.group_id)) i (id) WHERE y.session_id = k.session AND y.n = round AND i.id IS NOT NULL) f
	-- The approval that ends first, of those that would make it longer.
	LEFT JOIN LATERAL (
		SELECT q.request_id, q.duration, true AS has_request FROM spsa.activation_request q JOIN spsa.activation_rule o ON o.set_id = q.set_id
		JOIN spsa.assignment h ON h.assignment_id = q.assignment_id AND h.user_id = q.user_id AND h.starts_at <= now() AND (h.expires_at IS NULL OR h.expires_at > now())
			AND (h.set_id = q.set_id OR EXISTS (SELECT FROM spsa.group_member m WHERE m.group_id = h.set_id AND m.member_id = q.set_id))
		WHERE q.user_id = s.user_id AND q.set_id = k.set_id AND q.state = 'approved' AND q.expires_at > now()
			AND (SELECT count(*) FROM spsa.activation_decision d WHERE d.request_id = q.request_id AND d.decision = 'approved') >= o.approvals_required
		ORDER BY there.is_there AND q.duration IS NOT NULL AND now() + q.duration <= v.expires_at, q.expires_at, q.request_id LIMIT 1) r ON true;
	UPDATE world_try SET request_id = NULL WHERE n = round AND expires_at IS NOT NULL AND now() + request_duration <= expires_at;
END
$$;

-- What a refusal is about.
CREATE FUNCTION world_refusal(message text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT COALESCE('rule: ' || substring(message FROM 'is not met: (\w+)$'), CASE WHEN message ~ 'must be assigned to the user' THEN 'assignment'
		WHEN message ~ 'cannot be used in this session' THEN 'session' WHEN message ~ 'which is not active$' THEN 'group' WHEN message ~ 'exclude each other' THEN 'exclusion'
		WHEN message ~ 'by breaking the glass$' THEN 'break_glass' WHEN message = 'a reason must be given' THEN 'reason' END, message)
$$;

CREATE PROCEDURE world_attempt(sessions uuid[], round integer) LANGUAGE plpgsql AS $$
DECLARE
	t world_try;
	token text;
BEGIN
	CALL world_choose(sessions, round);
	FOR t IN SELECT * FROM world_try WHERE n = round ORDER BY world, session LOOP
		IF t.how <> 'manager' THEN
			SELECT world_token(4 * t.world + j) INTO token FROM generate_series(1, 3) j WHERE world_session(4 * t.world + j) = t.session;
			SET LOCAL ROLE regress_spsa_worlds;
			PERFORM spsa_attach(token);
		END IF;
		t.started := clock_timestamp();
		BEGIN
			SELECT string_agg(condition || CASE WHEN met THEN ' +' WHEN NOT met THEN ' -' ELSE ' ?' END, ', ') INTO t.readiness FROM spsa_activation_readiness(t.session, t.set_name);
		EXCEPTION WHEN insufficient_privilege THEN
			t.readiness := world_refusal(SQLERRM);
		END;
		BEGIN
			IF t.how = 'own' THEN
				SELECT activated_at, expires_at, already_active INTO t.done_at, t.done_until, t.already_active FROM spsa_activate_own(t.set_name, t.duration, t.reason);
			ELSIF t.how = 'break glass' THEN
				SELECT activated_at, expires_at, already_active INTO t.done_at, t.done_until, t.already_active FROM spsa_break_glass(t.session, t.set_name, t.reason, t.duration);
			ELSE
				SELECT activated_at, expires_at, already_active INTO t.done_at, t.done_until, t.already_active FROM spsa_activate(t.session, t.set_name, t.duration, t.reason);
			END IF;
		EXCEPTION WHEN insufficient_privilege OR check_violation OR invalid_parameter_value THEN
			t.refused := world_refusal(SQLERRM);
		END;
		t.ended := clock_timestamp();
		PERFORM spsa_detach();
		RESET ROLE;
		UPDATE world_try SET started = t.started, ended = t.ended, refused = t.refused, done_at = t.done_at, done_until = t.done_until, already_active = t.already_active, readiness = t.readiness,
			done_before_commit = (SELECT v.before_commit FROM spsa.activation v WHERE v.session_id = t.session AND v.set_id = t.set_id AND v.written_in = pg_current_xact_id_if_assigned())
		WHERE session = t.session AND n = round;
	END LOOP;
END
$$;

-- The end of the span of time that a moment is in, if it is in one.
CREATE FUNCTION world_closes(r spsa.activation_rule, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	SELECT upper(span) FROM (
		SELECT unnest(range_agg(tstzrange((day + COALESCE(r.start_time, '0:00')) AT TIME ZONE zone, (day + CASE WHEN COALESCE(r.end_time > r.start_time, false) THEN 0 ELSE 1 END + COALESCE(r.end_time, '0:00')) AT TIME ZONE zone))) AS span
		FROM NULLIF(r.time_zone, 'Nowhere') zone, generate_series(-8, 8) d, LATERAL (SELECT (at AT TIME ZONE zone)::date + d AS day) x
		WHERE r.weekdays IS NULL OR EXTRACT(isodow FROM day) = ANY (r.weekdays)) spans
	WHERE span @> at
$$;
-- A month is 30 days, a day 24 hours.
CREATE FUNCTION world_span(i interval) RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT make_interval(secs => EXTRACT(epoch FROM i)::float8) $$;

-- What must come of an attempt at a moment.
CREATE FUNCTION world_judge(t world_try, r spsa.activation_rule, s spsa.session, at timestamptz, OUT refused text, OUT changed boolean, OUT until timestamptz, OUT single_use boolean, OUT readiness text)
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN t.barred IS NOT NULL THEN t.barred WHEN t.is_excluded THEN 'exclusion'
			WHEN t.how = 'break glass' AND COALESCE(t.reason, '') !~ '\S' THEN 'reason' WHEN t.how = 'break glass' AND NOT COALESCE(r.break_glass, false) THEN 'break_glass'
			WHEN y.is_done THEN NULL WHEN c.self = '-' THEN 'rule: self_activation' WHEN c.networks = '-' THEN 'rule: networks' WHEN c.hours = '-' THEN 'rule: hours'
			WHEN c.level = '-' THEN 'rule: min_security_level' WHEN c.age = '-' THEN 'rule: max_authentication_age'
			WHEN r.reason_required AND COALESCE(t.reason, '') !~ '\S' THEN 'rule: reason_required' WHEN z.is_used AND t.request_id IS NULL THEN 'rule: approvals_required' END,
		NOT y.is_done, CASE WHEN NOT t.is_required THEN t.outer_end WHEN y.is_done THEN t.expires_at WHEN z.is_used THEN l.approved ELSE x.wanted END,
		t.how = 'break glass' OR h.needs_approval,
		CASE WHEN t.barred IN ('assignment', 'session') THEN t.barred WHEN NOT t.is_required THEN 'activation_required +' || CASE WHEN t.gate_open THEN '' ELSE ', group -' END
			ELSE concat_ws(', ', 'assignment +', 'group ' || CASE WHEN t.group_required THEN CASE WHEN t.gate_open THEN '+' ELSE '-' END END, CASE WHEN t.is_excluded THEN 'exclusion -' END,
				'self_activation ' || c.self, 'networks ' || c.networks, 'hours ' || c.hours, 'min_security_level ' || c.level, 'max_authentication_age ' || c.age,
				CASE WHEN r.reason_required THEN 'reason_required ?' END,
				'approvals_required ' || CASE WHEN r.approvals_required > 0 THEN CASE WHEN t.has_request THEN '+' ELSE '-' END END, CASE WHEN r.max_duration IS NOT NULL THEN 'max_duration +' END) END
	FROM (SELECT r.weekdays @> '{1,2,3,4,5,6,7}' IS FALSE OR (r.start_time = '0:00' AND r.end_time = '24:00') IS FALSE AS has_hours, COALESCE(r.approvals_required > 0 AND t.how <> 'break glass', false) AS needs_approval OFFSET 0) h,
		LATERAL (SELECT CASE WHEN h.has_hours THEN world_closes(r, at) END AS closes OFFSET 0) o,
		LATERAL (SELECT LEAST(t.outer_end, o.closes, at + world_span(r.max_duration), at + world_span(COALESCE(t.duration, r.default_duration))) AS plain,
			LEAST(t.outer_end, o.closes, at + world_span(r.max_duration), at + t.request_duration, at + world_span(COALESCE(t.duration, t.request_duration, r.default_duration))) AS approved OFFSET 0) l,
		-- Of one that is there the approval that it has used may do; in all it does not last longer than the rule allows.
		LATERAL (SELECT h.needs_approval AND NOT COALESCE(t.expires_at IS NOT NULL AND l.plain <= t.approved_until, false) AS is_used OFFSET 0) z,
		LATERAL (SELECT CASE WHEN z.is_used THEN l.plain ELSE LEAST(l.plain, t.activated_at + world_span(r.max_duration)) END AS wanted OFFSET 0) x,
		LATERAL (SELECT NOT t.is_required OR t.expires_at IS NOT NULL AND (t.duration IS NULL OR x.wanted <= t.expires_at) AS is_done OFFSET 0) y,
		LATERAL (SELECT CASE WHEN NOT r.self_activation THEN CASE WHEN t.how = 'manager' THEN '+' ELSE '-' END END AS self,
			CASE WHEN r.networks IS NOT NULL THEN CASE WHEN s.source_ip <<= ANY (r.networks::inet[]) THEN '+' ELSE '-' END END AS networks,
			CASE WHEN h.has_hours THEN CASE WHEN o.closes IS NOT NULL THEN '+' ELSE '-' END END AS hours,
			CASE WHEN s.security_level >= r.min_security_level THEN '+' WHEN s.security_level < r.min_security_level THEN '-' END AS level,
			CASE WHEN at <= s.authenticated_at + world_span(r.max_authentication_age) THEN '+' WHEN r.max_authentication_age IS NOT NULL THEN '-' END AS age OFFSET 0) c
$$;

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

-- An attempt that made an activation is judged at the moment that it says, others at their beginning or at their end.
CREATE PROCEDURE world_verdicts() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO world_verdict
	SELECT t.world, t.session, t.n, concat_ws(' ', t.how, t.set_name, 'duration', t.duration, 'reason', quote_nullable(t.reason)),
		concat_ws(', ', t.refused, t.done_at, t.done_until, t.already_active, t.done_before_commit, t.readiness),
		concat_ws(', ', late.refused, early.until, late.until, t.expires_at IS NOT NULL OR NOT t.is_required, late.single_use, late.readiness)
	FROM world_try t JOIN spsa.session s ON s.session_id = t.session LEFT JOIN spsa.activation_rule r ON r.set_id = t.set_id,
		LATERAL (SELECT CASE WHEN t.already_active IS FALSE THEN t.done_at END AS at) made,
		LATERAL world_judge(t, r, s, COALESCE(at, started)) early, LATERAL world_judge(t, r, s, COALESCE(at, ended)) late
	WHERE NOT COALESCE(t.readiness IN (early.readiness, late.readiness), false)
		OR t.refused IS DISTINCT FROM early.refused AND t.refused IS DISTINCT FROM late.refused
		OR t.refused IS NULL AND NOT COALESCE(t.done_until BETWEEN early.until AND late.until AND t.already_active = (t.expires_at IS NOT NULL OR NOT t.is_required), false)
		OR t.refused IS NULL AND t.done_at IS DISTINCT FROM CASE WHEN t.is_required THEN COALESCE(t.activated_at, GREATEST(t.started, LEAST(t.ended, t.done_at))) END
		OR t.refused IS NULL AND t.is_required AND t.done_before_commit IS DISTINCT FROM CASE WHEN t.expires_at IS NULL THEN CASE WHEN late.single_use THEN t.done_at END
			ELSE COALESCE(t.before_commit, CASE WHEN late.changed AND late.single_use THEN t.expires_at END) END;
	INSERT INTO world_count
	SELECT CASE WHEN refused IS NOT NULL THEN 'refused: ' || refused WHEN NOT is_required THEN 'attempt: needs none' WHEN NOT already_active THEN 'attempt: new'
		WHEN done_until > expires_at THEN 'attempt: longer' ELSE 'attempt: as it is' END, count(*) FROM world_try GROUP BY 1
	UNION ALL SELECT 'attempt: after another of the same', count(*) FROM world_try t
		WHERE refused IS NULL AND is_required AND EXISTS (SELECT FROM world_try b WHERE b.session = t.session AND b.set_id = t.set_id AND b.n < t.n AND b.refused IS NULL)
	UNION ALL SELECT 'attempt: ' || how, count(*) FROM world_try WHERE refused IS NULL GROUP BY how
	UNION ALL SELECT 'not before the commit: ' || CASE WHEN already_active THEN 'longer' ELSE 'new' END, count(*) FROM world_try
		WHERE refused IS NULL AND done_before_commit < done_until AND done_before_commit IS DISTINCT FROM before_commit GROUP BY 1
	UNION ALL SELECT 'ends with: ' || e, count(*) FROM world_try t JOIN spsa.activation_rule r USING (set_id),
		LATERAL (VALUES ('default_duration', done_at + world_span(COALESCE(request_duration, default_duration)), duration IS NULL AND approvals_required = 0),
			('duration', done_at + world_span(duration), true), ('max_duration', done_at + world_span(max_duration), true), ('the hours', world_closes(r, done_at), start_time IS NOT NULL),
			('the hours, after midnight', world_closes(r, done_at), end_time < start_time),
			('the approval', done_at + request_duration, approvals_required > 0 AND how <> 'break glass'), ('session, assignment or group', outer_end, true)) v (e, at, here)
		WHERE refused IS NULL AND NOT already_active AND here AND done_until = at GROUP BY e
	UNION ALL SELECT 'longer: ' || CASE WHEN request_id IS NULL THEN 'under the same approval' ELSE 'under another approval' END, count(*)
		FROM world_try JOIN spsa.activation_rule USING (set_id) WHERE refused IS NULL AND done_until > expires_at AND approvals_required > 0 AND how <> 'break glass' GROUP BY 1
	UNION ALL SELECT 'met: ' || substring(c FROM '\w+'), count(*) FROM world_try, unnest(string_to_array(readiness, ', ')) c WHERE c LIKE '% +' GROUP BY 1
	UNION ALL SELECT 'unmet: ' || substring(c FROM '\w+'), count(*) FROM world_try, unnest(string_to_array(readiness, ', ')) c WHERE c LIKE '% -' GROUP BY 1;
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
	CALL world_verdicts();
	INSERT INTO world_count
	SELECT 'worlds', count(DISTINCT world) FROM world_number
	UNION ALL SELECT 'sessions', count(*) FROM world_number
	UNION ALL SELECT 'live sessions', count(*) FROM world_number WHERE live
	UNION ALL SELECT 'questions: ' || q.kind, count(*) FROM world_answer JOIN world_question q USING (question) GROUP BY q.kind
	UNION ALL SELECT 'granted: ' || q.kind, count(*) FROM world_answer JOIN world_question q USING (question) WHERE answer GROUP BY q.kind
	UNION ALL SELECT CASE WHEN group_id IS NULL THEN 'way' ELSE 'way by a group' END || ': ' || CASE WHEN active THEN 'active' WHEN excluded AND in_force THEN 'excluded'
		WHEN in_force THEN '?' WHEN NOT allowed THEN 'not allowed' WHEN NOT gate_open THEN 'gate is closed' ELSE 'not activated' END, count(*) FROM world_way GROUP BY 1
	UNION ALL SELECT 'written ' || CASE WHEN written_in = pg_current_xact_id_if_assigned() THEN 'now' ELSE 'before' END || CASE WHEN before_commit > now() THEN ', counts for a while' ELSE '' END
			|| CASE WHEN activated THEN ': activated' ELSE ': not activated' END, count(*)
		FROM spsa.activation v JOIN world_way w USING (session_id, set_id, assignment_id) WHERE before_commit < v.expires_at AND v.expires_at > now() GROUP BY 1
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

-- Twenty worlds at a time, of which in turn all is committed before the questions, nothing, or all but the attempts.
CREATE PROCEDURE world_rounds(first integer, last integer) LANGUAGE plpgsql AS $$
DECLARE
	low integer := first;
	high integer;
	it record;
	accepted boolean;
	sessions uuid[];
BEGIN
	WHILE low <= last LOOP
		high := least(low / 20 * 20 + 19, last);
		TRUNCATE spsa.permission_set, spsa.app_user, spsa.session_activity, spsa.session_end, spsa.activation_end, spsa.protected_field, spsa.protected_object,
			spsa.activation_request, spsa.break_glass_review, spsa.audit_event CASCADE;
		TRUNCATE world_standing, world_try, world_number, world_answer, world_expected, world_way, world_effect;
		CALL world_make(low, high);
		CALL world_rule(low, high);
		CALL world_twist(low, high);
		IF low / 20 % 3 <> 1 THEN
			COMMIT;
		END IF;
		-- In each round one session of a user: they share what is approved.
		FOR round IN 1..4 LOOP
			sessions := ARRAY(SELECT world_session(4 * w + j) FROM generate_series(low, high) w, unnest(ARRAY[1 + round % 2, 3]) j);
			CALL world_attempt(sessions, round);
		END LOOP;
		IF low / 20 % 3 = 0 THEN
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
			INSERT INTO world_number SELECT it.session, it.world, EXISTS (SELECT FROM spsa.valid_session s WHERE s.session_id = it.session), accepted;
		END LOOP;
		CALL world_compare();
		COMMIT;
		EXIT WHEN EXISTS (SELECT FROM world_difference) OR EXISTS (SELECT FROM world_verdict);
		low := high + 1;
	END LOOP;
END
$$;
-- Planning takes longer than all else.
SET from_collapse_limit = 4;
SET join_collapse_limit = 4;
CALL world_rounds(:first, :last);
RESET from_collapse_limit;
RESET join_collapse_limit;
-- Where they differ: to be reproduced by the world's number.
SELECT world, question, folded, engine, specification FROM world_difference ORDER BY world, session, question, folded LIMIT 20;
SELECT world, n, attempt, happened, expected FROM world_verdict ORDER BY world, session, n LIMIT 20;
SELECT kind, sum(asked) > 20000 AS enough, sum(granted) / sum(asked) BETWEEN 0.1 AND 0.6 AS balanced
FROM (SELECT split_part(feature, ': ', 2) AS kind, CASE WHEN feature LIKE 'questions: %' THEN n ELSE 0 END AS asked, CASE WHEN feature LIKE 'granted: %' THEN n ELSE 0 END AS granted
	FROM world_count WHERE feature LIKE ANY ('{questions: %,granted: %}')) c
GROUP BY kind ORDER BY kind COLLATE "C";
SELECT sum(n) FILTER (WHERE feature = 'worlds') AS worlds, sum(n) FILTER (WHERE feature LIKE 'questions: %') > 1000000 AS a_million_questions,
	sum(n) FILTER (WHERE feature = 'live sessions') / sum(n) FILTER (WHERE feature = 'sessions') BETWEEN 0.7 AND 0.9 AS most_live
FROM world_count;
-- Nothing of the model is rare; what ends an activation depends on the time of day a little.
SELECT feature COLLATE "C", sum(n) > min(CASE WHEN feature ~ '^(ends|longer|not before|written)' THEN 5 ELSE 30 END) AS often FROM world_count WHERE feature !~ '^(questions|granted|worlds|sessions|live)' GROUP BY 1 ORDER BY 1;
-- The first part of the comparison is not folded, the second is.
RESET enable_seqscan;
EXPLAIN (COSTS OFF) SELECT spsa_allows_row(object, privilege, 'n', n, 't', t) FROM world_question, world_row WHERE spsa_allows_row(object, privilege, 'n', n, 't', t);
EXPLAIN (COSTS OFF) SELECT FROM world_row WHERE spsa_allows_row('world_a', 'read', 'n', n, 't', t);
SET enable_seqscan = off;

--
-- For administrators only, and fast for one session or user among many
--
SET ROLE regress_spsa_worlds;
SELECT FROM spsa.effective_permission;
RESET ROLE;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_worlds;
SET ROLE regress_spsa_worlds;
SELECT FROM spsa.valid_session;
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
FROM unnest('{valid_session,effective_set,effective_object,effective_permission}'::text[]) WITH ORDINALITY o (v, n),
	(VALUES ('session_id = ''00000000-0000-0000-0000-000000000000'''), ('user_name = ''ann''')) c (condition),
	world_plan('SELECT FROM spsa.' || v || ' WHERE ' || condition) line
GROUP BY v, n, condition ORDER BY n, condition;

DROP EXTENSION spsa CASCADE;
DROP FUNCTION world_f, world_g, world_h, world_chance, world_choice, world_token, world_session, world_attributes, world_refusal, world_span,
	world_matches, world_plan;
DROP PROCEDURE world_ask, world_make, world_rule, world_twist, world_choose, world_attempt, world_expect, world_verdicts, world_compare, world_rounds;
DROP TABLE world_a, world_b, world_c, world_object, world_function, world_permission, world_row, world_question, world_answer, world_one,
	world_standing, world_try, world_verdict, world_way, world_effect, world_expected, world_number, world_difference, world_count;
DROP ROLE regress_spsa_worlds;
