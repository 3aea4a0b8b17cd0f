# Logical replication of the tables of spsa to a second server: the same token works there, changes are heard there, and the
# history verifies there with heads of the first. What has to be done for it is what OPERATIONS.md says.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $page = slurp_file('docs/OPERATIONS.md') =~ s/.*^## Logical replication$//smr =~ s/^## .*//smr;
my ($on_second, $on_first, $subscribe) = $page =~ /^```sql\n-- not run: needs two servers; on the (?:second|first)[^\n]*\n(.*?)^```/msg;
ok(defined $subscribe, 'OPERATIONS.md has three blocks of commands') or BAIL_OUT('no commands');

my $objects = q{
	CREATE TABLE account AS SELECT i AS id, 'r' || i AS region, 10 * i AS salary FROM generate_series(1, 4) i;
	CREATE FUNCTION secret() RETURNS integer LANGUAGE sql AS 'SELECT 9';
	GRANT SELECT ON account TO regress_spsa_app; };
my $protect = q{SELECT spsa_protect('account', '{region}'), spsa_protect_field('account', 'salary'), spsa_protect_function('secret()')};
my ($first, $second) = map { PostgreSQL::Test::Cluster->new($_) } qw(first second);
$first->init(allows_streaming => 'logical');
$second->init;
for my $node ($first, $second)
{
	$node->append_conf('postgresql.conf', "client_min_messages = warning\nmax_connections = 30\nshared_preload_libraries = spsa\n");
	$node->start;
	$node->safe_psql('postgres', "CREATE ROLE regress_spsa_app LOGIN; $objects");
}
$first->safe_psql('postgres', qq{
	CREATE EXTENSION spsa;
	$protect;
	SELECT spsa_create_user('ann'), spsa_create_user('bob'), spsa_create_permission_set('base'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('base', 'account', '{read}'), spsa_grant_rows('base', 'account', 'region', '{r1,r2}'), spsa_grant_object('gated', 'account', '{read}'),
		spsa_grant_field('gated', 'account', 'salary', '{read}'), spsa_grant_function('gated', 'secret()');
	SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'gated'), spsa_assign('bob', 'base'); });

