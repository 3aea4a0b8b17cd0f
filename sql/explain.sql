-- explain: spsa_explain(): why something is allowed, or is not, what would help, and what an ordinary session is not told.

CREATE EXTENSION spsa;
ALTER DATABASE :DBNAME SET session_preload_libraries = 'spsa';
\c -
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
CREATE ROLE regress_spsa_explain_app;
CREATE ROLE regress_spsa_explain_owner;
CREATE ROLE regress_spsa_explain_admin;
CREATE ROLE regress_spsa_explain_part;
CREATE TABLE explain_order (id integer PRIMARY KEY, region text, branch integer, note varchar(3), hidden text);
CREATE TABLE "Explain Salary" (id integer PRIMARY KEY, amount numeric);
CREATE TABLE explain_free (id integer);
CREATE TABLE explain_lent (id integer);
GRANT CREATE ON SCHEMA public TO regress_spsa_explain_owner;
ALTER TABLE explain_lent OWNER TO regress_spsa_explain_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON explain_order, "Explain Salary", explain_free, explain_lent TO regress_spsa_explain_app;
SELECT spsa_protect('explain_order', '{region,branch}'), spsa_protect('"Explain Salary"');
SELECT spsa_protect_field('"Explain Salary"', 'amount');
SELECT spsa_grant_administration('regress_spsa_explain_owner'), spsa_grant_administration('regress_spsa_explain_admin');
SET ROLE regress_spsa_explain_owner;
SELECT spsa_protect('explain_lent', force => false);
RESET ROLE;

SELECT count(spsa_create_permission_set(s, activation_required => s ~ '^(pay|approve|later|night|step|why|far|rule)')) FROM unnest('{basic,europe,pay,approve,later,night,step,why,far,secret,one,other,third,rule_self}'::text[]) s;
SELECT count(spsa_create_permission_set(s, kind => 'group', activation_required => s = 'gate')) FROM unnest('{team,gate,unseen}'::text[]) s;
SELECT spsa_create_permission_set('quiet', kind => 'muting') > 0;
SELECT count(spsa_create_user(u)) FROM unnest('{ann,bob,eve,watcher,"o''neil"}'::text[]) u;
SELECT spsa_set_user_attributes('ann', '{"branch": 7, "areas": ["EU", "US"]}');

-- What is shown: the columns that are of use, without the identifier of the session.
\set SESSION 00000000-0000-0000-0000-000000000000
\set cols 'permission_set, via, grants, state, lacks, row_predicate, row_matches AS row, replace(remedy, :''SESSION'', ''SESSION'') AS remedy'

--
-- Nobody
--
SET ROLE regress_spsa_explain_app;
SELECT :cols FROM spsa_explain('explain_order', 'read');
SELECT :cols FROM spsa_explain('explain_free', 'read');
RESET ROLE;
SELECT session_id AS gone, token AS gone_token FROM spsa_open_session('eve', db_role => 'regress_spsa_explain_app') \gset
SELECT spsa_close_session(:'gone');
SET ROLE regress_spsa_explain_app;
SET spsa.session_token = :'gone_token';
SELECT :cols FROM spsa_explain('explain_order', 'read');
RESET spsa.session_token;
RESET ROLE;
SELECT :cols FROM spsa_explain('explain_order', 'read');
SET ROLE regress_spsa_explain_owner;
SELECT :cols FROM spsa_explain('explain_lent', 'read');
RESET ROLE;

--
-- The attached session
--
SELECT session_id AS "SESSION", token AS ann FROM spsa_open_session('ann', db_role => 'regress_spsa_explain_app') \gset
SET ROLE regress_spsa_explain_app;
SELECT spsa_attach_connection(:'ann') = :'SESSION' AS attached;
-- Nothing is assigned.
SELECT :cols FROM spsa_explain('explain_order', 'read');
RESET ROLE;
-- All rows, some rows, a privilege that the set does not grant.
SELECT spsa_grant_object('basic', 'explain_order', '{read}'), spsa_grant_object('europe', 'explain_order', '{read,edit}', row_scoped => true),
	spsa_grant_rows('europe', 'explain_order', 'region', '{EU,"O''Brien"}'), spsa_grant_rows('europe', 'explain_order', 'branch', attribute => 'branch'),
	spsa_grant_rows('europe', 'explain_order', 'branch', '{9}', operator => '<', privileges => '{edit}');
SELECT spsa_assign('ann', 'basic'), spsa_assign('ann', 'europe', '2999-01-01');
SET ROLE regress_spsa_explain_app;
SELECT :cols FROM spsa_explain('explain_order', 'read');
SELECT :cols FROM spsa_explain('explain_order', 'edit');
SELECT :cols FROM spsa_explain('explain_order', 'delete');
SELECT permission_set, assigned_until FROM spsa_explain('explain_order', 'edit');
-- A row.
SELECT :cols FROM spsa_explain('explain_order', 'edit', row_values => '{"region": "O''Brien", "branch": 7}');
SELECT :cols FROM spsa_explain('explain_order', 'edit', row_values => '{"region": "EU"}');
SELECT :cols FROM spsa_explain('explain_order', 'edit', row_values => '{"region": "EU", "branch": "7", "note": null}');
SELECT :cols FROM spsa_explain('explain_order', 'read', row_values => '{}');
SELECT state, row_matches FROM spsa_explain('explain_order', 'delete', row_values => '{}');
-- Errors are those of the neighbours.
SELECT FROM spsa_explain('explain_order', 'write');
SELECT FROM spsa_explain(NULL, 'read');
SELECT FROM spsa_explain('explain_order', NULL);
SELECT FROM spsa_explain('explain_nothing', 'read');
SELECT FROM spsa_explain(1, 'read');
SELECT FROM spsa_explain('explain_order', 'read', 'nothing');
SELECT FROM spsa_explain('explain_order', 'delete', 'region');
SELECT FROM spsa_explain('explain_order', 'read', row_values => '[]');
SELECT FROM spsa_explain('explain_order', 'read', row_values => '{"nothing": 1}');
SELECT FROM spsa_explain('explain_order', 'read', row_values => '{"branch": "x"}');
SELECT FROM spsa_explain('explain_order', 'read', row_values => '{"note": "long"}');
RESET ROLE;

