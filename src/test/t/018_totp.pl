# Second factors: codes of oathtool, what ROLLBACK and crashes do not undo, the file of keys, standbys, logs. The arithmetic,
# for which time must be chosen, is tested by a program of its own (src/test/unit/totp.c).

use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $root = "$FindBin::RealBin/../../..";
my $temp = PostgreSQL::Test::Utils::tempdir;

SKIP:
{
	my $cc = $ENV{CC} // 'cc';
	skip 'no C compiler', 2 if system("command -v $cc >/dev/null 2>&1") != 0;
	my @sources = map { "$root/src/$_" } qw(test/unit/totp.c identity/totp.c identity/keyring.c base/crypto.c);
	my ($built, $why) = (system($cc, "-I$root/src", '-o', "$temp/totp", @sources, '-lcrypto') == 0, $?);
	ok($built, 'the unit tests build') or skip 'they do not', 1;
	my $result = `$temp/totp`;
	ok($? == 0 && $result =~ /^ok 100 /m && $result !~ /^not /m, 'and pass') or diag($result);
}
if (system('command -v oathtool >/dev/null 2>&1') != 0)
{
	diag('oathtool is missing: the rest is skipped');
	done_testing();
	exit 0;
}

my $keys = "$temp/keys";

sub write_keys
{
	my ($text, $mode) = @_;
	unlink $keys;
	append_to_file($keys, $text);
	chmod $mode // 0600, $keys;
	return;
}
my %key = map { $_ => unpack 'H*', join '', map { chr int rand 256 } 1 .. 32 } qw(k1 k2 k3);
write_keys("k1:$key{k1}\n");

my $node = PostgreSQL::Test::Cluster->new('totp');
$node->init(allows_streaming => 1);
# No other numbers in the log than those that are looked for.
$node->append_conf('postgresql.conf', qq{
session_preload_libraries = 'spsa'
spsa.encryption_key_file = '$keys'
client_min_messages = warning
log_line_prefix = ''
log_statement = none
log_parameter_max_length_on_error = -1
autovacuum = off
max_connections = 30
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE pay AS SELECT 1 AS id;
	GRANT SELECT ON pay TO regress_spsa_app;
	SELECT spsa_protect('pay');
	SELECT spsa_create_permission_set('pay', activation_required => true), spsa_grant_object('pay', 'pay', '{read}'); });

my (%code, %uri, %sid, %token);	# codes that were used, to be looked for in the log; the others by user

