# A statement that is cancelled, wherever that hits it, leaves nothing half done: the rows of a change and their audit
# rows are there together or not at all, the caller's rights and search_path are the caller's, and what the session
# sees agrees with the tables.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('kill');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	CREATE TABLE account AS SELECT i AS id FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO regress_spsa_app;
	GRANT EXECUTE ON FUNCTION spsa_open_session TO regress_spsa_app;
	GRANT USAGE ON SCHEMA spsa TO regress_spsa_app;
	GRANT INSERT ON spsa.session_end TO regress_spsa_app;
	SELECT spsa_protect('account'), spsa_create_user('ann'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('gated', 'account', '{read}');
	SELECT spsa_assign('ann', 'gated');
	CREATE FUNCTION events(wanted text) RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.audit_event WHERE event = wanted';
	CREATE FUNCTION activations() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.activation';
	CREATE FUNCTION opened() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.session';
	CREATE FUNCTION closed() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.session_end';
	CREATE FUNCTION timed() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM spsa.session_activity'; });
my $token = $node->safe_psql('postgres', "SELECT token FROM spsa_open_session('ann', db_role => NULL)");

my $agree = "SELECT activations() = events('activate') - events('deactivate') AND opened() = events('session_open')
	AND closed() = events('session_close') AND timed() = events('session_open') - 1 AND (SELECT count(*) FROM account) = 4 * activations()
	AND current_user = 'regress_spsa_app' AND current_setting('search_path') = '\"\$user\", public'";

# Cancels the statement ever later: the sleep before it gets shorter, the timeout stays.
sub sweep
{
	my ($what, $after) = @_;
	my $script = "SET ROLE regress_spsa_app; SET client_min_messages = error; SELECT FROM spsa_attach_connection('$token');\n";
	my $timeout = 10;
	for my $early (map { $_ * 0.00004 } 1 .. 100)
	{
		my $sleep = sprintf '%.5f', $timeout / 1000 - $early;
		$script .= "SET statement_timeout = '${timeout}ms';\nDO \$\$ BEGIN PERFORM pg_sleep($sleep); PERFORM $what; END \$\$;\nRESET statement_timeout;\n"
		  . "$agree;\n" . ($after ? "DO \$\$ BEGIN PERFORM $after; END \$\$;\n$agree;\n" : '');
	}
	my ($ret, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
	my $cancelled = () = $err =~ /ERROR:  canceling statement due to statement timeout/g;
	my $errors = () = $err =~ /ERROR/g;
	note "$what: cancelled $cancelled times";
	is($errors, $cancelled, "$what: no other error") or diag($err);
	unlike($out, qr/^f$/m, "$what: tables, audit and the session agree");
	is(scalar(() = $out =~ /^t$/mg), $after ? 200 : 100, "$what: each time");
	ok($cancelled > 0 && $cancelled < 100, "$what: some are cancelled and some are not");
	return;
}
sweep("spsa_activate_own('gated')", "spsa_deactivate_all()");
sweep("spsa_deactivate_own('gated')", "spsa_activate_own('gated')");
sweep("spsa_open_session('ann', idle_timeout => '1 hour')");
sweep("spsa_close_session(s.session_id) FROM spsa_open_session('ann', idle_timeout => '1 hour') s");

# A backend that is terminated in the middle of a transaction.
my $psql = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $psql->query("SET client_min_messages = error; SELECT pg_backend_pid()");
$psql->query("SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); BEGIN");
$psql->query("SELECT spsa_deactivate_all()");
$psql->query("SELECT FROM spsa_activate_own('gated')");
$psql->query_until(qr/sent/, "\\echo sent\nSELECT spsa_close_session(), pg_sleep(600);\n");
$node->poll_query_until('postgres', "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $pid") or die 'timed out';
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
eval { $psql->quit };
is($node->safe_psql('postgres', "SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); $agree"), 't', 'terminated: tables, audit and the session agree');

done_testing();
