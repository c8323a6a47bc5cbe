#!/usr/bin/env bash
# Two partners are merged without former= and parted again: the mail of that
# time stays with the other one, and both reports say so.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

options=(-C /dev/null -o registry="$T/registry" -o ledger="$T/ledger.db"
	-o evidence="$T/evidence.db" -o map="$T/policy.cdb" -o probe_user=
	-o log_user= -o postfix_version=3.7.11 -o fingerprint_digest=sha256)
report()
{
	COLUMNS=1000 "$B/tlspact-report" "${options[@]}" "$@"
}
# partners		the registry, and a map of it a second after the last one
partners()
{
	cat >"$T/registry"
	sleep 1.1
	"$B/tlspact-compile" "${options[@]}" --accept-weaker >"$T/out" 2>&1 ||
		bail "$(cat "$T/out")"
}
apart()
{
	partners <<-'REGISTRY'
		partner acme mode=enforced domain=acme.example,.acme.example
		        gateway=mx1.acme.example contact=p@acme.example
		partner globex mode=enforced domain=globex.example
		        gateway=mx1.globex.example contact=p@globex.example
	REGISTRY
}
merged()
{
	partners <<-REGISTRY
		partner $1 mode=enforced
		        domain=globex.example,acme.example,.acme.example
		        gateway=mx1.globex.example,mx1.acme.example
		        contact=p@globex.example
	REGISTRY
}
# mail N	as many to acme.example
mail()
{
	local i at

	at=$(date -u +'%b %e %H:%M:%S')
	for ((i = 0; i < $1; i++)); do
		printf '%s send postfix/smtp[537]: Verified TLS connection established to mx1.acme.example[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n' "$at"
		printf '%s send postfix/smtp[537]: %X: to=<to@acme.example>, relay=mx1.acme.example[192.0.2.1]:25, delay=0.05, delays=0.01/0.02/0.02/0, dsn=2.0.0, status=sent (250 2.0.0 ok)\n' "$at" $((0x89A0F000 + ++mails))
	done >"$T/log"
	"$B/tlspact-log" "${options[@]}" "$T/log" >/dev/null 2>"$T/err" ||
		diag "$(cat "$T/err")"
}
mails=0
# A next command without the settings of this test.
bare()
{
	sed -E 's/ -[Co] [^ |]+//g'
}
# notes PARTNER		what its report says of this
notes()
{
	report --partner "$1" -j 2>/dev/null | jq -r '.attention[] |
		select(.text | test("mail is counted|on record of")) |
		"\(.partner): \(.text) | \(.next // "")"' |
		sed -E 's/[0-9-]+T[0-9:]+Z/TIME/g' | bare
}
sent()
{
	report --partner "$1" -j 2>/dev/null |
		jq "[.mail[] | select(.partner == \"$1\").mails] | add"
}

apart
is 'nothing is told' "$(notes acme)$(notes globex)" ''
merged globex
mail 3
is 'as it is, mail is the other one.s' "$(sent globex)" 3
is 'whose domain it was is told' "$(notes globex)" \
	'globex: 2 domains, e.g. acme.example, were acme'\''s, which is no partner, until TIME; that mail is counted there | former=acme, if it is the same partner'
apart
mail 2
is 'mail of each time stays where it is' "$(sent acme) $(sent globex)" '2 3'
is 'who lacks it says so' "$(notes acme)" \
	"acme: 2 domains, e.g. acme.example, were globex's from TIME to TIME; that mail is counted there | tlspact-report --partner globex"
next=$(report --partner acme -j --since 3d | jq -r '.attention[].next' |
	grep -F -e --partner | bare)
like 'a period that was asked for is that of the other report' "$next" \
	'^tlspact-report --partner globex --since [0-9]{4}-[0-9]{2}-[0-9]{2} --until [0-9]{4}-[0-9]{2}-[0-9]{2}$'
read -ra of <<<"${next#* }"
is 'which it is of' "$(report -j "${of[@]}" |
	jq -r '"\(.partners[].name) \(.from) \(.to)"')" \
	"globex ${of[3]:-} ${of[5]:-}"
is 'and who has it' "$(notes globex)" \
	'globex: 2 domains, e.g. acme.example, were in it from TIME to TIME; that mail is counted here | '
says="were globex's from 20[-0-9]+ [0-9:]+ to 20[-0-9]+ [0-9:]+; that mail is counted there"
like 'in the text' "$(report | tr -s ' \n' ' ')" "$says"
says=${says// \[0-9:]+/T[0-9:]+Z}
like 'in the page' "$(report --format html | sed 's/&#39;/'\''/g')" "$says"
like 'in CSV' "$(report --format csv)" "$says"
is 'of a period before it nothing is told' "$(report --partner acme -j \
	--from 2020-01-01 --to 2020-01-31 |
	jq '[.attention[] | select(.text | test("counted there"))] | length')" 0

# With former= the record follows, and what is told is told of the name.
partners <<'REGISTRY'
partner globex mode=enforced former=acme
	domain=globex.example,acme.example,.acme.example
	gateway=mx1.globex.example,mx1.acme.example contact=p@globex.example
REGISTRY
is 'with former= nothing is elsewhere' "$(notes globex)" ''
is 'all mail is one' "$(sent globex)" 5
apart
is 'it is told once' "$(notes acme)" \
	"acme: what is on record of this name until TIME went on as globex's | tlspact-report --partner globex"

# Of an opportunistic partner the map has no row; whose the domain was is on
# record all the same.
# friend DOMAINS STATEMENT
friend()
{
	partners <<-REGISTRY
		partner friendco mode=opportunistic
		        domain=friendco.example$1 contact=p@friendco.example
		${2:-}
	REGISTRY
}
hooli='partner hooli mode=enforced domain=hooli.example
 gateway=mx1.hooli.example contact=p@hooli.example'
friend ',opp2.example' "$hooli"
friend ',opp2.example,hooli.example'
friend '' "${hooli/hooli.example/hooli.example,opp2.example}"
is 'domains came back, and for good, from one that has no row' \
	"$(notes hooli)" "hooli: opp2.example was friendco's until TIME; that mail is counted there | tlspact-report --partner friendco
hooli: hooli.example was friendco's from TIME to TIME; that mail is counted there | tlspact-report --partner friendco"
is 'who had them says so' "$(notes friendco)" \
	'friendco: opp2.example was in it until TIME; that mail is counted here | 
friendco: hooli.example was in it from TIME to TIME; that mail is counted here | '

done_testing
