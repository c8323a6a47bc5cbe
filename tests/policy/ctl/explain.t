#!/usr/bin/env bash
# tlspactctl explain, held against what Postfix does with the mail: next-hop,
# row, fate, and what is told where a part of it cannot be found out.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/wait.sh
. "$(dirname "$0")/../../lab/wait.sh"

options=(-C /dev/null -o "registry=$T/registry" -o "ledger=$LAB/ledger.db"
	-o probe_user= -o log_user= -o "evidence=$LAB/evidence.db"
	-o "map=$LAB/policy.cdb" -o "ca_file=$LAB/pki/ca.pem"
	-o postfix_version="$(postconf -dh mail_version)"
	-o fingerprint_digest=sha256 -o resolver=127.0.0.1 -o trust_anchor=
	-o "postfix_config=$LAB/send/etc" -o operator=us@ours.example)
# shellcheck disable=SC2317 # called through ok and run
compile()
{
	"$B/tlspact-compile" "${options[@]}" "$@"
}
# shellcheck disable=SC2317 # called through ok and run
ctl()
{
	local verb=$1

	shift
	"$B/tlspactctl" "$verb" "${options[@]}" "$@"
}
# The same on one line, without the blanks that hold columns.
explain()
{
	ctl explain "$@" >"$T/explained" 2>"$T/err"
	rc=$?
	out=$(tr -s ' \n' ' ' <"$T/explained")
	[ -z "$(awk 'length > 80' "$T/explained")" ] || fail "$1: over 80 columns"
}

lab_ca ca || bail 'no CA'
lab_cert acme cn=mx1.acme.example from=20240101 to=20250101 || bail acme
lab_gateway 127.0.1.9 mx1.acme.example acme
lab_mx acme.example mx1.acme.example
lab_mx sub.acme.example mx1.acme.example
lab_record 'nomail.example. MX 0 .'
lab_record 'lost.example. MX 10 mx1.lost.example.'
lab_record 'mute.example. MX 0 .'
lab_partner bolt cert
lab_partner soft none
lab_mx ember.example mx1.bolt.example
lab_mx nobody.example mx1.bolt.example
cat >"$T/registry" <<'REGISTRY'
provider messagelabs gateway=mx1.acme.example
partner acme mode=enforced domain=acme.example,.acme.example
	provider=messagelabs contact=postmaster@acme.example ticket=4711
partner bolt mode=enforced domain=bolt.example gateway=mx1.bolt.example
	contact=p@bolt.example
partner soft mode=opportunistic domain=soft.example
partner nomail mode=enforced domain=nomail.example contact=p@nomail.example
partner lost mode=enforced domain=lost.example contact=p@lost.example
REGISTRY
echo "partner pinned mode=enforced verify=key domain=pinned.example" contact=p@b.example \
	"key=$(printf ':AA%.0s' {1..32} | cut -c2-)" >>"$T/registry"
ok 'the registry compiles' compile || bail 'nothing to test'
lab_start default_destination_concurrency_failed_cohort_limit=1 ||
	bail 'the lab does not start'
etc=$LAB/send/etc

# Before anybody looked.
explain joe@acme.example
is 'whether it moves is not known' "$rc" 75
like 'as nobody looked' "$out" 'NOT KNOWN: nobody looked at the gateways of acme.example yet'
like 'the command that does' "$out" 'next tlspact-probe acme'

# shellcheck disable=SC2016 # for eval
ok 'a look fails' eval '! "$B/tlspact-probe" "${options[@]}" --all >/dev/null 2>&1'
one=$(lab_send joe@acme.example)
two=$(lab_send joe@bolt.example)
like 'mail to acme waits' "$(lab_outcome "$one")" '^held: certificate has expired'
none=$(lab_send joe@nomail.example)
like 'mail to nomail is returned' "$(lab_status "$none")" '^bounced'
lost=$(lab_send joe@lost.example)
like 'and that to a gateway without an address' "$(lab_status "$lost")" '^bounced'
like 'mail to bolt moves' "$(lab_outcome "$two")" '^verified'

