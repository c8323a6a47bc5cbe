#!/usr/bin/env bash
# tlspactctl without a Postfix: who may lower what for how long, what is
# refused, and what happens when registry, ledger or map are not well.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"
# Words are looked for here, wherever lines would end.
export COLUMNS=1000

cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=p@acme.example
partner globex mode=enforced domain=globex.example gateway=mx1.globex.example
        contact=p@globex.example
partner weak mode=enforced verify=none domain=weak.example
        contact=p@weak.example
partner soft mode=opportunistic domain=soft.example
REGISTRY
# A queue that cannot be listed: what is said of it is tested with Postfix.
mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user= -o "evidence=$T/evidence.db"
	-o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o probe_timeout=1s -o resolver=127.0.0.1
	-o trust_anchor=)
# shellcheck disable=SC2317 # called through ok and run
compile()
{
	"$B/tlspact-compile" "${options[@]}" "$@"
}
# shellcheck disable=SC2317 # called through ok and run
ctl()
{
	local verb=$1

	shift
	"$B/tlspactctl" "$verb" "${options[@]}" -c "$T/etc" "$@"
}
# shellcheck disable=SC2317 # called through ok and run
down()
{
	ctl downgrade "$@" --reason test --yes --no-flush
}
row()
{
	cdb -q "$T/policy.cdb" "$1" | sed 's/ .*//'
}
command -v cdb >/dev/null || row()
{
	compile --diff -j | jq -r --arg k "$1" '.rows[] | select(.key == $k).was' |
		sed 's/ .*//'
}
ok 'the registry compiles' compile || bail 'nothing to test'

# Who wants what.
run ctl status
is 'status of all' "$rc" 0
like 'says what nobody looked at' "$out" '4 partners: 0 lowered, 0 to look at, 4 quiet; 4 never probed'
for partner in '' acme; do
	run ctl status $partner -o "map=$T/none.cdb"
	is "a map that is gone is not well: ${partner:-all}" "$rc" 1
	like 'and named' "$out" "map:? .*none.cdb.*; run tlspact"
done
is 'also for programs' "$(ctl status -j -o "map=$T/none.cdb" |
	jq -r '.exit_code, .map_fault' | tr '\n' ' ')" \
	'1 cannot open "'"$T/none.cdb"'": No such file or directory '
run ctl downgrade acme --reason x --to encrypt --yes
is 'no end' "$rc" 64
run ctl downgrade acme --for 4h --to encrypt --yes
is 'no reason' "$rc" 64
run ctl downgrade acme --for 4h --to encrypt --yes --reason $' \t'
is 'a reason of blanks is none' "$rc" 64
run down acme --for 4 --to encrypt
is 'a time without a unit' "$rc ${err%%,*}" \
	'64 tlspactctl: --for: "4" has no unit'
run down acme --for 8d --to encrypt
is 'an end too far away' "$rc" 64
like 'names the limit' "$err" 'max_downgrade = 7d'
run down acme --for 0 --to encrypt
is 'no time at all' "$rc" 64
run down acme --until 2020-01-01 --to encrypt
is 'an end that has passed' "$rc" 64
run down acme --for 1h --until 23:59 --to encrypt
is 'two ends' "$rc ${err%%: a down*}" \
	'64 tlspactctl: --for and --until are two ends'
run down nobody --for 1h --to encrypt
is 'no such partner' "$rc" 66
run down acme --for 1h --to secure
is 'secure is no downgrade' "$rc" 64
run down acme --for 1h --to may
like "Postfix's word for ours" "$rc $err" '^64 .*word; say opportunistic'
run down acme --for 1h --to fingerprint
like 'and for another' "$rc $err" '^64 .*word; say key'
run down acme --until tomorrow --to encrypt
like 'an example is yet to come' "$rc $err" \
	"^64 .*T08:00 or $(date -u -d tomorrow +%F)T07:00:00Z"
run down acme --for 1h --to key
is 'key without a known key' "$rc" 1
like 'names what is left' "$err" 'Left are --to encrypt'
run down weak --for 1h --to encrypt
is 'nothing is raised' "$rc" 1
run down soft --for 1h --to opportunistic
is 'an opportunistic partner needs nothing' "$rc" 0
like 'and is told so' "$err" 'moves in any case'
run ctl downgrade acme --for 1h --reason x --to encrypt </dev/null
is 'nobody to ask' "$rc" 64
run ctl downgrade acme --for 1h --reason x --to encrypt -n
is 'a dry run' "$rc" 0
like 'says what it would do' "$out" 'lower acme.example, .acme.example from secure to encrypt until'
# One gateway takes mail, the other no level above opportunistic.
"$B/tools/probed" "$T/two.db" globex globex.example mx1.globex.example ok
"$B/tools/probed" "$T/two.db" globex globex.example mx2.globex.example \
	no-starttls
run ctl downgrade globex --for 1h --reason x --to encrypt -n \
	-o "evidence=$T/two.db"
like 'a level that helps nobody' "$(tr -s ' \n' ' ' <<<"$err")" \
	'warning: encrypt helps no gateway: "?mx2.globex.example"? fails with no-starttls, which takes opportunistic '
run ctl downgrade globex --for 1h --reason x --to opportunistic -n \
	-o "evidence=$T/two.db"
unlike 'and one that helps' "$err" 'helps no gateway'
# On a terminal it asks.
# shellcheck disable=SC2317 # called through run
asked()
{
	script -qec "$B/tlspactctl downgrade ${options[*]} -c $T/etc acme \
		--for 1h --reason x --to encrypt --no-flush" /dev/null <<<"$1"
}
if terminal; then
	run asked n
	is 'asked, and answered no' "$rc" 1
	like 'the question is whole' "$out" 'lower acme.example, .acme.example from secure to encrypt until [0-9 :-]+\? \[y/N\]'
