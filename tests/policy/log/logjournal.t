#!/usr/bin/env bash
# tlspact-log on the journal: each line counts once, however it is cut, moved
# or deleted; what others write there under Postfix's name does not count.
# shellcheck disable=SC2119 # log has options here and there
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/counted.sh
. "$TOP/tests/lab/counted.sh"
# shellcheck source=tests/lab/journal.sh
. "$TOP/tests/lab/journal.sh"

journal_there || skip_all 'no systemd-journal-remote here'
golden=$TOP/tests/golden
program=("$B/tlspact-log" -C /dev/null -o registry="$golden/registry"
	-o ledger="$T/none.db" -o evidence="$T/evidence" -o map="$T/none.cdb"
	-o probe_user= -o log_user=
	--now 2027-01-05)
# shellcheck disable=SC2120 # with options here and there
log() { "${program[@]}" -o mail_log="journal:$T/j" "$@"; }
fresh()
{
	rm -rf "$T"/evidence* "$T/j"
	mkdir "$T/j"
}
differs() { counts | diff "$T/want" - | head -n 5; }
# shellcheck disable=SC2317 # called through wait_for
same() { [ -z "$(differs)" ]; }
# piece N		lines of the N-th tenth of the log
piece() { sed -n "$(($1 * 600 + 1)),$((($1 + 1) * 600))p" "$T/whole"; }
write() { T0=$(($1 * 600)) journal_write "$T/j/$2.journal" < <(piece "$1"); }

"$B/tools/loggen" 6000 7 >"$T/whole"
fresh
ok 'as a file' "${program[@]}" "$T/whole"
counts >"$T/want"
ok 'it counts something' test "$(wc -l <"$T/want")" -gt 100

fresh
for n in {0..9}; do
	write "$n" system
	log >/dev/null 2>"$T/err" || fail "piece $n"
	log >/dev/null 2>&1
done
is 'the journal gives the same, a process for each piece, twice' "$(differs)" ''
is 'without a remark' "$(cat "$T/err")" ''

# A file for each piece, as after rotations; followed, killed, restarted.
# shellcheck disable=SC2317 # called through at_exit
stop_follower() { [ -z "$follower" ] || kill -KILL "$follower" 2>/dev/null; }
follower=
at_exit stop_follower
follow()
{
	"${program[@]}" -o mail_log="journal:$T/j" --follow >"$T/follow" 2>&1 &
	follower=$!
}
fresh
write 0 p0
for n in {1..9}; do
	follow
	write "$n" "p$n"
	sleep "0.$((RANDOM % 6))"
	kill -KILL "$follower"
	wait $follower 2>/dev/null
done 2>/dev/null
follow
ok 'killed anywhere, over rotations' wait_for 10 same || diag "$(differs)"
kill $follower
wait $follower
is 'ended by SIGTERM, well' $? 0
follower=

# As journalctl --flush does: from /run to /var, in a file with its own count.
fresh
for n in {0..4}; do
	write "$n" run
done
log >/dev/null 2>&1
journalctl -D "$T/j" -o export >"$T/moved"
rm "$T"/j/*
journal_append "$T/j/var.journal" <"$T/moved"
for n in {5..9}; do
	write "$n" var
done
run log
is 'moved to another file meanwhile' "$(differs)" ''
unlike 'nothing is missed' "$err" 'no longer'

# Deleted as it grows old: what was not read by then is told.
fresh
for n in {0..2}; do
	write "$n" "p$n"
done
log >/dev/null 2>&1
write 3 p3
rm "$T"/j/p[0-2].journal
run log
like 'where the last line read was deleted it is said' "$err" \
	'the journal has no longer what was read last'
like 'and gone on behind it' "$out" '^600 lines: '
run log
like 'once' "$err$out" '^0 lines: '

# --- what is believed --------------------------------------------------------

fresh
journal_write "$T/j/a.journal" <"$golden/postfix-3.7.log"
run log -j
is 'each delivery as of a file' "$(jq -c 'del(.time)' "$T/.out")" \
	"$(jq -c 'del(.time)' "$golden/postfix-3.7.want")"
# counts_of FIELD=VALUE...	lines taken of a log that has such fields
counts_of()
{
	fresh
	journal_write "$T/j/a.journal" "$@" <"$golden/postfix-3.7.log"
	log 2>&1 | sed -n 's/ lines: .*//p'
}
lines=$(wc -l <"$golden/postfix-3.7.log")
is 'all of root' "$(counts_of _UID=0)" "$lines"
if postfix=$(id -u postfix 2>/dev/null); then
	is 'all of Postfix' "$(counts_of _UID="$postfix")" "$lines"
	# Postfix's maillog_file = /dev/stdout.
	line='Nov 23 00:00:00 mx postfix/smtp[7]: hello'
	is 'and what postlogd hands on' "$(counts_of _TRANSPORT=stdout \
		_COMM=postlogd _UID="$postfix" SYSLOG_IDENTIFIER=postfix \
		MESSAGE="$line")" "$lines"
	is 'but no other program' "$(counts_of _TRANSPORT=stdout _COMM=smtp \
		_UID="$postfix" MESSAGE="$line")" 0
fi
is 'of another instance' \
	"$(counts_of SYSLOG_IDENTIFIER=postfix-out/smtp)" "$lines"
