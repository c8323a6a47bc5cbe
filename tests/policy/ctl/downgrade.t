#!/usr/bin/env bash
# A certificate expires at night: the mail waits, is let through for a time,
# and is held again, with real Postfix, and without any daemon of ours.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# Words are looked for here, wherever lines would end.
export COLUMNS=1000

command -v sqlite3 >/dev/null || skip_all 'no sqlite3 here'

options=(-C /dev/null -o "registry=$T/registry" -o "ledger=$LAB/ledger.db"
	-o probe_user= -o log_user= -o "evidence=$LAB/evidence.db"
	-o "map=$LAB/policy.cdb" -o "ca_file=$LAB/pki/ca.pem"
	-o postfix_version="$(postconf -dh mail_version)"
	-o fingerprint_digest=sha256 -o resolver=127.0.0.1 -o trust_anchor=
	-o "postfix_config=$LAB/send/etc")
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
# shellcheck disable=SC2317 # called through ok and run
probe() { "$B/tlspact-probe" "${options[@]}" "$@"; }
# shellcheck disable=SC2317 # called through ok and run
arrived_encrypted()
{
	[ "$(lab_outcome "$1" 2)" = 'encrypted TLSv1.3' ]
}

lab_ca ca || bail 'no CA'
n=0
for name in acme globex; do
	n=$((n + 1))
	lab_cert $name cn=mx1.$name.example from=20240101 to=20250101 ||
		bail "$name"
	lab_gateway 127.0.1.$n mx1.$name.example $name
	lab_mx $name.example mx1.$name.example
	lab_mx sub.$name.example mx1.$name.example
done
lab_cert initech cn=mx1.initech.example || bail initech
lab_gateway 127.0.1.3 mx1.initech.example initech
lab_mx initech.example mx1.initech.example
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=postmaster@acme.example
partner globex mode=enforced domain=globex.example
        gateway=mx1.globex.example contact=postmaster@globex.example
partner initech mode=enforced domain=initech.example
        gateway=mx1.initech.example contact=postmaster@initech.example
REGISTRY
ok 'the registry compiles' compile || bail 'nothing to test'
# A destination that failed once is given up by qmgr, as it is by default.
lab_start default_destination_concurrency_failed_cohort_limit=1 ||
	bail 'the lab does not start'

expired='^held: certificate has expired$'
one=$(lab_send joe@acme.example)
like 'mail to acme waits' "$(lab_outcome "$one")" "$expired"
two=$(lab_send joe@sub.acme.example)
like 'mail to its sub-domain too' "$(lab_outcome "$two")" "$expired"
other=$(lab_send joe@globex.example)
like 'and mail to globex' "$(lab_outcome "$other")" "$expired"

run ctl status acme
is 'status ends well' "$rc" 0
like 'and counts what waits' "$out" '^acme +MAIL WAITS: 2 mails, the oldest for [0-9]+ s'
like 'and says why' "$out" 'certificate not verified'

run ctl downgrade acme --for 40s --reason 'expired certificate' \
	--ticket 4711 --to encrypt --yes
is 'acme is lowered' "$rc" 0
like 'in one sentence' "$out" 'mail stays encrypted, but whoever answers'
like 'and whether it may be ours' "$err" 'no other partner passed a probe'
like 'and who would get the mail' "$err" 'nothing is known of the gateways of acme'
like 'and mail is tried again' "$out" 'map written, 2 waiting mails retried'
end=$((SECONDS + 40))
ok 'the waiting mail arrives within 10 s over TLS' \
	wait_for 10 arrived_encrypted "$one"
ok 'that to the sub-domain too' wait_for 10 arrived_encrypted "$two"
is 'that of globex was not touched' \
	"$(grep -c "$other: to=" "$LAB/send/log")" 1

run ctl status acme
like 'status says how long' "$out" 'lowered to encrypt until [0-9: -]+ \([0-9]+ s left\)'
like 'and that nothing but the time ends it' "$out" \
	$'next +back to secure at [0-9: -]+\n'
like 'and why' "$out" 'expired certificate \(ticket 4711\), lowered by '
run ctl downgrade acme --for 1h --reason again --to encrypt --yes
is 'a second one is refused' "$rc" 1
like 'with what comes next' "$err" 'acme is lowered to encrypt until [0-9: -]+ already, .*extend acme --for 4h; .*restore acme'

# The end comes by the clock, and whoever compiles next enforces it.
while [ $SECONDS -le $end ]; do
	sleep 0.2
