#!/usr/bin/env bash
# Many partners are taken out of the registry by accident, and cron compiles it:
# what is on record of each, what check says of it, and the way back.
# shellcheck disable=SC2317 # called through ok and run
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"
export COLUMNS=1000

mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user=
	-o "evidence=$T/evidence.db" -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o opportunistic_level=may
	-o "policy_socket=$T/policy" -o "socketmap_socket=$T/socketmap"
	-o "mail_log=$T/mail.log" -o service_user= -o socket_group=
	-o "postfix_config=$T/etc" -o sendmail=/bin/true)
compile()
{
	"$B/tlspact-compile" "${options[@]}" "$@"
}
ctl()
{
	local verb=$1

	shift
	"$B/tlspactctl" "$verb" "${options[@]}" "$@"
}
# partners FROM TO	the registry has those numbers
partners()
{
	local i

	for ((i = $1; i <= $2; i++)); do
		printf 'partner p%02d mode=enforced domain=p%02d.example
			gateway=mx.example contact=p@example.com\n' "$i" "$i"
	done >"$T/registry"
}

partners 1 90
ok 'the registry compiles' compile || bail 'nothing to test'
partners 1 10
ok 'eighty partners are gone' compile -q --accept-weaker

# --- The record ---------------------------------------------------------------

run ctl history p11
like 'it tells of one that its event names' "$out" \
	' map .*: 1 removed \(p11.example secure -> nothing\)$'
run ctl history p90
is 'and of one that its rows do not name' "$rc" 0
like 'by name' "$out" ' map .*: 80 removed '
unlike 'and no other way' "$err" 'not known'
run ctl history p10
is 'not of one that stays' "$out" 'no event is on record for p10'
run "$B/tlspact-report" "${options[@]}" --daily
like 'the mail of the day counts all' "$out" \
	$'^Subject: [^\n]*: 80 removed[,\n].*\nremoved  [-0-9]+ [0-9:]+Z: p11, p12, p13, p14 and 76 more\n'
unlike 'as lowered none of them' "$out" '(^|\n)lowered'
like 'and who has them' "$out" \
	"next +tlspact-compile --lost -C /dev/null -o "

# In the report it is one line, not one for each.
attention()
{
	"$B/tlspact-report" "${options[@]}" --since today | tr -s ' \n' ' ' |
		grep -oE 'watch [^:;]*weakened by a change of rules at [^(]*[(]ours[)]'
}
like 'of the report one line tells' "$(attention)" \
	'^watch 80 partners weakened by a change of rules at [-0-9: ]*: p11, p12, p13 and 77 more; mail since then of domains that are no partner.s now is counted so; tlspactctl history --since 20[-0-9T:]*Z -C /dev/null -o [^;]*[(]ours[)]$'

# --- What check says of it ----------------------------------------------------

# What it finds of the map alone.
of_map()
{
	ctl check -j | jq -r '.checks[] | select(.check == "map") |
		[.state, .text, .next] | join("; ")'
}
when='20[-0-9T:]+Z'
gone="80 partners are no longer in the map since [-0-9: ]+, by root[^:]*: p11, p12, p13 and 77 more; see tlspactctl history --since $when; if that was meant, this goes by itself after a day; if not, put them back"
like 'check warns of it' "$(of_map)" \
	"^warning; $gone; tlspact-compile --lost\$"
next=$(of_map | grep -o 'history --since [^;]*')
# shellcheck disable=SC2086 # words of a command
like 'the command finds it' "$(ctl $next)" ' map .*: 80 removed '
like 'people see it' "$(ctl check)" "WARNING   map          $gone"
like 'a monitor, too' "$(ctl check --nagios)" $'\nmap WARNING: '"$gone -> tlspact-compile --lost"
run ctl check --prometheus
like 'and as a number' "$out" $'\ntlspact_check_partners_gone 80\n'
like 'by the state' "$out" 'tlspact_check_state.check="map". 2'
like 'status has it below its table' "$(ctl status)" "$gone: tlspact-compile --lost"
is 'and in JSON what check has' "$(ctl status -j | jq -c '.gone[]')" \
	"$(ctl check -j | jq -c '.checks[] | select(.check == "map") |
	{text, partners, next}')"

cp "$T/registry" "$T/small"
partners 1 50
ok 'some come back' compile
like 'they do not count' "$(of_map)" \
	'^warning; 40 partners are .*: p51, p52, p53 and 37 more; '
