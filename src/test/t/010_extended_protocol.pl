# The extended query protocol: named statements whose plans outlive the authority they were made under, portals that are
# continued under another one, and pipelines in which authority changes between messages.  A client sees what a fresh
# connection would see, or a documented error and then that.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

my $node = PostgreSQL::Test::Cluster->new('protocol');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = warning\nmax_parallel_workers_per_gather = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE ROLE regress_spsa_desk;
	GRANT regress_spsa_desk TO regress_spsa_app;
	CREATE ROLE regress_spsa_admin SUPERUSER LOGIN;
	CREATE TABLE plain (id int PRIMARY KEY, region text, owner int, body text);
	INSERT INTO plain VALUES (1, 'EU', 10), (2, 'EU', 20), (3, 'US', 10), (4, 'US', 20), (5, 'AP', 10), (6, 'AP', 20), (7, 'EU', 30), (8, 'AP', 30);
	CREATE TABLE doc (LIKE plain INCLUDING ALL);
	CREATE TABLE free (id integer);
	INSERT INTO free VALUES (1), (2);
	INSERT INTO doc SELECT * FROM plain;
	ANALYZE plain, doc;
	GRANT SELECT ON plain TO regress_spsa_app;
	GRANT SELECT, UPDATE ON doc, free TO regress_spsa_app;
	SELECT spsa_protect('doc', '{region,owner}');
	CREATE FUNCTION lazy() RETURNS SETOF int LANGUAGE sql VOLATILE AS 'SELECT id FROM doc ORDER BY id';
	CREATE FUNCTION reader() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM doc); END $$;
	SELECT spsa_create_user('ann'), spsa_create_user('ben'), spsa_create_user('cat', '{"emp": 10}'), spsa_create_user('dan', '{"emp": 20}');
	SELECT spsa_create_permission_set(s) FROM unnest('{eu,us,mine}'::text[]) s;
	SELECT spsa_create_permission_set('everything', activation_required => true);
	SELECT spsa_grant_object(s, 'doc', '{read,edit}', s <> 'everything') FROM unnest('{eu,us,mine,everything}'::text[]) s;
	SELECT spsa_grant_rows('eu', 'doc', 'region', '{EU}'), spsa_grant_rows('us', 'doc', 'region', '{US}'), spsa_grant_rows('mine', 'doc', 'owner', attribute => 'emp');
	SELECT spsa_assign('ann', 'eu'), spsa_assign('ann', 'everything'), spsa_assign('ben', 'us'), spsa_assign('cat', 'mine'), spsa_assign('dan', 'mine'); });

my $admin = Wire->new($node, 'regress_spsa_admin');	# the other backend
my %user = (a => 'ann', b => 'ben', c => 'cat', d => 'dan', e => 'ann');
my %token;
my %rows;

# Rows of the unprotected copy.  Other than WHERE, an SQLSTATE stands for itself.
sub truth
{
	my ($where) = @_;
	return $where if $where =~ /^\d{5}$/;
	return $rows{$where} //= $admin->run("SELECT id FROM plain WHERE $where ORDER BY id");
}

my ($eu, $us, $all, $none) = map { truth($_) } "region = 'EU'", "region = 'US'", 'true', 'false';
is("$eu $us $all $none", '1,2,7 3,4 1,2,3,4,5,6,7,8 ', 'the rows');

# Steps are statements, or one of: "attach X", "local X" (until the end of the transaction), "admin STATEMENT" (by the other
# backend).  X is a session, opened when it is first named in a test.
sub step
{
	my ($wire, @steps) = @_;
	for my $step (@steps)
	{
		my ($verb, $rest) = split / /, $step, 2;
		if ($verb eq 'attach' || $verb eq 'local')
		{
			my $function = $verb eq 'local' ? 'spsa_attach' : 'spsa_attach_connection';
			my $answer = $wire->run("SELECT FROM $function(\$1)", session($rest));
			die "$step: $answer" unless $answer eq '';
		}
		else
		{
			my $answer = $verb eq 'admin' ? $admin->run($rest) : $wire->run($step =~ s/\$(\w)\b/"'" . session($1) . "'"/er);
			die "$step: " . ($verb eq 'admin' ? $admin : $wire)->error if $answer =~ /^\w{5}$/;
		}
	}
}

