#!/usr/bin/env bash
# The machine has been started again: all is up by itself, nothing forgotten.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

for unit in "${units[@]}"; do
	ok "$unit is active" wait_for 20 active "$unit"
done
like 'the downgrade holds' "$(policy globex.example)" '^encrypt'
like 'and is known' "$(tlspactctl status globex)" 'lowered to encrypt until'
ok 'it can be ended' tlspactctl restore globex --reason 'no need'
ok 'in the map, too' is_secure globex.example
like 'the record is whole' "$(tlspactctl history --check)" '^whole: '

id=$(post joe@acme.example)
ok 'mail to acme leaves' left "$id"
like 'verified' "$(session "$id")" '^Verified TLSv1'
like 'mail from acme in clear is refused' "$(call joe@acme.example)" \
	'^450 4\.7\.10 '
like 'and over TLS let in' "$(call joe@acme.example tls)" '^250 2\.1\.5 Ok'
run tlspact-setup check
is 'no fault is found' "$rc" 0 || diag "$out$err"
is 'no unit had to report an error' "$(journalctl --boot --quiet --no-pager \
	--priority=err --unit='tlspact*')" ''
done_testing
