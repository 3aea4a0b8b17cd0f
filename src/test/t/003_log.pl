# No token reaches the server's log, whatever the way it came to the server; every refused attach
# leaves a line with the cause, which the client does not see.

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('log');
$node->init;
$node->append_conf('postgresql.conf', qq{
logging_collector = on
log_destination = 'stderr,csvlog,jsonlog'
log_rotation_age = 0
log_rotation_size = 0
log_statement = all
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_error_verbosity = verbose
log_connections = on
log_duration = on
});
chomp(my $library = `pg_config --pkglibdir`);
my $explain = -e "$library/auto_explain.so" ? ', auto_explain' : '';
my (%secret, %session);	# name => token, session_id

sub logs
{
	return join "\n", map { slurp_file($_) } glob($node->data_dir . '/log/*');
}

# The collector writes later than the client is answered.
sub logged
{
	my ($what, $name) = @_;
	my $found = 0;
	for (1 .. 300)
	{
		last if $found = logs() =~ $what;
		select undef, undef, undef, 0.1;
	}
	ok($found, $name);
	return;
}

# Pieces, so that a token that is masked in part, or broken by a line's end, is found as well.
sub no_secret
{
	my ($text, $name) = @_;
	my @found;
	while (my ($who, $token) = each %secret)
	{
		my $body = substr $token, 5;
		push @found, "$who: token" if grep { index(lc $text, lc substr $body, $_, 12) >= 0 } 0, 10, 20, 30;
		push @found, "$who: hash" if index(lc $text, sha256_hex($token)) >= 0;
	}
	is(join('; ', @found), '', $name) or diag(join "\n", grep { my $line = lc; grep { my $token = lc; grep { index($line, substr $token, $_, 12) >= 0 } 5, 15, 25, 35 } values %secret } split /\n/, $text);
	return;
}

sub open_session
{
	my ($who, $arguments) = @_;
	($session{$who}, $secret{$who}) = split /\|/,
	  $node->safe_psql('postgres', "SELECT session_id, token FROM spsa_open_session('ann', $arguments)");
	return;
}

sub bench
{
	my ($mode, $sql, $token) = @_;
	my $file = $node->basedir . '/bench.sql';
	unlink $file;
	append_to_file($file, "$sql\n");
	$node->run_log([ 'pgbench', '-n', '-t', 1, '-M', $mode, '-D', "token=$token", '-f', $file, '-d', $node->connstr('postgres') ]);
	return;
}

