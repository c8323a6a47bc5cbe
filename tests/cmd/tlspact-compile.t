#!/usr/bin/env bash
# tlspact-compile as a program: options, exit codes, what it prints and what
# it leaves in the map.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"
# Words are looked for here, wherever lines would end.
export COLUMNS=1000

cd "$T" || exit 1
map=$T/policy.cdb
echo 'opportunistic_level = may' >"$T/tlspact.conf"

# compile ARG...: with a version, so that no postconf is asked.
compile()
{
	run "$B/tlspact-compile" -C "$T/tlspact.conf" -o registry="$T/registry" \
		-o ledger="$T/ledger.db" -o map="$map" \
		-o postfix_version=3.7 -o fingerprint_digest=sha256 "$@"
}

# rows: the map's policy rows, in order, as `KEY<tab>TEXT`.
rows()
{
	python3 - "$1" <<-'PYTHON'
	import struct, sys
	data = open(sys.argv[1], "rb").read()
	end = struct.unpack("<I", data[:4])[0]
	pos = 2048
	while pos < end:
	    k, v = struct.unpack("<II", data[pos:pos + 8])
	    key, value = data[pos + 8:pos + 8 + k], data[pos + 8 + k:][:v]
	    pos += 8 + k + v
	    assert b"\0" not in key + value
	    if not key.startswith(b" "):
	        sys.stdout.buffer.write(key + b"\t" + value + b"\n")
	PYTHON
}

# what a file is: its inode, times and bytes
state()
{
	stat -c '%i %y %z %s %a' "$1"
	sha256sum "$1"
}

cat >"$T/registry" <<'REGISTRY'
default   min-tls=TLSv1.2
provider  relay gateway=.relay.example
partner   acme mode=enforced domain=acme.example,.acme.example
          gateway=mx1.acme.example,mx2.acme.example
          contact=postmaster@acme.example
partner   globex mode=enforced domain=globex.example provider=relay
          contact=postmaster@globex.example
partner   munich mode=enforced domain=MÜNCHEN.example verify=none
          contact=x@ours.example
partner   initech mode=opportunistic domain=initech.example
REGISTRY
cp "$T/registry" "$T/first"

## The first map.
compile
is 'a registry compiles' "$rc" 0
is 'the summary is one line' "$out" \
	'5 domains of 4 partners: 4 enforced, 1 opportunistic; 6 rows changed'
is 'nothing is said besides' "$err" ''
is 'the map is readable for Postfix' "$(stat -c %a "$map")" 644
nok 'no temporary file stays' test -e "$map.tmp"
strict='protocols=>=TLSv1.2 ciphers=high'
is 'the rows of the map' "$(rows "$map")" "$(printf '%s\t%s\n' \
	acme.example "secure match=mx1.acme.example:mx2.acme.example $strict" \
	.acme.example "secure match=mx1.acme.example:mx2.acme.example $strict" \
	globex.example "secure match=.relay.example $strict" \
	xn--mnchen-3ya.example "encrypt $strict" \
	münchen.example "encrypt $strict" \
	initech.example may)"
header=$(cdb -q "$map" ' header')
like 'the header' "$header" '^format=1 time=[0-9TZ:-]+ expires=never '
like 'the header counts' "$header" \
	' postfix=3.7 partners=4 domains=5 enforced=4 '
like 'the header names the registry' "$header" \
	" registry=sha256:$(sha256sum <"$T/registry" | cut -d' ' -f1)\$"

## --text is what the map holds.
compile --text
is '--text is the table' "$rc $out" "0 $(rows "$map")"
is '--text equals cdb -d' "$out" "$(cdb -d "$map" | sed -n \
	's/^+[0-9]*,[0-9]*:\([^ ].*\)->\(.*\)$/\1\t\2/p')"
compile --text -o postfix_version=3.3
like '--text of an old Postfix' "$out" \
	'acme.example	secure match=[^ ]* protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1 ciphers=high'
