#!/usr/bin/env bash
# tlspactd itself: options, sockets, clients of every kind, maps of every kind.
# What is in single quotes is for eval, and functions are called by name.
# shellcheck disable=SC2016,SC2317
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"
# shellcheck source=tests/lab/wait.sh
. "$(dirname "$0")/../lab/wait.sh"
# shellcheck source=tests/lab/tlspactd.sh
. "$(dirname "$0")/../lab/tlspactd.sh"

MAP=$T/policy.cdb
SOCKETS=$T/s
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=a@b.example
partner muc mode=enforced domain=münchen.example,[mx.example]:25
        gateway=mx1.acme.example contact=a@b.example
partner open mode=opportunistic domain=open.example
REGISTRY

# client SCRIPT...	a Python script with a few helpers
client()
{
	timeout 120 python3 -c "
import os, select, socket, sys, time
def connect(name='socketmap'):
    s = socket.socket(socket.AF_UNIX)
    s.connect('$SOCKETS/' + name)
    s.settimeout(20)
    return s
def ns(key, name=b'policy'):
    p = name + b' ' + key
    return b'%d:%s,' % (len(p), p)
def answer(s, n=1):
    got = b''
    while got.count(b',') < n:
        more = s.recv(65536)
        if not more:
            return got + b'<closed>'
        got += more
    return got
def request(**more):
    d = dict(request='smtpd_access_policy', protocol_state='RCPT',
        client_name='unknown', sender='joe@acme.example', recipient='a@b',
        instance='1.2')
    d.update(more)
    return ''.join('%s=%s\n' % i for i in d.items()).encode() + b'\n'
def policy(s):
    got = b''
    while not got.endswith(b'\n\n'):
        more = s.recv(65536)
        if not more:
            return got + b'<closed>'
        got += more
    return got
def closed(s):
    try:
        return s.recv(65536) == b''
    except ConnectionResetError:
        return True
$1"
}

run "$B/tlspactd" -V
like '-V' "$rc $out" '^0 tlspactd '
run "$B/tlspactd" -h
like '-h' "$rc $out" '^0 usage: tlspactd '
run "$B/tlspactd" -x
is 'an unknown option' $rc 64
run "$B/tlspactd" -C /dev/null -o socket_mode=660
is 'a bad setting' "$rc" 78
run "$B/tlspactd" -C /dev/null -o policy_socket=nowhere
like 'a bad address' "$rc $err" '^78 .*is not /path'
run "$B/tlspactd" -C /dev/null -o policy_socket= -o socketmap_socket= \
	-o socket_group=
is 'nothing to listen on' "$rc" 78
run daemon_start
like 'without a map it does not start' "$err" 'run tlspact-compile first'
is 'and leaves no socket' "$(find "$SOCKETS" -type s)" ''
run compile
is 'the registry compiles' "$rc$err" 0 || bail 'nothing to test'
mkdir "$T/postfix"
echo 'smtp inet n - n - - smtpd' >"$T/postfix/master.cf"
printf '%s\n' 'append_dot_mydomain = yes' 'mydomain = example' \
	'smtpd_tls_security_level = may' 'smtpd_tls_cert_file = none' \
	>"$T/postfix/main.cf"
daemon_start postfix_config="$T/postfix" client_timeout=1s max_clients=900 metrics_interval=1s \
	metrics_file="$T/metrics" || bail 'tlspactd does not start'
is 'mode of the sockets' "$(stat -c %a "$SOCKETS"/policy "$SOCKETS"/socketmap |
	tr '\n' ' ')" '666 666 '

# The socketmap protocol.
acme='OK secure match=mx1.acme.example protocols=>=TLSv1.2 ciphers=high'
acme="${#acme}:$acme,"
is 'a domain' "$(client "s = connect(); s.send(ns(b'acme.example'))
print(answer(s).decode())")" "$acme"
is 'all forms of a key, one after the other' "$(client "
s = connect()
for k in ('ACME.Example', '.acme.example', '.ACME.example', 'münchen.example',
    'MÜNCHEN.Example', 'xn--mnchen-3ya.example', '[mx.example]:25',
    '[MX.example]:25'):
    s.send(ns(k.encode()))
    assert answer(s).decode() == '$acme', k
