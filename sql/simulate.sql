-- simulate: spsa_simulate(), what an activation would give, and that nothing supposed is ever in effect; spsa_test_as(), a
-- session of a user that ends with the transaction.

SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_sim_app;
CREATE ROLE regress_spsa_sim_auditor;
CREATE ROLE regress_spsa_sim_stranger;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_sim_auditor;
GRANT SELECT ON spsa.activation TO regress_spsa_sim_auditor;

CREATE TABLE sim_order (id integer PRIMARY KEY, region text, owner_id integer);
INSERT INTO sim_order SELECT i, (ARRAY['EU', 'US', NULL])[1 + i % 3], i % 10 FROM generate_series(1, 300) i;
CREATE TABLE sim_salary (id integer PRIMARY KEY, amount numeric);
INSERT INTO sim_salary VALUES (1, 100), (2, 200);
CREATE TABLE sim_mixed (id integer);
INSERT INTO sim_mixed VALUES (1), (2), (3);
CREATE TABLE sim_open (id integer);
INSERT INTO sim_open VALUES (1);
CREATE TABLE sim_ungranted (id integer);
INSERT INTO sim_ungranted VALUES (1);
CREATE TABLE sim_tree (id integer, region text) PARTITION BY LIST (region);
CREATE TABLE sim_tree_eu PARTITION OF sim_tree FOR VALUES IN ('EU');
CREATE TABLE sim_tree_us PARTITION OF sim_tree FOR VALUES IN ('US');
INSERT INTO sim_tree SELECT i, (ARRAY['EU', 'US'])[1 + i % 2] FROM generate_series(1, 7) i;
CREATE FUNCTION sim_pay() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1';
SELECT spsa_protect('sim_order', '{region,owner_id}'), spsa_protect('sim_salary', on_denied => 'error'), spsa_protect('sim_mixed'),
	spsa_protect('sim_ungranted'), spsa_protect('sim_tree', '{region}');
SELECT spsa_protect_field('sim_salary', 'amount');
-- A policy of somebody else's, whose function would tell whether it runs, and under which authority.
CREATE FUNCTION sim_policy() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'the policy runs: %', spsa_allows('sim_salary', 'read'); RETURN true; END $$;
CREATE POLICY also ON sim_mixed AS RESTRICTIVE FOR SELECT USING (sim_policy());
GRANT SELECT, INSERT, UPDATE, DELETE ON sim_order, sim_salary, sim_mixed, sim_open, sim_tree, sim_tree_eu TO regress_spsa_sim_app, regress_spsa_sim_auditor;

SELECT count(spsa_create_permission_set(s)) FROM unnest('{base,view}'::text[]) s;
SELECT count(spsa_create_permission_set(s, activation_required => true)) FROM unnest('{pay,editor,wide,other,approved,reasoned,barred,one,two,member,foreign,tree}'::text[]) s;
SELECT spsa_create_permission_set('crew', kind => 'group', activation_required => true) > 0 AS made, spsa_create_permission_set('quiet', kind => 'muting') > 0 AS made;
SELECT spsa_create_custom_permission('approve_pay') > 0 AS made;
SELECT spsa_grant_object('base', 'sim_order', '{read}', row_scoped => true), spsa_grant_rows('base', 'sim_order', 'region', '{EU}'),
	spsa_grant_object('pay', 'sim_salary', '{read,edit}'), spsa_grant_field('pay', 'sim_salary', 'amount', '{read}'),
	spsa_grant_function('pay', 'sim_pay()'), spsa_grant_permission('pay', 'approve_pay'),
	spsa_grant_object('editor', 'sim_order', '{read,edit}', row_scoped => true), spsa_grant_rows('editor', 'sim_order', 'owner_id', attribute => 'emp_no'),
	spsa_grant_object('wide', 'sim_order', '{read,edit,delete,view_all,modify_all}', row_scoped => true), spsa_grant_rows('wide', 'sim_order', 'region', operator => 'is null'),
	spsa_grant_object('other', 'sim_mixed', '{read}'), spsa_grant_object('other', 'sim_open', '{read}'), spsa_grant_object('other', 'sim_ungranted', '{read}'),
	spsa_grant_object('approved', 'sim_order', '{read}'), spsa_grant_object('reasoned', 'sim_order', '{read}'), spsa_grant_object('barred', 'sim_order', '{read}'),
	spsa_grant_object('one', 'sim_order', '{read}'), spsa_grant_object('two', 'sim_order', '{read}'),
	spsa_grant_object('member', 'sim_order', '{read,edit}'), spsa_grant_object('quiet', 'sim_order', '{edit}'),
	spsa_grant_object('foreign', 'sim_salary', '{read}'), spsa_grant_object('tree', 'sim_tree', '{read}', row_scoped => true),
	spsa_grant_rows('tree', 'sim_tree', 'region', '{EU}'), spsa_grant_permission('view', 'view_setup');
SELECT spsa_add_group_member('crew', 'member'), spsa_add_group_member('crew', 'quiet'), spsa_exclude('one', 'two', 'dynamic');
SELECT spsa_set_activation_rule('approved', approvals_required => 1), spsa_set_activation_rule('reasoned', reason_required => true),
	spsa_set_activation_rule('barred', self_activation => false);
SELECT spsa_create_user('ann', attributes => '{"emp_no": 3}') > 0 AS made, spsa_create_user('bob') > 0 AS made, spsa_create_user('viewer') > 0 AS made;
SELECT count(spsa_assign('ann', s)) FROM unnest('{base,pay,editor,wide,other,approved,reasoned,barred,one,two,crew,tree}'::text[]) s;
SELECT spsa_assign('bob', 'foreign'), spsa_assign('viewer', 'view');
SELECT session_id AS ann, token AS ann_token FROM spsa_open_session('ann', db_role => 'regress_spsa_sim_app') \gset
SELECT session_id AS bob, token AS bob_token FROM spsa_open_session('bob', db_role => 'regress_spsa_sim_app') \gset
SELECT token AS viewer_token FROM spsa_open_session('viewer', db_role => 'regress_spsa_sim_app') \gset
SELECT session_id AS limited, token AS limited_token FROM spsa_open_session('ann', db_role => 'regress_spsa_sim_app', sets => '{base,editor}') \gset

