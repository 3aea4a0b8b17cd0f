# The SQL in README.md and docs/ runs, and prints what these say. (docs/REFERENCE.md is generated: 009_reference.)
#
# What each document would say is left in tmp_check/documents, to be compared by eye where it does not.

use strict;
use warnings;
use File::Basename;
use File::Path;
use lib dirname(__FILE__);
use Document;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Some page enrolls second factors.
sub key_file
{
	my ($name) = @_;
	append_to_file($name, '2026a:' . unpack('H*', join '', map { chr int rand 256 } 1 .. 32) . "\n");
	chmod 0600, $name or die $!;
	return $name;
}

delete $ENV{PGAPPNAME};	# psql, as for whoever follows the page
$ENV{PGTZ} = 'UTC';
$ENV{PGUSER} = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('documents');
$node->init(extra => [ '-U', 'postgres' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'spsa'\nmax_parallel_workers_per_gather = 0\nautovacuum = off\n"
	  . "spsa.encryption_key_file = '" . key_file($node->basedir . '/keys') . "'");
$node->start;
my $major = int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);

# Runs a document, if it is one, in a database of its own, after which nothing of it is left.
sub run
{
	my ($name, $text) = @_;
	my $document = Document->new($name, $text);
	return $document if $document->problems;
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$document->run(sub { return ('-h', $node->host, '-p', $node->port, '-U', $_[0], '-d', 'shop') }, $PostgreSQL::Test::Utils::timeout_default, $major);
	$node->safe_psql('postgres', q{DROP DATABASE shop WITH (FORCE);
		DO $$ DECLARE r name; BEGIN
			FOR r IN SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres' LOOP EXECUTE format('DROP ROLE %I', r); END LOOP;
		END $$});
	return $document;
}

# The documents. What is not run is listed.
my $directory = "$PostgreSQL::Test::Utils::tmp_check/documents";
mkpath($directory);
my $ran = 0;
my @skipped;
my @programs = map { basename($_) } glob 'src/test/clients/*.*';	# which 022_clients runs
for my $name ('README.md', grep { $_ ne 'docs/REFERENCE.md' } sort glob 'docs/*.md')
{
	my $document = run($name, slurp_file($name));
	my @problems = $document->problems;
	ok(!@problems, "$name says what is so") or diag(join "\n", @problems);
	open my $file, '>', "$directory/" . basename($name) or die $!;
	print $file $document->as_run;
	close $file;
	for my $code ($document->code)
	{
		ok((grep { $_ eq $code->{program} } @programs), "$name:$code->{line} is run by a program of src/test/clients");
	}
	for my $block ($document->blocks)
	{
		my $place = "$name:$block->{line}";
		push @skipped, "$place: $block->{skipped}" if defined $block->{skipped};
		$ran++ if defined $block->{printed};
		ok(defined $block->{printed} != defined $block->{skipped}, "$place is run, or says why not");
	}
}
cmp_ok($ran, '>', 60, 'there are documents with SQL');
note("$ran blocks run, " . @skipped . ' not run:', map { "\n$_" } @skipped);

# A document that is in order, to begin with, and what each of these changes break.
my $good = <<'END';
Roles and a table:

```sql
-- as postgres
CREATE ROLE ann LOGIN;
CREATE TABLE t (id integer);
INSERT INTO t VALUES (1), (2);
GRANT SELECT ON t TO ann;
```

As Ann, at some time and with something random:

```sql
-- as ann
SELECT id, now(), gen_random_uuid() FROM t;
DELETE FROM t;
```

```text
 id |              now              |           gen_random_uuid
----+-------------------------------+--------------------------------------
  1 | 2026-07-02 10:15:30.12345+00  | 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed
  2 | 2026-07-02 10:15:30.12345+00  | 5e0fd4e4-5a9e-4b3a-8c1d-0b6f6f4f7c11
(2 rows)

ERROR:  permission denied for table t
```

```sql
SELECT 'otpauth://totp/ann?secret=' || upper(translate(md5(random()::text), '0189', 'ghij')) || '&digits=6' AS uri;
```

```text
                             uri
-------------------------------------------------------------
 otpauth://totp/ann?secret=2B6GH4CDE7FAJ2I53BDC6E4AF2GH7CD5&digits=6
(1 row)
```

```sql
SELECT id = 1 AS first FROM t -- without order
;
```

```text
 first
-------
 t
 f
(2 rows)

```

```sql
-- not run: nobody has that table
SELECT * FROM elsewhere;
```

```sh
ls
```

