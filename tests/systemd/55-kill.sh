#!/usr/bin/env bash
# What is killed comes back, and nothing gets by meanwhile; what is reloaded
# stays.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

# came_back UNIT PID	it runs, and is not the one that was killed
# shellcheck disable=SC2317 # called through ok
came_back()
{
	case $(main_pid "$1") in
	0 | "$2") return 1 ;;
	esac
	active "$1"
}

for unit in tlspactd tlspactd-warden tlspact-log; do
	pid=$(main_pid $unit)
	ok "$unit is killed" kill -KILL "$pid"
	[ $unit != tlspactd ] ||
		like 'who asks meanwhile waits for it' \
			"$(call joe@acme.example)" '^450 4\.7\.10 '
	ok 'and comes back' wait_for 20 came_back $unit "$pid"
done
for unit in tlspactd tlspactd-warden tlspact-log; do
	pid=$(main_pid $unit)
	ok "$unit is reloaded" systemctl reload $unit
	is 'and is the same' "$(main_pid $unit)" "$pid"
	ok 'and alive' active $unit
done
like 'mail from acme in clear is refused' "$(call joe@acme.example)" \
	'^450 4\.7\.10 '

ok 'a downgrade, which the next boot will find' \
	tlspactctl downgrade globex --for 1h --to encrypt --reason test --yes
done_testing
