#!/usr/bin/env bash
# Mail that comes in: real smtpd(8) asks tlspactd through check_policy_service.
# shellcheck source=tests/lab/inbound.sh
. "$(dirname "$0")/../../lab/inbound.sh"

lab_ca ca || bail 'no CA'
lab_ca other || bail 'no CA'
lab_cert ours cn=mx.ours.example || bail 'no certificate'
lab_cert right cn=mx1.named.example || bail 'no certificate'
lab_cert wrong cn=mx1.other.example || bail 'no certificate'
lab_cert foreign cn=mx1.named.example ca=other || bail 'no certificate'
lab_cert server cn=mx1.named.example eku=serverAuth || bail 'no certificate'
lab_cert bare cn= eku=clientAuth || bail 'no certificate'
lab_cert past cn=mx1.named.example from=20240101 to=20250101 || bail 'no cert'
ask='check_policy_service { unix:tlspact/policy, timeout=10s, '
ask+='default_action=DUNNO }'
lab_gateway 192.0.2.25 mx.ours.example ours \
	'smtpd_relay_restrictions=reject_unauth_destination' \
	"smtpd_recipient_restrictions=$ask" \
	'smtpd_peername_lookup=yes' 'smtpd_tls_ask_ccert=yes' \
	"smtpd_tls_CAfile=$LAB/pki/ca.pem" 'smtpd_tls_loglevel=1' \
	'smtpd_authorized_xclient_hosts=192.0.2.1' \
	'smtpd_tls_protocols=>=TLSv1' 'tls_medium_cipherlist=ALL:@SECLEVEL=0'
lab_gateway 127.0.1.1 in.ours.example ours \
	'smtpd_relay_restrictions=reject_unauth_destination' \
	"smtpd_recipient_restrictions=$ask" \
	'smtpd_authorized_xclient_hosts=127.0.0.0/8'
lab_mx ours.example mx.ours.example
# Clients with names, and one whose name leads elsewhere.
lab_record 'mx1.acme.example. A 192.0.2.11'
lab_record '11.2.0.192.in-addr.arpa. PTR mx1.acme.example.'
lab_record 'out7.cloud.example. A 192.0.2.12'
lab_record '12.2.0.192.in-addr.arpa. PTR out7.cloud.example.'
lab_record '13.2.0.192.in-addr.arpa. PTR mx1.acme.example.'
lab_record 'mx1.stranger.example. A 192.0.2.14'
lab_record '14.2.0.192.in-addr.arpa. PTR mx1.stranger.example.'

cat >"$T/registry" <<REGISTRY
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example,.cloud.example contact=a@acme.example
partner strict mode=enforced domain=strict.example inbound-action=reject
        contact=a@acme.example
partner watched mode=enforced domain=watched.example inbound=warn
        contact=a@acme.example
partner open mode=opportunistic domain=open.example
partner named mode=enforced domain=named.example gateway=mx1.named.example
        inbound-verify=name contact=a@acme.example
partner keyed mode=enforced domain=keyed.example inbound-verify=key
        key=$(lab_pin right) contact=a@acme.example
partner muc mode=enforced domain=münchen.example contact=a@acme.example
REGISTRY
run compile
is 'the registry compiles' "$rc" 0 || bail "$err"
daemon_start postfix_config="$LAB/recv/etc" || bail 'tlspactd does not start'
lab_start || bail 'the lab does not start'

# shellcheck disable=SC2317 # called by wait_for
expired_is_refused()
{
	smtp joe@named.example tls cert=past | grep -q '^450 4\.7\.10 '
}

ok_reply='^250 2\.1\.5 Ok$'
need_tls='^450 4\.7\.10 <us@ours.example>: Recipient address rejected: Mail from'
need_tls+=' acme\.example is accepted over TLS only, as agreed: your server did '
need_tls+='not use STARTTLS\. Switch TLS on for mail to us\. Questions to '
need_tls+='postmaster@ours\.example$'

like 'a partner in clear text is refused for now' "$(smtp joe@acme.example)" \
	"$need_tls"
like 'and let in over TLS' "$(smtp joe@acme.example tls)" "$ok_reply"
like 'whatever the case' "$(smtp Joe@ACME.Example)" '^450 4\.7\.10 '
like 'from a sub-domain as well' "$(smtp joe@a.b.acme.example)" \
	'^450 4\.7\.10 .* Mail from acme\.example '
like 'but let in over TLS' "$(smtp joe@a.b.acme.example tls)" "$ok_reply"
like 'a sub-domain with an underscore' "$(smtp joe@a_b.acme.example)" \
	'^450 4\.7\.10 '
like 'TLS that is too old is refused' "$(smtp joe@acme.example tls old)" \
	'^450 4\.7\.10 .* older TLS version than TLSv1\.2\. Switch TLSv1\.2 on'
