# shellcheck shell=bash
# world.sh: the namespaces that hold a lab; see lab.sh.

lab_cannot()
{
	if [ -n "${CI:-}" ] || [[ $0 != *.t ]]; then
		echo "$0: $*" >&2
		exit 69
	fi
	echo "1..0 # SKIP $*"
	exit 0
}

# The process outside, which waits. The one inside is process 1 there: with
# it dies all. The kernel ends it too if we are killed.
lab_outside()
{
	local program child status=0

	[ "$(id -u)" = 0 ] || lab_cannot 'needs root'
	for program in postfix postconf postmap cdb nsd drill openssl ip \
		setpriv unshare pgrep; do
		command -v $program >/dev/null ||
			lab_cannot "no $program here; see scripts/install-deps"
	done
	unshare --mount --net --pid --fork true 2>/dev/null ||
		lab_cannot 'may not make namespaces'

	trap 'lab_end 129' HUP
	trap 'lab_end 130' INT
	trap 'lab_end 143' TERM
	LAB=new setpriv --pdeathsig KILL \
		unshare --mount --net --pid --fork --kill-child=KILL \
		--mount-proc bash "$0" "$@" </dev/null &
	child=$!
	wait $child || status=$?
	exit $status
}

lab_end()
{
	local inside

	trap '' HUP INT TERM
	if inside=$(pgrep -P "$child"); then
		# shellcheck disable=SC2086 # one word a process
		kill -KILL $inside
	else
		kill -KILL "$child"
	fi
	wait "$child" 2>/dev/null
	exit "$1"
}

lab_inside()
{
	local dir

	set -u
	export LC_ALL=C.UTF-8 TZ=UTC
	unset MAIL_CONFIG MAIL_VERBOSE MAIL_DEBUG
	# Any standard folder will do that does not hide the tree or the build.
	for dir in /media /srv /mnt /opt; do
		[ -d $dir ] || continue
		case $PWD:$(realpath -m "${B:-.}"): in
		*$dir/*) continue ;;
		esac
		LAB=$dir
		break
	done
	if [ "$LAB" = new ] ||
		! mount -t tmpfs -o mode=755,size=256m lab "$LAB" ||
		! ip link set lo up; then
		lab_cannot 'the namespaces are of no use'
	fi
	mkdir "$LAB/dns" "$LAB/etc" "$LAB/mail" "$LAB/pki" "$LAB/tmp"
	echo 'nameserver 127.0.0.1' >"$LAB/etc/resolv.conf"
	echo 'options trust-ad timeout:2' >>"$LAB/etc/resolv.conf"
	echo '127.0.0.1 localhost' >"$LAB/etc/hosts"
	echo 'hosts: files dns' >"$LAB/etc/nsswitch.conf"
	for dir in resolv.conf hosts nsswitch.conf; do
		[ -e /etc/$dir ] || continue
		mount --bind "$LAB/etc/$dir" /etc/$dir ||
			lab_cannot "cannot cover /etc/$dir"
	done
	: >"$LAB/dns/records"
	: >"$LAB/etc/gateways"
	export LAB TMPDIR=$LAB/tmp
}
