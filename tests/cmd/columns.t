#!/usr/bin/env bash
# Text for people: no line is wider than 80 columns, in a pipe and on a
# terminal, in any locale, with names of 60 characters; and nothing that others
# wrote moves a cursor, turns the text round or hides.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

command -v python3 >/dev/null || skip_all 'no python3'

# What is on record of 40 days; partners, issuers, reasons are hostile.
mkdir "$T/w" "$T/etc"
touch "$T/etc/main.cf" "$T/etc/master.cf"
"$B/tools/mkyear" -w -p 3 -d 40 -m 200 -l 20 -e 2026-05-01 "$T/w" ||
	bail 'no world'
cat >>"$T/w/tlspact.conf" <<-EOT
	probe_user =
	log_user =
	opportunistic_level = may
	trust_anchor =
	resolver = 127.0.0.1
	probe_timeout = 5s
	policy_socket = $T/policy
	socketmap_socket = $T/socketmap
	mail_log = $T/mail.log
	postfix_config = $T/etc
EOT

# Names of 60, to be written to.
long=p$(printf '%059d' 0)
cat >"$T/registry" <<-EOT
	partner $long mode=enforced domain=long.example contact=p@long.example
	        gateway=mx1.long.example,mx2.long.example,mx3.long.example
	partner acme mode=enforced domain=acme.example gateway=mx.acme.example
	        contact=p@acme.example
	partner soft mode=opportunistic domain=soft.example
EOT
sed "s/mode=opportunistic/mode=soft-$long/" "$T/registry" >"$T/wrong"
evil=$'\u05e9\u05dc\u05d5\u05dd \u202e\u2066\u6f22\u5b57 e\u0301 \U1f600'
evil+=$'\u200b\u3164\x1b[31m\x07\x9b|"<\xff'
# No blanks to break it at.
for _ in {1..20}; do
	evil+=$'\u4f8b\u3048\u4f8b'
done
printf 'Received: from %s (%s [192.0.2.1])\n\tby mx.ours.example (Postfix) with %s id 1;\n\tSat, 28 Nov 2026 22:00:05 +0000\nFrom: <u@%s>\nSubject: %s\n\n' \
	"$evil" "$long.example" ESMTPS "$long.example" "$evil" >"$T/mail"
{
	echo 'Nov 28 22:00:05 gw postfix/smtp[1]: AAAAA1:' \
		"to=<$evil@long.example>, relay=${evil}[192.0.2.1]:25, delay=1," \
		"dsn=4.7.4, status=deferred ($evil)"
	echo "Nov 28 22:00:06 $evil"
} >"$T/log"

# A command a line, and how to look at it; in its words $T, the partner's name
# as PARTNER, and a port that greets with hostile words as PORT:
#	any	lines of a pipe may be wider: they are not for people
#	tty	the same, but on a terminal they fit
#	pipe	never at a terminal
#	mail	a head line may be wider
#	once	no second time
cat >"$T/commands" <<EOT
compile --diff		once	tlspact-compile S --diff
compile -n		-	tlspact-compile S -n
compile			once	tlspact-compile S
a registry with faults	tty	tlspact-compile S -n -o registry=$T/wrong
downgrade -n		-	tlspactctl downgrade $long S --for 30h --reason E --to encrypt -n -c $T/etc
downgrade		once	tlspactctl downgrade $long S --for 30h --reason E --to encrypt --ticket E --yes --no-flush -c $T/etc
status, lowered		-	tlspactctl status S -c $T/etc
status of the lowered	-	tlspactctl status $long S -c $T/etc
history, lowered	tty	tlspactctl history S $long
open			tty	tlspactctl history S --open
top, lowered		pipe	tlspactctl top S -c $T/etc
extend			once	tlspactctl extend $long S --for 31h --yes -c $T/etc
restore			once	tlspactctl restore $long S -c $T/etc
status			once	tlspactctl status W
status of one		once	tlspactctl status W PARTNER
explain			-	tlspactctl explain W joe@PARTNER.example
onboard			once	tlspactctl onboard W PARTNER -c $T/none
check			-	tlspactctl check W
certificates		-	tlspactctl certificates W
history			tty	tlspactctl history W
is it whole		tty	tlspactctl history W --check
report			-	tlspact-report W --at 2026-05-01
report of one		-	tlspact-report W --at 2026-05-01 --partner PARTNER
daily			-	tlspact-report W --daily --at 2026-04-30
what if			-	tlspact-report W --at 2026-05-01 --what-if $T/registry
log report		-	tlspact-log report W
explain a log		once	tlspact-log W --explain $T/log
nobody			tty	tlspact-log report W nobody-$long
probe			-	tlspact-probe W PARTNER --no-record
could be enforced	mail	tlspact-probe W --as enforced $long.example --no-record
a gateway		once	tlspact-probe W [127.0.0.1]:PORT --no-record
an entry		once	tlspact-probe W --entry [127.0.0.1]:PORT --no-record
for Nagios		any	tlspact-probe W --nagios --all --no-record
rehearse		-	tlspact-verify W --rehearse /dev/null
rehearse -v		-	tlspact-verify W -v --rehearse /dev/null --at 2026-05-01
setup check		once	tlspact-setup check W -c $T/etc
setup print		any	tlspact-setup print W -c $T/etc
trace			-	tlspact-trace W $T/mail
tlspactd		tty	tlspactd W -o colour=E
EOT

cat >"$T/look.py" <<'PYTHON'
import ctypes, fcntl, os, pty, re, socket, struct, subprocess, sys, termios
import threading, unicodedata

