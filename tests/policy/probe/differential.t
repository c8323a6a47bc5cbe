#!/usr/bin/env bash
# The verdict of tlspact-probe is that of delivery: certificates and servers in
# every shape through posttls-finger of the installed Postfix and through us.
#
#	tests/policy/probe/differential.t [-v]	-v shows the table; or set
#	DIFFERENTIAL_TABLE=FILE to have it written
#
# Stricter than delivery by intention, and not counted as a difference:
# injected (plain text behind the STARTTLS reply, which Postfix drops in
# silence). Where posttls-finger is known to differ from smtp(8), a mail is
# sent instead.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v posttls-finger >/dev/null || skip_all 'no posttls-finger here'

table=$T/table
said=$T/said row=$T/row
shapes=0
# posttls-finger reads a few parameters of main.cf: let them be the defaults.
mkdir "$T/etc"
printf '%s\n' 'compatibility_level = 3.6' 'inet_protocols = all' \
	>"$T/etc/main.cf"
: >"$T/etc/master.cf"
export MAIL_CONFIG=$T/etc

# delivery LEVEL ca|ta TRUST NEXTHOP WORD...: yes, no; its exit code says
# nothing. What it said is left in $said.
delivery()
{
	local level=$1 kind=$2 trust=$3 nexthop=$4
	local args=(-c -t "$patience" -T "$patience" -L 'summary,untrusted' -l "$level" -g high
		-p '>=TLSv1.2')

	shift 4
	case $level.$kind in
	fingerprint.*) args+=(-d sha256) ;;
	*.ta) args+=(-A "$trust") ;;
	*) args+=(-F "$trust") ;;
	esac
	timeout 60 posttls-finger "${args[@]}" "$nexthop" "$@" </dev/null \
		>"$said" 2>&1
	# It is verified before the last steps, which may fail as well.
	if grep -q 'Verified TLS connection established' "$said" &&
		! sed '1,/connection established/d' "$said" |
		grep -qiE 'lost connection|timed? ?out|refused|[45][0-9][0-9] '; then
		echo yes
	else
		echo no
	fi
}

patience=2 # seconds for each step, on both sides

# probe REGISTRY CA-FILE NEXTHOP: fault class, or why there is none
probe()
{
	local last

	timeout 60 "$B/tlspact-probe" -C /dev/null -o registry="$1" \
		-o ca_file="$2" -o ledger="$T/none.db" -o probe_user= -o log_user= -o evidence="$T/none.db" \
		-o probe_timeout="$patience" \
		-o trust_anchor= -o helo_name=probe.lab.example --no-record \
		"$3" >"$row" 2>"$row.err"
	case $? in
	0 | 1) ;;
	65) echo refused; return ;;
	*) echo "error: $(head -n 1 "$row.err")"; return ;;
	esac
	last=$(sed -n 2p "$row")
	case $last in
	*' pass' | *' pass, '*) echo ok ;;
	*) echo "${last##*FAIL }" ;;
	esac
}

# ours FAULT: does the probe say that mail would be delivered?
ours()
{
	case $1 in
	ok | injected | wrong-issuer | common-name-mismatch) echo yes ;;
	*) echo no ;;
	esac
}

# compare NAME THEIRS FAULT
compare()
{
	local ours

	ours=$(ours "$3")
	shapes=$((shapes + 1))
	printf '%-24s %-10s %-10s %s\n' "$1" "$2" "$ours" "$3" >>"$table"
	is "$1: delivers $2, probe says $3" "$ours" "$2" || {
		diag "$(tail -n 5 "$said")"
		diag "$(cat "$row" "$row.err")"
	}
}

# --- Certificates: the shapes of tests/shapes.h, a port each --------------

port=20000
mkdir "$T/d"
mkfifo "$T/hold"
"$B/tools/mkchain" "$T/d" "$port" <"$T/hold" >"$T/ready" 2>"$T/mkchain.err" &
exec 9>"$T/hold"
wait_for 60 grep -q ready "$T/ready" || bail "mkchain: $(cat "$T/mkchain.err")"

unsaid=()
while read -r name at level kind _ _ pin names; do
	read -ra words <<<"$names"
	nexthop="[127.0.0.1]:$at"
	{
		echo "partner shape mode=enforced domain=$nexthop"
		echo "  contact=a@example.test"
		if [ "$level" = secure ]; then
			[ "$names" = hostname ] || echo "  gateway=${names// /,}"
			[ "$names" != hostname ] || echo '  gateway=hostname'
		else
			echo "  verify=key key=$pin"
			words=("$pin")
		fi
		[ "$kind" = ca ] || echo "  ca=$T/d/$name.trust"
	} >"$T/registry"
	fault=$(probe "$T/registry" "$T/d/$name.trust" "$nexthop")
	# A busy machine makes good servers late, here as below.
	if [ "$fault" = timeout ]; then
		patience=15
		fault=$(probe "$T/registry" "$T/d/$name.trust" "$nexthop")
		patience=2
	fi
	if [ "$fault" = refused ]; then
		unsaid+=("$name")
		continue
	fi
	theirs=$(delivery "$level" "$kind" "$T/d/$name.trust" "$nexthop" \
		"${words[@]}")
	compare "$name" "$theirs" "$fault"
done <"$T/d/index"
exec 9>&-

# --- Servers, found by MX and address in the DNS --------------------------

