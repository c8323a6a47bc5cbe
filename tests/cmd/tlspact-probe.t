#!/usr/bin/env bash
# tlspact-probe: verdicts, outputs, hostile servers, and what the ledger keeps.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

registry=$T/registry
evidence=$T/evidence.db
ca=
# probe ARGUMENT...: sets $rc, $out and $err
probe()
{
	run timeout 120 "$B/tlspact-probe" -C /dev/null \
		-o registry="$registry" -o probe_user= -o log_user= -o evidence="$evidence" \
		-o ledger="$T/ledger.db" -o ca_file="$ca" -o trust_anchor= \
		-o probe_timeout=2 \
		-o helo_name=probe.lab.example "$@"
}
# shellcheck disable=SC2317 # called through wait_for
later_than()
{
	[ "$(date +%s)" -gt "$1" ]
}
# verdict GATEWAY: the end of its line in the table
verdict()
{
	local line

	line=$(grep -F " $1 " <<<"$out" | grep -E ' (pass|FAIL|not asked)' |
		head -n 1)
	case $line in
	*'not asked'*) echo "not asked${line##*not asked}" ;;
	*FAIL*) echo "FAIL${line##*FAIL}" ;;
	*pass*) echo "pass${line##*pass}" ;;
	*) echo 'no such row' ;;
	esac
}
# shellcheck disable=SC2317 # called through ok
plain() { ! LC_ALL=C grep -q '[[:cntrl:]]' <<<"$(tr -d '\n' <<<"$1")"; }

lab_ca ca || bail 'no CA'
lab_ca other || bail 'no CA'
ca=$LAB/pki/ca.pem
specs=()
n=0
# gateway NAME MODE|none [CERT-OPTION...]: mx1.NAME.example, of NAME.example
gateway()
{
	local name=$1 mode=$2

	n=$((n + 1))
	lab_cert "$name" cn="mx1.$name.example" "${@:3}" || bail "$name"
	specs+=("127.0.1.$n:25 $mode $LAB/pki/$name.pem")
	lab_record "mx1.$name.example. A 127.0.1.$n"
	lab_mx "$name.example" "mx1.$name.example"
}
gateway acme good
gateway globex good cn=mail.hosting.example
gateway initech good from=20240101 to=20250101
gateway umbrella good ca=other
gateway hooli nostarttls
gateway soylent good ca=self
gateway wonka nostarttls
gateway cn good cn=other.example san=mx1.cn.example
gateway issuer good
gateway soon good from=20240101 to="$(date -d '+5 days' +%Y%m%d)"
gateway inject inject
gateway announced requiretls
gateway old tls11
gateway endless endless
gateway endlessline endlessline
gateway bigehlo bigehlo
gateway drip drip
gateway silent silent
# Two gateways, one of them bad; and a second domain at the same gateway.
lab_mx two.example mx1.acme.example mx1.globex.example
lab_mx acme2.example mx1.acme.example
lab_record 'nullmx.example. MX 0 .'

for name in acme globex initech umbrella hooli issuer soon inject announced old \
	endless endlessline bigehlo drip silent; do
	echo "partner $name mode=enforced domain=$name.example" \
		"gateway=mx1.$name.example contact=a@$name.example"
done >"$registry"
sed -i 's/domain=acme.example/&,acme2.example,.acme.example/' "$registry"
sed -i 's/gateway=mx1.issuer.example/& issuer=Other*/' "$registry"
cat >>"$registry" <<-'REGISTRY'
partner soylent mode=opportunistic domain=soylent.example
partner wonka mode=opportunistic domain=wonka.example
partner cn mode=enforced domain=cn.example gateway=mx1.cn.example
  common-name=gateway contact=a@cn.example
partner two mode=enforced domain=two.example contact=a@two.example
  gateway=mx1.acme.example,mx1.globex.example
partner nullmx mode=enforced domain=nullmx.example contact=a@two.example
REGISTRY
lab_dns || bail 'no DNS'
"$B/tools/fakemx" -v "${specs[@]}" >"$T/fakemx" 2>"$T/fakemx.log" &
wait_for 20 grep -q ready "$T/fakemx" || bail "fakemx: $(cat "$T/fakemx")"

