#!/usr/bin/env bash
# Without tlspactd and its warden a downgrade ends all the same, by the timer.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

daemons=(tlspactd.socket tlspactd.service tlspactd-warden.service)
ok 'the daemons are stopped' systemctl stop "${daemons[@]}"
# So that it ends shortly before the timer's minute.
seconds=$((55 - $(date +%-S)))
[ $seconds -gt 2 ] || seconds=$((seconds + 60))
ok 'globex is lowered' tlspactctl downgrade globex --for ${seconds}s \
	--to encrypt --reason 'renewed too late' --yes
like 'in the map' "$(policy globex.example)" '^encrypt'
ok 'and goes back by itself' wait_for $((seconds + 30)) is_secure globex.example
like 'which is on record' "$(tlspactctl history globex)" \
	'downgrade-end .*its time was up'
for unit in "${daemons[@]}"; do
	nok "$unit had no part in it" active "$unit"
done
ok 'they start again' systemctl start "${daemons[@]}"
done_testing
