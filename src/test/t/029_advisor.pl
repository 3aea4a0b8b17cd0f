# spsa_check(): findings that need another configuration of the server, files, or another version. Each is produced, its remedy is
# run as it is, and then it is gone.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Versions;

my $node = PostgreSQL::Test::Cluster->new('advisor');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = warning\nautovacuum = off\nlog_statement = none\n");

# The server with these settings besides, and nothing of the last ones.
my $conf = slurp_file($node->data_dir . '/postgresql.conf');
sub configure
{
	my ($settings) = @_;
	PostgreSQL::Test::Utils::append_to_file($node->data_dir . '/postgresql.conf.new', "$conf\n$settings\n");
	rename $node->data_dir . '/postgresql.conf.new', $node->data_dir . '/postgresql.conf' or die $!;
	$node->restart;
	return;
}

my $database = 'postgres';
sub found
{
	my ($where, $role) = @_;
	return $node->safe_psql($database, ($role ? "SET SESSION AUTHORIZATION $role; " : '')
		. "SELECT severity || ': ' || object || ': ' || problem FROM spsa_check() WHERE $where");
}

# What is found, and that the remedies take it away. Each runs in a connection of its own, as psql's \gexec would do.
sub finding
{
	my ($where, $expected, $name) = @_;
	is(found($where), $expected, "$name: found");
	for my $remedy (split /\n/, $node->safe_psql($database, "SELECT remedy FROM spsa_check() WHERE $where"))
	{
		my ($ret, $out, $err) = $node->psql($database, $remedy);
		ok($ret == 0 || $remedy =~ /pg_terminate_backend/, "$name: $remedy") or diag($err);
	}
	return;
}
sub gone { my ($where, $name) = @_; return is(found($where), '', "$name: gone"); }

$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_admin LOGIN;
	SELECT spsa_grant_administration('regress_spsa_admin'); });

# ---- what is preloaded, and logged

my $about = "object = 'postgres'";
my $absent = 'info: postgres: the library spsa is not preloaded: the log of connections that have not used it yet shows tokens';
sub logs { return "warning: postgres: $_[0] logs values of parameters, tokens among them, of connections without the library"; }

configure('');
is(found($about), $absent, 'nothing is preloaded, and no statement logged');
is(found($about, 'regress_spsa_admin'), '', 'who may not read these settings is told nothing of them');
$node->safe_psql('postgres', 'GRANT pg_read_all_settings TO regress_spsa_admin');
is(found($about, 'regress_spsa_admin'), $absent, 'who may is told');
for my $logged ("log_statement = 'mod'", 'log_min_duration_statement = 0', "log_min_duration_sample = 0\nlog_statement_sample_rate = 0.5")
{
	configure($logged);
	finding("$about AND severity = 'warning'", logs('log_parameter_max_length'), $logged);
	gone("$about AND severity = 'warning'", $logged);
	$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL');
}
configure("log_statement = 'all'\nlog_parameter_max_length = 0");
is(found("$about AND severity = 'warning'"), '', 'statements without parameters');
configure('log_parameter_max_length_on_error = 100');
finding("$about AND severity = 'warning'", logs('log_parameter_max_length_on_error'), 'parameters of errors');
gone("$about AND severity = 'warning'", 'parameters of errors');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL');

configure('');
$node->safe_psql('postgres', 'ALTER ROLE CURRENT_USER SET session_preload_libraries = spsa');
finding($about, $absent, 'preloaded for one role alone');
$node->safe_psql('postgres', 'ALTER ROLE CURRENT_USER RESET ALL');
gone($about, 'preloaded for the database');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL');
configure("session_preload_libraries = 'auto_explain'");
finding($about, $absent, 'another one is preloaded');
is($node->safe_psql('postgres', "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0"), '{"session_preload_libraries=auto_explain, spsa"}',
	'others stay preloaded');
gone($about, 'another one is preloaded');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL');
for my $preload ("shared_preload_libraries = 'spsa'", "session_preload_libraries = 'auto_explain, spsa'", "shared_preload_libraries = 'auto_explain,\$libdir/spsa.so'")
{
	configure("$preload\nlog_statement = all\nlog_parameter_max_length_on_error = -1");
	is(found($about), '', "$preload: nothing to be said, whatever is logged");
}

# Hooks are needed, and the next connections have none.
$node->safe_psql('postgres', q{CREATE TABLE loud (id integer); SELECT spsa_protect('loud', on_denied => 'error')});
configure('');
finding($about, 'error: postgres: the library spsa is not preloaded: new connections do not guard views, sequences, functions and fields', 'hooks are needed');
gone($about, 'hooks are needed');
$node->safe_psql('postgres', q{SELECT spsa_unprotect('loud'); ALTER DATABASE postgres RESET ALL});

# ---- the file of encryption keys