T, B, long, evil = sys.argv[1:]
evil_bytes = os.fsencode(evil)
libc = ctypes.CDLL(None)
libc.wcwidth.argtypes = [ctypes.c_uint32]
libc.setlocale.restype = ctypes.c_char_p
assert libc.setlocale(0, b"C.UTF-8")
partner = re.findall(r"(?m)^partner (\S+)", open(T + "/w/registry").read())[2]
# Not Cf, but not seen either.
HIDDEN = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"

server = socket.create_server(("127.0.0.1", 0))

def greet():
    while True:
        with server.accept()[0] as c:
            c.sendall(b"554 5.7.1 " + evil_bytes + b"\r\n")

threading.Thread(target=greet, daemon=True).start()

def words(line):
    short = {"S": ["-C", T + "/conf"], "W": ["-C", T + "/w/tlspact.conf"],
        "E": [evil], "PARTNER": [partner]}
    for word in line.split():
        yield from short.get(word, [word.replace("PARTNER", partner)
            .replace("PORT", str(server.getsockname()[1]))])

def env(**more):
    return {"PATH": os.environ["PATH"], "TZ": "UTC", "TERM": "dumb", **more}

def piped(argv):
    p = subprocess.run(argv, env=env(LC_ALL="C.UTF-8", NO_COLOR="1"),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return p.returncode, p.stdout, p.stderr

def on_terminal(argv, cols, typed=None, **more):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, cols, 0, 0))
    p = subprocess.Popen(argv, env=env(**more), stdout=slave, stderr=slave,
        stdin=slave if typed else subprocess.DEVNULL)
    if typed:
        os.write(master, typed)
    os.close(slave)
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(master)
    return p.wait(), text.replace(b"\r\n", b"\n")

def faults(raw, cols):
    try:
        text = raw.decode()
    except UnicodeDecodeError as e:
        return [str(e)]
    bad = []
    for line in text.replace("\t", " " * 8).split("\n"):
        width = sum(max(libc.wcwidth(ord(c)), 0) for c in line)
        odd = [c for c in line if c in HIDDEN or
            unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
        if cols and width > cols:
            bad.append("%d columns: %s" % (width, line))
        if odd:
            bad.append("%a in %a" % (odd, line))
        if line != line.rstrip(" "):
            bad.append("blanks at the end: %a" % line)
    return bad

def tell(name, bad):
    print(name + "\t" + " / ".join(bad[:3]).replace("\t", " "))

for line in open(T + "/commands"):
    name, how, command = re.split(r"\t+", line.rstrip("\n"))
    argv = list(words(command))
    argv[0] = B + "/" + argv[0]
    code, out, err = piped(argv)
    bad = [] if (out or err) and 0 <= code < 128 else ["exit %d" % code]
    if how == "mail":
        out = re.sub(rb"(?m)^To: .*", b"", out)
    bad += faults(out, None if how in ("any", "tty") else 80)
    tell(name + ", in a pipe", bad + faults(err, None))
    if how in ("-", "tty"):
        code, text = on_terminal(argv, 80, LC_ALL="C")
        tell(name + ", on a terminal", faults(text, 80))
history = [B + "/tlspactctl", "history", "-C", T + "/w/tlspact.conf", partner]
text = on_terminal(history, 80, LC_ALL="C")[1].decode()
tell("history, on a terminal: a long name has a line",
    [] if "fault-new\n       %s\n       tlspactd: " % partner in text else [text])
code, text = on_terminal(history, 200, LC_ALL="C.UTF-8", TERM="xterm",
    NO_COLOR="1")
bad = faults(text, 200)
if max(map(len, text.decode().split("\n"))) < 120:
    bad.append("nothing is wide")
tell("history, on a wide terminal", bad)
code, text = on_terminal([B + "/tlspactctl", "downgrade", long, "--for", "1h",
    "--reason", evil, "--to", "encrypt", "-C", T + "/conf"], 80, b"n\n", LC_ALL="C")
# What was typed is shown before it is asked.
bad = faults(text.replace(b"[y/N] ", b"[y/N]\n"), 80)
if code != 1 or not re.search(rb"\? \[y/N\] \S", text):
    bad.append("exit %d: %a" % (code, text))
tell("a question, on a terminal", bad)
with open(T + "/golden", "wb") as f:
    f.write(on_terminal([B + "/tlspact-log", "report", "-C",
        T + "/w/tlspact.conf", partner], 80, LC_ALL="C")[1])
    f.write(piped([B + "/tlspact-report", "-C", T + "/w/tlspact.conf", "--at",
        "2026-05-01", "--what-if", T + "/registry"])[1])
PYTHON
cat >"$T/conf" <<-EOT
	registry = $T/registry
	map = $T/policy.cdb
	ledger = $T/ledger.db
	evidence = $T/evidence.db
	probe_user =
	log_user =
	postfix_version = 3.7.11
	fingerprint_digest = sha256
	opportunistic_level = may
	postfix_config = $T/etc
	policy_socket = $T/policy
	socketmap_socket = $T/socketmap
EOT
while IFS=$'\t' read -r name bad; do
	is "$name" "$bad" ''
done < <(python3 "$T/look.py" "$T" "$B" "$long" "$evil" 2>&1)
# As it was when people last looked at it; cp $T/golden there if it is better.
is 'log report, and what if: as ever' \
	"$(diff "$TOP/tests/golden/columns" "$T/golden" 2>&1)" ''
done_testing
