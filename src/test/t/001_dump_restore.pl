# A dump of a database carries the configuration to an empty server: the same access for everybody.  Sessions,
# activations, secrets and history stay behind.

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Rows that the policies let a user see, in every table and after activation as well.
my @tables = ('crm.account', '"Odd schema"."Big Orders"', 'crm.retyped', 'crm.shrunk', 'crm.whole', 'crm.parted', 'crm.parted_1', 'crm.parted_2');
my @users = qw(ann bob eve);

sub visible
{
	my ($node, $database) = @_;
	my $seen = '';
	for my $user (@users)
	{
		my $token = $node->safe_psql($database, "SELECT token FROM tools.spsa_open_session('$user', db_role => NULL)");
		for my $activate ('', "SELECT FROM tools.spsa_activate_own('gated');")
		{
			my ($ret, $out, $err) = $node->psql($database, "SET client_min_messages = warning; SET ROLE regress_spsa_app; SET search_path = tools;
				BEGIN; SELECT FROM spsa_attach_connection('$token'); $activate
				" . join(' ', map { "SELECT '$user', '$_', string_agg(id::text, ' ' ORDER BY id) FROM $_;" } @tables), on_error_stop => 1);
			$seen .= "$out\n$err\n" =~ s/^psql:<stdin>:\d+: //gmr;
		}
	}
	return $seen;
}

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->start;
$old->safe_psql('postgres', 'CREATE DATABASE app');
$old->safe_psql('app', q{
	CREATE ROLE regress_spsa_owner;
	CREATE ROLE regress_spsa_app;
	CREATE SCHEMA tools;
	CREATE EXTENSION spsa SCHEMA tools;
	GRANT USAGE ON SCHEMA tools TO PUBLIC;
	SET search_path = tools;
	CREATE SCHEMA crm AUTHORIZATION regress_spsa_owner;
	CREATE SCHEMA "Odd schema";
	GRANT USAGE ON SCHEMA crm, "Odd schema" TO regress_spsa_app;
	CREATE TABLE crm.account AS SELECT i AS id, 'r' || i % 4 AS region, i % 3 AS owner_id, date '2024-01-01' + i AS due FROM generate_series(1, 12) i;
	CREATE TABLE "Odd schema".orders (id int, "The Region" text);
	INSERT INTO "Odd schema".orders SELECT i, 'r' || i % 4 FROM generate_series(1, 8) i;
	CREATE TABLE crm.retyped AS SELECT i AS id, i AS field FROM generate_series(1, 4) i;
	CREATE TABLE crm.shrunk AS SELECT i AS id, i AS field, i AS kept FROM generate_series(1, 4) i;
	CREATE TABLE crm.whole AS SELECT i AS id FROM generate_series(1, 4) i;
	CREATE TABLE crm.parted (id int, area text) PARTITION BY LIST (id);
	CREATE TABLE crm.parted_1 PARTITION OF crm.parted FOR VALUES IN (1, 2);
	CREATE TABLE crm.parted_2 PARTITION OF crm.parted FOR VALUES IN (3, 4);
	INSERT INTO crm.parted SELECT i, 'r' || i % 2 FROM generate_series(1, 4) i;
	ALTER TABLE crm.account OWNER TO regress_spsa_owner;
	GRANT SELECT ON ALL TABLES IN SCHEMA crm, "Odd schema" TO regress_spsa_app;
	SELECT spsa_protect('crm.account', '{region,owner_id,due}'), spsa_protect('"Odd schema".orders', '{"The Region"}'),
		spsa_protect('crm.retyped', '{field}'), spsa_protect('crm.shrunk', '{field,kept}'), spsa_protect('crm.whole', force => false),
		spsa_protect('crm.parted', '{area}');
	ALTER TABLE crm.parted DETACH PARTITION crm.parted_2;
	SELECT spsa_create_user('ann', '{"no": 1}'), spsa_create_user('bob', '{"no": [0, 2]}', 'regress_spsa_app'), spsa_create_user('eve');
	UPDATE spsa.app_user SET session_limit = 7 WHERE user_name = 'bob';
	SELECT spsa_create_permission_set('base', 'The base', description => E'it''s\n"quoted"\\\\'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('base', 'crm.account', '{read,edit}'), spsa_grant_object('base', '"Odd schema".orders', '{read}'),
		spsa_grant_object('base', 'crm.retyped', '{read}'), spsa_grant_object('base', 'crm.shrunk', '{read}'),
		spsa_grant_object('base', 'crm.parted', '{read}'), spsa_grant_object('gated', 'crm.account', '{read,view_all}'), spsa_grant_object('gated', 'crm.whole', '{read,create}');
	SELECT spsa_grant_rows('base', 'crm.account', 'owner_id', attribute => 'no'), spsa_grant_rows('base', 'crm.account', 'due', '{2024-01-09}', operator => '<'),
		spsa_grant_rows('base', 'crm.account', 'region', '{r1,r2}', privileges => '{edit}'),
		spsa_grant_rows('base', '"Odd schema".orders', 'The Region', '{r0,r3}'),
		spsa_grant_rows('base', 'crm.retyped', 'field', '{1,2}'), spsa_grant_rows('base', 'crm.shrunk', 'field', '{1,2}'),
		spsa_grant_rows('base', 'crm.parted', 'area', '{r1}');
	SELECT spsa_assign('ann', 'base'), spsa_assign('bob', 'base', '2200-01-01'), spsa_assign('bob', 'gated'), spsa_assign('eve', 'gated');
	ALTER TABLE "Odd schema".orders RENAME TO "Big Orders";
	SELECT spsa_protect('crm.retyped'), spsa_protect('crm.shrunk', '{kept}');
	ALTER TABLE crm.retyped ALTER field TYPE text;
	ALTER TABLE crm.shrunk DROP COLUMN field;
	SELECT spsa_protect('crm.retyped', '{field}'); });

# The rest of the model.  The columns of crm.staff have other numbers in a restored database, where nothing was dropped;
# one that is in use was renamed after the table was protected, and so was the argument's type of a function.
$old->safe_psql('app', q{
	SET search_path = tools;
	CREATE TABLE crm.staff (gone int, id int PRIMARY KEY, gone_too int, area text, salary int, bonus int, pin int);
	INSERT INTO crm.staff SELECT 0, i, 0, 'r' || i % 4, i, i, 1000 + i FROM generate_series(1, 8) i;
	GRANT SELECT ON crm.staff TO regress_spsa_app;
	SELECT spsa_protect('crm.staff', '{area}');
	ALTER TABLE crm.staff DROP COLUMN gone, DROP COLUMN gone_too;
	CREATE TYPE crm.euro AS (amount numeric);
	ALTER TYPE crm.euro RENAME TO "Odd money";
	CREATE FUNCTION crm.raise(int, crm."Odd money"[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE PROCEDURE crm.close() LANGUAGE sql AS 'SELECT 1';
	SELECT spsa_create_permission_set('staff'), spsa_create_permission_set('muting', kind => 'muting'),
		spsa_create_permission_set('team', kind => 'group', activation_required => true), spsa_create_permission_set('dead');
	UPDATE spsa.permission_set SET member_activation = 'bypass' WHERE set_name = 'team';
	SELECT spsa_grant_object('staff', 'crm.staff', '{read}'), spsa_grant_rows('staff', 'crm.staff', 'area', '{r1,r2}'),
		spsa_grant_object('dead', 'crm.staff', '{read}'), spsa_grant_rows('dead', 'crm.staff', 'bonus', '{1}');
	ALTER TABLE crm.staff RENAME area TO region;
	ALTER TABLE crm.staff DROP COLUMN bonus;
	CREATE FUNCTION pg_temp.set_of(text) RETURNS int LANGUAGE sql AS 'SELECT set_id FROM spsa.permission_set WHERE set_name = $1';
	INSERT INTO spsa.protected_field (object, field) VALUES ('crm.staff', 'salary');
	INSERT INTO spsa.protected_field (object, field) VALUES ('crm.staff', 'pin');
	SELECT spsa_create_masked_view('crm.staff', 'crm.staff_view');
	GRANT SELECT ON crm.staff_view TO regress_spsa_app;
	ALTER TABLE crm.staff RENAME pin TO code;
	INSERT INTO spsa.field_permission (set_id, object, field, can_read) VALUES (pg_temp.set_of('staff'), 'crm.staff', 'salary', true),
		(pg_temp.set_of('muting'), 'crm.staff', 'region', true);
	INSERT INTO spsa.object_permission (set_id, object, can_edit) VALUES (pg_temp.set_of('muting'), 'crm.staff', true);
	INSERT INTO spsa.protected_function (function) VALUES ('crm.close()');
	INSERT INTO spsa.function_permission (set_id, function) VALUES (pg_temp.set_of('staff'), 'crm.raise(int, crm."Odd money"[])'),
		(pg_temp.set_of('staff'), 'crm.close()');
	INSERT INTO spsa.custom_permission (permission_name, label) VALUES ('export', 'Export');
	INSERT INTO spsa.custom_permission_grant (set_id, permission_id) SELECT pg_temp.set_of('staff'), permission_id
	FROM spsa.custom_permission WHERE permission_name IN ('export', 'manage_activations');
	INSERT INTO spsa.group_member (group_id, member_id) VALUES (pg_temp.set_of('team'), pg_temp.set_of('staff')), (pg_temp.set_of('team'), pg_temp.set_of('muting'));
	INSERT INTO spsa.exclusion (set_a, set_b, kind) VALUES (pg_temp.set_of('base'), pg_temp.set_of('dead'), 'static'), (pg_temp.set_of('gated'), pg_temp.set_of('team'), 'dynamic');
	SELECT spsa_set_activation_rule('gated', max_duration => '1 hour', weekdays => '{1,2,3,4,5,6,7}', time_zone => 'europe/berlin',
			networks => '{10.0.0.0/8}', approvals_required => 1, approver_set => 'staff'),
		spsa_set_activation_rule('gated', clear => '{networks,approvals_required}'),
		spsa_set_activation_rule('staff', networks => '{10.0.0.0/8,2001:db8::/32}', min_security_level => 'high_assurance', approver_set => 'team');
	SELECT spsa_assign('eve', 'team'); });

# Flows: one that runs when fay's session is opened, and one whose criterion is gone, which is switched off.
$old->safe_psql('app', q{
	SET search_path = tools;
	SELECT spsa_create_user('fay'), spsa_create_permission_set('flowing', activation_required => true);
	SELECT spsa_assign('fay', 'gated'), spsa_assign('fay', 'flowing');
	CREATE FUNCTION crm."Is Fay"(session uuid) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
		AS $$ SELECT user_name = 'fay' FROM spsa.session n JOIN spsa.app_user USING (user_id) WHERE n.session_id = session $$;
	CREATE FUNCTION crm.lost(session uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
	SELECT spsa_create_flow('morning', 'Morning', 'crm."Is Fay"(uuid)', 'gated', description => 'fay alone'), spsa_create_flow('at_open', criterion => 'crm."Is Fay"(uuid)', run_at_open => true),
		spsa_create_flow('lost', criterion => 'crm.lost(uuid)');
	SELECT spsa_add_flow_step('morning', 'deactivate', 'gated', 3), spsa_add_flow_step('at_open', 'activate', 'flowing');
	DROP FUNCTION crm.lost(uuid); });

# What eve may, by each kind of permission.
my $questions = q{
	SELECT spsa_allows_field('crm.staff', 'salary', 'read'), spsa_allows_field('crm.staff', 'id', 'read'), spsa_allows_field('crm.staff', 'id', 'edit'),
		spsa_allows_function('crm.raise(int, crm."Odd money"[])'), spsa_allows_function('crm.close()'),
		spsa_has_permission('export'), spsa_has_permission('manage_activations'), spsa_has_permission('run_flows'),
		(SELECT string_agg(id::text, ' ' ORDER BY id) FROM crm.staff), (SELECT string_agg(v::text, ' ' ORDER BY id) FROM crm.staff_view v)};

sub answers
{
	my ($node, $database) = @_;
	my $token = $node->safe_psql($database, "SELECT token FROM tools.spsa_open_session('eve', db_role => NULL)");
	return $node->safe_psql($database, "SET client_min_messages = error; SET search_path = tools; SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$token'); $questions;
		SELECT FROM spsa_activate_own('team'); $questions");
}

# What flows do for fay: at the opening, and when they are run.
sub flows
{
	my ($node, $database) = @_;
	my ($token) = $node->safe_psql($database, "SET client_min_messages = error; SELECT token FROM tools.spsa_open_session('fay', db_role => NULL)");
	my ($ret, $out, $err) = $node->psql($database, "SET client_min_messages = error; SET search_path = tools; SET ROLE regress_spsa_app; SELECT FROM spsa_attach_connection('$token');
		SELECT spsa_session_info() -> 'EffectiveSets'; SELECT spsa_run_flow('morning'); SELECT FROM spsa_activate_own('gated');
		SELECT action, permission_set, message FROM spsa_run_flow('morning'); SELECT spsa_run_flow('lost')", on_error_stop => 0);
	return "$out\n$err" =~ s/^psql:<stdin>:\d+: //gmr;
}

my $before = visible($old, 'app');
note $before;
like($before, qr/^ann\|crm.account\|1 4 7$/m, 'ann sees her rows');
like($before, qr/^bob\|crm.account\|2 3 5 6$/m, 'bob sees his');
like($before, qr/^bob\|crm.account\|1 2 3 4 5 6 7 8 9 10 11 12$/m, 'and all when gated is active');
like($before, qr/^ann\|"Odd schema"."Big Orders"\|3 4 7 8$/m, 'a renamed table keeps its grants');
like($before, qr/^eve\|crm.account\|$/m, 'eve sees nothing');
like($before, qr/^ann\|crm.parted\|1\n.*\|crm.parted_1\|1\n.*\|crm.parted_2\|3$/m, 'partitions, one of them detached, by what is granted on the whole');
like($before, qr/^bob\|crm.whole\|1 2 3 4$/m, 'a table without row fields');
unlike($before, qr/crm.(retyped|shrunk)\|.*\d/, 'a scope whose field was retyped or dropped reaches nothing');
my $answers = answers($old, 'app');
is($answers, "f|f|f|f|f|f|f|f||\nt|t|f|t|t|t|t|f|1 2 5 6|(1,r1,1,) (2,r2,2,) (5,r1,5,) (6,r2,6,)", 'groups, fields, functions, custom permissions');

my $flows = flows($old, 'app');
like($flows, qr/^\["flowing"\]\ndeactivate\|gated\|deactivated\nERROR:  permission denied to run flow "morning"\n.*ERROR:  permission denied to run flow "lost"/s, 'flows');

# A live session, an active set, and the traces that they leave.
my ($session, $token) = split /\|/, $old->safe_psql('app', "SELECT session_id, token FROM tools.spsa_open_session('bob', idle_timeout => '1 hour')");
$old->safe_psql('app', "SET search_path = tools; SELECT spsa_activate('$session', 'gated'); SELECT spsa_attach_connection('$token')");
my $rows = 'SELECT count(*) FROM spsa.session UNION ALL SELECT count(*) FROM spsa.activation UNION ALL SELECT count(*) FROM spsa.session_activity
	UNION ALL SELECT count(*) FROM spsa.session_end';
my %numbered = (row_scope => 'scope_id, set_id, object, field, operator, literals, attribute, privileges, field_type, field_number IS DISTINCT FROM 0',
	field_permission => 'set_id, object, field, can_read, can_edit, muting', protected_field => 'object, field, protected_at');
my $tables = join '; ', map { "SELECT " . ($numbered{$_} // '*') . " FROM spsa.$_ t ORDER BY t::text" } qw(app_user permission_set object_permission row_scope protected_object assignment
	group_member field_permission function_permission custom_permission custom_permission_grant protected_field protected_function exclusion masked_view activation_rule flow flow_step);
my $numbers = q{SELECT object, field, field_number = attnum FROM (SELECT object, field, field_number FROM spsa.field_permission
	UNION ALL SELECT object, field, field_number FROM spsa.protected_field) f JOIN pg_attribute ON attrelid = object AND attname = field ORDER BY 1, 2};
my $policies = "SELECT polrelid::regclass, polname, polpermissive, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
	FROM pg_policy ORDER BY polrelid::regclass::text, 2; SELECT oid::regclass, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relrowsecurity ORDER BY oid::regclass::text";
my $configuration = $old->safe_psql('app', "$tables; $policies");
unlike($old->safe_psql('app', $rows), qr/\A0\n0\n0/, 'there is something to leave behind');

my $dir = $old->basedir;
$old->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", '-d', $old->connstr('app') ], 'plain dump');
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", '-d', $old->connstr('app') ], 'custom dump');
$old->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$dir/directory", '-d', $old->connstr('app') ], 'directory dump');
$old->command_ok([ 'pg_restore', '-f', "$dir/custom.sql", "$dir/custom.dump" ], 'custom dump as text');
for my $file (qw(plain.sql custom.sql))
{
	my $text = slurp_file("$dir/$file");
	like($text, qr/The base/, "$file: has the configuration");
	for my $secret ($token, substr($token, 5), $session, sha256_hex($token), 'session_open')
	{
		ok(index(lc $text, lc $secret) < 0, "$file: nothing of a session");
	}
}

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->start;
$new->safe_psql('postgres', 'CREATE ROLE regress_spsa_owner; CREATE ROLE regress_spsa_app; CREATE ROLE spsa_masked_view;');
for my $restore ([ 'plain', [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql" ] ],
	[ 'single', [ 'pg_restore', '-1', '-e', "$dir/custom.dump" ] ],
	[ 'directory', [ 'pg_restore', '-e', "$dir/directory" ] ],
	# As OPERATIONS.md has it.
	[ 'parallel', map { [ 'pg_restore', '-e', split(/ /, $_), "$dir/directory" ] }
		'--section=pre-data', '--section=data -n spsa', '--section=data -N spsa -j 4', '--section=post-data -j 4' ])
{
	my ($name, @commands) = @$restore;
	$new->safe_psql('postgres', "CREATE DATABASE $name");
	$new->command_ok([ @$_, '-d', $new->connstr($name) ], "$name: restored without an error") for @commands;
	is($new->safe_psql($name, $rows), "0\n0\n0\n0", "$name: no session");
	is($new->safe_psql($name, "$tables; $policies"), $configuration, "$name: the same configuration");
	my ($ret, $out, $err) = $new->psql($name, "SELECT tools.spsa_attach_connection('$token')");
	like($err, qr/session is not valid/, "$name: the old token is worth nothing");
	is(visible($new, $name), $before, "$name: the same access");
	is(answers($new, $name), $answers, "$name: the same answers");
	is(flows($new, $name), $flows, "$name: the same flows");
	is($new->safe_psql($name, "SELECT flow_name, is_active, criterion FROM spsa.flow ORDER BY 1"),
		qq{at_open|t|crm."Is Fay"(pg_catalog.uuid)\nlost|f|crm.lost(pg_catalog.uuid)\nmorning|t|crm."Is Fay"(pg_catalog.uuid)}, "$name: criteria");
	is($new->safe_psql($name, $numbers), "crm.staff|code|t\ncrm.staff|region|t\ncrm.staff|salary|t\ncrm.staff|salary|t", "$name: columns by their numbers here");
	$new->safe_psql($name, 'ALTER TABLE crm.staff RENAME salary TO pay');
	is($new->safe_psql($name, 'SELECT field FROM spsa.protected_field ORDER BY 1'), "code\npay", "$name: a protected column keeps its protection");
	is($new->safe_psql($name, "SELECT tools.spsa_create_masked_view('crm.staff', 'crm.staff_view'); SELECT attname FROM pg_attribute WHERE attrelid = 'crm.staff_view'::regclass AND attnum > 0 ORDER BY attnum"),
		"\nid\nregion\npay\ncode", "$name: a masked view is replaced");
	$new->safe_psql($name, 'SET search_path = tools; ALTER TABLE crm.staff ADD COLUMN bonus int; UPDATE crm.staff SET bonus = 1; SELECT spsa_protect($$crm.staff$$, $${region,bonus}$$)');
	is($new->safe_psql($name, q{SELECT s.set_name, field, field_number = attnum FROM spsa.row_scope r JOIN spsa.permission_set s USING (set_id)
		JOIN pg_attribute ON attrelid = object AND attname = field WHERE object = 'crm.staff'::regclass ORDER BY 1}), "dead|bonus|f",
		"$name: a scope whose column was renamed before the dump ends, one whose column is gone is not revived");
	$new->command_fails_like([ 'psql', '-X', '-d', $new->connstr($name), '-c', "SELECT tools.spsa_assign('ann', 'dead')" ],
		qr/exclude each other/, "$name: exclusions hold");
	is($new->safe_psql($name, "INSERT INTO spsa.custom_permission (permission_name) VALUES ('new') RETURNING permission_id > 101"), 't', "$name: numbers of custom permissions go on");
	is($new->safe_psql($name, "SET search_path = tools; SELECT spsa_create_user('new') > max(user_id) FROM spsa.app_user;
		SELECT spsa_create_flow('new') > max(flow_id) FROM spsa.flow;
		SELECT spsa_create_permission_set('new') > max(set_id) FROM spsa.permission_set;
		SELECT spsa_grant_rows('base', 'crm.account', 'region', '{r9}'), spsa_assign('new', 'new');
		SELECT count(DISTINCT scope_id) = count(*) FROM spsa.row_scope; SELECT max(assignment_id) > 4 FROM spsa.assignment"),
		"t\nt\nt\n|\nt\nt", "$name: sequences go on");
	$new->command_fails_like([ 'psql', '-X', '-d', $new->connstr($name), '-c', 'DROP POLICY spsa_read ON crm.account' ],
		qr/cannot drop policy/, "$name: its policies are guarded");
	$new->safe_psql($name, 'CREATE TABLE crm.parted_3 PARTITION OF crm.parted DEFAULT');
	is($new->safe_psql($name, "SELECT root, (SELECT count(*) FROM pg_policy WHERE polrelid = object) FROM spsa.protected_object WHERE object = 'crm.parted_3'::regclass"),
		'crm.parted|8', "$name: a new partition is protected");
}

done_testing();