compile --text -o opportunistic_level=dane
like '--text with dane' "$out" 'initech.example	dane$'
if command -v postmap >/dev/null; then
	mkdir "$T/etc"
	echo 'compatibility_level = 3.6' >"$T/etc/main.cf"
	rows "$map" >"$T/rows"
	while IFS=$'\t' read -r key text; do
		is "postmap -q $key" "$(postmap -c "$T/etc" -q "$key" \
			"cdb:${map%.cdb}" 2>&1)" "$text"
	done <"$T/rows"
	run postmap -c "$T/etc" -q 'sub.acme.example' "cdb:${map%.cdb}"
	is 'postmap -q of a name that is not there' "$rc $out$err" '1 '
	run "$B/tlspact-compile" -C "$T/tlspact.conf" \
		-o registry="$T/registry" -o map="$map" --text
	is 'without postfix_version postconf is asked' "$rc $err" '0 '
	# The digest is that of the Postfix which the map is for.
	mkdir "$T/md5" "$T/sha256"
	for digest in md5 sha256; do
		printf '%s\n' 'compatibility_level = 3.6' \
			"smtp_tls_fingerprint_digest = $digest" \
			>"$T/$digest/main.cf"
	done
	key=$(printf ':AA%.0s' {1..32})
	echo 'partner pinned mode=enforced verify=key domain=pinned.example' \
		"contact=p@pinned.example key=${key#:}" >"$T/pinned"
	run "$B/tlspact-compile" -C "$T/tlspact.conf" -o registry="$T/pinned" \
		-o map="$T/pinned.cdb" -o postfix_config="$T/md5" --text
	is 'pins for a Postfix that compares MD5' "$rc" 65
	run "$B/tlspact-compile" -C "$T/tlspact.conf" -o registry="$T/pinned" \
		-o map="$T/pinned.cdb" -o postfix_config="$T/sha256" --text
	is 'and for one that compares SHA-256' "$rc $err" '0 '
else
	skip 'postmap -q' 'no Postfix here'
fi

## Nothing to do is nothing done.
before=$(state "$map")
compile
is 'once more' "$rc $out" \
	'0 5 domains of 4 partners: 4 enforced, 1 opportunistic; no row changed'
is 'unchanged content leaves the file untouched' "$(state "$map")" "$before"
printf '\n# a comment\n' >>"$T/registry"
compile
is 'a comment changes no row' "$rc $(state "$map")" "0 $before"

## Dry run and diff write nothing.
cat >"$T/registry" <<'REGISTRY'
partner   acme mode=enforced domain=acme.example,.acme.example
          gateway=mx1.acme.example contact=postmaster@acme.example
partner   globex mode=enforced domain=globex.example gateway=mx.globex.example
          contact=postmaster@globex.example
partner   munich mode=enforced domain=münchen.example verify=none
          min-tls=TLSv1.1 contact=x@ours.example
partner   umbrella domain=umbrella.example
REGISTRY
compile -n
is '-n exits as a run would' "$rc" 0
is '-n says what would be, and what gets weaker by name' "$out" \
	'2 rows weaker: münchen.example encrypt protocols=>=TLSv1.2 -> encrypt protocols=>=TLSv1.1; xn--mnchen-3ya.example encrypt protocols=>=TLSv1.2 -> encrypt protocols=>=TLSv1.1
5 domains of 4 partners: 4 enforced, 1 opportunistic; 7 rows would be changed; 1 rule changed that no row shows (nothing written)'
is '-n writes nothing' "$(state "$map")" "$before"
compile --dry-run
is '--dry-run is -n' "$rc $(state "$map")" "0 $before"
mkdir "$T/main"
printf '%s\n' 'compatibility_level = 3.6' 'smtp_tls_security_level = may' \
	>"$T/main/main.cf"
compile --diff -o postfix_config="$T/main"
is '--diff exits 0' "$rc" 0
is '--diff, row by row' "$out" "$(cat <<DIFF
stronger acme.example
  was    secure match=mx1.acme.example:mx2.acme.example $strict
  is     secure match=mx1.acme.example $strict
stronger .acme.example
  was    secure match=mx1.acme.example:mx2.acme.example $strict
  is     secure match=mx1.acme.example $strict
changed  globex.example
  was    secure match=.relay.example $strict
  is     secure match=mx.globex.example $strict
weaker   xn--mnchen-3ya.example
  was    encrypt $strict
  is     encrypt protocols=>=TLSv1.1 ciphers=high
weaker   münchen.example
  was    encrypt $strict
  is     encrypt protocols=>=TLSv1.1 ciphers=high
added    umbrella.example
  is     may
