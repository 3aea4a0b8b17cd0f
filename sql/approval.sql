-- approval.sql - requests to activate, what others decide on them, and emergencies.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET client_min_messages = warning;

CREATE ROLE regress_spsa_approval_app;
CREATE ROLE regress_spsa_approval_dba;
CREATE TABLE approval_doc (id integer);
INSERT INTO approval_doc VALUES (1);
GRANT SELECT ON approval_doc TO regress_spsa_approval_app;
SELECT spsa_protect('approval_doc');
SELECT count(spsa_create_permission_set(s, activation_required => true)) FROM unnest('{pay,easy,strange}'::text[]) s;
SELECT count(spsa_create_permission_set(s)) FROM unnest('{approvers,leads,managers,free}'::text[]) s;
SELECT spsa_grant_object('pay', 'approval_doc', '{read}'), spsa_grant_permission('approvers', 'approve_activations'), spsa_grant_permission('managers', 'manage_activations');
SELECT count(spsa_create_user(u)) FROM unnest('{ann,bob,cat,dan,eve,max}'::text[]) u;
SELECT spsa_assign('ann', 'pay'), spsa_assign('ann', 'easy'), spsa_assign('ann', 'free'), spsa_assign('ann', 'approvers'), spsa_assign('bob', 'approvers'), spsa_assign('cat', 'approvers'),
	spsa_assign('dan', 'leads'), spsa_assign('max', 'managers'), spsa_assign('max', 'approvers'), spsa_assign('max', 'pay');
SELECT spsa_set_activation_rule('pay', approvals_required => 2, max_duration => '8 hours', default_duration => '1 hour', approver_set => 'leads');
SELECT spsa_set_activation_rule('strange', approvals_required => 1);

