#!/usr/bin/env bash
# A certificate expires: mail fails, acme is lowered, the waiting mail moves,
# and who is to know is told by mail; all by the units alone.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

# shellcheck disable=SC2317 # called through ok
told_out()
{
	mail_log
	grep -q 'to=<it@initech\.example>.*status=sent' "$LAB/send/log"
}

# shellcheck disable=SC2317 # called through ok
is_lowered() { [[ $(policy acme.example) == fingerprint* ]]; }

[ -e /var/log/mail.log ] || skip_all 'tlspact-log reads no journal'
ok 'the certificate of acme has expired' \
	change acme key=acme from=20240101 to=20250101
one=$(post joe@acme.example)
two=$(post joe@acme.example)
ok 'its mail waits' waits "$one"
ok 'acme is lowered to the key that it has' wait_for 30 is_lowered
ok 'the first mail is tried again and leaves' left "$one"
like 'verified by the key' "$(session "$one")" '^Verified TLSv1'
ok 'so does the second' left "$two"
lowered='Subject: [[]tlspact[]] acme lowered to key until'
ok 'our postmaster has a mail of it' wait_for 30 told "^$lowered"
like 'from an address of ours' "$(letter "$lowered")" \
	$'\nFrom: postmaster@ours\.example\n'
ok 'and so has the contact of acme' wait_for 30 told_out

ok 'acme renews' change acme key=acme to="$(date -d '+90 days' +%Y%m%d)"
ok 'and is restored' tlspactctl restore acme --reason renewed
ok 'in the map, too' is_secure acme.example
done_testing
