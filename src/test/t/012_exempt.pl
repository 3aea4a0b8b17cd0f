# What needs other programs, or a server of its own, to get past row-level security: a backend without the library,
# pg_dump and pg_restore, logical decoding. By ordinary roles, without the privilege that it needs and with it.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('exempt');
$node->init(allows_streaming => 'logical');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_owner LOGIN;
	CREATE ROLE regress_spsa_clerk LOGIN;
	CREATE ROLE regress_spsa_stream LOGIN REPLICATION;
	CREATE SCHEMA crm AUTHORIZATION regress_spsa_owner;
	GRANT USAGE ON SCHEMA crm TO regress_spsa_clerk;
	GRANT EXECUTE ON FUNCTION spsa_protect, spsa_unprotect TO regress_spsa_owner;
	SET ROLE regress_spsa_owner;
	CREATE TABLE crm.account (id int PRIMARY KEY, region text);
	INSERT INTO crm.account VALUES (1, 'EU'), (2, 'secretland');
	GRANT SELECT, TRUNCATE ON crm.account TO regress_spsa_clerk;
	SELECT spsa_protect('crm.account', '{region}');
	RESET ROLE;
	SELECT spsa_create_user('ann'), spsa_create_user('own', db_role => 'regress_spsa_clerk'), spsa_create_permission_set('europe'), spsa_create_permission_set('sweeper');
	SELECT spsa_grant_object('europe', 'crm.account', '{read}', true), spsa_grant_rows('europe', 'crm.account', 'region', '{EU}'),
		spsa_grant_object('sweeper', 'crm.account', '{read,edit,delete}');
	SELECT spsa_assign('own', 'europe'); });

sub as
{
	my ($role, $sql, @options) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql, connstr => $node->connstr('postgres') . " user=$role", @options);
	return wantarray ? ($out, $err) : $out;
}

# Nothing has loaded the library in these backends before.
my ($out, $err) = as('regress_spsa_clerk', 'TRUNCATE crm.account');
like($err, qr/permission denied to truncate "account"/, 'a backend without the library: TRUNCATE is refused');
($out, $err) = as('regress_spsa_owner', 'TRUNCATE crm.account');
like($err, qr/permission denied to truncate "account"/, '... to the owner, too');
is($node->safe_psql('postgres', 'SELECT count(*) FROM crm.account'), '2', 'nothing is gone');
$node->safe_psql('postgres', q{SELECT spsa_assign('own', 'sweeper')});
is(scalar as('regress_spsa_clerk', 'SET client_min_messages = error; SELECT count(spsa_open_own_session()); BEGIN; TRUNCATE crm.account; SELECT count(*) FROM crm.account; ROLLBACK'),
	"1\n0", 'allowed where delete is granted on all rows');
$node->safe_psql('postgres', q{SELECT spsa_revoke_assignment('own', 'sweeper')});
($out, $err) = as('regress_spsa_clerk', 'SET client_min_messages = error; SELECT count(spsa_open_own_session()), count(*) FROM crm.account; TRUNCATE crm.account');
like($err, qr/permission denied to truncate/, 'and not where it is granted on some');

# pg_dump refuses to leave rows out unless told to.
my $dir = $node->basedir;
my @dump = ('pg_dump', '-t', 'crm.account', '-a', '-d', $node->connstr('postgres') . ' user=regress_spsa_clerk');
$node->command_fails_like(\@dump, qr/would be affected by row-level security policy/, 'pg_dump as an ordinary role is refused');
$node->command_ok([ @dump, '--enable-row-security', '-f', "$dir/rows.sql" ], 'pg_dump --enable-row-security');
unlike(slurp_file("$dir/rows.sql"), qr/\t(?:EU|secretland)/, 'has nothing: no session is attached');
$node->command_fails_like([ map { s/clerk/owner/r } @dump ], qr/would be affected by row-level security policy/, 'refused to the owner, too');
$node->command_ok([ map { s/ user=regress_spsa_clerk//r } @dump, '-f', "$dir/all.sql" ], 'pg_dump as a superuser');
like(slurp_file("$dir/all.sql"), qr/\tsecretland/, 'has everything');
$node->safe_psql('postgres', 'ALTER ROLE regress_spsa_clerk BYPASSRLS');
$node->command_ok([ @dump, '-f', "$dir/bypass.sql" ], 'pg_dump with BYPASSRLS');
like(slurp_file("$dir/bypass.sql"), qr/secretland/, 'has everything');
$node->safe_psql('postgres', 'ALTER ROLE regress_spsa_clerk NOBYPASSRLS');

# The trigger before TRUNCATE is restored as it was, and does not stand in the way of a restore in parallel, which
# truncates what it fills. (The order of these steps is that of docs/OPERATIONS.md.)
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", '-d', $node->connstr('postgres') ], 'dump of all');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
for my $step ([ '--section=pre-data' ], [ '--section=data', '-n', 'spsa' ], [ '--section=data', '-N', 'spsa', '-j2' ], [ '--section=post-data', '-j2' ])
{
	$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'), @$step, "$dir/dump" ], "restore: @$step");
}
is($node->safe_psql('restored', q{SELECT tgname, tgenabled, tgfoid::regproc, (SELECT count(*) FROM crm.account) FROM pg_trigger WHERE tgrelid = 'crm.account'::regclass AND NOT tgisinternal}),
	'spsa_truncate|A|spsa.before_truncate|2', 'the trigger and the rows');
($out, $err) = $node->psql('restored', 'TRUNCATE crm.account', connstr => $node->connstr('restored') . ' user=regress_spsa_clerk');
is($node->safe_psql('restored', 'SELECT count(*) FROM crm.account'), '2', 'which guards');
$node->safe_psql('restored', 'SELECT spsa_unprotect($$crm.account$$); TRUNCATE crm.account; SELECT spsa_protect($$crm.account$$, $${region}$$)');
is($node->safe_psql('restored', q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'crm.account'::regclass AND NOT tgisinternal}), '1', 'and can be replaced');

# Logical decoding knows no policies: it is for roles with REPLICATION.
like((as('regress_spsa_clerk', q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')}))[1],
	qr/must be superuser or replication role|permission denied to use replication slots/, 'a slot is refused to an ordinary role');
is(scalar as('regress_spsa_stream', q{SELECT slot_name FROM pg_create_logical_replication_slot('s', 'test_decoding')}), 's', 'allowed with REPLICATION');
$node->safe_psql('postgres', q{INSERT INTO crm.account VALUES (3, 'hiddenland')});
like((as('regress_spsa_clerk', q{SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL)}))[1],
	qr/must be superuser or replication role|permission denied to use replication slots/, 'changes are refused to an ordinary role');
like((as('regress_spsa_stream', 'SELECT count(*) FROM crm.account'))[1], qr/permission denied for schema crm/, 'the role with REPLICATION may not even select');
like(scalar as('regress_spsa_stream', q{SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL)}), qr/hiddenland/, 'and is shown every row that changes');
is($node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('s')}), '', 'the slot is gone');

done_testing();
