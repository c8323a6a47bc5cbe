#!/usr/bin/env bash
# What tlspact-json(5) tells of each object is what the programs print: no key
# that the page does not have, types and null as it says.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

page=$TOP/cmd/tlspact-json.5

# Of all objects: SECTION, PATH, TYPE, tabs between; a.{b,c} is two rows.
sed 's/\\-/-/g' "$page" | awk -v OFS='\t' '
	/^\.S[sh]/ { section = substr($0, 5) }
	/^\.It Li .* Pq / {
		split($0, part, / Pq /)
		path = substr(part[1], 8)
		if (!match(path, /{.*}/)) {
			print section, path, part[2]
			next
		}
		before = substr(path, 1, RSTART - 1)
		names = substr(path, RSTART + 1, RLENGTH - 2)
		for (i = split(names, name, ","); i > 0; i--)
			print section, before name[i], part[2]
	}' >"$T/rows"

# Of an object: each value, "v PATH TYPE"; of each object in it, and of itself,
# the keys, "o PATH KEY,KEY"; with tabs.
# shellcheck disable=SC2016 # of jq
walk='def path: map(if type == "number" then "[]" else "." + . end) |
	join("") | ltrimstr(".");
def kind: if type == "string" then
	if test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$") then
		"time" elif . == "" then "empty" else "text" end
	elif type == "array" then "list" else type end;
. as $all | (paths, []) | . as $p | ($all | getpath($p)) |
	(if $p == [] then empty else "v\t\($p | path)\t\(kind)" end),
	(if type == "object" then "o\t\($p | path)\t\(keys | join(","))"
	else empty end)'

# unlike_page SECTION...	what is wrong with the objects on standard input
unlike_page()
{
	jq -r "$walk" | awk -F '\t' -v wanted="$(printf '%s\t' "$@")" '
		BEGIN {
			n = split(wanted, name)
			for (i = 1; i < n; i++)
				left[name[i]] = is_wanted[name[i]] = 1
		}
		FNR == NR {
			if ($1 in is_wanted) {
				type[$2] = $3
				delete left[$1]
			}
			next
		}
		said[$0]++ { next }
		function known(path) {
			if (path in type)
				return path
			sub(/\.[^.]*$/, ".*", path)
			return path in type ? path : ""
		}
		# What is told as a whole.
		function below_any(path) {
			while (sub(/(\.[^.]*|\[\])$/, "", path))
				if (is_any(path))
					return 1
			return 0
		}
		function is_any(path) {
			path = known(path)
			return path != "" && type[path] ~ /^any/
		}
		below_any($2) { next }
		$1 == "v" {
			row = known($2)
			want = row == "" ? "" : type[row]
			if (row == "")
				print $2 ": not on the page"
			else if ($3 == "null" ? want !~ /or null|^any/ : \
			    want !~ "^(any|" $3 ")" &&
			    !($3 == "time" && want ~ /^text/))
				print $2 ": is " $3 ", the page says " want
		}
		$1 == "o" && !is_any($2) {
			from = $2 == "" ? 1 : length($2) + 2
			for (row in type) {
				key = substr(row, from)
				if (($2 == "" || index(row, $2 ".") == 1) &&
				    key !~ /[.*]|\[\]/ &&
				    type[row] !~ /optional/ &&
				    index("," $3 ",", "," key ",") == 0)
					print row ": is missing"
			}
		}
		END { for (i in left) print "no section " i }' "$T/rows" -
}

# object NAME SECTION... -- COMMAND...
object()
{
	local name=$1 section=()

	shift
	while [ "$1" != -- ]; do
		section+=("$1")
		shift
	done
	shift
	run "$@"
	is "$name: as the page has it (exit $rc)" \
		"$(unlike_page "${section[@]}" <<<"$out" 2>&1)" '' || diag "$err"
	isnt "$name: it is there" "$out" ''
	ok "$name: the page names its schema" grep -qFx \
		".Li $(jq -r .schema <<<"$out" | sort -u) ." "$page"
}

all='Members of all programs' ctl='Members of tlspactctl'
deed='tlspactctl downgrade, extend, restore'

cat >"$T/registry" <<'EOT'
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=postmaster@acme.example
partner loop mode=enforced domain=[127.0.0.1] gateway=mx1.loop.example
partner soft domain=soft.example
EOT
options=(-o registry="$T/registry" -o map="$T/policy.cdb"
	-o ledger="$T/ledger.db" -o evidence="$T/evidence.db"
	-o postfix_version=3.7.11 -o fingerprint_digest=sha256
	-o opportunistic_level=may -o smtp_port=1 -o resolver=127.0.0.1
	-o trust_anchor= -o probe_timeout=1s -o probe_user= -o log_user=)