sub session
{
	my ($x) = @_;
	my $role = $x eq 'e' ? 'regress_spsa_desk' : 'regress_spsa_app';
	return $token{$x} //= $admin->run("SELECT token FROM spsa_open_session('$user{$x}', db_role => '$role')");
}

sub fresh_rows
{
	my ($x) = @_;
	my $wire = Wire->new($node, 'regress_spsa_app');
	my $answer = $x eq '' ? '' : $wire->run('SELECT FROM spsa_attach_connection($1)', $token{$x});
	$answer = $wire->run('SELECT id FROM doc ORDER BY id') if $answer eq '';
	$wire->disconnect;
	return $answer;
}

#
# Named statements
#
# statement, its values, name, binary; a write is an error where nothing is granted
my @ways = (
	{ way => 'text', sql => 'SELECT id FROM doc WHERE id > $1 ORDER BY id', values => [0] },
	{ way => 'binary', sql => 'SELECT id FROM doc WHERE id > $1 ORDER BY id', values => [0], binary => 1 },
	{ way => 'no parameter', sql => 'SELECT id FROM doc ORDER BY id' },
	{ way => 'unnamed', sql => 'SELECT id FROM doc WHERE id > $1 ORDER BY id', values => [0], name => '' },
	{ way => 'subquery', sql => 'SELECT id FROM plain WHERE id IN (SELECT id FROM doc WHERE id > $1) ORDER BY id', values => [0] },
	{ way => 'function', sql => q{SELECT string_to_table(reader(), ',')::int} },
	{ way => 'write', sql => 'WITH w AS (UPDATE doc SET body = body WHERE id > $1 RETURNING id) SELECT id FROM w ORDER BY id', values => [0], writes => 1 });

my $activate = q{SELECT FROM spsa_activate_own('everything')};
my $deactivate = q{SELECT FROM spsa_deactivate_own('everything')};
my $no_eu = q{admin SELECT FROM spsa_revoke_assignment('ann', 'eu')};
my $assign = q{admin SELECT FROM spsa_assign('ann', 'eu')};
my $grant = q{admin UPDATE spsa.object_permission SET can_read = %s, can_edit = %s FROM spsa.permission_set s WHERE s.set_id = object_permission.set_id AND set_name = 'eu'};