else
	skip 'the question' 'no terminal to be had'
fi
run ctl history
like 'until now there is one event' "$out" '^ +1  [-0-9]{10} [:0-9]{8}  map +- +[^:]+: the first map, 4 rows$'
run ctl history -o "ledger=$T/none.db"
is 'no ledger, no history' "$rc" 66

# One after the other.
run down sub.acme.example --for 1h --to encrypt
is 'lowered by one of its domains' "$rc" 0 || diag "$err"
is 'the map says so' "$(row acme.example)" encrypt
is 'of the sub-domains too' "$(row .acme.example)" encrypt
is 'of nobody else' "$(row globex.example)" secure
run down acme --for 2h --to encrypt
is 'again is refused' "$rc" 1
run ctl extend globex --for 1h --yes
is 'nothing to extend' "$rc" 1
run ctl extend acme --for 30d --yes
is 'extended too far' "$rc" 64
run ctl extend acme --for 3h
is 'extended with nobody to ask' "$rc" 64
ok 'extended' ctl extend acme --for 3h --yes
ok 'shortened without asking' ctl extend acme --for 2h
run down acme --for 1h --to opportunistic
is 'a weaker one takes its place' "$rc" 0
is 'in the map' "$(row acme.example)" may
is 'and begins where the registry stands' \
	"$(ctl history acme -j | jq -r '[.events[] |
	select(.kind == "downgrade-begin")][-1].data | .before, .after' |
	tr '\n' ' ')" 'secure opportunistic '
run ctl status acme -j
is 'status as JSON' "$(jq -r '.schema, (.partners[0] |
	.level, .level_in_force, .in_force, .lowered.after, .lowered.reason)' \
	<<<"$out" | tr '\n' ' ')" \
	'tlspact.ctl.v1 secure opportunistic true opportunistic test '
run ctl restore acme.example --reason 'all is well'
is 'restored' "$rc" 0
is 'the map says so as well' "$(row acme.example)" secure
like 'and what becomes of mail, by a look of its own' "$out" \
	'probe: acme.example: dns-failed; MAIL WILL WAIT until they mend that. Look again: tlspact-probe acme$'
run ctl restore acme
is 'restored twice' "$rc" 0
like 'there is nothing to do' "$err" 'nothing to restore'
run ctl restore acme --inbound
is 'nor of the other kind' "$rc" 0
run ctl history nobody
is 'no event of somebody unknown' "$rc" 66
like 'may be a mistake' "$err" '"nobody", and no partner has that name'
for word in exceptions:weaker map:map; do
	run ctl history "${word%:*}"
	like "a kind is no partner: ${word%:*}" "$rc $err" \
		"^66 .*no partner has that name or domain; did you mean --kind ${word#*:}[?]\$"
done
run ctl history soft
is 'but of a partner is an answer' "$rc $out" \
	'0 no event is on record for soft'

# Whatever becomes of it, -j has an answer.
change()
{
	jq -r '"\(.exit_code) " + if .change then .change |
		"\(.partner) \(.before) \(.after) \(.until != null)" +
		" \(.done) \(.written)" else "\(.change)" end' <<<"$out"
}
run ctl restore acme -j
is 'JSON: nothing to restore' "$rc $(change)" '0 0 null'
run ctl extend acme -j --for 1h
is 'JSON: nothing to extend' "$rc $(change)" '1 1 null'
run down nobody -j --for 1h
is 'JSON: nobody' "$rc $(change)" '66 66 null'
like 'JSON: with the reason' "$(jq -r '.messages[0]' <<<"$out")" \
	'^no partner has the name .*"nobody"; see tlspactctl status'
run down acm -j --for 1h
is 'JSON: a slip in the name' "$rc $(jq -r '.messages[0]' <<<"$out")" \
	'66 no partner has the name or the domain "acm"; did you mean acme?'
run ctl onboard new.example
like 'who is no partner yet is made one first' "$rc $err" \
	'^66 .*if it is to be one, tlspact-probe --entry new.example prints what goes into the registry first'
run down acme -jn --for 1h --to encrypt
is 'JSON: a downgrade, rehearsed' "$rc $(change)" \
	'0 0 acme secure encrypt true false false'
SUDO_USER=jo run down acme -j --for 1h --to encrypt
is 'JSON: and done' "$rc $(change)" '0 0 acme secure encrypt true true true'
run ctl extend acme -jn --for 2h
is 'JSON: an extension, rehearsed' "$rc $(change)" \
	'0 0 acme encrypt encrypt true false false'
run down acme -j --for 1h --to encrypt
is 'JSON: refused' "$rc $(change)" '1 1 null'
run ctl restore acme -jn
is 'JSON: a restore, rehearsed' "$rc $(change)" \
	'0 0 acme encrypt secure false false false'
SUDO_USER=jo run ctl restore acme -j
is 'JSON: and done' "$rc $(change)" '0 0 acme encrypt secure false true true'
is 'history tells who was behind sudo' "$(ctl history acme | tail -n 2 |
	grep -c ' [^ ]* (jo): ')" 2
run ctl history acme
like 'history has the words' "$out" 'all is well'
run ctl history --check
like 'and is whole, with what to keep' "$rc $out" \
	'^0 .*whole: .*write that head down where .* --check --known HEAD'
is 'of which nothing is said' "$err" ''

