# Totp.pm - what the tests of second factors share: a server with a file of keys, codes of oathtool, sessions of an ordinary role.
#
#     start_node();                       # $node; a set pay, which needs activation
#     user_with_factor('ann');            # $uri{ann}, and a session: $sid{ann}, $token{ann}
#     step_up($token{ann}, code($uri{ann}, step()));      # 'ok', or the error
#     fresh('ann');                       # as if no code had been used, and none had failed

package Totp;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_node write_keys open_session step settled_step code as_session step_up level fresh failures user_with_factor
  connection answer $node $keys $wrong %key %code %uri %sid %token);

plan skip_all => 'oathtool is missing' if system('command -v oathtool >/dev/null 2>&1') != 0;

our $keys;	# the file

sub write_keys
{
	my ($text, $mode) = @_;
	unlink $keys;
	append_to_file($keys, $text);
	chmod $mode // 0600, $keys;
	return;
}
our %key = map { $_ => unpack 'H*', join '', map { chr int rand 256 } 1 .. 32 } qw(k1 k2 k3);

our $node;
our $wrong = '28P01: code is not valid';	# who tries does not learn whether it was right before
our (%code, %uri, %sid, %token);	# codes that were made; the others by user

sub start_node
{
	$node = PostgreSQL::Test::Cluster->new('totp');
	$keys = $node->basedir . '/keys';
	write_keys("k1:$key{k1}\n");
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
	return $node;
}

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

# A connection that stays, attached.
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

1;