lab_ca ca || bail 'no CA'
ca=$LAB/pki/ca.pem
specs=()
n=0
# server NAME MODE CERT-NAMES GATEWAY [ADDRESS]: NAME.example, its MX
# mx.NAME.example, and a partner for it
server()
{
	local name=$1 mode=$2 san=$3 address

	n=$((n + 1))
	address=${5:-127.0.3.$n}
	lab_cert "$name" "cn=${san%%,*}" "san=$san" || bail "$name"
	lab_mx "$name.example" "mx.$name.example"
	if [[ $address = *:* ]]; then
		lab_record "mx.$name.example. AAAA $address"
		specs+=("[$address]:25 $mode $LAB/pki/$name.pem")
	else
		lab_record "mx.$name.example. A $address"
		[ "$mode" = closed ] ||
			specs+=("$address:25 $mode $LAB/pki/$name.pem")
	fi
	echo "$name $mode $4" >>"$T/servers"
	echo "partner $name mode=enforced domain=$name.example" \
		"gateway=$4 contact=a@example.test" >>"$T/servers.registry"
}
for mode in good nostarttls lower token params refuse454 refuse554 greet421 \
	greet450 greet554 greet521 noise ehlo4 ehlo5 nohelo masked masked220 ehlotls4 ehlotls421 drop \
	dropehlo dropstarttls close closetls dropehlotls silent silentehlo \
	silentstarttls silenttls silentehlotls blackhole drip endless \
	endlessline bigehlo garbage inject barelf needsni tls10 tls11 tls12 \
	tls13 rsakex dh1024 anon null askcert needcert needcert12 closed; do
	server "$mode" "$mode" "mx.$mode.example" "mx.$mode.example"
done
server nexthop good nexthop.example nexthop,dot-nexthop
server below good a.b.below.example nexthop,dot-nexthop
server not-below good below.example nexthop,dot-nexthop
server hostname good mx.hostname.example hostname
server hostname-not good hostname-not.example hostname
server six good mx.six.example mx.six.example ::1
server six-name good other.example mx.six-name.example fd00::7
lab_record 'alias.example. MX 10 cname.alias.example.'
lab_record 'cname.alias.example. CNAME mx.good.example.'
lab_record 'implicit.example. A 127.0.3.1'
lab_record 'nullmx.example. MX 0 .'
lab_record 'numeric.example. MX 10 127.0.3.1.'
for name in alias:hostname implicit:mx.good.example nullmx:mx.good.example \
	numeric:mx.good.example \
	absent:mx.good.example; do
	echo "${name%:*} dns ${name#*:}" >>"$T/servers"
	echo "partner ${name%:*} mode=enforced domain=${name%:*}.example" \
		"gateway=${name#*:} contact=a@example.test" \
		>>"$T/servers.registry"
done
ip addr add fd00::7/128 dev lo nodad || bail 'no IPv6 address'
"$B/tools/fakemx" "${specs[@]}" >"$T/fakemx" 2>&1 &
wait_for 20 grep -q ready "$T/fakemx" || bail "fakemx: $(cat "$T/fakemx")"

# posttls-finger takes a line that is no reply for a bad one, where smtp(8)
# reads on, gives up where smtp(8) says HELO after a refused EHLO, and says EHLO
# behind a masked greeting, where smtp(8) says HELO.
ok 'the registry compiles' "$B/tlspact-compile" -C /dev/null \
	-o registry="$T/servers.registry" -o ledger="$T/none.db" \
	-o probe_user= -o log_user= -o evidence="$T/none.db" \
	-o map="$LAB/policy.cdb" -o postfix_version=3.7.11 \
	-o fingerprint_digest=sha256
lab_start || bail 'the lab does not start'
# by_mail NAME: yes or no, as delivery says
by_mail()
{
	local qid

	qid=$(lab_send "joe@$1.example") || bail 'the lab takes no mail'
	lab_session "$qid" >"$said"
	case $(lab_status "$qid"),$(cat "$said") in
	sent,Verified*) echo yes ;;
	*) echo no ;;
	esac
}

# Most of it is waiting for the silent ones: some at once.
look()
{
	said=$T/said.$1 row=$T/row.$1
	read -ra words <<<"${2//,/ }"
	case $1 in
	noise | ehlotls4 | masked | masked220) ;;
	*) delivery secure ca "$ca" "$1.example" "${words[@]}" >"$T/$1.theirs" ;;
	esac
	probe "$T/servers.registry" "$ca" "$1.example" >"$T/$1.fault"
}
running=()
while read -r name mode gateway; do
	look "$name" "$gateway" &
	running+=($!)
	[ ${#running[@]} -lt 20 ] || { wait "${running[@]}"; running=(); }
done <"$T/servers"
wait "${running[@]}"
while read -r name mode gateway; do
	said=$T/said.$name row=$T/row.$name
	[ -s "$T/$name.theirs" ] || by_mail "$name" >"$T/$name.theirs"
	# A busy machine makes good servers late: one more look with patience.
	if [ "$(cat "$T/$name.theirs")" != "$(ours "$(cat "$T/$name.fault")")" ] &&
		grep -qi 'time.*out' "$said" "$T/$name.fault"; then
		patience=15
		look "$name" "$gateway"
		patience=2
	fi
	compare "$name" "$(cat "$T/$name.theirs")" "$(cat "$T/$name.fault")"
done <"$T/servers"

diag "$shapes shapes compared; ${#unsaid[@]} that no registry can say:" \
	"${unsaid[*]}"
ok 'at least 40 shapes' test $shapes -ge 40
if [ "${1:-}" = -v ]; then
	diag "$(printf '%-24s %-10s %-10s %s\n' shape delivers probe fault)"
	diag "$(cat "$table")"
fi
[ -z "${DIFFERENTIAL_TABLE:-}" ] || cp "$table" "$DIFFERENTIAL_TABLE"
done_testing
