-- hostile_engine.sql - attempts to make the engine show what it must not: what is kept between statements (shapes, plans,
-- definitions, values) against what changes meanwhile. The attacker is an ordinary role with the tokens of two users.
SET client_min_messages = warning;
CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_engine_attacker LOGIN;
\set dba :USER
GRANT CREATE ON SCHEMA public TO regress_spsa_engine_attacker;
CREATE TABLE engine_one (id integer, region text);
CREATE TABLE engine_two (id integer, region text);
INSERT INTO engine_one VALUES (1, 'EU'), (2, 'US');
INSERT INTO engine_two VALUES (1, 'EU'), (2, 'US');
GRANT SELECT ON engine_one, engine_two TO regress_spsa_engine_attacker;
SELECT spsa_protect(t, '{region}') FROM unnest('{engine_one,engine_two}'::regclass[]) t \g /dev/null
SELECT spsa_create_user('ann', '{"region": "EU", "other": "zzz"}'), spsa_create_user('ben', '{"region": "US"}'), spsa_create_permission_set('own') \g /dev/null
SELECT spsa_grant_object('own', t, '{read}', true), spsa_grant_rows('own', t, 'region', attribute => 'region') FROM unnest('{engine_one,engine_two}'::regclass[]) t \g /dev/null
SELECT spsa_assign('ann', 'own'), spsa_assign('ben', 'own') \g /dev/null
SELECT session_id AS ann_id, token AS ann FROM spsa_open_session('ann', db_role => 'regress_spsa_engine_attacker') \gset
SELECT token AS ben FROM spsa_open_session('ben', db_role => 'regress_spsa_engine_attacker') \gset

-- An attribute for each row is not that of the first one.
SET SESSION AUTHORIZATION regress_spsa_engine_attacker;
SELECT spsa_attach_connection(:'ann') \g /dev/null
SELECT a, spsa_session_value(a, NULL::text), spsa_session_values(a, NULL::text) FROM (VALUES ('region'), ('other'), ('none')) v(a);
DO $$
DECLARE
	a text;
BEGIN
	FOREACH a IN ARRAY '{region,other,none}'::text[] LOOP
		RAISE WARNING '%: %', a, spsa_session_value(a, NULL::text);
	END LOOP;
END $$;

