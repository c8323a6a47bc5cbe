#!/usr/bin/env bash
# Whatever happens while a map is made, Postfix sees the old one or the new
# one, whole. Faults are put at every system call in turn (tools/atcall), not
# where a delay happens to hit.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

# In memory where there is a place: a busy disk would only make it slow.
W=$(mktemp -d /dev/shm/tlspact-test.XXXXXX 2>/dev/null) || W=$T/work
mkdir -p "$W"
at_exit rm -rf "$W"
cd "$W" || exit 1
mkdir m
map=$W/m/policy.cdb
: >tlspact.conf
# Of a program that is traced, leaks cannot be searched for.
export ASAN_OPTIONS=detect_leaks=0
options=(-C "$W/tlspact.conf" -o registry="$W/registry"
	-o ledger="$W/ledger.db" -o opportunistic_level=may -o postfix_version=3.7)
compile=("$B/tlspact-compile" "${options[@]}" -o map="$map" --accept-weaker)

for i in {1..40}; do
	echo "partner p$i mode=enforced contact=x domain=d$i.example" \
		"gateway=mx.a.example"
done >registry.a
sed 's/mx.a.example/mx.b.example/' registry.a >registry.b
touch -d '2026-01-01' registry.a registry.b

# rows FILE: the policy rows, as one digest; `broken` if it is no whole map
rows()
{
	! cmp -s "$1" map.a || { echo "${rows_a:-}"; return; }
	cdb -d "$1" 2>/dev/null >"$T/.rows" || { echo broken; return; }
	sed '/^+[0-9]*,[0-9]*: /d' "$T/.rows" | sha256sum
}

cp registry.b registry
ok 'map b' "${compile[@]}"
rows_b=$(rows "$map")
cp registry.a registry
ok 'map a' "${compile[@]}"
rows_a=$(rows "$map")
cp "$map" map.a
mkdir record.a
cp ledger.db* record.a/
isnt 'the two maps differ' "$rows_a" "$rows_b"