sed 's/^partner p90 /partner q90 former=p90 /' \
	"$T/policy.cdb.registry.old" | grep -v '^#' >"$T/registry"
ok 'so do all, one under another name' compile
like 'nor does any' "$(of_map)" '^ok; of '
run ctl check --prometheus
like 'as a number' "$out" $'\ntlspact_check_partners_gone 0\n'
sed -i 's/domain=p01.example/domain=p01.example,p01.test/' "$T/registry"
ok 'one more domain' compile
sed -i 's/,p01.test//' "$T/registry"
ok 'and it goes' compile
like 'which is told of as well' "$(of_map)" \
	'^warning; 1 domain is no longer in the map since [-0-9: ]+, by root[^:]*: p01.test; '
mv "$T/small" "$T/registry"
ok 'all again' compile -q --accept-weaker

# --- The registry as it was --------------------------------------------------

old=$T/policy.cdb.registry.old
like 'the registry before is kept' "$(cat "$old")" 'partner p89 '
is 'for nobody else' "$(stat -c %a "$old")" 600
printf '# a word\n' >>"$T/registry"
ok 'an edit that takes nothing' compile -q
partners 1 11
ok 'nor one that brings somebody back' compile -q
like 'leaves it there' "$(cat "$old")" 'partner p89 '
unlike 'beside that of now' "$(cat "$T/policy.cdb.registry")" 'partner p89 '
partners 1 10
ok 'one more is taken out' compile -q
like 'the last one counts' "$(tail -n 2 "$old")" 'partner p11 '
rm "$old"
partners 1 11
ok 'the first that is there' compile -q
ok 'is none before' test ! -e "$old"

# --- The way back -------------------------------------------------------------

# lost [ARG]...	as the command prints it; what it says is in $T/err
lost()
{
	compile --lost "$@" 2>"$T/err"
}
rm -f "$T"/policy.cdb*
ok 'a new map' compile -q
run compile --lost
is 'where nobody is lost' "$rc $out $err" '1  tlspact-compile: nothing is lost'

rm -f "$T"/policy.cdb*
cat >"$T/rest" <<'EOF'
default min-tls=TLSv1.3
partner stays mode=enforced domain=stays.example gateway=mx.stays.example
EOF
cat >"$T/taken" <<'EOF'
# what hoster does
provider hoster gateway=.hoster.example

# the plant, see ticket 12
# and the office
partner acme mode=enforced
	domain=acme.example
# between
	provider=hoster

	contact=joe@acme.example
# of nobody

partner bolt mode=enforced former=nut domain=bolt.example,bolt.test
	gateway=mx.bolt.example
EOF
cat "$T/rest" "$T/taken" >"$T/all"
printf 'include rest\ninclude taken\n' >"$T/registry"
ok 'a registry of two files' compile -q
digest=$(sha256sum <"$T/policy.cdb")
: >"$T/taken"
run compile
is 'one is emptied, and refused' "$rc" 65
like 'with the way back' "$err" \
	'if it is not, to put them back: tlspact-compile --lost --write'
run compile --diff
like 'which a rehearsal has, too' "$err" \
	'if it is not meant: tlspact-compile --lost$'
back='; if that was not meant, put them back: tlspact-compile --lost'
like 'as has check' "$(ctl check)" \
	'guard  .* removed.*; see tlspact-compile --diff; if that was not meant, put them back[[:space:]]*-> tlspact-compile --lost'
like 'and status' "$(ctl status)" \
	"REFUSED by max_weakened.*: 2 partners would be gone: acme, bolt; see tlspact-compile --diff$back"
lost >"$T/back"
is 'they can be had back' "$?" 0
is 'as they were, with what they need' "$(cat "$T/back")" '
# Lost: acme, not compiled yet; from policy.cdb.registry
# what hoster does
provider hoster gateway=.hoster.example
# the plant, see ticket 12
# and the office
partner acme mode=enforced
	domain=acme.example
# between
	provider=hoster

	contact=joe@acme.example

# Lost: bolt, not compiled yet; from policy.cdb.registry
partner bolt mode=enforced former=nut domain=bolt.example,bolt.test
	gateway=mx.bolt.example'
is 'told in a line' "$(cat "$T/err")" \
	'tlspact-compile: 2 partners are lost or weaker: acme, bolt; to put them back: tlspact-compile --lost --write'
