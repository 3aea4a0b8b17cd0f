# Reading and verifying JSON Web Tokens outside the server: what is accepted, and each reason for which one is not; then the
# same code under mutations of a corpus, with sanitizers where the compiler has them.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Open2;
use Jose;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $runs = $ENV{SPSA_FUZZ_RUNS} // 3000;
my $root = "$FindBin::RealBin/../../..";
my $fuzz = "$root/src/test/fuzz";
my $dir = PostgreSQL::Test::Utils::tempdir();
my @sources = map { "$root/src/$_.c" } qw(identity/json identity/jwt base/crypto base/crypto_signature);

plan skip_all => 'no C compiler or no openssl program' if system('gcc --version > /dev/null 2>&1 && openssl version > /dev/null 2>&1') != 0;

# With sanitizers, or where there are none, without.
sub compile
{
	my ($program, @files) = @_;
	for my $sanitize ('-fsanitize=address,undefined -fno-sanitize-recover=all', '')
	{
		my $command = "gcc -std=gnu99 -g -O1 $sanitize -I$root/src -o $dir/$program @files @sources -lcrypto";
		return 1 if system("$command > $dir/$program.log 2>&1") == 0;
	}
	diag(slurp_file("$dir/$program.log"));
	return 0;
}

ok(compile('check', "$fuzz/jwt_check.c"), 'jwt_check builds') or BAIL_OUT('the sources do not compile outside the server');
my $pid = open2(my $answers, my $questions, "$dir/check");
$questions->autoflush(1);

sub ask
{
	print $questions join("\t", @_), "\n";
	my $answer = <$answers> // 'nothing: it has crashed';
	chomp $answer;
	return $answer;
}

my $now = 1_700_000_000;
my %good = (iss => 'https://idp.example', aud => 'app', sub => 'ann', exp => $now + 600);
my $hs = Jose->new('HS256', kid => 'h');
my $all = 'RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA,HS256,HS384,HS512';