# --- Verdicts --------------------------------------------------------------

probe acme globex initech umbrella hooli soylent wonka cn issuer soon inject \
	old nullmx.example
is 'a sweep with failures ends with 1' "$rc" 1
is 'and talks to nobody' "$err" ''
is 'good' "$(verdict mx1.acme.example)" pass
is 'another name' "$(verdict mx1.globex.example)" 'FAIL name-mismatch'
is 'expired' "$(verdict mx1.initech.example)" 'FAIL expired'
is 'unknown CA' "$(verdict mx1.umbrella.example)" 'FAIL untrusted-issuer'
is 'no STARTTLS' "$(verdict mx1.hooli.example)" 'FAIL no-starttls'
is 'opportunistic, self-signed' "$(verdict mx1.soylent.example)" pass
is 'opportunistic, clear' "$(verdict mx1.wonka.example)" \
	'not asked, no-starttls'
is 'common-name=gateway' "$(verdict mx1.cn.example)" \
	'FAIL common-name-mismatch'
is 'issuer=' "$(verdict mx1.issuer.example)" 'FAIL wrong-issuer'
is 'expires soon' "$(verdict mx1.soon.example)" 'pass, ends soon'
is 'injection' "$(verdict mx1.inject.example)" 'FAIL injected'
is 'old TLS' "$(verdict mx1.old.example)" 'FAIL protocol-too-old'
is 'null MX' "$(verdict nullmx.example)" 'FAIL no-mx'
news=$(awk '{ print "Nov  3 12:00:00 mx tlspact-probe[1]: " $0 }' <<<"$out" |
	grep -vEf "$TOP/scripts/samples/monitoring/logcheck")
is 'logcheck reports each one that fails' "$(grep -c ' FAIL ' <<<"$news")" \
	"$(grep -c ' FAIL ' <<<"$out")"
like 'and each that will' "$news" ' pass, ends soon'
unlike 'but none that passes' "$news" 'mx1\.acme\.example|verdict|Not looked'
is 'one row for a gateway of two domains' \
	"$(grep -c '^acme ' <<<"$out")" 1
like 'sub-domains are said not to be looked at' "$out" \
	'Not looked at: \.acme\.example'
ok 'no colour in a file' plain "$out"
unlike 'no mail is sent' "$(cat "$T/fakemx.log")" '(MAIL|RCPT|DATA)'
like 'QUIT is said' "$(cat "$T/fakemx.log")" 'good: QUIT'
like 'our name' "$(cat "$T/fakemx.log")" 'EHLO probe\.lab\.example'
unlike 'no SNI at secure' "$(cat "$T/fakemx.log")" 'SNI mx1'

like 'and what was agreed' "$(tr -s '\n ' ' ' <<<"$out")" \
	'issuer= of the registry has "Other\*" \(a pattern is all of a name, or ends'
cp "$registry" "$T/kept"
sed -i 's/issuer=Other\*/issuer=LAB,other/' "$registry"
probe issuer
like 'a part of the name: what would fit' "$(tr -s '\n ' ' ' <<<"$out")" \
	'the agreed "LAB" is a part only: in the registry, issuer=LAB\* would fit'
sed -i 's/issuer=LAB,other/issuer=lab*/' "$registry"
probe issuer
is 'and does' "$rc" 0
cp "$T/kept" "$registry"
probe two
is 'two gateways: 1' "$rc" 1
like 'and which' "$out" \
	'two fails at mx1\.globex\.example; passes at mx1\.acme\.example'
probe acme
is 'all well: 0' "$rc" 0
probe -v acme2.example
is 'a domain' "$(verdict mx1.acme.example)" pass
like 'more words' "$out" 'DNSSEC: MX not signed.*key exchange'
lab_record 'sub.acme.example. MX 10 mx1.acme.example.'
probe mx1.globex.example
is 'a gateway by its name' "$(verdict mx1.globex.example)" \
	'FAIL name-mismatch'
