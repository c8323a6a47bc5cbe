#!/usr/bin/env bash
# tlspact-verify: chains from files, from hosts, and a bundle rehearsed.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

registry=$T/registry
options=(-C /dev/null -o registry="$registry" -o ledger="$T/ledger.db"
	-o probe_user= -o log_user= -o evidence="$T/evidence.db"
	-o trust_anchor= -o probe_timeout=2 -o helo_name=probe.lab.example)
verify()
{
	run timeout 60 "$B/tlspact-verify" "${options[@]}" \
		-o ca_file="$LAB/pki/ca.pem" "$@"
}
# rule NAME: its verdict
rule() { awk -v r="$1" '$1 == r { print $2; exit }' <<<"$out"; }

lab_ca ca || bail 'no CA'
lab_ca other || bail 'no CA'
p=$LAB/pki
lab_cert acme cn=mx1.acme.example || bail cert
lab_cert globex cn=mail.hosting.example || bail cert
lab_cert cn cn=mail.hosting.example san=mx1.acme.example || bail cert
lab_cert old cn=mx1.acme.example from=20240101 to=20250101 || bail cert
lab_cert foreign cn=mx1.foreign.example ca=other || bail cert
lab_record 'mx1.acme.example. A 127.0.1.1'
lab_record 'mx1.globex.example. A 127.0.1.2'
lab_record 'mx1.foreign.example. A 127.0.1.3'
lab_mx acme.example mx1.acme.example
lab_mx cased.example mx1.acme.example
lab_mx globex.example mx1.globex.example
lab_mx foreign.example mx1.foreign.example
mount -t tmpfs tmpfs /etc/ssl/certs || bail '/etc/ssl/certs'
cp "$p/ca.pem" /etc/ssl/certs/lab.pem || bail '/etc/ssl/certs'
cat >"$registry" <<REGISTRY
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
  common-name=gateway contact=a@acme.example
partner globex mode=enforced domain=globex.example gateway=mx1.globex.example
  contact=a@globex.example
partner foreign mode=enforced domain=foreign.example
  gateway=mx1.foreign.example ca=$p/other.pem contact=a@foreign.example
partner near mode=enforced domain=near.example
  gateway=hostname ca=/etc/ssl/certs/lab.pem contact=a@near.example
partner token mode=enforced domain=x.example,acme.example.org
  gateway=hostname contact=a@x.example
partner soft mode=opportunistic domain=soft.example gateway=mx1.acme.example
partner cased mode=enforced domain=cased.example contact=a@b.example
  gateway=hostname
partner two mode=enforced domain=two.example,mx1.acme.example,münchen.example
  gateway=nexthop contact=a@b.example
partner dane mode=enforced verify=dane domain=dane.example contact=a@b.example
provider outsourcer gateway=mx1.acme.example
partner hosted provider=outsourcer mode=enforced domain=hosted.example
  contact=a@b.example
partner never mode=enforced domain=never.example contact=a@b.example
partner below mode=enforced domain=.below.example contact=a@b.example
REGISTRY
lab_dns || bail 'no DNS'
"$B/tools/fakemx" "127.0.1.1:25 good $p/acme.pem" \
	"127.0.1.2:25 good $p/globex.pem" "127.0.1.3:25 good $p/foreign.pem" \
	>"$T/fakemx" 2>&1 &
wait_for 20 grep -q ready "$T/fakemx" || bail fakemx

verify acme "$p/acme.crt"
is 'a good chain: 0' "$rc.$err" 0.
is 'its name' "$(rule name)" pass
is 'its CN' "$(rule common-name)" pass
like 'the verdict' "$out" $'\npass: '
like 'of a file, which offers nothing' "$out" \
	'pass: Every rule accepts the certificate'
for bad in .acme.example 'mx 1.acme.example' ''; do
	verify token "$p/acme.crt" "$bad"
	is "no gateway: '$bad'" "$rc" 64
