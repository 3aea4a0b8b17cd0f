# The arithmetic of second factors, and how their secrets are kept, outside the server, where the time can be chosen: builds and
# runs src/test/unit/totp.c, which has the vectors of RFC 4226 and RFC 6238.

use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../../..";
my $program = PostgreSQL::Test::Utils::tempdir . '/totp';
my $cc = $ENV{CC} // 'cc';
plan skip_all => 'there is no C compiler' if system("command -v $cc >/dev/null 2>&1") != 0;

my @sources = map { "$root/src/$_" } qw(test/unit/totp.c identity/totp.c identity/keyring.c base/crypto.c);
is(system($cc, "-I$root/src", '-o', $program, @sources, '-lcrypto'), 0, 'the program builds') or BAIL_OUT('it does not');
my @results = `$program`;
is($?, 0, 'it ends well');
for (@results)
{
	ok($1 eq '', $2) if /^(|not )ok \d+ - (.*)/;
	diag($_) if /^#/;
}
is($results[-1], '1..' . (@results - 1 - grep { /^#/ } @results) . "\n", 'it has run to its end');

done_testing();
