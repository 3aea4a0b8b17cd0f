# Derived sessions and tokens that replace others: across a crash, on a hot standby, and in the log.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "fsync = on\nlog_statement = all\nlog_min_duration_statement = 0\nlog_parameter_max_length = -1\nsession_preload_libraries = spsa\n");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	CREATE TABLE account AS SELECT i AS id, 'r' || i AS region FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO regress_spsa_app;
	SELECT spsa_protect('account', '{region}'), spsa_create_user('ann');
	SELECT spsa_create_permission_set('base'), spsa_create_permission_set('more');
	SELECT spsa_grant_object('base', 'account', '{read}'), spsa_grant_object('more', 'account', '{read}');
	SELECT spsa_grant_rows('base', 'account', 'region', '{r1,r2}');
	SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'more'); });

my $rows = "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM account";
my $invalid = 'ERROR:  session is not valid';

# What an ordinary role sees with a token.
sub visible
{
	my ($node, $token) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); $rows", on_error_stop => 1);
	return $ret == 0 ? $out =~ s/^\n//r : $err =~ s/.*(ERROR.*?)\n.*/$1/sr;
}

# A connection that stays, attached, and what it sees.
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
sub opened { return split /\|/, $primary->safe_psql('postgres', "SELECT session_id, token FROM spsa_$_[0]"); }
sub rotated { return $primary->safe_psql('postgres', "SELECT spsa_rotate_token('$_[0]')"); }

my ($parent, $parent_token) = opened("open_session('ann', db_role => NULL)");
my ($child, $child_token) = opened("derive_session('{base}', parent => '$parent')");
my ($grandchild, $grandchild_token) = opened("derive_session('{base}', '1 hour', '$child')");

# Standby.
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
my $replayed = sub { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')) };
$replayed->();
is(visible($standby, $parent_token), '1 2 3 4', 'standby: the parent');
is(visible($standby, $child_token), '1 2', 'standby: a derived session');
my ($late, $late_token) = opened("derive_session('{more}', parent => '$parent')");
$replayed->();
is(visible($standby, $late_token), '1 2 3 4', 'standby: one that is derived later');
my $open_parent = connection($standby, $parent_token);
my $open_child = connection($standby, $child_token);
my $open_grandchild = connection($standby, $grandchild_token);
is(seen($open_parent), '1 2 3 4', 'standby: before a rotation');
my $new_token = rotated($parent);
$replayed->();
is(seen($open_parent), $invalid, 'standby: the replaced token');
is(visible($standby, $parent_token), $invalid, 'standby: the replaced token, attached again');
is(visible($standby, $new_token), '1 2 3 4', 'standby: the new one');
is(seen($open_child), '1 2', 'standby: what is derived from it goes on');
for my $sql ('SELECT spsa_rotate_token()', "SELECT spsa_derive_session('{}')", 'SELECT spsa_close_session()')
{
	my ($ret, $out, $err) = $standby->psql('postgres', "SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$new_token');\n\\set VERBOSITY sqlstate\n$sql", on_error_stop => 0);
	like($err, qr/ERROR:  25006$/m, "standby: fails cleanly: $sql");
}
is(visible($standby, $new_token), '1 2 3 4', 'standby: and changes nothing');
is(seen($open_grandchild), '1 2', 'standby: a grandchild');
$primary->safe_psql('postgres', "SELECT spsa_close_session('$child')");
$replayed->();
is(seen($open_child), $invalid, 'standby: closed');
is(seen($open_grandchild), $invalid, 'standby: what is derived from it');
is(visible($standby, $late_token), '1 2 3 4', 'standby: its sibling goes on');
$_->quit for $open_parent, $open_child, $open_grandchild;
$standby->stop;

# Crash: a rotation that was committed stays, one that was not has left the token as it was.
my $last_token = rotated($parent);
my $lost = $primary->background_psql('postgres');
my $lost_token = $lost->query_safe("BEGIN; SELECT spsa_rotate_token('$parent')");
my ($gone, $gone_token) = split /\|/, $lost->query_safe("SELECT session_id, token FROM spsa_derive_session('{base}', parent => '$parent')");
$primary->safe_psql('postgres', 'SELECT txid_current()');
$primary->stop('immediate');
eval { $lost->quit };
$primary->start;
is(visible($primary, $last_token), '1 2 3 4', 'a committed rotation survives a crash');
is(visible($primary, $lost_token), $invalid, 'an uncommitted one does not');
is(visible($primary, $gone_token), $invalid, 'nor does what was being derived');
is(visible($primary, $new_token), $invalid, 'what was replaced stays replaced');
is(visible($primary, $late_token), '1 2 3 4', 'and what was derived, derived');
$primary->safe_psql('postgres', "INSERT INTO spsa.session_end (session_id) VALUES ('$parent')");
is(visible($primary, $late_token), $invalid, 'until its parent is over');

# The cause of a refusal is in the log, and no token: neither those that were returned nor those that were sent.
my $log = slurp_file($primary->logfile);
like($log, qr/spsa refused to attach: the token was replaced/, 'log: replaced');
like($log, qr/spsa refused to attach: the session or one it is derived from was closed/, 'log: the parent is over');
my @shown = grep { index($log, substr $_, 15, 12) >= 0 } $parent_token, $child_token, $grandchild_token, $late_token, $new_token, $last_token, $lost_token, $gone_token;
is(scalar @shown, 0, 'log: no token');

$primary->stop;
done_testing();