done
verify token "$p/acme.crt" MX1.acme.example.
is 'a gateway in another form' "$rc" 0
verify below "$p/acme.crt"
is 'no domain to judge for: 64' "$rc" 64
like 'which is asked for' "$err" 'name one below its \.below\.example'
verify x.below.example "$p/acme.crt"
is 'and given: a verdict' "$rc" 1
verify acme "$p/cn.crt"
is 'another CN: 1' "$rc" 1
is 'the name is good' "$(rule name)" pass
is 'the CN is not' "$(rule common-name)" FAIL
like 'in words for a postmaster' "$(tr -s '\n ' ' ' <<<"$out")" \
	'The Common Name of the certificate is "mail.hosting.example"; agreed is "mx1.acme.example"'
like 'Postfix would deliver' "$out" 'Postfix does not look at this'
verify acme "$p/old.crt"
is 'expired: 1' "$rc.$(rule validity)" 1.FAIL
TZ=XYZ-3 verify acme "$p/old.crt"
like 'people have local time' "$(tr -s '\n ' ' ' <<<"$out")" \
	'expired at 20[-0-9]* [0-9]{2}:[0-9]{2}\.'
unlike 'and no other' "$out" '[0-9]T[0-9][0-9]:'
verify -j acme "$p/old.crt"
like 'JSON has UTC' "$out" 'expired at [-0-9]+T[0-9:]+Z'
verify --at 2024-06-01 acme "$p/old.crt"
like 'as of then it was valid itself' "$out" 'Not valid yet: the CA'
verify --at 2024-13-01 acme "$p/old.crt"
is 'no such date' "$rc" 64
verify globex "$p/globex.crt"
like 'mail is held, and what would help' "$out" 'smallest step .* encrypt'
verify foreign "$p/foreign.crt"
is 'a CA file of its own' "$rc" 0
verify token "$p/acme.crt" mx1.acme.example
is 'hostname is the gateway' "$rc" 0
verify token "$p/acme.crt"
is 'and nothing without it' "$rc" 1
verify soft "$p/globex.crt"
is 'opportunistic: the rules all the same' "$rc" 1
like 'and that they are not in force' "$out" 'partner is opportunistic'
verify acme.example "$p/acme.crt"
is 'by a domain' "$rc" 0
verify two --host mx1.acme.example
is 'the host is not the domain that mail is sent to' "$rc" 1
verify mx1.acme.example --host mx1.acme.example
is 'unless that is what was said' "$rc" 0
verify acme --host gone.acme.example
like 'a host that DNS has not' "$(tr -s '\n ' ' ' <<<"$out")" \
	'^acme: gone.acme.example as gateway .*FAIL no-mx: The host has no address'
verify Postmaster@ACME.example. "$p/acme.crt"
is 'an address, with a dot at its end' "$rc.$err" 0.
lab_cert munich cn=xn--mnchen-3ya.example || bail cert
verify münchen.example "$p/munich.crt"
is 'a domain in its own script' "$rc" 0
verify below "$p/acme.crt"
is 'sub-domains only: 64' "$rc" 64
like 'and what is wanted' "$err" 'name one below its \.below\.example'
verify .below.example "$p/acme.crt"
is 'by the .domain' "$rc" 64
verify below --host mx1.acme.example
is 'a host of it' "$rc" 64
for gateway in mx1.acme.example. MX1.acme.example '[mx1.acme.example]:25' \
	mx1.acme.example:25; do
	verify cased "$p/acme.crt" "$gateway"
	is "gateway $gateway" "$rc.$(rule name)" 0.pass
done
verify cased "$p/munich.crt" münchen.example
is 'a gateway in its own script' "$rc" 0
for gateway in .acme.example mx1..acme.example 'mx1 acme' ''; do
	verify cased "$p/acme.crt" "$gateway"
	is "gateway '$gateway'" "$rc" 64
