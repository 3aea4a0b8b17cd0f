# What clients are told: the NOTICE of an activation, the WARNING of an attach that ends at once, and NOTIFY.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('notice');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	SELECT spsa_create_user('ann');
	SELECT spsa_create_permission_set('plain'), spsa_create_permission_set('gated', activation_required => true), spsa_create_permission_set('other');
	SELECT spsa_assign('ann', 'plain'), spsa_assign('ann', 'gated'); });
my ($session, $token, $ends) = split /\|/, $node->safe_psql('postgres', "SELECT * FROM spsa_open_session('ann', '2 hours', db_role => NULL)");

# stdout and stderr of statements that an ordinary role sends one by one, attached, in one connection.
sub run
{
	my ($sql, %how) = @_;
	my $attach = $how{detached} ? '' : "SELECT FROM spsa_attach_connection('$token');\n";
	my ($ret, $out, $err) = $node->psql('postgres', "SET ROLE regress_spsa_app;\n$attach\\set VERBOSITY verbose\n$sql", on_error_stop => 0);
	return ($out, $err =~ s/^psql:<stdin>:\d+: |^LOCATION:.*\n?//gmr =~ s/\n\z//r);
}

my ($out, $err) = run("SELECT expires_at FROM spsa_activate_own('gated', '1 hour')");
like($err, qr/\ANOTICE:  00000: permission set "gated" is active until \Q$out\E\z/, 'activation says until when');
is($node->safe_psql('postgres', "SELECT expires_at = '$out' FROM spsa.activation"), 't', 'and that is the truth');
($out, $err) = run("SELECT expires_at, already_active FROM spsa_activate_own('gated', '10 minutes')");
like($err, qr/\ANOTICE:  00000: permission set "gated" is already active until (.*)\z/, 'already active: says so');
is($out, ($err =~ /until (.*)/)[0] . '|t', 'with the end that it has');
($out, $err) = run("SET timezone = 'Asia/Tokyo'; SELECT expires_at FROM spsa_activate_own('gated', '5 hours')");
like($err, qr/until \Q$out\E\z/, 'in the time zone of the client');
is($node->safe_psql('postgres', "SELECT expires_at = '$ends' AND expires_at = '$out' FROM spsa.activation"), 't', 'a duration ends with the session');
($out, $err) = run("SELECT already_active FROM spsa_activate_own('plain')");
like($err, qr/\ANOTICE:  00000: permission set "plain" needs no activation\z/, 'needs none');
is($out, 't', 'and is active already');
($out, $err) = run("SELECT spsa_deactivate_own('plain')");
like($err, qr/NOTICE:  00000: permission set "plain" needs no activation and stays in effect/, 'nor can it be deactivated');
is($out, 'f', 'which is told');
($out, $err) = run("SELECT spsa_deactivate_own('gated')");
is("$out $err", 't ', 'deactivated');
($out, $err) = run("SELECT spsa_deactivate_own('gated')");
like("$out $err", qr/\Af NOTICE:  00000: permission set "gated" is not active/, 'deactivated again');
($out, $err) = run("SELECT spsa_activate_own('other')");
like($err, qr/\AERROR:  42501: permission set "other" must be assigned to the user before it can be activated\nHINT:/, 'not assigned');
($out, $err) = run("SET client_min_messages = warning; SELECT already_active FROM spsa_activate_own('gated')");
is("$out $err", 'f ', 'the notice can be switched off');
run("SELECT spsa_deactivate_own('gated')");

# spsa_attach() outside of a transaction block.
my $warning = qr/WARNING:  25P01: spsa_attach\(\) can only be used in transaction blocks\nHINT:/;
for my $case (["SELECT FROM spsa_attach('$token')", 1], ["SELECT spsa_attach('$token') IS NULL", 1],
	["SELECT FROM spsa_attach('$token') \\; SELECT spsa_user_name()", 0], ["BEGIN; SELECT FROM spsa_attach('$token'); COMMIT", 0],
	["SELECT FROM spsa_attach_connection('$token')", 0],
	["DO \$\$ BEGIN PERFORM spsa_attach('$token'); END \$\$", 0])
{
	my ($sql, $warns) = @$case;
	($out, $err) = run($sql, detached => 1);
	my $name = $sql =~ s/\Q$token\E/TOKEN/r;
	$warns ? like($err, $warning, "warning: $name") : unlike($err, $warning, "no warning: $name");
}
($out, $err) = run("SELECT FROM spsa_attach('$token');\nSELECT spsa_user_name() IS NULL", detached => 1);
is($out, 't', 'and it has no effect on the next statement');

# NOTIFY: the event's number and nothing else, when it is on, at commit.
sub notifications
{
	my ($sql) = @_;
	my ($ret, $all) = $node->psql('postgres', "LISTEN spsa; $sql");
	return join ' ', $all =~ /Asynchronous notification "spsa" with payload "([^"]*)"/g;
}
my $last = sub { $node->safe_psql('postgres', "SELECT string_agg(event_id::text, ' ' ORDER BY event_id) FROM (SELECT * FROM spsa.audit_event ORDER BY event_id DESC LIMIT $_[0]) e") };
my $on = 'SET spsa.notify_events = on;';
is(notifications("SELECT spsa_activate('$session', 'gated')"), '', 'off: nothing');
is(notifications("$on SELECT spsa_deactivate('$session', 'gated')"), $last->(1), 'on: deactivated');
is(notifications("$on BEGIN; SELECT spsa_activate('$session', 'gated'); ROLLBACK; SELECT 1"), '', 'on: nothing of what is rolled back');
is(notifications("$on BEGIN; SAVEPOINT s; SELECT spsa_activate('$session', 'gated'); ROLLBACK TO s; SELECT spsa_assign('ann', 'other'); COMMIT"), $last->(1), 'on: nor to a savepoint');
is(notifications("$on BEGIN; SELECT spsa_activate('$session', 'gated'); SELECT spsa_create_user('bob'); COMMIT"), $last->(2), 'on: two events');
is(notifications("$on SELECT spsa_close_session('$session')"), $last->(1), 'on: closed');
($out, $err) = run('SELECT spsa_user_name(); SET spsa.notify_events = on', detached => 1);
like($err, qr/ERROR:  42501: permission denied to set parameter "spsa.notify_events"/, 'for superusers');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->restart;
($out, $err) = run("RESET ROLE; $on BEGIN; SELECT spsa_create_user('eve'); PREPARE TRANSACTION 'a'", detached => 1);
like($err, qr/ERROR:  0A000: cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/, 'on: no two-phase commit');
($out, $err) = run("RESET ROLE; BEGIN; SELECT spsa_create_user('eve'); PREPARE TRANSACTION 'a'; COMMIT PREPARED 'a'", detached => 1);
is($err, '', 'off: two-phase commit');

done_testing();
