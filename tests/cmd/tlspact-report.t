#!/usr/bin/env bash
# tlspact-report: text, CSV and JSON of one period say the same, and what
# tlspact-log counted; whatever people wrote, and whoever writes meanwhile.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

options=(-C /dev/null -o registry="$T/registry" -o ledger="$T/ledger.db"
	-o evidence="$T/evidence.db" -o map="$T/policy.cdb" -o probe_user=
	-o log_user= -o postfix_version=3.7.11 -o fingerprint_digest=sha256
	-o ca_file="$T/ca.pem")
period=(--from 2026-11-20 --to 2026-11-24 --at 2026-11-24T12:00:00Z)
report()
{
	"$B/tlspact-report" "${options[@]}" "${period[@]}" "$@"
}

# same		whether CSV, JSON and text agree, and each sum with its parts
cat >"$T/same.py" <<'PYTHON'
import csv, json, re, sys
j = json.load(open(sys.argv[1]))
lines = list(csv.reader(open(sys.argv[2], newline="", encoding="utf-8")))
assert len({len(l) for l in lines}) == 1, "width"
head, tables = [], {}
for l in lines:
    if l[0] == "table":
        head = [h for h in l[1:] if h]
        continue
    assert not any(l[1 + len(head):]), l
    tables.setdefault(l[0], []).append(dict(zip(head, l[1:])))
def cell(v):
    if v is None:
        return ""
    if v is True or v is False:
        return "yes" if v else "no"
    v = re.sub("[\x00-\x1f\x7f]|[\u2028-\u202e\u2066-\u2069]",
        lambda m: "".join("\\x%02x" % b for b in m[0].encode()), str(v))
    return "'" + v if re.match("[-=+@]", v) and not isinstance(v, int) else v
whole = {k: v for k, v in j.items() if not isinstance(v, list)}
assert whole.pop("schema") == "tlspact.report.v1"
assert tables.pop("report") == [{k: cell(v) for k, v in whole.items()}]
for name, rows in ((k, v) for k, v in j.items() if isinstance(v, list)):
    want = [{k: cell(v) for k, v in row.items()} for row in rows]
    got = tables.pop(name, [])
    for g, w in zip(got, want):
        w = {k: v for k, v in w.items()}
        assert g == w or all(str(g[k]).lstrip("'") == w[k].lstrip("'")
            for k in w), (name, g, w)
    assert len(got) == len(want), name
assert not tables, tables.keys()
kinds = ("verified", "trusted", "encrypted", "clear")
sums = {}
for m in j["mail"]:
    assert m["mails"] == sum(m[k] for k in kinds)
    assert m["mails"] == sum(m[k] for k in ("required_kept", "preferred_kept",
        "required_failed", "preferred_failed", "rule_unknown")), m
    if m["partner"] != "(all)":
        sums[m["direction"]] = sums.get(m["direction"], 0) + m["mails"]
whole = {m["direction"]: m["mails"] for m in j["mail"]
    if m["partner"] == "(all)"}
assert whole == sums, (whole, sums)
days = {}
for d in j["days"]:
    key = d["partner"], d["direction"]
    days[key] = days.get(key, 0) + sum(d[k] for k in kinds)
for m in j["mail"]:
    if m["partner"] != "(others)":
        key = m["partner"], m["direction"]
        assert days.get(key, 0) == m["mails"], (key, days.get(key, 0), m)
text = open(sys.argv[3]).read() if len(sys.argv) > 3 else None
if text:
    for m in j["mail"]:
        if m["mails"]:
            want = [format(m[k], ",") for k in ("mails",) + kinds]
            assert re.search("^" + re.escape(m["partner"]) + " +" +
                m["direction"] + " +" + " +".join(want) + "$", text, re.M), m
    # For people 12,300; for programs 12300, in sentences too.
    for a in j["answers"]:
        assert re.sub("\\d{4,}(?!-)", lambda m: format(int(m[0]), ","),
            a["answer"]) in re.sub("\\s+", " ", text), a
    for d in j["downgrades"]:
        assert d["partner"] + " from " + d["before"] in text, d
    for line in text.splitlines():
        # A command, or a path, is not broken.
        assert len(line) < 80 or max(map(len, line.split())) > 60, line
print("same")
PYTHON
same() { python3 "$T/same.py" "$T/json" "$T/csv" "$T/text"; }

take()
{
	report -j "$@" >"$T/json" && report --format csv "$@" >"$T/csv" &&
		report "$@" >"$T/text"
}

