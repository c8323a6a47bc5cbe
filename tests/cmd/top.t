#!/usr/bin/env bash
# tlspactctl top: plain where nobody looks at a screen; on a terminal drawn
# anew, as wide and high as that is, and given back however it ends.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

command -v python3 >/dev/null || skip_all 'no python3'
chmod 755 "$T"
long=$(printf 'a%.0s' {1..60})
cat >"$T/registry" <<REGISTRY
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
        contact=p@acme.example
partner $long mode=enforced domain=long.example gateway=mx1.long.example
        contact=p@long.example
REGISTRY
mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user=
	-o "evidence=$T/evidence.db" -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o opportunistic_level=may
	-o "policy_socket=$T/policy" -o "socketmap_socket=$T/socketmap"
	-o "mail_log=$T/mail.log" -o service_user= -o socket_group=
	-o socket_mode=0600 -o "postfix_config=$T/etc")
"$B/tlspact-compile" "${options[@]}" >/dev/null
for partner in acme "$long"; do
	"$B/tlspactctl" downgrade "$partner" "${options[@]}" --for 4h \
		--to encrypt --reason x --ticket 1 --yes --no-flush >/dev/null
done
top=("$B/tlspactctl" top "${options[@]}")

run "${top[@]}"
is 'something is wrong' "$rc" 1
like 'lowered partners, and the time left' "$out" \
	$'\nLOWERED: 2 partners\n  acme +encrypt, 3 h 5[0-9] min left, until '
like 'no Postfix is a line' "$out" $'\n[a-z A-Z]+ postfix '
like 'the next command' "$out" '-> tlspactctl|-> tlspact-compile|-> systemctl'
is 'no escape in a pipe' "$(grep -c $'\033' <<<"$out")" 0
is '80 columns' "$(awk 'length > 80' <<<"$out")" ''
touch "$T/etc/main.cf" "$T/etc/master.cf"
mv "$T/registry" "$T/away"
run "${top[@]}"
is 'no registry' "$rc" 1
like 'what is lowered is shown' "$out" $'\n  acme +encrypt, '
like 'mail that waits is not known' "$out" $'\nWAITING: not known: '
mv "$T/away" "$T/registry"
run "$B/tlspactctl" restore acme "${options[@]}"
run "$B/tlspactctl" downgrade acme "${options[@]}" --inbound --for 2h \
	--reason x --ticket 1 --yes
is 'mail from them is let in' "$rc" 0 || diag "$out"
run "${top[@]}"
like 'mail to them is not lowered' "$out" \
	$'\n  acme +no TLS inbound, (1 h 5[0-9] min|2 h) left, until '
run "${top[@]}" -j
is 'no JSON' "$rc" 64
run "${top[@]}" -d 3601
is 'an hour is the most' "$rc" 64

# On a terminal.
cat >"$T/screen.py" <<'PYTHON'
import fcntl, os, pty, re, select, signal, struct, sys, termios, time

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
END = time.monotonic() + 60

class Screen:
    def __init__(self, argv, rows=24, cols=80, **env):
        self.master, slave = pty.openpty()
        self.slave, self.text, self.mark = slave, "", 0
        self.size(rows, cols)
        self.was = termios.tcgetattr(slave)
        env = {**os.environ, "TERM": "xterm", **env}
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in 0, 1, 2:
                os.dup2(slave, fd)
            os.execvpe(argv[0], argv, env)
    def size(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))
    def until(self, what):          # is it told, from the last mark on?
        while what not in self.text[self.mark:]:
            left = END - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                return None
            self.text += os.read(self.master, 65536).decode()
        at = self.text.index(what, self.mark) + len(what)
        got, self.mark = self.text[self.mark:at], at
        return got
    def send(self, keys):
        os.write(self.master, keys)
    def end(self):                  # exit code, or - the signal
        while time.monotonic() < END:
            if select.select([self.master], [], [], 0.02)[0]:
                self.text += os.read(self.master, 65536).decode()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        return None
    def restored(self):
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536).decode()
        return (self.text.count(ENTER) == self.text.count(LEAVE) > 0
                and self.text.endswith(LEAVE)
                and termios.tcgetattr(self.slave) == self.was)

def plain(s):
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", s).split("\r\n")

def said(what, got):
    print(what, "yes" if got else "NO", flush=True)

top = sys.argv[1:]
s = Screen(top)
first = s.until("\x1b[J") or ""
said("entered", first.startswith(ENTER))
said("content", "LOWERED: 2 partners" in first and "acme" in first)
said("colour", "\x1b[1m" in first)
said("fits", len(plain(first)) <= 24
     and max(len(x) for x in plain(first)) <= 80)
s.size(6, 60)
small = s.until("\x1b[J") or ""
said("resized", len(plain(small)) == 6
     and max(len(x) for x in plain(small)) <= 60
     and "lines more: tlspactctl check" in small)
s.send(b" ")
said("key", s.until("\x1b[J"))
os.kill(s.pid, signal.SIGTSTP)
said("stop", s.until(LEAVE))
os.waitpid(s.pid, os.WUNTRACED)
os.kill(s.pid, signal.SIGCONT)
said("continued", s.until(ENTER) and s.until("\x1b[J"))
s.send(b"q")
said("q", s.end() == 0)
said("q.restored", s.restored())

s = Screen(top + ["-d", "1"], NO_COLOR="1")
first = s.until("\x1b[J") or ""
said("NO_COLOR", first and not re.search(r"\x1b\[[0-9;]*m", first))
said("again", s.until("\x1b[J"))
s.send(b"\x03")
said("^C", s.end() == 0)
said("^C.restored", s.restored())

for name in "SIGTERM", "SIGHUP":
    s = Screen(top)
    s.until("\x1b[J")
    os.kill(s.pid, getattr(signal, name))
    said(name, s.end() == -getattr(signal, name))
    said(name + ".restored", s.restored())

s = Screen(top, TERM="dumb")
said("dumb", s.end() == 1 and "\x1b" not in s.text and "acme" in s.text)
PYTHON
run python3 "$T/screen.py" "${top[@]}"
is 'the screen was driven' "$rc" 0
while read -r what how; do
	is "on a terminal: $what" "$how" yes
done <<<"$out"
is 'all of it' "$(wc -l <<<"$out")" 19
done_testing
