#!/usr/bin/env bash
# Faults on our side lower nobody: a broken CA bundle, no DNS. And a partner
# that has mended its gateway is restored before the time is up.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/warden.sh
. "$(dirname "$0")/../../lab/warden.sh"

names=(acme globex initech hooli wonka)
warden_lab || bail 'no lab'
for name in "${names[@]}"; do
	warden_partner "$name" || bail "no $name"
done
warden_registry <<'REGISTRY'
default min-tls=TLSv1.2 drop-after=2/1m drop-for=10m on-failure=drop drop-to=opportunistic
partner acme
partner globex
partner initech
partner hooli
partner wonka
REGISTRY
warden_up || bail 'it does not come up'
run probe --all
is 'all gateways pass' "$rc" 0 || diag "$out$err"

# Nobody answers to names. Mail to acme cannot go, and that is not TLS.
# shellcheck disable=SC2154 # of lab/dns.sh
kill "$lab_nsd"
qid=$(lab_send joe@acme.example)
other=$(lab_send joe@acme.example)
is 'without DNS mail waits' "$(lab_status "$qid")$(lab_status "$other")" \
	deferreddeferred
run probe acme
is 'the probe fails' "$rc" 1
sleep 3
is 'and nobody is lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0
unset lab_nsd
lab_dns || bail 'no DNS again'
run probe acme
is 'acme passes again' "$rc" 0

# Our CA bundle is another one: everybody fails at once.
cp "$LAB/pki/other.pem" "$LAB/pki/bundle.pem"
postfix -c "$LAB/send/etc" reload 2>/dev/null
for i in 1 2; do
	for name in "${names[@]}"; do
		lab_send "joe@$name.example" >/dev/null
	done
done
ok 'the operator is told that it may be us' \
	wait_for 30 told '[45] partners fail at once: is the fault ours?'
sleep 3
is 'nobody is lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0
is 'one mail in all' "$(notices | grep -c '^Subject: \[tlspact\]')" 1 ||
	diag "$(notices | grep '^Subject:')"
is 'the fact is kept' "$(sql "SELECT kind FROM event
	WHERE kind LIKE 'mass%'")" mass-fault
daemon_down KILL
daemon_up || bail 'it does not come up again'
sleep 2
is 'after a crash nobody is lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0
cp "$LAB/pki/ca.pem" "$LAB/pki/bundle.pem"
postfix -c "$LAB/send/etc" reload 2>/dev/null
run probe --all
is 'all pass again' "$rc" 0 || diag "$out"
ok 'which is told' wait_for 30 told 'partners recover'

# acme is lowered, mends its gateway, and is restored early.
change acme ca=self
fail_twice acme
ok 'acme is lowered' wait_for 60 lowered_to acme encrypt
good_again acme
run probe acme
is 'it is mended' "$rc" 0 || diag "$out"
sleep 3
ok 'one look is not enough' is_lowered acme.example
sleep 30
run probe acme
ok 'after the second it is restored' wait_for 60 ended acme 'two probes passed' ||
	diag "$(tail -n 20 "$T/tlspactd.log"; ctl history; sqlite3 \
		"$LAB/state/evidence.db" 'SELECT gateway, time, result FROM probe')"
ok 'in the map as well' wait_for 60 is_secure acme.example
ok 'which is told' wait_for 60 told 'acme is back at secure'
like 'mail is verified again' \
	"$(lab_outcome "$(lab_send joe@acme.example)")" '^verified'

# Killed at any moment, from the failure to the end.
sed -i 's/drop-for=10m/drop-for=20s/' "$T/registry"
compile 2>/dev/null
change globex key=globex from=20240101 to=20250101
end=$((SECONDS + 34))
kills=0
fail_twice globex
while [ $SECONDS -lt $end ]; do
	sleep 0.$((RANDOM % 10))
	warden=$(pgrep -P "$daemon" | head -n 1)
	# The warden alone, or both at once.
	if [ $((RANDOM % 3)) = 0 ] && [ -n "$warden" ]; then
		kill -KILL "$warden"
		sleep 0.$((RANDOM % 10))
	fi
	daemon_down KILL
	daemon_up || bail 'it does not come up'
	sleep $((RANDOM % 3)).$((RANDOM % 10))
	kills=$((kills + 1))
done
diag "killed $kills times"
like 'globex was lowered to key' "$(sql "SELECT after FROM downgrade
	WHERE partner = 'globex' ORDER BY id LIMIT 1")" '^key$'
ok 'its mail arrived' wait_for 60 arrived "${mails[0]}" 'verified TLSv1.3'
ok 'the other too' wait_for 60 arrived "${mails[1]}" 'verified TLSv1.3'
ok 'it is back' wait_for 30 ended globex end
ok 'in the map as well' wait_for 60 is_secure globex.example
is 'and nothing is open' \
	"$(sql 'SELECT count(*) FROM downgrade WHERE closed = 0')" 0
is 'lowered once' "$(sql "SELECT count(*) FROM downgrade
	WHERE partner = 'globex'")" 1
ok 'the operator knows both' wait_for 30 told 'globex lowered to key'
ok 'the end as well' wait_for 30 told 'globex is back at secure'
run ctl history --check
is 'the record is whole' "$rc" 0 || diag "$out"
daemon_down TERM
sleep 0.5
is 'nothing is left behind' "$(pgrep -f 'tlspactd --warden')" ''
done_testing
