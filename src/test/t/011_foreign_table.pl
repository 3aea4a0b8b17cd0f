# Foreign tables: postgres_fdw to a second database. Reading and each kind of writing, allowed and denied; statistics; what
# the remote database guards itself.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('foreign');
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = 'spsa'");
$node->start;
my ($host, $port) = ($node->host, $node->port);
$node->safe_psql('postgres', 'CREATE DATABASE remote');
$node->safe_psql('remote', q{
	CREATE TABLE deal (id integer PRIMARY KEY, region text, secret text);
	INSERT INTO deal SELECT n, CASE WHEN n % 2 = 0 THEN 'EU' ELSE 'US' END, 'secret' || n FROM generate_series(1, 100) n;
	ANALYZE});
$node->safe_psql('postgres', qq{
	CREATE EXTENSION spsa;
	CREATE EXTENSION postgres_fdw;
	CREATE ROLE regress_spsa_clerk LOGIN;
	CREATE ROLE regress_spsa_owner LOGIN;
	GRANT CREATE ON SCHEMA public TO regress_spsa_owner, regress_spsa_clerk;
	CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'remote');
	CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (user '@{[ $node->safe_psql('postgres', 'SELECT current_user') ]}', password_required 'false');
	GRANT USAGE ON FOREIGN SERVER other TO regress_spsa_owner;
	SET ROLE regress_spsa_owner;
	CREATE FOREIGN TABLE deal (id integer, region text, secret text) SERVER other;
	CREATE FOREIGN TABLE free (id integer) SERVER other OPTIONS (table_name 'deal');
	GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON deal, free TO regress_spsa_clerk;
	ANALYZE deal;
	RESET ROLE;
	SELECT spsa_create_user('ann');
	SELECT spsa_create_permission_set(n, activation_required => true) FROM unnest('{reader,writer,secrets,scoped}'::text[]) n;
	SELECT spsa_grant_object('reader', 'deal', '{read}'), spsa_grant_object('writer', 'deal', '{read,create,edit,delete}');
	SELECT spsa_grant_object('scoped', 'deal', '{read}', true), spsa_grant_rows('scoped', 'deal', 'region', '{EU}');
	SELECT spsa_grant_field('secrets', 'deal', 'secret', '{read}');
	SELECT spsa_assign('ann', n) FROM unnest('{reader,writer,secrets,scoped}'::text[]) n;
});
my $token = $node->safe_psql('postgres', q{SELECT token FROM spsa_open_session('ann', db_role => 'regress_spsa_clerk')});

# What a statement gives as the clerk, with these sets active; undone.
sub outcome
{
	my ($sets, $sql) = @_;
	my $attach = defined $sets ? "DO \$\$ BEGIN PERFORM spsa_attach('$token'); END \$\$;" : '';
	my $activate = join '', map { "DO \$\$ BEGIN PERFORM spsa_activate_own('$_'); END \$\$;" } @{ $sets // [] };
	my ($ret, $out, $err) =
	  $node->psql('postgres', "\\set VERBOSITY verbose\nSET client_min_messages = error; SET ROLE regress_spsa_clerk; BEGIN; $attach $activate $sql; ROLLBACK", on_error_stop => 1);
	return $ret == 0 ? $out : $err =~ /ERROR:  (\w{5}): (.*)/ ? "$1 $2" : $err;
}

is(outcome(undef, 'SELECT count(*) FROM deal'), 100, 'not protected yet');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM pg_statistic WHERE starelid = 'deal'::regclass}), 't', 'has statistics');

my ($ret, $out, $err) = $node->psql('postgres', q{SELECT spsa_protect('deal', '{region}')});
like($err, qr/cannot have row fields/, 'no row fields');
$node->safe_psql('postgres', q{SELECT spsa_protect('deal')});
is($node->safe_psql('postgres', q{ANALYZE deal; SELECT count(*) FROM pg_statistic WHERE starelid = 'deal'::regclass}), 0, 'no statistics any more');

my $read = '42501 permission denied to read rows of "deal"';
for my $sets (undef, [], ['scoped'], ['secrets'])
{
	my $who = defined $sets ? "sets (@$sets)" : 'no session';
	is(outcome($sets, $_), $read, "$who: $_")
	  for 'SELECT count(*) FROM deal', 'SELECT count(*) FROM deal d JOIN free f USING (id)', 'EXPLAIN SELECT FROM deal',
	  'UPDATE deal SET region = region', 'DELETE FROM deal WHERE id = 1', 'COPY (SELECT * FROM deal) TO STDOUT';
	is(outcome($sets, q{INSERT INTO deal VALUES (101, 'EU', 'x')}), '42501 permission denied to create rows of "deal"', "$who: INSERT");
	is(outcome($sets, q{UPDATE deal SET region = 'EU'}), '42501 permission denied to edit rows of "deal"', "$who: UPDATE alone");
	is(outcome($sets, 'DELETE FROM deal'), '42501 permission denied to delete rows of "deal"', "$who: DELETE alone");
	is(outcome($sets, 'SELECT count(*) FROM free'), 100, "$who: another foreign table is free");
	is(outcome($sets, 'TRUNCATE deal'), '42501 permission denied to truncate "deal"', "$who: TRUNCATE");
	is(outcome($sets, 'TRUNCATE free'), '', "$who: TRUNCATE of another foreign table");
	is(outcome($sets, 'COPY deal FROM STDIN'), '42501 permission denied to create rows of "deal"', "$who: COPY FROM");
}

