# Sessions by JSON Web Tokens in the server: each refusal has its cause in the log, and nothing of a token or a secret is there or
# in pg_stat_activity; first uses at the same time; a pool; a standby; a dump; a database that is not UTF-8.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Jose;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no openssl program' if system('openssl version > /dev/null 2>&1') != 0;

my $node = PostgreSQL::Test::Cluster->new('jwt');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq{
log_statement = all
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_error_verbosity = verbose
session_preload_libraries = 'spsa'
max_connections = 30
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE account AS SELECT i AS id, 'r' || i AS region FROM generate_series(1, 4) i;
	GRANT SELECT ON account TO regress_spsa_app;
	SELECT spsa_protect('account', '{region}'), spsa_create_user('ann'), spsa_create_user('bob', '{"region": "r2"}'), spsa_create_user('gone');
	SELECT spsa_disable_user('gone'), spsa_create_permission_set('reader'), spsa_grant_object('reader', 'account', '{read}'),
		spsa_grant_rows('reader', 'account', 'region', attribute => 'region'), spsa_assign('ann', 'reader'), spsa_assign('bob', 'reader'); });

my %key = map { $_ => Jose->new($_, kid => lc $_) } qw(RS256 ES256 EdDSA HS256);
my $stranger = Jose->new('HS256', kid => 'hs256');
my $idp = 'https://idp.example';
my (@secrets, $tokens);