is 'nothing is written' "$(sha256sum <"$T/policy.cdb")" "$digest"
like 'one alone, by its domain' "$(lost bolt.test)" '^.# Lost: bolt,[^#]*$'
run compile --lost stays x.example
is 'none that is there' "$rc $out" '1 '
like 'which is said' "$err" '"stays" is not lost or weaker, .*"x.example" is not lost '
is 'JSON has both' "$(compile --lost -j 2>/dev/null |
	jq -r '.partners[] | [.partner, .since, .not_given_back] | @json')" \
	'["acme",null,null]
["bolt",null,null]'
echo 'partner nut mode=enforced domain=nut.example gateway=x.example' \
	>"$T/taken"
unlike 'not who has a name of before' "$(lost)" 'bolt'
echo 'partner nuts mode=enforced domain=bolt.test gateway=x.example' \
	>"$T/taken"
like 'whose domain another one has is a comment' "$(lost bolt)" \
	'not given back: bolt.test is of nuts now
#partner bolt [^
]*
#	gateway=mx.bolt.example$'
echo 'partner' >"$T/taken"
is 'a registry at fault is no reason' \
	"$(lost | grep -c '^partner')" 2
like 'and told of' "$(cat "$T/err")" 'the registry has 1 error '

: >"$T/taken"
ok 'it was accepted' compile -q --accept-weaker
like 'who is gone since then' "$(lost)" \
	"# Lost: acme, since $when by $(id -un) .--accept-weaker.; from policy.cdb.registry.old"$'\n'
is 'by whom in JSON, too' "$(compile --lost -j acme 2>/dev/null |
	jq -r '.partners[0].by')" "$(id -un) (--accept-weaker)"
cp "$T/rest" "$T/rest.whole"
echo 'partner other mode=enforced domain=o.example gateway=x.example' \
	>"$T/rest"
ok 'one more, and the defaults' compile -q --accept-weaker
lost >"$T/back"
is 'both times, the last one first' "$(grep '^# Lost' "$T/back" |
	sed 's/, since.*from/,/')" \
	'# Lost: all defaults
# Lost: stays, policy.cdb.registry.old
# Lost: acme, policy.cdb.registry.old.2
# Lost: bolt, policy.cdb.registry.old.2'
touch -d '8 days ago' "$T/policy.cdb.registry.old.2"
like 'who is gone for long is a comment' "$(lost)" \
	'partner stays .*not given back: gone for over 7 days.*
#partner acme '
like 'unless named' "$(lost acme)" $'\npartner acme '
cat "$T/back" >>"$T/registry"
ok 'put back' compile -q
is 'all is as it was' "$(compile -q --text | grep -v '^o.example' | sort)" \
	"$(compile -q -o "registry=$T/all" --text | sort)"
run compile --lost
is 'and nobody lost' "$rc" 1
for i in 1 2 3; do
	sed -i '/^partner other/,$d' "$T/rest"
	printf 'partner other mode=enforced domain=o.example %s\n' \
		"gateway=$(seq -s, -f 'x%g.example' "$i")" >>"$T/rest"
	compile -q --accept-weaker >"$T/out" 2>&1
done
is 'three of before are kept' "$(cd "$T" && echo policy.cdb.registry*)" \
	'policy.cdb.registry policy.cdb.registry.old policy.cdb.registry.old.2 policy.cdb.registry.old.3'

# --- A few, which the guard lets through --------------------------------------

# of CHECK	its state, words and next command
of()
{
	ctl check -j | jq -r --arg c "$1" '.checks[] | select(.check == $c) |
		[.state, .text, .next] | join("; ")'
}
rm -f "$T"/policy.cdb* "$T/ledger.db"*
partners 1 90
ok 'ninety again' compile -q
ok 'one is lowered' ctl downgrade p88 --for 4h --to encrypt --reason x --yes \
	--no-flush
partners 1 85
leave='5 partners would be gone: p86, p87, p88 and 2 more; see tlspact-compile --diff; if that was not meant, put them back'
like 'before it is compiled check gives them back' "$(of registry)" \
	"^critical; newer than the map: written [^;]*, not live: $leave; tlspact-compile --lost\$"
like 'so does status' "$(ctl status)" \
	"the registry is newer than the map: $leave: tlspact-compile --lost"
