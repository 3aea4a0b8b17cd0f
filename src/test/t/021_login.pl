# The event trigger of docs/OPERATIONS.md that opens a session at login: who gets one, and that a login without one is a login.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('login');
$node->init(allows_streaming => 1);
$node->start;
plan skip_all => 'no login event triggers before PostgreSQL 17' if $node->safe_psql('postgres', 'SHOW server_version_num') < 170000;

# As the page has it, for users of ours.
my ($trigger) = slurp_file('docs/OPERATIONS.md') =~ /^(CREATE FUNCTION open_session_at_login.*?^CREATE EVENT TRIGGER [^;]*;)/ms
  or die 'docs/OPERATIONS.md has no such trigger';
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE staff;
	CREATE ROLE ann LOGIN IN ROLE staff;
	CREATE ROLE ben LOGIN IN ROLE staff;
	CREATE ROLE stranger LOGIN IN ROLE staff;
	CREATE ROLE app LOGIN;
	CREATE ROLE boss LOGIN SUPERUSER;
	CREATE TABLE account AS SELECT i AS id FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO staff, app;
	SELECT spsa_protect('account');
	SELECT spsa_create_user('ann', db_role => 'ann'), spsa_create_user('ben', db_role => 'ben');
	SELECT spsa_create_user('app', db_role => 'app'), spsa_create_user('boss', db_role => 'boss');
	SELECT spsa_create_permission_set('base'), spsa_grant_object('base', 'account', '{read}');
	SELECT spsa_assign(u, 'base') FROM unnest('{ann,app}'::text[]) u; });

my $seen = "SELECT coalesce(spsa_user_name(), 'none'), (SELECT count(*) FROM account)";

# What a role sees in a connection of its own, and the messages.
sub login
{
	my ($role, %how) = @_;
	my $server = $how{node} // $node;
	local $ENV{PGOPTIONS} = $how{options} // '';
	my ($ret, $out, $err) = $server->psql('postgres', $how{sql} // $seen, extra_params => [ '-U', $role ]);
	return ($ret == 0 ? $out : "failed: $err", $err);
}

# Its sessions.
sub sessions { return $node->safe_psql('postgres', "SELECT count(*) FROM spsa.session JOIN spsa.app_user USING (user_id) WHERE user_name = '$_[0]'"); }

my ($out, $err) = login('ann');
is($out, 'none|0', 'without the trigger there is no session');
$node->safe_psql('postgres', $trigger);

($out, $err) = login('ann');
is($out, 'ann|4', 'a member of staff has a session, and sees what it grants');
is($err, '', 'without a word');
is((login('ben'))[0], 'ben|0', 'another one has its own, which grants nothing');
is((login('ann', sql => "$seen; DISCARD ALL; $seen"))[0], "ann|4\nnone|0", 'DISCARD ALL ends it');
is((login('ann', sql => "BEGIN; ROLLBACK; $seen"))[0], 'ann|4', 'ROLLBACK does not');
is((login('app'))[0], 'none|0', 'a user who is not staff has none');
is(sessions('app'), 0, 'and none was opened');
is((login('boss', sql => "SELECT spsa_user_name() IS NULL"))[0], 't', 'a superuser has none');

# Whatever fails, the login does not, and nothing is seen.
($out, $err) = login('stranger');
is($out, 'none|0', 'a role that is no user of spsa logs in');
like($err, qr/WARNING:  no session was opened: database role "stranger" is not the role of an active user/, 'and is told');
$node->safe_psql('postgres', "SELECT spsa_disable_user('ann')");
($out, $err) = login('ann');
is($out, 'none|0', 'a user who was disabled logs in, and sees nothing');
like($err, qr/WARNING:  no session was opened: /, 'and is told');
$node->safe_psql('postgres', "SELECT spsa_enable_user('ann'); ALTER ROLE ann SET spsa.session_limit = 1");
my $psql = $node->background_psql('postgres', extra_params => [ '-U', 'ann' ], on_error_stop => 0);
is($psql->query($seen), 'ann|4', 'the one session that the limit allows');
($out, $err) = login('ann');
is($out, 'none|0', 'above the limit: logs in, and sees nothing');
like($err, qr/WARNING:  no session was opened: .*session/, 'and is told');
is($psql->query($seen), 'ann|4', 'the first one goes on');
$node->safe_psql('postgres', "ALTER ROLE ann SET spsa.session_limit_action = end_oldest");
is((login('ann'))[0], 'ann|4', 'where the oldest is ended: a new session');
$psql->query($seen);
like($psql->{stderr}, qr/session is not valid/, 'and the first one is over');
$psql->quit;
$node->safe_psql('postgres', "ALTER ROLE ann RESET ALL");

my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE spsa.session');
($out, $err) = login('ann', sql => 'SELECT 1');
is($out, '1', 'while the table of sessions is locked: logs in');
like($err, qr/WARNING:  no session was opened: canceling statement due to lock timeout/, 'and is told');
$locker->query_safe('ROLLBACK');
$locker->quit;
is((login('ann'))[0], 'ann|4', 'a session again');

$node->safe_psql('postgres', 'ALTER ROLE ann SET spsa.require_local_attach = on');
is((login('ann'))[0], 'none|0', 'where every binding ends with its transaction, nothing is left of that of the login');
$node->safe_psql('postgres', 'ALTER ROLE ann RESET ALL');

# On a standby nobody has one.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_replay_catchup($standby);
($out, $err) = login('ann', node => $standby);
is($out, 'none|0', 'on a standby: logs in, and sees nothing');
is($err, '', 'without a word');
$standby->stop;

# The way in for who has broken it.
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION open_session_at_login() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$broken$$; END'});
like((login('ann'))[0], qr/^failed: .*broken/s, 'a trigger that fails keeps people out');
like((login('boss', sql => 'SELECT 1'))[0], qr/^failed: .*broken/s, 'superusers too');
like((login('ann', options => '-c event_triggers=off'))[0], qr/^failed: .*permission denied to set parameter "event_triggers"/s, 'nobody else can turn it off');
is((login('boss', options => '-c event_triggers=off', sql => 'DROP EVENT TRIGGER open_session_at_login; SELECT 1'))[0], '1', 'a superuser can, and drops it');
is((login('ann'))[0], 'none|0', 'people log in again');

done_testing();
