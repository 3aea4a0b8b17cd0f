# What the operating system takes away: a backend that is killed, a disk that is full, memory that is gone, time that is up,
# at any point of attaching, reading, activating and deactivating.  Nothing is half done: an activation is there with its
# event in the trail or not at all, and a backend answers by what is committed, or is attached to nothing.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('faults');
$node->init(extra => ['--wal-segsize=1']);
$node->append_conf('postgresql.conf', "client_min_messages = error\nrestart_after_crash = on\nautovacuum = off\nsession_preload_libraries = spsa\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE account AS SELECT i AS id FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO regress_spsa_app;
	SELECT spsa_protect('account'), spsa_create_user('ann'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('gated', 'account', '{read}'), spsa_assign('ann', 'gated');
	CREATE FUNCTION activations() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.activation';
	CREATE FUNCTION events(wanted text) RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.audit_event WHERE event = wanted'; });
my ($session, $token) = split /\|/, $node->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('ann', '1 day')" =~ s/'1 day'/'1 day', db_role => NULL/r);

# Table and trail, and with the session attached what it sees.
my $agree = "SELECT activations() = events('activate') - events('deactivate') AND (SELECT count(*) FROM account) = CASE WHEN spsa_session_id() IS NULL THEN 0 ELSE 4 * activations() END";
sub all_agree
{
	my ($name) = @_;
	is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION regress_spsa_app; $agree; SELECT FROM spsa_attach_connection('$token'); $agree"), "t\nt", "$name: table, trail and what is seen agree");
	is($node->safe_psql('postgres', 'SELECT problem FROM spsa_verify_audit(spsa_audit_head())'), '', "$name: the trail is intact");
}

sub connection
{
	my $psql = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $psql->query("SET SESSION AUTHORIZATION regress_spsa_app; SELECT pg_backend_pid()");
	return ($psql, $pid);
}
sub answer
{
	my ($psql, $sql) = @_;
	$psql->{stderr} = '';
	my $out = eval { $psql->query($sql) };
	return 'gone' if !defined $out;
	return $psql->{stderr} =~ /(?:ERROR|FATAL):\s+(.*)/ ? $1 : $out;
}
sub limit
{
	my ($pid, $what, $value) = @_;
	system_or_bail('prlimit', "--pid=$pid", "--$what=$value:");
}
sub after_restart
{
	$node->poll_query_until('postgres', 'SELECT true') or die 'timed out';
}

# Killed while it activates: between its row and its commit, and while it waits for another that does the same.
for my $waits (0, 1)
{
	my ($first, $pid) = connection();
	answer($first, "SELECT FROM spsa_attach_connection('$token'); BEGIN; SELECT FROM spsa_activate_own('gated')");
	is(answer($first, 'SELECT count(*) FROM account'), '4', 'activated, not committed');
	my $second;
	if ($waits)
	{
		($second, $pid) = connection();
		answer($second, "SELECT FROM spsa_attach_connection('$token')");
		$second->query_until(qr/sent/, "\\echo sent\nSELECT FROM spsa_activate_own('gated');\n");
		$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") or die 'timed out';
	}
	kill 'KILL', $pid or die "cannot kill $pid: $!";
	if ($waits)
	{
		# The postmaster needs a moment to end the others.
		my $answer;
		for (1 .. 300)
		{
			last if ($answer = answer($first, 'SELECT count(*) FROM account')) eq 'gone';
			select undef, undef, undef, 0.1;
		}
		is($answer, 'gone', 'the server restarts');
	}
	eval { $_->quit } for grep { defined } $first, $second;
	$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)") or die 'timed out';
	after_restart();
	is($node->safe_psql('postgres', 'SELECT activations()'), '0', 'killed: not activated');
	all_agree('killed');
}

# Time is up: ever later within one procedure that attaches, reads, activates, commits, and undoes it. The timeout stays, and the sleep
# before gets shorter.
$node->safe_psql('postgres', qq{
	CREATE PROCEDURE work() LANGUAGE plpgsql AS \$\$
	DECLARE seen bigint;
	BEGIN
		PERFORM FROM spsa_attach('$token');
		PERFORM FROM spsa_activate_own('gated');
		SELECT count(*) INTO seen FROM account;
		IF seen <> 4 THEN RAISE EXCEPTION 'saw %', seen; END IF;
		COMMIT;
		SELECT count(*) INTO seen FROM account;
		IF seen <> 0 THEN RAISE EXCEPTION 'saw % without a session', seen; END IF;
		PERFORM FROM spsa_attach('$token');
		SELECT count(*) INTO seen FROM account;
		IF seen <> 4 THEN RAISE EXCEPTION 'saw % of what is committed', seen; END IF;
		PERFORM FROM spsa_deactivate_own('gated');
		SELECT count(*) INTO seen FROM account;
		IF seen <> 0 THEN RAISE EXCEPTION 'saw % after the deactivation', seen; END IF;
	END \$\$;
	CREATE PROCEDURE later(sleep float8) LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(sleep); CALL work(); END'; });
my $sweep = "SET SESSION AUTHORIZATION regress_spsa_app;\n";
for my $i (1 .. 120)
{
	my $sleep = sprintf '%.5f', 0.01 - $i * 0.00006;
	$sweep .= "SET statement_timeout = '10ms';\nCALL later($sleep);\nRESET statement_timeout;\n"
	  . "SELECT spsa_session_id() IS NULL;\n$agree;\nSELECT FROM spsa_attach_connection('$token');\n$agree;\nSELECT spsa_deactivate_all() >= 0;\n$agree;\nSELECT spsa_detach();\n$agree;\n";
}
my ($ret, $out, $err) = $node->psql('postgres', $sweep, on_error_stop => 0);
my $cancelled = () = $err =~ /ERROR:  canceling statement due to statement timeout/g;
my $errors = () = $err =~ /ERROR/g;
note "cancelled $cancelled times";
is($errors, $cancelled, 'timeout: no other error') or diag $err;
unlike($out, qr/^f$/m, 'timeout: detached after it, and table, trail and session agree');
is(scalar(() = $out =~ /^t$/mg), 6 * 120, 'timeout: each time');
ok($cancelled > 0, 'timeout: some were cut off');
all_agree('timeout');

# Cancelled by another backend, while it waits in the middle.
{
	my ($first) = connection();
	my ($second, $pid) = connection();
	answer($first, "SELECT FROM spsa_attach_connection('$token'); BEGIN; SELECT FROM spsa_activate_own('gated')");
	$second->query_until(qr/sent/, "\\echo sent\nBEGIN;\nSELECT FROM spsa_attach('$token');\nSELECT FROM spsa_activate_own('gated');\n");
	$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") or die 'timed out';
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	like(answer($second, 'SELECT 1'), qr/canceling statement due to user request|current transaction is aborted/, 'cancelled');
	answer($second, 'ROLLBACK');
	is(answer($second, 'SELECT spsa_session_id() IS NULL, count(*) FROM account'), 't|0', 'cancelled and rolled back: detached');
	answer($first, 'ROLLBACK');
	is(answer($first, 'SELECT count(*) FROM account'), '0', 'rolled back: attached, and not activated');
	$_->quit for $first, $second;
	all_agree('cancelled');
}

SKIP:
{
	skip 'no prlimit', 1 if system('prlimit --version >/dev/null 2>&1') != 0;

	# The disk is full: files of the backend cannot grow beyond what they are (WAL segments have 1 MB).
	$node->safe_psql('postgres', "INSERT INTO spsa.audit_event (event, detail) SELECT 'filler', jsonb_build_object('x', repeat('x', 40)) FROM generate_series(1, 8000); CHECKPOINT");
	cmp_ok($node->safe_psql('postgres', "SELECT pg_relation_size('spsa.audit_event_default')"), '>', 1_500_000, 'a table that is larger than a WAL segment');
	my ($psql, $pid) = connection();
	answer($psql, "SELECT FROM spsa_attach_connection('$token'); SELECT FROM spsa_activate_own('gated')");
	limit($pid, 'fsize', 1_200_000);
	my %met;
	for my $i (1 .. 60)
	{
		for my $action (qw(deactivate activate))
		{
			my $answer = answer($psql, "SELECT FROM spsa_${action}_own('gated')");
			$met{ $answer =~ s/"[^"]*"|\d+/?/gr }++;
			my $agrees = answer($psql, $agree);
			is($agrees, 't', "full disk: $action: $answer") if $agrees ne 't';
		}
	}
	note explain \%met;
	ok((grep { /could not (extend|write)/ } keys %met), 'full disk: writing fails');
	is(scalar(grep { !/^$|could not (extend|write)/ } keys %met), 0, 'full disk: nothing else');
	is(answer($psql, $agree), 't', 'full disk: the session goes on reading');
	all_agree('full disk');
	limit($pid, 'fsize', 'unlimited');
	is(answer($psql, "SELECT spsa_deactivate_all() IS NOT NULL; SELECT FROM spsa_activate_own('gated'); $agree"), "t\nt", 'there is room again');

	# Not even WAL can be written: the server stops at the commit, and recovers.
	answer($psql, "SELECT spsa_deactivate_all()");
	answer($psql, "BEGIN; SELECT FROM spsa_activate_own('gated')");
	limit($pid, 'fsize', 0);
	answer($psql, 'COMMIT');
	eval { $psql->quit };
	$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)") or die 'timed out';
	after_restart();
	# (Its own last words have no room in the log, either.)
	like(slurp_file($node->logfile), qr/(?:server process|client backend) \(PID $pid\) was terminated by signal 6/, 'no room for WAL: the server stops');
	is($node->safe_psql('postgres', 'SELECT activations()'), '0', 'no room for WAL: not activated');
	all_agree('no room for WAL');

	# Memory is gone, ever later. Each time a backend that has read nothing yet.
	%met = ();
	for my $more (map { 60 * $_ } 0 .. 35)
	{
		my ($psql, $pid) = connection();
		my ($data) = slurp_file("/proc/$pid/status") =~ /^VmData:\s+(\d+)/m;
		limit($pid, 'data', 1024 * ($data + $more));
		my $script = "SELECT FROM spsa_attach_connection('$token'); SELECT count(*) FROM account; SELECT FROM spsa_activate_own('gated'); SELECT count(*) FROM account";
		my $answer = answer($psql, $script);
		my $gone = kill(0, $pid) ? 0 : 1;
		limit($pid, 'data', 'unlimited') if !$gone;
		$met{ $gone ? 'gone' : $answer =~ /^[04\s]*$/ ? 'done' : $answer }++;
		my @agrees = map { answer($psql, $_) } $agree, "SELECT spsa_deactivate_all() >= 0", $agree;
		ok(!grep({ !/^t$|gone|no session is attached/ } @agrees), "out of memory after $more kB: $answer") or diag "@agrees";
		eval { $psql->quit };
		$node->safe_psql('postgres', "SELECT spsa_deactivate_all('$session')");
	}
	note explain \%met;
	ok((grep { /out of memory|annot allocate memory/ } keys %met), 'there was too little memory');
	ok($met{done}, 'and enough in the end');
	all_agree('out of memory');
}

done_testing();