run compile -n
is 'a rehearsal does not call it well' "$rc" 1
run compile -n --accept-weaker
is 'unless it is meant' "$rc" 0
partners 1 89
like 'one alone may be meant' "$(of registry)" \
	'^warning; .*: 1 partner would be gone: p90; see tlspact-compile --diff; if that was not meant, put them back; tlspact-compile --lost$'
partners 1 85
ok 'five are gone' compile -q
like 'which is critical' "$(of map)" \
	'^critical; 5 partners are no longer in the map .*; tlspact-compile --lost$'
run ctl check --nagios
like 'names and states in the first line' "${out%%$'\n'*}" \
	'^TLSPACT CRITICAL - map CRITICAL, [a-z A-Z0-9,]* [|] critical='
ok 'of which a screen has room' test \
	"$(sed -n '1s/ |.*//p' <<<"$out" | wc -c)" -le 121
is 'and a line for each' "$(grep -cE '^[a-z]+ [A-Z]+: ' <<<"$out")" \
	"$(ctl check -j | jq '[.checks[] | select(.state != "ok") |
	[.check, .state]] | unique | length')"
like 'who did it' "$(lost p90)" "# Lost: p90, since $when by $(id -un); from"
lost >"$T/back"
cat "$T/back" >>"$T/registry"
back='1 partner is back at full strength, not lowered as before: p88 .to encrypt until [-0-9: ]+.; to lower again: tlspactctl downgrade'
like 'that one of them was lowered would be told' "$(compile -n)" "$back"
run compile -q
like 'and is' "$rc $err" "^0 .*$back"
unlike 'once' "$(compile -q 2>&1)" 'not lowered'
partners 1 88
ok 'two more' compile -q
like 'may be meant' "$(of map)" \
	'^warning; 2 partners are .*; tlspact-compile --lost p89 p90$'
run ctl explain joe@p90.example
like 'explain says who left' "$(tr -s ' \n' ' ' <<<"$out")" \
	' none: "p90" is no partner any more: it left the map at .*; to put it back: tlspact-compile --lost p90 '
unlike 'and proposes no other one' "$out" 'did you mean'
sed -i 's/^partner p01 mode=enforced/partner p01/' "$T/registry"
like 'who is opportunistic now is not called removed' "$(ctl status)" \
	'newer than the map: 1 partner would be weaker: p01; see tlspact-compile --diff; if that was not meant, put them back: tlspact-compile --lost'
like 'nor is he to be compiled' "$(of map)" \
	'^critical; p01 is weakened by the next compile: the map says secure, the registry opportunistic; if that was not meant, put it back; tlspact-compile --lost p01'
like 'and is told what comes' "$(tr -s ' \n' ' ' <<<"$(ctl status p01)")" \
	' the map of [0-9: -]+ says secure, the registry opportunistic: the next compile weakens it; if that was not meant, put it back: tlspact-compile --lost p01 '
unlike 'by no command that does it' "$(ctl check; ctl status p01)" \
	$'(-> |run )tlspact-compile(\n|$)'
cp "$T/registry" "$T/two"
sed -i '/^partner p02 /{n;s/$/ inbound=off/}' "$T/registry"
like 'so is who has a laxer rule for its mail to us' "$(of registry)" \
	': 2 partners would be weaker: p01, p02; .*; tlspact-compile --lost$'
sed -i 's/^partner p01 /&mode=enforced /' "$T/registry"
like 'or he alone' "$(of registry)" \
	': 1 partner would be weaker: p02; .*; tlspact-compile --lost$'
like 'by status, too' "$(ctl status)" \
	': 1 partner would be weaker: p02; .*: tlspact-compile --lost'
like 'which has him' "$(compile --lost 2>/dev/null)" \
	'# Lost: p02, inbound [a-z]+ -> off, not compiled yet'
sed -i 's/ inbound=off//; s/=p03[.]/=p03x./' "$T/registry"
like 'a mistyped domain is to be looked at first' "$(of map)" \
	'^critical; p03 is not in force: the map says nothing, [^;]*; tlspact-compile --diff; tlspactctl status p03'
like 'by its own status, too' "$(ctl status p03)" \
	'NOT IN FORCE: [^;]* no row of this[[:space:]]+partner; see tlspact-compile --diff'
cp "$T/two" "$T/registry"
run compile -o opportunistic_level=main.cf
like 'nor by the compile' "$out" \
	'^1 row opportunistic now: p01.example .secure., no longer protected'