--
-- What each way lacks
--
SELECT spsa_grant_object(s, 'explain_order', '{read,create}') FROM unnest('{pay,later,night,step,why,far,one,other,rule_self,approve}'::text[]) s;
SELECT spsa_assign('ann', s) FROM unnest('{pay,night,step,why,far,one,other,rule_self,approve}'::text[]) s;
SELECT spsa_set_activation_rule('night', weekdays => '{}') ;
SELECT spsa_set_activation_rule('night', start_time => (localtime + interval '2 hours')::time, end_time => (localtime + interval '3 hours')::time, time_zone => current_setting('TimeZone'));
SELECT spsa_set_activation_rule('step', min_security_level => 'high_assurance'), spsa_set_activation_rule('why', reason_required => true),
	spsa_set_activation_rule('far', networks => '{10.0.0.0/8}'), spsa_set_activation_rule('rule_self', self_activation => false),
	spsa_set_activation_rule('approve', approvals_required => 1, reason_required => true);
SELECT spsa_exclude('one', 'other', 'dynamic');
SELECT spsa_add_group_member('team', 'third'), spsa_add_group_member('team', 'quiet'), spsa_add_group_member('gate', 'third'), spsa_add_group_member('unseen', 'basic');
SELECT spsa_grant_object('third', 'explain_order', '{read,create,edit,delete}'), spsa_mute('team', 'quiet'), spsa_grant_object('quiet', 'explain_order', '{create}');
SELECT spsa_assign('ann', 'team'), spsa_assign('ann', 'gate');
-- Of a set that is limited to rows, none of which is for the privilege.
SELECT spsa_create_permission_set('dry') > 0, spsa_grant_object('dry', 'explain_order', '{read,create}', row_scoped => true),
	spsa_grant_rows('dry', 'explain_order', 'region', '{EU}', privileges => '{read}'), spsa_assign('ann', 'dry');
-- Over, and to come.
INSERT INTO spsa.assignment (user_id, set_id, starts_at, expires_at)
SELECT spsa.find_user('ann'), spsa.find_set('later'), '2999-01-01 00:00 UTC', NULL;
SELECT spsa_create_permission_set('bygone') > 0, spsa_grant_object('bygone', 'explain_order', '{read,create}');
INSERT INTO spsa.assignment (user_id, set_id, starts_at, expires_at)
SELECT spsa.find_user('ann'), spsa.find_set(s), '2001-01-01 00:00 UTC', '2002-01-01 00:00 UTC' FROM unnest('{bygone,unseen}'::text[]) s;
-- Not assigned, but it grants.
SELECT spsa_grant_object('secret', 'explain_order', '{read,create}');
SET ROLE regress_spsa_explain_app;
SELECT permission_set, via, grants, state, regexp_replace(lacks, ' (from|at) [^,;]*', ' ...') AS lacks, replace(remedy, :'SESSION', 'SESSION') AS remedy FROM spsa_explain('explain_order', 'create');
-- Of an assignment that is over the name, and not what it holds; of a group not its members.
SELECT permission_set, via, grants, state, row_predicate, remedy FROM spsa_explain('explain_order', 'read') WHERE state LIKE 'assignment%';
RESET ROLE;
-- An administrator is told all of it.
SELECT permission_set, via, grants, state, regexp_replace(lacks, ' (from|at) [^,;]*', ' ...') AS lacks, replace(remedy, :'SESSION', 'SESSION') AS remedy FROM spsa_explain('explain_order', 'create', session => :'SESSION');
-- An activation that has run out.
SELECT permission_set FROM spsa_activate(:'SESSION', 'pay', '1 second');
SET ROLE regress_spsa_explain_app;
SELECT permission_set, state, lacks FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'pay' OR permission_set IS NULL;
SELECT pg_sleep(1.1);
SELECT permission_set, state, lacks FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'pay' OR permission_set IS NULL;
-- Each command that is given to the session itself can be run as it is, and changes what is said of the set.
SELECT replace(remedy, 'SELECT ', 'SELECT permission_set, already_active FROM ') FROM spsa_explain('explain_order', 'create') WHERE permission_set IN ('pay', 'why') \gexec
SELECT permission_set, state FROM spsa_explain('explain_order', 'create') WHERE permission_set IN ('pay', 'why') OR permission_set IS NULL;
SELECT remedy AS request FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'approve' \gset
\echo :request
WITH r AS MATERIALIZED (SELECT spsa_request_activation(spsa_session_id(), 'approve', 'reason') AS r) SELECT r IS NOT NULL AS made FROM r;
SELECT permission_set, state, lacks, remedy FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'approve';
SELECT replace(remedy, 'SELECT ', 'SELECT permission_set, already_active FROM ') FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'third' AND via = 'gate' \gexec
SELECT permission_set, via, state FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'third';
RESET ROLE;
-- What excludes it is active: that goes first.
SELECT spsa_set_activation_required('one', true), spsa_set_activation_required('other', true);
SET ROLE regress_spsa_explain_app;
SELECT permission_set FROM spsa_activate_own('one');
SELECT permission_set, state, lacks, remedy FROM spsa_explain('explain_order', 'create') WHERE permission_set IN ('one', 'other');
SELECT remedy FROM spsa_explain('explain_order', 'create') WHERE permission_set = 'other' \gexec
SELECT permission_set, state, lacks, remedy FROM spsa_explain('explain_order', 'create') WHERE permission_set IN ('one', 'other');
RESET ROLE;
-- Row scopes that can match nothing.
SELECT spsa_create_permission_set(s) > 0, spsa_grant_object(s, 'explain_order', '{read,delete,edit}', row_scoped => true), spsa_assign('ann', s) FROM unnest('{unpassed,valueless,many}'::text[]) s;
SELECT spsa_grant_rows('unpassed', 'explain_order', 'hidden', '{x}'), spsa_grant_rows('valueless', 'explain_order', 'branch', attribute => 'nothing'),
	spsa_grant_rows('many', 'explain_order', 'region', ARRAY(SELECT 'region ' || repeat('x', 80) || i FROM generate_series(1, 20) i)),
	spsa_grant_rows('many', 'explain_order', 'region', attribute => 'areas', operator => '<'),
	spsa_grant_rows('many', 'explain_order', 'branch', operator => 'is null');
