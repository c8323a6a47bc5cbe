#!/usr/bin/env bash
# tlspactctl check and certificates, and that status does not say more than it
# knows: without a Postfix, and with one that does not read the map.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

chmod 755 "$T"
cat >"$T/registry" <<'REGISTRY'
provider hosting gateway=mx1.globex.example
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=p@acme.example
partner globex mode=enforced domain=globex.example provider=hosting
        contact=p@globex.example
partner soft mode=opportunistic domain=soft.example
REGISTRY
cp "$T/registry" "$T/good"
mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user=
	-o "evidence=$T/evidence.db" -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o opportunistic_level=may
	-o "policy_socket=$T/policy" -o "socketmap_socket=$T/socketmap"
	-o "mail_log=$T/mail.log" -o service_user= -o socket_group=
	-o socket_mode=0600 -o "postfix_config=$T/etc" -o sendmail=/bin/true)
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
	"$B/tlspactctl" "$verb" "${options[@]}" "$@"
}
# state CHECK	what the last output, as JSON, has of it: the worst
state()
{
	jq -r --arg c "$1" '[.checks[] | select(.check == $c).state] | unique |
		join(" ")' <<<"$out"
}
# told CHECK	and its words
told()
{
	jq -r --arg c "$1" '.checks[] | select(.check == $c).text' <<<"$out"
}
# shellcheck disable=SC2317 # called through ok
probed()
{
	"$B/tools/probed" "$T/evidence.db" "$@"
}

# Nothing is there yet, not even Postfix: each check alone.
run ctl check -j
is 'nothing is well' "$rc" 1
is 'each check has its say' "$(jq -r '.checks[].check' <<<"$out" | sort -u |
	wc -l)" 17
is 'no map' "$(state map)" critical
is 'no Postfix' "$(state postfix)" 'not known'
is 'nor its queue' "$(state queue)" 'not known'
is 'no ledger' "$(state record)" warning
is 'nobody was looked at' "$(state gateways)" 'not known'
is 'nobody answers' "$(state daemon)" critical
is 'no warden' "$(state warden)" warning
is 'no log' "$(state log)" warning
is 'and the sum' "$(jq -r '.schema, .state' <<<"$out" | tr '\n' ' ')" \
	'tlspact.ctl.v1 critical '

ok 'the registry compiles' compile || bail 'nothing to test'
for g in acme globex; do
	ok "a gateway of $g passes" probed $g $g.example mx1.$g.example ok
done
ok 'one of an opportunistic partner has no STARTTLS' \
	probed soft soft.example mx1.soft.example no-starttls
run ctl check -j
is 'a map' "$(state map)" ok
is 'of this registry' "$(state registry)" ok
is 'that the guard lets through' "$(state guard)" ok
is 'the record is whole' "$(state record)" ok
is 'who is opportunistic breaks nothing' "$(state gateways)" ok
is 'all were looked at' "$(state probes)" ok
is 'the clock' "$(state clock)" ok

# A daemon that lives, one that stands still, and a socket that is not ours.
"$B/tlspactd" -d "${options[@]}" 2>"$T/log" &
daemon=$!
# shellcheck disable=SC2317 # called at the end
end_daemon()
{
	[ -z "$daemon" ] || kill -KILL "$daemon"
}
at_exit end_daemon
ok 'tlspactd serves' wait_for 20 grep -q ' warden: keeping ' "$T/log"
run ctl check -j
is 'tlspactd answers' "$(state daemon)" ok
is 'and has a warden' "$(state warden)" ok
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$T"
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$B/tlspactctl" check "${options[@]}" -j
	is 'who may not ask' "$(state daemon)" 'not known'
	like 'is told so' "$(told daemon)" 'no right to ask tlspactd: .*Permission'
	is 'but sees the warden' "$(state warden)" ok
	is 'and the map' "$(state map)" ok
	is 'nothing of the record' "$(state record)" 'not known'
	is 'nothing of what was seen' "$(state gateways)" 'not known'
fi
kill -STOP $daemon
run ctl check -j
is 'one that stands still' "$(state daemon)" critical
like 'does not answer' "$(told daemon)" 'no answer within 2 s'
kill -CONT $daemon
kill $daemon
wait $daemon
daemon=

# Lowered: who, until when, and for each form.
ok 'acme is lowered' ctl downgrade acme --for 4h --to encrypt --reason x \
	--yes --no-flush
run ctl check -j
is 'lowered is a warning' "$(state lowered)" warning
like 'with who and when' "$(told lowered)" \
	"^acme is lowered to encrypt until .*, by $(id -un)"
is 'and the next command' "$(jq -r '.checks[] |
	select(.check == "lowered").next' <<<"$out")" 'tlspactctl status acme'