# A downgrade covers what it was begun for, and is known by its event.
ok 'acme is lowered once more' down acme --for 1h --to encrypt
cp "$T/registry" "$T/good"
sed -i 's/domain=acme.example,/domain=acme.example,bank.example,/' "$T/registry"
run compile
is 'a domain is added to acme' "$rc" 0
like 'which is said to stay' "$err" 'lowered until .*, but not for bank.example'
is 'and stays, at once' "$(row bank.example)" secure
run ctl status acme
is 'status is well' "$rc" 0
like 'and knows that it is not lowered' "$out" 'but +not for bank.example, for which it was not begun: at secure'
unlike 'which is as it should be' "$out" 'NOT IN FORCE'
is 'acme is lowered' "$(row acme.example)" encrypt
sed -i 's/domain=acme.example,bank.example,.acme.example/domain=bank.example/' \
	"$T/registry"
ok 'another acme' compile --accept-weaker
is 'is not lowered at all' "$(row bank.example)" secure
cp "$T/good" "$T/registry"
ok 'acme is what it was' compile
is 'and not lowered again' "$(row acme.example)" secure
ok 'but by another downgrade' down acme --for 1h --to encrypt
if command -v sqlite3 >/dev/null; then
	sqlite3 "$T/ledger.db" "UPDATE downgrade SET end = 4102444800 WHERE closed = 0"
	run compile
	is 'a row that was edited' "$rc" 0
	like 'is named' "$err" 'is not believed: it was edited by hand'
	is 'and lowers nobody' "$(row acme.example)" secure
fi
ok 'restored' ctl restore acme

# What is written into the record cannot forge a row of it, nor reach a
# terminal. JSON has it as it was.
# Which of it is asked for.
run ctl history acme
like 'history has the number' "$out" 'downgrade-close .*: restored to secure \(downgrade [0-9]+, begun 20[0-9-]{8} [0-9:]{8}\)$'
like 'what each one led to' "$(grep ' downgrade-close ' <<<"$out" | head -n 2)" \
	': ended: another one takes its place \(downgrade 1, .*: restored to secure: all is well \(downgrade 2, '
is 'and a begin or another end that it is over' "$(grep -cE \
	' downgrade-(begin|extend) .* \(downgrade [0-9]+\); ended 20[0-9-]{8} [0-9:]{8} by ' <<<"$out")" \
	"$(grep -cE ' downgrade-(begin|extend) ' <<<"$out")"
is 'in JSON, too' "$(ctl history acme -j | jq -c '.events | map(
	select(.kind == "downgrade-close"))[1] as $over | .[] |
	select(.kind == "downgrade-begin" and .data.id == 2) |
	[.ended == $over.time, .ended_by == $over.author, .ended_why]')" \
	'[true,true,"all is well"]'
is 'of the map what the registry changed' "$(grep ' map ' <<<"$out" |
	grep -vc ': registry: ')" 0
like 'who was behind sudo' "$(SUDO_USER=jo down acme --for 1h --to encrypt >/dev/null 2>&1; ctl history acme | tail -n 1)" \
	' [:0-9]{8}  downgrade-begin   acme +[^ ]+ \(jo\): lowered .*: test \(downgrade [0-9]+\); holds until 20[0-9-]{8} [0-9:]{8}$'
is 'of which JSON has no end' "$(ctl history --open -j | jq -c '.events[] |
	[.ended, .ended_by, .ended_why]')" '[null,null,null]'
is 'what holds' "$(ctl history --open | sed 's/ (.*//')" "$(ctl history acme | tail -n 1 | sed 's/ (.*//')"
run ctl history globex --open
is 'nothing holds' "$rc $out" \
	'0 no downgrade of globex is open now; past ones: tlspactctl history globex --kind downgrade'
ok 'restored again' ctl restore acme
is 'nor here' "$(ctl history --open)" \
	'no downgrade is open now; past ones: tlspactctl history --kind downgrade'
is 'nor in that time' "$(ctl history --open --until 1h)" \
	'no downgrade that holds is on record in that time'
run ctl history --kind downgrades
is 'a kind that there is not' "$rc" 64
like 'names the one that was meant' "$err" 'did you mean downgrade\?$'
run ctl history zz
is 'a name that nobody ever had' "$rc" 66
like 'is no clean record' "$err" 'no event is on record for "zz", and no partner has that name'
run ctl history acm
like 'a slip in a name' "$rc $err" '^66 .* name or domain; did you mean acme[?]'
all=$(ctl history | wc -l)
is 'since yesterday' "$(ctl history --since "$(date -ud yesterday +%F)" | wc -l)" "$all"
is 'until today' "$(ctl history --until "$(date -u +%F)" | wc -l)" "$all"
is 'since tomorrow' "$(ctl history --since "$(date -ud tomorrow +%F)")" 'no event is on record in that time'
is 'until the day before' "$(ctl history --until "$(date -ud '-2 days' +%F)" -j | jq '.events | length')" 0
run ctl history --since noon
is 'no time' "$rc" 64
is 'since that day, in a word' "$(ctl history --since yesterday | wc -l)" "$all"
is 'of years' "$(ctl history --since 2025 --until "$(date +%Y)" | wc -l)" "$all"
is 'of a month' "$(ctl history --since 2025-10 --until 2025-10)" \
	'no event is on record in that time'
is 'since so long ago' "$(ctl history --since 4h | wc -l)" "$all"
is 'in weeks' "$(ctl history --since 2w --until 0s | wc -l)" "$all"
is 'until so long ago' "$(ctl history --until 1h)" 'no event is on record in that time'
run ctl history --since 30
is 'a span has a unit' "$rc" 64
# A zone that has another day than UTC, all day.
zone=XYZ-23:59
is 'a day is one of the clock on the wall' "$(TZ=$zone ctl history \
	--since "$(TZ=$zone date +%F)" | wc -l)" \
	"$(ctl history --since "$(date -u -d "$(TZ=$zone date +%FT00:00+23:59)" \
	+%FT%TZ)" | wc -l)"
