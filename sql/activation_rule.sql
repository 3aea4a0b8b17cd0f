-- activation_rule.sql - what an activation must meet.
CREATE EXTENSION spsa;
\set SHOW_CONTEXT never
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET client_min_messages = warning;

CREATE ROLE regress_spsa_rule_app;
CREATE ROLE regress_spsa_rule_clerk;
CREATE ROLE regress_spsa_rule_insert;
GRANT INSERT ON spsa.activation TO regress_spsa_rule_insert;
CREATE TABLE rule_doc (id integer);
INSERT INTO rule_doc VALUES (1);
GRANT SELECT ON rule_doc TO regress_spsa_rule_app;
SELECT spsa_protect('rule_doc');
CREATE FUNCTION set_of(text) RETURNS integer LANGUAGE sql AS 'SELECT set_id FROM spsa.permission_set WHERE set_name = $1';
SELECT count(spsa_create_permission_set(s, activation_required => true)) FROM unnest('{pay,audit,other,member}'::text[]) s;
SELECT spsa_create_permission_set('crew', kind => 'group', activation_required => true) > 0 AS made,
	spsa_create_permission_set('mute', kind => 'muting') > 0 AS made,
	spsa_create_permission_set('free') > 0 AS made, spsa_create_permission_set('managers') > 0 AS made;
SELECT spsa_add_group_member('crew', 'member');
SELECT spsa_grant_object('pay', 'rule_doc', '{read}'), spsa_grant_permission('managers', 'manage_activations');
SELECT count(spsa_create_user(u)) FROM unnest('{ann,max}'::text[]) u;
SELECT spsa_assign('ann', 'pay'), spsa_assign('ann', 'audit'), spsa_assign('ann', 'crew'), spsa_assign('ann', 'free'), spsa_assign('max', 'managers');

