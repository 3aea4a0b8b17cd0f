# A crash keeps what was committed and nothing else.  A hot standby works with sessions opened and sets activated on the
# primary, hears of revocations with their replay, and never writes.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "fsync = on\nmax_prepared_transactions = 5\n");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	CREATE TABLE account AS SELECT i AS id, 'r' || i AS region FROM generate_series(1, 4) i;
	GRANT SELECT, UPDATE ON account TO regress_spsa_app;
	SELECT spsa_protect('account', '{region}'), spsa_create_user('ann'), spsa_create_user('bob');
	SELECT spsa_create_permission_set('base'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('base', 'account', '{read,edit}'), spsa_grant_object('gated', 'account', '{read}');
	SELECT spsa_grant_rows('base', 'account', 'region', '{r1,r2}');
	SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'gated'), spsa_assign('bob', 'base'); });

sub open_session
{
	my ($user, $more) = @_;
	return split /\|/, $primary->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('$user', db_role => NULL" . ($more // '') . ')');
}

my $rows = "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM account";

# What an ordinary role sees with a token.
sub visible
{
	my ($node, $token) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); $rows", on_error_stop => 1);
	return $ret == 0 ? $out =~ s/^\n//r : $err =~ s/.*(ERROR.*?)\n.*/$1/sr;
}

# A connection that stays, attached, with a prepared statement that it has used.
sub connection
{
	my ($node, $token) = @_;
	my $psql = $node->background_psql('postgres', on_error_stop => 0);
	$psql->query_safe("SET ROLE regress_spsa_app; SET plan_cache_mode = force_generic_plan; PREPARE seen AS $rows");
	$psql->query_safe("SELECT FROM spsa_attach_connection('$token')");
	return $psql;
}
sub seen
{
	my ($psql) = @_;
	$psql->{stderr} = '';
	my $out = $psql->query('EXECUTE seen');
	return $psql->{stderr} =~ /(ERROR:.*)/ ? $1 : $out;
}

# Crash.
my ($kept, $token) = open_session('ann');
my ($closed, $closed_token) = open_session('ann');
my ($other, $other_token) = open_session('bob');
$primary->safe_psql('postgres', "SELECT spsa_activate('$kept', 'gated'); SELECT spsa_close_session('$closed')");
my $lost = $primary->background_psql('postgres');
my ($lost_session, $lost_token) = split /\|/, $lost->query_safe("BEGIN; SELECT session_id, token FROM spsa_open_session('ann', db_role => NULL)");
$lost->query_safe("SET client_min_messages = warning; SELECT spsa_deactivate('$kept', 'gated'); SELECT spsa_close_session('$other'); SELECT spsa_revoke_assignment('ann', 'base')");
$primary->safe_psql('postgres', "BEGIN; SELECT spsa_assign('bob', 'gated'); PREPARE TRANSACTION 'later'");
$primary->stop('immediate');
eval { $lost->quit };
$primary->start;
is(visible($primary, $token), '1 2 3 4', 'a committed session and its activation survive a crash');
like(visible($primary, $closed_token), qr/session is not valid/, 'as does the end of a session');
like(visible($primary, $lost_token), qr/session is not valid/, 'an uncommitted session does not');
is(visible($primary, $other_token), '1 2', 'nor does the uncommitted end of one');
is($primary->safe_psql('postgres', "SELECT count(*) FROM spsa.audit_event WHERE event IN ('deactivate', 'assignment_delete') OR session_id = '$lost_session'"), '0', 'nor the audit of it');

# A change that is prepared is told when it is committed, by another backend.
my $open = connection($primary, $other_token);
$primary->safe_psql('postgres', "SET client_min_messages = error; COMMIT PREPARED 'later'; SELECT spsa_activate('$other', 'gated')");
is(seen($open), '1 2 3 4', 'COMMIT PREPARED after a crash signals');
$open->quit;

