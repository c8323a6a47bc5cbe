# shellcheck shell=bash
# tap.sh: the Test Anything Protocol for shell tests, and a private folder.
#
#	#!/usr/bin/env bash
#	. "$(dirname "$0")/../lab/tap.sh"
#
#	run "$B/tlspact-compile" -n
#	is 'an empty registry is accepted' "$rc" 0
#	like 'and summed up' "$out" '^0 domains'
#	ok 'no map is written' test ! -e "$T/policy.cdb"
#	done_testing
#
# The name of a test comes first, always. One test is one line of output, and
# a test that fails shows what it got and what it wanted. done_testing must be
# the last line: without it the plan is missing and prove reports the file as
# broken, so a script that stops half-way cannot pass.
#
# $T	a private folder, empty, removed at the end, also on Ctrl-C
# $B	the build folder, absolute; `make check` sets it, else ./build
# $TOP	the top of the source tree, absolute
#
# ok NAME COMMAND...		passes if the command succeeds
# nok NAME COMMAND...		passes if it exits 1 to 125: crashes do not count
# is NAME GOT WANT		the same text
# isnt NAME GOT OTHER		not the same text
# like NAME GOT REGEX		GOT matches the bash (extended) expression
# unlike NAME GOT REGEX		it does not
# pass NAME, fail NAME		the verdict was found elsewhere
# skip NAME WHY			counted as passed, shown as skipped
# skip_all WHY			nothing here can run; a failure if CI is set
# bail WHY			what follows makes no sense: the file fails here
# diag TEXT			a remark in the output
# done_testing			prints the plan and ends the script
# run COMMAND...		sets $rc, $out, $err (files $T/.out, $T/.err);
#				stdin is the caller's: `run cmd <file`
# at_exit COMMAND...		run at the end, the last one first
# terminal			whether script(1) can make one here
# wait_for SECONDS COMMAND...	until the command succeeds; 1 if it never did

set -u
export LC_ALL=C.UTF-8 TZ=UTC
# Colour is the test's to ask for, whatever terminal its caller has, or none.
export TERM=xterm
unset NO_COLOR COLUMNS
# What the system has, not what its user put in front of it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
B=$(cd "$TOP" && realpath -m "${B:-build}")
export TOP B
# shellcheck source=tests/lab/wait.sh
. "$TOP/tests/lab/wait.sh"

T=$(mktemp -d "${LAB:-${TMPDIR:-/tmp}}/tlspact-test.XXXXXX") || exit 1
export T

tap_count=0
tap_failed=0
tap_planned=0
tap_at_exit=()
rc=0 out='' err=''

# Whatever comes in between begins it again and takes it to its end.
tap_cleanup()
{
	local status=$1 i

	trap '' HUP INT TERM
	for ((i = ${#tap_at_exit[@]} - 1; i >= 0; i--)); do
		eval "${tap_at_exit[i]}"
	done
	rm -rf "$T"
	if [ $tap_planned = 0 ]; then
		echo "# the script stopped before done_testing, status $status"
		[ "$status" != 0 ] || status=1
	elif [ $tap_failed != 0 ]; then
		echo "# $tap_failed of $tap_count failed"
		status=1
	fi
	trap - EXIT
	exit "$status"
}
trap 'tap_cleanup $?' EXIT
trap 'tap_cleanup 129' HUP
trap 'tap_cleanup 130' INT
trap 'tap_cleanup 143' TERM


pass()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - ${1//#/\\#}"
}

fail()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - ${1//#/\\#}"
	diag "failed: $1 (${BASH_SOURCE[-1]}, line ${BASH_LINENO[-2]})"
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

ok()
{
	local name=$1 status=0

	shift
	"$@" >"$T/.ok" 2>&1 || status=$?
	if [ $status = 0 ]; then
		pass "$name"
	else
		fail "$name"
		diag "status $status: $*"
		diag "$(tail -n 40 "$T/.ok")"
		return 1
	fi
}

nok()
{
	local name=$1 status=0

	shift
	"$@" >"$T/.ok" 2>&1 || status=$?
	if [ $status -ge 1 ] && [ $status -le 125 ]; then
		pass "$name"
	else
		fail "$name"
		diag "status $status, wanted 1 to 125: $*"
		diag "$(tail -n 40 "$T/.ok")"
		return 1
	fi
}

is()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag " got: $2"
		diag "want: $3"
		return 1
	fi
}

isnt()
{
	if [ "$2" != "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag "got, and did not want: $2"
		return 1
	fi
}

like()
{
	if [[ $2 =~ $3 ]]; then
		pass "$1"
	else
		fail "$1"
		diag " got: $2"
		diag "want: /$3/"
		return 1
	fi
}

unlike()
{
	if [[ $2 =~ $3 ]]; then
		fail "$1"
		diag "     got: $2"
		diag "not want: /$3/"
		return 1
	else
		pass "$1"
	fi
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count # SKIP ${1//#/\\#}: $2"
}

terminal()
{
	script -qec true /dev/null </dev/null >/dev/null 2>&1
}

skip_all()
{
	tap_planned=1
	if [ -n "${CI:-}" ]; then
		fail "can run here: $1"
		echo "1..$tap_count"
		exit 1
	fi
	echo "1..0 # SKIP $1"
	exit 0
}

bail()
{
	fail "$*"
	exit 1
}

done_testing()
{
	if [ $tap_count = 0 ]; then
		fail 'the file holds at least one test'
	fi
	tap_planned=1
	echo "1..$tap_count"
	exit 0
}

# shellcheck disable=SC2034 # rc, out and err are for the caller
run()
{
	rc=0
	"$@" >"$T/.out" 2>"$T/.err" || rc=$?
	out=$(<"$T/.out")
	err=$(<"$T/.err")
}

at_exit()
{
	tap_at_exit+=("$(printf '%q ' "$@")")
}