# --- Enforced no more ---------------------------------------------------------

like 'check warns of one that stays and is open' "$(of map)" \
	"^warning; 1 partner is Opportunistic, was Enforced, since [-0-9: ]+, by root[^:]*: p01; see tlspactctl history --since $when; if that was meant, this goes by itself after a day; if not, put them back; tlspact-compile --lost p01"
is 'by name' "$(ctl check -j | jq -c '[.checks[] |
	select(.check == "map") | .partners]')" '[["p01"],["p89","p90"]]'
like 'status, too' "$(ctl status)" \
	$'\n1 partner is Opportunistic, was Enforced, [^\n]*: tlspact-compile --lost p01\n'
like 'and that of the one' "$(ctl status p01)" \
	$'\n  was +Enforced until [-0-9: ]+, by [^\n]*\n.*\n  next +tlspact-compile --lost p01: if it was not meant that it demands less'
like 'and explain' "$(ctl explain joe@p01.example)" \
	$'\n  next +tlspact-compile --lost p01: if it was not meant'
unlike 'not of others' "$(ctl status p02)" $'\n  was '
like 'history has it so' "$(ctl history p01)" \
	' map .*: 1 opportunistic now .p01.example secure -> nothing.$'
like 'in the record, too' "$(ctl history)" ' 1 opportunistic now .p01'
sed -i 's/^\(partner p0[2345]\) mode=enforced/\1/' "$T/registry"
ok 'four more, with rows of their own' compile -q
like 'which is critical' "$(of map)" \
	'^critical; 4 partners are Opportunistic, were Enforced, since [^:]*[-0-9: ]+, by root[^:]*: p02, p03, p04 and 1 more; '
sed -i 's/^partner p0[1-5]/& mode=enforced/' "$T/registry"
ok 'Enforced again' compile -q
unlike 'is told no more' "$(of map)" Opportunistic

cp "$T/registry" "$T/two"
for p in p02 p03; do
	ok "$p passes" "$B/tools/probed" "$T/evidence.db" $p $p.example mx1 ok
done
ok 'a second goes by' wait_for 10 eval "[ \"\$(date +%s)\" -gt $(date +%s) ]"
sed -i '/^partner p02 /{n;s/$/ inbound=off/}
	/^partner p03 /{n;s/$/ verify=none/}' "$T/registry"
ok 'Enforced yet, with less' compile -q
like 'check warns of it' "$(of map)" \
	"^warning; 2 partners demand less since [-0-9: ]+, by root[^:]*: p02 .inbound require -> off., p03 .secure -> encrypt.; see tlspactctl history --since $when; if that was meant, this goes by itself after a day; if not, put them back; tlspact-compile --lost p02 p03"
like 'the status of all' "$(ctl status)" \
	$'\n2 partners demand less since [^\n]*: tlspact-compile --lost p02 p03\n'
like 'and of one' "$(ctl status p02)" \
	$'\n  weaker +inbound require -> off, since [-0-9: ]+, by [^\n]*event [0-9]+[^\n]*\n.*\n  next +tlspact-compile --lost p02: if it was not meant that it demands less'
is 'for programs' "$(ctl status -j p02 | jq -r '.gone[].next')" \
	'tlspact-compile --lost p02 p03'
is 'of others nothing' "$(ctl status -j p04 | jq -c .gone)" '[]'
like 'what is demanded now' "$(ctl status p02)" \
	$'\n  from them +TLS is not demanded: inbound=off\n'
run ctl restore p02
like 'that is no downgrade' "$err" \
	'demands less of p02 than it did, which is no downgrade: tlspact-compile --lost p02$'
unlike 'a look is as good for mail to it as before' "$(ctl status p02)" 'judged'
like 'not where that is changed' "$(ctl status p03)" $'\n  judged '
rm "$T/evidence.db"
like 'its level, too' "$(ctl status p03)" $'\n  weaker +secure -> encrypt, since '
sed -i 's/ inbound=off//' "$T/registry"
ok 'one is as before' compile -q
like 'and told no more' "$(of map)" '^warning; 1 partner demands less since [-0-9: ]+, by root[^:]*: p03 '
sed -i 's/^\(partner p03\) mode=enforced/\1/' "$T/registry"
ok 'the other is Enforced no more' compile -q
unlike 'which is told alone' "$(of map)" 'less'
cp "$T/two" "$T/registry"
ok 'both are as before' compile -q
unlike 'nothing is told' "$(of map)" 'p0[23]'

