-- audit_chain: events are linked to those before them; what is changed, removed or put in afterwards is found and named.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
CREATE ROLE regress_spsa_chain_app;
CREATE ROLE regress_spsa_chain_delegate;
CREATE SCHEMA chain_hostile AUTHORIZATION regress_spsa_chain_delegate;

-- The hash as the comment on the column has it: anybody can compute it elsewhere.
CREATE FUNCTION chain_hash(e spsa.audit_event) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT sha256(string_agg(int4send(octet_length(name)) || convert_to(name, 'UTF8') || int4send(octet_length(value)) || value, '' ORDER BY n))
	FROM (VALUES (1, 'event_id', int8send(e.event_id)), (2, 'at', timestamptz_send(e.at)), (3, 'event', convert_to(e.event, 'UTF8')),
		(4, 'session_id', uuid_send(e.session_id)), (5, 'user_name', convert_to(e.user_name, 'UTF8')),
		(6, 'set_name', convert_to(e.set_name, 'UTF8')), (7, 'actor', convert_to(e.actor, 'UTF8')),
		(8, 'actor_session_id', uuid_send(e.actor_session_id)), (9, 'database_role', convert_to(e.database_role, 'UTF8')),
		(10, 'client_address', convert_to(NULLIF(format('%s', e.client_address), ''), 'UTF8')),
		(11, 'application_name', convert_to(e.application_name, 'UTF8')),
		(12, 'active_sets', convert_to(e.active_sets::text, 'UTF8')), (13, 'detail', convert_to(e.detail::text, 'UTF8')),
		(14, 'transaction_id', xid8send(e.transaction_id)), (15, 'previous_id', int8send(e.previous_id)),
		(16, 'previous_at', timestamptz_send(e.previous_at)), (17, 'previous_hash', e.previous_hash)) c (n, name, value)
	WHERE value IS NOT NULL
$$;
-- What verification says, with names instead of identifiers.
CREATE TABLE session_name (session_id uuid, name text);
CREATE FUNCTION broken(head text DEFAULT NULL, pruned text DEFAULT NULL) RETURNS TABLE (event text, session text, problem text) LANGUAGE sql AS $$
	SELECT e.event, s.name, v.problem FROM spsa_verify_audit(head, pruned) WITH ORDINALITY v (event_id, session_id, problem, n)
		LEFT JOIN spsa.audit_event e USING (event_id) LEFT JOIN session_name s ON s.session_id = v.session_id ORDER BY v.n
$$;
-- The same while a command is in effect that is undone then.
CREATE FUNCTION tampered(command text, head text DEFAULT NULL, pruned text DEFAULT NULL) RETURNS TABLE (event text, session text, problem text)
LANGUAGE plpgsql AS $$
DECLARE
	found text[];
	changed integer;
BEGIN
	BEGIN
		EXECUTE command;
		GET DIAGNOSTICS changed = ROW_COUNT;
		found := ARRAY(SELECT b::text FROM broken(head, pruned) b);
		RAISE EXCEPTION USING errcode = 'ZZ001';
	EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	END;
	IF changed = 0 AND command !~ '^(TRUNCATE|DO|ALTER)' THEN
		RAISE EXCEPTION 'nothing was changed';
	END IF;
	RETURN QUERY SELECT (b).event, (b).session, (b).problem FROM (SELECT unnest(found)::record_of_broken AS b) f;
END $$;
CREATE TYPE record_of_broken AS (event text, session text, problem text);

-- Two sessions, and events without one.
SELECT spsa_create_user('ann'), spsa_create_user('bärbel');
SELECT spsa_create_permission_set('sales', activation_required => true);
SELECT spsa_assign('ann', 'sales'), spsa_assign('bärbel', 'sales');
INSERT INTO session_name SELECT session_id, 'first' FROM spsa_open_session('ann', db_role => NULL);
INSERT INTO session_name SELECT session_id, 'second' FROM spsa_open_session('bärbel', db_role => NULL);
SELECT session_id AS first FROM session_name WHERE name = 'first' \gset
SELECT session_id AS second FROM session_name WHERE name = 'second' \gset
SELECT already_active FROM spsa_activate(:'first', 'sales', reason => 'quarter''s "end"');
SELECT already_active FROM spsa_activate(:'second', 'sales', reason => 'Übung');
SELECT spsa_deactivate(:'first', 'sales');
SELECT spsa_close_session(:'first');
SELECT spsa_audit_head() AS head \gset
SELECT e.event, s.name AS session, p.event AS previous, p.session_id IS NOT DISTINCT FROM e.session_id AND p.event_id = (
		SELECT max(event_id) FROM spsa.audit_event b WHERE b.session_id IS NOT DISTINCT FROM e.session_id AND b.event_id < e.event_id) AS latest,
	e.previous_at IS NOT DISTINCT FROM p.at AS same_time, e.previous_hash IS NOT DISTINCT FROM p.hash AS same_hash, e.hash = chain_hash(e) AS hash