like 'as all times that people read' "$(TZ=$zone ctl history | head -n 1)" \
	"^ +1  $(TZ=$zone date -d "$(ctl history -j | jq -r '.events[0].time')" +'%F %T') "
like 'those in the text, too' "$(TZ=$zone ctl history | grep -m 1 downgrade-begin)" \
	" until ($(TZ=$zone date +%F)|$(TZ=$zone date -d '+1 hour' +%F)) [:0-9]{8}: "
run ctl history --check --open
is 'not with --check' "$rc" 64
sed 's/^partner globex mode=enforced/partner globex mode=opportunistic/' \
	"$T/registry" >"$T/weaker"
ok 'an edit that weakens' compile -o "registry=$T/weaker" --accept-weaker
like 'is on record of the partner' "$(ctl history globex | tail -n 1)" ' map .*: registry: 1 opportunistic now \(globex.example secure -> nothing\)'
unlike 'and of no other one' "$(ctl history acme)" 'globex.example'
is 'made it weaker' "$(ctl history globex --kind weaker | wc -l)" 1
run ctl history --weaker
like 'with a sum below' "$err" \
	"tlspactctl: $(wc -l <<<"$out") events; $(grep -c ' downgrade-begin ' <<<"$out") downgrades began, (all|[0-9]+ not) ended"
is 'or short' "$(ctl history globex --weaker)" "$(ctl history globex --kind weaker)"
is 'beside all downgrades' "$(ctl history --kind weaker -j |
	jq -c '[.events[] | .weaker, .kind] | unique')" \
	'[true,"downgrade-begin","downgrade-extend","map"]'
is 'of acme none of it' "$(ctl history acme --kind weaker,partner | tail -n 1 |
	grep -c ' downgrade-begin ')" 1
is 'nor of one that nothing was taken from' \
	"$(ctl history soft --kind weaker)" \
	'no event of the kind weaker is on record for soft'
ok 'back again' compile
is 'and was not weakened by that' "$(ctl history globex --kind map -j |
	jq -c '[.events[].weaker]')" '[true,false]'

# Of a map the text names three rows of a kind; all that there are, for those
# who ask.
sed 's/^partner globex .*domain=/&a.example,b.example,c.example,/' \
	"$T/registry" >"$T/wider"
ok 'more domains' compile -o "registry=$T/wider"
sed 's/^partner globex /&min-tls=TLSv1.1 /' "$T/wider" >"$T/older"
ok 'an older protocol' compile -o "registry=$T/older" --accept-weaker
rows='a.example .*; b.example .*; c.example .*; globex.example secure'
like 'three are named' "$(ctl history | tail -n 1)" \
	'registry: 4 weaker \(a.example .*; c.example [^;]*; \.\.\.\); 3 of 4 rows are named: tlspactctl history -v$'
like 'all with -v' "$(ctl history -v | tail -n 1)" \
	"registry: 4 weaker \\(${rows}[^;]*protocols=>=TLSv1.1\\)\$"
like 'and of their partner' "$(ctl history globex --kind weaker -o \
	"registry=$T/older" | tail -n 1)" "registry: 4 weaker \\(${rows}[^;]*\$"
{
	cat "$T/older"
	echo 'partner many mode=enforced contact=p@many.example'
	printf '\tdomain=a%02d.example\n' {1..60}
} >"$T/many"
ok 'many domains' compile -o "registry=$T/many"
like 'not all have a name' "$(ctl history -v | tail -n 1)" \
	'registry: 50 added \(a01.example .*\); and 10 rows of which no name is on record$'
run ctl history acme
unlike 'but they took nothing from anybody' "$err" 'more rows'
ok 'back again' compile --accept-weaker

# Whoever reads what somebody edited is told.
if command -v sqlite3 >/dev/null; then
	cp "$T/ledger.db" "$T/edited.db"
	sqlite3 "$T/edited.db" "UPDATE event SET text = 'nothing' WHERE seq = 2"
	run ctl history -o "ledger=$T/edited.db"
	is 'an event that was edited' "$rc" 0
	like 'is no silent one' "$err" \
		'the record is NOT WHOLE: event 2 \("[-a-z]+"\) was edited: .*; run tlspactctl history --check$'
	run ctl history -o "ledger=$T/edited.db" --since 1h --open -j
	is 'for programs, too' "$(jq -c '[.whole, (.messages[] |
		test("NOT WHOLE: event 2 "))]' <<<"$out")" '[false,true]'
fi

odd=$'x\n    9  2026-11-23T12:00:00Z  downgrade-close   acme           jane: restored\e]0;gone\a\xe2\x80\xae\xc2\x9b2J'
ok 'lowered with odd words' ctl downgrade acme --for 1h --to encrypt --yes \
	--no-flush --reason "$odd" --ticket "$odd"
run ctl history
is 'no row is forged' "$(grep -c '^ *9 .* jane: restored' <<<"$out")" 0
like 'the words are in its own' "$out" 'encrypt until [-0-9]{10} [:0-9]{8}: x\\x0a    9 .*jane: restored\\x1b\]0;gone\\x07\\xe2\\x80\\xae\\xc2\\x9b2J'
is 'nothing unsafe is shown' "$(tr -d '\n -~' <<<"$out" | od -An -c)" ''
run ctl status acme
like 'status has them too' "$out" 'why +x\\x0a +9 '
is 'and nothing unsafe' "$(tr -d '\n -~' <<<"$out" | od -An -c)" ''
run down acme --for 1h --to encrypt
is 'nor has the refusal' "$rc $(tr -d '\n -~' <<<"$err" | od -An -c)" '1 '
run ctl history acme -j
is 'JSON has them whole' \
	"$(jq -r '.events[-1].data.reason' <<<"$out")" "$odd"