SET ROLE regress_spsa_explain_app;
SELECT :cols FROM spsa_explain('explain_order', 'delete') WHERE permission_set IN ('unpassed', 'valueless', 'many');
SELECT permission_set, row_matches FROM spsa_explain('explain_order', 'delete', row_values => '{"hidden": "x", "region": "A"}') WHERE permission_set IN ('unpassed', 'valueless', 'many');
RESET ROLE;
SELECT spsa_revoke_assignment('ann', 'many'), spsa_revoke_assignment('ann', 'team'), spsa_revoke_assignment('ann', 'gate'), spsa_revoke_assignment('ann', 'valueless');
SELECT :cols FROM spsa_explain('explain_order', 'delete', session => :'SESSION') WHERE state ~ '^(denied|allowed|matches)';
SELECT remedy FROM spsa_explain('explain_order', 'delete', session => :'SESSION') WHERE permission_set = 'unpassed' \gexec
SELECT :cols FROM spsa_explain('explain_order', 'delete', session => :'SESSION', row_values => '{"hidden": "x"}') WHERE state ~ '^(denied|allowed|matches|effective)';
SELECT spsa_set_user_attributes('ann', '{"branch": "seven"}');
SELECT state FROM spsa_explain('explain_order', 'edit', session => :'SESSION') WHERE permission_set = 'europe';
SELECT state FROM spsa_explain('explain_order', 'edit', session => :'SESSION', row_values => '{}') WHERE permission_set = 'europe';
SELECT spsa_set_user_attributes('ann', '{"branch": 7}');
SELECT spsa_protect('explain_order');
ALTER TABLE explain_order ALTER COLUMN region TYPE varchar;
SELECT spsa_protect('explain_order', '{region,branch}');
SELECT :cols FROM spsa_explain('explain_order', 'edit', session => :'SESSION') WHERE permission_set = 'europe';
SELECT spsa_protect('explain_order');
ALTER TABLE explain_order ALTER COLUMN region TYPE text;
SELECT spsa_protect('explain_order', '{region,branch}');
ALTER TABLE explain_order RENAME COLUMN region TO area;
SELECT :cols FROM spsa_explain('explain_order', 'edit', session => :'SESSION', row_values => '{"area": "EU", "branch": 7}') WHERE permission_set = 'europe';
ALTER TABLE explain_order RENAME COLUMN area TO region;

--
-- Fields
--
SELECT spsa_grant_object('pay', '"Explain Salary"', '{read,edit,create}'), spsa_grant_field('pay', '"Explain Salary"', 'amount', '{read}'),
	spsa_grant_object('basic', '"Explain Salary"', '{read,edit}');
SET ROLE regress_spsa_explain_app;
SELECT spsa_deactivate_own('pay');
SELECT :cols FROM spsa_explain('"Explain Salary"', 'read', 'amount');
SELECT :cols FROM spsa_explain('"Explain Salary"', 'read', 'id');
SELECT :cols FROM spsa_explain('"Explain Salary"', 'create', 'amount');
SELECT permission_set FROM spsa_activate_own('pay');
SELECT :cols FROM spsa_explain('"Explain Salary"', 'read', 'amount', row_values => '{"amount": 1.5}');
SELECT :cols FROM spsa_explain('"Explain Salary"', 'edit', 'amount');
RESET ROLE;
SELECT :cols FROM spsa_explain('"Explain Salary"', 'edit', 'amount', session => :'SESSION');
SELECT remedy FROM spsa_explain('"Explain Salary"', 'edit', 'amount', session => :'SESSION') LIMIT 1 \gexec
SELECT :cols FROM spsa_explain('"Explain Salary"', 'edit', 'amount', session => :'SESSION') LIMIT 1;
-- Of a field the rows of which are out of reach.
SELECT spsa_grant_object('valueless', '"Explain Salary"', '{read}', row_scoped => true), spsa_grant_rows('valueless', '"Explain Salary"', 'id', attribute => 'nothing'),
	spsa_assign('bob', 'valueless'), spsa_grant_field('valueless', '"Explain Salary"', 'amount', '{read}');
SELECT :cols FROM spsa_explain('"Explain Salary"', 'read', 'amount', user_name => 'bob') WHERE state <> 'not assigned';