done
verify acme --host MX1.acme.example.
is 'a host with a dot at its end' "$rc" 0
verify nobody "$p/acme.crt"
is 'no such partner' "$rc" 66
verify acme "$T/none.pem"
is 'no such file' "$rc" 66
verify acme "$registry"
is 'no certificate in it' "$rc" 65
openssl x509 -in "$p/acme.crt" -outform der -out "$T/acme.der"
openssl crl2pkcs7 -nocrl -certfile "$p/acme.crt" -out "$T/acme.p7b"
for file in acme.der acme.p7b; do
	verify acme "$T/$file"
	is "$file" "$rc" 65
	like "$file: what makes PEM of it" "$err" 'made by openssl x509 -inform der, or openssl pkcs7 -print_certs'
done
verify dane "$p/acme.crt"
is 'DANE needs a host' "$rc" 64
verify acme
is 'usage' "$rc" 64
like 'which says what is missing' "$err" 'the file of a chain is missing'
# The key that passed last is known from the probe.
lab_cert late key=acme cn=mx1.acme.example from=20240101 to=20250101 || bail cert
last=(-o evidence="$T/last.db")
"$B/tlspact-probe" "${options[@]}" -o ca_file="$p/ca.pem" "${last[@]}" cased \
	>/dev/null
verify "${last[@]}" cased "$p/late.crt" mx1.acme.example
is 'the key that passed last' "$(rule last-key)" pass
like 'so little is needed' "$(tr -s '\n ' ' ' <<<"$out")" 'gets it moving: key\.'
verify "${last[@]}" cased --host mx1.acme.example
is 'as the host shows it' "$rc.$(rule last-key)" 0.pass
verify "${last[@]}" cased "$p/late.crt"
is 'of no gateway in particular, that of any of them' "$(rule last-key)" pass
verify "${last[@]}" cased "$p/other.pem"
like 'or another one' "$(tr -s '\n ' ' ' <<<"$out")" \
	'last-key not .*another one than the one that passed last'
verify "${last[@]}" acme "$p/late.crt" mx1.acme.example
is 'nor of another partner' "$(rule last-key)" not
verify -j acme "$p/cn.crt"
is 'JSON: exit code' "$rc" 1
like 'JSON: schema' "$out" '"schema": "tlspact.verify.v1"'
like 'JSON: fault' "$out" '"fault": "common-name-mismatch"'

verify acme --host mx1.acme.example
is 'a host: 0' "$rc.$err" 0.
is 'its name too' "$(rule name)" pass
verify globex --host mx1.globex.example:25
is 'a host of another name: 1' "$rc.$(rule name)" 1.FAIL
verify acme --host mx1.globex.example
is 'a host that acme is to have: 1' "$rc" 1
like 'is held by the rules, not today' "$(tr -s '\n ' ' ' <<<"$out")" \
	'It is not known as a gateway of acme: mail to it would be held by the rules of the registry\. If it is to be one, change gateway= and common-name=\.'
unlike 'and no downgrade helps' "$out" 'smallest step'
verify hosted --host mx1.globex.example
like 'or the provider' "$(tr -s '\n ' ' ' <<<"$out")" \
	'change gateway=, or provider=, which is outsourcer\.'
verify acme --host 127.0.1.9
is 'nobody there: 1' "$rc" 1
like 'and why' "$out" 'FAIL connect-refused'

verify --rehearse "$p/other.pem"
is 'no ledger yet' "$rc" 66
run "$B/tlspact-probe" "${options[@]}" -o ca_file="$p/ca.pem" acme globex \
	foreign
verify --rehearse "$p/other.pem"
is 'without our CA somebody breaks' "$rc" 1
like 'the count comes first' "$out" '^1 of 2 gateways would break'
like 'acme does, for want of a CA' "$out" \
	'Without "Lab ca" 1 breaks: acme mx1\.acme\.example\.'
like 'who fails today is told of' "$(tr -s '\n ' ' ' <<<"$out")" \
	'1 fails already with the present one \(ca_file [^)]*/ca\.pem\)'
