#!/usr/bin/env bash
# What real mail meets under a compiled map. An outcome is what the log of the
# sender and the Received line at the receiving side say together.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

registry=$T/registry
# shellcheck disable=SC2317 # called through ok and run
compile()
{
	"$B/tlspact-compile" -C /dev/null -o registry="$registry" \
		-o ledger="$LAB/ledger.db" -o map="$LAB/policy.cdb" \
		-o postfix_version="$(postconf -dh mail_version)" \
		-o fingerprint_digest=sha256 "$@"
}

# met NAME RECIPIENT REGEX	sends a mail and checks what becomes of it
met()
{
	local qid

	qid=$(lab_send "$2") || bail 'the lab takes no mail'
	like "$1" "$(lab_outcome "$qid")" "$3"
}

verified='^verified TLSv1\.3$'
encrypted='^encrypted TLSv1\.3$'
clear='^clear$'
held_name='^held: [Hh]ostname mismatch$'
held_clear='^held: TLS is required, but was not offered$'

lab_ca ca || bail 'no CA'
lab_ca other || bail 'no CA'

partner()
{
	lab_partner "$@" || bail "$1"
}
partner good cert
partner wrong cert cn=mail.hosting.example
partner expired cert from=20240101 to=20250101
partner unknown cert ca=other
partner plain none
partner self cert ca=self
partner open none
partner pinned cert ca=self from=20240101 to=20250101
partner tls12 cert
partner spare cert
lab_mx sub.good.example mx1.good.example
lab_mx deep.sub.good.example mx1.good.example
lab_mx naked.good.example mx1.plain.example
lab_mx sub.plain.example mx1.plain.example
lab_mx xn--mnchen-3ya.example mx1.good.example
lab_cert sni cn=mx1.sni.example || bail sni
lab_gateway 127.0.2.2 mx1.sni.example wrong \
	"tls_server_sni_maps = inline:{mx1.sni.example=$LAB/pki/sni.pem}"
lab_mx sni.example mx1.sni.example
lab_mx nosni.example mx1.sni.example
lab_cert under cn=mx_1.under.example || bail under
lab_gateway 127.0.2.3 mx_1.under.example under
lab_mx xn--ls8h.example mx_1.under.example
lab_mx xn--i-7iq.example mx1.wrong.example
lab_cert routed cn=mx1.routed.example || bail routed
lab_gateway 127.0.2.1:2525 mx1.routed.example routed

cat >"$registry" <<REGISTRY
partner good mode=enforced domain=good.example,.good.example
        gateway=mx1.good.example contact=postmaster@good.example
partner wrong mode=enforced domain=wrong.example gateway=mx1.wrong.example
        contact=postmaster@wrong.example
partner expired mode=enforced domain=expired.example
        gateway=mx1.expired.example contact=postmaster@expired.example
partner unknown mode=enforced domain=unknown.example
        gateway=mx1.unknown.example contact=postmaster@unknown.example
partner plain mode=enforced domain=plain.example gateway=mx1.plain.example
        contact=postmaster@plain.example
partner self mode=opportunistic domain=self.example
partner open mode=opportunistic domain=open.example
partner muc mode=enforced domain=münchen.example gateway=mx1.good.example
        contact=postmaster@good.example
partner routed mode=enforced contact=postmaster@good.example
        domain=[mx1.routed.example]:2525,[mx1.open.example]
        gateway=mx1.routed.example,mx1.open.example
partner pinned mode=enforced domain=pinned.example verify=key
        key=$(lab_pin pinned) contact=postmaster@pinned.example
partner badpin mode=enforced domain=tls12.example verify=key
        key=$(lab_pin pinned) contact=postmaster@tls12.example
partner sni mode=enforced domain=sni.example servername=hostname
        gateway=mx1.sni.example contact=postmaster@sni.example
partner nosni mode=enforced domain=nosni.example servername=nexthop
        gateway=mx1.sni.example contact=postmaster@sni.example
partner emoji mode=enforced domain=xn--ls8h.example,xn--i-7iq.example
        gateway=mx_1.under.example contact=postmaster@under.example
