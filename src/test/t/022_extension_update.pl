# ALTER EXTENSION spsa UPDATE leads from each version that was released to the present one, and leaves exactly what CREATE
# EXTENSION makes: the catalogs are compared. That the comparison sees differences is shown with versions that never were.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Versions;

my $node = PostgreSQL::Test::Cluster->new('update');
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = spsa\n");
$node->start;

my @fresh;

# What an update leaves in a database that CREATE EXTENSION does not ("+"), and what is missing after it ("-").
sub differences
{
	my ($version) = @_;
	(my $database = "v$version") =~ tr/./_/;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE EXTENSION spsa VERSION '$version'; ALTER EXTENSION spsa UPDATE");
	my @updated = catalog_of($node, $database);
	my (%fresh, %updated);
	$fresh{$_}++ for @fresh;
	$updated{$_}++ for @updated;
	return ((map { "- $_" } grep { !$updated{$_} } @fresh), map { "+ $_" } grep { !$fresh{$_} } @updated);
}

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION spsa');
@fresh = catalog_of($node, 'fresh');
my %kinds;
/^([a-z]+ ?(?:trigger|privileges|of)?) / and $kinds{$1}++ for @fresh;
note join ', ', map { "$_ $kinds{$_}" } sort keys %kinds;
cmp_ok($kinds{$_} // 0, '>', 0, "the catalog has: $_")
  for 'extension', 'dumped', 'member', 'depends', 'schema', 'relation', 'column', 'sequence', 'constraint', 'index', 'trigger', 'rule', 'function', 'type', 'event trigger', 'comment', 'initial privileges', 'row of';

# The versions that were released.
my @released = map { m{spsa--([^/]*)\.sql$} ? $1 : () } glob "$FindBin::RealBin/../../sql/released/spsa--*.sql";
note 'released: ' . (join(' ', @released) || 'none');
my $current = $node->safe_psql('fresh', "SELECT extversion FROM pg_extension WHERE extname = 'spsa'");
for my $version (@released)
{
	isnt($version, $current, "$version was released: spsa.control has a later version");
	is(join("\n", differences($version)), '', "updated from $version: what CREATE EXTENSION makes");
}

my $versions = Versions->new($node);
SKIP:
{
	skip 'this PostgreSQL has no extension_destdir', 1 if !$versions;
	my $script = $versions->install_script;

	# The same, and an update that does nothing.
	$versions->add_script('0.0.1', $script);
	$versions->add_script("0.0.1--$current", "-- nothing\n");
	is(join("\n", differences('0.0.1')), '', 'nothing differs: nothing is reported');

	# One edit of the install script each, which no update puts right, and what must be reported for it.
	my @edits = (
		[ 'function missing', sub { s/^(REVOKE ALL ON FUNCTION)/DROP FUNCTION \@extschema\@.spsa_touch();\n$1/m; s/^\s+\@extschema\@\.spsa_touch\(\),\n//m }, qr/^- member function public\.spsa_touch\(\)$/m ],
		[ 'comment', sub { s/(COMMENT ON TABLE spsa\.flow IS ')/$1Other /m }, qr/^\+ comment table spsa\.flow: Other /m ],
		[ 'comment of a column', sub { s/^COMMENT ON COLUMN spsa\.app_user\.db_role .*\n//m }, qr/^- comment column db_role of table spsa\.app_user: /m ],
		[ 'privilege of a function', sub { s/\z/GRANT EXECUTE ON FUNCTION \@extschema\@.spsa_purge() TO PUBLIC;\n/ }, qr/^\+ function .*spsa_purge.* acl =X\S+ /ms ],
		[ 'privilege of a table', sub { s/\z/GRANT SELECT ON spsa.app_user TO PUBLIC;\n/ }, qr/^\+ initial privileges e table spsa\.app_user acl =r/m ],
		[ 'privilege of a column', sub { s/\z/GRANT SELECT (set_name) ON spsa.permission_set TO PUBLIC;\n/ }, qr/^\+ column spsa\.permission_set\.2 .* acl =r/m ],
		[ 'privilege of a type', sub { s/\z/GRANT USAGE ON TYPE spsa.flow TO PUBLIC;\n/ }, qr/^\+ type spsa\.flow c .*=U/m ],
		[ 'privilege of the schema', sub { s/\z/REVOKE USAGE ON SCHEMA spsa FROM PUBLIC;\n/ }, qr/^- schema spsa .*=U/m ],
		[ 'not dumped', sub { s/^SELECT pg_catalog\.pg_extension_config_dump\('spsa\.row_scope', ''\);\n//m }, qr/^- dumped spsa\.row_scope where$/m ],
		[ 'dumped in part', sub { s/(pg_extension_config_dump\('spsa\.assignment', ')'/$1WHERE user_id > 9'/ }, qr/^\+ dumped spsa\.assignment where WHERE user_id > 9$/m ],
		[ 'owner', sub { s/\z/ALTER TABLE spsa.exclusion OWNER TO pg_database_owner;\n/ }, qr/^\+ relation spsa\.exclusion .*owner pg_database_owner/m ],
		[ 'owner of a function', sub { s/\z/ALTER FUNCTION \@extschema\@.spsa_detach() OWNER TO pg_monitor;\n/ }, qr/^\+ function .*spsa_detach.* owner pg_monitor/ms ],
		[ 'no member', sub { s/\z/ALTER EXTENSION spsa DROP VIEW spsa.live_session;\n/ }, qr/^- member view spsa\.live_session$/m ],
		[ 'volatility', sub { s/(CREATE FUNCTION \@extschema\@\.spsa_user_name\(\)[^;]*?)STABLE/$1VOLATILE/ }, qr/^- function .*spsa_user_name\(\).* STABLE/ms ],
		[ 'support function', sub { s/\z/ALTER FUNCTION \@extschema\@.spsa_allows(regclass, text) COST 7;\n/ }, qr/^\+ function .*spsa_allows.* COST 7/ms ],
		[ 'trigger', sub { s/ALTER TABLE spsa\.row_scope ENABLE ALWAYS TRIGGER signal, /ALTER TABLE spsa.row_scope / }, qr/^\+ trigger CREATE TRIGGER signal AFTER .* ON spsa\.row_scope .* enabled O$/m ],
		[ 'event trigger', sub { s/^ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;\n//m }, qr/^- event trigger spsa_on_ddl .* enabled A/m ],
		[ 'default', sub { s/(is_active boolean NOT NULL DEFAULT) true,\n\tsession_limit/$1 false,\n\tsession_limit/ }, qr/^\+ column spsa\.app_user\.5 is_active .* default false/m ],
		[ 'another column', sub { s/\z/ALTER TABLE spsa.session_end ADD COLUMN more integer;\n/ }, qr/^\+ column spsa\.session_end\.4 more integer/m ],
		[ 'constraint', sub { s/\z/ALTER TABLE spsa.app_user DROP CONSTRAINT app_user_attributes_check;\n/ }, qr/^- constraint spsa\.app_user\.app_user_attributes_check /m ],
		[ 'index', sub { s/^CREATE INDEX assignment_set_id_idx .*\n//m }, qr/^- index CREATE INDEX assignment_set_id_idx /m ],
		[ 'sequence', sub { s/(CREATE SEQUENCE spsa\.app_user_id_seq AS bigint)/$1 CACHE 5/ }, qr/^\+ sequence spsa\.app_user_id_seq .* 5 f/m ],
		[ 'sequence owned by none', sub { s/^ALTER SEQUENCE spsa\.assignment_id_seq OWNED BY .*\n//m }, qr/^- depends a sequence spsa\.assignment_id_seq on column/m ],
		[ 'view', sub { s/\z/ALTER VIEW spsa.valid_session SET (security_barrier = true);\n/ }, qr/^\+ relation spsa\.valid_session .*security_barrier=true/m ],
		[ 'label', sub { s/\z/ALTER TYPE spsa.security_level ADD VALUE 'low';\n/ }, qr/^\+ type spsa\.security_level e .* low$/m ],
		[ 'row', sub { s/\z/DELETE FROM spsa.audit_event; UPDATE spsa.custom_permission SET label = 'x';\n/; s/^.*\bcheck_custom_permission\(\);\n//m; s/^CREATE TRIGGER check_row .* ON spsa\.custom_permission\n//m }, qr/^\+ row of spsa\.custom_permission .*"label": "x"/m ]);
	my $edited = $script;
	for my $edit (@edits)
	{
		my ($name, $change) = @$edit;
		my $before = $edited;
		$change->() for $edited;
		isnt($edited, $before, "$name: another install script");
	}
	$versions->add_script('0.0.2', $edited);
	$versions->add_script("0.0.2--$current", "-- nothing\n");
	my $report = join "\n", differences('0.0.2');
	note $report;
	like($report, $_->[2], "$_->[0]: reported") for @edits;

	# Update scripts that put it right, in two steps.
	my ($touch) = $script =~ /^(CREATE FUNCTION \@extschema\@\.spsa_touch\(\).*?;\nCOMMENT ON FUNCTION \@extschema\@\.spsa_touch\(\) IS\s+'.*?';\n)/ms;
	ok($touch, 'a function is taken from the install script');
	$versions->add_script('0.0.3', $script =~ s/\Q$touch\E//r =~ s/^\s+\@extschema\@\.spsa_touch\(\),\n//mr
		=~ s/^ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;\n//mr =~ s/^SELECT pg_catalog\.pg_extension_config_dump\('spsa\.row_scope', ''\);\n//mr);
	$versions->add_script('0.0.3--0.0.4', "$touch\nREVOKE ALL ON FUNCTION \@extschema\@.spsa_touch() FROM PUBLIC;\nGRANT EXECUTE ON FUNCTION \@extschema\@.spsa_touch() TO PUBLIC;\n");
	$versions->add_script("0.0.4--$current", "ALTER EVENT TRIGGER spsa_on_ddl ENABLE ALWAYS;\nSELECT pg_catalog.pg_extension_config_dump('spsa.row_scope', '');\n");
	is(join("\n", differences('0.0.3')), '', 'put right by update scripts: nothing is reported');
}

done_testing();
