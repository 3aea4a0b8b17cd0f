# Jose.pm - keys and signatures for JSON Web Tokens, made with Perl's own modules and the openssl program.
#
#     my $key = Jose->new('RS256', kid => 'r');      # a new key for an algorithm; further members of its JWK
#     $key->jwk;                                     # its public JWK (of HS256 and its kin: the secret)
#     $key->token({ sub => 'ann' }, { typ => 'JWT' })    # claims, further members of the header: signed
#
# Claims and headers may be texts instead of hashes, to be signed as they are.

package Jose;

use strict;
use warnings;
use Carp;
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);

my $dir = tempdir(CLEANUP => 1);
my $files = 0;
my $json = JSON::PP->new->utf8->canonical;
my %curve = (ES256 => ['P-256', 32], ES384 => ['P-384', 48], ES512 => ['P-521', 66]);

sub run
{
	my ($command, $input) = @_;
	my $file = "$dir/" . $files++;
	open my $in, '>:raw', "$file.in" or croak $!;
	print $in $input // '';
	close $in;
	system("openssl $command < $file.in > $file.out 2> $file.err") == 0 or croak "openssl $command: " . slurp("$file.err");
	return slurp("$file.out");
}

sub slurp
{
	my ($name) = @_;
	open my $file, '<:raw', $name or croak $!;
	local $/;
	return scalar <$file>;
}

sub encode { return encode_base64url($_[0]) }
sub text_of { my ($what) = @_; return ref $what ? $json->encode($what) : $what }

sub new
{
	my ($class, $alg, %more) = @_;
	my $bits = delete $more{bits} // 2048;
	my $secret = delete $more{secret};
	my $self = bless { alg => $alg, more => \%more, file => "$dir/key" . $files++ }, $class;
	if ($alg =~ /^HS(\d+)/)
	{
		$self->{secret} = $secret // join '', map { chr 33 + int rand 90 } 1 .. $1 / 8;
		return $self;
	}
	my $what = $alg =~ /^[RP]S/ ? "-algorithm RSA -pkeyopt rsa_keygen_bits:$bits" :
	  $curve{$alg} ? "-algorithm EC -pkeyopt ec_paramgen_curve:$curve{$alg}[0]" : '-algorithm ED25519';
	run("genpkey $what -out $self->{file}");
	return $self;
}

sub jwk
{
	my ($self, %more) = @_;
	my $alg = $self->{alg};
	my %jwk = (%{ $self->{more} }, %more);
	return { kty => 'oct', k => encode($self->{secret}), %jwk } if defined $self->{secret};
	my $der = run("pkey -in $self->{file} -pubout -outform DER");
	if ($alg =~ /^[RP]S/)
	{
		my ($hex) = run("rsa -in $self->{file} -modulus -noout") =~ /Modulus=([0-9A-F]+)/;
		return { kty => 'RSA', n => encode(pack 'H*', $hex), e => 'AQAB', %jwk };
	}
	return { kty => 'OKP', crv => 'Ed25519', x => encode(substr $der, -32), %jwk } unless $curve{$alg};
	my ($name, $n) = @{ $curve{$alg} };
	return { kty => 'EC', crv => $name, x => encode(substr $der, -2 * $n, $n), y => encode(substr $der, -$n), %jwk };
}

# ECDSA: from DER to two numbers of the curve's length.
sub raw_ecdsa
{
	my ($der, $n) = @_;
	my $at = ord(substr $der, 1, 1) & 0x80 ? 3 : 2;
	my $raw = '';
	for (1 .. 2)
	{
		my $length = ord substr $der, $at + 1, 1;
		my $number = substr $der, $at + 2, $length;
		$number =~ s/^\0+//;
		$raw .= ("\0" x ($n - length $number)) . $number;
		$at += 2 + $length;
	}
	return $raw;
}

sub signature
{
	my ($self, $text, $alg, $options) = @_;
	my ($bits) = $alg =~ /(\d+)$/;
	return { 256 => \&hmac_sha256, 384 => \&hmac_sha384, 512 => \&hmac_sha512 }->{$bits}->($text, $self->{secret}) if defined $self->{secret};
	if ($alg eq 'EdDSA')
	{
		my $file = "$dir/" . $files++;
		open my $out, '>:raw', $file or croak $!;
		print $out $text;
		close $out;
		return run("pkeyutl -sign -rawin -inkey $self->{file} -in $file");
	}
	$options //= $alg =~ /^PS/ ? '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest' : '';
	my $signature = run("dgst -sha$bits -sign $self->{file} $options", $text);
	return $curve{ $self->{alg} } ? raw_ecdsa($signature, $curve{ $self->{alg} }[1]) : $signature;
}

sub token
{
	my ($self, $claims, $header, $options) = @_;
	$header = { alg => $self->{alg}, (defined $self->{more}{kid} ? (kid => $self->{more}{kid}) : ()), %{ $header // {} } } if ref($header // {});
	my $text = encode(text_of($header)) . '.' . encode(text_of($claims));
	return "$text." . encode($self->signature($text, $self->{alg}, $options));
}

sub jwks { return $json->encode({ keys => [ map { ref $_ eq 'Jose' ? $_->jwk : $_ } @_ ] }) }

1;
