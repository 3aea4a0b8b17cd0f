-- partition: partitions and inheritance children are protected with the table above them, also those that come later.

CREATE EXTENSION spsa;
CREATE ROLE regress_spsa_part_owner;
CREATE ROLE regress_spsa_part_other;
CREATE ROLE regress_spsa_part_clerk;
CREATE SCHEMA regress_spsa_part;
GRANT ALL ON SCHEMA regress_spsa_part TO regress_spsa_part_owner, regress_spsa_part_other;
GRANT USAGE ON SCHEMA regress_spsa_part TO regress_spsa_part_clerk;
GRANT EXECUTE ON FUNCTION spsa_protect, spsa_unprotect, spsa_protect_field, spsa_unprotect_field TO regress_spsa_part_owner;
SET search_path = regress_spsa_part, public;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET ROLE regress_spsa_part_owner;
-- Columns have other numbers in sale_us, and one partition is partitioned again.
CREATE TABLE sale (id integer, region text, amount integer, margin integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE sale_eu PARTITION OF sale FOR VALUES IN ('EU');
CREATE TABLE sale_us (margin integer, gone integer, region text NOT NULL, amount integer, id integer NOT NULL);
ALTER TABLE sale_us DROP COLUMN gone;
ALTER TABLE sale ATTACH PARTITION sale_us FOR VALUES IN ('US');
CREATE TABLE sale_ap PARTITION OF sale FOR VALUES IN ('AP') PARTITION BY RANGE (id);
CREATE TABLE sale_ap1 PARTITION OF sale_ap FOR VALUES FROM (0) TO (100);
INSERT INTO sale SELECT n, (ARRAY['EU', 'US', 'AP'])[1 + n % 3], n * 10, n FROM generate_series(1, 6) n;
ALTER TABLE sale ADD COLUMN own integer;
GRANT ALL ON sale, sale_eu, sale_us, sale_ap, sale_ap1 TO regress_spsa_part_clerk;
ANALYZE sale;
RESET ROLE;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- What is protected, with what, and whether row-level security and the policies are there.
CREATE VIEW state AS
SELECT p.object, p.root, p.row_fields, p.on_denied, p.as_restrictive, c.relrowsecurity AND c.relforcerowsecurity = p.force AS secured,
	(SELECT count(*) FROM pg_policy y WHERE y.polrelid = p.object) AS policies,
	(SELECT string_agg(DISTINCT pg_get_expr(COALESCE(y.polqual, y.polwithcheck), y.polrelid), ' ') FROM pg_policy y WHERE y.polrelid = p.object AND y.polcmd = 'r') AS reads
FROM spsa.protected_object p JOIN pg_class c ON c.oid = p.object ORDER BY p.object::text COLLATE "C";

--
-- The tree is protected by its top, and by nothing else
--
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('sale_ap1', '{region}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('sale_ap', '{region}');
SELECT spsa_protect('sale', '{region}', on_denied => 'error');
RESET ROLE;
SELECT * FROM state;
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('sale', '{region}', as_restrictive => false, force => false);
RESET ROLE;
SELECT object, root, on_denied, secured, policies FROM state;
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('sale', '{region}');
SELECT spsa_protect('sale_eu', '{region}');
SELECT spsa_unprotect('sale_eu');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect('sale_ap1');
SELECT spsa_protect_field('sale_us', 'margin');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect_field('sale', 'margin');
DROP POLICY spsa_read ON sale_us;
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE sale DROP COLUMN region CASCADE;
RESET ROLE;
-- a view of a partition exposes the field, too
CREATE VIEW exposing AS SELECT amount FROM sale_us;
SELECT spsa_protect_field('sale', 'amount');
\echo :LAST_ERROR_SQLSTATE
DROP VIEW exposing;

--
-- Through the top and through each partition: the rows of the session, and the permissions on the top
--
SELECT spsa_create_user('ann') > 0 AS made;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{eu,all,fields,astray}'::text[]) n;
SELECT spsa_grant_object('eu', 'sale', '{read,create,edit,delete}'), spsa_grant_rows('eu', 'sale', 'region', '{EU,AP}');
SELECT spsa_grant_object('all', 'sale', '{read,create,edit,delete}');
SELECT spsa_grant_field('fields', 'sale', 'margin', '{read,edit}');
-- on a partition: without effect, and said
RESET client_min_messages;
SELECT spsa_grant_object('astray', 'sale_us', '{read,create,edit,delete,view_all,modify_all}');
SET client_min_messages = warning;
SELECT spsa_grant_field('astray', 'sale_us', 'margin', '{read,edit}');
SELECT spsa_assign('ann', n) FROM unnest('{eu,all,fields,astray}'::text[]) n;
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_part_clerk') \gset
\set tables '{sale,sale_eu,sale_us,sale_ap,sale_ap1}'
\set sees 'SELECT t, try(format($$SELECT id, region, amount FROM %s$$, t)) AS rows, try(format($$SELECT FROM ONLY %s$$, t)) AS "only", try(format($$SELECT * FROM %s$$, t)) AS margin, try(format($$SELECT %s FROM %s$$, t, t)) AS whole, try(format($$UPDATE %s SET amount = amount$$, t)) AS edit, try(format($$UPDATE %s SET margin = 1$$, t)) AS edit_margin, spsa_allows(t::regclass, $$read$$) AS allows, spsa_allows_row(t::regclass, $$read$$, $$region$$, $$EU$$::text) AS eu, spsa_allows_field(t::regclass, $$margin$$, $$read$$) AS field FROM unnest(:''tables''::text[]) t;'
\pset format unaligned
SET SESSION AUTHORIZATION regress_spsa_part_clerk;
:sees
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
:sees
SELECT already_active FROM spsa_activate_own('astray');
:sees
SELECT spsa_deactivate_own('astray');
BEGIN;
SELECT already_active FROM spsa_activate_own('eu');
:sees
SELECT already_active FROM spsa_activate_own('fields');
:sees
ROLLBACK;
SELECT already_active FROM spsa_activate_own('eu');
\pset format aligned
-- the hint names what would grant the field
SELECT margin FROM sale_us;
SELECT tableoid::regclass, id, region FROM sale ORDER BY id;

-- writing
BEGIN;
INSERT INTO sale (id, region, amount) VALUES (11, 'EU', 1) RETURNING tableoid::regclass, id, region;
SAVEPOINT s;
INSERT INTO sale (id, region) VALUES (12, 'US');
ROLLBACK TO s;
INSERT INTO sale_us (id, region) VALUES (12, 'US');
ROLLBACK TO s;
INSERT INTO sale_ap (id, region) VALUES (13, 'AP');
INSERT INTO sale_ap1 (id, region, margin) VALUES (14, 'AP', 1);
ROLLBACK TO s;
-- a row that moves
UPDATE sale SET region = 'AP' WHERE id = 11 RETURNING tableoid::regclass, id, region;
SAVEPOINT s;
UPDATE sale SET region = 'US' WHERE id = 11;
ROLLBACK TO s;
UPDATE sale_ap SET id = 21 WHERE id = 11;
UPDATE sale SET amount = 7 WHERE region = 'US';
DELETE FROM sale WHERE id = 21 RETURNING id, region, amount;
DELETE FROM sale WHERE region = 'US';
DELETE FROM sale_us;
DELETE FROM sale_ap1 RETURNING id;
ROLLBACK;
BEGIN;
-- what is there already, seen and not seen
INSERT INTO sale (id, region, amount) VALUES (3, 'EU', 5) ON CONFLICT (id, region) DO UPDATE SET amount = excluded.amount RETURNING id, amount;
SAVEPOINT s;
INSERT INTO sale (id, region, amount) VALUES (1, 'US', 5) ON CONFLICT (id, region) DO UPDATE SET amount = excluded.amount;
ROLLBACK TO s;
INSERT INTO sale_us (id, region, amount) VALUES (1, 'US', 5) ON CONFLICT DO NOTHING;
ROLLBACK TO s;
INSERT INTO sale (id, region, amount) VALUES (3, 'EU', 5) ON CONFLICT (id, region) DO UPDATE SET margin = excluded.margin;
ROLLBACK TO s;
MERGE INTO sale s USING (VALUES (3, 'EU'), (1, 'US'), (31, 'AP')) v (id, region) ON s.id = v.id AND s.region = v.region
	WHEN MATCHED THEN UPDATE SET amount = 6 WHEN NOT MATCHED AND v.region <> 'US' THEN INSERT (id, region) VALUES (v.id, v.region);
SELECT id, region, amount FROM sale ORDER BY id;
MERGE INTO sale s USING (VALUES (1, 'US')) v (id, region) ON s.id = v.id AND s.region = v.region
	WHEN NOT MATCHED THEN INSERT (id, region) VALUES (v.id, v.region);
ROLLBACK TO s;
COPY (SELECT id, region FROM sale ORDER BY id) TO STDOUT;
COPY sale_ap1 (id, region) TO STDOUT;
COPY sale_us (id, region) TO STDOUT;
COPY sale_eu TO STDOUT;
ROLLBACK TO s;
\copy sale (id, region) FROM '/dev/null'
ROLLBACK TO s;
\copy sale_us (id, region) FROM '/dev/null'
ROLLBACK;

-- TRUNCATE needs delete on all rows of the top
TRUNCATE sale_us;
TRUNCATE sale;
BEGIN;
SELECT already_active FROM spsa_activate_own('all');
TRUNCATE sale_us;
TRUNCATE sale;
ROLLBACK;

-- partitions that no scope reaches are not in the plan; where nothing is granted, nothing is
EXPLAIN (COSTS OFF) SELECT id FROM sale;
EXPLAIN (COSTS OFF) SELECT id FROM sale_us;
SELECT spsa_deactivate_own('eu');
EXPLAIN (COSTS OFF) SELECT id FROM sale;
EXPLAIN (COSTS OFF) SELECT id FROM sale_ap;
UPDATE sale SET amount = 1;
UPDATE sale_ap SET amount = 1;
DELETE FROM sale_ap1;

--
-- Children that come later
--
RESET SESSION AUTHORIZATION;
ALTER TABLE sale DROP CONSTRAINT sale_pkey;
CREATE TABLE plain (id integer NOT NULL, region text NOT NULL, amount integer, margin integer, own integer);
INSERT INTO plain VALUES (51, 'CA', 510, 51);
GRANT ALL ON plain TO regress_spsa_part_clerk;
ALTER TABLE plain OWNER TO regress_spsa_part_owner;
CREATE TABLE foreigner (id integer NOT NULL, region text NOT NULL, amount integer, margin integer, own integer);
ALTER TABLE foreigner OWNER TO regress_spsa_part_other;
PREPARE under_root AS SELECT array_agg(id ORDER BY id) FROM sale;
PREPARE under_child AS SELECT array_agg(id ORDER BY id) FROM plain;
SET SESSION AUTHORIZATION regress_spsa_part_clerk;
SELECT already_active FROM spsa_activate_own('all');
EXECUTE under_root;
EXECUTE under_child;
SELECT spsa_deactivate_own('all');
EXECUTE under_root;
EXECUTE under_child;
RESET SESSION AUTHORIZATION;
SET ROLE regress_spsa_part_owner;
CREATE TABLE sale_ap2 PARTITION OF sale_ap FOR VALUES FROM (100) TO (200);
ALTER TABLE sale ATTACH PARTITION plain FOR VALUES IN ('CA');
RESET ROLE;
GRANT CREATE ON DATABASE :DBNAME TO regress_spsa_part_owner;
SET ROLE regress_spsa_part_owner;
CREATE SCHEMA regress_spsa_part2 CREATE TABLE sale_br PARTITION OF regress_spsa_part.sale FOR VALUES IN ('BR') PARTITION BY LIST (id)
	CREATE TABLE sale_br1 PARTITION OF regress_spsa_part2.sale_br DEFAULT;
-- a tree that was one before
CREATE TABLE sale_in (LIKE plain) PARTITION BY LIST (id);
CREATE TABLE sale_in1 PARTITION OF sale_in DEFAULT;
ALTER TABLE sale ATTACH PARTITION sale_in FOR VALUES IN ('IN');
RESET ROLE;
SELECT object, root, secured, policies, reads FROM state WHERE object::text ~ 'ap2|plain|br|in';
SET SESSION AUTHORIZATION regress_spsa_part_clerk;
EXECUTE under_root;
EXECUTE under_child;
SELECT already_active FROM spsa_activate_own('all');
EXECUTE under_root;
EXECUTE under_child;
SELECT margin FROM plain;
SELECT spsa_deactivate_own('all');
RESET SESSION AUTHORIZATION;
-- who does not own it
ALTER TABLE sale OWNER TO regress_spsa_part_other;
SET ROLE regress_spsa_part_other;
CREATE TABLE deep (LIKE foreigner) PARTITION BY LIST (id);
RESET ROLE;
ALTER TABLE deep ATTACH PARTITION foreigner DEFAULT;
ALTER TABLE foreigner OWNER TO regress_spsa_part_owner;
SET ROLE regress_spsa_part_other;
ALTER TABLE sale ATTACH PARTITION deep FOR VALUES IN ('RU');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('sale', '{region}');
RESET ROLE;
ALTER TABLE sale OWNER TO regress_spsa_part_owner;
ALTER TABLE sale_eu OWNER TO regress_spsa_part_other;
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('sale', '{region}');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect('sale');
RESET ROLE;
ALTER TABLE sale_eu OWNER TO regress_spsa_part_owner;
DROP TABLE deep;
-- what row-level security cannot guard
CREATE FOREIGN DATA WRAPPER regress_spsa_part_fdw;
CREATE SERVER regress_spsa_part_server FOREIGN DATA WRAPPER regress_spsa_part_fdw;
CREATE FOREIGN TABLE sale_far PARTITION OF sale FOR VALUES IN ('FAR') SERVER regress_spsa_part_server;
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE parted (id integer, region text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parted_far PARTITION OF parted FOR VALUES IN ('FAR') SERVER regress_spsa_part_server;
SELECT spsa_protect('parted', '{region}');
\echo :LAST_ERROR_SQLSTATE
DROP TABLE parted;
CREATE FOREIGN TABLE far_away (id integer) SERVER regress_spsa_part_server;
CREATE TABLE near_by () INHERITS (far_away);
SELECT spsa_protect('far_away');
\echo :LAST_ERROR_SQLSTATE
DROP TABLE near_by;
DROP FOREIGN TABLE far_away;
-- what is protected already
CREATE TABLE sale_jp (LIKE plain);
ALTER TABLE sale_jp OWNER TO regress_spsa_part_owner;
SELECT spsa_protect('sale_jp');
ALTER TABLE sale ATTACH PARTITION sale_jp FOR VALUES IN ('JP');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE parted (LIKE plain) PARTITION BY LIST (region);
ALTER TABLE parted ATTACH PARTITION sale_jp FOR VALUES IN ('JP');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect('sale_jp');
-- policies of its own stay, and admit; those of spsa narrow
CREATE POLICY own ON sale_jp FOR SELECT USING (id > 0);
ALTER TABLE sale ATTACH PARTITION sale_jp FOR VALUES IN ('JP');
SELECT polname, polpermissive FROM pg_policy WHERE polrelid = 'sale_jp'::regclass AND polcmd = 'r' ORDER BY 1;
DROP TABLE parted;

--
-- What leaves the tree stays protected with it
--
SET ROLE regress_spsa_part_owner;
ALTER TABLE sale DETACH PARTITION plain;
ALTER TABLE sale DETACH PARTITION sale_ap CONCURRENTLY;
RESET ROLE;
SELECT object, root, secured, policies FROM state WHERE object::text ~ 'ap|plain';
-- also if a field is called something else in one of the two
ALTER TABLE plain RENAME margin TO profit;
ALTER TABLE sale_ap RENAME margin TO profit;
SELECT object, field FROM spsa.protected_field ORDER BY object::text COLLATE "C", field;
\pset format unaligned
SET SESSION AUTHORIZATION regress_spsa_part_clerk;
EXECUTE under_root;
EXECUTE under_child;
SELECT already_active FROM spsa_activate_own('all');
EXECUTE under_root;
EXECUTE under_child;
SELECT t, try(format('SELECT id, amount FROM %s', t)) AS rows, try(format('SELECT profit FROM %s', t)) AS profit, try(format('UPDATE %s SET amount = amount', t)) AS edit
FROM unnest('{plain,sale_ap,sale_ap1}'::text[]) t;
SELECT already_active FROM spsa_activate_own('fields');
SELECT try('SELECT profit FROM plain') AS profit;
SELECT spsa_deactivate_own('fields'), spsa_deactivate_own('all');
RESET SESSION AUTHORIZATION;
\pset format aligned
-- a field that is protected later, a field that the root loses
SELECT spsa_protect_field('sale', 'amount');
ALTER TABLE sale DROP COLUMN amount;
SELECT object, field FROM spsa.protected_field ORDER BY object::text COLLATE "C", field;
-- the root cannot go, nor become part of another tree, while what was detached asks for permissions on it
SET ROLE regress_spsa_part_owner;
DROP TABLE sale;
DROP TABLE sale CASCADE;
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE above (LIKE sale) PARTITION BY LIST (region);
SELECT spsa_protect('above', '{region}');
ALTER TABLE above ATTACH PARTITION sale DEFAULT;
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SELECT spsa_unprotect('sale');
ALTER TABLE above ATTACH PARTITION sale DEFAULT;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
-- one that is protected with another
ALTER TABLE plain DROP COLUMN profit, DROP COLUMN amount;
ALTER TABLE plain ADD margin integer;
ALTER TABLE plain ADD amount integer;
ALTER TABLE above ADD amount integer;
ALTER TABLE above ATTACH PARTITION plain FOR VALUES IN ('CA');
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE plain DROP COLUMN amount;
DROP TABLE above;
-- back again, with columns that were exchanged
ALTER TABLE plain RENAME region TO old;
ALTER TABLE plain ADD region text NOT NULL DEFAULT 'CA';
ALTER TABLE plain ALTER old DROP NOT NULL;
RESET ROLE;
SELECT reads FROM state WHERE object = 'plain'::regclass;
SET ROLE regress_spsa_part_owner;
ALTER TABLE plain DROP COLUMN old;
\echo :LAST_ERROR_SQLSTATE
-- what its policies pass is now what those of the others do
BEGIN;
SELECT spsa_protect('plain');
ALTER TABLE plain DROP COLUMN old;
ALTER TABLE sale ATTACH PARTITION plain FOR VALUES IN ('CA');
ROLLBACK;
BEGIN;
ALTER TABLE sale ADD old text;
ALTER TABLE sale ATTACH PARTITION plain FOR VALUES IN ('CA');
RESET ROLE;
SELECT reads FROM state WHERE object = 'plain'::regclass;
ROLLBACK;
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('plain');
ALTER TABLE plain DROP COLUMN old;
SELECT spsa_unprotect('plain');
ALTER TABLE sale ATTACH PARTITION plain FOR VALUES IN ('CA');
-- an object of its own, with the tables below it; or none
SELECT spsa_protect('sale_ap', '{region}');
ALTER TABLE sale DETACH PARTITION sale_in;
SELECT spsa_unprotect('sale_in');
RESET ROLE;
SELECT object, root, secured, policies, reads FROM state WHERE object::text ~ 'ap|plain|in';
-- columns that were renamed in the tree: new partitions pass them as the others do
SET ROLE regress_spsa_part_owner;
ALTER TABLE sale RENAME region TO area;
CREATE TABLE sale_mx PARTITION OF sale FOR VALUES IN ('MX');
ALTER TABLE sale ADD region text;
CREATE TABLE sale_ar PARTITION OF sale FOR VALUES IN ('AR');
RESET ROLE;
SELECT object, reads FROM state WHERE object::text ~ 'mx|ar$';
-- detached, protected anew as a whole, attached again
SET ROLE regress_spsa_part_owner;
ALTER TABLE sale DETACH PARTITION sale_mx;
ALTER TABLE sale_mx DISABLE ROW LEVEL SECURITY;
ALTER TABLE sale DETACH PARTITION sale_ar;
ALTER TABLE sale_ar RENAME area TO was;
ALTER TABLE sale_ar RENAME region TO area;
ALTER TABLE sale_ar RENAME was TO region;
ALTER TABLE sale_ar ALTER area SET NOT NULL;
SELECT spsa_protect('sale', '{area,own}', on_denied => 'error');
ALTER TABLE sale ATTACH PARTITION sale_mx FOR VALUES IN ('MX');
RESET ROLE;
SELECT object, root, on_denied, secured, reads FROM state WHERE object::text ~ 'mx|ar$';
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('sale', '{region,own}');
ALTER TABLE sale ATTACH PARTITION sale_ar FOR VALUES IN ('AR');
RESET ROLE;
SELECT object, root, on_denied, secured, reads FROM state WHERE object::text ~ 'mx|ar$';

BEGIN;
SELECT spsa_protect('sale');
ALTER TABLE sale DETACH PARTITION sale_mx;
ALTER TABLE sale_mx DISABLE ROW LEVEL SECURITY;
ALTER TABLE sale ATTACH PARTITION sale_mx FOR VALUES IN ('MX');
RESET ROLE;
SELECT object, secured, policies FROM state WHERE object::text ~ 'mx';
ROLLBACK;

-- unprotected as a whole
SET ROLE regress_spsa_part_owner;
SELECT spsa_unprotect('sale');
SELECT spsa_unprotect('sale');
RESET ROLE;
SELECT object, root FROM state;
SELECT count(*) FROM pg_policy WHERE polrelid = 'sale_us'::regclass;
DROP TABLE sale, sale_ap, sale_in;

--
-- Inheritance
--
SET ROLE regress_spsa_part_owner;
CREATE TABLE doc (id integer, region text, secret text);
CREATE TABLE memo (extra text, hidden text) INHERITS (doc);
CREATE TABLE note () INHERITS (memo);
INSERT INTO doc VALUES (1, 'EU', 'a'), (2, 'US', 'b');
INSERT INTO memo VALUES (3, 'EU', 'c', 'x', 'y'), (4, 'US', 'd', 'x', 'y');
INSERT INTO note VALUES (5, 'EU', 'e', 'x', 'y'), (6, 'US', 'f', 'x', 'y');
GRANT ALL ON doc, memo, note TO regress_spsa_part_clerk;
SELECT spsa_protect('memo');
SELECT spsa_protect('doc', '{region}');
SELECT spsa_protect_field('doc', 'secret'), spsa_protect_field('memo', 'hidden');
RESET ROLE;
SELECT object, root, reads FROM state;
SELECT spsa_create_permission_set(n, activation_required => true) > 0 AS made FROM unnest('{doc,hidden}'::text[]) n;
SELECT spsa_grant_object('doc', 'doc', '{read,create,edit,delete}'), spsa_grant_rows('doc', 'doc', 'region', '{EU}'), spsa_grant_field('doc', 'doc', 'secret', '{read,edit}');
SELECT spsa_grant_field('hidden', 'memo', 'hidden', '{read}');
SELECT spsa_assign('ann', n) FROM unnest('{doc,hidden}'::text[]) n;
\pset format unaligned
-- a column that one table in between has alone is protected in those below it, and later ones, for each of them
CREATE TABLE slip () INHERITS (memo);
CREATE TABLE other_note (hidden text, extra text, id integer, region text, secret text);
ALTER TABLE other_note INHERIT memo;
SELECT object, field FROM spsa.protected_field WHERE field = 'hidden' ORDER BY object::text COLLATE "C";
-- a column that goes in the root alone
BEGIN;
ALTER TABLE ONLY doc DROP COLUMN secret;
SELECT object, field FROM spsa.protected_field WHERE field = 'secret' ORDER BY object::text COLLATE "C";
ROLLBACK;
DROP TABLE slip, other_note;
\set sees 'SELECT t, try(format($$SELECT id, secret FROM %s$$, t)) AS rows, try(format($$SELECT FROM ONLY %s$$, t)) AS "only", try(format($$SELECT * FROM %s$$, t)) AS "all", try(format($$SELECT hidden FROM %s$$, t)) AS hidden, try(format($$UPDATE %s SET secret = id$$, t)) AS edit, try(format($$DELETE FROM ONLY %s WHERE id = 5$$, t)) AS "delete" FROM unnest($${doc,memo,note}$$::text[]) t;'
SET SESSION AUTHORIZATION regress_spsa_part_clerk;
:sees
SELECT already_active FROM spsa_activate_own('doc');
:sees
SELECT already_active FROM spsa_activate_own('hidden');
SELECT spsa_allows_field('memo', 'hidden', 'read') AS memo, spsa_allows_field('note', 'hidden', 'read') AS note, spsa_allows_field('note', 'secret', 'edit') AS secret;
:sees
INSERT INTO memo (id, region) VALUES (7, 'US');
INSERT INTO memo (id, region) VALUES (7, 'EU');
SELECT id, tableoid::regclass FROM doc ORDER BY id;
\pset format aligned
RESET SESSION AUTHORIZATION;
-- the set of all ways: specification and engine agree
SELECT object, kind, privilege, reach, field, any_of FROM spsa.effective_permission WHERE object IN ('doc'::regclass, 'note'::regclass) AND kind <> 'field' AND privilege = 'read' ORDER BY object::text COLLATE "C", kind;

-- two parents
SET ROLE regress_spsa_part_owner;
CREATE TABLE other (id integer);
CREATE TABLE both_ () INHERITS (doc, other);
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE both_ () INHERITS (other, doc);
ALTER TABLE note INHERIT other;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_protect('other');
CREATE TABLE both_ () INHERITS (doc, other);
ALTER TABLE memo INHERIT other;
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE doc INHERIT other;
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_unprotect('other'), spsa_unprotect('doc');
CREATE TABLE both_ () INHERITS (doc, other);
SELECT spsa_protect('doc', '{region}');
\echo :LAST_ERROR_SQLSTATE
DROP TABLE both_;
-- two parents in one tree
CREATE TABLE left_ () INHERITS (doc);
CREATE TABLE right_ () INHERITS (doc);
CREATE TABLE diamond () INHERITS (left_, right_);
SELECT spsa_protect('doc', '{region}');
CREATE TABLE diamond2 () INHERITS (left_, right_);
ALTER TABLE diamond NO INHERIT left_;
CREATE TABLE later (id integer, region text, secret text);
ALTER TABLE later INHERIT right_;
ALTER TABLE later NO INHERIT right_;
CREATE TEMPORARY TABLE passing () INHERITS (doc);
RESET ROLE;
CREATE TEMPORARY TABLE passing () INHERITS (doc);
\echo :LAST_ERROR_SQLSTATE
SELECT object, root, policies FROM state;
-- What somebody has made without the event trigger stands in nobody's way, and is protected when the root is again.
ALTER EVENT TRIGGER spsa_on_ddl DISABLE;
CREATE TABLE unseen () INHERITS (doc);
ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;
ALTER TABLE unseen OWNER TO regress_spsa_part_owner;
SET ROLE regress_spsa_part_other;
CREATE TABLE unrelated ();
DROP TABLE unrelated;
RESET ROLE;
SELECT count(*) FROM state WHERE object = 'unseen'::regclass;
SET ROLE regress_spsa_part_owner;
SELECT spsa_protect('doc', '{region}');
RESET ROLE;
SELECT object, root, policies FROM state WHERE object = 'unseen'::regclass;
DROP TABLE doc CASCADE;
DROP TABLE doc, later CASCADE;
SELECT object FROM state;
CREATE TABLE parent (id integer);
CREATE TEMPORARY TABLE passing () INHERITS (parent);
SELECT spsa_protect('parent');
\echo :LAST_ERROR_SQLSTATE
DROP TABLE parent CASCADE;

--
-- Many
--
SET ROLE regress_spsa_part_owner;
CREATE TABLE many (id integer, region text) PARTITION BY LIST (id);
DO $$
BEGIN
	FOR n IN 1 .. 180 LOOP
		EXECUTE format('CREATE TABLE many%s PARTITION OF many FOR VALUES IN (%s)', n, n);
	END LOOP;
	PERFORM spsa_protect('many', '{region}');
	FOR n IN 181 .. 200 LOOP
		EXECUTE format('CREATE TABLE many%s PARTITION OF many FOR VALUES IN (%s)', n, n);
	END LOOP;
END $$;
RESET ROLE;
SELECT count(*), count(root), sum(policies), bool_and(secured) FROM state;
SET ROLE regress_spsa_part_owner;
SELECT spsa_unprotect('many');
RESET ROLE;
SELECT count(*) FROM state;

DROP TABLE many;
SELECT spsa_detach();
DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_part, regress_spsa_part2 CASCADE;
DROP FOREIGN DATA WRAPPER regress_spsa_part_fdw CASCADE;
DROP OWNED BY regress_spsa_part_owner, regress_spsa_part_other, regress_spsa_part_clerk;
DROP ROLE regress_spsa_part_owner, regress_spsa_part_other, regress_spsa_part_clerk;