ok 'restored' ctl restore acme

# Two at once: one wins.
for i in 1 2 3 4; do
	down globex --for 1h --to encrypt >"$T/out.$i" 2>&1 &
done
won=0
for i in $(jobs -p); do
	! wait "$i" || won=$((won + 1))
done
is 'of four at once one wins' "$won" 1
is 'the others are told' "$(grep -l 'nothing was lowered\|already' "$T"/out.? | wc -l)" 3
is 'one is on record' "$(ctl history globex | grep -c begin)" 1

# Which Postfix is asked: the default one, that of the setting, that of -c.
mkdir "$T/bin"
cat >"$T/bin/postqueue" <<-POSTQUEUE
#!/bin/sh
echo "\$*" >>"$T/asked"
[ "\${*##*-j}" ] || echo '{"queue_name": "deferred", "queue_id": "A1",
	"recipients": [{"address": "joe@acme.example"}]}' | tr -d '\n'
POSTQUEUE
cat >"$T/bin/postconf" <<-POSTCONF
#!/bin/sh
case "\$*" in
*-hx\ smtp_tls_policy_maps) echo "cdb:$T/policy" ;;
*) exec $(command -v postconf || echo false) "\$@" ;;
esac
POSTCONF
chmod 755 "$T/bin/postqueue" "$T/bin/postconf"
# queue NAME WANT [OPTION...]	what postqueue(1) was called with
queue()
{
	local name=$1 want=$2 verb

	shift 2
	for verb in 'status acme' \
		'downgrade acme --for 1h --to encrypt --reason x --yes' \
		'restore acme --flush' 'restore acme --flush'; do
		: >"$T/asked"
		# shellcheck disable=SC2086 # words of a verb
		run env PATH="$T/bin:$PATH" \
			"$B/tlspactctl" $verb "${options[@]}" "$@"
		# This machine's own Postfix may send its mail anywhere.
		[[ $verb != status* || $rc != 1 ]] || rc=0
		is "$verb, $name" "$rc" 0
		[[ $verb == status* ]] ||
			is "waiting mail is tried again, $name" \
				"$(sed -n 2p "$T/asked")" "$want-i A1"
		is "the queue is listed, $name" "$(sed -n 1p "$T/asked")" \
			"$want-j"
	done
}
queue 'of the default Postfix' ''
like 'one that is not lowered is told' "$err" \
	'acme is not lowered: nothing to restore; 1 waiting mail retried$'
run env PATH="$T/bin:$PATH" "$B/tlspactctl" status acme "${options[@]}"
like 'what waits has a next step' "$out" \
	'next +to have what waits tried now: tlspactctl restore acme --flush'
: >"$T/asked"
run env PATH="$T/bin:$PATH" "$B/tlspactctl" restore acme --flush -n \
	"${options[@]}"
is 'a dry run tries nothing' "$rc $err$(cat "$T/asked")" \
	'0 tlspactctl: acme is not lowered: there is nothing to restore'
queue 'of the setting' '-c /etc/postfix-out ' -o postfix_config=/etc/postfix-out
queue 'of -c' '-c /etc/postfix-in ' -o postfix_config=/etc/postfix-out \
	-c /etc/postfix-in
# What is under way is looked at once more; what was tried counts once.
cat >"$T/bin/postqueue" <<-POSTQUEUE
#!/bin/sh
echo "\$*" >>"$T/asked"
[ "\$1" = -i ] || for i in deferred:A1 active:A2; do
	echo '{"queue_name": "'"\${i%:*}"'", "queue_id": "'"\${i#*:}"'",
		"recipients": [{"address": "joe@acme.example"}]}' | tr -d '\n'
	echo
done
POSTQUEUE
: >"$T/asked"
PATH=$T/bin:$PATH run "$B/tlspactctl" downgrade acme --for 1h --to encrypt \
	--reason x --yes "${options[@]}"
like 'mail that is tried twice counts once' "$out" ', 1 waiting mail retried'
is 'twice it was' "$(grep -c 'i A1' "$T/asked")" 2
ok 'restored' ctl restore acme

# What needs a person comes first: mail that waits, or would.
PATH=$T/bin:$PATH run "$B/tlspactctl" status acme "${options[@]}"
like 'status begins with mail that waits' "$out" \
	'^acme +MAIL WAITS: 2 mails; NOT IN FORCE for mail to acme.example and 1 more; enforced at secure by the map, nothing lowered'
unlike 'and says it once' "$out" '  waiting'
like 'whom to call' "$out" $'\n  call +p@acme.example \\(contact\\)'
PATH=$T/bin:$PATH run "$B/tlspactctl" status "${options[@]}"
like 'of all, for whom' "$out" $'\nMAIL WAITS: 2 mails to acme'
PATH=$T/bin:$PATH run "$B/tlspactctl" status -j "${options[@]}"
is 'for programs' "$(jq -r '.waiting.mails, .partners[0].contact' <<<"$out" |
	tr '\n' ' ')" '2 p@acme.example '
run ctl status -q
is 'the names alone' "$rc $(tr '\n' ' ' <<<"$out")" '0 acme globex weak soft '
run ctl status -q acme
is 'are of all' "$rc" 64