# p PROGRAM [VERB] WORD...
# shellcheck disable=SC2317 # called through object
p()
{
	local words=("$1")

	shift
	while [ $# -gt 0 ] && [[ $1 != -* ]]; do
		words+=("$1")
		shift
	done
	"$B/${words[0]}" "${words[@]:1}" "${options[@]}" "$@" -j
}

object 'a map compiled' "$all" tlspact-compile -- p tlspact-compile -v
object 'as text' "$all" tlspact-compile -- p tlspact-compile --text
object 'who is lost' "$all" 'tlspact-compile --lost' -- \
	p tlspact-compile --lost
sed -i 's/^partner soft/# &/' "$T/registry"
object 'somebody is' "$all" 'tlspact-compile --lost' -- \
	p tlspact-compile --lost
sed -i 's/^# partner soft/partner soft/' "$T/registry"
object 'of no registry' "$all" 'tlspact-compile --lost' -- \
	p tlspact-compile --lost -o "registry=$T/none"
object 'settings that are wrong' "$all" tlspact-compile -- \
	p tlspact-compile -n -o colour=blue
object 'a registry that is not there' "$all" tlspact-compile -- \
	p tlspact-compile -n -o registry="$T/none"

printf '%s\n' 'a.example may' 'b.example secure tafile=/none.pem' '* may' \
	'c.example encrypt exclude=RC4' 'd.example tls' >"$T/old"
object 'an import' "$all" 'tlspact-compile --import' -- \
	"$B/tlspact-compile" --import postfix "$T/old" -j
is 'what was taken' "$(jq -c '[.whole, .partly, .left_out, .unread_ca,
	(.rows[] | [.line, .key, .partner, .taken])]' <<<"$out")" \
	"$(tr -d '\n' <<<'[2,1,2,1,[1,"a.example","a.example","yes"],
[2,"b.example","b.example","yes"],[3,"*",null,"no"],
[4,"c.example","c.example","in part"],[5,"d.example",null,"no"]]')"
is 'and why not' "$(jq -r '.rows[4].notes[]' <<<"$out")" \
	'left out: "tls" is no level, and Postfix holds all mail for it'
is 'with the registry as it is without' "$(jq -r .registry <<<"$out")" \
	"$("$B/tlspact-compile" --import postfix "$T/old" 2>/dev/null)"
object 'an import of CSV' "$all" 'tlspact-compile --import' -- \
	"$B/tlspact-compile" --import csv -j - <<<'domain,mode
,may
e.example,may'
object 'an import of nothing' "$all" 'tlspact-compile --import' -- \
	"$B/tlspact-compile" --import json -j "$T/none"

"$B/tools/probed" "$T/evidence.db" acme acme.example mx1 expired ||
	bail 'no evidence'
object 'a probe' tlspact-probe -- p tlspact-probe loop
is 'says nothing more' "$(jq -c .messages <<<"$out")" '[]'
object 'an entry' tlspact-probe -- p tlspact-probe --entry loop.example \
	-o probe_timeout=1s
object 'a probe of nobody' tlspact-probe -- p tlspact-probe \
	-o registry="$T/none" -o map="$T/none.cdb" loop
is 'says so' "$(jq -c '[.exit_code, .looked_at, (.messages | length)]' \
	<<<"$out")" '[66,0,1]'
object 'letters' tlspact-probe -- p tlspact-probe loop --as enforced

ctl=("$all" "$ctl")
object 'a downgrade' "${ctl[@]}" "$deed" -- p tlspactctl downgrade acme \
	--for 1h --reason x --to encrypt --yes
object 'an extension that nobody confirms' "${ctl[@]}" "$deed" -- \
	p tlspactctl extend acme --for 2h
object 'status of all' "${ctl[@]}" 'tlspactctl status' -- p tlspactctl status
object 'of one' "${ctl[@]}" 'tlspactctl status' -- p tlspactctl status acme
object 'of nobody' "${ctl[@]}" 'tlspactctl status' -- p tlspactctl status zz
object 'a restore' "${ctl[@]}" "$deed" -- p tlspactctl restore acme
object 'once more' "${ctl[@]}" "$deed" -- p tlspactctl restore acme
object 'history' "${ctl[@]}" 'tlspactctl history' -- p tlspactctl history
object 'and its check' "${ctl[@]}" 'tlspactctl history --check' -- \
	p tlspactctl history --check
object 'no ledger' "${ctl[@]}" 'tlspactctl history' -- \
	p tlspactctl history -o ledger="$T/none.db"
