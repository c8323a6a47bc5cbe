#!/usr/bin/env bash
# Every way back, with the registry broken, the ledger damaged, the disk full.
# What counts is the map that Postfix reads.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

state=/var/lib/tlspact
daemons=(tlspactd.socket tlspactd.service tlspactd-warden.service)
writers=("${daemons[@]}" tlspact-log.service tlspact-compile.timer)
lower() { tlspactctl downgrade globex --for "$1" --to encrypt --reason x --yes; }

# A ledger that is none, and how it was.
ledger_break()
{
	systemctl stop tlspact-log "${daemons[@]}"
	mkdir "$state"/good
	mv "$state"/ledger.db* "$state"/good
	head -c 20000 /dev/urandom >"$state"/ledger.db
	chown tlspact: "$state"/ledger.db
}
ledger_mend()
{
	rm -f "$state"/ledger.db*
	mv "$state"/good/* "$state"
	rmdir "$state"/good
}
registry_break()
{
	cp -p /etc/tlspact/registry "$T/registry"
	echo partner >>/etc/tlspact/registry
}
registry_mend() { cp -p "$T/registry" /etc/tlspact/registry; }
disk_break() { dd if=/dev/zero of="$state"/full bs=4k 2>/dev/null; sync; }
disk_mend() { rm "$state"/full; }

compiled_back()
{
	systemctl reset-failed tlspact-compile 2>/dev/null
	systemctl start tlspact-compile
	is_secure globex.example
}
by_timer()
{
	ok "$1: by the timer's unit, without tlspactd and its warden" \
		wait_for 20 compiled_back
}
by_tlspactd()
{
	systemctl start "${daemons[@]}"
	ok "$1: by tlspactd, without the timer" \
		wait_for 20 is_secure globex.example
}
by_hand()
{
	run tlspactctl restore globex --reason 'by hand'
	ok "$1: by hand" is_secure globex.example || diag "$rc $out$err"
	run tlspactctl status globex
	unlike "$1: and status says no other" "$out" 'lowered to [a-z]+ until'
}

# end THING WAY SECONDS	that is broken while it is lowered
end()
{
	ok "lowered, then: $1" lower "$3"
	like 'which is in the map' "$(policy globex.example)" '^encrypt'
	"$1_break"
	"$2" "$1"
	systemctl stop "${daemons[@]}"
	"$1_mend"
	systemctl reset-failed
	ok "$1: mended" systemctl start tlspact-compile
	ok 'it stays' is_secure globex.example
}

systemctl stop "${writers[@]}"
for thing in registry ledger; do
	end $thing by_timer 3s
	end $thing by_tlspactd 4s
	end $thing by_hand 1h
done

# The state on a small disk of its own.
cp -a "$state" "$T/state"
ok 'a small disk' mount -t tmpfs -o size=3m,mode=755 \
	state $state
cp -a "$T/state/." "$state"
chown tlspact: $state
end disk by_timer 3s
end disk by_tlspactd 4s
end disk by_hand 1h
systemctl stop "${daemons[@]}"
ok 'the large one again' umount $state
ok 'all start again' systemctl start "${writers[@]}"
ok 'with a map that is as it was' systemctl start tlspact-compile
ok 'secure' is_secure globex.example
like 'the record is whole' "$(tlspactctl history --check)" '^whole: '
done_testing
