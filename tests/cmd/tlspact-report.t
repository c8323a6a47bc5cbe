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
assert whole.pop("exit_code") == 0 and j.pop("messages") == []
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
    # Of one partner alone the whole would be its rows again.
    alone = len(j["partners"]) == 1 and not any(m["mails"] for m in j["mail"]
        if m["partner"] == "(others)")
    assert not alone or not re.search("^[(]all[)]", text, re.M)
    for m in j["mail"]:
        if m["mails"] and not (alone and m["partner"] == "(all)"):
            want = [format(m[k], ",") for k in ("mails",) + kinds]
            assert re.search("^" + re.escape(m["partner"]) + " +" +
                m["direction"] + " +" + " +".join(want) + "$", text, re.M), m
    # For people 12,300 and local time; for programs 12300 and UTC, in
    # sentences too.
    for a in j["answers"]:
        want = re.sub("\\d{4,}(?!-)", lambda m: format(int(m[0]), ","),
            a["answer"])
        want = re.sub(r"\d+\\-\d+\\-\d+T[\d:]+Z", r"[-\\d]* ?\\d\\d:\\d\\d",
            re.escape(want).replace("\\ ", " "))
        assert re.search(want + "\\W", re.sub("\\s+", " ", text)), (want, a)
        # What a sentence counts is there as a number, too.
        known = {v for v in a.values() if type(v) is int}
        if a["others"] is not None:
            known.add(a["mails"] - a["others"])
        for n in re.findall("(?<![-.:T\\d])\\d+(?![-.:\\d]| %)", a["answer"]):
            assert int(n) in known, (n, a)
    for d in j["downgrades"]:
        assert d["partner"] + " from " + d["before"] in text, d
    for line in text.splitlines():
        # A command, or a path, is not broken.
        assert len(line) < 80 or max(map(len, line.split())) > 60, line
print("same")
PYTHON
same() { python3 "$T/same.py" "$T/json" "$T/csv" "$T/text"; }

# The three forms of one moment: the clock goes on between two commands.
take()
{
	[[ ${period[*]} = *--at* ]] || set -- --at "$(date -u +%FT%TZ)" "$@"
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
run env TZ=XYZ-3 "$B/tlspact-report" "${options[@]}" \
	--at "$(date -u +%Y-%m-%d)T12:00:00Z"
like 'times are local' "$out" "made $(date -u +%Y-%m-%d) 15:00"
unlike 'in all of it' "${out%the answers alone:*}" '[0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'
like 'and UTC in a page, which says so' "$(TZ=XYZ-3 "$B/tlspact-report" \
	"${options[@]}" --format html)" 'record begins, at [-0-9]+T[0-9:]+Z'
run report --from 2001-10-01 --to 2001-10-31
like 'of a time before the record nothing is shown' "$out" \
	'18  not +each downgrade: .*not known'
like 'and "none" is not said' "$out" \
	$'DOWNGRADES\n  not known before the record begins, at 20[-0-9]{8} [0-9:]{5}\n'
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
like 'to whom mail went in the clear' "$(tr -s ' \n' ' ' <"$T/text")" \
	'watch To whom did mail go in the clear[?] [0-9,]+ mails: to [0-9a-z, ]+ of no partner[^;]*; p[0-9] [0-9]+ and p[0-9] [0-9]+; [^ ]+ [0-9,]+, [^ ]+ [0-9,]+, [^ ]+ [0-9,]+ and [0-9,]+ more; others .domains not kept by name. [0-9,]+ '
like 'in the page, too' "$(report --format html)" \
	'To whom did mail go in the clear[?]</h3><b>[0-9,]+ mails'
unlike 'no queue id' "$(cat "$T/json" "$T/csv" "$T/text")" '4H0000|user[0-9]'
unlike 'now is in the period' "$(cat "$T/text")" 'NOW,|agreed now'
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
	"$(jq .hours "$T/json")" 144
period=(--from 2026-11-20 --to 2026-11-24 --at 2026-11-24T12:00:00Z)

# Nights without a line, one of them longer.
python3 - "$T/evidence.db" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
june = 1780272000
db.executemany("insert into log_hour values(?, 'night', 1)",
    [(h,) for h in range(june, june + 10 * 86400, 3600)
    if h % 86400 != 3 * 3600 and h != june + 86400 + 4 * 3600])
db.commit()
PYTHON
period=(--from 2026-06-01 --to 2026-06-10 --at 2026-07-01)
like 'quiet nights are a line' "$(report)" $'229 of 240 hours .*
    none from 03:00 to 04:00 on some days, 2026-06-01 to 2026-06-10: 9 times
    none from 2026-06-02 03:00 to 2026-06-02 05:00 .2 h.
    host night: 229 hours'
like 'in the page, too' "$(report --format html)" \
	'No log from 03:00 to 04:00 on some days, 2026-06-01 to 2026-06-10: 9 '
is 'JSON has each' "$(report -j | jq '.gaps | length')" 10
# The period is over: what is so today is not of it.
like 'what is so now stands apart' "$(report)" $'NEEDS ATTENTION\nopen +3 partners had no mail in.*
NOW, 2026-[-0-9: ]+, NOT OF THE PERIOD
.*gateways of Enforced partners pass.*\nwatch +p0: the agreement was to be rev.*
  agreed now +enf'
like 'in the page, too' "$(report --format html)" \
	'nothing is proven.*Now, 2026-07-01 00:00, not of.*was to be reviewed'
is 'and in JSON' "$(report -j | jq -c '[.answers, .attention | map(.now) |
	unique]')" '[[false,true],[false,true]]'
