#!/usr/bin/env bash
# With a syslog, as where there always was one: the log file is followed,
# through the rotation of the system, from inside the unit's sandbox.
# shellcheck disable=SC2317 # functions are called through ok
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

evidence=/var/lib/tlspact-evidence/evidence.db
ok 'rsyslog' systemctl enable --now rsyslog
ok 'Postfix logs to it' systemctl restart postfix
id=$(post joe@acme.example)
ok 'mail to acme leaves' left "$id"
ok 'there is a log file' wait_for 10 grep -q "$id.*status=sent" \
	/var/log/mail.log
ok 'the log reader stays with the journal' \
	said tlspact-log 'reading the journal of systemd'

ok 'without what it read there' systemctl stop tlspact-log
sqlite3 $evidence 'delete from position; delete from log_count'
began=$(date +%s)
ok 'it starts' systemctl start tlspact-log
ok 'reads the file' wait_for 10 counts acme 1
nok 'and does not speak of the journal' said tlspact-log journal "$began"
drops initech

sent=$(counted acme)
# rotated NAME...	the mails of these steps are counted
mail() { id=$(post joe@acme.example) && left "$id"; }
ok 'a mail' mail
ok 'the log is rotated' logrotate --force /etc/logrotate.d/rsyslog
ok 'another mail' mail
ok 'both are counted' wait_for 10 counts acme $((sent + 2))
ok 'the reader stops' systemctl stop tlspact-log
ok 'a third mail' mail
ok 'and once more, with compression' logrotate --force /etc/logrotate.d/rsyslog
ok 'a fourth mail' mail
ok 'the log is rotated thrice' test -e /var/log/mail.log.2.gz
ok 'the reader starts' systemctl start tlspact-log
ok 'and has all four, once' wait_for 10 counts acme $((sent + 4))
ok 'it starts again' systemctl restart tlspact-log
ok 'a last mail' mail
ok 'and no line counts twice' wait_for 10 counts acme $((sent + 5))
unlike 'nothing is missed' "$(said tlspact-log . "$began")" 'not counted'
run tlspact-setup check
is 'no fault is found' "$rc" 0 || diag "$out$err"
done_testing
