# shellcheck shell=bash
# tlspactd.sh: a tlspactd for tests; source it behind lab.sh or tap.sh.
#
# daemon_start [SETTING=VALUE...]	starts one, waits until it serves; its log
#					is $T/tlspactd.log
# daemon_stop				by SIGTERM, waits for the end
# daemon_logged REGEX			waits for a line of its log
# compile [OPTION...]			$T/registry -> $MAP
# lowered MAP KEY UNTIL TEXT		rewrites a map: KEY's row is TEXT until then
#
# The sockets are below $SOCKETS, the map is $MAP: set both before.

# shellcheck disable=SC2154 # B and T come from tap.sh
daemon_options()
{
	options=(-C /dev/null -o registry="$T/registry" -o map="$MAP"
		-o ledger="$T/ledger.db" -o probe_user= -o log_user= -o evidence="$T/evidence.db"
		-o postfix_version=3.7.11
		-o fingerprint_digest=sha256 -o opportunistic_level=may
		-o policy_socket="$SOCKETS/policy"
		-o socketmap_socket="$SOCKETS/socketmap"
		-o service_user= -o socket_group= -o socket_mode=0666
		-o operator=postmaster@ours.example -o sendmail=/bin/true
		-o warden=no)
}

compile()
{
	local options

	daemon_options
	"$B/tlspact-compile" "${options[@]}" "$@"
}

daemon_start()
{
	local options setting

	daemon_options
	for setting; do
		options+=(-o "$setting")
	done
	touch "$T/tlspactd.log"
	daemon_serving=$(grep -c ': serving ' "$T/tlspactd.log")
	"$B/tlspactd" -d "${options[@]}" 2>>"$T/tlspactd.log" &
	daemon=$!
	wait_for 20 daemon_is_up || {
		cat "$T/tlspactd.log" >&2
		return 1
	}
}

daemon_is_up()
{
	[ "$(grep -c ': serving ' "$T/tlspactd.log")" -gt "$daemon_serving" ]
}

# shellcheck disable=SC2034 # daemon_status is for the caller
daemon_stop()
{
	kill -TERM "$daemon"
	daemon_status=0
	wait "$daemon" || daemon_status=$?
}

daemon_logged()
{
	wait_for 20 grep -Eq "$1" "$T/tlspactd.log" || {
		cat "$T/tlspactd.log"
		return 1
	}
}

lowered()
{
	python3 - "$@" <<-'PYTHON'
	import os, re, subprocess, sys, time
	path, key, until, text = sys.argv[1:]
	until = int(until)
	dump = subprocess.run(["cdb", "-d", path], capture_output=True,
	    check=True).stdout
	rows, at = {}, 0
	while dump[at:at + 1] == b"+":
	    k, v = map(int, re.match(rb"\+(\d+),(\d+):", dump[at:]).groups())
	    at = dump.index(b":", at) + 1
	    name = dump[at:at + k]
	    at += k + 2
	    rows[name] = dump[at:at + v]
	    at += v + 1
	full = rows[key.encode()]
	stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until)).encode()
	rows[key.encode()] = text.encode()
	rows[b" d:" + key.encode()] = (b"partner=acme inbound=require "
	    b"level=encrypt until=" + stamp + b" { full = " + full + b" }")
	rows[b" header"] = re.sub(rb"lowered=0", b"lowered=1", re.sub(
	    rb"expires=\S+", b"expires=" + stamp, rows[b" header"]))
	new = b"".join(b"+%d,%d:%s->%s\n" % (len(k), len(v), k, v)
	    for k, v in rows.items()) + b"\n"
	subprocess.run(["cdb", "-c", "-t", path + ".new", path + ".made"],
	    input=new, check=True)
	os.rename(path + ".made", path)
	PYTHON
}
