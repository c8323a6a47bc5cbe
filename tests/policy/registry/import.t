#!/usr/bin/env bash
# tlspact-compile --import: what is printed where, exit codes, tables that
# postmap lists, and that what --text prints comes back as the same map.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

cd "$T" || exit 1

import()
{
	run "$B/tlspact-compile" --import "$@"
}

# text REGISTRY: the rows that it makes
text()
{
	run "$B/tlspact-compile" -C /dev/null -o registry="$1" \
		-o ledger="$T/ledger.db" -o map="$T/none.cdb" \
		-o postfix_version=3.7 -o fingerprint_digest=sha256 \
		-o opportunistic_level=may --text
}

cat >table <<'TABLE'
# the old one
acme.example   secure match=mx1.acme.example:mx2.acme.example
.acme.example  secure match=mx1.acme.example:mx2.acme.example
globex.example encrypt protocols=TLSv1.2 exclude=RC4
* may
TABLE
import postfix table
is 'not all could be carried over' "$rc" 1
is 'how many' "$err" 'tlspact-compile: 4 rows: 2 carried over, 1 in part, 1 left out; the comments say why
tlspact-compile: next, with that in the registry: tlspact-compile -n; against the old table: --diff -o map=OLD.cdb'
is 'the registry' "$out" '# Imported from "table" (postfix).
# inbound=off: it says nothing of mail that comes in. Take that away where
# the agreement is for both directions, and name a contact=.

partner   acme.example
          domain=acme.example,.acme.example mode=enforced verify=name
          gateway=mx1.acme.example,mx2.acme.example min-tls=main.cf
          ciphers=main.cf inbound=off

# table:4: "globex.example": exclude="RC4" is not carried over: what main.cf
#   excludes holds instead
partner   globex.example
          domain=globex.example mode=enforced verify=none protocols=TLSv1.2
          ciphers=main.cf inbound=off

# table:5: "*": left out: Postfix asks for no "*", so that the row holds for
#   nobody: smtp_tls_security_level is for all others'
printf '%s\n' "$out" >first
text "$T/first"
is 'and its rows' "$out" 'acme.example	secure match=mx1.acme.example:mx2.acme.example
.acme.example	secure match=mx1.acme.example:mx2.acme.example
globex.example	encrypt protocols=TLSv1.2'

text "$TOP/tests/golden/registry"
printf '%s\n' "$out" >rows
import postfix - <rows
is 'our own rows: all of them' "$rc $(grep -c '^partner' <<<"$out")" '0 5'
printf '%s\n' "$out" >again
text "$T/again"
is 'come back, byte for byte' "$out" "$(cat rows)"

import postfix "texthash:$T/table"
is 'a table that postmap lists' "$rc" 1
like 'by name, the domain next to what is below it' "$out" \
	'# "texthash:[^"]*": "\*"|domain=acme.example,.acme.example '
unlike 'and by no number of a line' "$out" 'texthash:.*table:[0-9]'
like 'and where both are' "$err" '--import postfix "[^"]*/table"'
printf '%s\n' "$out" >listed
text "$T/listed"
is 'the same rows' "$(sort <<<"$out" | sha256sum)" "$(text "$T/first"
	sort <<<"$out" | sha256sum)"
import postfix "texthash:$T/nothing"
isnt 'one that is not there' "$rc" 0
is 'prints nothing' "$out" ''

# Against the old table: what Postfix does the same by is no change of its,
# nor is what it never asked for, or what all mail was held for.
mkdir etc
printf '%s\n' 'compatibility_level = 3.6' 'smtp_tls_security_level = may' \
	>etc/main.cf
cat >old <<'TABLE'
a.example secure
b.example secure protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1 match=b:a
c.example verify
d.example encrypt
e.example verify match=mx.e.example match=.e.example
f.example secure match=mx.f.example
* encrypt
joe@d.example encrypt
*.d.example encrypt
g.example secured match=mx.g.example
h.example encrypt match=mx.h.example
x.d.example encrypt
.d.example secure match=mx.d.example
TABLE
ok 'the table of before' postmap -c "$T/etc" cdb:old
import postfix old
# What a postmaster does to it by hand.
sed -e 's/gateway=mx.f.example/&,mx2.f.example/' \
	-e '/^partner   x.d/,/inbound=off/d' <<<"$out" >same
# Postfix 3.10 lists cdb:, too.
import postfix regexp:/dev/null
like 'a type that Postfix cannot list' "$rc $err" \
	'^65 .*null": Postfix cannot list tables of this type; use its text, or hash:'
# diff ARG...: the registry against that table
diff()
{
	run "$B/tlspact-compile" -C /dev/null -o registry="$T/same" \
		-o ledger="$T/ledger.db" -o map="$T/old.cdb" \
		-o postfix_version=3.7 -o fingerprint_digest=sha256 \
		-o postfix_config="$T/etc" "$@"
}
COLUMNS=1000 diff --diff -q
is 'what is the same in other words is told so' \
	"$(awk '/^[a-z].*example$/ { print $1, $2 }' <<<"$out" | sort | xargs)" \
	"$(printf '%s\n' 'same a.example' 'same b.example' 'same c.example' \
	'same e.example' 'weaker f.example' 'removed joe@d.example' \
	'removed *.d.example' 'removed g.example' 'removed h.example' \
	'removed x.d.example' | sort | xargs)"
