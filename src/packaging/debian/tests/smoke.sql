-- Run by smoke. What is not as expected is an error in the end.
CREATE EXTENSION spsa;
CREATE ROLE app LOGIN;
CREATE TABLE orders (id integer PRIMARY KEY, owner_id integer);
INSERT INTO orders VALUES (1, 7), (2, 8), (3, 7);
GRANT SELECT ON orders TO app;
SELECT spsa_protect('orders', row_fields => '{owner_id}') \g /dev/null
SELECT spsa_create_permission_set('review', activation_required => true) \g /dev/null
SELECT spsa_grant_object('review', 'orders', '{read}') \g /dev/null
SELECT spsa_grant_rows('review', 'orders', 'owner_id', attribute => 'emp_no') \g /dev/null
SELECT spsa_create_user('ann', '{"emp_no": 7}') \g /dev/null
SELECT spsa_assign('ann', 'review') \g /dev/null
SELECT token FROM spsa_open_session('ann', db_role => 'app') \gset

SET ROLE app;
BEGIN;
SELECT spsa_attach(:'token') \g /dev/null
SELECT count(*) AS before FROM orders \gset
SELECT FROM spsa_activate_own('review', duration => '5 minutes') \g /dev/null
SELECT count(*) AS during FROM orders \gset
COMMIT;
SELECT count(*) AS after FROM orders \gset
RESET ROLE;

SELECT current_setting('shared_preload_libraries') = 'spsa' AS preloaded,
	:before = 0 AS before_is_none, :during = 2 AS during_is_own, :after = 0 AS after_is_none \gset
SELECT :'preloaded' AND :'before_is_none' AND :'during_is_own' AND :'after_is_none' AS all_well \gset
\echo before :before, during :during, after :after
\if :all_well
\else
DO $$BEGIN RAISE 'not as it should be'; END$$;
\endif
DROP EXTENSION spsa CASCADE;
\echo smoke: ok