# Enter, steps and leave are steps.  After: the rows that there are then.  Fresh: the session, or none (''), whose rows a fresh
# connection sees the same.  Once: 40001 comes first, where a statement has a generic plan.  Late: a step after the plans have been made.
my @changes = (
	{ change => 'attach another session', enter => ['attach a'], steps => ['attach b'], after => "region = 'US'", fresh => 'b' },
	{ change => 'attach a session with another attribute', enter => ['attach c'], steps => ['attach d'], after => 'owner = 20', fresh => 'd' },
	{ change => 'SET', enter => ['attach a'], steps => ['SET spsa.session_token = $b'], after => "region = 'US'", fresh => 'b' },
	{ change => 'RESET', enter => ['attach a'], steps => ['RESET spsa.session_token'], after => 'false', fresh => '' },
	{ change => 'detach', enter => ['attach a'], steps => ['SELECT FROM spsa_detach()'], after => 'false', fresh => '' },
	{ change => 'RESET ALL', enter => ['attach a'], steps => ['RESET ALL'], after => 'false', fresh => '' },
	{ change => 'DISCARD ALL', enter => ['attach a'], steps => ['DISCARD ALL'], after => '26000', fresh => '' },
	{ change => 'COMMIT', once => 'generic', enter => [ 'BEGIN', 'local a' ], steps => ['COMMIT'], after => 'false', fresh => '' },
	{ change => 'COMMIT, attach another', enter => [ 'BEGIN', 'local a' ], steps => [ 'COMMIT', 'BEGIN', 'local b' ], after => "region = 'US'", fresh => 'b', leave => ['COMMIT'] },
	{ change => 'COMMIT, another attribute', enter => [ 'BEGIN', 'local c' ], steps => [ 'COMMIT', 'BEGIN', 'local d' ], after => 'owner = 20', fresh => 'd', leave => ['COMMIT'] },
	{ change => 'ROLLBACK of attach', once => 'generic', enter => [ 'attach b', 'BEGIN', 'attach a' ], steps => ['ROLLBACK'], after => "region = 'US'", fresh => 'b' },
	{ change => 'ROLLBACK TO of attach', once => 'generic', enter => [ 'BEGIN', 'local b', 'SAVEPOINT s', 'local a' ], steps => ['ROLLBACK TO s'], after => "region = 'US'", fresh => 'b', leave => ['COMMIT'] },
	{ change => 'activate', enter => ['attach a'], steps => [$activate], after => 'true', fresh => 'a' },
	{ change => 'activate in a transaction', enter => [ 'BEGIN', 'local a' ], steps => [$activate], after => 'true', leave => ['COMMIT'] },
	{ change => 'deactivate', enter => [ 'attach a', $activate ], steps => [$deactivate], after => "region = 'EU'", fresh => 'a' },
	{ change => 'ROLLBACK of an activation', enter => [ 'attach a', 'BEGIN', $activate ], steps => ['ROLLBACK'], after => "region = 'EU'", fresh => 'a' },
	{ change => 'ROLLBACK TO of an activation', enter => [ 'BEGIN', 'local a', 'SAVEPOINT s', $activate ], steps => ['ROLLBACK TO s'], after => "region = 'EU'", fresh => 'a', leave => ['COMMIT'] },
	{ change => 'assignment removed', enter => ['attach a'], steps => [$no_eu], after => 'false', fresh => 'a', leave => [$assign] },
	{ change => 'assignment removed, in a transaction', once => 'generic', enter => [ 'BEGIN', 'local a' ], steps => [$no_eu], after => 'false', fresh => 'a', leave => [ 'ROLLBACK', $assign ] },
	{ change => 'session closed', enter => ['attach a'], steps => ['admin SELECT spsa_close_session(session_id) FROM spsa.session ORDER BY created_at DESC LIMIT 1'], after => '28000', fresh => 'a' },
	{ change => 'session closed, in a transaction', enter => [ 'BEGIN', 'local a' ], steps => ['admin SELECT spsa_close_session(session_id) FROM spsa.session ORDER BY created_at DESC LIMIT 1'], after => '28000', fresh => 'a', leave => ['ROLLBACK'] },
	{ change => 'activation runs out', once => 'generic', enter => ['attach a'], late => q{SELECT FROM spsa_activate_own('everything', '0.05 s')}, steps => ['SELECT pg_sleep(0.06)'], after => "region = 'EU'", fresh => 'a' },
	{ change => 'user disabled', enter => ['attach a'], steps => [q{admin SELECT FROM spsa_disable_user('ann')}], after => '28000', fresh => 'a', leave => ['admin UPDATE spsa.app_user SET is_active = true'] },
	{ change => 'user made inactive', enter => ['attach a'], steps => [q{admin UPDATE spsa.app_user SET is_active = false WHERE user_name = 'ann'}], after => '28000', fresh => 'a', leave => ['admin UPDATE spsa.app_user SET is_active = true'] },
	{ change => 'membership in the role withdrawn', enter => ['attach e'], steps => ['admin REVOKE regress_spsa_desk FROM regress_spsa_app'], after => '28000', fresh => 'e', leave => ['admin GRANT regress_spsa_desk TO regress_spsa_app'] },
	{ change => 'grant withdrawn', enter => ['attach a'], steps => [ sprintf $grant, 'false', 'false' ], after => 'false', fresh => 'a', leave => [ sprintf $grant, 'true', 'true' ] },
	{ change => 'grant withdrawn, in a transaction', once => 'generic', enter => [ 'BEGIN', 'local a' ], steps => [ sprintf $grant, 'false', 'false' ], after => 'false', fresh => 'a', leave => [ 'ROLLBACK', sprintf $grant, 'true', 'true' ] },
	{ change => 'scope changed', enter => ['attach a'], steps => [q{admin UPDATE spsa.row_scope SET literals = '{US,AP}' WHERE literals = '{EU}'}], after => "region IN ('US', 'AP')", fresh => 'a',
		leave => [q{admin UPDATE spsa.row_scope SET literals = '{EU}' WHERE literals @> '{AP}'}] },
	{ change => 'attribute changed', enter => ['attach c'], steps => [q{admin UPDATE spsa.app_user SET attributes = '{"emp": 30}' WHERE user_name = 'cat'}], after => 'owner = 30', fresh => 'c',
		leave => [q{admin UPDATE spsa.app_user SET attributes = '{"emp": 10}' WHERE user_name = 'cat'}] });

