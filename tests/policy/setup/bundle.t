#!/usr/bin/env bash
# The support bundle: it opens, it tells what helps, and no secret of this
# world is in it.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v postconf >/dev/null || skip_all 'no Postfix here'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
	-subj /CN=gw.ours.test -addext subjectAltName=DNS:gw.ours.test \
	-keyout "$T/ours.key" -out "$T/ours.crt" 2>/dev/null
cat "$T/ours.key" "$T/ours.crt" >"$T/ours.pem"
mkdir "$T/etc"
cat >"$T/etc/main.cf" <<MAIN
compatibility_level = 3.6
myhostname = gw.ours.test
queue_directory = $T/spool
smtp_tls_policy_maps = cdb:$T/policy
smtp_sasl_password_maps = inline:{relay.test=joe:SaslSecret}
smtpd_tls_chain_files = $T/ours.pem
smtpd_tls_security_level = may
transport_maps = pgsql:{password=SqlSecret}, inline:{acme.example=smtp:[10.9.8.7]}
relayhost = [mx2.acme.example]
MAIN
: >"$T/etc/master.cf"
pin=$(printf '%064d' 7)
cat >"$T/registry" <<EOT
# hidden comment
partner acme mode=enforced domain=acme.example,.acme.example
	gateway=mx1.acme.example,mx2.acme.example contact=jane.doe@acme.example
	{note = call Jane on 555-1234} ticket=TICKET-4711
	verify=key key=$pin operator=boss@ours.test
partner globex mode=opportunistic domain=globex.example
EOT
options=(-C /dev/null -o registry="$T/registry" -o ledger="$T/ledger.db"
	-o evidence="$T/evidence.db" -o map="$T/policy.cdb" -o probe_user=
	-o log_user= -o service_user= -o trust_anchor= -o postfix_version=3.7.11
	-o fingerprint_digest=sha256 -o operator=boss@ours.test
	-o 'notify_command=/usr/bin/pager --token NotifySecret')
export MAIL_CONFIG=$T/etc
ok 'a map' "$B/tlspact-compile" "${options[@]}"
ok 'and a downgrade' "$B/tlspactctl" "${options[@]}" downgrade acme --for 1h \
	--to encrypt --yes --no-flush --ticket TICKET-4712 \
	--reason 'Jane of Acme called'
umask 022
run "$B/tlspact-setup" "${options[@]}" -c "$T/etc" bundle --output "$T/a.tar"
is 'a bundle' "$rc $err" '0 '
is 'for its owner alone' "$(stat -c %a "$T/a.tar")" 600
is 'it opens' "$(tar tf "$T/a.tar" | sort | tr '\n' ' ')" \
	"$(printf 'tlspact-bundle/%s ' about.txt check.txt events.txt \
		main.cf.txt master.cf.txt registry-0.txt settings.txt \
		status.txt units.txt versions.txt)"
mkdir "$T/a" && tar xf "$T/a.tar" -C "$T/a"
for secret in SaslSecret SqlSecret NotifySecret "$(sed -n 2p "$T/ours.key")" \
	'PRIVATE KEY' acme globex jane Jane 555-1234 TICKET-47 boss hidden "$pin" \
	10.9.8.7 @acme.example; do
	nok "without $secret" grep -rqiF -e "$secret" "$T/a"
done
all=$(cat "$T"/a/*/*)
like 'its rules are told' "$all" \
	'partner partner-[0-9a-f]{8} mode=enforced domain=d-[0-9a-f]{8}.invalid'
like 'its state' "$all" 'partner-[0-9a-f]{8}: [a-z]+, asked for key, in force encrypt; 1 downgrades'
like 'what happened' "$all" ' downgrade-begin partner-[0-9a-f]{8}'
like 'what is wrong' "$all" 'FAULT [a-z]'
like 'what Postfix is told' "$all" 'smtpd_tls_security_level = may'
like 'versions' "$all" 'Postfix [23]\..*SQLite|SQLite .*Postfix [23]\.'
run "$B/tlspact-setup" "${options[@]}" -c "$T/etc" bundle --output "$T/a.tar"
is 'no file is replaced' "$rc" 73
"$B/tlspact-setup" "${options[@]}" -c "$T/etc" bundle --output "$T/b.tar" \
	>/dev/null 2>&1
mkdir "$T/b" && tar xf "$T/b.tar" -C "$T/b"
if [ -s /etc/machine-id ]; then
	ok 'the same names again' cmp "$T"/a/*/registry-0.txt \
		"$T"/b/*/registry-0.txt
fi
echo 'partner acme domain=broken.example mode=sometimes' >"$T/registry"
"$B/tlspact-setup" "${options[@]}" -c "$T/etc" bundle --output "$T/c.tar" \
	>/dev/null 2>&1
nok 'nor with a broken registry' grep -qiaF -e acme -e broken.example "$T/c.tar"
run "$B/tlspact-setup" "${options[@]}" -c "$T/etc" bundle --names \
	--output "$T/d.tar"
like 'with names, if asked' "$(tar xOf "$T/d.tar")" 'mx2.acme.example'
unlike 'but nothing else' "$(tar xOf "$T/d.tar")" 'Secret|jane|TICKET|PRIVATE'
done_testing