my $keys = $node->basedir . "/it's keys";
my %key = map { $_ => unpack 'H*', join '', map { chr int rand 256 } 1 .. 32 } qw(k1 k2);
sub write_keys
{
	my ($text, $mode) = @_;
	unlink $keys;
	append_to_file($keys, $text);
	chmod $mode // 0600, $keys;
	return;
}
my $file = "object IN ('spsa.encryption_key_file', 'spsa.totp_factor')";
sub unusable { return "error: spsa.encryption_key_file: no second factor can be used: of the file of encryption keys, $_[0]"; }
(my $quoted = $keys) =~ s/'/''/g;
my $configured = "session_preload_libraries = spsa\nspsa.encryption_key_file = '$quoted'";
configure('session_preload_libraries = spsa');
is(found($file), '', 'no file of keys, and no factor');
write_keys("k1:$key{k1}\n");
configure($configured);
is(found($file), '', 'a file of keys');
$node->safe_psql('postgres', "SELECT spsa_create_user(n), spsa_enroll_user_totp(n) FROM unnest('{ann,bob}'::text[]) n");
is(found($file), '', 'with factors');
for my $mode (0640, 0602)
{
	chmod $mode, $keys;
	finding($file, unusable('it has group or world access; its permissions must be u=rw (0600) or less, or u=rw,g=r (0640) if root owns it'), sprintf 'mode %o', $mode);
	gone($file, sprintf 'mode %o', $mode);
	is((stat $keys)[2] & 07777, 0600, 'the server\'s user alone may read it');
}
write_keys("k1=$key{k1}\n");
is(found($file), unusable('line 1 is not "key_id:64 hexadecimal digits", names a key again, or is one too many'), 'malformed');
write_keys('');
is(found($file), unusable('it has no key'), 'empty');
unlink $keys;
is(found($file, 'regress_spsa_admin'), '', 'who is no superuser is told nothing of the file');
unlike($node->safe_psql('postgres', "SELECT f FROM spsa_check() f WHERE $file AND problem ~ 'keys\$|/'"), qr/\Q$keys\E/, 'no name of the file in what is found');
finding($file, unusable('No such file or directory'), 'no such file');
$node->reload;
ok($node->poll_query_until('postgres', "SELECT current_setting('spsa.encryption_key_file') = ''"), 'the setting is taken back with the next reload');
finding($file, 'error: spsa.totp_factor: second factors that cannot be used until their key k1 is there again: 2', 'no file, and factors');
gone($file, 'no file, and factors');
is($node->safe_psql('postgres', 'SELECT count(*) FROM spsa.user_totp'), '0', 'they are removed');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET spsa.encryption_key_file');
write_keys("k1:$key{k1}\n");
configure($configured);
$node->safe_psql('postgres', "SELECT spsa_enroll_user_totp('ann')");
write_keys("k2:$key{k2}\nk1:$key{k1}\n");
$node->safe_psql('postgres', "SELECT spsa_enroll_user_totp('bob')");
is(found($file), '', 'an older key is there');
write_keys("k2:$key{k2}\n");
is(found($file, 'regress_spsa_admin'), '', 'who is no superuser is told nothing of the keys');
finding($file, 'error: spsa.totp_factor: second factors that cannot be used until their key k1 is there again: 1', 'a key is missing');
gone($file, 'a key is missing');
is($node->safe_psql('postgres', "SELECT user_name, key_id FROM spsa.user_totp"), 'bob|k2', 'others are left alone');
$node->stop;

# ---- versions

$node = PostgreSQL::Test::Cluster->new('advisor_version');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = warning\n");
$node->start;
SKIP:
{
	my $versions = Versions->new($node);
	skip 'this PostgreSQL has no extension_destdir', 1 if !$versions;
	my $old = $versions->current;
	(my $new = $old) =~ s/(\d)$/($1 + 1) % 10/e;
	my $version = "object = 'spsa' AND problem ~ 'version'";
	sub refused { my ($extension, $library) = @_; return "error: spsa: the extension is of version $extension, but the library that is loaded is of version $library: nobody has access"; }
	$versions->preload($old);
	$node->safe_psql('postgres', 'CREATE EXTENSION spsa');
	is(found($version), '', 'all of one version');
	$versions->add_script($new, $versions->install_script);
	$versions->set_default($new);
	is(found($version), '', 'a new one to which no way leads');
	$versions->add_script("$old--$new", "SELECT 1;\n");
	finding($version, "info: spsa: version $new is available, and the extension is of version $old", 'an update');
	finding($version, refused($new, $old), 'a connection with the old library');
	is(found($version), refused($new, $old), 'as long as the new one is not there');
	$versions->set_library($new);
	gone($version, 'the new library');
	$node->safe_psql('postgres', 'CREATE DATABASE later');
	$database = 'later';
	$node->safe_psql('later', "CREATE EXTENSION spsa VERSION '$old'");
	finding($version, refused($old, $new), 'a database with the old extension');
	gone($version, 'a database with the old extension');
}

done_testing();
