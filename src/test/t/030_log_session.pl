# spsa.log_session: user and session are on every line of the log, for the log alone, and nothing forges them.

use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('log_session');
$node->init;
chomp(my $library = `pg_config --pkglibdir`);
my $pgaudit = -e "$library/pgaudit.so" ? ', pgaudit' : '';
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'spsa$pgaudit'
logging_collector = on
log_destination = 'stderr,jsonlog'
log_rotation_age = 0
log_rotation_size = 0
log_statement = all
log_disconnections = on
spsa.log_session = on
});
$node->append_conf('postgresql.conf', "pgaudit.log = 'read, write'\n") if $pgaudit;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE app LOGIN;
	CREATE TABLE doc (id integer);
	INSERT INTO doc SELECT generate_series(1, 1000);
	GRANT SELECT ON doc TO app;
	SELECT spsa_protect('doc');
	SELECT spsa_create_permission_set('reader'), spsa_grant_object('reader', 'doc', '{read}');
	SELECT spsa_create_user('ann'), spsa_assign('ann', 'reader'), spsa_create_user('eve" session=\\ LOG:  forged'); });

# Entries of the JSON log whose message is like this; the collector writes later than the client is answered.
sub entries
{
	my ($like, $count, $application) = @_;
	my @found;
	for (1 .. 300)
	{
		@found = grep { $_->{message} =~ $like && (!$application || $_->{application_name} eq $application) }
		  map { my $entry = eval { decode_json($_) }; $entry ? $entry : () } map { split /\n/, slurp_file($_) } glob($node->data_dir . '/log/*.json');
		last if @found >= ($count // 1);
		select undef, undef, undef, 0.1;
	}
	return @found;
}

sub text_log
{
	return join '', map { slurp_file($_) } glob($node->data_dir . '/log/*.log');
}

sub opened
{
	my ($user, $more) = @_;
	return split /\|/, $node->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session($user, db_role => 'app'" . ($more // '') . ')');
}

my ($session, $token) = opened(q{'ann'}, q{, actor => 'bob'});
my ($ret, $out, $err);

# Who is attached is on the line, from the attach to the end of the transaction.
$node->psql('postgres', qq{
	SELECT 'before';
	BEGIN;
	SELECT spsa_attach('$token');
	SELECT 'within' FROM doc LIMIT 1;
	SAVEPOINT a;
	SELECT spsa_detach();
	SELECT 'detached';
	ROLLBACK TO a;
	SELECT 'again';
	COMMIT;
	SELECT 'after';
	SELECT spsa_attach_connection('$token');
	SELECT 'held';
	DISCARD ALL;
	SELECT 'discarded';}, extra_params => [ '-U', 'app' ]);
my $line = qq{spsa user="ann" session=$session actor="bob"};
for my $what (qw(within again held))
{
	is((entries(qr/^statement: SELECT '$what'/))[0]{detail}, $line, "$what: user and session");
}
for my $what (qw(before detached after discarded))
{
	is((entries(qr/^statement: SELECT '$what'/))[0]{detail}, undef, "$what: nothing");
}
like(text_log(), qr/LOG:  statement: SELECT 'within' FROM doc LIMIT 1;\n[^\n]*DETAIL:  \Q$line\E\n/, 'the text log says it as detail');

# What the client is sent is what it is sent without.
for my $setting (qw(on off))
{
	$node->safe_psql('postgres', "ALTER SYSTEM SET spsa.log_session = $setting; SELECT pg_reload_conf()");
	$node->poll_query_until('postgres', "SELECT current_setting('spsa.log_session') = '$setting'");
	($ret, $out, $err) = $node->psql('postgres', qq{SELECT spsa_attach_connection('$token');
		DO \$\$ BEGIN RAISE EXCEPTION '$setting: failed' USING DETAIL = 'its own'; END \$\$;
		DO \$\$ BEGIN RAISE EXCEPTION '$setting: plain'; END \$\$}, extra_params => [ '-U', 'app' ], on_error_stop => 0);
	like($err, qr/failed\nDETAIL:  its own\nCONTEXT/, "$setting: the client is sent the detail of its own");
	unlike($err, qr/spsa user|session=/, "$setting: and nothing about the session");
	is((entries(qr/^$setting: failed/))[0]{detail}, $setting eq 'on' ? "its own\n$line" : 'its own', "$setting: the log has both");
	is((entries(qr/^$setting: plain/))[0]{detail}, $setting eq 'on' ? $line : undef, "$setting: the log has it where there is no detail");
}
$node->safe_psql('postgres', 'ALTER SYSTEM SET spsa.log_session = on; SELECT pg_reload_conf()');
$node->poll_query_until('postgres', "SELECT current_setting('spsa.log_session') = 'on'");
($ret, $out, $err) = $node->psql('postgres', 'SET spsa.log_session = off', extra_params => [ '-U', 'app' ]);
like($err, qr/permission denied to set parameter "spsa.log_session"/, 'no user switches it off');

# A name cannot forge a line.
my ($other, $other_token) = opened(q{(SELECT user_name FROM spsa.app_user WHERE user_name LIKE 'eve%')});
$node->psql('postgres', "SELECT spsa_attach_connection('$other_token'); SELECT 'forged?'", extra_params => [ '-U', 'app' ]);
is((entries(qr/^statement: SELECT 'forged\?'/))[0]{detail}, qq{spsa user="eve\\" session=\\\\ LOG:  forged" session=$other}, 'the name is escaped');

# A session that ends is named where that is noticed; one that the backend has not looked up is not.
$node->safe_psql('postgres', "SELECT spsa_close_session('$other')");
$node->psql('postgres', "SET spsa.session_token = '$token'; SELECT 'not yet'; SELECT FROM doc LIMIT 1; SELECT 'now'", extra_params => [ '-U', 'app' ]);
is((entries(qr/^statement: SELECT 'not yet'/))[0]{detail}, 'spsa session=unknown', 'a token that was set and not yet looked up');
is((entries(qr/^statement: SELECT 'now'/))[0]{detail}, $line, 'looked up');

# A binding that gives no authority any more is nobody's.
$node->psql('postgres', "SET spsa.require_local_attach = on; SET spsa.session_token = '$token'; SELECT 'void'");
is((entries(qr/^statement: SELECT 'void'/))[0]{detail}, undef, 'a binding that is void');

# Workers of a parallel query log it, too.
$node->psql('postgres', qq{SELECT spsa_attach_connection('$token');
	SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
	SELECT count(spsa_user_name()) FROM doc WHERE id = 'x'::text::integer + spsa_session_id()::text::integer}, on_error_stop => 0, extra_params => [ '-U', 'app' ]);
ok(scalar(grep { ($_->{detail} // '') eq $line } entries(qr/^invalid input syntax for type integer/)), 'an error in a parallel query');

# A refusal names the session whatever the setting is, and once.
$node->safe_psql('postgres', "SELECT spsa_create_permission_set('other', activation_required => true)");
$node->psql('postgres', qq{SELECT spsa_attach_connection('$token'); SELECT spsa_activate_own('other')}, extra_params => [ '-U', 'app' ]);
is((entries(qr/^spsa refused to activate: /))[0]{detail}, $line, 'a refusal');

# The end of a connection is logged when nothing of PostgreSQL's is left to ask: a token that was set and stays to the end.
for my $required (qw(off on))
{
	local $ENV{PGAPPNAME} = "ends_$required";
	$node->safe_psql('postgres', "ALTER ROLE app SET spsa.require_local_attach = $required");
	$node->psql('postgres', "SET spsa.session_token = '$token'; SELECT spsa_user_name()", extra_params => [ '-U', 'app' ]);
	$node->safe_psql('postgres', "SELECT 'alive after $required'");
	ok(scalar(entries(qr/^statement: SELECT 'alive after $required'/)), "require_local_attach $required: the server goes on");
	my ($end) = entries(qr/^disconnection: .* user=app /, 1, "ends_$required");
	is($end->{detail}, $required eq 'on' ? undef : $line, "require_local_attach $required: the end of the connection");
}
unlike(text_log(), qr/terminated by signal/, 'no backend has crashed');

SKIP:
{
	skip 'pgaudit is not installed', 2 if !$pgaudit;
	my ($entry) = entries(qr/^AUDIT: SESSION,.*SELECT 'within' FROM doc/);
	is($entry->{detail}, $line, 'pgaudit: the line has the session');
	like($entry->{message}, qr/^AUDIT: SESSION,\d+,\d+,READ,SELECT,,,SELECT 'within' FROM doc LIMIT 1;?,<not logged>$/, 'pgaudit: its message is as it was');
}

unlike(text_log(), qr/\Q$token\E/, 'no token');
done_testing();