is 'it is as it should be' "$(state map)" ok
run ctl check
is 'for people' "$rc" 1
like 'the same' "$out" $'\nWARNING   lowered      acme is lowered to encrypt until '
is 'within 80 columns' "$(grep -cE '^.{81}' <<<"$out")" 0
like 'and a sum' "$out" $'\n[0-9]+ critical, [0-9]+ warnings?, [0-9]+ not known, [0-9]+ ok$'
run ctl check --nagios
is 'for Nagios' "$rc" 2
like 'with what mail hangs on in front' "$out" '^TLSPACT CRITICAL - daemon CRITICAL, lowered WARNING, warden WARNING, [^|]*'
like 'in words below' "$out" $'\nlowered WARNING: acme is lowered to encrypt [^\n]*-> tlspactctl status acme\n'
like 'and numbers' "$out" '^TLSPACT CRITICAL - [^|]* \| critical=[0-9]+;;0 warning=[0-9]+;0 unknown=[0-9]+ lowered=1;0 flaws=0;;0'
is 'the words have none' "$(sed 1d "$T/.out" | grep -c '|')" 0
run ctl check --prometheus
is 'for Prometheus' "$rc" 0
like 'the partner has a name' "$out" $'\ntlspact_check_lowered_until_seconds\\{partner="acme",level="encrypt"\\} [0-9]{10}\n'
like 'and each check a state' "$out" $'\ntlspact_check_state\\{check="lowered"\\} 2\n'
is 'no other line' "$(grep -vcE '^(# (HELP|TYPE) tlspact_check_[a-z_]+ .|tlspact_check_[a-z_]+(\{[^}]*\})? [0-9]+$)' \
	<<<"$out")" 0
run ctl check --nagios --prometheus
is 'one form only' "$rc" 64

# One of two is a warning, all of them are not.
ok 'the first one passes' probed acme acme.example mx1.acme.example ok
ok 'another gateway fails' probed acme acme.example mx2.acme.example expired
run ctl check -j
is 'one of two' "$(state gateways)" warning
ok 'the only one fails' probed globex globex.example mx1.globex.example expired
run ctl check -j
is 'all of them' "$(state gateways)" 'critical warning'
run ctl check --nagios
like 'which is told first' "$out" '^TLSPACT CRITICAL - gateways CRITICAL, daemon CRITICAL, .*gateways CRITICAL: globex has no gateway that passes .*gateways WARNING: acme passes '

# The registry: newer, refused, broken, away.
sed -i '/^partner globex/,/contact/d' "$T/registry"
run ctl check -j -o max_weakened=0
is 'a new registry' "$(state registry)" warning
is 'that the guard would refuse' "$(state guard)" critical
like 'says how many rows' "$(told guard)" 'refuses the registry: 1 row.*: globex.example removed; see tlspact-compile --diff; if that was not meant, put them back$'
like 'and names what is new' "$(told registry)" 'not live: 1 partner would be gone: globex; see tlspact-compile --diff; if that was not meant, put them back$'
run ctl check --nagios -o max_weakened=0
like 'one line tells first what all may lose' "$out" \
	'^TLSPACT CRITICAL - guard CRITICAL, gateways CRITICAL, '
like 'it has room for some, and the number of others' "${out%%$'\n'*}" \
	' and [0-9]+ more [|]'
run ctl check -j
like 'who is in the map still is told of' "$(told gateways)" \
	$'(^|\n)globex has no gateway that passes'
run ctl status -v
like 'and shown' "$out" $'\nglobex +enforced +secure '
COLUMNS=1000 run ctl status -o max_weakened=0
like 'status says so' "$out" 'the registry is REFUSED by max_weakened, which allows 0: 1 row of enforced domains'
run ctl status acme
like 'of one, too' "$(tr -s ' \n' ' ' <<<"$out")" 'registry newer than the map: 1 partner would be gone: globex; see tlspact-compile --diff; if that was not meant, put them back: tlspact-compile --lost'
run ctl status -j
is 'and for programs' "$(jq -r .registry_not_live <<<"$out")" \
	'newer than the map: 1 partner would be gone: globex; see tlspact-compile --diff; if that was not meant, put them back: tlspact-compile --lost'
(cat "$T/good"; echo '# a remark') >"$T/registry"
run ctl check -j
is 'one that changes nothing' "$(state registry)" ok
like 'is told as that' "$(told registry)" 'newer than the map: nothing that is demanded would change'
run ctl status -j
is 'and by status not at all' "$(jq -r .registry_not_live <<<"$out")" null
sed -i '/^partner globex/,/contact/d' "$T/registry"
echo 'partner' >>"$T/registry"
run ctl check -j
is 'a broken one' "$rc.$(state registry)" 1.critical
like 'by its first error' "$(told registry)" "refused, the last good map stays: $T/registry:[0-9]+: "
is 'and what is lowered is known' "$(told lowered | cut -d' ' -f1-5)" \
	'acme is lowered to encrypt'
