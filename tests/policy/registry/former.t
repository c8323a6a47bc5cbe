#!/usr/bin/env bash
# A partner gets another name: its downgrade goes on, its history and the key
# that it showed stay known, and the record stays whole.
# shellcheck disable=SC2317 # called through ok and run
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
export COLUMNS=1000

command -v sqlite3 >/dev/null || skip_all 'no sqlite3 here'

mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user=
	-o "evidence=$T/evidence.db" -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o probe_timeout=1s
	-o resolver=127.0.0.1 -o trust_anchor=)
compile()
{
	"$B/tlspact-compile" "${options[@]}" "$@"
}
# No gateway of these partners can be looked at, as a restore does: it finds no
# prober beside it.
mkdir "$T/alone"
cp "$B/tlspactctl" "$T/alone/"
ctl()
{
	local verb=$1 from=$B

	shift
	[ "$verb" != restore ] || from=$T/alone
	"$from/tlspactctl" "$verb" "${options[@]}" -c "$T/etc" "$@"
}
down()
{
	ctl downgrade "$@" --for 1h --reason test --yes --no-flush
}
# partners NAME [ATTRIBUTE]	the registry, with that name for one
partners()
{
	cat >"$T/registry" <<-REGISTRY
		partner $1 mode=enforced domain=acme.example
		        gateway=mx1.acme.example contact=p@acme.example ${2:-}
		partner globex mode=enforced domain=globex.example
		        gateway=mx1.globex.example contact=p@globex.example
	REGISTRY
}
# Rows, and until when they are lowered.
rows()
{
	compile --text 2>/dev/null
	sqlite3 "$T/ledger.db" \
		'SELECT id, "end", after FROM downgrade WHERE closed = 0'
}
open()
{
	sqlite3 "$T/ledger.db" \
		'SELECT id, partner FROM downgrade WHERE closed = 0'
}

partners acme
ok 'the registry compiles' compile || bail 'nothing to test'
key=$(printf 'ab%.0s' {1..32})
ok 'acme passes' "$B/tools/probed" "$T/evidence.db" acme acme.example \
	mx1.acme.example ok
sqlite3 "$T/evidence.db" "UPDATE result SET key = '$key'"
ok 'acme is lowered' down acme --to encrypt
before=$(rows)
was=$(open)

# What a rename does is told before.
partners acme2 former=acme
run compile -n
is 'a dry run' "$rc" 0
like 'tells it' "$err" 'acme is to be acme2 from now on'
is 'and the rows are as before' "$(rows | head -2)" "$(head -2 <<<"$before")"
is 'and changes nothing' "$(open)" "$was"

run compile
is 'it compiles' "$rc" 0
like 'and tells it' "$err" 'acme is acme2 from now on'
is 'the downgrade goes on' "$(open)" '1|acme2'
is 'to the same end, by the same rows' "$(rows)" "$before"
run compile
is 'once' "$rc $err" '0 '
is 'its looks go on under the new name' "$(ctl check -j 2>/dev/null |
	jq -r '.checks[] | select(.check == "probes").text')" \
	'never looked at: globex'
run ctl status acme2
like 'status knows' "$out" 'lowered'
run down acme2 --to encrypt
is 'there is one already' "$rc" 1
run ctl history --check
is 'the record is whole' "$rc ${out%%:*}" '0 whole'
all=$(ctl history acme2 2>/dev/null)
like 'history has the old name' "$all" 'downgrade-begin +acme .*lowered from secure to encrypt'
like 'and the rename' "$all" 'partner-renamed +acme2 .*acme is acme2 from now on'
run ctl history acme
is 'and so by the old name' "$out" "$all"
like 'which is told' "$err" '"acme" is now "acme2"'
run ctl status acme
like 'status goes by the old name as well' "$err" '"acme" is now "acme2"'
like 'and is of the new one' "$out" '^acme2 '
run ctl restore acme -n --reason test
is 'and so does restore' "$rc $(grep -c '"acme" is now "acme2"' <<<"$err")" '0 1'
run ctl history --open acme
like 'what is open' "$out" 'downgrade-rename +acme2 '
unlike 'of another nothing' "$(ctl history globex 2>/dev/null)" acme

# So do the other programs.
today=$(date -u +%F)
sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$today', 'acme', 1, 1,
	'TLSv1.3', '', 'sent', 'encrypt', 0, '', 'ok', 7)"