FROM spsa.audit_event e LEFT JOIN spsa.audit_event p ON p.event_id = e.previous_id LEFT JOIN session_name s ON s.session_id = e.session_id
ORDER BY e.event_id;
SELECT * FROM broken();
SELECT * FROM broken(:'head');
SELECT :'head' ~ '^1/11/11/\d+:\d+:/-/[0-9a-f]{64}$' AS head;
-- The digest, computed elsewhere.
WITH RECURSIVE event AS (
	SELECT row_number() OVER (ORDER BY at, event_id) AS n, hash FROM spsa.audit_event
), digest (n, value) AS (
	SELECT 0::bigint, decode(repeat('00', 32), 'hex') UNION ALL SELECT e.n, sha256(d.value || e.hash) FROM digest d JOIN event e ON e.n = d.n + 1
)
SELECT encode(value, 'hex') = split_part(:'head', '/', 6) AS same FROM digest ORDER BY n DESC LIMIT 1;
-- Later events do not disturb it, and a later head has them.
SELECT spsa_create_user('kim') > 0 AS made;
SELECT * FROM broken(:'head');
SELECT spsa_audit_head() AS later \gset
SELECT * FROM broken(:'later');

--
-- What the owner can do
--
SELECT * FROM tampered($$UPDATE spsa.audit_event SET detail = detail || '{"reason": "none"}' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET detail = detail - 'reason' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET event = 'deactivate' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET at = at + '1 microsecond' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET user_name = 'bob' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET user_name = NULL WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET user_name = NULL, actor = user_name WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET set_name = 'other' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET database_role = 'bob' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET actor_session_id = session_id WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET client_address = '10.0.0.1' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET application_name = 'psql' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET active_sets = '{}' WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered(format($$UPDATE spsa.audit_event SET session_id = %L WHERE event = 'session_close'$$, :'second'));
SELECT * FROM tampered($$UPDATE spsa.audit_event SET event_id = 1000 WHERE event = 'session_close'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET transaction_id = '3' WHERE event = 'session_close'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET previous_id = NULL, previous_at = NULL, previous_hash = NULL WHERE event = 'session_close'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET hash = sha256(hash) WHERE event = 'activate' AND user_name = 'ann'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event SET hash = substr(hash, 1, 31) WHERE event = 'session_close'$$);
\set VERBOSITY sqlstate
SELECT * FROM tampered($$UPDATE spsa.audit_event SET hash = NULL WHERE event = 'session_close'$$);
\set VERBOSITY default
-- two that change places: by number, by all but that
SELECT * FROM tampered($$DO 'BEGIN
	UPDATE spsa.audit_event SET event_id = -event_id WHERE event_id IN (7, 8);
	UPDATE spsa.audit_event SET event_id = 15 + event_id WHERE event_id < 0; END'$$);
SELECT * FROM tampered($$UPDATE spsa.audit_event e SET at = o.at, event = o.event, session_id = o.session_id, user_name = o.user_name,
	set_name = o.set_name, detail = o.detail, transaction_id = o.transaction_id, previous_id = o.previous_id, previous_at = o.previous_at,
	previous_hash = o.previous_hash, hash = o.hash FROM spsa.audit_event o WHERE e.event_id IN (8, 9) AND o.event_id = 17 - e.event_id$$);
-- with the right hash: those that follow tell, after the last one only a head
SELECT * FROM tampered($$UPDATE spsa.audit_event e SET user_name = 'bob', hash = chain_hash((event_id, at, event, session_id, 'bob', set_name, actor,
	actor_session_id, database_role, client_address, application_name, active_sets, detail, transaction_id, previous_id, previous_at, previous_hash, hash)) WHERE event = 'activate' AND user_name = 'ann'$$, :'head');
\set last 'UPDATE spsa.audit_event e SET user_name = ''bob'', hash = chain_hash((event_id, at, event, session_id, ''bob'', set_name, actor, actor_session_id, database_role, client_address, application_name, active_sets, detail, transaction_id, previous_id, previous_at, previous_hash, hash)) WHERE event = ''session_close'''
SELECT * FROM tampered(:'last');
SELECT * FROM tampered(:'last', :'head');
-- removed: in the middle, the last one, a session, all
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE event = 'deactivate'$$);
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE event = 'deactivate'$$, :'head');
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE event_id = 1$$);
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE event = 'session_close'$$);
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE event = 'session_close'$$, :'head');
SELECT * FROM tampered(format($$DELETE FROM spsa.audit_event WHERE session_id = %L$$, :'first'));
SELECT * FROM tampered(format($$DELETE FROM spsa.audit_event WHERE session_id = %L$$, :'first'), :'head');
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE user_name = 'kim'$$, :'head');
SELECT * FROM tampered($$DELETE FROM spsa.audit_event WHERE user_name = 'kim'$$, :'later');
SELECT * FROM tampered($$TRUNCATE spsa.audit_event$$);
SELECT * FROM tampered($$TRUNCATE spsa.audit_event$$, :'head');
-- put in: whatever the row says, it is linked and counts as written now
SELECT * FROM tampered($$INSERT INTO spsa.audit_event (event_id, event, transaction_id, previous_id, previous_at, previous_hash, hash)
	VALUES (0, 'forged', '3', 1000, '2000-01-01', '\x00', '\x00')$$, :'later');
