# Protected sequences: fastpath calls, which are not planned, and backends that were there before a sequence was protected.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

my $node = PostgreSQL::Test::Cluster->new('sequence');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "client_min_messages = warning\nsession_preload_libraries = 'spsa'\nplan_cache_mode = force_generic_plan\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE ROLE regress_spsa_admin SUPERUSER LOGIN;
	CREATE SEQUENCE s;
	CREATE SEQUENCE free;
	CREATE SEQUENCE late;
	GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO regress_spsa_app;
	CREATE FUNCTION draw(name text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN nextval(name::regclass); END $$;
	SELECT spsa_create_user('ann');
	SELECT spsa_create_permission_set('drawer', activation_required => true), spsa_create_permission_set('reader', activation_required => true);
	SELECT spsa_grant_object('drawer', 's', '{read,edit}'), spsa_grant_object('reader', 's', '{read}');
	SELECT spsa_assign('ann', 'drawer'), spsa_assign('ann', 'reader'); });
my $token = $node->safe_psql('postgres', q{SELECT token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')});
my %oid = map { split /\|/ } split /\n/, $node->safe_psql('postgres', q{
	SELECT relname, oid FROM pg_class WHERE relname IN ('s', 'free', 'late')
	UNION ALL SELECT oid::regprocedure::text, oid FROM pg_proc WHERE proname IN ('nextval', 'setval', 'currval') AND pronamespace = 'pg_catalog'::regnamespace});

my $wire = Wire->new($node, 'regress_spsa_app');
my $admin = Wire->new($node, 'regress_spsa_admin');
my ($nextval, $setval, $currval) = @oid{ 'nextval(regclass)', 'setval(regclass,bigint)', 'currval(regclass)' };

sub call { my ($function, @values) = @_; return ($wire->call_function($function, @values)->answers)[-1]; }

is(call($nextval, $oid{s}), '1', 'fastpath: nothing is protected');
is($wire->run(q{SELECT nextval($1::regclass)}, 'late'), '1', 'a call by a computed name');
$wire->parse('kept', 'SELECT nextval($1::regclass)')->bind('p', 'kept', ['late'])->execute('p')->sync;
is(join(' ', $wire->answers), '2', 'a named statement');
is($wire->run(q{SELECT draw('late')}), '3', 'an expression of PL/pgSQL');

# A transaction that is open while another backend protects a sequence, and has nothing to look up.
$wire->run('BEGIN');
is($wire->run('SELECT 1'), '1', 'a transaction has begun');
$admin->run(q{SELECT spsa_protect('s')});
$wire->bind('p', 'kept', ['s'])->execute('p')->sync;
is(join(' ', $wire->answers), '42501', 'its next statement, named before');
$wire->run('ROLLBACK');
$wire->bind('p', 'kept', ['s'])->execute('p')->sync;
is(join(' ', $wire->answers), '42501', 'the named statement');
is($wire->error, 'permission denied to edit sequence "s"', 'it was planned anew');
is($wire->run(q{SELECT draw('s')}), '42501', 'the expression of PL/pgSQL');
is($wire->error, 'permission denied to edit sequence "s"', 'it was planned anew');
is(call($nextval, $oid{s}), '42501', 'fastpath: nextval()');
is(call($setval, $oid{s}, 7), '42501', 'fastpath: setval()');
is(call($currval, $oid{s}), '42501', 'fastpath: currval()');
is(call($nextval, $oid{free}), '42501', 'fastpath: which sequence is meant is not known');
is($wire->run(q{SELECT nextval('free')}), '1', 'a query says which');
$wire->run(q{SELECT FROM spsa_attach_connection($1)}, $token);
$wire->run(q{SELECT spsa_activate_own('reader')});
is(call($nextval, $oid{s}), '42501', 'fastpath, with read: nextval()');
is(call($currval, $oid{s}), '1', 'fastpath, with read: currval()');
$wire->run(q{SELECT spsa_activate_own('drawer')});
is(call($nextval, $oid{s}), '2', 'fastpath, with edit: nextval()');
is(call($setval, $oid{s}, 7), '7', 'fastpath, with edit: setval()');
is(call($nextval, $oid{free}), '2', 'fastpath, with edit: another sequence');

$wire->run('BEGIN');
is($wire->run('SELECT 1'), '1', 'a transaction has begun');
$admin->run(q{SELECT spsa_protect('late')});
is($wire->run(q{SELECT nextval('late')}), '42501', 'its next statement, when another sequence is protected');
$wire->run('ROLLBACK');
$wire->bind('p', 'kept', ['s'])->execute('p')->sync;
is(join(' ', $wire->answers), '8', 'the named statement, for a sequence that is granted');
is(call($nextval, $oid{s}), '42501', 'fastpath: one is not granted');

# Between Bind and Execute, and within a pipeline.
$wire->parse('held', q{SELECT nextval('s')})->bind('h', 'held')->statement(q{SELECT FROM spsa_deactivate_own('drawer')})->execute('h')->sync;
is(join(' ', $wire->answers), ' 42501', 'bound before, executed after a deactivation');

$admin->run(q{SELECT spsa_unprotect('late')});
$wire->bind('p', 'kept', ['late'])->execute('p')->sync;
is(join(' ', $wire->answers), '4', 'no longer protected');

# On a standby nothing is drawn, and what is protected is not read.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('sequence_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my ($code, $out, $error) = $standby->psql('postgres', 'SELECT last_value FROM s', extra_params => [ '-U', 'regress_spsa_app' ]);
like($error, qr/permission denied to read sequence "s"/, 'standby: reading it');
($code, $out, $error) = $standby->psql('postgres', q{SELECT nextval('s')}, extra_params => [ '-U', 'regress_spsa_app' ]);
like($error, qr/permission denied to edit sequence "s"/, 'standby: nextval()');
is($standby->safe_psql('postgres', 'SELECT is_called FROM free', extra_params => [ '-U', 'regress_spsa_app' ]), 't', 'standby: another sequence');

$standby->stop;
$node->stop;
done_testing();