is 'JSON has each that was silent' "$(report -j | jq -c '[.attention[] |
	select(.text == "no mail in this period: nothing is proven").partner]')" \
	'["p0","p2","silent"]'
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
like 'a change of rules is a few short lines' "$(cat "$T/text")" \
	$'\n    20..-..-.. ..:.. p0.example: weaker [(]downgrade[)]; [^\n]*event [0-9]+\n      was  encrypt[^\n]*\n      is   opportunistic'
unlike 'no mark that turns the line' "$(cat "$T/text" "$T/csv")" $'\xe2\x80\xae'
like 'JSON has it as it was' "$(jq -r '.downgrades[0].reason' "$T/json")" \
	$'"quoted" \xe2\x80\xae evil'
like 'the command that verifies' "$(cat "$T/text")" \
	'tlspactctl history --check --known [^0-9]*[0-9]+:[0-9a-f]{64}'
run eval "$B/$(jq -r .verify "$T/json")"
like 'the known head is found' "$out" 'whole: [0-9]+ events, with the known head, head'
is 'finds the record whole' "$rc" 0

run report
like 'without --check the evidence is open' "$out" \
	'open +Is the record whole.*not held against'
run report --from 2026-11-23 --to 2026-11-23 --check
like 'with it days that no event tells are' "$out" \
	'open +Is the record whole.*as\s+it\s+says\s+on 0\s'

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
like 'where a stranger is' "$err" 'no partner "nobody"; .* tlspact-log report DOMAIN'
while read -r name want; do
	is "meant by $name" \
		"$(report -j --partner "$name" 2>/dev/null |
			jq -r '[.partners[]?.name] | join(" ")')" "$want"
done <<'NAMES'
P1.Example p1
P0 p0
pm@p0.example p0
<Pm@Sub.P0.Example> p0
a.sub.p0.example p0
sub.p1.example
NAMES

# --- Our own side ------------------------------------------------------------------

run report
like 'our own side was not looked at' "$out" \
	'OUR OWN SIDE
  not looked at: tlspact-setup check --record'
like 'which is a fact that is not shown' "$out" '20  not +our own side'
# What tlspact-setup check --record keeps, own.t tells.
python3 - "$T/evidence.db" <<'PYTHON'
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
now = int(time.time()) - 60
rows = [("server certificate", "/etc/ssl/<b>.pem", "good", "CN mx.us.example",
    now - 86400 * 80, now + 86400 * 10),
    ("TLSA", "mx.us.example", "bad", "1, and a certificate does not match", 0, 0)]
db.executemany("insert into own values(?, ?, ?, ?, ?, ?, ?, ?)",
    [(now, i, *r) for i, r in enumerate(rows)])
db.commit()
PYTHON
take
is 'all forms agree' "$(same)" same
like 'each thing is told' "$(cat "$T/text")" \
	'good +server certificate /etc/ssl/<b>.pem: CN mx.us.example'
like 'what is wrong with us is to be done' "$(cat "$T/text")" \
	'bad +our TLSA mx.us.example: 1, and a certificate does not match'