# other WHAT PROGRAM ARGUMENT...	goes on with the name of now
other()
{
	local what=$1 program=$2

	shift 2
	run "$B/$program" "${options[@]}" "$@"
	is "$what goes by the old name" \
		"$(grep -c '"acme" is now "acme2"' <<<"$err")" 1
}
other report tlspact-report --partner acme
is 'and is of the new one' "$rc $(grep -c -m 1 '^acme2 ' <<<"$out")" '0 1'
other 'a report of the log' tlspact-log report acme
like 'and has what was counted' "$out" 'acme2 +out +7'
other probe tlspact-probe --no-record --rate 0 acme
like 'and looks at its gateways' "$out" 'acme2 +acme.example '
other verify tlspact-verify acme "$T/none.pem"
like 'and looks for its chain' "$err" 'none.pem'
other trace tlspact-trace --partner acme "$T/none.mail"
like 'and for its mail' "$err" 'none.mail'

# What the registry says counts before it is compiled.
partners acme5 former=acme2
run ctl status acme2
like 'a name that is given up' "$err" '"acme2" is now "acme5"'
partners acme2 former=acme

# Nothing but a compile knows of it: the map alone ends no downgrade.
echo 'partner broken' >>"$T/registry"
run compile
is 'a broken registry' "$rc" 65
is 'ends nothing' "$(open)" '1|acme2'
partners acme2 # the word may go
run compile
is 'without former=' "$rc" 0
is 'it still goes on' "$(rows)" "$before"
is 'and so does history' "$(ctl history acme 2>/dev/null | head -n "$(wc -l <<<"$all")")" "$all"

# The end, and the key that passed under the old name.
ok 'restore' ctl restore acme2 --no-flush
is 'it is over' "$(open)" ''
run down acme2 --to key
is 'its key is known' "$rc" 0
like 'and pinned' "$(compile --text)" 'fingerprint match=AB:AB:'
ok 'restore again' ctl restore acme2 --no-flush

# A downgrade whose rename cannot be recorded holds all the same.
ok 'lowered again' down acme2 --to encrypt
before=$(rows)
partners acme3 former=acme,acme2
mv "$T/ledger.db" "$T/away.db"
run compile
is 'no ledger' "$rc" 66
is 'the row stays' "$(compile --diff -j 2>/dev/null | jq -c .rows)" '[]'
mv "$T/away.db" "$T/ledger.db"
run compile
is 'with it again' "$rc" 0
is 'it goes on' "$(open) $(rows)" "3|acme3 $before"
like 'through both names' "$(ctl history acme 2>/dev/null)" 'downgrade-begin +acme .*acme2 is acme3 from now on'
is 'and the record is whole' "$(ctl history --check | head -n 1 | cut -d: -f1)" whole

# The guard refuses: nothing is renamed, and nothing raised.
partners acme4 former=acme3
sed -i '/globex/d' "$T/registry"
run compile -o max_weakened=0
is 'the guard' "$rc" 65
is 'leaves the name' "$(open)" '3|acme3'
like 'and the map' "$(compile --diff -j -o max_weakened=9 2>/dev/null | jq -c .rows)" '^\[\{"change":"removed","key":"globex.example"'
run compile -o max_weakened=0 --accept-weaker
is 'accepted' "$rc $(open)" '0 3|acme4'

# Without former= nothing goes on; that is told before it is too late.
partners acme6
run compile -n
is 'a partner of another name' "$rc" 0
like 'may be meant to be the same' "$err" 'registry:1: warning: partner acme6: acme.example was acme4.s: say former=acme4, if acme6 is the same partner'
partners acme4
sed -i 's/domain=acme/domain=other/; $a partner new domain=acme.example' "$T/registry"
run compile -n
unlike 'one that stays gave a domain away' "$err" 'former'
partners acme6 former=acme4
run compile -n
unlike 'nothing need be said twice' "$err" 'say former'

# The timer that takes it tells it, once; then check does, for a week.
partners acme4
compile >/dev/null
partners acme6
run compile -q
like 'a timer tells it' "$err" 'registry:1: warning: partner acme6: acme.example was acme4.s: say former=acme4'
run compile -q
is 'once' "$err" ''
check()
{
	ctl check -j | jq -r '.checks[] | select(.check == "registry") |
		[.state, .partner, .text, .next] | join("; ")'
}
like 'then check does' "$(check)" 'warning; acme6; acme6 has acme.example since [0-9: -]+, which was acme4.s, who is gone: if acme6 is the same partner, say former=acme4, or its history is lost; tlspactctl edit acme6'
run ctl history acme6
like 'and history' "$err" 'acme.example was acme4.s, by the record, and acme4 is no partner'
like 'the old name has its event' "$(ctl history acme4 --kind partner)" ' partner-replaced +acme4 .*: acme4 is no partner any more: acme.example is acme6.s from now on'
# Who asks for the name that is gone is told whose its domain is.
for verb in status explain certificates; do
	run ctl $verb acme4
	is "$verb of a name that is gone" "$rc $out" '66 '
	like 'says who may be meant' "$err" '"acme4" is no partner since [0-9: -]+: acme.example is acme6.s now, tlspactctl status acme6; if that is the same partner, say former=acme4 in the registry$'
	run ctl $verb glbex
	is "$verb of one that is misspelt" "$rc $out" '66 '
	like 'proposes another' "$err" 'no partner has the name or the domain "glbex"; did you mean globex\?$'