BEGIN;
INSERT INTO spsa.audit_event (event, session_id, at, transaction_id, previous_id, previous_at, previous_hash, hash)
VALUES ('forged', :'second', '2020-01-01', '3', 1000, '2000-01-01', '\x00', '\x00');
SELECT e.transaction_id = pg_current_xact_id() AS transaction, p.event AS previous, p.session_id = e.session_id AS same_session, e.previous_at = p.at AS previous_at,
	e.previous_hash = p.hash AS previous_hash, e.hash = chain_hash(e) AS hash
FROM spsa.audit_event e JOIN spsa.audit_event p ON p.event_id = e.previous_id WHERE e.event = 'forged';
INSERT INTO spsa.audit_event (event, session_id, previous_id, previous_at, previous_hash)
SELECT 'first', gen_random_uuid(), event_id, at, hash FROM spsa.audit_event WHERE event = 'forged' RETURNING previous_id, previous_at, previous_hash;
ROLLBACK;
-- and without the trigger
SET session_replication_role = replica;
\set forge 'INSERT INTO spsa.audit_event SELECT (chained).* FROM (SELECT jsonb_populate_record(f, jsonb_build_object(''hash'', chain_hash(f))) AS chained FROM (SELECT jsonb_populate_record(e, '
\set forged ') f FROM spsa.audit_event e WHERE event = ''session_close'') f) f'
SELECT * FROM tampered($$INSERT INTO spsa.audit_event SELECT 1000, at, event, session_id, user_name, set_name, actor, actor_session_id, database_role, client_address, application_name,
	active_sets, detail, transaction_id,
	previous_id, previous_at, previous_hash, hash FROM spsa.audit_event WHERE event = 'session_close'$$, :'head');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged"}'$$ || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged"}'$$ || :'forged', :'head');