like 'inbound-action=reject refuses for good' "$(smtp joe@strict.example)" \
	'^550 5\.7\.10 .* Mail from strict\.example is accepted over TLS only'
like 'inbound=warn lets in' "$(smtp joe@watched.example)" "$ok_reply"
ok 'and Postfix says so in its log' wait_for 10 grep -q \
	'warn: RCPT from .*tlspact: mail from watched.example: no TLS; let in' \
	"$LAB/recv/log"
like 'A-label' "$(smtp joe@xn--mnchen-3ya.example)" '^450 4\.7\.10 '
like 'U-label' "$(smtp joe@münchen.example)" '^450 4\.7\.10 '
like 'U-label, other case' "$(smtp joe@MÜNCHEN.example)" '^450 4\.7\.10 '

like 'others never notice' "$(smtp joe@stranger.example)" "$ok_reply"
like 'nor over TLS' "$(smtp joe@stranger.example tls)" "$ok_reply"
like 'nor opportunistic partners' "$(smtp joe@open.example)" "$ok_reply"
like 'nor names that end alike' "$(smtp joe@notacme.example)" "$ok_reply"
like 'nor senders without a domain' "$(smtp joe)" "$ok_reply"

# However it is written: what Postfix would queue is what is judged.
for from in joe%acme.example 'acme.example!joe' '@x.example:joe@acme.example' \
	'@x.example,@y.example:joe%acme.example' '@x:@y:acme.example!joe' \
	'"joe%acme.example"' '"acme.example!joe"' '"joe@acme.example"' \
	'"joe@x.example"@acme.example' '"a b"@acme.example' joe@acme.example. \
	'acme.example.!joe' 'joe @ acme.example' 'joe(x)%(y)acme.example' \
	'joe\%acme.example' %acme.example \
	'joe+x%ACME.example' 'joe%a.b.acme.example' joe%münchen.example \
	'xn--mnchen-3ya.example!joe'; do
	like "$from in clear" "$(smtp "$from")" '^450 4\.7\.10 '
	like "$from is a partner" "$(queued "$from" tls)" \
		'@([a-z.]*[.])?([aA][cC][mM][eE]|münchen|xn--mnchen-3ya)[.]example$'
done
like 'by either of two ways' "$(smtp 'open.example!joe%acme.example')" \
	'^450 4\.7\.10 '
for from in joe%acme.example@x.example 'acme.example!joe@x.example' \
	'@acme.example:joe@x.example' '"joe@acme.example"@x.example' \
	'x.example!acme.example!joe' joe%acme.example%x.example \
	acme.example 'joe@[192.0.2.1]'; do
	like "$from in clear" "$(smtp "$from")" "$ok_reply"
	unlike "$from is no partner" "$(queued "$from")" '@acme[.]example$'
done

# A filter hands back what came in elsewhere, where it was judged.
like 'from a filter' \
	"$(smtp joe@acme.example server=127.0.1.1 client=127.0.0.1)" "$ok_reply"
like 'from one that speaks for its client' "$(smtp joe@acme.example \
	server=127.0.1.1 client=127.0.0.1 \
	xclient='ADDR=192.0.2.9 NAME=x.example')" "$ok_reply"
like 'a client that somebody speaks for elsewhere' "$(smtp joe@acme.example \
	xclient='ADDR=192.0.2.9 NAME=x.example')" '^450 4\.7\.10 '

# Bounces: only the client can tell.
like 'no sender, gateway of a partner' "$(smtp '' client=192.0.2.11)" \
	'^450 4\.7\.10 .* Mail from servers of '
like 'the same over TLS' "$(smtp '' client=192.0.2.11 tls)" "$ok_reply"
like 'no sender, gateway by suffix' "$(smtp '' client=192.0.2.12)" \
	'^450 4\.7\.10 .* Mail from servers of cloud\.example '
like 'no sender, a name that is not verified' "$(smtp '' client=192.0.2.13)" \
	"$ok_reply"
like 'no sender, another client' "$(smtp '' client=192.0.2.14)" "$ok_reply"
like 'a stranger through the same provider' \
	"$(smtp joe@stranger.example client=192.0.2.12)" "$ok_reply"

# Client certificates.
like 'the agreed name' "$(smtp joe@named.example tls cert=right)" "$ok_reply"
like 'another name' "$(smtp joe@named.example tls cert=wrong)" \
	'^450 4\.7\.10 .* has another common name\. Present the one for mx1\.named'
like 'of another CA' "$(smtp joe@named.example tls cert=foreign)" \
	'^450 4\.7\.10 .* has expired, is from a CA that we do not accept, or was'
like 'expired' "$(smtp joe@named.example tls cert=past)" \
	'^450 4\.7\.10 .* has expired, is from a CA'
