#!/usr/bin/env bash
# The way back needs nothing: each broken thing, by each way to end a
# downgrade. Each cell is a partner with a map of its own, which was lowered to
# clear text; afterwards Postfix has to see its full row, and mail to its
# server, which has no STARTTLS, must not leave. But for the way by tlspactd
# no daemon of ours runs in a cell.
# shellcheck disable=SC2317 # called through each and in_background
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v sqlite3 >/dev/null || skip_all 'no sqlite3 here'

full='secure match=mx1.plain.example protocols=>=TLSv1.2 ciphers=high'
soon=12 # seconds from then on to break what is to be broken
# NAME|exit code of tlspact-compile|of tlspactctl restore
broken=(
	'registry broken|65|0' 'registry missing|66|0'
	'registry unreadable|77|0' 'CA file missing|65|65'
	'guard refuses|65|0' 'no answer of postconf|69|69'
	'ledger damaged|65|65' 'ledger locked|75|75'
	'ledger missing|66|66' 'ledger unreadable|77|77'
	'registry and ledger|65|65' 'disk full|74|74' 'all is well|0|0'
)
ways=(compile tlspactd restore)

# The programs, where an account without rights can run them.
mkdir "$LAB/bin" "$LAB/cells"
cp "$B"/tlspact-compile "$B"/tlspactctl "$B"/tlspactd "$LAB/bin"
version=$(postconf -dh mail_version)

# as_tlspact COMMAND...	as the account of the service would; below $cell
as_tlspact()
{
	local become=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

	if [ -e "$cell/no-postconf" ]; then
		# shellcheck disable=SC2016 # for the inner shell
		unshare --mount bash -c 'mount --bind /dev/null /usr/sbin/postconf &&
			exec "$@"' - "${become[@]}" "$@"
	else
		"${become[@]}" "$@"
	fi
}

# tool PROGRAM [ARGUMENT...]
tool()
{
	local program=$1 options

	shift
	options=(-C /dev/null -o "registry=$cell/registry"
		-o "map=$cell/state/policy.cdb" -o "ledger=$cell/state/ledger.db"
		-o "evidence=$cell/evidence.db"
		-o fingerprint_digest=sha256 -o resolver=127.0.0.1
		-o policy_socket="$cell/state/policy" -o socketmap_socket=
		-o service_user= -o socket_group= -o socket_mode=0666
		-o warden=no -o max_weakened=0)
	[[ $name == *postconf ]] || options+=(-o postfix_version="$version")
	as_tlspact "$LAB/bin/$program" "${options[@]}" "$@"
}

row()
{
	postmap -q "$domain" "cdb:$cell/state/policy"
}

is_full()
{
	[ "$(row)" = "$full" ]
}

is_over()
{
	[ "$(date +%s)" -gt "$over" ]
}

# note TEST...	a line for $cell/notes if the test fails
note()
{
	"${@:2}" >>"$cell/said" 2>&1 || echo "$1" >>"$cell/notes"
}

break_it()
{
	local ledger=$cell/state/ledger.db

	case $name in
	'registry broken') echo partner >>"$cell/registry" ;;
	'registry missing') rm "$cell/registry" ;;
	'registry unreadable') chmod 600 "$cell/registry" ;;
	'CA file missing') rm "$cell/ca.pem" ;;
	'guard refuses') sed -i /others/d "$cell/registry" ;;
	'no answer of postconf') : >"$cell/no-postconf" ;;
	'ledger damaged')
		rm "$ledger"-*
		head -c 8192 /dev/urandom >"$ledger"
		;;
	'ledger locked')
		{
			echo 'PRAGMA locking_mode = exclusive;'
			echo 'BEGIN IMMEDIATE;'
			echo "UPDATE head SET count = count;"
			echo '.print locked'
			sleep 300
		} | sqlite3 "$ledger" >"$cell/lock" 2>&1 &
		wait_for 10 grep -q locked "$cell/lock"
		;;
	'ledger missing') rm "$ledger" "$ledger"-* ;;
	'ledger unreadable') chown root "$ledger"* && chmod 600 "$ledger"* ;;
	'registry and ledger')
		echo partner >>"$cell/registry"
		rm "$ledger"-*
		head -c 8192 /dev/urandom >"$ledger"
		;;
	'disk full') ! dd if=/dev/zero of="$cell/state/filled" bs=4k ;;
	esac
}