--
-- A user without a session
--
SELECT :cols FROM spsa_explain('explain_order', 'read', user_name => 'o''neil');
SELECT remedy FROM spsa_explain('explain_order', 'read', user_name => 'o''neil') WHERE permission_set = 'secret' \gexec
SELECT :cols FROM spsa_explain('explain_order', 'read', user_name => 'o''neil', row_values => '{}') LIMIT 3;
SELECT spsa_assign('o''neil', 'night');
SELECT permission_set, state, regexp_replace(lacks, ' from [^,;]*', ' ...') AS lacks, remedy FROM spsa_explain('explain_order', 'create', user_name => 'o''neil') WHERE permission_set = 'night';
SELECT spsa_disable_user('o''neil');
SELECT :cols FROM spsa_explain('explain_order', 'read', user_name => 'o''neil') LIMIT 2;
SELECT remedy FROM spsa_explain('explain_order', 'read', user_name => 'o''neil') WHERE state = 'user disabled' \gexec
SELECT state FROM spsa_explain('explain_order', 'read', user_name => 'o''neil') LIMIT 1;
-- The role that logs in as the user.
UPDATE spsa.app_user SET db_role = 'regress_spsa_explain_owner' WHERE user_name = 'bob';
SELECT :cols FROM spsa_explain('explain_lent', 'read', user_name => 'bob') LIMIT 4;
SELECT :cols FROM spsa_explain('explain_free', 'read', user_name => 'bob');
SELECT remedy FROM spsa_explain('explain_free', 'read', user_name => 'bob') WHERE state = 'not protected' \gexec
SELECT :cols FROM spsa_explain('explain_free', 'read', user_name => 'bob');
ALTER TABLE explain_free DISABLE ROW LEVEL SECURITY;
SELECT :cols FROM spsa_explain('explain_free', 'read', user_name => 'bob');
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'nobody');
SELECT FROM spsa_explain('explain_order', 'read', session => '00000000-0000-0000-0000-000000000000');
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'bob', session => :'SESSION');
SELECT :cols FROM spsa_explain('explain_order', 'read', session => :'gone');
-- Nobody can attach what is supposed.
SELECT count(*) FROM spsa.session WHERE user_id = spsa.find_user('o''neil');
-- What has no rows of its own, and what is protected with a table.
CREATE VIEW explain_view AS SELECT id, region FROM explain_order;
SELECT spsa_protect('explain_view');
SELECT spsa_create_permission_set('views') > 0, spsa_grant_object('views', 'explain_view', '{read}', row_scoped => true), spsa_grant_rows('views', 'explain_view', 'region', '{EU}'), spsa_assign('bob', 'views');
SELECT :cols FROM spsa_explain('explain_view', 'read', user_name => 'bob', row_values => '{"region": "EU"}') WHERE state <> 'not assigned';
CREATE TABLE explain_part (id integer, region text) PARTITION BY LIST (region);
CREATE TABLE explain_part_eu (region text, id integer);
ALTER TABLE explain_part ATTACH PARTITION explain_part_eu FOR VALUES IN ('EU');
SELECT spsa_protect('explain_part', '{id}');
SELECT spsa_grant_object('views', 'explain_part', '{read}', row_scoped => true), spsa_grant_rows('views', 'explain_part', 'id', '{1}');
SELECT :cols FROM spsa_explain('explain_part_eu', 'read', user_name => 'bob', row_values => '{"id": 1}') WHERE state <> 'not assigned';
SELECT permission_set, state, remedy FROM spsa_explain('explain_part_eu', 'edit', user_name => 'bob') WHERE permission_set = 'views';

--
-- What an ordinary session is not told
--
SELECT token AS bob_token, session_id AS bob FROM spsa_open_session('bob', db_role => 'regress_spsa_explain_app') \gset
SELECT spsa_create_permission_set(s) > 0, spsa_grant_object(s, 'explain_order', '{read}'), spsa_assign('bob', s) FROM unnest('{mine,barred}'::text[]) s;
SELECT spsa_create_permission_set('inner', activation_required => true) > 0, spsa_grant_object('inner', 'explain_order', '{read}'), spsa_create_permission_set('club', kind => 'group') > 0,
	spsa_add_group_member('club', 'inner'), spsa_assign('bob', 'club'), spsa_create_permission_set('closed', kind => 'group', activation_required => true) > 0,
	spsa_add_group_member('closed', 'inner'), spsa_assign('bob', 'closed'), spsa_exclude('barred', 'inner', 'dynamic');