like 'not made for clients' "$(smtp joe@named.example tls cert=server)" \
	'^450 4\.7\.10 .* was not made for clients, .* agree with us on its key'
like 'trusted, without a common name' "$(smtp joe@named.example tls cert=bare)" \
	'^450 4\.7\.10 .* has no common name\. Present one for mx1\.named\.exa'
like 'whose key does' "$(smtp joe@keyed.example tls cert=bare)" \
	'^450 4\.7\.10 .* has another key'
like 'none' "$(smtp joe@named.example tls)" \
	'^450 4\.7\.10 .* showed no client certificate'
like 'none, in clear text' "$(smtp joe@named.example)" \
	'^450 4\.7\.10 .* did not use STARTTLS'
like 'the agreed key' "$(smtp joe@keyed.example tls cert=right)" "$ok_reply"
like 'another key' "$(smtp joe@keyed.example tls cert=wrong)" \
	'^450 4\.7\.10 .* has another key'
like 'others may show what they like' \
	"$(smtp joe@stranger.example tls cert=wrong)" "$ok_reply"

# Its certificate alone is let go, and TLS is not.
ctl()
{
	local options

	daemon_options
	run "$B/tlspactctl" "$1" "${options[@]}" \
		-o postfix_config="$LAB/recv/etc" "${@:2}"
}
ctl downgrade named --inbound --to encrypt --for 1h --reason renewed --yes
is 'the certificate of a partner is let go' "$rc" 0
ok 'is taken over' daemon_logged '1 lowered'
like 'an expired one comes in' "$(smtp joe@named.example tls cert=past)" \
	"$ok_reply"
like 'as does none' "$(smtp joe@named.example tls)" "$ok_reply"
ok 'which Postfix logs' wait_for 10 grep -q \
	'warn: RCPT from .*tlspact: mail from named.example: .* let in while a' \
	"$LAB/recv/log"
like 'but nothing in clear text' "$(smtp joe@named.example)" \
	'^450 4\.7\.10 .* accepted over TLS only, .* did not use STARTTLS'
ctl restore named
like 'and after it the agreed one only' "$rc $out" '^0 .*as agreed only, again'
ok 'an expired one is refused again' wait_for 10 expired_is_refused

# A downgrade lets in, and ends on its own.
end=$(($(date +%s) + 6))
ok 'a downgrade' lowered "$MAP" acme.example $end encrypt
ok 'is taken over' daemon_logged '1 lowered'
like 'lets in clear text' "$(smtp joe@acme.example)" "$ok_reply"
ok 'which is logged' grep -q \
	'inbound warn: no TLS, let in while a downgrade holds: domain=acme.example' \
	"$T/tlspactd.log"
while [ "$(date +%s)" -lt $end ]; do sleep 0.1; done
like 'and from its end on, no more' "$(smtp joe@acme.example)" "$need_tls"

# Where we offer no TLS nobody else is blamed.
like 'before' "$(smtp joe@strict.example)" '^550 5\.7\.10 .*your server did not'
for gateway in 192.0.2.25:25 127.0.1.1:25; do
	postconf -c "$LAB/recv/etc" -P "$gateway/inet/smtpd_tls_security_level=none"
done
kill -HUP "$daemon"
ok 'that we offer none is told' daemon_logged 'no smtpd of ours offers TLS'
like 'and nobody is told off' "$(smtp joe@strict.example)" \
	'^450 4\.3\.0 .* agreed: our server offers no TLS at present; this is our'
like 'somebody used TLS all the same' "$(smtp joe@stranger.example tls)" \
	"$ok_reply"
like 'so it was not us' "$(smtp joe@strict.example)" '^550 5\.7\.10 '
for gateway in 192.0.2.25:25 127.0.1.1:25; do
	postconf -c "$LAB/recv/etc" -P "$gateway/inet/smtpd_tls_security_level=may"
done

# Restart: Postfix never notices.
daemon_stop
is 'SIGTERM ends it well' "$daemon_status" 0
daemon_start postfix_config="$LAB/recv/etc" || bail 'it does not come back'
like 'after a restart' "$(smtp joe@acme.example)" '^450 4\.7\.10 '
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
ok 'after kill -9 the socket file is there' test -S "$SOCKETS/policy"
like 'and mail comes in by the default action' "$(smtp joe@acme.example tls)" \
	"$ok_reply"
daemon_start postfix_config="$LAB/recv/etc" || bail 'it does not come back'
like 'the stale socket is no obstacle' "$(smtp joe@acme.example)" \
	'^450 4\.7\.10 '
run "$B/tlspactd" -d -C /dev/null -o map="$MAP" -o service_user= \
	-o socket_group= -o policy_socket="$SOCKETS/policy" -o socketmap_socket=
is 'a second one is told' "$rc" 75
like 'that there is one' "$err" 'another process serves'
daemon_stop
done_testing