# Standby.
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
my $replayed = sub { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')) };
my ($idle, $idle_token) = open_session('ann', ", idle_timeout => '1 hour'");
$primary->safe_psql('postgres', "UPDATE spsa.session_activity SET last_seen_at = last_seen_at - interval '50 min'; SELECT spsa_activate('$idle', 'gated')");
$replayed->();
is(visible($standby, $idle_token), '1 2 3 4', 'a session with an idle timeout attaches on the standby, and its activation holds');
my ($own, $own_token) = open_session('ann');
$replayed->();

# Each change of the primary, and what a connection to the standby that is open all the time sees then.
my $ann = connection($standby, $own_token);
my $bob = connection($standby, $other_token);
is(seen($ann), '1 2', 'before');
for my $step (["spsa_activate('$own', 'gated')", '1 2 3 4', '1 2 3 4', 'activated'], ["spsa_deactivate('$own', 'gated')", '1 2', '1 2 3 4', 'deactivated'],
	["spsa_grant_rows('base', 'account', 'region', '{r3}')", '1 2 3', '1 2 3 4', 'scope added'],
	["spsa_revoke_assignment('ann', 'base')", 'none', '1 2 3 4', 'revoked'], ["spsa_assign('ann', 'base')", '1 2 3', '1 2 3 4', 'assigned'],
	["spsa_revoke_assignment('bob', 'gated')", '1 2 3', '1 2 3', 'revoked from another user'],
	["spsa_close_session('$own')", 'ERROR:  session is not valid', '1 2 3', 'closed'],
	["spsa_disable_user('bob')", 'ERROR:  session is not valid', 'ERROR:  session is not valid', 'disabled'])
{
	my ($call, $for_ann, $for_bob, $name) = @$step;
	$primary->safe_psql('postgres', "SELECT $call");
	$replayed->();
	is(seen($ann), $for_ann, "standby: $name: ann");
	is(seen($bob), $for_bob, "standby: $name: bob");
}
my $reader = connection($standby, $idle_token);
is($reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; EXECUTE seen'), '1 2 3 4', 'standby: a snapshot is taken');
$primary->safe_psql('postgres', "SELECT spsa_deactivate('$idle', 'gated')");
$replayed->();
is($reader->query('EXECUTE seen'), '1 2 3', 'standby: REPEATABLE READ does not keep authority');
$reader->query('COMMIT');
$_->quit for $ann, $bob, $reader;

# What would have to write.
for my $sql ("SELECT spsa_activate_own('gated')", "SELECT spsa_deactivate_own('gated')", 'SELECT spsa_close_session()', "SELECT spsa_open_session('ann')",
	"SELECT spsa_open_own_session()", 'SELECT spsa_purge()', "SELECT spsa_assign('ann', 'gated')",
	'SELECT spsa_audit_head()')
{
	my ($ret, $out, $err) = $standby->psql('postgres', "SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$idle_token'); RESET ROLE;\n\\set VERBOSITY sqlstate\n$sql", on_error_stop => 0);
	like($err, $sql =~ /own_session/ ? qr/ERROR:  (25006|28000)$/m : qr/ERROR:  25006$/m, "standby: fails cleanly: $sql");
}
is($standby->safe_psql('postgres', "SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$idle_token'); SELECT spsa_touch(); SELECT spsa_user_name()"), "\nann", 'standby: a touch writes nothing');

# The audit trail: what the primary fixes can be verified on the standby.
my $head = $primary->safe_psql('postgres', 'SELECT spsa_audit_head()');
$replayed->();
is($standby->safe_psql('postgres', "SELECT * FROM spsa_verify_audit('$head')"), '', 'standby: the audit trail is intact');
is($primary->safe_psql('postgres', "SELECT problem FROM spsa_verify_audit('$head')"), '', 'and on the primary, which crashed in between');
$primary->safe_psql('postgres', 'DELETE FROM spsa.audit_event WHERE event_id = (SELECT max(event_id) FROM spsa.audit_event)');
$replayed->();
like($standby->safe_psql('postgres', "SELECT problem FROM spsa_verify_audit('$head')"), qr/^1 of \d+ events that the head covers are missing$/, 'standby: a cut tail shows');

# Promotion.
my $through = connection($standby, $idle_token);
is(seen($through), '1 2 3', 'before the promotion');
$primary->stop;
$standby->promote;
is(seen($through), '1 2 3', 'an attached connection goes through it');
$through->{stderr} = '';
$through->query("SET client_min_messages = warning; SELECT FROM spsa_activate_own('gated')");
is($through->{stderr} . seen($through), '1 2 3 4', 'and can activate then');
$standby->safe_psql('postgres', "SELECT spsa_close_session('$idle')");
is(seen($through), 'ERROR:  session is not valid', 'and hears of the end of its session');
$through->quit;

done_testing();