sub open_session
{
	my ($user, $more) = @_;
	my @session = split /\|/, $node->safe_psql('postgres',
		"SELECT session_id, token FROM spsa_open_session('$user', db_role => 'regress_spsa_app'" . ($more // '') . ')');
	return @session;
}

sub step { return int(time / 30); }

# The same, some seconds before it is over. Needed for the edges of the window alone: what is right now is so a step later.
sub settled_step
{
	my $in = time - 30 * step();
	sleep(30.05 - $in) if $in > 15;
	return step();
}

sub code
{
	my ($uri, $step) = @_;
	my ($secret, $algorithm, $digits) = $uri =~ /secret=([A-Z2-7]+)&.*algorithm=(\w+)&digits=(\d)/ or die "no URI: $uri";
	chomp(my $code = `oathtool --totp=\L$algorithm\E -d $digits -b -N \@@{[ $step * 30 ]} $secret`);
	die 'oathtool fails' if $code !~ /^\d+$/;
	$code{$code} = 1;
	return $code;
}

# The rows of an ordinary role with a session, or the error.
sub as_session
{
	my ($token, $sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT FROM spsa_attach_connection('$token');\n$sql",
		extra_params => [ '-U', 'regress_spsa_app' ], on_error_stop => 1);
	return $err =~ /ERROR:  (\w+: .*)/ ? $1 : $out =~ s/^\n+//r;
}

sub step_up
{
	my ($token, $code) = @_;
	my $result = as_session($token, "SELECT spsa_step_up_totp('$code') IS NOT NULL");
	return $result eq 't' ? 'ok' : $result;
}

sub level
{
	my ($token) = @_;
	return as_session($token, "SELECT spsa_session_info()->>'SessionSecurityLevel'");
}

# As if no code had been used, and none had failed.
sub fresh
{
	my ($user) = @_;
	$node->safe_psql('postgres', "UPDATE spsa.totp_counter SET forgiven = attempts, used_step = -1
		WHERE factor_id IN (SELECT factor_id FROM spsa.totp_factor JOIN spsa.app_user USING (user_id) WHERE user_name = '$user')");
	return;
}

sub failures
{
	my ($user) = @_;
	return $node->safe_psql('postgres', "SELECT failures || CASE WHEN locked THEN ' locked' ELSE '' END FROM spsa.user_totp WHERE user_name = '$user' AND confirmed_at IS NOT NULL");
}

my $wrong = '28P01: code is not valid';
my $used = $wrong;	# who tries does not learn which

# A user with a confirmed factor, and a session that has not stepped up.
sub user_with_factor
{
	my ($user, $arguments) = @_;
	$node->safe_psql('postgres', "SELECT spsa_create_user('$user'), spsa_assign('$user', 'pay')");
	($sid{$user}, $token{$user}) = open_session($user);
	$uri{$user} = as_session($token{$user}, 'SELECT spsa_enroll_totp(' . ($arguments // "'Shop'") . ')');
	my $n = step();
	is(as_session($token{$user}, "SELECT spsa_confirm_totp('" . code($uri{$user}, $n) . "')"), '', "$user: confirmed with a code of oathtool");
	fresh($user);
	return;
}

# ---- codes

for my $case ([ 'one', "'Shop'", 'SHA1', 6, 32 ], [ 'two', "'Shop', algorithm => 'SHA256', digits => 8", 'SHA256', 8, 52 ],
	[ 'three', "'Shop', algorithm => 'SHA512'", 'SHA512', 6, 103 ], [ 'four', "'Shop', digits => 8", 'SHA1', 8, 32 ])
{
	my ($user, $arguments, $algorithm, $digits, $length) = @$case;
	user_with_factor($user, $arguments);
	like($uri{$user}, qr{^otpauth://totp/Shop:$user\?secret=[A-Z2-7]{$length}&issuer=Shop&algorithm=$algorithm&digits=$digits&period=30$}, "$user: the URI");
	is(level($token{$user}), 'STANDARD', "$user: confirming raises nothing");
	my $n = step();
	is(step_up($token{$user}, code($uri{$user}, $n)), 'ok', "$user: step-up");
	is(level($token{$user}), 'HIGH_ASSURANCE', "$user: the session is raised");
}
isnt($uri{one}, $uri{four} =~ s/four/one/r =~ s/digits=8/digits=6/r, 'every factor has a secret of its own');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT nonce), count(DISTINCT secret), count(*) FROM spsa.totp_factor}), '4|4|4', 'and a nonce');

user_with_factor('ann');
user_with_factor('ben');
my $n = step();
for my $case ([ -2, $wrong ], [ -1, 'ok' ], [ 0, 'ok' ], [ 1, 'ok' ], [ 2, $wrong ])
{
	my ($offset, $result) = @$case;
	fresh('ann');
	$n = settled_step();
	is(step_up($token{ann}, code($uri{ann}, $n + $offset)), $result, "a code of step $offset");
}
is(step_up($token{ann}, code($uri{ben}, step())), $wrong, 'another user\'s code');

# ---- used once

$n = step();
fresh('ann');
my ($other_sid, $other) = open_session('ann');
is(step_up($token{ann}, code($uri{ann}, $n)), 'ok', 'a code');
is(step_up($token{ann}, code($uri{ann}, $n)), $used, 'again');
is(step_up($other, code($uri{ann}, $n)), $used, 'again, in another session');
is(step_up($other, code($uri{ann}, $n - 1)), $used, 'an earlier one');
is(level($other), 'STANDARD', 'which raises nothing');
is(step_up($other, code($uri{ann}, $n + 1)), 'ok', 'a later one');
$n = step();
fresh('ann');
for my $undo ('BEGIN; SELECT FROM spsa_step_up_totp(\'%s\'); ROLLBACK', 'BEGIN; SAVEPOINT s; SELECT FROM spsa_step_up_totp(\'%s\'); ROLLBACK TO s; COMMIT',
	'DO $$ BEGIN PERFORM spsa_step_up_totp(\'%s\'); PERFORM 1/0; EXCEPTION WHEN OTHERS THEN END $$')
{
	$n = step();
	fresh('ann');
	my ($sid, $token) = open_session('ann');
	my $code = code($uri{ann}, $n);
	unlike(as_session($token, sprintf($undo, $code) . ';'), qr/^\w{5}:/, "stepped up, and undone: $undo");
	is(level($token), 'STANDARD', 'the session is as before');
	is(step_up($token, $code), $used, 'the code is used all the same');
	is($node->safe_psql('postgres', "SELECT count(*) FROM spsa.audit_event WHERE event = 'step_up' AND session_id = '$sid'"), '0', 'there is no audit row of what was undone');
}

# ---- failures

fresh('ann');
my $guess = '000000';
$guess++ while grep { code($uri{ann}, $n + $_) eq $guess } -3 .. 9;
$guess = sprintf '%06d', $guess;
like(as_session($other, "BEGIN; SAVEPOINT s; SELECT spsa_step_up_totp('$guess');"), qr/^28P01/, 'a wrong code, undone by the end of the connection');
is(failures('ann'), '1', 'counts');
as_session($other, 'DO $$ BEGIN FOR i IN 1 .. 3 LOOP BEGIN PERFORM spsa_step_up_totp(\'' . $guess . '\'); EXCEPTION WHEN invalid_password THEN END; END LOOP; RAISE \'undone\'; END $$');
is(failures('ann'), '4', 'so do those in blocks that are undone, in a transaction that is');
$n = step();
is(step_up($other, code($uri{ann}, $n)), 'ok', 'a right one');
is(failures('ann'), '0', 'forgives them');
as_session($other, "DO \$\$ BEGIN FOR i IN 1 .. 9 LOOP BEGIN PERFORM spsa_step_up_totp('$guess'); EXCEPTION WHEN invalid_password THEN END; END LOOP; END \$\$");
is(failures('ann'), '9', 'nine');
$node->safe_psql('postgres', "UPDATE spsa.totp_counter SET used_step = -1");
is(step_up($other, code($uri{ann}, step())), 'ok', 'the tenth may be right');
as_session($other, "DO \$\$ BEGIN FOR i IN 1 .. 30 LOOP BEGIN PERFORM spsa_step_up_totp('$guess'); EXCEPTION WHEN OTHERS THEN END; END LOOP; END \$\$");
is(failures('ann'), '10 locked', 'ten, and no more');
$node->safe_psql('postgres', "UPDATE spsa.totp_counter SET used_step = -1");
my $locked = '55000: the second factor of user "ann" is locked';
is(step_up($other, code($uri{ann}, step())), $locked, 'then a right one is not looked at');
is(step_up($token{ann}, code($uri{ann}, step())), $locked, 'in no session');
is(step_up($token{ben}, code($uri{ben}, step())), 'ok', 'other users go on');
$node->safe_psql('postgres', "BEGIN; SELECT spsa_unlock_user_totp('ann'); ROLLBACK");
is(step_up($other, code($uri{ann}, step())), $locked, 'an unlocking that is undone');
$node->safe_psql('postgres', "SELECT spsa_unlock_user_totp('ann')");
is(failures('ann'), '0', 'unlocked');
is(step_up($other, code($uri{ann}, step())), 'ok', 'a code is right again');
is(step_up($other, $guess), $wrong, 'and another one is not');
is(failures('ann'), '1', 'counted from there');

# An enrolment that is guessed at is void.
my ($eve_sid, $eve) = do { $node->safe_psql('postgres', "SELECT spsa_create_user('eve')"); open_session('eve') };
my $first = as_session($eve, "SELECT spsa_enroll_totp()");
like($first, qr{^otpauth://totp/postgres:eve\?}, 'the issuer is the database by default');
my $eve_code = code($first, step());
my $eve_guess = $eve_code eq '111111' ? '222222' : '111111';
as_session($eve, "DO \$\$ BEGIN FOR i IN 1 .. 10 LOOP BEGIN PERFORM spsa_confirm_totp('$eve_guess'); EXCEPTION WHEN invalid_password THEN END; END LOOP; END \$\$");
is(as_session($eve, "SELECT spsa_confirm_totp('$eve_code')"), '55000: the second factor of user "eve" is locked', 'confirming is limited, too');
is(step_up($eve, $eve_code), '55000: user "eve" has no second factor', 'what is not confirmed does not count');

# A crash does not give attempts back.
fresh('ann');
$n = step();
my $crash = code($uri{ann}, $n);
is(step_up($other, $guess), $wrong, 'a failure');
is(step_up($other, $crash), 'ok', 'a code');
is(step_up($other, $guess), $wrong, 'a failure');
is(step_up($other, $guess), $wrong, 'a failure');
$node->stop('immediate');
$node->start;
is(failures('ann'), '2', 'after a crash: the failures');
is(step_up($other, $crash), $used, 'and the code is used');

# ---- several at once

$n = step();
fresh('ann');
my $race = code($uri{ann}, $n);
my $count = "SELECT (SELECT count(*) FROM spsa.session_authentication), (SELECT sum(attempts) FROM spsa.totp_counter)";
my @before = split /\|/, $node->safe_psql('postgres', $count);
append_to_file("$temp/race.sql", "SELECT FROM spsa_attach_connection('$other');\nSELECT spsa_step_up_totp('$race');\n");
$node->run_log([ 'pgbench', '-n', '-c', 8, '-t', 1, '-U', 'regress_spsa_app', '-f', "$temp/race.sql", '-d', $node->connstr('postgres') ]);
my @after = split /\|/, $node->safe_psql('postgres', $count);
is($after[0] - $before[0], 1, 'of eight backends with one code one wins');
is($after[1] - $before[1], 8, 'and each attempt is counted');
unlink "$temp/race.sql";

# A transaction that is left open keeps nobody waiting.
sub connection
{
	my ($token) = @_;
	my $psql = $node->background_psql('postgres', on_error_stop => 0);
	$psql->query_safe('SET SESSION AUTHORIZATION regress_spsa_app');
	$psql->query_safe("SELECT FROM spsa_attach_connection('$token')");
	return $psql;
}

sub answer
{
	my ($psql, $sql) = @_;
	$psql->{stderr} = '';
	my $out = $psql->query($sql);
	return $psql->{stderr} =~ /ERROR:  (.*)/ ? $1 : $out;
}
$n = step();
fresh('ann');
my ($sid, $token) = open_session('ann');
my $holder = connection($token);
answer($holder, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay');
is(answer($holder, "SELECT spsa_step_up_totp('" . code($uri{ann}, $n) . "') IS NOT NULL"), 't', 'stepped up, in an open transaction');
is(answer($holder, "SELECT spsa_session_info()->>'SessionSecurityLevel'"), 'HIGH_ASSURANCE', 'which has the level');
is(level($token), 'STANDARD', 'others not before it is committed');
is(step_up($other, code($uri{ann}, $n)), $used, 'the code is used');
is(step_up($other, code($uri{ann}, $n + 1)), 'ok', 'the next one is right elsewhere');
is($node->safe_psql('postgres', "SET lock_timeout = '5s'; SELECT spsa_unlock_user_totp('ann'), spsa_reencrypt_totp(), spsa_remove_user_totp('ann'), spsa_close_session('$other_sid')"),
	'f|0|t|t', 'an administrator does not wait');
is(answer($holder, "SELECT spsa_step_up_totp('$guess')"), 'user "ann" has no second factor', 'the open transaction, REPEATABLE READ, knows of the removal');
$holder->quit;

# Of two sessions that confirm, the second one needs the factor of the first; what is replaced does not count any more.
my ($a_sid, $a) = open_session('ann');
my ($b_sid, $b) = open_session('ann');
my %pair = ($a => as_session($a, 'SELECT spsa_enroll_totp()'));
$n = step();
$holder = connection($a);
answer($holder, 'BEGIN');
is(answer($holder, "SELECT spsa_confirm_totp('" . code($pair{$a}, $n) . "')"), '', 'one session confirms, and is not done');
$pair{$b} = as_session($b, 'SELECT spsa_enroll_totp()');
like($pair{$b}, qr/^otpauth:/, 'another one enrolls');
my $second = connection($b);
my $code_b = code($pair{$b}, $n);
$second->query_until(qr/sent/, "\\echo sent\nSELECT spsa_confirm_totp('$code_b');\n");
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE NOT granted}), 'and waits');
is($node->safe_psql('postgres', "SET lock_timeout = '5s'; SELECT spsa_remove_user_totp('ben')"), 't', 'an administrator does not');
answer($holder, 'COMMIT');
$second->query('SELECT 1');
like($second->{stderr}, qr/ERROR:  the session must have security level high_assurance to change the second factor/, 'and is refused when the first one is done');
$holder->quit;
$second->quit;
is(as_session($b, 'SELECT spsa_enroll_totp()'), '42501: the session must have security level high_assurance to change the second factor', 'a standard session does not enroll another');
is(as_session($b, 'SELECT spsa_remove_totp()'), '42501: the session must have security level high_assurance to change the second factor', 'or remove it');
is(step_up($a, code($pair{$a}, step() + 1)), 'ok', 'the first one counts');
my $replacement = as_session($a, 'SELECT spsa_enroll_totp()');
like($replacement, qr/^otpauth:/, 'a session that has stepped up enrolls another');
fresh('ann');
$n = step();
is(step_up($b, code($replacement, $n)), $wrong, 'which does not count yet');
is(as_session($a, "SELECT spsa_confirm_totp('" . code($replacement, $n) . "')"), '', 'confirmed');
fresh('ann');
is(step_up($b, code($pair{$a}, step())), $wrong, 'the old one does not count any more');
is(step_up($b, code($replacement, step())), 'ok', 'the new one does');
$uri{ann} = $replacement;
$token{ann} = $a;

# An administrator enrolls: any session of the user confirms, and what was there counts until then.
my $issued = $node->safe_psql('postgres', "SELECT spsa_enroll_user_totp('ann', 'Shop', 'ann at work')");
like($issued, qr{^otpauth://totp/Shop:ann%20at%20work\?}, 'an administrator enrolls');
my ($c_sid, $c) = open_session('ann');
fresh('ann');
$n = step();
is(as_session($c, "SELECT spsa_confirm_totp('" . code($uri{ann}, $n) . "')"), $wrong, 'with a code of the old one it is not confirmed');
is(as_session($c, "SELECT spsa_confirm_totp('" . code($issued, $n) . "')"), '', 'a standard session confirms');
fresh('ann');
is(step_up($c, code($uri{ann}, $n)), $wrong, 'the old one is gone');
is(step_up($c, code($issued, $n)), 'ok', 'the new one counts');
$uri{ann} = $issued;
is($node->safe_psql('postgres', "SELECT count(*) FROM spsa.user_totp WHERE user_name = 'ann'"), '1', 'nothing else is left');

# ---- what it is for

$node->safe_psql('postgres', "SELECT spsa_set_activation_rule('pay', min_security_level => 'high_assurance', max_authentication_age => '1 hour')");
my ($d_sid, $d) = open_session('ann');
$holder = connection($d);
my $denied = 'the activation rule of permission set "pay" is not met: ';
is(answer($holder, "SELECT already_active FROM spsa_activate_own('pay')"), $denied . 'min_security_level', 'before');
answer($holder, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay');
fresh('ann');
is(step_up($d, code($uri{ann}, step())), 'ok', 'stepped up in another backend');
is(answer($holder, "SELECT already_active FROM spsa_activate_own('pay'); SELECT count(*) FROM pay"), "f\n1", 'after, at the next statement, REPEATABLE READ');
answer($holder, 'COMMIT');
answer($holder, "SELECT spsa_deactivate_own('pay')");
$node->safe_psql('postgres', "SELECT spsa_set_activation_rule('pay', max_authentication_age => '1 second'), pg_sleep(1.1)");
is(answer($holder, "SELECT already_active FROM spsa_activate_own('pay')"), $denied . 'max_authentication_age', 'when the age has passed');
is(answer($holder, 'SELECT count(*) FROM pay'), '0', 'and nothing is seen');
fresh('ann');
is(step_up($d, code($uri{ann}, step())), 'ok', 'stepped up again');
$node->safe_psql('postgres', "SELECT spsa_set_activation_rule('pay', max_authentication_age => '1 hour')");
is(answer($holder, "SELECT already_active FROM spsa_activate_own('pay')"), 'f', 'it is allowed again');
$holder->quit;

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
my $unusable = 'F0000: the file of encryption keys cannot be used';
fresh('ann');
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
		unlink "$temp/bench.sql";
		append_to_file("$temp/bench.sql", "SET log_statement = '$log';\nSET SESSION AUTHORIZATION regress_spsa_app;\nSELECT FROM spsa_attach_connection('$s');\nSELECT spsa_step_up_totp(:code::text);\nSELECT spsa_step_up_totp(:code::text);\n");
		$node->run_log([ 'pgbench', '-n', '-t', 1, '-M', $mode, '-D', "code=$code", '-f', "$temp/bench.sql", '-d', $node->connstr('postgres') ]);
	}
}
my ($l_sid, $l) = open_session('eve');
as_session($l, 'SELECT enroll()');
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
my @secrets = (values %key, map { /secret=(\w+)/ } values %uri, $first, $replacement, $issued);
is(scalar(grep { index($log, substr $_, 0, 16) >= 0 } @secrets), 0, 'no key and no secret in the log');
my $dump = join '', @dump;
is(scalar(grep { index($dump, substr $_, 0, 16) >= 0 } @secrets), 0, 'nor in a dump');
unlike($dump, qr/COPY spsa\.(totp|session_auth)/, 'which has no factors');

done_testing();
