# Audit events say from where, in which session and with what in effect they were done; lines about refusals say who was refused.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('audit_origin');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'spsa'\nlisten_addresses = '127.0.0.1'\nlog_line_prefix = '[%p] '\n");
$node->append_conf('pg_hba.conf', "host all all 127.0.0.1/32 trust\n");
$node->start;
my $tcp = 'host=127.0.0.1 dbname=postgres port=' . $node->port;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE app LOGIN;
	CREATE ROLE mason LOGIN;
	GRANT CREATE ON SCHEMA public TO app, mason;
	CREATE TABLE doc (id integer, secret text);
	CREATE VIEW shown AS SELECT 1 AS id;
	CREATE FUNCTION pay() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
	GRANT ALL ON doc, shown TO app;
	SELECT spsa_protect('doc'), spsa_protect('shown'), spsa_protect_field('doc', 'secret'), spsa_protect_function('pay()');
	SELECT spsa_create_permission_set('work'), spsa_grant_object('work', 'doc', '{read}'),
		spsa_create_permission_set('payroll', activation_required => true),
		spsa_create_permission_set('night', activation_required => true), spsa_create_permission_set('else', activation_required => true),
		spsa_create_permission_set('nothing', activation_required => true),
		spsa_set_activation_rule('night', reason_required => true),
		spsa_create_permission_set('team', kind => 'group', activation_required => true);
	SELECT spsa_add_group_member('team', 'else'), spsa_create_user('ann'), spsa_create_user('bob');
	SELECT spsa_assign('ann', s) FROM unnest('{work,payroll,night,team}'::text[]) s; });

sub opened
{
	my ($user) = @_;
	return split /\|/, $node->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('$user', db_role => NULL)");
}

# Events since the last time: event, actor, whether the session is the attached one, address, application, what was in effect.
my $seen = 0;

sub events
{
	my ($attached) = @_;
	my $rows = $node->safe_psql('postgres', qq{
		SELECT event, actor, actor_session_id = '$attached', client_address, application_name,
			ARRAY(SELECT n FROM unnest(active_sets) n ORDER BY n) || CASE WHEN active_sets IS NULL THEN '{none}'::text[] END
		FROM spsa.audit_event WHERE event_id > $seen ORDER BY event_id});
	$seen = $node->safe_psql('postgres', 'SELECT max(event_id) FROM spsa.audit_event');
	return $rows;
}

my ($session, $token) = opened('ann');
events($session);

# The client's address and name, and what was in effect before each event: however the activation is written.
{
	local $ENV{PGAPPNAME} = 'payroll job';
	$node->psql('postgres', qq{
		SELECT spsa_attach_connection('$token');
		SELECT spsa_activate_own('payroll');
		SELECT spsa_deactivate_own('payroll');
		SELECT spsa_activate_own('payroll', '1 minute');
		SELECT spsa_activate_own('payroll', '1 hour');
		SELECT spsa_activate_own('team');
		SELECT spsa_deactivate_all();}, connstr => "$tcp user=app", on_error_stop => 1);
}
my $from = 'ann|t|127.0.0.1|payroll job|';
is(events($session), join("\n", "activate|$from\{work}", "deactivate|$from\{payroll,work}", "activate|$from\{work}", "activate|$from\{payroll,work}",
	"activate|$from\{payroll,work}", ("deactivate|$from\{payroll,team,work}") x 2), 'events of a session over TCP');

# Configuration; no address by a socket, and no token in the name.
{
	local $ENV{PGAPPNAME} = $token;
	$node->psql('postgres', qq{
		SELECT spsa_attach_connection('$token');
		SELECT spsa_assign('bob', 'work');
		SELECT spsa_detach();
		SELECT spsa_revoke_assignment('bob', 'work');}, on_error_stop => 1);
}
my $masked = '*' x length $token;
is(events($session), "assignment_insert|ann|t||$masked|{work}\nassignment_delete||||$masked|{none}", 'changes by an administrator, in a session and without');
# Whose own session ends is named.
my ($other, $other_token) = opened('bob');
events($other);
$node->psql('postgres', "SELECT spsa_attach_connection('$other_token'); SELECT spsa_close_user_sessions('bob')", on_error_stop => 1);
like(events($other), qr/\Asession_close\|bob\|t\|\|[^|]+\|\{\}\z/, 'one that ends the sessions of its own user');
is($node->safe_psql('postgres', q{SELECT count(*) FROM spsa_user_activity('ann') WHERE client_address = '127.0.0.1' AND 'payroll' = ANY (active_sets)
	AND application_name = 'payroll job' AND actor_session_id IS NOT NULL}), '5', 'spsa_user_activity() has it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM spsa_verify_audit()'), '0', 'all verifies');