probe '[mx1.soylent.example]'
is 'a stranger' "$(cut -c1 <<<"${out#*$'\n'}" | head -n 1)" -
probe '[mx1.wonka.example]'
is 'of whose TLS somebody wants to know' "$rc $(verdict mx1.wonka.example)" \
	'1 FAIL no-starttls'
probe .acme.example
is 'a suffix cannot be looked at' "$rc" 64
probe --all acme
is 'all and one: usage' "$rc" 64
probe 'no such thing'
is 'neither partner nor domain' "$rc" 66
probe nobody
is 'no such partner' "$rc" 66
ca=$T/none.pem
probe --no-record acme
is 'no CA file: our fault' "$rc.$(verdict mx1.acme.example)" '66.FAIL local-error'
like 'which is said' "$err" 'none\.pem.*nothing is known of the gateways'
probe --no-record -j acme
is 'in JSON, too' "$rc.$(jq .exit_code <<<"$out")" 66.66
: >"$T/empty.pem"
ca=$T/empty.pem
probe --no-record acme
is 'nothing in it' "$rc" 65
ca=$LAB/pki/ca.pem
probe --as opportunistic acme
is 'as enforced only' "$rc" 64

# --- Outputs ---------------------------------------------------------------

probe -j acme hooli
is 'JSON: exit code' "$rc" 1
like 'JSON: schema' "$out" '"schema": "tlspact.probe.v1"'
like 'JSON: fault' "$out" '"fault": "no-starttls"'
probe -j announced
like 'JSON: REQUIRETLS' "$out" '"requiretls": true'
probe -v announced
like 'and in words' "$out" 'REQUIRETLS: yes'
probe -j acme
like 'JSON: none' "$out" '"requiretls": false'
probe acme wonka
is 'without TLS, of whom none was asked: 0' "$rc" 0
like 'it is told of' "$out" '2 of 2 partners pass; 0 of 3 looks failed\.
1 look without good TLS, which is not asked there\.'
probe -j wonka
is 'JSON: nor a failure there' "$rc $(jq -c '[.failed, .not_asked,
	(.partners[] | .passed, .failed), (.gateways[] | .passed, .fault)]' \
	<<<"$out")" '0 [0,1,true,0,false,"no-starttls"]'
probe --as enforced wonka
is 'as enforced it is one' "$rc" 1
probe --nagios acme wonka hooli
like 'nagios: both counts agree' "$out" \
	'1 of 4 gateways fail.* failed=1;.* partners_failed=1( |$)'
probe --nagios acme
is 'nagios: OK' "$rc" 0
probe --nagios soon
is 'nagios: WARNING' "$rc" 1
probe --nagios acme hooli initech
is 'nagios: CRITICAL' "$rc" 2
is 'nagios: one line' "$(wc -l <"$T/.out")" 1
like 'nagios: words' "$out" '^TLSPACT CRITICAL - 2 of 4 gateways fail: '
like 'nagios: perfdata' "$out" '\| gateways=4 failed=2;'
probe --nagios -o colour=blue acme
is 'nagios: UNKNOWN' "$rc.${out:0:15}" '3.TLSPACT UNKNOWN'
probe --nagios --nonsense
is 'nagios: usage is unknown, too' "$rc" 3

probe --as enforced soylent
is 'could soylent be enforced? no' "$rc" 1
! command -v sqlite3 >/dev/null || is 'what if is not what is: recorded as it is' \
	"$(sqlite3 "$evidence" "SELECT fault FROM gateway
		WHERE host = 'mx1.soylent.example'")" ok
