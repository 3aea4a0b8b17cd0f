# How late a hot standby is: what is revoked on the primary is refused there once it is replayed, which synchronous_commit =
# remote_apply makes a part of the commit; what ends by the clock ends there without a word from the primary.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "client_min_messages = warning\nmax_prepared_transactions = 5\nmax_connections = 40\nsession_preload_libraries = spsa\n");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE account AS SELECT i AS id, 'r' || i AS region FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO regress_spsa_app;
	SELECT spsa_protect('account', '{region}'), spsa_create_user('ann'), spsa_create_user('bob');
	SELECT spsa_create_permission_set('base'), spsa_create_permission_set('gated', activation_required => true), spsa_create_permission_set('timed');
	SELECT spsa_grant_object(s, 'account', '{read}') FROM unnest('{base,gated,timed}'::text[]) s;
	SELECT spsa_grant_rows('base', 'account', 'region', '{r1,r2}'), spsa_grant_rows('timed', 'account', 'region', '{r3}');
	SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'gated'); });

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\nsynchronous_commit = remote_apply\n");
$primary->reload;
$primary->poll_query_until('postgres', "SELECT sync_state = 'sync' FROM pg_stat_replication") or die 'timed out';

sub opened
{
	my ($user, $more) = @_;
	return split /\|/, $primary->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('$user', db_role => NULL" . ($more // '') . ')');
}

my $rows = "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM account";

# Readers of the standby, each attached, with a prepared statement that has a plan: generic, custom, whichever PostgreSQL
# takes after some executions, and one over the extended protocol.
sub connection
{
	my ($mode) = @_;
	my $psql = $standby->background_psql('postgres', on_error_stop => 0);
	$psql->query_safe("SET SESSION AUTHORIZATION regress_spsa_app; SET plan_cache_mode = $mode; PREPARE seen AS $rows");
	return $psql;
}

sub reader
{
	my ($psql, $token) = @_;
	$psql->query_safe("SELECT FROM spsa_attach_connection('$token')");
	my $reader = sub {
		$psql->{stderr} = '';
		my $out = $psql->query('EXECUTE seen');
		return $psql->{stderr} =~ /ERROR:\s+(.*)/ ? $1 : $out;
	};
	$reader->() for 1 .. 7;
	return $reader;
}

sub wire_reader
{
	my ($token) = @_;
	my $wire = Wire->new($standby, 'regress_spsa_app');
	$wire->run('SELECT FROM spsa_attach_connection($1)', $token);
	$wire->parse('seen', $rows)->sync->answers;
	my $reader = sub { my ($answer) = $wire->bind('', 'seen')->execute('')->sync->answers; return $answer eq '28000' ? $wire->error : $answer; };
	$reader->() for 1 .. 7;
	return ($reader, $wire);
}

my ($session, $token) = opened('ann');
my %readers;
my @modes = qw(force_generic_plan force_custom_plan auto);
my %connections = map { $_ => connection($_) } @modes;
$readers{$_} = reader($connections{$_}, $token) for @modes;
($readers{'extended protocol'}, my $wire) = wire_reader($token);
sub all_see
{
	my ($expected, $name) = @_;
	is($readers{$_}->(), $expected, "$name: $_") for sort keys %readers;
}
all_see('1 2', 'before');

# remote_apply: the standby's next statement, and nothing is waited for in between.
my $writer = $primary->background_psql('postgres');
for my $i (1 .. 15)
{
	my %wrong;
	for (['activate', '1 2 3 4'], ['deactivate', '1 2'])
	{
		my ($action, $expected) = @$_;
		$writer->query_safe("SELECT spsa_$action('$session', 'gated')");
		for my $name (keys %readers)
		{
			my $seen = $readers{$name}->();
			$wrong{"$name: $action"} = $seen if $seen ne $expected;
		}
	}
	is_deeply(\%wrong, {}, "remote_apply: acknowledged, and in effect on the standby ($i)");
}
for my $step (["INSERT INTO spsa.activation (session_id, set_id, assignment_id, expires_at) SELECT '$session', set_id, assignment_id, '2200-01-01'
		FROM spsa.assignment JOIN spsa.permission_set USING (set_id) WHERE set_name = 'gated'", '1 2 3 4', 'a row of activation'],
	['TRUNCATE spsa.activation', '1 2', 'TRUNCATE'],
	["BEGIN; SELECT spsa_activate('$session', 'gated'); PREPARE TRANSACTION 'later'", '1 2', 'prepared'],
	["COMMIT PREPARED 'later'", '1 2 3 4', 'committed later'],
	["BEGIN; SELECT spsa_deactivate('$session', 'gated'); ROLLBACK", '1 2 3 4', 'rolled back'],
	["BEGIN; SAVEPOINT s; SELECT spsa_revoke_assignment('ann', 'base'); ROLLBACK TO s; SELECT spsa_revoke_assignment('ann', 'gated'); COMMIT", '1 2', 'the rest after a savepoint'],
	["UPDATE spsa.app_user SET is_active = false WHERE user_name = 'ann'", 'session is not valid', 'inactive'],
	["UPDATE spsa.app_user SET is_active = true WHERE user_name = 'ann'; SELECT spsa_assign('ann', 'gated'), spsa_activate('$session', 'gated')", '1 2 3 4', 'active again'])
{
	my ($sql, $expected, $name) = @$step;
	$writer->query_safe($sql);
	all_see($expected, "remote_apply: $name");
}

# The window that it closes. While the standby does not replay, a commit that waits for it is not acknowledged (and not in
# effect on the primary, either); one that does not wait is, and the standby does not know of it.
sub pause
{
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
	$standby->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'") or die 'timed out';
}
sub resume
{
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
}
my $here = $primary->background_psql('postgres');
$here->query_safe("SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$token')");
pause();
my $pid = $writer->query_safe('SELECT pg_backend_pid()');
$writer->query_until(qr/sent/, "\\echo sent\nSELECT spsa_deactivate('$session', 'gated');\n\\echo acknowledged\n");
$primary->poll_query_until('postgres', "SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $pid") or die 'timed out';
all_see('1 2 3 4', 'not replayed, not acknowledged');
is($here->query($rows), '1 2 3 4', 'not acknowledged: not in effect on the primary');
resume();
$writer->query_until(qr/acknowledged/, "\n");
all_see('1 2', 'replayed and acknowledged');
is($here->query($rows), '1 2', 'acknowledged: in effect on the primary');

$writer->query_safe("SELECT spsa_activate('$session', 'gated')");
pause();
$writer->query_safe("SET synchronous_commit = local; SELECT spsa_deactivate('$session', 'gated'); RESET synchronous_commit");
is($here->query($rows), '1 2', 'without waiting for the standby: in effect on the primary');
all_see('1 2 3 4', 'and not yet on the standby');
resume();
all_see('1 2', 'it is when it is replayed');
$here->quit;

# What ends by the clock, while nothing is replayed: an activation, an assignment, a session, a session that is not used,
# a derived session with its parent.
# Connected before, for these sessions are short.
my @clock = (['activation', '1 2 3 4', '1 2'], ['assignment', '3', 'none'], map { [ $_, '1 2', 'session is not valid' ] } 'session', 'idle session', 'derived session');
my @ends = map { { what => $_->[0], before => $_->[1], after => $_->[2], mode => $_->[3], psql => connection($_->[3]) } }
  (map { [ @$_, 'force_generic_plan' ] } @clock), (map { [ @$_, 'force_custom_plan' ] } @clock[0, 2]);
my %tokens;
($session, $tokens{activation}) = opened('ann');
$tokens{assignment} = (opened('bob'))[1];
$tokens{session} = (opened('ann', ", lifetime => '6 s'"))[1];
$tokens{'idle session'} = (opened('ann', ", idle_timeout => '6 s'"))[1];
my $parent = (opened('ann', ", lifetime => '6 s'"))[0];
$tokens{'derived session'} = $writer->query_safe("SELECT token FROM spsa_derive_session('{base}', parent => '$parent')");
$writer->query_safe("SELECT spsa_activate('$session', 'gated', '6 s'), spsa_assign('bob', 'timed', clock_timestamp() + '6 s')");
pause();
my $replayed = $standby->safe_psql('postgres', 'SELECT pg_last_wal_replay_lsn()');
$_->{reader} = reader($_->{psql}, $tokens{ $_->{what} }) for @ends;
is($_->{reader}->(), $_->{before}, "before a time on the standby: $_->{what}, $_->{mode}") for @ends;
for my $end (@ends)
{
	my @seen = ($end->{reader}->());
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if $seen[-1] eq $end->{after};
		select undef, undef, undef, 0.1;
		my $now = $end->{reader}->();
		push @seen, $now if $now ne $seen[-1];
	}
	like(join(' / ', @seen), qr{^(?:\Q$end->{before}\E / )?\Q$end->{after}\E$}, "the end of a time on the standby: $end->{what}, $end->{mode}");
}
is($standby->safe_psql('postgres', 'SELECT pg_last_wal_replay_lsn()'), $replayed, 'of which the standby has heard nothing');
$_->quit for values %connections, map { $_->{psql} } @ends;
resume();

# Attaching does not write, nor wants to.
my $until = "SELECT last_seen_at FROM spsa.session_activity WHERE session_id";
my ($idle, $idle_token) = opened('ann', ", idle_timeout => '1 hour'");
$writer->query_safe("UPDATE spsa.session_activity SET last_seen_at = last_seen_at - interval '50 min' WHERE session_id = '$idle'");
my $seen_at = $standby->safe_psql('postgres', "$until = '$idle'");
my $attached = "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$idle_token'); SELECT spsa_touch(); BEGIN; SELECT FROM spsa_attach('$idle_token'); $rows; COMMIT; SELECT spsa_user_name()";
like($standby->safe_psql('postgres', $attached), qr/^1 2\nann\z/m, 'a session that has been idle for long attaches on the standby');
is($standby->safe_psql('postgres', "$until = '$idle'"), $seen_at, 'and its use is not noted');

# Promotion: what is kept in a backend of the standby goes on to be revoked, and uses are noted.
$wire->disconnect;
$_->quit for $writer;
$primary->stop;
my $promoted = connection('force_generic_plan');
$readers{promoted} = reader($promoted, $idle_token);
$standby->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$standby->reload;
$standby->promote;
my $promoted_sees = sub { is($readers{promoted}->(), $_[0], "promoted: $_[1]") };
$promoted_sees->('1 2', 'goes on');
$standby->safe_psql('postgres', "SELECT spsa_activate('$idle', 'gated')");
$promoted_sees->('1 2 3 4', 'activated by another');
$standby->safe_psql('postgres', "SELECT spsa_grant_rows('gated', 'account', 'region', '{r1,r2,r3}'); UPDATE spsa.object_permission SET row_scoped = true");
$promoted_sees->('1 2 3', 'a scope');
$standby->safe_psql('postgres', "SELECT spsa_revoke_object('gated', 'account')");
$promoted_sees->('1 2', 'a grant is gone');
$standby->safe_psql('postgres', $attached);
is($standby->safe_psql('postgres', "SELECT last_seen_at > '$seen_at' FROM spsa.session_activity WHERE session_id = '$idle'"), 't', 'promoted: a use is noted');
my ($new, $new_token) = split /\|/, $standby->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('bob', db_role => NULL)");
isnt($standby->safe_psql('postgres', "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$new_token'); SELECT spsa_session_id()"), '', 'promoted: a new session');
$standby->safe_psql('postgres', "SELECT spsa_close_session('$idle')");
$promoted_sees->('session is not valid', 'closed');
$promoted->quit;

done_testing();