is(outcome(['reader'], 'SELECT count(*) FROM deal'), 100, 'reader reads');
is(outcome(['reader'], 'SELECT count(*) FROM deal d JOIN free f USING (id)'), 100, 'reader joins, remotely');
is(outcome(['reader'], q{INSERT INTO deal VALUES (101, 'EU', 'x')}), '42501 permission denied to create rows of "deal"', 'reader does not insert');
is(outcome(['reader'], q{UPDATE deal SET region = 'EU' WHERE id = 1}), '42501 permission denied to edit rows of "deal"', 'reader does not update');
is(outcome(['reader'], 'DELETE FROM deal WHERE id = 1'), '42501 permission denied to delete rows of "deal"', 'reader does not delete');
is(outcome(['reader'], 'TRUNCATE deal'), '42501 permission denied to truncate "deal"', 'reader does not truncate');
is(outcome(['writer'], 'TRUNCATE deal; SELECT count(*) FROM deal'), 0, 'writer truncates');
is(outcome(['writer'], q{INSERT INTO deal VALUES (101, 'EU', 'x') RETURNING id}), 101, 'writer inserts');
is(outcome(['writer'], q{UPDATE deal SET region = 'EU' WHERE id = 1 RETURNING id}), 1, 'writer updates');
is(outcome(['writer'], q{WITH d AS (DELETE FROM deal RETURNING 1) SELECT count(*) FROM d}), 100, 'writer deletes');

# As its owner, and through a view of the owner's
$node->safe_psql('postgres', 'SET ROLE regress_spsa_owner; CREATE VIEW over AS SELECT id FROM deal; GRANT SELECT ON over TO regress_spsa_clerk');
is(outcome([], 'SELECT count(*) FROM over'), $read, 'a view of the owner: denied');
is(outcome(['reader'], 'SELECT count(*) FROM over'), 100, 'a view of the owner: allowed');
($ret, $out, $err) = $node->psql('postgres', 'SET ROLE regress_spsa_owner; SELECT count(*) FROM deal');
like($err, qr/permission denied to read/, 'the owner is not exempt');
$node->safe_psql('postgres', q{SELECT spsa_protect('deal', force => false)});
is($node->safe_psql('postgres', 'SET ROLE regress_spsa_owner; SELECT count(*) FROM deal'), 100, 'the owner is exempt without force');
is(outcome([], 'SELECT count(*) FROM over'), 100, 'and so is what reads by the rights of the owner');
is(outcome([], 'SELECT count(*) FROM deal'), $read, 'others are not');
$node->safe_psql('postgres', q{SELECT spsa_protect('deal')});

# Fields
$node->safe_psql('postgres', q{SELECT spsa_protect_field('deal', 'secret')});
is(outcome(['reader'], 'SELECT count(secret) FROM deal'), '42501 permission denied to read field "secret" of "deal"', 'field denied');
is(outcome(['reader'], 'SELECT count(region) FROM deal'), 100, 'other fields allowed');
is(outcome([ 'reader', 'secrets' ], 'SELECT count(secret) FROM deal'), 100, 'field allowed');
is(outcome([ 'writer', 'secrets' ], q{UPDATE deal SET secret = 'x' WHERE id = 1}), '42501 permission denied to edit field "secret" of "deal"', 'field not to be edited');

# A row that the other server refuses is in its message: who may not read all fields does not update any
$node->safe_psql('remote', q{ALTER TABLE deal ADD CHECK (region <> 'XX')});
my $update = q{UPDATE deal SET region = 'XX' WHERE id = 1};
is(outcome(['writer'], $_), '42501 permission denied to read field "secret" of "deal"', "errors of the other server would show the field: $_")
  for $update, q{UPDATE deal SET region = 'EU' WHERE id = 1};
like(outcome([ 'writer', 'secrets' ], $update), qr/^23514 /, 'who may read the field gets its error');
is(outcome([ 'writer', 'secrets' ], q{UPDATE deal SET region = 'EU' WHERE id = 1 RETURNING id}), 1, 'and updates');
is(outcome(['writer'], q{INSERT INTO deal (id, region) VALUES (101, 'EU') RETURNING id}), 101, 'a new row has no field to show');
is(outcome(['writer'], q{DELETE FROM deal WHERE id = 1 RETURNING id}), 1, 'neither has a deletion');

# An import of new columns must not bring statistics back
($ret, $out, $err) = $node->psql('postgres', 'ALTER FOREIGN TABLE deal ADD COLUMN more text');
like($err, qr/must not have statistics/, 'a new column would have statistics');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE deal ADD COLUMN more text, ALTER COLUMN more SET STATISTICS 0; ALTER FOREIGN TABLE deal DROP COLUMN more');

$node->safe_psql('postgres', q{SELECT spsa_unprotect_field('deal', 'secret'), spsa_unprotect('deal')});
is(outcome(undef, 'SELECT count(secret) FROM deal'), 100, 'not protected any more');
is($node->safe_psql('postgres', q{ANALYZE deal; SELECT count(*) > 0 FROM pg_statistic WHERE starelid = 'deal'::regclass}), 't', 'statistics are back');

$node->stop;
done_testing();