like 'what ends soon, too' "$(cat "$T/text")" \
	'watch +our server certificate'
like 'the fact is shown' "$(cat "$T/text")" '20  shown +our own side'
like 'in the page, too' "$(report --format html)" \
	'<section id="ours">.*<td>/etc/ssl/&lt;b&gt;.pem</td>'

# --- What ends, and what wants somebody ---------------------------------------------

report --format ics >"$T/ics"
is 'a calendar of ends' "$(python3 - "$T/ics" <<'PYTHON'
import re, sys
data = open(sys.argv[1], "rb").read()
lines = data.split(b"\r\n")
assert lines.pop() == b"" and not any(b"\n" in l for l in lines)
assert max(map(len, lines)) <= 75
lines = re.sub(b"\r\n ", b"", data).decode().split("\r\n")[:-1]
assert lines[0] == "BEGIN:VCALENDAR" and lines[-1] == "END:VCALENDAR"
events = re.findall("BEGIN:VEVENT\n(.*?)END:VEVENT", "\n".join(lines), re.S)
uids = set()
for e in events:
    uids.add(re.search("^UID:(.+)$", e, re.M)[1])
    assert re.search(r"^DTSTAMP:\d{8}T\d{6}Z$", e, re.M), e
    assert re.search(r"^DTSTART(:\d{8}T\d{6}Z|;VALUE=DATE:\d{8})$", e, re.M), e
    assert len(re.findall("^SUMMARY:", e, re.M)) == 1, e
assert len(uids) == len(events)
print(*sorted(re.search("^SUMMARY:(.+)$", e, re.M)[1].split(":")[0] + " " +
    re.search("^CATEGORIES:(.+)$", e, re.M)[1] for e in events), sep=", ")
PYTHON
)" 'our certificate ends CERTIFICATE, p0 DOWNGRADE, p0 REVIEW'
unlike 'of no reason that people gave' "$(cat "$T/ics")" 'script|quoted'
run report --daily
is 'a daily mail, if there is something' "$rc" 1
like 'with a subject' "$out" '^Subject: tlspact [^:]*: 1 lowered, '
like 'who is lowered' "$out" $'\nlowered  p0 to opportunistic until '
like 'and what to do' "$out" $'\nnext     tlspactctl status p0 -C '
is 'of six lines' "$(sed /^next/q <<<"$out" | wc -l)" 6
run report --daily -j
is 'which has one form' "$rc" 64

# --- In brief ----------------------------------------------------------------------

# A year of forty partners; the month before is over.
mkdir "$T/year"
"$B/tools/mkyear" -e 2026-11-30 "$T/year" >/dev/null || bail 'no year'
year()
{
	"$B/tlspact-report" -C "$T/year/tlspact.conf" \
		--at 2026-11-30T12:00:00Z "$@"
}
october=(--since 2026-10 --until 2026-10)
run year --brief "${october[@]}"
is 'the answers in brief' "$rc $err" '0 '
ok 'on a screen, with a command of one line' \
	test "$(sed '/all of it:$/q' <<<"$out" | wc -l)" -le 35
is 'the first line answers' "$(sed '/^tlspact/Q' <<<"$out" | tr -s ' \n' ' ')" \
	'watch 99.97 % of Enforced mail as agreed, 89 came clear (not held to TLS); 4,297 clear elsewhere; 2 downgrades '
first=$(sed '/^tlspact/Q' <<<"$out")
is 'of the whole report, too' "$(year "${october[@]}" | sed '/^tlspact/Q')" "$first"
is 'of all questions about the period' \
	"$(sed '1d;/NEEDS/q' <<<"$out" | grep -cE '^(good|watch|open|bad)  ')" \
	"$(year -j "${october[@]}" |
		jq '[.answers[] | select(.now | not)] | length')"
like 'to whom, by name' "$out" \
	'in the clear[?] 4,297 mails, none to an Enforced\s+partner: to [^;]*; oscorp 51'
like 'who sent in the clear' "$(tr -s ' \n' ' ' <<<"$out")" \
	' watch [^:]*: 18,183 of 18,183 mails; 89 in the clear, of mail not held to TLS: litware 34, gekko 22'
