#!/usr/bin/env bash
# tlspact-probe --entry: a statement of what is seen, which the registry takes.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

lab_ca ca || bail 'no CA'
# A CA whose name would be something else in the registry.
lab_ca odd || bail 'no CA'
lab_openssl req -x509 -key "$LAB/pki/odd.key" -days 30 \
	-subj '/O=Odd, "Inc" } verify=none { #\\x0a*/CN=Lab odd' \
	-addext basicConstraints=critical,CA:TRUE -out "$LAB/pki/odd.pem" ||
	bail 'no CA'
cat "$LAB/pki/ca.pem" "$LAB/pki/odd.pem" >"$T/cas.pem"
specs=()
n=0
# gateway HOST MODE [CERT-OPTION...]: one at an address of its own
gateway()
{
	n=$((n + 1))
	lab_cert "$1" cn="$1" "${@:3}" || bail "$1"
	specs+=("127.0.1.$n:25 $2 $LAB/pki/$1.pem")
	lab_record "$1. A 127.0.1.$n"
}
gateway mx1.acme.example good
gateway mx2.acme.example good
gateway mx.hosted.example good san=a.hosting.example,*.b.hosting.example
gateway mx.old.example good from=20240101 to=20250101
gateway mx.self.example good ca=self
gateway mx.plain.example nostarttls
gateway mx.late.example tls11
gateway mx.odd.example good ca=odd
lab_mx acme.example mx1.acme.example mx2.acme.example
lab_mx acme.test mx1.acme.example
lab_mx away.example mx1.acme.example gone.acme.example
lab_record 'gone.acme.example. A 127.0.1.99'
for name in hosted odd old self plain late; do
	lab_mx "$name.example" "mx.$name.example"
done
lab_record 'nullmx.example. MX 0 .'
lab_record '_mta-sts.acme.example. TXT "v=STSv1; id=20261129"'
lab_record '_smtp._tls.acme.example. TXT "v=TLSRPTv11; rua=mailto:a@acme.example"'
lab_dns || bail 'no DNS'
"$B/tools/fakemx" "${specs[@]}" >"$T/fakemx" 2>&1 &
wait_for 20 grep -q ready "$T/fakemx" || bail "fakemx: $(cat "$T/fakemx")"

registry=$T/registry
cat >"$registry" <<'REGISTRY'
provider others gateway=.others.example
provider hosting gateway=.hosting.example issuer=Lab*
partner known mode=enforced domain=known.example contact=a@b.example
REGISTRY
options=(-C /dev/null -o probe_user= -o log_user= -o evidence="$T/evidence.db"
	-o ledger="$T/ledger.db" -o map="$T/policy.cdb" -o trust_anchor=
	-o probe_timeout=1 -o ca_file="$T/cas.pem" -o postfix_version=3.7
	-o fingerprint_digest=sha256)
# entry ARGUMENT...: and does the registry take it, beside what it has?
entry()
{
	run timeout 60 "$B/tlspact-probe" "${options[@]}" -o registry="$registry" \
		--entry "$@"
	cat "$registry" - <<<"$out" >"$T/whole"
	takes=$("$B/tlspact-compile" "${options[@]}" -o registry="$T/whole" \
		-n --text 2>"$T/.compile") || takes="exit $?: $(cat "$T/.compile")"
}
# statement: the words of it, without comments
statement() { grep -v '^[[:blank:]]*#' <<<"$out" | tr -s '\t\n' ' '; }
# remarks: all that is said beside it, without line ends
remarks() { sed -n 's/^[[:blank:]]*# *//p' <<<"$out" | tr -s '\n ' ' '; }

entry acme.example
is 'two good gateways' "$rc.$err" 0.
is 'make an enforced partner' "$(statement)" 'partner acme mode=enforced domain=acme.example gateway=mx1.acme.example gateway=mx2.acme.example { issuer = Lab ca } min-tls=TLSv1.2 '
like 'which the registry takes' "$takes" \
	'acme.example[[:blank:]]+secure match=mx1.acme.example:mx2.acme.example'
like 'seen is not agreed' "$(remarks)" 'Seen is not agreed: .*attacker'
like 'what was seen' "$(remarks)" \
	'mx1.acme.example \[127.0.1.1\]: TLSv1.3 TLS_AES.*CN "mx1.acme.example".*issued by "Lab ca".*valid until 20'
like 'not signed' "$(remarks)" 'DNSSEC: not signed'
like 'records of what is not ours to check' "$(remarks)" \
	'MTA-STS: record there. TLS reports: no record. .*policy itself was not fetched'
like 'the key, for those who prefer that' "$(remarks)" \
	"verify=key key=[0-9a-f]{64} key=[0-9a-f]{64}"