like 'why' "$out" 'self-signed.*Use a'
# compile MAP: the registry, as it is
compile()
{
	run "$B/tlspact-compile" -C /dev/null -o registry="$registry" \
		-o ledger="$T/ledger.db" -o evidence="$evidence" -o map="$1" \
		-o ca_file="$ca" -o postfix_version=3.7 \
		-o fingerprint_digest=sha256 -o opportunistic_level=may
}
compile "$T/held.cdb"
held=(-o map="$T/held.cdb" -o postfix_version=3.7)
probe "${held[@]}" --as enforced hooli
like 'who is enforced is told so' "$out" 'Subject: .*: our mail to you waits'
like 'and we' "$out" '^hooli: enforced, and no gateway passes: mail waits'
like 'to the contact' "$out" 'To: a@hooli\.example'
like 'in the letter, too' "$out" 'As agreed, we .*Our mail for gateways'
unlike 'and nothing else' "$out" 'mail goes on as before|would wait'
is 'and in JSON' "$(probe "${held[@]}" -j --as enforced hooli
	jq -c '.letters[] | [.enforced, .waits]' <<<"$out")" '[true,true]'
# A candidate that is not compiled: the map in force demands nothing of it.
for map in none other; do
	if [ $map = other ]; then
		cp "$registry" "$T/whole"
		sed -i '/^partner hooli/s/enforced/opportunistic/' "$registry"
		compile "$T/other.cdb"
		cp "$T/whole" "$registry"
	fi
	held=(-o map="$T/$map.cdb" -o postfix_version=3.7)
	probe "${held[@]}" --as enforced hooli
	like "$map: mail would wait" "$(tr -s '\n ' ' ' <<<"$out")" \
		'^hooli: enforced, and no gateway passes: mail would wait, but the map in force lets it go .*Subject: .*: our mail to you would wait .*not ready would wait\. Please'
	unlike "$map: and does not yet" "$out" 'mail.* waits'
	is "$map: nor in JSON" "$(probe "${held[@]}" -j --as enforced hooli
		jq -c '.letters[] | [.enforced, .waits]' <<<"$out")" \
		'[true,false]'
done
# One that tightens a rule: that in the map is another one, though a demand.
held=(-o map="$T/held.cdb" -o postfix_version=3.7)
cp "$registry" "$T/whole"
sed -i '/^partner acme/s/gateway=[^ ]*/gateway=mx9.acme.example/' "$registry"
probe "${held[@]}" --as enforced acme.example
like 'by another rule it would wait' "$out" '^acme: .* would'
sed '/^partner soylent/s/$/ { note = another file, the same rules }/' \
	"$T/whole" >"$registry"
probe "${held[@]}" --as enforced hooli
like 'by the same rule in another file it waits' "$out" $'passes: mail waits\n'
cp "$T/whole" "$registry"
probe --as enforced acme
is 'could acme? yes' "$rc" 0
like 'it says so' "$out" 'acme: enforced, and it can stay so'
probe -j --as enforced hooli
is 'the same as JSON' "$rc $(jq -r '.letters[0] | "\(.partner) \(.could_be)",
	.missing[0].fault, .letter' <<<"$out" | head -n 3 | tr '\n' ' ')" \
	'1 hooli no no-starttls To: a@hooli.example '
probe --nagios --as enforced hooli
is 'the text is no line for a monitor' "$rc" 3
probe --nagios wonka two
is 'nagios: clear as agreed, and one of two passes: WARNING' "$rc" 1

# A typo in one partner's statement keeps nobody from looking at another one.
cat >"$registry" <<-'REGISTRY'
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
  contact=a@acme.example
partner hooli mode=enforced domain=hooli.example contact=a@hooli.example
REGISTRY
compile "$T/map.cdb"
is 'a registry compiles' "$rc" 0
sed -i 's/^partner hooli mode=enforced/partner hooli mode=enforcd/' "$registry"
probe acme
is 'a typo and no copy: nothing is looked at' "$rc.$out" 65.
like 'which is said' "$err" 'registry:3: .*nothing was looked at'
probe -o map="$T/map.cdb" acme
is 'by the copy that is kept the other one passes' \
	"$rc.$(verdict mx1.acme.example)" 0.pass
like 'and both are said' "$err" \
	'registry:3: .*at fault \(tlspact-compile -n\).*map\.cdb\.registry'