object 'all checks' "${ctl[@]}" 'tlspactctl check' -- p tlspactctl check
object 'all certificates' "${ctl[@]}" 'tlspactctl certificates' -- \
	p tlspactctl certificates
object 'an explanation' "${ctl[@]}" 'tlspactctl explain' -- \
	p tlspactctl explain jo@acme.example
object onboard "${ctl[@]}" 'tlspactctl onboard' -- p tlspactctl onboard acme -n

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/key.pem" -out "$T/chain.pem" -subj /CN=mx1.acme.example \
	2>/dev/null
object 'a certificate' "$all" tlspact-verify -- \
	p tlspact-verify acme "$T/chain.pem" mx1.acme.example
object 'no such file' "$all" tlspact-verify -- \
	p tlspact-verify acme "$T/none.pem" mx1.acme.example
object 'a rehearsal' "$all" tlspact-verify -- \
	p tlspact-verify --rehearse "$T/chain.pem"

object 'the settings' "$all" tlspact-setup -- p tlspact-setup -n
if command -v postconf >/dev/null; then
	for verb in check print 'apply -n'; do
		# shellcheck disable=SC2086 # words
		object "setup $verb" "$all" tlspact-setup -- \
			p tlspact-setup $verb
	done
fi
object 'no Postfix there' "$all" tlspact-setup -- \
	p tlspact-setup check -c "$T/none"

object 'deliveries' tlspact-log -- p tlspact-log --now 2026-11-23 \
	"$TOP/tests/golden/postfix-3.7.log"
ok 'it is recorded' "$B/tlspact-log" "${options[@]}" --now 2026-11-23 \
	"$TOP/tests/golden/postfix-3.7.log"
object 'its report' "$all" 'tlspact-log report' -- p tlspact-log report
object 'a report' "$all" tlspact-report -- p tlspact-report --check
object 'in brief' "$all" 'tlspact-report --brief' -- p tlspact-report --brief
run "$B/tlspact-report" "${options[@]}" -o registry="$T/none" \
	-o map="$T/none.cdb" -j
is 'no report is an object, too' "$rc $(jq -c '[.schema, .exit_code,
	(.messages | length)]' <<<"$out")" '66 ["tlspact.report.v1",66,1]'
object 'and what would be' "$all" 'tlspact-report --what-if' -- \
	p tlspact-report --what-if "$T/registry"

cat >"$T/mail" <<'EOT'
Received: from mx1.acme.example (mx1.acme.example [192.0.2.1])
	(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
	by mx.ours.example (Postfix) with ESMTPS id 1;
	Mon, 23 Nov 2026 10:00:00 +0000 (UTC)
From: jo@acme.example

x
EOT
object "a mail's way" tlspact-trace -- p tlspact-trace \
	--ours mx.ours.example --partner acme "$T/mail"

# What tlspact-probe(8) says a gateway has are the keys of it here.
is 'a gateway on its own page' "$(sed -n '/^Each gateway has/,/^What is/p' \
	"$TOP/cmd/tlspact-probe.8" | sed -n 's/^\.Li //p' | tr -d ' .' |
	tr ',' '\n' | grep . | sort)" \
	"$(awk -F '\t' '$1 == "tlspact-probe" && $2 ~ /^gateways\[\]\.[a-z_0-9]*$/ {
		print substr($2, 12) }' "$T/rows" | sort)"

# The comparison itself notices.
is 'a section that the page lacks' "$(unlike_page none <<<'{}')" \
	'no section none'
is 'a key that the page lacks, one that is missing, a wrong type' \
	"$(unlike_page 'tlspact-report --what-if' <<<'{"mails": "1",
	"would_wait": null, "partners": [], "more": 2}' | sort | paste -sd ';')" \
	'mails: is text, the page says number;more: not on the page;not_known: is missing;would_wait: is null, the page says number'

# --- Metrics -----------------------------------------------------------------

metrics()
{
	sed -n "/^\.Sh OTHER/,\$s/^\.Li \($1[a-z_]*\)$/\1/p" "$page" | sort
}
run "$B/tlspact-probe" --all --prometheus "${options[@]}"
is 'each metric of the prober is on the page' \
	"$(sed -n 's/^# TYPE \([^ ]*\).*/\1/p' <<<"$out" | sort |
		comm -23 - <(metrics tlspact_))" ''
is 'and each of the daemon' "$(grep -ohE \
	'(gauge|counter|head)\($|(gauge|counter|head)\(out, "[a-z_]+"|^ +out, "[a-z_]+",' \
	"$TOP/policy/serve/metrics.c" | sed -n 's/.*"\(.*\)".*/tlspactd_\1/p' |
	sort | comm -23 - <(metrics tlspactd_))" ''

done_testing