explain joe@nomail.example
is 'it would be returned' "$rc" 1
like 'as DNS names no gateway' "$out" 'a mail sent now is RETURNED to its sender: nomail.example fails with no-mx'
like 'a lower level does not help' "$out" 'returned nomail.example: no-mx.* next no lower level helps'
explain joe@lost.example
like 'nor does one without an address take it' "$out" 'a mail sent now is RETURNED to its sender: mx1.lost.example fails with no-mx'
is 'as JSON' "$(ctl explain -j nomail | jq -r .explanation.verdict)" returned
like 'status as well' "$(ctl status nomail)" '^nomail +A MAIL SENT NOW WOULD BE RETURNED; enforced'
# Nobody looks at strangers: DNS is asked then.
none=$(lab_send joe@mute.example)
like 'mail to a stranger is, too' "$(lab_status "$none")" '^bounced'
explain joe@mute.example
is 'the same' "$rc" 1
like 'who takes no mail' "$out" 'a mail sent now is RETURNED to its sender: mute.example takes no mail .null MX.'
none=$(lab_send joe@nosuch.example)
like 'or has no domain' "$(lab_status "$none")" '^bounced'
explain joe@nosuch.example
like 'is told that' "$rc $out" '^1 .*a mail sent now is RETURNED to its sender: nosuch.example is not in DNS '
explain joe@nosuch.example -o resolver=127.0.0.1@1
like 'where DNS does not answer that is not known' "$rc $out" '^0 .* MOVES'
explain joe@nomail.example -o "postfix_config=$T/none"
like 'where main.cf is not known as well' "$out" 'is RETURNED to its sender'
postconf -c "$etc" soft_bounce=yes
explain joe@nomail.example
like 'with soft_bounce it waits' "$out" 'a mail sent now WAITS: nomail.example fails with no-mx'
postconf -c "$etc" -X soft_bounce

explain "$one"
like 'by its queue id' "$rc $out" "^1 joe@acme.example: a mail sent now WAITS: .* mail $one waits: \"[^\"]*certificate[^\"]*\" partner acme,"
is 'as JSON, too' "$(ctl explain -j "$one" | jq -r .explanation.queue_id)" "$one"
explain "$two"
like 'of one that is gone' "$rc $(<"$T/err")" "^66 .*no mail waits with the queue id \"$two\""

explain 4ZZZZZ9
like 'of what is meant for one' "$rc $(<"$T/err")" '^66 .*no mail waits with the queue id "4ZZZZZ9"'
explain joe@acme.exampel
like 'a slip in a domain is told' "$rc $out" \
	'^1 joe@acme.exampel: .* RETURNED .* partner none: the registry has no such domain; did you mean acme.example\?'
is 'as JSON, too' "$(ctl explain -j acme.exampel | jq -r .explanation.near)" \
	acme.example
is 'but of a partner there is none' \
	"$(ctl explain -j acme.example | jq -r .explanation.near)" null
explain 'Joe Doe <joe@acme.example>'
like 'an address as a letter has it' "$out" '^joe@acme.example: '
explain mailto:joe@acme.example
like 'and as a page has it' "$out" '^joe@acme.example: '

explain '<joe@acme.example>'
is 'it would wait' "$rc" 1
like 'why' "$out" '^joe@acme.example: a mail sent now WAITS: mx1.acme.example fails as its certificate expired [0-9]+ days ago partner'
like 'whose it is' "$out" "partner acme, $T/registry:2, enforced, provider messagelabs"
like 'the level' "$out" 'level secure, as the registry says; nothing is lowered'
like 'the row' "$out" 'row acme.example, of the map of [0-9: -]+: secure match=mx1.acme.example'
like 'the way' "$out" 'goes to acme.example by smtp/unix \(default_transport\)'
like 'which gateway holds it' "$out" 'holds it mx1.acme.example expired since [0-9 :-]+, no key ever passed for acme.example \[127.0.1.9\]'
like 'the queue' "$out" 'waiting 1 mail, the oldest for'
like 'and when it goes back' "$out" \
	'; returned to its sender from 20[0-9-]+ [0-9:]+ on \(maximal_queue_lifetime\)'
