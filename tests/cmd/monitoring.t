#!/usr/bin/env bash
# What scripts/samples/monitoring asks for, our programs print; and what its
# rules for logcheck pass over is no news.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

kit=$TOP/scripts/samples/monitoring
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
        contact=p@acme.example
REGISTRY
mkdir "$T/etc"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o probe_user= -o log_user=
	-o "evidence=$T/evidence.db" -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o opportunistic_level=may
	-o "policy_socket=$T/policy" -o "socketmap_socket=$T/socketmap"
	-o "mail_log=$T/mail.log" -o service_user= -o socket_group=
	-o socket_mode=0600 -o "postfix_config=$T/etc" -o probe_timeout=1s
	-o resolver=127.0.0.1 -o trust_anchor= -o "metrics_file=$T/metrics"
	-o metrics_interval=1s -o sendmail=/bin/true)
ok 'the registry compiles' "$B/tlspact-compile" "${options[@]}" ||
	bail 'nothing to test'
"$B/tlspactd" -d "${options[@]}" 2>"$T/log" &
daemon=$!
# shellcheck disable=SC2317 # called at the end
end_daemon()
{
	[ -z "$daemon" ] || kill -KILL "$daemon"
}
at_exit end_daemon
ok 'tlspactd keeps the ledger' \
	wait_for 20 grep -q ' warden: keeping ' "$T/log"
ok 'and writes metrics' wait_for 20 test -s "$T/metrics"
kill -HUP $daemon
ok 'it looks again' wait_for 20 grep -q 'told to look' "$T/log"
kill $daemon
wait $daemon
daemon=

# Each metric that is named is printed by one of the three.
"$B/tlspactctl" check --prometheus "${options[@]}" >"$T/check"
"$B/tlspact-probe" --prometheus --no-record acme "${options[@]}" >"$T/probe" \
	2>"$T/probe.err"
sed -n 's/^# HELP \([^ ]*\) .*/\1/p' "$T/check" "$T/probe" "$T/metrics" |
	sort -u >"$T/printed"
isnt 'all three print some' "$(grep -c . "$T/printed")" 0
# named FILE	what it names, without the parts of histograms
named()
{
	grep -oE '\btlspactd?_[a-z_]+' "$kit/$1" | sed 's/_bucket$//' | sort -u
}
for file in tlspact.rules.yml tlspact-dashboard.json; do
	isnt "$file names some" "$(named $file | wc -l)" 0
	is "$file names no other" "$(named $file | comm -23 - "$T/printed")" ''
done
# Not the label of anything but what is a check.
is 'the rules name checks that there are' \
	"$(grep -ohE 'check!?="[a-z]+"' "$kit"/* | grep -oE '[a-z]+"' |
	tr -d '"' | sort -u | comm -23 - <(grep -oE 'check="[a-z]+"' \
	"$T/check" | grep -oE '[a-z]+"' | tr -d '"' | sort -u))" ''

ok 'the dashboard is JSON' jq -e '.panels | length > 5' \
	"$kit/tlspact-dashboard.json"
is 'whose panels have numbers of their own' \
	"$(jq -r '.panels[].id' "$kit/tlspact-dashboard.json" | sort | uniq -d)" ''
if command -v promtool >/dev/null; then
	ok 'promtool takes the rules' promtool check rules \
		"$kit/tlspact.rules.yml"
	ok 'and the metrics' promtool check metrics <"$T/check"
else
	skip 'promtool takes the rules' 'no promtool'
fi
if python3 -c 'import yaml' 2>/dev/null; then
	ok 'the rules are YAML' python3 -c 'import sys, yaml
for r in yaml.safe_load(open(sys.argv[1]))["groups"][0]["rules"]:
    assert r["alert"] and r["expr"] and r["annotations"]["description"]' \
		"$kit/tlspact.rules.yml"
fi
# What the commands call takes these options.
for call in 'tlspactctl check --nagios' 'tlspact-probe --all --nagios'; do
	read -ra words <<<"$call"
	"$B/${words[0]}" "${words[@]:1}" "${options[@]}" >"$T/out" 2>&1
	like "$call is a plugin" "$?.$(cat "$T/out")" '^[0-3]\..*TLSPACT [A-Z]+ - '
	ok 'and in both samples' test "$(grep -lF -- "${words[*]:1}" \
		"$kit/icinga2.conf" "$kit/nagios.cfg" | wc -l)" = 2
done

# The log of that tlspactd, as syslog has it.
# syslog	standard input, by both kinds of time
syslog()
{
	sed -E 's/^tlspactd( warden)?: //' | while IFS= read -r line; do
		echo "Nov  3 12:00:00 mx-1.ours.example tlspactd[4711]: $line"
		echo "2026-11-23T12:00:00.123456+01:00 mx tlspactd[1]: $line"
	done
}
# Its warnings stay.
is 'nothing of an uneventful life is reported' \
	"$(grep -v 'no smtpd of ours\|^tlspactd: postconf' "$T/log" | syslog |
	grep -vEf "$kit/logcheck")" ''
for line in 'acme: 3 of 3 waiting mails retried' \
	'a downgrade begins or ends: running /usr/local/sbin/tlspact-compile'; do
	is "nor is $line" "$(syslog <<<"$line" | grep -vEf "$kit/logcheck")" ''
done
while IFS= read -r line; do
	is "reported is $line" \
		"$(syslog <<<"$line" | grep -cvEf "$kit/logcheck")" 2
done <<'NEWS'
no smtpd of ours offers TLS (see tlspact-setup check): mail of enforced partners waits
acme: lowered to encrypt until 2026-11-23T16:00:00Z: expired; mx1.acme.example
acme: back at full strength: two probes passed
acme: held (common-cause): nobody passes
acme: 2 of 3 waiting mails retried
policy: reject client=mx1.acme.example[192.0.2.1]
the map cannot be read; serving the last good one
keeping /x; nothing is lowered or restored until that is mended
NEWS
# Of the timers: tlspact-probe.t has the other lines.
at='2026-11-23T12:00:00.123456+01:00 mx'
is 'nor that all is well' "$(grep -vEf "$kit/logcheck" <<OUT
$at tlspact-setup[1]: no fault: Postfix obeys /x/policy.cdb (412 rows)
$at tlspact-probe[1]: 2 of 2 partners pass; 0 of 3 looks failed.
OUT
)" ''
is 'but what is not well' "$(grep -cvEf "$kit/logcheck" <<OUT
$at tlspact-setup[1]: FAULT smtp_tls_loglevel: it is 0
$at tlspact-setup[1]: 1 fault
$at tlspact-probe[1]: 1 of 2 partners passes; 1 of 3 looks failed.
$at tlspact-probe[1]: two fails at mx1.globex.example; passes at mx1.acme.example.
OUT
)" 4
done_testing