sub once_more
{
	my ($wire, $way) = @_;
	my $name = $way->{name} // 'named';
	my @answers = $wire->bind('', $name, $way->{values}, $way->{binary})->execute('')->sync->answers;
	return $answers[0];
}

my %before = (a => "region = 'EU'", c => 'owner = 10', e => "region = 'EU'");

sub cell
{
	my ($wire, $mode, $c, $way) = @_;
	my $name = $way->{name} // 'named';
	my ($x) = map { /^(?:attach|local) ([ace])$/ ? $1 : () } @{ $c->{enter} };
	my $before = truth((grep { $_ eq $activate } @{ $c->{enter} }) ? 'true' : $before{$x});
	my $after = truth($c->{after});
	$after = $none if $c->{change} eq 'DISCARD ALL' && $name eq '';	# which leaves the unnamed statement alone
	$after = '42501' if $way->{writes} && $after eq $none;
	my @expected = ($before) x 7;

	%token = ();
	step($wire, "SET plan_cache_mode = $mode", @{ $c->{enter} });
	$wire->parse($name, $way->{sql})->sync->answers;
	my @answers = map { once_more($wire, $way) } 1 .. 7;
	my $once = $c->{once} // '';
	if ($c->{late})
	{
		step($wire, $c->{late});
		# Should the clock be faster than we are, there is nothing left to be surprised by.
		$once = '' if once_more($wire, $way) ne $all;
	}
	$once = '' if $once eq 'generic' && ($way->{way} eq 'function' || ($mode eq 'force_custom_plan' && $way->{values}));
	step($wire, @{ $c->{steps} });
	push @answers, once_more($wire, $way);
	if ($once)
	{
		push @expected, '40001';
		step($wire, 'ROLLBACK', @{ $c->{enter} }[ 0, 1 ]) if $wire->status eq 'E';
		push @answers, once_more($wire, $way);
	}
	is(join(' | ', @answers), join(' | ', @expected, $after), "$mode, $way->{way}: $c->{change}");
	step($wire, 'ROLLBACK', @{ $c->{enter} }[ 0, 1 ]) if $wire->status eq 'E' && $after !~ /^\d{5}$/;
	is(fresh_rows($c->{fresh}), truth($c->{after}) =~ /^26/ ? $none : truth($c->{after}), "$mode, $way->{way}: a fresh connection after: $c->{change}")
	  if defined $c->{fresh};
	step($wire, @{ $c->{leave} // [] });
	$wire->close('S', $name)->sync->answers;
	step($wire, 'RESET spsa.session_token');
}

for my $mode (qw(auto force_generic_plan force_custom_plan))
{
	my $wire = Wire->new($node, 'regress_spsa_app');
	for my $c (@changes)
	{
		cell($wire, $mode, $c, $_) for @ways;
	}
	step($wire, "SET plan_cache_mode = $mode", 'attach a');
	$wire->parse('named', $ways[0]{sql})->sync->answers;
	once_more($wire, $ways[0]) for 1 .. 7;
	is($wire->run(q{SELECT generic_plans > 0, custom_plans > 0 FROM pg_prepared_statements WHERE name = 'named'}),
		{ auto => 't/t', force_generic_plan => 't/f', force_custom_plan => 'f/t' }->{$mode}, "$mode: the plans that were meant");
	$wire->disconnect;
}

#
# Portals: they keep the authority of the statement that opened them, while the same session is attached
#
my $read = 'SELECT id FROM doc ORDER BY id';

# Opens portals in a transaction, each with its first row: "p" as session a.
sub suspended
{
	my ($sql, @enter) = @_;
	my $wire = Wire->new($node, 'regress_spsa_app');
	%token = ();
	step($wire, @enter ? @enter : ('BEGIN', 'local a'));
	my @answers = $wire->parse('s', $sql // $read)->bind('p', 's')->describe('P', 'p')->execute('p', 1)->flush->answers;
	is("@answers", '1+', 'suspended after a row');
	return $wire;
}

sub go_on
{
	my ($wire, $rows, $portal) = @_;
	return join ' ', $wire->execute($portal // 'p', $rows)->sync->answers;
}

sub continued
{
	my ($name, $steps, $expected, %how) = @_;
	my $wire = suspended($how{sql}, @{ $how{enter} // [] });
	step($wire, @$steps);
	is(go_on($wire), $expected, "continued: $name");
	step($wire, 'ROLLBACK') if $wire->status ne 'I';
	# The statement of today, on the same connection.
	step($wire, 'BEGIN', 'local a') unless $how{over};
	is($wire->run($read), $how{now} // $eu, "and a new statement: $name") unless $how{over};
	$wire->disconnect;
	step($admin, @{ $how{leave} // [] });
}

continued('nothing happened', [], '2,7');
continued('activated meanwhile', [$activate], '2,7');
continued('deactivated meanwhile', [$deactivate], '2,3,4,5,6,7,8', enter => [ 'BEGIN', 'local a', $activate ]);
continued('assignment removed meanwhile', [$no_eu], '2,7', now => $none, leave => [$assign]);
continued('grant withdrawn meanwhile', [ sprintf $grant, 'false', 'false' ], '2,7', now => $none, leave => [ sprintf $grant, 'true', 'true' ]);
continued('activation has run out', ['SELECT pg_sleep(0.51)'], '2,3,4,5,6,7,8', enter => [ 'BEGIN', 'local a', q{SELECT FROM spsa_activate_own('everything', '0.5 s')} ]);
continued('attribute changed meanwhile', [q{admin UPDATE spsa.app_user SET attributes = '{"emp": 20}' WHERE user_name = 'cat'}], '3,5',
	enter => [ 'SET enable_seqscan = off', 'SET enable_sort = off', 'BEGIN', 'local c' ], leave => [q{UPDATE spsa.app_user SET attributes = '{"emp": 10}' WHERE user_name = 'cat'}]);
continued('session closed meanwhile', ['admin SELECT spsa_close_session(session_id) FROM spsa.session ORDER BY created_at DESC LIMIT 1'], '2,7', over => 1);
continued('another session', ['local b'], '28000');
continued('another attribute', ['local d'], '28000', enter => [ 'BEGIN', 'local c' ]);
continued('SET to another session', ['SET LOCAL spsa.session_token = $b'], '28000');
continued('detached', ['SELECT FROM spsa_detach()'], '28000');
continued('RESET ALL', ['RESET ALL'], '28000');
continued('another session and back', [ 'local b', 'local a' ], '2,7');
continued('ROLLBACK TO of another session', [ 'SAVEPOINT s', 'local b', 'ROLLBACK TO s' ], '2,7');
continued('RELEASE of another session', [ 'SAVEPOINT s', 'local b', 'RELEASE s' ], '28000');
continued('ROLLBACK TO of its own session', ['ROLLBACK TO s'], '34000', enter => [ 'BEGIN', 'SAVEPOINT s', 'local a' ]);
continued('after COMMIT', ['COMMIT'], '34000');
continued('after ROLLBACK', ['ROLLBACK'], '34000');
continued('after COMMIT, the session still attached', ['COMMIT'], '34000', enter => [ 'attach a', 'BEGIN' ]);
# rows that a function inside reads one by one
continued('a function, another session', ['local b'], '28000', sql => 'SELECT lazy()');
continued('a function, detached', ['SELECT FROM spsa_detach()'], '28000', sql => 'SELECT lazy()');
continued('a function', [], '2,7', sql => 'SELECT lazy()');
# stored as a whole when the first row was asked for
my $with = 'WITH w AS (UPDATE doc SET body = body RETURNING id) SELECT id FROM w ORDER BY id';
my @prepared = ("PREPARE reads AS $read", 'BEGIN', 'local a');
continued('stored rows', [], '2,7', sql => $with);
continued('stored rows, the same session again', ['local a'], '2,7', sql => $with);
continued('stored rows, another session', ['local b'], '55000', sql => $with);
continued('stored rows, detached', ['SELECT FROM spsa_detach()'], '55000', sql => $with);
continued('stored rows, RESET ALL', ['RESET ALL'], '55000', sql => $with);
continued('stored rows, and back again', [ 'local b', 'local a' ], '55000', sql => $with);
continued('stored rows, and rolled back', [ 'SAVEPOINT s', 'local b', 'ROLLBACK TO s' ], '55000', sql => $with);
continued('rows of EXECUTE', [], '2,7', sql => 'EXECUTE reads', enter => \@prepared);
continued('rows of EXECUTE, another session', ['local b'], '55000', sql => 'EXECUTE reads', enter => \@prepared);
continued('UPDATE of what is not protected, another session', ['local b'], '2', sql => 'UPDATE free SET id = id RETURNING id');
continued('UPDATE of what is not protected that reads what is, another session', ['local b'], '55000', sql => 'UPDATE free SET id = id RETURNING id + 0 * (SELECT count(*) FROM doc)');

# Two portals of two sessions, taken by turns.
{
	my $wire = suspended();
	step($wire, 'local b');
	is(join(' ', $wire->bind('q', 's')->execute('q', 1)->flush->answers), '3+', 'a portal of another session');
	step($wire, 'local a');
	is(go_on($wire, 1), '2+', 'back to the first');
	step($wire, 'local b');
	is(go_on($wire, 0, 'q'), '4', 'and to the second');
	is(go_on($wire), '28000', 'but not to the first as the second');
	$wire->disconnect;
}
# The portal of a cursor, which SQL fetches from.
{
	my $wire = suspended();
	is($wire->run('FETCH 1 FROM p'), '2', 'FETCH from the portal');
	step($wire, 'local b');
	is($wire->run('FETCH 1 FROM p'), '28000', 'FETCH from the portal as another session');
	$wire->disconnect;
}
# Without BEGIN a transaction lasts until Sync, and so do its portals and its binding.
{
	my $wire = Wire->new($node, 'regress_spsa_app');
	%token = ();
	my $a = session('a');
	is(join('|', $wire->statement('SELECT FROM spsa_attach($1)', $a)->parse('', $read)->bind('p', '')->execute('p', 1)->sync->execute('p')->sync->answers),
		'|1+|34000', 'a portal is gone after Sync');
	is($wire->run($read), $none, 'and so is the binding');
	is(join('|', $wire->statement('SELECT FROM spsa_attach($1)', $a)->bind('', '')->execute('', 1)->bind('', '')->execute('', 2)->execute('')->sync->answers),
		'|1+|1,2+|7', 'the unnamed portal is replaced');
	$wire->disconnect;
}
# A binding that ends with its transaction.
{
	my $wire = Wire->new($node, 'regress_spsa_app');
	%token = ();
	step($admin, 'GRANT SET ON PARAMETER spsa.require_local_attach TO regress_spsa_app');
	step($wire, 'SELECT spsa_user_name()', 'SET spsa.require_local_attach = on', 'BEGIN', 'SET spsa.session_token = $a');
	$wire->parse('s', $read)->sync->answers;
	is(join(' ', $wire->bind('', 's')->execute('')->sync->answers), $eu, 'require_local_attach: in the transaction');
	step($wire, 'COMMIT');
	is(join(' ', $wire->bind('', 's')->execute('')->sync->answers), '28000', 'require_local_attach: after it');
	$wire->disconnect;
}

#
# Pipelines
#
# Each is run twice over a new connection: before any plan has been made, and with the plans of the first time.
sub pipeline
{
	my ($name, $expected, $queue, %how) = @_;
	my $wire = Wire->new($node, 'regress_spsa_app');
	step($wire, 'SET plan_cache_mode = force_generic_plan');
	step($wire, $how{setting}) if $how{setting};
	$wire->parse('s', 'SELECT id FROM doc WHERE id > $1 ORDER BY id')->parse('w', 'UPDATE doc SET body = $1')->sync->answers;
	for my $turn (1, 2)
	{
		%token = ();
		my @answers = $queue->($wire)->sync->answers;
		is(join('|', @answers), $expected, "pipeline $turn: $name");
		is($wire->status, $how{status} // 'I', "pipeline $turn: status: $name");
		step($wire, 'ROLLBACK') if $wire->status ne 'I';
	}
	$wire->disconnect;
}

sub attach { my ($wire, $x) = @_; return $wire->statement('SELECT FROM spsa_attach($1)', session($x)); }
sub rows_of { my ($wire) = @_; return $wire->bind('', 's', [0])->execute(''); }

# A portal that is not read any more can be closed under any binding, and is closed by COMMIT.
{
	my $wire = suspended();
	step($wire, 'SELECT FROM spsa_detach()');
	is(join(' ', $wire->close('P', 'p')->sync->answers), '', 'Close after detach');
	step($wire, 'local a');
	is(join(' ', $wire->bind('p', 's')->execute('p', 1)->sync->answers), '1+', 'opened again');
	step($wire, 'local b', 'COMMIT');
	is($wire->status, 'I', 'COMMIT with a portal of another session');
	$wire->disconnect;
}

pipeline('attach in the middle', "|$eu||$us||", sub {
	my ($wire) = @_;
	rows_of(attach($wire, 'a'));
	rows_of(attach($wire, 'b'));
	return rows_of($wire->statement('SELECT FROM spsa_detach()'));
});
pipeline('a transaction and what comes after it', "||$eu||40001", sub {
	my ($wire) = @_;
	rows_of(attach($wire->statement('BEGIN'), 'a'));
	return rows_of($wire->statement('COMMIT'));
});
pipeline('two transactions', "||$eu||||$us|", sub {
	my ($wire) = @_;
	rows_of(attach($wire->statement('BEGIN'), 'a'))->statement('COMMIT');
	return rows_of(attach($wire->statement('BEGIN'), 'b'))->statement('COMMIT');
});
pipeline('two transactions, another attribute', '||' . truth('owner = 10') . '||||' . truth('owner = 20') . '|', sub {
	my ($wire) = @_;
	rows_of(attach($wire->statement('BEGIN'), 'c'))->statement('COMMIT');
	return rows_of(attach($wire->statement('BEGIN'), 'd'))->statement('COMMIT');
});
pipeline('attach and activate', "||$all|t|$eu", sub {
	my ($wire) = @_;
	rows_of(attach($wire, 'a')->statement($activate));
	return rows_of($wire->statement(q{SELECT spsa_deactivate_own('everything')}));
});
pipeline('Parse before the attach', "|$eu", sub {
	my ($wire) = @_;
	$wire->parse('', $read)->describe('S', '');
	return attach($wire, 'a')->bind('', '')->execute('');
});
# A Bind opens the statement: what it shows is of the session of then, or nothing.
pipeline('Bind before the attach', '|28000', sub {
	my ($wire) = @_;
	return attach($wire->bind('p', 's', [0]), 'a')->execute('p');
});
pipeline('Bind before the attach of another', '||28000', sub {
	my ($wire) = @_;
	return attach(attach($wire, 'a')->bind('p', 's', [0]), 'b')->execute('p');
});
pipeline('Bind before the attach of another attribute', '||28000', sub {
	my ($wire) = @_;
	return attach(attach($wire, 'c')->bind('p', 's', [0]), 'd')->execute('p');
});
pipeline('Bind before the attach of the same', "||$eu", sub {
	my ($wire) = @_;
	return attach(attach($wire, 'a')->bind('p', 's', [0]), 'a')->execute('p');
});
pipeline('Bind before a detach', '||28000', sub {
	my ($wire) = @_;
	return attach($wire, 'a')->bind('p', 's', [0])->statement('SELECT FROM spsa_detach()')->execute('p');
});
pipeline('Bind before an activation', "||$eu|$all", sub {
	my ($wire) = @_;
	return rows_of(attach($wire, 'a')->bind('p', 's', [0])->statement($activate)->execute('p'));
});
pipeline('Bind before a deactivation', "|||$all|$eu", sub {
	my ($wire) = @_;
	return rows_of(attach($wire, 'a')->statement($activate)->bind('p', 's', [0])->statement($deactivate)->execute('p'));
});
# A write is started when it is executed, with the plan that was chosen when it was bound.
pipeline('Bind of a write before the attach', '|40001', sub {
	my ($wire) = @_;
	return attach($wire->bind('p', 'w', ['x']), 'a')->execute('p');
});
pipeline('Bind of a write before the attach of another', '||40001', sub {
	my ($wire) = @_;
	return attach(attach($wire, 'a')->bind('p', 'w', ['x']), 'b')->execute('p');
});
pipeline('the same after a caught error', '|||40001', sub {
	my ($wire) = @_;
	$wire->statement(q{DO $$ BEGIN PERFORM 1 / count(*) FROM pg_class WHERE false; EXCEPTION WHEN division_by_zero THEN END $$});
	return attach(attach($wire, 'a')->bind('p', 'w', ['x']), 'b')->execute('p');
});
pipeline('Bind of a write before a detach', '||40001', sub {
	my ($wire) = @_;
	return attach($wire, 'a')->bind('p', 'w', ['x'])->statement('SELECT FROM spsa_detach()')->execute('p');
});
pipeline('Bind of a write before a deactivation', '|||40001', sub {
	my ($wire) = @_;
	return attach($wire, 'a')->statement($activate)->bind('p', 'w', ['x'])->statement($deactivate)->execute('p');
});
# with the same plan, it writes what the session of now may
pipeline('Bind of a write before the attach of another attribute', '||' . truth('owner = 20'), sub {
	my ($wire) = @_;
	$wire->close('S', 'r')->parse('r', $ways[-1]{sql});
	return attach(attach($wire, 'c')->bind('p', 'r', [0]), 'd')->execute('p');
}, setting => 'SET spsa.share_plans = on');
# with the attribute as a constant in its plan, it is refused
pipeline('Bind of a write before the attach of another attribute, not shared', '||40001', sub {
	my ($wire) = @_;
	$wire->close('S', 'r')->parse('r', $ways[-1]{sql});
	return attach(attach($wire, 'c')->bind('p', 'r', [0]), 'd')->execute('p');
}, setting => 'SET spsa.share_plans = off');
pipeline('suspended, attach of another, continued', '||1+||28000', sub {
	my ($wire) = @_;
	return attach(attach($wire->statement('BEGIN'), 'a')->bind('p', 's', [0])->execute('p', 1), 'b')->execute('p');
}, status => 'E');
pipeline('suspended, ROLLBACK TO, continued', "||1+||||2,7", sub {
	my ($wire) = @_;
	attach($wire->statement('BEGIN'), 'a')->bind('p', 's', [0])->execute('p', 1);
	return attach($wire->statement('SAVEPOINT s'), 'b')->statement('ROLLBACK TO s')->execute('p');
}, status => 'T');
# An error skips the rest, and undoes the binding.
pipeline('an error after the attach', '|22012', sub {
	my ($wire) = @_;
	return rows_of(attach($wire, 'a')->statement('SELECT 1 / 0'));
});
{
	my $wire = Wire->new($node, 'regress_spsa_app');
	%token = ();
	is(join('|', rows_of(attach($wire->parse('s', 'SELECT id FROM doc WHERE id > $1 ORDER BY id'), 'a')->statement('SELECT 1 / 0'))->sync->answers), '|22012', 'an error in a pipeline');
	is(join('|', rows_of($wire)->sync->answers), $none, 'has undone the binding');
	# an attach that fails makes those before it void
	step($wire, 'attach a');
	is($wire->run('SELECT FROM spsa_attach($1)', 'spsa_no_token'), '28000', 'a token that is none');
	is($wire->run($read), '28000', 'voids the one before it');
	%token = ();
	step($wire, 'attach a');
	is($wire->run($read), $eu, 'until another attach');
	session('b');
	$admin->run('DELETE FROM spsa.session WHERE created_at = (SELECT max(created_at) FROM spsa.session)');
	step($wire, 'BEGIN', 'SET spsa.session_token = $b');
	is($wire->run($read), '28000', 'a token that is none any more');
	step($wire, 'ROLLBACK');
	is($wire->run($read), '28000', 'voids the one that ROLLBACK restores');
	$wire->disconnect;
}
# Another backend acts while a pipeline waits between two messages (Flush, no Sync).
{
	my $wire = Wire->new($node, 'regress_spsa_app');
	%token = ();
	step($wire, 'SET plan_cache_mode = force_generic_plan');
	$wire->parse('s', 'SELECT id FROM doc WHERE id > $1 ORDER BY id')->sync->answers;
	is(join('|', rows_of(attach($wire, 'a'))->flush->answers), "|$eu", 'the first half of a pipeline');
	$admin->run(q{SELECT FROM spsa_revoke_assignment('ann', 'eu')});
	is(join('|', rows_of($wire)->flush->answers), '40001', 'an assignment is removed in the middle of it');
	is(join('|', $wire->sync->answers), '', 'its end');
	is(join('|', rows_of(attach($wire, 'a'))->sync->answers), "|$none", 'the retry');
	$admin->run(q{SELECT FROM spsa_assign('ann', 'eu')});
	is(join('|', rows_of(attach($wire, 'a'))->flush->answers), "|$eu", 'the first half of another');
	$admin->run('SELECT spsa_close_session(session_id) FROM spsa.session ORDER BY created_at DESC LIMIT 1');
	is(join('|', rows_of($wire)->flush->answers), '28000', 'the session is closed in the middle of it');
	$wire->sync->answers;
	$wire->disconnect;
}

done_testing();