--
-- What is gained
--
SET ROLE regress_spsa_sim_app;
SELECT spsa_attach_connection(:'ann_token') = :'ann' AS attached;
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{editor}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{wide}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{editor,wide,pay}') ORDER BY kind COLLATE "C", object::text COLLATE "C", name COLLATE "C";
SELECT * FROM spsa_simulate(spsa_session_id(), '{tree}');
-- Nothing: no set, one that needs no activation, one that is active.
SELECT * FROM spsa_simulate(spsa_session_id(), '{}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{base}');
BEGIN;
SELECT permission_set FROM spsa_activate_own('pay');
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay}');
ROLLBACK;
-- A member comes after its group, and without what the group mutes.
SELECT * FROM spsa_simulate(spsa_session_id(), '{crew}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{crew,member}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{member,crew}');
:code
-- Rows: up to a limit, or not at all.
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{editor}', 110);
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{editor}', 100);
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{editor}', 99);
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{wide}', 1);
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{wide}', 0);
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{wide}', NULL);
SELECT rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{wide}', 1000000);
-- Not where others decide as well (their function does not run), not what is no privilege of the role's.
SELECT * FROM spsa_simulate(spsa_session_id(), '{other}') ORDER BY object::text COLLATE "C";
-- Not what the session could not activate by itself now: that would be more than it can find out.
SELECT * FROM spsa_simulate(spsa_session_id(), '{approved}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{reasoned}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{barred}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{editor,approved}');
RESET ROLE;
SELECT spsa_set_activation_rule('wide', min_security_level => 'high_assurance');
SET ROLE regress_spsa_sim_app;
SELECT * FROM spsa_simulate(spsa_session_id(), '{wide}');
RESET ROLE;
SELECT spsa_drop_activation_rule('wide');
SET ROLE regress_spsa_sim_app;

