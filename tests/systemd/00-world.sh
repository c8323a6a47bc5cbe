#!/usr/bin/env bash
# The partners, their name server, their CA, and jane, who is our postmaster.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

ok 'a CA' lab_ca ca
cp $LAB/pki/ca.pem /usr/local/share/ca-certificates/lab.crt
ok 'which this machine trusts' update-ca-certificates
ok 'the network outside' systemctl enable --now outside

# Notices tell of certificates that end within 30 days.
far=$(date -d '+90 days' +%Y%m%d)
ok acme partner acme 192.0.2.11 to="$far"
ok globex partner globex 192.0.2.12 to="$far"
ok initech partner initech 192.0.2.13 to="$far"
ok 'hooli, whose certificate nobody knows' \
	partner hooli 192.0.2.14 to="$far" ca=self
echo 'nameserver 192.0.2.2' >/etc/resolv.conf
ok 'the names are known' names

useradd --create-home jane
echo 'root: jane' >>/etc/aliases
ok 'jane reads the mail for postmaster' newaliases
# It has its resolv.conf in the chroot since it was started.
ok 'Postfix runs' systemctl restart postfix
is 'in its chroot, as Debian has it' \
	"$(postconf -F smtp/unix/chroot smtp/inet/chroot |
		sort | tr '\n' ' ')" \
	'smtp/inet/chroot = y smtp/unix/chroot = y '
id=$(post jane@ours.example)
ok 'mail to jane is delivered' wait_for 30 test -s /var/mail/jane
id=$(post joe@acme.example)
ok 'mail to acme too' left "$id"
done_testing