probe -o map="$T/map.cdb" --all
is 'a sweep goes on' "$rc.$(verdict mx1.hooli.example)" '1.FAIL no-starttls'
probe -o map="$T/map.cdb" --nagios acme
is 'to who is on duty it is no green' "$rc.$out" "1.TLSPACT WARNING - 1 gateway \
of 1 partner passes, by the registry last compiled: that of now is not taken \
| ${out#* | }"
cp "$T/kept" "$registry"

# A resolver without DNSSEC: nothing that a partner could mend. The root zone
# here is not signed by the key that the world has.
anchor=/usr/share/dns/root.key
if [ -r $anchor ]; then
	probe -o trust_anchor=$anchor acme
	is 'without DNSSEC the fault is ours' "$(verdict acme.example)" \
		'FAIL local-error'
	like 'with the reason' "$out" 'Not even for the root zone'
	probe -o trust_anchor=$anchor --as enforced acme
	is 'so that it is not known' "$rc" 1
	like 'which is said' "$out" 'acme: not known, the fault is on our side'
	unlike 'and there is no letter' "$out" 'Subject:'
fi

probe --prometheus --output "$T/metrics" initech soon
is 'metrics to a file' "$rc.$out" 1.
like 'the end of life is there after it' "$(cat "$T/metrics")" \
	'days_left\{partner="initech"[^}]*\} -[0-9]+'
like 'and that of gateways not looked at' "$(cat "$T/metrics")" \
	'not_after_seconds\{partner="globex"[^}]*\} [0-9]+'
is 'every series is said once' "$(grep -v '^#' "$T/metrics" |
	sed 's/ [^ ]*$//' | sort | uniq -d)" ''
probe --prometheus --output "$T/none/metrics" soon
is 'no folder for it' "$rc" 73

if terminal; then
	script -qec "$B/tlspact-probe -C /dev/null -o registry=$registry \
		-o probe_user= -o log_user= -o evidence=$evidence -o ledger=$T/ledger.db -o ca_file=$ca \
		-o trust_anchor= \
		-o helo_name=a.example -o probe_timeout=1 acme silent" \
		"$T/typescript" >/dev/null </dev/null
	like 'colour on a terminal' "$(cat "$T/typescript")" $'\e\\[31mFAIL'
	like 'and progress' "$(cat "$T/typescript")" 'looked at, [0-9]+ failed'
else
	skip 'colour and progress' 'no terminal to be had'
fi

# --- Hostile servers -------------------------------------------------------

run /usr/bin/time -q -f '%M %e' -o "$T/time" "$B/tlspact-probe" -C /dev/null \
	-o registry="$registry" -o probe_user= -o log_user= -o evidence="$evidence" \
	-o ledger="$T/ledger.db" -o ca_file="$ca" \
	-o trust_anchor= -o probe_timeout=2 -o helo_name=a.example \
	endless endlessline bigehlo drip silent acme
read -r kb seconds <"$T/time"
is 'endless greeting' "$(verdict mx1.endless.example)" 'FAIL too-much-data'
is 'endless line' "$(verdict mx1.endlessline.example)" 'FAIL too-much-data'
is '10 MB of EHLO' "$(verdict mx1.bigehlo.example)" 'FAIL too-much-data'
is 'drip' "$(verdict mx1.drip.example)" 'FAIL timeout'
is 'silent' "$(verdict mx1.silent.example)" 'FAIL timeout'
is 'others do not suffer' "$(verdict mx1.acme.example)" pass
limit=60000
! ldd "$B/tlspact-probe" 2>/dev/null | grep -q libasan || limit=2000000
nm "$B/tlspact-probe" 2>/dev/null | grep -q __asan_init && limit=2000000
ok "$kb kB of memory" test "$kb" -lt $limit
ok "$seconds s" test "${seconds%.*}" -lt 10