removed  initech.example
  was    may
  now    by smtp_tls_security_level = may of main.cf
removed  .relay.example
  rule   inbound require -> nothing
2 rows weaker: münchen.example encrypt protocols=>=TLSv1.2 -> encrypt protocols=>=TLSv1.1; xn--mnchen-3ya.example encrypt protocols=>=TLSv1.2 -> encrypt protocols=>=TLSv1.1
5 domains of 4 partners: 4 enforced, 1 opportunistic; 7 rows would be changed; 1 rule changed that no row shows (nothing written)
DIFF
)"
is '--diff writes nothing' "$(state "$map")" "$before"
compile --diff -o postfix_config="$T/none"
like 'where main.cf cannot be read' "$out" '
  now    by smtp_tls_security_level of main.cf
'
compile -v
is '-v shows what changed, and writes' "$rc $(grep -c '^[a-z]' <<<"$out")" '0 8'
isnt 'the map is new' "$(state "$map")" "$before"
compile --diff
is '--diff of no difference' "$out" \
	'5 domains of 4 partners: 4 enforced, 1 opportunistic; no row changed (nothing written)'

## A change of the inbound rule alone is no row of Postfix, but is written.
sed -i 's/^partner   umbrella/& inbound=warn/' "$T/registry"
compile --diff
like 'an inbound rule is told by the dry run' "$out" '^stronger umbrella.example
  rule   opportunistic -> opportunistic, inbound warn
.*; no row changed; 1 rule changed that no row shows \(nothing written\)$'
compile --diff -j
is 'as JSON, too' "$(jq -r '.rules[] | "\(.key) \(.client) \(.rule)"' <<<"$out")" \
	'umbrella.example false opportunistic -> opportunistic, inbound warn'
compile
like 'an inbound rule changes no row' "$out" '; no row changed; 1 rule changed that no row shows$'
is 'but the map' "$(cdb -q "$map" ' d:umbrella.example' | cut -d' ' -f1,2)" \
	'partner=umbrella inbound=warn'

## JSON.
# json EXPRESSION: of the output, which must be one JSON text.
json()
{
	python3 -c "import json, sys; j = json.load(sys.stdin); print($1)" \
		<"$T/.out"
}
cp "$T/first" "$T/registry"
compile --diff -j -o postfix_config="$T/main"
is '-j exits as without' "$rc" 0
is '-j names its schema' "$(json 'j["schema"]')" tlspact.compile.v1
is '-j counts' "$(json '[j[x] for x in ("partners", "domains", "enforced",
	"opportunistic", "lowered", "written", "exit_code", "next_change")]')" \
	'[4, 5, 4, 1, 0, False, 0, None]'
is '-j counts changes' "$(json 'sorted(j["changes"].items())')" \
	"[('added', 1), ('changed', 1), ('removed', 1), ('stronger', 2), ('weaker', 2)]"
is '-j lists the rows' "$(json '[(r["change"], r["key"], r["was"], r["is"])
	for r in j["rows"] if r["change"] in ("added", "removed")]')" \
	"[('added', 'initech.example', None, 'may'), ('removed', 'umbrella.example', 'may', None)]"
is '-j says what is left where a row is gone' "$(json '[r["now"]
	for r in j["rows"] if r["change"] in ("added", "removed")]')" \
	"[None, 'by smtp_tls_security_level = may of main.cf']"
compile -j --text
is '-j --text' "$(json '[(r["key"], r["policy"], r["level"], r["partner"])
	for r in j["rows"]][-2:]')" \
	"[('münchen.example', 'encrypt $strict', 'encrypt', 'munich'), ('initech.example', 'may', 'opportunistic', 'initech')]"
echo 'partner acme domain=a_b' >"$T/registry"
compile -j
is '-j of a bad registry' "$rc $(json 'j["errors"]')" "65 [{'file': '$T/registry', 'line': 1, 'message': 'domain \"a_b\": \\'_\\' is not allowed in a mail domain'}]"
is '-j of a bad registry says so' "$(json '[j["exit_code"], j["written"]]')" \
	'[65, False]'
mkdir "$T/odd"
printf 'include odd/*\n' >"$T/registry"
printf 'partner acme domain=a_b\n' >"$T/odd/"$'caf\xe9'
compile -j
is '-j of a fault in a file whose name is not UTF-8' "$(json \
	'[len(j["errors"]), j["errors"][0]["line"]]')" '[1, 1]'