like 'nobody is left' "$out" 'No gateway passes with the new one'
unlike 'globex, which fails today, does not count' "$out" 'globex'
unlike 'foreign has its own file' "$out" 'foreign '
like 'a sum' "$out" '1 of 2 gateways would break'
like 'a file that the same update may change' "$(tr -s '\n ' ' ' <<<"$out")" 'may change .*: near\.'
like 'what is not known' "$out" 'not known: .*never'
# All fail already: nobody would break, and nothing is well.
lab_ca third || bail 'no CA'
lab_ca fourth || bail 'no CA'
all_fail=(-o ca_file="$p/third.pem" --rehearse "$p/fourth.pem")
verify "${all_fail[@]}"
is 'all fail already: 1' "$rc" 1
like 'which is told' "$(tr -s '\n ' ' ' <<<"$out")" \
	'^0 of 2 gateways would break .*2 fail already .*/third\.pem\)\. No gateway passes'
verify -j "${all_fail[@]}"
is 'and in JSON' "$rc $(jq -c '[.passed, .would_break, .fail_already, .missing_cas]' \
	<<<"$out")" '1 [false,0,2,[]]'
verify -j "${all_fail[@]}" --rehearse "$p/ca.pem"
is 'one is mended' \
	"$rc $(jq -c '[.passed, .would_mend, .fail_already]' <<<"$out")" \
	'0 [true,1,1]'
cat "$p/ca.pem" "$p/other.pem" >"$T/both.pem"
# The bundle named as a partner's own file is replaced all the same.
ln -s "$p/ca.pem" "$T/named.pem"
sed -i "s|^partner acme .*|& ca=$T/named.pem|" "$registry"
verify -v --rehearse "$p/other.pem"
like 'a partner that names the bundle' "$out" \
	'acme mx1.acme.example of acme.example: WOULD BREAK'
like 'counts' "$out" '1 of 2 gateways would break'
verify --rehearse "$T/both.pem"
is 'nobody breaks with both' "$rc" 0
unlike 'some pass' "$out" 'No gateway passes'
verify --rehearse "$T/both.pem" -v
like 'all are shown' "$out" 'globex .*as before: name-mismatch'
like 'when it was seen' "$(tr -s '\n ' ' ' <<<"$out")" \
	'seen 20[-0-9]* [0-9]{2}:[0-9]{2}\)'
verify -j --rehearse "$p/other.pem"
like 'JSON' "$out" '"breaks": true'
is 'JSON: the CA that is missing' \
	"$(jq -c '[.would_break, .fail_already, .missing_cas]' <<<"$out")" \
	'[1,1,[{"ca":"Lab ca","breaks":1}]]'
verify --rehearse "$registry"
is 'not a bundle' "$rc" 65
# A typo in the registry does not stop a rehearsal, if it was compiled once.
run "$B/tlspact-compile" -C /dev/null -o registry="$registry" \
	-o ledger="$T/ledger.db" -o evidence="$T/evidence.db" \
	-o map="$T/map.cdb" -o ca_file="$p/ca.pem" -o postfix_version=3.7 \
	-o fingerprint_digest=sha256 -o opportunistic_level=may
is 'the registry compiles' "$rc" 0
echo 'partner typo mode=enforcd domain=typo.example' >>"$registry"
verify --rehearse "$p/other.pem"
is 'a typo and no copy' "$rc.$out" 65.
verify -o map="$T/map.cdb" --rehearse "$p/other.pem"
like 'a rehearsal by the copy' "$rc.$out" \
	'^1\.1 of 2 gateways would break.*1 breaks: acme mx1\.acme\.example'
like 'which is said' "$err" 'mode .*enforcd.*last compiled'
verify -o map="$T/map.cdb" acme "$p/acme.crt"
is 'a file by the copy, too' "$rc.$(rule name)" 0.pass
like 'and that is said' "$err" 'mode .*enforcd.*last compiled'
verify -o map="$T/map.cdb" typo "$p/acme.crt"
is 'whom the copy lacks is not known' "$rc.$out" 66.
verify acme "$p/acme.crt"
like 'without a copy nothing is judged' "$rc.$out$err" \
	'^65\..*enforcd.*nothing was judged'
done_testing
