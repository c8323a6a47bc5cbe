#!/usr/bin/env bash
# make install and uninstall, into a folder and where systemd has other units.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

# What is asked of systemd is written down, and it has nothing of ours.
mkdir "$T/bin"
printf '#!/bin/sh\necho "$*" >>%q\n' "$T/asked" >"$T/bin/systemctl"
chmod 755 "$T/bin/systemctl"
: >"$T/asked"

# Of what is built as it is, whatever the flags.
# shellcheck disable=SC2317 # called through ok
make_it()
{
	PATH=$T/bin:$PATH make -s -o all -C "$TOP" B="$B" "$@"
}

ok 'install into a folder' make_it DESTDIR="$T/root" PREFIX=/usr install
for program in tlspact-compile tlspactctl tlspactd; do
	ok $program test -x "$T/root/usr/sbin/$program"
done
units=$T/root/usr/lib/systemd/system
like 'the units start what was installed' \
	"$(grep -h ^ExecStart= "$units/tlspactd.service")" '=/usr/sbin/tlspactd '
touch "$T/root/etc/tlspact/registry"
ok 'uninstall' make_it DESTDIR="$T/root" PREFIX=/usr uninstall
is 'takes all but what was written since' \
	"$(find "$T/root" ! -type d -printf '/%P\n')" /etc/tlspact/registry
is 'and leaves systemd alone' "$(cat "$T/asked")" ''

here=(PREFIX="$T/usr" SYSCONFDIR="$T/etc" STATEDIR="$T/state")
ok 'install here' make_it "${here[@]}" install
ok 'uninstall here, with systemd or without' make_it "${here[@]}" uninstall
is 'takes all' "$(find "$T/usr" "$T/etc" "$T/state" ! -type d 2>&1 |
	grep -v 'No such file')" ''
unlike 'and stops no units of others' "$(cat "$T/asked")" disable
done_testing