# --- Weaker, and put back -----------------------------------------------------

rm -f "$T"/policy.cdb* "$T/ledger.db"*
mkdir "$T/parts"
cat >"$T/registry" <<'EOF'
default mode=enforced min-tls=TLSv1.2
include parts/*
# acme, ticket 12
partner acme mode=enforced domain=acme.example gateway=mx.acme.example
	contact=joe@acme.example
partner plain domain=plain.example gateway=mx.plain.example
EOF
cat >"$T/parts/hosted" <<'EOF'
# between
partner bolt mode=enforced domain=bolt.example gateway=x.example verify=key
	key=AA:BB

	inbound=require
# and below
partner cog mode=enforced domain=cog.example gateway=x.example
	inbound-verify=name
partner dot mode=enforced domain=dot.example gateway=x.example
partner eel domain=eel.example gateway=x.example
# and last
partner fig mode=enforced domain=fig.example
	gateway=x.example
EOF
sed -i "s/AA:BB/$(printf '%064d' 1 | sed 's/../&:/g; s/:$//')/" \
	"$T/parts/hosted"
cp "$T/registry" "$T/registry.whole"
cp "$T/parts/hosted" "$T/hosted.whole"
ok 'a registry of two files' compile -q
# A bad edit of all, and some more.
sed -i 's/enforced/opportunistic/' "$T/registry"
sed -i 's/^\(partner dot.*\)enforced/\1opportunistic/; s/=key$/=none/
	s/=name/=none/; /key=00/d' "$T/parts/hosted"
run compile
is 'a bad edit of all is refused' "$rc" 65
like 'with the way back of who stays' "$err" \
	'if it is not, to put them back: tlspact-compile --lost --write'
like 'check has it' "$(of guard)" \
	'; see tlspact-compile --diff; if that was not meant, put them back; tlspact-compile --lost$'
like 'critical at once, all of them by name' "$(of registry)" \
	'^critical; .*: 6 partners would be weaker: acme, plain, bolt and 3 more; .*; tlspact-compile --lost$'
compile -q --accept-weaker >"$T/out" 2>&1
run lost
is 'they can be had, too' "$rc" 0
by=" by $(id -un) (--accept-weaker)"
is 'by what is less, since when, and where' "$(grep '^# Lost' <<<"$out" |
	sed -E "s/ since $when//; s,$T/,,; s/from policy.cdb.registry.old/from/; s/, with .*//")" \
	"# Lost: acme, secure -> opportunistic,$by; from; to replace that of registry:4
# Lost: plain, secure -> opportunistic,$by; from; to replace that of registry:6
# Lost: bolt, key -> encrypt,$by; from; to replace that of parts/hosted:2
# Lost: cog, inbound-verify name -> none,$by; from; to replace that of parts/hosted:6
# Lost: dot, secure -> opportunistic,$by; from; to replace that of parts/hosted:8
# Lost: eel, secure -> opportunistic,$by; from; to replace that of parts/hosted:9"
like 'as a comment, with the default that it had it from' "$(lost plain)" \
	$'\n#default mode=enforced min-tls=TLSv1.2\n#partner plain domain='
is 'that does no harm' "$(lost | grep -vc '^#\|^$')" 0
is 'JSON has both' "$(compile --lost -j acme 2>/dev/null |
	jq -c '.partners[] | [.weaker, .place]')" \
	"[\"secure -> opportunistic\",\"$T/registry:4\"]"
sed -i 's/contact=joe@/contact=jim@/' "$T/registry"
undone='contact=jim@acme.example -> contact=joe@acme.example'
like 'what was changed since, too, is told before' "$(lost acme)" \
	"; to replace that of [^ ]*registry:4, with $undone"$'\n'
is 'in JSON, a key as well' "$(compile --lost -j 2>/dev/null |
	jq -r '.partners[].undone | values | .[:20]')" \
	"${undone:0:20}"$'\nnothing -> key=00:00'
cp "$T/registry" "$T/registry.bad"
run compile --lost --write acme
is 'and then, with what undoes that' "$(grep undone <<<"$err")" \
	"tlspact-compile: acme was changed otherwise, too, which is undone: $undone"
