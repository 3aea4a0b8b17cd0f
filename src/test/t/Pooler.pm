# Pooler.pm - PgBouncer in front of a test server.
#
#     my $pooler = Pooler->new($node, { app => "pool_mode=transaction user=some_role" }, server_reset_query => 'DISCARD ALL');
#     Wire->new($pooler, 'anybody', 'app');     # it has the host and the port of a node: here psql's and libpq's, too
#     Pooler::version();                        # 1.18 as 1018; 0: there is none
#
# Its databases are all the server's database postgres, over 5 connections each; who connects is not asked.

package Pooler;

use strict;
use warnings;
use Carp;
use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

my ($program) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
my %running;

sub version
{
	return 0 unless $program && `'$program' --version 2>/dev/null` =~ /PgBouncer (\d+)\.(\d+)/;
	return 1000 * $1 + $2;
}

sub new
{
	my ($class, $node, $databases, %settings) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	my $self = bless { host => $directory, port => $node->port }, $class;
	my %all = (
		unix_socket_dir => $directory,
		listen_addr => '',
		listen_port => $self->port,
		auth_type => 'any',
		logfile => "$directory/log",
		default_pool_size => 5,
		max_client_conn => 200,
		server_reset_query => '',
		%settings);
	append_to_file("$directory/ini", join "\n", '[databases]',
		(map { "$_ = host=" . $node->host . ' port=' . $node->port . " dbname=postgres $databases->{$_}" } sort keys %$databases),
		'[pgbouncer]', (map { "$_ = $all{$_}" } sort keys %all), '');
	defined($self->{pid} = fork) or croak "cannot fork: $!";
	if (!$self->{pid})
	{
		exec $program, '-q', "$directory/ini" or POSIX::_exit(1);
	}
	$running{ $self->{pid} } = $self;
	for my $try (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return $self if IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "$directory/.s.PGSQL." . $self->port);
		sleep 0.1;
	}
	croak 'PgBouncer does not start: ' . (-e "$directory/log" ? slurp_file("$directory/log") : 'no log');
}

sub host { my ($self) = @_; return $self->{host}; }
sub port { my ($self) = @_; return $self->{port}; }
sub log { my ($self) = @_; return slurp_file("$self->{host}/log"); }

sub stop
{
	my ($self) = @_;
	delete $running{ $self->{pid} } or return;
	kill 'TERM', $self->{pid};
	local $?;
	waitpid $self->{pid}, 0;
	return;
}

END { $_->stop for values %running; }

1;