INSERT INTO spsa.assignment (user_id, set_id, starts_at, expires_at)
SELECT spsa.find_user('bob'), spsa.find_set(s), '2001-01-01 00:00 UTC', '2002-01-01 00:00 UTC' FROM unnest('{bygone}'::text[]) s;
SET ROLE regress_spsa_explain_app;
SELECT spsa_detach();
SELECT spsa_attach_connection(:'bob_token') = :'bob' AS attached;
SELECT permission_set, via, state, lacks, remedy FROM spsa_explain('explain_order', 'read');
-- Of others nothing, whether they exist or not.
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'ann');
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'nobody');
SELECT FROM spsa_explain('explain_order', 'read', session => :'SESSION');
SELECT FROM spsa_explain('explain_order', 'read', session => :'gone');
SELECT FROM spsa_explain('explain_order', 'read', session => '00000000-0000-0000-0000-000000000000');
SELECT count(*) > 0 AS own FROM spsa_explain('explain_order', 'read', user_name => 'bob');
SELECT count(*) > 0 AS own FROM spsa_explain('explain_order', 'read', session => :'bob');
-- A session that is restricted to some sets: no name besides.
SELECT token AS inner_token, session_id AS inner_session FROM spsa_derive_session('{inner,mine}') \gset
SELECT spsa_attach_connection(:'inner_token') = :'inner_session' AS attached;
SELECT permission_set, via, state, lacks, remedy FROM spsa_explain('explain_order', 'read');
SELECT permission_set FROM spsa_activate_own('inner');
SELECT permission_set, via, state, lacks, remedy FROM spsa_explain('explain_order', 'read');
SELECT FROM spsa_explain('explain_order', 'read', session => :'bob');
RESET ROLE;
SELECT token AS all_token, session_id AS all_session FROM spsa_open_session('bob', db_role => 'regress_spsa_explain_app', sets => '{mine,inner}') \gset
SET ROLE regress_spsa_explain_app;
SELECT spsa_attach_connection(:'all_token') = :'all_session' AS attached;
SELECT permission_set, via, state FROM spsa_explain('explain_order', 'read');
RESET ROLE;
SELECT permission_set, via, state, lacks, replace(remedy, :'all_session', 'SESSION') AS remedy FROM spsa_explain('explain_order', 'read', session => :'all_session') WHERE state <> 'not assigned';
SELECT spsa_detach();
-- Nobody without a session, either.
SET ROLE regress_spsa_explain_part;
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'ann');
SELECT FROM spsa_explain('explain_order', 'read', session => :'SESSION');
SELECT :cols FROM spsa_explain('explain_order', 'read');
RESET ROLE;
-- Who may read the tables, all of them.
SET ROLE regress_spsa_explain_admin;
SELECT state FROM spsa_explain('explain_order', 'read', user_name => 'ann') LIMIT 1;
SELECT state FROM spsa_explain('explain_order', 'read', session => :'SESSION') LIMIT 1;
RESET ROLE;
GRANT SELECT ON spsa.assignment, spsa.session, spsa.app_user, spsa.permission_set, spsa.object_permission, spsa.row_scope TO regress_spsa_explain_part;
SET ROLE regress_spsa_explain_part;
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'ann');
RESET ROLE;
REVOKE SELECT ON spsa.assignment, spsa.session, spsa.app_user, spsa.permission_set, spsa.object_permission, spsa.row_scope FROM regress_spsa_explain_part;
-- view_setup, but not in a session that is derived from it. What was told is fetched by nobody else.
SELECT spsa_create_permission_set('viewer') > 0, spsa_grant_permission('viewer', 'view_setup'), spsa_assign('watcher', 'viewer');
SELECT token AS watcher FROM spsa_open_session('watcher', db_role => 'regress_spsa_explain_app') \gset
SET ROLE regress_spsa_explain_app;
BEGIN;
SELECT spsa_attach(:'watcher') IS NOT NULL AS attached;
SELECT state FROM spsa_explain('explain_order', 'read', user_name => 'ann') LIMIT 1;
SELECT state FROM spsa_explain('explain_order', 'read', session => :'SESSION') LIMIT 1;
SELECT permission_set FROM spsa_explain('explain_order', 'read') WHERE state = 'not assigned' LIMIT 1;
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'nobody');
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'watcher') IS NOT NULL AS attached;
DECLARE c CURSOR FOR SELECT state FROM spsa_explain('explain_order', 'read', user_name => 'ann');
FETCH c;
SELECT spsa_attach(:'bob_token') IS NOT NULL AS attached;
FETCH c;
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'bob_token') IS NOT NULL AS attached;
DECLARE c CURSOR FOR SELECT state FROM spsa_explain('explain_order', 'read');
FETCH c;
SELECT spsa_detach();
FETCH c;
ROLLBACK;
BEGIN;
SELECT spsa_attach(:'bob_token') IS NOT NULL AS attached;
DECLARE c CURSOR WITH HOLD FOR SELECT state FROM spsa_explain('explain_order', 'read');
COMMIT;
BEGIN;
SELECT spsa_attach(:'watcher') IS NOT NULL AS attached;
SELECT token AS watcher_child FROM spsa_derive_session('{viewer}') \gset
SELECT spsa_attach(:'watcher_child') IS NOT NULL AS attached;
SELECT FROM spsa_explain('explain_order', 'read', user_name => 'ann');
ROLLBACK;
RESET ROLE;
-- PostgreSQL's own privilege.
REVOKE DELETE ON explain_order FROM regress_spsa_explain_app;
SET ROLE regress_spsa_explain_app;
BEGIN;
SELECT spsa_attach(:'ann') IS NOT NULL AS attached;
SELECT state, lacks, remedy FROM spsa_explain('explain_order', 'delete') WHERE permission_set IS NULL;
-- In a transaction that may not write.
SET TRANSACTION READ ONLY;
SELECT count(*) > 3 AS rows FROM spsa_explain('explain_order', 'create');
COMMIT;
RESET ROLE;
GRANT DELETE ON explain_order TO regress_spsa_explain_app;
-- Bounds.
INSERT INTO spsa.permission_set (set_name) SELECT 'bulk_' || i FROM generate_series(1, 1200) i;
INSERT INTO spsa.object_permission (set_id, object, can_read) SELECT set_id, 'explain_lent', true FROM spsa.permission_set WHERE set_name LIKE 'bulk%';
SELECT count(*) FILTER (WHERE state = 'not assigned'), max(lacks) FILTER (WHERE state = 'more') AS more FROM spsa_explain('explain_lent', 'read', user_name => 'eve');
INSERT INTO spsa.assignment (user_id, set_id) SELECT spsa.find_user('eve'), set_id FROM spsa.permission_set WHERE set_name LIKE 'bulk%';
SELECT count(*), max(lacks) FILTER (WHERE state = 'more') AS more FROM spsa_explain('explain_lent', 'read', user_name => 'eve');
DELETE FROM spsa.permission_set WHERE set_name LIKE 'bulk%';

--
-- As the engine decides: of random sets, sessions and rows, each explanation is compared with spsa_allows(), spsa_allows_row()
-- and spsa_allows_field(); and each command that is given is run, until the verdict is another one.
--
\set seed 20261201
\getenv seed SPSA_EXPLAIN_SEED
SET explain.seed = :seed;
DROP EXTENSION spsa CASCADE;
CREATE EXTENSION spsa;
CREATE TABLE explain_a (id integer, n integer, t text COLLATE "C", k integer);
CREATE TABLE explain_b (k integer, t text COLLATE "C", id integer, n integer);
CREATE TABLE explain_c (id integer, n integer, t text COLLATE "C", k integer);
SELECT spsa_protect('explain_a', '{n,t}'), spsa_protect('explain_b', '{t,k,n}');
SELECT spsa_protect_field('explain_a', 'n'), spsa_protect_field('explain_b', 't');
CREATE FUNCTION explain_chance(what text, i integer, j integer DEFAULT 0, k integer DEFAULT 0) RETURNS float8 LANGUAGE sql STABLE AS
$$ SELECT (hashtextextended(what || ' ' || i || ' ' || j || ' ' || k, current_setting('explain.seed')::bigint) & 1073741823) / 1073741824.0::float8 $$;
CREATE FUNCTION explain_choice(choices text[], chance float8) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT choices[1 + floor(chance * cardinality(choices))::integer] $$;
CREATE TABLE explain_object AS SELECT i, ('explain_' || o)::regclass AS object FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) v (i, o);
-- In each world w: sets 20 w + (1 to 6), groups (7 and 8), a muting set (9), a user w, and a session.
INSERT INTO spsa.permission_set (set_id, set_name, kind, activation_required, member_activation)
SELECT 20 * w + i, 'w' || w || '_' || i, CASE WHEN i <= 6 THEN 'set' WHEN i <= 8 THEN 'group' ELSE 'muting' END, i <= 8 AND explain_chance('gated', w, i) < 0.4,
	CASE WHEN i BETWEEN 7 AND 8 THEN CASE WHEN explain_chance('bypass', w, i) < 0.3 THEN 'bypass' ELSE 'keep' END END