# Whatever is told to the server about a token or a secret must be nowhere else.
sub token
{
	my ($alg, %more) = @_;
	my %header = %{ delete $more{header} // {} };
	my %claims = (iss => $idp, aud => 'app', sub => 'ann', region => 'r1', exp => time + 600, jti => 'n' . ++$tokens, %more);
	delete @claims{ grep { !defined $claims{$_} } keys %claims };
	push @secrets, (my $token = (ref $alg ? $alg : $key{$alg})->token(\%claims, \%header));
	return $token;
}
push @secrets, $key{HS256}->jwk->{k};

sub query
{
	my ($sql, @arguments) = @_;
	my $file = $node->basedir . '/query.sql';
	s/'/''/g for @arguments;
	$sql =~ s/\$(\d+)/'$arguments[$1 - 1]'/g;
	my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", connstr => $node->connstr('postgres') . ' user=regress_spsa_app', on_error_stop => 1);
	return $ret == 0 ? $out : $err =~ s/^psql:<stdin>:\d+: //gmr;
}
my $invalid = qr/^ERROR:  28000: session is not valid\nHINT:  Authenticate again to get a new token\.\nLOCATION:  session_raise_invalid/;

$node->safe_psql('postgres', sprintf q{SELECT spsa_create_jwt_issuer('%s', '{app}', '{RS256,ES256,EdDSA,HS256}', '%s', attribute_claims => '{"region": "region"}',
	db_role => 'regress_spsa_app')}, $idp, Jose::jwks(values %key));

for my $alg (sort keys %key)
{
	is(query('BEGIN; SELECT FROM spsa_attach_jwt($1); SELECT spsa_user_name(), id FROM account; COMMIT', token($alg)), "ann|1", "$alg: attached");
	like(query('SELECT token FROM spsa_open_session_jwt($1)', token($alg)), qr/^spsa_[\w-]{48}$/, "$alg: opened");
}

# Each cause has its line in the log; the client cannot tell one from the other.
my $good = token('ES256');
my @cases = (
	['', 'the token has not three parts'], ["$good.", 'the token has not three parts'], ["$good=", 'a part of the token is not base64url'], ['x' x 20000, 'the token is too long'],
	[ token('ES256', header => { alg => 'none' }), 'the algorithm is missing, none, or unknown' ],
	[ token('ES256', header => { crit => ['exp'] }), 'the header demands what is not supported' ],
	[ token($stranger, header => { kid => 'rs256' }), 'the key is not one for the algorithm' ],
	[ token('ES256', header => { kid => 'other' }), 'the key is not known' ],
	[ token($stranger), 'the signature is wrong' ],
	[ token('ES256', iss => 'https://nobody.example'), 'the issuer is not known' ],
	[ token('ES256', aud => 'other'), 'the token is for another audience' ],
	[ token('ES256', exp => time - 1), 'the token has expired' ],
	[ token('ES256', exp => undef), 'exp is missing or no time' ],
	[ token('ES256', nbf => time + 3600), 'the token is not valid yet' ],
	[ token('ES256', sub => 'nobody'), 'the user does not exist' ],
	[ token('ES256', sub => 'gone'), 'the user is disabled' ],
	[ token('ES256', sub => undef), 'the claim that names the user is missing or no string' ],
	[ token('ES256', region => { a => 1 }), 'a claim cannot be an attribute' ],
	[ token('ES256', sub => 'bob'), 'a claim contradicts an attribute that is recorded for the user' ]);
for my $case (@cases)
{
	my ($token, $cause) = @$case;
	for my $call ('spsa_attach_jwt', 'spsa_open_session_jwt')
	{
		my $offset = -s $node->logfile;
		like(query("SELECT $call(\$1)", $token), $invalid, "$call: $cause: what the client sees");
		my $what = $call eq 'spsa_attach_jwt' ? 'attach' : 'open a session';
		like(slurp_file($node->logfile, $offset), qr/LOG:  28000: spsa refused to $what: \Q$cause\E/, "$call: $cause: what the log says");
	}
}
{
	my $offset = -s $node->logfile;
	my ($ret, $out, $err) = $node->psql('postgres', "SELECT spsa_attach_jwt('" . token('ES256') . "')");
	like($err, qr/session is not valid/, 'a role that the issuer is not for');
	like(slurp_file($node->logfile, $offset), qr/spsa refused to attach: the issuer's sessions are bound to another database role/, 'is told to the log');
	$node->safe_psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', is_active => false)");
	$offset = -s $node->logfile;
	like(query('SELECT spsa_attach_jwt($1)', token('ES256')), $invalid, 'an issuer that is switched off');
	like(slurp_file($node->logfile, $offset), qr/spsa refused to attach: the issuer is switched off/, 'is told to the log');
	$node->safe_psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', is_active => true)");
}
like(query('SELECT spsa_attach_jwt($1), 1/0', token('ES256')), qr/division by zero/, 'an error beside an attach');

# pg_stat_activity, while the statement runs.
{
	my $token = token('ES256');
	my $sleeper = $node->background_psql('postgres', extra_params => [ '-U', 'regress_spsa_app' ]);
	$sleeper->query_until(qr/began/, "\\echo began\nSELECT spsa_attach_jwt('$token'), pg_sleep(60);\n");
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%***%pg\\_sleep(60)%' AND pid <> pg_backend_pid()") or diag('no masked statement');
	my $seen = $node->safe_psql('postgres', "SELECT query FROM pg_stat_activity WHERE query LIKE '%pg\\_sleep(60)%' AND pid <> pg_backend_pid()");
	like($seen, qr/^SELECT spsa_attach_jwt\('\*+'\), pg_sleep\(60\);$/, 'pg_stat_activity has no token');
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg\\_sleep(60)%' AND pid <> pg_backend_pid()");
	eval { $sleeper->quit };
}

# Secrets of an issuer in statements, as parameters, in errors.
{
	my $keys = Jose::jwks(values %key);
	my $file = $node->basedir . '/set.sql';
	append_to_file($file, "SELECT spsa_set_jwt_issuer('$idp', jwks => :keys);\n");
	$node->run_log([ 'pgbench', '-n', '-t', 1, '-M', 'extended', '-D', "keys=$keys", '-f', $file, '-d', $node->connstr('postgres') ]);
	$node->psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', jwks => '$keys' oops");
	$node->psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', jwks => '$keys}')");
	$node->psql('postgres', "SELECT spsa_create_jwt_issuer('other', NULL, '{HS256}', '$keys')");
	$node->psql('postgres', "DO \$\$ BEGIN RAISE EXCEPTION '%', '$keys'; END \$\$");
	is($node->safe_psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', jwks => '$keys') \\; SELECT query ~ '\"k\":\"[*]+\"' FROM pg_stat_activity WHERE pid = pg_backend_pid()"),
		"\nt", 'nor is a secret in pg_stat_activity');
}

# What the clients of a pool do: the same JWT on each request, in whichever connection is free.
{
	my @connections = map { $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'regress_spsa_app' ]) } 1 .. 3;
	my ($ann, $bob) = (token('RS256'), token('RS256', sub => 'bob', region => 'r2'));
	my %seen;
	for my $request (1 .. 9)
	{
		my ($name, $token) = $request % 2 ? ('ann', $ann) : ('bob', $bob);
		my $out = $connections[ $request % 3 ]->query("BEGIN; SELECT spsa_attach_jwt('$token'); SELECT id FROM account; COMMIT; SELECT count(*) FROM account");
		$seen{"$name: " . $out =~ s/\n/,/gr}++;
	}
	is(scalar keys %seen, 2, 'each finds its own session, everywhere, and leaves nothing behind') or diag(explain(\%seen));
	is(join(' ', sort map { /^(\w+): [0-9a-f-]{36},(.*)/ ? "$1:$2" : $_ } keys %seen), 'ann:1,0 bob:2,0', 'with its rows');
	$_->quit for @connections;
}

