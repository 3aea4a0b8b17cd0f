# Protected functions: what preloading means and who can do without, calls past the parser, backends that load the library
# late, compiled expressions, decoding of WAL, and what the log says.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

my $node = PostgreSQL::Test::Cluster->new('functions');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "log_statement = none\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE clerk LOGIN;
	CREATE ROLE decoder LOGIN REPLICATION;
	CREATE FUNCTION pay(integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1 * 2';
	CREATE FUNCTION wage(integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN $1 * 3; END';
	CREATE FUNCTION later(integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1 * 5';
	DO $$ BEGIN
		PERFORM spsa_create_user('ann'), spsa_create_permission_set('payer');
		PERFORM spsa_grant_function('payer', f) FROM unnest('{pay(integer),wage(integer),later(integer)}'::regprocedure[]) f;
	END $$;
});
my $token = $node->safe_psql('postgres', q{SELECT token FROM spsa_open_session('ann', db_role => 'clerk')});

# What a statement says: its first line, or the SQLSTATE of its error and the message's first line.
sub outcome
{
	my ($sql, $role, %options) = @_;
	local $ENV{PGOPTIONS} = $options{options} if defined $options{options};
	my ($status, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-v', 'VERBOSITY=verbose', $role ? ('-U', $role) : () ]);
	return $status == 0 ? $out : $err =~ /(?:ERROR|FATAL): +(?:(\w{5}): )?(.*)/ ? join(' ', grep { defined } $1, $2) : $err;
}

my $refused = '55000 "public.pay(integer)" cannot be protected: the library spsa is not preloaded';
my $protect = q{SELECT spsa_protect_function('pay(integer)')};

# Not preloaded, or not for everybody
is(outcome($protect), $refused, 'not preloaded');
is(outcome("SET session_preload_libraries = 'spsa'; $protect"), $refused, 'said within the session');
is(outcome($protect, undef, options => '-c session_preload_libraries=spsa'), $refused, 'preloaded for this connection');
$node->safe_psql('postgres', q{ALTER ROLE CURRENT_USER IN DATABASE postgres SET session_preload_libraries = 'spsa'});
is(outcome($protect), $refused, 'preloaded for this role');
$node->safe_psql('postgres', q{ALTER ROLE CURRENT_USER IN DATABASE postgres RESET session_preload_libraries});
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET session_preload_libraries = 'auto_explain'});
is(outcome($protect), $refused, 'another library');

# Backends from before: one that has not loaded the library guards nothing, until it has
$node->safe_psql('postgres', q{ALTER DATABASE postgres RESET session_preload_libraries});
my $old = Wire->new($node, 'clerk');
$old->parse('inlined', 'SELECT pay(1)')->bind('', 'inlined')->execute('')->sync;
is(($old->answers)[0], '2', 'before it is protected');
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET session_preload_libraries = 'auto_explain', '$libdir/spsa'});
is(outcome($protect), '', 'preloaded for the database');
is(outcome($protect, 'clerk'), '42501 permission denied for function spsa_protect_function', 'not for others');
is(outcome('SELECT pay(1)'), '2', 'a superuser is exempt');
is(outcome('SELECT pay(1)', 'clerk'), '42501 permission denied to call public.pay(integer)', 'a new connection is guarded');
is($old->run('SELECT pay(1)'), '2', 'one without the library is not');
$old->bind('', 'inlined')->execute('')->sync;
is(($old->answers)[0], '2', 'nor what it had planned');
is($old->run('SELECT spsa_user_name()'), '', 'it loads the library');
is($old->run('SELECT pay(1)'), '42501', 'and guards from then on');
$old->bind('', 'inlined')->execute('')->sync;
is(($old->answers)[0], '42501', 'what was planned before, too');

# An ordinary role cannot do without
like(outcome('SELECT pay(1)', 'clerk', options => '-c session_preload_libraries='), qr/permission denied to set parameter "session_preload_libraries"/, 'not by connection options');
is(outcome(q{ALTER ROLE clerk SET session_preload_libraries = ''}, 'clerk'), '42501 permission denied to set parameter "session_preload_libraries"', 'nor for its role');
is(outcome(q{SET session_preload_libraries = ''; SELECT pay(1)}, 'clerk'), '42501 permission denied to set parameter "session_preload_libraries"', 'nor by SET');
is(outcome(q{DISCARD ALL}, 'clerk'), '', 'DISCARD ALL');

