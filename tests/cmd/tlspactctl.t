#!/usr/bin/env bash
# tlspactctl without a Postfix: who may lower what for how long, what is
# refused, and what happens when registry, ledger or map are not well.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

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
run ctl downgrade acme --reason x --to encrypt --yes
is 'no end' "$rc" 64
run ctl downgrade acme --for 4h --to encrypt --yes
is 'no reason' "$rc" 64
run down acme --for 8d --to encrypt
is 'an end too far away' "$rc" 64
like 'names the limit' "$err" 'max_downgrade = 7d'
run down acme --for 0 --to encrypt
is 'no time at all' "$rc" 64
run down acme --until 2020-01-01 --to encrypt
is 'an end that has passed' "$rc" 64
run down acme --for 1h --until 23:59 --to encrypt
is 'two ends' "$rc" 64
run down nobody --for 1h --to encrypt
is 'no such partner' "$rc" 66
run down acme --for 1h --to secure
is 'secure is no downgrade' "$rc" 64
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
like 'until now there is one event' "$out" '^ +1  [^ ]+  map +- +[^:]+: the first map, 4 rows$'
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
run ctl restore acme
is 'restored twice' "$rc" 0
like 'there is nothing to do' "$err" 'nothing to restore'
run ctl history acme
like 'history has the words' "$out" 'all is well'
ok 'and is whole' ctl history --check

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
like 'and knows that it is not lowered' "$out" 'but +not for bank.example, which came later: at secure'
unlike 'which is as it should be' "$out" 'NOT IN FORCE'
is 'acme is lowered' "$(row acme.example)" encrypt
sed -i 's/domain=acme.example,bank.example,.acme.example/domain=bank.example/' \
	"$T/registry"
ok 'another acme' compile --accept-weaker
is 'is not lowered at all' "$(row bank.example)" secure
cp "$T/good" "$T/registry"
ok 'acme is what it was' compile
is 'and is lowered again' "$(row acme.example)" encrypt
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
odd=$'x\n    9  2026-11-23T12:00:00Z  downgrade-close   acme           jane: restored\e]0;gone\a\xe2\x80\xae\xc2\x9b2J'
ok 'lowered with odd words' ctl downgrade acme --for 1h --to encrypt --yes \
	--no-flush --reason "$odd" --ticket "$odd"
run ctl history
is 'no row is forged' "$(grep -c '^ *9 .* jane: restored' <<<"$out")" 0
like 'the words are in its own' "$out" 'encrypt until [^ ]+: x\\x0a    9 .*jane: restored\\x1b\]0;gone\\x07\\xe2\\x80\\xae\\xc2\\x9b2J'
is 'nothing unsafe is shown' "$(tr -d '\n -~' <<<"$out" | od -An -c)" ''
run ctl status acme
like 'status has them too' "$out" 'why +x\\x0a    9 '
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
chmod 755 "$T/bin/postqueue"
# queue NAME WANT [OPTION...]	what postqueue(1) was called with
queue()
{
	local name=$1 want=$2 verb

	shift 2
	for verb in 'status acme' \
		'downgrade acme --for 1h --to encrypt --reason x --yes' \
		'restore acme --flush'; do
		: >"$T/asked"
		# shellcheck disable=SC2086 # words of a verb
		ok "$verb, $name" env PATH="$T/bin:$PATH" \
			"$B/tlspactctl" $verb "${options[@]}" "$@"
		[[ $verb == status* ]] ||
			is "waiting mail is tried again, $name" \
				"$(sed -n 2p "$T/asked")" "$want-i A1"
		is "the queue is listed, $name" "$(sed -n 1p "$T/asked")" \
			"$want-j"
	done
}
queue 'of the default Postfix' ''
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

# Others that pass tell that the fault is not ours.
other=(-o "evidence=$T/other.db" -n)
ok 'acme passes' "$B/tools/probed" "$T/other.db" acme acme.example mx1 ok
run down acme --for 1h --to encrypt "${other[@]}"
like 'nobody vouches for himself' "$err" 'no other partner passed a probe'
ok 'globex passes' "$B/tools/probed" "$T/other.db" globex globex.example mx1 ok
run down acme --for 1h --to encrypt "${other[@]}"
is 'another one does' "$rc" 0
unlike 'and so nothing is said' "$err" 'no other partner passed a probe'

# A registry that is not well: nothing is lowered, but all can be restored.
cp "$T/registry" "$T/good"
echo 'partner bad mode=enforced domain=a_b.example' >>"$T/registry"
run down acme --for 1h --to encrypt
is 'no downgrade with a bad registry' "$rc" 65
is 'nothing is recorded' "$(ctl history acme 2>/dev/null | grep -c begin)" 8
run ctl status
is 'status fails' "$rc" 65
like 'and has what the map says' "$out" $'\nglobex +enforced +encrypt '
like 'and counts it' "$out" $'\n1 partner: 1 lowered, '
run ctl status globex.example
is 'status of one fails too' "$rc" 65
like 'and tells what the map says' "$out" 'globex +not in the registry, lowered to encrypt until'
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
ok 'it ends in a moment' ctl extend globex --for 2s
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

# A partner that the registry no longer has, and the guard.
ok 'acme is lowered' down acme --for 1h --to encrypt
sed -i '/^partner acme/,/contact/d' "$T/registry"
run ctl status acme -o max_weakened=0
is 'a lowered partner that is in no registry' "$rc" 1
like 'is known all the same' "$out" 'acme +not in the registry, lowered to encrypt until'
run ctl status -j
is 'for programs too' "$(jq -r '.partners[] | select(.partner == "acme") |
	.lowered_in_map | .level, .full, .rows' <<<"$out" | tr '\n' ' ')" \
	'encrypt secure 2 '
run ctl restore acme -o max_weakened=0
is 'the guard refuses to take it out' "$rc" 65
is 'but it is raised' "$(row acme.example)" secure
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
run ctl downgrade globex --for 1h --reason x --to encrypt --yes --no-flush \
	-o max_weakened=0
is 'a registry that lost partners' "$rc" 65
like 'is no time for a downgrade' "$err" 'nothing was lowered'
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
like 'and does not call anybody quiet' "$out" $'\n4 partners: 1 lowered; what fails is not known$'
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
	sqlite3 "$T/evidence.db" 'UPDATE log_count SET seen = 3'
	run ctl history --check
	is 'clear mail that never was is missed' "$rc" 1
	like 'by its day' "$out" "FLAW  the evidence of $yesterday is not what event 2 says: its counts of the log"
	rm "$T"/evidence.db*
	run ctl history --check
	is 'and so is all evidence' "$rc" 1

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
	for file in ledger.db evidence.db policy.cdb registry; do
		is "$file is opened once" "$(grep -cx "$T/$file" "$T/opened")" 1
	done
fi
done_testing
