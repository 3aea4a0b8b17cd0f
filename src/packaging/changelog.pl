#!/usr/bin/perl
# changelog.pl - Debian's changelog from CHANGELOG.md, which it reads; to standard output.
#
#     changelog.pl VERSION MAINTAINER SECONDS <CHANGELOG.md
#
# "## Unreleased" is VERSION, of that time (seconds since 1970), by MAINTAINER, for no distribution;
# "## VERSION (YYYY-MM-DD)" is that version, of noon of that day, for unstable. The first Debian revision of each.

use strict;
use warnings;
use POSIX qw(strftime);
use Text::Wrap qw(wrap);
use Time::Local qw(timegm);

$Text::Wrap::columns = 79;
$Text::Wrap::huge = 'overflow';

@ARGV == 3 or die "usage: changelog.pl VERSION MAINTAINER SECONDS <CHANGELOG.md\n";
my ($current, $maintainer, $now) = @ARGV;

# Before a release Debian has a tilde, which sorts before nothing.
sub debian_version
{
	my ($version) = @_;
	$version =~ s/-/~/;
	return "$version-1";
}

# What GitHub would show, without its signs.
sub plain
{
	my ($text) = @_;
	$text =~ s/\s+/ /g;
	$text =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
	$text =~ tr/`//d;
	$text =~ s/ \z//;
	return $text;
}

my (@entries, $entry);
for (<STDIN>)
{
	if (/^##\s+Unreleased\s*$/)
	{
		push @entries, $entry = { version => $current, suite => 'UNRELEASED', time => $now };
	}
	elsif (/^##\s+(\S+) \((\d{4})-(\d\d)-(\d\d)\)\s*$/)
	{
		push @entries, $entry = { version => $1, suite => 'unstable', time => timegm(0, 0, 12, $4, $3 - 1, $2) };
	}
	elsif (/^##/)
	{
		die "CHANGELOG.md:$.: no heading of a version: $_";
	}
	elsif (/^\* (.*)/s)
	{
		die "CHANGELOG.md:$.: a change of no version\n" unless $entry;
		push @{ $entry->{changes} }, $1;
	}
	elsif ($entry && $entry->{changes} && /\S/)
	{
		$entry->{changes}[-1] .= $_;
	}
}
@entries or die "CHANGELOG.md has no version\n";

for (@entries)
{
	printf "spsa (%s) %s; urgency=medium\n\n", debian_version($_->{version}), $_->{suite};
	print wrap('  * ', '    ', plain($_)), "\n" for @{ $_->{changes} // ['New release.'] };
	printf "\n -- %s  %s\n\n", $maintainer, strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime $_->{time});
}