# life PATH ARGUMENT...	so many seconds the oldest may wait, by JSON
life()
{
	ctl "${@:2}" -j | jq -r "$1 |
		(.returned_from | fromdate) - (.oldest | fromdate)"
}
postconf -c "$etc" maximal_queue_lifetime=3h
is 'as JSON' "$(life .explanation.status.waiting explain joe@acme.example)" 10800
is 'in status as well' "$(life '.partners[0].waiting' status acme)" 10800
postconf -c "$etc" -X maximal_queue_lifetime
is 'by default five days' "$(life '.partners[0].waiting' status acme)" 432000
like 'whom to call' "$out" 'call postmaster@acme.example \(contact\); us@ours.example \(our operator\); ticket 4711'
like 'what can be done' "$out" 'next tlspactctl downgrade acme --for 4h --reason TEXT: to encrypt, if it cannot wait; -n tells it first next tell postmaster@acme.example \(that mail would wait too: telephone, or from elsewhere\); for the words: tlspact-probe --as enforced acme'
like 'that nobody is asked about their mail' "$out" 'from them POSTFIX DOES NOT ASK tlspactd: no smtpd of master.cf takes mail from other hosts'
explain sub.acme.example
like 'a sub-domain goes by the row above' "$out" 'row .acme.example, of'
like 'and is judged by looks elsewhere' "$out" 'at other domains of the partner'

explain bolt
is 'this one moves' "$rc" 0
like 'protected so' "$out" '^bolt.example: a mail sent now MOVES, encrypted, to a certificate that was agreed'
like 'by that gateway' "$out" 'takes it mx1.bolt.example passes'
cp "$T/registry" "$T/stricter"
sed -i 's/^partner bolt/& inbound=off/' "$T/registry"
ok 'with a laxer rule for their mail' compile
explain bolt
like 'it moves, and the stricter one is a command away' "$out" \
	'MOVES, .* next tlspact-compile --lost bolt: if it was not meant that it demands less'
cp "$T/stricter" "$T/registry"
ok 'which is back' compile
explain bolt
unlike 'and told no more' "$out" 'demands less'
explain joe@soft.example
is 'without TLS it moves' "$rc" 0
like 'as what it is' "$out" 'MOVES, IN CLEAR TEXT'
explain someone@nobody.example
is 'so does mail to others' "$rc" 0
like 'by the default' "$out" 'level opportunistic: the default for everybody row none for nobody.example: smtp_tls_security_level = may'
explain pinned
like 'a pin is longer than a line' "$out" 'row pinned.example, of the map of [0-9: -]+: fingerprint match=AA:.*:AA'
is 'and keeps its place' "$(grep -c '^[^ ]' "$T/explained")" 1
explain zz
is 'a name of nobody' "$rc" 66
explain acme@
like 'an address without a domain' "$rc $(<"$T/err")" '^64 .*"acme@": an address without a domain'
explain 'a b.example'
is 'no domain at all' "$rc" 64

# A registry that is not in the map yet: the probe judges by it, Postfix by
# the row.
cp "$T/registry" "$T/good"
sed -i 's/gateway=mx1.bolt/gateway=mx9.bolt/' "$T/registry"
run "$B/tlspact-compile" "${options[@]}" -n
like 'which compile tells before' "$out" \
	'^bolt: its gateway as last seen would fail by this .name-mismatch.'
like 'with what looks again' "$out" \
	'tlspact-probe bolt looks again, by the edited registry'
mkdir "$T/timer"
cp "$LAB"/policy.cdb* "$LAB/ledger.db" "$T/timer/"
timer=("${options[@]}" -o "map=$T/timer/policy.cdb"
	-o "ledger=$T/timer/ledger.db" -q)
run "$B/tlspact-compile" "${timer[@]}"
like 'and a timer that takes it' "$err" \
	'bolt: its gateway as last seen would fail by this .name-mismatch.*mail waits where a gateway fails; tlspact-probe bolt looks again'
run "$B/tlspact-compile" "${timer[@]}"
is 'once' "$rc $err" '0 '
if terminal; then
	# shellcheck disable=SC2016 # for the editor
	printf '#!/bin/sh\necho "# mine" >>"$1"\n' >"$T/editor"
	chmod 755 "$T/editor"
	run env VISUAL="$T/editor" script -qec "stty cols 1000; $B/tlspactctl \
		edit -n ${options[*]}" /dev/null
	like 'and so does edit' "$out" 'changed +bolt.example: .*bolt: its gateway as last seen would fail by this'