done
run ctl history glbex
is 'so does history' "$rc ${err#*: }" '66 no event is on record for "glbex", and no partner has that name or domain; did you mean globex?'
run ctl status acmee4
like 'names on record are near as well' "$err" 'did you mean acme[0-9]*\?'
run ctl status zz
like 'nothing is near' "$err" 'name or the domain "zz"; see tlspactctl status -v$'
partners acme6 former=acme4
run compile -q
unlike 'until it is said' "$(check)" former
like 'which is recorded' "$err" 'acme4 is acme6 from now on'
partners acme4 former=acme6
compile >/dev/null 2>&1

# A name that is taken back is as good as any other new one, though the map is
# made of the very same registry: an edit of names alone changes no row.
partners acme4
compile >/dev/null
ok 'nothing is lowered' ctl restore acme4 --no-flush
partners acme7 former=acme4
compile 2>/dev/null
partners acme7
compile
partners acme4
run compile -n
like 'a name that is taken back' "$err" 'partner acme4: acme.example was acme7.s: say former=acme7, if acme4 is the same partner'
partners acme4 former=acme7
run compile
is 'and said' "$rc ${err#*: }" '0 acme7 is acme4 from now on: its record goes on under that name'

# The weakest thing that can be done to a partner stands in its history.
run ctl history globex
is 'history of a partner that was removed' "$rc" 0
like 'ends with that' "$out" ' map .*registry: 1 removed .globex.example secure -> nothing.'
is 'by its domain, too' "$(ctl history globex.example 2>/dev/null | tail -n 1)" "$(tail -n 1 <<<"$out")"
unlike 'and is in no other one' "$(ctl history acme4 2>/dev/null)" globex

cp "$T/registry" "$T/both"
sed -i '/globex/d' "$T/registry"
compile --accept-weaker >/dev/null 2>&1
for verb in status explain certificates; do
	run ctl $verb globex
	is "$verb of it" "$rc $out" '66 '
	like 'says when it left' "$err" '"globex" is no partner any more: it left the map at [0-9: -]+ .event [0-9]+., tlspactctl history globex; to put it back: tlspact-compile --lost globex$'
done
run ctl status globex.example
is 'no domain of it' "$rc" 66
like 'is looked at' "$err" '"globex.example" is no partner.s: it was globex.s until [0-9: -]+ .event [0-9]+., tlspactctl history globex.example$'
cp "$T/both" "$T/registry"
compile >/dev/null 2>&1

# Of some kinds alone.
kinds()
{
	ctl history "$@" 2>/dev/null | awk '{ print $4 }' | sort -u | tr '\n' ' '
}
is 'history has all kinds of events' "$(kinds)" 'downgrade-begin downgrade-close downgrade-rename map map-unrecorded partner-renamed partner-replaced '
is 'or those that begin with a word' "$(kinds --kind downgrade)" 'downgrade-begin downgrade-close downgrade-rename '
is 'or several' "$(kinds --kind map,downgrade-begin)" 'downgrade-begin map map-unrecorded '
is 'and JSON is of the same' "$(ctl history --kind partner -j | jq -r '.events[].kind' | sort -u)" $'partner-renamed\npartner-replaced'
run ctl history --kind onboard
is 'none of a kind' "$rc $out" '0 no event of the kind onboard is on record'
run ctl history --kind downgrade,dwn
is 'no kind' "$rc" 64
like 'is told, with those there are' "$err" '"dwn" is no kind of event; there are clock, day, downgrade, '
run ctl history hooli
is 'of nobody there is none' "$rc" 66

