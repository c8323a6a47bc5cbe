#!/usr/bin/env bash
# Postfix writes its log itself, of mode 0600, as postlogd makes it.
# shellcheck disable=SC2317 # functions are called through ok
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

log=/var/log/postfix.log
postconf -e "maillog_file = $log"
install -m 600 /dev/null $log
ok 'Postfix writes its log itself' systemctl restart postfix
id=$(post joe@acme.example)
ok 'a mail leaves' left "$id"
run tlspact-setup check
like 'that tlspact-log reads another one is a fault' "$rc $out" \
	'^1 .*FAULT mail_log: Postfix logs to .*postfix.log'
echo "mail_log = $log" >>/etc/tlspact/tlspact.conf
began=$(date +%s)
ok 'it is to read that' systemctl restart tlspact-log
ok 'and says that it may not' wait_for 10 said tlspact-log \
	'postfix.log.*: Permission denied; waiting until it may be read' "$began"
run tlspact-setup check
like 'which is a fault, with the way out' "$rc $out" \
	'^1 .*FAULT maillog_file: _tlslog may not read .*maillog_file_permissions'
sleep 3
is 'it says so once' "$(said tlspact-log 'Permission' "$began" | wc -l)" 1
is 'and is not started again and again' \
	"$(systemctl show --value --property NRestarts tlspact-log)" 0
ok 'it is let' chmod 644 $log
drops globex
run tlspact-setup check
is 'no fault is found' "$rc" 0 || diag "$out$err"

sent=$(counted acme)
ok 'rotated by Postfix' postfix logrotate
id=$(post joe@acme.example)
ok 'a mail leaves' left "$id"
chmod 644 $log
ok 'it is read on' wait_for 10 counts acme $((sent + 1))
unlike 'nothing is missed' "$(said tlspact-log . "$began")" 'not counted'

postconf -X maillog_file
ok 'Postfix logs to syslog again' systemctl restart postfix
done_testing
