# docs/REFERENCE.md says what the COMMENTs of functions, tables and columns say, and which messages the source has.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION spsa');
my $page = PostgreSQL::Test::Utils::slurp_file('docs/REFERENCE.md');
my $plain = $page =~ s/\\\|/|/gr;
$plain =~ s/\s+/ /g;

my $members = q{
	SELECT p.oid, p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'spsa' WHERE p.proname LIKE 'spsa\_%'};
my @functions = split /\x1e/, $node->safe_psql('postgres', qq{
	SELECT string_agg(m.proname || chr(31) || pg_get_function_identity_arguments(m.oid) || chr(31) || pg_get_function_result(m.oid)
		|| chr(31) || obj_description(m.oid, 'pg_proc') || chr(31) || has_function_privilege('public', m.oid, 'EXECUTE'), chr(30))
	FROM ($members) m});
ok(@functions > 25, 'functions');
for (@functions)
{
	my ($name, $arguments, $result, $comment, $public) = split /\x1f/;
	ok($page =~ /^### \Q$name\E\n(.*?)(?=^##)/ms, "$name is there") or next;
	my $section = $1;
	like($section, qr/^    returns \Q$result\E$/m, "$name: result");
	for my $argument (split /, /, $arguments)
	{
		my ($argument_name) = $argument =~ /^(?:VARIADIC )?(\w+)/;
		like($section, qr/^    \Q$name\E\(.*\b\Q$argument_name\E\b/m, "$name: $argument_name");
	}
	$comment =~ s/\s+/ /g;
	$section =~ s/\s+/ /g;
	ok(index(lc $section, lc $comment) >= 0, "$name: comment");
	is($section =~ /Executable by PUBLIC/ ? 'true' : 'false', $public, "$name: who may execute it");
}
my @columns = split /\x1e/, $node->safe_psql('postgres', q{
	SELECT string_agg('`' || a.attname || '` | ' || format_type(a.atttypid, a.atttypmod) || ' | ' || col_description(c.oid, a.attnum) || ' |', chr(30))
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'spsa'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition});
ok(@columns > 60, 'columns');
for my $column (@columns)
{
	$column =~ s/\s+/ /g;
	ok(index($plain, $column) >= 0, "column $column");
}

# As `make reference` would write it, and the table is no empty one: these have alternatives, a plural, and a level.
my ($messages) = run_command([ 'perl', 'src/test/tool/messages.pl' ]);
$messages =~ s{\n+\z}{};
my ($shown) = $page =~ /^(### All messages\n.*?)\n*^## /ms;
is($shown, $messages, 'messages');
cmp_ok(($messages =~ tr/\n//), '>', 200, 'there are messages');
like($messages, qr/^\| 28000 \| session is not valid \| Authenticate again to get a new token\. \| identity\/session\.c \|$/m, 'with code, hint and file');
unlike($messages, qr/^\| \w+ \| +\|/m, 'each says something');

# The diagram of the tables has all tables and foreign keys, and no others. (`make lint` sees to it that the picture is of its source.)
my (%tables, %keys, @others);
my $dashed = 0;
for (split /\n/, PostgreSQL::Test::Utils::slurp_file('docs/diagram/model.dot'))
{
	next if m{^\s*(?://|graph|node|\{)};
	$dashed = 1 if /^\s*edge \[style=dashed\]/;
	if (/^\s*(\w+) -> (\w+) \[label="([^"]+)"\]$/)
	{
		push @{ $dashed ? \@others : $keys{"$1 -> $2"} }, map { $dashed ? "$1.$_" : $_ } split /\\n/, $3;
	}
	elsif (/^\t\t\w+/ && !/label=/)
	{
		$tables{$_} = 1 for s/\[.*?\]//gr =~ /\w+/g;
	}
}
is(join(' ', sort keys %tables), $node->safe_psql('postgres', q{
	SELECT string_agg(relname, ' ' ORDER BY relname COLLATE "C") FROM pg_class
	WHERE relnamespace = 'spsa'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition}), 'tables of the diagram');
is(join("\n", sort map { "$_: " . join(' + ', sort @{ $keys{$_} }) } keys %keys), $node->safe_psql('postgres', q{
	SELECT string_agg(line, chr(10) ORDER BY line COLLATE "C") FROM (
		SELECT format('%s -> %s: %s', relname, referenced, string_agg(columns, ' + ' ORDER BY columns COLLATE "C")) AS line FROM (
			SELECT a.relname, b.relname AS referenced, (SELECT string_agg(attname, ', ' ORDER BY n)
				FROM unnest(conkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute USING (attnum) WHERE attrelid = conrelid) AS columns
			FROM pg_constraint JOIN pg_class a ON a.oid = conrelid JOIN pg_class b ON b.oid = confrelid
			WHERE contype = 'f' AND connamespace = 'spsa'::regnamespace) x
		GROUP BY relname, referenced) y}), 'foreign keys of the diagram');
ok(@others > 5, 'references of the diagram that are no foreign keys');
is($node->safe_psql('postgres', sprintf q{
	SELECT string_agg(name, ' ') FROM unnest('{%s}'::text[]) name WHERE NOT EXISTS (
		SELECT FROM pg_attribute
		WHERE attrelid = ('spsa.' || split_part(name, '.', 1))::regclass AND attname = split_part(name, '.', 2))}, join(',', @others)),
	'', 'which are columns');

done_testing();