# start: the live map is a, as the record says, and the registry says b
start()
{
	cp -p registry.b registry
	cp map.a "$map"
	cp record.a/* .
	rm -f "$map.tmp"
}

## Killed, or ended by a signal, at every point.
# sweep SIGNAL STEP: sets `points`, and `bad` to what went wrong
sweep()
{
	local signal=$1 n status live

	points=0 bad=''
	for ((n = 1; n < 2000; n += $2)); do
		start
		"$B/tools/atcall" -s -k "$signal" -f flock $n "${compile[@]}" \
			>/dev/null 2>.err
		status=$?
		[ $status != 200 ] || break
		points=$n
		live=$(rows "$map")
		# On its way out of the process no signal is heard any more.
		[ "$status" = $((128 + signal)) ] ||
			[ "$status $live" = "0 $rows_b" ] ||
			bad+="point $n: status $status; "
		case $live in
		"$rows_a" | "$rows_b") ;;
		*) bad+="point $n: the map is $live; " ;;
		esac
		if [ "$signal" != 9 ] && [ -e "$map.tmp" ]; then
			bad+="point $n: a temporary file stays; "
		fi
		# Every few points, and wherever something was left: go on.
		if [ -e "$map.tmp" ] || [ $((n % 10)) = 0 ]; then
			"${compile[@]}" >/dev/null 2>.err ||
				bad+="point $n: the next run: $(cat .err); "
			[ "$(rows "$map")" = "$rows_b" ] ||
				bad+="point $n: the next run's map; "
			[ ! -e "$map.tmp" ] ||
				bad+="point $n: the next run leaves it; "
		fi
	done
}
# One handler serves the three that can be caught.
for s in '9 1 KILL' '15 3 TERM' '2 7 INT' '1 7 HUP'; do
	read -r signal each name <<<"$s"
	sweep "$signal" "$each"
	is "SIG$name, by $each system calls: old or new, whole" "$bad" ''
	ok "SIG$name: up to call $points" test "$points" -ge 40
done
start
rm "$map"
bad=''
for ((n = 1; n < 2000; n++)); do
	rm -f "$map" "$map.tmp"
	"$B/tools/atcall" -s -f flock $n "${compile[@]}" >/dev/null 2>&1
	[ $? != 200 ] || break
	[ ! -e "$map" ] || [ "$(rows "$map")" = "$rows_b" ] ||
		bad+="point $n; "
done
is 'killed where no map was: none, or the new one whole' "$bad" ''

## The registry changes while it is read.
# change STEP COMMAND: at each STEPth point; sets `seen`, the statuses that came
change()
{
	local n status live

	seen='' bad=''
	for ((n = 1; n < 2000; n += $1)); do
		cp -p registry.a registry
		cp map.a "$map"
		"$B/tools/atcall" -s -x "$2" -f flock $n "${compile[@]:0:${#compile[@]}-1}" \
			-o max_weakened=100% >/dev/null 2>.err
		status=$?
		[ $status != 200 ] || break
		[[ " $seen " = *" $status "* ]] || seen+=" $status"
		live=$(rows "$map")
		case $status in
		0) [ "$live" = "$rows_a" ] || [ "$live" = "$rows_b" ] ||
			bad+="point $n: another map; " ;;
		65 | 66 | 75) [ "$live" = "$rows_a" ] ||
			bad+="point $n: status $status, and a map; " ;;
		*) bad+="point $n: status $status: $(cat .err); " ;;
		esac
		[ ! -e "$map.tmp" ] || bad+="point $n: a temporary file; "
	done
}
change 1 'cp registry.b new && mv new registry'
is 'replaced by rename: one of the two' "$bad" ''
is 'and never a failure' "$seen" ' 0'
change 1 'cat registry.b >registry'
is 'rewritten in place: one of the two, or an error' "$bad" ''
like 'which says try again' "$seen" ' 75'
change 3 'cat registry.b >>registry'
is 'appended to: one of the two, or an error' "$bad" ''
change 3 ': >registry'
is 'truncated: the map stays' "$bad" ''
like 'an emptied registry is refused' "$seen" ' 65'
change 3 'rm registry'
is 'removed: the map stays, or was made from it' "$bad" ''

## Two at once.
start
rm -f ready
# The lock is held until this shell says so.
mkfifo release
flock "$map.lock" bash -c ': >ready; read -r _ <release' &
holder=$!
wait_for 30 test -e ready || bail 'the lock was not taken'
"${compile[@]}" >first.out 2>&1 &
first=$!
# shellcheck disable=SC2317 # for wait_for
has_lock_open()
{
	local fd

	for fd in "/proc/$1/fd"/*; do
		[[ $(readlink "$fd") != */policy.cdb.lock ]] || return 0
	done
	return 1
}
ok 'a second compile waits for the lock' wait_for 30 has_lock_open $first
is 'and has written nothing' "$(rows "$map")" "$rows_a"
echo >release
wait $holder
wait $first
is 'then it goes on' "$? $(rows "$map")" "0 $rows_b"
start
rm ready
flock "$map.lock" bash -c ': >ready; read -r _ <release' &
holder=$!
wait_for 30 test -e ready || bail 'the lock was not taken'
run "${compile[@]}"
is 'a lock that never goes away: 75' "$rc" 75
like 'with words' "$err" 'is being written by another process; try again'
is 'and the map is as it was' "$(rows "$map")" "$rows_a"
run "${compile[@]}" -n
is 'a dry run needs no lock' "$rc" 0
echo >release
wait $holder
start
pids=()
for i in {1..12}; do
	cp registry.a "registry.$i"
	sed -i "s/mx.a.example/mx.w$i.example/" "registry.$i"
	"${compile[@]}" -o registry="$W/registry.$i" >/dev/null 2>&1 &
	pids+=($!)
done
bad=''
for i in "${!pids[@]}"; do
	wait "${pids[i]}" || bad+="$? "
done
is 'twelve at once all end well' "$bad" ''
is 'one of them was the last' \
	"$(cdb -d "$map" | grep -o 'mx.w[0-9]*.example' | sort -u | wc -l)" 1
nok 'nothing is left' test -e "$map.tmp"

## Files that are only to be read.
start
chmod 444 "$map"
run "${compile[@]}"
is 'a read-only map is replaced' "$rc $(rows "$map")" "0 $rows_b"
is 'and stays read-only' "$(stat -c %a "$map")" 444