mkdir "$T/d"
mkfifo "$T/hold"
"$B/tools/mkchain" "$T/d" 20000 <"$T/hold" >"$T/ready" 2>&1 &
exec 9>"$T/hold"
wait_for 120 grep -q ready "$T/ready" || bail 'mkchain'
good=$registry registry=$T/odd
for name in 1000-sans 1000-sans-bad 100-certificates control-cn bidi-cn; do
	port=$(awk -v n="$name" '$1 == n { print $2 }' "$T/d/index")
	echo "partner c$name mode=enforced contact=a@example.test" \
		"domain=[127.0.0.1]:$port gateway=mx1.example.test" \
		"ca=$T/d/$name.trust common-name=gateway" >"$registry"
	probe -v "c$name"
	like "$name: a verdict" "$(sed -n 2p <<<"$out")" ' (pass|FAIL [a-z-]+)$'
	ok "$name: fit to be shown" plain "$out$err"
	probe --nagios "c$name"
	is "$name: one line" "$(wc -l <"$T/.out")" 1
	ok "$name: which is plain" plain "$out"
	probe -j "c$name"
	ok "$name: JSON is plain" plain "$out"
done
exec 9>&-
registry=$good

# --- The evidence ----------------------------------------------------------

# seen: how many gateways the evidence knows
seen()
{
	local was=$evidence count

	evidence=$1
	probe --prometheus --no-record acme.example
	evidence=$was
	count=$(grep -c '^tlspact_gateway_probe_time_seconds{' <<<"$out")
	echo "$count$err"
}

evidence=$T/kill.db
"$B/tlspact-probe" -C /dev/null -o registry="$registry" \
	-o probe_user= -o log_user= -o evidence="$evidence" -o ledger="$T/ledger.db" \
	-o ca_file="$ca" -o trust_anchor= -o probe_timeout=60 \
	-o helo_name=a.example acme globex initech silent \
	>"$T/killed.out" 2>&1 &
pid=$!
# shellcheck disable=SC2317 # called by wait_for
three_done() { [ "$(seen "$T/kill.db")" -ge 4 ]; }
wait_for 20 three_done
kill -9 $pid
wait $pid 2>/dev/null
is 'kill -9 loses nothing that was known' "$(seen "$T/kill.db")" 4
probe acme
is 'and the evidence goes on' "$rc.$err" 0.

# What is kept, and for how long.
if command -v sqlite3 >/dev/null; then
	evidence=$T/keep.db
	probes() { sqlite3 "$evidence" 'SELECT sum(n) FROM probe'; }
	age()
	{
		sqlite3 "$evidence" "UPDATE probe SET time = time - $1 * 86400,
			first = first - $1 * 86400"
	}
	probe announced
	is 'what else was shown is kept' "$(sqlite3 "$evidence" \
		'SELECT requiretls, dnssec, tlsa FROM probe')" 'yes|unchecked|'
	rm "$evidence"
	probe acme
	probe acme
	one=$(($(probes) / 2))
	age 80
	probe acme -o keep=1d
	is 'the last 90 days stay in any case' "$rc $(probes)" "0 $((3 * one))"
	age 200
	probe acme
	is 'nothing is removed within a year unless it is asked for' \
		"$rc $(probes)" "0 $((4 * one))"
	probe acme -o keep=300d
	is 'nothing is removed too early' "$rc $(probes)" "0 $((5 * one))"
	probe acme --no-record -o keep=150d
	is 'nor by who records nothing' "$rc $(probes)" "0 $((5 * one))"
	probe acme -o keep=150d
	is 'what is older goes' "$rc $(probes)" "0 $((3 * one))"
	is 'and the evidence is well' \
		"$(sqlite3 "$evidence" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
fi

