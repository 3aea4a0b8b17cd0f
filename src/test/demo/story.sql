\set ON_ERROR_STOP 1
\pset footer off
\pset null -
SELECT count(*) FILTER (WHERE region = 'iberia' OR owner_emp_no = 1310) AS lucia, count(*) FILTER (WHERE region = 'japan' OR owner_emp_no = 1467) AS kenji, count(*) FILTER (WHERE region = 'dach') AS jonas, count(*) AS everything, (SELECT count(*) FROM payroll WHERE team_id = 1) AS payroll FROM opportunity \gset wanted_
CALL demo.expect('SELECT (0 < least(' || :wanted_payroll || ',' || :wanted_jonas || ',' || :wanted_lucia || ',' || :wanted_kenji || '))::integer', 1);

-- 1. The data
--    A company sells software in eight regions. This is its CRM, without spsa: who may read a table reads all of it.
SELECT (SELECT count(*) FROM employee) AS employees, (SELECT count(*) FROM account) AS accounts,
       (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
SELECT region, account_name, product, stage, amount, currency, close_date
FROM opportunity JOIN account USING (account_id, region) WHERE close_date < current_date
ORDER BY close_date DESC, opportunity_id LIMIT 5;

-- 2. The administrator puts three tables under spsa
--    Rows can be granted by the columns named. From here on, ordinary roles see none at all without a grant.
CREATE EXTENSION spsa;
\o /dev/null
SELECT spsa_protect('account', '{region}');
SELECT spsa_protect('opportunity', '{region,owner_emp_no}');
SELECT spsa_protect('payroll', '{team_id}');

-- 3. Permission sets say what can be had
--    Who has Regional_Sales sees one region: the one in the attribute "region" of the user who asks.
--    Who has Own_Deals may also change deals, those that are the user's own.
SELECT spsa_create_permission_set('Regional_Sales', 'Sees the own region');
SELECT spsa_grant_object('Regional_Sales', 'account', '{read}');
SELECT spsa_grant_rows('Regional_Sales', 'account', 'region', attribute => 'region');
SELECT spsa_grant_object('Regional_Sales', 'opportunity', '{read}');
SELECT spsa_grant_rows('Regional_Sales', 'opportunity', 'region', attribute => 'region');
SELECT spsa_create_permission_set('Own_Deals', 'Works on the own deals, in any region');
SELECT spsa_grant_object('Own_Deals', 'opportunity', '{read,create,edit}');
SELECT spsa_grant_rows('Own_Deals', 'opportunity', 'owner_emp_no', attribute => 'emp_no');

-- 4. One set is for special occasions
--    At the end of a quarter, managers push deals in all regions and look at their team's pay. The set for it has
--    activation_required: it grants nothing to those who have it, until they activate it for one session.
SELECT spsa_create_permission_set('Quarter_End', 'Closing the quarter', activation_required => true);
SELECT spsa_grant_object('Quarter_End', 'opportunity', '{read,edit}');
SELECT spsa_grant_object('Quarter_End', 'payroll', '{read}');
SELECT spsa_grant_rows('Quarter_End', 'payroll', 'team_id', attribute => 'team_id');

-- 5. Users, and the sets that are assigned to them
--    Lucía and Kenji are sales reps and use the CRM's web application, which may open sessions for them.
--    Jonas leads a team; he likes psql and has a database role of his own.
SELECT spsa_create_user('lucia.moreno', '{"emp_no": 1310, "region": "iberia"}');
SELECT spsa_create_user('kenji.sato', '{"emp_no": 1467, "region": "japan"}');
SELECT spsa_assign(user_name, set_name)
FROM unnest('{lucia.moreno,kenji.sato}'::text[]) AS user_name,
     unnest('{Regional_Sales,Own_Deals}'::text[]) AS set_name;
GRANT EXECUTE ON FUNCTION spsa_open_session TO app;
SELECT spsa_create_user('jonas.keller', '{"emp_no": 1001, "region": "dach", "team_id": 1}', 'jonas');
SELECT spsa_assign('jonas.keller', 'Regional_Sales');
\o

-- 6. The application logs Lucía in
--    It connects as app, an ordinary role, whoever its user is. When it has checked her password it opens a session.
--    The token is what proves the session from now on; it is shown this once, and the database keeps its hash alone.
\connect - app
SELECT token FROM spsa_open_session('lucia.moreno', source_ip => '198.51.100.7') \gset lucia_
SELECT left(:'lucia_token', 9) || '...' AS token, length(:'lucia_token');

-- 7. She opens her list of deals: attach, work, commit
--    The connection by itself sees nothing. Attached, it sees what Lucía may: her region, and her own deals elsewhere.
SELECT count(*) FROM opportunity;
CALL demo.expect('SELECT count(*) FROM opportunity', 0);
BEGIN;
SELECT spsa_attach(:'lucia_token') IS NOT NULL AS attached, spsa_user_name();
SELECT region, count(*), count(*) FILTER (WHERE owner_emp_no = 1310) AS her_own, sum(amount), currency
FROM opportunity GROUP BY region, currency ORDER BY count(*) DESC, region;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_lucia);
CALL demo.expect('SELECT count(*) FROM opportunity WHERE region <> ''iberia'' AND owner_emp_no <> 1310', 0);
COMMIT;
--    The attachment ends with the transaction: the pool may give the connection to anybody now.
SELECT spsa_user_name(), count(*) FROM opportunity;
CALL demo.expect('SELECT count(*) FROM opportunity', 0);

