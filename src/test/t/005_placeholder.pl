# Tokens that are set before the library is loaded, from places other than the session: no authority, and nothing that a
# reset would restore.  Parallel workers, which get the setting from their leader, see what the leader sees.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('placeholder');
$node->init;
$node->append_conf('postgresql.conf', "max_worker_processes = 16\nmax_parallel_workers = 8\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE account AS SELECT i AS id, i % 10 AS region FROM generate_series(1, 20000) i;
	ANALYZE account;
	GRANT SELECT ON account TO regress_spsa_app;
	SELECT spsa_protect('account', '{region}'), spsa_create_user('ann', '{"region": [4, 5]}'), spsa_create_permission_set('base');
	SELECT spsa_grant_object('base', 'account', '{read}');
	SELECT spsa_grant_rows('base', 'account', 'region', '{1,2}'), spsa_grant_rows('base', 'account', 'region', attribute => 'region');
	SELECT spsa_assign('ann', 'base'); });
my $token = $node->safe_psql('postgres', "SELECT token FROM spsa_open_session('ann', db_role => NULL)");
my $other = $node->safe_psql('postgres', "SELECT token FROM spsa_open_session('ann', db_role => NULL)");
my $app = $node->connstr('postgres') . ' user=regress_spsa_app';

my $script = PostgreSQL::Test::Utils::tempdir() . '/script.sql';