# Who is gone from DNS is no part of the metrics, nor of a rehearsal.
if command -v sqlite3 >/dev/null; then
	evidence=$T/gone.db
	probe two
	sqlite3 "$evidence" "UPDATE probe SET time = time - 600,
			first = first - 600 WHERE id = (SELECT last FROM gateway
			WHERE host = 'mx1.globex.example');
		UPDATE gateway SET time = time - 600
			WHERE host = 'mx1.globex.example'"
	probe --prometheus --no-record hooli
	like 'metrics of who is there' "$out" 'partner="two".*mx1\.acme\.example'
	unlike 'and not of who is gone' "$out" 'mx1\.globex\.example'
	# However soon the next look is.
	evidence=$T/moved.db
	probe two
	began=$(date +%s)
	cp "$LAB/dns/records" "$T/records"
	sed -i '/^two\.example\. MX 20/d' "$LAB/dns/records"
	lab_dns || bail 'no DNS'
	wait_for 5 later_than "$began"
	probe two
	probe --prometheus --no-record hooli
	like 'one look, and who is there is told' "$out" \
		'partner="two".*mx1\.acme\.example'
	unlike 'and who is gone is not' "$out" 'mx1\.globex\.example'
	cp "$T/records" "$LAB/dns/records"
	lab_dns || bail 'no DNS'
	evidence=$T/gone.db
	run "$B/tlspact-verify" -C /dev/null -o registry="$registry" \
		-o probe_user= -o log_user= -o evidence="$evidence" \
		-o ca_file="$ca" --rehearse "$LAB/pki/other.pem"
	like 'a rehearsal without it' "$out" '1 of 1 gateways would break'
	# Nor is a domain that was taken from its partner.
	sed 's/domain=two\.example/domain=was.example/' "$registry" \
		>"$T/taken.registry"
	probe -o registry="$T/taken.registry" --prometheus --no-record hooli
	unlike 'metrics: not at a domain of before' "$out" 'partner="two"'
	run "$B/tlspact-verify" -C /dev/null -o registry="$T/taken.registry" \
		-o probe_user= -o log_user= -o evidence="$evidence" \
		-o ca_file="$ca" --rehearse "$LAB/pki/other.pem"
	like 'nor a rehearsal' "$out" '0 of 0 gateways would break|never.*two'
fi

# How each passed, for those who would pin its key later.
if command -v sqlite3 >/dev/null; then
	good=$registry
	registry=$T/judged.registry
	evidence=$T/judged.db
	key=$(lab_pin acme)
	cat >"$registry" <<-REGISTRY
	partner named mode=enforced domain=acme.example contact=a@b.example
	  gateway=mx1.acme.example
	partner pinned mode=enforced domain=acme2.example contact=a@b.example
	  gateway=mx1.acme.example verify=key key=$key
	partner any mode=enforced domain=globex.example contact=a@b.example
	  verify=none
	partner expired mode=enforced domain=initech.example
	  gateway=mx1.initech.example contact=a@b.example
	REGISTRY
	probe --all
	is 'how it passed is kept' "$(sqlite3 "$evidence" "SELECT partner, judged
		FROM gateway g JOIN probe p ON p.id = g.last
		JOIN result r ON r.id = p.result ORDER BY 1" | tr '\n' ' ')" \
		'any|none expired| named|ca pinned|key '
	# It is the rule that goes to and fro, and not the gateway.
	evidence=$T/ruled.db
	for name in mx1 other mx1 other; do
		echo 'partner ruled mode=enforced domain=acme.example' \
			"contact=a@b.example gateway=$name.acme.example" \
			>"$registry"
		probe ruled
	done
	like 'by another rule it fails' "$out" 'FAIL name-mismatch'
	is 'and is looked at for the first time' \
		"$(sqlite3 "$evidence" 'SELECT looks FROM gateway')" 1
	registry=$good
fi

evidence=$T/both.db
pids=()
for i in 1 2 3; do
	"$B/tlspact-probe" -C /dev/null -o registry="$registry" \
		-o probe_user= -o log_user= -o evidence="$evidence" -o ledger="$T/ledger.db" \
		-o ca_file="$ca" -o trust_anchor= \
		-o probe_timeout=2 -o helo_name=a.example --rate 0 \
		--all >"$T/both.$i" 2>"$T/both.err.$i" &
	pids+=($!)
done
for i in 0 1 2; do
	wait "${pids[i]}"
	is 'several at once: each ends as it should' "$?" 1
done
is 'and complains of nothing' "$(cat "$T"/both.err.*)" ''
is 'all results are there' "$(seen "$T/both.db")" \
	"$(($(grep -cE ' (pass|pass, ends soon|(FAIL|not asked,) [a-z-]+)$' "$T/both.1") + 1))"