s.send(ns(b'open.example'))
print(answer(s).decode())")" '6:OK may,'
is 'what is not there' "$(client "
s = connect()
for k in (b'x.acme.example', b'acme.example.', b'example', b'', b'.', b' ',
    b' header', b' d:acme.example', b'\0', b'acme.example\0', b'a' * 9000,
    b'\xff\xfe.example', b'[', b'[mx.example]:26', b'mx.example:25'):
    s.send(ns(k))
    assert answer(s) == b'9:NOTFOUND ,', k
print('ok')")" ok
is 'any name of the table' "$(client "s = connect()
s.send(ns(b'acme.example', b'whatever')); print(answer(s).decode())")" "$acme"
is 'many at once' "$(client "s = connect()
s.send(ns(b'acme.example') * 500 + ns(b'x')); got = answer(s, 501)
print(got == b'$acme' * 500 + b'9:NOTFOUND ,')")" True
is 'byte by byte' "$(client "s = connect()
for b in ns(b'acme.example'):
    s.send(bytes([b])); time.sleep(0.002)
print(answer(s).decode())")" "$acme"
is 'no name: a permanent error' "$(client "s = connect()
s.send(b'3:abc,'); print(answer(s).decode()[:8])")" '26:PERM '
for bad in '01:a,' 'x' '-1:a,' '1:ab' '10001:' '99999999999999999999:' ':,' \
	' 1:a,'; do
	is "no netstring: $bad" "$(client "s = connect()
s.send(b'$bad'); print(closed(s))")" True
done
is 'what came before is answered' "$(client "s = connect()
s.send(ns(b'open.example') + b'rubbish'); print(answer(s), closed(s))")" \
	"b'6:OK may,' True"

# Whose mail is refused, though the map has no name beside a plain row;
# first, for there are 20 such lines a minute at most.
is 'mail of three is refused' "$(client "s = connect('policy')
for of in 'joe@acme.example', 'joe@a.b.acme.example', 'joe@MÜNCHEN.example':
    s.send(request(sender=of, instance='')); print(policy(s)[7:17])" | uniq -c |
	xargs)" '3 b450 4.7.10'
for of in acme.example:acme .acme.example:acme xn--mnchen-3ya.example:muc; do
	ok "the log names the partner of ${of%:*}" daemon_logged \
		"inbound defer: .*: domain=${of%:*} partner=${of#*:} client="
done

# The policy protocol.
is 'refused' "$(client "s = connect('policy'); s.send(request())
print(policy(s)[:18])")" "b'action=450 4.7.10 '"
is 'one answer for one transaction' "$(client "s = connect('policy')
s.send(request()); a = policy(s)
s.send(request(encryption_protocol='TLSv1.3')); b = policy(s)
s.send(request(encryption_protocol='TLSv1.3', instance='1.3')); c = policy(s)
print(a == b, c)")" "True b'action=DUNNO\\n\\n'"
is 'and none is taken for that of another' "$(client "s = connect('policy')
s.send(request()); a = policy(s)
s.send(request(encryption_protocol='TLSv1.3', instance='1' * 65))
b = policy(s); s.send(request()); c = policy(s)
print(a == c, b)")" "True b'action=DUNNO\\n\\n'"
is 'a filter that hands mail back' "$(client "s = connect('policy')
for a in ('client_address', 'server_address'):
    for v in ('127.0.0.1', '127.99.0.1', '::1'):
        s.send(request(**{a: v}))
        assert policy(s) == b'action=DUNNO\n\n', (a, v)
for v in ('192.0.2.1', '::', '2001:db8::1', '128.0.0.1', '', '127'):
    s.send(request(client_address=v, server_address=v, instance=''))
    assert policy(s)[:14] == b'action=450 4.7', v
print('ok')")" ok
if command -v postconf >/dev/null; then
	appended()
	{
		[ "$(client "s = connect('policy')
for sender in ('joe@acme', 'joe%ACME', 'acme!joe'):
    s.send(request(sender=sender, instance=''))
    assert policy(s)[:14] == b'action=450 4.7', sender
for sender in ('joe@other', 'joe@acme.', 'joe', 'joe@[acme]', 'acme'):
    s.send(request(sender=sender, instance=''))
    assert policy(s) == b'action=DUNNO\n\n', sender
print('ok')" 2>/dev/null)" = ok ]
	}
	ok 'what Postfix appends to names' wait_for 10 appended