sub judge
{
	my ($token, %set) = @_;
	return ask('token', $set{algorithms} // $all, $set{audience} // 'app', $set{now} // $now, $set{skew} // 60,
		unpack('H*', $set{keys} // Jose::jwks($hs)), unpack('H*', $token));
}
sub accepted { my ($token, $name, %set) = @_; local $Test::Builder::Level = 2; return is(judge($token, %set), 'ok', "accepted: $name") }
sub refused { my ($token, $why, $name, %set) = @_; local $Test::Builder::Level = 2; return is(judge($token, %set), $why, "refused: $name") }

# Claims beside the good ones; undef takes one away.
sub claims { my %claims = (%good, @_); delete @claims{ grep { !defined $claims{$_} } keys %claims }; return \%claims }
sub signed { return $hs->token(claims(@_)) }
sub headed { return $hs->token(\%good, {@_}) }

# The examples of the standards. Those of RFC 7515 that are tokens have no audience, and no example is of this time.
my $payload = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
my %example = (
	'RFC 7515, A.1 (HS256)' => ['{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}',
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.$payload.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
	'RFC 7515, A.2 (RS256)' => ['{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}',
		"eyJhbGciOiJSUzI1NiJ9.$payload.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"],
	'RFC 7515, A.3 (ES256)' => ['{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
		"eyJhbGciOiJFUzI1NiJ9.$payload.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"],
	'RFC 7515, A.4 (ES512)' => ['{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}',
		'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn'],
	'RFC 8037, A.4 (EdDSA)' => ['{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
		'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg']);
for my $name (sort keys %example)
{
	my ($key, $token) = @{ $example{$name} };
	my $keys = unpack 'H*', "{\"keys\":[$key]}";
	is(ask('signature', $all, $keys, unpack('H*', $token)), 'ok', $name);
	(my $other = $token) =~ s/\.(.)/'.' . ($1 eq 'e' ? 'f' : 'e')/e;
	is(ask('signature', $all, $keys, unpack('H*', $other)), 'the signature is wrong', "$name, of another text");
	is(ask('keys', $all, $keys), 'ok', "$name: the key is strong enough");
}
refused($example{'RFC 7515, A.1 (HS256)'}[1], 'aud is missing, or neither a string nor a list of strings', 'the first example as it is');

# Every algorithm: its own key, and what is nearly right.
my %key = (HS256 => $hs, map { $_ => Jose->new($_, kid => lc $_) } qw(RS256 ES256 ES384 ES512 EdDSA HS384 HS512));
for my $alg (split /,/, $all)
{
	my $key = $key{ $alg =~ /^[RP]S/ ? 'RS256' : $alg };
	my $keys = Jose::jwks(values %key);
	my %other = (keys => $keys, algorithms => join ',', grep { $_ ne $alg } split /,/, $all);
	local $key->{alg} = $alg;
	my $token = $key->token(\%good);
	accepted($token, "$alg with its key", keys => $keys, algorithms => $alg);
	refused($token, 'the algorithm is not allowed for the issuer', "$alg where others are allowed", %other);
	refused(substr($token, 0, rindex($token, '.') + 1), 'the signature is wrong', "$alg without a signature", keys => $keys);
	my @parts = split /\./, $token;
	my $signature = MIME::Base64::decode_base64url($parts[2]);
	refused("$parts[0].$parts[1]." . Jose::encode(substr $signature, 0, -1), 'the signature is wrong', "$alg, one byte less", keys => $keys);
	refused("$parts[0].$parts[1]." . Jose::encode("$signature\0"), 'the signature is wrong', "$alg, one byte more", keys => $keys);
	refused("$parts[0].$parts[1]." . Jose::encode("\0$signature"), 'the signature is wrong', "$alg, a leading zero", keys => $keys);
	refused("$parts[0].$parts[1]." . Jose::encode("\0" x length $signature), 'the signature is wrong', "$alg, zeros", keys => $keys);
	refused($key->token(\%good, { kid => undef }), 'the name of the key is no string', "$alg, kid null", keys => $keys);
}
my $public = Jose::jwks($key{RS256}, $key{ES256}, $key{ES384}, $key{EdDSA});

# A public key is no secret, whatever it is called, in whatever form.
for my $form ('pkey -pubout', 'pkey -pubout -outform DER')
{
	my $confused = Jose->new('HS256', kid => 'rs256', secret => Jose::run("$form -in $key{RS256}{file}"));
	refused($confused->token(\%good), 'the key is not one for the algorithm', "an RSA key as a secret ($form)", keys => $public);
	delete $confused->{more}{kid};
	refused($confused->token(\%good), 'the key is not one for the algorithm', "the same without a name", keys => $public);
}
refused($key{ES256}->token(\%good, { kid => 'es384' }), 'the key is not one for the algorithm', 'another curve', keys => $public);
refused($key{ES384}->token(\%good, { alg => 'ES256' }), 'the key is not one for the algorithm', 'the algorithm of another curve', keys => $public);
refused($key{ES256}->token(\%good, { alg => 'EdDSA' }), 'the key is not one for the algorithm', 'another kind of key', keys => $public);
refused($hs->token(\%good), 'the key is not one for the algorithm', 'a key that is for another algorithm', keys => Jose::jwks($hs->jwk(alg => 'HS512')));
{
	local $key{RS256}{alg} = 'PS256';
	refused($key{RS256}->token(\%good, {}, '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20'), 'the signature is wrong', 'PS256, a salt of another length', keys => $public);
	refused($key{RS256}->token(\%good, {}, '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha1'), 'the signature is wrong', 'PS256, another hash in MGF1', keys => $public);
	refused($key{RS256}->token(\%good, {}, ''), 'the signature is wrong', 'PS256 in the header of an RS256 signature', keys => $public);
}
{
	my ($text) = $key{ES256}->token(\%good) =~ /(.*)\./;
	my $der = Jose::run("dgst -sha256 -sign $key{ES256}{file}", $text);
	refused("$text." . Jose::encode($der), 'the signature is wrong', 'ES256, a signature in DER', keys => $public);
}

# Which key.
my $second = Jose->new('HS256', kid => 'second');
accepted($second->token(\%good), 'the second of two keys, by its name', keys => Jose::jwks($hs, $second));
refused($hs->token(\%good, { kid => 'second' }), 'the signature is wrong', 'the name of the other key', keys => Jose::jwks($hs, $second));
refused($hs->token(\%good, { kid => 'nobody' }), 'the key is not known', 'an unknown key');
refused($hs->token(\%good, { kid => '' }), 'the key is not known', 'an empty name');
refused($hs->token(\%good, { kid => 7 }), 'the name of the key is no string', 'a number as name');
refused($hs->token(\%good, { kid => 'h' }), 'several keys have the name that is given', 'a name that two keys have', keys => Jose::jwks($hs, $second->jwk(kid => 'h')));
refused($hs->token(\%good), 'the key is not known', 'a name, where the only key has none', keys => Jose::jwks(do { my $jwk = $hs->jwk; delete $jwk->{kid}; $jwk }));
{
	local $hs->{more} = {};
	my $unnamed = $hs->token(\%good);
	accepted($unnamed, 'no name where one key fits', keys => Jose::jwks($hs, $key{ES256}));
	refused($unnamed, 'no key is named and several fit', 'no name where two keys fit', keys => Jose::jwks($hs, $second));
	accepted($unnamed, 'no name where the other key is for another algorithm', keys => Jose::jwks($hs, $second->jwk(alg => 'HS384')));
	accepted($unnamed, 'no name where the other key is not for signatures', keys => Jose::jwks($hs, $second->jwk(use => 'enc')));
	accepted($unnamed, 'no name where the other key does not verify', keys => Jose::jwks($hs, $second->jwk(key_ops => ['encrypt'])));
	refused($unnamed, 'no key is named and several fit', 'no name where the other key verifies', keys => Jose::jwks($hs, $second->jwk(key_ops => [ 'sign', 'verify' ])));
	refused($unnamed, 'the key is not known', 'no key at all', keys => '{"keys":[]}');
}

# The header.
accepted(headed(typ => $_), "typ $_") for qw(JWT jwt at+jwt application/at+JWT);
refused(headed(typ => $_), 'the token is of another type', "typ $_") for qw(logout+jwt dpop+jwt JOSE), '', 1;
my $no_algorithm = 'the algorithm is missing, none, or unknown';
refused(headed(alg => $_), $no_algorithm, "alg $_") for qw(none None NONE nOnE hs256 HS1 HS2567 ES256K RSA-OAEP dir), '', ' HS256', 256;
refused($hs->token(\%good, '{"kid":"h"}'), $no_algorithm, 'no alg');
refused($hs->token(\%good, '{"alg":["HS256"],"kid":"h"}'), $no_algorithm, 'a list of algorithms');
refused((headed(alg => 'none') =~ s/[^.]+$//r), $no_algorithm, 'alg none without a signature');
my $demands = 'the header demands what is not supported (crit, b64, zip, enc)';
refused(headed(crit => $_), $demands, 'crit ' . encode_json($_)) for ['exp'], ['b64'], ['http://example.com/UNDEFINED'], [], {}, [undef];
refused(headed(crit => 'exp'), $demands, 'crit as a string');
refused(headed(b64 => JSON::PP::false), $demands, 'b64 false');
refused(headed(b64 => JSON::PP::true), $demands, 'b64 true');
refused(headed(zip => 'DEF'), $demands, 'zip');
refused(headed(enc => 'A128GCM'), $demands, 'enc');
{
	# Keys in the header count for nothing: whoever sends them has signed with them.
	my $evil = Jose->new('HS256');
	my %with = (jwk => $evil->jwk, jku => 'https://evil.example/keys', x5u => 'https://evil.example/cert', x5c => ['MIIB'], x5t => 'AA');
	refused($evil->token(\%good, { kid => 'h', %with }), 'the signature is wrong', 'a key in the header');
	refused($evil->token(\%good, {%with}), 'the signature is wrong', 'a key in the header, and no name');
	accepted(headed(%with), 'the right key beside one in the header');
}
my $duplicate = 'a duplicate member';
refused($hs->token(\%good, '{"alg":"HS256","kid":"h","alg":"HS256"}'), $duplicate, 'alg twice');
refused($hs->token(\%good, '{"alg":"none","kid":"h","\u0061lg":"HS256"}'), $duplicate, 'alg twice, one escaped');
refused($hs->token(\%good, '{"alg":"HS256","kid":"h","jwk":{"a":1,"a":1}}'), $duplicate, 'a duplicate deeper in the header');
refused($hs->token(\%good, '{"alg":"HS256","kid":"h","kid":"h"}'), $duplicate, 'kid twice');
refused($hs->token(\%good, '["HS256"]'), 'the header is no JSON object', 'a list as header');
refused($hs->token(\%good, '"alg"'), 'the header is no JSON object', 'a string as header');
refused($hs->token(\%good, ''), 'no value where there should be one', 'no header');

# The claims.
accepted(signed(), 'the good claims');
accepted(signed(aud => [ 'other', 'app' ]), 'one of several audiences');
refused(signed(aud => 'other'), 'the token is for another audience', 'another audience');
refused(signed(aud => [ 'other', 'apps', 'App' ]), 'the token is for another audience', 'other audiences');
refused(signed(aud => []), 'the token is for another audience', 'no audience');
refused(signed(aud => $_), 'aud is missing, or neither a string nor a list of strings', 'aud ' . encode_json([$_])) for 1, { app => 1 }, [ 'app', 1 ], [ ['app'] ];
refused(signed(aud => undef), 'aud is missing, or neither a string nor a list of strings', 'aud missing');
refused(signed(iss => $_), 'iss is missing or no string', 'iss ' . encode_json([$_])) for undef, 1, ['https://idp.example'];
my $no_end = 'exp is missing or no time';
refused(signed(exp => undef), $no_end, 'exp missing');
refused($hs->token("{\"iss\":\"i\",\"aud\":\"app\",\"exp\":$_}"), $no_end, "exp $_")
  for qw("1700000600" null true [1700000600] -1 1e10 17E8 1.7e9 99999999999999999999 253402300800 9223372036854775808 1700000600.5e1);
refused($hs->token("{\"iss\":\"i\",\"aud\":\"app\",\"exp\":$_}"), 'neither a comma nor an end', "exp $_") for qw(01700000600 0x65 1_700), '1700000600 5';
refused($hs->token("{\"iss\":\"i\",\"aud\":\"app\",\"exp\":$_}"), 'no value where there should be one', "exp $_") for qw(1700000600. +1700000600);
accepted($hs->token('{"iss":"i","aud":"app","exp":253402300799}'), 'exp at the end of the year 9999');
accepted(signed(exp => $now + 1), 'a second before exp');
accepted($hs->token("{\"iss\":\"i\",\"aud\":\"app\",\"exp\":${\($now + 1)}.99}"), 'exp with a fraction');
refused(signed(exp => $now), 'the token has expired', 'at exp');
refused($hs->token("{\"iss\":\"i\",\"aud\":\"app\",\"exp\":$now.9}"), 'the token has expired', 'a fraction of a second before exp');
refused(signed(exp => $now - 30), 'the token has expired', 'after exp, within the skew');
accepted(signed(nbf => $now + 60, iat => $now + 60, auth_time => $now + 60), 'from a clock that is ahead by the skew');
refused(signed(nbf => $now + 61), 'the token is not valid yet', 'nbf');
refused($hs->token(encode_json({%good}) =~ s/\}$/,"nbf":${\($now + 60)}.1}/r), 'the token is not valid yet', 'nbf with a fraction');
refused(signed(iat => $now + 61), 'the token was issued in the future', 'iat');
refused(signed(auth_time => $now + 61), 'auth_time is in the future', 'auth_time');
refused(signed(nbf => $now + 1), 'the token is not valid yet', 'nbf, no skew', skew => 0);
refused(signed($_ => 'soon'), 'nbf, iat or auth_time is no time', "$_ no number") for qw(nbf iat auth_time);
refused(signed(jti => 1), 'jti is no string', 'jti a number');
refused(signed(cnf => { jkt => 'x' }), 'the token is bound to a key whose possession is not shown (cnf)', 'a token that is bound to a key');
accepted(signed(act => { sub => 'eve' }), 'a token of who acts for somebody');
refused(signed(act => $_), 'act does not say who acts', 'act ' . encode_json([$_])) for 'eve', {}, { sub => '' }, { sub => 1 };
refused($hs->token('{"iss":"i","aud":"app","exp":1,"exp":1800000000}'), $duplicate, 'exp twice');
refused($hs->token('{"iss":"i","aud":"app","exp":1800000000,"x":[{"y":{"sub":1,"s\u0075b":2}}]}'), $duplicate, 'a duplicate deep in the claims');
refused($hs->token('["iss"]'), 'the claims are no JSON object', 'a list as claims');
refused($hs->token('Payload'), 'no value where there should be one', 'no JSON as claims');
refused($hs->token(encode_json(\%good) . ' x'), 'something after the end', 'something after the claims');
accepted($hs->token(" \t\r\n" . encode_json(\%good) . "\n"), 'white space around the claims');

# JSON.
my $claims = sub { return $hs->token('{"iss":"i","aud":"app","exp":1800000000,"x":' . $_[0] . '}') };
accepted($claims->($_), "JSON $_") for '"\ud834\udd1e"', '-0.5E+3', '[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]', '{}', '[]', "\"\xf0\x9d\x84\x9e\"", '"\"\\\\\/\b\f\n\r\t"';
refused($claims->('[' x 16 . '1' . ']' x 16), 'too many levels', 'too deep');
refused($claims->('[' x 8000), 'too many levels', 'much too deep');
refused($claims->('{"a":' x 2000), 'too many levels', 'much too deep, by objects');
refused($claims->('[' . join(',', 1 .. 600) . ']'), 'too many values', 'too many values');
accepted($claims->('[' . join(',', 1 .. 500) . ']'), 'many values');
refused($claims->("\"$_\""), 'invalid UTF-8', 'UTF-8 ' . unpack 'H*', $_) for "\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\x80", "\xe2\x82";
refused($claims->("\"$_\""), 'an escape that is no character', $_) for '\u0000', '\ud834', '\udd1e', '\ud834\u0041', '\ud834x', '\u12', '\u12g4';
refused($claims->('"\x"'), 'an unknown escape', '\x');
refused($claims->("\"a\0b\""), 'a control character in a string', 'a zero byte');
refused($claims->("\"a\nb\""), 'a control character in a string', 'a line break');
refused($hs->token('{"iss":"i'), 'a string without end', 'a string without end');
refused($hs->token('{"iss"'), 'a name without value', 'a name without value');
refused($hs->token('{iss:1}'), 'a member without name', 'a name without quotes');
refused($hs->token('{"a":1,}'), 'a member without name', 'a comma at the end');
refused($claims->($_), 'no value where there should be one', "JSON $_") for qw(nul True NaN Infinity +1 .5 'a' - --1), '', '[1,]';
refused($claims->($_), 'neither a comma nor an end', "JSON $_") for '[1}', '[1 2]', '1/**/';

# The form.
my $token = signed();
my ($header, $body, $signature) = split /\./, $token;
my $not_three = 'the token has not three parts';
my $not_base64 = 'a part of the token is not base64url';
refused($_, $not_three, 'parts: ' . (length > 20 ? substr($_, 0, 3) . '...' : $_)) for '', 'x', '.', 'a.b', "$header.$body", "$token.", ".$token", "$token.x", "$token.x.y";
refused("$header.$body.$signature=", $not_base64, 'padding');
refused("$header=.$body.$signature", $not_base64, 'padding of the header');
refused($_, $not_base64, 'white space') for " $token", "$token ", "$token\n", "$header. $body.$signature", substr($token, 0, 5) . "\n" . substr($token, 5);
refused("$header.$body.$_" . substr($signature, 1), $not_base64, "a character of another alphabet: $_") for '+', '/', '=', '*', "\0", "\xc3";
refused("$token\0", $not_base64, 'a zero byte at the end');
refused("$header.$body." . $signature . 'A', 'the signature is wrong', 'a character more');
refused("$header.$body." . $signature . 'AA', $not_base64, 'a rest that is no byte');
{
	# Bits at the end that belong to no byte: 32 bytes leave two.
	my $digits = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';
	my $at = index $digits, substr $signature, -1;
	is($at % 4, 0, 'the last character of a signature has two bits that are zero');
	refused("$header.$body." . substr($signature, 0, -1) . substr($digits, $at + $_, 1), $not_base64, "trailing bits: $_") for 1 .. 3;
	# and 64 bytes leave four.
	my $ed = $key{EdDSA}->token(\%good);
	my $last = index $digits, substr $ed, -1;
	is($last % 16, 0, 'four of them');
	refused(substr($ed, 0, -1) . substr($digits, $last + $_, 1), $not_base64, "trailing bits of 64 bytes: $_", keys => $public) for 1, 4, 8;
}
{
	my $size = sub { return $hs->token(encode_json({ %good, x => 'y' x $_[0] })) };
	my $n = 12000;
	$n += int((16384 - length $size->($n)) * 3 / 4);
	ok(length $size->($n) > 16380, 'a long token');
	accepted($size->($n), 'of 16 KiB');
	refused($size->($n + 3), 'the token is too long', 'of more than 16 KiB');
	refused('x' x 1_000_000, 'the token is too long', 'of a million bytes');
}

# Key sets.
sub keys_are
{
	my ($wanted, $name, $keys, $algorithms) = @_;
	return is(ask('keys', $algorithms // $all, unpack 'H*', $keys), $wanted, "keys: $name");
}
keys_are('ok', 'of all kinds', Jose::jwks(map { $_->jwk(alg => $_->{alg}) } values %key));
keys_are('none of the keys is one for the algorithms', 'none', '{"keys":[]}');
keys_are('none of the keys is one for the algorithms', 'for another algorithm', Jose::jwks($key{ES256}), 'RS256,ES384,HS256');
keys_are('none of the keys is one for the algorithms', 'for encryption', Jose::jwks($key{ES256}->jwk(use => 'enc')));
keys_are('none of the keys is one for the algorithms', 'of an unknown kind', '{"keys":[{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},{"kty":"new"}]}');
keys_are('it is no JSON object with a list of keys', $_, $_) for '{}', '[]', '{"keys":{}}', '"keys"';
keys_are('a key is no JSON object with kty', $_, $_) for '{"keys":[1]}', '{"keys":[{}]}', '{"keys":[{"kty":1}]}';
keys_are('a duplicate member', 'a member twice', '{"keys":[],"keys":[]}');
keys_are('a key has a kid that is no string', 'a number as kid', Jose::jwks($hs->jwk(kid => 1)));
my $hs_only = $hs->jwk(alg => 'HS256');
keys_are('two keys have the same kid', 'the same kid twice', Jose::jwks($hs_only, $key{ES256}->jwk(kid => 'h')));
keys_are('ok', 'the same kid once more, for encryption', Jose::jwks($hs_only, $key{ES256}->jwk(kid => 'h', use => 'enc')));
keys_are('a key has private members', "the private member $_", Jose::jwks($key{ $_ eq 'd' ? 'ES256' : 'RS256' }->jwk($_ => 'AAAA'))) for qw(d p q dp dq qi oth k);
keys_are('a key has private members', 'a private key for encryption', Jose::jwks($hs, $key{ES256}->jwk(use => 'enc', d => 'AAAA')));
keys_are('an RSA key is shorter than 2048 bits', 'RSA of 1024 bits', Jose::jwks(Jose->new('RS256', bits => 1024)));
keys_are('an RSA key is shorter than 2048 bits', 'RSA of 2047 bits', Jose::jwks({ kty => 'RSA', e => 'AQAB', n => Jose::encode("\x7f" . "\xff" x 255) }));
keys_are('an RSA key is longer than 8192 bits', 'RSA of 8193 bits', Jose::jwks({ kty => 'RSA', e => 'AQAB', n => Jose::encode("\x01" . "\xff" x 1024) }));
keys_are("an RSA key's modulus or exponent is empty or has leading zeros", 'RSA with leading zeros', Jose::jwks({ kty => 'RSA', e => 'AQAB', n => Jose::encode("\0" x 200 . "\xff" x 128) }));
keys_are("an RSA key's exponent is even, 1, or longer than 32 bits", "the exponent $_", Jose::jwks($key{RS256}->jwk(e => Jose::encode(pack 'H*', $_)))) for qw(01 04 0100000001);
keys_are('a key is not a valid public key', 'an even modulus', Jose::jwks({ kty => 'RSA', e => 'AQAB', n => Jose::encode("\xff" x 255 . "\xfe") }));
keys_are('a key lacks a member, or has one that is not base64url', 'no y', Jose::jwks(do { my $jwk = $key{ES256}->jwk; delete $jwk->{y}; $jwk }));
keys_are('a key lacks a member, or has one that is not base64url', 'padding', Jose::jwks($key{RS256}->jwk(e => 'AQAB=')));
keys_are('a coordinate of an EC key is not as long as its curve demands', 'a short coordinate', Jose::jwks($key{ES256}->jwk(x => 'AAAA')));
keys_are('a key is not a valid public key', 'a point that is not on the curve', Jose::jwks($key{ES256}->jwk(x => Jose::encode("\1" x 32))));
keys_are('an Ed25519 key is not 32 bytes long', 'a short Ed25519 key', Jose::jwks($key{EdDSA}->jwk(x => 'AAAA')));
my $short = 'a secret is shorter than the hash of its algorithm';
keys_are($short, 'a secret of 31 bytes', Jose::jwks(Jose->new('HS256', secret => 'x' x 31)), 'HS256');
keys_are('ok', 'a secret of 32 bytes', Jose::jwks(Jose->new('HS256', secret => 'x' x 32)), 'HS256');
keys_are($short, 'a secret of 32 bytes, where HS512 is allowed', Jose::jwks(Jose->new('HS256', secret => 'x' x 32)), 'HS256,HS512');
keys_are('ok', 'the same, if the key says that it is for HS256', Jose::jwks(Jose->new('HS256', secret => 'x' x 32, alg => 'HS256')), 'HS256,HS512');
keys_are($short, 'a short secret where none is of use', Jose::jwks($key{ES256}, Jose->new('HS256', secret => 'x')), 'ES256');
keys_are('there are too many keys', '33 keys', Jose::jwks(map { $hs->jwk(kid => "k$_") } 1 .. 33));
keys_are('it is too long', 'a long text', '{"keys":[], "x": "' . 'y' x 70000 . '"}');
{
	my $weak = Jose->new('HS512', secret => 'x' x 32);
	refused($weak->token(\%good, { kid => 'w' }), 'the key is not one for the algorithm', 'HS512 with a secret of 32 bytes', keys => Jose::jwks($weak->jwk(kid => 'w')));
	my $small = Jose->new('RS256', bits => 1024, kid => 's');
	refused($small->token(\%good), 'the signature is wrong', 'RSA of 1024 bits that nobody has checked', keys => Jose::jwks($small));
}
close $questions;
waitpid $pid, 0;
is($?, 0, 'and nothing was amiss in memory');

# Mutations, the same in every run. `make fuzz` looks for new ones.
ok(compile('driver', "$fuzz/driver.c", "$fuzz/jwt_fuzz.c"), 'the target builds');
my $output = `$dir/driver $runs $fuzz/corpus/* 2>&1`;
is($?, 0, "$runs mutations of the corpus") or diag($output);

done_testing();
