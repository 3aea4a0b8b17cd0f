# pg_upgrade --link: everything lives on in the new cluster, sessions and their tokens, activations and history included.
# (To a cluster of the same major version, which pg_upgrade treats like any other.)

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->append_conf('postgresql.conf', "client_min_messages = warning\nsession_preload_libraries = spsa\n");
$old->start;
$old->safe_psql('postgres', q{
	CREATE ROLE regress_spsa_owner;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE DATABASE app;
	CREATE DATABASE other; });
$old->safe_psql('app', q{
	CREATE SCHEMA tools;
	CREATE EXTENSION spsa SCHEMA tools;
	GRANT USAGE ON SCHEMA tools TO PUBLIC;
	ALTER DATABASE app SET search_path = tools, public;
	SET search_path = tools, public;
	GRANT CREATE ON SCHEMA public TO regress_spsa_owner;
	CREATE TYPE public.region AS ENUM ('r1', 'r2', 'r3', 'r4');
	CREATE TYPE public.money_of AS (amount integer);
	CREATE TABLE account AS SELECT i AS id, ('r' || i)::region AS region, 10 * i AS salary FROM generate_series(1, 4) i;
	ALTER TABLE account SET SCHEMA public;
	ALTER TABLE account ADD COLUMN gone integer, ADD COLUMN owner_id integer;
	ALTER TABLE account DROP COLUMN gone;
	UPDATE account SET owner_id = id % 2;
	ALTER TABLE account OWNER TO regress_spsa_owner;
	CREATE TABLE public.parted (id integer, area text) PARTITION BY LIST (id);
	CREATE TABLE public.parted_1 PARTITION OF parted FOR VALUES IN (1, 2);
	INSERT INTO parted VALUES (1, 'a'), (2, 'b');
	CREATE FUNCTION public.secret(money_of) RETURNS integer LANGUAGE sql AS 'SELECT ($1).amount';
	CREATE SEQUENCE public.counter;
	CREATE FUNCTION public.is_ann(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
	SELECT spsa_protect('account', '{region,owner_id}'), spsa_protect_field('account', 'salary'), spsa_create_masked_view('account', 'public.masked'),
		spsa_protect('parted', '{area}'), spsa_protect('counter'), spsa_protect_function('secret(money_of)');
	GRANT SELECT ON account, masked, parted, parted_1, counter TO regress_spsa_app;
	SELECT spsa_create_user('ann', '{"no": 1}', 'regress_spsa_app'), spsa_create_permission_set('base'), spsa_create_permission_set('gated', activation_required => true),
		spsa_create_permission_set('team', kind => 'group');
	SELECT spsa_grant_object('base', 'account', '{read}'), spsa_grant_rows('base', 'account', 'owner_id', attribute => 'no'),
		spsa_grant_object('gated', 'account', '{read}'), spsa_grant_rows('gated', 'account', 'region', '{r2,r3}'), spsa_grant_field('gated', 'account', 'salary', '{read}'),
		spsa_grant_object('gated', 'parted', '{read}'), spsa_grant_rows('gated', 'parted', 'area', '{a}'), spsa_grant_object('gated', 'counter', '{read}'), spsa_grant_function('gated', 'secret(money_of)');
	SELECT spsa_add_group_member('team', 'gated'), spsa_assign('ann', 'base'), spsa_assign('ann', 'team');
	SELECT spsa_set_activation_rule('gated', max_duration => '1 hour', reason_required => true);
	SELECT spsa_partition_audit('month', ahead => 2);
	SELECT spsa_create_flow('morning', criterion => 'is_ann(uuid)'), spsa_add_flow_step('morning', 'deactivate', 'gated'); });

my ($session, $token) = split /\|/, $old->safe_psql('app', "SELECT session_id, token FROM spsa_open_session('ann', idle_timeout => '1 day', db_role => 'regress_spsa_app')");
my ($plain, $plain_token) = split /\|/, $old->safe_psql('app', "SELECT session_id, token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')");
my ($closed, $closed_token) = split /\|/, $old->safe_psql('app', "SELECT session_id, token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')");
my $rotated = $old->safe_psql('app', "SELECT spsa_rotate_token('$plain')");
$old->safe_psql('app', "SELECT spsa_close_session('$closed'); SELECT spsa_activate('$session', 'gated', reason => 'test')");

# All that a token gives.
sub seen
{
	my ($node, $token) = @_;
	my ($ret, $out, $err) = $node->psql('app', "SET SESSION AUTHORIZATION regress_spsa_app; SELECT FROM spsa_attach_connection('$token');
		SELECT string_agg(id::text, ' ' ORDER BY id) FROM account; SELECT sum(salary) FROM account; SELECT string_agg(m::text, ' ' ORDER BY id) FROM masked m;
		SELECT * FROM parted; SELECT * FROM parted_1; SELECT last_value FROM counter; SELECT secret(ROW(7)::money_of); SELECT spsa_session_info() -> 'EffectiveSets'", on_error_stop => 0);
	return "$out\n$err" =~ s/^psql:<stdin>:\d+: //gmr;
}
my $tables = q{SELECT format('SELECT %L, t FROM %s t ORDER BY t::text', relname, oid::regclass) FROM pg_class WHERE relnamespace = 'spsa'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1 \gexec};
my %before = map { $_ => seen($old, $_) } $token, $rotated, $plain_token, $closed_token;
like($before{$token}, qr/^1 2 3\n60\n\(1,r1,10,1\) \(2,r2,20,0\) \(3,r3,30,1\)\n1\|a\n1\|a\n1\n7\n\["base", "team", "gated"\]\n\z/, 'before: an active set gives all its kinds of permissions') or diag $before{$token};
like($before{$rotated}, qr/^1 3\n.*permission denied to read field "salary"/s, 'before: another session, by its new token, does not have it');
like($before{$_}, qr/session is not valid/, 'before: replaced, closed') for $plain_token, $closed_token;
my $rows = $old->safe_psql('app', $tables);
my $head = $old->safe_psql('app', 'SELECT spsa_audit_head()');
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', "client_min_messages = warning\nsession_preload_libraries = spsa\n");
my $bin = $new->config_data('--bindir');
chdir $PostgreSQL::Test::Utils::tmp_check or die $!;
$new->command_ok([ 'pg_upgrade', '--no-sync', '--link', '-b', $bin, '-B', $bin, '-d', $old->data_dir, '-D', $new->data_dir, '-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade --link');
$new->start;

is($new->safe_psql('app', $tables), $rows, 'all rows of all tables are there');
is(seen($new, $token), $before{$token}, 'the same token gives the same');
is(seen($new, $rotated), $before{$rotated}, 'and the one that has replaced another');
is(seen($new, $_), $before{$_}, 'which is worth as little as before') for $plain_token, $closed_token;
is($new->safe_psql('app', "SELECT * FROM spsa_verify_audit('$head')"), '', 'the history is intact');
is($new->safe_psql('app', 'SELECT max(transaction_id) < pg_current_xact_id() FROM spsa.audit_event'), 't', 'and numbers of transactions go on');
is($new->safe_psql('app', "SELECT string_agg(concat(evtname, evtenabled), ' ' ORDER BY 1) FROM pg_event_trigger; SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A' AND tgparentid = 0"),
	"spsa_before_ddlA spsa_on_ddlA spsa_on_sql_dropA\n" . $new->safe_psql('other', "CREATE EXTENSION spsa; CREATE TABLE t1 (); CREATE TABLE t2 () INHERITS (t1); CREATE TABLE t3 (); SELECT FROM spsa_protect('t1'); SELECT FROM spsa_protect('t3');
		SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A' AND tgparentid = 0"), 'triggers are enabled as after CREATE EXTENSION');

# What changes is heard by whoever is connected, and events go on in the chain.
my $psql = $new->background_psql('app', on_error_stop => 0);
$psql->query_safe("SET SESSION AUTHORIZATION regress_spsa_app; PREPARE seen AS SELECT string_agg(id::text, ' ' ORDER BY id) FROM account; SELECT FROM spsa_attach_connection('$token')");
is($psql->query('EXECUTE seen'), '1 2 3', 'attached');
$new->safe_psql('app', "SELECT * FROM spsa_deactivate('$session', 'gated')");
is($psql->query('EXECUTE seen'), '1 3', 'deactivated');
$new->safe_psql('app', "SELECT spsa_activate('$session', 'gated', reason => 'again')");
is($psql->query('EXECUTE seen'), '1 2 3', 'activated');
$new->safe_psql('app', "SELECT spsa_close_session('$session')");
$psql->query('EXECUTE seen');
like($psql->{stderr}, qr/session is not valid/, 'closed');
eval { $psql->quit };
my $later = $new->safe_psql('app', 'SELECT spsa_audit_head()');
is($new->safe_psql('app', "SELECT * FROM spsa_verify_audit('$_')"), '', 'the history goes on') for $head, $later;
$new->safe_psql('app', "DELETE FROM spsa.audit_event WHERE event_id = (SELECT max(event_id) FROM spsa.audit_event WHERE event = 'deactivate')");
isnt($new->safe_psql('app', "SELECT * FROM spsa_verify_audit('$later')"), '', 'and what is missing in it shows');

# What was protected is guarded.
$new->command_fails_like([ 'psql', '-X', '-d', $new->connstr('app'), '-c', 'DROP POLICY spsa_read ON account' ], qr/cannot drop policy/, 'policies are guarded');
$new->safe_psql('app', 'CREATE TABLE public.parted_2 PARTITION OF parted DEFAULT; ALTER TABLE account RENAME salary TO pay');
is($new->safe_psql('app', "SELECT root, (SELECT string_agg(field, ' ') FROM spsa.protected_field) FROM spsa.protected_object WHERE object = 'parted_2'::regclass"), 'parted|pay', 'a new partition is protected, a field renamed');

done_testing();
