#!/usr/bin/env bash
# Mail to partners fails, and tlspactd lowers, holds, restores and tells, with
# real Postfix, tlspact-log --follow and tlspact-probe, as in production.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/warden.sh
. "$(dirname "$0")/../../lab/warden.sh"

warden_lab || bail 'no lab'
for name in acme globex initech hooli wonka umbrella soylent; do
	warden_partner $name || bail "no $name"
done
warden_registry <<'REGISTRY'
default min-tls=TLSv1.2 drop-after=2/1m drop-for=40s on-failure=drop
partner acme     drop-to=key contact=it@partners.example notify-contact=yes
partner globex   drop-to=encrypt
partner initech  on-failure=hold drop-to=encrypt
partner hooli    drop-to=encrypt
partner wonka    drop-to=opportunistic
partner umbrella drop-to=encrypt
partner soylent  drop-to=encrypt
REGISTRY
warden_up drop_max_partners=10 || bail 'it does not come up'

# All is well: what passes now is what keys are taken from.
run probe --all
is 'all gateways pass' "$rc" 0 || diag "$out$err"
is 'mail moves, verified' "$(lab_outcome "$(lab_send joe@acme.example)")" \
	'verified TLSv1.3'

# 1. The certificate has expired, the key is the same.
change acme key=acme from=20240101 to=20250101
fail_twice acme
ok 'acme is lowered' wait_for 60 lowered_to acme key
diag "from the failure to the decision: $(latency)"
for qid in "${mails[@]}"; do
	ok 'the waiting mail arrives, verified by the pin' \
		wait_for 60 arrived "$qid" 'verified TLSv1.3'
done
like 'the pin is the key that passed' "$(policy acme.example)" \
	"^fingerprint .*$(lab_pin acme)"
ok 'the operator is told' wait_for 60 told 'acme lowered to key until'
ok 'and the contact' wait_for 60 told_to it@partners.example 'acme lowered'

# 2. A new, self-signed certificate; allowed.
change globex ca=self
fail_twice globex
ok 'globex is lowered to encrypt' wait_for 60 lowered_to globex encrypt
for qid in "${mails[@]}"; do
	ok 'its mail arrives, encrypted' \
		wait_for 60 arrived "$qid" 'encrypted TLSv1.3'
done

# 3. The same, not allowed.
change initech ca=self
fail_twice initech
ok 'initech is held' wait_for 60 kept 'initech: held \(policy\): self-signed'
ok 'which is told' wait_for 60 told 'mail to initech is waiting: self-signed'
nok 'and it is not lowered' lowered initech

# 4. STARTTLS is stripped: what an attacker would do.
strip hooli
strip wonka
fail_twice hooli
ok 'hooli is held' wait_for 60 kept 'hooli: held \(floor\): no-starttls'
nok 'and not lowered' lowered hooli
fail_twice wonka
ok 'wonka, which said so, is lowered' wait_for 60 lowered_to wonka opportunistic
ok 'its mail arrives, in clear' wait_for 60 arrived "${mails[0]}" clear

# 5. Another name.
change umbrella cn=mail.hosting.example
fail_twice umbrella
ok 'umbrella is lowered to encrypt' wait_for 60 lowered_to umbrella encrypt

# 6. What probes find before mail does.
change soylent from="$(date -d '-85 days' +%Y%m%d)" \
	to="$(date -d '+5 days' +%Y%m%d)"
run probe soylent
ok 'a certificate that ends soon is told' wait_for 60 told \
	'certificate of mx1.soylent.example .soylent. expires within 7 days'
change soylent ca=self
run probe soylent
ok 'so is a fault, before mail fails' wait_for 30 told \
	'soylent fails our probe: self-signed'
change soylent
run probe soylent
ok 'and that it is gone' wait_for 30 told 'soylent passes our probe again'

# At the end.
ok 'acme goes back at its end' wait_for 60 ended acme end
ok 'the map with it' wait_for 60 is_secure acme.example
ok 'which is told' wait_for 60 told 'acme is back at secure'
held=$(lab_send joe@acme.example)
like 'the next mail is held again' "$(lab_outcome "$held")" '^held: '
ok 'wonka too' wait_for 60 ended wonka end
ok 'umbrella too' wait_for 60 ended umbrella end
nok 'soylent was never touched' lowered soylent
run ctl history --check
is 'the record is whole' "$rc" 0
like 'and long enough' "$out" '^whole: '
ok 'no mail went twice' no_notice_twice
done_testing
