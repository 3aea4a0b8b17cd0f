# A library that is of another version than the extension in the database gives no access, and says what to do: after the
# package was updated until ALTER EXTENSION spsa UPDATE, and in backends that had loaded the old library, after that.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Versions;
use Wire;

my $node = PostgreSQL::Test::Cluster->new('version');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = warning\n");
$node->start;
my $versions = Versions->new($node);
plan skip_all => 'this PostgreSQL has no extension_destdir' if !$versions;
my $old = $versions->current;
$versions->preload($old);
(my $new = $old) =~ s/(\d)$/($1 + 1) % 10/e;
$versions->add_script($new, $versions->install_script);
$versions->add_script("$old--$new", "INSERT INTO spsa.app_user (user_name) VALUES ('from_update');\n");
my $setup = q{
	CREATE TABLE account AS SELECT i AS id, i AS salary, 'r' || i AS region FROM generate_series(1, 4) i;
	CREATE FUNCTION secret() RETURNS integer LANGUAGE sql AS 'SELECT 9';
	CREATE SEQUENCE counter;
	SELECT spsa_protect('account', '{region}'), spsa_protect_field('account', 'salary'), spsa_protect('counter'), spsa_protect_function('secret()'),
		spsa_create_user('ann', db_role => 'regress_spsa_app'), spsa_create_permission_set('base'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_create_masked_view('account', 'masked');
	GRANT SELECT ON account, masked, counter TO regress_spsa_app;
	SELECT spsa_grant_object('base', 'account', '{read}'), spsa_grant_field('base', 'account', 'salary', '{read}'), spsa_grant_object('base', 'counter', '{read}'),
		spsa_grant_function('base', 'secret()'), spsa_grant_object('gated', 'account', '{read}'), spsa_grant_rows('base', 'account', 'region', '{r1,r2}');
	SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'gated'); };