rm -r "$T/odd"
cp "$T/first" "$T/registry"
compile -j
is '-j of a run that writes' "$rc $(json '[j["written"], j["exit_code"]]')" \
	'0 [True, 0]'

## Five faults, five messages.
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example contact=x@ours.example
partner one domain=a_b.example
partner two domain=two.example
        mode=strict
partner three domain=Acme.Example
partnr four domain=four.example
partner five domain=five.example provider=nobody
partner fine mode=enforced domain=fine.example
REGISTRY
before=$(state "$map")
compile
is 'five faults: exit 65' "$rc" 65
is 'five faults, five lines, by line' "$(sed '$d' "$T/.err")" "$(cat <<ERRORS
$T/registry:2: domain "a_b.example": '_' is not allowed in a mail domain
$T/registry:4: mode "strict" is not one of opportunistic, enforced, may, dane, none
$T/registry:5: domain "acme.example" belongs to partner acme already ($T/registry:1)
$T/registry:6: unknown word "partnr": a line begins with partner, provider, default or include; did you mean partner?
$T/registry:7: partner five: unknown provider "nobody"
ERRORS
)"
like 'and what became of the map' "$(tail -n 1 "$T/.err")" \
	"^tlspact-compile: 5 errors; $map left as it was \(5 domains, compiled [0-9: -]+\)\$"
is 'stdout is empty' "$out" ''
is 'the map is as it was, in every respect' "$(state "$map")" "$before"
compile -v
like 'with -v warnings are shown beside errors' "$err" \
	'registry:8: warning: partner fine is enforced and has no contact'
cat >"$T/registry" <<'REGISTRY'
partner one mode=enforced domain=one.example
partner two domain=sub.one.example review=2020-01-01
partner wide domain=wide.example gateway=.com,.a.com
  { issuer = GoDaddy.com, Inc. }
REGISTRY
compile -n --accept-weaker
is 'warnings do not fail' "$rc" 0
is 'warnings, by line' "$err" "$(cat <<WARNINGS
$T/registry:1: warning: partner one is enforced and has no contact
$T/registry:2: warning: partner two: its review was due on 2020-01-01
$T/registry:2: warning: domain "sub.one.example" of partner two is weaker (opportunistic) than its parent "one.example" of partner one (secure)
$T/registry:3: warning: partner wide: gateway ".com" is any name of a whole top-level domain
$T/registry:3: warning: partner wide: issuer "Inc." is a pattern of its own: a comma separates patterns (say GoDaddy.com* instead)
WARNINGS
)"
like 'warnings are counted' "$out" '; 5 warnings \(nothing written\)$'
compile -qn --accept-weaker
is '-q shows none' "$rc.$err" 0.
like 'and counts them' "$out" '; 5 warnings \(nothing written\)$'

## One fault a file.
cd "$TOP/tests/bad" || exit 1
cp "$T/first" "$T/registry"
compile
is 'a map to be kept' "$rc" 0
before=$(state "$map")
for expect in *.expect; do
	name=${expect%.expect}
	want=65 options=(-C "$T/tlspact.conf" -o postfix_version=3.7)
	if [ -e "$name.conf" ]; then
		want=78 options=(-C "$name.conf")
	else
		options+=(-o registry="$name.registry")
		[ ! -e "$name.settings" ] ||
			options=(-C "$name.settings" "${options[@]:4}")
	fi
	run "$B/tlspact-compile" "${options[@]}" -o map="$map"
	got=$(grep -v '^tlspact-compile: ' "$T/.err")
	is "bad/$name" "$rc
$got
$out$(state "$map")" "$want
$(cat "$expect")
$before"
done
for f in *.registry *.conf; do
	name=${f%.*}
	[ -e "$name.expect" ] || fail "bad/$f has no .expect"
done
cd "$T" || exit 1

## The guard.
for i in {1..40}; do
	echo "partner p$i mode=enforced domain=d$i.example gateway=mx.d$i.example contact=x"