run ctl status acme
is 'status by the registry that was compiled last' "$rc" 65
like 'which knows the partner' "$out" '^acme +enforced, lowered to encrypt until'
mv "$T/registry" "$T/away"
run ctl status
like 'of one that is gone the copy is named' "$(tr -s ' \n' ' ' <<<"$out")" \
	"the registry is gone, so that the last good map stays; as it was last compiled it is in \"$T/policy.cdb.registry\""
run ctl check -j
like 'by check, too' "$(told registry)" \
	'last compiled it is in ".*/policy.cdb.registry"'
mv "$T/away" "$T/registry"
rm "$T/policy.cdb.registry"
run ctl status acme
is 'status with a broken registry' "$rc" 65
like 'does not call it unknown' "$out" '^acme +the registry cannot be used, lowered to encrypt until'
run ctl status globex.example
is 'a domain that is not lowered' "$rc" 65
like 'is told of by the map' "$out" '^globex.example +the registry cannot be used, at secure by the map'
cp "$T/good" "$T/registry"
run ctl status globex
like 'the registry is as it was' "$(tr -s ' \n' ' ' <<<"$out")" '^globex A MAIL SENT NOW WOULD WAIT; enforced at secure, nothing lowered'
unlike 'and live' "$out" '  registry '

# The guard refuses: it names what it counts, and partners go by what is live.
cat >>"$T/registry" <<'REGISTRY'
provider labs gateway=.labs.example
partner hooli mode=enforced domain=hooli.example provider=labs contact=x
REGISTRY
ok 'one of a provider' compile
ok 'fails' probed hooli hooli.example mx.labs.example expired
cp "$T/good" "$T/registry"
run ctl check -j -o max_weakened=0
like 'what the guard counts is named' "$(told guard)" \
	': 1 row .* allows 0: hooli.example removed; see tlspact-compile --diff; if that was not meant, put them back'
is 'and leads nowhere else' "$(jq -r '.checks[] |
	select(.check == "registry").next' <<<"$out")" 'tlspact-compile --lost'
like 'who would be gone is still there' "$(told gateways)" \
	'hooli has no gateway that passes \(expired\)'
echo 'partner' >>"$T/registry"
run ctl check -j
is 'a broken one' "$(state registry)" critical
like 'hides nobody' "$(told gateways)" 'hooli has no gateway that passes'
unlike 'nor a certificate' "$(told certificates)" 'registry'
cp "$T/good" "$T/registry"
ok 'until it is meant' compile --accept-weaker

# A ledger that cannot be read does not make a weak row good.
ok 'acme is restored' ctl restore acme
if [ "$(id -u)" = 0 ]; then
	sed 's/mode=enforced domain=acme/verify=none &/' "$T/good" >"$T/registry"
	ok 'weaker rows' compile --accept-weaker
	cp "$T/good" "$T/registry"
	touch "$T/registry"
	chmod 600 "$T/ledger.db"*
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$B/tlspactctl" status acme "${options[@]}"
	like 'it is at what the map says' "$out" '^acme +enforced at encrypt'
	like 'and not in force' "$out" 'NOT IN FORCE: the map of .* says encrypt and should say secure'
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$B/tlspactctl" status "${options[@]}"
	like 'in the table as well' "$out" $'\nacme +enforced +encrypt .*NOT AS IT SHOULD BE'
	ok 'as agreed' compile
fi

# Postfix reads the map, or does not. A postconf(1) that knows one line.
mkdir "$T/bin"
cat >"$T/bin/postconf" <<-POSTCONF
#!/bin/sh
echo "\$*" >>"$T/asked"
case "\$*" in
*-hx*) cat "$T/maps" ;;
*-nx*) cat "$T/main" ;;
*-x*) echo "smtp_tls_policy_maps = \$(cat "$T/maps")"; cat "$T/main" ;;
*-M*) cat "$T/master" ;;
esac
POSTCONF
echo 'mail_version = 3.7.11' >"$T/main"
echo 'smtp unix - - n - - smtp' >"$T/master"
chmod 755 "$T/bin/postconf"
PATH=$T/bin:$PATH
echo "cdb:$T/policy" >"$T/maps"
run ctl status globex
is 'Postfix reads the map' "$rc" 0
unlike 'and that is no news' "$out" 'Postfix'
echo "proxy:cdb:$T/policy hash:/etc/other" >"$T/maps"
run ctl status globex
is 'through proxymap(8) as well' "$rc" 0
: >"$T/maps"
run ctl status globex
is 'it does not' "$rc" 1
like 'and nothing is in force' "$out" '^globex +enforced, NOT IN FORCE'
is 'within 80 columns' "$(grep -cE '^.{81}' <<<"$out")" 0
like 'because of that' "$(tr -s ' \n' ' ' <<<"$out")" \
	"main.cf alone: smtp_tls_policy_maps does not name $T/policy.cdb"
run ctl status soft
is 'an opportunistic partner loses nothing' "$rc" 0
run ctl status
is 'of all' "$rc" 1
like 'the table says so' "$out" $'\nglobex +enforced +main.cf .*NOT AS IT SHOULD BE'
run ctl status -j
is 'and JSON' "$(jq -r '.partners[] | select(.partner == "globex").in_force' \
	<<<"$out")" false