mkdir "$T/small"
mount -t tmpfs -o size=160k small "$T/small" || bail 'no tmpfs'
evidence=$T/small/evidence.db
probe acme
dd if=/dev/zero of="$T/small/fill" bs=1k 2>/dev/null
probe acme globex initech umbrella hooli soylent
is 'full disk: 74' "$rc" 74
like 'it is said' "$err" 'results are not recorded: '
like 'and how many' "$err" '[0-9]+ results? (was|were) not recorded'
is 'the table is finished' "$(grep -cE ' (pass|FAIL [a-z-]+)$' <<<"$out")" 6
umount "$T/small"
evidence=$T/nowhere/evidence.db
probe acme
is 'no folder for the evidence: the table' "$(verdict mx1.acme.example)" pass
isnt 'and not 0' "$rc" 0
probe --no-record acme
is 'without evidence if told so' "$rc.$err" 0.

# --- DANE: signed zones ----------------------------------------------------

kill "$lab_nsd"
wait "$lab_nsd" 2>/dev/null
cp "$TOP/tests/dns/root.zone" "$LAB/dns/root.zone"
nsd -d -c "$LAB/dns/nsd.conf" >>"$LAB/dns/log" 2>&1 &
lab_nsd=$!
wait_for 20 lab_dns_answers ns || bail 'no signed zone'
ip addr add 192.0.2.1/32 dev lo
ip addr add 2001:db8::1/128 dev lo nodad
"$B/tools/fakemx" -v "192.0.2.1:25 good $LAB/pki/acme.pem" \
	"[2001:db8::1]:25 good $LAB/pki/acme.pem" >"$T/dane" 2>"$T/dane.log" &
wait_for 20 grep -q ready "$T/dane" || bail 'fakemx'
cat >"$registry" <<'REGISTRY'
partner dane mode=enforced verify=dane domain=good.example contact=a@b.example
partner unsigned mode=enforced verify=dane domain=half.example
  contact=a@b.example
REGISTRY
evidence=$T/dane.db
mkdir "$T/etc"
: >"$T/etc/master.cf"
printf '%s\n' 'compatibility_level = 3.6' 'smtp_dns_support_level = dnssec' \
	>"$T/etc/main.cf"
export MAIL_CONFIG=$T/etc
# The name server of the lab does not validate: Postfix sees nothing signed.
probe -o trust_anchor="$TOP/tests/dns/root.ds" -o resolver=127.0.0.1 dane
is 'what Postfix cannot see is no pass' "$(verdict 192.0.2.1)" \
	'FAIL local-error'
like 'and ours to mend' "$out" 'does not vouch for DNSSEC'
"$B/tools/vouch" 127.0.0.53 127.0.0.1 >"$T/vouch" &
wait_for 20 grep -q ready "$T/vouch" || bail 'vouch'
echo 'nameserver 127.0.0.53' >/etc/resolv.conf
probe -v -o trust_anchor="$TOP/tests/dns/root.ds" -o resolver=127.0.0.1 \
	dane
is 'another certificate than TLSA says' "$(verdict 192.0.2.1)" \
	'FAIL dane-mismatch'
is 'on both families' "$(verdict 2001:db8::1)" 'FAIL dane-mismatch'
like 'DNSSEC is noted' "$out" 'MX signed, address signed, 1 TLSA'
like 'SNI is sent' "$(cat "$T/dane.log")" 'SNI mx1\.good\.example'
probe -o trust_anchor="$TOP/tests/dns/root.ds" -o resolver=127.0.0.1 \
	--entry good.example
like 'an entry: signed, but not what TLSA says' "$(tr -s '\n# ' ' ' <<<"$out")" \
	'DNSSEC: signed. TLSA records: none by which all gateways pass'
unlike 'so not by DANE' "$out" 'verify=dane'
probe dane
is 'without a trust anchor nothing is signed' "$(verdict 192.0.2.1)" \
	'FAIL no-tlsa'
done_testing
