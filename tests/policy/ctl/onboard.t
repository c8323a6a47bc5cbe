#!/usr/bin/env bash
# tlspactctl onboard: each step measured, by a real Postfix; what is missing is
# open, and what is there is not.

# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

lab_ca ca
lab_partner acme cert
lab_partner globex cert to="$(date -d '-1 day' +%Y%m%d)"
echo | cdb -c "$LAB/policy.cdb" || bail 'no map'
lab_start || bail 'the lab does not start'

registry()
{
	cat >"$T/registry" <<-REGISTRY
	provider labs gateway=mx1.acme.example
	partner acme mode=opportunistic domain=acme.example,.acme.example
	  gateway=mx1.acme.example $1
	partner globex mode=opportunistic domain=globex.example
	  gateway=mx1.globex.example
	partner hosted mode=enforced domain=hosted.example provider=labs
	partner pinned mode=opportunistic domain=pinned.example verify=key
	  key=sha256:$(printf 'ab%.0s' {1..32})
	partner signed mode=opportunistic domain=signed.example verify=dane
	REGISTRY
}
registry ''

options=(-C /dev/null -o registry="$T/registry" -o ledger="$T/ledger.db"
	-o evidence="$T/evidence.db" -o map="$LAB/policy.cdb" -o probe_user=
	-o log_user= -o resolver=127.0.0.1 -o ca_file="$LAB/pki/ca.pem"
	-o socketmap_socket="$LAB/send/spool/tls/socket"
	-o postfix_config="$LAB/send/etc" -o trust_anchor=)
onboard()
{
	run "$B/tlspactctl" "${options[@]}" onboard "$@"
}

# step NAME	its line, of what was printed last
step()
{
	grep -A3 -E "^(ok|OPEN|FAIL|-) +$1 " <<<"$out" | tr -s ' \n' ' '
}

# maps TABLES	what Postfix asks for policies: names of what is ours
maps() { postconf -c "$LAB/send/etc" -e "smtp_tls_policy_maps=$1"; }

# Its queue is nowhere else, whatever main.cf says.
postconf -c "$LAB/send/etc" -e export_environment=TZ

# --- Nothing is there yet ---------------------------------------------------

onboard acme
is 'a partner of whom nothing is known' "$rc" 1
like 'its gateway would pass' "$(step 'probe by IPv4')" '^ok .*1 gateway would pass'
like 'it has no other address' "$(step 'probe by IPv6')" '^- '
like 'our Postfix refuses what it should' "$(step refusal)" \
	'^ok refusal no peer with another name, an expired certificate, an unknown CA, no STARTTLS'
like 'no mail went there' "$(step 'mail to them')" '^OPEN .*none in 30 days'
like 'or came' "$(step 'mail from them')" '^OPEN .*none in 30 days'
like 'there is no provider' "$(step 'the way back')" '^- '
like 'nobody to tell' "$(step contact)" '^OPEN'
like 'no agreement' "$(step agreement)" '^OPEN'
like 'no date' "$(step review)" '^OPEN'
like 'all that is counted' "$out" '5 steps are open'
unlike 'no line is named' "$out" 'mode=opportunistic'
is 'it is on record' "$("$B/tlspactctl" "${options[@]}" history acme |
	grep -c ' onboard .*not ready.*5 of 9')" 1
is 'nothing of the test is left' "$(find "$TMPDIR" -name 'tlspact-postfix*')" ''
nok 'nor a process of it' pgrep -f tlspact-postfix

# --- And then all of it -----------------------------------------------------

qid=$(lab_send joe@acme.example)
wait_for 30 test -n "$(lab_status "$qid")"
host="$(date '+%b %e %T') send postfix/smtpd[77]:"
{
	echo "$host connect from mx1.acme.example[127.0.1.1]"
	echo "$host Anonymous TLS connection established from mx1.acme.example[127.0.1.1]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
	echo "$host ABCDEF1234: client=mx1.acme.example[127.0.1.1]"
	echo "$(date '+%b %e %T') send postfix/qmgr[78]: ABCDEF1234: from=<a@acme.example>, size=1, nrcpt=1 (queue active)"
	echo "$host disconnect from mx1.acme.example[127.0.1.1] ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7"
} >"$T/in.log"
run "$B/tlspact-log" "${options[@]}" "$LAB/send/log" "$T/in.log"
registry "contact=p@acme.example ticket=4711 review=$(date -d '+1 year' +%F)"
onboard acme
is 'when all is there' "$rc" 0
like 'mail went out encrypted' "$(step 'mail to them')" '^ok .*1 in 30 days, all'
like 'and came in so' "$(step 'mail from them')" '^ok .*1 in 30 days, all'
like 'the line to change is named' "$out" \
	"change at $T/registry:2"$'\n    partner acme  mode=opportunistic'
is 'and not changed' "$(grep -c mode=enforced "$T/registry")" 1
run "$B/tlspactctl" "${options[@]}" -j onboard acme
is 'the same as JSON' \
	"$(jq -r '.onboarding | "\(.ready) \(.enforced) \(.recorded) \(.steps | length)"' <<<"$out")" \
	'true false true 9'
is 'on record' "$("$B/tlspactctl" "${options[@]}" history acme |
	grep -c ': ready for mode=enforced')" 2
run "$B/tlspactctl" "${options[@]}" -n onboard acme
is 'but by a dry run' "$("$B/tlspactctl" "${options[@]}" history acme |
	grep -c ': ready for mode=enforced')" 2