# A restore mends no gateway.
other=(-o "evidence=$T/other.db" --no-flush --yes --for 1h --to encrypt)
ok 'acme fails' "$B/tools/probed" "$T/other.db" acme acme.example mx1 expired
run ctl status acme -o "evidence=$T/other.db"
like 'status says what that means' "$out" \
	'^acme +A MAIL SENT NOW WOULD WAIT; enforced at secure, nothing lowered'
ok 'acme is lowered' ctl downgrade acme --reason x "${other[@]}"
run ctl status acme -o "evidence=$T/other.db"
unlike 'and now it would not' "$out" 'WOULD WAIT'
run ctl restore acme -n -o "evidence=$T/other.db"
like 'a rehearsal says what follows' "$out" 'mx1 expired, [^;]+; MAIL WILL WAIT'
run ctl restore acme -o "evidence=$T/other.db"
like 'the restore looks itself, once it is done' "$out" \
	'is back at secure.*done: .*probe: acme.example: dns-failed; MAIL WILL WAIT until they mend that. Look again: tlspact-probe acme$'
ok 'lowered again' ctl downgrade acme --reason x "${other[@]}"
run ctl restore acme -j -o "evidence=$T/other.db"
is 'for programs' "$(jq -r '.change.outlook | "\(.mail_waits) \(.fault)" +
	" \(.since != null) \(.seen != null)"' <<<"$out")" 'true dns-failed true true'
ok 'lowered once more' ctl downgrade acme --reason x "${other[@]}"
ok 'acme passes' "$B/tools/probed" "$T/other.db" acme acme.example mx1 ok
run ctl restore acme -n -o "evidence=$T/other.db"
like 'one that passes' "$out" 'probe( of [0-9: -]+)?: mx1 passes; mail moves$'
run ctl restore acme -o "evidence=$T/other.db"
is 'restored' "$rc" 0
rm "$T"/other.db*

# Others that pass tell that the fault is not ours.
other=(-o "evidence=$T/other.db" -n)
ok 'acme passes' "$B/tools/probed" "$T/other.db" acme acme.example mx1 ok
run down acme --for 1h --to encrypt "${other[@]}"
like 'nobody vouches for himself' "$err" 'no other partner passed a probe'
ok 'globex passes' "$B/tools/probed" "$T/other.db" globex globex.example mx1 ok
run down acme --for 1h --to encrypt "${other[@]}"
is 'another one does' "$rc" 0
unlike 'and so nothing is said' "$err" 'no other partner passed a probe'

# A registry that is not well, and no copy: nothing is lowered, but all can be
# restored.
cp "$T/registry" "$T/good"
echo 'partner bad mode=enforced domain=a_b.example' >>"$T/registry"
rm "$T/policy.cdb.registry"
run down acme --for 1h --to encrypt
is 'no downgrade with a bad registry' "$rc" 65
is 'nothing is recorded' "$(ctl history acme 2>/dev/null | grep -c begin)" 14
run ctl status
is 'status fails' "$rc" 65
like 'and has what the map says' "$out" $'\nglobex +enforced +encrypt '
like 'and counts it' "$out" $'\n1 partner: 1 lowered, '
run ctl status globex.example
is 'status of one fails too' "$rc" 65
like 'and tells what the map says' "$out" 'globex +the registry cannot be used, lowered to encrypt until'
ok 'restored' ctl restore acme

run ctl restore globex
is 'a restore says what is broken' "$rc" 65
like 'and what became of the map' "$err" '1 row of globex went back to full strength all the same'
is 'which is true' "$(row globex.example)" secure
like 'and only then that it is back' "$out" 'globex is back at secure'
like 'it is recorded' "$(ctl history globex 2>/dev/null | tail -n 1)" 'downgrade-close .*restored'
cp "$T/good" "$T/registry"
ok 'the next compile has nothing to do' compile
is 'in the map' "$(row globex.example)" secure

# For programs.
ok 'globex is lowered again' down globex --for 1h --to encrypt
run "$B/tlspactctl" restore "${options[@]}" -c "$T/etc" globex -n
like 'a dry run restores nothing' "$out" 'globex would go back to secure'
is 'in the map' "$(row globex.example)" encrypt
unlike 'it holds' "$(ctl history --open)" 'time is up'
ok 'it ends in a moment' ctl extend globex --for 2s
# shellcheck disable=SC2317 # called through wait_for
is_overdue()
{
	ctl history --open | grep -q 'globex .*time is up, the map still has it$'
}
ok 'what is over and still in the map is told' wait_for 10 is_overdue
is 'for programs as well' "$(ctl history --open -j | jq -c '.events |
	[.[] | [.partner, .overdue]] | unique')" '[["globex",true]]'
like 'whatever is listed' "$(ctl history globex --kind downgrade-extend |
	tail -n 1)" '[(]downgrade [0-9]+[)]; time is up, the map still has it$'
is 'it has not ended' "$(ctl history globex --kind downgrade -j |
	jq -c '.events[-1] | [.overdue, .ended, .ended_by]')" '[true,null,null]'
echo 'partner' >>"$T/registry"
# shellcheck disable=SC2317 # called through wait_for
is_raised()
{
	run compile -j
	[ "$(jq -r .raised <<<"$out")" != no ]
}
ok 'a compile that fails raises it' wait_for 10 is_raised
is 'and says so' "$(jq -r '.raised, .raised_rows, .exit_code' <<<"$out" |
	tr '\n' ' ')" 'due 1 65 '
