# shellcheck shell=bash
# warden.sh: tlspactd with its warden, tlspact-log and the prober, around a
# lab; source it behind lab.sh and tap.sh.
#
# warden_lab			a CA, a mailbox for notices, no partner yet
# warden_partner NAME		NAME.example with gateway mx1.NAME.example
# warden_registry		from standard input; mode, domain and gateway are
#				added to each line that begins with `partner`
# warden_up [SETTING=VALUE...]	compiles, starts Postfix and all of tlspact
# daemon_up, daemon_down SIGNAL	tlspactd alone
# change NAME CERT-OPTION...	another certificate, from now on
# strip NAME			no STARTTLS from now on
# fail_twice NAME		two mails that fail; $mails are their ids

# shellcheck disable=SC2154 # B and T come from tap.sh
warden_options()
{
	options=(-C /dev/null -o "registry=$T/registry"
		-o "ledger=$LAB/state/ledger.db"
		-o probe_user= -o log_user= -o "evidence=$LAB/state/evidence.db" -o "map=$LAB/policy.cdb"
		-o "ca_file=$LAB/pki/bundle.pem" -o "mail_log=$LAB/send/log"
		-o postfix_version="$(postconf -dh mail_version)"
		-o fingerprint_digest=sha256 -o resolver=127.0.0.1
		-o trust_anchor= -o "policy_socket=$LAB/state/policy"
		-o "socketmap_socket=$LAB/state/socketmap"
		-o service_user= -o socket_group= -o socket_mode=0666
		-o operator=postmaster@ours.example -o helo_name=probe.lab.example
		-o probe_timeout=20s -o "postfix_config=$LAB/send/etc"
		-o "notify_command=cat >>$T/notices.json")
}

warden_lab()
{
	mkdir -p "$LAB/state"
	warden_far=$(date -d '+90 days' +%Y%m%d) # no notice of that
	warden_n=0 warden_decided=0
	warden_options
	: >"$T/tlspactd.log"
	: >"$T/follow.log"
	: >"$T/notices.json"
	lab_ca ca && lab_ca other && cp "$LAB/pki/ca.pem" "$LAB/pki/bundle.pem" &&
		lab_cert ours cn=mx.ours.example || return
	lab_gateway 127.0.2.1 mx.ours.example ours
	lab_mx ours.example mx.ours.example
	lab_mx partners.example mx.ours.example
	chmod 644 "$LAB/pki/bundle.pem"
}

warden_partner()
{
	warden_n=$((warden_n + 1))
	lab_cert "$1" cn="mx1.$1.example" to="$warden_far" || return
	lab_gateway 127.0.1.$warden_n "mx1.$1.example" "$1"
	echo "$1 127.0.1.$warden_n" >>"$LAB/state/partners"
	lab_mx "$1.example" "mx1.$1.example"
}

warden_registry()
{
	sed -E 's/^partner +([a-z0-9]+)/& mode=enforced domain=\1.example gateway=mx1.\1.example/' \
		>"$T/registry"
}

compile() { "$B/tlspact-compile" "${options[@]}"; }
probe() { "$B/tlspact-probe" "${options[@]}" "$@"; }
ctl()
{
	local verb=$1

	shift
	"$B/tlspactctl" "$verb" "${options[@]}" -c "$LAB/send/etc" "$@"
}

# The kernel tells when the log has grown; then tlspact-log reads it.
warden_up()
{
	local setting

	for setting; do
		options+=(-o "$setting")
	done
	compile || return
	# Each mail is tried at once and then waits until it is told.
	lab_start "smtp_tls_CAfile=$LAB/pki/bundle.pem" || return
	"$B/tlspact-log" "${options[@]}" --follow 2>>"$T/follow.log" &
	daemon_up
}

daemon_up()
{
	warden_seen=$(grep -c 'warden: keeping' "$T/tlspactd.log")
	"$B/tlspactd" -d "${options[@]}" 2>>"$T/tlspactd.log" &
	daemon=$!
	wait_for 20 warden_is_up && return
	cat "$T/tlspactd.log" >&2
	return 1
}

warden_is_up()
{
	[ "$(grep -c 'warden: keeping' "$T/tlspactd.log")" -gt "$warden_seen" ]
}

daemon_down()
{
	kill "-$1" "$daemon"
	wait "$daemon" 2>/dev/null
}

# A gateway takes a new certificate when its Postfix reloads.
gateways_reload()
{
	postfix -c "$LAB/recv/etc" reload 2>/dev/null
	sleep 1
}

change()
{
	local name=$1

	shift
	lab_cert "$name-new" cn="mx1.$name.example" to="$warden_far" "$@" || return
	cp "$LAB/pki/$name-new.pem" "$LAB/pki/$name.pem"
	gateways_reload
}

good_again()
{
	lab_cert "$1-good" cn="mx1.$1.example" to="$warden_far" key="$1" ||
		return
	cp "$LAB/pki/$1-good.pem" "$LAB/pki/$1.pem"
	gateways_reload
}

strip()
{
	local address

	address=$(sed -n "s/^$1 //p" "$LAB/state/partners")
	postconf -c "$LAB/recv/etc" -P \
		"$address:25/inet/smtpd_tls_security_level=none" || return
	gateways_reload
}

# Notes when the second failure stands in the log, by our own clock.
fail_twice()
{
	mails=("$(lab_send "joe@$1.example")")
	mails+=("$(lab_send "joe@$1.example")")
	wait_for 20 both_failed || return
	warden_failed=${EPOCHREALTIME/./}
}

both_failed()
{
	local qid

	for qid in "${mails[@]}"; do
		grep -q "$qid: to=.*status=deferred" "$LAB/send/log" || return
	done
}

kept() { grep -Eq "warden: $1" "$T/tlspactd.log"; }

lowered_to()
{
	kept "$1: lowered to $2 until" || return
	warden_decided=${EPOCHREALTIME/./}
}

latency() { echo "$(((warden_decided - warden_failed) / 1000)) ms"; }

# shellcheck disable=SC2086
arrived()
{
	local n

	n=$(grep -c "$1: to=" "$LAB/send/log")
	[ "$n" -gt 1 ] && [ "$(lab_outcome "$1" "$n")" = "$2" ]
}

policy() { postmap -c "$LAB/send/etc" -q "$1" "cdb:$LAB/policy"; }
is_secure() { [[ $(policy "$1") == secure* ]]; }
notices() { cat "$LAB"/mail/in/new/* 2>/dev/null; }
told() { notices | grep -q "^Subject: \[tlspact\] $1"; }
told_to()
{
	# xargs without a file to look at would be content.
	grep -l "^To: $1" "$LAB"/mail/in/new/* 2>/dev/null |
		xargs grep -q "^Subject: \[tlspact\] $2" /dev/null
}
no_notice_twice()
{
	[ -z "$(sed 's/.*"kind":"[^"]*","key":"\([^"]*\)".*/\1/' \
		"$T/notices.json" | sort | uniq -d)" ]
}
sql() { sqlite3 "$LAB/state/ledger.db" "$1"; }
lowered()
{
	[ "$(sql "SELECT count(*) FROM downgrade WHERE partner = '$1'")" -gt 0 ]
}
ended()
{
	[ "$(sql "SELECT closed_why FROM downgrade WHERE partner = '$1'
		ORDER BY id DESC LIMIT 1")" = "$2" ]
}
history_of() { sql "SELECT kind FROM event WHERE partner = '$1'"; }
is_lowered() { ! is_secure "$1"; }
