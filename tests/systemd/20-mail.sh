#!/usr/bin/env bash
# Mail out by the map and by the socket, mail in by the socket: from the chroot.
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

id=$(post joe@acme.example)
ok 'mail to acme leaves' left "$id"
like 'verified' "$(session "$id")" '^Verified TLSv1'
id=$(post joe@hooli.example)
ok 'to hooli, with a certificate of its own, it waits' waits "$id"
like 'for that reason' "$(tried "$id" fault)" 'self-signed'

# The same, asked for at each delivery.
tables=$(postconf -h smtp_tls_policy_maps)
postconf -e 'smtp_tls_policy_maps = socketmap:unix:tlspact/socketmap:policy'
postfix reload
id=$(post joe@globex.example)
ok 'by the socket mail to globex leaves' left "$id"
like 'verified, too' "$(session "$id")" '^Verified TLSv1'
id=$(post joe@hooli.example)
ok 'and waits to hooli' waits "$id"
postconf -e "smtp_tls_policy_maps = $tables"
postfix reload

like 'mail from acme in clear is refused' "$(call joe@acme.example)" \
	'^450 4\.7\.10 .* Mail from acme\.example is accepted over TLS only'
like 'over TLS it is let in' "$(call joe@acme.example tls)" '^250 2\.1\.5 Ok'
ok 'and delivered' wait_for 30 told '^Subject: from joe@acme\.example'
like 'from a stranger in clear, too' "$(call joe@stranger.example)" \
	'^250 2\.1\.5 Ok'
ok 'and delivered' wait_for 30 told '^Subject: from joe@stranger\.example'
done_testing