like 'who was lowered, to what, by whom, why, what moved, who ended it' \
	"$(tr -s ' \n' ' ' <<<"$out")" \
	'2 downgrades, 0 of them now stark 2026-10-27 [0-9:]+ to 2026-10-29 [0-9:]+, to encrypt by root for kim, ticket INC-20505: "The certificate is signed by its own key; no CA vouches for it."; 12 mails, all encrypted; its time was up tailspin 2026-10-03 [^;]*; no mail; its time was up watch '
unlike 'of good ones without details' "$out" \
	'18,183\s+mails; 0\s+under a'
like 'how much needs attention, and who tells' "$out" \
	$'\nNEEDS ATTENTION: 1, and 1 as of now\nopen +weyland: no mail [^\n]*\nwith each of those that are more:\n    tlspact-report '
each=$(sed '1,/with each/d;/all of it/Q' <<<"$out" |
	sed ':a;/\\$/{N;s/ *\\\n */ /;ba};s/^ *//')
# all	prints the command that it proposes
all()
{
	sed '1,/all of it:$/d' <<<"$out" | sed ':a;/\\$/{N;s/ *\\\n */ /;ba};s/^ *//'
}
ends=' --at 2026-11-30T12:00:00Z --month 2026-10'
is 'with what was said' "$(all)" \
	"tlspact-report -C $T/year/tlspact.conf$ends"
ok 'in 80 columns' test "$(awk 'length > 79' <<<"$out")" = ''
is 'and of those that are more' "$each" \
	"tlspact-report -C $T/year/tlspact.conf --at 2026-11-30T12:00:00Z --brief -v${ends#*Z}"
clear='[.domains[], (.mail[] | select(.direction == "out" and
	(.partner | startswith("(") | not)) | {out_clear: .clear})] |
	map(select(.out_clear > 0)) | length'
is 'which names each in the clear' \
	"$(eval "$B/$each" | grep -cE '^ {8,}[0-9,]+  [^ ]+(, a partner)?$')" \
	"$(year -j "${october[@]}" | jq "$clear")"
is 'the whole report names the brief' \
	"$(year "${october[@]}" | sed '1,/^the answers alone:$/d' |
		sed ':a;/\\$/{N;s/ *\\\n */ /;ba};s/^ *//')" "${each/ -v/}"
run year --brief -j "${october[@]}"
is 'the first members answer' "$(jq -r 'keys_unsorted[4:11] | join(" ")' <<<"$out")" \
	'state summary from to going_on partner_count enforced_count'
is 'in JSON, too' "$(jq -c '[.state, .clear_count, (.clear | length),
	.attention_count, (.answers[] | select(.about == "received") |
	.clear, .not_held), (.downgrades[] | .partner, .after, .sudo_user,
	.mails_known, .mails, .mails_clear, .ticket, .reason[:19])]' <<<"$out")" \
	'["watch",64,7,1,89,89,"stark","encrypt","kim",true,12,0,"INC-20505","The certificate is ","tailspin","encrypt","kim",true,0,0,"INC-20498","The certificate is "]'
for with in '2026-10|2026-10' 'last-month|last' '2026-10-04|2026-10-04 --until 2026-10-04'; do
	run year --brief "${with%|*}"
	like "days, as ${with%|*}" "$rc $(sed q <<<"$err")" \
		"^64 .*say --(month|since) ${with#*|}\$"
done
ok 'which is small' test ${#out} -le 8192
is 'or each' "$(year --brief -jv "${october[@]}" | jq '.clear | length')" 64
run year --brief --since 2026-01 --until 2026-10
like 'how many more' "$out" $'\n        and 10 more [(]-v[)]\nwatch .*\n        and 1 more [(]-v[)]\nwith each '
run year --brief -v --since 2026-01 --until 2026-10
unlike 'all of which it tells' "$out" ' more '
like 'who ended it' "$(tr -s ' \n' ' ' <<<"$out")" \
	'; tlspactd: two probes passed '
ok 'while it goes on, too' test "$(year --brief | wc -l)" -le 33
run year --brief "${october[@]}" acme
like 'of one partner' "$out" $'^good    100 % of Enforced mail as agreed; none sent in the clear; not lowered\n.*\n  acme, enforced now\n.*in the clear[?] nobody\n'
unlike 'with nothing more' "$out" 'more|Opportunistic'
year --brief "${october[@]}" oscorp >"$T/oscorp"
is 'or of one that is not Enforced' "$(sed q "$T/oscorp")" \
	'watch   96.00 % of Opportunistic mail encrypted; 51 sent clear; not lowered'
nok 'nor of what there was none' grep -q 'Enforced partners' "$T/oscorp"
is 'and all of that' "$(all)" \
	"tlspact-report -C $T/year/tlspact.conf$ends --partner acme"
run year --brief "${october[@]}" -o "notify_command=/bin/echo it's" acme
is 'quoted for a shell' "$(eval "printf '%s|' $(all)")" \
	"tlspact-report|-C|$T/year/tlspact.conf|-o|notify_command=/bin/echo it's|$(
		tr ' ' '|' <<<"${ends# } --partner acme")|"