--
-- Who may ask, and what is refused
--
-- What the session does not have does not exist: assigned to others, never heard of, of another kind.
SELECT * FROM spsa_simulate(spsa_session_id(), '{foreign}');
:code
SELECT * FROM spsa_simulate(spsa_session_id(), '{nonsense}');
:code
SELECT * FROM spsa_simulate(spsa_session_id(), '{quiet}');
SELECT * FROM spsa_simulate(spsa_session_id(), '{one,two}');
:code
SELECT * FROM spsa_simulate(spsa_session_id(), '{one}');
SELECT * FROM spsa_simulate(:'bob', '{foreign}');
:code
SELECT * FROM spsa_simulate('00000000-0000-0000-0000-000000000000', '{pay}');
:code
SELECT * FROM spsa_simulate(NULL, '{pay}');
:code
SELECT * FROM spsa_simulate(spsa_session_id(), NULL);
:code
SELECT * FROM spsa_simulate(spsa_session_id(), '{NULL}');
:code
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay}', -1);
:code
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay}', 1000001);
:code
-- Not allowed in the session.
SELECT spsa_attach_connection(:'limited_token') = :'limited' AS attached;
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay}');
:code
SELECT rows_before, rows_after FROM spsa_simulate(spsa_session_id(), '{editor}');
SELECT spsa_detach();
SELECT * FROM spsa_simulate(:'ann', '{pay}');
:code
SELECT * FROM spsa_simulate(NULL, '{pay}');
:code
-- view_setup: any session, but no rows that are not the caller's own.
SELECT spsa_attach_connection(:'viewer_token') IS NOT NULL AS attached;
SELECT * FROM spsa_simulate(:'ann', '{pay}');
SELECT * FROM spsa_simulate(:'ann', '{foreign}');
:code
SELECT * FROM spsa_simulate(:'ann', '{nonsense}');
:code
SELECT * FROM spsa_simulate('00000000-0000-0000-0000-000000000000', '{pay}');
:code
SELECT token AS viewer_child FROM spsa_derive_session('{view}') \gset
SELECT spsa_attach_connection(:'viewer_child') IS NOT NULL AS attached;
SELECT * FROM spsa_simulate(:'ann', '{pay}');
:code
SELECT spsa_detach();
-- Roles that may read spsa.activation: rows only if they see all rows in any case.
SET ROLE regress_spsa_sim_auditor;
SELECT kind, object, rows_before, rows_after, note FROM spsa_simulate(:'ann', '{pay,editor}') WHERE kind = 'object';
RESET ROLE;
ALTER ROLE regress_spsa_sim_auditor BYPASSRLS;
SET ROLE regress_spsa_sim_auditor;
SELECT kind, object, rows_before, rows_after, note FROM spsa_simulate(:'ann', '{pay,editor}') WHERE kind = 'object';
RESET ROLE;
ALTER ROLE regress_spsa_sim_auditor NOBYPASSRLS;
SELECT kind, object, rows_before, rows_after, note FROM spsa_simulate(:'ann', '{approved}');
-- The attributes are those of the session that is asked about, whatever plans are shared.
SET spsa.share_plans = on;
SELECT object, rows_before, rows_after FROM spsa_simulate(:'ann', '{editor}');
RESET spsa.share_plans;
SET ROLE regress_spsa_sim_stranger;
SELECT * FROM spsa_simulate(:'ann', '{pay}');
:code
SELECT spsa_test_as('ann');
:code
RESET ROLE;
-- A session that is over.
SELECT session_id AS over, token AS over_token FROM spsa_open_session('ann', db_role => 'regress_spsa_sim_app') \gset
SET ROLE regress_spsa_sim_app;
SELECT spsa_attach_connection(:'over_token') IS NOT NULL AS attached, spsa_close_session(:'over') AS closed;
SELECT * FROM spsa_simulate(:'over', '{pay}');
:code
SELECT spsa_detach();
RESET ROLE;
SELECT * FROM spsa_simulate(:'over', '{pay}');
:code
-- What policies are not spsa's, or not as it made them: no rows.
BEGIN;
ALTER TABLE sim_order DISABLE ROW LEVEL SECURITY;
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ALTER TABLE sim_order ENABLE ROW LEVEL SECURITY;
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ALTER POLICY spsa_read ON sim_order USING (spsa_allows_row('sim_order', 'edit', 'region', region, 'owner_id', owner_id));
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ROLLBACK;
BEGIN;
ALTER POLICY spsa_read_admit ON sim_order TO regress_spsa_sim_app;
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ROLLBACK;
BEGIN;
CREATE POLICY more ON sim_order FOR ALL TO regress_spsa_sim_stranger USING (true);
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ROLLBACK;
BEGIN;
ALTER POLICY spsa_read ON sim_order USING (spsa_allows('sim_order', 'read'));
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ROLLBACK;
-- What somebody's functions make of a column is not counted, or they would run.
BEGIN;
CREATE FUNCTION sim_noisy(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'noisy runs'; RETURN $1; END $$;
ALTER POLICY spsa_read ON sim_order USING (spsa_allows_row('sim_order', 'read', 'region', sim_noisy(region), 'owner_id', owner_id));
ALTER POLICY spsa_read_admit ON sim_order USING (spsa_allows_row('sim_order', 'read', 'region', sim_noisy(region), 'owner_id', owner_id));
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ALTER POLICY spsa_read ON sim_order USING (spsa_allows_row('sim_order', 'read', 'region', (SELECT r.rolname::text FROM pg_roles r WHERE r.rolname = region), 'owner_id', owner_id));
ALTER POLICY spsa_read_admit ON sim_order USING (spsa_allows_row('sim_order', 'read', 'region', (SELECT r.rolname::text FROM pg_roles r WHERE r.rolname = region), 'owner_id', owner_id));
SELECT rows_before, rows_after, note FROM spsa_simulate(:'ann', '{editor}');
ROLLBACK;

--
-- Nothing is left
--
CREATE TEMP TABLE history AS SELECT count(*) AS n FROM spsa.audit_event;
GRANT SELECT ON history TO regress_spsa_sim_app;
\set seen 'SELECT (SELECT count(*) FROM sim_order) AS orders, spsa_allows(''sim_salary'', ''read'') AS salary, spsa_allows_field(''sim_salary'', ''amount'', ''read'') AS amount, spsa_allows_function(''sim_pay()'') AS pay, spsa_has_permission(''approve_pay'') AS approve'
SET ROLE regress_spsa_sim_app;
SELECT spsa_attach_connection(:'ann_token') = :'ann' AS attached;
SET plan_cache_mode = force_generic_plan;
PREPARE before AS :seen;
EXECUTE before;
\set all '''{pay,editor,wide,other,tree,crew,member,one}'''
SELECT count(*), sum(rows_after) FROM spsa_simulate(spsa_session_id(), :all);
EXECUTE before;
:seen;
PREPARE after AS :seen;
EXECUTE after;
SELECT * FROM sim_salary;
:code
-- After an error, in the middle of counting too.
SELECT count(*) FROM spsa_simulate(spsa_session_id(), '{pay,wide,nonsense}');
EXECUTE before;
SELECT (SELECT count(*) FROM spsa_simulate(spsa_session_id(), '{pay,wide}')) / 0;
EXECUTE before;
-- In the statement itself, whichever comes first; row by row, in a join, in a subquery.
SELECT s.rows_after, o.n FROM spsa_simulate(spsa_session_id(), '{wide}') s, LATERAL (SELECT count(*) AS n FROM sim_order WHERE s.kind IS NOT NULL) o;
SELECT count(*) AS orders, max((SELECT s.rows_after FROM spsa_simulate(spsa_session_id(), '{wide}') s WHERE o.id > 0)) AS after FROM sim_order o;
SELECT s.rows_after, spsa_allows('sim_salary', 'read') AS salary FROM spsa_simulate(spsa_session_id(), '{pay}') s WHERE kind = 'object';
-- In a transaction, with savepoints and a cursor that was open before.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM sim_order ORDER BY id;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT count(*) FROM spsa_simulate(spsa_session_id(), :all);
FETCH 1 FROM c;
EXECUTE before;
ROLLBACK TO s;
EXECUTE before;
SELECT count(*) FROM spsa_simulate(spsa_session_id(), '{nonsense}');
ROLLBACK TO s;
EXECUTE before;
MOVE ALL FROM c;
COMMIT;
-- A cursor over it: what is counted is counted; another session does not fetch it.
BEGIN;
DECLARE c CURSOR FOR SELECT kind, rows_after, (SELECT count(*) FROM sim_order) AS orders FROM spsa_simulate(spsa_session_id(), '{pay,wide}') ORDER BY kind, rows_after;
FETCH 1 FROM c;
EXECUTE before;
SELECT spsa_attach(:'bob_token') = :'bob' AS attached;
FETCH 1 FROM c;
:code
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT kind FROM spsa_simulate(spsa_session_id(), '{pay}');
FETCH 1 FROM c;
SELECT spsa_attach(:'bob_token') = :'bob' AS attached;
FETCH 1 FROM c;
:code
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT kind FROM spsa_simulate(spsa_session_id(), '{pay}');
COMMIT;
:code
-- In functions: around it, after it, after its error.
CREATE FUNCTION pg_temp.around(OUT before bigint, OUT gained bigint, OUT after bigint, OUT failed bigint) LANGUAGE plpgsql AS $$
BEGIN
	before := (SELECT count(*) FROM sim_order);
	gained := (SELECT max(rows_after) FROM spsa_simulate(spsa_session_id(), '{wide}'));
	after := (SELECT count(*) FROM sim_order);
	BEGIN
		PERFORM 1 / (SELECT count(*) - count(*) FROM spsa_simulate(spsa_session_id(), '{wide}'));
	EXCEPTION WHEN division_by_zero THEN
		failed := (SELECT count(*) FROM sim_order);
	END;
END
$$;
SELECT * FROM pg_temp.around();
SELECT * FROM pg_temp.around();
-- Read-only.
BEGIN READ ONLY;
SELECT kind, rows_before, rows_after FROM spsa_simulate(spsa_session_id(), '{editor}');
SELECT note FROM spsa_simulate(spsa_session_id(), '{approved}');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT kind, rows_before, rows_after FROM spsa_simulate(spsa_session_id(), '{editor}');
COMMIT;
-- The statement's own rows count.
RESET ROLE;
BEGIN;
INSERT INTO sim_order VALUES (1001, 'EU', 3), (1002, 'US', 3);
SET LOCAL ROLE regress_spsa_sim_app;
SELECT kind, rows_before, rows_after FROM spsa_simulate(spsa_session_id(), '{editor}');
ROLLBACK;
SET ROLE regress_spsa_sim_app;
-- What an activation gives then is what was said.
BEGIN;
SELECT rows_after FROM spsa_simulate(spsa_session_id(), '{editor,pay}') WHERE object = 'sim_order'::regclass;
SELECT permission_set FROM unnest('{editor,pay}'::text[]) s, spsa_activate_own(s);
EXECUTE before;
EXECUTE after;
ROLLBACK;
EXECUTE before;
RESET plan_cache_mode;
DEALLOCATE ALL;
SELECT spsa_detach();
RESET ROLE;
SELECT count(*) - (SELECT n FROM history) AS events FROM spsa.audit_event WHERE event <> 'activate';
SELECT count(*) AS activations FROM spsa.activation;

-- Code of others that runs while rows are counted, here that of a type: it sees what is in effect, not what is supposed.
CREATE TYPE sim_code AS (a integer);
CREATE SEQUENCE sim_calls;
GRANT USAGE ON sim_calls TO regress_spsa_sim_app;
CREATE FUNCTION sim_code_cmp(x sim_code, y sim_code) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	IF spsa_session_id() IS NOT NULL AND (spsa_allows('sim_salary', 'read') OR spsa_has_permission('approve_pay') OR (SELECT count(*) FROM sim_order) > 100) THEN
		RAISE WARNING 'the function has more than the session has';
	END IF;
	IF current_setting('sim.sleep', true) <> '' THEN
		PERFORM pg_sleep(60);
	END IF;
	PERFORM nextval('sim_calls');
	RETURN x.a - y.a;
END
$$;
CREATE FUNCTION sim_code_lt(sim_code, sim_code) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN sim_code_cmp($1, $2) < 0; END $$;
CREATE FUNCTION sim_code_le(sim_code, sim_code) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN sim_code_cmp($1, $2) <= 0; END $$;
CREATE FUNCTION sim_code_eq(sim_code, sim_code) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN sim_code_cmp($1, $2) = 0; END $$;
CREATE FUNCTION sim_code_ge(sim_code, sim_code) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN sim_code_cmp($1, $2) >= 0; END $$;
CREATE FUNCTION sim_code_gt(sim_code, sim_code) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN sim_code_cmp($1, $2) > 0; END $$;
CREATE OPERATOR < (LEFTARG = sim_code, RIGHTARG = sim_code, FUNCTION = sim_code_lt);
CREATE OPERATOR <= (LEFTARG = sim_code, RIGHTARG = sim_code, FUNCTION = sim_code_le);
CREATE OPERATOR = (LEFTARG = sim_code, RIGHTARG = sim_code, FUNCTION = sim_code_eq);
CREATE OPERATOR >= (LEFTARG = sim_code, RIGHTARG = sim_code, FUNCTION = sim_code_ge);
CREATE OPERATOR > (LEFTARG = sim_code, RIGHTARG = sim_code, FUNCTION = sim_code_gt);
CREATE OPERATOR CLASS sim_code_ops DEFAULT FOR TYPE sim_code USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 sim_code_cmp(sim_code, sim_code);
CREATE TABLE sim_coded (id integer, code sim_code);
INSERT INTO sim_coded SELECT i, ROW(i)::sim_code FROM generate_series(1, 9) i;
GRANT SELECT ON sim_coded TO regress_spsa_sim_app;
SELECT spsa_protect('sim_coded', '{code}');
SELECT spsa_create_permission_set('coded', activation_required => true) > 0 AS made;
SELECT spsa_grant_object('coded', 'sim_coded', '{read}', row_scoped => true), spsa_grant_rows('coded', 'sim_coded', 'code', '{(3)}', operator => '<'), spsa_assign('ann', 'coded');
SELECT last_value AS calls FROM sim_calls \gset
SET ROLE regress_spsa_sim_app;
SELECT spsa_attach_connection(:'ann_token') = :'ann' AS attached;
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay,wide,coded}') ORDER BY kind COLLATE "C", object::text COLLATE "C", name;
-- Cancelled while it counts.
SET sim.sleep = 'on';
SET statement_timeout = '200ms';
SELECT * FROM spsa_simulate(spsa_session_id(), '{pay,wide,coded}');
:code
RESET statement_timeout;
RESET sim.sleep;
:seen;
SELECT * FROM sim_salary;
SELECT spsa_detach();
RESET ROLE;
SELECT last_value > :calls AS called FROM sim_calls;

