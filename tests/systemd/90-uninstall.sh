#!/usr/bin/env bash
# Uninstalled on a machine where all of it runs: what stays is what was written.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

ours() { pgrep -x -l 'tlspact.*'; }

ok 'the programs run' ours
ok 'the lines of main.cf go first' tlspact-setup apply --undo --yes
ok 'Postfix reads it' postfix reload
ok 'make uninstall' make -s -C "$TOP" B="$B" uninstall
is 'no program runs' "$(ours)" ''
is 'no unit is known' "$(systemctl list-units --all --plain --no-legend \
	'tlspact*'; systemctl list-unit-files --no-legend 'tlspact*')" ''
is 'nothing is enabled, nothing is in the way' \
	"$(find /etc/systemd /usr/local /run/systemd -name '*tlspact*')" ''
is 'no socket is left' "$(find /var/spool/postfix/tlspact -type s)" ''
for f in /etc/tlspact/registry \
	/var/lib/tlspact/{policy.cdb,ledger.db} \
	/var/lib/tlspact-evidence/evidence.db; do
	ok "$f stays" test -f "$f"
done
id=$(post joe@hooli.example)
ok 'mail moves as it did before' left "$id"
ok 'uninstalled once more: nothing to do' make -s -C "$TOP" B="$B" uninstall
done_testing