else
	skip 'what Postfix appends to names' 'no Postfix here'
fi
is 'before the sender is known' "$(client "s = connect('policy')
for i in ('CONNECT', 'EHLO', 'VRFY', 'ETRN', '', 'NONSENSE'):
    s.send(request(protocol_state=i)); a = policy(s)
    assert a == b'action=DUNNO\n\n', a
print('ok')")" ok
is 'and at each step from then on' "$(client "s = connect('policy')
for i in ('MAIL', 'RCPT', 'DATA', 'END-OF-MESSAGE'):
    s.send(request(protocol_state=i, instance='')); a = policy(s)
    assert a[:18] == b'action=450 4.7.10 ', (i, a)
print('ok')")" ok
is 'pipelined' "$(client "s = connect('policy')
s.send(request(sender='a@b.example', instance='') * 300); n = 0
while n < 300 * 14: n += len(s.recv(65536))
print(n)")" 4200
is 'in two pieces, cut anywhere' "$(client "
r = request(sender='a@b.example')
for i in range(1, len(r), 7):
    s = connect('policy')
    s.send(r[:i]); time.sleep(0.001); s.send(r[i:])
    assert policy(s) == b'action=DUNNO\n\n', i
print('ok')")" ok
is 'odd bytes in values' "$(client "s = connect('policy')
s.send(b'request=smtpd_access_policy\nprotocol_state=RCPT\n'
    b'sender=\"\r\xff \x01 b\"@acme.example\nx==\n=\n\n')
print(policy(s)[:18])")" "b'action=450 4.7.10 '"
nok 'none of which gets into the log' grep -q "$(printf '[\001\r\377]')" \
	"$T/tlspactd.log"
for bad in "request(x='a' * 40000)" "b'x=' + b'a' * 10_000_000" \
	"b'request=smtpd_access_policy\r\nsender=\r\n\r\n'" "b'\n'" \
	"b'request=smtpd_access_policy\nfoo\n\n'" "b'request=other\n\n'" \
	"request(sender='a\0@acme.example')" "b'\0' * 100000" "ns(b'x') * 5000"; do
	is "closed: ${bad:0:50}" "$(client "s = connect('policy')
try:
    s.sendall($bad)
except (BrokenPipeError, ConnectionResetError):
    pass
print(closed(s) or closed(s))")" True
done

# Clients that dawdle.
is 'half a request is not waited for' "$(client "
idle = connect(); a = connect(); b = connect('policy')
a.send(b'20:policy '); b.send(b'request=smtpd_access_policy\n')
begin = time.time()
print(closed(a), closed(b), time.time() - begin < 5)
idle.send(ns(b'open.example')); print(answer(idle))")" \
	$'True True True\nb\'6:OK may,\''
is 'an unread answer is not waited for' "$(client "
s = connect(); s.setblocking(False)
try:
    while True: s.send(ns(b'acme.example') * 100)
except BlockingIOError:
    pass
time.sleep(3)
try:
    s.send(b'x'); s.setblocking(True)
    while s.recv(1 << 20): pass
    print('closed')
except OSError:
    print('closed')")" closed
is 'others are served meanwhile' "$(client "
mad = [connect('policy') for i in range(50)]
for m in mad: m.setblocking(False)
end = time.time() + 1; worst = 0
s = connect()
while time.time() < end:
    for m in mad:
        try: m.send(b'x=' + b'a' * 8192)
        except OSError: pass
    t = time.time(); s.send(ns(b'acme.example')); answer(s)
    worst = max(worst, time.time() - t)
print(worst < 0.5)")" True
is 'more clients than max_clients wait, none is sent away' "$(client "
many = [connect() for i in range(900)]
late = [connect() for i in range(100)]
for m in many: m.send(ns(b'open.example'))
for m in many: assert answer(m) == b'6:OK may,'
late[0].send(ns(b'open.example')); late[0].settimeout(0.5)
try:
    answer(late[0]); print('served')
except TimeoutError:
    pass
for m in many[:200]: m.close()
late[0].settimeout(20); print(answer(late[0]))
for m in many[200:] + late[1:]:
    m.send(ns(b'open.example'))
    assert answer(m) == b'6:OK may,'