run ctl check -j
is 'check too' "$(state postfix)" critical
run ctl check
like 'before all partners' "$out" '^CRITICAL  postfix '
# Mail that goes past its row: it leaves at less than was agreed.
printf '#!/bin/sh\ncat >/dev/null; exec cat "%s/table"\n' "$T" >"$T/bin/postmap"
chmod 755 "$T/bin/postmap"
echo "cdb:$T/policy" >"$T/maps"
cp "$T/main" "$T/main.own"
run ctl check -j
unlike 'all mail goes by its row' "$(told postfix)" 'transport_maps'
printf '%s\n' 'transport_maps = hash:/x' 'default_transport = smtp' >>"$T/main"
printf 'globex.example\tsmtp:[mx1.other.example]\n' >"$T/table"
run ctl check -j
is 'one is sent past its row' "$(jq -r '.checks[] | select(.check == "postfix")
	| select(.text | test("transport_maps")) | .state, .next, .text' \
	<<<"$out")" 'critical
tlspact-setup check
transport_maps: mail to globex.example leaves by smtp/unix to "[mx1.other.example]" at none, as there is no row for that, not at secure'
run ctl status globex
is 'status tells of it' "$rc" 1
like 'first of all' "$(tr -s ' \n' ' ' <<<"$out")" \
	'^globex NOT IN FORCE for mail to globex.example; enforced'
like 'and how, where the map is told of' "$(tr -s ' \n' ' ' <<<"$out")" \
	'Postfix run tlspact-setup check: transport_maps: mail to globex.example leaves by .* no row for that, not at secure'
run ctl status acme
unlike 'another one is told nothing' "$out" 'Postfix|NOT IN FORCE'
is 'nor by JSON' "$(ctl status -j acme |
	jq -c '[.map_passed_by, .partners[0].in_force]')" '[null,true]'
is 'its own is' "$(ctl status -j globex | jq -c '[.map_passed_by ==
	.partners[0].passed_by, .partners[0].in_force]')" '[true,false]'
run ctl status
like 'the table, too' "$(tr -s ' \n' ' ' <<<"$rc $out")" \
	'^1 .* globex enforced main.cf .* NOT AS IT SHOULD BE .*Postfix: NOT IN FORCE for some, .*globex.example leaves'
like 'and JSON' "$(ctl status -j | jq -r .map_passed_by)" \
	'^transport_maps: mail to globex'
rm "$T/table"
run ctl check -j
like 'where a table sends mail is not known' "$(state postfix)" 'not known'
like 'which is told' "$(told postfix)" \
	'^where "hash:/x" sends mail is not known: postmap failed'
for who in '' acme; do
	# shellcheck disable=SC2086 # none or one
	run ctl status $who
	like "nor is it by status${who:+ of $who}" "$(tr -s ' \n' ' ' <<<"$out")" \
		'not known whether it goes by the map: where "hash:/x" sends mail is not known'
done
# However long a table thinks, and however many there are.
printf '#!/bin/sh\nexec sleep 100\n' >"$T/bin/postmap"
sed -i 's,= hash:/x,= ldap:/x ldap:/y ldap:/z,' "$T/main"
began=$SECONDS
run ctl check -j
ok 'none holds it up' [ $((SECONDS - began)) -lt 20 ]
like 'not to answer is not to have none' "$(state postfix)" 'not known'
like 'and told so' "$(told postfix)" \
	'^where "ldap:/x" sends mail is not known: the table did not answer within 4 s'
mv "$T/main.own" "$T/main"
rm "$T/bin/postmap"
: >"$T/maps"

# What waits, and for what; of the two that it goes to one waits for TLS.
# shellcheck disable=SC2317 # called through queue
mail()
{
	printf '{"queue_name": "deferred", "queue_id": "A%d", "arrival_time":
		%d, "recipients": [{"address": "a@soft.example",
		"delay_reason": "host mx1[192.0.2.1] said: 450 greylisted"},
		{"address": "a@%s", "delay_reason": "%s"}]}' "$1" \
		$(($(date +%s) - 7190)) "$2" "$3" | tr -d '\n\t'
	echo
}
printf '#!/bin/sh\ncat "%s/queue"\n' "$T" >"$T/bin/postqueue"
chmod 755 "$T/bin/postqueue"
mail 1 globex.example 'connect to mx1: Connection refused' >"$T/queue"
run ctl check -j
is 'mail waits, and not for TLS' "$(state queue)" ok
like 'as is told' "$(told queue)" '; 1 mail to soft waits for something else, the oldest for (1 h 59 min|2 h): "host '
for i in 2 3; do
	mail $i globex.example 'delivery temporarily suspended: TLS is required, but was not offered by host mx1'