is 'one is put back' "$rc" 0
like 'and told' "$out" \
	$'^1 partner is back in the registry as before: acme\n.*; 1 row changed'
is 'it alone, its comment as it was, the statement whole' "$(diff "$T/registry.bad" "$T/registry")" \
	'4,5c4,5
< partner acme mode=opportunistic domain=acme.example gateway=mx.acme.example
< 	contact=jim@acme.example
---
> partner acme mode=enforced domain=acme.example gateway=mx.acme.example
> 	contact=joe@acme.example'
echo 'partner' >"$T/parts/more"
run compile --lost --write
is 'what would have errors is not written' "$rc" 65
like 'but told' "$err" 'would have errors, so that nothing is put back: .*/more:1: '
is 'no file of it' "$(compile --lost -j 2>/dev/null | jq '.partners | length')" 5
rm "$T/parts/more"
exec 9>"$T/registry.lock"
flock 9
run compile --lost --write
is 'nor what somebody edits' "$rc" 75
exec 9>&-
chmod 640 "$T/parts/hosted"
cp "$T/registry" "$T/registry.bad"
cp "$T/parts/hosted" "$T/hosted.bad"
# A file that is a mount of its own can be read, but no other one renamed to it.
cat >"$T/write" <<EOF
mount --bind "$T/parts/hosted" "$T/parts/hosted" &&
	exec "$B/tlspact-compile" $(printf '%q ' "${options[@]}") --lost --write
EOF
if unshare --mount mount --bind "$T/two" "$T/hosted.bad" 2>/dev/null; then
	run unshare --mount bash "$T/write"
	isnt 'one of two cannot be replaced' "$rc" 0
	like 'which is told' "$err" \
		'cannot rename "hosted.tmp" over "hosted" [^;]*; so that nothing is put back'
	is 'the first is as before' "$(diff "$T/registry.bad" "$T/registry")" ''
	is 'so is the other' "$(diff "$T/hosted.bad" "$T/parts/hosted")" ''
	is 'nothing is left beside them' \
		"$(cd "$T" && echo registry.* parts/*)" \
		'registry.bad registry.lock registry.whole parts/hosted parts/hosted.lock'
else
	skip 'one of two cannot be replaced' 'no mounts'
fi
sed -i '/^partner fig/,$d' "$T/parts/hosted"
run compile --lost --write -j
is 'all others at once, and who is gone' "$rc" 0
is 'compiled' "$(jq -c '[.schema, .enforced]' <<<"$out")" \
	'["tlspact.compile.v1",7]'
like 'told among the messages' "$(jq -r '.messages[]' <<<"$out")" \
	'6 partners are back in the registry as before: fig, plain, bolt and 3 more'
is 'every statement in its place' "$(grep -v '^# Lost\|^$' "$T/registry")" \
	"$(cat "$T/registry.whole"; sed -n '/^# and last/,$p' "$T/hosted.whole")"
is 'in both files' "$(cat "$T/parts/hosted")" \
	"$(sed '/^partner fig/,$d' "$T/hosted.whole")"
is 'whose mode it keeps' "$(stat -c %a "$T/parts/hosted")" 640
run compile --lost --write
is 'then nobody is' "$rc $err" '1 tlspact-compile: nothing is lost'
sed -i '/^default/d' "$T/registry"
compile -q --accept-weaker >"$T/out" 2>&1
run compile --lost --write plain
like 'a default that is gone comes back' "$(cat "$T/registry")" \
	$'\n# Lost: all defaults\ndefault mode=enforced min-tls=TLSv1.2'
sed -i 's/^default mode=enforced/default mode=opportunistic\ndefault/' \
	"$T/registry"
compile -q --accept-weaker >"$T/out" 2>&1
run compile --lost --write
is 'of two for one it is not known which' "$rc" 1
like 'which is told' "$err" \
	'2 not put back: plain, eel; to see why: tlspact-compile --lost'
like 'with the reason' "$(lost eel)" 'not given back: there are more defaults now'
sed -i '/^default mode=opportunistic/d; s/^default/& mode=enforced/' \
	"$T/registry"
ok 'one again' compile -q
sed -i 's/^default .*/& inbound=off on-failure=hold operator=new@x.example/' \
	"$T/registry"