print('ok')")" $'b\'6:OK may,\'\nok'

# Maps.
old=$(stat -c %i "$MAP")
sed -i 's/gateway=mx1.acme.example/gateway=mx2.acme.example/' "$T/registry"
ok 'another map' compile
isnt 'is another file' "$(stat -c %i "$MAP")" "$old"
has_new()
{
	client "s = connect(); s.send(ns(b'acme.example')); print(answer(s))" |
		grep -q mx2.acme.example
}
ok 'and served soon' wait_for 3 has_new
cp "$MAP" "$T/good"
served_again()
{
	[ "$(grep -c ': serving ' "$T/tlspactd.log")" -gt "$served" ]
}
n=0
# Every kind of damage, in place.
for damage in ': >"$MAP"' 'truncate -s 2048 "$MAP"' 'truncate -s -1 "$MAP"' \
	'head -c 5000 /dev/urandom >"$MAP"' 'echo >>"$MAP"' \
	'head -c 100 /dev/urandom | dd of="$MAP" bs=1 seek=2300 conv=notrunc 2>/dev/null' \
	'head -c 100 /dev/urandom | dd of="$MAP" bs=1 seek=100 conv=notrunc 2>/dev/null' \
	'rm "$MAP"; echo "+1,3:a->may" >"$T/in"; echo >>"$T/in"; cdb -c -t "$T/tmp" "$MAP" "$T/in"' \
	'rm "$MAP"' 'rm -f "$MAP"; mkdir "$MAP"'; do
	n=$((n + 1))
	before=$(grep -c 'still serving' "$T/tlspactd.log")
	served=$(grep -c ': serving ' "$T/tlspactd.log")
	eval "$damage"
	told()
	{
		[ "$(grep -c 'still serving' "$T/tlspactd.log")" -gt "$before" ]
	}
	ok "damage $n is told" wait_for 5 told
	ok 'and the last good map served' has_new
	rm -rf "$MAP"
	cp "$T/good" "$MAP.new" && mv "$MAP.new" "$MAP"
	ok 'as is the next good one' wait_for 5 served_again
done
told=$(grep -c 'still serving' "$T/tlspactd.log")
: >"$MAP"
sleep 3
is 'it is told once' "$(grep -c 'still serving' "$T/tlspactd.log")" $((told + 1))
ok 'the metrics say so' wait_for 3 grep -q '^tlspactd_map_current 0$' "$T/metrics"
cp "$T/good" "$MAP"
ok 'and when it is over' wait_for 3 grep -q '^tlspactd_map_current 1$' "$T/metrics"

# The end of a downgrade.
cat >"$T/compile" <<COMPILE
#!/bin/sh
echo "\$*" >>"$T/compiled"
test ! -e "$T/fail" || exit 65
cp "$T/good" "$MAP.new" && mv "$MAP.new" "$MAP"
COMPILE
chmod +x "$T/compile"
daemon_stop
is 'it ends well' "$daemon_status" 0
is 'and removes its sockets' "$(find "$SOCKETS" -type s)" ''
daemon_start compile_command="$T/compile" || bail 'tlspactd does not start'
end=$(($(date +%s) + 12))
lowered "$MAP" acme.example $end may
ok 'a downgrade' daemon_logged '1 lowered'
is 'is served' "$(client "s = connect(); s.send(ns(b'acme.example'))
print(answer(s))")" "b'6:OK may,'"
# No answer to what was asked at the end or later is the lowered one.
is 'to the second' "$(client "
s = connect(); last = 0
while True:
    before = time.time(); s.send(ns(b'acme.example')); a = answer(s)
    if a != b'6:OK may,': break
    last = before
    time.sleep(0.001 if $end - last < 0.5 else 0.1)
print(last < $end, time.time() >= $end, a[:12])")" \
	"True True b'65:OK secure'"
ok 'then the map is compiled' wait_for 5 test -s "$T/compiled"
like 'with the same settings' "$(cat "$T/compiled")" "-C /dev/null .*-o map=$MAP"
ok 'and the new one served' daemon_logged ' 0 lowered'
touch "$T/fail"
end=$(($(date +%s) + 2))
lowered "$MAP" acme.example $end may
ok 'a compiler that fails is told' daemon_logged \
	'failed \(status 65\); what it did not raise stays lowered in .*, here it ends on time'
