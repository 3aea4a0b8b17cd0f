# spsa_simulate() on a hot standby; what other backends, prepared transactions, a crash and the log have of spsa_test_as().

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "client_min_messages = warning\nmax_prepared_transactions = 2\n");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	CREATE TABLE staff (id integer PRIMARY KEY, name text);
	INSERT INTO staff VALUES (1, 'ann'), (2, 'bob');
	SELECT spsa_protect('staff');
	GRANT SELECT ON staff TO regress_spsa_app;
	SELECT spsa_create_user('ann'), spsa_create_permission_set('gated', activation_required => true),
		spsa_create_permission_set('approved', activation_required => true);
	SELECT spsa_grant_object('gated', 'staff', '{read}'), spsa_grant_object('approved', 'staff', '{read}'),
		spsa_set_activation_rule('approved', approvals_required => 1), spsa_assign('ann', 'gated'), spsa_assign('ann', 'approved'); });
my ($session, $token) = split /\|/, $primary->safe_psql('postgres', q{SELECT session_id, token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')});

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

# On the standby.
my $attach = "SET SESSION AUTHORIZATION regress_spsa_app; BEGIN; DO \$\$ BEGIN PERFORM spsa_attach('$token'); END \$\$;";
is($standby->safe_psql('postgres', "$attach SELECT kind, object, privileges, rows_before, rows_after, note FROM spsa_simulate(spsa_session_id(), '{gated}'); SELECT count(*) FROM staff; COMMIT"),
	"object|staff|{read}|0|2|\n0", 'standby: what would be gained, and that it is not');
is($standby->safe_psql('postgres', "$attach SELECT rows_after IS NULL, note FROM spsa_simulate(spsa_session_id(), '{approved}'); COMMIT"),
	't|rows not counted: the session could not activate it by itself now', 'standby: no rows without the approval');
my ($code, $out, $err) = $standby->psql('postgres', "BEGIN; SELECT spsa_test_as('ann', '{gated}')");
like($err, qr/cannot execute the opening of a session (?:in a read-only transaction|during recovery)/, 'standby: no session for a test');

# What others see: nothing, before and after the commit. In the transaction a parallel worker acts as its leader.
my $test = $primary->background_psql('postgres', on_error_stop => 0);
my $live = q{SELECT (SELECT count(*) FROM spsa.live_session WHERE login_type = 'test'), (SELECT count(*) FROM spsa.valid_session v JOIN spsa.session USING (session_id) WHERE login_type = 'test'),
	(SELECT count(*) FROM spsa.live_activation)};
$test->query_safe('BEGIN');
my $id = $test->query_safe("SELECT spsa_test_as('ann', '{gated}')");
like($id, qr/^[0-9a-f-]{36}$/, 'its identifier, no token');
is($test->query_safe('SET LOCAL ROLE regress_spsa_app; SELECT count(*) FROM staff'), '2', 'it acts as the user');
is($test->query_safe('SET LOCAL debug_parallel_query = on; SELECT count(*), spsa_user_name() FROM staff GROUP BY 2'), '2|ann', 'in workers too')
  if $primary->pg_version >= 16;
is($test->query_safe('SET LOCAL force_parallel_mode = on; SELECT count(*), spsa_user_name() FROM staff GROUP BY 2'), '2|ann', 'in workers too')
  if $primary->pg_version < 16;
is($primary->safe_psql('postgres', $live), '0|0|0', 'others see no session while it lasts');
($code, $out, $err) = $primary->psql('postgres', "SELECT spsa_close_session('$id')");
is($out, 'f', 'and cannot close it');
$test->query_safe('RESET ROLE');
is($test->query_safe($live), '1|1|1', 'the transaction itself does');
$test->query_safe('COMMIT');
is($test->query_safe($live), '0|0|0', 'not after the commit');
is($primary->safe_psql('postgres', $live), '0|0|0', 'nor do others');
($code, $out, $err) = $primary->psql('postgres', "SELECT * FROM spsa_activate('$id', 'gated')");
like($err, qr/session is not valid/, 'nothing can be activated in it');

# A prepared transaction.
$test->query_safe('BEGIN');
$test->query_safe("SELECT spsa_test_as('ann', '{gated}')");
$test->query_safe("PREPARE TRANSACTION 'test'");
is($test->query_safe('SELECT spsa_user_name() IS NULL'), 't', 'prepared: the connection is nobody');
is($test->query_safe($live), '0|0|0', 'prepared: nobody sees it');
$test->query_safe("COMMIT PREPARED 'test'");
is($test->query_safe($live), '0|0|0', 'committed: nobody sees it');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM spsa.audit_event WHERE event = 'session_simulated' AND user_name = 'ann'}), '2', 'the audit trail has both');

# A rollback takes the event away, not the line in the log.
my $offset = -s $primary->logfile;
$test->query_safe('BEGIN');
$test->query_safe(q{SELECT spsa_test_as('ann', '{gated,approved}')});
$test->query_safe('ROLLBACK');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM spsa.audit_event WHERE event = 'session_simulated'}), '2', 'rolled back: no event');
my $log = substr(slurp_file($primary->logfile), $offset);
like($log, qr/LOG:  spsa opened a session for a test: it acts as user "ann" until the end of the transaction$/m, 'the line in the log');
like($log, qr/DETAIL:  .*\{"actor": "\w+", "sets": \["gated", "approved"\]\}$/m, 'and its detail');
unlike($log, qr/spsa_[A-Za-z0-9_-]{40}/, 'no token');

# A refusal leaves a line as well.
$offset = -s $primary->logfile;
$primary->psql('postgres', "$attach SELECT * FROM spsa_simulate(spsa_session_id(), '{other}')");
$primary->psql('postgres', "SET SESSION AUTHORIZATION regress_spsa_app; SELECT * FROM spsa_simulate('$session', '{gated}')");
$log = substr(slurp_file($primary->logfile), $offset);
like($log, qr/spsa refused to simulate an activation: the session has no permission set "other"/, 'refused: another set');
like($log, qr/spsa refused to simulate an activation: the session is not the attached one/, 'refused: another session');

# A crash in the middle.
$test->query_safe('BEGIN');
$id = $test->query_safe("SELECT spsa_test_as('ann', '{gated}')");
$primary->stop('immediate');
eval { $test->quit };
$primary->start;
is($primary->safe_psql('postgres', "SELECT count(*) FROM spsa.session WHERE session_id = '$id'"), '0', 'crash: nothing is left');

$standby->stop;
$primary->stop;
done_testing();