if [ "$(id -u)" = 0 ]; then
	## Not root.
	chmod 755 "$T" "$W"
	cp "$B/tlspact-compile" "$T/as-nobody"
	chmod 755 "$T/as-nobody"
	rm -f "$map"*
	# nobody ARG...: compile as another user, who owns what is in n
	mkdir n
	nobody()
	{
		run setpriv --reuid=65534 --regid=65534 --clear-groups \
			env LLVM_PROFILE_FILE=/dev/null \
			"$T/as-nobody" "${options[@]}" \
			-o ledger="$W/n/ledger.db" "$@"
	}
	chown 65534:65534 n
	chmod 644 registry registry.a registry.b tlspact.conf
	nobody -o map="$W/n/policy.cdb"
	is 'another user compiles into a folder of his own' "$rc" 0
	start
	chmod 755 m
	before=$(stat -c '%i %y' "$map")
	nobody -o map="$map"
	is 'a folder that may not be written: 77' "$rc" 77
	like 'with words' "$err" 'cannot open .*/m/policy.cdb.lock": Permission denied'
	chmod 700 m
	nobody -o map="$map"
	is 'a folder that may not be entered: 77' "$rc" 77
	is 'the map is as it was' "$(stat -c '%i %y' "$map")" "$before"
	chmod 755 m
	chmod 600 registry
	nobody -o map="$W/n/policy.cdb"
	is 'a registry that may not be read: 77' "$rc" 77
	like 'with words' "$err" 'cannot open .*/registry": Permission denied'
	chmod 644 registry
	mkdir -m 700 p.d
	cp registry.b p.d/more.registry
	echo 'include p.d/*.registry' >registry.inc
	nobody -o map="$W/n/policy.cdb" -o registry="$W/registry.inc"
	is 'included files in a folder that may not be read: 65' "$rc" 65
	like 'with words' "$err" 'registry.inc:1: include .*: folder .*: Permission denied'
	echo 'include p.d/more.registry' >registry.inc
	nobody -o map="$W/n/policy.cdb" -o registry="$W/registry.inc"
	is 'one included file that may not be read: 65' "$rc" 65
	chmod 755 p.d
	chmod 600 p.d/more.registry
	nobody -o map="$W/n/policy.cdb" -o registry="$W/registry.inc"
	is 'nor may its text: 65' "$rc" 65
	like 'with words too' "$err" 'registry.inc:1: include: .*Permission denied'

	## A disk that is full, at every size; a file system that is read-only.
	# Of a file system of our own, in a mount namespace that dies with it.
	cp registry.b registry
	mkdir disk
	# shellcheck disable=SC2016 # for the shell inside
	unshare -m --propagation private bash -c '
		cd "$1" || exit 1
		shift
		for free in {0..16}; do
			mount -t tmpfs -o size=128k none disk || exit 1
			cp map.a disk/policy.cdb
			: >disk/policy.cdb.lock
			head -c $(( (32 - 1 - 4 - free) * 4096 )) /dev/zero \
				>disk/filler 2>/dev/null
			while [ "$(stat -f -c %f disk)" -gt $free ]; do
				head -c 4096 /dev/zero >>disk/filler || exit 1
			done
			"$@" >out 2>err
			status=$?
			cp disk/policy.cdb seen.$free
			ls disk >>names
			echo "$free $status"
			umount disk
		done >sizes
		mount -t tmpfs -o size=128k none disk || exit 1
		cp map.a disk/policy.cdb
		mount -o remount,ro disk || exit 1
		"$@" >out 2>readonly.err
		echo $? >readonly
		cmp disk/policy.cdb map.a || exit 1
	' - "$W" "$B/tlspact-compile" "${options[@]}" \
		-o map="$W/disk/policy.cdb"
	is 'small disks were tried' "$? $(wc -l <sizes)" '0 17'
	bad=''
	while read -r free status; do
		case $status in
		0) want=$rows_b ;;
		*) want=$rows_a ;;
		esac
		[ "$(rows "seen.$free")" = "$want" ] ||
			bad+="$free pages free: status $status, another map; "
		[ "$status" = 0 ] || [ "$status" = 74 ] ||
			bad+="$free pages free: status $status; "
	done <sizes
	is 'a full disk: old or new, whole' "$bad" ''
	like 'the smallest fails with 74' "$(head -n 1 sizes)" ' 74$'
	like 'the largest does not' "$(tail -n 1 sizes)" ' 0$'
	is 'no temporary file stays on them' "$(grep -c tmp names)" 0
	is 'a read-only file system: 73' "$(cat readonly)" 73
	like 'with words' "$(cat readonly.err)" 'Read-only file system'
else
	skip 'another user, full and read-only disks' 'not root'
fi

## Large and odd input, in a time that does not depend on luck.
# within SECONDS NAME STATUS ARG...: exit with STATUS in that time
within()
{
	local limit=$1 name=$2 want=$3

	shift 3
	run timeout -k 1 "$limit" "${compile[@]}" "$@"
	is "$name" "$rc" "$want" || diag "$(head -c 2000 .err)"
}
cd "$T" || exit 1
python3 - <<'PYTHON'
def put(name, text):
    with open(name, "w") as f:
        f.write(text)