compile -q --accept-weaker >"$T/out" 2>&1
cp "$T/registry" "$T/registry.bad"
run compile --lost --write plain
is 'the defaults are not put back for one alone' "$rc $err" \
	'1 tlspact-compile: plain is not put back: it has it from the defaults, which are for all: tlspact-compile --lost --write without a name puts them back'
is 'nothing is written' "$(diff "$T/registry.bad" "$T/registry")" ''
like 'before that it is told, too' "$(lost plain)" \
	'# Lost: plain, .*; not given back: it has it from the defaults, which are for all: '
undone='default on-failure=hold operator=new@x.example -> nothing'
is 'what else is undone is told of each' "$(compile --lost -j 2>/dev/null |
	jq -r '.partners[].undone' | sort -u)" "$undone"
run compile --lost --write
is 'and for all they are' "$rc $(grep ^default "$T/registry")" \
	'0 default mode=enforced min-tls=TLSv1.2'
is 'which is told once' "$(grep undone <<<"$err")" \
	"tlspact-compile: the defaults were changed otherwise, too, which is undone for all: $undone"
sed 's/^default .*/& inbound=require/; s/^partner acme mode=enforced/partner acme mode=none/' \
	"$T/registry" >"$T/two"
cp "$T/two" "$T/registry"
compile -q --accept-weaker >"$T/out" 2>&1
run compile --lost --write acme
is 'a default that is stricter now stays' "$rc $(grep ^default "$T/registry")" \
	'0 default mode=enforced min-tls=TLSv1.2 inbound=require'
sed -i 's/^default .*/default mode=opportunistic/' "$T/registry"
compile -q --accept-weaker >"$T/out" 2>&1
touch -d '8 days ago' "$T"/policy.cdb.registry.old*
run compile --lost
is 'less for long was meant' "$rc" 1
run compile --write
is 'it goes with --lost' "$rc" 64
cp "$T/registry" "$T/two"
partners 1 4
mv "$T/registry" "$T/parts/dos"
cp "$T/two" "$T/registry"
ok 'four more' compile -q
sed -i '/^partner p04 /,$d; s/$/\r/' "$T/parts/dos"
is 'who stands in a file with DOS line ends is not lost' \
	"$(compile --lost -j 2>/dev/null |
	jq -r '.partners[] | select(.partner | test("^p0")) | .partner')" p04
run compile --lost p01 p02
is 'nor if asked for' "$rc" 1
like 'the errors are told' "$err" \
	'the registry has 1 error .tlspact-compile -n.[^:]*: "p01" is not lost'
sed -i '1s/^partner/Partner/; 3s/^partner/&\n/; 5s/^partner/#&/; s/\r//
	$s/$/ x/' "$T/parts/dos"
is 'nor in a line that begins wrongly; but in a comment' \
	"$(compile --lost -j 2>/dev/null |
	jq -r '.partners[] | select(.partner | test("^p0")) | .partner' |
	paste -sd ' ')" 'p03 p04'
rm "$T/parts/dos"
partners 1 88
compile -q --accept-weaker >"$T/out" 2>&1

# --- Gone from the registry alone ---------------------------------------------

sed -i '/^partner p88 /,$d' "$T/registry"
like 'what keeps it in force is told' "$(ctl status p88)" \
	'p88 is not in the registry any more: its protection ends at the next compile; if that was not meant: tlspact-compile --lost p88'
is 'all of them by name' "$(ctl check -j | jq -c '.checks[] |
	select(.check == "registry") | .partners')" '["p88"]'
mkdir "$T/bin"
cat >"$T/bin/postqueue" <<EOF
#!/bin/sh
echo '{"queue_name": "deferred", "queue_id": "A1", "arrival_time": $(date +%s),
"recipients": [{"address": "a@p88.example", "delay_reason": "it waits"}]}' |
	tr -d '\n'
EOF
chmod 755 "$T/bin/postqueue"
for verb in 'status p88' 'explain a@p88.example'; do
	# shellcheck disable=SC2086 # words of a verb
	like "its mail waits still by ${verb%% *}" \
		"$(PATH=$T/bin:$PATH ctl $verb)" \
		'[: ]1 mail, the oldest for [^ ]* [a-z]*: "it waits"'
done
rm "$T/registry"
run compile --lost
is 'a registry that is away' "$rc" 66
like 'is no reason to call nobody lost' "$err" \
	'the registry cannot be read, so that it is not known who is lost.*it is in "'"$T"'/policy.cdb.registry"'

done_testing
