# Drivers and their pools work with sessions as docs/OPERATIONS.md tells it: the programs of src/test/clients, with the blocks of
# that page in them, which stand nowhere else.  Each attaches, reads, activates, rolls back and gives the connection to the next
# user, so often that statements are prepared and plans generic.  All must print the same.

use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Document;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $cron = -e `pg_config --pkglibdir` =~ s/\s+\z//r . '/pg_cron.so';
my $node = PostgreSQL::Test::Cluster->new('clients');
$node->init;
# Java has no other way than TCP.  Nobody else on this machine gets in: the role has a password.
my $password = unpack 'H*', join '', map { chr int rand 256 } 1 .. 16;
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\nshared_preload_libraries = 'spsa" . ($cron ? ',pg_cron' : '') . "'\n");
$node->append_conf('postgresql.conf', "cron.host = '" . $node->host . "'\ncron.database_name = 'postgres'\n") if $cron;
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all all trust\nhost all regress_spsa_app 127.0.0.1/32 scram-sha-256\n");
$node->start;
$node->safe_psql('postgres', qq{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app LOGIN PASSWORD '$password';
	ALTER ROLE regress_spsa_app SET spsa.require_local_attach = on;
	ALTER ROLE regress_spsa_app SET spsa.require_session = on;
	CREATE TABLE orders (id integer PRIMARY KEY, region text, amount numeric);
	INSERT INTO orders VALUES (1, 'EU', 1), (2, 'EU', 10), (3, 'US', 100), (4, 'US', 1000), (5, 'AP', 10000);
	CREATE TABLE once (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);
	INSERT INTO once VALUES (1);
	GRANT SELECT ON orders TO regress_spsa_app;
	GRANT SELECT, INSERT ON once TO regress_spsa_app;
	SELECT spsa_protect('orders', '{region}');
	SELECT spsa_create_permission_set(s), spsa_grant_object(s, 'orders', '{read}', true), spsa_grant_rows(s, 'orders', 'region', ARRAY[s]) FROM unnest('{EU,US}'::text[]) s;
	SELECT spsa_create_permission_set('all_orders', activation_required => true), spsa_grant_object('all_orders', 'orders', '{read}');
	SELECT spsa_create_user('ann'), spsa_assign('ann', 'EU'), spsa_assign('ann', 'all_orders'), spsa_create_user('ben'), spsa_assign('ben', 'US') });
my %token = map { $_ => $node->safe_psql('postgres', "SELECT token FROM spsa_open_session('$_', db_role => 'regress_spsa_app')") } qw(ann ben);

# What each of them prints.
my $expected = <<'END';
ann 1,2
ann, activated 1,2,3,4,5
ann, rolled back 1,2
ben 3,4
ann 1,2
generic plans True
commit 23505
nobody 28000
ann, active 1,2,3,4,5
ben 3,4
connections 1
END

my ($python) = grep { system("$_ -c 'import psycopg, psycopg_pool' >/dev/null 2>&1") == 0 } 'python3', '/usr/bin/python3';
my ($jar) = grep { -e } '/usr/share/java/postgresql.jar';
my $directory = PostgreSQL::Test::Utils::tempdir();
my $include = `pg_config --includedir` =~ s/\s+\z//r;
my $libraries = `pg_config --libdir` =~ s/\s+\z//r;
sub found { my ($command) = @_; return system("cd '$directory' && $command >/dev/null 2>&1") == 0; }