is 'and what mail goes by for whom a row is gone' \
	"$(awk '/^removed/ { key = $2 } /^  now/ { $1 = key; print }' \
		<<<"$out")" \
	'* as before: Postfix asks for no "*", so that the row holds for nobody: smtp_tls_security_level is for all others
joe@d.example as before: Postfix asks for domains, not for addresses
*.d.example as before: Postfix asks for no "*": what is below a domain is .domain
g.example by smtp_tls_security_level = may of main.cf
h.example by smtp_tls_security_level = may of main.cf
x.d.example by .d.example: secure match=mx.d.example'
is 'and whose all mail was held' \
	"$(grep -B 2 -A 1 'Postfix holds all mail' <<<"$out" | head -n 4)" \
	'removed  g.example
  was    secured match=mx.g.example
         (for which Postfix holds all mail)
  now    by smtp_tls_security_level = may of main.cf'
is 'nobody loses anything but the one' "$(tail -n 2 <<<"$out")" \
	'1 row weaker: f.example secure match=mx.f.example -> secure match=mx.f.example:mx2.f.example
7 domains of 7 partners: 7 enforced, 0 opportunistic; 11 rows would be changed, 4 to the same in other words; 1 warning (nothing written)'
diff -n -q -o max_weakened=1
is 'nor does the guard count more' "$rc" 1
like 'but x.d.example' "$err" ' 2 of 8 rows of enforced domains '
diff --diff -j
is 'in JSON' "$(python3 -c 'import json, sys
print([(r["key"], r["same"], r["held"], r["unasked"], r["now"])
	for r in json.load(sys.stdin)["rows"] if r["key"] in
	("c.example", "g.example", "*")])' <.out)" \
	"$(printf '%s' "[('c.example', True, False, False, None), " \
	"('*', False, False, True, 'as before: Postfix asks for no \"*\", " \
	"so that the row holds for nobody: smtp_tls_security_level is for all " \
	"others'), ('g.example', False, True, False, " \
	"'by smtp_tls_security_level = may of main.cf')]")"
diff
is 'the record agrees' "$(sqlite3 ledger.db "SELECT text FROM event
	WHERE kind = 'map'" 2>/dev/null | grep -o '4 changed.*c.e[^;]*')" \
	'4 changed (a.example secure to the same in other words; b.example secure to the same in other words; c.example secure to the same in other words'
rm -r etc
rm -f old old.cdb* old-* ledger.db* same

# What the registry has already.
echo 'partner acme domain=acme.example' >has
printf '%s secure\n' acme.example new.example >rows2
import postfix rows2 -C /dev/null -o registry="$T/has"
like 'one that is there already is told beside its row' "$(tr -s '\n# ' ' ' <<<"$out")" \
	"rows2:1: \"acme.example\": acme.example belongs to partner acme already .$T/has:1.: take one of both away partner acme.example "
like 'and counted' "$rc ${err%%$'\n'*}" '^0 .* 0 left out; 1 in the registry already; the comments say why$'
is 'alone' "$(grep -c belongs <<<"$out")" 1
rm has rows2

# A trust anchor file that is not on this machine.
echo "a.example secure tafile=$T/none.pem" >anchors
import postfix anchors
is 'a CA file that is missing' "$rc ${err%%$'\n'*}" '0 tlspact-compile: 1 row: 1 carried over, 0 in part, 0 left out; 1 with a CA file that cannot be read; the comments say why'
like 'is told beside its row' "$(tr -s '\n# ' ' ' <<<"$out")" \
	'anchors:1: "a.example": CA file "[^"]*none.pem": No such file or directory: .* partner a.example '
rm anchors

printf 'domain,mode\nacme.example,may\n' >csv
import csv csv
is 'a spreadsheet' "$rc $(tail -n 1 <<<"$out")" \
	'0           domain=acme.example mode=may'
echo '{"policies":' >json
import json json
is 'no JSON' "$rc" 65
like 'with its place' "$err" '^json:2: no JSON: '
printf '[acme.example]\ntable_tls = require\n' >dest
import destinations dest
is 'destination controls' "$rc" 0
echo '/x/ encrypt' >patterns
import postfix patterns
is 'nothing at all' "$rc" 65
import postfix nothing
is 'no such file' "$rc" 66
import exchange table
is 'no such format' "$rc" 64
like 'and which there are' "$err" 'postfix, csv, json and destinations'
import postfix
is 'no file' "$rc" 64
import table
like 'no format' "$rc $err" '^64 .*--import postfix "?table"?'
import postfix table --text
is 'nothing else at the same time' "$rc" 64
is 'no file is written' "$(ls)" "$(printf '%s\n' again csv dest first json \
	listed patterns rows table)"

done_testing