# The registry before knows only who was in it: the record knows the rest.
partners acme9
sed -i '/acme/d' "$T/registry"
compile --accept-weaker 2>/dev/null
echo '# later' >>"$T/registry"
compile 2>/dev/null
partners acme9
run compile -n
like 'of one that was taken out long ago' "$err" 'registry:1: warning: partner acme9: acme.example was acme4.s: say former=acme4, if acme9 is the same partner'
run compile -nq
is 'a timer hears nothing' "$err" ''
run compile
run compile -n
unlike 'it is said as the name comes in' "$err" former
run ctl history acme9
is 'then by history' "$rc" 0
like 'which lacks it' "$err" 'acme.example was acme4.s, by the record, and acme4 is no partner: if acme9 is the same one, say former=acme4'
unlike 'of others nothing' "$(ctl history globex 2>&1)" former
run ctl status acme9
like 'and by status, of one that nobody looked at' "$err" 'acme.example was acme4.s'
partners acme9 former=acme4
compile 2>/dev/null
partners acme4
compile 2>/dev/null
run compile -n
like 'a record that was handed on is missed as long as it is' "$err" 'registry:1: warning: partner acme4: its record was handed on to acme9, which is no partner: say former=acme9, if acme4 is the same partner'
run ctl history acme4
like 'by history' "$err" 'the record of acme4 was handed on to acme9, which is no partner: if acme4 is the same one, say former=acme9'
run ctl status acme4
like 'and status' "$err" 'the record of acme4 was handed on'
partners acme4 former=acme9
compile 2>/dev/null
partners acme4
run compile -n
unlike 'it has it back' "$err" former
is 'whole' "$(ctl history acme 2>&1 | grep -c 'downgrade-begin\|former=')" 3

partners acme8
compile 2>/dev/null
run compile -n
unlike 'that its domains were another one.s is told once' "$err" former
run ctl history acme8
like 'and then by history, though no row was changed' "$err" 'acme.example was acme4.s, by the record'

# Mail of a day is counted as the partner's, and then as the domain's.
sed -i '/globex/d' "$T/registry"
compile --accept-weaker 2>/dev/null
run ctl explain joe@globex.example
like 'explain tells of one that was removed' "$(tr -s ' \n' ' ' <<<"$out")" 'moved [^|]*until [0-9: -]+ it was counted as globex.s: tlspact-report --partner globex'
is 'in JSON as well' "$(ctl explain joe@globex.example -j 2>/dev/null | jq -r .explanation.was.partner)" globex
unlike 'of a domain that nobody had nothing' "$(ctl explain joe@nobody.example 2>/dev/null)" 'counted as'

# A merge cannot be taken back: the record of two is one from then on.
merged()
{
	cat >"$T/registry" <<-REGISTRY
		partner acme8 mode=enforced domain=acme.example,globex.example
		        gateway=mx1.acme.example,mx1.globex.example
		        contact=p@acme.example former=globex
	REGISTRY
}
partners acme8
compile 2>/dev/null
partners acme8 && sed -i 's/partner globex/partner g2/' "$T/registry"
run compile -n
unlike 'a name of its own' "$err" 'parted again'
merged
run compile -n
like 'a rehearsal says that it is one' "$err" 'globex is to be acme8 from now on: its record goes on under that name, with that of acme8, and the two cannot be parted again'
run compile
like 'and so does the compile' "$err" 'parted again'
partners acme8
run compile -n
like 'the way back says what stays' "$err" 'registry:3: warning: partner globex: what is on record of that name went on as acme8.s, and stays there'
compile 2>/dev/null
run compile -n
unlike 'once' "$err" 'stays there'
run ctl history globex
like 'then history does' "$err" 'what was on record of globex went on as acme8.s, and stays there: tlspactctl history acme8'
unlike 'of the other nothing' "$(ctl history acme8 2>&1)" 'stays there'
run "$B/tlspact-report" "${options[@]}" --partner globex
like 'the report as well' "$err" 'globex went on as acme8.s, and stays there'
like 'which is kept' "$(tr -s ' \n' ' ' <<<"$out")" \
	'what is on record of this name until [^;]* went on as acme8.s'
like 'and that of the other' \
	"$("$B/tlspact-report" "${options[@]}" --partner acme8 --format json |
		jq -r '.attention[].text')" 'what is on record of globex until .* is in it'
run "$B/tlspact-log" report "${options[@]}" globex
like 'and that of the log' "$rc $err" '^1 .*globex went on as acme8.s, and stays there.*nothing is counted of'

# Both are lowered, and the one that ends is the longer one.
partners acme9
compile 2>/dev/null
ok 'one is lowered' down acme9 --to encrypt
ok 'and the other, for longer' ctl downgrade globex --to encrypt --for 3d \
	--reason test --yes --no-flush
both=' \(2 lowered, the first until [0-9: -]+, the last until [0-9-]+ [0-9:]+\)'
like 'the first end is not that of all' "$(compile)" "$both"
sed -i 's/=acme.example$/=acme.example,globex.example/; s/p@acme.example/& former=globex/
	/partner globex/,$d' "$T/registry"