done >"$T/registry"
compile --accept-weaker
is 'forty partners' "$rc" 0
before=$(state "$map")
cp "$T/registry" "$T/forty"
sed -i 's/mode=enforced \(domain=d[1-5].example\)/\1/' "$T/registry"
compile
is 'five of forty get weaker: refused' "$rc" 65
is 'and said how to go on' "$(sed '$d' "$T/.err")" "$(cat <<GUARD
tlspact-compile: 5 of 40 rows of enforced domains would be removed or weakened; max_weakened = 10% allows 4
tlspact-compile: see tlspact-compile --diff; if it is meant, run tlspact-compile --accept-weaker
tlspact-compile: if it is not, to put them back: tlspact-compile --lost --write
GUARD
)"
is 'the map is as it was' "$(state "$map")" "$before"
compile -n
like '-n says that it would be refused' "$rc $err" \
	'^1 .*without --accept-weaker this would be refused.*if it is not meant: tlspact-compile --lost$'
compile -o max_weakened=5
is 'max_weakened says how many' "$rc" 0
cp "$T/forty" "$T/registry"
compile
is 'stronger is never refused' "$rc" 0
sed -i 5,8d "$T/registry"
compile
is 'four of forty removed: 10 % may go' "$rc" 0
is 'which says whom that leaves unprotected' "${out%%$'\n'*}" \
	'4 rows removed: d5.example (secure), d6.example (secure), d7.example (secure) and 1 more, no longer protected'
cp "$T/forty" "$T/registry"
compile
sed -i 5,9d "$T/registry"
compile
is 'five of forty removed: refused' "$rc" 65
compile --accept-weaker
is '--accept-weaker writes' "$rc $(rows "$map" | wc -l)" '0 35'
: >"$T/registry"
compile -o max_weakened=100%
is 'an empty registry is refused whatever the limit' "$rc" 65
compile --accept-weaker
is 'but for --accept-weaker' "$rc $out" \
	'0 35 rows removed: d1.example (secure), d10.example (secure), d11.example (secure) and 32 more, no longer protected
0 domains of 0 partners: 0 enforced, 0 opportunistic; 35 rows changed'
echo 'partner a mode=enforced domain=.a.example,x.a.example contact=x' \
	>"$T/registry"
compile
sed -i 's/,x.a.example//' "$T/registry"
compile -n
unlike 'a row below one that stays is protected still' "$rc $out" \
	'no longer|^1'
cp "$T/registry" "$T/above"
sed -i 's/mode=enforced/& verify=none/' "$T/registry"
compile --diff -q -o max_weakened=5
is 'by less, if that asks for less' "$(grep -A 3 ^removed <<<"$out" |
	head -n 4)" "removed  x.a.example
  was    secure match=nexthop:dot-nexthop $strict
  now    by .a.example: encrypt $strict
1 row removed: x.a.example (secure, now encrypt), less protected"
cp "$T/above" "$T/registry"
sed -i 's/=.a.example/=a.example/' "$T/registry"
compile -n
is 'a domain protects no name below it' "${out%%$'\n'*}" \
	'2 rows removed: .a.example (secure), x.a.example (secure), no longer protected'
is 'which is no good answer of -n' "$rc" 1
compile -n --accept-weaker
is 'unless it is meant' "$rc" 0
compile --diff
is 'nor of --diff one at all' "$rc" 0
cp "$T/first" "$T/registry"
compile
sed -i 's/mode=enforced domain=globex/domain=globex/' "$T/registry"
compile
is 'two of a few may always go' "$rc" 0

## Settings.
cat >"$T/other.conf" <<CONF
# continued
registry =
	$T/first
map = $T/other.cdb
ledger = $T/other.db
postfix_version = 3.5
CONF
run "$B/tlspact-compile" -C "$T/other.conf"
is '-C names registry and map' "$rc" 0
like 'and the version' "$(cdb -q "$T/other.cdb" acme.example)" '!TLSv1.1 '
run "$B/tlspact-compile" --config "$T/other.conf" \
	--option map="$T/third.cdb" -o postfix_version=3.4 -o postfix_version=3.11
is 'the last -o wins' "$rc $(cdb -q "$T/third.cdb" globex.example)" \
	"0 secure match=.relay.example $strict"
like 'and is in the header' "$(cdb -q "$T/third.cdb" ' header')" \
	' postfix=3.11 '