done
run ctl explain acme
like 'whoever asks before' "$out" 'level +encrypt: STILL LOWERED'
like 'is told what ends it' "$out" 'next +to restore now: tlspactctl restore acme$'
unlike 'not what keeps it' "$out" 'extend acme'
run ctl extend acme --for 1h --yes
like 'which is told to who tries' "$rc $err" '^1 .*acme is not lowered, its time was up: there is nothing to extend; .*downgrade acme --for 4h'
run compile
like 'a compile restores it' "$out" '4 enforced, 0 opportunistic; 2 rows changed'
three=$(lab_send joe@acme.example)
like 'the next mail is held again' "$(lab_outcome "$three")" "$expired"

run ctl history acme
like 'history shows the begin' "$out" 'downgrade-begin .*expired certificate'
like 'and the end' "$out" 'downgrade-end .*its time was up'
run ctl history --check
is 'the record is whole' "$rc" 0
like 'and says so' "$out" $'^whole: 5 events, head 5:[0-9a-f]{64}\n'

# Below key Postfix 3.11 returns what demands REQUIRETLS. This one is older;
# its postcat says what that of 3.11 would.
mkdir "$T/bin"
cat >"$T/bin/postcat" <<'POSTCAT'
#!/bin/sh
echo "message_size: 331 190 1 0 331 32"
POSTCAT
chmod +x "$T/bin/postcat"
dry=(--for 1h --reason test -n)
new=(-o postfix_version=3.11.1)
PATH=$T/bin:$PATH run ctl downgrade globex --to encrypt "${dry[@]}" "${new[@]}"
like 'mail that demands REQUIRETLS is counted' "$err" \
	'1 of 1 waiting mails demand REQUIRETLS: .* RETURNED'
run ctl downgrade globex --to encrypt "${dry[@]}" "${new[@]}"
like 'none does, as the real one says' "$err" 'REQUIRETLS .* none waits now'
run ctl downgrade globex --to encrypt "${dry[@]}" -o postfix_version=3.10.4
unlike 'an older Postfix knows nothing of it' "$err" REQUIRETLS
sed 's/^partner globex /&requiretls=opportunistic /' "$T/registry" \
	>"$T/words.registry"
run ctl downgrade globex --to encrypt "${dry[@]}" "${new[@]}" \
	-o registry="$T/words.registry"
is 'a partner may have a word of its own' "$rc" 0
unlike 'and none of its mail is returned' "$err" REQUIRETLS
echo 'exit 1' >"$T/bin/postcat"
PATH=$T/bin:$PATH run ctl downgrade globex --to opportunistic "${dry[@]}" "${new[@]}"
like 'or it is not known' "$err" 'REQUIRETLS .* is not known'

# By hand: for an hour, and restored before.
ok 'globex is lowered' ctl downgrade globex.example --for 1h --reason test \
	--to encrypt --yes
ok 'its mail arrives' wait_for 10 arrived_encrypted "$other"
PATH=$T/bin:$PATH run ctl extend globex --for 2h "${new[@]}" -n
like 'longer is told, too' "$err" 'REQUIRETLS .* none waits now'
run ctl extend globex --for 1h "${new[@]}" -o postfix_version=3.10.4 -n -j
unlike 'but not of an older Postfix' "$err" REQUIRETLS
run ctl restore globex -j
like 'a restore returns none' "$out" '"requiretls_waiting": null'
four=$(lab_send joe@globex.example)
like 'and the next mail is held' "$(lab_outcome "$four")" "$expired"

# A certificate that passed comes to its end, with the same key: the smallest
# step pins that key.
run probe initech
is 'the gateway of initech passes' "$rc" 0 || diag "$out$err"
run ctl downgrade initech --for 1h --reason test --yes
is 'so that nothing needs to be lowered' "$rc" 0
like 'which is said' "$err" 'every gateway of initech passes'
lab_cert late cn=mx1.initech.example key=initech from=20240101 to=20250101 ||
	bail late
