# Another superuser does not see a token in pg_stat_activity: not while the statement that holds it runs, nor after it
# was refused, whether the statement was logged before that or not.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Wire;

my $node = PostgreSQL::Test::Cluster->new('activity');
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = 'spsa'");
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION spsa; CREATE ROLE regress_spsa_other; SELECT spsa_create_user('ann')");

my ($good, $role, $closed) =
  map { $node->safe_psql('postgres', "SELECT token FROM spsa_open_session('ann', db_role => $_)") } 'NULL', "'regress_spsa_other'", 'NULL';
$node->safe_psql('postgres', "INSERT INTO spsa.session_end SELECT session_id FROM spsa.session ORDER BY created_at DESC LIMIT 1");
my $damaged = substr($good, 0, -1) . (substr($good, -1) eq 'A' ? 'B' : 'A');

my $jwt = join '.', 'eyJhbGciOiJSUzI1NiJ9', 'eyJpc3MiOiJub2JvZHkiLCJzdWIiOiJhbm4ifQ', 'bm90IGEgc2lnbmF0dXJl' x 4;
my $key = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow';

for my $case (
	# the function is called late, or never
	[ 'slept before', "SELECT pg_sleep(600), spsa_attach_connection('$good')", 'PgSleep' ],
	[ 'a JWT, slept before', "SELECT pg_sleep(600), spsa_attach_jwt('$jwt')", 'PgSleep' ],
	[ 'a JWT that opens, slept before', "SELECT * FROM pg_sleep(600), spsa_open_session_jwt('$jwt')", 'PgSleep' ],
	[ 'a JWT in DO, slept before', "DO \$\$ BEGIN PERFORM pg_sleep(600); PERFORM spsa_attach_jwt('$jwt'); END \$\$", 'PgSleep' ],
	[ 'a JWT, prepared', "PREPARE p AS SELECT pg_sleep(600), spsa_attach_jwt('$jwt')\\; EXECUTE p", 'PgSleep' ],
	[ 'a JWT as an argument', "PREPARE p AS SELECT pg_sleep(600), spsa_attach_jwt(\$1)\\; EXECUTE p('$jwt')", 'PgSleep' ],
	[ 'a key', "SELECT pg_sleep(600), jsonb_build_object('k', '$key')", 'PgSleep' ],
	[ 'a key in JSON', "SELECT pg_sleep(600), '{\"\\u006b\": \"$key\"}'::jsonb", 'PgSleep' ],
	[ 'an issuer', "SELECT pg_sleep(600), translate('$key', '-_', '+/') AS jwks", 'PgSleep' ],
	[ 'a parallel worker', "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')\\; SELECT spsa_attach_connection('$good')\\; SELECT pg_sleep(600)", 'ExecuteGather' ],
	[ 'a code', "SELECT pg_sleep(600), spsa_step_up_totp('123456')", 'PgSleep' ],
	[ 'attached', "SELECT spsa_attach_connection('$good'), pg_sleep(600)", 'PgSleep' ],
	[ 'attached in a function', "DO \$\$ BEGIN PERFORM spsa_attach('$good'), pg_sleep(600); END \$\$", 'PgSleep' ],
	[ 'set', "SET spsa.session_token = '$good'\\; SELECT pg_sleep(600)", 'PgSleep' ],
	[ 'attached before', "SELECT spsa_attach_connection('$good')", 'ClientRead' ],
	[ 'another role', "SELECT spsa_attach_connection('$role')", 'ClientRead' ],
	[ 'closed', "SELECT spsa_attach_connection('$closed')", 'ClientRead' ],
	[ 'damaged', "SELECT spsa_attach_connection('$damaged')", 'ClientRead' ],
	[ 'set damaged', "SET spsa.session_token = '$damaged'", 'ClientRead' ])
{
	my ($name, $sql, $event) = @$case;
	for my $log (qw(none all))
	{
		my $other = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $other->query("SET log_statement = '$log'; SELECT pg_backend_pid()");
		$other->query_until(qr/sent/, "SET ROLE pg_monitor;\n\\echo sent\n$sql;\n");
		$node->poll_query_until('postgres', "SELECT wait_event = '$event' AND query !~ 'pg_backend_pid|SET ROLE' FROM pg_stat_activity WHERE pid = $pid")
		  or die 'timed out';
		my $seen = $node->safe_psql('postgres', "SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE $pid IN (pid, leader_pid)");
		my @found = grep { index($seen, substr $_, 5, 12) >= 0 || index($seen, substr $_, 30, 12) >= 0 } $good, $role, $closed, $damaged, $jwt, $key;
		push @found, 'code' if $seen =~ /123456/;
		is(scalar(@found), 0, "$name, log_statement = $log") or diag($seen);
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
		eval { $other->quit };
	}
}

# The extended protocol shows the text with each Execute.
for my $sql ("SELECT pg_sleep(600), spsa_attach_connection('$good')", "INSERT INTO slept SELECT 1 FROM pg_sleep(600), spsa_attach_jwt('$jwt')",
	"DO \$\$ BEGIN PERFORM pg_sleep(600), spsa_attach_connection('$good'); END \$\$")
{
	my $wire = Wire->new($node, $node->safe_psql('postgres', 'SELECT current_user'));
	$wire->run('CREATE TEMP TABLE slept (n integer)');
	my $pid = $wire->run('SELECT pg_backend_pid()');
	$wire->parse('s', $sql)->bind('', 's')->execute('')->sync->send_queued;
	$node->poll_query_until('postgres', "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $pid") or die 'timed out';
	my $seen = $node->safe_psql('postgres', "SELECT query FROM pg_stat_activity WHERE pid = $pid");
	is(scalar(grep { index($seen, substr $_, 5, 12) >= 0 } $good, $jwt), 0, 'extended protocol: ' . $sql =~ s/[\w.-]{30,}/SECRET/gr) or diag($seen);
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
	$wire->vanish;
}

# The postmaster logs what a crashed backend was doing.
my $other = $node->background_psql('postgres');
my $pid = $other->query('SELECT pg_backend_pid()');
$other->query_until(qr/sent/, "\\echo sent\nSELECT spsa_attach_connection('$good'), pg_sleep(600);\n");
$node->poll_query_until('postgres', "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $pid") or die 'timed out';
kill 'KILL', $pid;
$node->wait_for_log(qr/Failed process was running: /);
eval { $other->quit };
$node->stop('immediate', fail_ok => 1);	# nodes of tests do not restart by themselves
unlike(slurp_file($node->logfile), qr/\Q$good\E/, 'not in what the postmaster logs of a crash');

done_testing();