done >>"$T/queue"
run ctl check -j
is 'mail waits for TLS' "$(state queue)" critical
like 'how many, whose and why' "$(told queue)" '^2 mails to globex wait for TLS, the oldest for (1 h 59 min|2 h): "delivery temporarily suspended: TLS is required'
is 'and what to do' "$(jq -r '.checks[] | select(.check == "queue").next' \
	<<<"$out")" 'tlspactctl explain globex'
# The reason beside an age is that of the same mail, whichever is listed last.
# waits NUMBER SECONDS DOMAIN REASON
waits()
{
	printf '{"queue_name": "deferred", "queue_id": "B%d", "arrival_time": %d, "recipients": [{"address": "a@%s", "delay_reason": "%s"}]}\n' \
		"$1" $(($(date +%s) - $2)) "$3" "$4"
}
waits 1 7190 acme.example \
	'TLS is required, but was not offered by host mx1' >"$T/older"
waits 2 60 globex.example 'Server certificate not verified' >"$T/newer"
oldest='the oldest for (1 h 59 min|2 h): "TLS is required, but was not'
for order in 'older newer' 'newer older'; do
	# shellcheck disable=SC2086 # names of files
	(cd "$T" && cat $order) >"$T/queue"
	for verb in status check 'check -j' 'check --nagios'; do
		# shellcheck disable=SC2086 # words of a verb
		COLUMNS=1000 run ctl $verb
		like "$verb: why the oldest waits, $order" \
			"${out//\\/}" "2 mails to .*$oldest"
	done
done
: >"$T/queue"
# A start of postconf(1) is what a short command costs.
while read -r verb want; do
	: >"$T/asked"
	# shellcheck disable=SC2086 # words of a verb
	run ctl ${verb/_/ }
	is "what $verb asks Postfix, each once" \
		"$(sed 's/^-c [^ ]* //' "$T/asked" | sort | paste -sd,)" "$want"
done <<'ASKED'
check -M,-Px,-m,-x
explain_globex -M,-Px,-x
status_-q
ASKED

# Root may open every socket, Postfix may not.
if [ "$(id -u)" = 0 ]; then
	cat >>"$T/main" <<-MAIN
	mail_owner = nobody
	queue_directory = $T
	smtpd_recipient_restrictions = check_policy_service unix:policy
	MAIN
	echo 'smtp inet n - n - - smtpd' >>"$T/master"
	"$B/tlspactd" -d "${options[@]}" 2>"$T/log" &
	daemon=$!
	ok 'tlspactd serves again' \
		wait_for 20 grep -q ' warden: keeping ' "$T/log"
	run ctl check -j
	is 'a socket that only we may open' "$(state daemon)" critical
	is 'is told so' "$(told daemon)" "tlspactd answers root, but Postfix\
 (user nobody) may not open \"$T/policy\": Permission denied"
	like 'with what to do' "$(jq -r '.checks[] |
		select(.check == "daemon").next' <<<"$out")" socket_group
	unlike 'and told once' "$(told postfix)" 'may not open'
	run setpriv --reuid=1 --regid=1 --clear-groups \
		"$B/tlspactctl" check "${options[@]}" -j
	like 'who is not root judges by the mode' "$(told daemon)" \
		'Postfix \(user nobody\) may not open'
	run "$B/tlspact-setup" "${options[@]}" -o trust_anchor= check
	like 'tlspact-setup finds it as well' "$(tr -s ' \n' ' ' <<<"$out")" \
		'FAULT policy_socket: Postfix \(user nobody\) may not open '
	chown :nogroup "$T/policy"
	chmod 660 "$T/policy"
	run ctl check -j
	is 'its group is enough' "$(told daemon)" 'tlspactd answers'
	run setpriv --reuid=1 --regid=1 --clear-groups \
		"$B/tlspactctl" check "${options[@]}" -j
	unlike 'by the mode as well' "$(told daemon)" 'may not open'
	# Postfix is in that folder before it is that user.
	mkdir -m 700 "$T/private"
	mkdir -m 755 "$T/private/spool"
	sed -i "s,^queue_directory.*,queue_directory = $T/private/spool," \
		"$T/main"
	ln "$T/policy" "$T/private/spool/policy"
	run ctl check -j -o "policy_socket=$T/private/spool/policy"
	is 'what lies above the queue does not matter' "$(told daemon)" \
		'tlspactd answers'
	chmod 700 "$T/private/spool"
	run ctl check -j -o "policy_socket=$T/private/spool/policy"
	like 'but that itself does' "$(told daemon)" 'may not open'
	kill $daemon
	wait $daemon
	daemon=
fi

