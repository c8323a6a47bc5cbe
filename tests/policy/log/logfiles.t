#!/usr/bin/env bash
# tlspact-log on files: the shapes of all versions, and that each line counts
# once, however the log is cut, moved, packed or read again.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/counted.sh
. "$TOP/tests/lab/counted.sh"

golden=$TOP/tests/golden
now=2027-01-05
log()
{
	"$B/tlspact-log" -C /dev/null -o registry="$golden/registry" \
		-o ledger="$T/none.db" -o probe_user= -o log_user= -o evidence="$T/evidence" \
		-o map="$T/none.cdb" --now $now "$@"
}

for want in "$golden"/*.want; do
	run log -j "${want%.want}.log"
	is "golden ${want##*/}" "$(diff "$want" "$T/.out")" ''
done
run log -j "$golden/shapes.log"
like 'what is no log line is counted' "$err" '2 lines are no log lines'
like 'as is an impossible time' "$err" '1 have an impossible time'
printf 'root:x:0:0:root:/root:/bin/bash\n' >"$T/passwd"
run log "$T/passwd"
is 'what is no log at all is bad data' "$rc" 65
like 'and is told' "$err" 'not one line is one of a log: nothing is counted'

# One log for all that follows, 20,000 lines in order of time.
if [ ! -x "$B/tools/loggen" ]; then
	bail 'no loggen'
fi
"$B/tools/loggen" 20000 7 >"$T/whole"
fresh()
{
	rm -f "$T"/evidence* "$T"/mail.log*
}

fresh
ok 'in one piece' log "$T/whole"
counts >"$T/want"
ok 'it counts something' test "$(wc -l <"$T/want")" -gt 100
ok 'read twice' log "$T/whole"
is 'gives the same' "$(counts | diff "$T/want" -)" ''

fresh
for ((at = 0; at < $(stat -c %s "$T/whole"); at += RANDOM * 8 + 1)); do
	head -c "$at" "$T/whole" >"$T/mail.log"
	log "$T/mail.log" >/dev/null 2>&1 || fail "at $at"
done
cat "$T/whole" >"$T/mail.log"
ok 'as it grows, a process each time' log "$T/mail.log"
is 'cut anywhere, it gives the same' "$(counts | diff "$T/want" -)" ''

fresh
head -c 300000 "$T/whole" >"$T/mail.log"
log "$T/mail.log" >/dev/null 2>&1
cp "$T/whole" "$T/copy"
ok 'a copy that has grown' log "$T/copy"
cat "$T/whole" >"$T/mail.log"
ok 'and the log itself, which has the same' log "$T/mail.log"
is 'count as one' "$(counts | diff "$T/want" - | head -n 5)" ''

# rotate HOW: three files, each read in part before it is moved.
default()
{
	log -o mail_log="$T/mail.log" >/dev/null 2>&1
}
rotate()
{
	local n

	fresh
	split -n 4 -d "$T/whole" "$T/part"
	for n in 0 1 2 3; do
		head -c 300000 "$T/part0$n" >>"$T/mail.log"
		default || fail "$1: part $n"
		tail -c +300001 "$T/part0$n" >>"$T/mail.log"
		[ $n -lt 3 ] || break
		touch -d "2026-11-2$n" "$T/mail.log"
		case $1 in
		rename)
			[ ! -e "$T/mail.log.2" ] || mv "$T/mail.log.2" "$T/mail.log.3"
			[ ! -e "$T/mail.log.1" ] || mv "$T/mail.log.1" "$T/mail.log.2"
			mv "$T/mail.log" "$T/mail.log.1" ;;
		truncate)
			cp -p "$T/mail.log" "$T/mail.log-2026112$n"
			: >"$T/mail.log" ;;
		gzip) gzip -c "$T/mail.log" >"$T/mail.log-2026112$n.gz"
			touch -d "2026-11-2$n" "$T/mail.log-2026112$n.gz"
			: >"$T/mail.log" ;;
		zstd) zstd -qc "$T/mail.log" >"$T/mail.log-2026112$n.zst"
			touch -d "2026-11-2$n" "$T/mail.log-2026112$n.zst"
			: >"$T/mail.log" ;;
		esac
	done
	default || fail "$1: at the end"
	is "rotated by $1" "$(counts | diff "$T/want" - | head -n 5)" ''
}
# Cut at ends of lines: a line is never in two files.
split()
{
	python3 - "$T" <<-'PYTHON'
	import sys
	t = sys.argv[1]
	lines = open(t + "/whole", "rb").readlines()
	for i in range(4):
	    with open("%s/part0%d" % (t, i), "wb") as f:
	        f.writelines(lines[i * 5000:(i + 1) * 5000])
	PYTHON
}
rotate rename
rotate truncate
rotate gzip
if command -v zstd >/dev/null; then
	rotate zstd