fi
# shellcheck disable=SC2016 # for eval
ok 'by the registry it fails' eval \
	'! "$B/tlspact-probe" "${options[@]}" bolt >/dev/null 2>&1'
explain bolt
is 'by the map it moves' "$rc" 0
like 'through that gateway' "$out" 'judged by the rule in the map; that of the registry is another one, and not in force: tlspact-compile takes it mx1.bolt.example passes'
run ctl status bolt
unlike 'status says nothing else' "$out" 'WAIT;'
is 'nor its JSON' "$(ctl status -j bolt 2>/dev/null | jq -r '.partners[0] |
	.judged_by, .gateways[0].passed, .gateways[0].detail')" 'map
true
name-mismatch by the registry, which is not in the map yet'
# gateways	what check has of bolt's, and by which rule
gateways()
{
	ctl check -j 2>/dev/null | jq -r '.checks[] | select(.check ==
		"gateways").text' | grep -E '^bolt |by the registry|^[0-9]+ enf'
}
is 'nor does check' "$(gateways)" ''
mv "${LAB%/}/policy.cdb.registry" "$T/copy"
like 'without the copy check says by which rule' "$(gateways)" \
	'bolt has no gateway that passes \(name-mismatch\) by the registry, which is not in the map yet, probe.* are judged by the registry'
explain bolt
like 'without the copy it says by which rule' "$out" 'fails with name-mismatch, by the registry, which is not in the map yet'
run ctl status bolt
like 'so does status' "$(tr -s ' \n' ' ' <<<"$out")" \
	'WOULD WAIT BY THE REGISTRY, which is not in the map yet'
mv "$T/copy" "${LAB%/}/policy.cdb.registry"
ok 'the wrong name gets into the map' compile
cp "$T/good" "$T/registry"
ok 'and is mended in the registry, by which it passes' \
	"$B/tlspact-probe" "${options[@]}" bolt
explain bolt
is 'by the map it waits' "$rc" 1
like 'as Postfix would see it' "$out" 'mx1.bolt.example fails with name-mismatch'
like 'check as well' "$(gateways)" \
	'^bolt has no gateway that passes \(name-mismatch\), probe'
run ctl status bolt
like 'status as well' "$out" '^bolt +A MAIL SENT NOW WOULD WAIT; enforced'
ok 'the mended one gets into the map' compile
explain bolt
is 'it moves' "$rc" 0
unlike 'by the one rule there is' "$out" ' judged '

# An edit that is in the map before anybody looked again.
sed -i 's/gateway=mx1.bolt/gateway=mx9.bolt/' "$T/registry"
ok 'a wrong name gets into the map' compile
explain bolt
is 'what was seen is judged by it' "$rc" 1
like 'as Postfix will' "$out" 'mx1.bolt.example fails with name-mismatch'
like 'and why it is not what the probe said' "$out" 'judged by the rule of [0-9: -]+, which is newer than the probe: tlspact-probe bolt'
explain bolt -o "ca_file=$T/none"
is 'without the CAs that is not known' "$rc" 75
like 'and why' "$out" 'NOT KNOWN: the rule was changed at [0-9: -]+, and mx1.bolt.example was probed by the one before'
like 'and what tells' "$out" 'next tlspact-probe bolt'
run ctl status bolt -o "ca_file=$T/none"
like 'nor is it by status' "$(tr -s ' \n' ' ' <<<"$out")" '^bolt NOT KNOWN WHETHER A MAIL SENT NOW MOVES; .* next tlspact-probe bolt'
cp "$T/good" "$T/registry"
ok 'the old name gets into the map' compile
ok 'and is looked at' "$B/tlspact-probe" "${options[@]}" bolt
explain bolt
is 'it moves again' "$rc" 0

# An edit that changes no row leaves the map as it is, and nothing in doubt.
cp "$T/registry" "$T/good"
sed -i 's/^partner bolt /&former=stark /' "$T/registry"
ok 'an edit without a row is compiled' compile
for look in '' -j; do
	unlike "explain${look:+ $look}: nothing is in doubt" \
		"$(ctl explain $look bolt 2>&1)" 'judged (by|anew)|by the rule|not in the map'