SELECT * FROM tampered(:'forge' || format($$'{"event_id": 0, "event": "forged", "session_id": "%s"}'$$, :'second') || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged", "session_id": null}'$$ || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged", "previous_id": 1000}'$$ || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged", "previous_id": null}'$$ || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged", "previous_at": "2000-01-01"}'$$ || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged", "previous_id": null, "previous_at": null, "previous_hash": null}'$$ || :'forged');
SELECT * FROM tampered(:'forge' || $$'{"event_id": 0, "event": "forged", "previous_id": null, "previous_at": null, "previous_hash": null}'$$ || :'forged', :'head');
-- Events that the extension writes then are linked all the same.
BEGIN;
SELECT already_active FROM spsa_activate(:'second', 'sales', '1 hour');
SELECT spsa_deactivate(:'second', 'sales');
INSERT INTO spsa.audit_event (event) VALUES ('by hand');
SELECT count(*) FILTER (WHERE previous_id IS NOT NULL) AS linked FROM spsa.audit_event WHERE transaction_id = pg_current_xact_id();
SELECT * FROM broken(:'later');
ROLLBACK;
-- No head covers what claims a transaction that has not been.
BEGIN;
INSERT INTO spsa.audit_event (event_id, event, transaction_id, hash) VALUES (1000, 'forged', '1000000000000', '\x00');
COMMIT;
RESET session_replication_role;
SELECT spsa_audit_head();
\echo :LAST_ERROR_SQLSTATE
DELETE FROM spsa.audit_event WHERE event_id = 1000;

--
-- Pruning: what is deleted by plan, and nothing else, may be missing
--
SELECT at AS cut FROM spsa.audit_event WHERE event = 'deactivate' \gset
SELECT spsa_audit_head(before => :'cut') AS pruned \gset
SELECT split_part(:'pruned', '/', 2) AS events, split_part(:'pruned', '/', 5)::timestamptz = :'cut' AS before;
SELECT format('DELETE FROM spsa.audit_event WHERE at < %L', :'cut') AS prune \gset
SELECT * FROM broken(:'pruned');
SELECT * FROM broken(:'head', :'pruned');
SELECT * FROM tampered(:'prune');
SELECT * FROM tampered(:'prune', pruned => :'pruned');
SELECT * FROM tampered(:'prune', :'head', :'pruned');
SELECT * FROM tampered(:'prune', :'head');
SELECT * FROM tampered(:'prune', :'pruned', :'pruned');
-- not more than that
SELECT * FROM tampered(:'prune' || $$ OR event = 'deactivate'$$, pruned => :'pruned');
SELECT * FROM tampered(:'prune' || $$ OR event = 'deactivate'$$, :'head', :'pruned');
SELECT * FROM tampered(:'prune' || $$ OR event = 'session_close'$$, :'head', :'pruned');
-- what is older and comes later
SELECT * FROM tampered($$INSERT INTO spsa.audit_event (event, at) VALUES ('late', '2020-01-01')$$, :'head', :'pruned');
SELECT * FROM tampered($$INSERT INTO spsa.audit_event (event_id, event, at) VALUES (0, 'late', '2020-01-01')$$, :'head', :'pruned');
-- done, and heads go on: the same as if nothing had been deleted
DELETE FROM spsa.audit_event WHERE at < :'cut';
SELECT spsa_audit_head(pruned => :'pruned') AS after \gset
SELECT split_part(:'after', '/', 6) = split_part(:'later', '/', 6) AS digest, split_part(:'after', '/', 2) = split_part(:'later', '/', 2) AS count;
SELECT * FROM broken(:'after', :'pruned');
SELECT * FROM broken(:'after');
SELECT at AS cut2 FROM spsa.audit_event WHERE user_name = 'kim' \gset
SELECT spsa_audit_head(:'cut2', :'pruned') AS pruned2 \gset
SELECT spsa_audit_head(:'cut2') AS wrong \gset
DELETE FROM spsa.audit_event WHERE at < :'cut2';
SELECT * FROM broken(:'head', :'pruned2');
SELECT * FROM broken(:'later', :'pruned2');
SELECT * FROM broken(:'later', :'wrong');
SELECT * FROM broken(:'later', :'pruned');

