# The server is killed under load. Clients activate and deactivate, each in a session of its own, and write down what was
# acknowledged. After the recovery all of that is there, and of the rest at most the one that was under way.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = error\nlog_statement = none\nsession_preload_libraries = spsa\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE account AS SELECT i AS id FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO regress_spsa_app;
	SELECT spsa_protect('account'), spsa_create_user('ann'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('gated', 'account', '{read}'), spsa_assign('ann', 'gated'); });

my $clients = 3;
my $dir = $node->basedir;

# A step is one statement, or a transaction that attaches for itself; after its acknowledgement its number is written down.
# Those of one client in three are never committed.
sub script
{
	my ($token, $uncommitted) = @_;
	my $script = "\\set QUIET on\nSET SESSION AUTHORIZATION regress_spsa_app;\nSELECT FROM spsa_attach_connection('$token');\n";
	$script .= "BEGIN;\n" if $uncommitted;
	for my $i (1 .. 4000)
	{
		my $action = $i % 2 ? 'activate' : 'deactivate';
		$script .= $i % 5 || $uncommitted ? "SELECT FROM spsa_${action}_own('gated');\n" : "BEGIN;\nSELECT FROM spsa_attach('$token');\nSELECT FROM spsa_${action}_own('gated');\nCOMMIT;\n";
		$script .= "\\echo $i\n";
	}
	return $script;
}

for my $round (1 .. 2)
{
	my (@sessions, @tokens, @running);
	for my $client (1 .. $clients)
	{
		my ($session, $token) = split /\|/, $node->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('ann', db_role => NULL)");
		push @sessions, $session;
		push @tokens, $token;
		append_to_file("$dir/script$client.$round", script($token, $client == 3));
		push @running, IPC::Run::start([ 'psql', '-XAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "$dir/script$client.$round" ],
			'>', "$dir/out$client.$round", '2>', "$dir/err$client.$round");
	}
	my $acknowledged = sub { return slurp_file("$dir/out$_[0].$round") =~ /^(\d+)\n(?!.*\n)/m ? $1 : 0 };
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if !grep { $acknowledged->($_) < 20 * $round + 7 * $_ } 1 .. $clients;
		select undef, undef, undef, 0.1;
	}
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	$node->kill9;
	$_->finish for @running;

	# The old postmaster and its backends may take a moment to be gone.
	my $started = 0;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if !kill 0, $postmaster;
		select undef, undef, undef, 0.1;
	}
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if $started = $node->start(fail_ok => 1);
		select undef, undef, undef, 0.1;
	}
	ok($started, "round $round: recovered");
	for my $client (1 .. $clients)
	{
		my $k = $acknowledged->($client);
		my ($session, $token) = ($sessions[ $client - 1 ], $tokens[ $client - 1 ]);
		cmp_ok($k, '>', 0, "client $client: something was acknowledged ($k)");
		cmp_ok($k, '<', 4000, "client $client: and the crash came before the end");
		my ($events, $active) = split /\|/, $node->safe_psql('postgres', "SELECT count(*), (SELECT count(*) FROM spsa.activation WHERE session_id = '$session')
			FROM spsa.audit_event WHERE session_id = '$session' AND event IN ('activate', 'deactivate')");
		my ($least, $most) = $client == 3 ? (0, 0) : ($k, $k + 1);
		ok($events >= $least && $events <= $most, "client $client: $events changes are there, of $least or $most");
		is($active, $events % 2, "client $client: the activation belongs to them");
		is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); SELECT count(*) FROM account"),
			4 * $active, "client $client: and is what the token gives");
	}
	is($node->safe_psql('postgres', 'SELECT problem FROM spsa_verify_audit(spsa_audit_head())'), '', "round $round: the history is intact");
}

done_testing();
