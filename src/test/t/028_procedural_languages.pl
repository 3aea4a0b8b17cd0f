# What a procedural language can do that PL/pgSQL cannot: go on after a COMMIT that has failed. What ran within that COMMIT
# does not run any more; the results of what comes next belong to the procedure alone.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('languages');
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = 'spsa'");
$node->start;
$node->psql('postgres', 'CREATE EXTENSION plperl') == 0 or plan skip_all => 'PL/Perl is not installed';
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	CREATE ROLE regress_spsa_app;
	CREATE TABLE doc (id integer);
	CREATE TABLE free (id integer);
	CREATE TABLE failing (id integer);
	INSERT INTO doc VALUES (1), (2);
	INSERT INTO free VALUES (1);
	GRANT SELECT ON doc, free TO regress_spsa_app;
	GRANT INSERT ON failing TO regress_spsa_app;
	CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM 1 / (id - id) FROM free; RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON failing DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fails();
	SELECT spsa_protect('doc'), spsa_create_user('ann'), spsa_create_permission_set('reads'), spsa_grant_object('reads', 'doc', '{read}');
	SELECT spsa_assign('ann', 'reads'); });
my $token = $node->safe_psql('postgres', q{SELECT token FROM spsa_open_session('ann', db_role => NULL)});

for my $how ('CALL goes_on()', 'CALL nested()', 'CALL goes_on(); CALL goes_on()')
{
	my ($ret, $out, $err) = $node->psql('postgres', qq{
		CREATE OR REPLACE PROCEDURE goes_on() LANGUAGE plperl AS \$\$
			spi_exec_query('INSERT INTO failing VALUES (1)');
			eval { spi_commit(); };
			elog(WARNING, 'failed: ' . (\$@ =~ /division by zero/ ? 'division' : \$@));
			elog(WARNING, 'reads ' . spi_exec_query('SELECT count(*) AS n FROM doc')->{rows}[0]{n});
		\$\$;
		CREATE OR REPLACE PROCEDURE nested() LANGUAGE plpgsql AS 'BEGIN CALL goes_on(); PERFORM count(*) FROM doc; END';
		SET ROLE regress_spsa_app;
		SELECT FROM spsa_attach_connection('$token');
		$how;
		SELECT count(*) FROM doc;
	});
	is($ret, 0, "$how: the server is there");
	is($out =~ s/\n*//r, '2', "$how: and reads");
	my $calls = () = $how =~ /CALL/g;
	is(scalar(() = $err =~ /WARNING:  failed: division/g), $calls, "$how: the commit fails");
	is(scalar(() = $err =~ /WARNING:  reads 2/g), $calls, "$how: and the procedure goes on") or diag($err);
}

done_testing();
