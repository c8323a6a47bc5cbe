#!/usr/bin/env bash
# What tlspact-setup check finds around Postfix, as the account of the units.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/signedroot.sh
. "$TOP/tests/lab/signedroot.sh"

command -v postconf >/dev/null || skip_all 'no Postfix here'
[ "$(id -u)" = 0 ] || skip_all 'needs root'
chmod 755 "$T"
mkdir -m 755 "$T/etc" "$T/bin"
cat >"$T/etc/main.cf" <<MAIN
compatibility_level = 3.6
myhostname = test.example
queue_directory = $T/spool
command_directory = $T/bin
MAIN
: >"$T/etc/master.cf"
: >"$T/mail.log"
printf '#!/bin/sh\n' >"$T/bin/sendmail"
cp "$T/bin/sendmail" "$T/bin/postqueue"
chmod 755 "$T"/bin/*
: >"$T/ca.pem"
echo 'include more' >"$T/registry"
echo "partner acme mode=enforced domain=acme.example ca=$T/own.pem" \
	'contact=p@acme.example gateway=mx1.acme.example' >"$T/more"
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=own \
	-addext basicConstraints=critical,CA:true -out "$T/own.pem" 2>/dev/null
reader=nobody
# check OPTION...	which faults there are, without those of main.cf
check()
{
	MAIL_CONFIG=$T/etc "$B/tlspact-setup" -C /dev/null \
		-o "registry=$T/registry" -o "map=$T/policy.cdb" \
		-o "ledger=$T/ledger.db" -o "evidence=$T/evidence" \
		-o "ca_file=$T/ca.pem" -o "mail_log=$T/mail.log" \
		-o "sendmail=$T/bin/sendmail" -o service_user=nobody \
		-o log_user="$reader" -o probe_user= \
		-o trust_anchor= -o postfix_version=3.7 \
		-o fingerprint_digest=sha256 -c "$T/etc" "$@" check -j |
		jq -r '.findings[] | select(.what | test("nobody|account|resolver"))
			| .where + ": " + .what'
}
ok 'a map' "$B/tlspact-compile" -C /dev/null -o "registry=$T/registry" \
	-o "map=$T/policy.cdb" -o "ledger=$T/ledger.db" \
	-o "evidence=$T/evidence" -o "ca_file=$T/ca.pem" \
	-o postfix_version=3.7 -o fingerprint_digest=sha256
is 'all is well' "$(check)" ''

# unread FILE OPTION...	it is reported as one that the account cannot read
unread()
{
	chmod 600 "$T/$1"
	like "$1 of mode 0600" "$(check "${@:2}")" "nobody cannot read .*\"$T/$1\": Perm"
	chmod 644 "$T/$1"
}
unread registry
unread more
unread own.pem
unread ca.pem
unread mail.log
mv "$T/own.pem" "$T/own"
like 'a CA file that is gone' "$(check)" 'own.pem": No such file'
mv "$T/own" "$T/own.pem"
chmod 700 "$T"
like 'a folder that is closed' "$(check)" "nobody cannot read .*/registry"
chmod 755 "$T"
is 'put right' "$(check)" ''
chmod 640 "$T/mail.log"
chgrp adm "$T/mail.log"
like 'the log, for who is not in its group' "$(check)" \
	'nobody cannot read .*mail.log'
reader=
is 'who is in it can' "$(check)" ''

chmod 700 "$T/bin/sendmail"
like 'sendmail' "$(check)" "nobody cannot run \"$T/bin/sendmail\""
chmod 755 "$T/bin/sendmail"
rm "$T/bin/postqueue"
like 'postqueue' "$(check)" "nobody cannot run \"$T/bin/postqueue\": No such"
cp "$T/bin/sendmail" "$T/bin/postqueue"
echo 'authorized_flush_users = root' >>"$T/etc/main.cf"
like 'who may flush' "$(check)" 'nobody may not flush the queue'
echo "authorized_flush_users = inline:{nobody=1}, root" >>"$T/etc/main.cf"
is 'by a table' "$(check)" ''
echo "authorized_submit_users = inline:{jane=1}, root" >>"$T/etc/main.cf"
like 'who may send mail' "$(check)" 'nobody may not send mail'
like 'no such account' "$(check -o service_user=nobody-at-all)" \
	'there is no account "nobody-at-all"'
echo 'authorized_submit_users = static:anyone' >>"$T/etc/main.cf"

# A name server with a signed root, and one that does not answer.
if ! command -v nsd >/dev/null; then
	skip 'the resolver' 'no nsd here'
	done_testing
fi
# shellcheck disable=SC2119 # no other zones
signed_root
resolver=(-o "resolver=127.0.0.1@$port" -o trust_anchor="$T/root.ds")
cp "$TOP/tests/dns/root.ds" "$T/root.ds"
chmod 644 "$T/root.ds"
# shellcheck disable=SC2317 # called through wait_for
validates() { [ -z "$(check "${resolver[@]}")" ]; }
ok 'a resolver that proves what the root says' wait_for 20 validates ||
	diag "$(check "${resolver[@]}")"
if [ -r /usr/share/dns/root.key ]; then
	like 'one whose root nobody signed for us' \
		"$(check "${resolver[@]}" -o trust_anchor=/usr/share/dns/root.key)" \
		'resolver: the resolver does not prove what the signed root says'
fi
unread root.ds "${resolver[@]}"
like 'no resolver at all' "$(check "${resolver[@]}" -o resolver=127.0.0.1@1)" \
	'resolver: the resolver does'
done_testing