# A certificate of ours of that time, which was replaced when it ended.
unlike 'what ends soon, ended soon after' \
	"$(year --brief --month 2026-03 globex)" 'our server'
# It is Enforced, and held to TLS in one direction.
for way in 'initech 549 from' 'oscorp [0-9,]+ to and from'; do
	read -r who n which <<<"$way"
	run year --brief "${october[@]}" "$who"
	like "Opportunistic mail of $who" "$(tr -s '\n ' ' ' <<<"$out")" \
		"of $n mails $which this partner, not held to TLS"
done
is 'a name is a partner' "$(year acme | md5sum)" \
	"$(year --partner acme | md5sum)"
for with in '--format text' --daily '--what-if x'; do
	# shellcheck disable=SC2086 # words
	run report --brief $with
	is "--brief $with" "$rc" 64
done
run report --brief --format csv
like 'and what to do' "$err" '--format alone has all of it'

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
run report --output ''
is 'into nothing' "$rc" 64
like 'which is said' "$err" '--output: a name of a file is missing'
run report -j --format json
is 'said twice' "$rc" 0
# One pair of words for a period in all programs, and so long ago.
period=()
days()
{
	report -j "$@" | jq -r '[.from, .to] | join(" ")'
}
is 'since and until are from and to' \
	"$(days --since 2026-11-20 --until 2026-11-24)" \
	"$(days --from 2026-11-20 --to 2026-11-24)"
is 'a month' "$(days --since 2026-10 --until 2026-10)" '2026-10-01 2026-10-31'
is 'a year' "$(days --from 2025 --to 2025)" '2025-01-01 2025-12-31'
before=$(date -u -d yesterday +%F)
# Midnight may have been in between.
like 'yesterday' "$(days --since yesterday --until yesterday)" \
	"^($before $before|$(date -u -d yesterday +'%F %F'))"
run report --since 2026-13
like 'no month' "$rc$err" '^64.*--since: "2026-13" is no time: say 30d .*last-month'
run report --since 1m
like 'a month is no minute' "$rc$err" \
	'^64.*--since: "1m" would be minutes, not months; say 30d or last-month'
is 'the last one has a word' \
	"$(days --since last-month --until last-month)" \
	"$(date -u -d "$(date -u +%Y-%m-01) -1 month" +%F) $(
		date -u -d "$(date -u +%Y-%m-01) -1 day" +%F)"
month=$(days --since last-month --until last-month)
is 'and alone it is not more' "$(days --since last-month)" "$month"
is 'it has an option' "$(days --month last)" "$month"
is 'as of a time' "$(days --month last --at 2026-03-31)" '2026-02-01 2026-02-28'
is 'by its number' "$(days --month 2026-10)" '2026-10-01 2026-10-31'
is 'and this one' "$(days --month this --at 2026-10-12)" '2026-10-01 2026-10-12'
year=$(($(date -u +%Y) - 1))
is 'a year is not more, either' "$(days --from last-year)" "$year-01-01 $year-12-31"
is 'but begins where it begins' "$(days --since last-year --until 2026-02)" \
	"$year-01-01 2026-02-28"
before=$(date -u -d '-7 days' +%F)
week=$(days --since 7d --until 24h)
# Midnight may have been in between.
like 'so long ago' "$week" "^($before|$(date -u -d '-7 days' +%F)) "
is 'to the day' "$(date -u -d "${week% *} 6 days" +%F)" "${week#* }"
counts()
{
	"$B/tlspact-log" report "${options[@]}" -j "$@" |
		jq -c .mails | md5sum
}
is 'as tlspact-log does' "$(counts --since 2026-11 --until 2026-11)" \
	"$(counts --since 2026-11-01 --until 2026-11-30)"
