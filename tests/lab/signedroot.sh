# shellcheck shell=bash
# signedroot.sh: a name server with the signed root of tests/dns, for a test
# that has $T and $TOP of tap.sh.

# signed_root [LINE...]	starts it at 127.0.0.1@$port, with more zones in these
#			lines of nsd.conf(5)
signed_root()
{
	port=$((20000 + $$ % 20000))
	cat >"$T/nsd.conf" <<-NSD
	server:
	 ip-address: 127.0.0.1@$port
	 zonesdir: "$TOP/tests/dns"
	 database: ""
	 username: ""
	 chroot: ""
	 pidfile: ""
	 zonelistfile: "$T/zones"
	 xfrdfile: "$T/xfrd"
	 logfile: "$T/nsd.log"
	remote-control:
	 control-enable: no
	zone:
	 name: .
	 zonefile: root.zone
	NSD
	[ $# = 0 ] || printf '%s\n' "$@" >>"$T/nsd.conf"
	nsd -d -c "$T/nsd.conf" &
	at_exit kill $!
}
