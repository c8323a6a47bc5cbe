#!/usr/bin/env bash
# Files, folders and surroundings that nobody means and everybody has one day:
# tlspact-compile ends, says why, and harms nothing.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/lab/tap.sh"

cd "$T" || exit 1
map=$T/policy.cdb
chmod 777 "$T"

# compile ARG...: as nobody if $as says so. One that hangs is ended, with 124.
as=()
compile()
{
	run timeout 20 "${as[@]}" "$B/tlspact-compile" -C /dev/null \
		-o registry="$T/registry" -o map="$map" \
		-o postfix_version=3.7 -o fingerprint_digest=sha256 "$@"
}
nobody=()
[ "$(id -u)" != 0 ] ||
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

partner='partner a mode=enforced domain=a.example contact=x'
echo "$partner" >registry
compile
is 'a good registry' "$rc" 0

## Included files that cannot be seen are not "no files".
mkdir parts
echo 'partner b mode=enforced domain=b.example contact=x' >parts/b.registry
printf '%s\n' "$partner" 'include parts/*.registry' >registry
as=("${nobody[@]}")
chmod 0 parts
compile -n
is 'a folder that must not be read is an error' "$rc ${err%%$'\n'*}" \
	"65 $T/registry:2: include \"$T/parts/*.registry\": folder \"$T/parts\": Permission denied"
chmod 755 parts
compile -n
is 'once it may be read, all is well' "$rc" 0
printf '%s\n' "$partner" 'include none/*.registry' >registry
compile -n
is 'a folder that is not there has no files' "$rc" 0
as=()

## A map that is no file is not made one.
echo "$partner" >registry
mkfifo pipe.cdb
mkdir folder.cdb
ln -s nowhere dangling.cdb
for kind in pipe folder; do
	compile -o map="$T/$kind.cdb"
	is "a $kind is not replaced" "$rc ${err%%$'\n'*}" \
		"73 tlspact-compile: \"$T/$kind.cdb\" is not a regular file"
	compile -n -o map="$T/$kind.cdb"
	is "and -n ends" "$rc ${err%%$'\n'*}" \
		"0 tlspact-compile: \"$T/$kind.cdb\" is not a cdb file"
done
ln -s pipe.cdb link.cdb
compile -o map="$T/link.cdb"
is 'what a link points to is not replaced either' \
	"$rc $(stat -c %F link.cdb pipe.cdb)" '73 symbolic link
fifo'
compile -o map="$T/dangling.cdb"
is 'a link that dangles stays a link' "$rc $(stat -c %F dangling.cdb)" \
	'73 symbolic link'
is 'nothing is left behind' "$(ls ./*.tmp nowhere* 2>/dev/null)" ''

done_testing