--
-- What is no head, and when there is none
--
\set VERBOSITY sqlstate
SELECT spsa_verify_audit('');
SELECT spsa_verify_audit('1/2/3');
SELECT spsa_verify_audit(:'later' || '0');
SELECT spsa_verify_audit(left(:'later', -1));
SELECT spsa_verify_audit(upper(:'later') || '/');
SELECT spsa_verify_audit('2' || substr(:'later', 2));
SELECT spsa_verify_audit('1/x/3/1:1:/-/' || repeat('0', 64));
SELECT spsa_verify_audit('1/1/99999999999999999999/1:1:/-/' || repeat('0', 64));
SELECT spsa_verify_audit('1/1/3/9:1:/-/' || repeat('0', 64));
SELECT spsa_verify_audit('1/1/3/x/-/' || repeat('0', 64));
SELECT spsa_verify_audit('1/1/3/1:1:/yesterdays/' || repeat('0', 64));
SELECT spsa_verify_audit('1/1/3/1:1:/-/' || repeat('g', 64));
SELECT spsa_verify_audit(NULL, 'x');
SELECT spsa_audit_head(NULL, 'x');
SELECT spsa_audit_head('infinity');
SELECT spsa_audit_head('-infinity');
SELECT spsa_audit_head(now() + '1 hour');
SELECT spsa_audit_head(:'cut', :'pruned2');
\set VERBOSITY default
SELECT spsa_verify_audit('no');
SELECT spsa_verify_audit(:'later', :'later');
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_audit_head(pruned => :'later');
SELECT spsa_audit_head('tomorrow');
BEGIN;
SELECT split_part(spsa_audit_head(pruned => :'pruned2'), '/', 6) = split_part(:'later', '/', 6) AS nothing_new;
SELECT spsa_create_user('lee') > 0 AS made;
SELECT spsa_audit_head();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
CREATE TRIGGER chain AFTER INSERT ON session_name FOR EACH ROW EXECUTE FUNCTION spsa.chain_event();
INSERT INTO session_name VALUES (NULL, 'nobody');
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER chain ON session_name;
CREATE TRIGGER chain BEFORE INSERT ON session_name FOR EACH ROW EXECUTE FUNCTION spsa.chain_event();
INSERT INTO session_name VALUES (NULL, 'nobody');
DROP TRIGGER chain ON session_name;
DO $$BEGIN PERFORM spsa.chain_event(); END$$;

--
-- Transactions: rolled back, savepoints, an old snapshot, many in one statement
--
DELETE FROM spsa.audit_event;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM spsa.audit_event;
INSERT INTO spsa.audit_event (event) VALUES ('one');
SAVEPOINT s;
INSERT INTO spsa.audit_event (event) VALUES ('undone');
ROLLBACK TO s;
INSERT INTO spsa.audit_event (event) VALUES ('two');
SAVEPOINT s;
INSERT INTO spsa.audit_event (event) VALUES ('three');
RELEASE s;
INSERT INTO spsa.audit_event (event) SELECT 'many ' || n FROM generate_series(1, 3) n;
INSERT INTO spsa.audit_event (event, session_id) SELECT 'session ' || n, CASE n % 2 WHEN 0 THEN :'first' ELSE :'second' END::uuid FROM generate_series(1, 4) n;
SELECT * FROM broken();
COMMIT;
BEGIN;
INSERT INTO spsa.audit_event (event) VALUES ('undone');
ROLLBACK;
INSERT INTO spsa.audit_event (event) VALUES ('last');
SELECT e.event, p.event AS previous, count(*) OVER (PARTITION BY e.transaction_id) AS together
FROM spsa.audit_event e LEFT JOIN spsa.audit_event p ON p.event_id = e.previous_id ORDER BY e.event_id;
SELECT spsa_audit_head() AS head \gset
SELECT * FROM broken(:'head');

-- A column that comes later changes nothing, and is covered.
BEGIN;
ALTER TABLE spsa.audit_event ADD COLUMN noted integer, ADD COLUMN gone integer;
ALTER TABLE spsa.audit_event DROP COLUMN gone;
SELECT * FROM spsa_verify_audit(:'head');
INSERT INTO spsa.audit_event (event, noted) VALUES ('noted', 1);
SELECT * FROM spsa_verify_audit(:'head');
UPDATE spsa.audit_event SET noted = 2 WHERE event = 'noted';
SELECT problem FROM spsa_verify_audit(:'head');
ROLLBACK;

