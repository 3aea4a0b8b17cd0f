# Document.pm - the SQL in a Markdown document: found, run, and compared with the output that the document shows.
#
#     my $document = Document->new('docs/TUTORIAL.md', $text);
#     $document->run(sub { my ($role) = @_; return psql's options to connect as the role }, $seconds, $major);    # of patience; PostgreSQL's version
#     $document->blocks;      # of each block of SQL: line, role, sql, shown, printed, skipped (the reason why it is not run)
#     $document->code;        # of each block in a language of programs: language, line, body, program (the one of src/test/clients that runs it)
#     $document->problems;    # what is no such document, or not what psql prints, each with its line
#     $document->as_run;      # the document as it would be with what psql has printed
#
# How documents are written is said in docs/TESTING.md. A block that is not understood is a problem: none is left out silently.

package Document;

use strict;
use warnings;
use Carp;
use IPC::Run;

# Languages of fenced blocks. Anything else might hide SQL, and these may not.
my %languages = map { $_ => 1 } qw(sql text sh ini ascii python java js c);
my %programs = map { $_ => 1 } qw(python java js c);
my $statement = qr/^\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|GRANT|REVOKE|BEGIN|SET|CALL|EXPLAIN)\b[^;]*;/im;

# The parts of the document are its lines outside of blocks, as they are, and its blocks.
sub new
{
	my ($class, $name, $text) = @_;
	my $self = bless { name => $name, parts => [], blocks => [], code => [], problems => [] }, $class;
	my $prose = '';
	my $before = '';
	my $number = 0;
	my $fenced;
	for my $line (split /\n/, $text)
	{
		$number++;
		$prose .= ($fenced || $line =~ /^```/ ? '' : $line) . "\n";
		if ($fenced && $line ne '```')
		{
			$fenced->{body} .= "$line\n";
		}
		elsif ($fenced)
		{
			$self->add($fenced);
			undef $fenced;
		}
		elsif ($line =~ /^```(.*)$/)
		{
			$fenced = { language => $1, line => $number, body => '' };
		}
		else
		{
			$self->problem($number, 'fence that is not three backticks at the beginning of its line') if $line =~ /^\s*(?:~~~|```)/;
			$self->problem($number, 'block that is not fenced') if $line =~ /<(?:pre|code)\b/i;
			$self->problem($number, 'indented block: fence it') if $line =~ /^(?: {4}|\t)/ && $before !~ /\S/;
			push @{ $self->{parts} }, "$line\n";
		}
		$before = $line;
	}
	$self->problem($fenced->{line}, 'block without end') if $fenced;
	while ($prose =~ /`([^`]*;|SELECT\s[^`.]*\([^`]*)`/g)
	{
		$self->problem(1 + (substr($prose, 0, $-[0]) =~ tr/\n//), "statement in the text: $1");
	}
	return $self;
}

sub problem
{
	my ($self, $line, $problem) = @_;
	push @{ $self->{problems} }, "$self->{name}:$line: $problem";
}

sub blocks { my ($self) = @_; return @{ $self->{blocks} }; }
sub code { my ($self) = @_; return @{ $self->{code} }; }
sub problems { my ($self) = @_; return @{ $self->{problems} }; }

# A fenced block: SQL, the output of the SQL before it, or neither.
sub add
{
	my ($self, $block) = @_;
	my $language = $block->{language};
	$self->problem($block->{line}, "block of unknown language \"$language\"") unless $languages{$language};
	if ($language eq 'sql')
	{
		$self->add_sql($block);
	}
	elsif ($language eq 'text')
	{
		my @parts = @{ $self->{parts} };
		pop @parts while @parts && !ref $parts[-1] && $parts[-1] =~ /^\s*$/;
		my $sql = @parts && ref $parts[-1] && $parts[-1]{sql} ? $parts[-1] : undef;
		if (!$sql || defined $sql->{shown} || defined $sql->{skipped})
		{
			$self->problem($block->{line}, 'output of no SQL');
		}
		else
		{
			$sql->{shown} = $block->{body};
			$self->{parts} = \@parts;
			return;
		}
	}
	elsif ($programs{$language})
	{
		($block->{program}) = $block->{body} =~ m{\A(?:#|//|/\*) run by (\w+\.\w+)(?: \*/)?\n};
		$self->problem($block->{line}, 'code that does not say which program runs it') unless $block->{program};
		push @{ $self->{code} }, $block;
	}
	elsif ($block->{body} =~ $statement)
	{
		$self->problem($block->{line}, 'SQL in a block of another language');
	}
	push @{ $self->{parts} }, $block;
}

sub add_sql
{
	my ($self, $block) = @_;
	my $last = $self->{blocks}[-1];
	$block->{sql} = $block->{body};
	($block->{skipped}) = $block->{sql} =~ /\A-- not run: (\S.*)\n/;
	$block->{role} = $block->{sql} =~ /\A-- as (\w+)\n/ ? $1 : $last ? $last->{role} : undef;
	push @{ $self->{blocks} }, $block;
	return if defined $block->{skipped};
	($block->{since}) = $block->{sql} =~ /\A(?:-- as \w+\n)?-- from PostgreSQL (\d+) on\n/;

	$self->problem($block->{line}, 'SQL that says neither as whom nor why it is not run') unless $block->{role};
	# psql would wait for the rest of the statement, and the block say nothing.
	my $code = $block->{sql} =~ s/^((?:[^'\n]|'[^'\n]*')*?)--.*$/$1/gmr;
	$self->problem($block->{line}, 'SQL that does not end with its statement') unless $code =~ /(?:;|\\\w[^\n]*)\s*\z/;
	$self->problem($block->{line}, 'SQL that connects or leaves psql: say as whom it runs') if $code =~ /\\(?:c|connect|!|q)\b/;
}

# Each role has a connection of its own, which stays through the document.
sub run
{
	my ($self, $connection, $seconds, $major) = @_;
	my %psql;
	for my $block ($self->blocks)
	{
		$block->{skipped} = "PostgreSQL $major is older than $block->{since}" if $block->{since} && $block->{since} > $major;
		next if defined $block->{skipped} || !$block->{role};
		$psql{ $block->{role} } //= Document::Psql->new($seconds, $connection->($block->{role}));
		$block->{printed} = $psql{ $block->{role} }->print($block->{sql});
		my $difference = difference($block) or next;
		$self->problem($block->{line}, $difference);
	}
	$_->quit for values %psql;
}

# What is wrong with what a block shows, or nothing.
sub difference
{
	my ($block) = @_;
	my $printed = $block->{printed};
	if (!defined $block->{shown})
	{
		my $more = unexpected($printed);
		return $more eq '' ? undef : "does not show what is printed:\n$more";
	}
	return if same($block->{shown}, $printed);
	return "shows\n$block->{shown}but printed is\n$printed";
}

# What must be shown of an output: all but tags of commands that say nothing about rows that were there, and the result of
# functions of spsa that are called for what they do, unless it is that they have done nothing.
sub unexpected
{
	my ($printed) = @_;
	my $call = qr/ *spsa_(?!allows|has_permission|session_|user_name)\w+ */;
	my $value = qr/(?! *(?:f|0) *(?:\||$))[^|\n]*/m;
	$printed =~ s/^$call(?:\|$call)*\n-[-+]*\n$value(?:\|$value)*\n\(1 row\)\n\n//gm;
	$printed =~ s/^(?!UPDATE|DELETE|MERGE|SELECT|COPY|ROLLBACK|INSERT 0 0$)[A-Z][A-Z ]*(?: \d+)*\n//gm;
	return $printed;
}

# The same but for identifiers, tokens, secrets of second factors and times, which differ each time, and for the width of columns
# where there are any.
sub same
{
	my @texts = @_;
	for (@texts)
	{
		s/ +$//gm;
		s/\n+\z/\n/;
	}
	return 1 if $texts[0] eq $texts[1];
	for (@texts)
	{
		my $volatile = s/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/UUID/g;
		$volatile += s/\bspsa_[A-Za-z0-9_-]{40,}/TOKEN/g;
		$volatile += s/\bsecret=[A-Z2-7]{32,}/SECRET/g;
		$volatile += s/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)?)?/TIME/g;
		return 0 unless $volatile;
		s/ +/ /g;
		s/-{2,}/--/g;
	}
	return $texts[0] eq $texts[1];
}

# What differs only in what differs each time is left as it is.
sub as_run
{
	my ($self) = @_;
	my $text = '';
	for my $part (@{ $self->{parts} })
	{
		$text .= $part and next unless ref $part;
		$text .= "```$part->{language}\n$part->{body}```\n";
		next unless $part->{sql} && (defined $part->{shown} || defined $part->{printed});
		my $output = $part->{shown};
		$output = $part->{printed} if defined $part->{printed} && defined difference($part);
		$text .= "\n```text\n" . ($output =~ s/ +$//gmr =~ s/\n+\z/\n/r) . "```\n" if defined $output && $output ne '';
	}
	return $text;
}

package Document::Psql;

use strict;
use warnings;
use Carp;

sub new
{
	my ($class, $seconds, @options) = @_;
	my $self = bless { in => '', out => '', count => 0 }, $class;
	$self->{timer} = IPC::Run::timer($seconds);
	$self->{psql} = IPC::Run::start([ 'psql', '-X', @options ], '<', \$self->{in}, '>&', \$self->{out}, $self->{timer});
	return $self;
}

# What psql prints for this input: results, notices and errors, in their order.
sub print
{
	my ($self, $sql) = @_;
	my $end = 'end of block ' . ++$self->{count};
	$self->{out} = '';
	$self->{in} .= "$sql\n\\echo $end\n";
	$self->{timer}->start;
	while ($self->{out} !~ /^$end\n/m)
	{
		croak "psql has ended or does not answer:\n$sql$self->{out}" if !$self->{psql}->pumpable || $self->{timer}->is_expired;
		$self->{psql}->pump;
	}
	return $self->{out} =~ s/^$end\n//mr;
}

sub quit
{
	my ($self) = @_;
	$self->{in} .= "\\q\n";
	eval { $self->{psql}->finish };
}

1;
