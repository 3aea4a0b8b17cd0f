-- audit_partition: the audit trail in partitions by time. Times and names of partitions are those of the day, so only their
-- number and order are shown.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
CREATE ROLE regress_spsa_app;
CREATE VIEW partition AS
SELECT c.oid::regclass AS partition, c.relname = 'audit_event_default' AS is_default,
	pg_get_expr(c.relpartbound, c.oid) AS bound,
	row_number() OVER (ORDER BY c.relname = 'audit_event_default', c.relname) AS n
FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'spsa.audit_event'::regclass;
-- where events are
CREATE VIEW place AS
SELECT p.n, p.is_default, count(e.event_id) AS events
FROM partition p LEFT JOIN spsa.audit_event e ON e.tableoid = p.partition GROUP BY 1, 2 ORDER BY 1;
SELECT spsa_create_user('ann') IS NOT NULL AS made, spsa_create_permission_set('gated', activation_required => true) IS NOT NULL AS made;
SELECT spsa_assign('ann', 'gated');
SELECT session_id AS session, token FROM spsa_open_session('ann', db_role => NULL) \gset
SELECT already_active FROM spsa_activate(:'session', 'gated');
-- one partition takes all
SELECT * FROM place;
SELECT count(*) FROM spsa_verify_audit();
SELECT spsa_audit_head() AS before_all \gset

--
-- Not for everybody
--
SET ROLE regress_spsa_app;
SELECT spsa_partition_audit();
SELECT spsa_prune_audit(:'before_all');
SELECT count(*) FROM spsa.audit_event;
SELECT count(*) FROM spsa.audit_event_default;
RESET ROLE;

--
-- Bad arguments
--
SELECT spsa_partition_audit('fortnight');
SELECT spsa_partition_audit(NULL);
SELECT spsa_partition_audit('month', NULL);
SELECT spsa_partition_audit('month', -1);
SELECT spsa_partition_audit('month', 101);
SELECT spsa_prune_audit(NULL);
SELECT spsa_prune_audit('x');
SELECT spsa_prune_audit(:'before_all');
SELECT * FROM place;

