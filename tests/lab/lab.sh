# shellcheck shell=bash
# lab.sh: real Postfix, DNS and certificates, in a world of their own.
#
# Source it before anything else. It starts the calling script again in new
# mount, network and process namespaces: all addresses and ports are free,
# /etc/resolv.conf is the lab's, $LAB is a file system in memory, and when
# the script ends, by whatever cause, the kernel ends every process of it.
# Nothing outside is written, so there is nothing to clean up.
#
#	. "$(dirname "$0")/../../lab/lab.sh"
#	lab_ca ca
#	lab_cert mx1 cn=mx1.acme.example
#	lab_gateway 127.0.1.1 mx1.acme.example mx1
#	lab_mx acme.example mx1.acme.example
#	... write $LAB/policy.cdb ...
#	lab_start
#	qid=$(lab_send joe@acme.example)
#	lab_status "$qid"		-> sent, deferred or bounced
#	lab_session "$qid"		-> Verified TLSv1.3 TLS_AES_256_...
#	lab_received "$qid"		-> from send.lab.example ... with ESMTPS ...
#
# Two instances run: send, with the policy map under test, takes mail on
# 127.0.0.1:25 and finds the way by DNS; recv stands for every partner, with
# one smtpd a gateway on port 25 of 127.0.1.x, and keeps the mail.

for lab_part in wait world pki dns postfix mail; do
	# shellcheck source=/dev/null
	. "$(dirname "${BASH_SOURCE[0]}")/$lab_part.sh"
done

if [ $$ != 1 ] || [ "${LAB:-}" != new ]; then
	lab_outside "$@"
fi
lab_inside
