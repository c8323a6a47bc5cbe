#!/usr/bin/env bash
# What goes wrong in a unit stands in the journal.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

began=$(date +%s)
cp /etc/tlspact/registry "$T/registry"
echo 'partner acme2 mode=maybe domain=acme2.example' >>/etc/tlspact/registry
fault='registry:[0-9]+: .*"maybe"'
nok 'a registry with a fault does not compile' systemctl start tlspact-compile
ok 'and the journal has where it is' wait_for 5 said tlspact-compile "$fault" "$began"
ok 'the map is as it was' is_secure acme.example
nok 'nor is anybody probed' systemctl start tlspact-probe
ok 'which the journal has, too' wait_for 5 said tlspact-probe "$fault" "$began"
ok 'the log reader' systemctl reload tlspact-log
ok 'too' wait_for 5 said tlspact-log "$fault" "$began"
ok 'and goes on' active tlspact-log
ok 'the warden, when it looks' systemctl reload tlspactd-warden
ok 'too' wait_for 70 said tlspactd-warden "$fault" "$began"
ok 'and goes on' active tlspactd-warden

cp "$T/registry" /etc/tlspact/registry
ok 'once it is mended it compiles' systemctl start tlspact-compile
ok 'and all is well' systemctl start tlspact-probe
done_testing
