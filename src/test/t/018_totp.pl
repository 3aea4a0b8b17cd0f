# Second factors: codes of oathtool, what ROLLBACK and crashes do not undo, several backends at once, and what a step-up is for.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Totp;

start_node();

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

# All in one transaction, by one statement.
$node->safe_psql('postgres', "SELECT spsa_create_user('tom')");
my ($tom_sid, $tom) = open_session('tom');
is(as_session($tom, q{SELECT spsa_confirm_totp(CASE WHEN spsa_enroll_totp() LIKE 'otpauth:%' THEN 'none' END)}), $wrong, 'a factor of the same statement is found');

# ---- used once

$n = step();
fresh('ann');
my ($other_sid, $other) = open_session('ann');
is(step_up($token{ann}, code($uri{ann}, $n)), 'ok', 'a code');
is(step_up($token{ann}, code($uri{ann}, $n)), $wrong, 'again');
is(step_up($other, code($uri{ann}, $n)), $wrong, 'again, in another session');
is(step_up($other, code($uri{ann}, $n - 1)), $wrong, 'an earlier one');
is(level($other), 'STANDARD', 'which raises nothing');
is(step_up($other, code($uri{ann}, $n + 1)), 'ok', 'a later one');
for my $undo ('BEGIN; SELECT FROM spsa_step_up_totp(\'%s\'); ROLLBACK', 'BEGIN; SAVEPOINT s; SELECT FROM spsa_step_up_totp(\'%s\'); ROLLBACK TO s; COMMIT',
	'DO $$ BEGIN PERFORM spsa_step_up_totp(\'%s\'); PERFORM 1/0; EXCEPTION WHEN OTHERS THEN END $$')
{
	$n = step();
	fresh('ann');
	my ($sid, $token) = open_session('ann');
	my $code = code($uri{ann}, $n);
	unlike(as_session($token, sprintf($undo, $code) . ';'), qr/^\w{5}:/, "stepped up, and undone: $undo");
	is(level($token), 'STANDARD', 'the session is as before');
	is(step_up($token, $code), $wrong, 'the code is used all the same');
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
is(step_up($other, $crash), $wrong, 'and the code is used');

# ---- several at once

$n = step();
fresh('ann');
my $file = $node->basedir . '/race.sql';
my $race = code($uri{ann}, $n);
my $count = "SELECT (SELECT count(*) FROM spsa.session_authentication), (SELECT sum(attempts) FROM spsa.totp_counter)";
my @before = split /\|/, $node->safe_psql('postgres', $count);
append_to_file($file, "SELECT FROM spsa_attach_connection('$other');\nSELECT spsa_step_up_totp('$race');\n");
$node->run_log([ 'pgbench', '-n', '-c', 8, '-t', 1, '-U', 'regress_spsa_app', '-f', $file, '-d', $node->connstr('postgres') ]);
my @after = split /\|/, $node->safe_psql('postgres', $count);
is($after[0] - $before[0], 1, 'of eight backends with one code one wins');
is($after[1] - $before[1], 8, 'and each attempt is counted');
unlink $file;

# A transaction that is left open keeps nobody waiting.
$n = step();
fresh('ann');
my ($sid, $token) = open_session('ann');
my $holder = connection($token);
answer($holder, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay');
is(answer($holder, "SELECT spsa_step_up_totp('" . code($uri{ann}, $n) . "') IS NOT NULL"), 't', 'stepped up, in an open transaction');
is(answer($holder, "SELECT spsa_session_info()->>'SessionSecurityLevel'"), 'HIGH_ASSURANCE', 'which has the level');
is(level($token), 'STANDARD', 'others not before it is committed');
is(step_up($other, code($uri{ann}, $n)), $wrong, 'the code is used');
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

$node->stop;
done_testing();