--
-- What is no rule
--
SELECT spsa_set_activation_rule('none');
:code
SELECT spsa_set_activation_rule('mute', reason_required => true);
:code
SELECT spsa_set_activation_rule('pay', default_duration => '0');
:code
SELECT spsa_set_activation_rule('pay', max_duration => '-1 hour');
SELECT spsa_set_activation_rule('pay', max_duration => '1 month -31 days');
SELECT spsa_set_activation_rule('pay', max_authentication_age => '0');
SELECT spsa_set_activation_rule('pay', default_duration => '2 hours', max_duration => '1 hour');
:code
SELECT spsa_set_activation_rule('pay', networks => '{}');
:code
SELECT spsa_set_activation_rule('pay', networks => '{NULL}');
SELECT spsa_set_activation_rule('pay', weekdays => '{}');
SELECT spsa_set_activation_rule('pay', weekdays => '{1,NULL}');
SELECT spsa_set_activation_rule('pay', weekdays => '{{1,2},{3,4}}');
SELECT spsa_set_activation_rule('pay', weekdays => '{0}');
:code
SELECT spsa_set_activation_rule('pay', weekdays => '{1,8}');
SELECT spsa_set_activation_rule('pay', start_time => '09:00');
:code
SELECT spsa_set_activation_rule('pay', end_time => '09:00');
SELECT spsa_set_activation_rule('pay', start_time => '09:00', end_time => '09:00');
SELECT spsa_set_activation_rule('pay', start_time => '24:00', end_time => '09:00');
SELECT spsa_set_activation_rule('pay', time_zone => 'Nowhere/Land');
:code
-- neither abbreviations nor zones that are made up mean one
SELECT spsa_set_activation_rule('pay', time_zone => 'CEST');
SELECT spsa_set_activation_rule('pay', time_zone => 'AAA-3BBB');
SELECT spsa_set_activation_rule('pay', approvals_required => -1);
SELECT spsa_set_activation_rule('pay', approvals_required => 101);
SELECT spsa_set_activation_rule('pay', approver_set => 'none');
:code
SELECT spsa_set_activation_rule('pay', approver_set => 'mute');
:code
SELECT spsa_set_activation_rule('pay', approver_set => 'pay');
SELECT spsa_set_activation_rule('pay', clear => '{networks,colour}');
:code
SELECT spsa_set_activation_rule('pay', clear => '{NULL}');
INSERT INTO spsa.activation_rule (set_id, weekdays) VALUES (set_of('pay'), '{9}');
:code
INSERT INTO spsa.activation_rule (set_id, time_zone) VALUES (set_of('pay'), NULL);
:code
INSERT INTO spsa.activation_rule (set_id, approver_set) VALUES (set_of('pay'), 99999);
:code
INSERT INTO spsa.activation_rule (set_id) VALUES (99999);
:code
SELECT count(*) FROM spsa.activation_rule;
-- the constraints say the same
BEGIN;
ALTER TABLE spsa.activation_rule DISABLE TRIGGER check_row;
CREATE FUNCTION refused(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
	EXECUTE 'INSERT INTO spsa.activation_rule (set_id, ' || split_part($1, ' ', 1) || ') VALUES (set_of(''pay''), ' || split_part($1, ' ', 2) || ')';
	DELETE FROM spsa.activation_rule;
	RETURN 'accepted';
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
	RETURN name;
END $$;
SELECT c, refused(c) FROM unnest(ARRAY['default_duration ''0''', 'max_duration ''-1s''', 'default_duration,max_duration ''2h'',''1h''',
	'max_authentication_age ''0''', 'networks ''{}''', 'networks ''{NULL}''', 'weekdays ''{}''', 'weekdays ''{1,8}''', 'weekdays ''{1,NULL}''',
	'start_time ''9:00''', 'end_time ''9:00''', 'start_time,end_time ''9:00'',''9:00''', 'start_time,end_time ''24:00'',''9:00''',
	'approvals_required -1', 'approvals_required 101', 'approver_set set_of(''pay'')']) c;
ROLLBACK;

--
-- Saying it again keeps what is not named
--
CREATE VIEW rule_now AS SELECT s.set_name, self_activation AS self, default_duration AS dflt, max_duration AS max, min_security_level AS level,
	max_authentication_age AS age, networks, weekdays AS days, start_time AS from, end_time AS to, time_zone, reason_required AS reason, approvals_required AS n,
	(SELECT a.set_name FROM spsa.permission_set a WHERE a.set_id = r.approver_set) AS approvers, break_glass AS glass
FROM spsa.activation_rule r JOIN spsa.permission_set s USING (set_id) ORDER BY 1;
SELECT spsa_set_activation_rule('pay');
SELECT * FROM rule_now;
SELECT spsa_set_activation_rule('pay', false, '1 hour', '8 hours', 'high_assurance', '15 minutes', '{10.0.0.0/8,2001:db8::/32}', '{1,2,3}', '09:00', '17:00',
	'europe/BERLIN', true, 2, 'audit', true);
SELECT * FROM rule_now;
SELECT spsa_set_activation_rule('pay', end_time => '18:00');
SELECT spsa_set_activation_rule('pay', default_duration => '2 hours', self_activation => true);
SELECT spsa_set_activation_rule('pay');
SELECT * FROM rule_now;
SELECT spsa_set_activation_rule('pay', max_duration => '1 hour');
SELECT spsa_set_activation_rule('pay', clear => '{start_time}');
SELECT spsa_set_activation_rule('pay', networks => '{192.0.2.0/24}', clear => '{networks,start_time,end_time,time_zone,weekdays}');
SELECT * FROM rule_now;
SELECT spsa_set_activation_rule('pay', clear => '{self_activation,default_duration,max_duration,min_security_level,max_authentication_age,networks,reason_required,approvals_required,approver_set,break_glass}');
SELECT * FROM rule_now;
SELECT spsa_drop_activation_rule('pay'), spsa_drop_activation_rule('pay');
SELECT spsa_drop_activation_rule('none');
-- what repeats changes nothing and leaves no trace
SELECT event, set_name, count(*) FROM spsa.audit_event WHERE event LIKE 'activation_rule%' GROUP BY event, set_name ORDER BY min(event_id);
-- a rule goes with its set, and the set of its approvers with that
SELECT spsa_set_activation_rule('other', approver_set => 'member');
SELECT spsa_set_activation_rule('audit', approver_set => 'other', approvals_required => 1);
SELECT spsa_drop_permission_set('other');
SELECT set_name, n, approvers FROM rule_now;
SELECT event, set_name, detail->'new'->'approver_set' AS approver_set FROM spsa.audit_event WHERE event LIKE 'activation_rule%' ORDER BY event_id DESC LIMIT 2;
SELECT spsa_drop_activation_rule('audit');

--
-- Days and hours
--
CREATE FUNCTION hours(days integer[], from_time time, to_time time, zone text, VARIADIC moments text[]) RETURNS TABLE (at text, open boolean, opens_at timestamp, closes_at timestamp)
LANGUAGE sql AS $$
	SELECT m, (h).open, (h).opens_at AT TIME ZONE 'UTC', (h).closes_at AT TIME ZONE 'UTC'
	FROM unnest(moments) m, spsa.activation_hours(days, from_time, to_time, zone, m::timestamptz) h $$;
-- a working day; 2026-06-01 is a Monday
SELECT * FROM hours('{1,2,3,4,5}', '09:00', '17:00', 'Europe/Berlin', '2026-06-01 06:59:59.999999+00', '2026-06-01 07:00+00', '2026-06-01 14:59:59.999999+00', '2026-06-01 15:00+00',
	'2026-06-05 14:00+00', '2026-06-05 15:00+00', '2026-06-06 10:00+00', '2026-06-07 23:00+00');
-- what passes midnight belongs to the day on which it begins
SELECT * FROM hours('{5}', '22:00', '06:00', 'Europe/Berlin', '2026-06-05 03:00+00', '2026-06-05 20:00+00', '2026-06-06 03:00+00', '2026-06-06 04:00+00', '2026-06-06 21:00+00');
SELECT * FROM hours('{7,1}', '22:00', '06:00', 'America/New_York', '2026-06-08 03:00+00', '2026-06-08 11:00+00');
-- whole days; those that meet are one span
SELECT * FROM hours('{6,7,1}', NULL, NULL, 'Europe/Berlin', '2026-06-05 21:59+00', '2026-06-05 22:00+00', '2026-06-08 21:59+00', '2026-06-08 22:00+00');
SELECT * FROM hours('{3,4}', '00:00', '24:00', 'UTC', '2026-06-03 12:00+00');
SELECT * FROM hours(NULL, '06:00', '24:00', 'UTC', '2026-06-03 23:59:59+00', '2026-06-03 00:00+00');
SELECT * FROM hours('{1,2,3,4,5,6,7}', NULL, NULL, 'UTC', '2026-06-03 12:00+00');
SELECT * FROM hours(NULL, '00:00', '24:00', 'UTC', '2026-06-03 12:00+00');
-- clocks go forward on 2026-03-29 at 02:00 in Berlin, back on 2026-10-25 at 03:00
SELECT * FROM hours('{7}', '01:00', '05:00', 'Europe/Berlin', '2026-03-28 23:59+00', '2026-03-29 00:00+00', '2026-03-29 02:59+00', '2026-03-29 03:00+00');
SELECT * FROM hours('{7}', '01:00', '05:00', 'Europe/Berlin', '2026-10-24 22:59+00', '2026-10-24 23:00+00', '2026-10-25 03:59+00', '2026-10-25 04:00+00');
SELECT * FROM hours('{7}', '02:15', '02:45', 'Europe/Berlin', '2026-03-29 00:15+00', '2026-03-29 01:15+00', '2026-03-29 01:45+00');
SELECT * FROM hours('{7}', '02:00', '03:00', 'Europe/Berlin', '2026-03-29 00:30+00', '2026-03-29 01:00+00', '2026-10-25 00:30+00', '2026-10-25 01:30+00');
SELECT * FROM hours('{6}', '22:00', '02:30', 'Europe/Berlin', '2026-10-25 00:45+00', '2026-10-25 01:15+00', '2026-10-25 01:30+00');
-- Samoa left out 2011-12-30, a Friday; in Havana the clocks go back at 01:00 to 00:00
SELECT * FROM hours('{4,5}', NULL, NULL, 'Pacific/Apia', '2011-12-30 09:00+00', '2011-12-30 10:00+00');
SELECT * FROM hours('{7}', NULL, NULL, 'America/Havana', '2024-11-03 03:59+00', '2024-11-03 04:00+00', '2024-11-04 04:59+00', '2024-11-04 05:00+00');
-- settings of the caller's do not matter
SELECT COALESCE((SELECT name FROM pg_timezone_names WHERE name = 'EST'), 'America/Panama') AS est \gset
CREATE TEMP TABLE hours_before AS SELECT * FROM hours('{1,2,3,4,5}', '09:00', '17:00', :'est', '2026-06-01 13:59:59+00', '2026-06-01 14:00+00');
SET timezone = 'Pacific/Auckland';
SET timezone_abbreviations = 'Australia';
SET datestyle = 'SQL, DMY';
SELECT count(*) FROM (SELECT * FROM hours('{1,2,3,4,5}', '09:00', '17:00', :'est', '2026-06-01 13:59:59+00', '2026-06-01 14:00+00') EXCEPT TABLE hours_before) d;
RESET timezone_abbreviations;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';
SELECT * FROM hours_before;
SELECT * FROM hours('{1}', NULL, NULL, 'Nowhere/Land', '2026-06-01 13:59:59+00');
:code
-- nothing opens: no day, no time
SELECT * FROM hours('{9,NULL}', NULL, NULL, 'UTC', '2026-06-01 13:59:59+00', 'infinity', NULL);
SELECT * FROM hours('{1}', NULL, NULL, 'UTC', 'infinity', '-infinity', '294276-12-31 12:00+00', '4713-01-01 00:00+00 BC');

--
-- Sessions
--
CREATE FUNCTION session_of(text, inet DEFAULT '10.1.2.3', text DEFAULT 'standard') RETURNS TABLE (session_id uuid, token text)
LANGUAGE sql AS $$ SELECT session_id, token FROM spsa_open_session($1, security_level => $3::spsa.security_level, source_ip => $2, db_role => 'regress_spsa_rule_app') $$;
SELECT session_id AS sid, token AS tok FROM session_of('ann') \gset
SELECT session_id AS other_sid, token AS other_tok FROM session_of('ann', NULL, 'high_assurance') \gset
SELECT session_id AS max_sid, token AS max_tok FROM session_of('max') \gset
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
RESET SESSION AUTHORIZATION;

-- each condition by itself: refused, and what would help; then met
\set try 'SET SESSION AUTHORIZATION regress_spsa_rule_app; SELECT permission_set, already_active FROM spsa_activate_own(\'pay\'); SELECT count(*) AS rows FROM rule_doc; SELECT spsa_deactivate_own(\'pay\') AS was_active; RESET SESSION AUTHORIZATION;'
SELECT spsa_set_activation_rule('pay', self_activation => false);
:try
SELECT spsa_set_activation_rule('pay', self_activation => true, networks => '{192.0.2.0/24,10.1.3.0/24,2001:db8::/32}');
:try
SELECT spsa_set_activation_rule('pay', networks => '{192.0.2.0/24,10.1.2.0/24}');
:try
-- an address that is not known is in no network
SELECT spsa_set_activation_rule('pay', networks => '{0.0.0.0/0,::/0}');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT spsa_attach_connection(:'other_tok') = :'other_sid' AS attached;
SELECT * FROM spsa_activate_own('pay');
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', min_security_level => 'high_assurance', clear => '{networks}');
:try
UPDATE spsa.session SET security_level = 'high_assurance' WHERE session_id = :'sid';
:try
SELECT spsa_set_activation_rule('pay', min_security_level => 'standard');
:try
SELECT spsa_set_activation_rule('pay', max_authentication_age => '15 minutes', clear => '{min_security_level}');
UPDATE spsa.session SET authenticated_at = '2020-01-01 12:00+00' WHERE session_id = :'sid';
:try
UPDATE spsa.session SET authenticated_at = clock_timestamp() - interval '14 minutes' WHERE session_id = :'sid';
:try
SELECT spsa_set_activation_rule('pay', reason_required => true, clear => '{max_authentication_age}');
:try
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT * FROM spsa_activate_own('pay', reason => E' \t\n');
:code
SELECT already_active FROM spsa_activate_own('pay', reason => 'month end');
SELECT spsa_deactivate_own('pay');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', approvals_required => 1, clear => '{reason_required}');
:try
-- days and hours around now
CREATE PROCEDURE open_around(text, timestamptz, interval, interval) LANGUAGE sql AS $$
	SELECT spsa_set_activation_rule($1, start_time => date_trunc('second', $2 AT TIME ZONE 'Asia/Kolkata' + $3)::time,
		end_time => date_trunc('second', $2 AT TIME ZONE 'Asia/Kolkata' + $4)::time, time_zone => 'Asia/Kolkata') $$;
SELECT spsa_set_activation_rule('pay', clear => '{approvals_required}');
CALL open_around('pay', clock_timestamp(), '-2 hours', '2 hours');
:try
CALL open_around('pay', clock_timestamp(), '1 hour', '2 hours');
\set VERBOSITY terse
:try
-- the caller's clock is not asked
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SET timezone = 'Etc/GMT+4';
SELECT * FROM spsa_activate_own('pay');
SET timezone = 'Etc/GMT-10';
SET timezone_abbreviations = 'India';
SELECT * FROM spsa_activate_own('pay');
SET timezone = 'UTC';
RESET timezone_abbreviations;
RESET SESSION AUTHORIZATION;
CALL open_around('pay', clock_timestamp(), '1 hour', '-1 hour');
:try
SELECT spsa_set_activation_rule('pay', weekdays => ARRAY[extract(isodow FROM now() AT TIME ZONE 'UTC' + interval '2 days')::integer], clear => '{start_time,end_time,time_zone}');
:try
\set VERBOSITY default
-- a time zone that the server does not know any more opens nothing
ALTER TABLE spsa.activation_rule DISABLE TRIGGER check_row;
UPDATE spsa.activation_rule SET time_zone = 'Nowhere/Land', weekdays = '{1,2}';
:try
ALTER TABLE spsa.activation_rule ENABLE TRIGGER check_row;
SELECT spsa_drop_activation_rule('pay');
:try

--
-- How long
--
\set until 'SELECT already_active, expires_at - activated_at AS duration FROM spsa_activate_own'
SELECT spsa_set_activation_rule('pay', default_duration => '30 minutes', max_duration => '2 hours');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
:until ('pay');
SELECT spsa_deactivate_own('pay');
:until ('pay', '10 minutes');
:until ('pay');
:until ('pay', '5 minutes');
-- never longer in all than the rule lets it last
SELECT already_active, expires_at - activated_at BETWEEN '1 hour' AND '1 hour 1 minute' AS an_hour FROM spsa_activate_own('pay', '1 hour');
:until ('pay', '100 years');
SELECT pg_sleep(0.01);
:until ('pay', '2 hours');
SELECT spsa_deactivate_own('pay');
:until ('pay', '178000000 years');
SELECT spsa_deactivate_own('pay');
:until ('pay', '3 days -70 hours');
SELECT spsa_deactivate_own('pay');
:until ('pay', '1 month -30 days');
:code
:until ('pay', '-178000000 years 2147483647 days');
-- a day is 24 hours, whatever the clocks of the caller's time zone do
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', clear => '{default_duration}');
UPDATE spsa.session SET expires_at = now() + interval '10 years' WHERE session_id = :'sid';
SELECT spsa_set_activation_rule('pay', max_duration => '6 months');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SET timezone = 'Europe/Berlin';
SELECT extract(epoch FROM expires_at - activated_at) / 86400 AS days FROM spsa_activate_own('pay');
SELECT spsa_deactivate_own('pay');
SELECT extract(epoch FROM expires_at - activated_at) / 86400 AS days FROM spsa_activate_own('pay', '5 months 3 days');
SELECT spsa_deactivate_own('pay');
SET timezone = 'UTC';
RESET SESSION AUTHORIZATION;
-- the hours of the rule end the activation
SELECT spsa_drop_activation_rule('pay');
CALL open_around('pay', '2020-06-01 12:00:00+00', '0', '1 hour');
SELECT opens_at AS opens, closes_at AS closes FROM spsa.activation_rule, spsa.activation_hours(weekdays, start_time, end_time, time_zone, '2020-06-01 12:30+00');
CALL open_around('pay', clock_timestamp(), '-1 hour', '1 hour');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active, expires_at - clock_timestamp() BETWEEN '58 minutes' AND '1 hour' AS within FROM spsa_activate_own('pay', '5 hours');
SELECT spsa_deactivate_own('pay');
RESET SESSION AUTHORIZATION;
-- so do the assignment and the session
SELECT spsa_drop_activation_rule('pay'), spsa_set_activation_rule('pay', max_duration => '5 hours'), spsa_assign('ann', 'pay', now() + interval '1 hour');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active, expires_at - clock_timestamp() BETWEEN '58 minutes' AND '1 hour' AS within FROM spsa_activate_own('pay', '4 hours');
SELECT spsa_deactivate_own('pay');
RESET SESSION AUTHORIZATION;
SELECT spsa_revoke_assignment('ann', 'pay'), spsa_assign('ann', 'pay');
UPDATE spsa.session SET expires_at = now() + interval '2 hours' WHERE session_id = :'sid';
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active, expires_at - clock_timestamp() BETWEEN '118 minutes' AND '2 hours' AS within FROM spsa_activate_own('pay', '4 hours');
SELECT spsa_deactivate_own('pay');
RESET SESSION AUTHORIZATION;

--
-- A rule says nothing about what is active already; to make it longer, it must be met
--
SELECT spsa_set_activation_rule('pay', clear => '{max_duration}');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active FROM spsa_activate_own('pay', '10 minutes');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', reason_required => true);
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT count(*) FROM rule_doc;
SELECT already_active FROM spsa_activate_own('pay');
SELECT already_active FROM spsa_activate_own('pay', '5 minutes');
SELECT already_active FROM spsa_activate_own('pay', '20 minutes');
:code
SELECT already_active FROM spsa_activate_own('pay', '20 minutes', 'not ready');
RESET SESSION AUTHORIZATION;
-- one that has run out, or was ended while its row was locked, must be made anew
UPDATE spsa.activation SET expires_at = clock_timestamp();
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active FROM spsa_activate_own('pay');
SELECT already_active FROM spsa_activate_own('pay', reason => 'again');
RESET SESSION AUTHORIZATION;
INSERT INTO spsa.activation_end (session_id, activation_id) SELECT session_id, activation_id FROM spsa.activation;
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active FROM spsa_activate_own('pay');
RESET SESSION AUTHORIZATION;

--
-- Who is no manager: whoever acts for the same user
--
SELECT spsa_set_activation_rule('pay', self_activation => false, clear => '{reason_required}'), spsa_assign('max', 'pay'), spsa_assign('ann', 'managers');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT spsa_has_permission('manage_activations');
SELECT * FROM spsa_activate_own('pay');
SELECT * FROM spsa_activate(:'sid', 'pay');
SELECT * FROM spsa_activate(:'other_sid', 'pay');
SELECT already_active FROM spsa_activate(:'max_sid', 'pay');
SELECT spsa_attach_connection(:'max_tok') = :'max_sid' AS attached;
SELECT spsa_deactivate_own('pay');
SELECT * FROM spsa_activate_own('pay');
SELECT already_active FROM spsa_activate(:'sid', 'pay');
-- whoever acts as a manager is still who it is
RESET SESSION AUTHORIZATION;
SELECT spsa_deactivate_all(:'sid');
SELECT token AS as_max FROM spsa_open_session('max', db_role => 'regress_spsa_rule_app', actor => 'ann') \gset
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT spsa_attach_connection(:'as_max') IS NOT NULL AS attached;
SELECT * FROM spsa_activate(:'sid', 'pay');
SELECT spsa_attach_connection(:'max_tok') = :'max_sid' AS attached;
-- all else holds for managers as well
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', networks => '{192.0.2.0/24}', reason_required => true);
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT * FROM spsa_activate(:'other_sid', 'pay');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', clear => '{networks}'), spsa_revoke_assignment('ann', 'managers');
-- an administrator without session
SELECT spsa_detach();
SELECT * FROM spsa_activate(:'other_sid', 'pay');
SELECT already_active FROM spsa_activate(:'other_sid', 'pay', reason => 'asked by mail');
SELECT spsa_deactivate_all(:'sid'), spsa_deactivate_all(:'other_sid');
SET SESSION AUTHORIZATION regress_spsa_rule_insert;
SELECT already_active FROM spsa_activate(:'other_sid', 'pay', reason => 'asked by mail');
RESET SESSION AUTHORIZATION;
SELECT spsa_deactivate_all(:'other_sid');

--
-- The view is no way around
--
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
INSERT INTO spsa.session_perm_set_activation (permission_set_id, description) SELECT 1, 'x';
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', self_activation => true);
SET SESSION AUTHORIZATION regress_spsa_rule_app;
INSERT INTO spsa.session_perm_set_activation (permission_set_id) SELECT 1;
INSERT INTO spsa.session_perm_set_activation (permission_set_id, description) SELECT 1, 'month end' RETURNING permission_set_id, description;
DELETE FROM spsa.session_perm_set_activation;
RESET SESSION AUTHORIZATION;

--
-- Groups: the group's rule is the group's, a member's the member's
--
SELECT spsa_set_activation_rule('crew', reason_required => true, max_duration => '1 hour');
SELECT spsa_set_activation_rule('member', max_duration => '30 minutes', networks => '{192.0.2.0/24}');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT * FROM spsa_activate_own('crew');
:until ('crew', reason => 'night shift');
SELECT * FROM spsa_activate_own('member');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('member', networks => '{10.0.0.0/8}');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
:until ('member');
SELECT spsa_session_info()->'EffectiveSets' AS sets;
SELECT spsa_deactivate_own('crew');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('member', max_duration => '2 hours');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
:until ('crew', reason => 'night shift');
SELECT expires_at = (SELECT max(expires_at) FROM spsa_activate_own('crew')) AS with_the_group FROM spsa_activate_own('member');
SELECT spsa_deactivate_own('crew');
RESET SESSION AUTHORIZATION;
-- whose members need none
SELECT spsa_set_member_activation('crew', 'bypass'), spsa_set_activation_rule('member', self_activation => false);
SET SESSION AUTHORIZATION regress_spsa_rule_app;
:until ('crew', reason => 'night shift');
SELECT spsa_session_info()->'EffectiveSets' AS sets;
SELECT spsa_deactivate_own('crew');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_member_activation('crew', 'keep');

--
-- What it needs, told before
--
\set ready 'SELECT condition, met, regexp_replace(regexp_replace(detail, \'(at) 20[0-9-]+ [0-9:.]+\\+00\', \'\\1 TIME\'), \'from .* to .*,\', \'from A to B,\') AS detail FROM spsa_activation_readiness'
SELECT spsa_drop_activation_rule('crew'), spsa_drop_activation_rule('pay');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
:ready (:'sid', 'pay');
:ready (:'sid', 'free');
:ready (:'sid', 'member');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', false, '1 hour', '8 hours', 'high_assurance', '15 minutes', '{192.0.2.0/24,2001:db8::/32}', NULL, NULL, NULL, NULL, true, 2, NULL);
CALL open_around('pay', clock_timestamp(), '1 hour', '2 hours');
UPDATE spsa.session SET authenticated_at = '2020-01-01 12:00+00', security_level = 'standard' WHERE session_id = :'sid';
SELECT spsa_exclude('pay', 'audit', 'dynamic');
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT already_active FROM spsa_activate_own('audit');
:ready (:'sid', 'pay');
SELECT spsa_deactivate_own('audit');
SELECT condition, met FROM spsa_activation_readiness(:'sid', 'pay');
-- what is met
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', true, networks => '{10.0.0.0/8}', min_security_level => 'standard', clear => '{start_time,end_time,time_zone,approvals_required}', weekdays => '{1,2,3,4,5,6,7}');
UPDATE spsa.session SET authenticated_at = clock_timestamp() WHERE session_id = :'sid';
SET SESSION AUTHORIZATION regress_spsa_rule_app;
:ready (:'sid', 'pay');
SELECT already_active FROM spsa_activate_own('pay', reason => 'ready');
SELECT spsa_deactivate_own('pay');
-- nothing about what is not assigned, nor for whom one may not activate
SELECT * FROM spsa_activation_readiness(:'sid', 'none');
:code
SELECT * FROM spsa_activation_readiness(:'sid', 'managers');
:code
SELECT * FROM spsa_activation_readiness(:'other_sid', 'pay');
:code
SELECT * FROM spsa_activation_readiness(gen_random_uuid(), 'pay');
:code
SELECT * FROM spsa_activation_readiness(NULL, 'pay');
SELECT * FROM spsa_activation_readiness(:'sid', NULL);
SELECT spsa_detach();
SELECT * FROM spsa_activation_readiness(:'sid', 'pay');
SELECT * FROM spsa_activation_readiness(NULL, 'pay');
:code
-- a manager asks as a manager
SELECT spsa_attach_connection(:'max_tok') = :'max_sid' AS attached;
SELECT condition, met FROM spsa_activation_readiness(:'sid', 'pay');
RESET SESSION AUTHORIZATION;
SELECT spsa_set_activation_rule('pay', self_activation => false);
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT condition, met FROM spsa_activation_readiness(:'sid', 'pay') WHERE condition = 'self_activation';
SELECT spsa_attach_connection(:'tok') = :'sid' AS attached;
SELECT condition, met FROM spsa_activation_readiness(:'sid', 'pay') WHERE condition = 'self_activation';
BEGIN READ ONLY;
SELECT count(*) > 3 AS also_read_only FROM spsa_activation_readiness(:'sid', 'pay');
COMMIT;
-- a session for certain sets only
RESET SESSION AUTHORIZATION;
SELECT session_id AS few_sid, token AS few_tok FROM spsa_open_session('ann', sets => '{audit}', db_role => 'regress_spsa_rule_app') \gset
SET SESSION AUTHORIZATION regress_spsa_rule_app;
SELECT spsa_attach_connection(:'few_tok') = :'few_sid' AS attached;
SELECT * FROM spsa_activation_readiness(:'few_sid', 'pay');
:code
SELECT spsa_detach();
RESET SESSION AUTHORIZATION;

--
-- A delegate sets rules; others do not
--
SET SESSION AUTHORIZATION regress_spsa_rule_clerk;
SELECT spsa_set_activation_rule('pay', self_activation => true);
SELECT spsa_drop_activation_rule('pay');
:code
SELECT * FROM spsa.activation_rule;
RESET SESSION AUTHORIZATION;
SELECT spsa_grant_administration('regress_spsa_rule_clerk');
SET SESSION AUTHORIZATION regress_spsa_rule_clerk;
SELECT spsa_set_activation_rule('pay', self_activation => true, approver_set => 'audit', clear => '{networks}');
SELECT spsa_set_activation_rule('audit', max_duration => '1 hour');
SELECT spsa_drop_activation_rule('audit');
UPDATE spsa.activation_rule SET set_id = 3;
:code
RESET SESSION AUTHORIZATION;
SELECT event, set_name, database_role FROM spsa.audit_event WHERE event LIKE 'activation_rule%' ORDER BY event_id DESC LIMIT 3;
TRUNCATE spsa.activation_rule;
SELECT event FROM spsa.audit_event ORDER BY event_id DESC LIMIT 1;

DROP EXTENSION spsa CASCADE;
DROP TABLE rule_doc;
DROP PROCEDURE open_around;
DROP FUNCTION set_of, hours, session_of;
DROP OWNED BY regress_spsa_rule_app, regress_spsa_rule_clerk, regress_spsa_rule_insert;
DROP ROLE regress_spsa_rule_app, regress_spsa_rule_clerk, regress_spsa_rule_insert;
