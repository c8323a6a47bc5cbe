#!/usr/bin/env bash
# tlspact-log: mail is counted under the rule as it was when it moved, by the
# real record of compiles and downgrades; what waited, over several runs; the
# hours of a log; and when it is said that logging is too quiet.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=p@acme.example
partner soft mode=opportunistic domain=soft.example
REGISTRY
mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user=
	-o "evidence=$T/evidence.db" -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o probe_timeout=1s -o resolver=127.0.0.1
	-o trust_anchor=)
compile()
{
	"$B/tlspact-compile" "${options[@]}" "$@"
}
ctl()
{
	local verb=$1

	shift
	"$B/tlspactctl" "$verb" "${options[@]}" -c "$T/etc" "$@"
}
log()
{
	"$B/tlspact-log" "${options[@]}" "$@"
}
report()
{
	"$B/tlspact-log" report "${options[@]}" "$@"
}

# A second of which nothing else is.
tick()
{
	now=$(date +%s)
	while [ "$(date +%s)" -le "$now" ]; do
		sleep 0.1
	done
	now=$(date +%s)
}

n=0
# mail HOW DOMAIN [SECONDS]	a message at that second, over such a session,
# that took so long
mail()
{
	local at id

	n=$((n + 1))
	id=$(printf 'A%05X' "$n")
	at=$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)
	[ "$1" = clear ] || echo "$at gw postfix/smtp[$n]: $1 TLS connection" \
		"established to mx1.acme.example[192.0.2.1]:25: TLSv1.3 with" \
		"cipher X (1/1 bits)"
	echo "$at gw postfix/smtp[$n]: $id: to=<a@$2>," \
		"relay=mx1.acme.example[192.0.2.1]:25, delay=1," \
		"delays=1/0/${3:-0}/0, dsn=2.0.0, status=sent (ok)"
}

tick
compile >/dev/null 2>&1 || bail 'no map'
tick
{
	mail Verified acme.example
	mail Verified soft.example
	mail clear soft.example
	mail clear x.example
} >"$T/log"
tick
ctl downgrade acme --to encrypt --for 1h --reason test --yes --no-flush \
	>/dev/null 2>&1 || bail 'no downgrade'
tick
{
	mail Untrusted acme.example
	mail Untrusted a.acme.example
} >>"$T/log"
tick
ctl restore acme --no-flush >/dev/null 2>&1 || bail 'no restore'
tick
{
	mail Verified acme.example
	mail Verified acme.example
	mail Untrusted acme.example 9.5
} >>"$T/log"
# Read late, and after the registry was weakened.
tick
sed -i 's/^partner acme mode=enforced/& verify=none/' "$T/registry"
compile --accept-weaker >/dev/null 2>&1 || bail 'no map'
tick
mail Untrusted acme.example >>"$T/log"
run log "$T/log"
is 'read' "$rc" 0
report -j >"$T/report"
is 'each under its rule' "$(jq -r '.rules[] | [.name, .direction, .required,
	.downgrade, .mails, .kept] | map(tostring) | join(" ")' "$T/report" |
	sort)" \
	'acme out encrypt 1 3 3
acme out encrypt null 1 1
acme out secure null 3 3
soft out opportunistic null 2 2'
run report
like 'for people, too' "$out" \
	'acme +out +3 +3  encrypt, under downgrade 1'
COLUMNS=70 run report
like 'on a narrow terminal, too' "$out" \
	$'acme +out +3 +3  encrypt, under\n {49}downgrade 1\n'
like 'and what began under it' "$out" 'in the second of a change'
is 'by what it was verified' "$(sqlite3 "$T/evidence.db" \
	"select partner, proof, sum(n) from log_count where seen = 3 group by 1, 2")" \
	'acme|ca|3
soft||1'

# Lowered once, and then without a row: nothing is demanded any more, neither
# of the partner nor of the domain that was another's before, and is again.
cat >>"$T/registry" <<'REGISTRY'
partner gone mode=enforced domain=gone.example,duff.example
        gateway=mx1.acme.example contact=p@gone.example