my ($ret, $out, $err) = $node->psql('postgres', 'SELECT active_sets FROM spsa.audit_event', extra_params => [ '-U', 'app' ]);
like($err, qr/permission denied for table audit_event/, 'an ordinary role reads none of it');

# Refusals: what was refused, to whom. The client is not told more than before.
$node->safe_psql('postgres', q{
	CREATE FUNCTION act() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.spsa_open_own_session(); RETURN 1; END $$;
	ALTER FUNCTION act() OWNER TO app;
	CREATE FUNCTION holds(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
	CREATE TABLE top (id integer) PARTITION BY LIST (id);
	SELECT spsa_protect('top');
	CREATE TABLE middle (id integer) PARTITION BY LIST (id);
	CREATE TABLE below PARTITION OF middle DEFAULT;
	ALTER TABLE top OWNER TO mason;
	ALTER TABLE middle OWNER TO mason;
	ALTER TABLE below OWNER TO app;
	SELECT spsa_create_flow('morning');
	GRANT USAGE ON SCHEMA spsa TO app;
	GRANT SELECT, UPDATE ON spsa.flow TO app;
	GRANT EXECUTE ON FUNCTION spsa_grant_administration(regrole) TO app; });
my $who = qq{spsa user="ann" session=$session};
my $refused = 0;

sub refused
{
	my ($sql, $line, $detail, %how) = @_;
	my $offset = -s $node->logfile;
	my ($status, $result, $error) = $node->psql('postgres', ($how{token} ? "SELECT spsa_attach_connection('$how{token}');\n" : '') . $sql,
		on_error_stop => 1, extra_params => [ '-U', $how{role} // 'app' ]);
	my $log = substr(slurp_file($node->logfile), $offset);
	isnt($status, 0, "fails: $sql");
	unlike($error, qr/spsa user|session=|spsa refused/, 'the client learns nothing of it');
	like($log, qr/^\[\d+\] LOG:  spsa refused to \Q$line\E[^\n]*\n@{[ $detail ? qr{\[\d+\] DETAIL:  \Q$detail\E\n} : qr{(?!\[\d+\] DETAIL:  spsa)} ]}/m, "logged: $line")
	  or diag($log);
	unlike($log, qr/\Q$token\E/, 'without the token') if $how{token};
	return;
}

my @attached = (token => $token);
refused('SELECT * FROM shown', 'read: no effective permission set grants "read" on "shown"', $who, @attached);
refused('SELECT secret FROM doc', 'read: no effective permission set grants "read" on field "secret" of "doc"', $who, @attached);
refused('DELETE FROM doc', 'write: no effective permission set grants "delete" on "doc"', $who, @attached);
refused('TRUNCATE doc', 'truncate: no effective permission set grants "delete" on all rows of "doc"', $who, @attached);
refused('SELECT pay()', 'call a function: no effective permission set grants public.pay()', $who, @attached);
refused("SELECT spsa_activate_own('nothing')", 'activate: permission set "nothing" is not assigned', $who, @attached);
refused("SELECT spsa_activate_own('else')", 'activate: group "team" of permission set "else" is not active', $who, @attached);
refused("SELECT spsa_activate_own('night')", 'activate: the activation rule of permission set "night" is not met: reason', $who, @attached);
refused("SELECT spsa_run_flow('morning')", 'run a flow: flow "morning" is not allowed in the session', $who, @attached);
refused("SELECT spsa_grant_administration('app')", 'hand over the administration: the database role is not the owner', $who, @attached);
refused("UPDATE spsa.flow SET criterion = 'holds(uuid)'", 'choose the criterion of a flow: the database role is not the owner', $who, @attached);
refused('CREATE TEMP TABLE t (id integer); INSERT INTO t VALUES (1); CREATE INDEX ON t (act()); ANALYZE t',
	"open or attach a session: a maintenance command runs code of a table's owner", $who, @attached);
refused('SELECT pay()', 'call a function: no effective permission set grants public.pay()', undef);
refused('ALTER TABLE top ATTACH PARTITION middle DEFAULT', qq{protect: "below", below "top", is not the database role's}, $who, @attached, role => 'mason');
# Whose token was refused.
$node->safe_psql('postgres', "SELECT spsa_close_session('$session')");
refused("SELECT spsa_attach('$token')", 'attach: the session was closed', $who);
refused("SELECT spsa_attach('spsa_no')", 'attach: the token is malformed', undef);
$node->stop;
done_testing();
