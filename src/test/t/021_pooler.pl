# PgBouncer in front of the server, in each of its modes, with and without a reset query: 50 clients over 5 connections, each
# client another user with other sets, attach, read, activate, deactivate, roll back and vanish in the middle of transactions.
# Every row that a client gets is compared with what its user may see at that moment.  What docs/OPERATIONS.md calls misuse is
# tried as well, so that the load is known to see a leak where there is one.
#
# SPSA_POOL_SECONDS: how long all of it takes together (10); SPSA_POOL_SEED: again, the choices of that seed.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use List::Util 'sum';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Pooler;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

plan skip_all => 'pgbouncer is not installed' unless Pooler::version();

my $clients = 50;
my $seed = $ENV{SPSA_POOL_SEED} || 1 + int rand 1e6;
my $node = PostgreSQL::Test::Cluster->new('pooled');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = error\nmax_parallel_workers_per_gather = 0\nsession_preload_libraries = spsa\n");
$node->start;

# A user has the rows that it owns; every third one a region; each a region on activation; every fifth all on activation.
# The same for the table plain with what is usually written by hand: a setting that the client chooses, and a table of grants.
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE ROLE regress_spsa_local LOGIN;
	CREATE ROLE regress_spsa_loud LOGIN;
	ALTER ROLE regress_spsa_local SET spsa.require_local_attach = on;
	ALTER ROLE regress_spsa_loud SET spsa.require_session = on;
	CREATE TABLE doc AS SELECT i AS id, i % 10 AS region, 1 + i / 10 % 50 AS owner FROM generate_series(0, 499) i;
	CREATE TABLE plain AS SELECT * FROM doc;
	CREATE INDEX ON doc (owner); CREATE INDEX ON doc (region);
	CREATE INDEX ON plain (owner); CREATE INDEX ON plain (region);
	GRANT SELECT ON doc, plain TO regress_spsa_app, regress_spsa_local, regress_spsa_loud;
	CREATE FUNCTION doc_ids() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM doc); END $$;
	CREATE FUNCTION plain_ids() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM plain); END $$;

	SELECT spsa_protect('doc', '{region,owner}');
	SELECT spsa_create_permission_set('own'), spsa_grant_object('own', 'doc', '{read}', true), spsa_grant_rows('own', 'doc', 'owner', attribute => 'emp');
	SELECT spsa_create_permission_set('region' || r), spsa_grant_object('region' || r, 'doc', '{read}', true), spsa_grant_rows('region' || r, 'doc', 'region', ARRAY[r::text])
		FROM generate_series(0, 9) r;
	SELECT spsa_create_permission_set('more' || r, activation_required => true), spsa_grant_object('more' || r, 'doc', '{read}', true), spsa_grant_rows('more' || r, 'doc', 'region', ARRAY[r::text])
		FROM generate_series(0, 9) r;
	SELECT spsa_create_permission_set('everything', activation_required => true), spsa_grant_object('everything', 'doc', '{read}');
	SELECT spsa_create_user('u' || i, jsonb_build_object('emp', i)), spsa_assign('u' || i, 'own'), spsa_assign('u' || i, 'more' || (i + 5) % 10) FROM generate_series(1, 50) i;
	SELECT spsa_assign('u' || i, 'region' || i % 10) FROM generate_series(3, 50, 3) i;
	SELECT spsa_assign('u' || i, 'everything') FROM generate_series(5, 50, 5) i;

	CREATE TABLE plain_grant (emp integer, set_name text, region integer);
	CREATE INDEX ON plain_grant (emp);
	GRANT SELECT, INSERT, DELETE ON plain_grant TO regress_spsa_app;
	INSERT INTO plain_grant SELECT i, 'region', i % 10 FROM generate_series(3, 50, 3) i;
	CREATE FUNCTION plain_emp() RETURNS integer STABLE LANGUAGE sql AS $$ SELECT nullif(current_setting('app.emp', true), '')::integer $$;
	ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON plain USING (owner = plain_emp() OR region = ANY (ARRAY(SELECT g.region FROM plain_grant g WHERE g.emp = plain_emp())));
	ANALYZE; });

