#!/usr/bin/env bash
# The accounts, as sysusers and tmpfiles make them: what each of them cannot
# do, and that root's programs become them. All of it happens in a private
# mount namespace, with a passwd of its own.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

[ "$(id -u)" = 0 ] || skip_all 'needs root'
if [ -z "${IN_NAMESPACE-}" ]; then
	unshare -m true 2>/dev/null || skip_all 'cannot unshare mounts'
	rm -rf "$T"
	trap - EXIT
	IN_NAMESPACE=1 exec unshare -m --propagation private "$0" "$@"
fi

chmod 755 "$T"
cd "$T" || exit 1

## The accounts of the file for sysusers, and the folders of that for tmpfiles.
cp /etc/passwd passwd
cp /etc/group group
uid=64300
gid()
{
	awk -F: -v g="$1" '$1 == g { print $3 }' group
}
while read -r type name rest; do
	uid=$((uid + 1))
	case $type in
	u)
		grep -q "^$name:" passwd && continue
		echo "$name:x:$uid:$uid::/:/usr/sbin/nologin" >>passwd
		echo "$name:x:$uid:" >>group
		;;
	m)
		[ -n "$(gid "$rest")" ] || echo "$rest:x:$uid:" >>group
		sed -i -E "s/^($rest:[^:]*:[0-9]+:)(.+)\$/\1\2,$name/;
			s/^($rest:[^:]*:[0-9]+:)\$/\1$name/" group
		;;
	esac
done < <(grep -v '^#' "$TOP/scripts/tlspact.sysusers")
mount --bind passwd /etc/passwd || skip_all 'cannot mount'
mount --bind group /etc/group || skip_all 'cannot mount'
is 'there are four accounts' \
	"$(id -un tlspact _tlsrecord _tlsprobe _tlslog | tr '\n' ' ')" \
	'tlspact _tlsrecord _tlsprobe _tlslog '