# Two first uses at once: the second waits, and finds the session of the first, or, if that is undone, opens its own.
for my $end ('COMMIT', 'ROLLBACK')
{
	my ($first, $second) = map { $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'regress_spsa_app' ]) } 1 .. 2;
	my $token = token('EdDSA');
	my $one = $first->query_safe("BEGIN; SELECT spsa_attach_jwt('$token')");
	$second->query_until(qr/began/, "\\echo began\nBEGIN; SELECT spsa_attach_jwt('$token'); SELECT id FROM account; COMMIT;\n\\echo done\n");
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), "$end: the second waits");
	# Other tokens do not, and nobody waits to end the sessions of the user.
	is(query('BEGIN; SELECT FROM spsa_attach_jwt($1); SELECT id FROM account; COMMIT', token('EdDSA')), "1", "$end: another token does not");
	$first->query_safe($end);
	my $two = $second->query_until(qr/done/, '');
	my ($id) = $two =~ /([0-9a-f-]{36})/;
	is($id eq $one ? 'the same' : 'another', $end eq 'COMMIT' ? 'the same' : 'another', "$end: the second finds the same session, or has another") or diag("$one $two");
	like($two, qr/^1$/m, "$end: and its rows");
	$_->quit for $first, $second;
	is($node->safe_psql('postgres', "SELECT count(*) FROM spsa.session WHERE session_id = '$id'"), '1', "$end: there is one");
}
# And many at once.
{
	my $file = $node->basedir . '/attach.sql';
	append_to_file($file, "BEGIN;\nSELECT spsa_attach_jwt(:token);\nCOMMIT;\n");
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM spsa.session');
	for my $round (1 .. 10)
	{
		my ($out, $err) = run_command([ 'pgbench', '-n', '-c', 8, '-t', 4, '-M', 'prepared', '-U', 'regress_spsa_app', '-D', 'token=' . token('RS256'), '-f', $file, '-h', $node->host, '-p', $node->port, 'postgres' ]);
		like($out, qr{transactions actually processed: 32/32}, "eight clients, one token, $round") or diag($err);
	}
	is($node->safe_psql('postgres', 'SELECT count(*) FROM spsa.session') - $before, 10, 'a session each');
}
# A single use is single for two at once, too.
{
	$node->safe_psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', single_use => true)");
	my ($first, $second) = map { $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'regress_spsa_app' ]) } 1 .. 2;
	my $token = token('ES256');
	$first->query_safe("BEGIN; SELECT FROM spsa_open_session_jwt('$token')");
	$second->query_until(qr/began/, "\\echo began\nSELECT FROM spsa_open_session_jwt('$token');\n\\echo done\n");
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), 'single use: the second waits');
	$first->query_safe('COMMIT');
	$second->query_until(qr/done/, '');
	like($second->{stderr}, qr/session is not valid/, 'and is refused');
	$_->quit for $first, $second;
	for my $case ([ 'spsa_open_session_jwt', $token, 'open a session: the token is for a single use and has been used' ],
		[ 'spsa_open_session_jwt', token('ES256', jti => undef), 'open a session: the token is for a single use and has no jti' ],
		[ 'spsa_attach_jwt', token('ES256'), "attach: the issuer's tokens are for a single use" ])
	{
		my $offset = -s $node->logfile;
		like(query("SELECT $case->[0](\$1)", $case->[1]), $invalid, "single use: $case->[2]: what the client sees");
		like(slurp_file($node->logfile, $offset), qr/spsa refused to \Q$case->[2]\E/, "single use: $case->[2]: what the log says");
	}
	$node->safe_psql('postgres', "SELECT spsa_set_jwt_issuer('$idp', single_use => false)");
}

# A session ends with its token.
{
	my $psql = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'regress_spsa_app' ]);
	my $token = token('ES256', exp => time + 5);
	is($psql->query_safe("BEGIN; SELECT FROM spsa_attach_jwt('$token'); SELECT id FROM account; COMMIT"), '1', 'before exp');
	sleep 6;
	$psql->query("SELECT spsa_attach_jwt('$token')");
	like($psql->{stderr}, qr/session is not valid/, 'after it');
	$psql->quit;
}