# A partner that is lowered for an hour, and whose server takes mail so.
prepare()
{
	mkdir -p "$cell/state"
	mount -t tmpfs -o mode=755,size=1m cell "$cell/state"
	chown nobody:nogroup "$cell/state"
	cp "$LAB/pki/ca.pem" "$cell/ca.pem"
	cat >"$cell/registry" <<-REGISTRY
	partner $id mode=enforced domain=$domain gateway=mx1.plain.example contact=x
	partner others mode=enforced domain=x.$domain,y.$domain contact=x ca=$cell/ca.pem
	REGISTRY
	note 'does not compile' tool tlspact-compile
	note 'is not lowered' tool tlspactctl downgrade "$id" --for 1h \
		--reason test --to opportunistic --yes --no-flush
	note 'has no spare' test -s "$cell/state/policy.cdb.full"
	[ "$(row)" = may ] || echo 'is not clear before' >>"$cell/notes"
}

# By now each has sent its mail in clear. What is broken breaks, then it ends.
try()
{
	local rc=0 over daemon=

	if [ "$way" != restore ]; then
		note 'is not shortened' tool tlspactctl extend "$id" --for "${soon}s"
		over=$(($(date +%s) + soon))
	fi
	if [ "$way" = tlspactd ]; then
		# Its children see what it sees.
		[[ $name != *postconf ]] || : >"$cell/no-postconf"
		tool tlspactd -d 2>"$cell/tlspactd.log" &
		daemon=$!
		wait_for 10 grep -q ': serving ' "$cell/tlspactd.log"
	fi
	break_it >"$cell/broken" 2>&1
	[ "$(row)" = may ] || echo 'ended before it was broken' >>"$cell/notes"
	case $way in
	compile)
		wait_for $((soon + 5)) is_over
		tool tlspact-compile >"$cell/out" 2>"$cell/err" || rc=$?
		;;
	tlspactd)
		wait_for $((soon + 20)) is_full
		;;
	restore)
		tool tlspactctl restore "$id" --reason test \
			>"$cell/out" 2>"$cell/err" || rc=$?
		grep -q "$id is back at secure" "$cell/out" ||
			echo 'does not say that it is back' >>"$cell/notes"
		;;
	esac
	echo "$rc" >"$cell/rc"
	tool tlspactctl status "$id" >"$cell/status" 2>&1
	! grep -v 'was lowered to' "$cell/status" | grep -q 'lowered to' ||
		echo 'is still told to be lowered' >>"$cell/notes"
	[ -z "$daemon" ] || kill "$daemon"
}

# each FUNCTION	for each cell, with $cell, $id, $domain, $name, $way, $want
each()
{
	local b i=0

	for b in "${broken[@]}"; do
		for way in "${ways[@]}"; do
			i=$((i + 1))
			id=p$i
			domain=p$i.example
			cell=$LAB/cells/$i
			IFS='|' read -r name code restore_code <<<"$b"
			[ "$way" != restore ] || code=$restore_code
			"$@"
		done
	done
}

# in_background FUNCTION	all cells at once
in_background()
{
	"$@" &
	jobs+=($!)
}

add_cell()
{
	lab_mx "$domain" mx1.plain.example
	maps+=${maps:+,}cdb:$cell/state/policy
}

send_mail()
{
	lab_send "joe@$domain" >"$cell/$1"
}

clear_before()
{
	[ "$(lab_outcome "$(<"$cell/before")")" = clear ] ||
		echo 'mail did not go in clear before' >>"$cell/notes"
}

report()
{
	local title="$name, $way" outcome

	is "$title: the full row" "$(row)" "$full" ||
		diag "$(cat "$cell"/{said,broken,out,err,tlspactd.log} 2>&1)"
	[ "$way" = tlspactd ] || is "$title: exit code" "$(<"$cell/rc")" "$code" ||
		diag "$(cat "$cell"/{said,broken,out,err} 2>&1)"
	is "$title: what came before and what is told" \
		"$(cat "$cell/notes" 2>/dev/null)" '' ||
		diag "$(cat "$cell"/{said,broken,out,err,status} 2>&1)"
	outcome=$(lab_outcome "$(<"$cell/after")")
	is "$title: mail" "$outcome" 'held: TLS is required, but was not offered'
}

lab_ca ca || bail 'no CA'
lab_gateway 127.0.1.1 mx1.plain.example none
maps=''
only=${ONLY:-}
[ -z "$only" ] || broken=("$only")
each add_cell
jobs=()
each in_background prepare
wait "${jobs[@]}"
cp "$LAB/cells/1/state/policy.cdb" "$LAB/policy.cdb"
lab_start "smtp_tls_policy_maps=$maps" || bail 'the lab does not start'
each send_mail before
each clear_before
jobs=()
each in_background try
wait "${jobs[@]}"
each send_mail after
each report

done_testing