REGISTRY
both()
{
	tick
	mail "$1" gone.example
	mail "$1" duff.example
}
both Verified >"$T/log"
tick
compile >/dev/null 2>&1 || bail 'no map'
both Verified >>"$T/log"
tick
ctl downgrade gone --to encrypt --for 1h --reason test --yes --no-flush \
	>/dev/null 2>&1 || bail 'no downgrade'
both Verified >>"$T/log"
tick
ctl restore gone --no-flush >/dev/null 2>&1 || bail 'no restore'
both Verified >>"$T/log"
tick
sed -i -e '/^partner gone/s/ mode=enforced//' -e 's/,duff\.example//' \
	"$T/registry"
echo 'partner duff domain=duff.example' >>"$T/registry"
compile --accept-weaker >/dev/null 2>&1 || bail 'no map'
both Verified >"$T/since"
both clear >>"$T/since"
run log "$T/since"
is 'read in time' "$rc" 0
# rules NAME	what was demanded of its mail
rules()
{
	report -j | jq -r --arg name "$1" '.rules[] | select(.name == $name) |
		[.required, .downgrade, .mails, .kept] | map(tostring) |
		join(" ")' | sort
}
is 'without a row' "$(rules gone)" 'opportunistic null 2 2'
is 'taken apart' "$(rules duff)" 'opportunistic null 2 2'
run "$B/tlspact-report" "${options[@]}" --partner gone --partner duff
like 'reported as preferred' "$out" 'gone +out +0 +0 +1 +1 '
unlike 'none with less than was demanded' "$out" 'with less than was'
run log "$T/log"
is 'what came before, read late' "$(rules gone)" \
	'encrypt 2 1 1
opportunistic null 3 3
secure null 2 2'
tick
sed -i '/^partner gone/s/$/ mode=enforced/' "$T/registry"
compile >/dev/null 2>&1 || bail 'no map'
both Verified >"$T/log"
run log "$T/log"
is 'with a row again' "$(rules gone | grep secure)" 'secure null 3 3'

# What waits is known from one run to the next.
later()
{
	echo "2026-11-0$1:00Z gw postfix/$2: $3"
}
to='to=<a@acme.example>, relay=mx1.acme.example[192.0.2.1]:25'
to+=', delay=1, delays=1/0/0/0,'
bad="$to dsn=4.7.4, status=deferred (TLS is required, but was not offered by host mx1.acme.example[192.0.2.1])"
later 2T10:00 'smtp[1]' "AAAAA1: $bad" >"$T/one"
later 2T10:00 'smtp[1]' "AAAAA2: $bad" >>"$T/one"
later 2T11:00 'smtp[1]' "AAAAA1: $bad" >"$T/two"
later 2T12:00 'smtp[1]' "AAAAA1: $to dsn=2.0.0, status=sent (ok)" >"$T/three"
later 7T10:00 'qmgr[2]' 'AAAAA2: from=<b@ours.example>, status=expired, returned to sender' >>"$T/three"
for i in one two three; do
	log --now=2026-11-08 "$T/$i" >/dev/null 2>&1 || fail "$i"
done
is 'how long it waited' "$(report -j | jq -c '.waited')" \
	'[{"name":"acme","fault":"no-starttls","messages":2,"seconds":439200}]'
is 'it expired' "$(sqlite3 "$T/evidence.db" "select sum(n) from log_count
	where result = 'expired' and partner = 'acme'")" 1
run report
like 'for people' "$out" 'acme +2  [^,]+, no-starttls'
like 'hours of the log' "$out" 'gw +[0-9]+  [0-9]+, 2026-11-02 10:00, '
is 'and those between' "$(report -j | jq '.hosts[0] | .hours +
	.without_a_line == (.last_hour | fromdate) / 3600 - (.first_hour |
	fromdate) / 3600 + 1')" true

# smtp_tls_loglevel = 0: before 3.11 the log then says nothing of TLS.
run log -j - <<<"$(mail clear x.example)"
like 'too quiet' "$err" 'not one line about TLS'
run log -j - <<<"$(mail clear x.example; mail clear x.example |
	sed 's/, dsn=/, tls=may, dsn=/')"
unlike 'from 3.11 on it says enough' "$err" 'not one line about TLS'
done_testing
