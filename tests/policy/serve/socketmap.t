#!/usr/bin/env bash
# Mail that goes out: real smtp(8), in its chroot, asks tlspactd by socketmap,
# and finds what it finds in the map itself.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/tlspactd.sh
. "$(dirname "$0")/../../lab/tlspactd.sh"

MAP=$LAB/policy.cdb
SOCKETS=$LAB/send/spool/tlspact

lab_ca ca || bail 'no CA'
for name in good wrong; do
	lab_cert $name cn=mx1.$name.example || bail 'no certificate'
done
lab_gateway 127.0.1.1 mx1.good.example good
lab_gateway 127.0.1.2 mx1.wrong.example wrong
lab_gateway 127.0.1.3 mx1.plain.example none
lab_gateway 127.0.2.1:2525 mx1.routed.example good
lab_mx good.example mx1.good.example
lab_mx sub.good.example mx1.good.example
lab_mx xn--mnchen-3ya.example mx1.good.example
lab_mx wrong.example mx1.wrong.example
lab_mx plain.example mx1.plain.example
lab_mx stranger.example mx1.plain.example
lab_mx open.example mx1.wrong.example

cat >"$T/registry" <<'REGISTRY'
partner good mode=enforced domain=good.example,.good.example
        gateway=mx1.good.example contact=a@b.example
partner wrong mode=enforced domain=wrong.example gateway=mx1.good.example
        contact=a@b.example
partner plain mode=enforced domain=plain.example gateway=mx1.plain.example
        contact=a@b.example
partner muc mode=enforced domain=münchen.example gateway=mx1.good.example
        contact=a@b.example
partner routed mode=enforced domain=[mx1.routed.example]:2525
        gateway=mx1.good.example contact=a@b.example
partner open mode=opportunistic domain=open.example
REGISTRY
run compile
is 'the registry compiles' "$rc$err" 0 || bail 'nothing to test'
mkdir -p "$LAB/send/spool/etc"
cp "$LAB"/etc/{resolv.conf,hosts,nsswitch.conf} "$LAB/send/spool/etc"
cp /etc/services "$LAB/send/spool/etc"

# The sockets belong to this one, as to systemd; whoever serves may die.
mkdir -p "$SOCKETS"
cat >"$T/keeper.py" <<'PYTHON'
import os, signal, socket, sys
files, command = sys.argv[1].split(","), sys.argv[2:]
os.umask(0)
sockets = []
for path in files:
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(1024)
    sockets.append(os.dup2(s.fileno(), 20 + len(sockets)))
    s.close()
for i, fd in enumerate(sockets):
    os.dup2(fd, 3 + i)
stop = []
child = 0
def end(sig, frame):
    stop.append(sig)
    os.kill(child, sig)
signal.signal(signal.SIGTERM, end)
while not stop:
    child = os.fork()
    if child == 0:
        os.environ.update(LISTEN_FDS=str(len(files)),
            LISTEN_PID=str(os.getpid()))
        os.execv(command[0], command)
    open(os.path.join(os.path.dirname(sys.argv[0]), "pid"), "w").write(
        str(child))
    while True:
        try:
            os.waitpid(child, 0)
            break
        except InterruptedError:
            pass
PYTHON
daemon_options
python3 "$T/keeper.py" "$SOCKETS/socketmap,$SOCKETS/policy" \
	"$B/tlspactd" -d "${options[@]}" 2>"$T/tlspactd.log" &
keeper=$!
ok 'tlspactd takes over sockets' daemon_logged \
	'socketmap: listening on .*, handed over by systemd' ||
	bail 'nothing to test'
ok 'both of them' daemon_logged 'policy: listening on .*, handed over'
ok 'and serves' daemon_logged ': serving 7 domains'

routes='{ routed.example = smtp:[mx1.routed.example]:2525 }'
lab_start "transport_maps=inline:{ $routes }" || bail 'the lab does not start'

