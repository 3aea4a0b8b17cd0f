# Second factors: the file of keys, rows that do not belong together, standbys, and what logs and dumps show.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Totp;

start_node();

# ---- the file of keys

sub logged
{
	my ($what, $name, $do) = @_;
	my $offset = -s $node->logfile;
	my $result = $do->();
	my $log = substr slurp_file($node->logfile), $offset;
	like($log, $what, "$name: the log says why");
	return $result;
}
user_with_factor('ann');
$node->safe_psql('postgres', "SELECT spsa_create_user('eve')");
my $guess = code($uri{ann}, step() - 5);
my $locked = '55000: the second factor of user "ann" is locked';
my $unusable = 'F0000: the file of encryption keys cannot be used';
for my $case ([ 'missing', sub { unlink $keys }, qr/DETAIL:  File ".*": No such file or directory\./ ],
	[ 'group may read', sub { write_keys("k1:$key{k1}\n", 0640) }, qr/it has group or world access/ ],
	[ 'world may write', sub { write_keys("k1:$key{k1}\n", 0602) }, qr/it has group or world access/ ],
	[ 'not readable', sub { write_keys("k1:$key{k1}\n", 0000) }, qr/Permission denied/ ],
	[ 'empty', sub { write_keys('') }, qr/it has no key "k1"/ ],
	[ 'other keys', sub { write_keys("k2:$key{k2}\n") }, qr/it has no key "k1"/ ],
	[ 'malformed', sub { write_keys("k1:$key{k1}\nk2=$key{k2}\n") }, qr/line 2 is not "key_id:64 hexadecimal digits"/ ],
	[ 'named twice', sub { write_keys("k1:$key{k1}\n\nk1:$key{k2}\n") }, qr/line 3 is not/ ],
	[ 'too large', sub { write_keys("k1:$key{k1}\n" . '#' x 16384) }, qr/it has more than 16384 bytes/ ],
	[ 'a pipe', sub { unlink $keys; system('mkfifo', '-m', '600', $keys) }, qr/it is not a regular file/ ],
	[ 'a directory', sub { unlink $keys; mkdir $keys, 0700 }, qr/it is not a regular file/ ])
{
	my ($name, $do, $reason) = @$case;
	$do->();
	is(logged($reason, $name, sub { step_up($token{ann}, code($uri{ann}, step())) }), $unusable, "$name: refused");
	rmdir $keys if -d $keys;
}
write_keys('');
is(logged(qr/it has no key\./, 'no key', sub { as_session((open_session('eve'))[1], 'SELECT spsa_enroll_totp()') }), $unusable, 'nothing to encrypt with');
write_keys("k1:$key{k2}\n");
is(logged(qr/Key "k1" is another one than it was encrypted under, or the row was changed/, 'another key', sub { step_up($token{ann}, code($uri{ann}, step())) }),
	'XX001: the second factor of user "ann" cannot be decrypted', 'another key of that name');
is($node->psql('postgres', 'SELECT spsa_reencrypt_totp()'), '0', 'everything is under the current key by name');
is(failures('ann'), '0', 'none of these was a failure of the user');

# Rotation, without a restart.
write_keys("# of today\nk2:$key{k2}\nk1:$key{k1}\n");
is(step_up($token{ann}, code($uri{ann}, step())), 'ok', 'an older key decrypts');
user_with_factor('zoe');
is($node->safe_psql('postgres', "SELECT string_agg(user_name || ' ' || key_id, ', ' ORDER BY user_name) FROM spsa.user_totp WHERE user_name IN ('ann', 'zoe')"),
	'ann k1, zoe k2', 'the first one encrypts');
my $sealed = $node->safe_psql('postgres', "SELECT secret FROM spsa.totp_factor JOIN spsa.app_user USING (user_id) WHERE user_name = 'ann' ORDER BY factor_id DESC LIMIT 1");
is($node->safe_psql('postgres', 'SELECT spsa_reencrypt_totp()'), $node->safe_psql('postgres', "SELECT count(*) - 1 FROM spsa.user_totp"), 'all others are encrypted anew');
is($node->safe_psql('postgres', 'SELECT spsa_reencrypt_totp()'), '0', 'once');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT key_id, ' ') FROM spsa.user_totp"), 'k2', 'under the current key');
isnt($node->safe_psql('postgres', "SELECT secret FROM spsa.totp_factor JOIN spsa.app_user USING (user_id) WHERE user_name = 'ann' ORDER BY factor_id DESC LIMIT 1"), $sealed, 'they have changed');
is($node->safe_psql('postgres', "SELECT detail->>'key' FROM spsa.audit_event WHERE event = 'totp_reencrypt'"), 'k2', 'there is an audit row');
write_keys("k2:$key{k2}\n");
fresh('ann');
is(step_up($token{ann}, code($uri{ann}, step())), 'ok', 'the old key is not needed any more');
write_keys("k3:$key{k3}\n");
my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT spsa_reencrypt_totp()");
like($err, qr/F0000: the file of encryption keys cannot be used/, 'without the key before nothing is encrypted anew');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT key_id, ' ') FROM spsa.user_totp"), 'k2', 'and nothing changed');
write_keys("k2:$key{k2}\n");