for my $preload (qw(shared_preload_libraries session_preload_libraries))
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n$preload = 'spsa$explain'\n");
	$node->append_conf('postgresql.conf', "auto_explain.log_min_duration = 0\nauto_explain.log_nested_statements = on\nauto_explain.log_verbose = on\n") if $explain;
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION IF NOT EXISTS spsa;
		DO $$ BEGIN
			IF to_regrole('regress_spsa_other') IS NULL THEN
				CREATE ROLE regress_spsa_other;
				PERFORM spsa_create_user('ann');
			END IF;
		END $$; });
	open_session('good', 'db_role => NULL');
	open_session('role', "db_role => 'regress_spsa_other'");
	open_session('closed', 'db_role => NULL');
	open_session('expired', "lifetime => '1 microsecond', db_role => NULL");
	open_session('unknown', 'db_role => NULL');
	$node->safe_psql('postgres', "SELECT spsa_close_session('$session{closed}');
		DELETE FROM spsa.session WHERE session_id = '$session{unknown}'");
	my $good = $secret{good};
	# The secret of an issuer (RFC 7515, A.1).
	my $key = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow';
	$secret{key} = "spsa_$key";
	(my $damaged = $good) =~ s/.$/$& eq 'A' ? 'B' : 'A'/e;
	my $short = substr $good, 0, -1;
	$secret{damaged} = $damaged;

	# Literal text that attaches.
	for my $sql ("SELECT spsa_attach_connection('%s')", "SELECT spsa_attach('%s')", "SET spsa.session_token = '%s'",
		"BEGIN; SET LOCAL spsa.session_token = '%s'; COMMIT", "SELECT set_config('spsa.session_token', '%s', false)",
		"PREPARE p(text) AS SELECT spsa_attach(\$1); EXECUTE p('%s'); EXECUTE p('%1\$s')",
		"PREPARE p AS SELECT spsa_attach('%s'); EXECUTE p; EXECUTE p",
		"COPY (SELECT spsa_attach('%s')) TO STDOUT", "CREATE TEMP TABLE t AS SELECT spsa_attach('%s')",
		"BEGIN; DECLARE c CURSOR FOR SELECT spsa_attach('%s'); FETCH c; COMMIT",
		"DO \$\$ BEGIN PERFORM spsa_attach('%s'); END \$\$")
	{
		my ($ret, $out, $err) = $node->psql('postgres', sprintf $sql, $good);
		is($ret, 0, "$preload: works: $sql");
		no_secret($err, "no token for the client: $sql");
	}

	# And that fails, in itself or because of what stands beside it.
	for my $sql ("SELECT spsa_attach_connection('$good') oops oops", "SELECT spsa_attach('$good'), 1/0", "SELECT '$good'::integer",
		"SELECT spsa_attach($good)", "SELECT spsa_attach(spsa_-7" . substr($good, 5) . ")",
		"SET spsa.session_token = '$damaged'", "SET spsa.session_token = '$short'", "SELECT spsa_attach(' $good')",
		"ALTER ROLE CURRENT_USER SET spsa.session_token = '$good'", "ALTER SYSTEM SET spsa.session_token = '$good'",
		"ALTER DATABASE postgres SET spsa.session_token = '$good'", "SET spsa.no_such = '$good'",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET spsa.session_token = '$good' AS 'SELECT 1'",
		"DO \$\$ BEGIN PERFORM spsa_attach('$good'); PERFORM 1/0; END \$\$",
		"DO \$\$ BEGIN EXECUTE 'SELECT spsa_attach(''$good''), 1/0'; END \$\$",
		"DO \$\$ BEGIN RAISE EXCEPTION 'message $good' USING DETAIL = 'detail $good', HINT = 'hint $good'; END \$\$",
		"SET statement_timeout = 50; SELECT spsa_attach('$good'), pg_sleep(60)",
		(map { "INSERT INTO spsa.jwt_issuer (jwks) VALUES ('{\"keys\": [{\"kty\": \"oct\", $_}]}')" }
			qq{"k": "AB+/$key" "alg": "HS256"}, qq{"k": "$key" "alg": "HS256"}, qq{"k":"$key}, qq{"k": $key}, qq{"kid": "a", "k": "$key\\x"}, qq{"\\u006b": "$key" 1},
			qq{"k": "$key", "\\u006B": "$key", "alg": HS256}, qq{"k" : "$key"\n "use": 1}),
		"SELECT jsonb_build_object('kty', 'oct', 'k', '$key'), 1/0", "SELECT jsonb_build_object('k'::text , '$key'::text), 1/0",
		"UPDATE spsa.jwt_issuer SET jwks['keys'][0]['k'] = '\"$key\"', x = 1", "SELECT jsonb_set(jwks, '{keys,0,k}', '\"$key\"') FROM spsa.jwt_issuer, nothing",
		"UPDATE spsa.jwt_issuer SET jwks = jsonb_build_object('k', E'$key'), x = 1", "UPDATE spsa.jwt_issuer SET jwks = json_object('{kty,k}', '{oct,$key}'), x = 1",
		"SELECT '{\"k\" \"$key\"}'::jsonb", "DO \$\$ BEGIN PERFORM jsonb_build_object(''k'', ''$key''), 1/0; END \$\$",
		"DO 'BEGIN PERFORM jsonb_build_object(''k'', ''$key''), 1/0; END'",
		"DO \$\$ BEGIN EXECUTE 'SELECT ''{\"k\": \"$key\" 1}''::jsonb'; END \$\$")
	{
		isnt($node->psql('postgres', $sql, on_error_stop => 1), 0, "$preload: fails: " . $sql =~ s/[\w-]{30,}/SECRET/gr);
	}

	# Bind parameters, also beside an error, and with an error of the attach itself.
	for my $mode (qw(simple extended prepared))
	{
		bench($mode, 'SELECT spsa_attach_connection(:token);', $_) for $good, $damaged, $secret{role};
		bench($mode, 'SELECT spsa_attach(:token), 1/0;', $good);
		bench($mode, 'SELECT :token::integer;', $good);
		bench($mode, 'SELECT :token::jsonb;', $_) for qq{{"k": "$key" "alg": 1}}, qq{{"k": $key}}, qq{{"\\u006b": "$key"} 1};
		bench($mode, 'SELECT :token::jsonb, 1/0;', qq{{"\\u006b": "$key"}});
	}

	# Each cause has its line; the client cannot tell one from the other.
	my %answer;
	for my $case (['the token is unknown', $secret{unknown}], ['the token is malformed', $damaged], ['the token is malformed', 'x'],
		['the token is malformed', ''], ['the session was closed', $secret{closed}], ['the session has expired', $secret{expired}])
	{
		my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT spsa_attach_connection('$case->[1]')");
		$answer{ $err =~ s/^psql:<stdin>:\d+: //r }++;
		logged(qr/spsa refused to attach: \Q$case->[0]\E/, "$preload: logged: $case->[0]");
	}
	my ($ret, $out, $err) = $node->psql('postgres', "SET SESSION AUTHORIZATION pg_monitor;\n\\set VERBOSITY verbose\nSELECT spsa_attach_connection('$secret{role}')");
	$answer{ $err =~ s/^psql:<stdin>:\d+: //r }++;
	logged(qr/spsa refused to attach: the session is bound to another database role/, "$preload: logged: another role");
	is(scalar(keys %answer), 1, "$preload: one answer to every cause") or diag(explain(\%answer));
	like((keys %answer)[0], qr/^ERROR:  28000: session is not valid\nHINT:  Authenticate again to get a new token\.\n/, 'which says what to do');

	# Flows that are refused, also when nobody asked for them.
	$node->safe_psql('postgres', q{
		CREATE FUNCTION no_luck(session uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'no luck'; END $$;
		SELECT spsa_create_flow('asked'), spsa_create_flow('morning', criterion => 'no_luck(uuid)', run_at_open => true); });
	$node->psql('postgres', "SET ROLE pg_monitor; SELECT spsa_attach_connection('$good'); SELECT spsa_run_flow('asked')");
	logged(qr/spsa refused to run a flow: flow "asked" is not allowed in the session/, "$preload: logged: a flow");
	open_session('morning', 'db_role => NULL');
	($secret{rotated}) = $node->safe_psql('postgres', "SELECT spsa_rotate_token('$session{morning}')");
	logged(qr/spsa refused to run a flow at the opening of a session: flow "morning": no luck/, "$preload: logged: a flow at the opening");
	$node->safe_psql('postgres', "SELECT spsa_drop_flow('asked'), spsa_drop_flow('morning'); DROP FUNCTION no_luck");

	$node->stop;
	my $all = logs();
	like($all, qr/"error_severity":"LOG"/, 'there is a JSON log');
	like($all, qr/Query Text: .*spsa_attach/, 'auto_explain writes') if $explain;
	like($all, qr/[Pp]arameters: \$1 = '/, 'parameters are logged');
	no_secret($all, "$preload: not in the log");
	unlink glob($node->data_dir . '/log/*');
}

done_testing();
