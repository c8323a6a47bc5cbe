#!/usr/bin/env bash
# Every form of a key, asked of the compiled map by Postfix itself.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v postmap >/dev/null || skip_all 'no Postfix here'
mkdir "$T/etc"
echo 'compatibility_level = 3.6' >"$T/etc/main.cf"

pin1=$(printf '%02X:' {1..32})
pin1=${pin1%:}
pin2=$(printf '%02X:' {33..64})
pin2=${pin2%:}
cat >"$T/registry" <<REGISTRY
partner acme mode=enforced domain=Acme.Example,.acme.example
        gateway=mx1.acme.example,MX2.acme.example contact=a@acme.example
partner default mode=enforced domain=default.example contact=a@acme.example
partner relay mode=enforced gateway=mail.relay.example contact=a@acme.example
        domain=[mail.relay.example],[mail.relay.example]:2525,[192.0.2.7]:25
partner munich mode=enforced domain=MÜNCHEN.example,.münchen.example
        gateway=mx1.münchen.example contact=a@acme.example
partner soft mode=opportunistic domain=soft.example,.soft.example
partner softer mode=opportunistic domain=soft.acme.example
partner crypt mode=enforced domain=crypt.example verify=none
        contact=a@acme.example
partner pin mode=enforced domain=pin.example verify=key key=$pin1,$pin2
        contact=a@acme.example
REGISTRY
ok 'the registry compiles' "$B/tlspact-compile" -C /dev/null \
	-o registry="$T/registry" -o ledger="$T/ledger.db" \
	-o map="$T/policy.cdb" -o postfix_version=3.7.11 \
	-o fingerprint_digest=sha256 || bail 'nothing to test'

# found KEY TEXT, missing KEY
found()
{
	run postmap -c "$T/etc" -q "$1" "cdb:$T/policy"
	is "$1" "$rc $out$err" "0 $2"
}
missing()
{
	run postmap -c "$T/etc" -q "$1" "cdb:$T/policy"
	is "not: $1" "$rc $out$err" '1 '
}

strict='protocols=>=TLSv1.2 ciphers=high'
acme="secure match=mx1.acme.example:mx2.acme.example $strict"
found acme.example "$acme"
found ACME.example "$acme"
found .acme.example "$acme"
found .Acme.EXAMPLE "$acme"
missing sub.acme.example
missing acme.example.
missing example
missing .example
missing notacme.example
missing mx1.acme.example

found default.example "secure match=nexthop:dot-nexthop $strict"
missing .default.example

relay="secure match=mail.relay.example $strict"
found '[mail.relay.example]' "$relay"
found '[MAIL.relay.Example]' "$relay"
found '[mail.relay.example]:2525' "$relay"
found '[192.0.2.7]:25' "$relay"
missing mail.relay.example
missing '[mail.relay.example]:25'
missing '[192.0.2.7]'

munich="secure match=mx1.xn--mnchen-3ya.example $strict"
found xn--mnchen-3ya.example "$munich"
found XN--mnchen-3ya.example "$munich"
found münchen.example "$munich"
found MÜNCHEN.Example "$munich"
found .xn--mnchen-3ya.example "$munich"
found .münchen.example "$munich"

# Opportunistic partners are strangers to Postfix, but below an enforced one.
missing soft.example
missing .soft.example
found soft.acme.example may
found crypt.example "encrypt $strict"
found pin.example "fingerprint match=$pin1|$pin2 $strict"

missing stranger.example
missing ''
# tlspact's own keys begin with a space, which no domain does.
is 'no other key' "$(cdb -l -m "$T/policy.cdb" | grep '^[^ ]' | LC_ALL=C sort)" \
	"$(LC_ALL=C sort <<-'KEYS'
	acme.example
	.acme.example
	default.example
	[mail.relay.example]
	[mail.relay.example]:2525
	[192.0.2.7]:25
	xn--mnchen-3ya.example
	.xn--mnchen-3ya.example
	münchen.example
	.münchen.example
	soft.acme.example
	crypt.example
	pin.example
	KEYS
	)"
done_testing
