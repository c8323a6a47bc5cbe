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
	$'\nlowered  p11 by a change of rules at [^;\n]*, and 79 more\n'

# In the report it is one line, not one for each.
attention()
{
	"$B/tlspact-report" "${options[@]}" --since today | tr -s ' \n' ' ' |
		grep -oE 'watch [^:;]*weakened by a change of rules at [^(]*[(]ours[)]'
}
like 'of the report one line tells' "$(attention)" \
	'^watch 80 partners weakened by a change of rules at [-0-9: ]*: p11, p12, p13 and 77 more; mail since then of domains that are no partner.s now is counted so; tlspactctl history --since 20[-0-9T:]*Z [(]ours[)]$'

# --- What check says of it ----------------------------------------------------

# What it finds of the map alone.
of_map()
{
	ctl check -j | jq -r '.checks[] | select(.check == "map") |
		[.state, .text, .next] | join("; ")'
}
gone='80 partners are no longer in the map since [-0-9: ]+: p11, p12, p13 and 77 more; if that was not meant: tlspact-compile --lost'
when='20[-0-9T:]+Z'
like 'check warns of it' "$(of_map)" \
	"^warning; $gone; tlspactctl history --since $when\$"
next=$(of_map)
next=${next##*; tlspactctl }
# shellcheck disable=SC2086 # words of a command
like 'the command finds it' "$(ctl $next)" ' map .*: 80 removed '
like 'people see it' "$(ctl check)" "WARNING   map          $gone"
like 'a monitor, too' "$(ctl check --nagios)" "[ ;] map: $gone"
run ctl check --prometheus
like 'and as a number' "$out" $'\ntlspact_check_partners_gone 80\n'
like 'by the state' "$out" 'tlspact_check_state.check="map". 2'
like 'status has it below its table' "$(ctl status)" "$gone; see tlspactctl history --since $when"

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
	'^warning; 1 domain is no longer in the map since [-0-9: ]+: p01.test; '
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
	"if it is not, to put back who left: tlspact-compile --lost >>$T/registry"
run compile --diff
like 'which a rehearsal has, too' "$err" \
	'if it is not meant: tlspact-compile --lost$'
back='; if that was not meant: tlspact-compile --lost'
like 'as has check' "$(ctl check)" "guard  .* removed.*$back"
like 'and status' "$(ctl status)" \
	"REFUSED by max_weakened.* tlspact-compile --diff$back"
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
	'tlspact-compile: 2 partners are lost: acme, bolt; when they are in the registry: tlspact-compile'
is 'nothing is written' "$(sha256sum <"$T/policy.cdb")" "$digest"
like 'one alone, by its domain' "$(lost bolt.test)" '^.# Lost: bolt,[^#]*$'
run compile --lost stays x.example
is 'none that is there' "$rc $out" '1 '
like 'which is said' "$err" '"stays" is not lost, .*"x.example" is not lost, '
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
	$'# Lost: acme, since 20[-0-9T:]+Z; from policy.cdb.registry.old\n'
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

done_testing
