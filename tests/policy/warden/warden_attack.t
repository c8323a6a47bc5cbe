#!/usr/bin/env bash
# What an attacker hopes for: that we lower by ourselves. Two partners, of
# which one has said no more than on-failure=drop, the other drop-to=encrypt.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/warden.sh
. "$(dirname "$0")/../../lab/warden.sh"

warden_lab || bail 'no lab'
for name in acme globex initech; do
	warden_partner $name || bail "no $name"
done
# The attacker's own host, with a certificate that he has signed himself.
lab_cert evil cn=mx1.acme.example ca=self || bail 'no evil'
lab_gateway 127.0.1.66 mx.evil.example evil
warden_registry <<'REGISTRY'
default min-tls=TLSv1.2 drop-after=2/1m drop-for=10m on-failure=drop notify-contact=yes
partner acme   contact=a@partners.example
partner globex drop-to=encrypt contact=g@partners.example
REGISTRY
warden_up drop_max_partners=10 || bail 'it does not come up'
run probe --all
is 'both pass' "$rc" 0 || diag "$out$err"

# Our CA file is another one. Both fail, and nobody else could tell.
cp "$LAB/pki/other.pem" "$LAB/pki/bundle.pem"
postfix -c "$LAB/send/etc" reload 2>/dev/null
fail_twice acme
ok 'acme is held' wait_for 60 kept 'acme: held \(common-cause\): untrusted-issuer'
fail_twice globex
ok 'globex as well' wait_for 60 kept 'globex: held \(common-cause\)'
ok 'we are told' wait_for 60 told 'mail to acme is waiting: untrusted-issuer; is the fault ours?'
is 'nobody is lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0
nok 'acme is not told to mend it' told_to a@partners.example .
cp "$LAB/pki/ca.pem" "$LAB/pki/bundle.pem"
postfix -c "$LAB/send/etc" reload 2>/dev/null
run probe --all
is 'it is mended' "$rc" 0

# He answers for the MX names of both, with a host of his own.
warden_registry <<'REGISTRY'
default min-tls=TLSv1.2 drop-after=2/1m drop-for=10m on-failure=drop notify-contact=yes
partner acme    contact=a@partners.example
partner globex  drop-to=encrypt contact=g@partners.example
partner initech contact=i@partners.example
REGISTRY
compile 2>/dev/null
run probe --all
is 'a third partner passes, to tell whose fault it is' "$rc" 0
sleep 5 # it is known by then that they pass
cp "$LAB/dns/records" "$T/records"
sed -i -E 's/^(mx1\.(acme|globex)\.example\.) A .*/\1 A 127.0.1.66/' \
	"$LAB/dns/records"
lab_dns || bail 'no DNS'
fail_twice acme
ok 'acme is held: encrypt was never said' wait_for 60 kept 'acme: held \(floor\): self-signed'
taken=("${mails[@]}")
fail_twice globex
ok 'globex is held: a host that never passed' wait_for 60 kept 'globex: held \(stranger\): self-signed'
taken+=("${mails[@]}")
sleep 5
is 'nobody is lowered' "$(sql 'SELECT count(*) FROM downgrade')" 0 ||
	diag "$(sql 'SELECT * FROM downgrade'
		grep -E 'acme|globex' "$LAB"/*.log | tail -n 30)"
for qid in "${taken[@]}"; do
	like 'the mail waits' "$(lab_outcome "$qid")" '^held: '
done

# At the place where globex passed, a key is what drop-to gives away; and as
# soon as he answers there, it is taken back.
cp "$T/records" "$LAB/dns/records"
lab_dns || bail 'no DNS'
sleep 21 # what is nearer than that belongs to one look
run probe --all
change globex ca=self
fail_twice globex
ok 'globex is lowered, at its own place' wait_for 60 lowered_to globex encrypt
sed -i -E 's/^(mx1\.globex\.example\.) A .*/\1 A 127.0.1.66/' \
	"$LAB/dns/records"
lab_dns || bail 'no DNS'
sleep 21
run probe globex
ok 'and raised, as a stranger answers' wait_for 60 ended globex 'a gateway answers that never passed a probe'
ok 'in the map as well' wait_for 60 is_secure globex.example
ok 'which is told' wait_for 60 told 'globex is back at secure, but the fault'
run ctl history --check
is 'the record is whole' "$rc" 0 || diag "$out"
done_testing