done
unlike 'nor for check' "$(gateways)" 'by the registry'
sed -i '$a partner' "$T/registry"
run ctl status bolt
unlike 'nor with a typo behind it' "$(tr -s ' \n' ' ' <<<"$out")" 'BY THE REGISTRY'
# As if a compile had died between the copy and the map.
sed 's/gateway=mx1.bolt/gateway=mx9.bolt/' "$T/good" >"$T/registry"
cp "${LAB%/}/policy.cdb" "$T/kept.cdb"
ok 'a wrong name gets into the copy' compile
cp "$T/kept.cdb" "${LAB%/}/policy.cdb"
nok 'by which it fails' "$B/tlspact-probe" "${options[@]}" bolt
explain bolt
like 'a copy of what is not in the map tells nothing' "$out" 'by the registry, which is not in the map yet'
cp "$T/good" "$T/registry"
ok 'the old registry again' compile
# A look within the second of a map may be by the rule before it.
sleep 1
nok 'and all are looked at' "$B/tlspact-probe" "${options[@]}" bolt acme

# A day without mail is said in so many words.
explain bolt
like 'no mail today' "$out" 'moved no mail today \(UTC\), by the log'

# Lowered, and what the record says of it.
SUDO_USER=jo ok 'lowered' ctl downgrade acme --for 2h --to encrypt --yes \
	--no-flush --reason 'expired' --ticket 4712
explain acme.example
is 'lowered it moves' "$rc" 0
like 'and how' "$out" 'MOVES, encrypted, NOT AUTHENTICATED'
like 'from which level, until when' "$out" 'level encrypt: lowered from secure until [0-9 :-]+ \((2 h|1 h 59 min) left\)'
like 'why, and who' "$out" 'why expired \(ticket 4712\), lowered by'
like 'by which event' "$out" 'changed [0-9: -]+ by [^ ,]+ \(jo\), event [0-9]+, downgrade-begin'
like 'how it goes on, and ends' "$out" 'next what waits goes in Postfix.s own time, or by postqueue -f; how it goes: tlspactctl status acme next to restore now: tlspactctl restore acme; longer: tlspactctl extend acme --for 8h, from now'
like 'mail from them' "$out" 'without TLS accepted and logged: .*, while it is lowered'
retried=$(lab_retry "$one"; lab_outcome "$one" 2)
like 'and so it does' "$retried" '^encrypted'
ok 'restored' ctl restore acme

# As tlspact-setup check judges: a port that other hosts reach does not ask.
postconf -c "$etc" -M '2525/inet=2525 inet n - n - - smtpd'
explain joe@bolt.example -o "policy_socket=$T/policy"
like 'a port that does not ask' "$out" 'from them POSTFIX DOES NOT ASK tlspactd: see tlspact-setup check'
run "$B/tlspact-setup" "${options[@]}" -o "policy_socket=$T/policy" check
like 'which that one says as well' "$out" 'tlspactd is not asked'

# Mail from them, when tlspactd is asked, and our smtpd has TLS.
postconf -c "$etc" -e "smtpd_recipient_restrictions = check_policy_service unix:$T/policy, reject_unauth_destination" \
	smtpd_tls_security_level=may "smtpd_tls_cert_file=$LAB/pki/bolt.pem"
explain joe@stranger.example -o "policy_socket=$T/policy"
like 'a dead tlspactd, told of a stranger' "$out" 'DOES NOT ANSWER: .* ALL MAIL; .* If it did: accepted in any case: there is no rule'
explain joe@bolt.example -o "policy_socket=$T/policy"
like 'that tlspactd is dead' "$out" 'from them tlspactd DOES NOT ANSWER: .*; until it does Postfix goes by smtpd_policy_service_default_action=451 4.3.5 .*: the answer to ALL MAIL; see tlspact-setup check\. If it did: without'
is 'as JSON' "$(ctl explain -j joe@bolt.example -o "policy_socket=$T/policy" |
	jq -r '.explanation.inbound | .asked, (.no_answer | type)' | tr '\n' ' ')" \
	'true string '
