#!/usr/bin/env bash
# The warden's process, with programs of ours around it: one a ledger, sweeps
# that go on, letters of which each part goes out once.
# shellcheck disable=SC2317 # called through wait_for
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v sqlite3 >/dev/null || skip_all 'no sqlite3 here'

cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
        contact=p@acme.example
REGISTRY
# It looks for tlspact-probe beside itself.
mkdir "$T/bin"
cp "$B/tlspactd" "$T/bin"
cat >"$T/bin/tlspact-probe" <<PROBE
#!/bin/sh
shift \$((\$# - 1))
echo "\$1" >>"$T/probed"
PROBE
cat >"$T/sendmail" <<SENDMAIL
#!/bin/sh
cat >/dev/null
echo mail >>"$T/mailed"
SENDMAIL
cat >"$T/notify" <<NOTIFY
#!/bin/sh
cat >>"$T/notified"
test ! -e "$T/fail"
NOTIFY
printf '#!/bin/sh\necho "no map today" >&2\nexit 1\n' >"$T/compile"
chmod +x "$T"/bin/* "$T/sendmail" "$T/notify" "$T/compile"
touch "$T/fail"

# warden NAME	one that logs to $T/NAME.log; $child
warden()
{
	"$T/bin/tlspactd" --warden -d -C /dev/null -o registry="$T/registry" \
		-o map="$T/policy.cdb" -o ledger="$T/ledger.db" \
		-o evidence="$T/evidence.db" -o probe_user= -o log_user= \
		-o postfix_version=3.7.11 -o fingerprint_digest=sha256 \
		-o policy_socket="$T/policy" -o service_user= -o socket_group= \
		-o operator=postmaster@ours.example -o sendmail="$T/sendmail" \
		-o notify_command="$T/notify" -o compile_command="$T/compile" \
		-o probe_every=1s </dev/null 2>"$T/$1.log" &
	child=$!
	at_exit end $child
}
end()
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
keeps()
{
	grep -q ": keeping $T/ledger.db" "$T/$1.log"
}

warden first
first=$child
ok 'a warden keeps the ledger' wait_for 60 keeps first || diag "$(cat "$T/first.log")"
warden second
second=$child

# Sweeps.
swept()
{
	[ "$(grep -c -e --all "$T/probed" 2>/dev/null)" -ge "$1" ]
}
ok 'all are looked at' wait_for 60 swept 1
ok 'again and again' wait_for 60 swept 3

# A letter of two parts: by mail, and to the command, which fails at first.
waits()
{
	[ "$(sqlite3 "$T/ledger.db" 'SELECT max(tries) FROM notice
		WHERE sent = 0')" = 1 ]
}
ok 'a letter waits whose command failed' wait_for 60 waits
like 'of the map' "$(cat "$T/notified")" '"kind": ?"map"'
rm "$T/fail"
sqlite3 -cmd '.timeout 5000' "$T/ledger.db" 'UPDATE notice SET not_before = 1'
went()
{
	[ "$(sqlite3 "$T/ledger.db" 'SELECT count(*) FROM notice
		WHERE sent = 0')" = 0 ]
}
ok 'it goes out then' wait_for 60 went
is 'the command was run twice' "$(wc -l <"$T/notified")" 2
is 'and mail went once' "$(wc -l <"$T/mailed")" 1

nok 'a second warden keeps nothing meanwhile' keeps second
end "$first"
ok 'but when the first has ended' wait_for 60 keeps second
end "$second"

# What it needs is missing: it tries again, and not at once.
mv "$T/registry" "$T/registry.no"
warden third
tried()
{
	[ "$(grep -c 'nothing is lowered or restored until that is mended' \
		"$T/third.log")" -ge "$1" ]
}
ok 'without a registry it does not keep the ledger' wait_for 60 tried 1
sleep 1.5
nok 'it does not try all the time' tried 2
mv "$T/registry.no" "$T/registry"
ok 'but again' wait_for 60 keeps third
end "$child"
done_testing
