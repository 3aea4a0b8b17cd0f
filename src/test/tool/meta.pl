#!/usr/bin/perl
# meta.pl - META.json as PGXN wants it, and in agreement with what else knows the version.
#
#     meta.pl [DIRECTORY]
#
# The rules are those of the PGXN Meta Spec 1.0.0 (https://pgxn.org/meta/spec.txt), chapters in parentheses below. Beyond
# them: files that it names exist; the version is that of spsa.control; CHANGELOG.md begins with "## Unreleased" or
# "## VERSION (YYYY-MM-DD)" of that version; each version of src/sql/released has its heading there. Prints each problem as
# FILE:LINE: what, and nothing if all is well.

use strict;
use warnings;
use FindBin;
use JSON::PP;

my $root = shift // "$FindBin::RealBin/../../..";
my $problems = 0;

# Lines of a file of the project, without their ends.
sub lines_of
{
	my ($name) = @_;
	open my $file, '<:raw', "$root/$name" or return;
	chomp(my @lines = <$file>);
	return @lines;
}

sub problem
{
	my ($file, $line, $text) = @_;
	print "$file:$line: $text\n";
	$problems++;
}

my @meta_lines = lines_of('META.json');

# A problem of META.json's: at the first line that has the last of these keys.
sub bad
{
	my ($keys, $text) = @_;
	my ($line) = grep { @$keys && $meta_lines[ $_ - 1 ] =~ /"\Q$keys->[-1]\E"/ } 1 .. @meta_lines;
	problem('META.json', $line // 1, join('.', @$keys) . (@$keys ? ': ' : '') . $text);
}

# Types (Data Types): each sub gets the path of keys and the value.

my $semver = qr/(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?/;

sub text
{
	my ($keys, $value) = @_;
	return 1 if defined $value && !ref $value && length $value;
	bad($keys, 'is no string, or an empty one');
	return 0;
}

# A string that must match; what it then is, is for the message.
sub matching
{
	my ($pattern, $what) = @_;
	return sub {
		my ($keys, $value) = @_;
		text(@_) and $value !~ /\A$pattern\z/ and bad($keys, "\"$value\" is no $what");
	};
}

my $version = matching($semver, 'semantic version');
my $term = matching(qr{[^[:space:][:cntrl:]/\\]{2,}}, 'term');
# The text of the spec refuses spaces in tags; its examples and PGXN's own validator have them.
my $tag = matching(qr{[^[:cntrl:]/\\]{1,255}}, 'tag');
my $url = matching(qr{[a-z][a-z0-9+.-]*://[^/\s]\S*}, 'URI');
my $mail = matching(qr{[^\s@]+@[^\s@]+}, 'mail address');
my $range = matching(qr{0|(?:(?:[<>]=?|[=!]=)?\s*(?:0|$semver))(?:\s*,\s*(?:[<>]=?|[=!]=)\s*$semver)*}, 'version range');
my $status = matching(qr{stable|testing|unstable}, 'release status');
my $license = matching(
	qr{agpl_3|apache_1_1|apache_2_0|artistic_1|artistic_2|bsd|freebsd|gfdl_1_2|gfdl_1_3|gpl_1|gpl_2|gpl_3|lgpl_2_1
	|lgpl_3_0|mit|mozilla_1_0|mozilla_1_1|openssl|perl_5|postgresql|qpl_1_0|ssleay|sun|zlib|open_source|restricted
	|unrestricted|unknown}x, 'license that PGXN knows');
my $lower = matching(qr{[^[:upper:]]+}, 'lowercase string');
my $anything = sub { };

# A relative path below the top, which is there.
my $path = sub {
	my ($keys, $value) = @_;
	text(@_) or return;
	bad($keys, "\"$value\" is no path from the top") if $value =~ m{\A/|\\|(?:\A|/)\.\.?(?:/|\z)};
	bad($keys, "there is no $value") unless -e "$root/$value";
};

# A string counts as a list of one.
sub list_of
{
	my ($type) = @_;
	return sub {
		my ($keys, $value) = @_;
		$value = [$value] unless ref $value;
		return bad($keys, 'is no list') if ref $value ne 'ARRAY';
		$type->($keys, $_) for @$value;
	};
}

sub some_of
{
	my ($type) = @_;
	return sub {
		my ($keys, $value) = @_;
		return bad($keys, 'is an empty list') if ref $value eq 'ARRAY' && !@$value;
		list_of($type)->($keys, $value);
	};
}

# Named keys, "!" before those that are required; all others are custom ones, which begin with x_ (Structure).
sub map_of
{
	my (%types) = @_;
	my %required = map { /\A!(.*)/s ? ($1 => 1) : () } keys %types;
	s/\A!// for my @names = keys %types;
	my %type;
	@type{@names} = values %types;
	return sub {
		my ($keys, $value) = @_;
		return bad($keys, 'is no map') if ref $value ne 'HASH';
		exists $value->{$_} or bad([@$keys], "\"$_\" is required") for sort keys %required;
		for (sort keys %$value)
		{
			my $of = $type{$_} // (/\Ax_/i ? $anything : undef);
			$of ? $of->([ @$keys, $_ ], $value->{$_}) : bad([ @$keys, $_ ], 'is no key that the spec knows');
		}
	};
}

# Keys of one type, values of another.
sub map_by
{
	my ($key_type, $type) = @_;
	return sub {
		my ($keys, $value) = @_;
		return bad($keys, 'is no map') if ref $value ne 'HASH';
		return bad($keys, 'is empty') unless %$value;
		for (sort keys %$value)
		{
			$key_type->([ @$keys, $_ ], $_);
			$type->([ @$keys, $_ ], $value->{$_});
		}
	};
}

my $extension = map_of('!file' => $path, '!version' => $version, abstract => \&text, docfile => $path);
my $relations = map_by(matching(qr{requires|recommends|suggests|conflicts}, 'relationship'), map_by($term, $range));
my $list_license = some_of($license);
my $map_license = map_by(\&text, $url);
my $licenses = sub { (ref $_[1] eq 'HASH' ? $map_license : $list_license)->(@_) };

my $spec = map_of(
	'!abstract'    => \&text,
	'!maintainer'  => some_of(\&text),
	'!license'     => $licenses,
	'!provides'    => map_by($term, $extension),
	'!meta-spec'   => map_of('!version' => matching(qr{1\.0\.0}, 'version of the spec known here'), url => $url),
	'!name'        => $term,
	'!version'     => $version,
	description    => \&text,
	generated_by   => \&text,
	tags           => list_of($tag),
	no_index       => map_of(file => list_of($path), directory => list_of($path)),
	prereqs        => map_by(matching(qr{configure|build|test|runtime|develop}, 'phase'), $relations),
	release_status => $status,
	resources      => map_of(
		homepage   => $url,
		bugtracker => map_of(web => $url, mailto => $mail),
		repository => map_of(url => $url, web => $url, type => $lower)));

# Agreement

my %days = (2 => 29, map { $_ => 30 } 4, 6, 9, 11);

# The headings of CHANGELOG.md: those of versions are returned.
sub changelog
{
	my ($current) = @_;
	my (@versions, $headings);
	my @lines = lines_of('CHANGELOG.md');
	for my $number (1 .. @lines)
	{
		my ($heading) = $lines[ $number - 1 ] =~ /^##\s+(.*)/ or next;
		my @where = ('CHANGELOG.md', $number);
		$headings++;
		if ($heading eq 'Unreleased')
		{
			problem(@where, 'what is unreleased stands first') if $headings > 1;
		}
		elsif ($heading =~ /\A($semver) \(\d{4}-(\d\d)-(\d\d)\)\z/)
		{
			push @versions, $1;
			problem(@where, "there is no such day") if !$2 || $2 > 12 || !$3 || $3 > ($days{ $2 + 0 } // 31);
			problem(@where, "the version of spsa.control is $current") if $headings == 1 && $1 ne $current;
		}
		else
		{
			problem(@where, 'a heading is "Unreleased" or "VERSION (YYYY-MM-DD)"');
		}
	}
	problem('CHANGELOG.md', 1, 'there is no heading') unless $headings;
	return @versions;
}

sub agreement
{
	my ($meta) = @_;
	my ($current) = map { /^default_version *= *'(.*)'/ ? $1 : () } lines_of('spsa.control');
	return problem('spsa.control', 1, 'no default_version') unless defined $current;
	my $mine = ref $meta->{provides} eq 'HASH' ? $meta->{provides}{spsa} : undef;
	for ([ [qw(version)], $meta->{version} ], [ [qw(provides spsa version)], ref $mine eq 'HASH' ? $mine->{version} : undef ])
	{
		my ($keys, $value) = @$_;
		bad($keys, "the version is $current, by spsa.control") if ($value // '') ne $current;
	}
	bad(['release_status'], "\"$current\" is no stable version")
		if ($meta->{release_status} // 'stable') eq 'stable' && $current =~ /\A0\.|-/;
	my %logged = map { $_ => 1 } changelog($current);
	for (glob "'$root'/src/sql/released/spsa--*.sql")
	{
		my ($released) = /spsa--(.*)\.sql\z/;
		problem('CHANGELOG.md', 1, "version $released is in src/sql/released and has no heading") unless $logged{$released};
	}
}

my $meta = eval { JSON::PP->new->utf8->decode(join "\n", @meta_lines) };
if (ref $meta eq 'HASH')
{
	$spec->([], $meta);
	agreement($meta);
}
else
{
	(my $why = $@ || 'is no map') =~ s/ at \S+ line \d+\.?\n\z//;
	bad([], $why);
}
exit($problems ? 1 : 0);