mkdir var etc
while read -r type path mode user group _; do
	case $path in
	/var/lib/*) ;;
	*) continue ;;
	esac
	path=var/${path#/var/lib/}
	[ "$type" != d ] || mkdir "$path"
	[ "$type" != f ] || : >"$path"
	chown "$user:$group" "$path"
	chmod "$mode" "$path"
done < <(grep -v '^#' "$TOP/scripts/tlspact.tmpfiles")
map=$T/var/tlspact/policy.cdb
ledger=$T/var/tlspact/ledger.db
evidence=$T/var/tlspact-evidence/evidence.db

echo 'partner acme mode=enforced domain=acme.example' \
	'gateway=mx.acme.example contact=x' >etc/registry
chown root:tlspact etc etc/registry
chmod 750 etc
chmod 640 etc/registry
cat >etc/tlspact.conf <<-CONF
	registry = $T/etc/registry
	map = $map
	ledger = $ledger
	evidence = $evidence
	postfix_version = 3.7
	trust_anchor =
	resolver = 127.0.0.1@1
	probe_timeout = 1
	smtp_port = 1
	helo_name = lab.example
CONF
chmod 644 etc/tlspact.conf
mkdir bin
cp "$B"/tlspact* bin/
chmod 755 bin bin/*
chmod 755 etc

# shellcheck disable=SC2317 # called by ok, run, wait_for
# as USER COMMAND...: that user, with its groups
as()
{
	local user=$1

	shift
	setpriv --reuid="$user" --regid="$user" --init-groups "$@"
}

## Root's programs make files for those who own the folders.
run bin/tlspact-compile -C etc/tlspact.conf
is 'root compiles' "$rc" 0
run bin/tlspactctl -C etc/tlspact.conf downgrade acme --to encrypt \
	--for 1h --reason x --yes --no-flush
is 'root lowers' "$rc" 0
run bin/tlspact-probe -C etc/tlspact.conf --all
is 'root looks' "$rc" 1
like 'and nothing is lost' "$err" '^$'
now=$(date '+%b %e %H:%M:%S')
cat >mail.log <<-LOG
	$now mx postfix/smtp[7]: 4ABCDEF012: to=<a@acme.example>, relay=mx.acme.example[192.0.2.1]:25, delay=1, delays=0/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)
LOG
chown root:adm mail.log
chmod 640 mail.log
run bin/tlspact-log -C etc/tlspact.conf "$T/mail.log"
is 'root reads the log' "$rc" 0
like 'of which a line counts' "$out" '^1 lines: 1 deliveries'
run bin/tlspact-log -C etc/tlspact.conf --json "$T/mail.log"
is 'nor is what is only printed read by root' "$rc" 0
cp mail.log roots.log
chmod 600 roots.log
run bin/tlspact-log -C etc/tlspact.conf --json "$T/roots.log"
is 'who cannot read what root alone can' "$rc" 77
run bin/tlspact-log -C etc/tlspact.conf --json - <roots.log
is 'unless it is handed over' "$rc" 0
# owners FOLDER
owners()
{
	find "$1" -mindepth 1 -printf '%u\n' | sort -u | tr '\n' ' '
}
is 'map and ledger are of tlspact' "$(owners var/tlspact)" 'tlspact '
is 'the evidence is of _tlsrecord' \
	"$(owners var/tlspact-evidence)" '_tlsrecord '
is 'and for nobody but its group to read' \
	"$(find var/tlspact-evidence -type f ! -perm 640)" ''
is 'it has the look and the failure' "$(sqlite3 "$evidence" \
	'SELECT (SELECT count(*) FROM probe) > 0, count(*) FROM failure')" '1|1'
ok 'tlspactctl reads it as tlspact' as tlspact \
	bin/tlspactctl -C etc/tlspact.conf certificates acme

## What an account cannot do.
# cannot ACCOUNT read|write PATH...
cannot()
{
	local user=$1 what=$2 path

	shift 2
	for path; do
		if [ "$what" = read ]; then
			nok "$user cannot read ${path#"$T/"}" \
				as "$user" cat "$path"
		else
			nok "$user cannot write ${path#"$T/"}" as "$user" \
				dd if=/dev/null of="$path" conv=notrunc
			nok "$user cannot replace ${path#"$T/"}" as "$user" \
				mv "$path" "$path.away"
		fi
	done
}
everything=("$map" "$ledger" "$evidence" "$T/etc/registry")
for user in _tlsprobe _tlslog _tlsrecord; do
	case $user in
	_tlsrecord) set -- "$map" "$ledger" "$T/etc/registry" ;;
	*) set -- "${everything[@]}" ;;
	esac
	cannot $user write "$@"
done
cannot _tlsprobe read "$ledger" "$evidence" "$T/etc/registry" "$T/mail.log"
cannot tlspact write "$evidence" "$T/etc/registry"
cannot tlspact read "$T/mail.log"
cannot _tlsrecord read "$T/mail.log"
nok 'tlspact cannot put another folder in the place of the evidence' \
	as tlspact mv var/tlspact-evidence var/tlspact/away
before=$(sqlite3 "$evidence" 'SELECT count(*), max(time) FROM probe')
run as tlspact bin/tlspact-probe -C etc/tlspact.conf --all
is 'tlspact looks, and cannot record' "$rc" 77
is 'nor does it' "$before" \
	"$(sqlite3 "$evidence" 'SELECT count(*), max(time) FROM probe')"
run as tlspact bin/tlspact-log -C etc/tlspact.conf "$T/mail.log"
is 'tlspact cannot count' "$rc" 77

## They are who they should be while they run.
# Slow to end: the resolver is a port that takes and never answers.
python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)' >port &
silent=$!
at_exit kill "$silent"
wait_for 10 test -s port
bin/tlspact-probe -C etc/tlspact.conf -o resolver="127.0.0.1@$(cat port)" \
	-o probe_timeout=5 --all >/dev/null 2>&1 &
probe=$!
# user_of PID: names of real, effective, saved, file system user
user_of()
{
	awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$1/status" |
		tr ' ' '\n' | sort -u | xargs id -un
}
# shellcheck disable=SC2317
child_is()
{
	child=$(pgrep -P "$probe") && [ "$(user_of "$child")" = "$1" ]
}
ok 'the prober is _tlsprobe' wait_for 10 child_is _tlsprobe
is 'the recorder _tlsrecord' "$(user_of "$probe")" _tlsrecord
is 'the prober has no other group' \
	"$(awk '/^Groups:/ { print $2, $3 }' "/proc/$child/status")" \
	"$(id -g _tlsprobe) "
is 'and no file but its end of the pipe' \
	"$(find "/proc/$child/fd" -mindepth 1 -printf '%l\n' |
		grep -c "$T")" 0
wait "$probe"

mkfifo pipe
bin/tlspact-log -C etc/tlspact.conf - <pipe >/dev/null 2>&1 &
probe=$!
exec 7>pipe
ok 'the recorder of the log is _tlsrecord' wait_for 10 child_is _tlsrecord
# shellcheck disable=SC2317
is_log()
{
	[ "$(user_of "$probe")" = _tlslog ]
}
ok 'its reader _tlslog' wait_for 10 is_log
like 'with the groups to read logs and partners' \
	"$(awk '/^Groups:/' "/proc/$probe/status") " \
	" $(gid adm) .*$(gid tlspact) |$(gid tlspact) .*$(gid adm) "
exec 7>&-
wait "$probe"
is 'and it ends well' "$?" 0

## The warden, which is tlspact, has looks recorded by who may.
echo 'partner globex mode=enforced domain=globex.example on-failure=drop' \
	'drop-after=1/15m gateway=mx.globex.example contact=x' >>etc/registry
ok 'a partner that may be lowered' bin/tlspact-compile -C etc/tlspact.conf
# shellcheck disable=SC2317
end_warden()
{
	kill "$probe" 2>/dev/null
}
bin/tlspactd --warden -d -C etc/tlspact.conf -o sendmail=/bin/false \
	>/dev/null 2>warden.err &
probe=$!
at_exit end_warden
ok 'it keeps the ledger' wait_for 20 grep -q keeping warden.err
is 'the warden is tlspact' "$(user_of "$probe")" tlspact
ok 'who starts probes stayed root' child_is root
bin/tlspactd --warden -d -C etc/tlspact.conf -o sendmail=/bin/false \
	>/dev/null 2>second.err &
second=$!
ok 'a second one says that it waits' wait_for 20 grep -q \
	"another warden keeps $ledger" second.err
kill "$second"
wait "$second"
is 'once' "$(grep -c another second.err)" 1
sed 's/acme/globex/g; s/4ABCDEF012/4ABCDEF013/' mail.log >>mail.log.2
cat mail.log.2 >>mail.log
ok 'a failure is counted' bin/tlspact-log -C etc/tlspact.conf "$T/mail.log"
# shellcheck disable=SC2317
globex_seen()
{
	[ "$(sqlite3 "$evidence" "SELECT count(*) > 0 FROM gateway
		WHERE partner = 'globex'")" = 1 ]
}
ok 'then the warden looks, and what is seen is recorded' \
	wait_for 30 globex_seen
is 'by _tlsrecord' "$(owners var/tlspact-evidence)" '_tlsrecord '
starter=$child
kill "$probe"
wait "$probe"
# shellcheck disable=SC2317
is_gone()
{
	[ ! -e "/proc/$starter" ]
}
ok 'and the starter goes with it' wait_for 10 is_gone

## A daemon that root starts first, with no folder for its sockets.
# shellcheck disable=SC2317
serve()
{
	"$@" bin/tlspactd -d -C etc/tlspact.conf -o warden=no \
		-o socket_group=tlspact -o "policy_socket=$T/sock/policy" \
		-o "socketmap_socket=$T/sock/socketmap" >/dev/null 2>serve.err &
	probe=$!
	wait_for 20 serving
}
# shellcheck disable=SC2317
serving()
{
	[ "$(grep -c 'listening' serve.err)" = 2 ]
}
# The function that changes the account is a shell, and waits for the daemon.
stop()
{
	# shellcheck disable=SC2046 # none or one
	kill $(pgrep -P "$probe") "$probe"
	wait "$probe"
}
ok 'root starts it' serve env
like 'it says that it made the folder' "$(cat serve.err)" \
	'made the folder of [^ ]*/sock/[a-z]+'
stop
is "the folder is the account's" "$(stat -c '%U %G %a' sock)" \
	'tlspact tlspact 2750'
is 'and so is all in it' "$(owners sock)" 'tlspact '
is 'the locks are for nobody else' "$(stat -c %a sock/*.lock | sort -u)" 600
ok 'then the account can start it' serve as tlspact
stop

## Without the accounts nothing is done as root instead.
umount /etc/passwd
run bin/tlspact-probe -C etc/tlspact.conf -o probe_user=_tlsnobody --all
is 'no prober, no look' "$rc" 78
like 'in words' "$err" 'there is no user "_tlsnobody"'
run bin/tlspact-log -C etc/tlspact.conf -o log_user=_tlsnobody "$T/mail.log"
is 'no reader, no log' "$rc" 78

done_testing