head = "partner acme mode=enforced contact=x "
put("line.domains", head + "domain=" +
    ",".join("d%d.example" % i for i in range(60000)) + "\n")
put("line.gateways", head + "domain=a.example " +
    " ".join("gateway=d%d.example" % i for i in range(50000)) + "\n")
put("line.value", head + "domain=a.example { note = " + "x" * 1000000 + " }\n")
put("line.word", "x" * 1000000 + "\n")
put("line.domain", head + "domain=" + "x" * 1000000 + "\n")
put("line.braces", head + "domain=a.example " + "{" * 1000000 + "\n")
put("line.empty", head + "domain=" + "," * 1000000 + "\n")
put("line.blanks", head + "domain=a.example" + " " * 1000000 + "ticket=1\n")
put("line.open", head + "domain=a.example { note = " + "\n " * 500000 + "\n")
put("line.comments", head + "\n" + "# x\n" * 250000 + " domain=a.example\n")
put("line.faults", "partner acme domain=acme.example\n" +
    "".join("x%d\n" % i for i in range(100000)))
put("line.foreign", "".join("x%d\n" % i for i in range(100000)))
PYTHON
within 120 'a line of 1 MB of domains' 0 -o registry="$T/line.domains"
is 'all of them are in the map' "$(cdb -d "$map" |
	grep -c '^+[0-9]*,[0-9]*:d')" 60000
within 120 'a line of 1 MB of gateways' 0 -o registry="$T/line.gateways"
is 'all of them are in the row' "$(cdb -q "$map" a.example |
	tr -c 'a-z0-9.' '\n' | grep -c example)" 50000
within 120 'a value of 1 MB' 65 -o registry="$T/line.value"
like 'is not repeated in full' "${#err}" '^[0-9]{1,3}$'
within 120 'a word of 1 MB' 65 -o registry="$T/line.word"
within 120 'a domain of 1 MB' 65 -o registry="$T/line.domain"
within 120 '1 MB of braces' 65 -o registry="$T/line.braces"
within 120 '1 MB of commas' 65 -o registry="$T/line.empty"
within 120 '1 MB of blanks' 0 -o registry="$T/line.blanks"
within 120 '1 MB inside a brace' 65 -o registry="$T/line.open"
within 120 '1 MB of comments inside a line' 0 -o registry="$T/line.comments"
within 120 '100,000 faults' 65 -o registry="$T/line.faults"
is 'all of them are said' "$(wc -l <"$T/.err")" 100001
within 120 'a file that is no registry' 65 -o registry="$T/line.foreign"
is 'little is said of it' "$(wc -l <"$T/.err")" 5
printf 'partner acme domain=acme.example' >registry.short
within 60 'no newline at the end' 0 -o registry="$T/registry.short"
within 300 'an endless file' 65 -o registry=/dev/zero

# 100,000 files, by one pattern and one by one; in memory if there is enough.
free=$(stat -f -c '%a * %S' "$W")
[ $((free)) -lt 1000000000 ] || cd "$W" || exit 1
python3 - <<'PYTHON'
import os
os.mkdir("many.d")
one = open("many.one", "w")
for i in range(100000):
    with open("many.d/%06d" % i, "w") as f:
        f.write("partner p%d domain=d%d.example\n" % (i, i))
    one.write("include many.d/%06d\n" % i)
one.close()
open("many.all", "w").write("include many.d/*\n")
open("many.tenth", "w").write("include many.d/00*\n")
PYTHON
# took: seconds of processor time of a dry run, in hundredths
took()
{
	local TIMEFORMAT='%U %S'

	{ time "${compile[@]}" -n -o registry="$PWD/$1" >"$T/.out" 2>&1; } \
		2>&1 | tr -d . | awk '{ print int(($1 + $2) / 10) }'
}
within 300 '100,000 includes' 0 -o registry="$PWD/many.one"
within 300 '100,000 files by one pattern' 0 -o registry="$PWD/many.all"
is 'all of them are in the map' "$(cdb -q "$map" ' header' |
	tr ' ' '\n' | grep partners)" partners=100000
took many.tenth >/dev/null
tenth=$(took many.tenth) all=$(took many.all)
diag "10,000 files: ${tenth}0 ms, 100,000 files: ${all}0 ms"
ok 'ten times the files take about ten times as long' \
	test "$all" -le $((tenth * 25 + 50))

done_testing