--
-- Random worlds: what is said to be gained is what a session gains by activating, or the refusal is the same
--
CREATE TABLE sim_a (id integer, n integer, t text);
CREATE TABLE sim_b (id integer, n integer, t text);
CREATE TABLE sim_p (id integer, n integer, t text) PARTITION BY RANGE (id);
CREATE TABLE sim_p1 PARTITION OF sim_p FOR VALUES FROM (0) TO (20);
CREATE TABLE sim_p2 (t text, id integer, n integer);
ALTER TABLE sim_p ATTACH PARTITION sim_p2 FOR VALUES FROM (20) TO (1000);
INSERT INTO sim_a SELECT i, NULLIF(i % 7, 0), (ARRAY['x', 'y', 'z', NULL])[1 + i % 4] FROM generate_series(1, 40) i;
INSERT INTO sim_b SELECT * FROM sim_a WHERE id % 3 > 0;
INSERT INTO sim_p SELECT * FROM sim_a;
GRANT SELECT ON sim_a, sim_b, sim_p TO regress_spsa_sim_app;
SELECT spsa_protect('sim_a', '{n,t}'), spsa_protect('sim_b', '{t,n}'), spsa_protect('sim_p', '{n,t}');
SELECT spsa_protect_field('sim_a', 'n'), spsa_protect_field('sim_b', 't');
CREATE FUNCTION sim_f1() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION sim_f2(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
SELECT count(spsa_create_custom_permission(p)) FROM unnest('{sim_c1,sim_c2}'::text[]) p;

CREATE FUNCTION sim_chance(p float8) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT random() < p';
CREATE FUNCTION sim_choice(a text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT a[1 + floor(random() * cardinality(a))::integer]';

-- A world: a user with up to seven sets, one way or another.
CREATE PROCEDURE sim_world(w integer, INOUT session uuid DEFAULT NULL, INOUT token text DEFAULT NULL, INOUT free boolean[] DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	o text;
	s text;
	g text := 'w' || w || '_g';
	listed text[];
	scoped boolean;
BEGIN
	PERFORM spsa_create_user('w' || w, attributes => jsonb_build_object('num', floor(random() * 7), 'list', '["x", "z"]'::jsonb));
	PERFORM spsa_create_permission_set(g, kind => 'group', activation_required => sim_chance(0.5));
	PERFORM spsa_create_permission_set(g || '_quiet', kind => 'muting');
	PERFORM spsa_grant_object(g || '_quiet', 'sim_a', CASE WHEN sim_chance(0.5) THEN '{edit}' ELSE '{delete}' END::text[]);
	PERFORM spsa_grant_permission(g || '_quiet', 'sim_c1');
	IF sim_chance(0.3) THEN
		PERFORM spsa_set_member_activation(g, 'bypass');
	END IF;
	FOR i IN 1..7 LOOP
		s := 'w' || w || '_' || i;
		PERFORM spsa_create_permission_set(s, activation_required => sim_chance(0.75));
		FOREACH o IN ARRAY '{sim_a,sim_b,sim_p}'::text[] LOOP
			CONTINUE WHEN sim_chance(0.5);
			scoped := sim_chance(0.7);
			listed := CASE floor(random() * 5) WHEN 0 THEN '{read}' WHEN 1 THEN '{read,edit}' WHEN 2 THEN '{read,create}' WHEN 3 THEN '{read,edit,delete}' ELSE '{read,view_all}' END;
			PERFORM spsa_grant_object(s, o::regclass, listed, scoped);
			IF scoped AND sim_chance(0.7) THEN
				PERFORM spsa_grant_rows(s, o::regclass, 'n', ARRAY[sim_choice('{1,2,3,4,5,6}')], operator => sim_choice('{=,<,<=,>,>=}'),
					privileges => CASE WHEN sim_chance(0.3) THEN '{read}' END::text[]);
			ELSIF scoped AND sim_chance(0.5) THEN
				PERFORM spsa_grant_rows(s, o::regclass, 'n', attribute => sim_choice('{num,none}'));
			END IF;
			IF scoped AND sim_chance(0.5) THEN
				PERFORM spsa_grant_rows(s, o::regclass, 't', attribute => 'list');
			ELSIF scoped AND sim_chance(0.3) THEN
				PERFORM spsa_grant_rows(s, o::regclass, 't', operator => 'is null');
			END IF;
		END LOOP;
		IF sim_chance(0.5) THEN
			PERFORM spsa_grant_field(s, 'sim_a', 'n', CASE WHEN sim_chance(0.5) THEN '{read}' ELSE '{read,edit}' END::text[]);
		END IF;
		IF sim_chance(0.5) THEN
			PERFORM spsa_grant_field(s, 'sim_b', 't', '{read}');
		END IF;
		IF sim_chance(0.3) THEN
			PERFORM spsa_grant_function(s, CASE WHEN sim_chance(0.5) THEN 'sim_f1()' ELSE 'sim_f2(integer)' END::regprocedure);
		END IF;
		IF sim_chance(0.4) THEN
			PERFORM spsa_grant_permission(s, sim_choice('{sim_c1,sim_c2}'));
		END IF;
		free[i] := sim_chance(0.85);
		IF NOT free[i] THEN
			PERFORM spsa_set_activation_rule(s, reason_required => true);
		ELSIF sim_chance(0.2) THEN
			PERFORM spsa_set_activation_rule(s, max_duration => '1 hour', min_security_level => 'standard');
		END IF;
		IF i <= 4 AND sim_chance(0.8) THEN
			PERFORM spsa_assign('w' || w, s);
		END IF;
		IF i >= 4 THEN
			PERFORM spsa_add_group_member(g, s);
		END IF;
	END LOOP;
	IF sim_chance(0.7) THEN
		PERFORM spsa_add_group_member(g, g || '_quiet');
	END IF;
	PERFORM spsa_assign('w' || w, g);
	IF sim_chance(0.4) THEN
		PERFORM spsa_exclude('w' || w || '_' || floor(1 + random() * 3), 'w' || w || '_' || floor(4 + random() * 4), 'dynamic');
	END IF;
	SELECT o.session_id, o.token INTO session, token FROM spsa_open_session('w' || w, db_role => 'regress_spsa_sim_app',
		sets => CASE WHEN sim_chance(0.2) THEN ARRAY['w' || w || '_1', 'w' || w || '_2', g] END) o;
END
$$;
CREATE TABLE sim_answer (world integer, moment text, question text, object text, privilege text, answer text);
CREATE TABLE sim_said (world integer, kind text, object text, name text, privileges text[], rows_before bigint, rows_after bigint, note text);
GRANT INSERT, SELECT ON sim_answer, sim_said TO regress_spsa_sim_app;

-- What a session has: each question is planned anew.
CREATE PROCEDURE sim_ask(w integer, moment text) LANGUAGE plpgsql AS $$
DECLARE
	o text;
	p text;
	n bigint;
BEGIN
	FOREACH o IN ARRAY '{sim_a,sim_b,sim_p}'::text[] LOOP
		EXECUTE format('SELECT count(*) FROM %I', o) INTO n;
		INSERT INTO sim_answer VALUES (w, moment, 'rows', o, 'read', n);
		FOREACH p IN ARRAY '{read,create,edit,delete,view_all,modify_all}'::text[] LOOP
			-- The table is read by its owner's right, the question asked by the session's.
			INSERT INTO sim_answer SELECT w, moment, 'row', o, p, sim_rows(o, p);
		END LOOP;
	END LOOP;
	INSERT INTO sim_answer SELECT w, moment, 'field', 'sim_a.n', x, spsa_allows_field('sim_a', 'n', x) FROM unnest('{read,edit}'::text[]) x;
	INSERT INTO sim_answer SELECT w, moment, 'field', 'sim_b.t', x, spsa_allows_field('sim_b', 't', x) FROM unnest('{read,edit}'::text[]) x;
	INSERT INTO sim_answer SELECT w, moment, 'function', x::text, NULL, spsa_allows_function(x) FROM unnest('{sim_f1(),sim_f2(integer)}'::regprocedure[]) x;
	INSERT INTO sim_answer SELECT w, moment, 'permission', x, NULL, spsa_has_permission(x) FROM unnest('{sim_c1,sim_c2}'::text[]) x;
END
$$;
CREATE TABLE sim_row AS SELECT id, n, t FROM sim_a;
GRANT SELECT ON sim_row TO regress_spsa_sim_app;
CREATE FUNCTION sim_rows(o text, p text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
BEGIN
	EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM sim_row WHERE spsa_allows_row(%L, %L, ''n'', n, ''t'', t)', o, p) INTO ids;
	RETURN ids;
END
$$;

CREATE PROCEDURE sim_compare(first integer, last integer) LANGUAGE plpgsql AS $$
DECLARE
	session uuid;
	token text;
	free boolean[];
	sets text[];
	simulated text;
	activated text;
	all_free boolean;
	s text;
BEGIN
	FOR w IN first..last LOOP
		PERFORM setseed((w % 1000) / 1000.0);
		CALL sim_world(w, session, token, free);
		FOR round IN 1..4 LOOP
			sets := ARRAY(SELECT x FROM unnest(ARRAY['w' || w || '_g'] || ARRAY(SELECT 'w' || w || '_' || i FROM generate_series(1, 7) i)) WITH ORDINALITY u (x, n)
				WHERE random() < 0.15 * round ORDER BY CASE WHEN round < 4 THEN n ELSE random() END);
			simulated := NULL;
			activated := NULL;
			DELETE FROM sim_answer;
			DELETE FROM sim_said;
			SET LOCAL ROLE regress_spsa_sim_app;
			PERFORM spsa_attach(token);
			CALL sim_ask(w, 'before');
			BEGIN
				INSERT INTO sim_said SELECT w, x.kind, x.object::text, x.name, x.privileges, x.rows_before, x.rows_after, x.note FROM spsa_simulate(session, sets) x;
			EXCEPTION WHEN insufficient_privilege OR check_violation OR undefined_object THEN
				simulated := SQLSTATE;
			END;
			CALL sim_ask(w, 'simulated');
			BEGIN
				FOREACH s IN ARRAY sets LOOP
					PERFORM spsa_activate_own(s, reason => 'a test');
				END LOOP;
				CALL sim_ask(w, 'after');
			EXCEPTION WHEN insufficient_privilege OR check_violation THEN
				activated := CASE WHEN SQLERRM LIKE '%must be assigned%' OR SQLERRM LIKE '%cannot be used%' THEN '42704' ELSE SQLSTATE END;
			END;
			PERFORM spsa_deactivate_all();
			PERFORM spsa_detach();
			RESET ROLE;
			all_free := COALESCE((SELECT bool_and(free[substring(x FROM '_(\d)$')::integer]) FROM unnest(sets) x WHERE x ~ '_\d$'), true);
			CALL sim_judge(w, sets, simulated, activated, all_free);
		END LOOP;
	END LOOP;
END
$$;
CREATE TABLE sim_difference (world integer, sets text[], what text);
CREATE TABLE sim_count (what text, n bigint);
CREATE PROCEDURE sim_judge(w integer, sets text[], simulated text, activated text, free boolean) LANGUAGE sql AS $$
	INSERT INTO sim_difference SELECT w, sets, format('refused: %s, activation: %s', simulated, activated) WHERE simulated IS DISTINCT FROM activated;
	-- Nothing has changed by it.
	INSERT INTO sim_difference SELECT w, sets, 'in effect: ' || b.question || ' ' || b.object
	FROM sim_answer b JOIN sim_answer m USING (question, object) WHERE b.moment = 'before' AND m.moment = 'simulated'
		AND b.privilege IS NOT DISTINCT FROM m.privilege AND b.answer IS DISTINCT FROM m.answer;
	-- Gained and not said, or the other way round.
	INSERT INTO sim_difference SELECT w, sets, concat_ws(' ', 'said', d.kind, d.what, d.privilege, d.said, 'gained', d.gained)
	FROM (
		SELECT b.question AS kind, b.object AS what, b.privilege, b.answer IS DISTINCT FROM a.answer AS gained, EXISTS (
			SELECT FROM sim_said s WHERE CASE b.question WHEN 'row' THEN s.kind = 'object' AND s.object = b.object AND b.privilege = ANY (s.privileges)
				WHEN 'field' THEN s.kind = 'field' AND s.object || '.' || s.name = b.object AND b.privilege = ANY (s.privileges)
				WHEN 'function' THEN s.kind = 'function' AND s.name = 'public.' || b.object ELSE s.kind = b.question AND s.name = b.object END) AS said
		FROM sim_answer b JOIN sim_answer a ON a.moment = 'after' AND a.question = b.question AND a.object = b.object AND a.privilege IS NOT DISTINCT FROM b.privilege
		WHERE b.moment = 'before' AND b.question <> 'rows') d
	WHERE activated IS NULL AND CASE WHEN d.kind = 'row' THEN d.gained AND NOT d.said ELSE d.gained <> d.said END;
	INSERT INTO sim_difference SELECT w, sets, concat_ws(' ', 'rows of', s.object, s.rows_before, s.rows_after, 'are', b.answer, a.answer, s.note)
	FROM sim_said s JOIN sim_answer b ON b.moment = 'before' AND b.question = 'rows' AND b.object = s.object
		JOIN sim_answer a ON a.moment = 'after' AND a.question = 'rows' AND a.object = s.object
	WHERE s.kind = 'object' AND 'read' = ANY (s.privileges) AND CASE WHEN free
		THEN (s.rows_before, s.rows_after) IS DISTINCT FROM (b.answer::bigint, a.answer::bigint) OR s.note IS NOT NULL
		ELSE (s.rows_before, s.rows_after) IS DISTINCT FROM (NULL::bigint, NULL::bigint) AND (s.rows_before, s.rows_after) IS DISTINCT FROM (b.answer::bigint, a.answer::bigint) END;
	INSERT INTO sim_count SELECT COALESCE('refused ' || simulated, 'simulated'), 1
	UNION ALL SELECT 'gain: ' || kind, 1 FROM sim_said
	UNION ALL SELECT 'gain: ' || p, 1 FROM sim_said, unnest(privileges) p WHERE kind = 'object'
	UNION ALL SELECT CASE WHEN rows_after IS NULL THEN 'rows not counted' WHEN rows_before = 0 THEN 'rows from none' WHEN rows_after > rows_before THEN 'more rows' ELSE 'as many rows' END, 1
		FROM sim_said WHERE kind = 'object' AND 'read' = ANY (privileges)
	UNION ALL SELECT 'no gain', 1 WHERE simulated IS NULL AND NOT EXISTS (SELECT FROM sim_said);
$$;
CALL sim_compare(1, 30);
SELECT * FROM sim_difference LIMIT 20;
SELECT what COLLATE "C", sum(n) >= 5 AS often FROM sim_count WHERE what <> 'as many rows' GROUP BY 1 ORDER BY 1;

--
-- spsa_test_as(): a session that ends with the transaction
--
GRANT regress_spsa_sim_app TO CURRENT_USER;
\set mine 'SELECT spsa_user_name() AS user_name, (SELECT count(*) FROM sim_order) AS orders, spsa_has_permission(''approve_pay'') AS approve'
BEGIN;
SELECT spsa_test_as('ann', '{pay,editor}') = spsa_session_id() AS attached;
SET LOCAL ROLE regress_spsa_sim_app;
:mine;
SELECT * FROM sim_salary;
SELECT spsa_session_info() - '{SessionId,CreatedDate,LastModifiedDate,AuthenticatedDate,NumSecondsValid,SourceIp}'::text[] - 'Actor' AS info;
SELECT set_name, in_effect FROM spsa.live_activation WHERE session_id = spsa_session_id() ORDER BY set_name;
SELECT user_name, login_type, actor = session_user AS actor FROM spsa.live_session WHERE session_id = spsa_session_id();
SELECT count(*) AS shown FROM spsa.session_perm_set_activation WHERE auth_session_id = spsa_session_id();
COMMIT;
-- A test decides nothing, for that would outlast it, and manages nobody's activations; also after it has let its session go.
SELECT session_id AS real_session FROM spsa_open_session('ann') \gset
BEGIN;
SELECT spsa_test_as('bob') IS NOT NULL AS attached;
SAVEPOINT s;
SELECT spsa_approve_activation(gen_random_uuid());
:code
ROLLBACK TO s;
SELECT spsa_deny_activation(gen_random_uuid(), 'no');
:code
ROLLBACK TO s;
SELECT spsa_detach();
SELECT * FROM spsa_activate(:'real_session', 'barred');
:code
ROLLBACK;
SELECT spsa_close_session(:'real_session') AS closed;
-- Nothing is left but the event: no session that lives, no activation in effect.
SELECT spsa_session_id() IS NULL AS detached, current_setting('spsa.session_token') AS token;
SELECT count(*) AS live FROM spsa.live_session WHERE login_type = 'test';
SELECT count(*) AS live FROM spsa.valid_session v JOIN spsa.session s USING (session_id) WHERE s.login_type = 'test';
SELECT count(*) AS effective FROM spsa.effective_set e JOIN spsa.session s USING (session_id) WHERE s.login_type = 'test';
SELECT session_id AS gone FROM spsa.session WHERE login_type = 'test' \gset
SELECT spsa_close_session(:'gone') AS closed;
SELECT * FROM spsa_activate(:'gone', 'pay');
:code
SELECT * FROM spsa_simulate(:'gone', '{pay}');
:code
SELECT event, user_name, set_name, actor, detail - 'actor' AS detail, detail ->> 'actor' = session_user AS actor FROM spsa.audit_event WHERE session_id = :'gone' ORDER BY event_id;
-- ROLLBACK takes all of it back, ROLLBACK TO what came after the savepoint.
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
ROLLBACK;
SELECT spsa_user_name();
SELECT count(*) AS events FROM spsa.audit_event WHERE event = 'session_simulated';
SELECT count(*) AS sessions FROM spsa.session WHERE login_type = 'test';
BEGIN;
SAVEPOINT a;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SAVEPOINT b;
SELECT spsa_test_as('bob') IS NOT NULL AS attached;
SELECT spsa_user_name();
ROLLBACK TO b;
SELECT spsa_user_name(), spsa_has_permission('approve_pay');
ROLLBACK TO a;
SELECT spsa_user_name(), spsa_has_permission('approve_pay');
COMMIT;
-- An error after it, and errors of its own: nobody is anybody then.
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT 1 / 0;
COMMIT;
SELECT spsa_user_name();
SELECT spsa_test_as('ann', '{nonsense}');
:code
SELECT spsa_test_as('ann', '{foreign}');
:code
SELECT spsa_test_as('ann', '{member}');
:code
SELECT spsa_test_as('ann', '{one,two}');
:code
SELECT spsa_test_as('nobody');
:code
SELECT spsa_test_as(NULL);
:code
SELECT spsa_test_as('ann', NULL);
:code
SELECT spsa_test_as('ann', '{NULL}');
:code
SELECT spsa_user_name();
BEGIN READ ONLY;
SELECT spsa_test_as('ann');
:code
ROLLBACK;
BEGIN;
SELECT spsa_disable_user('bob') > 0 AS had_sessions;
SELECT spsa_test_as('bob');
:code
ROLLBACK;
-- Rules are not asked, groups are.
BEGIN;
SELECT spsa_test_as('ann', '{base,approved,reasoned,barred,crew,member}') IS NOT NULL AS attached;
SELECT set_name FROM spsa.live_activation WHERE session_id = spsa_session_id() ORDER BY 1;
ROLLBACK;
-- RESET, DISCARD and detaching end it for good: nobody has the token.
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
RESET spsa.session_token;
SELECT spsa_user_name();
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
RESET ALL;
SET LOCAL client_min_messages = warning;
SELECT spsa_user_name();
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT spsa_detach();
SELECT spsa_user_name();
ROLLBACK;
SET client_min_messages = warning;
SET jit = off;
-- Closed within it.
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT spsa_close_session() AS closed;
SELECT spsa_user_name();
SELECT count(*) FROM sim_order;
ROLLBACK;
BEGIN;
SELECT spsa_test_as('bob') IS NOT NULL AS attached;
SELECT spsa_close_user_sessions('bob') AS closed;
SELECT spsa_user_name();
ROLLBACK;
-- Outside of a transaction block.
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT spsa_user_name();
DISCARD ALL;
SET client_min_messages = warning;
SET jit = off;
SELECT spsa_user_name();
-- The session that was attached before comes back.
SELECT spsa_attach_connection(:'bob_token') = :'bob' AS attached;
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT spsa_user_name();
SELECT actor FROM spsa.live_session WHERE session_id = spsa_session_id();
COMMIT;
SELECT spsa_user_name();
SELECT spsa_detach();
-- What is derived from it, or replaces its token, ends with it; within it, it lives.
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT token AS child_token FROM spsa_derive_session('{base,pay}') \gset
SELECT spsa_rotate_token() AS other_token \gset
SELECT spsa_user_name();
SELECT spsa_attach(:'child_token') IS NOT NULL AS attached;
SELECT spsa_user_name();
SELECT spsa_attach(:'other_token') IS NOT NULL AS attached;
COMMIT;
SELECT spsa_attach(:'child_token');
:code
SELECT spsa_attach(:'other_token');
:code
BEGIN;
SELECT spsa_test_as('ann', '{pay}') IS NOT NULL AS attached;
SELECT token AS child_token FROM spsa_derive_session('{base,pay}') \gset
SELECT spsa_attach_connection(:'child_token') IS NOT NULL AS attached;
SELECT spsa_user_name();
COMMIT;
SELECT spsa_user_name();
SELECT count(*) FROM sim_order WHERE spsa_allows('sim_order', 'read');
:code
SELECT spsa_detach();
-- That it is over does not depend on the signal of its row.
ALTER TABLE spsa.session_end DISABLE TRIGGER signal;
BEGIN;
SELECT spsa_test_as('ann') AS unsignalled \gset
SELECT spsa_user_name();
COMMIT;
SELECT spsa_close_session(:'unsignalled') AS closed;
ALTER TABLE spsa.session_end ENABLE ALWAYS TRIGGER signal;
-- In procedures: the commit ends it.
CREATE PROCEDURE sim_commits() LANGUAGE plpgsql AS $$
BEGIN
	PERFORM spsa_test_as('ann', '{pay}');
	RAISE WARNING 'before: %', spsa_user_name();
	COMMIT;
	RAISE WARNING 'after: %', spsa_user_name();
END
$$;
CALL sim_commits();
-- It closes no session for the limit, and is no use of what it activates.
SET spsa.session_limit = 1;
SET spsa.session_limit_action = 'end_oldest';
SELECT count(*) AS live FROM spsa.live_session WHERE user_name = 'bob';
BEGIN;
SELECT spsa_test_as('bob', '{foreign}') IS NOT NULL AS attached;
COMMIT;
SELECT count(*) AS live FROM spsa.live_session WHERE user_name = 'bob';
RESET spsa.session_limit;
RESET spsa.session_limit_action;
SELECT user_name, set_name FROM spsa.unused_assignment WHERE user_name = 'bob';
-- A plan that was made in it is of no use after it.
PREPARE orders AS SELECT count(*) FROM sim_order;
SET plan_cache_mode = force_generic_plan;
BEGIN;
SELECT spsa_test_as('ann', '{wide}') IS NOT NULL AS attached;
SET LOCAL ROLE regress_spsa_sim_app;
EXECUTE orders;
COMMIT;
SET ROLE regress_spsa_sim_app;
EXECUTE orders;
RESET ROLE;
RESET plan_cache_mode;
-- It is nobody's, and not handed over with the administration.
SELECT has_function_privilege('public', p, 'EXECUTE') AS everybody FROM (VALUES ('spsa_test_as(text, text[])'::regprocedure), ('spsa_simulate(uuid, text[], bigint)')) v (p);
SELECT spsa_grant_administration('regress_spsa_sim_stranger');
SELECT has_function_privilege('regress_spsa_sim_stranger', 'spsa_test_as(text, text[])', 'EXECUTE') AS delegate;
SELECT spsa_purge() > 0 AS purged;
SELECT count(*) AS sessions FROM spsa.session WHERE login_type = 'test';

REVOKE ALL ON SCHEMA spsa FROM regress_spsa_sim_auditor;
DROP EXTENSION spsa CASCADE;
DROP TABLE sim_order, sim_salary, sim_mixed, sim_open, sim_ungranted, sim_tree, sim_coded, sim_a, sim_b, sim_p, sim_row, sim_answer, sim_said,
	sim_difference, sim_count;
DROP FUNCTION sim_pay, sim_policy, sim_f1, sim_f2, sim_chance, sim_choice, sim_rows;
DROP PROCEDURE sim_world, sim_ask, sim_compare, sim_judge, sim_commits;
DROP OPERATOR CLASS sim_code_ops USING btree CASCADE;
DROP TYPE sim_code CASCADE;
DROP SEQUENCE sim_calls;
DROP ROLE regress_spsa_sim_app, regress_spsa_sim_auditor, regress_spsa_sim_stranger;