# Past the parser
$node->safe_psql('postgres', q{SELECT spsa_protect_function('wage(integer)')});
my %oid = map { $_ => $node->safe_psql('postgres', "SELECT '$_(integer)'::regprocedure::oid") } qw(pay wage later);
my $wire = Wire->new($node, 'clerk');
sub called { my ($name, $value) = @_; return ($wire->call_function($oid{$name}, $value)->answers)[0]; }
is(called('later', 1), '5', 'fast path: not protected');
is(called('pay', 1), '42501', 'fast path, no session');
is($wire->error, 'permission denied to call public.pay(integer)', 'the message names the function');
$wire->run('SELECT spsa_attach_connection($1)', $token);
is(called('wage', 1), '42501', 'fast path, not granted');
$node->safe_psql('postgres', q{SELECT spsa_assign('ann', 'payer')});
is(called('pay', 2), '4', 'fast path, granted');
is(called('wage', 2), '6', 'fast path, granted, PL/pgSQL');
# within a transaction, protected and revoked by another backend, with nothing in between that takes news in
$wire->run('BEGIN');
is(called('later', 1), '5', 'fast path within a transaction');
$node->safe_psql('postgres', q{SELECT spsa_protect_function('later(integer)')});
is(called('later', 1), '5', 'protected by another backend, and granted');
$node->safe_psql('postgres', q{SELECT spsa_revoke_function('payer', 'later(integer)')});
is(called('later', 1), '42501', 'revoked by another backend');
$wire->run('ROLLBACK');
$wire->run('BEGIN');
is($wire->run('SELECT wage(2)'), '6', 'a statement within a transaction');
$node->safe_psql('postgres', q{SELECT spsa_revoke_assignment('ann', 'payer')});
is($wire->run('SELECT wage(2)'), '42501', 'unassigned by another backend');
$wire->run('ROLLBACK');
# a portal that goes on
$node->safe_psql('postgres', q{SELECT spsa_assign('ann', 'payer')});
$wire->run('BEGIN');
$wire->parse('rows', 'SELECT wage(g) FROM generate_series(1, 4) g')->bind('p', 'rows')->execute('p', 1)->flush;
is(join(' ', $wire->answers), '3+', 'a portal begins');
$node->safe_psql('postgres', q{SELECT spsa_revoke_assignment('ann', 'payer')});
$wire->execute('p', 1)->sync;
is(($wire->answers)[0], '42501', 'and ends with the permission');
$wire->run('ROLLBACK');

# Compiled expressions
SKIP:
{
	skip 'no just-in-time compilation here', 2 unless $node->safe_psql('postgres', 'SELECT pg_jit_available()') eq 't';
	$node->safe_psql('postgres', q{CREATE TABLE list AS SELECT g AS n FROM generate_series(1, 100) g; GRANT SELECT ON list TO clerk});
	my $compiled = "SET jit_above_cost = 0; SET jit_inline_above_cost = 0; SET jit_optimize_above_cost = 0; SELECT sum(pay(n) + wage(n)) FROM list WHERE pay(n) > 0";
	is(outcome($compiled, 'clerk'), '42501 permission denied to call public.pay(integer)', 'compiled: denied');
	is(outcome($compiled), '25250', 'compiled: exempt');
}

# WAL is decoded where nothing can be read: by who may read everything
$node->safe_psql('postgres', q{
	CREATE TYPE word;
	CREATE FUNCTION word_in(cstring) RETURNS word LANGUAGE internal STABLE STRICT AS 'int4in';
	CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal STABLE STRICT AS 'int4out';
	CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, LIKE = integer);
	CREATE TABLE words (w word);
	SELECT spsa_protect_function('word_out(word)');
	SELECT pg_create_logical_replication_slot('words', 'test_decoding');
	INSERT INTO words VALUES ('7');
});
like(outcome(q{SELECT string_agg(data, ' ') FROM pg_logical_slot_get_changes('words', NULL, NULL)}, 'decoder'), qr/w\[word\]:'7'/, 'decoding');

# so is what a walsender runs, which does not heed session_preload_libraries
is($node->safe_psql('postgres', 'SELECT wage(1)', replication => 'database', extra_params => [ '-U', 'decoder' ]), '3', 'a replication connection');

# The log
my $log = slurp_file($node->logfile);
like($log, qr/LOG: +spsa refused to call a function: no effective permission set grants public\.pay\(integer\)/, 'refusals are logged');
unlike($log, qr/\Q$token\E/, 'without the token');

# Preloaded by the server
$node->safe_psql('postgres', q{ALTER DATABASE postgres RESET session_preload_libraries});
$node->safe_psql('postgres', q{SELECT spsa_unprotect_function('pay(integer)')});
is(outcome($protect), $refused, 'preloaded no more');
is(outcome('SELECT wage(1)', 'clerk'), '3', 'and so a connection without the library does not guard what is still listed');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'spsa'\n");
$node->restart;
is(outcome($protect), '', 'preloaded by the server');
is(outcome('SELECT pay(1)', 'clerk'), '42501 permission denied to call public.pay(integer)', 'guarded');
is(outcome('SELECT wage(1)', 'clerk'), '42501 permission denied to call public.wage(integer)', 'and what was listed, again');
$node->safe_psql('postgres', q{DROP EXTENSION spsa});
is(outcome('SELECT pay(1)', 'clerk'), '2', 'without the extension nothing is guarded');
# somebody else's schema of that name
$node->safe_psql('postgres', q{CREATE SCHEMA spsa; CREATE TABLE spsa.protected_function (function integer PRIMARY KEY); INSERT INTO spsa.protected_function VALUES (1)});
is(outcome('SELECT pay(1)', 'clerk'), '2', 'nor read from a schema that is not the extension\'s');

done_testing();