#
# What clients do
#
my %sql = (
	spsa => {
		local => 'SELECT FROM spsa_attach($1)', connection => 'SELECT FROM spsa_attach_connection($1)',
		on => 'SELECT FROM spsa_activate_own($1)', off => 'SELECT FROM spsa_deactivate_own($1)',
		read => [ 'SELECT id FROM doc ORDER BY id', 'SELECT doc_ids()' ] },
	plain => {
		local => q{SELECT FROM set_config('app.emp', $1, true)},
		on => q{INSERT INTO plain_grant SELECT plain_emp(), $1, r FROM generate_series(0, 9) r WHERE $1 IN ('everything', 'more' || r)},
		off => 'DELETE FROM plain_grant WHERE emp = plain_emp() AND set_name = $1',
		read => [ 'SELECT id FROM plain ORDER BY id', 'SELECT plain_ids()' ] });

# The rows of a user while these sets are active, as one answer.
my %seen;
sub rows_of
{
	my ($i, $active) = @_;
	return $seen{ join ',', $i, sort keys %$active } //= join ',', grep {
		my $region = $_ % 10;
		1 + int($_ / 10) % 50 == $i || $i % 3 == 0 && $region == $i % 10 || $active->{everything} || $active->{"more$region"}
	} 0 .. 499;
}

# Counts what a client got: rows that it must not see, rows that it did not see, errors.  False if it is not what it should be.
sub check
{
	my ($c, $answer, $expected, $what) = @_;
	$c->{count}{answers}++;
	return 1 if $answer eq $expected;
	my $problem;
	if ($answer =~ /^[0-9A-Z]{5}$/)
	{
		$problem = "$answer " . $c->{wire}->error;
		$c->{count}{errors}++;
	}
	else
	{
		my %may = map { $_ => 1 } split /,/, $expected;
		my %got = map { $_ => 1 } split /,/, $answer;
		my @leaked = grep { !$may{$_} } keys %got;
		my @denied = grep { !$got{$_} } keys %may;
		$c->{count}{leaks}++ if @leaked;
		$c->{count}{denials}++ if @denied;
		$problem = @leaked . ' rows leaked, ' . @denied . ' missing';
	}
	$c->{sample} //= "u$c->{i}: $what: $problem";
	return 0;
}

sub step { my ($c, $sql, @values) = @_; return check($c, $c->{wire}->run($sql, @values), '', $sql); }

sub readable
{
	my ($c, $expected, $what) = @_;
	my $wire = $c->{wire};
	return check($c, join('', $wire->bind('', 'q')->execute('')->sync->answers), $expected, "prepared, $what") if $c->{way}{prepared};
	return check($c, $wire->run($c->{sql}{read}[ rand 2 ]), $expected, $what);
}

# A set of the client that is on activation: switched on or off.
sub toggle
{
	my ($c, $active) = @_;
	my @sets = ('more' . ($c->{i} + 5) % 10, $c->{i} % 5 == 0 ? 'everything' : ());
	my $set = $sets[ rand @sets ];
	my $on = !delete $active->{$set};
	$active->{$set} = 1 if $on;
	return ($c->{sql}{ $on ? 'on' : 'off' }, $set);
}