else
	skip 'rotated by zstd' 'no zstd here'
fi

# Two rotations while nobody reads.
fresh
split
cat "$T/part00" >"$T/mail.log.2"
touch -d 2026-11-20 "$T/mail.log.2"
cp -p "$T/mail.log.2" "$T/mail.log"
default
rm "$T/mail.log"
cat "$T/part01" >"$T/mail.log.1"
touch -d 2026-11-21 "$T/mail.log.1"
cat "$T/part02" "$T/part03" >"$T/mail.log"
default
is 'two rotations between two runs' "$(counts | diff "$T/want" - | head -n 5)" ''

# The same, followed, with every step while it runs.
fresh
split
: >"$T/mail.log"
"$B/tlspact-log" -C /dev/null -o registry="$golden/registry" \
	-o ledger="$T/none.db" -o probe_user= -o log_user= -o evidence="$T/evidence" \
	-o map="$T/none.cdb" --now $now \
	-o mail_log="$T/mail.log" --follow >"$T/follow" 2>&1 &
follower=$!
# shellcheck disable=SC2317
stop_follower()
{
	kill -9 "$follower" 2>/dev/null
}
at_exit stop_follower
head -c 250000 "$T/part00" >>"$T/mail.log"
# Who has read nothing of a log does not look for what it was rotated to.
# shellcheck disable=SC2317
has_begun()
{
	[ "$(sqlite3 "$T/evidence" 'select count(*) from position' \
		2>/dev/null || echo 0)" -gt 0 ]
}
wait_for 20 has_begun || diag 'not begun'
tail -c +250001 "$T/part00" >>"$T/mail.log"
mv "$T/mail.log" "$T/mail.log.1"
head -n 100 "$T/part01" >>"$T/mail.log.1"
sleep 0.2
tail -n +101 "$T/part01" >>"$T/mail.log.1"
cat "$T/part02" >>"$T/mail.log"
sleep 1.5
cp "$T/mail.log" "$T/mail.log.0"
: >"$T/mail.log"
cat "$T/part03" >>"$T/mail.log"
# shellcheck disable=SC2317
same()
{
	counts >"$T/now"
	cmp -s "$T/want" "$T/now"
}
ok 'followed through both kinds of rotation' wait_for 10 same ||
	diag "$(counts | diff "$T/want" - | head -n 5)"
kill $follower
wait $follower
is 'ended by SIGTERM, well' $? 0

# Killed while it reads: what is written is whole.
fresh
cat "$T/whole" >"$T/mail.log"
for ((i = 0; i < 10; i++)); do
	timeout -s KILL "0.0$((RANDOM % 9))" "$B/tlspact-log" -C /dev/null \
		-o registry="$golden/registry" \
		-o ledger="$T/none.db" -o probe_user= -o log_user= -o evidence="$T/evidence" \
		-o map="$T/none.cdb" --now $now "$T/mail.log" >/dev/null 2>&1
done 2>/dev/null
log "$T/mail.log" >/dev/null 2>&1
is 'killed anywhere' "$(counts | diff "$T/want" - | head -n 5)" ''

# Stopped while it catches up: what was not read is read the next time.
fresh
split
for ((i = 0; i < 3; i++)); do
	gzip -c "$T/part0$i" >"$T/mail.log.$((3 - i)).gz"
	touch -d "2026-11-2$i" "$T/mail.log.$((3 - i)).gz"
