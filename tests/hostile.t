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

done_testing
