#!/usr/bin/env bash
# The log of a real Postfix, read by tlspact-log: what it says of each
# delivery must be what the lab knows to have happened.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

registry=$T/registry
# shellcheck disable=SC2317 # called through ok and run
compile()
{
	"$B/tlspact-compile" -C /dev/null -o registry="$registry" \
		-o ledger="$T/none.db" -o map="$LAB/policy.cdb" \
		-o postfix_version="$(postconf -dh mail_version)" \
		-o fingerprint_digest=sha256 "$@"
}

log()
{
	"$B/tlspact-log" -C /dev/null -o registry="$registry" \
		-o ledger="$LAB/ledger.db" -o probe_user= -o log_user= -o evidence="$LAB/evidence.db" \
		-o map="$LAB/policy.cdb" "$@"
}

# What one queue id became, out of the sender's log; the last attempt.
told()
{
	log -j "$LAB/send/log" 2>/dev/null | python3 -c '
import json, sys
last = None
for line in sys.stdin:
    o = json.loads(line)
    if o["queue_id"] == sys.argv[1]:
        last = o
print(last and " ".join(str(last[k]) for k in
    ("partner", "level", "chain_trusted", "name_matched", "protocol",
     "result", "fault")))' "$1"
}

# told_of NAME RECIPIENT REGEX
told_of()
{
	local qid

	qid=$(lab_send "$2") || bail 'the lab takes no mail'
	lab_status "$qid" >/dev/null || bail "no delivery of $qid"
	like "$1" "$(told "$qid")" "$3"
}

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
partner pinned cert ca=self
partner badpin cert ca=self
partner stranger cert
lab_gateway 127.0.2.2 mx2.good.example none
lab_mx two.example mx2.good.example
# Two gateways: the first has the wrong certificate, the second is good.
lab_record "pair.example. MX 5 mx1.wrong.example."
lab_record "pair.example. MX 10 mx1.good.example."

cat >"$registry" <<REGISTRY
default operator=postmaster@lab.example
partner good mode=enforced contact=p@lab.example domain=good.example,.good.example
        gateway=mx1.good.example
partner wrong mode=enforced contact=p@lab.example domain=wrong.example gateway=mx1.wrong.example
partner expired mode=enforced contact=p@lab.example domain=expired.example
        gateway=mx1.expired.example
partner unknown mode=enforced contact=p@lab.example domain=unknown.example
        gateway=mx1.unknown.example
partner plain mode=enforced contact=p@lab.example domain=plain.example gateway=mx1.plain.example
partner self mode=opportunistic domain=self.example
partner open mode=opportunistic domain=open.example
partner pair mode=enforced contact=p@lab.example domain=pair.example gateway=mx1.good.example
partner two mode=opportunistic domain=two.example
partner sender mode=enforced contact=p@lab.example domain=lab.example gateway=mx1.good.example
partner pinned mode=enforced contact=p@lab.example domain=pinned.example verify=key
        key=$(lab_pin pinned)
partner badpin mode=enforced contact=p@lab.example domain=badpin.example verify=key
        key=$(lab_pin pinned)
REGISTRY
ok 'the registry compiles' compile || bail 'nothing to test'
# From another address, for mail from 127.0.0.1 is our own.
lab_start smtp_bind_address=127.0.3.1 || bail 'the lab does not start'

told_of 'enforced, good' joe@good.example \
	'^good verified True True TLSv1.3 sent None$'
told_of 'enforced, another name' joe@wrong.example \
	'^wrong [a-z]+ [A-Za-z]+ False TLSv1.3 deferred name-mismatch$'
told_of 'enforced, expired' joe@expired.example \
	'^expired encrypted False None TLSv1.3 deferred expired$'
told_of 'enforced, unknown CA' joe@unknown.example \
	'^unknown encrypted False None TLSv1.3 deferred untrusted-issuer$'
told_of 'enforced, no STARTTLS' joe@plain.example \
	'^plain clear None None None deferred no-starttls$'
told_of 'opportunistic, self-signed' joe@self.example \
	'^self encrypted False None TLSv1.3 sent None$'
told_of 'opportunistic, no STARTTLS' joe@open.example \
	'^open clear None None None sent None$'
told_of 'no partner' joe@stranger.example \
	'^None trusted True None TLSv1.3 sent None$'
told_of 'pinned key' joe@pinned.example \
	'^pinned verified None None TLSv1.3 sent None$'
told_of 'pinned key, another one' joe@badpin.example \
	'^badpin encrypted False None TLSv1.3 deferred key-changed$'
told_of 'sub-domain' joe@MX1.Good.example '^good .*$'
told_of 'nobody there' joe@nowhere.example \
	'^None None None None None bounced dns-failed$'

qid=$(lab_send joe@pair.example)
lab_status "$qid" >/dev/null
like 'two gateways, the second is good' "$(told "$qid")" \
	'^pair verified True True TLSv1.3 sent None$'
like 'and the first was told of' "$(log -j "$LAB/send/log" 2>/dev/null |
	grep "$qid" | head -n 1)" \
	'"address":"127.0.1.2",.*"result":"skipped".*"fault":"name-mismatch"'

# The receiving side has the same mail, from the other end.
inbound=$(log -j "$LAB/recv/log" 2>/dev/null | grep '"direction":"in"')
like 'received encrypted' "$(head -n 1 <<<"$inbound")" \
	'"partner":"sender","domain":"lab.example",.*"level":"encrypted",.*"received"'
is 'as often as the sender says' "$(grep -c '"protocol":"TLSv1.3"' <<<"$inbound")" \
	"$(log -j "$LAB/send/log" 2>/dev/null | grep '"result":"sent"' |
		grep -c TLSv1.3)"
is 'and in the clear as often' "$(grep -c '"level":"clear"' <<<"$inbound")" \
	"$(log -j "$LAB/send/log" 2>/dev/null | grep '"result":"sent"' |
		grep -c '"level":"clear"')"

# Into the ledger, following.
# shellcheck disable=SC2317
counted()
{
	python3 - "$LAB/evidence.db" "$@" <<-'PYTHON'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	n, = db.execute("select coalesce(sum(n), 0) from log_count").fetchone()
	sys.exit(n != int(sys.argv[2]))
	PYTHON
}
all=$(log -j "$LAB/send/log" 2>/dev/null | wc -l)
"$B/tlspact-log" -C /dev/null -o registry="$registry" \
	-o ledger="$LAB/ledger.db" -o probe_user= -o log_user= -o evidence="$LAB/evidence.db" \
	-o map="$LAB/policy.cdb" \
	--follow "$LAB/send/log" >"$T/follow" 2>&1 &
follower=$!
ok 'a follower catches up' wait_for 10 counted "$all"
qid=$(lab_send joe@good.example)
lab_status "$qid" >/dev/null
ok 'and counts what is new, within seconds' wait_for 4 counted $((all + 1))
mv "$LAB/send/log" "$LAB/send/log.1"
postfix -c "$LAB/send/etc" logrotate >/dev/null 2>&1 || : >"$LAB/send/log"
postfix -c "$LAB/send/etc" reload >/dev/null 2>&1
qid=$(lab_send joe@good.example)
wait_for 20 grep -q "$qid: to=" "$LAB/send/log" "$LAB/send/log.1" 2>/dev/null
ok 'through rotation' wait_for 5 counted $((all + 2))
kill $follower
wait $follower
is 'and ends well' $? 0
ok 'reading it all again adds nothing' log "$LAB/send/log"
ok 'nothing' counted $((all + 2))
run log "$T/no.log"
is 'a log that is not there has no lines, not even 0' "$rc $out" '66 '
done_testing