# --- What is wrong is found -------------------------------------------------

postconf -c "$LAB/send/etc" -P "smtp/unix/smtp_tls_CAfile=$LAB/pki/ca.pem" \
	"smtp/unix/smtp_tls_policy_maps=texthash:$T/more,cdb:$LAB/policy"
: >"$T/more"
onboard -n acme
like 'what master.cf says is taken as well' "$(step refusal)" '^ok refusal'
postconf -c "$LAB/send/etc" -P 'smtp/unix/smtp_tls_policy_maps='
onboard -n acme
is 'a Postfix that does not ask for policies' "$rc" 1
like 'is seen by what it does' "$(step refusal)" '^OPEN refusal a peer with another name GETS MAIL'
postconf -c "$LAB/send/etc" -PX smtp/unix/smtp_tls_policy_maps \
	smtp/unix/smtp_tls_CAfile
ok 'a table' postconf -c "$LAB/send/etc" \
	'transport_maps=inline:{acme.example=smtp:[mx1.globex.example]}'
onboard -n acme
is 'a row that mail goes past' "$rc" 1
like 'refuses nobody' "$(step refusal)" '^OPEN refusal mail goes past the row, run tlspact-setup check: transport_maps: mail to acme.example leaves by smtp/unix to "\[?mx1.globex.example'
onboard -n globex
like 'which is one of acme alone' "$(step refusal)" '^ok refusal'
postconf -c "$LAB/send/etc" -X transport_maps
like 'an expired gateway' "$(step 'probe by IPv4')" '^OPEN .*1 of 1 gateway would not pass .expired.: tlspact-probe --as enforced globex '
maps "proxy:socketmap:unix:$LAB/send/spool/tls/socket:policy"
onboard -n pinned
like 'other keys than theirs' "$(step refusal)" \
	'^ok refusal no peer without their key.*; a control whose key is pinned does'
maps "socketmap:unix:tls/socket:policy, cdb:$LAB/policy"
onboard -n signed
like 'nobody has their TLSA records' "$(step refusal)" \
	'^ok refusal no peer without their TLSA .*; a control that is verified by CA and name does'
# Keys by another digest than the settings know: none passes, theirs neither.
postconf -c "$LAB/send/etc" -P smtp/unix/smtp_tls_fingerprint_digest=sha1
onboard -n pinned
like 'a pin that could never pass' "$(step refusal)" \
	'^OPEN refusal a control that should get mail is refused'
postconf -c "$LAB/send/etc" -PX smtp/unix/smtp_tls_fingerprint_digest
maps "proxy:cdb:$LAB/policy"
onboard -n hosted
like 'our map behind another word' "$(step refusal)" '^ok refusal'
like 'behind a provider nothing was traced' "$(step 'the way back')" '^OPEN .*tlspact-trace --record'
sqlite3 "$T/evidence.db" "insert into leg values(date('now'), 'hosted', 'to-us', 'encrypted', '', 1, 1), (date('now'), 'hosted', 'to-provider', 'clear', '', 2, 1)"
onboard -n hosted
like 'a leg in the clear' "$(step 'the way back')" '^FAIL .*2 of 2 mails .*not encrypted from their own host'
sqlite3 "$T/evidence.db" "update leg set tls = 'encrypted'"
onboard -n hosted
like 'and encrypted' "$(step 'the way back')" '^ok .*both sides of the provider'
registry "contact=p@acme.example ticket=4711 review=2020-01-01"
sqlite3 "$T/evidence.db" "update log_count set downgrade = 7, fault = 'no-certificate' where direction = 0"
onboard -n acme
like 'a mail that a downgrade alone let in' "$(step 'mail from them')" '^[A-Z]+ .*1 of 1 in 30 days let in without their certificate, last on'
like 'a review that is overdue' "$(step review)" '^OPEN review overdue since 2020-01-01'
# --- One that is enforced already ------------------------------------------

last() { "$B/tlspactctl" "${options[@]}" history acme | tail -1; }

rm "$T/evidence.db"
registry ''
sed -i 's/acme mode=opportunistic/acme mode=enforced/' "$T/registry"
onboard acme
is 'enforced, and no step fails' "$rc ${out%%$'\n'*}" \
	'0 acme: enforced; 2 of 7 steps proven'
like 'what lacks a proof is open' "$(step 'mail to them')" '^OPEN .*none in'
unlike 'no step is counted twice' "$out" 'open\.'
like 'and that is on record' "$(last)" ' onboard .*: enforced; 2 of 7 steps proven$'
run "$B/tlspactctl" "${options[@]}" -n -j onboard acme
is 'the same as JSON' "$rc $(jq -c '.onboarding |
	[.ready, .enforced, .proven, .open, .failing]' <<<"$out")" \
	'0 [true,true,2,5,0]'
postconf -c "$LAB/send/etc" -P 'smtp/unix/smtp_tls_policy_maps='
onboard acme
is 'a step that fails' "$rc ${out%%$'\n'*}" \
	'1 acme: enforced, but 1 step FAILS; 1 of 7 steps proven'
like 'is told from what is open' "$(grep FAIL <<<"$out" | sed 1d)" '^FAIL refusal '
like 'on record as well' "$(last)" ': enforced, but 1 step FAILS; 1 of 7 '
postconf -c "$LAB/send/etc" -PX smtp/unix/smtp_tls_policy_maps
onboard nobody
is 'nobody' "$rc" 66

done_testing