ends='that of acme9 goes on, to encrypt until [0-9: -]+, and this one, until [0-9-]+ [0-9:]+, does not'
run compile --diff
like 'a merge says before which one ends' "$out" \
	"the downgrade of globex to encrypt would end: $ends"
like 'and in what domain' "$err" \
	'acme9 is lowered until [0-9: -]+, but not for globex.example, for which that was not begun: it stays at secure'
is 'it ends nothing yet' "$(open | grep -c .)" 2
run compile -j
like 'and the compile' "$(jq -r '.ended[] | .partner + ": " + .why' <<<"$out")" \
	"^globex: $ends"
is 'one goes on' "$(open | cut -d'|' -f2)" acme9
unlike 'that is told once' "$(compile)" 'the downgrade of'
ctl restore acme9 --no-flush >/dev/null 2>&1

# What a downgrade came to under another name is the last change all the same.
partners acme20
compile >/dev/null 2>&1
down acme20 --to encrypt >/dev/null 2>&1
partners acme21 former=acme20
compile >/dev/null 2>&1
ctl restore acme21 --no-flush --reason mended >/dev/null 2>&1
partners acme20 former=acme21
compile >/dev/null 2>&1
like 'the end of a downgrade under another name' \
	"$(ctl explain acme.example 2>/dev/null)" \
	'changed .*downgrade-close: .*mended'

# It is looked at under its new name before anybody says former=.
looked()
{
	"$B/tools/probed" "$T/evidence.db" "$1" acme.example \
		mx1.acme.example "$2" "${key//ab/cd}"
}
ok 'it passes' looked acme20 ok
partners acme30
compile >/dev/null 2>&1
ok 'and then not, under a new name' looked acme30 expired
run down acme30 --to key
unlike 'whose key nobody knows' "$rc" '^0$'
partners acme30 former=acme20
compile >/dev/null 2>&1
run down acme30 --to key
is 'it is known again' "$rc" 0
like 'and pinned' "$(compile --text)" 'fingerprint match=CD:CD:'
is 'the gateway is one' "$(sqlite3 "$T/evidence.db" "SELECT partner, fault
	FROM gateway WHERE partner IN ('acme20', 'acme30')")" 'acme30|expired'
like 'the evidence is as the record has it' \
	"$(ctl history --check 2>/dev/null)" '^whole'

# Nothing is on record of the name: it is misspelt, and no event says otherwise.
renames()
{
	ctl history --kind partner-renamed | wc -l
}
unknown='registry:1: warning: partner acme30: nothing is on record of former=nobody'
partners acme30 former=nobody
count=$(renames)
run compile -n
like 'a rehearsal warns of a misspelt name' "$err" "$unknown"
unlike 'and tells of no rename' "$err" 'from now on'
run compile
is 'so does the compile' "$rc $(grep -c "$unknown" <<<"$err")" '0 1'
unlike 'which records none' "$err" 'from now on'
is 'in the record neither' "$(renames)" "$count"
run compile
like 'as long as it stands' "$err" "$unknown"
run compile -q
is 'a timer hears nothing of it' "$rc $err" '0 '
partners acme30 former=acme20
run compile
unlike 'what is recorded is no typo' "$err" 'nothing is on record'
partners acme30 former=nobody
sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$today', 'nobody', 1, 1,
	'TLSv1.3', '', 'sent', 'encrypt', 0, '', 'ok', 3)"
run compile
like 'what is read of it later goes on' "$err" 'nobody is acme30 from now on: its record goes on'
unlike 'without a warning' "$err" 'nothing is on record'
is 'by an event' "$(renames)" "$((count + 1))"

# A rename that was forgotten: the new name has nothing of its own before it.
partners zz1
compile --accept-weaker 2>/dev/null
partners zz2
compile 2>/dev/null
partners zz2 former=zz1
run compile -n
like 'a rename that is said later' "$err" 'zz1 is to be zz2 from now on: its record goes on under that name$'
unlike 'alarms nobody' "$err" 'parted again'

# Of a row that gets stronger nobody says that it is weaker.
compile 2>/dev/null
down zz2 --to encrypt >/dev/null 2>&1
sed -i 's/gateway=mx1.acme.example/&,mx2.acme.example/' "$T/registry"
run compile --diff
out=$(tr -s ' \n' ' ' <<<"$out")
like 'what holds later is told as that' "$out" '(^| )1 row weaker once nothing is lowered: acme.example secure match=mx1.acme.example -> secure match=mx1.acme.example:mx2.acme.example '
unlike 'and as nothing else' "$out" 'rows? weaker:'

done_testing