run "$B/tlspact-log" report "${options[@]}" --since 1w --until 0d
like 'as tlspact-log does' "$rc$err" '^(0|1.*nothing is counted)'

# --- Weakened by the registry -----------------------------------------------------

# At the same level: by what is taken there.
weaken()
{
	sed -i "s/^\\(partner silent .*\\) contact/\\1 $1 contact/" "$T/registry"
	sleep 1.1 # as time goes on in a record
	"$B/tlspact-compile" "${options[@]}" --accept-weaker >/dev/null \
		2>"$T/err" || diag "$(cat "$T/err")"
	take
}
weakened='watch silent: weakened by a change of rules at 20[-0-9: ]{14}: silent.example from secure'
weaken min-tls=TLSv1.1
like 'an older protocol weakens' "$(tr -s ' \n' ' ' <"$T/text")" \
	'watch Was any Enforced partner lowered[?] [^;]*; 1 partner was weakened by a change of rules; lowered: p0 '
like 'and which' "$(tr -s ' \n' ' ' <"$T/text")" \
	"$weakened protocols=>=TLSv1.2 to secure protocols=>=TLSv1.1; "
like 'each day, too' "$(report --daily)" \
	'^Subject: tlspact [^:]*: 2 lowered, '
weaken gateway=nexthop,dot-nexthop,mx.example
unlike 'one more gateway by its name does not' "$(cat "$T/text")" ', and 1 more'
sed -i 's/ gateway=nexthop,dot-nexthop,mx.example//' "$T/registry"
weaken gateway=nexthop,dot-nexthop,mx.example,hostname
like 'any name at all does' "$(tr -s ' \n' ' ' <"$T/text")" \
	"$weakened [^;]*, and 1 more; "

sed -i 's/^partner silent mode=enforced/partner silent mode=opportunistic/' \
	"$T/registry"
sleep 1.1 # as time goes on in a record
"$B/tlspact-compile" "${options[@]}" --accept-weaker >/dev/null 2>"$T/err" ||
	diag "$(cat "$T/err")"
take
is 'all forms agree' "$(same)" same
like 'an edit of the registry is no downgrade, and told with them' \
	"$(tr -s ' \n' ' ' <"$T/text")" \
	'watch Was any Enforced partner lowered[?] [^;]*; 1 partner was weakened by a change of rules; lowered: p0 '
like 'and when' "$(tr -s ' \n' ' ' <"$T/text")" \
	"$weakened [^;]*, and 2 more; tlspactctl history silent -C [^;]* [(]ours[)]"


# --- Removed ------------------------------------------------------------------------

period=(--from 2026-11-01)
sed -i '/^partner p0/,/verify=none/d' "$T/registry"
sleep 1.1
"$B/tlspact-compile" "${options[@]}" --accept-weaker >/dev/null 2>"$T/err" ||
	diag "$(cat "$T/err")"
take --partner p0
is 'all forms agree' "$(same)" same
since=$(jq -r '.partners[0].gone[:10]' "$T/json")
like 'one that is gone: since when' "$(cat "$T/text")" \
	"not in the registry now, since $since"
like 'in the page, too' "$(report --partner p0 --format html)" \
	"not in the registry, since $since"
period=(--from 2025-01-01 --to 2025-01-02)
run report --partner p0
is 'also of a time in which there was nothing' "$rc" 0
like 'it is told when it went' "$out" "not in the registry now, since $since"
python3 - "$T/evidence.db" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("insert into log_count values('2026-11-24', 'ghost', 1, 0, '', '',"
    " 'sent', 'opportunistic', 0, '', 'ok', 7)")
db.commit()
PYTHON
run report --partner ghost
is 'and if the evidence alone knows the name' "$rc" 0
run report --partner p0.example
is 'by its domain, too' "$rc" 0
like 'whose that was is told' "$err" '"p0[.]example" was p0.s, by the record'
like 'and it is of that one' "$out" 'p0, no partner now; registry'
run report --partner nobody
is 'but of nobody' "$rc" 66

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
is 'a registry with errors: by the copy' "$rc" 0
rm -f "$T"/policy.cdb*
run report
is 'and without one' "$rc" 65
done_testing