FROM generate_series(1, 40) w, generate_series(1, 9) i;
INSERT INTO spsa.group_member (group_id, member_id)
SELECT 20 * w + g, 20 * w + m FROM generate_series(1, 40) w, generate_series(7, 8) g, unnest('{1,2,3,4,5,6,9}'::integer[]) m WHERE explain_chance('member', w, g, m) < 0.4;
INSERT INTO spsa.object_permission (set_id, object, can_read, can_create, can_edit, can_delete, view_all, modify_all, row_scoped)
SELECT 20 * w + s, object, true, explain_chance('create', w, s, i) < 0.5, e, d, v, d AND v AND explain_chance('modify', w, s, i) < 0.5, explain_chance('scoped', w, s, i) < 0.7
FROM generate_series(1, 40) w, generate_series(1, 6) s, explain_object,
	LATERAL (SELECT explain_chance('edit', w, s, i) < 0.6 AS e, explain_chance('view', w, s, i) < 0.2 AS v) y, LATERAL (SELECT e AND explain_chance('delete', w, s, i) < 0.6 AS d) z
WHERE explain_chance('object', w, s, i) < 0.5
UNION ALL
SELECT 20 * w + 9, object, explain_chance('read', w, 9, i) < 0.2, explain_chance('create', w, 9, i) < 0.4, explain_chance('edit', w, 9, i) < 0.4, false, false, false, false
FROM generate_series(1, 40) w, explain_object;
INSERT INTO spsa.row_scope (set_id, object, field, operator, literals, attribute, privileges)
SELECT set_id, object, field, operator, CASE WHEN operator <> 'is null' AND a >= 0.4 THEN ARRAY[CASE field WHEN 't' THEN 'b' ELSE '1' END] END,
	CASE WHEN operator <> 'is null' AND a < 0.4 THEN 'at_' || field END, CASE WHEN a < 0.6 THEN NULL WHEN a < 0.8 THEN '{read,create}'::text[] ELSE '{edit,delete}' END
FROM (SELECT p.set_id, p.object, explain_choice('{n,n,n,t,t,k}', explain_chance('field', set_id, x, i)) AS field,
		explain_choice('{=,=,=,<,<=,>,>=,is null}', explain_chance('operator', set_id, x, i)) AS operator, explain_chance('value', set_id, x, i) AS a
	FROM spsa.object_permission p JOIN explain_object USING (object), generate_series(1, 2) x WHERE set_id % 20 <= 6) s
WHERE a < 0.9;
INSERT INTO spsa.field_permission (set_id, object, field, can_read, can_edit)
SELECT 20 * w + s, o, f, true, explain_chance('field edit', w, s) < 0.5 FROM generate_series(1, 40) w, generate_series(1, 6) s, (VALUES ('explain_a'::regclass, 'n'::name), ('explain_b', 't')) v (o, f)
WHERE explain_chance('field ' || f, w, s) < 0.4;
INSERT INTO spsa.exclusion (set_a, set_b, kind) SELECT 20 * w + 1, 20 * w + 2, 'dynamic' FROM generate_series(1, 40) w WHERE w % 3 = 0;
INSERT INTO spsa.app_user (user_id, user_name, attributes)
SELECT w, 'w''' || w, CASE w % 3 WHEN 0 THEN '{"at_n": 1, "at_t": "b", "at_k": [1, 2]}'::jsonb WHEN 1 THEN '{"at_n": [0, "1"]}' ELSE '{}' END FROM generate_series(1, 40) w;
INSERT INTO spsa.assignment (user_id, set_id, starts_at, expires_at)
SELECT w, 20 * w + s, now() + CASE WHEN c < 0.1 THEN interval '1 day' ELSE '-2 days' END, CASE WHEN c BETWEEN 0.1 AND 0.2 THEN now() - interval '1 day' END
FROM generate_series(1, 40) w, generate_series(1, 8) s, LATERAL (SELECT explain_chance('time', w, s) AS c) t WHERE explain_chance('assigned', w, s) < 0.45;
INSERT INTO spsa.activation_rule (set_id, self_activation, min_security_level, reason_required)
SELECT set_id, set_id % 3 <> 0, CASE WHEN set_id % 2 = 0 THEN 'high_assurance'::spsa.security_level END, set_id % 5 = 0 FROM spsa.permission_set WHERE activation_required AND explain_chance('rule', set_id) < 0.3;
CREATE TABLE explain_session AS
	SELECT w, s.session_id, s.token FROM generate_series(1, 40) w,
		spsa_open_session('w''' || w, db_role => 'regress_spsa_explain_app', sets => CASE WHEN w % 4 = 0 THEN ARRAY(SELECT 'w' || w || '_' || i FROM generate_series(1, 8) i WHERE explain_chance('allowed', w, i) < 0.6) END) s;
INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at)
SELECT s.session_id, v.set_id, a.assignment_id, now() + CASE WHEN explain_chance('over', v.set_id) < 0.2 THEN interval '-1 minute' ELSE '1 hour' END
FROM explain_session s JOIN spsa.assignment a ON a.user_id = s.w JOIN LATERAL (SELECT a.set_id UNION SELECT m.member_id FROM spsa.group_member m WHERE m.group_id = a.set_id) v (set_id) ON explain_chance('activated', v.set_id, a.set_id) < 0.5
	JOIN spsa.permission_set p ON p.set_id = v.set_id AND p.activation_required