-- 8. She closes a deal of hers; a colleague's deal, which she sees, she cannot change
BEGIN;
SELECT spsa_attach(:'lucia_token') IS NOT NULL AS attached, spsa_user_name();
SELECT max(opportunity_id) AS hers FROM opportunity WHERE owner_emp_no = 1310 AND stage = 'negotiation' \gset
SELECT max(opportunity_id) AS his FROM opportunity WHERE owner_emp_no <> 1310 AND stage = 'negotiation' \gset
\pset footer on
SELECT opportunity_id, owner_emp_no, product, stage, amount, currency
FROM opportunity WHERE opportunity_id IN (:hers, :his) ORDER BY owner_emp_no;
CALL demo.expect('SELECT ' || :ROW_COUNT, 2);
UPDATE opportunity SET stage = 'closed won' WHERE opportunity_id IN (:hers, :his)
RETURNING opportunity_id, owner_emp_no, product, stage, amount, currency;
\pset footer off
CALL demo.expect('SELECT ' || :ROW_COUNT, 1);
CALL demo.expect('SELECT count(*) FROM opportunity WHERE stage = ''closed won'' AND opportunity_id = ' || :hers, 1);
CALL demo.expect('SELECT count(*) FROM opportunity WHERE stage = ''negotiation'' AND opportunity_id = ' || :his, 1);
COMMIT;
--    What none of her sets grants on any row is refused aloud.
BEGIN;
SELECT spsa_attach(:'lucia_token') IS NOT NULL AS attached, spsa_user_name();
\set ON_ERROR_STOP 0
UPDATE payroll SET gross = gross * 2 WHERE emp_no = 1310;
\set ON_ERROR_STOP 1
\set state :SQLSTATE
ROLLBACK;
CALL demo.expect_state(:'state', '42501');

-- 9. The same connection, another user
--    ROLLBACK ends an attachment as COMMIT does.
SELECT token FROM spsa_open_session('kenji.sato', source_ip => '203.0.113.20') \gset kenji_
BEGIN;
SELECT spsa_attach(:'kenji_token') IS NOT NULL AS attached, spsa_user_name();
SELECT region, count(*), sum(amount), currency FROM opportunity
WHERE region IN ('japan', 'iberia') GROUP BY region, currency;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_kenji);
CALL demo.expect('SELECT count(*) FROM opportunity WHERE region <> ''japan'' AND owner_emp_no <> 1467', 0);
ROLLBACK;
SELECT spsa_user_name(), count(*) FROM opportunity;
CALL demo.expect('SELECT count(*) FROM opportunity', 0);

