#!/usr/bin/env bash
# A partner goes to another outsourcer and tells nobody: what explain, status,
# the letter and the dry run say at each stage, held against what Postfix does.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/wait.sh
. "$(dirname "$0")/../../lab/wait.sh"

options=(-C /dev/null -o "registry=$T/registry" -o "ledger=$LAB/ledger.db"
	-o probe_user= -o log_user= -o "evidence=$LAB/evidence.db"
	-o "map=$LAB/policy.cdb" -o "ca_file=$LAB/pki/ca.pem"
	-o postfix_version="$(postconf -dh mail_version)"
	-o fingerprint_digest=sha256 -o resolver=127.0.0.1 -o trust_anchor=
	-o "postfix_config=$LAB/send/etc" -o operator=us@ours.example)
# One of our programs; its words on one line, without the blanks that hold
# columns.
tool()
{
	local name=$1

	shift
	"$B/$name" "${options[@]}" "$@" >"$T/told" 2>"$T/err"
	rc=$?
	out=$(tr -s ' \n' ' ' <"$T/told")
}
explain()
{
	tool tlspactctl explain "$@"
	[ -z "$(awk 'length > 80' "$T/told")" ] || fail "$1: over 80 columns"
	[ -z "${SHOW:-}" ] || diag "$(cat "$T/told")"
}
# verdict	as programs have it
verdict()
{
	"$B/tlspactctl" explain "${options[@]}" -j fjord 2>/dev/null |
		jq -r '.explanation | "\(.verdict) \(.mx | join(","))"'
}
# What has seconds and no less is told apart by another second.
tick()
{
	ok 'a second goes by' wait_for 10 eval "[ \"\$(date +%s)\" -gt $(date +%s) ]"
}
# to HOST...	who takes the mail of fjord from now on
to()
{
	sed -i '/^fjord.example. MX/d' "$LAB/dns/records"
	lab_mx fjord.example "$@"
	ok "DNS names $*" lab_dns
}

lab_ca ca || bail 'no CA'
lab_partner fjord cert
for n in 1 98 99; do
	lab_cert h$n cn=h$n.hosting.example || bail "no certificate for h$n"
	lab_gateway 127.0.2.$n h$n.hosting.example h$n
done
lab_mx birch.example h1.hosting.example
lab_mx cedar.example h99.hosting.example
cat >"$T/registry" <<'REGISTRY'
provider hosting gateway=.hosting.example
partner birch mode=enforced provider=hosting domain=birch.example
	contact=p@birch.example
partner cedar mode=enforced provider=hosting domain=cedar.example
	contact=p@cedar.example
partner fjord mode=enforced domain=fjord.example gateway=mx1.fjord.example
	contact=p@fjord.example
REGISTRY
ok 'the registry compiles' "$B/tlspact-compile" "${options[@]}"
lab_start default_destination_concurrency_failed_cohort_limit=1 ||
	bail 'the lab does not start'
ok 'all pass' "$B/tlspact-probe" "${options[@]}" --all
now='[0-9: -]+'
moved="new MX MX of fjord.example was mx1.fjord.example until $now, is now h99.hosting.example, which passes for cedar "
ask='next ask p@fjord.example whether they moved; if so: provider=hosting in the registry, see tlspact\(7\)'

# Before anything.
explain fjord
like 'at first it moves' "$rc $out" '^0 fjord.example: a mail sent now MOVES, encrypted, to a certificate that was agreed'
unlike 'and nothing is new' "$out" 'new MX'
is 'as JSON' "$(verdict)" 'moves mx1.fjord.example'
# One more gateway that no look met, beside one that takes mail.
to h99.hosting.example mx1.fjord.example
explain fjord
like 'the one that was looked at takes it' "$rc $out" "^0 fjord.example: a mail sent now MOVES, .*takes it mx1.fjord.example passes"

# DNS changed, and nothing else.
to h99.hosting.example
explain fjord
like 'the row tells that it fails' "$rc $out" "^1 fjord.example: a mail sent now WAITS: the MX is now h99.hosting.example, not looked at since the probe of $now, and not in the row: it fails unless its certificate has an agreed name partner"
like 'what DNS changed' "$out" "$moved"
like 'a look comes first, then a question' "$out" "next tlspact-probe fjord $ask"
like 'not even the old gateway' "$out" 'from them'
unlike 'is told to take it' "$out" 'takes it'
is 'as JSON' "$(verdict)" 'waits h99.hosting.example'
explain fjord -o resolver=127.0.0.9
like 'without DNS nothing is known of that' "$rc $out" '^0 fjord.example: a mail sent now MOVES'