compile -o colour=blue
is 'an unknown -o' "$rc $err" '78 tlspact-compile: -o: "colour": unknown setting'
compile -o smtp_port=0 -o colour=blue
is 'all of them are said' "$rc $(wc -l <"$T/.err")" '78 2'
run "$B/tlspact-compile" -C "$T/none.conf"
is 'no such settings file' "$rc $err" \
	"66 tlspact-compile: cannot open \"$T/none.conf\": No such file or directory"
run "$B/tlspact-compile" -C "$T"
is 'a folder for settings' "$rc" 66

## Exit codes.
run "$B/tlspact-compile" -h
like '-h' "$rc $out" '^0 usage: tlspact-compile '
run "$B/tlspact-compile" --help
is '--help' "$rc $err" '0 '
run "$B/tlspact-compile" -V
like '-V' "$rc $out" '^0 tlspact-compile [^ ]+$'
run "$B/tlspact-compile" --version
is '--version' "$rc" 0
for bad in -x --no-such -C --config=  '--diff --text' extra -o; do
	[ "$bad" != --config= ] || continue
	# shellcheck disable=SC2086
	compile $bad
	is "usage: $bad" "$rc" 64
done
compile -o registry="$T/none"
is 'no registry' "$rc" 66
like 'no registry is said' "$err" 'cannot open "[^"]*/none": No such file'
compile -o registry="$T"
is 'a folder for a registry' "$rc" 66
compile -o map="$T/none/policy.cdb"
is 'no folder for the map' "$rc" 73
like 'no folder is said' "$err" 'no map written$'
for text in '--text' '-h' '-V' '-j' ''; do
	rc=0
	# shellcheck disable=SC2086
	"$B/tlspact-compile" -C "$T/tlspact.conf" -o registry="$T/first" \
		-o map="$map" -o ledger="$T/full.db" -o postfix_version=3.7 \
		$text >/dev/full 2>"$T/.err" || rc=$?
	is "stdout is full: ${text:-summary}" "$rc" 74
done
for program in log probe setup verify; do
	rc=0
	"$B/tlspact-$program" -V >/dev/full 2>"$T/.err" || rc=$?
	is "stdout is full: tlspact-$program -V" "$rc" 74
done
for program in tlspactctl tlspactd; do
	rc=0
	"$B/$program" -h >/dev/full 2>"$T/.err" || rc=$?
	is "stdout is full: $program -h" "$rc" 74
done
printf 'not a map' >"$T/broken.cdb"
compile -o map="$T/broken.cdb"
is 'a live map that is none is replaced' "$rc" 0
like 'and that is said' "$err" 'is of no use and will be replaced'
is 'by a whole one' "$(rows "$T/broken.cdb" | wc -l)" 6
PATH=$T "$B/tlspact-compile" -C "$T/tlspact.conf" -o registry="$T/first" \
	-o map="$T/never.cdb" -o ledger="$T/never.db" -o postfix_version= \
	>/dev/null 2>"$T/.err"
rc=$?
case $rc in
0) pass 'postconf is found without PATH' ;;
*) is 'no postconf' "$rc" 69 ;;
esac

## An opportunistic partner is what strangers are to main.cf.
command -v postconf >/dev/null || { skip 'main.cf' 'no Postfix here'; done_testing; }
mkdir -p "$T/cf"
cat >"$T/registry" <<'REGISTRY'
partner big mode=enforced domain=big.example,.big.example gateway=mx.big.example
        contact=x@big.example
partner open mode=opportunistic domain=open.example,.open.example,[mx.open.example]
partner part mode=opportunistic domain=part.big.example,.part.big.example
REGISTRY
# main_cf LEVEL OPTION...	compile with main.cf at that level
main_cf()
{
	printf 'compatibility_level = 3.6\nsmtp_tls_security_level = %s\n' "$1" \
		>"$T/cf/main.cf"
	rm -f "$map"
	compile -o opportunistic_level=main.cf -o postfix_config="$T/cf" "${@:2}"
	open='no map' part='no map'
	[ -e "$map" ] || return
	open=$(rows "$map" | grep open.example)
	part=$(rows "$map" | sed -n 's/^part.big.example\t//p')
}
for level in may dane encrypt verify secure; do
	main_cf $level
	is "main.cf says $level: no row for a stranger's like" "$rc $open" '0 '
	is 'and below an enforced parent what main.cf has' "$part" $level
	unlike 'of which nothing is said' "$err" 'strangers'
	is 'inside .part the row of .part holds' \
		"$(rows "$map" | grep -c '^\.part.big.example')" 1