--
-- Partitions are made: what was there is one, with its chain; defaults of privileges do not open them
--
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA spsa GRANT ALL ON TABLES TO regress_spsa_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO regress_spsa_app;
BEGIN;
SELECT spsa_partition_audit();
SELECT * FROM place;
SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + '4 months' = max(substring(bound FROM 'TO \(''(.*)''\)')::timestamptz) AT TIME ZONE 'UTC' AS ends_in_time
FROM partition;
ROLLBACK;
SELECT * FROM place;
SELECT spsa_partition_audit('quarter', 1);
SELECT * FROM place;
-- once more: nothing to do; and more ahead, of another period
SELECT spsa_partition_audit('quarter', 1);
SELECT spsa_partition_audit('day', 0);
SELECT spsa_partition_audit('year', 1) > 0 AS made;
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA spsa REVOKE ALL ON TABLES FROM regress_spsa_app;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM regress_spsa_app;
SELECT count(*) FILTER (WHERE is_default) AS default_partitions, bool_and(obj_description(partition, 'pg_class') IS NOT NULL) AS commented,
	bool_and(deptype = 'e') AS of_the_extension, bool_or(has_table_privilege('regress_spsa_app', partition, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')) AS open,
	bool_or(has_type_privilege('regress_spsa_app', c.reltype, 'USAGE')) AS type_usable,
	bool_and(t.tgenabled = 'A' AND t.tgfoid = 'spsa.chain_event'::regproc) AS chained
FROM partition p LEFT JOIN pg_class c ON c.oid = p.partition LEFT JOIN pg_trigger t ON t.tgrelid = p.partition AND t.tgname = 'chain_event'
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = p.partition AND d.deptype = 'e';
-- bounds follow each other
SELECT count(*) AS gaps FROM (SELECT bound, lag(substring(bound FROM 'TO \((.*)\)')) OVER (ORDER BY n) AS last FROM partition WHERE NOT is_default) b
WHERE last IS NOT NULL AND bound NOT LIKE 'FOR VALUES FROM (' || last || ')%';
SELECT bound LIKE 'FOR VALUES FROM (MINVALUE)%' AS begins FROM partition WHERE n = 1;

--
-- Events go on, by function and by trigger, each linked to the one before it
--
SELECT spsa_deactivate(:'session', 'gated');
SELECT spsa_close_session(:'session');
SELECT spsa_create_user('bob') IS NOT NULL AS made;
SELECT count(*) FROM spsa_verify_audit(:'before_all');
SELECT event, previous_id IS NOT NULL AS is_linked FROM spsa.audit_event WHERE session_id = :'session' ORDER BY event_id;
SELECT event, actor, set_name FROM spsa_user_activity('ann') ORDER BY event_id;
-- from one partition to the next, and into the default one
INSERT INTO spsa.audit_event (at, event, session_id) SELECT now() + i * '1 year'::interval, 'later', :'session' FROM unnest('{1,2,50,51}'::integer[]) i;
SELECT e.event, p.is_default, e.tableoid <> lag(e.tableoid) OVER w AS crosses, e.previous_id = lag(e.event_id) OVER w AS is_linked
FROM spsa.audit_event e JOIN partition p ON p.partition = e.tableoid WHERE session_id = :'session' WINDOW w AS (ORDER BY event_id) ORDER BY event_id;
SELECT count(*) FROM spsa_verify_audit(:'before_all');
-- what the default partition has becomes one
SELECT spsa_partition_audit('year', 0);
SELECT is_default, events FROM place WHERE events > 0 OR is_default;
SELECT count(*) FROM spsa_verify_audit(:'before_all');
-- the trigger is for the table and its partitions
CREATE TABLE own (LIKE spsa.audit_event);
CREATE TRIGGER chain BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION spsa.chain_event();
INSERT INTO own (event_id, at, event, database_role, detail) VALUES (1, now(), 'x', 'y', '{}');
DELETE FROM spsa.audit_event WHERE event = 'later';

--
-- Pruned: what is older than the head, as a whole
--
DROP EXTENSION spsa CASCADE;
CREATE EXTENSION spsa;
CREATE VIEW partition AS
SELECT c.oid::regclass AS partition, c.relname = 'audit_event_default' AS is_default,
	row_number() OVER (ORDER BY c.relname = 'audit_event_default', c.relname) AS n
FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'spsa.audit_event'::regclass;
CREATE VIEW place AS
SELECT p.n, p.is_default, count(e.event_id) AS events
FROM partition p LEFT JOIN spsa.audit_event e ON e.tableoid = p.partition GROUP BY 1, 2 ORDER BY 1;
-- two years ago somebody made partitions
CREATE TABLE spsa.audit_event_before_20200101 PARTITION OF spsa.audit_event FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE spsa.audit_event_before_20210101 PARTITION OF spsa.audit_event FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
ALTER EXTENSION spsa ADD TABLE spsa.audit_event_before_20200101;
ALTER EXTENSION spsa ADD TABLE spsa.audit_event_before_20210101;
INSERT INTO spsa.audit_event (at, event) SELECT t, 'old' FROM unnest('{2019-06-01,2019-07-01,2020-06-01,2021-06-01}'::timestamptz[]) t;
SELECT spsa_create_user('ann') IS NOT NULL AS made;
-- under a snapshot that is older than some of the events
\setenv PGDATABASE :DBNAME
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM spsa.audit_event;
\! psql -XAqtc "SELECT spsa_create_user('bob') IS NOT NULL"
SELECT spsa_partition_audit('year', 0);
COMMIT;
SELECT * FROM place;
SELECT count(*) FROM spsa_verify_audit();
SELECT spsa_audit_head() AS head \gset
SELECT spsa_audit_head('2020-03-01') AS pruned \gset
-- nothing is all older
SELECT spsa_audit_head('2019-03-01') AS earlier \gset
SELECT spsa_prune_audit(:'earlier');
SELECT spsa_prune_audit(:'pruned');
SELECT * FROM place;
SELECT event, detail ->> 'partitions' AS partitions FROM spsa.audit_event WHERE event = 'audit_prune';
-- nothing is missing but what was pruned
SELECT problem FROM spsa_verify_audit(:'head', :'pruned');
SELECT problem FROM spsa_verify_audit(:'head');
SELECT spsa_prune_audit(:'pruned');
-- the next one builds on it
SELECT spsa_audit_head('2022-01-01', :'pruned') AS pruned \gset
SELECT spsa_prune_audit(:'pruned');
SELECT * FROM place;
SELECT problem FROM spsa_verify_audit(:'head', :'pruned');
-- an event that was removed from within what is kept shows
DELETE FROM spsa.audit_event WHERE event_id = (SELECT event_id FROM spsa.audit_event WHERE event = 'app_user_insert' AND user_name = 'ann');
SELECT problem FROM spsa_verify_audit(:'head', :'pruned');

DROP VIEW place, partition;
DROP TABLE own;
DROP EXTENSION spsa;
SELECT count(*) FROM pg_class WHERE relname LIKE 'audit_event%';
DROP ROLE regress_spsa_app;