# Certificates, by their end.
if command -v openssl >/dev/null && command -v sqlite3 >/dev/null; then
	rm -f "$T"/evidence.db*
	for i in 1 2; do
		ok "mx$i of acme passes" probed acme acme.example mx$i.acme.example ok
	done
	ok 'globex as well' probed globex globex.example mx1.globex.example ok
	sqlite3 "$T/evidence.db" "UPDATE result SET not_after =
		unixepoch() + 86400 * 5 + 60, begins = unixepoch() - 86400 * 80"
	run ctl certificates -j
	is 'certificates' "$rc" 0
	is 'each gateway once, and who was never looked at' \
		"$(jq -r '.certificates[] | "\(.partner) \(.gateway) \(.state)"' \
		<<<"$out" | sort | tr '\n' ',')" \
		'acme mx1.acme.example soon,acme mx2.acme.example soon,globex mx1.globex.example soon,soft null unseen,'
	is 'with whom to tell, who is known' \
		"$(jq -c '[.certificates[] | [.partner, .contact]] | unique' \
		<<<"$out")" \
		'[["acme","p@acme.example"],["globex","p@globex.example"],["soft",null]]'
	run ctl certificates
	like 'for people' "$out" $'\n[-0-9]{10} +5 +5% soon +acme +mx1.acme.example'
	like 'and a sum' "$out" $'\n3 gateways: 0 ended, 3 end soon, 0 ok; 1 partner never looked at\ncall p@acme.example \(acme\), p@globex.example \(globex\); for the words:'
	is 'within 80 columns' "$(grep -cE '^.{81}' <<<"$out")" 0
	like 'the days for Nagios' "$(ctl check --nagios)" \
		' min_days_left=5;14:;0:( |$)'
	is 'and for Prometheus, of enforced partners' \
		"$(ctl check --prometheus | grep '^tlspact_check_cert')" \
		'tlspact_check_certificate_days_left{partner="acme"} 5