# --- Nothing is there yet ------------------------------------------------------

cat >"$T/registry" <<'EOT'
partner p0 mode=enforced domain=p0.example,.p0.example contact=pm@p0.example
	{ticket = =cmd|'/C calc'!A0} review=2026-01-01 verify=none
partner p1 mode=opportunistic domain=p1.example {contact = <script>alert("x")</script>}
partner p2 mode=enforced domain=p2.example verify=none inbound=off
partner silent mode=enforced domain=silent.example contact=-pm@silent.example
EOT
run report
is 'nothing is there' "$rc $err" '0 '
like 'and nothing is good' "$out" 'open +Was all mail to Enforced'
unlike 'at all' "$out" $'\ngood '
take
is 'all forms agree' "$(same)" same

# --- Mail, as tlspact-log counts it ---------------------------------------------

"$B/tlspact-compile" "${options[@]}" >/dev/null 2>"$T/err" || diag "$(cat "$T/err")"
"$B/tools/loggen" 60000 5 >"$T/log"
"$B/tlspact-log" "${options[@]}" --now 2026-11-24T12:00:00Z "$T/log" \
	>/dev/null 2>&1
is 'all forms agree' "$(take; same)" same
is 'the totals are those of tlspact-log' "$(python3 - "$T/json" \
	<("$B/tlspact-log" report "${options[@]}" -j) <<'PYTHON'
import json, sys
kinds = ("verified", "trusted", "encrypted", "clear")
got, want = {}, {}
for m in json.load(open(sys.argv[1]))["mail"]:
    if m["partner"][0] != "(" and m["mails"]:
        got[m["partner"], m["direction"]] = [m[k] for k in kinds]
    if m["partner"] == "(all)":
        got[m["direction"]] = [m[k] for k in kinds]
for m in json.load(open(sys.argv[2]))["mails"]:
    for key in (m["name"], m["direction"]), m["direction"]:
        if not m["old_protocol"] and key in got:
            want[key] = [a + m[k] for a, k in zip(want.get(key, [0] * 4), kinds)]
print(got == want and len(got) > 4, (got, want) if got != want else "")
PYTHON
)" 'True '
like 'a partner without mail is open' "$(cat "$T/text")" \
	'silent +open: no mail'
unlike 'no queue id' "$(cat "$T/json" "$T/csv" "$T/text")" '4H0000|user[0-9]'
like 'a review that is due' "$(cat "$T/text")" \
	'watch +p0: the agreement was to be reviewed on 2026-01-01'
like 'no formula' "$(cat "$T/csv")" "'=cmd|'/C calc'!A0"
like 'nor in a contact' "$(cat "$T/csv")" "'-pm@silent.example"

# The week has its days in UTC, wherever one reads it.
report -j >"$T/utc"
TZ=Europe/Berlin report -j >"$T/berlin"
ok 'the same in another time zone' cmp "$T/utc" "$T/berlin"
period=(--from 2026-10-20 --to 2026-10-26 --at 2026-10-26)
TZ=Europe/Berlin report -j >"$T/json"
is 'a day has 24 hours, also when summer time ends' \
	"$(grep -o '"hours": [0-9]*' "$T/json")" '"hours": 144'
period=(--from 2026-11-20 --to 2026-11-24 --at 2026-11-24T12:00:00Z)

# --- Downgrades, with reasons of any kind ----------------------------------------

soon=$(date -d '+1 minute' +%Y-%m-%dT%H:%M:%SZ)
period=(--from 2026-11-20 --to "$soon" --at "$soon")
run "$B/tlspactctl" "${options[@]}" downgrade p0 --for 1h --yes --no-flush \
	--to opportunistic --ticket '+1' --reason \
	$'<script>alert(1)</script>, "quoted" \xe2\x80\xae evil'
is 'a downgrade' "$rc" 0
[ "$rc" = 0 ] || diag "$err"
take
is 'all forms agree' "$(same)" same
like 'the record tells it' "$(cat "$T/text")" \
	'p0 from encrypt to opportunistic, .* \(open\)'
unlike 'no mark that turns the line' "$(cat "$T/text" "$T/csv")" $'\xe2\x80\xae'
like 'JSON has it as it was' "$(jq -r '.downgrades[0].reason' "$T/json")" \
	$'"quoted" \xe2\x80\xae evil'
like 'the command that verifies' "$(cat "$T/text")" \
	'tlspactctl history --check --known [0-9]+:[0-9a-f]{64}'