$node->safe_psql('postgres', "CREATE EXTENSION spsa; CREATE ROLE regress_spsa_app LOGIN; $setup");
my ($session, $token) = split /\|/, $node->safe_psql('postgres', q{SELECT session_id, token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')});

sub refused { my ($database, $library) = @_; return "extension spsa is of version $database in this database, but the library that is loaded is of version $library"; }

my $seen = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM account";
sub connection
{
	my ($mode) = @_;
	my $psql = $node->background_psql('postgres', on_error_stop => 0);
	$psql->query_safe("SET SESSION AUTHORIZATION regress_spsa_app; SET plan_cache_mode = $mode; PREPARE seen AS $seen");
	return $psql;
}
sub answer
{
	my ($psql, $sql) = @_;
	$psql->{stderr} = '';
	my $out = $psql->query($sql);
	return $psql->{stderr} =~ /ERROR:\s+(.*)/ ? $1 : $out;
}

# What an ordinary role and a superuser get that connect now.
sub fresh
{
	my ($sql, $role) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', ($role // 1 ? 'SET SESSION AUTHORIZATION regress_spsa_app;' : '') . $sql, on_error_stop => 1);
	return $ret == 0 ? $out : $err =~ /ERROR:\s+(.*)/ ? $1 : $err;
}

my %before = map { $_ => connection($_) } qw(force_generic_plan force_custom_plan);
for my $mode (sort keys %before)
{
	$before{$mode}->query_safe("SELECT FROM spsa_attach_connection('$token')");
	is(answer($before{$mode}, 'EXECUTE seen'), '1 2', "both of one version: $mode");
}
my $wire = Wire->new($node, 'regress_spsa_app');
$wire->run('SELECT FROM spsa_attach_connection($1)', $token);
$wire->parse('seen', $seen)->bind('', 'seen')->execute('')->sync->answers;
my $idle = connection('auto');

# An update that is rolled back changes nothing.
$versions->set_default($new);
$node->safe_psql('postgres', 'BEGIN; ALTER EXTENSION spsa UPDATE; ROLLBACK');
is(answer($before{force_generic_plan}, 'EXECUTE seen'), '1 2', 'an update that is rolled back');
my $updater = $node->background_psql('postgres', on_error_stop => 0);
$updater->query_safe("BEGIN; ALTER EXTENSION spsa UPDATE");
is(answer($before{force_generic_plan}, 'EXECUTE seen'), '1 2', 'one that is not committed yet');
is(answer($updater, "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$token')"), refused($new, $old), 'within its transaction: refused');
answer($updater, 'ROLLBACK');
is(answer($updater, "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); $seen"), '1 2', 'rolled back: as before');
$updater->quit;

# The extension is updated; these backends have the old library, and so has whoever connects while no new one is installed.
$node->safe_psql('postgres', 'ALTER EXTENSION spsa UPDATE');
is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'spsa'"), $new, 'updated, with the old library loaded');
my $refused = refused($new, $old);
is(answer($before{$_}, 'EXECUTE seen'), $refused, "old library, prepared: $_") for sort keys %before;
is(answer($before{force_generic_plan}, $_), $refused, "old library: $_")
  for $seen, 'SELECT salary FROM account', 'SELECT * FROM masked', 'SELECT secret()', 'SELECT last_value FROM counter', 'SELECT spsa_session_id()', "SELECT spsa_allows('account', 'read')",
  "SELECT spsa_activate_own('gated')", "SELECT spsa_close_session('$session')", "SELECT spsa_attach_connection('$token')";
is(($wire->bind('', 'seen')->execute('')->sync->answers)[0] . ' ' . $wire->error, "55000 $refused", 'old library: extended protocol');
is(answer($idle, "SELECT spsa_attach('$token')"), $refused, 'old library: attaching');
is(answer($idle, $seen), '', 'old library: no session, no rows');
is(answer($idle, 'SELECT secret()'), 'permission denied to call public.secret()', 'nor functions');
my ($ret, $out, $err) = $node->psql('postgres', "SELECT spsa_create_user('bob')");
like($err, qr/ERROR:  \Q$refused\E\nHINT:  If the library is newer, run ALTER EXTENSION spsa UPDATE\. If the extension is newer, connect again, or restart/, 'old library: administration, and the hint');
is(fresh($_, 0), $refused, "old library: $_") for "SELECT spsa_assign('ann', 'gated', '2200-01-01')", "INSERT INTO spsa.app_user (user_name) VALUES ('x')", "SELECT spsa_open_session('ann')",
  "SELECT spsa_unprotect('account')", "SELECT spsa_revoke_assignment('ann', 'base')", "SELECT spsa_activate('$session', 'gated')", "SELECT FROM spsa_activation_readiness('$session', 'gated')",
  'DELETE FROM spsa.assignment';
is(fresh('SELECT 1 + 1', 0), '2', 'old library: what has nothing to do with spsa goes on');
is(fresh('SELECT count(*) FROM pg_class WHERE false'), '0', 'for ordinary roles, too');
is(fresh('SELECT count(*) FROM account', 0), '4', 'a superuser is exempt as ever');

# The new library, for whoever connects now.
$versions->set_library($new);
is(fresh("SELECT FROM spsa_attach_connection('$token'); $seen"), '1 2', 'new library: the session lives on');
is(fresh("SELECT FROM spsa_attach_connection('$token'); SELECT sum(salary), secret() FROM account; SELECT last_value FROM counter"), "3|9\n1", 'with all that is granted');
is(fresh("SELECT spsa_create_user('bob')", 0) =~ /^\d+$/, 1, 'new library: administration');
is(answer($before{force_generic_plan}, 'EXECUTE seen'), $refused, 'a backend that has the old one still refuses');
$before{$_}->quit for keys %before;
$idle->quit;
$wire->disconnect;

# The other way round: the package is updated, and the extension of a database is not yet.
$node->safe_psql('postgres', 'CREATE DATABASE later');
$node->safe_psql('later', "CREATE EXTENSION spsa VERSION '$old'");
$refused = refused($old, $new);
sub later { my ($ret, $out, $err) = $node->psql('later', $_[0], on_error_stop => 1); return $ret == 0 ? $out : $err =~ /ERROR:\s+(.*)/ ? $1 : $err; }
is(later($_), $refused, "old extension: $_") for "SELECT spsa_create_user('ann')", "INSERT INTO spsa.permission_set (set_name) VALUES ('x')";
is(later('CREATE TABLE account (id int); DROP TABLE account; SELECT count(*) FROM spsa.app_user'), '0', 'old extension: DDL and reading go on');
is(later('ALTER EXTENSION spsa UPDATE; SELECT extversion FROM pg_extension WHERE extname = $$spsa$$'), $new, 'ALTER EXTENSION spsa UPDATE');
is(later("$setup; SELECT count(*) FROM spsa.app_user") =~ /2\z/, 1, 'and all of it works');
is(later('DROP EXTENSION spsa CASCADE; DROP TABLE account; DROP FUNCTION secret(); DROP SEQUENCE counter; CREATE EXTENSION spsa; SELECT spsa_create_user($$ann$$)'), '1', 'dropped and made anew');

done_testing();