# Rows that are exchanged or changed do not open.
my $opens = 'XX001: the second factor of user "ann" cannot be decrypted';
my $of = "(SELECT user_id FROM spsa.app_user WHERE user_name = '%s')";
my ($ann, $zoe) = map { sprintf $of, $_ } 'ann', 'zoe';
for my $change ("digits = 8", "algorithm = 'SHA256'", "key_id = 'k3'", "nonce = set_bit(nonce, 0, 1 - get_bit(nonce, 0))", "secret = set_bit(secret, 7, 1 - get_bit(secret, 7))",
	"(key_id, nonce, secret) = (SELECT z.key_id, z.nonce, z.secret FROM spsa.totp_factor z WHERE z.user_id = $zoe)")
{
	fresh('ann');
	$node->safe_psql('postgres', "CREATE TABLE kept AS SELECT * FROM spsa.totp_factor; UPDATE spsa.totp_factor f SET $change WHERE user_id = $ann");
	write_keys("k2:$key{k2}\nk3:$key{k2}\n");
	my $code = $change =~ /digits/ ? '00000000' : code($uri{ann}, step());
	is(step_up($token{ann}, $code), $opens, 'changed: ' . $change =~ s/ = .*//sr);
	$node->safe_psql('postgres', "UPDATE spsa.totp_factor f SET digits = k.digits, algorithm = k.algorithm, key_id = k.key_id, nonce = k.nonce, secret = k.secret FROM kept k WHERE k.factor_id = f.factor_id; DROP TABLE kept");
}
$node->safe_psql('postgres', "UPDATE spsa.totp_factor f SET user_id = CASE user_id WHEN $ann THEN $zoe ELSE $ann END WHERE user_id IN ($ann, $zoe)");
is(step_up($token{ann}, code($uri{zoe}, step())), $opens, 'another user\'s factor');
$node->safe_psql('postgres', "UPDATE spsa.totp_factor f SET user_id = CASE user_id WHEN $ann THEN $zoe ELSE $ann END WHERE user_id IN ($ann, $zoe)");
write_keys("k2:$key{k2}\n");
fresh('ann');
is(step_up($token{ann}, code($uri{ann}, step())), 'ok', 'as it was, it opens');
$node->safe_psql('postgres', 'DELETE FROM spsa.totp_counter');
is(step_up($token{ann}, code($uri{ann}, step())), $locked, 'without a counter nothing is compared');
$node->safe_psql('postgres', 'INSERT INTO spsa.totp_counter (factor_id) SELECT factor_id FROM spsa.totp_factor');

# ---- a standby

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('totp_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my ($s_sid, $s) = open_session('ann');
fresh('ann');
is(step_up($s, $guess), $wrong, 'a failure on the primary');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT failures FROM spsa.user_totp WHERE user_name = 'ann'"), '1', 'the standby knows of it');
for my $call ("spsa_step_up_totp('$guess')", "spsa_confirm_totp('$guess')", 'spsa_enroll_totp()', 'spsa_remove_totp()', "spsa_reauthenticate('$s_sid')")
{
	($ret, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$s'); "
		. ($call =~ /reauth/ ? 'RESET SESSION AUTHORIZATION; ' : '') . "SELECT $call");
	my ($name) = $call =~ /^(\w+)/;
	like($err, qr/ERROR:  25006: cannot execute $name\(\) in a read-only transaction/, "standby: $name() is refused");
}
is($standby->safe_psql('postgres', "SELECT failures FROM spsa.user_totp WHERE user_name = 'ann'"), '1', 'and counts nothing');
is(step_up($s, code($uri{ann}, step())), 'ok', 'stepped up on the primary');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$s'); SELECT spsa_session_info()->>'SessionSecurityLevel'") =~ s/^\n//r,
	'HIGH_ASSURANCE', 'the standby knows the level');
$standby->stop;

# ---- what is seen of it

$node->safe_psql('postgres', q{
	CREATE FUNCTION login(code text) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN spsa_step_up_totp(code); END $$;
	CREATE FUNCTION enroll() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'the URI is % .', spsa_enroll_totp(); END $$; });
my $file = $node->basedir . '/bench.sql';
for my $log ('none', 'all')
{
	for my $sql ("SELECT spsa_step_up_totp('%s')", "SELECT SPSA_STEP_UP_TOTP('%s') AS x", "SELECT spsa_step_up_totp('%s'), 1/0", "SELECT spsa_step_up_totp('%s') oops oops",
		"SELECT spsa_step_up_totp(%s)", "SELECT spsa_confirm_totp('%s')", "PREPARE p(text) AS SELECT spsa_step_up_totp(\$1); EXECUTE p('%s')",
		"DO \$\$ BEGIN PERFORM spsa_step_up_totp('%s'); END \$\$", "SELECT login('%s')", "SELECT login('%s'), 1/(random() * 0)::integer", "SELECT spsa_step_up_totp('%s '), '%1\$s'::date")
	{
		next if $log eq 'all' && $sql =~ /login/;	# what is logged before it runs is not known to hold a code
		for my $right (0, 1)
		{
			fresh('ann');
			my $code = $right ? code($uri{ann}, step()) : sprintf '%06d', 100000 + rand 800000;
			$code{$code} = 1;
			$node->psql('postgres', "SET log_statement = '$log'; SET log_min_duration_statement = 0; SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$s'); " . sprintf($sql, $code));
		}
	}
	for my $mode (qw(simple extended prepared))
	{
		fresh('ann');
		my $code = code($uri{ann}, step());
		unlink $file;
		append_to_file($file, "SET log_statement = '$log';\nSET SESSION AUTHORIZATION regress_spsa_app;\nSELECT FROM spsa_attach_connection('$s');\nSELECT spsa_step_up_totp(:code::text);\nSELECT spsa_step_up_totp(:code::text);\n");
		$node->run_log([ 'pgbench', '-n', '-t', 1, '-M', $mode, '-D', "code=$code", '-f', $file, '-d', $node->connstr('postgres') ]);
	}
}
my ($l_sid, $l) = open_session('eve');
as_session($l, 'SELECT enroll()');
is(step_up($l, $guess), '55000: user "eve" has no second factor', 'none is confirmed');
as_session((open_session('ann'))[1], 'SELECT spsa_enroll_totp()');
fresh('ann');
step_up($s, code($uri{ann}, step())) for 1 .. 2;
my $seen = $node->background_psql('postgres', on_error_stop => 0);
$seen->query_safe("SELECT FROM spsa_attach_connection('" . (($node->safe_psql('postgres', q{SELECT token FROM spsa_open_session('ann', db_role => NULL)}))) . "')");
for my $sql ("SELECT spsa_step_up_totp('%s'), pg_sleep(600)", "SELECT login('%s'), pg_sleep(600)")
{
	fresh('ann');
	my $code = code($uri{ann}, step());
	my $pid = $seen->query('SELECT pg_backend_pid()');
	$seen->query_until(qr/sent/, "\\echo sent\n" . sprintf($sql, $code) . ";\n");
	ok($node->poll_query_until('postgres', "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $pid"), 'it runs');
	unlike($node->safe_psql('postgres', "SELECT query FROM pg_stat_activity WHERE pid = $pid"), qr/\Q$code\E/, "not in pg_stat_activity: $sql");
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$seen->query('SELECT 1');
}
$seen->quit;

my @dump = `pg_dump -d "@{[ $node->connstr('postgres') ]}"`;
$node->stop;
my $log = slurp_file($node->logfile);
my @found = grep { $log =~ /(?<!\d)\Q$_\E(?!\d)/ } keys %code;
is(join(' ', @found), '', 'no code in the log') or diag(join "\n", grep { my $line = $_; grep { index($line, $_) >= 0 } @found } split /\n/, $log);
like($log, qr/the URI is \*+ \./, 'the URI is masked');
unlike($log, qr/otpauth:/, 'no URI in the log');
unlike($log, qr/spsa_step_up_totp\('\d/i, 'nothing that looks like one');
like($log, qr/spsa refused to step up: the code for user "ann" is wrong \(failure 1 of 10\)/, 'a failure is logged');
like($log, qr/spsa refused to step up: the code for user "ann" was used before/, 'a used code is');
like($log, qr/spsa refused to step up: the second factor of user "ann" is locked/, 'a locked factor is');
like($log, qr/spsa refused to step up: user "eve" has no confirmed second factor/, 'a missing one is');
like($log, qr/spsa refused to change a second factor: the session must have security level high_assurance/, 'who may not enroll is');
my @secrets = (values %key, map { /secret=(\w+)/ } values %uri);
is(scalar(grep { index($log, substr $_, 0, 16) >= 0 } @secrets), 0, 'no key and no secret in the log');
my $dump = join '', @dump;
is(scalar(grep { index($dump, substr $_, 0, 16) >= 0 } @secrets), 0, 'nor in a dump');
unlike($dump, qr/COPY spsa\.(totp|session_auth)/, 'which has no factors');

done_testing();