# Output of statements, and their errors by SQLSTATE.
sub run
{
	my ($sql, %how) = @_;
	local $ENV{PGOPTIONS} = $how{options} // '';
	# From a file: a connection that is refused would break the pipe of a script on standard input.
	PostgreSQL::Test::Utils::append_to_file("$script.new", "\\set VERBOSITY sqlstate\n$sql");
	rename "$script.new", $script;
	my ($out, $err) = run_command([ 'psql', '-XAtq', '-d', $how{connstr} // $app, '-f', $script ]);
	return $out . join '', map { " [$_]" } $err =~ /(?:ERROR|FATAL):  (\w+)/g;
}

my $rows = 'SELECT count(*) FROM account';
is(run("SET spsa.session_token = '$token'; $rows"), '8000', 'SET in the session before the library is loaded: attached');
is(run("SET spsa.session_token = '$token'; $rows; RESET ALL; $rows"), "8000\n0", 'RESET ALL detaches');
is(run("SET spsa.session_token = '$token'; $rows; DISCARD ALL; $rows"), "8000\n0", 'DISCARD ALL detaches');
is(run("SET spsa.session_token = '$token'; RESET ALL; $rows"), '0', 'RESET ALL before the load');
is(run("BEGIN; SET LOCAL spsa.session_token = '$token'; $rows; COMMIT; $rows"), "8000\n0", 'SET LOCAL before the load');
is(run("BEGIN; SET LOCAL spsa.session_token = '$token'; ROLLBACK; $rows"), '0', 'ROLLBACK before the load');
is(run("BEGIN; SET spsa.session_token = '$token'; $rows; ROLLBACK; $rows"), "8000\n0", 'ROLLBACK after the load');
is(run("SET spsa.session_token = '$other'; SET spsa.session_token = 'rubbish'; $rows; $rows"), "0\n0", 'rubbish before the load');
is(run("SELECT spsa_session_id(); SET spsa.session_token = '$token'; SET spsa.session_token = 'rubbish'; $rows"), ' [28000] [28000]', 'rubbish after it');

# Everything that is not SET: nothing, neither at once nor by a reset.
my @resets = ('', 'RESET ALL;', 'DISCARD ALL;', 'RESET spsa.session_token;', 'SET spsa.session_token TO DEFAULT;', 'BEGIN; SET LOCAL spsa.session_token TO DEFAULT;');
sub no_authority
{
	my ($name, %how) = @_;
	my $expected = delete $how{expected};
	for my $load ('', 'SELECT spsa_user_name();', "SELECT FROM spsa_attach_connection('$other');")
	{
		for my $reset (@resets)
		{
			next if $load =~ /attach/ && $reset eq '';
			like(run("$load\n$reset\n$rows; SELECT spsa_user_name(); SELECT count(*) FROM pg_settings WHERE setting || coalesce(reset_val, '') ~ 'spsa_.{20}'", %how),
				$expected // qr/\A\s*0\s+0\s*\z/, "$name: $load $reset" =~ s/spsa_.{40,}'/TOKEN'/r);
		}
	}
	return;
}
# A backend that has not loaded the library does not know better than to accept them.
for my $preload (qw(local_preload_libraries session_preload_libraries shared_preload_libraries))
{
	$node->append_conf('postgresql.conf', "$preload = 'spsa'") if $preload ne 'local_preload_libraries';
	$node->restart;
	# With the library preloaded the connection itself is refused: FATAL: parameter ... can only be set in the session.
	my $expected = $preload eq 'shared_preload_libraries' ? qr/\A(\s*0\s+0\s*| \[parameter\])\z/ : undef;
	no_authority("$preload: PGOPTIONS", options => "-c spsa.session_token=$token", expected => $expected);
	no_authority("$preload: connection string", connstr => "$app options='-c spsa.session_token=$token'", expected => $expected);
	for my $owner ('ROLE regress_spsa_app', 'DATABASE postgres', 'ROLE regress_spsa_app IN DATABASE postgres', 'ROLE ALL')
	{
		# Not by ALTER: that is refused where the library is loaded.
		my ($database, $role) = ($owner =~ /DATABASE/ ? "(SELECT oid FROM pg_database WHERE datname = 'postgres')" : 0, $owner =~ /regress/ ? "'regress_spsa_app'::regrole" : 0);
		$node->safe_psql('postgres', "INSERT INTO pg_db_role_setting VALUES ($database, $role, ARRAY['spsa.session_token=$token'])");
		no_authority("$preload: $owner");
		$node->safe_psql('postgres', 'DELETE FROM pg_db_role_setting');
		my ($ret, $out, $err) = $node->psql('postgres', "LOAD 'spsa'; ALTER $owner SET spsa.session_token = '$token'");
		like($err, qr/ERROR:  parameter "spsa.session_token" can only be set in the session itself/, "$preload: $owner: refused where the library is loaded");
	}
	$node->append_conf('postgresql.conf', "spsa.session_token = '$token'");
	$node->restart;
	no_authority("$preload: postgresql.conf");
	$node->adjust_conf('postgresql.conf', 'spsa.session_token', undef);
}
$node->adjust_conf('postgresql.conf', $_, undef) for qw(session_preload_libraries shared_preload_libraries);
$node->restart;
is(run("SET spsa.session_token = '$token'; SELECT spsa_user_name(); SHOW spsa.session_token", connstr => $node->connstr('postgres')), "ann\n********", 'not shown');

# Settings of administrators, set before the load by somebody else, do not hold.
for my $setting (qw(notify_events require_session require_local_attach))
{
	is(run("SET client_min_messages = error; SET spsa.$setting = on; SELECT spsa_user_name(); SHOW spsa.$setting"), "\noff", "$setting is not for everybody");
}

# Parallel workers.
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 4;';
my $query = "SELECT count(*), sum(id), count(DISTINCT spsa_session_id()), bool_and(spsa_user_name() = 'ann'), count(*) FILTER (WHERE region IN (1, 2, 4, 5)) FROM account WHERE spsa_session_id() IS NOT NULL";
my $expected = run("SET max_parallel_workers_per_gather = 0; SET spsa.session_token = '$token'; $query");
like($expected, qr/^8000\|\d+\|1\|t\|8000$/, 'the rows, serially');
like(run("$parallel SET spsa.session_token = '$token'; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $rows"), qr/Workers Launched: [1-9]/, 'workers are used');
# PostgreSQL 16 has another name for it.
my $parallel_setting = run("SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
for my $force (qw(off on regress))
{
	my $set = "$parallel SET $parallel_setting = $force;";
	is(run("$set SET spsa.session_token = '$token'; $query"), $expected, "forced parallel: $force: SET");
	is(run("$set SELECT FROM spsa_attach_connection('$token'); $query"), $expected, "forced parallel: $force: spsa_attach_connection");
	is(run("$set BEGIN; SELECT FROM spsa_attach('$token'); $query; COMMIT; $rows"), "$expected\n0", "forced parallel: $force: spsa_attach");
	is(run("$set $rows; $query"), "0\n0||0||0", "forced parallel: $force: no session");
	is(run("$set SELECT FROM spsa_attach_connection('$token'); SELECT spsa_detach(); $rows"), "\n0", "forced parallel: $force: detached");
	is(run("$set SELECT FROM spsa_attach_connection('$token'); PREPARE q AS $query; EXECUTE q; EXECUTE q; DISCARD ALL; $set $rows"), "$expected\n$expected\n0", "forced parallel: $force: prepared");
	my $refused = run("$set SELECT FROM spsa_attach_connection('$token'); SELECT FROM spsa_attach_connection('rubbish'); $query; SELECT spsa_user_name()");
	unlike($refused, qr/8000\|/, "forced parallel: $force: a binding that a refused token has voided");
	unlike($refused, qr/ann/, "forced parallel: $force: nor by name");
}
$node->safe_psql('postgres', 'ALTER ROLE regress_spsa_app SET spsa.require_local_attach = on');
is(run("$parallel BEGIN; SELECT FROM spsa_attach_connection('$token'); $query; COMMIT; $rows"), "$expected\n0", 'require_local_attach: workers');
like(run("$parallel SET spsa.session_token = '$token'; SELECT spsa_user_name(); $query"), qr/\A(\n0\|\|0\|\|0)?( \[28000\])*\z/, 'require_local_attach: a binding of an earlier transaction');

done_testing();