read -ra verify <<<"$(jq -r .verify "$T/json")"
run "$B/${verify[0]}" "${verify[1]}" "${options[@]}" "${verify[@]:2}"
is 'finds the record whole' "$rc" 0

run report
like 'without --check the evidence is open' "$out" \
	'open +Is the record whole.*not held against'
run report --check
like 'with it it was measured' "$out" 'good +Is the record whole'

# --- Many, renamed, removed --------------------------------------------------------

python3 - "$T/evidence.db" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("insert into log_count values('2026-11-24', 'p2', 1, 1, 'TLSv1.3',"
    " 'TLS_AES_256_GCM_SHA384', 'sent', 'encrypt', 0, '', 'ok', 10000000)")
db.execute("insert into log_count values('2026-11-24', 'silent', 1, 0, '', '',"
    " 'sent', 'opportunistic', 0, '', 'ok', 7)")
db.commit()
PYTHON
sed -i 's/^partner p2/partner p2-new/' "$T/registry"
take
is 'all forms agree' "$(same)" same
is 'ten million, of a name that is gone' \
	"$(jq '[.mail[] | select(.partner == "p2" and .direction == "out")][0]
		| .mails >= 10000000' "$T/json")" true
is 'which is said' "$(jq -r '.partners[] | select(.name == "p2").mode' \
	"$T/json")" gone
run report --partner p2
is 'and can be asked for' "$rc" 0
like 'alone' "$out" 'it is not in the registry now'
take --partner p1.example --partner p0
is 'two, by name and domain' "$(jq -c '[.partners[].name]' "$T/json")" \
	'["p0","p1"]'
is 'all forms agree' "$(same)" same
run report --partner nobody
is 'nobody' "$rc" 66

# --- Another registry ----------------------------------------------------------------

sed 's/mode=opportunistic/mode=enforced verify=none/' "$T/registry" >"$T/would"
run report --what-if "$T/would" -j
is 'mail would have waited' "$rc" 1
is 'what went in the clear to p1' "$(jq -c '.partners[] |
	select(.partner == "p1") | [.would_wait, .not_known]' <<<"$out")" \
	"$(report -j | jq -c '[[.mail[] | select(.partner == "p1").clear] | add, 0]')"
run report --what-if "$T/would"
like 'and says so' "$out" \
	'mails of . partners? of 10,0[0-9]{2},[0-9]{3} would have waited'
grep -v mode=enforced "$T/registry" | grep -v '^	' >"$T/would"
run report --what-if "$T/would"
is 'nothing would' "$rc" 0
run report --what-if "$T/none"
is 'no such registry' "$rc" 66
run report --what-if "$T/would" -o evidence="$T/none"
is 'no mail to tell by is no promise' "$rc" 1
like 'and is said' "$err" 'no mail in this period to tell by'

# --- While others write ------------------------------------------------------------

"$B/tools/loggen" 60000 6 | split -l 500 - "$T/part."
for part in "$T"/part.*; do
	"$B/tlspact-log" "${options[@]}" --now 2026-11-24T12:00:00Z "$part" \
		>/dev/null 2>&1
done &
writer=$!
wrong='' n=0
while kill -0 $writer 2>/dev/null; do
	n=$((n + 1))
	if ! report -j >"$T/json" 2>"$T/err" || ! python3 - "$T/json" <<'PYTHON'
import json, sys
j = json.load(open(sys.argv[1]))
sums = [0, 0]
for m in j["mail"]:
    sums[m["partner"] == "(all)"] += m["mails"]
assert sums[0] == sums[1], sums
PYTHON
	then
		wrong+="$(cat "$T/err") "
	fi
done
wait $writer
is "what is read is of one state ($n reports)" "$wrong" ''
ok 'there were some' test $n -gt 2

# --- Where it goes -------------------------------------------------------------------

report --output "$T/out" --format csv
ok 'into a file' test -s "$T/out"
ok 'which has nothing beside it' test ! -e "$T/out.tmp"
run report --output "$T/none/out"
is 'into no folder' "$rc" 73
run report -j --format json
is 'said twice' "$rc" 0
period=(--from 2026-11-20 --to 2026-11-19)
run report
is 'a period that ends before it begins' "$rc" 64
period=(--from 2999-01-01)
run report
is 'one that is to come' "$rc" 64
period=()
run report
is 'the last thirty days' "$rc" 0
echo 'partner p0 domain=p0.example mode=sometimes' >"$T/registry"
run report
is 'a registry with errors' "$rc" 65
done_testing