done
cat "$T/part03" >"$T/mail.log"
head -n 1 "$T/part00" >"$T/mail.log.9"
touch -d 2026-11-19 "$T/mail.log.9"
log "$T/mail.log.9" >/dev/null 2>&1
for ((i = 0; i < 12; i++)); do
	timeout -s TERM "0.0$((RANDOM % 9))" "$B/tlspact-log" -C /dev/null \
		-o registry="$golden/registry" -o ledger="$T/none.db" \
		-o probe_user= -o log_user= -o evidence="$T/evidence" \
		-o map="$T/none.cdb" --now $now -o mail_log="$T/mail.log" \
		>/dev/null 2>&1
done
default
is 'stopped anywhere' "$(counts | diff "$T/want" - | head -n 5)" ''

# Logs that begin with the same line, one after another in the same file, in
# files of their own, and packed.
fresh
split
for ((i = 0; i < 4; i++)); do
	log "$T/part0$i" >/dev/null 2>&1 || fail "part $i"
done
counts >"$T/apart"
for how in truncated beside packed; do
	fresh
	split
	for ((i = 0; i < 4; i++)); do
		case $how in
		truncated)
			echo >"$T/mail.log"
			cat "$T/part0$i" >>"$T/mail.log" ;;
		beside)
			rm -f "$T/mail.log"
			{ echo; cat "$T/part0$i"; } >"$T/mail.log.of$i" ;;
		packed)
			rm -f "$T/mail.log"
			{ echo; cat "$T/part0$i"; } | gzip >"$T/mail.log.of$i" ;;
		esac
		[ -e "$T/mail.log" ] || ln -s "mail.log.of$i" "$T/mail.log"
		log "$T/mail.log" >/dev/null 2>&1 || fail "$how $i"
		log "$T/mail.log" >/dev/null 2>&1 || fail "$how $i again"
	done
	is "four logs with one first line, $how" \
		"$(counts | diff "$T/apart" - | head -n 5)" ''
done

# Two that follow one log: each line counts once, and the second is told.
fresh
: >"$T/mail.log"
followers=
for i in 1 2; do
	"$B/tlspact-log" -C /dev/null -o registry="$golden/registry" \
		-o ledger="$T/none.db" -o probe_user= -o log_user= \
		-o evidence="$T/evidence" -o map="$T/none.cdb" --now $now \
		-o mail_log="$T/mail.log" --follow >"$T/follow$i" 2>&1 &
	followers="$followers $!"
done
# shellcheck disable=SC2317,SC2086
stop_followers()
{
	kill -9 $followers 2>/dev/null
}
at_exit stop_followers
for ((i = 0; i < 4; i++)); do
	cat "$T/part0$i" >>"$T/mail.log"
	sleep 1.2
done
ok 'followed twice' wait_for 20 same ||
	diag "$(counts | diff "$T/want" - | head -n 5)"
sleep 1.5
is 'and nothing is counted twice' "$(counts | diff "$T/want" - | head -n 5)" ''
# shellcheck disable=SC2086
kill $followers
# shellcheck disable=SC2086
wait $followers
like 'which one of them is told' "$(cat "$T/follow1" "$T/follow2")" \
	'another tlspact-log went on with'

# Rotated to where nobody looks.
fresh
mkdir "$T/away"
cat "$T/part00" >"$T/mail.log"
default
mv "$T/mail.log" "$T/away/"
cat "$T/part01" >"$T/mail.log"
run log -o mail_log="$T/mail.log"
like 'what may be missing is said' "$err" 'no rotated file goes on where'