cp "$T/good" "$T/registry"
ok 'the registry is good again' compile
is 'and then it has' "$(ctl history globex --kind downgrade -j |
	jq -c '.events[-1] | [.kind, .overdue, .ended == .data.end, .ended_why]')" \
	'["downgrade-end",false,true,"end"]'
like 'by its time' "$(ctl history globex --kind downgrade | tail -n 1)" \
	': restored to secure: its time was up at '

# A partner that the registry no longer has, and the guard.
ok 'acme is lowered' down acme --for 1h --to encrypt
sed -i '/^partner acme/,/contact/d' "$T/registry"
run ctl status acme -o max_weakened=0
is 'a lowered partner that only a refused registry lacks' "$rc" 0
like 'is known by the copy' "$out" 'acme +(A MAIL SENT NOW WOULD WAIT; )?enforced, lowered to encrypt until'
like 'which is told' "$out" 'registry +REFUSED by max_weakened'
run ctl status -j
is 'for programs too' "$(jq -r '.partners[] | select(.partner == "acme") |
	.lowered_in_map | .level, .full, .rows' <<<"$out" | tr '\n' ' ')" \
	'encrypt secure 2 '
run ctl restore acme -o max_weakened=0
is 'the guard refuses to take it out, but not to raise it' "$rc" 0
is 'in the map' "$(row acme.example)" secure
like 'and that is told' "$out" 'acme is back at secure'
cp "$T/good" "$T/registry"

# A time ahead of the clock, in the evidence by whatever way.
if command -v sqlite3 >/dev/null; then
	ok 'evidence' "$B/tools/looks" "$T/evidence.db" 0 0 0 0
	sqlite3 "$T/evidence.db" "INSERT INTO failure(time, partner, direction,
		fault, domain, host, address, queue_id, text) VALUES(
		strftime('%s', 'now') + 5 * 86400, 'globex', 1, 'expired',
		'', '', '', '', '')"
	run down acme --for 2h --to encrypt
	is 'a failure of next week' "$rc" 0
	is 'ends no downgrade' "$(row acme.example)" encrypt
	like 'and is said' "$err" 'warning: the evidence has an entry of .*, and the clock says'
	ok 'restored' ctl restore acme
	sqlite3 "$T/evidence.db" 'DELETE FROM failure'
fi