like 'mail from them needs TLS' "$out" 'without TLS REFUSED for now \(450 4.7.10\): no TLS over TLS accepted'
unlike 'nothing is proposed, as none was refused' "$out" '--inbound'
# from_them ADDRESS [OPTION...]	what JSON says of mail from it
from_them()
{
	ctl explain -j "$@" | jq -r .explanation.from_them
}
is 'nor does JSON say so' "$(from_them joe@bolt.example)" accepted
is 'with a dead tlspactd it says nothing' \
	"$(from_them joe@bolt.example -o "policy_socket=$T/policy")" null
is 'where there is no rule it does not matter' \
	"$(from_them joe@stranger.example)" accepted
is 'without the evidence it is not known' "$(from_them joe@bolt.example \
	-o "evidence=$etc/main.cf")" null
echo "$(date -u '+%Y-%m-%dT%H:%M:%S.000000+00:00') mx postfix/smtpd[155]: NOQUEUE: reject: RCPT from unknown[192.0.2.11]: 450 4.7.10 <joe@bolt.example>: Sender address rejected: TLS is required for mail from bolt.example; from=<joe@bolt.example> to=<a@ours.example> proto=ESMTP helo=<h>" >"$T/refused"
ok 'one is refused' "$B/tlspact-log" "${options[@]}" "$T/refused"
explain joe@bolt.example -o "policy_socket=$T/policy"
like 'who was refused' "$out" 'incoming mail, [a-z-]+ at unknown \[192.0.2.11\]'
like 'which is told first' "$out" '^joe@bolt.example: .*; mail FROM them was REFUSED [0-9: -]+ \(no-starttls\) partner'
like 'and whom to tell' "$out" 'next tell [^ ]+, if it is their server: h \[192.0.2.11\] does not use STARTTLS'
like 'and what lets him in' "$out" 'next tlspactctl downgrade bolt --inbound --for 4h --reason TEXT: lets their mail in'
like 'as status says, too' "$(ctl status bolt | tr -s ' \n' ' ')" 'next tlspactctl downgrade bolt --inbound --for 4h --reason TEXT: lets their mail in'
told='mail from bolt is refused: no-starttls, [0-9: -]+'
like 'check says it' "$(ctl check | tr -s ' \n' ' ')" \
	"WARNING inbound $told -> tlspactctl explain bolt "
is 'and JSON, at its top' "$(from_them joe@bolt.example)" refused
like 'for Nagios' "$(ctl check --nagios)" $'\ninbound WARNING: mail from bolt is refused'
like 'for Prometheus' "$(ctl check --prometheus)" \
	'tlspact_check_partner_state\{partner="bolt",check="inbound"\} 2'
is 'as JSON, whose' "$(ctl check -j | jq -r '.checks[] |
	select(.check == "inbound") | .state, .partner' | tr '\n' ' ')" \
	'warning bolt '

# What becomes of their mail meanwhile.
# dead ACTION WORDS
dead()
{
	postconf -c "$etc" -e "smtpd_recipient_restrictions = check_policy_service { unix:$T/policy, default_action=$1 }, reject_unauth_destination"
	explain joe@bolt.example -o "policy_socket=$T/policy"
	like "dead, by $1" "$out" "until it does Postfix goes by default_action=$1: $2\\. If it did: without TLS REFUSED"
}
dead tlspact_dead 'without TLS REFUSED for now \(450 4.7.1\), over TLS accepted'
is 'for programs' "$(ctl explain -j joe@bolt.example -o "policy_socket=$T/policy" |
	jq -r .explanation.inbound.meanwhile)" \
	'default_action=tlspact_dead: without TLS REFUSED for now (450 4.7.1), over TLS accepted'
dead DUNNO 'accepted in any case'
explain joe@stranger.example -o "policy_socket=$T/policy"
like 'a stranger needs no tlspactd' "$out" 'from them accepted in any case: there is no rule'

# Other ways than the domain's own.
postconf -c "$etc" -e 'relayhost = [mx1.soft.example]:25'
explain joe@bolt.example
like 'by a relay' "$out" 'goes to \[mx1.soft.example\]:25 by smtp/unix \(relayhost\)'
like 'which has no row' "$out" 'row none for \[mx1.soft.example\]:25'
like 'moves' "$out" 'a mail sent now MOVES, .*, which is NOT AS AGREED; mail FROM them was REFUSED [0-9: -]+ \([a-z-]+\) partner'
like 'and is not as agreed' "$out" 'level opportunistic: NOT AS AGREED: the registry says secure, and the next-hop has no row row none'
like 'with what finds the cause' "$out" 'next tlspact-setup check '
is 'also for programs' "$(ctl explain -j joe@bolt.example |
	jq -c '.explanation | [.level, .agreed]')" '["opportunistic","secure"]'
