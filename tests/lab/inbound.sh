# shellcheck shell=bash
# inbound.sh: clients that send to the lab's own gateway, and a tlspactd that
# is asked; instead of lab.sh, tap.sh and tlspactd.sh.
#
# smtp FROM [tls] [cert=NAME] [to=ADDRESS] [client=ADDRESS] [server=ADDRESS]
#	[xclient=WORDS] [old] [data]
#	the reply to RCPT TO, or to MAIL FROM if that is refused; with data,
#	that to the end of a message
# queued FROM...	the sender of such a message in the queue of Postfix
#
# The server is 192.0.2.25, the clients are others of that network: mail from
# a loopback address is a filter's. It is on this host like all of the lab.

lab_part=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/lab/lab.sh
. "$lab_part/lab.sh"
lab_part=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/lab/tap.sh
. "$lab_part/tap.sh"
# shellcheck source=tests/lab/tlspactd.sh
. "$(dirname "${BASH_SOURCE[0]}")/tlspactd.sh"

# shellcheck disable=SC2034 # read by tlspactd.sh
MAP=$LAB/policy.cdb SOCKETS=$LAB/recv/spool/tlspact
mkdir -p "$LAB/recv/spool"
ip addr add 192.0.2.0/24 dev lo || bail 'no addresses'
# The host itself is all of the network.
ip route replace local 192.0.2.0/24 dev lo || bail 'no route'

smtp()
{
	timeout 60 python3 -W ignore - "$LAB/pki" "$@" <<-'PYTHON'
	import smtplib, ssl, sys
	pki, sender = sys.argv[1:3]
	opt = dict(a.partition("=")[::2] for a in sys.argv[3:])
	s = smtplib.SMTP(source_address=(opt.get("client", "192.0.2.1"), 0),
	    local_hostname="client.example")
	s._host = "mx.ours.example" # for SNI
	s.connect(opt.get("server", "192.0.2.25"), 25)
	s.ehlo()
	if "xclient" in opt:
	    code, text = s.docmd("XCLIENT", opt["xclient"])
	    assert code == 220, text
	    s.ehlo()
	if "tls" in opt:
	    c = ssl.create_default_context()
	    c.check_hostname = False
	    c.verify_mode = ssl.CERT_NONE
	    if "old" in opt:
	        c.set_ciphers("ALL:@SECLEVEL=0")
	        c.minimum_version = ssl.TLSVersion.TLSv1
	        c.maximum_version = ssl.TLSVersion.TLSv1
	    if "cert" in opt:
	        c.load_cert_chain(pki + "/" + opt["cert"] + ".pem")
	    s.starttls(context=c)
	    s.ehlo()
	s.command_encoding = "utf-8"
	utf8 = "" if sender.isascii() else " SMTPUTF8"
	code, text = s.docmd("MAIL", "FROM:<%s>%s" % (sender, utf8))
	if code == 250:
	    code, text = s.rcpt(opt.get("to", "us@ours.example"))
	if code == 250 and "data" in opt:
	    code, text = s.data("Subject: lab\r\n\r\nHello.\r\n")
	print(code, text.decode())
	s.quit()
	PYTHON
}

queued()
{
	local id

	id=$(smtp "$@" data)
	id=${id##* }
	wait_for 10 grep -q "qmgr\[[0-9]*\]: $id: from=" "$LAB/recv/log" || return
	sed -n "s/.*qmgr\[[0-9]*\]: $id: from=<\(.*\)>, size=.*/\1/p;T;q" \
		"$LAB/recv/log"
}