```python
# run by example.py
print(1)
```
END
my $document = run('good', $good);
is(join("\n", $document->problems), '', 'document in order');
is(join(',', map { $_->{skipped} // $_->{role} } $document->blocks), 'postgres,ann,ann,ann,nobody has that table', 'its blocks');
is(join(',', map { "$_->{language} $_->{program}" } $document->code), 'python example.py', 'its code');
is($document->as_run, $good =~ s/\n\n```\n\n```sql\n-- not/\n```\n\n```sql\n-- not/r, 'it stays as it is');

# What needs a later PostgreSQL than this one is not run, what needs this one is.
for my $later (0, 1)
{
	my $since = $major + $later;
	my $versions = run('versions', "```sql\n-- as postgres\n-- from PostgreSQL $since on\nSELECT 1 AS one;\n```\n\n```text\n one\n```\n");
	is(scalar $versions->problems, 1 - $later, "from PostgreSQL $since on: " . ($later ? 'not run' : 'run'));
	is(($versions->blocks)[0]{skipped}, $later ? "PostgreSQL $major is older than $since" : undef, 'and says so');
}

for my $case (
	[ 'a value', sub { s/^ f$/ t/m }, qr/^broken:\d+: shows\n.* t\n t\n.*but printed is\n.* t\n f\n/s ],
	[ 'a row too many', sub { s/(^  2 .*\n)/$1$1/m }, qr/shows/ ],
	[ 'a column narrower than psql prints it', sub { s/ first\n-------/ first\n------/ }, qr/shows/ ],
	[ 'a value beside volatile ones', sub { s/^  2 /  3 /m }, qr/shows/ ],
	[ 'volatile value missing', sub { s/1b9d6bcd\S+/null/ }, qr/shows/ ],
	[ 'secret missing', sub { s/secret=\w+/secret=/ }, qr/shows/ ],
	[ 'a value beside a secret', sub { s/digits=6$/digits=8/m }, qr/shows/ ],
	[ 'another message', sub { s/denied for table t/denied for table u/ }, qr/shows/ ],
	[ 'an error that is not shown', sub { s/\nERROR: .*\n// }, qr/but printed is.*ERROR:  permission denied/s ],
	[ 'statement that fails', sub { s/CREATE TABLE t/CREATE TABEL t/ }, qr/does not show what is printed:\nERROR/ ],
	[ 'result that is not shown', sub { s/(GRANT SELECT.*)/$1\nTABLE t;/ }, qr/does not show what is printed:\n id/ ],
	[ 'notice that is not shown', sub { s/(GRANT SELECT.*)/$1\nDROP TABLE IF EXISTS u;/ }, qr/does not show what is printed:\nNOTICE/ ],
	[ 'number of changed rows that is not shown', sub { s/(GRANT SELECT.*)/$1\nUPDATE t SET id = id WHERE false;/ }, qr/does not show what is printed:\nUPDATE 0/ ],
	[ 'output that is none', sub { s/(GRANT SELECT.*\n```\n)/$1\n```text\nGRANT\n```\n/ }, qr/shows\nGRANT\n/ ],
	[ 'output of prose', sub { s/```sh/```text/ }, qr/:\d+: output of no SQL/ ],
	[ 'output twice', sub { s/(```text\n first)/```text\n```\n\n$1/ }, qr/output of no SQL/ ],
	[ 'no role', sub { s/-- as postgres\n// }, qr/^broken:3: SQL that says neither/ ],
	[ 'no reason', sub { s/-- not run: .*\n/-- not run:\n/ }, qr/relation "elsewhere" does not exist/ ],
	[ 'the right of another role', sub { s/-- as ann/-- as postgres/ }, qr/but printed is.*DELETE 2/s ],
	[ 'SQL under another name', sub { s/```sh/```psql/ }, qr/unknown language "psql"/ ],
	[ 'SQL under no name', sub { s/```sh/```/ }, qr/unknown language ""/ ],
	[ 'SQL as something else', sub { s/```sh\nls/```ini\nselect 1\n;/ }, qr/:\d+: SQL in a block of another language/ ],
	[ 'code that nothing runs', sub { s/# run by.*\n// }, qr/:\d+: code that does not say which program runs it/ ],
	[ 'HTML', sub { s/```sh\nls\n```/<pre>SELECT 1;<\/pre>/ }, qr/:\d+: block that is not fenced/ ],
	[ 'indented block', sub { s/```sh\nls\n```/    SELECT 1;/ }, qr/:\d+: indented block/ ],
	[ 'tilde fence', sub { s/```sh\nls\n```/~~~sql\nSELECT 1;\n~~~/ }, qr/fence that is not/ ],
	[ 'indented fence', sub { s/```sh\nls\n```/ ```sql\n SELECT 1;\n ```/ }, qr/fence that is not/ ],
	[ 'statement in the text', sub { s/Roles and/Say `SELECT\n1;` and/ }, qr/^broken:1: statement in the text/ ],
	[ 'call in the text', sub { s/Roles and/Say `SELECT f(1)` and/ }, qr/^broken:1: statement in the text/ ],
	[ 'end of a block missing', sub { s/```\n\z// }, qr/block without end/ ],
	[ 'end of a statement missing', sub { s/TO ann;/TO ann -- ;/ }, qr/does not end with its statement/ ],
	[ 'another connection', sub { s/TO ann;/TO ann;\n\\c - ann/ }, qr/connects or leaves/ ])
{
	my ($name, $break, $complaint) = @$case;
	my $broken = $good;
	$break->() for $broken;
	isnt($broken, $good, "$name: something else");
	like(join("\n", run('broken', $broken)->problems), $complaint, "$name is noticed");
}

done_testing();
