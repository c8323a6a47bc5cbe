#!/usr/bin/env bash
# Files, folders and surroundings that nobody means and everybody has one day:
# tlspact-compile ends, says why, and harms nothing.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

cd "$T" || exit 1
map=$T/policy.cdb
chmod 777 "$T"

# compile ARG...: as nobody if $as says so. One that hangs is ended, with 124.
as=()
compile()
{
	run timeout 20 "${as[@]}" "$B/tlspact-compile" -C /dev/null \
		-o registry="$T/registry" -o map="$map" \
		-o ledger="$T/ledger.db" -o postfix_version=3.7 \
		-o fingerprint_digest=sha256 "$@"
}
nobody=()
[ "$(id -u)" != 0 ] ||
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

partner='partner a mode=enforced domain=a.example contact=x'
echo "$partner" >registry
compile -o ledger="$T/root.db"
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

## A pipe or device among the files is not waited for.
mkfifo parts/pipe.registry
printf '%s\n' 'include parts/pipe*' 'include /dev/zero' \
	"$partner ca=$T/parts/pipe.registry" >registry
compile
is 'neither as part of the registry nor as a CA' "$rc
$(sed '$d' .err)" "65
$T/registry:1: include: \"$T/parts/pipe.registry\" is not a file
$T/registry:2: include: \"/dev/zero\" is not a file
$T/registry:3: partner a: CA file \"$T/parts/pipe.registry\": not a file"
compile -o registry=/proc/self/fd/0 < <(sleep 0.1; echo "$partner")
is 'the registry itself may be a pipe' "$rc" 0

## A trust anchor file that Postfix will not open holds all mail.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	-keyout key.pem -subj /CN=ca -out ca.pem 2>/dev/null || bail 'no CA'
openssl pkey -in key.pem -pubout -out public.pem || bail 'no public key'
{ cat ca.pem; sed '$d' ca.pem; } >cut.pem
sed '$d' public.pem >cutkey.pem
for file in ca public cut cutkey key; do
	echo "$partner ca=$T/$file.pem" >registry
	compile -n
	echo "$file $rc ${err%%$'\n'*}"
done >verdicts
is 'CA files are read as Postfix reads them' "$(cat verdicts)" "ca 0 
public 0 
cut 65 $T/registry:1: partner a: CA file \"$T/cut.pem\": certificate or key 2 is damaged
cutkey 65 $T/registry:1: partner a: CA file \"$T/cutkey.pem\": certificate or key 1 is damaged
key 65 $T/registry:1: partner a: CA file \"$T/key.pem\": no certificate and no public key in it"

## Root compiles first, the service that owns the folder later.
if [ "$(id -u)" = 0 ]; then
	mkdir state
	chown 65534:65534 state
	echo "$partner" >registry
	compile -o map="$T/state/policy.cdb" -o ledger="$T/state/ledger.db"
	is 'root compiles' "$rc" 0
	echo "$partner domain=b.example" >registry
	as=("${nobody[@]}")
	compile -o map="$T/state/policy.cdb" -o ledger="$T/state/ledger.db"
	as=()
	is 'and the owner of the folder after it' "$rc $err" '0 '
	(umask 777 && compile -o map="$T/state/other.cdb")
	is 'whatever the umask' "$(stat -c '%a %u' state/other.cdb.lock)" \
		'600 65534'
else
	skip 'root compiles first' 'not root'
fi

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

## Without standard input, output or error: nothing goes astray.
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
	rm -f "$map" "$map.lock"
	echo 'partner a mode=enforced domain=a.example' >registry
	(
		eval "exec $closed"
		"$B/tlspact-compile" -v -C /dev/null -o registry="$T/registry" \
			-o map="$map" -o ledger="$T/ledger.db" \
			-o fingerprint_digest=sha256 -o postfix_version=3.7
		echo $? >code
	) >.out 2>.err
	case $closed in
	*' >'* | '>'*) want=74 ;;
	*) want=0 ;;
	esac
	is "closed: $closed" "$(cat code) $(stat -c %s "$map.lock") \
$(cdb -q "$map" a.example)" "$want 0 \
secure match=nexthop:dot-nexthop protocols=>=TLSv1.2 ciphers=high"
done

done_testing
