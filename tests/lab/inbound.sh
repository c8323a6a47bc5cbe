# shellcheck shell=bash
# inbound.sh: a client that sends to the lab's own gateway; see lab.sh.
#
# smtp FROM [tls] [cert=NAME] [to=ADDRESS] [client=ADDRESS] [old]
#	the reply to RCPT TO, or to MAIL FROM if that is refused
#
# The server is $inbound_server, the client $inbound_client.

# shellcheck disable=SC2154 # both come from the caller
smtp()
{
	timeout 60 python3 - "$LAB/pki" "$inbound_server" "$inbound_client" \
		"$@" <<-'PYTHON'
	import smtplib, ssl, sys
	pki, server, client, sender = sys.argv[1:5]
	opt = dict(a.partition("=")[::2] for a in sys.argv[5:])
	s = smtplib.SMTP(source_address=(opt.get("client", client), 0),
	    local_hostname="client.example")
	s._host = "mx.ours.example" # for SNI
	s.connect(server, 25)
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
	print(code, text.decode())
	s.quit()
	PYTHON
}
