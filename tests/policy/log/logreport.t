#!/usr/bin/env bash
# tlspact-log report: its sums against those that SQL makes of the evidence.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

golden=$TOP/tests/golden
log()
{
	local verb=$1

	shift
	[ "$verb" = read ] && verb=--now=2027-01-05
	"$B/tlspact-log" "$verb" -C /dev/null -o registry="$golden/registry" \
		-o ledger="$T/none.db" -o probe_user= -o log_user= \
		-o evidence="$T/evidence" -o map="$T/none.cdb" "$@"
}

run log report
is 'without evidence' "$rc" 66
"$B/tools/loggen" 20000 7 >"$T/whole"
log read "$golden"/*.log "$T/whole" >/dev/null 2>&1
run log report
is 'a report' "$rc" 0
like 'by month and direction' "$out" '2026-11 +in +[0-9]'
like 'by partner' "$out" 'acme +out +[0-9]'
like 'who comes with old protocols, and when' "$out" \
	'acme +in +[0-9 ]+ TLSv1, last 2026-11-03'
like 'not all domains are for people' "$out" '-j prints [0-9]+ domains more'
log report -j >"$T/all"
is 'every sum' "$(python3 - "$T/evidence" "$T/all" <<-'PYTHON'
	import json, sqlite3, sys
	seen = ["clear", "encrypted", "trusted", "verified"]
	want = {}
	for day, who, way, how, proto, n in sqlite3.connect(sys.argv[1]).execute(
	    "select day, partner, direction, seen, protocol, n from log_count"
	    " where result = iif(direction, 'sent', 'received')"):
	    way = ["in", "out"][way]
	    keys = [(day[:7], who, way, None)]
	    if proto in ("SSLv3", "TLSv1", "TLSv1.1"):
	        keys.append((None, who, way, proto))
	    for k in keys:
	        row = want.setdefault(k, [0] * 4 + [""])
	        row[how] += n
	        row[4] = max(row[4], day)
	got = {(o["month"], o["name"], o["direction"], o["old_protocol"]):
	    [o[s] for s in seen] + [o["last"]]
	    for o in json.load(open(sys.argv[2]))["mails"]}
	print(len(got) > 100, got == want)
PYTHON
)" 'True True'
like 'how keys are agreed' "$out" \
	'X25519 +out +[0-9]+  RSA-PSS .2048 bits.'
like 'without forward secrecy' "$out" 'RSA +out +[0-9]+  -; no forward secrecy'
is 'as many as are encrypted with a known session' \
	"$(python3 - "$T/evidence" "$T/all" <<-'PYTHON'
	import json, sqlite3, sys
	want = {"in": 0, "out": 0}
	for way, n in sqlite3.connect(sys.argv[1]).execute(
	    "select direction, sum(n) from log_exchange group by 1"):
	    want[["in", "out"][way]] = n
	got = {"in": 0, "out": 0}
	for o in json.load(open(sys.argv[2]))["key_exchanges"]:
	    got[o["direction"]] += o["mails"]
	    assert o["forward_secret"] == (o["key_exchange"] != "RSA")
	    assert o["post_quantum"] == ("MLKEM" in o["key_exchange"])
	print(got == want, want["in"] > 500, want["out"] > 500)
PYTHON
)" 'True True True'
run log report -j acme
is 'of one partner' "$(grep -c '"name": "acme"' <<<"$out")" \
	"$(grep -c '"name":' <<<"$out")"
acme=$out
for name in acme.example x.acme.example "<Bob@ACME.Example>" ACME; do
	run log report -j "$name"
	is "$name is of that partner" "$rc $(jq -c .mails <<<"$out")" \
		"0 $(jq -c .mails <<<"$acme")"
	like 'which is said' "$(jq -r '.messages[]' <<<"$out")" \
		'^[.a-zA-Z]+ is acme.s: all of acme$'
done
run log report bob@unheard-of.example
is 'a domain of nobody' "$rc $err" \
	'1 tlspact-log: nothing is counted of "unheard-of.example"'
stranger=$(jq -r '[.mails[].name | select(test("[.]"))][0]' "$T/all")
run log report "$stranger"
is 'of a stranger there are its own' "$rc $err" '0 '
cp "$golden/registry" "$T/registry"
echo "partner new domain=$stranger mode=opportunistic" >>"$T/registry"
run log report "$stranger" -o registry="$T/registry"
is 'who is a partner since' "$rc $err" "0 tlspact-log: $stranger is new's, and this is of a time when it was not: for the rest tlspact-log report new"
run log report --since 2026-12-01 -j
unlike 'since a day' "$out" '"2026-11"'
like 'since a day, what came later' "$out" '"2027-01"'
run log report --until 2026-11-30 -j
like 'until a day' "$out" '"2026-11"'
unlike 'until a day, nothing later' "$out" '"(2026-12|2027-[0-9]+)"'
run "$B/tlspact-log" -C /dev/null -o "evidence=$T/evidence" \
	-o "ledger=$T/none.db" --since 2026-12-01 report acme
is 'options come before the word as well' "$rc" 0
run log report -j nobody
is 'of nobody as JSON' "$rc" 1
is 'which has the code and what was said' \
	"$(jq -c '[.exit_code, .messages, .mails]' <<<"$out")" \
	'[1,["nothing is counted of \"nobody\""],[]]'
run "$B/tlspact-log" report -C /dev/null -o "evidence=$T/none" \
	-o "ledger=$T/none.db" -j
is 'so it has without evidence' "$rc $(jq .exit_code <<<"$out")" '66 66'
run "$B/tlspact-log" --until 2026-12-01 "$T/whole"
is 'a day without the word' "$rc" 64
run log report nobody
is 'of nobody' "$rc" 1
like 'which is said' "$err" 'nothing is counted of "nobody"'
run log report a b
is 'wrong usage' "$rc" 64
run log report --since someday
is 'no day' "$rc" 64
done_testing