explain joe@soft.example
like 'where nothing is agreed nothing is wrong' "$out" 'level opportunistic, as the registry says: mode=opportunistic'
like 'and how to agree on it is next' "$out" 'next tlspact-probe --as enforced soft: could it be enforced'
postconf -c "$etc" -e 'relayhost =' \
	'transport_maps = inline:{joe@bolt.example=smtp:acme.example}' \
	'sender_dependent_relayhost_maps = inline:{x@y.example=[z.example]}'
explain joe@bolt.example
is 'one mailbox by another domain waits' "$rc" 1
like 'as that one does' "$out" 'goes to acme.example by smtp/unix \(transport_maps\)'
explain bob@bolt.example
like 'others may, by their sender' "$out" "bolt.example by smtp/unix \(default_transport\); some senders' mail perhaps another way, by sender_dependent_relayhost_maps"
postconf -c "$etc" -e 'transport_maps = inline:{bolt.example=nowhere:}' \
	'sender_dependent_relayhost_maps ='
explain joe@bolt.example
is 'a transport that is not there' "$rc" 1
like 'is named' "$out" 'master.cf does not have nowhere/unix'
postconf -c "$etc" -e 'transport_maps =' 'mydestination = bolt.example'
postconf -c "$etc" -M 'local/unix=local unix - n n - - local'
explain joe@bolt.example
is 'mail that stays here' "$rc" 0
like 'is not ours to hold' "$out" 'not ours to hold: it goes to local'
postconf -c "$etc" -e 'mydestination =' 'smtp_tls_policy_maps ='
explain joe@bolt.example
like 'a map that nobody asks' "$out" 'level opportunistic: smtp/unix DOES NOT ASK THE MAP'
postconf -c "$etc" -e "smtp_tls_policy_maps = cdb:${LAB%/}/policy"

# Whatever cannot be found out says so, and the rest is told.
echo 'partner broken' >>"$T/registry"
explain joe@acme.example
is 'without a registry' "$rc" 1
like 'the one that was last compiled tells' "$out" 'partner acme, [^ ]*\.registry:[0-9]+, enforced'
rm "${LAB%/}/policy.cdb.registry"
explain joe@acme.example
is 'without that one as well' "$rc" 1
like 'the looks tell whose it is' "$out" 'partner acme, as it was; the registry cannot be used'
like 'and the look is known' "$out" 'holds it mx1.acme.example expired'
cp "$T/good" "$T/registry"
explain joe@acme.example -o "ledger=$T/none"
is 'without a ledger' "$rc" 1
like 'who changed it is not known' "$out" 'changed not known: '
head -c 9999 /dev/zero >"$T/damaged"
explain joe@acme.example -o "evidence=$T/damaged"
like 'without evidence' "$out" 'last probe not known: '
like 'nobody says that none was looked at' "$out" 'NOT KNOWN: what was seen of the gateways cannot be read'
explain joe@acme.example -o "map=$T/none.cdb" -o "postfix_config=$T/none"
is 'without map and main.cf all mail waits' "$rc" 1
like 'and why' "$out" 'WAITS: the map cannot be read'
like 'nor what is in force' "$out" 'level not known, as the map cannot be read; the registry says secure'
like 'the way is not known' "$out" 'goes to not known: '
like 'nor the queue' "$out" 'waiting not known: '

ctl explain -j joe@acme.example >"$T/json"
is 'the same as JSON' "$(jq -r '.schema, (.explanation | .address, .partner, .verdict, .level,
	.place.line, .row.key, .way.next_hop, .gateways[0].takes,
	.inbound.clear.verdict, .changed.kind, (.not_known | length))' "$T/json" |
	tr '\n' ' ')" 'tlspact.ctl.v1 joe@acme.example acme waits secure 2 acme.example acme.example false defer downgrade-close 0 '
is 'with what can be done' "$(jq -r '.explanation.next[0]' "$T/json" | sed 's/ --for.*//')" \
	'tlspactctl downgrade acme'
