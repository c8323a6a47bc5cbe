#!/usr/bin/env bash
# install-deps: its options, and which packages belong to which purpose. That
# they do is seen by tests/fresh, in a root that has no others.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/lab/tap.sh"

# What is installed, and what can be had, is in two files, a name a line.
mkdir "$T/bin"
cat >"$T/bin/dpkg-query" <<'SH'
#!/bin/sh
for p; do :; done
if grep -qxF "$p" "$T/installed"; then echo 'install ok installed'; fi
SH
cat >"$T/bin/apt-cache" <<'SH'
#!/bin/sh
grep -xF "$2" "$T/known"
SH
# Installs until it comes to a package called as $T/breaks says.
cat >"$T/bin/apt-get" <<'SH'
#!/bin/bash
[[ " $* " != *' -s '* && " $* " = *' install '* ]] || exit 0
if /usr/sbin/policy-rc.d; then echo start; else echo $?; fi >"$T/policy"
words=$*
for p in ${words##* install }; do
	! grep -qxF "$p" "$T/breaks" || exit 100
	echo "$p" >>"$T/installed"
done
SH
printf '#!/bin/sh\ncat >/dev/null\n' >"$T/bin/debconf-set-selections"
cat >"$T/bin/update-rc.d" <<'SH'
#!/bin/sh
echo "$@" >>"$T/rc"
SH
cp "$TOP/scripts/install-deps" "$T/bin" # where nobody can read it
chmod 755 "$T" "$T/bin" "$T"/bin/*
: >"$T/installed"
: >"$T/known"
# shellcheck disable=SC2317 # called through run
deps()
{
	PATH=$T/bin:$PATH "$TOP/scripts/install-deps" "$@"
}

for options in --for '--for nothing' --all '--for run more' '--list more'; do
	# shellcheck disable=SC2086
	run deps $options
	is "usage: $options" "$rc.$out" 64.
done

for set in run build demo check lint; do
	run deps --for $set --list
	is "the set $set" "$rc.$err" 0.
	sort "$T/.out" >"$T/$set"
	is "$set: no name twice" "$(uniq -d "$T/$set")" ''
done
run deps --list
is 'check is what it installs unless told' "$(sort <<<"$out")" \
	"$(cat "$T/check")"
# has SET NAME...	which of these names are in a set
has()
{
	local set=$1

	shift
	printf '%s\n' "$@" | grep -xFf "$T/$set" | tr '\n' ' '
}
is 'a gateway gets no compiler, headers or name server' \
	"$(grep -e -dev "$T/run")$(has run gcc make nsd perl python3)" ''
is 'nor does who builds get a mail system' "$(comm -12 "$T/run" "$T/build")" ''
is 'the demo has all of both' \
	"$(sort "$T/run" "$T/build" | comm -23 - "$T/demo")" ''
is 'no linter, second compiler, valgrind or test library' \
	"$(has demo clang valgrind shellcheck cppcheck libcmocka-dev)" ''
is 'the tests have all of the demo' "$(comm -23 "$T/demo" "$T/check")" ''
is 'and what they call' "$(has check jq time perl)" 'jq time perl '
is 'and no linter or second compiler' \
	"$(has check clang valgrind shellcheck cppcheck)" ''
is 'the rest of CI has all of the tests' "$(comm -23 "$T/check" "$T/lint")" ''
is 'and what it calls' "$(has lint clang valgrind cppcheck debootstrap)" \
	'clang valgrind cppcheck debootstrap '

# Debian 13 calls some of them otherwise.
is 'names of 12' "$(has run libssl3 libssl3t64)" 'libssl3 '
printf '%s\n' libssl3t64 libarchive13t64 >"$T/known"
deps --for run --list >"$T/run"
is 'names of 13' "$(has run libssl3 libssl3t64)" 'libssl3t64 '
: >"$T/known"

# README lists what a gateway needs, and what it does not.
words=$(sed -n '/^Install$/,/^Elsewhere/p' "$TOP/README" | tr -s ' ,;:()' '\n')
deps --for run --list >"$T/run"
for set in run build; do
	is "README names all of $set" \
		"$(deps --for $set --list | grep -vxF "$words")" ''
done

cp "$T/run" "$T/installed"
run deps --for run
is 'all is there' "$rc $out" '0 install-deps: all packages for run are there'
sed -i /jansson/d "$T/installed"
as=()
[ "$(id -u)" != 0 ] ||
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
# shellcheck disable=SC2317
deps_as_nobody()
{
	PATH=$T/bin:$PATH "${as[@]}" bash "$T/bin/install-deps" "$@"
}
run deps_as_nobody --for run
is 'not root' "$rc $err" '77 install-deps: not root: run it by sudo, or: apt-get install libjansson4'
nok 'nothing was installed' test -e "$T/policy"

# What it does to services, with a /usr/sbin of its own.
mkdir "$T/sbin"
if [ "$(id -u)" != 0 ] ||
	! unshare --mount mount --bind "$T/sbin" /usr/sbin 2>/dev/null; then
	skip 'services' 'needs root, and name spaces'
	done_testing
fi
# shellcheck disable=SC2317
installs()
{
	rm -f "$T/rc" "$T/policy"
	# shellcheck disable=SC2016 # the inner one expands it
	unshare --mount bash -c 'mount --bind "$T/sbin" /usr/sbin &&
		PATH=$T/bin:/usr/bin:/bin exec "$TOP/scripts/install-deps" "$@"' - "$@"
}
: >"$T/breaks"
grep -vxF postfix "$T/run" >"$T/installed"
run installs --for run
is 'a package is installed' "$rc.$err" 0.
is 'its service is not started' "$(cat "$T/policy")" 101
is 'nor enabled' "$(cat "$T/rc")" 'postfix disable'
is 'services may start again' "$(ls "$T/sbin")" ''
run installs --for demo
is 'one that was there is left alone' "$rc $(cat "$T/rc")" '0 nsd disable'

grep -vxF postfix "$T/run" >"$T/installed"
echo openssl >"$T/breaks"
run installs --for demo
is 'apt-get breaks off' "$rc" 69
is 'and what it has brought is not enabled' "$(sort -u "$T/rc")" \
	$'nsd disable\npostfix disable'
is 'nor in the way' "$(ls "$T/sbin")" ''

printf '#!/bin/sh\nexit 104\n' >"$T/sbin/policy-rc.d"
chmod 755 "$T/sbin/policy-rc.d"
cp "$T/run" "$T/installed"
: >"$T/breaks"
run installs --for demo
is "the admin's own policy holds, and stays" \
	"$rc $(cat "$T/policy") $(cat "$T/sbin/policy-rc.d")" \
	$'0 104 #!/bin/sh\nexit 104'
done_testing