CREATE TABLE who (name text PRIMARY KEY, session_id uuid, token text);
INSERT INTO who SELECT u, s.session_id, s.token FROM unnest('{ann,bob,cat,dan,eve,max}'::text[]) u, spsa_open_session(u, '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'ann2', s.session_id, s.token FROM spsa_open_session('ann', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'ann as bob', s.session_id, s.token FROM spsa_open_session('bob', actor => 'ann', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'bob as cat', s.session_id, s.token FROM spsa_open_session('cat', actor => 'bob', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'eve as ann', s.session_id, s.token FROM spsa_open_session('ann', actor => 'eve', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'max as bob', s.session_id, s.token FROM spsa_open_session('bob', actor => 'max', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'bob as max', s.session_id, s.token FROM spsa_open_session('max', actor => 'bob', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'dan free', s.session_id, s.token FROM spsa_open_session('dan', sets => '{free}', lifetime => '1 day', db_role => NULL) s;
INSERT INTO who SELECT 'bob free', s.session_id, s.token FROM spsa_open_session('bob', sets => '{free}', lifetime => '1 day', db_role => NULL) s;
GRANT SELECT ON who TO regress_spsa_approval_app;
SELECT session_id AS ann FROM who WHERE name = 'ann' \gset
SELECT session_id AS ann2 FROM who WHERE name = 'ann2' \gset
CREATE VIEW state_now AS SELECT u.user_name, s.set_name, r.state, r.reason, r.duration, r.requested_by, r.used_at IS NOT NULL AS used,
	(SELECT string_agg(decision || ' by ' || decided_by, ', ' ORDER BY decided_at) FROM spsa.activation_decision d WHERE d.request_id = r.request_id) AS decisions
FROM spsa.activation_request r JOIN spsa.app_user u USING (user_id) JOIN spsa.permission_set s USING (set_id) ORDER BY r.requested_at;
CREATE TABLE seen (event_id bigint);
CREATE FUNCTION trail(OUT event text, OUT user_name text, OUT set_name text, OUT actor text, OUT detail jsonb) RETURNS SETOF record LANGUAGE sql AS $$
	WITH fresh AS (
		SELECT * FROM spsa.audit_event e WHERE (e.event ~ '^(activate|deactivate|activation_(requested|approved|denied|cancelled)|break_glass|break_glass_reviewed)$') AND e.event_id > COALESCE((SELECT max(event_id) FROM seen), 0)
	), noted AS (INSERT INTO seen SELECT event_id FROM fresh)
	SELECT event, user_name, set_name, actor, detail - 'request_id' - 'expires_at' - 'review_id' FROM fresh ORDER BY event_id $$;
\set as 'SELECT spsa_attach_connection(token) = session_id AS attached FROM who WHERE name ='
\set quiet '\\gset quiet_'

--
-- Asking
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'ann' :quiet
SELECT * FROM spsa_activate_own('pay');
SELECT spsa_request_activation(:'ann', 'pay', NULL);
:code
SELECT spsa_request_activation(:'ann', 'pay', E' \n');
:code
SELECT spsa_request_activation(:'ann', 'pay', repeat('x', 4001));
SELECT spsa_request_activation(:'ann', 'pay', 'month end', '0');
SELECT spsa_request_activation(:'ann', 'pay', 'month end', '-178000000 years');
SELECT spsa_request_activation(:'ann', 'pay', 'month end', lifetime => '0');
SELECT spsa_request_activation(:'ann', 'pay', 'month end', lifetime => '31 days');
:code
SELECT spsa_request_activation(:'ann', 'pay', 'month end', lifetime => NULL);
SELECT spsa_request_activation(:'ann', 'easy', 'month end');
:code
SELECT spsa_request_activation(:'ann', 'free', 'month end');
:code
SELECT spsa_request_activation(:'ann', 'strange', 'month end');
:code
SELECT spsa_request_activation(:'ann', 'none', 'month end');
:code
SELECT spsa_request_activation(:'ann2', 'pay', 'month end');
:code
SELECT spsa_request_activation(NULL, 'pay', 'month end');
SELECT spsa_request_activation(:'ann', 'pay', 'month end', '2 hours') AS req \gset
SELECT spsa_request_activation(:'ann', 'pay', 'month end');
:code
SELECT * FROM spsa_activate_own('pay');
SELECT condition, met, detail FROM spsa_activation_readiness(:'ann', 'pay') WHERE condition = 'approvals_required';

--
-- Who sees it
--
\set requests 'SELECT user_name, set_name, reason, duration, state, requested_by, approvals, approvals_required, request_id = :\'req\' AS req FROM spsa.pending_activation_request'
:requests;
:as 'ann2' :quiet
SELECT count(*) FROM spsa.pending_activation_request;
:as 'bob' :quiet
SELECT count(*) FROM spsa.pending_activation_request;
:as 'dan' :quiet
SELECT count(*) FROM spsa.pending_activation_request;
:as 'eve' :quiet
SELECT count(*) FROM spsa.pending_activation_request;
:as 'bob free' :quiet
SELECT count(*) FROM spsa.pending_activation_request;
SELECT spsa_detach();
SELECT count(*) FROM spsa.pending_activation_request;
SELECT * FROM spsa.activation_request;
BEGIN;
LOCK TABLE spsa.pending_activation_request;
ROLLBACK;
RESET SESSION AUTHORIZATION;
:requests;

--
-- Who decides: nobody for themselves, under whatever user; nobody twice
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT spsa_approve_activation(:'req');
:code
:as 'eve' :quiet
SELECT spsa_approve_activation(:'req');
:code
SELECT spsa_approve_activation(gen_random_uuid());
SELECT spsa_deny_activation(:'req');
:as 'ann' :quiet
SELECT spsa_has_permission('approve_activations');
SELECT spsa_approve_activation(:'req');
:code
:as 'ann2' :quiet
SELECT spsa_approve_activation(:'req');
:as 'ann as bob' :quiet
SELECT spsa_approve_activation(:'req');
SELECT spsa_deny_activation(:'req');
:as 'eve as ann' :quiet
SELECT spsa_approve_activation(:'req');
:as 'bob free' :quiet
SELECT spsa_approve_activation(:'req');
:as 'dan free' :quiet
SELECT spsa_approve_activation(:'req');
:as 'bob' :quiet
SELECT spsa_approve_activation(gen_random_uuid());
:code
SELECT spsa_approve_activation(NULL);
:code
SELECT spsa_approve_activation(:'req', repeat('x', 4001));
SELECT spsa_approve_activation(:'req', 'seen');
SELECT spsa_approve_activation(:'req', 'again');
SELECT approvals, state FROM spsa.pending_activation_request;
:as 'bob as cat' :quiet
SELECT spsa_approve_activation(:'req');
:code
:as 'ann' :quiet
SELECT * FROM spsa_activate_own('pay');
SELECT condition, met, detail FROM spsa_activation_readiness(:'ann', 'pay') WHERE condition = 'approvals_required';
-- by way of the rule's approver_set
:as 'dan' :quiet
SELECT spsa_approve_activation(:'req', 'fine');
SELECT spsa_approve_activation(:'req');
:requests;
:as 'ann' :quiet
:requests;
SELECT condition, met, detail FROM spsa_activation_readiness(:'ann', 'pay') WHERE condition = 'approvals_required';
RESET SESSION AUTHORIZATION;
SELECT * FROM state_now;
SELECT * FROM trail();

--
-- Used once, in any session of the user; its clock starts then; no longer than was approved
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'ann2' :quiet
SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own('pay', '5 hours');
SELECT count(*) FROM approval_doc;
SELECT already_active FROM spsa_activate_own('pay');
SELECT already_active FROM spsa_activate_own('pay', '5 minutes');
SELECT already_active FROM spsa_activate_own('pay', '3 hours');
:code
:as 'ann' :quiet
SELECT already_active FROM spsa_activate_own('pay');
:code
SELECT count(*) FROM approval_doc;
SELECT count(*) FROM spsa.pending_activation_request;
:as 'ann2' :quiet
SELECT spsa_deactivate_own('pay');
SELECT already_active FROM spsa_activate_own('pay');
:as 'bob' :quiet
SELECT spsa_approve_activation(:'req');
:code
SELECT spsa_deny_activation(:'req');
RESET SESSION AUTHORIZATION;
SELECT * FROM state_now;
SELECT * FROM trail();

-- one that has been approved, for what follows
CREATE FUNCTION approved(text, interval) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	req uuid;
	one record;
BEGIN
	PERFORM spsa_attach_connection(token) FROM who WHERE name = 'ann';
	SELECT spsa_request_activation(session_id, $1, COALESCE('for ' || $2, 'for long'), $2) INTO req FROM who WHERE name = 'ann';
	FOR one IN SELECT token FROM who WHERE name IN ('bob', 'cat') LOOP
		PERFORM spsa_attach_connection(one.token);
		PERFORM spsa_approve_activation(req);
	END LOOP;
	PERFORM spsa_attach_connection(token) FROM who WHERE name = 'ann';
	RETURN req;
END $$;

--
-- Shorter than approved can be made longer, up to what was approved; another approval makes it longer yet
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT approved('pay', '2 hours') IS NOT NULL AS approved;
SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own('pay', '10 minutes');
SELECT already_active, expires_at - activated_at BETWEEN '20 minutes' AND '21 minutes' AS longer FROM spsa_activate_own('pay', '20 minutes');
SELECT already_active FROM spsa_activate_own('pay', '121 minutes');
SELECT approved('pay', '1 hour') IS NOT NULL AS approved;
SELECT already_active, expires_at - activated_at BETWEEN '60 minutes' AND '61 minutes' AS longer FROM spsa_activate_own('pay', '1 hour');
-- the first of them still covers that: the second is not used up, nor by what is shorter
SELECT count(*) FROM spsa.pending_activation_request;
SELECT already_active, expires_at - activated_at BETWEEN '119 minutes' AND '2 hours' AS longer FROM spsa_activate_own('pay', '119 minutes');
SELECT already_active FROM spsa_activate_own('pay', '3 hours');
:code
SELECT condition, met, detail FROM spsa_activation_readiness(:'ann', 'pay') WHERE condition = 'approvals_required';
SELECT count(*) FROM spsa.pending_activation_request;
SELECT approved('pay', '3 hours') IS NOT NULL AS approved;
SELECT already_active, expires_at - activated_at BETWEEN '179 minutes' AND '181 minutes' AS longer FROM spsa_activate_own('pay', '4 hours');
SELECT state, duration FROM spsa.pending_activation_request;
RESET SESSION AUTHORIZATION;
SELECT state, duration, used FROM state_now;
-- a second activation does not cut a longer one short
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT already_active, expires_at - activated_at BETWEEN '179 minutes' AND '181 minutes' AS longer FROM spsa_activate_own('pay', '1 minute');
SELECT spsa_deactivate_own('pay');
-- without a duration: what was approved, not the rule's default
SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own('pay');
SELECT spsa_deactivate_own('pay');
-- one without a duration lasts as long as the rule allows, as does one for longer
SELECT approved('pay', NULL) IS NOT NULL AS approved;
SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own('pay');
SELECT spsa_deactivate_own('pay');
SELECT approved('pay', '100000 years') IS NOT NULL AS approved;
SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own('pay');
SELECT spsa_deactivate_own('pay');
-- what the rule allows now
SELECT approved('pay', '7 hours') IS NOT NULL AS approved;
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', max_duration => '3 hours');
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own('pay');
SELECT spsa_deactivate_own('pay');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', max_duration => '8 hours');
DELETE FROM spsa.activation_request;

--
-- ROLLBACK gives the approval back, but nothing was seen with it
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT approved('pay', '1 hour') IS NOT NULL AS approved;
BEGIN;
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM approval_doc;
SELECT spsa_allows('approval_doc', 'read');
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM approval_doc;
ROLLBACK;
SELECT count(*) FROM approval_doc;
BEGIN;
SAVEPOINT s;
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM approval_doc;
SAVEPOINT t;
RELEASE t;
SAVEPOINT t;
SELECT count(*) FROM approval_doc;
ROLLBACK TO s;
SAVEPOINT u;
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM approval_doc;
ROLLBACK TO u;
SELECT count(*) FROM approval_doc;
ROLLBACK;
DO $$
DECLARE
	n bigint;
BEGIN
	BEGIN
		PERFORM spsa_activate_own('pay');
		SELECT count(*) INTO n FROM approval_doc;
		RAISE EXCEPTION '% rows seen', n;
	EXCEPTION WHEN raise_exception THEN
		RAISE WARNING '%', SQLERRM;
	END;
END $$;
SELECT count(*) FROM spsa.pending_activation_request;
-- once it is committed
BEGIN;
SELECT already_active FROM spsa_activate_own('pay', '30 minutes');
COMMIT;
SELECT count(*) FROM approval_doc;
SELECT count(*) FROM spsa.pending_activation_request;
-- made longer: until the end of before, as long as that is not committed
BEGIN;
SELECT already_active FROM spsa_activate_own('pay', '40 minutes');
SELECT count(*) FROM approval_doc;
SELECT already_active FROM spsa_activate_own('pay', '45 minutes');
SELECT count(*) FROM approval_doc;
ROLLBACK;
SELECT count(*) FROM approval_doc;
RESET SESSION AUTHORIZATION;
UPDATE spsa.activation SET expires_at = clock_timestamp() + interval '1 second';
SET SESSION AUTHORIZATION regress_spsa_approval_app;
BEGIN;
SELECT already_active FROM spsa_activate_own('pay', '40 minutes');
SELECT count(*) FROM approval_doc;
SELECT pg_sleep(1.1);
SELECT count(*) FROM approval_doc;
COMMIT;
SELECT count(*) FROM approval_doc;
-- other sets are in effect at once, as ever
SELECT spsa_deactivate_own('pay');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', clear => '{approvals_required}');
SET SESSION AUTHORIZATION regress_spsa_approval_app;
BEGIN;
SELECT already_active FROM spsa_activate_own('pay');
SELECT count(*) FROM approval_doc;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', approvals_required => 2);
DELETE FROM spsa.activation_request;

--
-- What makes an approval worth nothing
--
\set try 'SET SESSION AUTHORIZATION regress_spsa_approval_app; SELECT already_active FROM spsa_activate_own(\'pay\'); SELECT spsa_deactivate_own(\'pay\') AS was_active; RESET SESSION AUTHORIZATION;'
\set try_once 'SET LOCAL SESSION AUTHORIZATION regress_spsa_approval_app; SELECT already_active FROM spsa_activate_own(\'pay\');'
\set VERBOSITY terse
SELECT approved('pay', '1 hour') AS req \gset
-- more are required now
SELECT spsa_set_activation_rule('pay', approvals_required => 3);
:try
SELECT spsa_set_activation_rule('pay', approvals_required => 2);
-- the other conditions hold as well, and leave it unused
SELECT spsa_set_activation_rule('pay', networks => '{192.0.2.0/24}');
:try
SELECT state FROM state_now;
SELECT spsa_set_activation_rule('pay', clear => '{networks}');
-- assigned anew
BEGIN;
SELECT spsa_revoke_assignment('ann', 'pay'), spsa_assign('ann', 'pay');
:try_once
ROLLBACK;
-- expired
BEGIN;
UPDATE spsa.activation_request SET expires_at = clock_timestamp();
:try_once
ROLLBACK;
-- denied after all; withdrawn
BEGIN;
SET LOCAL SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'bob' :quiet
SELECT spsa_deny_activation(:'req', 'on second thoughts');
:as 'ann' :quiet
RESET SESSION AUTHORIZATION;
SELECT state, decisions FROM state_now;
:try_once
ROLLBACK;
BEGIN;
SET LOCAL SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT spsa_cancel_activation(:'req');
SELECT spsa_cancel_activation(:'req');
RESET SESSION AUTHORIZATION;
SELECT state FROM state_now;
:try_once
ROLLBACK;
-- the decisions are gone
BEGIN;
DELETE FROM spsa.activation_decision;
:try_once
ROLLBACK;
-- it has lost nothing by all that
:as 'ann' :quiet
:try
\set VERBOSITY default
SELECT event, actor, detail, count(*) FROM trail() WHERE event NOT IN ('activation_approved', 'activation_requested') GROUP BY 1, 2, 3 ORDER BY 1, 3;

--
-- Withdrawing
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'ann' :quiet
SELECT spsa_request_activation(:'ann', 'pay', 'to be withdrawn') AS req \gset
:as 'bob' :quiet
SELECT spsa_cancel_activation(:'req');
:code
SELECT spsa_cancel_activation(gen_random_uuid());
:code
SELECT spsa_cancel_activation(NULL);
:code
SELECT spsa_detach();
SELECT spsa_cancel_activation(:'req');
:as 'ann2' :quiet
SELECT spsa_cancel_activation(:'req'), spsa_cancel_activation(:'req');
:as 'bob' :quiet
SELECT spsa_approve_activation(:'req');
:code
:as 'ann' :quiet
SELECT spsa_request_activation(:'ann', 'pay', 'to be withdrawn by an administrator') AS req \gset
RESET SESSION AUTHORIZATION;
SELECT spsa_detach();
GRANT UPDATE ON spsa.activation_request TO regress_spsa_approval_dba;
SET SESSION AUTHORIZATION regress_spsa_approval_dba;
SELECT spsa_cancel_activation(:'req');
RESET SESSION AUTHORIZATION;
SELECT spsa_close_session(spsa_attach_connection(token)) FROM spsa_open_session('ann') \gset quiet_
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT spsa_cancel_activation(:'req');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_detach();
SELECT * FROM trail() WHERE event = 'activation_cancelled';

--
-- Denied; expired; eligible no more
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'ann' :quiet
SELECT spsa_request_activation(:'ann', 'pay', 'to be denied') AS req \gset
:as 'bob' :quiet
SELECT spsa_approve_activation(:'req');
:as 'cat' :quiet
SELECT spsa_deny_activation(:'req', 'not now');
:as 'dan' :quiet
SELECT spsa_approve_activation(:'req');
:code
:as 'ann' :quiet
SELECT * FROM spsa_activate_own('pay');
SELECT spsa_request_activation(:'ann', 'pay', 'to expire', lifetime => '0.1 second') AS req \gset
SELECT pg_sleep(0.2);
SELECT count(*) FROM spsa.pending_activation_request;
:as 'bob' :quiet
SELECT spsa_approve_activation(:'req');
:code
SELECT spsa_deny_activation(:'req');
:code
:as 'ann' :quiet
SELECT spsa_cancel_activation(:'req');
SELECT spsa_request_activation(:'ann', 'pay', 'after that') AS req \gset
RESET SESSION AUTHORIZATION;
SELECT state, reason, decisions FROM state_now WHERE reason ~ 'denied|expire|after';
SELECT * FROM trail() WHERE event = 'activation_denied';
-- neither the user nor the assignment nor the rule may have gone
CREATE FUNCTION approve_after(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
BEGIN
	EXECUTE $1;
	PERFORM spsa_attach_connection(token) FROM who WHERE name = 'bob';
	PERFORM spsa_approve_activation(request_id) FROM spsa.activation_request WHERE reason = 'after that';
	RETURN 'approved';
EXCEPTION WHEN object_not_in_prerequisite_state OR insufficient_privilege THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
	RETURN message;
END $$;
SELECT approve_after($$UPDATE spsa.app_user SET is_active = false WHERE user_name = 'ann'$$);
SELECT approve_after($$SELECT spsa_revoke_assignment('ann', 'pay')$$);
SELECT approve_after($$SELECT spsa_assign('ann', 'pay', clock_timestamp() + interval '10 ms'), pg_sleep(0.02)$$);
SELECT approve_after($$SELECT spsa_set_activation_rule('pay', clear => '{approvals_required}')$$);
SELECT approve_after($$SELECT spsa_drop_permission_set('pay')$$);
SELECT approve_after($$DELETE FROM spsa.app_user WHERE user_name = 'ann'$$);
SELECT approve_after($$SELECT spsa_revoke_permission('approvers', 'approve_activations')$$);
SELECT approve_after($$SELECT 1$$);
SELECT spsa_detach();

--
-- By way of a group; a manager asks for another, and does not approve that
--
DELETE FROM spsa.activation_request;
SELECT spsa_create_permission_set('crew', kind => 'group') > 0 AS made;
SELECT spsa_add_group_member('crew', 'easy'), spsa_set_activation_rule('easy', approvals_required => 1), spsa_revoke_assignment('ann', 'easy'), spsa_assign('ann', 'crew');
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'max' :quiet
SELECT spsa_request_activation(:'ann', 'easy', 'for ann') AS req \gset
:requests;
SELECT spsa_approve_activation(:'req');
:as 'max as bob' :quiet
SELECT spsa_approve_activation(:'req');
:as 'bob as max' :quiet
SELECT spsa_approve_activation(:'req');
:as 'eve as ann' :quiet
SELECT spsa_approve_activation(:'req');
:as 'ann as bob' :quiet
SELECT spsa_approve_activation(:'req');
:as 'cat' :quiet
SELECT spsa_approve_activation(:'req');
:as 'max' :quiet
SELECT already_active FROM spsa_activate(:'ann', 'easy');
SELECT spsa_deactivate(:'ann', 'easy');
:as 'eve as ann' :quiet
SELECT spsa_request_activation(spsa_session_id(), 'easy', 'eve for ann') AS req \gset
RESET SESSION AUTHORIZATION;
SELECT spsa_assign('eve', 'approvers');
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'eve' :quiet
SELECT spsa_approve_activation(:'req');
:as 'bob' :quiet
SELECT spsa_approve_activation(:'req');
RESET SESSION AUTHORIZATION;
SELECT spsa_remove_group_member('crew', 'easy'), spsa_add_group_member('crew', 'easy');
UPDATE spsa.session SET expires_at = '2999-01-01 12:00:00+00' WHERE session_id = :'ann';
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'ann' :quiet
SET client_min_messages = notice;
SELECT already_active FROM spsa_activate_own('easy');
SELECT already_active FROM spsa_activate_own('easy');
SET client_min_messages = warning;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) SELECT 2;
RESET SESSION AUTHORIZATION;
SELECT user_name, set_name, state, reason, requested_by FROM state_now;
SELECT spsa_detach();

--
-- Emergencies
--
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'ann' :quiet
SELECT * FROM spsa_break_glass(:'ann', 'pay', 'the house is on fire');
:code
SELECT * FROM spsa_break_glass(:'ann', 'easy', 'the house is on fire');
:code
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', break_glass => true, networks => '{192.0.2.0/24}', max_duration => '2 hours');
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT * FROM spsa_break_glass(:'ann', 'pay', NULL);
:code
SELECT * FROM spsa_break_glass(:'ann', 'pay', ' ');
SELECT * FROM spsa_break_glass(:'ann', 'pay', repeat('x', 4001));
-- all else must be met
SELECT * FROM spsa_break_glass(:'ann', 'pay', 'the house is on fire');
SELECT * FROM spsa_break_glass(:'ann2', 'pay', 'the house is on fire');
SELECT * FROM spsa_break_glass(:'ann', 'strange', 'the house is on fire');
SELECT * FROM spsa_break_glass(:'ann', 'none', 'the house is on fire');
SELECT * FROM spsa_break_glass(:'ann', 'free', 'the house is on fire');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', clear => '{networks}');
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT condition, met, detail FROM spsa_activation_readiness(:'ann', 'pay') WHERE condition = 'approvals_required';
-- nothing is seen that leaves no trace
BEGIN;
SELECT already_active FROM spsa_break_glass(:'ann', 'pay', 'the house is on fire');
SELECT count(*) FROM approval_doc;
ROLLBACK;
SELECT count(*) FROM spsa.break_glass_unreviewed;
SELECT already_active, expires_at - activated_at AS duration FROM spsa_break_glass(:'ann', 'pay', 'the house is on fire');
SELECT count(*) FROM approval_doc;
SELECT already_active FROM spsa_break_glass(:'ann', 'pay', 'still on fire');
SELECT already_active FROM spsa_activate_own('pay', '90 minutes');
SELECT already_active, expires_at - activated_at AS duration FROM spsa_break_glass(:'ann', 'pay', 'still burning', '3 hours');
SELECT user_name, set_name, activated_by, reason, session_id = :'ann' AS session FROM spsa.break_glass_unreviewed;
SELECT * FROM spsa.break_glass_review;
RESET SESSION AUTHORIZATION;
SELECT * FROM trail() WHERE event LIKE 'break_glass%' OR event = 'activate';
-- another one, by a manager
SET SESSION AUTHORIZATION regress_spsa_approval_app;
:as 'max' :quiet
SELECT already_active FROM spsa_break_glass(:'ann2', 'pay', 'ann is in the lift');
:as 'eve' :quiet
SELECT reason, activated_by FROM spsa.break_glass_unreviewed;
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('eve', 'approvers');
SELECT review_id AS first FROM spsa.break_glass_review WHERE reason = 'the house is on fire' \gset
SELECT review_id AS lift FROM spsa.break_glass_review WHERE reason = 'ann is in the lift' \gset
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT count(*) FROM spsa.break_glass_unreviewed;
-- reviewed by others only
SELECT spsa_review_break_glass(:'first');
:code
:as 'ann' :quiet
SELECT spsa_review_break_glass(:'first');
:code
:as 'ann as bob' :quiet
SELECT spsa_review_break_glass(:'first');
:as 'eve as ann' :quiet
SELECT spsa_review_break_glass(:'first');
SELECT spsa_review_break_glass(:'lift');
:as 'max' :quiet
SELECT spsa_review_break_glass(:'lift');
:as 'max as bob' :quiet
SELECT spsa_review_break_glass(:'lift');
:as 'bob as max' :quiet
SELECT spsa_review_break_glass(:'lift');
:as 'bob' :quiet
SELECT spsa_review_break_glass(gen_random_uuid());
:code
SELECT spsa_review_break_glass(NULL);
:code
SELECT spsa_review_break_glass(:'first', repeat('x', 4001));
SELECT spsa_review_break_glass(:'first', 'there was a fire');
SELECT spsa_review_break_glass(:'first', 'twice');
SELECT reason FROM spsa.break_glass_unreviewed;
SELECT spsa_detach();
SELECT spsa_review_break_glass(:'lift');
SELECT count(*) FROM spsa.break_glass_unreviewed;
RESET SESSION AUTHORIZATION;
-- by an administrator who is not the user
GRANT SELECT, UPDATE ON spsa.break_glass_review TO regress_spsa_approval_dba;
UPDATE spsa.app_user SET db_role = 'regress_spsa_approval_dba' WHERE user_name = 'ann';
SET SESSION AUTHORIZATION regress_spsa_approval_dba;
SELECT spsa_review_break_glass(:'lift');
:code
RESET SESSION AUTHORIZATION;
UPDATE spsa.app_user SET db_role = NULL WHERE user_name = 'ann';
UPDATE spsa.app_user SET db_role = 'regress_spsa_approval_dba' WHERE user_name = 'max';
SET SESSION AUTHORIZATION regress_spsa_approval_dba;
SELECT spsa_review_break_glass(:'lift');
RESET SESSION AUTHORIZATION;
UPDATE spsa.app_user SET db_role = NULL WHERE user_name = 'max';
SET SESSION AUTHORIZATION regress_spsa_approval_dba;
SELECT spsa_review_break_glass(:'lift', 'the lift is repaired');
RESET SESSION AUTHORIZATION;
SELECT reason, reviewed_by, comment, reviewed_at IS NOT NULL AS reviewed FROM spsa.break_glass_review ORDER BY at;
SELECT * FROM trail() WHERE event = 'break_glass_reviewed';

--
-- Direct writes, and what goes
--
DELETE FROM spsa.activation_request;
UPDATE spsa.break_glass_review SET comment = 'changed' WHERE reviewed_at IS NOT NULL;
SELECT event, count(*) FROM spsa.audit_event WHERE event ~ '^(activation_request_|activation_decision_|break_glass_review_)' GROUP BY event ORDER BY event;
SELECT spsa_purge() IS NOT NULL AS purged;
SELECT reason FROM spsa.break_glass_review;
SELECT spsa_deactivate_all(session_id) FROM who WHERE name = 'ann';
SELECT approved('easy', '1 hour') IS NOT NULL AS approved;
:as 'ann' :quiet
SELECT already_active FROM spsa_activate_own('easy');
UPDATE spsa.activation_request SET expires_at = clock_timestamp();
SELECT spsa_purge() IS NOT NULL AS purged;
SELECT count(*) AS used_by_an_activation FROM spsa.activation_request;
SELECT spsa_deactivate_own('easy');
SELECT spsa_purge() IS NOT NULL AS purged;
SELECT count(*) FROM spsa.activation_request;
TRUNCATE spsa.activation_request CASCADE;
TRUNCATE spsa.break_glass_review;
SELECT event FROM spsa.audit_event WHERE event LIKE '%truncate' ORDER BY event_id;
-- an attached session that is over
SELECT spsa_close_session();
SET SESSION AUTHORIZATION regress_spsa_approval_app;
SELECT * FROM spsa.pending_activation_request;
:code
SELECT * FROM spsa.break_glass_unreviewed;
SELECT spsa_review_break_glass(:'lift');
:code
SELECT spsa_approve_activation(:'req');
:code
RESET SESSION AUTHORIZATION;

DROP EXTENSION spsa CASCADE;
DROP TABLE approval_doc, who, seen;
DROP FUNCTION approved, approve_after, trail;
DROP OWNED BY regress_spsa_approval_app, regress_spsa_approval_dba;
DROP ROLE regress_spsa_approval_app, regress_spsa_approval_dba;