# A mail fails, and nobody read the log yet.
tick
one=$(lab_send joe@fjord.example)
like 'a mail fails' "$(lab_outcome "$one")" '^held: hostname mismatch'
explain fjord
like 'the queue knows' "$rc $out" "^1 fjord.example: a mail sent now WAITS: the MX is now h99.hosting.example, not looked at since the probe of $now, and a mail of $now waits: \"Server certificate not verified\" partner"
explain fjord -o resolver=127.0.0.9
like 'also without DNS' "$rc $out" "^75 fjord.example: whether a mail sent now moves is NOT KNOWN: a mail of $now waits, after the last probe: \"Server certificate not verified\" partner"
like 'and what tells' "$out" 'next tlspact-probe fjord'
like 'the look is of the past' "$out" 'was seen mx1.fjord.example passes'
tool tlspactctl status fjord
like 'status does not have it tried again' "$out" ' next tlspactctl explain fjord: why it waits $'

# The log is read.
ok 'the log is read' "$B/tlspact-log" "${options[@]}" "$LAB/send/log"
explain fjord
like 'the log knows where' "$rc $out" "^1 fjord.example: a mail sent now WAITS: the MX is now h99.hosting.example, where a mail failed at $now with name-mismatch partner"
like 'with what is new' "$out" "$moved"
explain fjord -o resolver=127.0.0.9
like 'without DNS it names that host, too' "$rc $out" "^75 .*NOT KNOWN: a mail failed at h99.hosting.example at $now with name-mismatch, after the last probe partner"
like 'and at the gateway' "$out" "not known mx1.fjord.example passes; since then a mail failed at h99.hosting.example with name-mismatch"
is 'also for programs' "$("$B/tlspactctl" status "${options[@]}" -j fjord |
	jq -r '.partners[0].gateways[0].failed_since.gateway')" h99.hosting.example
tool tlspactctl status fjord
like 'status wants a look' "$out" ' next tlspact-probe fjord $'

# The letter, of a look that is not kept.
tool tlspact-probe --as enforced --no-record fjord
letter='Dear postmaster, The MX of fjord.example was mx1.fjord.example until 20[0-9-]+, and is h99.hosting.example now. Is that yours\? Please tell us by telephone, or in another way that does not depend on DNS, before we agree to it. As agreed,'
like 'the letter asks first' "$out" "$letter"
# A look.
tick
nok 'a look fails' "$B/tlspact-probe" "${options[@]}" fjord
explain fjord
like 'it met the new one' "$rc $out" '^1 fjord.example: a mail sent now WAITS: h99.hosting.example fails with name-mismatch partner'
like 'which has no key for this partner' "$out" 'no key ever passed for fjord.example \[127.0.2.99\]'
like 'though it passes for others' "$out" "$moved"
like 'ask, then lower' "$out" "$ask next tlspactctl downgrade fjord"
tool tlspactctl status fjord
unlike 'nor is it tried again now' "$out" '--flush'
tool tlspact-probe --as enforced fjord
like 'a second letter asks as well' "$out" "$letter"
is 'as JSON' "$("$B/tlspact-probe" "${options[@]}" --as enforced -j fjord |
	jq -r '.letters[0].letter' | tr '\n' ' ' |
	grep -c 'Is that yours')" 1
tool tlspact-probe --as enforced cedar
unlike 'nobody else is asked' "$out" 'Is that yours'

# The rule is changed.
tick
cp "$T/registry" "$T/before"
sed -i 's/ gateway=mx1.fjord.example/ provider=hosting/' "$T/registry"
tool tlspact-compile --diff
like 'the dry run' "$out" 'changed fjord.example was secure match=mx1.fjord.example [^ ]+ ciphers=high is secure match=.hosting.example'
# All that the record will have.
rules()
{
	jq -r '.rows[] | "\(.change) \(.key)"' | LC_ALL=C sort
}
"$B/tlspact-compile" "${options[@]}" --diff -j |
	jq '.rows |= map({change, key}) | {rows: (.rows + .rules)}' |
	rules >"$T/foretold"
ok 'it is compiled' "$B/tlspact-compile" "${options[@]}"
is 'the dry run told all that is on record' "$(<"$T/foretold")" "$(
	sqlite3 "$LAB/ledger.db" "SELECT data FROM event WHERE kind = 'map'
		ORDER BY seq DESC LIMIT 1" | rules)"
explain fjord
like 'by that it moves' "$rc $out" '^0 fjord.example: a mail sent now MOVES, encrypted, to a certificate that was agreed'
like 'though a look was before' "$out" "judged by the rule of $now, which is newer than the probe"
retried=$(lab_retry "$one"; lab_outcome "$one" 2)
like 'and so it does' "$retried" '^verified'

# Another one of the same outsourcer, whose name is agreed.
tick
ok 'a look passes' "$B/tlspact-probe" "${options[@]}" fjord
to h98.hosting.example
explain fjord
like 'that is not known' "$rc $out" "^75 fjord.example: whether a mail sent now moves is NOT KNOWN: the MX is now h98.hosting.example, not looked at since the probe of $now partner"
like 'but a look tells' "$out" 'next tlspact-probe fjord $'
ok 'which passes' "$B/tlspact-probe" "${options[@]}" fjord
tool tlspact-probe --as enforced fjord
unlike 'and asks nobody' "$out" 'Is that yours'
done_testing