-- 10. Jonas, in psql
--     His database role tells who he is, so he opens his session himself and needs no token; it stays attached to this
--     connection. He sees his region's deals, and no payslip.
\connect - jonas
SELECT spsa_open_own_session() IS NOT NULL AS attached, spsa_user_name();
SELECT region, count(*) FROM opportunity GROUP BY region;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_jonas);
SELECT count(*) AS payslips FROM payroll;
CALL demo.expect('SELECT count(*) FROM payroll', 0);

-- 11. He asks for more, and is refused: the set is not assigned to him
\set ON_ERROR_STOP 0
SELECT spsa_activate_own('Quarter_End');
\set ON_ERROR_STOP 1
CALL demo.expect_state(:'SQLSTATE', '42501');
--     The administrator assigns it, from another connection. This alone grants nothing; but the hint now knows a way.
\! psql -U postgres -Atc "SELECT spsa_assign('jonas.keller', 'Quarter_End', now() + interval '7 days')"
SELECT count(*) AS payslips FROM payroll;
CALL demo.expect('SELECT count(*) FROM payroll', 0);
\set ON_ERROR_STOP 0
UPDATE opportunity SET close_date = close_date - 7 WHERE region = 'us_east' AND stage = 'negotiation';
\set ON_ERROR_STOP 1
CALL demo.expect_state(:'SQLSTATE', '42501');

-- 12. He activates it, for an hour of this session
SELECT permission_set, activated_at, expires_at, already_active
FROM spsa_activate_own('Quarter_End', '1 hour', 'ticket FIN-2231');
--     Now he sees the deals of all regions, here those to be closed this quarter ...
SELECT region, count(*) AS due, sum(amount), currency FROM opportunity
WHERE stage = 'negotiation' AND close_date < date_trunc('quarter', now()) + interval '3 months'
GROUP BY region, currency ORDER BY region;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_everything);
--     ... and payslips, of his own team only.
SELECT full_name, title, month, gross, currency FROM payroll JOIN employee USING (emp_no)
WHERE month = date_trunc('month', now()) ORDER BY gross DESC, emp_no LIMIT 4;
SELECT count(*) AS payslips, count(DISTINCT team_id) AS teams, count(DISTINCT emp_no) AS people FROM payroll;
CALL demo.expect('SELECT count(*) FROM payroll', :wanted_payroll);
CALL demo.expect('SELECT count(*) FROM payroll WHERE team_id <> 1', 0);

-- 13. An update that the set grants, and one that it does not
SELECT max(opportunity_id) AS deal FROM opportunity WHERE region = 'us_east' AND stage = 'negotiation' \gset
UPDATE opportunity SET close_date = close_date - 7 WHERE opportunity_id = :deal
RETURNING opportunity_id, region, product, stage, close_date;
CALL demo.expect('SELECT ' || :ROW_COUNT, 1);
\set ON_ERROR_STOP 0
UPDATE payroll SET gross = gross * 1.1 WHERE emp_no = 1001;
\set ON_ERROR_STOP 1
CALL demo.expect_state(:'SQLSTATE', '42501');

-- 14. He deactivates it: what is left is what he had before
SELECT spsa_deactivate_own('Quarter_End');
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_jonas);
CALL demo.expect('SELECT count(*) FROM payroll', 0);

-- 15. Activation is transactional: ROLLBACK takes it back
BEGIN;
SELECT permission_set, already_active FROM spsa_activate_own('Quarter_End');
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM payroll', :wanted_payroll);
ROLLBACK;
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_jonas);
CALL demo.expect('SELECT count(*) FROM payroll', 0);