# Programs: what they need, and how they are built and run.
my %clients = (
	'psycopg3.py' => {
		missing => $python ? undef : 'psycopg 3 and its pool (python3-psycopg, python3-psycopg-pool) are not installed',
		run => [ $python // '', "$directory/psycopg3.py" ] },
	'Jdbc.java' => {
		missing => $jar && found('javac -version') ? undef : 'the JDBC driver (libpostgresql-jdbc-java) or a JDK is not installed',
		run => [ 'java', '-XX:TieredStopAtLevel=1', '-cp', $jar // '', "$directory/Jdbc.java" ] },
	'node.js' => {
		missing => found(q{node -e "require('pg')"}) ? undef : 'node-postgres (node-pg, or pg of npm) is not installed',
		run => [ 'node', "$directory/node.js" ] },
	'pipeline.c' => {
		missing => -e "$include/libpq-fe.h" && found('gcc --version') ? undef : 'gcc or libpq (libpq-dev) is not installed',
		build => [ 'gcc', '-std=gnu99', '-Wall', '-Wextra', '-Werror', "-I$include", '-o', "$directory/pipeline", "$directory/pipeline.c", "-L$libraries", '-lpq' ],
		run => ["$directory/pipeline"] });

# Each block has its program, and each program a block.
my (%block, $page);
for my $name ('README.md', grep { $_ ne 'docs/REFERENCE.md' } sort glob 'docs/*.md')
{
	my $text = slurp_file($name);
	$page = $text if $name eq 'docs/OPERATIONS.md';
	push @{ $block{ $_->{program} // 'nothing' } }, "$name:$_->{line}" and $block{body}{ $_->{program} // '' } = $_->{body}
	  for Document->new($name, $text)->code;
}
my $body = delete $block{body};
is(join(' ', sort keys %block), join(' ', sort map { basename($_) } glob 'src/test/clients/*'), 'all code of the documents is in programs');
is(join(' ', sort keys %clients), join(' ', sort keys %block), 'and these are run here');
is(join(' ', map { @{ $block{$_} } > 1 ? @{ $block{$_} } : () } sort keys %block), '', 'each runs one block');

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGUSER} = 'regress_spsa_app';
local $ENV{PGPASSWORD} = $password;
local $ENV{PGDATABASE} = 'postgres';
local @ENV{qw(ANN BEN)} = @token{qw(ann ben)};

sub execute
{
	my ($command, $name) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run($command, '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	ok($ok, $name) or diag("$out$err");
	return $out;
}

for my $name (sort keys %clients)
{
	my $client = $clients{$name};
	subtest $name => sub {
		plan skip_all => $client->{missing} if $client->{missing};
		my $source = slurp_file("src/test/clients/$name");
		my $block = $body->{$name};
		my $places = $source =~ s{^( *)(?:# |// |/\* )OPERATIONS\.md(?: \*/)?\n}{ my $indentation = $1; $block =~ s/^(?=.)/$indentation/gmr }gem;
		is($places, 1, 'it has a place for the block');
		append_to_file("$directory/$name", $source);
		execute($client->{build}, 'it is built') if $client->{build};
		is(execute($client->{run}, 'it ends well'), $expected, 'it sees what it may');
		done_testing();
	};
}

# Jobs of pg_cron that are due when the server starts.
subtest 'pg_cron' => sub {
	plan skip_all => 'pg_cron (postgresql-*-cron) is not installed' unless $cron;
	my ($section) = $page =~ /^(\*\*pg_cron\*\*.*?)^## /ms;
	my @blocks = Document->new('pg_cron', $section)->blocks;
	my ($job) = map { $_->{sql} =~ /^(SELECT cron\..*;)$/m ? $1 : () } @blocks;
	my $made = join '', map { !$_->{skipped} && $_->{role} eq 'postgres' ? $_->{sql} : () } @blocks;
	is($job =~ s/'0 3 \* \* \*'/'\@reboot'/, 1, 'the page has a job');
	local $ENV{PGUSER};
	delete $ENV{PGUSER};
	$node->safe_psql('postgres', "CREATE EXTENSION pg_cron; $made; GRANT USAGE ON SCHEMA cron TO nightly, regress_spsa_app;
		CREATE TABLE seen (who text, ids text);
		GRANT INSERT ON seen TO regress_spsa_app;
		CREATE TABLE given (who text, token text);
		GRANT SELECT ON given TO regress_spsa_app;
		INSERT INTO given VALUES ('ann', '$token{ann}'), ('ben', '$token{ben}')");
	# Two users in turn over one connection, until the plans in it are generic.
	$node->safe_psql('postgres', q{
		CREATE PROCEDURE in_turn() LANGUAGE plpgsql AS $$
		DECLARE g record;
		BEGIN
			FOR i IN 1 .. 25 LOOP
				FOR g IN SELECT * FROM given ORDER BY who LOOP
					PERFORM spsa_attach(g.token);
					INSERT INTO seen SELECT g.who, string_agg(id::text, ',' ORDER BY id) FROM orders;
					COMMIT;
				END LOOP;
			END LOOP;
			PERFORM FROM orders;
			INSERT INTO seen VALUES ('nobody', '');
		END $$});
	$node->safe_psql('postgres', "SET SESSION AUTHORIZATION nightly; $job");
	$node->safe_psql('postgres', q{SET SESSION AUTHORIZATION regress_spsa_app; SELECT cron.schedule('in turn', '@reboot', 'CALL in_turn()')});
	for my $workers ('off', 'on')
	{
		$node->safe_psql('postgres', 'TRUNCATE seen, order_total, cron.job_run_details');
		$node->append_conf('postgresql.conf', "cron.use_background_workers = $workers");
		$node->restart;
		$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')}) or die 'no job has run';
		is($node->safe_psql('postgres', q{SELECT jobname, status, coalesce(substring(return_message FROM 'no session is attached'), '') FROM cron.job_run_details JOIN cron.job USING (jobid) ORDER BY 1}),
			"in turn|failed|no session is attached\ntotals|succeeded|", "background workers $workers: how the jobs have ended");
		is($node->safe_psql('postgres', 'TABLE order_total'), '11111', "background workers $workers: what the job of the page has added up");
		is($node->safe_psql('postgres', 'SELECT who, ids, count(*) FROM seen GROUP BY 1, 2 ORDER BY 1'), "ann|1,2|25\nben|3,4|25", "background workers $workers: two users in turn");
	}
	is($node->safe_psql('postgres', q{SELECT count(*) FROM spsa.live_session WHERE user_name = 'nightly'}), '0', 'no session of the job is left');
	done_testing();
};

done_testing();
