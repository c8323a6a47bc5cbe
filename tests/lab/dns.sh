# shellcheck shell=bash
# dns.sh: the name server of the lab; see lab.sh.

# lab_record RECORD	a line for the zone, names complete: 'a.example. A ...'
lab_record()
{
	printf '%s\n' "$*" >>"$LAB/dns/records"
}

# lab_mx DOMAIN HOST...	who takes the mail of a domain, in this order
lab_mx()
{
	local domain=$1 host n=0

	shift
	for host; do
		lab_record "$domain. MX $((n += 10)) $host."
	done
}

lab_dns_answers()
{
	drill -4 -t @127.0.0.1 . SOA 2>/dev/null | grep -q "$1"
}

# lab_dns		starts the name server; again, after new records
lab_dns()
{
	if [ -n "${lab_nsd:-}" ]; then
		kill "$lab_nsd"
		wait "$lab_nsd"
	fi
	lab_serial=$((${lab_serial:-1000} + 1))
	# One zone, the root: every name there is, is here. A signed one would
	# go through ldns-signzone at this point.
	{
		echo "\$TTL 60"
		echo ". SOA ns.lab.example. root.lab.example. $lab_serial 60 60 60 1"
		echo '. NS ns.lab.example.'
		echo 'ns.lab.example. A 127.0.0.1'
		cat "$LAB/dns/records"
	} >"$LAB/dns/root.zone"
	cat >"$LAB/dns/nsd.conf" <<-CONF
	server:
		ip-address: 127.0.0.1
		server-count: 1
		username: ""
		chroot: ""
		zonesdir: "$LAB/dns"
		database: ""
		pidfile: ""
		xfrdfile: ""
		xfrdir: "$LAB/dns"
		zonelistfile: "$LAB/dns/zone.list"
		logfile: "$LAB/dns/log"
	remote-control:
		control-enable: no
	zone:
		name: "."
		zonefile: "root.zone"
	CONF
	nsd -d -c "$LAB/dns/nsd.conf" >>"$LAB/dns/log" 2>&1 &
	lab_nsd=$!
	wait_for 20 lab_dns_answers "$lab_serial" && return
	echo 'lab: the name server does not answer:' >&2
	cat "$LAB/dns/log" >&2
	return 1
}