# A standby: what is open there works, and nothing is opened.
{
	$node->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new('jwt_standby');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	my $token = token('ES256');
	my $opened = query('BEGIN; SELECT spsa_attach_jwt($1); COMMIT', $token);
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	my $there = sub { my ($ret, $out, $err) = $standby->psql('postgres', "BEGIN; SELECT spsa_attach_jwt('$_[0]'); SELECT id FROM account; COMMIT", extra_params => [ '-U', 'regress_spsa_app' ], on_error_stop => 1); return $ret == 0 ? $out : $err };
	is($there->($token), "$opened\n1", 'standby: the session of the primary');
	like($there->(token('ES256')), qr/ERROR:  cannot open a session in a read-only transaction\nHINT:  The first use of a JWT writes; later ones with spsa_attach_jwt\(\) do not\./, 'standby: a first use is refused, with what to do');
	like($there->(token($stranger)), qr/session is not valid/, 'standby: a bad token is a bad token');
	$node->safe_psql('postgres', sprintf q{SELECT spsa_set_jwt_issuer('%s', jwks => '%s')}, $idp, Jose::jwks($key{RS256}));
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	like($there->($token), qr/session is not valid/, 'standby: a key that is gone takes its sessions with it');
	$standby->stop;
	unlike(slurp_file($standby->logfile), qr/\Q${\substr $token, 20, 40}\E/, 'standby: no token in the log');
}

# A dump has issuers with public keys, which work when it is restored, and no secrets.
{
	$node->safe_psql('postgres', sprintf q{SELECT spsa_create_jwt_issuer('https://secret.example', '{app}', '{HS256}', '%s')}, Jose::jwks($key{HS256}));
	my $file = $node->basedir . '/dump.sql';
	$node->run_log([ 'pg_dump', '-f', $file, '-d', $node->connstr('postgres') ]);
	my $dump = slurp_file($file);
	like($dump, qr{https://idp\.example}, 'dump: the issuer with public keys');
	unlike($dump, qr/secret\.example|\Q$key{HS256}->jwk->{k}\E/, 'dump: not the one with a secret');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->run_log([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr('restored') ]);
	my ($ret, $out, $err) = $node->psql('restored', "SELECT FROM spsa_open_session_jwt('" . token('RS256') . "')", extra_params => [ '-U', 'regress_spsa_app' ]);
	is($err, '', 'dump: restored, it opens sessions');
}

# Another encoding: what it has no characters for is refused with the one message, not by a conversion that shows it.
{
	$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql('latin', sprintf q{CREATE EXTENSION spsa; SELECT spsa_create_user('ann'), spsa_create_user(U&'\00e4nn');
		SELECT spsa_create_jwt_issuer('%s', '{app}', '{RS256}', '%s', attribute_claims => '{"region": "region"}')}, $idp, Jose::jwks($key{RS256}));
	for my $case ([ 'ASCII', {}, 'ok' ], [ 'a user', { sub => "\x{e4}nn" }, 'session is not valid' ], [ 'an attribute', { region => "\x{20ac}" }, 'session is not valid' ],
		[ 'an element', { region => [ 'a', "\x{20ac}" ] }, 'session is not valid' ], [ 'an actor', { act => { sub => "\x{20ac}" } }, 'session is not valid' ],
		[ 'an issuer', { iss => "\x{20ac}" }, 'session is not valid' ], [ 'what is not looked at', { name => "\x{20ac}" }, 'ok' ])
	{
		my ($name, $claims, $wanted) = @$case;
		my ($ret, $out, $err) = $node->psql('latin', "SELECT FROM spsa_open_session_jwt('" . token('RS256', %$claims) . "')");
		like($ret == 0 ? 'ok' : $err, qr/^(?:psql:<stdin>:1: ERROR:  )?$wanted/, "LATIN1: $name");
	}
}

# Now the whole log. Pieces, so that what is masked in part is found as well; the header and the beginning of claims are no secret.
$node->stop;
my $log = slurp_file($node->logfile);
my @found;
for my $secret (@secrets)
{
	my ($piece) = $secret =~ /([\w-]{30,})$/ or next;
	push @found, $secret if grep { index($log, substr $piece, $_, 16) >= 0 } map { $_ * 8 } 0 .. int((length($piece) - 16) / 8);
}
is(scalar @found, 0, 'no token and no secret in the log') or diag(join "\n", map { my $s = substr $_, -30; grep { index($_, substr $s, 0, 16) >= 0 } split /\n/, $log } @found[0 .. ($#found > 2 ? 2 : $#found)]);
cmp_ok(scalar @secrets, '>', 45, 'of all those that were sent');
like($log, qr/[Pp]arameters: \$1 = '/, 'parameters are logged');

done_testing();