is 'and it ends all the same' "$(client "s = connect()
s.send(ns(b'acme.example')); print(answer(s)[:12])")" "b'65:OK secure'"

kill -HUP "$daemon"
ok 'SIGHUP looks at the map' daemon_logged 'told to look at the map again'
is 'and it is served' "$(client "s = connect()
s.send(ns(b'open.example')); print(answer(s))")" "b'6:OK may,'"

# The end: what was asked is answered.
is 'SIGTERM under load drops no request' "$(client "
import signal
cs = [connect() for i in range(200)]
for c in cs: c.send(ns(b'open.example'))
half = connect(); half.send(ns(b'open.example')[:5]); time.sleep(0.2)
for c in cs: assert answer(c) == b'6:OK may,'
for c in cs: c.send(ns(b'open.example'))
os.kill($daemon, signal.SIGTERM)
for c in cs: assert answer(c) == b'6:OK may,'
for c in cs: assert closed(c)
half.send(ns(b'open.example')[5:])
print(answer(half), closed(half))")" "b'6:OK may,' True"
daemon_status=0
wait "$daemon" || daemon_status=$?
is 'and it has ended well' "$daemon_status" 0

# Mail to a partner that fails.
ok 'a probe failed' "$B/tools/probed" "$T/evidence.db" acme acme.example mx1 expired
ok 'and one of who may do so' \
	"$B/tools/probed" "$T/evidence.db" open open.example mx1 expired
cp "$T/good" "$MAP"
daemon_start outbound_failing=defer || bail 'tlspactd does not start'
to_partner="s.send(request(sender='us@b.example', instance='', \
recipient='joe@ACME.example')); a = policy(s)"
refuses()
{
	client "s = connect('policy'); $to_partner
sys.exit(a[:17] != b'action=450 4.7.5 ')"
}
ok 'mail to the partner is refused early' wait_for 5 refuses
like 'and the sender is told why' "$(client "s = connect('policy'); $to_partner
print(a.decode())")" 'Mail to acme.example goes over verified TLS only, .*expired'
ok 'the log names the partner' daemon_logged "outbound defer: recipient .*: \
acme.example fails .expired.: domain=acme.example partner=acme$"
is 'mail to others is not' "$(client "s = connect('policy')
for to in 'joe@open.example', 'joe@x.example', 'joe', '', 'joe@münchen.example':
    s.send(request(sender='us@b.example', instance='', recipient=to))
    assert policy(s) == b'action=DUNNO\n\n', to
print('ok')")" ok
is 'nor where only the way in is asked for' "$(client "s = connect('policy')
s.send(request(sender='us@b.example', policy_context='inbound',
    recipient='joe@acme.example')); print(policy(s))")" "b'action=DUNNO\\n\\n'"
daemon_stop

# Readiness, as systemd wants it.
is 'it tells systemd' "$(client "
import subprocess
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n.bind('$T/notify')
n.settimeout(20)
env = dict(os.environ, NOTIFY_SOCKET='$T/notify', WATCHDOG_USEC='2000000')
p = subprocess.Popen(['$B/tlspactd', '-C', '/dev/null', '-o', 'map=$MAP', '-o',
    'service_user=', '-o', 'socket_group=', '-o', 'policy_socket=', '-o',
    'socketmap_socket=inet:127.0.0.1:0', '-o', 'log_level=error'], env=env,
    stderr=subprocess.PIPE)
p.wait()
p = subprocess.Popen(['$B/tlspactd', '-C', '/dev/null', '-o', 'map=$MAP', '-o',
    'service_user=', '-o', 'socket_group=', '-o', 'policy_socket=', '-o',
    'socketmap_socket=$SOCKETS/other', '-o', 'log_level=error'], env=env)
said = [n.recv(1000) for i in range(3)]
p.terminate(); p.wait()
said.append(n.recv(1000))
while said[-1] == b'WATCHDOG=1': said.append(n.recv(1000))
print(said[0][:9], said[1], said[2], said[-1])")" \
	"b'STATUS=5 ' b'READY=1' b'WATCHDOG=1' b'STOPPING=1'"
done_testing
