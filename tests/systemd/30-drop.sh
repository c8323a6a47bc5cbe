#!/usr/bin/env bash
# A certificate expires: mail fails, acme is lowered, the waiting mail moves,
# and who is to know is told by mail; all by the units alone. Until now the
# only log is the journal.
# shellcheck disable=SC2317 # functions are called through ok
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

told_out()
{
	mail_log
	grep -q 'to=<it@initech\.example>.*status=sent' "$LAB/send/log"
}

nok 'there is no other log than the journal' test -e /var/log/mail.log
drops acme
ok 'the contact of acme was told, too' told_out
# It may write what it likes, under any name.
ok 'all mail to acme is counted' \
	wait_for 10 counts acme 4
for n in {1..20}; do
	setpriv --reuid=jane --clear-groups logger -t postfix/smtp -p mail.info \
		"F$n: to=<joe@acme.example>, relay=mx1.acme.example[192.0.2.11]:25," \
		'delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok)'
done
id=$(post joe@acme.example)
ok 'mail to acme leaves' left "$id"
ok 'and is counted, but nothing of what a user wrote as Postfix' \
	wait_for 10 counts acme 5
done_testing
