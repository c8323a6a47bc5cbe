#!/usr/bin/env bash
# A balancer in front of a good and a bad machine: STARTTLS is there every other
# time. That is one state, and one notice; nobody is lowered for it.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/warden.sh
. "$(dirname "$0")/../../lab/warden.sh"
# Words are looked for here, wherever lines would end.
export COLUMNS=1000

# balancer MODE	in place of the one before
balancer()
{
	if [ -n "${fakemx:-}" ]; then
		kill "$fakemx"
		wait "$fakemx" 2>/dev/null
	fi
	rm -f "$T/fakemx"
	"$B/tools/fakemx" "127.0.1.77:25 $1 $LAB/pki/acme.pem" \
		>"$T/fakemx" 2>&1 &
	fakemx=$!
	wait_for 60 grep -qs ready "$T/fakemx"
}

about_acme() { notices | grep -c '^Subject: \[tlspact\] .*acme'; }
looks() { sqlite3 "$LAB/state/evidence.db" 'SELECT looks FROM state'; }

# A look that the warden takes note of, with what it then looks at itself.
look()
{
	local n

	probe acme >/dev/null
	n=$(looks)
	sleep 5
	until [ "$(looks)" = "$n" ]; do
		n=$(looks)
		sleep 2
	done
}

warden_lab || bail 'no lab'
warden_partner globex || bail 'no globex'
lab_cert acme cn=mx1.acme.example to="$warden_far" || bail 'no acme'
lab_record 'mx1.acme.example. A 127.0.1.77'
lab_mx acme.example mx1.acme.example
balancer turns || bail 'no balancer'
warden_registry <<'REGISTRY'
default min-tls=TLSv1.2 drop-after=2/5m drop-for=10m on-failure=drop drop-to=opportunistic
partner acme contact=it@partners.example notify-contact=yes
partner globex
REGISTRY
warden_up || bail 'it does not come up'
run probe --all
is 'all pass at first' "$rc" 0 || diag "$out$err"

for i in 1 2 3 4 5 6; do
	look
done
ok 'it is told' wait_for 60 told 'acme fails our probe: no-starttls, by turns'
is 'by one notice' "$(about_acme)" 2 || # the operator and the contact
	diag "$(notices | grep ^Subject:)"
run ctl status acme
like 'status says it' "$out" 'by turns: [2-6] of the last 8 looks no-starttls'
ctl status -j acme >"$T/status"
like 'in JSON as well' "$(jq -c '.partners[0].gateways[0].by_turns' "$T/status")" \
	'^\{"fault":"no-starttls","failed":[2-6],"looks":8\}$'
run probe acme
like 'and the probe, whatever it sees' "$out" \
	'(pass|FAIL no-starttls), by turns'
run probe --prometheus acme
like 'a metric' "$out" 'tlspact_gateway_by_turns\{partner="acme".*\} 1'

# Mail fails, or is sent; and tlspactd has no reason to give anything up.
for i in 1 2 3 4 5 6; do
	lab_send joe@acme.example >/dev/null
	sleep 1
done
ok 'mail failed' test "$(sqlite3 "$LAB/state/evidence.db" \
	"SELECT count(*) FROM failure WHERE partner = 'acme'")" -ge 2
sleep 10
is 'nobody is lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0 ||
	diag "$(sql 'SELECT * FROM downgrade')"
nok 'that it passes was never told' told 'acme passes our probe again'

# The bad machine is mended.
balancer good || bail 'no other balancer'
for i in 1 2 3 4 5 6 7 8; do
	probe acme >/dev/null
done
ok 'after eight looks that is told' wait_for 30 told \
	'acme passes our probe again'
is 'nobody was lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0
run ctl history --check
is 'the record is whole' "$rc" 0 || diag "$out"
done_testing