like 'or all below the domain' "$(remarks)" 'gateway=\.acme\.example'
ok 'in 80 columns' test "$(expand <<<"$out" | awk '{ if (length > m) m = length } END { print m }')" -le 80
nok 'nothing is recorded' test -e "$T/evidence.db"
key=$(sed -n 's/.*key=\([0-9a-f]\{64\}\)$/\1/p' <<<"$out" | head -n 1)
is 'and it is the key' "$key" "$(lab_pin mx1.acme.example | tr -d : | tr A-F a-f)"

entry joe@acme.test
is 'a mail address' "$rc $(statement | cut -d' ' -f1-4)" \
	'0 partner acme mode=enforced domain=acme.test'
entry --name a-c.me acme.test
like 'a name of our own' "$(statement)" '^partner a-c.me '
entry '[127.0.1.1]'
is 'an address is a name as it is' "$(statement | cut -d' ' -f2,4)" \
	'127.0.1.1 domain=[127.0.1.1]'
entry --name 'a b' acme.test
is 'not any name' "$rc" 64
entry nonsense
is 'nor any domain' "$rc" 64
entry known
like 'a partner is one already' "$rc $err" '^64 .*"known" is a partner already \([^ ]*registry:3\): change it there'
entry acme.test acme.example
is 'one at a time' "$rc" 64
run "$B/tlspact-probe" "${options[@]}" --name x acme.test
is '--name alone' "$rc" 64
run "$B/tlspact-probe" "${options[@]}" --entry --nagios acme.test
is 'no other form' "$rc" 3

entry hosted.example
is 'a provider that is known' "$(statement)" 'partner hosted mode=enforced domain=hosted.example provider=hosting min-tls=TLSv1.2 '
like 'by whom it is so' "$takes" 'hosted.example[[:blank:]]+secure match=.hosting.example'
entry old.example
is 'an expired certificate' "$rc $(statement | cut -d' ' -f3)" '0 mode=opportunistic'
like 'is why' "$(remarks)" 'Not to be enforced as it is. mx.old.example .*expired'
like 'the rest is there' "$(statement)" 'gateway=mx.old.example'
entry self.example
like 'no CA: the key' "$(statement)" 'mode=enforced domain=self.example verify=key key=[0-9a-f]{64} min-tls'
like 'as the map has it' "$takes" 'self.example[[:blank:]]+fingerprint match='
entry plain.example
is 'no STARTTLS' "$rc $(statement)" '0 partner plain mode=opportunistic domain=plain.example min-tls=TLSv1.2 '
like 'is told' "$(remarks)" 'mx.plain.example .*STARTTLS'
unlike 'the registry takes that, too' "$takes" '^exit'
entry late.example
is 'an old protocol' "$rc $(statement)" '0 partner late mode=opportunistic domain=late.example min-tls=TLSv1.2 '
entry odd.example
is 'a name that is more than one' "$(statement)" 'partner odd mode=enforced domain=odd.example gateway=mx.odd.example { issuer = Odd* *Inc* * verify*none * *x0a* } min-tls=TLSv1.2 '
like 'gives nothing away' "$takes" 'odd.example[[:blank:]]+secure match=mx.odd.example '
entry nullmx.example
is 'no mail is taken' "$rc $(statement)" '1 partner nullmx mode=opportunistic domain=nullmx.example min-tls=TLSv1.2 '
like 'which is told' "$(remarks)" 'null-mx'
entry away.example
is 'one of them is away' "$rc $(statement | cut -d' ' -f3)" '1 mode=opportunistic'
like 'the other is told of' "$(statement)" 'gateway=mx1.acme.example'
unlike 'in a form that the registry takes' "$takes" '^exit'
entry known.example
like 'a domain that is in the registry' "$(remarks)" \
	"Beware: known.example belongs to partner known already .*registry:3"
is 'has another name here' "$(statement | cut -d' ' -f2)" known.example

run "$B/tlspact-probe" "${options[@]}" -o registry="$registry" -j --entry acme.example
is 'JSON' "$(jq -r '"\(.schema) \(.exit_code) \(.entry.partner) \(.entry.mode) \(.entry.gateway | join(",")) \(.entry.issuer[0]) \(.entry.key | length) \(.entry.provider)"' <<<"$out")" \
	'tlspact.probe.v1 0 acme enforced mx1.acme.example,mx2.acme.example Lab ca 2 null'
is 'the gateways are judged by it' "$(jq -c '[.failed, .partners[].passed, (.gateways[] | .passed, .fault, .detail, .certificate.fault)]' <<<"$out")" \
	'[0,true,true,null,null,null,true,null,null,null]'
is 'with the text' "$(jq -r .entry.statement <<<"$out" | grep -c '^partner acme')" 1
run "$B/tlspact-probe" "${options[@]}" -o registry="$registry" -j --entry old.example
is 'one that cannot be enforced fails' "$(jq -c '[.failed, .gateways[].passed]' <<<"$out")" '[1,false]'
run "$B/tlspact-probe" "${options[@]}" -o registry="$registry" \
	-o ca_file="$T/none.pem" --entry acme.example
is 'no CA file: our fault' "$rc" 66

done_testing