cp "$LAB/pki/late.pem" "$LAB/pki/initech.pem"
ok 'the partner reloads' postfix -c "$LAB/recv/etc" reload
sleep 1
five=$(lab_send joe@initech.example)
like 'mail to initech waits' "$(lab_outcome "$five")" "$expired"
run ctl downgrade initech --for 1h --reason 'expired' --yes
is 'initech is lowered' "$rc" 0 || diag "$err"
like 'after a look' "$out" 'probe: mx1.initech.example expired since .*, key unchanged'
like 'by the smallest step' "$out" 'smallest step that helps: key'
like 'which keeps the most' "$out" 'encrypted AND authenticated by the known key'
like 'but not for another key' "$out" 'renew it with another key, mail waits until you restore initech'
# shellcheck disable=SC2317 # called through ok and run
arrived_verified()
{
	[ "$(lab_outcome "$1" 2)" = 'verified TLSv1.3' ]
}
ok 'the mail arrives, verified by the key' wait_for 10 arrived_verified "$five"
run ctl status initech
like 'it is still true' "$out" 'still true +yes: probe [0-9: -]+, mx1.initech.example expired'
run ctl downgrade initech --for 1h --reason 'once more' --yes
is 'a second one is refused' "$rc" 1
like 'as mail moves' "$err" 'initech is lowered to key until [0-9: -]+ already, and mail to it moves, by the probe\. .*extend initech --for 4h; .*restore initech'
like 'which it looked at' "$out" 'probe: mx1.initech.example expired since .*, key unchanged'
run ctl status initech
like 'status knows the certificate' "$out" 'the first one expired [0-9]+ days ago'

# The gateway takes a new key, which passes, but is not the pinned one.
lab_cert new cn=mx1.initech.example || bail new
cp "$LAB/pki/new.pem" "$LAB/pki/initech.pem"
ok 'the partner reloads' postfix -c "$LAB/recv/etc" reload
sleep 1
six=$(lab_send joe@initech.example)
like 'its mail waits for the pinned key' "$(lab_outcome "$six")" '^held'
run probe initech
is 'the new key passes' "$rc" 0 || diag "$out$err"
run ctl explain initech
is 'explain says that it waits' "$rc" 1
like 'and for what' "$out" 'WAITS: mx1.initech.example fails with another key than the pinned one'
like 'at a gateway that passes' "$out" 'holds it +mx1.initech.example passes, but with another key'
like 'and what ends that' "$out" 'next +tlspactctl restore initech: its gateways pass as agreed'
run ctl status initech
unlike 'status does not call it well' "$out" '^initech +enforced'
run ctl check
like 'check says so' "$out" 'CRITICAL +gateways +initech passes with another key .* tlspactctl restore initech'
run ctl downgrade initech --for 1h --reason 'once more' --yes
like 'and who would lower it again' "$rc $err" '^1 .*holds its mail now: .*restore initech'
run ctl restore initech
is 'initech is restored' "$rc" 0
like 'and looked at' "$out" 'probe: mx1.initech.example passes; mail moves'
like 'what waits is told, and what moves it' "$out" 'mx1.initech.example passes; mail moves\. Still waiting: 1 mail, .*; it goes in Postfix.s own time, or now by tlspactctl restore initech --flush'
ok 'it is tried' postqueue -c "$LAB/send/etc" -f
ok 'and arrives' wait_for 10 arrived_verified "$six"

# Then it shows the old one again, which is no longer known.
cp "$LAB/pki/late.pem" "$LAB/pki/initech.pem"
ok 'the partner reloads once more' postfix -c "$LAB/recv/etc" reload
sleep 1
run probe initech
run ctl downgrade initech --for 1h --reason retired -n
like 'a retired key is another key' "$out" 'expired .*, another key'
like 'so that it takes encrypt' "$out" 'smallest step that helps: encrypt'
run ctl downgrade initech --for 1h --reason retired --to key --yes
is 'and key is refused' "$rc" 1
like 'with the reason' "$err" 'no key of the gateways of initech is known'
cp "$LAB/ledger.db" "$LAB/whole.db"
ok 'a row is edited' sqlite3 "$LAB/ledger.db" \
	"UPDATE event SET text = 'nothing happened' WHERE seq = 1"
run ctl history --check
is 'an edited row is found' "$rc" 1
like 'and named' "$out" '^FLAW  .*event 1'
cp "$LAB/whole.db" "$LAB/ledger.db"
rm -f "$LAB/ledger.db-wal" "$LAB/ledger.db-shm"
ok 'a row is removed' sqlite3 "$LAB/ledger.db" 'DELETE FROM event WHERE seq = 2'
run ctl history --check
is 'a missing row is found' "$rc" 1
like 'and named too' "$out" '^FLAW  .*event 2'
ok 'Postfix was never reloaded' test -z "$(grep -E 'reload|refresh' "$LAB/send/log")"
done_testing
