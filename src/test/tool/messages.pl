#!/usr/bin/perl
#
# messages.pl - the messages of the source as a section of docs/REFERENCE.md: SQLSTATE, message, hint, file.
#
# Reads ereport() of ERROR, WARNING and NOTICE (what goes to the server log alone is not for users).  PL/pgSQL's RAISE is in no file of
# src/sql; should one come, the script dies.  SQLSTATEs are those of the server's errcodes.txt.

use strict;
use warnings;

my %sqlstate;
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $errcodes = `$pg_config --sharedir`);
$errcodes .= '/errcodes.txt';
open my $codes, '<', $errcodes or die "$errcodes: $!\n";
while (<$codes>)
{
	$sqlstate{$2} = $1 if /^(\w{5})\s+\w\s+(ERRCODE_\w+)/;
}

my $string = qr/"(?:[^"\\]|\\.)*"/;
my $parens = qr/(\((?:[^()"']|$string|'(?:[^'\\]|\\.)+'|(?-1))*\))/;

# The text of the first call of a function in a report, or nothing; alternatives (condition ? "a" : "b") are joined by " / ".
sub text
{
	my ($report, $function) = @_;
	$report =~ /\b$function\s*$parens/ or return '';
	my $arguments = $1;
	$arguments =~ s/("|\w)\s*\n\s*(?=")/$1 /g;
	$arguments =~ s/"\s+"//g;
	my @texts = $arguments =~ /\A\(\s*$string/ ? $arguments =~ /\A\(\s*($string)/ : $arguments =~ /[?:]\s*($string)/g;
	@texts = $arguments =~ /\A\(\s*[^,]*?($string)/ unless @texts;
	return join ' / ', map { s/\A"|"\z//gr =~ s/\\(["\\])/$1/gr =~ s/\|/\\|/gr =~ s/%-?[\d.*]*l*[sduzi]/…/gr } @texts;
}

my %rows;
for my $file (glob 'src/*.c src/[a-su-z]*/*.c src/sql/*.sql')
{
	open my $handle, '<', $file or die "$file: $!\n";
	my $source = do { local $/; <$handle> };
	$source =~ s{/\*.*?\*/}{}gs;
	die "$file raises by itself\n" if $file =~ /\.sql$/ && $source =~ s/^\s*--.*$//gmr =~ /\bRAISE\s+(?:\w+\s+)?'/;
	while ($source =~ /\bereport\s*$parens/g)
	{
		my $report = $1;
		my ($level) = $report =~ /\A\(\s*(\w+)/;
		next unless $level =~ /^(?:ERROR|WARNING|NOTICE)$/;
		my ($code) = $report =~ /\berrcode\(\s*(ERRCODE_\w+)/;
		my $state = $code ? $sqlstate{$code} || die "$file: $code?\n" : $level eq 'ERROR' ? 'computed' : $level eq 'WARNING' ? '01000' : '00000';
		my $message = text($report, 'errmsg(?:_plural|_internal)?');
		my $hint = text($report, 'errhint(?:_plural|_internal)?');
		$message = "$level: $message" if $level ne 'ERROR';
		$rows{"| $state | $message | $hint | " . ($file =~ s{\Asrc/}{}r) . " |\n"} = 1;
	}
}
print "### All messages\n\nOf errors, and where it says so of warnings and notices, from the source; … stands for what is filled in,\n`computed` for one of several codes.\n",
	"| SQLSTATE | message | hint | file |\n| --- | --- | --- | --- |\n", sort(keys %rows), "\n";