-- What is renamed does not keep a permission by its former name, and what gets the name has it only as an administrator sees it.
CREATE FUNCTION engine_pay(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TABLE engine_pay_roll (id integer, salary integer, bonus integer);
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_object('own', 'engine_pay_roll', '{read}') \g /dev/null
INSERT INTO spsa.function_permission SELECT set_id, 'engine_pay(integer)' FROM spsa.permission_set WHERE set_name = 'own';
INSERT INTO spsa.protected_field (object, field) VALUES ('engine_pay_roll', 'bonus');
SET SESSION AUTHORIZATION regress_spsa_engine_attacker;
PREPARE may_pay AS SELECT count(*) FROM engine_one WHERE spsa_allows_function('engine_pay(integer)');
SELECT spsa_allows_function('engine_pay(integer)');
EXECUTE may_pay;
SELECT spsa_allows_field('engine_pay_roll', 'salary', 'read'), spsa_allows_field('engine_pay_roll', 'bonus', 'read');
ALTER FUNCTION engine_pay(integer) RENAME TO engine_paid;
SELECT spsa_allows_function('engine_paid(integer)');
EXECUTE may_pay;
EXECUTE may_pay;
CREATE FUNCTION engine_pay(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
ALTER TABLE engine_pay_roll RENAME bonus TO extra;
SELECT spsa_allows_field('engine_pay_roll', 'extra', 'read');
ALTER TABLE engine_pay_roll RENAME extra TO bonus;
SELECT spsa_allows_field('engine_pay_roll', 'bonus', 'read');
DEALLOCATE may_pay;

-- A function that is evaluated while the plan is made exchanges the session: one table is folded for each of the two.
CREATE TABLE engine_token AS SELECT :'ben' AS token;
CREATE FUNCTION engine_switch(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM spsa_attach_connection(token) FROM engine_token;
	RETURN $1;
END $$;
SET plan_cache_mode = force_generic_plan;
SET spsa.share_plans = off;
PREPARE both_users AS SELECT DISTINCT v.c, t1.region AS one, t2.region AS two FROM engine_one t1, (VALUES (1), (engine_switch(2))) v(c), (SELECT * FROM engine_two) t2;
SELECT spsa_attach_connection(:'ann') \g /dev/null
\set VERBOSITY sqlstate
EXECUTE both_users;
RESET SESSION AUTHORIZATION;
SELECT spsa_close_session(:'ann_id');
SET SESSION AUTHORIZATION regress_spsa_engine_attacker;
SELECT spsa_user_name();
EXECUTE both_users;
EXECUTE both_users;
\set VERBOSITY default
RESET spsa.share_plans;

-- A function that prunes partitions when the plan starts exchanges the session.
CREATE TABLE engine_part (k integer) PARTITION BY LIST (k);
CREATE TABLE engine_part_1 PARTITION OF engine_part FOR VALUES IN (1);
CREATE TABLE engine_part_2 PARTITION OF engine_part FOR VALUES IN (2);
INSERT INTO engine_part VALUES (1), (2);
CREATE FUNCTION engine_prune() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_cursors WHERE name = 'c') THEN
		PERFORM spsa_attach_connection(token) FROM engine_token;
	END IF;
	RETURN 1;
END $$;
RESET SESSION AUTHORIZATION;
SELECT token AS ann FROM spsa_open_session('ann', db_role => 'regress_spsa_engine_attacker') \gset
SET SESSION AUTHORIZATION regress_spsa_engine_attacker;
SELECT spsa_attach_connection(:'ann') \g /dev/null
BEGIN;
DECLARE c CURSOR FOR SELECT o.region, spsa_user_name() FROM engine_part, engine_one o WHERE engine_part.k = engine_prune();
ROLLBACK;

-- A function looks at what its own statement has changed, before the statement's signals are there, and undoes it.
RESET SESSION AUTHORIZATION;
SELECT spsa_create_permission_set('gated', activation_required => true), spsa_grant_object('gated', 'engine_one', '{read}'), spsa_assign('ben', 'gated') \g /dev/null
CREATE TABLE engine_target AS SELECT s.session_id, a.set_id, a.assignment_id, :'ben' AS token
FROM spsa.session s JOIN spsa.assignment a USING (user_id) JOIN spsa.permission_set p USING (set_id)
WHERE p.set_name = 'gated' AND NOT EXISTS (SELECT FROM spsa.session_end e WHERE e.session_id = s.session_id);
GRANT SELECT ON engine_target TO regress_spsa_engine_attacker;
GRANT USAGE ON SCHEMA spsa TO regress_spsa_engine_attacker;
GRANT USAGE ON SEQUENCE spsa.activation_id_seq TO regress_spsa_engine_attacker;
GRANT INSERT, SELECT ON spsa.activation TO regress_spsa_engine_attacker;
GRANT UPDATE, SELECT ON spsa.object_permission TO regress_spsa_engine_attacker;
\c - regress_spsa_engine_attacker
SET client_min_messages = warning;
CREATE FUNCTION engine_look() RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM 1;
	PERFORM spsa_attach(token) FROM engine_target;
	RAISE EXCEPTION 'seen: %', (SELECT count(*) FROM engine_one);
END $$;
DO $$
BEGIN
	WITH i AS (INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at)
		SELECT session_id, set_id, assignment_id, now() + interval '1 hour' FROM engine_target RETURNING 1)
	SELECT engine_look() FROM i;
EXCEPTION WHEN raise_exception THEN
	RAISE WARNING '%', SQLERRM;
END $$;
SELECT spsa_attach_connection(token) IS NOT NULL AS attached FROM engine_target;
SELECT count(*) FROM engine_one;
\c - regress_spsa_engine_attacker
SET client_min_messages = warning;
DO $$
BEGIN
	WITH i AS (UPDATE spsa.object_permission SET row_scoped = false WHERE object = 'engine_one'::regclass AND row_scoped RETURNING 1)
	SELECT engine_look() FROM i;
EXCEPTION WHEN raise_exception THEN
	RAISE WARNING '%', SQLERRM;
END $$;
SELECT spsa_attach_connection(token) IS NOT NULL AS attached FROM engine_target;
SELECT count(*) FROM engine_one;

-- A CHECK says what held for who wrote the row: it must not hide the row from others.
\c - :dba
SET client_min_messages = warning;
INSERT INTO spsa.custom_permission (permission_name) VALUES ('large_amounts');
CREATE TABLE engine_sum (id integer, amount integer CHECK (spsa_has_permission('large_amounts') OR amount < 1000));
INSERT INTO engine_sum VALUES (1, 5000);
INSERT INTO spsa.custom_permission_grant SELECT set_id, permission_id FROM spsa.permission_set, spsa.custom_permission WHERE set_name = 'own' AND permission_name = 'large_amounts';
GRANT SELECT ON engine_sum TO regress_spsa_engine_attacker;
SELECT token AS ben FROM spsa_open_session('ben', db_role => NULL) \gset
SELECT spsa_attach_connection(:'ben') \g /dev/null
INSERT INTO engine_sum VALUES (1, 5000);
DELETE FROM spsa.custom_permission_grant;
SET constraint_exclusion = on;
SELECT count(*) FROM engine_sum WHERE amount > 1000;
INSERT INTO engine_sum VALUES (2, 5000);
-- A name that policies ask for does not get another meaning.
UPDATE spsa.custom_permission SET permission_name = 'small_amounts' WHERE permission_name = 'large_amounts';

-- A session that is restricted to a member of a group does not escape what the group is excluded by.
SELECT spsa_create_user('cat'), spsa_create_permission_set('team', kind => 'group'), spsa_create_permission_set('inner_set'), spsa_create_permission_set('other_set') \g /dev/null
SELECT spsa_add_group_member('team', 'inner_set'), spsa_exclude('team', 'other_set', 'dynamic'), spsa_grant_object('inner_set', 'engine_one', '{read}'), spsa_grant_object('other_set', 'engine_two', '{read}') \g /dev/null
SELECT spsa_assign('cat', 'team'), spsa_assign('cat', 'other_set') \g /dev/null
SELECT spsa_attach_connection(token) AS attached FROM spsa_open_session('cat', db_role => NULL) \gset
SELECT spsa_allows('engine_one', 'read'), spsa_allows('engine_two', 'read');
SELECT spsa_attach_connection(token) AS attached FROM spsa_open_session('cat', db_role => NULL, sets => '{inner_set,other_set}') \gset
SELECT spsa_allows('engine_one', 'read'), spsa_allows('engine_two', 'read');
SELECT spsa_attach_connection(token) AS attached FROM spsa_open_session('cat', db_role => NULL, sets => '{inner_set}') \gset
SELECT spsa_allows('engine_one', 'read'), spsa_allows('engine_two', 'read');

-- An activation by way of a group does not come back with a member that was taken out and put back.
SELECT spsa_create_permission_set('gated_member', activation_required => true), spsa_grant_object('gated_member', 'engine_two', '{read}'), spsa_add_group_member('team', 'gated_member') \g /dev/null
SELECT spsa_attach_connection(token) AS attached FROM spsa_open_session('cat', db_role => NULL, sets => '{team}') \gset
SELECT already_active FROM spsa_activate_own('gated_member');
SELECT spsa_allows('engine_two', 'read');
SELECT spsa_remove_group_member('team', 'gated_member');
SELECT spsa_allows('engine_two', 'read');
SELECT spsa_add_group_member('team', 'gated_member');
SELECT spsa_allows('engine_two', 'read');
SELECT already_active FROM spsa_activate_own('gated_member');
SELECT spsa_allows('engine_two', 'read');

-- A function that goes with a temporary table, without an event trigger, does not leave its permission to another one.
SELECT spsa_detach() \g /dev/null
CREATE TEMP TABLE engine_temp (a integer);
CREATE FUNCTION engine_approve(integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT a + $1 FROM engine_temp LIMIT 1; END;
SELECT spsa_grant_function('own', 'engine_approve(integer)');
\c - :dba
SET client_min_messages = warning;
-- The former connection may take a moment to end.
DO $$
BEGIN
	FOR i IN 1 .. 600 LOOP
		EXIT WHEN to_regprocedure('engine_approve(integer)') IS NULL;
		PERFORM pg_sleep(0.05);
		COMMIT;
	END LOOP;
END $$;
SELECT to_regprocedure('engine_approve(integer)') IS NULL AS gone;
CREATE FUNCTION engine_approve(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
SELECT spsa_attach_connection(:'ben') AS attached \gset
SELECT spsa_allows_function('engine_approve(integer)');
DROP FUNCTION engine_approve(integer);

SELECT spsa_detach() \g /dev/null
DROP TABLE engine_sum, engine_target;
DROP TABLE engine_one, engine_two;
DROP OWNED BY regress_spsa_engine_attacker CASCADE;
DROP EXTENSION spsa CASCADE;
DROP ROLE regress_spsa_engine_attacker;