--
-- Who may: with EXECUTE and SELECT, and the delegate of the administration. Nobody but the owner changes anything.
--
SELECT spsa_grant_administration('regress_spsa_chain_delegate');
GRANT USAGE ON SCHEMA spsa TO regress_spsa_chain_app;
SELECT spsa_audit_head() AS head \gset
SET SESSION AUTHORIZATION regress_spsa_chain_app;
SELECT spsa_verify_audit();
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_audit_head();
INSERT INTO spsa.audit_event (event) VALUES ('forged');
UPDATE spsa.audit_event SET detail = '{}';
DELETE FROM spsa.audit_event;
TRUNCATE spsa.audit_event;
SELECT spsa.chain_event();
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION spsa_verify_audit, spsa_audit_head TO regress_spsa_chain_app;
SET SESSION AUTHORIZATION regress_spsa_chain_app;
SELECT spsa_verify_audit();
\echo :LAST_ERROR_SQLSTATE
SELECT spsa_audit_head();
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_spsa_chain_delegate;
SELECT * FROM spsa_verify_audit(:'head');
SELECT spsa_audit_head() ~ '^1/' AS head;
INSERT INTO spsa.audit_event (event) VALUES ('forged');
UPDATE spsa.audit_event SET detail = '{}';
UPDATE spsa.audit_event SET hash = hash;
DELETE FROM spsa.audit_event;
TRUNCATE spsa.audit_event;
ALTER TABLE spsa.audit_event DISABLE TRIGGER chain_event;
SET session_replication_role = replica;
-- Settings and a search_path of one's own: the same head, and nothing of one's own is called.
CREATE FUNCTION chain_hostile.same(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION chain_hostile.same(bytea, bytea) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE FUNCTION chain_hostile.pg_visible_in_snapshot(xid8, pg_snapshot) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'captured'; END$$;
CREATE OPERATOR chain_hostile.= (FUNCTION = chain_hostile.same, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR chain_hostile.= (FUNCTION = chain_hostile.same, LEFTARG = bytea, RIGHTARG = bytea);
SET search_path = chain_hostile, public, pg_catalog;
SELECT 1::bigint = 1::bigint;
SET datestyle = 'SQL, DMY';
SET timezone = 'Asia/Tokyo';
SET bytea_output = escape;
SET client_encoding = latin1;
SET extra_float_digits = -15;
SET intervalstyle = iso_8601;
SELECT * FROM public.spsa_verify_audit(:'head');
SELECT split_part(public.spsa_audit_head(), '/', 6) OPERATOR(pg_catalog.=) split_part(:'head', '/', 6) AS same;
SELECT public.spsa_create_user('bärbel 2') OPERATOR(pg_catalog.>) 0 AS made;
RESET search_path;
RESET datestyle;
RESET timezone;
RESET bytea_output;
RESET client_encoding;
RESET extra_float_digits;
RESET intervalstyle;
SELECT * FROM spsa_verify_audit(:'head');
RESET SESSION AUTHORIZATION;
-- What says who did it, of each type.
INSERT INTO spsa.audit_event (event, client_address, application_name, active_sets) VALUES ('by hand', '10.1.2.3', 'Zürich', '{"a b",ü,"c,\"d\""}'),
	('by hand', '10.1.0.0/16', 'x', '{}'), ('by hand', '::1', NULL, '{NULL,"NULL",""}');
SELECT spsa_create_user('zoë') > 0 AS made, spsa_create_permission_set('small') > 0 AS set;
SELECT spsa_assign('zoë', 'small');
SELECT token FROM spsa_open_session('zoë') \gset
SELECT spsa_attach_connection(:'token') IS NOT NULL AS attached;
SELECT spsa_create_user('last') > 0 AS made;
SELECT spsa_detach();
SELECT count(*) AS events, count(*) FILTER (WHERE hash = chain_hash(e)) AS intact, count(active_sets) AS sets, count(actor_session_id) AS sessions,
	count(client_address) AS addresses FROM spsa.audit_event e;
SELECT problem FROM spsa_verify_audit();

DROP FUNCTION tampered, broken, chain_hash;
DROP TYPE record_of_broken;
DROP TABLE session_name;
DROP SCHEMA chain_hostile CASCADE;
DROP EXTENSION spsa;
DROP OWNED BY regress_spsa_chain_app, regress_spsa_chain_delegate;
DROP ROLE regress_spsa_chain_app, regress_spsa_chain_delegate;
