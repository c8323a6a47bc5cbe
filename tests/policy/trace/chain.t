#!/usr/bin/env bash
# A real chain: acme's own gateway, its provider, us, each a Postfix; once with
# acme's leg to the provider in the clear, once encrypted. And a stranger.

# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

host()
{
	ip addr add "$1/32" dev lo
	echo "$1 $2" >>"$LAB/etc/hosts"
}

# outside NAME ADDRESS HOST RELAY LEVEL	a Postfix of somebody else, which hands
#					all on to RELAY at that level
outside()
{
	lab_instance "$1" </dev/null
	postconf -c "$LAB/$1/etc" -e "myhostname = $3" "relayhost = [$4]" \
		'smtpd_peername_lookup = yes' "smtp_bind_address = $2" \
		'mynetworks = 127.0.0.0/8 192.0.2.0/24' \
		"smtp_tls_security_level = $5" 'smtpd_tls_security_level = may' \
		"smtpd_tls_chain_files = $LAB/pki/$1.pem" \
		'smtpd_tls_received_header = yes'
	echo "$2:25 inet n - n - - smtpd" >>"$LAB/$1/etc/master.cf"
	lab_postfix_start "$1"
}

# from INSTANCE SUBJECT	a mail of acme, as its user sends it
from()
{
	printf 'From: A <a@acme.example>\nSubject: %s\n\nHello.\n' "$2" |
		sendmail -C "$LAB/$1/etc" -f a@acme.example us@ours.example
}

# again INSTANCE	with what its files say now: who takes the next mail does not
#			wait for a reload
again()
{
	postfix -c "$LAB/$1/etc" stop 2>/dev/null
	postfix -c "$LAB/$1/etc" start 2>/dev/null
}

# shellcheck disable=SC2317 # called through wait_for
arrived()
{
	grep -srl "^Subject: $1\$" "$LAB/mail/in/new"
}

# trace SUBJECT [ARG...]
trace()
{
	run wait_for 30 arrived "$1"
	run "$B/tlspact-trace" -C /dev/null -o registry="$T/registry" \
		-o ledger="$T/ledger.db" -o evidence="$T/evidence.db" \
		-o log_user= --ours mx.ours.example "${@:2}" "$out"
}

cat >"$T/registry" <<-'REGISTRY'
provider labs gateway=.labs.example
partner acme mode=enforced domain=acme.example,.acme.example provider=labs
  contact=postmaster@acme.example
REGISTRY
host 192.0.2.1 mx.ours.example
host 192.0.2.2 out.labs.example
host 192.0.2.3 mx.acme.example
host 192.0.2.66 evil.example
lab_ca ca
lab_cert mx1 cn=mx.ours.example
lab_cert labs cn=out.labs.example
lab_cert acme cn=mx.acme.example
lab_cert evil cn=evil.example
lab_gateway 192.0.2.1 mx.ours.example mx1 smtpd_peername_lookup=yes \
	mynetworks=192.0.2.0/24
lab_start || bail 'the lab does not start'
outside labs 192.0.2.2 out.labs.example 192.0.2.1 encrypt
outside acme 192.0.2.3 mx.acme.example 192.0.2.2 none
outside evil 192.0.2.66 out.labs.example 192.0.2.1 encrypt

from acme one
wait_for 30 arrived one >/dev/null || {
	cat "$LAB"/*/log
	bail 'no mail arrives'
}
trace one --record
is 'a leg behind the provider in the clear' "$rc" 1
like 'is named' "$out" 'to its provider +CLEAR'
like 'beside that to us, which is not' "$out" 'to us +encrypted'
like 'by its hosts' "$out" \
	$'mx.acme.example -> out.labs.example\n     CLEAR ESMTP\n     to its provider'
like 'with protocol and cipher' "$out" 'encrypted TLSv1.3 TLS_AES_256_GCM_SHA384'
unlike 'all of it is believed' "$out" claimed
legs="select leg, tls, protocol, n from leg order by leg"
is 'and recorded' "$(sqlite3 -separator ' ' "$T/evidence.db" "$legs" | xargs)" \
	'to-provider clear 1 to-us encrypted TLSv1.3 1'
trace one --record
is 'once, however often it is read' \
	"$(sqlite3 "$T/evidence.db" 'select sum(n) from leg')" 2

postconf -c "$LAB/acme/etc" -e smtp_tls_security_level=encrypt
again acme
from acme two
trace two --record
is 'the same leg encrypted' "$rc" 0
like 'is named, too' "$out" 'to its provider +encrypted'

# Who forges the chain above, and greets as the provider does.
printf '%s\n' 'Received: from mx.acme.example (mx.acme.example [192.0.2.3])' \
	'	by out.labs.example (Postfix) with ESMTPS id 7' \
	'From: A <a@acme.example>' 'Subject: three' '' 'Hello.' |
	sendmail -C "$LAB/evil/etc" -f a@acme.example us@ours.example
trace three --record
like 'a forged chain is claimed' "$out" \
	$'mx.acme.example -> out.labs.example\n     encrypted ESMTPS\n     claimed'
unlike 'and no leg of the partner' "$out" 'to us|to its provider +enc'
is 'nor recorded' "$(sqlite3 "$T/evidence.db" 'select sum(n) from leg')" 4

# What Postfix writes of TLS, without the header that tells more.
postconf -c "$LAB/recv/etc" -e smtpd_tls_received_header=no
again recv
from acme four
trace four
is 'ESMTPS alone' "$rc" 0
like 'is enough' "$out" $'encrypted ESMTPS\n     to us'

# --- The recipe of the page: one mail a day ---------------------------------

# recipe	the first indented program of the page
mkdir -p "$T/sample/new"
sed -n "/^#!\/bin\/sh/,/^\.Ed/p" "$TOP/cmd/tlspact-trace.8" | grep -v '^\.Ed' |
	sed "s|/var/spool/tlspact-sample|$T/sample|; s|\\\\e|\\\\|g" >"$T/keep"
chmod 755 "$T/keep" "$T"
chown -R nobody "$T/sample"
cat >>"$LAB/recv/etc/main.cf" <<-'MAIN'
	sender_bcc_maps = inline:{{ @acme.example = sample@trace.invalid }}
	transport_maps = inline:{{ trace.invalid = sample }}
MAIN
sed -i 's/^virtual_mailbox_domains.*/virtual_mailbox_domains = ours.example/' \
	"$LAB/recv/etc/main.cf"
cat >>"$LAB/recv/etc/master.cf" <<-MASTER
	sample unix - n n - 1 pipe
	  flags=q user=nobody argv=$T/keep \${sender}
MASTER
again recv
from acme five
# shellcheck disable=SC2317 # called through wait_for
kept()
{
	[ "$(find "$T/sample/new" -type f -size +0 | wc -l)" -ge "$1" ]
}
ok 'a mail is kept' wait_for 30 kept 1
from acme six
trace six
run "$B/tlspact-trace" -C /dev/null -o registry="$T/registry" -o log_user= \
	--ours mx.ours.example "$T/sample"
is 'and read from the Maildir' "$rc" 0
like 'the way that it came, once a day' "$out" \
	$'\n1 mail, 3 hops: 2 encrypted'
unlike 'without its text' "$(cat "$T/sample/new/"*)" Hello

done_testing