# Hostile files.
fresh
head -c 200000 /dev/urandom >"$T/random"
run log "$T/random"
is 'random bytes are no log' "$rc" 65
head -c 3000000 /dev/zero >"$T/zero"
echo >>"$T/zero"
ok 'a line of three million NULs' log "$T/zero"
run log "$T/zero"
fresh
run log "$T/zero"
like 'is counted as too long' "$err" '1 are too long'
printf '\037\213\010garbage' >"$T/bad.gz"
run log "$T/bad.gz"
is 'a broken gzip file' "$rc" 65
fresh
gzip -c "$T/whole" | head -c 150000 >"$T/cut.gz"
run log "$T/cut.gz"
is 'a gzip file that is cut off' "$rc" 65
ok 'of which is counted what can be read' test "$(counts | wc -l)" -gt 10
run log "$T/missing"
is 'no such file' "$rc" 66
run log -o registry="$T/none" "$T/whole"
is 'no registry' "$rc" 66
run log --nonsense
is 'wrong usage' "$rc" 64
run log -o nonsense=1
is 'wrong settings' "$rc" 78
run log -j -o registry="$T/none" "$golden/postfix-3.7.log"
is 'without a registry it still prints' "$rc" 0
run log --explain - <"$golden/postfix-3.7.log"
like 'explained' "$out" 'taken for +verification-failed'
like 'with what became of it' "$out" 'level encrypted: encrypted yes, chain trusted no, name matched no'
{
	cat "$golden/postfix-3.7.log"
	echo '[2026/11/03 11:50] mx postfix/smtp[1]: 9C4D11: removed'
} >"$T/hidden"
run log -j "$T/hidden"
like 'a header that hides Postfix is said' "$err" \
	'warning: 1 line of Postfix, it seems, behind a header'
if command -v lz4 >/dev/null; then
	lz4 -qc "$golden/postfix-3.7.log" >"$T/log.lz4"
	run log -j "$T/log.lz4"
	is 'lz4' "$(diff "$golden/postfix-3.7.want" "$T/.out")" ''
else
	skip 'lz4' 'no lz4 here'
fi
run timeout 20 "$B/tlspact-log" -C /dev/null -o registry="$golden/registry" \
	-o ledger="$T/none.db" -o probe_user= -o log_user= \
	-o evidence="$T/evidence" -o map="$T/none.cdb" --follow "$T"
is 'a folder is not followed' "$rc" 66
# A pipe, compressed as well.
fresh
# shellcheck disable=SC2016
ok 'standard input' bash -c 'cat "$1" | "${@:2}" -' - "$T/whole" \
	"$B/tlspact-log" -C /dev/null -o registry="$golden/registry" \
	-o ledger="$T/none.db" -o probe_user= -o log_user= -o evidence="$T/evidence" \
	-o map="$T/none.cdb" --now $now
mkfifo "$T/pipe"
gzip -c "$golden/postfix-3.7.log" >"$T/pipe" &
run log -j - <"$T/pipe"
is 'compressed standard input' "$(diff "$golden/postfix-3.7.want" "$T/.out")" ''

# A log that is not for us, as postlogd makes it: said once, and waited for.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	fresh
	mkdir -m 777 "$T/open"
	chmod 755 "$T"
	install -m 600 "$golden/postfix-3.7.log" "$T/mail.log"
	# The tree may lie where nobody gets in.
	install -m 755 "$B/tlspact-log" "$T/open/"
	install -m 644 "$golden/registry" "$T/open/"
	setpriv --reuid=nobody --clear-groups "$T/open/tlspact-log" \
		-C /dev/null -o registry="$T/open/registry" \
		-o ledger="$T/none.db" \
		-o probe_user= -o log_user= -o evidence="$T/open/evidence" -o map="$T/none.cdb" \
		--now $now -o mail_log="$T/mail.log" --follow \
		>"$T/follow" 2>&1 &
	follower=$!
	# shellcheck disable=SC2317
	waits() { grep -q 'Permission denied; waiting until' "$T/follow"; }
	ok 'a log of mode 0600 is waited for' wait_for 10 waits
	sleep 2.5
	is 'which is said once' "$(wc -l <"$T/follow")" 1
	chmod 644 "$T/mail.log"
	# shellcheck disable=SC2317
	is_read()
	{
		[ "$(sqlite3 "$T/open/evidence" \
			'select count(*) from log_count' 2>/dev/null)" -gt 0 ]
	}
	ok 'and read once it may be' wait_for 10 is_read
	kill $follower
	wait $follower
	is 'and the end is well' $? 0
else
	skip 'a log of mode 0600' 'not root'
fi
done_testing