run ctl status joe@acme.example
like 'status takes an address as well' "$out" '^acme +A MAIL SENT NOW WOULD WAIT; enforced'
like 'and says what can be done' "$out" '  next +tlspactctl downgrade acme --for 4h --reason TEXT: to encrypt'
is 'since when it is expired, as for people' "$(jq -r \
	'.explanation.status.gateways[0].since' "$T/json")" 2025-01-01T00:00:00Z

# A certificate is replaced after the look: the mail is the first to know.
ok 'bolt passes' "$B/tlspact-probe" "${options[@]}" bolt
ok 'a second goes by' wait_for 10 eval "[ \"\$(date +%s)\" -gt $(date +%s) ]"
echo "$(date -u '+%Y-%m-%dT%H:%M:%S.000000+00:00') mx postfix/smtp[156]: 4XbBcD1: to=<joe@bolt.example>, relay=mx1.bolt.example[$(ctl status -j bolt | jq -r '.partners[0].gateways[0].address')]:25, delay=1, delays=0/0/1/0, dsn=4.7.5, status=deferred (Server certificate not verified)" >"$T/deferred"
ok 'a mail is deferred' "$B/tlspact-log" "${options[@]}" "$T/deferred"
explain bolt
is 'what failed since fails' "$rc" 1
like 'by the log' "$out" 'WAITS: mx1.bolt.example fails with [a-z-]+, by the log of [0-9: -]+, after the last probe'
like 'the gateway' "$out" 'holds it mx1.bolt.example [a-z-]+ at [0-9: -]+, by the log'
like 'what lets it through' "$out" 'next tlspactctl downgrade bolt --for 4h --reason TEXT: to what helps by a new look, if it cannot wait; -n tells it first next tell p@bolt.example'
run ctl status
like 'status as well' "$out" 'bolt +enforced.* 0 of 1'
ok 'a look that is newer' "$B/tlspact-probe" "${options[@]}" bolt
explain bolt
is 'outweighs that' "$rc" 0
ok 'a second goes by' wait_for 10 eval "[ \"\$(date +%s)\" -gt $(date +%s) ]"
echo "$(date -u '+%Y-%m-%dT%H:%M:%S.000000+00:00') mx postfix/smtp[156]: 4XbBcD2: to=<joe@bolt.example>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.3, status=deferred (Host or domain name not found. Name service error for name=bolt.example type=MX: Host not found, try again)" >"$T/unfound"
ok 'a mail finds no gateway' "$B/tlspact-log" "${options[@]}" "$T/unfound"
explain bolt
is 'what becomes of the next is not known' "$rc" 75
like 'and nobody says that it failed at one' "$out" 'NOT KNOWN: a mail to bolt.example failed at [0-9: -]+ with dns-failed, after the last probe'

# A partner's DNS names the gateway of others, and nobody announced it.
cp "$T/good" "$T/registry"
ember='partner ember mode=enforced domain=ember.example contact=p@ember.example gateway='
echo "${ember}mx1.bolt.example" >>"$T/registry"
ok 'ember is a partner' compile
ok 'ember passes' "$B/tlspact-probe" "${options[@]}" ember
sqlite3 "$LAB/evidence.db" "UPDATE gateway SET host = 'mx1.ember.example'
	WHERE partner = 'ember'"
sed -i "s/^$ember.*/${ember}mx1.ember.example/" "$T/registry"
ok 'by another name' compile
ok 'a second goes by' wait_for 10 eval "[ \"\$(date +%s)\" -gt $(date +%s) ]"
"$B/tlspact-probe" "${options[@]}" ember >/dev/null 2>&1
moved='new MX MX of ember.example was mx1.ember.example until [0-9: -]+, is now mx1.bolt.example, which passes for bolt '
ask='next ask p@ember.example whether they moved; if so: gateway=mx1.bolt.example or provider= in the registry, see tlspact\(7\) next tlspactctl downgrade ember'
explain ember
like 'the new gateway is told of' "$out" "$moved"
like 'and to ask before a downgrade' "$out" "$ask"
out=$(ctl status ember | tr -s ' \n' ' ')
like 'status as well' "$out" "$moved.*$ask"
done_testing