# What is told is what the map says, not what was asked for.
mkdir "$T/policy.cdb.full"
run down acme --for 1h --to encrypt
isnt 'no room for the way back' "$rc" 0
unlike 'is not done' "$out" 'done: '
is 'and nothing is lowered' "$(row acme.example)" secure
rmdir "$T/policy.cdb.full"
ok 'taken back' ctl restore acme
sed -i '/^partner acme/,/contact/d; /^partner weak/,/contact/d' "$T/registry"
rm "$T"/*.cdb.registry
run ctl downgrade globex --for 1h --reason x --to encrypt --yes --no-flush \
	-o max_weakened=0
is 'a registry that lost partners, and no copy of the one before' "$rc" 65
like 'is no time for a downgrade' "$err" 'nothing was lowered.*compile -n'
cp "$T/good" "$T/registry"

# Evidence that is not well: no step is chosen, and the way back is open.
ok 'acme is lowered' down acme --for 1h --to encrypt
rm -f "$T"/evidence.db-*
head -c 4096 /dev/urandom >"$T/evidence.db"
run ctl status acme
is 'with damaged evidence status fails' "$rc" 65
like 'and says what is not known' "$out" 'evidence .*: probes and deliveries are not'
like 'and why, in one line' "$err" '^tlspactctl: evidence [^'$'\n'']*$'
run ctl status
like 'of all partners, too' "$err" '^tlspactctl: evidence [^'$'\n'']*$'
like 'and what is' "$out" 'LOWERED|lowered|encrypt'
run down globex --for 1h --to encrypt
is 'nothing is lowered' "$rc.$(row globex.example)" 65.secure
run ctl extend acme --for 30m
is 'an end can be brought nearer' "$rc" 0
run ctl restore acme
is 'and restored' "$rc.$(row acme.example)" 0.secure
rm "$T/evidence.db"

# A ledger that is not well: nothing changes by accident.
ok 'acme is lowered' down acme --for 1h --to encrypt
cp "$T/ledger.db" "$T/ledger.good"
rm -f "$T"/ledger.db-*
head -c 4096 /dev/urandom >"$T/ledger.db"
run compile
is 'with a damaged ledger compile fails' "$rc" 65
like 'and says what it keeps' "$err" 'the downgrades of 1 partner are kept'
is 'acme stays lowered' "$(row acme.example)" encrypt
run ctl status acme
is 'status fails too' "$rc" 65
like 'and says what is known' "$out" 'downgrades are not known'
run ctl status
is 'of all partners too' "$rc" 65
like 'with what the map says' "$out" $'acme +enforced +encrypt +[-0-9: ]+ .*\nglobex +enforced +secure +- '
like 'and does not call anybody quiet' "$out" $'\n4 partners: 1 lowered; what fails is not known(\n|$)'
run down globex --for 1h --to encrypt
is 'nothing more is lowered' "$rc" 65
is 'globex is what it was' "$(row globex.example)" secure
run ctl restore acme --reason 'gone already'
is 'restored all the same' "$rc" 65
like 'which could not be recorded' "$err" 'the restore of acme is not on record'
is 'in the map' "$(row acme.example)" secure
like 'and told' "$out" 'acme is back at secure'
run compile
is 'it stays so' "$(row acme.example)" secure
cp "$T/ledger.good" "$T/ledger.db"
run compile
is 'the ledger as it was' "$rc" 0
is 'does not bring it back' "$(row acme.example)" secure
like 'but is told who ended it' "$(ctl history acme | tail -n 1)" \
	"downgrade-close .*$(id -un).*: it was ended in the map at "
run ctl history --check
is 'whole, but for what was edited above' "$(grep -v ' edited by hand: end is ' <<<"$out")" \
	"NOT WHOLE: 1 flaw in $(ctl history | wc -l) events"
ok 'another one is possible' down acme --for 1h --to encrypt
is 'in the map too' "$(row acme.example)" encrypt
cp "$T/ledger.db" "$T/ledger.good"
rm -f "$T/ledger.db" "$T"/ledger.db-*
run compile
is 'a ledger that is gone' "$rc" 66
is 'restores nothing' "$(row acme.example)" encrypt
cp "$T/ledger.good" "$T/ledger.db"
ok 'the ledger is back' compile
ok 'it ends in a moment' ctl extend acme --for 4s
rm -f "$T/ledger.db" "$T"/ledger.db-*
sleep 4.2
run compile
is 'without a ledger the end is kept all the same' "$(row acme.example)" secure
run compile
is 'and then nothing is missed' "$rc" 0

# What was seen yesterday is told by the record, so that it is missed.
if command -v sqlite3 >/dev/null; then
	rm -f "$T"/ledger.db* "$T"/evidence.db* "$T"/policy.cdb*
	ok 'a probe failed' "$B/tools/probed" "$T/evidence.db" acme acme.example mx1 expired
	yesterday=$(date -u -d yesterday +%F)
	sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$yesterday',
		'acme', 1, 0, '', '', 'sent', '', 0, '', '', 2)"
	ok 'the ledger is made' compile
	ok 'the day is told by the next run' compile
	ok 'once' compile
	run ctl history
	is 'in one event' "$(grep -c ' day ' <<<"$out")" 1
	like 'with its numbers' "$out" " day .*: $yesterday: 2 mails counted, 2 in clear; 0 failures; 0 looks"
	ok 'all is whole' ctl history --check
	is 'and sealed' "$(ctl history --check -j |
		jq -c '.record | [.sealed_days, .days]')" '[1,1]'
	before=$(date -u -d "$yesterday -3 days" +%F)
	sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$before',
		'acme', 1, 0, '', '', 'sent', '', 0, '', '', 2)"
	run ctl history --check
	is 'a log that is read late is no flaw' "$rc" 0
	like 'but said' "$out" "as it says on 1 of 4 days; the others are not sealed: $before to "
	like 'and why' "$(tr -s ' \n' ' ' <<<"$out")" '; what is edited there does not show: 3 get theirs by the next tlspact-compile'
	sqlite3 "$T/evidence.db" "DELETE FROM log_count WHERE day = '$before'"
	sqlite3 "$T/evidence.db" 'UPDATE log_count SET seen = 3'
	run ctl history --check
	is 'clear mail that never was is missed' "$rc" 1
	like 'by its day' "$out" "FLAW  the evidence of $yesterday is not what event 2 says: its counts of the log"
	rm "$T"/evidence.db*
	run ctl history --check
	is 'and so is all evidence' "$rc" 1

	# A probe that passes, and mail.
	ok 'a probe passed' "$B/tools/probed" "$T/evidence.db" acme acme.example mx1 ok
	unlike 'a probe alone proves nothing' "$(ctl status acme)" proven
	sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$(date -u +%F)',
		'acme', 1, 3, '', '', 'sent', '', 0, '', '', 2)"
	like 'with mail it does' "$(ctl status acme | head -n 1)" \
		'enforced at secure, nothing lowered; proven by probe and mail$'
	sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$(date -u +%F)',
		'acme', 0, 1, '', '', 'received', '', 1, '', 'no-certificate', 1)"
	unlike 'unless a downgrade let mail of theirs in' "$(ctl status acme)" \
		proven
	sqlite3 "$T/evidence.db" "DELETE FROM log_count WHERE direction = 0"
	sqlite3 "$T/evidence.db" 'UPDATE log_count SET seen = 1'
	unlike 'if that was authenticated' "$(ctl status acme)" proven
	like 'of one that is opportunistic the next step is told' \
		"$(ctl status soft)" 'next +tlspact-probe --as enforced soft: '

	# However many partners there are, each file is opened once.
	rm -f "$T"/ledger.db* "$T"/evidence.db* "$T"/policy.cdb*
	for ((i = 0; i < 2000; i++)); do
		echo "partner p$i mode=enforced domain=d$i.example contact=x"
	done >"$T/registry"
	for p in p7 p1999; do
		ok "a probe of $p failed" "$B/tools/probed" "$T/evidence.db" $p \
			"d${p#p}.example" mx1 expired
	done
	# As whoever records leaves it, with the ledger named.
	ok 'no evidence is in the ledger' sqlite3 "$T/evidence.db" \
		'UPDATE state SET taken = 2'
	ok 'there are 2,000 partners' compile
	for p in p3 p7; do
		ok "$p is lowered" down $p --for 1h --to encrypt
	done
	# Of a program that is traced, leaks cannot be searched for.
	ASAN_OPTIONS=detect_leaks=0 run "$B/tools/atcall" -l "$T/opened" 0 \
		"$B/tlspactctl" status "${options[@]}" -c "$T/etc"
	like 'status tells of all' "$rc $out" '^0 .*2000 partners: 2 lowered, 3 to look at'
	for file in ledger.db evidence.db registry; do
		is "$file is opened once" "$(grep -cx "$T/$file" "$T/opened")" 1
	done
	is 'the map for its header, and for its rows' \
		"$(grep -cx "$T/policy.cdb" "$T/opened")" 2
fi
done_testing