REGISTRY
ok 'the registry compiles' compile || bail 'nothing to test'
routes='{ routed.example = smtp:[mx1.routed.example]:2525 }'
routes+=', { routed-in-clear.example = smtp:[mx1.open.example] }'
lab_start "transport_maps=inline:{ $routes }" || bail 'the lab does not start'

# Enforced and Opportunistic.
met 'enforced, good certificate' joe@good.example "$verified"
met 'enforced, certificate of another name' joe@wrong.example "$held_name"
met 'enforced, expired' joe@expired.example '^held: certificate has expired$'
met 'enforced, unknown CA' joe@unknown.example '^held: untrusted issuer '
met 'enforced, no STARTTLS' joe@plain.example "$held_clear"
met 'opportunistic, self-signed' joe@self.example "$encrypted"
met 'opportunistic, no STARTTLS' joe@open.example "$clear"
met 'no partner, good certificate' joe@spare.example "$encrypted"
met 'pinned key, self-signed and expired' joe@pinned.example "$verified"
met 'pinned key, another one' joe@tls12.example '^held: '
met 'a certificate that is shown to who asks for it' joe@sni.example "$verified"
met 'and not to who asks for another' joe@nosni.example "$held_name"
met 'an underscore in the name of a gateway' joe@xn--ls8h.example "$verified"
met 'an emoji in that of a domain' 'joe@💩.example' "$verified"
met 'which is held where it has to be' 'joe@i❤.example' "$held_name"

# The forms of a key.
met 'sub-domain of .good.example' joe@sub.good.example "$verified"
met 'and one below it' joe@deep.sub.good.example "$verified"
met 'sub-domain without STARTTLS' joe@naked.good.example "$held_clear"
met 'sub-domain of a partner that has no .domain' joe@sub.plain.example "$clear"
met 'mixed case' joe@GOOD.Example "$verified"
met 'mixed case, held' joe@WRONG.Example "$held_name"
met 'A-label' joe@xn--mnchen-3ya.example "$verified"
met 'U-label' joe@münchen.example "$verified"
met 'U-label, mixed case' joe@MÜNchen.Example "$verified"
met '[host]:port by transport_maps' joe@routed.example "$verified"
met '[host] by transport_maps, no STARTTLS' joe@routed-in-clear.example \
	"$held_clear"

# A change is in force at the next delivery, without a reload.
waiting=$(lab_send jane@wrong.example)
like 'a mail waits' "$(lab_outcome "$waiting")" "$held_name"
sed -i 's/gateway=mx1.wrong.example/gateway=mail.hosting.example/' "$registry"
ok 'the partner gives another gateway name' compile
ok 'the mail is tried again' lab_retry "$waiting"
like 'and is delivered' "$(lab_outcome "$waiting" 2)" "$verified"
met 'as is the next one' joe@wrong.example "$verified"

sed -i 's/gateway=mx1.good.example/gateway=mx9.good.example/' "$registry"
ok 'a gateway name that is not in the certificate' compile
met 'holds the next mail' joe@good.example "$held_name"
sed -i 's/gateway=mx9.good.example/gateway=mx1.good.example/' "$registry"
ok 'the right one again' compile
met 'lets it pass' joe@good.example "$verified"

# A registry with errors changes nothing.
before=$(cksum <"$LAB/policy.cdb")
inode=$(stat -c '%i %y' "$LAB/policy.cdb")
cp "$registry" "$T/good"
cat >>"$registry" <<'REGISTRY'
partner broken mode=enforced domain=a_b.example colour=blue
partner again mode=opportunistic domain=good.example
REGISTRY
run compile
is 'a registry with errors is refused' "$rc" 65
is 'the map holds what it held' "$(cksum <"$LAB/policy.cdb")" "$before"
is 'and is the same file' "$(stat -c '%i %y' "$LAB/policy.cdb")" "$inode"
met 'mail flows' joe@good.example "$verified"
met 'and is held as before' joe@plain.example "$held_clear"

ok 'Postfix was never reloaded' test -z "$(grep -E 'reload -- version|refreshing' "$LAB/send/log")"
ok 'and warned of nothing' test -z "$(grep -E ' (warning|error|fatal|panic): ' \
	"$LAB/send/log")"
done_testing