ON CONFLICT DO NOTHING;
CREATE TABLE explain_question AS
	SELECT row_number() OVER ()::integer AS question, q.* FROM (
		SELECT object, p AS privilege, NULL::name AS field, NULL::integer AS n, NULL::text AS t, NULL::integer AS k FROM explain_object, unnest('{view_all,modify_all}'::text[]) p
		UNION ALL SELECT object, p, NULL, n, t, k FROM explain_object, unnest('{read,create,edit,delete}'::text[]) p, (VALUES (0, 'a', 1), (1, 'b', 1), (2, NULL, 0), (NULL, 'b', NULL)) v (n, t, k)
		UNION ALL SELECT o::regclass, p, f, NULL, NULL, NULL FROM (VALUES ('explain_a', 'n'), ('explain_a', 't'), ('explain_b', 't'), ('explain_c', 'n')) v (o, f), unnest('{read,edit}'::text[]) p) q;
CREATE TABLE explain_answer (w integer, question integer, state text, row_matches boolean, whole boolean, of_row boolean, of_field boolean);
GRANT SELECT ON explain_question TO regress_spsa_explain_app;
GRANT INSERT ON explain_answer TO regress_spsa_explain_app;
-- As a session of its own, in the application's role.
CREATE PROCEDURE explain_ask_all() LANGUAGE plpgsql AS $$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT * FROM explain_session ORDER BY w LOOP
		SET LOCAL ROLE regress_spsa_explain_app;
		PERFORM spsa_attach(s.token);
		INSERT INTO explain_answer
		SELECT s.w, q.question, e.state, e.row_matches, spsa_allows(q.object, q.privilege),
			CASE q.object WHEN 'explain_a'::regclass THEN spsa_allows_row(q.object, q.privilege, 'n', q.n, 't', q.t) ELSE spsa_allows_row(q.object, q.privilege, 't', q.t, 'k', q.k, 'n', q.n) END,
			CASE WHEN q.field IS NOT NULL THEN spsa_allows_field(q.object, q.field, q.privilege) END
		FROM (SELECT * FROM explain_question OFFSET 0) q,
			LATERAL (SELECT e.state, e.row_matches FROM spsa_explain(q.object, q.privilege, q.field, row_values => jsonb_build_object('n', q.n, 't', q.t, 'k', q.k)) e LIMIT 1) e;
		PERFORM spsa_detach();
		RESET ROLE;
	END LOOP;
END
$$;
CALL explain_ask_all();
SELECT count(*) > 2000 AS many, count(*) FILTER (WHERE state LIKE 'allowed%') / count(*)::numeric BETWEEN 0.2 AND 0.8 AS balanced, array_agg(DISTINCT state) AS states FROM explain_answer;
SELECT a.w, q.*, a.state, a.row_matches, a.whole, a.of_row, a.of_field FROM explain_answer a JOIN explain_question q USING (question)
WHERE q.field IS NULL AND ((a.state = 'allowed: all rows') <> a.whole OR a.row_matches <> a.of_row OR (a.state = 'denied' AND a.of_row))
	OR q.field IS NOT NULL AND (a.state LIKE 'allowed%') <> a.of_field LIMIT 5;
-- The same to an administrator, about the session.
SELECT count(*) AS different FROM explain_session s JOIN explain_answer a USING (w) JOIN explain_question q USING (question),
	LATERAL (SELECT e.state, e.row_matches FROM spsa_explain(q.object, q.privilege, q.field, session => s.session_id, row_values => jsonb_build_object('n', q.n, 't', q.t, 'k', q.k)) e LIMIT 1) e
WHERE (e.state, e.row_matches) IS DISTINCT FROM (a.state, a.row_matches);
-- About the user: as a session that is opened now says.
CREATE TABLE explain_before AS SELECT w, question, e.state, e.row_matches FROM generate_series(1, 40) w, explain_question q,
	LATERAL (SELECT e.state, e.row_matches FROM spsa_explain(q.object, q.privilege, q.field, user_name => 'w''' || w, row_values => jsonb_build_object('n', q.n, 't', q.t, 'k', q.k)) e LIMIT 1) e;
CREATE TABLE explain_old AS SELECT * FROM explain_session;
TRUNCATE explain_session, explain_answer;
INSERT INTO explain_session SELECT w, s.session_id, s.token FROM generate_series(1, 40) w, spsa_open_session('w''' || w, db_role => 'regress_spsa_explain_app') s;
CALL explain_ask_all();
SELECT count(*) > 2000 AS many, count(*) FILTER (WHERE (b.state, b.row_matches) IS DISTINCT FROM (a.state, a.row_matches)) AS different
FROM explain_before b JOIN explain_answer a USING (w, question);
-- An ordinary session is given no name that is not assigned, or in a group that is, or that its restriction leaves out.
CREATE TABLE explain_name (w integer, name text);
GRANT INSERT ON explain_name TO regress_spsa_explain_app;
CREATE PROCEDURE explain_names() LANGUAGE plpgsql AS $$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT * FROM explain_old ORDER BY w LOOP
		SET LOCAL ROLE regress_spsa_explain_app;
		PERFORM spsa_attach(s.token);
		INSERT INTO explain_name SELECT DISTINCT s.w, m[1] FROM explain_question q, spsa_explain(q.object, q.privilege, q.field) e, regexp_matches(e::text, 'w\d+_\d', 'g') m;
		PERFORM spsa_detach();
		RESET ROLE;
	END LOOP;
END
$$;
CALL explain_names();
SELECT count(*) > 80 AS names, count(*) FILTER (WHERE NOT EXISTS (
	SELECT FROM spsa.assignment a LEFT JOIN spsa.group_member m ON m.group_id = a.set_id AND a.starts_at <= now() AND COALESCE(a.expires_at > now(), true), spsa.permission_set p
	WHERE a.user_id = x.w AND p.set_name = x.name AND p.kind <> 'muting' AND p.set_id IN (a.set_id, m.member_id)
		AND (s.allowed_sets IS NULL OR p.set_id = ANY (s.allowed_sets) OR m.group_id = ANY (s.allowed_sets)))) AS others