sub connect_client
{
	my ($c) = @_;
	my $wire = $c->{wire} = Wire->new($c->{way}{pooler}, 'anybody', $c->{way}{database});
	$c->{count}{connections}++;
	$c->{left} = 1 + int rand($c->{way}{turns} // 20);
	$wire->parse('q', $c->{sql}{read}[0])->sync->answers if $c->{way}{prepared};
	unattached($c, 'before the attach');
	step($c, $c->{sql}{connection}, $c->{token}) if $c->{way}{attach} eq 'connection';
	return;
}

# Nobody is attached: nothing is seen.  A plan that was made for the session before is refused once, to be made anew, where the
# connection to the server has the statement prepared: by the client, or by a pool that prepares what its clients do.
sub unattached
{
	my ($c, $what) = @_;
	my $way = $c->{way};
	my $answer = $way->{prepared} ? join('', $c->{wire}->bind('', 'q')->execute('')->sync->answers) : $c->{wire}->run($c->{sql}{read}[ rand 2 ]);
	return check($c, $answer eq '40001' && ($way->{prepared} || $way->{pooler}{prepares}) ? '' : $answer, '', $what);
}

# In the middle of a transaction. The pool closes the connection to the server then, and opens another one: that takes time, so
# each client does it now and then only.
sub vanish
{
	my ($c) = @_;
	$c->{count}{vanished}++;
	$c->{vanish} = time + rand 30;
	rand() < 0.5 ? $c->{wire}->vanish : $c->{wire}->disconnect;
	delete $c->{wire};
	return 0;
}

# Returns false if the connection is gone or no longer of use.
sub transaction
{
	my ($c) = @_;
	my %active = %{ $c->{active} };
	my $local = $c->{way}{attach} eq 'local';
	step($c, 'BEGIN') or return 0;
	if ($local)
	{
		if (rand() < 0.15)
		{
			unattached($c, 'the attach was forgotten');
			return step($c, 'ROLLBACK');
		}
		step($c, $c->{sql}{local}, $c->{token}) or return 0;
	}
	push @{ $c->{servers} }, $c->{wire}->run('SELECT pg_backend_pid()') if rand() < 0.3;
	readable($c, rows_of($c->{i}, \%active), 'attached') or return 0;
	for (1 .. $c->{way}{calm} ? 0 : int rand 3)
	{
		my $savepoint = rand() < 0.3;
		my %before = %active;
		step($c, 'SAVEPOINT s') if $savepoint;
		step($c, toggle($c, \%active)) or return 0;
		readable($c, rows_of($c->{i}, \%active), 'activated or deactivated') or return 0;
		next unless $savepoint && rand() < 0.5;
		step($c, 'ROLLBACK TO s');
		%active = %before;
		readable($c, rows_of($c->{i}, \%active), 'rolled back to a savepoint') or return 0;
	}
	return vanish($c) if time > $c->{vanish};
	my $commit = rand() < 0.7;
	step($c, $commit ? 'COMMIT' : 'ROLLBACK') or return 0;
	$c->{active} = \%active if $commit;
	return 1;
}

# Where there are no transactions but a pipeline up to its Sync, or what is one statement.
sub pipeline
{
	my ($c) = @_;
	my $wire = $c->{wire};
	my $attach = $c->{sql}{local};
	my $read = $c->{sql}{read}[ rand 2 ];
	my %active = %{ $c->{active} };
	my $what = rand();
	if ($what < 0.2)
	{
		step($c, $attach, $c->{token});
		return unattached($c, 'the attach was another statement');
	}
	$wire->statement($attach, $c->{token});
	if ($what < 0.6)
	{
		return check($c, join('|', $wire->statement($read)->sync->answers), '|' . rows_of($c->{i}, \%active), 'one pipeline');
	}
	$wire->statement(toggle($c, \%active));
	my $answer = '||' . rows_of($c->{i}, \%active);
	if ($what < 0.8)
	{
		$c->{active} = \%active;
		return check($c, join('|', $wire->statement($read)->sync->answers), $answer, 'activated or deactivated in a pipeline');
	}
	return vanish($c) if time > $c->{vanish};
	return check($c, join('|', $wire->statement($read)->statement('SELECT 1 / 0')->sync->answers), "$answer|22012", 'a pipeline that fails');
}

# On a connection that was attached when it was made.
sub forgetful { my ($c) = @_; return readable($c, rows_of($c->{i}, {}), 'attached once'); }

# A client for the time of a way to use the pool; what it reports, in one line.
sub work
{
	my ($c) = @_;
	srand($seed + 100 * $c->{way}{number} + $c->{i});
	my $start = time;
	my $end = $start + $c->{way}{seconds};
	$c->{vanish} = $start + rand 30;
	my $turn = $c->{way}{misuse} ? \&forgetful : $c->{way}{mode} eq 'statement' ? \&pipeline : \&transaction;
	eval {
		while (time < $end)
		{
			$c->{wire} or connect_client($c);
			$c->{count}{turns}++;
			$c->{count}{timed}++ if time > $start + $c->{way}{seconds} / 3;	# the pool has its connections
			next if $turn->($c) && --$c->{left};
			$c->{wire}->disconnect if $c->{wire};
			delete $c->{wire};
		}
		$c->{wire}->disconnect if $c->{wire};
		1;
	} or do {
		$c->{count}{died}++;
		$c->{sample} //= "u$c->{i}: $@";
	};
	my %servers = map { $_ => 1 } @{ $c->{servers} };
	return join "\t", (map { "$_=$c->{count}{$_}" } keys %{ $c->{count} }), (map { "server=$_" } keys %servers),
	  'sample=' . substr($c->{sample} // '', 0, 500) =~ s/\s+/ /gr;
}

# The clients are processes, which wait for what to do; each way has sessions of its own.
my (@ways, @orders, $reports);
sub start_clients
{
	my $number = 0;
	my $sessions = join ' UNION ALL ', map { "SELECT $_ AS way" } map { $_->{number} = $number++ } @ways;
	my %token = map { /(.*)\|(.*)/ } split /\n/, $node->safe_psql('postgres',
		"SELECT way || ' ' || i, token FROM ($sessions) w, generate_series(1, $clients) i, spsa_open_session('u' || i, db_role => NULL, attributes => jsonb_build_object('way', way))");
	pipe($reports, my $report) or die $!;
	for my $i (1 .. $clients)
	{
		pipe(my $order, $orders[$i]) or die $!;
		$orders[$i]->autoflush;
		defined(my $pid = fork) or die $!;
		next if $pid;
		$_ && close $_ for @orders;
		while (my $n = <$order>)
		{
			my $way = $ways[$n];
			my $c = { i => $i, way => $way, sql => $sql{ $way->{sql} // 'spsa' }, active => {}, count => { died => 0 }, servers => [] };
			$c->{token} = $way->{sql} ? $i : $token{"$way->{number} $i"};
			syswrite $report, work($c) . "\n";
		}
		POSIX::_exit(0);
	}
	return;
}

# All connections of a pool, before anything is timed: what a connection takes depends on the system, and may be long.
sub fill
{
	my ($pooler, $database) = @_;
	my @wires = map { Wire->new($pooler, 'anybody', $database) } 1 .. 5;
	$_->statement('SELECT pg_sleep(0.1)')->sync->send_queued for @wires;
	$_->answers for @wires;
	$_->disconnect for @wires;
	return;
}

# All clients at once, in one way; the sum of what they report.
sub load
{
	my ($way) = @_;
	# What the way before has left active; sessions are new ones.
	$node->safe_psql('postgres', q{DELETE FROM plain_grant WHERE set_name <> 'region'}) if $way->{sql};
	my $began = time;
	print { $orders[$_] } "$way->{number}\n" for 1 .. $clients;
	my %sum = map { $_ => 0 } qw(answers turns timed connections vanished leaks denials errors died);
	my (%users_of, @samples);
	for (1 .. $clients)
	{
		chomp(my $line = <$reports> // die 'clients have ended');
		for my $field (split /\t/, $line)
		{
			my ($name, $value) = split /=/, $field, 2;
			if ($name eq 'server') { $users_of{$value}++; }
			elsif ($name eq 'sample') { push @samples, $value if $value ne ''; }
			else { $sum{$name} += $value; }
		}
	}
	($sum{users}) = sort { $b <=> $a } values %users_of, 0;
	$sum{samples} = join "\n", @samples[ 0 .. ($#samples < 4 ? $#samples : 4) ];
	$sum{rate} = $sum{timed} / $way->{seconds} * 3 / 2;
	note(sprintf '%.1f s, %s: %d %s, %.0f per s, %d answers, %d connections, %d left in the middle, up to %d users on a server connection; %d leaks, %d denials, %d errors',
		time - $began, $way->{name}, $sum{turns}, $way->{mode} eq 'statement' ? 'pipelines' : 'transactions', @sum{qw(rate answers connections vanished users leaks denials errors)});
	return \%sum;
}

my %pools;
for my $mode (qw(transaction session statement))
{
	$pools{$mode} = "pool_mode=$mode user=regress_spsa_app";
	$pools{"${mode}_local"} = "pool_mode=$mode user=regress_spsa_local";
}
$pools{statement_loud} = 'pool_mode=statement user=regress_spsa_loud';
my $prepares = Pooler::version() >= 1021;
my %bare = $prepares ? (max_prepared_statements => 100) : ();
my $bare = Pooler->new($node, \%pools, %bare);
$bare->{prepares} = $prepares;
my $reset = Pooler->new($node, \%pools, server_reset_query => 'DISCARD ALL', server_reset_query_always => 1);

# The proper use: nobody sees what is not theirs, nor less than is theirs.
my @proper = (
	{ name => 'transaction mode, DISCARD ALL', mode => 'transaction', pooler => $reset },
	{ name => 'transaction mode, set_config() instead', mode => 'transaction', pooler => $bare, sql => 'plain', share => 2 },
	{ name => 'transaction mode', mode => 'transaction', pooler => $bare, share => 2 },
	{ name => 'transaction mode, set_config() instead, reading only', mode => 'transaction', pooler => $bare, sql => 'plain', calm => 1 },
	{ name => 'transaction mode, reading only', mode => 'transaction', pooler => $bare, calm => 1 },
	{ name => 'session mode', mode => 'session', pooler => $bare, turns => 3 },
	{ name => 'session mode, DISCARD ALL, prepared', mode => 'session', pooler => $reset, turns => 3, prepared => 1 },
	{ name => 'session mode, DISCARD ALL, attached connections', mode => 'session', pooler => $reset, turns => 3, attach => 'connection' },
	{ name => 'statement mode', mode => 'statement', pooler => $bare },
	{ name => 'statement mode, DISCARD ALL', mode => 'statement', pooler => $reset },
	($prepares ? { name => 'transaction mode, prepared', mode => 'transaction', pooler => $bare, prepared => 1 } : ()));
# The misuse: a connection is attached that the pool gives to others.
my @misuse = (
	{ name => 'misuse: attached connections in transaction mode', mode => 'transaction', pooler => $bare, leaks => 1 },
	{ name => 'misuse: attached connections in statement mode', mode => 'statement', pooler => $bare, leaks => 1 },
	{ name => 'misuse: attached connections in session mode without a reset', mode => 'session', pooler => $bare, leaks => 1, turns => 3 },
	{ name => 'misuse with spsa.require_local_attach: transaction mode', mode => 'transaction', pooler => $bare, database => 'transaction_local' },
	{ name => 'misuse with spsa.require_local_attach: session mode', mode => 'session', pooler => $bare, database => 'session_local', turns => 3 },
	{ name => 'misuse with DISCARD ALL: transaction mode', mode => 'transaction', pooler => $reset });

note("seed $seed, PgBouncer " . Pooler::version());
note('PgBouncer before 1.21 keeps no prepared statements for clients in transaction mode: not tried') unless $prepares;
$_ = { database => $_->{mode}, attach => 'local', share => 1, %$_ } for @proper;
$_ = { database => $_->{mode}, attach => 'connection', misuse => 1, share => 1 / 2, %$_ } for @misuse;
@ways = (@proper, @misuse);
my $shares = sum(map { $_->{share} } @ways);
$_->{seconds} = $_->{share} * ($ENV{SPSA_POOL_SECONDS} || 10) / $shares for @ways;
start_clients();
for my $pooler ($bare, $reset)
{
	fill($pooler, $_) for grep { my $name = $_; grep { $_->{pooler} == $pooler && $_->{database} eq $name } @ways } sort keys %pools;
}
my ($vanished, $users) = (0, 0);
my %rate;
for my $way (@proper)
{
	my $sum = load($way);
	my $name = $way->{name};
	is($sum->{died}, 0, "$name: all clients get to the end") or diag($sum->{samples});
	is("$sum->{leaks},$sum->{denials},$sum->{errors}", '0,0,0', "$name: no leak, no wrong denial, no error") or diag("seed $seed\n$sum->{samples}");
	cmp_ok($sum->{answers}, '>', $clients, "$name: there was something to see");
	$vanished += $sum->{vanished};
	$users = $sum->{users} if $sum->{users} > $users;
	$rate{$name} = $sum->{rate};
}
cmp_ok($users, '>', 2, 'connections to the server serve several users');
cmp_ok($vanished, '>', 0, 'clients have left in the middle of transactions');
for my $what ('', ', reading only')
{
	my @rates = @rate{ "transaction mode$what", "transaction mode, set_config() instead$what" };
	diag(sprintf 'transactions per second, 50 clients over 5 connections%s: spsa_attach() %.0f, set_config() %.0f, ratio %.2f', $what, @rates, $rates[0] / ($rates[1] || 1));
}

#
# Statement mode: what is one transaction without BEGIN
#
my $token = $node->safe_psql('postgres', q{SELECT token FROM spsa_open_session('u1', db_role => NULL)});
$node->safe_psql('postgres', q{
	CREATE FUNCTION my_doc(token text) RETURNS SETOF doc LANGUAGE plpgsql AS $$ BEGIN
		PERFORM spsa_attach(token);
		RETURN QUERY SELECT * FROM doc;
	END $$; });
my $own = rows_of(1, {});

# What a client gets for texts that it sends over one connection, each as one message.
sub sent
{
	my ($database, @texts) = @_;
	my ($out, $err);
	IPC::Run::run([ 'psql', '-XqAt', '-h', $bare->host, '-p', $bare->port, '-d', $database, map { ('-c', $_) } @texts ], '>', \$out, '2>', \$err);
	return join ',', grep { $_ ne '' } split(/\n/, $out), $err =~ /(?:ERROR|FATAL): +(.*)/ ? $1 : ();
}
my $attach = "SELECT FROM spsa_attach('$token')";
my $read = 'SELECT id FROM doc ORDER BY id';
my $none = 'no session is attached';
is(sent('statement', "$attach; $read"), $own, 'several statements in one message');
is(sent('statement', "$attach; $read", $read), $own, 'and nothing in the next one');
is(sent('statement', $attach, $read), '', 'attach and query in two messages: nothing');
is(sent('statement_loud', $attach, $read), $none, 'or an error with spsa.require_session');
is(sent('statement_loud', "$attach; $read"), $own, 'which lets one message be');
like(sent('statement', 'BEGIN', $attach, $read), qr/^transaction blocks not allowed in statement pooling mode/, 'PgBouncer refuses BEGIN');
is(sent('statement', "SELECT id FROM my_doc('$token') ORDER BY id"), $own, 'a function that attaches');
is(sent('statement', "SELECT id FROM my_doc('$token') ORDER BY id", $read), $own, 'and nothing after it');
is(sent('statement', "WITH a AS MATERIALIZED ($attach) SELECT id FROM a, doc ORDER BY id"),
	'', 'a query that attaches by itself sees nothing');

#
# Misuse, last of all: it leaves connections attached
#
for my $way (@misuse)
{
	my $sum = load($way);
	my $name = $way->{name};
	cmp_ok($sum->{answers}, '>', $clients, "$name: there was something to see");
	cmp_ok($sum->{leaks}, '>', 0, "$name: the load sees the leaks") if $way->{leaks};
	is("$sum->{leaks},$sum->{errors}", '0,0', "$name: nothing is seen") or diag("seed $seed\n$sum->{samples}") unless $way->{leaks};
}

close $_ for grep { $_ } @orders;
$_->stop for $bare, $reset;
done_testing();
