# Wire.pm - a client that speaks PostgreSQL's protocol 3.0 message by message, so that a test decides what goes into one
# pipeline and when a portal goes on.  https://www.postgresql.org/docs/15/protocol-flow.html
#
#     my $wire = Wire->new($node, 'some_role');      # and a database other than postgres; what has a host and a port will do as node
#     $wire->parse('s', 'SELECT id FROM t WHERE id > $1')->bind('p', 's', [0])->execute('p', 2)->sync;
#     $wire->answers;     # what came of each Execute, as text: '1,2+'
#
# parse, bind, describe, execute, call_function, close, flush and sync queue a message and return the client.  An answer is
# what a function, or an Execute, has given: its rows joined by commas (columns by slashes, NULL as nothing), and a "+" if its portal was suspended;
# or the SQLSTATE with which the pipeline failed there (the rest up to its Sync is skipped and gives no answer).

package Wire;

use strict;
use warnings;
use Carp;
use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;

sub new
{
	my ($class, $node, $user, $database) = @_;
	my $path = $node->host . '/.s.PGSQL.' . $node->port;
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or croak "cannot connect to $path: $!";
	my $self = bless { socket => $socket, out => '', in => '', error => '', expected => [], formats => {} }, $class;
	my $startup = pack('N', 196608) . join("\0", user => $user, database => $database // 'postgres', '', '');
	$self->{out} = pack('N', 4 + length $startup) . $startup;
	push @{ $self->{expected} }, 'sync';
	my @problems = $self->answers;
	croak "cannot connect: @problems" if @problems;
	return $self;
}

sub message
{
	my ($self, $type, $body) = @_;
	$self->{out} .= $type . pack('N', 4 + length $body) . $body;
	return $self;
}

# types: OIDs of the parameters; the server infers those that are left out.
sub parse
{
	my ($self, $name, $sql, @types) = @_;
	return $self->message('P', "$name\0$sql\0" . pack('n N*', scalar @types, @types));
}

# binary: parameters and columns are integer, and travel so.
sub bind
{
	my ($self, $portal, $statement, $values, $binary) = @_;
	my $format = $binary ? 1 : 0;
	$self->{formats}{$portal} = $format;
	my $values_out = join '', map { my $v = $format ? pack('N', $_) : $_; pack('N', length $v) . $v } @{ $values // [] };
	return $self->message('B', "$portal\0$statement\0" . pack('n n n', 1, $format, scalar @{ $values // [] }) . $values_out . pack('n n', 1, $format));
}

# kind: S for a statement, P for a portal.
sub describe { my ($self, $kind, $name) = @_; return $self->message('D', "$kind$name\0"); }
sub close { my ($self, $kind, $name) = @_; return $self->message('C', "$kind$name\0"); }
sub flush { my ($self) = @_; return $self->message('H', ''); }

sub execute
{
	my ($self, $portal, $rows) = @_;
	push @{ $self->{expected} }, $self->{formats}{$portal} // 0;
	return $self->message('E', "$portal\0" . pack('N', $rows // 0));
}

# A function by its OID, past the parser ("fast path"): queued; the server goes on by itself after it.
sub call_function
{
	my ($self, $oid, @values) = @_;
	push @{ $self->{expected} }, 'function', 'sync';
	my $values_out = join '', map { pack('N', length $_) . $_ } @values;
	return $self->message('F', pack('N n n', $oid, 0, scalar @values) . $values_out . pack('n', 0));
}

sub sync
{
	my ($self) = @_;
	push @{ $self->{expected} }, 'sync';
	return $self->message('S', '');
}

# A whole statement, under names of its own so that it leaves the unnamed ones alone: queued, and with its answer.
sub statement
{
	my ($self, $sql, @values) = @_;
	$self->close('P', 'wire')->close('S', 'wire')->parse('wire', $sql)->bind('wire', 'wire', \@values)->execute('wire');
	return $self->close('P', 'wire');
}

sub run
{
	my ($self, $sql, @values) = @_;
	my @answers = $self->statement($sql, @values)->sync->answers;
	return $answers[-1];
}

# Sends what is queued, and reads until each Execute and each Sync in it has been answered.
sub answers
{
	my ($self) = @_;
	my @answers;
	my @rows;
	$self->send_queued;
	while (@{ $self->{expected} })
	{
		my ($type, $body) = $self->receive;
		if ($type eq 'D')
		{
			push @rows, row($body, $self->{expected}[0]);
		}
		elsif ($type eq 'C' || $type eq 'I' || $type eq 's')
		{
			shift @{ $self->{expected} };
			push @answers, join(',', @rows) . ($type eq 's' ? '+' : '');
			$self->{tag} = $body if $type eq 'C';
			@rows = ();
		}
		elsif ($type eq 'V')
		{
			shift @{ $self->{expected} };
			push @answers, unpack 'x4 a*', $body;
		}
		elsif ($type eq 'E')
		{
			my %fields = map { substr($_, 0, 1) => substr($_, 1) } split /\0/, $body;
			shift @{ $self->{expected} } while @{ $self->{expected} } && $self->{expected}[0] ne 'sync';
			push @answers, $fields{C};
			$self->{error} = $fields{M};
			@rows = ();
		}
		elsif ($type eq 'Z')
		{
			shift @{ $self->{expected} };
			$self->{status} = $body;
		}
	}
	return @answers;
}

# I: idle, T: in a transaction, E: in one that has failed.
sub status { my ($self) = @_; return $self->{status}; }
sub error { my ($self) = @_; return $self->{error}; }

sub row
{
	my ($body, $binary) = @_;
	my ($n, $rest) = unpack 'n a*', $body;
	my @columns;
	for (1 .. $n)
	{
		(my $length, $rest) = unpack 'l> a*', $rest;
		push @columns, '' and next if $length < 0;
		my $value = substr $rest, 0, $length, '';
		push @columns, $binary ? unpack('l>', $value) : $value;
	}
	return join '/', @columns;
}

sub send_queued
{
	my ($self) = @_;
	while (length $self->{out})
	{
		my $sent = syswrite($self->{socket}, $self->{out}) or croak "cannot send: $!";
		substr $self->{out}, 0, $sent, '';
	}
}

sub take
{
	my ($self, $length) = @_;
	while (length $self->{in} < $length)
	{
		local $SIG{ALRM} = sub { croak 'no answer' };
		alarm $PostgreSQL::Test::Utils::timeout_default;
		sysread($self->{socket}, $self->{in}, 65536, length $self->{in}) or croak "the server has closed the connection: $self->{error}";
		alarm 0;
	}
	return substr $self->{in}, 0, $length, '';
}

sub receive
{
	my ($self) = @_;
	my ($type, $length) = unpack 'a N', $self->take(5);
	return ($type, $self->take($length - 4));
}

sub disconnect
{
	my ($self) = @_;
	$self->message('X', '')->send_queued;
	CORE::close $self->{socket};
}

# Without a word, whatever is going on: what is queued is sent, and no answer read.
sub vanish
{
	my ($self) = @_;
	$self->send_queued;
	CORE::close $self->{socket};
}

1;