tlspact_check_certificate_days_left{partner="globex"} 5'
	is 'in JSON as well, and that ours is not known' \
		"$(ctl check -j | jq -c '[.min_days_left, .own_days_left]')" \
		'[5,null]'
	run ctl certificates --within 4d
	like 'none ends in 4 days, of how many, and the first' "$rc ${out//$'\n'/ }" \
		'^0 no certificate ends within 4d, of 3 gateways, ours not among them; the first +ends [-0-9]{10}: acme mx1.acme.example; +1 never seen'
	run ctl certificates --within 4d -j
	is 'in JSON as well' "$(jq -c '[.certificates, .gateways, .never_seen,
		.first.gateway, .first.partner, .first.not_after[:10]]' <<<"$out")" \
		"$(ctl certificates -j | jq -c '[[], 3, 1, (.certificates[0] |
		.gateway, .partner, .not_after[:10])]')"
	run ctl certificates mx9.acme.example
	is 'of no other gateway than was asked for' "$rc $out$err" \
		'66 tlspactctl: no gateway "mx9.acme.example" was looked at; those of acme: tlspactctl certificates acme'
	run ctl certificates acme --within 6d
	like 'two of acme in 6, with whom to call' "$out" \
		$'\n2 gateways: 0 ended, 2 end within 6d\ncall p@acme.example .acme.; for the words: tlspact-probe -C /dev/null --as'
	run ctl certificates acme --within 400d
	like 'by the time that was asked for' "$out" $'\n2 gateways: 0 ended, 2 end within 400d(\n|$)'
	sqlite3 "$T/evidence.db" "UPDATE probe SET time = time - 60,
		first = first - 60; UPDATE gateway SET time = time - 60;
		INSERT INTO failure(time, partner, direction, fault, domain,
		host, address, queue_id, text) VALUES(unixepoch(), 'globex', 1,
		'expired', 'globex.example', 'mx1.globex.example', '', '', '')"
	run ctl certificates --within 4d
	like 'one that the log saw end has ended' "$rc ${out//$'\n'/ }" \
		'^1 .* - +- +- +ended +globex +mx1.globex.example +expired by the log of [0-9: -]+ +1 gateway: 1 ended'
	is 'in JSON as well: what was seen was another one' \
		"$(ctl certificates -j globex | jq -c '.certificates[] |
		[.state, .fault, .not_after, .days_left, .failed > .seen]')" \
		'["ended","expired",null,null,true]'
	sqlite3 "$T/evidence.db" "UPDATE failure SET fault = 'untrusted-issuer'"
	run ctl certificates globex
	like 'what fails otherwise is not ok, and told whole' "${out//$'\n'/ }" \
		'[0-9] +5 +5% fails +globex +mx1.globex.example +untrusted-issuer by the log of [0-9: -]+; as seen +[0-9: -]+ +1 gateway: 0 ended, 0 end soon, 0 ok, 1 fails otherwise call p@globex.example .globex.; for the words: tlspact-probe -C /dev/null --as +enforced globex$'
	sqlite3 "$T/evidence.db" 'DELETE FROM failure;
		UPDATE result SET begins = unixepoch() - 86400 * 900,
		not_after = unixepoch() - 86400 * 2 - 3600 * 7'
	run ctl certificates acme
	like 'two days and seven hours are two days' "$out" ' -2 +0% ended +acme'
	like 'in words as well' "$(ctl status acme)" 'expired 2 days ago'
	sqlite3 "$T/evidence.db" "UPDATE result SET not_after =
		unixepoch() + 86400 * 5 + 60, begins = unixepoch() - 86400 * 80"

	# By what else they are called.
	for name in hosting mx1.globex.example MX1.globex.example.; do
		run ctl certificates $name -j
		is "by $name" "$rc $(jq -c '[.certificates[].gateway]' <<<"$out")" \
			'0 ["mx1.globex.example"]'
	done
	run ctl certificates mx2.acme.example
	like 'that gateway alone' "$out" $'mx2.acme.example\n1 gateway: '
	run ctl certificates acme.example
	like 'a domain is all of its partner' "$out" $'\n2 gateways: '
	run ctl certificates mx9.globex.example
	is 'no such gateway' "$rc" 66
	like 'which is said' "$err" \
		'no partner has the name or the domain "mx9'
	for time in 1m 30s soon 30; do
		run ctl certificates --within $time
		is "$time is no time" "$rc $out" '64 '
		[ $time != 1m ] || like 'minutes are no month' "$err" \
			'--within: "1m" would be minutes, not months; say 30d, 4w or 12h'
		[ $time != 30s ] || like 'nor are seconds' "$err" \
			'--within: "30s" would be seconds; say 30d, 4w or 12h'
	done
	like 'and that of seconds is none that is meant' "$err" \
		'--within: "30" has no unit, such as 30d, 4w or 12h'
	# Our own resolver is away, and then theirs: that makes none forgotten.
	sqlite3 "$T/evidence.db" "UPDATE probe SET time = time - 600,
		first = first - 600; UPDATE gateway SET time = time - 600"
	for p in acme globex; do
		ok "we cannot look at $p" probed $p $p.example '' local-error
	done
	for cause in ours theirs; do
		run ctl certificates -j
		is "certificates stay, $cause" \
			"$(jq -r '.certificates[] | "\(.gateway) \(.state)"' \
			<<<"$out" | sort | tr '\n' ',')" \
			'mx1.acme.example soon,mx1.globex.example soon,mx2.acme.example soon,null unseen,'
		run ctl check -j
		is "so does their end, $cause" "$(state certificates)" warning
		[ $cause = ours ] || continue
		is 'what our side did is not known' "$(state gateways)" 'not known'
		like 'and said once' "$(told gateways)" '^our own resolver or network failed at [0-9: -]+: whether mail moves is not known of 2 enforced partners, whose gateways stay as last seen$'
		run ctl check --nagios
		unlike 'nobody is called for it' "$out" 'gateways ?[A-Z]*: (acme|globex)'
		for p in acme globex; do
			ok "the DNS of $p is silent" \
				probed $p $p.example '' dns-failed
		done
	done
	sqlite3 "$T/evidence.db" "UPDATE result SET not_after = unixepoch() - 9"
	run ctl certificates
	is 'one has ended' "$rc" 1
	run ctl certificates nobody
	is 'no such partner' "$rc" 66
	# The last look knows of an end, and the date is of an older one.
	ok 'globex has expired' probed globex globex.example mx1.globex.example expired
	sqlite3 "$T/evidence.db" "UPDATE result SET not_after = unixepoch() + 86400
		WHERE fault = 'expired'"
	run ctl certificates mx1.globex.example --within 4h
	like 'no date beside it' "$rc ${out//$'\n'/ }" \
		'^1 .* - +- +- +ended +globex +mx1.globex.example +expired by the probe of [0-9: -]+ +1 gateway: 1 ended'

	# A gateway that partners share.
	rm -f "$T"/evidence.db*
	for p in acme globex; do
		ok "$p is there" probed $p $p.example mx.hosting.example ok
	done
	sqlite3 "$T/evidence.db" "UPDATE result SET not_after =
		unixepoch() + 86400 * 5 + 60, begins = unixepoch() - 86400 * 80"
	run ctl certificates --within 9d
	like 'stands once, with both' "${out//$'\n'/ }" \
		' soon +2 partners: acme, globex +mx.hosting.example +1 gateway of 2 partners: 0 ended, 1 ends within 9d; ours are not among them call p@acme.example .acme., p@globex.example .globex.; '
	run ctl certificates -v --within 9d
	like 'with -v for each' "${out//$'\n'/ }" \
		' soon +acme +mx.hosting.example .* soon +globex +mx.hosting.example +1 gateway of 2 partners: 0 ended, 1 ends within 9d; ours are not among them call '
	is 'as in JSON' "$(ctl certificates --within 9d -j |
		jq -c '[.certificates[].partner]')" '["acme","globex"]'
fi