is 'nothing of a user, by logger' "$(counts_of _UID=1000 _COMM=logger)" 0
is 'nor from inside a unit of Postfix, by ~/.forward' \
	"$(counts_of _UID=1000 _SYSTEMD_UNIT=postfix@-.service)" 0
is 'nor without a user' "$(counts_of _UID=)" 0
is 'nor by another way than syslog' "$(counts_of _TRANSPORT=journal)" 0
is 'of nobody without a name' "$(counts_of SYSLOG_IDENTIFIER=)" 0

# --- hostile -----------------------------------------------------------------

fresh
python3 - "$T/j" >"$T/export" <<'PYTHON'
import sys
def entry(n, fields):
    w = sys.stdout.buffer
    t = 1795392000000000 + n
    w.write(b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n"
        b"_BOOT_ID=0123456789abcdef0123456789abcdef\n_UID=0\n"
        b"_TRANSPORT=syslog\n" % (t, t - 1700000000000000))
    for name, value in fields:
        w.write(name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
    w.write(b"\n")
tag = (b"SYSLOG_IDENTIFIER", b"postfix/smtp")
entry(1, [tag, (b"MESSAGE", b"x" * 70000)])
entry(2, [tag, (b"MESSAGE", bytes(range(256)) * 20)])
entry(3, [tag, (b"MESSAGE", b"")])
entry(4, [tag])
entry(5, [(b"SYSLOG_IDENTIFIER", b"y" * 5000), (b"MESSAGE", b"m")])
entry(6, [(b"SYSLOG_IDENTIFIER", b"a b\nc/smtp[1]: "), (b"MESSAGE", b"m")])
entry(7, [tag, (b"MESSAGE", b"one"), (b"MESSAGE", b"two")])
entry(8, [tag, (b"_PID", b"9" * 300), (b"MESSAGE", b"m")])
entry(9, [tag, (b"_HOSTNAME", b"h" * 3000 + b" \0"), (b"MESSAGE", b"m")])
PYTHON
journal_append "$T/j/a.journal" <"$T/export"
run log
is 'bytes of all kinds' "$rc" 0
like 'what is too long is counted' "$err" '1 are too long'
run log --explain
is 'can be shown' "$rc$(tr -d '\n -~' <"$T/.out")" 0
: >"$T/j/b.journal"
head -c 100000 /dev/urandom >"$T/j/c.journal"
head -c 3000000 "$T/j/a.journal" >"$T/j/d.journal"
run log
is 'files that are none' "$rc" 0
write 1 e
run log
like 'do not hide the others' "$out" '^600 lines'

# A cursor that is none, as in evidence that somebody edited.
fresh
write 0 system
log >/dev/null 2>&1
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("update position set path = ?", ("s=nonsense",))
db.commit()' "$T/evidence"
write 1 system
run log
like 'a place that is none: on by the time' "$out" '^600 lines: '

# --- which of both -----------------------------------------------------------

run log -o mail_log="journal:$T/none"
is 'no such journal' "$rc" 66
fresh
run log
like 'nothing in it that we may read' "$rc $err" \
	'^66 .*there is none, or this account may not read it'
run "${program[@]}" -o mail_log="$T/none/mail.log"
is 'no such file, and the journal has nothing of Postfix' "$rc" 66

# This machine's own journal, made here.
cat >"$T/own" <<'OWN'
mount -t tmpfs none /run && mkdir -p /run/log/journal || exit
[ ! -d /var/log/journal ] || mount -t tmpfs none /var/log/journal || exit
ln -s "$T/j" "/run/log/journal/$(cat /etc/machine-id)"
exec "$@"
OWN
# shellcheck disable=SC2317 # called through run
own() { unshare --mount bash "$T/own" "${program[@]}" \
	-o mail_log="$T/mail.log" "$@"; }
if [ -s /etc/machine-id ] && unshare --mount mount -t tmpfs none /run \
	>/dev/null 2>&1; then
	fresh
	write 0 system
	run own
	like 'where there is no log file the journal is read' "$out" '^600 lines: '
	like 'which is said' "$err" 'there is no .*mail.log.*: reading the journal'
	piece 1 >"$T/mail.log"
	touch -d '2026-11-23 00:00:50' "$T/mail.log"
	write 1 system
	run own
	like 'and it goes on' "$out" '^600 lines: '
	like 'if a file comes later, too' "$err" 'mail.log.*: reading the journal'
	piece 2 | sed 's/^Nov 23/Jan  6/' >>"$T/mail.log"
	counts >"$T/before"
	run own --now 2027-01-07
	counts >"$T/now"
	ok 'until Postfix logs to the file alone' \
		grep -q "^2027" "$T/now"
	is 'of which nothing counts twice' "$(counts | grep '^2026' |
		diff - <(grep '^2026' "$T/before"))" ''

	fresh
	piece 0 >"$T/mail.log"
	write 0 system
	write 1 system
	at=$(piece 0 | tail -n 1 | cut -c 8-15)
	run own --now "2026-11-23T${at}Z"
	like 'where there is a file it is read' "$out" '^600 lines: '
	is 'in silence' "$err" ''
	rm "$T/mail.log"
	behind=$(piece 1 | awk -v at="$at" '$3 > at' | wc -l)
	ok 'some lines are of later seconds' test "$behind" -gt 0
	run own --now "2026-11-23T${at}Z"
	like 'where it has gone, the journal from the next second on' "$out" \
		"^$behind lines: "
else
	skip 'which of both' 'cannot mount here'
fi
done_testing