recipients=(joe@good.example joe@GOOD.Example joe@sub.good.example
	joe@Sub.Good.example joe@wrong.example joe@plain.example
	joe@xn--mnchen-3ya.example joe@münchen.example joe@MÜNCHEN.Example
	joe@routed.example joe@open.example joe@stranger.example)
# results		what became of a mail to each of them
results()
{
	local to qid

	for to in "${recipients[@]}"; do
		qid=$(lab_send "$to") || return
		echo "$to $(lab_outcome "$qid")"
	done
}

by_map=$(results)
is 'all were sent through cdb:' "$(wc -l <<<"$by_map")" ${#recipients[@]}
postsuper -c "$LAB/send/etc" -d ALL 2>/dev/null
ok 'smtp(8) asks tlspactd from now on, in its chroot' postconf \
	-c "$LAB/send/etc" -e \
	'smtp_tls_policy_maps=socketmap:unix:tlspact/socketmap:policy'
postconf -c "$LAB/send/etc" -F smtp/unix/chroot=y
ok 'Postfix is reloaded' postfix -c "$LAB/send/etc" reload
sleep 1
by_service=$(results)
is 'through socketmap: the same' "$by_service" "$by_map"
like 'and not by chance: verified' "$by_service" \
	'joe@Sub.Good.example verified TLSv1.3'
like 'and held' "$by_service" 'joe@plain.example held: TLS is required'
nok 'nothing was unclear to Postfix' grep -E 'warning: .*(socketmap|policy)' \
	"$LAB/send/log"
postsuper -c "$LAB/send/etc" -d ALL 2>/dev/null

# The file goes; the last good one stays.
outcome()
{
	local qid

	qid=$(lab_send "$1") && lab_outcome "$qid"
	postsuper -c "$LAB/send/etc" -d ALL 2>/dev/null
}
cp "$MAP" "$T/good.cdb"
: >"$MAP"
ok 'a truncated map is told' daemon_logged 'damaged or not a cdb file; still'
like 'a partner' "$(outcome joe@good.example)" '^verified '
head -c 9000 /dev/urandom >"$MAP"
sleep 1.2
like 'with random bytes' "$(outcome joe@good.example)" '^verified '
like 'with random bytes, enforced' "$(outcome joe@plain.example)" '^held: '
rm "$MAP"
ok 'a missing map is told' daemon_logged 'No such file or directory; still'
like 'without a map' "$(outcome joe@good.example)" '^verified '
cp "$T/good.cdb" "$MAP"

# A downgrade, to the second.
end=$(($(date +%s) + 8))
ok 'a downgrade' lowered "$MAP" plain.example $end may
ok 'is taken over' daemon_logged '1 lowered'
is 'lets mail out' "$(outcome joe@plain.example)" clear
while [ "$(date +%s)" -lt $end ]; do sleep 0.05; done
like 'and at its end no more' "$(outcome joe@plain.example)" '^held: '

# Killed again and again while mail flows.
: >"$LAB/send/log.before"
before=$(grep -c 'status=sent' "$LAB/send/log")
(
	for _ in {1..8}; do
		sleep 0.3
		kill -KILL "$(cat "$T/pid")"
	done
) &
killer=$!
count=60
for ((i = 0; i < count; i++)); do
	lab_send "load$i@good.example" >/dev/null || break
done
is 'mail was taken' $i $count
wait $killer
# shellcheck disable=SC2317 # called by wait_for
all_sent()
{
	[ "$(grep -c 'to=<load.*status=sent' "$LAB/send/log")" = "$count" ]
}
ok 'kill -9 loses no mail' wait_for 30 all_sent || diag "before: $before"
nok 'nor delays any' grep 'to=<load.*status=deferred' "$LAB/send/log"
# Not each of the eight may have come to that.
ok 'tlspactd had been killed' test \
	"$(grep -c ': serving' "$T/tlspactd.log")" -ge 4

kill -TERM $keeper
wait $keeper 2>/dev/null
like 'without anybody mail waits' "$(outcome joe@good.example)" '^held: '
done_testing