sub opened
{
	my ($user, $more) = @_;
	return split /\|/, $first->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('$user', db_role => NULL" . ($more // '') . ')');
}
my ($session, $token) = opened('ann');
my ($closed, $closed_token) = opened('ann');
$first->safe_psql('postgres', "SELECT spsa_activate('$session', 'gated'); SELECT spsa_close_session('$closed')");

# The page's commands.
$second->safe_psql('postgres', "$on_second; $protect");
$first->safe_psql('postgres', $on_first);
my $conninfo = $first->connstr('postgres') =~ s/'/''/gr;
$subscribe =~ s/CONNECTION '.*?'/CONNECTION '$conninfo'/ or die 'no connection in the commands';
$second->safe_psql('postgres', $subscribe);
$second->wait_for_subscription_sync($first, 'spsa');
my $applied = sub { $first->wait_for_catchup('spsa', 'replay', $first->lsn('insert')) };

my $rows = "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM account";
sub connection
{
	my ($token, $mode) = @_;
	my $psql = $second->background_psql('postgres', on_error_stop => 0);
	$psql->query_safe("SET SESSION AUTHORIZATION regress_spsa_app; SET plan_cache_mode = $mode; PREPARE seen AS $rows; SELECT FROM spsa_attach_connection('$token')");
	return $psql;
}
sub answer
{
	my ($psql, $sql) = @_;
	$psql->{stderr} = '';
	my $out = $psql->query($sql);
	return $psql->{stderr} =~ /ERROR:\s+(.*)/ ? $1 : $out;
}
sub seen { return answer($_[0], 'EXECUTE seen'); }
sub fresh
{
	my ($token, $sql) = @_;
	my ($ret, $out, $err) = $second->psql('postgres', "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); $sql", on_error_stop => 1);
	return $ret == 0 ? $out : $err =~ /ERROR:\s+(.*)/ ? $1 : $err;
}

# What was there is copied.
is(fresh($token, $rows), '1 2 3 4', 'the same token, with its active set');
is(fresh($token, 'SELECT sum(salary), secret() FROM account'), '100|9', 'fields and functions, too');
like(fresh($closed_token, $rows), qr/session is not valid/, 'a closed session is closed');
is($second->safe_psql('postgres', 'SELECT count(*) FROM spsa.custom_permission'), $first->safe_psql('postgres', 'SELECT count(*) FROM spsa.custom_permission'), 'the custom permissions that are built in');

# Each change of the first server, and what connections to the second that are open all the time see then.
my ($other, $other_token) = opened('bob');
$applied->();
my @ann = map { connection($token, $_) } qw(force_generic_plan force_custom_plan);
my $bob = connection($other_token, 'auto');
my $over = 'session is not valid';
for my $step (["spsa_deactivate('$session', 'gated')", '1 2', '1 2', 'deactivated'], ["spsa_activate('$session', 'gated')", '1 2 3 4', '1 2', 'activated'],
	["spsa_revoke_assignment('ann', 'gated')", '1 2', '1 2', 'assignment taken away'],
	["spsa_grant_rows('base', 'account', 'region', '{r3}')", '1 2 3', '1 2 3', 'scope added'],
	["spsa_revoke_rows('base', 'account', 'region')", 'none', 'none', 'scopes taken away'],
	["spsa_grant_rows('base', 'account', 'region', '{r4}')", '4', '4', 'another scope'],
	["spsa_revoke_object('base', 'account')", 'none', 'none', 'grant taken away'],
	["spsa_grant_object('base', 'account', '{read}')", '1 2 3 4', '1 2 3 4', 'granted'],
	["spsa_set_activation_required('base', true)", 'none', 'none', 'activation required'],
	["spsa_activate('$session', 'base')", '1 2 3 4', 'none', 'activated'],
	["TRUNCATE spsa.activation", 'none', 'none', 'TRUNCATE'],
	["spsa_set_activation_required('base', false)", '1 2 3 4', '1 2 3 4', 'not required any more'],
	["spsa_disable_user('bob')", '1 2 3 4', $over, 'user disabled'],
	["spsa_close_session('$session')", $over, $over, 'closed'])
{
	my ($call, $for_ann, $for_bob, $name) = @$step;
	$first->safe_psql('postgres', $call =~ /^spsa/ ? "SELECT $call" : $call);
	$applied->();
	is(seen($_), $for_ann, "$name: ann") for @ann;
	is(seen($bob), $for_bob, "$name: bob");
}
$_->quit for @ann, $bob;

# Acknowledged when it is applied: nothing is waited for in between.
($session, $token) = opened('ann');
$first->safe_psql('postgres', "SELECT spsa_revoke_object('base', 'account'); SELECT spsa_assign('ann', 'gated')");
$applied->();
$first->append_conf('postgresql.conf', "synchronous_standby_names = 'spsa'\nsynchronous_commit = remote_apply\n");
$first->reload;
$first->poll_query_until('postgres', "SELECT sync_state = 'sync' FROM pg_stat_replication") or die 'timed out';
my $reader = connection($token, 'force_generic_plan');
my $writer = $first->background_psql('postgres');
my %wrong;
for my $i (1 .. 10)
{
	for (['activate', '1 2 3 4'], ['deactivate', 'none'])
	{
		$writer->query_safe("SELECT spsa_$_->[0]('$session', 'gated')");
		my $seen = seen($reader);
		$wrong{"$i: $_->[0]"} = $seen if $seen ne $_->[1];
	}
}
is_deeply(\%wrong, {}, 'remote_apply: acknowledged, and in effect on the second server');
$_->quit for $reader, $writer;
$first->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
$first->reload;
$first->safe_psql('postgres', "SELECT spsa_grant_object('base', 'account', '{read}'); SELECT spsa_revoke_assignment('ann', 'gated')");
($session, $token) = opened('ann', ", idle_timeout => '1 hour'");
my $rotated = $first->safe_psql('postgres', "SELECT spsa_rotate_token('$session')");
$applied->();
like(fresh($token, $rows), qr/$over/, 'a token that was replaced');
is(fresh($rotated, $rows), '1 2 3 4', 'the one that replaced it');
is(fresh($rotated, 'SELECT secret()'), 'permission denied to call public.secret()', 'a function that is not granted');
is($second->safe_psql('postgres', "SELECT string_agg(tgrelid::regclass || ' ' || tgname, ', ') FROM pg_trigger WHERE tgname ~ '^signal|^chain' AND tgenabled <> 'A'"), '', 'all signals are sent by replication, too');

# History.
my $head = $first->safe_psql('postgres', 'SELECT spsa_audit_head()');
$applied->();
is($second->safe_psql('postgres', "SELECT * FROM spsa_verify_audit('$head')"), '', 'the history verifies on the second server with a head of the first');
$second->safe_psql('postgres', "CREATE TABLE local (id integer); SELECT spsa_protect('local')");
is($second->safe_psql('postgres', "SELECT * FROM spsa_verify_audit('$head'); SELECT * FROM spsa_verify_audit()"), '', 'also when that writes events of its own');
$first->safe_psql('postgres', 'SELECT spsa_create_user($$eve$$)');
$applied->();
is($second->safe_psql('postgres', "SELECT count(*) FROM spsa.app_user WHERE user_name = 'eve'"), '1', 'whose numbers do not meet those of the first');
$second->safe_psql('postgres', "DELETE FROM spsa.audit_event WHERE event = 'deactivate'");
like($second->safe_psql('postgres', "SELECT problem FROM spsa_verify_audit('$head')"), qr/missing/, 'what is removed there shows there');
is($first->safe_psql('postgres', "SELECT * FROM spsa_verify_audit('$head')"), '', 'and is on the first');

# What is purged is purged on both.
$first->safe_psql('postgres', 'SELECT spsa_close_session(session_id) FROM spsa.session');
cmp_ok($first->safe_psql('postgres', 'SELECT spsa_purge()'), '>', 0, 'tables without a key can be purged while they are published');
$applied->();
is($second->safe_psql('postgres', "SELECT count(*) FROM spsa.$_"), '0', "$_ is purged on the second") for qw(session session_end session_token session_activity activation activation_end);

# Columns of other numbers than on the first server: what is granted by field denies rather than meaning another column.
($session, $token) = opened('ann');
$first->safe_psql('postgres', "SELECT spsa_assign('ann', 'gated'); SELECT spsa_activate('$session', 'gated')");
$applied->();
is(fresh($token, 'SELECT sum(salary) FROM account'), '100', 'columns of the same numbers');
$second->safe_psql('postgres', 'ALTER TABLE account ADD COLUMN more integer, ADD COLUMN kept integer; CREATE TABLE copy (gone integer, id integer, region text, salary integer);
	SELECT spsa_unprotect($$account$$); DROP TABLE account; ALTER TABLE copy RENAME TO account; INSERT INTO account SELECT 0, i, $$r$$ || i, 10 * i FROM generate_series(1, 4) i;
	ALTER TABLE account DROP COLUMN gone; GRANT SELECT ON account TO regress_spsa_app');
$second->safe_psql('postgres', q{SELECT spsa_protect('account', '{region}'), spsa_protect_field('account', 'salary'), spsa_protect_field('account', 'region')});
is(fresh($token, 'SELECT sum(salary) FROM account'), 'permission denied to read field "salary" of "account"', 'a table that was made anew there: nothing is granted on it');
$first->safe_psql('postgres', "SELECT spsa_revoke_object('gated', 'account'), spsa_revoke_field('gated', 'account', 'salary'); SELECT spsa_revoke_object('base', 'account'); SELECT spsa_grant_object('gated', 'account', '{read}'), spsa_grant_field('gated', 'account', 'salary', '{read}')");
$applied->();
is(fresh($token, $rows), '1 2 3 4', 'granted anew');
is($second->safe_psql('postgres', "SELECT attname FROM pg_attribute WHERE attrelid = 'account'::regclass AND attnum = (SELECT field_number FROM spsa.field_permission)"), 'region', 'the number of another column');
is(fresh($token, 'SELECT max(region) FROM account'), 'permission denied to read field "region" of "account"', 'which is not granted');
is(fresh($token, 'SELECT sum(salary) FROM account'), 'permission denied to read field "salary" of "account"', 'but for the field, which has another number there');

done_testing();