FROM explain_name x JOIN explain_old o USING (w) JOIN spsa.session s USING (session_id);
-- Each command, as the administrator who was given it; nothing of it stays.
CREATE TABLE explain_help (w integer, question integer, steps integer, idle text, ends text, help text);
CREATE PROCEDURE explain_help() LANGUAGE plpgsql AS $$
DECLARE
	s record;
	verdict record;
	before text;
	after text;
	steps integer;
	idle text;
BEGIN
	FOR s IN SELECT o.w, o.session_id, q.* FROM explain_old o, explain_question q
		WHERE (q.privilege LIKE '%all' OR q.field IS NOT NULL OR q.n = 1) AND (o.w + q.question) % 3 = 0 ORDER BY o.w, q.question LOOP
		steps := 0;
		idle := NULL;
		BEGIN
			LOOP
				SELECT e.* INTO verdict FROM spsa_explain(s.object, s.privilege, s.field, session => s.session_id) e LIMIT 1;
				EXIT WHEN verdict.state NOT IN ('denied', 'allowed: no rows') OR verdict.remedy IS NULL OR steps > 5;
				SELECT string_agg(e::text, ' ') INTO before FROM spsa_explain(s.object, s.privilege, s.field, session => s.session_id) e;
				EXECUTE verdict.remedy;
				SELECT string_agg(e::text, ' ') INTO after FROM spsa_explain(s.object, s.privilege, s.field, session => s.session_id) e;
				steps := steps + 1;
				IF before = after THEN
					idle := verdict.remedy;
				END IF;
			END LOOP;
			RAISE EXCEPTION USING ERRCODE = 'XX999';
		EXCEPTION WHEN SQLSTATE 'XX999' THEN
			INSERT INTO explain_help VALUES (s.w, s.question, steps, idle, verdict.state, verdict.remedy);
		END;
	END LOOP;
END
$$;
CALL explain_help();
SELECT count(*) FILTER (WHERE steps > 0) > 100 AS many, count(*) FILTER (WHERE steps > 1) > 5 AS several, count(idle) AS idle, count(*) FILTER (WHERE steps > 5) AS endless FROM explain_help;
SELECT w, question, steps, idle, ends, help FROM explain_help WHERE idle IS NOT NULL OR steps > 5 LIMIT 25;
SELECT ends, count(*) > 10 AS often FROM explain_help WHERE steps > 0 GROUP BY ends ORDER BY ends;

--
-- An owner who means ill: policies that are altered, and types whose values run code
--
CREATE TABLE explain_ill (a integer, b integer);
ALTER TABLE explain_ill OWNER TO regress_spsa_explain_owner;
SELECT spsa_protect('explain_ill', '{a}') \g /dev/null
SET SESSION AUTHORIZATION regress_spsa_explain_owner;
SELECT format('ALTER POLICY %I ON explain_ill USING (spsa_allows_row(''explain_ill''::regclass, ''read''::text, %s, ''f1'', a))', policy,
		string_agg(format('%L, a', 'f' || i), ', '))
FROM generate_series(1, 47) i, unnest('{spsa_read,spsa_read_admit}'::text[]) policy GROUP BY policy ORDER BY policy \gexec
SELECT state, lacks FROM spsa_explain('explain_ill', 'read', row_values => '{"a": 1}');
SELECT state, lacks FROM spsa_explain('explain_ill', 'read', row_values => '{"b": 1}');
ALTER POLICY spsa_read ON explain_ill USING (spsa_allows_row('explain_ill'::regclass, 'read'::text, 'a', a + 0));
ALTER POLICY spsa_read_admit ON explain_ill USING (spsa_allows_row('explain_ill'::regclass, 'read'::text, 'a', a + 0));
SELECT state, lacks FROM spsa_explain('explain_ill', 'read', row_values => '{"a": 1}');
RESET SESSION AUTHORIZATION;
SELECT spsa_protect('explain_ill', '{a}') \g /dev/null
SELECT state, lacks FROM spsa_explain('explain_ill', 'read') WHERE state = 'not enforced';
ALTER POLICY spsa_read_admit ON explain_ill TO regress_spsa_explain_app;
SELECT state, lacks FROM spsa_explain('explain_ill', 'read') WHERE state = 'not enforced';
CREATE FUNCTION explain_code(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the owner''s code runs'; END $$;
CREATE DOMAIN explain_domain AS integer CHECK (explain_code(VALUE));
CREATE TYPE explain_pair AS (d explain_domain);
CREATE TYPE explain_range AS RANGE (subtype = explain_domain);
CREATE TABLE explain_types (d explain_domain, da explain_domain[], p explain_pair, pa explain_pair[], r explain_range, n integer[], i int4range);
SELECT count(*) FROM spsa_explain('explain_types', 'read', row_values => '{"d": 1, "n": "{1,2}", "i": "[1,2)"}');
SELECT count(*) FROM spsa_explain('explain_types', 'read', row_values => '{"da": "{1}"}');
SELECT count(*) FROM spsa_explain('explain_types', 'read', row_values => '{"p": "(1)"}');
SELECT count(*) FROM spsa_explain('explain_types', 'read', row_values => '{"pa": "{(1)}"}');
SELECT count(*) FROM spsa_explain('explain_types', 'read', row_values => '{"r": "[1,2)"}');
DROP TABLE explain_ill, explain_types;
DROP TYPE explain_range, explain_pair, explain_domain;
DROP FUNCTION explain_code(integer);

SET client_min_messages = warning;
DROP EXTENSION spsa CASCADE;
DROP VIEW explain_view;
DROP TABLE explain_order, "Explain Salary", explain_free, explain_lent, explain_part, explain_a, explain_b, explain_c, explain_object, explain_session, explain_question,
	explain_answer, explain_before, explain_old, explain_name, explain_help;
DROP FUNCTION explain_chance, explain_choice;
DROP PROCEDURE explain_ask_all, explain_names, explain_help;
REVOKE CREATE ON SCHEMA public FROM regress_spsa_explain_owner;
DROP ROLE regress_spsa_explain_app, regress_spsa_explain_owner, regress_spsa_explain_admin, regress_spsa_explain_part;
ALTER DATABASE :DBNAME RESET session_preload_libraries;