# The sample of a year does not say expired of what goes on, and ends what it
# lowers in time.
if command -v sqlite3 >/dev/null; then
	mkdir "$T/year"
	ok 'a sample' "$B/tools/mkyear" -p 8 -d 120 -m 50 "$T/year"
	is 'what it calls expired is over' "$(sqlite3 "$T/year/evidence.db" \
		"SELECT count(*) > 0, sum(not_after > probe.time) FROM probe
		JOIN result ON result.id = result WHERE fault = 'expired'")" '1|0'
	is 'a map is made when a downgrade ends' "$(sqlite3 "$T/year/ledger.db" \
		"SELECT count(*) > 0, sum(NOT EXISTS (SELECT 1 FROM event
		WHERE kind = 'map' AND time = closed)) FROM downgrade
		WHERE closed > 0")" '1|0'
	year=("$B/tlspactctl" certificates -C "$T/year/tlspact.conf")
	run "${year[@]}"
	like 'of an issuer the CN stays' "$out" \
		$'\n[-0-9]{10} [^\n]* mx2.globex.example +[A-Z][a-zA-Z0-9 ]*\n'
	is 'within 80 columns' "$(grep -cE '^.{81}' <<<"$out")" 0
	like 'with room the organisation stands behind it' \
		"$(COLUMNS=100 "${year[@]}")" \
		$' mx2.globex.example +[A-Z][a-zA-Z0-9 ]*, Sample Trust\n'
	like 'who is opportunistic is marked' "$out" \
		$'[0-9]% [a-z]+\\* +umbrella .*\n\\* no valid one is demanded of the partner \\(opportunistic, encrypt, key\\)$'
	unlike 'who is enforced is not' "$out" '\* +(acme|globex)'
	like 'the words are had with the same settings' "$(tr -s ' \n' ' ' <<<"$out")" \
		" call [^;]*; for the words: tlspact-probe -C $T/year/tlspact.conf --as enforced [a-z]+ "
	like 'ours are missing' "$("${year[@]}" --within 60d)" \
		$'\n4 gateways: 0 ended, 4 end within 60d; ours are not among them\n'
	is 'in JSON as well' "$("${year[@]}" -j | jq -r '.certificates[] |
		"\(.partner) \(.mode) \(.level)"' |
		grep -E '^(acme|umbrella)' | sort -u | tr '\n' ',')" \
		'acme enforced secure,umbrella opportunistic opportunistic,'
fi

# Of several that fail all are named, the newest first.
if command -v sqlite3 >/dev/null; then
	rm -f "$T"/evidence.db*
	ok 'acme fails' probed acme acme.example mx1.acme.example expired
	sqlite3 "$T/evidence.db" "UPDATE probe SET time = time - 600,
		first = first - 600;
		UPDATE gateway SET time = time - 600, since = since - 600"
	ok 'then globex' probed globex globex.example mx1.globex.example expired
	run ctl check --nagios
	like 'both are told' "$out" $'\ngateways CRITICAL: globex, acme pass at none -> tlspactctl status\n'
	ok 'of globex another one passes' probed globex globex.example mx2.globex.example ok
	ok 'of acme as well' probed acme acme.example mx2.acme.example ok
	sqlite3 "$T/evidence.db" "UPDATE gateway SET time = unixepoch();
		UPDATE probe SET time = unixepoch()"
	# Who is gone from the map stands before them, as there is room for three.
	echo 'partner hooli domain=hooli.example' >>"$T/registry"
	ok 'who was taken out is back' compile
	run ctl check --nagios
	like 'and by what they have in common' "$out" \
		$'\ngateways WARNING: globex, acme fail in part; mail moves -> tlspactctl status\n'

	# Lowered, so that mail moves: a warning, in each form.
	rm -f "$T"/evidence.db*
	ok 'acme fails' probed acme acme.example mx1.acme.example expired
	run ctl check -j
	is 'gateways that fail are critical' "$(state gateways)" critical
	ok 'acme is lowered' ctl downgrade acme --for 4h --to encrypt \
		--reason x --yes --no-flush
	run ctl check -j
	is 'and a warning while mail moves' "$(state gateways)" warning
	like 'with the time and the fault' "$(told gateways)" \
		'^acme is lowered to encrypt until .*, mail moves; the fault: expired at 1 of 1 gateways, probe of '
	run ctl check --nagios
	like 'in its line as well' "$out" $'\ngateways WARNING: acme is lowered to encrypt until '
	run ctl check --prometheus
	like 'and in the metrics' "$out" $'\ntlspact_check_partner_state\\{partner="acme",check="gateways"\\} 2\n'
	ok 'globex fails' probed globex globex.example mx1.globex.example expired
	ok 'and is lowered' ctl downgrade globex --for 4h --to encrypt \
		--reason x --yes --no-flush
	run ctl check --nagios
	like 'of two both are named' "$out" $'\ngateways WARNING: (globex, acme|acme, globex) fail; mail moves -> tlspactctl status\n'
	ok 'both are restored' eval 'ctl restore acme && ctl restore globex'
	run ctl check -j
	is 'restored it is critical again' "$(state gateways)" critical
fi
done_testing
