#!/usr/bin/env bash
# Installed and enabled as README and tlspact(7) say: all is up.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

# The tree is another user's, as after su: git does not tell the version.
ok 'make install' make -s -C "$TOP" B="$B" install || bail 'nothing to test'
unlike 'the version is the one that was built' \
	"$(tlspact-compile -V)" 'unknown'
ok 'the account' systemd-sysusers tlspact.conf
ok 'its folders' systemd-tmpfiles --create tlspact.conf
ok 'systemd knows the units' systemctl daemon-reload

cat >/etc/tlspact/registry <<'REGISTRY'
default  min-tls=TLSv1.2 drop-after=2/1m drop-for=1h
partner  acme mode=enforced domain=acme.example,.acme.example
         gateway=mx1.acme.example on-failure=drop drop-to=key
         contact=it@initech.example notify-contact=yes
partner  globex mode=enforced domain=globex.example
         gateway=mx1.globex.example on-failure=drop drop-to=key
partner  initech mode=enforced domain=initech.example
         gateway=mx1.initech.example on-failure=drop drop-to=key
partner  hooli mode=enforced domain=hooli.example gateway=mx1.hooli.example
REGISTRY
# The zone of the lab is not signed.
echo 'trust_anchor =' >/etc/tlspact/tlspact.conf
ok 'the registry compiles' tlspact-compile || bail 'no map'
ok 'all is enabled' systemctl enable --now "${units[@]}" || bail 'no units'
for unit in "${units[@]}"; do
	ok "$unit is active" wait_for 10 active "$unit"
	ok 'and enabled' systemctl is-enabled "$unit"
done
ok 'the lines of main.cf' tlspact-setup apply --yes
ok 'Postfix reads them' postfix reload
run tlspact-setup check
is 'and no fault is found in them' "$rc" 0 || diag "$out$err"

ok 'the log reader says that there is no log file, once' \
	wait_for 10 said tlspact-log \
	'there is no .*mail.log.*: reading the journal of systemd'

ok 'the gateways are looked at' systemctl start tlspact-probe
like 'and what they showed is recorded' "$(tlspactctl status acme 2>&1)" \
	'mx1\.acme\.example.* pass'
for unit in tlspactd tlspactd-warden tlspact-log tlspact-compile tlspact-probe
do
	diag "$(systemd-analyze security --no-pager $unit.service | tail -n 1)"
done
done_testing
