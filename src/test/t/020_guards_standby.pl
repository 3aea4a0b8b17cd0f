# What the library guards beyond rows, on a hot standby: fields, objects that refuse, views, masked views, sequences and
# functions. Each is allowed when the activation that the primary has made is replayed, and denied when its end is.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "client_min_messages = warning\nsession_preload_libraries = 'spsa'\n");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	CREATE TABLE staff (id integer PRIMARY KEY, name text, salary integer);
	INSERT INTO staff VALUES (1, 'ann', 100), (2, 'bob', 200);
	CREATE TABLE strict_table AS SELECT 7 AS n;
	CREATE VIEW report AS SELECT 8 AS n;
	CREATE FUNCTION secret() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 9';
	CREATE FUNCTION through() RETURNS integer LANGUAGE plpgsql STABLE AS 'BEGIN RETURN secret() + 1; END';
	CREATE SEQUENCE counter;
	SELECT nextval('counter');
	CREATE PROCEDURE keep() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT secret()'; COMMIT; END $$;
	SELECT spsa_protect('staff'), spsa_protect_field('staff', 'salary'), spsa_create_masked_view('staff', 'staff_view'),
		spsa_protect('strict_table', on_denied => 'error'), spsa_protect('report'), spsa_protect('counter'), spsa_protect_function('secret()');
	GRANT SELECT ON staff, staff_view, strict_table, report, counter TO regress_spsa_app;
	GRANT USAGE ON SEQUENCE counter TO regress_spsa_app;
	SELECT spsa_create_user('ann'), spsa_create_permission_set('base'), spsa_create_permission_set('gated', activation_required => true);
	SELECT spsa_grant_object('base', 'staff', '{read}'), spsa_grant_field('gated', 'staff', 'salary', '{read}'),
		spsa_grant_object('gated', o, '{read}') FROM unnest('{staff,strict_table,report,counter}'::regclass[]) o;
	SELECT spsa_grant_object('gated', 'counter', '{read,edit}'), spsa_grant_function('gated', 'secret()');
	SELECT spsa_assign('ann', 'base'), spsa_assign('ann', 'gated'); });
my ($session, $token) = split /\|/, $primary->safe_psql('postgres', q{SELECT session_id, token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')});

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub on_primary
{
	$primary->safe_psql('postgres', "SELECT $_[0]");
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
}

# One connection to the standby throughout, whose prepared statements keep their plans.
my $reader = $standby->background_psql('postgres', on_error_stop => 0);
$reader->query_safe('SET SESSION AUTHORIZATION regress_spsa_app; SET plan_cache_mode = force_generic_plan');

sub answer
{
	my ($sql) = @_;
	$reader->{stderr} = '';
	my $out = $reader->query($sql);
	return $reader->{stderr} =~ /ERROR:\s+(.*)/ ? $1 : $out;
}

# What is asked, its answer when it is granted, and when it is not.
my @guarded = (
	['field', "SELECT string_agg(salary::text, ' ' ORDER BY id) FROM staff", '100 200', 'permission denied to read field "salary" of "staff"'],
	['whole row', 'SELECT s FROM staff s WHERE id = 1', '(1,ann,100)', 'permission denied to read field "salary" of "staff"'],
	['other field', "SELECT string_agg(name, ' ' ORDER BY id) FROM staff", 'ann bob', 'ann bob'],
	['on_denied = error', 'SELECT n FROM strict_table', '7', 'permission denied to read rows of "strict_table"'],
	['view', 'SELECT n FROM report', '8', 'permission denied to read rows of "report"'],
	['masked view', "SELECT string_agg(name || coalesce(salary::text, '-'), ' ' ORDER BY id) FROM staff_view", 'ann100 bob200', 'ann- bob-'],
	['function', 'SELECT secret()', '9', 'permission denied to call public.secret()'],
	['function, called by another', 'SELECT through()', '10', 'permission denied to call public.secret()'],
	['sequence', 'SELECT last_value FROM counter', '1', 'permission denied to read sequence "counter"'],
	['last value of a sequence', "SELECT last_value FROM pg_sequences WHERE sequencename = 'counter'", '1', ''],
	['currval()', "SELECT currval('counter')", 'currval of sequence "counter" is not yet defined in this session', 'permission denied to read sequence "counter"'],
	['nextval()', "SELECT nextval('counter')", 'cannot execute nextval() in a read-only transaction', 'permission denied to edit sequence "counter"']);
$reader->query_safe("PREPARE p$_ AS $guarded[$_][1]") for 0 .. $#guarded;

sub check
{
	my ($state, $index) = @_;
	for my $i (0 .. $#guarded)
	{
		my @case = @{ $guarded[$i] };
		is(answer($case[1]), $case[$index], "$state: $case[0]");
		is(answer("EXECUTE p$i"), $case[$index], "$state, prepared: $case[0]");
	}
}

is(answer('SELECT name FROM staff'), '', 'no session: no rows');
is(answer('SELECT secret()'), 'permission denied to call public.secret()', 'no session: function');
is(answer('SELECT salary FROM staff'), 'permission denied to read field "salary" of "staff"', 'no session: field');
is(answer("SELECT FROM spsa_attach_connection('$token')"), '', 'a session of the primary attaches');
is(answer(q{SELECT state, remedy FROM spsa_explain('staff', 'read', 'salary') LIMIT 1}), "denied|SELECT public.spsa_activate_own('gated');", 'explained to the session');
is($standby->safe_psql('postgres', q{SELECT state FROM spsa_explain('staff', 'read', user_name => 'ann') LIMIT 1}), 'allowed: all rows', 'explained about a user without a session');
check('not activated', 3);
on_primary("spsa_activate('$session', 'gated')");
check('activated', 2);

# What would outlive the session.
is(answer('CALL keep()'), 'cannot declare a cursor WITH HOLD over protected objects', 'a result of a protected function is not held');
is(answer('FETCH held'), 'cursor "held" does not exist', 'and no cursor stays');

# In a transaction whose snapshot is older.
is(answer('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*), secret() FROM staff'), '2|9', 'REPEATABLE READ: before');
on_primary("spsa_deactivate('$session', 'gated')");
is(answer('SELECT secret()'), 'permission denied to call public.secret()', 'REPEATABLE READ: a deactivation that is replayed counts');
$reader->query('ROLLBACK');
check('deactivated', 3);

# What is protected meanwhile, and no more.
on_primary("spsa_protect_function('through()')");
is(answer('SELECT through()'), 'permission denied to call public.through()', 'a function is protected on the primary');
on_primary("spsa_unprotect_function('through()'), spsa_unprotect_function('secret()')");
is(answer('SELECT through()'), '10', 'and is not any more');
on_primary("spsa_protect_field('staff', 'name')");
is(answer('EXECUTE p2'), 'permission denied to read field "name" of "staff"', 'a field is protected on the primary');
is(answer('EXECUTE p5'), '', 'and masked in the view');
on_primary("spsa_unprotect('counter'), spsa_unprotect('report')");
is(answer('EXECUTE p8'), '1', 'a sequence is not protected any more');
is(answer('EXECUTE p4'), '8', 'nor is a view');

# The end of the session.
on_primary("spsa_close_session('$session')");
is(answer("SELECT $_"), 'session is not valid', "closed: $_") for 'salary FROM staff', 'name FROM staff_view', 'n FROM strict_table';
$reader->quit;

done_testing();