-- 16. DISCARD ALL, which connection pools send, leaves nothing
SELECT permission_set, already_active FROM spsa_activate_own('Quarter_End');
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_everything);
CALL demo.expect('SELECT count(*) FROM payroll', :wanted_payroll);
DISCARD ALL;
SELECT spsa_user_name(), (SELECT count(*) FROM opportunity) AS opportunities,
       (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', 0);
CALL demo.expect('SELECT count(*) FROM payroll', 0);
--     A new session starts without what was activated in the old one.
SELECT spsa_open_own_session() IS NOT NULL AS attached, spsa_user_name();
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_jonas);
CALL demo.expect('SELECT count(*) FROM payroll', 0);

-- 17. The administrator takes the set back while Jonas is in the middle of a transaction
--     Once committed, it is gone at the next statement of every connection, whatever snapshot its data come from.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT permission_set, already_active FROM spsa_activate_own('Quarter_End');
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_everything);
CALL demo.expect('SELECT count(*) FROM payroll', :wanted_payroll);
\! psql -U postgres -Atc "SELECT 'revoked: ' || spsa_revoke_assignment('jonas.keller', 'Quarter_End')"
SELECT (SELECT count(*) FROM opportunity) AS opportunities, (SELECT count(*) FROM payroll) AS payslips;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_jonas);
CALL demo.expect('SELECT count(*) FROM payroll', 0);
COMMIT;

-- 18. A stolen token
--     Lucía's session belongs to role app. The intern, who found her token in a bug report, is no member of it.
\connect - intern
\set ON_ERROR_STOP 0
SELECT spsa_attach_connection(:'lucia_token');
\set ON_ERROR_STOP 1
CALL demo.expect_state(:'SQLSTATE', '28000');
SELECT spsa_user_name();

-- 19. Lucía logs out: her token is worth nothing any more, not even to the application
\connect - app
BEGIN;
SELECT spsa_attach(:'lucia_token') IS NOT NULL AS attached, spsa_user_name();
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_lucia);
SELECT spsa_close_session();
COMMIT;
BEGIN;
\set ON_ERROR_STOP 0
SELECT spsa_attach(:'lucia_token');
\set ON_ERROR_STOP 1
\set state :SQLSTATE
ROLLBACK;
CALL demo.expect_state(:'state', '28000');

-- 20. Time runs out
--     Kenji's next session lasts three seconds. Its end is an error, which nobody can take for an empty list of deals.
SELECT token FROM spsa_open_session('kenji.sato', lifetime => '3 seconds') \gset short_
SELECT spsa_attach_connection(:'short_token') IS NOT NULL AS attached, spsa_user_name();
SELECT count(*) FROM opportunity;
CALL demo.expect('SELECT count(*) FROM opportunity', :wanted_kenji);
\o /dev/null
SELECT pg_sleep(3);
\o
\set ON_ERROR_STOP 0
SELECT count(*) FROM opportunity;
\set ON_ERROR_STOP 1
CALL demo.expect_state(:'SQLSTATE', '28000');

-- 21. What was refused stands in the server's log, without tokens
\! grep -o 'spsa refused .*' "$SERVER_LOG"

-- 22. What was granted stands in the audit trail
--     First, the sessions that are over are cleared away, as a scheduler does it now and then.
\connect - postgres
SELECT spsa_purge() AS sessions;
CALL demo.expect('SELECT count(*) FROM spsa.session s JOIN spsa.app_user USING (user_id) WHERE user_name = ''lucia.moreno''', 0);
SELECT to_char(at, 'HH24:MI:SS') AS at, event, user_name, set_name, left(session_id::text, 8) AS session,
       actor, database_role AS role, detail ->> 'reason' AS reason
FROM spsa.audit_event WHERE event ~ '^(session|activate|deactivate|assignment)' ORDER BY event_id;
CALL demo.expect('SELECT count(*) FROM spsa.audit_event WHERE event = ''activate'' AND user_name = ''jonas.keller''', 3);