done
main_cf none
is 'less than TLS where it is offered it never is' "$rc $part" '0 may'
main_cf ''
is 'nor where main.cf says nothing' "$rc $part" '0 may'
main_cf dane -o opportunistic_level=may
is 'a level in so many words has rows' "$rc $part" '0 may'
like 'and where they are weaker than main.cf it is said' "$err" \
	'registry:3: warning: the policy of partner open \(and of 1 others\) is weaker than what strangers get: main.cf has smtp_tls_security_level = dane'
main_cf may -o opportunistic_level=may
unlike 'only then' "$err" 'weaker than what strangers'
main_cf may -o opportunistic_level=dane
is 'so has the other one' "$rc $part" '0 dane'
unlike 'which is not weaker' "$err" 'weaker than what strangers'
main_cf secre
is 'a level that Postfix does not know makes no map' "$rc $open" '65 no map'
like 'and is named' "$err" 'registry:4: domain "part.big.example" of opportunistic partner part needs a row'
sed -i '/^partner part/d' "$T/registry"
main_cf secre
is 'it is not asked for in vain' "$rc $open" '0 '
sed -i 's/gateway=mx.big.example/verify=none/' "$T/registry"
main_cf secure
like 'encryption alone may be less than strangers get' "$err" \
	'registry:1: warning: the policy of partner big .* is weaker'

# A CA whose key OpenSSL does not know, such as one of an algorithm to come:
# Postfix passes over it, and so does the registry, with a word.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
	-subj /CN=ca -keyout "$T/ca.key" -out "$T/ca.pem" 2>/dev/null
openssl x509 -in "$T/ca.pem" -outform der |
	perl -0777 -pe 's/\x2a\x86\x48\xce\x3d\x02\x01/\x2a\x86\x48\xce\x3d\x02\x63/' |
	base64 -w 64 >"$T/der"
{
	echo '-----BEGIN CERTIFICATE-----'
	cat "$T/der"
	echo '-----END CERTIFICATE-----'
} >"$T/strange.pem"
cat "$T/ca.pem" "$T/strange.pem" >"$T/both.pem"
echo "partner a mode=enforced domain=a.example contact=x ca=$T/both.pem" >"$T/registry"
compile
is 'a CA of an unknown kind of key beside another one' "$rc" 0
like 'is warned of' "$err" \
	"registry:1: warning: partner a: CA file \"$T/both.pem\": OpenSSL cannot read 1 of the keys in it"
echo "partner a mode=enforced domain=a.example contact=x ca=$T/strange.pem" >"$T/registry"
compile
is 'alone it is an error' "$rc" 65
like 'and named' "$err" "registry:1: partner a: CA file \"$T/strange.pem\""

## A ledger that is damaged: what adds is written, and what was is printed;
## what takes is refused.
cp "$T/first" "$T/registry"
rm -f "$map" "$T"/ledger.db*
compile
echo 'partner new mode=enforced domain=new.example contact=x' >>"$T/registry"
rm -f "$T"/ledger.db-*
echo junk >"$T/ledger.db"
compile --diff
is 'differences are printed with a damaged ledger, too' \
	"$rc $(head -n 1 <<<"$out")" '65 added    new.example'
compile
is 'what adds is compiled: the code is that of the ledger' "$rc" 65
is 'the summary tells that' "$out" \
	'6 domains of 5 partners: 5 enforced, 1 opportunistic; 1 row changed'
like 'and so is said' "$err" $'\ntlspact-compile: the map was written all the same$'
like 'as it was' "$(rows "$map")" 'new.example.secure'
echo 'partner more mode=enforced domain=more.example contact=x' >>"$T/registry"
compile -j
is 'JSON tells it as well' "$rc $(jq -c '[.written, .exit_code]' <<<"$out")" \
	'65 [true,65]'
sed -i /new.example/d "$T/registry"
before=$(state "$map")
compile
is 'what takes a row is refused, and nothing is printed' "$rc $out" '65 '
is 'the map is what it was' "$(state "$map")" "$before"
compile -j
is 'which JSON tells, too' "$rc $(jq -c .written <<<"$out")" '65 false'

done_testing
